"""Alembic migrations, applied when a Database is opened, by one process at a time.

A schema change is a new file in versions/ and a new HEAD; `python -m isocenter.store.migrations "what changes"` drafts the file
from the difference between the newest migration and `schema.metadata`. A test holds that both agree on both databases.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from isocenter.domain.errors import Broken
from isocenter.store.connections import WriterLock

HEAD = "0016"  # the newest file in versions/; looked at without importing Alembic, which would cost every start 0.3 s
_LOCK = 0x69736F6D  # "isom": the advisory lock of migrations on PostgreSQL


def apply(engine: Engine, lock: WriterLock, place: str) -> None:
    """Bring the schema to HEAD; safe when many processes start at once. Raises Broken when the database is newer than we are."""
    with lock.held(), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # A large archive may take its time, and the others wait for it.
            connection.execute(text("set lock_timeout = 0"))
            connection.execute(text("set statement_timeout = 0"))
            # For the session, not the transaction: it must outlive the commits of single migrations.
            connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
            connection.commit()
        try:
            if revision(connection) != HEAD:
                _upgrade(connection, place)
            connection.commit()
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


def _upgrade(connection: Connection, place: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    settings = config()
    found = revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if found is not None and found not in known:
        raise Broken(
            f"the database {place} is newer than this program (it has schema {found}, this program knows up to {HEAD})",
            hint="Start the newer Isocenter, or restore the database from before its upgrade.",
        )
    settings.attributes["connection"] = connection
    command.upgrade(settings, HEAD)
