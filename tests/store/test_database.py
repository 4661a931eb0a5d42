"""Transactions: groups, isolation of failures, a database that goes away, is full, is too new."""

import errno
import os
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text

from conftest import PostgreSQL
from isocenter.domain.errors import Broken, Conflict, NoSpace
from isocenter.store import changes, connections, migrations
from isocenter.store.database import Database, InDoubt
from isocenter.store.schema import login_attempt, timestamp
from sending import append_changes, open_and_close, start

NOW = datetime.now(UTC)


def put(key: str):  # type: ignore[no-untyped-def]
    def work(connection: Connection) -> str:
        connection.execute(text(f"INSERT INTO login_attempt (key, failures, last_at) VALUES ('{key}', 1, '{timestamp(NOW)}')"))
        changes.append(connection, "test.put", key, "tester")
        return key

    return work


def insert_all(connection: Connection, items: Sequence[str]) -> list[str]:
    return [put(key)(connection) for key in items]


def keys(opened: Database) -> list[str]:
    return sorted(opened.read(lambda c: list(c.execute(select(login_attempt.c.key)).scalars())))


def logged(opened: Database) -> list[str]:
    return [row.subject for row in opened.read(lambda c: changes.since(c, 0))]


def test_write_returns_after_the_commit_and_read_sees_it(database: Database) -> None:
    assert database.write(put("a")) == "a"
    assert keys(database) == ["a"] and logged(database) == ["a"]


def test_what_raises_leaves_nothing(database: Database) -> None:
    def fails(connection: Connection) -> None:
        put("a")(connection)
        raise Conflict("no")

    with pytest.raises(Conflict):
        database.write(fails)
    assert keys(database) == [] and logged(database) == []


def test_one_that_fails_does_not_disturb_its_group(database: Database) -> None:
    """While a first transaction holds the door, others gather into one group; some of them fail."""
    entered, leave = threading.Event(), threading.Event()
    results: dict[str, object] = {}

    def blocks(connection: Connection) -> None:
        entered.set()
        leave.wait(20)

    def fails(connection: Connection) -> None:
        put("bad")(connection)
        raise ZeroDivisionError

    def violates(connection: Connection) -> None:
        put("k1")(connection)
        put("k1")(connection)

    def handler(connection: Connection, items):  # type: ignore[no-untyped-def]
        for item in items:
            if item == "poison":
                raise ValueError(item)
            put(item)(connection)
        return [f"{item} of {len(items)}" for item in items]

    def run(name: str, work) -> None:  # type: ignore[no-untyped-def]
        try:
            results[name] = work()
        except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
            results[name] = type(error).__name__

    jobs = {
        "first": lambda: database.write(blocks), "a": lambda: database.write(put("a")), "bad": lambda: database.write(fails),
        "twice": lambda: database.write(violates), "b": lambda: database.write(put("b")),
        **{item: lambda item=item: database.write_each(handler, item) for item in ("x", "poison", "y")},
    }
    threads = [threading.Thread(target=run, args=job) for job in jobs.items()]
    threads[0].start()
    entered.wait(20)
    for thread in threads[1:]:
        thread.start()
    while len(database._waiting) < len(jobs) - 1:
        time.sleep(0.001)
    leave.set()
    for thread in threads:
        thread.join()
    assert keys(database) == ["a", "b", "x", "y"] == sorted(logged(database))
    assert results == {"first": None, "a": "a", "bad": "ZeroDivisionError", "twice": "IntegrityError", "b": "b",
                       "x": "x of 1", "poison": "ValueError", "y": "y of 1"}


def test_items_of_one_handler_are_done_in_one_call(database: Database) -> None:
    sizes: list[int] = []

    def handler(connection: Connection, items):  # type: ignore[no-untyped-def]
        sizes.append(len(items))
        time.sleep(0.002)  # others come meanwhile
        return [item * 2 for item in items]

    results: list[int] = []
    threads = [threading.Thread(target=lambda n=n: results.append(database.write_each(handler, n))) for n in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [n * 2 for n in range(200)] and sum(sizes) == 200 and len(sizes) < 200


def test_nobody_is_answered_before_the_log_is_synced_and_others_write_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite. Also who wrote nothing waits: what it has seen may be a commit that is not on the disk yet."""
    syncing, go_on = threading.Event(), threading.Event()
    synced: list[str] = []

    def sync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}"))
        if len(synced) == 1:
            syncing.set()
            assert go_on.wait(20)

    def seen(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(login_attempt)).scalar_one()

    ours, theirs = (Database(f"sqlite:///{folder}/index.sqlite") for _ in range(2))
    try:
        monkeypatch.setattr("isocenter.store.connections.os.fdatasync", sync)
        first = threading.Thread(target=ours.write, args=(put("a"),))
        first.start()
        assert syncing.wait(20)
        assert ours.write(put("b")) == "b" and theirs.write(put("c")) == "c" and theirs.write(seen) == 3
        assert first.is_alive(), "its own sync has not ended"
        go_on.set()
        first.join(20)
        assert synced == [f"{folder}/index.sqlite-wal"] * 4
    finally:
        go_on.set()
        ours.close()
        theirs.close()


def test_a_log_that_cannot_be_synced_leaves_doubt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Database(f"sqlite:///{folder}/index.sqlite")

    def fails(fd: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr("isocenter.store.connections.os.fdatasync", fails)
    with pytest.raises(InDoubt, match="disk is gone"):
        opened.write(put("a"))
    monkeypatch.undo()
    assert opened.write(put("b")) == "b"
    opened.close()


def test_who_told_elsewhere_does_not_wait_for_the_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others see the row at once; what is to be done when it is durable is done after one sync for many, also at the close."""
    opened = Database(f"sqlite:///{folder}/index.sqlite")
    opened.write(put("first"))
    order: list[str] = []
    real = os.fdatasync

    def sync(fd: int) -> None:
        order.append("sync")
        real(fd)

    monkeypatch.setattr("isocenter.store.connections.os.fdatasync", sync)
    monkeypatch.setattr("isocenter.store.afterwards.PAUSE", 60)
    for key in ("a", "b", "c"):
        assert opened.write_each(insert_all, key, order.append) == key
    assert keys(opened) == ["a", "b", "c", "first"] and order == []
    monkeypatch.setattr("isocenter.store.afterwards.AT_MOST", 3)
    assert opened.write_each(insert_all, "d", order.append) == "d"
    assert order == ["sync", "d"], "too many wait: this one did it itself"
    opened.close()
    assert order == ["sync", "d", "sync", "a", "b", "c"]


def test_nothing_is_done_when_the_log_cannot_be_synced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told elsewhere stays told."""
    opened = Database(f"sqlite:///{folder}/index.sqlite")
    opened.write(put("first"))
    done: list[str] = []

    def fails(fd: int) -> None:
        raise OSError(errno.EIO, "the disk is gone")

    monkeypatch.setattr("isocenter.store.connections.os.fdatasync", fails)
    assert opened.write_each(insert_all, "a", done.append) == "a"
    opened.close()
    assert done == []


def test_where_the_commit_is_durable_it_is_done_at_once(postgresql: PostgreSQL) -> None:
    opened = Database(postgresql.create())
    done: list[str] = []
    assert opened.write_each(insert_all, "a", done.append) == "a" and done == ["a"]
    opened.close()


def test_a_race_begins_the_transaction_again(database: Database) -> None:
    tries: list[int] = []

    def races(connection: Connection) -> str:
        tries.append(1)
        put(f"k{len(tries)}")(connection)
        if len(tries) < 4:
            raise connections.Race
        return "done"

    assert database.write(races) == "done"
    assert keys(database) == ["k4"] == logged(database)


def test_what_was_remembered_is_forgotten_with_a_rollback(database: Database) -> None:
    def remember(connection: Connection) -> dict[str, object]:
        memory = connections.memory(connection)
        seen = dict(memory)
        memory["x"] = 1
        return seen

    def fail(connection: Connection) -> None:
        remember(connection)
        raise ValueError

    assert database.write(remember) == {} and database.write(remember) == {"x": 1}
    with pytest.raises(ValueError):
        database.write(fail)
    assert database.write(remember) == {}


def test_read_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        database.read(put("a"))
    assert keys(database) == []


def test_a_closed_database_refuses(database: Database) -> None:
    database.close()
    with pytest.raises(Broken, match="stopping"):
        database.write(put("a"))


@pytest.mark.timeout(120)
def test_a_reader_of_the_log_never_misses_a_change(database_url: str) -> None:
    """Four processes write while a reader follows by number, as the live feed does: what it has passed never gets company."""
    opened = Database(database_url)
    children = [start(append_changes, database_url, f"w{i}") for i in range(4)]
    seen: list[str] = []
    cursor, until = 0, time.monotonic() + 100
    while len(seen) < 160 and time.monotonic() < until:
        for row in opened.read(lambda c, after=cursor: changes.since(c, after, limit=7)):
            assert row.seq > cursor
            cursor = row.seq
            seen.append(row.subject)
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert sorted(seen) == sorted(f"w{i}.{n}" for i in range(4) for n in range(40))
    assert opened.read(changes.latest) == cursor
    opened.close()


def test_many_processes_may_open_a_new_database_at_once(folder: Path, postgresql: PostgreSQL) -> None:
    for url in (f"sqlite:///{folder / 'new' / 'index.sqlite'}", postgresql.create()):
        children = [start(open_and_close, url) for _ in range(4)]
        for child in children:
            child.join()
            assert child.exitcode == 0
        opened = Database(url)
        assert opened.read(migrations.revision) == migrations.HEAD
        opened.close()


def test_a_database_newer_than_the_program(database_url: str) -> None:
    opened = Database(database_url)
    opened.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    opened.close()
    beside = Database(database_url)  # a rolling upgrade: what was only added to does not stop us
    beside.write(lambda c: c.execute(text("UPDATE schema_reach SET oldest = '9998'")))
    beside.close()
    with pytest.raises(Broken, match=r"newer than this program.*9999"):
        Database(database_url)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(Broken) as raised:
        Database("postgresql+psycopg://me:secret@127.0.0.1:1/pacs")
    assert "pacs on 127.0.0.1:1 is away" in str(raised.value) and "secret" not in str(raised.value)
    with pytest.raises(Broken, match="not supported"):
        Database("mysql://me:secret@host/x")


def test_a_file_that_is_no_database(folder: Path) -> None:
    (folder / "index.sqlite").write_bytes(b"This is not a database. " * 100)
    with pytest.raises(Broken, match="damaged"):
        Database(f"sqlite:///{folder / 'index.sqlite'}")


def test_a_full_disk_is_no_space_and_nothing_is_lost(folder: Path) -> None:
    opened = Database(f"sqlite:///{folder / 'index.sqlite'}")
    opened.write(put("before"))

    def limit(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    opened.write(limit)
    with pytest.raises(NoSpace, match="disk is full"):
        opened.write(lambda c: c.execute(insert(login_attempt), [
            {"key": f"{n}" * 50, "failures": 1, "last_at": NOW}
            for n in range(5000)]))
    opened.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    opened.write(put("after"))
    assert keys(opened) == ["after", "before"]
    opened.close()


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_a_server_that_restarts(postgresql: PostgreSQL) -> None:
    """Away: Broken at once, for readers and writers. Back: everything goes on, and all that was answered is there."""
    url = postgresql.create("isocenter_template")
    opened = Database(url)
    opened.write(put("before"))
    assert keys(opened) == ["before"]
    postgresql.stop("fast")
    try:
        for _ in range(3):
            with pytest.raises(Broken, match="away"):
                opened.write(put("lost"))
            with pytest.raises(Broken, match="away"):
                keys(opened)
    finally:
        postgresql.start()
    assert opened.write(put("after")) == "after"
    assert keys(opened) == ["after", "before"] == sorted(logged(opened))
    postgresql.stop("immediate")
    postgresql.start()
    assert opened.write(put("unnoticed")) == "unnoticed"  # the dead connection is found and replaced within the call
    assert "unnoticed" in keys(opened)
    opened.close()
    postgresql.drop(url)


@pytest.mark.postgres
def test_a_connection_cut_during_the_work_is_tried_again(postgresql: PostgreSQL) -> None:
    url = postgresql.create("isocenter_template")
    opened = Database(url)
    opened.write(put("first"))
    cuts: list[int] = []

    def cut(connection: Connection) -> None:
        put("second")(connection)
        if not cuts:
            cuts.append(1)
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            postgresql.execute(f"SELECT pg_terminate_backend({pid})")
            connection.exec_driver_sql("SELECT 1")

    opened.write(cut)
    assert keys(opened) == ["first", "second"]
    opened.close()
    postgresql.drop(url)


@pytest.mark.postgres
def test_a_commit_that_breaks_is_in_doubt(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    url = postgresql.create("isocenter_template")
    opened = Database(url)
    flush = changes.flush

    def cut(connection: Connection) -> None:
        flush(connection)
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        postgresql.execute(f"SELECT pg_terminate_backend({pid})")
        time.sleep(0.1)

    monkeypatch.setattr(changes, "flush", cut)
    with pytest.raises(InDoubt, match="not known"):
        opened.write(put("x"))
    monkeypatch.undo()
    opened.write(put("y"))
    assert keys(opened) == ["y"]
    opened.close()
    postgresql.drop(url)
