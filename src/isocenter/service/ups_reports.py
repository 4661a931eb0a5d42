"""Who is told what becomes of Unified Procedure Steps (PS3.4 CC.2.3, CC.2.4): subscriptions, deletion locks, and the telling.

An event is a row from the transaction that made it until its receiver was told. One worker at a time tells a receiver,
the oldest first, so that nobody learns of COMPLETED before IN PROGRESS.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from pydicom.dataset import Dataset
from sqlalchemy import Connection

from isocenter.dicom import datasets, keys
from isocenter.dicom.sop_classes import UPS_FILTERED_GLOBAL_SUBSCRIPTION, UPS_GLOBAL_SUBSCRIPTION, UPS_PUSH
from isocenter.domain import access, ups
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, IsocenterError
from isocenter.domain.events import Event
from isocenter.domain.ups import Reason, Refused, ReportType
from isocenter.service.context import Context
from isocenter.store import changes, exceptions, peers
from isocenter.store import ups as steps
from isocenter.store import ups_reports as rows
from isocenter.store.ups_reports import Batch, Global, Subscriber, Waiting

__all__ = [
    "Batch", "Subscriber", "Waiting", "deliver", "is_due", "remove_ended", "restarted", "subscribe", "suspend", "unsubscribe",
]  # fmt: skip

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # nobody else tells the receiver for so long
TOGETHER = 20  # events on one association: a slow receiver takes some of the lease for each
# Until a receiver that could not be told is tried again; the last for all further tries.
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600))
GIVE_UP = timedelta(days=7)  # then an event is old news
LONGEST_FILTER = 2000  # bytes: a filter is a key of the table
REMOVED_AT_ONCE = 500


def subscribe(
    context: Context, principal: Principal, sop_instance_uid: str, to: Subscriber, *, deletion_lock: bool, matching: Dataset
) -> None:
    """Have an AE title told of a step, or of all there are and will be (N-ACTION, CC.2.3). Raises Refused, Invalid.

    sop_instance_uid: of a step, or one of the well-known instances. to: on the web it need not be a known peer, since it comes to
    us to be told. matching: keys of a filtered global subscription.
    """
    access.require(principal, Permission.UPS_READ)
    filtered = sop_instance_uid == UPS_FILTERED_GLOBAL_SUBSCRIPTION
    everywhere = filtered or sop_instance_uid == UPS_GLOBAL_SUBSCRIPTION
    wanted = Global(to, _filter(matching) if filtered else None, deletion_lock)

    def write(connection: Connection) -> None:
        if not to.web and peers.peer(connection, to.aet) is None:
            raise Refused(Reason.UNKNOWN_RECEIVER, "ReceivingAE")
        if everywhere:
            rows.subscribe_globally(connection, wanted)
            _subscribe_to_existing(connection, wanted, context)
        else:
            step = _found(connection, sop_instance_uid)
            rows.subscribe(connection, step.id, to, deletion_lock)
            rows.add(connection, [to], sop_instance_uid, [ups.state_report(step.data_set)], context.clock())
        payload = {"aet": to.aet, "deletion_lock": deletion_lock, "web": to.web}
        changes.append(connection, Event.UPS_SUBSCRIBED, sop_instance_uid, principal.name, payload)

    context.database.write(write)


def _filter(matching: Dataset) -> Dataset | None:
    keys.check(matching)
    try:
        length = len(steps.pack(matching))
    except datasets.InvalidDataSet as error:
        raise Invalid(f"the matching keys cannot be kept: {error}") from None
    if length > LONGEST_FILTER:
        raise Invalid(f"the matching keys have {length} bytes, {LONGEST_FILTER} at most", hint="subscribe with fewer keys")
    return matching if len(matching) else None


def _subscribe_to_existing(connection: Connection, wanted: Global, context: Context) -> None:
    """Table CC.2.3-2, CC.2.4.3: a lock is put on every step, and its state reported; without one what is subscribed stays so."""
    at = context.clock()
    for ups_id, step in list(steps.found(connection, wanted.keys if wanted.keys is not None else Dataset())):
        if wanted.deletion_lock or not rows.is_subscribed(connection, ups_id, wanted.to.aet):
            rows.subscribe(connection, ups_id, wanted.to, wanted.deletion_lock)
        if wanted.deletion_lock:
            rows.add(connection, [wanted.to], str(step.SOPInstanceUID), [ups.state_report(step)], at)


def unsubscribe(context: Context, principal: Principal, sop_instance_uid: str, aet: str) -> None:
    """Have an AE title no longer told of a step, and its lock taken off; globally: of any. Raises Refused."""
    access.require(principal, Permission.UPS_READ)

    def write(connection: Connection) -> None:
        # A peer that was removed may still hold locks, which somebody must be able to take off.
        if not _is_known(connection, aet):
            raise Refused(Reason.UNKNOWN_RECEIVER, "ReceivingAE")
        if sop_instance_uid == UPS_GLOBAL_SUBSCRIPTION:
            rows.drop_global(connection, aet)
            rows.unsubscribe(connection, aet)
        elif sop_instance_uid == UPS_FILTERED_GLOBAL_SUBSCRIPTION:
            rows.drop_global(connection, aet, filtered=True)
            if all(each.to.aet != aet for each in rows.global_subscriptions(connection)):
                rows.unsubscribe(connection, aet)
        else:
            rows.unsubscribe(connection, aet, _found(connection, sop_instance_uid).id)
        changes.append(connection, Event.UPS_UNSUBSCRIBED, sop_instance_uid, principal.name, {"aet": aet})

    context.database.write(write)


def suspend(context: Context, principal: Principal, sop_instance_uid: str, aet: str) -> None:
    """Have an AE title no longer subscribed to new steps; of those it is subscribed to it is told. Raises Refused."""
    access.require(principal, Permission.UPS_READ)

    def write(connection: Connection) -> None:
        if not _is_known(connection, aet):
            raise Refused(Reason.UNKNOWN_RECEIVER, "ReceivingAE")
        if sop_instance_uid not in (UPS_GLOBAL_SUBSCRIPTION, UPS_FILTERED_GLOBAL_SUBSCRIPTION):
            _found(connection, sop_instance_uid)
            raise Refused(Reason.WRONG_ACTION)
        rows.drop_global(connection, aet, filtered=sop_instance_uid == UPS_FILTERED_GLOBAL_SUBSCRIPTION)
        payload = {"aet": aet, "suspended": True}
        changes.append(connection, Event.UPS_UNSUBSCRIBED, sop_instance_uid, principal.name, payload)

    context.database.write(write)


def _is_known(connection: Connection, aet: str) -> bool:
    """A known peer, or one that is subscribed: over the web, or from before it was removed."""
    return peers.peer(connection, aet) is not None or rows.is_subscriber(connection, aet)


def _found(connection: Connection, sop_instance_uid: str) -> steps.Step:
    step = steps.get(connection, sop_instance_uid)
    if step is None:
        raise Refused(Reason.NO_SUCH_STEP)
    return step


def restarted(context: Context) -> None:
    """Have all subscribers told that the archive was started again and has lost nothing (SCP Status Change, CC.2.4.3)."""
    at = context.clock()

    def write(connection: Connection) -> None:
        rows.forget(connection, ReportType.SCP_STATUS)  # of earlier starts: who was not told of them needs to hear it once
        rows.add(connection, rows.all_subscribers(connection), UPS_GLOBAL_SUBSCRIPTION, [ups.restarted()], at)

    if context.database.read(rows.all_subscribers):
        context.database.write(write)


def is_due(context: Context) -> bool:
    """Whether `deliver` would find something to do; cheap."""
    return context.database.read(partial(rows.is_due, now=context.clock()))


def deliver(context: Context, tell: Callable[[Batch, Callable[[Waiting], None]], None]) -> bool:
    """Have one receiver told what waits for it. False: there was none.

    tell: sends the events of a batch in their order and calls back for each that was taken; when it raises an IsocenterError
    the others are tried again later.
    """
    batch = context.database.write(partial(rows.claim, now=context.clock(), lease=LEASE, limit=TOGETHER))
    if batch is None:
        return False
    told: list[int] = []
    try:
        tell(batch, lambda one: told.append(one.id))
    except IsocenterError as error:
        _later(context, batch, told, error.message)
        return True
    context.database.write(partial(rows.settle, batch=batch, told=told, due_at=context.clock(), failed=False))
    return True


def _later(context: Context, batch: Batch, told: list[int], reason: str) -> None:
    now = context.clock()
    old = [each for each in batch.waiting if each.id not in told and now - each.created_at >= GIVE_UP]
    wait = RETRIES[min(batch.attempts, len(RETRIES)) - 1]

    def write(connection: Connection) -> None:
        done = [*told, *(each.id for each in old)]
        rows.settle(connection, batch, done, now + wait, failed=True)
        if old:
            exceptions.record(connection, _case(batch.aet, old, reason), now)
        for each in old:
            payload = {"aet": batch.aet, "event_type": int(each.report.type)}
            changes.append(connection, Event.UPS_REPORT_DROPPED, each.sop_instance_uid, "system", payload)

    context.database.write(write)
    facts = {"peer": batch.aet, "told": len(told), "dropped": len(old), "attempts": batch.attempts, "reason": reason}
    log.warning("a subscriber was not told of procedure steps yet", extra={"facts": {**facts, "again_in_s": wait.seconds}})


def _case(aet: str, old: list[Waiting], reason: str) -> exceptions.Case:
    """What a person should see: somebody waits for events that will not come."""
    named = f"of {len(old)} events of work items and never will be: {reason}"
    return exceptions.Case(
        kind="notification", fingerprint=f"ups report {aet}", source="dimse", source_aet=aet, sop_class_uid=UPS_PUSH,
        sop_instance_uid=old[0].sop_instance_uid, reason=f"{aet} could not be told {named}",
    )  # fmt: skip


def remove_ended(context: Context) -> int:
    """Remove steps whose time is over and that no deletion lock holds (CC.2.1.3); how many."""
    before = context.clock() - timedelta(days=context.settings.ups_retention_days)

    def write(connection: Connection) -> list[str]:
        removed = steps.remove_ended(connection, before, REMOVED_AT_ONCE)
        for each in removed:
            changes.append(connection, Event.UPS_REMOVED, each, "system")
        return removed

    if not context.database.read(lambda connection: steps.has_ended(connection, before)):
        return 0
    return len(context.database.write(write))
