"""What a de-identification project is made of, and which pixels may leave by it: checked values and pure rules.

A project's value is JSON of one shape, checked by `checked`:

    options   of `dicom.confidentiality.Option`         prefix   letters before each pseudonym
    private   "GGGG,Creator,EE": private attributes that are safe       words   that may stay in cleaned descriptions
    devices   rules: which images (`WHICH`: keyword -> value) have text where ("rectangles": [[column, row, columns, rows]]; none:
              such images have no text)
    destinations   what is sent to them, by rules or by a person, leaves by this project
    burned_in what becomes of images that are known to show text and for which there is no rule: "refuse" or "pass"
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from isocenter.dicom.confidentiality import Option

WHICH = ("Manufacturer", "ManufacturerModelName", "Modality", "SOPClassUID", "Rows", "Columns", "SoftwareVersions", "ImageType",
         "ConversionType")  # fmt: skip
Rectangle = tuple[int, int, int, int]
MOST = 200  # rules, words, private attributes, rectangles of a rule
_LARGEST = 1 << 16

# PS3.15 E.3.1 leaves open who looks; these kinds of images are known for text in their pixels when nothing says otherwise.
_SUSPECT_CLASSES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1",
                    "1.2.840.10008.5.1.4.1.1.7.1", "1.2.840.10008.5.1.4.1.1.7.2", "1.2.840.10008.5.1.4.1.1.7.3",
                    "1.2.840.10008.5.1.4.1.1.7.4")  # fmt: skip
_SUSPECT_MODALITIES = frozenset({"US", "IVUS", "OT", "SC", "DOC", "ES", "XC", "GM", "SM"})
# Of which a face can be seen or computed (PS3.15 E.3.2), unless the body part is known to be another.
_FACIAL_MODALITIES = frozenset({"CT", "MR", "PT", "NM", "XC", "ES", "GM", "OT", "SC", "OP", "OPT", "CR", "DX", "IO", "PX"})
_FACELESS_PARTS = frozenset(
    {"CHEST", "ABDOMEN", "PELVIS", "PROSTATE", "BREAST", "LIVER", "KIDNEY", "LUNG", "HEART", "KNEE", "HIP", "ANKLE", "FOOT",
     "HAND", "WRIST", "ELBOW", "SHOULDER", "LSPINE", "TSPINE", "SPLEEN", "UTERUS", "BLADDER", "LEG", "ARM", "THIGH", "FEMUR",
     "TIBFIB",     "FOREARM", "HUMERUS", "FINGER", "TOE", "PANCREAS", "COLON", "AORTA"}
)  # fmt: skip


class InvalidProject(ValueError):
    """The value is no project. where: the field."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def checked(value: object) -> dict[str, Any]:
    """The value of a project, with what is absent filled in. Raises InvalidProject."""
    if not isinstance(value, Mapping):
        raise InvalidProject("a project is an object", "project")
    unknown = set(value) - {"options", "prefix", "private", "words", "devices", "burned_in", "destinations"}
    if unknown:
        raise InvalidProject("there is no such field", str(min(unknown))[:40])
    made = {
        "options": _options(value.get("options", [])),
        "prefix": _text(value.get("prefix", ""), "prefix", r"[A-Za-z0-9_-]{0,16}", "up to 16 letters, digits, - or _"),
        "private": [_private(each) for each in _listed(value.get("private", []), "private")],
        "words": sorted({_text(each, "words", r"[A-Za-z0-9]{1,32}", "single words").lower()
                         for each in _listed(value.get("words", []), "words")}),
        "devices": [_device(each) for each in _listed(value.get("devices", []), "devices")],
        "burned_in": value.get("burned_in", "refuse"),
        "destinations": sorted({_text(each, "destinations", r"[^/\x00-\x1f]{1,64}", "names of destinations")
                                for each in _listed(value.get("destinations", []), "destinations")}),
    }  # fmt: skip
    if made["burned_in"] not in ("refuse", "pass"):
        raise InvalidProject("it must be refuse or pass", "burned_in")
    return made


def _options(value: object) -> list[str]:
    known = {option.value for option in Option}
    chosen = {str(each) for each in _listed(value, "options")}
    if not chosen <= known:
        raise InvalidProject(f"options are {', '.join(known)}", "options")
    if {"full_dates", "modified_dates"} <= chosen:
        raise InvalidProject("dates are kept in full or moved, not both (PS3.15 E.3.6)", "options")
    return [option.value for option in Option if option.value in chosen]


def private_of(text: str) -> tuple[int, str, int]:
    """(group, Private Creator, last byte of the element) of "GGGG,Creator,EE"."""
    group, _, rest = text.partition(",")
    creator, _, last = rest.rpartition(",")
    return int(group, 16), creator, int(last, 16)


def _private(value: object) -> str:
    text = _text(value, "private", r"[0-9A-Fa-f]{3}[13579BDFbdf],[ -~]{1,64},[0-9A-Fa-f]{2}",
                 'as 0019,SIEMENS MR HEADER,0C: an odd group, the Private Creator, the last byte of the element')  # fmt: skip
    return text


def _device(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) - {*WHICH, "rectangles"}:
        raise InvalidProject(f"a rule has rectangles and some of {', '.join(WHICH)}", "devices")
    which = {key: str(value[key]).strip()[:64] for key in WHICH if str(value.get(key, "")).strip()}
    if not which:
        raise InvalidProject("a rule says of which images it is", "devices")
    return {**which, "rectangles": [list(each) for each in rectangles(value.get("rectangles", []), "devices")]}


def rectangles(value: object, where: str) -> list[Rectangle]:
    """[[column, row, columns, rows]] in pixels from 0. Raises InvalidProject."""
    found = []
    for each in _listed(value, where):
        right = isinstance(each, Sequence) and len(each) == 4 and all(type(part) is int for part in each)
        if not right or not (0 <= each[0] < _LARGEST and 0 <= each[1] < _LARGEST and 0 < each[2] <= _LARGEST
                             and 0 < each[3] <= _LARGEST):  # fmt: skip
            raise InvalidProject("a rectangle is [column, row, columns, rows] in whole pixels", where)
        found.append((each[0], each[1], each[2], each[3]))
    return found


def _listed(value: object, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise InvalidProject(f"it must be a list of at most {MOST}", where)
    return value


def _text(value: object, where: str, pattern: str, form: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise InvalidProject(f"it must be {form}", where)
    return value


def matching(devices: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """The rules that are of an image; facts: keyword -> text, `WHICH` among them. Case does not matter."""
    def same(rule: Mapping[str, Any]) -> bool:
        wanted = {key: value for key, value in rule.items() if key != "rectangles"}
        return all(facts.get(key, "").strip().casefold() == str(value).casefold() for key, value in wanted.items())

    return [rule for rule in devices if same(rule)]


def burned_in(facts: Mapping[str, str], *, cleaning: bool) -> str:
    """Why an image for which there is neither rule nor rectangle may show text; "" when it may leave.

    cleaning: the project promises clean pixels, so what is only suspect is held back, too.
    """
    says = facts.get("BurnedInAnnotation", "").upper()
    if says == "YES":
        return "its pixels are said to show identifying text (Burned In Annotation)"
    suspect = facts.get("SOPClassUID") in _SUSPECT_CLASSES or facts.get("Modality", "").upper() in _SUSPECT_MODALITIES
    if cleaning and says != "NO" and suspect:
        return "images of this kind often show text in their pixels, and nothing says where or that there is none"
    return ""


def recognizable(facts: Mapping[str, str]) -> str:
    """Why a person may be recognized in an image; "" when not. Faces cannot be taken out here (PS3.15 E.3.2)."""
    says = facts.get("RecognizableVisualFeatures", "").upper()
    if says == "NO":
        return ""
    if says == "YES":
        return "it shows features by which a person is recognized, which are not taken out here"
    part = facts.get("BodyPartExamined", "").upper().strip()
    if facts.get("Modality", "").upper() in _FACIAL_MODALITIES and part not in _FACELESS_PARTS:
        return "a face may be in it or computed from it, and faces are not taken out here"
    return ""
