"""The worker's round for Unified Procedure Steps: subscribers are told, and steps whose time is over are removed."""

import logging
import threading
import time
from collections.abc import Callable

from isocenter.dimse import ups_reports as dimse
from isocenter.domain.errors import Busy, IsocenterError
from isocenter.service import peers, ups_channels, ups_reports
from isocenter.service.context import Context
from isocenter.service.ups_reports import Batch, Waiting

log = logging.getLogger(__name__)

ROUND = 1.0  # between two looks when nothing is due (seconds): people watch a work list
REMOVAL = 600.0  # between two looks for what can be removed (seconds)


def run(context: Context, stop: threading.Event) -> None:
    """Tell until `stop` is set; what has begun is finished. A database that is away is waited for."""
    removed_at = -REMOVAL
    while not stop.is_set():
        try:
            if time.monotonic() - removed_at >= REMOVAL and not _removed(context):
                removed_at = time.monotonic()
            if report_due(context):
                continue
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("a report failed")
        stop.wait(ROUND)


def _removed(context: Context) -> bool:
    """Remove a lot of what is over; whether there may be more."""
    return bool(ups_reports.remove_ended(context) + ups_channels.forget(context))


def report_due(context: Context) -> bool:
    """Tell one subscriber what waits for it. False: nothing was due."""
    if not ups_reports.is_due(context):
        return False

    def tell(batch: Batch, told: Callable[[Waiting], None]) -> None:
        peer = peers.get(context, batch.aet)
        if peer.paused:
            raise Busy("the peer is paused", where=peer.aet)
        dimse.report(context, peer, batch, told)

    return ups_reports.deliver(context, tell)
