"""Who is the same patient: ID and issuer together, never the ID alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.patient import contradicts, identity, issued, namespaces


def key(patient_id: str, issuer: str = "", study: str = "1.2") -> str:
    return identity({"PatientID": patient_id, "IssuerOfPatientID": issuer}, study)


@pytest.mark.parametrize(("one", "other", "same"), [
    (("P1", "A"), ("P1", "A"), True),
    ((" P1 ", "A "), ("P1", "A"), True),
    (("P1", ""), ("P1", ""), True),
    (("Mu\u0308ller", ""), ("Müller", ""), True),
    (("P1", "A"), ("P1", "B"), False),
    (("P1", "A"), ("P1", ""), False),
    (("P1", ""), ("p1", ""), False),
    (("P1", "A"), ("P2", "A"), False),
    (("1:P", "A"), ("P", "A:1"), False),
    (("01", ""), ("1", ""), False),
    (("X" * 500, ""), ("X" * 501, ""), False),
])
def test_identity(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    assert (key(*one) == key(*other)) is same


def test_without_an_id_the_study_stands_for_itself() -> None:
    assert key("", "A", study="1.2") == key(" ", "B", study="1.2") != key("", "A", study="1.3")
    assert key("", study="1.2") != key("1.2")


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_different_texts_never_join(one: tuple[str, str], other: tuple[str, str]) -> None:
    import unicodedata

    def plain(text: str) -> str:
        return unicodedata.normalize("NFC", text.replace("\0", "").strip(" "))

    if plain(one[0]) and plain(other[0]) and [*map(plain, one)] != [*map(plain, other)]:
        assert key(*one) != key(*other)
    assert len(key(*one)) <= 200 and key(*one).encode()


def test_contradictions() -> None:
    held = {"PatientName": "Doe^Jane", "PatientBirthDate": "19700101"}
    assert contradicts(held, {"PatientName": "DOE^JANE ", "PatientBirthDate": ""}) == ()
    assert contradicts(held, {}) == ()
    assert contradicts(held, {"PatientName": "Roe^Jane"}) == ("PatientName",)
    assert contradicts(held, {"PatientName": "Roe^Jane", "PatientBirthDate": "19700102"}) == ("PatientName", "PatientBirthDate")


@pytest.mark.parametrize(
    ("said", "universal", "default", "expected"),
    [
        ({"PatientID": "1", "IssuerOfPatientID": "HERE"}, "1.2.3", "NORTH", "HERE"),
        ({"PatientID": "1"}, "1.2.3", "NORTH", "HOSP"),
        ({"PatientID": "1"}, "urn:other", "NORTH", "urn:other"),
        ({"PatientID": "1", "IssuerOfPatientID": " "}, "", "NORTH", "NORTH"),
        ({"PatientID": "1"}, "", "", None),
        ({"PatientID": " "}, "1.2.3", "NORTH", None),
        ({}, "1.2.3", "NORTH", None),
    ],
)
def test_who_issued_an_id_is_what_the_object_says_else_what_its_sender_stands_for(
    said: dict[str, str], universal: str, default: str, expected: str | None
) -> None:
    values = issued(said, universal, default, namespaces("HOSP=1.2.3, CLINIC=1.2.4"))
    assert values == (said if expected is None else {**said, "IssuerOfPatientID": expected})


@pytest.mark.parametrize("text", ["HOSP", "=1.2.3", "HOSP=", "A=1.2.3,B=1.2.3", f"{'N' * 65}=1.2.3"])
def test_namespaces_that_say_nothing_or_two_things_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NAMESPACE=UNIVERSAL"):
        namespaces(text)
