"""The worker's rounds over series whose copies for viewing are to be made: at low priority, one series at a time."""

import logging
import os
import threading
from datetime import timedelta
from functools import partial

from isocenter.domain.errors import IsocenterError
from isocenter.service import viewing_copies
from isocenter.service.context import Context
from isocenter.store import dirty
from isocenter.store.dirty import Claimed
from isocenter.store.schema import series_copy_due

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds). Nobody waits for a copy: until it is there the original is served.
ROUND = 2.0
# A worker that died gives its series free after this; one that lives renews it.
LEASE = timedelta(minutes=5)
RETRIES = (1, 5, 30, 240)  # minutes
TRIMMED = timedelta(minutes=10)  # between two looks at what all copies take
NICE = 15


def run(context: Context, stop: threading.Event) -> None:
    """Make rounds until `stop` is set; what has begun is finished or given back. A database that is away is waited for."""
    _be_nice()
    trimmed = None
    while not stop.is_set():
        did_something = False
        try:
            did_something = make_due(context, stop)
            now = context.clock()
            if trimmed is None or now - trimmed >= TRIMMED:
                viewing_copies.trim(context, stop.is_set)
                trimmed = now
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("copies for viewing could not be made")
        if not did_something:
            stop.wait(ROUND)


def _be_nice() -> None:
    """On Linux priorities belong to threads: encoding takes what the others leave."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    except OSError:
        log.info("copies are made at normal priority")


def make_due(context: Context, stop: threading.Event) -> bool:
    """Make the copies of one series that is due. False: there was none."""
    now = context.clock()
    if not context.database.read(partial(dirty.is_due, now=now, queue=series_copy_due)):
        return False
    claimed = context.database.write(partial(dirty.claim, now=now, limit=1, lease=LEASE, queue=series_copy_due))
    for series in claimed:
        _make(context, series, stop)
    return bool(claimed)


def _make(context: Context, claimed: Claimed, stop: threading.Event) -> None:
    lease = _Lease(context, claimed, stop)
    try:
        viewing_copies.make(context, claimed.series_id, lease.holds)
    except IsocenterError as error:
        minutes = RETRIES[min(claimed.attempts, len(RETRIES)) - 1]
        again = context.clock() + timedelta(minutes=minutes)
        context.database.write(partial(dirty.failed, claimed=claimed, again_at=again, queue=series_copy_due))
        facts = {"kind": error.kind.value, "attempts": claimed.attempts, "again_in_min": minutes}
        log.warning("copies for viewing could not be made", extra={"facts": facts})
        return
    if stop.is_set():
        now = context.clock()
        context.database.write(partial(dirty.failed, claimed=claimed, again_at=now, queue=series_copy_due))
    elif lease.held:
        context.database.write(partial(dirty.done, claimed=claimed, queue=series_copy_due))


class _Lease:
    """Asked after each frame whether to go on; renews itself when a third of it is over."""

    def __init__(self, context: Context, claimed: Claimed, stop: threading.Event) -> None:
        self.held = True
        self._context = context
        self._claimed = claimed
        self._stop = stop
        self._renewed = context.clock()

    def holds(self) -> bool:
        """False: the process is to end, or somebody else has the series now."""
        if self._stop.is_set() or not self.held:
            return False
        now = self._context.clock()
        if now - self._renewed > LEASE / 3:
            self.held = self._context.database.write(
                partial(dirty.renew, claimed=self._claimed, until=now + LEASE, queue=series_copy_due)
            )
            self._renewed = now
        return self.held
