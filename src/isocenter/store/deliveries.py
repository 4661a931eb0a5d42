"""Rows of deliveries: a study on its way to a destination, with what became of each instance. Plain functions over a Connection.

    plan     instances are to go somewhere        due, queue    what is to be given to the engine, and that it was
    begin    a round of the engine begins         record        what became of some instances
    settle   the round has ended                  resend, cancel   what people do; what they see is `delivery_pages`

A round is one number of a delivery: what an earlier round would still say, a later one does not hear.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain import delivery as rules
from isocenter.domain.delivery import InstanceState, State
from isocenter.store.schema import instance, series, study
from isocenter.store.schema_routing import delivery, delivery_instance, destination

_TOGETHER = 500  # rows in one statement
_AT_WORK = (State.QUEUED, State.SENDING)

Kept = tuple[str, int, InstanceState, str]
"""(SOP Instance UID, status, state, reason)"""


@dataclass(frozen=True, slots=True)
class Planned:
    """Instances of one study that are to go to one destination. route: the rule's name, "" when a person wants it."""

    study_instance_uid: str
    destination: str
    route: str
    due_at: datetime
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery for the engine: `round` is the one it will be."""

    id: int
    round: int
    destination: str


@dataclass(frozen=True, slots=True)
class Task:
    """A round that has begun. instances: those that have not arrived yet. is_first: no round was tried before it, by a rule."""

    id: int
    round: int
    study_instance_uid: str
    destination: str
    instances: tuple[str, ...]
    is_first: bool = False


# ---- what is to go


def plan(connection: Connection, planned: Sequence[Planned], now: datetime) -> list[int]:
    """Remember that instances are to go somewhere; those that are on their way there, or have arrived, stay as they are.

    Returns the deliveries, one for each of `planned`. A destination that is not there any more gets none (0).
    """
    return [_plan(connection, each, now) for each in planned]


def _plan(connection: Connection, planned: Planned, now: datetime) -> int:
    destination_id = connection.execute(select(destination.c.id).where(destination.c.name == planned.destination)).scalar()
    if destination_id is None:
        return 0
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {
        "study_instance_uid": planned.study_instance_uid, "destination_fk": destination_id, "route": planned.route,
        "state": State.WAITING, "due_at": planned.due_at, "created_at": now, "updated_at": now,
    }  # fmt: skip
    # The row that is there is touched, so that it is locked and comes back.
    upsert = dialect.insert(delivery).values(values).on_conflict_do_update(
        index_elements=["study_instance_uid", "destination_fk"], set_={"updated_at": now}
    )
    row = connection.execute(upsert.returning(delivery.c.id, delivery.c.state, delivery.c.attempts)).one()
    if not _add_instances(connection, dialect, row.id, planned.instances):
        return int(row.id)
    if row.state not in _AT_WORK and not (row.state == State.WAITING and row.attempts):
        # It waits until nothing more comes; what waits after a failure keeps its time.
        anew = {"state": State.WAITING, "due_at": planned.due_at, "attempts": 0, "failing_since": None, "reason": ""}
        connection.execute(update(delivery).where(delivery.c.id == row.id).values(anew))
    return int(row.id)


def _add_instances(connection: Connection, dialect: Any, delivery_id: int, uids: Sequence[str]) -> int:
    """How many of them were new."""
    added = 0
    for start in range(0, len(uids), _TOGETHER):
        rows = [
            {"delivery_fk": delivery_id, "sop_instance_uid": uid, "state": InstanceState.WAITING}
            for uid in sorted(set(uids[start : start + _TOGETHER]))
        ]
        statement = dialect.insert(delivery_instance).values(rows).on_conflict_do_nothing()
        added += len(connection.execute(statement.returning(delivery_instance.c.sop_instance_uid)).all())
    return added


def instances_of_study(connection: Connection, study_uid: str) -> list[str]:
    """The served instances of a study."""
    query = (
        select(instance.c.sop_instance_uid)
        .join(series, series.c.id == instance.c.series_fk)
        .join(study, study.c.id == series.c.study_fk)
        .where(study.c.study_instance_uid == study_uid, instance.c.current)
    )
    return list(connection.execute(query).scalars())


# ---- for the engine


def due(connection: Connection, now: datetime, held: Collection[str], limit: int) -> list[Due]:
    """Deliveries whose time has come, longest due first. held: destinations that nothing may be sent to now."""
    query = (
        select(delivery.c.id, delivery.c.round + 1, destination.c.name)
        .join(destination, destination.c.id == delivery.c.destination_fk)
        .where(delivery.c.state == State.WAITING, delivery.c.due_at <= now, destination.c.name.not_in(held))
        .order_by(delivery.c.due_at, delivery.c.id)
        .limit(limit)
    )
    return [Due(*row) for row in connection.execute(query)]


def is_at_work(connection: Connection) -> bool:
    """Whether the engine has been given something that has not ended."""
    return connection.execute(select(delivery.c.id).where(delivery.c.state.in_(_AT_WORK)).limit(1)).first() is not None


def lost(connection: Connection, now: datetime, limit: int) -> list[Due]:
    """Deliveries that the engine was given and that nobody has heard of for a lease. `round` is the one it was given."""
    query = (
        select(delivery.c.id, delivery.c.round, destination.c.name)
        .join(destination, destination.c.id == delivery.c.destination_fk)
        .where(delivery.c.state.in_(_AT_WORK), delivery.c.lease_until < now)
        .limit(limit)
    )
    return [Due(*row) for row in connection.execute(query)]


def queue(connection: Connection, given: Iterable[Due], lease_until: datetime) -> None:
    """They were given to the engine; nothing for those that have moved on meanwhile."""
    for each in given:
        connection.execute(
            update(delivery)
            .where(delivery.c.id == each.id, delivery.c.state == State.WAITING, delivery.c.round == each.round - 1)
            .values(state=State.QUEUED, round=each.round, lease_until=lease_until)
        )


def extend(connection: Connection, delivery_id: int, lease_until: datetime) -> None:
    """The engine still has it."""
    connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(lease_until=lease_until))


def wait_again(connection: Connection, delivery_id: int, at: datetime) -> None:
    """The engine does not have it any more, or must not go on now: it is due at `at`."""
    connection.execute(_at_work(delivery_id).values(state=State.WAITING, due_at=at, lease_until=None))


def begin(connection: Connection, delivery_id: int, round_: int, now: datetime, lease_until: datetime) -> Task | None:
    """The round begins, or goes on after a worker died; None when it is not wanted any more.

    The engine may be quicker than who gave it the round and has not noted that yet.
    """
    noted = and_(delivery.c.state.in_(_AT_WORK), delivery.c.round == round_)
    not_noted = and_(delivery.c.state == State.WAITING, delivery.c.round == round_ - 1)
    before = connection.execute(select(delivery).where(delivery.c.id == delivery_id).with_for_update()).one_or_none()
    found = update(delivery).where(delivery.c.id == delivery_id, or_(noted, not_noted))
    row = connection.execute(
        found.values(state=State.SENDING, round=round_, lease_until=lease_until, updated_at=now).returning(
            delivery.c.study_instance_uid, delivery.c.destination_fk
        )
    ).one_or_none()
    if row is None or before is None:
        return None
    is_first = bool(before.route) and before.state != State.SENDING and before.attempts == 0 and before.failing_since is None
    name = connection.execute(select(destination.c.name).where(destination.c.id == row.destination_fk)).scalar_one()
    return Task(delivery_id, round_, row.study_instance_uid, name, tuple(_waiting(connection, delivery_id)), is_first)


def _waiting(connection: Connection, delivery_id: int) -> list[str]:
    table = delivery_instance
    query = select(table.c.sop_instance_uid).where(table.c.delivery_fk == delivery_id, table.c.state == InstanceState.WAITING)
    return list(connection.execute(query).scalars())


def _has_waiting(connection: Connection, delivery_id: int) -> bool:
    table = delivery_instance
    query = select(table.c.delivery_fk).where(table.c.delivery_fk == delivery_id, table.c.state == InstanceState.WAITING)
    return connection.execute(query.limit(1)).first() is not None


def is_cancelled(connection: Connection, delivery_id: int) -> bool:
    """Whether somebody wants no more of it."""
    return connection.execute(select(delivery.c.state).where(delivery.c.id == delivery_id)).scalar() == State.CANCELLED


def is_wanted(connection: Connection, delivery_id: int, round_: int) -> bool:
    """Whether the round is to go on: nobody has cancelled it, and no other one has taken its place."""
    row = connection.execute(select(delivery.c.state, delivery.c.round).where(delivery.c.id == delivery_id)).one_or_none()
    return row is not None and row.state in _AT_WORK and row.round == round_


def record(connection: Connection, task: Task, kept: Iterable[Kept], lease_until: datetime) -> None:
    """What became of instances; also of a round that has lost its place, for what has arrived has arrived."""
    table = delivery_instance
    for uid, status, state, reason in kept:
        values = {"state": state, "status": status, "reason": reason, "attempts": table.c.attempts + 1}
        connection.execute(
            update(table).where(table.c.delivery_fk == task.id, table.c.sop_instance_uid == uid).values(values)
        )
    connection.execute(
        update(delivery).where(delivery.c.id == task.id, delivery.c.round == task.round).values(lease_until=lease_until)
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a round ended. sent: instances that arrived; refused: that were answered, and not taken.

    error: why not everything could be tried, "" when it was, or when it was to stop. reason: the same, or what was said of what
    was refused. first_wait: seconds until the first of the tries that follow.
    """

    sent: int
    refused: int
    error: str
    reason: str
    first_wait: float


def settle(connection: Connection, task: Task, now: datetime, ending: Ending) -> State | None:
    """The round has ended: what the delivery is now; None when it is not this round's to say.

    What waits although nothing failed came meanwhile, and is due at once.
    """
    found = _at_work(task.id).where(delivery.c.round == task.round)
    row = connection.execute(
        found.values(updated_at=now, lease_until=None).returning(
            delivery.c.attempts, delivery.c.failing_since, delivery.c.destination_fk
        )
    ).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = {"attempts": 0, "failing_since": None, "reason": ""}
    if not _has_waiting(connection, task.id):
        values |= {"state": State.SENT}
    elif not ending.reason:
        values |= {"state": State.WAITING, "due_at": now}
    else:
        verdict = rules.judge(
            now, first_wait=ending.first_wait, attempts=row.attempts, failing_since=row.failing_since,
            progress=ending.sent > 0, refused=ending.refused > 0 and not ending.error,
        )  # fmt: skip
        values = {"attempts": verdict.attempts, "failing_since": verdict.failing_since, "reason": ending.reason}
        values |= {"state": State.FAILED} if verdict.again_at is None else {"state": State.WAITING, "due_at": verdict.again_at}
        if verdict.again_at is None:
            _give_up(connection, task.id, ending.reason)
    connection.execute(update(delivery).where(delivery.c.id == task.id).values(values))
    _tell_the_others(connection, task, row.destination_fk, now, ending)
    return State(values["state"])


def _tell_the_others(connection: Connection, task: Task, destination_id: int, now: datetime, ending: Ending) -> None:
    """What a round says of its destination: when it answers, what waited for that goes at once; when not, the others need not
    all find out for themselves. They wait for the first wait only, so that one study it breaks off at holds up no other."""
    others = update(delivery).where(delivery.c.destination_fk == destination_id, delivery.c.id != task.id)
    if ending.sent:
        table = delivery_instance
        answered = select(table.c.delivery_fk).where(
            table.c.delivery_fk == delivery.c.id, table.c.state == InstanceState.WAITING, table.c.attempts > 0
        )
        failing = others.where(delivery.c.state == State.WAITING, delivery.c.reason != "", delivery.c.due_at > now)
        connection.execute(failing.where(~answered.exists()).values(due_at=now))
    elif ending.error and not ending.refused:
        later = now + timedelta(seconds=ending.first_wait)
        waiting = others.where(delivery.c.state.in_((State.WAITING, State.QUEUED)), delivery.c.due_at < later)
        connection.execute(waiting.values(state=State.WAITING, due_at=later, lease_until=None, reason=ending.reason))


def _give_up(connection: Connection, delivery_id: int, reason: str) -> None:
    table = delivery_instance
    waiting = update(table).where(table.c.delivery_fk == delivery_id, table.c.state == InstanceState.WAITING)
    connection.execute(waiting.where(table.c.reason == "").values(reason=reason))
    connection.execute(waiting.values(state=InstanceState.FAILED))


def _at_work(delivery_id: int) -> Any:
    return update(delivery).where(delivery.c.id == delivery_id, delivery.c.state.in_(_AT_WORK))


# ---- what people do


def resend(connection: Connection, delivery_id: int, now: datetime, *, everything: bool) -> Literal["due", "at_work"] | None:
    """Due now: what has not arrived, or everything. None: there is no such delivery; at_work: it is being sent just now."""
    state = connection.execute(select(delivery.c.state).where(delivery.c.id == delivery_id).with_for_update()).scalar()
    if state is None:
        return None
    if state in _AT_WORK:
        return "at_work"
    table = delivery_instance
    wanted = update(table).where(table.c.delivery_fk == delivery_id)
    if not everything:
        wanted = wanted.where(table.c.state == InstanceState.FAILED)
    connection.execute(wanted.values(state=InstanceState.WAITING, status=0, reason=""))
    anew = {"state": State.WAITING, "due_at": now, "attempts": 0, "failing_since": None, "reason": "", "updated_at": now}
    if not _has_waiting(connection, delivery_id):
        anew |= {"state": State.SENT}
    connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(anew))
    return "due"


def cancel(connection: Connection, delivery_id: int, now: datetime, reason: str) -> bool:
    """Nothing more of it is sent; False when there is nothing to cancel."""
    open_ = (State.WAITING, *_AT_WORK)
    cancelled = update(delivery).where(delivery.c.id == delivery_id, delivery.c.state.in_(open_))
    values = {"state": State.CANCELLED, "reason": reason, "updated_at": now, "lease_until": None}
    if connection.execute(cancelled.values(values)).rowcount == 0:
        return False
    _give_up(connection, delivery_id, reason)
    return True


def purge(connection: Connection, before: datetime, limit: int = 200) -> int:
    """Forget deliveries that ended before a time, some at once; returns how many."""
    ended = (State.SENT, State.CANCELLED)
    some = select(delivery.c.id).where(delivery.c.state.in_(ended), delivery.c.updated_at < before).limit(limit)
    ids = list(connection.execute(some).scalars())
    connection.execute(delete(delivery_instance).where(delivery_instance.c.delivery_fk.in_(ids)))
    connection.execute(delete(delivery).where(delivery.c.id.in_(ids)))
    return len(ids)
