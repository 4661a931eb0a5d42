"""The index over TLS: a real PostgreSQL that takes nothing else, its certificate looked at as `sslmode=verify-full` says."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from certificates import Authority
from conftest import POSTGRESQL, PostgreSQL
from isocenter.domain.errors import IsocenterError
from isocenter.domain.events import Event
from isocenter.store import changes
from isocenter.store.database import Database
from schemas import MEMORY
from servers import free_port

pytestmark = pytest.mark.postgres


class Secured(PostgreSQL):
    """A server that takes connections over TCP with TLS only."""

    def __init__(self, folder: Path, certificate: Path, key: Path) -> None:
        self.port = free_port()
        self._pair = (certificate, key)
        super().__init__(folder)

    def start(self) -> None:
        data = self.folder / "data"
        for name, path in zip(("server.crt", "server.key"), self._pair, strict=True):
            shutil.copy(path, data / name)
            (data / name).chmod(0o600)
            if self._as:
                shutil.chown(data / name, "postgres")
        (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all localhost trust\n")
        options = f"-c listen_addresses=localhost -p {self.port} -k {self.folder} -c fsync=off -c ssl=on"
        self._run("pg_ctl", "-D", f"{data}", "-l", f"{self.folder}/log", "-w", "-o", options, "start")

    def over_tls(self, **words: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in words.items())
        return f"postgresql+psycopg://postgres@localhost:{self.port}/postgres?{query}"


@pytest.fixture
def secured(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Secured]:
    if not POSTGRESQL.is_dir():
        pytest.fail("PostgreSQL 15 is not installed: apt-get install postgresql-15, or leave it out with -m 'not postgres'")
    authority = Authority(tmp_path)
    certificate, key = authority.signed("database", getattr(request, "param", "DNS:localhost"))
    with tempfile.TemporaryDirectory(prefix="iso-tls-", dir=MEMORY) as made:
        server = Secured(Path(made), certificate, key)
        try:
            yield server
        finally:
            server.stop()


def test_the_index_is_written_and_read_over_tls(secured: Secured, tmp_path: Path) -> None:
    database = Database(secured.over_tls(sslmode="verify-full", sslrootcert=str(tmp_path / "authority.crt")))
    try:
        database.write(lambda connection: changes.append(connection, Event.APPLICATION_STARTED, "here", "system"))
        asked = text("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        for ask in (database.read, database.write):
            assert tuple(ask(lambda connection: connection.execute(asked).one())) == (True, "TLSv1.3")
        assert [each.subject for each in database.read(lambda connection: changes.since(connection, 0))] == ["here"]
    finally:
        database.close()


def test_a_stranger_s_certificate_and_clear_text_are_refused(secured: Secured, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "stranger")
    for words in ({"sslmode": "verify-full", "sslrootcert": str(stranger.certificate)}, {"sslmode": "disable"}):
        with pytest.raises(IsocenterError):
            Database(secured.over_tls(**words)).close()


@pytest.mark.parametrize("secured", ["DNS:elsewhere.example"], indirect=True)
def test_a_certificate_of_another_machine_is_refused(secured: Secured, tmp_path: Path) -> None:
    trusted = str(tmp_path / "authority.crt")
    with pytest.raises(IsocenterError):
        Database(secured.over_tls(sslmode="verify-full", sslrootcert=trusted)).close()
    Database(secured.over_tls(sslmode="verify-ca", sslrootcert=trusted)).close()  # the name alone was wrong
