"""The attributes of the Modality Worklist Information Model (PS3.4 Table K.6-1): one table for the index, C-FIND and the API.

A row is an attribute of the scheduled procedure step (its path begins with the Scheduled Procedure Step Sequence), or of what it
is a step of: requested procedure, imaging service request, visit and patient, which an order holds together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import attributes, uid
from .attributes import Matching
from .match import date

STEP = "ScheduledProcedureStepSequence"
_CODE = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
_ISSUER = ("LocalNamespaceEntityID", "UniversalEntityID", "UniversalEntityIDType")

# PS3.5 Table 6.2-1: characters at most; of a PN in each of its three groups, of a UI as a whole
LONGEST: Mapping[str, int] = MappingProxyType(
    {"AE": 16, "AS": 4, "CS": 16, "DA": 10, "DS": 16, "LO": 64, "LT": 10240, "PN": 194, "SH": 16, "ST": 1024, "TM": 16, "UI": 64,
     "US": 5, "UT": 10240}
)  # fmt: skip
_PATTERNS = {
    "AE": re.compile(r"[\x20-\x5b\x5d-\x7e]+"),
    "CS": re.compile(r"[A-Z0-9 _]+"),
    "DS": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    "US": re.compile(r"[0-9]+"),
}
_TIME = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(\.\d{1,6})?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """One row.

    path: the sequences around it, outermost first. column: its name in the index. many: it may have several values, or its
    sequence several items. is_required: SCPs must match it (PS3.4 K.6-1); all others are matched all the same.
    """

    keyword: str
    tag: int
    vr: str
    matching: Matching
    path: tuple[str, ...]
    column: str
    many: bool
    is_required: bool

    @property
    def of_step(self) -> bool:
        """Whether it is of the scheduled procedure step."""
        return self.path[:1] == (STEP,)

    @property
    def sequence(self) -> str:
        """The sequence in whose items it lies, inside of the order or of the step; "" when it lies in none."""
        return self.path[-1] if self.path and self.path[-1] != STEP else ""


def _rows(names: str, *path: str, required: str = "", many: str = "") -> list[Key]:
    inner = path[-1] if path and path[-1] != STEP else ""
    rows = []
    for keyword in names.split():
        tag = attributes.tag_of(keyword)
        assert tag is not None, keyword
        vr = attributes.vr_of(tag)
        column = f"{attributes.column_of(inner).removesuffix('_sequence')}_{attributes.column_of(keyword)}" if inner else ""
        several = (bool(inner) and inner not in _ONE_ITEM) or keyword in many.split()
        rows.append(
            Key(keyword, tag, vr, attributes.matching_of(vr), path, column or attributes.column_of(keyword), several,
                keyword in required.split())
        )
    return rows


_ONE_ITEM = frozenset({"IssuerOfAccessionNumberSequence"})

KEYS: tuple[Key, ...] = (
    *_rows(
        "ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime ScheduledProcedureStepEndDate "
        "ScheduledProcedureStepEndTime Modality ScheduledPerformingPhysicianName ScheduledProcedureStepDescription "
        "ScheduledProcedureStepID ScheduledStationName ScheduledProcedureStepLocation PreMedication RequestedContrastAgent "
        "ScheduledProcedureStepStatus CommentsOnTheScheduledProcedureStep",
        STEP,
        required="ScheduledStationAETitle ScheduledProcedureStepStartDate ScheduledProcedureStepStartTime Modality "
        "ScheduledPerformingPhysicianName",
        many="ScheduledStationAETitle ScheduledStationName",
    ),
    *_rows(" ".join(_CODE), STEP, "ScheduledProtocolCodeSequence"),
    *_rows(
        "PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex OtherPatientIDs PatientWeight PatientSize "
        "EthnicGroup PatientComments MedicalAlerts Allergies PregnancyStatus LastMenstrualDate SmokingStatus SpecialNeeds "
        "PatientState ConfidentialityConstraintOnPatientDataDescription AdditionalPatientHistory",
        required="PatientName PatientID",
        many="OtherPatientIDs MedicalAlerts Allergies",
    ),
    *_rows(
        "AdmissionID CurrentPatientLocation PatientInstitutionResidence AdmittingDiagnosesDescription InstitutionName "
        "VisitComments",
        many="AdmittingDiagnosesDescription",
    ),
    *_rows(
        "AccessionNumber ReferringPhysicianName RequestingPhysician RequestingService PlacerOrderNumberImagingServiceRequest "
        "FillerOrderNumberImagingServiceRequest OrderEntererLocation OrderCallbackPhoneNumber ImagingServiceRequestComments"
    ),
    *_rows(" ".join(_ISSUER), "IssuerOfAccessionNumberSequence"),
    *_rows(
        "StudyInstanceUID RequestedProcedureID RequestedProcedureDescription RequestedProcedurePriority "
        "ReasonForTheRequestedProcedure RequestedProcedureComments RequestedProcedureLocation PatientTransportArrangements "
        "ConfidentialityCode ReportingPriority NamesOfIntendedRecipientsOfResults",
        many="NamesOfIntendedRecipientsOfResults",
    ),
    *_rows(" ".join(_CODE), "RequestedProcedureCodeSequence"),
    *_rows(" ".join(_CODE), "ReasonForRequestedProcedureCodeSequence"),
)
BY_COLUMN: Mapping[str, Key] = MappingProxyType({key.column: key for key in KEYS})
BY_PLACE: Mapping[tuple[tuple[str, ...], str], Key] = MappingProxyType({(key.path, key.keyword): key for key in KEYS})
# Return keys of type 2 about which an order knows nothing: answered without items (PS3.4 Table K.6-1).
NEVER_VALUED = frozenset({"ReferencedStudySequence", "ReferencedPatientSequence"})

assert len(BY_COLUMN) == len(KEYS)


def checked(key: Key, text: str) -> str:
    """One value as the index keeps it: without padding, dates as YYYYMMDD, times as HHMMSS. ValueError says what is wrong.

    The values of a person's name, and whatever else people write, may hold any character but a backslash (PS3.5 6.2).
    """
    text = text.strip(" \0")
    if not text:
        return ""
    if key.vr == "DA":
        return date(text)
    if key.vr == "TM":
        return _time(text)
    if key.vr == "CS":
        text = text.upper()
    if len(text) > LONGEST[key.vr]:
        raise ValueError(f"it has more than {LONGEST[key.vr]} characters")
    if "\\" in text or not _is_printable(text, key.vr):
        raise ValueError("it has a backslash or a control character")
    pattern = _PATTERNS.get(key.vr)
    if pattern is not None and not pattern.fullmatch(text):
        raise ValueError(f"it is no value of a {key.vr}")
    if key.vr == "UI" and not uid.is_valid(text):
        raise ValueError("it is no UID")
    if key.vr == "US" and int(text) > 0xFFFF:
        raise ValueError("it is larger than 65535")
    if key.vr == "PN":
        _check_name(text)
    return text


def _is_printable(text: str, vr: str) -> bool:
    kept = "\r\n\t\f" if vr in ("LT", "ST", "UT") else ""
    return all(character.isprintable() or character in kept for character in text)


def _check_name(text: str) -> None:
    """PS3.5 6.2.1: up to three groups of up to five components."""
    groups = text.split("=")
    if len(groups) > 3 or any(len(group) > 64 or group.count("^") > 4 for group in groups):
        raise ValueError("a name has up to three groups of 64 characters and five components each")


def _time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("it is no time HHMMSS")
    hour, minute, second, fraction = match.groups()
    return f"{hour}{minute or '00'}{second or '00'}{fraction or ''}"


def _sequences() -> Mapping[str, tuple[Key, ...]]:
    found: dict[str, tuple[Key, ...]] = {}
    for key in KEYS:
        if key.sequence:
            found[key.sequence] = (*found.get(key.sequence, ()), key)
    return MappingProxyType(found)


# The sequences inside of an order or a step, and what lies in their items.
SEQUENCES = _sequences()
