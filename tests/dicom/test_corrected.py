"""An object with a corrected patient: other attributes, the same pixels, and what it said before (PS3.3 C.12.1.1.9)."""

import io

import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from isocenter.dicom import corrected
from isocenter.dicom.source import BytesSource
from objects import part10

SAID = {"PatientName": "Right^Rita", "PatientID": "R-77", "IssuerOfPatientID": "HOSPITAL", "PatientBirthDate": "19810203",
        "PatientSex": "O"}  # fmt: skip


def corrected_file(content: bytes, **said: str) -> tuple[bytes, pydicom.Dataset]:
    spliced = corrected.seen(BytesSource(content), SAID | said, "20261122230000.000000+0000", "ISOCENTER")
    whole = spliced.read_at(0, spliced.size)
    assert whole == b"".join(spliced.read_at(at, 13) for at in range(0, spliced.size, 13))
    assert spliced.read_at(spliced.size, 10) == b"" == spliced.read_at(-1, 10)
    return whole, pydicom.dcmread(io.BytesIO(whole))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
                                    DeflatedExplicitVRLittleEndian])  # fmt: skip
def test_only_the_patient_differs_in_every_encoding(syntax: str) -> None:
    stored = pydicom.dcmread(io.BytesIO(part10(PatientName="Wrong^Willy", PatientID="W-1")))
    stored.PixelData = bytes(range(256)) * 2
    stored.IssuerOfPatientIDQualifiersSequence = [pydicom.Dataset()]
    stored.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID = "old"
    stored.add_new(0x00100000, "UL", 4711)  # a group length that is wrong now
    stored.file_meta.TransferSyntaxUID = syntax
    held = io.BytesIO()
    pydicom.dcmwrite(held, stored, enforce_file_format=True, little_endian=syntax != ExplicitVRBigEndian,
                     implicit_vr=syntax == ImplicitVRLittleEndian)
    _, seen = corrected_file(held.getvalue())
    assert seen.file_meta.TransferSyntaxUID == syntax
    assert {keyword: str(seen[keyword].value) for keyword in SAID} == SAID
    assert "IssuerOfPatientIDQualifiersSequence" not in seen and 0x00100000 not in seen
    (item,) = seen.OriginalAttributesSequence
    assert (item.ModifyingSystem, item.ReasonForTheAttributeModification) == ("ISOCENTER", "CORRECT")
    assert str(item.AttributeModificationDateTime) == "20261122230000.000000+0000"
    (before,) = item.ModifiedAttributesSequence
    assert (str(before.PatientName), before.PatientID, before.PatientSex) == ("Wrong^Willy", "W-1", "F")
    assert before.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "old" and "IssuerOfPatientID" not in before
    for element in stored:
        if element.keyword not in SAID and element.tag not in (0x00100000, 0x00100024):
            assert seen[element.tag].value == element.value, element.keyword


def test_what_others_changed_before_stays_in_the_sequence() -> None:
    once, _ = corrected_file(part10(PatientName="First^One"))
    _, twice = corrected_file(once, PatientName="Third^One")
    assert [str(item.ModifiedAttributesSequence[0].PatientName) for item in twice.OriginalAttributesSequence] == [
        "First^One", "Right^Rita"]  # fmt: skip


@pytest.mark.parametrize(("charset", "name", "expected"), [
    ("", "Müller^Jürgen", "Müller^Jürgen"), ("ISO_IR 100", "Müller^Jürgen", "Müller^Jürgen"),
    ("ISO_IR 192", "山田^太郎", "山田^太郎"),
    ("ISO_IR 100", "Dvořák^Jiří", "Dvorak^Jiri"),  # which Latin-1 cannot write
])  # fmt: skip
def test_names_are_written_in_the_object_s_character_set(charset: str, name: str, expected: str) -> None:
    _, seen = corrected_file(part10(SpecificCharacterSet=charset), PatientName=name)
    assert str(seen.PatientName) == expected
