"""Blobs as files in a folder tree of a local (or POSIX network) file system, plain or encrypted (`store.sealing`).

    archive/2026/11/22/<study>/<series>/<uuid>.dcm   quarantine/...   derived/...   incoming/<pid>-<uuid>[-<note>].part

A file in incoming/ is held with flock by the process that writes it, so that files of dead processes can be told apart. Its name
is as durable as its bytes, and so tells of an instance whose row is not (`is_told`); the note says who sent it.
"""

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from isocenter.domain.errors import Broken, Conflict, Missing
from isocenter.store import immutable
from isocenter.store.blobs import KEY, Incoming
from isocenter.store.incoming import LocalIncoming, clean, failure
from isocenter.store.keys import Keys
from isocenter.store.open_files import PIECE, LocalFile, OpenFile
from isocenter.store.resealing import check_marker, exchange, is_current, name_in
from isocenter.store.sealing import SealedIncoming, unsealed

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
# Syncing a file on these makes its names durable too: ext4's fsync commits the whole journal transaction, with the new link;
# XFS forces its log up to the inode's last change, which the link is. Elsewhere the folder is synced as well, as POSIX asks.
NAMES_FOLLOW_FILES = frozenset({"ext4", "xfs"})
_KNOWN_FOLDERS = 4096  # folders whose entry is known to be durable; a few hundred bytes each


def file_system(folder: Path) -> str:
    """The type of the file system a folder is on ("ext4"), "" when the system does not tell."""
    found, longest = "", -1
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            for line in mounts:
                _, point, kind, *_ = line.split()
                point = point.replace("\\040", " ")
                if len(point) >= longest and folder.resolve().is_relative_to(point):
                    found, longest = kind, len(point)
    except (OSError, ValueError):
        return ""
    return found


def sync_folder(folder: str) -> None:
    """Make the names in a folder durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _missing(key: str) -> Missing:
    return Missing("the file of this object is not there", where=key, hint="`isocenter verify` tells what else is missing.")


class LocalBlobs:
    """Blobs as files below one folder of a local (or POSIX network) file system."""

    node = ""
    closed = False

    def __init__(self, folder: Path, keys: Keys | None = None, *, write_once: bool = False) -> None:
        self.folder = folder
        self._write_once = write_once
        self.keys = keys
        self._incoming = folder / "incoming"
        self._prefix = f"{folder}/"
        self._known: set[str] = set()
        self._lock = threading.Lock()
        try:
            for area in ("archive", "quarantine", "incoming", "derived"):
                (folder / area).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror
            raise Broken(f"the folder {folder} cannot be used: {reason}", hint="Check its owner and permissions.") from error
        self._names_need_sync = file_system(folder) not in NAMES_FOLLOW_FILES
        check_marker(folder, keys)

    def open_incoming(self, note: str = "") -> Incoming:
        """A new file in incoming/. Raises NoSpace or Broken."""
        if self.keys is not None and self.keys.current is not None:
            return SealedIncoming(self._opened(note), self.keys, self._incoming)
        return self._opened(note)

    def _opened(self, note: str) -> LocalIncoming:
        try:
            return LocalIncoming(self._incoming, note)
        except FileNotFoundError:
            self._incoming.mkdir(parents=True, exist_ok=True)
            return LocalIncoming(self._incoming, note)
        except OSError as error:
            raise failure(error, "opening a file in incoming") from error

    @staticmethod
    def raw(incoming: Incoming) -> Incoming:
        """What is on the disk of what arrived: encrypted, where it is to be. Raises NoSpace or Broken."""
        return incoming.sealed() if isinstance(incoming, SealedIncoming) else incoming

    def is_told(self, incoming: Incoming) -> bool:
        """Where one sync made all names of the file durable, and it still has its name in incoming/."""
        raw = incoming.outer if isinstance(incoming, SealedIncoming) else incoming
        return not self._names_need_sync and isinstance(raw, LocalIncoming) and not raw.stored_by_rename

    def put(self, incoming: Incoming, key: str) -> None:
        """Give the bytes their name, and make bytes and name durable before it returns (and before any row can speak of them).

        A power cut in between leaves a name that no row knows. When it fails the name is taken back.
        """
        self.place(incoming, key)
        self._sync(self.raw(incoming).fd, self._path(key))

    def place(self, incoming: Incoming, key: str) -> None:
        """Give the bytes their name. Raises Conflict, NoSpace, Broken."""
        path = self._path(key)
        raw = self.raw(incoming)
        try:
            self._link(raw, path)
        except FileExistsError as error:
            raise Conflict("this key is taken", where=key) from error
        except OSError as error:
            raise failure(error, "keeping the object") from error

    def upload(self, key: str, size: int, sha256: str) -> None:
        """Nothing: bytes stay where they were put."""

    def is_ahead(self, key: str) -> bool:
        """Never."""
        return False

    def list_ahead(self) -> Iterator[str]:
        """None."""
        return iter(())

    def flush(self) -> None:
        """Nothing is left to be noted."""

    def close(self) -> None:
        """Nothing is left to be done."""

    def _sync(self, fd: int, path: str) -> None:
        try:
            os.fsync(fd)  # not fdatasync: the new link is part of the file's metadata
            if self._names_need_sync:
                sync_folder(path.rpartition("/")[0])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise failure(error, "keeping the object") from error

    def _link(self, incoming: Incoming, path: str) -> None:
        folder = path.rpartition("/")[0]
        self._folder(folder)
        try:
            self._name(incoming, path)
        except FileNotFoundError:  # somebody removed the empty folder
            with self._lock:
                self._known.clear()
            self._folder(folder)
            self._name(incoming, path)

    @staticmethod
    def _name(incoming: Incoming, path: str) -> None:
        try:
            os.link(incoming.path, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # A file system without hard links. Our keys are random, so the gap between look and rename cannot matter.
            if os.path.exists(path):
                raise FileExistsError(errno.EEXIST, "taken") from error
            os.rename(incoming.path, path)
            incoming.path = Path(path)
            if isinstance(incoming, LocalIncoming):
                incoming.stored_by_rename = True

    def _folder(self, folder: str) -> None:
        """Make the folder and make its name durable, also when another process made it and may not have synced it yet."""
        if folder in self._known or len(folder) < len(self._prefix):
            return
        parent = folder.rpartition("/")[0]
        self._folder(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        sync_folder(parent)
        with self._lock:
            if len(self._known) >= _KNOWN_FOLDERS:
                self._known.clear()
            self._known.add(folder)

    def open(self, key: str, size: int | None = None) -> OpenFile:
        """The file, for reading; the caller closes it. Raises Missing, Broken; Away when its key is not here."""
        return unsealed(self.open_raw(key), self.keys)

    def open_raw(self, key: str) -> LocalFile:
        """As it is on the disk. Raises Missing or Broken."""
        try:
            return LocalFile(os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            raise _missing(key) from None
        except OSError as error:
            raise Broken(f"the file of this object cannot be read: {error.strerror}", where=key) from error

    def open_durable(self, key: str) -> OpenFile:
        """As `open`; what was just written would be read from memory, and the question is what the disk has."""
        file = self.open_raw(key)
        os.posix_fadvise(file.fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return unsealed(file, self.keys)

    def times(self, key: str) -> tuple[float, float]:
        """When the bytes were written, and when they got their name, in Unix time. Raises Missing, Broken."""
        try:
            status = os.stat(self._path(key))
        except FileNotFoundError:
            raise _missing(key) from None
        except OSError as error:
            raise Broken(f"the file of this object cannot be looked at: {error.strerror}", where=key) from error
        return status.st_mtime, status.st_ctime

    def path(self, key: str) -> Path:
        """Where the key's bytes are. Raises Broken for anything that is no key of ours."""
        if not KEY.fullmatch(key):
            raise Broken("this is no storage key")
        return self.folder / key

    def _path(self, key: str) -> str:
        """As `path`, for the hot ways: pathlib costs as much as the system call it is for."""
        if not KEY.fullmatch(key):
            raise Broken("this is no storage key")
        return self._prefix + key

    def restore(self, key: str, file: OpenFile, sha256: str) -> None:
        """Put what `file` has under `key`. What was there is kept as damaged/...: nobody knows what it may be good for."""
        path = self._path(key)
        incoming = self.open_incoming()
        try:
            digest = hashlib.sha256()
            for start in range(0, file.size, PIECE):
                piece = file.read_at(start, PIECE)
                digest.update(piece)
                incoming.write(piece)
            if digest.hexdigest() != sha256:
                raise Broken("this copy is damaged, too", where=key)
            raw = self.raw(incoming)
            os.fsync(raw.fd)
            self._folder(path.rpartition("/")[0])
            immutable.lift(path)
            self._set_aside(key, path, incoming.name)
            os.replace(raw.path, path)
            sync_folder(path.rpartition("/")[0])
        except OSError as error:
            raise failure(error, "putting an object back") from error
        finally:
            incoming.discard()

    def _set_aside(self, key: str, path: str, name: str) -> None:
        """A second name for what is about to be replaced. One that was there before stays: each has a name of its own."""
        aside = self.folder / "damaged"
        aside.mkdir(exist_ok=True)
        try:
            os.link(path, aside / f"{key.replace('/', '_')}.{name}")
        except FileNotFoundError:
            return  # it was missing
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.rename(path, aside / f"{key.replace('/', '_')}.{name}")
        sync_folder(str(aside))

    def key_name(self, key: str) -> str:
        """The name of the key that the file is under; "" for one in clear."""
        with self.open_raw(key) as raw:
            return name_in(raw)

    def reseal(self, key: str) -> bool:
        """Bring the bytes under the current key (out of all, when there is none); whether they were not. Raises as both.

        The new file is durable and was read back before it takes the old one's name; who reads the old one goes on.
        """
        path = self._path(key)
        with self.open_raw(key) as old:
            if is_current(old, self.keys):
                return False
            file = unsealed(LocalFile(os.dup(old.fd)), self.keys)
            incoming = self.open_incoming()
            try:
                with file:
                    for start in range(0, file.size, PIECE):
                        incoming.write(file.read_at(start, PIECE))
                    raw = self.raw(incoming)
                    os.fsync(raw.fd)
                    with unsealed(LocalFile(os.dup(raw.fd)), self.keys) as made:
                        if made.sha256() != file.sha256():
                            raise Broken("the file could not be encrypted anew", where=key, kept="It is as it was.")
                immutable.lift(path)
                exchange(str(raw.path), path)
                sync_folder(path.rpartition("/")[0])
            except OSError as error:
                raise failure(error, "encrypting an object anew") from error
            finally:
                incoming.discard()
        return True

    def delete(self, key: str) -> None:
        """Remove the key; nothing happens when it is not there. Raises Broken when it is immutable and may not be freed."""
        path = self._path(key)
        with contextlib.suppress(FileNotFoundError):
            try:
                os.unlink(path)
            except PermissionError:
                if not immutable.lift(path):
                    raise
                os.unlink(path)

    def protect(self, key: str) -> None:
        """With write_once: make a file of the archive immutable, unless it has a name in incoming/, too. Raises Broken."""
        if not self._write_once or not key.startswith("archive/"):
            return
        try:
            with self.open_raw(key) as file:
                if os.fstat(file.fd).st_nlink == 1:
                    immutable.turn(file.fd, True)
        except OSError as error:
            raise Broken(f"the file cannot be made immutable: {error.strerror}", where=key,
                         hint="`isocenter doctor` says why.") from error

    def list(self, prefix: str) -> Iterator[str]:
        """Every key below `prefix`, folder by folder, sorted; holds one folder's names at a time."""
        yield from self._walk(self.folder / prefix, prefix)

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            with os.scandir(folder) as entries:
                names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        for name, is_folder in names:
            if is_folder:
                yield from self._walk(folder / name, f"{prefix}/{name}")
            else:
                yield f"{prefix}/{name}"

    def free_space(self) -> int:
        """Bytes an ordinary user may still write here."""
        status = os.statvfs(self._incoming)
        return status.f_bavail * status.f_frsize

    def clean_incoming(self, settle: Callable[[str, str], None]) -> int:
        """Settle and remove what dead processes left in incoming/. Returns how many files."""
        return clean(self._incoming, self.list, settle)
