"""What a scanner of web sites looks at, over TLS from a real server: the headers of every route, and requests nobody should send.

The rows are those of test_hidden, taken from the tables that routes are mounted from. The rules are the passive ones of OWASP ZAP
and the cheap active ones.
"""

import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from app.test_exposure import certificate
from app.test_hidden import API_ASKS, DICOMWEB_ASKS, HIDDEN, PAGES, SITE, Ask
from isocenter.pages import WEB_CLIENT
from objects import part10
from servers import PASSWORD, Server, running

pytestmark = pytest.mark.timeout(180)

ENDLESS = {"/api/v1/events", "/api/v1/changes/stream"}
EVERY = {
    "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}  # fmt: skip
# How a fault of ours would look, and what runs here: neither helps anybody but an attacker. Our own version is told by /healthz.
LEAKS = re.compile(r'Traceback|File "/|\.py\b|sqlalchemy|psycopg|sqlite3|site-packages|/tmp/|(?:granian|python)/\d', re.I)
HOST = b"Host: localhost\r\n"
END = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With TLS, and with the study that the rows name."""
    folder = tmp_path_factory.mktemp("hostile")
    crt, key = certificate(folder, "ours")
    with running(folder / "data", "--tls-cert", str(crt), "--tls-key", str(key), "--proxies", "127.0.0.1") as ready:
        body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + part10(**HIDDEN) + b"\r\n--b--\r\n"
        with client(ready) as admin:
            kind = 'multipart/related; type="application/dicom"; boundary=b'
            assert admin.post("/dicom-web/studies", content=body, headers={"content-type": kind}).status_code == 200
        yield ready


def client(server: Server, logged_in: bool = True) -> httpx.Client:
    return httpx.Client(base_url=server.url, verify=server.trust, auth=("admin", PASSWORD) if logged_in else None)


def asks() -> Iterator[tuple[str, str, Ask]]:
    """Each row, also by HEAD, OPTIONS and methods that it does not have; and what is no row."""
    more = [Ask("GET", f"{SITE}{path}") for path in (
        "/api/v1/nothing", "/api", "/dicom-web/nothing", "/dicom-web/studies/no-uid", "/assets/nothing.js", "/favicon.svg",
        *(f"/assets/{file.name}" for file in sorted((WEB_CLIENT / "assets").glob("index-*"))[:4]),
    )]  # fmt: skip
    for ask in (*API_ASKS, *DICOMWEB_ASKS, *PAGES, *more):
        path = ask.url.removeprefix(SITE)
        if path not in ENDLESS:
            extra = ("HEAD", "OPTIONS", "TRACE", "PROPFIND") if ask.method == "GET" and "=" not in path else ()
            for method in (ask.method, *extra):
                yield method, path, ask


def faults(method: str, path: str, response: httpx.Response, logged_in: bool) -> Iterator[str]:
    """What a scanner would report of an answer."""
    headers = response.headers
    if response.status_code >= 500:
        yield f"{response.status_code}"
    if 300 <= response.status_code < 400:
        yield f"redirects to {headers.get('location')}"
    yield from (f"{name}: {headers.get(name)}" for name, value in EVERY.items() if headers.get_list(name) != [value])
    policy = dict(part.split(" ", 1) for part in headers.get("content-security-policy", "none ''").split("; "))
    scripts = policy.get("script-src", "'unsafe-inline'")
    if "'unsafe-inline'" in scripts or "'unsafe-eval'" in scripts or "*" in scripts or "http:" in scripts:
        yield f"scripts from {scripts}"
    wanted = {"default-src": "'none'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'self'"}
    yield from (f"{name} {policy.get(name)}" for name, value in wanted.items() if policy.get(name) != value)
    if not headers.get("strict-transport-security", "").startswith("max-age=31536000"):
        yield "no HSTS"
    if "camera=()" not in headers.get("permissions-policy", ""):
        yield "no permissions policy"
    if [name for name in headers if name.startswith("access-control-")] or "x-powered-by" in headers:
        yield "open to other origins, or boastful"
    if re.search(r"\d", headers.get("server", "")) or (response.status_code >= 400 and LEAKS.search(response.text)):
        yield f"tells what runs here: {headers.get('server')} {response.text[:200]}"
    if response.content and "content-type" not in headers:
        yield "no content type"
    if path.startswith(("/api/", "/dicom-web", "/wado", "/metrics")) and not path.startswith(("/api/v1/openapi", "/api/v1/docs")):
        if headers.get("cache-control", "") not in ("no-store", "private, no-cache"):
            yield f"may be kept: {headers.get('cache-control')}"
        # what the login page asks before anybody is there; passkeys there are only for a server with a name
        asked = {"/api/v1/session/ways": 200, "/api/v1/session/passkey/begin": 409, "/api/v1/session/passkey": 401}
        if not logged_in and response.status_code not in (401, 404, 405, asked.get(path)):
            yield f"{response.status_code} for a stranger"
    if response.status_code == 401 and "www-authenticate" not in headers:
        yield "401 without a challenge"
    if response.status_code == 405 and "allow" not in headers:
        yield "405 without Allow"
    if method == "TRACE" and response.status_code < 400:
        yield "TRACE"


@pytest.mark.parametrize("logged_in", [False, True])
def test_every_route_answers_as_a_scanner_likes_it(server: Server, logged_in: bool) -> None:
    told, count = [], 0
    # each from an address of its own: so many refusals of one address would be a flood
    with client(server, logged_in) as asking:
        for method, path, ask in asks():
            count += 1
            headers = {"x-forwarded-for": f"10.0.{count // 250}.{count % 250}", "x-forwarded-proto": "https"}
            response = asking.request(method, path, json=ask.json, content=ask.content, headers=headers)
            told += [f"{method} {path}: {fault}" for fault in faults(method, path, response, logged_in)]
    assert count > 400 and not told, "\n".join(told[:50])


def test_the_cookie_is_for_the_server_alone(server: Server) -> None:
    with client(server, logged_in=False) as browser:
        opened = browser.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
        (cookie,) = opened.headers.get_list("set-cookie")
        told = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "secure", "path=/"} <= told and told & {"samesite=strict", "samesite=lax"}
        assert not any(part.startswith("domain=") for part in told)
        for origin in ("https://evil.example", "null"):
            crossed = browser.post("/api/v1/studies/1.2.3/deidentified", json={"options": []}, headers={"origin": origin})
            assert crossed.status_code == 403, "a page of another site has the cookie, and not the token"


@pytest.mark.parametrize("word", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{7*7}}", "%0d%0aX-Evil: 1"])
def test_what_is_sent_does_not_come_back_as_a_page(server: Server, word: str) -> None:
    with client(server) as asking:
        places = [asking.get(f"/api/v1/{word}"), asking.get("/api/v1/studies", params={"q": word, "sort": word}),
                  asking.get("/api/v1/studies", params={word: "1"}), asking.get("/dicom-web/studies", params={word: word}),
                  asking.get(f"/dicom-web/{word}"), asking.get("/", params={"next": word}), asking.get(f"/nothing/{word}"),
                  asking.get("/dicom-web/studies", headers={"accept": word.replace("\r\n", "")}),
                  asking.post("/api/v1/session", json={word: word})]  # fmt: skip
    for response in places:
        assert "x-evil" not in response.headers and "set-cookie" not in response.headers
        if "html" in response.headers["content-type"]:
            assert word not in response.text
        else:
            assert "json" in response.headers["content-type"] or response.headers["content-type"].startswith("text/plain")


def test_nobody_is_sent_to_another_site(server: Server) -> None:
    with client(server) as asking:
        for path in ("//evil.example/%2f..", "/%5cevil.example", "/?next=https://evil.example", "/login?url=//evil.example",
                     "/.evil.example", "/https://evil.example"):  # fmt: skip
            response = asking.get(httpx.URL(server.url).copy_with(raw_path=path.encode()))
            assert response.status_code in (200, 404) and "location" not in response.headers
        evil = asking.get("/dicom-web/studies/1.2.3/metadata", headers={"host": "evil.example/<script>"})
        assert "evil" not in evil.text


def raw(server: Server, data: bytes) -> bytes:
    """All that comes back to bytes that no client would send, until the server ends the connection."""
    plain = socket.create_connection(("127.0.0.1", server.http_port), timeout=30)
    with server.trust.wrap_socket(plain, server_hostname="localhost") as connection:
        said = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                said += piece
        except ConnectionError:
            pass  # it did not want to hear the rest
        return said


SMUGGLED = b"GET /healthz HTTP/1.1\r\n" + HOST + END
LOGIN = b"POST /api/v1/session HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


@pytest.mark.parametrize("head", [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", b"Content-Length: +5\r\n\r\nabcde",
    b"Content-Length: 0x5\r\n\r\nabcde", b"Content-Length: 5, 5\r\n\r\nabcde", b"X: a\r\n\tContent-Length: 5\r\n\r\nabcde",
    b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
])  # fmt: skip
def test_a_second_request_cannot_be_hidden_in_a_first(server: Server, head: bytes) -> None:
    """RFC 9112 6.1, 11.2: one answer, which refuses; the connection ends with it."""
    said = raw(server, LOGIN + head + SMUGGLED)
    assert said.count(b"HTTP/1.1 ") <= 1 and b"alive" not in said and b" 500 " not in said
    assert re.match(rb"HTTP/1.1 4\d\d|$", said)


@pytest.mark.parametrize(("request_", "status"), [
    (b"GET /healthz HTTP/1.1\r\n" + END, b"400"), (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + END, b"400"),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 600_000 + b"\r\n" + END, b"431"),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"".join(b"X%d: a\r\n" % n for n in range(5000)) + END, b"431"),
    (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + END, b"414"),
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n" + END, b"400"),
    (b"GET /\r\n\r\n", b"400"), (b"\x16\x03\x01 hello\r\n\r\n", b"400"), (b"GET / HTTP/3.0\r\n" + HOST + END, b"400"),
    (b"TRACE / HTTP/1.1\r\n" + HOST + END, b"405"), (b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n" + END, b"405"),
])  # fmt: skip
def test_what_is_no_request_is_refused(server: Server, request_: bytes, status: bytes) -> None:
    said = raw(server, request_)
    assert said.startswith(b"HTTP/1.1 " + status) and said.count(b"HTTP/1.1") == 1
    assert not LEAKS.search(said.decode("latin-1"))


@pytest.mark.parametrize("path", [
    b"/../../../../etc/passwd", b"/assets/..%2f..%2f..%2fetc%2fpasswd", b"/assets/%2e%2e/%2e%2e/pages.py", b"/%00", b"/%ff%fe",
    b"/assets/..\\..\\pages.py", b"/.git/config", b"/index.sqlite", b"/archive/", b"//etc/passwd", b"/.env",
])  # fmt: skip
def test_no_path_leads_out_of_the_client(server: Server, path: bytes) -> None:
    said = raw(server, b"GET " + path + b" HTTP/1.1\r\n" + HOST + END)
    assert re.match(rb"HTTP/1.1 (200|400|404) ", said)
    assert b"root:" not in said and b"[core]" not in said and b"SQLite format" not in said and b"import " not in said
    if said.startswith(b"HTTP/1.1 200"):
        assert b'<div id="root">' in said  # the client's one page


@pytest.mark.parametrize(("kind", "body"), [
    (b"application/json", b"[" * 60_000), (b"application/json", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    (b"application/json", b'{"username": ' + b"9" * 60_000 + b"}"), (b"application/json", b"\xff\xfe{\x00}\x00"),
    (b"text/plain", b'{"username": "admin", "password": "x"}'), (b"application/json;charset=utf-7", b"+AHs-"),
    (b"application/x-www-form-urlencoded", b"username=admin"), (b"multipart/form-data; boundary=x", b"--x--"), (b"", b"{}"),
])  # fmt: skip
def test_bodies_that_are_bombs_or_something_else(server: Server, kind: bytes, body: bytes) -> None:
    head = b"POST /api/v1/session HTTP/1.1\r\n" + HOST + b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n" % len(body)
    said = raw(server, head + END + body)
    assert re.match(rb"HTTP/1.1 4(00|15|22) ", said) and b'{"error":' in said and not LEAKS.search(said.decode("latin-1"))


def test_a_compressed_body_is_not_unpacked(server: Server) -> None:
    """RFC 9110 8.4: a coding that is not understood is no reason to guess; what is never unpacked is no bomb."""
    with client(server) as asking:
        kind = 'multipart/related; type="application/dicom"; boundary=b'
        for path, content_type in (("/dicom-web/studies", kind), ("/api/v1/session", "application/json")):
            sent = asking.post(path, content=b"\x1f\x8b" + bytes(1000), headers={"content-type": content_type,
                                                                                "content-encoding": "gzip"})  # fmt: skip
            assert 400 <= sent.status_code < 500 and "error" in sent.json()


def test_who_leaves_in_the_midst_of_a_body_is_no_fault_of_ours(server: Server) -> None:
    raw(server, LOGIN + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n")
    with client(server) as asking:
        assert asking.get("/healthz").status_code == 200
    assert "unexpected error" not in server.output() and "Traceback" not in server.output()
