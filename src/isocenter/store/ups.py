"""Rows of Unified Procedure Steps. Plain functions over a Connection."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.dicom import datasets, keys, syntaxes
from isocenter.dicom.match import Universal, instant
from isocenter.domain.ups import FINAL, State
from isocenter.store import dialect
from isocenter.store.schema_ups import ups, ups_subscription

# What a step is found by without its data set being read: keyword -> column.
COLUMNS = MappingProxyType(
    {
        "SOPInstanceUID": "sop_instance_uid",
        "ProcedureStepState": "state",
        "ScheduledProcedureStepPriority": "priority",
        "WorklistLabel": "worklist_label",
        "PatientID": "patient_id",
        "StudyInstanceUID": "study_instance_uid",
        "ScheduledProcedureStepStartDateTime": "starts",
    }
)
TOGETHER = 200  # rows fetched at once


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it is held. transaction_uid: the lock of who performs it, "" before."""

    id: int
    sop_instance_uid: str
    state: State
    transaction_uid: str
    data_set: Dataset


def pack(dataset: Dataset) -> bytes:
    """A data set as a column holds it. Raises datasets.InvalidDataSet."""
    return keys.encode(dataset, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, keys.UTF_8) if len(dataset) else b""


def unpack(data: bytes) -> Dataset:
    """The data set of a column; its text is Unicode, and it has no Specific Character Set."""
    dataset = datasets.decode(data, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    dataset.pop("SpecificCharacterSet", None)
    return dataset


def add(connection: Connection, sop_instance_uid: str, data_set: Dataset, at: datetime) -> int | None:
    """Keep a new step; its id, None when there is one of this UID."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"sop_instance_uid": sop_instance_uid, "created_at": at, **_columns(data_set)}
    statement = insert(ups).values(values).on_conflict_do_nothing(index_elements=["sop_instance_uid"]).returning(ups.c.id)
    return connection.execute(statement).scalar_one_or_none()


def get(connection: Connection, sop_instance_uid: str, *, to_change: bool = False) -> Step | None:
    """The step of a UID. to_change: nobody else changes it before the transaction ends."""
    query = select(ups).where(ups.c.sop_instance_uid == sop_instance_uid)
    row = connection.execute(query.with_for_update() if to_change else query).one_or_none()
    if row is None:
        return None
    return Step(row.id, row.sop_instance_uid, State(row.state), row.transaction_uid, unpack(row.data_set))


def save(connection: Connection, step: Step, at: datetime) -> None:
    """Keep a step as it is now; its state is that of its data set."""
    values = _columns(step.data_set) | {"transaction_uid": step.transaction_uid}
    if State(values["state"]) in FINAL:
        values["ended_at"] = at
    connection.execute(update(ups).where(ups.c.id == step.id).values(values))


def found(connection: Connection, asked: Dataset, *, fuzzy: bool = False) -> Iterator[tuple[int, Dataset]]:
    """The id and data set of every step that matches all keys, the earliest first, one after the other.

    fuzzy: names as they sound.
    """
    query = select(ups.c.id, ups.c.data_set).order_by(ups.c.starts, ups.c.id)
    is_postgresql = connection.dialect.name == "postgresql"
    rest, zone = Dataset(), keys.zone_of(asked)
    for element in asked:
        column = COLUMNS.get(element.keyword)
        if column is None:
            rest.add(element)
        elif not isinstance(match := keys.match_of(element, zone), Universal):
            query = query.where(dialect.condition(keys.attribute_of(element), match, ups.c[column], None, is_postgresql))
    for row in connection.execute(query.execution_options(yield_per=TOGETHER)):
        data_set = unpack(row.data_set)
        if keys.matches(rest, data_set, fuzzy=fuzzy):
            yield row.id, data_set


def remove_ended(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Remove steps that ended before a time and that no deletion lock holds (PS3.4 CC.2.1.3); their UIDs."""
    old = select(ups.c.id).where(_removable(before)).order_by(ups.c.ended_at).limit(limit)
    statement = delete(ups).where(ups.c.id.in_(old.scalar_subquery())).returning(ups.c.sop_instance_uid)
    return list(connection.execute(statement).scalars())


def has_ended(connection: Connection, before: datetime) -> bool:
    """Whether `remove_ended` would find something: a read, so that an idle worker writes nothing."""
    return connection.execute(select(ups.c.id).where(_removable(before)).limit(1)).first() is not None


def _removable(before: datetime) -> ColumnElement[bool]:
    locked = exists().where(ups_subscription.c.ups_fk == ups.c.id, ups_subscription.c.deletion_lock)
    return and_(ups.c.ended_at < before, ~locked)


def _columns(data_set: Dataset) -> dict[str, Any]:
    texts = {
        column: keys.text_of(data_set[keyword]) if keyword in data_set else ""
        for keyword, column in COLUMNS.items()
        if keyword != "SOPInstanceUID"
    }
    return texts | {"starts": instant(texts["starts"], zone=keys.zone_of(data_set)), "data_set": pack(data_set)}
