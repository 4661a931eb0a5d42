"""What somebody was to be told and was not, told once more: by the fingerprint of its case on the exceptions list.

    offered   what would be done, None when it cannot be (any more)          again   do it; the worker follows soon
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from isocenter.dicom import uid
from isocenter.domain.events import Event
from isocenter.store import availability, commitment, commitment_requests, imaging, peers, webhooks

ASK = "commitment request "
REPORT = "commitment report "
AVAILABLE = "notification "
WEBHOOK = "webhook "


def offered(connection: Connection, fingerprint: str) -> str | None:
    """In a sentence."""
    if fingerprint.startswith(ASK):
        found = commitment_requests.get(connection, int(fingerprint.removeprefix(ASK)))
        if found is not None and found.state not in commitment_requests.OPEN:
            return f"Ask {found.peer_aet} once more whether it keeps them."
    elif fingerprint.startswith(REPORT):
        aet, transaction = fingerprint.removeprefix(REPORT).rsplit(" ", 1)
        if commitment.given_up(connection, aet, transaction) is not None:
            return f"Report to {aet} once more what is kept for it."
    elif fingerprint.startswith(AVAILABLE):
        aet, study = fingerprint.removeprefix(AVAILABLE).rsplit(" ", 1)
        if peers.peer(connection, aet) is not None and imaging.locate(connection, study):
            return f"Tell {aet} now, and for another week, that the study is here."
    elif fingerprint.startswith(WEBHOOK):
        name = fingerprint.removeprefix(WEBHOOK)
        if webhooks.named(connection, name) is not None:
            return f"Send the webhook {name} what was put aside, and let it go on."
    return None


def again(connection: Connection, fingerprint: str, now: datetime) -> tuple[Event, str, Mapping[str, Any]] | None:
    """What the change log is to say of it; None when its case says enough. Call only what is offered."""
    if fingerprint.startswith(ASK):
        number, transaction = int(fingerprint.removeprefix(ASK)), uid.new_uid()
        commitment_requests.reopen(connection, number, transaction_uid=transaction, at=now)
        return Event.COMMITMENT_REQUESTED, transaction, {"request": number}
    if fingerprint.startswith(WEBHOOK):
        name = fingerprint.removeprefix(WEBHOOK)
        known = webhooks.named(connection, name)
        assert known is not None  # it is offered
        count = webhooks.ask_again(connection, known.id, None)
        webhooks.change_(connection, known.id, enabled=True, due_at=now, attempts=0, failing_since=None, until=None)
        return Event.WEBHOOK_RESENT, name, {"messages": count}
    if fingerprint.startswith(REPORT):
        aet, transaction = fingerprint.removeprefix(REPORT).rsplit(" ", 1)
        commitment.again(connection, commitment.given_up(connection, aet, transaction) or 0, now)
    elif fingerprint.startswith(AVAILABLE):
        aet, study = fingerprint.removeprefix(AVAILABLE).rsplit(" ", 1)
        availability.note(connection, aet, study, at=now, due_at=now)
    return None
