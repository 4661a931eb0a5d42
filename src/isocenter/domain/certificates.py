"""When a certificate ends: the one thing of X.509 that people must be told in time (RFC 5280 4.1)."""

import ssl
from datetime import UTC, datetime, timedelta

# So long before the end it is said: enough for a certificate that a person has to ask for.
WARN_BEFORE = timedelta(days=30)

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def not_after(pem: str) -> datetime:
    """The end of the first certificate of a PEM file, which is the server's own. Raises ValueError when there is none."""
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find("-----END CERTIFICATE-----")
    if not 0 <= begin < end:
        raise ValueError("no certificate")
    try:
        return _not_after(ssl.PEM_cert_to_DER_cert(pem[begin:end] + "-----END CERTIFICATE-----"))
    except (IndexError, UnicodeDecodeError):
        raise ValueError("no certificate that can be read") from None


def _not_after(der: bytes) -> datetime:
    certificate = _element(der, 0, _SEQUENCE)
    tbs = _element(der, certificate[0], _SEQUENCE)
    at = tbs[0]
    if der[at] == _VERSION:
        at = _element(der, at)[1]
    for _ in range(3):  # serial number, signature algorithm, issuer
        at = _element(der, at)[1]
    validity = _element(der, at, _SEQUENCE)
    end = _element(der, validity[0])[1]  # behind notBefore
    start, stop = _element(der, end)
    text = der[start:stop].decode("ascii")
    if der[end] == _UTC_TIME:  # RFC 5280 4.1.2.5.1: two digits of the year, from 1950 on
        text = ("19" if text[:2] >= "50" else "20") + text
    elif der[end] != _GENERALIZED_TIME:
        raise ValueError("no time where the certificate's end should be")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(der: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Where the content of an element of DER begins and ends (X.690 8.1)."""
    if tag is not None and der[at] != tag:
        raise ValueError("no certificate")
    length, start = der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, start = int.from_bytes(der[start : start + octets], "big"), start + octets
    return start, start + length
