"""What the processes of the pool do: one frame, or one whole object, in another transfer syntax."""

import os
from dataclasses import replace

import numpy as np

from isocenter.codecs import decoding, encoding
from isocenter.codecs.formats import LOSSY, NATIVE, READ
from isocenter.codecs.layout import Layout
from isocenter.codecs.transcoding import read, transcode
from isocenter.dicom import meta
from isocenter.dicom.source import FileSource


def frame(data: bytes, layout: Layout, stored: str, target: str) -> bytes:
    """A frame as it is stored (native ones little endian, beginning at a byte) in another transfer syntax. Raises Malformed.

    Native frames have the planes that the data set says; what was compressed as YBR by JPEG or JPEG 2000 is RGB then.
    """
    if stored in READ:
        decoded = decoding.decode(stored, data, layout)
        native, layout = decoded.data, replace(layout, photometric=decoded.photometric)
    else:
        native = decoding.interleaved(data, layout)
    if target in NATIVE:
        return _planes(native, layout) if layout.planar else native
    layout = replace(layout, planar=False)
    return encoding.reduce(native, layout) if target in LOSSY else encoding.encode(target, native, layout)


def _planes(data: bytes, layout: Layout) -> bytes:
    """Planar Configuration 1 (PS3.3 C.7.6.3.1.3)."""
    pixels = np.frombuffer(data, f"<u{layout.bits_allocated // 8}").reshape(-1, layout.samples)
    return np.ascontiguousarray(pixels.T).tobytes()


def whole(source: int, size: int, target: str, into: int) -> bytes:
    """An object, in the file `source`, as a Part 10 file in a transfer syntax that is possible. Raises Malformed, OSError."""
    given = read(FileSource(source, size))
    header = given.header
    with os.fdopen(os.dup(into), "w+b") as file:
        file.write(meta.file_meta(header.sop_class_uid, header.sop_instance_uid, target))
        transcode(given, target, file)
    return b""
