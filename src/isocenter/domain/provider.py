"""Signing in with an account of the institution (OpenID Connect): who somebody is there, and what that makes of them here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from isocenter.domain.access import Role

# As an account may be called (service/accounts).
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._@-]")


class Refusal(StrEnum):
    """Why somebody who came back from the provider was not let in. The web client has a sentence for each."""

    DENIED = "denied"  # cancelled there
    EXPIRED = "expired"  # begun too long ago, in another browser, or not here
    AWAY = "away"  # the provider cannot be reached
    UNTRUSTED = "untrusted"  # what it answered does not hold
    NAME = "name"  # no name, or one that no account can have
    NOBODY = "nobody"  # none of the groups may work here
    UNKNOWN = "unknown"  # no account, and none is made by itself
    TAKEN = "taken"  # an account of that name is somebody else's, or signs in with its password
    DISABLED = "disabled"
    CONFLICT = "conflict"  # what the groups say contradicts the account: the last administrator, a limit


class Refused(Exception):
    """Carries a Refusal; no error of the API, since a browser on its way back is told by a page."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the provider knows them. subject: what never changes and is never given to another (sub).

    methods: how they proved it there (amr), for the log.
    """

    issuer: str
    subject: str
    name: str
    groups: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def role_of(groups: Iterable[str], roles: Mapping[str, str]) -> Role:
    """The role of the first line of the setting whose group they are in. Raises Refused."""
    held = set(groups)
    for group, role in roles.items():
        if group in held:
            return Role(role)
    raise Refused(Refusal.NOBODY)


def account_name(text: str) -> str:
    """What the account is called. Raises Refused: nothing is replaced, or two people could become one."""
    name = text.strip().lower()
    if not name or len(name) > 64 or _NOT_IN_A_NAME.search(name) or not name[0].isalnum():
        raise Refused(Refusal.NAME)
    return name
