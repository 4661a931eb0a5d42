"""Whatever stands in a request line, in headers and in small bodies: every tree answers, and never with a fault of ours."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_harness import Api
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS
from isocenter.dicomweb.routes import RESOURCES, template
from isocenter.domain.access import Role
from isocenter.service.context import Context
from isocenter.site import application
from objects import part10

# What ends only with the client, or with the session; and the log-in, which is slowed down. /metrics wants several processes.
NOT_ASKED = {"/events", "/changes/stream", "/session", "/session/link"}
PLACES = [
    *sorted({PREFIX + row.path for row in ENDPOINTS if row.path not in NOT_ASKED}), "/wado", "/", "/healthz",
    *sorted({f"/dicom-web{template(row)}".replace("[", "").replace("]", "") for row in RESOURCES}),
]  # fmt: skip
VALUES = ["1.2.3", "1.2.3.4", "1.2.3.4.5", "1", "1,2", "0", "-1", "*", "%", "a", "", "\x00", "ä", "1" * 65, "../..", "9" * 20]
NAMES = [
    b"accept", b"accept-charset", b"accept-encoding", b"content-length", b"content-type", b"cookie", b"if-none-match",
    b"if-range", b"origin", b"range", b"transfer-encoding", b"x-csrf-token", b"x-forwarded-for", b"x-forwarded-host",
    b"access-control-request-method",
]  # fmt: skip
WORDS = [
    b"bytes=0-1", b"bytes=-5", b"bytes=5-1,0-0", b"application/dicom+json", b"multipart/related",
    b'; type="application/dicom"', b"image/jpeg", b"; transfer-syntax=*", b";q=", b"nan", b"inf", b"-1", b"1e999", b"*/*",
    b",", b";", b'"', b"\\", b"=", b"W/", b"gzip", b"zstd", b"\xff", b"boundary=x", b"isocenter_session=", b"::1", b"[",
    b"unix", b"; ", b"application/json",
]  # fmt: skip
KEYS = [
    "PatientName", "StudyDate", "00100010", "limit", "offset", "includefield", "fuzzymatching", "sort", "q", "accept",
    "window", "viewport", "quality", "frame", "requestType", "studyUID", "objectUID", "contentType", "transferSyntax",
    "cursor", "annotation",
]  # fmt: skip
TEXTS = [
    "20260101-", "-", "a*?", "1,2,3", "0,0,0,0", "1e400,1", "nan,nan,linear", "WADO", "true", "all", "*", "%00", "%ff", "&",
    "=", "1" * 40,
]  # fmt: skip

values = st.lists(st.sampled_from(WORDS) | st.binary(max_size=6), max_size=6).map(b"".join)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=4)
queries = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(TEXTS) | st.text(max_size=8)), max_size=4)
bodies = st.binary(max_size=40) | st.sampled_from([b"{}", b"[]", b"[{}]", b'{"a":1}', b"--x\r\n\r\n\r\n--x--", b"null", b"<a/>"])


class Archive:
    """One application and the loop it belongs to."""

    def __init__(self, context: Context) -> None:
        api = Api(context)
        api.store(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.4.5", Rows=2, Columns=2))
        self.token = api.token(Role.ADMIN)
        self.app = application(api.context)
        self.runner = asyncio.Runner()

    def ask(self, method: str, path: str, query: str, given: list[tuple[bytes, bytes]], body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        said: list[Any] = []
        received = iter([{"type": "http.request", "body": body}])

        async def receive() -> Any:
            if message := next(received, None):
                return message
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "http_version": "1.1",
            "headers": [(b"host", b"pacs"), (b"authorization", f"Bearer {self.token}".encode()), *given],
            "query_string": query.encode("ascii", "ignore"), "scheme": "http", "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", 80), "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        self.runner.run(self.app(scope, receive, send))  # type: ignore[arg-type]
        return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])


@pytest.fixture
def archive(sqlite_context: Context) -> Iterator[Archive]:
    made = Archive(sqlite_context)
    with made.runner:
        yield made


def test_any_request_is_answered_and_none_is_a_fault_of_ours(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    @given(st.sampled_from(PLACES), st.sampled_from(["GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]),
           st.lists(st.sampled_from(VALUES), min_size=6, max_size=6), queries, headers, bodies)  # fmt: skip
    def asked(place: str, method: str, named: list[str], query: list[tuple[str, str]], given_: list[tuple[bytes, bytes]],
              body: bytes) -> None:  # fmt: skip
        parts = iter(named)
        path = "/".join(next(parts, "1") if part.startswith("{") else part for part in place.split("/"))
        status, answer = archive.ask(method, path, "&".join("=".join(pair) for pair in query), given_, body)
        assert 200 <= status < 500 or status in (501, 503, 507), (method, path, query, given_, body, answer)
        assert b"Traceback" not in answer

    asked()
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
