"""The worker's second round: peers that asked for storage commitment are told what came of it, until they have taken it."""

import logging
import threading

from isocenter.dimse import commitment as dimse
from isocenter.domain.errors import IsocenterError
from isocenter.service import commitment, peers
from isocenter.service.commitment import Commitment
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds): a modality waits for the report before it deletes, not a person.
ROUND = 2.0


def run(context: Context, stop: threading.Event) -> None:
    """Report until `stop` is set; what has begun is finished. A database that is away is waited for."""
    while not stop.is_set():
        try:
            if report_due(context):
                continue
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("a commitment failed")
        stop.wait(ROUND)


def report_due(context: Context) -> bool:
    """Judge and report one request that is due. False: there was none."""
    if not commitment.is_due(context):
        return False

    def tell(judged: Commitment) -> None:
        dimse.report(peers.get(context, judged.peer_aet), context.settings.aet, judged)

    return commitment.deliver(context, tell)
