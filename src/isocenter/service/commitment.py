"""Storage commitment, push model (PS3.4 Annex J): a request is a row before it is answered and until the peer was told.

Committed is what the index holds and whose file, read again from the disk, still has the SHA-256 that it came in with. What waits
in quarantine is not committed: the sender is not to delete its copy.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.dicom import uid
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Away, Broken, Busy, Invalid, IsocenterError, Missing
from isocenter.service.context import Context
from isocenter.store import commitment as rows
from isocenter.store import exceptions
from isocenter.store.commitment import Commitment, Held, Reference

__all__ = ["Commitment", "Reference", "answer", "ask", "deliver", "is_due", "leave"]

log = logging.getLogger(__name__)

# Failure Reason (0008,1197): PS3.4 J.3.3.1.1, PS3.3 C.14.1.1
PROCESSING_FAILURE = 0x0110
NO_SUCH_OBJECT_INSTANCE = 0x0112
CLASS_INSTANCE_CONFLICT = 0x0119

# Nobody else takes the work for so long; it is prolonged while files are read.
LEASE = timedelta(minutes=5)
# Minutes until a peer that could not be told is tried again; the last for all further tries.
RETRIES = (1, 2, 5, 15, 60, 240)
# Then nobody waits for it any more.
GIVE_UP = timedelta(days=7)
KEPT = timedelta(days=90)  # one that was given up, for a person who has it told once more
# Files read between two prolongations of the lease.
TOGETHER = 100


def ask(context: Context, principal: Principal, peer_aet: str, transaction_uid: str, references: Sequence[Reference]) -> int:
    """Take a request; durable when it returns its number. peer_aet: the known peer that will be told. Raises Invalid.

    The caller is to `answer` it, or to `leave` it to the worker.
    """
    access.require(principal, Permission.STUDY_STORE)
    if not uid.is_usable(transaction_uid):
        raise Invalid("the request has no Transaction UID", where="TransactionUID")
    named = [name for each in references for name in (each.sop_class_uid, each.sop_instance_uid)]
    if not named or not all(map(uid.is_usable, named)):
        raise Invalid("the request names no instances, or some without their UIDs", where="ReferencedSOPSequence")
    at = context.clock()
    write = partial(
        rows.add, transaction_uid=transaction_uid, peer_aet=peer_aet, references=references, at=at, lease=LEASE
    )
    return context.database.write(write)


def answer(context: Context, commitment_id: int, tell: Callable[[Commitment], None], interrupted: Callable[[], bool]) -> None:
    """Judge a request that was just taken, and have its peer told; else it is left to the worker, which does so soon.

    interrupted: asked now and then; when it says so, or `tell` raises, the request is left. Other errors are raised again.
    """
    try:
        asked = context.database.read(partial(rows.get, commitment_id=commitment_id))
        if asked is not None:
            _tell(context, asked, tell, interrupted)
            return
    except IsocenterError as error:
        log.info("storage commitment is left to the worker", extra={"facts": {"reason": error.message}})
    except BaseException:
        leave(context, commitment_id)
        raise
    leave(context, commitment_id)


def leave(context: Context, commitment_id: int) -> None:
    """The worker is to do it, now."""
    context.database.write(partial(rows.again, commitment_id=commitment_id, at=context.clock()))


def is_due(context: Context) -> bool:
    """Whether `deliver` would find something to do; cheap."""
    return context.database.read(partial(rows.is_due, now=context.clock()))


def deliver(context: Context, tell: Callable[[Commitment], None]) -> bool:
    """Judge one request that is due, and have its peer told. False: there was none.

    tell: sends the report; when it raises an IsocenterError it is tried again later.
    """
    claimed = context.database.write(partial(rows.claim, now=context.clock(), lease=LEASE))
    if claimed is None:
        return False
    facts: dict[str, object] = {"peer": claimed.peer_aet, "transaction": claimed.transaction_uid, "attempts": claimed.attempts}
    try:
        _tell(context, claimed, tell, lambda: False)
    except IsocenterError as error:
        _later(context, claimed, facts | {"reason": error.message})
    return True


def _tell(
    context: Context, asked: Commitment, tell: Callable[[Commitment], None], interrupted: Callable[[], bool]
) -> None:
    """Judge what has not been judged, tell, and be done with it."""
    if not asked.judged:
        asked = replace(asked, references=tuple(_judged(context, asked, interrupted)), judged=True)
        context.database.write(partial(rows.judged, commitment_id=asked.id, references=asked.references))
    tell(asked)
    context.database.write(partial(rows.done, commitment_id=asked.id))
    failed = sum(each.failure != 0 for each in asked.references)
    facts = {"peer": asked.peer_aet, "transaction": asked.transaction_uid, "instances": len(asked.references), "failed": failed}
    log.info("storage commitment reported", extra={"facts": facts})


def _later(context: Context, claimed: Commitment, facts: dict[str, object]) -> None:
    now = context.clock()
    if now - claimed.received_at >= GIVE_UP:
        context.database.write(lambda connection: _give_up(connection, claimed, str(facts["reason"]), now))
        log.error("storage commitment given up: the peer cannot be told", extra={"facts": facts})
        return
    minutes = RETRIES[min(claimed.attempts, len(RETRIES)) - 1]
    context.database.write(partial(rows.again, commitment_id=claimed.id, at=now + timedelta(minutes=minutes)))
    log.warning("storage commitment not reported yet", extra={"facts": {**facts, "again_in_min": minutes}})


def _give_up(connection: Connection, claimed: Commitment, reason: str, now: datetime) -> None:
    """Nobody was told, so nobody may delete: a person has to look at it."""
    rows.give_up(connection, claimed.id, now - KEPT)
    first, number = claimed.references[0], len(claimed.references)
    case = exceptions.Case(
        kind="commitment", fingerprint=f"commitment report {claimed.peer_aet} {claimed.transaction_uid}", source="dimse",
        source_aet=claimed.peer_aet, sop_class_uid=first.sop_class_uid, sop_instance_uid=first.sop_instance_uid,
        reason=f"{claimed.peer_aet} asked for commitment to {number} instances and could not be told: {reason}",
    )  # fmt: skip
    exceptions.record(connection, case, now)


def _judged(context: Context, claimed: Commitment, interrupted: Callable[[], bool]) -> Iterator[Reference]:
    for start in range(0, len(claimed.references), TOGETHER):
        if interrupted():
            raise Busy("the association is used for something else")
        some = claimed.references[start : start + TOGETHER]
        versions: dict[str, list[Held]] = defaultdict(list)
        uids = {each.sop_instance_uid for each in some}
        for each in context.database.read(partial(rows.held, sop_instance_uids=uids)):
            versions[each.sop_instance_uid].append(each)
        yield from (replace(each, failure=_failure(context, each, versions[each.sop_instance_uid])) for each in some)
        context.database.write(partial(rows.extend, commitment_id=claimed.id, until=context.clock() + LEASE))


def _failure(context: Context, reference: Reference, versions: list[Held]) -> int:
    """0 when all that is held of an instance is sound: which version the peer means, its UID does not tell."""
    if not versions:
        return NO_SUCH_OBJECT_INSTANCE
    if any(held.sop_class_uid != reference.sop_class_uid for held in versions):
        return CLASS_INSTANCE_CONFLICT
    return 0 if all(_is_sound(context, held) for held in versions) else PROCESSING_FAILURE


def _is_sound(context: Context, held: Held) -> bool:
    """Whether the bytes are where they are to stay, and as they came in. Raises Busy when they are not there yet, Away."""
    try:
        with context.blobs.open_durable(held.blob_key) as file:
            return file.sha256() == held.sha256
    except Missing:
        return False
    except Away:
        raise
    except (OSError, Broken) as error:
        log.warning("a file cannot be read again", extra={"facts": {"key": held.blob_key, "reason": str(error)}})
        return False
