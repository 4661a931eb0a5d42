"""Rows of second factors. Plain functions over a Connection; codes come as fingerprints, secrets never."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from isocenter.store.schema_factors import factor, recovery_code


@dataclass(frozen=True, slots=True)
class Factor:
    """What is known of an account's second factor. confirmed_at None: begun, and not asked for yet."""

    account_id: int
    nonce: str
    created_at: datetime
    confirmed_at: datetime | None
    last_step: int


_COLUMNS = [factor.c[name] for name in Factor.__slots__]


def of(connection: Connection, account_id: int) -> Factor | None:
    """The second factor of an account, confirmed or not."""
    row = connection.execute(select(*_COLUMNS).where(factor.c.account_id == account_id)).one_or_none()
    return Factor(*row) if row else None


def begin(connection: Connection, account_id: int, nonce: str, at: datetime) -> None:
    """A new one, in place of one that was not confirmed."""
    remove(connection, account_id)
    connection.execute(insert(factor).values(account_id=account_id, nonce=nonce, created_at=at))


def confirm(connection: Connection, account_id: int, at: datetime, recovery: Iterable[str]) -> None:
    """It is asked for from now on. recovery: fingerprints of codes."""
    connection.execute(update(factor).where(factor.c.account_id == account_id).values(confirmed_at=at))
    connection.execute(insert(recovery_code), [{"account_id": account_id, "code_hash": each} for each in recovery])


def take(connection: Connection, account_id: int, step: int) -> bool:
    """Note that the code of a time step was used; False when it or a later one was before, in another process perhaps."""
    unused = (factor.c.account_id == account_id) & (factor.c.last_step < step)
    return connection.execute(update(factor).where(unused).values(last_step=step)).rowcount > 0


def spend(connection: Connection, account_id: int, code_hash: str) -> bool:
    """Use a recovery code up; False when there is none of this fingerprint."""
    mine = (recovery_code.c.account_id == account_id) & (recovery_code.c.code_hash == code_hash)
    return connection.execute(delete(recovery_code).where(mine)).rowcount > 0


def left(connection: Connection, account_id: int) -> int:
    """How many recovery codes are left."""
    return connection.execute(select(func.count()).where(recovery_code.c.account_id == account_id)).scalar_one()


def remove(connection: Connection, account_id: int) -> bool:
    """Forget it; False when there was none."""
    connection.execute(delete(recovery_code).where(recovery_code.c.account_id == account_id))
    return connection.execute(delete(factor).where(factor.c.account_id == account_id)).rowcount > 0
