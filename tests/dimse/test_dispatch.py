"""Message flow: what a message may look like, and what ends an association."""

import pytest

import objects
from dimse.conftest import Archive, RawPeer, eventually, store_request
from isocenter.dimse import messages
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import AbortReason

INVALID = pdu.Abort(2, AbortReason.INVALID_PDU_PARAMETER_VALUE)
UNEXPECTED = pdu.Abort(2, AbortReason.UNEXPECTED_PDU_PARAMETER)


@pytest.mark.parametrize("field", [CommandField.C_FIND_RQ, CommandField.N_CREATE_RQ, 0x0777])
def test_an_operation_we_do_not_know_is_answered_and_its_data_set_drained(peer: RawPeer, field: int) -> None:
    command = Command(command_field=field, message_id=3, command_data_set_type=1, requested_sop_instance_uid="1.2.3")
    peer.message(3, command, bytes(300000))
    answer = peer.receive()
    assert answer == Command(
        command_field=field | 0x8000, message_id_being_responded_to=3, status=0x0211, affected_sop_instance_uid="1.2.3"
    )
    assert peer.echo() == 0


def test_a_cancel_of_nothing_is_ignored(peer: RawPeer) -> None:
    peer.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=3))
    assert peer.echo() == 0


def test_a_context_that_was_not_accepted(peer: RawPeer) -> None:
    peer.fragments(9, pdu.COMMAND, store_request("1.2.3").encode())
    assert peer.receive() == INVALID


def test_a_data_set_on_another_context_than_its_command_set(peer: RawPeer, archive: Archive) -> None:
    peer.fragments(3, pdu.COMMAND, store_request("1.2.3").encode())
    peer.fragments(3, 0, bytes(1000), last=False)
    peer.fragments(5, 0, bytes(1000))
    assert peer.receive() == INVALID
    eventually(lambda: not archive.files("incoming"))


def test_a_data_set_without_a_command_set(peer: RawPeer) -> None:
    peer.fragments(3, 0, bytes(100))
    assert peer.receive() == UNEXPECTED


def test_a_command_set_inside_a_data_set(peer: RawPeer, archive: Archive) -> None:
    peer.fragments(3, pdu.COMMAND, store_request("1.2.3").encode())
    peer.fragments(3, 0, bytes(1000), last=False)
    peer.fragments(3, pdu.COMMAND, store_request("1.2.4").encode())
    assert peer.receive() == UNEXPECTED
    eventually(lambda: not archive.files("incoming"))


@pytest.mark.parametrize(
    "command",
    [
        b"\xff" * 50,
        b"",
        Command(
            command_field=CommandField.C_STORE_RQ, affected_sop_class_uid=objects.CT, affected_sop_instance_uid="1.2"
        ).encode(),
        Command(command_field=CommandField.C_ECHO_RSP, message_id_being_responded_to=1, status=0).encode(),
    ],
    ids=["garbage", "empty", "no message ID", "a response to nothing"],
)
def test_a_command_set_that_cannot_be_answered(peer: RawPeer, command: bytes) -> None:
    peer.fragments(3, pdu.COMMAND, command)
    assert peer.receive() == INVALID


def test_a_command_set_without_end(peer: RawPeer) -> None:
    for _ in range(messages.MAX_COMMAND_LENGTH // 16000 + 1):
        peer.fragments(3, pdu.COMMAND, bytes(16000), last=False)
    assert peer.receive() == INVALID


@pytest.mark.parametrize("cut", [1, 7, 50])
def test_command_set_and_data_set_in_any_number_of_fragments(peer: RawPeer, archive: Archive, cut: int) -> None:
    uid = objects.uid()
    data = objects.data_set(64, SOPInstanceUID=uid)
    peer.message(3, store_request(uid), data, cut=cut)
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert answer.status == 0
    assert archive.data_sets() == [data]


def test_command_set_and_data_set_in_one_pdu(peer: RawPeer, archive: Archive) -> None:
    uid = objects.uid()
    data = objects.data_set(SOPInstanceUID=uid)
    command = store_request(uid).encode()
    values = (
        pdu.PresentationDataValue(3, pdu.COMMAND, command[:20]),
        pdu.PresentationDataValue(3, pdu.COMMAND, b""),
        pdu.PresentationDataValue(3, pdu.COMMAND | pdu.LAST, command[20:]),
        pdu.PresentationDataValue(3, 0, data[:101]),
        pdu.PresentationDataValue(3, 0, data[101:]),
        pdu.PresentationDataValue(3, pdu.LAST, b""),
    )
    peer.send(pdu.PDataTF(values))
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert answer.status == 0
    assert archive.data_sets() == [data]


def test_a_pdu_larger_than_we_asked_for_is_taken(peer: RawPeer, archive: Archive) -> None:
    """PS3.8 D.1 forbids it, senders do it; it costs nothing (reader.MAX_P_DATA_LENGTH)."""
    uid = objects.uid()
    data = objects.data_set(1 << 20, SOPInstanceUID=uid, Rows=512, Columns=1024)
    peer.message(3, store_request(uid), data, cut=1 << 21)
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert answer.status == 0
    assert archive.data_sets() == [data]


def test_messages_on_several_contexts_one_after_another(peer: RawPeer) -> None:
    for _ in range(3):
        assert peer.echo() == 0
        uid = objects.uid()
        assert peer.store(objects.data_set(SOPInstanceUID=uid), uid).status == 0
