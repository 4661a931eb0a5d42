"""The worker's rounds, on both databases: what has gone quiet is built, what has expired is swept away."""

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Table, func, select

import objects
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Busy, Unauthenticated
from isocenter.service import accounts, ingest, sessions
from isocenter.service.context import Context
from isocenter.store import schema
from isocenter.work import sweeps

PASSWORD = "a sentence of several words"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(context: Context, clock: Clock) -> Context:
    """An archive with a clock of ours, and passwords that cost nothing."""
    made = replace(context, settings=replace(context.settings, argon2_memory_kib=64, argon2_passes=1), clock=clock)
    accounts.ensure_admin(made, PASSWORD)
    return made


def count(context: Context, table: Table) -> int:
    return context.database.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_failed_logins_are_forgotten_with_nobody_trying_again(archive: Context, clock: Clock) -> None:
    for number in range(3):
        with pytest.raises(Unauthenticated):
            sessions.begin(archive, f"guess-{number}", "wrong", f"198.51.100.{number}")
    assert count(archive, schema.login_attempt) == 6  # three names, three addresses
    clock.now += timedelta(minutes=59)
    sweeps.keep_house(archive)
    assert count(archive, schema.login_attempt) == 6
    clock.now += timedelta(minutes=2)
    sweeps.keep_house(archive)
    assert count(archive, schema.login_attempt) == 0


def test_a_sweep_shortens_nobodys_delay(archive: Context, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            sessions.begin(archive, "admin", "wrong", "198.51.100.1")
    sweeps.keep_house(archive)
    with pytest.raises(Busy):
        sessions.begin(archive, "admin", PASSWORD, "198.51.100.1")


def test_a_later_failure_begins_to_count_anew_without_a_sweep(archive: Context, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            sessions.begin(archive, "admin", "wrong", "198.51.100.1")
    clock.now += timedelta(minutes=61)
    with pytest.raises(Unauthenticated):
        sessions.begin(archive, "admin", "wrong", "198.51.100.1")
    assert sessions.begin(archive, "admin", PASSWORD, "198.51.100.1").principal.name == "admin"


def test_sessions_that_have_ended_are_swept(archive: Context, clock: Clock) -> None:
    sessions.begin(archive, "admin", PASSWORD, "127.0.0.1")
    clock.now += timedelta(minutes=10)
    fresh = sessions.begin(archive, "admin", PASSWORD, "127.0.0.1")
    clock.now += timedelta(minutes=10)
    sweeps.keep_house(archive)
    assert count(archive, schema.session) == 1
    assert sessions.resume(archive, fresh.secret, "127.0.0.1").name == "admin"


def test_what_a_dead_process_left_in_incoming_is_swept(archive: Context) -> None:
    left = archive.settings.data / "incoming" / f"{os.getpid()}-{'a' * 32}.part"
    left.write_bytes(b"half an object")
    sweeps.keep_house(archive)
    assert not left.exists()


def test_a_series_that_has_gone_quiet_gets_its_document(archive: Context, clock: Clock) -> None:
    with ingest.begin(archive, SYSTEM, source="import") as reception:
        reception.write(objects.part10())
        reception.finish()
    stop = threading.Event()
    assert sweeps.build_due(archive, stop) == 0  # it is not quiet yet
    clock.now += timedelta(seconds=archive.settings.series_quiet_seconds + 1)
    assert sweeps.build_due(archive, stop) == 1
    assert count(archive, schema.series_dirty) == 0 and sweeps.build_due(archive, stop) == 0
    assert [path for path in (archive.settings.data / "derived").rglob("*") if path.is_file()]


def test_rounds_end_when_they_are_told_to(archive: Context) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=partial(sweeps.run, archive, stop))
    worker.start()
    stop.set()
    worker.join(10)
    assert not worker.is_alive()
