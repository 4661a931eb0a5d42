"""What one client may have of a web process: the others, and whoever stores or reads images, never notice."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api_harness import PASSWORD, Api
from isocenter import limits
from isocenter.api import endpoint
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS
from isocenter.dicomweb.routes import RESOURCES, template
from isocenter.domain.access import Role
from isocenter.limits import BURST, MAKING, PICTURES, REFUSALS_AT_ONCE, WAITING, Limited
from isocenter.service.context import Context
from isocenter.site import Site
from objects import part10

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sqlite_api(sqlite_context: Context) -> Api:
    return Api(sqlite_context)


class Bounded:
    """A web process whose clock stands still."""

    def __init__(self, api: Api, rate: int) -> None:
        self.api, self.now = api, 0.0
        self.app = Limited(Site(api.context, api.authenticator), replace(api.context.settings, http_rate=rate), lambda: self.now)

    @asynccontextmanager
    async def client(self, token: str = "", address: str = "10.0.0.7") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://isocenter.test", headers=headers) as client:
            yield client


async def test_who_asks_without_end_waits_and_nobody_else_does(sqlite_api: Api) -> None:
    sqlite_api.store(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID="1.2.3.4.5"))
    bounded = Bounded(sqlite_api, 2)
    tokens = [sqlite_api.token(role) for role in (Role.RADIOLOGIST, Role.TECHNOLOGIST)]
    async with bounded.client(tokens[0]) as busy, bounded.client(tokens[1]) as other:
        for path in ("/api/v1/studies", "/dicom-web/studies?limit=1") * BURST:
            assert (await busy.get(path)).status_code == 200
        for method, path in (("GET", "/api/v1/studies"), ("GET", "/dicom-web/studies"), ("POST", "/dicom-web/workitems")):
            refused = await busy.request(method, path)
            assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
            assert refused.json()["error"]["kind"] == "busy" and "too many requests" in refused.json()["error"]["message"]
        series = "/dicom-web/studies/1.2.3/series/1.2.3.4"
        for _ in range(3 * BURST):  # a volume is opened and a modality stores meanwhile
            assert (await busy.get(f"{series}/instances/1.2.3.4.5")).status_code == 200
            assert (await busy.get(f"{series}/metadata")).status_code == 200
            assert (await busy.post("/dicom-web/studies", content=b"")).status_code in (400, 415)
            assert (await busy.get("/")).status_code in (200, 503)
        assert (await other.get("/api/v1/studies")).status_code == 200
        bounded.now += 0.5
        assert [(await busy.get("/api/v1/studies")).status_code for _ in range(2)] == [200, 429]


async def test_a_rate_of_zero_is_none(sqlite_api: Api) -> None:
    async with Bounded(sqlite_api, 0).client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        assert {(await client.get("/api/v1/seen?study=1.2")).status_code for _ in range(200)} <= {200, 404, 400}


async def test_strangers_of_an_address_wait_and_who_is_known_there_does_not(sqlite_api: Api) -> None:
    bounded = Bounded(sqlite_api, 500)
    async with bounded.client(sqlite_api.token(Role.RADIOLOGIST)) as known, bounded.client() as stranger:
        assert (await known.get("/api/v1/studies")).status_code == 200
        for number in range(int(REFUSALS_AT_ONCE)):
            guess = {"Authorization": f"Bearer guess-{number}"}
            assert (await stranger.get(("/api/v1/studies", "/metrics")[number % 2], headers=guess)).status_code == 401
            assert (await stranger.get("/api/v1/docs", headers=guess)).status_code == 200  # makes nobody known
        for path in ("/api/v1/studies", "/dicom-web/studies", "/metrics", "/wado"):
            refused = await stranger.get(path, headers={"Authorization": "Bearer guess-0"})
            assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
        assert (await known.get("/api/v1/studies")).status_code == 200
        name = sqlite_api.account(Role.TECHNOLOGIST)
        opened = await stranger.post("/api/v1/session", json={"username": name, "password": PASSWORD})
        assert opened.status_code == 200, "people behind the same address can log in"
    async with bounded.client(address="10.0.0.8") as elsewhere:
        assert (await elsewhere.get("/api/v1/studies")).status_code == 401
    bounded.now += 1.0
    async with bounded.client() as later:
        assert (await later.get("/api/v1/studies")).status_code == 401


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"made"})


async def ask(app: Limited, method: str, path: str, token: str, query: bytes = b"") -> int:
    """The status."""
    said: list[int] = []

    async def send(message: Any) -> None:
        said.extend([message["status"]] if "status" in message else [])

    headers = [(b"host", b"pacs"), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers, "http_version": "1.1",
             "client": ("10.0.0.7", 5)}  # fmt: skip
    await app(scope, None, send)  # type: ignore[arg-type]
    return said[0]


async def test_few_zips_and_films_are_made_for_one_at_once(sqlite_api: Api) -> None:
    slow = Slow()
    app = Limited(slow, sqlite_api.context.settings)
    path = f"{PREFIX}/studies/1.2.3/deidentified"
    made = [asyncio.create_task(ask(app, "POST", path, "a")) for _ in range(MAKING)]
    await asyncio.sleep(0)
    assert await ask(app, "POST", f"{PREFIX}/studies/1.2.3/films", "a") == 429
    other = asyncio.create_task(ask(app, "POST", path, "b"))
    await asyncio.sleep(0)
    assert slow.inside == MAKING + 1
    slow.go.set()
    assert await asyncio.gather(*made, other) == [200] * (MAKING + 1)
    assert await ask(app, "POST", path, "a") == 200


async def test_pictures_wait_for_their_turn(sqlite_api: Api) -> None:
    slow = Slow()
    app = Limited(slow, sqlite_api.context.settings)
    path = "/dicom-web/studies/1.2/series/1.3/instances/1.4/rendered"
    asked = [asyncio.create_task(ask(app, "GET", path, "a")) for _ in range(PICTURES + WAITING)]
    await asyncio.sleep(0)
    assert await ask(app, "GET", "/wado", "a", b"contentType=image/jpeg") == 429
    assert slow.inside == PICTURES
    slow.go.set()
    assert await asyncio.gather(*asked) == [200] * (PICTURES + WAITING) and slow.most == PICTURES
    assert await ask(app, "GET", path, "a") == 200


def test_every_row_that_makes_something_is_known_to_the_limits() -> None:
    costly = [row for row in ENDPOINTS if row.answer_type in ("video/mp4", "application/zip") or "deidentified" in row.path]
    assert len(costly) >= 4
    assert all(limits.is_made(row.method, PREFIX + row.path.replace("{uid}", "1.2.3")) for row in costly)
    paths = [f"/dicom-web{re.sub('[][]', '', template(row))}" for row in RESOURCES if row.method == "GET"]
    shown = [path for path in paths if limits.is_picture("GET", path, b"")]
    assert len(shown) == 2 and all(path.endswith(("/rendered", "/thumbnail")) for path in shown)
    searched = {path.rpartition("/")[2] for path in paths if limits.is_asking("GET", path)}
    assert searched == {"studies", "series", "instances", "workitems", "{workitem}"}


@pytest.mark.parametrize(("query", "picture"), [
    (b"requestType=WADO&objectUID=1", True), (b"contentType=application%2Fdicom", False),
    (b"contentType=application/dicom", False),
])  # fmt: skip
def test_which_wado_request_is_for_a_picture(query: bytes, picture: bool) -> None:
    assert limits.is_picture("GET", "/wado", query) is picture


@pytest.mark.parametrize("hosts", [[], [b""], [b"a", b"b"], [b"a", b"a"]])
async def test_a_request_names_one_host(sqlite_api: Api, hosts: list[bytes]) -> None:
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": "/healthz", "headers": [(b"host", host) for host in hosts],
             "http_version": "1.1", "client": ("10.0.0.7", 5)}  # fmt: skip
    await Bounded(sqlite_api, 5).app(scope, None, send)  # type: ignore[arg-type]
    assert said[0]["status"] == 400 and b"exactly one host" in said[1]["body"]


async def test_a_body_that_does_not_end_is_not_waited_for(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "BODY_SECONDS", 0.01)

    async def trickling() -> AsyncIterator[bytes]:
        yield b'{"username": "'
        await asyncio.Event().wait()

    async with Bounded(sqlite_api, 5).client() as client:
        headers = {"content-type": "application/json"}
        answer = await client.post("/api/v1/session", content=trickling(), headers=headers)
    assert answer.status_code == 400 and "did not come as a whole" in answer.text
