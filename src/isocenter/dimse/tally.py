"""Counts of what peers did, added to the index now and then: never a write per instance, and one for many short associations."""

import logging
import threading
from datetime import datetime

from isocenter.domain.errors import IsocenterError
from isocenter.service import peers
from isocenter.service.context import Context

log = logging.getLogger(__name__)

# After the first thing to count, so much more is gathered before it is written (seconds).
GATHER = 5.0


class Tally:
    """The counts of one process between two writes; a thread sleeps until there is something to write."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._seen: dict[str, tuple[datetime, int, int]] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dicom-tally", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def note(self, aet: str, *, associations: int = 0, instances: int = 0) -> None:
        """A peer has been seen."""
        with self._changed:
            _, before, stored = self._seen.get(aet, (None, 0, 0))
            self._seen[aet] = (self._context.clock(), before + associations, stored + instances)
            self._changed.notify()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stopping.set()
        with self._changed:
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._seen or self._stopping.is_set())
            self._stopping.wait(GATHER)
            self._write()

    def _write(self) -> None:
        with self._changed:
            seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            peers.count(self._context, seen)
        except IsocenterError as error:  # the database is away; what is counted is for show, and not kept for later
            log.warning("peers could not be counted", extra={"facts": {"kind": error.kind.value}})
