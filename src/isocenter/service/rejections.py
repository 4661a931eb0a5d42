"""Rejecting and deleting as IHE RAD IOCM has it: a rejection note hides objects; deleting them is a second step.

    reject, restore                  a note is written into the archive and told to who has the objects; or taken back
    delete, keep                     they are to be deleted after a time of grace, or not after all
    hold, release                    nothing of a study may be deleted
    follow, free, settle             what the worker does: notes that came, what comes after them, and deletion step by step
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection

from isocenter.dicom import composing, part10, syntaxes
from isocenter.dicom.composing import text_of
from isocenter.domain import access
from isocenter.domain import rejections as rules
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken, Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.exported import Image, Json, Made
from isocenter.domain.imaging import Outcome
from isocenter.domain.rejections import Note
from isocenter.service.context import Context
from isocenter.store import changes, deletions, deliveries, imaging, routing, series_documents
from isocenter.store import rejections as rows
from isocenter.store.deliveries import Planned
from isocenter.store.imaging import Located
from isocenter.store.rejections import Rejection

__all__ = ["Rejection", "delete", "follow", "free", "get", "hold", "holds", "keep", "notes", "page", "recover", "reject",
           "release", "restore", "restore_all", "settle"]

MOST = 20_000  # objects of one note
TOGETHER = 1000  # changes of one look
AT_ONCE = 200  # objects of one step of deletion
MOST_SHOWN = 1000
FOLLOWER = "rejections"  # who has done what followed from what others did

_NOT_HERE = "It may have been removed, or your account may not see it."


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given."""


# ---- rejecting


def reject(
    context: Context, principal: Principal, study_uid: str, door: Door, *, kind: str, reason: str, series: Sequence[str] = (),
    instances: Sequence[str] = (), to: Sequence[str] = (),
) -> Rejection:  # fmt: skip
    """Reject a study, or some of its series or instances: a note is stored, what it names is hidden, who has it is told.

    kind: of `domain.rejections.CODES`. to: destinations or peers that get the note besides those that were sent the objects.
    Durable on return. Raises Forbidden, Missing, Invalid, and what the door raises.
    """
    access.require(principal, Permission.STUDY_REJECT)
    code, _ = rules.title(kind)
    why = rules.why(reason)
    scope = access.scope(principal, Permission.STUDY_REJECT)
    held, found = context.database.read(
        lambda connection: (imaging.study_values(connection, study_uid, scope), imaging.locate(connection, study_uid))
    )
    if held is None or not found:
        raise Missing("there is no such study", hint=_NOT_HERE)
    chosen = [each for each in found if (not series or each.series_instance_uid in series)
              and (not instances or each.sop_instance_uid in instances)]  # fmt: skip
    if not chosen:
        raise Missing("there is nothing of this study", where="instances" if instances else "series", hint=_NOT_HERE)
    if len(chosen) > MOST:
        raise Invalid(f"a note names at most {MOST:,} objects", where="series", hint="Reject it series by series.")
    images = [Image(each.series_instance_uid, each.sop_class_uid, each.sop_instance_uid) for each in chosen]
    made = Made(study_uid, held, principal.name, context.clock().astimezone())
    note = rules.read(dataset := rules.written(made, images, kind, why))
    assert note is not None and note.code == code
    outcome = _written(dataset, door)
    if outcome.status == "quarantined":
        raise Conflict(f"the rejection note was not filed: {outcome.reason}", kept="Nothing is hidden.")

    def write(connection: Connection) -> Rejection:
        _apply(context, connection, note, principal.name, "here", to, why)
        kept = _of_note(connection, note.sop_uid)
        assert kept is not None
        return kept

    return context.database.write(write)


def _apply(context: Context, connection: Connection, note: Note, actor: str, source: str, to: Iterable[str] = (),
           why: str = "") -> None:
    """Hide what a note names, and plan who is told. Nothing when that was done already."""
    now = context.clock()
    done = rows.add(connection, note, actor, source, now)
    if done is None:
        return
    number, hidden = done
    told = {"study": note.study_uid, "rejection": number, "code": note.code, "note": note.sop_uid, "objects": len(note.named),
            "hidden": hidden, "source": source}  # fmt: skip
    for study in sorted({note.study_uid, *(each.study_uid for each in note.named)}):
        changes.append(connection, Event.INSTANCE_REJECTED, study, actor, {**told, "study": study})
    names = sorted({*to, *rows.receivers(connection, [each.sop_uid for each in note.named])})
    for name in names:
        if not routing.ensure_destination(connection, name, now):
            raise Missing("there is no such destination and no such peer", where="to", kept="The note is stored.")
    deliveries.plan(connection, [Planned(note.study_uid, name, "", now, (note.sop_uid,)) for name in names], now)


def _of_note(connection: Connection, note_uid: str) -> Rejection | None:
    known = rows.by_note(connection, note_uid)
    return None if known is None else rows.get(connection, known, access.Everything())


def _written(dataset: Json, door: Door) -> Outcome:
    head = part10.file_meta(text_of(dataset, "00080016"), text_of(dataset, "00080018"), syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    with door() as reception:
        reception.write(head)
        for piece in composing.compose(dataset):
            assert isinstance(piece, bytes)  # nothing of ours is bulk data
            reception.write(piece)
        return reception.finish()


def restore(context: Context, principal: Principal, rejection_id: int) -> Rejection:
    """Take a rejection back: what no other one hides is served again. Raises Missing, Conflict, Forbidden."""
    access.require(principal, Permission.REJECTED_READ)
    access.require(principal, Permission.STUDY_REJECT)

    def write(connection: Connection) -> Rejection:
        found = _found(connection, rejection_id, principal)
        if found.freed:
            raise Conflict("some of it has been deleted already", where="id", hint="What was deleted must be sent again.")
        shown = rows.undo(connection, rejection_id, principal.name, context.clock())
        if shown is None:
            raise Conflict("this was taken back already", where="id")
        told = {"study": found.study_instance_uid, "rejection": rejection_id, "served": shown}
        changes.append(connection, Event.INSTANCE_RESTORED, found.study_instance_uid, principal.name, told)
        return _found(connection, rejection_id, principal)

    return context.database.write(write)


def restore_all(context: Context, principal: Principal, sop_uids: Sequence[str]) -> int:
    """Take back every rejection that names nothing but these objects, and is not deleted. Returns how many. Raises Forbidden."""
    access.require(principal, Permission.STUDY_REJECT)
    access.require(principal, Permission.STUDY_CORRECT)

    def write(connection: Connection) -> int:
        numbers = rows.only_of(connection, sop_uids)
        for number in numbers:
            found = _found(connection, number, principal)
            rows.undo(connection, number, principal.name, context.clock())
            told = {"study": found.study_instance_uid, "rejection": number}
            changes.append(connection, Event.INSTANCE_RESTORED, found.study_instance_uid, principal.name, told)
        return len(numbers)

    return context.database.write(write)


# ---- deleting, and what forbids it


def delete(context: Context, principal: Principal, rejection_id: int, reason: str) -> Rejection:
    """What a rejection hides is to be deleted after the time of grace. Raises Missing, Conflict (held, deleted), Forbidden."""
    access.require(principal, Permission.STUDY_DELETE)
    why = rules.why(reason)

    def write(connection: Connection) -> Rejection:
        found = _found(connection, rejection_id, principal)
        if found.held:
            raise Conflict("a legal hold forbids to delete anything of this study", where="id", kept="All of it is kept.",
                           hint="Whoever set the hold may release it.")
        came = deletions.newest(connection, rejection_id)
        if came is not None and came > _received_after(context):
            until = came + timedelta(days=context.settings.keep_days)
            raise Conflict(f"everything is kept for {context.settings.keep_days:g} days: this until {until:%Y-%m-%d %H:%M} UTC",
                           where="id", kept="All of it is kept, and hidden.", hint="Have it deleted then.")
        due = context.clock() + timedelta(hours=context.settings.delete_grace_hours)
        if not deletions.mark(connection, rejection_id, due, principal.name, why):
            raise Conflict("this was taken back or deleted already", where="id")
        told = {"study": found.study_instance_uid, "rejection": rejection_id, "delete_at": due.isoformat()}
        changes.append(connection, Event.REJECTION_MARKED, found.study_instance_uid, principal.name, told)
        return _found(connection, rejection_id, principal)

    return context.database.write(write)


def _received_after(context: Context) -> datetime:
    """What came in later is not deleted; without the setting that is nothing, also when a clock was set back."""
    days = context.settings.keep_days
    return context.clock() - timedelta(days=days) if days else datetime.max.replace(tzinfo=UTC)


def keep(context: Context, principal: Principal, rejection_id: int) -> Rejection:
    """Do not delete it after all; it stays hidden. Raises Missing, Conflict when it has begun, Forbidden."""
    access.require(principal, Permission.STUDY_DELETE)

    def write(connection: Connection) -> Rejection:
        found = _found(connection, rejection_id, principal)
        if not deletions.unmark(connection, rejection_id):
            raise Conflict("it was not to be deleted, or that has begun", where="id")
        told = {"study": found.study_instance_uid, "rejection": rejection_id}
        changes.append(connection, Event.REJECTION_UNMARKED, found.study_instance_uid, principal.name, told)
        return _found(connection, rejection_id, principal)

    return context.database.write(write)


def hold(context: Context, principal: Principal, study_uid: str, reason: str) -> None:
    """Nothing of a study may be deleted until it is released. Raises Missing, Conflict, Invalid, Forbidden."""
    access.require(principal, Permission.STUDY_HOLD)
    why = rules.why(reason)

    def write(connection: Connection) -> None:
        if imaging.study_values(connection, study_uid, access.scope(principal, Permission.STUDY_HOLD)) is None:
            raise Missing("there is no such study", where="study", hint=_NOT_HERE)
        if not deletions.hold(connection, study_uid, principal.name, why, context.clock()):
            raise Conflict("there is a legal hold on this study already", where="study")
        changes.append(connection, Event.HOLD_SET, study_uid, principal.name, {"study": study_uid})

    context.database.write(write)


def release(context: Context, principal: Principal, study_uid: str, reason: str) -> None:
    """End a hold. Raises Missing, Invalid, Forbidden."""
    access.require(principal, Permission.STUDY_HOLD)
    why = rules.why(reason)

    def write(connection: Connection) -> None:
        if not deletions.release(connection, study_uid):
            raise Missing("there is no legal hold on this study", where="study")
        changes.append(connection, Event.HOLD_RELEASED, study_uid, principal.name, {"study": study_uid, "reason": why})

    context.database.write(write)


# ---- looking


def page(
    context: Context, principal: Principal, *, study: str = "", state: str = "", limit: int = 100, before: int | None = None
) -> list[Rejection]:
    """Rejections, newest first; see `store.rejections.page`. Raises Forbidden."""
    access.require(principal, Permission.REJECTED_READ)
    scope = access.scope(principal, Permission.REJECTED_READ)
    return context.database.read(lambda connection: rows.page(connection, study, state, limit, before, scope))


def get(context: Context, principal: Principal, rejection_id: int) -> tuple[Rejection, dict[str, str], list[Mapping[str, Any]]]:
    """A rejection, its study as text by keyword, and its objects, at most 1,000. Raises Missing, Forbidden."""
    access.require(principal, Permission.REJECTED_READ)

    def read(connection: Connection) -> tuple[Rejection, dict[str, str], list[Mapping[str, Any]]]:
        found = _found(connection, rejection_id, principal)
        scope = access.scope(principal, Permission.REJECTED_READ)
        values = imaging.study_values(connection, found.study_instance_uid, scope) or {}
        return found, values, [dict(row) for row in rows.named(connection, rejection_id, MOST_SHOWN)]

    found = context.database.read(read)
    study = found[0].study_instance_uid
    context.accesses.note(context.database, principal, Event.STUDY_READ, study, {"study": study})
    return found


def holds(context: Context, principal: Principal) -> list[Mapping[str, Any]]:
    """All legal holds, newest first, at most 1,000. Raises Forbidden."""
    access.require(principal, Permission.REJECTED_READ)
    scope = access.scope(principal, Permission.REJECTED_READ)
    return [dict(row) for row in context.database.read(lambda connection: deletions.holds(connection, MOST_SHOWN, scope))]


def _found(connection: Connection, rejection_id: int, principal: Principal) -> Rejection:
    found = rows.get(connection, rejection_id, access.scope(principal, Permission.STUDY_QUERY))
    if found is None:
        raise Missing("there is no such rejection", where="id")
    return found


# ---- for the worker


def notes(context: Context, study_uid: str, sop_uids: Iterable[str]) -> list[Located]:
    """Those of the objects that are rejection notes: hidden from who searches, and yet sent to who has what they name."""
    def read(connection: Connection) -> list[Located]:
        found = (imaging.locate_hidden(connection, study_uid, None, uid) for uid in sop_uids
                 if rows.by_note(connection, uid) is not None)  # fmt: skip
        return [each for each in found if each is not None]

    return context.database.read(read)


def follow(context: Context) -> int:
    """Read on in the change log: notes that came are applied, and what came after its note is hidden. Returns changes read.

    Cursor and what follows move in one transaction: a worker that is killed has done all of it, or nothing.
    """

    def read(connection: Connection) -> tuple[int, list[changes.Change], list[tuple[str, str, str]]]:
        seen = rows.cursor(connection)
        found = changes.since(connection, seen, TOGETHER, (Event.INSTANCE_STORED,))
        studies = {change.payload["study"] for change in found}
        uids = [uid for change in found for uid in change.payload["instances"]]
        return seen, found, rows.notes_among(connection, studies, uids) if found else []

    seen, found, key_objects = context.database.read(read)
    if not found:
        return 0
    actors = {uid: change.actor for change in found for uid in change.payload["instances"]}
    came = [(note, actors.get(note.sop_uid, FOLLOWER)) for note in map(partial(_read, context), key_objects) if note is not None]

    def write(connection: Connection) -> None:
        if not rows.advance(connection, seen, found[-1].seq):
            return
        for note, actor in came:
            _apply(context, connection, note, actor, "received")
        uids = [uid for change in found for uid in change.payload["instances"]]
        rows.arrived(connection, [change.payload["study"] for change in found], uids, context.clock())

    context.database.write(write)
    return len(found)


def _read(context: Context, place: tuple[str, str, str]) -> Note | None:
    """What a Key Object Selection rejects, if it does. One whose file is lost is for `isocenter verify`."""
    located = context.database.read(lambda connection: imaging.locate(connection, *place))
    try:
        return rules.read(series_documents.instance_json(context.blobs, located[0], "")) if located else None
    except (Broken, Missing):
        return None


def free(context: Context) -> int:
    """Step 1 of deletion for some objects that are due, with a tombstone in the log. Returns how many."""
    number = context.database.read(lambda connection: deletions.due(connection, context.clock(), _received_after(context)))
    if number is None:
        return 0

    def write(connection: Connection) -> list[deletions.Gone]:
        gone, emptied = deletions.claim_rows(connection, number, context.clock(), _received_after(context), AT_ONCE)
        about = _found(connection, number, access.SYSTEM)
        by_series: dict[tuple[str, str], list[deletions.Gone]] = {}
        for each in gone:
            by_series.setdefault((each.study_uid, each.series_uid), []).append(each)
        for (study, series), items in by_series.items():
            told = {"study": study, "series": series, "rejection": number, "code": about.code, "note": about.note_uid,
                    "instances": [each.sop_uid for each in items], "sha256": [each.sha256 for each in items]}  # fmt: skip
            changes.append(connection, Event.INSTANCE_DELETED, study, about.deleted_by, told)
        for study in emptied:
            changes.append(connection, Event.STUDY_DELETED, study, about.deleted_by, {"study": study, "rejection": number})
        return gone

    gone = context.database.write(write)
    for series in sorted({each.series_uid for each in gone}):
        series_documents.drop(context.blobs, series)
    return len(gone)


def settle(context: Context) -> int:
    """Steps 2 and 3: files whose rows are gone are deleted, and then forgotten. Returns how many.

    The rows went in a transaction before; it is on the disk before the first file goes. Safe to be done twice.
    """
    keys = context.database.read(lambda connection: deletions.files(connection, AT_ONCE))
    if not keys:
        return 0
    context.database.secure()
    done: list[str] = []
    try:
        for key in keys:
            context.blobs.delete(key)
            done.append(key)
    finally:
        if done:
            context.database.write(partial(deletions.forget, keys=done))
    return len(done)


def recover(context: Context) -> int:
    """Reject again what is rejected, in an index that was made anew from the files; returns how many objects are hidden by it.

    First what is known of rejections, then the notes among the files: a lost database forgets no rejection.
    """
    hidden = context.database.write(partial(rows.replay, at=context.clock()))
    for place in context.database.read(rows.all_notes):
        note = _read(context, place)
        if note is not None:
            add = partial(rows.add, note=note, actor=FOLLOWER, source="received", at=context.clock())
            done = context.database.write(add)
            hidden += done[1] if done is not None else 0
    return hidden
