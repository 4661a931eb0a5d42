"""Fixtures of the DICOMweb tests."""

import asyncio
from collections.abc import Iterator

import pytest

from dicomweb.in_process import Client
from isocenter.service.context import Context


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def client(sqlite_context: Context, runner: asyncio.Runner) -> Client:
    """DICOMweb over an empty archive on SQLite."""
    return Client(sqlite_context, runner)


@pytest.fixture
def both_clients(context: Context, runner: asyncio.Runner) -> Client:
    """DICOMweb over an empty archive, once on SQLite and once on PostgreSQL."""
    return Client(context, runner)
