"""Values of declared attributes (`dicom.extra`): rows beside the tables, one for each value of each owner.

    keep         what came with new instances, in their transaction
    put          the values of one owner, unless it has some
    condition    a match as SQL on an owner; of_study, begins: on a study, as condition and by the index
    candidates   studies that an index says may match
    texts        the values of an owner as one text, as a column would hold it

An attribute of a patient, study or series is that of the first object that has a value, as in the columns. A value without a row
of `index_fill` is not kept: nobody asked for it any more.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Text, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from isocenter.dicom.attributes import Attribute, Level
from isocenter.dicom.match import Empty, Match
from isocenter.store import dialect, names, rows
from isocenter.store.parents import Parent
from isocenter.store.schema import instance, series, study
from isocenter.store.schema_index import extra_value, index_fill

Column = ColumnElement[Any]
MOST_VALUES = 64  # of one owner


def values(attribute: Attribute, text: str) -> list[tuple[str, str]]:
    """(value, key) of each value of a text, fit for the columns; none without a value."""
    single = [text] if attribute.vr in ("LT", "ST", "UT", "UR") else text.split("\\")
    found = []
    for value in single[:MOST_VALUES]:
        fit = value[: rows.TEXT_LENGTH].replace("\0", "").encode("utf-8", "replace").decode("utf-8")
        if fit:
            found.append((fit, _key(attribute, fit)))
    return found


def _key(attribute: Attribute, value: str) -> str:
    return (dialect.name_key(value) if attribute.vr == "PN" else value)[: rows.INDEXED_LENGTH]


def put(cursor: Any, mark: str, attribute: Attribute, owner: int, text: str) -> bool:
    """Give an owner its values, unless it has some. Says whether they were taken. cursor: the driver's."""
    found = values(attribute, text)
    if not found:
        return False
    statement = (
        "INSERT INTO extra_value (fill_fk, owner, number, value, key)"
        f" SELECT id, {mark}, {mark}, {mark}, {mark} FROM index_fill WHERE name = {mark} ON CONFLICT DO NOTHING"
    )
    # The first value decides: of two objects at once only one is taken for all of them.
    cursor.execute(statement, (owner, 0, *found[0], attribute.keyword))
    if cursor.rowcount != 1:
        return False
    others = [(owner, number, *each, attribute.keyword) for number, each in enumerate(found[1:], 1)]
    if others:
        cursor.executemany(statement, others)
    if attribute.vr == "PN":
        names.learn(cursor, mark, [key for _, key in found])
    return True


Values = tuple[tuple[Attribute, str], ...]


def keep(cursor: Any, mark: str, arrived: Iterable[tuple[str, Mapping[Level, Parent], Values]]) -> None:
    """What new instances say of declared attributes. arrived: SOP Instance UID, what is above, values; in the order of UIDs."""
    for sop_uid, above, extras in arrived:
        for attribute, text in extras:
            if attribute.level is Level.INSTANCE:
                cursor.execute(f"SELECT id FROM instance WHERE sop_instance_uid = {mark} AND version = 1", (sop_uid,))
                put(cursor, mark, attribute, cursor.fetchone()[0], text)
            elif ("extra", attribute.keyword) not in above[attribute.level].seen:
                put(cursor, mark, attribute, above[attribute.level].id, text)
                above[attribute.level].seen.add(("extra", attribute.keyword))


def _fill(attribute: Attribute) -> Column:
    return select(index_fill.c.id).where(index_fill.c.name == attribute.keyword).scalar_subquery()


def condition(attribute: Attribute, match: Match, owner: Column, postgresql: bool) -> ColumnElement[bool]:
    """The owner has a value that matches; of an empty one: it has none."""
    held = extra_value.alias()
    mine = select(literal(1)).select_from(held).where(held.c.fill_fk == _fill(attribute), held.c.owner == owner)
    if isinstance(match, Empty):
        return ~mine.exists()
    key = held.c.key if attribute.vr == "PN" else None
    return mine.where(dialect.condition(attribute, match, held.c.value, key, postgresql)).exists()


def of_study(attribute: Attribute, match: Match, postgresql: bool) -> ColumnElement[bool]:
    """The study, its patient, or one of its series or images has a value that matches; for a row of `study`."""
    if attribute.level in (Level.PATIENT, Level.STUDY):
        owner = study.c.patient_fk if attribute.level is Level.PATIENT else study.c.id
        return condition(attribute, match, owner, postgresql)
    source: FromClause = series
    if attribute.level is Level.INSTANCE:
        source = series.join(instance, and_(instance.c.series_fk == series.c.id, instance.c.current))
    owner = series.c.id if attribute.level is Level.SERIES else instance.c.id
    below = select(literal(1)).select_from(source).where(series.c.study_fk == study.c.id)
    return below.where(condition(attribute, match, owner, postgresql)).correlate(study).exists()


def begins(attribute: Attribute, start: str) -> Select[int]:
    """The ids of studies with a value that begins so, by the index. start: folded when it is a person's name."""
    held = extra_value
    source: FromClause = held
    found: Column = held.c.owner
    if attribute.level is Level.PATIENT:
        source, found = held.join(study, study.c.patient_fk == held.c.owner), study.c.id
    elif attribute.level is Level.SERIES:
        source, found = held.join(series, series.c.id == held.c.owner), series.c.study_fk
    elif attribute.level is Level.INSTANCE:
        of_image = held.join(instance, instance.c.id == held.c.owner)
        source, found = of_image.join(series, series.c.id == instance.c.series_fk), series.c.study_fk
    key = dialect.begins(held.c.key, start[: rows.INDEXED_LENGTH])
    return select(found).select_from(source).where(held.c.fill_fk == _fill(attribute), key)


def texts(attribute: Attribute, owner: Column, postgresql: bool) -> Column:
    """The values of an owner, joined by backslashes; NULL without one."""
    held = extra_value.alias()
    mine = (held.c.fill_fk == _fill(attribute), held.c.owner == owner)
    if postgresql:
        joined = func.string_agg(held.c.value, aggregate_order_by(literal("\\", Text), held.c.number))
        return select(cast(joined, Text)).where(*mine).scalar_subquery()
    ordered = select(held.c.value.label("value")).where(*mine).order_by(held.c.number).correlate_except(held).subquery()
    return select(func.group_concat(ordered.c.value, "\\")).scalar_subquery()


_STUDIES = {
    Level.PATIENT: "SELECT study.id FROM extra_value JOIN study ON study.patient_fk = extra_value.owner",
    Level.STUDY: "SELECT extra_value.owner FROM extra_value",
    Level.SERIES: "SELECT series.study_fk FROM extra_value JOIN series ON series.id = extra_value.owner",
    Level.INSTANCE: "SELECT series.study_fk FROM extra_value JOIN instance ON instance.id = extra_value.owner"
                    " JOIN series ON series.id = instance.series_fk",
}  # fmt: skip


def candidates(connection: Connection, attribute: Attribute) -> str:
    """A SELECT of the ids of studies that have the attribute, to be ended by a condition on extra_value.key."""
    fill = connection.execute(select(index_fill.c.id).where(index_fill.c.name == attribute.keyword)).scalar()
    return f"{_STUDIES[attribute.level]} WHERE extra_value.fill_fk = {fill or 0} AND"
