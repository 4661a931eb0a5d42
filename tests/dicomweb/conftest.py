"""Fixtures of the DICOMweb tests."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import archive
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


@pytest.fixture(scope="module")
def shared_client() -> Iterator[Client]:
    """DICOMweb over an archive on SQLite that the tests of a module share, each with its own objects; so do they its pool."""
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner() as runner,
        archive(f"sqlite:///{folder}/index.sqlite", Path(folder)) as context,
    ):
        yield Client(context, runner)


@pytest.fixture
def both_clients(context: Context, runner: asyncio.Runner) -> Client:
    """DICOMweb over an empty archive, once on SQLite and once on PostgreSQL."""
    return Client(context, runner)
