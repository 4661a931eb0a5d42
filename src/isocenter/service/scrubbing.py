"""The rounds over all files: is each what it was, and is it in the second storage? What is not is put back from there.

    step          some files of the round, at the set rate: each is compared with its row, and repaired when it has to be
    replicate     what came in since goes into the second storage
    health        how far all that is, and what was found, for the administration page and the metrics

A round is a row (`store.scrubbing`): any worker does its next step, none does it twice, and a killed one goes on where it was.
A file is repaired only by a copy that has the SHA-256 of its row, and what it replaces is kept beside (`Blobs.restore`).
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.domain.access import SYSTEM, Permission, Principal, require
from isocenter.domain.errors import Away, Busy, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, reconciling, soundness
from isocenter.store import scrubbing as rows
from isocenter.store.imaging import Kept
from isocenter.store.replica import Replica
from isocenter.store.scrubbing import Damage, Round
from isocenter.store.soundness import Fault

log = logging.getLogger(__name__)

SCRUB, REPLICATE = "scrub", "replica"
FILES = 16  # of a step
LEASE = timedelta(minutes=30)  # sixteen files of many gigabytes take long
EVERY = timedelta(days=1)  # between the beginnings of two rounds, at least
LATER = timedelta(minutes=1)  # when a storage is away
SHOWN = 200  # damages

BY_REPLICA, BY_OTHERS = "replica", "other"


def announce(context: Context, replica: str) -> None:
    """There are to be rounds. replica: the place of the second storage, "" for none."""
    now = context.clock()
    context.database.write(partial(rows.announce, name=SCRUB, place="", now=now))
    if replica:
        context.database.write(partial(rows.announce, name=REPLICATE, place=replica, now=now))


def step(context: Context, replica: Replica | None) -> bool:
    """Look at some files, when it is time to. False: it was not."""
    at = _claim(context, SCRUB)
    if at is None:
        return False
    try:
        batch = context.database.read(partial(rows.page, at=at, limit=FILES))
        for kept in batch:
            _look(context, replica, kept, at.area)
    except (Away, Busy) as error:
        _stop(context, at, error)
        return True
    now = context.clock()
    if batch:
        seconds = sum(kept.size for kept in batch) / max(1, context.settings.scrub_rate)
        context.database.write(partial(rows.advance, at=at, batch=batch, due_at=now + timedelta(seconds=seconds)))
    elif at.area == rows.ARCHIVE:
        context.database.write(partial(rows.turn, at=at, due_at=now))
    else:
        context.database.write(partial(rows.end, at=at, now=now, due_at=max(now, at.began_at + EVERY)))
    return True


def replicate(context: Context, replica: Replica) -> bool:
    """Copy some of what came in since. False: there was nothing. What slips through here the next round of `step` copies."""
    at = _claim(context, REPLICATE)
    if at is None:
        return False
    now = context.clock()
    try:
        batch = context.database.read(partial(rows.page, at=at, limit=FILES))
        for kept in batch:
            _copy(context, replica, kept)
    except IsocenterError as error:
        _stop(context, at, error)
        return True
    if batch:
        context.database.write(partial(rows.advance, at=at, batch=batch, due_at=now))
    else:
        context.database.write(partial(rows.wait, at=at, due_at=now + timedelta(seconds=2), reason=""))
    return bool(batch)


def _claim(context: Context, name: str) -> Round | None:
    now = context.clock()
    if not context.database.read(partial(rows.is_due, name=name, now=now)):
        return None
    return context.database.write(partial(rows.claim, name=name, now=now, lease=LEASE))


def _stop(context: Context, at: Round, error: IsocenterError) -> None:
    due = context.clock() + LATER
    context.database.write(partial(rows.wait, at=at, due_at=due, reason=error.message))
    log.warning("a round waits", extra={"facts": {"round": at.name, "kind": error.kind.value}})


def _look(context: Context, replica: Replica | None, kept: Kept, area: str) -> None:
    try:
        fault = soundness.fault(context.blobs, kept)
    except Busy:
        return  # its bytes are on another node's disk; the next round sees it
    if fault is not None:
        if context.database.read(partial(rows.is_spoken_of, kept=kept, area=area)):
            _mend(context, replica, kept, area, fault)
        return
    if context.database.read(partial(rows.open_keys, keys=[kept.blob_key])):
        context.database.write(partial(_mended, kept=kept, by=BY_OTHERS, now=context.clock()))
    _protect(context, kept)
    if replica is not None:
        _copy(context, replica, kept)


def _protect(context: Context, kept: Kept) -> None:
    """What is sound becomes immutable, where that is wanted; the next round tries again what could not."""
    try:
        context.blobs.protect(kept.blob_key)
    except IsocenterError as error:
        log.warning("a file could not be made immutable", extra={"facts": {"key": kept.blob_key, "reason": str(error)}})


def _copy(context: Context, replica: Replica, kept: Kept) -> None:
    """Add a file to the second storage. One that is gone or damaged here is none of this: `step` finds it."""
    if replica.has(kept):
        return
    try:
        with context.blobs.open(kept.blob_key, kept.size) as file:
            replica.keep(kept, file)
    except (Missing, Busy):
        return
    except Away:
        raise
    except IsocenterError as error:
        log.warning("a file was not copied", extra={"facts": {"key": kept.blob_key, "kind": error.kind.value}})


def _mend(context: Context, replica: Replica | None, kept: Kept, area: str, fault: Fault) -> None:
    """Report a file, and put it back from the second storage."""
    context.database.write(partial(_found, kept=kept, fault=fault, now=context.clock()))
    if replica is None:
        return
    try:
        with replica.open(kept) as copy:
            context.blobs.restore(kept.blob_key, copy, kept.sha256)
    except Away:
        raise
    except IsocenterError as error:
        log.error("a file could not be put back", extra={"facts": {"key": kept.blob_key, "kind": error.kind.value}})
        return
    if not context.database.read(partial(rows.is_spoken_of, kept=kept, area=area)):
        context.blobs.delete(kept.blob_key)  # it was deleted as it should be, meanwhile
        return
    _protect(context, kept)
    context.database.write(partial(_mended, kept=kept, by=BY_REPLICA, now=context.clock()))


def _found(connection: Connection, kept: Kept, fault: Fault, now: datetime) -> None:
    if rows.found(connection, kept, fault.kind, fault.detail, now):
        facts = {"file": kept.blob_key, "fault": fault.kind}
        changes.append(connection, Event.FILE_DAMAGED, kept.sop_instance_uid, SYSTEM.name, facts)
        log.error("a file is not what it was", extra={"facts": facts})


def _mended(connection: Connection, kept: Kept, by: str, now: datetime) -> None:
    if rows.mended(connection, kept.blob_key, by, now):
        facts = {"file": kept.blob_key, "by": by}
        changes.append(connection, Event.FILE_REPAIRED, kept.sop_instance_uid, SYSTEM.name, facts)
        log.info("a file is what it was again", extra={"facts": facts})


@dataclass(frozen=True, slots=True)
class Health:
    """How well what is kept is. rate: bytes a second, 0: no rounds. expected: files the index speaks of.

    behind: files that are not in the second storage yet; damages: the open ones first, then what was mended lately.
    """

    rate: int
    expected: int
    scrub: Round | None
    replica: Round | None
    behind: int
    damaged: int
    mended: int
    damages: list[Damage]


def health(context: Context, principal: Principal) -> Health:
    """Read it. Raises Forbidden."""
    require(principal, Permission.SYSTEM_READ)
    read = context.database.read
    replica = read(partial(rows.get, name=REPLICATE)) if context.settings.replica else None
    behind = 0 if replica is None else read(partial(rows.waiting, after_id=replica.after_id))
    damaged, mended = read(rows.figures)
    expected, scrub = read(reconciling.number_of_files), read(partial(rows.get, name=SCRUB))
    damages = read(partial(rows.damages, limit=SHOWN))
    return Health(int(context.settings.scrub_rate), expected, scrub, replica, behind, damaged, mended, damages)


def figures(context: Context) -> tuple[int, int]:
    """How many files are damaged or missing now, and how many were and are whole again."""
    return context.database.read(rows.figures)


def last_ended(context: Context) -> datetime | None:
    """When the last whole round ended."""
    scrub = context.database.read(partial(rows.get, name=SCRUB))
    return None if scrub is None else scrub.last_ended_at


def again(context: Context, principal: Principal) -> None:
    """Begin the next round now. Raises Forbidden; Missing when no worker has ever made one."""
    require(principal, Permission.SYSTEM_MANAGE)
    if not context.database.write(partial(rows.again, name=SCRUB, now=context.clock())):
        raise Missing("no worker makes rounds over the files", hint="Is one running, and is scrub_rate above 0?")
