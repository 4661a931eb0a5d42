"""DIMSE command sets (PS3.7 6.3, Annex E.1): a frozen value, encoded and decoded in Implicit VR Little Endian.

Strict when writing: the group length and ascending tags. Tolerant when reading: order and group length are not tested,
elements of later editions are skipped. Anything else raises `InvalidCommand`, in bounded time and memory.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

# A C-STORE-RQ has about 300 bytes; an N-GET-RQ can list attributes. Nothing that is longer is a command set.
MAX_COMMAND_LENGTH = 64 * 1024

NO_DATA_SET = 0x0101  # PS3.7 E.1, Command Data Set Type
DATA_SET = 0x0001
RESPONSE = 0x8000  # the bit of Command Field that makes an answer of a request

_ELEMENT = struct.Struct("<HHI")
_US = struct.Struct("<H")


class CommandField(IntEnum):
    """PS3.7 Table E.1-1, (0000,0100)."""

    C_STORE_RQ = 0x0001
    C_GET_RQ = 0x0010
    C_FIND_RQ = 0x0020
    C_MOVE_RQ = 0x0021
    C_ECHO_RQ = 0x0030
    N_EVENT_REPORT_RQ = 0x0100
    N_GET_RQ = 0x0110
    N_SET_RQ = 0x0120
    N_ACTION_RQ = 0x0130
    N_CREATE_RQ = 0x0140
    N_DELETE_RQ = 0x0150
    C_CANCEL_RQ = 0x0FFF
    C_STORE_RSP = 0x8001
    C_GET_RSP = 0x8010
    C_FIND_RSP = 0x8020
    C_MOVE_RSP = 0x8021
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RSP = 0x8110
    N_SET_RSP = 0x8120
    N_ACTION_RSP = 0x8130
    N_CREATE_RSP = 0x8140
    N_DELETE_RSP = 0x8150


class InvalidCommand(Exception):
    """Bytes that are no command set; without one there is no message to answer."""


# (element of group 0000, field of Command, VR): PS3.7 Table E.1-1, ascending.
ELEMENTS: tuple[tuple[int, str, str], ...] = (
    (0x0002, "affected_sop_class_uid", "UI"),
    (0x0003, "requested_sop_class_uid", "UI"),
    (0x0100, "command_field", "US"),
    (0x0110, "message_id", "US"),
    (0x0120, "message_id_being_responded_to", "US"),
    (0x0600, "move_destination", "AE"),
    (0x0700, "priority", "US"),
    (0x0800, "command_data_set_type", "US"),
    (0x0900, "status", "US"),
    (0x0901, "offending_element", "AT"),
    (0x0902, "error_comment", "LO"),
    (0x0903, "error_id", "US"),
    (0x1000, "affected_sop_instance_uid", "UI"),
    (0x1001, "requested_sop_instance_uid", "UI"),
    (0x1002, "event_type_id", "US"),
    (0x1005, "attribute_identifier_list", "AT"),
    (0x1008, "action_type_id", "US"),
    (0x1020, "number_of_remaining_suboperations", "US"),
    (0x1021, "number_of_completed_suboperations", "US"),
    (0x1022, "number_of_failed_suboperations", "US"),
    (0x1023, "number_of_warning_suboperations", "US"),
    (0x1030, "move_originator_application_entity_title", "AE"),
    (0x1031, "move_originator_message_id", "US"),
)
_BY_ELEMENT = {element: (field, vr) for element, field, vr in ELEMENTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command set; None is an absent element. Tags (VR AT) are integers, group in the upper half."""

    command_field: int
    command_data_set_type: int = NO_DATA_SET
    affected_sop_class_uid: str | None = None
    requested_sop_class_uid: str | None = None
    message_id: int | None = None
    message_id_being_responded_to: int | None = None
    move_destination: str | None = None
    priority: int | None = None
    status: int | None = None
    offending_element: tuple[int, ...] | None = None
    error_comment: str | None = None
    error_id: int | None = None
    affected_sop_instance_uid: str | None = None
    requested_sop_instance_uid: str | None = None
    event_type_id: int | None = None
    attribute_identifier_list: tuple[int, ...] | None = None
    action_type_id: int | None = None
    number_of_remaining_suboperations: int | None = None
    number_of_completed_suboperations: int | None = None
    number_of_failed_suboperations: int | None = None
    number_of_warning_suboperations: int | None = None
    move_originator_application_entity_title: str | None = None
    move_originator_message_id: int | None = None

    @property
    def has_data_set(self) -> bool:
        """PS3.7 E.1: every value but 0101H says that a data set follows."""
        return self.command_data_set_type != NO_DATA_SET

    def encode(self) -> bytes:
        """The command set with its group length (0000,0000)."""
        elements = bytearray()
        for element, field, vr in ELEMENTS:
            value = getattr(self, field)
            if value is not None:
                encoded = _encode_value(vr, value)
                elements += _ELEMENT.pack(0, element, len(encoded)) + encoded
        return struct.pack("<HHII", 0, 0, 4, len(elements)) + bytes(elements)


assert {field for _, field, _ in ELEMENTS} == {field.name for field in fields(Command)}


def decode(data: bytes) -> Command:
    """The command set in `data`; raises InvalidCommand."""
    if len(data) > MAX_COMMAND_LENGTH:
        raise InvalidCommand(f"a command set of {len(data)} bytes")
    values: dict[str, int | str | tuple[int, ...]] = {}
    position, end = 0, len(data)
    while position < end:
        if end - position < _ELEMENT.size:
            raise InvalidCommand(f"{end - position} stray bytes where an element should begin")
        group, element, length = _ELEMENT.unpack_from(data, position)
        position += _ELEMENT.size
        if length > end - position:
            raise InvalidCommand(f"({group:04X},{element:04X}) claims {length} bytes, {end - position} are left")
        if group != 0:
            raise InvalidCommand(f"({group:04X},{element:04X}) in a command set")
        if known := _BY_ELEMENT.get(element):
            field, vr = known
            value = _decode_value(vr, data[position : position + length], element)
            if value is not None:
                values[field] = value
        position += length
    if "command_field" not in values:
        raise InvalidCommand("Command Field (0000,0100) is missing")
    # Each value was decoded by the VR that ELEMENTS states for its field.
    return Command(**values)  # type: ignore[arg-type]


def _encode_value(vr: str, value: int | str | tuple[int, ...]) -> bytes:
    if isinstance(value, int):
        return _US.pack(value)
    if isinstance(value, tuple):
        return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)
    encoded = value.encode("ascii", "replace")
    return encoded + (b"\0" if vr == "UI" else b" ") * (len(encoded) % 2)  # PS3.5 6.2: even length


def _decode_value(vr: str, value: bytes, element: int) -> int | str | tuple[int, ...] | None:
    """The value, or None when it is empty."""
    if not value:
        return None
    if vr == "US":
        if len(value) != 2:
            raise InvalidCommand(f"(0000,{element:04X}) has {len(value)} bytes instead of 2")
        return int.from_bytes(value, "little")
    if vr == "AT":
        if len(value) % 4:
            raise InvalidCommand(f"(0000,{element:04X}) has {len(value)} bytes, not a multiple of 4")
        return tuple(group << 16 | number for group, number in struct.iter_unpack("<HH", value))
    # Never more than the default repertoire (PS3.7 6.3.1 knows no character set); what is outside is shown, not obeyed.
    text = value.decode("ascii", "replace").replace("\ufffd", "?")
    return text.strip(" \0") or None


def response(
    request: Command, status: int, *, offending_element: tuple[int, ...] = (), error_comment: str = "",
    has_data_set: bool = False, **fields: Any,
) -> Command:
    """The answer to a request. fields: further elements of the answer, which replace what it repeats of the request.

    error_comment is cut to 64 characters and cleaned of what LO cannot hold (PS3.5 6.2: no backslash, no control characters).
    """
    comment = "".join(character if character.isprintable() and character != "\\" else " " for character in error_comment)
    repeated = {
        "affected_sop_class_uid": request.affected_sop_class_uid or request.requested_sop_class_uid,
        "affected_sop_instance_uid": request.affected_sop_instance_uid or request.requested_sop_instance_uid,
    }
    return Command(
        command_field=request.command_field | RESPONSE,
        command_data_set_type=DATA_SET if has_data_set else NO_DATA_SET,
        message_id_being_responded_to=request.message_id,
        status=status,
        offending_element=offending_element or None,
        error_comment=comment[:64].strip() or None,
        **{**repeated, **fields},
    )
