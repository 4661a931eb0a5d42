"""TLS contexts made from files: whoever is called over TLS is called with one of these, and renewed files hold at once.

What differs from service to service is whose certificates are trusted and which one we show. DICOM's own profile is `dimse.tls`.
"""

import logging
import os
import ssl
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from isocenter.settings import Settings

log = logging.getLogger(__name__)


class Certificates:
    """A TLS context made from files, made anew when one of them has changed. Safe to share between threads."""

    def __init__(self, make: Callable[[], ssl.SSLContext], files: tuple[Path, ...]) -> None:
        """make: raises OSError (SSLError is one) when the files cannot be used, which the first time is not caught."""
        self._make = make
        self._files = files
        self._lock = threading.Lock()
        self._seen = self._look()
        self._context = make()

    def context(self) -> ssl.SSLContext:
        """What holds for a connection that begins now. Files that cannot be used (half written, say) change nothing."""
        with self._lock:
            seen = self._look()
            if seen != self._seen:
                self._seen = seen
                try:
                    self._context = self._make()
                except OSError as error:
                    facts = {"reason": error.strerror or str(error), "files": [str(path) for path in self._files]}
                    log.error("the certificates have changed and cannot be used; the ones before stay", extra={"facts": facts})
                else:
                    log.info("the certificates have changed and are used from now on")
            return self._context

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_identity(path) for path in self._files]


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def client(trusted: Path | None, shown: Path | None = None) -> Certificates:
    """For services that we call: TLS 1.2 and 1.3, their certificate signed by one of `trusted` (None: by one the system trusts)
    and naming their host. shown: our certificate chain and key in one file. Raises OSError when a file cannot be used."""

    def make() -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=trusted)
        made.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996
        if shown is not None:
            made.load_cert_chain(shown)
        return made

    return Certificates(make, tuple(path for path in (trusted, shown) if path is not None))


def to_services(settings: Settings) -> ssl.SSLContext:
    """What a connection to a webhook or a DICOMweb service begins with now. Raises OSError."""
    return client(settings.https_ca).context()


def to_collector(settings: Settings) -> ssl.SSLContext:
    """The same to the collector of audit messages. Raises OSError."""
    return client(settings.audit_syslog_ca, settings.audit_syslog_cert).context()
