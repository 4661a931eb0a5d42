"""A real S3 server for tests: Debian's radosgw over a Ceph of one monitor and one OSD, all of it in memory and on loopback.

It is started once a test session, by the first test that needs it, and stopped at its end.
"""

import base64
import datetime
import hashlib
import hmac
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from certificates import Authority
from servers import free_port

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool", "ceph")
ACCESS, SECRET, REGION = "ISOCENTERTEST", "not-a-secret-of-anybody", "us-east-1"
CAPS = ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")

CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
osd pool default pg num = 4
osd pool default pgp num = 4
mon max pg per osd = 1000
osd pool default pg autoscale mode = off
run dir = {folder}/run
admin socket = {folder}/run/$cluster-$name.asok
pid file = {folder}/run/$name.pid
log file = {folder}/log/$name.log
keyring = {folder}/keyring
osd objectstore = memstore
memstore device bytes = 2147483648
osd crush update on start = false
mon data avail crit = 1
mon data avail warn = 2
rgw crypt require ssl = false
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd0
keyring = {folder}/osd0/keyring
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port} ssl_endpoint=127.0.0.1:{tls_port} {certificate} tcp_nodelay=1
rgw run sync thread = false
keyring = {folder}/keyring
"""


def why_not() -> str:
    """Why no server can be started here; "" when one can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"Debian's radosgw is not installed ({', '.join(missing)}): scripts/system_packages.sh test"
    return "" if os.geteuid() == 0 else "a Ceph of our own can only be started by root"


@dataclass(frozen=True)
class S3:
    """A running server and its one user."""

    folder: Path
    port: int
    tls_port: int

    @property
    def authority(self) -> Path:
        """The certificate that signed the one of `tls_endpoint`."""
        return self.folder / "authority.crt"

    @property
    def tls_endpoint(self) -> str:
        return f"https://localhost:{self.tls_port}"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def storage(self, bucket: str, prefix: str = "") -> str:
        """The setting `storage` for a bucket of this server."""
        return f"s3://{bucket}{'/' if prefix else ''}{prefix}?endpoint={self.endpoint}&region={REGION}"

    def make_bucket(self, name: str) -> None:
        answer = self.request("PUT", f"/{name}")
        assert answer.status_code == 200, answer.text

    def request(self, method: str, path: str, query: str = "", headers: dict[str, str] | None = None,
                content: bytes = b"") -> httpx.Response:
        """A signed request (Signature Version 4): for what obstore cannot do."""
        now = datetime.datetime.now(datetime.UTC)
        stamp, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
        body = hashlib.sha256(content).hexdigest()
        signed = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": body, "x-amz-date": stamp, **(headers or {})}
        names = ";".join(sorted(signed))
        canonical = "\n".join((method, path, query, *(f"{name}:{signed[name]}" for name in sorted(signed)), "", names, body))
        scope = f"{day}/{REGION}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        authorization = f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={signature}"
        url = f"{self.endpoint}{path}{'?' if query else ''}{query}"
        return httpx.request(method, url, headers={**signed, "authorization": authorization}, timeout=30,
                             content=content)

    def make_locked_bucket(self, name: str, days: int) -> None:
        """One with versions and Object Lock: for so many days nobody removes a version, whoever asks (compliance mode)."""
        made = self.request("PUT", f"/{name}", headers={"x-amz-bucket-object-lock-enabled": "true"})
        rule = (f"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
                f"<Mode>COMPLIANCE</Mode><Days>{days}</Days></DefaultRetention></Rule></ObjectLockConfiguration>").encode()
        digest = base64.b64encode(hashlib.md5(rule, usedforsecurity=False).digest()).decode()
        locked = self.request("PUT", f"/{name}", "object-lock=", {"content-md5": digest}, rule)
        assert (made.status_code, locked.status_code) == (200, 200), made.text + locked.text

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """(key, version) of everything that a bucket has, also what was overwritten or deleted; no markers."""
        text = self.request("GET", f"/{bucket}", "versions=").text
        parts = [part.partition("</Version>")[0] for part in text.split("<Version>")[1:]]
        return [(part.split("<Key>")[1].partition("<")[0], part.split("<VersionId>")[1].partition("<")[0]) for part in parts]

    def keys(self, bucket: str) -> list[str]:
        """Every key of a bucket (at most 1,000)."""
        text = self.request("GET", f"/{bucket}", "list-type=2").text
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]

    def pids(self) -> list[int]:
        """The processes of the server."""
        return [int(path.read_text()) for path in (self.folder / "run").glob("*.pid")]


@contextmanager
def running(parent: Path) -> Iterator[S3]:
    """A server, for the length of the block; started in about twelve seconds."""
    clear(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"iso-s3-{os.getpid()}-", dir=parent))
    server = S3(folder, free_port(), free_port())
    try:
        _start(server)
        yield server
    finally:
        stop(folder)


def clear(parent: Path) -> None:
    """Stop servers of test sessions that were killed."""
    for left in parent.glob("iso-s3-*-*"):
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            stop(left)


def stop(folder: Path) -> None:
    """Kill the three processes, by the ids they wrote down, and remove what they kept."""
    for path in (folder / "run").glob("*.pid"):
        try:
            pid = int(path.read_text())
            if str(folder) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, 9)
        except (OSError, ValueError):
            pass  # it has ended already
    shutil.rmtree(folder, ignore_errors=True)


def _start(server: S3) -> None:
    folder = server.folder
    certificate, key = Authority(folder).signed("radosgw")
    for name in ("mon", "osd0", "run", "log"):
        (folder / name).mkdir()
    fsid = _run("uuidgen").strip()
    v2, v1 = free_port(), free_port()
    (folder / "ceph.conf").write_text(CONFIGURATION.format(
        fsid=fsid, v2=v2, v1=v1, folder=folder, port=server.port, tls_port=server.tls_port,
        certificate=f"ssl_certificate={certificate} ssl_private_key={key}",
    ))  # fmt: skip
    ours = ("-c", f"{folder}/ceph.conf")
    keyring = f"{folder}/keyring"
    _run("ceph-authtool", "-C", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "client.rgw"):
        _run("ceph-authtool", keyring, "--gen-key", "-n", name, *CAPS)
    _run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]", "--fsid", fsid, f"{folder}/monmap")
    _run("ceph-mon", *ours, "--mkfs", "-i", "a", "--monmap", f"{folder}/monmap", "--keyring", keyring)
    _run("ceph-mon", *ours, "-i", "a")
    uuid = _run("uuidgen").strip()
    _run("ceph", *ours, "osd", "new", uuid)
    _run("ceph", *ours, "auth", "get-or-create", "osd.0", "mon", "allow profile osd", "osd", "allow *", "mgr", "allow *",
         "-o", f"{folder}/osd0/keyring")
    _run("ceph-osd", *ours, "-i", "0", "--mkfs", "--osd-uuid", uuid)
    _run("ceph", *ours, "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=localhost")
    _run("ceph-osd", *ours, "-i", "0")
    _run("radosgw", *ours, "-n", "client.rgw")
    _run("radosgw-admin", *ours, "-n", "client.rgw", "user", "create", "--uid=test", "--display-name=test",
         f"--access-key={ACCESS}", f"--secret={SECRET}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.endpoint}/", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"radosgw does not answer: {(folder / 'log').glob('*')}")


def _run(*command: str) -> str:
    """Run one command to its end, its standard output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout
