"""Rows of the processes that do durable work: each says now and then that it is alive. Plain functions over a Connection."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from isocenter.store.schema_routing import engine_worker


def beat(connection: Connection, executor_id: str, host: str, now: datetime) -> None:
    """A process is alive."""
    changed = update(engine_worker).where(engine_worker.c.executor_id == executor_id).values(seen_at=now)
    if connection.execute(changed).rowcount == 0:
        connection.execute(insert(engine_worker).values(executor_id=executor_id, host=host, seen_at=now))


def silent(connection: Connection, *, seen_before: datetime, host: str, living: Collection[str]) -> list[str]:
    """Processes that are dead: those nobody has heard of since, and those of this host that are not among the living."""
    here = and_(engine_worker.c.host == host, engine_worker.c.executor_id.not_in(living))
    dead = or_(engine_worker.c.seen_at < seen_before, here)
    return list(connection.execute(select(engine_worker.c.executor_id).where(dead)).scalars())


def known(connection: Connection, host: str) -> list[str]:
    """The processes of a host that have been alive."""
    return list(connection.execute(select(engine_worker.c.executor_id).where(engine_worker.c.host == host)).scalars())


def forget(connection: Connection, executor_id: str) -> bool:
    """A process is no more; False when somebody else has said so already."""
    return connection.execute(delete(engine_worker).where(engine_worker.c.executor_id == executor_id)).rowcount > 0
