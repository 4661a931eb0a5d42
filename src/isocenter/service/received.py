"""What outside parties sent in over upload links: it waits in quarantine, study by study, until a person accepts or refuses it.

Nothing is deleted here: what is accepted goes in by the door of all objects while what came stays in quarantine as it came, and
what is refused stays there, too, off the list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, RowMapping

from isocenter.dicom import corrected, part10
from isocenter.dicom.attributes import BY_KEYWORD
from isocenter.dicom.elements import Malformed
from isocenter.domain import sharing
from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Conflict, Invalid, Missing, TooLarge, Unsupported
from isocenter.domain.events import Event
from isocenter.domain.imaging import Outcome
from isocenter.domain.patient import contradicts, identity
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import sharing as rows
from isocenter.store.corrected import SYSTEM as MODIFIER
from isocenter.store.open_files import OpenFile

__all__ = ["Accepted", "Failed", "Group", "Look", "accept", "look", "page", "refuse"]

MOST_GROUPS = 200
TOGETHER = 100  # objects of one call: some tenths of a second
LONGEST_REASON = 500
_PIECE = 1 << 20
_LONGEST_LO = 64
_SHOWN = ("StudyDate", "StudyDescription", "Modality", "InstitutionName")
# The object's own fault; the others go on.
_ITS_OWN = (Conflict, Invalid, TooLarge, Unsupported)

As = Literal["said", "apart"]
"""said: the patient is who the objects say. apart: the same number under an issuer of the link's own, so that no patient of the
archive is joined."""


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given."""


@dataclass(frozen=True, slots=True)
class Group:
    """The objects of one study that came over one link. label: what the link says it is for."""

    link: int
    label: str
    study: str
    objects: int
    bytes: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What the first object of a group says, keyword -> text; joins: who the archive has under the same number and issuer, or
    None; contradicts: keywords in which those two differ."""

    values: dict[str, str]
    joins: dict[str, str] | None
    contradicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An object that could not be taken in, and still waits."""

    sop_instance_uid: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Of one call: how many went in, which did not; next: go on after it, None: that was all."""

    accepted: int
    failed: tuple[Failed, ...]
    next: int | None


def page(context: Context, principal: Principal) -> list[Group]:
    """What waits, the newest first. It names nobody."""
    require(principal, Permission.QUARANTINE_READ)

    def read(connection: Connection) -> list[Group]:
        return [_group(connection, row) for row in rows.groups(connection, MOST_GROUPS)]

    return context.database.read(read)


def _group(connection: Connection, row: RowMapping) -> Group:
    number = sharing.number_of(row["actor"]) or 0
    link = rows.get(connection, number)
    return Group(number, link.label if link else "", row["study_instance_uid"], row["objects"], int(row["bytes"]),
                 row["first_at"], row["last_at"])  # fmt: skip


def look(context: Context, principal: Principal, number: int, study_uid: str) -> Look:
    """Whom a group is about, as its first object says, and whom of the archive it would join; the look is a change row.

    Raises Missing, Unsupported (it cannot be read).
    """
    require(principal, Permission.QUARANTINE_RESOLVE)
    require(principal, Permission.QUARANTINE_READ)
    first = _waiting(context, number, study_uid, 0, 1)[0]
    with context.blobs.open(first["blob_key"]) as kept:
        said = _values(kept)
    facts = {"study": study_uid, "link": number}
    context.database.write(
        lambda connection: changes.append(connection, Event.RECEIVED_READ, study_uid, principal.name, facts)
    )
    held = context.database.read(lambda connection: rows.held(connection, identity(said, study_uid)))
    joins = None if held is None else {keyword: held[BY_KEYWORD[keyword].column] for keyword in corrected.KEYWORDS}
    shown = {keyword: said.get(keyword, "") for keyword in (*corrected.KEYWORDS, *_SHOWN)}
    return Look(shown, joins, contradicts(joins, said) if joins is not None else ())


def _values(kept: OpenFile) -> dict[str, str]:
    try:
        return dict(part10.scan(kept).values)
    except part10.Malformed as fault:
        raise Unsupported(f"the object cannot be read: {fault.reason}", where=fault.where) from None


def _waiting(context: Context, number: int, study_uid: str, after: int, limit: int) -> Sequence[RowMapping]:
    """Objects of a group. Raises Missing when there is none at all."""
    found = context.database.read(
        lambda connection: rows.waiting(connection, sharing.name_of(number), study_uid, after, limit)
    )
    if not found and not after:
        raise Missing("nothing of this waits any more", where="uid", hint="Somebody may have settled it: load the list again.")
    return found


def accept(context: Context, principal: Principal, number: int, study_uid: str, *, how: As, after: int, door: Door) -> Accepted:
    """Take in what waits of a study, at most TOGETHER objects of it from `after` on; each is settled when it is durable.

    Raises Missing, Forbidden; and what is the archive's own fault (disk full, database away): what went in before stays in.
    """
    require(principal, Permission.QUARANTINE_RESOLVE)
    require(principal, Permission.STUDY_STORE)
    found = _waiting(context, number, study_uid, after, TOGETHER)
    done: list[int] = []
    failed: list[Failed] = []
    try:
        for row in found:
            try:
                outcome = _take(context, row, number, how, door)
                reason = outcome.reason if outcome.status == "quarantined" else ""
            except _ITS_OWN as error:
                reason = str(error)
            if reason:
                failed.append(Failed(row["sop_instance_uid"], reason))
            else:
                done.append(row["id"])
    finally:
        if done:
            _settle(context, principal, Event.RECEIVED_ACCEPTED, number, study_uid, done, {"as": how})
    return Accepted(len(done), tuple(failed), found[-1]["id"] if len(found) == TOGETHER else None)


def _take(context: Context, row: RowMapping, number: int, how: As, door: Door) -> Outcome:
    with context.blobs.open(row["blob_key"]) as kept:
        source: Any = kept
        if how == "apart":
            said = _values(kept)
            who = {keyword: said.get(keyword, "") for keyword in corrected.KEYWORDS}
            who["IssuerOfPatientID"] = _issuer(context, number)
            try:
                source = corrected.seen(kept, who, f"{context.clock():%Y%m%d%H%M%S.%f}+0000", MODIFIER)
            except Malformed as fault:
                raise Unsupported(f"the object cannot be read: {fault.reason}", where=fault.where) from None
        with door() as reception:
            for start in range(0, source.size, _PIECE):
                reception.write(source.read_at(start, min(_PIECE, source.size - start)))
            return reception.finish()


def _issuer(context: Context, number: int) -> str:
    """An issuer that nobody else has: the link's number and whom it is for."""
    link = context.database.read(lambda connection: rows.get(connection, number))
    label = link.label if link is not None else ""
    words = "".join(letter for letter in label if letter.isascii() and (letter.isalnum() or letter in " -."))
    return f"{sharing.name_of(number)} {words}".strip()[:_LONGEST_LO].strip()


def refuse(context: Context, principal: Principal, number: int, study_uid: str, reason: str) -> int:
    """Take a study off the list without taking it in; its files stay in quarantine. Returns how many objects. Raises Missing."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        raise Invalid(f"say why, in 1 to {LONGEST_REASON} characters", where="reason")
    count, after = 0, 0
    while found := _waiting(context, number, study_uid, after, 1000):
        ids = [row["id"] for row in found]
        count += _settle(context, principal, Event.RECEIVED_REFUSED, number, study_uid, ids, {"reason": reason.strip()})
        after = ids[-1]
    return count


def _settle(context: Context, principal: Principal, event: Event, number: int, study_uid: str, ids: list[int],
            facts: dict[str, object]) -> int:  # fmt: skip
    now = context.clock()

    def write(connection: Connection) -> int:
        count = rows.settle(connection, ids, principal.name, now)
        told = {"study": study_uid, "link": number, "objects": count, **facts}
        changes.append(connection, event, study_uid, principal.name, told)
        return count

    return context.database.write(write)
