"""Native frames into compressed ones, without loss. What a format cannot hold exactly is refused before anything is written."""

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from isocenter.codecs.formats import LOSSLESS, Format
from isocenter.codecs.layout import Layout
from isocenter.dicom.elements import Malformed

Pixels = NDArray[Any]

_QUALITY = 90  # of what is asked for with loss; its size is a tenth
_BY_RESOLUTION = 1  # tile-parts: one for each resolution (OpenJPH)
_SSIZ = 42  # where a JPEG 2000 codestream says the bits of its first component (ITU-T T.800 A.5.1)


def encode(transfer_syntax: str, data: bytes, layout: Layout) -> bytes:
    """A native frame (samples of a pixel side by side) in a transfer syntax for which `formats.can_encode`. Raises Malformed."""
    pixels = np.frombuffer(data, f"<{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, layout.samples)
    try:
        return _ENCODERS[LOSSLESS[transfer_syntax].format](pixels.reshape(shape), layout, _bits(pixels, layout))
    except Exception as error:  # noqa: BLE001  imagecodecs raises an error class for each library, all of them plain Exceptions
        raise Malformed(f"a frame cannot be encoded ({type(error).__name__})", "PixelData") from None


def reduce(data: bytes, layout: Layout) -> bytes:
    """A native frame as JPEG Baseline (8 bits) or Extended, with loss, where `formats.can_reduce`. Raises Malformed.

    Colour is coded as YBR_FULL_422, which is what readers of the Baseline syntax expect (PS3.5 8.2.1).
    """
    pixels = np.frombuffer(data, f"<u{layout.bits_allocated // 8}")
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, layout.samples)
    try:
        if layout.samples == 3:
            space = "rgb" if layout.photometric == "RGB" else "ycbcr"
            return bytes(imagecodecs.jpeg8_encode(pixels.reshape(shape), level=_QUALITY, colorspace=space, outcolorspace="ycbcr",
                                                  subsampling="422"))
        if layout.bits_allocated == 8:
            return bytes(imagecodecs.jpeg8_encode(pixels.reshape(shape), level=_QUALITY))
        masked = pixels & ((1 << layout.bits_stored) - 1)
        return bytes(imagecodecs.jpeg8_encode(masked.reshape(shape), level=_QUALITY, bitspersample=12))
    except Exception as error:  # noqa: BLE001  as above
        raise Malformed(f"a frame cannot be encoded ({type(error).__name__})", "PixelData") from None


def photometric(transfer_syntax: str, layout: Layout) -> str:
    """The Photometric Interpretation of what `encode` makes (PS3.5 8.2)."""
    return LOSSLESS[transfer_syntax].photometric if layout.photometric == "RGB" else layout.photometric


def _bits(pixels: Pixels, layout: Layout) -> int:
    """Bits Stored when all values fit into them; else all bits, so that nothing is lost that lies above (PS3.5 8.1.1)."""
    stored = layout.bits_stored
    if not 1 < stored < layout.bits_allocated or not pixels.size:
        return layout.bits_allocated
    low, high = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if layout.signed else (0, (1 << stored) - 1)
    return stored if low <= int(pixels.min()) and int(pixels.max()) <= high else layout.bits_allocated


def _rle(pixels: Pixels, layout: Layout, bits: int) -> bytes:
    """PS3.5 Annex G: a segment for each byte of each sample, the most significant first; each row by itself (G.3.1)."""
    width = layout.bits_allocated // 8
    octets = pixels.view(np.uint8).reshape(layout.rows, layout.columns, layout.samples, width)
    segments = []
    for sample in range(layout.samples):
        for place in reversed(range(width)):
            packed = imagecodecs.packbits_encode(octets[:, :, sample, place].copy(), axis=-1)
            segments.append(packed + b"\0" * (len(packed) % 2))
    starts, at = [], 64
    for segment in segments:
        starts.append(at)
        at += len(segment)
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


def _unsigned(pixels: Pixels) -> Pixels:
    """JPEG and JPEG-LS know no sign: the bits as they are (PS3.5 8.2.1, 8.2.3)."""
    return pixels.view(pixels.dtype.str.replace("i", "u"))


def _jpeg_lossless(pixels: Pixels, layout: Layout, bits: int) -> bytes:
    """Process 14, Selection Value 1. Colour as it is: no transform is named in the data set."""
    if layout.samples == 3:
        return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, colorspace="rgb", outcolorspace="rgb"))
    bits = layout.bits_allocated if layout.signed else max(bits, 2 if layout.bits_allocated == 8 else 9)
    return bytes(imagecodecs.jpeg8_encode(_unsigned(pixels), lossless=True, predictor=1, bitspersample=bits))


def _jpeg_ls(pixels: Pixels, layout: Layout, bits: int) -> bytes:
    return bytes(imagecodecs.jpegls_encode(_unsigned(pixels)))


def _jpeg_2000(pixels: Pixels, layout: Layout, bits: int) -> bytes:
    colour = layout.photometric == "RGB"
    return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, bitspersample=bits, mct=colour))


def _htj2k(pixels: Pixels, layout: Layout, bits: int, **options: Any) -> bytes:
    """OpenJPH. It states 16 bits whatever there are; the bits that are used are written over that, as decoders expect them."""
    if layout.samples == 3:
        return bytes(imagecodecs.htj2k_encode(pixels, reversible=True, rgb=layout.photometric == "RGB", **options))
    if bits == layout.bits_allocated:
        return bytes(imagecodecs.htj2k_encode(pixels, reversible=True, **options))
    # T.800 G.1: unsigned samples are shifted by half their range, signed ones are not; so those of fewer bits are shifted here.
    signed = pixels.astype(np.int16)
    if not layout.signed:
        signed -= 1 << (bits - 1)
    coded = bytearray(imagecodecs.htj2k_encode(signed, reversible=True, **options))
    coded[_SSIZ] = (bits - 1) | (0x80 if layout.signed else 0)
    return bytes(coded)


def _htj2k_rpcl(pixels: Pixels, layout: Layout, bits: int) -> bytes:
    """PS3.5 10.18: enough decompositions for a thumbnail, and TLM, which tells where each resolution ends: it is a tile-part."""
    levels = decompositions(layout.rows, layout.columns)
    return _htj2k(pixels, layout, bits, resolutions=levels, tlm=True, tilepart=_BY_RESOLUTION)


def decompositions(rows: int, columns: int) -> int:
    """How often an image is halved: so that its shorter side has 64 pixels at most (PS3.5 10.18), and five times at least."""
    levels = 5
    while min(rows, columns) > 64 << levels:
        levels += 1
    return levels


_ENCODERS: dict[Format, Callable[[Pixels, Layout, int], bytes]] = {
    Format.RLE: _rle,
    Format.JPEG_LOSSLESS: _jpeg_lossless,
    Format.JPEG_LS: _jpeg_ls,
    Format.JPEG_2000: _jpeg_2000,
    Format.HTJ2K: _htj2k,
    Format.HTJ2K_RPCL: _htj2k_rpcl,
}
