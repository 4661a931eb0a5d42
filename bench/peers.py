"""The servers under measurement, each started fresh on loopback in a folder of its own and stopped at the end."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

PASSWORD = "bench-password-1234"
# DESIGN 5: without TCP_NODELAY dcmtk's and Orthanc's processes lose 40 ms an instance and a comparison means nothing
ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Peer:
    """One running server: where it listens, how to ask it, which processes are its own."""

    name: str
    aet: str
    dicom_port: int
    http_port: int = 0
    dicomweb: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http_port}{self.dicomweb}{path}"

    def cpu_seconds(self) -> float:
        """User + system time of the server's process tree so far (living processes)."""
        assert self.process is not None
        return sum(_cpu(pid) for pid in _tree(self.process.pid))

    def memory_mb(self) -> dict[int, float]:
        """Proportional set size of each process, MB."""
        assert self.process is not None
        return {pid: _pss(pid) for pid in _tree(self.process.pid)}

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def wait_http(url: str, headers: dict[str, str], seconds: float = 60) -> None:
    """Until `url` answers 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer within {seconds} s")


def isocenter_command(*arguments: str) -> list[str]:
    """argv of an `isocenter` command."""
    return [sys.executable, "-m", "isocenter", *arguments]


def isocenter(folder: Path, *options: str) -> Peer:
    """`isocenter serve` with its defaults: SQLite, local disk, every durability promise on; all load comes from one client."""
    http, dicom = free_port(), free_port()
    token = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    peer = Peer("isocenter", "ISOCENTER", dicom, http, "/dicom-web", {"Authorization": f"Basic {token}"})
    command = [*isocenter_command("serve"), "--data", str(folder), "--http", f"127.0.0.1:{http}",
               "--dicom", f"127.0.0.1:{dicom}", "--http-rate", "0", *options]  # fmt: skip
    log = (folder.parent / "isocenter.log").open("wb")
    peer.process = subprocess.Popen(command, env={**ENVIRONMENT, "ISOCENTER_ADMIN_PASSWORD": PASSWORD}, stdout=log, stderr=log)
    wait_http(f"http://127.0.0.1:{http}/readyz", {})
    return peer


def orthanc(folder: Path, modalities: Mapping[str, object] = MappingProxyType({})) -> Peer:
    """Debian's Orthanc with its DICOMweb plugin: SQLite, default settings but ports, names and open access on loopback.

    modalities: those it knows, as its configuration has them.
    """
    http, dicom = free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "Name": "bench", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "HttpPort": http, "DicomPort": dicom,
        "DicomAet": "ORTHANC", "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}, "DicomModalities": dict(modalities),
        "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True,
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    peer = Peer("orthanc", "ORTHANC", dicom, http, "/dicom-web")
    log = (folder / "log").open("wb")
    peer.process = subprocess.Popen(["/usr/sbin/Orthanc", str(folder / "orthanc.json")], env=ENVIRONMENT, stdout=log, stderr=log)
    wait_http(f"http://127.0.0.1:{http}/system", {})
    return peer


def storescp(folder: Path, *options: str) -> Peer:
    """dcmtk's storescp: bytes to disk, no index, no sync; the floor under what any archive can reach."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    peer = Peer("storescp", "STORESCP", port)
    command = ["storescp", "--fork", "--max-pdu", "131072", "-aet", "STORESCP", "-od", str(folder), *options, str(port)]
    peer.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return peer


def nginx(folder: Path, files: Path) -> Peer:
    """nginx serving the same bytes as plain files: the physical limit of frames per second with this client."""
    http = free_port()
    server = (f"listen 127.0.0.1:{http}; root {files}; client_max_body_size 0; client_body_buffer_size 1m;\n"
              "location /stow/ { dav_methods PUT; }")  # fmt: skip
    return _nginx(folder, http, [server])


def viewers(folder: Path, archive: Peer, ohif: Path, configuration: str) -> tuple[Peer, dict[str, str]]:
    """nginx in front of an archive with two viewers, as they are deployed: it, and the addresses of our own and of OHIF."""
    ours, theirs = free_port(), free_port()
    (folder / "configured").mkdir(parents=True)
    (folder / "configured" / "app-config.js").write_text(configuration)
    on = f"proxy_pass http://127.0.0.1:{archive.http_port}; proxy_http_version 1.1; proxy_set_header Host $http_host;"
    peer = _nginx(folder, ours, [
        f"listen 127.0.0.1:{ours}; location / {{ {on} }}",
        f"listen 127.0.0.1:{theirs}; root {ohif}; location ~ ^/(dicom-web|wado|api)(/|$) {{ {on} }}\n"
        f"location = /app-config.js {{ root {folder}/configured; }} location / {{ try_files $uri /index.html; }}",
    ])
    return peer, {"isocenter": f"http://127.0.0.1:{ours}", "ohif": f"http://127.0.0.1:{theirs}"}


def _nginx(folder: Path, http: int, servers: list[str]) -> Peer:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 256; }\n"
        "http { include /etc/nginx/mime.types; access_log off; sendfile on; tcp_nodelay on;\n"
        f"client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        + "\n".join(f"server {{ {server} }}" for server in servers) + "}\n"
    )
    peer = Peer("nginx", "", 0, http)
    peer.process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    time.sleep(0.5)
    return peer
