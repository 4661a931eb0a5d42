"""The child processes of `serve`: python -m isocenter.commands.roles prepare|dicom FD FD [FD]|hl7 FD FD|web|worker.

The settings come in the environment.
FD: what all DICOM processes inherit: the memory of `dimse.places`, the bound socket, and the one for TLS; of HL7 the bound
sockets, -1 for one that there is not.
"""

import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import FrameType

from isocenter import logs, tenants
from isocenter.commands.processes import die_with_parent
from isocenter.domain.errors import IsocenterError
from isocenter.settings import Settings, SettingsError, load
from isocenter.supervisor import CANNOT_START, SIGNALS

log = logging.getLogger(__name__)


def main(role: str, *inherited: str) -> int:
    """Run one role until SIGTERM. Exit code 0: stopped as asked; CANNOT_START: hopeless, said why; 1: worth another try."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor passes on a SIGTERM
    stop = threading.Event()
    signal.signal(signal.SIGTERM, _setter(stop))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # the supervisor waits for them blocked, and children inherit that
    try:
        given = load({})  # made by the supervisor; of one institution alone they are its own already
        settings = (tenants.select(given) if given.settings.tenants else given).settings
        logs.configure(settings.log_level, settings.log_format, role)
        if role == "prepare":
            return _prepare(settings)
        run: dict[str, Callable[..., None]] = {"dicom": _dicom, "hl7": _hl7, "web": _web, "worker": _worker}
        run[role](settings, stop, *map(int, inherited))
    except SettingsError as error:
        print(f"isocenter: {error}", file=sys.stderr)
        return CANNOT_START
    except IsocenterError as error:
        log.error("the role cannot go on", extra={"facts": {"kind": error.kind.value, "reason": str(error)}})
        return 1
    return 0


def _setter(stop: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda signum, frame: stop.set()


def _prepare(settings: Settings) -> int:
    """Write what the supervisor must know to standard output as one JSON object."""
    from isocenter import app

    try:
        sys.stdout.write(json.dumps(app.prepare(settings)))
    except IsocenterError as error:
        said = (error.message, error.hint, "Nothing was started.")
        sys.stdout.write(json.dumps({"error": " ".join(part if part[-1] in ".?" else f"{part}." for part in said if part)}))
        return CANNOT_START
    return 0


def _dicom(settings: Settings, stop: threading.Event, places: int, *listeners: int) -> None:
    from isocenter import app

    app.serve_dicom(settings, stop, places, *(socket.socket(fileno=listener) for listener in listeners))


def _hl7(settings: Settings, stop: threading.Event, plain: int, secure: int) -> None:
    from isocenter import app

    app.serve_hl7(settings, stop, *(socket.socket(fileno=each) if each >= 0 else None for each in (plain, secure)))


def _worker(settings: Settings, stop: threading.Event) -> None:
    from isocenter import app

    app.run_worker(settings, stop)


def _web(settings: Settings, stop: threading.Event) -> None:
    from isocenter.commands import granian_server

    granian_server.serve(settings)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
