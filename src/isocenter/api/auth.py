"""Who is asking, for every HTTP request: Bearer, Basic or the session cookie -> Principal.

What was found is remembered for two seconds, under a keyed hash of the credential, so that two thousand frames a second cost one
look-up. A change made in this process is seen at once (`forget`); one made elsewhere after those two seconds at the latest.
"""

import asyncio
import base64
import binascii
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.types import Scope

from isocenter.api.forwarded import Forwarding, Origin
from isocenter.domain.access import Principal
from isocenter.domain.credentials import csrf_token, same
from isocenter.domain.errors import Busy, Forbidden, Unauthenticated
from isocenter.service import sessions, sharing
from isocenter.service.context import Context

T = TypeVar("T")

COOKIE = "isocenter_session"
CSRF_HEADER = b"x-csrf-token"
BACKGROUND_HEADER = b"x-isocenter-background"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BY_COOKIE = ("session", "link")

REMEMBERED_SECONDS = 2.0
# More callers than this at once are not remembered longer than the rest; a bound, so that nobody fills our memory.
REMEMBERED_CALLERS = 4096
# Programs with Basic or a token make a change row when they begin and then each ten minutes, not for each request.
NOTED_SECONDS = 600.0
LONGEST_CREDENTIAL = 4096
# argon2 keeps a core and tens of megabytes busy: two at a time, and a queue with an end, so that a flood costs only logins.
HASHING_AT_ONCE = 2
LOGIN_QUEUE = 32
ELSEWHERE_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the request carries: scheme "bearer", "basic", "session" or "link" (both a cookie), and the secret as sent."""

    scheme: str
    secret: str


@dataclass(slots=True)
class _Known:
    principal: Principal
    until: float
    active: bool


class Authenticator:
    """`await principal(scope)`: the one question every edge asks. Belongs to one event loop."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._forwarding = Forwarding(context.settings.proxies)
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Task[Principal]] = {}
        self._noted: dict[bytes, float] = {}
        self._key = os.urandom(32)
        self._generation = 0
        self._hashing: anyio.CapacityLimiter | None = None
        self._elsewhere: anyio.CapacityLimiter | None = None

    def origin(self, scope: Scope) -> Origin:
        """Where the request comes from, proxies considered."""
        return self._forwarding.origin(scope)

    def forget(self) -> None:
        """An account, session or token was changed: believe nothing that was known before."""
        self._generation += 1
        self._known.clear()
        self._asking.clear()

    async def principal(self, scope: Scope) -> Principal:
        """Who is asking. Raises Unauthenticated, Forbidden (no CSRF token under a cookie), Busy (throttled)."""
        credentials, csrf, background = _read(scope)
        if credentials is None:
            raise Unauthenticated("nobody is logged in")
        address = self.origin(scope).address
        principal = await self._identify(credentials, address, active=not background)
        if credentials.scheme in BY_COOKIE and scope["method"] not in SAFE and not same(csrf, csrf_token(credentials.secret)):
            raise Forbidden(
                "the request does not prove that it comes from our own page",
                where="X-CSRF-Token",
                kept="nothing was changed",
                hint="send the csrf_token of GET /api/v1/session as X-CSRF-Token",
            )
        return principal

    async def still(self, scope: Scope) -> Principal:
        """Who is behind a long answer, asked again; it does not count as a person's activity. Raises as `principal`."""
        credentials, _, _ = _read(scope)
        if credentials is None:
            raise Unauthenticated("nobody is logged in")
        return await self._identify(credentials, self.origin(scope).address, active=False)

    async def hashing(self, function: Callable[[], T]) -> T:
        """Run a function that hashes passwords in a thread; at most two at once. Raises Busy when the queue is long."""
        self._hashing = self._hashing or anyio.CapacityLimiter(HASHING_AT_ONCE)
        return await _queued(function, self._hashing)

    async def elsewhere(self, function: Callable[[], T]) -> T:
        """Run what waits for the provider of accounts in a thread; a slow one keeps no more of them. Raises Busy likewise."""
        self._elsewhere = self._elsewhere or anyio.CapacityLimiter(ELSEWHERE_AT_ONCE)
        return await _queued(function, self._elsewhere)

    async def _identify(self, credentials: Credentials, address: str, *, active: bool) -> Principal:
        label = f"{credentials.scheme}\0{address}\0{credentials.secret}".encode()
        key = hashlib.blake2b(label, key=self._key, digest_size=16).digest()
        known = self._known.get(key)
        if known is not None and known.until > time.monotonic() and (known.active or not active):
            return known.principal
        # Many requests may miss at once (a page that loads twenty images): one of them asks, the others wait for it.
        task = self._asking.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._look_up(key, credentials, address, active))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    def _done(self, key: bytes, task: "asyncio.Task[Principal]") -> None:
        if self._asking.get(key) is task:
            del self._asking[key]
        if not task.cancelled():
            task.exception()  # taken: whoever waited has it

    async def _look_up(self, key: bytes, credentials: Credentials, address: str, active: bool) -> Principal:
        generation = self._generation
        note = credentials.scheme not in BY_COOKIE and self._noted.get(key, 0.0) < time.monotonic()
        principal = await self._ask(credentials, address, active, note)
        if note:
            _make_room(self._noted, lambda until: until)
            self._noted[key] = time.monotonic() + NOTED_SECONDS
        if generation == self._generation:
            _make_room(self._known, lambda known: known.until)
            self._known[key] = _Known(principal, time.monotonic() + REMEMBERED_SECONDS, active)
        return principal

    async def _ask(self, credentials: Credentials, address: str, active: bool, note: bool) -> Principal:
        context, secret = self._context, credentials.secret
        if credentials.scheme == "session":
            return await anyio.to_thread.run_sync(lambda: sessions.resume(context, secret, address, active=active))
        if credentials.scheme == "link":
            whose = partial(sessions.known, context)
            return await anyio.to_thread.run_sync(lambda: sharing.resume(context, secret, address, whose))
        if credentials.scheme == "bearer":
            return await anyio.to_thread.run_sync(lambda: sessions.bearer(context, secret, address, note=note))
        username, password = _basic(secret)
        return await self.hashing(lambda: sessions.basic(context, username, password, address, note=note))


async def _queued(function: Callable[[], T], limiter: anyio.CapacityLimiter) -> T:
    if limiter.statistics().tasks_waiting >= LOGIN_QUEUE:
        raise Busy("too many people are logging in at once", retry_after=2)
    return await anyio.to_thread.run_sync(function, limiter=limiter)


def _make_room(remembered: dict[bytes, T], until: Callable[[T], float]) -> None:
    if len(remembered) < REMEMBERED_CALLERS:
        return
    now = time.monotonic()
    for key in [key for key, value in remembered.items() if until(value) < now]:
        del remembered[key]
    if len(remembered) >= REMEMBERED_CALLERS:
        remembered.clear()


def session_secret(scope: Scope) -> str:
    """The session cookie's value, or ""."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            secret = _cookie(value)
            if secret:
                return secret
    return ""


def _read(scope: Scope) -> tuple[Credentials | None, str, bool]:
    """Credentials (Authorization before the cookie), the CSRF token and whether the request is no human's doing."""
    found: Credentials | None = None
    csrf = ""
    background = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            found = _authorization(value.decode("latin-1"))
        elif name == b"cookie" and found is None:
            secret = _cookie(value)
            scheme = "link" if secret.startswith(sharing.PREFIX) else "session"
            found = Credentials(scheme, secret) if secret else None
        elif name == CSRF_HEADER:
            csrf = value.decode("latin-1")
        elif name == BACKGROUND_HEADER:
            background = True
    return found, csrf, background


def _cookie(header: bytes) -> str:
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE and 0 < len(value) <= LONGEST_CREDENTIAL:
            return value
    return ""


def _authorization(header: str) -> Credentials:
    scheme, _, secret = header.partition(" ")
    secret = secret.strip()
    if scheme.lower() not in ("bearer", "basic") or not secret or len(secret) > LONGEST_CREDENTIAL:
        raise Unauthenticated("the Authorization header cannot be used", where="Authorization", hint="send Bearer or Basic")
    return Credentials(scheme.lower(), secret)


def _basic(secret: str) -> tuple[str, str]:
    """RFC 7617: base64 of UTF-8 `user:password`."""
    try:
        username, colon, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon or "\0" in username:
        raise Unauthenticated("the Basic credentials cannot be read", where="Authorization", hint="base64 of UTF-8 user:password")
    return username, password
