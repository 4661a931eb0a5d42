"""The worker's rounds for HL7 messages that are to be done again: replayed by a person, or left by a process that was killed."""

import logging
import threading

from isocenter.domain.errors import IsocenterError
from isocenter.hl7 import handling
from isocenter.service.context import Context

log = logging.getLogger(__name__)

ROUND = 2.0  # seconds


def run(context: Context, stop: threading.Event) -> None:
    """Do them until `stop` is set. What cannot be done now is tried again when its lease has ended."""
    desk = handling.Desk.of(context)
    while not stop.is_set():
        found = False
        try:
            found = handling.again(desk)
        except IsocenterError as error:
            log.warning("an HL7 message is done later", extra={"facts": {"kind": error.kind.value}})
        except Exception:  # its lease ends, and then it is tried again
            log.exception("an HL7 message could not be done")
        stop.wait(0.0 if found else ROUND)
