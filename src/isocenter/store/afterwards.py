"""What is done once the log of the database is on the disk, for writers who do not wait for that.

Who has told of a row elsewhere, durably (`Blobs.is_told`), need not wait until the row is durable, too: one sync of the log for
many rows, a moment later, is enough. Until then what was told has to stay.
"""

import logging
import threading
from collections.abc import Callable

from isocenter.store.connections import Log

PAUSE = 0.03  # seconds in which rows gather
AT_MOST = 256  # rows that wait; each may hold a file open

_log = logging.getLogger(__name__)


class Afterwards:
    """One thread that syncs and then does what waits for it. Safe to share between threads; made for one process."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: list[Callable[[], None]] = []
        self._newest: Log | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, log: Log, then: Callable[[], None]) -> bool:
        """Do it after the next sync. log: what the row was committed to. False: too many wait; the caller is to sync himself."""
        with self._condition:
            if self._closed or len(self._waiting) >= AT_MOST:
                return False
            self._newest = log
            self._waiting.append(then)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="afterwards", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._condition.notify()
        return True

    def close(self) -> None:
        """Do what waits, and end."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._closed)
                if not self._closed:
                    self._condition.wait_for(lambda: self._closed, PAUSE)
                waiting, self._waiting = self._waiting, []
                log = self._newest
                closed = self._closed
            if waiting and log is not None:
                _settle(log, waiting)
            if closed:
                return


def _settle(log: Log, waiting: list[Callable[[], None]]) -> None:
    """A log that cannot be synced leaves everything as it is: what was told elsewhere is read again at the next start."""
    try:
        log.sync()
    except OSError as error:
        _log.error("the log of the database could not be synced", extra={"facts": {"errno": error.errno, "rows": len(waiting)}})
        return
    for then in waiting:
        try:
            then()
        except Exception:  # noqa: BLE001  the others are to be done all the same
            _log.exception("something that waited for the log failed")
