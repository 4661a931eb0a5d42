"""Who looked at what, in the change log: one row per person, kind and subject in ten minutes, durable before anything is shown.

A row per frame, or per page of a list, would write more than is read, and nobody could read such a log.
"""

import time

from isocenter.domain.access import Principal
from isocenter.domain.events import Event
from isocenter.store import changes
from isocenter.store.database import Database
from isocenter.store.lru import LruCache

SECONDS = 600.0
REMEMBERED = 20_000  # persons x subjects of one process; a few megabytes. What is forgotten is only written again


class Accesses:
    """What this process has written lately. Safe to share between threads."""

    def __init__(self) -> None:
        self._noted: LruCache[tuple[Principal, Event, str], float] = LruCache(REMEMBERED, lambda _: 1)

    def is_noted(self, principal: Principal, event: Event, subject: str) -> bool:
        """Whether the row was written in the last ten minutes; never waits."""
        at = self._noted.get((principal, event, subject))
        return at is not None and time.monotonic() - at < SECONDS

    def note(self, database: Database, principal: Principal, event: Event, subject: str, payload: dict[str, object]) -> None:
        """Write the row unless it was written lately. Raises Busy, Broken, NoSpace."""
        if self.is_noted(principal, event, subject):
            return
        now = time.monotonic()
        told = {**payload, "via": principal.via, "address": principal.address}
        database.write(lambda connection: changes.append(connection, event, subject, principal.name, told))
        self._noted.put((principal, event, subject), now)
