"""The worker's third round: what people (or a miss) asked to have from other archives is fetched, several at a time.

A worker that is killed loses its lease, and the next one fetches anew: what had come is recognised when it comes again.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from isocenter.dimse import querying, status
from isocenter.dimse.querying import Progress, Retrieved, Wanted
from isocenter.dimse.status import Category
from isocenter.domain.access import Principal
from isocenter.domain.errors import IsocenterError
from isocenter.domain.retrieval import Tally, Verdict, broke_off, ended
from isocenter.service import remote
from isocenter.service.context import Context
from isocenter.service.remote import Retrieval
from isocenter.store.peers import Peer

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds): a person has just clicked and watches.
ROUND = 1.0
# At once: an archive that is slow, or away, holds up one of them.
AT_ONCE = 4
# Between two writes of how far it is (seconds); what is told more often than people look costs commits.
TOLD_EVERY = 0.5
HOW: Mapping[str, str] = {"get": "C-GET", "move": "C-MOVE"}
HOUSEKEEPING = timedelta(hours=1).total_seconds()


def run(context: Context, stop: threading.Event) -> None:
    """Fetch until `stop` is set; what is under way then is begun anew by the next worker. Waits for a database that is away."""
    working: list[threading.Thread] = []
    swept = 0.0
    while not stop.is_set():
        working = [each for each in working if each.is_alive()]
        try:
            if len(working) < AT_ONCE and remote.is_due(context):
                working.append(threading.Thread(target=_one, args=(context, stop), name="retrieval", daemon=True))
                working[-1].start()
            if time.monotonic() - swept >= HOUSEKEEPING:
                remote.forget(context)
                swept = time.monotonic()
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        stop.wait(ROUND)
    for each in working:
        each.join()


def _one(context: Context, stop: threading.Event) -> None:
    """Fetch what is due until nothing is."""
    try:
        while not stop.is_set() and fetch_due(context, stop):
            pass
    except IsocenterError as error:
        log.warning("a retrieval was left to its lease", extra={"facts": {"kind": error.kind.value}})
    except Exception:  # its lease ends, and then it is tried again
        log.exception("a retrieval failed")


def fetch_due(context: Context, stop: threading.Event) -> bool:
    """Fetch one study that is due. False: there was none."""

    def obtain(asked: Retrieval, peer: Peer, principal: Principal, told: remote.Progress) -> tuple[str, Tally, Verdict]:
        following = _Following(told, stop)
        wanted = [Wanted(asked.study_instance_uid, asked.series_instance_uid)]
        got = querying.retrieve(
            context, principal, peer, wanted, on_progress=following.on_progress, cancelled=following.cancelled
        )
        return HOW[got.how], *_verdict(got, following, asked.attempts)

    return remote.work(context, obtain)


def _verdict(got: Retrieved, following: "_Following", attempts: int) -> tuple[Tally, Verdict]:
    tally = Tally(0, got.completed, got.failed, got.warning)
    if following.is_over:
        return replace(tally, remaining=following.tally.remaining), ended(tally, cancelled=True)
    if got.status == status.CANCEL:  # this worker is to stop; another goes on
        return tally, broke_off("", attempts=0, worth_another=True)
    if status.describe(got.status).category is Category.FAILURE:
        return tally, broke_off(f"{got.reason[:1].upper()}{got.reason[1:]} ({got.status:04X}H).", attempts, worth_another=False)
    return tally, ended(tally, cancelled=False)


class _Following:
    """How far it is, written now and then; and whether it is to end, read as often."""

    def __init__(self, told: remote.Progress, stop: threading.Event) -> None:
        self.tally = Tally()
        self.is_over = False
        self._told, self._stop, self._at = told, stop, 0.0

    def on_progress(self, progress: Progress) -> None:
        """Sub-operations so far."""
        self.tally = Tally(progress.remaining or 0, progress.completed, progress.failed, progress.warning)
        self._tell()

    def cancelled(self) -> bool:
        """Whether a person does not want it any more, or the worker is to stop."""
        self._tell()
        return self.is_over or self._stop.is_set()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._at >= TOLD_EVERY:
            self._at = now
            self.is_over = self._told(self.tally) or self.is_over
