"""Unified Procedure Steps, pure: Table CC.1.1-2 of PS3.4 row for row, what each attribute may be, and what subscribers are told.

    next_state()   the table: an event in a state -> the next state, or the Reason why not
    created(), changed()   the data set that a request makes, or Refused
    lacking()      what a step lacks for its final state (Table CC.2.5-3)
    reports()      the events that the change of a step is worth (CC.2.4.3)
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

from pydicom.dataset import Dataset

from isocenter.dicom import uid
from isocenter.domain.errors import Conflict


class State(StrEnum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


FINAL = frozenset({State.COMPLETED, State.CANCELED})


class Reason(StrEnum):
    """Why a request was not done, or (WARNINGS) what is to be known of it; each edge has a table from these to its statuses."""

    DUPLICATE = "there is a procedure step of this UID already"
    NO_SUCH_STEP = "there is no such procedure step"
    NO_LONGER_UPDATED = "the procedure step may no longer be updated"
    WRONG_TRANSACTION = "the correct Transaction UID was not provided"
    ALREADY_IN_PROGRESS = "the procedure step is in progress already"
    ONLY_CREATED_SCHEDULED = "a procedure step becomes SCHEDULED by its creation only"
    FINAL_STATE_NOT_MET = "the requirements of the final state are not met"
    UNKNOWN_RECEIVER = "the receiving AE title is no known peer"
    NOT_CREATED_SCHEDULED = "a procedure step is created SCHEDULED"
    NOT_IN_PROGRESS = "the procedure step is not in progress yet"
    ALREADY_COMPLETED_NO_CANCEL = "the procedure step is completed already"
    PERFORMER_UNREACHABLE = "nobody is subscribed who could be told to cancel"
    WRONG_ACTION = "the action is not one of this instance"
    MISSING_ATTRIBUTE = "an attribute is missing"
    MISSING_VALUE = "an attribute has no value"
    INVALID_VALUE = "an attribute may not have this value"
    CREATED_WITH_MODIFICATIONS = "the procedure step was created with modifications"
    ALREADY_CANCELED = "the procedure step is canceled already"
    ALREADY_COMPLETED = "the procedure step is completed already, as asked"


WARNINGS = frozenset({Reason.CREATED_WITH_MODIFICATIONS, Reason.ALREADY_CANCELED, Reason.ALREADY_COMPLETED})


class Refused(Conflict):
    """A request that the step, as it is, does not allow. where: the keyword of the attribute, if it is one."""

    def __init__(self, reason: Reason, where: str = "") -> None:
        super().__init__(reason.value, where=where)
        self.reason = reason


class Ask(StrEnum):
    """The events of Table CC.1.1-2."""

    CREATE = "create"
    BEGIN = "change to IN PROGRESS, with a Transaction UID"
    BEGIN_UNLOCKED = "change to IN PROGRESS, without"
    SCHEDULE = "change to SCHEDULED"
    COMPLETE = "change to COMPLETED, with the correct Transaction UID"
    COMPLETE_UNLOCKED = "change to COMPLETED, without"
    REQUEST_CANCEL = "request cancel"
    CANCEL = "change to CANCELED, with the correct Transaction UID"
    CANCEL_UNLOCKED = "change to CANCELED, without"


_COLUMNS = (None, State.SCHEDULED, State.IN_PROGRESS, State.COMPLETED, State.CANCELED)
_NONE, _WRONG, _ONLY = Reason.NO_SUCH_STEP, Reason.WRONG_TRANSACTION, Reason.ONLY_CREATED_SCHEDULED
_OVER, _EARLY, _TWICE = Reason.NO_LONGER_UPDATED, Reason.NOT_IN_PROGRESS, Reason.DUPLICATE
# PS3.4 Table CC.1.1-2; the columns are the state before: none, SCHEDULED, IN PROGRESS, COMPLETED, CANCELED.
# A cancel that is requested of a step in progress changes nothing: subscribers are told (CC.2.2.3).
TRANSITIONS: Mapping[Ask, tuple[State | Reason, ...]] = MappingProxyType(
    {
        Ask.CREATE: (State.SCHEDULED, _TWICE, _TWICE, _TWICE, _TWICE),
        Ask.BEGIN: (_NONE, State.IN_PROGRESS, Reason.ALREADY_IN_PROGRESS, _OVER, _OVER),
        Ask.BEGIN_UNLOCKED: (_NONE, _WRONG, _WRONG, _WRONG, _WRONG),
        Ask.SCHEDULE: (_NONE, _ONLY, _ONLY, _ONLY, _ONLY),
        Ask.COMPLETE: (_NONE, _EARLY, State.COMPLETED, Reason.ALREADY_COMPLETED, _OVER),
        Ask.COMPLETE_UNLOCKED: (_NONE, _WRONG, _WRONG, _WRONG, _WRONG),
        Ask.REQUEST_CANCEL: (
            _NONE, State.CANCELED, State.IN_PROGRESS, Reason.ALREADY_COMPLETED_NO_CANCEL, Reason.ALREADY_CANCELED,
        ),
        Ask.CANCEL: (_NONE, _EARLY, State.CANCELED, _OVER, Reason.ALREADY_CANCELED),
        Ask.CANCEL_UNLOCKED: (_NONE, _WRONG, _WRONG, _WRONG, _WRONG),
    }
)  # fmt: skip


def next_state(ask: Ask, state: State | None) -> State | Reason:
    """The state that a request leads to; a Reason of WARNINGS when nothing is to be done. state: None: there is no step.

    Raises Refused.
    """
    outcome = TRANSITIONS[ask][_COLUMNS.index(state)]
    if isinstance(outcome, Reason) and outcome not in WARNINGS:
        raise Refused(outcome)
    return outcome


def change_asked(wanted: str, transaction_uid: str, locked_by: str) -> Ask:
    """The row of the table for a wanted state. locked_by: the Transaction UID of the step, "" before it is in progress.

    Whoever begins brings the lock; afterwards only that one is correct. Raises Refused.
    """
    correct = uid.is_usable(transaction_uid) and (not locked_by or transaction_uid == locked_by)
    match wanted:
        case State.SCHEDULED:
            return Ask.SCHEDULE
        case State.IN_PROGRESS:
            return Ask.BEGIN if uid.is_usable(transaction_uid) else Ask.BEGIN_UNLOCKED
        case State.COMPLETED:
            return Ask.COMPLETE if correct else Ask.COMPLETE_UNLOCKED
        case State.CANCELED:
            return Ask.CANCEL if correct else Ask.CANCEL_UNLOCKED
        case _:
            raise Refused(Reason.INVALID_VALUE, "ProcedureStepState")


# PS3.4 Table CC.2.5-3, what a creator has to give: a value (Type 1), or the attribute (Type 2).
REQUIRED = (
    "ProcedureStepState", "ScheduledProcedureStepPriority", "ProcedureStepLabel", "ScheduledProcedureStepStartDateTime",
    "InputReadinessState",
)  # fmt: skip
EXPECTED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AdmissionID", "IssuerOfAdmissionIDSequence",
    "AdmittingDiagnosesDescription", "AdmittingDiagnosesCodeSequence", "ReferencedRequestSequence",
    "ScheduledProcessingParametersSequence", "ScheduledStationNameCodeSequence", "ScheduledStationClassCodeSequence",
    "ScheduledStationGeographicLocationCodeSequence", "ScheduledWorkitemCodeSequence", "CommentsOnTheScheduledProcedureStep",
    "InputInformationSequence", "StudyInstanceUID", "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)  # fmt: skip
# PS3.4 Table CC.2.5-3, Return Key Type 1 and 2: what a search answers without being asked.
RETURNED = (
    "SOPClassUID", "SOPInstanceUID", *REQUIRED, *EXPECTED, "WorklistLabel", "ScheduledProcedureStepModificationDateTime",
    "ScheduledHumanPerformersSequence", "ExpectedCompletionDateTime", "IssuerOfPatientID", "TimezoneOffsetFromUTC",
)  # fmt: skip
# Not to be given by a creator: they tell of the performance, or lock it.
EMPTY_AT_FIRST = (
    "TransactionUID", "ProcedureStepProgressInformationSequence", "UnifiedProcedureStepPerformedProcedureSequence",
)  # fmt: skip
# Not to be set later: who the patient is, what was ordered, and what has operations of its own.
FIXED = (
    "SOPClassUID", "SOPInstanceUID", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "OtherPatientIDsSequence", "AdmissionID", "IssuerOfAdmissionIDSequence", "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence", "ReferencedRequestSequence", "ReplacedProcedureStepSequence", "StudyInstanceUID",
    "ScheduledProcedureStepModificationDateTime",
)  # fmt: skip
VALUES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ScheduledProcedureStepPriority": frozenset({"HIGH", "MEDIUM", "LOW"}),
        "InputReadinessState": frozenset({"READY", "UNAVAILABLE", "INCOMPLETE"}),
    }
)


def created(given: Dataset, worklist_label: str, at: str) -> tuple[Dataset, Dataset]:
    """The step that an N-CREATE makes, and what of it the archive has supplied. Raises Refused.

    worklist_label: where the creator names no worklist. at: the time as DT.
    """
    for keyword in REQUIRED:
        _require(given, keyword)
    if str(given.ProcedureStepState) != State.SCHEDULED:
        raise Refused(Reason.NOT_CREATED_SCHEDULED, "ProcedureStepState")
    for keyword in EMPTY_AT_FIRST:
        if given.get(keyword):
            raise Refused(Reason.INVALID_VALUE, keyword)
    _check_values(given)
    supplied = Dataset()
    supplied.ScheduledProcedureStepModificationDateTime = at
    if not given.get("WorklistLabel"):
        supplied.WorklistLabel = worklist_label
    for keyword in EXPECTED:
        if keyword not in given:
            setattr(supplied, keyword, [] if keyword.endswith("Sequence") else "")
    step = copy.deepcopy(given)
    step.update(supplied)
    _plain(step)
    return step, supplied


def modifications(supplied: Dataset) -> bool:
    """Whether the archive has made more of what was given than the standard leaves to it (Type 2/1)."""
    return any(element.keyword in EXPECTED for element in supplied)


def changed(step: Dataset, given: Dataset, state: State, locked_by: str, at: str) -> Dataset:
    """The step that an N-SET makes (PS3.4 CC.2.6). Raises Refused.

    given: attributes that replace those of the step, sequences as a whole; its Transaction UID is the lock.
    """
    transaction_uid = str(given.get("TransactionUID") or "")
    if state in FINAL:
        raise Refused(Reason.NO_LONGER_UPDATED)
    if state is State.SCHEDULED and transaction_uid:
        raise Refused(Reason.NOT_IN_PROGRESS, "TransactionUID")
    if state is State.IN_PROGRESS and transaction_uid != locked_by:
        raise Refused(Reason.WRONG_TRANSACTION, "TransactionUID")
    if "ProcedureStepState" in given:
        wanted = str(given.ProcedureStepState)
        only = wanted == State.SCHEDULED
        raise Refused(Reason.ONLY_CREATED_SCHEDULED if only else Reason.INVALID_VALUE, "ProcedureStepState")
    for keyword in FIXED:
        if keyword in given and given.get(keyword) != step.get(keyword):
            raise Refused(Reason.INVALID_VALUE, keyword)
    for keyword in REQUIRED:
        if keyword in given:
            _require(given, keyword)
    _check_values(given)
    made = copy.deepcopy(step)
    made.update(copy.deepcopy(given))
    made.ScheduledProcedureStepModificationDateTime = at
    _plain(made)
    return made


def _require(given: Dataset, keyword: str) -> None:
    if keyword not in given:
        raise Refused(Reason.MISSING_ATTRIBUTE, keyword)
    if not given.get(keyword):
        raise Refused(Reason.MISSING_VALUE, keyword)


def _check_values(given: Dataset) -> None:
    if any(element.tag.group == 0x7FE0 for element in given.iterall()):
        raise Refused(Reason.INVALID_VALUE, "PixelData")
    for keyword, allowed in VALUES.items():
        if given.get(keyword) and str(given.get(keyword)) not in allowed:
            raise Refused(Reason.INVALID_VALUE, keyword)


def _plain(step: Dataset) -> None:
    """Take out what is no attribute of the step: the lock is kept apart (CC.2.7.3), the character set goes with the encoding."""
    for keyword in ("TransactionUID", "SpecificCharacterSet"):
        if keyword in step:
            delattr(step, keyword)


# PS3.4 Table CC.2.5-3, Final State Code P: what COMPLETED requires of the performed procedure. Output Information may be empty:
# there may be none.
_PERFORMED = (
    "PerformedStationNameCodeSequence", "PerformedProcedureStepStartDateTime", "PerformedWorkitemCodeSequence",
    "PerformedProcedureStepEndDateTime",
)  # fmt: skip


def lacking(step: Dataset, state: State) -> str:
    """The keyword of the first attribute that the step lacks for a final state; "" when nothing is lacking.

    What CANCELED requires (code X) the archive supplies itself: see `canceled`.
    """
    if state is not State.COMPLETED:
        return ""
    performed = step.get("UnifiedProcedureStepPerformedProcedureSequence")
    if not performed:
        return "UnifiedProcedureStepPerformedProcedureSequence"
    absent = (keyword for keyword in _PERFORMED if not performed[0].get(keyword))
    return next(absent, "" if "OutputInformationSequence" in performed[0] else "OutputInformationSequence")


CANCEL_INFORMATION = (
    "ReasonForCancellation", "ProcedureStepDiscontinuationReasonCodeSequence", "ContactURI", "ContactDisplayName",
)  # fmt: skip


def canceled(step: Dataset, information: Dataset, at: str) -> Dataset:
    """A step with what its final state CANCELED requires (PS3.4 Table CC.2.5-3, code X), supplied where it does not say it.

    information: of the request to cancel (Table CC.2.2-1); at: the time as DT.
    """
    made = copy.deepcopy(step)
    items = made.get("ProcedureStepProgressInformationSequence") or [Dataset()]
    if not items[0].get("ProcedureStepCancellationDateTime"):
        items[0].ProcedureStepCancellationDateTime = at
    items[0].update(_of(information, "ReasonForCancellation", "ProcedureStepDiscontinuationReasonCodeSequence"))
    if not items[0].get("ProcedureStepDiscontinuationReasonCodeSequence"):
        items[0].ProcedureStepDiscontinuationReasonCodeSequence = [_unspecified_reason()]
    if contact := _of(information, "ContactURI", "ContactDisplayName"):
        items[0].ProcedureStepCommunicationsURISequence = [contact]
    made.ProcedureStepProgressInformationSequence = items
    return made


def _unspecified_reason() -> Dataset:
    """PS3.16 CID 9300."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "110513", "DCM"
    code.CodeMeaning = "Discontinued for unspecified reason"
    return code


class ReportType(IntEnum):
    """Event Type ID (PS3.4 Table CC.2.4-1)."""

    STATE = 1
    CANCEL_REQUESTED = 2
    PROGRESS = 3
    SCP_STATUS = 4
    ASSIGNED = 5


@dataclass(frozen=True, slots=True)
class Report:
    """One event to be told."""

    type: ReportType
    information: Dataset


def state_report(step: Dataset) -> Report:
    """The state as it is; of a canceled step also why."""
    information = _of(step, "ProcedureStepState", "InputReadinessState")
    if str(step.get("ProcedureStepState")) == State.CANCELED:
        (progress, *_) = step.get("ProcedureStepProgressInformationSequence") or [Dataset()]
        information.update(_of(progress, "ReasonForCancellation", "ProcedureStepDiscontinuationReasonCodeSequence"))
    return Report(ReportType.STATE, information)


def reports(before: Dataset, after: Dataset) -> list[Report]:
    """What subscribers are told of a change (CC.2.4.3). before: empty when the step has just been created."""
    return list(_reports(before, after))


def _reports(before: Dataset, after: Dataset) -> Iterator[Report]:
    def changes(keyword: str) -> bool:
        return (before.get(keyword) or None) != (after.get(keyword) or None)

    if changes("ProcedureStepState") or changes("InputReadinessState"):
        yield state_report(after)
    if changes("ProcedureStepProgressInformationSequence"):
        yield Report(ReportType.PROGRESS, _of(after, "ProcedureStepProgressInformationSequence"))
    if changes("ScheduledStationNameCodeSequence") or changes("ScheduledHumanPerformersSequence"):
        for performer in after.get("ScheduledHumanPerformersSequence") or [Dataset()]:  # each is told of by a report of its own
            information = _of(after, "ScheduledStationNameCodeSequence")
            information.update(_of(performer, "HumanPerformerCodeSequence", "HumanPerformerOrganization"))
            yield Report(ReportType.ASSIGNED, information)


def cancel_requested(information: Dataset, requesting_aet: str) -> Report:
    """Somebody wants a step in progress to be canceled."""
    told = _of(information, *CANCEL_INFORMATION)
    told.RequestingAE = requesting_aet
    return Report(ReportType.CANCEL_REQUESTED, told)


def restarted() -> Report:
    """The archive was started again, and has kept its steps and subscriptions."""
    information = Dataset()
    information.SCPStatus = "RESTARTED"
    information.SubscriptionListStatus = "WARM START"
    information.UnifiedProcedureStepListStatus = "WARM START"
    return Report(ReportType.SCP_STATUS, information)


def _of(dataset: Dataset, *keywords: str) -> Dataset:
    made = Dataset()
    for keyword in keywords:
        if keyword in dataset:
            made.add(dataset[keyword])
    return made
