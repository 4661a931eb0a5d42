"""The worker's rounds over all files, and its copies into the second storage: at low priority, at a set rate."""

import logging
import threading

from isocenter.domain.errors import IsocenterError
from isocenter.service import scrubbing
from isocenter.service.context import Context
from isocenter.store.replica import Replica, replica

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks whether something is due


def run(context: Context, stop: threading.Event) -> None:
    """Make rounds until `stop` is set; what has begun is finished. A database or storage that is away is waited for."""
    second: Replica | None = None
    announced = told = False
    while not stop.is_set():
        pause = LOOK
        try:
            if second is None:
                second, told = _second(context, told)
                announced = announced and second is None
            if not announced:
                scrubbing.announce(context, second.place if second is not None else "")
                announced = True
            if _round(context, second):
                pause = 0.0
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # the lease ends, and the next round may do better
            log.exception("a round over the files failed")
        stop.wait(pause)


def _round(context: Context, second: Replica | None) -> bool:
    did = second is not None and scrubbing.replicate(context, second)
    return (context.settings.scrub_rate > 0 and scrubbing.step(context, second)) or did


def _second(context: Context, told: bool) -> tuple[Replica | None, bool]:
    """The second storage; None when there is none, or not now: then it is told once."""
    try:
        return replica(context.settings), False
    except IsocenterError as error:
        if not told:
            log.error("the second storage cannot be used", extra={"facts": {"reason": error.message}})
        return None, True
