"""Emergency access: who may not see a patient opens their studies, for a reason, for a time, and others are told at once.

The patient is named by the exact ID or accession number. It is open to the one session that asked (`sessions.resume` gives that
session the rights), never to tokens, devices or links. Every begin and end is a Security Alert of the audit; every access is
listed until somebody has reviewed it.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain import emergency as rules
from isocenter.domain.access import Permission, Principal
from isocenter.domain.credentials import fingerprint
from isocenter.domain.errors import Conflict, Forbidden, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import emergency as rows
from isocenter.store.emergency import Emergency, Looked

__all__ = ["Emergency", "Looked", "Whose", "active", "begin", "end", "expire", "get", "page", "review", "to_review"]

MOST_SHOWN = 1000
LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Whose:
    """The patient wanted: by ID, and its issuer where several have issued that ID; else by accession number."""

    patient_id: str = ""
    issuer: str | None = None
    accession: str = ""


def begin(context: Context, principal: Principal, secret: str, whose: Whose, purpose: str, reason: str) -> Emergency:
    """Open a patient's studies to the session of `secret`. Durable, and told to others, on return.

    Raises Missing (no such patient; that somebody asked is in the log), Conflict (several), Invalid, Forbidden.
    """
    access.require(principal, Permission.STUDY_EMERGENCY)
    if principal.kind != "user" or principal.via != "session" or not secret:
        raise Forbidden("emergency access is for a person at the web client", where=Permission.STUDY_EMERGENCY.value,
                        kept="Nothing was opened.", hint="Log in there.")
    why = rules.why(purpose, reason)
    patient_id, accession = whose.patient_id.strip(), whose.accession.strip()
    if bool(patient_id) == bool(accession):
        raise Invalid("name the patient by ID or by accession number", where="PatientID", kept="Nothing was opened.")

    def write(connection: Connection) -> Emergency | None:
        found = rows.patients(connection, patient_id=patient_id, accession=accession)
        found = [each for each in found if whose.issuer is None or each[1] == whose.issuer.strip()]
        if len(found) != 1:
            told = {"address": principal.address, "purpose": purpose, "reason": why, "found": len(found)}
            changes.append(connection, Event.EMERGENCY_REFUSED, principal.name, principal.name, told)
            return None
        return _open(context, connection, principal, fingerprint(secret), found[0], purpose, why)

    opened = context.database.write(write)
    if opened is not None:
        return opened
    if len(rows_found := context.database.read(partial(rows.patients, patient_id=patient_id, accession=accession))) > 1:
        issuers = ", ".join(issuer or "none" for _, issuer in rows_found)
        raise Conflict("several patients are meant", where="IssuerOfPatientID", kept="Nothing was opened.",
                       hint=f"Say which issuer of the ID: {issuers}." if patient_id else "Name the patient by ID.")
    raise Missing("there is no such patient", where="PatientID" if patient_id else "AccessionNumber",
                  hint="It must be the exact number, letter by letter.")


def _open(context: Context, connection: Connection, principal: Principal, session_hash: str, whose: tuple[str, str],
          purpose: str, why: str) -> Emergency:
    now = context.clock()
    for each in rows.active(connection, session_hash, now):
        if (each.patient_id, each.issuer_of_patient_id) == whose:
            raise Conflict("it is open already", where="PatientID", hint=f"Until {each.until:%H:%M} UTC.")
    made = rows.add(
        connection, at=now, until=now + timedelta(minutes=context.settings.emergency_minutes), account=principal.name,
        address=principal.address, session_hash=session_hash, patient_id=whose[0], issuer_of_patient_id=whose[1],
        purpose=purpose, reason=why,
    )  # fmt: skip
    told = {"emergency": made.id, "study": rows.newest_study(connection, *whose), "address": principal.address,
            "purpose": purpose, "reason": why, "until": made.until.isoformat()}  # fmt: skip
    changes.append(connection, Event.EMERGENCY_STARTED, principal.name, principal.name, told)
    return made


def active(context: Context, principal: Principal, secret: str) -> list[Emergency]:
    """What is open to the session of `secret` now."""
    if principal.via != "session" or not secret or not access.allow(principal, Permission.STUDY_EMERGENCY):
        return []
    return context.database.read(partial(rows.active, session_hash=fingerprint(secret), now=context.clock()))


def end(context: Context, principal: Principal, number: int) -> None:
    """Close it now: one's own, or anybody's for who reviews. Raises Missing, also for somebody else's, and when it has ended."""
    if principal.kind not in ("user", "system"):
        raise Forbidden("emergency access is a person's", hint="Log in at the web client.")
    anybodys = access.allow(principal, Permission.EMERGENCY_REVIEW)

    def write(connection: Connection) -> bool:
        found = rows.get(connection, number)
        if found is None or not (anybodys or found.account == principal.name):
            return False
        return _end(context, connection, found, principal.name)

    if not context.database.write(write):
        raise Missing("there is no such access, or it has ended", where="id")


def _end(context: Context, connection: Connection, found: Emergency, by: str) -> bool:
    now = context.clock()
    if not rows.end(connection, found.id, by, min(now, found.until)):
        return False
    told = {"emergency": found.id, "study": rows.newest_study(connection, found.patient_id, found.issuer_of_patient_id),
            "why": "closed" if by else "the time was over"}  # fmt: skip
    changes.append(connection, Event.EMERGENCY_ENDED, found.account, by or found.account, told)
    return True


def expire(context: Context) -> int:
    """The worker's: write the end of those whose time is over, which nobody may use any more since. Returns how many."""
    now = context.clock()
    if not context.database.read(partial(rows.over, now=now)):
        return 0
    return context.database.write(
        lambda connection: sum(_end(context, connection, each, "") for each in rows.over(connection, now))
    )


# ---- for who reviews


def page(context: Context, principal: Principal, *, limit: int = 100, before: int | None = None) -> list[Emergency]:
    """All accesses, newest first. Raises Forbidden."""
    access.require(principal, Permission.EMERGENCY_REVIEW)
    return context.database.read(partial(rows.page, limit=limit, before=before))


def get(context: Context, principal: Principal, number: int) -> tuple[Emergency, list[Looked]]:
    """One, and what was then done with the patient's studies, at most 1,000 things. Raises Missing, Forbidden."""
    access.require(principal, Permission.EMERGENCY_REVIEW)

    def read(connection: Connection) -> tuple[Emergency, list[Looked]] | None:
        found = rows.get(connection, number)
        return None if found is None else (found, rows.looked(connection, found, MOST_SHOWN))

    told = context.database.read(read)
    if told is None:
        raise Missing("there is no such access", where="id")
    return told


def review(context: Context, principal: Principal, number: int, note: str) -> None:
    """Say that somebody has looked into it. Nobody reviews their own. Raises Missing, Conflict, Forbidden, Invalid."""
    access.require(principal, Permission.EMERGENCY_REVIEW)
    text = " ".join(note.split())
    if len(text) > LONGEST_NOTE:
        raise Invalid(f"a note has at most {LONGEST_NOTE:,} characters", where="note")

    def write(connection: Connection) -> None:
        found = rows.get(connection, number)
        if found is None:
            raise Missing("there is no such access", where="id")
        if found.account == principal.name:
            raise Forbidden("nobody reviews their own emergency access", where="id", hint="Ask another administrator.")
        if not rows.review(connection, number, principal.name, text, context.clock()):
            raise Conflict("it has been reviewed already", where="id")
        changes.append(connection, Event.EMERGENCY_REVIEWED, found.account, principal.name, {"emergency": number, "note": text})

    context.database.write(write)


def to_review(context: Context, principal: Principal) -> int:
    """How many wait for a review; 0 for who does not review."""
    return context.database.read(rows.to_review) if access.allow(principal, Permission.EMERGENCY_REVIEW) else 0
