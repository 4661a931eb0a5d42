"""Table CC.1.1-2 of PS3.4, row by row, and what a step may be."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from isocenter.dimse.ups import STATUS
from isocenter.domain import ups
from isocenter.domain.ups import Ask, Reason, Refused, ReportType, State

LOCK, OTHER = "1.2.3", "1.2.4"
STATES = (None, State.SCHEDULED, State.IN_PROGRESS, State.COMPLETED, State.CANCELED)


def data_set(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


GIVEN = {
    "ProcedureStepState": "SCHEDULED", "ScheduledProcedureStepPriority": "HIGH", "ProcedureStepLabel": "Segment liver",
    "ScheduledProcedureStepStartDateTime": "20261122093000", "InputReadinessState": "READY",
}  # fmt: skip
CODE = data_set(CodeValue="1", CodingSchemeDesignator="99X", CodeMeaning="one")
PERFORMED = data_set(
    PerformedStationNameCodeSequence=[CODE], PerformedProcedureStepStartDateTime="20261122093000",
    PerformedWorkitemCodeSequence=[CODE], PerformedProcedureStepEndDateTime="20261122094000", OutputInformationSequence=[],
)  # fmt: skip


# The columns of the table: null, SCHEDULED, IN PROGRESS, COMPLETED, CANCELED. Codes as in the standard.
@pytest.mark.parametrize(
    ("ask", "row"),
    [
        (Ask.CREATE, "SCHEDULED 0111 0111 0111 0111"),
        (Ask.BEGIN, "C307 IN_PROGRESS C302 C300 C300"),
        (Ask.BEGIN_UNLOCKED, "C307 C301 C301 C301 C301"),
        (Ask.SCHEDULE, "C307 C303 C303 C303 C303"),
        (Ask.COMPLETE, "C307 C310 COMPLETED B306 C300"),
        (Ask.COMPLETE_UNLOCKED, "C307 C301 C301 C301 C301"),
        (Ask.REQUEST_CANCEL, "C307 CANCELED IN_PROGRESS C311 B304"),
        (Ask.CANCEL, "C307 C310 CANCELED C300 B304"),
        (Ask.CANCEL_UNLOCKED, "C307 C301 C301 C301 C301"),
    ],
)
def test_the_table(ask: Ask, row: str) -> None:
    told = []
    for state in STATES:
        try:
            answer = ups.next_state(ask, state)
        except Refused as refused:
            told.append(f"{STATUS[refused.reason]:04X}")
        else:
            told.append(f"{STATUS[answer]:04X}" if isinstance(answer, Reason) else answer.name)
    assert " ".join(told) == row


def test_every_row_is_tested_and_every_reason_has_a_status() -> None:
    assert set(ups.TRANSITIONS) == set(Ask) and len(Ask) == 9
    assert set(STATUS) == set(Reason)


@pytest.mark.parametrize(
    ("wanted", "given", "locked_by", "ask"),
    [
        ("IN PROGRESS", LOCK, "", Ask.BEGIN),
        ("IN PROGRESS", OTHER, LOCK, Ask.BEGIN),
        ("IN PROGRESS", "", "", Ask.BEGIN_UNLOCKED),
        ("COMPLETED", LOCK, LOCK, Ask.COMPLETE),
        ("COMPLETED", LOCK, "", Ask.COMPLETE),
        ("COMPLETED", OTHER, LOCK, Ask.COMPLETE_UNLOCKED),
        ("COMPLETED", "", "", Ask.COMPLETE_UNLOCKED),
        ("CANCELED", LOCK, LOCK, Ask.CANCEL),
        ("CANCELED", OTHER, LOCK, Ask.CANCEL_UNLOCKED),
        ("SCHEDULED", "", LOCK, Ask.SCHEDULE),
    ],
)
def test_the_lock_decides_on_the_row(wanted: str, given: str, locked_by: str, ask: Ask) -> None:
    assert ups.change_asked(wanted, given, locked_by) is ask


def test_no_other_state_can_be_asked_for() -> None:
    with pytest.raises(Refused) as refused:
        ups.change_asked("PAUSED", LOCK, LOCK)
    assert refused.value.reason is Reason.INVALID_VALUE


@pytest.mark.parametrize(
    ("changed", "reason", "where"),
    [
        ({"ProcedureStepState": "IN PROGRESS"}, Reason.NOT_CREATED_SCHEDULED, "ProcedureStepState"),
        ({"ProcedureStepState": None}, Reason.MISSING_ATTRIBUTE, "ProcedureStepState"),
        ({"ProcedureStepLabel": ""}, Reason.MISSING_VALUE, "ProcedureStepLabel"),
        ({"InputReadinessState": None}, Reason.MISSING_ATTRIBUTE, "InputReadinessState"),
        ({"ScheduledProcedureStepPriority": "STAT"}, Reason.INVALID_VALUE, "ScheduledProcedureStepPriority"),
        ({"TransactionUID": LOCK}, Reason.INVALID_VALUE, "TransactionUID"),
        ({"ScheduledWorkitemCodeSequence": [data_set(PixelData=b"12")]}, Reason.INVALID_VALUE, "PixelData"),
        ({"UnifiedProcedureStepPerformedProcedureSequence": [PERFORMED]}, Reason.INVALID_VALUE,
         "UnifiedProcedureStepPerformedProcedureSequence"),
    ],
)  # fmt: skip
def test_what_cannot_be_created(changed: dict[str, Any], reason: Reason, where: str) -> None:
    values = {keyword: value for keyword, value in {**GIVEN, **changed}.items() if value is not None}
    with pytest.raises(Refused) as refused:
        ups.created(data_set(**values), "ISOCENTER", "20261122090000+0000")
    assert (refused.value.reason, refused.value.where) == (reason, where)


def test_what_the_creator_leaves_out_is_supplied_and_told() -> None:
    step, supplied = ups.created(data_set(**GIVEN, PatientName="A^B"), "ISOCENTER", "20261122090000+0000")
    assert step.WorklistLabel == supplied.WorklistLabel == "ISOCENTER" and ups.modifications(supplied)
    assert step.PatientID == "" and step.ScheduledWorkitemCodeSequence == [] and step.PatientName == "A^B"
    empty = {keyword: [] if keyword.endswith("Sequence") else "" for keyword in ups.EXPECTED}
    whole = data_set(**GIVEN, WorklistLabel="L", **empty)
    _, supplied = ups.created(whole, "ISOCENTER", "20261122090000+0000")
    assert [element.keyword for element in supplied] == ["ScheduledProcedureStepModificationDateTime"]
    assert not ups.modifications(supplied)


@pytest.mark.parametrize(
    ("state", "given", "reason"),
    [
        (State.COMPLETED, {"TransactionUID": LOCK, "ProcedureStepLabel": "x"}, Reason.NO_LONGER_UPDATED),
        (State.CANCELED, {"TransactionUID": LOCK}, Reason.NO_LONGER_UPDATED),
        (State.SCHEDULED, {"TransactionUID": LOCK}, Reason.NOT_IN_PROGRESS),
        (State.IN_PROGRESS, {"ProcedureStepLabel": "x"}, Reason.WRONG_TRANSACTION),
        (State.IN_PROGRESS, {"TransactionUID": OTHER}, Reason.WRONG_TRANSACTION),
        (State.IN_PROGRESS, {"TransactionUID": LOCK, "ProcedureStepState": "COMPLETED"}, Reason.INVALID_VALUE),
        (State.IN_PROGRESS, {"TransactionUID": LOCK, "ProcedureStepState": "SCHEDULED"}, Reason.ONLY_CREATED_SCHEDULED),
        (State.IN_PROGRESS, {"TransactionUID": LOCK, "PatientName": "X"}, Reason.INVALID_VALUE),
        (State.SCHEDULED, {"ProcedureStepLabel": ""}, Reason.MISSING_VALUE),
        (State.SCHEDULED, {"InputReadinessState": "PERHAPS"}, Reason.INVALID_VALUE),
    ],
)
def test_what_cannot_be_set(state: State, given: dict[str, Any], reason: Reason) -> None:
    step, _ = ups.created(data_set(**GIVEN, PatientName="A^B"), "ISOCENTER", "20261122090000+0000")
    with pytest.raises(Refused) as refused:
        ups.changed(step, data_set(**given), state, "" if state is State.SCHEDULED else LOCK, "20261122100000+0000")
    assert refused.value.reason is reason


def test_what_completed_requires() -> None:
    step = data_set(**GIVEN)
    assert ups.lacking(step, State.COMPLETED) == "UnifiedProcedureStepPerformedProcedureSequence"
    assert ups.lacking(step, State.IN_PROGRESS) == ups.lacking(step, State.CANCELED) == ""
    for keyword in [element.keyword for element in PERFORMED]:
        performed = data_set(**{element.keyword: element.value for element in PERFORMED if element.keyword != keyword})
        step.UnifiedProcedureStepPerformedProcedureSequence = [performed]
        assert ups.lacking(step, State.COMPLETED) == keyword
    step.UnifiedProcedureStepPerformedProcedureSequence = [PERFORMED]
    assert ups.lacking(step, State.COMPLETED) == ""


def test_what_canceled_requires_is_supplied() -> None:
    step = ups.canceled(data_set(**GIVEN), data_set(ReasonForCancellation="moved", ContactURI="tel:1"), "20261122100000+0000")
    (progress,) = step.ProcedureStepProgressInformationSequence
    assert progress.ProcedureStepCancellationDateTime == "20261122100000+0000"
    assert progress.ReasonForCancellation == "moved"
    assert progress.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"
    assert progress.ProcedureStepCommunicationsURISequence[0].ContactURI == "tel:1"


def test_each_change_is_worth_its_reports() -> None:
    before = data_set(**GIVEN)

    def types(**values: Any) -> list[ReportType]:
        return [each.type for each in ups.reports(before, data_set(**{**GIVEN, **values}))]

    performers = [data_set(HumanPerformerOrganization="A"), data_set(HumanPerformerOrganization="B")]
    assert types() == types(ProcedureStepLabel="other") == types(ProcedureStepProgressInformationSequence=[]) == []
    assert types(ProcedureStepState="CANCELED") == types(InputReadinessState="UNAVAILABLE") == [ReportType.STATE]
    assert types(ProcedureStepProgressInformationSequence=[CODE]) == [ReportType.PROGRESS]
    assert types(ScheduledStationNameCodeSequence=[CODE]) == [ReportType.ASSIGNED]
    assert types(ScheduledHumanPerformersSequence=performers) == [ReportType.ASSIGNED] * 2
    assert [each.type for each in ups.reports(Dataset(), before)] == [ReportType.STATE]
