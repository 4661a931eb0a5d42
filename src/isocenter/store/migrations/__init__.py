"""Alembic migrations, applied when a Database is opened, by one process at a time, while others go on working.

Migrations only add (expand): tables, indexes, columns that may be left out. So processes of the revision before work on the new
schema, and may start on it (`schema_reach.oldest`); what they no longer need is dropped (contracted) one release later at the
earliest, by a migration that raises `oldest`. Each migration is a transaction of its own. On PostgreSQL it waits only shortly for
a lock, since everybody else would queue behind it, and then tries again.

A schema change is a new file in versions/ and a new HEAD; `python -m isocenter.store.migrations "what changes"` drafts the file
from the difference between the newest migration and `schema.metadata`. A test holds that both agree on both databases.
"""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from isocenter.domain.errors import Broken
from isocenter.store.connections import WriterLock, is_race

HEAD = "0045"  # the newest file in versions/; looked at without importing Alembic, which would cost every start 0.3 s
_LOCK = 0x69736F6D  # "isom": the advisory lock of migrations on PostgreSQL
_PATIENCE = "1s"  # for a lock on a table; readers and writers that come meanwhile wait behind us
_PAUSE = 0.5  # seconds in which they get through
_ATTEMPTS = 600  # a report or a backup may read a table for minutes


def apply(engine: Engine, lock: WriterLock, place: str) -> None:
    """Bring the schema to HEAD; safe when many processes start at once. Raises Broken when the database is newer than we are."""
    with lock.held(), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # A large archive may take its time, and the others wait for it.
            connection.execute(text("set lock_timeout = 0"))
            connection.execute(text("set statement_timeout = 0"))
            # For the session, not the transaction: it must outlive the commits of single migrations.
            connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.execute(text(f"set lock_timeout = '{_PATIENCE}'"))
            connection.commit()
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    found = revision(connection)
                    connection.commit()
                    if found != HEAD:
                        _upgrade(connection, found, place)
                    break
                except Exception as error:
                    if not is_race(error) or attempt == _ATTEMPTS:
                        raise
                    connection.rollback()
                    time.sleep(_PAUSE)
        finally:
            connection.rollback()
            if connection.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
                connection.commit()


def revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("select version_num from alembic_version")).scalar()


def config() -> Any:
    """Alembic's configuration, made here: there is no alembic.ini."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def _reaches(connection: Connection) -> bool:
    """Whether a newer schema says that programs of our revision may use it."""
    try:
        if not inspect(connection).has_table("schema_reach"):
            return False
        oldest = connection.execute(text("select oldest from schema_reach")).scalar()
        return oldest is not None and oldest <= HEAD
    finally:
        connection.rollback()


def _upgrade(connection: Connection, found: str | None, place: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    settings = config()
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if found is not None and found not in known:
        if _reaches(connection):
            return
        raise Broken(
            f"the database {place} is newer than this program (it has schema {found}, this program knows up to {HEAD})",
            hint="Start the newer Isocenter, or restore the database from before its upgrade.",
        )
    settings.attributes["connection"] = connection
    command.upgrade(settings, HEAD)
