"""Rows of Hanging Protocol objects as they came in. Plain functions over a Connection."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.events import Event
from isocenter.store import changes
from isocenter.store.arriving import Origin
from isocenter.store.schema_hanging import hanging_object


@dataclass(frozen=True, slots=True)
class Held:
    """An object. content: the Part 10 file, byte for byte as it came."""

    id: int
    uid: str
    transfer_syntax_uid: str
    dataset_offset: int
    content: bytes
    source: str
    source_aet: str
    actor: str
    received_at: datetime


_HELD = [hanging_object.c[name] for name in Held.__slots__]


def add(
    connection: Connection, uid: str, content: bytes, transfer_syntax_uid: str, dataset_offset: int, origin: Origin, at: datetime
) -> Literal["stored", "duplicate", "version"]:
    """Keep one. duplicate: its data set is held already; version: another data set of this UID is, and goes on being served."""
    sha256 = hashlib.sha256(memoryview(content)[dataset_offset:]).hexdigest()
    held = connection.execute(select(hanging_object.c.sha256).where(hanging_object.c.uid == uid)).scalars().all()
    if sha256 in held:
        return "duplicate"
    values = {
        "uid": uid, "sha256": sha256, "transfer_syntax_uid": transfer_syntax_uid, "dataset_offset": dataset_offset,
        "content": content, "source": origin.source, "source_aet": origin.source_aet, "actor": origin.actor, "received_at": at,
    }  # fmt: skip
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(hanging_object).values(values).on_conflict_do_nothing().returning(hanging_object.c.id)
    if connection.execute(statement).first() is None:  # another process was quicker
        return "duplicate"
    payload = {"source": origin.source, "source_aet": origin.source_aet, "address": origin.address}
    changes.append(connection, Event.HANGING_RECEIVED, uid, origin.actor, payload)
    return "version" if held else "stored"


def one(connection: Connection, object_id: int) -> Held | None:
    """The object of an id."""
    row = connection.execute(select(*_HELD).where(hanging_object.c.id == object_id)).one_or_none()
    return _held(row) if row else None


def served(connection: Connection, uids: Collection[str] = ()) -> Iterator[Held]:
    """The first object of each UID, in the order they came. uids: only of these, when there are any."""
    query = select(*_HELD).order_by(hanging_object.c.id)
    if uids:
        query = query.where(hanging_object.c.uid.in_(list(uids)))
    seen: set[str] = set()
    for row in connection.execute(query.execution_options(yield_per=16)):
        if row.uid not in seen:
            seen.add(row.uid)
            yield _held(row)


def _held(row: Row[Any]) -> Held:
    return Held(*tuple(row))
