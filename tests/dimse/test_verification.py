"""C-ECHO from a peer of our own making."""

from dimse.conftest import VERIFICATION, RawPeer
from isocenter.dimse.messages import Command, CommandField


def test_echo(peer: RawPeer) -> None:
    peer.message(1, Command(command_field=CommandField.C_ECHO_RQ, message_id=77, affected_sop_class_uid=VERIFICATION))
    assert peer.receive() == Command(
        command_field=CommandField.C_ECHO_RSP, message_id_being_responded_to=77, affected_sop_class_uid=VERIFICATION, status=0
    )


def test_an_echo_with_a_data_set_is_answered_when_that_has_gone_by(peer: RawPeer) -> None:
    command = Command(command_field=CommandField.C_ECHO_RQ, message_id=1, command_data_set_type=1)
    peer.message(1, command, b"x" * 100000)
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert answer.status == 0
    assert peer.echo() == 0
