"""Rows of HL7 messages, and what they are about: orders by others' numbers, the studies of an accession number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.dicom.worklist import BY_COLUMN
from isocenter.domain.hl7.answers import State
from isocenter.domain.orders import OrderState
from isocenter.store import dialect, leases
from isocenter.store.rows import INDEXED_LENGTH
from isocenter.store.schema import study
from isocenter.store.schema_hl7 import hl7_message
from isocenter.store.schema_orders import imaging_order, name_column

_OPEN = (OrderState.SCHEDULED.value, OrderState.IN_PROGRESS.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A row without its content: see `schema_hl7`."""

    id: int
    state: State
    sender: str
    control_id: str
    kind: str
    patient_id: str
    number: str
    address: str
    acknowledgement: str
    code: str
    place: str
    reason: str
    attempts: int
    received_at: datetime
    settled_at: datetime | None
    lease_until: datetime | None


_COLUMNS = [hl7_message.c[each.name] for each in fields(Kept)]


def _kept(row: Any) -> Kept:
    return Kept(**{**row._mapping, "state": State(row.state)})


def keep(connection: Connection, columns: Mapping[str, Any], now: datetime, lease: timedelta) -> tuple[int, Kept | None]:
    """Keep a message and take it for the time of a lease; its id, and how it was found when it had come before."""
    engine: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {**columns, "state": State.RECEIVED.value, "received_at": now, "lease_until": now + lease, "attempts": 1}
    statement = engine.insert(hl7_message).values(row).on_conflict_do_nothing(index_elements=["sender", "control_id", "sha256"])
    made = connection.execute(statement.returning(hl7_message.c.id)).scalar()
    if made is not None:
        return int(made), None
    same = and_(*(hl7_message.c[name] == columns[name] for name in ("sender", "control_id", "sha256")))
    before = _kept(connection.execute(select(*_COLUMNS).where(same).with_for_update()).one())
    is_free = before.lease_until is None or before.lease_until < now
    if before.state is not State.DONE and is_free:
        _take(connection, before, now + lease)
    return before.id, before


def _take(connection: Connection, found: Kept, until: datetime) -> None:
    values = {"state": State.RECEIVED.value, "lease_until": until, "attempts": found.attempts + 1}
    connection.execute(update(hl7_message).where(hl7_message.c.id == found.id).values(values))


def settle(connection: Connection, message_id: int, **columns: Any) -> None:
    """Say what became of a message."""
    leases.give_back(connection, hl7_message, hl7_message.c.id == message_id, **columns)


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something."""
    return leases.is_due(connection, hl7_message, _due(now))


def claim(connection: Connection, now: datetime, lease: timedelta) -> tuple[Kept, bytes] | None:
    """Take the oldest message that is to be done and at which nobody is at work."""
    columns = (*_COLUMNS, hl7_message.c.content)
    for row in leases.take(connection, hl7_message, _due(now), now + lease, columns=columns, order=(hl7_message.c.id,)):
        values = {name: value for name, value in row._mapping.items() if name != "content"}
        return Kept(**{**values, "state": State(row.state)}), bytes(row.content)
    return None


def _due(now: datetime) -> Any:
    return and_(hl7_message.c.state == State.RECEIVED.value, hl7_message.c.lease_until < now)


def ask_again(connection: Connection, message_id: int, now: datetime) -> bool:
    """Have a message done again; False when there is none, or somebody is at work on it."""
    wanted = and_(hl7_message.c.id == message_id, leases.free(hl7_message, now))
    values = {"state": State.RECEIVED.value, "lease_until": now - timedelta(seconds=1)}
    return connection.execute(update(hl7_message).where(wanted).values(values)).rowcount == 1


def get(connection: Connection, message_id: int) -> tuple[Kept, bytes] | None:
    """A message with its bytes as they came."""
    row = connection.execute(select(*_COLUMNS, hl7_message.c.content).where(hl7_message.c.id == message_id)).one_or_none()
    if row is None:
        return None
    return Kept(**{**{k: v for k, v in row._mapping.items() if k != "content"}, "state": State(row.state)}), bytes(row.content)


def page(connection: Connection, *, text: str, state: str, kind: str, limit: int, before_id: int | None) -> list[Kept]:
    """Messages, the latest first. text: what patient ID, order number, control ID or sender begin with. kind: ORM, ORM^O01."""
    c = hl7_message.c
    query = select(*_COLUMNS).order_by(c.id.desc()).limit(limit)
    if text:
        query = query.where(or_(*(dialect.begins(column, text) for column in (c.patient_id, c.number, c.control_id, c.sender))))
    if state:
        query = query.where(c.state == state)
    if kind:
        query = query.where(dialect.begins(c.kind, kind))
    if before_id is not None:
        query = query.where(c.id < before_id)
    return [_kept(row) for row in connection.execute(query)]


# ---- what they are about


def orders_of(connection: Connection, column: str, value: str) -> Sequence[int]:
    """The ids of orders with this value, oldest first. column: of `dicom.worklist.KEYS`."""
    c = imaging_order.c
    return connection.execute(select(c.id).where(c[column] == value).order_by(c.id).limit(50)).scalars().all()


def open_orders_of_patient(connection: Connection, patient_id: str, issuer: str) -> Sequence[tuple[int, str]]:
    """(id, study) of the orders of a patient that have not ended; an order that names no issuer is of any."""
    c = imaging_order.c
    query = select(c.id, c.study_instance_uid).where(c.patient_id == patient_id, c.state.in_(_OPEN))
    if issuer:
        query = query.where(c.issuer_of_patient_id.in_((issuer, "")))
    return [(row[0], row[1]) for row in connection.execute(query.with_for_update())]


def set_patient(connection: Connection, order_ids: Sequence[int], values: Mapping[str, str], at: datetime) -> None:
    """Set columns of orders. values: column -> text."""
    columns: dict[str, Any] = {**values, "updated_at": at}
    for column, text in values.items():
        if BY_COLUMN[column].vr == "PN":
            columns[name_column(BY_COLUMN[column])] = dialect.name_key(text)[:INDEXED_LENGTH]
    connection.execute(update(imaging_order).where(imaging_order.c.id.in_(order_ids)).values(columns))


_HELD = {
    "StudyInstanceUID": study.c.study_instance_uid, "StudyDate": study.c.study_date, "StudyTime": study.c.study_time,
    "StudyID": study.c.study_id, "AccessionNumber": study.c.accession_number, "StudyDescription": study.c.study_description,
    "ReferringPhysicianName": study.c.referring_physician_name, "PatientName": study.c.patient_name,
    "PatientID": study.c.patient_id, "IssuerOfPatientID": study.c.issuer_of_patient_id,
    "PatientBirthDate": study.c.patient_birth_date, "PatientSex": study.c.patient_sex,
}  # fmt: skip


def held(connection: Connection, *, study_uid: str = "", accession: str = "", patient_id: str = "") -> dict[str, str] | None:
    """The study of a UID, or the one of an accession number and a patient, by keyword; None: not here, or not one alone."""
    query = select(*(column.label(name) for name, column in _HELD.items()))
    query = query.where(study.c.study_instance_uid == study_uid) if study_uid else query.where(
        study.c.accession_number == accession, study.c.patient_id == patient_id)
    rows = connection.execute(query.limit(2)).mappings().all()
    return {name: str(value or "") for name, value in rows[0].items()} if len(rows) == 1 else None


def patient_values(connection: Connection, patient_id: str, issuer: str) -> dict[str, str]:
    """What a study of a patient says of the patient, by keyword; nothing when there is no study."""
    columns = [column.label(name) for name, column in _HELD.items() if name.startswith("Patient")]
    query = select(*columns).where(study.c.patient_id == patient_id, study.c.issuer_of_patient_id == issuer).limit(1)
    row = connection.execute(query).mappings().first()
    return {name: str(value or "") for name, value in row.items()} if row else {}
