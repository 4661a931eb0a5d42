"""What settings alone make unsafe: a pure look at them and at the modes of the files that they name (`isocenter doctor`)."""

import ipaddress
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from isocenter.domain.addresses import is_loopback
from isocenter.settings import Settings

Level = Literal["unsafe", "unhealthy", "advice"]
Told = tuple[Level, str, str]  # what, and how to mend it, as in doctor.Finding

# OWASP's least for argon2id with two passes, in KiB
_LEAST_MEMORY = 19_456
_LONGEST_IDLE = 60  # minutes; who has gone for lunch has left the screen to others
# Networks with more addresses than this are no list of machines.
_LARGEST = {4: 8, 6: 32}  # least bits of the network
_GUESSABLE = frozenset({"", "postgres", "isocenter", "password", "secret", "admin", "changeme", "pacs"})


def examined(settings: Settings) -> Iterator[Told]:
    """Everything that should be set otherwise."""
    yield from _open_lists(settings)
    yield from _clear_text(settings)
    yield from _logins(settings)
    yield from _secrets(settings)


def too_wide(networks: Iterable[str]) -> list[str]:
    """Those that are no list of machines but a part of the internet."""
    made = [ipaddress.ip_network(text, strict=False) for text in networks]
    return [str(network) for network in made if network.prefixlen < _LARGEST[network.version]]


def _open_lists(settings: Settings) -> Iterator[Told]:
    for name, what in (("proxies", "whoever calls may say that another address is theirs, and is served without TLS"),
                       ("dicom_proxies", "whoever calls may say that another address is theirs"),
                       ("hl7_senders", "whoever reaches the port may change orders and patients")):  # fmt: skip
        for network in too_wide(getattr(settings, name)):
            yield "unsafe", f"{name} names {network}: {what}", f"Name the addresses of those machines alone: {name}"
    if "*" in settings.cors_origins:
        yield ("advice", "pages of every web site may use DICOMweb with a token", "Name the sites: cors_origins")
    if settings.dicom_tls is not None and (settings.dicom_tls_ca is None or not settings.dicom_tls_mutual):
        yield ("advice", "who calls by DICOM over TLS shows no certificate: a peer is whoever gives its AE title and address",
               "dicom_tls_ca with the certificates of those who sign the peers', and dicom_tls_mutual")  # fmt: skip
    if settings.dicom_tls is not None and not settings.dicom_tls_check_host:
        yield ("unsafe", "a peer that is called may show the certificate of any other machine", "dicom_tls_check_host = true")


def _clear_text(settings: Settings) -> Iterator[Told]:
    if not settings.http.is_loopback and not settings.tls:
        yield ("advice", f"between the proxy and {settings.http} everything is in clear text",
               "Let http listen on 127.0.0.1 beside the proxy, or give tls_cert and tls_key.")  # fmt: skip
    if settings.public_url.startswith("http://") and not _is_near(settings.public_url):
        yield ("unsafe", f"people come by {settings.public_url}: their passwords can be read on the way",
               "TLS in the proxy or here (tls_cert, tls_key), and https in public_url.")  # fmt: skip
    if not settings.embedded:
        yield from _database(settings.database_url)
    for name in ("storage", "replica", "backup"):
        (endpoint,) = parse_qs(urlsplit(getattr(settings, name)).query).get("endpoint", [""])[:1]
        if endpoint.startswith("http://") and not _is_near(endpoint):
            yield "unsafe", f"{name} sends images and keys to {endpoint} in clear text", f"An endpoint with https:// in {name}"


def _database(url: str) -> Iterator[Told]:
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    host = parts.hostname or asked.get("host", [""])[0]
    if not host or host.startswith("/"):
        return  # a Unix socket: who asks is known by the system
    if unquote(parts.password or "").lower() in _GUESSABLE | {(parts.username or "").lower()}:
        yield "unsafe", f"the password of the database at {host} is none, or the first that everybody tries", "Give it another."
    if asked.get("sslmode", [""])[0] not in ("verify-full", "verify-ca") and not _is_near(f"//{host}"):
        yield ("unsafe", f"nothing proves that {host} is the database, nor that nobody reads along",
               "sslmode=verify-full and sslrootcert in the setting database: docs/security.md")  # fmt: skip


def _logins(settings: Settings) -> Iterator[Told]:
    if settings.argon2_memory_kib < _LEAST_MEMORY:
        yield ("unsafe", "passwords are hashed so cheaply that a stolen index gives them away",
               f"argon2_memory_kib of {_LEAST_MEMORY} or more; each is hashed anew when its owner logs in")  # fmt: skip
    if settings.session_idle_minutes > _LONGEST_IDLE:
        yield ("advice", f"an empty chair stays logged in for {settings.session_idle_minutes} minutes",
               "session_idle_minutes of 15 or less")  # fmt: skip


def _secrets(settings: Settings) -> Iterator[Told]:
    """Files that hold keys: their owner reads them, and nobody else on the machine."""
    places = [settings.tls_key, settings.dicom_tls_key, settings.audit_syslog_cert, settings.config]
    keys = (settings.encryption_key, *settings.encryption_old_keys.split(","))
    places += [Path(key.strip().removeprefix("file:")) for key in keys if key.strip().startswith("file:")]
    for path in dict.fromkeys(place for place in places if place):
        try:
            mode = Path(path).stat().st_mode
        except OSError:
            continue  # who cannot start for it is told there
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            yield "unsafe", f"everybody on this machine may read {path}, which holds a secret", f"chmod o-rwx {path}"


def _is_near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)
