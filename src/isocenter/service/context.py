"""What every use case is handed: the index, the blobs, the settings, the time, and a way to ask a peer. Built once by app.py."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from isocenter.dicom.attributes import Level
from isocenter.domain.conformance import Statement
from isocenter.domain.errors import Unsupported
from isocenter.domain.verification import Outcome, Verified
from isocenter.service.pool import Pool
from isocenter.settings import Settings
from isocenter.store.accesses import Accesses
from isocenter.store.blobs import Blobs
from isocenter.store.cache import NOTHING_KEPT, DiskCache
from isocenter.store.database import Database
from isocenter.store.peers import Peer

_IN_MEMORY = 16 << 20  # bytes of scratch files

Verify = Callable[[str, int, str, str, bool], Verified]
"""C-ECHO to (host, port, calling AE title, called AE title, over TLS); does not raise: `dimse.echoing.verify`, a floor above."""

Row = Mapping[str, str]
"""What another archive tells of a study: keyword -> text, multiple values joined by backslashes."""
Seek = Callable[["Context", Peer, Level, Mapping[str, str], int], Sequence[Row]]
"""C-FIND at (peer, level, keys: "" to be told, limit); raises IsocenterErrors. `dimse.querying.find`, above this floor."""
Conform = Callable[[Settings], Statement]
"""What this archive is able to: `dimse.conformance.statement`, above this floor."""


def utc_now() -> datetime:
    """The clock of the product: aware, UTC."""
    return datetime.now(UTC)


def _no_network(host: str, port: int, calling: str, called: str, secure: bool) -> Verified:
    """The answer where app.py has handed in no SCU."""
    return Verified(Outcome.UNREACHABLE, "this process does not speak DICOM to others", 0)


def _no_search(context: "Context", peer: Peer, level: Level, keys: Mapping[str, str], limit: int) -> Sequence[Row]:
    """The answer where app.py has handed in no SCU."""
    raise Unsupported("this process does not speak DICOM to others")


def _no_statement(settings: Settings) -> Statement:
    """The answer where app.py has handed in none."""
    raise Unsupported("this process does not speak DICOM to others")


@dataclass(frozen=True, slots=True)
class Context:
    """One process's view of the archive; safe to share between threads."""

    database: Database
    blobs: Blobs
    settings: Settings
    clock: Callable[[], datetime] = utc_now
    accesses: Accesses = field(default_factory=Accesses)
    verify: Verify = _no_network
    seek: Seek = _no_search
    conformance: Conform = _no_statement
    cache: DiskCache = NOTHING_KEPT
    pool: Pool = field(default_factory=Pool)

    def scratch(self, size: int) -> BinaryIO:
        """A file without a name for `size` bytes that are on their way; gone with whoever holds it. Raises OSError.

        In memory when it is not large, and always when nothing may lie on the disk in clear.
        """
        if (size <= _IN_MEMORY or self.settings.encryption_key) and hasattr(os, "memfd_create"):
            return open(os.memfd_create("scratch", os.MFD_CLOEXEC), "w+b")
        folder = self.settings.blob_folder
        return tempfile.TemporaryFile(dir=folder if folder.is_dir() else None)

    def close(self) -> None:
        """End the workers and let the database go. Safe to call twice."""
        self.pool.close()
        self.blobs.close()
        self.database.close()
