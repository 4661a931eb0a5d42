"""A data set written in another encoding (PS3.5 Section 7 and Annex A), some of its elements replaced; the rest byte by byte.

Values are not interpreted: what was faulty stays so. A value is read in pieces, so that size does not matter. What changes:
headers, the byte order of numbers, and lengths, for which sequences become those of undefined length (PS3.5 7.5.2). Group
lengths, which are retired and would be wrong, are left out (PS3.5 7.2).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import fragments
from .attributes import vr_of
from .elements import (
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    SEQUENCE_END,
    SHORT_VRS,
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
from .native import WORDS, swapped
from .source import Source

PIECE = 1 << 20  # bytes of a value read at once; a multiple of every word
PIXEL_REPRESENTATION = 0x00280103
PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
EXTENDED_OFFSETS = (0x7FE00001, 0x7FE00002)
ICON_IMAGE_SEQUENCE = 0x00880200

_TAG_LENGTH = struct.Struct("<HHL")
_LONGEST_SHORT = 0xFFFE


@dataclass(frozen=True, slots=True)
class Element:
    """A data element of the top level. VR: two letters. end: where the next begins."""

    tag: int
    vr: str
    start: int
    value: int
    length: int
    end: int


def top_level(source: Source, start: int, encoding: Encoding) -> Iterator[Element]:
    """The elements of a data set from `start` on; trailing padding is left out. Raises Malformed."""
    window, position = Window(source), start
    while position < source.size:
        if source.size - position < 8 or not any(source.read_at(position, 8)):
            return
        tag, vr, length, header = window.element(position, encoding)
        value = position + header
        if length == UNDEFINED and tag in PIXEL_DATA:
            end = fragments.walk(window, value, tag).end  # whose delimiter may be missing
        elif length == UNDEFINED:
            end = skip(window, value, inside_unknown(window, value) if vr == b"UN" else encoding, tag)
        else:
            end = value + length
        if end > source.size:
            raise truncated(name(tag))
        yield Element(tag, _vr(tag, vr, length), position, value, length, end)
        position = end


def header(tag: int, vr: str, length: int, *, explicit: bool) -> bytes:
    """The header of an element in little endian. What is too long for its VR becomes UN (PS3.5 6.2.2)."""
    if not explicit:
        return _TAG_LENGTH.pack(tag >> 16, tag & 0xFFFF, length)
    code = vr.encode("ascii")
    if code in SHORT_VRS and length > _LONGEST_SHORT:
        code = b"UN"
    if code in SHORT_VRS:
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, code, length)
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, code, 0, length)


def element(tag: int, vr: str, value: bytes, *, explicit: bool) -> bytes:
    """A whole element in little endian, its value padded to an even length."""
    if len(value) % 2:
        value += b" " if vr in ("CS", "IS", "DS", "LO", "SH") else b"\0"
    return header(tag, vr, len(value), explicit=explicit) + value


class Writer:
    """Writes a data set that lies in `source` from `start` on as explicit or implicit VR little endian."""

    def __init__(self, source: Source, start: int, encoding: Encoding, *, explicit: bool, icons: bool = True) -> None:
        """icons: whether Icon Image Sequences are kept whose pixels are compressed."""
        self._source = source
        self._start = start
        self._encoding = encoding
        self._explicit = explicit
        self._icons = icons
        self._signed = False
        self._same = encoding.little and encoding.explicit == explicit

    def parts(self, replaced: Mapping[int, bytes | None]) -> Iterator[bytes | Element]:
        """The bytes; for the pixel data its Element, which the caller writes. Raises Malformed.

        replaced: tag -> the whole element that stands for it, whether it was there or not; None to leave it out.
        """
        left = sorted(tag for tag, value in replaced.items() if value is not None)
        for each in top_level(self._source, self._start, self._encoding):
            while left and left[0] < each.tag:
                yield replaced[left.pop(0)] or b""
            if each.tag in replaced:
                if left and left[0] == each.tag:
                    yield replaced[left.pop(0)] or b""
            elif each.tag in PIXEL_DATA:
                yield each
            elif each.tag & 0xFFFF and (self._icons or not self._is_compressed_icon(each)):
                yield from self._copied(each) if self._same else self._converted(each)
        for tag in left:
            yield replaced[tag] or b""

    def _is_compressed_icon(self, each: Element) -> bool:
        """Native pixels of an icon may stand in every transfer syntax, compressed ones in that of their kind only (PS3.5 A.4)."""
        if each.tag != ICON_IMAGE_SEQUENCE:
            return False
        window = Window(self._source)
        return any(
            tag in PIXEL_DATA and length == UNDEFINED
            for content, stop in items(window, each.value, each.end, self._encoding)
            for tag, _, _, length in elements(Window(self._source), content, stop, self._encoding)
        )

    def _copied(self, each: Element) -> Iterator[bytes]:
        yield from self._raw(each.start, each.end - each.start)

    def _raw(self, start: int, length: int, word: int = 1) -> Iterator[bytes]:
        for at in range(0, length, PIECE):
            data = self._source.read_at(start + at, min(PIECE, length - at))
            if not data:
                raise truncated(f"byte {start + at}")
            yield swapped(data, word)

    def _converted(self, each: Element) -> Iterator[bytes]:
        if each.tag == PIXEL_REPRESENTATION:
            value = self._source.read_at(each.value, 2)
            self._signed = any(value)
        yield from self._one(each.tag, each.vr, each.value, each.length, each.end, self._encoding, 0)

    def _one(self, tag: int, vr: str, value: int, length: int, end: int, encoding: Encoding, depth: int) -> Iterator[bytes]:
        if depth > MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep", name(tag))
        if vr in _AMBIGUOUS:
            vr = ("SS" if self._signed else "US") if vr.startswith("US or SS") else "OW"
        if vr == "UN" and length == UNDEFINED:
            # PS3.5 6.2.2 Note 4: implicit inside, in every encoding; where it is not, that has to be mended for implicit VR.
            encoding = inside_unknown(Window(self._source), value)
            vr = "SQ" if encoding.explicit and not self._explicit else "UN"
        if vr == "SQ":
            yield header(tag, vr, UNDEFINED, explicit=self._explicit)
            yield from self._items(value, end if length == UNDEFINED else value + length, encoding, depth)
            yield _TAG_LENGTH.pack(SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)
        elif length == UNDEFINED:  # also the compressed pixels of an icon, items included
            yield header(tag, vr if vr == "UN" else "OB", length, explicit=self._explicit)
            yield from self._raw(value, end - value)
        else:
            yield header(tag, vr, length, explicit=self._explicit)
            yield from self._raw(value, length, 1 if encoding.little else WORDS.get(vr, 1))

    def _items(self, start: int, end: int, encoding: Encoding, depth: int) -> Iterator[bytes]:
        for content, stop in items(Window(self._source), start, end, encoding):
            yield _TAG_LENGTH.pack(ITEM >> 16, ITEM & 0xFFFF, UNDEFINED)
            yield from self._content(content, stop, encoding, depth + 1)
            yield _TAG_LENGTH.pack(ITEM_END >> 16, ITEM_END & 0xFFFF, 0)

    def _content(self, position: int, end: int, encoding: Encoding, depth: int) -> Iterator[bytes]:
        window = Window(self._source)
        while position < end:
            tag, vr, length, size = window.element(position, encoding)
            if tag in (ITEM_END, SEQUENCE_END):
                return
            value = position + size
            if length == UNDEFINED:
                stop = skip(window, value, inside_unknown(window, value) if vr == b"UN" else encoding, tag)
            else:
                stop = value + length
            if stop > self._source.size:
                raise truncated(name(tag))
            if tag & 0xFFFF:
                yield from self._one(tag, _vr(tag, vr, length), value, length, stop, encoding, depth)
            position = stop


_AMBIGUOUS = frozenset({"US or SS", "US or OW", "OB or OW", "US or SS or OW"})


def _vr(tag: int, written: bytes, length: int) -> str:
    """The VR as it is written, else as the dictionary has it; what it does not know is UN, with items inside SQ."""
    if written:
        return written.decode("ascii")
    vr = vr_of(tag)
    if length == UNDEFINED and vr not in ("SQ", "OB or OW"):
        return "UN"
    return vr
