"""Who has a place: the associations of all DICOM processes on this machine, counted in memory that they share.

The kernel deals connections out to whichever process accepts, so that a limit counted in each would be several limits. Here an
association costs a lock and a look at some kilobytes. A process that was killed leaves places behind; they are taken back when
one is wanted. Each process tells how many connections it has, too, so that none takes more than the others.
"""

import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PLACE = struct.Struct("<i16s")  # process id, 0 when it is free; AE title
_FREE = bytes(_PLACE.size)
_PROCESS = struct.Struct("<ii")  # process id, 0 when the entry is free; connections that it has
_PROCESSES = 64
_TABLE = _PROCESSES * _PROCESS.size  # in front of the places


def create(number: int) -> int:
    """The descriptor of memory for so many places, for processes to inherit."""
    made = os.memfd_create("isocenter-places")
    os.ftruncate(made, _TABLE + number * _PLACE.size)
    return made


class Places:
    """The places of one process among the others. Safe to share between threads."""

    def __init__(self, shared: int) -> None:
        """shared: what `create` made; it is closed by `close`."""
        self._descriptor = shared
        self._memory = mmap.mmap(shared, 0)
        self._lock = threading.Lock()
        with self._exclusive():
            self._clear({os.getpid()})  # of a process before us that had our number
            self._entry = self._enter()

    def take(self, title: str, most: int) -> int | None:
        """A place for an association of an AE title that may have `most`; None when it has these, or no place is left."""
        owner = title.encode("ascii", "replace")[:16].ljust(16)
        with self._exclusive():
            place = self._free_place(owner, most)
            if place is None and self._clear(self._ended()):
                place = self._free_place(owner, most)
            if place is not None:
                self._write(place, _PLACE.pack(os.getpid(), owner))
            return place

    def free(self, place: int) -> None:
        """Give a place back, once."""
        with self._exclusive():
            self._write(place, _FREE)

    def tell(self, connections: int) -> None:
        """How many connections this process has now."""
        with self._lock:
            if self._descriptor >= 0 and self._entry is not None:
                _PROCESS.pack_into(self._memory, self._entry * _PROCESS.size, os.getpid(), connections)

    def has_more_than_others(self) -> bool:
        """Whether this process has more connections than the others have on average."""
        with self._lock:
            if self._descriptor < 0 or self._entry is None:
                return False
            table: list[tuple[int, int]] = list(_PROCESS.iter_unpack(self._memory[:_TABLE]))
        _, mine = table.pop(self._entry)
        others = [connections for process, connections in table if process]
        return mine * len(others) > sum(others)

    def _enter(self) -> int | None:
        """An entry in the table of processes, those of dead ones are free; None when there are too many."""
        entry = None
        for number, (process, _) in enumerate(_PROCESS.iter_unpack(self._memory[:_TABLE])):
            if process and (process == os.getpid() or not os.path.exists(f"/proc/{process}")):
                _PROCESS.pack_into(self._memory, number * _PROCESS.size, 0, 0)
                process = 0
            if not process and entry is None:
                entry = number
        if entry is not None:
            _PROCESS.pack_into(self._memory, entry * _PROCESS.size, os.getpid(), 0)
        return entry

    def close(self) -> None:
        """Forget the memory; nothing may follow."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor >= 0:
                self._memory.close()
                os.close(descriptor)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        # A lock of a range belongs to the process and ends with it, so a killed process holds up nobody.
        with self._lock:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def _all(self) -> list[tuple[int, bytes]]:
        return list(_PLACE.iter_unpack(self._memory[_TABLE:]))

    def _free_place(self, owner: bytes, most: int) -> int | None:
        places = self._all()
        if sum(process != 0 and title == owner for process, title in places) >= most:
            return None
        return next((number for number, (process, _) in enumerate(places) if process == 0), None)

    def _ended(self) -> set[int]:
        return {process for process, _ in self._all() if process and not os.path.exists(f"/proc/{process}")}

    def _clear(self, processes: set[int]) -> bool:
        mine = [number for number, (process, _) in enumerate(self._all()) if process in processes]
        for number in mine:
            self._write(number, _FREE)
        return bool(mine)

    def _write(self, place: int, data: bytes) -> None:
        start = _TABLE + place * _PLACE.size
        self._memory[start : start + _PLACE.size] = data
