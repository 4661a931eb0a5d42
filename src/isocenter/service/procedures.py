"""What modalities perform: MPPS objects (PS3.4 F.7), which move scheduled steps, and with them orders and studies.

A performed step names what it is done for by Study Instance UID and Scheduled Procedure Step ID. A modality that made a study UID
of its own is understood by accession number, step ID and patient ID. What nobody had ordered becomes an order too, of the origin
"modality", so that whoever looks for examinations in progress finds all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from pydicom.dataset import Dataset
from sqlalchemy import Connection

from isocenter.dicom import datasets, keys, syntaxes, uid
from isocenter.dicom.worklist import BY_PLACE, KEYS, STEP, Key, checked
from isocenter.domain import procedures as rules
from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.orders import PerformedState, StepState, after
from isocenter.domain.procedures import Refused, Wrong, text
from isocenter.service.context import Context
from isocenter.store import changes, orders
from isocenter.store import procedures as rows
from isocenter.store.orders import Order, Step, Values
from isocenter.store.procedures import PerformedStep

__all__ = ["Refused", "Wrong", "create", "get", "update"]

_SYNTAX = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
_EVENTS = {
    PerformedState.IN_PROGRESS: Event.PROCEDURE_STARTED,
    PerformedState.COMPLETED: Event.PROCEDURE_COMPLETED,
    PerformedState.DISCONTINUED: Event.PROCEDURE_DISCONTINUED,
}


def create(context: Context, principal: Principal, sop_instance_uid: str, dataset: Dataset) -> None:
    """Take a new performed step; durable when it returns. Raises Refused, Invalid, Conflict (the UID is taken)."""
    require(principal, Permission.ORDER_PERFORM)
    if not uid.is_usable(sop_instance_uid):
        raise Invalid("the SOP Instance UID is none", where="SOPInstanceUID")
    rules.created(dataset)
    now = context.clock()
    columns = _columns(dataset, PerformedState.IN_PROGRESS)

    def write(connection: Connection) -> None:
        performed_id = rows.add(
            connection, at=now, sop_instance_uid=sop_instance_uid, source_aet=principal.name.strip(),
            study_instance_uid=text(dataset[rules.SCHEDULED].value[0], "StudyInstanceUID"),
            performed_station_ae_title=text(dataset, "PerformedStationAETitle"), **columns,
        )  # fmt: skip
        if performed_id is None:
            raise Conflict("there is a performed step of this UID already", where="SOPInstanceUID")
        finding = _Finding(connection, context, dataset)
        rows.link(connection, performed_id, [finding.step(item) for item in dataset[rules.SCHEDULED].value])
        _settle(connection, context, principal, sop_instance_uid)

    context.database.write(write)


def update(context: Context, principal: Principal, sop_instance_uid: str, given: Dataset) -> tuple[int, ...]:
    """Set attributes of a performed step; the tags of what was ignored, since it cannot be set. Raises Refused, Missing."""
    require(principal, Permission.ORDER_PERFORM)
    while True:
        held = context.database.read(lambda connection: rows.get(connection, sop_instance_uid))
        if held is None:
            raise _missing()
        # Before the transaction: the last N-SET may name ten thousands of instances, and others want to write meanwhile.
        result = rules.updated(datasets.decode(held.content, _SYNTAX), given)
        columns = _columns(result.dataset, result.state)
        if context.database.write(partial(_replace, context=context, principal=principal, held=held, columns=columns)):
            return result.ignored


def _replace(
    connection: Connection, context: Context, principal: Principal, held: PerformedStep, columns: dict[str, object]
) -> bool:
    """Set the columns of a performed step; False when somebody else has changed it since it was read."""
    now = rows.get(connection, held.sop_instance_uid, lock=True)
    if now is None or now.content != held.content:
        return False
    rows.change(connection, held.id, at=context.clock(), **columns)
    if columns["state"] != held.state:
        _settle(connection, context, principal, held.sop_instance_uid)
    return True


def get(context: Context, principal: Principal, sop_instance_uid: str) -> Dataset:
    """A performed step as it was last set. Raises Missing."""
    require(principal, Permission.ORDER_READ)
    found = context.database.read(lambda connection: rows.get(connection, sop_instance_uid))
    if found is None:
        raise _missing()
    study = found.study_instance_uid
    context.accesses.note(context.database, principal, Event.ORDER_READ, study, {"study": study, "performed": sop_instance_uid})
    return datasets.decode(found.content, _SYNTAX)


def _missing() -> Missing:
    return Missing("there is no such performed procedure step", where="SOPInstanceUID")


def _columns(dataset: Dataset, state: PerformedState) -> dict[str, object]:
    return {
        "state": state.value, "started": rules.moment(dataset, "Start"), "ended": rules.moment(dataset, "End"),
        "instances": len(rules.instances(dataset)), "content": keys.encode(dataset, _SYNTAX),
    }  # fmt: skip


def _settle(connection: Connection, context: Context, principal: Principal, sop_instance_uid: str) -> None:
    """Move the scheduled steps, and with them the orders, and say so in the change log."""
    performed = rows.get(connection, sop_instance_uid)
    assert performed is not None  # of this transaction
    for order_id, step_id in rows.done_for(connection, performed.id):
        orders.lock(connection, order_id)
        orders.change_step(connection, step_id, {}, after(rows.states_of(connection, step_id)))
        orders.settle(connection, order_id, context.clock())
    study = performed.study_instance_uid
    payload = {"study": study, "performed": sop_instance_uid, "instances": performed.instances}
    changes.append(connection, _EVENTS[performed.state], study, principal.name, payload)


@dataclass(frozen=True, slots=True)
class _Finding:
    """The scheduled steps that a new performed step is done for, of which missing ones are made."""

    connection: Connection
    context: Context
    dataset: Dataset

    def step(self, item: Dataset) -> int:
        """The id of the step that an item of the Scheduled Step Attributes Sequence means."""
        step_id = text(item, "ScheduledProcedureStepID")
        order = self._locked(text(item, "StudyInstanceUID"))
        if order is None:
            order, step = self._by_accession(text(item, "AccessionNumber"), step_id)
        else:
            step = _step_of(order, step_id)
        if step is not None:
            return step.id
        if order is None:
            self._add_order(item)
            order = self._locked(text(item, "StudyInstanceUID"))
            assert order is not None  # added just now, here or by another process
        return self._new_step(order, item)

    def _locked(self, study_instance_uid: str) -> Order | None:
        """The order of a study, to which nobody else adds a step before we are done."""
        order = orders.of_study(self.connection, study_instance_uid)
        if order is None or not orders.lock(self.connection, order.id):
            return None
        return orders.get(self.connection, order.id)

    def _by_accession(self, accession_number: str, step_id: str) -> tuple[Order, Step] | tuple[None, None]:
        """A modality that took the worklist's item and made a study UID of its own. All three must agree."""
        patient_id = text(self.dataset, "PatientID")
        if accession_number and step_id and patient_id:
            for order in orders.of_accession(self.connection, accession_number, patient_id):
                for step in order.steps:
                    if step.values["scheduled_procedure_step_id"] == step_id:
                        return order, step
        return None, None

    def _add_order(self, item: Dataset) -> None:
        values = _values((key for key in KEYS if not key.path), item, self.dataset)
        values["study_instance_uid"] = text(item, "StudyInstanceUID")
        orders.add(self.connection, values, origin=orders.UNORDERED, at=self.context.clock())

    def _new_step(self, order: Order, item: Dataset) -> int:
        values = _values((key for key in KEYS if key.path == (STEP,)), item, self.dataset)
        for keyword, performed in _PERFORMED_AS.items():
            values |= _value(BY_PLACE[(STEP,), keyword], text(self.dataset, performed))
        if not values.get("scheduled_procedure_step_id"):
            values["scheduled_procedure_step_id"] = orders.step_id_of(order)
        return orders.add_step(self.connection, order.id, values, StepState.IN_PROGRESS)


# What a step that nobody had scheduled is known by
_PERFORMED_AS = {
    "ScheduledStationAETitle": "PerformedStationAETitle",
    "ScheduledProcedureStepStartDate": "PerformedProcedureStepStartDate",
    "ScheduledProcedureStepStartTime": "PerformedProcedureStepStartTime",
    "ScheduledProcedureStepDescription": "PerformedProcedureStepDescription",
}


def _step_of(order: Order, step_id: str) -> Step | None:
    """The step of an ID. Without one, the only step there is must be meant."""
    if not step_id:
        return order.steps[0] if len(order.steps) == 1 else None
    return next((step for step in order.steps if step.values["scheduled_procedure_step_id"] == step_id), None)


def _values(wanted: Iterable[Key], *sources: Dataset) -> Values:
    """The columns of an order or a step as a modality states them; the first source that has a value is believed."""
    values: Values = {}
    for key in wanted:
        stated = (text(source, key.keyword) for source in sources)
        values |= _value(key, next((one for one in stated if one), ""))
    return values


def _value(key: Key, stated: str) -> Values:
    """One column; none where the modality's value is none."""
    try:
        value = checked(key, stated)
    except ValueError:
        return {}
    return {key.column: value} if value else {}
