"""C-STORE as a sub-operation of C-GET: to the requestor of an exchange, on its own association (PS3.7 9.1.3.1).

What comes next is made ready while the peer still works at what it has: opened and read, or transcoded by other threads.
"""

import logging
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from isocenter.dimse import messages, status
from isocenter.dimse.conversation import LOOK
from isocenter.dimse.dispatch import ProtocolError
from isocenter.dimse.exchange import Exchange
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer.negotiation import PresentationContext
from isocenter.domain.errors import IsocenterError, Unsupported
from isocenter.service import sending
from isocenter.service.sending import Stored

log = logging.getLogger(__name__)

# Objects that are transcoded at the same time for one retrieval, and wait to be sent: codecs give up the GIL.
WORKERS = max(1, min(4, os.cpu_count() or 1))


@dataclass(slots=True)
class _Ready:
    """An instance that can be sent, or cannot. code, reason: why not. left: bytes of its data set."""

    stored: Stored
    code: int = status.SUCCESS
    reason: str = ""
    context: PresentationContext | None = None
    parts: Iterator[bytes] = field(default_factory=lambda: iter(()))
    first: bytes = b""
    left: int = 0
    stack: ExitStack = field(default_factory=ExitStack)


class Suboperations:
    """The C-STOREs of a retrieval, one after the other."""

    def __init__(self, exchange: Exchange, found: Sequence[Stored]) -> None:
        session = exchange.session
        self._exchange = exchange
        self._left = iter(found)
        self._far = bool(session.context.blobs.node)  # an object store: what is next is fetched meanwhile
        self._message_id = 0
        self._queue: deque[_Ready | Future[_Ready]] = deque()
        self._workers: ThreadPoolExecutor | None = None
        ladder = session.peer.preferred_syntaxes if session.peer else ()
        self._contexts: dict[str, dict[str, PresentationContext]] = defaultdict(dict)  # SOP class -> transfer syntax -> context
        for context in session.association.contexts.values():
            if context.abstract_syntax in session.association.scp_roles_of_peer:
                self._contexts[context.abstract_syntax].setdefault(context.transfer_syntax, context)
        self._accepted = {  # what the peer would rather have comes first, then its own order
            sop_class: [*(one for one in ladder if one in contexts), *(one for one in contexts if one not in ladder)]
            for sop_class, contexts in self._contexts.items()
        }

    def __enter__(self) -> "Suboperations":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._workers is not None:
            self._workers.shutdown(cancel_futures=True)
        for each in self._queue:
            if isinstance(each, _Ready):
                each.stack.close()
            elif not each.cancelled():
                each.result().stack.close()

    def next(self, waiting: Callable[[], None]) -> tuple[Stored, int, str]:
        """Send the next instance: what it is, the status of its C-STORE, and why when we did not get so far.

        waiting: called often while it is still made ready; what it raises ends the retrieval.
        """
        self._fill()
        ready = self._made(self._queue[0], waiting)
        self._queue.popleft()
        with ready.stack:
            if ready.context is None:
                return ready.stored, ready.code, ready.reason
            self._send(ready, ready.context)
        self._fill()
        answer = self._exchange.answer_to(self._message_id)
        return ready.stored, status.UNABLE_TO_PROCESS if answer.status is None else answer.status, answer.error_comment or ""

    @staticmethod
    def _made(entry: "_Ready | Future[_Ready]", waiting: Callable[[], None]) -> _Ready:
        if isinstance(entry, _Ready):
            return entry
        while True:
            try:
                return entry.result(LOOK)
            except TimeoutError:
                waiting()

    def _fill(self) -> None:
        """Make ready what comes next."""
        while not self._queue or (len(self._queue) < WORKERS and isinstance(self._queue[-1], Future)):
            stored = next(self._left, None)
            if stored is None:
                return
            if self._is_accepted(stored) and not self._far:
                self._queue.append(self._ready(stored))
            else:
                self._workers = self._workers or ThreadPoolExecutor(WORKERS, thread_name_prefix="transcode")
                self._queue.append(self._workers.submit(self._ready, stored))

    def _is_accepted(self, stored: Stored) -> bool:
        return stored.transfer_syntax_uid in self._accepted.get(stored.sop_class_uid, ())

    def _ready(self, stored: Stored) -> _Ready:
        """The instance, opened and begun to be read."""
        accepted = self._accepted.get(stored.sop_class_uid)
        if not accepted:
            return _Ready(stored, status.SOP_CLASS_NOT_SUPPORTED, "the SCP role for a SOP class was not proposed")
        stack = ExitStack()
        try:
            outgoing = stack.enter_context(sending.outgoing(self._exchange.session.context, stored, accepted))
            parts = outgoing.parts()
            context = self._contexts[stored.sop_class_uid][outgoing.transfer_syntax_uid]
            return _Ready(stored, context=context, parts=parts, first=next(parts, b""), left=outgoing.size, stack=stack)
        except Unsupported as error:
            code, reason = status.SOP_CLASS_NOT_SUPPORTED, error.message
        except IsocenterError as error:
            code, reason = status.PROCESSING_FAILURE, error.message
        except Exception:  # one instance fails, the retrieval goes on
            log.exception("an instance cannot be sent", extra={"facts": {"instance": stored.sop_instance_uid}})
            code, reason = status.PROCESSING_FAILURE, "the archive failed"
        stack.close()
        return _Ready(stored, code, reason)

    def _send(self, ready: _Ready, context: PresentationContext) -> None:
        self._message_id = self._message_id % 0xFFFF + 1
        command = Command(
            command_field=CommandField.C_STORE_RQ,
            command_data_set_type=messages.DATA_SET,
            affected_sop_class_uid=ready.stored.sop_class_uid,
            affected_sop_instance_uid=ready.stored.sop_instance_uid,
            message_id=self._message_id,
            priority=self._exchange.command.priority or 0,
        )
        try:
            self._exchange.request(context.context_id, command, _marked(ready))
        except IsocenterError as error:  # in the middle of the data set: nothing can be said on this association any more
            raise ProtocolError(f"an object could not be sent to its end: {error.message}") from error


def _marked(ready: _Ready) -> Iterator[tuple[bytes, bool]]:
    """The parts of the data set, each with whether it is the last."""
    part, left = ready.first, ready.left
    while True:
        left -= len(part)
        yield part, left <= 0
        if left <= 0:
            return
        part = next(ready.parts)
