"""Data elements in bytes: headers in the three encodings of PS3.5 Section 7, and the walk over nested sequences.

A length is a claim. Nothing here reads or allocates by it before it has been compared with the bytes that are left.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .source import READ_AHEAD, Source

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD

# Deeper than any IOD nests (SR trees of 20 levels are known); a hostile file may nest by the million.
MAX_DEPTH = 64

# PS3.5 Table 7.1-1: two reserved bytes and a length of 32 bits.
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
# PS3.5 Table 7.1-2: a length of 16 bits.
SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM"}
    | {b"UI", b"UL", b"US"}
)

Element = tuple[int, bytes, int, int]  # tag, VR (empty when the encoding does not say), value length, length of the header


class Malformed(Exception):
    """The bytes are no sound DICOM object.

    reason: a short sentence without patient data. where: tag or file offset of the fault. truncated: the object ends too early.
    """

    def __init__(self, reason: str, where: str = "", *, truncated: bool = False) -> None:
        super().__init__(f"{reason} (at {where})" if where else reason)
        self.reason = reason
        self.where = where
        self.truncated = truncated


@dataclass(frozen=True, slots=True)
class Encoding:
    """How data elements are written: `read(buffer, at)` returns the element whose header begins there.

    It needs 8 bytes there, 12 for a VR with a length of 32 bits, and raises struct.error when they are not in the buffer.
    """

    explicit: bool
    little: bool
    read: Callable[[bytes, int], Element]
    item: Callable[[bytes, int], tuple[int, int, int]]  # group, element, length of an item or delimiter


_SHORT_LITTLE = struct.Struct("<HH2sH").unpack_from
_SHORT_BIG = struct.Struct(">HH2sH").unpack_from
_IMPLICIT_LITTLE = struct.Struct("<HHL").unpack_from
_IMPLICIT_BIG = struct.Struct(">HHL").unpack_from
_LONG_LITTLE = struct.Struct("<L").unpack_from
_LONG_BIG = struct.Struct(">L").unpack_from


def _explicit_little(buffer: bytes, at: int) -> Element:
    group, element, vr, length = _SHORT_LITTLE(buffer, at)
    if vr in SHORT_VRS:
        return group << 16 | element, vr, length, 8
    if vr in LONG_VRS:
        return group << 16 | element, vr, _LONG_LITTLE(buffer, at + 8)[0], 12
    return _odd(buffer, at, group << 16 | element, vr, length, _LONG_LITTLE)


def _explicit_big(buffer: bytes, at: int) -> Element:
    group, element, vr, length = _SHORT_BIG(buffer, at)
    if vr in SHORT_VRS:
        return group << 16 | element, vr, length, 8
    if vr in LONG_VRS:
        return group << 16 | element, vr, _LONG_BIG(buffer, at + 8)[0], 12
    return _odd(buffer, at, group << 16 | element, vr, length, _LONG_BIG)


def _odd(buffer: bytes, at: int, tag: int, vr: bytes, length: int, long: Callable[[bytes, int], tuple[int]]) -> Element:
    """An explicit element whose VR is none that we know."""
    if not (vr.isalpha() and vr.isupper()):
        # A VR of blanks or question marks is a fault seen in the field: it has the short form if an element follows its value.
        following = buffer[at + 12 + length : at + 14 + length]
        if tag >> 16 != 0xFFFE and vr != b"\0\0" and (following in SHORT_VRS or following in LONG_VRS):
            return tag, b"UN", length, 8
        # Items and delimiters carry no VR (PS3.5 7.5); some writers fall back to implicit VR inside sequences.
        return tag, b"", long(buffer, at + 4)[0], 8
    if length == 0:
        # PS3.5 7.1.2: a VR of a later edition has two reserved bytes, set to zero, and a length of 32 bits.
        return tag, vr, long(buffer, at + 8)[0], 12
    return tag, vr, length, 8


def _implicit_little(buffer: bytes, at: int) -> Element:
    group, element, length = _IMPLICIT_LITTLE(buffer, at)
    return group << 16 | element, b"", length, 8


EXPLICIT_LITTLE = Encoding(True, True, _explicit_little, _IMPLICIT_LITTLE)
EXPLICIT_BIG = Encoding(True, False, _explicit_big, _IMPLICIT_BIG)
IMPLICIT_LITTLE = Encoding(False, True, _implicit_little, _IMPLICIT_LITTLE)


def guess(head: bytes, declared: Encoding) -> Encoding:
    """Return the encoding that the first element's bytes show; `declared` unless they contradict it."""
    if len(head) < 8:
        return declared
    known = head[4:6] in SHORT_VRS or head[4:6] in LONG_VRS
    if not declared.explicit:
        # As an implicit length these letters would be 16 to 23 KB: no first element of a data set is that long.
        return EXPLICIT_LITTLE if known else declared
    if known:
        # Group numbers of a data set begin low: a first group above 00FF with a zero low byte is the other byte order.
        group = int.from_bytes(head[:2], "little" if declared.little else "big")
        if group > 0xFF and group & 0xFF == 0:
            return EXPLICIT_BIG if declared.little else EXPLICIT_LITTLE
        return declared
    if not (head[4:6].isalpha() and head[4:6].isupper()) and declared.little:
        return IMPLICIT_LITTLE
    return declared


class Window:
    """A stretch of a source in memory, moved along by the walk. `buffer` holds the bytes from `base`."""

    __slots__ = ("base", "buffer", "size", "source")

    def __init__(self, source: Source, base: int = 0) -> None:
        self.source = source
        self.size = source.size
        self.base = base
        self.buffer = b""

    def seek(self, position: int, need: int = 12, ahead: int = READ_AHEAD) -> int:
        """Return the index in `buffer` of `position`, with `need` bytes from there loaded, or fewer at the end of the source."""
        at = position - self.base
        if at < 0 or at + need > len(self.buffer):
            self.buffer = self.source.read_at(position, max(need, ahead))
            self.base = position
            return 0
        return at

    def take(self, position: int, length: int, where: str = "") -> bytes:
        """Return `length` bytes from `position`; Malformed when the source ends before."""
        if length > self.size - position:
            raise truncated(where or f"byte {position}")
        at = position - self.base
        if at >= 0 and at + length <= len(self.buffer):
            return self.buffer[at : at + length]
        data = self.source.read_at(position, length)
        if len(data) < length:
            raise truncated(where or f"byte {position}")
        return data

    def element(self, position: int, encoding: Encoding) -> Element:
        """Return the element whose header begins at `position`; Malformed when the source ends inside the header."""
        at = self.seek(position)
        try:
            return encoding.read(self.buffer, at)
        except struct.error:
            raise truncated(f"byte {position}") from None

    def item(self, position: int, encoding: Encoding, ahead: int = READ_AHEAD) -> tuple[int, int]:
        """Return tag and length of the item or delimiter at `position`."""
        at = self.seek(position, 8, ahead)
        try:
            group, element, length = encoding.item(self.buffer, at)
        except struct.error:
            raise truncated(f"byte {position}") from None
        return group << 16 | element, length


def elements(window: Window, position: int, end: int, encoding: Encoding) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield (tag, VR, offset of the value, length) of one data set, up to `end` or its delimiter; values are not read."""
    while position < end:
        tag, vr, length, header = window.element(position, encoding)
        if tag in (ITEM_END, SEQUENCE_END):
            return
        position += header
        yield tag, vr, position, length
        if length == UNDEFINED:
            position = skip(window, position, inside_unknown(window, position) if vr == b"UN" else encoding, tag)
        else:
            position += length


def items(window: Window, position: int, end: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Yield (offset of the content, end) of each item of a sequence whose value begins at `position`.

    For an item of undefined length the end is that of the sequence: `elements` stops at the item's delimiter.
    """
    while position < end:
        tag, length = window.item(position, encoding)
        position += 8
        if tag == SEQUENCE_END:
            return
        if tag == ITEM_END:
            continue
        if tag != ITEM:
            raise Malformed("a sequence holds something that is not an item", f"byte {position}")
        stop = end if length == UNDEFINED else position + length
        yield position, stop
        position = skip(window, position, encoding, tag, in_item=True) if length == UNDEFINED else stop


def truncated(where: str) -> Malformed:
    """Return the error of an object that ends before it should."""
    return Malformed("the object is cut short", where, truncated=True)


def name(tag: int) -> str:
    """Return a tag as people write it: (0008,0018)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def inside_unknown(window: Window, position: int) -> Encoding:
    """Return the encoding inside a UN element of undefined length whose value begins at `position`.

    PS3.5 6.2.2 Note 4: implicit VR little endian. Some writers put explicit VR there; the first element tells.
    """
    at = window.seek(position, 16)
    return guess(window.buffer[at + 8 : at + 16], IMPLICIT_LITTLE)


def skip(window: Window, position: int, encoding: Encoding, tag: int, *, in_item: bool = False) -> int:
    """Return the position after a value of undefined length that begins at `position`.

    Iterative, so that no nesting exhausts us. Encapsulated values are sequences of items with defined lengths (PS3.5 A.4) and are
    skipped alike. in_item: what begins there is the content of an item of undefined length. tag: of the element, for the error.
    """
    levels = [(not in_item, encoding)]  # (in a sequence rather than in an item, encoding)
    size = window.size
    while levels:
        in_sequence, encoding = levels[-1]
        if in_sequence:
            found, length = window.item(position, encoding)
            position += 8
            if found == SEQUENCE_END:
                levels.pop()
            elif found == ITEM and length == UNDEFINED:
                levels.append((False, encoding))
            elif found in (ITEM, ITEM_END):  # a stray item delimiter does no harm
                position += length
            else:
                raise Malformed("a sequence holds something that is not an item", name(tag))
        else:
            found, vr, length, header = window.element(position, encoding)
            if found == SEQUENCE_END:  # the item was not closed; the sequence is
                levels.pop()
                continue
            position += header
            if found == ITEM_END:
                levels.pop()
            elif length == UNDEFINED:
                levels.append((True, inside_unknown(window, position) if vr == b"UN" else encoding))
                if len(levels) > 2 * MAX_DEPTH:
                    raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep", name(tag))
            else:
                position += length
        if position > size:
            raise truncated(name(tag))
    return position
