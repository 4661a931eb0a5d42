"""Signing in with an account of the institution: whoever the provider vouches for becomes an account here, and has a session.

An account is found by issuer and subject, never by name: names are given to others, and at some providers chosen by their owners.
So an account that signs in with a password becomes nobody's by itself; an administrator allows it (`allow`), once.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from isocenter.domain import access, credentials
from isocenter.domain.access import SYSTEM, Permission, Principal, Role
from isocenter.domain.credentials import Passwords
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.provider import Person, Refusal, Refused, account_name, role_of
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import accounts, changes, identities
from isocenter.store.accounts import Account
from isocenter.store.identities import Identity


@dataclass(frozen=True, slots=True)
class Vouched:
    """The account of somebody the provider vouches for. facts: for the log, how they proved it."""

    name: str
    facts: dict[str, Any]


def check(settings: Settings) -> None:
    """Raises Invalid when oidc_roles names a role that there is not."""
    for role in settings.oidc_roles.values():
        if role not in list(Role):
            raise Invalid(f"oidc_roles: {role!r} is no role", where="oidc_roles", hint=f"There are {', '.join(Role)}.")


def resolve(context: Context, person: Person, address: str) -> Vouched:
    """The account of whoever the provider vouches for, with the role of their groups today. Raises Refused."""
    try:
        account = _account(context, person, role_of(person.groups, context.settings.oidc_roles))
    except Refused as refused:
        note_refused(context, refused.why, address)
        raise
    return Vouched(account, {"provider": person.issuer, **({"methods": list(person.methods)} if person.methods else {})})


def note_refused(context: Context, why: Refusal, address: str) -> None:
    """Write down that somebody who came from the provider was not let in; not who, since here they are nobody."""
    facts = {"address": address, "known": False, "provider": context.settings.oidc_issuer, "reason": why.value}
    context.database.write(lambda connection: changes.append(connection, Event.LOGIN_FAILED, "", "", facts))


def allow(context: Context, principal: Principal, name: str) -> None:
    """Let an account sign in with the provider, too: whoever comes first with its name is its owner. Raises Missing, Conflict."""
    access.require(principal, Permission.USER_MANAGE)
    issuer = context.settings.oidc_issuer
    if not issuer:
        raise Conflict("there is no provider to sign in with", where="name", kept="nothing was changed", hint="set oidc_issuer")

    def write(connection: Connection) -> None:
        owner = _named(connection, name)
        held = identities.of(connection, owner.id)
        if held is not None and held.issuer == issuer:
            raise Conflict("it signs in with the provider already", where="name", kept="nothing was changed")
        identities.put(connection, Identity(owner.id, issuer, None), context.clock())
        _note(connection, owner, principal)

    context.database.write(write)


def forbid(context: Context, principal: Principal, name: str) -> None:
    """Take that away, and end its sessions: it signs in with its password alone, or not at all. Raises Missing."""
    access.require(principal, Permission.USER_MANAGE)

    def write(connection: Connection) -> None:
        owner = _named(connection, name)
        if not identities.remove(connection, owner.id):
            raise Missing("this account signs in with its password alone", where="name")
        accounts.drop_sessions(connection, owner.id)
        _note(connection, owner, principal)

    context.database.write(write)


def names(context: Context, principal: Principal) -> set[str]:
    """The accounts that sign in with the provider."""
    access.require(principal, Permission.USER_MANAGE)
    return context.database.read(identities.names)


def _account(context: Context, person: Person, role: Role) -> str:
    """The name of somebody's account, made or bound when they come for the first time."""
    hashed = Passwords.of(context.settings).hash(credentials.new_secret())  # nobody knows it: the provider is the only way in

    def write(connection: Connection) -> str:
        owner = _known(context, connection, person) or _made(context, connection, person, role, hashed)
        if owner.disabled:
            raise Refused(Refusal.DISABLED)
        if owner.role != role:
            _turn(connection, owner, role)
        return owner.name

    try:
        return context.database.write(write)
    except Conflict:  # two browsers of one person: the other was first
        return context.database.write(write)


def _known(context: Context, connection: Connection, person: Person) -> Account | None:
    """The account somebody came as before, or that an administrator has ready for them."""
    before = identities.name_of(connection, person.issuer, person.subject)
    if before is not None:
        return _named(connection, before)
    found = accounts.account(connection, account_name(person.name))
    if found is None:
        return None
    held = identities.of(connection, found.id)
    if held is None or held.issuer != person.issuer or held.subject is not None:
        raise Refused(Refusal.TAKEN)
    identities.put(connection, Identity(found.id, person.issuer, person.subject), context.clock())
    changes.append(connection, Event.ACCOUNT_UPDATED, found.name, found.name, {"changed": ["provider"]})
    return found


def _made(context: Context, connection: Connection, person: Person, role: Role, hashed: str) -> Account:
    if not context.settings.oidc_accounts:
        raise Refused(Refusal.UNKNOWN)
    name, now = account_name(person.name), context.clock()
    made = accounts.add_account(connection, name=name, role=role, password_hash=hashed, referrer_name="", studies="", at=now)
    identities.put(connection, Identity(made.id, person.issuer, person.subject), now)
    changes.append(connection, Event.ACCOUNT_CREATED, name, SYSTEM.name, {"role": role, "provider": person.issuer})
    return made


def _turn(connection: Connection, owner: Account, role: Role) -> None:
    """Give an account the role of its owner's groups. Raises Refused where that cannot be."""
    if role is Role.ADMIN and owner.studies:  # an administrator sees every study
        raise Refused(Refusal.CONFLICT)
    accounts.update_account(connection, owner.name, role=role)
    if not accounts.has_admin(connection):
        raise Refused(Refusal.CONFLICT)
    facts = {"changed": ["role"], "role": role, "disabled": owner.disabled, "studies": owner.studies}
    changes.append(connection, Event.ACCOUNT_UPDATED, owner.name, SYSTEM.name, facts)


def _named(connection: Connection, name: str) -> Account:
    found = accounts.account(connection, name.strip().lower())
    if found is None:
        raise Missing("there is no such account", where="name")
    return found


def _note(connection: Connection, owner: Account, principal: Principal) -> None:
    changes.append(connection, Event.ACCOUNT_UPDATED, owner.name, principal.name, {"changed": ["provider"]})
