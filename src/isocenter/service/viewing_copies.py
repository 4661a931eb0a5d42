"""Copies for viewing, which the worker makes of what the policy names (settings htj2k, htj2k_limit). It acts for nobody.

The original stays what it is and where it is. A copy is used only after each of its frames was decoded and found equal.
"""

import hashlib
import logging
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import Any

import orjson

from isocenter import metrics
from isocenter.dicom.elements import Malformed
from isocenter.dicom.frames import FrameTable
from isocenter.dicom.resolutions import Resolutions
from isocenter.dicom.source import FileSource, Source
from isocenter.domain.errors import Broken, NoSpace
from isocenter.service.context import Context
from isocenter.service.pool import Handle
from isocenter.store import open_files, viewing_copies
from isocenter.store.blobs import Incoming
from isocenter.store.imaging import Located
from isocenter.store.viewing_copies import Copy

log = logging.getLogger(__name__)

_PART = "isocenter.codecs.viewing:part"  # by name: the codecs are loaded in the processes of the pool only
DROPPED_AT_ONCE = 200
PLANNED_AT_ONCE = 1000
_MARGIN = 1 << 30  # bytes above min_free_space that copies leave to what comes in


def make(context: Context, series_id: int, going_on: Callable[[], bool]) -> int:
    """Make the copies that a series lacks; returns how many. Stops early when `going_on` says so. Raises NoSpace, Busy, Away."""
    made = 0
    for located in context.database.read(partial(viewing_copies.wanted, series_id=series_id)):
        if not going_on():
            break
        outcome = _make(context, located, going_on)
        if outcome != "stopped":
            metrics.viewing_copy(outcome)
        made += outcome == "made"
    return made


def _make(context: Context, located: Located, going_on: Callable[[], bool]) -> str:
    _room(context, located.size)
    incoming = context.blobs.open_incoming()
    try:
        with _descriptor(context, located) as source:
            tables = _Tables()
            while tables.incomplete:
                if not going_on():
                    return "stopped"
                ended = tables.add(_part(context, source, incoming.fd, len(tables.lengths)))
                if ended == "wrong":
                    log.error("a codec erred: no copy is made", extra={"facts": {"key": located.blob_key}})
                if ended:
                    return ended
        return _keep(context, located, incoming, tables)
    except (Broken, Malformed) as fault:
        log.warning("no copy of an instance that cannot be read", extra={"facts": {"key": located.blob_key, "fault": str(fault)}})
        return "damaged"
    finally:
        incoming.discard()


def _part(context: Context, source: int, into: int, first: int) -> Mapping[str, Any]:
    """In a process of the pool: a hostile image must not end the worker."""
    return dict(orjson.loads(context.pool.run_sync(_PART, Handle(source), Handle(into), first)))


@contextmanager
def _descriptor(context: Context, located: Located) -> Iterator[int]:
    """A descriptor of the original's bytes, which are fetched into a file when they lie elsewhere. Raises Broken, Busy."""
    with open_files.sound(context.blobs, located.blob_key, located.size) as file:
        if file.fd is not None:
            yield file.fd
            return
        with context.scratch(file.size) as fetched:
            offset = 0
            while piece := file.read_at(offset, open_files.PIECE):
                fetched.write(piece)
                offset += len(piece)
            fetched.flush()
            yield fetched.fileno()


class _Tables:
    """What the parts of a copy say, put together. They come from a process that decodes what others sent: each is checked."""

    def __init__(self) -> None:
        self.lengths = array("Q")
        self.prefixes = array("I")
        self.incomplete = True
        self._facts = (0, 0, 0, 0)

    def add(self, part: Mapping[str, Any]) -> str:
        """Why there is no copy: unsuitable, wrong; "" when it goes on, or is complete. Raises Malformed."""
        if part["unsuitable"] or part["wrong"]:
            return "unsuitable" if part["unsuitable"] else "wrong"
        lengths, prefixes = part["lengths"], part["prefixes"]
        facts = part["rows"], part["columns"], part["decompositions"], part["frames"]
        if not lengths or len(prefixes) != len(lengths) * facts[2] or (self.lengths and facts != self._facts):
            raise Malformed("frames are missing", "PixelData")
        self.lengths.extend(lengths)
        self.prefixes.extend(prefixes)
        self._facts = facts
        self.incomplete = len(self.lengths) < facts[3]
        return ""

    @property
    def size(self) -> int:
        return sum(self.lengths)

    def frames(self) -> FrameTable:
        offsets = array("Q", accumulate(self.lengths, initial=0))
        return FrameTable.encapsulated(offsets[:-1], self.lengths)

    def resolutions(self) -> Resolutions:
        rows, columns, decompositions, _ = self._facts
        return Resolutions(rows, columns, decompositions, self.prefixes)


def _keep(context: Context, located: Located, incoming: Incoming, tables: _Tables) -> str:
    incoming.size = tables.size
    digest = FileSource(incoming.fd, tables.size)
    copy = Copy(located.id, located.sha256, viewing_copies.key(located.sha256), _sha256(digest), tables.size, context.clock(),
                tables.frames().encode(), tables.resolutions().encode())
    context.blobs.delete(copy.blob_key)  # of a worker that was killed before its row
    context.blobs.put(incoming, copy.blob_key)
    if context.database.write(partial(viewing_copies.keep, copy=copy)):
        return "made"
    context.blobs.delete(copy.blob_key)  # the instance has gone meanwhile, or is another one
    return "stopped"


def _sha256(source: Source) -> str:
    digest = hashlib.sha256()
    for offset in range(0, source.size, open_files.PIECE):
        digest.update(source.read_at(offset, open_files.PIECE))
    return digest.hexdigest()


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
        count, last = context.database.write(
            partial(viewing_copies.plan_all, after_id=last, modalities=modalities, due_at=context.clock(), limit=PLANNED_AT_ONCE)
        )
        if not last:
            break
        planned += count
        advance(count)
    return planned


def summary(context: Context) -> dict[str, int]:
    """What there is: copies, their bytes, and due: series that wait for theirs."""
    copies, size = context.database.read(viewing_copies.total)
    return {"copies": copies, "bytes": size, "due": context.database.read(viewing_copies.due)}
