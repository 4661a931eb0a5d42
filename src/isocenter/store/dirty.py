"""Series whose derived data (metadata document, copies for viewing) must be made anew: rows with leases (LIBRARIES 1.4).

`arriving.add` writes the row in the transaction of the instances; a sweeper claims what has gone quiet, does the work, and says
done. A sweeper that dies loses its lease, and another one claims the series. An instance that arrives meanwhile moves `due_at`,
so that `done` leaves the row for the next round. Each kind of work has a queue of its own: a table of this shape.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.store import leases
from isocenter.store.schema import series, series_dirty, study


@dataclass(frozen=True, slots=True)
class Claimed:
    """A series to work on. due_at goes back into `done`."""

    series_id: int
    study_instance_uid: str
    series_instance_uid: str
    due_at: datetime
    attempts: int


def is_due(connection: Connection, now: datetime, queue: Table = series_dirty) -> bool:
    """Whether `claim` would find something: a read, so that an idle sweeper writes nothing."""
    return leases.is_due(connection, queue, leases.due(queue, now))


def claim(
    connection: Connection, now: datetime, limit: int, lease: timedelta, queue: Table = series_dirty
) -> list[Claimed]:
    """Take up to `limit` series that are due and that nobody else works on, the oldest first."""
    taken = leases.take(connection, queue, leases.due(queue, now), now + lease, columns=(queue.c.series_fk,), limit=limit)
    if not taken:
        return []
    ids = [row.series_fk for row in taken]
    rows = connection.execute(
        select(queue.c.series_fk, study.c.study_instance_uid, series.c.series_instance_uid, queue.c.due_at,
               queue.c.attempts)
        .join(series, series.c.id == queue.c.series_fk)
        .join(study, study.c.id == series.c.study_fk)
        .where(queue.c.series_fk.in_(ids))
        .order_by(queue.c.due_at)
    )
    return [Claimed(*row) for row in rows]


def done(connection: Connection, claimed: Claimed, queue: Table = series_dirty) -> bool:
    """The work is done. False: something arrived meanwhile, the series stays due."""
    gone = connection.execute(
        delete(queue).where(queue.c.series_fk == claimed.series_id, queue.c.due_at == claimed.due_at)
    )
    if gone.rowcount:
        return True
    leases.give_back(connection, queue, queue.c.series_fk == claimed.series_id)
    return False


def failed(connection: Connection, claimed: Claimed, again_at: datetime, queue: Table = series_dirty) -> None:
    """The work failed: try again at `again_at`, unless something newer is due earlier."""
    unchanged = (queue.c.series_fk == claimed.series_id, queue.c.due_at == claimed.due_at)
    leases.give_back(connection, queue, *unchanged, due_at=again_at)


def mark(connection: Connection, series_id: int, due_at: datetime, queue: Table = series_dirty) -> None:
    """Say that a series' derived data must be made (again)."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    again = {"due_at": due_at, "attempts": 0, "lease_until": None}
    statement = dialect.insert(queue).values(series_fk=series_id, **again)
    connection.execute(statement.on_conflict_do_update(index_elements=[queue.c.series_fk], set_=again))


def renew(connection: Connection, claimed: Claimed, until: datetime, queue: Table = series_dirty) -> bool:
    """Work takes longer than its lease. False: something arrived meanwhile, or another one has taken it over."""
    mine = (queue.c.series_fk == claimed.series_id, queue.c.due_at == claimed.due_at, queue.c.attempts == claimed.attempts)
    return connection.execute(update(queue).where(*mine).values(lease_until=until)).rowcount > 0
