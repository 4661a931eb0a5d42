"""The ZIP writer, read by Python's own reader: small, empty, and what needs ZIP64."""

import io
import tempfile
import zipfile
import zlib
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.source import BytesSource
from isocenter.domain.zip_entries import ZipFile
from isocenter.domain.zip_writing import ZipWriter

AT = datetime(2026, 11, 22, 19, 30, 42)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_what_is_written_is_read_by_others_and_by_ourselves(contents: list[bytes]) -> None:
    writer = ZipWriter(AT)
    pieces = [writer.entry(f"A/{number}", len(each), zlib.crc32(each)) + each for number, each in enumerate(contents)]
    data = b"".join([*pieces, *writer.end()])
    theirs = zipfile.ZipFile(io.BytesIO(data))
    assert [theirs.read(name) for name in theirs.namelist()] == contents and theirs.testzip() is None
    assert all(each.date_time == (2026, 11, 22, 19, 30, 42) for each in theirs.infolist())
    ours = ZipFile(BytesSource(data))
    assert [b"".join(ours.read(entry)) for entry in ours.entries()] == contents


def test_more_entries_than_16_bits_count() -> None:
    writer = ZipWriter(AT)
    data = b"".join([*(writer.entry(str(number), 0, 0) for number in range(66_000)), *writer.end()])
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 66_000


def test_more_bytes_than_32_bits_count() -> None:
    """A sparse file: an entry of 5 GB, and a small one behind it."""
    writer = ZipWriter(AT)
    with tempfile.TemporaryFile() as file:
        file.write(writer.entry("large", 5 << 30, 0))
        file.seek(5 << 30, 1)
        file.write(writer.entry("small", 4, zlib.crc32(b"here")) + b"here")
        file.write(b"".join(writer.end()))
        found = zipfile.ZipFile(file)
        assert found.getinfo("large").file_size == 5 << 30 and found.read("small") == b"here"
