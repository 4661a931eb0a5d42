"""The worker's rounds for webhooks: several are told at once, so that a slow one holds up nobody else.

Redirections are not followed, answers are not read, and an address is looked at after its name was resolved, so that a name
cannot lead to where no message may go.
"""

import http.client
import logging
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from isocenter import __version__, tls
from isocenter.domain.errors import IsocenterError
from isocenter.domain.webhooks import may_be_called
from isocenter.service import webhook_messages, webhooks
from isocenter.service.context import Context
from isocenter.service.webhook_messages import Answer, Turn
from isocenter.settings import Settings

log = logging.getLogger(__name__)

ROUND = 0.5  # seconds between two looks when nothing is due
SLOWEST_ROUND = 2.0
AT_ONCE = 4  # webhooks that are told at the same time
PATIENCE = 10.0  # seconds for a connection, and for an answer


def run(context: Context, stop: threading.Event) -> None:
    """Tell until `stop` is set; a message that is under way is finished. A database that is away is waited for."""
    key, pause = b"", ROUND
    under_way: set[Future[None]] = set()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhooks") as threads:
        while not stop.is_set():
            turn = None
            under_way = {each for each in under_way if not each.done()}
            try:
                key = key or webhooks.key(context)
                turn = webhook_messages.turn(context, key) if len(under_way) < AT_ONCE else None
            except IsocenterError as error:
                log.warning("a round failed and is repeated", extra={"facts": {"kind": error.kind.value}})
            if turn is not None:
                under_way.add(threads.submit(_tell, context, turn, stop))
            pause = ROUND if turn is not None or under_way else min(SLOWEST_ROUND, pause * 1.2)
            stop.wait(0.0 if turn is not None else pause)


def _tell(context: Context, turn: Turn, stop: threading.Event) -> None:
    try:
        turn.run(partial(send, context.settings), stop.is_set)
    except IsocenterError as error:
        log.warning("a webhook was not told yet", extra={"facts": {"kind": error.kind.value}})
    except Exception:  # its lease ends, and then it is tried again
        log.exception("a webhook could not be told")


def send(settings: Settings, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """POST a message; what came of it."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)  # named, or an IPv6 address would be taken apart for one
    connection: http.client.HTTPConnection | None = None
    try:
        if secure:
            connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=tls.to_services(settings))
        else:
            connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
        connection._create_connection = _connect  # type: ignore[attr-defined]
        connection.request("POST", target, body, {"User-Agent": f"Isocenter/{__version__}", **headers})
        response = connection.getresponse()
        wait = response.getheader("Retry-After") or ""
        words = f"it answered with status {response.status}"
        if 300 <= response.status <= 399:
            words += ", which leads elsewhere and is not followed"
        return Answer(response.status, "" if 200 <= response.status <= 299 else words, int(wait) if wait.isdecimal() else 0)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Answer(0, f"it cannot be reached: {str(why)[:200]}")
    finally:
        if connection is not None:
            connection.close()


def _connect(address: tuple[str, int], *arguments: object, **named: object) -> socket.socket:
    """A connection to the first address of a name that answers, of those that may be called. Raises OSError."""
    host, port = address
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [each for each in found if may_be_called(str(each[4][0]))]
    if not allowed:
        raise OSError("no message may be sent to this address")
    fault: OSError = OSError("nobody answers")
    for family, kind, protocol, _, place in allowed:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(PATIENCE)
            opened.connect(place)
            return opened
        except OSError as error:
            opened.close()
            fault = error
    raise fault
