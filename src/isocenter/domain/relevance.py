"""How much an earlier study of a patient helps to read this one, and why. Pure.

What counts: the region of the body (from Body Part Examined and from words of descriptions, in several languages), the
modality, the procedure by its code or by the words of its description, the side, and how long ago it was. The score orders
studies; the reasons are what a reader is shown.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

MOST_WORDS = 40  # of the descriptions of one study

# Region -> how words of it begin. Body parts of CID 4 (PS3.16 Annex L) and what sites write into descriptions.
_BEGINNINGS: dict[str, str] = {
    "head": "HEAD BRAIN SKULL CRANI CEREBR CEREBEL NEURO KOPF SCHAED SCHAD HIRN TETE CRANE CABEZA CEREBRO ORBIT SELLA PITUIT IAC "
            "SINUS FACE FACIAL MAXILL MANDIB JAW TEMPORAL",
    "neck": "NECK CERVIX HALS COU CUELLO THYROID LARYN PHARYN CAROTI",
    "chest": "CHEST THORA THORX LUNG PULM LUNGE TORAX POUMON RIB STERN MEDIAST PTX",
    "heart": "HEART CARDI CORONA HERZ COEUR CORAZON ECHO AORTA",
    "breast": "BREAST MAMM BRUST SEIN MAMA TOMOSYN",
    "abdomen": "ABDOM ABD LIVER HEPAT LEBER FOIE HIGADO PANCREA KIDNEY RENAL NIERE SPLEEN GALL BILIAR BOWEL COLON STOMACH ENTERO "
               "UROGRA MRCP OBERBAUCH",
    "pelvis": "PELVI BECKEN BASSIN PROSTAT UTER OVAR BLADDER RECT SACR HIP HUEFT HUFT HANCHE CADERA",
    "cervical spine": "CSPINE HWS CERVICAL",
    "thoracic spine": "TSPINE BWS DORSAL",
    "lumbar spine": "LSPINE LWS LUMB LENDEN LSSPINE",
    "spine": "SPINE SPINAL WIRBEL RACHIS COLUMNA VERTEBR WHOLESPINE",
    "shoulder": "SHOULDER SCHULTER EPAULE HOMBRO CLAVIC SCAPUL",
    "arm": "ARM HUMER ELBOW ELLBOG COUDE CODO FOREARM RADIUS ULNA",
    "hand": "HAND WRIST FINGER THUMB MAIN MANO POIGNET CARPAL",
    "leg": "LEG FEMUR THIGH TIBIA FIBULA CALF OBERSCHENK UNTERSCHENK EXTREM",
    "knee": "KNEE KNIE GENOU RODILLA PATELL MENISC",
    "foot": "FOOT FUSS PIED ANKLE CALCAN TOE SPRUNG CHEVILLE TOBILLO TARS",
    "whole body": "WHOLEBODY GANZKOERPER SKELET PETCT",
}  # fmt: skip
_PREFIXES = tuple((begin, region) for region, words in _BEGINNINGS.items() for begin in words.split())
# Words of two letters and abbreviations that mean several regions only count when they stand alone.
_ALONE: dict[str, tuple[str, ...]] = {
    "CAP": ("chest", "abdomen", "pelvis"), "TAP": ("chest", "abdomen", "pelvis"), "WB": ("whole body",), "AP": (), "CT": (),
    "ARMS": ("arm",), "HEADNECK": ("head", "neck"), "CTA": (), "CXR": ("chest",), "KUB": ("abdomen",), "MG": ("breast",),
}  # fmt: skip
_TRUNK = frozenset({"neck", "chest", "heart", "abdomen", "pelvis", "whole body"})
_SPINES = frozenset({"cervical spine", "thoracic spine", "lumbar spine"})
# Regions that show a good deal of one another.
_NEIGHBOURS = frozenset(
    frozenset(pair)
    for pair in (("chest", "abdomen"), ("chest", "heart"), ("abdomen", "pelvis"), ("neck", "head"), ("neck", "chest"),
                 ("hand", "arm"), ("shoulder", "arm"), ("knee", "leg"), ("foot", "leg"), ("neck", "cervical spine"),
                 ("chest", "thoracic spine"), ("abdomen", "lumbar spine"))
)  # fmt: skip
# Modalities whose pictures are read as the same kind, and those that answer the same questions.
_SAME_KIND = ({"CR", "DX", "DR", "RG"}, {"XA", "RF"}, {"PT", "NM"}, {"US", "IVUS"})
_IMAGES_OF_SLICES = {"CT", "MR", "PT"}
_NO_IMAGES = {"SR", "KO", "PR", "SEG", "REG", "DOC", "RTSTRUCT", "RTPLAN", "RTDOSE", "RTRECORD", "AU", "ECG"}
_FILLERS = {"WITH", "WITHOUT", "AND", "THE", "FOR", "MIT", "OHNE", "UND", "STUDY", "ROUTINE", "STANDARD", "VIEW", "VIEWS"}
_SIDES = {"L": "left", "R": "right", "B": "both"}
_SIDE_WORDS = {"LEFT": "L", "LINKS": "L", "LT": "L", "LI": "L", "GAUCHE": "L", "IZQ": "L", "RIGHT": "R", "RECHTS": "R", "RT": "R",
               "RE": "R", "DROIT": "R", "DROITE": "R", "DER": "R", "BILATERAL": "B", "BOTH": "B", "BEIDSEITS": "B"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What is known of a study that may tell how it compares."""

    date: str  # DA
    modalities: frozenset[str]
    regions: frozenset[str]
    words: frozenset[str]
    codes: frozenset[str]  # of the requested procedure, with their scheme
    sides: frozenset[str]  # of L, R and B

    @classmethod
    def of(
        cls, date: str, modalities: Iterable[str], parts: Iterable[str], texts: Iterable[str], codes: Iterable[str],
        lateralities: Iterable[str],
    ) -> "StudyFacts":  # fmt: skip
        """From values as objects hold them. parts: Body Part Examined; texts: descriptions and protocol names."""
        words = list(dict.fromkeys(word for text in texts for word in words_of(text)))[:MOST_WORDS]
        own = {region for part in parts for region in _regions(words_of(part), part)}
        sides = {side for each in lateralities if (side := each.strip().upper()) in _SIDES}
        sides |= {_SIDE_WORDS[word] for word in words if word in _SIDE_WORDS and len(word) > 2}
        kinds = frozenset(each for each in modalities if each and each not in _NO_IMAGES)
        regions = own | (_regions(words, "") if not own else set())
        if not regions and "MG" in kinds:
            regions = {"breast"}
        plain = frozenset(word for word in words if len(word) > 2 and word not in _FILLERS and word not in _SIDE_WORDS)
        return cls(date, kinds, frozenset(regions), plain, frozenset(each for each in codes if each), frozenset(sides))


@dataclass(frozen=True, slots=True)
class Relevance:
    """score: 0 (of no help) to 100; reason: in words, the strongest first."""

    score: int
    reason: str


def words_of(text: str) -> list[str]:
    """Words in capitals without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    joined = re.sub(r"\b([CTL])[ -]?SPINE", r"\1SPINE", re.sub(r"\b([CT])/A/P\b", r"\1AP", plain.upper()))
    return re.findall(r"[A-Z]+", joined)


def _regions(words: Iterable[str], part: str) -> set[str]:
    joined = "".join(words_of(part))
    found: set[str] = set()
    for word in dict.fromkeys([*words, *([joined] if joined else [])]):
        if word in _ALONE:
            found.update(_ALONE[word])
            continue
        found.update(region for begin, region in _PREFIXES if word.startswith(begin) and (len(begin) > 3 or word == begin))
    # "Lumbar spine" is one region, and the cervical spine no neck.
    if found & _SPINES:
        found -= {"spine"}
    return found


def relevance(this: StudyFacts, other: StudyFacts) -> Relevance:
    """How much `other` helps to read `this`."""
    parts = [_region(this, other), _modality(this, other), _procedure(this, other), _side(this, other), _age(this, other)]
    score = max(0, min(100, sum(points for points, _ in parts)))
    told = sorted((part for part in parts if part[1]), key=lambda part: -abs(part[0]))
    return Relevance(score, ", ".join(words for _, words in told))


def _region(this: StudyFacts, other: StudyFacts) -> tuple[int, str]:
    common = sorted(this.regions & other.regions)
    if common:
        return 40, f"same region ({', '.join(common)})"
    if not this.regions or not other.regions:
        return 10, ""
    if any(frozenset((a, b)) in _NEIGHBOURS for a in this.regions for b in other.regions):
        return 20, f"neighbouring region ({', '.join(sorted(other.regions))})"
    if ("whole body" in this.regions and other.regions & _TRUNK) or ("whole body" in other.regions and this.regions & _TRUNK):
        return 25, "whole body"
    if "spine" in this.regions | other.regions and (this.regions | other.regions) & _SPINES:
        return 30, "spine"
    return -20, f"other region ({', '.join(sorted(other.regions))})"


def _modality(this: StudyFacts, other: StudyFacts) -> tuple[int, str]:
    if common := sorted(this.modalities & other.modalities):
        return 25, f"also {'/'.join(common)}"
    named = "/".join(sorted(other.modalities))
    for kind in _SAME_KIND:
        if this.modalities & kind and other.modalities & kind:
            return 22, f"{named}, read alike"
    if this.modalities & _IMAGES_OF_SLICES and other.modalities & _IMAGES_OF_SLICES:
        return 12, f"{named}, comparable"
    return 0, ""


def _procedure(this: StudyFacts, other: StudyFacts) -> tuple[int, str]:
    if this.codes & other.codes:
        return 20, "same procedure"
    common = this.words & other.words
    share = len(common) / max(1, min(len(this.words), len(other.words)))
    points = round(15 * share)
    return points, f"described alike ({', '.join(sorted(word.lower() for word in common)[:3])})" if points >= 5 else ""


def _side(this: StudyFacts, other: StudyFacts) -> tuple[int, str]:
    one, two = this.sides, other.sides
    if not one or not two:
        return 0, ""
    if "B" in one | two or one & two:
        named = " and ".join(_SIDES[side] for side in sorted(one & two))
        return 5, f"same side ({named})" if one & two and "B" not in one | two and len(one & two) == 1 else ""
    return -30, f"other side ({' and '.join(_SIDES[side] for side in sorted(two))})"


def _age(this: StudyFacts, other: StudyFacts) -> tuple[int, str]:
    here, there = _day(this.date), _day(other.date)
    if here is None or there is None:
        return 0, ""
    days = (here - there).days
    # Half as helpful every three years.
    return round(10 * 0.5 ** (abs(days) / 1095)), age_words(days)


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def age_words(days: int) -> str:
    """ "3 weeks earlier", "2 years later"."""
    if days == 0:
        return "the same day"
    span = abs(days)
    count, unit = next(
        (span // length, unit) for length, unit, least in ((365, "year", 730), (30, "month", 60), (7, "week", 14), (1, "day", 0))
        if span >= least
    )  # fmt: skip
    return f"{count} {unit}{'' if count == 1 else 's'} {'earlier' if days > 0 else 'later'}"
