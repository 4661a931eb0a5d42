"""Server-sent events from the change log (WHATWG HTML 9.2).

One poller a process, which runs only while somebody listens: twice a second it asks for the newest number, and reads what is
new into a ring that all listeners share. A listener holds nothing but its place in the log; one that lags behind the ring reads
the log itself, so nothing is lost, nothing piles up, and `Last-Event-ID` is the same thing as lagging.
"""

import asyncio
import logging
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from types import FrameType
from typing import Any

import anyio.to_thread
import orjson

from isocenter.domain.access import Principal
from isocenter.domain.errors import IsocenterError
from isocenter.service import changes
from isocenter.service.changes import Change
from isocenter.service.context import Context

log = logging.getLogger(__name__)

Handler = Callable[[int, FrameType | None], Any]
Still = Callable[[], Awaitable[Principal]]

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
# The session is asked again this often, so that a feed ends soon after its session does.
CHECK_SECONDS = 5.0
# Changes kept for all listeners: some minutes of a busy archive, about a megabyte.
RING = 2000
BATCH = 500
# A client that asks for more than this (it slept for days) is told to load its lists afresh.
LONGEST_REPLAY = 20_000


class Live:
    """The poller and its ring. Belongs to one event loop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ring: deque[Change] = deque(maxlen=RING)
        self._newest = 0
        self._listeners = 0
        self._poller: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._stopping = False
        self._also: tuple[Callable[[], None], ...] = ()

    def end_with_the_server(self, *also: Callable[[], None]) -> None:
        """From now on SIGTERM and SIGINT end the streams, so that a graceful stop does not wait for what never finishes.

        also: what else is to be called then, in the event loop: it has streams of its own.

        To be called in the event loop, after the server has installed its own handlers, which go on working: they are told by the
        loop's wake-up descriptor, and are called from here too. Without such handlers nothing is changed.
        """
        loop = asyncio.get_running_loop()
        self._also = also
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before) and before is not signal.default_int_handler:
                signal.signal(number, partial(self._signalled, loop, before))

    def _signalled(self, loop: asyncio.AbstractEventLoop, before: Handler, number: int, frame: FrameType | None) -> None:
        # Once is enough, and twice is too much: granian's worker blocks for good when it is told a second time (Ctrl-C reaches it
        # twice, and the supervisor repeats what may have been lost).
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        before(number, frame)
        loop.call_soon_threadsafe(self.stop)

    def stop(self) -> None:
        """End all streams; the clients come back by themselves (retry), to whoever answers then."""
        self._stopping = True
        self._tell()
        for stop in self._also:
            stop()

    async def events(
        self, principal: Principal, after: int | None, still: Still, kinds: frozenset[str] | None = None
    ) -> AsyncIterator[bytes]:
        """The stream of one listener, from `after` (None: from now).

        still: asks again who is there. When nobody is, or somebody who may see other things, the stream ends.
        kinds: each change of these, however many there are; None: what a list needs to know, gathered.
        """
        newest = await anyio.to_thread.run_sync(changes.latest, self._context)
        seq = newest if after is None else after
        self._join(newest)
        try:
            yield b"retry: 2000\n\n"
            # A number from another database (restored, or emptied), or from long ago.
            if seq > newest or (kinds is None and newest - seq > LONGEST_REPLAY):
                seq = newest
                yield _event("reset", seq, {"seq": seq})
            async for message in self._stream(principal, seq, still, kinds):
                yield message
        finally:
            self._leave()

    async def _stream(
        self, principal: Principal, seq: int, still: Still, kinds: frozenset[str] | None
    ) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        quiet_since = checked = clock()
        while not self._stopping:
            news = self._news
            found = await self._after(seq)
            if found:
                seq = found[-1].seq
                wanted = found if kinds is None else [change for change in found if change.kind in kinds]
                shown = await anyio.to_thread.run_sync(changes.visible, self._context, principal, wanted)
                for message in _gathered(shown) if kinds is None else map(_whole, shown):
                    quiet_since = clock()
                    yield message
                if len(found) == BATCH:
                    continue
            try:
                await asyncio.wait_for(news.wait(), timeout=POLL_SECONDS * 4)
            except TimeoutError:
                pass
            if clock() - checked > CHECK_SECONDS:
                checked = clock()
                if not await _unchanged(principal, still):
                    yield _event("end", seq, {"reason": "the session has ended"})
                    return
            if clock() - quiet_since > HEARTBEAT_SECONDS:
                quiet_since = clock()
                # With the number: who sees nothing of what happens must not ask for all of it after a break.
                yield f": still here\nid: {seq}\n\n".encode()

    async def _after(self, seq: int) -> list[Change]:
        """What came after `seq`: from the ring when it reaches back that far, else from the log."""
        if seq >= self._newest:
            return []
        if self._ring and self._ring[0].seq <= seq + 1:
            found = [change for change in self._ring if change.seq > seq]
            return found[:BATCH]
        return await anyio.to_thread.run_sync(changes.recent, self._context, seq, BATCH)

    def _join(self, newest: int) -> None:
        self._listeners += 1
        if self._poller is None or self._poller.done():
            self._ring.clear()
            self._newest = newest
            self._poller = asyncio.get_running_loop().create_task(self._poll())

    def _leave(self) -> None:
        self._listeners -= 1

    async def _poll(self) -> None:
        """Until nobody listens. A database that is away for a while is asked again; the listeners' heartbeats go on."""
        while self._listeners > 0:
            try:
                newest = await anyio.to_thread.run_sync(changes.latest, self._context)
                while newest > self._newest:
                    await self._read(newest)
            except IsocenterError as error:
                log.warning("the change log cannot be read", extra={"facts": {"kind": error.kind.value}})
                await asyncio.sleep(POLL_SECONDS * 4)
            await asyncio.sleep(POLL_SECONDS)

    async def _read(self, newest: int) -> None:
        found = await anyio.to_thread.run_sync(changes.recent, self._context, self._newest, BATCH)
        self._ring.extend(found)
        # Nothing to read up to `newest` is a log that was cut meanwhile: go on from there.
        self._newest = found[-1].seq if found else newest
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


async def _unchanged(principal: Principal, still: Still) -> bool:
    try:
        return await still() == principal
    except IsocenterError:
        return False


def _gathered(found: list[Change]) -> list[bytes]:
    """One event for each kind and study, with the last number and how many: a CT of 500 slices is not 500 events."""
    gathered: dict[tuple[str, str], tuple[int, int]] = {}
    for change in found:
        study = changes.study_of(change)
        key = (change.kind, study or f"#{change.seq}")
        gathered[key] = (change.seq, gathered.get(key, (0, 0))[1] + 1)
    ordered = sorted(gathered.items(), key=lambda item: item[1][0])
    return [
        _event("change", seq, {"seq": seq, "kind": kind, "study": None if study.startswith("#") else study, "count": count})
        for (kind, study), (seq, count) in ordered
    ]


def _whole(change: Change) -> bytes:
    return _event("change", change.seq, facts(change))


def facts(change: Change) -> dict[str, Any]:
    """A change as the API shows it."""
    return {
        "seq": change.seq, "at": change.at.isoformat(), "kind": change.kind, "subject": change.subject, "actor": change.actor,
        "payload": change.payload,
    }  # fmt: skip


def _event(name: str, seq: int, data: dict[str, Any]) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, name.encode(), orjson.dumps(data))
