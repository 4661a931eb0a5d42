"""One row for each thing the API does: where it is, who may, what it takes, what it answers, and the function that does it.

The rows (`ENDPOINTS` of each room) are the only home: routes are mounted from them, /openapi.json and /docs are written from
them, and the test that walks all routes reads from them who must be let in and who must not.

    request -> who is asking -> parameters and body checked by their schemas -> one service call in a thread -> JSON
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response

from isocenter.api.auth import Authenticator
from isocenter.api.live import Live
from isocenter.api.schema import Schema, check
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, Kind, TooLarge, Unsupported
from isocenter.service.context import Context

# A JSON body is a login, an account, a peer: 64 KiB is a hundred times the largest.
LARGEST_BODY = 64 * 1024
BODY_SECONDS = 60.0  # within which a JSON body must be here: who sends a byte a minute keeps nothing open
# A search box may hold a long name; longer is no search.
LONGEST_VALUE = 1024


class Door(StrEnum):
    """Who may come in where no permission is asked for."""

    PUBLIC = "anybody"
    SIGNED_IN = "any account"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query, path or header parameter; its schema is text or integer."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    place: str = "query"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request, ready for one service call. `principal` is nobody behind Door.PUBLIC."""

    context: Context
    authenticator: Authenticator
    live: Live
    principal: Principal
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Mapping[str, Any]


Answer = Callable[[Call], Any]
Respond = Callable[[Request, Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A row of the table.

    run: does it, in a thread; its value becomes the JSON answer (None: 204). respond: for what is no JSON in and JSON out
    (streams, cookies). Exactly one of both. other_answers: media types that can be asked for instead of answer_type.
    """

    method: str
    path: str
    summary: str
    tag: str
    needs: Permission | Door
    also: Permission | None = None  # what it needs besides
    linked: bool = False  # who comes by a link (`domain.sharing`) may ask; of a new row nobody does unless it says so
    run: Answer | None = None
    respond: Respond | None = None
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_type: str = "application/json"
    answer: Schema | None = None
    answer_type: str = "application/json"
    other_answers: Mapping[str, Schema] = field(default_factory=dict)
    status: int = 200
    largest: int = LARGEST_BODY  # bytes of a JSON body
    open_query: bool = False  # others write its query, and may add to it
    hashes: bool = False  # `run` hashes a password: it waits in the queue of those
    errors: tuple[Kind, ...] = ()

    def __post_init__(self) -> None:
        if (self.run is None) == (self.respond is None):
            raise ValueError(f"{self.method} {self.path}: exactly one of run and respond")

    @property
    def all_errors(self) -> tuple[Kind, ...]:
        """The kinds this row names, and those that come with its shape."""
        kinds = {*self.errors, Kind.BROKEN, Kind.AWAY, Kind.BUSY}
        if self.needs is not Door.PUBLIC:
            kinds |= {Kind.UNAUTHENTICATED, Kind.FORBIDDEN}
        if self.parameters or self.body is not None:
            kinds.add(Kind.INVALID)
        if self.body is not None and self.body_type == "application/json":
            kinds |= {Kind.TOO_LARGE, Kind.UNSUPPORTED}
        return tuple(kind for kind in Kind if kind in kinds)


def json_response(value: Any, status: int = 200) -> Response:
    """An answer; never kept by a cache, since what it shows depends on who asks."""
    headers = {"Cache-Control": "no-store"}
    if value is None:
        return Response(status_code=204, headers=headers)
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


def read_query(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The query parameters, each checked by its schema, absent ones with their default. Raises Invalid."""
    known = {parameter.name: parameter for parameter in endpoint.parameters if parameter.place == "query"}
    values = {name: p.schema["default"] for name, p in known.items() if "default" in p.schema}
    given: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name not in known and endpoint.open_query:
            continue
        if name not in known:
            raise Invalid("there is no such parameter", where=name[:80], hint=f"known are {', '.join(known) or 'none'}")
        if name in given:
            raise Invalid("it is given twice", where=name)
        given.add(name)
        values[name] = _typed(value, known[name])
    for name, parameter in known.items():
        if parameter.required and name not in values:
            raise Invalid("it is missing", where=name)
    return values


def read_path(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The path parameters, checked. Raises Invalid."""
    known = {parameter.name: parameter for parameter in endpoint.parameters if parameter.place == "path"}
    return {name: _typed(value, known[name]) for name, value in request.path_params.items()}


def _typed(value: str, parameter: Parameter) -> Any:
    if len(value) > LONGEST_VALUE:
        raise Invalid(f"it is longer than {LONGEST_VALUE} characters", where=parameter.name)
    typed: Any = value
    if parameter.schema.get("type") == "integer":
        # ASCII only: int() would also take other digits and underscores; 18 digits fit the database's integers.
        if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) <= 18):
            raise Invalid("it must be a whole number", where=parameter.name)
        typed = int(value)
    check(typed, parameter.schema, parameter.name, {})
    return typed


async def read_body(
    request: Request, schema: Schema, components: Mapping[str, Schema], largest: int = LARGEST_BODY
) -> dict[str, Any]:
    """The JSON body, checked. Raises Invalid, TooLarge, Unsupported."""
    # A form that a foreign page submits cannot have this type without a preflight, so this is also a fence (CSRF at login).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Unsupported("the body must be JSON", where="Content-Type", hint="send Content-Type: application/json")
    data = bytearray()
    try:
        with anyio.fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                data += chunk
                if len(data) > largest:
                    raise TooLarge(f"the body is larger than {largest} bytes")
    except TimeoutError:
        raise Invalid("the body did not come as a whole", kept="nothing was done") from None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Invalid("the body is no JSON") from None
    check(value, schema, "", components)
    if not isinstance(value, dict):
        raise Invalid("the body must be a JSON object")
    return value

