"""A request whose data set is whole, and all that may follow on its association until it is answered.

Everything but C-STORE is done here: queries with many answers, retrievals whose sub-operations are requests of ours on the same
association, N-services. A handler is a function of an `Exchange`; it answers once, after as many pending answers as it likes.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from isocenter.dimse import messages, status
from isocenter.dimse.dispatch import Operation, ProtocolError, Request
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer.association import Association, Ended
from isocenter.dimse.upper_layer.items import AbortReason
from isocenter.dimse.upper_layer.pdu import COMMAND, LAST
from isocenter.dimse.upper_layer.reader import Fragment
from isocenter.domain.access import Principal
from isocenter.domain.errors import IsocenterError
from isocenter.service.context import Context
from isocenter.service.peers import Peer

log = logging.getLogger(__name__)

# An identifier with a list of 10,000 UIDs has 650 KB; what is longer is no question anybody asks.
MAX_DATA_SET = 4 << 20

# What is read ahead, to see a C-CANCEL behind requests that wait; what comes after stays in the network.
MAX_LATER = 1 << 20


@dataclass(frozen=True, slots=True)
class Session:
    """One association as its services see it. peer: what is known about the caller; None for one who is unknown and let in.

    memory: what services keep between the requests of an association, each under its own name; gone with it.
    """

    context: Context
    principal: Principal
    calling_ae_title: str
    called_ae_title: str
    association: Association
    peer: Peer | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    def extended(self, sop_class_uid: str) -> bytes:
        """What extended negotiation agreed on for a SOP class (PS3.7 D.3.3.5): our answer; b"" when there was none."""
        return self.association.extended.get(sop_class_uid, b"")

    @property
    def character_set(self) -> str:
        """The Specific Character Set of the caller's data sets that name none; "" for the default repertoire."""
        return self.peer.character_set if self.peer else ""


class Crossed(Exception):
    """Instead of an answer to a request of ours the peer has sent one of its own, which will be performed next."""


class Exchange:
    """One request and the way back. command: of the request; data_set: its encoded data set, b"" when it has none."""

    def __init__(self, session: Session, request: Request, data_set: bytes) -> None:
        self.session = session
        self.command = request.command
        self.context = request.context
        self.data_set = data_set
        self.answered: int | None = None  # the final status
        self._cancelled = False
        self._received = bytearray()  # a command set that is arriving
        self._draining = False  # the data set of an answer to us is arriving, which nobody needs
        self._answers: dict[int, Command] = {}
        self._later: list[Fragment] = []  # requests that came before this one was answered
        self._later_size = 0
        self._later_data = False  # the data set of one of them is arriving

    def pending(self, code: int, data_set: bytes = b"", **fields: Any) -> None:
        """Send a pending answer. fields: further elements of the command set, as in `Command`."""
        self._send(code, data_set, fields)

    def answer(self, code: int, data_set: bytes = b"", **fields: Any) -> None:
        """Send the final answer, once."""
        assert self.answered is None, "answered twice"
        self.answered = code
        self._send(code, data_set, fields)

    def cancelled(self) -> bool:
        """Whether the peer has sent C-CANCEL for this request; does not wait. Raises Ended, ProtocolError."""
        association = self.session.association
        while not self._cancelled and self._later_size < MAX_LATER and association.readable():
            self._receive()
        return self._cancelled or association.stopping

    def close(self) -> None:
        """After the answer: what came early is next."""
        self.session.association.put_back(self._later)
        self._later = []

    def request(self, context_id: int, command: Command, data_set: Iterable[tuple[bytes, bool]]) -> None:
        """Send a request of ours on this association, for which `answer_to` waits.

        data_set: its parts, each with whether it is the last.
        """
        association = self.session.association
        association.send_fragments(context_id, COMMAND | LAST, command.encode())
        for part, last in data_set:
            association.send_fragments(context_id, LAST if last else 0, part)

    def answer_to(self, message_id: int) -> Command:
        """Wait for the answer to a request of ours; a C-CANCEL that comes first is noted. Raises Ended, ProtocolError.

        Once this exchange is answered, the peer may ask for something else first: Crossed.
        """
        while message_id not in self._answers:
            self._receive()
        return self._answers.pop(message_id)

    def _send(self, code: int, data_set: bytes, fields: dict[str, Any]) -> None:
        association, context_id = self.session.association, self.context.context_id
        response = messages.response(self.command, code, has_data_set=bool(data_set), **fields)
        association.send_fragments(context_id, COMMAND | LAST, response.encode())
        if data_set:
            association.send_fragments(context_id, LAST, data_set)

    def _receive(self) -> None:
        for context_id, control, fragment in self.session.association.receive():
            if not control & COMMAND:
                if self._later_data:
                    self._postpone(context_id, control, bytes(fragment))
                    self._later_data = not control & LAST
                    continue
                if not self._draining:
                    raise ProtocolError("a data set without a command set", AbortReason.UNEXPECTED_PDU_PARAMETER)
                self._draining = not control & LAST
                continue
            if len(self._received) + len(fragment) > messages.MAX_COMMAND_LENGTH:
                raise ProtocolError("a command set without end")
            self._received += fragment
            if control & LAST:
                self._take(context_id, bytes(self._received))
                self._received.clear()

    def _postpone(self, context_id: int, control: int, data: bytes) -> None:
        self._later.append((context_id, control, memoryview(data)))
        self._later_size += len(data)
        if self._later_size > 2 * MAX_LATER:
            raise ProtocolError("too much has come while a request is in progress")

    def _take(self, context_id: int, received: bytes) -> None:
        try:
            command = messages.decode(received)
        except messages.InvalidCommand as error:
            raise ProtocolError(f"command set: {error}") from None
        answers = command.message_id_being_responded_to
        if command.command_field == CommandField.C_CANCEL_RQ:
            # PS3.7 9.3.2.3: it names the request; one that comes too late, or for another, changes nothing.
            self._cancelled = self._cancelled or answers == self.command.message_id
            if answers != self.command.message_id and self._later:
                self._postpone(context_id, COMMAND | LAST, received)  # of a request that waits
        elif command.command_field & messages.RESPONSE and answers is not None:
            self._answers[answers] = command
            self._draining = command.has_data_set
        elif self.answered is not None and not command.command_field & messages.RESPONSE:
            self._postpone(context_id, COMMAND | LAST, received)
            raise Crossed
        elif self.session.association.window > 1:  # PS3.7 D.3.3.3: requests may come before the last is answered
            self._postpone(context_id, COMMAND | LAST, received)
            self._later_data = command.has_data_set
        else:
            raise ProtocolError(f"command field {command.command_field:04X}H while a request is in progress")


Handler = Callable[[Exchange], None]


class Whole:
    """The operation that gathers a data set and then calls a handler. Whatever that raises becomes an answer."""

    def __init__(self, session: Session, request: Request, handler: Handler, max_data_set: int = MAX_DATA_SET) -> None:
        self._session = session
        self._request = request
        self._handler = handler
        self._max = max_data_set
        self._data = bytearray()
        self._too_large = False

    def write(self, fragments: list[memoryview]) -> None:
        for fragment in fragments:
            self._too_large = self._too_large or len(self._data) + len(fragment) > self._max
            if not self._too_large:
                self._data += fragment

    def finish(self) -> None:
        data, self._data = bytes(self._data), bytearray()
        exchange = Exchange(self._session, self._request, data)
        if self._too_large:
            exchange.answer(status.RESOURCE_LIMITATION, error_comment=f"the data set has more than {self._max} bytes")
            return
        try:
            self._handler(exchange)
        except IsocenterError as error:
            self._fail(exchange, status.GENERAL_STATUS[error.kind], error.message, status.offending_element(error))
        except (Ended, ProtocolError):  # there is nobody to answer any more
            raise
        except Exception:
            log.exception("a DIMSE request failed")
            self._fail(exchange, status.PROCESSING_FAILURE, "the archive failed")
        if exchange.answered is None:
            self._fail(exchange, status.PROCESSING_FAILURE, "the archive failed")
        exchange.close()

    def discard(self) -> None:
        self._data.clear()

    @staticmethod
    def _fail(exchange: Exchange, code: int, comment: str, elements: tuple[int, ...] = ()) -> None:
        log.warning("a DIMSE request was refused", extra={"facts": {"status": f"{code:04X}", "reason": comment}})
        if exchange.answered is None:
            exchange.answer(code, error_comment=comment, offending_element=elements)


def whole(session: Session, handler: Handler, max_data_set: int = MAX_DATA_SET) -> Callable[[Request], Operation]:
    """A handler of the dispatcher from a handler of exchanges."""
    return lambda request: Whole(session, request, handler, max_data_set)
