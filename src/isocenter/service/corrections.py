"""Correcting whose a study is: a wrong name or ID, a study that is another patient's, two patients who are one.

What arrived stays as it is; the index, and what leaves the archive, say what was corrected (`dicom.corrected`). Each correction
can be taken back, in any order.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain import corrections as rules
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, imaging
from isocenter.store import corrections as rows
from isocenter.store.corrections import Correction

__all__ = ["Correction", "correct", "link", "merge", "page", "replay", "undo"]

FOLLOWER = "link"  # who gives later studies to the patient that an earlier one was merged into
MOST = 1000  # studies of one correction: one transaction


def correct(
    context: Context, principal: Principal, studies: Sequence[str], patient: Mapping[str, str], reason: str
) -> Correction:
    """Say whose some studies are. Raises Invalid, Missing, Forbidden."""
    access.require(principal, Permission.STUDY_CORRECT)
    said, why = rules.checked(patient), _why(reason)
    uids = sorted(set(studies))
    if not uids or len(uids) > MOST:
        raise Invalid(f"a correction is of 1 to {MOST:,} studies", where="studies")
    return context.database.write(lambda connection: _made(context, connection, principal, uids, said, why))


def merge(
    context: Context, principal: Principal, patient_id: str, issuer: str, into: Mapping[str, str], reason: str
) -> Correction:
    """Give all studies of a patient to another, who is held or new; also those that come under the old ID later.

    Raises Invalid, Missing, Forbidden.
    """
    access.require(principal, Permission.STUDY_CORRECT)
    said, why = rules.checked(into), _why(reason)
    if not patient_id.strip():
        raise Invalid("a patient is named by an ID", where="PatientID")

    def write(connection: Connection) -> Correction:
        rows.lock(connection)
        uids = rows.studies_of(connection, patient_id, issuer)
        if not uids:
            raise Missing("there is no such patient", where="PatientID", hint="The issuer of the ID counts, too.")
        if len(uids) > MOST:
            raise Invalid(f"the patient has {len(uids):,} studies", where="PatientID", hint="Correct them in several steps.")
        made = _made(context, connection, principal, uids, said, why)
        rows.link(connection, made.id, patient_id, issuer, said)
        return made

    return context.database.write(write)


def link(context: Context, studies: Sequence[str]) -> int:
    """Studies that have just come, under the identity of a patient who was merged, go where that patient's studies are.

    Returns how many. For the worker: it is the same correction, and taking that back takes these back, too.
    """
    def write(connection: Connection) -> int:
        found = rows.linked(connection, studies, context.clock())
        for uid, number in found:
            changes.append(connection, Event.CORRECTION_MADE, uid, FOLLOWER, {"study": uid, "correction": number})
        return len(found)

    return context.database.write(write) if context.database.read(lambda connection: rows.is_linked(connection, studies)) else 0


def undo(context: Context, principal: Principal, correction_id: int) -> Correction:
    """Take a correction back: its studies are what they would be without it. Raises Missing, Conflict, Forbidden."""
    access.require(principal, Permission.STUDY_CORRECT)

    def write(connection: Connection) -> Correction:
        found = rows.get(connection, correction_id)
        scope = access.scope(principal, Permission.STUDY_CORRECT)
        if found is None or any(imaging.study_values(connection, uid, scope) is None for uid in found.studies):
            raise Missing("there is no such correction", where="id")
        if not rows.undo(connection, correction_id, principal.name, context.clock()):
            raise Conflict("this correction was taken back already", where="id")
        for uid in found.studies:
            changes.append(connection, Event.CORRECTION_UNDONE, uid, principal.name, {"study": uid, "correction": correction_id})
        return _kept(connection, correction_id)

    return context.database.write(write)


def page(
    context: Context, principal: Principal, *, study: str = "", limit: int = 100, before: int | None = None
) -> list[Correction]:
    """Corrections that were made, newest first. Raises Forbidden."""
    access.require(principal, Permission.STUDY_CORRECT)
    scope = access.scope(principal, Permission.STUDY_CORRECT)
    return context.database.read(lambda connection: rows.page(connection, study, limit, before, scope))


def replay(context: Context) -> int:
    """Apply all corrections to an index that was made anew from the files; returns to how many studies."""
    uids = context.database.read(rows.corrected)
    for uid in uids:
        context.database.write(partial(rows.refresh, study_uid=uid, at=context.clock()))
    return len(uids)


def _made(context: Context, connection: Connection, principal: Principal, uids: Sequence[str], said: Mapping[str, str],
          why: str) -> Correction:
    _visible(connection, principal, uids)
    made = rows.add(connection, uids, said, why, principal.name, context.clock())
    for uid in uids:
        changes.append(connection, Event.CORRECTION_MADE, uid, principal.name, {"study": uid, "correction": made})
    return _kept(connection, made)


def _visible(connection: Connection, principal: Principal, uids: Sequence[str]) -> None:
    scope = access.scope(principal, Permission.STUDY_CORRECT)
    for uid in uids:
        if imaging.study_values(connection, uid, scope) is None:
            raise Missing("there is no such study", where=uid, hint="It may have been removed, or your account may not see it.")


def _kept(connection: Connection, correction_id: int) -> Correction:
    found = rows.get(connection, correction_id)
    assert found is not None
    return found


def _why(reason: str) -> str:
    text = reason.strip()
    if not text or len(text) > rules.LONGEST_REASON:
        raise Invalid("a correction needs a reason", where="reason", hint=f"At most {rules.LONGEST_REASON:,} characters.")
    return text
