"""Unified Procedure Steps: created, found, changed and performed (PS3.4 Annex CC). UPS over DIMSE and UPS-RS end here.

Each change, the change row and the events that subscribers are to be told are one transaction. Refusals are `Refused` with a
Reason, for which each edge has its own code.
"""

import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from pydicom.dataset import Dataset
from sqlalchemy import Connection

from isocenter.dicom import datasets, keys, uid
from isocenter.dicom.match import Universal
from isocenter.dicom.sop_classes import UPS_PUSH
from isocenter.domain import access, ups
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid
from isocenter.domain.events import Event
from isocenter.domain.ups import Ask, Reason, Refused, Report, State
from isocenter.service.context import Context
from isocenter.store import changes, ups_reports
from isocenter.store import ups as rows
from isocenter.store.ups import Step
from isocenter.store.ups_reports import Subscriber

__all__ = ["Created", "change_state", "create", "get", "request_cancel", "search", "update"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Created:
    """A new step. supplied: attributes that the archive has added; warning: whether that was more than the standard expects."""

    sop_instance_uid: str
    supplied: Dataset
    warning: Reason | None


def create(context: Context, principal: Principal, given: Dataset, sop_instance_uid: str = "") -> Created:
    """Keep a new step (N-CREATE, CC.2.5). sop_instance_uid: "" to have one made. Raises Refused, Invalid."""
    access.require(principal, Permission.UPS_MANAGE)
    if sop_instance_uid and not uid.is_usable(sop_instance_uid):
        raise Refused(Reason.INVALID_VALUE, "SOPInstanceUID")
    named, at = sop_instance_uid or uid.new_uid(), context.clock()
    step, supplied = ups.created(given, context.settings.aet, date_time(at))
    step.SOPClassUID, step.SOPInstanceUID = UPS_PUSH, named

    def write(connection: Connection) -> None:
        ups_id = rows.add(connection, named, step, at)
        if ups_id is None:
            raise Refused(Reason.DUPLICATE, "SOPInstanceUID")
        _subscribe_globally(connection, ups_id, step)
        _tell(connection, ups_id, named, ups.reports(Dataset(), step), at)
        changes.append(connection, Event.UPS_CREATED, named, principal.name)

    _written(context, step, write)
    return Created(named, supplied, Reason.CREATED_WITH_MODIFICATIONS if ups.modifications(supplied) else None)


def get(context: Context, principal: Principal, sop_instance_uid: str) -> Dataset:
    """A whole step, but for its lock (N-GET, CC.2.7). Raises Refused."""
    access.require(principal, Permission.UPS_READ)
    step = context.database.read(lambda connection: rows.get(connection, sop_instance_uid))
    if step is None:
        raise Refused(Reason.NO_SUCH_STEP)
    context.accesses.note(context.database, principal, Event.UPS_READ, sop_instance_uid, {})
    return step.data_set


def update(context: Context, principal: Principal, sop_instance_uid: str, given: Dataset) -> None:
    """Change a step (N-SET, CC.2.6). given: attributes, and its Transaction UID once in progress. Raises Refused, Invalid."""
    access.require(principal, Permission.UPS_MANAGE)
    at = context.clock()

    def write(connection: Connection) -> None:
        step = _found(connection, sop_instance_uid)
        after = ups.changed(step.data_set, given, step.state, step.transaction_uid, date_time(at))
        _save(connection, step, replace(step, data_set=after), at)
        named = sorted(element.keyword or str(element.tag) for element in given if element.keyword != "TransactionUID")
        changes.append(connection, Event.UPS_UPDATED, sop_instance_uid, principal.name, {"attributes": named})

    _written(context, given, write)


def change_state(
    context: Context, principal: Principal, sop_instance_uid: str, wanted: str, transaction_uid: str
) -> Reason | None:
    """Begin, complete or cancel the performance of a step (N-ACTION, CC.2.1). Returns a warning, or None. Raises Refused."""
    access.require(principal, Permission.UPS_MANAGE)
    at = context.clock()

    def write(connection: Connection) -> Reason | None:
        step = rows.get(connection, sop_instance_uid, to_change=True)
        ask = ups.change_asked(wanted, transaction_uid, step.transaction_uid if step else "")
        outcome = ups.next_state(ask, step.state if step else None)
        if step is None or isinstance(outcome, Reason):
            return outcome if isinstance(outcome, Reason) else None
        if lacking := ups.lacking(step.data_set, outcome):
            raise Refused(Reason.FINAL_STATE_NOT_MET, lacking)
        _enter(connection, step, outcome, transaction_uid, Dataset(), at)
        payload = {"state": outcome.value}
        changes.append(connection, Event.UPS_CHANGED_STATE, sop_instance_uid, principal.name, payload)
        return None

    return context.database.write(write)


def request_cancel(
    context: Context, principal: Principal, sop_instance_uid: str, information: Dataset, requesting_aet: str
) -> Reason | None:
    """Ask for a step to be canceled (N-ACTION, CC.2.2): at once while it is scheduled, else its performer is told.

    information: the reason and whom to contact, if given. requesting_aet: who asks, as the performer is told.
    Returns a warning, or None. Raises Refused, Invalid.
    """
    access.require(principal, Permission.UPS_MANAGE)
    at = context.clock()

    def write(connection: Connection) -> Reason | None:
        step = rows.get(connection, sop_instance_uid, to_change=True)
        outcome = ups.next_state(Ask.REQUEST_CANCEL, step.state if step else None)
        if step is None or isinstance(outcome, Reason):
            return outcome if isinstance(outcome, Reason) else None
        changes.append(connection, Event.UPS_CANCEL_REQUESTED, sop_instance_uid, principal.name)
        if outcome is State.IN_PROGRESS:
            told = ups.cancel_requested(information, requesting_aet)
            if not _tell(connection, step.id, sop_instance_uid, [told], at):
                raise Refused(Reason.PERFORMER_UNREACHABLE)
            return None
        # CC.2.2.3: first to IN PROGRESS, then to CANCELED
        begun = _enter(connection, step, State.IN_PROGRESS, uid.new_uid(), Dataset(), at)
        _enter(connection, begun, outcome, begun.transaction_uid, information, at)
        payload = {"state": outcome.value}
        changes.append(connection, Event.UPS_CHANGED_STATE, sop_instance_uid, principal.name, payload)
        return None

    return _written(context, information, write)


def search(
    context: Context, principal: Principal, asked: Dataset, form: Callable[[Dataset], T], limit: int, offset: int = 0,
    *, fuzzy: bool = False,
) -> list[T]:
    """What `form` makes of each step that matches, the earliest first, after `offset` `limit` at most (C-FIND, CC.2.8).

    fuzzy: names are also matched as they sound. Raises query.InvalidKey.
    """
    access.require(principal, Permission.UPS_READ)
    keys.check(asked)
    named = [each.keyword for each in asked if each.VR == "SQ" or not isinstance(keys.match_of(each), Universal)]
    context.accesses.note(context.database, principal, Event.UPS_SEARCHED, f"UPS?{'&'.join(named)}", {"keys": named})

    def read(connection: Connection) -> list[T]:
        made: list[T] = []
        for _, step in itertools.islice(rows.found(connection, asked, fuzzy=fuzzy), offset, offset + limit):
            made.append(form(step))
        return made

    return context.database.read(read)


def date_time(at: datetime) -> str:
    """A time as DT (PS3.5 6.2), in UTC."""
    return f"{at:%Y%m%d%H%M%S}.{at.microsecond:06}+0000"


def _found(connection: Connection, sop_instance_uid: str) -> Step:
    step = rows.get(connection, sop_instance_uid, to_change=True)
    if step is None:
        raise Refused(Reason.NO_SUCH_STEP)
    return step


def _enter(
    connection: Connection, step: Step, state: State, transaction_uid: str, information: Dataset, at: datetime
) -> Step:
    """Put a step into its next state. information: why it is canceled."""
    after = copy.deepcopy(step.data_set)
    if state is State.CANCELED:
        after = ups.canceled(after, information, date_time(at))
    after.ProcedureStepState = state.value
    after.ScheduledProcedureStepModificationDateTime = date_time(at)
    entered = replace(step, state=state, transaction_uid=transaction_uid, data_set=after)
    _save(connection, step, entered, at)
    return entered


def _save(connection: Connection, before: Step, after: Step, at: datetime) -> None:
    rows.save(connection, after, at)
    _tell(connection, after.id, after.sop_instance_uid, ups.reports(before.data_set, after.data_set), at)


def _tell(connection: Connection, ups_id: int, sop_instance_uid: str, reports: list[Report], at: datetime) -> bool:
    """Have the subscribers of a step told. False: there are none."""
    subscribers = ups_reports.subscribers(connection, ups_id)
    ups_reports.add(connection, subscribers, sop_instance_uid, reports, at)
    return bool(subscribers)


def _subscribe_globally(connection: Connection, ups_id: int, step: Dataset) -> None:
    """Table CC.2.3-2: who is subscribed globally is subscribed to a new step."""
    locks: dict[str, tuple[Subscriber, bool]] = {}
    for each in ups_reports.global_subscriptions(connection):
        if each.keys is None or keys.matches(each.keys, step):
            locked = each.to.aet in locks and locks[each.to.aet][1]
            locks[each.to.aet] = each.to, locked or each.deletion_lock
    for to, deletion_lock in locks.values():
        ups_reports.subscribe(connection, ups_id, to, deletion_lock)


def _written(context: Context, given: Dataset, write: Callable[[Connection], T]) -> T:
    """Write what came from outside; Invalid when it has values that have no encoding."""
    try:
        rows.pack(given)
        return context.database.write(write)
    except datasets.InvalidDataSet as error:
        raise Invalid(f"it cannot be kept: {error}", hint="send values that their VR allows") from None
