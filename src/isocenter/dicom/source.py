"""Random access to the bytes of one object, wherever they lie."""

import os
from typing import Protocol

READ_AHEAD = 64 * 1024  # holds the whole header of an ordinary CT or MR: one system call for the scan of an instance


class Source(Protocol):
    """The bytes of one object. `size` is known; `read_at` may return fewer bytes at the end, never more."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...


class BytesSource:
    """An object that is in memory."""

    __slots__ = ("_data", "size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; empty beyond the end."""
        return self._data[offset : offset + length]


class FileSource:
    """An open file, read with pread: the file position is left alone, and no more than asked for is held.

    fd: an open descriptor, which stays the caller's. size: bytes that belong to the object; the file's size when not given.
    Reading ahead is the walker's business (`elements.Window`), who knows where it goes next.
    """

    __slots__ = ("_fd", "size")

    def __init__(self, fd: int, size: int | None = None) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size if size is None else size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; empty beyond the end."""
        left = self.size - offset
        return os.pread(self._fd, min(length, left), offset) if offset >= 0 and left > 0 else b""


class Arriving:
    """The file of an object that is still arriving, and its beginning, which is in memory: no system call for its header.

    fd: an open descriptor, which stays the caller's. size: of the file so far. head: its first bytes.
    """

    __slots__ = ("_fd", "_head", "size")

    def __init__(self, fd: int, size: int, head: bytes) -> None:
        self._fd = fd
        self._head = head
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; empty beyond the end."""
        left = self.size - offset
        if offset >= 0 and offset + min(length, left) <= len(self._head):
            return self._head[offset : offset + length]
        return os.pread(self._fd, min(length, left), offset) if offset >= 0 and left > 0 else b""


class Section:
    """Some of an open file as an object of its own: `size` bytes from `offset`. fd: stays the caller's."""

    __slots__ = ("fd", "offset", "size")

    def __init__(self, fd: int, offset: int, size: int) -> None:
        self.fd = fd
        self.offset = offset
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; empty beyond the end."""
        left = self.size - offset
        return os.pread(self.fd, min(length, left), self.offset + offset) if offset >= 0 and left > 0 else b""
