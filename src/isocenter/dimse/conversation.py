"""What comes back on an association we asked for: answers, and requests of the peer that we perform meanwhile.

C-GET's sub-operations (PS3.4 C.4.3) and reports of storage commitment (PS3.4 J.3.3) are such requests.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from isocenter.dimse import messages, status
from isocenter.dimse.dispatch import Drain, Operation, Request
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer.association import Association, Ended
from isocenter.dimse.upper_layer.pdu import COMMAND, LAST
from isocenter.dimse.upper_layer.reader import Fragment

# An answer of C-FIND has some hundred bytes, a list of 10,000 failed instances 650 KB.
MAX_ANSWER = 4 << 20

# Between two looks whether to cancel, while nothing comes (seconds).
LOOK = 0.1

# A peer that says nothing for so long after a C-CANCEL does not mean to obey it (seconds): who cancelled is a person who waits.
OBEYED_WITHIN = 15.0

Perform = Callable[[Request], Operation]
"""Who performs a request of the peer."""

Cancelled = Callable[[], bool]
"""Whether to stop; asked often, and by the thread that waits."""


def never() -> bool:
    """Go on to the end."""
    return False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. transfer_syntax: of its data set, which is b"" when there is none."""

    command: Command
    data_set: bytes
    transfer_syntax: str

    @property
    def status(self) -> int:
        """Its status; one without is a failure (PS3.7 E.1 has it in every response)."""
        return status.PROCESSING_FAILURE if self.command.status is None else self.command.status


class Conversation:
    """The peer's side of an association, message by message. perform: None refuses every request."""

    def __init__(self, association: Association, perform: Perform | None = None) -> None:
        self._association = association
        self._perform = perform
        self._received = bytearray()  # a command set that is arriving
        self._answer: Command | None = None  # whose data set is arriving
        self._data = bytearray()
        self._operation: Operation | None = None  # of a request whose data set is arriving
        self._context_id = 0
        self._answers: list[Answer] = []
        self._cancelled = False
        self._waiting_since = time.monotonic()
        self._patience = association.limits.idle_timeout

    def answer(self, cancelled: Cancelled = never, cancel: Callable[[], object] = never) -> Answer:
        """The next answer. cancel: called when `cancelled` says so, once. Raises Ended."""
        asks = cancelled is not never
        while not self._answers:
            if asks and not self._cancelled and cancelled():
                self._cancelled = True
                cancel()
                self._waiting_since, self._patience = time.monotonic(), OBEYED_WITHIN
            if not asks or self._readable():
                self._receive()
        return self._answers.pop(0)

    def listen(self, seconds: float, stop: Cancelled = never) -> None:
        """Perform requests of the peer for some time, or until `stop`. Raises Ended when the peer has enough."""
        deadline = time.monotonic() + seconds
        while not stop() and time.monotonic() < deadline:
            if self._association.readable(LOOK):
                self._receive()

    def discard(self) -> None:
        """The association has ended: leave nothing behind."""
        if self._operation is not None:
            self._operation.discard()

    def _readable(self) -> bool:
        """Whether something has come; Ended when nothing has for the idle time, as in `receive`, or after a cancel."""
        if self._association.readable(LOOK):
            self._waiting_since = time.monotonic()
            return True
        if time.monotonic() - self._waiting_since > self._patience:
            raise Ended("timeout", f"nothing received for {self._patience:.0f} s")
        return False

    def _receive(self) -> None:
        for fragment in self._association.receive():
            if fragment[1] & COMMAND:
                self._take_command(fragment)
            else:
                self._take_data(fragment)

    def _take_command(self, fragment: Fragment) -> None:
        self._context_id, control, part = fragment
        if self._operation is not None or self._answer is not None:
            raise Ended("provider_aborted", "a command set inside a data set")
        if len(self._received) + len(part) > messages.MAX_COMMAND_LENGTH:
            raise Ended("provider_aborted", "a command set without end")
        self._received += part
        if not control & LAST:
            return
        try:
            command = messages.decode(bytes(self._received))
        except messages.InvalidCommand as error:
            raise Ended("provider_aborted", str(error)) from None
        self._received.clear()
        self._begin(command)

    def _begin(self, command: Command) -> None:
        context = self._association.contexts.get(self._context_id)
        if context is None:
            raise Ended("provider_aborted", "a presentation context that was not accepted")
        if command.command_field & messages.RESPONSE:
            self._answer = command
        elif command.command_field != CommandField.C_CANCEL_RQ:  # we never answer so slowly that it could mean anything
            request = Request(self._association, context, command)
            refusal = messages.response(command, status.UNRECOGNIZED_OPERATION)
            self._operation = self._perform(request) if self._perform else Drain(request, refusal)
        if not command.has_data_set:
            self._finish()

    def _take_data(self, fragment: Fragment) -> None:
        _, control, part = fragment
        if self._operation is not None:
            self._operation.write([part])
        elif self._answer is None or len(self._data) + len(part) > MAX_ANSWER:
            raise Ended("provider_aborted", "a data set without a command set" if self._answer is None else "an endless answer")
        else:
            self._data += part
        if control & LAST:
            self._finish()

    def _finish(self) -> None:
        operation, answer = self._operation, self._answer
        self._operation = self._answer = None
        if operation is not None:
            operation.finish()
        elif answer is not None:
            syntax = self._association.contexts[self._context_id].transfer_syntax
            self._answers.append(Answer(answer, bytes(self._data), syntax))
            self._data.clear()
