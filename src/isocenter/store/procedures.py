"""Rows of modality performed procedure steps, and what they are done for. Plain functions over a Connection."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.orders import PerformedState
from isocenter.store.schema_orders import performed_step, scheduled_step, step_performed


@dataclass(frozen=True, slots=True)
class PerformedStep:
    """A row. content: its data set, Explicit VR Little Endian. started, ended: YYYYMMDDHHMMSS, "" when not known."""

    id: int
    sop_instance_uid: str
    state: PerformedState
    study_instance_uid: str
    performed_station_ae_title: str
    started: str
    ended: str
    instances: int
    content: bytes


_COLUMNS = [performed_step.c[name] for name in PerformedStep.__slots__]


def add(connection: Connection, *, at: datetime, **columns: Any) -> int | None:
    """Add a performed step; its id, None when its UID is taken."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(performed_step).values(**columns, created_at=at, updated_at=at)
    statement = statement.on_conflict_do_nothing(index_elements=["sop_instance_uid"]).returning(performed_step.c.id)
    found: int | None = connection.execute(statement).scalar()
    return found


def get(connection: Connection, sop_instance_uid: str, *, lock: bool = False) -> PerformedStep | None:
    """The performed step of a UID. lock: until the transaction ends nobody else gets it so."""
    query = select(*_COLUMNS).where(performed_step.c.sop_instance_uid == sop_instance_uid)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else PerformedStep(**(row._asdict() | {"state": PerformedState(row.state)}))


def change(connection: Connection, performed_id: int, *, at: datetime, **columns: Any) -> None:
    """Set columns of a performed step."""
    statement = update(performed_step).where(performed_step.c.id == performed_id)
    connection.execute(statement.values(**columns, updated_at=at))


def link(connection: Connection, performed_id: int, step_ids: Collection[int]) -> None:
    """Say for which scheduled steps it is done."""
    connection.execute(delete(step_performed).where(step_performed.c.performed_step_fk == performed_id))
    for step_id in sorted(set(step_ids)):
        connection.execute(step_performed.insert().values(scheduled_step_fk=step_id, performed_step_fk=performed_id))


def done_for(connection: Connection, performed_id: int) -> list[tuple[int, int]]:
    """(order id, step id) of the scheduled steps it is done for."""
    query = (
        select(scheduled_step.c.imaging_order_fk, scheduled_step.c.id)
        .join(step_performed, step_performed.c.scheduled_step_fk == scheduled_step.c.id)
        .where(step_performed.c.performed_step_fk == performed_id)
    )
    return [(row[0], row[1]) for row in connection.execute(query.order_by(scheduled_step.c.id))]


def states_of(connection: Connection, step_id: int) -> list[PerformedState]:
    """The states of everything that is done for a scheduled step."""
    query = (
        select(performed_step.c.state)
        .join(step_performed, step_performed.c.performed_step_fk == performed_step.c.id)
        .where(step_performed.c.scheduled_step_fk == step_id)
    )
    return [PerformedState(state) for state in connection.execute(query).scalars()]


def of_study(connection: Connection, study_instance_uid: str) -> list[PerformedStep]:
    """What was performed for a study, oldest first."""
    query = select(*_COLUMNS).where(performed_step.c.study_instance_uid == study_instance_uid).order_by(performed_step.c.id)
    return [PerformedStep(**(row._asdict() | {"state": PerformedState(row.state)})) for row in connection.execute(query)]
