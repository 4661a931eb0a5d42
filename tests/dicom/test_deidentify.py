"""PS3.15 Annex E over every file there is: what is listed is gone wherever it stood, what is not stays, and pydicom reads it."""

import io
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from isocenter.dicom.confidentiality import Option, Project, moved
from isocenter.dicom.deidentify import CannotClean, deidentified, examine
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import BytesSource

DATA = Path(__file__).parents[3] / "shared/data"
SECRET = bytes(range(32))
CLEANED = (Option.MODIFIED_DATES, Option.DESCRIPTORS, Option.CONTENT, Option.GRAPHICS, Option.PIXELS)
OURS = ("REMOVED", "ANONYMIZED", "19000101", "000000")


def project(*options: Option, **more: Any) -> Project:
    return Project("TRIAL", SECRET, frozenset(options), "TRIAL-", **more)


def made(data: bytes, wanted: Project) -> bytes:
    found = deidentified(BytesSource(data), wanted).file
    return found.read_at(0, found.size)


def files() -> Iterator[Path]:
    return (path for path in sorted(DATA.rglob("*")) if path.is_file() and path.suffix not in (".md", ".csv", ".gz"))


def walked(dataset: Dataset, around: int = 0) -> Iterator[tuple[int, Any]]:
    for each in dataset:
        if each.VR == "SQ":
            for item in each.value:
                yield from walked(item, int(each.tag))
        yield around, each


def texts(element: Any) -> Iterator[str]:
    values = element.value if isinstance(element.value, (list, pydicom.multival.MultiValue)) else [element.value]
    for value in values:
        text = str(value).strip()
        if not isinstance(value, (bytes, Dataset)) and len(text) >= 6 and text.upper() not in OURS and set(text) - set("0.:"):
            yield text


def file(**values: Any) -> bytes:
    """A small Explicit VR Little Endian object."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Doe^Jane", "PAT-4711", "CT"
    dataset.Rows = dataset.Columns = 2
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = b"\1\2\3\4"
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset["PixelData"].VR = "OB"
    into = io.BytesIO()
    dataset.save_as(into, enforce_file_format=True)
    return into.getvalue()


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", [(), CLEANED], ids=["basic", "cleaned"])
def test_nobody_is_left_in_any_file(options: tuple[Option, ...]) -> None:
    """No name, no identifier and no UID of the original stands anywhere in the bytes that leave, pixels apart."""
    wanted, checked = project(*options), 0
    identity = re.compile(r".*(Name|UID|Address|Telephone\w*|Comments?)|PatientID|OtherPatientIDs|AccessionNumber|AdmissionID")
    for path in list(files())[:: 3 if options else 1]:
        data = path.read_bytes()
        try:
            facts = examine(BytesSource(data))
            out = made(data, wanted)
            before = pydicom.dcmread(io.BytesIO(data), force=True)
            was = list(walked(before))
        except (Malformed, CannotClean, pydicom.errors.InvalidDicomError, NotImplementedError):
            continue
        except Exception as error:
            raise AssertionError(path.name) from error
        if facts.sop_class_uid == "1.2.840.10008.1.3.10":
            continue  # a DICOMDIR is no object of a patient
        after = read(out)
        assert after.get("PatientIdentityRemoved") == "YES", path
        assert after.PatientID.startswith("TRIAL-")
        assert str(after.PatientName) == after.PatientID
        pixels = bytes(after.get("PixelData") or b"")
        if "PixelData" in before:  # pydicom finds none where their delimiter is missing; what leaves has it
            assert pixels == bytes(before.PixelData or b""), path.name
        rest = out.replace(pixels, b"") if pixels else out
        kept = "\n".join(text for around, each in walked(after) for text in texts(each)
                if (judged := wanted.judge(int(each.tag), around, facts.sop_class_uid)) is None or judged.action[0] in "KC")
        for around, each in was:
            judged = wanted.judge(int(each.tag), around, facts.sop_class_uid)
            if judged is None or judged.action not in ("X", "Z", "D", "U") or not identity.fullmatch(each.keyword):
                continue
            for text in texts(each):
                public = text.startswith("1.2.840.10008.")
                if not public and text not in kept and each.VR in ("PN", "LO", "UI", "LT", "ST", "SH"):
                    checked += 1
                    assert text.encode("latin-1", "replace") not in rest, f"{path.name}: {each.keyword}"
    assert checked > 500


def test_an_object_says_how_it_was_made() -> None:
    after = read(made(file(), project(Option.PIXELS, Option.MODIFIED_DATES)))
    assert after.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]  # the pixels were not cleaned here, so nobody says they were
    assert len(after.DeidentificationMethod) == 2
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID != "1.2.3.4.5"


def test_the_same_patient_is_called_the_same_and_nobody_else_is() -> None:
    one, other = project(), Project("OTHER", bytes(32), frozenset())
    names = {read(made(file(SOPInstanceUID=uid), one)).PatientID for uid in ("1.2.3.4.5", "1.2.3.4.6")}
    assert len(names) == 1
    assert read(made(file(), other)).PatientID not in names
    assert read(made(file(PatientID="PAT-4712"), one)).PatientID not in names
    # an issuer makes it another patient (PS3.3 C.7.1.1)
    assert read(made(file(IssuerOfPatientID="B"), one)).PatientID not in names


def test_references_still_lead_where_they_led() -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.6"
    data = file(ReferencedStudySequence=Sequence([reference]), SourceImageSequence=Sequence([reference]),
                ReferencedInstanceSequence=Sequence([reference]))  # fmt: skip
    wanted = project()
    after = read(made(data, wanted))
    assert after.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == wanted.uid("1.2.3.4.6")
    assert after.ReferencedInstanceSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    assert read(made(data, project(Option.UIDS))).ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.6"


def test_the_type_of_an_attribute_decides_between_removing_and_a_dummy() -> None:
    """X/Z/D of Table E.1-1: Acquisition DateTime is type 1 in Enhanced CT, type 3 in CT (PS3.3 C.8.15.2, C.7.6.1)."""
    plain = file(AcquisitionDateTime="20200102030405", StationName="CT9-WARD")
    assert "AcquisitionDateTime" not in read(made(plain, project())) and "StationName" not in read(made(plain, project()))
    enhanced = read(made(file(AcquisitionDateTime="20200102030405", SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1"), project()))
    assert enhanced.AcquisitionDateTime == "19000101000000"
    report = file(ContentDate="20200102", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22")
    assert read(made(report, project())).ContentDate == "19000101"


def test_options_keep_what_they_name_and_nothing_else() -> None:
    data = file(PatientSex="F", PatientAge="042Y", StudyDate="20200102",
                InstitutionName="St. Elsewhere", DeviceSerialNumber="SN-998877",
                StudyDescription="MRI brain of Mrs Doe, 3T axial", PatientBirthDate="19780203")  # fmt: skip
    basic = read(made(data, project()))
    assert basic.PatientSex == "" and "PatientAge" not in basic and basic.StudyDate == "" and "StudyDescription" not in basic
    assert "InstitutionName" not in basic and "DeviceSerialNumber" not in basic and basic.PatientBirthDate == ""
    assert read(made(data, project(Option.PATIENT))).PatientAge == "042Y"
    assert read(made(data, project(Option.FULL_DATES))).StudyDate == "20200102"
    assert read(made(data, project(Option.INSTITUTION))).InstitutionName == "St. Elsewhere"
    assert read(made(data, project(Option.DEVICE))).DeviceSerialNumber == "SN-998877"
    assert read(made(data, project(Option.UIDS))).StudyInstanceUID == "1.2.3"
    assert read(made(data, project(Option.DESCRIPTORS))).StudyDescription == "MRI brain of 3T axial"


def test_dates_move_together() -> None:
    wanted = project(Option.MODIFIED_DATES)
    first = read(made(file(StudyDate="20200102", SeriesDate="20200105", StudyTime="101112"), wanted))
    second = read(made(file(StudyDate="20210102", SOPInstanceUID="1.2.3.9"), wanted))
    days = [pydicom.valuerep.DA(each) for each in (first.StudyDate, first.SeriesDate, second.StudyDate)]
    assert (days[1] - days[0]).days == 3 and (days[2] - days[0]).days == 366 and first.StudyTime == "101112"
    assert days[0] != pydicom.valuerep.DA("20200102")
    assert moved("20200301", -1, time=False) == "20200229" and moved("2020.03.01", -1, time=False) == "20200229"
    assert moved("20200301101112.5+0100", -1, time=True) == "20200229101112.5+0100"
    assert moved("202003", -1, time=True) == "202002" and moved("yesterday", -1, time=False) == ""


def test_private_attributes_go_unless_they_are_listed() -> None:
    dataset = pydicom.dcmread(io.BytesIO(file()))
    block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
    block.add_new(0x00, "DS", "1.25")  # Table E.3.10-1: SUV factor
    block.add_new(0x01, "LO", "Jane Doe")
    dataset.private_block(0x0019, "ACME", create=True).add_new(0x07, "LO", "b=1000")
    into = io.BytesIO()
    dataset.save_as(into)
    assert not [each for each in read(made(into.getvalue(), project())) if each.tag.is_private]
    kept = read(made(into.getvalue(), project(Option.PRIVATE)))
    assert [(each.tag.group, each.tag.element & 0xFF) for each in kept if each.tag.is_private] == [(0x7053, 0x10), (0x7053, 0)]
    listed = read(made(into.getvalue(), project(Option.PRIVATE, private=frozenset({(0x0019, "ACME", 0x07)}))))
    assert listed[0x00191007].value == "b=1000"


def test_a_name_that_turns_up_elsewhere_is_taken_out_there_too() -> None:
    """A Filter Type is not listed; a technologist who typed the name there has named the patient all the same."""
    after = read(made(file(FilterType="DOE", ConvolutionKernel=["B30f", "jane"], ReconstructionAlgorithm=""), project()))
    assert after.ConvolutionKernel == "REMOVED"


def test_reports_keep_their_form_and_lose_their_words() -> None:
    text, person = Dataset(), Dataset()
    concept = Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "121071", "DCM", "Finding"
    text.RelationshipType, text.ValueType, text.ConceptNameCodeSequence = "CONTAINS", "TEXT", Sequence([concept])
    text.TextValue = "Mass in left lung of Jane Doe, seen by House"
    person.RelationshipType, person.ValueType, person.PersonName = "HAS OBS CONTEXT", "PNAME", "House^Gregory"
    data = file(ContentSequence=Sequence([text, person]), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22")
    basic = read(made(data, project()))
    assert basic.ContentSequence[0].TextValue == "REMOVED" and basic.ContentSequence[1].PersonName == "REMOVED"
    assert basic.ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    cleaned = made(data, project(Option.CONTENT))
    assert read(cleaned).ContentSequence[0].TextValue == "in left lung of"
    assert b"House" not in cleaned and b"Jane" not in cleaned and b"Mass" not in cleaned


def test_drawings_stay_when_they_are_wanted_and_what_is_written_in_them_goes() -> None:
    """Clean Graphics (PS3.15 E.3.3): shapes and overlays of a region stay; writing, and what may be writing, goes."""
    words, shape = Dataset(), Dataset()
    words.UnformattedTextValue = "Mass of Jane Doe, left lung"
    shape.GraphicDimensions, shape.NumberOfGraphicPoints, shape.GraphicType = 2, 2, "POLYLINE"
    shape.GraphicData = [1.0, 1.0, 2.0, 2.0]
    annotation = Dataset()
    annotation.TextObjectSequence, annotation.GraphicObjectSequence = Sequence([words]), Sequence([shape])
    dataset = pydicom.dcmread(io.BytesIO(file(GraphicAnnotationSequence=Sequence([annotation]))))
    for group, kind in ((0x6000, "R"), (0x6002, "G")):
        dataset.add_new((group, 0x0040), "CS", kind)
        dataset.add_new((group, 0x3000), "OW", b"\1\2")
        dataset.add_new((group, 0x4000), "LT", "Jane Doe")
    into = io.BytesIO()
    dataset.save_as(into)
    basic, cleaned = read(made(into.getvalue(), project())), read(made(into.getvalue(), project(Option.GRAPHICS)))
    assert all((group, 0x3000) not in basic and (group, 0x4000) not in basic for group in (0x6000, 0x6002))
    assert "Jane" not in str(basic) and "lung" not in str(basic)
    assert cleaned[0x60003000].value == b"\1\2"
    assert (0x6002, 0x3000) not in cleaned and (0x6000, 0x4000) not in cleaned
    (kept,) = cleaned.GraphicAnnotationSequence
    assert kept.GraphicObjectSequence[0].GraphicData == [1.0, 1.0, 2.0, 2.0]
    assert kept.TextObjectSequence[0].UnformattedTextValue == "of left lung"
    assert "113103" in [item.CodeValue for item in cleaned.DeidentificationMethodCodeSequence]


def test_what_cannot_be_read_is_not_given_out() -> None:
    with pytest.raises(CannotClean, match="document"):
        made(file(EncapsulatedDocument=b"%PDF-1.4 Jane Doe", MIMETypeOfEncapsulatedDocument="application/pdf"), project())


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_bytes_are_refused_or_read(data: st.DataObject) -> None:
    """Any byte of a file with sequences may be another: an object comes out, or Malformed; never more than went in by far."""
    reference = Dataset()
    reference.ReferencedSOPInstanceUID, reference.PersonName = "1.2.3.4.6", "Doe^Jane"
    whole = bytearray(file(ContentSequence=Sequence([reference]), RequestAttributesSequence=Sequence([reference, reference])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(132, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            out = made(bytes(whole), project(Option.CONTENT, Option.DESCRIPTORS))
        except (Malformed, CannotClean):
            return
    assert len(out) < len(whole) + 2000


def complaints(path: Path) -> set[str]:
    """What dicom3tools' dciodvfy calls an error."""
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, timeout=120,
                          errors="replace", check=False)  # fmt: skip
    lines = (said.stdout + said.stderr).splitlines()
    return {re.sub(r"<[^>]*>|\[[^]]*\]", "", line) for line in lines if line.startswith("Error")}


JUDGED = ("ct/priors/A002304", "mr/study-brain-multiseries-with-ko", "sr/study-tid1500-pet", "seg/study-liver-ct",
          "enhanced", "pr")  # fmt: skip


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("options", [(), CLEANED], ids=["basic", "cleaned"])
def test_no_object_becomes_less_of_its_iod(options: tuple[Option, ...], tmp_path: Path) -> None:
    """dciodvfy finds nothing wrong in what leaves that it had not found in what was there."""
    checked = 0
    for folder in JUDGED:
        for path in [path for path in sorted((DATA / folder).rglob("*")) if path.is_file()][:2]:
            before = tmp_path / "before.dcm"
            before.write_bytes(path.read_bytes())
            after = tmp_path / "after.dcm"
            after.write_bytes(made(path.read_bytes(), project(*options)))
            assert complaints(after) - complaints(before) == set(), path.name
            checked += 1
    assert checked >= 10
