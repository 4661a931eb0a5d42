"""Small DICOM objects for tests: explicit VR little endian, made by struct so that thousands cost nothing."""

import itertools
import json
import struct
from pathlib import Path

from isocenter.dicom.attributes import tag_of, vr_of

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_LONG = {"OB", "OW", "OF", "OD", "SQ", "UC", "UN", "UR", "UT"}
_numbers = itertools.count(1)


def uid() -> str:
    """A UID that this test run has not used yet."""
    return f"1.2.826.0.1.3680043.10.1234.{next(_numbers)}"


def spellings() -> dict[str, list[str]]:
    """The names of PS3.5 Annexes H to K and of other alphabets: name -> spellings that find it, each as a matching key."""
    return json.loads((Path(__file__).parent / "spellings.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def element(tag: int, vr: str, value: bytes) -> bytes:
    """One data element."""
    value += (b"\0" if vr in {"UI", "OB", "UN"} else b" ") * (len(value) % 2)
    length = struct.pack("<HI", 0, len(value)) if vr in _LONG else struct.pack("<H", len(value))
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode() + length + value


def data_set(pixels: int = 512, **values: str | int) -> bytes:
    """The data set of a small CT image; values by keyword replace the defaults, "" stays as empty element, None-like keys: omit
    with "-"."""
    defaults: dict[str, str | int] = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": CT, "SOPInstanceUID": uid(), "StudyDate": "20260101",
        "StudyTime": "101500", "AccessionNumber": "A1", "Modality": "CT", "ReferringPhysicianName": "House^Gregory",
        "StudyDescription": "Thorax", "SeriesDescription": "Lung", "PatientName": "Doe^Jane", "PatientID": "P1",
        "PatientBirthDate": "19700101", "PatientSex": "F", "StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.1.1",
        "StudyID": "S1", "SeriesNumber": "1", "InstanceNumber": "1", "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "Rows": 16, "Columns": pixels // 32, "BitsAllocated": 16, "BitsStored": 12,
        "HighBit": 11, "PixelRepresentation": 0,
    }
    elements = []
    for keyword, value in {**defaults, **values}.items():
        tag = tag_of(keyword)
        assert tag is not None, keyword
        if value != "-":
            vr = "US" if isinstance(value, int) else vr_of(tag)
            elements.append((tag, vr, struct.pack("<H", value) if isinstance(value, int) else value.encode()))
    content = b"".join(element(*row) for row in sorted(elements))
    return content + element(0x7FE00010, "OW", bytes(pixels)) if pixels else content


def part10(pixels: int = 512, *, transfer_syntax: str = EXPLICIT_LITTLE, source_aet: str = "TEST", **values: str | int) -> bytes:
    """A whole Part 10 file."""
    values.setdefault("SOPInstanceUID", uid())
    values.setdefault("SOPClassUID", CT)
    meta = b"".join((
        element(0x00020001, "OB", b"\0\1"),
        element(0x00020002, "UI", str(values["SOPClassUID"]).encode()),
        element(0x00020003, "UI", str(values["SOPInstanceUID"]).encode()),
        element(0x00020010, "UI", transfer_syntax.encode()),
        element(0x00020012, "UI", b"1.2.3.4"),
        element(0x00020016, "AE", source_aet.encode()),
    ))
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data_set(pixels, **values)
