"""What came of asking a peer whether it is there (C-ECHO, PS3.4 Annex A)."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The closed set of what may come of it."""

    ANSWERED = "answered"
    FAILED = "failed"  # it answered the C-ECHO with a failure
    NOT_OFFERED = "not_offered"  # an association without Verification
    REJECTED = "rejected"  # A-ASSOCIATE-RJ
    UNREACHABLE = "unreachable"  # no transport connection
    NO_ANSWER = "no_answer"  # a connection, but no DICOM answer in time, or it broke


@dataclass(frozen=True, slots=True)
class Verified:
    """One C-ECHO; `message` is for people: what happened and what to do. milliseconds: until the outcome was known."""

    outcome: Outcome
    message: str
    milliseconds: int

    @property
    def ok(self) -> bool:
        """Whether the peer is there and talks to us."""
        return self.outcome is Outcome.ANSWERED
