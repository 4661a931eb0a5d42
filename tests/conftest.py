"""Fixtures for every floor: the test data, a PostgreSQL 15 of our own, a fresh database on each of the two engines, a whole
archive."""

import itertools
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pynetdicom.association
import pytest
from hypothesis import HealthCheck, settings

import ceph
from isocenter.service.context import Context
from isocenter.service.pool import Pool
from isocenter.settings import Settings
from isocenter.store import keys
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.cache import DiskCache
from isocenter.store.database import Database
from schemas import MEMORY, put_index

# Two shared cores: no deadline; enough examples to find what a change breaks, few enough for every commit.
settings.register_profile("ci", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow,
                                                                                      HealthCheck.function_scoped_fixture])
settings.register_profile("deep", max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# dcmtk's programs, not those of the same names that pynetdicom puts into a virtual environment
os.environ["PATH"] = f"/usr/bin:{os.environ['PATH']}"

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
_numbers = itertools.count()


class _Paused:
    """Whether the reactor of a pynetdicom association stands still, so that its user may send a request.

    pynetdicom 3.0.4 sets this flag just before the reactor waits, and a reactor that goes on at once then takes a quick answer
    away from who waits for it: an answer is lost, or a request ends with a timeout.
    """

    def __get__(self, association: pynetdicom.association.Association, owner: type) -> bool:
        flag = bool(association.__dict__.get("_is_paused"))
        if not flag or not association.is_requestor or association._kill or not association.is_alive():
            return flag
        return threading.current_thread() is association or bool(association._reactor_checkpoint._cond._waiters)  # type: ignore[attr-defined]

    def __set__(self, association: pynetdicom.association.Association, flag: bool) -> None:
        association.__dict__["_is_paused"] = flag


pynetdicom.association.Association._is_paused = _Paused()  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command run within a test sets up logging to that test's standard error, which is closed after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def data() -> Path:
    """The real DICOM files (see its README)."""
    return Path(__file__).parents[1] / "../shared/data"


class PostgreSQL:
    """A server of our own on a Unix socket, without fsync: only our processes are killed, never the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([*self._as, str(POSTGRESQL / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        options = (f"-c listen_addresses='' -k {self.folder} -c fsync=off -c full_page_writes=off -c shared_buffers=64MB "
                   "-c max_connections=200 -c max_wal_size=1GB")
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    @staticmethod
    def stop_left(folder: Path) -> None:
        """Stop the server of a test session that could not stop it itself, and remove its folder."""
        try:
            os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        except (OSError, ValueError, IndexError):
            pass  # it is down already
        shutil.rmtree(folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, as the superuser."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def create(self, template: str = "template1") -> str:
        """The URL of a new database."""
        name = f"test_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.split('@/')[1].split('?')[0]} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server a session; its database "isocenter_template" has the schema."""
    if not POSTGRESQL.is_dir():
        pytest.fail("PostgreSQL 15 is not installed: apt-get install postgresql-15, or leave it out with -m 'not postgres'")
    for left in MEMORY.glob("iso-pg-*-*"):
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():  # of a session that was killed
            PostgreSQL.stop_left(left)
    # short: the path of a Unix socket has at most 107 bytes
    folder = Path(tempfile.mkdtemp(prefix=f"iso-pg-{os.getpid()}-", dir=MEMORY))
    try:
        server = PostgreSQL(folder)
        try:
            server.execute("CREATE DATABASE isocenter_template")
            Database(server.url("isocenter_template")).close()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3() -> Iterator[ceph.S3]:
    """A real S3 server, once a session."""
    if reason := ceph.why_not():
        pytest.skip(reason)
    with ceph.running(MEMORY) as server:
        yield server


@pytest.fixture
def bucket(s3: ceph.S3) -> str:
    """The name of a new bucket."""
    name = f"bucket-{next(_numbers)}"
    s3.make_bucket(name)
    return name


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@contextmanager
def fresh_database(engine: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh database, which has the schema."""
    if engine == "sqlite":
        url = f"sqlite:///{folder / 'index.sqlite'}"
        put_index(url)
        yield url
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create("isocenter_template")
    yield url
    server.drop(url)


@contextmanager
def archive(url: str, folder: Path, encryption_key: str = "") -> Iterator[Context]:
    """A whole archive on a database, its blobs in `folder`."""
    put_index(url)
    settings = Settings(data=folder, min_free_space=0, encryption_key=encryption_key)
    blobs = LocalBlobs(folder, keys.of(settings))
    context = Context(Database(url), blobs, settings, cache=DiskCache(settings.cache_folder, 64 << 20), pool=Pool(1))
    yield context
    context.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty data folder, in memory where that is possible."""
    with tempfile.TemporaryDirectory(prefix="isocenter-test-", dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The URL of a fresh database, once on each engine."""
    with fresh_database(request.param, folder, request) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh index, once on each engine."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def context(database_url: str, folder: Path) -> Iterator[Context]:
    """A whole archive, once on each engine."""
    with archive(database_url, folder) as made:
        yield made


@pytest.fixture
def sqlite_context(folder: Path) -> Iterator[Context]:
    """A whole archive on SQLite only, for tests that are not about the index."""
    with archive(f"sqlite:///{folder / 'index.sqlite'}", folder) as made:
        yield made


@pytest.fixture
def second_context() -> Iterator[Context]:
    """Another whole archive on SQLite."""
    scratch = tempfile.TemporaryDirectory(prefix="isocenter-test-", dir=MEMORY)
    with scratch as made, archive(f"sqlite:///{made}/index.sqlite", Path(made)) as context:
        yield context


@pytest.fixture(scope="module", params=ENGINES)
def shared_context(request: pytest.FixtureRequest) -> Iterator[Context]:
    """A whole archive, once on each engine, that the tests of a module share and leave as they found it."""
    with tempfile.TemporaryDirectory(prefix="isocenter-test-", dir=MEMORY) as made:
        folder = Path(made)
        with fresh_database(request.param, folder, request) as url, archive(url, folder) as context:
            yield context
