"""Rectangles of a picture made black in every frame, all else without loss: text that was burned in (PS3.15 E.3.1)."""

import os
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from isocenter.codecs.formats import LOSSLESS
from isocenter.codecs.layout import SUBSAMPLED, Layout
from isocenter.codecs.objects import possible, read
from isocenter.codecs.transcoding import transcode
from isocenter.dicom import meta, syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import FileSource

Rectangle = tuple[int, int, int, int]  # column, row (from 0), columns, rows
_NATIVE = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
_PIXEL_DATA = 0x7FE00010


def blackened(source: int, size: int, rectangles: Sequence[Rectangle], into: int) -> bytes:
    """A Part 10 file in `source` as one in `into` whose rectangles are black, in all frames.

    It keeps its transfer syntax when that has no loss; of a lossy one the decoded pixels are kept as they are, uncompressed, and
    Lossy Image Compression says so (PS3.3 C.7.6.1.1.5). Raises Malformed, OSError.
    """
    given = read(FileSource(source, size))
    stored = syntaxes.get(given.header.transfer_syntax_uid)
    if not possible(given, _NATIVE):
        raise Malformed("its pixels cannot be decoded here, so nothing in them can be made black", "PixelData")
    with os.fdopen(os.dup(into), "w+b") as file, tempfile.TemporaryFile(dir=_beside(into)) as scratch:
        again = given.encapsulated and stored is not None and not stored.lossy and stored.uid in LOSSLESS
        native = scratch if again else file
        native.write(meta.file_meta(given.header.sop_class_uid, given.header.sop_instance_uid, _NATIVE))
        transcode(given, _NATIVE, native)
        native.flush()
        _blacken(native.fileno(), native.tell(), rectangles)
        if again:
            made = read(FileSource(native.fileno()))
            target = given.header.transfer_syntax_uid
            if not possible(made, target):
                raise Malformed("its pixels cannot be compressed again without loss", "PixelData")
            file.write(meta.file_meta(given.header.sop_class_uid, given.header.sop_instance_uid, target))
            transcode(made, target, file)
    return b""


def _beside(fd: int) -> str | None:
    """The folder of a file, where there is room for another; the usual one for a file in memory."""
    folder = os.path.dirname(os.readlink(f"/proc/self/fd/{fd}"))
    return folder if os.path.isdir(folder) else None


def _blacken(fd: int, size: int, rectangles: Sequence[Rectangle]) -> None:
    given = read(FileSource(fd, size))
    layout, pixels = given.layout, given.header.pixels
    if pixels is None or pixels.tag != _PIXEL_DATA or pixels.length is None:
        raise Malformed("it has no pixels of a kind that can be made black", "PixelData")
    if layout.photometric in SUBSAMPLED or layout.bits_allocated not in (8, 16, 32):
        raise Malformed(f"pixels of {layout.bits_allocated} bits ({layout.photometric}) are not made black here", "PixelData")
    if layout.frame_bytes * layout.frames > pixels.length:
        raise Malformed("the pixel data does not hold its frames", "PixelData")
    black = np.array(_black(layout), f"<i{layout.bits_allocated // 8}" if layout.signed else f"<u{layout.bits_allocated // 8}")
    shape: tuple[int, ...] = (layout.rows, layout.columns, layout.samples)
    if layout.planar:
        shape = (layout.samples, layout.rows, layout.columns)
    for number in range(layout.frames):
        at = pixels.offset + number * layout.frame_bytes
        frame = np.frombuffer(bytearray(os.pread(fd, layout.frame_bytes, at)), black.dtype).reshape(shape)
        for column, row, columns, rows in rectangles:
            _paint(frame, (slice(row, row + rows), slice(column, column + columns)), black, planar=layout.planar)
        os.pwrite(fd, frame.tobytes(), at)


def _paint(frame: Any, where: tuple[slice, slice], black: Any, *, planar: bool) -> None:
    if planar:
        frame[(slice(None), *where)] = black[:, None, None]
    else:
        frame[where] = black


def _black(layout: Layout) -> list[int]:
    """What is shown darkest, as far as the pixels alone say."""
    if layout.samples == 3:
        middle = 1 << (layout.bits_stored - 1)
        return [0, middle, middle] if layout.photometric.startswith("YBR") else [0, 0, 0]
    least, most = 0, (1 << layout.bits_stored) - 1
    if layout.signed:
        least, most = -(1 << (layout.bits_stored - 1)), (1 << (layout.bits_stored - 1)) - 1
    return [most if layout.photometric == "MONOCHROME1" else least] * layout.samples
