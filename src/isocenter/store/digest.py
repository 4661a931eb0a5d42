"""SHA-256 of a file that is being written, computed aside: hashing overlaps with receiving and with the sync of the disk."""

import hashlib
import os
from functools import partial

from isocenter.domain.errors import Broken
from isocenter.store import aside
from isocenter.store.aside import Task

_BEHIND = int(os.environ.get("BH") or 1 << 20)  # bytes the hash may lag behind the writer, still in the page cache
_AT_ONCE = 1 << 18  # bytes read at once: they stay in a core's second-level cache between the copy and the hash


class Digest:
    """The SHA-256 of what is written to a file descriptor. Used by one thread; `close` before the descriptor is closed."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._hash = hashlib.sha256()
        self._given = 0  # bytes whose hashing has begun
        self._task: Task[None] | None = None

    def written(self, size: int) -> None:
        """The file has `size` bytes now; does not wait unless hashing is slower than writing."""
        if size - self._given >= _BEHIND:
            self.catch_up(size)

    def catch_up(self, size: int) -> None:
        """Begin to hash what is missing up to `size`. Raises Broken when the file could not be read."""
        self._wait()
        start, self._given = self._given, size
        self._task = aside.start(partial(self._run, start, size))

    def hexdigest(self) -> str:
        """The digest up to the size of the last `catch_up`. Raises Broken when the file could not be read."""
        self._wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Wait until the descriptor is not used any more."""
        try:
            self._wait()
        except Broken:
            pass  # nobody asks any more

    def _wait(self) -> None:
        if self._task is not None:
            self._task.result()

    def _run(self, start: int, end: int) -> None:
        try:
            while start < end:
                data = os.pread(self._fd, min(_AT_ONCE, end - start), start)
                if not data:
                    raise OSError("it became shorter")
                self._hash.update(data)
                start += len(data)
        except OSError as error:
            raise Broken(f"reading what was received failed: {error}", kept="Nothing was kept of this object.",
                         hint="Send it again.") from error
