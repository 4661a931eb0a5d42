"""Random access to the bytes of one object, wherever they lie."""

import os
from typing import Protocol

READ_AHEAD = 64 * 1024  # holds the whole header of an ordinary CT or MR: one system call for the scan of an instance
_HOP = 512  # after a jump over a large value: the few elements that follow, not another 64 KiB of pixels


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
    """

    __slots__ = ("_base", "_fd", "_window", "size")

    def __init__(self, fd: int, size: int | None = None) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size if size is None else size
        self._window = b""
        self._base = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; small reads are answered from a read-ahead window."""
        start = offset - self._base
        if 0 <= start and start + length <= len(self._window):
            return self._window[start : start + length]
        left = self.size - offset
        if length > left:
            length = left
        if length <= 0 or offset < 0:
            return b""
        if length >= READ_AHEAD:
            return os.pread(self._fd, length, offset)
        # A read that goes on where the window ends is a walk: read ahead. One from elsewhere is a jump: read little.
        ahead = READ_AHEAD if 0 <= start <= len(self._window) + _HOP else _HOP
        self._window = os.pread(self._fd, min(max(ahead, length), left), offset)
        self._base = offset
        return self._window[:length]
