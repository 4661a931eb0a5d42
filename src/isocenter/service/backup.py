"""Backups: the index as it is now, every original once, and the way back.

A backup (a folder or a bucket: `store.vaults`) is built like an archive, so that nothing of ours is needed to
read it (but the key, where files are encrypted):

    archive/... quarantine/...               every original, by its key; copied once, never changed
    snapshots/20261123T023000Z/index.sqlite  the whole index at that moment, whichever engine it comes from
    snapshots/20261123T023000Z/snapshot.json when, how many files, the SHA-256 of the index; webhook.key beside it

The index is taken first and the files after it: a row's bytes were durable before the row, and originals do not change, so that
all files a snapshot speaks of can be had. A snapshot gets its name when everything of it is durable; one that was interrupted has
none, and the next goes on with the files that are there.
"""

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
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson

from isocenter.domain import access
from isocenter.domain.access import SYSTEM, Permission, Principal
from isocenter.domain.errors import Away, Broken, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import audit, changes, imaging, keys, transfer
from isocenter.store.blobs import Blobs
from isocenter.store.database import Database
from isocenter.store.imaging import Kept
from isocenter.store.open_files import OpenFile
from isocenter.store.replica import Damaged, copied, damaged
from isocenter.store.vaults import FACTS, Vault

FORMAT = 1
DRILL_KEY = "drill.key"  # signs the reports of drills
KEYS = ("webhook.key", DRILL_KEY)  # files of the data folder without which the index' secrets are worth nothing
UNSCHEDULED = timedelta(days=2)  # after which a backup that somebody else makes every night is too old
THREADS = 4
_BATCH = 256
_NAME = "%Y%m%dT%H%M%SZ"

Advance = Callable[[int], None]


class Files(Protocol):
    """Originals: of the archive, or of a backup (`store.replica`)."""

    def has(self, kept: Kept) -> bool: ...

    def open(self, kept: Kept) -> OpenFile: ...

    def keep(self, kept: Kept, file: OpenFile) -> None: ...


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
    key: str  # the name of the key that its files are encrypted under, as far as they are; "": none


def back_up(context: Context, target: Vault, advance: Advance = lambda count: None, *, keep: int = 0) -> Report:
    """Take a snapshot into `target` while everything goes on. keep: how many snapshots are to stay; 0: all.

    Raises Invalid, Broken, Away when the place cannot be used. Files that cannot be had are in the report, and the rest is safe.
    """
    with target.writing():
        known = snapshots(target, empty=True)
        made_at = _later(context.clock(), known)
        report = Report(made_at.strftime(_NAME))
        folder = target.begin(report.name)
        try:
            _take_index(context, folder)
            index = Database(f"sqlite:///{folder / 'index.sqlite'}")
            try:
                _copy_all(index, _Archive(context.blobs), target.copies(), report, advance)
            finally:
                index.close()
            transfer.whole(folder / "index.sqlite")
            _finish(context, target, folder, made_at, report)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for old in snapshots(target)[keep:] if keep else ():
            target.remove(old.name)
    _note(context, Event.BACKUP_MADE, report)
    return report


@dataclass(frozen=True, slots=True)
class State:
    """How safe the archive is by backups.

    place: that of the schedule, without credentials, "" for none; every_hours: its period. made_at: the last backup, by whomever;
    faults: files it could not have. failing_since, reason: of the schedule. late: the last one is too old, or there is none.
    """

    place: str
    every_hours: float
    made_at: datetime | None
    faults: int
    failing_since: datetime | None
    reason: str
    late: bool


def state(context: Context, principal: Principal) -> State:
    """When the last backup was, and whether the worker makes them. Raises Forbidden."""
    access.require(principal, Permission.SYSTEM_READ)
    settings = context.settings
    place = settings.backup.partition("?")[0]
    last, told = context.database.read(lambda connection: (
        changes.newest(connection, Event.BACKUP_MADE), audit.relay(connection, follower(settings.backup)) if place else None))
    allowed = 2 * timedelta(hours=settings.backup_every_hours) if place else UNSCHEDULED
    return State(
        place, settings.backup_every_hours if place else 0.0, last.at if last is not None else None,
        int(last.payload.get("faults", 0)) if last is not None else 0, told.failing_since if told is not None else None,
        told.last_reason if told is not None else "", last is None or context.clock() - last.at > allowed,
    )


def follower(place: str) -> str:
    """The name of the schedule's row (lease, when it was done last) among those that follow the log."""
    return f"backup {place.partition('?')[0]}"


def snapshots(target: Vault, *, empty: bool = False) -> list[Snapshot]:
    """What can be gone back to, newest first. empty: there may be none; else that raises Broken. Raises Broken, Away."""
    try:
        names = target.names()
    except Away:
        raise
    except Broken:
        if not empty:
            raise
        names = []
    return sorted((_read(target, name) for name in names), key=lambda snapshot: snapshot.made_at, reverse=True)


def choose(target: Vault, at: datetime | None) -> Snapshot:
    """The newest snapshot, or the newest that is not younger than `at`. Raises Missing, Broken, Away."""
    for snapshot in snapshots(target):
        if at is None or snapshot.made_at <= at:
            return snapshot
    raise Missing("there is no snapshot" + (f" from before {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""),
                  hint="`isocenter backup --list` names those there are.")


def restore(
    context: Context, target: Vault, snapshot: Snapshot, advance: Advance = lambda count: None, *,
    only: frozenset[str] | None = None,
) -> Report:
    """Bring a snapshot into an archive that is empty: files first, and the index when they are there.

    May be run again when it was interrupted. only: keys, for a sandbox; all of them otherwise. Raises Broken when the archive is
    in use, or the snapshot is not what was written.
    """
    if not context.database.read(transfer.is_unused):
        raise Broken("this archive is in use: nothing can be restored over it", kept="Nothing was changed.",
                     hint="Name an empty data folder (and database).")
    used = keys.of(context.settings)
    if snapshot.key and (used is None or bytes.fromhex(snapshot.key) not in used):
        raise Broken(f"this backup is encrypted under the key {snapshot.key}, which is not here", where=target.place,
                     kept="Nothing was changed.", hint="Name that key with encryption_key.")
    report = Report(snapshot.name)
    with opened(target, snapshot) as index:
        _copy_all(index, target.copies(), _Archive(context.blobs), report, advance, only)
        for name in KEYS:
            if not (context.settings.data / name).exists() and (content := _content(target, snapshot.name, name)) is not None:
                _write(context.settings.data / name, content)
        transfer.load(context.database, index, lambda count: None)
    _note(context, Event.BACKUP_RESTORED, report)
    return report


@contextmanager
def opened(target: Vault, snapshot: Snapshot) -> Iterator[Database]:
    """A copy of a snapshot's index, brought to this program's schema. Raises Broken when it is not what was written."""
    with tempfile.TemporaryDirectory(prefix="isocenter-restore-") as folder:
        copy = Path(folder, "index.sqlite")
        if not target.fetch(snapshot.name, "index.sqlite", copy) or _sha256(copy) != snapshot.index_sha256:
            raise Broken(f"the index of the snapshot {snapshot.name} is damaged", where=target.place,
                         hint="Take an older one with --at. The files are plain DICOM: `isocenter import` reads them without it.")
        index = Database(f"sqlite:///{copy}")
        try:
            yield index
        finally:
            index.close()


def drill(context: Context, sandbox: Context, target: Vault, snapshot: Snapshot, sample: int) -> dict[str, Any]:
    """Restore into an archive that will be thrown away, and compare it with the one that is running. Returns a signed report.

    The index is restored whole, and so many files, chosen by chance; each is read back through the restored index and compared
    with its row, and with what the running archive holds. Raises Broken as `restore`.
    """
    began = time.monotonic()
    with opened(target, snapshot) as index:
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


def _note(context: Context, event: Event, report: Report) -> None:
    facts = {"files": report.files, "copied": report.copied, "faults": len(report.faults)}
    context.database.write(lambda connection: changes.append(connection, event, report.name, SYSTEM.name, facts))


def _later(now: datetime, known: list[Snapshot]) -> datetime:
    """Names are of seconds; and a clock that was set back must not hide a newer snapshot behind an older."""
    now = now.replace(microsecond=0)
    return now if not known or now > known[0].made_at else datetime.fromtimestamp(known[0].made_at.timestamp() + 1, UTC)


def _take_index(context: Context, folder: Path) -> None:
    transfer.snapshot(context.database, folder / "index.sqlite")
    for name in KEYS:
        if (context.settings.data / name).exists():
            _write(folder / name, (context.settings.data / name).read_bytes())


def _finish(context: Context, target: Vault, folder: Path, made_at: datetime, report: Report) -> None:
    index = folder / "index.sqlite"
    with index.open("rb") as file:
        os.fsync(file.fileno())
    used = keys.of(context.settings)
    facts = {"format": FORMAT, "made_at": made_at.isoformat(), "files": report.files, "index_sha256": _sha256(index),
             "faults": [asdict(fault) for fault in report.faults], "archive": str(context.settings.data),
             "key": used.current.hex() if used is not None and used.current is not None else ""}
    _write(folder / FACTS, orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    target.finish(report.name, folder)


def _content(target: Vault, name: str, file: str) -> bytes | None:
    """A small file of a snapshot, or None."""
    with tempfile.TemporaryDirectory(prefix="isocenter-snapshot-") as folder:
        copy = Path(folder, "file")
        return copy.read_bytes() if target.fetch(name, file, copy) else None


def _read(target: Vault, name: str) -> Snapshot:
    try:
        facts: dict[str, Any] = orjson.loads(_content(target, name, FACTS) or b"")
        if facts["format"] != FORMAT:
            raise Broken(f"the snapshot {name} was written by a newer Isocenter", hint="Restore it with that one.")
        return Snapshot(name, datetime.fromisoformat(facts["made_at"]), int(facts["files"]), len(facts["faults"]),
                        str(facts["index_sha256"]), str(facts.get("key", "")))
    except (ValueError, KeyError, TypeError) as error:
        hint = "Move it away; the others stay good."
        raise Broken(f"the snapshot {name} is damaged", where=target.place, hint=hint) from error


def _copy_all(
    index: Database, source: Files, target: Files, report: Report, advance: Advance, only: frozenset[str] | None = None
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


def _copy(source: Files, target: Files, kept: Kept) -> bool | str:
    """Whether it had to be copied; or why it could not be. What is written has the SHA-256 of the row."""
    try:
        if target.has(kept):
            return False
        with source.open(kept) as file:
            target.keep(kept, file)
    except Missing:
        return "missing"
    except Damaged:
        return "damaged"
    except IsocenterError as error:
        return error.message
    return True


class _Archive:
    """The originals of an archive, as those of a backup are seen."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def has(self, kept: Kept) -> bool:
        try:
            with self._blobs.open(kept.blob_key) as file:
                return file.size == kept.size
        except Missing:
            return False

    def open(self, kept: Kept) -> OpenFile:
        return self._blobs.open(kept.blob_key, kept.size)

    def keep(self, kept: Kept, file: OpenFile) -> None:
        incoming = self._blobs.open_incoming()
        try:
            if copied(file, incoming) != kept.sha256:
                raise damaged(kept)
            self._blobs.put(incoming, kept.blob_key)
            if self._blobs.node:
                self._blobs.upload(kept.blob_key, kept.size, kept.sha256)
        finally:
            incoming.discard()


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


