"""Rows of the subscriptions to Unified Procedure Steps, and of what is still to be told. Plain functions over a Connection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.ups import Report, ReportType
from isocenter.store.schema_ups import ups_global_subscription, ups_receiver, ups_report, ups_subscription
from isocenter.store.ups import pack, unpack

EVERY_STEP = b""  # the keys of a global subscription that is not filtered


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that its receiver has not been told yet."""

    id: int
    sop_instance_uid: str
    report: Report
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """The oldest events that one receiver is to be told. attempts: how often it was tried since it could last be told."""

    aet: str
    waiting: tuple[Waiting, ...]
    attempts: int


@dataclass(frozen=True, slots=True)
class Global:
    """A subscription to steps as they are created. keys: which; None: every one."""

    aet: str
    keys: Dataset | None
    deletion_lock: bool


def subscribe(connection: Connection, ups_id: int, aet: str, deletion_lock: bool) -> None:
    """Subscribe to one step, or change the lock of a subscription."""
    values = {"ups_fk": ups_id, "aet": aet, "deletion_lock": deletion_lock}
    statement = _insert(connection)(ups_subscription).values(values)
    changed = {"deletion_lock": deletion_lock}
    connection.execute(statement.on_conflict_do_update(index_elements=["ups_fk", "aet"], set_=changed))


def is_subscribed(connection: Connection, ups_id: int, aet: str) -> bool:
    """Whether an AE title is told of a step."""
    query = select(ups_subscription.c.aet).where(ups_subscription.c.ups_fk == ups_id, ups_subscription.c.aet == aet)
    return connection.execute(query).first() is not None


def subscribers(connection: Connection, ups_id: int) -> list[str]:
    """The AE titles that are told of a step."""
    query = select(ups_subscription.c.aet).where(ups_subscription.c.ups_fk == ups_id)
    return list(connection.execute(query.order_by(ups_subscription.c.aet)).scalars())


def all_subscribers(connection: Connection) -> list[str]:
    """Every AE title that is told of anything."""
    both = select(ups_subscription.c.aet).union(select(ups_global_subscription.c.aet))
    return sorted(connection.execute(both).scalars())


def unsubscribe(connection: Connection, aet: str, ups_id: int | None = None) -> None:
    """End an AE title's subscription to a step, with the lock it holds; without an id to all steps."""
    statement = delete(ups_subscription).where(ups_subscription.c.aet == aet)
    connection.execute(statement if ups_id is None else statement.where(ups_subscription.c.ups_fk == ups_id))


def subscribe_globally(connection: Connection, wanted: Global) -> None:
    """Subscribe to what will be created; the same again changes the lock."""
    values = {"aet": wanted.aet, "matching_keys": pack(wanted.keys) if wanted.keys is not None else EVERY_STEP}
    statement = _insert(connection)(ups_global_subscription).values(**values, deletion_lock=wanted.deletion_lock)
    changed = {"deletion_lock": wanted.deletion_lock}
    connection.execute(statement.on_conflict_do_update(index_elements=["aet", "matching_keys"], set_=changed))


def global_subscriptions(connection: Connection) -> list[Global]:
    """All of them."""
    rows = connection.execute(select(ups_global_subscription).order_by(ups_global_subscription.c.id))
    return [Global(row.aet, unpack(row.matching_keys) if row.matching_keys else None, row.deletion_lock) for row in rows]


def drop_global(connection: Connection, aet: str, *, filtered: bool | None = None) -> None:
    """End an AE title's global subscriptions: the filtered ones, the one that is not, or (None) all."""
    table = ups_global_subscription
    statement = delete(table).where(table.c.aet == aet)
    if filtered is not None:
        statement = statement.where(table.c.matching_keys != EVERY_STEP if filtered else table.c.matching_keys == EVERY_STEP)
    connection.execute(statement)


def add(connection: Connection, aets: Iterable[str], sop_instance_uid: str, reports: Sequence[Report], at: datetime) -> None:
    """Have receivers told of events, in this order."""
    packed = [(int(each.type), pack(each.information)) for each in reports]
    for aet in aets:
        if not packed:
            return
        receiver = _insert(connection)(ups_receiver).values(aet=aet, due_at=at)
        connection.execute(receiver.on_conflict_do_nothing(index_elements=["aet"]))
        values = {"aet": aet, "sop_instance_uid": sop_instance_uid, "created_at": at}
        rows = [{**values, "event_type": event_type, "information": information} for event_type, information in packed]
        connection.execute(insert(ups_report), rows)


def forget(connection: Connection, event_type: ReportType) -> None:
    """Have nobody told any more of what waits of this kind."""
    connection.execute(delete(ups_report).where(ups_report.c.event_type == int(event_type)))


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return connection.execute(select(ups_receiver.c.aet).where(_due(now)).limit(1)).first() is not None


def claim(connection: Connection, now: datetime, lease: timedelta, limit: int) -> Batch | None:
    """Take the receiver that has been due for longest; nobody else tells it, so that it learns of events in their order."""
    due = select(ups_receiver).where(_due(now)).order_by(ups_receiver.c.due_at).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(due).one_or_none()  # SQLite has one writer and leaves FOR UPDATE out
    if row is None:
        return None
    taken = {"lease_until": now + lease, "attempts": row.attempts + 1}
    connection.execute(update(ups_receiver).where(ups_receiver.c.aet == row.aet).values(taken))
    query = select(ups_report).where(ups_report.c.aet == row.aet).order_by(ups_report.c.id).limit(limit)
    waiting = tuple(
        Waiting(each.id, each.sop_instance_uid, Report(ReportType(each.event_type), unpack(each.information)), each.created_at)
        for each in connection.execute(query)
    )
    return Batch(row.aet, waiting, row.attempts + 1)


def settle(connection: Connection, batch: Batch, told: Iterable[int], due_at: datetime, *, failed: bool) -> None:
    """Give a receiver back. told: ids of the events that need not be told again; due_at: when the others are tried."""
    for one in told:
        connection.execute(delete(ups_report).where(ups_report.c.id == one))
    values: dict[str, Any] = {"due_at": due_at, "lease_until": None}
    if not failed:
        values["attempts"] = 0
    connection.execute(update(ups_receiver).where(ups_receiver.c.aet == batch.aet).values(values))


def _due(now: datetime) -> ColumnElement[bool]:
    something = exists().where(ups_report.c.aet == ups_receiver.c.aet)
    free = or_(ups_receiver.c.lease_until.is_(None), ups_receiver.c.lease_until < now)
    return and_(ups_receiver.c.due_at <= now, free, something)


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
