"""Splitting a study: some series leave it for a study of their own, or for another one that is held.

As IHE RAD IOCM corrects a wrong worklist entry: the objects are stored again with new UIDs, of their study and its patient, and
what was there is rejected (`service.rejections`, by the caller). Originals stay as they came, so that it can be taken back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from isocenter.dicom import corrected
from isocenter.dicom.attributes import tag_of
from isocenter.dicom.elements import Malformed
from isocenter.dicom.uid import new_uid
from isocenter.domain import access
from isocenter.domain import corrections as rules
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.imaging import Outcome
from isocenter.domain.rejections import why
from isocenter.service.context import Context
from isocenter.store import changes, imaging, resolving
from isocenter.store import corrected as files
from isocenter.store import splits as rows
from isocenter.store.imaging import Located
from isocenter.store.splits import Split

__all__ = ["Copied", "Split", "copy", "done", "get", "page", "undone"]

MOST = 5000  # objects of one split
_PIECE = 1 << 20
_NOT_HERE = "It may have been removed, or your account may not see it."


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was stored. made: SOP Instance UID as it was -> as it is in the study `into`."""

    into: str
    made: Mapping[str, str]


def copy(
    context: Context, principal: Principal, study_uid: str, series: Sequence[str], door: Door, *, into: str = "",
    patient: Mapping[str, str] | None = None, reason: str = "",
) -> Copied:  # fmt: skip
    """Store the objects of some series again, as those of another study; durable on return. Nothing is taken away yet.

    into: a study that is held; "" makes a new one. patient: whose the new study is; None: whose it was.
    Raises Missing, Invalid, Conflict, Forbidden, and what the door raises.
    """
    access.require(principal, Permission.STUDY_CORRECT)
    access.require(principal, Permission.STUDY_STORE)
    why(reason)
    said = rules.checked(patient) if patient else None
    scope = access.scope(principal, Permission.STUDY_CORRECT)

    def read(connection: Connection) -> tuple[list[Located], dict[str, str]]:
        values = imaging.study_values(connection, study_uid, scope)
        found = imaging.locate(connection, study_uid)
        if values is None or not found:
            raise Missing("there is no such study", where="study", hint=_NOT_HERE)
        target = imaging.study_values(connection, into, scope) if into else values
        if target is None:
            raise Missing("there is no such study", where="into", hint=_NOT_HERE)
        who = said or resolving.held_patient(connection, into or study_uid)
        assert who is not None  # the study is held
        return found, who

    found, who = context.database.read(read)
    chosen = [each for each in found if each.series_instance_uid in series]
    if not chosen or len(chosen) == len(found) or into == study_uid:
        raise Invalid("a split takes some series out of a study, and leaves some", where="series",
                      hint="To move all of it, correct its patient.")  # fmt: skip
    if len(chosen) > MOST:
        raise Invalid(f"a split is of at most {MOST:,} objects", where="series", hint="Split it in several steps.")
    target, new_series = into or new_uid(), {uid: new_uid() for uid in series}
    made: dict[str, str] = {}
    at = f"{context.clock():%Y%m%d%H%M%S.%f}+0000"
    for each in chosen:
        made[each.sop_instance_uid] = new_uid()
        uids = {"StudyInstanceUID": target, "SeriesInstanceUID": new_series[each.series_instance_uid],
                "SOPInstanceUID": made[each.sop_instance_uid]}  # fmt: skip
        outcome = _stored(context, each, who, {tag_of(keyword) or 0: uid for keyword, uid in uids.items()}, at, door)
        if outcome.status != "stored":
            raise Conflict(f"a copy was not filed: {outcome.reason or outcome.status}", kept="The study is as it was.",
                           hint="Reject what was copied so far, in the new study.")  # fmt: skip
    return Copied(target, made)


def _stored(context: Context, each: Located, who: Mapping[str, str], uids: Mapping[int, str], at: str, door: Door) -> Outcome:
    with context.blobs.open(each.blob_key, each.size) as file:
        try:
            source = corrected.refiled(file, who, uids, at, files.SYSTEM)
        except Malformed as fault:
            raise Conflict(f"an object cannot be read: {fault.reason}", kept="The study is as it was.") from None
        with door() as reception:
            for start in range(0, source.size, _PIECE):
                reception.write(source.read_at(start, min(_PIECE, source.size - start)))
            return reception.finish()


def done(context: Context, principal: Principal, study_uid: str, copied: Copied, reason: str) -> Split:
    """Note a split whose originals are rejected by now."""
    text = why(reason)

    def write(connection: Connection) -> Split:
        number = rows.add(connection, study_uid, copied.into, copied.made, text, principal.name, context.clock())
        told = {"study": study_uid, "into": copied.into, "split": number, "objects": len(copied.made)}
        changes.append(connection, Event.STUDY_SPLIT, study_uid, principal.name, told)
        found = rows.get(connection, number)
        assert found is not None
        return found

    return context.database.write(write)


def page(context: Context, principal: Principal, study_uid: str) -> list[Split]:
    """The splits a study is in, newest first. Raises Forbidden."""
    access.require(principal, Permission.STUDY_CORRECT)
    return context.database.read(lambda connection: rows.of_study(connection, study_uid))


def get(context: Context, principal: Principal, split_id: int) -> Split:
    """A split that stands. Raises Missing, Conflict, Forbidden."""
    access.require(principal, Permission.STUDY_CORRECT)
    found = context.database.read(lambda connection: rows.get(connection, split_id))
    if found is None:
        raise Missing("there is no such split", where="id")
    if found.undone_at is not None:
        raise Conflict("this split was taken back already", where="id")
    return found


def undone(context: Context, principal: Principal, split_id: int) -> None:
    """Note that it was taken back. Raises Conflict."""

    def write(connection: Connection) -> None:
        if not rows.undo(connection, split_id, principal.name, context.clock()):
            raise Conflict("this split was taken back already", where="id")
        found = rows.get(connection, split_id)
        assert found is not None
        told = {"study": found.study_instance_uid, "into": found.into_uid, "split": split_id}
        changes.append(connection, Event.STUDY_UNSPLIT, found.study_instance_uid, principal.name, told)

    context.database.write(write)
