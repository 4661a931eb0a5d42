"""What an error of the domain is at this edge: one HTTP status and one Failure Reason for each kind, and the problem text."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from isocenter.dicomweb.accept import NotAcceptable
from isocenter.dicomweb.ranges import NotSatisfiable
from isocenter.domain.errors import Broken, Busy, IsocenterError, Kind, Unsupported

_log = logging.getLogger(__name__)

# RFC 9110 15.5, RFC 4918 11.5 (507).
HTTP_STATUS: Mapping[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNSUPPORTED: 422,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.FORBIDDEN: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.TOO_LARGE: 413,
    Kind.NO_SPACE: 507,
    Kind.BUSY: 503,
    Kind.BROKEN: 500,
    Kind.AWAY: 503,
}

# PS3.18 Table I.2-2, Failure Reason (0008,1197) of a Store Instances response; the codes are those of PS3.4 Table B.2-1.
FAILURE_REASON: Mapping[Kind, int] = {
    Kind.INVALID: 0xC000,  # Error: cannot understand
    Kind.UNSUPPORTED: 0x0122,  # Referenced SOP Class not supported
    Kind.MISSING: 0x0110,  # Processing failure
    Kind.CONFLICT: 0xA900,  # Error: data set does not match what was said of it
    Kind.FORBIDDEN: 0x0124,  # Refused: not authorized (PS3.7 C.4.2)
    Kind.UNAUTHENTICATED: 0x0124,
    Kind.TOO_LARGE: 0xA700,  # Refused: out of resources
    Kind.NO_SPACE: 0xA700,
    Kind.BUSY: 0xA700,
    Kind.BROKEN: 0x0110,
    Kind.AWAY: 0xA700,
}

REFUSED_SYNTAX = 0xC122  # Referenced Transfer Syntax Not Supported (PS3.18 Table I.2-2): bytes of a format that is not kept

# PS3.18 Table I.2-1, Warning Reason (0008,1196).
WARNING_COERCED = 0xB000  # kept otherwise than sent: our quarantine, or as another version
WARNING_NOT_MATCHING = 0xB007  # kept as sent, with faults that were tolerated


class UnsupportedMediaType(Unsupported):
    """The body of a request is of a kind that is not taken (HTTP 415)."""


class MethodNotAllowed(Unsupported):
    """The resource exists, the method does not (HTTP 405). allowed: the methods that do, as in the Allow header."""

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__("This resource does not know this method.", where=method, hint=f"It knows {allowed}.")
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, ready to be sent."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def http_status(error: IsocenterError) -> int:
    """The table, and the faults of method and media type that HTTP tells apart."""
    if isinstance(error, MethodNotAllowed):
        return 405
    if isinstance(error, NotAcceptable):
        return 406
    if isinstance(error, NotSatisfiable):
        return 416
    if isinstance(error, UnsupportedMediaType):
        return 415
    return HTTP_STATUS[error.kind]


def problem(error: IsocenterError) -> Problem:
    """The answer to an error; what a fault of our own is about goes to the log, not to the client."""
    status = http_status(error)
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if isinstance(error, Busy):
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allowed.encode()))
    if isinstance(error, NotSatisfiable):
        headers.append((b"content-range", f"bytes */{error.size}".encode()))
    if error.kind is Kind.UNAUTHENTICATED:
        # No Basic challenge: a browser would open its own dialog over the web client.
        headers.append((b"www-authenticate", b'Bearer realm="isocenter"'))
    facts = {"kind": error.kind.value, "message": error.message, "where": error.where, "kept": error.kept, "hint": error.hint}
    body = orjson.dumps({"error": {name: value for name, value in facts.items() if value}})
    return Problem(status, (*headers, (b"content-length", str(len(body)).encode())), body)


def unexpected(error: Exception) -> Problem:
    """The answer to a fault nobody foresaw: it is logged by its type and place, since its text may hold anything."""
    _log.error("unexpected fault", exc_info=error)
    return problem(Broken("Something went wrong in the archive.", hint="Try again; if it stays, tell an administrator the time."))
