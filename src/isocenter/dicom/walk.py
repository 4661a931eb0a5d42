"""One walk over the top level of a data set: every header, the bytes of wanted values, and where the pixel data lies."""

import struct
from dataclasses import dataclass, field

from . import fragments
from .attributes import ATTRIBUTES, Attribute, tag_of
from .elements import UNDEFINED, Encoding, Malformed, Window, inside_unknown, name, skip, truncated


@dataclass(frozen=True, slots=True)
class PixelData:
    """Where the pixel data lies: Pixel Data, Float Pixel Data or Double Float Pixel Data.

    offset: of the first value byte in the file (in the inflated data set when it is deflated). length: None when encapsulated.
    """

    tag: int
    vr: str
    offset: int
    length: int | None


CHARACTER_SET = 0x00080005
SAMPLES_PER_PIXEL = 0x00280002
PHOTOMETRIC_INTERPRETATION = 0x00280004
ISSUER_QUALIFIERS = 0x00100024  # Issuer of Patient ID Qualifiers Sequence
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_EXTENDED_OFFSETS = 0x7FE00001

_BEFORE = 0x0003FFFF  # no data set has tags up to here: they are those of commands (PS3.7 E) and of the file meta information

TOP_LEVEL: dict[int, Attribute] = {a.tag: a for a in ATTRIBUTES if not a.computed and not a.sequence}
NESTED: dict[int, dict[int, Attribute]] = {}
for _attribute in ATTRIBUTES:
    if _attribute.sequence:
        NESTED.setdefault(tag_of(_attribute.sequence) or 0, {})[_attribute.tag] = _attribute
_BESIDE = frozenset({CHARACTER_SET, SAMPLES_PER_PIXEL, PHOTOMETRIC_INTERPRETATION, ISSUER_QUALIFIERS})  # and not in the table
WANTED = frozenset(TOP_LEVEL) | frozenset(NESTED) | _BESIDE

# The longest indexed text (LT) has 10,240 characters of up to 4 bytes (PS3.5 Table 6.2-1); a sequence may hold some of them.
_MAX_VALUE = 64 * 1024
_MAX_EXTENDED_OFFSETS = 8 * fragments.MAX_FRAGMENTS  # one entry of 8 bytes a frame


@dataclass(slots=True)
class Found:
    """What the walk over the data set came across. Values are (VR as written, bytes), decoded when the character set is known."""

    values: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    pixels: PixelData | None = None
    items: fragments.Fragments | None = None
    extended_offsets: bytes = b""
    stopped: tuple[int, int] | None = None  # (position, tag before it) of an element that is not all there yet
    warnings: list[str] = field(default_factory=list)


def walk(
    window: Window, position: int, encoding: Encoding, *, begun: Found | None = None, partly: bool = False,
    wanted: frozenset[int] = WANTED,
) -> Found:  # fmt: skip
    """Walk the top level of the data set: every header, the bytes of wanted values only.

    partly: the object is still arriving; stop before the first element that is not all there. begun: go on from such a stop.
    """
    found = begun or Found()
    size, read, values = window.size, encoding.read, found.values
    buffer, base = window.buffer, window.base
    previous = _BEFORE
    if begun is not None and begun.stopped is not None:
        position, previous = begun.stopped
    while position < size:
        at = position - base
        if at < 0 or at + 12 > len(buffer):
            at = window.seek(position)
            buffer, base = window.buffer, window.base
        try:
            tag, vr, length, header = read(buffer, at)
        except struct.error:
            if partly:
                break
            _trailing(window, position, found)
            return found
        if tag <= previous or tag >= 0xFFFE0000:
            moved = _irregular(window, position, tag, length, previous, found)
            if moved != position:
                position = moved
                continue
        if partly and length > size - position - header:
            break  # UNDEFINED is as long as can be
        previous = tag
        position += header
        if length == UNDEFINED:
            position = _undefined(window, position, encoding, tag, vr, found, wanted)
            buffer, base = window.buffer, window.base
            continue
        if length > size - position:
            raise truncated(name(tag))
        if tag in wanted:
            at += header
            kept = length if length <= _MAX_VALUE else _kept(tag, found)
            values[tag] = (vr, buffer[at : at + kept] if at + kept <= len(buffer) else window.take(position, kept))
        elif tag >= _EXTENDED_OFFSETS:
            if tag in _PIXEL_DATA:
                found.pixels = PixelData(tag, vr.decode("ascii", "replace") or "OW", position, length)
            elif tag == _EXTENDED_OFFSETS and length <= _MAX_EXTENDED_OFFSETS:
                found.extended_offsets = window.take(position, length)
        position += length
    found.stopped = position, previous
    return found


def _kept(tag: int, found: Found) -> int:
    found.warnings.append(f"{name(tag)} is too long and was indexed in part")
    return _MAX_VALUE


def _undefined(
    window: Window, position: int, encoding: Encoding, tag: int, vr: bytes, found: Found, wanted: frozenset[int]
) -> int:
    """Pass a value of undefined length: encapsulated pixel data, or a sequence. Return the position after it."""
    if tag in _PIXEL_DATA:
        items = fragments.walk(window, position, tag)
        found.items = items
        found.pixels = PixelData(tag, vr.decode("ascii", "replace") or "OB", position, None)
        return items.end
    end = skip(window, position, inside_unknown(window, position) if vr == b"UN" else encoding, tag)
    if tag in wanted and tag not in TOP_LEVEL and end - position <= _MAX_VALUE:
        found.values[tag] = (vr, window.take(position, end - position))
    return end


def _irregular(window: Window, position: int, tag: int, length: int, previous: int, found: Found) -> int:
    """Judge a tag that is not above the one before it, or none of a data set. Return where to go on: `position` to take it."""
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
        raise Malformed("a value is not as long as it says", name(previous) if previous > _BEFORE else f"byte {position}")
    if warning not in found.warnings:
        found.warnings.append(warning)
    return moved


def _trailing(window: Window, position: int, found: Found) -> None:
    """Tolerate padding after the last element: zeros, however many. Anything else is an element that was cut short."""
    start = position
    while position < window.size:
        chunk = window.source.read_at(position, 64 * 1024)
        if not chunk or chunk.strip(b"\0"):
            raise truncated(f"byte {start}")
        position += len(chunk)
    found.warnings.append("padding follows the data set")
