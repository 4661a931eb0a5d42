"""The worker's rounds for what people decide on: notes that came are applied, what was to be deleted is, and studies that nothing
joins to a patient are put on the exceptions list; emergency access whose time is over is noted as ended."""

import logging
import threading
from functools import partial

from isocenter.domain.errors import IsocenterError
from isocenter.service import corrections, emergency, exceptions, rejections
from isocenter.service.context import Context

log = logging.getLogger(__name__)

ROUND = 0.5  # seconds between two looks; what comes after its note is seen for so long at most
SLOWEST_ROUND = 1.0
DELETE_EVERY = 20  # rounds


def run(context: Context, stop: threading.Event) -> None:
    """Make rounds until `stop` is set. A database or storage that is away is waited for."""
    pause, number = ROUND, 0
    while not stop.is_set():
        did = 0
        try:
            did = rejections.follow(context) + exceptions.follow(context, partial(corrections.link, context))
            if number % DELETE_EVERY == 0:
                did += emergency.expire(context)
                did += (deleted := delete_due(context, stop))
                if deleted:
                    log.info("deleted", extra={"facts": {"objects": deleted}})
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value, "reason": str(error)}})
        except Exception:  # the next round may do better
            log.exception("a round of rejections failed")
        number += 1
        pause = ROUND if did else min(SLOWEST_ROUND, pause * 1.2)
        stop.wait(0.0 if did else pause)


def delete_due(context: Context, stop: threading.Event) -> int:
    """Everything that is due: files that were left first, then rows and files, some at a time. Returns how many objects."""
    deleted = 0
    while not stop.is_set():
        if rejections.settle(context):
            continue
        if not (count := rejections.free(context)):
            break
        deleted += count
    return deleted
