"""The attribute table: every attribute the index knows.

Schema columns, C-FIND keys, QIDO fields and the conformance statement come from it. Levels and key types are those of PS3.4
C.6.1.1.2 to C.6.1.1.5 (Patient Root), QIDO defaults those of PS3.18 Tables 10.6.3-3 to 10.6.3-5.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from ._dictionary import ELEMENTS, REPEATERS


class Level(StrEnum):
    """Query/Retrieve Level (0008,0052), PS3.4 C.6."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    INSTANCE = "IMAGE"


class Matching(StrEnum):
    """How a key attribute is matched (PS3.4 C.2.2.2); universal matching always goes."""

    SINGLE = "single"  # single value only: IS, DS, US, AS and the like
    UID = "uid"  # single value or list of UID
    TEXT = "text"  # single value or wildcard, case sensitive
    NAME = "name"  # PN: single value or wildcard, case and accents ignored, any component group
    DATE = "date"  # single value or range
    TIME = "time"  # single value or range
    NONE = "none"  # returned, never matched


class Matched(Protocol):
    """What matching must know of an attribute, of this table or another."""

    @property
    def keyword(self) -> str: ...
    @property
    def vr(self) -> str: ...
    @property
    def matching(self) -> Matching: ...


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of the table.

    key: unique, required or optional key of its level. column: name in the index. qido_default: returned by QIDO-RS unasked.
    computed: not in the object, counted or gathered from the levels below. sequence: keyword of the sequence in whose items the
    attribute lies ("" for the data set itself); the values of all items are joined by a backslash.
    An attribute that the settings declare (`extra`) is no column. path: the tags of its sequences, from the outside; creator: the
    Private Creator of a private one (PS3.5 7.8.1), whose tag has block 10.
    """

    keyword: str
    tag: int
    vr: str
    level: Level
    key: Literal["U", "R", "O"]
    matching: Matching
    column: str
    qido_default: bool
    computed: bool = False
    sequence: str = ""
    path: tuple[int, ...] = ()
    creator: str = ""

    @property
    def is_extra(self) -> bool:
        return not self.column


_MATCHING_OF_VR = {"UI": Matching.UID, "PN": Matching.NAME, "DA": Matching.DATE, "TM": Matching.TIME}
_WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})  # PS3.4 C.2.2.2.4

_TAGS = {keyword: tag for tag, (_, keyword) in ELEMENTS.items()}


def keyword_of(tag: int) -> str:
    """Return the keyword of a tag from the data dictionary, or "" for a private or unknown one."""
    row = ELEMENTS.get(tag) or _repeater(tag)
    return row[1] if row else ""


def tag_of(keyword: str) -> int | None:
    """Return the tag of a keyword, or None when the dictionary has no such keyword."""
    return _TAGS.get(keyword)


def vr_of(tag: int) -> str:
    """Return the VR of a tag; several words when it depends on other attributes ("US or SS"), "UN" when unknown."""
    row = ELEMENTS.get(tag)
    if row is None:
        if tag & 0xFFFF == 0:
            return "UL"  # group length, PS3.5 7.2
        if tag & 0x10000:
            # PS3.5 7.8.1: private creator; all other private elements are unknown here
            return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
        row = _repeater(tag)
    return row[0] if row else "UN"


_REPEATER_PATTERNS = tuple((re.compile(mask.replace("x", "[0-9A-F]")), row) for mask, row in REPEATERS.items())


def _repeater(tag: int) -> tuple[str, str] | None:
    """Return the row of a repeating group (50xx, 60xx ...), PS3.5 7.6."""
    text = f"{tag:08X}"
    for pattern, row in _REPEATER_PATTERNS:
        if pattern.fullmatch(text):
            return row
    return None


def matching_of(vr: str) -> Matching:
    """Return how an attribute of a VR is matched unless something else is said of it."""
    return _MATCHING_OF_VR.get(vr, Matching.TEXT if vr in _WILDCARD_VRS else Matching.SINGLE)


def column_of(keyword: str) -> str:
    """Return the name of a keyword as a column: PatientName is patient_name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", keyword.replace("IDs", "Ids"))
    return words.lower()


def _row(
    level: Level,
    keyword: str,
    key: Literal["U", "R", "O"] = "O",
    *,
    qido: bool = False,
    computed: bool = False,
    sequence: str = "",
) -> Attribute:
    tag = _TAGS[keyword]
    vr = ELEMENTS[tag][0]
    matching = matching_of(vr)
    if keyword == "TimezoneOffsetFromUTC" or (computed and keyword not in _MATCHED_THOUGH_COMPUTED):
        matching = Matching.NONE
    column = column_of(keyword)
    if sequence == "ConceptNameCodeSequence":
        column = "concept_name_" + column  # CodeValue alone would not say whose
    return Attribute(keyword, tag, vr, level, key, matching, column, qido, computed, sequence)


# PS3.4 C.6.2.1.3 and C.3.4: these two are matched against what the study holds.
# Timezone Offset From UTC says in which zone dates and times are asked for, and is not matched (PS3.4 C.4.1.1.3.1).
_MATCHED_THOUGH_COMPUTED = frozenset({"ModalitiesInStudy", "SOPClassesInStudy"})


def _table() -> tuple[Attribute, ...]:
    p, st, se, i = Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE
    request, concept = "RequestAttributesSequence", "ConceptNameCodeSequence"
    return (
        _row(p, "PatientName", "R", qido=True),
        _row(p, "PatientID", "U", qido=True),
        _row(p, "IssuerOfPatientID"),
        _row(p, "PatientBirthDate", qido=True),
        _row(p, "PatientBirthTime"),
        _row(p, "PatientSex", qido=True),
        _row(p, "OtherPatientIDs"),
        _row(p, "OtherPatientNames"),
        _row(p, "EthnicGroup"),
        _row(p, "PatientComments"),
        _row(p, "NumberOfPatientRelatedStudies", computed=True),
        _row(p, "NumberOfPatientRelatedSeries", computed=True),
        _row(p, "NumberOfPatientRelatedInstances", computed=True),
        _row(st, "StudyInstanceUID", "U", qido=True),
        _row(st, "StudyDate", "R", qido=True),
        _row(st, "StudyTime", "R", qido=True),
        _row(st, "AccessionNumber", "R", qido=True),
        _row(st, "StudyID", "R", qido=True),
        _row(st, "StudyDescription"),
        _row(st, "ReferringPhysicianName", qido=True),
        _row(st, "NameOfPhysiciansReadingStudy"),
        _row(st, "AdmittingDiagnosesDescription"),
        _row(st, "PatientAge"),
        _row(st, "PatientSize"),
        _row(st, "PatientWeight"),
        _row(st, "Occupation"),
        _row(st, "AdditionalPatientHistory"),
        _row(st, "InstitutionName"),
        _row(st, "TimezoneOffsetFromUTC", qido=True),
        _row(st, "ModalitiesInStudy", qido=True, computed=True),
        _row(st, "SOPClassesInStudy", computed=True),
        _row(st, "NumberOfStudyRelatedSeries", qido=True, computed=True),
        _row(st, "NumberOfStudyRelatedInstances", qido=True, computed=True),
        _row(se, "SeriesInstanceUID", "U", qido=True),
        _row(se, "Modality", "R", qido=True),
        _row(se, "SeriesNumber", "R", qido=True),
        _row(se, "SeriesDescription", qido=True),
        _row(se, "SeriesDate"),
        _row(se, "SeriesTime"),
        _row(se, "BodyPartExamined"),
        _row(se, "Laterality"),
        _row(se, "PatientPosition"),
        _row(se, "ProtocolName"),
        _row(se, "PerformedProcedureStepStartDate", qido=True),
        _row(se, "PerformedProcedureStepStartTime", qido=True),
        _row(se, "PerformedProcedureStepID"),
        _row(se, "PerformedProcedureStepDescription"),
        _row(se, "ScheduledProcedureStepID", qido=True, sequence=request),
        _row(se, "RequestedProcedureID", qido=True, sequence=request),
        _row(se, "Manufacturer"),
        _row(se, "ManufacturerModelName"),
        _row(se, "StationName"),
        _row(se, "DeviceSerialNumber"),
        _row(se, "SoftwareVersions"),
        _row(se, "InstitutionalDepartmentName"),
        _row(se, "OperatorsName"),
        _row(se, "PerformingPhysicianName"),
        _row(se, "FrameOfReferenceUID"),
        _row(se, "NumberOfSeriesRelatedInstances", qido=True, computed=True),
        _row(i, "SOPInstanceUID", "U", qido=True),
        _row(i, "SOPClassUID", qido=True),
        _row(i, "InstanceNumber", "R", qido=True),
        _row(i, "AcquisitionNumber"),
        _row(i, "InstanceCreationDate"),
        _row(i, "InstanceCreationTime"),
        _row(i, "ContentDate"),
        _row(i, "ContentTime"),
        _row(i, "AcquisitionDate"),
        _row(i, "AcquisitionTime"),
        _row(i, "ImageType"),
        _row(i, "ImageComments"),
        _row(i, "ContentLabel"),
        _row(i, "ContentDescription"),
        _row(i, "DocumentTitle"),
        _row(i, "CompletionFlag"),
        _row(i, "VerificationFlag"),
        _row(i, "CodeValue", sequence=concept),
        _row(i, "CodingSchemeDesignator", sequence=concept),
        _row(i, "CodeMeaning", sequence=concept),
        _row(i, "Rows", qido=True),
        _row(i, "Columns", qido=True),
        _row(i, "BitsAllocated", qido=True),
        _row(i, "NumberOfFrames", qido=True),
        _row(i, "SliceLocation"),
        _row(i, "ImagePositionPatient"),
        _row(i, "ImageOrientationPatient"),
        _row(i, "AvailableTransferSyntaxUID", qido=True, computed=True),
        _row(i, "InstanceAvailability", qido=True, computed=True),
    )


ATTRIBUTES: tuple[Attribute, ...] = _table()
BY_KEYWORD: dict[str, Attribute] = {attribute.keyword: attribute for attribute in ATTRIBUTES}
BY_TAG: dict[int, Attribute] = {attribute.tag: attribute for attribute in ATTRIBUTES}


def at(level: Level) -> tuple[Attribute, ...]:
    """Return the attributes of one level, in the order of the table."""
    return tuple(attribute for attribute in ATTRIBUTES if attribute.level == level)
