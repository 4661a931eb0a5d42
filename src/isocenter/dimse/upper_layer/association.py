"""One association on one blocking socket: the `Provider` of the state machine, and what a service-user does with it.

One thread uses an association; only `stop()` and `sever()` may be called from another.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from isocenter.dimse.upper_layer import negotiation, proxy_protocol
from isocenter.dimse.upper_layer.items import (
    AbortReason,
    AsynchronousOperationsWindow,
    ExtendedNegotiation,
    InvalidPDU,
    UserIdentityAC,
)
from isocenter.dimse.upper_layer.negotiation import Choose, Extend, PresentationContext
from isocenter.dimse.upper_layer.pdu import (
    PDU,
    PDV_HEADER_SIZE,
    REJECT_TEXT,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    PDUType,
    ReleaseRP,
    ReleaseRQ,
)
from isocenter.dimse.upper_layer.reader import Fragment, Reader
from isocenter.dimse.upper_layer.secure import SecureTransport, connected
from isocenter.dimse.upper_layer.state_machine import Event, Parameter, Primitive, State, StateMachine
from isocenter.dimse.upper_layer.transport import TimedOut, Transport, TransportClosed

# What goes into one P-DATA-TF of ours when the peer sets no limit, or a higher one.
MAX_SEND_LENGTH = 131072

# Header and fragment of many P-DATA-TF in one system call; IOV_MAX is 1024 on Linux.
BUFFERS_AT_ONCE = 512

_EVENTS: dict[type[PDU], Event] = {
    AssociateRQ: Event.A_ASSOCIATE_RQ_RECEIVED,
    AssociateAC: Event.A_ASSOCIATE_AC_RECEIVED,
    AssociateRJ: Event.A_ASSOCIATE_RJ_RECEIVED,
    PDataTF: Event.P_DATA_TF_RECEIVED,
    ReleaseRQ: Event.A_RELEASE_RQ_RECEIVED,
    ReleaseRP: Event.A_RELEASE_RP_RECEIVED,
    Abort: Event.A_ABORT_RECEIVED,
}
_PDU_PDV = struct.Struct(">BxIIBB")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes of an association; see the settings of the same names."""

    maximum_length: int = 131072
    artim_timeout: float = 30.0
    idle_timeout: float = 300.0
    pdu_timeout: float = 60.0


class Ended(Exception):
    """The association is over.

    how: released, aborted (by the peer), provider_aborted, rejected, timeout, stopped, lost, unreachable (it never began).
    """

    def __init__(self, how: str, detail: str = "", rejection: AssociateRJ | None = None) -> None:
        super().__init__(f"{how}: {detail}" if detail else how)
        self.how = how
        self.detail = detail
        self.rejection = rejection


class Association:
    """An association from the transport connection to its end, either side."""

    def __init__(self, limits: Limits, *, requestor: bool, tls: ssl.SSLContext | None = None) -> None:
        self.requestor = requestor
        self._tls = tls
        self.limits = limits
        self.contexts: dict[int, PresentationContext] = {}
        self.peer_maximum_length = 0  # of P-DATA-TF; 0 is no limit
        self.peer_implementation = ""
        self.scp_roles_of_peer: frozenset[str] = frozenset()  # SOP classes; as acceptor
        self.window = 1  # requests of the peer that may be unanswered at once; as acceptor
        self.extended: dict[str, bytes] = {}  # SOP class -> service-class-application-information agreed on; as acceptor
        self._put_back: deque[Fragment] = deque()
        self.last_activity = time.monotonic()
        self._transport: Transport | None = None
        self._address: tuple[str, int] = ("", 0)
        self._reader = Reader(self._recv_into, pdu_timeout=limits.pdu_timeout)
        self._machine = StateMachine(self)
        self._indications: deque[tuple[Primitive, Parameter]] = deque()
        self._artim: float | None = None  # when ARTIM expires
        self._failure: TransportClosed | TimedOut | None = None
        self._rejection: AssociateRJ | None = None  # ours, given by the service-provider itself
        self._faults = 0
        self.busy = False  # the service-user is in the middle of a message; set by it
        self.stopping = False
        self.when_over: Callable[[], None] = _nothing  # told when nothing more will come; may be told twice

    @classmethod
    def accepted(cls, connection: socket.socket, limits: Limits, tls: ssl.SSLContext | None = None) -> Association:
        """The acceptor's side of a new transport connection (Evt5). tls: its handshake is the first part of `request`."""
        association = cls(limits, requestor=False, tls=tls)
        association._transport = Transport(connection) if tls is None else SecureTransport(connection, tls)
        association._machine.fire(Event.TRANSPORT_CONNECTION_INDICATION)
        return association

    def announced(self) -> str:
        """Whose connection a load balancer has passed on: an address, "" for its own; before `request`. Raises Ended."""
        assert self._transport is not None
        try:
            return proxy_protocol.source(self._transport.connection, self.limits.artim_timeout)
        except TimedOut as error:
            raise Ended("timeout", str(error)) from None
        except TransportClosed as error:
            raise Ended("lost", str(error)) from None

    # Service-user, acceptor: A-ASSOCIATE indication and response (PS3.8 7.1)

    def request(self) -> AssociateRQ:
        """Wait for the A-ASSOCIATE indication, at most the ARTIM time; raises Ended."""
        parameter = self._await(Primitive.A_ASSOCIATE_INDICATION)
        assert isinstance(parameter, AssociateRQ)
        return parameter

    def accept(
        self,
        request: AssociateRQ,
        choose: Choose,
        *,
        scp_roles: Collection[str] = frozenset(),
        extend: Extend = lambda sop_class_uid, information: None,
        identity: Sequence[UserIdentityAC] = (),
    ) -> AssociateAC:
        """Answer with A-ASSOCIATE-AC, of whose parts `negotiation.accept` tells; `contexts` are those accepted."""
        answer = negotiation.accept(
            request, choose, maximum_length=self.limits.maximum_length, scp_roles=scp_roles, extend=extend, identity=identity
        )
        self.scp_roles_of_peer = frozenset(scp_roles)
        self.contexts = negotiation.accepted_contexts(request, answer)
        window = answer.find(AsynchronousOperationsWindow)
        self.window = window.maximum_number_operations_invoked if window else 1
        agreed = answer.find_all(ExtendedNegotiation)
        self.extended = {each.sop_class_uid: each.service_class_application_information for each in agreed}
        self._peer(request)
        self._machine.fire(Event.A_ASSOCIATE_RESPONSE_ACCEPT, answer)
        return answer

    def reject(self, rejection: AssociateRJ) -> None:
        """Answer with A-ASSOCIATE-RJ and wait until the peer has closed, or ARTIM."""
        self._machine.fire(Event.A_ASSOCIATE_RESPONSE_REJECT, rejection)
        self._await_close()

    # Service-user, requestor

    def associate(self, host: str, port: int, request: AssociateRQ) -> None:
        """Connect and ask for the association; raises Ended when it is rejected or nobody answers within the ARTIM time."""
        self._address = (host, port)
        self._machine.fire(Event.A_ASSOCIATE_REQUEST)
        if self._failure:
            raise Ended("unreachable", str(self._failure))
        self._machine.fire(Event.TRANSPORT_CONNECT_CONFIRMATION, request)
        parameter = self._await(Primitive.A_ASSOCIATE_CONFIRMATION_ACCEPT)
        assert isinstance(parameter, AssociateAC)
        self.contexts = negotiation.accepted_contexts(request, parameter)
        self._peer(parameter)

    def release(self) -> None:
        """Ask for release and wait for it; data that still comes is dropped. Raises Ended when it ends otherwise."""
        self._machine.fire(Event.A_RELEASE_REQUEST)
        while True:
            try:
                self._await(Primitive.A_RELEASE_CONFIRMATION)
                break
            except _ReleaseCollision:
                if self._machine.state is State.STA9:  # the requestor's side answers first (PS3.8 9.2.2.3)
                    self._machine.fire(Event.A_RELEASE_RESPONSE)
        if self._machine.state is State.STA12:
            self._machine.fire(Event.A_RELEASE_RESPONSE)
            self._await_close()

    # Service-user, both sides

    @property
    def secured(self) -> str:
        """Version and cipher suite of TLS; "" without TLS."""
        return self._transport.secured if self._transport else ""

    @property
    def established(self) -> bool:
        return self._machine.state is State.STA6

    @property
    def awaiting_request(self) -> bool:
        """There is a transport connection, and nobody has asked for an association on it yet; as acceptor."""
        return self._machine.state is State.STA2

    @property
    def over(self) -> bool:
        """Nothing more will come of it, though the transport connection may still be open."""
        return self._machine.state in (State.STA1, State.STA13)

    def receive(self) -> list[Fragment]:
        """Fragments of P-DATA as they arrive; the memoryviews are valid until the next call.

        Raises Ended when the association is over; a release request of the peer has been answered then.
        """
        if self._put_back:
            return [self._put_back.popleft()]
        try:
            # DT-2 without the detour: Table 9-10 keeps Sta6, and there is nothing else to do.
            while self._machine.state is State.STA6:
                received = self._reader.read()
                if type(received) is list:
                    self.last_activity = time.monotonic()
                    return received
                assert not isinstance(received, list)
                self._machine.fire(_EVENTS[type(received)], received)
                self._raise_if_over()
        except (InvalidPDU, TransportClosed, TimedOut) as fault:
            self._fault(fault)
            self._raise_if_over()
        raise self._lost()

    def readable(self, seconds: float = 0.0) -> bool:
        """Whether something of the peer waits to be received; waits for it so long."""
        if self._put_back or self._reader.has_unread:
            return True
        return self._transport is not None and self._transport.readable(seconds)

    def put_back(self, fragments: Sequence[Fragment]) -> None:
        """Let `receive` return these first, one at a time. They are the caller's, not views of the buffer."""
        self._put_back.extendleft(reversed(fragments))

    def send_fragments(self, context_id: int, control: int, data: bytes | memoryview) -> None:
        """Send a part of a message cut to the peer's maximum length; `control` is that of its last fragment.

        P-DATA request (DT-1). Without an association it does nothing: the next `receive()` says why there is none.
        """
        if self._machine.state is not State.STA6:
            return
        size = self.send_length
        view = memoryview(data)
        buffers: list[bytes | memoryview] = []
        for start in range(0, max(len(view), 1), size):
            part = view[start : start + size]
            last = start + size >= len(view)
            header = _PDU_PDV.pack(
                PDUType.P_DATA_TF, len(part) + PDV_HEADER_SIZE, len(part) + 2, context_id, control if last else control & 1
            )
            buffers += (header, part)
            if len(buffers) >= BUFFERS_AT_ONCE:
                self._send(buffers)
                buffers.clear()
        if buffers:
            self._send(buffers)

    @property
    def send_length(self) -> int:
        """The largest fragment the peer takes in one P-DATA-TF."""
        limit = self.peer_maximum_length or MAX_SEND_LENGTH
        return min(limit, MAX_SEND_LENGTH) - PDV_HEADER_SIZE

    def abort(self, reason: AbortReason | None = None) -> None:
        """End the association at once: A-ABORT of the service-user, or of the service-provider with a reason."""
        if self._machine.state is State.STA1:
            return
        if self._machine.state is not State.STA13:
            if reason is None:
                self._machine.fire(Event.A_ABORT_REQUEST)
            else:
                self._machine.fire(Event.INVALID_PDU_RECEIVED, InvalidPDU("", reason))
        self._await_close()

    def stop(self) -> None:
        """From another thread: end the association between two messages with A-ABORT (`Ended("stopped")`).

        One that waits for the peer is woken; one that is `busy` looks at `stopping` when it has answered.
        """
        self.stopping = True
        if self.busy:
            return
        if transport := self._transport:
            transport.wake()

    def sever(self) -> None:
        """From another thread: cut the transport connection whatever is in progress."""
        if transport := self._transport:
            transport.sever()

    def close(self) -> None:
        """Close the transport connection (Provider, and the last resort of a service-user)."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    # Provider

    def connect(self) -> None:
        try:
            self._transport = connected(self._address, self.limits.artim_timeout, self._tls)
        except TransportClosed as error:
            self._failure = error

    def send(self, pdu: PDU) -> None:
        self._send((pdu.encode(),))

    def indicate(self, primitive: Primitive, parameter: Parameter) -> None:
        self._indications.append((primitive, parameter))

    def start_artim(self) -> None:
        self._artim = time.monotonic() + self.limits.artim_timeout

    def stop_artim(self) -> None:
        self._artim = None

    def unacceptable(self, request: AssociateRQ) -> AssociateRJ | None:
        self._rejection = negotiation.unacceptable(request)
        return self._rejection

    # Transport

    def _recv_into(self, view: memoryview) -> int:
        transport, artim = self._transport, self._artim
        if transport is None:
            raise TransportClosed("closed")
        return transport.recv_into(view, self.limits.idle_timeout if artim is None else artim - time.monotonic())

    def _send(self, buffers: Iterable[bytes | memoryview]) -> None:
        if self._transport is None:
            return
        try:
            self._transport.send(buffers)
        except TransportClosed as error:
            self._failure = error  # the next read fires Evt17; until then nothing more goes out

    # Protocol machine

    def _step(self) -> None:
        """Read one PDU (or a part of a P-DATA-TF) and fire its event."""
        try:
            received = self._reader.read()
        except (InvalidPDU, TransportClosed, TimedOut) as fault:
            self._fault(fault)
            return
        event = Event.P_DATA_TF_RECEIVED if isinstance(received, list) else _EVENTS[type(received)]
        self._machine.fire(event, None if isinstance(received, list) else received)

    def _fault(self, fault: InvalidPDU | TransportClosed | TimedOut) -> None:
        state = self._machine.state
        if isinstance(fault, InvalidPDU):
            self._faults += 1
            if self._faults > 2:  # garbage without end after our A-ABORT: not to be answered for the whole ARTIM time
                self._machine.fire(Event.ARTIM_TIMER_EXPIRED)
                return
            self._reader = Reader(self._recv_into, pdu_timeout=self.limits.pdu_timeout)  # the stream is out of step
            self._machine.fire(Event.INVALID_PDU_RECEIVED, fault)
        elif self.stopping and state not in (State.STA2, State.STA13) and self._failure is None:
            self._failure = fault
            self._machine.fire(Event.A_ABORT_REQUEST)
            self._await_close()
        elif isinstance(fault, TransportClosed):
            self._failure = self._failure or fault
            self._machine.fire(Event.TRANSPORT_CONNECTION_CLOSED)
        elif state in (State.STA2, State.STA13):
            self._failure = fault
            self._machine.fire(Event.ARTIM_TIMER_EXPIRED)
        else:  # our own time limits, for which PS3.8 has no event: the service-user gives up
            self._failure = fault
            self._machine.fire(Event.A_ABORT_REQUEST)
            self._await_close()

    def _await(self, wanted: Primitive) -> Parameter:
        """The parameter of the primitive waited for; raises Ended when the association ends instead."""
        if self._machine.state is State.STA5 or self._machine.state is State.STA7:
            # The standard leaves this wait open; nobody wants to wait for ever.
            self.start_artim()
        while True:
            while self._indications:
                primitive, parameter = self._indications.popleft()
                if primitive is wanted:
                    self.stop_artim()
                    return parameter
                if primitive is Primitive.A_RELEASE_INDICATION:
                    raise _ReleaseCollision
                if primitive is not Primitive.P_DATA_INDICATION:
                    self._raise_over(primitive, parameter)
            if self._machine.state in (State.STA1, State.STA13):
                self._await_close()
                raise self._lost()
            self._step()

    def _await_close(self) -> None:
        """In Sta13: until the peer has closed the transport connection, or ARTIM expires."""
        self.when_over()
        if self._artim is None:
            self.start_artim()
        while self._machine.state is State.STA13:
            self._step()
        self.stop_artim()

    def _raise_if_over(self) -> None:
        while self._indications:
            self._raise_over(*self._indications.popleft())
        if self._machine.state is State.STA1:
            raise self._lost()

    def _raise_over(self, primitive: Primitive, parameter: Parameter) -> None:
        if primitive is Primitive.A_RELEASE_INDICATION:
            self.when_over()  # before the peer knows: it may come again the moment after
            self._machine.fire(Event.A_RELEASE_RESPONSE)
            self._await_close()
            raise Ended("released")
        if self._machine.state is State.STA13:
            self._await_close()
        if primitive is Primitive.A_ABORT_INDICATION:
            raise Ended("aborted")
        if primitive is Primitive.A_ASSOCIATE_CONFIRMATION_REJECT and isinstance(parameter, AssociateRJ):
            raise Ended("rejected", rejection=parameter)
        if isinstance(parameter, InvalidPDU):
            raise Ended("provider_aborted", str(parameter))
        if isinstance(parameter, Abort):
            raise Ended("aborted", f"source {parameter.source}, reason {parameter.reason}")
        if parameter is None:
            raise self._lost()
        raise Ended("provider_aborted", f"unexpected {type(parameter).__name__}")

    def _lost(self) -> Ended:
        if self._rejection:
            words = REJECT_TEXT.get((self._rejection.source, self._rejection.reason), "")
            return Ended("rejected", words, rejection=self._rejection)
        if self.stopping:
            return Ended("stopped")
        how = "timeout" if isinstance(self._failure, TimedOut) else "lost"
        return Ended(how, str(self._failure or ""))

    def _peer(self, pdu: AssociateRQ | AssociateAC) -> None:
        self.peer_maximum_length = pdu.maximum_length
        self.peer_implementation = pdu.implementation


def _nothing() -> None:
    """Nobody wants to know."""


class _ReleaseCollision(Exception):
    """Both sides have asked for release (AR-8)."""
