"""Searching: a `dicom.query.Query` and the scope of who asks become SQL, and rows become text by keyword.

Keys of the query's level and above are columns of the joined row; keys below it ask whether such a child exists. Planners of
neither database are safe with a million studies (LIBRARIES 4.2), so the plan is chosen here, with a capped look at how selective
a key is:

    driven by key        a UID, Patient ID, accession number or name that fewer than `_FEW` studies match: these studies by id
    driven by modality   in the order of study_modality's index: newest study first, until the page is full
    driven by date       the same from study's own index
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, exists, func, literal, select, true
from sqlalchemy.sql import FromClause

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level, at
from isocenter.dicom.match import AnyOf, Empty, Fuzzy, Match, Range, Single, UidList, Universal, Wildcard
from isocenter.dicom.moments import Span
from isocenter.dicom.query import Query
from isocenter.store import connections, dialect, extras, names
from isocenter.store import rows as rows_of
from isocenter.store.schema import (
    instance,
    key_column,
    name_columns,
    patient,
    series,
    study,
    study_modality,
    study_sop_class,
)

Matches = tuple[tuple[Attribute, Match], ...]
Condition = ColumnElement[bool]
Column = ColumnElement[Any]

_FEW = 2000  # studies that are cheaper to fetch by id and sort than to look for in the order of their dates
_SAMPLE = 2000  # rows of a level whose share that match stands for all
_COUNTED = 20_000  # rows that are counted at most
_AT_ONCE = 50  # conditions in one statement: SQLite's expressions are 1,000 deep at most
_DEPTH = {Level.PATIENT: 0, Level.STUDY: 1, Level.SERIES: 2, Level.INSTANCE: 3}
_NUMBERS = frozenset({"IS", "US", "UL"})  # texts of whole numbers: the longer is the larger


def find(connection: Connection, query: Query, scope: Matches = ()) -> list[dict[str, str]]:
    """The rows that match, as text by keyword ("" for what has no value): the level's and the upper levels' attributes.

    scope: further keys that the rows must match, which the caller's rights demand (`access.scope(...).as_matches()`). Only served
    instances are seen. Sorted by `query.sort`, then newest study first, then by number.
    """
    return list(rows(connection, query, scope))


def rows(connection: Connection, query: Query, scope: Matches = ()) -> Iterator[dict[str, str]]:
    """As `find`, one row after the other: for answers of any size."""
    columns = _columns(query, connection.dialect.name == "postgresql")
    statement = _Finding(connection, query, scope).statement([column.label(keyword) for keyword, column in columns.items()])
    if statement is None:
        return
    for row in connection.execution_options(yield_per=500).execute(statement):
        yield {keyword: "" if value is None else str(value) for keyword, value in zip(columns, row, strict=True)}


def count(connection: Connection, query: Query, scope: Matches = (), at_most: int = 10_000) -> int:
    """How many rows match, without regard to limit and offset; at most `at_most` are counted."""
    statement = _Finding(connection, query, scope).statement([literal(1)], page=False)
    if statement is None:
        return 0
    return connection.execute(select(func.count()).select_from(statement.limit(at_most).subquery())).scalar_one()


def estimate(connection: Connection, query: Query, scope: Matches = ()) -> tuple[int, bool] | None:
    """How many rows match, without regard to limit and offset, and whether that is an estimate; as quick at a million studies.

    Counted where a key is selective, or where the archive is small; else from the share of the newest studies that match. None of
    series and instances anywhere that no key narrows down: to look at enough of them takes longer than the answer.
    """
    found = _Finding(connection, query, scope)
    table = {Level.PATIENT: patient, Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}[query.level]
    newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
    if found.is_selective() or newest <= _SAMPLE:
        statement = found.statement([literal(1)], page=False)
        if statement is None:
            return 0, False
        number = connection.execute(select(func.count()).select_from(statement.limit(_COUNTED).subquery())).scalar_one()
        return number, number == _COUNTED
    if not found.has_conditions():
        return newest, True  # ids are given once and in order
    if query.level is not Level.STUDY:
        return None
    statement = found.statement([literal(1)], page=False, sampled=table.c.id > newest - _SAMPLE)
    if statement is None:
        return 0, False
    return connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one() * newest // _SAMPLE, True


def _columns(query: Query, postgresql: bool) -> dict[str, Column]:
    """What each row tells: every attribute of the level and above that the index holds; costly counts only when asked for."""
    asked = {attribute.keyword for attribute in query.returns} | {attribute.keyword for attribute, _ in query.matches}
    columns: dict[str, Column] = {}
    for level in Level:
        if _DEPTH[level] <= _DEPTH[query.level]:
            for attribute in at(level):
                column = _column(attribute, query.level)
                if column is not None and (attribute.keyword in asked or not _is_costly(attribute, query.level)):
                    columns[attribute.keyword] = column
    for attribute in query.returns:
        if attribute.is_extra and _DEPTH[attribute.level] <= _DEPTH[query.level]:
            columns[attribute.keyword] = extras.texts(attribute, _owner(attribute, _table(attribute, query.level)), postgresql)
    return columns


def _is_costly(attribute: Attribute, level: Level) -> bool:
    return attribute.computed and attribute.level is Level.PATIENT and level is not Level.PATIENT


def _table(attribute: Attribute, level: Level) -> FromClause:
    """Where the attribute's column is, in a row of `level`: studies carry what they say of their patient."""
    if attribute.level is Level.PATIENT:
        return patient if level is Level.PATIENT else study
    return {Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}[attribute.level]


def _owner(attribute: Attribute, table: FromClause) -> Column:
    """The id of the row that a declared attribute belongs to; studies have their patient's."""
    return study.c.patient_fk if attribute.level is Level.PATIENT and table is study else table.c.id


def _column(attribute: Attribute, level: Level) -> Column | None:
    if attribute.keyword == "AvailableTransferSyntaxUID":
        return instance.c.transfer_syntax_uid
    if attribute.keyword == "InstanceAvailability":
        return literal("ONLINE")
    if _is_costly(attribute, level):
        return select(patient.c[attribute.column]).where(patient.c.id == study.c.patient_fk).scalar_subquery()
    table = _table(attribute, level)
    return table.c.get(attribute.column)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where a search begins. source: the FROM; limits: conditions that the plan brings; order: how rows come by themselves.

    hint: what SQLite's planner must do with a table. walks: rows are tried in their order until the page is full, which is told
    to PostgreSQL's planner (`connections.in_order`).
    """

    source: FromClause
    limits: tuple[Condition, ...] = ()
    order: tuple[Column, ...] = ()
    hint: tuple[FromClause, str] | None = None
    by_modality: bool = False
    walks: bool = False


class _Finding:
    """One search: its plan and its conditions."""

    def __init__(self, connection: Connection, query: Query, scope: Matches) -> None:
        self._connection = connection
        self._query = query
        self._postgresql = connection.dialect.name == "postgresql"
        asked = ((a, m) for a, m in (*query.matches, *scope) if not isinstance(m, Universal))
        self._found: tuple[set[int] | None] | None = None  # what `_few` says, once it is known
        self._matches = [(a, names.resolved(connection, m) if a.vr == "PN" else m) for a, m in asked]

    def is_selective(self) -> bool:
        """Whether some key leaves but a few studies."""
        return self._few() is not None

    def has_conditions(self) -> bool:
        """Whether not every row matches."""
        return bool(self._matches or self._query.spans)

    def statement(
        self, columns: Sequence[Column], *, page: bool = True, sampled: Condition | None = None
    ) -> Select[Any] | None:
        """The SELECT; None when nothing can match. sampled: only these rows of the level, whatever plan is best."""
        plan = self._plan() if sampled is None else _Plan(self._joined(), (sampled,))
        if plan is None:
            return None
        conditions = [self._condition(attribute, match, plan) for attribute, match in self._matches]
        conditions += [self._span(each) for each in self._query.spans]
        statement = select(*columns).select_from(plan.source).where(*plan.limits, *conditions)
        if plan.hint is not None:
            statement = statement.with_hint(*plan.hint, "sqlite")
        if (plan.walks or sampled is not None) and self._postgresql:
            connections.in_order(self._connection)
        if not page:
            return statement
        statement = statement.order_by(*self._asked_order(), *plan.order)
        if self._query.limit is not None:
            statement = statement.limit(self._query.limit)
        return statement.offset(self._query.offset) if self._query.offset else statement

    def _plan(self) -> _Plan | None:
        level = self._query.level
        order = self._natural_order()
        above = patient if level is Level.PATIENT else study
        ids = self._few()
        if ids is not None:
            some = dialect.some_ids(above.c.id, ids, self._postgresql)
            return _Plan(self._joined(), (some,), order, (above, "NOT INDEXED")) if ids else None
        if self._query.sort:
            return _Plan(self._joined(), order=order)
        modality = next((m.value for a, m in self._matches if a.keyword == "ModalitiesInStudy" and isinstance(m, Single)), None)
        if level is Level.STUDY and modality is not None:
            return _Plan(
                study_modality.join(study, study.c.id == study_modality.c.study_fk),
                (study_modality.c.modality == modality,),
                (study_modality.c.study_date.desc(), study_modality.c.study_fk.desc()),
                (study_modality, "INDEXED BY ix_study_modality_date"),
                by_modality=True,
                walks=True,
            )
        index = "ix_patient_patient_name_key" if level is Level.PATIENT else "ix_study_date"
        return _Plan(self._joined(), order=order, hint=(above, f"INDEXED BY {index}"), walks=True)

    def _joined(self) -> FromClause:
        """study joined down to the level of the query; the patients by themselves."""
        source: FromClause = patient if self._query.level is Level.PATIENT else study
        if self._query.level in (Level.SERIES, Level.INSTANCE):
            source = source.join(series, series.c.study_fk == study.c.id)
        if self._query.level is Level.INSTANCE:
            source = source.join(instance, and_(instance.c.series_fk == series.c.id, instance.c.current))
        return source

    def _natural_order(self) -> tuple[Column, ...]:
        if self._query.level is Level.PATIENT:
            return (patient.c.patient_name_key, patient.c.id)
        order: list[Column] = [study.c.study_date.desc(), study.c.id.desc()]
        if self._query.level in (Level.SERIES, Level.INSTANCE):
            order += [func.length(series.c.series_number), series.c.series_number, series.c.id]
        if self._query.level is Level.INSTANCE:
            order += [func.length(instance.c.instance_number), instance.c.instance_number, instance.c.id]
        return tuple(order)

    def _asked_order(self) -> list[Column]:
        order: list[Column] = []
        for sort in self._query.sort:
            attribute = sort.attribute
            column = _column(attribute, self._query.level)
            if column is None:
                continue  # of a lower level: it has no one value to sort by
            keys = [column]
            if attribute.vr == "PN":
                keys = [_table(attribute, self._query.level).c[key_column(attribute)]]
            elif attribute.vr in _NUMBERS and not attribute.computed:
                keys = [func.length(column), column]
            order += [key.desc() if sort.descending else key.asc() for key in keys]
        return order

    def _few(self) -> set[int] | None:
        """The ids of all studies (patients, at their level) that some selective key allows; None when no key is selective."""
        if self._found is None:
            self._found = (self._find_few(),)
        return self._found[0]

    def _find_few(self) -> set[int] | None:
        for attribute, match in self._matches:
            candidates = _candidates(self._connection, attribute, match, self._query.level)
            if candidates is not None:
                ids = candidates.ids(self._connection, _FEW)
                if ids is not None:
                    return ids
        return None

    def _condition(self, attribute: Attribute, match: Match, plan: _Plan) -> Condition:
        if plan.by_modality and attribute.keyword == "ModalitiesInStudy" and isinstance(match, Single):
            # the plan's own condition; a second key of the same kind asks the study by itself
            return self._kind(study_modality, attribute, match) if self._asks_twice() else true()
        if plan.by_modality and attribute.keyword == "StudyDate":
            return self._compiled(attribute, match, study_modality)
        if _DEPTH[attribute.level] > _DEPTH[self._query.level]:
            return self._below(attribute, match)
        return self._here(attribute, match, _table(attribute, self._query.level), plan.by_modality)

    def _asks_twice(self) -> bool:
        return sum(attribute.keyword == "ModalitiesInStudy" for attribute, _ in self._matches) > 1

    def _here(self, attribute: Attribute, match: Match, table: FromClause, by_modality: bool = False) -> Condition:
        if attribute.keyword == "ModalitiesInStudy":
            return self._kind(study_modality, attribute, match)
        if attribute.keyword == "SOPClassesInStudy":
            return self._kind(study_sop_class, attribute, match)
        if attribute.is_extra:
            return extras.condition(attribute, match, _owner(attribute, table), self._postgresql)
        if attribute.computed:
            return true()  # not a key that is matched (PS3.4 C.2.2.1.3)
        return self._compiled(attribute, match, table, study_modality if by_modality else table)

    def _compiled(self, attribute: Attribute, match: Match, table: FromClause, keys: FromClause | None = None) -> Condition:
        """keys: the table whose copy of a folded name an index covers."""
        key = None
        if attribute.vr == "PN":
            name = key_column(attribute)
            key = keys.c[name] if keys is not None and name in keys.c else table.c[name]
        return dialect.condition(attribute, match, table.c[attribute.column], key, self._postgresql)

    def _kind(self, table: Table, attribute: Attribute, match: Match) -> Condition:
        """One of the study's modalities or SOP classes matches (PS3.4 C.3.4)."""
        if isinstance(match, Empty):
            return study.c[attribute.column] == ""
        other = table.alias()
        one, column = (BY_KEYWORD["Modality"], other.c.modality) if table is study_modality else (
            BY_KEYWORD["SOPClassUID"], other.c.sop_class_uid)
        return exists().where(other.c.study_fk == study.c.id, dialect.condition(one, match, column, None, self._postgresql))

    def _span(self, span: Span) -> Condition:
        """A date and its time, in a row or in one of its children."""

        def asked(table: FromClause) -> Condition:
            # Dates of patients are not moved; their rows have no zone.
            zone: Column = literal("") if table is patient else study.c.timezone_offset_from_utc
            return dialect.span(span, table.c[span.date.column], table.c[span.time.column], zone)

        if _DEPTH[span.date.level] > _DEPTH[self._query.level]:
            return self._children(span.date.level, asked)
        return asked(_table(span.date, self._query.level))

    def _below(self, attribute: Attribute, match: Match) -> Condition:
        """Some child has a value that matches. Each key asks by itself."""
        return self._children(attribute.level, lambda table: self._here(attribute, match, table))

    def _children(self, level: Level, asked: Callable[[FromClause], Condition]) -> Condition:
        """Some child of a level is as asked."""
        chain = [(study, study.c.patient_fk == patient.c.id), (series, series.c.study_fk == study.c.id),
                 (instance, and_(instance.c.series_fk == series.c.id, instance.c.current))]
        links = chain[_DEPTH[self._query.level] : _DEPTH[level]]
        source: FromClause = links[0][0]
        for table, link in links[1:]:
            source = source.join(table, link)
        # A series' zone is that of its study, which the outer row has.
        above = ((patient,), (study,), (series, study))[_DEPTH[self._query.level]]
        return exists(select(literal(1)).select_from(source).where(links[0][1], asked(links[-1][0])).correlate(*above))


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Which index entries to look at first, as plain SQL: making and compiling an expression would cost more than the answer.

    select: SELECT ids ... WHERE; columns: one of them must equal one of `values` or be in one of `ranges`, from and below ("" for
    no end). of_patients: what is wanted are the patients of these studies.
    """

    select: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]
    of_patients: bool

    def ids(self, connection: Connection, at_most: int) -> set[int] | None:
        """The ids of studies or patients; None when there are `at_most` or more."""
        asked: list[tuple[str, tuple[str, ...]]] = [("{0} = ?", (value,)) for value in self.values]
        for start, end in self.ranges:
            asked.append(("{0} >= ? AND {0} < ?", (start, end)) if end else ("{0} >= ?", (start,)))
        found: set[int] = set()
        for first in range(0, len(asked), _AT_ONCE):
            text, values = self._text(asked[first : first + _AT_ONCE], at_most)
            text = text.replace("?", rows_of.mark(connection))
            # Of the beginning of a name there may be many, and to count is cheaper than to fetch.
            counted = f"SELECT count(*) FROM ({text}) AS y"
            if self.ranges and connection.exec_driver_sql(counted, values).scalar_one() >= at_most:
                return None
            found.update(each[0] for each in connection.exec_driver_sql(text, values).all())
        if len(found) >= at_most:
            return None
        return _patients_of(connection, found) if self.of_patients else found

    def _text(self, asked: Sequence[tuple[str, tuple[str, ...]]], at_most: int) -> tuple[str, tuple[str, ...]]:
        condition = " OR ".join(text for text, _ in asked)
        parts = (f"SELECT * FROM ({self.select} {condition.format(column)} LIMIT {at_most}) AS x" for column in self.columns)
        return " UNION ALL ".join(parts), tuple(value for _, some in asked for value in some) * len(self.columns)


def _patients_of(connection: Connection, studies: set[int]) -> set[int]:
    those = dialect.some_ids(study.c.id, studies, connection.dialect.name == "postgresql")
    return set(connection.execute(select(study.c.patient_fk).where(those)).scalars())


# By which indexes studies are found; each column holds one value a row.
_BY_MODALITY = "SELECT study_fk FROM study_modality WHERE", ("modality",)
_BY_SOP_CLASS = "SELECT study_fk FROM study_sop_class WHERE", ("sop_class_uid",)
_STUDIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{keyword: ("SELECT id FROM study WHERE", name_columns(BY_KEYWORD[keyword]) or (BY_KEYWORD[keyword].column,))
       for keyword in ("StudyInstanceUID", "PatientID", "AccessionNumber", "PatientBirthDate", "StudyDescription",
                       "InstitutionName", "PatientName", "ReferringPhysicianName")},
    "ModalitiesInStudy": _BY_MODALITY, "Modality": _BY_MODALITY,
    "SOPClassesInStudy": _BY_SOP_CLASS, "SOPClassUID": _BY_SOP_CLASS,
    "SeriesInstanceUID": ("SELECT study_fk FROM series WHERE", ("series_instance_uid",)),
    "SOPInstanceUID": ("SELECT series.study_fk FROM instance JOIN series ON series.id = instance.series_fk WHERE",
                       ("sop_instance_uid",)),
}  # fmt: skip
_PATIENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    keyword: ("SELECT id FROM patient WHERE", columns) for keyword, (_, columns) in _STUDIES.items()
    if keyword in ("PatientID", "PatientName")
}  # fmt: skip


def _candidates(connection: Connection, attribute: Attribute, match: Match, level: Level) -> _Candidates | None:
    """What an index answers and leaves out no study (at their level: no patient) that the key matches; None without an index."""
    is_patients = level is Level.PATIENT and attribute.level is Level.PATIENT
    found = (_PATIENTS if is_patients else _STUDIES).get(attribute.keyword)
    if attribute.is_extra and attribute.vr not in dialect.NUMBER_VRS and level is not Level.PATIENT:
        found = extras.candidates(connection, attribute), ("extra_value.key",)
    if found is None:
        return None
    fold = dialect.name_key if attribute.vr == "PN" else str
    parts = [_stretches(way, fold) for way in (match.ways if isinstance(match, AnyOf) else (match,))]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    values = tuple(dict.fromkeys(value for some, _ in known for value in some))
    ranges = tuple(dict.fromkeys(ends for _, some in known for ends in some))
    return _Candidates(*found, values, ranges, of_patients=level is Level.PATIENT and not is_patients)


def _stretches(match: Match, fold: Callable[[str], str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None:
    """Values and ranges of an index, of which one has every text that the match fits, or the first component group of it."""
    match match:
        case UidList(uids):
            return uids, ()
        case Fuzzy(names=few) if few is not None:
            return few, ()
        case Range(low, high):
            return (), ((low or "\x01", dialect.after(high)),)
        case Single(value) if fold is str:
            return (value,), ()
        case Single(value) if (start := fold(value)) and "=" not in start:
            return (start,), ((f"{start}=", dialect.after(f"{start}=")),)
        case Wildcard(pattern) if (start := dialect.prefix(fold(pattern))) and "=" not in start:
            return (), ((start, dialect.after(start)),)
    return None
