"""Coming in: password, session or token -> Principal. Guessing is slowed down, sessions end, every entry is a change row.

The caller learns one sentence whatever was wrong: an unknown name, a wrong password and a disabled account look and last alike.
All functions block (argon2 takes tens of milliseconds): the web edge calls them in threads.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from isocenter.domain import access, credentials, totp
from isocenter.domain.access import Permission, Principal, Role, Via, limit, limited, narrowed, rights_of, within
from isocenter.domain.addresses import household
from isocenter.domain.credentials import Passwords, fingerprint
from isocenter.domain.errors import Busy, Forbidden, Missing, Unauthenticated
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import accounts, archive_key, changes, emergency, factors
from isocenter.store.accounts import Account, Attempt, Session

# A session's or token's last use is noted at most this often, so that reading images does not write.
NOTED_EVERY = timedelta(seconds=60)
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Begun:
    """A new session: `secret` is the cookie's value and is known to nobody else."""

    principal: Principal
    secret: str


@dataclass(frozen=True, slots=True)
class Second:
    """What was given for the second step. can_be_asked: whoever asks can show a field for it; programs cannot."""

    code: str
    can_be_asked: bool = True


NO_CODE = Second("", can_be_asked=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its owner and administrators see it. this: it is the one that asks."""

    id: str
    user: str
    address: str
    created_at: datetime
    seen_at: datetime
    this: bool


def begin(context: Context, username: str, password: str, address: str, code: str = "") -> Begun:
    """Log in: check the password, and the code where the account has a second step, and open a session.

    Raises Unauthenticated (where code: one is needed, or this one is wrong), or Busy while the throttle holds.
    """
    return _opened(context, _checked(context, username, password, address, Second(code)), address, {})


def vouched(context: Context, name: str, address: str, facts: Mapping[str, Any]) -> Begun:
    """Open a session for whoever another has vouched for (service/provider), with facts for the log. Raises Unauthenticated."""
    account = context.database.read(lambda connection: accounts.account(connection, name))
    if account is None or account.disabled:
        raise Unauthenticated("the account is disabled", hint="ask an administrator")
    return _opened(context, account, address, facts)


def _opened(context: Context, account: Account, address: str, facts: Mapping[str, Any]) -> Begun:
    secret = credentials.new_secret()
    now = context.clock()
    told = {"via": "session", "address": address, **facts}

    def write(connection: Connection) -> None:
        idle, oldest = _limits(context, now)
        accounts.drop_idle_sessions(connection, idle, oldest)
        accounts.add_session(connection, token_hash=fingerprint(secret), account_id=account.id, address=address, at=now)
        changes.append(connection, Event.SESSION_BEGUN, account.name, account.name, told)

    context.database.write(write)
    return Begun(_principal(account, "session", address), secret)


def resume(context: Context, secret: str, address: str, *, active: bool = True) -> Principal:
    """The principal of a session cookie. `active`: a person did something, so the idle clock starts again.

    Raises Unauthenticated when the session has ended, timed out, or its account was disabled.
    """
    token_hash = fingerprint(secret)
    now = context.clock()
    found, opened = context.database.read(
        lambda connection: (accounts.session(connection, token_hash), emergency.active(connection, token_hash, now))
    )
    idle, oldest = _limits(context, now)
    if found is None or found[1].disabled or found[0].seen_at < idle or found[0].created_at < oldest:
        raise Unauthenticated("the session has ended", hint="log in again")
    session, account = found
    if active and now - session.seen_at > min(NOTED_EVERY, (now - idle) / 10):
        context.database.write(lambda connection: accounts.touch_session(connection, token_hash, now))
    patients = [access.OfPatient(each.patient_id, each.issuer_of_patient_id) for each in opened]
    return access.in_emergency(_principal(account, "session", address), patients)


def end(context: Context, secret: str, principal: Principal) -> None:
    """Log out."""

    def write(connection: Connection) -> None:
        if accounts.drop_session(connection, fingerprint(secret)):
            changes.append(connection, Event.SESSION_ENDED, principal.name, principal.name, {"address": principal.address})

    context.database.write(write)


def current(context: Context, principal: Principal, *, everyone: bool = False, mine: str = "") -> list[SignedIn]:
    """Who is signed in: one's own sessions, or everyone's, last used first. mine: the secret of the session that asks.

    Raises Forbidden to a token, and for everyone's to whoever may not manage accounts.
    """
    if everyone:
        access.require(principal, Permission.USER_MANAGE)
    elif principal.kind != "user":
        raise Forbidden("sessions are a person's", hint="log in with the password")
    name = "" if everyone else principal.name
    rows = context.database.read(lambda connection: accounts.sessions(connection, name))
    idle, oldest = _limits(context, context.clock())
    own = fingerprint(mine) if mine else ""
    return [
        SignedIn(_number(held), owner.name, held.address, held.created_at, held.seen_at, held.token_hash == own)
        for held, owner in rows
        if not owner.disabled and held.seen_at >= idle and held.created_at >= oldest
    ]


def revoke(context: Context, principal: Principal, number: str) -> None:
    """End a session from elsewhere: one's own, or anybody's for who may manage accounts.

    Raises Missing, also for a session of somebody else: nobody learns that it is there.
    """
    everyone = access.allow(principal, Permission.USER_MANAGE)
    if not everyone and principal.kind != "user":
        raise Forbidden("sessions are a person's", hint="log in with the password")

    def write(connection: Connection) -> None:
        for held, owner in accounts.sessions(connection, "" if everyone else principal.name):
            if _number(held) == number and accounts.drop_session(connection, held.token_hash):
                changes.append(connection, Event.SESSION_ENDED, owner.name, principal.name, {"address": held.address})
                return
        raise Missing("there is no such session", where="id", hint="it may have ended meanwhile")

    context.database.write(write)


def _number(held: Session) -> str:
    """What a session is called outside: it neither is nor leads to what is kept of its secret."""
    return fingerprint(f"number of {held.token_hash}")[:32]


def confirm(context: Context, principal: Principal, password: str, code: str | None = None) -> None:
    """Check the password of who is logged in already, before something that a found open screen must not be enough for.

    code: of the second step, where that is to be checked too. Raises Forbidden (who is asking is known, so it is no 401), or
    Busy while the throttle holds.
    """
    try:
        _checked(context, principal.name, password, principal.address, None if code is None else Second(code))
    except Unauthenticated as error:
        if error.where == "code":
            raise Forbidden(error.message, where="code", kept="nothing was changed", hint=error.hint) from None
        raise Forbidden("the current password is wrong", where="current", kept="nothing was changed") from None


def basic(context: Context, username: str, password: str, address: str, *, note: bool) -> Principal:
    """The principal of HTTP Basic (RFC 7617). `note`: write the entry to the change log (not for each of a thousand requests)."""
    account = _checked(context, username, password, address, NO_CODE)
    if note:
        _note(context, account.name, "basic", address)
    return _principal(account, "basic", address)


def bearer(context: Context, secret: str, address: str, *, note: bool) -> Principal:
    """The principal of a bearer token (RFC 6750). Raises Unauthenticated when it is unknown, expired or its account disabled."""
    found = context.database.read(lambda connection: accounts.token(connection, fingerprint(secret)))
    now = context.clock()
    if found is None or found[1].disabled or (found[0].expires_at is not None and found[0].expires_at <= now):
        raise Unauthenticated("the token is unknown, expired or revoked", hint="ask an administrator for a new one")
    token, account = found
    if token.used_at is None or now - token.used_at > NOTED_EVERY:
        context.database.write(lambda connection: accounts.touch_token(connection, token.id, now))
    if note:
        _note(context, account.name, "bearer", address, token=token.id)
    principal = _principal(account, "bearer", address)
    if token.role:
        # The account may have become less than its token since: what both may counts.
        less = rights_of(Role(token.role), account.referrer_name)
        role = token.role if within(less, principal.rights) else account.role
        principal = replace(principal, role=role, rights=narrowed(less, principal.rights))
    if chosen := token.permissions.split():
        principal = replace(principal, rights={each: studies for each, studies in principal.rights.items() if each in chosen})
    return replace(principal, kind="token")


def association(context: Context, username: str, passcode: str, address: str, calling_aet: str) -> Principal:
    """The principal of a user identity of a DICOM association (PS3.7 D.3.3.7, type 2). Raises Unauthenticated, Busy."""
    principal = _principal(_checked(context, username, passcode, address, NO_CODE), "dicom", address)
    # once in ten minutes: some devices open an association for each image
    context.accesses.note(context.database, principal, Event.SESSION_BEGUN, principal.name, {"calling": calling_aet})
    return principal


def known(context: Context, name: str) -> Principal | None:
    """What the account of a name may do and see now; None when there is none that is not disabled. It proves nothing."""
    found = context.database.read(lambda connection: accounts.account(connection, name))
    return None if found is None or found.disabled else _principal(found, "session", "")


def is_account(context: Context, username: str) -> bool:
    """Whether there is an account of that name that is not disabled; proves nothing about who asks."""
    found = context.database.read(lambda connection: accounts.account(connection, username.strip().lower()[:LONGEST_NAME]))
    return found is not None and not found.disabled


def _principal(account: Account, via: Via, address: str) -> Principal:
    rights = limited(rights_of(Role(account.role), account.referrer_name), limit(account.studies))
    return Principal(account.name, account.role, "user", via, address, rights)


def _limits(context: Context, now: datetime) -> tuple[datetime, datetime]:
    """Sessions last seen before the first, or begun before the second, are over."""
    idle = timedelta(minutes=context.settings.session_idle_minutes)
    return now - idle, now - timedelta(hours=context.settings.session_max_hours)


def _note(context: Context, name: str, via: Via, address: str, **facts: int) -> None:
    payload = {"via": via, "address": address, **facts}
    context.database.write(lambda connection: changes.append(connection, Event.SESSION_BEGUN, name, name, payload))


@lru_cache(maxsize=4)
def _nobody(costs: Passwords) -> str:
    """A hash of a password nobody knows: what is verified when there is no such account, so that both take equally long."""
    return costs.hash(credentials.new_secret())


def _checked(context: Context, username: str, password: str, address: str, second: "Second | None") -> Account:
    """The enabled account of a name, its password, and its second step unless second is None: then that was taken before."""
    name = username.strip().lower()[:LONGEST_NAME]
    keys = _keys(name, address)
    account, attempts = context.database.read(
        lambda connection: (accounts.account(connection, name), accounts.attempts(connection, keys))
    )
    _throttle(attempts, context.clock())
    costs = Passwords.of(context.settings)
    right = costs.verify(password, account.password_hash if account else _nobody(costs))
    if account is None or not right or account.disabled:
        _refuse(context, account, keys, address, _WRONG)
    assert account is not None  # _refuse raises
    if second is not None:
        _second(context, account, keys, address, second)
    _welcome(context, account, password, costs, keys[0] if keys[0] in attempts else "")
    return account


_WRONG = Unauthenticated("the user name or the password is wrong", hint="check both; capital letters count in the password")
_WRONG_CODE = Unauthenticated("the code is wrong or was used", where="code", hint="wait for the next one of the app")


def _keys(name: str, address: str) -> list[str]:
    """What failures are counted under."""
    place = household(address)
    return [f"account:{name}", f"address:{place}"] if place else [f"account:{name}"]


def _throttle(attempts: dict[str, Attempt], now: datetime) -> None:
    """Raise Busy while a delay runs. A refused try is not counted: who keeps trying does not keep the owner out."""
    wait = 0.0
    for attempt in attempts.values():
        age = (now - attempt.last_at).total_seconds()
        wait = max(wait, credentials.left_of_delay(attempt.failures, age, attempt.key.partition(":")[0]))
    if wait > 0:
        seconds = math.ceil(wait)
        hint = f"wait {seconds} s, then try again"
        raise Busy("too many logins failed", retry_after=seconds, kept="the password was not looked at", hint=hint)


def _second(context: Context, account: Account, keys: list[str], address: str, second: "Second") -> None:
    """The code of an account that signs in in two steps; one that is wrong counts as a wrong password does."""
    held = context.database.read(lambda connection: factors.of(connection, account.id))
    if held is None or held.confirmed_at is None:
        return
    if not second.can_be_asked:
        raise Unauthenticated("this account signs in in two steps", where="code", hint="use a token of the account here")
    given = totp.plain(second.code)
    if not given:
        raise Unauthenticated("a code is needed", where="code", hint="it is in the app on your telephone, or on paper")
    made = totp.secret(archive_key.of(context.settings), held.nonce)

    def take(connection: Connection) -> bool:
        number = totp.step_of(made, given, context.clock(), held.last_step)
        if number is not None:
            return factors.take(connection, account.id, number)
        if not factors.spend(connection, account.id, fingerprint(given)):
            return False
        facts = {"changed": ["recovery_code"], "left": factors.left(connection, account.id)}
        changes.append(connection, Event.ACCOUNT_UPDATED, account.name, account.name, facts)
        return True

    if not context.database.write(take):
        _refuse(context, account, keys, address, _WRONG_CODE)


def _refuse(context: Context, account: Account | None, keys: list[str], address: str, error: Unauthenticated) -> None:
    """Count the failure and raise. A name that is no account is not written down: people type passwords into that field."""
    now = context.clock()
    name = account.name if account else ""

    def write(connection: Connection) -> None:
        forget = now - timedelta(seconds=credentials.FORGET_AFTER_SECONDS)
        for key in sorted(keys):
            accounts.fail(connection, key, now, forget)
        changes.append(connection, Event.LOGIN_FAILED, name, name, {"address": address, "known": account is not None})

    context.database.write(write)
    raise Unauthenticated(error.message, where=error.where, hint=error.hint)


def _welcome(context: Context, account: Account, password: str, costs: Passwords, failed_key: str) -> None:
    """After a right password: forget the account's failures, and hash again when today's costs are others."""
    outdated = costs.outdated(account.password_hash)
    if not failed_key and not outdated:
        return
    password_hash = costs.hash(password) if outdated else ""

    def write(connection: Connection) -> None:
        if failed_key:
            accounts.clear_attempts(connection, failed_key)
        # Not over a password that was changed while this one was checked.
        held = accounts.account(connection, account.name)
        if outdated and held and held.password_hash == account.password_hash:
            accounts.update_account(connection, account.name, password_hash=password_hash)

    context.database.write(write)
