"""Which field of a message is which attribute: one table (IHE RAD TF-2 4.1 to 4.4 and Appendix B), and a site's own places.

A row may have several places; the first that has a value counts. A site writes its own as settings do:
`AccessionNumber=OBR-3, ScheduledStationAETitle=ZAE-1/OBR-21`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from isocenter.dicom import attributes
from isocenter.dicom.worklist import LONGEST, SEQUENCES
from isocenter.domain.hl7.message import Place, Segment, at

_SEXES = {"M": "M", "F": "F", "O": "O", "A": "O"}  # HL7 table 0001; U and N are no value in DICOM (PS3.3 C.7.1.1)
_PRIORITIES = {"S": "STAT", "STAT": "STAT", "A": "HIGH", "ASAP": "HIGH", "R": "ROUTINE", "ROUTINE": "ROUTINE", "P": "MEDIUM",
               "C": "MEDIUM", "T": "HIGH"}  # HL7 table 0485; IHE RAD TF-2 Table B-1
_MOMENT = re.compile(r"(\d{8})(\d{2})?(\d{2})?(\d{2})?")
# Texts for people: cut at the length that DICOM allows, where an identifier must fit as it is.
_CUT = frozenset({"LO", "SH", "ST", "LT", "UT"})
_WHOLE = frozenset(
    {"PatientID", "AccessionNumber", "IssuerOfPatientID", "AdmissionID", "RequestedProcedureID", "ScheduledProcedureStepID",
     "PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest"}
)  # fmt: skip

Segments = Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Rule:
    """keyword: of the attribute, or a sequence of codes. read: how a place is read. many: every segment, every repetition."""

    keyword: str
    places: tuple[Place, ...]
    read: Callable[[str, Place, Segments], Any]
    of_step: bool = False


def _text(keyword: str, place: Place, segments: Segments) -> str:
    return fitting(keyword, at(place, segments))


def _texts(keyword: str, place: Place, segments: Segments) -> list[str]:
    """Of every segment and repetition: allergies, alerts."""
    found = [
        segment.component(raw, place.component or 1)
        for segment in segments if segment.name == place.segment for raw in segment.repetitions(place.field)
    ]  # fmt: skip
    return list(dict.fromkeys(fitting(keyword, text) for text in found if text))[:32]


def _name(keyword: str, place: Place, segments: Segments) -> str:
    """XPN: the repetitions may be the name in letters, ideographs and sounds (XPN.8, table 0465)."""
    segment = _having(place, segments)
    return "" if segment is None else name_of(segment, segment.repetitions(place.field), 1)


def _person(keyword: str, place: Place, segments: Segments) -> str:
    """XCN, whose first component is an ID; CNN of an NDL has subcomponents instead."""
    segment = _having(place, segments)
    if segment is None:
        return ""
    found = segment.repetitions(place.field)
    if segment.separators.subcomponent in found[0].split(segment.separators.component)[0]:
        parts = [segment.component(found[0], 1, number) for number in (2, 3, 4, 6, 5)]
        return _joined(parts)
    return name_of(segment, found[:1], 2)


def _date(keyword: str, place: Place, segments: Segments) -> str:
    return moment(at(place, segments))[0]


def _time(keyword: str, place: Place, segments: Segments) -> str:
    return moment(at(place, segments))[1]


def _sex(keyword: str, place: Place, segments: Segments) -> str:
    return _SEXES.get(at(place, segments).upper(), "")


def _priority(keyword: str, place: Place, segments: Segments) -> str:
    return _PRIORITIES.get(at(place, segments).upper(), "")


def _pregnancy(keyword: str, place: Place, segments: Segments) -> str:
    return "3" if at(place, segments).upper() == "B6" else ""  # HL7 table 0009; PS3.3 C.2.4: definitely pregnant


def _code(keyword: str, place: Place, segments: Segments) -> list[dict[str, str]]:
    """CWE: value, meaning and scheme in three components from the place on."""
    for segment in segments:
        if segment.name != place.segment:
            continue
        first = place.component or 1
        value, meaning, scheme = (segment.text(place.field, first + number) for number in range(3))
        if value:
            code = {"CodeValue": _plain(value, 16), "CodingSchemeDesignator": _plain(scheme or "L", 16),
                    "CodeMeaning": _plain(meaning, 64)}
            return [{name: text for name, text in code.items() if text}]
    return []


def _patient_id(keyword: str, place: Place, segments: Segments) -> str:
    segment = _having(place, segments)
    return fitting(keyword, segment.component(identifier(segment, place.field))) if segment else ""


def _issuer(keyword: str, place: Place, segments: Segments) -> str:
    segment = _having(place, segments)
    return fitting(keyword, segment.component(identifier(segment, place.field), 4)) if segment else ""


def identifier(segment: Segment, field: int) -> str:
    """Of several identifiers (CX) the one of the patient: type MR, PI or PT if one says so, else the first (table 0203)."""
    found = segment.repetitions(field)
    return next((raw for raw in found if segment.component(raw, 5).upper() in ("MR", "PI", "PT")), found[0] if found else "")


def _rows() -> tuple[Rule, ...]:
    def row(keyword: str, places: str, read: Callable[[str, Place, Segments], Any] = _text, step: bool = False) -> Rule:
        return Rule(keyword, tuple(Place.parse(place) for place in places.split()), read, step)

    return (
        row("PatientName", "PID-5", _name),
        row("PatientID", "PID-3 PID-2", _patient_id),
        row("IssuerOfPatientID", "PID-3 PID-2", _issuer),
        row("PatientBirthDate", "PID-7", _date),
        row("PatientSex", "PID-8", _sex),
        row("EthnicGroup", "PID-22.2 PID-22"),
        row("PregnancyStatus", "PV1-15", _pregnancy),
        row("Allergies", "AL1-3.2", _texts),
        row("MedicalAlerts", "OBR-13", _texts),
        row("PatientState", "OBR-12.2 OBR-12"),
        row("SpecialNeeds", "PV2-38.2 PV2-38"),
        row("CurrentPatientLocation", "PV1-3"),
        row("AdmissionID", "PV1-19 PID-18"),
        row("AccessionNumber", "IPC-1 OBR-18"),
        row("ReferringPhysicianName", "PV1-8", _person),
        row("RequestingPhysician", "OBR-16 ORC-12", _person),
        row("RequestingService", "ORC-17.2 ORC-17"),
        row("PlacerOrderNumberImagingServiceRequest", "ORC-2 OBR-2"),
        row("FillerOrderNumberImagingServiceRequest", "ORC-3 OBR-3"),
        row("OrderEntererLocation", "ORC-13"),
        row("OrderCallbackPhoneNumber", "ORC-14 OBR-17"),
        row("ImagingServiceRequestComments", "NTE-3"),
        row("StudyInstanceUID", "IPC-3 ZDS-1"),
        row("RequestedProcedureID", "IPC-2 OBR-19"),
        row("RequestedProcedureDescription", "OBR-44.2 OBR-4.2 OBR-4"),
        row("RequestedProcedureCodeSequence", "OBR-44 OBR-4", _code),
        row("RequestedProcedurePriority", "TQ1-9 OBR-27.6 ORC-7.6 OBR-5", _priority),
        row("ReasonForTheRequestedProcedure", "OBR-31.2 OBR-31"),
        row("PatientTransportArrangements", "OBR-30"),
        row("ScheduledProcedureStepID", "IPC-4 OBR-20", step=True),
        row("Modality", "IPC-5 OBR-24", step=True),
        row("ScheduledStationAETitle", "IPC-9 OBR-21", step=True),
        row("ScheduledStationName", "IPC-7", step=True),
        row("ScheduledProcedureStepLocation", "IPC-8", step=True),
        row("ScheduledProcedureStepStartDate", "TQ1-7 OBR-27.4 ORC-7.4 OBR-36", _date, step=True),
        row("ScheduledProcedureStepStartTime", "TQ1-7 OBR-27.4 ORC-7.4 OBR-36", _time, step=True),
        row("ScheduledPerformingPhysicianName", "OBR-34 OBR-32", _person, step=True),
        row("ScheduledProcedureStepDescription", "IPC-6.2 OBR-4.5 OBR-44.2 OBR-4.2 OBR-4", step=True),
        row("ScheduledProtocolCodeSequence", "IPC-6 OBR-4.4", _code, step=True),
    )


RULES: tuple[Rule, ...] = _rows()
OF_PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "EthnicGroup")


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The table as it holds at this site. stations: modality -> AE titles of its stations, for orders that name none."""

    rules: tuple[Rule, ...] = RULES
    stations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def facts(self, segments: Segments, *, of_step: bool, only: Sequence[str] = ()) -> dict[str, Any]:
        """What the segments say, by keyword; what they say nothing of is left out."""
        found: dict[str, Any] = {}
        for rule in self.rules:
            if rule.of_step is of_step and (not only or rule.keyword in only):
                value = next((value for place in rule.places if (value := rule.read(rule.keyword, place, segments))), None)
                if value:
                    found[rule.keyword] = value
        return found

    def place(self, where: str) -> str:
        """Where an attribute stands in a message: steps[0].Modality -> IPC-5; "" when the table has none."""
        names = re.sub(r"\[\d+\]", "", where).split(".")
        rule = next((rule for rule in self.rules if rule.keyword in names), None)
        return str(rule.places[0]) if rule else ""


def with_site(fields: str, stations: str) -> FieldTable:
    """The table with a site's settings. Raises ValueError with a sentence on what to write.

    fields: `AccessionNumber=OBR-3/ORC-3, ...`; stations: `CT=CT1/CT2, MR=MR1`.
    """
    own = {}
    for name, places in _pairs(fields, "AccessionNumber=OBR-3"):
        known = next((rule for rule in RULES if rule.keyword == name), None)
        if known is None:
            raise ValueError(f"{name[:60]!r} is none of {', '.join(rule.keyword for rule in RULES)}")
        own[name] = replace(known, places=tuple(Place.parse(place) for place in places))
    titles = {name.upper(): tuple(aets) for name, aets in _pairs(stations, "CT=CT1/CT2")}
    for title in (title for aets in titles.values() for title in aets):
        if not 0 < len(title) <= 16 or "\\" in title or not title.isascii():
            raise ValueError(f"{title[:40]!r} is no AE title")
    return FieldTable(tuple(own.get(rule.keyword, rule) for rule in RULES), MappingProxyType(titles))


def _pairs(text: str, example: str) -> list[tuple[str, list[str]]]:
    made = []
    for pair in (part.strip() for part in text.split(",")):
        name, equals, values = pair.partition("=")
        if pair and not (equals and name.strip() and values.strip()):
            raise ValueError(f"{pair[:60]!r} cannot be read; write {example}, several separated by commas")
        if pair:
            made.append((name.strip(), [value.strip() for value in values.split("/") if value.strip()]))
    return made


def name_of(segment: Segment, repetitions: Sequence[str], first: int) -> str:
    """A DICOM person's name of an XPN (first: 1) or XCN (first: 2): ideographic and phonetic repetitions are its groups."""
    groups = ["", "", ""]
    for raw in repetitions:
        # family, given, further, prefix, suffix; HL7 has suffix before prefix (PS3.5 6.2.1.1)
        made = _joined([segment.component(raw, first + number) for number in (0, 1, 2, 4, 3)])
        kind = segment.component(raw, 8 if first == 1 else 15).upper()
        index = {"I": 1, "P": 2}.get(kind, 0)
        groups[index] = groups[index] or made
    return "=".join(groups).rstrip("=")


def moment(text: str) -> tuple[str, str]:
    """YYYYMMDD and HHMMSS of an HL7 time stamp; "" for what it does not say."""
    found = _MOMENT.match(text)
    if found is None:
        return "", ""
    day, hour, minute, second = found.groups()
    return day, f"{hour}{minute or '00'}{second or '00'}" if hour else ""


def fitting(keyword: str, text: str) -> str:
    """A text as DICOM may hold it: no backslash, no control character where none may be, cut where nothing depends on its end."""
    tag = attributes.tag_of(keyword)
    vr = attributes.vr_of(tag) if tag is not None else "LO"
    lines = vr in ("ST", "LT", "UT")
    text = "".join(sign if sign.isprintable() or (lines and sign in "\n\t") else " " for sign in text.replace("\\", "/")).strip()
    if keyword == "Modality":
        return text.upper()
    return _cut(text, LONGEST[vr]) if vr in _CUT and keyword not in _WHOLE else text


def _cut(text: str, length: int) -> str:
    return text[:length].strip()


def _plain(text: str, length: int) -> str:
    return _cut("".join(sign if sign.isprintable() else " " for sign in text.replace("\\", "/")), length)


def _joined(parts: Sequence[str]) -> str:
    clean = ["".join(sign for sign in part if sign.isprintable() and sign not in "\\^=")[:64] for part in parts]
    return "^".join(clean).rstrip("^")[:64]


def _having(place: Place, segments: Segments) -> Segment | None:
    return next((segment for segment in segments if segment.name == place.segment and segment.text(place.field, 0)), None)


assert all(rule.keyword in SEQUENCES or attributes.tag_of(rule.keyword) for rule in RULES)
