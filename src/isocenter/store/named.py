"""Studies of patients whose names begin so, by Study Date: a page of the study list from index entries alone (LIBRARIES 4.2).

    the name leaves FEW       ix_study_name_list tells date, time and modalities of each: filtered and sorted, no row is read
    it leaves many, and a     ix_study_modality_date is walked by date until the page is full, then to the end of that day, whose
    modality is asked for     times of day the studies' rows tell
    it leaves many            ix_study_list is walked in its order until the page is full

So at most about FEW entries are looked at, unless names and modalities have to do with each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, or_, select, tuple_, union_all

from isocenter.store import connections, dialect, rows, visible
from isocenter.store.schema import study, study_modality
from isocenter.store.schema_rejections import study_hidden

FEW = 10_000  # of a million studies: of more, a page of a hundred is found in as many steps
_KEYS = (study.c.study_date, study.c.study_time, study.c.id)


@dataclass(frozen=True, slots=True)
class Asked:
    """starts: beginnings of folded names; dates: from and to, "" for an open end, or None; modalities: one of them, () for any.

    descending: the newest first. after: date, time and id that the page continues after, or None.
    """

    starts: tuple[str, ...]
    dates: tuple[str, str] | None
    modalities: tuple[str, ...]
    descending: bool
    after: tuple[Any, ...] | None


def starts(texts: Sequence[str]) -> tuple[str, ...] | None:
    """The beginnings of folded names that the texts stand for, none within another; None when they are more than beginnings."""
    found = set()
    for text in texts:
        pattern = dialect.name_key(text if text.endswith("*") else f"{text}*")
        start = dialect.prefix(pattern)
        if not start or pattern != f"{start}*" or set(start) & set("=\\"):
            return None
        found.add(start)
    return tuple(sorted(one for one in found if not any(one != other and one.startswith(other) for other in found)))


def exist(connection: Connection, ranges: Sequence[tuple[str, str]]) -> bool:
    """Whether some study's column begins so; ranges: columns that have an index, and the beginnings."""
    return _count(connection, ranges, 1) > 0


def _count(connection: Connection, ranges: Sequence[tuple[str, str]], at_most: int) -> int:
    """As plain SQL: making and compiling so many expressions would cost more than the answer."""
    parts, values = [], []
    for column, start in ranges:
        end = dialect.after(start)
        condition = f"{column} >= ? AND {column} < ?" if end else f"{column} >= ?"
        parts.append(f"SELECT * FROM (SELECT 1 AS found FROM study WHERE {condition} LIMIT {at_most}) AS x")
        values += [start, end] if end else [start]
    text = f"SELECT count(*) FROM ({' UNION ALL '.join(parts)} LIMIT {at_most}) AS y".replace("?", rows.mark(connection))
    return int(connection.exec_driver_sql(text, tuple(values)).scalar_one())


def page(connection: Connection, asked: Asked, limit: int, offset: int) -> tuple[Sequence[int], int | None]:
    """Ids in their order, and how many there are in all if that is known."""
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        connections.row_by_row(connection)
    count = _count(connection, [("patient_name_key", start) for start in asked.starts], FEW + 1)
    if count <= FEW:
        return _of_few(connection, asked, count, limit, offset, postgresql)
    if asked.modalities:
        found = _of_modalities(connection, asked, limit, offset)
    else:
        if postgresql:
            connections.in_order(connection)
        query = _in_order(select(study.c.id), asked).with_hint(study, "INDEXED BY ix_study_list", "sqlite")
        named = or_(*(dialect.begins(study.c.patient_name_key.concat(""), start) for start in asked.starts))
        query = query.where(named, visible.SHOWN, *_between(asked, study.c.study_date)).limit(limit).offset(offset)
        found = connection.execute(query).scalars().all()
    return found, None


def _of_few(
    connection: Connection, asked: Asked, count: int, limit: int, offset: int, postgresql: bool
) -> tuple[Sequence[int], int]:
    narrowed = bool(asked.modalities or asked.dates) or connection.execute(select(study_hidden).limit(1)).first() is not None
    every = union_all(*(_entries(start).where(*_told(asked, postgresql)) for start in asked.starts)).subquery()
    total = connection.execute(select(func.count()).select_from(every)).scalar_one() if narrowed else count
    keys = [every.c[key.name] for key in _KEYS]
    query = select(every.c.id).order_by(*(key.desc() if asked.descending else key for key in keys))
    if asked.after is not None:
        query = query.where(_follows(keys, asked))
    return connection.execute(query.limit(limit).offset(offset)).scalars().all(), total


def _entries(start: str) -> Select[Any]:
    named = dialect.begins(study.c.patient_name_key, start)
    return select(*_KEYS).where(named, visible.SHOWN).with_hint(study, "INDEXED BY ix_study_name_list", "sqlite")


def _told(asked: Asked, postgresql: bool) -> list[ColumnElement[bool]]:
    """What the entry of a name tells of the rest; hidden from the planner, which might take another index for it."""
    conditions = _between(asked, study.c.study_date.concat(""))
    if asked.modalities:
        fenced = literal("\\").concat(study.c.modalities_in_study).concat("\\")
        place = func.strpos if postgresql else func.instr
        conditions.append(or_(*(place(fenced, f"\\{name}\\") > 0 for name in asked.modalities)))
    return conditions


def _of_modalities(connection: Connection, asked: Asked, limit: int, offset: int) -> Sequence[int]:
    """Of the days until the page is full all studies, and these in their order."""
    day, owner = study_modality.c.study_date, study_modality.c.study_fk
    named = or_(*(dialect.begins(study_modality.c.patient_name_key.concat(""), start) for start in asked.starts))
    within = [named, *_between(asked, day)]
    later = []
    if asked.after is not None:
        reached = asked.after[0]
        within.append(day <= reached if asked.descending else day >= reached)
        later = [day < reached if asked.descending else day > reached]
    ends = []
    for name in asked.modalities:
        order = (day.desc(), owner.desc()) if asked.descending else (day, owner)
        query = select(day).where(study_modality.c.modality == name, *within, *later).order_by(*order)
        end = connection.execute(_walked(query).offset(offset + limit - 1).limit(1)).scalar()
        if end is not None:
            ends.append(end)
    if ends:
        within.append(day >= max(ends) if asked.descending else day <= min(ends))
    ids: set[int] = set()
    for name in asked.modalities:
        ids.update(connection.execute(_walked(select(owner).where(study_modality.c.modality == name, *within))).scalars())
    those = dialect.some_ids(study.c.id, ids, connection.dialect.name == "postgresql")
    return connection.execute(_in_order(select(study.c.id).where(those), asked).limit(limit).offset(offset)).scalars().all()


def _walked(query: Select[Any]) -> Select[Any]:
    return query.with_hint(study_modality, "INDEXED BY ix_study_modality_date", "sqlite")


def _in_order(query: Select[Any], asked: Asked) -> Select[Any]:
    query = query.order_by(*(key.desc() if asked.descending else key for key in _KEYS))
    return query if asked.after is None else query.where(_follows(_KEYS, asked))


def _follows(keys: Sequence[ColumnElement[Any]], asked: Asked) -> ColumnElement[bool]:
    values = tuple_(*(literal(value) for value in asked.after or ()))
    return tuple_(*keys) < values if asked.descending else tuple_(*keys) > values


def _between(asked: Asked, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """A study without a date is in no range."""
    if asked.dates is None:
        return []
    low, high = asked.dates
    return [day >= (low or "0"), *([day <= high] if high else [])]
