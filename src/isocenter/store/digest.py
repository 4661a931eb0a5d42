"""SHA-256 of a file that is being written.

While a process receives one object only, its hash is computed aside, in another thread: a second core is idle while the receiving
thread waits for the disk. With several objects every core has work, and hashing what was just received, still in the cache, is
cheaper.
"""

import ctypes
import hashlib
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from isocenter.domain.errors import Broken

_BEHIND = 1 << 20  # bytes the hash may lag behind the writer: they are in the page cache still
_threads = ThreadPoolExecutor(2, "hash")  # one would do: who is not alone hashes for himself
_local = threading.local()  # each hashing thread has one buffer, of _BEHIND bytes

_lock = threading.Lock()
_open = 0
_company = 0  # how many objects more have to come one after the other before their sender is taken for the only one
_AFTER = 16


class Digest:
    """The SHA-256 of what is written to a file descriptor. Used by one thread; `close` before the descriptor is closed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._hash = hashlib.sha256()
        self._size = 0
        self._hashed = 0  # bytes whose hashing has begun
        self._task: Future[None] | None = None
        self._is_aside: bool | None = None  # decided when the first bytes come

    def update(self, *buffers: bytes | bytearray | memoryview) -> None:
        """These bytes have been appended to the file."""
        if self._is_aside is None:
            self._is_aside = _enter()
        self._size += sum(map(len, buffers))
        if not self._is_aside:
            for buffer in buffers:
                self._hash.update(buffer)
        elif self._size - self._hashed >= _BEHIND:
            self.finish()

    def finish(self) -> None:
        """Begin with what is not hashed yet; does not wait for it. Raises Broken when the file could not be read."""
        if not self._is_aside or self._hashed == self._size:
            return
        self._wait()
        start, self._hashed = self._hashed, self._size
        self._task = _threads.submit(self._run, start, self._size)

    def hexdigest(self) -> str:
        """The digest of all bytes. Raises Broken when the file could not be read."""
        self.finish()
        self._wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Wait until the descriptor is not used any more. Safe to call twice."""
        try:
            self._wait()
        except Broken:
            pass  # nobody asks any more
        if self._is_aside is not None:
            _leave()
        self._is_aside = self._task = None

    def _wait(self) -> None:
        if self._task is not None:
            self._task.result()

    def _run(self, start: int, end: int) -> None:
        buffer: memoryview | None = getattr(_local, "buffer", None)
        if buffer is None:
            buffer = _local.buffer = memoryview(bytearray(_BEHIND))
        _begin_writing(self._fd)
        try:
            while start < end:
                length = os.preadv(self._fd, [buffer[: end - start]], start)
                if not length:
                    raise OSError("it became shorter")
                self._hash.update(buffer[:length])
                start += length
        except OSError as error:
            raise Broken(f"reading what was received failed: {error}", kept="Nothing was kept of this object.",
                         hint="Send it again.") from error


def _begin_writing(fd: int) -> None:
    """sync_file_range(2): let the disk begin, so that little is left for the sync. A hint: an error shows up at the sync."""
    _sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), 2)  # to the end; SYNC_FILE_RANGE_WRITE waits for nothing


_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", lambda *unused: 0)  # Linux, with glibc or musl


def _enter() -> bool:
    """Count one more object that is being received; whether its sender is the only one.

    Of two senders one may always be between two objects; what is handed over then costs more than it saves.
    """
    global _open, _company
    with _lock:
        _open += 1
        _company = _AFTER if _open > 1 else max(_company - 1, 0)
        return not _company


def _leave() -> None:
    global _open
    with _lock:
        _open -= 1
