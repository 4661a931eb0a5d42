"""Rows of identities: as whom the provider knows an account. Plain functions over a Connection."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from isocenter.store.schema import account
from isocenter.store.schema_identities import identity


@dataclass(frozen=True, slots=True)
class Identity:
    """subject None: nobody has come as it yet."""

    account_id: int
    issuer: str
    subject: str | None


_COLUMNS = [identity.c[name] for name in Identity.__slots__]


def of(connection: Connection, account_id: int) -> Identity | None:
    """That of an account; None: it signs in with its password alone."""
    row = connection.execute(select(*_COLUMNS).where(identity.c.account_id == account_id)).one_or_none()
    return Identity(*row) if row else None


def name_of(connection: Connection, issuer: str, subject: str) -> str | None:
    """The name of the account that somebody came as before."""
    whose = select(account.c.name).join(identity, identity.c.account_id == account.c.id)
    name: str | None = connection.scalar(whose.where(identity.c.issuer == issuer, identity.c.subject == subject))
    return name


def names(connection: Connection) -> set[str]:
    """The accounts that sign in with the provider."""
    return set(connection.scalars(select(account.c.name).join(identity, identity.c.account_id == account.c.id)))


def put(connection: Connection, held: Identity, at: datetime) -> None:
    """In place of the account's, if it has one."""
    remove(connection, held.account_id)
    connection.execute(insert(identity).values(account_id=held.account_id, issuer=held.issuer, subject=held.subject, at=at))


def remove(connection: Connection, account_id: int) -> bool:
    """True: there was one."""
    return connection.execute(delete(identity).where(identity.c.account_id == account_id)).rowcount > 0
