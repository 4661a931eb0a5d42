"""The variable items inside A-ASSOCIATE PDUs as frozen values (PS3.8 9.3.2, 9.3.3, Annex D; PS3.7 Annex D.3.3).

Strict when writing, tolerant when reading: reserved bytes are ignored, unknown user-information sub-items become `UnknownItem`.
Every length is checked against the bytes that are really there before anything is copied; a violation raises `InvalidPDU`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

APPLICATION_CONTEXT_NAME = "1.2.840.10008.3.1.1.1"  # PS3.7 A.2.1

_ITEM = struct.Struct(">BxH")  # item type, reserved, item length


class AbortReason(IntEnum):
    """A-ABORT reason of source 2, the service-provider (PS3.8 9.3.8)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PDU_PARAMETER = 4
    UNEXPECTED_PDU_PARAMETER = 5
    INVALID_PDU_PARAMETER_VALUE = 6


class InvalidPDU(Exception):
    """Bytes that are no PDU of PS3.8 9.3 (Evt19); `reason` is what an A-ABORT would say about it."""

    def __init__(self, message: str, reason: AbortReason = AbortReason.INVALID_PDU_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.reason = reason


class ContextResult(IntEnum):
    """Result/reason of a presentation context in A-ASSOCIATE-AC (PS3.8 Table 9-18)."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


def split_items(data: memoryview, what: str) -> Iterator[tuple[int, memoryview]]:
    """Item type and value of each item in `data`; raises InvalidPDU when a length reaches past the end."""
    position, end = 0, len(data)
    while position < end:
        if end - position < 4:
            raise InvalidPDU(f"{what}: {end - position} stray bytes where an item should begin")
        item_type, length = _ITEM.unpack_from(data, position)
        position += 4
        if length > end - position:
            raise InvalidPDU(f"{what}: item {item_type:02X}H claims {length} bytes, {end - position} are left")
        yield item_type, data[position : position + length]
        position += length


def item(item_type: int, value: bytes) -> bytes:
    """An item with its four-byte header."""
    return _ITEM.pack(item_type, len(value)) + value


def decode_uid(value: memoryview | bytes, what: str) -> str:
    """A UID of a PDU: ASCII, not padded (PS3.8 F.1); trailing NUL and space are tolerated because old senders pad."""
    try:
        text = bytes(value).rstrip(b"\0 ").decode("ascii")
    except UnicodeDecodeError:
        raise InvalidPDU(f"{what}: not ASCII") from None
    if not text.isprintable():
        raise InvalidPDU(f"{what}: control characters")
    return text


def _counted(data: memoryview, position: int, what: str) -> tuple[memoryview, int]:
    """A field with a two-byte length in front, and the position behind it."""
    if len(data) - position < 2:
        raise InvalidPDU(f"{what}: length missing")
    (length,) = struct.unpack_from(">H", data, position)
    position += 2
    if length > len(data) - position:
        raise InvalidPDU(f"{what}: claims {length} bytes, {len(data) - position} are left")
    return data[position : position + length], position + length


def _exactly(data: memoryview, length: int, what: str) -> None:
    if len(data) != length:
        raise InvalidPDU(f"{what}: {len(data)} bytes instead of {length}")


@dataclass(frozen=True, slots=True)
class PresentationContextRQ:
    """A proposed presentation context (PS3.8 9.3.2.2, item 20H)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]

    def encode(self) -> bytes:
        syntaxes = b"".join(item(0x40, uid.encode("ascii")) for uid in self.transfer_syntaxes)
        return item(0x20, bytes((self.context_id, 0, 0, 0)) + item(0x30, self.abstract_syntax.encode("ascii")) + syntaxes)

    @classmethod
    def decode(cls, data: memoryview) -> PresentationContextRQ:
        if len(data) < 4:
            raise InvalidPDU("presentation context: too short")
        abstract_syntax, transfer_syntaxes = "", []
        for item_type, value in split_items(data[4:], "presentation context"):
            if item_type == 0x30:
                abstract_syntax = decode_uid(value, "abstract syntax")
            elif item_type == 0x40:
                transfer_syntaxes.append(decode_uid(value, "transfer syntax"))
        if data[0] % 2 == 0:  # PS3.8 9.3.2.2: odd integers between 1 and 255
            raise InvalidPDU(f"presentation context ID {data[0]} is not odd")
        return cls(data[0], abstract_syntax, tuple(transfer_syntaxes))


@dataclass(frozen=True, slots=True)
class PresentationContextAC:
    """The answer to one proposed presentation context (PS3.8 9.3.3.2, item 21H); the syntax counts only when accepted."""

    context_id: int
    result: int
    transfer_syntax: str

    def encode(self) -> bytes:
        return item(0x21, bytes((self.context_id, 0, self.result, 0)) + item(0x40, self.transfer_syntax.encode("ascii")))

    @classmethod
    def decode(cls, data: memoryview) -> PresentationContextAC:
        if len(data) < 4:
            raise InvalidPDU("presentation context: too short")
        transfer_syntax = ""
        for item_type, value in split_items(data[4:], "presentation context"):
            if item_type == 0x40:
                transfer_syntax = decode_uid(value, "transfer syntax")
        return cls(data[0], data[2], transfer_syntax)


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """The largest P-DATA-TF variable field the sender of this item takes; 0 is no limit (PS3.8 D.1.1, item 51H)."""

    maximum_length_received: int

    def encode(self) -> bytes:
        return item(0x51, struct.pack(">I", self.maximum_length_received))

    @classmethod
    def decode(cls, data: memoryview) -> MaximumLength:
        _exactly(data, 4, "maximum length")
        return cls(struct.unpack(">I", data)[0])


@dataclass(frozen=True, slots=True)
class ImplementationClassUID:
    """PS3.7 D.3.3.2.1, item 52H."""

    uid: str

    def encode(self) -> bytes:
        return item(0x52, self.uid.encode("ascii"))

    @classmethod
    def decode(cls, data: memoryview) -> ImplementationClassUID:
        return cls(decode_uid(data, "implementation class UID"))


@dataclass(frozen=True, slots=True)
class ImplementationVersionName:
    """PS3.7 D.3.3.2.3, item 55H."""

    name: str

    def encode(self) -> bytes:
        return item(0x55, self.name.encode("ascii"))

    @classmethod
    def decode(cls, data: memoryview) -> ImplementationVersionName:
        return cls(bytes(data).rstrip(b"\0 ").decode("ascii", "replace").replace("\ufffd", "?"))


@dataclass(frozen=True, slots=True)
class AsynchronousOperationsWindow:
    """PS3.7 D.3.3.3, item 53H; 0 is no limit."""

    maximum_number_operations_invoked: int
    maximum_number_operations_performed: int

    def encode(self) -> bytes:
        return item(0x53, struct.pack(">HH", self.maximum_number_operations_invoked, self.maximum_number_operations_performed))

    @classmethod
    def decode(cls, data: memoryview) -> AsynchronousOperationsWindow:
        _exactly(data, 4, "asynchronous operations window")
        return cls(*struct.unpack(">HH", data))


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU role selection (PS3.7 D.3.3.4, item 54H)."""

    sop_class_uid: str
    scu_role: bool
    scp_role: bool

    def encode(self) -> bytes:
        uid = self.sop_class_uid.encode("ascii")
        return item(0x54, struct.pack(">H", len(uid)) + uid + bytes((self.scu_role, self.scp_role)))

    @classmethod
    def decode(cls, data: memoryview) -> RoleSelection:
        uid, position = _counted(data, 0, "role selection")
        _exactly(data[position:], 2, "roles")
        return cls(decode_uid(uid, "role selection"), data[position] == 1, data[position + 1] == 1)


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP class extended negotiation (PS3.7 D.3.3.5, item 56H)."""

    sop_class_uid: str
    service_class_application_information: bytes

    def encode(self) -> bytes:
        uid = self.sop_class_uid.encode("ascii")
        return item(0x56, struct.pack(">H", len(uid)) + uid + self.service_class_application_information)

    @classmethod
    def decode(cls, data: memoryview) -> ExtendedNegotiation:
        uid, position = _counted(data, 0, "extended negotiation")
        return cls(decode_uid(uid, "extended negotiation"), bytes(data[position:]))


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP class common extended negotiation (PS3.7 D.3.3.6, item 57H)."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...]

    def encode(self) -> bytes:
        uid, service = self.sop_class_uid.encode("ascii"), self.service_class_uid.encode("ascii")
        related = b"".join(
            struct.pack(">H", len(general)) + general.encode("ascii") for general in self.related_general_sop_class_uids
        )
        fields = (uid, service, related)
        return item(0x57, b"".join(struct.pack(">H", len(field)) + field for field in fields))

    @classmethod
    def decode(cls, data: memoryview) -> CommonExtendedNegotiation:
        what = "common extended negotiation"
        uid, position = _counted(data, 0, what)
        service, position = _counted(data, position, what)
        related, _ = _counted(data, position, what)
        general, position = [], 0
        while position < len(related):
            value, position = _counted(related, position, what)
            general.append(decode_uid(value, what))
        return cls(decode_uid(uid, what), decode_uid(service, what), tuple(general))


@dataclass(frozen=True, slots=True)
class UserIdentityRQ:
    """User identity of the requestor (PS3.7 D.3.3.7.1, item 58H). Fields are secrets: they are never logged."""

    user_identity_type: int
    positive_response_requested: bool
    primary_field: bytes
    secondary_field: bytes

    def encode(self) -> bytes:
        fields = b"".join(struct.pack(">H", len(field)) + field for field in (self.primary_field, self.secondary_field))
        return item(0x58, bytes((self.user_identity_type, self.positive_response_requested)) + fields)

    @classmethod
    def decode(cls, data: memoryview) -> UserIdentityRQ:
        if len(data) < 2:
            raise InvalidPDU("user identity: too short")
        primary, position = _counted(data, 2, "user identity")
        # Types 1, 3, 4 and 5 need no secondary field; some senders leave its length out as well.
        secondary = _counted(data, position, "user identity")[0] if position < len(data) else b""
        return cls(data[0], data[1] == 1, bytes(primary), bytes(secondary))

    def __repr__(self) -> str:
        return f"UserIdentityRQ(user_identity_type={self.user_identity_type})"


@dataclass(frozen=True, slots=True)
class UserIdentityAC:
    """The acceptor's answer to a user identity (PS3.7 D.3.3.7.2, item 59H)."""

    server_response: bytes

    def encode(self) -> bytes:
        return item(0x59, struct.pack(">H", len(self.server_response)) + self.server_response)

    @classmethod
    def decode(cls, data: memoryview) -> UserIdentityAC:
        return cls(bytes(_counted(data, 0, "user identity answer")[0]))


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """A user-information sub-item of a later edition: kept, ignored (PS3.8 9.3.1: unrecognized items shall be ignored)."""

    item_type: int
    data: bytes

    def encode(self) -> bytes:
        return item(self.item_type, self.data)


UserInformationItem = (
    MaximumLength
    | ImplementationClassUID
    | ImplementationVersionName
    | AsynchronousOperationsWindow
    | RoleSelection
    | ExtendedNegotiation
    | CommonExtendedNegotiation
    | UserIdentityRQ
    | UserIdentityAC
    | UnknownItem
)

_USER_INFORMATION: dict[int, Callable[[memoryview], UserInformationItem]] = {
    0x51: MaximumLength.decode,
    0x52: ImplementationClassUID.decode,
    0x53: AsynchronousOperationsWindow.decode,
    0x54: RoleSelection.decode,
    0x55: ImplementationVersionName.decode,
    0x56: ExtendedNegotiation.decode,
    0x57: CommonExtendedNegotiation.decode,
    0x58: UserIdentityRQ.decode,
    0x59: UserIdentityAC.decode,
}


def encode_user_information(items: tuple[UserInformationItem, ...]) -> bytes:
    """The user information item, 50H (PS3.8 9.3.2.3)."""
    return item(0x50, b"".join(each.encode() for each in items))


def decode_user_information(data: memoryview) -> tuple[UserInformationItem, ...]:
    """Every sub-item of a user information item, in the order received."""
    items: list[UserInformationItem] = []
    for item_type, value in split_items(data, "user information"):
        decode = _USER_INFORMATION.get(item_type)
        items.append(decode(value) if decode else UnknownItem(item_type, bytes(value)))
    return tuple(items)
