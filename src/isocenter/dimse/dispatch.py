"""Messages off an association, to the operation that performs each (PS3.7 6, PS3.8 Annex E).

The command set chooses an `Operation`, which is given the data set's bytes from the first fragment on, as they arrive. A request
we cannot perform gets an answer, its data set is drained, and the association lives on; a broken message flow ends it, since
nobody knows any more where a message begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from isocenter.dimse import messages, status
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer.association import Association, Ended
from isocenter.dimse.upper_layer.items import AbortReason
from isocenter.dimse.upper_layer.negotiation import PresentationContext
from isocenter.dimse.upper_layer.pdu import COMMAND, LAST
from isocenter.dimse.upper_layer.reader import Fragment

NO_CONTEXT = -1  # between two messages


@dataclass(frozen=True, slots=True)
class Request:
    """A request that has come in on an association."""

    association: Association
    context: PresentationContext
    command: Command

    def answer(self, response: Command) -> None:
        """Send a response without a data set."""
        self.association.send_fragments(self.context.context_id, COMMAND | LAST, response.encode())


class Operation(Protocol):
    """What is done with the data set of one request."""

    def write(self, fragments: list[memoryview]) -> None:
        """Take a part of the data set; the memoryviews are reused after the call. Does not raise."""

    def finish(self) -> None:
        """The data set is whole: do it, and answer."""

    def discard(self) -> None:
        """The association has ended first: leave nothing behind."""


Handler = Callable[[Request], Operation]


class Drain:
    """An operation that is refused: the data set is dropped, then the answer is sent."""

    def __init__(self, request: Request, response: Command) -> None:
        self._request = request
        self._response = response

    def write(self, fragments: list[memoryview]) -> None:
        pass

    def finish(self) -> None:
        self._request.answer(self._response)

    def discard(self) -> None:
        pass


class ProtocolError(Exception):
    """The message flow is broken; the association is to be aborted with `reason`."""

    def __init__(self, message: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.reason = reason


class Dispatcher:
    """The message in progress of one association."""

    def __init__(self, association: Association, handler: Callable[[Request], Handler | None]) -> None:
        """handler: who performs a request; None when nobody does."""
        self._association = association
        self._handler = handler
        self._command = bytearray()
        self._context_id = NO_CONTEXT  # of the message in progress
        self._operation: Operation | None = None

    def run(self) -> None:
        """Perform messages until the association is over, which raises its `Ended`, or ProtocolError."""
        association = self._association
        try:
            while True:
                self._take(association.receive())
        finally:
            if self._operation is not None:
                self._operation.discard()

    def _take(self, fragments: list[Fragment]) -> None:
        data: list[memoryview] = []
        for context_id, control, fragment in fragments:
            if context_id != self._context_id:
                self._begin(context_id)
            if control & COMMAND:
                self._take_command(control, fragment)
                continue
            if self._operation is None:
                raise ProtocolError("a data set without a command set", AbortReason.UNEXPECTED_PDU_PARAMETER)
            data.append(fragment)
            if control & LAST:
                self._operation.write(data)
                data = []
                self._finish()
        if data and self._operation is not None:
            self._operation.write(data)

    def _begin(self, context_id: int) -> None:
        if self._association.busy:
            # PS3.8 Annex E: the fragments of a message, command set and data set, share one presentation context.
            raise ProtocolError("a fragment of another presentation context inside a message")
        if context_id not in self._association.contexts:
            raise ProtocolError(f"presentation context {context_id} was not accepted")
        self._context_id = context_id

    def _take_command(self, control: int, fragment: memoryview) -> None:
        if self._operation is not None:
            raise ProtocolError("a command set inside a data set", AbortReason.UNEXPECTED_PDU_PARAMETER)
        if len(self._command) + len(fragment) > messages.MAX_COMMAND_LENGTH:
            raise ProtocolError("a command set without end")
        self._association.busy = True
        self._command += fragment
        if not control & LAST:
            return
        try:
            command = messages.decode(bytes(self._command))
        except messages.InvalidCommand as error:
            raise ProtocolError(f"command set: {error}") from None
        self._command.clear()
        self._start(command)

    def _start(self, command: Command) -> None:
        request = Request(self._association, self._association.contexts[self._context_id], command)
        if command.command_field == CommandField.C_CANCEL_RQ:  # nothing is in progress that it could cancel: PS3.7 9.3.2.3
            self._idle()
            return
        if command.command_field == CommandField.N_EVENT_REPORT_RSP and not command.has_data_set:
            self._idle()  # to a report of ours that nobody waits for any more
            return
        if command.command_field & messages.RESPONSE or command.message_id is None:
            raise ProtocolError(f"command field {command.command_field:04X}H where a request was expected")
        handler = self._handler(request)
        if handler is None:
            self._operation = Drain(request, messages.response(command, status.UNRECOGNIZED_OPERATION))
        else:
            self._operation = handler(request)
        if not command.has_data_set:
            self._finish()

    def _finish(self) -> None:
        operation, self._operation = self._operation, None
        if operation is not None:
            operation.finish()
        self._idle()

    def _idle(self) -> None:
        self._context_id = NO_CONTEXT
        self._association.busy = False
        if self._association.stopping:
            self._association.abort()
            raise Ended("stopped")
