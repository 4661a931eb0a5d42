"""Everything that can go wrong, as values.

    IsocenterError
    ├── Invalid       the request or the object is malformed; `where` names the place
    ├── Unsupported   well formed, but not something this archive does
    ├── Missing       nothing there (or nothing the caller may see)
    ├── Conflict      contradicts what is already held
    ├── Forbidden     the caller may not do this
    │   └── Unauthenticated   the caller has not said who they are, or wrongly
    ├── TooLarge      over a limit; the limit is named
    ├── NoSpace       the disk (or bucket) is full; nothing was kept
    ├── Busy          try again later; `retry_after` seconds
    └── Broken        our own fault: a blob or the index is damaged
        └── Away      what we depend on cannot be reached just now: the database, a peer

The set is closed: every edge has one table from `Kind` to its own answer (DIMSE status, HTTP status, exit code), and a test
proves that each table is total. Messages are for people: what happened, what was kept safe, what to do; no patient data.
"""

from enum import StrEnum


class Kind(StrEnum):
    """The closed set of error kinds; one row of every edge's answer table each."""

    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    MISSING = "missing"
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    TOO_LARGE = "too_large"
    NO_SPACE = "no_space"
    BUSY = "busy"
    BROKEN = "broken"
    AWAY = "away"


class IsocenterError(Exception):
    """An error a person may meet.

    message: what happened. where: attribute keyword, part number or HL7 location. kept: what was kept safe.
    hint: what to do about it.
    """

    kind: Kind = Kind.BROKEN

    def __init__(self, message: str, *, where: str = "", kept: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.kept = kept
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.message} (at {self.where})" if self.where else self.message
        more = [part for part in (self.kept, self.hint) if part]
        return f"{text.rstrip('.')}. {' '.join(more)}" if more else text


class Invalid(IsocenterError):
    kind = Kind.INVALID


class Unsupported(IsocenterError):
    kind = Kind.UNSUPPORTED


class Missing(IsocenterError):
    kind = Kind.MISSING


class Conflict(IsocenterError):
    kind = Kind.CONFLICT


class Forbidden(IsocenterError):
    kind = Kind.FORBIDDEN


class Unauthenticated(Forbidden):
    kind = Kind.UNAUTHENTICATED


class TooLarge(IsocenterError):
    kind = Kind.TOO_LARGE


class NoSpace(IsocenterError):
    kind = Kind.NO_SPACE


class Busy(IsocenterError):
    """Try again later; `retry_after` is in seconds."""

    kind = Kind.BUSY

    def __init__(self, message: str, *, retry_after: int = 5, where: str = "", kept: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, kept=kept, hint=hint)
        self.retry_after = retry_after


class Broken(IsocenterError):
    kind = Kind.BROKEN


class Away(Broken):
    kind = Kind.AWAY
