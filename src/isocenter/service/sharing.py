"""Links for people without an account: made, opened, changed, withdrawn, and who opened them when and from where.

The link is 256 random bits of which only the SHA-256 is kept; its code, being short, is kept as argon2id and may be tried five
times. Who opens a link gets a session, whose principal is made anew each time from the link, its maker's account as it is then,
and the studies it names as they are then: it sees what all three allow.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.domain import access, credentials, sharing
from isocenter.domain.access import SYSTEM, Nothing, Only, Permission, Principal, Scope
from isocenter.domain.addresses import household
from isocenter.domain.credentials import Passwords, fingerprint
from isocenter.domain.errors import Busy, Forbidden, Invalid, Missing, TooLarge, Unauthenticated
from isocenter.domain.events import Event
from isocenter.domain.sharing import Code, Opens, State
from isocenter.service.context import Context
from isocenter.store import accounts, changes, imaging, visible
from isocenter.store import sharing as rows
from isocenter.store.changes import Change
from isocenter.store.sharing import Share

__all__ = ["Change", "Listed", "Made", "Opened", "Share", "Wanted", "close", "create", "get", "history", "new_code", "open_link",
           "page", "path_of", "resume", "shown", "take_room", "withdraw"]

Whose = Callable[[str], Principal | None]
"""What an account may do and see now, by its name; None when it may not come in any more: `service.sessions.known`."""

PREFIX = "link."  # of a cookie's value: tells it from an account's, whose secrets have no dot
MOST_STUDIES = 500  # of one patient
MOST_HISTORY = 500
_ASK = "Ask whoever sent you the link for a new one."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A link to be made. study: which one, or one of the patient's; "" for an upload link. most_bytes: of an upload link."""

    opens: Opens
    study: str = ""
    label: str = ""
    days: int = sharing.DAYS
    download: bool = False
    code: Code = Code.NONE
    most_bytes: int = sharing.DEFAULT_BYTES


@dataclass(frozen=True, slots=True)
class Made:
    """A link just made: `secret` (what it ends with) and `code` ("" without one) are shown once and kept nowhere."""

    share: Share
    secret: str
    code: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A link as its list shows it. study: keyword -> text of what it names, when the principal may see that."""

    share: Share
    state: State
    study: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that let somebody in: the cookie's value, and the seconds a browser may keep it (None: while it is open)."""

    principal: Principal
    secret: str
    seconds: int | None


def path_of(secret: str) -> str:
    """The address of a link behind that of the archive. What follows # stays in the browser: no proxy, no log ever has it."""
    return f"/shared#{secret}"


# ---- for those who make them


def create(context: Context, principal: Principal, wanted: Wanted) -> Made:
    """Make a link. Raises Forbidden (also for a right that one lacks oneself), Missing, Invalid."""
    access.require(principal, Permission.STUDY_SHARE)
    access.require_account(principal)
    for permission in sorted(sharing.permissions(wanted.opens, wanted.download)):
        access.require(principal, permission)
    _check(context, wanted)
    secret = credentials.new_secret()
    code = sharing.new_code() if wanted.code is not Code.NONE else ""
    code_hash = _hashed(context, code)
    now = context.clock()

    def write(connection: Connection) -> Share:
        identity = _named(connection, principal, wanted)
        made = rows.add(
            connection, token_hash=fingerprint(secret), opens=wanted.opens.value, label=wanted.label.strip(), identity=identity,
            study_uid=wanted.study, download=wanted.download, code=wanted.code.value, code_hash=code_hash,
            maker=_maker(principal), created_at=now, expires_at=now + timedelta(days=wanted.days),
            most_bytes=wanted.most_bytes if wanted.opens is Opens.UPLOAD else 0,
        )  # fmt: skip
        facts = {"opens": made.opens, "download": made.download, "code": made.code, "expires": made.expires_at.isoformat()}
        _note(connection, Event.SHARE_CREATED, made, principal.name, facts)
        return made

    return Made(context.database.write(write), secret, code)


def _check(context: Context, wanted: Wanted) -> None:
    most = min(context.settings.share_max_days, sharing.LONGEST_DAYS)
    if not 1 <= wanted.days <= most:
        raise Invalid(f"a link lasts 1 to {most} days", where="days")
    if wanted.code is Code.NONE and context.settings.share_needs_code:
        raise Invalid("links of this archive ask for a code", where="code", hint="Choose once or always.")
    if len(wanted.label) > sharing.LONGEST_LABEL:
        raise Invalid(f"it is longer than {sharing.LONGEST_LABEL} characters", where="label")
    if not 1 <= wanted.most_bytes <= sharing.MOST_BYTES:
        raise Invalid(f"a link takes 1 to {sharing.MOST_BYTES} bytes", where="most_bytes")
    if wanted.opens is Opens.UPLOAD and (wanted.study or wanted.download):
        raise Invalid("an upload link opens nothing of the archive", where="study" if wanted.study else "download")
    if wanted.opens is Opens.UPLOAD and not wanted.label.strip():
        raise Invalid("say whom the upload link is for: its objects are listed under that name", where="label")


def _named(connection: Connection, principal: Principal, wanted: Wanted) -> str:
    """The identity of the patient when the link opens one; the study must be one that its maker may see. Raises Missing."""
    if wanted.opens is Opens.UPLOAD:
        return ""
    scope = access.all_of((access.scope(principal, Permission.STUDY_SHARE), access.Discreet()))
    if wanted.study not in visible.permitted(connection, scope, [wanted.study]):
        raise Missing("there is no such study", where="study", hint="It may have been removed, or your account may not see it.")
    return rows.identity_of(connection, wanted.study) if wanted.opens is Opens.PATIENT else ""


def page(context: Context, principal: Principal, before: int | None, limit: int) -> list[Listed]:
    """One's own links, or everybody's for who may manage them; the newest first."""
    access.require(principal, Permission.STUDY_SHARE)
    maker = None if access.allow(principal, Permission.SHARE_MANAGE) else _maker(principal)

    def read(connection: Connection) -> list[Listed]:
        return [_listed(context, connection, principal, each) for each in rows.page(connection, maker, before, limit)]

    return context.database.read(read)


def get(context: Context, principal: Principal, number: int) -> Listed:
    """One link. Raises Missing, also for another's."""
    access.require(principal, Permission.STUDY_SHARE)
    return context.database.read(lambda connection: _listed(context, connection, principal, _mine(connection, principal, number)))


def withdraw(context: Context, principal: Principal, number: int) -> None:
    """End a link, and everybody's looking through it, at once. Raises Missing; twice is once."""
    access.require(principal, Permission.STUDY_SHARE)
    now = context.clock()

    def write(connection: Connection) -> None:
        link = _mine(connection, principal, number)
        if rows.withdraw(connection, number, principal.name, now):
            _note(connection, Event.SHARE_WITHDRAWN, link, principal.name, {})

    context.database.write(write)


def new_code(context: Context, principal: Principal, number: int) -> str:
    """Another code for a link that has one: for another browser, or after too many wrong tries. Whoever is in stays in.

    Raises Missing, Invalid (it has no code, or has ended).
    """
    access.require(principal, Permission.STUDY_SHARE)
    code = sharing.new_code()
    code_hash = _hashed(context, code)

    def write(connection: Connection) -> None:
        link = _mine(connection, principal, number)
        if link.code == Code.NONE or sharing.state(link.facts, context.clock()) in (State.EXPIRED, State.WITHDRAWN):
            raise Invalid("this link asks for no code, or has ended", where="id", kept="nothing was changed")
        rows.change(connection, number, code_hash=code_hash, tries=0, code_used_at=None)
        _note(connection, Event.SHARE_UPDATED, link, principal.name, {"changed": ["code"]})

    context.database.write(write)
    return code


def history(context: Context, principal: Principal, number: int) -> Sequence[Change]:
    """What was done by a link, the newest first: openings, refusals, looks, files taken, objects sent in. Raises Missing."""
    access.require(principal, Permission.STUDY_SHARE)

    def read(connection: Connection) -> Sequence[Change]:
        _mine(connection, principal, number)
        return changes.search(connection, changes.Wanted(actor=sharing.name_of(number)), None, MOST_HISTORY)

    return context.database.read(read)


def _mine(connection: Connection, principal: Principal, number: int) -> Share:
    found = rows.get(connection, number)
    mine = found is not None and (found.maker == _maker(principal) or access.allow(principal, Permission.SHARE_MANAGE))
    if found is None or not mine:
        raise Missing("there is no such link", where="id", hint="It may be somebody else's.")
    return found


def _maker(principal: Principal) -> str:
    return "" if principal == SYSTEM else principal.name


def _listed(context: Context, connection: Connection, principal: Principal, link: Share) -> Listed:
    scope = access.scope(principal, Permission.STUDY_SHARE)
    values = imaging.study_values(connection, link.study_uid, scope) if link.study_uid else None
    return Listed(link, sharing.state(link.facts, context.clock()), values or {})


def _hashed(context: Context, code: str) -> str:
    return Passwords.of(context.settings).hash(sharing.plain_code(code)) if code else ""


def _note(connection: Connection, event: Event, link: Share, actor: str, facts: dict[str, object]) -> None:
    study = {"study": link.study_uid} if link.study_uid else {}
    changes.append(connection, event, sharing.name_of(link.id), actor, {"link": link.id, **study, **facts})


# ---- for those who have one


def open_link(context: Context, secret: str, code: str | None, address: str, whose: Whose) -> Opened:
    """Let a browser in. Hashes a password when there is a code. Raises Missing (no such link, or it has ended), Unauthenticated
    (`where` is "code": one is needed, it was wrong, it was used), Busy (many failed from this address)."""
    _throttle(context, address)
    link = context.database.read(partial(rows.by_token, token_hash=fingerprint(secret)))
    if link is None:
        _fail(context, address)
        raise Missing("this link opens nothing", where="token", hint=f"Was it copied whole? {_ASK}")
    now = context.clock()
    state = sharing.state(link.facts, now)
    if state in (State.EXPIRED, State.WITHDRAWN):
        _refused(context, link, address, state.value)
        raise Missing(f"this link has {'expired' if state is State.EXPIRED else 'been withdrawn'}", where="token", hint=_ASK)
    if link.code != Code.NONE:
        _check_code(context, link, code, address, state)
    principal = _principal(context, link, address, whose)
    cookie = PREFIX + credentials.new_secret()

    def write(connection: Connection) -> None:
        rows.drop_old_sessions(connection, now)
        rows.let_in(connection, link.id, fingerprint(cookie), address, now)
        _note(connection, Event.SHARE_OPENED, link, principal.name, {"address": address, "via": "link"})

    context.database.write(write)
    # A code that works once is worth nothing if the browser forgets at night that it was given.
    kept = int((link.expires_at - now).total_seconds()) if link.code == Code.ONCE else None
    return Opened(principal, cookie, kept)


def _check_code(context: Context, link: Share, code: str | None, address: str, state: State) -> None:
    """The code is right, and used if it works once; else Unauthenticated."""
    ask = "Ask whoever sent you the link for a new code."
    if state is State.USED:
        raise Unauthenticated("the code of this link was used in another browser", where="code", hint=ask)
    if state is State.LOCKED:
        raise Unauthenticated("this link is locked: its code was wrong too often", where="code", hint=ask)
    if not code:
        raise Unauthenticated("this link asks for a code", where="code", hint="Whoever sent you the link has it.")
    if not context.database.write(partial(rows.take_try, number=link.id)):
        raise Unauthenticated("this link is locked: its code was wrong too often", where="code", hint=ask)
    if not Passwords.of(context.settings).verify(sharing.plain_code(code), link.code_hash):
        _refused(context, link, address, "code")
        _fail(context, address)
        left = max(0, sharing.MOST_TRIES - link.tries - 1)
        raise Unauthenticated("the code is wrong", where="code", hint=f"{left} more tries" if left != 1 else "one more try")
    right = partial(rows.right_code, number=link.id, once=link.code == Code.ONCE, at=context.clock())
    if not context.database.write(right):
        raise Unauthenticated("the code of this link was used in another browser", where="code", hint=ask)


def _throttle(context: Context, address: str) -> None:
    """Whoever tries links or codes from one place waits as whoever tries passwords: both are counted together. Raises Busy."""
    key = f"address:{household(address)}"
    found = context.database.read(partial(accounts.attempts, keys=[key])).get(key)
    age = (context.clock() - found.last_at).total_seconds() if found is not None else 0.0
    left = math.ceil(credentials.left_of_delay(found.failures, age, "address")) if found is not None else 0
    if left > 0:
        raise Busy("too many links or logins failed from here", retry_after=left, hint=f"wait {left} s, then try again")


def _fail(context: Context, address: str) -> None:
    now = context.clock()
    forget = now - timedelta(seconds=credentials.FORGET_AFTER_SECONDS)
    if place := household(address):
        fail = partial(accounts.fail, key=f"address:{place}", at=now, forget_before=forget)
        context.database.write(fail)


def _refused(context: Context, link: Share, address: str, reason: str) -> None:
    facts: dict[str, object] = {"address": address, "reason": reason}
    context.database.write(
        lambda connection: _note(connection, Event.SHARE_REFUSED, link, sharing.name_of(link.id), facts)
    )


def resume(context: Context, secret: str, address: str, whose: Whose) -> Principal:
    """The principal of a link's cookie, as link, maker and studies are now. Raises Unauthenticated when it has ended."""
    link = context.database.read(partial(rows.of_session, token_hash=fingerprint(secret)))
    if link is None or link.withdrawn_at is not None or link.expires_at <= context.clock():
        raise Unauthenticated("the link has ended, or was closed here", hint=_ASK)
    return _principal(context, link, address, whose)


def _principal(context: Context, link: Share, address: str, whose: Whose) -> Principal:
    maker = whose(link.maker) if link.maker else SYSTEM
    if maker is None or not access.allow(maker, Permission.STUDY_SHARE):
        raise Unauthenticated("who made this link may not share any more", where="token", hint=_ASK)
    wanted = sharing.permissions(Opens(link.opens), link.download)
    share = access.scope(maker, Permission.STUDY_SHARE)

    def read(connection: Connection) -> dict[Permission, Scope]:
        """Of the link's studies those that the maker may share and do the same with."""
        studies = rows.studies_of(connection, link, MOST_STUDIES)
        # Nothing sensitive leaves by a link, whoever made it, and also when it was marked later.
        may = [each for each in wanted if access.allow(maker, each)]
        seen = {each: access.all_of((share, access.scope(maker, each), access.Discreet())) for each in may}
        found = {scope: visible.permitted(connection, scope, studies) for scope in set(seen.values())}
        return {each: Only(tuple(sorted(found[scope]))) if found[scope] else Nothing() for each, scope in seen.items()}

    return Principal(sharing.name_of(link.id), "link", "link", "link", address, context.database.read(read), link.id)


def shown(context: Context, principal: Principal) -> Share:
    """The link by which a principal comes. Raises Missing when they come by none."""
    found = context.database.read(partial(rows.get, number=principal.link)) if principal.link else None
    if found is None:
        raise Missing("you come by no link")
    return found


def close(context: Context, secret: str, principal: Principal) -> None:
    """Forget the browser; the link goes on, and opens again unless its code was used."""

    def write(connection: Connection) -> None:
        link = rows.of_session(connection, fingerprint(secret))
        if link is not None and rows.leave(connection, fingerprint(secret)):
            _note(connection, Event.SHARE_CLOSED, link, principal.name, {"address": principal.address})

    context.database.write(write)


def take_room(context: Context, principal: Principal, size: int) -> None:
    """Before bytes come over an upload link: they count, whatever becomes of them. Raises TooLarge, Forbidden."""
    if not principal.link or not access.allow(principal, Permission.STUDY_STORE):
        raise Forbidden("the link does not open this", where=Permission.STUDY_STORE.value)
    if not context.database.write(partial(rows.take_room, number=principal.link, size=size)):
        raise TooLarge("there is no more room for this over the link", kept="What was taken in before is kept.", hint=_ASK)
