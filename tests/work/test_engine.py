"""The durable engine: what was enqueued is done once, also by another process than the one that died with it."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from conftest import PostgreSQL
from isocenter.domain.errors import Broken
from isocenter.service.context import Context
from isocenter.store import engine as rows
from isocenter.work import engine
from isocenter.work.engine import Engine
from sending import open_archive

# A process that takes up the work, says so, and never ends it.
HANGS = """
import sys, time
from pathlib import Path
from sending import open_archive
from isocenter.work import engine
engine.LOOK = 0.05
context = open_archive(sys.argv[1], Path(sys.argv[2]))

def hang(name):
    print(name, flush=True)
    time.sleep(600)

made = engine.Engine(context, {"note": hang})
made.enqueue("piece-1", "a", "note", "one")
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOOK", 0.05)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_piece_is_done_once_and_partitions_are_done_in_turn(context: Context) -> None:
    done: list[str] = []
    running: list[str] = []
    together: list[int] = []

    def work(name: str, number: int) -> None:
        running.append(name)
        together.append(running.count(name))
        time.sleep(0.02)
        running.remove(name)
        done.append(f"{name}{number}")

    made = Engine(context, {"work": work})
    try:
        for number in range(4):
            for name in ("a", "b"):
                made.enqueue(f"{name}-{number}", name, "work", name, number)
                made.enqueue(f"{name}-{number}", name, "work", name, number)
        assert made.has("a-3")
        until(lambda: len(done) == 8 and made.is_idle())
        assert not made.has("a-3") and not made.has("never")
        made.enqueue("a-0", "a", "work", "a", 0)  # its name was taken
        assert made.is_idle()
    finally:
        made.close(10)
    assert sorted(done) == [f"{name}{number}" for name in "ab" for number in range(4)]
    assert max(together) == 1
    if context.database.is_sqlite:
        with sqlite3.connect(engine.path(context)) as database:
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_another_process_goes_on_with_the_work_of_a_dead_one(context: Context, database_url: str, folder: Path) -> None:
    """On the same machine at once; of another machine's process when it has not been heard of for a minute."""
    command = [sys.executable, "-c", HANGS, database_url, str(folder)]
    done: list[str] = []
    variables = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "one\n"
        other = Engine(context, {"note": done.append})
        try:
            other._beaten = 0.0
            other.tend()
            assert not done  # it lives: nobody takes its work away
            dying.kill()
            dying.wait()
            other._beaten = 0.0
            other.tend()
            until(lambda: done == ["one"] and other.is_idle())
        finally:
            other.close(10)
    assert context.database.read(partial(rows.known, host=engine._host())) == []


def test_a_silent_worker_of_another_machine_is_dead_after_a_minute(sqlite_context: Context) -> None:
    database, now = sqlite_context.database, sqlite_context.clock()
    for name, host, seen in (("far", "far away", 61), ("near", "far away", 59), ("here", "here", 1), ("gone", "here", 1)):
        database.write(partial(rows.beat, executor_id=name, host=host, now=now - timedelta(seconds=seen)))
    silent = partial(rows.silent, seen_before=now - engine.DEAD, host="here", living=["here"])
    assert sorted(database.read(silent)) == ["far", "gone"]


def test_what_has_ended_is_forgotten(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    made = Engine(sqlite_context, {"work": done.append})
    try:
        for number in range(3):
            made.enqueue(f"w-{number}", "a", "work", number)
        until(lambda: len(done) == 3 and made.is_idle())
        made._beaten = 0.0
        made.tend()
        assert _kept(sqlite_context) == 3
        monkeypatch.setattr(engine, "KEEP", timedelta(seconds=-5))
        made._beaten = 0.0
        made.tend()
        assert _kept(sqlite_context) == 0
    finally:
        made.close(10)


def test_what_an_older_program_began_is_not_had_any_more(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LOOK", 600.0)
    old = Engine(sqlite_context, {"work": print})
    old.enqueue("w-1", "a", "work", 1)
    assert old.has("w-1")
    old.close(0)
    monkeypatch.setattr(engine, "VERSION", "next")
    new = Engine(sqlite_context, {"work": print})
    try:
        assert not new.has("w-1") and new.is_idle()
    finally:
        new.close(0)


def _kept(context: Context) -> int:
    with sqlite3.connect(engine.path(context)) as database:
        return int(database.execute("SELECT count(*) FROM workflow_status").fetchone()[0])


def test_an_engine_that_cannot_start_says_why_and_can_be_started_later(sqlite_context: Context) -> None:
    file = engine.path(sqlite_context)
    file.mkdir()
    for _ in range(2):
        with pytest.raises(Broken, match="the durable engine cannot be started: unable to open database file"):
            Engine(sqlite_context, {"work": print})
    file.rmdir()
    done: list[int] = []
    made = Engine(sqlite_context, {"work": done.append})
    try:
        made.enqueue("w-1", "a", "work", 7)
        until(lambda: done == [7])
    finally:
        made.close(10)


@pytest.mark.postgres
def test_work_goes_on_after_the_database_was_away(postgresql: PostgreSQL, folder: Path) -> None:
    url = postgresql.create("isocenter_template")
    context = open_archive(url, folder)
    done: list[int] = []
    made = Engine(context, {"work": done.append})
    try:
        made.enqueue("w-1", "a", "work", 1)
        until(lambda: done == [1])
        postgresql.stop()
        time.sleep(0.5)  # a few looks at a queue that is not there
        postgresql.start()
        made.enqueue("w-2", "a", "work", 2)
        until(lambda: done == [1, 2] and made.is_idle())
    finally:
        made.close(10)
        context.database.close()
        postgresql.drop(url)
