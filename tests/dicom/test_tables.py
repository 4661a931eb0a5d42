"""The tables of the standard: generated ones are what the generator writes, hand-written ones agree with the dictionary."""

import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR

from isocenter.dicom import attributes, sop_classes, syntaxes, uid
from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, Level, Matching, at, keyword_of, tag_of, vr_of
from isocenter.dicom.syntaxes import Support

# Newer than the pinned edition, or of a vendor.
BEYOND_EDITION = {f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112)} | {"1.2.840.10008.1.2.8.1", "1.2.840.113619.5.2"}


def test_generated_tables_are_what_the_generator_writes() -> None:
    generator = Path(__file__).parents[2] / "standard/generate.py"
    assert subprocess.run([sys.executable, str(generator), "--check"], check=False).returncode == 0


# ---- the dictionary and the attribute table ----


def test_the_dictionary() -> None:
    assert tag_of("PatientName") == 0x00100010 and tag_of("NoSuchKeyword") is None
    assert keyword_of(0x00100010) == "PatientName" and keyword_of(0x00091010) == ""
    assert keyword_of(0x60023000) == "OverlayData" and vr_of(0x60023000) == "OB or OW"
    assert vr_of(0x00280106) == "US or SS"
    assert vr_of(0x00080000) == "UL" and vr_of(0x00090010) == "LO" and vr_of(0x00091010) == "UN" and vr_of(0x00101234) == "UN"
    for tag, row in DicomDictionary.items():
        if tag >> 16 and row[4]:
            assert vr_of(tag) == dictionary_VR(tag) and tag_of(row[4]) is not None


def test_rows_agree_with_the_standard() -> None:
    for attribute in ATTRIBUTES:
        assert DicomDictionary[attribute.tag][0] == attribute.vr
        assert DicomDictionary[attribute.tag][4] == attribute.keyword
        assert attribute.column.isidentifier() and attribute.column == attribute.column.lower()
        assert attribute.sequence == "" or tag_of(attribute.sequence) is not None
        if attribute.matching is Matching.NAME:
            assert attribute.vr == "PN"
    assert len({a.keyword for a in ATTRIBUTES}) == len({a.tag for a in ATTRIBUTES}) == len(ATTRIBUTES)
    assert len({(a.level, a.column) for a in ATTRIBUTES}) == len(ATTRIBUTES)
    assert BY_TAG[0x0020000D] is BY_KEYWORD["StudyInstanceUID"]
    assert BY_KEYWORD["OtherPatientIDs"].column == "other_patient_ids"
    assert BY_KEYWORD["SOPInstanceUID"].column == "sop_instance_uid"


def test_each_level_has_one_unique_key_and_the_keys_of_the_standard() -> None:
    for level in Level:
        assert [a.keyword for a in at(level) if a.key == "U"] == [
            {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        ]
    required = {a.keyword for a in ATTRIBUTES if a.key == "R"}
    # PS3.4 Tables C.6-1 to C.6-4
    assert required == {
        "PatientName",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "StudyID",
        "Modality",
        "SeriesNumber",
        "InstanceNumber",
    }


# PS3.18 Tables 10.6.3-3 to 10.6.3-5, without those that are of the response itself (Retrieve URL, Specific Character Set)
STUDY_DEFAULTS = {
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ModalitiesInStudy",
    "ReferringPhysicianName",
    "TimezoneOffsetFromUTC",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
}
SERIES_DEFAULTS = {
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "NumberOfSeriesRelatedInstances",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "ScheduledProcedureStepID",
    "RequestedProcedureID",
}
INSTANCE_DEFAULTS = {
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceAvailability",
    "InstanceNumber",
    "Rows",
    "Columns",
    "BitsAllocated",
    "NumberOfFrames",
    "AvailableTransferSyntaxUID",
}


def test_qido_defaults() -> None:
    defaults = {level: {a.keyword for a in at(level) if a.qido_default} for level in Level}
    assert defaults[Level.PATIENT] | defaults[Level.STUDY] == STUDY_DEFAULTS
    assert defaults[Level.SERIES] == SERIES_DEFAULTS
    assert defaults[Level.INSTANCE] == INSTANCE_DEFAULTS


def test_only_wildcard_vrs_are_matched_as_text() -> None:
    # PS3.4 C.2.2.2.4
    for attribute in ATTRIBUTES:
        if attribute.matching in (Matching.TEXT, Matching.NAME):
            assert attribute.vr in {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
    assert attributes.BY_KEYWORD["NumberOfStudyRelatedSeries"].matching is Matching.NONE
    assert attributes.BY_KEYWORD["ModalitiesInStudy"].matching is Matching.TEXT


# pynetdicom and others add to pydicom's dictionary when they are imported: read a copy of our own
UID_dictionary = runpy.run_path(find_spec("pydicom._uid_dict").origin)["UID_dictionary"]  # type: ignore[union-attr, arg-type]


# ---- transfer syntaxes ----


def test_every_transfer_syntax_of_the_standard_is_there_with_its_name() -> None:
    known = {u: row for u, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    assert {s.uid for s in syntaxes.ALL} - set(known) == BEYOND_EDITION
    for one, row in known.items():
        syntax = syntaxes.get(one)
        assert syntax is not None and syntax.name == row[0] and syntax.retired == (row[3] == "Retired")
    assert len({s.uid for s in syntaxes.ALL}) == len(syntaxes.ALL)


def test_what_transfer_syntaxes_say_of_the_bytes() -> None:
    from pydicom.uid import UID

    for syntax in syntaxes.ALL:
        known = UID(syntax.uid)
        if syntax.uid in BEYOND_EDITION or syntax.support is Support.NONE or syntax.uid.endswith((".98", "1.20")):
            continue
        assert syntax.explicit_vr == (not known.is_implicit_VR), syntax.name
        assert syntax.little_endian == known.is_little_endian, syntax.name
        assert syntax.deflated == known.is_deflated, syntax.name
        assert syntax.encapsulated == known.is_encapsulated, syntax.name
        lossless = "Lossless" in syntax.name.replace("Near-Lossless", "")
        assert syntax.retired or syntax.lossy == (syntax.encapsulated and not lossless), syntax.name
    assert syntaxes.get("1.2.840.10008.1.2.8.1").encapsulated  # type: ignore[union-attr]
    assert syntaxes.get("1.2.3.4") is None


# ---- SOP classes ----


def test_storage_classes() -> None:
    ct = sop_classes.get("1.2.840.10008.5.1.4.1.1.2")
    assert ct is not None and ct.keyword == "CTImageStorage" and ct.kind == "image" and not ct.retired
    kinds = {sop_class.keyword: sop_class.kind for sop_class in sop_classes.STORAGE.values()}
    assert kinds["EnhancedMRImageStorage"] == kinds["BreastTomosynthesisImageStorage"] == "multiframe"
    assert kinds["ComprehensiveSRStorage"] == kinds["KeyObjectSelectionDocumentStorage"] == "sr"
    assert kinds["SegmentationStorage"] == kinds["SurfaceSegmentationStorage"] == "segmentation"
    assert kinds["RTPlanStorage"] == kinds["TomotherapeuticRadiationRecordStorage"] == "radiotherapy"
    assert kinds["EncapsulatedPDFStorage"] == "document" and kinds["VideoEndoscopicImageStorage"] == "video"
    assert kinds["PositronEmissionTomographyImageStorage"] == kinds["VLPhotographicImageStorage"] == "image"
    assert kinds["ColorPaletteStorage"] == "non_patient" and kinds["TwelveLeadECGWaveformStorage"] == "waveform"
    assert sop_classes.name_of("1.2.840.10008.5.1.4.1.1.4") == "MR Image Storage" and sop_classes.name_of("1.2.3") == "1.2.3"


def test_storage_and_the_other_uids_are_all_of_the_standard() -> None:
    assert not set(sop_classes.STORAGE) & sop_classes.OTHER
    assert set(sop_classes.STORAGE) | sop_classes.OTHER == set(UID_dictionary)
    for one in (
        sop_classes.VERIFICATION,
        sop_classes.STUDY_ROOT_FIND,
        sop_classes.MEDIA_STORAGE_DIRECTORY,
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.3.1.1.1",
        "1.2.840.10008.5.1.1.9",
    ):
        assert one in sop_classes.OTHER
    from pydicom import uid as known

    storage = {
        str(v)
        for k, v in vars(known).items()
        if isinstance(v, known.UID) and k.endswith(("Storage", "Presentation", "Processing"))
    }
    assert storage - set(sop_classes.STORAGE) - {sop_classes.MEDIA_STORAGE_DIRECTORY} == set()


# ---- UIDs ----


@pytest.mark.parametrize(
    "text, valid, usable",
    [
        ("1.2.840.10008.1.1", True, True),
        ("2.25.0", True, True),
        ("1.02.3", False, True),
        ("1", False, True),
        ("1..2", False, True),
        ("1.2.", False, True),
        ("", False, False),
        ("1." + "2" * 63, False, False),
        ("1." + "2" * 62, True, True),
        ("1.2.x", False, False),
        ("1.2 ", False, False),
        ("...", False, False),
        ("1.2\n", False, False),
        ("١.٢", False, False),
    ],
)
def test_uids(text: str, valid: bool, usable: bool) -> None:
    assert (uid.is_valid(text), uid.is_usable(text)) == (valid, usable)


def test_new_uids() -> None:
    made = {uid.new_uid() for _ in range(100)}
    assert len(made) == 100 and all(uid.is_valid(one) and one.startswith("2.25.") for one in made)
    assert uid.is_valid(uid.IMPLEMENTATION_CLASS_UID) and len(uid.IMPLEMENTATION_VERSION_NAME) <= 16
