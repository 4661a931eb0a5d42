"""Rows of de-identification projects. Plain functions over a Connection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from isocenter.store.schema_deidentification import deid_project


@dataclass(frozen=True, slots=True)
class Kept:
    """A project as it is kept. closed: nothing leaves by it any more."""

    id: int
    name: str
    description: str
    secret: bytes
    value: dict[str, Any]
    closed: bool
    changed_at: datetime


def every(connection: Connection) -> list[Kept]:
    """All of them, by name."""
    return [_kept(row) for row in connection.execute(select(deid_project).order_by(deid_project.c.name))]


def one(connection: Connection, name: str) -> Kept | None:
    """The project of a name."""
    row = connection.execute(select(deid_project).where(deid_project.c.name == name)).one_or_none()
    return _kept(row) if row else None


def add(connection: Connection, name: str, description: str, secret: bytes, value: Mapping[str, Any], at: datetime) -> None:
    """Keep one."""
    connection.execute(insert(deid_project).values(name=name, description=description, secret=secret.hex(), closed=False,
                                                   value=json.dumps(value, ensure_ascii=False), changed_at=at))  # fmt: skip


def change(connection: Connection, kept: Kept, at: datetime) -> None:
    """Replace what it says; its name and its secret stay."""
    values = {"description": kept.description, "value": json.dumps(kept.value, ensure_ascii=False), "closed": kept.closed,
              "changed_at": at}  # fmt: skip
    connection.execute(update(deid_project).where(deid_project.c.id == kept.id).values(values))


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.id, row.name, row.description, bytes.fromhex(row.secret), json.loads(row.value), row.closed, row.changed_at)
