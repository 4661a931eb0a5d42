"""The DICOM upper layer protocol machine: PS3.8 Table 9-10, row for row, and its actions, named as the standard names them.

An action does its work through a `Provider` (the association on its socket) and returns the next state. The one thing that does
not pass here is a P-DATA-TF received in Sta6: its action (DT-2) changes nothing but hands the fragments on, and
`association.receive` does that itself because it happens some thousand times a second.
"""

from collections.abc import Callable
from enum import Enum, IntEnum, auto
from typing import Protocol

from isocenter.dimse.upper_layer.items import AbortReason, InvalidPDU
from isocenter.dimse.upper_layer.pdu import (
    PDU,
    Abort,
    AbortSource,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
)


class State(IntEnum):
    """PS3.8 Tables 9-1 to 9-5."""

    STA1 = 1  # idle
    STA2 = 2  # transport connection open, awaiting A-ASSOCIATE-RQ PDU
    STA3 = 3  # awaiting local A-ASSOCIATE response primitive
    STA4 = 4  # awaiting transport connection opening to complete
    STA5 = 5  # awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ PDU
    STA6 = 6  # association established, ready for data transfer
    STA7 = 7  # awaiting A-RELEASE-RP PDU
    STA8 = 8  # awaiting local A-RELEASE response primitive
    STA9 = 9  # release collision, requestor side; awaiting A-RELEASE response primitive
    STA10 = 10  # release collision, acceptor side; awaiting A-RELEASE-RP PDU
    STA11 = 11  # release collision, requestor side; awaiting A-RELEASE-RP PDU
    STA12 = 12  # release collision, acceptor side; awaiting A-RELEASE response primitive
    STA13 = 13  # awaiting transport connection close indication


class Event(IntEnum):
    """The rows of PS3.8 Table 9-10."""

    A_ASSOCIATE_REQUEST = 1
    TRANSPORT_CONNECT_CONFIRMATION = 2
    A_ASSOCIATE_AC_RECEIVED = 3
    A_ASSOCIATE_RJ_RECEIVED = 4
    TRANSPORT_CONNECTION_INDICATION = 5
    A_ASSOCIATE_RQ_RECEIVED = 6
    A_ASSOCIATE_RESPONSE_ACCEPT = 7
    A_ASSOCIATE_RESPONSE_REJECT = 8
    P_DATA_REQUEST = 9
    P_DATA_TF_RECEIVED = 10
    A_RELEASE_REQUEST = 11
    A_RELEASE_RQ_RECEIVED = 12
    A_RELEASE_RP_RECEIVED = 13
    A_RELEASE_RESPONSE = 14
    A_ABORT_REQUEST = 15
    A_ABORT_RECEIVED = 16
    TRANSPORT_CONNECTION_CLOSED = 17
    ARTIM_TIMER_EXPIRED = 18
    INVALID_PDU_RECEIVED = 19


class Primitive(Enum):
    """What the service-user is told (PS3.8 7)."""

    A_ASSOCIATE_INDICATION = auto()
    A_ASSOCIATE_CONFIRMATION_ACCEPT = auto()
    A_ASSOCIATE_CONFIRMATION_REJECT = auto()
    P_DATA_INDICATION = auto()
    A_RELEASE_INDICATION = auto()
    A_RELEASE_CONFIRMATION = auto()
    A_ABORT_INDICATION = auto()
    A_P_ABORT_INDICATION = auto()


# What an event brings along: the PDU received or to be sent, the fault of an invalid PDU, or nothing.
Parameter = PDU | InvalidPDU | None


class Provider(Protocol):
    """What the actions need of the world."""

    requestor: bool  # whether this side asked for the association

    def connect(self) -> None: ...
    def send(self, pdu: PDU) -> None: ...
    def indicate(self, primitive: Primitive, parameter: Parameter) -> None: ...
    def start_artim(self) -> None: ...
    def stop_artim(self) -> None: ...
    def close(self) -> None: ...
    def unacceptable(self, request: AssociateRQ) -> AssociateRJ | None:
        """The rejection by the service-provider itself (AE-6), or None when the service-user is to decide."""


def AE_1(provider: Provider, parameter: Parameter) -> State:
    """Issue TRANSPORT CONNECT request primitive to local transport service."""
    provider.connect()
    return State.STA4


def AE_2(provider: Provider, parameter: Parameter) -> State:
    """Send A-ASSOCIATE-RQ-PDU."""
    assert isinstance(parameter, AssociateRQ)
    provider.send(parameter)
    return State.STA5


def AE_3(provider: Provider, parameter: Parameter) -> State:
    """Issue A-ASSOCIATE confirmation (accept) primitive."""
    provider.indicate(Primitive.A_ASSOCIATE_CONFIRMATION_ACCEPT, parameter)
    return State.STA6


def AE_4(provider: Provider, parameter: Parameter) -> State:
    """Issue A-ASSOCIATE confirmation (reject) primitive and close transport connection."""
    provider.indicate(Primitive.A_ASSOCIATE_CONFIRMATION_REJECT, parameter)
    provider.close()
    return State.STA1


def AE_5(provider: Provider, parameter: Parameter) -> State:
    """Issue transport connection response primitive; start ARTIM timer."""
    provider.start_artim()
    return State.STA2


def AE_6(provider: Provider, parameter: Parameter) -> State:
    """Stop ARTIM timer; issue A-ASSOCIATE indication if acceptable by the service-provider, else A-ASSOCIATE-RJ, ARTIM."""
    assert isinstance(parameter, AssociateRQ)
    provider.stop_artim()
    if rejection := provider.unacceptable(parameter):
        return AE_8(provider, rejection)
    provider.indicate(Primitive.A_ASSOCIATE_INDICATION, parameter)
    return State.STA3


def AE_7(provider: Provider, parameter: Parameter) -> State:
    """Send A-ASSOCIATE-AC PDU."""
    assert isinstance(parameter, AssociateAC)
    provider.send(parameter)
    return State.STA6


def AE_8(provider: Provider, parameter: Parameter) -> State:
    """Send A-ASSOCIATE-RJ PDU and start ARTIM timer."""
    assert isinstance(parameter, AssociateRJ)
    provider.send(parameter)
    provider.start_artim()
    return State.STA13


def DT_1(provider: Provider, parameter: Parameter) -> State:
    """Send P-DATA-TF PDU."""
    assert isinstance(parameter, PDataTF)
    provider.send(parameter)
    return State.STA6


def DT_2(provider: Provider, parameter: Parameter) -> State:
    """Send P-DATA indication primitive."""
    provider.indicate(Primitive.P_DATA_INDICATION, parameter)
    return State.STA6


def AR_1(provider: Provider, parameter: Parameter) -> State:
    """Send A-RELEASE-RQ PDU."""
    provider.send(ReleaseRQ())
    return State.STA7


def AR_2(provider: Provider, parameter: Parameter) -> State:
    """Issue A-RELEASE indication primitive."""
    provider.indicate(Primitive.A_RELEASE_INDICATION, parameter)
    return State.STA8


def AR_3(provider: Provider, parameter: Parameter) -> State:
    """Issue A-RELEASE confirmation primitive and close transport connection."""
    provider.indicate(Primitive.A_RELEASE_CONFIRMATION, parameter)
    provider.close()
    return State.STA1


def AR_4(provider: Provider, parameter: Parameter) -> State:
    """Issue A-RELEASE-RP PDU and start ARTIM timer."""
    provider.send(ReleaseRP())
    provider.start_artim()
    return State.STA13


def AR_5(provider: Provider, parameter: Parameter) -> State:
    """Stop ARTIM timer."""
    provider.stop_artim()
    provider.close()  # the peer has closed its half; ours holds a file descriptor
    return State.STA1


def AR_6(provider: Provider, parameter: Parameter) -> State:
    """Issue P-DATA indication."""
    provider.indicate(Primitive.P_DATA_INDICATION, parameter)
    return State.STA7


def AR_7(provider: Provider, parameter: Parameter) -> State:
    """Issue P-DATA-TF PDU."""
    assert isinstance(parameter, PDataTF)
    provider.send(parameter)
    return State.STA8


def AR_8(provider: Provider, parameter: Parameter) -> State:
    """Issue A-RELEASE indication (release collision): if association-requestor, next state is Sta9, if not, Sta10."""
    provider.indicate(Primitive.A_RELEASE_INDICATION, parameter)
    return State.STA9 if provider.requestor else State.STA10


def AR_9(provider: Provider, parameter: Parameter) -> State:
    """Send A-RELEASE-RP PDU."""
    provider.send(ReleaseRP())
    return State.STA11


def AR_10(provider: Provider, parameter: Parameter) -> State:
    """Issue A-RELEASE confirmation primitive."""
    provider.indicate(Primitive.A_RELEASE_CONFIRMATION, parameter)
    return State.STA12


def AA_1(provider: Provider, parameter: Parameter) -> State:
    """Send A-ABORT PDU (service-user source) and start (or restart if already started) ARTIM timer."""
    provider.send(Abort(AbortSource.SERVICE_USER))
    provider.start_artim()
    return State.STA13


def AA_2(provider: Provider, parameter: Parameter) -> State:
    """Stop ARTIM timer if running. Close transport connection."""
    provider.stop_artim()
    provider.close()
    return State.STA1


def AA_3(provider: Provider, parameter: Parameter) -> State:
    """Issue A-ABORT indication if (service-user initiated), else A-P-ABORT indication; close transport connection."""
    by_user = isinstance(parameter, Abort) and parameter.source == AbortSource.SERVICE_USER
    provider.indicate(Primitive.A_ABORT_INDICATION if by_user else Primitive.A_P_ABORT_INDICATION, parameter)
    provider.close()
    return State.STA1


def AA_4(provider: Provider, parameter: Parameter) -> State:
    """Issue A-P-ABORT indication primitive."""
    provider.indicate(Primitive.A_P_ABORT_INDICATION, parameter)
    provider.close()  # the peer has closed its half; ours holds a file descriptor
    return State.STA1


def AA_5(provider: Provider, parameter: Parameter) -> State:
    """Stop ARTIM timer."""
    provider.stop_artim()
    provider.close()  # the peer has closed its half; ours holds a file descriptor
    return State.STA1


def AA_6(provider: Provider, parameter: Parameter) -> State:
    """Ignore PDU."""
    return State.STA13


def AA_7(provider: Provider, parameter: Parameter) -> State:
    """Send A-ABORT PDU."""
    provider.send(Abort(AbortSource.SERVICE_PROVIDER, _reason(parameter)))
    return State.STA13


def AA_8(provider: Provider, parameter: Parameter) -> State:
    """Send A-ABORT PDU (service-provider source), issue an A-P-ABORT indication, and start ARTIM timer."""
    provider.send(Abort(AbortSource.SERVICE_PROVIDER, _reason(parameter)))
    provider.indicate(Primitive.A_P_ABORT_INDICATION, parameter)
    provider.start_artim()
    return State.STA13


def _reason(parameter: Parameter) -> AbortReason:
    return parameter.reason if isinstance(parameter, InvalidPDU) else AbortReason.UNEXPECTED_PDU


Action = Callable[[Provider, Parameter], State]

ACTIONS: dict[str, Action] = {
    action.__name__.replace("_", "-"): action
    for action in (
        *(AE_1, AE_2, AE_3, AE_4, AE_5, AE_6, AE_7, AE_8),
        *(DT_1, DT_2),
        *(AR_1, AR_2, AR_3, AR_4, AR_5, AR_6, AR_7, AR_8, AR_9, AR_10),
        *(AA_1, AA_2, AA_3, AA_4, AA_5, AA_6, AA_7, AA_8),
    )
}

# PS3.8 Table 9-10. A dot is an empty cell: the event cannot happen in that state.
#         Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10 Sta11 Sta12 Sta13
TABLE_9_10 = """
   Evt1   AE-1  .     .     .     .     .     .     .     .     .     .     .     .
   Evt2   .     .     .     AE-2  .     .     .     .     .     .     .     .     .
   Evt3   .     AA-1  AA-8  .     AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
   Evt4   .     AA-1  AA-8  .     AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
   Evt5   AE-5  .     .     .     .     .     .     .     .     .     .     .     .
   Evt6   .     AE-6  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
   Evt7   .     .     AE-7  .     .     .     .     .     .     .     .     .     .
   Evt8   .     .     AE-8  .     .     .     .     .     .     .     .     .     .
   Evt9   .     .     .     .     .     DT-1  .     AR-7  .     .     .     .     .
   Evt10  .     AA-1  AA-8  .     AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
   Evt11  .     .     .     .     .     AR-1  .     .     .     .     .     .     .
   Evt12  .     AA-1  AA-8  .     AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6
   Evt13  .     AA-1  AA-8  .     AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6
   Evt14  .     .     .     .     .     .     .     AR-4  AR-9  .     .     AR-4  .
   Evt15  .     .     AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  .
   Evt16  .     AA-2  AA-3  .     AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2
   Evt17  .     AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5
   Evt18  .     AA-2  .     .     .     .     .     .     .     .     .     .     AA-2
   Evt19  .     AA-1  AA-8  .     AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7
"""


def _parse(table: str) -> dict[tuple[Event, State], Action]:
    transitions = {}
    for row in table.split("\n")[1:-1]:
        event, *cells = row.split()
        for state, cell in zip(State, cells, strict=True):
            if cell != ".":
                transitions[Event(int(event.removeprefix("Evt"))), state] = ACTIONS[cell]
    return transitions


TRANSITIONS: dict[tuple[Event, State], Action] = _parse(TABLE_9_10)


class InvalidEvent(Exception):
    """An empty cell of Table 9-10: our own side asked for something the state does not allow."""


class StateMachine:
    """The state of one association; `fire` is the only way to change it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.state = State.STA1

    def fire(self, event: Event, parameter: Parameter = None) -> None:
        """Performs the action of Table 9-10 for `event` in the present state; raises InvalidEvent for an empty cell."""
        action = TRANSITIONS.get((event, self.state))
        if action is None:
            raise InvalidEvent(f"Evt{event.value} ({event.name}) in Sta{self.state.value}")
        self.state = action(self._provider, parameter)
