"""Attribute matching by its predicates (PS3.4 C.2.2.2)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.match import Empty, Range, Single, UidList, Universal, Wildcard, fold, instant, time_high, time_low
from isocenter.dicom.query import datetime_range


@pytest.mark.parametrize(
    "name, key",
    [
        ("Doe^Jane", "DOE^JANE"),
        ("doe^jane^^^", "DOE^JANE"),
        (" Doe ^ Jane ", "DOE^JANE"),
        ("Müller^Jörg", "MULLER^JORG"),
        ("Weiß", "WEISS"),
        ("Åse^Bjørn", "ASE^BJORN"),
        ("Wałęsa", "WALESA"),
        ("Çavuşoğlu^İsmail^ı", "CAVUSOGLU^ISMAIL^I"),
        ("Æsir^Œuvre", "AESIR^OEUVRE"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "YAMADA^TAROU=山田^太郎=やまだ^たろう"),
        ("ｙａｍａｄａ", "YAMADA"),
        ("がぎ", "がぎ"),
        ("홍^길동", "홍^길동"),
        ("A==", "A"),
        ("a^b\\c^d^", "A^B\\C^D"),
        ("", ""),
    ],
)
def test_fold(name: str, key: str) -> None:
    assert fold(name) == key


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(name: str) -> None:
    assert fold(fold(name)) == fold(name)


@given(st.text(max_size=20))
def test_folding_does_not_see_how_accents_are_composed(name: str) -> None:
    assert fold(unicodedata.normalize("NFD", name)) == fold(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    "pattern, text, vr, expected",
    [
        ("SMITH*", "SMITH^JOHN", "PN", True),
        ("smith*", "SMITH^JOHN", "PN", True),
        ("müll*", "MULLER^J", "PN", True),
        ("Sm?th*", "SMYTH^J", "PN", True),
        ("*JOHN", "SMITH^JOHN^^", "PN", True),
        ("JOHN*", "SMITH^JOHN", "PN", False),
        ("山田*", "Yamada^Tarou=山田^太郎", "PN", True),  # any component group
        ("Yam*=山*", "Yamada^Tarou=山田^太郎", "PN", True),
        ("山*=Yam*", "Yamada^Tarou=山田^太郎", "PN", False),
        ("=山*", "Yamada^Tarou=山田^太郎", "PN", True),  # an empty group matches any
        ("Y*=山*", "Yamada^Tarou", "PN", False),
        ("A_1*", "AX1", "LO", False),  # everything but * and ? is literal
        ("A_1*", "A_12", "LO", True),
        ("100%*", "1000", "LO", False),
        ("a*", "ABC", "LO", False),  # case counts
        ("[ab]*", "a", "LO", False),
        ("*\n*", "a\nb", "LT", True),
        ("?", "", "LO", False),
        ("*?", "x", "LO", True),
        ("*ORIG*", "DERIVED\\ORIGINAL", "CS", True),
        ("ORIG*MARY", "ORIGINAL\\PRIMARY", "CS", False),  # values are matched one by one
        ("a*b*c", "abc", "LO", True),
        ("ab*bc", "abc", "LO", False),
        ("a*", "x\\a", "LT", False),  # a text has one value
    ],
)
def test_wildcards(pattern: str, text: str, vr: str, expected: bool) -> None:
    assert Wildcard(pattern).matches(text, vr) is expected


def test_a_wildcard_of_many_asterisks_does_not_run_away() -> None:
    assert not Wildcard("*a" * 40 + "b").matches("a" * 5000, "LT")


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab*?", max_size=10))
def test_wildcards_agree_with_the_definition(pattern: str, text: str) -> None:
    def holds(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return holds(p[1:], t) or (t != "" and holds(p, t[1:]))
        return t != "" and (p[0] == "?" or p[0] == t[0]) and holds(p[1:], t[1:])

    assert Wildcard(pattern).matches(text, "LO") == (text != "" and holds(pattern, text))


@pytest.mark.parametrize(
    "value, text, vr, expected",
    [
        ("P1", "P1", "LO", True),
        ("p1", "P1", "LO", False),
        ("P1", "", "LO", False),
        ("CT", "MR\\CT", "CS", True),
        ("doe^jane", "Doe^Jane^^", "PN", True),
        ("Doe", "Doe^Jane", "PN", False),
        ("山田^太郎", "Yamada^Tarou=山田^太郎", "PN", True),
        ("1", "01", "IS", True),
        ("1", "1.0", "DS", True),
        ("1", "10", "IS", False),
        ("512", "512", "US", True),
        ("1", "x", "IS", False),
        ("10", "1_0", "IS", False),
        ("nan", "NAN", "DS", False),
        ("a\\b", "a\\b", "LT", True),
    ],
)
def test_single_values(value: str, text: str, vr: str, expected: bool) -> None:
    assert Single(value).matches(text, vr) is expected


def test_lists_of_uids() -> None:
    assert UidList(("1.2", "1.3")).matches("1.3", "UI")
    assert UidList(("1.2", "1.3")).matches("1.9\\1.2", "UI")
    assert not UidList(("1.2",)).matches("1.20", "UI")
    assert not UidList(()).matches("1.2", "UI") and not UidList(()).matches("", "UI")


def test_universal_and_empty() -> None:
    assert Universal().matches("", "LO") and Universal().matches("x", "PN")
    assert Empty().matches("", "LO") and not Empty().matches("x", "LO")


@pytest.mark.parametrize(
    "low, high, text, expected",
    [
        ("20200101", "20201231", "20200101", True),
        ("20200101", "20201231", "20201231", True),
        ("20200101", "20201231", "20210101", False),
        ("20200101", "", "20990101", True),
        ("", "20200101", "19991231", True),
        ("", "20200101", "", False),
    ],
)
def test_date_ranges(low: str, high: str, text: str, expected: bool) -> None:
    assert Range(low, high).matches(text, "DA") is expected


def moment(text: str) -> tuple[str, str]:
    """A TM value as something to compare: the leap second of a minute comes before the next minute."""
    whole, _, fraction = text.partition(".")
    return whole.ljust(6, "0"), fraction.ljust(6, "0")


_TIMES = st.builds(
    lambda h, m, s, f, n: f"{h:02}{m:02}{s:02}.{f:06}"[: (2, 4, 6, 8, 10, 13)[n]],
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
    st.integers(0, 999999),
    st.integers(0, 5),
)


@given(_TIMES, _TIMES, _TIMES)
def test_time_ranges_compare_moments_however_they_are_written(low: str, high: str, text: str) -> None:
    expected = moment(low) <= moment(text) <= moment(time_high(high))
    assert Range(time_low(low), time_high(high)).matches(text, "TM") is expected


@pytest.mark.parametrize("text", ["10", "1030", "103000", "103000.5", "10:30", "10:30:00"])
def test_a_time_lies_in_its_own_interval(text: str) -> None:
    assert Range(time_low(text), time_high(text)).matches(text.replace(":", ""), "TM")


@pytest.mark.parametrize("text", ["", "24", "1060", "103061", "1", "10.5", "x", "103000.1234567"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        time_low(text)


@pytest.mark.parametrize(
    "key, text, expected",
    [
        ("20200101", "20200101153000", True),
        ("2020", "20201231235959", True),
        ("2020-2021", "20211231", True),
        ("202001-", "20191231", False),
        ("-202001", "20200131235959.9", True),
        ("20200101120000+0100", "20200101110000+0000", True),
        ("20200101120000-0500", "20200101170000+0000", True),
        ("20200101000000-0500-20200101235959-0500", "20200102040000+0000", True),
        ("20200101000000-0500-20200101235959-0500", "20200102060000+0000", False),
        ("20200101000000-20200101235959-0500", "20200101120000", True),
        ("20200101000000-0500-", "20200101060000+0000", True),
        ("20200101", "", False),
        ("20200101", "nonsense", False),
    ],
)
def test_date_times(key: str, text: str, expected: bool) -> None:
    assert datetime_range(key).matches(text, "DT") is expected


@pytest.mark.parametrize("key", ["", "-", "x", "2020-x", "2020-2021-2022-2023-2024"])
def test_what_is_no_date_time(key: str) -> None:
    with pytest.raises(ValueError, match="not a date time"):
        datetime_range(key)


@given(st.text(alphabet="0123456789.+-", max_size=26))
def test_instants_never_raise(text: str) -> None:
    assert instant(text) <= instant(text, high=True) or "+" in text or "-" in text
