"""The change log as its readers may see it: the live feed of the web client, and what administrators look through."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isocenter.domain import feed
from isocenter.domain.access import Everything, Permission, Principal, allow, require, scope
from isocenter.domain.errors import Invalid
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import visible as studies_seen
from isocenter.store.changes import Change

__all__ = ["Change", "Feed", "kinds_of", "latest", "page", "recent", "study_of", "visible"]

AT_ONCE = 1000  # changes of one look
LONGEST_LOOK = 20_000  # of one call: some tenths of a second

# Who learns of what. Logins, accounts, and who looked at which study are for those who may read the log itself.
SEEN_WITH: Mapping[Event, Permission] = MappingProxyType(
    {
        Event.ACCOUNT_CREATED: Permission.CHANGE_READ,
        Event.ACCOUNT_UPDATED: Permission.CHANGE_READ,
        Event.ANNOTATION_SAVED: Permission.CHANGE_READ,
        Event.APPLICATION_STARTED: Permission.CHANGE_READ,
        Event.APPLICATION_STOPPED: Permission.CHANGE_READ,
        Event.AUDIT_ANCHORED: Permission.CHANGE_READ,
        Event.AUDIT_READ: Permission.CHANGE_READ,
        Event.BACKUP_MADE: Permission.CHANGE_READ,
        Event.BACKUP_RESTORED: Permission.CHANGE_READ,
        Event.COMMITMENT_ANSWERED: Permission.QUARANTINE_READ,
        Event.COMMITMENT_REQUESTED: Permission.QUARANTINE_READ,
        Event.CORRECTION_MADE: Permission.STUDY_QUERY,
        Event.CORRECTION_UNDONE: Permission.STUDY_QUERY,
        Event.DELIVERY_BEGUN: Permission.DELIVERY_MANAGE,
        Event.DELIVERY_CANCELLED: Permission.DELIVERY_MANAGE,
        Event.DELIVERY_FAILED: Permission.DELIVERY_MANAGE,
        Event.DELIVERY_REQUESTED: Permission.DELIVERY_MANAGE,
        Event.DELIVERY_RESENT: Permission.DELIVERY_MANAGE,
        Event.DELIVERY_SENT: Permission.DELIVERY_MANAGE,
        Event.DESTINATION_CREATED: Permission.CHANGE_READ,
        Event.DESTINATION_REMOVED: Permission.CHANGE_READ,
        Event.DESTINATION_UPDATED: Permission.CHANGE_READ,
        Event.EMERGENCY_ENDED: Permission.EMERGENCY_REVIEW,
        Event.EMERGENCY_REFUSED: Permission.EMERGENCY_REVIEW,
        Event.EMERGENCY_REVIEWED: Permission.EMERGENCY_REVIEW,
        Event.EMERGENCY_STARTED: Permission.EMERGENCY_REVIEW,
        Event.EXCEPTION_DISMISSED: Permission.QUARANTINE_READ,
        Event.EXCEPTION_READ: Permission.CHANGE_READ,
        Event.FILE_DAMAGED: Permission.CHANGE_READ,
        Event.ENCRYPTION_RENEWED: Permission.CHANGE_READ,
        Event.FILE_REPAIRED: Permission.CHANGE_READ,
        Event.HANGING_PUBLISHED: Permission.CHANGE_READ,
        Event.HANGING_RECEIVED: Permission.CHANGE_READ,
        Event.HANGING_WITHDRAWN: Permission.CHANGE_READ,
        Event.HL7_DONE: Permission.HL7_MANAGE,
        Event.HL7_FAILED: Permission.HL7_MANAGE,
        Event.HL7_READ: Permission.CHANGE_READ,
        Event.HL7_REPLAYED: Permission.HL7_MANAGE,
        Event.HOLD_RELEASED: Permission.REJECTED_READ,
        Event.HOLD_SET: Permission.REJECTED_READ,
        Event.IMAGES_SEEN: Permission.CHANGE_READ,
        Event.INDEX_FILLED_AGAIN: Permission.CHANGE_READ,
        Event.INSTANCE_DELETED: Permission.REJECTED_READ,
        Event.INSTANCE_QUARANTINED: Permission.QUARANTINE_READ,
        Event.INSTANCE_REFUSED: Permission.QUARANTINE_READ,
        Event.INSTANCE_REJECTED: Permission.STUDY_QUERY,
        Event.INSTANCE_RESTORED: Permission.STUDY_QUERY,
        Event.INSTANCE_STORED: Permission.STUDY_QUERY,
        Event.INSTANCE_VERSION: Permission.QUARANTINE_READ,
        Event.LOGIN_FAILED: Permission.CHANGE_READ,
        Event.ORDER_CREATED: Permission.ORDER_READ,
        Event.ORDER_READ: Permission.CHANGE_READ,
        Event.ORDER_REMOVED: Permission.ORDER_READ,
        Event.ORDER_SEARCHED: Permission.CHANGE_READ,
        Event.ORDER_UPDATED: Permission.ORDER_READ,
        Event.PATIENT_CONFLICT: Permission.QUARANTINE_READ,
        Event.PEER_CREATED: Permission.CHANGE_READ,
        Event.PEER_REMOVED: Permission.CHANGE_READ,
        Event.PEER_UPDATED: Permission.CHANGE_READ,
        Event.PROCEDURE_COMPLETED: Permission.ORDER_READ,
        Event.PROCEDURE_DISCONTINUED: Permission.ORDER_READ,
        Event.PROCEDURE_STARTED: Permission.ORDER_READ,
        Event.PROJECT_CREATED: Permission.CHANGE_READ,
        Event.PROJECT_UPDATED: Permission.CHANGE_READ,
        Event.RECEIVED_ACCEPTED: Permission.QUARANTINE_READ,
        Event.RECEIVED_READ: Permission.CHANGE_READ,
        Event.RECEIVED_REFUSED: Permission.QUARANTINE_READ,
        Event.REJECTION_MARKED: Permission.REJECTED_READ,
        Event.REJECTION_UNMARKED: Permission.REJECTED_READ,
        Event.REMOTE_SEARCHED: Permission.CHANGE_READ,
        Event.RETRIEVAL_ASKED: Permission.REMOTE_RETRIEVE,
        Event.RETRIEVAL_CANCELLED: Permission.REMOTE_RETRIEVE,
        Event.RETRIEVAL_ENDED: Permission.REMOTE_RETRIEVE,
        Event.ROUTE_CREATED: Permission.CHANGE_READ,
        Event.ROUTE_REMOVED: Permission.CHANGE_READ,
        Event.ROUTE_UPDATED: Permission.CHANGE_READ,
        Event.PATIENT_LIST_CHANGED: Permission.USER_MANAGE,
        Event.SENSITIVE_RELEASED: Permission.CHANGE_READ,
        Event.SENSITIVE_SET: Permission.CHANGE_READ,
        Event.SESSION_BEGUN: Permission.CHANGE_READ,
        Event.SESSION_ENDED: Permission.CHANGE_READ,
        Event.SHARE_CLOSED: Permission.CHANGE_READ,
        Event.SHARE_CREATED: Permission.CHANGE_READ,
        Event.SHARE_OPENED: Permission.CHANGE_READ,
        Event.SHARE_REFUSED: Permission.CHANGE_READ,
        Event.SHARE_UPDATED: Permission.CHANGE_READ,
        Event.SHARE_WITHDRAWN: Permission.CHANGE_READ,
        Event.STUDY_CREATED: Permission.STUDY_QUERY,
        Event.STUDY_DELETED: Permission.REJECTED_READ,
        Event.STUDY_EXPORTED: Permission.CHANGE_READ,
        Event.STUDY_NOTIFIED: Permission.CHANGE_READ,
        Event.STUDY_READ: Permission.CHANGE_READ,
        Event.STUDY_SEARCHED: Permission.CHANGE_READ,
        Event.STUDY_SENT: Permission.CHANGE_READ,
        Event.STUDY_SPLIT: Permission.STUDY_QUERY,
        Event.STUDY_UNSPLIT: Permission.STUDY_QUERY,
        Event.TOKEN_CREATED: Permission.CHANGE_READ,
        Event.TOKEN_REVOKED: Permission.CHANGE_READ,
        Event.UPLOADS_FORGOTTEN: Permission.CHANGE_READ,
        Event.UPS_CANCEL_REQUESTED: Permission.UPS_READ,
        Event.UPS_CHANGED_STATE: Permission.UPS_READ,
        Event.UPS_CREATED: Permission.UPS_READ,
        Event.UPS_READ: Permission.CHANGE_READ,
        Event.UPS_REMOVED: Permission.UPS_READ,
        Event.UPS_REPORT_DROPPED: Permission.QUARANTINE_READ,
        Event.UPS_SEARCHED: Permission.CHANGE_READ,
        Event.UPS_SUBSCRIBED: Permission.UPS_READ,
        Event.UPS_UNSUBSCRIBED: Permission.UPS_READ,
        Event.UPS_UPDATED: Permission.UPS_READ,
        Event.UPS_WATCHED: Permission.CHANGE_READ,
        Event.VERSION_CHOSEN: Permission.STUDY_QUERY,
        Event.WEBHOOK_CREATED: Permission.CHANGE_READ,
        Event.WEBHOOK_FAILED: Permission.WEBHOOK_MANAGE,
        Event.WEBHOOK_REMOVED: Permission.CHANGE_READ,
        Event.WEBHOOK_RESENT: Permission.WEBHOOK_MANAGE,
        Event.WEBHOOK_STOPPED: Permission.WEBHOOK_MANAGE,
        Event.WEBHOOK_UPDATED: Permission.CHANGE_READ,
    }
)
_BY_KIND: Mapping[str, Permission] = {event.value: permission for event, permission in SEEN_WITH.items()}


def latest(context: Context) -> int:
    """The number of the newest change: an index look-up, cheap enough to be asked twice a second."""
    return context.database.read(changes.latest)


def recent(context: Context, seq: int, limit: int) -> list[Change]:
    """The changes after `seq`, unfiltered: for the poller, which shows each listener what `visible` leaves.

    They are durable: whoever remembers a number must not find it given to something else after a power cut.
    """
    found = context.database.read(lambda connection: changes.since(connection, seq, limit))
    if found:
        context.database.secure()
    return found


@dataclass(frozen=True, slots=True)
class Feed:
    """Some changes, oldest first. cursor: the number after which to go on; more: whether something is there now."""

    changes: list[Change]
    cursor: int
    more: bool


def kinds_of(text: str) -> frozenset[str]:
    """The kinds that a list with commas means, patterns as study.* among them; all without any. Raises Invalid."""
    try:
        return frozenset(event.value for event in feed.kinds(text.split(",")))
    except feed.InvalidKinds as error:
        raise Invalid(str(error), where="kind") from None


def page(context: Context, principal: Principal, seq: int, limit: int, kinds: str = "") -> Feed:
    """The changes after `seq` that the principal may learn of, at most `limit`: the same as often as it is asked.

    What is left out is passed over at most LONGEST_LOOK at a time, so there may be none and more. Raises Invalid.
    """
    require(principal, Permission.STUDY_QUERY)
    wanted, shown, cursor = kinds_of(kinds), list[Change](), seq
    for _ in range(LONGEST_LOOK // AT_ONCE):
        found = recent(context, cursor, AT_ONCE)
        for change in visible(context, principal, [each for each in found if each.kind in wanted]):
            if len(shown) == limit:
                return Feed(shown, shown[-1].seq, True)
            shown.append(change)
        cursor = found[-1].seq if found else cursor
        if len(found) < AT_ONCE:
            return Feed(shown, cursor, False)
    return Feed(shown, cursor, True)


def study_of(change: Change) -> str:
    """The Study Instance UID a change is about, or ""."""
    return changes.study_of(change.kind, change.subject, change.payload)


def visible(context: Context, principal: Principal, found: list[Change]) -> list[Change]:
    """Those of the changes that the principal may learn of: by kind, then by the scope of its studies. May ask the database."""
    seen = [change for change in found if allow(principal, _BY_KIND.get(change.kind, Permission.CHANGE_READ))]
    limits = scope(principal, Permission.STUDY_QUERY)
    if limits == Everything() or not seen:
        return seen
    studies = {study_of(change) for change in seen}
    permitted = context.database.read(lambda connection: studies_seen.permitted(connection, limits, studies))
    return [change for change in seen if study_of(change) in permitted]
