"""What a compressed frame says of itself, read before a codec is let near it: a claim of its size would be allocated."""

import struct
from dataclasses import dataclass

from isocenter.dicom.elements import Malformed

_SIZ = b"\xff\x4f\xff\x51"
_COD, _TLM, _SOT = 0xFF52, 0xFF55, 0xFF90  # marker segments of a main header, and the one after it (ITU-T T.800 A.2)
_RPCL = 2  # the order of progression resolution, position, component, layer (T.800 Table A.16)
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})  # TEM, RSTn, SOI: markers without a segment
_SOF = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # ITU-T T.81 Table B.1; F7 is that of JPEG-LS (T.87)
_SEARCHED = 4096  # bytes in which the codestream of a JP2 file begins; DICOM wants none, but some write them


@dataclass(frozen=True, slots=True)
class Codestream:
    """A frame header. transform: of colour; None where the format or the frame does not say. lossy: None likewise."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    transform: bool | None = None
    lossy: bool | None = None
    component_ids: bytes = b""
    start_of_frame: int = 0


def jpeg(data: bytes) -> Codestream:
    """The header of a JPEG or JPEG-LS frame. Raises Malformed."""
    at, transform, found = 2, None, None
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_LENGTH or marker == 0:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at + 4 : at + 2 + length]
        if marker in _SOF and len(segment) >= 6:
            precision, rows, columns, components = struct.unpack_from(">BHHB", segment)
            ids = segment[6 : 6 + 3 * components : 3]
            found = Codestream(rows, columns, components, precision, False, transform, None, ids, marker)
        elif marker == 0xEE and segment.startswith(b"Adobe") and len(segment) >= 12:
            transform = segment[11] != 0
        elif marker == 0xE0 and segment.startswith(b"JFIF") and transform is None:
            transform = True
        elif marker == 0xDA and found is not None:
            near = segment[-3] if found.start_of_frame == 0xF7 and len(segment) >= 3 else 0
            lossless = found.start_of_frame in (0xC3, 0xF7) and not near
            return Codestream(found.rows, found.columns, found.components, found.precision, False, transform, not lossless,
                              found.component_ids, found.start_of_frame)
        at += 2 + length
    raise Malformed("a compressed frame has no header", "PixelData")


def jpeg2000(data: bytes) -> Codestream:
    """The header of a JPEG 2000 or High-Throughput JPEG 2000 frame (ITU-T T.800 A.5, A.6). Raises Malformed."""
    start = data.find(_SIZ, 0, _SEARCHED)
    if start < 0 or len(data) < start + 48:
        raise Malformed("a compressed frame has no header", "PixelData")
    x1, y1, x0, y0 = struct.unpack_from(">4I", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    depth = data[start + 42]
    cod = data.find(b"\xff\x52", start + 42, start + 42 + _SEARCHED + 3 * components)
    transform = lossy = None
    if cod >= 0 and len(data) >= cod + 14:
        transform, lossy = data[cod + 8] == 1, data[cod + 13] == 0  # 0: the irreversible 9-7 wavelet
    return Codestream(y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, bool(depth & 0x80), transform, lossy)


def resolutions(data: bytes) -> tuple[int, ...]:
    """Where each resolution ends, the smallest first, in bytes from the beginning; the last one is all of it (PS3.5 10.18).

    data: a codestream, or as much of it as holds the main header. Empty when it is not one tile whose parts are the resolutions
    in RPCL order, listed by a TLM marker segment (ITU-T T.800 A.7.1). Raises Malformed.
    """
    if not data.startswith(_SIZ):
        raise Malformed("a compressed frame has no header", "PixelData")
    at, ends, order, levels = 2, [0], -1, -1
    while at + 4 <= len(data):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SOT:
            single = ends[-1] and order == _RPCL and len(ends) == levels + 2
            return (*(at + end for end in ends[1:-1]), at + ends[-1] + 2) if single else ()  # 2: EOC
        segment = data[at + 4 : at + 2 + length]
        if marker == _COD and len(segment) >= 6:
            order, levels = segment[1], segment[5]
        elif marker == _TLM and len(segment) >= 2:
            ends += _tile_parts(segment, ends[-1])
        at += 2 + length
    raise Malformed("a compressed frame has no header", "PixelData")


def _tile_parts(segment: bytes, end: int) -> list[int]:
    """The ends of tile-parts, from their lengths in one TLM marker segment; nothing of what is more than one tile."""
    index, number = segment[1] >> 4 & 3, segment[1] >> 6 & 1  # ST, SP: bytes of the tile's index, width of the length
    entry = struct.Struct(">" + ("", "B", "H")[index] + ("H", "L")[number]) if index < 3 else None
    ends: list[int] = []
    if entry is None or (len(segment) - 2) % entry.size:
        return ends
    for fields in entry.iter_unpack(segment[2:]):
        if len(fields) > 1 and fields[0]:
            return []
        end += fields[-1]
        ends.append(end)
    return ends
