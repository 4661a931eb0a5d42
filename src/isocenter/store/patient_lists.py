"""Rows of lists of patients. Plain functions over a Connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from isocenter.store.schema_patient_lists import listed_patient, patient_list

Patient = tuple[str, str]
"""Patient ID and its issuer."""


@dataclass(frozen=True, slots=True)
class PatientList:
    """patients: by ID. at, actor: the last change and whose."""

    name: str
    about: str
    at: datetime
    actor: str
    patients: tuple[Patient, ...]


def all_of(connection: Connection) -> list[PatientList]:
    """Every list, by name."""
    ids = select(listed_patient.c.patient_id, listed_patient.c.issuer_of_patient_id)
    found = []
    for row in connection.execute(select(patient_list).order_by(patient_list.c.name)).all():
        patients = connection.execute(ids.where(listed_patient.c.list_name == row.name).order_by(*ids.selected_columns))
        found.append(PatientList(row.name, row.about, row.at, row.actor, tuple((each[0], each[1]) for each in patients)))
    return found


def is_there(connection: Connection, name: str) -> bool:
    """Whether there is a list of this name."""
    return connection.execute(select(patient_list.c.name).where(patient_list.c.name == name)).first() is not None


def put(connection: Connection, name: str, about: str, patients: Iterable[Patient], actor: str, at: datetime) -> None:
    """The list has these patients and no others, whether it was there or not."""
    values = {"about": about, "at": at, "actor": actor}
    if not connection.execute(update(patient_list).where(patient_list.c.name == name).values(values)).rowcount:
        connection.execute(insert(patient_list).values(name=name, **values))
    connection.execute(delete(listed_patient).where(listed_patient.c.list_name == name))
    rows = [{"list_name": name, "patient_id": patient_id, "issuer_of_patient_id": issuer} for patient_id, issuer in patients]
    if rows:
        connection.execute(insert(listed_patient), rows)


def remove(connection: Connection, name: str) -> bool:
    """True: there was one."""
    connection.execute(delete(listed_patient).where(listed_patient.c.list_name == name))
    return connection.execute(delete(patient_list).where(patient_list.c.name == name)).rowcount > 0
