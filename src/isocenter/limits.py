"""What one client may have of a web process, so that nobody takes it from the others: middleware around all HTTP.

    asking     requests to the API and searches: a bucket of tokens (the setting http_rate); empty: 429 and when to come again
    strangers  requests that end with 401, counted by address; a client that was let in before is not asked about it
    making     films and ZIPs: few at once, a further one gets 429
    pictures   rendered images: some at once, the next ones wait for their turn; 429 when very many do

Never counted: images, frames, bulk data and metadata that are fetched, and what is stored: a volume is a thousand requests.
A client is an address with its credential, so that many people behind one address have a share each. Nothing is shared by
processes: with several of them a client has its share of each.
"""

import asyncio
import hashlib
import math
import os
import re
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isocenter.api import errors
from isocenter.api.endpoint import Door
from isocenter.api.forwarded import Forwarding
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS
from isocenter.domain.addresses import household
from isocenter.domain.errors import Busy, Invalid, IsocenterError
from isocenter.settings import Settings

BURST = 10  # seconds' worth of requests that may come at once
REFUSALS_A_SECOND, REFUSALS_AT_ONCE = 10.0, 300.0
MAKING = 3  # of one client at once
PICTURES, WAITING = 16, 400
REMEMBERED = 8192  # clients; the one that was not seen for longest is forgotten, and may begin anew

_MADE = re.compile(r"/api/v1/studies/[^/]+/(films|films/pictures|deidentified|deidentified-copy)")
_PICTURE = re.compile(r"/dicom-web/studies/.+/(rendered|thumbnail)")
_SEARCH = re.compile(r"/dicom-web(/studies|/series|.*/(series|instances)|/workitems.*)/?")
_STORED = frozenset({"/api/v1/upload"})
_GUARDED = ("/api/", "/dicom-web", "/wado", "/metrics")
_OPEN = frozenset(PREFIX + row.path for row in ENDPOINTS if row.needs is Door.PUBLIC)
_CREDENTIAL = frozenset({b"authorization", b"cookie"})


def is_made(method: str, path: str) -> bool:
    """Whether the answer is made anew and takes long."""
    return method == "POST" and _MADE.fullmatch(path) is not None


def is_picture(method: str, path: str, query: bytes) -> bool:
    """Whether pixels are decoded and shown for the answer (PS3.18 8.3.5, 9.5)."""
    by_uri = path == "/wado" and b"application%2fdicom" not in query.lower() and b"application/dicom" not in query.lower()
    return method in ("GET", "HEAD") and (by_uri or _PICTURE.fullmatch(path) is not None)


def is_asking(method: str, path: str) -> bool:
    """Whether the request counts in the bucket of its client."""
    if path.startswith("/api/"):
        return path not in _STORED
    return _SEARCH.fullmatch(path) is not None and (method in ("GET", "HEAD") or "/workitems" in path)


def is_guarded(path: str) -> bool:
    """Whether only those who are logged in get anything there; logging in itself is slowed down by `service.sessions`."""
    return path.startswith(_GUARDED) and path not in _OPEN


class Buckets:
    """Tokens by key: `rate` a second come in until there are `most`."""

    def __init__(self, rate: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._most, self._clock = rate, most, clock
        self._held: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def wait(self, key: bytes, tokens: float = 1.0) -> float:
        """Seconds until so many tokens are there; 0.0 when they are. Takes none."""
        missing = tokens - self._now(key)
        return max(0.0, missing / self._rate)

    def take(self, key: bytes) -> None:
        """One token."""
        self._held[key] = self._now(key) - 1.0, self._clock()
        self._held.move_to_end(key)
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)

    def _now(self, key: bytes) -> float:
        tokens, at = self._held.get(key, (self._most, self._clock()))
        return min(self._most, tokens + (self._clock() - at) * self._rate)


class Turns:
    """`at_once` of each client; `waiting` more stand in a queue of its own, further ones are refused."""

    def __init__(self, at_once: int, waiting: int, what: str) -> None:
        self._at_once, self._waiting, self._what = at_once, waiting, what
        self._counts: defaultdict[bytes, int] = defaultdict(int)
        self._turns: dict[bytes, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def of(self, key: bytes) -> AsyncIterator[None]:
        """Inside is the turn of one request. Raises Busy."""
        if self._counts[key] >= self._at_once + self._waiting:
            raise Busy(self._what, retry_after=5, kept="Nothing was begun.", hint="Ask again when one of them is done.")
        self._counts[key] += 1
        try:
            async with self._turns.setdefault(key, asyncio.Semaphore(self._at_once)):
                yield
        finally:
            self._counts[key] -= 1
            if not self._counts[key]:
                del self._counts[key], self._turns[key]


class Limited:
    """The middleware. What is refused is never handed on, so it costs neither a look at the index nor a thread."""

    def __init__(self, app: ASGIApp, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._forwarding = Forwarding(settings.proxies)
        self._key = os.urandom(32)
        rate = float(settings.http_rate)
        self._asked = Buckets(rate, BURST * rate, clock) if rate else None
        self._refused = Buckets(REFUSALS_A_SECOND, REFUSALS_AT_ONCE, clock)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._making = Turns(MAKING, 0, f"{MAKING} films or ZIPs are being made for you")
        self._pictures = Turns(PICTURES, WAITING, "very many pictures are being made for you")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as turn:
            try:
                one_host(scope)
                address, client = self._who(scope)
                self._admit(scope, address, client)
                await self._wait_in(turn, scope, client)
            except IsocenterError as error:
                await errors.response(error)(scope, receive, send)
                return
            await self._app(scope, receive, self._noting(scope, send, address, client))

    async def _wait_in(self, turn: AsyncExitStack, scope: Scope, client: bytes) -> None:
        if is_made(scope["method"], scope["path"]):
            await turn.enter_async_context(self._making.of(client))
        elif is_picture(scope["method"], scope["path"], scope.get("query_string", b"")):
            await turn.enter_async_context(self._pictures.of(client))

    def _who(self, scope: Scope) -> tuple[bytes, bytes]:
        """The address (of IPv6 the network), and the client: both as keys that tell nothing."""
        address = household(self._forwarding.origin(scope).address).encode()
        digest = hashlib.blake2b(address, key=self._key, digest_size=16)
        for name, value in scope["headers"]:
            if name in _CREDENTIAL:
                digest.update(b"\0" + value)
        return address, digest.digest()

    def _admit(self, scope: Scope, address: bytes, client: bytes) -> None:
        """Raises Busy."""
        if client not in self._known and is_guarded(scope["path"]) and (wait := self._refused.wait(address)):
            raise _too_many("requests without a valid login come from your address", wait)
        if self._asked is None or not is_asking(scope["method"], scope["path"]):
            return
        if wait := self._asked.wait(client):
            raise _too_many("requests come from you", wait)
        self._asked.take(client)

    def _noting(self, scope: Scope, send: Send, address: bytes, client: bytes) -> Send:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 401:
                    self._refused.take(address)
                    self._known.pop(client, None)
                elif message["status"] < 400 and client not in self._known and is_guarded(scope["path"]):
                    self._know(client)
            await send(message)

        return noted

    def _know(self, client: bytes) -> None:
        self._known[client] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _too_many(what: str, wait: float) -> Busy:
    return Busy(f"too many {what}", retry_after=math.ceil(wait), kept="Nothing was done.")


def one_host(scope: Scope) -> None:
    """RFC 9112 3.2: a request names one host, or two programs on its way may each read another. Raises Invalid."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]  # granian adds an empty one where there is none
    if len(hosts) > 1 or (not any(hosts) and scope.get("http_version") == "1.1"):
        raise Invalid("a request names exactly one host", where="Host")
