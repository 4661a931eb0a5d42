"""SQL and predicate of every matching type agree, on both databases, whatever stands in the index and whatever is asked."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, delete, insert, select

from isocenter.dicom.attributes import BY_KEYWORD, Attribute
from isocenter.dicom.match import AnyOf, Empty, Match, Range, Single, UidList, Universal, Wildcard, time_high, time_low
from isocenter.dicom.moments import Span
from isocenter.store import dialect, rows
from isocenter.store.database import Database
from isocenter.store.schema import Bytewise

PROBE = Table("probe", MetaData(), Column("id", Integer), Column("text", Bytewise), Column("key", Bytewise),
              Column("zone", Bytewise))

# Few letters, so that values meet patterns; each of the others means something to LIKE, GLOB, a regular expression, or to PN and
# VM.
LETTERS = "abAB"
SPECIAL = "^=\\*?%_[].'\"-+ (){}|$éÉßøＡ＼＝山田"
words = st.text(alphabet=LETTERS + SPECIAL, max_size=8)
patterns = st.text(alphabet=LETTERS + "**??" + SPECIAL, max_size=8).map(lambda p: p if "*" in p or "?" in p else p + "*")
numbers = st.one_of(
    st.sampled_from(["1", "01", "1.0", "+1", " 1", "-1", "1e0", "10", "1E1", ".5", "0.5", "5.", "", "x", "1x", "1\\2", "2\\01"]),
    st.integers(-20, 20).map(str),
)
dates = st.sampled_from(["", "20260101", "20260102", "2026.01.01", "2026", "20251231", "99999999", "x"])
times = st.sampled_from(["", "10", "1000", "100000", "100000.0", "100000.5", "1030", "103059.999999", "103060", "11", "x", "09"])
uids = st.sampled_from(["", "1.2", "1.2.3", "1.2\\1.3", "1.3", "1.", "1.2.30"])


def texts(values: st.SearchStrategy[str]) -> st.SearchStrategy[Match]:
    return st.one_of(
        st.builds(Single, values), st.builds(Wildcard, patterns), st.just(Empty()), st.just(Universal()),
        st.builds(UidList, st.lists(values, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(st.one_of(st.builds(Single, values), st.builds(Wildcard, patterns)), max_size=3).map(tuple)),
    )


def ranges(values: st.SearchStrategy[str]) -> st.SearchStrategy[Match]:
    return st.builds(Range, values, values)


time_ranges = st.sampled_from(["10", "1000", "1030", "103059", "100000.5", "1100"]).flatmap(
    lambda low: st.sampled_from(["10", "1030", "103059.9", "11"]).map(lambda high: Range(time_low(low), time_high(high)))
)

any_number = st.builds(AnyOf, st.lists(st.builds(Single, numbers), max_size=3).map(tuple))

CASES = {
    "PatientName": (words, texts(words)),
    "OperatorsName": (words, texts(words)),
    "PatientID": (words, texts(words)),
    "AccessionNumber": (words, texts(words)),
    "ImageType": (words, texts(words)),
    "ManufacturerModelName": (words, texts(words)),
    "PatientComments": (words, texts(words)),
    "SeriesNumber": (numbers, st.one_of(st.builds(Single, numbers), any_number)),
    "AcquisitionNumber": (numbers, st.builds(Single, numbers)),
    "ImagePositionPatient": (numbers, st.builds(Single, numbers)),
    "Rows": (numbers, st.builds(Single, numbers)),
    "StudyDate": (dates, st.one_of(ranges(dates), st.builds(Single, dates), st.just(Empty()))),
    "StudyTime": (times, st.one_of(ranges(times), time_ranges)),
    "StudyInstanceUID": (uids, st.one_of(st.builds(Single, uids), st.builds(UidList, st.lists(uids, max_size=3).map(tuple)))),
    "FrameOfReferenceUID": (uids, st.one_of(st.builds(Single, uids), st.builds(UidList, st.lists(uids, max_size=3).map(tuple)))),
}


@pytest.fixture
def probe(database: Database) -> Iterator[Database]:
    database.write(lambda connection: PROBE.create(connection))
    yield database


@pytest.mark.parametrize("keyword", CASES)
def test_sql_and_predicate_agree(probe: Database, keyword: str) -> None:
    attribute = BY_KEYWORD[keyword]
    values, matches = CASES[keyword]

    @given(st.lists(values, min_size=1, max_size=12, unique=True), st.lists(matches, min_size=1, max_size=6))
    def agree(raw: list[str], asked: list[Match]) -> None:
        held = [rows.clean({keyword: text}).get(keyword, "") for text in raw]
        for match, found in zip(asked, by_sql(probe, attribute, held, asked), strict=True):
            expected = [i for i, text in enumerate(held) if match.matches(text, attribute.vr)]
            assert found == expected, (match, held, [held[i] for i in found], [held[i] for i in expected])

    agree()


def by_sql(database: Database, attribute: Attribute, held: list[str], asked: list[Match]) -> list[list[int]]:
    """For each match, the numbers of the texts that the database finds."""

    def work(connection):  # type: ignore[no-untyped-def]
        connection.execute(delete(PROBE))
        connection.execute(insert(PROBE), [
            {"id": i, "text": text, "key": dialect.name_key(text) if attribute.vr == "PN" else ""} for i, text in enumerate(held)
        ])
        key = PROBE.c.key if attribute.vr == "PN" else None
        postgresql = connection.dialect.name == "postgresql"
        return [
            list(connection.execute(select(PROBE.c.id).where(
                dialect.condition(attribute, match, PROBE.c.text, key, postgresql)).order_by(PROBE.c.id)).scalars())
            for match in asked
        ]

    return database.write(work)


zones = st.sampled_from(["", "+0000", "+0100", "-0500", "+0545", "+1400", "-1200", "+0107", "x"])
spans = st.builds(
    Span, st.just(BY_KEYWORD["StudyDate"]), st.just(BY_KEYWORD["StudyTime"]),
    st.one_of(st.none(), st.builds(Range, st.sampled_from(["", "20260101"]), st.sampled_from(["20260101", "20260102", ""]))),
    st.one_of(st.none(), time_ranges, st.sampled_from([Range("", time_high("0030")), Range(time_low("2330"), "")])),
    st.booleans(), st.sampled_from([None, 0, 60, -300, 540]),
)  # fmt: skip
moments = st.tuples(
    st.sampled_from(["", "20251231", "20260101", "20260102", "20260103", "x"]),
    st.sampled_from(["", "00", "0030", "0031", "10", "1030", "2330", "235959", "16"]), zones,
)  # fmt: skip


def test_sql_and_predicate_of_spans_agree(probe: Database) -> None:
    columns = (PROBE.c.text, PROBE.c.key, PROBE.c.zone)

    @settings(max_examples=settings.default.max_examples // 3)  # a question in a hundred zones is slow to compile
    @given(st.lists(moments, min_size=1, max_size=20, unique=True), st.lists(spans, min_size=1, max_size=4))
    def agree(held: list[tuple[str, str, str]], asked: list[Span]) -> None:
        def work(connection):  # type: ignore[no-untyped-def]
            connection.execute(delete(PROBE))
            connection.execute(insert(PROBE), [
                {"id": i, "text": date, "key": time, "zone": zone} for i, (date, time, zone) in enumerate(held)
            ])  # fmt: skip
            return [
                list(connection.execute(select(PROBE.c.id).where(dialect.span(span, *columns)).order_by(PROBE.c.id)).scalars())
                for span in asked
            ]

        for span, found in zip(asked, probe.write(work), strict=True):
            assert found == [i for i, each in enumerate(held) if span.matches(*each)], (span, held)

    agree()


@pytest.mark.parametrize(("start", "following"), [
    ("SMI", "SMJ"), ("", ""), ("a\U0010ffff", "b"), ("\U0010ffff", ""), ("\ud7ff", "\ue000"), ("山", "屲"),
])
def test_a_prefix_is_a_range(start: str, following: str) -> None:
    assert dialect.after(start) == following


def test_every_attribute_that_is_not_single_valued_is_known_to_the_dialect() -> None:
    assert BY_KEYWORD.keys() >= dialect.SINGLE_VALUED
    assert not [a for a in BY_KEYWORD.values() if a.vr == "DT"], "Range of DT needs a normal form in the index"
