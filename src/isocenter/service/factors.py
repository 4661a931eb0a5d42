"""The second step of signing in: one-time codes of an app (RFC 6238), and codes on paper for the day the telephone is lost.

Begun, confirmed with a first code, and only then asked for (`sessions`). One's own is removed with a code, another's by who
manages accounts. Each is a change row, without secrets.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from isocenter.domain import access, totp
from isocenter.domain.access import Permission, Principal
from isocenter.domain.credentials import fingerprint
from isocenter.domain.errors import Conflict, Forbidden, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import accounts, archive_key, changes, factors
from isocenter.store.accounts import Account


@dataclass(frozen=True, slots=True)
class State:
    """enabled: it is asked for; recovery_left: codes on paper that were not used."""

    enabled: bool
    recovery_left: int


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the app is to be told, once: the secret as people type it, and as a QR code has it."""

    secret: str
    address: str


def state(context: Context, principal: Principal) -> State:
    """One's own. Raises Forbidden to who has no account."""
    def read(connection: Connection) -> State:
        owner = _own(connection, principal)
        held = factors.of(connection, owner.id)
        return State(held is not None and held.confirmed_at is not None, factors.left(connection, owner.id))

    return context.database.read(read)


def begin(context: Context, principal: Principal) -> Enrolment:
    """Begin anew; nothing is asked for before `confirm`. Raises Conflict when there is one already."""
    nonce, key, now = secrets.token_hex(16), archive_key.of(context.settings), context.clock()

    def write(connection: Connection) -> Account:
        owner = _own(connection, principal)
        held = factors.of(connection, owner.id)
        if held is not None and held.confirmed_at is not None:
            raise Conflict("this account signs in in two steps already", where="code", kept="nothing was changed",
                           hint="remove the second step first")
        factors.begin(connection, owner.id, nonce, now)
        return owner

    owner = context.database.write(write)
    made = totp.secret(key, nonce)
    return Enrolment(totp.text_of(made), totp.address(made, owner.name, context.settings.aet.title()))


def confirm(context: Context, principal: Principal, code: str) -> list[str]:
    """The first code of the app: from now on one is asked for. Returns the codes for paper, shown once. Raises Forbidden."""
    recovery = [totp.new_recovery_code() for _ in range(totp.RECOVERY_CODES)]
    key, now = archive_key.of(context.settings), context.clock()

    def write(connection: Connection) -> None:
        owner = _own(connection, principal)
        held = factors.of(connection, owner.id)
        if held is None or held.confirmed_at is not None:
            raise Conflict("no second step was begun", where="code", hint="begin again")
        number = totp.step_of(totp.secret(key, held.nonce), totp.plain(code), now, held.last_step)
        if number is None:
            raise Forbidden("the code is wrong", where="code", kept="nothing was changed",
                            hint="take the newest one; the clocks of telephone and server must agree")
        factors.take(connection, owner.id, number)
        factors.confirm(connection, owner.id, now, [fingerprint(totp.plain(each)) for each in recovery])
        changes.append(connection, Event.ACCOUNT_UPDATED, owner.name, principal.name, {"changed": ["second_factor"]})

    context.database.write(write)
    return recovery


def remove(context: Context, principal: Principal, name: str = "") -> None:
    """Sign in with the password alone again: one's own account (after the edge had password and code checked), or another's.

    name: of the other account, for who manages accounts. Raises Missing.
    """
    if name:
        access.require(principal, Permission.USER_MANAGE)

    def write(connection: Connection) -> None:
        owner = accounts.account(connection, name.strip().lower()) if name else _own(connection, principal)
        if owner is None:
            raise Missing("there is no such account", where="name")
        if not factors.remove(connection, owner.id):
            raise Missing("this account signs in with its password alone", where="name")
        changes.append(connection, Event.ACCOUNT_UPDATED, owner.name, principal.name, {"changed": ["second_factor"]})

    context.database.write(write)


def _own(connection: Connection, principal: Principal) -> Account:
    owner = accounts.account(connection, principal.name) if principal.kind == "user" else None
    if owner is None:
        raise Forbidden("the second step of signing in is a person's", hint="log in with the password")
    return owner
