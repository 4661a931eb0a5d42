"""The API in process, on each database; see api_harness."""

import pytest

from api_harness import Api
from isocenter.service.context import Context


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api(context: Context) -> Api:
    """The API on each database."""
    return Api(context)


@pytest.fixture
def sqlite_api(sqlite_context: Context) -> Api:
    """The API on SQLite, for what is not about the database."""
    return Api(sqlite_context)
