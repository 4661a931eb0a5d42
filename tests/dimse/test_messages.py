"""Command sets against bytes written down by hand from PS3.7 Annex E, and against themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dimse import messages
from isocenter.dimse.messages import Command, CommandField, InvalidCommand

C_STORE_RQ = bytes.fromhex(
    "0000 0000 04000000 6c000000"  # (0000,0000) group length: 108
    "0000 0200 1a000000 312e322e3834302e31303030382e352e312e342e312e312e3200"  # (0000,0002) CT Image Storage, NUL padded
    "0000 0001 02000000 0100"  # (0000,0100) command field: C-STORE-RQ
    "0000 1001 02000000 0700"  # (0000,0110) message ID: 7
    "0000 0007 02000000 0000"  # (0000,0700) priority: medium
    "0000 0008 02000000 0100"  # (0000,0800) command data set type: a data set follows
    "0000 0010 1a000000 312e322e3832362e302e312e333638303034332e382e34393800"  # (0000,1000) 1.2.826.0.1.3680043.8.498
)
REQUEST = Command(
    command_field=CommandField.C_STORE_RQ,
    affected_sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    message_id=7,
    priority=0,
    command_data_set_type=1,
    affected_sop_instance_uid="1.2.826.0.1.3680043.8.498",
)

C_STORE_RSP = bytes.fromhex(
    "0000 0000 04000000 48000000"  # (0000,0000) group length: 72
    "0000 0001 02000000 0180"  # (0000,0100) command field: C-STORE-RSP
    "0000 2001 02000000 0700"  # (0000,0120) message ID being responded to: 7
    "0000 0008 02000000 0101"  # (0000,0800) command data set type: none
    "0000 0009 02000000 00a9"  # (0000,0900) status: A900
    "0000 0109 04000000 08001800"  # (0000,0901) offending element: (0008,0018)
    "0000 0209 0c000000 4e6f7420746865206f6e6520"  # (0000,0902) error comment: "Not the one", space padded
)


def test_golden_request() -> None:
    assert REQUEST.encode() == C_STORE_RQ
    assert messages.decode(C_STORE_RQ) == REQUEST


def test_golden_response() -> None:
    request = Command(command_field=CommandField.C_STORE_RQ, message_id=7)
    response = messages.response(request, 0xA900, offending_element=(0x00080018,), error_comment="Not the one")
    assert response.encode() == C_STORE_RSP
    assert messages.decode(C_STORE_RSP) == response


us = st.none() | st.integers(0, 0xFFFF)
text = st.none() | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
tags = st.none() | st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=5).map(tuple)
KINDS = {"US": us, "UI": text, "AE": text, "LO": text, "AT": tags}
commands = st.fixed_dictionaries(
    {field: KINDS[vr] for _, field, vr in messages.ELEMENTS if field not in ("command_field", "command_data_set_type")}
).flatmap(
    lambda values: st.builds(
        Command,
        command_field=st.sampled_from(CommandField),
        command_data_set_type=st.integers(0, 0xFFFF),
        **{field: st.just(value) for field, value in values.items()},
    )
)


@given(commands)
def test_round_trip(command: Command) -> None:
    encoded = command.encode()
    assert messages.decode(encoded) == command
    assert len(encoded) % 2 == 0
    assert int.from_bytes(encoded[8:12], "little") == len(encoded) - 12


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_command_or_invalid(data: bytes) -> None:
    try:
        messages.decode(data)
    except InvalidCommand:
        pass


@given(commands, st.data())
def test_a_damaged_command_is_a_command_or_invalid(command: Command, draw: st.DataObject) -> None:
    damaged = bytearray(command.encode())
    for _ in range(draw.draw(st.integers(1, 5))):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    try:
        messages.decode(bytes(damaged[: draw.draw(st.integers(0, len(damaged)))]))
    except InvalidCommand:
        pass


@pytest.mark.parametrize(
    "encoded",
    [
        "",  # no command field
        "0000 0001 02000000",  # a value that is not there
        "0000 0001 ffffffff 0100",  # a length of four gigabytes
        "0000 0001 04000000 01000000",  # US with four bytes
        "0000 0001 02000000 0100 0000 0109 03000000 080018",  # AT with three bytes
        "0000 0001 02000000 0100 0800 1800 02000000 3100",  # an element of the data set
        "0000 0001 02000000 0100 0000",  # stray bytes
    ],
)
def test_invalid(encoded: str) -> None:
    with pytest.raises(InvalidCommand):
        messages.decode(bytes.fromhex(encoded))


def test_too_long() -> None:
    with pytest.raises(InvalidCommand):
        messages.decode(bytes(messages.MAX_COMMAND_LENGTH + 2))


def test_tolerated() -> None:
    """No group length, another order, elements that are unknown, space padded UIDs, empty values."""
    encoded = bytes.fromhex(
        "0000 1001 02000000 0300"  # message ID
        "0000 0001 02000000 3000"  # command field: C-ECHO-RQ
        "0000 1051 04000000 01020304"  # (0000,5110), retired
        "0000 0200 04000000 312e3220"  # affected SOP class UID "1.2 "
        "0000 0902 00000000"  # (0000,0209)
        "0000 0010 00000000"  # affected SOP instance UID, empty
    )
    assert messages.decode(encoded) == Command(
        command_field=CommandField.C_ECHO_RQ, message_id=3, affected_sop_class_uid="1.2", affected_sop_instance_uid=None
    )


def test_an_error_comment_fits_its_vr() -> None:
    response = messages.response(REQUEST, 0xC000, error_comment="back\\slash\n" + "ü" * 80)
    assert response.error_comment is not None
    assert len(response.error_comment) == 64
    assert not set("\\\n") & set(response.error_comment)
    assert messages.decode(response.encode()).error_comment == "back slash " + "?" * 53
