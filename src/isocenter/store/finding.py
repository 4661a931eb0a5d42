"""Searching: a `dicom.query.Query` and the scope of who asks become SQL, and rows become text by keyword.

Keys of the query's level and above are columns of the joined row; keys below it ask whether such a child exists. Planners of
neither database are safe with a million studies (LIBRARIES 4.2), so the plan is chosen here, with a capped look at how selective
a key is:

    driven by key        a UID, Patient ID, accession number or name that fewer than `_FEW` studies match: these studies by id
    driven by modality   in the order of study_modality's index: newest study first, until the page is full
    driven by date       the same from study's own index
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, exists, func, literal, select, true
from sqlalchemy.sql import FromClause

from isocenter.dicom.attributes import BY_KEYWORD, Attribute, Level, at
from isocenter.dicom.match import Empty, Match, Single, Universal
from isocenter.dicom.moments import Span
from isocenter.dicom.query import Query
from isocenter.domain.access import Everything, Scope
from isocenter.store import candidates, connections, dialect, extras, names, visible
from isocenter.store.schema import (
    instance,
    key_column,
    patient,
    series,
    study,
    study_modality,
    study_sop_class,
)

Condition = ColumnElement[bool]
Column = ColumnElement[Any]

_FEW = 2000  # studies that are cheaper to fetch by id and sort than to look for in the order of their dates
_SAMPLE = 2000  # rows of a level whose share that match stands for all
_AT_ONCE = 500  # rows that are read at once
_COUNTED = 20_000  # rows that are counted at most
_DEPTH = {Level.PATIENT: 0, Level.STUDY: 1, Level.SERIES: 2, Level.INSTANCE: 3}
_NUMBERS = frozenset({"IS", "US", "UL"})  # texts of whole numbers: the longer is the larger


_ONE = select(literal(1))
_ALL = Everything()
# Of what was rejected nothing is served (`store.rejections`): who has nothing else is not there.
_SHOWN_AT: dict[Level, tuple[Condition, ...]] = {
    Level.PATIENT: (patient.c.number_of_patient_related_instances > 0,),
    Level.STUDY: (visible.SHOWN,),
    Level.SERIES: (series.c.number_of_series_related_instances > 0,),
    Level.INSTANCE: (),
}


def find(connection: Connection, query: Query, scope: Scope = _ALL) -> list[dict[str, str]]:
    """The rows that match, as text by keyword ("" for what has no value): the level's and the upper levels' attributes.

    scope: the studies that the caller may see: nothing of the others is told, nor counted, nor found by. Only served instances
    are seen. Sorted by `query.sort`, then newest study first, then by number.
    """
    return list(rows(connection, query, scope))


def rows(connection: Connection, query: Query, scope: Scope = _ALL) -> Iterator[dict[str, str]]:
    """As `find`, one row after the other: for answers of any size."""
    shown = _shown(query, scope, connection.dialect.name == "postgresql")
    statement = _Finding(connection, query, scope).statement(shown.base)
    if statement is None:
        return
    # A cursor of PostgreSQL's server costs three turns of the network more.
    if query.limit is None or query.limit > _AT_ONCE:
        connection = connection.execution_options(yield_per=_AT_ONCE)
    for row in connection.execute(statement):
        yield {keyword: "" if value is None else str(value) for keyword, value in zip(shown.keywords, row, strict=True)}


def estimate(connection: Connection, query: Query, scope: Scope = _ALL) -> tuple[int, bool]:
    """How many rows match, without regard to limit and offset, and whether that is an estimate; as quick at a million studies.

    Counted where a key is selective, or where the archive is small; else from the share of the level's newest rows that match.
    """
    found = _Finding(connection, query, scope)
    table = {Level.PATIENT: patient, Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}[query.level]
    newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
    if found.is_selective() or newest <= _SAMPLE:
        statement = found.statement(_ONE, page=False)
        if statement is None:
            return 0, False
        number = connection.execute(select(func.count()).select_from(statement.limit(_COUNTED).subquery())).scalar_one()
        return number, number == _COUNTED
    if not found.has_conditions():
        return newest, True  # ids are given once and in order
    statement = found.statement(_ONE, page=False, sampled=table.c.id > newest - _SAMPLE)
    if statement is None:
        return 0, False
    return connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one() * newest // _SAMPLE, True


@dataclass(frozen=True, slots=True)
class _Shown:
    """What each row tells: the keywords, and the SELECT of their columns."""

    keywords: tuple[str, ...]
    base: Select[Any]


def _shown(query: Query, scope: Scope, postgresql: bool) -> _Shown:
    """Every attribute of the level and above that the index holds; costly counts and declared ones only when asked for."""
    asked = (*query.returns, *(attribute for attribute, _ in query.matches))
    costly = frozenset(attribute for attribute in asked if _is_costly(attribute, query.level))
    declared = tuple(a for a in query.returns if a.is_extra and _DEPTH[a.level] <= _DEPTH[query.level])
    counts = scope if costly or query.level is Level.PATIENT else _ALL
    return _remembered(query.level, costly, declared, counts, postgresql)


@lru_cache(maxsize=256)
def _remembered(
    level: Level, costly: frozenset[Attribute], declared: tuple[Attribute, ...], scope: Scope, postgresql: bool
) -> _Shown:
    """Searches come in few shapes, and to name forty columns anew takes longer than most answers.

    scope: of whose studies a patient's are counted.
    """
    columns: dict[str, Column] = {}
    for above in Level:
        if _DEPTH[above] <= _DEPTH[level]:
            for attribute in at(above):
                column = _column(attribute, level)
                if scope != _ALL and attribute.computed and above is Level.PATIENT:
                    column = _counted(attribute, level, scope, postgresql)
                if column is not None and (attribute in costly or not _is_costly(attribute, level)):
                    columns[attribute.keyword] = column
    for attribute in declared:
        columns[attribute.keyword] = extras.texts(attribute, _owner(attribute, _table(attribute, level)), postgresql)
    return _Shown(tuple(columns), select(*(column.label(keyword) for keyword, column in columns.items())))


def _counted(attribute: Attribute, level: Level, scope: Scope, postgresql: bool) -> Column:
    """How many studies of a patient, or series or instances of them, the scope covers."""
    theirs = study.alias()
    other = visible.condition(scope, postgresql, theirs)
    number: Column = {
        "NumberOfPatientRelatedStudies": func.count(),
        "NumberOfPatientRelatedSeries": func.coalesce(func.sum(theirs.c.number_of_study_related_series), 0),
        "NumberOfPatientRelatedInstances": func.coalesce(func.sum(theirs.c.number_of_study_related_instances), 0),
    }[attribute.keyword]
    whose = patient.c.id if level is Level.PATIENT else study.c.patient_fk
    mine = select(number).select_from(theirs).where(theirs.c.patient_fk == whose, visible.shown(theirs), other)
    return mine.correlate(patient if level is Level.PATIENT else study).scalar_subquery()


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

    hints: what SQLite's planner must do with tables. walks: rows are tried in their order until the page is full, which is told
    to PostgreSQL's planner (`connections.in_order`).
    """

    source: FromClause
    limits: tuple[Condition, ...] = ()
    order: tuple[Column, ...] = ()
    hints: tuple[tuple[FromClause, str], ...] = ()
    by_modality: bool = False
    walks: bool = False


@cache
def _joined(level: Level) -> FromClause:
    """study joined down to the level of the query; the patients by themselves."""
    source: FromClause = patient if level is Level.PATIENT else study
    if level in (Level.SERIES, Level.INSTANCE):
        source = source.join(series, series.c.study_fk == study.c.id)
    if level is Level.INSTANCE:
        source = source.join(instance, and_(instance.c.series_fk == series.c.id, instance.c.current))
    return source


@cache
def _natural_order(level: Level) -> tuple[Column, ...]:
    if level is Level.PATIENT:
        return (patient.c.patient_name_key, patient.c.id)
    order: list[Column] = [study.c.study_date.desc(), study.c.id.desc()]
    if level in (Level.SERIES, Level.INSTANCE):
        order += [func.length(series.c.series_number), series.c.series_number, series.c.id]
    if level is Level.INSTANCE:
        order += [func.length(instance.c.instance_number), instance.c.instance_number, instance.c.id]
    return tuple(order)


class _Finding:
    """One search: its plan and its conditions."""

    def __init__(self, connection: Connection, query: Query, scope: Scope) -> None:
        self._connection = connection
        self._query = query
        self._postgresql = connection.dialect.name == "postgresql"
        self._scope = scope
        asked = ((a, m) for a, m in query.matches if not isinstance(m, Universal))
        self._found: tuple[set[int] | None] | None = None  # what `_few` says, once it is known
        self._matches = [(a, names.resolved(connection, m) if a.vr == "PN" else m) for a, m in asked]

    def is_selective(self) -> bool:
        """Whether some key leaves but a few studies."""
        return self._few() is not None

    def has_conditions(self) -> bool:
        """Whether not every row matches."""
        return bool(self._matches or self._query.spans) or self._scope != _ALL

    def statement(self, base: Select[Any], *, page: bool = True, sampled: Condition | None = None) -> Select[Any] | None:
        """`base` with all the rest; None when nothing can match. sampled: only these rows of the level, whatever plan is best."""
        plan = self._plan() if sampled is None else self._sample(sampled)
        if plan is None:
            return None
        conditions = [self._condition(attribute, match, plan) for attribute, match in self._matches]
        conditions += [self._span(each) for each in self._query.spans]
        conditions += self._seen()
        statement = base.select_from(plan.source).where(*plan.limits, *_SHOWN_AT[self._query.level], *conditions)
        for table, hint in plan.hints:
            statement = statement.with_hint(table, hint, "sqlite")
        if (plan.walks or sampled is not None) and self._postgresql:
            connections.in_order(self._connection)
        if not page:
            return statement
        statement = statement.order_by(*self._asked_order(), *plan.order)
        if self._query.limit is not None:
            statement = statement.limit(self._query.limit)
        return statement.offset(self._query.offset) if self._query.offset else statement

    def _seen(self) -> list[Condition]:
        """That the scope covers the study; of a patient, that there is a study that it covers."""
        if self._scope == _ALL:
            return []
        if self._query.level is Level.PATIENT:
            return [self._children(Level.STUDY, lambda _: true())]
        return [visible.condition(self._scope, self._postgresql)]

    def _sample(self, newest: Condition) -> _Plan:
        """From the newest rows of the level, by id, to what is above each of them, by id."""
        tables = {Level.PATIENT: (patient,), Level.STUDY: (study,), Level.SERIES: (series, study),
                  Level.INSTANCE: (instance, series, study)}[self._query.level]  # fmt: skip
        return _Plan(_joined(self._query.level), (newest,), hints=tuple((table, "NOT INDEXED") for table in tables))

    def _plan(self) -> _Plan | None:
        level = self._query.level
        order = _natural_order(level)
        above = patient if level is Level.PATIENT else study
        ids = self._few()
        if ids is not None:
            some = dialect.some_ids(above.c.id, ids, self._postgresql)
            return _Plan(_joined(level), (some,), order, ((above, "NOT INDEXED"),)) if ids else None
        if self._query.sort:
            return _Plan(_joined(level), order=order)
        modality = next((m.value for a, m in self._matches if a.keyword == "ModalitiesInStudy" and isinstance(m, Single)), None)
        if level is Level.STUDY and modality is not None:
            return _Plan(
                study_modality.join(study, study.c.id == study_modality.c.study_fk),
                (study_modality.c.modality == modality,),
                (study_modality.c.study_date.desc(), study_modality.c.study_fk.desc()),
                ((study_modality, "INDEXED BY ix_study_modality_date"),),
                by_modality=True,
                walks=True,
            )
        if level is Level.PATIENT:
            by_name = ((patient, "INDEXED BY ix_patient_patient_name_key"),)
            return _Plan(patient, self._between_names(), order, by_name, walks=True)
        return _Plan(_joined(level), order=order, hints=((study, "INDEXED BY ix_study_date"),), walks=True)

    def _between_names(self) -> tuple[Condition, ...]:
        """Patients come in the order of their names: where the asked ones begin and end."""
        for attribute, match in self._matches:
            asked = attribute.keyword == "PatientName" and candidates.of(self._connection, attribute, match, Level.PATIENT)
            bounds = asked.bounds(self._connection) if asked else None
            if bounds is not None:
                start, end = bounds
                key = patient.c.patient_name_key
                return (key >= start, key < end) if end else (key >= start,)
        return ()

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
            if attribute.keyword == "ModalitiesInStudy" and isinstance(match, Single) and self._query.level is Level.STUDY:
                continue  # its own plan ends soon when there are few
            few = candidates.of(self._connection, attribute, match, self._query.level)
            if few is not None:
                ids = few.ids(self._connection, _FEW)
                if ids is not None:
                    return ids
        return self._few_seen()

    def _few_seen(self) -> set[int] | None:
        ids = visible.few(self._connection, self._scope, _FEW)
        return candidates.patients_of(self._connection, ids) if ids and self._query.level is Level.PATIENT else ids

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
        # By a study that is out of scope its patient is not found either.
        seen = visible.condition(self._scope, self._postgresql)
        chain = [(study, and_(study.c.patient_fk == patient.c.id, *_SHOWN_AT[Level.STUDY], seen)),
                 (series, and_(series.c.study_fk == study.c.id, *_SHOWN_AT[Level.SERIES])),
                 (instance, and_(instance.c.series_fk == series.c.id, instance.c.current))]
        links = chain[_DEPTH[self._query.level] : _DEPTH[level]]
        source: FromClause = links[0][0]
        for table, link in links[1:]:
            source = source.join(table, link)
        # A series' zone is that of its study, which the outer row has.
        above = ((patient,), (study,), (series, study))[_DEPTH[self._query.level]]
        return exists(select(literal(1)).select_from(source).where(links[0][1], asked(links[-1][0])).correlate(*above))
