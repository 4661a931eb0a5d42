"""Sensitive studies and patients (VIPs, staff, psychiatry): for everybody without `study:sensitive` they are not there.

Who sets a mark says why; a patient is marked by one of their studies, and all their studies are then sensitive, also later ones.
What hides them is `access.scope`, which every way to a study asks.
"""

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, imaging
from isocenter.store import sensitive as rows
from isocenter.store.sensitive import Marked

__all__ = ["Marked", "mark", "marked", "release"]

LONGEST_REASON = 1000


def mark(context: Context, principal: Principal, study_uid: str, reason: str, *, patient: bool = False) -> None:
    """Mark a study, or the patient it is of. Durable on return. Raises Missing, Conflict, Invalid, Forbidden."""

    def write(connection: Connection, patient_id: str, issuer: str) -> bool:
        at = context.clock()
        if patient:
            return rows.mark_patient(connection, patient_id, issuer, principal.name, why, at)
        return rows.mark_study(connection, study_uid, principal.name, why, at)

    access.require(principal, Permission.SENSITIVE_MANAGE)
    why = _why(reason)

    def do(connection: Connection) -> None:
        if not write(connection, *_found(connection, principal, study_uid, patient)):
            raise Conflict("it is marked as sensitive already", where="study")
        _note(connection, Event.SENSITIVE_SET, principal, study_uid, patient, why)

    context.database.write(do)


def release(context: Context, principal: Principal, study_uid: str, reason: str, *, patient: bool = False) -> None:
    """Take a mark off. Raises Missing, also when there is none, Invalid, Forbidden."""
    access.require(principal, Permission.SENSITIVE_MANAGE)
    why = _why(reason)

    def do(connection: Connection) -> None:
        patient_id, issuer = _found(connection, principal, study_uid, patient)
        done = rows.release_patient(connection, patient_id, issuer) if patient else rows.release_study(connection, study_uid)
        if not done:
            hint = "Its patient may be." if not patient else "The study itself may be."
            raise Missing("it is not marked as sensitive", where="study", hint=hint)
        _note(connection, Event.SENSITIVE_RELEASED, principal, study_uid, patient, why)

    context.database.write(do)


def marked(context: Context, principal: Principal, *, limit: int = 500) -> list[Marked]:
    """All marks, newest first. Raises Forbidden to who may not both set them and see everything that is sensitive."""
    access.require(principal, Permission.SENSITIVE_MANAGE)
    access.require(principal, Permission.STUDY_SENSITIVE)
    if access.scope(principal, Permission.STUDY_QUERY) != access.Everything():
        return []
    return context.database.read(lambda connection: rows.all_of(connection, limit))


def _found(connection: Connection, principal: Principal, study_uid: str, patient: bool) -> tuple[str, str]:
    """Patient ID and issuer of a study that they may see."""
    values = imaging.study_values(connection, study_uid, access.scope(principal, Permission.STUDY_QUERY))
    if values is None:
        raise Missing("there is no such study", where="study", hint="It may have been removed, or your account may not see it.")
    if patient and not values.get("PatientID"):
        raise Invalid("the patient has no ID", where="patient", hint="Mark the study.")
    return values.get("PatientID", ""), values.get("IssuerOfPatientID", "")


def _note(connection: Connection, event: Event, principal: Principal, study_uid: str, patient: bool, why: str) -> None:
    payload = {"study": study_uid, "of": "patient" if patient else "study", "reason": why}
    changes.append(connection, event, study_uid, principal.name, payload)


def _why(reason: str) -> str:
    why = " ".join(reason.split())
    if not why or len(why) > LONGEST_REASON:
        raise Invalid(f"a reason has 1 to {LONGEST_REASON:,} characters", where="reason", kept="Nothing was changed.")
    return why
