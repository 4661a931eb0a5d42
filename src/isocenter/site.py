"""The web role's ASGI application: which tree answers a request, and what stands around all of them."""

import ipaddress
import logging
import time

import anyio.to_thread
import orjson
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isocenter import metrics
from isocenter.api import auth
from isocenter.api import routes as api_routes
from isocenter.api.live import Live
from isocenter.api.security_headers import SecurityHeaders
from isocenter.dicomweb import routes as dicomweb_routes
from isocenter.limits import Limited
from isocenter.operations import PATHS, Operations
from isocenter.pages import Pages
from isocenter.service import audit_trail
from isocenter.service.context import Context
from isocenter.settings import Settings

log = logging.getLogger(__name__)

ROLE = "web"

# Threads for the synchronous use cases of one web process; each may hold one of the database's reading connections.
THREADS = 48

# First path segments that metrics may use as a label.
AREAS = frozenset({"dicom-web", "wado", "api", "assets", "healthz", "readyz", "metrics"})


def application(context: Context) -> ASGIApp:
    """Everything HTTP. Order of the middleware: headers on every answer, times, the net under the edges, who, how often."""
    authenticator = auth.Authenticator(context)
    site = Site(context, authenticator)
    guarded = Guarded(OnlyProxies(Limited(site, context.settings), context.settings))
    return SecurityHeaders(Measured(guarded), context.settings.proxies)


class Site:
    """Which tree answers: by the beginning of the path, without a router on the way to frames."""

    def __init__(self, context: Context, authenticator: auth.Authenticator) -> None:
        self._context = context
        self._dicomweb = dicomweb_routes.asgi(context, authenticator)
        self._live = Live(context)
        self._api = Starlette(routes=api_routes.routes(context, authenticator, self._live))
        self._operations = Operations(context, authenticator)
        self._pages = Pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        path = scope["path"]
        if scope["type"] == "websocket" and not path.startswith("/dicom-web"):
            await send({"type": "websocket.close", "code": 1008})
            return
        if path.startswith("/dicom-web") or path == "/wado":
            await self._dicomweb(scope, receive, send)
        elif path.startswith("/api/"):
            await self._api(scope, receive, send)
        elif path in PATHS:
            await self._operations(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
                self._live.end_with_the_server(self._dicomweb.notifications.stop)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await anyio.to_thread.run_sync(audit_trail.ended, self._context, ROLE)
                await anyio.to_thread.run_sync(self._context.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


class Guarded:
    """An exception that no edge has turned into an answer becomes a 500 without details; the log has its type."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer when the application cannot."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("a request failed", extra={"facts": {"method": scope["method"], "area": area(scope["path"])}})
            if started:
                raise  # the connection must break: a complete-looking answer would be a lie
            error = {"kind": "broken", "message": "Isocenter could not answer this; its log has the reason.", "where": "",
                     "kept": "", "hint": "Try again; if it stays, tell your administrator."}
            body = orjson.dumps({"error": error})
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": body})


class OnlyProxies:
    """Without TLS on an open interface only the declared proxies (and this machine) are served: DESIGN 4."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._open = settings.tls or settings.http.is_loopback
        trusted = (*settings.proxies, "127.0.0.0/8", "::1/128")
        self._trusted = tuple(ipaddress.ip_network(network, strict=False) for network in trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from a proxy."""
        if self._open or scope["type"] == "lifespan" or self._is_trusted(scope):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        body = b"Isocenter is reached through its proxy only.\n"
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_trusted(self, scope: Scope) -> bool:
        client, server = scope.get("client"), scope.get("server")
        if not client:
            return True  # a Unix socket
        if server and client[0] == server[0]:
            return True  # to the one address we listen on from itself: this machine, whose supervisor asks /readyz so
        address = ipaddress.ip_address(client[0])
        mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:10.0.0.1 is 10.0.0.1 on a socket that speaks both
        return any((mapped or address) in network for network in self._trusted)


class Measured:
    """Counts every request and the time to the first byte of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on and take the time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                metrics.request(area(scope["path"]), scope["method"], message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, timed)


def area(path: str) -> str:
    """The label of a path: bounded, and without a UID in it."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return first if first in AREAS else "client"
