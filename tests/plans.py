"""How the databases would answer what they were asked: statements are recorded as they are sent, and then explained."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event

from isocenter.store.database import Database

# What grows with the archive; a plan may scan a table of peers or accounts. SQLite plans by the schema, PostgreSQL by what is
# there: of tables that `bench.filling` leaves empty its plans say nothing.
FILLED = frozenset({"patient", "study", "study_modality", "study_sop_class", "series", "instance", "name_word", "word_sound"})
GROWING = FILLED | {
    "series_dirty", "change", "exception", "imaging_order", "scheduled_step", "performed_step", "step_performed",
    "availability_notice", "delivery", "delivery_instance", "ups", "ups_report", "retrieval", "storage_commitment",
    "commitment_request", "extra_value",
}  # fmt: skip
_EXPLAINED = ("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")


@dataclass(frozen=True)
class Asked:
    """A statement as the driver got it. streams: from a cursor of the server, whose plans begin to answer soon; settings: of its
    transaction."""

    text: str
    values: Any
    streams: bool = False
    settings: str = ""


class Record:
    """What was asked, each text once, with the label of who asked it first."""

    def __init__(self) -> None:
        self.label = ""
        self.asked: dict[tuple[str, str], Asked] = {}
        self.steps = 0  # of SQLite's virtual machine, in hundreds
        self._settings: dict[Any, str] = {}

    def step(self) -> int:
        """Another hundred steps; go on."""
        self.steps += 1
        return 0

    def note(self, text: Any, values: Any, streams: bool = False, connection: Any = None) -> None:
        """Remember a statement."""
        if not isinstance(text, str) or "alembic_version" in text or not text.lstrip("( ").upper().startswith(_EXPLAINED):
            return
        settings = ""
        if connection is not None:
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                self._settings.pop(connection, None)
            if text.startswith("SELECT set_config"):
                self._settings[connection] = text
                return
            settings = self._settings.get(connection, "")
        self.asked.setdefault((self.label, text), Asked(text, values, streams, settings))


@contextmanager
def recorded() -> Iterator[Record]:
    """Records what is asked on all connections that are opened within."""
    record = Record()

    class SqliteCursor(sqlite3.Cursor):
        def execute(self, text: str, values: Any = (), /) -> sqlite3.Cursor:
            record.note(text, values)
            return super().execute(text, values)

        def executemany(self, text: str, values: Any, /) -> sqlite3.Cursor:
            every = list(values)
            record.note(text, every[0] if every else ())
            return super().executemany(text, every)

    class SqliteConnection(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.set_progress_handler(record.step, 100)

        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(SqliteCursor)

    class PsycopgCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            record.note(query, params, connection=self.connection)
            return super().execute(query, params, **options)

        def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
            every = list(params_seq)
            record.note(query, every[0] if every else None)
            return super().executemany(query, every, **options)

    class PsycopgServerCursor(psycopg.ServerCursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            record.note(query, params, True, self.connection)
            return super().execute(query, params, **options)

    def connecting(dialect: Any, entry: Any, arguments: Any, options: dict[str, Any]) -> None:
        if dialect.name == "sqlite":
            options["factory"] = SqliteConnection
        else:
            options["cursor_factory"] = PsycopgCursor

    def connected(connection: Any, entry: Any) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.server_cursor_factory = PsycopgServerCursor

    event.listen(Engine, "do_connect", connecting)
    event.listen(Engine, "connect", connected)
    try:
        yield record
    finally:
        event.remove(Engine, "do_connect", connecting)
        event.remove(Engine, "connect", connected)


def faults(database: Database, asked: Asked) -> list[str]:
    """What is wrong with the plan of a statement: each table that is read from one end to the other."""
    return _sqlite(database, asked) if database.is_sqlite else _postgresql(database, asked)


def _sqlite(database: Database, asked: Asked) -> list[str]:
    def explain(connection: Connection) -> list[str]:
        cursor: Any = connection.connection.cursor()
        return [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {asked.text}", asked.values).fetchall()]

    lines = database.read(explain)
    sorts = any("FOR ORDER BY" in line for line in lines)
    found = []
    for line in lines:
        if "AUTOMATIC" in line:
            found.append(f"an index for one question: {' | '.join(lines)}")
        scanned = re.fullmatch(r"SCAN (\w+)(?: AS \w+)?(?: USING (?:COVERING )?INDEX (\w+))?.*", line)
        if scanned is None or _table(scanned[1], asked.text) not in GROWING:
            continue
        # Without an index it is the order of the ids, if an order is asked for.
        in_order = (scanned[2] or "ORDER BY" in asked.text) and "LIMIT" in asked.text.upper() and not sorts
        if not in_order and not _is_end(asked.text):
            found.append(f"{line} of: {' | '.join(lines)}")
    return found


def _table(name: str, text: str) -> str:
    """The table behind an alias."""
    aliased = re.search(rf'\b(\w+)"? (?:AS )?"?{re.escape(name)}"?[\s,)]', text)
    return aliased[1] if aliased and aliased[1] in GROWING else name


def _is_end(text: str) -> bool:
    """The largest of an index: one step, though SQLite calls it a scan."""
    return re.match(r"SELECT (?:coalesce\()?max\(", text, re.IGNORECASE) is not None and "WHERE" not in text.upper()


def _postgresql(database: Database, asked: Asked) -> list[str]:
    cursor_of = "DECLARE c NO SCROLL CURSOR FOR " if asked.streams else ""

    def explain(connection: Connection) -> Any:
        cursor: Any = connection.connection.cursor()
        if asked.settings:
            cursor.execute(asked.settings)
        (plan,) = cursor.execute(f"EXPLAIN (FORMAT JSON) {cursor_of}{asked.text}", asked.values).fetchone()
        return plan[0]["Plan"] if not isinstance(plan, str) else json.loads(plan)[0]["Plan"]

    return list(_walk(database.read(explain), in_order=False))


def _walk(node: Any, in_order: bool) -> Iterator[str]:
    """in_order: whether what is above stops as soon as it has enough rows."""
    kind = node["Node Type"]
    if kind == "Limit":
        in_order = True
    elif kind in ("Sort", "Aggregate", "Hash", "HashAggregate", "Materialize", "Unique") and node.get("Strategy") != "Sorted":
        in_order = False
    growing = node.get("Relation Name", "") in FILLED or (kind == "Bitmap Index Scan")
    whole = kind == "Seq Scan" or (kind.startswith(("Index", "Bitmap Index")) and "Index Cond" not in node and not in_order)
    if growing and whole:
        yield f"{kind} {node.get('Relation Name', '')} {node.get('Index Name', '')} rows {node['Plan Rows']}"
    for child in node.get("Plans", ()):
        yield from _walk(child, in_order)
