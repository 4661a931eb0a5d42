"""Corrections of who a study's patient is: kept, and applied to the rows. The files stay as they came.

    add, undo     one correction of some studies          refresh   makes the rows of a study what its corrections say
    page          those that were made, newest first      moved     where an object of a corrected study belongs

What a patient's row says is made anew from its studies whenever one comes or goes, so that it only depends on what is there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.dicom.attributes import BY_KEYWORD, Level
from isocenter.domain import corrections
from isocenter.domain import patient as patients
from isocenter.domain.access import Scope
from isocenter.store import names, rows, visible
from isocenter.store.schema import exception, patient, series, series_dirty, stored, study, study_modality
from isocenter.store.schema_corrections import correction, correction_study, patient_link, study_original

_PATIENT = stored(Level.PATIENT)
_LOCKED = 0x69736F64  # PostgreSQL's advisory lock of those who correct: one at a time


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction as it was made. patient: keyword -> text."""

    id: int
    at: datetime
    actor: str
    reason: str
    patient: Mapping[str, str]
    studies: tuple[str, ...]
    undone_at: datetime | None
    undone_by: str


def lock(connection: Connection) -> None:
    """Held until the transaction ends: two corrections must not count the same patient at once."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCKED)))


def studies_of(connection: Connection, patient_id: str, issuer: str) -> list[str]:
    """The Study Instance UIDs that a patient has now."""
    identity = patients.identity({"PatientID": patient_id, "IssuerOfPatientID": issuer}, "")
    found = select(study.c.study_instance_uid).join(patient, patient.c.id == study.c.patient_fk)
    return sorted(connection.execute(found.where(patient.c.identity == identity)).scalars())


def add(connection: Connection, studies: Sequence[str], said: Mapping[str, str], reason: str, actor: str, at: datetime) -> int:
    """Keep a correction of studies that are held, and apply it."""
    lock(connection)
    made = insert(correction).values(at=at, actor=actor, reason=reason, patient=json.dumps(said)).returning(correction.c.id)
    id_ = int(connection.execute(made).scalar_one())
    for uid in studies:
        _remember(connection, uid)
        connection.execute(insert(correction_study).values(correction_fk=id_, study_instance_uid=uid))
    for uid in studies:
        refresh(connection, uid, at)
    return id_


def link(connection: Connection, id_: int, patient_id: str, issuer: str, into: Mapping[str, str]) -> None:
    """Let a correction stand for what comes under the old identity later, as long as it holds."""
    old, new = (patients.identity(each, "") for each in ({"PatientID": patient_id, "IssuerOfPatientID": issuer}, into))
    for identity in {old, new}:  # who is merged into is somebody of their own from now on
        connection.execute(delete(patient_link).where(patient_link.c.identity == identity))
    if old != new:
        connection.execute(insert(patient_link).values(identity=old, correction_fk=id_))


def linked(connection: Connection, studies: Sequence[str], at: datetime) -> list[tuple[str, int]]:
    """Give studies that came under an old identity to whom its patient was merged into. Returns which, by which correction."""
    query = (
        select(study.c.study_instance_uid, patient_link.c.correction_fk)
        .join(patient, patient.c.id == study.c.patient_fk).join(patient_link, patient_link.c.identity == patient.c.identity)
        .join(correction, correction.c.id == patient_link.c.correction_fk)
        .where(study.c.study_instance_uid.in_(studies), correction.c.undone_at.is_(None), study.c.corrected == "")
        .order_by(study.c.study_instance_uid)
    )  # fmt: skip
    found = [(row[0], row[1]) for row in connection.execute(query)]
    if found:
        lock(connection)
    for uid, id_ in found:
        _remember(connection, uid)
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(correction_study).values(correction_fk=id_, study_instance_uid=uid)
                           .on_conflict_do_nothing())  # fmt: skip
        refresh(connection, uid, at)
    return found


def is_linked(connection: Connection, studies: Sequence[str]) -> bool:
    """Whether `linked` may have something to do."""
    query = (
        select(patient_link.c.identity).join(patient, patient.c.identity == patient_link.c.identity)
        .join(study, study.c.patient_fk == patient.c.id).where(study.c.study_instance_uid.in_(studies)).limit(1)
    )  # fmt: skip
    return connection.execute(query).first() is not None


def undo(connection: Connection, id_: int, actor: str, at: datetime) -> bool:
    """Take a correction back; the studies are as if it had not been made. False when there is none, or it was taken back."""
    lock(connection)
    found = update(correction).where(correction.c.id == id_, correction.c.undone_at.is_(None))
    if not connection.execute(found.values(undone_at=at, undone_by=actor)).rowcount:
        return False
    of = select(correction_study.c.study_instance_uid).where(correction_study.c.correction_fk == id_)
    for uid in sorted(connection.execute(of).scalars()):
        refresh(connection, uid, at)
    return True


def get(connection: Connection, id_: int) -> Correction | None:
    """The correction of this id, or None."""
    found = _read(connection, select(correction).where(correction.c.id == id_))
    return found[0] if found else None


def page(connection: Connection, study_uid: str, limit: int, before: int | None, scope: Scope) -> list[Correction]:
    """Corrections of the scope's studies, newest first; with `study_uid` of this one. before: continue after this id."""
    query = select(correction).order_by(correction.c.id.desc()).limit(limit)
    hidden = ~visible.told(connection, correction_study.c.study_instance_uid, scope)
    query = query.where(correction.c.id.not_in(select(correction_study.c.correction_fk).where(hidden)))
    if study_uid:
        of = select(correction_study.c.correction_fk).where(correction_study.c.study_instance_uid == study_uid)
        query = query.where(correction.c.id.in_(of))
    if before is not None:
        query = query.where(correction.c.id < before)
    return _read(connection, query)


def corrected(connection: Connection) -> list[str]:
    """The UIDs of all studies that were ever corrected."""
    return sorted(connection.execute(select(study_original.c.study_instance_uid)).scalars())


def moved(connection: Connection, study_uid: str, identity: str) -> str | None:
    """The identity under which a study is held whose objects say `identity`; None when no correction moved it."""
    query = (
        select(patient.c.identity).join(study, study.c.patient_fk == patient.c.id)
        .join(study_original, study_original.c.study_instance_uid == study.c.study_instance_uid)
        .where(study.c.study_instance_uid == study_uid, study_original.c.identity == identity, study.c.corrected != "")
    )  # fmt: skip
    return connection.execute(query).scalar()


def refresh(connection: Connection, study_uid: str, at: datetime) -> None:
    """Make a study's rows, and those of the patients it had and has, what holds now. Nothing when it is not held."""
    row = connection.execute(select(study).where(study.c.study_instance_uid == study_uid).with_for_update()).mappings().first()
    original = connection.execute(
        select(study_original).where(study_original.c.study_instance_uid == study_uid)).mappings().first()
    if row is None or original is None:
        return
    of = select(correction).join(correction_study).where(correction_study.c.study_instance_uid == study_uid)
    found = {each["id"]: each for each in connection.execute(of).mappings()}
    holds = corrections.holding((id_, each["undone_at"] is not None) for id_, each in found.items())
    values: dict[str, str] = json.loads(original["patient"])
    identity, said = original["identity"], ""
    if holds is not None:
        given = json.loads(found[holds]["patient"])
        values |= given
        identity = patients.identity(values, study_uid)
        when = f"{found[holds]['at']:%Y%m%d%H%M%S.%f}+0000"
        said = json.dumps({"patient": given, "at": when})
    owner = connection.execute(select(patient.c.id).where(patient.c.identity == identity)).scalar()
    if owner is None:
        new = insert(patient).values(identity=identity, received_at=at, updated_at=at, **_columns(connection, values))
        owner = connection.execute(new.returning(patient.c.id)).scalar_one()
    columns = _columns(connection, values)
    connection.execute(update(study).where(study.c.id == row["id"]).values(
        patient_fk=owner, corrected=said, updated_at=at, **columns))
    connection.execute(update(study_modality).where(study_modality.c.study_fk == row["id"]).values(
        patient_name_key=columns["patient_name_key"]))
    connection.execute(update(exception).where(exception.c.study_fk == row["id"]).values(patient_fk=owner))
    _dirty(connection, row["id"], at)
    for id_ in sorted({row["patient_fk"], owner}):
        count(connection, id_, at)


def _remember(connection: Connection, uid: str) -> None:
    """What the study says itself, unless that is known."""
    if connection.execute(select(study_original).where(study_original.c.study_instance_uid == uid)).first() is not None:
        return
    query = select(study, patient.c.identity.label("held_as")).join(patient, patient.c.id == study.c.patient_fk)
    row = connection.execute(query.where(study.c.study_instance_uid == uid)).mappings().one()
    connection.execute(insert(study_original).values(
        study_instance_uid=uid, identity=row["held_as"], patient=json.dumps(_values(row))))


def _values(row: RowMapping) -> dict[str, str]:
    return {each.keyword: row[each.column] for each in _PATIENT}


def _columns(connection: Connection, values: Mapping[str, str]) -> dict[str, str]:
    clean = rows.clean(values)
    columns = dict(zip(rows.columns(Level.PATIENT), rows.row(clean, Level.PATIENT), strict=True))
    keys = {rows.name_keys(BY_KEYWORD["PatientName"], clean.get("PatientName", ""))[0]} - {""}
    cursor = connection.connection.cursor()
    try:
        names.learn(cursor, rows.mark(connection), keys)
    finally:
        cursor.close()
    return columns


def _dirty(connection: Connection, study_id: int, at: datetime) -> None:
    """Its metadata is to be made anew; what was remembered of the older version is not met again."""
    connection.execute(update(series).where(series.c.study_fk == study_id).values(version=series.c.version + 1, updated_at=at))
    ids: Iterable[int] = connection.execute(select(series.c.id).where(series.c.study_fk == study_id)).scalars().all()
    due: Any = at + timedelta(seconds=1)
    for id_ in ids:
        changed = update(series_dirty).where(series_dirty.c.series_fk == id_).values(due_at=due, attempts=0)
        if not connection.execute(changed).rowcount:
            connection.execute(insert(series_dirty).values(series_fk=id_, due_at=due, attempts=0))


def count(connection: Connection, patient_fk: int, at: datetime) -> None:
    """A patient's row from its studies: the first of them that says something speaks. A patient without studies goes.

    Studies of which nothing is served are not counted.
    """
    held = connection.execute(
        select(study).where(study.c.patient_fk == patient_fk).order_by(study.c.id)).mappings().all()
    if not held:
        connection.execute(update(exception).where(exception.c.patient_fk == patient_fk).values(patient_fk=None))
        connection.execute(delete(patient).where(patient.c.id == patient_fk))
        return
    spoken = sorted(held, key=lambda row: (row["corrected"] == "", row["id"]))  # what a person said comes first
    values = {each.keyword: next((row[each.column] for row in spoken if row[each.column]), "") for each in _PATIENT}
    connection.execute(update(patient).where(patient.c.id == patient_fk).values(
        number_of_patient_related_studies=sum(row["number_of_study_related_instances"] > 0 for row in held),
        number_of_patient_related_series=sum(row["number_of_study_related_series"] for row in held),
        number_of_patient_related_instances=sum(row["number_of_study_related_instances"] for row in held),
        updated_at=at, **_columns(connection, values)))


def _read(connection: Connection, query: Any) -> list[Correction]:
    found = list(connection.execute(query).mappings())
    of: dict[int, list[str]] = {}
    listed = select(correction_study).where(correction_study.c.correction_fk.in_([row["id"] for row in found]))
    for each in connection.execute(listed).mappings():
        of.setdefault(each["correction_fk"], []).append(each["study_instance_uid"])
    return [
        Correction(row["id"], row["at"], row["actor"], row["reason"], json.loads(row["patient"]),
                   tuple(sorted(of.get(row["id"], ()))), row["undone_at"], row["undone_by"])
        for row in found
    ]
