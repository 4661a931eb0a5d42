"""openapi.json in foreign hands: schemathesis makes requests of all kinds out of it, right and wrong, and holds each answer
against it: no server error, no status, type or shape that is not described, nothing wrong accepted."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS
from servers import Server, running

STREAMS = {"/events", "/changes/stream"}  # which do not end
OPERATIONS = [(row.method, row.path) for row in ENDPOINTS if row.path not in STREAMS]
EXAMPLES = 10
# Wrong keys are throttled, as they should be; tests/api/test_routes.py asks every route without one. And what a schema cannot
# say (a name that must be known, a UID, an hour) is refused with 400, which each operation describes.
OTHERWISE = [ignored_auth, positive_data_acceptance]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("openapi") / "archive") as started:
        yield started


@pytest.fixture(scope="module")
def description(server: Server) -> BaseSchema:
    load_all_checks()
    return schemathesis.openapi.from_url(f"{server.url}{PREFIX}/openapi.json")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(row) for row in OPERATIONS])
def test_every_operation_does_what_it_says(method: str, path: str, server: Server, description: BaseSchema) -> None:
    operation: APIOperation = description[path][method]

    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
              phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(auth=(server.user, server.password), timeout=60, excluded_checks=OTHERWISE)

    holds()
