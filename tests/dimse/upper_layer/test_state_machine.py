"""The protocol machine against PS3.8 Tables 9-6 to 9-10, row by row."""

import pytest

from isocenter.dimse.upper_layer import pdu, state_machine
from isocenter.dimse.upper_layer.items import AbortReason, InvalidPDU
from isocenter.dimse.upper_layer.state_machine import Event, InvalidEvent, Parameter, Primitive, State, StateMachine


class Recorder:
    """A provider that writes down what the actions do."""

    def __init__(self, *, requestor: bool = False, unacceptable: pdu.AssociateRJ | None = None) -> None:
        self.requestor = requestor
        self.done: list[object] = []
        self._unacceptable = unacceptable

    def connect(self) -> None:
        self.done.append("connect")

    def send(self, value: pdu.PDU) -> None:
        self.done.append(value)

    def indicate(self, primitive: Primitive, parameter: Parameter) -> None:
        self.done.append(primitive)

    def start_artim(self) -> None:
        self.done.append("start ARTIM")

    def stop_artim(self) -> None:
        self.done.append("stop ARTIM")

    def close(self) -> None:
        self.done.append("close")

    def unacceptable(self, request: pdu.AssociateRQ) -> pdu.AssociateRJ | None:
        return self._unacceptable


RQ = pdu.AssociateRQ((), "CALLED", "CALLING", ())
AC = pdu.AssociateAC((), "CALLED", "CALLING", ())
RJ = pdu.AssociateRJ(1, 1, 1)
DATA = pdu.PDataTF((pdu.PresentationDataValue(1, 3, b"x"),))
BY_USER = pdu.Abort(0)
PROVIDER_ABORT = pdu.Abort(2, AbortReason.UNEXPECTED_PDU)
PARAMETERS: dict[int, Parameter] = {2: RQ, 3: AC, 4: RJ, 6: RQ, 7: AC, 8: RJ, 9: DATA, 16: BY_USER}

# Tables 9-6 to 9-9: action -> (what it does, next state). AA-7 and AA-8 see no InvalidPDU here: reason "unexpected PDU".
ACTIONS: dict[str, tuple[list[object], int]] = {
    "AE-1": (["connect"], 4),
    "AE-2": ([RQ], 5),
    "AE-3": ([Primitive.A_ASSOCIATE_CONFIRMATION_ACCEPT], 6),
    "AE-4": ([Primitive.A_ASSOCIATE_CONFIRMATION_REJECT, "close"], 1),
    "AE-5": (["start ARTIM"], 2),
    "AE-6": (["stop ARTIM", Primitive.A_ASSOCIATE_INDICATION], 3),
    "AE-7": ([AC], 6),
    "AE-8": ([RJ, "start ARTIM"], 13),
    "DT-1": ([DATA], 6),
    "DT-2": ([Primitive.P_DATA_INDICATION], 6),
    "AR-1": ([pdu.ReleaseRQ()], 7),
    "AR-2": ([Primitive.A_RELEASE_INDICATION], 8),
    "AR-3": ([Primitive.A_RELEASE_CONFIRMATION, "close"], 1),
    "AR-4": ([pdu.ReleaseRP(), "start ARTIM"], 13),
    "AR-5": (["stop ARTIM", "close"], 1),
    "AR-6": ([Primitive.P_DATA_INDICATION], 7),
    "AR-7": ([DATA], 8),
    "AR-8": ([Primitive.A_RELEASE_INDICATION], 10),
    "AR-9": ([pdu.ReleaseRP()], 11),
    "AR-10": ([Primitive.A_RELEASE_CONFIRMATION], 12),
    "AA-1": ([BY_USER, "start ARTIM"], 13),
    "AA-2": (["stop ARTIM", "close"], 1),
    "AA-3": ([Primitive.A_ABORT_INDICATION, "close"], 1),
    "AA-4": ([Primitive.A_P_ABORT_INDICATION, "close"], 1),
    "AA-5": (["stop ARTIM", "close"], 1),
    "AA-6": ([], 13),
    "AA-7": ([PROVIDER_ABORT], 13),
    "AA-8": ([PROVIDER_ABORT, Primitive.A_P_ABORT_INDICATION, "start ARTIM"], 13),
}

# PS3.8 Table 9-10 once more, by rows, copied from the standard: event -> {state: action}. "2" is Sta2, "3,6-12" a list of states.
ROWS: list[tuple[int, dict[str, str]]] = [
    (1, {"1": "AE-1"}),
    (2, {"4": "AE-2"}),
    (3, {"2": "AA-1", "3,6-12": "AA-8", "5": "AE-3", "13": "AA-6"}),
    (4, {"2": "AA-1", "3,6-12": "AA-8", "5": "AE-4", "13": "AA-6"}),
    (5, {"1": "AE-5"}),
    (6, {"2": "AE-6", "3,5-12": "AA-8", "13": "AA-7"}),
    (7, {"3": "AE-7"}),
    (8, {"3": "AE-8"}),
    (9, {"6": "DT-1", "8": "AR-7"}),
    (10, {"2": "AA-1", "3,5,8-12": "AA-8", "6": "DT-2", "7": "AR-6", "13": "AA-6"}),
    (11, {"6": "AR-1"}),
    (12, {"2": "AA-1", "3,5,8-12": "AA-8", "6": "AR-2", "7": "AR-8", "13": "AA-6"}),
    (13, {"2": "AA-1", "3,5,6,8,9,12": "AA-8", "7,11": "AR-3", "10": "AR-10", "13": "AA-6"}),
    (14, {"8,12": "AR-4", "9": "AR-9"}),
    (15, {"3,5-12": "AA-1", "4": "AA-2"}),
    (16, {"2,13": "AA-2", "3,5-12": "AA-3"}),
    (17, {"2": "AA-5", "3-12": "AA-4", "13": "AR-5"}),
    (18, {"2,13": "AA-2"}),
    (19, {"2": "AA-1", "3,5-12": "AA-8", "13": "AA-7"}),
]


def states(text: str) -> list[State]:
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += [State(number) for number in range(int(first), int(last or first) + 1)]
    return found


CELLS = {(Event(event), state): action for event, row in ROWS for text, action in row.items() for state in states(text)}


@pytest.mark.parametrize("event", list(Event), ids=lambda event: f"Evt{event.value}")
def test_row(event: Event) -> None:
    for state in State:
        provider = Recorder()
        machine = StateMachine(provider)
        machine.state = state
        if (event, state) not in CELLS:
            with pytest.raises(InvalidEvent):
                machine.fire(event, PARAMETERS.get(event))
            assert (provider.done, machine.state) == ([], state)
            continue
        done, after = ACTIONS[CELLS[event, state]]
        machine.fire(event, PARAMETERS.get(event))
        assert (provider.done, machine.state) == (done, after), f"{event!r} in {state!r}"


def test_every_action_of_the_standard_is_there_and_used() -> None:
    assert set(state_machine.ACTIONS) == set(ACTIONS) == set(CELLS.values())


def test_ae_6_rejects_what_the_service_provider_does_not_accept() -> None:
    provider = Recorder(unacceptable=RJ)
    machine = StateMachine(provider)
    machine.state = State.STA2
    machine.fire(Event.A_ASSOCIATE_RQ_RECEIVED, RQ)
    assert (provider.done, machine.state) == (["stop ARTIM", RJ, "start ARTIM"], State.STA13)


def test_ar_8_depends_on_who_requested_the_association() -> None:
    machine = StateMachine(Recorder(requestor=True))
    machine.state = State.STA7
    machine.fire(Event.A_RELEASE_RQ_RECEIVED, pdu.ReleaseRQ())
    assert machine.state is State.STA9


def test_aa_3_tells_an_abort_by_the_provider_from_one_by_the_user() -> None:
    provider = Recorder()
    machine = StateMachine(provider)
    machine.state = State.STA6
    machine.fire(Event.A_ABORT_RECEIVED, pdu.Abort(2, 1))
    assert provider.done == [Primitive.A_P_ABORT_INDICATION, "close"]


def test_aa_7_and_aa_8_say_what_was_wrong_with_the_pdu() -> None:
    for state in (State.STA6, State.STA13):
        provider = Recorder()
        machine = StateMachine(provider)
        machine.state = state
        machine.fire(Event.INVALID_PDU_RECEIVED, InvalidPDU("PDU type 08H", AbortReason.UNRECOGNIZED_PDU))
        assert provider.done[0] == pdu.Abort(2, AbortReason.UNRECOGNIZED_PDU)
