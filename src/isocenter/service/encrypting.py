"""Under which keys the stored files are, and bringing them under the current one while everything runs."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, keys
from isocenter.store.blobs import Blobs
from isocenter.store.blobs_local import LocalBlobs

AREAS = ("archive", "quarantine", "derived", "journal")
IN_CLEAR = ""

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


def renew(context: Context, folder: Path | None, advance: Advance) -> Renewed:
    """Bring every file under the current key, or out of all when there is none. May be ended and begun again at any time.

    A file that cannot be read stays as it is, and is told. The cache, which is in clear, is emptied first.
    """
    blobs = _blobs(context, folder)
    if folder is None:
        context.cache.clear()
    report = Renewed()
    for key in _all(blobs):
        try:
            report.changed += blobs.reseal(key)
        except Missing:
            pass  # deleted meanwhile
        except IsocenterError as error:
            report.faults.append((key, error.message))
        report.files += 1
        advance(1)
    facts = {"files": report.files, "changed": report.changed, "faults": len(report.faults), "key": current(context)}
    where = "" if folder is None else str(folder)
    context.database.write(lambda connection: changes.append(connection, Event.ENCRYPTION_RENEWED, where, SYSTEM.name, facts))
    return report


def current(context: Context) -> str:
    """The name of the current key; "" when new files are stored in clear."""
    used = keys.of(context.settings)
    return used.current.hex() if used and used.current else IN_CLEAR


def _blobs(context: Context, folder: Path | None) -> Blobs:
    return context.blobs if folder is None else LocalBlobs(folder, keys.of(context.settings))


def _all(blobs: Blobs) -> Iterator[str]:
    for area in AREAS:
        yield from blobs.list(area)
