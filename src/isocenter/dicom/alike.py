"""The beginnings of objects that come one after the other: most of each is, byte by byte, what the one before it had.

The images of a series differ in a dozen of a hundred elements. Once two have been read, only those are read of the next; all
others are compared, in a few long runs of bytes. What is not the same at its place is read whole, as if nothing had come before,
so nothing is ever taken for what it is not.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from . import meta, part10, syntaxes
from .elements import UNDEFINED, Encoding, Malformed, Window, inside_unknown, skip
from .extra import NONE, Extras
from .part10 import Beginning
from .source import BytesSource, Source
from .values import plain, texts
from .walk import CHARACTER_SET, NESTED, Found

_SERIES = 0x0020000E  # Series Instance UID: what varied in one series may stay the same all through the next
# To make a pattern takes as long as to read an object. When so many have fitted nothing, two are made of as many objects.
_PATIENCE = 8
_PAUSE = 32


class Alike:
    """Reads the beginnings of one sender's objects. Used by one thread at a time."""

    def __init__(self) -> None:
        self._pattern: _Pattern | None = None
        self._before: dict[int, bytes] = {}  # element by element, of the object that was read whole last
        self._varying: frozenset[int] = frozenset()
        self._fruitless = 0

    def begin(self, source: Source, extras: Extras = NONE) -> Beginning | None:
        """As `part10.begin`, and the same in every field."""
        if self._pattern is not None and self._pattern.extras is extras:  # those of a setting are always the same
            known = self._pattern.read(source)
            if known is not None:
                self._fruitless = 0
                return known
        beginning = part10.begin(source, extras)
        if self._fruitless < _PATIENCE or self._fruitless % _PAUSE < 2:
            self._learn(beginning, extras)
        self._fruitless += 1
        return beginning

    def _learn(self, beginning: Beginning | None, extras: Extras) -> None:
        before, self._before, self._pattern = self._before, {}, None
        if beginning is None or not _is_plain(beginning):
            return
        parts = _parts(beginning)
        self._before = dict(parts)
        if not before:
            return
        differing = {tag for tag, content in parts if before.get(tag) != content}
        self._varying = frozenset(differing if _SERIES in differing else differing | self._varying)
        if not any(tag in NESTED or tag == CHARACTER_SET for tag in self._varying):  # more depends on these than their own text
            self._pattern = _pattern(beginning, parts, self._varying, extras)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The beginning of an object of which some elements vary. steps: (the bytes before such an element, its tag, its VR).

    raw, values: of the object it was made of. last: the tag of the last element.
    """

    syntax: str
    encoding: Encoding
    extras: Extras
    raw: Mapping[int, tuple[bytes, bytes]]
    values: Mapping[str, str]
    last: int
    steps: tuple[tuple[bytes, int, bytes], ...]
    rest: bytes  # what follows the last of them

    def read(self, source: Source) -> Beginning | None:
        """The beginning of an object that fits; None when it does not, or something in it needs a closer look."""
        try:
            window = Window(source)
            group = meta.read(window)
            if group.transfer_syntax_uid != self.syntax or group.warnings or window.base:
                return None
            encoding, warning = part10.encoding_of(window, group.dataset_offset, syntaxes.get(self.syntax))
            passed = self._pass(window, group.dataset_offset) if encoding is self.encoding and not warning else None
        except (Malformed, struct.error):
            return None
        if passed is None:
            return None
        end, changed = passed
        told: list[str] = []
        values = {**self.values, **texts(changed, plain(self.raw.get(CHARACTER_SET)), encoding, told)}
        found = Found({**self.raw, **changed}, stopped=(end, self.last))
        return Beginning(group, encoding, found, values, (), len(found.values), 0, window.buffer) if not told else None

    def _pass(self, window: Window, position: int) -> tuple[int, dict[int, tuple[bytes, bytes]]] | None:
        """Where the elements of the pattern end, and the wanted ones that vary."""
        head, wanted = window.buffer, self.extras.wanted
        changed: dict[int, tuple[bytes, bytes]] = {}
        for run, expected, written in self.steps:
            if not head.startswith(run, position):
                return None
            tag, vr, start, position = _element(window, position + len(run), self.encoding)
            if tag != expected or vr != written or position > len(head) or window.base:
                return None
            if tag in wanted:
                changed[tag] = vr, head[start:position]
        return (position + len(self.rest), changed) if head.startswith(self.rest, position) else None


def _element(window: Window, position: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Tag, VR, begin and end of the value of the element at `position`."""
    tag, vr, length, header = encoding.read(window.buffer, position)
    start = position + header
    if length != UNDEFINED:
        return tag, vr, start, start + length
    return tag, vr, start, skip(window, start, inside_unknown(window, start) if vr == b"UN" else encoding, tag)


def _is_plain(beginning: Beginning) -> bool:
    """Whether there is nothing odd about it, and all of it is in memory."""
    found = beginning.found
    noted = found.warnings or beginning.told or beginning.meta.warnings or found.pixels or found.extended_offsets
    return not noted and beginning.base == 0 and found.stopped is not None and found.stopped[0] <= len(beginning.head)


def _parts(beginning: Beginning) -> list[tuple[int, bytes]]:
    """Its elements, one after the other: (tag, all bytes of it)."""
    position, end = beginning.meta.dataset_offset, (beginning.found.stopped or (0, 0))[0]
    window = Window(BytesSource(beginning.head[:end]))
    parts: list[tuple[int, bytes]] = []
    window.seek(0, end)
    while position < end:
        tag, _, _, after = _element(window, position, beginning.encoding)
        parts.append((tag, beginning.head[position:after]))
        position = after
    return parts


def _pattern(like: Beginning, parts: list[tuple[int, bytes]], varying: frozenset[int], extras: Extras) -> _Pattern:
    steps: list[tuple[bytes, int, bytes]] = []
    run: list[bytes] = []
    for tag, content in parts:
        if tag in varying:
            steps.append((b"".join(run), tag, like.encoding.read(content.ljust(12), 0)[1]))
            run = []
        else:
            run.append(content)
    raw = dict(like.found.values)  # `scan` goes on with the one that it is given
    syntax, last = like.meta.transfer_syntax_uid, parts[-1][0]
    return _Pattern(syntax, like.encoding, extras, raw, like.values, last, tuple(steps), b"".join(run))
