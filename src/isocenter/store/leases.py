"""The one home of rows with a lease: work that one process does at a time, and that outlives the process that does it.

    is_due     whether there is something to take: a read, so that an idle worker writes nothing
    take       it is ours until the lease ends: of one that dies meanwhile, the row is free again by itself
    hold       we need longer          give_back     it has ended, or is to be tried again (`due_at`)

A queue is any table with a primary key of one column and `lease_until`; where there is `attempts`, taking counts. What is due,
and what becomes of a row in the end, each queue says itself. (`uploads` are another kind: a node's own, never taken over.)
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, or_, select, update


def free(queue: Table, now: datetime) -> ColumnElement[bool]:
    """Nobody works on it, or whoever did has died."""
    return or_(queue.c.lease_until.is_(None), queue.c.lease_until < now)


def due(queue: Table, now: datetime) -> ColumnElement[bool]:
    """Its time has come, and it is free."""
    return and_(queue.c.due_at <= now, free(queue, now))


def is_due(connection: Connection, queue: Table, which: ColumnElement[bool]) -> bool:
    """Whether `take` would find something."""
    return connection.execute(select(_key(queue)).where(which).limit(1)).first() is not None


def find(
    connection: Connection, queue: Table, which: ColumnElement[bool], *, columns: Sequence[ColumnElement[Any]] = (),
    order: Sequence[ColumnElement[Any]] = (), limit: int | None = 1,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Rows that nobody else is about to take before this transaction ends; those that have been due for longest first."""
    query = select(*(columns or queue.c)).where(which).order_by(*(order or (queue.c.due_at,))).limit(limit)
    return connection.execute(query.with_for_update(skip_locked=True)).all()  # SQLite has one writer and leaves this out


def hold(connection: Connection, queue: Table, keys: Collection[Any], until: datetime, **changed: Any) -> None:
    """The rows of these keys are ours until then; other columns may change with it."""
    connection.execute(update(queue).where(_key(queue).in_(keys)).values(lease_until=until, **changed))


def take(
    connection: Connection, queue: Table, which: ColumnElement[bool], until: datetime, *,
    columns: Sequence[ColumnElement[Any]] = (), order: Sequence[ColumnElement[Any]] = (), limit: int | None = 1, **changed: Any,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Find rows and hold them: as they were before, so that `attempts` is one less than it is now. columns: with the key."""
    rows = find(connection, queue, which, columns=columns, order=order, limit=limit)
    if rows:
        if "attempts" in queue.c:
            changed["attempts"] = queue.c.attempts + 1
        hold(connection, queue, [row._mapping[_key(queue)] for row in rows], until, **changed)
    return rows


def give_back(connection: Connection, queue: Table, *which: ColumnElement[bool], **changed: Any) -> bool:
    """End the lease on rows, with other columns. False: there were none of these any more."""
    return connection.execute(update(queue).where(*which).values(lease_until=None, **changed)).rowcount > 0


def _key(queue: Table) -> ColumnElement[Any]:
    (column,) = queue.primary_key.columns
    return column
