"""Long values written piece by piece: as one value, or frame by frame as encapsulated pixel data (PS3.5 A.4)."""

import struct
from collections.abc import Iterator, Sequence

from .elements import ITEM, SEQUENCE_END, UNDEFINED, Malformed, name
from .reencoding import PIECE, header
from .source import Source

LONGEST = 0xFFFFFFFE  # a length is a number of 32 bits, and even
_ITEM = struct.Struct("<HHL")
_PIXEL_DATA = 0x7FE00010
_EXTENDED_OFFSETS, _EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002


def value(tag: int, vr: str, sources: Sequence[Source]) -> Iterator[bytes]:
    """A whole element in explicit VR little endian: these bytes one after the other. Raises Malformed: they are too long."""
    size = sum(source.size for source in sources)
    if size > LONGEST:
        raise Malformed("the value is longer than 4 GB", name(tag))
    yield header(tag, vr, size + size % 2, explicit=True)
    for source in sources:
        yield from pieces(source)
    yield bytes(size % 2)


def encapsulated(frames: Sequence[Source], *, stream: bool) -> Iterator[bytes]:
    """Pixel Data of compressed frames: a fragment each, with a table of their places. Raises Malformed: a frame is too long.

    stream: a video, which is one frame here, in as many fragments as it needs (PS3.5 8.2.5).
    """
    most = LONGEST - 1 if stream else LONGEST
    if not stream and any(frame.size > most for frame in frames):
        raise Malformed("a frame is longer than 4 GB", name(_PIXEL_DATA))
    places, at = [], 0
    for frame in frames:
        places.append(at)
        at += 8 + frame.size + frame.size % 2
    tabled = len(frames) > 1 and not stream
    basic = struct.pack(f"<{len(places)}L", *places) if tabled and at <= LONGEST else b""
    if tabled and not basic:  # PS3.3 C.7.6.3.1.8: places that 32 bits cannot name
        for tag, numbers in ((_EXTENDED_OFFSETS, places), (_EXTENDED_LENGTHS, [frame.size for frame in frames])):
            yield header(tag, "OV", 8 * len(numbers), explicit=True) + struct.pack(f"<{len(numbers)}Q", *numbers)
    yield header(_PIXEL_DATA, "OB", UNDEFINED, explicit=True)
    yield _ITEM.pack(ITEM >> 16, ITEM & 0xFFFF, len(basic)) + basic
    for frame in frames:
        for start in range(0, frame.size, most):
            length = min(most, frame.size - start)
            yield _ITEM.pack(ITEM >> 16, ITEM & 0xFFFF, length + length % 2)
            yield from pieces(frame, start, length)
            yield bytes(length % 2)
    yield _ITEM.pack(SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)


def pieces(source: Source, start: int = 0, length: int = -1) -> Iterator[bytes]:
    """The bytes of a source in pieces of 1 MiB."""
    end = source.size if length < 0 else start + length
    for at in range(start, end, PIECE):
        data = source.read_at(at, min(PIECE, end - at))
        if not data:
            raise Malformed("the bytes end early", f"byte {at}")
        yield data
