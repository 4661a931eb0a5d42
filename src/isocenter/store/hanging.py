"""Rows of hanging protocols. Plain functions over a Connection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from isocenter.store.schema_hanging import hanging_protocol


@dataclass(frozen=True, slots=True)
class Kept:
    """A protocol as it is kept. shared: for everybody."""

    id: int
    uid: str
    owner: str
    shared: bool
    name: str
    protocol: dict[str, Any]
    changed_at: datetime


def visible(connection: Connection, owner: str) -> list[Kept]:
    """One's own and those of everybody, by name."""
    mine = or_(hanging_protocol.c.owner == owner, hanging_protocol.c.shared)
    query = select(hanging_protocol).where(mine).order_by(hanging_protocol.c.name, hanging_protocol.c.id)
    return [_kept(row) for row in connection.execute(query)]


def one(connection: Connection, protocol_id: int) -> Kept | None:
    """The protocol of an id."""
    row = connection.execute(select(hanging_protocol).where(hanging_protocol.c.id == protocol_id)).one_or_none()
    return _kept(row) if row else None


def count(connection: Connection) -> int:
    """How many there are, of everybody."""
    return int(connection.execute(select(func.count()).select_from(hanging_protocol)).scalar_one())


def published(connection: Connection) -> list[Kept]:
    """Those of everybody, by when they were made."""
    query = select(hanging_protocol).where(hanging_protocol.c.shared).order_by(hanging_protocol.c.id)
    return [_kept(row) for row in connection.execute(query)]


def add(connection: Connection, uid: str, owner: str, shared: bool, protocol: Mapping[str, Any], at: datetime) -> int:
    """Keep one; its id."""
    values = {"uid": uid, "owner": owner, "shared": shared, "name": protocol["name"], "value": _json(protocol), "changed_at": at}
    return int(connection.execute(insert(hanging_protocol).values(values).returning(hanging_protocol.c.id)).scalar_one())


def change(connection: Connection, protocol_id: int, uid: str, shared: bool, protocol: Mapping[str, Any], at: datetime) -> None:
    """Replace what it says and who sees it. uid: a new one, since what was sent under the old one is another object."""
    values = {"uid": uid, "shared": shared, "name": protocol["name"], "value": _json(protocol), "changed_at": at}
    connection.execute(update(hanging_protocol).where(hanging_protocol.c.id == protocol_id).values(values))


def remove(connection: Connection, protocol_id: int) -> None:
    """Forget one."""
    connection.execute(delete(hanging_protocol).where(hanging_protocol.c.id == protocol_id))


def _json(protocol: Mapping[str, Any]) -> str:
    return json.dumps(protocol, ensure_ascii=False)


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.id, row.uid, row.owner, row.shared, row.name, json.loads(row.value), row.changed_at)
