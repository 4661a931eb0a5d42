"""A query as a value: C-FIND identifiers and QIDO-RS parameters both become one `Query`, and the index answers nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass

from . import phonetics
from .attributes import Attribute, Level, Matched, Matching
from .match import (
    AnyOf,
    Empty,
    Fuzzy,
    Match,
    Range,
    Single,
    UidList,
    Universal,
    Wildcard,
    date,
    instant,
    is_number,
    spellings,
    time_high,
    time_low,
)
from .moments import Span

# Longest value of an indexed attribute that can be asked for is an LT of 10,240 characters; a list of UIDs may be longer.
_MAX_KEY = 64 * 1024
_MOST_VALUES = 100  # of one key that holds no UIDs: each is a condition of its own
_ONE_VALUE_VRS = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a character of the value (PS3.5 6.2)


class InvalidKey(ValueError):
    """A matching key has a value that its VR does not allow. keyword: whose; the value is not repeated, it may name a patient."""

    def __init__(self, keyword: str, reason: str) -> None:
        super().__init__(f"{keyword}: {reason}")
        self.keyword = keyword
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of the order of the answer."""

    attribute: Attribute
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for.

    level: of the rows that are returned. matches: keys that all must match. returns: attributes wanted besides those every answer
    has. limit: rows at most, None for all; offset: rows skipped before. sort: the order, the index's own after it.
    spans: questions about dates with their times, which must match too.
    """

    level: Level
    matches: tuple[tuple[Attribute, Match], ...] = ()
    returns: tuple[Attribute, ...] = ()
    limit: int | None = None
    offset: int = 0
    sort: tuple[Sort, ...] = ()
    spans: tuple[Span, ...] = ()


def parse_match(attribute: Matched, text: str, *, fuzzy: bool = False) -> Match:
    """Return what a key's value means for `attribute` (PS3.4 C.2.2.2). InvalidKey when the VR does not allow the value.

    fuzzy: names are also matched by how they sound, their words in any order (PS3.4 C.2.2.2.1.1, PS3.18 8.3.4.2).
    A key that is not matched (computed, or of another kind) is universal: PS3.4 C.2.2.1.3.
    """
    if len(text) > _MAX_KEY:
        raise InvalidKey(attribute.keyword, "the value is too long")
    text = text.strip(" \0")
    if attribute.matching is Matching.NONE or text.strip("*") == "":
        return Universal()
    if text == '""':
        return Empty()
    try:
        match attribute.matching:
            case Matching.UID:
                return _uids(text)
            case Matching.DATE:
                return _dates(text)
            case Matching.TIME:
                return _times(text)
            case Matching.NAME:
                return _name(text, fuzzy=fuzzy)
            case Matching.TEXT:
                return _text(attribute, text)
            case _:
                return _number(text) if attribute.vr != "AS" else _any_of(map(Single, _values(text)))
    except ValueError as error:
        raise InvalidKey(attribute.keyword, str(error)) from None


def datetime_range(text: str, zone: str = "") -> Range:
    """Return the range a DT key means, partial values and open ends included; ValueError when it is none (PS3.4 C.2.2.2.5.4).

    zone: the Timezone Offset From UTC of the request, for ends that have no offset of their own.
    """
    low, dash, high = _split_datetime(text)
    if not dash:
        high = low
    ends = instant(low, zone=zone) if low else "", instant(high, high=True, zone=zone) if high else ""
    if (low and not ends[0]) or (high and not ends[1]) or not (low or high):
        raise ValueError("not a date time or a range of them")
    return Range(*ends)


def _split_datetime(text: str) -> tuple[str, str, str]:
    """Split a DT range at its hyphen, which may also be the sign of an offset: -0500 is a sign when four digits end the value."""
    parts = text.split("-")
    match parts:
        case [low]:
            return low, "", ""
        case [low, high] if low and high and len(high) == 4 and high <= "1400":
            return text, "", ""  # one value with an offset: no year is below 1400
        case [low, high]:
            return low, "-", high
        case [low, offset, high] if len(offset) == 4 and offset <= "1400" and low:
            return f"{low}-{offset}", "-", high
        case [low, high, offset]:
            return low, "-", f"{high}-{offset}"
        case [low, offset, high, offset_high]:
            return f"{low}-{offset}", "-", f"{high}-{offset_high}"
        case _:
            raise ValueError("not a date time or a range of them")


def _uids(text: str) -> Match:
    """PS3.4 C.2.2.2.2: separated by backslashes, in a URL also by commas (PS3.18 8.3.4.1)."""
    uids = tuple(uid for part in text.replace(",", "\\").split("\\") if (uid := part.strip(" \0")))
    if any(len(uid) > 64 for uid in uids):
        raise ValueError("a UID has 64 characters at most")
    return Single(uids[0]) if len(uids) == 1 else UidList(uids)


def _dates(text: str) -> Match:
    try:
        return Single(date(text))  # also the form with hyphens, which is no range
    except ValueError:
        low, dash, high = text.partition("-")
    if not dash or not (low.strip() or high.strip()):
        raise ValueError("not a date or a range of dates")
    return Range(date(low) if low.strip() else "", date(high) if high.strip() else "")


def _times(text: str) -> Match:
    low, dash, high = text.partition("-")
    if not dash:
        # A time of some precision is an interval: 1030 is every moment of that minute.
        return Range(time_low(text), time_high(text))
    if not (low.strip() or high.strip()):
        raise ValueError("not a time or a range of times")
    return Range(time_low(low) if low.strip() else "", time_high(high) if high.strip() else "")


def _text(attribute: Matched, text: str) -> Match:
    if attribute.vr in _ONE_VALUE_VRS:
        return _wildcard(text)
    wanted = _values(text)
    if attribute.vr == "CS" and len(wanted) > 1 and not any(map(_is_pattern, wanted)):
        return UidList(wanted)
    return _any_of(map(_wildcard, wanted))


def _name(text: str, *, fuzzy: bool) -> Match:
    """In every way it may be spelled; PS3.4 C.2.2.2.1 leaves the matching of names to who answers."""
    names = _values(text)
    literal = [_wildcard(way) for name in names for way in spellings(name)]
    return _any_of([*literal, *(way for name in names if (way := _heard(name)) is not None)] if fuzzy else literal)


def _heard(name: str) -> Fuzzy | None:
    """A name as it sounds; None for patterns other than words of which only the beginning is told."""
    words = phonetics.words(name)
    told = [word[:-1] if word.endswith("*") else word for word in words]
    if not words or any(not word or _is_pattern(word) for word in told):
        return None
    return Fuzzy(tuple(f"{word}*" if len(word) == 1 else word for word in words))  # a lone letter is an initial


def _values(text: str) -> tuple[str, ...]:
    """PS3.4 C.2.2.2.8: several values are parted by backslashes, and each may match."""
    wanted = tuple(value for part in text.split("\\") if (value := part.strip()))
    if len(wanted) > _MOST_VALUES:
        raise ValueError(f"there are more than {_MOST_VALUES} values")
    return wanted or (text,)


def _any_of(ways: Iterable[Single | Wildcard | Fuzzy]) -> Match:
    few = tuple(dict.fromkeys(ways))
    return few[0] if len(few) == 1 else AnyOf(few)


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text


def _wildcard(text: str) -> Single | Wildcard:
    return Wildcard(text) if _is_pattern(text) else Single(text)


def _number(text: str) -> Match:
    """A number keeps its spelling: the index compares numbers as numbers."""
    wanted = _values(text)
    if not all(map(is_number, wanted)):
        raise ValueError("not a number")
    return _any_of(map(Single, wanted))
