"""The worker's notes of the head of the change log, outside: one every `audit_anchor_every_hours`, by one worker of all."""

import logging
import threading
from contextlib import suppress
from datetime import timedelta
from functools import partial

from isocenter.domain.errors import IsocenterError
from isocenter.service import auditing
from isocenter.service.context import Context
from isocenter.store import audit

log = logging.getLogger(__name__)

LOOK = 20.0  # seconds between two looks whether one is due
LEASE = timedelta(minutes=10)  # of a worker that has died; after one that failed, until the next try


def run(context: Context, stop: threading.Event) -> None:
    """Note the head when it is time until `stop` is set."""
    settings = context.settings
    while (settings.anchor_places or settings.audit_syslog is not None) and not stop.is_set():
        try:
            once(context)
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # the lease ends, and the next round may do better
            log.exception("the head of the change log was not noted")
        stop.wait(LOOK)


def once(context: Context) -> bool:
    """Note the head if it is time and nobody else does; whether it was noted. A place that is away is tried again."""
    name, now, database = auditing.FOLLOWER, context.clock(), context.database
    period = timedelta(hours=context.settings.audit_anchor_every_hours)
    known = database.read(partial(audit.relay, collector=name))
    if known is not None and known.told_at is not None and known.failing_since is None and now - known.told_at < period:
        return False
    claimed = database.write(partial(audit.claim, collector=name, begin_after=0, now=now, until=now + LEASE))
    if claimed is None:
        return False
    try:
        seq = auditing.note(context)
        done = {"cursor": seq, "told_at": now, "failing_since": None, "last_reason": "", "lease_until": None}
    except IsocenterError as error:
        log.error("the head of the change log was not noted", extra={"facts": {"reason": error.message}})
        done = {"failing_since": claimed.failing_since or now, "last_reason": error.message}  # tried again when the lease ends
    with suppress(IsocenterError):
        database.write(partial(audit.told, collector=name, lease=now + LEASE, columns=done))
    return "cursor" in done
