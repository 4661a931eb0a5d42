"""What becomes of fetching a study from another archive: states and rules, without I/O.

    waiting ──> running ──> done        all of it is here
       ^           │   └──> failed      some of it is not, or the archive could not be asked so often; the reason says what
       └───────────┘        cancelled   a person changed their mind; what had come stays
     (again, later)
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a retrieval stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (State.WAITING, State.RUNNING)


class AskedWhen(StrEnum):
    """Whether a peer is an archive that others search: not, by a person who chooses it, or also when a study is not here."""

    NEVER = ""
    SEARCHED = "search"
    MISSED = "fetch"


# After an archive could not be reached. A person waits, so the first tries come quickly and there are few.
AGAIN = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2))


@dataclass(frozen=True, slots=True)
class Tally:
    """Sub-operations as the other archive (C-MOVE) or we ourselves (C-GET) count them (PS3.4 C.4.2.1.6)."""

    remaining: int = 0
    completed: int = 0
    failed: int = 0
    warning: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state after a try, a reason for people, and how long to wait before the next try (None: there is none)."""

    state: State
    reason: str = ""
    again_after: timedelta | None = None


def ended(tally: Tally, *, cancelled: bool) -> Verdict:
    """The other archive has answered to the end."""
    if cancelled:
        return Verdict(State.CANCELLED, "Cancelled; what had arrived by then is kept.")
    if tally.failed:
        total = tally.completed + tally.warning + tally.failed
        return Verdict(State.FAILED, f"{tally.failed} of {total} objects did not come; the others are here.")
    if not tally.completed and not tally.warning:
        return Verdict(State.FAILED, "The other archive sent nothing: it may not hold the study any more.")
    return Verdict(State.DONE)


def broke_off(reason: str, attempts: int, *, worth_another: bool) -> Verdict:
    """It went wrong. attempts: how often it was tried; worth_another: the reason may pass by itself."""
    if worth_another and attempts <= len(AGAIN):
        return Verdict(State.WAITING, reason, AGAIN[max(attempts, 1) - 1])
    return Verdict(State.FAILED, reason)
