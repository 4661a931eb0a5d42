"""What archives that misbehave may send while we wait for their answers."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimse.conftest import IMPLICIT, VERIFICATION
from isocenter.dicom.sop_classes import STUDY_ROOT_FIND
from isocenter.dimse import conversation, messages
from isocenter.dimse.client import Association, Lost, NotAccepted
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.association import Association as UpperLayer
from isocenter.dimse.upper_layer.association import Ended, Limits

DATA, COMMAND, LAST = 0, pdu.COMMAND, pdu.LAST
Sends = tuple[int, int, bytes]  # presentation context, control header, bytes

PENDING = Command(command_field=CommandField.C_FIND_RSP, message_id_being_responded_to=1, status=0xFF00, command_data_set_type=1)
DONE = Command(command_field=CommandField.C_FIND_RSP, message_id_being_responded_to=1, status=0)
ECHO = Command(command_field=CommandField.C_ECHO_RQ, message_id=9, affected_sop_class_uid=VERIFICATION)


class Odd:
    """Accepts everything, answers each request with the fragments it was given, and notes what it was sent."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.sends: list[Sends] = []
        self.received: list[Command] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            association = UpperLayer.accepted(connection, Limits(artim_timeout=2, idle_timeout=20))
            try:
                association.accept(association.request(), lambda abstract_syntax, transfer_syntaxes: transfer_syntaxes[0])
                while True:
                    self._answer(association)
            except Ended:
                association.close()

    def _answer(self, association: UpperLayer) -> None:
        asked = False
        while not asked:
            for _, control, part in association.receive():
                if control & COMMAND:
                    self.received.append(messages.decode(bytes(part)))
                asked = control == LAST  # the end of the Identifier
        for context_id, control, part in self.sends:
            association.send_fragments(context_id, control, part)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@pytest.fixture(scope="module")
def odd() -> Iterator[Odd]:
    made = Odd()
    yield made
    made.close()


def ask(odd: Odd, *sends: Sends, idle: float = 5.0, cancelled: Callable[[], bool] = conversation.never) -> list[int]:
    """Put a question; the statuses of the answers."""
    odd.sends, odd.received = list(sends), []
    command = Command(command_field=CommandField.C_FIND_RQ, command_data_set_type=1, affected_sop_class_uid=STUDY_ROOT_FIND)
    limits = Limits(artim_timeout=2, idle_timeout=idle)
    contexts = [(STUDY_ROOT_FIND, (IMPLICIT,))]
    with Association("127.0.0.1", odd.port, calling="US", called="ODD", contexts=contexts, limits=limits) as association:
        return [each.status for each in association.answers(STUDY_ROOT_FIND, command, b"\0" * 8, cancelled=cancelled)]


def test_answers_with_and_without_data_sets(odd: Odd) -> None:
    answer = [(1, COMMAND | LAST, PENDING.encode()), (1, DATA, b"\0" * 700), (1, LAST, b"\0" * 8)]
    assert ask(odd, *answer, *answer, (1, COMMAND | LAST, DONE.encode())) == [0xFF00, 0xFF00, 0]


@pytest.mark.parametrize(
    "sends",
    [
        [(1, LAST, b"\0" * 8)],
        [(1, COMMAND | LAST, PENDING.encode()), (1, COMMAND | LAST, DONE.encode())],
        [(1, COMMAND, b"\0" * 60_000), (1, COMMAND, b"\0" * 60_000)],
        [(1, COMMAND | LAST, b"\xff" * 30)],
        [(7, COMMAND | LAST, DONE.encode())],
        [(1, COMMAND | LAST, Command(command_field=0x8020, message_id_being_responded_to=2, status=0).encode())],
    ],
    ids=["data set alone", "command inside data set", "command without end", "no command", "other context", "other message"],
)
def test_what_is_no_answer_ends_the_association(odd: Odd, sends: list[Sends]) -> None:
    with pytest.raises(Lost):
        ask(odd, *sends)


def test_an_answer_without_end(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_ANSWER", 1000)
    with pytest.raises(Lost, match="endless"):
        ask(odd, (1, COMMAND | LAST, PENDING.encode()), *[(1, DATA, b"\0" * 600)] * 3)


def test_a_request_of_the_peer_that_nobody_performs_is_refused_and_the_answer_taken(odd: Odd) -> None:
    assert ask(odd, (1, COMMAND | LAST, ECHO.encode()), (1, COMMAND | LAST, DONE.encode())) == [0]


@pytest.mark.parametrize("cancelled", [conversation.never, lambda: False], ids=["waiting", "asking whether to cancel"])
def test_a_peer_that_says_nothing_is_left(odd: Odd, cancelled: Callable[[], bool]) -> None:
    with pytest.raises(Lost, match="timeout"):
        ask(odd, idle=0.3, cancelled=cancelled)


def test_a_cancel_is_sent_once_and_the_final_answer_waited_for(odd: Odd) -> None:
    answer = [(1, COMMAND | LAST, PENDING.encode()), (1, LAST, b"\0" * 8)]
    assert ask(odd, *answer, *answer, (1, COMMAND | LAST, DONE.encode()), cancelled=lambda: True) == [0xFF00, 0xFF00, 0]
    cancels = [each for each in odd.received if each.command_field == CommandField.C_CANCEL_RQ]
    assert [each.message_id_being_responded_to for each in cancels] == [1]


def test_a_peer_that_does_not_obey_a_cancel_is_left(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "OBEYED_WITHIN", 0.2)
    with pytest.raises(Lost, match="timeout"):
        ask(odd, (1, COMMAND | LAST, PENDING.encode()), (1, LAST, b"\0" * 8), idle=600, cancelled=lambda: True)


def test_a_service_that_was_not_accepted(odd: Odd) -> None:
    with (
        Association("127.0.0.1", odd.port, calling="US", called="ODD", contexts=[(VERIFICATION, (IMPLICIT,))]) as association,
        pytest.raises(NotAccepted),
    ):
        next(association.answers(STUDY_ROOT_FIND, DONE, b""))


_COMMANDS = st.sampled_from([PENDING.encode(), DONE.encode(), ECHO.encode()])
_PARTS = st.tuples(st.sampled_from([1, 1, 1, 3]), st.integers(0, 3), st.one_of(st.binary(max_size=60), _COMMANDS))


@settings(max_examples=40)
@given(sends=st.lists(_PARTS, max_size=6))
def test_whatever_a_peer_sends_ends_in_answers_or_lost(odd: Odd, sends: list[Sends]) -> None:
    try:
        statuses = ask(odd, *sends, (1, COMMAND | LAST, DONE.encode()), idle=0.3)
    except Lost:
        return
    assert statuses[-1] != 0xFF00
