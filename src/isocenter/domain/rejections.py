"""Rejection notes of IHE RAD Imaging Object Change Management (IOCM): Key Object Selections with a title of CID 7011.

A note hides what it names; nothing is deleted by a note alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from isocenter.domain.errors import Invalid
from isocenter.domain.exported import (
    Image,
    Json,
    Made,
    attributes,
    code,
    content,
    document,
    evidence,
    header,
    observer,
    reference,
    said,
)
from isocenter.domain.key_objects import KEY_OBJECTS

Kind = Literal["quality", "safety", "worklist", "retention"]

# What is wrong with the objects -> the title (DCM, CID 7011)
CODES: Mapping[str, tuple[str, str]] = {
    "quality": ("113001", "Rejected for Quality Reasons"),
    "safety": ("113037", "Rejected for Patient Safety Reasons"),
    "worklist": ("113038", "Incorrect Modality Worklist Entry"),
    "retention": ("113039", "Data Retention Policy Expired"),
}
KINDS: Mapping[str, str] = {value: kind for kind, (value, _) in CODES.items()}
RETENTION = CODES["retention"][0]
LONGEST_REASON = 1000

_EVIDENCE = ("0040A375", "0040A385")  # Current Requested Procedure and Pertinent Other Evidence Sequence
_DESCRIPTION = "113012"  # Key Object Description


@dataclass(frozen=True, slots=True)
class Named:
    """An object that a note names."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str


@dataclass(frozen=True, slots=True)
class Note:
    """A rejection note as it says itself. code: of CODES; reason: its description, "" without one."""

    sop_uid: str
    study_uid: str
    series_uid: str
    code: str
    reason: str
    named: tuple[Named, ...]


def title(kind: str) -> tuple[str, str]:
    """Code and meaning of a kind. Raises Invalid."""
    if kind not in CODES:
        raise Invalid("there is no such kind of rejection", where="kind", hint=f"one of {', '.join(CODES)}")
    return CODES[kind]


def why(reason: str) -> str:
    """The reason that a person gave. Raises Invalid without one."""
    text = reason.strip()
    if not text or len(text) > LONGEST_REASON:
        raise Invalid("a reason is needed", where="reason", hint=f"At most {LONGEST_REASON:,} characters.")
    return text


def written(made: Made, images: Sequence[Image], kind: str, reason: str) -> Json:
    """A rejection note of objects of one study (PS3.3 A.35.4, PS3.16 TID 2010)."""
    value, meaning = title(kind)
    text = " ".join(reason.replace("\\", " ").split())
    described = said("CONTAINS", code(_DESCRIPTION, "DCM", "Key Object Description"), text)
    shown = [content("CONTAINS", _value_type(image), None, ReferencedSOPSequence=[reference(image)]) for image in images]
    return {
        **header(made, KEY_OBJECTS, "KO", meaning, 9310),
        **attributes(ReferencedPerformedProcedureStepSequence=None),
        **evidence(made, images),
        **document(made, code(value, "DCM", meaning), "2010", [*observer(made), described, *shown]),
    }


def _value_type(image: Image) -> str:
    """TID 2010: IMAGE, WAVEFORM, or COMPOSITE for what is neither."""
    if image.sop_class_uid.startswith("1.2.840.10008.5.1.4.1.1.9."):
        return "WAVEFORM"
    documents = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.11.", "1.2.840.10008.5.1.4.1.1.104.",
                 "1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.481.3")
    return "COMPOSITE" if image.sop_class_uid.startswith(documents) else "IMAGE"


def read(dataset: Json) -> Note | None:
    """What a Key Object Selection (DICOM JSON) rejects; None when its title is none of CODES."""
    name = _item(dataset, "0040A043")
    if _text(name, "00080102") != "DCM" or _text(name, "00080100") not in KINDS:
        return None
    named = {
        _text(reference, "00081155"): Named(_text(study, "0020000D"), _text(series, "0020000E"), _text(reference, "00081155"),
                                            _text(reference, "00081150"))
        for tag in _EVIDENCE
        for study in _items(dataset, tag)
        for series in _items(study, "00081115")
        for reference in _items(series, "00081199")
    }
    described = (_text(each, "0040A160") for each in _items(dataset, "0040A730")
                 if _text(_item(each, "0040A043"), "00080100") == _DESCRIPTION)
    return Note(
        _text(dataset, "00080018"), _text(dataset, "0020000D"), _text(dataset, "0020000E"), _text(name, "00080100"),
        next(described, "")[:LONGEST_REASON], tuple(each for uid, each in named.items() if uid and each.study_uid),
    )  # fmt: skip


def _items(item: Mapping[str, Any], tag: str) -> Iterator[Mapping[str, Any]]:
    found = item.get(tag, {}).get("Value", ())
    return (each for each in found if isinstance(each, dict))


def _item(item: Mapping[str, Any], tag: str) -> Mapping[str, Any]:
    return next(_items(item, tag), {})


def _text(item: Mapping[str, Any], tag: str) -> str:
    found = item.get(tag, {}).get("Value", ())
    return str(found[0]).strip() if found else ""
