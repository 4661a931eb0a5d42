"""HL7 messages: each is kept before anything is done for it, and what became of it is kept before it is answered.

A message that was kept and not settled (a process was killed) is taken up again when its lease has ended. So whatever is done for
a message must bear being done twice: orders are found by their numbers, reports have UIDs made from the message's own identity.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from isocenter.dicom.worklist import BY_PLACE, checked
from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Busy, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.hl7.answers import ACCEPTED, State, Verdict
from isocenter.service.context import Context
from isocenter.store import changes, orders
from isocenter.store import hl7 as rows
from isocenter.store.hl7 import Kept
from isocenter.store.orders import Order

__all__ = ["Kept", "Order", "Page", "claim", "follow", "get", "held", "keep", "known_orders", "page",
           "patient_values", "replay", "settle"]

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages, the latest first; `next` continues before this id (None: that was all)."""

    messages: list[Kept]
    next: int | None


def keep(
    context: Context, principal: Principal, content: bytes, *, control_id: str, kind: str, patient_id: str, number: str
) -> tuple[int, Kept | None]:
    """Keep a message as it came; its id, and what was known of it when it came before. Durable on return. Raises Busy, Broken."""
    require(principal, Permission.ORDER_MANAGE)
    columns = {
        "sender": principal.name[:200], "control_id": control_id[:200], "sha256": hashlib.sha256(content).hexdigest(),
        "kind": kind[:40], "patient_id": patient_id[:64], "number": number[:64], "address": principal.address,
        "content": content,
    }  # fmt: skip
    now = context.clock()
    found, before = context.database.write(lambda connection: rows.keep(connection, columns, now, LEASE))
    if before is not None and before.state is State.RECEIVED and before.lease_until is not None and before.lease_until >= now:
        raise Busy("the same message is being worked on", kept="It is kept.", hint="Send it again in a minute.")
    return found, before


def settle(context: Context, principal: Principal, message_id: int, verdict: Verdict) -> None:
    """Note what became of a message. Durable on return."""
    done = verdict.acknowledgement == ACCEPTED
    columns = {
        "state": State.DONE if done else State.FAILED, "acknowledgement": verdict.acknowledgement, "code": verdict.code,
        "place": verdict.where, "reason": "" if done else verdict.text, "settled_at": context.clock(),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        rows.settle(connection, message_id, **columns)
        payload = {"message": message_id} if done else {"message": message_id, "code": verdict.code, "place": verdict.where}
        changes.append(connection, Event.HL7_DONE if done else Event.HL7_FAILED, str(message_id), principal.name, payload)

    context.database.write(write)


def claim(context: Context) -> tuple[Kept, bytes] | None:
    """Take a message that is to be done (again): replayed by a person, or left by a process that was killed."""
    now = context.clock()
    if not context.database.read(lambda connection: rows.is_due(connection, now)):
        return None
    return context.database.write(lambda connection: rows.claim(connection, now, LEASE))


def page(
    context: Context, principal: Principal, *, text: str = "", state: str = "", kind: str = "", limit: int,
    after: int | None = None,
) -> Page:
    """Messages, the latest first."""
    require(principal, Permission.HL7_MANAGE)
    found = context.database.read(
        lambda connection: rows.page(connection, text=text.strip(), state=state, kind=kind.strip().upper(), limit=limit + 1,
                                     before_id=after)
    )
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def get(context: Context, principal: Principal, message_id: int) -> tuple[Kept, bytes]:
    """A message as it came; that it was read is a change row. Raises Missing."""
    require(principal, Permission.HL7_MANAGE)
    found = context.database.read(lambda connection: rows.get(connection, message_id))
    if found is None:
        raise _missing()
    context.database.write(
        lambda connection: changes.append(connection, Event.HL7_READ, str(message_id), principal.name, {"message": message_id})
    )
    return found


def replay(context: Context, principal: Principal, message_id: int) -> None:
    """Have a message done once more, by the worker. Raises Missing, Busy."""
    require(principal, Permission.HL7_MANAGE)

    def write(connection: Connection) -> None:
        if rows.get(connection, message_id) is None:
            raise _missing()
        if not rows.ask_again(connection, message_id, context.clock()):
            raise Busy("it is being worked on", hint="Look again in a minute.")
        changes.append(connection, Event.HL7_REPLAYED, str(message_id), principal.name, {"message": message_id})

    context.database.write(write)


def _missing() -> Missing:
    return Missing("there is no such message", where="id")


# ---- what messages are about


_NUMBERS = ("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest")


def known_orders(context: Context, principal: Principal, facts: Mapping[str, Any]) -> list[Order]:
    """The orders that a message means: by study, else by placer's, filler's or accession number.

    None that is another patient's or requested procedure's, or has other numbers of placer and filler, if the message names them.
    """
    require(principal, Permission.ORDER_READ)
    return context.database.read(lambda connection: _known(connection, facts))


def _known(connection: Connection, facts: Mapping[str, Any]) -> list[Order]:
    study = str(facts.get("StudyInstanceUID", ""))
    if study and (of_study := orders.of_study(connection, study)):
        return [of_study]
    for keyword in (*_NUMBERS, "AccessionNumber"):
        value = str(facts.get(keyword, ""))
        if not value:
            continue
        ids = rows.orders_of(connection, BY_PLACE[(), keyword].column, value)
        found = [order for number in ids if (order := orders.get(connection, number)) and _fits(order, facts)]
        if found:
            return found
    return []


def _fits(order: Order, facts: Mapping[str, Any]) -> bool:
    for keyword in ("PatientID", "RequestedProcedureID", *_NUMBERS):
        said, known = str(facts.get(keyword, "")), order.values[BY_PLACE[(), keyword].column]
        if said and known and said != known:
            return False
    return True


def follow(
    context: Context, principal: Principal, facts: Mapping[str, Any], identity: tuple[str, str], prior: tuple[str, str] | None
) -> int:
    """Open orders of a patient get the patient's data as they are now; prior: and those under this ID and issuer. How many.

    What a modality has begun keeps its images; the order follows, so that what is still to be done is right. Raises Invalid.
    """
    require(principal, Permission.ORDER_MANAGE)
    values = {}
    for keyword, text in facts.items():
        key = BY_PLACE[(), keyword]
        try:
            values[key.column] = checked(key, str(text))
        except ValueError as error:
            raise Invalid(str(error), where=keyword) from None
    now = context.clock()

    def write(connection: Connection) -> int:
        found = {number: study for each in (identity, prior) if each
                 for number, study in rows.open_orders_of_patient(connection, *each)}
        if found:
            rows.set_patient(connection, sorted(found), values, now)
        for number, study in found.items():
            payload = {"study": study, "order": number, "changed": sorted(facts)}
            changes.append(connection, Event.ORDER_UPDATED, study, principal.name, payload)
        return len(found)

    return context.database.write(write)


def held(context: Context, principal: Principal, *, study_uid: str = "", accession: str = "", patient_id: str = "") -> Any:
    """The attributes by keyword of a study that is here, or of the only one of an accession number; None when there is none."""
    require(principal, Permission.STUDY_QUERY)
    if not study_uid and not (accession and patient_id):
        return None
    return context.database.read(
        lambda connection: rows.held(connection, study_uid=study_uid, accession=accession, patient_id=patient_id)
    )


def patient_values(context: Context, principal: Principal, patient_id: str, issuer: str) -> dict[str, str]:
    """What the archive knows of a patient, by keyword; nothing when there is no study."""
    require(principal, Permission.STUDY_QUERY)
    return context.database.read(lambda connection: rows.patient_values(connection, patient_id, issuer))
