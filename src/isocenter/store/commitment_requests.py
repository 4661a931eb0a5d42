"""What peers were asked to commit to: rows that stay, so that a person sees which copies elsewhere are safe.

    due -> asked -> committed | failed | given_up      asked is due again when no report comes
Plain functions over a Connection.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from isocenter.store import leases
from isocenter.store.commitment import Reference
from isocenter.store.schema import commitment_request as table
from isocenter.store.schema import instance, series, study

State = Literal["due", "asked", "committed", "failed", "given_up"]
OPEN: tuple[State, ...] = ("due", "asked")


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """One request to a peer. reason: why it is not committed, or was not asked yet. failed: of the references."""

    id: int
    transaction_uid: str
    peer_aet: str
    state: State
    reason: str
    references: tuple[Reference, ...]
    created_at: datetime
    asked_at: datetime | None
    answered_at: datetime | None
    attempts: int

    @property
    def failed(self) -> int:
        """How many instances the peer does not commit to."""
        return sum(each.failure != 0 for each in self.references)


_COLUMNS = [table.c[name] for name in CommitmentRequest.__slots__ if name != "references"] + [table.c.refs]


def add(
    connection: Connection, *, transaction_uid: str, peer_aet: str, references: Sequence[Reference], at: datetime,
    due_at: datetime,
) -> int:  # fmt: skip
    """Remember that a peer is to be asked at a time; the id of the request."""
    values = {"transaction_uid": transaction_uid, "peer_aet": peer_aet, "refs": _text(references), "state": "due"}
    made = insert(table).values(**values, created_at=at, due_at=due_at).returning(table.c.id)
    return int(connection.execute(made).scalar_one())


def grow(connection: Connection, request_id: int, *, references: Sequence[Reference], due_at: datetime) -> bool:
    """More has been sent, which it is to ask for at a time. False: it is put already."""
    unasked = _of(request_id).where(table.c.state == "due", table.c.attempts == 0)
    return connection.execute(unasked.values(refs=_text(references), due_at=due_at)).rowcount > 0


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, table, _due(now))


def claim(connection: Connection, now: datetime, lease: timedelta) -> CommitmentRequest | None:
    """Take the request that has been due for longest and that nobody else works on."""
    for row in leases.take(connection, table, _due(now), now + lease, columns=_COLUMNS):
        return _request(row, attempts=row.attempts + 1)
    return None


def asked(connection: Connection, request_id: int, *, transaction_uid: str, at: datetime, due_at: datetime) -> None:
    """The peer is asked under this Transaction UID now; due again at `due_at`, unless a report comes first."""
    values = {"state": "asked", "transaction_uid": transaction_uid, "asked_at": at, "due_at": due_at, "reason": ""}
    connection.execute(_of(request_id).where(table.c.state.in_(OPEN)).values(values))


def free(connection: Connection, request_id: int, *, due_at: datetime) -> None:
    """The peer has taken it; what it waits for now is the report."""
    leases.give_back(connection, table, table.c.id == request_id, due_at=due_at)


def again(connection: Connection, request_id: int, *, reason: str, due_at: datetime) -> None:
    """The peer could not be asked: try again at `due_at`."""
    mine = (table.c.id == request_id, table.c.state.in_(OPEN))
    leases.give_back(connection, table, *mine, state="due", reason=reason, due_at=due_at)


def settle(
    connection: Connection, request_id: int, *, state: State, reason: str, references: Sequence[Reference], at: datetime
) -> None:
    """The end of it: what the peer reported, or that it was given up."""
    ended = {"state": state, "reason": reason, "refs": _text(references), "answered_at": at}
    leases.give_back(connection, table, table.c.id == request_id, **ended)


def reopen(connection: Connection, request_id: int, *, transaction_uid: str, at: datetime) -> bool:
    """Ask once more, now. False: there is no such request, or it is open."""
    values = {"state": "due", "transaction_uid": transaction_uid, "due_at": at, "created_at": at, "attempts": 0, "reason": "",
              "asked_at": None, "answered_at": None}
    return leases.give_back(connection, table, table.c.id == request_id, table.c.state.not_in(OPEN), **values)


def of_transaction(connection: Connection, transaction_uid: str) -> CommitmentRequest | None:
    """The request that a report answers."""
    row = connection.execute(select(*_COLUMNS).where(table.c.transaction_uid == transaction_uid)).one_or_none()
    return _request(row) if row else None


def get(connection: Connection, request_id: int) -> CommitmentRequest | None:
    """The request of an id."""
    row = connection.execute(select(*_COLUMNS).where(table.c.id == request_id)).one_or_none()
    return _request(row) if row else None


def page(connection: Connection, *, states: Sequence[str] = (), limit: int, before_id: int | None) -> list[CommitmentRequest]:
    """Requests, newest first. before_id: continue after the one with this id."""
    query = select(*_COLUMNS).order_by(table.c.id.desc()).limit(limit)
    if states:
        query = query.where(table.c.state.in_(list(states)))
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return [_request(row) for row in connection.execute(query)]


def forget(connection: Connection, before: datetime) -> int:
    """Remove what was settled before a time; how many."""
    return connection.execute(delete(table).where(table.c.answered_at < before, table.c.state.not_in(OPEN))).rowcount


def study_of(connection: Connection, sop_instance_uid: str) -> tuple[int, str] | None:
    """(id, Study Instance UID) of the study of an instance that is here."""
    query = (
        select(study.c.id, study.c.study_instance_uid)
        .join(series, series.c.study_fk == study.c.id)
        .join(instance, instance.c.series_fk == series.c.id)
        .where(instance.c.sop_instance_uid == sop_instance_uid, instance.c.current)
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return (row.id, row.study_instance_uid) if row else None


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(table.c.state.in_(OPEN), leases.due(table, now))


def _of(request_id: int) -> Any:
    return update(table).where(table.c.id == request_id)


def _request(row: Row[Any], **changed: Any) -> CommitmentRequest:
    values: dict[str, Any] = row._asdict()
    values["references"] = tuple(Reference(*each) for each in json.loads(values.pop("refs")))
    return CommitmentRequest(**{**values, **changed})


def _text(references: Iterable[Reference]) -> str:
    rows = [(each.sop_class_uid, each.sop_instance_uid, each.failure) for each in references]
    return json.dumps(rows, separators=(",", ":"))
