"""The journal: the change log once more, and what people decided, as files beside the images; so the index may be lost.

    journal/20261123T120000000000Z/000000000000.jsonl      a line of the journal; in it segments, named by the change they follow

A segment is JSON, one value to a line, in the order of writing:

    {"format": 1, "after": 0, "before": "<hash of the change before>", "segment": "<SHA-256 of the segment before>"}
    {"change": [seq, at, kind, subject, actor, payload, hash, study]}       as the database has it, chained (`store.changes`)
    {"table": "rejected", "where": {"rejection_fk": 3}, "rows": [{...}]}    all rows that a table has of something, as they are
    {"sha256": "<of all lines before>"}                                     without it the segment is not whole

An image (third kind) replaces the earlier one of the same table and `where`. The tables speak of UIDs and accounts, never of rows
that reindexing makes anew. What is not here (`KEPT`) comes from the files, or from a backup: docs/recovery.md.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, Text, func, insert, select, type_coerce, update

from isocenter.domain.errors import Broken
from isocenter.store import (
    changes,
    schema,
    schema_corrections,
    schema_emergency,
    schema_rejections,
    schema_routing,
    schema_sensitive,
    transfer,
)
from isocenter.store.schema import UtcDateTime, change, timestamp
from isocenter.store.schema_annotations import annotation
from isocenter.store.schema_deidentification import deid_project
from isocenter.store.schema_factors import factor, recovery_code
from isocenter.store.schema_identities import identity
from isocenter.store.schema_passkeys import passkey
from isocenter.store.schema_patient_lists import listed_patient, patient_list
from isocenter.store.tables import metadata

AREA = "journal"
FORMAT = 1
_COLUMNS = ("seq", "at", "kind", "subject", "actor", "payload", "hash", "study")
_MOST = 5000  # rows of one statement

# A word of a payload -> the tables with what is numbered by it.
_BY_NUMBER: Mapping[str, tuple[tuple[Table, str], ...]] = {
    "correction": ((schema_corrections.correction, "id"), (schema_corrections.correction_study, "correction_fk")),
    "rejection": ((schema_rejections.rejection, "id"), (schema_rejections.rejected, "rejection_fk"),
                  (schema_rejections.deletion, "rejection_fk")),
    "split": ((schema_rejections.study_split, "id"),),
}  # fmt: skip
# The first word of a kind -> small tables that are written whole.
_WHOLE: Mapping[str, tuple[Table, ...]] = {
    "account": (schema.account, factor, recovery_code, passkey, identity), "token": (schema.token,), "peer": (schema.peer,),
    "destination": (schema_routing.destination,), "route": (schema_routing.route,), "project": (deid_project,),
    "hold": (schema_rejections.legal_hold,), "version": (schema_rejections.served_version,),
    "correction": (schema_corrections.patient_link,),
    "emergency": (schema_emergency.emergency,), "patient-list": (patient_list, listed_patient),
    "sensitive": (schema_sensitive.sensitive_study, schema_sensitive.sensitive_patient),
}  # fmt: skip
_ORIGINAL = schema_corrections.study_original
_NUMBERED = {table for tables in _BY_NUMBER.values() for table, _ in tables}
_ALL_OF = tuple(dict.fromkeys(table for tables in _WHOLE.values() for table in tables))
KEPT = frozenset(_NUMBERED | set(_ALL_OF) | {_ORIGINAL, annotation})
WHOLE = "Nothing was changed, and the files are whole."

Row = Sequence[Any]  # of the change log, in the order of _COLUMNS


@dataclass(frozen=True, slots=True)
class End:
    """Where a line ends. seq, hash: of its last change; segment: the SHA-256 of its last segment, "" before the first."""

    line: str
    seq: int = 0
    hash: str = ""
    segment: str = ""

    @property
    def key(self) -> str:
        """The name of the segment that follows."""
        return f"{AREA}/{self.line}/{self.seq:012}.jsonl"


@dataclass(slots=True)
class Segment:
    """One segment, read. images: (table, where) -> rows."""

    end: End
    rows: list[Row] = field(default_factory=list)
    images: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)


def is_urgent(kind: str) -> bool:
    """Whether a change of this kind may be of something that only the index has."""
    return kind.partition(".")[0] in {*_WHOLE, "instance", "study", "rejection", "annotation"} and kind not in _MADE_AGAIN


_MADE_AGAIN = frozenset({"instance.stored", "study.created", "study.read", "study.searched"})  # by the files; or nothing is


def goes_on(connection: Connection, end: End) -> bool:
    """Whether a line that ends so is of this index: its last change is in the log."""
    found = connection.execute(select(change.c.hash).where(change.c.seq == end.seq)).scalar()
    return found == end.hash if end.seq else False


def after(connection: Connection, seq: int, limit: int) -> list[Row]:
    """Rows of the log after `seq`, as they are stored."""
    columns = [type_coerce(change.c[name], Text) if name == "at" else change.c[name] for name in _COLUMNS]
    rows = connection.execute(select(*columns).where(change.c.seq > seq).order_by(change.c.seq).limit(limit))
    return [tuple(row) for row in rows]


def written(connection: Connection, end: End, rows: Sequence[Row]) -> tuple[bytes, End]:
    """The segment with these rows of the log, and where the line ends after it. The first of a line has every image."""
    lines = [{"format": FORMAT, "after": end.seq, "before": end.hash, "segment": end.segment}]
    lines += [{"change": list(row)} for row in rows]
    for table, where in _everything(connection) if not end.segment else _touched(rows):
        lines.append({"table": table.name, "where": where, "rows": _image(connection, table, where)})
    content = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    digest = hashlib.sha256(content).hexdigest()
    return content + b'{"sha256":"' + digest.encode() + b'"}\n', End(end.line, rows[-1][0], rows[-1][6], digest)


Place = tuple[Table, dict[str, Any]]


def _touched(rows: Sequence[Row]) -> Iterator[Place]:
    """What these changes may have changed, each once."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        for table, where in _of(row[2], row[3], json.loads(row[5])):
            name = (table.name, json.dumps(where, sort_keys=True))
            if name not in seen:
                seen.add(name)
                yield table, where


def _of(kind: str, subject: str, payload: Mapping[str, Any]) -> Iterator[Place]:
    first = kind.partition(".")[0]
    for word, tables in _BY_NUMBER.items():
        if isinstance(number := payload.get(word), int):
            yield from ((table, {column: number}) for table, column in tables)
    if first in _WHOLE:
        yield from ((table, {}) for table in _WHOLE[first])
    if first == "correction":
        yield _ORIGINAL, {"study_instance_uid": subject}
    if kind == "annotation.saved":
        yield annotation, {"study_uid": subject, "version": payload["version"]}


def _everything(connection: Connection) -> Iterator[Place]:
    yield from ((table, {}) for table in _ALL_OF)
    for tables in _BY_NUMBER.values():
        numbers = connection.execute(select(tables[0][0].c[tables[0][1]])).scalars().all()
        yield from ((table, {column: number}) for number in numbers for table, column in tables)
    for uid in connection.execute(select(_ORIGINAL.c.study_instance_uid)).scalars().all():
        yield _ORIGINAL, {"study_instance_uid": uid}
    for uid, version in connection.execute(select(annotation.c.study_uid, annotation.c.version).distinct()).all():
        yield annotation, {"study_uid": uid, "version": version}


def _image(connection: Connection, table: Table, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = connection.execute(select(table).where(*(table.c[name] == value for name, value in where.items())))
    return [{name: timestamp(value) if isinstance(value, datetime) else value for name, value in row.items()}
            for row in found.mappings()]  # fmt: skip


def tail(content: bytes, line: str) -> End:
    """Where a line ends whose last segment this is. Raises Broken when that is not what was written."""
    try:
        head = json.loads(content.partition(b"\n")[0])
        before = End(line, head["after"], head["before"], head["segment"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(End(line)) from error
    return read(content, before).end


def read(content: bytes, end: End) -> Segment:
    """The segment that follows `end`. Raises Broken when it is not what was written, or does not follow."""
    body, _, last = content.rstrip(b"\n").rpartition(b"\n")
    body += b"\n"
    try:
        digest = json.loads(last)["sha256"]
        lines = [json.loads(line) for line in body.splitlines()]
        head = lines[0]
        if digest != hashlib.sha256(body).hexdigest():
            raise _damaged(end)
        if head["format"] != FORMAT:
            raise Broken("the journal was written by a newer Isocenter", hint="Reindex with that one.")
        if (head["after"], head["before"], head["segment"]) != (end.seq, end.hash, end.segment):
            raise _damaged(end)
        rows: list[Row] = [tuple(line["change"]) for line in lines if "change" in line]
        _check_chain(rows, end)
        images = {(line["table"], json.dumps(line["where"], sort_keys=True)): line["rows"] for line in lines if "table" in line}
        return Segment(End(end.line, rows[-1][0], rows[-1][6], digest), rows, images)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _damaged(end) from error


def _check_chain(rows: Sequence[Row], end: End) -> None:
    before, at = end.hash, end.seq
    for row in rows:
        if len(row) != len(_COLUMNS) or row[0] <= at:
            raise _damaged(end)
        if row[6]:  # rows of the oldest programs have none
            ((*_, made),) = changes.chained(before, [(row[1], row[2], row[3], row[4], row[5])])
            if made != row[6]:
                raise _damaged(end)
            before = made
        at = row[0]


def _damaged(end: End) -> Broken:
    return Broken("the journal is damaged: a segment is not what was written, or is not the next one", where=end.key,
                  kept=WHOLE,
                  hint="Put it back from the second storage or a backup of the folder; `--without-journal` goes on without it.")


def load(connection: Connection, segments: Iterable[Segment]) -> tuple[int, int]:
    """Put a whole line into an index that is unused. Returns how many changes, and how many rows of what people decided."""
    logged, images = 0, dict[tuple[str, str], list[dict[str, Any]]]()
    for segment in segments:
        for start in range(0, len(segment.rows), _MOST):
            some = [dict(zip(_COLUMNS, row, strict=True)) for row in segment.rows[start : start + _MOST]]
            connection.execute(insert(change), [{**row, "at": datetime.fromisoformat(row["at"])} for row in some])
        logged += len(segment.rows)
        images |= segment.images
    kept = {table.name: table for table in KEPT}
    by_table = {name: [row for _, rows in some for row in rows] for name, some in
                groupby(sorted(images.items(), key=lambda item: item[0][0]), key=lambda item: item[0][0])}  # fmt: skip
    number = 0
    for table in metadata.sorted_tables:
        rows = by_table.get(table.name, []) if table.name in kept else []
        if rows:
            connection.execute(insert(table), [_values(table, row) for row in rows])
            number += len(rows)
        if connection.dialect.name == "postgresql" and (table is change or table.name in kept):
            transfer.follow(connection, table)
    # What follows the log has done all of it in its former life: rules must not send the archive again.
    newest = select(func.coalesce(func.max(change.c.seq), 0)).scalar_subquery()
    connection.execute(update(schema_routing.relay).values(seq=newest))
    return logged, number


def _values(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column.name: datetime.fromisoformat(row[column.name])
        if isinstance(column.type, UtcDateTime) and row[column.name] is not None else row[column.name]
        for column in table.c if column.name in row
    }  # fmt: skip
