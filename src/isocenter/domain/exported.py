"""Objects that a person makes of an open study: whose they are, what they refer to, in the forms of PS3.3 C.7 and C.17.

Data sets are DICOM JSON objects (PS3.18 Annex F), made whole and in one go; `measurement_report`, `presentation_state` and
`key_objects` build on this.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isocenter import __version__
from isocenter.dicom.uid import new_uid
from isocenter.domain import wrapping

Json = dict[str, Any]

@dataclass(frozen=True, slots=True)
class Image:
    """A frame that is referred to; frame 0: all of the instance, which has one only."""

    series_uid: str
    sop_class_uid: str
    sop_uid: str
    frame: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """Who makes an object, when, and of which study. held: attributes of the study by keyword, several joined by backslashes."""

    study_uid: str
    held: Mapping[str, str]
    person: str
    now: datetime


def attributes(**values: Any) -> Json:
    """By keyword; None is empty (type 2), a list or tuple several values."""
    found = {}
    for keyword, value in values.items():
        several = () if value is None else value if isinstance(value, list | tuple) else (value,)
        tag, element = wrapping.element(keyword, *several)
        found[tag] = element
    return found


def code(value: str, scheme: str, meaning: str) -> Json:
    """An item of a Code Sequence (PS3.3 8.8)."""
    return attributes(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def short(text: str, longest: int = 64) -> str:
    """As a value of LO, SH or PN holds it: no backslash (which separates values), no control characters."""
    return re.sub(r"[\\\x00-\x1f\x7f]+", " ", text).strip()[:longest].strip()


def header(made: Made, sop_class_uid: str, modality: str, description: str, number: int) -> Json:
    """Patient, study, a new series, the equipment and a new instance."""
    known = {keyword: made.held.get(keyword, "") for keyword in wrapping.IDENTITY}
    date, time = made.now.strftime("%Y%m%d"), made.now.strftime("%H%M%S")
    needed = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
              "AccessionNumber", "ReferringPhysicianName")  # fmt: skip
    whose = {keyword: text.split("\\") if text else None for keyword, text in known.items() if text or keyword in needed}
    return attributes(
        **whose,
        StudyInstanceUID=made.study_uid,
        SeriesInstanceUID=new_uid(), SeriesNumber=number, SeriesDescription=short(description) or None, Modality=modality,
        SeriesDate=date, SeriesTime=time,
        Manufacturer="Isocenter", ManufacturerModelName="Isocenter", DeviceSerialNumber="0", SoftwareVersions=__version__,
        SOPClassUID=sop_class_uid, SOPInstanceUID=new_uid(), InstanceNumber=1,
        InstanceCreationDate=date, InstanceCreationTime=time,
    )  # fmt: skip


def reference(image: Image) -> Json:
    """An item that refers to an image, and to a frame of it."""
    frames = {"ReferencedFrameNumber": image.frame} if image.frame else {}
    return attributes(ReferencedSOPClassUID=image.sop_class_uid, ReferencedSOPInstanceUID=image.sop_uid, **frames)


def by_series(images: Iterable[Image]) -> dict[str, list[Image]]:
    """The images of each series, in their order, instance by instance without their frames, each once."""
    found: dict[str, dict[str, Image]] = {}
    for image in images:
        found.setdefault(image.series_uid, {})[image.sop_uid] = Image(image.series_uid, image.sop_class_uid, image.sop_uid)
    return {series_uid: list(each.values()) for series_uid, each in found.items()}


def evidence(made: Made, images: Sequence[Image]) -> Json:
    """Current Requested Procedure Evidence Sequence (PS3.3 C.17.2): everything that the content refers to."""
    series = [
        attributes(SeriesInstanceUID=uid, ReferencedSOPSequence=[reference(image) for image in found])
        for uid, found in by_series(images).items()
    ]
    item = attributes(StudyInstanceUID=made.study_uid, ReferencedSeriesSequence=series)
    return attributes(CurrentRequestedProcedureEvidenceSequence=[item])


# ---- content items (PS3.3 C.17.3)


def content(relationship: str, value_type: str, name: Json | None, children: Sequence[Json] = (), **values: Any) -> Json:
    """One content item."""
    named = {"ConceptNameCodeSequence": [name]} if name is not None else {}
    below = {"ContentSequence": list(children)} if children else {}
    return attributes(RelationshipType=relationship, ValueType=value_type, **named, **values, **below)


def container(relationship: str, name: Json, children: Sequence[Json], template: str = "") -> Json:
    """A container that stands for itself; template: of DCMR."""
    origin = [attributes(MappingResource="DCMR", TemplateIdentifier=template)]
    made_of = {"ContentTemplateSequence": origin} if template else {}
    return content(relationship, "CONTAINER", name, children, ContinuityOfContent="SEPARATE", **made_of)


def said(relationship: str, name: Json, text: str, children: Sequence[Json] = ()) -> Json:
    """A TEXT."""
    return content(relationship, "TEXT", name, children, TextValue=text)


def coded(relationship: str, name: Json, value: Json) -> Json:
    """A CODE."""
    return content(relationship, "CODE", name, ConceptCodeSequence=[value])


def observer(made: Made) -> list[Json]:
    """TID 1002: a person."""
    return [
        coded("HAS OBS CONTEXT", code("121005", "DCM", "Observer Type"), code("121006", "DCM", "Person")),
        content("HAS OBS CONTEXT", "PNAME", code("121008", "DCM", "Person Observer Name"), PersonName=short(made.person)),
    ]


def document(made: Made, name: Json, template: str, children: Sequence[Json]) -> Json:
    """The root of a document's content tree."""
    root = container("CONTAINS", name, children, template)
    del root["0040A010"]  # Relationship Type: the root has none
    at = made.now
    return {**root, **attributes(ContentDate=at.strftime("%Y%m%d"), ContentTime=at.strftime("%H%M%S"))}
