"""Files that are arriving: incoming/<pid>-<uuid>[-<note>].part, and what of them dead processes left.

Each is held with flock by the process that writes it, so that files of dead processes can be told apart.
"""

import base64
import contextlib
import errno
import fcntl
import os
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from isocenter.domain.errors import Broken, NoSpace

_VERSION = re.compile(r"\.v(\d+)\.dcm")
_LONGEST_NOTE = 200  # characters; a name has at most 255
_FULL = {errno.ENOSPC, errno.EDQUOT}
_BUFFERS_AT_ONCE = 512  # IOV_MAX is 1024 on Linux


def failure(error: OSError, doing: str) -> Exception:
    """The error of ours for one of the disk; doing: what failed."""
    if error.errno in _FULL:
        return NoSpace("the disk is full", kept="Nothing was kept of this object.", hint="Free some space and send it again.")
    reason = os.strerror(error.errno or 0)
    return Broken(f"{doing} failed: {reason}", kept="Nothing was kept of this object.", hint="Send it again.")


def _mark(note: str) -> str:
    """A note as a part of a file name; one that is too long for it is left out."""
    mark = base64.urlsafe_b64encode(note.encode()).rstrip(b"=").decode()
    return f"-{mark}" if 0 < len(mark) <= _LONGEST_NOTE else ""


def _note(mark: str) -> str:
    """What `_mark` was made from; "" for what it never made."""
    try:
        return base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)).decode()
    except ValueError:
        return ""


def appended(fd: int, buffers: tuple[bytes | bytearray | memoryview, ...]) -> int:
    """Write all buffers to the end of a file; how many bytes. Raises OSError."""
    total = sum(map(len, buffers))
    for start in range(0, len(buffers), _BUFFERS_AT_ONCE):
        some = buffers[start : start + _BUFFERS_AT_ONCE]
        written = os.writev(fd, some)
        if written < sum(map(len, some)):  # a nearly full disk, or a signal: write the rest one by one
            for buffer in some:
                rest = memoryview(buffer)[min(written, len(buffer)) :]
                written -= len(buffer) - len(rest)
                while rest:
                    rest = rest[os.write(fd, rest) :]
    return total


class LocalIncoming:
    """A file in incoming/, locked with flock while its writer lives."""

    def __init__(self, folder: Path, note: str) -> None:
        self.size = 0
        self.stored_by_rename = False
        mark = _mark(note)
        while True:
            self.name = uuid.uuid4().hex
            self.path = folder / f"{os.getpid()}-{self.name}{mark}.part"
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            if os.fstat(self.fd).st_nlink:
                return
            os.close(self.fd)  # a cleaner of another process took it between our two calls

    def write(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Append all buffers (writev). Raises NoSpace or Broken."""
        try:
            self.size += appended(self.fd, buffers)
        except OSError as error:
            raise failure(error, "writing to incoming") from error

    def discard(self) -> None:
        """Remove the name in incoming/ and close. Safe to call twice."""
        if self.fd < 0:
            return
        if not self.stored_by_rename:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
        os.close(self.fd)
        self.fd = -1


def version_of(key: str) -> int:
    """Which version of its instance a file is, as its name says; 1 is the one that is served."""
    match = _VERSION.search(key)
    return int(match[1]) if match else 1


def clean(folder: Path, keys_below: Callable[[str], Iterable[str]], settle: Callable[[str, str], None]) -> int:
    """Remove what dead processes left in `folder`; returns how many files.

    A process that is killed between file and row, or a power cut before the row was durable, leaves a name in the archive too:
    `settle` gets that key and the note first, and has made the row durable when it returns. keys_below: the keys of an area.
    """
    removed = 0
    for left in _left(folder, keys_below):
        try:
            fd = os.open(left.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not left.keys and os.fstat(fd).st_nlink > 1:  # its writer lived when we looked
                left.keys = _keys_of(keys_below, [left])[left.name]
            for key in left.keys:
                settle(key, _note(left.mark))
            os.unlink(left.path)
            removed += 1
        except (BlockingIOError, FileNotFoundError):
            pass  # its writer lives, or it is gone already
        finally:
            os.close(fd)
    return removed


@dataclass(slots=True)
class _Left:
    path: Path
    name: str
    mark: str
    written_at: float
    keys: list[str] = field(default_factory=list)


def _left(folder: Path, keys_below: Callable[[str], Iterable[str]]) -> list[_Left]:
    """What is there, with the keys it has already; first versions first, and as they were written."""
    found, linked = [], []
    for path in folder.glob("*.part"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            name, _, mark = path.stem.partition("-")[2].partition("-")
            found.append(_Left(path, name, mark, status.st_mtime))
            if status.st_nlink > 1:
                linked.append(found[-1])
    keys = _keys_of(keys_below, linked)
    for left in linked:
        left.keys = keys[left.name]
    return sorted(found, key=lambda left: (max(map(version_of, left.keys), default=1), left.written_at))


def _keys_of(keys_below: Callable[[str], Iterable[str]], files: Sequence[_Left]) -> dict[str, list[str]]:
    """The keys that files became, from the day each was written or the next (it may have arrived around midnight)."""
    found: dict[str, list[str]] = {left.name: [] for left in files}
    first = [datetime.fromtimestamp(left.written_at, UTC) for left in files]
    days = {f"{day + after:%Y/%m/%d}" for day in first for after in (timedelta(), timedelta(days=1))}
    for area in ("archive", "quarantine"):
        for day in sorted(days):
            for key in keys_below(f"{area}/{day}"):
                name = key.rpartition("/")[2].partition(".")[0]
                if name in found:
                    found[name].append(key)
    return found
