"""File meta information: group 2 of a DICOM file (PS3.10 Section 7.1), read from others' files and written into ours."""

import struct
from dataclasses import dataclass

from .elements import EXPLICIT_LITTLE, LONG_VRS, SHORT_VRS, Malformed, Window, name, truncated
from .source import Source
from .uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What group 2 of a file says, and where the data set begins. warnings: faults that were tolerated."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset_offset: int
    warnings: tuple[str, ...] = ()


def file_meta_of(source: Source) -> FileMeta:
    """Return the file meta information without a look into the data set; Malformed when it is no DICOM Part 10 file."""
    return read(Window(source))


def read(window: Window) -> FileMeta:
    """Read group 2, which is always explicit VR little endian (PS3.10 7.1). The window is left where the data set begins."""
    window.seek(0)
    position, warnings = _start(window.buffer)
    first = position
    uids = {0x00020002: "", 0x00020003: "", 0x00020010: ""}
    declared_end: int | None = None
    while True:
        at = window.seek(position)
        if window.buffer[at : at + 2] != b"\x02\x00":
            break
        tag, _, length, header = window.element(position, EXPLICIT_LITTLE)
        position += header
        if length > window.size - position:
            raise truncated(name(tag))
        if tag in uids:
            uids[tag] = window.take(position, min(length, 256), name(tag)).decode("ascii", "replace").strip(" \0")
        elif tag == 0x00020000 and length == 4:
            declared_end = position + 4 + int.from_bytes(window.take(position, 4), "little")
        position += length
    if position == first:
        raise Malformed("not a DICOM Part 10 file: no file meta information", f"byte {first}")
    if not uids[0x00020010]:
        raise Malformed("the file meta information has no Transfer Syntax UID", "(0002,0010)")
    if declared_end is None:
        warnings = (*warnings, "File Meta Information Group Length is missing")
    elif declared_end != position:
        warnings = (*warnings, "File Meta Information Group Length is wrong")
    return FileMeta(uids[0x00020002], uids[0x00020003], uids[0x00020010], position, warnings)


def ae_titles(source: Source) -> tuple[str, str]:
    """Source and Receiving Application Entity Title (0002,0016) and (0002,0018), "" where the file has none; as `file_meta_of`.

    Apart from the others, which every object that comes in is asked for.
    """
    window = Window(source)
    end = file_meta_of(source).dataset_offset
    window.seek(0)
    position, _ = _start(window.buffer)
    titles = {0x00020016: "", 0x00020018: ""}
    while position < end:
        window.seek(position)
        tag, _, length, header = window.element(position, EXPLICIT_LITTLE)
        if tag in titles:
            titles[tag] = window.take(position + header, min(length, 16), name(tag)).decode("ascii", "replace").strip(" \0")
        position += header + length
    return titles[0x00020016], titles[0x00020018]


def _start(head: bytes) -> tuple[int, tuple[str, ...]]:
    """Return where group 2 begins. A file without preamble is one only if group 2 is really there (PS3.10 7.1)."""
    if head[128:132] == b"DICM":
        return 132, ()
    for start in (0, 4 if head[:4] == b"DICM" else 0):
        vr = head[start + 4 : start + 6]
        if head[start : start + 2] == b"\x02\x00" and (vr in SHORT_VRS or vr in LONG_VRS):
            return start, ("the file has no preamble",)
    raise Malformed("not a DICOM Part 10 file", "byte 128")


def file_meta(
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    *,
    source_ae: str = "",
    sending_ae: str = "",
    receiving_ae: str = "",
) -> bytes:
    """Return preamble, prefix and file meta information (PS3.10 7.1) to be put before a data set received over the network."""
    group = b"".join(
        (
            b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01",  # File Meta Information Version
            _short(0x0002, b"UI", sop_class_uid, b"\0"),
            _short(0x0003, b"UI", sop_instance_uid, b"\0"),
            _short(0x0010, b"UI", transfer_syntax_uid, b"\0"),
            _IMPLEMENTATION,
            _short(0x0016, b"AE", source_ae, b" ") if source_ae else b"",
            _short(0x0017, b"AE", sending_ae, b" ") if sending_ae else b"",
            _short(0x0018, b"AE", receiving_ae, b" ") if receiving_ae else b"",
        )
    )
    return b"%bDICM\x02\x00\x00\x00UL\x04\x00%b%b" % (bytes(128), len(group).to_bytes(4, "little"), group)


def _short(element: int, vr: bytes, text: str, padding: bytes) -> bytes:
    value = text.encode("ascii", "replace")[:0xFFFE]  # what a peer said: a broken title or UID is not our failure
    if len(value) % 2:
        value += padding
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


_IMPLEMENTATION = b"".join(
    (_short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0"), _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" "))
)
