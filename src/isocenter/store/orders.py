"""Rows of orders and their scheduled procedure steps. Plain functions over a Connection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, delete, exists, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.dicom.match import Match, Range, Single
from isocenter.dicom.worklist import BY_COLUMN, KEYS, Key
from isocenter.domain.orders import ON_WORKLIST, STATUS, OrderState, StepState, of_order
from isocenter.store import dialect
from isocenter.store.rows import INDEXED_LENGTH
from isocenter.store.schema import series, study
from isocenter.store.schema_orders import imaging_order, name_column, performed_step, scheduled_step, step_performed

Values = dict[str, str]
"""column of `dicom.worklist.KEYS` -> text"""

# Where an order is from: somebody ordered it, or a modality began what nobody had ordered (and what is on no worklist).
ORDERED, UNORDERED = "api", "modality"

DATE, TIME = BY_COLUMN["scheduled_procedure_step_start_date"], BY_COLUMN["scheduled_procedure_step_start_time"]


@dataclass(frozen=True, slots=True)
class Performed:
    """What a modality did for a step. started, ended: YYYYMMDDHHMMSS as it says, "" when it does not."""

    sop_instance_uid: str
    state: str
    performed_station_ae_title: str
    started: str
    ended: str
    instances: int


@dataclass(frozen=True, slots=True)
class Step:
    """A scheduled procedure step."""

    id: int
    state: StepState
    values: Values
    performed: tuple[Performed, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its steps, in the order of their times."""

    id: int
    state: OrderState
    origin: str
    starts_at: str
    created_at: datetime
    updated_at: datetime
    values: Values
    steps: tuple[Step, ...]


def add(connection: Connection, values: Values, *, origin: str, at: datetime) -> int | None:
    """Add an order without steps; its id, None when there is one of its study already."""
    row = {**_columns(values), "state": OrderState.SCHEDULED.value, "origin": origin, "created_at": at, "updated_at": at}
    engine: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = engine.insert(imaging_order).values(row).on_conflict_do_nothing(index_elements=["study_instance_uid"])
    made: int | None = connection.execute(statement.returning(imaging_order.c.id)).scalar()
    return made


def change(connection: Connection, order_id: int, values: Values) -> None:
    """Set values of an order."""
    if values:
        connection.execute(update(imaging_order).where(imaging_order.c.id == order_id).values(_columns(values)))


def add_step(connection: Connection, order_id: int, values: Values, state: StepState) -> int:
    """Add a step to an order; its id."""
    row = {**_columns(values), **_state(state), "imaging_order_fk": order_id}
    return int(connection.execute(insert(scheduled_step).values(row).returning(scheduled_step.c.id)).scalar_one())


def step_id_of(order: Order) -> str:
    """An ID for one more step of an order: SH, 16 characters."""
    return f"IS{order.id:08}-{len(order.steps) + 1}"


def change_step(connection: Connection, step_id: int, values: Values, state: StepState | None = None) -> None:
    """Set values and state of a step."""
    columns = _columns(values) | (_state(state) if state else {})
    if columns:
        connection.execute(update(scheduled_step).where(scheduled_step.c.id == step_id).values(columns))


def settle(connection: Connection, order_id: int, at: datetime) -> OrderState:
    """Bring an order's state and start up to date with its steps; the state."""
    c = scheduled_step.c
    rows = connection.execute(
        select(c.state, c[DATE.column], c[TIME.column]).where(c.imaging_order_fk == order_id)
    ).all()
    state = of_order([StepState(row[0]) for row in rows])
    starts = min((f"{row[1]}{row[2]}"[:14] for row in rows if row[1]), default="")
    values = {"state": state.value, "starts_at": starts, "updated_at": at}
    connection.execute(update(imaging_order).where(imaging_order.c.id == order_id).values(values))
    return state


def remove(connection: Connection, order_id: int) -> None:
    """Remove an order and its steps."""
    connection.execute(delete(scheduled_step).where(scheduled_step.c.imaging_order_fk == order_id))
    connection.execute(delete(imaging_order).where(imaging_order.c.id == order_id))


def lock(connection: Connection, order_id: int) -> bool:
    """Nobody else changes the order until the transaction ends; False when there is none. SQLite has one writer anyway."""
    query = select(imaging_order.c.id).where(imaging_order.c.id == order_id).with_for_update()
    return connection.execute(query).first() is not None


def get(connection: Connection, order_id: int) -> Order | None:
    """The order of an id."""
    found = connection.execute(select(imaging_order).where(imaging_order.c.id == order_id)).mappings().first()
    return _orders(connection, [found])[0] if found else None


def of_study(connection: Connection, study_instance_uid: str) -> Order | None:
    """The order of a study."""
    query = select(imaging_order).where(imaging_order.c.study_instance_uid == study_instance_uid)
    found = connection.execute(query).mappings().first()
    return _orders(connection, [found])[0] if found and study_instance_uid else None


def of_studies(connection: Connection, study_instance_uids: Sequence[str]) -> dict[str, str]:
    """Study -> state of its order, also where a modality made the study's UID; studies that nobody ordered are left out."""
    order, performed = imaging_order.c, performed_step.c
    by_step = (
        select(performed.study_instance_uid, order.state)
        .join(step_performed, step_performed.c.performed_step_fk == performed.id)
        .join(scheduled_step, scheduled_step.c.id == step_performed.c.scheduled_step_fk)
        .join(imaging_order, order.id == scheduled_step.c.imaging_order_fk)
        .where(performed.study_instance_uid.in_(study_instance_uids))
    )
    own = select(order.study_instance_uid, order.state).where(order.study_instance_uid.in_(study_instance_uids))
    states = {row[0]: row[1] for row in connection.execute(by_step)}
    return states | {row[0]: row[1] for row in connection.execute(own)}


def procedures_of(connection: Connection, study_instance_uids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Study -> code of its requested procedure with the code's scheme ("" without one), and what the procedure is called."""
    c = imaging_order.c
    scheme = c.requested_procedure_code_coding_scheme_designator
    query = select(c.study_instance_uid, c.requested_procedure_code_code_value, scheme, c.requested_procedure_description).where(
        c.study_instance_uid.in_(study_instance_uids)
    )
    return {row[0]: (f"{row[1]}|{row[2]}" if row[1] else "", row[3]) for row in connection.execute(query)}


def of_accession(connection: Connection, accession_number: str, patient_id: str) -> list[Order]:
    """The orders of an accession number for this patient: several procedures may have been asked for together."""
    c = imaging_order.c
    query = select(imaging_order).where(c.accession_number == accession_number, c.patient_id == patient_id).limit(20)
    return _orders(connection, connection.execute(query).mappings().all())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of orders is narrowed to; "" and () leave it open.

    text: what name, patient ID or accession number begin with, in the ways it may be written. dates: of a step, both ends in.
    """

    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    modality: str = ""
    station: str = ""
    dates: tuple[str, str] = ("", "")
    study_instance_uid: str = ""


def page(
    connection: Connection, wanted: Wanted, *, descending: bool, limit: int, after: tuple[str, int] | None
) -> list[Order]:
    """Orders by the start of their first step. after: (starts_at, id) of the last one of the page before."""
    c = imaging_order.c
    query = select(imaging_order).where(*_narrowed(wanted, connection.dialect.name == "postgresql")).limit(limit)
    if after is not None:
        place = tuple_(c.starts_at, c.id)
        query = query.where(place < after if descending else place > after)
    order = (c.starts_at.desc(), c.id.desc()) if descending else (c.starts_at, c.id)
    return _orders(connection, connection.execute(query.order_by(*order)).mappings().all())


def _narrowed(wanted: Wanted, postgresql: bool) -> list[ColumnElement[bool]]:
    c, step = imaging_order.c, scheduled_step.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.names or wanted.texts:
        names = [dialect.begins(c.patient_name_key, dialect.name_key(name)) for name in wanted.names]
        others = [dialect.begins(column, text) for text in wanted.texts for column in (c.patient_id, c.accession_number)]
        conditions.append(or_(*names, *others))
    if wanted.states:
        conditions.append(c.state.in_(wanted.states))
    if wanted.study_instance_uid:
        conditions.append(c.study_instance_uid == wanted.study_instance_uid)
    of_steps = []
    if wanted.modality:
        of_steps.append(step.modality == wanted.modality)
    if wanted.station:
        of_steps.append(_matched(BY_COLUMN["scheduled_station_ae_title"], Single(wanted.station), postgresql))
    low, high = wanted.dates
    of_steps += [step[DATE.column] >= low] if low else []
    of_steps += [and_(step[DATE.column] <= high, step[DATE.column] != "")] if high else []
    if of_steps:
        conditions.append(exists(select(step.id).where(step.imaging_order_fk == c.id, *of_steps).correlate(imaging_order)))
    return conditions


@dataclass(frozen=True, slots=True)
class Imaged:
    """An open step of whose study and modality there are images, and for which no modality has said anything."""

    order_id: int
    step_id: int
    state: StepState
    study_instance_uid: str
    last_at: datetime


def imaged(connection: Connection, until: str, step_id: int | None = None) -> list[Imaged]:
    """The open steps with images but without a performed step. until: last day on which they may be scheduled, YYYYMMDD."""
    order, step = imaging_order.c, scheduled_step.c
    has_images = exists(select(series.c.id).where(series.c.study_fk == study.c.id, series.c.modality == step.modality))
    has_mpps = exists(select(step_performed.c.scheduled_step_fk).where(step_performed.c.scheduled_step_fk == step.id))
    query = (
        select(order.id, step.id, step.state, order.study_instance_uid, study.c.updated_at)
        .select_from(scheduled_step)
        .join(imaging_order, order.id == step.imaging_order_fk)
        .join(study, study.c.study_instance_uid == order.study_instance_uid)
        .where(step.state.in_([state.value for state in sorted(ON_WORKLIST)]), step[DATE.column] <= until, has_images, ~has_mpps)
        .order_by(step.id)
    )
    if step_id is not None:
        query = query.where(step.id == step_id)
    return [Imaged(row[0], row[1], StepState(row[2]), row[3], row[4]) for row in connection.execute(query)]


def worklist(
    connection: Connection, matches: Sequence[tuple[Key, Match]], limit: int | None
) -> list[Mapping[str, str]]:
    """The steps that are on the worklist and match every key, in the order of their times: column -> text."""
    postgresql = connection.dialect.name == "postgresql"
    given = {key.column: match for key, match in matches}
    conditions = [_matched(key, match, postgresql) for key, match in matches if not _is_combined(key, given)]
    day, time = given.get(DATE.column), given.get(TIME.column)
    if isinstance(day, Range) and isinstance(time, Range):
        conditions += _combined(day, time)
    columns = [_table(key).c[key.column].label(key.column) for key in KEYS]
    step = scheduled_step.c
    query = (
        select(*columns)
        .select_from(scheduled_step.join(imaging_order, step.imaging_order_fk == imaging_order.c.id))
        .where(step.state.in_([state.value for state in sorted(ON_WORKLIST)]), imaging_order.c.origin == ORDERED, *conditions)
        .order_by(step[DATE.column], step[TIME.column], step.id)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _is_combined(key: Key, given: Mapping[str, Match]) -> bool:
    both = isinstance(given.get(DATE.column), Range) and isinstance(given.get(TIME.column), Range)
    return both and key in (DATE, TIME)


def _combined(day: Range, time: Range) -> list[ColumnElement[bool]]:
    """PS3.4 Table K.6-1: a range of dates with a range of times is one period, from the first to the last moment."""
    dates, times = scheduled_step.c[DATE.column], scheduled_step.c[TIME.column]
    conditions: list[ColumnElement[bool]] = [dates != ""]
    if day.low:
        conditions.append(or_(dates > day.low, and_(dates == day.low, times >= time.low)))
    if day.high:
        conditions.append(or_(dates < day.high, and_(dates == day.high, times <= time.high) if time.high else dates == day.high))
    return conditions


def _matched(key: Key, match: Match, postgresql: bool) -> ColumnElement[bool]:
    table = _table(key)
    folded = table.c[name_column(key)] if key.vr == "PN" else None
    return dialect.condition(key, match, table.c[key.column], folded, postgresql)


def _table(key: Key) -> Table:
    return scheduled_step if key.of_step else imaging_order


def _orders(connection: Connection, rows: Sequence[RowMapping]) -> list[Order]:
    ids = [row["id"] for row in rows]
    step = scheduled_step.c
    query = select(scheduled_step).where(step.imaging_order_fk.in_(ids))
    found = connection.execute(query.order_by(step[DATE.column], step[TIME.column], step.id)).mappings().all()
    done = _performed(connection, [row["id"] for row in found])
    steps: dict[int, list[Step]] = {}
    for row in found:
        made = Step(row["id"], StepState(row["state"]), _values(row, of_step=True), tuple(done.get(row["id"], ())))
        steps.setdefault(row["imaging_order_fk"], []).append(made)
    return [
        Order(
            row["id"], OrderState(row["state"]), row["origin"], row["starts_at"], row["created_at"], row["updated_at"],
            _values(row, of_step=False), tuple(steps.get(row["id"], ())),
        )
        for row in rows
    ]  # fmt: skip


def _performed(connection: Connection, step_ids: Iterable[int]) -> dict[int, list[Performed]]:
    columns = [performed_step.c[name] for name in Performed.__slots__]
    query = (
        select(step_performed.c.scheduled_step_fk, *columns)
        .join(performed_step, performed_step.c.id == step_performed.c.performed_step_fk)
        .where(step_performed.c.scheduled_step_fk.in_(list(step_ids)))
        .order_by(performed_step.c.id)
    )
    done: dict[int, list[Performed]] = {}
    for step_id, *values in connection.execute(query):
        done.setdefault(step_id, []).append(Performed(*values))
    return done


def _values(row: RowMapping, *, of_step: bool) -> Values:
    return {key.column: row[key.column] for key in KEYS if key.of_step is of_step}


def _columns(values: Values) -> dict[str, Any]:
    columns: dict[str, Any] = dict(values)
    for column, text in values.items():
        if BY_COLUMN[column].vr == "PN":
            columns[name_column(BY_COLUMN[column])] = dialect.name_key(text)[:INDEXED_LENGTH]
    return columns


def _state(state: StepState) -> dict[str, str]:
    return {"state": state.value, "scheduled_procedure_step_status": STATUS[state]}
