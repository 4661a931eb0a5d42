"""Backups: the index as it is now, every original once, and the way back.

A backup folder is built like an archive, so that nothing of ours is needed to read it (but the key, where files are encrypted):

    archive/... quarantine/...               every original, by its key; copied once, never changed
    snapshots/20261123T023000Z/index.sqlite  the whole index at that moment, whichever engine it comes from
    snapshots/20261123T023000Z/snapshot.json when, how many files, the SHA-256 of the index; webhook.key beside it

The index is taken first and the files after it: a row's bytes were durable before the row, and originals do not change, so that
all files a snapshot speaks of can be had. A snapshot gets its name when everything of it is durable; one that was interrupted has
none, and the next goes on with the files that are there.
"""

import fcntl
import hashlib
import hmac
import os
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Broken, Conflict, Invalid, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import changes, imaging, keys, transfer
from isocenter.store.blobs import Blobs
from isocenter.store.blobs_local import LocalBlobs, sync_folder
from isocenter.store.database import Database
from isocenter.store.imaging import Kept

FORMAT = 1
DRILL_KEY = "drill.key"  # signs the reports of drills
KEYS = ("webhook.key", DRILL_KEY)  # files of the data folder without which the index' secrets are worth nothing
THREADS = 4
_BATCH = 256
_AT_ONCE = 1 << 20  # bytes of a file in memory, in each thread
_NAME = "%Y%m%dT%H%M%SZ"
_PARTIAL = ".partial"

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not in the backup, or did not come back. reason: missing, damaged, or what the storage said."""

    key: str
    sop_instance_uid: str
    reason: str


@dataclass(slots=True)
class Report:
    """What one run did. files: that the snapshot speaks of; copied, bytes: those that were not there yet."""

    name: str = ""
    files: int = 0
    copied: int = 0
    bytes: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment that can be gone back to."""

    name: str
    made_at: datetime
    files: int
    faults: int
    index_sha256: str
    folder: Path


def back_up(context: Context, target: Path, advance: Advance = lambda count: None, *, keep: int = 0) -> Report:
    """Take a snapshot into `target` while everything goes on. keep: how many snapshots are to stay; 0: all.

    Raises Invalid, Broken when the folder cannot be used. Files that cannot be had are named in the report, and the rest is safe.
    """
    if target.resolve().is_relative_to(context.settings.data.resolve()):
        raise Invalid("a backup in the data folder is lost with it", where=str(target), hint="Name one on another disk.")
    with _vault(target, context.settings) as vault:
        made_at = _later(context.clock(), snapshots(target))
        report = Report(made_at.strftime(_NAME))
        folder = target / "snapshots" / f"{report.name}{_PARTIAL}"
        folder.mkdir()
        try:
            _take_index(context, folder)
            index = Database(f"sqlite:///{folder / 'index.sqlite'}")
            try:
                _copy_all(index, context.blobs, vault, report, advance)
            finally:
                index.close()
            transfer.whole(folder / "index.sqlite")
            _finish(context, folder, made_at, report)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise _unusable(target, error) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for old in snapshots(target)[keep:] if keep else ():
            shutil.rmtree(old.folder)
    _note(context, Event.BACKUP_MADE, report)
    return report


def snapshots(target: Path) -> list[Snapshot]:
    """What can be gone back to, newest first. Raises Broken when the folder holds no backups of ours or cannot be read."""
    found = []
    try:
        for folder in (target / "snapshots").iterdir():
            if folder.suffix != _PARTIAL and folder.is_dir():
                found.append(_read(folder))
    except FileNotFoundError:
        raise Broken(f"there are no backups in {target}", hint="Name the folder that `isocenter backup` wrote to.") from None
    except OSError as error:
        raise _unusable(target, error) from error
    return sorted(found, key=lambda snapshot: snapshot.made_at, reverse=True)


def choose(target: Path, at: datetime | None) -> Snapshot:
    """The newest snapshot, or the newest that is not younger than `at`. Raises Missing, Broken."""
    for snapshot in snapshots(target):
        if at is None or snapshot.made_at <= at:
            return snapshot
    raise Missing("there is no snapshot" + (f" from before {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""),
                  hint="`isocenter backup --list FOLDER` names those there are.")


def restore(
    context: Context, target: Path, snapshot: Snapshot, advance: Advance = lambda count: None, *,
    only: frozenset[str] | None = None,
) -> Report:
    """Bring a snapshot into an archive that is empty: files first, and the index when they are there.

    May be run again when it was interrupted. only: keys, for a sandbox; all of them otherwise. Raises Broken when the archive is
    in use, or the snapshot is not what was written.
    """
    if not context.database.read(transfer.is_unused):
        raise Broken("this archive is in use: nothing can be restored over it", kept="Nothing was changed.",
                     hint="Name an empty data folder (and database).")
    report = Report(snapshot.name)
    with opened(snapshot) as index:
        _copy_all(index, LocalBlobs(target, keys.of(context.settings)), context.blobs, report, advance, only)
        for name in KEYS:
            if (snapshot.folder / name).exists() and not (context.settings.data / name).exists():
                _write(context.settings.data / name, (snapshot.folder / name).read_bytes())
        transfer.load(context.database, index, lambda count: None)
    _note(context, Event.BACKUP_RESTORED, report)
    return report


@contextmanager
def opened(snapshot: Snapshot) -> Iterator[Database]:
    """A copy of a snapshot's index, brought to this program's schema. Raises Broken when it is not what was written."""
    with tempfile.TemporaryDirectory(prefix="isocenter-restore-") as folder:
        copy = Path(folder, "index.sqlite")
        shutil.copyfile(snapshot.folder / "index.sqlite", copy)
        if _sha256(copy) != snapshot.index_sha256:
            raise Broken(f"the index of the snapshot {snapshot.name} is damaged", where=str(snapshot.folder),
                         hint="Take an older one with --at. The files are plain DICOM: `isocenter import` reads them without it.")
        index = Database(f"sqlite:///{copy}")
        try:
            yield index
        finally:
            index.close()


def drill(context: Context, sandbox: Context, target: Path, snapshot: Snapshot, sample: int) -> dict[str, Any]:
    """Restore into an archive that will be thrown away, and compare it with the one that is running. Returns a signed report.

    The index is restored whole, and so many files, chosen by chance; each is read back through the restored index and compared
    with its row, and with what the running archive holds. Raises Broken as `restore`.
    """
    began = time.monotonic()
    with opened(snapshot) as index:
        held = [kept for page in files(index) for kept in page]
    chosen = random.SystemRandom().sample(held, min(sample, len(held)))
    report = restore(sandbox, target, snapshot, only=frozenset(kept.blob_key for kept in chosen))
    faults = [asdict(fault) for fault in report.faults]
    bad = {fault.key for fault in report.faults}
    for kept in chosen:
        if kept.blob_key not in bad and (reason := _compared(context, sandbox, kept)):
            faults.append(asdict(Fault(kept.blob_key, kept.sop_instance_uid, reason)))
    facts = {
        "snapshot": snapshot.name, "made_at": snapshot.made_at.isoformat(), "drilled_at": context.clock().isoformat(),
        "files": len(held), "compared": len(chosen), "counts": sandbox.database.read(imaging.counts),
        "seconds": round(time.monotonic() - began, 1), "faults": faults, "passed": not faults,
    }
    return {**facts, "signature": _signature(context, facts)}


def is_signed(context: Context, report: dict[str, Any]) -> bool:
    """Whether a report of `drill` was written by this archive and is what it was."""
    facts = {name: value for name, value in report.items() if name != "signature"}
    return hmac.compare_digest(str(report.get("signature", "")), _signature(context, facts))


def _compared(context: Context, sandbox: Context, kept: Kept) -> str:
    """Why the restored file is not what it should be; "" when all is well."""
    try:
        with sandbox.blobs.open(kept.blob_key) as file:
            restored = file.sha256()
        with context.blobs.open(kept.blob_key) as file:
            running = file.sha256()
    except IsocenterError as error:
        return error.message
    if restored != kept.sha256:
        return "the restored file is not what the index says"
    return "" if running == restored else "the running archive holds other bytes than the backup"


def _signature(context: Context, facts: dict[str, Any]) -> str:
    """HMAC-SHA256 with a key of this data folder, which is made when it is first needed."""
    path = context.settings.data / DRILL_KEY
    if not path.exists():
        _write(path, secrets.token_hex(32).encode())
    return hmac.digest(path.read_bytes(), orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), hashlib.sha256).hex()


@contextmanager
def _vault(target: Path, settings: Settings) -> Iterator[Blobs]:
    """The backup's own files, for one process at a time. What an interrupted run left is tidied away."""
    vault = LocalBlobs(target, keys.of(settings))
    try:
        (target / "snapshots").mkdir(exist_ok=True)
        with (target / "backup.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("another backup is being written there", where=str(target), hint="Wait for it.") from None
            for left in (target / "snapshots").glob(f"*{_PARTIAL}"):
                shutil.rmtree(left)
            vault.clean_incoming(lambda key, note: None)
            yield vault
    except OSError as error:
        raise _unusable(target, error) from error


def _note(context: Context, event: Event, report: Report) -> None:
    facts = {"files": report.files, "copied": report.copied, "faults": len(report.faults)}
    context.database.write(lambda connection: changes.append(connection, event, report.name, SYSTEM.name, facts))


def _unusable(target: Path, error: OSError) -> Broken:
    return Broken(f"the backup folder {target} cannot be used: {error.strerror or error}",
                  hint="Is the disk there, writable, and not full?")


def _later(now: datetime, known: list[Snapshot]) -> datetime:
    """Names are of seconds; and a clock that was set back must not hide a newer snapshot behind an older."""
    now = now.replace(microsecond=0)
    return now if not known or now > known[0].made_at else datetime.fromtimestamp(known[0].made_at.timestamp() + 1, UTC)


def _take_index(context: Context, folder: Path) -> None:
    transfer.snapshot(context.database, folder / "index.sqlite")
    for name in KEYS:
        if (context.settings.data / name).exists():
            _write(folder / name, (context.settings.data / name).read_bytes())


def _finish(context: Context, folder: Path, made_at: datetime, report: Report) -> None:
    index = folder / "index.sqlite"
    with index.open("rb") as file:
        os.fsync(file.fileno())
    facts = {"format": FORMAT, "made_at": made_at.isoformat(), "files": report.files, "index_sha256": _sha256(index),
             "faults": [asdict(fault) for fault in report.faults], "archive": str(context.settings.data)}
    _write(folder / "snapshot.json", orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    sync_folder(str(folder))
    os.rename(folder, folder.with_suffix(""))
    sync_folder(str(folder.parent))


def _read(folder: Path) -> Snapshot:
    try:
        facts: dict[str, Any] = orjson.loads((folder / "snapshot.json").read_bytes())
        if facts["format"] != FORMAT:
            raise Broken(f"the snapshot {folder.name} was written by a newer Isocenter", hint="Restore it with that one.")
        return Snapshot(folder.name, datetime.fromisoformat(facts["made_at"]), int(facts["files"]), len(facts["faults"]),
                        str(facts["index_sha256"]), folder)
    except (ValueError, KeyError, TypeError) as error:
        hint = "Move it away; the others stay good."
        raise Broken(f"the snapshot {folder.name} is damaged", where=str(folder), hint=hint) from error


def _copy_all(
    index: Database, source: Blobs, target: Blobs, report: Report, advance: Advance, only: frozenset[str] | None = None
) -> None:
    """Every file that the index speaks of, and that is not there yet."""
    with ThreadPoolExecutor(THREADS) as pool:
        for page in files(index):
            batch = [kept for kept in page if only is None or kept.blob_key in only]
            for kept, result in zip(batch, pool.map(partial(_copy, source, target), batch), strict=True):
                report.files += 1
                if isinstance(result, str):
                    report.faults.append(Fault(kept.blob_key, kept.sop_instance_uid, result))
                elif result:
                    report.copied += 1
                    report.bytes += kept.size
            advance(len(batch))


def files(index: Database) -> Iterator[list[Kept]]:
    """Every file that an index speaks of, in pages."""
    for page in (imaging.files, imaging.quarantined_files):
        after = 0
        while batch := index.read(partial(page, after_id=after, limit=_BATCH)):
            after = batch[-1].id
            yield batch


def _copy(source: Blobs, target: Blobs, kept: Kept) -> bool | str:
    """Whether it had to be copied; or why it could not be. What is written has the SHA-256 of the row."""
    try:
        if _is_there(target, kept):
            return False
        with source.open(kept.blob_key, kept.size) as file:
            incoming = target.open_incoming()
            try:
                digest = hashlib.sha256()
                for start in range(0, file.size, _AT_ONCE):
                    piece = file.read_at(start, min(_AT_ONCE, file.size - start))
                    digest.update(piece)
                    incoming.write(piece)
                if digest.hexdigest() != kept.sha256:
                    return "damaged"
                target.put(incoming, kept.blob_key)
                if target.node:
                    target.upload(kept.blob_key, kept.size, kept.sha256)
            finally:
                incoming.discard()
    except Missing:
        return "missing"
    except IsocenterError as error:
        return error.message
    return True


def _is_there(target: Blobs, kept: Kept) -> bool:
    try:
        with target.open(kept.blob_key) as file:
            return file.size == kept.size
    except Missing:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    """A file that others cannot read, durable."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


