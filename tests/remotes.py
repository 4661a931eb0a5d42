"""Foreign archives as processes: Orthanc, dcmtk's dcmqrscp and storescp, pynetdicom's qrscp. Each knows one archive of ours."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from servers import free_port

ORTHANC = Path("/usr/sbin/Orthanc")
# Without it each instance waits 40 ms for a delayed ACK (DESIGN 5).
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
PATIENCE = 60.0


@dataclass
class Remote:
    """A running archive. http: Orthanc's API; folder: what dcmtk keeps there."""

    aet: str
    port: int
    folder: Path
    http: httpx.Client = field(default_factory=httpx.Client)

    def files(self) -> list[Path]:
        """Every object that dcmtk has kept."""
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name != "index.dat"]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until somebody listens at a port."""
    deadline = time.monotonic() + PATIENCE
    while f":{port:04X} " not in Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


@contextmanager
def _running(folder: Path, port: int, *command: str | Path) -> Iterator[None]:
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=ENVIRONMENT, stdout=output, stderr=output, cwd=folder, process_group=0)
    try:
        _wait(process, port, log)
        yield
    finally:
        # dcmtk's servers may have forked
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@contextmanager
def orthanc(folder: Path, archive_port: int, **configuration: object) -> Iterator[Remote]:
    """Orthanc, AE title ORTHANC; it knows an archive of ours as "isocenter" and takes from and gives to everybody."""
    folder.mkdir(parents=True, exist_ok=True)
    http, port = free_port(), free_port()
    facts = {
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "HttpPort": http, "Plugins": [],
        "DicomPort": port, "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DefaultEncoding": "Utf8",  # what it turns the text of answers into; Latin-1 unless told
        "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True, "DicomAlwaysAllowFind": True,
        "DicomModalities": {"isocenter": ["ISOCENTER", "127.0.0.1", archive_port]}, **configuration,
    }
    (folder / "orthanc.json").write_text(json.dumps(facts))
    users = configuration.get("RegisteredUsers")
    login = next(iter(users.items())) if isinstance(users, dict) else None
    with (
        _running(folder, port, ORTHANC, folder / "orthanc.json"),
        httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=60, trust_env=False, auth=login) as client,
    ):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                client.get("/system").raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)
        yield Remote("ORTHANC", port, folder, client)


@contextmanager
def dcmqrscp(folder: Path, archive_port: int) -> Iterator[Remote]:
    """dcmtk's archive, AE title QR; it knows an archive of ours as a destination of C-MOVE."""
    kept = folder / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nisocenter = (ISOCENTER, 127.0.0.1, {archive_port})\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nQR {kept} RW (200, 1024mb) ANY\nAETable END\n"
    )
    with _running(folder, port, "/usr/bin/dcmqrscp", "-c", folder / "dcmqrscp.cfg", "--require-find"):
        yield Remote("QR", port, kept)


@contextmanager
def storescp(folder: Path, *options: str, port: int = 0) -> Iterator[Remote]:
    """dcmtk's receiver, AE title STORESCP; options: its own, such as --prefer-lossless."""
    kept = folder / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    with _running(folder, port, "/usr/bin/storescp", *options, "-od", kept, "-aet", "STORESCP", str(port)):
        yield Remote("STORESCP", port, kept)


@contextmanager
def qrscp(folder: Path, archive_port: int) -> Iterator[Remote]:
    """pynetdicom's archive, AE title QRSCP; it knows an archive of ours as a destination of C-MOVE."""
    kept = folder / "kept"
    kept.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "qrscp.ini").write_text(
        f"[DEFAULT]\nae_title: QRSCP\nport: {port}\nmax_pdu: 131072\nacse_timeout: 30\ndimse_timeout: 30\n"
        f"network_timeout: 30\nbind_address: 127.0.0.1\ninstance_location: {kept}\n"
        f"database_location: {folder / 'index.sqlite'}\nlog_identifier: False\n"
        f"[ISOCENTER]\naddress: 127.0.0.1\nport: {archive_port}\n"
    )
    with _running(folder, port, sys.executable, "-m", "pynetdicom", "qrscp", "-c", folder / "qrscp.ini"):
        yield Remote("QRSCP", port, kept)
