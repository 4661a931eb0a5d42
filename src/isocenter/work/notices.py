"""Peers that want to know are told what has become available: change log -> notices -> N-CREATE, until they have taken it."""

import logging
import threading
from functools import partial

from isocenter.dimse import availability as dimse
from isocenter.domain.errors import IsocenterError
from isocenter.service import availability
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds).
ROUND = 2.0


def run(context: Context, stop: threading.Event) -> None:
    """Tell until `stop` is set; what has begun is finished. A database that is away is waited for."""
    while not stop.is_set():
        try:
            if turn(context):
                continue
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("a notification failed")
        stop.wait(ROUND)


def turn(context: Context) -> bool:
    """One round; whether there was something to do."""
    read = availability.relay(context)
    told = availability.is_due(context) and availability.deliver(context, partial(dimse.notify, context))
    return bool(read or told)
