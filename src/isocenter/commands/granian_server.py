"""The web role's server: granian, one process does TLS and HTTP/2 (LIBRARIES 2)."""

import logging
import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
from granian.server.common import AbstractServer

from isocenter import logs
from isocenter.commands.processes import die_with_parent
from isocenter.settings import Settings, load

if TYPE_CHECKING:
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
STARTS_WITHIN = 20.0  # seconds
TARGET = "isocenter.commands.granian_server:web_application"


def serve(settings: Settings) -> None:
    """Answer HTTP until SIGTERM; then what has begun gets grace_seconds."""
    tls: dict[str, Any] = {}
    if settings.tls:
        # TLS 1.2 as well: hospital viewers and scanners live for a decade.
        tls = {"ssl_cert": settings.tls_cert, "ssl_key": settings.tls_key, "ssl_protocol_min": "tls1.2"}
    server = Server(
        TARGET,
        address=settings.http.host if ":" in settings.http.host else socket.gethostbyname(settings.http.host),
        port=settings.http.port,
        interface=Interfaces.ASGI,
        workers=settings.web_processes,
        websockets=True,  # subscribers of work items
        factory=True,
        log_enabled=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=STARTS_WITHIN,  # what a renewed certificate's worker has before the one it follows ends
        workers_kill_timeout=max(1, int(settings.grace_seconds)),
        **tls,
    )
    if settings.tls:
        threading.Thread(target=_renew, args=(server, settings), daemon=True).start()
    server.serve()


def _renew(server: AbstractServer[Any], settings: Settings) -> None:
    """Renewed files hold for new connections in some seconds; those that cannot be used change nothing but a line in the log.

    Granian puts workers that read them in the place of the others, which end what they have begun.
    """
    known = _state(settings)
    while not server.interrupt_signal:
        time.sleep(LOOK_SECONDS)
        if (now := _state(settings)) == known:
            continue
        known = now
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(settings.tls_cert), str(settings.tls_key), lambda: "")
        except OSError as error:
            log.error("the renewed certificate cannot be used; the one before stays", extra={"facts": {"reason": str(error)}})
        else:
            log.info("the certificate was renewed", extra={"facts": {}})
            server.signal_handler_reload()  # type: ignore[no-untyped-call]


def _state(settings: Settings) -> list[tuple[int, int, int]]:
    """What changes when a file does; a file that is not there has none."""
    found = []
    for path in (settings.tls_cert, settings.tls_key):
        try:
            facts = os.stat(str(path))
            found.append((facts.st_ino, facts.st_mtime_ns, facts.st_size))
        except OSError:
            found.append((0, 0, 0))
    return found


def web_application() -> "ASGIApp":
    """The factory granian calls in each of its workers, whose settings are the environment the supervisor made."""
    from isocenter import app

    die_with_parent()
    settings = load({}).settings
    logs.configure(settings.log_level, settings.log_format, "web")  # granian has put its own in place
    return app.http_site(settings)
