"""The change log: numbered, append-only, written in the transaction of what it tells.

`seq` follows the order of commits, so a reader that has seen `n` will never find a smaller number appear later. On SQLite there
is one writer at a time. On PostgreSQL a sequence alone would not do: transactions take numbers and commit in different orders,
and a reader in between would skip the slower one for ever. So changes are buffered on the connection and written as the last
statement before the COMMIT, under a transaction-level advisory lock: numbers are given and committed by one transaction at a
time. The lock is held for a SELECT, an INSERT and the COMMIT only, and always taken last, so that it is no part of a deadlock.

The rows are a chain: each one's hash covers its content and the hash of the row before, so that nobody can change, remove or move
one without `broken` finding it. Who cuts off the end is found out by a head that was noted elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Text, func, select, type_coerce

from isocenter.store.schema import change, timestamp

_LOCK = 0x69736F63  # "isoc": the advisory lock of the change log; migrations use another number
_BUFFER = "isocenter.changes"
_PAGE = 5000  # rows in memory while the chain is looked at

_NAMES = ("at", "kind", "subject", "actor", "payload")
Row = tuple[str, str, str, str, str]  # at, kind, subject, actor, payload: as they are stored


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the log."""

    seq: int
    at: datetime
    kind: str
    subject: str
    actor: str
    payload: dict[str, Any]


def append(connection: Connection, kind: str, subject: str, actor: str, payload: Mapping[str, Any] | None = None) -> None:
    """Add a change to the running transaction of `Database.write`; it gets its number at the COMMIT.

    subject: the UID, account or address it is about. actor: who did it. payload: JSON values, no patient data.
    """
    row: Row = (timestamp(datetime.now(UTC)), str(kind), subject, actor, json.dumps(payload or {}, separators=(",", ":")))
    connection.info[_BUFFER].append(row)


def since(
    connection: Connection, seq: int, limit: int = 1000, kinds: tuple[str, ...] = (), until: int | None = None
) -> list[Change]:
    """The changes after `seq`, oldest first; until: and up to this number."""
    query = select(change).where(change.c.seq > seq).order_by(change.c.seq).limit(limit)
    if kinds:
        query = query.where(change.c.kind.in_([str(kind) for kind in kinds]))
    if until is not None:
        query = query.where(change.c.seq <= until)
    rows = connection.execute(query)
    return [Change(row.seq, row.at, row.kind, row.subject, row.actor, json.loads(row.payload)) for row in rows]


def latest(connection: Connection) -> int:
    """The number of the newest change; 0 when there is none."""
    return connection.execute(select(func.max(change.c.seq))).scalar() or 0


def begin(connection: Connection) -> None:
    """Called by Database: a transaction begins, nothing is buffered."""
    connection.info[_BUFFER] = []


def mark(connection: Connection) -> int:
    """Called by Database: where the buffer stands at a savepoint."""
    return len(connection.info[_BUFFER])


def cut(connection: Connection, to: int) -> None:
    """Called by Database: a savepoint was rolled back."""
    del connection.info[_BUFFER][to:]


def flush(connection: Connection) -> None:
    """Called by Database as the last statement before COMMIT."""
    rows = connection.info[_BUFFER]
    if not rows:
        return
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "postgresql":
            cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        cursor.execute("SELECT hash FROM change WHERE hash <> '' ORDER BY seq DESC LIMIT 1")
        last = cursor.fetchone()
        cursor.executemany(_insert(connection.dialect.name), chained(last[0] if last else "", rows))
    finally:
        cursor.close()


@cache
def _insert(dialect: str) -> str:
    mark = "%s" if dialect == "postgresql" else "?"
    return f"INSERT INTO change (at, kind, subject, actor, payload, hash) VALUES ({', '.join([mark] * 6)})"


def chained(before: str, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Rows with the hash of each. before: the hash of the row before, "" at the beginning."""
    made: list[tuple[str, ...]] = []
    for row in rows:
        before = _hash(before, row)
        made.append((*row, before))
    return made


def _hash(before: str, row: Row) -> str:
    """SHA-256 of a JSON array, in hex: so that anybody can compute it."""
    return hashlib.sha256(json.dumps([before, *row], separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain says at a row. sound: its hash is that of its content and of the row before; None: it has none."""

    seq: int
    hash: str
    sound: bool | None


def links(connection: Connection, since: int = 0) -> Iterator[Link]:
    """Every row of the log after `since`, oldest first, and whether it is what was written there."""
    last = select(change.c.hash).where(change.c.seq <= since, change.c.hash != "").order_by(change.c.seq.desc()).limit(1)
    before, after = connection.execute(last).scalar() or "", since
    query = select(change.c.seq, *(type_coerce(change.c[name], Text) for name in _NAMES), change.c.hash)
    while page := connection.execute(query.where(change.c.seq > after).order_by(change.c.seq).limit(_PAGE)).all():
        for seq, *row, held in page:
            if not held:
                yield Link(seq, "", None)
                continue
            yield Link(seq, held, held == _hash(before, (row[0], row[1], row[2], row[3], row[4])))
            before = held
        after = page[-1].seq
