"""What is checked before anything is served, each with one clear message: exposure, data folder, lock, ports."""

import errno
import fcntl
import os
import socket
import ssl
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from isocenter.domain.errors import Missing
from isocenter.domain.hl7.mapping import with_site
from isocenter.domain.patient import namespaces
from isocenter.settings import BY_NAME, Address, Settings

ROLES = ("dicom", "web", "worker", "hl7")
AREAS = ("archive", "quarantine", "incoming", "derived")  # of store.blobs, which is not imported before there is a folder


class CannotServe(Exception):
    """Serving cannot begin; the message says what is in the way and what to do. usage: a setting is at fault (exit code 2)."""

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.usage = usage


def check_exposure(settings: Settings, roles: Iterable[str]) -> None:
    """DESIGN 4: beyond loopback only with TLS, with files good for it, or behind a declared proxy. Raises CannotServe."""
    if "dicom" in roles and settings.dicom_tls is not None and (problem := _dicom_tls_problem(settings)):
        raise CannotServe(f"{problem} Nothing was started.", usage=True)
    _check_hl7(settings, roles)
    try:
        namespaces(settings.issuers)
    except ValueError as error:
        raise CannotServe(f"issuers: {error}. Nothing was started.", usage=True) from None
    if "web" not in roles:
        return
    if not (settings.http.is_loopback or settings.tls or settings.proxies):
        raise CannotServe(f"http {settings.http} can be reached from other machines, and passwords would travel in clear text: "
                          "give tls_cert and tls_key, or name your reverse proxy in proxies, or listen on 127.0.0.1. "
                          "Nothing was started.", usage=True)
    if settings.tls_cert and settings.tls_key:
        problem = _tls_problem(settings.tls_cert, settings.tls_key)
        if problem:
            raise CannotServe(f"{problem} Nothing was started.", usage=True)


def _check_hl7(settings: Settings, roles: Iterable[str]) -> None:
    """The worker reads the site's fields, too."""
    for name, arguments in (("hl7_fields", (settings.hl7_fields, "")), ("hl7_stations", ("", settings.hl7_stations))):
        try:
            with_site(*arguments)
        except ValueError as error:
            raise CannotServe(f"{name}: {error}. Nothing was started.", usage=True) from None
    if "hl7" not in roles:
        return
    if settings.hl7 is None and settings.hl7_tls is None:
        raise CannotServe("hl7: there is no address to listen on: give --hl7 HOST:PORT or --hl7-tls HOST:PORT. Nothing was "
                          "started.",
                          usage=True)
    if settings.hl7_tls is not None and (problem := _dicom_tls_problem(settings)):
        raise CannotServe(f"{problem} Nothing was started.", usage=True)


def _dicom_tls_problem(settings: Settings) -> str:
    pair, trusted = settings.dicom_certificate, settings.dicom_tls_ca
    assert pair is not None  # settings.check
    problem = _tls_problem(*pair, "dicom_" if settings.dicom_tls_cert else "")
    if not problem and trusted is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(trusted)
        except OSError as error:
            reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
            return f"dicom_tls_ca: {trusted} cannot be used: {reason}. Name a file of certificates in PEM form."
    return problem


def _tls_problem(certificate: Path, key: Path, prefix: str = "") -> str:
    """Why the two cannot be used, and what to do; "" when they can. prefix: of the settings' names."""
    cert_name, key_name = f"{prefix}tls_cert", f"{prefix}tls_key"
    for name, path, what in ((cert_name, certificate, "certificate"), (key_name, key, "private key")):
        try:
            text = path.read_bytes()
        except OSError as error:
            return f"{name}: {path} cannot be read: {error.strerror}. Name a file that this user may read."
        if f"{what.upper()}-----".encode() not in text:
            return f"{name}: {path} holds no {what} in PEM form. Name the file that does."
        if name == key_name and b"ENCRYPTED" in text:  # RFC 7468 11; "Proc-Type: 4,ENCRYPTED" in the older form
            return f"{name}: {path} needs a passphrase, which nobody could type at a restart. Give it without one: openssl pkey."
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"}:
            return (f"{key_name}: {key} is not the key of the certificate in {certificate}. Give the two that were made "
                    "together; in a chain the server's own certificate comes first.")
        return f"{cert_name}, {key_name}: {certificate} and {key} cannot be used: {error.reason or error}. Make them anew."
    return ""


def prepare_folder(settings: Settings) -> None:
    """Create the data folder and prove that it, and what is in it, can be written. Raises CannotServe."""
    for folder in {settings.data.absolute(), settings.blob_folder}:
        _prove_writable(folder, create=True)
    for area in AREAS:
        if (settings.blob_folder / area).exists():
            _prove_writable(settings.blob_folder / area)
    index = _index_file(settings)
    # Not by opening it: to close it would take away the locks of a connection that this process may have (POSIX).
    if index and os.path.exists(index) and not os.access(index, os.W_OK):
        raise CannotServe(f"the index {index} cannot be written: Permission denied. Make it writable for this user. Nothing was "
                          "started.")


def need_archive(settings: Settings, *, index: bool = True) -> None:
    """There must be an archive: what reads one would begin an empty one where a path was mistyped. Raises Missing.

    index: its index must be there too; one in PostgreSQL is not looked for.
    """
    if settings.bucket is None and not os.path.isdir(settings.blob_folder / "archive"):
        hint = "Is --data right, and the disk mounted? `isocenter serve` and `isocenter import` begin a new one."
        raise Missing(f"there is no archive in {settings.blob_folder}", kept="Nothing was made.", hint=hint)
    file = _index_file(settings)
    if index and file and not os.path.exists(file):
        hint = "Is --data right, and --database? If the index is lost, `isocenter reindex` makes it anew from the files."
        raise Missing(f"there is no index {file}", kept="Nothing was made.", hint=hint)


def _index_file(settings: Settings) -> str:
    """The file of an SQLite index, "" when it is elsewhere."""
    return urlsplit(settings.database_url).path[1:] if settings.embedded else ""


def _prove_writable(folder: Path, *, create: bool = False) -> None:
    try:
        if create:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotServe(f"the data folder {folder} cannot be written: {reason}. Make it writable for this user, or give "
                          "another with --data DIR. Nothing was started.") from None


def lock_roles(folder: Path, roles: Iterable[str]) -> TextIO:
    """One lock a role in DIR/serve.lock, held while the file is open, gone with the process. Raises CannotServe."""
    file = (folder / "serve.lock").open("a+")
    for role in roles:
        at = ROLES.index(role)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except OSError:
            asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0)
            holder = struct.unpack("hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, asked))[4]
            file.close()
            raise CannotServe(f"process {holder} already serves {role} from {folder.absolute()}. Stop it first, or give this one "
                              "another data folder; several nodes can share a PostgreSQL database.") from None
    return file


def bind(name: str, address: Address) -> socket.socket:
    """A socket bound to the address and not listening yet, which nobody else can share. Raises CannotServe."""
    listener = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(_numeric(address))
    except OSError as error:
        listener.close()
        raise CannotServe(_port_message(name, address, error)) from None
    return listener


def reserve(name: str, address: Address, kept: list[Any]) -> Address:
    """Make sure that nobody listens there, and keep the port so until the end. Port 0 becomes a free one. Raises CannotServe."""
    # The probe goes without SO_REUSEPORT: a second Isocenter must not share the port silently.
    with bind(name, address) as probe:
        reserved = Address(address.host, probe.getsockname()[1])
    try:
        keeper = socket.socket(_family(address), socket.SOCK_STREAM)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # bound but not listening: it never gets a connection
        keeper.bind(_numeric(reserved))
    except OSError as error:
        raise CannotServe(_port_message(name, address, error)) from None
    kept.append(keeper)
    return reserved


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address.host else socket.AF_INET


def _numeric(address: Address) -> tuple[str, int]:
    return ("127.0.0.1" if address.host == "localhost" else address.host), address.port


def _port_message(name: str, address: Address, error: OSError) -> str:
    change = f"choose another with {BY_NAME[name].option} HOST:PORT. Nothing was started."
    if error.errno == errno.EADDRINUSE:
        return f"{name}: port {address.port} on {address.host} is taken by another program. Stop that one, or {change}"
    if error.errno == errno.EACCES:
        return f"{name}: this user may not open port {address.port} (below 1024 only root or CAP_NET_BIND_SERVICE); {change}"
    return f"{name}: {address} cannot be listened on: {error.strerror or error}. It must be an address of this machine; {change}"
