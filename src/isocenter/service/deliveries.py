"""Deliveries: studies on their way to destinations. What people see and do, and what the worker is told to do.

    page, get, instances, ask, resend, resend_failed, cancel        for people
    feed, lost, begin, Round, purge                                 for the worker

What is sent twice is recognised: an instance has one row in a delivery, and what has arrived is not sent again. Only what a
killed worker had sent without having noted it leaves twice; its receiver knows it by its UID.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal, Role, by_role
from isocenter.domain.delivery import InstanceState, State
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.routing import Hours
from isocenter.service.context import Context
from isocenter.store import changes, imaging
from isocenter.store import deid_reports as reports
from isocenter.store import deliveries as rows
from isocenter.store import delivery_pages as pages
from isocenter.store import routing as routing_rows
from isocenter.store.deliveries import Due, Ending, Kept, Planned, Task
from isocenter.store.delivery_pages import Seen, SeenInstance
from isocenter.store.routing import Destination

__all__ = ["ROUTER", "Due", "Kept", "Round", "Seen", "SeenInstance", "State", "Task"]

log = logging.getLogger(__name__)

ROUTER = by_role("routing", Role.ADMIN, "system", "cli")
"""Who sends what rules have chosen."""

MOST_INSTANCES = 1000  # of one delivery that are shown
MOST_STUDIES = 500  # that a person sends at once
# Deliveries given to the engine at once; the rest waits in its rows, where it can be steered.
TOGETHER = 100
# Nobody has heard of a round for so long: then the engine is asked whether it still has it.
LEASE = timedelta(minutes=10)
# Results noted together, unless so many seconds have passed: a commit each would cost more than sending a small image.
NOTED_TOGETHER = 32
NOTED_EVERY = 0.5
LOOK_EVERY = 1.0  # seconds between two looks whether a round is still wanted


# ---- for people


@dataclass(frozen=True, slots=True)
class Page:
    """Some deliveries, the ones that changed last first; `next` continues after them (None: that was all).

    held: why nothing is sent to a destination now: paused, or hours.
    """

    deliveries: list[Seen]
    next: int | None
    held: Mapping[str, str]


def page(
    context: Context, principal: Principal, *, state: State | None = None, destination: str | None = None,
    study: str | None = None, limit: int = 100, after: int | None = None,
) -> Page:
    """The queue."""  # fmt: skip
    access.require(principal, Permission.DELIVERY_MANAGE)

    def read(connection: Connection) -> Page:
        found = pages.page(connection, state=state, destination_name=destination, study_uid=study, limit=limit + 1, before=after,
                           scope=access.scope(principal, Permission.DELIVERY_MANAGE))  # fmt: skip
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None, _held(context, connection))

    return context.database.read(read)


def get(context: Context, principal: Principal, delivery_id: int) -> tuple[Seen, str, list[SeenInstance]]:
    """A delivery, why its destination is held ("" when it is not), its instances: at most 1,000, unsent first. Raises Missing."""
    access.require(principal, Permission.DELIVERY_MANAGE)

    def read(connection: Connection) -> tuple[Seen, str, list[SeenInstance]]:
        found = _seen(connection, principal, delivery_id)
        held = _held(context, connection).get(found.destination, "")
        return found, held, pages.instances(connection, delivery_id, MOST_INSTANCES)

    return context.database.read(read)


def ask(context: Context, principal: Principal, studies: Sequence[str], destination: str) -> list[int]:
    """Send studies to a destination or a known peer, as they are now; their deliveries. Raises Invalid, Missing."""
    access.require(principal, Permission.DELIVERY_MANAGE)
    access.require(principal, Permission.STUDY_READ)
    if not 1 <= len(studies) <= MOST_STUDIES:
        raise Invalid(f"name 1 to {MOST_STUDIES} studies", where="studies")

    def write(connection: Connection) -> list[int]:
        now = context.clock()
        if not routing_rows.ensure_destination(connection, destination, now):
            raise Missing("there is no such destination and no such peer", where="destination")
        return [_ask(connection, principal, study, destination) for study in dict.fromkeys(studies)]

    def _ask(connection: Connection, principal: Principal, study: str, destination: str) -> int:
        now, uids = context.clock(), rows.instances_of_study(connection, study)
        if imaging.study_values(connection, study, access.scope(principal, Permission.STUDY_READ)) is None:
            raise Missing("there is no such study", where="studies", kept="Nothing was sent.")
        (number,) = rows.plan(connection, [Planned(study, destination, "", now, tuple(uids))], now)
        # What has arrived already is sent again: a person who asks has a reason.
        rows.resend(connection, number, now, everything=True)
        told = {"study": study, "destination": destination, "delivery": number}
        changes.append(connection, Event.DELIVERY_REQUESTED, study, principal.name, told)
        return number

    return context.database.write(write)


def resend(context: Context, principal: Principal, delivery_id: int, *, everything: bool = False) -> None:
    """Send now what has not arrived, or everything once more. Raises Missing, Conflict when it is being sent just now."""
    access.require(principal, Permission.DELIVERY_MANAGE)

    def write(connection: Connection) -> None:
        _seen(connection, principal, delivery_id)
        came = rows.resend(connection, delivery_id, context.clock(), everything=everything)
        if came is None:
            raise _missing()
        if came == "at_work":
            raise Conflict("it is being sent just now", where="id", hint="wait for its end, or cancel it first")
        changes.append(connection, Event.DELIVERY_RESENT, str(delivery_id), principal.name, {"everything": everything})

    context.database.write(write)


def resend_failed(context: Context, principal: Principal, destination: str | None = None) -> int:
    """Send again whatever was given up, to one destination or to all; returns how many deliveries."""
    access.require(principal, Permission.DELIVERY_MANAGE)

    def write(connection: Connection) -> int:
        ids = pages.failed_ids(connection, destination, access.scope(principal, Permission.DELIVERY_MANAGE))
        for delivery_id in ids:
            rows.resend(connection, delivery_id, context.clock(), everything=False)
        told = {"destination": destination or "", "deliveries": len(ids)}
        changes.append(connection, Event.DELIVERY_RESENT, "failed", principal.name, told)
        return len(ids)

    return context.database.write(write)


def cancel(context: Context, principal: Principal, delivery_id: int) -> None:
    """Send no more of it; what has arrived stays there. Raises Missing, Conflict when it has ended."""
    access.require(principal, Permission.DELIVERY_MANAGE)

    def write(connection: Connection) -> None:
        seen = _seen(connection, principal, delivery_id)
        if not rows.cancel(connection, delivery_id, context.clock(), f"cancelled by {principal.name}"):
            raise Conflict("it has ended already", where="id")
        if seen.state is not State.SENDING:  # or its round ends it
            reports.end(connection, delivery_id, seen.study_instance_uid, context.clock())
        changes.append(connection, Event.DELIVERY_CANCELLED, str(delivery_id), principal.name)

    context.database.write(write)


def _seen(connection: Connection, principal: Principal, delivery_id: int) -> Seen:
    found = pages.get(connection, delivery_id, access.scope(principal, Permission.DELIVERY_MANAGE))
    if found is None:
        raise _missing()
    return found


def _missing() -> Missing:
    return Missing("there is no such delivery", where="id", hint="isocenter delivery list shows those that there are")


def _held(context: Context, connection: Connection) -> dict[str, str]:
    """Destinations that nothing is sent to now, and why. Hours are those of this machine."""
    now = context.clock().astimezone().time()
    known = routing_rows.destinations(connection)
    out = {each.name: "hours" for each in known if not Hours(each.hours).include(now)}
    return out | {each.name: "paused" for each in known if each.paused}


def figures(context: Context) -> tuple[int, int]:
    """How many deliveries are on their way, and how many were given up; for Prometheus, which may read no more of them."""
    return context.database.read(pages.figures)


# ---- for the worker


def is_open(context: Context) -> bool:
    """Whether something is on its way, or may be sent now; what waits for a paused destination or a later try does not count."""

    def read(connection: Connection) -> bool:
        return rows.is_at_work(connection) or bool(rows.due(connection, context.clock(), _held(context, connection), 1))

    return context.database.read(read)


def key(due: Due) -> str:
    """The name of a round to the engine, which takes each name once."""
    return f"delivery-{due.id}-{due.round}"


def feed(context: Context, give: Callable[[Due], None]) -> int:
    """Give what is due to the engine; returns how many. give: may be called again for the same round after a crash."""

    def read(connection: Connection) -> list[Due]:
        return rows.due(connection, context.clock(), _held(context, connection), TOGETHER)

    due = context.database.read(read)
    for each in due:
        give(each)
    if due:
        context.database.write(partial(rows.queue, given=due, lease_until=context.clock() + LEASE))
    return len(due)


def lost(context: Context, has: Callable[[Due], bool]) -> int:
    """Rounds nobody has heard of for long, and that the engine does not have any more, are due again; returns how many."""
    silent = context.database.read(partial(rows.lost, now=context.clock(), limit=TOGETHER))
    gone = 0
    for each in silent:
        if has(each):
            until = context.clock() + LEASE
            context.database.write(partial(rows.extend, delivery_id=each.id, lease_until=until))
        else:
            gone += 1
            log.warning("a delivery was lost by the engine and begins anew", extra={"facts": {"delivery": each.id}})
            context.database.write(partial(rows.wait_again, delivery_id=each.id, at=context.clock()))
    return gone


def begin(context: Context, delivery_id: int, round_: int) -> "Round | None":
    """A round of the engine begins; None when it is not wanted any more, or must wait (then it is due again)."""

    def write(connection: Connection) -> Round | None:
        now = context.clock()
        task = rows.begin(connection, delivery_id, round_, now, now + LEASE)
        if task is None:
            return None
        if task.destination in _held(context, connection):
            rows.wait_again(connection, delivery_id, now)
            return None
        destination = routing_rows.destination_named(connection, task.destination)
        assert destination is not None  # the delivery has it as its parent
        if task.is_first:  # what a person asks for is told of then
            told = {"study": task.study_instance_uid, "destination": task.destination, "delivery": task.id}
            changes.append(connection, Event.DELIVERY_BEGUN, task.study_instance_uid, ROUTER.name, told)
        return Round(context, task, destination)

    return context.database.write(write)


@dataclass
class Round:
    """One try to send what has not arrived yet. `note` may be called by several threads.

    task.instances: what is to be sent. Call `end` in the end, in any case but that of being killed. along: written in the same
    transaction as the answers, with the UIDs of what has arrived.
    """

    context: Context
    task: Task
    destination: Destination
    sent: int = 0
    refused: int = 0
    reason: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    along: Callable[[Connection, Sequence[str]], None] | None = None
    _kept: list[Kept] = field(default_factory=list)
    _noted_at: float = field(default_factory=time.monotonic)
    _looked_at: float = field(default_factory=time.monotonic)
    _wanted: bool = True
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def note(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None:
        """What the destination answered for an instance. Raises Away and the like when it cannot be noted."""
        with self._mutex:
            self.sent += arrived
            self.refused += not arrived
            self.reason = self.reason if arrived else reason
            state = InstanceState.SENT if arrived else InstanceState.WAITING
            self._kept.append((sop_instance_uid, status, state, reason))
            if len(self._kept) < NOTED_TOGETHER and time.monotonic() - self._noted_at < NOTED_EVERY:
                return
            kept, self._kept, self._noted_at = self._kept, [], time.monotonic()
        self._record(kept)

    def gone(self, sop_instance_uids: Sequence[str]) -> None:
        """Instances that the archive does not hold any more: they are not waited for."""
        reason = "the archive does not hold it any more"
        self._record([(uid, 0, InstanceState.FAILED, reason) for uid in sop_instance_uids])

    def unwanted(self) -> bool:
        """Whether to stop: the worker ends, the delivery was cancelled, or its destination is held. Cheap."""
        if self.stop.is_set():
            return True
        with self._mutex:
            if time.monotonic() - self._looked_at < LOOK_EVERY:
                return not self._wanted
            self._looked_at = time.monotonic()

        def read(connection: Connection) -> bool:
            is_held = self.destination.name in _held(self.context, connection)
            return rows.is_wanted(connection, self.task.id, self.task.round) and not is_held

        self._wanted = self.context.database.read(read)
        return not self._wanted

    def end(self, error: str = "") -> State | None:
        """The round has ended. error: why not everything could be tried, "" when it was, or when it was to stop."""
        self._record(self._kept)
        self._kept = []
        reason = error or (f"{self.refused} refused, the last: {self.reason}" if self.refused else "")
        ending = Ending(self.sent, self.refused, error, reason, self.context.settings.delivery_retry_seconds)

        def write(connection: Connection) -> State | None:
            state = rows.settle(connection, self.task, self.context.clock(), ending)
            event = {State.SENT: Event.DELIVERY_SENT, State.FAILED: Event.DELIVERY_FAILED}.get(state) if state else None
            if event is not None:
                told = {"study": self.task.study_instance_uid, "destination": self.destination.name, "delivery": self.task.id}
                changes.append(connection, event, self.task.study_instance_uid, ROUTER.name, told)
            if state in (State.SENT, State.FAILED) or (state is None and rows.is_cancelled(connection, self.task.id)):
                reports.end(connection, self.task.id, self.task.study_instance_uid, self.context.clock())
            return state

        state = self.context.database.write(write)
        facts = {"delivery": self.task.id, "destination": self.destination.name, "sent": self.sent, "refused": self.refused,
                 "state": str(state), "reason": reason}  # fmt: skip
        log.log(logging.WARNING if reason else logging.INFO, "a delivery's round ended", extra={"facts": facts})
        return state

    def _record(self, kept: list[Kept]) -> None:
        if not kept:
            return
        until, arrived = self.context.clock() + LEASE, [uid for uid, _, state, _ in kept if state is InstanceState.SENT]

        def write(connection: Connection) -> None:
            rows.record(connection, self.task, kept, until)
            if self.along is not None and arrived:
                self.along(connection, arrived)

        self.context.database.write(write)


def purge(context: Context) -> int:
    """Forget what has ended long ago; returns how many deliveries."""
    before = context.clock() - timedelta(days=context.settings.delivery_keep_days)
    return context.database.write(partial(rows.purge, before=before))
