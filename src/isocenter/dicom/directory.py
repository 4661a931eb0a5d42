"""Writing a DICOMDIR (PS3.10 8, PS3.3 Annex F): the directory of the files of a study on a medium, or in a ZIP archive.

Records are fed one instance at a time, as DICOM JSON (PS3.18 Annex F). What a record must have and an object lacks is supplied:
without it readers refuse the whole directory.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import composing, meta, syntaxes
from .attributes import vr_of
from .file_set import MEDIA_STORAGE_DIRECTORY

Json = Mapping[str, Any]

_UL, _US = struct.Struct("<HH2sHL").pack, struct.Struct("<HH2sHH").pack
_ITEM = struct.Struct("<HHL").pack
_CLASS = "1.2.840.10008.5.1.4.1.1."
_TEXT_DEFAULT = {"DA": "19000101", "TM": "000000", "IS": 1, "CS": "UNKNOWN", "LO": "UNKNOWN", "SH": "1", "UI": "2.25.0", "US": 1}

_DATE, _TIME, _NUMBER, _CONCEPT = "00080023", "00080033", "00200013", "0040A043"
_CONTENT = (_DATE, _TIME, _NUMBER)
_LABELLED = (*_CONTENT, "00700080")
# PS3.3 F.5: of each kind of record the keys of Type 1, which are supplied when they are missing, and of Type 2.
_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "PATIENT": (("00100020",), ("00100010", "00100030", "00100040")),
    "STUDY": (("00080020", "00080030", "0020000D", "00200010"), ("00081030", "00080050")),
    "SERIES": (("00080060", "0020000E", "00200011"), ("0008103E",)),
    "IMAGE": ((_NUMBER,), ("00080008",)),
    "RT DOSE": ((_NUMBER, "3004000A"), ()),
    "RT STRUCTURE SET": ((_NUMBER, "30060002"), ("30060008", "30060009")),
    "RT PLAN": ((_NUMBER, "300A0002"), ("300A0006", "300A0007")),
    "RT TREAT RECORD": ((_NUMBER,), ("30080250", "30080251")),
    "PRESENTATION": (("00700082", "00700083", _NUMBER, "00700080"), ("00700081", "00700084")),
    "WAVEFORM": (_CONTENT, ()),
    "SR DOCUMENT": (("0040A491", "0040A493", *_CONTENT), ()),
    "KEY OBJECT DOC": (_CONTENT, ()),
    "SPECTROSCOPY": (("00080008", *_CONTENT, "00280008", "00280010", "00280011"), ()),
    "RAW DATA": (_CONTENT, ()),
    "REGISTRATION": (_LABELLED, ("00700081", "00700084")),
    "FIDUCIAL": (_LABELLED, ("00700081", "00700084")),
    "VALUE MAP": (_LABELLED, ("00700081", "00700084")),
    "ENCAP DOC": ((_NUMBER, "00420012"), (_DATE, _TIME, "00420010")),
    "SURFACE": (_CONTENT, ()),
    "SURFACE SCAN": (_CONTENT, ()),
    "TRACT": (_LABELLED, ("00700081", "00700084")),
    "STEREOMETRIC": (_LABELLED, ("00700081", "00700084")),
    "MEASUREMENT": (_CONTENT, ()),
}
# Given when the object has them: PS3.3 F.5.27, F.5.31, F.5.33
_WHEN_THERE = {"SR DOCUMENT": (_CONCEPT, "0040A030"), "KEY OBJECT DOC": (_CONCEPT,), "ENCAP DOC": (_CONCEPT, "0040E001")}
_INSTEAD = {"00080020": ("00080021", "00080022", _DATE), "00080030": ("00080031", "00080032", _TIME)}  # of a missing study date

# PS3.4 Table I.4-1 and PS3.3 F.4: the record of a SOP class; the longest beginning that fits. Images are all others with pixels.
_KINDS = {
    "4.2": "SPECTROSCOPY", "9.": "WAVEFORM", "11.": "PRESENTATION", "66": "RAW DATA", "66.1": "REGISTRATION", "66.2": "FIDUCIAL",
    "66.3": "REGISTRATION", "66.5": "SURFACE", "66.6": "TRACT", "67": "VALUE MAP", "68.": "SURFACE SCAN",
    "77.1.5.3": "STEREOMETRIC",
    "78.": "MEASUREMENT", "79.": "MEASUREMENT", "80.": "MEASUREMENT", "88.": "SR DOCUMENT", "88.59": "KEY OBJECT DOC",
    "104.": "ENCAP DOC", "481.2": "RT DOSE", "481.3": "RT STRUCTURE SET", "481.4": "RT TREAT RECORD", "481.5": "RT PLAN",
    "481.6": "RT TREAT RECORD", "481.7": "RT TREAT RECORD", "481.8": "RT PLAN", "481.9": "RT TREAT RECORD",
}  # fmt: skip


def record_type(sop_class_uid: str, *, pixels: bool) -> str:
    """The kind of record for an object."""
    number = sop_class_uid.removeprefix(_CLASS) if sop_class_uid.startswith(_CLASS) else ""
    for end in range(len(number), 0, -1):
        part = number[:end]
        if part in _KINDS and (part.endswith(".") or end == len(number)):
            return _KINDS[part]
    return "IMAGE" if pixels else "RAW DATA"


@dataclass(slots=True)
class _Record:
    """A record's element bytes behind its links, and the records below it."""

    body: bytes
    below: "dict[str, _Record]" = field(default_factory=dict)

    def walk(self) -> "Iterator[_Record]":
        yield self
        for each in self.below.values():
            yield from each.walk()

    @property
    def size(self) -> int:
        return 8 + _LINKS + len(self.body)


_LINKS = 3 * 12 - 2  # next (UL), in use (US), lower level (UL)


class Directory:
    """The directory of one file-set, as it grows."""

    def __init__(self) -> None:
        self._patients: dict[str, _Record] = {}

    def add(self, document: Json, path: Sequence[str], transfer_syntax_uid: str) -> None:
        """An instance and its file. path: the components of its File ID, at most 8 characters each of A-Z, 0-9 and _."""
        patient = self._patients.setdefault(_first(document, "00100020"), _record("PATIENT", document, 1))
        study = patient.below.setdefault(_first(document, "0020000D"), _record("STUDY", document, 1))
        uid = _first(document, "0020000E")
        if uid not in study.below:
            study.below[uid] = _record("SERIES", document, len(study.below) + 1)
        series = study.below[uid]
        pixels = any(tag in document for tag in ("7FE00010", "7FE00008", "7FE00009"))
        kind = record_type(_first(document, "00080016"), pixels=pixels)
        file = {
            "00041500": {"vr": "CS", "Value": list(path)},
            "00041510": {"vr": "UI", "Value": [_first(document, "00080016")]},
            "00041511": {"vr": "UI", "Value": [_first(document, "00080018")]},
            "00041512": {"vr": "UI", "Value": [transfer_syntax_uid]},
        }
        series.below[str(len(series.below))] = _record(kind, document, len(series.below) + 1, file)

    def encode(self, file_set_id: str, sop_instance_uid: str) -> Iterator[bytes]:
        """The file in pieces. file_set_id: at most 16 characters of a CS."""
        head = meta.file_meta(MEDIA_STORAGE_DIRECTORY, sop_instance_uid, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
        name = file_set_id.encode("ascii")[:16]
        name += b" " * (len(name) % 2)
        identification = struct.pack("<HH2sH", 4, 0x1130, b"CS", len(name)) + name
        start = len(head) + len(identification) + 12 + 12 + 10 + 12  # where the first item of the sequence begins
        offsets: dict[int, int] = {}
        at = start
        for patient in self._patients.values():
            for each in patient.walk():
                offsets[id(each)] = at
                at += each.size
        if at > 0xFFFFFFFE:
            raise ValueError("a directory of more than 4 GB")
        roots = list(self._patients.values())
        first, last = (offsets[id(roots[0])], offsets[id(roots[-1])]) if roots else (0, 0)
        yield head + identification + _UL(4, 0x1200, b"UL", 4, first) + _UL(4, 0x1202, b"UL", 4, last)
        yield _US(4, 0x1212, b"US", 2, 0)  # File-set Consistency Flag
        yield struct.pack("<HH2sHL", 4, 0x1220, b"SQ", 0, at - start)
        yield from _linked(roots, offsets)


def _linked(records: Sequence[_Record], offsets: Mapping[int, int]) -> Iterator[bytes]:
    for each, following in zip(records, [*records[1:], None], strict=False):
        lower = next(iter(each.below.values()), None)
        links = (_UL(4, 0x1400, b"UL", 4, offsets[id(following)] if following is not None else 0)
                 + _US(4, 0x1410, b"US", 2, 0xFFFF)
                 + _UL(4, 0x1420, b"UL", 4, offsets[id(lower)] if lower is not None else 0))  # fmt: skip
        yield _ITEM(0xFFFE, 0xE000, len(links) + len(each.body)) + links + each.body
        yield from _linked(list(each.below.values()), offsets)


def _record(kind: str, document: Json, number: int, file: Json | None = None) -> _Record:
    needed, known = _KEYS[kind]
    facts: dict[str, Any] = {"00041430": {"vr": "CS", "Value": [kind]}, **(file or {})}
    for tag in needed:
        facts[tag] = _given(document, tag) or _given(document, *_INSTEAD.get(tag, ())) or _supplied(document, tag, number)
    for tag in known:
        facts[tag] = _given(document, tag) or {"vr": _vr(document, tag)}
    for tag in _WHEN_THERE.get(kind, ()):
        if found := _given(document, tag):
            facts[tag] = found
    if not str(facts).isascii():
        facts["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return _Record(b"".join(part for part in composing.compose(dict(sorted(facts.items()))) if isinstance(part, bytes)))


def _given(document: Json, *tags: str) -> dict[str, Any] | None:
    """The first of these elements that has a value."""
    for tag in tags:
        element = document.get(tag)
        if element and element.get("Value") and element["Value"][0] not in (None, ""):
            return dict(element)
    return None


def _supplied(document: Json, tag: str, number: int) -> dict[str, Any]:
    vr = _vr(document, tag)
    if tag == "00100020":  # patients are told apart by it: one without is told apart by the study
        return {"vr": vr, "Value": [_first(document, "0020000D")[-64:]]}
    return {"vr": vr, "Value": [number if vr == "IS" else _TEXT_DEFAULT.get(vr, "UNKNOWN")]}


def _vr(document: Json, tag: str) -> str:
    return str(document.get(tag, {}).get("vr") or vr_of(int(tag, 16)))


def _first(document: Json, tag: str) -> str:
    found = _given(document, tag)
    return str(found["Value"][0]) if found else ""
