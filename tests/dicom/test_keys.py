"""Keys against whole data sets (PS3.4 C.2.2.2), with sequences item by item, and the answers to them."""

from typing import Any

import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from isocenter.dicom import datasets, keys
from isocenter.dicom.attributes import tag_of, vr_of
from isocenter.dicom.query import InvalidKey

IMPLICIT = "1.2.840.10008.1.2"


def data_set(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        tag = tag_of(keyword)
        assert tag is not None
        made.add(DataElement(tag, vr_of(tag), value, validation_mode=IGNORE))
    return made


CODES = [data_set(CodeValue="A", CodingSchemeDesignator="99X"), data_set(CodeValue="B", CodingSchemeDesignator="99Y")]
STEP = data_set(
    PatientName="Müller^Jörg", PatientID="P_1", ProcedureStepState="SCHEDULED", StudyInstanceUID="1.2.3",
    ScheduledProcedureStepStartDateTime="20261122093000+0100", ScheduledStationNameCodeSequence=CODES,
    PatientBirthDate="19700101",
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (data_set(), True),
        (data_set(PatientName="MUELLER^*"), True),
        (data_set(PatientName="Meier*"), False),
        (data_set(PatientID="P_1"), True),
        (data_set(PatientID="PX1"), False),
        (data_set(PatientID="P?1"), True),
        (data_set(PatientID=""), True),
        (data_set(AccessionNumber="*"), True),
        (data_set(AccessionNumber='""'), True),
        (data_set(PatientID='""'), False),
        (data_set(AccessionNumber="1"), False),
        (data_set(StudyInstanceUID=["1.2.4", "1.2.3"]), True),
        (data_set(ProcedureStepState=["SCHEDULED", "IN PROGRESS"]), True),
        (data_set(ProcedureStepState="IN PROGRESS"), False),
        (data_set(PatientBirthDate="19691231-19700101"), True),
        (data_set(PatientBirthDate="19700102-"), False),
        (data_set(ScheduledProcedureStepStartDateTime="20261122083000-20261122083000"), True),
        (data_set(ScheduledProcedureStepStartDateTime="20261122"), True),
        (data_set(ScheduledProcedureStepStartDateTime="20261122090000-"), False),
        (data_set(ScheduledStationNameCodeSequence=[]), True),
        (data_set(ScheduledStationNameCodeSequence=[Dataset()]), True),
        (data_set(ScheduledStationNameCodeSequence=[data_set(CodeValue="B")]), True),
        (data_set(ScheduledStationNameCodeSequence=[data_set(CodeValue="B", CodingSchemeDesignator="99Y")]), True),
        (data_set(ScheduledStationNameCodeSequence=[data_set(CodeValue="A", CodingSchemeDesignator="99Y")]), False),
        (data_set(ScheduledWorkitemCodeSequence=[data_set(CodeValue="B")]), False),
        (data_set(ScheduledWorkitemCodeSequence=[data_set(CodeValue="")]), True),
        (data_set(SpecificCharacterSet="ISO_IR 100", TimezoneOffsetFromUTC="+0100"), True),
    ],
)
def test_matches(asked: Dataset, found: bool) -> None:
    keys.check(asked)
    assert keys.matches(asked, STEP) is found


@pytest.mark.parametrize(
    ("asked_in", "held_in", "found"),
    [("+0900", "+0100", True), ("+0100", "+0100", False), ("", "", False), ("+0900", "", False), ("", "+0100", False)],
)
def test_date_times_are_in_the_zones_that_are_named(asked_in: str, held_in: str, found: bool) -> None:
    """Half past nine in Berlin is half past five in the afternoon in Tokyo."""
    held = data_set(ScheduledProcedureStepStartDateTime="20261122093000")
    asked = data_set(ScheduledProcedureStepStartDateTime="20261122170000-20261122180000")
    for zone, dataset in ((asked_in, asked), (held_in, held)):
        if zone:
            dataset.TimezoneOffsetFromUTC = zone
    nested = data_set(ReferencedRequestSequence=[held]), data_set(ReferencedRequestSequence=[asked])
    for zone, dataset in ((held_in, nested[0]), (asked_in, nested[1])):
        if zone:
            dataset.TimezoneOffsetFromUTC = zone
    assert keys.matches(asked, held) is keys.matches(nested[1], nested[0]) is found


@pytest.mark.parametrize(
    "asked",
    [
        data_set(ScheduledProcedureStepStartDateTime="soon"),
        data_set(PatientBirthDate="19700101-19700102-19700103"),
        data_set(ScheduledHumanPerformersSequence=[data_set(StudyInstanceUID="1" * 65)]),
    ],
)
def test_a_key_that_is_none(asked: Dataset) -> None:
    with pytest.raises(InvalidKey):
        keys.check(asked)


def test_the_answer_has_what_was_asked_for_and_no_more() -> None:
    asked = data_set(PatientName="", AccessionNumber="", ScheduledStationNameCodeSequence=[data_set(CodeValue="")],
                     ScheduledWorkitemCodeSequence=[data_set(CodeValue="")], SpecificCharacterSet="ISO_IR 100")  # fmt: skip
    answer = keys.answer(asked, STEP)
    assert answer == data_set(
        PatientName="Müller^Jörg", AccessionNumber=None, ScheduledWorkitemCodeSequence=[],
        ScheduledStationNameCodeSequence=[data_set(CodeValue="A"), data_set(CodeValue="B")],
    )  # fmt: skip
    whole = keys.answer(data_set(ScheduledStationNameCodeSequence=[]), STEP)
    assert whole.ScheduledStationNameCodeSequence == CODES


@pytest.mark.parametrize(
    ("name", "asked", "answered"),
    [
        ("Miller^John", "", None),
        ("Miller^John", "ISO_IR 100", "ISO_IR 100"),
        ("Müller^Jörg", "ISO_IR 100", "ISO_IR 100"),
        ("Müller^Jörg", "", "ISO_IR 192"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87", ["", "ISO 2022 IR 87"]),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 100", "ISO_IR 192"),
        ("Müller^Jörg", "ISO_IR 192", "ISO_IR 192"),
        ("Müller^Jörg", "NO SET", "ISO_IR 192"),
    ],
)
def test_nothing_is_lost_to_the_character_set(name: str, asked: str, answered: Any) -> None:
    decoded = datasets.decode(keys.encode(data_set(PatientName=name), IMPLICIT, asked), IMPLICIT)
    assert str(decoded.PatientName) == name
    assert decoded.get("SpecificCharacterSet") == answered
    assert keys.charsets_of(decoded) == ("\\".join(answered) if isinstance(answered, list) else answered or "")
