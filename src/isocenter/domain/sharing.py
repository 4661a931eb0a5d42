"""Links for people without an account: what they open, until when, and on what code. Pure.

    view    one study, or all studies of one patient; with or without taking files away
    upload  nothing of the archive: whoever has it may send objects in, which wait in quarantine until somebody accepts them

What a link opens is never more than who made it may see and do at that moment (`service.sharing.resume`).
"""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from isocenter.domain.access import Permission


class Opens(StrEnum):
    """What a link opens."""

    STUDY = "study"
    PATIENT = "patient"
    UPLOAD = "upload"


class Code(StrEnum):
    """Whether a code is asked for beside the link. ONCE: it opens the link in one browser, which stays let in."""

    NONE = "none"
    ONCE = "once"
    ALWAYS = "always"


class State(StrEnum):
    """locked: too many wrong codes; used: its code has opened it in one browser, and others need a new one."""

    OPEN = "open"
    USED = "used"
    LOCKED = "locked"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


MOST_TRIES = 5
LONGEST_DAYS = 366
DAYS = 14  # where nobody says
LONGEST_LABEL = 200
MOST_BYTES = 1 << 44
DEFAULT_BYTES = 20 << 30  # of an upload link: some hundred CTs
# What stands under `where` of objects that came over an upload link and wait in quarantine.
SENT_IN = "UploadLink"

_LOOK = frozenset({Permission.STUDY_QUERY, Permission.STUDY_READ})


def permissions(opens: Opens, download: bool) -> frozenset[Permission]:
    """What a link lets do, before it is known what its maker may do."""
    if opens is Opens.UPLOAD:
        return frozenset({Permission.STUDY_STORE})
    return _LOOK | {Permission.STUDY_EXPORT} if download else _LOOK


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides about the state of a link."""

    expires_at: datetime
    withdrawn_at: datetime | None
    code: Code
    tries: int
    code_used_at: datetime | None


def state(link: Facts, now: datetime) -> State:
    """What is to be said of a link first."""
    if link.withdrawn_at is not None:
        return State.WITHDRAWN
    if link.expires_at <= now:
        return State.EXPIRED
    if link.code is not Code.NONE and link.tries >= MOST_TRIES:
        return State.LOCKED
    return State.USED if link.code is Code.ONCE and link.code_used_at is not None else State.OPEN


def new_code() -> str:
    """Eight digits that can be said on the telephone. With five tries one in twenty million is guessed."""
    digits = f"{secrets.randbelow(10**8):08d}"
    return f"{digits[:4]}-{digits[4:]}"


def plain_code(typed: str) -> str:
    """What is compared: people leave the dash out, or type a space."""
    return "".join(letter for letter in typed if letter.isascii() and letter.isdigit())


def name_of(number: int) -> str:
    """Under which name a link stands in the change log. No account can have it: their names have no colon."""
    return f"link:{number}"


def number_of(name: str) -> int | None:
    """The other way; None when it is no link."""
    kind, _, number = name.partition(":")
    return int(number) if kind == "link" and number.isascii() and number.isdigit() and len(number) < 19 else None


def missing(needed: Collection[Permission], held: Collection[Permission]) -> list[str]:
    """What somebody lacks to make a link that lets do this."""
    return sorted(permission.value for permission in set(needed) - set(held))
