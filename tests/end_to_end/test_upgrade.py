"""An upgrade under load: a running Isocenter of the previous revision, requests and C-STOREs going on, while the schema is
migrated and a new Isocenter comes to its side. No request fails, nothing is lost.

The previous revision is taken from git's history; without it there is nothing to upgrade from, and the test says so.
"""

import contextlib
import io
import json
import subprocess
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pydicom
import pytest
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage  # type: ignore[attr-defined]
from sqlalchemy import create_engine, text

import objects
from conftest import PostgreSQL
from isocenter.store import migrations
from servers import QUICK, Server, command, environment, start

ROOT = Path(__file__).parents[2]
PREVIOUS = "0010"  # the revision of the release before
HEAD_FILE = "src/isocenter/store/migrations/__init__.py"
STUDIES = 6


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which `isocenter` is the program of the previous revision."""
    try:
        # the newest commit that took this HEAD away; its parent had it
        changed = git("log", "-1", "--format=%H", f'-SHEAD = "{PREVIOUS}"', "--", HEAD_FILE).decode().strip()
        archive = git("archive", f"{changed}~1", "src")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"git's history does not hold revision {PREVIOUS}: nothing to upgrade from")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder)  # of our own git: Debian's Python 3.11.2 has no filters yet
    assert f'HEAD = "{PREVIOUS}"' in (folder / HEAD_FILE).read_text()
    return {"PYTHONPATH": str(folder / "src")}


NEW = {"PYTHONPATH": str(ROOT / "src")}


class Load:
    """Senders and readers that go on until they are stopped. sent: what was answered with Success; failed: what went wrong."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failed: list[str] = []
        self.done: Counter[str] = Counter()
        self._stop: dict[str, threading.Event] = {}
        self._threads: dict[str, list[threading.Thread]] = {}

    def begin(self, server: Server, name: str) -> None:
        """One sender and two readers at a server."""
        stop = self._stop[name] = threading.Event()
        work: list[Callable[[], None]] = [lambda: self._send(server, name), lambda: self._read(server, name),
                                          lambda: self._search(server, name)]
        self._threads[name] = [threading.Thread(target=self._repeated, args=(each, stop, name)) for each in work]
        for thread in self._threads[name]:
            thread.start()

    def end(self, *names: str) -> None:
        """As a load balancer does: what has begun is finished, nothing new comes."""
        for name in names or tuple(self._threads):
            self._stop[name].set()
            for thread in self._threads.pop(name, ()):
                thread.join(120)
                assert not thread.is_alive()

    def wait(self, name: str, times: int) -> None:
        """Until each of a server's clients has come round so often."""
        begun = dict(self.done)
        deadline = time.monotonic() + 120
        kinds = [f"{name} {kind}" for kind in ("sent", "read", "searched")]
        while any(self.done[kind] - begun.get(kind, 0) < times for kind in kinds) and not self.failed:
            assert time.monotonic() < deadline, (self.done, self.failed)
            time.sleep(0.05)

    def _repeated(self, work: Callable[[], None], stop: threading.Event, name: str) -> None:
        while not stop.wait(0.05) and len(self.failed) < 20:  # so that the others on two cores get on, too
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what a user would have met
                self.failed.append(f"{name}: {error!r}")

    def _send(self, server: Server, name: str) -> None:
        entity = AE()
        entity.add_requested_context(CTImageStorage)
        association = entity.associate("127.0.0.1", server.dicom_port, ae_title="ISOCENTER")
        if not association.is_established:
            raise RuntimeError("no association")
        for _ in range(3):
            number = self.done[f"{name} sent"] % STUDIES  # its own turn: the other sender may skip a study for it
            uid = objects.uid()
            data = objects.part10(512, SOPInstanceUID=uid, StudyInstanceUID=f"1.7.{number}", PatientID=f"U{number}",
                                  SeriesInstanceUID=f"1.7.{number}.{name}", PatientName=f"Meyer^{name}{number}",
                                  ContrastBolusAgent=f"agent {number}")  # fmt: skip
            status = association.send_c_store(pydicom.dcmread(io.BytesIO(data)))
            if status.get("Status") != 0:
                raise RuntimeError(f"C-STORE {status}")
            self.sent.append(uid)
            self.done[f"{name} sent"] += 1
        association.release()

    def _read(self, server: Server, name: str) -> None:
        with client(server) as http:
            for path in (f"/studies/1.7.0/series/1.7.0.{name}/metadata", "/studies/1.7.0"):
                if self.done[f"{name} sent"] >= STUDIES:
                    expect(http.get(f"/dicom-web{path}"))
            expect(http.get("/api/v1/studies", params={"q": "Meyer"}))
        self.done[f"{name} read"] += 1

    def _search(self, server: Server, name: str) -> None:
        with client(server) as http:
            for path in ("studies?PatientName=Mey*", "series?Modality=CT&limit=5", "instances?limit=5", "studies?StudyTime=-23"):
                expect(http.get(f"/dicom-web/{path}"))
            expect(http.get("/readyz"))
        self.done[f"{name} searched"] += 1


def client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=(server.user, server.password), timeout=60)


def expect(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.request.url} {answer.status_code} {answer.text[:300]}")


def revision(url: str) -> str | None:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text("select version_num from alembic_version")).scalar()
    finally:
        engine.dispose()


def nothing_lost(load: Load, server: Server) -> None:
    with client(server) as http:
        held = {item["00080018"]["Value"][0] for n in range(STUDIES)
                for item in http.get(f"/dicom-web/studies/1.7.{n}/instances").json()}  # fmt: skip
        assert set(load.sent) <= held and len(load.sent) == len(set(load.sent))
        names = {"params": {"PatientName": "Maier", "fuzzymatching": "true"}}
        deadline = time.monotonic() + 60
        while len(http.get("/dicom-web/studies", **names).json()) < STUDIES:  # type: ignore[arg-type]
            assert time.monotonic() < deadline, "names that the previous revision took in are filled in"
            time.sleep(0.1)


def filled_in(server: Server) -> None:
    """A declared attribute is there for what was received before, and command line and API say so."""
    with client(server) as http:
        deadline = time.monotonic() + 60
        while any(each["state"] != "complete" for each in http.get("/api/v1/index-attributes").json()["attributes"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        found = http.get("/dicom-web/series", params={"ContrastBolusAgent": "agent 1"}).json()
        assert {item["0020000E"]["Value"][0] for item in found} == {"1.7.1.1", "1.7.1.2"}
    options = ("--index-attributes", "ContrastBolusAgent@SERIES")
    listed = subprocess.run(command("index", "list", "--data", str(server.data), *QUICK, *options, "--json"),
                            env=environment(NEW), capture_output=True, text=True, timeout=120)  # fmt: skip
    told = {each["name"]: (each["state"], each["level"], each["errors"]) for each in json.loads(listed.stdout)}
    assert told == {"names": ("complete", "", 0), "ContrastBolusAgent": ("complete", "SERIES", 0)}


@contextlib.contextmanager
def running(folder: Path, *options: str, environment: dict[str, str]) -> Iterator[Server]:
    """A server of one of the two revisions; a machine that does all this at once may take its time."""
    server = start(folder, *options, extra=environment)
    try:
        server.wait_until_ready(180)
        yield server
    finally:
        if server.process.poll() is None:
            server.stop(seconds=120)


@contextlib.contextmanager
def loaded() -> Iterator[Load]:
    load = Load()
    try:
        yield load
    finally:
        load.end()


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_a_new_node_beside_one_of_the_previous_revision(
    postgresql: PostgreSQL, tmp_path: Path, previous: dict[str, str]
) -> None:
    """PostgreSQL: a rolling upgrade. A reader that holds every table makes the migrations wait, not the others."""
    url = postgresql.create()
    shared = ("--database", url, "--storage", f"file://{tmp_path}/storage")
    try:
        with loaded() as load, running(tmp_path / "old", *shared, environment=previous) as old:
            assert revision(url) == PREVIOUS
            load.begin(old, "1")
            load.wait("1", STUDIES)
            report = create_engine(url)
            with report.connect() as reading:
                reading.execute(text("select count(*) from study, series, instance, patient"))
                release = threading.Timer(3, reading.rollback)
                release.start()
                with running(tmp_path / "new", *shared, environment=NEW) as new:
                    release.join()
                    assert revision(url) == migrations.HEAD
                    load.begin(new, "2")
                    load.wait("1", 3)
                    load.wait("2", 3)
                    load.end("1")
                    assert old.stop() == 0, "the node of the previous revision leaves when its clients have"
                    load.wait("2", 3)
                    load.end()
                    assert load.failed == []
                    nothing_lost(load, new)
            report.dispose()
    finally:
        postgresql.drop(url)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_schema_is_migrated_under_a_running_server(tmp_path: Path, previous: dict[str, str]) -> None:
    """SQLite: one machine, one server. The new program migrates beside it; then a restart is all that is left."""
    url = f"sqlite:///{tmp_path}/old/data/index.sqlite"
    with loaded() as load:
        with running(tmp_path / "old", environment=previous) as old:
            assert revision(url) == PREVIOUS
            load.begin(old, "1")
            load.wait("1", STUDIES)
            migrated = subprocess.run(command("index", "list", "--data", str(old.data), *QUICK, "--json"), env=environment(NEW),
                                      capture_output=True, text=True, timeout=120)  # fmt: skip
            assert migrated.returncode == 0, migrated.stderr
            assert revision(url) == migrations.HEAD
            load.wait("1", 3)
            load.end()
            assert load.failed == []
            assert old.stop() == 0
        # with a new attribute, which is filled in for what the program before has received
        with running(tmp_path / "old", "--index-attributes", "ContrastBolusAgent@SERIES", environment=NEW) as new:
            load.begin(new, "2")
            load.wait("2", 3)
            load.end()
            assert load.failed == []
            nothing_lost(load, new)
            filled_in(new)
