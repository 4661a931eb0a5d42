"""Fixtures for every floor: the test data, a PostgreSQL 15 of our own, a fresh database on each of the two engines, a whole archive."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store.blobs import LocalBlobs
from isocenter.store.database import Database

# Two shared cores: no deadline; enough examples to find what a change breaks, few enough for every commit.
settings.register_profile("ci", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow,
                                                                                      HealthCheck.function_scoped_fixture])
settings.register_profile("deep", max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def data() -> Path:
    """The real DICOM files (see its README)."""
    return Path(__file__).parents[1] / "../shared/data"


class PostgreSQL:
    """A server of our own on a Unix socket in a temporary folder, without fsync: only our processes are killed, never the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([*self._as, str(POSTGRESQL / program), *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self) -> None:
        options = (f"-c listen_addresses='' -k {self.folder} -c fsync=off -c full_page_writes=off -c shared_buffers=64MB "
                   "-c max_connections=200 -c max_wal_size=1GB")
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

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
    folder = Path(tempfile.mkdtemp(prefix="iso-pg-", dir="/tmp"))  # short: the path of a Unix socket has at most 107 bytes
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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database, once on each engine; it has the schema on PostgreSQL and does not exist yet on SQLite."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'data' / 'index.sqlite'}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create("isocenter_template")
    yield url
    server.drop(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh index, once on each engine."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    """A whole archive on a fresh index, once on each engine."""
    return Context(database, LocalBlobs(tmp_path / "data"), Settings(data=tmp_path / "data", min_free_space=0))


@pytest.fixture
def sqlite_context(tmp_path: Path) -> Iterator[Context]:
    """A whole archive on SQLite only, for tests that are not about the index."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'index.sqlite'}")
    yield Context(database, LocalBlobs(tmp_path / "data"), Settings(data=tmp_path / "data", min_free_space=0))
    database.close()
