"""Seen or not: which images of a study somebody has really had on the screen, told by the viewer, kept for the report.

Only who looked knows it; what is seen stays seen. A frame is named by its SOP Instance UID and number, and kept as a bit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import accounts, annotations, imaging
from isocenter.store import seen as rows
from isocenter.store.seen import Images

__all__ = ["Coverage", "note", "seen"]

_RANGES = re.compile(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?){0,999}")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one series: how many frames there are and were seen, and which (SOP Instance UID -> "1-3,7")."""

    series_uid: str
    number: str
    frames: int
    seen: int
    images: Mapping[str, str]

    @property
    def words(self) -> str:
        """What a report may say; "" when all was seen."""
        missing = self.frames - self.seen
        named = f"series {self.number.strip()}" if self.number.strip() else "a series without a number"
        return f"{missing} image{'' if missing == 1 else 's'} of {named} not seen" if missing else ""


def seen(context: Context, principal: Principal, study_uid: str) -> list[Coverage]:
    """What one has seen of each series of a study that holds pictures. Raises Forbidden, Missing."""

    def read(connection: Connection) -> list[Coverage]:
        owner = _enter(connection, principal, study_uid)
        held = rows.images(connection, study_uid)
        bits = rows.kept(connection, owner, held, study_uid)
        return [_coverage(each, bits[each.series_uid]) for each in held]

    return context.database.read(read)


def note(context: Context, principal: Principal, study_uid: str, told: Mapping[str, Mapping[str, str]]) -> int:
    """Add what was seen: series -> SOP Instance UID -> frames ("1-3,7"); durable on return. What the archive does not have is
    left out. Returns how many frames are new. Raises Forbidden, Missing, Invalid.
    """
    wanted = {series: {uid: _frames(text) for uid, text in images.items()} for series, images in told.items()}
    at = context.clock()

    def write(connection: Connection) -> int:
        owner = _enter(connection, principal, study_uid)
        annotations.lock(connection, owner)
        held = [each for each in rows.images(connection, study_uid) if each.series_uid in wanted]
        before = rows.kept(connection, owner, held, study_uid)
        new = 0
        for each in held:
            bits = before[each.series_uid] | _bits(each, wanted[each.series_uid])
            if bits != before[each.series_uid]:
                rows.put(connection, owner, study_uid, each, bits, at)
                new += bits.bit_count() - before[each.series_uid].bit_count()
        return new

    new = context.database.write(write)
    context.accesses.note(context.database, principal, Event.IMAGES_SEEN, study_uid, {"study": study_uid})
    return new


def _coverage(each: Images, bits: int) -> Coverage:
    told: dict[str, str] = {}
    at = 0
    for uid, count in each.frames.items():
        own = bits >> at & ((1 << count) - 1)
        if own and uid in each.served:
            told[uid] = _text(own, count)
        at += count
    shown = each.shown
    return Coverage(each.series_uid, each.number, shown.bit_count(), (bits & shown).bit_count(), told)


def _bits(each: Images, wanted: Mapping[str, list[tuple[int, int]]]) -> int:
    bits = at = 0
    for uid, count in each.frames.items():
        for first, last in wanted.get(uid, ()):
            last = min(last, count)
            if first <= last:
                bits |= ((1 << (last - first + 1)) - 1) << (at + first - 1)
        at += count
    return bits


def _text(own: int, count: int) -> str:
    ranges: list[list[int]] = []
    for frame in range(1, count + 1):
        if not own >> (frame - 1) & 1:
            continue
        if ranges and ranges[-1][1] == frame - 1:
            ranges[-1][1] = frame
        else:
            ranges.append([frame, frame])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _frames(text: object) -> list[tuple[int, int]]:
    if not isinstance(text, str) or not _RANGES.fullmatch(text):
        raise Invalid('frames are numbers and ranges, as "1-3,7"', where="images")
    pairs = [(int(first), int(last or first)) for first, _, last in (each.partition("-") for each in text.split(","))]
    if any(first < 1 or last < first for first, last in pairs):
        raise Invalid("frames are counted from 1, and a range goes upwards", where="images")
    return pairs


def _enter(connection: Connection, principal: Principal, study_uid: str) -> int:
    """The account's id, when it may look at the study."""
    access.require(principal, Permission.STUDY_READ)
    if imaging.study_values(connection, study_uid, access.scope(principal, Permission.STUDY_READ)) is None:
        raise Missing("there is no such study", hint="It may have been removed, or your account may not see it.")
    owner = accounts.account(connection, principal.name)
    if owner is None:
        raise Missing("there is no account that could have seen it", where="account")
    return int(owner.id)
