"""The DICOMweb resources (PS3.18 10) and who answers them: one bare ASGI application."""

import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from starlette.routing import BaseRoute, Mount

from isocenter.dicomweb import bulkdata, capabilities, metadata, notifications, qido, rendered, status, stow, ups, wado, wado_uri
from isocenter.dicomweb.address import ROOT, Addresses
from isocenter.dicomweb.cors import Cors
from isocenter.dicomweb.exchange import Exchange, Gone, Message, Receive, Scope, Send
from isocenter.domain.access import Permission, Principal, require, require_account
from isocenter.domain.errors import Busy, Invalid, IsocenterError, Missing
from isocenter.service.context import Context
from isocenter.service.rendering import Films, Renderer
from isocenter.service.retrieve import Retrieval

THREADS = 16  # that wait for disk and database; more would only queue in SQLite's or the pool's connections

URI = "/wado"  # WADO-URI (PS3.18 9); it is no resource of DICOMweb, but answered by the same application

_UID = r"(?P<{}>[^/]+)"
_STUDY = "/studies/" + _UID.format("study")
_SERIES = _STUDY + "/series/" + _UID.format("series")
_INSTANCE = _SERIES + "/instances/" + _UID.format("instance")
# Of a study, a series, an instance or frames.
_LEVEL = f"(?:/series/{_UID.format('series')}(?:/instances/{_UID.format('instance')}(?:/frames/(?P<frames>[^/]+))?)?)?"
_WORKITEM = "/workitems/" + _UID.format("workitem")
_SUBSCRIBER = _WORKITEM + "/subscribers/(?P<aetitle>[^/]+)"
_REQUESTER = "(?:/(?P<aetitle>[^/]+))?"  # who asks, as an AE title: not in the standard, but other archives want it
_USABLE_UID = re.compile(r"[0-9.]{1,64}")  # PS3.5 9.1; leading zeros are wrong, but objects with such UIDs are held


@dataclass(frozen=True, slots=True)
class Tools:
    """What handlers work with; made once a process."""

    context: Context
    retrieval: Retrieval
    renderer: Renderer
    films: Films


Handler = Callable[[Tools, Exchange], Awaitable[None]]


def _reading(handler: Callable[[Retrieval, Exchange], Awaitable[None]]) -> Handler:
    return lambda tools, exchange: handler(tools.retrieval, exchange)


def _acting(handler: Callable[[Context, Exchange], Awaitable[None]]) -> Handler:
    return lambda tools, exchange: handler(tools.context, exchange)


def _telling(handler: Callable[[Exchange], Awaitable[None]]) -> Handler:
    return lambda tools, exchange: handler(exchange)


def _giving(handler: Callable[[Context, Retrieval, Exchange], Awaitable[None]]) -> Handler:
    return lambda tools, exchange: handler(tools.context, tools.retrieval, exchange)


def _showing(handler: Callable[[Renderer, Films, Exchange], Awaitable[None]]) -> Handler:
    return lambda tools, exchange: handler(tools.renderer, tools.films, exchange)


def _by_uri(tools: Tools, exchange: Exchange) -> Awaitable[None]:
    return wado_uri.retrieve(tools.context, tools.retrieval, tools.renderer, tools.films, exchange)


class Resource(NamedTuple):
    """A row of the table. needs: what whoever asks must be permitted at least; None for any account."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    needs: Permission | None


# The most asked first: frames, whole series, metadata.
_QUERY, _READ, _STORE = Permission.STUDY_QUERY, Permission.STUDY_READ, Permission.STUDY_STORE
_UPS_READ, _UPS_MANAGE = Permission.UPS_READ, Permission.UPS_MANAGE
RESOURCES: tuple[Resource, ...] = tuple(
    Resource(method, re.compile(pattern), handler, needs)
    for method, pattern, handler, needs in (
        ("GET", _INSTANCE + "/frames/(?P<frames>[^/]+)", _giving(wado.frames), _READ),
        ("GET", _SERIES, _giving(wado.instances), _READ),
        ("GET", _SERIES + "/metadata", _reading(metadata.metadata), _READ),
        ("GET", _INSTANCE, _giving(wado.instances), _READ),
        ("GET", _INSTANCE + "/metadata", _reading(metadata.metadata), _READ),
        ("GET", _INSTANCE + "/bulkdata/(?P<bulkdata>[0-9A-Fa-f/]{8,512})", _giving(bulkdata.bulkdata), _READ),
        ("GET", _INSTANCE + "/bulkdata", _giving(bulkdata.all_bulkdata), _READ),
        ("GET", _SERIES + "/bulkdata", _giving(bulkdata.all_bulkdata), _READ),
        ("GET", _STUDY + "/bulkdata", _giving(bulkdata.all_bulkdata), _READ),
        ("GET", _INSTANCE + "/pixeldata", _giving(bulkdata.pixeldata), _READ),
        ("GET", _SERIES + "/pixeldata", _giving(bulkdata.pixeldata), _READ),
        ("GET", _STUDY + "/pixeldata", _giving(bulkdata.pixeldata), _READ),
        ("GET", _STUDY, _giving(wado.instances), _READ),
        ("GET", _STUDY + "/metadata", _reading(metadata.metadata), _READ),
        ("GET", "/studies", _acting(qido.studies), _QUERY),
        ("GET", "/series", _acting(qido.series), _QUERY),
        ("GET", _STUDY + "/series", _acting(qido.series), _QUERY),
        ("GET", "/instances", _acting(qido.instances), _QUERY),
        ("GET", _STUDY + "/instances", _acting(qido.instances), _QUERY),
        ("GET", _SERIES + "/instances", _acting(qido.instances), _QUERY),
        ("GET", _STUDY + _LEVEL + "/rendered", _showing(rendered.rendered), _READ),
        ("GET", _STUDY + _LEVEL + "/thumbnail", _showing(rendered.thumbnail), _READ),
        ("POST", "/studies", _acting(stow.store), _STORE),
        ("POST", _STUDY, _acting(stow.store), _STORE),
        ("GET", "/workitems", _acting(ups.search), _UPS_READ),
        ("POST", "/workitems", _acting(ups.create), _UPS_MANAGE),
        ("GET", _WORKITEM, _acting(ups.retrieve), _UPS_READ),
        ("POST", _WORKITEM, _acting(ups.update), _UPS_MANAGE),
        ("PUT", _WORKITEM + "/state" + _REQUESTER, _acting(ups.change_state), _UPS_MANAGE),
        ("POST", _WORKITEM + "/cancelrequest" + _REQUESTER, _acting(ups.request_cancel), _UPS_MANAGE),
        ("POST", _SUBSCRIBER, _acting(ups.subscribe), _UPS_READ),
        ("DELETE", _SUBSCRIBER, _acting(ups.unsubscribe), _UPS_READ),
        ("POST", _SUBSCRIBER + "/suspend", _acting(ups.suspend), _UPS_READ),
        ("GET", "(?P<resource>)", _telling(capabilities.capabilities), None),
    )
)


def template(resource: Resource) -> str:
    """Its path to be read: {study} for what is variable, [...] for what may be left out."""
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", resource.pattern.pattern)
    return named.replace("(?:", "[").replace(")?", "]").replace("{resource}", "/")


class Authenticator(Protocol):
    """Says who is asking. Raises Unauthenticated, Forbidden (CSRF), Busy (throttled)."""

    async def principal(self, scope: Scope) -> Principal: ...

    async def still(self, scope: Scope) -> Principal:
        """The same, asked again while an answer goes on."""
        ...


class DicomWeb:
    """The ASGI application for everything below /dicom-web."""

    def __init__(self, context: Context, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        renderer = Renderer(context, retrieval := Retrieval(context))
        self._tools = Tools(context, retrieval, renderer, Films(renderer))
        self._addresses = Addresses(context.settings)
        self._cors = Cors(context.settings.cors_origins)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="dicomweb")
        self.notifications = notifications.Notifications(context, self._addresses, authenticator.still)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        if scope["type"] != "http" or await self._cors.preflight(scope, send):
            return
        send = self._cors.answering(scope, send)
        exchange: Exchange | None = None
        try:
            principal = await self._authenticator.principal(scope)
            if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
                require_account(principal)
            exchange = Exchange(scope, receive, send, addresses=self._addresses, executor=self._executor, principal=principal)
            handler, exchange.parameters, needs = _resource(scope)
            if needs is not None:
                require(principal, needs)
            await handler(self._tools, exchange)
        except Gone:
            return
        except IsocenterError as error:
            answer = status.problem(error)
            if exchange is None and isinstance(error, Busy):
                answer = status.Problem(429, answer.headers, answer.body)  # too many log-ins (RFC 6585 4)
            await _send_problem(send, exchange, answer, error)
        except Exception as error:  # noqa: BLE001 - the edge: the client gets an answer, the log gets the fault
            await _send_problem(send, exchange, status.unexpected(error), error)


    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: a notification connection, or none."""
        accepted = False

        async def watched(message: Message) -> None:
            nonlocal accepted
            accepted = accepted or message["type"] == "websocket.accept"
            await send(message)

        try:
            principal = await self._authenticator.principal({**scope, "method": "GET"})
            require_account(principal)
            require(principal, _UPS_READ)
            await self.notifications.serve(scope, receive, watched, principal)
        except Exception as error:
            if accepted:
                raise
            await send(notifications.refusal(error))


async def _send_problem(send: Send, exchange: Exchange | None, answer: status.Problem, error: Exception) -> None:
    """Once an answer has begun, raising cuts the connection, so that nobody takes it for whole."""
    if exchange is not None and exchange.started:
        raise error
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


def _resource(scope: Scope) -> tuple[Handler, dict[str, str], Permission | None]:
    path = str(scope["path"]).removeprefix(ROOT).rstrip("/")
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    if method == "OPTIONS":
        return _telling(capabilities.capabilities), {"resource": path}, None
    if scope["path"] == URI and method == "GET":
        return _by_uri, {}, _READ
    allowed: set[str] = {"GET", "HEAD"} if scope["path"] == URI else set()
    for wanted, pattern, handler, needs in RESOURCES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if wanted == method:
            parameters = match.groupdict()
            for name in ("study", "series", "instance", "workitem"):
                if parameters.get(name) is not None and not _USABLE_UID.fullmatch(parameters[name]):
                    raise Invalid("This is no UID.", where=name)
            return handler, {name: value for name, value in parameters.items() if value is not None}, needs
        allowed.update(("GET", "HEAD") if wanted == "GET" else (wanted,))
    if allowed:
        allowed.add("OPTIONS")
        raise status.MethodNotAllowed(str(scope["method"])[:16], ", ".join(sorted(allowed)))
    raise Missing("There is no such resource.", hint="See PS3.18 for the resources of DICOMweb.")


def asgi(context: Context, authenticator: Authenticator) -> DicomWeb:
    """The application, to be called with the full path (below /dicom-web)."""
    return DicomWeb(context, authenticator)


def routes(context: Context, authenticator: Authenticator) -> list[BaseRoute]:
    """The same for Starlette."""
    return [Mount(ROOT, app=asgi(context, authenticator))]
