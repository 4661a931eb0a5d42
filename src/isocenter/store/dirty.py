"""Series whose derived data (metadata document, thumbnails) must be made anew: rows with leases (LIBRARIES 1.4).

`arriving.add` writes the row in the transaction of the instances; a sweeper claims what has gone quiet, does the work, and says
done. A sweeper that dies loses its lease, and another one claims the series. An instance that arrives meanwhile moves `due_at`,
so that `done` leaves the row for the next round.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from isocenter.store.schema import series, series_dirty, study


@dataclass(frozen=True, slots=True)
class Claimed:
    """A series to work on. due_at goes back into `done`."""

    series_id: int
    study_instance_uid: str
    series_instance_uid: str
    due_at: datetime
    attempts: int


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle sweeper writes nothing."""
    due = (
        select(series_dirty.c.series_fk)
        .where(series_dirty.c.due_at <= now, or_(series_dirty.c.lease_until.is_(None), series_dirty.c.lease_until < now))
        .limit(1)
    )
    return connection.execute(due).first() is not None


def claim(connection: Connection, now: datetime, limit: int, lease: timedelta) -> list[Claimed]:
    """Take up to `limit` series that are due and that nobody else works on, the oldest first."""
    due = (
        select(series_dirty.c.series_fk)
        .where(series_dirty.c.due_at <= now, or_(series_dirty.c.lease_until.is_(None), series_dirty.c.lease_until < now))
        .order_by(series_dirty.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has one writer and leaves this out
    )
    ids = list(connection.execute(due).scalars())
    if not ids:
        return []
    connection.execute(
        update(series_dirty)
        .where(series_dirty.c.series_fk.in_(ids))
        .values(lease_until=now + lease, attempts=series_dirty.c.attempts + 1)
    )
    rows = connection.execute(
        select(series_dirty.c.series_fk, study.c.study_instance_uid, series.c.series_instance_uid, series_dirty.c.due_at,
               series_dirty.c.attempts)
        .join(series, series.c.id == series_dirty.c.series_fk)
        .join(study, study.c.id == series.c.study_fk)
        .where(series_dirty.c.series_fk.in_(ids))
        .order_by(series_dirty.c.due_at)
    )
    return [Claimed(*row) for row in rows]


def done(connection: Connection, claimed: Claimed) -> bool:
    """The work is done. False: something arrived meanwhile, the series stays due."""
    gone = connection.execute(
        delete(series_dirty).where(series_dirty.c.series_fk == claimed.series_id, series_dirty.c.due_at == claimed.due_at)
    )
    if gone.rowcount:
        return True
    connection.execute(update(series_dirty).where(series_dirty.c.series_fk == claimed.series_id).values(lease_until=None))
    return False


def failed(connection: Connection, claimed: Claimed, again_at: datetime) -> None:
    """The work failed: try again at `again_at`, unless something newer is due earlier."""
    connection.execute(
        update(series_dirty)
        .where(series_dirty.c.series_fk == claimed.series_id, series_dirty.c.due_at == claimed.due_at)
        .values(due_at=again_at, lease_until=None)
    )


def mark(connection: Connection, series_id: int, due_at: datetime) -> None:
    """Say that a series' derived data must be made (again)."""
    connection.execute(delete(series_dirty).where(series_dirty.c.series_fk == series_id))
    connection.execute(series_dirty.insert().values(series_fk=series_id, due_at=due_at))
