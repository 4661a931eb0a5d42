"""Keys of a query: what their text means (PS3.4 C.2.2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Level
from isocenter.dicom.match import AnyOf, Empty, Range, Single, UidList, Universal, Wildcard
from isocenter.dicom.query import InvalidKey, Query, parse_match


@pytest.mark.parametrize(
    "keyword, text, expected",
    [
        ("PatientName", "", Universal()),
        ("PatientName", "*", Universal()),
        ("PatientName", "**", Universal()),
        ("PatientName", "Smith*", Wildcard("Smith*")),
        ("PatientName", "Smith^Eli ", Single("Smith^Eli")),
        ("PatientName", "Smith^John ", AnyOf((Single("Smith^John"), Single("SMITH^JOEHN")))),
        ("PatientName", "Müller*", AnyOf((Wildcard("Müller*"), Wildcard("MUELLER*")))),
        ("PatientName", "Mueller", AnyOf((Single("Mueller"), Single("MULLER")))),
        ("PatientName", "Jo*", Wildcard("Jo*")),
        ("PatientName", "Joe*", Wildcard("Joe*")),
        ("PatientName", "Wang^Tarou=山田", Single("Wang^Tarou=山田")),
        ("PatientID", "A?1", Wildcard("A?1")),
        ("PatientID", '""', Empty()),
        ("PatientID", "A*\\B1\\", AnyOf((Wildcard("A*"), Single("B1")))),
        ("PatientName", "Smith*\\Mueller", AnyOf((Wildcard("Smith*"), Single("Mueller"), Single("MULLER")))),
        ("ModalitiesInStudy", "C?\\MR", AnyOf((Wildcard("C?"), Single("MR")))),
        ("SeriesNumber", "7\\08", AnyOf((Single("7"), Single("08")))),
        ("PatientComments", "a\\b*", Wildcard("a\\b*")),
        ("StudyInstanceUID", "1.2.3", Single("1.2.3")),
        ("StudyInstanceUID", "1.2.3\\1.2.4\\", UidList(("1.2.3", "1.2.4"))),
        ("StudyInstanceUID", "1.2.3,1.2.4", UidList(("1.2.3", "1.2.4"))),
        ("SOPClassesInStudy", "1.2.3\0", Single("1.2.3")),
        ("Modality", "CT", Single("CT")),
        ("ModalitiesInStudy", "CT\\MR", UidList(("CT", "MR"))),
        ("StudyDate", "20200131", Single("20200131")),
        ("StudyDate", "2020.01.31", Single("20200131")),
        ("StudyDate", "2020-01-31", Single("20200131")),
        ("StudyDate", "20200131-20200201", Range("20200131", "20200201")),
        ("StudyDate", "20200131-", Range("20200131", "")),
        ("StudyDate", "-20200131", Range("", "20200131")),
        ("StudyDate", "20200131 - 20200201", Range("20200131", "20200201")),
        ("StudyTime", "1030", Range("1030", "103060.999999")),
        ("StudyTime", "10-12", Range("10", "125960.999999")),
        ("StudyTime", "-103000.5", Range("", "103000.599999")),
        ("SeriesNumber", "7", Single("7")),
        ("Rows", "512", Single("512")),
        ("PatientAge", "045Y", Single("045Y")),
        ("NumberOfStudyRelatedInstances", "7", Universal()),  # computed, never matched
    ],
)
def test_what_keys_mean(keyword: str, text: str, expected: object) -> None:
    assert parse_match(BY_KEYWORD[keyword], text) == expected


@pytest.mark.parametrize(
    "keyword, text",
    [
        ("StudyDate", "yesterday"),
        ("PatientID", "\\".join(map(str, range(101)))),
        ("SeriesNumber", "7\\x"),
        ("StudyDate", "-"),
        ("StudyDate", "20201331"),
        ("StudyDate", "2020"),
        ("StudyTime", "25"),
        ("StudyTime", "-"),
        ("Rows", "many"),
        ("StudyInstanceUID", "1" * 65),
        ("PatientID", "x" * 100_000),
    ],
)
def test_keys_that_are_no_value_of_their_vr(keyword: str, text: str) -> None:
    with pytest.raises(InvalidKey) as caught:
        parse_match(BY_KEYWORD[keyword], text)
    assert caught.value.keyword == keyword
    assert text == "-" or text not in str(caught.value)  # it may name a patient


@given(st.sampled_from(ATTRIBUTES), st.text(max_size=30))
def test_any_text_is_a_match_or_an_invalid_key(attribute, text: str) -> None:  # type: ignore[no-untyped-def]
    try:
        match = parse_match(attribute, text)
    except InvalidKey:
        return
    assert match.matches("", attribute.vr) in (True, False)
    assert hash(match) == hash(parse_match(attribute, text))


def test_queries_are_values() -> None:
    query = Query(Level.STUDY, ((BY_KEYWORD["PatientID"], Single("P1")),), limit=10)
    assert query == Query(Level.STUDY, ((BY_KEYWORD["PatientID"], Single("P1")),), limit=10)
    assert query.offset == 0 and query.sort == ()
