"""The description of the API: complete, consistent, readable without any other server; errors and schemas are total."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from api_harness import Api
from isocenter.api import errors, openapi
from isocenter.api.documents import SCHEMAS
from isocenter.api.endpoint import Door, Endpoint
from isocenter.api.routes import ENDPOINTS
from isocenter.api.schema import KNOWN, check
from isocenter.domain import errors as domain_errors
from isocenter.domain.errors import Busy, Invalid, IsocenterError, Kind

pytestmark = pytest.mark.anyio


async def test_every_route_is_described_and_nothing_else(sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        document = (await client.get("/openapi.json")).json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(row.method, row.path) for row in ENDPOINTS}
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            placed = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert placed == set(re.findall(r"\{(\w+)\}", path))
            assert operation["summary"] and operation["tags"][0] in openapi.TAGS
            assert ("security" in operation) and (operation["security"] == []) is (operation["x-needs"] == Door.PUBLIC.value)


def every(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        if "type" in schema and not isinstance(schema["type"], Mapping):
            yield schema
        for name, inner in schema.items():
            yield from every(inner if name != "enum" else None)
    elif isinstance(schema, list):
        for inner in schema:
            yield from every(inner)


def test_no_schema_says_what_is_not_checked() -> None:
    rows = [part for row in ENDPOINTS for part in (row.body, row.answer, *(p.schema for p in row.parameters)) if part]
    for schema in [*rows, *SCHEMAS.values()]:
        for each in every(schema):
            assert set(each) <= KNOWN, each


def test_every_reference_leads_somewhere() -> None:
    text = str(openapi.document(ENDPOINTS))
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) == set(SCHEMAS)


async def test_the_page_needs_nothing_from_elsewhere(sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        page = (await client.get("/docs")).text
    assert "<script" not in page and "http://" not in page and "https://" not in page and "src=" not in page
    for row in ENDPOINTS:
        assert f"<code>{row.path}</code>" in page
    for name in SCHEMAS:
        assert f"id='{name}'" in page


def test_the_table_of_errors_is_total() -> None:
    assert set(errors.STATUS) == set(Kind) == set(errors.HINTS)
    tree = [error for error in vars(domain_errors).values() if isinstance(error, type) and issubclass(error, IsocenterError)]
    assert {error.kind for error in tree} == set(Kind)


def test_an_error_tells_what_to_do() -> None:
    answer = errors.response(Busy("full", retry_after=7))
    assert answer.status_code == 429 and answer.headers["retry-after"] == "7"
    assert errors.body(Invalid("no", where="limit"))["error"]["hint"]


def test_an_endpoint_is_one_thing_or_the_other() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Endpoint(method="GET", path="/x", summary="x", tag="about", needs=Door.PUBLIC)


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (True, {"type": "integer"}, False), (1, {"type": "boolean"}, False), (None, {"type": ["string", "null"]}, True),
        ("x", {"type": "string", "minLength": 2}, False), ([1, "a"], {"type": "array", "items": {"type": "integer"}}, False),
        ({"a": 1}, {"type": "object", "properties": {}, "additionalProperties": False}, False), (1.5, {"type": "integer"}, False),
        (2, {"type": "number", "maximum": 1}, False), ({}, {"type": "object", "required": ["a"]}, False),
        ("b", {"enum": ["a"]}, False),
        ("ab", {"type": "string", "pattern": "[a-z]+"}, True), ("a1", {"type": "string", "pattern": "[a-z]+"}, False),
    ],
)  # fmt: skip
def test_what_the_schemas_say_is_checked(value: Any, schema: Mapping[str, Any], fits: bool) -> None:
    if fits:
        check(value, schema, "x", {})
    else:
        with pytest.raises(Invalid):
            check(value, schema, "x", {})
