"""Copies for viewing: exact, in the order and with the marks that PS3.5 10.18 asks for, and each beginning a smaller picture."""

import os
import tempfile
from array import array
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.codecs import codestream, decoding, encoding, objects, transcoding, viewing
from isocenter.codecs.layout import Layout
from isocenter.codecs.objects import Object
from isocenter.codecs.viewing import SYNTAX
from isocenter.dicom.elements import Malformed
from isocenter.dicom.resolutions import FrameSize, Resolutions
from isocenter.dicom.source import BytesSource
from objects import part10

# grey of 12 bits and of 16 with a sign, colour, several frames, a palette, other compressions
FILES = [
    "transfer-syntaxes/same-image/CT2/CT2_UNC", "transfer-syntaxes/same-image/CT2/CT2_J2KR", "transfer-syntaxes/MR_small.dcm",
    "transfer-syntaxes/same-image/US1/US1_UNC", "enhanced/emri_small.dcm", "transfer-syntaxes/SC_rgb_rle_2frame.dcm",
    "transfer-syntaxes/same-image/NM1/NM1_JPLL",
]


def copy_of(original: Object) -> tuple[bytes, list[int], list[int]]:
    """Its bytes, and what is said of them, part by part."""
    lengths: list[int] = []
    prefixes: list[int] = []
    with tempfile.TemporaryFile() as file:
        while True:
            part = viewing.copied(original, file.fileno(), len(lengths))
            lengths += part.lengths
            prefixes += part.prefixes
            if len(lengths) == part.frames or part.wrong:
                return os.pread(file.fileno(), 1 << 30, 0), lengths, prefixes


def read(path: Path) -> Object:
    return objects.read(BytesSource(path.read_bytes()))


@pytest.mark.parametrize("name", FILES)
def test_a_copy_is_exact_in_every_decoder_and_says_where_its_resolutions_end(data: Path, name: str) -> None:
    original = read(data / name)
    assert viewing.unsuitable(original) == ""
    written, lengths, prefixes = copy_of(original)
    levels = encoding.decompositions(original.layout.rows, original.layout.columns)
    resolutions = Resolutions(original.layout.rows, original.layout.columns, levels, array("I", prefixes))
    assert sum(lengths) == len(written) and len(lengths) == len(list(transcoding.native_frames(original)))
    offset = 0
    for number, (frame, layout) in enumerate(transcoding.native_frames(original)):
        coded = written[offset : offset + lengths[number]]
        offset += len(coded)
        assert decoding.decode(SYNTAX, coded, layout).data == frame
        other = np.asarray(imagecodecs.jpeg2k_decode(coded)).astype(f"<u{layout.bits_allocated // 8}", casting="unsafe")
        assert other.tobytes() == frame  # OpenJPEG, which did not write it
        for reduction in range(1, resolutions.decompositions + 1):
            columns, rows = resolutions.size(reduction)
            prefix = coded[: resolutions.prefix(number, reduction)]
            smaller = imagecodecs.htj2k_decode(prefix, skipres=reduction, planar=False)
            assert smaller.shape[:2] == (rows, columns)
            assert np.array_equal(smaller, imagecodecs.htj2k_decode(coded, skipres=reduction, planar=False))


@pytest.mark.parametrize(
    ("rows", "columns", "levels"), [(512, 512, 5), (64, 4096, 5), (4096, 3328, 6), (10000, 10000, 8), (1, 1, 5)]
)
def test_the_smallest_resolution_is_a_thumbnail(rows: int, columns: int, levels: int) -> None:
    """PS3.5 10.18: the width or height of the base resolution is 64 at most."""
    assert encoding.decompositions(rows, columns) == levels
    assert min(rows, columns) / 2**levels <= 64


def test_what_is_small_or_in_this_form_already_is_left_alone(data: Path) -> None:
    reasons = {
        "same-image/CT2/CT2_JPH": "it is stored so already", "MR3_JPH": "it is stored so already",
        "SC_rgb_jpeg_lossy_gdcm.dcm": "it is smaller as it is", "SC_rgb_rle_32bit_2frame.dcm": "its pixels have no such form",
    }
    for name, reason in reasons.items():
        assert viewing.unsuitable(read(data / "transfer-syntaxes" / name)) == reason


def test_many_frames_are_copied_part_by_part(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = read(data / "enhanced/emri_small.dcm")
    at_once = copy_of(original)
    monkeypatch.setattr(viewing, "AT_ONCE", 3 * original.layout.frame_bytes)
    assert copy_of(original) == at_once and len(at_once[1]) == 10


def test_a_codec_that_errs_is_found_out(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = read(data / FILES[0])
    right = encoding.encode

    def wrong(syntax: str, frame: bytes, layout: Layout) -> bytes:
        return right(syntax, bytes([frame[0] ^ 1]) + frame[1:], layout)

    monkeypatch.setattr(encoding, "encode", wrong)
    with tempfile.TemporaryFile() as file:
        assert viewing.copied(original, file.fileno(), 0).wrong == 1
        assert os.fstat(file.fileno()).st_size == 0


@pytest.fixture(scope="module")
def coded() -> bytes:
    pixels = (np.arange(200 * 300, dtype=np.uint16) * 7 % 4096).reshape(200, 300)
    layout = Layout(200, 300, 1, 16, 12, False, False, "MONOCHROME2", 1, False)
    return encoding.encode(SYNTAX, pixels.tobytes(), layout)


def test_only_the_beginning_is_needed_to_know_where_resolutions_end(coded: bytes) -> None:
    ends = codestream.resolutions(coded)
    assert len(ends) == 6 and ends[-1] == len(coded) and list(ends) == sorted(ends)
    assert codestream.resolutions(coded[:256]) == ends
    with pytest.raises(Malformed):
        codestream.resolutions(coded[:100])
    with pytest.raises(Malformed):
        codestream.resolutions(b"\xff\xd8" + coded)
    plain = bytes(imagecodecs.htj2k_encode(np.zeros((64, 64), np.uint8), reversible=True))
    assert codestream.resolutions(plain) == ()  # one tile-part, no TLM: nothing is promised


@given(st.integers(2, 200), st.binary(min_size=1, max_size=8))
def test_a_damaged_header_is_refused_or_read_never_worse(coded: bytes, at: int, junk: bytes) -> None:
    damaged = coded[:at] + junk + coded[at + len(junk) :]
    try:
        ends = codestream.resolutions(damaged)
    except Malformed:
        return
    assert all(end > 0 for end in ends)


@pytest.mark.parametrize(("wish", "reduction"), [
    ("512,512", 0), ("511,511", 1), ("600,256", 1), ("256,256", 1), ("255,256", 2), ("20,20", 5), ("1,1", 5),
    ("200,200,round-up", 1), ("257,1,round-up", 0), ("4000,4000,round-up", 0), ("140,140,closest", 2), ("250,250,closest", 1),
])
def test_a_frame_size_is_rounded_as_jpip_says(wish: str, reduction: int) -> None:
    resolutions = Resolutions(512, 512, 5, array("I", [10, 20, 30, 40, 50]))
    assert resolutions.reduction(FrameSize.parse(wish)) == reduction
    assert Resolutions.decode(resolutions.encode()) == resolutions
    assert resolutions.prefix(0, 5) == 10 and resolutions.prefix(0, 1) == 50


@pytest.mark.parametrize("wish", ["", "512", "0,5", "5,0", "-1,5", "1e3,5", "5,5,up", "9999999,1"])
def test_what_is_no_frame_size_is_refused(wish: str) -> None:
    with pytest.raises(ValueError):
        FrameSize.parse(wish)


@given(st.binary(max_size=64))
def test_what_is_no_encoded_table_is_refused(junk: bytes) -> None:
    try:
        Resolutions.decode(junk)
    except ValueError:
        return


def test_bits_above_those_stored_are_kept() -> None:
    """Overlays above Bits Stored are part of the pixels: nothing is cut off."""
    content = part10(512)
    original = objects.read(BytesSource(content[:-512] + bytes(range(256)) * 2))
    assert original.layout.bits_stored == 12
    written, _, _ = copy_of(original)
    ((frame, layout),) = transcoding.native_frames(original)
    assert decoding.decode(SYNTAX, written, layout).data == frame == bytes(range(256)) * 2
