"""Small inputs that claim or become something huge: each ends in an error, within the memory of an ordinary image.

Each is done in a process of its own, as in production, which tells how much memory it ever had.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from isocenter.codecs import codestream, decoding, encoding, formats, pictures, profiles
from isocenter.codecs.codestream import Codestream
from isocenter.codecs.layout import Layout
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.service.pool import Pool

SMALL = Layout(16, 16, 1, 16, 12, False, False, "MONOCHROME2", 1, False)
LARGE = replace(SMALL, rows=12_000, columns=12_000)  # 288 MB, which may be: a scanned film
GIANT = replace(SMALL, rows=65_000, columns=65_000)
MEGABYTES = 300  # of a process with all codecs and a small frame


def frame(target: str) -> bytes:
    return encoding.encode(target, np.arange(256, dtype="<u2").tobytes(), SMALL)


def peak() -> int:
    """The megabytes that this process ever had; ru_maxrss would count those of the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def decoded(target: str, data: bytes, layout: Layout) -> bytes:
    """In the pool: what came of it, and the megabytes it took."""
    try:
        said = f"{len(decoding.decode(target, data, layout).data)} bytes"
    except Malformed as fault:
        said = fault.reason
    return f"{said}|{peak()}".encode()


def looked_at(data: bytes) -> bytes:
    """In the pool: the same of a picture that somebody stores."""
    try:
        said = f"{len(pictures.pixels(data))} bytes"
    except Malformed as fault:
        said = fault.reason
    return f"{said}|{peak()}".encode()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """One process for all: none of them may take more than MEGABYTES."""
    made = Pool(1)
    yield made
    made.close()


def outcome(pool: Pool, *call: object) -> tuple[str, int]:
    said, _, megabytes = pool.run_sync(*call).decode().rpartition("|")  # type: ignore[arg-type]
    return said, int(megabytes)


@pytest.mark.parametrize("target", sorted(formats.LOSSLESS))
def test_a_small_frame_is_no_large_image_because_the_data_set_says_so(pool: Pool, target: str) -> None:
    for layout in (LARGE, GIANT):
        said, megabytes = outcome(pool, decoded, target, frame(target), layout)
        assert not said.endswith(" bytes") and megabytes < MEGABYTES


def claiming(target: str, rows: int, columns: int) -> bytes:
    """A frame whose own header says another size than it holds."""
    data = bytearray(frame(target))
    if data[:4] == b"\xff\x4f\xff\x51":
        struct.pack_into(">II", data, 8, columns, rows)
        return bytes(data)
    at = next(at for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC3, 0xF7))
    struct.pack_into(">HH", data, at + 5, rows, columns)
    return bytes(data)


_UID = "1.2.840.10008.1.2.4."


@pytest.mark.parametrize("target", [_UID + "70", _UID + "80", _UID + "90", _UID + "201"])
def test_a_header_that_claims_a_giant_is_compared_before_anything_is_allocated(pool: Pool, target: str) -> None:
    for layout in (SMALL, GIANT):
        said, megabytes = outcome(pool, decoded, target, claiming(target, 65_000, 65_000), layout)
        assert not said.endswith(" bytes") and megabytes < MEGABYTES


def test_an_rle_segment_that_unpacks_to_gigabytes(pool: Pool) -> None:
    bomb = struct.pack("<16I", 2, 64, 64 + (16 << 20), *[0] * 13) + b"\x81\x00" * (16 << 20)  # 2 GB
    said, megabytes = outcome(pool, decoded, syntaxes.RLE_LOSSLESS, bomb, SMALL)
    assert said == "512 bytes" and megabytes < MEGABYTES


def test_a_deflated_frame_that_inflates_to_gigabytes(pool: Pool) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(512)) + deflate.flush()
    (target,) = [uid for uid, form in formats.READ.items() if form is formats.Format.DEFLATED]
    said, megabytes = outcome(pool, decoded, target, bomb, SMALL)
    assert said == "512 bytes" and megabytes < MEGABYTES


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds a few bytes that inflate to a lot."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(64 << 20), 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("bomb", [png(60_000, 60_000), png(2_000_000_000, 2), png(0, 5)], ids=["square", "line", "nothing"])
def test_a_picture_that_claims_a_giant(pool: Pool, bomb: bytes) -> None:
    said, megabytes = outcome(pool, looked_at, bomb)
    assert not said.endswith(" bytes") and megabytes < MEGABYTES


def test_a_picture_with_gigabytes_of_text_beside_it(pool: Pool) -> None:
    """zTXt and iCCP inflate without a size in their header."""
    made = io.BytesIO()
    Image.new("L", (16, 16)).save(made, "PNG")
    whole = made.getvalue()
    for name, begin in ((b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0")):
        data = begin + zlib.compress(bytes(256 << 20), 9)
        chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        said, megabytes = outcome(pool, looked_at, whole[:33] + chunk + whole[33:])
        assert megabytes < MEGABYTES, said


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff\xc0\0\x11", b"\xff\xd8\xff\xc3", b"\xff\x4f\xff\x51\0\x29"]))
def test_any_bytes_have_a_header_or_are_malformed(data: bytes, begin: bytes) -> None:
    for read in (codestream.jpeg, codestream.jpeg2000):
        try:
            assert isinstance(read(begin + data), Codestream)
        except Malformed:
            pass


@given(st.integers(0, 600), st.binary(max_size=12), st.sampled_from(["yes", "srgb", "displayp3"]), st.booleans())
def test_any_icc_profile_is_used_or_malformed(at: int, junk: bytes, asked: str, grey: bool) -> None:
    own = bytearray(profiles.profile("adobergb"))
    own[at : at + len(junk)] = junk
    image = Image.new("L" if grey else "RGB", (2, 2))
    try:
        shown, embedded = profiles.applied(image, bytes(own), asked)
        assert shown.size == (2, 2) and embedded
    except Malformed:
        pass


def test_the_codecs_that_these_are_about_are_there() -> None:
    assert imagecodecs.PACKBITS and {_UID + "80", _UID + "90"} <= set(formats.READ)
