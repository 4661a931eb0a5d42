"""Keeps the roles running: one child process a role (or several), restarted with a back-off when it dies, stopped gracefully.

The supervisor itself stays small: it imports no database and no edge. What has to be done before anything is served (folder,
schema, first user) is done by a child too, which ends before the others start.
"""

import json
import logging
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from isocenter import metrics, tenants
from isocenter.dimse import places
from isocenter.preflight import CannotServe, bind, check_exposure, lock_roles, prepare_folder, reserve
from isocenter.settings import BY_NAME, ENVIRONMENT_ONLY, PREFIX, SETTINGS, Address, Settings

log = logging.getLogger(__name__)

CANNOT_START = 3  # exit code of a child whose start is hopeless: settings, database or folder; it has said why itself
BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds before the n-th restart in a row
STEADY = 10.0  # a child that lived so long begins again at the first back-off
READY_SECONDS = 60.0  # the slowest machine starts in less; after this the start has failed
SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@dataclass(slots=True)
class Child:
    """One process of a role."""

    role: str
    tenant: str = ""  # of several institutions, the one whose it is; "" for what they share, and where there is one archive
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0  # monotonic time of the next start


@dataclass(slots=True)
class Supervisor:
    """Runs the given roles until it is told to stop. `run` returns the exit code."""

    settings: Settings
    roles: tuple[str, ...]
    announce: Any = print
    children: list[Child] = field(default_factory=list)
    ready: bool = False
    _kept: list[Any] = field(default_factory=list)  # lock files and port reservations, held by being open
    _dicom: list[socket.socket] = field(default_factory=list)  # listening sockets of all DICOM processes: plain, over TLS
    _hl7: dict[str, list[socket.socket | None]] = field(default_factory=dict)  # of each HL7 process: plain, over TLS
    _places: int = -1  # a descriptor: memory in which all DICOM processes count their associations
    _multiproc: str = ""

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT. Raises CannotServe with a clear message when it cannot begin."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for name, part in tenants.archives(self.settings).items():
            roles = self._roles_of(name, part)
            check_exposure(part, roles)
            prepare_folder(part)
            if part.embedded:
                self._kept.append(lock_roles(part.data, roles))
        self.settings = self._reserve_ports()
        self._multiproc = tempfile.mkdtemp(prefix="isocenter-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = self._multiproc
        try:
            prepared = {name: self._prepare(name) for name in tenants.archives(self.settings)}
            self._start_all()
            return self._watch(prepared)
        finally:
            self._stop_all()
            shutil.rmtree(self._multiproc, ignore_errors=True)

    # -- before anything is served

    def _roles_of(self, name: str, part: Settings) -> tuple[str, ...]:
        """The roles that an archive has; of several not all may have HL7."""
        return tuple(role for role in self.roles if role != "hl7" or not name or part.hl7 or part.hl7_tls)

    def _reserve_ports(self) -> Settings:
        """Resolve port 0 and make sure that the ports are free.

        DICOM's socket is ours and its processes inherit it: a connection that comes while one of them is started again waits for
        the next that accepts, and none is dealt out by hash as with SO_REUSEPORT: the processes agree (`dimse.places`).
        """
        settings = self.settings
        if "web" in self.roles:
            settings = replace(settings, http=reserve("http", settings.http, self._kept))
        if "dicom" in self.roles:
            self._places = places.create(settings.max_associations)
            settings = replace(settings, dicom=self._bind("dicom", settings.dicom))
            if settings.dicom_tls is not None:
                settings = replace(settings, dicom_tls=self._bind("dicom_tls", settings.dicom_tls))
        if "hl7" in self.roles:
            for name, part in tenants.archives(settings).items():
                bound = {key: self._bind_hl7(name, key, getattr(part, key)) for key in ("hl7", "hl7_tls")}
                settings = tenants.with_ports(settings, name, bound)
        return settings

    def _bind(self, name: str, address: Address) -> Address:
        listener = bind(name, address)
        self._dicom.append(listener)
        return Address(address.host, listener.getsockname()[1])

    def _bind_hl7(self, tenant: str, name: str, address: Address | None) -> Address | None:
        listener = None if address is None else bind(name, address)
        self._hl7.setdefault(tenant, []).append(listener)
        return Address(address.host, listener.getsockname()[1]) if address and listener else None

    def _prepare(self, tenant: str) -> dict[str, Any]:
        """Folder, schema and first user of an archive, done by a child that then ends."""
        environment = self._environment(tenant, keep_password=True)
        process = subprocess.Popen(role_command("prepare"), env=environment, stdout=subprocess.PIPE)
        answer, _ = process.communicate()
        if process.returncode == 0:
            return dict(json.loads(answer))
        try:
            message = str(json.loads(answer)["error"])
        except (ValueError, KeyError):
            message = "the data folder and the database could not be prepared; the reason is above"
        raise CannotServe(message)

    def _environment(self, tenant: str, *, keep_password: bool = False) -> dict[str, str]:
        """The effective settings as the child's environment: a changed file or variable cannot split the roles."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX) or (keep_password and k in ENVIRONMENT_ONLY)}
        rows = [s for s in SETTINGS if s.name != "config" and getattr(self.settings, s.name) != s.default]
        mine = {s.variable: replace(BY_NAME[s.name], secret=False).show(getattr(self.settings, s.name)) for s in rows}
        log_format = self.settings.log_format
        if log_format == "auto":
            log_format = "text" if sys.stderr.isatty() else "json"
        return {**inherited, **mine, "ISOCENTER_LOG_FORMAT": log_format, **({"ISOCENTER_TENANT": tenant} if tenant else {})}

    # -- children

    def _start_all(self) -> None:
        counts = {"web": 1, "dicom": self.settings.dicom_process_count}
        shared = [Child(role) for role in self.roles for _ in range(counts.get(role, 0))]
        parts = tenants.archives(self.settings).items()
        own = [Child(role, name) for name, part in parts for role in self._roles_of(name, part) if role not in counts]
        self.children = [*shared, *own]
        for child in self.children:
            self._start(child)

    def _start(self, child: Child) -> None:
        inherited = self._inherited(child)
        child.process = subprocess.Popen(
            [*role_command(child.role), *map(str, inherited)], env=self._environment(child.tenant), stdin=subprocess.DEVNULL,
            pass_fds=[descriptor for descriptor in inherited if descriptor >= 0],
        )
        child.started = time.monotonic()

    def _inherited(self, child: Child) -> list[int]:
        """Descriptors; -1 stands for a socket that there is not."""
        if child.role == "dicom":
            return [self._places, *(listener.fileno() for listener in self._dicom)]
        listeners = self._hl7[child.tenant] if child.role == "hl7" else []
        return [-1 if listener is None else listener.fileno() for listener in listeners]

    def _listeners(self) -> list[socket.socket]:
        return [*self._dicom, *(listener for each in self._hl7.values() for listener in each if listener is not None)]

    def _watch(self, prepared: dict[str, Any]) -> int:
        """Until a stop is asked for: start what is due, take note of what died, announce when everything answers."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            info = signal.sigtimedwait(SIGNALS, self._pause())
            if info is not None and info.si_signo in {signal.SIGTERM, signal.SIGINT}:
                log.info("stopping", extra={"facts": {"signal": signal.Signals(info.si_signo).name}})
                return 0
            self._reap()
            if not self.ready and self._answers():
                self.ready = True
                announcement(self.settings, self.roles, prepared, self.announce)
            if not self.ready and time.monotonic() > deadline:
                raise CannotServe(f"not every role answered within {READY_SECONDS:g} s; the reason is above")
            for child in self.children:
                if child.process is None and time.monotonic() >= child.due:
                    self._start(child)

    def _pause(self) -> float:
        if not self.ready:
            return 0.05
        waits = [child.due - time.monotonic() for child in self.children if child.process is None]
        return max(0.0, min([*waits, 60.0]))

    def _reap(self) -> None:
        for child in self.children:
            if child.process is None or child.process.poll() is None:
                continue
            code, pid = child.process.returncode, child.process.pid
            child.process = None
            metrics.forget_process(pid)
            if code == CANNOT_START and not self.ready:
                raise CannotServe(f"the {child.role} role cannot start; the reason is above")
            lived = time.monotonic() - child.started
            child.failures = 1 if lived > STEADY else child.failures + 1
            if not self.ready and child.failures > 3:
                raise CannotServe(f"the {child.role} role ended {child.failures} times at its start; the reason is above")
            wait = BACKOFF[min(child.failures, len(BACKOFF)) - 1]
            child.due = time.monotonic() + wait
            facts = {"child": child.role, "child_pid": pid, "code": code, "lived_s": round(lived, 1), "restart_in_s": wait}
            log.error("a role ended and is started again", extra={"facts": facts})

    def _answers(self) -> bool:
        """True when every role that listens answers."""
        if any(child.process is None for child in self.children):
            return False
        if not all(is_listening(listener.getsockname()[1]) for listener in self._listeners()):
            return False
        return "web" not in self.roles or ready_over_http(self.settings)

    def _stop_all(self) -> None:
        """SIGTERM to all, grace_seconds to finish what has begun, then SIGKILL."""
        for listener in self._listeners():
            listener.close()
        if self._places >= 0:
            os.close(self._places)
        running = [child.process for child in self.children if child.process is not None and child.process.poll() is None]
        # The roles keep to grace_seconds themselves; the margin lets them say how they ended.
        deadline = time.monotonic() + self.settings.grace_seconds + 3.0
        again = 0.0
        while any(process.poll() is None for process in running) and time.monotonic() < deadline:
            if time.monotonic() >= again:
                # Said each second, to their own children too: a granian worker that is just starting loses a SIGTERM.
                again = time.monotonic() + 1.0
                for process in running:
                    terminate(process)
            info = signal.sigtimedwait(SIGNALS, 0.1)
            if info is not None and info.si_signo in {signal.SIGTERM, signal.SIGINT}:
                deadline = time.monotonic()  # asked twice: now
        late = [process for process in running if process.poll() is None]
        for process in late:
            log.error("a role did not stop in time and is killed", extra={"facts": {"child_pid": process.pid}})
            process.kill()
            process.wait()
        if running:
            log.info("stopped", extra={"facts": {"graceful": len(running) - len(late), "killed": len(late)}})


def terminate(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to a child and to its children."""
    if process.poll() is not None:
        return
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as listed:
            below = [int(pid) for pid in listed.read().split()]
    except OSError:
        below = []
    process.terminate()
    for pid in below:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def role_command(role: str) -> list[str]:
    """The argv of a child: our own interpreter, so that a virtual environment need not be active."""
    return [sys.executable, "-m", "isocenter.commands.roles", role]


def is_listening(port: int) -> bool:
    """Whether a socket of this machine listens on a TCP port. Asking the kernel disturbs no association counter."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table) as lines:
                # sl, local_address (hex IP:PORT), rem_address, st; 0A is LISTEN (linux/net/tcp_states.h)
                rows = [line.split()[1:4] for line in lines][1:]
        except OSError:
            continue
        if any(state == "0A" and int(own.rpartition(":")[2], 16) == port for own, _, state in rows):
            return True
    return False


def local(host: str) -> str:
    """Where this machine reaches a listener of its own."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def ready_over_http(settings: Settings) -> bool:
    """True when /readyz answers 200. The certificate names the public host, not the address asked here, so it is not checked."""
    host, port = local(settings.http.host), settings.http.port
    if settings.tls:
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=2.0, context=trust)
    else:
        connection = HTTPConnection(host, port, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def announcement(settings: Settings, roles: Iterable[str], prepared: dict[str, dict[str, Any]], say: Any) -> None:
    """Where it is and how to get in; the generated password only here and only once. prepared: for each archive."""
    lines = ["Isocenter is ready."]
    for name, part in tenants.archives(settings).items():
        lines += [f"{name}:", *_told(part, roles, prepared[name])] if name else _told(part, roles, prepared[name])
    say("\n".join(lines), flush=True)


def _told(settings: Settings, roles: Iterable[str], prepared: dict[str, Any]) -> list[str]:
    """The lines about one archive."""
    lines = []
    if "web" in roles:
        lines.append(f"  Web       {settings.url}/")
    if "dicom" in roles:
        known = "" if settings.unknown_aets_accepted else "   (known peers only: isocenter peer add AET HOST PORT)"
        lines.append(f"  DICOM     AE title {settings.aet} at {settings.dicom}{known}")
        if settings.dicom_tls is not None:
            known = "   (known peers only)" if settings.dicom_tls_known_only else ""
            lines.append(f"  DICOM     over TLS at {settings.dicom_tls}{known}")
    if "hl7" in roles:
        known = "" if settings.hl7_senders else "   (this machine only: name others in hl7_senders)"
        places = (("", settings.hl7), ("over TLS ", settings.hl7_tls))
        lines += [f"  HL7       {how}at {address}{known}" for how, address in places if address is not None]
    lines.append(f"  Data      {settings.data.absolute()}")
    if prepared.get("first_start") and "web" in roles:
        password = prepared.get("password")
        shown = f"password {password}   (shown only this once)" if password else "the password from ISOCENTER_ADMIN_PASSWORD"
        lines.append(f"  Login     admin, {shown}")
        lines.append("  Try       isocenter demo   sends a few studies to look at")
    return lines
