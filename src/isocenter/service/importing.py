"""Files, folders, ZIPs and DICOMDIRs through the one door, several at a time.

    import_paths   yields one Result for each file, as they come        count   how many files there will be, for a progress bar

What is wrong with a file is its result; what is wrong with the archive (disk full, database away) ends the import. What was
finished is kept, and a second run goes on: what is there already is not stored twice.
"""

import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from isocenter.dicom import beginning, file_set
from isocenter.dicom.part10 import Header, Malformed
from isocenter.dicom.source import FileSource
from isocenter.domain.errors import Busy, Conflict, Invalid, IsocenterError, TooLarge, Unsupported
from isocenter.domain.imaging import Outcome
from isocenter.domain.zip_entries import LOCAL, ZipFile

Status = Literal["stored", "duplicate", "version", "quarantined", "refused", "ignored"]

# Read at once: a whole CT slice. Larger pieces gain nothing, and each thread holds one.
PIECE = 1 << 20
# What operating systems put beside files for themselves; nobody wants a line about them.
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"})
# Threads spend their time in the kernel (read, write, sync) and in SHA-256, both without the GIL; they share group commits.
THREADS = 4
# Results that wait for the reader; a reader that is slow slows the import down instead of filling the memory.
RESULTS_WAITING = 256
BUSY_TRIES = 5

# The object's own fault, as opposed to the archive's.
REFUSED = (Conflict, Invalid, TooLarge, Unsupported)
NOT_DICOM = "this is no DICOM file"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file. name: its path, or the ZIP's path and the entry's. ignored: no DICOM, met in a folder or a ZIP."""

    name: str
    status: Status
    reason: str = ""
    study_instance_uid: str = ""
    sop_instance_uid: str = ""
    size: int = 0


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    header: Header | None

    def __enter__(self) -> "Reception": ...

    def __exit__(self, *unused: object) -> None: ...

    @property
    def size(self) -> int: ...

    def write(self, *buffers: bytes) -> None: ...

    def finish(self) -> Outcome: ...

    def refuse(self, reason: str) -> IsocenterError: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given. Raises Forbidden, NoSpace, Busy, Broken."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file to take in. named: given by name, so that it is an error when it is no DICOM. reason: why it cannot be taken."""

    path: Path
    named: bool
    reason: str = ""


def import_paths(door: Door, paths: Iterable[Path], *, threads: int = THREADS) -> Iterator[Result]:
    """Take in everything that `paths` name. Raises Forbidden, NoSpace, Broken; what was kept has been yielded by then."""
    run = _Run(door, _candidates(paths))
    workers = [threading.Thread(target=run.work, name=f"import-{number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield from run.results(len(workers))
    finally:
        run.stop.set()
        for worker in workers:
            while worker.is_alive():
                run.drain()  # it may be waiting for room
                worker.join(0.05)
    if run.error is not None:
        raise run.error


class _Run:
    """One import: the candidates, which the workers share, and the results on their way to the caller."""

    def __init__(self, door: Door, candidates: Iterator[_Candidate]) -> None:
        self.stop = threading.Event()
        self.error: Exception | None = None
        self._door = door
        self._candidates = candidates
        self._next = threading.Lock()
        self._queue: queue.Queue[Result | None] = queue.Queue(RESULTS_WAITING)

    def results(self, workers: int) -> Iterator[Result]:
        """Until every worker has said that it is done."""
        while workers:
            result = self._queue.get()
            if result is None:
                workers -= 1
            else:
                yield result

    def drain(self) -> None:
        """Throw away what nobody reads any more."""
        try:
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            return

    def work(self) -> None:
        """Take candidates until there are none, or until the archive itself fails."""
        try:
            while not self.stop.is_set():
                with self._next:
                    candidate = next(self._candidates, None)
                if candidate is None:
                    break
                for result in self._take(candidate):
                    self._queue.put(result)
        except Exception as error:  # noqa: BLE001 - the caller of import_paths gets it: no file may be lost in silence
            self.error = self.error or error
            self.stop.set()
        finally:
            self._queue.put(None)

    def _take(self, candidate: _Candidate) -> Iterator[Result]:
        name = str(candidate.path)
        if candidate.reason:
            yield Result(name, "refused", candidate.reason)
            return
        try:
            # O_NONBLOCK: opening a FIFO that somebody put in a file's place must not wait for a writer.
            fd = os.open(candidate.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            yield Result(name, "refused", f"it cannot be read: {error.strerror}")
            return
        try:
            yield from self._take_open(name, fd, candidate)
        except REFUSED as error:  # a ZIP that cannot be opened
            yield Result(name, "refused", _reason(error))
        except OSError as error:
            yield Result(name, "refused", f"it cannot be read: {error.strerror}")
        finally:
            os.close(fd)

    def _take_open(self, name: str, fd: int, candidate: _Candidate) -> Iterator[Result]:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            yield Result(name, "refused", "it is no regular file")
            return
        head = os.read(fd, PIECE)
        if head.startswith(LOCAL) and not beginning.has_prefix(head):
            yield from self._take_zip(name, ZipFile(FileSource(fd)))
        elif beginning.is_file_set(head):
            yield from _file_set_results(candidate.path, fd)
        else:
            yield self._store(name, head, iter(lambda: os.read(fd, PIECE), b""), named=candidate.named)

    def _store(self, name: str, head: bytes, rest: Iterator[bytes], *, named: bool) -> Result:
        may_be_dicom = beginning.may_be_dicom(head)
        reason = NOT_DICOM if head else "the file is empty"
        if not may_be_dicom and not named:
            return Result(name, "ignored", reason)
        with _patiently(self._door) as reception:
            if not may_be_dicom:
                reception.refuse(reason)
                return Result(name, "refused", reason)
            reception.write(head)
            for piece in rest:
                reception.write(piece)
            try:
                outcome = reception.finish()
            except REFUSED as error:
                header = reception.header
                uids = (header.study_instance_uid, header.sop_instance_uid) if header else ("", "")
                return Result(name, "refused", _reason(error), *uids)
            reason = outcome.reason or ", ".join(outcome.warnings)
            return Result(name, outcome.status, reason, outcome.study_instance_uid, outcome.sop_instance_uid, reception.size)

    def _take_zip(self, name: str, archive: ZipFile) -> Iterator[Result]:
        entries = archive.entries()
        while not self.stop.is_set():
            try:
                entry = next(entries, None)
            except REFUSED as error:
                yield Result(name, "refused", _reason(error))
                return
            if entry is None:
                return
            if entry.is_folder or LITTER & set(entry.name.split("/")):
                continue
            inside = f"{name}/{entry.name}"
            try:
                yield self._take_entry(inside, archive.read(entry))
            except REFUSED as error:
                yield Result(inside, "refused", _reason(error))

    def _take_entry(self, name: str, pieces: Iterator[bytes]) -> Result:
        head = b""
        while len(head) < beginning.LENGTH and (piece := next(pieces, b"")):
            head += piece
        if head.startswith(LOCAL) and not beginning.has_prefix(head):
            return Result(name, "refused", "this is a ZIP inside a ZIP: unpack it, and import it by itself")
        if beginning.is_file_set(head):
            return Result(name, "ignored", "a DICOMDIR: the files beside it are what is stored")
        return self._store(name, head, pieces, named=False)


def count(paths: Iterable[Path], stop: threading.Event) -> int:
    """How many files `paths` name, without opening any but the DICOMDIRs among `paths`; gives up when `stop` is set."""
    number = 0
    for _ in _candidates(paths):
        number += 1
        if stop.is_set():
            break
    return number


def _candidates(paths: Iterable[Path]) -> Iterator[_Candidate]:
    for path in paths:
        if path.is_dir():
            yield from _folder(path)
        elif not path.exists():
            yield _Candidate(path, True, "there is no such file")
        elif path.is_file() and _opens_as_file_set(path):
            yield from _referenced(path)
        else:
            yield _Candidate(path, True)


def _folder(folder: Path) -> Iterator[_Candidate]:
    """Every file below a folder, by name. Links to folders are not followed, so there is no way round in circles."""
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries)
    except OSError as error:
        yield _Candidate(folder, True, f"it cannot be read: {error.strerror}")
        return
    for name, is_folder, is_link in found:
        path = folder / name
        if name in LITTER or (is_link and path.is_dir()):
            continue
        if is_folder:
            yield from _folder(path)
        else:
            yield _Candidate(path, False)


def _opens_as_file_set(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return beginning.is_file_set(file.read(beginning.LENGTH))
    except OSError:
        return False


def _referenced(directory: Path) -> Iterator[_Candidate]:
    """The files that a DICOMDIR names, and one candidate with a reason for each that is not there."""
    try:
        with directory.open("rb") as file:
            for reference in file_set.references(FileSource(file.fileno())):
                path = _found(directory.parent, reference.components)
                if path is None:
                    yield _Candidate(directory.parent.joinpath(*map(_harmless, reference.components)), True, MISSING_FILE)
                else:
                    yield _Candidate(path, True)
    except (Malformed, OSError) as error:
        yield _Candidate(directory, True, f"the DICOMDIR cannot be read: {error}; import its folder to take in what is there")


MISSING_FILE = "the DICOMDIR names this file, but it is not there"


def _file_set_results(directory: Path, fd: int) -> Iterator[Result]:
    """A DICOMDIR met in a folder: its files are met there too, so only what is missing is worth a word."""
    try:
        for reference in file_set.references(FileSource(fd)):
            if _found(directory.parent, reference.components) is None:
                yield Result(str(directory.parent.joinpath(*map(_harmless, reference.components))), "refused", MISSING_FILE)
        yield Result(str(directory), "ignored", "a DICOMDIR: the files beside it are what is stored")
    except Malformed as error:
        yield Result(str(directory), "ignored", f"a DICOMDIR that cannot be read: {error}")


def _found(folder: Path, components: tuple[str, ...]) -> Path | None:
    """The file of a File ID. PS3.10 8.2 allows capitals only; media copied to disk often have small letters instead."""
    path = folder
    for component in components:
        if _harmless(component) != component:
            return None
        exact = path / component
        if not exact.exists():
            try:
                names = {name.upper(): name for name in os.listdir(path)}
            except OSError:
                return None
            name = names.get(component.upper())
            if name is None:
                return None
            exact = path / name
        path = exact
    return path if path.is_file() else None


def _harmless(component: str) -> str:
    """A component of a File ID that cannot lead out of the file-set's folder."""
    return component.replace("/", "_").replace("\0", "_").replace("..", "__") or "_"


def _reason(error: IsocenterError) -> str:
    return f"{error.message} (at {error.where})" if error.where else error.message


def _patiently(door: Door) -> Reception:
    """Other programs may be writing a lot: wait as told, a few times."""
    for _ in range(BUSY_TRIES):
        try:
            return door()
        except Busy as error:
            time.sleep(error.retry_after)
    return door()
