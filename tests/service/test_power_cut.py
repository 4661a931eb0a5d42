"""The power fails while the index' log is not on the disk yet: every instance whose sender got its answer is there again."""

import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import archive
from isocenter.domain.access import SYSTEM
from isocenter.domain.events import Event
from isocenter.service import changes as feed
from isocenter.service import ingest, integrity
from isocenter.service.context import Context
from isocenter.store import afterwards, changes, connections, imaging
from objects import part10

SCANNER = replace(SYSTEM, name="dicom:SCANNER", address="10.0.0.7")


class Disk:
    """What of the log would survive: as much as there was at the last sync."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = folder / "index.sqlite-wal"
        self.durable = 0
        self.syncs = 0
        monkeypatch.setattr(connections.os, "fdatasync", self._sync)

    def _sync(self, fd: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{fd}")) == self.log:
            self.durable, self.syncs = self.log.stat().st_size, self.syncs + 1

    @contextmanager
    def after_a_power_cut(self, place: Path) -> Iterator[Context]:
        """The archive as the next start finds it. Hard links stay what they are."""
        subprocess.run(["cp", "-a", str(self.log.parent), str(place)], check=True)
        (place / "index.sqlite-shm").unlink(missing_ok=True)
        os.truncate(place / self.log.name, self.durable)
        with archive(f"sqlite:///{place}/index.sqlite", place) as context:
            yield context


def store(context: Context, data: bytes) -> str:
    context.blobs._names_need_sync = False  # type: ignore[attr-defined]  # whatever file system the tests run on
    with ingest.begin(context, SCANNER, source="dimse", calling_aet="CT1", called_aet="ISOCENTER") as reception:
        reception.write(data)
        return reception.finish().status


def instances(context: Context) -> dict[str, str]:
    """The key of each version; its bytes are those that came."""
    files = context.database.read(lambda c: imaging.files(c, 0, 1000))
    for file in files:
        content = context.blobs.path(file.blob_key).read_bytes()  # type: ignore[attr-defined]
        assert hashlib.sha256(content).hexdigest() == file.sha256
    return {file.blob_key: file.sop_instance_uid for file in files}


def served(context: Context, uid: str) -> str:
    """The key of the version that is served."""
    located = context.database.read(lambda c: imaging.locate(c, "1.2.3.1"))
    return next(row.blob_key for row in located if row.sop_instance_uid == uid)


def stored(context: Context) -> list[tuple[str, ...]]:
    """UID, actor, door, AE title and address of each instance that the change log tells of."""
    rows = context.database.read(lambda c: changes.since(c, 0, kinds=(Event.INSTANCE_STORED,)))
    return sorted((uid, row.actor, *(row.payload[fact] for fact in ("source", "source_aet", "address")))
                  for row in rows for uid in row.payload["instances"])


def test_what_was_answered_is_there_after_the_next_start(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive(f"sqlite:///{folder}/index.sqlite", folder) as context:
        disk = Disk(folder, monkeypatch)
        store(context, part10(2000, SOPInstanceUID="1.2.0"))
        while os.listdir(folder / "incoming"):
            time.sleep(0.01)
        monkeypatch.setattr(afterwards, "PAUSE", 60)
        before = disk.syncs
        sent = [part10(2000 + number, SOPInstanceUID=f"1.2.{number}") for number in range(1, 6)]
        assert [store(context, data) for data in sent] == ["stored"] * 5
        assert store(context, sent[4]) == "duplicate"
        assert store(context, part10(2100, SOPInstanceUID="1.2.1", Rows=7)) == "version"
        assert disk.syncs == before, "no sender waited for the log"
        held = instances(context)
        assert len(held) == 7
        with disk.after_a_power_cut(tmp_path / "after") as again:
            assert list(instances(again).values()) == ["1.2.0"], "the rows were not durable: that is what this test is about"
            assert integrity.leftovers(again) == 6
            assert instances(again) == held and os.listdir(tmp_path / "after" / "incoming") == []
            assert stored(again) == stored(context) and len(stored(again)) == 6
            assert not list(integrity.Verification(again).run(lambda count: None))
            assert served(again, "1.2.1") == served(context, "1.2.1")


def test_after_the_log_is_synced_nothing_is_left_to_be_settled(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive(f"sqlite:///{folder}/index.sqlite", folder) as context:
        store(context, part10(2000, SOPInstanceUID="1.2.0"))
        disk = Disk(folder, monkeypatch)
        assert store(context, part10(2000, SOPInstanceUID="1.2.1")) == "stored"
        context.database._afterwards.close()
        assert disk.syncs >= 1 and os.listdir(folder / "incoming") == []
        with disk.after_a_power_cut(tmp_path / "after") as again:
            assert sorted(instances(again).values()) == ["1.2.0", "1.2.1"]
            assert integrity.leftovers(again) == 0


def test_a_change_that_was_told_is_durable(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who remembers the number of a change is not to find it given to another one."""
    with archive(f"sqlite:///{folder}/index.sqlite", folder) as context:
        disk = Disk(folder, monkeypatch)
        monkeypatch.setattr(afterwards, "PAUSE", 60)
        assert store(context, part10(2000, SOPInstanceUID="1.2.0")) == "stored"
        told = feed.page(context, SYSTEM, 0, 100)
        with disk.after_a_power_cut(tmp_path / "after") as again:
            assert feed.page(again, SYSTEM, 0, 100) == told and told.changes
