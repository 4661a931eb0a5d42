"""Attribute matching (PS3.4 C.2.2.2) as frozen values, each with its predicate; `store/dialect.py` compiles them to SQL.

    Universal   C.2.2.2.3  matches everything, absent values too
    Single      C.2.2.2.1  equal; numbers as numbers, names without regard to case and accents
    UidList     C.2.2.2.2  one of several values, exactly (also codes)
    Wildcard    C.2.2.2.4  * for any run of characters, ? for any one; everything else is literal
    Range       C.2.2.2.5  of dates, times or date times; an end may be open
    Empty       C.2.2.2.7  the attribute is absent or has no value
    Fuzzy       C.2.2.2.1.1  the words of a name, in any order and as they sound (`phonetics`)
    AnyOf       C.2.2.2.8  one of several values or wildcards; also the spellings of a person's name: Müller, Mueller, Muller
"""

import itertools
import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

_ONE_VALUE_VRS = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a character of the value (PS3.5 6.2)
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII)
_NUMBER_VRS = frozenset({"IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
# Letters that Unicode does not take apart, though people search for the plain ones
_PLAIN = str.maketrans({"Ø": "O", "Æ": "AE", "Œ": "OE", "Đ": "D", "Ð": "D", "Ł": "L", "Þ": "TH", "ı": "I", "Ħ": "H"})
# The voicing marks of kana make other letters, not accented ones
_KEPT_MARKS = "\u3099\u309a"


def fold(name: str) -> str:
    """Return the search key of a person name: upper case, without accents, padding and trailing delimiters (PS3.5 6.2.1.1).

    Component groups stay joined by "=", several names by backslashes. Used for the index columns `*_key` and for matching alike.
    """
    if name.isascii():
        text = name.upper()
    else:
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).upper()).translate(_PLAIN)
        text = "".join([c for c in text if c in _KEPT_MARKS or not unicodedata.combining(c)])
        text = unicodedata.normalize("NFC", text)
    return "\\".join([_trimmed(one) for one in text.split("\\")]) if "\\" in text else _trimmed(text)


def _trimmed(name: str) -> str:
    if "=" in name:
        return "=".join([_trimmed(group) for group in name.split("=")]).rstrip("=")
    if "^" in name:
        return "^".join([component.strip() for component in name.split("^")]).rstrip("^")
    return name.strip()


# A letter that may be an umlaut: written plain (as accents are folded) or with an E behind it. Before an asterisk the E stays: it
# may be that of Joe* or of Jörg, and nobody who asks for Joe* wants every John.
_UMLAUT = re.compile(r"([AOU](?:E(?!\*))?)")
_MOST_SPELLINGS = 16  # of names with more such letters: all plain, and one at a time


def spellings(name: str) -> tuple[str, ...]:
    """The ways in which a name or a pattern of one may be written: Müller, MULLER and Mueller are one name.

    The first is as it was given, the others are folded. A name with component groups has one: it says itself how it is written.
    """
    if "=" in name or not (parts := _UMLAUT.split(fold(name)))[1:]:
        return (name,)
    places = range(1, len(parts), 2)
    ways = [(parts[place][0], parts[place][0] + "E") for place in places]
    if 2 ** len(ways) <= _MOST_SPELLINGS:
        chosen = list(itertools.product(*ways))
    else:
        given, plain = tuple(parts[1::2]), tuple(way[0] for way in ways)
        chosen = [plain, *((*given[:n], other, *given[n + 1 :]) for n, way in enumerate(ways) for other in way)]
    between = parts[::2]
    spelled = ("".join(itertools.chain(*zip(between, (*choice, ""), strict=True))) for choice in chosen)
    others = [other for other in dict.fromkeys(spelled) if other != fold(name)]
    beginnings = [one[:-1] for one in (fold(name), *others) if one.endswith("*")]
    return (name, *(one for one in others if not any(one.startswith(each) and one[:-1] != each for each in beginnings)))


def values_of(text: str, vr: str) -> list[str]:
    """Return the single values of a text as it stands in the index."""
    return [text] if vr in _ONE_VALUE_VRS or "\\" not in text else text.split("\\")


@dataclass(frozen=True, slots=True)
class Universal:
    """Matches everything."""

    def matches(self, text: str, vr: str) -> bool:
        """Say whether a stored value matches. text: as in the index, values joined by backslashes, "" when absent."""
        return True


@dataclass(frozen=True, slots=True)
class Empty:
    """Matches what has no value."""

    def matches(self, text: str, vr: str) -> bool:
        """Say whether a stored value matches."""
        return text == ""


@dataclass(frozen=True, slots=True)
class Single:
    """Matches a value that equals `value`."""

    value: str

    def matches(self, text: str, vr: str) -> bool:
        """Say whether one of the stored values equals."""
        if vr == "PN":
            return any(_name_matches(self.value, one, str.__eq__) for one in values_of(text, vr))
        return any(_equal(self.value, one, vr) for one in values_of(text, vr))


@dataclass(frozen=True, slots=True)
class UidList:
    """Matches a value that is one of `uids`; the empty list matches nothing."""

    uids: tuple[str, ...]

    def matches(self, text: str, vr: str) -> bool:
        """Say whether one of the stored values is in the list."""
        return any(one in self.uids for one in values_of(text, vr) if one)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Matches `pattern`: * any run of characters, also none; ? any one character. Case counts, but not in names."""

    pattern: str

    def matches(self, text: str, vr: str) -> bool:
        """Say whether one of the stored values matches; what has no value never does."""
        if vr == "PN":
            return any(_name_matches(self.pattern, one, _like) for one in values_of(text, vr) if one)
        return any(_like(self.pattern, one) for one in values_of(text, vr) if one)


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Matches a person's name in which every word has one that it may be a spelling of; a word that ends with * begins one.

    words: folded. For the index, which does not hear (`store.names`), held: for each word those that are alike; names: the folded
    names that have such words, None when they are many.
    """

    words: tuple[str, ...]
    held: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] | None = None

    def matches(self, text: str, vr: str) -> bool:
        """Say whether the stored name, in all its values and groups together, has these words."""
        from . import phonetics  # which needs `fold`; loaded by the first who asks so

        stored = phonetics.words(text)
        return all(
            any(other.startswith(word[:-1]) if word.endswith("*") else phonetics.alike(word, other) for other in stored)
            for word in self.words
        )


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Matches what one of `ways` matches."""

    ways: "tuple[Single | Wildcard | Fuzzy, ...]"

    def matches(self, text: str, vr: str) -> bool:
        """Say whether one of the stored values matches in one of the ways."""
        return any(way.matches(text, vr) for way in self.ways)


@dataclass(frozen=True, slots=True)
class Range:
    """Matches low <= value <= high in the order of the text; "" leaves an end open.

    The ends are normal forms for plain comparison with the stored text (see `time_low`, `time_high`): no parsing row by row.
    """

    low: str
    high: str

    def matches(self, text: str, vr: str) -> bool:
        """Say whether one of the stored values lies in the range."""
        return any(self._holds(instant(one) if vr == "DT" else one) for one in values_of(text, vr))

    def _holds(self, value: str) -> bool:
        return value != "" and (not self.low or self.low <= value) and (not self.high or value <= self.high)


Match = Universal | Empty | Single | UidList | Wildcard | Range | Fuzzy | AnyOf


def _equal(wanted: str, stored: str, vr: str) -> bool:
    if wanted == stored:
        return True
    return vr in _NUMBER_VRS and is_number(wanted) and is_number(stored) and float(wanted) == float(stored)


def is_number(text: str) -> bool:
    """Say whether a text spells a decimal number (PS3.5 6.2 DS); what Python also takes for one, 1_0 or nan, is none."""
    return _NUMBER.fullmatch(text) is not None


def _name_matches(wanted: str, stored: str, same: Callable[[str, str], bool]) -> bool:
    """Compare names folded: a name with groups group by group, one without against any group (PS3.4 C.2.2.2.1.1)."""
    wanted, stored = fold(wanted), fold(stored)
    groups = stored.split("=")
    if "=" not in wanted:
        return any(same(wanted, group) for group in groups)
    asked = wanted.split("=")
    groups += [""] * (len(asked) - len(groups))
    return all(not one or same(one, group) for one, group in zip(asked, groups, strict=False))


@lru_cache(maxsize=256)
def _segments(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Return the stretches between the asterisks; each has a fixed length, so that no pattern can make the search run away."""
    return tuple(
        re.compile("".join("." if c == "?" else re.escape(c) for c in segment), re.DOTALL) for segment in pattern.split("*")
    )


def _like(pattern: str, text: str) -> bool:
    first, *others = _segments(pattern)
    if not others:
        return first.fullmatch(text) is not None
    head = first.match(text)
    if head is None:
        return False
    at = head.end()
    for segment in others[:-1]:
        found = segment.search(text, at)
        if found is None:
            return False
        at = found.end()
    last_length = len(pattern) - pattern.rindex("*") - 1
    return len(text) - last_length >= at and others[-1].fullmatch(text, len(text) - last_length) is not None


# ---- normal forms of dates and times ---------------------------------------------------------------------------------------

_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?")
_DATE = re.compile(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)")
_ZONE = re.compile(r"[+-]\d{4}")
_DATETIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6}))?([+-]\d{4})?")


def date(text: str) -> str:
    """Return a DA value as YYYYMMDD; the forms with dots and with hyphens are understood. ValueError when it is none."""
    match = _DATE.fullmatch(text.strip())
    if match is None or not ("01" <= match[2] <= "12" and "01" <= match[3] <= "31"):
        raise ValueError("not a date")
    return "".join(match.groups())


def time_low(text: str) -> str:
    """Return the first stored text of a TM value: 10, 1000 and 100000.0 are one moment, and 10 sorts before the others."""
    hour, minute, second, fraction = _time(text)
    low = hour + (minute or "00") + (second or "00")
    fraction = (fraction or "").rstrip("0")
    if fraction:
        return f"{low}.{fraction}"
    while len(low) > 2 and low.endswith("00"):
        low = low[:-2]
    return low


def time_high(text: str) -> str:
    """Return the latest stored text of a TM value of its precision: 1030 lasts until 10:30:60.999999 (a leap second counts)."""
    hour, minute, second, fraction = _time(text)
    return f"{hour}{minute or '59'}{second or '60'}.{(fraction or '').ljust(6, '9')}"


def _time(text: str) -> tuple[str, str | None, str | None, str | None]:
    match = _TIME.fullmatch(text.strip())
    if match is None or match[1] > "23" or (match[2] or "0") > "59" or (match[3] or "0") > "60":
        raise ValueError("not a time")
    return match[1], match[2], match[3], match[4]


def instant(text: str, *, high: bool = False, zone: str = "") -> str:
    """Return a DT value as YYYYMMDDHHMMSS.FFFFFF, in UTC when it has an offset; "" when it is none.

    zone: the Timezone Offset From UTC of the data set, for values that have no offset of their own (PS3.3 C.12.1.1.8).
    What it leaves out is filled with the earliest, with `high` the latest, so that a partial value is the interval it means.
    """
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        return ""
    year, *parts, fraction, offset = match.groups()
    offset = offset or (zone if _ZONE.fullmatch(zone) else None)
    filler = ("12", "31", "23", "59", "59") if high else ("01", "01", "00", "00", "00")
    month, day, hour, minute, second = (part or fill for part, fill in zip(parts, filler, strict=True))
    fraction = (fraction or "").ljust(6, "9" if high else "0")
    plain = f"{year}{month}{day}{hour}{minute}{second}.{fraction}"
    if offset is None:
        return plain
    try:
        day_of_month = min(int(day), monthrange(int(year), int(month))[1])
        moment = datetime.strptime(f"{year}{month}{day_of_month:02}{hour}{minute}{second}{offset}", "%Y%m%d%H%M%S%z")
        return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}.{fraction}"
    except (ValueError, OverflowError):
        return plain
