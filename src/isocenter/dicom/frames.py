"""Where each frame of the pixel data lies. A fragment is not a frame (PS3.5 Annex A.4).

A table is either native (first offset, bytes a frame, count) or a list of fragments, each frame a run of them. It is kept encoded
in the index, so that a frame is served by byte range without another look into the object.
"""

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

Fragment = tuple[int, int]  # offset in the file of the first byte after the item header, length in bytes
Frame = tuple[Fragment, ...]

_NATIVE = struct.Struct("<BBQQI")  # kind, flags, first offset, frame length, number of frames
_ENCAPSULATED = struct.Struct("<BBIQ")  # kind, flags, number of frames, number of fragments
_KIND_NATIVE, _KIND_ENCAPSULATED = 1, 2
_STREAM, _SINGLES = 1, 2  # flags: not addressable; every frame is one fragment, so that no list of first fragments is kept


class FrameTable(Sequence[Frame]):
    """Per frame, counted from 0, the fragments (file offset, length) whose bytes one after the other are the frame.

    addressable: False when the entries are not frames that could be fetched alone: a video stream, bits packed across frame
    borders, or fragments that nothing assigns to frames. There is one entry then, with all of the pixel data.
    """

    __slots__ = ("_count", "_firsts", "_frame_length", "_lengths", "_offset", "_offsets", "addressable")

    def __init__(
        self,
        *,
        offset: int = 0,
        frame_length: int = 0,
        count: int = 0,
        offsets: "array[int] | None" = None,
        lengths: "array[int] | None" = None,
        firsts: "array[int] | None" = None,
        addressable: bool = True,
    ) -> None:
        self._offset = offset
        self._frame_length = frame_length
        self._count = count
        self._offsets = offsets
        self._lengths = lengths
        self._firsts = firsts  # index of each frame's first fragment; None when frame i is fragment i
        self.addressable = addressable

    @classmethod
    def native(cls, offset: int, frame_length: int, count: int, *, addressable: bool = True) -> "FrameTable":
        """Return the table of `count` frames of `frame_length` bytes one after the other."""
        return cls(offset=offset, frame_length=frame_length, count=count, addressable=addressable)

    @classmethod
    def encapsulated(
        cls, offsets: "array[int]", lengths: "array[int]", firsts: "array[int] | None" = None, *, addressable: bool = True
    ) -> "FrameTable":
        """Return the table over fragments; firsts: index of each frame's first fragment, None when each fragment is a frame."""
        count = len(offsets) if firsts is None else len(firsts)
        return cls(count=count, offsets=offsets, lengths=lengths, firsts=firsts, addressable=addressable)

    @property
    def contiguous(self) -> bool:
        """True for native pixel data: no fragments, the frames lie one after the other."""
        return self._offsets is None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Frame, ...]: ...
    def __getitem__(self, index: int | slice) -> Frame | tuple[Frame, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(self._count)))
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(index)
        if self._offsets is None or self._lengths is None:
            return ((self._offset + index * self._frame_length, self._frame_length),)
        first, last = index, index + 1
        if self._firsts is not None:
            first = self._firsts[index]
            last = self._firsts[index + 1] if index + 1 < self._count else len(self._offsets)
        return tuple(zip(self._offsets[first:last], self._lengths[first:last], strict=True))

    def __iter__(self) -> Iterator[Frame]:
        return (self[i] for i in range(self._count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrameTable) and self.encode() == other.encode()

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        return f"FrameTable({self._count} frames{'' if self.addressable else ', not addressable'})"

    def encode(self) -> bytes:
        """Return the table as bytes, little endian: 22 bytes when native, 16 bytes a fragment (and 8 a frame) otherwise."""
        flags = 0 if self.addressable else _STREAM
        if self._offsets is None or self._lengths is None:
            return _NATIVE.pack(_KIND_NATIVE, flags, self._offset, self._frame_length, self._count)
        parts = [self._offsets, self._lengths]
        if self._firsts is None:
            flags |= _SINGLES
        else:
            parts.append(self._firsts)
        head = _ENCAPSULATED.pack(_KIND_ENCAPSULATED, flags, self._count, len(self._offsets))
        return head + b"".join(little_endian(part).tobytes() for part in parts)

    @classmethod
    def decode(cls, data: bytes) -> "FrameTable":
        """Return the table that `encode` wrote; ValueError when these are not such bytes."""
        try:
            if data[0] == _KIND_NATIVE:
                _, flags, offset, frame_length, count = _NATIVE.unpack(data)
                return cls.native(offset, frame_length, count, addressable=not flags & _STREAM)
            kind, flags, count, fragments = _ENCAPSULATED.unpack_from(data)
        except (struct.error, IndexError) as error:
            raise ValueError("not an encoded frame table") from error
        start, size = _ENCAPSULATED.size, 8 * fragments
        expected = start + 2 * size + (0 if flags & _SINGLES else 8 * count)
        if kind != _KIND_ENCAPSULATED or len(data) != expected or (flags & _SINGLES and count != fragments):
            raise ValueError("not an encoded frame table")
        return cls(
            count=count,
            offsets=_array(data[start : start + size]),
            lengths=_array(data[start + size : start + 2 * size]),
            firsts=None if flags & _SINGLES else _array(data[start + 2 * size :]),
            addressable=not flags & _STREAM,
        )


def _array(data: bytes) -> "array[int]":
    values = array("Q")
    values.frombytes(data)
    return little_endian(values)


def little_endian(values: "array[int]") -> "array[int]":
    """Return the values in, or from, little endian order."""
    if sys.byteorder == "little":
        return values
    swapped = values[:]
    swapped.byteswap()
    return swapped
