"""The study list of the web client: a page of studies in any order, flat at any size, and what a study holds.

Which plan is quick depends on how much the filters leave over, and neither planner knows (LIBRARIES 4.2). So what each filter
leaves is counted first in its index, up to SOME:

    the least is FEW or SOME   its ids drive everything: all filters on these rows, sorted in memory; the total is exact
    all of them leave many     the index of the sort order drives: rows are tried in that order until the page is full; the
                               filters' own indexes are hidden from the planner, and the total is an estimate from a sample
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Select, and_, func, literal, or_, select, tuple_, union_all

from isocenter.dicom.attributes import BY_KEYWORD, Attribute
from isocenter.dicom.match import Wildcard
from isocenter.domain.access import Everything, Scope
from isocenter.domain.relevance import Relevance, StudyFacts, relevance
from isocenter.store import changes, connections, dialect, extras, imaging, named, orders, sensitive, visible
from isocenter.store.imaging import number
from isocenter.store.schema import UtcDateTime, exception, instance, key_column, name_columns, series, study, study_modality

# So few ids are fetched and handed over in the next statement; up to SOME are found again by a subquery, since many parameters
# cost more. Of more than SOME in a million, one row in fifty fits: a page is found in a few thousand steps.
FEW = 1000
SOME = 20_000
# Up to so many studies are counted exactly; in a larger archive the newest SAMPLE are, and the rest is taken to be like them.
COUNTED = 20_000
SAMPLE = 4_000
PAGE = 100  # rows of one page, about
MOST_PRIORS = 100

COLUMNS: Mapping[str, Column[Any]] = {
    "StudyInstanceUID": study.c.study_instance_uid,
    "PatientName": study.c.patient_name,
    "PatientID": study.c.patient_id,
    "IssuerOfPatientID": study.c.issuer_of_patient_id,
    "PatientBirthDate": study.c.patient_birth_date,
    "PatientSex": study.c.patient_sex,
    "StudyDate": study.c.study_date,
    "StudyTime": study.c.study_time,
    "AccessionNumber": study.c.accession_number,
    "StudyDescription": study.c.study_description,
    "ModalitiesInStudy": study.c.modalities_in_study,
    "ReferringPhysicianName": study.c.referring_physician_name,
    "InstitutionName": study.c.institution_name,
    "NumberOfStudyRelatedSeries": study.c.number_of_study_related_series,
    "NumberOfStudyRelatedInstances": study.c.number_of_study_related_instances,
    "received_at": study.c.received_at,
}
# What a column is sorted by: names folded, dates with their times.
SORTS: Mapping[str, tuple[Column[Any], ...]] = {
    **{name: (column,) for name, column in COLUMNS.items() if name not in ("StudyInstanceUID", "StudyTime", "IssuerOfPatientID")},
    "PatientName": (study.c.patient_name_key,),
    "ReferringPhysicianName": (study.c.referring_physician_name_key,),
    "StudyDate": (study.c.study_date, study.c.study_time),
}


def kinds(keyword: str) -> tuple[type, ...]:
    """The Python types of what a page in this order continues after: its columns, and the id."""
    return (*(datetime if isinstance(key.type, UtcDateTime) else key.type.python_type for key in SORTS[keyword]), int)


_SHOWN = dict.fromkeys([study.c.id, *COLUMNS.values(), *(key for keys in SORTS.values() for key in keys)])


@dataclass(frozen=True, slots=True)
class Begins:
    """The attribute begins with one of the texts; they may hold the wildcards * and ?."""

    keyword: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dates:
    """Study Date from `low` to `high`, YYYYMMDD; "" leaves an end open."""

    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Modalities:
    """One of these is in the study."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several prefixes: the search box."""

    beginnings: tuple[Begins, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared attribute (`dicom.extra`) of the study or of what is above or below it begins with one of the texts."""

    attribute: Attribute
    texts: tuple[str, ...]


Filter = Begins | Dates | Modalities | AnyOf | Declared


@dataclass(frozen=True, slots=True)
class Order:
    """The column to sort by, and whether from the end. Ties are broken by the order of arrival, in the same direction."""

    keyword: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Rows keyword -> value; `last`: the sort values and id of the last row, to continue after; total, exact or not."""

    rows: list[Mapping[str, Any]]
    last: tuple[Any, ...] | None
    total: int
    is_estimate: bool
    latest_change: int


def page(
    connection: Connection, filters: Sequence[Filter], scope: Scope, order: Order, *, limit: int, offset: int,
    after: tuple[Any, ...] | None,
) -> Page:  # fmt: skip
    """One page of the studies that pass all filters and the scope. `after`: `last` of the page before, instead of `offset`."""
    if connection.dialect.name == "postgresql" and any(isinstance(each, Declared) for each in filters):
        connections.row_by_row(connection)  # from their values to the studies
    filters = _with_entries(connection, filters)
    asked = _named(connection, filters, scope, order, after)
    if asked is not None:
        found, known = named.page(connection, asked, limit + 1, offset)
        conditions = [_Plan(connection.dialect.name == "postgresql", order).condition(each) for each in filters]
        total, is_estimate = (known, False) if known is not None else _total(connection, conditions, few=False)
        return _page(connection, order, found, limit, offset, total, is_estimate)
    driver = _driver(connection, filters, scope, order)
    plan = _Plan(connection.dialect.name == "postgresql", None if driver is not None else order)
    conditions = [*_scoped(connection, scope), *(plan.condition(each) for each in filters)]
    if driver is not None:
        conditions.append(driver)
    keys = [*SORTS[order.keyword], study.c.id]
    query = select(study.c.id).where(visible.SHOWN, *conditions)
    query = query.order_by(*(key.desc() if order.descending else key for key in keys))
    if driver is not None and after is None:
        # All of them in their order: to count them first would read each of these rows twice.
        every = connection.execute(query).scalars().all()
        total, is_estimate, found = len(every), False, every[offset : offset + limit + 1]
    else:
        total, is_estimate = _total(connection, conditions, few=driver is not None)
        if after is not None:
            values = tuple_(*(literal(value, key.type) for key, value in zip(keys, after, strict=True)))
            query = query.where(tuple_(*keys) < values if order.descending else tuple_(*keys) > values)
        if plan.postgresql and driver is None:
            connections.in_order(connection)
        found = connection.execute(query.limit(limit + 1).offset(offset)).scalars().all()
    return _page(connection, order, found, limit, offset, total, is_estimate)


def _page(
    connection: Connection, order: Order, found: Sequence[int], limit: int, offset: int, total: int, is_estimate: bool
) -> Page:  # fmt: skip
    """found: the ids from the offset on, one more than the page has if there is a next one."""
    keys = [*SORTS[order.keyword], study.c.id]
    rows = _rows(connection, found[:limit])
    last = tuple(rows[-1][key.name] for key in keys) if len(found) > limit else None
    return Page(_told(connection, rows), last, max(total, offset + len(found)), is_estimate, changes.latest(connection))


def _with_entries(connection: Connection, filters: Sequence[Filter]) -> list[Filter]:
    """The filters, without those ways of the search box that no index has an entry for: most texts are the beginning of a name,
    and of no ID."""
    return [_reduced(connection, each) if isinstance(each, AnyOf) else each for each in filters]


def _reduced(connection: Connection, box: AnyOf) -> Filter:
    ways = [each for each in box.beginnings if not (ranges := _ranges(each)) or named.exist(connection, ranges)]
    return ways[0] if len(ways) == 1 else AnyOf(tuple(ways)) if ways else box


def _named(
    connection: Connection, filters: Sequence[Filter], scope: Scope, order: Order, after: tuple[Any, ...] | None
) -> named.Asked | None:  # fmt: skip
    """What is asked, if it is no more than the beginning of a name, dates and modalities, in the order of dates."""
    kinds = [type(each) for each in filters]
    if order.keyword != "StudyDate" or scope != Everything() or len(set(kinds)) < len(kinds):
        return None
    starts: tuple[str, ...] | None = None
    dates: tuple[str, str] | None = None
    modalities: tuple[str, ...] = ()
    for each in filters:
        match each:
            case Begins("PatientName", texts):
                starts = named.starts(texts)
            case Dates(low, high):
                dates = (low, high)
            case Modalities(names):
                modalities = names
            case _:
                return None
    if not starts:
        return None
    _, *groups = name_columns(BY_KEYWORD["PatientName"])
    if named.exist(connection, [(group, start) for group in groups for start in starts]):
        return None
    return named.Asked(starts, dates, modalities, order.descending, after)


def _rows(connection: Connection, ids: Sequence[int]) -> list[RowMapping]:
    """The rows of the ids, in their order: so an offset steps over index entries, not over rows."""
    query = select(*_SHOWN).where(dialect.some_ids(study.c.id, ids, connection.dialect.name == "postgresql"))
    rows = {row["id"]: row for row in connection.execute(query).mappings()}
    return [rows[each] for each in ids]


def _told(connection: Connection, rows: Sequence[RowMapping]) -> list[Mapping[str, Any]]:
    """The columns by keyword, where the procedure is that the study is of, and whether it is sensitive: a look-up a page each."""
    uids = [row["study_instance_uid"] for row in rows]
    states, marked = orders.of_studies(connection, uids), sensitive.among(connection, uids)
    return [{**_keywords(row), "procedure": states.get(uid, ""), "sensitive": uid in marked}
            for uid, row in zip(uids, rows, strict=True)]  # fmt: skip


def _keywords(row: RowMapping) -> Mapping[str, Any]:
    return {name: row[column.name] for name, column in COLUMNS.items()}


def _driver(connection: Connection, filters: Sequence[Filter], scope: Scope, order: Order) -> ColumnElement[bool] | None:
    """A condition on the id, from the most selective of the filters and the scope; None when each leaves many."""
    best: list[Select[int]] = []
    fewest = SOME + 1
    for queries in [*(_drivers(each) for each in filters), visible.drivers(scope)]:
        counted = sum(_count(connection, query) for query in queries)
        if queries and counted < fewest:
            best, fewest = queries, counted
    if not best:
        return None
    best = [_narrowed(query, filters, connection.dialect.name == "postgresql") for query in best]
    if fewest > FEW:
        alone = len(filters) == 1 and scope == Everything()
        if alone and _is_walked(connection, filters[0], order, fewest):
            return None
        return study.c.id.in_(union_all(*best))
    return study.c.id.in_({each for query in best for each in connection.execute(query).scalars()})


def _narrowed(query: Select[int], filters: Sequence[Filter], postgresql: bool) -> Select[int]:
    """The query of ids with all else that its index or another can tell, before a row is read."""
    table = study if study in query.get_final_froms() else study_modality
    for each in filters:
        match each:
            case Dates(low, high):
                query = query.where(*_between(table.c.study_date.concat(""), low, high))  # told, but not searched by
            case Modalities() if table is study:
                query = query.where(_Plan(postgresql, None).condition(each))
            case Begins("PatientName", texts) if table is study_modality:
                starts = [text.rstrip("*") for text in texts]
                if not any(set(start) & set("*?=") for start in starts):
                    key, name = table.c.patient_name_key, BY_KEYWORD["PatientName"]
                    like = (dialect.condition(name, Wildcard(f"{start}*"), key, key, postgresql) for start in starts)
                    query = query.where(or_(*like))
    return query


def _is_walked(connection: Connection, only: Filter, order: Order, matching: int) -> bool:
    """Whether a page in the order of an index is found sooner than all that match are read and sorted.

    A page takes as many steps as there are studies for each that matches; a step costs as much as a row to be read, and a tenth
    of it for names by date, which that order's own index tells.
    """
    newest = connection.execute(select(func.max(study.c.id))).scalar() or 0
    is_told = isinstance(only, Begins) and only.keyword == "PatientName" and order.keyword == "StudyDate"
    return newest > COUNTED and matching * matching * (10 if is_told else 1) > PAGE * newest


def _count(connection: Connection, query: Select[int]) -> int:
    """How many index entries the query gives; stops when they are many."""
    return connection.execute(select(func.count()).select_from(query.limit(SOME + 1).subquery())).scalar_one()


def _drivers(each: Filter) -> list[Select[int]]:
    """Queries, each served by one index, that together give all ids the filter leaves (or more); none when no index serves it."""
    match each:
        case Begins():
            return [select(study.c.id).where(dialect.begins(study.c[key], start)) for key, start in _ranges(each)]
        case Dates(low, high):
            return [select(study.c.id).where(*_between(study.c.study_date, low, high))]
        case Modalities(names):
            return [select(study_modality.c.study_fk).where(study_modality.c.modality == name) for name in names]
        case Declared(attribute, texts):
            starts = [dialect.prefix(dialect.name_key(text) if attribute.vr == "PN" else text) for text in texts]
            return [extras.begins(attribute, start) for start in starts] if all(starts) else []
        case AnyOf(beginnings):
            parts = [_drivers(part) for part in beginnings]
            return [query for part in parts for query in part] if all(parts) else []


def _ranges(each: Begins) -> list[tuple[str, str]]:
    """Indexed columns and what their values begin with; none when no index serves it."""
    attribute = BY_KEYWORD[each.keyword]
    keys = name_columns(attribute) or (attribute.column,)
    starts = [dialect.prefix(dialect.name_key(text) if attribute.vr == "PN" else text) for text in each.texts]
    served = all(study.c[key] in _INDEXED for key in keys) and all(starts)
    return [(key, start) for key in keys for start in starts] if served else []


_INDEXED = frozenset(next(iter(index.columns)) for index in study.indexes)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What filters become. order: that whose index shall drive, so that the filters' own are hidden; None when ids drive."""

    postgresql: bool
    order: Order | None

    def condition(self, each: Filter) -> ColumnElement[bool]:
        """What a row must satisfy."""
        match each:
            case Begins(keyword, texts):
                attribute = BY_KEYWORD[keyword]
                text = self._hidden(study.c[attribute.column])
                key = self._hidden(study.c[key_column(attribute)]) if attribute.vr == "PN" else None
                like = (Wildcard(text if text.endswith("*") else f"{text}*") for text in texts)
                return or_(*(dialect.condition(attribute, each, text, key, self.postgresql) for each in like))
            case Dates(low, high):
                drives = self.order is not None and self.order.keyword == "StudyDate"
                return and_(*_between(study.c.study_date if drives else self._hidden(study.c.study_date), low, high))
            case Modalities(names):
                mine = (study_modality.c.study_fk == study.c.id) & study_modality.c.modality.in_(names)
                return select(study_modality.c.study_fk).where(mine).correlate(study).exists()
            case Declared(attribute, texts):
                ways = (Wildcard(text if text.endswith("*") else f"{text}*") for text in texts)
                return or_(*(extras.of_study(attribute, way, self.postgresql) for way in ways))
            case AnyOf(beginnings):
                return or_(*(self.condition(part) for part in beginnings))

    def _hidden(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column, as an expression that no index serves."""
        return column if self.order is None else column.concat("")


def _between(column: ColumnElement[Any], low: str, high: str) -> list[ColumnElement[bool]]:
    """A study without a date is in no range."""
    return [column >= (low or "0"), *([column <= high] if high else [])]


def _scoped(connection: Connection, scope: Scope) -> list[ColumnElement[bool]]:
    """The scope as conditions on a study."""
    return [] if scope == Everything() else [visible.condition(scope, connection.dialect.name == "postgresql")]


def _total(connection: Connection, conditions: Sequence[ColumnElement[bool]], *, few: bool) -> tuple[int, bool]:
    """How many studies satisfy the conditions, and whether that is an estimate."""
    newest = connection.execute(select(func.max(study.c.id))).scalar() or 0
    if few or newest <= COUNTED:
        return connection.execute(select(func.count()).select_from(study).where(visible.SHOWN, *conditions)).scalar_one(), False
    if not conditions:
        return newest, True  # ids are given once and in order
    sample = select(func.count()).select_from(study).where(study.c.id > newest - SAMPLE, *conditions)
    return connection.execute(sample).scalar_one() * newest // SAMPLE, True


@dataclass(frozen=True, slots=True)
class Shown:
    """An instance as far as a list of series shows it."""

    sop_instance_uid: str
    sop_class_uid: str
    number_of_frames: int
    rows: int
    columns: int
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class SeriesShown:
    """A series with the first and the middle of its instances, by Instance Number."""

    values: Mapping[str, Any]
    sop_class_uids: tuple[str, ...]
    first: Shown
    middle: Shown


@dataclass(frozen=True, slots=True)
class Detail:
    """A study, its series, and the other studies of its patient, newest first, with how much each helps to read this one."""

    study: Mapping[str, Any]
    series: list[SeriesShown]
    priors: list[Mapping[str, Any]]
    relevance: list[Relevance]


def detail(connection: Connection, scope: Scope, study_uid: str) -> Detail | None:
    """What a study holds; None when it is not there, or not for this scope."""
    uid = study.c.study_instance_uid
    mine = select(study.c.patient_fk, *_SHOWN).where(uid == study_uid, visible.SHOWN, *_scoped(connection, scope))
    row = connection.execute(mine).mappings().one_or_none()
    if row is None:
        return None
    others = (
        select(*_SHOWN)
        .where(study.c.patient_fk == row["patient_fk"], study.c.id != row["id"], visible.SHOWN, *_scoped(connection, scope))
        .order_by(study.c.study_date.desc(), study.c.study_time.desc(), study.c.id.desc())
        .limit(MOST_PRIORS)
    )
    rows = [row, *connection.execute(others).mappings()]
    mine_told, *priors = _told(connection, rows)
    this, *facts = _facts(connection, rows)
    return Detail(mine_told, _series(connection, row["id"]), priors, [relevance(this, each) for each in facts])


def _facts(connection: Connection, rows: Sequence[RowMapping]) -> list[StudyFacts]:
    """What tells how studies of one patient compare, in the order of the rows; three look-ups for all of them."""
    if len(rows) == 1:
        return [StudyFacts.of("", (), (), (), (), ())]
    c = series.c
    called = (c.performed_procedure_step_description, c.protocol_name, c.series_description)
    told = (c.study_fk, c.body_part_examined, c.laterality, *called)
    held: dict[int, list[Any]] = {row["id"]: [] for row in rows}
    for each in connection.execute(select(*told).where(c.study_fk.in_(held)).order_by(c.id)):
        held[each.study_fk].append(each)
    codes = orders.procedures_of(connection, [row["study_instance_uid"] for row in rows])
    return [
        StudyFacts.of(
            row["study_date"], row["modalities_in_study"].split("\\"), {each.body_part_examined for each in held[row["id"]]},
            # What the study is called says more than what its series are.
            [row["study_description"], codes.get(row["study_instance_uid"], ("", ""))[1],
             *dict.fromkeys(text for each in held[row["id"]] for text in each[-len(called):])],
            [codes.get(row["study_instance_uid"], ("", ""))[0]], {each.laterality for each in held[row["id"]]},
        )
        for row in rows
    ]  # fmt: skip


_SERIES = {
    "SeriesInstanceUID": series.c.series_instance_uid,
    "Modality": series.c.modality,
    "SeriesNumber": series.c.series_number,
    "SeriesDescription": series.c.series_description,
    "BodyPartExamined": series.c.body_part_examined,
    "NumberOfSeriesRelatedInstances": series.c.number_of_series_related_instances,
}


def _series(connection: Connection, study_id: int) -> list[SeriesShown]:
    rows = connection.execute(select(series).where(series.c.study_fk == study_id)).mappings().all()
    held: dict[int, list[Any]] = {}
    shown = (
        instance.c.series_fk, instance.c.instance_number, instance.c.sop_instance_uid, instance.c.sop_class_uid,
        instance.c.number_of_frames, instance.c.rows, instance.c.columns, instance.c.transfer_syntax_uid,
    )  # fmt: skip
    query = select(*shown).join_from(instance, series).where(series.c.study_fk == study_id, instance.c.current)
    for each in connection.execute(query):
        held.setdefault(each.series_fk, []).append(each)
    found: list[SeriesShown] = []
    for row in sorted(rows, key=lambda each: (number(each["series_number"]), each["series_instance_uid"])):
        instances = sorted(held.get(row["id"], ()), key=lambda each: (number(each.instance_number), each.sop_instance_uid))
        if instances:
            values = {name: row[column.name] for name, column in _SERIES.items()}
            classes = tuple(sorted({each.sop_class_uid for each in instances}))
            found.append(SeriesShown(values, classes, _shown(instances[0]), _shown(instances[len(instances) // 2])))
    return found


def _shown(row: Any) -> Shown:
    frames, rows, columns = (number(text)[1] for text in (row.number_of_frames, row.rows, row.columns))
    return Shown(row.sop_instance_uid, row.sop_class_uid, max(frames, 1), rows, columns, row.transfer_syntax_uid)


def counts(connection: Connection) -> dict[str, int]:
    """How much the archive holds, and how many exceptions are open."""
    open_cases = select(func.count()).select_from(exception).where(exception.c.dismissed_at.is_(None))
    return {**imaging.counts(connection), "exceptions": connection.execute(open_cases).scalar_one()}
