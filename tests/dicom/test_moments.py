"""Dates with their times as one span, and questions from other time zones (PS3.4 C.2.2.2.5)."""

import pytest

from isocenter.dicom import moments
from isocenter.dicom.attributes import BY_KEYWORD, Attribute
from isocenter.dicom.match import Match, Range, Single
from isocenter.dicom.moments import Span
from isocenter.dicom.query import parse_match

DATE, TIME = BY_KEYWORD["StudyDate"], BY_KEYWORD["StudyTime"]


def spans(combined: bool = False, zone: int | None = None, **keys: str) -> tuple[dict[str, Match], tuple[Span, ...]]:
    """What becomes of keys: those that stay, and the spans."""
    matches: list[tuple[Attribute, Match]] = [(BY_KEYWORD[k], parse_match(BY_KEYWORD[k], text)) for k, text in keys.items()]
    ranges = frozenset(keyword for keyword, text in keys.items() if "-" in text)
    kept, made = moments.paired(matches, ranges, combined=combined, zone=zone)
    return {attribute.keyword: match for attribute, match in kept}, made


@pytest.mark.parametrize(
    ("dates", "times", "inside", "outside"),
    [
        (
            "20060705-20060707", "1000-1800",
            ["20060705 100000", "20060705 235959", "20060706 03", "20060707 180059", "20060705 ", "20060707 "],
            ["20060705 095959", "20060707 1801", "20060704 1200", " 1200", ""],
        ),
        ("20060705-", "1000-", ["20060705 10", "20060706 0900"], ["20060705 0959", "20060704 1100"]),
        ("-20060705", "-1000", ["20060705 1000", "20060704 2300"], ["20060705 1001", "20060706 0900", " 0900"]),
        ("20060705-20060705", "1000-1100", ["20060705 1030"], ["20060705 0930", "20060706 1030"]),
    ],
)  # fmt: skip
def test_a_date_and_a_time_are_one_span_when_that_was_negotiated(
    dates: str, times: str, inside: list[str], outside: list[str]
) -> None:
    kept, (span,) = spans(combined=True, StudyDate=dates, StudyTime=times)
    assert span.combined and kept == {"StudyDate": parse_match(DATE, dates)}, "the date still drives the index"
    for text in inside:
        assert span.matches(*text.split(" "), ""), text
    for text in outside:
        date, _, time = text.partition(" ")
        assert not span.matches(date, time, ""), text


@pytest.mark.parametrize(
    "keys",
    [
        {"StudyDate": "20060705-20060707", "StudyTime": "1030"},
        {"StudyDate": "20060705", "StudyTime": "1000-1100"},
        {"StudyDate": "20060705-", "StudyTime": "-1100"},
        {"StudyDate": "20060705-20060707"},
        {"StudyTime": "1000-1100"},
        {"StudyDate": "20060705-20060707", "SeriesTime": "1000-1100"},
    ],
)
def test_what_is_not_of_one_form_stays_two_conditions(keys: dict[str, str]) -> None:
    kept, made = spans(combined=True, **keys)
    assert made == () and list(kept) == list(keys)
    assert spans(StudyDate="20060705-20060707", StudyTime="1000-1100")[1] == (), "nor is anything without negotiation"


def test_a_day_is_a_day_of_who_asks() -> None:
    kept, (span,) = spans(zone=540, StudyDate="20260105")  # Tokyo
    assert span.matches("20260105", "0000", "+0900") and not span.matches("20260104", "2359", "+0900")
    assert span.matches("20260104", "16", "+0100") and span.matches("20260105", "155959", "+0100")
    assert not span.matches("20260104", "1559", "+0100") and not span.matches("20260105", "1600", "+0100")
    assert span.matches("20260104", "1000", "-0500") and not span.matches("20260105", "1000", "-0500")
    assert span.matches("20260105", "0000", "") and span.matches("20260105", "2359", "what"), "no zone: that of the question"
    kept_dates = kept["StudyDate"]
    assert isinstance(kept_dates, Range)
    assert all(kept_dates.matches(day, "DA") for day in ("20260104", "20260105"))


def test_a_time_of_day_may_pass_midnight_elsewhere() -> None:
    kept, (span,) = spans(zone=540, StudyTime="0700-0900")
    assert kept == {}
    assert span.matches("20260104", "2200", "+0000") and span.matches("20260105", "000030", "+0000")
    assert not span.matches("20260105", "0001", "+0000") and not span.matches("20260105", "1200", "+0000")
    assert not span.matches("20260105", "", "+0000")
    assert span.matches("", "0800", "+0900") and span.matches("20260105", "0800", "")


def test_a_combined_span_from_another_zone() -> None:
    _, (span,) = spans(combined=True, zone=0, StudyDate="20260105-20260106", StudyTime="1000-1100")
    assert span.matches("20260105", "1530", "+0530") and not span.matches("20260105", "1529", "+0530")
    assert span.matches("20260106", "1630", "+0530") and not span.matches("20260106", "1631", "+0530")


def test_birthdays_are_not_moved() -> None:
    kept, made = spans(zone=540, PatientBirthDate="19700101")
    assert kept == {"PatientBirthDate": Single("19700101")} and made == ()


@pytest.mark.parametrize(
    ("date", "time", "minutes", "expected"),
    [
        ("20260105", "1530", -540, ("20260105", "0630")),
        ("20260105", "03", -540, ("20260104", "18")),
        ("20260105", "03", 330, ("20260105", "0830")),
        ("20261231", "233000.123456", 60, ("20270101", "003000.123456")),
        ("20260105", "", 60, ("20260105", "0100")),
        ("", "10", 60, ("", "10")),
        ("20260231", "10", 60, ("20260231", "10")),
        ("00010101", "00", -60, ("00010101", "00")),
    ],
)
def test_moved(date: str, time: str, minutes: int, expected: tuple[str, str]) -> None:
    assert moments.moved(date, time, minutes) == expected


@pytest.mark.parametrize(("text", "minutes"), [("+0100", 60), ("-0330", -210), (" +1400 ", 840), ("-1200", -720), ("+0000", 0)])
def test_offsets(text: str, minutes: int) -> None:
    assert moments.offset(text) == minutes and moments.offset_text(minutes) == text.strip()


@pytest.mark.parametrize("text", ["0100", "+1500", "-1300", "+0160", "+01", "Z", ""])
def test_what_is_no_offset(text: str) -> None:
    with pytest.raises(ValueError, match="offset"):
        moments.offset(text)


def test_an_answer_in_the_zone_of_who_asks() -> None:
    row = {
        "StudyDate": "20260105", "StudyTime": "0330", "SeriesDate": "20260105", "SeriesTime": "",
        "PatientBirthDate": "19700101", "PatientBirthTime": "0100", "TimezoneOffsetFromUTC": "+0100",
    }  # fmt: skip
    assert moments.in_zone(row, -300) == {"StudyDate": "20260104", "StudyTime": "2130", "TimezoneOffsetFromUTC": "-0500"}
    assert moments.in_zone({**row, "TimezoneOffsetFromUTC": ""}, -300) == {}
