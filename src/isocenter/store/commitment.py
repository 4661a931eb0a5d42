"""Requests for storage commitment: rows with leases, until each has been answered. Plain functions over a Connection."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, or_, select, update

from isocenter.store.schema import instance, storage_commitment

# As many UIDs go into one statement.
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Reference:
    """One instance as the peer names it. failure: (0008,1197), 0 when it is committed."""

    sop_class_uid: str
    sop_instance_uid: str
    failure: int = 0


@dataclass(frozen=True, slots=True)
class Commitment:
    """A request. references: as judged when `judged`, else as asked."""

    id: int
    transaction_uid: str
    peer_aet: str
    references: tuple[Reference, ...]
    judged: bool
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Held:
    """One version of an instance that is held."""

    sop_instance_uid: str
    sop_class_uid: str
    blob_key: str
    sha256: str


def add(
    connection: Connection, *, transaction_uid: str, peer_aet: str, references: Sequence[Reference], at: datetime,
    lease: timedelta,
) -> int:  # fmt: skip
    """Remember a request, due now, on which the caller works first; its id.

    The same transaction again replaces the earlier: the peer wants to be told once more.
    """
    table = storage_commitment
    connection.execute(delete(table).where(table.c.peer_aet == peer_aet, table.c.transaction_uid == transaction_uid))
    values = {"transaction_uid": transaction_uid, "peer_aet": peer_aet, "refs": _text(references), "judged": False}
    made = insert(table).values(**values, received_at=at, due_at=at, lease_until=at + lease).returning(table.c.id)
    return int(connection.execute(made).scalar_one())


def claim(connection: Connection, now: datetime, lease: timedelta) -> Commitment | None:
    """Take the request that has been due for longest and that nobody else works on."""
    table = storage_commitment
    # SQLite has one writer and leaves FOR UPDATE out.
    due = select(table).where(_due(now)).order_by(table.c.due_at).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(due).one_or_none()
    if row is None:
        return None
    taken = {"lease_until": now + lease, "attempts": row.attempts + 1}
    connection.execute(update(table).where(table.c.id == row.id).values(taken))
    return _commitment(row, row.attempts + 1)


def get(connection: Connection, commitment_id: int) -> Commitment | None:
    """The request of an id; None when it has been answered."""
    row = connection.execute(select(storage_commitment).where(storage_commitment.c.id == commitment_id)).one_or_none()
    return _commitment(row, row.attempts) if row else None


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return connection.execute(select(storage_commitment.c.id).where(_due(now)).limit(1)).first() is not None


def extend(connection: Connection, commitment_id: int, until: datetime) -> None:
    """The work goes on: nobody else is to take it before `until`."""
    connection.execute(_of(commitment_id).values(lease_until=until))


def judged(connection: Connection, commitment_id: int, references: Sequence[Reference]) -> None:
    """Keep what was found out about the instances, so that it is only told again when telling fails."""
    connection.execute(_of(commitment_id).values(refs=_text(references), judged=True))


def again(connection: Connection, commitment_id: int, at: datetime) -> None:
    """The peer could not be told: try again at `at`."""
    connection.execute(_of(commitment_id).values(due_at=at, lease_until=None))


def done(connection: Connection, commitment_id: int) -> None:
    """Nothing more is to be done about it."""
    connection.execute(delete(storage_commitment).where(storage_commitment.c.id == commitment_id))


def held(connection: Connection, sop_instance_uids: Iterable[str]) -> list[Held]:
    """Every version of these instances, at most TOGETHER."""
    columns = (instance.c.sop_instance_uid, instance.c.sop_class_uid, instance.c.blob_key, instance.c.sha256)
    query = select(*columns).where(instance.c.sop_instance_uid.in_(list(sop_instance_uids)))
    return [Held(*row) for row in connection.execute(query)]


def _commitment(row: Row[Any], attempts: int) -> Commitment:
    references = tuple(Reference(*each) for each in json.loads(row.refs))
    return Commitment(row.id, row.transaction_uid, row.peer_aet, references, row.judged, row.received_at, attempts)


def _due(now: datetime) -> ColumnElement[bool]:
    table = storage_commitment
    return and_(table.c.due_at <= now, or_(table.c.lease_until.is_(None), table.c.lease_until < now))


def _of(commitment_id: int) -> Any:
    return update(storage_commitment).where(storage_commitment.c.id == commitment_id)


def _text(references: Iterable[Reference]) -> str:
    rows = [(each.sop_class_uid, each.sop_instance_uid, each.failure) for each in references]
    return json.dumps(rows, separators=(",", ":"))
