"""Instance availability (PS3.4 Annex R): peers that want to are told which instances of a study can be retrieved here.

Told is a study that has gone quiet, or for which a modality has ended its step and everything that it says it has made is here.
A notice is a row until it was taken; more that comes later makes a new one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.dicom import datasets, syntaxes
from isocenter.domain import procedures as rules
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import IsocenterError
from isocenter.domain.events import Event
from isocenter.domain.orders import PerformedState
from isocenter.service.context import Context
from isocenter.store import availability as rows
from isocenter.store import changes, exceptions, peers, procedures
from isocenter.store.availability import Due
from isocenter.store.changes import Change
from isocenter.store.peers import Peer

__all__ = ["Notice", "deliver", "is_due", "relay"]

log = logging.getLogger(__name__)

# Nothing more has come for so long: a modality that is slow between two series is worth one notice, not ten.
QUIET = timedelta(seconds=30)
# Nobody else takes the work for so long.
LEASE = timedelta(minutes=5)
# Minutes until a peer that could not be told is tried again; the last for all further tries.
RETRIES = (1, 2, 5, 15, 60, 240)
PAUSED = timedelta(minutes=1)
# Then nobody waits for it any more.
GIVE_UP = timedelta(days=7)
# Changes looked at in one transaction.
TOGETHER = 1000

_KINDS = (Event.INSTANCE_STORED, Event.PROCEDURE_COMPLETED, Event.PROCEDURE_DISCONTINUED)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a peer is told. name: the same for each attempt to tell it. series: UID -> (SOP class, SOP instance UID) of each.

    performed: SOP Instance UIDs of the modality performed procedure steps.
    """

    name: str
    study_instance_uid: str
    series: Mapping[str, list[tuple[str, str]]]
    performed: tuple[str, ...]


def relay(context: Context) -> int:
    """Look at the next changes, and note the studies that they are about; how many changes there were.

    Cursor and notices move in one transaction: a worker that is killed has done all of it, or nothing.
    """

    def read(connection: Connection) -> tuple[int | None, int, list[str], list[Change]]:
        seen, receivers = rows.cursor(connection), rows.receivers(connection)
        if seen is None or not receivers:  # what came before somebody wanted to know is nobody's news
            return seen, changes.latest(connection), [], []
        found = changes.since(connection, seen, TOGETHER, _KINDS)
        return seen, found[-1].seq if found else seen, receivers, found

    seen, last, receivers, found = context.database.read(read)
    if seen is None:
        context.database.write(lambda connection: rows.begin(connection, last))
    elif found or last - seen >= TOGETHER:
        now = context.clock()
        # What silence has ended was told when it fell silent.
        news = [change for change in found if change.payload.get("by") != "images"]
        ended = {str(change.payload["study"]) for change in news if change.kind != Event.INSTANCE_STORED}
        due = {str(change.payload["study"]): now + QUIET for change in news}
        due |= {study: now for study in ended if context.database.read(partial(_is_whole, study_instance_uid=study))}
        context.database.write(partial(_follow, seen=seen, last=last, receivers=receivers, due=due, now=now))
    return len(found)


def _follow(
    connection: Connection, seen: int, last: int, receivers: list[str], due: Mapping[str, datetime], now: datetime
) -> None:
    """due: study -> when it is to be told."""
    if rows.advance(connection, seen, last):
        for study in sorted(due):  # one order of locks for all workers
            for aet in receivers:
                rows.note(connection, aet, study, at=now, due_at=due[study])


def _is_whole(connection: Connection, study_instance_uid: str) -> bool:
    """Whether all that modalities have made of a study, as they say, is here, and none is still at it."""
    for performed in procedures.of_study(connection, study_instance_uid):
        if performed.state is PerformedState.IN_PROGRESS:
            return False
        said = rules.instances(datasets.decode(performed.content, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN))
        if rows.missing(connection, [uid for _, uid in said]):
            return False
    return True


def is_due(context: Context) -> bool:
    """Whether `deliver` would find something to do; cheap."""
    return context.database.read(partial(rows.is_due, now=context.clock()))


def deliver(context: Context, tell: Callable[[Peer, Notice], None]) -> bool:
    """Tell one peer of one study that is due. False: there was none.

    tell: sends the notification; when it raises an IsocenterError it is tried again later.
    """
    due = context.database.write(partial(rows.claim, now=context.clock(), lease=LEASE))
    if due is None:
        return False
    peer = context.database.read(lambda connection: peers.peer(connection, due.peer_aet))
    notice = context.database.read(partial(_notice, due=due))
    if peer is None or not peer.notify_availability or not notice.series:
        context.database.write(partial(rows.drop, due=due))
    elif peer.paused:
        context.database.write(partial(rows.again, due=due, at=context.clock() + PAUSED, counts=False))
    else:
        _tell(context, peer, due, notice, tell)
    return True


def _tell(context: Context, peer: Peer, due: Due, notice: Notice, tell: Callable[[Peer, Notice], None]) -> None:
    study, instances = due.study_instance_uid, sum(len(each) for each in notice.series.values())
    facts: dict[str, object] = {"peer": peer.aet, "study": study, "instances": instances, "attempts": due.attempts}
    try:
        tell(peer, notice)
    except IsocenterError as error:
        _later(context, due, facts | {"reason": error.message})
        return

    def write(connection: Connection) -> None:
        rows.done(connection, due)
        payload = {"study": study, "peer": peer.aet, "instances": instances}
        changes.append(connection, Event.STUDY_NOTIFIED, study, SYSTEM.name, payload)

    context.database.write(write)
    log.info("a peer was told that instances are available", extra={"facts": facts})


def _later(context: Context, due: Due, facts: dict[str, object]) -> None:
    now = context.clock()
    if now - due.created_at >= GIVE_UP:
        context.database.write(partial(_give_up, due=due, facts=facts, now=now))
        log.error("a peer cannot be told that instances are available; given up", extra={"facts": facts})
        return
    minutes = RETRIES[min(due.attempts, len(RETRIES)) - 1]
    context.database.write(partial(rows.again, due=due, at=now + timedelta(minutes=minutes)))
    log.warning("a peer could not be told yet that instances are available", extra={"facts": facts | {"again_in_min": minutes}})


def _give_up(connection: Connection, due: Due, facts: Mapping[str, object], now: datetime) -> None:
    """Nobody waits any more; a person is to know it."""
    rows.drop(connection, due)
    reason = f"{due.peer_aet} was not told that instances of this study are available: {facts['reason']}"
    case = exceptions.Case(
        kind="notification", fingerprint=f"notification {due.peer_aet} {due.study_instance_uid}", source="dimse",
        source_aet=due.peer_aet, reason=reason, study_instance_uid=due.study_instance_uid,
    )  # fmt: skip
    exceptions.record(connection, case, now)


def _notice(connection: Connection, due: Due) -> Notice:
    series: dict[str, list[tuple[str, str]]] = {}
    for series_uid, sop_class_uid, sop_instance_uid in rows.held(connection, due.study_instance_uid):
        series.setdefault(series_uid, []).append((sop_class_uid, sop_instance_uid))
    performed = procedures.of_study(connection, due.study_instance_uid)
    name = f"{due.peer_aet} {due.study_instance_uid} {due.created_at.isoformat()} {due.version}"
    return Notice(name, due.study_instance_uid, series, tuple(each.sop_instance_uid for each in performed))
