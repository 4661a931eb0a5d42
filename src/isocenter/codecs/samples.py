"""The bytes of one frame, compressed or not, into numpy arrays of stored values."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.codecs import codestream, decoding
from isocenter.codecs.decoding import MAX_FRAME
from isocenter.codecs.formats import READ, Format
from isocenter.codecs.layout import Layout
from isocenter.codecs.presentation import Presentation
from isocenter.dicom.elements import Malformed

Pixels = NDArray[Any]

_HALVED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})


def samples(data: bytes, shown: Presentation) -> tuple[Pixels, str]:
    """Stored values, (rows, columns) or (rows, columns, samples), and their photometric interpretation.

    data: the frame as it is served: native little endian, or compressed in the object's transfer syntax. Raises Malformed.
    """
    layout, photometric = shown.layout, shown.layout.photometric
    if not 0 < layout.frame_bytes <= MAX_FRAME:
        raise Malformed("pixels of this size are not decoded", "Rows")
    if not shown.native:
        if shown.transfer_syntax not in READ:
            raise Malformed("frames of this transfer syntax are not decoded", "TransferSyntaxUID")
        layout = replace(_of_its_size(data, shown), planar=False)
        decoded = decoding.decode(shown.transfer_syntax, data, layout)
        data, photometric = decoded.data, decoded.photometric
    elif photometric in _HALVED:
        return _full(data, layout.rows, layout.columns), photometric
    if len(data) < layout.frame_bytes:
        raise Malformed("a frame is too short", "PixelData")
    data = data[: layout.frame_bytes]
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, layout.samples)
    if shown.floating:
        return np.frombuffer(data, f"<f{shown.floating // 8}").reshape(shape), photometric
    if layout.bits_allocated == 1:  # PS3.5 8.1.1: the first pixel in the lowest bit
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=layout.frame_bits, bitorder="little")
        return bits.reshape(shape), photometric
    if layout.bits_allocated not in (8, 16, 32, 64):
        raise Malformed("pixels of this depth are not shown", "BitsAllocated")
    raw = np.frombuffer(decoding.interleaved(data, layout), f"<u{layout.bits_allocated // 8}").reshape(shape)
    return _stored(raw, shown), photometric


def _of_its_size(data: bytes, shown: Presentation) -> Layout:
    """What the frame is when it is smaller than the data set says, as scanners write the tiles at the edge of a slide."""
    layout, form = shown.layout, READ[shown.transfer_syntax]
    if form in (Format.JPEG, Format.JPEG_LOSSLESS, Format.JPEG_LS):
        found = codestream.jpeg(data)
    elif form in (Format.JPEG_2000, Format.HTJ2K, Format.HTJ2K_RPCL):
        found = codestream.jpeg2000(data)
    else:
        return layout
    smaller = 0 < found.rows <= layout.rows and 0 < found.columns <= layout.columns
    return replace(layout, rows=found.rows, columns=found.columns) if smaller else layout


def _stored(raw: Pixels, shown: Presentation) -> Pixels:
    """Bits Stored of each value below High Bit, with their sign; what lies around them is something else (PS3.5 8.1.1)."""
    layout = shown.layout
    allocated, stored = layout.bits_allocated, min(max(layout.bits_stored, 1), layout.bits_allocated)
    high = shown.high_bit if stored - 1 <= shown.high_bit < allocated else stored - 1
    left = allocated - 1 - high
    values = raw << left if left else raw
    if layout.signed:
        values = values.view(f"<i{allocated // 8}")
    return values >> (allocated - stored) if allocated > stored else values


def _full(data: bytes, rows: int, columns: int) -> Pixels:
    """Y Y Cb Cr of each pair of pixels into three samples for each (PS3.3 C.7.6.3.1.2). Raises Malformed."""
    if columns % 2 or len(data) < 2 * rows * columns:
        raise Malformed("a subsampled frame is too short", "PixelData")
    quads = np.frombuffer(data[: 2 * rows * columns], np.uint8).reshape(rows, columns // 2, 4)
    full = np.empty((rows, columns, 3), np.uint8)
    full[..., 0] = quads[..., :2].reshape(rows, columns)
    full[..., 1] = np.repeat(quads[..., 2], 2, axis=1)
    full[..., 2] = np.repeat(quads[..., 3], 2, axis=1)
    return full
