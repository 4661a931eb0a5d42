"""Orders: what is to be done, asked for by people and information systems, shown to modalities as their worklist.

An order is one requested procedure with its steps (PS3.3 7.3.1), and with it one study, whose UID is given when it is ordered: so
images, order and performed steps find each other. Facts are keyed by DICOM keywords: texts, lists where there can be several
values, lists of such objects for sequences; `steps` holds the scheduled procedure steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from isocenter.dicom import uid
from isocenter.dicom.match import Match, Range, Single, spellings
from isocenter.dicom.query import InvalidKey, parse_match
from isocenter.dicom.worklist import BY_COLUMN, KEYS, SEQUENCES, Key, checked
from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.orders import WAITING, OrderState, StepState, may_become
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import orders as rows
from isocenter.store.orders import Order, Performed, Step, Values, Wanted

__all__ = ["Order", "Page", "Performed", "Step", "change", "create", "find", "get", "page", "remove", "told"]

STEP_ID = "ScheduledProcedureStepID"
MOST_STEPS = 64
MOST_VALUES = 32
# Type 1 return keys of PS3.4 Table K.6-1 that nobody but who orders can know; the others are made.
NEEDED = ("PatientName", "PatientID")
NEEDED_OF_STEP = ("Modality", "ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime")
# Follows from the state of the step.
STATUS = "ScheduledProcedureStepStatus"


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders; `next` continues after them (None: that was all)."""

    orders: list[Order]
    next: tuple[str, int] | None


def create(context: Context, principal: Principal, facts: Mapping[str, Any]) -> Order:
    """Take an order. IDs, accession number and Study Instance UID are made when they are not given. Raises Invalid, Conflict."""
    require(principal, Permission.ORDER_MANAGE)
    values = _values(facts, of_step=False)
    _need(values, NEEDED, "")
    steps = [_new_step(step, f"steps[{index}].") for index, step in enumerate(_listed(facts))]
    if not steps:
        raise Invalid("an order has at least one step", where="steps")
    values["study_instance_uid"] = values.get("study_instance_uid") or uid.new_uid()
    now = context.clock()

    def write(connection: Connection) -> Order:
        order_id = rows.add(connection, values, origin=rows.ORDERED, at=now)
        if order_id is None:
            raise _taken()
        made = {name: f"{letters}{order_id:08}" for name, letters in _MADE.items() if not values.get(name)}
        rows.change(connection, order_id, made)
        for step, state in steps:
            _add_step(connection, order_id, step, state)
        rows.settle(connection, order_id, now)
        added = _found(rows.get(connection, order_id))
        _log(connection, Event.ORDER_CREATED, added, principal, {"steps": len(steps)})
        return added

    return context.database.write(write)


# Both are SH, 16 characters.
_MADE = {"accession_number": "IA", "requested_procedure_id": "IR"}


def get(context: Context, principal: Principal, order_id: int) -> Order:
    """An order with its steps and what was done for them. Raises Missing."""
    require(principal, Permission.ORDER_READ)
    found = _found(context.database.read(lambda connection: rows.get(connection, order_id)))
    study = found.values["study_instance_uid"]
    context.accesses.note(context.database, principal, Event.ORDER_READ, study, {"study": study, "order": order_id})
    return found


def change(context: Context, principal: Principal, order_id: int, facts: Mapping[str, Any]) -> Order:
    """Change what is given of an order; "" takes a value away. Raises Invalid, Missing, Conflict.

    A step is named by its Scheduled Procedure Step ID; one that is not known yet is added. `state` of a step moves it as a person
    may (`domain.orders.may_become`); `state` of the order can only be cancelled: all that waits is.
    """
    require(principal, Permission.ORDER_MANAGE)
    values = _values(facts, of_step=False)
    _need(values, [name for name in (*NEEDED, "StudyInstanceUID") if name in facts], "")
    steps, now = _listed(facts), context.clock()
    if facts.get("state", OrderState.CANCELLED) != OrderState.CANCELLED:
        raise Invalid("an order can be cancelled; its other states follow from its steps", where="state")

    def write(connection: Connection) -> Order:
        if not rows.lock(connection, order_id):
            raise _missing()
        order = _found(rows.get(connection, order_id))
        _need_unbegun(order, values)
        if values.get("study_instance_uid", order.values["study_instance_uid"]) != order.values["study_instance_uid"]:
            _need_free(connection, values["study_instance_uid"])
        rows.change(connection, order_id, values)
        for index, step in enumerate(steps):
            _change_step(connection, order, step, f"steps[{index}].")
        if "state" in facts:
            _cancel(connection, _found(rows.get(connection, order_id)))
        rows.settle(connection, order_id, now)
        changed = _found(rows.get(connection, order_id))
        names = sorted([BY_COLUMN[column].keyword for column in values] + (["steps"] if steps else []))
        _log(connection, Event.ORDER_UPDATED, changed, principal, {"changed": names, "state": changed.state.value})
        return changed

    return context.database.write(write)


def remove(context: Context, principal: Principal, order_id: int) -> None:
    """Remove an order for which nothing has been done. Raises Missing, Conflict."""
    require(principal, Permission.ORDER_MANAGE)

    def write(connection: Connection) -> None:
        if not rows.lock(connection, order_id):
            raise _missing()
        order = _found(rows.get(connection, order_id))
        if any(step.performed for step in order.steps):
            raise Conflict("a modality has begun it already", where="id", kept="The order was kept.",
                           hint="cancel what is still waiting instead: PATCH with state cancelled")
        rows.remove(connection, order_id)
        _log(connection, Event.ORDER_REMOVED, order, principal, {})

    context.database.write(write)


def page(
    context: Context, principal: Principal, search: Mapping[str, str], *, descending: bool, limit: int,
    after: tuple[str, int] | None,
) -> Page:
    """One page of orders by the start of their first step. Raises Invalid.

    search: q (name, patient ID or accession number begins with it), state, Modality, ScheduledStationAETitle, date (of a step, DA
    or a range), StudyInstanceUID.
    """
    require(principal, Permission.ORDER_READ)
    wanted = _wanted(search)
    keys = sorted(name for name, text in search.items() if text)
    context.accesses.note(context.database, principal, Event.ORDER_SEARCHED, f"ORDER?{'&'.join(keys)}", {"keys": keys})
    found = context.database.read(
        lambda connection: rows.page(connection, wanted, descending=descending, limit=limit + 1, after=after)
    )
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], (last.starts_at, last.id) if last else None)


def find(
    context: Context, principal: Principal, matches: Sequence[tuple[Key, Match]], limit: int | None
) -> list[Mapping[str, str]]:
    """The modality worklist: the steps that wait or are being performed and match every key: column -> text."""
    require(principal, Permission.ORDER_READ)
    keys = sorted(key.keyword for key, _ in matches)
    context.accesses.note(context.database, principal, Event.ORDER_SEARCHED, f"WORKLIST?{'&'.join(keys)}", {"keys": keys})
    return context.database.read(lambda connection: rows.worklist(connection, matches, limit))


# ---- facts and values ------------------------------------------------------------------------------------------------------


def _listed(facts: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    steps = _items(facts, "steps", "")
    if len(steps) > MOST_STEPS:
        raise Invalid(f"an order has at most {MOST_STEPS} steps", where="steps")
    return steps


def _values(facts: Mapping[str, Any], *, of_step: bool, where: str = "") -> Values:
    """The columns that the facts set. Raises Invalid, naming the fact."""
    _need_known(facts, of_step, where)
    _need_codes(facts, where)
    values: Values = {}
    for key in KEYS:
        if key.of_step is not of_step or key.keyword == STATUS:
            continue
        if key.sequence:
            if key.sequence in facts:
                items = _items(facts, key.sequence, where)
                place = f"{where}{key.sequence}."
                values[key.column] = _joined(key, [str(item.get(key.keyword, "")) for item in items], place, keep_gaps=True)
        elif key.keyword in facts:
            given = facts[key.keyword]
            texts = given if isinstance(given, (list, tuple)) else [given]
            if not all(isinstance(one, (str, int, float)) for one in texts):
                raise Invalid("it must be text, or a list of texts", where=where + key.keyword)
            values[key.column] = _joined(key, [str(one) for one in texts], where)
    return values


def _need_known(facts: Mapping[str, Any], of_step: bool, where: str) -> None:
    known = {"state"} if of_step else {"state", "steps"}
    known |= {key.sequence or key.keyword for key in KEYS if key.of_step is of_step and key.keyword != STATUS}
    for name in facts:
        if name not in known:
            raise Invalid("there is no such field", where=f"{where}{name}"[:200])


def _items(facts: Mapping[str, Any], name: str, where: str) -> Sequence[Mapping[str, Any]]:
    """The items of a sequence. Raises Invalid when it is none."""
    items = facts.get(name) or ()
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, Mapping) for item in items):
        raise Invalid("it must be a list of objects", where=where + name)
    return items


def _state_of(facts: Mapping[str, Any], now: StepState, where: str) -> StepState:
    try:
        return StepState(facts.get("state", now))
    except ValueError:
        raise Invalid(f"it must be one of {', '.join(StepState)}", where=f"{where}state") from None


def _joined(key: Key, texts: list[str], where: str, *, keep_gaps: bool = False) -> str:
    if len(texts) > (MOST_VALUES if key.many else 1):
        raise Invalid("there are too many values", where=where + key.keyword)
    try:
        values = [checked(key, text) for text in texts]
    except ValueError as error:
        raise Invalid(str(error), where=where + key.keyword) from None
    if not keep_gaps:
        values = [value for value in values if value]
    return "\\".join(values) if any(values) else ""


def _need(values: Values, keywords: Sequence[str], where: str) -> None:
    given = {BY_COLUMN[column].keyword for column, text in values.items() if text and not BY_COLUMN[column].sequence}
    for keyword in keywords:
        if keyword not in given:
            raise Invalid("it is missing", where=where + keyword)


def _new_step(facts: Mapping[str, Any], where: str) -> tuple[Values, StepState]:
    values = _values(facts, of_step=True, where=where)
    _need(values, NEEDED_OF_STEP, where)
    state = _state_of(facts, StepState.SCHEDULED, where)
    if state not in WAITING:
        raise Invalid("a new step is scheduled, arrived or ready", where=f"{where}state")
    return values, state


def _need_codes(facts: Mapping[str, Any], where: str) -> None:
    """PS3.3 8.1: a code is its value, its scheme and its meaning."""
    for sequence in SEQUENCES:
        if not sequence.endswith("CodeSequence"):
            continue
        for item in _items(facts, sequence, where):
            for keyword in ("CodeValue", "CodingSchemeDesignator"):
                if not str(item.get(keyword, "")).strip():
                    raise Invalid("it is missing", where=f"{where}{sequence}.{keyword}")


def _wanted(search: Mapping[str, str]) -> Wanted:
    text = search.get("q", "").strip(" *")
    states = tuple(word for word in search.get("state", "").split(",") if word)
    try:
        for state in states:
            OrderState(state)
    except ValueError:
        raise Invalid(f"it must be one of {', '.join(OrderState)}", where="state") from None
    try:
        found = parse_match(BY_COLUMN[rows.DATE.column], search.get("date", ""))
    except InvalidKey:
        raise Invalid("it must be a date YYYYMMDD or a range YYYYMMDD-YYYYMMDD, open at either end", where="date") from None
    dates = (found.value, found.value) if isinstance(found, Single) else ("", "")
    return Wanted(
        names=tuple(way.rstrip("*") for way in spellings(f"{text}*")) if text else (),
        texts=tuple(dict.fromkeys((text, text.upper()))) if text else (),
        states=states,
        modality=search.get("Modality", "").strip().upper(),
        station=search.get("ScheduledStationAETitle", "").strip(),
        dates=(found.low, found.high) if isinstance(found, Range) else dates,
        study_instance_uid=search.get("StudyInstanceUID", "").strip(),
    )


def told(order: Order) -> dict[str, Any]:
    """An order as `create` takes it, with what the archive knows besides: id, state, origin, times, and what was performed."""
    return {
        "id": order.id, "state": order.state.value, "origin": order.origin,
        "created_at": order.created_at.isoformat(), "updated_at": order.updated_at.isoformat(),
        **_facts(order.values, of_step=False), "steps": [_facts_of_step(step) for step in order.steps],
    }  # fmt: skip


def _facts_of_step(step: Step) -> dict[str, Any]:
    performed = [
        {
            "SOPInstanceUID": each.sop_instance_uid, "state": each.state,
            "PerformedStationAETitle": each.performed_station_ae_title, "started": each.started, "ended": each.ended,
            "instances": each.instances,
        }
        for each in step.performed
    ]  # fmt: skip
    return {"state": step.state.value, **_facts(step.values, of_step=True), "performed": performed}


def _facts(values: Values, *, of_step: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key in KEYS:
        if key.of_step is of_step and not key.sequence and key.keyword != STATUS:
            value = values[key.column]
            facts[key.keyword] = value.split("\\") if key.many and value else [] if key.many else value
    for sequence, nested in SEQUENCES.items():
        if nested[0].of_step is of_step:
            columns = {key.keyword: values[key.column].split("\\") if values[key.column] else [] for key in nested}
            places = range(max(map(len, columns.values())))
            facts[sequence] = [
                {keyword: texts[place] if place < len(texts) else "" for keyword, texts in columns.items()} for place in places
            ]
    return facts


# ---- inside of a transaction -----------------------------------------------------------------------------------------------


def _add_step(connection: Connection, order_id: int, values: Values, state: StepState) -> None:
    order = _found(rows.get(connection, order_id))
    values = values | {"scheduled_procedure_step_id": values.get("scheduled_procedure_step_id") or rows.step_id_of(order)}
    if any(step.values["scheduled_procedure_step_id"] == values["scheduled_procedure_step_id"] for step in order.steps):
        raise Invalid("two steps of an order have the same ID", where=STEP_ID)
    rows.add_step(connection, order_id, values, state)


def _change_step(connection: Connection, order: Order, facts: Mapping[str, Any], where: str) -> None:
    step_id = str(facts.get(STEP_ID, "")).strip()
    step = next((step for step in order.steps if step_id and step.values["scheduled_procedure_step_id"] == step_id), None)
    if step is None:
        values, state = _new_step(facts, where)
        _add_step(connection, order.id, values, state)
        return
    values = _values(facts, of_step=True, where=where)
    _need(values, [name for name in NEEDED_OF_STEP if name in facts], where)
    wanted = _state_of(facts, step.state, where)
    if not may_become(step.state, wanted):
        raise Conflict(f"a step that is {step.state} cannot become {wanted}", where=f"{where}state",
                       kept="The order was not changed.")
    rows.change_step(connection, step.id, values, wanted)


def _cancel(connection: Connection, order: Order) -> None:
    waiting = [step for step in order.steps if step.state in WAITING]
    if not waiting and order.state is not OrderState.CANCELLED:
        raise Conflict("nothing of it is waiting any more", where="state", kept="The order was not changed.")
    for step in waiting:
        rows.change_step(connection, step.id, {}, StepState.CANCELLED)


def _need_unbegun(order: Order, values: Values) -> None:
    """The UID under which a modality has begun is in its images."""
    held = order.values["study_instance_uid"]
    if any(step.performed for step in order.steps) and values.get("study_instance_uid", held) != held:
        raise Conflict("a modality has begun it already, under the UID it had", where="StudyInstanceUID",
                       kept="The order was not changed.")


def _need_free(connection: Connection, study_instance_uid: str) -> None:
    if rows.of_study(connection, study_instance_uid):
        raise _taken()


def _taken() -> Conflict:
    return Conflict("there is an order of this study already", where="StudyInstanceUID",
                    hint="add a step to that order, or leave the UID out: a new one is made then")


def _log(connection: Connection, event: Event, order: Order, principal: Principal, payload: dict[str, Any]) -> None:
    study = order.values["study_instance_uid"]
    changes.append(connection, event, study, principal.name, {"study": study, "order": order.id, **payload})


def _found(order: Order | None) -> Order:
    if order is None:
        raise _missing()
    return order


def _missing() -> Missing:
    return Missing("there is no such order", where="id")
