"""Data sets as DICOM JSON (PS3.18 Annex F), by a direct walk over the bytes in every encoding.

Values come out as the standard wants them: names as objects, numbers as numbers, tags as eight hexadecimal digits, binary values
inline when short and by BulkDataURI otherwise. What is broken is kept sensible, not refused: the object was accepted long ago.
"""

import re
import struct
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from . import charset, fragments
from ._dictionary import ELEMENTS
from .attributes import vr_of
from .elements import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    SEQUENCE_END,
    UNDEFINED,
    Encoding,
    Malformed,
    Window,
    elements,
    inside_unknown,
    items,
    name,
    skip,
    truncated,
)
from .part10 import Header, data_set
from .source import BytesSource, Source

Json = dict[str, Any]
Bulk = Callable[[str], str]

# A text or an array of numbers longer than this goes by BulkDataURI too: an SR text has some kilobytes, a lookup table 128 KB.
_LONG_VALUE = 64 * 1024
# What a hostile object may cost. A value is some 450 bytes as Python objects: finished items of large sequences are kept as the
# JSON text that they become, a tenth of that. A segmentation of 100,000 frames has a million elements and 39 MB of text.
MAX_VALUES = 100_000  # held as objects at one time
MAX_TEXT = 48 << 20  # bytes of finished items; they are in memory twice while they are joined
_FEW_VALUES = 20_000  # finished items of one sequence that stay objects
_ONE_VALUE = 32  # bytes that become no more objects than a short value does; only names become more
_SAFE_INTEGER = 2**53 - 1  # beyond it JavaScript loses digits; PS3.18 Table F.2.3-1 allows a string

_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ITEM_GROUP = 0xFFFE0000
_CHARACTER_SET = 0x00080005
_PIXEL_REPRESENTATION = 0x00280103
_WAVEFORM_BITS = 0x54001004
_LUT_DESCRIPTOR = 0x00283002

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

# Binary VRs: bytes a unit, for those that must change to little endian in InlineBinary (PS3.18 F.2.7)
_UNITS = {"OB": 1, "UN": 1, "OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
_FORMS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
# PS3.18 F.2.2: these may go by BulkDataURI under their own name
_BULK_VRS = frozenset({"DS", "FL", "FD", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV", *_UNITS})


class TooMuch(Malformed):
    """The object is whole, and more than a process should hold."""


def dataset_json(source: Source, header: Header, bulk: Bulk, *, inline_limit: int = 1024) -> Json:
    """Return the data set as a DICOM JSON object, in which the items of a large sequence are one `orjson.Fragment`.

    What is larger than a process should hold goes by BulkDataURI; TooMuch when that is the data set itself.

    bulk: gives the URI for a value that is not inlined, from its path: "7FE00010", or "00400555/0/00420011" for one in the first
    item of a sequence. inline_limit: longest binary value in bytes that is inlined; pixel data never is.
    """
    content, start, encoding = data_set(source, header)
    walk = _Walk(Window(content, start), bulk, inline_limit)
    if header.frames is not None and not header.frames.contiguous and len(header.frames):
        # No second walk over the fragments, of which a whole slide image has a hundred thousand.
        walk.pixels_end = sum(header.frames[-1][-1])
    return walk.data_set(start, content.size, _Level(encoding, "", "", 0, {}))


def encoded_json(data: bytes) -> Json:
    """A small data set in Explicit VR Little Endian as a DICOM JSON object, all values inline. Raises Malformed."""

    def bulk(path: str) -> str:
        raise TooMuch("a value is too long to be inline", path[:8])

    walk = _Walk(Window(BytesSource(data)), bulk, len(data))
    return walk.data_set(0, len(data), _Level(EXPLICIT_LITTLE, "", "", 0, {}))


@dataclass(slots=True)
class _Level:
    """A data set on the way down. context: numbers that decide VRs (PS3.5 A.1), also those of data sets around it."""

    encoding: Encoding
    charsets: str
    path: str
    depth: int
    context: dict[int, int]


class _Walk:
    """One pass over a data set. `position` is where the walk stands after `data_set` or `_compound` returns.

    held: values that are Python objects now; text: bytes of finished items.
    """

    __slots__ = ("bulk", "held", "inline_limit", "pixels_end", "position", "text", "window")

    def __init__(self, window: Window, bulk: Bulk, inline_limit: int) -> None:
        self.window = window
        self.bulk = bulk
        self.inline_limit = inline_limit
        self.position = 0
        self.held = 0
        self.text = 0
        self.pixels_end = 0  # where the last fragment of the pixel data ends, 0 when that is not known

    def data_set(self, position: int, end: int, level: _Level) -> Json:
        """Return the data set from `position` to `end`, or to the delimiter of its item.

        One long loop, since it runs once an element: a call for each step would cost as much as the step.
        """
        out: Json = {}
        window, read, little = self.window, level.encoding.read, level.encoding.little
        buffer, base = window.buffer, window.base
        previous, ordered = -1, True
        while position < end:
            at = position - base
            if at < 0 or at + 12 > len(buffer):
                at = window.seek(position)
                buffer, base = window.buffer, window.base
            try:
                tag, written, length, header = read(buffer, at)
            except struct.error:
                break  # padding after the last element: a data set that is cut short does not come past `scan`
            if tag <= previous or tag >= _ITEM_GROUP:
                goes_on, position = _irregular(tag, length, position, level.depth)
                if not goes_on:
                    break
                if tag >> 16 == 0xFFFE:
                    continue
                ordered = ordered and tag > previous
            previous = tag
            position += header
            self.held += 1
            if self.held > MAX_VALUES:
                raise TooMuch(f"there are more than {MAX_VALUES} values in one place", name(tag))
            vr, encoding = _VRS.get(written, ""), level.encoding
            if vr == "" or vr == "UN":
                vr, encoding = self._vr(tag, written, position, length, level)
            key = f"{tag:08X}"
            if vr == "SQ" or length == UNDEFINED:
                inner = _Level(encoding, level.charsets, level.path + key, level.depth, level.context)
                out[key] = self._compound(tag, vr, position, length, end, inner)
                position = self.position
                buffer, base = window.buffer, window.base
                continue
            start, position = at + header, position + length
            if position > end:
                raise truncated(name(tag))
            if (length > self.inline_limit or tag in _PIXEL_DATA) and (
                vr in _UNITS or length > (_LONG_VALUE if self.held < 2 * _FEW_VALUES else self.inline_limit)
            ):
                out[key] = {"vr": vr if vr in _BULK_VRS else "UN", "BulkDataURI": self.bulk(level.path + key)}
                continue
            data = buffer[start : start + length]
            if len(data) < length:
                data = window.take(position - length, length, name(tag))
            if tag in _DECIDING:
                _decide(tag, data, level)
            values = _CONVERTERS[vr](data, vr, level.charsets, little) if data else None
            if length > _ONE_VALUE:
                self.held += len(values or ()) if vr == "PN" else length // _ONE_VALUE
            if tag & 0xFFFF:  # PS3.18 F.2.2: no group lengths
                out[key] = {"vr": vr, _MEMBER.get(vr, "Value"): values} if values else {"vr": vr}
        self.position = position
        return out if ordered else dict(sorted(out.items()))

    def _compound(self, tag: int, vr: str, position: int, length: int, end: int, level: _Level) -> Json:
        """Return a sequence, or encapsulated pixel data, whose value begins at `position`.

        A sequence that cannot be read, or not be held, is given as unknown bytes: `scan` does not look into what has a defined
        length.
        """
        if vr != "SQ":
            if level.depth == 0 and tag in _PIXEL_DATA:
                self.position = self.pixels_end or fragments.walk(self.window, position, tag).end
            else:
                self.position = skip(self.window, position, level.encoding, tag)
            return {"vr": vr if vr in _UNITS else "UN", "BulkDataURI": self.bulk(level.path)}
        delimited = length == UNDEFINED
        if not delimited and length > end - position:
            raise truncated(name(tag))
        stop = end if delimited else position + length
        before = self.held, self.text
        try:
            out = self._items(position, stop, level, delimited=delimited)
        except Malformed:
            self.held, self.text = before
            out = {"vr": "UN", "BulkDataURI": self.bulk(level.path)}
            self.position = skip(self.window, position, level.encoding, tag) if delimited else stop
        else:
            self.position = self.position if delimited else stop
        return out

    def _items(self, position: int, end: int, level: _Level, *, delimited: bool) -> Json:
        if level.depth >= MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep", level.path[:8])
        values: list[Json] = []
        number, chunks, before = 0, [], self.held
        while position < end:
            tag, length = self.window.item(position, level.encoding)
            position += 8
            if tag == SEQUENCE_END:
                delimited = False
                break
            if tag == ITEM_END:
                continue
            item_end = end if length == UNDEFINED else position + length
            if tag != ITEM or item_end > end:
                raise Malformed("a sequence holds something that is not an item", level.path[:8])
            item = _Level(level.encoding, level.charsets, f"{level.path}/{number}/", level.depth + 1, level.context)
            values.append(self.data_set(position, item_end, item))
            position = self.position if length == UNDEFINED else item_end
            number += 1
            self.held += 1
            if self.held - before > _FEW_VALUES:
                chunks.append(self._chunk(values))
                self.held = before
        if delimited:
            raise truncated(level.path[:8])
        self.position = position
        if not chunks:
            return {"vr": "SQ", "Value": values} if values else {"vr": "SQ"}
        if values:
            chunks.append(self._chunk(values))
        self.held = before
        return {"vr": "SQ", "Value": orjson.Fragment(b"[" + b",".join(chunks) + b"]")}

    def _chunk(self, values: list[Json]) -> bytes:
        """Finished items as JSON, without brackets; the objects go."""
        text = orjson.dumps(values)[1:-1]
        values.clear()
        self.text += len(text)
        if self.text > MAX_TEXT:
            raise TooMuch(f"there are more than {MAX_TEXT} bytes of JSON")
        return text

    def _vr(self, tag: int, written: bytes, position: int, length: int, level: _Level) -> tuple[str, Encoding]:
        """Return the VR of an element that does not say it, and how its value is encoded."""
        encoding = level.encoding
        row = ELEMENTS.get(tag)
        vr = row[0] if row else vr_of(tag)
        if written == b"UN":
            # PS3.5 6.2.2 Note 2: who knows the VR may take a UN value as implicit VR little endian.
            encoding = IMPLICIT_LITTLE
            if length == UNDEFINED:
                return ("OB", encoding) if tag in _PIXEL_DATA else ("SQ", inside_unknown(self.window, position))
        elif written:
            return "UN", encoding  # a VR of a later edition
        elif length == UNDEFINED and tag in _PIXEL_DATA:
            return "OB", encoding  # PS3.5 A.4: encapsulated pixel data is OB
        elif vr == "UN" and length == UNDEFINED:
            return "SQ", encoding
        if " " in vr:
            vr = _decided(tag, vr, level.context)
        return (vr if vr in _CONVERTERS or vr == "SQ" else "UN"), encoding


def _decided(tag: int, vr: str, context: dict[int, int]) -> str:
    """Return the VR of an implicit element that depends on others (PS3.5 Annex A.1 and the notes of PS3.6 Chapter 6)."""
    if vr == "US or SS":
        return "SS" if context.get(_PIXEL_REPRESENTATION) == 1 else "US"
    if vr == "US or OW":  # LUT Data: US when the table has one entry
        return "US" if context.get(_LUT_DESCRIPTOR) == 1 else "OW"
    if vr == "OB or OW" and tag >> 16 == 0x5400:
        return "OB" if context.get(_WAVEFORM_BITS) == 8 else "OW"
    return "OW"


_DECIDING = frozenset({_CHARACTER_SET, _PIXEL_REPRESENTATION, _WAVEFORM_BITS, _LUT_DESCRIPTOR})


def _decide(tag: int, data: bytes, level: _Level) -> None:
    """Take note of an element that says how others of its data set, and of those inside it, are to be read."""
    if tag == _CHARACTER_SET:
        level.charsets = data.decode("ascii", "replace").strip(" \0")
    else:
        level.context = {**level.context, tag: int.from_bytes(data[:2], "little" if level.encoding.little else "big")}


def _irregular(tag: int, length: int, position: int, depth: int) -> tuple[bool, int]:
    """Judge a tag that is not above the one before it. Return whether the data set goes on, and where the walk stands then."""
    if tag == ITEM_END and depth:
        return False, position + 8
    if tag == SEQUENCE_END and depth:
        return False, position  # the item was left open: its sequence must see its own delimiter
    if tag >> 16 == 0xFFFE:
        return True, position + 8 + length  # as `scan` tolerates it
    return tag != 0 or depth > 0, position  # zeros: padding after the last element


# ---- values ----------------------------------------------------------------------------------------------------------------


def _strings(data: bytes, vr: str, charsets: str, little: bool) -> list[str | None]:
    """Values of the default character repertoire; an empty one among others is null (PS3.18 F.2.5)."""
    try:
        text = data.decode("ascii").rstrip(" \0")
    except UnicodeDecodeError:
        text = data.decode("latin_1").rstrip(" \0")
    if "\\" in text:
        return [value.rstrip(" \0") or None for value in text.split("\\")]
    return [text] if text else []


def _texts(data: bytes, vr: str, charsets: str, little: bool) -> list[str | None]:
    text = charset.decode(data, vr, charsets)
    if "\\" in text:
        return [value or None for value in text.split("\\")]
    return [text] if text else []


def _one_text(data: bytes, vr: str, charsets: str, little: bool) -> list[str]:
    text = charset.decode(data, vr, charsets)
    return [text] if text else []


def _uri(data: bytes, vr: str, charsets: str, little: bool) -> list[str]:
    text = data.decode("ascii", "replace").rstrip(" \0")
    return [text] if text else []


def _names(data: bytes, vr: str, charsets: str, little: bool) -> list[dict[str, str] | None]:
    text = charset.decode(data, vr, charsets)
    if not text:
        return []
    return [_name(value) for value in text.split("\\")]


def _name(text: str) -> dict[str, str] | None:
    if "=" not in text:
        return {"Alphabetic": text} if text else None
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), text.split("="), strict=False)
    return {group: value for group, part in groups if (value := part.rstrip(" "))} or None


def _numbers_as_text(data: bytes, vr: str, charsets: str, little: bool) -> list[int | float | str | None]:
    """IS and DS: numbers; what is none, or would lose digits, stays the string it is (PS3.18 Table F.2.3-1, Note)."""
    text = data.decode("latin_1").strip(" \0")
    if "\\" in text:
        return [_number(value.strip(" \0")) for value in text.split("\\")]
    return [_number(text)] if text else []


def _number(text: str) -> int | float | str | None:
    if text.isdecimal() and text.isascii():
        if len(text) < 16:
            return int(text)
    elif _NUMBER.fullmatch(text):
        value = float(text)
        if value - value == 0:  # finite
            return int(value) if value.is_integer() and abs(value) <= _SAFE_INTEGER else value
    return text or None


def _binary_numbers(data: bytes, vr: str, charsets: str, little: bool) -> list[int]:
    form = _FORMS[vr]
    count = len(data) // struct.calcsize("<" + form)
    return list(struct.unpack_from(f"{'<' if little else '>'}{count}{form}", data))


def _long_numbers(data: bytes, vr: str, charsets: str, little: bool) -> list[int | str]:
    return [v if -_SAFE_INTEGER <= v <= _SAFE_INTEGER else str(v) for v in _binary_numbers(data, vr, charsets, little)]


def _floats(data: bytes, vr: str, charsets: str, little: bool) -> list[float | str]:
    """JSON has no numbers for what is none: NaN, inf and -inf are strings."""
    values = _binary_numbers(data, vr, charsets, little)
    return [v if v - v == 0 else str(v).replace("nan", "NaN") for v in values]


def _tags(data: bytes, vr: str, charsets: str, little: bool) -> list[str]:
    numbers = _binary_numbers(data[: len(data) & ~3], "US", charsets, little)
    return [f"{group:04X}{element:04X}" for group, element in zip(numbers[::2], numbers[1::2], strict=True)]


def _inline(data: bytes, vr: str, charsets: str, little: bool) -> str:
    return b64encode(data if little else _swapped(data, vr)).decode("ascii")


def _swapped(data: bytes, vr: str) -> bytes:
    """Return big endian units in little endian order."""
    size = _UNITS[vr]
    if size == 1:
        return data
    whole = len(data) - len(data) % size
    out = bytearray(data)
    for i in range(size):
        out[i:whole:size] = data[size - 1 - i : whole : size]
    return bytes(out)


_CONVERTERS: dict[str, Callable[[bytes, str, str, bool], Any]] = {
    **dict.fromkeys(_UNITS, _inline),
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "TM", "UI"), _strings),
    **dict.fromkeys(("LO", "SH", "UC"), _texts),
    **dict.fromkeys(("LT", "ST", "UT"), _one_text),
    **dict.fromkeys(("IS", "DS"), _numbers_as_text),
    **dict.fromkeys(("US", "SS", "UL", "SL"), _binary_numbers),
    **dict.fromkeys(("UV", "SV"), _long_numbers),
    **dict.fromkeys(("FL", "FD"), _floats),
    "AT": _tags,
    "PN": _names,
    "UR": _uri,
}
_MEMBER = dict.fromkeys(_UNITS, "InlineBinary")
_VRS = {vr.encode(): vr for vr in (*_CONVERTERS, "SQ")}


# ---- bulk data -------------------------------------------------------------------------------------------------------------


def bulk_range(source: Source, header: Header, path: str) -> list[tuple[int, int]]:
    """Return where the value at `path` lies: (offset, length) of its bytes, or of each fragment when it is encapsulated.

    Offsets count in the source that `part10.data_set` gives: the file, unless the data set is deflated. LookupError when there is
    no such value.
    """
    content, start, encoding = data_set(source, header)
    window = Window(content, start)
    parts = path.split("/")
    position, end = start, content.size
    while True:
        tag = int(parts[0], 16) if re.fullmatch("[0-9A-Fa-f]{8}", parts[0]) else -1
        found = next((e for e in elements(window, position, end, encoding) if e[0] == tag), None)
        if found is None:
            raise LookupError("no such element")
        _, vr, position, length = found
        if vr == b"UN" and (length == UNDEFINED or len(parts) > 1):
            encoding = inside_unknown(window, position)
        value_end = end if length == UNDEFINED else position + length
        if len(parts) == 1:
            if length != UNDEFINED:
                return [(position, length)]
            if tag in _PIXEL_DATA or vr in (b"OB", b"OW"):
                return _fragments(window, position, value_end, encoding)
            return [(position, skip(window, position, encoding, tag) - position)]
        if len(parts) < 3 or not parts[1].isdecimal() or len(parts[1]) > 9:
            raise LookupError("no such element")
        item = next((item for i, item in enumerate(items(window, position, value_end, encoding)) if i == int(parts[1])), None)
        if item is None:
            raise LookupError("no such item")
        position, end = item
        parts = parts[2:]


def _fragments(window: Window, position: int, end: int, encoding: Encoding) -> list[tuple[int, int]]:
    """Return the fragments of an encapsulated value, without the Basic Offset Table that its first item is."""
    return [(start, stop - start) for start, stop in items(window, position, end, encoding)][1:]
