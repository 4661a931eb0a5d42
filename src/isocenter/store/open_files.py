"""Open files of the archive, kept for the next read: a viewer asks for hundreds of frames of the same few files."""

import os
import threading
from collections import OrderedDict

from isocenter.domain.errors import Broken, Missing
from isocenter.store.blobs import Blobs

CAPACITY = 256  # descriptors; systemd's and Debian's soft limit for a process is 1,024


class OpenFile:
    """A descriptor that closes itself when nobody holds the object any more, so that the cache may drop it at any time."""

    __slots__ = ("fd", "size")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.size = os.fstat(fd).st_size

    def __del__(self) -> None:
        os.close(self.fd)


class OpenFiles:
    """The least recently used descriptors are given up first. Safe to share between threads."""

    def __init__(self, blobs: Blobs, capacity: int = CAPACITY) -> None:
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
        """The file, which must have `size` bytes. Raises Broken when the archive has lost or damaged it."""
        file = self.known(key)
        if file is None:
            file = self._open(key)
            with self._lock:
                self._files[key] = file
                while len(self._files) > self._capacity:
                    self._files.popitem(last=False)
        if file.size != size:
            with self._lock:
                self._files.pop(key, None)
            raise Broken("a stored file does not have its size", hint="An administrator should run `isocenter verify`.")
        return file

    def _open(self, key: str) -> OpenFile:
        try:
            return OpenFile(self._blobs.open(key))
        except Missing:
            raise Broken("a stored file is not there", hint="An administrator should run `isocenter verify`.") from None
