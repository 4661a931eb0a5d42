"""Bytes that can be made or fetched again, kept on the local disk while there is room: derived pixels, ranges of far objects.

    <data>/cache/ab/abcdef...   what is kept, by key      <data>/cache/new/...   what is being written

Nothing here is ever the only copy, so nothing is synced: a name appears by rename when its bytes are written, which is all that a
killed process needs; after a crash of the machine what the kernel may not have written is given up (`_after_a_crash`). Several
processes share one folder; whoever finds it over its limit gives the least recently used up.
"""

import contextlib
import fcntl
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

_KEY = re.compile(r"[0-9a-z]{16,128}")
_KEEP = 0.9  # of the limit, so that not every file that comes makes somebody look at all of them
_LOOK_AGAIN = 16  # another look at everything after 1/16 of the limit has been written by this process
_TOUCH_SECONDS = 60  # how exactly the last use is known; an entry that is used all day costs a write a minute
_ABANDONED_SECONDS = 3600  # nobody writes one entry for an hour
_UNWRITTEN_SECONDS = 120  # the kernel writes within 30 s (vm.dirty_expire_centisecs); journals within 5 more
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Entry:
    """An entry being written: `fd` is open for writing and reading; `keep` gives it its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def write(self, data: bytes) -> None:
        """Append. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.fd, view) :]


class DiskCache:
    """Entries of bytes by key, of at most `limit` bytes about; 0: nothing is kept. Safe to share between threads and processes.

    reserve: nothing is kept when the disk has less room than that. All methods may wait for the disk; none raises OSError.
    """

    def __init__(self, folder: Path, limit: int, *, reserve: int = 0) -> None:
        self.folder = folder
        self.limit = limit
        self._reserve = reserve
        self._new = folder / "new"
        self._lock = threading.Lock()
        self._unseen = -1  # bytes written since the last look at the folder; -1: it has not been looked at
        self._ready = False

    def open(self, key: str) -> int | None:
        """A descriptor of the entry, which is whole; the caller's to close. None when there is none."""
        if not self.limit:
            return None
        try:
            fd = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        with contextlib.suppress(OSError):
            facts = os.fstat(fd)
            now = time.time_ns()
            if now - facts.st_atime_ns > _TOUCH_SECONDS * 10**9:
                os.utime(fd, ns=(now, facts.st_mtime_ns))
        return fd

    def put(self, key: str, parts: Iterable[bytes]) -> None:
        """Keep the parts, one after the other, as an entry; nothing happens when there is no room."""
        with self.writing(key) as entry:
            if entry is not None:
                for part in parts:
                    entry.write(part)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Entry | None]:
        """An entry to be written within the block, and kept when the block ends well; None when there is no room for it.

        An OSError of the block is taken for a full disk, and ends it quietly: the entry is not kept.
        """
        path = self._path(key)
        entry = self._begin()
        if entry is None:
            yield None
            return
        try:
            yield entry
            size = os.fstat(entry.fd).st_size
            path.parent.mkdir(exist_ok=True)
            os.rename(entry.path, path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
            if not isinstance(error, OSError):
                raise
            return
        finally:
            os.close(entry.fd)
        self._grown(size)

    def adopt(self, key: str, path: Path) -> None:
        """Make an entry of a file on the same file system, which loses its name; without room for it it is removed."""
        try:
            if not self.limit or not self._prepare() or self._free() < self._reserve:
                return os.unlink(path)
            size = os.stat(path).st_size
            os.utime(path)  # its use begins now
            target = self._path(key)
            target.parent.mkdir(exist_ok=True)
            os.rename(path, target)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return
        self._grown(size)

    def drop(self, key: str) -> None:
        """Give an entry up; nothing happens when there is none."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(key))

    def give_way(self, wanted: int) -> None:
        """Give entries up until the disk has `wanted` bytes free, or there are none left: originals go before what is derived."""
        with self._alone() as alone:
            if alone and (missing := wanted - self._free()) > 0:
                self._give_up(missing)

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Give every entry up."""
        self._give_up(1 << 62)

    # ---- inside

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("no key of the cache")
        return self.folder / key[:2] / key

    def _begin(self) -> Entry | None:
        if not self.limit or not self._prepare() or self._free() < self._reserve:
            return None
        try:
            return Entry(self._new / uuid.uuid4().hex)
        except OSError:
            self._ready = False  # somebody has removed the folder: the next one makes it again
            return None

    def _prepare(self) -> bool:
        if not self._ready:
            try:
                self._new.mkdir(parents=True, exist_ok=True)
            except OSError:
                return False
            self._after_a_crash()
            self._ready = True
        return True

    def _free(self) -> int:
        try:
            status = os.statvfs(self.folder)
        except OSError:
            return 0
        return status.f_bavail * status.f_frsize

    def _grown(self, size: int) -> None:
        with self._lock:
            look = self._unseen < 0 or self._unseen + size > self.limit // _LOOK_AGAIN
            self._unseen = 0 if look else self._unseen + size
        if look:
            with self._alone() as alone:
                if alone:
                    self._trim()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this is the only process and thread that gives entries up; whoever comes second leaves it to the first."""
        try:
            fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            yield False
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
        finally:
            os.close(fd)

    def _entries(self) -> list[tuple[float, int, str]]:
        """(last use, bytes, path) of each entry."""
        found: list[tuple[float, int, str]] = []
        for folder in _folders(self.folder):
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):  # another process has given it up
                        facts = entry.stat(follow_symlinks=False)
                        found.append((max(facts.st_atime, facts.st_mtime), facts.st_size, entry.path))
        return found

    def _trim(self) -> None:
        for path in self._new.iterdir():  # of processes that were killed
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()
        entries = self._entries()
        total = sum(size for _, size, _ in entries)
        if total > self.limit:
            _remove(entries, total - int(self.limit * _KEEP))

    def _give_up(self, wanted: int) -> None:
        _remove(self._entries(), wanted)

    def _after_a_crash(self) -> None:
        """What the machine's last run wrote last may be holes now; entries older than that are on the disk."""
        try:
            boot = _BOOT.read_text().strip()
            mark = self.folder / "boot"
            if not mark.exists() or mark.read_text() != boot:
                entries = self._entries()
                newest = max((os.stat(path).st_mtime for _, _, path in entries), default=0.0)
                for _, size, path in entries:
                    if not size or os.stat(path).st_mtime > newest - _UNWRITTEN_SECONDS:
                        os.unlink(path)
                shutil.rmtree(self._new, ignore_errors=True)
                self._new.mkdir(exist_ok=True)
                mark.write_text(boot)
        except OSError:
            pass  # another process did it, or this system tells no boots


def _folders(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if len(entry.name) == 2 and entry.is_dir(follow_symlinks=False):
                yield entry.path


def _remove(entries: list[tuple[float, int, str]], wanted: int) -> None:
    """Give up `wanted` bytes, the least recently used first."""
    for _, size, path in sorted(entries):
        if wanted <= 0:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
            wanted -= size


NOTHING_KEPT = DiskCache(Path("/nonexistent"), 0)
"""The cache of a process that has no place for one."""
