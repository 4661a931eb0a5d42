"""ZIPs that strangers send: what the standard library writes is read back, what is damaged is refused, nothing runs away."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.source import BytesSource
from isocenter.domain import zip_entries
from isocenter.domain.errors import Invalid, IsocenterError, TooLarge, Unsupported
from isocenter.domain.zip_entries import ZipFile


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = comment
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    archive = ZipFile(BytesSource(content))
    return {entry.name: b"".join(archive.read(entry)) for entry in archive.entries()}


files = st.dictionaries(st.text("abcü/山 .", min_size=1, max_size=12), st.binary(max_size=3000), max_size=6)


@given(files=files, method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), comment=st.binary(max_size=100))
def test_what_others_write_is_read_back(files: dict[str, bytes], method: int, comment: bytes) -> None:
    assert unpacked(packed(files, method, comment.replace(b"PK", b"  "))) == files


def test_zip64_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        with archive.open("big.dcm", "w", force_zip64=True) as entry:
            entry.write(b"x" * 1000)
        archive.start_dir = archive.fp.tell() if archive.fp else 0
    assert unpacked(buffer.getvalue()) == {"big.dcm": b"x" * 1000}


@given(files=files, data=st.data())
def test_a_damaged_zip_is_an_error_never_a_crash(files: dict[str, bytes], data: st.DataObject) -> None:
    content = bytearray(packed(files))
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for broken in (bytes(content), bytes(content[:cut])):
        try:
            for name, value in unpacked(broken).items():
                assert isinstance(name, str) and isinstance(value, bytes)
        except IsocenterError as error:
            assert error.message


@given(st.binary(max_size=400))
def test_noise_is_an_error_never_a_crash(noise: bytes) -> None:
    for content in (noise, b"PK\x03\x04" + noise, noise + b"PK\x05\x06" + bytes(18)):
        try:
            unpacked(content)
        except IsocenterError:
            pass


def test_encrypted_and_foreign_methods_are_refused_by_name() -> None:
    content = bytearray(packed({"a.dcm": b"x" * 500}))
    central = content.rindex(b"PK\x01\x02")
    content[central + 8] |= 1
    with pytest.raises(Unsupported, match="encrypted"):
        unpacked(bytes(content))
    with pytest.raises(Unsupported, match="LZMA"):
        unpacked(packed({"a.dcm": b"x" * 500}, zipfile.ZIP_LZMA))


def test_a_wrong_checksum_is_seen() -> None:
    content = bytearray(packed({"a.dcm": b"x" * 500}, zipfile.ZIP_STORED))
    content[content.index(b"xxx")] = ord("y")
    with pytest.raises(Invalid, match="checksum"):
        unpacked(bytes(content))


def test_a_bomb_is_told_from_its_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_entries, "FREE_OF_RATIO", 1 << 20)
    with pytest.raises(TooLarge, match="300 times"):
        unpacked(packed({"zeros": bytes(8 << 20)}))


def test_a_bomb_that_lies_about_its_size_is_stopped() -> None:
    content = bytearray(packed({"zeros": bytes(4 << 20)}))
    central = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, central + 24, 1000)
    with pytest.raises(Invalid, match="more than the ZIP says"):
        unpacked(bytes(content))


def test_entries_that_share_their_bytes_are_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_entries, "FREE_OF_RATIO", 1 << 20)
    monkeypatch.setattr(zip_entries, "LARGEST_RATIO", 20)
    whole = packed({"zeros": bytes(1 << 20)})
    at = whole.rindex(b"PK\x01\x02")
    row = whole[at : whole.rindex(b"PK\x05\x06")]
    many = 200
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, many, many, len(row) * many, at, 0)
    with pytest.raises(TooLarge, match="20 times"):
        unpacked(whole[:at] + row * many + end)


def test_a_list_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_entries, "MOST_ENTRIES", 3)
    with pytest.raises(TooLarge, match="more than 3 files"):
        unpacked(packed({str(number): b"x" for number in range(4)}))
