"""What the people of each account like, part by part, as JSON text."""

from sqlalchemy import Connection, delete, func, insert, select

from isocenter.store.schema import account, preference


def preferences(connection: Connection, name: str) -> dict[str, str]:
    """Every part of an account's preferences -> its JSON text."""
    query = select(preference.c.part, preference.c.value).join_from(preference, account).where(account.c.name == name)
    return {row.part: row.value for row in connection.execute(query.order_by(preference.c.part))}


def set_preference(connection: Connection, account_id: int, part: str, value: str) -> None:
    """Replace one part."""
    drop_preference(connection, account_id, part)
    connection.execute(insert(preference).values(account_id=account_id, part=part, value=value))


def drop_preference(connection: Connection, account_id: int, part: str) -> None:
    """Forget one part."""
    connection.execute(delete(preference).where(preference.c.account_id == account_id, preference.c.part == part))


def count(connection: Connection, account_id: int) -> int:
    """How many parts an account has."""
    query = select(func.count()).select_from(preference).where(preference.c.account_id == account_id)
    return int(connection.execute(query).scalar_one())
