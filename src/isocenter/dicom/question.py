"""Identifiers that we send (PS3.4 C.4.1.1.3, C.4.2.1.4): keys as text -> bytes, bytes of an answer -> keyword and text."""

import struct
from collections.abc import Mapping

from . import charset, syntaxes
from .attributes import Level, keyword_of, tag_of, vr_of
from .elements import EXPLICIT_LITTLE, IMPLICIT_LITTLE, LONG_VRS, UNDEFINED, Encoding, Malformed, Window, elements
from .identifier import CHARACTER_SET, LEVEL, value
from .source import BytesSource
from .values import text_of

_UTF_8 = "ISO_IR 192"
_LONGEST = 0xFFFE  # bytes of a value whose length has 16 bits


class InvalidQuestion(ValueError):
    """Keys that no Identifier can hold; the message names the keyword."""


def encode(level: Level, keys: Mapping[str, str], transfer_syntax: str, charsets: str = "") -> bytes:
    """The Identifier of a question. keys: keyword -> text, values joined by backslashes; "" is universal matching.

    Text that is not ASCII is written in `charsets` (Specific Character Set) when that can say it, else in Unicode. Raises
    InvalidQuestion.
    """
    wanted: dict[int, str] = {LEVEL: level.value}
    for keyword, text in keys.items():
        tag = tag_of(keyword)
        if tag is None or " " in vr_of(tag) or vr_of(tag) in ("SQ", "UN", "OB", "OW"):
            raise InvalidQuestion(f"{keyword[:64]} is no key that can be asked for")
        wanted[tag] = text
    used = charsets if charsets else _UTF_8
    try:
        parts = _parts(wanted, transfer_syntax, used)
    except UnicodeError:
        used = _UTF_8
        parts = _parts(wanted, transfer_syntax, used)
    if not all(text.isascii() for text in wanted.values()):
        parts[CHARACTER_SET] = _element(CHARACTER_SET, "CS", used.encode("ascii"), transfer_syntax)
    return b"".join(parts[tag] for tag in sorted(parts))


def decode(data: bytes, transfer_syntax: str, charsets: str = "") -> dict[str, str]:
    """An answer: keyword -> text, values joined by backslashes; sequences and private elements are left out.

    charsets: of an answer that does not name one. What cannot be read ends it there; it never raises.
    """
    encoding = _encoding(transfer_syntax)
    found: dict[int, tuple[bytes, bytes]] = {}
    window = Window(BytesSource(data))
    try:
        for tag, vr, position, length in elements(window, 0, len(data), encoding):
            if length == UNDEFINED or vr == b"SQ":
                continue
            if length > len(data) - position:
                raise Malformed("an element claims more bytes than there are")
            found[tag] = vr, window.take(position, length)
    except Malformed:
        pass  # what was read before is as good as any answer of this peer
    said = found.pop(CHARACTER_SET, None)
    used = (said and charset.strip(said[1].decode("ascii", "replace"), "CS")) or charsets
    return {
        keyword: text_of(raw, vr_of(tag), used, encoding)[0]
        for tag, raw in found.items()
        if (keyword := keyword_of(tag)) and vr_of(tag) != "SQ" and tag & 0xFFFF
    }


def _encoding(transfer_syntax: str) -> Encoding:
    return EXPLICIT_LITTLE if transfer_syntax == syntaxes.EXPLICIT_VR_LITTLE_ENDIAN else IMPLICIT_LITTLE


def _parts(wanted: Mapping[int, str], transfer_syntax: str, charsets: str) -> dict[int, bytes]:
    """The elements by tag; UnicodeError when the character set cannot say one of them."""
    return {tag: _element(tag, vr_of(tag), value(text, vr_of(tag), charsets), transfer_syntax) for tag, text in wanted.items()}


def _element(tag: int, vr: str, data: bytes, transfer_syntax: str) -> bytes:
    if len(data) % 2:
        data += b"\0" if vr == "UI" else b" "  # PS3.5 6.2
    group, element = tag >> 16, tag & 0xFFFF
    if not _encoding(transfer_syntax).explicit:
        return struct.pack("<HHI", group, element, len(data)) + data
    written = vr.encode("ascii") if len(data) <= _LONGEST else b"UN"  # PS3.5 6.2.2: a value too long for its VR
    if written in LONG_VRS:
        return struct.pack("<HH2sHI", group, element, written, 0, len(data)) + data
    return struct.pack("<HH2sH", group, element, written, len(data)) + data
