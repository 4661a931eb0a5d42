"""Under which keys the stored files are, and bringing them under the current one while everything runs."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from isocenter.domain import access
from isocenter.domain.access import SYSTEM, Permission, Principal
from isocenter.domain.errors import IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, keys
from isocenter.store import renewals as rows
from isocenter.store.blobs import Blobs
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.renewals import Renewal

AREAS = ("archive", "quarantine", "derived", "journal")
IN_CLEAR = ""
SILENT = timedelta(minutes=10)  # one that was not heard of for so long was broken off
_NOTED_EVERY = 1.0  # seconds

Advance = Callable[[int], None]


@dataclass(slots=True)
class Renewed:
    """Files that were looked at, those that are under the current key now and were not, and why others are not: key, reason."""

    files: int = 0
    changed: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)


def status(context: Context, folder: Path | None, advance: Advance) -> dict[str, int]:
    """How many files are under each key, by its name; those in clear by "". folder: a backup's or second storage's, else ours."""
    blobs = _blobs(context, folder)
    counts: Counter[str] = Counter()
    for key in _all(blobs):
        try:
            counts[blobs.key_name(key)] += 1
        except Missing:
            pass  # deleted meanwhile
        advance(1)
    return dict(counts)


def renew(context: Context, folder: Path | None, advance: Advance, expect: Advance = lambda count: None) -> Renewed:
    """Bring every file under the current key, or out of all when there is none. May be ended and begun again at any time: one
    that was killed goes on where it was. How far it is stands in the index, for whoever asks (`renewals`).

    A file that cannot be read stays as it is, and is told. The cache, which is in clear, is emptied first.
    """
    blobs = _blobs(context, folder)
    if folder is None:
        context.cache.clear()
    row, report = _begun(context, blobs, "" if folder is None else str(folder)), Renewed()
    report.files, report.changed, noted = row.files, row.changed, time.monotonic()
    expect(row.expected)
    advance(row.files)
    for key in _all(blobs, row.reached):
        try:
            report.changed += blobs.reseal(key)
        except Missing:
            pass  # deleted meanwhile
        except IsocenterError as error:
            report.faults.append((key, error.message))
        report.files += 1
        advance(1)
        row.reached = key
        if time.monotonic() - noted >= _NOTED_EVERY:
            _note(context, row, report)
            noted = time.monotonic()
    row.ended_at = context.clock()
    _note(context, row, report)
    facts = {"files": report.files, "changed": report.changed, "faults": len(report.faults), "key": row.key}
    context.database.write(lambda connection: changes.append(connection, Event.ENCRYPTION_RENEWED, row.place, SYSTEM.name, facts))
    return report


def _begun(context: Context, blobs: Blobs, place: str) -> Renewal:
    """One that was broken off, to go on with, or a new one. After faults it begins anew, so that each is told again."""
    key, now = current(context), context.clock()
    known = context.database.read(lambda connection: rows.one(connection, place))
    if known is not None and known.ended_at is None and known.key == key and not known.faults:
        return known
    made = Renewal(place, key, now, now, None, sum(1 for _ in _all(blobs)))
    context.database.write(lambda connection: rows.keep(connection, made))
    return made


def _note(context: Context, row: Renewal, report: Renewed) -> None:
    row.files, row.changed, row.faults, row.heard_at = report.files, report.changed, len(report.faults), context.clock()
    context.database.write(lambda connection: rows.keep(connection, row))


def renewals(context: Context, principal: Principal) -> list[Renewal]:
    """How far the last one of each place is. Raises Forbidden."""
    access.require(principal, Permission.SYSTEM_READ)
    return context.database.read(rows.every)


def is_stopped(context: Context, found: Renewal) -> bool:
    """Whether one was broken off: it has not ended, and was not heard of for long."""
    return found.ended_at is None and context.clock() - found.heard_at > SILENT


def current(context: Context) -> str:
    """The name of the current key; "" when new files are stored in clear."""
    used = keys.of(context.settings)
    return used.current.hex() if used and used.current else IN_CLEAR


def _blobs(context: Context, folder: Path | None) -> Blobs:
    return context.blobs if folder is None else LocalBlobs(folder, keys.of(context.settings))


def _all(blobs: Blobs, after: str = "") -> Iterator[str]:
    """Every key, area by area in order of folders. after: those that follow this one."""
    begin = _place(after) if after else None
    for area in AREAS:
        for key in blobs.list(area):
            if begin is None or _place(key) > begin:
                yield key


def _place(key: str) -> tuple[int, list[str]]:
    area, *names = key.split("/")
    return AREAS.index(area), names
