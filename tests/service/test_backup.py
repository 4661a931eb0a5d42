"""Backups bring back every row and every byte, from either engine to either; what is wrong is named, nothing overwritten."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from conftest import PostgreSQL, archive
from isocenter.domain.access import SYSTEM, Everything
from isocenter.domain.errors import Broken, Conflict, Invalid, Missing
from isocenter.service import accounts, backup, corrections, ingest, integrity
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import imaging, transfer, vaults
from isocenter.store.schema import metadata
from objects import part10

NOW = datetime(2026, 11, 23, 2, 30, 0, 250_000, UTC)


def vault(folder: Path) -> vaults.Vault:
    return vaults.vault(str(folder), Settings(data=Path("/nowhere")))


def store(context: Context, data: bytes) -> str:
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet="CT1", called_aet="ISOCENTER") as reception:
        reception.write(data)
        return reception.finish().status


def fill(context: Context) -> None:
    """Two patients, names of many kinds, another version, something in quarantine, an account, a correction."""
    accounts.add_user(context, SYSTEM, name="ray", role="radiologist", password="correct horse battery")
    for number in range(5):
        assert store(context, part10(3000 + number, SOPInstanceUID=f"1.2.{number}", PatientName="Müller^Jörg")) == "stored"
    assert store(context, part10(100, SOPInstanceUID="1.2.1", Rows=3)) == "version"
    assert store(context, part10(64, StudyInstanceUID="9.9", SeriesInstanceUID="9.9.1", SOPInstanceUID="9.9.1.1", PatientID="P2",
                                 PatientName="Yamada^Tarou=山田^太郎")) == "stored"
    assert store(context, part10(64, SOPInstanceUID="1.2.77", PatientID="another", StudyInstanceUID="1.2.3.1")) == "quarantined"
    right = {"PatientID": "P3", "PatientName": "Right^Rita"}
    corrections.correct(context, SYSTEM, studies=["9.9"], patient=right, reason="wrong")


def rows(context: Context) -> dict[str, list[Any]]:
    """Everything in the index but what stays behind, and the log's own last rows."""
    tables = [table for table in metadata.sorted_tables if table.name not in transfer.LEFT | {"change"}]
    return context.database.read(
        lambda c: {table.name: sorted(map(repr, c.execute(select(table)).all())) for table in tables})


def content(context: Context) -> dict[str, bytes]:
    kept = context.database.read(lambda c: [*imaging.files(c), *imaging.quarantined_files(c)])
    return {file.blob_key: context.blobs.path(file.blob_key).read_bytes() for file in kept}  # type: ignore[attr-defined]


@contextmanager
def restored(url: str, folder: Path, target: Path, at: datetime | None = None) -> Iterator[Context]:
    with archive(url, folder) as context:
        report = backup.restore(context, vault(target), backup.choose(vault(target), at))
        assert not report.faults
        yield context


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_everything_comes_back(context: Context, postgresql: PostgreSQL, tmp_path: Path, to: str) -> None:
    fill(context)
    done = backup.back_up(context, vault(tmp_path / "backup"))
    assert (done.files, done.copied, done.faults) == (8, 8, [])
    url = f"sqlite:///{tmp_path}/again/index.sqlite" if to == "sqlite" else postgresql.create()
    with restored(url, tmp_path / "again", tmp_path / "backup") as again:
        assert rows(again) == rows(context) and content(again) == content(context)
        assert not list(integrity.Verification(again).run(lambda count: None))
        # It goes on: numbers are given after those that are taken, and the same object is known.
        assert store(again, part10(3000, SOPInstanceUID="1.2.0", PatientName="Müller^Jörg")) == "duplicate"
        assert store(again, part10(3000, SOPInstanceUID="1.2.100")) == "stored"
        assert accounts.add_user(again, SYSTEM, name="new", role="admin")
        assert store(again, part10(64, StudyInstanceUID="9.9", SeriesInstanceUID="9.9.1", SOPInstanceUID="9.9.1.2",
                                   PatientID="P2")) == "stored"
        moved = again.database.read(lambda c: imaging.study_values(c, "9.9", Everything()))
        assert moved is not None and moved["NumberOfStudyRelatedInstances"] == "2"


def test_a_later_backup_copies_what_is_new_and_one_can_go_back(sqlite_context: Context, tmp_path: Path) -> None:
    target, moments = tmp_path / "backup", [NOW, NOW, NOW - timedelta(days=1)]
    sizes = []
    for number, now in enumerate(moments):
        store(sqlite_context, part10(500, SOPInstanceUID=f"1.2.{number}"))
        sizes.append(backup.back_up(replace(sqlite_context, clock=lambda now=now: now), vault(target)))
    assert [(each.name, each.files, each.copied) for each in sizes] == [
        ("20261123T023000Z", 1, 1), ("20261123T023001Z", 2, 1), ("20261123T023002Z", 3, 1)]
    assert [each.files for each in backup.snapshots(vault(target))] == [3, 2, 1]
    at = NOW.replace(microsecond=0)
    with restored(f"sqlite:///{tmp_path}/a/index.sqlite", tmp_path / "a", target, at) as first:
        assert len(content(first)) == 1
    with restored(f"sqlite:///{tmp_path}/b/index.sqlite", tmp_path / "b", target) as last:
        assert len(content(last)) == 3
    with pytest.raises(Missing, match="no snapshot from before 2026"):
        backup.choose(vault(target), at - timedelta(seconds=1))
    backup.back_up(sqlite_context, vault(target), keep=2)
    assert [each.files for each in backup.snapshots(vault(target))] == [3, 3]


def test_a_file_that_cannot_be_had_is_named_and_the_rest_is_safe(sqlite_context: Context, tmp_path: Path) -> None:
    for number in range(4):
        store(sqlite_context, part10(500, SOPInstanceUID=f"1.2.{number}"))
    kept = {file.sop_instance_uid: file.blob_key for file in sqlite_context.database.read(imaging.files)}
    folder = sqlite_context.blobs
    folder.path(kept["1.2.0"]).unlink()  # type: ignore[attr-defined]
    damaged = folder.path(kept["1.2.1"])  # type: ignore[attr-defined]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    done = backup.back_up(sqlite_context, vault(tmp_path / "backup"))
    assert sorted((fault.sop_instance_uid, fault.reason) for fault in done.faults) == [("1.2.0", "missing"), ("1.2.1", "damaged")]
    assert done.copied == 2 and backup.snapshots(vault(tmp_path / "backup"))[0].faults == 2
    assert not (tmp_path / "backup" / kept["1.2.1"]).exists(), "what is damaged is not passed on as good"


def test_nothing_is_restored_over_an_archive_in_use(sqlite_context: Context, tmp_path: Path) -> None:
    store(sqlite_context, part10(500, SOPInstanceUID="1.2.0"))
    backup.back_up(sqlite_context, vault(tmp_path / "backup"))
    before = rows(sqlite_context)
    with pytest.raises(Broken, match="in use"):
        backup.restore(sqlite_context, vault(tmp_path / "backup"), backup.choose(vault(tmp_path / "backup"), None))
    assert rows(sqlite_context) == before


def test_what_an_interrupted_backup_left_is_tidied_and_the_next_goes_on(
    sqlite_context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backup"
    for number in range(3):
        store(sqlite_context, part10(500, SOPInstanceUID=f"1.2.{number}"))
    monkeypatch.setattr(backup, "_finish", lambda *unused: os._exit(9))
    if (child := os.fork()) == 0:
        backup.back_up(sqlite_context, vault(target))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert backup.snapshots(vault(target)) == [] and len(list((target / "snapshots").iterdir())) == 1
    done = backup.back_up(sqlite_context, vault(target))
    assert (done.files, done.copied) == (3, 0) and len(list((target / "snapshots").iterdir())) == 1


def test_an_index_that_was_damaged_is_not_restored(sqlite_context: Context, tmp_path: Path) -> None:
    store(sqlite_context, part10(500, SOPInstanceUID="1.2.0"))
    backup.back_up(sqlite_context, vault(tmp_path / "backup"))
    snapshot = backup.choose(vault(tmp_path / "backup"), None)
    index = tmp_path / "backup" / "snapshots" / snapshot.name / "index.sqlite"
    index.write_bytes(index.read_bytes()[:-1] + b"!")
    with archive(f"sqlite:///{tmp_path}/again/index.sqlite", tmp_path / "again") as empty:
        with pytest.raises(Broken, match="damaged"):
            backup.restore(empty, vault(tmp_path / "backup"), snapshot)
        assert empty.database.read(transfer.is_unused)


def test_one_backup_at_a_time_and_folders_that_cannot_be_used(sqlite_context: Context, tmp_path: Path) -> None:
    store(sqlite_context, part10(500, SOPInstanceUID="1.2.0"))
    with vault(tmp_path / "backup").writing(), pytest.raises(Conflict, match="another backup"):
        backup.back_up(sqlite_context, vault(tmp_path / "backup"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Broken, match="cannot be used"):
        backup.back_up(sqlite_context, vault(tmp_path / "file"))
    with pytest.raises(Invalid, match="lost with it"):
        backup.back_up(sqlite_context, vaults.vault(str(sqlite_context.settings.data / "backup"), sqlite_context.settings))
    with pytest.raises(Broken, match="no backups"):
        backup.snapshots(vault(tmp_path / "nowhere"))


def test_a_drill_compares_and_its_report_is_signed(sqlite_context: Context, tmp_path: Path) -> None:
    for number in range(6):
        store(sqlite_context, part10(500, SOPInstanceUID=f"1.2.{number}"))
    target = tmp_path / "backup"
    backup.back_up(sqlite_context, vault(target))

    def drill(name: str) -> dict[str, Any]:
        with archive(f"sqlite:///{tmp_path}/{name}/index.sqlite", tmp_path / name) as sandbox:
            return backup.drill(sqlite_context, sandbox, vault(target), backup.choose(vault(target), None), 6)

    report = drill("good")
    assert report["passed"] and report["compared"] == report["files"] == report["counts"]["instances"] == 6
    assert backup.is_signed(sqlite_context, report)
    assert not backup.is_signed(sqlite_context, {**report, "compared": 7})
    file = next((target / "archive").rglob("*.dcm"))
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    worse = drill("worse")
    assert not worse["passed"] and [fault["reason"] for fault in worse["faults"]] == ["damaged"]
    assert backup.is_signed(sqlite_context, worse)
