"""Rows of sensitive studies and patients. Who may see them is `domain.access`; that others do not is `visible.condition`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, tuple_

from isocenter.store.schema import study
from isocenter.store.schema_sensitive import sensitive_patient, sensitive_study


@dataclass(frozen=True, slots=True)
class Marked:
    """What is sensitive. study_instance_uid: of a study, "" where it is a patient, who then has an ID."""

    study_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str
    at: datetime
    actor: str
    reason: str


def mark_study(connection: Connection, study_uid: str, actor: str, reason: str, at: datetime) -> bool:
    """False: it is marked already."""
    if connection.execute(select(sensitive_study).where(sensitive_study.c.study_instance_uid == study_uid)).first():
        return False
    connection.execute(insert(sensitive_study).values(study_instance_uid=study_uid, at=at, actor=actor, reason=reason))
    return True


def release_study(connection: Connection, study_uid: str) -> bool:
    """False: it was not marked."""
    return connection.execute(delete(sensitive_study).where(sensitive_study.c.study_instance_uid == study_uid)).rowcount == 1


def mark_patient(connection: Connection, patient_id: str, issuer: str, actor: str, reason: str, at: datetime) -> bool:
    """False: they are marked already."""
    if connection.execute(select(sensitive_patient).where(*_whose(patient_id, issuer))).first():
        return False
    values = {"patient_id": patient_id, "issuer_of_patient_id": issuer, "at": at, "actor": actor, "reason": reason}
    connection.execute(insert(sensitive_patient).values(values))
    return True


def release_patient(connection: Connection, patient_id: str, issuer: str) -> bool:
    """False: they were not marked."""
    return connection.execute(delete(sensitive_patient).where(*_whose(patient_id, issuer))).rowcount == 1


def _whose(patient_id: str, issuer: str) -> tuple[Any, ...]:
    return sensitive_patient.c.patient_id == patient_id, sensitive_patient.c.issuer_of_patient_id == issuer


def all_of(connection: Connection, limit: int) -> list[Marked]:
    """What is marked, newest first."""
    studies = [Marked(row.study_instance_uid, "", "", row.at, row.actor, row.reason)
               for row in connection.execute(select(sensitive_study).order_by(sensitive_study.c.at.desc()).limit(limit))]
    patients = [Marked("", row.patient_id, row.issuer_of_patient_id, row.at, row.actor, row.reason)
                for row in connection.execute(select(sensitive_patient).order_by(sensitive_patient.c.at.desc()).limit(limit))]
    return sorted((*studies, *patients), key=lambda each: each.at, reverse=True)[:limit]


def among(connection: Connection, uids: Iterable[str]) -> set[str]:
    """Those of the studies held that are sensitive, themselves or by their patient."""
    uid, marked = study.c.study_instance_uid, sensitive_study.c.study_instance_uid
    those = {row[0]: (row[1], row[2]) for row in connection.execute(
        select(uid, study.c.patient_id, study.c.issuer_of_patient_id).where(uid.in_(list(uids))))}  # fmt: skip
    # One table at a time: whatever a planner makes of all together, it would read all that is marked.
    found = set(connection.execute(select(marked).where(marked.in_(list(those)))).scalars())
    named = sensitive_patient.c.patient_id.in_(sorted({patient_id for patient_id, _ in those.values()}))
    people = {(row.patient_id, row.issuer_of_patient_id) for row in connection.execute(select(sensitive_patient).where(named))}
    return found | {each for each, who in those.items() if who in people}


def elsewhere(connection: Connection, found: Iterable[Mapping[str, str]]) -> set[str]:
    """Those of the studies that another archive has (values by keyword) that are marked here, or whose patient is."""
    rows = list(found)
    whose = {(row.get("PatientID", ""), row.get("IssuerOfPatientID", "")) for row in rows}
    uids = [row.get("StudyInstanceUID", "") for row in rows]
    column = sensitive_study.c.study_instance_uid
    marked = set(connection.execute(select(column).where(column.in_(uids))).scalars())
    # Other archives often do not say who issued an ID.
    named = or_(sensitive_patient.c.patient_id.in_([each for each, issuer in whose if not issuer]),
                tuple_(sensitive_patient.c.patient_id, sensitive_patient.c.issuer_of_patient_id).in_(list(whose)))
    patients = {(row.patient_id, row.issuer_of_patient_id) for row in connection.execute(select(sensitive_patient).where(named))}
    ids = {each for each, _ in patients}
    theirs = {row.get("StudyInstanceUID", "") for row in rows
              if (row.get("PatientID", ""), row.get("IssuerOfPatientID", "")) in patients
              or (not row.get("IssuerOfPatientID") and row.get("PatientID", "") in ids)}  # fmt: skip
    return marked | theirs | among(connection, uids)
