"""The API in process: a real archive on each database, an ASGI client, accounts of every role, a clock that tests can turn."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette

from isocenter import app
from isocenter.api.auth import Authenticator
from isocenter.api.documents import SCHEMAS
from isocenter.api.endpoint import Endpoint
from isocenter.api.live import Live
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS, routes
from isocenter.api.schema import check
from isocenter.api.security_headers import SecurityHeaders
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import accounts, ingest
from isocenter.service.context import Context

PASSWORD = "a sentence of several words"


@dataclass
class Clock:
    """The time of day, as far as the services know."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """The row of the table that answered a request."""
    parts = path.removeprefix(PREFIX).split("/")
    for row in ENDPOINTS:
        wanted = row.path.split("/")
        same = len(parts) == len(wanted) and all(w.startswith("{") or w == p for w, p in zip(wanted, parts, strict=True))
        if same and row.method == method:
            return row
    return None


def hold_to_description(response: httpx.Response) -> None:
    """Every answer in every test is held against what openapi.json says of it."""
    request = response.request
    row = endpoint_of(request.method, request.url.path) if request.url.path.startswith(f"{PREFIX}/") else None
    if row is None:
        return
    statuses = {row.status, *(_status(kind) for kind in row.all_errors)}
    assert response.status_code in statuses, f"{request.method} {request.url.path}: {response.status_code} {response.text}"
    if response.status_code != row.status:
        check(response.json(), SCHEMAS["Error"], "", SCHEMAS)
    elif row.answer is not None and row.answer_type == "application/json":
        check(response.json(), row.answer, "", SCHEMAS)


def _status(kind: Any) -> int:
    from isocenter.api.errors import STATUS

    return STATUS[kind]


class Api:
    """The API of one archive."""

    def __init__(self, context: Context) -> None:
        self.clock = Clock()
        cheap = replace(context.settings, argon2_memory_kib=64, argon2_passes=1)
        self.context = replace(context, settings=cheap, clock=self.clock, conformance=app.conformance)
        self.open()

    def open(self, **settings: Any) -> None:
        """Begin again, as after a restart; with other settings if wanted."""
        self.context = replace(self.context, settings=replace(self.context.settings, **settings))
        self.authenticator = Authenticator(self.context)
        self.live = Live(self.context)
        site = Starlette(routes=routes(self.context, self.authenticator, self.live))
        self.app = SecurityHeaders(site, self.context.settings.proxies)

    def account(self, role: Role | str, name: str | None = None, referrer_name: str = "") -> str:
        """Make an account; returns its name."""
        name = name or str(role)
        accounts.add_user(self.context, SYSTEM, name=name, role=role, password=PASSWORD, referrer_name=referrer_name)
        return name

    def token(self, role: Role | str, name: str | None = None, referrer_name: str = "") -> str:
        """Make an account and a token of it; returns the secret."""
        name = self.account(role, name, referrer_name)
        return accounts.create_token(self.context, SYSTEM, user=name, name="test").secret

    def store(self, content: bytes) -> None:
        """Take an object in by the front door."""
        with ingest.begin(self.context, SYSTEM, source="upload") as reception:
            reception.write(content)
            reception.finish()

    def kinds(self) -> list[str]:
        """The kinds of all changes so far."""
        from isocenter.store import changes

        return [change.kind for change in self.context.database.read(lambda connection: changes.since(connection, 0))]

    @asynccontextmanager
    async def client(self, token: str = "", address: str = "127.0.0.1", https: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        """A client; with a token it is logged in by it."""

        async def described(response: httpx.Response) -> None:
            await response.aread()
            hold_to_description(response)

        transport = httpx.ASGITransport(self.app, client=(address, 50000))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        base = f"{'https' if https else 'http'}://isocenter.test{PREFIX}"
        hooks: dict[str, list[Callable[[httpx.Response], Awaitable[None]]]] = {"response": [described]}
        made = httpx.AsyncClient(transport=transport, base_url=base, headers=headers, event_hooks=hooks, trust_env=False)
        async with made as client:
            yield client

    async def log_in(self, client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
        """Log in; the client then has the cookie, and sends the CSRF token."""
        response = await client.post("/session", json={"username": name, "password": password})
        if response.status_code == 200:
            client.headers["X-CSRF-Token"] = response.json()["csrf_token"]
        return response

