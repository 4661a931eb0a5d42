"""Copies for viewing, which the worker makes of what the policy names (settings htj2k, htj2k_limit). It acts for nobody.

The original stays what it is and where it is. A copy is used only after each of its frames was decoded and found equal.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from isocenter import metrics
from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import Broken, Missing, NoSpace
from isocenter.service.context import Context
from isocenter.store import viewing_copies
from isocenter.store.imaging import Located
from isocenter.store.open_files import OpenFiles
from isocenter.store.viewing_copies import Copy

log = logging.getLogger(__name__)

DROPPED_AT_ONCE = 200
PLANNED_AT_ONCE = 1000
_MARGIN = 1 << 30  # bytes above min_free_space that copies leave to what comes in


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is: copies, their bytes, and series that wait for theirs."""

    copies: int
    bytes: int
    due: int


def make(context: Context, series_id: int, going_on: Callable[[], bool]) -> int:
    """Make the copies that a series lacks; returns how many. Stops early when `going_on` says so. Raises NoSpace, Away."""
    made = 0
    files = OpenFiles(context.blobs, capacity=1)
    for located in context.database.read(partial(viewing_copies.wanted, series_id=series_id)):
        if not going_on():
            break
        outcome = _make(context, files, located, going_on)
        metrics.viewing_copy(outcome)
        made += outcome == "made"
    return made


def _make(context: Context, files: OpenFiles, located: Located, going_on: Callable[[], bool]) -> str:
    from isocenter.codecs import transcoding, viewing  # numpy and the codecs cost memory that other processes save

    try:
        given = transcoding.read(files.open(located.blob_key, located.size).source())
        if viewing.unsuitable(given):
            return "unsuitable"
        _room(context, given.size)
        return _kept(context, located, given, going_on)
    except viewing.NotExact as fault:
        log.error("a codec erred: no copy is made", extra={"facts": {"instance": located.sop_instance_uid, "at": str(fault)}})
        return "wrong"
    except (Broken, Malformed) as fault:
        log.warning("no copy of a damaged instance", extra={"facts": {"key": located.blob_key, "fault": str(fault)}})
        return "damaged"


class _Stopped(Exception):
    """It is no longer ours to do."""


def _kept(context: Context, located: Located, given: object, going_on: Callable[[], bool]) -> str:
    from isocenter.codecs import viewing

    incoming = context.blobs.open_incoming()
    digest = hashlib.sha256()

    def write(coded: bytes) -> None:
        if not going_on():
            raise _Stopped
        digest.update(coded)
        incoming.write(coded)

    try:
        copied = viewing.copy(given, write)  # type: ignore[arg-type]
        copy = Copy(located.id, located.sha256, viewing_copies.key(located.sha256), digest.hexdigest(), copied.size,
                    context.clock(), copied.frames.encode(), copied.resolutions.encode())
        context.blobs.delete(copy.blob_key)  # of a worker that was killed before its row
        context.blobs.put(incoming, copy.blob_key)
    except _Stopped:
        return "stopped"
    finally:
        incoming.discard()
    if not context.database.write(partial(viewing_copies.keep, copy=copy)):
        context.blobs.delete(copy.blob_key)  # the instance has gone meanwhile
        return "stopped"
    return "made"


def _room(context: Context, size: int) -> None:
    if context.blobs.free_space() < context.settings.min_free_space + _MARGIN + size:
        raise NoSpace("there is no room for copies for viewing", kept="The originals are not touched.",
                      hint="Free some space, or lower htj2k_limit.")


def trim(context: Context, stop: Callable[[], bool]) -> int:
    """Remove the copies that were made first until the rest is within the limit; returns how many."""
    limit, removed = context.settings.htj2k_limit, 0
    if not limit:
        return 0
    _, held = context.database.read(viewing_copies.total)
    while held > limit and not stop():
        oldest = context.database.read(partial(viewing_copies.oldest, limit=DROPPED_AT_ONCE))
        going: list[Copy] = []
        while oldest and held > limit:
            going.append(oldest.pop(0))
            held -= going[-1].size
        if not going:
            break
        drop(context, going)
        removed += len(going)
    return removed


def drop(context: Context, copies: list[Copy]) -> None:
    """First the rows, then the files: a file without a row does no harm."""
    context.database.write(partial(viewing_copies.forget, copies=copies))
    for copy in copies:
        context.blobs.delete(copy.blob_key)


def plan_all(context: Context, advance: Callable[[int], None] = lambda count: None) -> int:
    """Plan the copies of everything that is held and that the policy names. Returns how many series; it may be done again."""
    modalities, planned, last = context.settings.htj2k_modalities, 0, 0
    while modalities != ():
        step = partial(viewing_copies.plan_all, after_id=last, modalities=modalities, due_at=context.clock(), limit=PLANNED_AT_ONCE)
        count, last = context.database.write(step)
        if not last:
            break
        planned += count
        advance(count)
    return planned


def summary(context: Context) -> Summary:
    """What there is."""
    copies, size = context.database.read(viewing_copies.total)
    return Summary(copies, size, context.database.read(viewing_copies.due))


def replan(context: Context, copy: Copy, at: datetime) -> None:
    """A copy was lost or damaged: it goes, and is made anew when the policy still names its series."""
    modalities = context.settings.htj2k_modalities
    drop(context, [copy])
    if modalities != ():
        context.database.write(partial(viewing_copies.plan_of, instance_id=copy.instance_id, modalities=modalities, due_at=at))
