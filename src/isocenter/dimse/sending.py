"""Storage, SCU: instances of this archive to a peer (PS3.4 Annex B), for whoever sends: C-MOVE, routing, the command line.

What each peer takes is found out by proposing every syntax in a presentation context of its own: the stored ones, then those that
the peer prefers, then the uncompressed ones. `service/sending.outgoing` makes the first that was accepted of what is stored.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from isocenter import metrics
from isocenter.dicom import syntaxes
from isocenter.dimse import client, status
from isocenter.dimse.client import Association, Lost
from isocenter.dimse.conversation import LOOK, Cancelled, never
from isocenter.dimse.status import Category
from isocenter.dimse.throttle import Throttle
from isocenter.domain.errors import IsocenterError, Unsupported
from isocenter.service import commitment_requests, sending
from isocenter.service.commitment_requests import Reference
from isocenter.service.context import Context
from isocenter.service.peers import Peer
from isocenter.service.sending import Stored

log = logging.getLogger(__name__)

# PS3.4 Table C.4-2, "unable to perform sub-operations": for what the peer was never given, or never answered.
NOT_SENT = status.CANNOT_PERFORM_SUBOPERATIONS
# Before the second try of a peer that does not take an association (seconds).
AGAIN = 1.0
# So many instances in a row that end their association, each twice: the peer is broken, not they.
LOST_IN_A_ROW = 3
# After a cancel an instance in progress may still be answered for so long (seconds).
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one instance. status: of its C-STORE; reason: words, "" for Success. answered: whether the peer said so."""

    stored: Stored
    status: int
    reason: str = ""
    answered: bool = True

    @property
    def category(self) -> Category:
        """What the status means."""
        return status.describe(self.status).category

    @property
    def ok(self) -> bool:
        """The peer has it: Success, or a Warning (PS3.7 C.1, C.2)."""
        return self.category in (Category.SUCCESS, Category.WARNING)


OnSent = Callable[[Sent], None]


def send(
    context: Context,
    peer: Peer,
    stored: Sequence[Stored],
    *,
    on_sent: OnSent,
    calling: str = "",
    originator: tuple[str, int] | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Send instances to a peer, on as many associations at once as it may have (`peer.parallel`), in any order.

    on_sent: told what became of each, also that the network failed; cancelled: asked often, and nothing is begun once it says
    so. Both are called by the thread that calls, and what they raise ends the sending and is raised again. What was not begun
    before a cancel is not told. calling: our AE title, unless it is that of the settings. originator: AE title and Message ID of
    the C-MOVE behind it. An association that is lost is opened once more, and the instance that was on its way sent again.
    A peer that `asks_commitment` will be asked whether it keeps what it has taken (work/commitments.py).
    """
    # Who asked for a C-MOVE asks for commitment, too, if it wants to.
    taken = commitment_requests.Note(context, peer.aet) if peer.asks_commitment and originator is None else None

    def note(sent: Sent) -> None:
        metrics.sent(sent.category.lower() if sent.answered else "lost", peer.aet)
        if taken is not None and sent.ok:
            taken.take(Reference(sent.stored.sop_class_uid, sent.stored.sop_instance_uid))
        on_sent(sent)

    try:
        for contexts, group in _groups(peer, stored):
            if not _Sending(context, peer, contexts, group, calling, originator).run(note, cancelled):
                return
    finally:
        if taken is not None:
            taken.close()


def _ladder(peer: Peer) -> tuple[str, ...]:
    """What may be made of an object for a peer, the dearest first; uncompressed is what everybody takes (PS3.5 10.1)."""
    return tuple(dict.fromkeys((*peer.preferred_syntaxes, *syntaxes.OF_MESSAGES)))


def _groups(
    peer: Peer, stored: Sequence[Stored]
) -> Iterator[tuple[list[tuple[str, tuple[str, ...]]], list[Stored]]]:
    """The instances by SOP class, together as long as the presentation contexts of one association do for them."""
    kinds: dict[str, list[Stored]] = {}
    for each in stored:
        kinds.setdefault(each.sop_class_uid, []).append(each)
    contexts: list[tuple[str, tuple[str, ...]]] = []
    group: list[Stored] = []
    for sop_class, some in kinds.items():
        wanted = dict.fromkeys((*(each.transfer_syntax_uid for each in some), *_ladder(peer)))
        if contexts and len(contexts) + len(wanted) > client.MAX_CONTEXTS:
            yield contexts, group
            contexts, group = [], []
        contexts += [(sop_class, (syntax,)) for syntax in list(wanted)[: client.MAX_CONTEXTS]]
        group += some
    if group:
        yield contexts, group


class _Stopped(Exception):
    """Nobody wants it any more."""


class _Spoilt(Exception):
    """An object broke while it was sent: the peer has half of it, and only A-ABORT can say so."""


class _Sending:
    """Instances that fit the presentation contexts of one association, and the threads that send them."""

    def __init__(
        self, context: Context, peer: Peer, contexts: list[tuple[str, tuple[str, ...]]], stored: Sequence[Stored], calling: str,
        originator: tuple[str, int] | None,
    ) -> None:  # fmt: skip
        self._context = context
        self._peer = peer
        self._contexts = contexts
        self._calling = calling
        self._originator = originator
        self._todo = deque(stored)
        self._tried: set[int] = set()  # ids of instances whose association was lost
        self._results: queue.SimpleQueue[Sent | None] = queue.SimpleQueue()  # None: a thread has ended
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[Association] = set()
        self._reason = "the association was lost"  # why the last thread gave up
        self._begun = False  # an association came to be
        self._settled = threading.Event()  # whether one does, is known
        self._throttle = Throttle.of(peer.aet, peer.throttle)

    def run(self, on_sent: OnSent, cancelled: Cancelled) -> bool:
        """Send them. False: it was cancelled."""
        count = max(1, min(self._peer.parallel, len(self._todo)))
        threads = [
            threading.Thread(target=self._work, args=(number,), name=f"send-{self._peer.aet}-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        running, wanted = count, True
        try:
            while running and wanted:
                running -= self._tell(on_sent)
                wanted = not cancelled()
        finally:
            self._end(threads)
        while not self._results.empty():
            self._tell(on_sent)
        while wanted and self._todo:
            on_sent(Sent(self._todo.popleft(), NOT_SENT, self._reason, answered=False))
        return wanted

    def _tell(self, on_sent: OnSent) -> bool:
        """Pass on the next result, if one comes soon. True: it was the word of a thread that it has ended."""
        try:
            sent = self._results.get(timeout=LOOK)
        except queue.Empty:
            return False
        if sent is not None:
            on_sent(sent)
        return sent is None

    def _end(self, threads: Iterable[threading.Thread]) -> None:
        """Until the threads have ended; an instance in progress is cut off after PATIENCE.

        One that still waits for a connection is left to itself: it will find nothing to do.
        """
        self._stop.set()
        _join(threads)
        with self._lock:
            for association in self._open:
                association.sever()
        _join(threads)

    def _work(self, number: int) -> None:
        """What a thread does. The first opens its association before the others: a peer that takes one only takes that."""
        try:
            if number:
                self._settled.wait()
            if not number or self._begun:
                self._send_left()
        finally:
            self._settled.set()
            self._results.put(None)

    def _send_left(self) -> None:
        """One association after the other, until nothing is left or the peer takes no more."""
        tries = _Tries()
        while self._todo and not self._stop.is_set():
            try:
                self._associate(tries)
            except _Stopped:
                return
            except _Spoilt:
                continue
            except IsocenterError as error:
                self._reason = error.message
                if tries.over:
                    return
                if not tries.opened:
                    self._stop.wait(AGAIN)
            except Exception:
                log.exception("sending failed", extra={"facts": {"peer": self._peer.aet}})
                self._reason = "the archive failed; its log has the reason"
                return

    def _associate(self, tries: "_Tries") -> None:
        """Send on one association what is left. Raises as `client` does when there is none, or no more."""
        tries.opened, tries.refused = False, tries.refused + 1
        association = client.to_peer(self._context, self._peer, contexts=self._contexts, calling=self._calling)
        with self._lock:
            self._open.add(association)
        try:
            with association:
                tries.opened, tries.refused = True, 0
                self._begun = True
                self._settled.set()
                while (stored := self._next()) is not None:
                    self._results.put(self._one(association, stored, tries))
                    tries.lost = 0
        finally:
            with self._lock:
                self._open.discard(association)

    def _next(self) -> Stored | None:
        """An instance to be sent; none after the end."""
        try:
            return None if self._stop.is_set() else self._todo.popleft()
        except IndexError:
            return None

    def _one(self, association: Association, stored: Stored, tries: "_Tries") -> Sent:
        """What became of an instance. Raises Lost, _Spoilt and _Stopped; then the association is of no more use."""
        accepted = [syntax for syntax in self._syntaxes(stored) if (stored.sop_class_uid, syntax) in association.accepted]
        with ExitStack() as stack:
            try:
                opened = stack.enter_context(sending.outgoing(self._context, stored, accepted))
            except Unsupported as error:
                return Sent(stored, status.SOP_CLASS_NOT_SUPPORTED, self._not_taken(accepted, error))
            except IsocenterError as error:
                return Sent(stored, status.STORE_STATUS[error.kind], error.message)
            try:
                answer = association.send(
                    stored.sop_class_uid, stored.sop_instance_uid, opened.transfer_syntax_uid, self._paced(opened.parts()),
                    self._originator,
                )  # fmt: skip
            except Lost as error:
                tries.lost += 1
                self._lost(stored, error)
                raise
            except IsocenterError as error:
                self._results.put(Sent(stored, status.STORE_STATUS[error.kind], error.message))
                raise _Spoilt from None
        text = "" if answer.status == status.SUCCESS else answer.comment or status.describe(answer.status).text
        return Sent(stored, answer.status, text)

    def _syntaxes(self, stored: Stored) -> tuple[str, ...]:
        return tuple(dict.fromkeys((stored.transfer_syntax_uid, *_ladder(self._peer))))

    @staticmethod
    def _not_taken(accepted: Sequence[str], error: Unsupported) -> str:
        if not accepted:
            return "the peer takes no objects of this kind (SOP class)"
        return f"the peer takes it in no transfer syntax that can be made of it: {error.message}"

    def _lost(self, stored: Stored, error: Lost) -> None:
        """An instance whose association was lost while it was on its way: sent again once."""
        if stored.id in self._tried:
            self._results.put(Sent(stored, NOT_SENT, error.message, answered=False))
        else:
            self._tried.add(stored.id)
            self._todo.appendleft(stored)

    def _paced(self, parts: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        """The parts, as slowly as the peer is to be sent them; _Stopped when nobody wants them any more."""
        for part in parts:
            for piece in self._throttle.pieces(part, self._stop):
                if self._stop.is_set():
                    raise _Stopped
                yield piece


def _join(threads: Iterable[threading.Thread]) -> None:
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


@dataclass(slots=True)
class _Tries:
    """Of one thread: whether its association came to be, how often in a row it did not, and was lost with an instance."""

    opened: bool = False
    refused: int = 0
    lost: int = 0

    @property
    def over(self) -> bool:
        """The peer takes no more."""
        return self.refused > 1 or self.lost >= 2 * LOST_IN_A_ROW
