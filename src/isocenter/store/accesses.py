"""Who looked at what, in the change log: one row per person, kind and subject in ten minutes, durable before anything is shown.

A row per frame, or per page of a list, would write more than is read, and nobody could read such a log.
"""

import time
from collections.abc import Mapping

from sqlalchemy import Connection

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
        self._noted: LruCache[tuple[Principal, Event, str, str], float] = LruCache(REMEMBERED, lambda _: 1)

    def is_noted(self, principal: Principal, event: Event, subject: str, to: str = "") -> bool:
        """Whether the row was written in the last ten minutes; never waits."""
        at = self._noted.get((principal, event, subject, to))
        return at is not None and time.monotonic() - at < SECONDS

    def note(self, database: Database, principal: Principal, event: Event, subject: str, payload: dict[str, object]) -> None:
        """Write the row unless it was written lately. Raises Busy, Broken, NoSpace."""
        self.note_all(database, principal, event, {subject: payload})

    def note_all(
        self, database: Database, principal: Principal, event: Event, told: Mapping[str, Mapping[str, object]], to: str = ""
    ) -> None:
        """The same for several subjects, each with its payload, in one transaction. to: who gets it, when that is another."""
        new = {subject: payload for subject, payload in told.items() if not self.is_noted(principal, event, subject, to)}
        if not new:
            return
        now = time.monotonic()
        more = {"via": principal.via, "address": principal.address, **({"to": to} if to else {})}

        def write(connection: Connection) -> None:
            for subject, payload in new.items():
                changes.append(connection, event, subject, principal.name, {**payload, **more})

        database.write(write)
        for subject in new:
            self._noted.put((principal, event, subject, to), now)
