"""The worker's rounds: series that have gone quiet get their metadata document, and what has expired is swept away.

Timers are rows: a worker that is killed loses its lease, and the next one goes on. Idle, a round is one indexed read.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter import metrics
from isocenter.domain import credentials
from isocenter.domain.errors import Away, Busy, IsocenterError, Missing
from isocenter.service import integrity, retrieve
from isocenter.service.context import Context
from isocenter.store import accounts, dirty, viewing_copies
from isocenter.store.dirty import Claimed

log = logging.getLogger(__name__)

# Between two looks for series that are due. A viewer that comes earlier builds the document itself.
ROUND = 0.5
# When there was nothing for a while, looks become rarer, up to this (seconds).
SLOWEST_ROUND = 5.0
# Series of one claim: small, so that another worker finds something too.
CLAIMED = 16
# Nobody needs longer for 16 series; a worker that died gives them free after this.
LEASE = timedelta(minutes=5)
# A document that cannot be built is tried again after so many minutes, at most; the viewer is told why meanwhile.
RETRIES = (1, 5, 30, 240)
# What will be possible soon is tried again then.
SOON = timedelta(seconds=5)
HOUSEKEEPING = timedelta(minutes=10)


@dataclass(slots=True)
class _Pace:
    """How long to wait for the next round."""

    seconds: float = ROUND

    def after(self, did_something: bool) -> float:
        """Nothing to do makes the rounds rarer, work makes them quick again."""
        self.seconds = ROUND if did_something else min(SLOWEST_ROUND, self.seconds * 1.2)
        return 0.0 if did_something else self.seconds


def run(context: Context, stop: threading.Event) -> None:
    """Make rounds until `stop` is set; what has begun is finished. A database that is away is waited for."""
    pace = _Pace()
    swept = None
    while not stop.is_set():
        did_something = False
        try:
            did_something = build_due(context, stop) > 0
            now = context.clock()
            if swept is None or now - swept >= HOUSEKEEPING:
                keep_house(context)
                swept = now
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        stop.wait(pace.after(did_something))


def build_due(context: Context, stop: threading.Event) -> int:
    """Build the documents of series that are due. Returns how many series were worked on."""
    now = context.clock()
    if not context.database.read(partial(dirty.is_due, now=now)):
        return 0
    claimed = context.database.write(partial(dirty.claim, now=now, limit=CLAIMED, lease=LEASE))
    for series in claimed:
        if stop.is_set():
            break  # the lease gives the others free
        _build(context, series)
    return len(claimed)


def _build(context: Context, claimed: Claimed) -> None:
    finished: Callable[..., object] = partial(dirty.done, claimed=claimed)
    try:
        retrieve.build_series_document(context, claimed.study_instance_uid, claimed.series_instance_uid)
        metrics.series_document("built")
        finished = partial(_quiet, context, claimed=claimed)
    except Missing:
        pass  # the series is gone, and its row with it
    except (Away, Busy) as error:  # the object store, or what another node has not copied into it yet
        finished = partial(dirty.failed, claimed=claimed, again_at=context.clock() + SOON)
        log.info("a series document waits", extra={"facts": {"series": claimed.series_instance_uid, "kind": error.kind.value}})
    except Exception as error:
        metrics.series_document("failed")
        minutes = RETRIES[min(claimed.attempts, len(RETRIES)) - 1]
        finished = partial(dirty.failed, claimed=claimed, again_at=context.clock() + timedelta(minutes=minutes))
        facts = {"series": claimed.series_instance_uid, "attempts": claimed.attempts, "again_in_min": minutes}
        log.exception("a series document could not be built", extra={"facts": facts})
        if not isinstance(error, (IsocenterError, OSError, ValueError)):
            context.database.write(finished)
            raise
    context.database.write(finished)


def _quiet(context: Context, connection: Connection, claimed: Claimed) -> None:
    """The series is quiet: its copies for viewing come next, in the same transaction, so that no crash forgets them."""
    modalities = context.settings.htj2k_modalities
    if dirty.done(connection, claimed) and modalities != ():
        viewing_copies.plan(connection, claimed.series_id, modalities, context.clock())


def keep_house(context: Context) -> None:
    """Sessions that have ended, failed logins that delay nobody any more, and what dead processes left in incoming/."""
    now, settings = context.clock(), context.settings
    idle, oldest = now - timedelta(minutes=settings.session_idle_minutes), now - timedelta(hours=settings.session_max_hours)
    forgotten = now - timedelta(seconds=credentials.FORGET_AFTER_SECONDS)
    swept = {
        "sessions": context.database.write(partial(accounts.drop_idle_sessions, seen_before=idle, created_before=oldest)),
        "login_attempts": context.database.write(partial(accounts.drop_old_attempts, last_before=forgotten)),
        "incoming": integrity.leftovers(context),
    }
    if any(swept.values()):
        log.info("swept", extra={"facts": swept})
