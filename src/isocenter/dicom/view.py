"""A data set as it lies in its source: elements are looked up by tag, and a value is read when it is asked for.

For whoever needs a few values of an object, deep inside sequences too, but neither its pixels nor ten thousand other elements.
Nothing here fails on a value that is none: numbers that cannot be read are left out.
"""

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from . import charset
from .attributes import vr_of
from .elements import UNDEFINED, Encoding, Malformed, Window, elements, inside_unknown, items
from .part10 import Header, data_set
from .reencoding import PIXEL_DATA
from .source import Source
from .values import FORMS

MAX_VALUE = 64 << 20  # bytes of one value that is read whole: a document, a plane of an overlay
_PIECE = 1 << 20
_CHARACTER_SET = 0x00080005
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class _Place:
    vr: bytes
    offset: int
    length: int


class View:
    """One data set, or an item of a sequence in it. Raises Malformed when its structure is broken."""

    __slots__ = ("_charsets", "_encoding", "_end", "_places", "_source")

    def __init__(self, source: Source, start: int, end: int, encoding: Encoding, charsets: str = "") -> None:
        self._source = source
        self._end = end
        self._encoding = encoding
        places: dict[int, _Place] = {}
        for tag, vr, offset, length in elements(Window(source), start, end, encoding):
            if tag in PIXEL_DATA:  # a walk over its fragments would cost more than all the rest
                break
            places[tag] = _Place(vr, offset, length)
        self._places: Mapping[int, _Place] = places
        self._charsets = charsets
        self._charsets = self.text(_CHARACTER_SET) or charsets

    def __contains__(self, tag: int) -> bool:
        return tag in self._places

    @property
    def tags(self) -> tuple[int, ...]:
        """The tags that are there, in their order."""
        return tuple(self._places)

    @property
    def little(self) -> bool:
        """Whether numbers are little endian."""
        return self._encoding.little

    def place(self, tag: int) -> tuple[int, int] | None:
        """(offset in the source, length) of a value of defined length."""
        found = self._places.get(tag)
        return None if found is None or found.length == UNDEFINED else (found.offset, found.length)

    def vr(self, tag: int) -> str:
        """The VR that is written, else that of the dictionary; "" when there is no such element."""
        found = self._places.get(tag)
        if found is None:
            return ""
        written = found.vr.decode("ascii", "replace")
        return vr_of(tag) if written in ("", "UN") else written

    def data(self, tag: int) -> bytes:
        """The bytes of a value as they are; b"" when it is not there, is a sequence, or is larger than MAX_VALUE."""
        place = self.place(tag)
        return b"" if place is None or place[1] > MAX_VALUE else self._source.read_at(*place)

    def pieces(self, tag: int, size: int) -> Iterator[bytes]:
        """The first `size` bytes of a value, however many, in pieces of at most 1 MiB."""
        place = self.place(tag)
        offset, left = (place[0], min(place[1], size)) if place is not None else (0, 0)
        while left and (piece := self._source.read_at(offset, min(left, _PIECE))):
            yield piece
            offset += len(piece)
            left -= len(piece)

    def last(self, tag: int) -> bytes:
        """The last byte of a value; b"" without one."""
        place = self.place(tag)
        return self._source.read_at(place[0] + place[1] - 1, 1) if place is not None and place[1] else b""

    def text(self, tag: int) -> str:
        """A value as text, several joined by backslashes."""
        data = self.data(tag)
        if not data:
            return ""
        vr = self.vr(tag)
        if _form(vr):
            return "\\".join(str(number) for number in self._binary(data, vr))
        return charset.decode(data, vr if len(vr) == 2 else "LO", self._charsets).strip(" \0")

    def texts(self, tag: int) -> list[str]:
        """The values of a text, without blanks around them; [] when there is none."""
        text = self.text(tag)
        return [part.strip() for part in text.split("\\")] if text else []

    def numbers(self, tag: int) -> list[float]:
        """The values that are finite numbers."""
        data = self.data(tag)
        vr = self.vr(tag)
        if _form(vr):
            return [float(number) for number in self._binary(data, vr) if math.isfinite(number)]
        texts = [part.strip() for part in data.decode("ascii", "replace").strip("\0 ").split("\\")]
        return [number for text in texts if _NUMBER.fullmatch(text) and math.isfinite(number := float(text))]

    def number(self, tag: int, default: float = 0.0) -> float:
        """The first value, or `default`."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else default

    def integer(self, tag: int, default: int = 0) -> int:
        """The first value as a whole number, or `default`."""
        return int(self.number(tag, default))

    def items(self, tag: int) -> Iterator["View"]:
        """The items of a sequence, one by one."""
        found = self._places.get(tag)
        if found is None:
            return
        encoding, window = self._encoding, Window(self._source)
        if found.vr == b"UN":
            encoding = inside_unknown(window, found.offset)
        end = self._end if found.length == UNDEFINED else found.offset + found.length
        for start, stop in items(window, found.offset, end, encoding):
            yield View(self._source, start, stop, encoding, self._charsets)

    def item(self, tag: int, index: int = 0) -> "View | None":
        """Item `index`, counted from 0, of a sequence; those before it are passed over without being read."""
        found = self._places.get(tag)
        if found is None or index < 0:
            return None
        encoding, window = self._encoding, Window(self._source)
        if found.vr == b"UN":
            encoding = inside_unknown(window, found.offset)
        end = self._end if found.length == UNDEFINED else found.offset + found.length
        for number, (start, stop) in enumerate(items(window, found.offset, end, encoding)):
            if number == index:
                return View(self._source, start, stop, encoding, self._charsets)
        return None

    def _binary(self, data: bytes, vr: str) -> tuple[float, ...]:
        form = _form(vr)
        count = len(data) // struct.calcsize("<" + form)
        return struct.unpack_from(f"{'<' if self._encoding.little else '>'}{count}{form}", data)


def _form(vr: str) -> str:
    """The struct format of a number; what may be US or SS, as the dictionary puts it, is taken for US."""
    return FORMS.get(vr[:2] if " or " in vr else vr, "")


def view(source: Source, header: Header) -> View:
    """The data set of an object. Raises Malformed."""
    content, start, encoding = data_set(source, header)
    return View(content, start, content.size, encoding)


__all__ = ["MAX_VALUE", "Malformed", "View", "view"]
