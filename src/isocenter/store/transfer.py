"""The whole index from one database into another, whichever engines they are: for backups and their way back.

Values travel as the tables' types give them. Rows that speak of processes, or of files that can be made again, stay behind.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Table, func, insert, select, text

from isocenter.domain.errors import Broken
from isocenter.store import schema
from isocenter.store.database import Database
from isocenter.store.tables import metadata

BATCH = 1000  # rows in memory

# Logins and running processes are of the moment; copies for viewing and waiting uploads are about files that are not in a backup.
LEFT = frozenset({"schema_reach", "session", "share_session", "login_attempt", "engine_worker", "index_node", "upload",
                  "viewing_copy", "series_copy_due", "storage_commitment"})

Said = Callable[[int], None]


def snapshot(database: Database, target: Path) -> None:
    """Everything that is committed now, as a SQLite file of this program's schema. Raises OSError, Broken."""
    if database.is_sqlite:
        database.read(lambda connection: _back_up(connection, target))
        return
    copy = Database(f"sqlite:///{target}")
    try:
        database.read(lambda source: copy.write(lambda into: _rows(source, into, lambda count: None)))
    finally:
        copy.close()
    whole(target)


def _back_up(connection: Connection, target: Path) -> None:
    """SQLite's online backup, in one step: readers and writers go on."""
    made = sqlite3.connect(target)
    try:
        cast(sqlite3.Connection, connection.connection.driver_connection).backup(made)
    finally:
        made.close()
    whole(target)


def whole(target: Path) -> None:
    """One file again, without log and lock beside it; nobody has it open."""
    made = sqlite3.connect(target)
    try:
        made.execute("PRAGMA journal_mode=DELETE").close()
    finally:
        made.close()
    target.with_suffix(".lock").unlink(missing_ok=True)


def is_unused(connection: Connection) -> bool:
    """Whether nothing was ever kept: no account, no instance, nothing has happened."""
    tables = (schema.account, schema.instance, schema.change)
    return all(connection.execute(select(table).limit(1)).first() is None for table in tables)


def load(database: Database, source: Database, advance: Said) -> None:
    """Put the rows of a snapshot into an index that is unused. One transaction: all of it, or nothing. Raises Broken.

    advance: called with how many more rows are there.
    """
    def put(into: Connection) -> None:
        if not is_unused(into):
            raise Broken("the index is in use: nothing can be restored over it", kept="Nothing was changed.",
                         hint="Name an empty database and an empty data folder.")
        source.read(lambda rows: _rows(rows, into, advance))

    database.write(put)


def _rows(source: Connection, into: Connection, advance: Said) -> None:
    tables = [table for table in metadata.sorted_tables if table.name not in LEFT]
    for table in reversed(tables):
        into.execute(table.delete())  # what the schema begins with
    for table in tables:
        for rows in _batches(source, table):
            into.execute(insert(table), rows)
            advance(len(rows))
        if into.dialect.name == "postgresql":
            follow(into, table)


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    result = source.execution_options(stream_results=True, yield_per=BATCH).execute(select(table))
    for rows in result.mappings().partitions(BATCH):
        yield [dict(row) for row in rows]


def follow(into: Connection, table: Table) -> None:
    """The next number PostgreSQL gives comes after those that were put in."""
    column = table.autoincrement_column
    if column is None:
        return
    place = {"table": table.name, "column": column.name}
    name = into.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), place).scalar()
    highest = into.execute(select(func.max(column))).scalar()
    if name and highest:
        into.execute(text("SELECT setval(:name, :highest)"), {"name": name, "highest": highest})
