"""From fragments to frames: which bytes of the pixel data are which frame (PS3.5 Annex A.4).

The offset tables say so when they are there and right. When they are not, the number of fragments or the first and last bytes of
each fragment tell. When nothing tells, the table says that too, rather than a frame being served that is none.
"""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from .elements import EXPLICIT_LITTLE, ITEM, SEQUENCE_END, UNDEFINED, Malformed, Window, name, truncated
from .frames import FrameTable

# 64 MB of table. A whole slide image of 100,000 x 100,000 pixels in tiles of 256 has 150,000 of them.
MAX_FRAGMENTS = 4_000_000
# Fragments are mostly longer than a window: reading on after an item header would read pixels for nothing.
_AHEAD = 4096

_START_OF_FRAME = (
    b"\xff\xd8\xff",  # JPEG and JPEG-LS: SOI and the next marker
    b"\xff\x4f\xff\x51",  # JPEG 2000 and HTJ2K: SOC, SIZ
    b"\x00\x00\x00\x0cjP  ",  # JP2 box file, which some writers encapsulate
    b"\xff\x0a",  # JPEG XL codestream
    b"\x00\x00\x00\x0cJXL ",  # JPEG XL container
)
_END_OF_FRAME = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_RLE_HEADER = struct.Struct("<16L")


@dataclass(frozen=True, slots=True)
class Fragments:
    """The items of an encapsulated value.

    basic: value of the Basic Offset Table. offsets, lengths: of each fragment's bytes. end: file offset after the value.
    closed: whether a Sequence Delimitation Item was there.
    """

    basic: bytes
    offsets: "array[int]"
    lengths: "array[int]"
    end: int
    closed: bool


def walk(window: Window, position: int, tag: int) -> Fragments:
    """Return the fragments of the encapsulated value of `tag` that begins at `position`. Malformed when it is cut short."""
    offsets, lengths = array("Q"), array("Q")
    basic: bytes | None = None
    size = window.size
    while position < size:
        found, length = window.item(position, EXPLICIT_LITTLE, _AHEAD)
        position += 8
        if found == SEQUENCE_END:
            return Fragments(basic or b"", offsets, lengths, position, True)
        if found != ITEM or length == UNDEFINED:
            raise Malformed("encapsulated pixel data holds something that is not a fragment", name(tag))
        if length > size - position:
            raise truncated(name(tag))
        if basic is None:  # PS3.5 A.4: the first item is the Basic Offset Table, empty or not
            basic = window.take(position, min(length, 4 * MAX_FRAGMENTS), name(tag))
        else:
            offsets.append(position)
            lengths.append(length)
            if len(offsets) > MAX_FRAGMENTS:
                raise Malformed(f"pixel data has more than {MAX_FRAGMENTS} fragments", name(tag))
        position += length
    return Fragments(basic or b"", offsets, lengths, size, False)


def encapsulated_table(
    window: Window,
    fragments: Fragments,
    number_of_frames: int,
    *,
    stream: bool,
    rle: bool,
    extended_offsets: bytes = b"",
) -> tuple[FrameTable, tuple[str, ...]]:
    """Return the frame table of encapsulated pixel data, and what was tolerated.

    stream: a video, whose frames cannot be fetched alone. rle: RLE Lossless, whose frames are known by their header.
    extended_offsets: value of the Extended Offset Table (7FE0,0001).
    """
    warnings: list[str] = []
    offsets, lengths = fragments.offsets, fragments.lengths
    if not offsets:
        return FrameTable.encapsulated(offsets, lengths), ("pixel data is empty",)
    if stream:
        return FrameTable.encapsulated(offsets, lengths, array("Q", [0]), addressable=False), ()
    for table, form, called in ((extended_offsets, "Q", "Extended Offset Table"), (fragments.basic, "L", "Basic Offset Table")):
        if table:
            firsts = _by_table(_numbers(table, form), offsets, number_of_frames)
            if firsts is not None:
                return _table(offsets, lengths, firsts), tuple(warnings)
            warnings.append(f"{called} is wrong and was not used")
    firsts = _by_content(window, fragments, number_of_frames, rle)
    if firsts is None:
        warnings.append("nothing tells which fragments belong to which frame")
        return FrameTable.encapsulated(offsets, lengths, array("Q", [0]), addressable=False), tuple(warnings)
    if len(firsts) < number_of_frames:
        warnings.append("pixel data has fewer frames than Number of Frames says")
    return _table(offsets, lengths, firsts), tuple(warnings)


def _table(offsets: "array[int]", lengths: "array[int]", firsts: Sequence[int]) -> FrameTable:
    if len(firsts) == len(offsets):
        return FrameTable.encapsulated(offsets, lengths)
    return FrameTable.encapsulated(offsets, lengths, array("Q", firsts))


def _numbers(table: bytes, form: str) -> tuple[int, ...]:
    count = len(table) // struct.calcsize("<" + form)
    return struct.unpack_from(f"<{count}{form}", table)


def _by_table(table: tuple[int, ...], offsets: "array[int]", number_of_frames: int) -> Sequence[int] | None:
    """Return each frame's first fragment from an offset table, or None when the table is not right.

    Right is: one entry a frame, the first 0, each the place of an item, counted from the first item after the Basic Offset Table.
    """
    if len(table) != number_of_frames or table[0] != 0:
        return None
    start = offsets[0]
    firsts = array("Q")
    index, count = 0, len(offsets)
    for entry in table:
        wanted = start + entry
        while index < count and offsets[index] < wanted:
            index += 1
        if index == count or offsets[index] != wanted:
            return None
        firsts.append(index)
        index += 1
    return firsts


def _by_content(window: Window, fragments: Fragments, number_of_frames: int, rle: bool) -> Sequence[int] | None:
    """Return each frame's first fragment from the number of fragments, or from their first or last bytes."""
    count = len(fragments.offsets)
    if number_of_frames == 1:
        return (0,)
    if count == number_of_frames:
        return range(count)
    starts = [i for i in range(count) if _begins_frame(window, fragments.offsets[i], fragments.lengths[i], rle)]
    if starts and starts[0] == 0 and (len(starts) == number_of_frames or len(starts) == count < number_of_frames):
        return starts
    if rle:
        return None
    ends = [i for i in range(count) if _ends_frame(window, fragments.offsets[i], fragments.lengths[i])]
    if len(ends) == number_of_frames and ends[-1] == count - 1:
        return [0, *(i + 1 for i in ends[:-1])]
    return None


def _begins_frame(window: Window, offset: int, length: int, rle: bool) -> bool:
    at = window.seek(offset, min(length, 64), _AHEAD)
    head = window.buffer[at : at + min(length, 64)]
    if not rle:
        return head.startswith(_START_OF_FRAME)
    if len(head) < 64:
        return False
    # PS3.5 G.5: number of segments (1 to 15), then their offsets, ascending from 64, then zeros
    segments, *starts = _RLE_HEADER.unpack(head)
    used, unused = starts[:segments], starts[segments:]
    return 1 <= segments <= 15 and used[0] == 64 and used == sorted(used) and not any(unused)


def _ends_frame(window: Window, offset: int, length: int) -> bool:
    tail = window.take(offset + length - min(length, 4), min(length, 4))
    return tail.rstrip(b"\x00").endswith(_END_OF_FRAME)


def ends_whole(window: Window, fragments: Fragments) -> bool:
    """Say whether the last fragment ends as a compressed frame does: then only the delimiter after it is missing."""
    return bool(fragments.offsets) and _ends_frame(window, fragments.offsets[-1], fragments.lengths[-1])


def native_table(
    offset: int, length: int, *, rows: int, columns: int, samples: int, bits: int, photometric: str, number_of_frames: int
) -> tuple[FrameTable, tuple[str, ...]]:
    """Return the frame table of native pixel data of `length` bytes at `offset`, and what was tolerated."""
    # PS3.3 C.7.6.3.1.2: chrominance is shared by two pixels (422) or by four (420)
    samples_halved = {"YBR_FULL_422": 4, "YBR_PARTIAL_422": 4, "YBR_PARTIAL_420": 3}.get(photometric, 2 * samples)
    frame_bits = rows * columns * samples_halved * bits // 2
    if not frame_bits or not length:
        return FrameTable.native(offset, length, 1 if length else 0), ("pixel data without Rows, Columns or Bits Allocated",)
    total = (frame_bits * number_of_frames + 7) // 8
    if total > length:
        # An uncompressed 4:2:2 image may be stored in full, and the other way round; the archive serves what is there.
        frame_length = frame_bits // 8
        whole = length // frame_length if frame_length and frame_bits % 8 == 0 else 0
        return FrameTable.native(offset, frame_length, whole), ("pixel data is shorter than its frames",)
    warnings = ("pixel data is longer than its frames",) if length > total + total % 2 else ()
    if frame_bits % 8 and number_of_frames > 1:
        # PS3.5 8.1.1: bits are packed without padding between frames
        return FrameTable.native(offset, total, 1, addressable=False), warnings
    return FrameTable.native(offset, (frame_bits + 7) // 8, number_of_frames), warnings
