"""Frame tables: which bytes are which frame, on real files against pydicom and on fragments of every kind."""

import csv
import struct
from array import array
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames

from isocenter.dicom import fragments, part10
from isocenter.dicom.frames import FrameTable
from isocenter.dicom.part10 import Malformed, scan
from isocenter.dicom.source import BytesSource, FileSource
from objects import data_set, element

JPEG, J2K, RLE, MPEG4 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.102"
NATIVE, DEFLATED_FRAMES = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.8.1"

# pydicom takes another view of these, or none.
NO_REFERENCE = {
    "pathological/GH1339.dcm",  # no delimiter: pydicom does not read the pixel data
    "pathological/emri_small_jpeg_2k_lossless_too_short.dcm",  # the same
}


def item(value: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(value)) + value


def file_of(
    fragments: list[bytes],
    *,
    frames: int | None = None,
    basic: list[int] | None = None,
    syntax: str = JPEG,
    extended: list[int] | None = None,
    closed: bool = True,
) -> bytes:
    """A file with encapsulated pixel data."""
    content = data_set(pixels=0, **({} if frames is None else {"NumberOfFrames": str(frames)}))
    if extended is not None:
        content += struct.pack(f"<HH2sHI{len(extended)}Q", 0x7FE0, 0x0001, b"OV", 0, 8 * len(extended), *extended)
    content += struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    content += item(struct.pack(f"<{len(basic or [])}I", *(basic or [])))
    content += b"".join(item(fragment) for fragment in fragments)
    if closed:
        content += b"\xfe\xff\xdd\xe0\0\0\0\0"
    return part10.file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", syntax) + content


def frames_of(file: bytes) -> tuple[list[bytes], tuple[str, ...], bool]:
    """The bytes of each frame, what was tolerated, and whether the frames can be fetched alone."""
    header = scan(BytesSource(file))
    assert header.frames is not None
    frames = [b"".join(file[offset : offset + length] for offset, length in frame) for frame in header.frames]
    return frames, header.warnings, header.frames.addressable


def jpeg(body: bytes) -> bytes:
    return b"\xff\xd8\xff" + body + b"\xff\xd9"


def rle(body: bytes) -> bytes:
    return struct.pack("<16L", 1, 64, *[0] * 14) + body


A, B, C = jpeg(b"aaaaa"), jpeg(b"bbbbbbb"), jpeg(b"ccc")


@pytest.mark.filterwarnings("ignore")
def test_frames_of_every_encapsulated_file_are_those_of_pydicom(data: Path) -> None:
    checked = 0
    with open(data / "MANIFEST.csv", newline="") as manifest:
        paths = [row["path"] for row in csv.DictReader(manifest)]
    for path in paths:
        with open(data / path, "rb") as file:
            try:
                header = scan(FileSource(file.fileno()))
            except Malformed:
                continue
            if header.frames is None or header.pixels is None or header.pixels.length is not None or path in NO_REFERENCE:
                continue
            content = (data / path).read_bytes()
        ours = [b"".join(content[offset : offset + length] for offset, length in frame) for frame in header.frames]
        if "GH364" in path or "GH177" in path:
            continue
        pixels = pydicom.dcmread(data / path, force=True).PixelData
        assert ours == list(generate_frames(pixels, number_of_frames=header.number_of_frames)), path
        assert len(ours) == header.number_of_frames and header.frames.addressable, path
        checked += 1
    assert checked > 90


def test_single_frame_in_many_fragments() -> None:
    frames, warnings, _ = frames_of(file_of([A[:3], A[3:6], A[6:]]))
    assert frames == [A] and warnings == ()


def test_one_fragment_a_frame_without_offset_table() -> None:
    assert frames_of(file_of([A, B, C], frames=3)) == ([A, B, C], (), True)


def test_basic_offset_table_with_split_frames() -> None:
    fragments = [A[:4], A[4:], B, C[:2], C[2:]]
    starts, at = [], 0
    for fragment in fragments:
        starts.append(at)
        at += 8 + len(fragment)
    table = [starts[0], starts[2], starts[3]]
    assert frames_of(file_of(fragments, frames=3, basic=table)) == ([A, B, C], (), True)


@pytest.mark.parametrize("table", [[0, 1, 2], [8, 20, 30], [0], [0, 10, 5], [0, 0, 0], [0, 4_000_000_000, 4_000_000_001]])
def test_a_wrong_basic_offset_table_is_not_used(table: list[int]) -> None:
    frames, warnings, _ = frames_of(file_of([A, B, C], frames=3, basic=table))
    assert frames == [A, B, C] and warnings == ("Basic Offset Table is wrong and was not used",)


def test_extended_offset_table() -> None:
    table = [0, 8 + len(A), 16 + len(A) + len(B)]
    assert frames_of(file_of([A, B, C], frames=3, extended=table)) == ([A, B, C], (), True)
    frames, warnings, _ = frames_of(file_of([A, B, C], frames=3, extended=[0, 3, 5]))
    assert frames == [A, B, C] and warnings == ("Extended Offset Table is wrong and was not used",)


def test_split_frames_without_table_are_told_by_their_start_or_end() -> None:
    fragments = [A[:5], A[5:], B[:5], B[5:], C]
    assert frames_of(file_of(fragments, frames=3)) == ([A, B, C], (), True)
    # no start of frame that we know, but ends
    odd = [b"\x01\x02" + f[2:] if f[:2] == b"\xff\xd8" else f for f in fragments]
    frames, _, addressable = frames_of(file_of(odd, frames=3))
    assert [f[2:] for f in frames] == [A[2:], B[2:], C[2:]] and addressable


def test_jpeg_2000_and_padding_after_the_end_of_a_frame() -> None:
    one, two = b"\xff\x4f\xff\x51abc\xff\xd9\x00", b"\xff\x4f\xff\x51defgh\xff\xd9\x00\x00"
    assert frames_of(file_of([one[:6], one[6:], two], frames=2, syntax=J2K))[0] == [one, two]


def test_rle_frames_are_told_by_their_header() -> None:
    one, two = rle(b"first frame "), rle(b"second ")
    fragments = [one[:70], one[70:], two]
    assert frames_of(file_of(fragments, frames=2, syntax=RLE)) == ([one, two], (), True)


def test_fragments_that_nothing_assigns_are_one_entry() -> None:
    frames, warnings, addressable = frames_of(file_of([b"ab", b"cd", b"ef"], frames=2, syntax=DEFLATED_FRAMES))
    assert frames == [b"abcdef"] and not addressable
    assert warnings == ("nothing tells which fragments belong to which frame",)


def test_deflated_frames_are_encapsulated() -> None:
    assert frames_of(file_of([b"ab", b"cdef"], frames=2, syntax=DEFLATED_FRAMES)) == ([b"ab", b"cdef"], (), True)


def test_video_is_one_stream() -> None:
    frames, warnings, addressable = frames_of(file_of([b"ftyp", b"moov"], frames=250, syntax=MPEG4))
    assert frames == [b"ftypmoov"] and not addressable and warnings == ()


def test_fewer_frames_than_said() -> None:
    frames, warnings, _ = frames_of(file_of([A, B], frames=3))
    assert frames == [A, B] and warnings == ("pixel data has fewer frames than Number of Frames says",)


def test_empty_pixel_data() -> None:
    assert frames_of(file_of([]))[:2] == ([], ("pixel data is empty",))


def test_a_missing_delimiter_is_tolerated_after_a_whole_frame_only() -> None:
    frames, warnings, _ = frames_of(file_of([A, B], frames=2, closed=False))
    assert frames == [A, B] and warnings == ("the delimiter after the pixel data is missing",)
    for incomplete in (
        file_of([A, B[:5]], frames=2, closed=False),
        file_of([A], frames=2, closed=False),
        file_of([], closed=False),
    ):
        with pytest.raises(Malformed) as caught:
            scan(BytesSource(incomplete))
        assert caught.value.truncated


def test_the_number_of_fragments_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_FRAGMENTS", 4)
    assert len(frames_of(file_of([b"ab"] * 4, frames=4))[0]) == 4
    with pytest.raises(Malformed, match="more than 4 fragments"):
        scan(BytesSource(file_of([b"ab"] * 5, frames=5)))


def native(pixels: int, **values: str | int) -> tuple[FrameTable, tuple[str, ...], int]:
    content = data_set(pixels=0, **values) + element(0x7FE00010, "OW", bytes(pixels))
    header = scan(BytesSource(part10.file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", NATIVE) + content))
    assert header.frames is not None and header.pixels is not None
    return header.frames, header.warnings, header.pixels.offset


def test_native_frames() -> None:
    table, warnings, start = native(4 * 200, Rows=10, Columns=10, NumberOfFrames="4")
    assert warnings == () and len(table) == 4
    assert [table[i] for i in range(4)] == [((start + 200 * i, 200),) for i in range(4)]
    assert table[-1] == ((start + 600, 200),) and table[1:3] == (table[1], table[2]) == tuple(table)[1:3]
    with pytest.raises(IndexError):
        table[4]


@pytest.mark.parametrize(
    "photometric, samples, length", [("RGB", 3, 300), ("YBR_FULL", 3, 300), ("YBR_FULL_422", 3, 200), ("YBR_PARTIAL_420", 3, 150)]
)
def test_native_colour(photometric: str, samples: int, length: int) -> None:
    values = {"Rows": 10, "Columns": 10, "BitsAllocated": 8, "SamplesPerPixel": samples, "NumberOfFrames": "2"}
    table, warnings, start = native(2 * length, PhotometricInterpretation=photometric, **values)
    assert (list(table), warnings) == ([((start, length),), ((start + length, length),)], ())


def test_native_pixel_data_of_the_wrong_length() -> None:
    table, warnings, _ = native(4 * 200 + 100, Rows=10, Columns=10, NumberOfFrames="4")
    assert len(table) == 4 and warnings == ("pixel data is longer than its frames",)
    table, warnings, _ = native(3 * 200 + 100, Rows=10, Columns=10, NumberOfFrames="4")
    assert len(table) == 3 and warnings == ("pixel data is shorter than its frames",)
    table, warnings, start = native(100, Rows=0, Columns=10)
    assert list(table) == [((start, 100),)] and warnings == ("pixel data without Rows, Columns or Bits Allocated",)


def test_single_bit_frames() -> None:
    aligned, _, start = native(2 * 8, Rows=8, Columns=8, BitsAllocated=1, NumberOfFrames="2")
    assert list(aligned) == [((start, 8),), ((start + 8, 8),)] and aligned.addressable
    packed, warnings, start = native(10, Rows=5, Columns=5, BitsAllocated=1, NumberOfFrames="3")
    assert list(packed) == [((start, 10),)] and not packed.addressable and warnings == ()
    single, _, start = native(4, Rows=5, Columns=5, BitsAllocated=1)
    assert list(single) == [((start, 4),)] and single.addressable


def test_float_pixel_data() -> None:
    content = data_set(pixels=0, BitsAllocated=32, Rows=2, Columns=2) + element(0x7FE00008, "OF", bytes(16))
    header = scan(BytesSource(part10.file_meta("1.2.840.10008.5.1.4.1.1.30", "1.2.3", NATIVE) + content))
    assert header.pixels is not None and header.pixels.tag == 0x7FE00008 and header.frames is not None
    assert header.frames[0][0][1] == 16


def tables() -> st.SearchStrategy[FrameTable]:
    numbers = st.integers(0, 2**63)
    plain = st.builds(FrameTable.native, numbers, st.integers(0, 2**40), st.integers(0, 2**32 - 1), addressable=st.booleans())

    def encapsulated(frames: list[list[tuple[int, int]]], addressable: bool) -> FrameTable:
        offsets = array("Q", (offset for frame in frames for offset, _ in frame))
        lengths = array("Q", (length for frame in frames for _, length in frame))
        firsts = array("Q", (sum(len(frame) for frame in frames[:i]) for i in range(len(frames))))
        return FrameTable.encapsulated(offsets, lengths, firsts, addressable=addressable)

    fragments = st.lists(st.tuples(numbers, st.integers(0, 2**32)), min_size=1, max_size=4)
    return plain | st.builds(encapsulated, st.lists(fragments, max_size=8), st.booleans())


@given(tables())
def test_tables_survive_their_encoding(table: FrameTable) -> None:
    decoded = FrameTable.decode(table.encode())
    assert decoded == table and hash(decoded) == hash(table)
    assert len(decoded) == len(table) and decoded.addressable == table.addressable
    assert [decoded[i] for i in range(min(len(table), 20))] == [table[i] for i in range(min(len(table), 20))]


@given(st.binary(max_size=80))
def test_other_bytes_are_no_table(data: bytes) -> None:
    try:
        table = FrameTable.decode(data)
    except ValueError:
        return
    assert FrameTable.decode(table.encode()) == table
    for index in range(min(len(table), 5)):
        assert isinstance(table[index], tuple)
