"""What the first bytes of a file tell: every real file is worth a scan, pictures and texts are not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.beginning import LENGTH, has_prefix, is_file_set, may_be_dicom


def test_every_dicom_file_is_worth_a_scan_and_dicomdirs_are_known(data: Path) -> None:
    names = [path for path in sorted(data.rglob("*")) if path.is_file()]
    for path in names:
        with path.open("rb") as file:
            head = file.read(LENGTH)
        if path.suffix == ".dcm" and path.name != "no_meta.dcm":  # that one begins with a stray blank
            assert may_be_dicom(head), path
        if path.suffix in (".md", ".csv", ".json", ".txt"):
            assert not may_be_dicom(head), path
        assert is_file_set(head) is (path.name.upper().startswith("DICOMDIR") and has_prefix(head)), path


@pytest.mark.parametrize("head", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"PK\x03\x04", b"\x08\x00\x05"])
def test_other_files_are_not(head: bytes) -> None:
    assert not may_be_dicom(head) and not is_file_set(head)


def test_a_longer_uid_is_no_file_set() -> None:
    assert is_file_set(bytes(128) + b"DICM" + b"1.2.840.10008.1.3.10\0")
    assert not is_file_set(bytes(128) + b"DICM" + b"1.2.840.10008.1.3.101")


@given(st.binary(max_size=2000))
def test_nothing_is_a_crash(head: bytes) -> None:
    assert may_be_dicom(head) or not is_file_set(head)
