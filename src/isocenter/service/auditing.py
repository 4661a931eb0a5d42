"""Whether the change log is what was written: the chain of its hashes, and heads that were noted outside.

    look      goes over the log, and compares        note, anchors   heads at the places of the setting `audit_anchor`
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, IsocenterError
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import anchors as places
from isocenter.store import audit, changes
from isocenter.store.anchors import Anchor

FOLLOWER = "anchors"
"""The name of the schedule's row (lease, when it was done last) among those that follow the log."""

SHOWN = 100


@dataclass(slots=True)
class Audit:
    """What one look at the log found.

    rows: all; older: those at the beginning, from before there was a chain; unchained: numbers of those without a hash after it
    began. broken: numbers of rows at or before which something was changed, removed, put in or moved. head: "NUMBER:HASH" of the
    newest row, to be noted elsewhere. anchored: whether the head that was given is still there; None without one. anchors: how
    many noted heads were compared; lost: those that are not there any more; unread: why others could not be read.
    """

    rows: int = 0
    older: int = 0
    broken: list[int] = field(default_factory=list)
    unchained: list[int] = field(default_factory=list)
    head: str = ""
    anchored: bool | None = None
    anchors: int = 0
    lost: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not (self.broken or self.unchained or self.lost or self.unread) and self.anchored is not False


def look(
    context: Context, anchor: str = "", advance: Callable[[int], None] = lambda count: None, *, since: int = 0,
    noted: Iterable[Anchor | str] = (),
) -> Audit:
    """Go over the log. anchor: a head that was noted before; noted: others, or why they cannot be read. since: only what comes
    after this row. Raises Invalid."""
    number, _, digest = anchor.partition(":")
    if anchor and not (number.isdecimal() and len(digest) == 64):
        hint = "Write NUMBER:HASH, as `isocenter verify --audit` tells it."
        raise Invalid("this is no head of the change log", where=anchor[:80], hint=hint)
    found = list(noted)
    audit = Audit(unread=[each for each in found if isinstance(each, str)])
    held = [each for each in found if isinstance(each, Anchor)]
    there: set[tuple[int, str]] = set()
    wanted = {each.seq for each in held} | ({int(number)} if anchor else set())

    def go(connection: Connection) -> Audit:
        for link in changes.links(connection, since):
            _take(audit, link)
            if link.seq in wanted:
                there.add((link.seq, link.hash))
            if audit.rows % 1000 == 0:
                advance(1000)
        return audit

    context.database.read(go)
    audit.anchors = len(held)
    audit.lost = [each.told() for each in held if (each.seq, each.hash) not in there]
    audit.anchored = (int(number), digest) in there if anchor else None
    return audit


def _take(audit: Audit, link: changes.Link) -> None:
    audit.rows += 1
    if link.sound is None and not audit.head:
        audit.older += 1
    elif link.sound is None:
        audit.unchained.append(link.seq)
    else:
        audit.head = f"{link.seq}:{link.hash}"
        if not link.sound:
            audit.broken.append(link.seq)


def anchors(context: Context) -> list[Anchor | str]:
    """What was noted at the places of the settings, oldest first; in words, what cannot be read."""
    return list(chain.from_iterable(_read(context, place) for place in context.settings.anchor_places))


def _read(context: Context, place: str) -> Sequence[Anchor | str]:
    try:
        return places.read(place, context.settings)
    except IsocenterError as error:
        return [f"{places.called(place)}: {error.message}"]


def note(context: Context) -> int:
    """Note the newest row at each place, and that it was noted: the collector of audit messages is told so. Its number.

    Raises IsocenterErrors when a place cannot be written; those before it have the note, and have it once.
    """
    database = context.database
    database.secure()  # a number that was noted must not be given to something else after a power cut
    seq, digest = database.read(changes.head)
    if not seq:
        return 0
    anchor = Anchor(seq, digest, context.clock().isoformat(timespec="seconds"))
    for place in context.settings.anchor_places:
        places.keep(place, context.settings, anchor)
    told = {"head": f"{seq}:{digest}", "places": [places.called(place) for place in context.settings.anchor_places]}
    database.write(lambda connection: changes.append(connection, Event.AUDIT_ANCHORED, str(seq), access.SYSTEM.name, told))
    return seq


@dataclass(frozen=True, slots=True)
class Anchored:
    """How the notes stand. places: without credentials; at: of the last; failing_since, reason: None, "" when all is well."""

    places: tuple[str, ...]
    every_hours: float
    at: datetime | None
    head: str
    failing_since: datetime | None
    reason: str


def state(context: Context, principal: Principal) -> Anchored:
    """When the head was noted last. Raises Forbidden."""
    access.require(principal, Permission.SYSTEM_READ)
    last, told = context.database.read(lambda connection: (changes.newest(connection, Event.AUDIT_ANCHORED),
                                                           audit.relay(connection, FOLLOWER)))  # fmt: skip
    settings = context.settings
    return Anchored(
        tuple(places.called(each) for each in settings.anchor_places), settings.audit_anchor_every_hours,
        last.at if last else None, str(last.payload.get("head", "")) if last else "",
        told.failing_since if told else None, told.last_reason if told else "",
    )  # fmt: skip
