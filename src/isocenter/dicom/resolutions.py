"""How much of each frame is needed for a smaller picture of it: High-Throughput JPEG 2000 in RPCL order (PS3.5 10.18).

A frame is its resolutions one after the other, the smallest first; each is twice as wide as the one before. So the beginning of a
frame is a picture by itself, and what follows only makes it finer.
"""

import re
import struct
from array import array
from dataclasses import dataclass

from isocenter.dicom.frames import little_endian

_HEAD = struct.Struct("<BIIB")  # kind, rows, columns, decompositions
_KIND = 1
_FRAME_SIZE = re.compile(r"([0-9]{1,6}),([0-9]{1,6})(?:,(round-up|round-down|closest))?")

Size = tuple[int, int]  # columns, rows


@dataclass(frozen=True, slots=True)
class FrameSize:
    """A wish for a picture of about that size: `fsiz` of JPIP (ISO/IEC 15444-9 C.4.2), columns first."""

    columns: int
    rows: int
    rounding: str = "round-down"

    @classmethod
    def parse(cls, text: str) -> "FrameSize":
        """Read "256,256" or "256,256,round-up". Raises ValueError."""
        match = _FRAME_SIZE.fullmatch(text)
        if match is None or not int(match[1]) or not int(match[2]):
            raise ValueError("not a frame size")
        return cls(int(match[1]), int(match[2]), match[3] or "round-down")


@dataclass(frozen=True, slots=True)
class Resolutions:
    """Of all frames of an instance, which have one size. prefixes: frame by frame the bytes of each resolution but the full one.

    `reduction` counts halvings: 0 is the full resolution, `decompositions` the smallest.
    """

    rows: int
    columns: int
    decompositions: int
    prefixes: "array[int]"

    def size(self, reduction: int) -> Size:
        """(columns, rows) after so many halvings (ITU-T T.800 B.5: each rounds up)."""
        return -(-self.columns >> reduction), -(-self.rows >> reduction)

    def reduction(self, wanted: FrameSize) -> int:
        """Which one comes next to a wish; the smallest when even that is too large."""
        sizes = [self.size(reduction) for reduction in range(self.decompositions + 1)]
        if wanted.rounding == "closest":
            return min(range(len(sizes)), key=lambda each: abs(sizes[each][0] * sizes[each][1] - wanted.columns * wanted.rows))
        if wanted.rounding == "round-up":
            enough = (each for each in reversed(range(len(sizes))) if _covers(sizes[each], wanted))
            return next(enough, 0)
        fitting = (each for each in range(len(sizes)) if sizes[each][0] <= wanted.columns and sizes[each][1] <= wanted.rows)
        return next(fitting, self.decompositions)

    def prefix(self, frame: int, reduction: int) -> int:
        """Bytes from the beginning of a frame (counted from 0) that a picture of this resolution needs; not for the full one."""
        if not 0 < reduction <= self.decompositions:
            raise IndexError(reduction)
        return self.prefixes[frame * self.decompositions + self.decompositions - reduction]

    def encode(self) -> bytes:
        """As bytes: 10, and 4 for each frame and resolution."""
        return _HEAD.pack(_KIND, self.rows, self.columns, self.decompositions) + little_endian(self.prefixes).tobytes()

    @classmethod
    def decode(cls, data: bytes) -> "Resolutions":
        """What `encode` wrote; ValueError when these are not such bytes."""
        if len(data) < _HEAD.size or data[0] != _KIND or (len(data) - _HEAD.size) % 4:
            raise ValueError("no encoded resolutions")
        _, rows, columns, decompositions = _HEAD.unpack_from(data)
        prefixes = array("I")
        prefixes.frombytes(data[_HEAD.size :])
        if decompositions and len(prefixes) % decompositions:
            raise ValueError("no encoded resolutions")
        return cls(rows, columns, decompositions, little_endian(prefixes))


def _covers(size: Size, wanted: FrameSize) -> bool:
    return size[0] >= wanted.columns and size[1] >= wanted.rows
