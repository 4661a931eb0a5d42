"""The worker's rounds for the journal: what only the index knows is written beside the files a moment later, here and in the
second storage."""

import logging
import threading

from isocenter.domain.errors import IsocenterError
from isocenter.service import journal
from isocenter.service.context import Context
from isocenter.store.journal import End
from isocenter.store.replica import Replica, replica

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks whether something is to be written
AGAIN = 30.0  # after one that failed


def run(context: Context, stop: threading.Event) -> None:
    """Write until `stop` is set. One worker writes, the others stand by; a storage that is away is waited for."""
    copies = threading.Thread(target=_copy, args=(context, stop), name="journal-copies")
    copies.start()
    _write(context, stop)
    copies.join()


def _write(context: Context, stop: threading.Event) -> None:
    end: End | None = None
    while not stop.is_set():
        pause = LOOK
        try:
            end, more = journal.write(context, end)
            pause = 0.0 if more else LOOK
        except IsocenterError as error:
            end, pause = None, AGAIN
            log.warning("the journal was not written and is tried again", extra={"facts": {"reason": error.message}})
        except Exception:  # the lease ends, and the next round may do better
            end, pause = None, AGAIN
            log.exception("a round of the journal failed")
        stop.wait(pause)


def _copy(context: Context, stop: threading.Event) -> None:
    """Into the second storage, apart from the writing, which is not to wait for it."""
    known, failing = -1, False
    second: Replica | None = None
    while context.settings.replica and not stop.is_set():
        pause = LOOK
        try:
            second = second or replica(context.settings)
            known = journal.copy(context, second, known) if second is not None else known
            failing = False
        except IsocenterError as error:
            second, pause = None, AGAIN
            if not failing:
                log.warning("the journal is not copied and is tried again", extra={"facts": {"reason": error.message}})
            failing = True
        except Exception:
            pause = AGAIN
            log.exception("the journal was not copied")
        stop.wait(pause)
