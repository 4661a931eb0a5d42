"""What people drew on the images of a study: rows that are only added, so that every version can be had again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select

from isocenter.store.schema import account
from isocenter.store.schema_annotations import annotation as table


@dataclass(frozen=True, slots=True)
class Version:
    """One step: what it set and what it took away, by item."""

    version: int
    at: datetime
    set: int
    removed: int


def lock(connection: Connection, account_id: int) -> None:
    """Whoever writes for this account waits here, so that versions have one order."""
    connection.execute(select(account.c.id).where(account.c.id == account_id).with_for_update())


def latest(connection: Connection, account_id: int, study_uid: str) -> int:
    """The newest version; 0 when nothing was ever drawn."""
    query = select(func.max(table.c.version)).where(table.c.account_id == account_id, table.c.study_uid == study_uid)
    return connection.execute(query).scalar_one() or 0


def items(connection: Connection, account_id: int, study_uid: str, version: int) -> dict[str, str]:
    """What was there at a version: item -> JSON text, in the order in which items were first drawn."""
    of_study = and_(table.c.account_id == account_id, table.c.study_uid == study_uid, table.c.version <= version)
    newest = (
        select(table.c.item, func.max(table.c.version).label("newest"), func.min(table.c.version).label("oldest"))
        .where(of_study)
        .group_by(table.c.item)
        .subquery()
    )
    query = (
        select(table.c.item, table.c.value)
        .join(newest, and_(newest.c.item == table.c.item, newest.c.newest == table.c.version))
        .where(of_study, table.c.value != "")
        .order_by(newest.c.oldest, table.c.item)
    )
    return {row.item: row.value for row in connection.execute(query)}


def count(connection: Connection, account_id: int, study_uid: str) -> int:
    """How many rows an account has for a study, of all versions."""
    query = select(func.count()).select_from(table).where(table.c.account_id == account_id, table.c.study_uid == study_uid)
    return int(connection.execute(query).scalar_one())


def add(connection: Connection, account_id: int, study_uid: str, version: int, changed: Mapping[str, str], at: datetime) -> None:
    """A new version. changed: item -> JSON text, "" takes it away."""
    rows = [
        {"account_id": account_id, "study_uid": study_uid, "version": version, "item": item, "value": value, "at": at}
        for item, value in changed.items()
    ]
    connection.execute(insert(table), rows)


def versions(connection: Connection, account_id: int, study_uid: str, limit: int) -> Sequence[Version]:
    """The newest steps, the newest first."""
    removed = func.count().filter(table.c.value == "")
    query = (
        select(table.c.version, func.max(table.c.at).label("at"), func.count().label("total"), removed.label("removed"))
        .where(table.c.account_id == account_id, table.c.study_uid == study_uid)
        .group_by(table.c.version)
        .order_by(table.c.version.desc())
        .limit(limit)
    )
    return [Version(row.version, row.at, row.total - row.removed, row.removed) for row in connection.execute(query)]
