"""The audit collector: the change log by syslog over TLS to a real listener, once at least and in order, across breaks."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from certificates import Authority
from isocenter.domain.access import SYSTEM
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.settings import Address
from isocenter.store import audit, changes
from isocenter.work.audit_relay import Collector


class Listener:
    """A collector (RFC 5425): takes apart frames and messages."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        certificate, key = self.authority.signed("collector")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.messages: list[ElementTree.Element] = []
        self.heads: list[str] = []
        self.closes_after_reading = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            try:
                with self._tls.wrap_socket(plain, server_side=True) as connection:
                    self._take(connection)
            except OSError:
                pass

    def _take(self, connection: ssl.SSLSocket) -> None:
        held = b""
        while octets := connection.recv(65536):
            held += octets
            while b" " in held[:10]:
                length, _, rest = held.partition(b" ")
                if len(rest) < int(length):
                    break
                self._read(rest[: int(length)])
                held = rest[int(length) :]
            if self.closes_after_reading:
                return

    def _read(self, message: bytes) -> None:
        head, _, body = message.partition(b"\xef\xbb\xbf")
        self.heads.append(head.decode())
        self.messages.append(ElementTree.fromstring(body))

    def kinds(self) -> list[str]:
        return [message.find("EventIdentification/EventID").get("originalText") or "" for message in self.messages]  # type: ignore[union-attr]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = Listener(tmp_path)
    yield made
    made.close()


@pytest.fixture
def told(context: Context, listener: Listener) -> Context:
    settings = replace(context.settings, audit_syslog=Address("localhost", listener.port),
                       audit_syslog_ca=listener.authority.certificate)
    return replace(context, settings=settings)


def append(context: Context, event: Event, subject: str) -> None:
    context.database.write(lambda connection: changes.append(connection, event, subject, SYSTEM.name, {"address": "10.0.0.9"}))


def test_what_happens_after_it_was_named_is_told_in_order(told: Context, listener: Listener) -> None:
    stop, collector = threading.Event(), Collector(told)
    append(told, Event.STUDY_READ, "1.2.0")
    assert not collector.round(stop)  # begins after what was there
    append(told, Event.STUDY_READ, "1.2.3")
    append(told, Event.SESSION_ENDED, "rita")
    assert collector.round(stop)
    assert listener.kinds() == ["DICOM Instances Accessed", "User Authentication"]
    assert listener.heads[0].startswith("<85>1 20") and " isocenter " in listener.heads[0]
    assert listener.heads[0].endswith(" DICOM+RFC3881 - ")
    assert listener.messages[0].find("ParticipantObjectIdentification").get("ParticipantObjectID") == "1.2.3"  # type: ignore[union-attr]
    assert not collector.round(stop)
    assert len(listener.messages) == 2
    collector.close()


def test_a_break_repeats_what_may_be_lost_and_forgets_nothing(told: Context, listener: Listener) -> None:
    stop, collector = threading.Event(), Collector(told)
    collector.round(stop)
    append(told, Event.STUDY_READ, "1.2.3")
    listener.closes_after_reading = True
    with pytest.raises(OSError) as broken:
        collector.round(stop)
    collector.note_failure(broken.value)
    collector.close()
    row = told.database.read(lambda connection: audit.relay(connection, collector.name))
    assert row is not None and row.failing_since is not None and "closed" in row.last_reason and row.lease_until is None
    listener.closes_after_reading = False
    append(told, Event.STUDY_READ, "1.2.4")
    assert collector.round(stop)
    subjects = [each.find("ParticipantObjectIdentification").get("ParticipantObjectID") for each in listener.messages]  # type: ignore[union-attr]
    assert subjects == ["1.2.3", "1.2.3", "1.2.4"]
    row = told.database.read(lambda connection: audit.relay(connection, collector.name))
    assert row is not None and row.failing_since is None and row.cursor == told.database.read(changes.latest)
    collector.close()


def test_one_worker_tells(told: Context, listener: Listener) -> None:
    stop, one = threading.Event(), Collector(told)
    one.round(stop)
    append(told, Event.STUDY_READ, "1.2.3")
    now = told.clock()
    until = now.replace(year=now.year + 1)
    told.database.write(lambda connection: audit.claim(connection, one.name, 0, now, until))
    assert not Collector(told).round(stop) and listener.messages == []


def test_a_stranger_s_certificate_is_not_trusted(told: Context, listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = replace(told, settings=replace(told.settings, audit_syslog_ca=Authority(tmp_path / "other").certificate))
    stop, collector = threading.Event(), Collector(stranger)
    collector.round(stop)
    append(told, Event.STUDY_READ, "1.2.3")
    with pytest.raises(ssl.SSLError):
        collector.round(stop)
    assert listener.messages == []
