"""Index and files, reconciled: `Verification` compares them, `reindex` makes the index anew from the files alone.

Both work in pieces: memory does not grow with the archive. Verifying beside a running server is fine: what is just coming in is
left alone. Reindexing needs the archive for itself, which the command sees to.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby, islice
from typing import Literal

from sqlalchemy import Connection

from isocenter.dicom import extra, part10
from isocenter.dicom.part10 import Header
from isocenter.domain import patient as patients
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away, Broken, Busy, IsocenterError, Missing
from isocenter.domain.imaging import Accept, Arrival, Refuse, admit
from isocenter.service.context import Context
from isocenter.store import arriving, deletions, exceptions, imaging, peers, reconciling, soundness, uploads, viewing_copies
from isocenter.store.arriving import Added, Arrived, Held, Origin
from isocenter.store.imaging import Kept
from isocenter.store.incoming import version_of

AREAS = ("archive", "quarantine")
# Rows and keys in hand at once.
BATCH = 1000
# SHA-256 and reading release the GIL; more threads than this only make a disk seek.
THREADS = 2
# Rows of one transaction while reindexing.
TOGETHER = 64
PIECE = 1 << 20
# A file this young may belong to an instance whose rows are about to be committed (seconds).
YOUNG = 120.0


COPY = "a copy for viewing was lost or damaged and has been removed; the original is served, and the copy is made again"
ORPHAN = "the index does not know this file: `isocenter reindex` takes it in, unless the same instance is held already"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. kind: missing (row without file), damaged (other size or SHA-256), orphan (file without row), counter,
    copy (of a copy for viewing, which has been removed: it is made again).

    subject: the storage key, or the UID of the study or series. detail: a sentence on what it means and what to do.
    """

    kind: Literal["missing", "damaged", "orphan", "counter", "copy"]
    subject: str
    sop_instance_uid: str
    detail: str


class Verification:
    """One comparison. `run` yields what is wrong; afterwards `checked` files and `bytes` have been looked at.

    Raises Away when an object store does not answer.
    """

    def __init__(self, context: Context, *, quick: bool = False) -> None:
        self.checked = 0
        self.bytes = 0
        self.elsewhere = 0  # not looked at: on the disk of another node, which is still to copy them into the object store
        self._context = context
        self._quick = quick

    def expected(self) -> int:
        """How many files the index speaks of, for a progress bar."""
        return self._context.database.read(reconciling.number_of_files)

    def run(self, advance: Callable[[int], None]) -> Iterator[Finding]:
        """Compare everything; advance(n) is called when n more files are done."""
        with tempfile.TemporaryDirectory(prefix="isocenter-verify-") as folder, _Keys(f"{folder}/keys.sqlite") as known:
            with ThreadPoolExecutor(THREADS) as pool:
                for batch in self._batches():
                    known.add(kept.blob_key for kept in batch)
                    self.checked += len(batch)
                    self.bytes += sum(kept.size for kept in batch)
                    yield from (finding for finding in pool.map(self._check, batch) if finding is not None)
                    advance(len(batch))
            yield from self._orphans(known)
        yield from self._copies()
        for subject, sentence in self._context.database.read(reconciling.wrong_counters):
            yield Finding("counter", subject, "", f"{sentence}; `isocenter reindex` counts anew")

    def _batches(self) -> Iterator[list[Kept]]:
        for page in (imaging.files, imaging.quarantined_files):
            after = 0
            while batch := self._context.database.read(partial(page, after_id=after, limit=BATCH)):
                after = batch[-1].id
                yield batch

    def _check(self, kept: Kept) -> Finding | None:
        try:
            found = soundness.fault(self._context.blobs, kept, quick=self._quick)
        except Busy:
            self.elsewhere += 1
            return None
        return None if found is None else Finding(found.kind, kept.blob_key, kept.sop_instance_uid, found.detail)

    def _copies(self) -> Iterator[Finding]:
        """Copies for viewing that are not what they were, and files of such copies that no row speaks of: both go at once."""
        after = 0
        while batch := self._context.database.read(partial(viewing_copies.after, instance_id=after, limit=BATCH)):
            after = batch[-1].instance_id
            for copy in batch:
                if not self._is_sound(copy):
                    due_at, modalities = self._context.clock(), self._context.settings.htj2k_modalities
                    self._context.database.write(
                        partial(viewing_copies.replan, copy=copy, modalities=modalities, due_at=due_at)
                    )
                    self._context.blobs.delete(copy.blob_key)
                    yield Finding("copy", copy.blob_key, "", COPY)
        for keys in _batched(self._context.blobs.list(viewing_copies.AREA), BATCH):
            known = self._context.database.read(partial(viewing_copies.known, keys=keys))
            for key in self._old_enough(key for key in keys if key not in known):
                self._context.blobs.delete(key)

    def _is_sound(self, copy: viewing_copies.Copy) -> bool:
        try:
            with self._context.blobs.open_durable(copy.blob_key) as file:
                return file.size == copy.size and (self._quick or file.sha256() == copy.sha256)
        except Away:
            raise
        except Busy:
            return True  # another machine has its bytes still
        except (IsocenterError, OSError):
            return False

    def _orphans(self, known: "_Keys") -> Iterator[Finding]:
        """Files of which the index knows nothing. Rows that came while we looked are asked for again at the end."""
        suspects: set[str] = set()
        for area in AREAS:
            for batch in _batched(self._context.blobs.list(area), BATCH):
                suspects.update(self._old_enough(known.without(batch)))
        if suspects:
            for rows in self._batches():
                suspects.difference_update(kept.blob_key for kept in rows)
            suspects -= self._context.database.read(partial(deletions.leaving, keys=sorted(suspects)))
        for key in sorted(suspects):
            yield Finding("orphan", key, "", ORPHAN)

    def _old_enough(self, keys: Iterable[str]) -> Iterator[str]:
        limit = time.time() - YOUNG
        for key in keys:
            try:
                if self._context.blobs.times(key)[1] < limit:
                    yield key
            except IsocenterError:
                yield key  # a name that is none of ours, or one that cannot be looked at


class _Keys:
    """A set of storage keys that may be larger than memory."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        # The file lives for this run only: nothing of it needs to survive anything.
        self._connection.execute("PRAGMA journal_mode=OFF")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("CREATE TABLE key (name TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> "_Keys":
        return self

    def __exit__(self, *unused: object) -> None:
        self._connection.close()

    def add(self, keys: Iterable[str]) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT OR IGNORE INTO key VALUES (?)", [(key,) for key in keys])
        self._connection.execute("COMMIT")

    def without(self, keys: list[str]) -> list[str]:
        """Those of `keys` that are not in the set."""
        marks = ",".join("?" * len(keys))
        there = {name for (name,) in self._connection.execute(f"SELECT name FROM key WHERE name IN ({marks})", keys)}
        return [key for key in keys if key not in there]


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What became of one file of the archive. name: its storage key."""

    name: str
    status: Literal["stored", "duplicate", "version", "quarantined", "refused"]
    reason: str = ""
    study_instance_uid: str = ""
    sop_instance_uid: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the archive, read: what its rows will be, or why there can be none."""

    key: str
    size: int = 0
    header: Header | None = None
    arrived: Arrived | None = None
    reason: str = ""  # not "": it is unfit for the index (archive/), or the reason of its quarantine
    where: str = ""


ORIGIN = Origin("reindex", "", SYSTEM.name, "")
RECOVERED = Origin("recovered", "", SYSTEM.name, "")


def reindex(context: Context, expect: Callable[[int], None]) -> Iterator[Reindexed]:
    """Forget every patient, study, series and instance, and take them from the files again; accounts, peers and changes stay.

    Of an instance with several versions the first is served again: the other files have numbers in their names, and come last.
    expect(n): there are at least n files, told as they are found. Raises Busy while other nodes have some that are not seen here.
    """
    elsewhere = [node for node in context.database.read(uploads.nodes) if node.name != context.blobs.node]
    if elsewhere:
        raise Busy(f"{sum(node.objects for node in elsewhere):,} objects are on the disks of other nodes only",
                   kept="The index is as it was.",
                   hint="Run those nodes until `isocenter uploads` lists nothing; forget those whose disk is lost.")
    context.database.write(imaging.clear)
    with ThreadPoolExecutor(THREADS) as pool:
        found = 0
        for area in AREAS:
            versions: list[str] = []
            # One day's folder at a time is in memory: archive/2026/11/22. Versions are few.
            for _, day in groupby(context.blobs.list(area), key=lambda key: key.split("/")[:4]):
                keys = sorted(day, key=lambda key: (_time(context, key), key))
                found += len(keys)
                expect(found)
                versions += (key for key in keys if version_of(key) > 1)
                yield from _again(context, pool, area, (key for key in keys if version_of(key) == 1))
            yield from _again(context, pool, area, sorted(versions, key=lambda key: (version_of(key), key)))


def _again(context: Context, pool: ThreadPoolExecutor, area: str, keys: Iterable[str]) -> Iterator[Reindexed]:
    for some in _batched(keys, TOGETHER):
        going = context.database.read(partial(deletions.leaving, keys=some))  # deleted, but for their files
        batch = [key for key in some if key not in going]
        files = list(pool.map(partial(_read, context), batch))
        yield from _index(context, files) if area == "archive" else (_set_aside(context, file) for file in files)


def settle(context: Context, key: str, note: str = "") -> None:
    """What was left under `key` without a durable row: take it in, or remove it when the same is held already.

    note: who sent it (`Origin.note`). After a killed process no sender was told Success for it, so either is right; after a power
    cut one may have been. A file that is not whole is left for `isocenter verify` to tell of.
    """
    file = _read(context, key, recovered=True, origin=Origin.noted(note))
    if file.arrived is None:
        return
    if key.startswith("quarantine/"):
        _set_aside(context, file)
        known = context.database.read(partial(exceptions.find, fingerprint=f"quarantined:{file.arrived.sha256}"))
        is_spare = known is not None and known["blob_key"] != key
    else:
        (added,) = context.database.write(partial(_add_one, arrived=file.arrived))
        if any(held.blob_key == key for held in added.held):
            _uploaded(context, file.arrived)
            return  # killed after the commit: nothing else was left undone
        is_spare = _settled(context, file, file.arrived, added).status == "duplicate"
    if is_spare:
        context.blobs.delete(key)


def _uploaded(context: Context, arrived: Arrived) -> None:
    """What is still to be copied into the object store is: its row may be lost with a database that was restored."""
    if arrived.upload is not None:
        each, due = arrived.upload
        context.database.write(partial(uploads.add, each=each, now=context.clock(), due=due))


def leftovers(context: Context) -> int:
    """Settle what killed processes left behind; returns how many files they were. Safe beside running processes."""
    return context.blobs.clean_incoming(partial(settle, context))


def adrift(context: Context) -> int:
    """Settle what is on this node's disk only and has no row of an upload (the database was restored). Returns how many."""
    settled = 0
    for batch in _batched(context.blobs.list_ahead(), BATCH):
        waiting = {each.key for each in context.database.read(partial(uploads.waiting, keys=batch))}
        for key in batch:
            if key not in waiting and context.blobs.times(key)[1] < time.time() - YOUNG:
                settle(context, key)
                settled += 1
    return settled


def _time(context: Context, key: str) -> float:
    try:
        return context.blobs.times(key)[0]
    except IsocenterError:
        return 0.0


def _read(context: Context, key: str, *, recovered: bool = False, origin: Origin | None = None) -> _File:
    """recovered: it has just come in, and rules are to see from where (origin); its sender will not send it again."""
    try:
        with context.blobs.open(key) as file:
            sha256 = file.sha256()
            header = part10.scan(file, extras=extra.declared(context.settings.index_attributes))
            sender, called = part10.ae_titles(file)
    except part10.Malformed as fault:
        return _File(key, reason=f"the file cannot be read any more: {fault}")
    except (Away, Busy):
        raise
    except IsocenterError as error:
        return _File(key, reason=error.message)
    except OSError as error:
        return _File(key, reason=f"the file cannot be read: {error.strerror}")
    verdict = admit(Arrival(principal=SYSTEM, header=header, size=file.size, source="import"))
    if origin is None:
        origin = replace(RECOVERED, source_aet=sender, called_aet=called) if recovered else ORIGIN
    at = datetime.fromtimestamp(file.modified, UTC)
    issuer = context.database.read(lambda connection: peers.issuer_of(connection, sender)) if sender else ""
    arrived = arriving.prepared(header, blob_key=key, sha256=sha256, size=file.size, received_at=at,
                                dirty_at=context.clock(), origin=origin,
                                node=context.blobs.node if context.blobs.is_ahead(key) else "", upload_at=context.clock(),
                                issuer=issuer, namespaces=patients.namespaces(context.settings.issuers))
    if isinstance(verdict, Accept):
        return _File(key, file.size, header, arrived)
    kept = None if isinstance(verdict, Refuse) else arrived
    return _File(key, file.size, header, kept, verdict.reason, verdict.where)


def _index(context: Context, files: list[_File]) -> Iterator[Reindexed]:
    """Rows for files of archive/, in order; what contradicts another file is shown as quarantined and stays where it is."""
    fit = [(file, file.arrived) for file in files if file.arrived is not None and not file.reason]
    rows = [arrived for _, arrived in fit]
    added = context.database.write(lambda connection: arriving.add(connection, rows)) if rows else []
    for (file, arrived), result in zip(fit, added, strict=True):
        yield _settled(context, file, arrived, result)
    for file in files:
        if file.reason:
            yield _set_aside(context, file)


def _settled(context: Context, file: _File, arrived: Arrived, added: Added) -> Reindexed:
    while added.status in ("again", "taken"):
        if added.status == "taken":
            if any(_is_same(context, held, arrived) for held in added.held):
                return _told(file, "duplicate", "the same data set is held under another key")
            arrived = replace(arrived, differs_from=frozenset(held.id for held in added.held))
        (added,) = context.database.write(partial(_add_one, arrived=arrived))
    if added.status == "elsewhere":
        return _set_aside(context, replace(file, reason=added.reason, where=added.where))
    return _told(file, "version" if added.status == "version" else "stored", added.reason)


def _add_one(connection: Connection, arrived: Arrived) -> list[Added]:
    return arriving.add(connection, [arrived])


def _is_same(context: Context, held: Held, arrived: Arrived) -> bool:
    """Two files with one SOP Instance UID: a second version, or the same twice (a crash between file and row leaves that)."""
    if (held.sha256, held.size) == (arrived.sha256, arrived.size):
        return True
    try:
        with context.blobs.open(held.blob_key) as one, context.blobs.open(arrived.blob_key) as other:
            here, there = held.dataset_offset, part10.scan(other).dataset_offset
            if one.size - here != other.size - there:
                return False
            while (mine := one.read_at(here, PIECE)) == other.read_at(there, PIECE):
                if not mine:
                    return True
                here, there = here + len(mine), there + len(mine)
    except (OSError, Broken, Missing, part10.Malformed):
        return False
    return False


def _set_aside(context: Context, file: _File) -> Reindexed:
    """The row of a quarantined object. One that is known keeps its row: a person may have dismissed it."""
    if file.arrived is None:
        return _told(file, "refused", file.reason)
    arrived, reason = file.arrived, file.reason or "it was in quarantine; the reason is not known any more"

    def write(connection: Connection) -> None:
        known = exceptions.find(connection, f"quarantined:{arrived.sha256}")
        if known is None:
            arriving.quarantine(connection, arrived, reason, file.where)

    context.database.write(write)
    return _told(file, "quarantined", reason)


def _told(file: _File, status: Literal["stored", "duplicate", "version", "quarantined", "refused"], reason: str) -> Reindexed:
    header = file.header
    study, instance = (header.study_instance_uid, header.sop_instance_uid) if header is not None else ("", "")
    return Reindexed(file.key, status, reason, study, instance, file.size)


def _batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
