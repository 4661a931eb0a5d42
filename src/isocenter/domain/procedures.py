"""Modality performed procedure steps: what may be created and set, and when (PS3.4 F.7). Pure.

    N-CREATE, IN PROGRESS -> N-SET ... -> N-SET, COMPLETED | DISCONTINUED -> no more

Attributes of type 1 are insisted on. Those of type 2 that a modality leaves out are taken for empty, as many do leave them out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset

from isocenter.dicom import keys
from isocenter.dicom.attributes import tag_of
from isocenter.domain.orders import PerformedState

STATUS = "PerformedProcedureStepStatus"
SERIES = "PerformedSeriesSequence"
SCHEDULED = "ScheduledStepAttributesSequence"
UNITS = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")

# PS3.4 Table F.7.2-1, type 1 of N-CREATE
_NEEDED = (
    SCHEDULED, "PerformedProcedureStepID", "PerformedStationAETitle", "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime", STATUS, "Modality",
)  # fmt: skip
# Type 1 in the final state. That of the series only where something was completed: who ran away left no series.
_NEEDED_AT_THE_END = ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime")
# "Not allowed" in N-SET
_FIXED = frozenset(
    {
        SCHEDULED, "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "ReferencedPatientSequence",
        "PerformedProcedureStepID", "PerformedStationAETitle", "PerformedStationName", "PerformedLocation",
        "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "Modality", "StudyID",
    }
)  # fmt: skip


class Wrong(StrEnum):
    """What can be wrong with the attributes of a request."""

    MISSING = "missing"
    EMPTY = "empty"
    INVALID = "invalid"
    ENDED = "ended"


class Refused(Exception):
    """A request that cannot be done. tags: of the attributes it is about."""

    def __init__(self, wrong: Wrong, reason: str, tags: Iterable[int] = ()) -> None:
        super().__init__(reason)
        self.wrong = wrong
        self.reason = reason
        self.tags = tuple(tags)


@dataclass(frozen=True, slots=True)
class Updated:
    """A performed step after N-SET. ignored: tags of what cannot be set any more and would have been changed."""

    dataset: Dataset
    state: PerformedState
    ignored: tuple[int, ...]


def created(dataset: Dataset) -> None:
    """Raise Refused unless a performed step may be created like this (PS3.4 F.7.2.1.3)."""
    _need(dataset, _NEEDED)
    for item in dataset[SCHEDULED].value:
        _need(item, ("StudyInstanceUID",))
    if state_of(dataset) is not PerformedState.IN_PROGRESS:
        raise Refused(Wrong.INVALID, "a step is created in the state IN PROGRESS", [dataset[STATUS].tag])


def updated(held: Dataset, given: Dataset) -> Updated:
    """A performed step after its attributes have been set (PS3.4 F.7.2.2). Raises Refused.

    A sequence that is given replaces the one held.
    """
    if state_of(held) is not PerformedState.IN_PROGRESS:
        raise Refused(Wrong.ENDED, "Performed Procedure Step Object may no longer be updated")
    merged, ignored = Dataset(), []
    for element in held:
        merged.add(element)
    for element in given:
        if element.keyword in _FIXED:
            if element.keyword not in held or held[element.keyword].value != element.value:
                ignored.append(element.tag)
        elif element.keyword not in keys.NO_KEYS:
            merged.add(element)
    state = state_of(merged)
    if state is not PerformedState.IN_PROGRESS:
        _need(merged, _NEEDED_AT_THE_END)
    if state is PerformedState.COMPLETED:
        _need(merged, (SERIES,))
    for item in merged.get(SERIES) or ():
        _need(item, ("SeriesInstanceUID",))
    return Updated(merged, state, tuple(int(tag) for tag in ignored))


def state_of(dataset: Dataset) -> PerformedState:
    """The state a data set states. Raises Refused."""
    try:
        return PerformedState(text(dataset, STATUS))
    except ValueError:
        tags = [dataset[STATUS].tag] if STATUS in dataset else []
        raise Refused(Wrong.INVALID, f"the status is one of {', '.join(PerformedState)}", tags) from None


def text(dataset: Dataset, keyword: str) -> str:
    """An attribute as text, "" when it has no value."""
    return keys.text_of(dataset[keyword]).strip(" \0") if keyword in dataset else ""


def instances(dataset: Dataset) -> list[tuple[str, str]]:
    """(SOP Class UID, SOP Instance UID) of everything it says it has made."""
    found = []
    for series in dataset.get(SERIES) or ():
        for sequence in UNITS:
            for item in series.get(sequence) or ():
                found.append((text(item, "ReferencedSOPClassUID"), text(item, "ReferencedSOPInstanceUID")))
    return found


def moment(dataset: Dataset, which: str) -> str:
    """YYYYMMDDHHMMSS of its Start or End, as the modality says it; "" without a date."""
    day = text(dataset, f"PerformedProcedureStep{which}Date")
    return f"{day}{text(dataset, f'PerformedProcedureStep{which}Time')}"[:14] if day else ""


def _need(dataset: Dataset, keywords: Iterable[str]) -> None:
    missing = [keyword for keyword in keywords if keyword not in dataset]
    if missing:
        raise Refused(Wrong.MISSING, f"missing: {', '.join(missing)}", _tags(missing))
    empty = [keyword for keyword in keywords if not dataset[keyword].value]
    if empty:
        raise Refused(Wrong.EMPTY, f"without a value: {', '.join(empty)}", _tags(empty))


def _tags(keywords: Iterable[str]) -> list[int]:
    return [tag for keyword in keywords if (tag := tag_of(keyword)) is not None]
