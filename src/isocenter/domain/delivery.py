"""A study on its way to a destination: its states, and when what has failed is tried again. Pure.

    waiting ──> queued ──> sending ──> sent            a study that grows goes back to waiting, with what is new only
       ^                      │
       └── again later ───────┤
                              └──> failed              given up; a person may send it again
    cancelled: a person did not want it any more
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What a destination is."""

    DICOM = "dicom"
    DICOMWEB = "dicomweb"
    FOLDER = "folder"


class State(StrEnum):
    """Of a delivery."""

    WAITING = "waiting"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class InstanceState(StrEnum):
    """Of one instance of a delivery; what is waiting may have been tried already."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


# The longest wait between two tries, and for how long a destination that does not answer is tried.
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP = timedelta(days=7)
# Of a destination that answers, and refuses: the sixth answer will be the same.
REFUSALS = 6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery whose round failed. again_at: None when it is given up."""

    attempts: int
    failing_since: datetime
    again_at: datetime | None


def judge(
    now: datetime, *, first_wait: float, attempts: int, failing_since: datetime | None, progress: bool, refused: bool
) -> Verdict:
    """When to try again: waits double from first_wait seconds on. attempts: failed rounds so far, without this one.

    progress: something arrived this time, so that counting begins anew. refused: the destination answered, and did not take it.
    """
    attempts = 1 if progress else attempts + 1
    since = now if progress or failing_since is None else failing_since
    if (refused and attempts >= REFUSALS) or now - since >= GIVE_UP:
        return Verdict(attempts, since, None)
    seconds = min(first_wait * 2.0 ** min(attempts - 1, 32), LONGEST_WAIT.total_seconds())
    return Verdict(attempts, since, now + timedelta(seconds=seconds))
