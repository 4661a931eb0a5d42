"""Folders synced beside the files in them: two flushes of the disk for the time of one.

Daemon threads of our own and no ThreadPoolExecutor: that one refuses work as soon as the main thread has ended, when
associations may still be finishing what they have begun.
"""

import os
import threading
from pathlib import Path
from queue import SimpleQueue

_THREADS = 32  # folders synced at once: threads that only wait for the disk


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Flush:
    """A folder that is being synced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = threading.Event()
        self._error: OSError | None = None

    def run(self) -> None:
        """Do it, in a thread of the flusher."""
        try:
            sync_folder(self._folder)
        except OSError as error:
            self._error = error
        finally:
            self._done.set()

    def wait(self) -> None:
        """Return when the folder is durable; raises the OSError that came instead."""
        self._done.wait()
        if self._error is not None:
            raise self._error


class Flusher:
    """Threads that sync folders; made as they are needed, and again in a forked process (threads do not survive a fork)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._jobs: SimpleQueue[Flush] = SimpleQueue()
        self._idle = 0
        self._threads = 0

    def begin(self, folder: Path) -> Flush:
        """Begin to sync a folder."""
        flush = Flush(folder)
        with self._lock:
            if self._owner != os.getpid():
                self._reset()
            if self._idle:
                self._idle -= 1
            elif self._threads < _THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="sync-folder", args=(self._jobs,), daemon=True).start()
            self._jobs.put(flush)
        return flush

    def _work(self, jobs: "SimpleQueue[Flush]") -> None:
        while True:
            jobs.get().run()
            with self._lock:
                # A job that waited because all threads were busy is taken by the next turn: nobody is idle then.
                if jobs.empty():
                    self._idle += 1
