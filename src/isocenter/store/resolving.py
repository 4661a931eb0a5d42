"""What the index knows of a case on the exceptions list, and what a person chooses: which version of an instance is served.

    serve, replay   the version that is served      held_patient, patient_of, lookalike   who the patient of a case may be
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from isocenter.dicom.attributes import BY_KEYWORD
from isocenter.dicom.corrected import KEYWORDS
from isocenter.store import recounting
from isocenter.store.schema import instance, patient, series, study
from isocenter.store.schema_rejections import served_version


def held_patient(connection: Connection, study_uid: str) -> dict[str, str] | None:
    """Who the patient of a study is, as the index has it (KEYWORDS); None when it is not held."""
    query = select(patient).join(study, study.c.patient_fk == patient.c.id).where(study.c.study_instance_uid == study_uid)
    return _who(connection.execute(query).mappings().first())


def patient_of(connection: Connection, patient_fk: int | None) -> dict[str, str] | None:
    """As `held_patient`, by the id of its row."""
    return None if patient_fk is None else _who(connection.execute(
        select(patient).where(patient.c.id == patient_fk)).mappings().first())


def _who(row: RowMapping | None) -> dict[str, str] | None:
    return None if row is None else {keyword: row[BY_KEYWORD[keyword].column] for keyword in KEYWORDS}


def lookalike(connection: Connection, study_uid: str) -> dict[str, str] | None:
    """The one patient with an ID who has the same name and birth date as a study without one; None with none or several."""
    own = connection.execute(select(study).where(study.c.study_instance_uid == study_uid)).mappings().first()
    if own is None or not own["patient_name_key"] or not own["patient_birth_date"]:
        return None
    query = select(patient).where(
        patient.c.patient_name_key == own["patient_name_key"], patient.c.patient_birth_date == own["patient_birth_date"],
        patient.c.patient_id != "").limit(2)
    found = connection.execute(query).mappings().all()
    return _who(found[0]) if len(found) == 1 else None


def serve(connection: Connection, sop_uid: str, sha256: str, actor: str, at: datetime) -> bool:
    """Serve the data set with this digest, of those with one UID. False: there is none, or it is served."""
    query = (
        select(instance.c.id, instance.c.current, instance.c.sha256, study.c.study_instance_uid, instance.c.series_fk)
        .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
        .where(instance.c.sop_instance_uid == sop_uid)
    )
    held = connection.execute(query).all()
    now = next((row for row in held if row.current), None)
    then = next((row for row in held if row.sha256 == sha256), None)
    if now is None or then is None or now.id == then.id:
        return False
    connection.execute(update(instance).where(instance.c.id == now.id).values(current=False))
    connection.execute(update(instance).where(instance.c.id == then.id).values(current=True))
    connection.execute(update(series).where(series.c.id == then.series_fk).values(version=series.c.version + 1, updated_at=at))
    connection.execute(delete(served_version).where(served_version.c.sop_instance_uid == sop_uid))
    connection.execute(insert(served_version).values(sop_instance_uid=sop_uid, sha256=sha256, at=at, actor=actor))
    recounting.renew(connection, then.series_fk, at)
    recounting.recount(connection, then.study_instance_uid, at)
    return True


def replay(connection: Connection) -> int:
    """Serve again what was chosen, in an index that was made anew. Returns how many."""
    chosen: list[Mapping[str, Any]] = [dict(row) for row in connection.execute(select(served_version)).mappings()]
    return sum(serve(connection, row["sop_instance_uid"], row["sha256"], row["actor"], row["at"]) for row in chosen)
