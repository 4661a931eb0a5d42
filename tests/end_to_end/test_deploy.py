"""The files of deploy/, as operators use them: nginx and HAProxy with these very files in front of a running archive."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

import objects
from certificates import Authority
from isocenter import cli
from isocenter.settings import BY_NAME, PREFIX
from servers import Server, free_port, running

DEPLOY = Path(__file__).parents[2] / "deploy"
PATIENCE = 30.0

pytestmark = pytest.mark.timeout(120)


@contextmanager
def front(*command: str | Path, port: int, log: Path) -> Iterator[None]:
    """A process that listens on a port."""
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE
        while f":{port:04X} " not in Path("/proc/net/tcp").read_text():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def adapted(name: str, *replaced: tuple[str, str]) -> str:
    """A file of deploy/ with the names of nodes and ports changed, each of which must be there."""
    text = (DEPLOY / name).read_text()
    for pattern, instead in replaced:
        text, count = re.subn(pattern, instead, text)
        assert count, pattern
    return text


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    proxies = ("--proxies", "127.0.0.0/8", "--dicom-proxies", "127.0.0.0/8")
    with running(tmp_path_factory.mktemp("deploy") / "archive", *proxies) as started:
        yield started


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_in_front_of_the_web(server: Server, tmp_path: Path) -> None:
    Authority(tmp_path).signed("proxy")
    port = free_port()
    site = adapted(
        "nginx.conf", (r"server node1:8080", f"server 127.0.0.1:{server.http_port}"),
        (r"server node2:8080", "server 127.0.0.1:9"),
        (r"listen 443", f"listen 127.0.0.1:{port}"), (r"/etc/isocenter/tls/fullchain.pem", str(tmp_path / "proxy.crt")),
        (r"/etc/isocenter/tls/privkey.pem", str(tmp_path / "proxy.key")),
    )  # fmt: skip
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n{site}}}\n"
    )
    with front("nginx", "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf", port=port, log=tmp_path / "log"):
        client = httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=False, timeout=60)
        for _ in range(4):  # one of the two nodes is not there
            assert client.get("/healthz").status_code == 200
        login = client.post("/api/v1/session", json={"username": server.user, "password": server.password})
        assert login.status_code == 200 and "Secure" in login.headers["set-cookie"]
        upload = client.post(
            "/api/v1/upload", params={"name": "large.dcm"}, content=objects.part10(2_000_000, StudyInstanceUID="1.2.3"),
            headers={"Content-Type": "application/octet-stream", "X-CSRF-Token": login.json()["csrf_token"]},
        )  # fmt: skip
        assert upload.json()["results"][0]["status"] == "stored"
        (study,) = client.get("/dicom-web/studies").json()
        assert study["00081190"]["Value"][0].startswith(f"https://127.0.0.1:{port}/dicom-web/studies/")
        with client.stream("GET", "/api/v1/changes/stream", params={"since": 0}) as events:  # not held back in a buffer
            assert next(events.iter_lines())


@pytest.mark.skipif(not (shutil.which("haproxy") and shutil.which("storescu")), reason="haproxy or dcmtk is not installed")
def test_haproxy_in_front_of_dicom(server: Server, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "haproxy.cfg").write_text(
        adapted("haproxy.cfg", (r"bind :1104", f"bind 127.0.0.1:{port}"), (r"check port 8080", f"check port {server.http_port}"),
                (r"node1:11112", f"127.0.0.1:{server.dicom_port}"), (r"node2:11112", "127.0.0.1:9"))
    )  # fmt: skip
    (tmp_path / "a.dcm").write_bytes(objects.part10())
    with front("haproxy", "-db", "-f", tmp_path / "haproxy.cfg", port=port, log=tmp_path / "log"):
        sent = subprocess.run(
            ["storescu", "-aec", server.aet, "127.0.0.1", str(port), str(tmp_path / "a.dcm")], capture_output=True, text=True,
            timeout=60,
        )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    directly = subprocess.run(["echoscu", "127.0.0.1", str(server.dicom_port)], capture_output=True, timeout=60)
    assert directly.returncode != 0  # it does not come through the balancer, and does not announce itself


def settings_named(text: str) -> set[str]:
    return {name.removeprefix(PREFIX).lower() for name in re.findall(rf"\b{PREFIX}[A-Z0-9_]+", text)} - {"admin_password"}


@pytest.mark.parametrize("name", sorted(path.name for path in DEPLOY.iterdir() if path.is_file()))
def test_every_setting_that_is_named_is_one(name: str) -> None:
    assert settings_named((DEPLOY / name).read_text()) <= set(BY_NAME)


def test_the_compose_file_is_whole() -> None:
    described = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    variables = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "compose.yaml").read_text()))
    assert variables == set(re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE))
    volumes = {mount.partition(":")[0] for service in described["services"].values() for mount in service.get("volumes", [])}
    assert {name for name in volumes if not name.startswith(".")} == set(described["volumes"])
    assert all((DEPLOY / name).exists() for name in volumes if name.startswith("./") and name != "./tls")


@pytest.mark.parametrize("name", ["isocenter.service", "isocenter@.service", "isocenter-backup.service"])
def test_the_units_start_commands_that_exist(name: str) -> None:
    (command,) = re.findall(r"^ExecStart=/opt/isocenter/bin/isocenter (\S+)(?: .*)?$", (DEPLOY / name).read_text(), re.MULTILINE)
    for role in ("dicom", "web", "worker") if command == "%i" else (command,):
        with pytest.raises(SystemExit) as ended:
            cli.main([role, "--help"])
        assert ended.value.code == 0
