"""Requests for storage commitment: rows with leases, until each has been answered. Plain functions over a Connection."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from isocenter.store import leases
from isocenter.store.schema import instance, storage_commitment

# As many UIDs go into one statement.
TOGETHER = 500
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


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
    for row in leases.take(connection, table, leases.due(table, now), now + lease):
        return _commitment(row, row.attempts + 1)
    return None


def get(connection: Connection, commitment_id: int) -> Commitment | None:
    """The request of an id; None when it has been answered."""
    row = connection.execute(select(storage_commitment).where(storage_commitment.c.id == commitment_id)).one_or_none()
    return _commitment(row, row.attempts) if row else None


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, storage_commitment, leases.due(storage_commitment, now))


def extend(connection: Connection, commitment_id: int, until: datetime) -> None:
    """The work goes on: nobody else is to take it before `until`."""
    leases.hold(connection, storage_commitment, (commitment_id,), until)


def judged(connection: Connection, commitment_id: int, references: Sequence[Reference]) -> None:
    """Keep what was found out about the instances, so that it is only told again when telling fails."""
    mine = update(storage_commitment).where(storage_commitment.c.id == commitment_id)
    connection.execute(mine.values(refs=_text(references), judged=True))


def again(connection: Connection, commitment_id: int, at: datetime) -> None:
    """The peer could not be told: try again at `at`."""
    leases.give_back(connection, storage_commitment, storage_commitment.c.id == commitment_id, due_at=at)


def give_up(connection: Connection, commitment_id: int, forget_before: datetime) -> None:
    """Try no more until somebody wants it; those that were given up long ago are forgotten."""
    table = storage_commitment
    again(connection, commitment_id, _NEVER)
    connection.execute(delete(table).where(table.c.due_at == _NEVER, table.c.received_at < forget_before))


def given_up(connection: Connection, peer_aet: str, transaction_uid: str) -> int | None:
    """The number of a request of which the peer could not be told."""
    table = storage_commitment
    of = (table.c.peer_aet == peer_aet, table.c.transaction_uid == transaction_uid, table.c.due_at == _NEVER)
    return connection.execute(select(table.c.id).where(*of)).scalar()


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


def _text(references: Iterable[Reference]) -> str:
    rows = [(each.sop_class_uid, each.sop_instance_uid, each.failure) for each in references]
    return json.dumps(rows, separators=(",", ":"))
