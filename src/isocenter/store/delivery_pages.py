"""The queue as people see it: deliveries with counts, and what became of each instance. Plain functions over a Connection."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from isocenter.domain.access import Scope
from isocenter.domain.delivery import InstanceState, State
from isocenter.store import visible
from isocenter.store.schema import study
from isocenter.store.schema_routing import delivery, delivery_instance, destination


@dataclass(frozen=True, slots=True)
class Seen:
    """A delivery as people see it. study: keyword -> text, empty when the study is not held any more."""

    id: int
    study_instance_uid: str
    destination: str
    route: str
    state: State
    reason: str
    attempts: int
    instances: int
    sent: int
    failed: int
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    study: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeenInstance:
    """An instance of a delivery. status: what the destination answered last; 0 also when it was not asked."""

    sop_instance_uid: str
    state: InstanceState
    status: int
    reason: str
    attempts: int


def page(
    connection: Connection, *, state: State | None, destination_name: str | None, study_uid: str | None, limit: int,
    before: int | None, scope: Scope,
) -> list[Seen]:
    """Deliveries, the ones that changed last first. before: continue after the delivery of this number."""  # fmt: skip
    query = _seen().order_by(delivery.c.updated_at.desc(), delivery.c.id.desc()).limit(limit)
    query = query.where(visible.told(connection, delivery.c.study_instance_uid, scope))
    if state is not None:
        query = query.where(delivery.c.state == state)
    if destination_name is not None:
        query = query.where(destination.c.name == destination_name)
    if study_uid is not None:
        query = query.where(delivery.c.study_instance_uid == study_uid)
    if before is not None:
        at = select(delivery.c.updated_at).where(delivery.c.id == before).scalar_subquery()
        query = query.where(or_(delivery.c.updated_at < at, and_(delivery.c.updated_at == at, delivery.c.id < before)))
    return _with_counts(connection, list(connection.execute(query)))


def get(connection: Connection, delivery_id: int, scope: Scope) -> Seen | None:
    """One delivery; None also when it is of a study that the scope does not cover."""
    query = _seen().where(delivery.c.id == delivery_id, visible.told(connection, delivery.c.study_instance_uid, scope))
    return next(iter(_with_counts(connection, list(connection.execute(query)))), None)


_STUDY = {
    "PatientName": study.c.patient_name, "PatientID": study.c.patient_id, "StudyDate": study.c.study_date,
    "StudyDescription": study.c.study_description,
}  # fmt: skip


def _seen() -> Select[Any]:
    columns = [delivery.c[name] for name in ("id", "study_instance_uid", "route", "state", "reason", "attempts", "created_at",
                                             "updated_at", "due_at")]  # fmt: skip
    return (
        select(*columns, destination.c.name.label("destination"), *(column.label(name) for name, column in _STUDY.items()))
        .join(destination, destination.c.id == delivery.c.destination_fk)
        .outerjoin(study, study.c.study_instance_uid == delivery.c.study_instance_uid)
    )


def _with_counts(connection: Connection, rows: list[Row[Any]]) -> list[Seen]:
    table = delivery_instance
    counted: dict[int, dict[str, int]] = defaultdict(dict)
    query = select(table.c.delivery_fk, table.c.state, func.count()).group_by(table.c.delivery_fk, table.c.state)
    for delivery_id, state, count in connection.execute(query.where(table.c.delivery_fk.in_([row.id for row in rows]))):
        counted[delivery_id][state] = count
    seen = []
    for row in rows:
        counts, values = counted[row.id], row._asdict()
        facts = {name: values.pop(name) or "" for name in _STUDY}
        values |= {"state": State(row.state), "instances": sum(counts.values()), "study": facts}
        values |= {"sent": counts.get(InstanceState.SENT, 0), "failed": counts.get(InstanceState.FAILED, 0)}
        seen.append(Seen(**values))
    return seen


def instances(connection: Connection, delivery_id: int, limit: int) -> list[SeenInstance]:
    """The instances of a delivery, those that have not arrived first."""
    table = delivery_instance
    order = (table.c.state == InstanceState.SENT, table.c.sop_instance_uid)
    query = select(table.c.sop_instance_uid, table.c.state, table.c.status, table.c.reason, table.c.attempts)
    found = connection.execute(query.where(table.c.delivery_fk == delivery_id).order_by(*order).limit(limit))
    return [SeenInstance(uid, InstanceState(state), *rest) for uid, state, *rest in found]


def counts(connection: Connection, scope: Scope) -> dict[str, dict[State, int]]:
    """How many deliveries of the scope's studies there are of each destination and state."""
    columns = (destination.c.name, delivery.c.state)
    query = select(*columns, func.count()).select_from(destination).join(delivery).group_by(*columns)
    query = query.where(visible.told(connection, delivery.c.study_instance_uid, scope))
    found: dict[str, dict[State, int]] = defaultdict(dict)
    for name, state, count in connection.execute(query):
        found[name][State(state)] = count
    return found


def figures(connection: Connection) -> tuple[int, int]:
    """How many deliveries are on their way, and how many were given up."""
    wanted = (State.WAITING, State.QUEUED, State.SENDING, State.FAILED)
    query = select(delivery.c.state, func.count()).where(delivery.c.state.in_(wanted)).group_by(delivery.c.state)
    found = {State(state): int(count) for state, count in connection.execute(query)}
    given_up = found.pop(State.FAILED, 0)
    return sum(found.values()), given_up


def failed_ids(connection: Connection, destination_name: str | None, scope: Scope) -> list[int]:
    """The deliveries that were given up."""
    query = select(delivery.c.id).where(delivery.c.state == State.FAILED).order_by(delivery.c.id)
    query = query.where(visible.told(connection, delivery.c.study_instance_uid, scope))
    if destination_name is not None:
        query = query.join(destination).where(destination.c.name == destination_name)
    return list(connection.execute(query).scalars())
