"""The web role's server: granian, one process does TLS and HTTP/2 (LIBRARIES 2)."""

import socket
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from isocenter import logs
from isocenter.commands.processes import die_with_parent
from isocenter.settings import Settings, load

if TYPE_CHECKING:
    from starlette.types import ASGIApp

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
        respawn_interval=0.1,
        workers_kill_timeout=max(1, int(settings.grace_seconds)),
        **tls,
    )
    server.serve()


def web_application() -> "ASGIApp":
    """The factory granian calls in each of its workers, whose settings are the environment the supervisor made."""
    from isocenter import app

    die_with_parent()
    settings = load({}).settings
    logs.configure(settings.log_level, settings.log_format, "web")  # granian has put its own in place
    return app.http_application(app.build_context(settings))
