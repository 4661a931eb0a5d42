"""Storage commitment, as SCU (PS3.4 Annex J): peers that were sent something are asked whether they will keep it.

A request is a row before the peer is asked, and stays one with the answer. What is not committed, and what nobody answers, is a
case for a person under Exceptions.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.dicom import uid
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, exceptions
from isocenter.store import commitment_requests as rows
from isocenter.store.commitment import Reference
from isocenter.store.commitment_requests import CommitmentRequest

__all__ = [
    "STATES", "CommitmentRequest", "Note", "Page", "Reference", "again", "answered", "get", "is_due", "is_open", "page", "work",
]  # fmt: skip

log = logging.getLogger(__name__)

STATES = ("due", "asked", "committed", "failed", "given_up")
# Failure Reason (0008,1197) of an instance that a report does not mention: PS3.3 C.14.1.1, "processing failure".
NOT_MENTIONED = 0x0110
# As many instances are asked for in one request: a peer reads every file before it answers.
TOGETHER = 1000

# While a peer is being sent to, what it has taken is written down so often (seconds) ...
WRITTEN_EVERY = 1.0
# ... and asked for so much later, should nobody say that it was all.
HELD = timedelta(minutes=10)

# Nobody else asks for so long.
LEASE = timedelta(minutes=5)
# Minutes until a peer that could not be asked is asked again; the last for all further tries.
RETRIES = (1, 2, 5, 15, 60, 240)
# No report for so long: the peer has lost the request. PS3.4 J.3.2.1.1 sets no time.
REPORT_WITHIN = timedelta(hours=24)
# Then a person has to look.
GIVE_UP = timedelta(days=7)
# What is settled is shown for so long.
KEPT = timedelta(days=365)

# Failure Reason in words: PS3.3 C.14.1.1.
_REASONS = {
    0x0110: "processing failure", 0x0112: "no such object", 0x0119: "class-instance conflict", 0x0122: "SOP class not supported",
    0x0131: "duplicate transaction", 0x0213: "out of resources",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """Some requests, newest first; `next` continues after them (None: that was all)."""

    requests: list[CommitmentRequest]
    next: int | None


class Note:
    """What a peer takes, one instance after the other, and is to be asked to commit to when all are sent.

    It is written down while that goes on: when the process is killed, what was written is asked for after HELD.
    """

    def __init__(self, context: Context, peer_aet: str) -> None:
        self._context = context
        self._peer_aet = peer_aet
        self._taken: list[Reference] = []
        self._request_id: int | None = None
        self._written = float("-inf")  # when, as time.monotonic has it

    def take(self, reference: Reference) -> None:
        """The peer has this one."""
        self._taken.append(reference)
        if len(self._taken) == TOGETHER:
            self.close()
        elif time.monotonic() - self._written >= WRITTEN_EVERY:
            self._write(self._context.clock() + HELD)

    def close(self) -> None:
        """All are sent: ask now. What is taken after this is another request."""
        if self._taken:
            self._write(self._context.clock())
        self._taken, self._request_id, self._written = [], None, float("-inf")

    def _write(self, due_at: datetime) -> None:
        database = self._context.database
        grow = partial(rows.grow, request_id=self._request_id or 0, references=self._taken, due_at=due_at)
        if self._request_id is None or not database.write(grow):
            add = partial(rows.add, transaction_uid=uid.new_uid(), peer_aet=self._peer_aet, references=self._taken)
            self._request_id = database.write(partial(add, at=self._context.clock(), due_at=due_at))
        self._written = time.monotonic()


def is_due(context: Context) -> bool:
    """Whether `work` would find something to do; cheap."""
    return context.database.read(partial(rows.is_due, now=context.clock()))


def work(context: Context, ask: Callable[[CommitmentRequest], None]) -> bool:
    """Have one peer asked that is due. False: there was none. ask: raises an IsocenterError when it could not."""
    now = context.clock()
    claimed = context.database.write(partial(rows.claim, now=now, lease=LEASE))
    if claimed is None:
        return False
    if claimed.state == "asked":
        # PS3.4 J.3.2.1.1: another request is another transaction; the peer may still hold the first.
        claimed = replace(claimed, transaction_uid=uid.new_uid())
    if now - claimed.created_at >= GIVE_UP:
        _settle(context, claimed, "given_up", claimed.reason or "it was asked and never reported")
        return True
    # First, since the report may come before the answer. When nobody comes to say more, it is due again after the lease.
    told = partial(rows.asked, request_id=claimed.id, transaction_uid=claimed.transaction_uid, at=now, due_at=now + LEASE)
    context.database.write(told)
    facts: dict[str, object] = {"peer": claimed.peer_aet, "transaction": claimed.transaction_uid, "attempts": claimed.attempts}
    try:
        ask(claimed)
        context.database.write(partial(rows.free, request_id=claimed.id, due_at=now + REPORT_WITHIN))
        log.info("storage commitment asked for", extra={"facts": {**facts, "instances": len(claimed.references)}})
    except IsocenterError as error:
        due = now + timedelta(minutes=RETRIES[min(claimed.attempts, len(RETRIES)) - 1])
        context.database.write(partial(rows.again, request_id=claimed.id, reason=error.message, due_at=due))
        log.warning("storage commitment not asked for yet", extra={"facts": {**facts, "reason": error.message}})
    return True


def is_open(context: Context, request_id: int) -> bool:
    """Whether a request waits for its report, or to be asked."""
    found = context.database.read(partial(rows.get, request_id=request_id))
    return found is not None and found.state in rows.OPEN


def answered(
    context: Context, principal: Principal, transaction_uid: str, committed: Sequence[str], failures: Mapping[str, int]
) -> CommitmentRequest:
    """A report has come: SOP Instance UIDs that are committed, and those that are not with their Failure Reason.

    The same report again changes nothing. Raises Invalid when nobody asked under this Transaction UID.
    """
    access.require(principal, Permission.STUDY_STORE)
    found = context.database.read(partial(rows.of_transaction, transaction_uid=transaction_uid))
    if found is None:
        raise Invalid("there is no request with this Transaction UID", where="TransactionUID")
    if found.state not in rows.OPEN:
        return found
    good = set(committed)
    judged = tuple(
        replace(each, failure=0 if each.sop_instance_uid in good - failures.keys()
                else failures.get(each.sop_instance_uid) or NOT_MENTIONED)
        for each in found.references
    )  # fmt: skip
    found = replace(found, references=judged)
    state: rows.State = "failed" if found.failed else "committed"
    codes = sorted({each.failure for each in judged if each.failure})
    reason = ", ".join(_REASONS.get(code, f"reason {code:04X}H") for code in codes)
    return _settle(context, found, state, reason)


def page(context: Context, principal: Principal, *, state: str | None = None, limit: int, after: int | None = None) -> Page:
    """What peers were asked, newest first."""
    access.require(principal, Permission.QUARANTINE_READ)
    states = (state,) if state else ()
    found = context.database.read(partial(rows.page, states=states, limit=limit + 1, before_id=after))
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def get(context: Context, principal: Principal, request_id: int) -> CommitmentRequest:
    """One request with its instances. Raises Missing."""
    access.require(principal, Permission.QUARANTINE_READ)
    found = context.database.read(partial(rows.get, request_id=request_id))
    if found is None:
        raise _missing()
    return found


def again(context: Context, principal: Principal, request_id: int) -> None:
    """Ask once more about what is settled, soon. Raises Missing when there is no such request, or it still runs."""
    access.require(principal, Permission.QUARANTINE_RESOLVE)
    now, transaction = context.clock(), uid.new_uid()

    def write(connection: Connection) -> None:
        if not rows.reopen(connection, request_id, transaction_uid=transaction, at=now):
            raise _missing()
        changes.append(connection, Event.COMMITMENT_REQUESTED, transaction, principal.name, {"request": request_id})

    context.database.write(write)


def _settle(context: Context, request: CommitmentRequest, state: rows.State, reason: str) -> CommitmentRequest:
    """Write the end of a request, and a case for a person when it is no good one."""
    now = context.clock()
    settled = replace(request, state=state, reason=reason, answered_at=now)

    def write(connection: Connection) -> None:
        rows.settle(connection, request.id, state=state, reason=reason, references=request.references, at=now)
        facts = {"peer": request.peer_aet, "state": state, "instances": len(request.references), "failed": request.failed}
        changes.append(connection, Event.COMMITMENT_ANSWERED, request.transaction_uid, request.peer_aet, facts)
        if state != "committed":
            exceptions.record(connection, _case(connection, settled), now)
        rows.forget(connection, now - KEPT)

    context.database.write(write)
    level = logging.INFO if state == "committed" else logging.WARNING
    facts = {"peer": request.peer_aet, "transaction": request.transaction_uid, "state": state, "failed": request.failed}
    log.log(level, "storage commitment answered", extra={"facts": facts})
    return settled


def _case(connection: Connection, request: CommitmentRequest) -> exceptions.Case:
    first = next((each for each in request.references if each.failure), request.references[0])
    study_id, study_uid = rows.study_of(connection, first.sop_instance_uid) or (None, "")
    number = request.failed or len(request.references)
    said = "does not commit to" if request.state == "failed" else "was never heard to commit to"
    return exceptions.Case(
        kind="commitment", fingerprint=f"commitment request {request.id}", source="dimse", source_aet=request.peer_aet,
        reason=f"{request.peer_aet} {said} {number} of {len(request.references)} instances sent to it: {request.reason}",
        sop_class_uid=first.sop_class_uid, sop_instance_uid=first.sop_instance_uid, study_instance_uid=study_uid,
        study_fk=study_id,
    )  # fmt: skip


def _missing() -> Missing:
    return Missing("there is no such request, or it is under way", where="id", hint="isocenter commitment list shows them")
