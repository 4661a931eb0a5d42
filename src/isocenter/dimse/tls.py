"""DICOM over TLS: the BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12).

TLS 1.3 and 1.2, with the cipher suites of RFC 9325 4.2 only. Files that change (a certificate that was renewed) hold from the
next association on (`isocenter.tls`); those that are open keep what they began with.
"""

import logging
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from isocenter.domain import certificates
from isocenter.domain.errors import Broken
from isocenter.settings import Settings
from isocenter.tls import Certificates

log = logging.getLogger(__name__)

# RFC 9325 4.2: of TLS 1.2 only ephemeral key exchange with authenticated encryption; the suites of TLS 1.3 are all good.
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def accepting(settings: Settings) -> Certificates:
    """For associations that others ask for. Raises Broken."""
    pair, trusted = settings.dicom_certificate, settings.dicom_tls_ca
    assert pair is not None  # settings.check: dicom_tls needs it

    def make() -> ssl.SSLContext:
        made = _context(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*pair)
        _warn(pair[0])
        if trusted is not None:
            made.load_verify_locations(trusted)
            made.verify_mode = ssl.CERT_REQUIRED if settings.dicom_tls_mutual else ssl.CERT_OPTIONAL
        return made

    try:
        return Certificates(make, tuple(path for path in (*pair, trusted) if path is not None))
    except OSError as error:
        raise _unusable(error, "Nothing was started.") from None


@lru_cache(maxsize=4)
def _calling(settings: Settings) -> Certificates:
    """For associations that we ask for: our certificate is shown to peers that want one. Raises OSError."""
    pair, trusted = settings.dicom_certificate, settings.dicom_tls_ca

    def make() -> ssl.SSLContext:
        made = _context(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname = settings.dicom_tls_check_host
        if pair is not None:
            made.load_cert_chain(*pair)
        if trusted is None:
            made.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            made.load_verify_locations(trusted)
        return made

    return Certificates(make, tuple(path for path in (*(pair or ()), trusted) if path is not None))


def to_call(settings: Settings) -> ssl.SSLContext:
    """What a connection to a peer that speaks TLS begins with now. Raises Broken."""
    try:
        return _calling(settings).context()
    except OSError as error:
        raise _unusable(error, "Nothing was sent.") from None


def _unusable(error: OSError, kept: str) -> Broken:
    hint = "See the settings dicom_tls_cert, dicom_tls_key and dicom_tls_ca."
    return Broken(f"our certificates cannot be used: {error.strerror or error}", kept=kept, hint=hint)


def _warn(path: Path) -> None:
    """Say in time that the certificate ends, and that it has ended: then no peer takes it."""
    with suppress(ValueError):
        end = certificates.not_after(path.read_text("ascii", "replace"))
        if end - datetime.now(UTC) < certificates.WARN_BEFORE:
            facts = {"end": end.isoformat(), "file": str(path)}
            log.warning("the DICOM certificate ends soon, or has ended", extra={"facts": facts})


def _context(protocol: int) -> ssl.SSLContext:
    made = ssl.SSLContext(protocol)
    made.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996: the versions before are not spoken
    made.set_ciphers(CIPHERS)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION  # RFC 9325 3.3, 3.5
    return made
