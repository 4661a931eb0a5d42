"""DICOM files (PS3.10): one bounded pass over the header, and the file meta information we write ourselves."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import charset, fragments, syntaxes
from .attributes import ATTRIBUTES, Attribute, tag_of
from .elements import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Encoding,
    Malformed,
    Window,
    guess,
    inside_unknown,
    name,
    skip,
    truncated,
)
from .frames import FrameTable
from .inflate import InflatedSource
from .source import BytesSource, Source
from .uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

__all__ = ["FileMeta", "Header", "Malformed", "PixelData", "data_set", "file_meta", "file_meta_of", "scan"]


@dataclass(frozen=True, slots=True)
class PixelData:
    """Where the pixel data lies: Pixel Data, Float Pixel Data or Double Float Pixel Data.

    offset: of the first value byte in the file (in the inflated data set when it is deflated). length: None when encapsulated.
    """

    tag: int
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """What the archive needs to know of one object; see `scan`.

    sop_class_uid, sop_instance_uid: of the data set, of the file meta information only where the data set lacks them.
    dataset_offset: where the data set's bytes begin in the file. values: keyword -> text of every attribute of the attribute table
    that is present; multiple values joined by backslashes, a PN with its groups joined by "=", numbers as text.
    frames: None without pixel data, and for a deflated data set, whose frames have no place in the file.
    number_of_frames: 1 when the object has pixel data and does not say, 0 without pixel data.
    warnings: faults that were tolerated, short sentences without patient data.
    """

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    dataset_offset: int
    values: Mapping[str, str]
    study_instance_uid: str
    series_instance_uid: str
    pixels: PixelData | None
    frames: FrameTable | None
    number_of_frames: int
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    photometric_interpretation: str
    specific_character_set: str
    warnings: tuple[str, ...]


_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_EXTENDED_OFFSETS = 0x7FE00001
_CHARACTER_SET = 0x00080005
_SAMPLES, _PHOTOMETRIC = 0x00280002, 0x00280004
_ROWS, _COLUMNS, _BITS_ALLOCATED, _FRAMES = 0x00280010, 0x00280011, 0x00280100, 0x00280008
_TRAILING_PADDING = 0xFFFCFFFC

_TOP_LEVEL: dict[int, Attribute] = {a.tag: a for a in ATTRIBUTES if not a.computed and not a.sequence}
_NESTED: dict[int, dict[int, Attribute]] = {}
for _attribute in ATTRIBUTES:
    if _attribute.sequence:
        _NESTED.setdefault(tag_of(_attribute.sequence) or 0, {})[_attribute.tag] = _attribute
_WANTED = frozenset(_TOP_LEVEL) | frozenset(_NESTED) | {_CHARACTER_SET, _SAMPLES, _PHOTOMETRIC}

# The longest indexed text (LT) has 10,240 characters of up to 4 bytes (PS3.5 Table 6.2-1); a sequence may hold some of them.
_MAX_VALUE = 64 * 1024
# One entry a frame of 8 bytes.
_MAX_EXTENDED_OFFSETS = 8 * fragments.MAX_FRAGMENTS

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}


@dataclass(slots=True)
class _Found:
    """What the walk over the data set came across. Values are (VR as written, bytes), decoded when the character set is known."""

    values: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    pixels: PixelData | None = None
    items: fragments.Fragments | None = None
    extended_offsets: bytes = b""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What group 2 of a file says, and where the data set begins."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset_offset: int


def scan(source: Source) -> Header:
    """Return the header of the object in `source`. The whole object must be there.

    Malformed when it is no DICOM Part 10 file, is cut short (truncated=True), or cannot be read to its end.
    """
    meta = _file_meta(source)
    syntax = syntaxes.get(meta.transfer_syntax_uid)
    deflated = syntax is not None and syntax.deflated
    content = InflatedSource(source, meta.end) if deflated else source
    start = 0 if deflated else meta.end
    window = Window(content, 0 if deflated else meta.base)
    if not deflated:
        window.buffer = meta.buffer
    encoding, warning = _encoding(window, start, syntax)
    found = _walk(window, start, encoding)
    found.warnings[:0] = [*meta.warnings, *warning]
    return _header(meta, window, encoding, found, syntax)


def file_meta_of(source: Source) -> FileMeta:
    """Return the file meta information without a look into the data set; Malformed when it is no DICOM Part 10 file."""
    meta = _file_meta(source)
    return FileMeta(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, meta.end)


def data_set(source: Source, header: Header) -> tuple[Source, int, Encoding]:
    """Return the source in which the data set's offsets count, where it begins there, and how its elements are encoded.

    That source is `source` itself unless the data set is deflated.
    """
    syntax = syntaxes.get(header.transfer_syntax_uid)
    if syntax is not None and syntax.deflated:
        source = InflatedSource(source, header.dataset_offset)
        start = 0
    else:
        start = header.dataset_offset
    encoding, _ = _encoding(Window(source, start), start, syntax)
    return source, start, encoding


def _encoding(window: Window, start: int, syntax: syntaxes.TransferSyntax | None) -> tuple[Encoding, tuple[str, ...]]:
    """Return how the data set is really written; a private transfer syntax is explicit VR little endian (PS3.5 10.1 asks no less)."""
    if syntax is None or (syntax.explicit_vr and syntax.little_endian):
        declared = EXPLICIT_LITTLE
    else:
        declared = EXPLICIT_BIG if syntax.explicit_vr else IMPLICIT_LITTLE
    at = window.seek(start)
    actual = guess(window.buffer[at : at + 8], declared)
    if actual is declared:
        return declared, ()
    return actual, ("the data set is not encoded as its transfer syntax says",)


# ---- file meta information -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Meta:
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    end: int
    base: int
    buffer: bytes
    warnings: tuple[str, ...]


def _file_meta(source: Source) -> _Meta:
    """Read group 2, which is always explicit VR little endian (PS3.10 7.1)."""
    window = Window(source)
    window.seek(0)
    position, warnings = _meta_start(window.buffer)
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
    return _Meta(uids[0x00020010], uids[0x00020002], uids[0x00020003], position, window.base, window.buffer, warnings)


def _meta_start(head: bytes) -> tuple[int, tuple[str, ...]]:
    """Return where group 2 begins. A file without preamble is one only if group 2 is really there (PS3.10 7.1)."""
    if head[128:132] == b"DICM":
        return 132, ()
    for start in (0, 4 if head[:4] == b"DICM" else 0):
        vr = head[start + 4 : start + 6]
        if head[start : start + 2] == b"\x02\x00" and (vr in SHORT_VRS or vr in LONG_VRS):
            return start, ("the file has no preamble",)
    raise Malformed("not a DICOM Part 10 file", "byte 128")


# ---- the data set ----------------------------------------------------------------------------------------------------------------


def _walk(window: Window, position: int, encoding: Encoding) -> _Found:
    """Walk the top level of the data set: every header, the bytes of wanted values only."""
    found = _Found()
    size, read, values = window.size, encoding.read, found.values
    buffer, base = window.buffer, window.base
    previous = 0
    while position < size:
        at = position - base
        if at < 0 or at + 12 > len(buffer):
            at = window.seek(position)
            buffer, base = window.buffer, window.base
        try:
            tag, vr, length, header = read(buffer, at)
        except struct.error:
            _trailing(window, position, found)
            break
        if tag <= previous or tag >= 0xFFFE0000:
            moved = _irregular(window, position, tag, length, previous, found)
            if moved != position:
                position = moved
                continue
        previous = tag
        position += header
        if length == UNDEFINED:
            position = _undefined(window, position, encoding, tag, vr, found)
            buffer, base = window.buffer, window.base
            continue
        if length > size - position:
            raise truncated(name(tag))
        if tag in _WANTED:
            at += header
            kept = length if length <= _MAX_VALUE else _kept(tag, found)
            values[tag] = (vr, buffer[at : at + kept] if at + kept <= len(buffer) else window.take(position, kept))
        elif tag >= _EXTENDED_OFFSETS:
            if tag in _PIXEL_DATA:
                found.pixels = PixelData(tag, vr.decode("ascii", "replace") or "OW", position, length)
            elif tag == _EXTENDED_OFFSETS and length <= _MAX_EXTENDED_OFFSETS:
                found.extended_offsets = window.take(position, length)
        position += length
    return found


def _kept(tag: int, found: _Found) -> int:
    found.warnings.append(f"{name(tag)} is too long and was indexed in part")
    return _MAX_VALUE


def _undefined(window: Window, position: int, encoding: Encoding, tag: int, vr: bytes, found: _Found) -> int:
    """Pass a value of undefined length: encapsulated pixel data, or a sequence. Return the position after it."""
    if tag in _PIXEL_DATA:
        items = fragments.walk(window, position, tag)
        found.items = items
        found.pixels = PixelData(tag, vr.decode("ascii", "replace") or "OB", position, None)
        return items.end
    end = skip(window, position, inside_unknown(window, position) if vr == b"UN" else encoding, tag)
    if tag in _NESTED and end - position <= _MAX_VALUE:
        found.values[tag] = (vr, window.take(position, end - position))
    return end


def _irregular(window: Window, position: int, tag: int, length: int, previous: int, found: _Found) -> int:
    """Judge a tag that is not above the one before it, or none of a data set. Return where the walk goes on: `position` to take it."""
    warning = "data elements are out of order"
    moved = position
    if tag >> 16 == 0xFFFE:  # an item whose sequence has lost its header, or a delimiter too many
        if length == UNDEFINED:
            raise Malformed("an item lies outside a sequence", f"byte {position}")
        warning, moved = "an item lies outside a sequence", position + 8 + length
        if moved > window.size:
            raise truncated(f"byte {position}")
    elif tag == 0 and length == 0:
        _trailing(window, position, found)
        return window.size
    elif tag >> 16 == 0:
        # Group 0000 is that of commands (PS3.7 E): what is read here is the rest of a value whose length was wrong.
        raise Malformed("a value is not as long as it says", name(previous))
    if warning not in found.warnings:
        found.warnings.append(warning)
    return moved


def _trailing(window: Window, position: int, found: _Found) -> None:
    """Tolerate padding after the last element: zeros, however many. Anything else is an element that was cut short."""
    start = position
    while position < window.size:
        chunk = window.source.read_at(position, 64 * 1024)
        if not chunk or chunk.strip(b"\0"):
            raise truncated(f"byte {start}")
        position += len(chunk)
    found.warnings.append("padding follows the data set")


# ---- from what was found to the header -------------------------------------------------------------------------------------------


def _header(
    meta: _Meta, window: Window, encoding: Encoding, found: _Found, syntax: syntaxes.TransferSyntax | None
) -> Header:
    raw, warnings = found.values, found.warnings
    charsets = _plain(raw.get(_CHARACTER_SET))
    values = _values(raw, charsets, encoding, warnings)
    number_of_frames = max(_integer(values.get("NumberOfFrames", "")), 1 if found.pixels else 0)
    rows, columns, bits = (_integer(values.get(keyword, "")) for keyword in ("Rows", "Columns", "BitsAllocated"))
    samples = _integer(_text(raw[_SAMPLES], "US", "", encoding)[0]) if _SAMPLES in raw else 1
    photometric = _plain(raw.get(_PHOTOMETRIC))
    frames: FrameTable | None = None
    if found.pixels is not None and not (syntax is not None and syntax.deflated):
        geometry = _Geometry(rows, columns, samples, bits, photometric, number_of_frames)
        frames = _frames(window, found, geometry, syntax)
    if found.items is not None and syntax is not None and not syntax.encapsulated:
        warnings.append("pixel data is encapsulated though the transfer syntax is not")
    elif found.items is None and found.pixels is not None and syntax is not None and syntax.encapsulated:
        warnings.append("pixel data is not encapsulated though the transfer syntax is")
    return Header(
        transfer_syntax_uid=meta.transfer_syntax_uid,
        sop_class_uid=values.get("SOPClassUID", "") or meta.sop_class_uid,
        sop_instance_uid=values.get("SOPInstanceUID", "") or meta.sop_instance_uid,
        media_storage_sop_class_uid=meta.sop_class_uid,
        media_storage_sop_instance_uid=meta.sop_instance_uid,
        dataset_offset=meta.end,
        values=values,
        study_instance_uid=values.get("StudyInstanceUID", ""),
        series_instance_uid=values.get("SeriesInstanceUID", ""),
        pixels=found.pixels,
        frames=frames,
        number_of_frames=number_of_frames,
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        bits_allocated=bits,
        photometric_interpretation=photometric,
        specific_character_set=charsets,
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True)
class _Geometry:
    rows: int
    columns: int
    samples: int
    bits: int
    photometric: str
    number_of_frames: int


def _frames(window: Window, found: _Found, geometry: _Geometry, syntax: syntaxes.TransferSyntax | None) -> FrameTable:
    """Return the frame table; Malformed when encapsulated pixel data ends without its delimiter in the middle of a frame."""
    items, pixels = found.items, found.pixels
    assert pixels is not None
    if items is None:
        bits = {0x7FE00008: 32, 0x7FE00009: 64}.get(pixels.tag, geometry.bits)  # PS3.3 C.7.6.24, C.7.6.25
        table, warnings = fragments.native_table(
            pixels.offset,
            pixels.length or 0,
            rows=geometry.rows,
            columns=geometry.columns,
            samples=geometry.samples,
            bits=bits,
            photometric=geometry.photometric,
            number_of_frames=geometry.number_of_frames,
        )
    else:
        table, warnings = fragments.encapsulated_table(
            window,
            items,
            geometry.number_of_frames,
            stream=syntax is not None and syntax.video,
            rle=syntax is not None and syntax.uid == syntaxes.RLE_LOSSLESS,
            extended_offsets=found.extended_offsets,
        )
        if not items.closed:
            complete = not table.addressable or len(table) >= geometry.number_of_frames
            if not (complete and fragments.ends_whole(window, items)):
                raise truncated(name(pixels.tag))
            found.warnings.append("the delimiter after the pixel data is missing")
    found.warnings.extend(warnings)
    return table


def _values(
    raw: Mapping[int, tuple[bytes, bytes]], charsets: str, encoding: Encoding, warnings: list[str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    unsound = False
    for tag, value in raw.items():
        attribute = _TOP_LEVEL.get(tag)
        if attribute is not None:
            text, fault = _text(value, attribute.vr, charsets, encoding)
            values[attribute.keyword] = text
            unsound = unsound or fault
        elif tag in _NESTED:
            for nested, text in _items(value, tag, encoding, charsets):
                values[nested.keyword] = f"{values[nested.keyword]}\\{text}" if nested.keyword in values else text
    if charsets and not charset.repertoire(charsets).known:
        warnings.append("Specific Character Set is not one of the standard")
    elif unsound:
        warnings.append("text does not fit its Specific Character Set")
    return values


def _text(value: tuple[bytes, bytes], vr: str, charsets: str, encoding: Encoding) -> tuple[str, bool]:
    """Return a value as text: by the VR of the dictionary, unless a number was written as another number. And whether it was unsound."""
    written, data = value
    if vr in _BINARY:
        form = _BINARY.get(written.decode("ascii", "replace") if written not in (b"", b"UN") else vr)
        if form is not None:
            count = len(data) // struct.calcsize("<" + form)
            numbers = struct.unpack_from(f"{'<' if encoding.little else '>'}{count}{form}", data)
            return "\\".join(map(str, numbers)), False
    text, unsound = charset.decode_noting(data, vr, charsets)
    if text[:1] == " " or "\\ " in text:
        if vr not in ("LT", "ST", "UT"):  # leading spaces count in these only (PS3.5 6.2)
            text = "\\".join([part.strip(" ") for part in text.split("\\")])
    if vr == "DA" and "." in text:
        text = text.replace(".", "")  # PS3.5 6.2 DA: the form of ACR-NEMA, yyyy.mm.dd
    elif vr == "TM" and ":" in text:
        text = text.replace(":", "")
    return text, unsound


def _items(value: tuple[bytes, bytes], sequence: int, encoding: Encoding, charsets: str) -> list[tuple[Attribute, str]]:
    """Return the wanted attributes of the items of a sequence; what cannot be read in it is left out of the index."""
    vr, data = value
    window = Window(BytesSource(data))
    if vr == b"UN":
        encoding = IMPLICIT_LITTLE if not data else inside_unknown(window, 0)
    wanted = _NESTED[sequence]
    out: list[tuple[Attribute, str]] = []
    position = 0
    try:
        while position < len(data):
            tag, vr, length, header = window.element(position, encoding)
            position += header
            if tag in (ITEM, ITEM_END, SEQUENCE_END):
                continue
            if length == UNDEFINED:
                position = skip(window, position, inside_unknown(window, position) if vr == b"UN" else encoding, tag)
                continue
            if tag in wanted:
                text = _text((vr, window.take(position, length)), wanted[tag].vr, charsets, encoding)[0]
                out.append((wanted[tag], text))
            position += length
    except Malformed:
        return out
    return out


def _plain(value: tuple[bytes, bytes] | None) -> str:
    return charset.strip(value[1].decode("ascii", "replace"), "CS").strip(" ") if value else ""


def _integer(text: str) -> int:
    """Return the first value as a number, 0 when it is none or negative."""
    first = text.split("\\", 1)[0].strip()
    return int(first) if first.isdecimal() and len(first) < 12 else 0


# ---- writing ---------------------------------------------------------------------------------------------------------------------


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
    value = text.encode("ascii")
    if len(value) % 2:
        value += padding
    return struct.pack("<HH2sH", 2, element, vr, len(value)) + value


_IMPLEMENTATION = _short(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0") + _short(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" ")
