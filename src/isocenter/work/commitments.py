"""Storage commitment, both sides: peers that asked are told what came of it, and peers that were sent something are asked."""

import logging
import threading
from collections.abc import Callable

from isocenter.dimse import commitment as scp
from isocenter.dimse import commitment_scu as scu
from isocenter.domain.errors import IsocenterError
from isocenter.service import commitment, commitment_requests, peers
from isocenter.service.commitment import Commitment
from isocenter.service.commitment_requests import CommitmentRequest
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# Between two looks when nothing is due (seconds): a modality waits for the report before it deletes, not a person.
ROUND = 2.0


def report(context: Context, stop: threading.Event) -> None:
    """Tell peers that asked, until `stop` is set; what has begun is finished. A database that is away is waited for."""
    _run(context, stop, report_due)


def ask(context: Context, stop: threading.Event) -> None:
    """Ask peers that were sent something, in the same way; beside `report`, since it waits for what they say."""
    _run(context, stop, ask_due)


def _run(context: Context, stop: threading.Event, step: Callable[[Context], bool]) -> None:
    while not stop.is_set():
        try:
            if step(context):
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
        scp.report(context, peers.get(context, judged.peer_aet), judged)

    return commitment.deliver(context, tell)


def ask_due(context: Context) -> bool:
    """Ask one peer that is to be asked now. False: there was none."""
    if not commitment_requests.is_due(context):
        return False

    def put(request: CommitmentRequest) -> None:
        scu.ask(context, peers.get(context, request.peer_aet), request)

    return commitment_requests.work(context, put)
