"""The worker's rounds for the audit collector: the change log goes out as DICOM audit messages by syslog over TLS.

RFC 5425 with octet counting, RFC 5424 messages as PS3.15 A.6.1 asks. Syslog has no answer, so what was written counts as told
only when the collector still holds the connection a moment later; after a break the last messages go again.
"""

import logging
import os
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter import tls
from isocenter.domain.audit import Archive, Described, audit_xml
from isocenter.domain.errors import IsocenterError
from isocenter.service import audit_trail
from isocenter.service.context import Context
from isocenter.store import audit, changes
from isocenter.store.audit import Relay

log = logging.getLogger(__name__)

ROUND = 1.0  # seconds between two looks when nothing is to be told
RETRIES = (5, 30, 120, 600)  # seconds
AT_ONCE = 100  # messages
LEASE = timedelta(minutes=2)
PATIENCE = 10.0  # seconds for a connection, and for a write
STILL_THERE = 0.5  # seconds in which a collector that has gone is noticed
FACILITY_SECURITY, SEVERITY_NOTICE = 10, 5  # PS3.15 A.6.1
MESSAGE_ID = "DICOM+RFC3881"  # PS3.15 A.6.1


def run(context: Context, stop: threading.Event) -> None:
    """File what older programs wrote, then tell the collector until `stop` is set. One worker tells, the others stand by."""
    _file_older(context, stop)
    if context.settings.audit_syslog is None:
        return
    collector, failed = Collector(context), 0
    while not stop.is_set():
        pause = ROUND
        try:
            if collector.round(stop):
                pause = 0.0
            failed = 0
        except (OSError, IsocenterError) as error:
            collector.close()
            pause = RETRIES[min(failed, len(RETRIES) - 1)]
            failed += 1
            collector.note_failure(error)
        stop.wait(pause)
    collector.close()


def _file_older(context: Context, stop: threading.Event) -> None:
    """Rows of programs before this one are found by their study, too."""
    while not stop.is_set():
        try:
            if not context.database.read(changes.has_unfiled):
                return
            context.database.write(changes.fill_studies)
        except IsocenterError as error:
            log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
            stop.wait(RETRIES[0])


@dataclass
class Collector:
    """The one who is told, and the connection to it."""

    context: Context
    _connection: ssl.SSLSocket | None = field(default=None, init=False)
    _lease: Relay | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        return str(self.context.settings.audit_syslog)

    def round(self, stop: threading.Event) -> bool:
        """Tell what is new, at most AT_ONCE; whether there was something. Raises OSError, IsocenterErrors."""
        database, now = self.context.database, self.context.clock()
        known = database.read(partial(audit.relay, collector=self.name))
        if known is not None and known.cursor >= database.read(changes.latest) and known.failing_since is None:
            return False
        begin = database.read(changes.latest)
        until = now + LEASE
        claimed = database.write(partial(audit.claim, collector=self.name, begin_after=begin, now=now, until=until))
        if claimed is None:
            return False
        self._lease = claimed
        kept_by = audit_trail.archive(self.context)
        events = database.read(partial(self._next, kept_by, claimed.cursor))
        if events:
            database.secure()  # a number that was told must not be given to something else after a power cut
            self._send(b"".join(framed(event, kept_by) for event in events))
            stop.wait(STILL_THERE)
            self._need_connection()
        cursor = events[-1].entry.seq if events else claimed.cursor
        done = {"cursor": cursor, "told_at": self.context.clock(), "failing_since": None, "last_reason": "", "lease_until": None}
        database.write(partial(audit.told, collector=self.name, lease=until, columns=done))
        self._lease = None
        return bool(events)

    def _next(self, kept_by: Archive, cursor: int, connection: Connection) -> Sequence[Described]:
        return audit_trail.describe(connection, kept_by, changes.since(connection, cursor, AT_ONCE))

    def note_failure(self, error: Exception) -> None:
        """Into the log of the program, and where doctor and the metrics look."""
        reason = str(getattr(error, "strerror", None) or error)[:200]
        log.warning("the audit collector was not told yet", extra={"facts": {"collector": self.name, "reason": reason}})
        lease, self._lease = self._lease, None
        if lease is None or lease.lease_until is None:
            return
        since = lease.failing_since or self.context.clock()
        with suppress(IsocenterError):  # the lease ends by itself
            columns = {"failing_since": since, "last_reason": reason, "lease_until": None}
            self.context.database.write(partial(audit.told, collector=self.name, lease=lease.lease_until, columns=columns))

    def _send(self, octets: bytes) -> None:
        secured = tls.to_collector(self.context.settings)
        if self._connection is not None and self._connection.context is not secured:
            self.close()  # the certificates were renewed
        if self._connection is None:
            self._connection = self._connect(secured)
        self._connection.sendall(octets)

    def _connect(self, secured: ssl.SSLContext) -> ssl.SSLSocket:
        settings = self.context.settings
        assert settings.audit_syslog is not None
        host = settings.audit_syslog.host
        plain = socket.create_connection((host, settings.audit_syslog.port), timeout=PATIENCE)
        try:
            return secured.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _need_connection(self) -> None:
        """Raises OSError when the collector has closed it: what it was told last may be lost."""
        assert self._connection is not None
        self._connection.settimeout(0.0)
        try:
            while self._connection.recv(4096):  # a collector says nothing; what it says all the same is of no use
                pass
            raise OSError("the collector has closed the connection")
        except (ssl.SSLWantReadError, BlockingIOError):
            pass
        finally:
            self._connection.settimeout(PATIENCE)

    def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()


def framed(event: Described, kept_by: Archive) -> bytes:
    """One message of RFC 5424 in a frame of RFC 5425 4.3.1: its length in octets, a space, the message."""
    priority = FACILITY_SECURITY * 8 + SEVERITY_NOTICE
    at = event.entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = f"<{priority}>1 {at} {socket.gethostname() or '-'} isocenter {os.getpid()} {MESSAGE_ID} - "
    message = head.encode() + b"\xef\xbb\xbf" + audit_xml(event, kept_by)
    return str(len(message)).encode() + b" " + message
