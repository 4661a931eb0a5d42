"""The live feed: what happens is told as it happens, to those who may know, without gaps, as long as the session lasts."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
import pytest

from api_harness import Api
from isocenter.api import live
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import accounts, changes
from objects import part10

pytestmark = pytest.mark.anyio


class Feed:
    """One listener of /events, driven by the bare ASGI protocol: httpx's transport would wait for the end of the stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.events: list[tuple[str, int, Any]] = []
        self.comments = 0
        self.ended = False
        self._buffer = b""

    def take(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        self._buffer += message.get("body", b"")
        self.ended = not message.get("more_body", False)
        *complete, self._buffer = self._buffer.split(b"\n\n")
        for block in complete:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if not line.startswith(b":"))
            self.comments += block.startswith(b":")
            if b"event" in fields:
                self.events.append((fields[b"event"].decode(), int(fields[b"id"]), orjson.loads(fields[b"data"])))

    async def until(self, count: int) -> list[tuple[str, int, Any]]:
        """Wait for so many events."""
        with anyio.fail_after(20):
            while len(self.events) < count and not self.ended:
                await anyio.sleep(0.02)
        return self.events


@asynccontextmanager
async def listening(
    api: Api, token: str = "", *, cookie: str = "", last: int | None = None, path: str = "/events", query: str = ""
) -> AsyncIterator[Feed]:
    feed = Feed()
    gone = asyncio.Event()
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else [(b"cookie", f"isocenter_session={cookie}".encode())]
    if last is not None:
        headers.append((b"last-event-id", str(last).encode()))
    scope = {"type": "http", "method": "GET", "path": f"/api/v1{path}",
             "raw_path": f"/api/v1{path}".encode(), "query_string": query.encode(),
             "headers": headers, "client": ("127.0.0.1", 1), "server": ("isocenter.test", 80), "scheme": "http",
             "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.4"}}  # fmt: skip

    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if gone.is_set():
            raise OSError("the client is gone")
        feed.take(message)

    async def run() -> None:
        try:
            await api.app(scope, receive, send)
        except OSError:
            pass

    task = asyncio.create_task(run())
    try:
        with anyio.fail_after(20):
            while not feed.status:
                await anyio.sleep(0.01)
        await anyio.sleep(0.1)
        yield feed
    finally:
        gone.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def study(number: int, referrer: str = "House^Gregory") -> bytes:
    return part10(StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.2.{number}.1", ReferringPhysicianName=referrer)


async def test_a_study_that_arrives_is_told_to_all_who_listen(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    async with listening(api, token) as one, listening(api, token) as other:
        assert one.status == 200 and one.headers[b"content-type"].startswith(b"text/event-stream")
        await anyio.to_thread.run_sync(api.store, study(1))
        for feed in (one, other):
            events = await feed.until(2)
            assert {data["kind"] for _, _, data in events} == {"study.created", "instance.stored"}
            assert all(name == "change" and data["study"] == "1.2.1" and data["seq"] == seq for name, seq, data in events)


async def test_after_a_break_nothing_is_missing_and_nothing_comes_twice(api: Api) -> None:
    token = api.token(Role.RADIOLOGIST)
    api.store(study(1))
    async with listening(api, token) as feed:
        api.store(study(2))
        seen = (await feed.until(2))[-1][1]
    api.store(study(3))
    api.store(study(4))
    async with listening(api, token, last=seen) as feed:
        events = await feed.until(4)
        assert {data["study"] for _, _, data in events} == {"1.2.3", "1.2.4"}
        api.store(study(5))
        assert (await feed.until(6))[-1][2]["study"] == "1.2.5"
        assert [seq for _, seq, _ in feed.events] == sorted({seq for _, seq, _ in feed.events})


async def test_many_changes_of_one_study_are_one_event(sqlite_api: Api) -> None:
    token = sqlite_api.token(Role.RADIOLOGIST)
    last = api_latest(sqlite_api)
    for _ in range(30):
        sqlite_api.store(study(1))
    newest = api_latest(sqlite_api)
    async with listening(sqlite_api, token, last=last) as feed:
        events = await feed.until(2)
        await anyio.sleep(0.3)
    assert len(events) == 2
    stored = next(data for _, _, data in events if data["kind"] == "instance.stored")
    assert stored["count"] == 30 and stored["seq"] == newest


def api_latest(api: Api) -> int:
    return changes.latest(api.context)


async def test_a_listener_far_behind_reads_the_log_itself(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BATCH", 3)
    monkeypatch.setattr(live, "RING", 4)
    sqlite_api.open()
    token = sqlite_api.token(Role.RADIOLOGIST)
    last = api_latest(sqlite_api)
    for number in range(12):
        sqlite_api.store(study(number))
    async with listening(sqlite_api, token, last=last) as feed:
        events = await feed.until(24)
        assert [data["study"] for _, _, data in events if data["kind"] == "study.created"] == [f"1.2.{n}" for n in range(12)]
        for number in range(12, 20):
            await anyio.to_thread.run_sync(sqlite_api.store, study(number))
        events = await feed.until(40)
        assert {data["study"] for _, _, data in events} == {f"1.2.{n}" for n in range(20)}


async def test_a_number_nobody_knows_means_begin_afresh(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sqlite_api.token(Role.RADIOLOGIST)
    async with listening(sqlite_api, token, last=10**9) as feed:
        (name, seq, _), *_ = await feed.until(1)
        assert (name, seq) == ("reset", api_latest(sqlite_api))
    monkeypatch.setattr(live, "LONGEST_REPLAY", 1)
    async with listening(sqlite_api, token, last=0) as feed:
        assert (await feed.until(1))[0][0] == "reset"


async def test_each_sees_only_what_the_role_and_scope_allow(api: Api) -> None:
    admin = api.token(Role.ADMIN)
    radiologist = api.token(Role.RADIOLOGIST)
    house = api.token(Role.REFERRER, "house", "House^Gregory")
    async with listening(api, admin) as all_, listening(api, radiologist) as some, listening(api, house) as few:
        accounts.add_user(api.context, SYSTEM, name="new", role="referrer", password="a sentence of words")
        api.store(study(1, "Wilson^James"))
        api.store(study(2, "House^Gregory"))
        await all_.until(5)
        await some.until(4)
        await few.until(2)
        await anyio.sleep(0.3)
    assert {data["kind"] for _, _, data in all_.events} >= {"account.created", "study.created", "instance.stored"}
    assert {data["study"] for _, _, data in some.events} == {"1.2.1", "1.2.2"}
    assert {data["study"] for _, _, data in few.events} == {"1.2.2"}


async def test_the_feed_ends_with_its_session(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "ray")
        async with listening(sqlite_api, cookie=client.cookies["isocenter_session"]) as feed:
            await client.delete("/session")
            events = await feed.until(1)
            assert events[-1][0] == "end"
            with anyio.fail_after(5):
                while not feed.ended:
                    await anyio.sleep(0.05)


async def test_listening_is_no_activity(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.1)
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "ray")
        async with listening(sqlite_api, cookie=client.cookies["isocenter_session"]) as feed:
            for _ in range(3):
                sqlite_api.clock.forward(minutes=6)
                sqlite_api.authenticator.forget()
                await anyio.sleep(0.3)
            assert (await feed.until(1))[-1][0] == "end"


async def test_a_quiet_feed_has_a_heartbeat_that_moves_on(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(live, "POLL_SECONDS", 0.05)
    token = sqlite_api.token(Role.RADIOLOGIST)
    async with listening(sqlite_api, token) as feed:
        with anyio.fail_after(10):
            while feed.comments < 3:
                await anyio.sleep(0.05)
        assert feed.events == []


async def test_a_server_that_stops_ends_its_feeds_at_once(sqlite_api: Api) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        async with listening(sqlite_api, sqlite_api.token(Role.RADIOLOGIST)) as feed:
            sqlite_api.live.end_with_the_server()
            os.kill(os.getpid(), signal.SIGTERM)
            with anyio.fail_after(5):
                while not feed.ended:
                    await anyio.sleep(0.02)
        assert heard == [signal.SIGTERM], "the server's own handler goes on working"
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_nobody_polls_when_nobody_listens(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.05)
    token = sqlite_api.token(Role.RADIOLOGIST)
    async with listening(sqlite_api, token), listening(sqlite_api, token):
        polling = [task for task in asyncio.all_tasks() if "_poll" in repr(task.get_coro())]
        assert len(polling) == 1
    with anyio.fail_after(10):
        while any("_poll" in repr(task.get_coro()) for task in asyncio.all_tasks()):
            await anyio.sleep(0.05)


async def test_the_whole_feed_from_a_number_and_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replayed however long ago, each change by itself, in order and none twice."""
    monkeypatch.setattr(live, "LONGEST_REPLAY", 1)
    token = api.token(Role.RADIOLOGIST)
    last = api_latest(api)
    for number in (1, 1, 2):
        api.store(study(number))
    async with listening(api, token, last=last, path="/changes/stream", query="kind=instance.*") as feed:
        await feed.until(3)
        await anyio.to_thread.run_sync(api.store, study(3))
        told = await feed.until(4)
    assert [(name, data["kind"], data["payload"]["study"]) for name, _, data in told] == [
        ("change", "instance.stored", f"1.2.{number}") for number in (1, 1, 2, 3)
    ]
    assert [seq for _, seq, _ in told] == [data["seq"] for _, _, data in told] == sorted({seq for _, seq, _ in told})
    async with api.client(token) as client:
        page = (await client.get(f"/changes?since={last}&kind=instance.stored")).json()
    assert page["changes"] == [data for _, _, data in told] and page["cursor"] == page["latest_change"]


async def test_the_feed_is_what_an_account_may_learn_of(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", 3)
    house, some = api.token(Role.REFERRER, "house", "House^Gregory"), api.token(Role.RADIOLOGIST)
    for number in range(8):
        api.store(study(number, "House^Gregory" if number in (2, 7) else "Wilson^James"))

    async def whole(token: str, kind: str = "") -> list[Any]:
        found, since = [], 0
        async with api.client(token) as client:
            while since is not None:
                page = (await client.get(f"/changes?since={since}&limit=2&kind={kind}")).json()
                found += page["changes"]
                assert page["next"] in (None, page["cursor"])
                since = page["next"]
            assert (await client.get("/changes?kind=nonsense")).json()["error"]["where"] == "kind"
            assert (await client.get("/changes?kind=st*")).status_code == 400
        return found

    few = await whole(house)
    assert {change["payload"]["study"] for change in few} == {"1.2.2", "1.2.7"} and len(few) == 4
    assert [change["subject"] for change in await whole(some, "study.created")] == [f"1.2.{number}" for number in range(8)]
    assert {change["kind"] for change in await whole(some)} == {"study.created", "instance.stored"}, "no accounts"


async def test_the_log_is_for_administrators_and_in_pages(api: Api) -> None:
    api.store(study(1))
    async with api.client(api.token(Role.ADMIN)) as client:
        first = (await client.get("/changes?limit=2")).json()
        assert [change["seq"] for change in first["changes"]] == [1, 2] and first["next"] == 2
        rest = (await client.get(f"/changes?since={first['next']}")).json()
        assert rest["next"] is None and rest["changes"][-1]["seq"] == rest["latest_change"]
        kinds = [change["kind"] for page in (first, rest) for change in page["changes"]]
        assert kinds[:2] == ["study.created", "instance.stored"] and "account.created" in kinds
        assert "Doe" not in str(first) + str(rest)
