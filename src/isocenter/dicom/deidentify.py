"""An object without the identity of its patient (PS3.15 Annex E), for a project: `deidentified` is the whole of it.

What it returns reads the pixels from the source and holds the rest; the encoding stays, so compressed frames do. Attributes that
the profile does not list are kept, but for what could hold an identity all the same: names, dates, addresses and UIDs by their
VR, unknown attributes, private ones, and every text in which a name or number that was taken out elsewhere turns up again.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from . import confidentiality, fragments, meta, part10, syntaxes
from .attributes import keyword_of, tag_of, vr_of
from .confidentiality import BASIC, CODES, DUMMY, EMPTY, KEEP, REMOVE, SHIFT, UID, WORDED, Option, Project, longitudinal, tags
from .corrected import Piece, Spliced
from .elements import (
    IMPLICIT_LITTLE,
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    SEQUENCE_END,
    UNDEFINED,
    Encoding,
    Malformed,
    Window,
    elements,
    inside_unknown,
    items,
    name,
    skip,
    truncated,
)
from .reencoding import PIXEL_DATA, element, header
from .source import Source


class CannotClean(Exception):
    """The object holds what cannot be made anonymous here; the message says what, without values."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is read of an object before: `values` keyword -> text of the top level. patient: who it is, for pseudonyms."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    rows: int
    columns: int
    frames: int
    patient: str
    values: dict[str, str]
    has_pixels: bool


@dataclass(slots=True)
class Report:
    """What was done. actions: (tag, what) -> how often."""

    actions: Counter[tuple[int, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The object as it may leave: a whole Part 10 file. Its UIDs are those of the project."""

    file: Spliced
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    report: Report


_FACTS = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Manufacturer",
          "ManufacturerModelName", "BurnedInAnnotation", "RecognizableVisualFeatures", "BodyPartExamined", "SoftwareVersions",
          "ImageType", "ConversionType")  # fmt: skip
_WANTED = {tag_of(keyword) or 0: keyword for keyword in _FACTS}

_TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_IDENTIFIERS = tags("PatientID", "OtherPatientIDs", "AccessionNumber", "AdmissionID", "PatientTelephoneNumbers", "PatientAddress",
                    "MedicalRecordLocator", "ServiceEpisodeID", "IssuerOfPatientID", "FillerOrderNumberImagingServiceRequest",
                    "PlacerOrderNumberImagingServiceRequest")  # fmt: skip
# UIDs that say what something is, not which one it is; those of the standard itself begin with its root.
_KINDS_OF_UID = re.compile(r".*(SOPClass|Syntax|CodingScheme|MappingResource|Context|Creator|ImplementationClass)\w*UIDs?")
_STANDARD_ROOT = "1.2.840.10008."
_CODE = tags("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "LongCodeValue", "URNCodeValue", "ContextIdentifier",
             "MappingResource", "ContextGroupVersion", "TemplateIdentifier")  # fmt: skip
_CODE_MEANING, _DESIGNATOR = 0x00080104, 0x00080102
_PUBLIC_SCHEMES = frozenset({"DCM", "SRT", "SCT", "SNM3", "LN", "UCUM", "FMA", "RADLEX", "UMLS", "NCIt", "BI", "I10", "ICD10"})
# Sequences whose codes say what a value means, and so nothing of it.
_MEANINGS = tags("ConceptNameCodeSequence", "MeasurementUnitsCodeSequence", "ContentTemplateSequence")
_ENCAPSULATED_DOCUMENT = 0x00420011
_OVERLAY_DATA, _OVERLAY_TYPE = 0x3000, 0x0040
_PATIENT_NAME, _PATIENT_ID, _CHARSET, _PADDING = 0x00100010, 0x00100020, 0x00080005, 0xFFFCFFFC
_REMOVED = b"REMOVED"
_LONG_ENOUGH = 6  # letters of a text that is looked for elsewhere; shorter ones are words as any
_DUMMIES = {"DA": b"19000101", "TM": b"000000", "DT": b"19000101000000", "AS": b"000Y", "DS": b"0", "IS": b"0"}
_WHAT_SCRUBBED, _WHAT_PRIVATE, _WHAT_UNKNOWN = "scrubbed", "private", "unknown"


def examine(source: Source) -> Facts:
    """What is to be known of an object before. Raises Malformed."""
    found = part10.scan(source)
    content, start, encoding = part10.data_set(source, found)
    values: dict[str, str] = {}
    for tag, _, position, length in elements(Window(content), start, content.size, encoding):
        if tag >= min(PIXEL_DATA):
            break
        if tag in _WANTED and length != UNDEFINED:
            values[_WANTED[tag]] = content.read_at(position, min(length, 256)).decode("latin-1").strip(" \0")
    patient, issuer = values.get("PatientID", ""), values.get("IssuerOfPatientID", "")
    who = f"{patient}\0{issuer}" if patient else f"\0{values.get('StudyInstanceUID', '')}"
    return Facts(found.sop_class_uid, found.sop_instance_uid, found.transfer_syntax_uid, found.rows, found.columns,
                 found.number_of_frames, who, values, found.pixels is not None)  # fmt: skip


def readable(transfer_syntax: str) -> bool:
    """Whether objects of a transfer syntax are taken as they are; others must be made little endian first."""
    syntax = syntaxes.get(transfer_syntax)
    return syntax is not None and transfer_syntax not in (
        syntaxes.EXPLICIT_VR_BIG_ENDIAN, syntaxes.GE_PRIVATE_IMPLICIT_BIG_ENDIAN_PIXELS,
    )  # fmt: skip


def deidentified(source: Source, project: Project, *, cleaned_pixels: bool = False, no_faces: bool = False) -> Deidentified:
    """The object in `source` for a project. cleaned_pixels: its pixels have been cleaned or need it not. no_faces: it has none.

    Raises Malformed, CannotClean.
    """
    found = part10.scan(source)
    content, start, encoding = part10.data_set(source, found)
    if not encoding.little:
        raise Malformed("a big endian object is to be converted first", "TransferSyntaxUID")
    facts = examine(source)
    first = _Walk(content, project, facts, None)
    first.data_set(start, encoding, dict.fromkeys((_PATIENT_NAME, _PATIENT_ID), b""))
    walk = _Walk(content, project, facts, _pattern(first.identities))
    walk.removed = first.removed
    pieces = walk.data_set(start, encoding, _added(project, facts, encoding.explicit, cleaned_pixels, no_faces))
    syntax = syntaxes.get(facts.transfer_syntax_uid)
    deflated = syntax is not None and syntax.deflated
    transfer_syntax = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN if deflated else facts.transfer_syntax_uid
    keeps = project.has(Option.UIDS)
    was = facts.sop_instance_uid, facts.values.get("SeriesInstanceUID", ""), facts.values.get("StudyInstanceUID", "")
    instance, series, study = (uid if keeps or not uid else project.uid(uid) for uid in was)
    head = meta.file_meta(facts.sop_class_uid, instance, transfer_syntax)
    return Deidentified(Spliced(content, [head, *pieces]), instance, series, study, walk.report)


def _pattern(identities: set[bytes]) -> re.Pattern[bytes] | None:
    """Finds any of the names and numbers that were taken out, as words of their own."""
    if not identities:
        return None
    words = b"|".join(re.escape(each) for each in sorted(identities, key=len, reverse=True))
    return re.compile(rb"(?<![A-Za-z0-9])(?:" + words + rb")(?![A-Za-z0-9])", re.IGNORECASE)


def _added(project: Project, facts: Facts, explicit: bool, cleaned: bool, no_faces: bool) -> dict[int, bytes]:
    """PS3.3 C.7.1.1 and C.12.1: that it was done, and how; and who the patient is called now."""
    options = [option for option in Option if option in project.options
               and (option is not Option.PIXELS or cleaned) and (option is not Option.FACES or no_faces)]  # fmt: skip
    codes = [BASIC, *(CODES[option] for option in options)]
    called = project.pseudonym(facts.patient).encode("ascii")
    values = {
        _PATIENT_NAME: ("PN", called), _PATIENT_ID: ("LO", called), 0x00120062: ("CS", b"YES"),
        0x00120063: ("LO", b"\\".join(f"{code} {meaning}"[:62].strip().encode() for code, meaning in codes)),
        0x00280303: ("CS", longitudinal(project.options).encode()),
    }  # fmt: skip
    if facts.has_pixels and cleaned and project.has(Option.PIXELS):
        values[0x00280301] = ("CS", b"NO")
    if facts.has_pixels and no_faces and project.has(Option.FACES):
        values[0x00280302] = ("CS", b"NO")
    made = {tag: element(tag, vr, _even(vr, value), explicit=explicit) for tag, (vr, value) in values.items()}
    coded = b"".join(_item(b"".join((
        element(0x00080100, "SH", code.encode(), explicit=explicit), element(0x00080102, "SH", b"DCM", explicit=explicit),
        element(0x00080104, "LO", _even("LO", meaning.encode()), explicit=explicit),
    ))) for code, meaning in codes)  # fmt: skip
    made[0x00120064] = header(0x00120064, "SQ", UNDEFINED, explicit=explicit) + coded + _mark(SEQUENCE_END)
    return made


def _even(vr: str, value: bytes) -> bytes:
    return value + (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(value) % 2)


def _mark(tag: int, length: int = 0) -> bytes:
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + length.to_bytes(4, "little")


def _item(content: bytes) -> bytes:
    return _mark(ITEM, len(content)) + content


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands. mode: of texts that are not listed ("", "words", "dummy"). known: its code is a public one."""

    around: int
    mode: str
    encoding: Encoding
    depth: int
    known: bool = False


class _Walk:
    """One pass over a data set."""

    def __init__(self, content: Source, project: Project, facts: Facts, scrub: re.Pattern[bytes] | None) -> None:
        self._content = content
        self._project = project
        self._facts = facts
        self._scrub = scrub
        self._days = project.days(facts.patient)
        self._overlays: set[int] = set()  # groups of overlays that are drawings, which may be writing
        self._creators: dict[int, str] = {}  # block of private elements -> its Private Creator
        self.report = Report()
        self.identities: set[bytes] = set()
        self.removed: set[bytes] = set()  # whole texts that were taken out, in capitals

    def data_set(self, start: int, encoding: Encoding, added: dict[int, bytes]) -> list[Piece]:
        """The pieces of the data set from `start` on."""
        left, pieces = sorted(added), list[Piece]()
        place = _Place(0, "", encoding, 0)
        for each in self._elements(start, self._content.size, encoding, top=True):
            while left and left[0] < each.tag:
                pieces.append(added[left.pop(0)])
            if left and left[0] == each.tag:
                pieces.append(added[left.pop(0)])
                if each.tag in (_PATIENT_NAME, _PATIENT_ID):  # who it was before
                    self._note_identity(each, self._value(each))
                    self._count(each.tag, DUMMY)
                continue
            self._append(pieces, self._one(each, place))
        pieces += (added[tag] for tag in left)
        return pieces

    @staticmethod
    def _append(pieces: list[Piece], more: Sequence[Piece]) -> None:
        """With neighbours of the source as one piece."""
        for piece in more:
            last = pieces[-1] if pieces else b""
            if isinstance(piece, tuple) and isinstance(last, tuple) and sum(last) == piece[0]:
                pieces[-1] = (last[0], last[1] + piece[1])
            else:
                pieces.append(piece)

    def _elements(self, position: int, end: int, encoding: Encoding, *, top: bool = False) -> "Iterator[_Element]":
        window = Window(self._content)
        while position < end:
            if top and (end - position < 8 or not any(self._content.read_at(position, 8))):
                return  # padding
            tag, vr, length, size = window.element(position, encoding)
            if tag in (ITEM_END, SEQUENCE_END):
                return
            value = position + size
            if length != UNDEFINED:
                stop = value + length
            elif tag in PIXEL_DATA:
                stop = fragments.walk(window, value, tag).end
            else:
                stop = skip(window, value, inside_unknown(window, value) if vr == b"UN" else encoding, tag)
            if stop > self._content.size:
                raise truncated(name(tag))
            yield _Element(tag, vr.decode("latin-1"), position, value, length, stop)
            position = stop

    def _one(self, each: "_Element", place: _Place) -> Sequence[Piece]:
        """What becomes of one element."""
        tag, vr = each.tag, each.vr or vr_of(each.tag)
        if tag & 0xFFFF == 0 or tag == _PADDING:
            return ()
        if tag >> 16 & 1:
            return self._private(each, place)
        if vr == "UN" and vr_of(tag) != "UN":
            vr = vr_of(tag)
        if tag in PIXEL_DATA and each.length == UNDEFINED:
            ended = self._content.read_at(each.stop - 8, 8) == _mark(SEQUENCE_END)
            return [(each.start, each.stop - each.start), b"" if ended else _mark(SEQUENCE_END)]
        judged = self._project.judge(tag, place.around, self._facts.sop_class_uid)
        if tag == _ENCAPSULATED_DOCUMENT:
            raise CannotClean("a document is encapsulated in it, which cannot be read here")
        if tag >> 24 == 0x60 and tag & 0xFFFF == _OVERLAY_TYPE and self._value(each).strip(b" \0") != b"R":
            self._overlays.add(tag >> 16)
        if tag >> 24 in (0x50, 0x60) and judged is not None and judged.action == WORDED:
            return self._graphics(each, place)
        if judged is None:
            return self._unlisted(each, vr, place)
        return self._listed(each, vr, place, judged)

    def _listed(self, each: "_Element", vr: str, place: _Place, judged: confidentiality.Judgement) -> Sequence[Piece]:
        action = judged.action
        if vr == "PN" or each.tag in _IDENTIFIERS:
            self._note_identity(each, self._value(each) if vr != "SQ" else b"")
        self._count(each.tag, action)
        if vr in _TEXT and action in (REMOVE, EMPTY, DUMMY) and each.length >= _LONG_ENOUGH:
            self.removed.add(self._value(each).strip(b" \0").upper())
        if action == REMOVE:
            return ()
        if vr == "SQ":
            if action == EMPTY:
                return self._written(each, vr, b"", place)
            # U*: the UIDs in its items are replaced
            return self._sequence(each, replace(place, mode=judged.mode or place.mode))
        if action == KEEP:
            return self._kept(each, vr, place)
        if action == EMPTY:
            return self._written(each, vr, b"", place)
        if action == UID:
            return self._written(each, vr, self._uids(each), place)
        if action == SHIFT:
            if vr in ("DA", "DT"):
                text = self._value(each).decode("latin-1")
                return self._written(each, vr, confidentiality.moved(text, self._days, time=vr == "DT").encode("latin-1"), place)
            return self._kept(each, vr, place)
        if action == WORDED and vr in (_TEXT | {"CS"}):
            return self._worded(each, vr, place)
        return self._dummy(each, vr, place) if action == DUMMY else ()

    def _unlisted(self, each: "_Element", vr: str, place: _Place) -> Sequence[Piece]:
        """What the profile does not name. Where a VR is made for identities, it is treated as if it did."""
        options = self._project.options
        if vr == "SQ":
            return self._sequence(each, place)
        if vr == "PN":
            self._note_identity(each, self._value(each))
            self._count(each.tag, DUMMY)
            return self._dummy(each, vr, place)
        if vr in ("DA", "DT") and Option.FULL_DATES not in options:
            shift = Option.MODIFIED_DATES in options
            self._count(each.tag, SHIFT if shift else DUMMY)
            return self._listed(each, vr, place, confidentiality.Judgement(SHIFT)) if shift else self._dummy(each, vr, place)
        if vr == "UI" and Option.UIDS not in options and not _KINDS_OF_UID.fullmatch(keyword_of(each.tag)):
            mapped = self._uids(each)
            if mapped != self._value(each).rstrip(b" \0"):
                self._count(each.tag, UID)
                return self._written(each, vr, mapped, place)
        if vr == "UR" or (vr == "UN" and not keyword_of(each.tag)):
            self._count(each.tag, _WHAT_UNKNOWN)
            return ()
        if place.mode and vr in _TEXT | {"IS", "DS", "TM"} and not self._is_meaning(each, place):
            if place.mode == "dummy":
                self._count(each.tag, DUMMY)
                return self._dummy(each, vr, place)
            if vr in _TEXT:
                self._count(each.tag, WORDED)
                return self._worded(each, vr, place, _REMOVED)
        return self._kept(each, vr, place)

    @staticmethod
    def _is_meaning(each: "_Element", place: _Place) -> bool:
        """Whether it belongs to a code that may stay: what a value means, or, where words are cleaned, any of a public scheme."""
        if each.tag not in _CODE and each.tag != _CODE_MEANING:
            return False
        return place.around in _MEANINGS or (place.mode == "words" and (place.known or each.tag in _CODE))

    def _private(self, each: "_Element", place: _Place) -> Sequence[Piece]:
        """Private attributes go, but for those on a list; the creator stays with them (PS3.5 7.8.1)."""
        if not self._project.has(Option.PRIVATE) or place.depth:
            self._count(each.tag & 0xFFFF0000, _WHAT_PRIVATE)
            return ()
        group, low = each.tag >> 16, each.tag & 0xFFFF
        if 0x10 <= low <= 0xFF:
            creator = self._value(each).decode("latin-1").strip(" \0")
            self._creators[group << 8 | low] = creator
            safe = any(self._project.is_safe_private(group << 16 | last, creator) for last in range(256))
            return [(each.start, each.stop - each.start)] if safe else ()
        creator = self._creators.get(group << 8 | low >> 8, "")
        if not creator or not self._project.is_safe_private(each.tag, creator) or each.length == UNDEFINED or each.vr == "SQ":
            self._count(each.tag & 0xFFFF0000, _WHAT_PRIVATE)
            return ()
        return self._kept(each, each.vr or "UN", place, scrubbed=True)

    def _graphics(self, each: "_Element", place: _Place) -> Sequence[Piece]:
        """Clean Graphics: overlays that mark a region stay; drawings may be writing, and curves and comments cannot be judged."""
        region = each.tag >> 24 == 0x60 and each.tag & 0xFFFF == _OVERLAY_DATA and each.tag >> 16 not in self._overlays
        self._count(each.tag, KEEP if region else REMOVE)
        return [(each.start, each.stop - each.start)] if region else ()

    def _sequence(self, each: "_Element", place: _Place) -> Sequence[Piece]:
        if place.depth >= MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep", name(each.tag))
        encoding = place.encoding
        window = Window(self._content)
        unknown = each.vr == "UN"
        if unknown:
            encoding = IMPLICIT_LITTLE if each.length != UNDEFINED else inside_unknown(window, each.value)
        pieces: list[Piece] = [header(each.tag, "UN" if unknown else "SQ", UNDEFINED, explicit=place.encoding.explicit)]
        try:
            for start, stop in items(window, each.value, min(each.stop, self._content.size), encoding):
                known = self._scheme(start, stop, encoding) in _PUBLIC_SCHEMES
                inner = _Place(each.tag, place.mode, encoding, place.depth + 1, known)
                pieces.append(_mark(ITEM, UNDEFINED))
                for nested in self._elements(start, stop, encoding):
                    self._append(pieces, self._one(nested, inner))
                pieces.append(_mark(ITEM_END))
        except Malformed:
            if unknown and each.length != UNDEFINED:  # not items after all: nobody knows what it is
                self._count(each.tag, _WHAT_UNKNOWN)
                return ()
            raise
        pieces.append(_mark(SEQUENCE_END))
        return pieces

    def _scheme(self, start: int, stop: int, encoding: Encoding) -> str:
        for tag, _, position, length in elements(Window(self._content), start, stop, encoding):
            if tag >= _DESIGNATOR:
                return self._content.read_at(position, min(length, 16)).decode("latin-1").strip() if tag == _DESIGNATOR else ""
        return ""

    # ---- values

    def _value(self, each: "_Element") -> bytes:
        return self._content.read_at(each.value, min(each.length, 1 << 20)) if each.length != UNDEFINED else b""

    def _kept(self, each: "_Element", vr: str, place: _Place, *, scrubbed: bool = False) -> Sequence[Piece]:
        """As it is, unless a name or number that was taken out elsewhere stands in it."""
        if (vr in _TEXT or scrubbed) and not (place.known and each.tag == _CODE_MEANING) and self._holds_identity(each):
            self._count(each.tag, _WHAT_SCRUBBED)
            return self._written(each, vr, _REMOVED, place) if vr in _TEXT else ()
        return [(each.start, each.stop - each.start)]

    def _holds_identity(self, each: "_Element") -> bool:
        value = self._value(each)
        if value.strip(b" \0").upper() in self.removed:
            return True
        return self._scrub is not None and self._scrub.search(value) is not None

    def _worded(self, each: "_Element", vr: str, place: _Place, otherwise: bytes = b"") -> Sequence[Piece]:
        value = self._value(each)
        if self._scrub is not None:
            value = self._scrub.sub(b" ", value)
        text = "\\".join(self._project.words_of(part) for part in value.decode("latin-1").split("\\")).strip("\\")
        cleaned = text.upper().replace(".", "") if vr == "CS" else text
        return self._written(each, vr, cleaned.encode("ascii") or (otherwise if value.strip(b" \0") else b""), place)

    def _dummy(self, each: "_Element", vr: str, place: _Place) -> Sequence[Piece]:
        if vr == "UI":
            return self._written(each, vr, self._uids(each), place)
        if vr in _DUMMIES or vr in _TEXT or vr in ("PN", "CS", "AE", "UR"):
            return self._written(each, vr, _DUMMIES.get(vr, _REMOVED), place)
        length = each.length if each.length <= 1 << 16 else 2
        return self._written(each, vr, bytes(length), place)

    def _uids(self, each: "_Element") -> bytes:
        found = self._value(each).decode("latin-1").strip(" \0").split("\\")
        return "\\".join(uid if not uid or uid.startswith(_STANDARD_ROOT) else self._project.uid(uid.strip(" \0"))
                         for uid in found).encode("ascii")  # fmt: skip

    def _written(self, each: "_Element", vr: str, value: bytes, place: _Place) -> Sequence[Piece]:
        """With another value; under the VR it had."""
        code = each.vr if len(each.vr) == 2 else vr if len(vr) == 2 else "UN"
        value = _even(vr, value)
        return [header(each.tag, code, len(value), explicit=place.encoding.explicit) + value]

    def _note_identity(self, each: "_Element", value: bytes) -> None:
        text = value.strip(b" \0")
        if each.tag in _IDENTIFIERS:
            self.identities.update(part.strip() for part in text.split(b"\\") if len(part.strip()) >= 4)
        else:
            self.identities.update(part for part in re.split(rb"[\\^= ,]+", text) if len(part) >= 3)

    def _count(self, tag: int, what: str) -> None:
        self.report.actions[tag, what] += 1


@dataclass(frozen=True, slots=True)
class _Element:
    """vr: as written, "" in implicit VR. stop: where the next begins."""

    tag: int
    vr: str
    start: int
    value: int
    length: int
    stop: int
