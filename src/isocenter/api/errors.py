"""What an error of the domain is over HTTP: one total table, one JSON shape, and a sentence a person can act on."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from isocenter.domain.errors import Broken, Busy, IsocenterError, Kind

log = logging.getLogger(__name__)

# RFC 9110 15.5, RFC 6585 4 (429), RFC 4918 11.5 (507).
STATUS: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNSUPPORTED: 422,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.TOO_LARGE: 413,
    Kind.NO_SPACE: 507,
    Kind.BUSY: 429,
    Kind.BROKEN: 500,
    Kind.AWAY: 503,
}

# What to do, where the error itself does not say.
HINTS: Mapping[Kind, str] = {
    Kind.INVALID: "correct the request; /api/v1/docs describes what is expected",
    Kind.UNSUPPORTED: "this archive does not do that; /api/v1/docs lists what it does",
    Kind.MISSING: "it may have been removed, or your account may not see it",
    Kind.CONFLICT: "look at what is there already, then decide",
    Kind.FORBIDDEN: "ask an administrator for the permission",
    Kind.UNAUTHENTICATED: "log in, or send `Authorization: Bearer TOKEN`",
    Kind.TOO_LARGE: "send less at once",
    Kind.NO_SPACE: "an administrator must free space on the server's disk; then send it again",
    Kind.BUSY: "wait as long as Retry-After says, then try again",
    Kind.BROKEN: "try again; if it stays, tell an administrator the time and what you did",
    Kind.AWAY: "try again in a moment; if it stays, tell an administrator",
}


def body(error: IsocenterError) -> dict[str, Any]:
    """The JSON of an error: `{"error": {kind, message, where, kept, hint}}`."""
    return {
        "error": {
            "kind": error.kind.value,
            "message": error.message,
            "where": error.where,
            "kept": error.kept,
            "hint": error.hint or HINTS[error.kind],
        }
    }


def response(error: IsocenterError) -> Response:
    """The answer to an error. 401 names the scheme (RFC 9110 11.6.1) but never Basic: a browser would open its own dialogue."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.retry_after)
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="isocenter"'
    return Response(orjson.dumps(body(error)), STATUS[error.kind], headers, media_type="application/json")


def unexpected(error: Exception) -> Response:
    """Our own fault: the log gets the traceback under a number, the caller gets the number."""
    number = secrets.token_hex(4)
    log.error("unexpected error %s", number, exc_info=error)
    return response(Broken("the server made a mistake", where=f"log entry {number}"))
