"""Certificates outside of DICOM and the web client: whose are trusted, and renewed ones hold without a restart."""

import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from certificates import Authority
from hl7.messages import Sender, orm
from isocenter.dicomweb import storing
from isocenter.dimse import tls
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away
from isocenter.domain.events import Event
from isocenter.hl7.server import Server
from isocenter.service import ingest, sending
from isocenter.service.context import Context
from isocenter.settings import Address
from isocenter.store import changes
from isocenter.work.audit_relay import Collector
from isocenter.work.webhooks import send
from objects import part10


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextmanager
def https(authority: Authority) -> Iterator[tuple[int, list[str]]]:
    """A service that takes any POST: its port, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.close_connection = True

        def log_message(self, *unused: object) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *unused: object) -> None:
            """A client that does not trust us breaks off."""

    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(*authority.signed("service"))
    server = Quiet(("127.0.0.1", 0), Handler)
    server.socket = secured.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_webhooks_and_dicomweb_services_are_trusted_by_the_file_of_the_settings(
    sqlite_context: Context, authority: Authority, tmp_path: Path
) -> None:
    with ingest.begin(sqlite_context, SYSTEM, source="upload") as reception:
        reception.write(part10(StudyInstanceUID="1.2.3"))
        reception.finish()
    (tmp_path / "other").mkdir()
    stranger, ca = Authority(tmp_path / "other"), tmp_path / "ca.pem"
    shutil.copy(stranger.certificate, ca)
    context = replace(sqlite_context, settings=replace(sqlite_context.settings, https_ca=ca))
    noted: list[bool] = []

    def note(uid: str, status: int, reason: str, *, arrived: bool) -> None:
        noted.append(arrived)

    def store(port: int) -> None:
        held = sending.chosen(context, SYSTEM, studies=["1.2.3"])
        service = storing.Service(f"https://localhost:{port}/dicom-web")
        storing.store(context, service, held, note=note, unwanted=lambda: False, pieces=lambda data: [data])

    with https(authority) as (port, asked):
        refused = send(context.settings, f"https://localhost:{port}/hook", {}, b"{}")
        assert refused.status == 0 and "certificate" in refused.reason.lower()
        with pytest.raises(Away, match="certificate"):
            store(port)
        assert asked == noted == []
        shutil.copy(authority.certificate, ca)  # renewed: no restart
        assert send(context.settings, f"https://localhost:{port}/hook", {}, b"{}").status == 200
        store(port)
        assert asked == ["/hook", "/dicom-web/studies"] and noted == [True]
        ca.write_text("half a certif")  # the ones before stay
        assert send(context.settings, f"https://localhost:{port}/hook", {}, b"{}").status == 200


def test_a_file_that_cannot_be_used_sends_nothing(sqlite_context: Context, authority: Authority, tmp_path: Path) -> None:
    settings = replace(sqlite_context.settings, https_ca=tmp_path / "none.pem")
    with https(authority) as (port, asked):
        assert "No such file" in send(settings, f"https://localhost:{port}/", {}, b"{}").reason and asked == []


def test_hl7_over_tls_shows_the_renewed_certificate_from_the_next_connection_on(
    sqlite_context: Context, authority: Authority
) -> None:
    certificate, key = authority.signed("ours")
    settings = replace(sqlite_context.settings, dicom_tls_cert=certificate, dicom_tls_key=key)
    trust = ssl.create_default_context(cafile=str(authority.certificate))
    server = Server(sqlite_context, None, socket.create_server(("127.0.0.1", 0)), tls.accepting(settings).context)
    server.start()

    def connected() -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        return trust.wrap_socket(plain, server_hostname="localhost")

    try:
        with connected() as before:
            shown = before.getpeercert(binary_form=True)
            for new, old in zip(authority.signed("renewed"), (certificate, key), strict=True):
                shutil.copy(new, old)
            with connected() as after:
                assert after.getpeercert(binary_form=True) not in (None, shown)
                assert Sender(after).code(orm()) == "AA"
            assert Sender(before).code(orm("XO", control="2")) == "AA"  # who was connected goes on
    finally:
        server.stop(20)


def test_the_collector_is_shown_the_renewed_certificate_at_once(
    sqlite_context: Context, authority: Authority, tmp_path: Path
) -> None:
    ours, seen, heard = tmp_path / "ours.pem", list[str](), threading.Semaphore(0)

    def write(name: str) -> None:
        ours.write_bytes(b"".join(path.read_bytes() for path in authority.signed(name)))

    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(*authority.signed("collector"))
    secured.load_verify_locations(authority.certificate)
    secured.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for _ in range(2):
            plain, _ = listener.accept()
            with secured.wrap_socket(plain, server_side=True) as connection:
                subject = dict(pair[0] for pair in (connection.getpeercert() or {})["subject"])  # type: ignore[misc,index,union-attr]
                seen.append(str(subject["commonName"]))
                heard.release()
                while connection.recv(65536):
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    write("first")
    settings = replace(sqlite_context.settings, audit_syslog=Address("localhost", listener.getsockname()[1]),
                       audit_syslog_ca=authority.certificate, audit_syslog_cert=ours)  # fmt: skip
    context, stop = replace(sqlite_context, settings=settings), threading.Event()
    collector = Collector(context)
    collector.round(stop)
    for name in ("", "second"):
        if name:
            write(name)
        context.database.write(lambda connection: changes.append(connection, Event.STUDY_READ, "1.2.3", "rita", {}))
        assert collector.round(stop)
        assert heard.acquire(timeout=60)
    collector.close()
    thread.join(60)
    listener.close()
    assert seen == ["first", "second"]
