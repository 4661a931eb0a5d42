"""The change log: numbered, append-only, written in the transaction of what it tells.

`seq` follows the order of commits, so a reader that has seen `n` will never find a smaller number appear later. On SQLite there
is one writer at a time. On PostgreSQL a sequence alone would not do: transactions take numbers and commit in different orders,
and a reader in between would skip the slower one for ever. So changes are buffered on the connection and written as the last
statement before the COMMIT, under a transaction-level advisory lock: numbers are given and committed by one transaction at a
time. The lock is held for a SELECT, an INSERT and the COMMIT only, and always taken last, so that it is no part of a deadlock.

`study` is derived from the row (`study_of`), for finding; in rows of older programs it is NULL until `fill_studies` was there.

The rows are a chain: each one's hash covers its content and the hash of the row before, so that nobody can change, remove or move
one without `broken` finding it. Who cuts off the end is found out by a head that was noted elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, bindparam, func, select, type_coerce, update

from isocenter.domain.events import Event
from isocenter.store.schema import change, timestamp

_LOCK = 0x69736F63  # "isoc": the advisory lock of the change log; migrations use another number
_BUFFER = "isocenter.changes"
_PAGE = 5000  # rows in memory while the chain is looked at
_ASKEW = timedelta(hours=1)  # by which the clocks of nodes, and a long transaction, may set times and numbers apart

_NAMES = ("at", "kind", "subject", "actor", "payload")
_json = json.JSONEncoder(separators=(",", ":")).encode  # json.dumps would make an encoder each time
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
    row: Row = (timestamp(datetime.now(UTC)), str(kind), subject, actor, _json(payload or {}))
    connection.info[_BUFFER].append((row, study_of(str(kind), subject, payload or {})))


def study_of(kind: str, subject: str, payload: Mapping[str, Any]) -> str:
    """The Study Instance UID that a change is about, or ""."""
    study = payload.get("study")
    return str(study) if study else subject if kind.startswith("study.") and kind != Event.STUDY_SEARCHED else ""


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


def newest(connection: Connection, kind: str) -> Change | None:
    """The last row of a kind, or None."""
    row = connection.execute(select(change).where(change.c.kind == str(kind)).order_by(change.c.seq.desc()).limit(1)).first()
    return None if row is None else Change(row.seq, row.at, row.kind, row.subject, row.actor, json.loads(row.payload))


def latest(connection: Connection) -> int:
    """The number of the newest change; 0 when there is none."""
    return connection.execute(select(func.max(change.c.seq))).scalar() or 0


def head(connection: Connection) -> tuple[int, str]:
    """Number and hash of the newest row that has a hash; (0, "") when there is none."""
    query = select(change.c.seq, change.c.hash).where(change.c.hash != "").order_by(change.c.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (row.seq, row.hash) if row else (0, "")


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
        hashed = chained(last[0] if last else "", [row for row, _ in rows])
        studies = (study for _, study in rows)
        cursor.executemany(_insert(connection.dialect.name), [(*row, study) for row, study in zip(hashed, studies, strict=True)])
    finally:
        cursor.close()


@cache
def _insert(dialect: str) -> str:
    mark = "%s" if dialect == "postgresql" else "?"
    return f"INSERT INTO change (at, kind, subject, actor, payload, hash, study) VALUES ({', '.join([mark] * 7)})"


def chained(before: str, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Rows with the hash of each. before: the hash of the row before, "" at the beginning."""
    made: list[tuple[str, ...]] = []
    for row in rows:
        before = _hash(before, row)
        made.append((*row, before))
    return made


def _hash(before: str, row: Row) -> str:
    """SHA-256 of a JSON array, in hex: so that anybody can compute it."""
    return hashlib.sha256(_json([before, *row]).encode()).hexdigest()


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
    query = select(change.c.seq, *(type_coerce(change.c[name], Text) for name in _NAMES), change.c.hash, change.c.study)
    while page := connection.execute(query.where(change.c.seq > after).order_by(change.c.seq).limit(_PAGE)).all():
        for seq, *row, held, study in page:
            if not held:
                yield Link(seq, "", None)
                continue
            sound = held == _hash(before, (row[0], row[1], row[2], row[3], row[4]))
            # A row that is filed under another study would not be found under its own.
            filed = study is None or study == study_of(row[1], row[2], json.loads(row[4]) if sound else {})
            yield Link(seq, held, sound and filed)
            before = held
        after = page[-1].seq


# ---- finding


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are looked for; what is None matters not. studies: about one of these. since, until: of their times."""

    studies: tuple[str, ...] | None = None
    actor: str | None = None
    kinds: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


def search(connection: Connection, wanted: Wanted, before: int | None, limit: int) -> list[Change]:
    """The rows that are wanted, newest first; before: only those with a smaller number."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.studies is not None:
        conditions.append(change.c.study.in_(wanted.studies))
    if wanted.actor is not None:
        conditions.append(change.c.actor == wanted.actor)
    if wanted.kinds is not None:
        conditions.append(change.c.kind.in_(wanted.kinds))
    if wanted.since is not None:
        conditions += [change.c.seq >= _from(connection, wanted.since), change.c.at >= wanted.since]
    if wanted.until is not None:
        conditions += [change.c.seq <= _from(connection, wanted.until + _ASKEW), change.c.at < wanted.until]
    if before is not None:
        conditions.append(change.c.seq < before)
    rows = connection.execute(select(change).where(*conditions).order_by(change.c.seq.desc()).limit(limit))
    return [Change(row.seq, row.at, row.kind, row.subject, row.actor, json.loads(row.payload)) for row in rows]


def _from(connection: Connection, at: datetime) -> int:
    """A number before which there is no row of that time or later: numbers follow the times but for `_ASKEW`."""
    low, high = 1, latest(connection) + 1
    query = select(change.c.seq, change.c.at).where(change.c.seq >= bindparam("middle")).order_by(change.c.seq).limit(1)
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(query, {"middle": middle}).first()
        if row is None or row.at >= at - _ASKEW:
            high = middle
        else:
            low = row.seq + 1
    return low


def fill_studies(connection: Connection, limit: int = 1000) -> int:
    """File rows of older programs under their studies; how many: less than `limit` when that was all."""
    rows = connection.execute(select(change).where(change.c.study.is_(None)).order_by(change.c.seq).limit(limit)).all()
    for row in rows:
        study = study_of(row.kind, row.subject, json.loads(row.payload))
        connection.execute(update(change).where(change.c.seq == row.seq).values(study=study))
    return len(rows)


def has_unfiled(connection: Connection) -> bool:
    """Whether `fill_studies` would find something: a look into an index."""
    return connection.execute(select(change.c.seq).where(change.c.study.is_(None)).limit(1)).first() is not None
