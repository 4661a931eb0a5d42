"""A whole object in another transfer syntax, nothing of it lost: `objects.possible` says whether, `transcode` does it.

Pixels pass frame by frame; all else is copied byte by byte, but for the facts that a codec changes.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO

from isocenter.codecs import decoding, encoding
from isocenter.codecs.formats import NATIVE
from isocenter.codecs.layout import (
    LOSSY_IMAGE_COMPRESSION,
    LOSSY_IMAGE_COMPRESSION_METHOD,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    Layout,
)
from isocenter.codecs.objects import LARGEST, Object, choose, count, native_size, read
from isocenter.dicom import native, part10, syntaxes
from isocenter.dicom.elements import UNDEFINED, Malformed
from isocenter.dicom.reencoding import EXTENDED_OFFSETS, Element, Writer, element, header
from isocenter.dicom.source import Source

__all__ = ["choose", "compressed_frames", "native_frames", "read", "transcode"]

_PIXEL_DATA = 0x7FE00010
_PIECE = 1 << 20  # bytes of native pixels at once; a multiple of every word
_ITEM = struct.Struct("<HHL")

# Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1)
_METHODS = {"50": "ISO_10918_1", "51": "ISO_10918_1", "81": "ISO_14495_1", "91": "ISO_15444_1", "203": "ISO_15444_15",
            "111": "ISO_18181_1", "112": "ISO_18181_1"}


def transcode(given: Object, target: str, into: BinaryIO) -> None:
    """Write the data set, without file meta information, in a transfer syntax that is `possible`. Raises Malformed."""
    explicit = target != syntaxes.IMPLICIT_VR_LITTLE_ENDIAN
    write, finish = _deflating(into) if target == syntaxes.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN else (into.write, lambda: None)
    content, start, form = part10.data_set(given.source, given.header)
    writer = Writer(content, start, form, explicit=explicit, icons=not (given.encapsulated and target in NATIVE))
    if target not in NATIVE:
        replaced, pixels = _compressed(given, target, into)
    elif given.encapsulated:
        replaced, pixels = _decompressed(given, explicit, write)
    else:
        replaced, pixels = {}, _moved(given, content, explicit, write)
    for part in writer.parts(replaced):
        if isinstance(part, Element):
            pixels(part)
        else:
            write(part)
    finish()


Pixels = Callable[[Element], None]


def _deflating(into: BinaryIO) -> tuple[Callable[[bytes], object], Callable[[], None]]:
    """PS3.5 A.5: raw deflate, padded to an even length."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    written = 0

    def write(data: bytes) -> None:
        nonlocal written
        written += into.write(packer.compress(data))

    def finish() -> None:
        nonlocal written
        written += into.write(packer.flush())
        into.write(b"\0" * (written % 2))

    return write, finish


def _moved(given: Object, content: Source, explicit: bool, write: Callable[[bytes], object]) -> Pixels:
    """Native pixel data as it is, but for the byte order."""
    word = native.word_size(given.header)

    def pixels(each: Element) -> None:
        vr = each.vr if each.tag != _PIXEL_DATA else "OW" if given.layout.bits_allocated > 8 else each.vr
        write(header(each.tag, vr if len(vr) == 2 else "OW", each.length, explicit=explicit))
        for at in range(0, each.length, _PIECE):
            data = content.read_at(each.value + at, min(_PIECE, each.length - at))
            write(native.swapped(data, word))

    return pixels


def _decompressed(given: Object, explicit: bool, write: Callable[[bytes], object]) -> tuple[dict[int, bytes | None], Pixels]:
    layout, syntax = given.layout, given.header.transfer_syntax_uid
    frames = compressed_frames(given)
    first = decoding.decode(syntax, next(frames), layout)
    replaced = _facts(layout, first.photometric, explicit)
    replaced.update(dict.fromkeys(EXTENDED_OFFSETS))
    replaced.update(_loss(given, first.lossy, explicit))

    def pixels(each: Element) -> None:
        size = native_size(given)
        write(header(_PIXEL_DATA, "OW" if layout.bits_allocated > 8 else "OB", size + size % 2, explicit=explicit))
        joined = decoding.Joined(layout)
        write(joined.take(first.data))
        for frame in frames:
            decoded = decoding.decode(syntax, frame, layout)
            if decoded.photometric != first.photometric:
                raise Malformed("the frames are not all coded alike", "PixelData")
            write(joined.take(decoded.data))
        write(joined.rest() + b"\0" * (size % 2))

    return replaced, pixels


def _loss(given: Object, lossy: bool, explicit: bool) -> dict[int, bytes | None]:
    """That something was lost, which nothing else would tell any more (PS3.3 C.7.6.1.1.5)."""
    if not lossy or given.layout.lossy:
        return {}
    facts: dict[int, bytes | None] = {
        LOSSY_IMAGE_COMPRESSION: element(LOSSY_IMAGE_COMPRESSION, "CS", b"01", explicit=explicit)
    }
    if method := _METHODS.get(given.header.transfer_syntax_uid.rpartition(".")[2]):
        value = method.encode("ascii")
        facts[LOSSY_IMAGE_COMPRESSION_METHOD] = element(LOSSY_IMAGE_COMPRESSION_METHOD, "CS", value, explicit=explicit)
    return facts


def compressed_frames(given: Object, first: int = 0) -> Iterator[bytes]:
    """The compressed frames, one after the other, from `first` on (counted from 0)."""
    frames = given.header.frames or ()
    for number in range(first, len(frames)):
        frame = frames[number]
        yield b"".join([given.source.read_at(offset, length) for offset, length in frame])


def _facts(layout: Layout, photometric: str, explicit: bool) -> dict[int, bytes | None]:
    """What a codec changes: PS3.5 8.2."""
    facts: dict[int, bytes | None] = {
        PHOTOMETRIC_INTERPRETATION: element(PHOTOMETRIC_INTERPRETATION, "CS", photometric.encode("ascii"), explicit=explicit)
    }
    if layout.samples > 1:
        facts[PLANAR_CONFIGURATION] = element(PLANAR_CONFIGURATION, "US", b"\0\0", explicit=explicit)
    return facts


def _compressed(given: Object, target: str, into: BinaryIO) -> tuple[dict[int, bytes | None], Pixels]:
    frames = native_frames(given)
    first, layout = next(frames)
    replaced = _facts(layout, encoding.photometric(target, layout), True)
    replaced.update(dict.fromkeys(EXTENDED_OFFSETS))
    replaced.update(_loss(given, layout.lossy, True))

    def pixels(each: Element) -> None:
        """PS3.5 A.4: a Basic Offset Table and a fragment a frame."""
        into.write(header(_PIXEL_DATA, "OB", UNDEFINED, explicit=True))
        entries = count(given)
        into.write(_ITEM.pack(0xFFFE, 0xE000, 4 * entries) + bytes(4 * entries))
        begin = into.tell()
        table = [_fragment(into, begin, encoding.encode(target, first, layout))]
        table += [_fragment(into, begin, encoding.encode(target, frame, layout)) for frame, _ in frames]
        into.write(_ITEM.pack(0xFFFE, 0xE0DD, 0))
        end = into.tell()
        into.seek(begin - 4 * entries)
        into.write(struct.pack(f"<{entries}L", *table))
        into.seek(end)

    return replaced, pixels


def _fragment(into: BinaryIO, begin: int, data: bytes) -> int:
    at = into.tell() - begin
    if at > LARGEST:
        raise Malformed("more than 4 GB of compressed frames", "PixelData")
    into.write(_ITEM.pack(0xFFFE, 0xE000, len(data) + len(data) % 2) + data + b"\0" * (len(data) % 2))
    return at


def native_frames(given: Object, first: int = 0) -> Iterator[tuple[bytes, Layout]]:
    """The frames from `first` on, little endian, samples of a pixel side by side, each with what it is. Raises Malformed."""
    layout, syntax = given.layout, given.header.transfer_syntax_uid
    if given.encapsulated:
        for frame in compressed_frames(given, first):
            decoded = decoding.decode(syntax, frame, layout)
            yield decoded.data, replace(layout, photometric=decoded.photometric, planar=False, lossy=decoded.lossy)
        return
    content, _, _ = part10.data_set(given.source, given.header)
    pixels, size, word = given.header.pixels, layout.frame_bytes, native.word_size(given.header)
    assert pixels is not None
    for number in range(first, layout.frames):
        start = number * size // word * word
        data = native.swapped(content.read_at(pixels.offset + start, -(-(number * size + size) // word) * word - start), word)
        data = data[number * size - start :][:size]
        if len(data) < size:
            raise Malformed("the pixel data does not hold this frame", "PixelData")
        yield decoding.interleaved(data, layout), layout
