"""Orders: the states of a scheduled procedure step and of the study it belongs to, and what moves them. Pure.

    scheduled -> arrived -> ready -> in_progress -> completed | discontinued        cancelled: will not take place

A person moves a step as `may_become` says, a modality by its performed procedure steps (`after`, PS3.4 F.7). What a modality has
done is a fact: it also moves a step that a person had cancelled. The order's state, which is that of its study, follows from
those of its steps.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType


class StepState(StrEnum):
    """Where a scheduled procedure step is."""

    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"
    CANCELLED = "cancelled"


class OrderState(StrEnum):
    """Where an order and its study are."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"
    CANCELLED = "cancelled"


class PerformedState(StrEnum):
    """Performed Procedure Step Status (0040,0252), PS3.3 C.4.14."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


WAITING = frozenset({StepState.SCHEDULED, StepState.ARRIVED, StepState.READY})
# What a modality is shown: what is to be done, and what is being done, to which another modality may have to add.
ON_WORKLIST = WAITING | {StepState.IN_PROGRESS}
ENDED = frozenset(set(StepState) - ON_WORKLIST)

# Scheduled Procedure Step Status (0040,0020), PS3.3 C.4.10
STATUS: Mapping[StepState, str] = MappingProxyType(
    {
        StepState.SCHEDULED: "SCHEDULED",
        StepState.ARRIVED: "ARRIVED",
        StepState.READY: "READY",
        StepState.IN_PROGRESS: "STARTED",
        StepState.COMPLETED: "DEPARTED",
        StepState.DISCONTINUED: "DEPARTED",
        StepState.CANCELLED: "DEPARTED",
    }
)

# By a person. Many modalities have no MPPS, so every way forward is open; a way back is, where nothing was completed.
_BY_PERSON: Mapping[StepState, frozenset[StepState]] = MappingProxyType(
    {
        **{state: frozenset(StepState) for state in WAITING},
        StepState.IN_PROGRESS: frozenset({StepState.COMPLETED, StepState.DISCONTINUED}),
        StepState.COMPLETED: frozenset(),
        StepState.DISCONTINUED: frozenset({StepState.SCHEDULED}),  # it is to be done again
        StepState.CANCELLED: frozenset({StepState.SCHEDULED}),
    }
)


def may_become(now: StepState, wanted: StepState) -> bool:
    """Whether a person may move a step from one state to another; staying where it is always goes."""
    return wanted is now or wanted in _BY_PERSON[now]


def after(performed: Collection[PerformedState]) -> StepState:
    """The state of a step by what modalities do for it, at least one thing: it is completed when one has completed it and the
    others have ended. Scheduled and performed steps are n to m."""
    if PerformedState.IN_PROGRESS in performed:
        return StepState.IN_PROGRESS
    return StepState.COMPLETED if PerformedState.COMPLETED in performed else StepState.DISCONTINUED


def of_order(steps: Collection[StepState]) -> OrderState:
    """The state of an order from those of its steps, cancelled ones aside unless all are."""
    real = [state for state in steps if state is not StepState.CANCELLED]
    if not real:
        return OrderState.CANCELLED
    if all(state in WAITING for state in real):
        return OrderState.SCHEDULED
    if any(state in ON_WORKLIST for state in real):
        return OrderState.IN_PROGRESS
    return OrderState.COMPLETED if StepState.COMPLETED in real else OrderState.DISCONTINUED
