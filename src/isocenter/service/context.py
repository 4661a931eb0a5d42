"""What every use case is handed: the index, the blobs, the settings and the time. Built once by app.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from isocenter.settings import Settings
from isocenter.store.accesses import Accesses
from isocenter.store.blobs import Blobs
from isocenter.store.database import Database


def utc_now() -> datetime:
    """The clock of the product: aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """One process's view of the archive; safe to share between threads."""

    database: Database
    blobs: Blobs
    settings: Settings
    clock: Callable[[], datetime] = utc_now
    accesses: Accesses = field(default_factory=Accesses)
