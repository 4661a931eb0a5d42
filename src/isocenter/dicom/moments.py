"""Dates with their times: one span of time instead of two conditions, and the time zone of who asks (PS3.4 C.2.2.2.5).

    PAIRS      which times belong to which dates
    paired()   the keys of a request -> the same with spans in the place of what has to be asked together
    Span       a question about a date and its time; `window()` is what it means for rows of one time zone
    moved()    a date and time as they are called in another zone

A row's zone is its study's Timezone Offset From UTC (0008,0201). Where it has none, it is taken as being in the zone of the
question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from .attributes import BY_KEYWORD, Attribute
from .match import Match, Range, Single, time_low

# The date and time of birth are not moved between zones: a birthday is one (PS3.3 C.12.1.1.8).
PAIRS: Mapping[str, str] = MappingProxyType(
    {
        "StudyDate": "StudyTime",
        "SeriesDate": "SeriesTime",
        "AcquisitionDate": "AcquisitionTime",
        "ContentDate": "ContentTime",
        "InstanceCreationDate": "InstanceCreationTime",
        "PerformedProcedureStepStartDate": "PerformedProcedureStepStartTime",
        "PatientBirthDate": "PatientBirthTime",
    }
)
_NOT_MOVED = frozenset({"PatientBirthDate"})
MOVED: Mapping[str, str] = MappingProxyType({date: time for date, time in PAIRS.items() if date not in _NOT_MOVED})

_OFFSET = re.compile(r"([+-])(\d\d)([0-5]\d)")
_FIRST, _LAST = "000000", "235960.999999"  # of a day
# PS3.5 6.2 DT: -1200 to +1400 are allowed; all that are in use are whole quarters of an hour.
_WEST, _EAST = -12 * 60, 14 * 60


def offset(text: str) -> int:
    """The minutes east of Greenwich of +0100 and the like (PS3.3 C.12.1.1.8). ValueError when it is none."""
    found = _OFFSET.fullmatch(text.strip())
    minutes = int(f"{found[1]}{int(found[2]) * 60 + int(found[3])}") if found else 9999
    if not _WEST <= minutes <= _EAST:
        raise ValueError("not an offset from UTC such as +0100")
    return minutes


def offset_text(minutes: int) -> str:
    """+0100 and the like."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


ZONES: Mapping[str, int] = MappingProxyType({offset_text(minutes): minutes for minutes in range(_WEST, _EAST + 1, 15)})


def moved(date: str, time: str, minutes: int) -> tuple[str, str]:
    """A date and time that much later, with the precision of the time. What is no date and time stays as it is."""
    digits, dot, fraction = time.partition(".")
    whole = digits.ljust(4, "0")
    try:
        at = datetime.strptime(f"{date}{whole[:4]}+0000", "%Y%m%d%H%M%z") + timedelta(minutes=minutes)
    except (ValueError, OverflowError):
        return date, time
    hour_only = len(digits) == 2 and at.minute == 0
    return f"{at:%Y%m%d}".rjust(8, "0"), (f"{at:%H}" if hour_only else f"{at:%H%M}{whole[4:]}{dot}{fraction}")


@dataclass(frozen=True, slots=True)
class Window:
    """What a span means in one zone: from a date and time, to one, and between two times of day; None: an open end.

    first, last: (date, time); the time of day passes midnight when `opens` is later than `closes`.
    """

    first: tuple[str, str] | None = None
    last: tuple[str, str] | None = None
    opens: str = ""
    closes: str = ""

    def holds(self, date: str, time: str) -> bool:
        """Whether a stored date and time lie in it; on its first and last day also one whose time is not known."""
        if self.first and not (date > self.first[0] or (date == self.first[0] and (not time or time >= self.first[1]))):
            return False
        if self.last and not (date and (date < self.last[0] or (date == self.last[0] and (not time or time <= self.last[1])))):
            return False
        return self._in_the_day(time)

    def _in_the_day(self, time: str) -> bool:
        if not self.opens:
            return True
        if self.opens <= self.closes:
            return self.opens <= time <= self.closes
        return bool(time) and (time >= self.opens or time <= self.closes)


@dataclass(frozen=True, slots=True)
class Span:
    """A question about a date and its time, at least one of them.

    dates, times: the ranges asked for. combined: from the first date's time to the last one's, not a time of each day.
    zone: minutes east of Greenwich in which it is asked; None: in that of each row.
    """

    date: Attribute
    time: Attribute
    dates: Range | None
    times: Range | None
    combined: bool = False
    zone: int | None = None

    def window(self, zone: int | None) -> Window:
        """What it means for rows of a zone; None: theirs is not known."""
        minutes = 0 if zone is None or self.zone is None else zone - self.zone
        first = last = None
        if self.dates is not None:
            times = self.times if self.combined else None
            if self.dates.low:
                first = _moved_low(self.dates.low, (times and times.low) or _FIRST, minutes)
            if self.dates.high:
                last = moved(self.dates.high, (times and times.high) or _LAST, minutes)
        if self.times is None or self.combined:
            return Window(first, last)
        return Window(first, last, *self._time_of_day(self.times, minutes))

    @staticmethod
    def _time_of_day(times: Range, minutes: int) -> tuple[str, str]:
        _, opens = _moved_low("20000102", times.low or _FIRST, minutes)
        _, closes = moved("20000102", times.high or _LAST, minutes)
        return opens, closes

    def around(self) -> Range | None:
        """The dates that rows may have in whatever zone: a plain key, by which an index can search."""
        if self.dates is None:
            return None
        if self.zone is None:
            return self.dates
        low = moved(self.dates.low, _FIRST, _WEST - self.zone)[0] if self.dates.low else ""
        high = moved(self.dates.high, _LAST, _EAST - self.zone)[0] if self.dates.high else ""
        return Range(low, high)

    def matches(self, date: str, time: str, zone: str) -> bool:
        """Whether stored texts match. zone: Timezone Offset From UTC of the study."""
        return self.window(zone_of(zone)).holds(date, time)


def zone_of(text: str) -> int | None:
    """The minutes of a stored Timezone Offset From UTC; None when it says nothing that can be reckoned with."""
    return ZONES.get(text)


def _moved_low(date: str, time: str, minutes: int) -> tuple[str, str]:
    """As `moved`, with the time as the first text that says it (10 before 1000)."""
    moved_date, moved_time = moved(date, time, minutes)
    return moved_date, time_low(moved_time)


def paired(
    matches: list[tuple[Attribute, Match]], ranges: frozenset[str], *, combined: bool, zone: int | None
) -> tuple[list[tuple[Attribute, Match]], tuple[Span, ...]]:
    """The keys of a request with those that belong together taken out as spans, and the spans.

    ranges: keywords whose key was a range, with a hyphen. combined: date-time matching was negotiated. zone: of the request.
    """
    by_keyword = {attribute.keyword: match for attribute, match in matches}
    attributes = {attribute.keyword: attribute for attribute, _ in matches}
    kept, spans = dict(by_keyword), []
    for date, time in PAIRS.items():
        dates, times = _range(by_keyword.get(date)), _range(by_keyword.get(time))
        together = combined and {date, time} <= ranges and _same_form(dates, times)
        asked_in = None if date in _NOT_MOVED else zone
        if not together and (asked_in is None or not (dates or times)):
            continue
        span = Span(BY_KEYWORD[date], BY_KEYWORD[time], dates, times, together, asked_in)
        spans.append(span)
        for keyword, taken in ((date, dates), (time, times)):
            if taken is not None:
                del kept[keyword]
        if around := span.around():
            kept[date] = around
    return [(attributes.get(keyword) or BY_KEYWORD[keyword], match) for keyword, match in kept.items()], tuple(spans)


def _range(match: Match | None) -> Range | None:
    if isinstance(match, Single):
        return Range(match.value, match.value)
    return match if isinstance(match, Range) else None


def _same_form(dates: Range | None, times: Range | None) -> bool:
    """PS3.4 C.2.2.2.5: both from and to, both only from, or both only to."""
    if dates is None or times is None:
        return False
    return bool(dates.low) == bool(times.low) and bool(dates.high) == bool(times.high)


def in_zone(row: Mapping[str, str], zone: int) -> dict[str, str]:
    """The dates and times of a row as they are called in a zone, and its Timezone Offset From UTC.

    Empty when the row does not say in which zone its own are.
    """
    own = zone_of(row.get("TimezoneOffsetFromUTC", ""))
    if own is None:
        return {}
    changed = {"TimezoneOffsetFromUTC": offset_text(zone)}
    for date, time in MOVED.items():
        if row.get(date) and row.get(time):
            changed[date], changed[time] = moved(row[date], row[time], zone - own)
    return changed
