"""The worker's backups: made when they are due, by one worker, told loudly when they fail, and gone on with."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from isocenter import doctor, operations
from isocenter.domain.access import SYSTEM
from isocenter.service import backup, ingest
from isocenter.service.context import Context
from isocenter.store import vaults
from isocenter.work import backups as work
from objects import part10
from servers import wait_for


def scheduled(context: Context, folder: Path, **later: float) -> Context:
    """The archive with the setting; at a later hour."""
    at = context.clock() + timedelta(**later)
    return replace(context, settings=replace(context.settings, backup=f"file://{folder}", backup_keep=2), clock=lambda: at)


def store(context: Context, number: int) -> None:
    with ingest.begin(context, SYSTEM, source="dimse") as reception:
        reception.write(part10(SOPInstanceUID=f"1.2.{number}"))
        assert reception.finish().status == "stored"


def made(context: Context, folder: Path) -> list[int]:
    return [each.files for each in backup.snapshots(vaults.vault(str(folder), context.settings))]


def told(context: Context) -> list[str]:
    return [each.what for each in doctor.examine(context) if "backup" in each.what]


def test_made_when_due_and_only_the_newest_snapshots_stay(context: Context, tmp_path: Path) -> None:
    stop, folder = threading.Event(), tmp_path / "vault"
    folder.mkdir()
    assert told(scheduled(context, folder)) == ["no backup was ever made"]
    for day in range(4):
        store(context, day)
        for hour in (0, 1, 23):  # looked at often, made once a day
            assert work.once(scheduled(context, folder, days=day, hours=hour), stop)
    assert made(context, folder) == [4, 3]
    now = scheduled(context, folder)
    assert told(now) == [] and operations.gauges(now)["isocenter_backup_failing"][1] == 0
    late = scheduled(context, folder, days=3)
    assert len(told(late)) == 1 and "the last backup is of" in told(late)[0]
    assert operations.gauges(late)["isocenter_backup_failing"][1] == 1 and backup.state(late, SYSTEM).late


def test_a_disk_that_is_away_is_told_and_waited_for(sqlite_context: Context, tmp_path: Path) -> None:
    stop, folder = threading.Event(), tmp_path / "not mounted yet"
    store(sqlite_context, 1)
    first = scheduled(sqlite_context, folder)
    assert not work.once(first, stop) and not folder.exists(), "nothing is written below a mount that is away"
    state = backup.state(scheduled(sqlite_context, folder, hours=1), SYSTEM)
    assert state.failing_since == first.clock() and "is not there" in state.reason and state.late
    assert any("fails since" in each and "is not there" in each for each in told(first))
    folder.mkdir()
    again = scheduled(sqlite_context, folder, hours=1)
    assert work.once(again, stop) and made(again, folder) == [1]
    state = backup.state(again, SYSTEM)
    assert (state.failing_since, state.reason, state.late, state.faults) == (None, "", False, 0)


def test_files_that_cannot_be_had_are_no_success(sqlite_context: Context, tmp_path: Path) -> None:
    for number in range(2):
        store(sqlite_context, number)
    sqlite_context.blobs.delete(next(sqlite_context.blobs.list("archive")))
    now = scheduled(sqlite_context, tmp_path)
    assert not work.once(now, threading.Event())
    state = backup.state(now, SYSTEM)
    assert state.faults == 1 and state.reason == "1 file could not be had" and state.failing_since == now.clock()


def test_one_worker_makes_it_and_the_next_goes_on_when_that_one_is_stopped(
    sqlite_context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        store(sqlite_context, number)
    now, stop, seen = scheduled(sqlite_context, tmp_path), threading.Event(), list[bool]()
    real = backup.back_up

    def meanwhile(*arguments: object, **named: object) -> object:
        monkeypatch.undo()
        seen.append(work.once(now, threading.Event()))  # another worker looks while this one is at it
        assert not (tmp_path / "snapshots").exists()
        stop.set()
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "back_up", meanwhile)
    assert work.once(now, stop) and seen == [True]
    assert not [each for each in (tmp_path / "snapshots").iterdir() if not each.name.endswith(".partial")]
    assert len(list((tmp_path / "archive").rglob("*.dcm"))) == 3, "what was copied stays"
    assert work.once(now, threading.Event()) and made(now, tmp_path) == [3]


def test_a_running_worker_makes_them(sqlite_context: Context, tmp_path: Path) -> None:
    store(sqlite_context, 1)
    context, stop = scheduled(sqlite_context, tmp_path), threading.Event()
    worker = threading.Thread(target=work.run, args=(context, stop))
    worker.start()
    try:
        wait_for(lambda: backup.state(context, SYSTEM).made_at is not None)
        assert made(context, tmp_path) == [1]
    finally:
        stop.set()
        worker.join()
