"""Mounts the table of endpoints at /api/v1: authenticates, checks parameters and body, calls, and turns errors into answers."""

import re
from collections.abc import Awaitable, Callable, Iterable

import anyio.to_thread
import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from isocenter.api import (
    admin,
    annotations,
    audit,
    changes,
    commitments,
    conformance,
    corrections,
    deidentification,
    deliveries,
    emergency,
    errors,
    exceptions,
    exports,
    hanging,
    hl7,
    index,
    integrity,
    openapi,
    orders,
    passkeys,
    patient_lists,
    peers,
    rejections,
    remote,
    routing,
    seen,
    sensitive,
    session,
    session_provider,
    sharing,
    studies,
    system,
    upload,
    webhooks,
)
from isocenter.api.auth import Authenticator
from isocenter.api.documents import SCHEMAS
from isocenter.api.endpoint import Call, Door, Endpoint, json_response, read_body, read_path, read_query
from isocenter.api.live import Live
from isocenter.domain.access import Principal, require_account
from isocenter.domain.errors import Invalid, IsocenterError, Missing, Unsupported
from isocenter.service.context import Context

# Behind Door.PUBLIC; the role that may do least, and nothing asks it.
NOBODY = Principal("", "", "user", "session")


async def _openapi(request: Request, call: Call) -> Response:
    return Response(_DOCUMENT, media_type="application/json", headers=_PUBLIC)


async def _docs(request: Request, call: Call) -> Response:
    return Response(_PAGE, media_type="text/html; charset=utf-8", headers=_PUBLIC)


_PUBLIC = {"Cache-Control": "public, max-age=300"}
_ABOUT = (
    Endpoint(
        method="GET", path="/openapi.json", tag="about", needs=Door.PUBLIC, respond=_openapi,
        summary="This description, for programs (OpenAPI 3.1)", answer={"type": "object"},
    ),
    Endpoint(
        method="GET", path="/docs", tag="about", needs=Door.PUBLIC, respond=_docs,
        summary="This description, for people", answer={"type": "string"}, answer_type="text/html",
    ),
)  # fmt: skip

ENDPOINTS: tuple[Endpoint, ...] = (
    *session.ENDPOINTS,
    *patient_lists.ENDPOINTS,
    *session_provider.ENDPOINTS,
    *passkeys.ENDPOINTS,
    *studies.ENDPOINTS,
    *annotations.ENDPOINTS,
    *seen.ENDPOINTS,
    *exports.ENDPOINTS,
    *remote.ENDPOINTS,
    *changes.ENDPOINTS,
    *audit.ENDPOINTS,
    *upload.ENDPOINTS,
    *sharing.ENDPOINTS,
    *exceptions.ENDPOINTS,
    *commitments.ENDPOINTS,
    *admin.ENDPOINTS,
    *orders.ENDPOINTS,
    *hl7.ENDPOINTS,
    *peers.ENDPOINTS,
    *routing.ENDPOINTS,
    *deliveries.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *system.ENDPOINTS,
    *integrity.ENDPOINTS,
    *corrections.ENDPOINTS,
    *rejections.ENDPOINTS,
    *sensitive.ENDPOINTS,
    *emergency.ENDPOINTS,
    *deidentification.ENDPOINTS,
    *hanging.ENDPOINTS,
    *index.ENDPOINTS,
    *conformance.ENDPOINTS,
    *_ABOUT,
)
_DOCUMENT = orjson.dumps(openapi.document(ENDPOINTS))
_PAGE = openapi.page(ENDPOINTS).encode()

Handler = Callable[[Request], Awaitable[Response]]


def routes(
    context: Context, authenticator: Authenticator, live: Live | None = None, endpoints: Iterable[Endpoint] = ENDPOINTS
) -> list[BaseRoute]:
    """Everything below /api. `authenticator` is the one that dicomweb shares, so that a change here is known there.

    live: the feed, when the caller wants to end it with the server.
    """
    door = _Door(context, authenticator, live or Live(context))
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    unknown = Route("/{rest:path}", _Answering(_unknown(door)))
    known = [Route(path, _Answering(_by_method(door, methods))) for path, methods in paths.items()]
    mounts = [Mount(openapi.PREFIX, routes=[*known, unknown]), Mount("/api", routes=[unknown])]
    for mount in mounts:  # a newline in a path is a character as any other: no answer but ours
        mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    unknown.path_regex = re.compile(unknown.path_regex.pattern, re.DOTALL)
    return list(mounts)


class _Door:
    """What every request passes."""

    def __init__(self, context: Context, authenticator: Authenticator, live: Live) -> None:
        self._context = context
        self._authenticator = authenticator
        self._live = live

    async def answer(self, request: Request, endpoint: Endpoint) -> Response:
        """The answer of an endpoint. Raises what its use case raises."""
        public = endpoint.needs is Door.PUBLIC
        principal = NOBODY if public else await self._authenticator.principal(request.scope)
        if not (public or endpoint.linked):
            require_account(principal)
        path, query = read_path(request, endpoint), read_query(request, endpoint)
        is_json = endpoint.body is not None and endpoint.body_type == "application/json"
        body = await read_body(request, endpoint.body or {}, SCHEMAS, endpoint.largest) if is_json else {}
        call = Call(self._context, self._authenticator, self._live, principal, path, query, body)
        if endpoint.respond is not None:
            return await endpoint.respond(request, call)
        run = endpoint.run
        assert run is not None  # Endpoint has exactly one of both
        work = lambda: run(call)  # noqa: E731
        value = await (self._authenticator.hashing(work) if endpoint.hashes else anyio.to_thread.run_sync(work))
        return json_response(value, endpoint.status)

    async def enter(self, request: Request) -> None:
        """For where there is no endpoint: strangers are not told what there is. Raises as Authenticator.principal."""
        await self._authenticator.principal(request.scope)


class _Answering:
    """An ASGI application around a handler, whose errors become answers."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._handler(request)
        except IsocenterError as error:
            response = errors.response(error)
        except ClientDisconnect:  # also what cannot be read as a body: nobody's fault here, and none for the log
            response = errors.response(Invalid("the body did not come as a whole"))
        except Exception as error:  # noqa: BLE001 - answered with a number that the log explains
            response = errors.unexpected(error)
        await response(scope, receive, send)


def _by_method(door: _Door, methods: dict[str, Endpoint]) -> Handler:
    """One path; HEAD is GET without its body (RFC 9110 9.3.2)."""
    allowed = ", ".join(sorted({*methods, *({"HEAD"} if "GET" in methods else ())}))

    async def handle(request: Request) -> Response:
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is not None:
            return await door.answer(request, endpoint)
        await door.enter(request)
        response = errors.response(Unsupported(f"there is no {request.method} here", hint=f"there is {allowed}"))
        response.status_code = 405
        response.headers["Allow"] = allowed
        return response

    return handle


def _unknown(door: _Door) -> Handler:
    """Whatever is not in the table: 404, for those who are logged in."""

    async def handle(request: Request) -> Response:
        await door.enter(request)
        raise Missing("there is nothing at this address", hint="/api/v1/docs lists what there is")

    return handle
