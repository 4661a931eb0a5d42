"""The exceptions list: what came in and needs a person's eye. Seen by those who may, taken off the list by those who resolve.

Each case comes with what is known of it and a proposal: what would settle it, to be done by one call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import Connection

from isocenter.dicom import corrected
from isocenter.dicom.elements import Malformed
from isocenter.domain.access import Permission, Principal, allow, require, scope
from isocenter.domain.errors import Conflict, Missing, Unsupported
from isocenter.domain.events import Event
from isocenter.domain.imaging import Outcome
from isocenter.service.context import Context
from isocenter.store import changes, exceptions, resolving, retelling
from isocenter.store.corrected import SYSTEM as MODIFIER
from isocenter.store.exceptions import Case, Kind
from isocenter.store.open_files import OpenFile

__all__ = ["Kind", "OpenFile", "Page", "Proposal", "dismiss", "follow", "get", "open_kept", "page", "recover",
           "refile", "serve", "tell", "whom"]

_PIECE = 1 << 20
_TOGETHER = 500


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given."""

Action = Literal["file", "again", "serve", "correct", "tell", "settle"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would settle a case. file: take its object in as one of the patient of its study; again: take it in once more;
    serve: serve this version from now on; correct: the study is `patient`'s; tell: tell, or ask, who was not told; settle: it is
    as it should be, or nothing can be done here.

    sentence: what it does. patient: keyword -> text, of file and correct.
    """

    action: Action
    sentence: str
    patient: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, the ones seen last first; `next` continues after them (None: that was all)."""

    cases: list[Mapping[str, Any]]
    next: int | None


def page(
    context: Context, principal: Principal, *, kind: Kind | None, dismissed: bool, limit: int, after: int | None
) -> Page:
    """Open cases (or, with `dismissed`, all of them), newest first."""
    require(principal, Permission.QUARANTINE_READ)
    kinds = (kind,) if kind else ()

    def read(connection: Connection) -> tuple[list[Mapping[str, Any]], int]:
        rows = exceptions.page(connection, kinds=kinds, dismissed=dismissed, limit=limit + 1, before_id=after,
                               scope=scope(principal, Permission.QUARANTINE_READ))  # fmt: skip
        return [{**row, "proposal": _proposed(connection, principal, dict(row))} for row in rows[:limit]], len(rows)

    cases, count = context.database.read(read)
    return Page(cases, int(cases[-1]["id"]) if count > limit else None)


def get(context: Context, principal: Principal, case_id: int) -> tuple[Mapping[str, Any], Proposal]:
    """An open case and what is proposed. Raises Missing, Forbidden."""
    require(principal, Permission.QUARANTINE_READ)
    seen = scope(principal, Permission.QUARANTINE_READ)

    def read(connection: Connection) -> tuple[Mapping[str, Any], Proposal]:
        row = exceptions.get(connection, case_id, seen)
        if row is None or row["dismissed_at"] is not None:
            raise Missing("this is not on the list", where="id", hint="somebody may have settled it: load the list again")
        return dict(row), _proposed(connection, principal, dict(row))

    return context.database.read(read)


def whom(context: Context, principal: Principal, case_id: int) -> Mapping[str, str]:
    """The patient whom a proposal means; the list itself names nobody. The access is a change row. Raises Missing, Forbidden."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    row, proposal = get(context, principal, case_id)
    if not proposal.patient:
        raise Missing("the proposal means no patient", where="id")
    subject = row["study_instance_uid"] or row["kind"]
    context.database.write(
        lambda connection: changes.append(connection, Event.EXCEPTION_READ, subject, principal.name, {"exception": case_id})
    )
    return proposal.patient


def _proposed(connection: Connection, principal: Principal, row: Mapping[str, Any]) -> Proposal:
    study = row["study_instance_uid"]
    match row["kind"]:
        case "quarantined" if row["where"] == "PatientID" and (who := resolving.held_patient(connection, study)):
            return Proposal("file", "File it in its study, as one of that study's patient. What it said is kept in it.", who)
        case "quarantined":
            return Proposal("again", "Take it in once more: what kept it out may be settled by now.", {})
        case "version":
            return Proposal("serve", "Serve this version from now on. The first one is kept.", {})
        case "patient_conflict" if who := resolving.patient_of(connection, row["patient_fk"]):
            return Proposal("correct", "It is the same person: give the study the name and birth date that are held.", who)
        case "unmatched" if who := resolving.lookalike(connection, study):
            return Proposal("correct", "Give the study to the one patient of this name and birth date who has an ID.", who)
        case "patient_conflict":
            return Proposal("settle", "Nothing is held any more that it differs from: take it off the list.", {})
        case "unmatched":
            return Proposal("settle", "No patient of this name and birth date has an ID: leave it as a patient of its own.", {})
        case "commitment" | "notification" if sentence := _retold(connection, principal, row["fingerprint"]):
            return Proposal("tell", sentence, {})
        case "commitment":
            return Proposal("settle", "It is forgotten: take it off the list; they ask again when they still wait.", {})
        case "notification":
            return Proposal("settle", "It cannot be told from here any more: take it off the list when they know it.", {})
    return Proposal("settle", "The sender was told why, and has it still: have it sent again, and take this off the list.", {})


def _retold(connection: Connection, principal: Principal, fingerprint: str) -> str | None:
    if fingerprint.startswith(retelling.WEBHOOK) and not allow(principal, Permission.WEBHOOK_MANAGE):
        return None
    return retelling.offered(connection, fingerprint)


def tell(context: Context, principal: Principal, case_id: int) -> None:
    """Have told, or asked, once more who was not; its case comes back when that fails, too. Raises Missing, Unsupported."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    now = context.clock()
    row, proposal = get(context, principal, case_id)
    if proposal.action != "tell":
        raise Unsupported("there is nobody to be told of this", where="id")

    def write(connection: Connection) -> None:
        if _retold(connection, principal, row["fingerprint"]) is None:
            raise Conflict("it has changed meanwhile", where="id", hint="Load the list again.")
        told = retelling.again(connection, row["fingerprint"], now)
        if told is not None:
            event, subject, payload = told
            changes.append(connection, event, subject, principal.name, payload)
        exceptions.dismiss(connection, case_id, principal.name, now)

    context.database.write(write)


def refile(context: Context, principal: Principal, case_id: int, door: Door) -> Outcome:
    """Take in what is in quarantine: once more, or as an object of its study's patient. It stays in quarantine as it came.

    Raises Missing, Conflict when it cannot be filed still (nothing changes then), Unsupported, Forbidden.
    """
    require(principal, Permission.QUARANTINE_RESOLVE)
    row, proposal = get(context, principal, case_id)
    if proposal.action not in ("file", "again") or not row["blob_key"]:
        raise Unsupported("there is nothing of this that could be filed", where="id")
    with context.blobs.open(row["blob_key"]) as kept:
        try:
            at = f"{context.clock():%Y%m%d%H%M%S.%f}+0000"
            source = corrected.seen(kept, proposal.patient, at, MODIFIER) if proposal.action == "file" else kept
        except Malformed as fault:
            raise Unsupported(f"the object cannot be read: {fault.reason}", where=fault.where) from None
        with door() as reception:
            for start in range(0, source.size, _PIECE):
                reception.write(source.read_at(start, min(_PIECE, source.size - start)))
            outcome = reception.finish()
    if outcome.status == "quarantined":
        raise Conflict(f"it can still not be filed: {outcome.reason}", kept="It stays in quarantine as it came.")
    dismiss(context, principal, case_id)
    return outcome


def serve(context: Context, principal: Principal, case_id: int) -> None:
    """Serve the version that came later. Raises Missing, Unsupported, Conflict, Forbidden."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    now, seen = context.clock(), scope(principal, Permission.QUARANTINE_RESOLVE)

    def write(connection: Connection) -> None:
        row = exceptions.get(connection, case_id, seen)
        if row is None or row["kind"] != "version":
            raise Unsupported("this is no version of an instance", where="id")
        if not resolving.serve(connection, row["sop_instance_uid"], row["sha256"], principal.name, now):
            raise Conflict("this version is served already, or the instance is rejected", where="id")
        told = {"study": row["study_instance_uid"], "instance": row["sop_instance_uid"], "sha256": row["sha256"]}
        changes.append(connection, Event.VERSION_CHOSEN, row["study_instance_uid"], principal.name, told)
        exceptions.dismiss(connection, case_id, principal.name, now)

    context.database.write(write)


def follow(context: Context, link: Callable[[Sequence[str]], object] = lambda studies: None) -> int:
    """Put studies that came without a Patient ID on the list, once each. Returns how many changes were read.

    link: is given the studies that came, before they are passed over (`service.corrections.link`); safe to be called twice.
    """

    def read(connection: Connection) -> tuple[int, list[changes.Change]]:
        seen = exceptions.cursor(connection)
        return seen, changes.since(connection, seen, _TOGETHER, (Event.STUDY_CREATED,))

    seen, found = context.database.read(read)
    if not found:
        return 0
    link([change.subject for change in found])
    now = context.clock()

    def write(connection: Connection) -> None:
        if not exceptions.advance(connection, seen, found[-1].seq):
            return
        for uid, study_fk in exceptions.without_patient(connection, [change.subject for change in found]):
            reason = "the study has no Patient ID, so that nothing joins it to a patient"
            exceptions.record(connection, Case(kind="unmatched", reason=reason, where="PatientID", fingerprint=f"unmatched:{uid}",
                                               study_instance_uid=uid, study_fk=study_fk), now)

    context.database.write(write)
    return len(found)


def open_kept(context: Context, principal: Principal, case_id: int) -> OpenFile:
    """What was kept of a case, as it came; the caller closes it. The access is a change row.

    Raises Missing when there is none, Busy when it is not here yet.
    """
    require(principal, Permission.QUARANTINE_READ)
    seen = scope(principal, Permission.QUARANTINE_READ)
    row = context.database.read(lambda connection: exceptions.get(connection, case_id, seen))
    if row is None or not row["blob_key"]:
        raise Missing("nothing was kept of this", where="id")
    subject = row["study_instance_uid"] or row["kind"]
    context.database.write(
        lambda connection: changes.append(connection, Event.EXCEPTION_READ, subject, principal.name, {"exception": case_id})
    )
    return context.blobs.open(row["blob_key"])


def dismiss(context: Context, principal: Principal, case_id: int) -> None:
    """Take a case off the list; what was kept of it stays. Raises Missing when it is not on the list."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    now, seen = context.clock(), scope(principal, Permission.QUARANTINE_RESOLVE)

    def write(connection: Connection) -> bool:
        row = exceptions.get(connection, case_id, seen)
        return row is not None and exceptions.dismiss(connection, case_id, principal.name, now)

    if not context.database.write(write):
        raise Missing("this is not on the list", where="id", hint="somebody may have dismissed it already: load the list again")


def recover(context: Context) -> int:
    """Serve again the versions that people chose, in an index that was made anew; returns how many."""
    return context.database.write(resolving.replay)
