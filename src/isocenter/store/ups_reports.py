"""Rows of the subscriptions to Unified Procedure Steps, and of what is still to be told. Plain functions over a Connection.

The numbers of one receiver's events follow the order of their commits: what adds some holds the receiver's row until it commits.
So who reads on from a number misses none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.ups import Report, ReportType
from isocenter.store import leases
from isocenter.store.schema_ups import ups_global_subscription, ups_receiver, ups_report, ups_subscription
from isocenter.store.ups import pack, unpack

EVERY_STEP = b""  # the keys of a global subscription that is not filtered


@dataclass(frozen=True, slots=True, order=True)
class Subscriber:
    """Who is told. web: over a WebSocket, not by N-EVENT-REPORT."""

    aet: str
    web: bool = False


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

    to: Subscriber
    keys: Dataset | None
    deletion_lock: bool


def subscribe(connection: Connection, ups_id: int, to: Subscriber, deletion_lock: bool) -> None:
    """Subscribe to one step, or change the lock of a subscription and how it is told."""
    changed = {"deletion_lock": deletion_lock, "web": to.web}
    statement = _insert(connection)(ups_subscription).values({"ups_fk": ups_id, "aet": to.aet, **changed})
    connection.execute(statement.on_conflict_do_update(index_elements=["ups_fk", "aet"], set_=changed))


def is_subscribed(connection: Connection, ups_id: int, aet: str) -> bool:
    """Whether an AE title is told of a step."""
    query = select(ups_subscription.c.aet).where(ups_subscription.c.ups_fk == ups_id, ups_subscription.c.aet == aet)
    return connection.execute(query).first() is not None


def subscribers(connection: Connection, ups_id: int) -> list[Subscriber]:
    """Who is told of a step, by AE title."""
    query = select(ups_subscription.c.aet, ups_subscription.c.web).where(ups_subscription.c.ups_fk == ups_id)
    return [Subscriber(row.aet, row.web) for row in connection.execute(query.order_by(ups_subscription.c.aet))]


def is_subscriber(connection: Connection, aet: str) -> bool:
    """Whether an AE title is told of anything."""
    both = [select(table.c.aet).where(table.c.aet == aet).limit(1) for table in (ups_subscription, ups_global_subscription)]
    return any(connection.execute(query).first() is not None for query in both)


def all_subscribers(connection: Connection) -> list[Subscriber]:
    """Everybody who is told of anything, by AE title."""
    table, everywhere = ups_subscription.c, ups_global_subscription.c
    both = select(table.aet, table.web).union(select(everywhere.aet, everywhere.web))
    return sorted(Subscriber(row.aet, row.web) for row in connection.execute(both))


def unsubscribe(connection: Connection, aet: str, ups_id: int | None = None) -> None:
    """End an AE title's subscription to a step, with the lock it holds; without an id to all steps."""
    statement = delete(ups_subscription).where(ups_subscription.c.aet == aet)
    connection.execute(statement if ups_id is None else statement.where(ups_subscription.c.ups_fk == ups_id))


def subscribe_globally(connection: Connection, wanted: Global) -> None:
    """Subscribe to what will be created; the same again changes the lock."""
    values = {"aet": wanted.to.aet, "matching_keys": pack(wanted.keys) if wanted.keys is not None else EVERY_STEP}
    changed = {"deletion_lock": wanted.deletion_lock, "web": wanted.to.web}
    statement = _insert(connection)(ups_global_subscription).values(**values, **changed)
    connection.execute(statement.on_conflict_do_update(index_elements=["aet", "matching_keys"], set_=changed))


def global_subscriptions(connection: Connection) -> list[Global]:
    """All of them."""
    rows = connection.execute(select(ups_global_subscription).order_by(ups_global_subscription.c.id))
    return [
        Global(Subscriber(row.aet, row.web), unpack(row.matching_keys) if row.matching_keys else None, row.deletion_lock)
        for row in rows
    ]


def drop_global(connection: Connection, aet: str, *, filtered: bool | None = None) -> None:
    """End an AE title's global subscriptions: the filtered ones, the one that is not, or (None) all."""
    table = ups_global_subscription
    statement = delete(table).where(table.c.aet == aet)
    if filtered is not None:
        statement = statement.where(table.c.matching_keys != EVERY_STEP if filtered else table.c.matching_keys == EVERY_STEP)
    connection.execute(statement)


def add(
    connection: Connection, to: Iterable[Subscriber], sop_instance_uid: str, reports: Sequence[Report], at: datetime
) -> None:
    """Have subscribers told of events, in this order."""
    receivers, packed = sorted(set(to)), [(int(each.type), pack(each.information)) for each in reports]
    if not receivers or not packed:
        return
    for aet in sorted({each.aet for each in receivers}):
        receiver = _insert(connection)(ups_receiver).values(aet=aet, due_at=at)
        connection.execute(receiver.on_conflict_do_nothing(index_elements=["aet"]))
        # until the commit nobody else adds events of this receiver: see above; SQLite has one writer and leaves this out
        connection.execute(select(ups_receiver.c.aet).where(ups_receiver.c.aet == aet).with_for_update())
    for each in receivers:
        values = {"aet": each.aet, "web": each.web, "sop_instance_uid": sop_instance_uid, "created_at": at}
        rows = [{**values, "event_type": event_type, "information": information} for event_type, information in packed]
        connection.execute(insert(ups_report), rows)


def forget(connection: Connection, event_type: ReportType) -> None:
    """Have nobody told any more of what waits of this kind."""
    connection.execute(delete(ups_report).where(ups_report.c.event_type == int(event_type)))


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, ups_receiver, _due(now))


def claim(connection: Connection, now: datetime, lease: timedelta, limit: int) -> Batch | None:
    """Take the receiver that has been due for longest; nobody else tells it, so that it learns of events in their order."""
    for row in leases.take(connection, ups_receiver, _due(now), now + lease):
        query = select(ups_report).where(ups_report.c.aet == row.aet, ~ups_report.c.web).order_by(ups_report.c.id).limit(limit)
        return Batch(row.aet, tuple(map(_waiting, connection.execute(query))), row.attempts + 1)
    return None


def settle(connection: Connection, batch: Batch, told: Iterable[int], due_at: datetime, *, failed: bool) -> None:
    """Give a receiver back. told: ids of the events that need not be told again; due_at: when the others are tried."""
    for one in told:
        connection.execute(delete(ups_report).where(ups_report.c.id == one))
    counted = {} if failed else {"attempts": 0}
    leases.give_back(connection, ups_receiver, ups_receiver.c.aet == batch.aet, due_at=due_at, **counted)


# ---- what is told over WebSockets


def beginning(connection: Connection, aet: str) -> int:
    """The number after which a new connection of a subscriber reads: before the first event that none of its has been told."""
    of_subscriber = and_(ups_report.c.aet == aet, ups_report.c.web)
    untold = connection.execute(select(func.min(ups_report.c.id)).where(of_subscriber, ups_report.c.told_at.is_(None))).scalar()
    if untold is not None:
        return int(untold) - 1
    return connection.execute(select(func.max(ups_report.c.id)).where(of_subscriber)).scalar() or 0


def newest(connection: Connection, aets: Sequence[str]) -> dict[str, int]:
    """The number of each subscriber's newest event; a read for all that are connected to a process."""
    query = select(ups_report.c.aet, func.max(ups_report.c.id)).where(ups_report.c.aet.in_(aets), ups_report.c.web)
    return dict(connection.execute(query.group_by(ups_report.c.aet)).tuples().all())


def after(connection: Connection, aet: str, number: int, limit: int) -> list[Waiting]:
    """A subscriber's events after a number, the oldest first."""
    query = select(ups_report).where(ups_report.c.aet == aet, ups_report.c.web, ups_report.c.id > number)
    return list(map(_waiting, connection.execute(query.order_by(ups_report.c.id).limit(limit))))


def told(connection: Connection, numbers: Sequence[int], at: datetime) -> None:
    """Events have been sent to a connection of their subscriber."""
    untold = and_(ups_report.c.id.in_(numbers), ups_report.c.told_at.is_(None))
    connection.execute(update(ups_report).where(untold).values(told_at=at))


def drop(connection: Connection, told_before: datetime, created_before: datetime, limit: int) -> int:
    """Remove events that were told, or that nobody came for, before these times; how many."""
    old = select(ups_report.c.id).where(_old(told_before, created_before)).limit(limit)
    return connection.execute(delete(ups_report).where(ups_report.c.id.in_(old.scalar_subquery()))).rowcount


def has_old(connection: Connection, told_before: datetime, created_before: datetime) -> bool:
    """Whether `drop` would find something: a read."""
    return connection.execute(select(ups_report.c.id).where(_old(told_before, created_before)).limit(1)).first() is not None


def _old(told_before: datetime, created_before: datetime) -> ColumnElement[bool]:
    return and_(ups_report.c.web, or_(ups_report.c.told_at < told_before, ups_report.c.created_at < created_before))


def _waiting(row: Any) -> Waiting:
    report = Report(ReportType(row.event_type), unpack(row.information))
    return Waiting(row.id, row.sop_instance_uid, report, row.created_at)


def _due(now: datetime) -> ColumnElement[bool]:
    something = exists().where(ups_report.c.aet == ups_receiver.c.aet, ~ups_report.c.web)
    return and_(leases.due(ups_receiver, now), something)


def _insert(connection: Connection) -> Any:
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
