"""Which rules an instance meets."""

from datetime import datetime, time

import pytest

from isocenter.domain.routing import Arrival, Condition, Hours, InvalidRule, Rule, asked, chosen

CT = {"Modality": "CT", "StudyDescription": "CT Chest w contrast", "InstitutionName": "Sankt Anna",
      "PatientName": "Müller^Jürgen", "StudyDate": "20261122", "SeriesNumber": "7", "ImageType": "ORIGINAL\\PRIMARY\\AXIAL"}


def arrival(sender: str = "CT1", called: str = "ISOCENTER", at: str = "10:30", **values: str) -> Arrival:
    hour, minute = map(int, at.split(":"))
    return Arrival("1.2", "1.2.3", sender, called, datetime(2026, 11, 22, hour, minute), CT | values)


def meets(*conditions: Condition, **facts: str) -> bool:
    return Rule(name="r", destinations=("X",), conditions=conditions).meets(arrival(**facts))


def test_what_a_rule_leaves_open_is_met_by_everything() -> None:
    assert Rule(name="all", destinations=("X",)).meets(arrival())


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition("Modality", ("CT",)), True),
        (Condition("Modality", ("MR", "CT")), True),
        (Condition("Modality", ("MR",)), False),
        (Condition("Modality", ("SR", "PR"), excludes=True), True),
        (Condition("Modality", ("C?",), excludes=True), False),
        (Condition("StudyDescription", ("*chest*",)), True),
        (Condition("StudyDescription", ("chest",)), False),
        (Condition("StudyDescription", ("*[c]hest*",)), False),
        (Condition("InstitutionName", ("SANKT ANNA",)), True),
        (Condition("PatientName", ("mueller*",)), True),
        (Condition("StudyDate", ("20261101-20261130",)), True),
        (Condition("StudyDate", ("20261201-",)), False),
        (Condition("SeriesNumber", ("07",)), True),
        (Condition("ImageType", ("axial",)), True),
        (Condition("BodyPartExamined", ("",)), True),
        (Condition("Modality", ("",)), False),
        (Condition("BodyPartExamined", ("CHEST",), excludes=True), True),
    ],
)
def test_conditions(condition: Condition, expected: bool) -> None:
    assert meets(condition) is expected


def test_all_conditions_must_hold() -> None:
    assert meets(Condition("Modality", ("CT",)), Condition("InstitutionName", ("Sankt*",)))
    assert not meets(Condition("Modality", ("CT",)), Condition("InstitutionName", ("Charité",)))


def test_sender_and_called_title() -> None:
    rule = Rule(name="r", destinations=("X",), senders=("CT?", "MR*"), called=("RESEARCH",))
    assert rule.meets(arrival("CT2", "RESEARCH")) and rule.meets(arrival("MR", "RESEARCH"))
    assert not rule.meets(arrival("CT10", "RESEARCH"))
    assert not rule.meets(arrival("CT2", "ISOCENTER"))
    assert not rule.meets(arrival("ct2", "RESEARCH"))  # AE titles are case sensitive (PS3.5 6.2)
    assert not rule.meets(arrival("", "RESEARCH"))


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("", "03:00", True),
        ("08:00-17:30", "08:00", True),
        ("08:00-17:30", "17:29", True),
        ("08:00-17:30", "17:30", False),
        ("22:00-06:00", "23:59", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "12:00", False),
        ("08:00-24:00", "23:59", True),
    ],
)
def test_hours(text: str, at: str, expected: bool) -> None:
    assert Hours(text).include(time.fromisoformat(at)) is expected
    assert Rule(name="r", destinations=("X",), hours=Hours(text)).meets(arrival(at=at)) is expected


@pytest.mark.parametrize("text", ["8-17", "25:00-26:00", "08:00", "08:00-17:60", "night"])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(InvalidRule, match="write hours"):
        Hours(text)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [("NoSuchThing", ("1",)), ("NumberOfStudyRelatedInstances", ("1",)), ("Modality", ()), ("StudyDate", ("yesterday",))],
)
def test_conditions_that_are_none(attribute: str, values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRule) as caught:
        Condition(attribute, values)
    assert caught.value.where == "conditions"


def test_every_destination_once_by_the_first_rule_and_never_back() -> None:
    rules = [
        Rule(name="off", destinations=("A",), enabled=False),
        Rule(name="ct", destinations=("A", "B"), conditions=(Condition("Modality", ("CT",)),)),
        Rule(name="all", destinations=("B", "C"), quiet_seconds=60),
    ]
    titles = {"A": "PACS_A", "B": "PACS_B", "C": ""}
    found = chosen(rules, arrival(), titles)
    assert [(choice.destination, choice.rule, choice.quiet_seconds) for choice in found] == [
        ("A", "ct", 5), ("B", "ct", 5), ("C", "all", 60)]
    assert [choice.destination for choice in chosen(rules, arrival("PACS_B"), titles)] == ["A", "C"]
    assert [choice.destination for choice in chosen(rules, arrival(""), titles)] == ["A", "B", "C"]
    assert asked(rules) == {"Modality"}
