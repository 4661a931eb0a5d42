"""A real `isocenter serve` in a temporary folder, for tests that come in by the front door."""

import fcntl
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from schemas import put_index

PASSWORD = "correct-horse-battery-1"
START_SECONDS = 60.0
STOP_SECONDS = 40.0
FIRST_PORT, LAST_PORT = 12_000, 32_000

# Logins of tests need no slow hashes, and few need a second process that receives (a second of CPU at each start); everything
# else is as in production.
QUICK = ("--argon2-memory-kib", "64", "--argon2-passes", "1", "--min-free-space", "0", "--series-quiet-seconds", "0.2",
         "--dicom-processes", "1")  # fmt: skip


@dataclass
class Server:
    """A running server and how to reach it."""

    process: subprocess.Popen[str]
    data: Path
    log: Path
    http_port: int
    dicom_port: int
    aet: str = "ISOCENTER"
    user: str = "admin"
    password: str = PASSWORD
    host: str = "127.0.0.1"
    certificate: str = ""  # of a server with TLS: a file that clients trust
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        """http://127.0.0.1:PORT, without a slash at the end."""
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.http_port}"

    @property
    def trust(self) -> ssl.SSLContext:
        """What an HTTP client needs as `verify`."""
        return ssl.create_default_context(cafile=self.certificate or None)

    def client(self, user: str | None = None, password: str | None = None) -> httpx.Client:
        """An HTTP client with Basic authentication; closed with the server."""
        made = httpx.Client(base_url=self.url, auth=(user or self.user, password or self.password), timeout=60,
                            verify=self.trust)
        self.clients.append(made)
        return made

    def command(self, name: str, *arguments: str) -> list[str]:
        """argv of an `isocenter` command on this server's data, to be run beside it."""
        return command(name, "--data", str(self.data), *QUICK, *arguments)

    def output(self) -> str:
        """Everything the server has said so far, on standard output and standard error."""
        return self.log.read_text()

    def pids(self, role: str = "") -> list[int]:
        """The processes of a role (dicom, web, worker), oldest first; without a role every process below the supervisor."""
        found = []
        for pid in descendants(self.process.pid):
            words = command_line(pid)
            if not role or (role in words and any("isocenter.commands.roles" in word for word in words)):
                found.append(pid)
        return found

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        """Until /readyz answers 200. Fails with the server's own words when it has ended or takes too long."""
        deadline = time.monotonic() + seconds
        trust = self.trust
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"isocenter serve ended with {self.process.returncode}:\n{self.output()}")
            try:
                said = "Isocenter is ready" in self.output()
                if said and httpx.get(f"{self.url}/readyz", timeout=2, verify=trust).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"isocenter serve was not ready after {seconds} s:\n{self.output()}")

    def wait_until_said(self, words: str, seconds: float = START_SECONDS) -> None:
        """Until its output holds the words. Fails with its own words when it has ended or takes too long."""
        deadline = time.monotonic() + seconds
        while words not in self.output():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.output()}"
            assert time.monotonic() < deadline, f"not said after {seconds} s:\n{self.output()}"
            time.sleep(0.05)

    def stop(self, with_signal: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Stop it and wait; the exit code. Checks that none of its processes is left."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        children = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        code = self.process.wait(seconds)
        deadline = time.monotonic() + 5
        while (left := [pid for pid in children if alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, f"processes {left} survived the server"
        return code


def wait_for(condition: Callable[[], object], seconds: float = 100) -> None:
    """Until it is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and no other test is given.

    Each comes from a counter that all streams of tests share, and lies below the ports that the kernel gives to clients: one of
    those may be taken by any connection before the server that it was meant for listens.
    """
    with (Path(tempfile.gettempdir()) / "isocenter-test-ports").open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        while True:
            counter.seek(0)
            port = int(counter.read() or FIRST_PORT)
            counter.truncate(0)
            counter.write(str(port + 1 if port < LAST_PORT else FIRST_PORT))
            counter.flush()
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue  # somebody else's
                return port


def command_line(pid: int) -> list[str]:
    """The words a process was started with; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def alive(pid: int) -> bool:
    """True for a process that runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    """All processes below a process, parents before children."""
    children: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # each thread has the children that it started
            children += [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
    except OSError:
        pass
    return [found for child in children for found in (child, *descendants(child))]


def command(*arguments: str) -> list[str]:
    """argv of an `isocenter` command under this interpreter."""
    return [sys.executable, "-m", "isocenter", *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without settings of its own, plus extra."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ISOCENTER_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **(extra or {})}


def run(*arguments: str, extra: Mapping[str, str] | None = None, seconds: float = 120,
        stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(command(*arguments), env=environment(extra), capture_output=True, text=True, timeout=seconds,
                          input=stdin)


def start(folder: Path, *options: str, extra: Mapping[str, str] | None = None, role: str = "serve") -> Server:
    """Start without waiting; `folder` holds the data folder and the log."""
    folder.mkdir(parents=True, exist_ok=True)
    http_port, dicom_port = free_port(), free_port()
    data, log = folder / "data", folder / f"{role}-{http_port}.log"
    ports = ("--http", f"127.0.0.1:{http_port}", "--dicom", f"127.0.0.1:{dicom_port}")
    variables = environment({"ISOCENTER_ADMIN_PASSWORD": PASSWORD, **(extra or {})})
    with log.open("w") as output:
        process = subprocess.Popen(command(role, "--data", str(data), *ports, *QUICK, *options), env=variables, text=True,
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    server = Server(process, data, log, http_port, dicom_port)
    for option, name in (("--http", "http_port"), ("--dicom", "dicom_port")):
        if option in options:
            setattr(server, name, int(re.sub(r".*:", "", options[options.index(option) + 1])))
    if "--http" in options:
        host = options[options.index("--http") + 1].rpartition(":")[0]
        server.host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    if "--tls-cert" in options:
        server.certificate = options[options.index("--tls-cert") + 1]
    if "--aet" in options:
        server.aet = options[options.index("--aet") + 1]
    if "--data" in options:
        server.data = Path(options[options.index("--data") + 1])
    return server


@contextmanager
def running(folder: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A ready server for the length of a block; stopped with SIGTERM, and checked that nothing of it is left."""
    if not (folder / "data").exists() and "--database" not in options:
        put_index(f"sqlite:///{folder / 'data' / 'index.sqlite'}")
    server = start(folder, *options, extra=environment)
    try:
        server.wait_until_ready()
        yield server
    finally:
        if server.process.poll() is None:
            try:
                server.stop()
            except subprocess.TimeoutExpired:
                server.process.kill()
                raise AssertionError(f"isocenter serve did not stop:\n{server.output()}") from None
