"""Rows of passkeys. Plain functions over a Connection."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.store.schema_passkeys import passkey, passkey_challenge


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that an account's owner keeps in a telephone, a computer or a stick; here is its public half."""

    credential_id: str
    account_id: int
    public_key: str
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None = None


_COLUMNS = [passkey.c[name] for name in Passkey.__slots__]


def of(connection: Connection, account_id: int) -> list[Passkey]:
    """Those of an account, oldest first."""
    query = select(*_COLUMNS).where(passkey.c.account_id == account_id).order_by(passkey.c.created_at, passkey.c.credential_id)
    return [Passkey(*row) for row in connection.execute(query)]


def find(connection: Connection, credential_id: str) -> Passkey | None:
    """The one of this ID."""
    row = connection.execute(select(*_COLUMNS).where(passkey.c.credential_id == credential_id)).one_or_none()
    return Passkey(*row) if row else None


def add(connection: Connection, held: Passkey) -> None:
    """Keep a new one."""
    connection.execute(insert(passkey).values({name: getattr(held, name) for name in Passkey.__slots__}))


def use(connection: Connection, credential_id: str, sign_count: int, at: datetime) -> None:
    """Note that it was used, with its new count."""
    values = {"sign_count": sign_count, "used_at": at}
    connection.execute(update(passkey).where(passkey.c.credential_id == credential_id).values(values))


def remove(connection: Connection, account_id: int, credential_id: str = "") -> int:
    """Remove one of an account, or all of them; how many there were."""
    whose = delete(passkey).where(passkey.c.account_id == account_id)
    return connection.execute(whose.where(passkey.c.credential_id == credential_id) if credential_id else whose).rowcount


def spend(connection: Connection, fingerprint: str, at: datetime, forget: datetime) -> bool:
    """Whether a challenge was not used before; those used before `forget` are no longer valid anyway."""
    connection.execute(delete(passkey_challenge).where(passkey_challenge.c.used_at < forget))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(passkey_challenge).values(fingerprint=fingerprint, used_at=at).on_conflict_do_nothing()
    return connection.execute(row.returning(passkey_challenge.c.used_at)).first() is not None
