"""Deliveries to a folder: Part 10 files, FOLDER/Study Instance UID/Series Instance UID/SOP Instance UID.dcm.

A file has its name only when it is whole and on the disk. One that is there already and the same is recognised.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from isocenter.domain.errors import Away, IsocenterError
from isocenter.service import sending
from isocenter.service.context import Context
from isocenter.service.deliveries import Round
from isocenter.service.sending import OpenFile, Stored

PIECE = 1 << 18

Pieces = Callable[[bytes], Iterable[bytes | memoryview]]


class _Taken(IsocenterError):
    """Somebody else's file has the name."""


def store(context: Context, task: Round, held: Sequence[Stored], pieces: Pieces) -> None:
    """Write instances, noting each. pieces: the bytes as fast as they may leave. Raises Away when the folder is not there."""
    folder = Path(task.destination.address)
    for stored in held:
        if task.unwanted():
            return
        if not folder.is_dir():
            # Not made: where a share is mounted, its files would land on our own disk until somebody mounts it.
            raise Away("the folder is not there; is it mounted?", where=str(folder))
        try:
            was_there = _write(context, _path(folder, stored), stored, pieces)
        except IsocenterError as error:
            task.note(stored.sop_instance_uid, 0, error.message, arrived=False)
        except OSError as error:
            raise Away(f"the folder cannot be written to: {error.strerror}", where=str(folder)) from None
        else:
            task.note(stored.sop_instance_uid, 0, "it was there already" if was_there else "", arrived=True)


def _path(folder: Path, stored: Stored) -> Path:
    names = (stored.study_instance_uid, stored.series_instance_uid, stored.sop_instance_uid)
    study, series, instance = map(_name, names)
    return folder / study / series / f"{instance}.dcm"


def _name(uid: str) -> str:
    """A UID as the name of a folder: sloppy ones are digits and dots too, but may be dots only."""
    return uid if uid.strip(".") else f"_{uid}"


def _write(context: Context, path: Path, stored: Stored, pieces: Pieces) -> bool:
    """Whether it was there already. Raises OSError, _Taken, Broken."""
    with sending.opened(context, stored) as held:
        if path.exists():
            if _is_same(path, held):
                return True
            raise _Taken("another file has its name in the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.part"):  # by a worker that was killed
            left.unlink(missing_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                for start in range(0, held.size, PIECE):
                    for piece in pieces(held.read_at(start, PIECE)):
                        file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, path)
        finally:
            part.unlink(missing_ok=True)
        _sync(path.parent)
    return False


def _is_same(path: Path, held: OpenFile) -> bool:
    if path.stat().st_size != held.size:
        return False
    with path.open("rb") as file:
        return all(file.read(PIECE) == held.read_at(start, PIECE) for start in range(0, held.size, PIECE))


def _sync(folder: Path) -> None:
    """Names are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
