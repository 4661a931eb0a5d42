"""Rows of emergency access."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from isocenter.domain.access import OfPatient
from isocenter.domain.events import Event
from isocenter.store import visible
from isocenter.store.schema import change, study
from isocenter.store.schema_emergency import emergency


@dataclass(frozen=True, slots=True)
class Emergency:
    """One access. ended_by: "" while it lasts, and when its time was over; reviewed_at: None until somebody has judged it."""

    id: int
    at: datetime
    until: datetime
    account: str
    address: str
    patient_id: str
    issuer_of_patient_id: str
    purpose: str
    reason: str
    ended_at: datetime | None
    ended_by: str
    reviewed_at: datetime | None
    reviewed_by: str
    note: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What somebody did with a study. kind: of the change log."""

    at: datetime
    kind: str
    study_instance_uid: str
    study_description: str


_COLUMNS = [emergency.c[name] for name in Emergency.__slots__]


def patients(connection: Connection, *, patient_id: str, accession: str) -> list[tuple[str, str]]:
    """Whose studies have exactly this patient ID, or else this accession number: IDs with their issuers."""
    named = study.c.patient_id == patient_id if patient_id else study.c.accession_number == accession
    query = select(study.c.patient_id, study.c.issuer_of_patient_id).where(named, study.c.patient_id != "", visible.SHOWN)
    return [(row[0], row[1]) for row in connection.execute(query.distinct())]


def newest_study(connection: Connection, patient_id: str, issuer: str) -> str:
    """One of a patient's studies, by which a row of the log names the patient."""
    whose = study.c.patient_id == patient_id, study.c.issuer_of_patient_id == issuer
    query = select(study.c.study_instance_uid).where(*whose, visible.SHOWN).order_by(study.c.id.desc()).limit(1)
    return connection.execute(query).scalar() or ""


def add(connection: Connection, **values: Any) -> Emergency:
    """Open one."""
    key = connection.execute(insert(emergency).values(values)).inserted_primary_key
    found = get(connection, key[0] if key else 0)
    assert found is not None  # it was inserted by this transaction
    return found


def get(connection: Connection, number: int) -> Emergency | None:
    """The access of this number, or None."""
    row = connection.execute(select(*_COLUMNS).where(emergency.c.id == number)).one_or_none()
    return Emergency(*row) if row else None


def active(connection: Connection, session_hash: str, now: datetime) -> list[Emergency]:
    """What is open to a session now."""
    lasts = emergency.c.ended_at.is_(None), emergency.c.until > now
    query = select(*_COLUMNS).where(emergency.c.session_hash == session_hash, *lasts).order_by(emergency.c.id)
    return [Emergency(*row) for row in connection.execute(query)]


def over(connection: Connection, now: datetime) -> list[Emergency]:
    """Those whose time is over and whose end is in no row yet."""
    query = select(*_COLUMNS).where(emergency.c.ended_at.is_(None), emergency.c.until <= now).limit(100)
    return [Emergency(*row) for row in connection.execute(query)]


def end(connection: Connection, number: int, by: str, at: datetime) -> bool:
    """False: it has ended already, or there is none."""
    lasting = update(emergency).where(emergency.c.id == number, emergency.c.ended_at.is_(None))
    return connection.execute(lasting.values(ended_at=at, ended_by=by)).rowcount == 1


def review(connection: Connection, number: int, by: str, note: str, at: datetime) -> bool:
    """False: it was reviewed already, or there is none."""
    waiting = update(emergency).where(emergency.c.id == number, emergency.c.reviewed_at.is_(None))
    return connection.execute(waiting.values(reviewed_at=at, reviewed_by=by, note=note)).rowcount == 1


def page(connection: Connection, limit: int, before: int | None) -> list[Emergency]:
    """Newest first. before: continue after this number."""
    query = select(*_COLUMNS).order_by(emergency.c.id.desc()).limit(limit)
    return [Emergency(*row) for row in connection.execute(query if before is None else query.where(emergency.c.id < before))]


def to_review(connection: Connection) -> int:
    """How many nobody has reviewed."""
    return connection.execute(select(func.count()).select_from(emergency).where(emergency.c.reviewed_at.is_(None))).scalar_one()


def looked(connection: Connection, about: Emergency, limit: int) -> list[Looked]:
    """What the account did with the patient's studies while it was open, in the order of time."""
    whose = OfPatient(about.patient_id, about.issuer_of_patient_id)
    query = (
        select(change.c.at, change.c.kind, study.c.study_instance_uid, study.c.study_description)
        .join(study, study.c.study_instance_uid == change.c.study)
        .where(change.c.actor == about.account, visible.condition(whose, connection.dialect.name == "postgresql"),
               change.c.at >= about.at, change.c.at <= (about.ended_at or about.until),
               change.c.kind.not_in([Event.EMERGENCY_STARTED, Event.EMERGENCY_ENDED]))
        .order_by(change.c.seq).limit(limit)
    )  # fmt: skip
    return [Looked(*row) for row in connection.execute(query)]
