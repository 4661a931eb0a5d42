"""The seven PDUs of PS3.8 9.3 as frozen values, each with `encode()`, and `decode()` for a whole PDU.

P-DATA-TF is here for completeness and for sending; on the receiving side `reader.py` streams its fragments instead.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from isocenter.dimse.upper_layer.items import (
    APPLICATION_CONTEXT_NAME,
    AbortReason,
    ImplementationClassUID,
    ImplementationVersionName,
    InvalidPDU,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    UserInformationItem,
    decode_uid,
    decode_user_information,
    encode_user_information,
    item,
    split_items,
)

PDU_HEADER_SIZE = 6  # type, reserved, four bytes of length
PDV_HEADER_SIZE = 6  # four bytes of length, presentation context ID, message control header
# PS3.8 D.1: what a peer takes that sends no maximum length item (it must; pynetdicom and dcmtk default to this value).
DEFAULT_MAXIMUM_LENGTH = 16382

COMMAND = 0x01  # message control header (PS3.8 E.2): this fragment is of the command set ...
LAST = 0x02  # ... and it is the last one

_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_ASSOCIATE = struct.Struct(">H2x16s16s32x")
_Item = TypeVar("_Item")


class PDUType(IntEnum):
    """First byte of every PDU."""

    A_ASSOCIATE_RQ = 0x01
    A_ASSOCIATE_AC = 0x02
    A_ASSOCIATE_RJ = 0x03
    P_DATA_TF = 0x04
    A_RELEASE_RQ = 0x05
    A_RELEASE_RP = 0x06
    A_ABORT = 0x07


class RejectResult(IntEnum):
    """PS3.8 Table 9-21, Result."""

    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class RejectSource(IntEnum):
    """PS3.8 Table 9-21, Source."""

    SERVICE_USER = 1
    SERVICE_PROVIDER_ACSE = 2
    SERVICE_PROVIDER_PRESENTATION = 3


class AbortSource(IntEnum):
    """PS3.8 9.3.8, Source."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


def _pdu(pdu_type: PDUType, body: bytes) -> bytes:
    return _HEADER.pack(pdu_type, len(body)) + body


def _decode_ae_title(value: bytes) -> str:
    # PS3.5 6.2: leading and trailing spaces are not significant. What a title cannot hold is shown as "?"; titles are logged.
    text = value.decode("latin-1").strip(" \0")
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _encode_ae_title(title: str) -> bytes:
    value = title.encode("ascii")
    if not 1 <= len(value) <= 16:
        raise ValueError(f"an AE title has 1 to 16 characters: {title!r}")
    return value.ljust(16)


@dataclass(frozen=True, slots=True)
class _UserInformation:
    """What both A-ASSOCIATE PDUs carry in their user information item."""

    user_information: tuple[UserInformationItem, ...]

    def find(self, kind: type[_Item]) -> _Item | None:
        """The first sub-item of that kind, if there is one."""
        return next(iter(self.find_all(kind)), None)

    def find_all(self, kind: type[_Item]) -> list[_Item]:
        return [each for each in self.user_information if isinstance(each, kind)]

    @property
    def maximum_length(self) -> int:
        """Largest P-DATA-TF variable field the peer takes; 0 is no limit."""
        found = self.find(MaximumLength)
        return DEFAULT_MAXIMUM_LENGTH if found is None else found.maximum_length_received

    @property
    def implementation(self) -> str:
        """Implementation version name, else class UID, of the peer, for the log."""
        name, uid = self.find(ImplementationVersionName), self.find(ImplementationClassUID)
        return name.name if name else uid.uid if uid else ""


@dataclass(frozen=True, slots=True)
class AssociateRQ(_UserInformation):
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextRQ, ...]
    application_context_name: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = 1

    def encode(self) -> bytes:
        titles = (_encode_ae_title(self.called_ae_title), _encode_ae_title(self.calling_ae_title))
        contexts = b"".join(context.encode() for context in self.presentation_contexts)
        return _pdu(
            PDUType.A_ASSOCIATE_RQ,
            _ASSOCIATE.pack(self.protocol_version, *titles)
            + item(0x10, self.application_context_name.encode("ascii"))
            + contexts
            + encode_user_information(self.user_information),
        )

    @classmethod
    def decode(cls, body: memoryview) -> AssociateRQ:
        version, called, calling, name, contexts, user_information = _decode_associate(body, 0x20, PresentationContextRQ.decode)
        ids = {context.context_id for context in contexts}
        if len(ids) != len(contexts):
            raise InvalidPDU("a presentation context ID is used twice")
        return cls(user_information, called, calling, tuple(contexts), name, version)


@dataclass(frozen=True, slots=True)
class AssociateAC(_UserInformation):
    """A-ASSOCIATE-AC (PS3.8 9.3.3); the titles are those of the request, sent back and not tested."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextAC, ...]
    application_context_name: str = APPLICATION_CONTEXT_NAME
    protocol_version: int = 1

    def encode(self) -> bytes:
        # PS3.8 Table 9-17: these fields "shall be sent with a value identical to the value received", a blank title too.
        titles = (self.called_ae_title.encode("ascii").ljust(16), self.calling_ae_title.encode("ascii").ljust(16))
        contexts = b"".join(context.encode() for context in self.presentation_contexts)
        return _pdu(
            PDUType.A_ASSOCIATE_AC,
            _ASSOCIATE.pack(self.protocol_version, *titles)
            + item(0x10, self.application_context_name.encode("ascii"))
            + contexts
            + encode_user_information(self.user_information),
        )

    @classmethod
    def decode(cls, body: memoryview) -> AssociateAC:
        version, called, calling, name, contexts, user_information = _decode_associate(body, 0x21, PresentationContextAC.decode)
        return cls(user_information, called, calling, tuple(contexts), name, version)


def _decode_associate(
    body: memoryview, context_type: int, decode_context: Callable[[memoryview], _Item]
) -> tuple[int, str, str, str, list[_Item], tuple[UserInformationItem, ...]]:
    if len(body) < _ASSOCIATE.size:
        raise InvalidPDU(f"A-ASSOCIATE of {len(body)} bytes")
    version, called, calling = _ASSOCIATE.unpack_from(body)
    name, contexts = "", []
    user_information: tuple[UserInformationItem, ...] = ()
    for item_type, value in split_items(body[_ASSOCIATE.size :], "A-ASSOCIATE"):
        if item_type == 0x10:
            name = decode_uid(value, "application context name")
        elif item_type == context_type:
            contexts.append(decode_context(value))
        elif item_type == 0x50:
            user_information = decode_user_information(value)
    return version, _decode_ae_title(called), _decode_ae_title(calling), name, contexts, user_information


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4); the meaning of `reason` depends on `source`."""

    result: int
    source: int
    reason: int

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ASSOCIATE_RJ, bytes((0, self.result, self.source, self.reason)))

    @classmethod
    def decode(cls, body: memoryview) -> AssociateRJ:
        return cls(*_four(body, "A-ASSOCIATE-RJ")[1:])


# PS3.8 Table 9-21. Named as there; every rejection this archive gives is one of these.
_PERMANENT, _TRANSIENT = RejectResult.REJECTED_PERMANENT, RejectResult.REJECTED_TRANSIENT
NO_REASON_GIVEN = AssociateRJ(_PERMANENT, RejectSource.SERVICE_USER, 1)
APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = AssociateRJ(_PERMANENT, RejectSource.SERVICE_USER, 2)
CALLING_AE_TITLE_NOT_RECOGNIZED = AssociateRJ(_PERMANENT, RejectSource.SERVICE_USER, 3)
CALLED_AE_TITLE_NOT_RECOGNIZED = AssociateRJ(_PERMANENT, RejectSource.SERVICE_USER, 7)
PROTOCOL_VERSION_NOT_SUPPORTED = AssociateRJ(_PERMANENT, RejectSource.SERVICE_PROVIDER_ACSE, 2)
TEMPORARY_CONGESTION = AssociateRJ(_TRANSIENT, RejectSource.SERVICE_PROVIDER_PRESENTATION, 1)
LOCAL_LIMIT_EXCEEDED = AssociateRJ(_TRANSIENT, RejectSource.SERVICE_PROVIDER_PRESENTATION, 2)

REJECT_TEXT: dict[tuple[int, int], str] = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}  # (source, reason): the words of PS3.8 Table 9-21


@dataclass(frozen=True, slots=True)
class PresentationDataValue:
    """One PDV item (PS3.8 9.3.5.1): a fragment of a message, behind its message control header."""

    context_id: int
    control: int
    fragment: bytes


@dataclass(frozen=True, slots=True)
class PDataTF:
    """P-DATA-TF (PS3.8 9.3.5)."""

    values: tuple[PresentationDataValue, ...]

    def encode(self) -> bytes:
        return _pdu(
            PDUType.P_DATA_TF,
            b"".join(
                _PDV_HEADER.pack(len(value.fragment) + 2, value.context_id, value.control) + value.fragment
                for value in self.values
            ),
        )

    @classmethod
    def decode(cls, body: memoryview) -> PDataTF:
        values, position = [], 0
        while position < len(body):
            if len(body) - position < PDV_HEADER_SIZE:
                raise InvalidPDU("P-DATA-TF: stray bytes where a PDV should begin")
            length, context_id, control = _PDV_HEADER.unpack_from(body, position)
            end = position + 4 + length
            if length < 2 or end > len(body):
                raise InvalidPDU(f"P-DATA-TF: PDV length {length}")
            values.append(PresentationDataValue(context_id, control, bytes(body[position + PDV_HEADER_SIZE : end])))
            position = end
        if not values:
            raise InvalidPDU("P-DATA-TF without a PDV")
        return cls(tuple(values))


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""

    def encode(self) -> bytes:
        return _pdu(PDUType.A_RELEASE_RQ, bytes(4))

    @classmethod
    def decode(cls, body: memoryview) -> ReleaseRQ:
        _four(body, "A-RELEASE-RQ")
        return cls()


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP (PS3.8 9.3.7)."""

    def encode(self) -> bytes:
        return _pdu(PDUType.A_RELEASE_RP, bytes(4))

    @classmethod
    def decode(cls, body: memoryview) -> ReleaseRP:
        _four(body, "A-RELEASE-RP")
        return cls()


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8); `reason` counts only when the source is the service-provider."""

    source: int
    reason: int = AbortReason.NOT_SPECIFIED

    def encode(self) -> bytes:
        return _pdu(PDUType.A_ABORT, bytes((0, 0, self.source, self.reason)))

    @classmethod
    def decode(cls, body: memoryview) -> Abort:
        return cls(*_four(body, "A-ABORT")[2:])


def _four(body: memoryview, what: str) -> bytes:
    if len(body) != 4:
        raise InvalidPDU(f"{what}: {len(body)} bytes instead of 4")
    return bytes(body)


PDU = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort

_DECODE: dict[int, Callable[[memoryview], PDU]] = {
    PDUType.A_ASSOCIATE_RQ: AssociateRQ.decode,
    PDUType.A_ASSOCIATE_AC: AssociateAC.decode,
    PDUType.A_ASSOCIATE_RJ: AssociateRJ.decode,
    PDUType.P_DATA_TF: PDataTF.decode,
    PDUType.A_RELEASE_RQ: ReleaseRQ.decode,
    PDUType.A_RELEASE_RP: ReleaseRP.decode,
    PDUType.A_ABORT: Abort.decode,
}


def decode(data: bytes | memoryview) -> PDU:
    """One whole PDU, header included; raises InvalidPDU and nothing else."""
    if len(data) < PDU_HEADER_SIZE:
        raise InvalidPDU(f"a PDU of {len(data)} bytes")
    pdu_type, length = _HEADER.unpack_from(data)
    if pdu_type not in _DECODE:
        raise InvalidPDU(f"PDU type {pdu_type:02X}H", AbortReason.UNRECOGNIZED_PDU)
    if length != len(data) - PDU_HEADER_SIZE:
        raise InvalidPDU(f"PDU length {length}, {len(data) - PDU_HEADER_SIZE} bytes are there")
    return _DECODE[pdu_type](memoryview(data)[PDU_HEADER_SIZE:])
