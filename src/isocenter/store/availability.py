"""Rows of what peers are to be told of: studies whose instances have become available. Plain functions over a Connection."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.store import leases
from isocenter.store.schema import instance, peer, series, study
from isocenter.store.schema_orders import availability_notice
from isocenter.store.schema_routing import relay

_CURSOR = "availability"


@dataclass(frozen=True, slots=True)
class Due:
    """One study that one peer is to be told of. version: grows when more has come meanwhile."""

    id: int
    peer_aet: str
    study_instance_uid: str
    created_at: datetime
    attempts: int
    version: int


def cursor(connection: Connection) -> int | None:
    """The number of the last change that has been looked at; None before the first look."""
    found: int | None = connection.execute(select(relay.c.seq).where(relay.c.name == _CURSOR)).scalar()
    return found


def begin(connection: Connection, seq: int) -> None:
    """Put the cursor there, unless it is somewhere."""
    connection.execute(_dialect(connection).insert(relay).values(name=_CURSOR, seq=seq).on_conflict_do_nothing())


def advance(connection: Connection, seen: int, to: int) -> bool:
    """Move the cursor on; False when another worker was quicker."""
    return connection.execute(update(relay).where(relay.c.name == _CURSOR, relay.c.seq == seen).values(seq=to)).rowcount == 1


def receivers(connection: Connection) -> list[str]:
    """The AE titles of the peers that want to be told."""
    return list(connection.execute(select(peer.c.aet).where(peer.c.notify_availability).order_by(peer.c.aet)).scalars())


def note(connection: Connection, peer_aet: str, study_instance_uid: str, *, at: datetime, due_at: datetime) -> None:
    """Something of a study has become available. One notice a study and peer: what came before is told with it."""
    table = availability_notice
    values = {"peer_aet": peer_aet, "study_instance_uid": study_instance_uid, "created_at": at, "due_at": due_at}
    statement = _dialect(connection).insert(table).values(**values, attempts=0, version=0)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["peer_aet", "study_instance_uid"],
            set_={"due_at": due_at, "attempts": 0, "version": table.c.version + 1},
        )
    )


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, availability_notice, leases.due(availability_notice, now))


def claim(connection: Connection, now: datetime, lease: timedelta) -> Due | None:
    """Take the notice that has been due for longest and that nobody else works on."""
    table = availability_notice
    columns = [table.c[name] for name in Due.__slots__]
    for row in leases.take(connection, table, leases.due(table, now), now + lease, columns=columns):
        return Due(**(row._asdict() | {"attempts": row.attempts + 1}))
    return None


def done(connection: Connection, due: Due) -> None:
    """It was told; what has come meanwhile is told when it is due."""
    table = availability_notice
    told = and_(table.c.id == due.id, table.c.version == due.version)
    if not connection.execute(delete(table).where(told)).rowcount:
        leases.give_back(connection, table, table.c.id == due.id)


def drop(connection: Connection, due: Due) -> None:
    """Nobody is to be told of it any more."""
    connection.execute(delete(availability_notice).where(availability_notice.c.id == due.id))


def again(connection: Connection, due: Due, at: datetime, *, counts: bool = True) -> None:
    """Try again at `at`. counts: this was an attempt."""
    attempts = due.attempts if counts else due.attempts - 1
    leases.give_back(connection, availability_notice, availability_notice.c.id == due.id, due_at=at, attempts=attempts)


def held(connection: Connection, study_instance_uid: str) -> list[tuple[str, str, str]]:
    """(series, SOP class, SOP instance UID) of everything that is served of a study, series by series."""
    query = (
        select(series.c.series_instance_uid, instance.c.sop_class_uid, instance.c.sop_instance_uid)
        .join(series, instance.c.series_fk == series.c.id)
        .join(study, series.c.study_fk == study.c.id)
        .where(study.c.study_instance_uid == study_instance_uid, instance.c.current)
        .order_by(series.c.id, instance.c.id)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def missing(connection: Connection, sop_instance_uids: Collection[str]) -> bool:
    """Whether one of these is not held. At most some thousand."""
    wanted = sorted(set(sop_instance_uids))
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        query = select(instance.c.sop_instance_uid).where(instance.c.sop_instance_uid.in_(some), instance.c.current)
        if len(connection.execute(query).all()) < len(some):
            return True
    return False


def _dialect(connection: Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite
