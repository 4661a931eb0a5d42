"""Compressed frames into native ones: little endian, samples of a pixel side by side, each in Bits Allocated."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from isocenter.codecs import codestream
from isocenter.codecs.codestream import Codestream
from isocenter.codecs.formats import DEPTHS, READ, Format
from isocenter.codecs.layout import Layout
from isocenter.dicom.elements import Malformed

Pixels = NDArray[Any]

MAX_FRAME = 512 << 20  # bytes of a decoded frame; a digital mammogram has 54 MB


@dataclass(frozen=True, slots=True)
class Decoded:
    """A native frame. photometric: what its samples are now. lossy: it was compressed so that something is lost."""

    data: bytes
    photometric: str
    lossy: bool


def decode(transfer_syntax: str, data: bytes, layout: Layout) -> Decoded:
    """A frame of a transfer syntax that is in `formats.READ`. Raises Malformed when it is not what the data set says."""
    if not 0 < layout.frame_bytes <= MAX_FRAME or layout.bits_allocated not in DEPTHS:
        raise Malformed("pixels of this size are not decoded", "BitsAllocated")
    try:
        return _DECODERS[READ[transfer_syntax]](data, layout)
    except Malformed:
        raise
    except Exception as error:  # noqa: BLE001  imagecodecs raises an error class for each library, all of them plain Exceptions
        raise Malformed(f"a frame cannot be decoded ({type(error).__name__})", "PixelData") from None


def interleaved(data: bytes, layout: Layout) -> bytes:
    """A native frame with the samples of a pixel side by side (Planar Configuration 0)."""
    if not layout.planar:
        return data
    planes = np.frombuffer(data, f"<u{layout.bits_allocated // 8}").reshape(layout.samples, -1)
    return np.ascontiguousarray(planes.T).tobytes()


class Joined:
    """Native frames one after the other: of bitmaps each begins at the bit at which the one before has ended (PS3.5 8.1.1)."""

    def __init__(self, layout: Layout) -> None:
        self._bits = layout.frame_bits if layout.frame_bits % 8 else 0
        self._left = np.zeros(0, np.uint8)  # bits of the byte that is not full yet

    def take(self, frame: bytes) -> bytes:
        """What can be written of it."""
        if not self._bits:
            return frame
        bits = np.unpackbits(np.frombuffer(frame, np.uint8), count=self._bits, bitorder="little")
        bits = np.concatenate((self._left, bits))
        whole = len(bits) // 8 * 8
        self._left = bits[whole:]
        return np.packbits(bits[:whole], bitorder="little").tobytes()

    def rest(self) -> bytes:
        """The last byte, when it is not full."""
        return np.packbits(self._left, bitorder="little").tobytes()


def _checked(found: Codestream, layout: Layout) -> None:
    if (found.rows, found.columns, found.components) != (layout.rows, layout.columns, layout.samples):
        raise Malformed("a compressed frame has another size than the data set says", "PixelData")
    if found.precision > layout.bits_allocated:
        raise Malformed("a compressed frame has more bits than are allocated", "BitsAllocated")


def _native(pixels: Pixels, layout: Layout, *, precision: int = 0, signed: bool = False) -> bytes:
    """The decoded samples in Bits Allocated. What a codestream holds unsigned though the pixels are signed gets its sign.

    Of bitmaps eight pixels a byte, the first in its lowest bit (PS3.5 8.1.1).
    """
    shape = (layout.rows, layout.columns, layout.samples)
    if pixels.size != layout.rows * layout.columns * layout.samples:
        raise Malformed("a compressed frame has another size than the data set says", "PixelData")
    if layout.bits_allocated == 1:
        return np.packbits(pixels.reshape(-1) != 0, bitorder="little").tobytes()
    wide = pixels.reshape(shape)
    if layout.signed and not signed and 0 < precision < layout.bits_allocated:
        sign = 1 << (precision - 1)
        wide = (wide.astype(np.int32) ^ sign) - sign
    # Two's complement in the width allocated: numpy's integer casts keep the low bits.
    return wide.astype(f"<i{layout.bits_allocated // 8}", casting="unsafe", copy=False).tobytes()


def _rle(data: bytes, layout: Layout) -> Decoded:
    """PS3.5 Annex G: a segment for each byte of each sample, the most significant first; of bitmaps one."""
    count, *offsets = struct.unpack_from("<16I", data)
    bitmap = layout.bits_allocated == 1
    width = 1 if bitmap else layout.bits_allocated // 8
    if count != width * layout.samples or offsets[0] != 64:
        raise Malformed("an RLE frame has the wrong number of segments", "PixelData")
    size = layout.frame_bytes if bitmap else layout.rows * layout.columns
    planes = np.zeros((layout.samples, width, size), np.uint8)
    ends = [*offsets[1:count], len(data)]
    for index, (start, end) in enumerate(zip(offsets, ends, strict=False)):
        if not 64 <= start <= end <= len(data):
            raise Malformed("an RLE frame has segments out of order", "PixelData")
        # No more than a plane can need: two bytes become 128, and a frame may be gigabytes of such pairs.
        segment = np.frombuffer(imagecodecs.packbits_decode(data[start : min(end, start + 2 * size + 64)]), np.uint8)
        if len(segment) < size:
            raise Malformed("an RLE segment is too short", "PixelData")
        planes[index // width, width - 1 - index % width] = segment[:size]
    return Decoded(np.ascontiguousarray(planes.transpose(2, 0, 1)).tobytes(), layout.photometric, False)


def _jpeg(data: bytes, layout: Layout) -> Decoded:
    """Baseline and Extended. Colour becomes RGB, as the frame's own markers, else the data set, say it is coded."""
    found = codestream.jpeg(data)
    _checked(found, layout)
    if found.components == 1:
        pixels = imagecodecs.jpeg8_decode(data)
        return Decoded(_native(pixels, layout, precision=found.precision), layout.photometric, True)
    transformed = found.transform
    if transformed is None:
        transformed = found.component_ids != b"RGB" and layout.photometric != "RGB"
    space = "ycbcr" if transformed else "rgb"
    return Decoded(_native(imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace="rgb"), layout), "RGB", True)


def _jpeg_lossless(data: bytes, layout: Layout) -> Decoded:
    found = codestream.jpeg(data)
    _checked(found, layout)
    try:
        pixels = imagecodecs.jpegsof3_decode(data)
    except imagecodecs.Jpegsof3Error:  # what it does not take, restart intervals for example, libjpeg-turbo does
        space = "rgb" if found.components == 3 else None
        pixels = imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace=space)
    return Decoded(_native(pixels, layout, precision=found.precision), layout.photometric, False)


def _jpeg_ls(data: bytes, layout: Layout) -> Decoded:
    found = codestream.jpeg(data)
    _checked(found, layout)
    pixels = imagecodecs.jpegls_decode(data)
    return Decoded(_native(pixels, layout, precision=found.precision), layout.photometric, bool(found.lossy))


def _jpeg_2000(library: Callable[..., Pixels]) -> Callable[[bytes, Layout], Decoded]:
    def decoded(data: bytes, layout: Layout) -> Decoded:
        found = codestream.jpeg2000(data)
        _checked(found, layout)
        native = _native(library(data), layout, precision=found.precision, signed=found.signed)
        # PS3.3 C.7.6.3.1.2: YBR_RCT and YBR_ICT name the transform inside the codestream, which is undone by now.
        undone = layout.samples == 3 and (found.transform or layout.photometric in ("YBR_RCT", "YBR_ICT"))
        return Decoded(native, "RGB" if undone else layout.photometric, bool(found.lossy))

    return decoded


def _jpeg_xl(data: bytes, layout: Layout) -> Decoded:
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, layout.samples)
    into = np.empty(shape, f"<u{layout.bits_allocated // 8}")  # given, so that no other size is decoded
    imagecodecs.jpegxl_decode(data, out=into)
    return Decoded(into.tobytes(), "RGB" if layout.samples == 3 else layout.photometric, layout.lossy)


def _deflated(data: bytes, layout: Layout) -> Decoded:
    """Deflated Image Frame Compression: PS3.5 A.4.13."""
    return _plain(zlib.decompressobj(-15).decompress(data, layout.frame_bytes), layout)


def _plain(data: bytes, layout: Layout) -> Decoded:
    if len(data) < layout.frame_bytes:
        raise Malformed("a frame is too short", "PixelData")
    return Decoded(data[: layout.frame_bytes], layout.photometric, False)


_htj2k = partial(imagecodecs.htj2k_decode, planar=False)
_DECODERS: dict[Format, Callable[[bytes, Layout], Decoded]] = {
    Format.PLAIN: _plain,
    Format.RLE: _rle,
    Format.DEFLATED: _deflated,
    Format.JPEG: _jpeg,
    Format.JPEG_LOSSLESS: _jpeg_lossless,
    Format.JPEG_LS: _jpeg_ls,
    Format.JPEG_2000: _jpeg_2000(imagecodecs.jpeg2k_decode),
    Format.HTJ2K: _jpeg_2000(_htj2k),
    Format.JPEG_XL: _jpeg_xl,
}
