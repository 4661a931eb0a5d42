"""Beyond this machine HTTP is served with TLS, or to declared proxies alone (DESIGN 4): real certificates, real interfaces."""

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydicom import dcmread
from starlette.types import Message, Receive, Scope, Send
from websockets.sync.client import connect

from isocenter.settings import Address, Settings
from isocenter.site import OnlyProxies
from servers import PASSWORD, Server, alive, command, descendants, environment, free_port, run, running, wait_for

pytestmark = pytest.mark.timeout(180)

ELSEWHERE = "203.0.113.7"  # RFC 5737: nobody's address


def certificate(folder: Path, name: str, algorithm: str = "rsa:2048") -> tuple[Path, Path]:
    """A self-signed certificate for this machine and its key, made by openssl."""
    made, key = folder / f"{name}.crt", folder / f"{name}.key"
    subject = ("-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{own_address()}")
    command = ["openssl", "req", "-x509", "-newkey", *algorithm.split(), "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(made)], check=True, capture_output=True)
    return made, key


def own_address() -> str:
    """This machine's address on a network; 127.0.0.1 when it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((ELSEWHERE, 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.fixture
def network_address() -> str:
    """As `own_address`; a machine without a network cannot be reached from another, nor run these tests."""
    if own_address() == "127.0.0.1":
        pytest.skip("this machine has no network interface but loopback")
    return own_address()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files people confuse."""
    folder = tmp_path_factory.mktemp("keys")
    _, key = certificate(folder, "ours")
    certificate(folder, "other")
    certificate(folder, "curve", "ec -pkeyopt ec_paramgen_curve:prime256v1")
    locked = ["openssl", "pkcs8", "-topk8", "-in", str(key), "-passout", "pass:secret", "-out", str(folder / "locked.key")]
    subprocess.run(locked, check=True, capture_output=True)
    (folder / "broken.key").write_text("-----BEGIN PRIVATE KEY-----\nbm90aGluZw==\n-----END PRIVATE KEY-----\n")
    return folder


@pytest.fixture(scope="module")
def secure(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on every interface, with TLS."""
    tls = ("--tls-cert", str(keys / "ours.crt"), "--tls-key", str(keys / "ours.key"))
    with running(tmp_path_factory.mktemp("secure"), "--http", f"0.0.0.0:{free_port()}", *tls) as ready:
        yield ready


def test_with_tls_it_serves_everybody(secure: Server, network_address: str) -> None:
    address = f"https://{network_address}:{secure.http_port}"
    with httpx.Client(base_url=address, verify=secure.trust) as browser:
        page = browser.get("/healthz")
        assert page.status_code == 200 and page.headers["strict-transport-security"].startswith("max-age=")
        opened = browser.post("/api/v1/session", json={"username": "admin", "password": PASSWORD}, headers={"origin": address})
        assert opened.status_code == 200, opened.text
        assert "secure" in opened.headers["set-cookie"].lower()
        assert browser.get("/api/v1/studies").status_code == 200
    assert f"https://127.0.0.1:{secure.http_port}/" in secure.output()


def test_events_of_work_items_come_over_tls_too(secure: Server) -> None:
    with httpx.Client(base_url=secure.url, verify=secure.trust, auth=("admin", PASSWORD)) as client:
        subscribed = client.post("/dicom-web/workitems/1.2.840.10008.5.1.4.34.5/subscribers/AI?deletionlock=true")
        place = subscribed.headers["content-location"]
        assert place == f"wss://127.0.0.1:{secure.http_port}/dicom-web/ws/subscribers/AI"
        step = {"00741000": "SCHEDULED", "00741200": "LOW", "00741204": "Read", "00404005": "20261122", "00404041": "READY"}
        created = client.post("/dicom-web/workitems", json={tag: {"Value": [value]} for tag, value in step.items()},
                              headers={"content-type": "application/dicom+json"})  # fmt: skip
        assert created.status_code == 201, created.text
    basic = {"Authorization": httpx.BasicAuth("admin", PASSWORD)._auth_header}
    with connect(place, additional_headers=basic, ssl=secure.trust, proxy=None, open_timeout=60) as channel:
        event = json.loads(channel.recv(timeout=60))
    assert created.headers["location"].endswith(event["00001000"]["Value"][0]) and event["00741000"]["Value"] == ["SCHEDULED"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(secure: Server, version: ssl.TLSVersion) -> None:
    trust = secure.trust
    trust.minimum_version = trust.maximum_version = version
    assert httpx.get(f"{secure.url}/healthz", verify=trust).status_code == 200


def test_http_2_is_spoken_both_ways(secure: Server, tmp_path: Path, data: Path) -> None:
    """A file in by STOW-RS and out by WADO-RS, as a browser speaks with a server that has TLS."""
    curl = ["curl", "--silent", "--fail-with-body", "--http2", "--cacert", secure.certificate, "--user", f"admin:{PASSWORD}"]
    file = data / "transfer-syntaxes/MR_small.dcm"
    (tmp_path / "body").write_bytes(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n--b--\r\n")
    kind = 'Content-Type: multipart/related; type="application/dicom"; boundary=b'
    told = [*curl, "--write-out", "%{http_version}", "--output"]
    body = ["--header", kind, "--data-binary", f"@{tmp_path}/body", f"{secure.url}/dicom-web/studies"]
    stow = [*told, str(tmp_path / "stored"), *body]
    assert subprocess.run(stow, check=True, capture_output=True, timeout=60).stdout == b"2"
    place = json.loads((tmp_path / "stored").read_bytes())["00081199"]["Value"][0]["00081190"]["Value"][0]
    wado = [*told, str(tmp_path / "got"), "--header", "Accept: application/dicom; transfer-syntax=*", place]
    assert subprocess.run(wado, check=True, capture_output=True, timeout=60).stdout == b"2"
    assert dcmread(tmp_path / "got") == dcmread(file)


def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    """Also after one that cannot be used."""
    crt, key = (Path(each) for each in certificate(tmp_path, "live"))
    with running(tmp_path / "archive", "--tls-cert", str(crt), "--tls-key", str(key)) as server:

        def served() -> str:
            try:
                return ssl.get_server_certificate(("127.0.0.1", server.http_port))
            except OSError:  # on a machine that is very busy the new process needs longer than the old one stays
                return ""

        first = served()
        key.write_text("nothing")
        wait_for(lambda: "the one before stays" in server.output())
        assert served() == first == crt.read_text()
        web = server.pids("web")[0]  # and below it those that serve
        before = descendants(web)
        for new, old in zip(certificate(tmp_path, "next"), (crt, key), strict=True):
            os.replace(new, old)
        wait_for(lambda: served() == crt.read_text() != first)
        wait_for(lambda: not any(alive(pid) for pid in before))
        assert httpx.get(f"{server.url}/healthz", verify=server.trust).status_code == 200
        assert server.pids("web")[0] == web, "not a restart"


def test_clear_text_is_not_spoken_where_tls_is(secure: Server) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{secure.http_port}/healthz")


@pytest.mark.parametrize(("cert", "key", "sentence"), [
    ("ours.crt", "other.key", "tls_key: {key} is not the key of the certificate"),
    ("ours.crt", "curve.key", "tls_key: {key} is not the key of the certificate"),
    ("none.crt", "ours.key", "tls_cert: {cert} cannot be read: No such file"),
    ("ours.crt", "none.key", "tls_key: {key} cannot be read: No such file"),
    ("ours.crt", "", "tls_key: {key} cannot be read: Is a directory"),
    ("ours.key", "ours.crt", "tls_cert: {cert} holds no certificate"),
    ("ours.crt", "ours.crt", "tls_key: {key} holds no private key"),
    ("ours.crt", "locked.key", "tls_key: {key} needs a passphrase"),
    ("ours.crt", "broken.key", "tls_cert, tls_key: {cert} and {key} cannot be used"),
])
def test_files_that_are_no_good_for_tls_are_said_in_one_sentence(
    keys: Path, tmp_path: Path, cert: str, key: str, sentence: str
) -> None:
    tls = ("--tls-cert", str(keys / cert), "--tls-key", str(keys / key))
    done = run("serve", "--data", str(tmp_path / "data"), "--http", "127.0.0.1:0", "--dicom", "127.0.0.1:0", *tls)
    assert done.returncode == 2
    assert done.stderr.startswith("isocenter: " + sentence.format(cert=keys / cert, key=keys / key))
    assert done.stderr.endswith("Nothing was started.\n") and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_key_that_this_user_may_not_read(keys: Path, tmp_path: Path) -> None:
    """Other commands of that user, which need no key, go on."""
    # Root without the right to pass over permissions; the interpreter, which may be root's own, stays readable.
    user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    keys.chmod(0o000)
    try:
        tls = ("--tls-cert", str(keys / "ours.crt"), "--tls-key", str(keys / "ours.key"))
        done = subprocess.run([*user, *command("serve", *tls)], env=environment(), capture_output=True, text=True, cwd="/")
        assert done.returncode == 2 and "ours.crt cannot be read: Permission denied" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        shown = subprocess.run([*user, *command("settings", *tls)], env=environment(), capture_output=True, text=True, cwd="/")
        assert shown.returncode == 0
    finally:
        keys.chmod(0o700)


def test_without_tls_only_the_proxies_and_this_machine_are_served(tmp_path: Path, network_address: str) -> None:
    with running(tmp_path, "--http", f"0.0.0.0:{free_port()}", "--proxies", ELSEWHERE) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        for path in ("/healthz", "/", "/api/v1/session", "/dicom-web/studies"):
            refused = httpx.get(f"http://{network_address}:{server.http_port}{path}", headers={"x-forwarded-for": "127.0.0.1"})
            assert refused.status_code == 403 and refused.text == "Isocenter is reached through its proxy only.\n"


def test_a_declared_proxy_is_served_and_believed(tmp_path: Path, network_address: str) -> None:
    with running(tmp_path, "--http", f"0.0.0.0:{free_port()}", "--proxies", network_address) as server:
        forwarded = {"x-forwarded-for": "198.51.100.4", "x-forwarded-proto": "https"}
        answer = httpx.get(f"http://{network_address}:{server.http_port}/healthz", headers=forwarded)
        assert answer.status_code == 200 and "strict-transport-security" in answer.headers


def test_behind_a_proxy_it_can_listen_on_one_address(tmp_path: Path, network_address: str) -> None:
    """The supervisor asks /readyz there, so that address itself is this machine too."""
    with running(tmp_path, "--http", f"{network_address}:{free_port()}", "--proxies", ELSEWHERE) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_it_can_listen_on_a_name(tmp_path: Path) -> None:
    with running(tmp_path, "--http", f"{socket.gethostname()}:{free_port()}", "--proxies", ELSEWHERE) as server:
        assert f"http://{server.host}:{server.http_port}/" in server.output()


@pytest.mark.parametrize(("client", "served"), [
    ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("127.0.0.1", True), ("::1", True), ("192.0.2.9", True),
    ("11.1.2.3", False), ("::ffff:11.1.2.3", False), ("2001:db8::1", False),
])
def test_who_is_a_proxy(client: str, served: bool) -> None:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        begun = {"http": {"type": "http.response.start", "status": 200}, "websocket": {"type": "websocket.accept"}}
        await send(begun[scope["type"]])

    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    settings = Settings(http=Address("192.0.2.9", 80), proxies=("10.0.0.0/8",))
    for kind in ("http", "websocket"):
        scope: dict[str, Any] = {"type": kind, "client": (client, 5), "server": ("192.0.2.9", 80)}
        anyio.run(OnlyProxies(application, settings), scope, None, send)
    assert answers[0]["status"] == (200 if served else 403)
    assert answers[-1]["type"] == ("websocket.accept" if served else "websocket.close")
