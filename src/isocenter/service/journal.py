"""The change log and what people decided, kept with the files (`store.journal`): written beside the server, read by `reindex`.

A line of the journal is whole in itself. A new one begins when the newest is not of this index: a backup was restored, or the
database was made anew. Nothing of an older line is ever changed or removed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from isocenter.domain.errors import Broken, Conflict, IsocenterError
from isocenter.service.context import Context
from isocenter.store import audit, changes, journal, transfer
from isocenter.store.imaging import Kept
from isocenter.store.journal import End, Segment
from isocenter.store.replica import Replica

FOLLOWER = "journal"  # its row among those who are told the log: the lease, and how far it is
LEASE = timedelta(minutes=2)
TOGETHER = 5000  # changes of one segment
WAIT = timedelta(minutes=5)  # for more, when nothing but accesses and arrivals has happened
_LINE = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class State:
    """How far it is. behind: changes that are in no segment; since: the oldest of them; reason: of the last failure, or ""."""

    behind: int
    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back. changes: rows of the log; rows: of what people decided; until: the time of the last change."""

    line: str
    changes: int
    rows: int
    until: str


def write(context: Context, end: End | None) -> tuple[End | None, bool]:
    """Write the next segment when it is time. end: where this process left the line, None: not known.

    Returns where the line ends, and whether there may be more. Raises Away, Broken, NoSpace: then nothing of the log is lost.
    """
    database, now = context.database, context.clock()
    known = database.read(partial(audit.relay, collector=FOLLOWER))
    cursor = known.cursor if known is not None else 0
    if not _is_time(context, cursor, now):
        return end, False
    claim = partial(audit.claim, collector=FOLLOWER, begin_after=0, now=now, until=now + LEASE)
    claimed = database.write(claim)
    if claimed is None:
        return end, False
    done: dict[str, object] = {"lease_until": None}
    try:
        if end is None or end.seq != claimed.cursor or not database.read(partial(journal.goes_on, end=end)):
            end = _newest(context)
        rows = database.read(partial(journal.after, seq=end.seq, limit=TOGETHER))
        if rows:
            database.secure()  # a number that is in a file must not be given to something else after a power cut
            start = end
            content, end = database.read(lambda connection: journal.written(connection, start, rows))
            _put(context, start.key, content)
        done |= {"cursor": end.seq, "told_at": context.clock(), "failing_since": None, "last_reason": ""}
        return end, len(rows) == TOGETHER
    except IsocenterError as error:
        done |= {"failing_since": claimed.failing_since or now, "last_reason": error.message}
        raise
    finally:
        with suppress(IsocenterError):  # the lease ends by itself
            database.write(partial(audit.told, collector=FOLLOWER, lease=now + LEASE, columns=done))


def copy(context: Context, replica: Replica, known: int) -> int:
    """Add what the second storage lacks of the journal. known: how far the journal was when that was done last, -1: not known.

    Returns how far it is. Raises Away, Broken, NoSpace; what was added then need not be added again.
    """
    relay = context.database.read(partial(audit.relay, collector=FOLLOWER))
    cursor = relay.cursor if relay is not None else 0
    if cursor == known:
        return known
    missing: list[str] = []
    for key in sorted(context.blobs.list(journal.AREA), reverse=True):
        if replica.has(_kept(context, key)):
            break  # they are added in their order
        missing.append(key)
    for key in reversed(missing):
        with context.blobs.open_durable(key) as file:
            replica.keep(_kept(context, key), file)
    return cursor


def _kept(context: Context, key: str) -> Kept:
    content = _content(context, key)
    return Kept(0, key, hashlib.sha256(content).hexdigest(), len(content), "", True)


def _is_time(context: Context, cursor: int, now: datetime) -> bool:
    newest = context.database.read(changes.latest)
    if newest == cursor:
        return False
    if newest < cursor:
        return True  # another index than the one that was written last
    waiting = context.database.read(partial(changes.since, seq=cursor, limit=TOGETHER))
    return (len(waiting) == TOGETHER or any(journal.is_urgent(each.kind) for each in waiting)
            or (bool(waiting) and now - waiting[0].at > WAIT))  # fmt: skip


def _put(context: Context, key: str, content: bytes) -> None:
    incoming = context.blobs.open_incoming()
    try:
        incoming.write(content)
        context.blobs.put(incoming, key)
    finally:
        incoming.discard()


def _newest(context: Context) -> End:
    """Where the newest line ends, when it is of this index; a new line otherwise."""
    lines = _lines(context)
    if lines:
        with suppress(Broken):  # what is damaged stays as it is, and is not gone on with
            end = _tail(context, lines)
            if context.database.read(partial(journal.goes_on, end=end)):
                return end
    newest = max(lines, default="")  # a clock that was set back must not hide one line behind another
    return End(max(f"{context.clock():{_LINE}}", f"{newest}1"))


def _tail(context: Context, lines: dict[str, list[str]]) -> End:
    line = max(lines)
    return journal.tail(_content(context, lines[line][-1]), line)


def _lines(context: Context) -> dict[str, list[str]]:
    """The lines there are, with the keys of their segments in order."""
    found: dict[str, list[str]] = {}
    for key in context.blobs.list(journal.AREA):
        found.setdefault(key.split("/")[1], []).append(key)
    return {line: sorted(keys) for line, keys in found.items()}


def _content(context: Context, key: str) -> bytes:
    with context.blobs.open_durable(key) as file:
        return file.read_at(0, file.size)


def _read(context: Context, line: str, keys: list[str]) -> Iterator[Segment]:
    end = End(line)
    for key in keys:
        if key != end.key:
            raise Broken("a segment of the journal is missing", where=end.key, kept=journal.WHOLE,
                         hint="Put it back from the second storage; `--without-journal` goes on without the journal.")
        segment = journal.read(_content(context, key), end)
        yield segment
        end = segment.end


def restore(context: Context) -> Restored | None:
    """Put the journal into an index that is unused. None when the index has a log of its own, or there is no journal.

    Raises Broken when the journal is not what was written; Conflict when the index is another one, or an older line has more than
    the newest: then the database was used after the index had been lost.
    """
    lines = _lines(context)
    if not lines:
        return None
    ends = {line: journal.tail(_content(context, keys[-1]), line) for line, keys in lines.items()}
    line = max(ends)
    if not context.database.read(transfer.is_unused):
        if not context.database.read(partial(journal.goes_on, end=ends[line])):
            raise Conflict(
                "the journal beside the files is of another index: what people corrected and rejected would be lost",
                kept="Nothing was changed.",
                hint="To take it in, name an empty database. To go on without it, give --without-journal: it stays where it is.")
        return None
    fullest = max(ends, key=lambda each: ends[each].seq)
    if ends[fullest].seq > ends[line].seq:
        raise Conflict(
            f"the newest journal, {line}, knows {ends[line].seq:,} changes, and {fullest} {ends[fullest].seq:,}",
            kept="Nothing was changed.",
            hint=f"Move journal/{line} (or {fullest}) away from the images, whichever is not wanted.")
    last = ""

    def segments() -> Iterator[Segment]:
        nonlocal last
        for segment in _read(context, line, lines[line]):
            last = segment.rows[-1][1]
            yield segment

    logged, rows = context.database.write(lambda connection: journal.load(connection, segments()))
    return Restored(line, logged, rows, last)


def state(context: Context) -> State:
    """How far the journal is."""
    known = context.database.read(partial(audit.relay, collector=FOLLOWER))
    cursor = known.cursor if known is not None else 0
    behind = context.database.read(changes.latest) - cursor
    waiting = context.database.read(partial(changes.since, seq=cursor, limit=1)) if behind > 0 else []
    return State(max(0, behind), waiting[0].at if waiting else None, known.last_reason if known is not None else "")
