"""What is on one node's disk only and must be copied into the object store: rows, written with the instances they are of.

    add, insert   rows                                 claim, again, done   for those who copy: `due_at` is a lease
    waiting       those of some keys                   figures, nodes       how many there are, and since when
`Ledger` is what `blobs_s3` needs of them. A row that is left of an upload that was done costs a look into the store, no more.
"""

import logging
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from isocenter.domain.errors import IsocenterError
from isocenter.store import rows
from isocenter.store.database import Database
from isocenter.store.schema import timestamp
from isocenter.store.schema_uploads import upload

log = logging.getLogger(__name__)

# Bytes a second at which an upload is expected at the least: what a lease is measured by.
SLOWEST = 1 << 20
LEASE = timedelta(seconds=30)
GATHER = 0.1  # seconds in which finished uploads are gathered for one transaction
_AT_ONCE = 500

_NAMES = ("key", "node", "sha256", "size", "added_at", "due_at")


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes to be copied. node: on whose disk they are; attempts: that were begun."""

    key: str
    node: str
    sha256: str
    size: int
    attempts: int = 0


def lease(each: Iterable[Upload]) -> timedelta:
    """How long copying them may take before somebody else begins again; both would write the same bytes."""
    return LEASE + timedelta(seconds=sum(one.size for one in each) / SLOWEST)


def insert(cursor: Any, mark: str, added: Iterable[tuple[Upload, datetime, datetime]]) -> None:
    """Rows, by the driver's cursor: (upload, now, when it is due). In order of keys, as all writers of several rows."""
    made = [
        (each.key, each.node, each.sha256, each.size, timestamp(now), timestamp(due))
        for each, now, due in sorted(added, key=lambda one: one[0].key)
    ]
    if made:
        cursor.executemany(f"{rows.insert(upload, _NAMES, mark)} ON CONFLICT (key) DO NOTHING", made)


def add(connection: Connection, each: Upload, now: datetime, due: datetime) -> None:
    """One row, unless it is there."""
    cursor = connection.connection.cursor()
    try:
        insert(cursor, rows.mark(connection), [(each, now, due)])
    finally:
        cursor.close()


def waiting(connection: Connection, keys: Collection[str]) -> list[Upload]:
    """The uploads of some keys that are not done."""
    columns = (upload.c.key, upload.c.node, upload.c.sha256, upload.c.size, upload.c.attempts)
    return [Upload(*row) for row in connection.execute(select(*columns).where(upload.c.key.in_(keys)))]


def is_due(connection: Connection, node: str, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle node writes nothing."""
    due = select(upload.c.key).where(upload.c.node == node, upload.c.due_at <= now).limit(1)
    return connection.execute(due).first() is not None


def claim(connection: Connection, node: str, now: datetime, limit: int) -> list[Upload]:
    """Take up to `limit` uploads of a node that are due, the oldest first. `due_at` becomes the end of their leases."""
    columns = (upload.c.key, upload.c.node, upload.c.sha256, upload.c.size, upload.c.attempts)
    due = (
        select(*columns).where(upload.c.node == node, upload.c.due_at <= now).order_by(upload.c.due_at).limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has one writer and leaves this out
    )  # fmt: skip
    found = [Upload(*row) for row in connection.execute(due)]
    until = now + lease(found)
    for start in range(0, len(found), _AT_ONCE):
        keys = [each.key for each in found[start : start + _AT_ONCE]]
        connection.execute(
            update(upload).where(upload.c.key.in_(keys)).values(due_at=until, attempts=upload.c.attempts + 1)
        )
    return found


def again(connection: Connection, keys: Collection[str], at: datetime) -> None:
    """They could not be copied: to be tried at `at`."""
    connection.execute(update(upload).where(upload.c.key.in_(keys)).values(due_at=at))


def restarted(connection: Connection, node: str, now: datetime) -> None:
    """A node begins: whoever held its leases is dead. (Where one still lives, an object is copied twice.)"""
    connection.execute(update(upload).where(upload.c.node == node, upload.c.due_at > now).values(due_at=now))


def done(connection: Connection, keys: Sequence[str]) -> None:
    """They are in the object store."""
    for start in range(0, len(keys), _AT_ONCE):
        connection.execute(delete(upload).where(upload.c.key.in_(sorted(keys[start : start + _AT_ONCE]))))


def figures(connection: Connection) -> tuple[int, datetime | None]:
    """How many uploads of all nodes are not done, and when the oldest of them was added."""
    count, oldest = connection.execute(select(func.count(), func.min(upload.c.added_at))).one()
    return int(count), oldest


@dataclass(frozen=True, slots=True)
class Node:
    """What is on the disk of a node only."""

    name: str
    objects: int
    size: int
    oldest: datetime


def nodes(connection: Connection) -> list[Node]:
    """The nodes that have something to upload, by name."""
    query = (
        select(upload.c.node, func.count(), func.sum(upload.c.size), func.min(upload.c.added_at))
        .group_by(upload.c.node).order_by(upload.c.node)
    )  # fmt: skip
    return [Node(name, int(count), int(size), oldest) for name, count, size, oldest in connection.execute(query)]


def forget(connection: Connection, node: str) -> int:
    """The disk of a node is lost: nobody waits for it any more. Returns for how many objects."""
    return int(connection.execute(delete(upload).where(upload.c.node == node)).rowcount)


class Ledger:
    """The uploads as `blobs_s3` sees them. Those that are done leave the table soon, many in a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done: list[str] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def is_waiting(self, key: str) -> bool:
        """Whether the bytes are on the disk of a node only."""
        return bool(self._database.read(partial(waiting, keys=(key,))))

    def done(self, key: str) -> None:
        """Note that an upload is done; does not wait."""
        with self._lock:
            self._done.append(key)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="uploads-done", daemon=True)
                self._thread.start()
        self._wake.set()

    def flush(self) -> None:
        """Write what was noted. When that fails it stays noted."""
        with self._lock:
            keys, self._done = self._done, []
        if not keys:
            return
        try:
            self._database.write(partial(done, keys=keys))
        except IsocenterError as error:
            log.warning("finished uploads could not be noted yet", extra={"facts": {"kind": error.kind.value}})
            with self._lock:
                self._done += keys

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(GATHER)
            self.flush()
