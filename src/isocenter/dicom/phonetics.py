"""How names sound, for fuzzy semantic matching (PS3.4 C.2.2.2.1.1): words, their sounds, and which words are alike.

    words    what a person's name consists of, folded: components and groups, in any order
    sounds   keys under which words that may be spelled alike are found; a word has one to a few
    alike    whether one word may be another spelling of the other: a sound in common, and letters that are not far apart

A key of sounds alone would bring SMUTS and SNEED for SMITH; letters alone would miss PHILIP for FILIP. Names in Cyrillic and
Greek letters are compared in Latin ones; those in other scripts only with themselves (their readings are a group of their own).
"""

import re
from functools import lru_cache

import jellyfish

from .match import fold

MOST_WORDS = 16  # of one name: three groups of five components
NEAR = 0.8  # Jaro-Winkler similarity of two spellings of one name, with the letters of one sound made one

_APART = re.compile(r"[\s^=\\,.\-/()]+")
_INSIDE = str.maketrans("", "", "'’`´\"")
_LATIN = str.maketrans({
    "А": "A", "Б": "B", "В": "V", "Г": "G", "Д": "D", "Е": "E", "Ё": "E", "Ж": "ZH", "З": "Z", "И": "I", "Й": "I", "К": "K",
    "Л": "L", "М": "M", "Н": "N", "О": "O", "П": "P", "Р": "R", "С": "S", "Т": "T", "У": "U", "Ф": "F", "Х": "KH", "Ц": "TS",
    "Ч": "CH", "Ш": "SH", "Щ": "SHCH", "Ъ": "", "Ы": "Y", "Ь": "", "Э": "E", "Ю": "YU", "Я": "YA", "І": "I", "Є": "E", "Ґ": "G",
    "Α": "A", "Β": "V", "Γ": "G", "Δ": "D", "Ε": "E", "Ζ": "Z", "Η": "I", "Θ": "TH", "Ι": "I", "Κ": "K", "Λ": "L", "Μ": "M",
    "Ν": "N", "Ξ": "X", "Ο": "O", "Π": "P", "Ρ": "R", "Σ": "S", "Τ": "T", "Υ": "Y", "Φ": "F", "Χ": "CH", "Ψ": "PS", "Ω": "O",
})  # fmt: skip

# Spellings of one sound in the languages that use Latin letters; the first that fits is taken.
_SPELLINGS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:KN|GN)", "N"), (r"^WR", "R"), (r"^PS", "S"), (r"^X", "S"), (r"^MC(?=[^AEIOUY])", "MAC"),
        (r"SHCH|SCHTSCH|SZCZ", "S"), (r"TSCH|TCH", "C"), (r"SCH|SH|SZ|ZH", "S"), (r"TZ|TS|CZ", "S"), (r"DZH|DJ|DSCH", "J"),
        (r"PH|PF", "F"), (r"TH|DT", "T"), (r"CK|CQ|QU|Q", "K"), (r"KH", "K"), (r"X", "KS"), (r"SC(?=[EIY])", "S"),
        (r"C(?=[EIY])", "S"), (r"EIGH$", "I"), (r"GH(?=T|$)", ""), (r"GH", "G"), (r"MP(?=[ST])", "M"),
        (r"[AE][IY]", "E"), (r"EE|EA|IE", "I"), (r"(?<=.)Y", "I"), (r"Z", "S"),
    )
)  # fmt: skip
_CLASSES = str.maketrans({"B": "P", "D": "T", "G": "K", "V": "F", "W": "F"})
_SILENT_W = re.compile(r"(?<=[AEO])W(?=[^AEIOU]|$)")
_DOUBLED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[AEIOUYHJ]")


def words(name: str) -> tuple[str, ...]:
    """The words of a person's name, each once, folded (`match.fold`); of all its values, groups and components."""
    parts = _APART.split(fold(name).translate(_INSIDE))
    return tuple(dict.fromkeys(part for part in parts if part))[:MOST_WORDS]


@lru_cache(maxsize=4096)
def sounds(word: str) -> frozenset[str]:
    """The keys of a folded word; those of two spellings of one name have one in common."""
    latin = word.translate(_LATIN)
    if not latin.isascii() or not any("A" <= letter <= "Z" for letter in latin):
        return frozenset({f"={word}"})
    plain = _plain(latin)
    ways = {plain, _SILENT_W.sub("", plain)}  # SHAWN is SEAN, but IWANOW is IVANOV
    found = {_skeleton(way.replace("CH", sound).replace("C", sound)) for way in ways for sound in "KS"}
    return frozenset({*found, "~" + jellyfish.metaphone(latin)})


def _plain(latin: str) -> str:
    """The word with one letter for each sound, doubled letters once."""
    text = re.sub("[^A-Z]", "", latin)
    for pattern, sound in _SPELLINGS:
        text = pattern.sub(sound, text)
    return _DOUBLED.sub(r"\1", text)


def _skeleton(text: str) -> str:
    """The consonants, those that are taken for each other as one; and whether it begins with a vowel."""
    first = "J" if text[:1] in ("Y", "J") else "A" if text[:1] in ("A", "E", "I", "O", "U") else ""
    return _DOUBLED.sub(r"\1", first + _VOWELS.sub("", text).translate(_CLASSES))


@lru_cache(maxsize=4096)
def alike(one: str, other: str) -> bool:
    """Whether two folded words may be spellings of one name."""
    if one == other:
        return True
    if not sounds(one) & sounds(other):
        return False
    mine, theirs = (_plain(word.translate(_LATIN)).replace("W", "V") for word in (one, other))
    return max(jellyfish.jaro_winkler_similarity(mine, theirs), jellyfish.jaro_winkler_similarity(one, other)) >= NEAR
