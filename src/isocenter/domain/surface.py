"""STL, the surface of a 3D model: text becomes the binary form, which is the only one of DICOM (PS3.3 A.85.1)."""

import re
import struct
from collections.abc import Callable

from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import Source

HEADER = 84  # bytes before the first triangle: 80 of comment and the number of triangles
TRIANGLE = 50
_PIECE = 1 << 20
_KEEP = 4096  # bytes that are held back, since a facet may go on in the next piece; one has some 300
_NUMBER = rb"\s+([-+0-9.eE]{1,40})"
_FACET = re.compile(
    rb"\bfacet\s+normal" + _NUMBER * 3 + rb"\s+outer\s+loop" + (rb"\s+vertex" + _NUMBER * 3) * 3 + rb"\s+endloop\s+endfacet",
    re.IGNORECASE,
)
_BEGIN = re.compile(rb"\bfacet\s+normal", re.IGNORECASE)


def is_binary(source: Source) -> bool:
    """Whether the bytes are binary STL. Raises Malformed: they are no STL at all, or cut short."""
    head = source.read_at(0, HEADER)
    if len(head) == HEADER and source.size == HEADER + TRIANGLE * int.from_bytes(head[80:], "little"):
        return True
    if head.lstrip()[:5].lower() == b"solid":
        return False
    raise Malformed("this is no STL model, or not a whole one", "EncapsulatedDocument")


def as_binary(source: Source, write: Callable[[bytes], object]) -> int:
    """The triangles of a text, without the header, whose number is returned. Raises Malformed."""
    triangles, at, held = 0, 0, b""
    while at < source.size:
        piece = source.read_at(at, _PIECE)
        at += len(piece)
        text = held + piece
        done, out = 0, bytearray()
        for facet in _FACET.finditer(text):
            try:
                out += struct.pack("<12fH", *(float(number) for number in facet.groups()), 0)
            except (ValueError, OverflowError, struct.error):
                raise Malformed("a triangle of the STL model has no numbers", "EncapsulatedDocument") from None
            done = facet.end()
            triangles += 1
        write(bytes(out))
        held = text[done:]
        if len(held) > _KEEP:
            if _BEGIN.search(held[:-_KEEP]):
                raise Malformed("a triangle of the STL model is none", "EncapsulatedDocument")
            held = held[-_KEEP:]
    if not triangles or _BEGIN.search(held):
        raise Malformed("this is no STL model, or not a whole one", "EncapsulatedDocument")
    return triangles
