"""The Basic Application Level Confidentiality Profile and its options (PS3.15 Annex E) as data, and a project that asks for them.

`Project.judge` says what becomes of an attribute; `dicom.deidentify` does it. What a project calls patients, how far it moves
their dates and what it makes of UIDs comes from its secret alone (HMAC-SHA256): the same each time, and nobody else's.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from ._confidentiality import ACTIONS, SAFE_PRIVATE, TYPES, WORDS
from .attributes import tag_of


class Option(StrEnum):
    """The options of PS3.15 E.3; the values are the columns of `_confidentiality.ACTIONS`."""

    PIXELS = "pixels"
    FACES = "faces"
    GRAPHICS = "graphics"
    CONTENT = "content"
    DESCRIPTORS = "descriptors"
    FULL_DATES = "full_dates"
    MODIFIED_DATES = "modified_dates"
    PATIENT = "patient"
    DEVICE = "device"
    UIDS = "uids"
    PRIVATE = "private"
    INSTITUTION = "institution"


# CID 7050 De-identification Method; the Basic Profile is 113100
BASIC = ("113100", "Basic Application Confidentiality Profile")
CODES: dict[Option, tuple[str, str]] = {
    Option.PIXELS: ("113101", "Clean Pixel Data Option"),
    Option.FACES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CONTENT: ("113104", "Clean Structured Content Option"),
    Option.DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.MODIFIED_DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.PATIENT: ("113108", "Retain Patient Characteristics Option"),
    Option.DEVICE: ("113109", "Retain Device Identity Option"),
    Option.UIDS: ("113110", "Retain UIDs Option"),
    Option.PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.INSTITUTION: ("113112", "Retain Institution Identity Option"),
}

KEEP, REMOVE, EMPTY, DUMMY, UID = "K", "X", "Z", "D", "U"
SHIFT, WORDED = "C dates", "C words"  # the two ways to clean

# A move of one to five years, back: nothing then lies in the future.
_LEAST_DAYS, _MOST_DAYS = 365, 5 * 365

_MASKED = tuple((re.compile(mask.replace("X", "[0-9A-F]")), row) for mask, row in ACTIONS.items() if "X" in mask)
_EXACT = {int(mask, 16): row for mask, row in ACTIONS.items() if "X" not in mask}

# Presentation Creation Date and Time: X in Table E.1-1, type 1 in PS3.3 C.11.10. Dummies keep the object one.
_REQUIRED = frozenset({0x00700082, 0x00700083})

# Words of techniques, beside those of the standard; what is neither is left out of a cleaned description.
_TECHNICAL = frozenset(
    """a abdomen abd adc after ak ap apical arterial asl at ax axial ba before bilat bolus bone br breath breathhold bw c cap
    carotis cc ce chest cine con contrast cor coronal cranium csp ct cta ctp cube cv delay delayed der dixon dose dr
    dual dwi dyn dynamic e early echo ecg ecv ep epi eq equilibrium erect exp expiration fat fast fatsat fb fdg ffe
    flair flash fl fn fov fs fse full gated ge gre hand haste head high hr hrct i in inspiration insp inv ir iv kernel
    kidney kv lat late lateral ll localizer loc low lr lt lung m mammo medium mip ml mlo mm mpr mprage mr mra mri mrv
    native nc neck neg no nm non of on opp or oblique pa parenchyma pc pd pelvis perf perfusion phase plain plus por
    portal portable post post-contrast pre projection proton pt q r ram rapid rara recon reconstruction ref resp rest rl
    routine rt s sag sagittal scano scout se sense series sequence shoulder sinus skull slice slices smooth soft space
    spair spect spgr spin spine spoiled ssfp standard std stir stress supine survey sw swan swi t t1 t1w t2 t2w t2star
    ter thick thin thorax time tirm tof topogram tra trace transverse true trufi tse turbo two us venous vibe view vol
    volume vr w water whole wholebody wi window with without wo x xa xr yz z""".split()  # noqa: SIM905
)

_TOKEN = re.compile(r"[A-Za-z0-9.]+|[^A-Za-z0-9.]+")
_MEASURE = re.compile(r"\d{1,3}(\.\d{1,3})?(mm|cm|s|ms|ml|kv|ma|min|deg|d|x|t|mhz|hz|pct)?"
                      r"|t[12]\w?|[bs]\d{1,4}|\d[dx]\d?|l\d|c\d|th\d{1,2}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of an attribute; mode: of what lies in its items and is not listed itself ("", "words", "dummy")."""

    action: str
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """What data leaves for. secret: 32 bytes that nobody else has. prefix: of pseudonyms. private: (group, creator, last byte
    of the element) of private attributes that are safe, beside those of Table E.3.10-1. words: allowed in descriptions."""

    name: str
    secret: bytes
    options: frozenset[Option] = frozenset()
    prefix: str = ""
    private: frozenset[tuple[int, str, int]] = frozenset()
    words: frozenset[str] = field(default_factory=frozenset)

    def has(self, option: Option) -> bool:
        """Whether the project asks for an option."""
        return option in self.options

    def uid(self, uid: str) -> str:
        """The UID that stands for another (PS3.5 B.2: a UUID)."""
        number = int.from_bytes(self._digest("uid", uid)[:16], "big")
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62  # RFC 9562: version 4, variant 10
        return f"2.25.{number}"

    def pseudonym(self, patient: str) -> str:
        """What a patient is called, as ID and as name."""
        letters = base64.b32encode(self._digest("patient", patient)).decode("ascii")[:10]
        return f"{self.prefix}{letters}"

    def days(self, patient: str) -> int:
        """By how many days the dates of a patient are moved (negative)."""
        number = int.from_bytes(self._digest("days", patient)[:8], "big")
        return -(_LEAST_DAYS + number % (_MOST_DAYS - _LEAST_DAYS))

    def _digest(self, what: str, value: str) -> bytes:
        return hmac.digest(self.secret, f"{what}\0{value}".encode(), "sha256")

    def judge(self, tag: int, around: int, sop_class: str) -> Judgement | None:
        """What becomes of an attribute in items of the sequence `around` (0: of the data set); None when it is not listed."""
        return _judge(self.options, tag, around, sop_class)

    def is_safe_private(self, tag: int, creator: str) -> bool:
        """Whether a private attribute may stay."""
        if not self.has(Option.PRIVATE):
            return False
        which = (tag >> 16, creator, tag & 0xFF)
        return which in SAFE_PRIVATE or which in self.private

    def words_of(self, text: str) -> str:
        """What of a description is known to name no one: words that are listed, and measures. "" when nothing is left."""
        kept = [each for each in _TOKEN.findall(text) if not each[0].isalnum() or self._is_plain(each.strip(".").lower())]
        cleaned = re.sub(r"[^A-Za-z0-9.+/-]+", " ", "".join(kept)).strip(" +/-.")
        return cleaned if any(each.isalnum() for each in cleaned) else ""

    def _is_plain(self, word: str) -> bool:
        return word in WORDS or word in _TECHNICAL or word in self.words or _MEASURE.fullmatch(word) is not None


@lru_cache(maxsize=20_000)
def _judge(options: frozenset[Option], tag: int, around: int, sop_class: str) -> Judgement | None:
    row = _EXACT.get(tag) or (_masked(tag) if tag >> 24 in (0x50, 0x60) else None)
    if row is None:
        return None
    basic, other = row
    chosen = {option: other[option.value] for option in Option if option in options and option.value in other}
    if "K" in chosen.values():
        return Judgement(KEEP)
    action = _of_type(basic, tag, around, sop_class)
    for option in chosen:
        if option is Option.MODIFIED_DATES:
            return Judgement(SHIFT)
        if option in (Option.DESCRIPTORS, Option.CONTENT, Option.GRAPHICS, Option.PATIENT):
            return Judgement(WORDED, "words")
    return Judgement(action, "dummy" if action == DUMMY else "")


def _masked(tag: int) -> tuple[str, dict[str, str]] | None:
    text = f"{tag:08X}"
    return next((row for pattern, row in _MASKED if pattern.fullmatch(text)), None)


def _of_type(action: str, tag: int, around: int, sop_class: str) -> str:
    """PS3.15 E.1 Table E.1-1a: X unless Z (type 2) or D (type 1) is needed for the object to stay one of its IOD."""
    if tag in _REQUIRED:
        return DUMMY
    choices = [each.rstrip("*") for each in action.split("/")]
    if len(choices) == 1:
        return choices[0]
    known = TYPES.get((tag, around))
    # References in items (of functional groups, say) answer to others of the object (PS3.3 C.12.1.2): with other
    # UIDs they still do, removed they make it one that contradicts itself.
    if known is None or (around and choices[-1] == UID):
        return choices[-1]
    kind = next((kind for kind, classes in known[1].items() if sop_class in classes), known[0])
    if kind == "3":
        return choices[0]
    if kind == "2" and EMPTY in choices:
        return EMPTY
    return choices[-1]


def moved(text: str, days: int, *, time: bool) -> str:
    """A DA (or, with `time`, a DT) some days later; as exact as it was, "" when it is none."""
    return "\\".join(_moved_one(each.strip(" \0"), days, time) for each in text.split("\\"))


def _moved_one(text: str, days: int, time: bool) -> str:
    if re.fullmatch(r"\d{4}\.\d\d\.\d\d", text):  # the form of ACR-NEMA (PS3.5 6.2 Note)
        text = text.replace(".", "")
    match = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?(.*)", text) if time else re.fullmatch(r"(\d{4})(\d\d)(\d\d)()", text)
    if not match or not re.fullmatch(r"[\d.+-]*", match[4]):
        return ""
    try:
        moved_to = date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) + timedelta(days=days)
    except (ValueError, OverflowError):
        return ""
    precision = 4 + 2 * bool(match[2]) + 2 * bool(match[3])
    return f"{moved_to:%Y%m%d}".rjust(8, "0")[:precision] + match[4]


def longitudinal(options: frozenset[Option]) -> str:
    """Longitudinal Temporal Information Modified (0028,0303), PS3.3 C.12.1."""
    return "UNMODIFIED" if Option.FULL_DATES in options else "MODIFIED" if Option.MODIFIED_DATES in options else "REMOVED"


def tags(*keywords: str) -> frozenset[int]:
    """The tags of keywords."""
    found = [tag_of(keyword) for keyword in keywords]
    if None in found:
        raise LookupError(keywords[found.index(None)])
    return frozenset(tag for tag in found if tag is not None)
