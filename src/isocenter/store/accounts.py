"""Rows of who may come in: accounts, sessions, tokens, login attempts. Plain functions over a Connection.

Secrets never reach this floor: callers pass argon2 hashes and SHA-256 fingerprints. Times are aware and in UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.access import Role
from isocenter.domain.errors import Conflict
from isocenter.store import schema


@dataclass(frozen=True, slots=True)
class Account:
    """A person or a program. `name` is lower case; `referrer_name` is a PN, for the role referrer.

    studies: all it sees (`access.limit`), "" for no limit.
    """

    id: int
    name: str
    role: str
    password_hash: str
    referrer_name: str
    disabled: bool
    created_at: datetime
    password_changed_at: datetime
    studies: str


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's login."""

    token_hash: str
    account_id: int
    address: str
    created_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token; `role` "" means the account's. `expires_at` None: never."""

    id: int
    account_id: int
    account_name: str
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    permissions: str = ""  # separated by spaces; empty: all that account and role have


@dataclass(frozen=True, slots=True)
class Attempt:
    """Failed logins under one key, and when the last was."""

    key: str
    failures: int
    last_at: datetime


_ACCOUNT = [schema.account.c[name] for name in Account.__slots__]
_SESSION = [schema.session.c[name] for name in Session.__slots__]
_OWNER = schema.account.c.name.label("account_name")
_TOKEN = [_OWNER if name == "account_name" else schema.token.c[name] for name in Token.__slots__]
_ATTEMPT = [schema.login_attempt.c[name] for name in Attempt.__slots__]


def _split(row: Row[Any], columns: int) -> tuple[tuple[Any, ...], Account]:
    """The values of a joined row's first table, and the account that follows them."""
    values = tuple(row)
    return values[:columns], Account(*values[columns:])


# accounts


def add_account(
    connection: Connection, *, name: str, role: str, password_hash: str, referrer_name: str, studies: str, at: datetime
) -> Account:
    """Add an enabled account. Raises Conflict when the name is taken."""
    if account(connection, name):
        raise Conflict("there is an account of this name already", where="name", hint="choose another name, or change that one")
    values = {
        "name": name, "role": role, "password_hash": password_hash, "referrer_name": referrer_name, "disabled": False,
        "created_at": at, "password_changed_at": at, "studies": studies,
    }  # fmt: skip
    row = connection.execute(insert(schema.account).values(values).returning(schema.account.c.id)).one()
    return Account(id=row.id, **values)  # type: ignore[arg-type]


def account(connection: Connection, name: str) -> Account | None:
    """The account of a (lower-case) name."""
    row = connection.execute(select(*_ACCOUNT).where(schema.account.c.name == name)).one_or_none()
    return Account(*row) if row else None


def accounts(connection: Connection) -> list[Account]:
    """Every account, by name."""
    return [Account(*row) for row in connection.execute(select(*_ACCOUNT).order_by(schema.account.c.name))]


def has_admin(connection: Connection) -> bool:
    """Whether somebody can still manage the archive."""
    return any(each.role == Role.ADMIN and not each.disabled for each in accounts(connection))


def update_account(connection: Connection, name: str, **columns: Any) -> bool:
    """Set columns of an account; False when there is none."""
    return connection.execute(update(schema.account).where(schema.account.c.name == name).values(columns)).rowcount > 0


# sessions


def add_session(connection: Connection, *, token_hash: str, account_id: int, address: str, at: datetime) -> None:
    """Remember a new session by the fingerprint of its secret."""
    values = {"token_hash": token_hash, "account_id": account_id, "address": address, "created_at": at, "seen_at": at}
    connection.execute(insert(schema.session).values(values))


def session(connection: Connection, token_hash: str) -> tuple[Session, Account] | None:
    """A session and whose it is."""
    query = select(*_SESSION, *_ACCOUNT).join_from(schema.session, schema.account)
    row = connection.execute(query.where(schema.session.c.token_hash == token_hash)).one_or_none()
    if row is None:
        return None
    values, owner = _split(row, len(_SESSION))
    return Session(*values), owner


def sessions(connection: Connection, account_name: str = "") -> list[tuple[Session, Account]]:
    """Every session (of one account) and whose it is, last used first; those that timed out are among them."""
    query = select(*_SESSION, *_ACCOUNT).join_from(schema.session, schema.account)
    if account_name:
        query = query.where(schema.account.c.name == account_name)
    rows = connection.execute(query.order_by(schema.session.c.seen_at.desc(), schema.session.c.token_hash))
    return [(Session(*values), owner) for values, owner in (_split(row, len(_SESSION)) for row in rows)]


def touch_session(connection: Connection, token_hash: str, at: datetime) -> None:
    """Note that a session is in use."""
    connection.execute(update(schema.session).where(schema.session.c.token_hash == token_hash).values(seen_at=at))


def drop_session(connection: Connection, token_hash: str) -> bool:
    """End one session; False when it had ended already."""
    return connection.execute(delete(schema.session).where(schema.session.c.token_hash == token_hash)).rowcount > 0


def drop_sessions(connection: Connection, account_id: int, keep_hash: str = "") -> int:
    """End every session of an account but one; how many ended."""
    mine = (schema.session.c.account_id == account_id) & (schema.session.c.token_hash != keep_hash)
    return connection.execute(delete(schema.session).where(mine)).rowcount


def drop_idle_sessions(connection: Connection, seen_before: datetime, created_before: datetime) -> int:
    """Forget sessions that timed out; how many."""
    over = (schema.session.c.seen_at < seen_before) | (schema.session.c.created_at < created_before)
    return connection.execute(delete(schema.session).where(over)).rowcount


# tokens


def add_token(
    connection: Connection, *, token_hash: str, owner: Account, name: str, role: str, at: datetime, expires_at: datetime | None,
    permissions: str = "",
) -> Token:  # fmt: skip
    """Remember a new bearer token by its fingerprint."""
    values = {
        "token_hash": token_hash, "account_id": owner.id, "name": name, "role": role, "created_at": at, "expires_at": expires_at,
        "permissions": permissions,
    }  # fmt: skip
    row = connection.execute(insert(schema.token).values(values).returning(schema.token.c.id)).one()
    return Token(row.id, owner.id, owner.name, name, role, at, expires_at, None, permissions)


def token(connection: Connection, token_hash: str) -> tuple[Token, Account] | None:
    """A token and whose it is."""
    query = select(*_TOKEN, *_ACCOUNT).join_from(schema.token, schema.account)
    row = connection.execute(query.where(schema.token.c.token_hash == token_hash)).one_or_none()
    if row is None:
        return None
    values, owner = _split(row, len(_TOKEN))
    return Token(*values), owner


def tokens(connection: Connection) -> list[Token]:
    """Every token, by account and age."""
    query = select(*_TOKEN).join_from(schema.token, schema.account).order_by(schema.account.c.name, schema.token.c.id)
    return [Token(*row) for row in connection.execute(query)]


def touch_token(connection: Connection, token_id: int, at: datetime) -> None:
    """Note that a token is in use."""
    connection.execute(update(schema.token).where(schema.token.c.id == token_id).values(used_at=at))


def drop_token(connection: Connection, token_id: int) -> Token | None:
    """Revoke a token; None when there is none."""
    query = select(*_TOKEN).join_from(schema.token, schema.account).where(schema.token.c.id == token_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    connection.execute(delete(schema.token).where(schema.token.c.id == token_id))
    return Token(*row)


# login attempts


def attempts(connection: Connection, keys: Iterable[str]) -> dict[str, Attempt]:
    """The failures under those of the keys that have any."""
    query = select(*_ATTEMPT).where(schema.login_attempt.c.key.in_(list(keys)))
    return {row.key: Attempt(*row) for row in connection.execute(query)}


def fail(connection: Connection, key: str, at: datetime, forget_before: datetime) -> None:
    """Count one more failure under a key; a count whose last failure is older than `forget_before` begins again."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    attempt = schema.login_attempt
    connection.execute(delete(attempt).where(attempt.c.key == key, attempt.c.last_at < forget_before))
    statement = dialect.insert(attempt).values(key=key, failures=1, last_at=at)
    again = {"failures": attempt.c.failures + 1, "last_at": statement.excluded.last_at}
    connection.execute(statement.on_conflict_do_update(index_elements=[attempt.c.key], set_=again))


def clear_attempts(connection: Connection, key: str) -> None:
    """Forget the failures under a key."""
    connection.execute(delete(schema.login_attempt).where(schema.login_attempt.c.key == key))


def drop_old_attempts(connection: Connection, last_before: datetime) -> int:
    """Forget failures that delay nobody any more: names and addresses are not kept for longer than they serve; how many."""
    return connection.execute(delete(schema.login_attempt).where(schema.login_attempt.c.last_at < last_before)).rowcount
