"""What readers read from, wherever the bytes lie, and open files kept for the next read: a viewer asks for hundreds of frames of
the same few files."""

import hashlib
import os
import threading
from collections import OrderedDict
from types import TracebackType
from typing import Protocol, Self

from isocenter.domain.errors import Broken, Missing

PIECE = 1 << 20  # bytes in hand while all of a file is read
CAPACITY = 256  # descriptors; systemd's and Debian's soft limit for a process is 1,024

_VERIFY = "An administrator should run `isocenter verify`."


class OpenFile:
    """The bytes of one stored object: a `dicom.source.Source`, and a context manager that closes it.

    size: in bytes. modified: when they were written, Unix time. fd: a descriptor when they lie in a local file; None when they
    come from elsewhere, so that each read may wait for a network. Closes itself when nobody holds it any more.
    """

    __slots__ = ("fd", "modified", "size")

    def __init__(self, fd: int | None, size: int, modified: float) -> None:
        self.fd = fd
        self.size = size
        self.modified = modified

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises OSError, Broken, Busy."""
        raise NotImplementedError

    def sha256(self) -> str:
        """The digest of all bytes, read now. Raises as `read_at`."""
        digest = hashlib.sha256()
        offset = 0
        while piece := self.read_at(offset, PIECE):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def close(self) -> None:
        """Give back what it holds. Safe to call twice."""


class LocalFile(OpenFile):
    """A file of a local (or POSIX network) file system, read with pread."""

    __slots__ = ()

    fd: int

    def __init__(self, fd: int) -> None:
        status = os.fstat(fd)
        super().__init__(fd, status.st_size, status.st_mtime)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises OSError."""
        left = min(length, self.size - offset)
        if offset < 0 or left <= 0:
            return b""
        data = os.pread(self.fd, left, offset)
        while data and len(data) < left and (more := os.pread(self.fd, left - len(data), offset + len(data))):
            data += more  # at most 2 GiB come at once, and a signal may cut it shorter
        return data

    def close(self) -> None:
        """Close the descriptor. Safe to call twice."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Opens(Protocol):
    """What is needed of store.blobs.Blobs."""

    def open(self, key: str, size: int | None = None) -> OpenFile: ...


class OpenFiles:
    """The least recently used are given up first. Safe to share between threads."""

    def __init__(self, blobs: Opens, capacity: int = CAPACITY) -> None:
        self._blobs = blobs
        self._capacity = capacity
        self._files: OrderedDict[str, OpenFile] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, key: str) -> OpenFile | None:
        """The file if it is open already: never waits for the disk."""
        with self._lock:
            file = self._files.get(key)
            if file is not None:
                self._files.move_to_end(key)
            return file

    def open(self, key: str, size: int) -> OpenFile:
        """The file, which must have `size` bytes. Raises Broken when the archive has lost or damaged it, Busy."""
        file = self.known(key)
        if file is None:
            file = sound(self._blobs, key, size)
            with self._lock:
                self._files[key] = file
                while len(self._files) > self._capacity:
                    self._files.popitem(last=False)
        return file


def sound(blobs: Opens, key: str, size: int) -> OpenFile:
    """The file under a key of the index, which must have `size` bytes. Raises Broken when it is lost or damaged, Busy."""
    try:
        file = blobs.open(key, size)
    except Missing:
        raise Broken("a stored file is not there", hint=_VERIFY) from None
    if file.size != size:
        file.close()
        raise Broken("a stored file does not have its size", hint=_VERIFY)
    return file
