"""`isocenter serve` with real processes: start, restart, stop, and every way in which it cannot start."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from conftest import PostgreSQL
from servers import PASSWORD, Server, alive, command, environment, run, running, start, wait_for

pytestmark = pytest.mark.timeout(180)

ANY_PORTS = ("--http", "127.0.0.1:0", "--dicom", "127.0.0.1:0")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    with running(tmp_path_factory.mktemp("serve"), "--log-format", "json", "--dicom-processes", "2") as ready:
        yield ready


def echo(server: Server) -> bool:
    command = ["echoscu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port)]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_it_says_where_it_is_and_answers_there(server: Server) -> None:
    said = server.output()
    assert said.count("Isocenter is ready") == 1
    assert f"{server.url}/" in said and f"AE title ISOCENTER at 127.0.0.1:{server.dicom_port}" in said
    assert "password from ISOCENTER_ADMIN_PASSWORD" in said and PASSWORD not in said
    assert echo(server)
    assert httpx.get(f"{server.url}/healthz").json()["status"] == "alive"
    assert httpx.get(f"{server.url}/readyz").json() == {"status": "ready", "problems": []}
    # The journal begins some seconds later.
    names = {path.name for path in server.data.iterdir() if not path.name.startswith("index.")} - {"journal"}
    assert names == {"archive", "derived", "incoming", "quarantine", "serve.lock", "webhook.key"}


def test_only_health_answers_strangers(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 401
    assert httpx.get(f"{server.url}/api/v1/studies").status_code == 401
    assert httpx.get(f"{server.url}/dicom-web/studies").status_code == 401
    assert httpx.get(f"{server.url}/wado?requestType=WADO").status_code == 401
    assert server.client().get("/api/v1/studies").status_code == 200
    answer = server.client().get("/wado?requestType=WADO&studyUID=1.2&seriesUID=1.2.3&objectUID=1.2.3.4")
    assert answer.status_code == 404 and answer.json()["error"]["kind"] == "missing"


def test_every_answer_isolates_the_page(server: Server) -> None:
    for path in ("/", "/healthz", "/api/v1/session", "/dicom-web/studies", "/assets/none.js"):
        headers = httpx.get(f"{server.url}{path}").headers
        assert headers["cross-origin-opener-policy"] == "same-origin", path
        assert headers["cross-origin-embedder-policy"] == "require-corp", path


def test_metrics_count_associations_of_all_processes(server: Server) -> None:
    def associations() -> float:
        lines = [line for line in server.client().get("/metrics").text.splitlines() if "ECHOSCU" in line]
        return sum(float(line.split()[-1]) for line in lines if line.startswith("isocenter_associations_total{"))

    before = associations()
    for _ in range(6):
        assert echo(server)
    wait_for(lambda: associations() >= before + 6)
    assert "isocenter_series_waiting" in server.client().get("/metrics").text


@pytest.mark.parametrize("role", ["dicom", "web", "worker"])
def test_a_killed_role_comes_back(server: Server, role: str) -> None:
    before = server.pids(role)
    assert before
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    if role == "dicom":
        assert echo(server), "a connection waits for the process that is started again"
    wait_for(lambda: len(set(server.pids(role)) - set(before)) >= len(before) and not any(alive(pid) for pid in before))
    server.wait_until_ready()
    wait_for(lambda: echo(server))
    assert "a role ended and is started again" in server.output()
    assert server.output().count("Isocenter is ready") == 1


def test_a_second_serve_on_the_same_folder_is_refused(server: Server, tmp_path: Path) -> None:
    other = start(tmp_path, "--data", str(server.data))
    assert other.process.wait(30) == 1
    assert f"process {server.process.pid} already serves dicom" in other.output()
    assert echo(server)


@pytest.mark.parametrize("name", ["http", "dicom"])
def test_a_port_that_is_taken_is_said_in_one_sentence(name: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("serve", "--data", str(tmp_path / "data"), *ANY_PORTS, f"--{name}", address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"isocenter: {name}: port {address.split(':')[1]} on 127.0.0.1 is taken")
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("/sys/isocenter", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        done = run("serve", "--data", folder, *ANY_PORTS)
        assert done.returncode == 1, folder
        assert "cannot be written" in done.stderr and "--data" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_database_that_is_away_is_said_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://isocenter:hunter2@127.0.0.1:9/pacs"
    done = run("serve", "--data", str(tmp_path / "data"), *ANY_PORTS, "--database", url)
    assert done.returncode == 1
    assert done.stderr.startswith("isocenter: the database pacs on 127.0.0.1:9 is away: Connection refused. ")
    assert done.stderr.endswith("Nothing was started.\n") and "--database" in done.stderr and "hunter2" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.postgres
@pytest.mark.parametrize(("user", "name", "sentence"), [
    ("postgres", "nosuch", 'is away: FATAL:  database "nosuch" does not exist'),
    ("nobody", "postgres", 'is away: FATAL:  role "nobody" does not exist'),
    ("reader", "postgres", "does not let this user do enough: permission denied for schema public"),
])
def test_a_database_that_cannot_be_used_says_why(
    postgresql: PostgreSQL, user: str, name: str, sentence: str, tmp_path: Path
) -> None:
    postgresql.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    url = f"postgresql+psycopg://{user}@/{name}?host={postgresql.folder}"
    for words in (("serve", *ANY_PORTS), ("user", "list")):
        done = run(*words, "--data", str(tmp_path / "data"), "--database", url)
        assert done.returncode == 1 and sentence in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and ("Nothing was started." in done.stderr or "Nothing was changed." in done.stderr)


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "index.sqlite").write_bytes(os.urandom(20_000))
    done = run("serve", "--data", str(tmp_path / "data"), *ANY_PORTS)
    assert done.returncode == 1 and "index.sqlite is damaged" in done.stderr and "isocenter reindex" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_first_password_that_is_too_short_is_named(tmp_path: Path) -> None:
    done = run("serve", "--data", str(tmp_path / "data"), *ANY_PORTS, extra={"ISOCENTER_ADMIN_PASSWORD": "short"})
    assert done.returncode == 1 and done.stderr.startswith("isocenter: ISOCENTER_ADMIN_PASSWORD cannot be used: ")
    assert "12 characters" in done.stderr and "short-" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["archive", "incoming", "index.sqlite", "."])
def test_what_this_user_may_not_write_is_named(place: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert run("user", "add", "ann", "--role", "admin", "--data", str(data)).returncode == 0
    (data / place).chmod(0o500)
    # Root without the right to pass over permissions is as good as anybody.
    user = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        words = [*user, *command("serve", "--data", str(data), *ANY_PORTS)]
        done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60)
    finally:
        (data / place).chmod(0o700)
    assert done.returncode == 1 and str(data / place) in done.stderr
    assert "Permission denied" in done.stderr or "SQLITE_READONLY" in done.stderr
    assert done.stderr.endswith("Nothing was started.\n") and len(done.stderr.splitlines()) == 1


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    assert run("user", "add", "ann", "--role", "admin", "--data", str(tmp_path / "data")).returncode == 0
    with sqlite3.connect(tmp_path / "data" / "index.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from-the-future'")
        connection.execute("UPDATE schema_reach SET oldest = '9999'")  # no program of ours may use it
    connection.close()
    done = run("serve", "--data", str(tmp_path / "data"), *ANY_PORTS)
    assert done.returncode == 1 and "newer" in done.stderr and "Traceback" not in done.stderr


def test_beyond_loopback_it_starts_only_with_tls_or_a_proxy(tmp_path: Path) -> None:
    done = run("serve", "--data", str(tmp_path / "data"), "--http", "0.0.0.0:0", "--dicom", "127.0.0.1:0")
    assert done.returncode == 2 and "tls_cert" in done.stderr and "proxies" in done.stderr
    assert not (tmp_path / "data").exists()


def test_the_generated_password_is_printed_once_and_works(tmp_path: Path) -> None:
    with running(tmp_path, environment={"ISOCENTER_ADMIN_PASSWORD": ""}) as first:
        (line,) = [line for line in first.output().splitlines() if "Login" in line]
        password = line.split("password ")[1].split()[0]
        assert first.client(password=password).get("/api/v1/session").json()["user"]["name"] == "admin"
    with running(tmp_path) as second:
        assert "Login" not in second.output() and password not in second.output()
        assert second.client(password=password).get("/api/v1/session").status_code == 200


def test_a_stop_finishes_what_has_begun(tmp_path: Path) -> None:
    server = start(tmp_path, "--grace-seconds", "300")
    server.wait_until_ready()
    body = os.urandom(4 << 20)
    answers: list[int] = []

    def slowly() -> object:
        for at in range(0, len(body), 1 << 20):
            yield body[at : at + (1 << 20)]
            if at == 0:
                server.process.send_signal(signal.SIGTERM)
            time.sleep(0.4)

    answers.append(server.client().post("/api/v1/upload?name=x.dcm", content=slowly()).status_code)  # type: ignore[arg-type]
    assert answers == [200]  # refused as no DICOM, but answered in full
    assert server.process.wait(30) == 0  # a second SIGTERM would mean: now
    assert '"killed": 0' in server.output() or "killed=0" in server.output()


def test_a_stop_does_not_wait_for_live_feeds_and_quiet_associations(tmp_path: Path) -> None:
    from pynetdicom import AE

    server = start(tmp_path, "--grace-seconds", "300")
    server.wait_until_ready()
    entity = AE(ae_title="QUIET")
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title="ISOCENTER")
    assert association.is_established
    with server.client().stream("GET", "/api/v1/events") as feed:
        assert feed.status_code == 200
        next(feed.iter_raw())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(100) == 0
    association.abort()


def test_when_the_supervisor_is_killed_nobody_is_left(tmp_path: Path) -> None:
    server = start(tmp_path)
    server.wait_until_ready()
    children = server.pids()
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not any(alive(pid) for pid in children))
    with running(tmp_path):  # the lock and the ports are free again
        pass


def test_one_role_alone(tmp_path: Path) -> None:
    server = start(tmp_path, role="dicom")
    wait_for(lambda: "Isocenter is ready" in server.output())
    assert echo(server) and not server.pids("web")
    assert "Web" not in server.output()
    assert server.stop() == 0
