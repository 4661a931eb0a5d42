"""Engines for the two databases, the lock between writers of one SQLite file, and what a driver's error means to us."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool, QueuePool

from isocenter.domain.errors import Away, Broken, Busy, IsocenterError, NoSpace
from isocenter.store import dialect

READERS = 16  # connections kept open for reading in one process
READERS_AT_MOST = 64  # more threads than this wait for one
_WAIT_FOR_READER = 20.0  # seconds until a reader is told Busy

_MEMORY = "isocenter.memory"
KEPT = "Nothing was kept."
AGAIN = "Send it again."


def parse_url(url: str) -> URL:
    """The URL of a supported database. Raises Broken; never shows a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        hint = "Write postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME; special characters in the password as %40 and the like."
        raise Broken("the database's URL cannot be read", hint=hint) from None
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg", "postgresql"}:
        raise Broken(f"the database {parsed.drivername!r} is not supported", hint="Use sqlite:/// or postgresql+psycopg://.")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def place(url: URL) -> str:
    """What to call the database in front of people: its file, or host and name; no user, no password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "the local socket"
    return f"{url.database} on {host}{f':{url.port}' if url.port else ''}"


def reading(url: URL) -> Engine:
    """A pooled engine whose transactions are read-only and see one state of the database."""
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_size": READERS, "max_overflow": READERS_AT_MOST - READERS,
                            "pool_timeout": _WAIT_FOR_READER, "pool_use_lifo": True}
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, "BEGIN", "PRAGMA query_only=ON", **pool)
    # What is asked for are some rows out of millions: never a whole table, nor machine code for a statement of a millisecond.
    ways = "-c enable_seqscan=off -c jit=off -c max_parallel_workers_per_gather=0"
    return _postgresql(url, f"-c default_transaction_read_only=on {ways}", isolation_level="REPEATABLE READ", **pool)


def writing(url: URL) -> Engine:
    """An engine for the one writer of this process. A commit is on the disk when it returns; on SQLite after `Log.sync`."""
    if url.get_backend_name() == "sqlite":
        # 16 MB of cache: the upper pages of the indexes of a large archive. NORMAL: `Log` syncs.
        return _sqlite(url, "BEGIN IMMEDIATE", "PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-16384",
                       # 16 MB, too; a checkpoint costs two more syncs, an instance 11 pages
                       "PRAGMA journal_size_limit=67108864", "PRAGMA wal_autocheckpoint=4000",
                       poolclass=NullPool)
    return _postgresql(url, "-c synchronous_commit=on -c lock_timeout=30s -c idle_in_transaction_session_timeout=60s",
                       poolclass=NullPool)


def in_order(connection: Connection) -> None:
    """The next statements of this transaction are to go through an index in the order of the answer, and to stop when the page is
    full. PostgreSQL's planner would rather read and sort everything when it takes a key for rare."""
    connection.exec_driver_sql(_IN_ORDER)


def row_by_row(connection: Connection) -> None:
    """The next statements of this transaction are to go from each row that an index gives to the rows that belong to it."""
    connection.exec_driver_sql(_ROW_BY_ROW)


def _without(*ways: str) -> str:
    return "SELECT " + ", ".join(f"set_config('enable_{way}', 'off', true)" for way in ways)


_ROW_BY_ROW = _without("bitmapscan", "hashjoin", "mergejoin", "material")
_IN_ORDER = _without("sort", "bitmapscan", "hashjoin", "mergejoin", "material")


class _Compiler(SQLiteCompiler):
    """SQLAlchemy leaves hints out of SQLite's statements."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """INDEXED BY or NOT INDEXED, which stands behind the table."""
        return text


def _sqlite(url: URL, begin: str, *pragmas: str, **options: Any) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, **options)
    engine.dialect.statement_compiler = _Compiler

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would come too late for IMMEDIATE
        for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
                       # An index that is made for one question reads the whole table first.
                       "PRAGMA temp_store=MEMORY", "PRAGMA automatic_index=OFF", *pragmas):
            connection.execute(pragma).close()
        if not _has_log(connection):  # a file system, or memory, that cannot have a log
            connection.execute("PRAGMA synchronous=FULL").close()
        dialect.prepare(connection)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        # The driver's own cursor: every transaction begins here, and SQLAlchemy's way costs as much as an INSERT.
        connection.connection.cursor().execute(begin)

    return engine


def _postgresql(url: URL, options: str, **engine_options: Any) -> Engine:
    return create_engine(
        url,
        connect_args={
            "connect_timeout": 5,
            "application_name": "isocenter",
            "options": f"{options} -c statement_timeout=120s",
            # A host that has gone is noticed within about ten seconds instead of the kernel's fifteen minutes.
            "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10000,
            "prepare_threshold": 2,
        },
        **engine_options,
    )


class Race(Exception):
    """Somebody else was quicker, or what was remembered has changed: the same work, done again, will succeed."""


class WriterLock:
    """One writer at a time among the processes that share a SQLite file: they queue in the kernel (flock) instead of polling."""

    def __init__(self, url: URL) -> None:
        self._fd = -1
        self._threads = threading.Lock()
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
            path = Path(url.database).with_suffix(".lock")
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; waits without using the processor."""
        with self._threads:
            if self._fd < 0:
                yield
                return
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Log:
    """SQLite's write-ahead log while a connection is open. What was committed before `sync` is on the disk when it returns.

    SQLite itself would sync inside the COMMIT, when no other process may write. So it only does before a checkpoint
    (synchronous=NORMAL), and whoever has committed syncs while the next one writes already.
    """

    def __init__(self, connection: Connection) -> None:
        """To be made after the first transaction, when the file is there; nobody removes it while a connection is open."""
        self._fd = -1
        if connection.dialect.name == "sqlite" and _has_log(cast(sqlite3.Connection, connection.connection.driver_connection)):
            self._fd = os.open(f"{connection.engine.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
            _sync_name(Path(str(connection.engine.url.database)).parent)

    @property
    def is_needed(self) -> bool:
        """Whether a COMMIT is durable only after `sync`."""
        return self._fd >= 0

    def sync(self) -> None:
        """Raises OSError. Nothing to do where the COMMIT itself is durable."""
        if self.is_needed:
            os.fdatasync(self._fd)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)  # by the last one who has committed to it


def sync_log(url: URL) -> None:
    """Sync what any process has committed. Without a log the commits themselves were durable. Raises OSError."""
    if url.get_backend_name() != "sqlite":
        return
    try:
        fd = os.open(f"{url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fdatasync(fd)
    finally:
        os.close(fd)


def _sync_name(folder: Path) -> None:
    """The log may be new, and not every file system makes a name durable with its file."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _has_log(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def memory(connection: Connection) -> dict[str, Any]:
    """What handlers remember from one transaction of this connection to the next (ids of parents); every rollback forgets it."""
    return cast(dict[str, Any], connection.info.setdefault(_MEMORY, {}))


def forget(connection: Connection) -> None:
    """Something was rolled back: remembered rows may never have existed."""
    connection.info.pop(_MEMORY, None)


def original(error: BaseException) -> BaseException:
    """The driver's error inside SQLAlchemy's."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that another one may succeed."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    inner = original(error)
    if isinstance(inner, psycopg.errors.AdminShutdown | psycopg.errors.CannotConnectNow | psycopg.errors.CrashShutdown):
        return True
    return isinstance(inner, psycopg.OperationalError | psycopg.InterfaceError) and inner.sqlstate is None


def is_race(error: BaseException) -> bool:
    """Whether the same work, done again, will succeed."""
    return isinstance(
        original(error),
        Race | psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure | psycopg.errors.LockNotAvailable,
    )


def reason(error: IsocenterError) -> str:
    """The end of the first line of what the driver said, for the person at the shell; libpq names users, never a password."""
    inner = original(error.__cause__) if error.__cause__ is not None else error
    return str(inner).strip().partition("\n")[0].rpartition("failed: ")[2].rstrip(".")


def translated(error: BaseException, where: str) -> IsocenterError | None:
    """What a driver's error is to the sender; None when it is none of the database's doing. where: `place()` of the database."""
    if isinstance(error, PoolTimeout):
        return Busy("too many requests wait for the database", retry_after=5)
    inner = original(error)
    if isinstance(inner, psycopg.errors.DiskFull):
        return NoSpace("the database's disk is full", kept=KEPT, hint=AGAIN)
    if isinstance(inner, psycopg.errors.InsufficientPrivilege):  # since PostgreSQL 15 only its owner may create tables
        return Broken(f"the database {where} does not let this user do enough: {inner.diag.message_primary}", kept=KEPT,
                      hint="Make the user its owner: ALTER DATABASE ... OWNER TO ...")
    if isinstance(inner, sqlite3.OperationalError):
        return _sqlite_error(inner, where)
    if isinstance(inner, sqlite3.DatabaseError) and getattr(inner, "sqlite_errorcode", 0) & 0xFF in {
        sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
    }:
        return Broken(f"the database {where} is damaged", kept=KEPT, hint="Restore it, or make it new with `isocenter reindex`.")
    if is_lost(error) or isinstance(inner, psycopg.OperationalError):
        return Away(f"the database {where} is away", kept=KEPT, hint=AGAIN)
    return None


def _sqlite_error(error: sqlite3.OperationalError, where: str) -> IsocenterError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return NoSpace("the database's disk is full", kept=KEPT, hint=AGAIN)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Busy(f"the database {where} is locked by another program", kept=KEPT, hint=AGAIN)
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return Broken(f"the database {where} cannot be used ({error.sqlite_errorname})", kept=KEPT,
                      hint="Check the disk and the folder's permissions.")
    return None
