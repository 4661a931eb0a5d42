"""What is indexed only since a while is filled in for what is held already: declared attributes, and how names sound."""

import logging
import threading

from isocenter.domain.errors import IsocenterError
from isocenter.service import filling
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds): something is at a start, or when a person asks.
ROUND = 5.0


def run(context: Context, stop: threading.Event) -> None:
    """Fill in until `stop` is set; a piece that has begun is finished. A database that is away is waited for."""
    while not stop.is_set():
        try:
            if filling.fill(context, stop.is_set):
                continue
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("filling in the index failed")
        stop.wait(ROUND)
