"""Blobs that are to be under another key: which are, how one file takes another's place, and what a folder says of its keys."""

import ctypes
import errno
import os
from pathlib import Path

from isocenter.domain.errors import Broken
from isocenter.store.incoming import failure
from isocenter.store.keys import Keys
from isocenter.store.open_files import OpenFile
from isocenter.store.sealing import HEAD, is_sealed, key_of

MARKER = "encrypted"
_EXCHANGE = 2  # RENAME_EXCHANGE, linux/fs.h
_AT_FDCWD = -100
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def name_in(raw: OpenFile) -> str:
    """The name of the key that a file is under; "" when it is in clear."""
    head = raw.read_at(0, HEAD)
    return key_of(head).hex() if is_sealed(head) else ""


def is_current(raw: OpenFile, keys: Keys | None) -> bool:
    """Whether a file is as new ones are: under the current key, or plain when there is none."""
    current = None if keys is None else keys.current
    return name_in(raw) == (current.hex() if current else "")


def exchange(new: str, path: str) -> None:
    """Give two files each other's name at once. A file that was deleted meanwhile does not come back. Raises OSError."""
    if _renameat2 is not None:
        if _renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(path), _EXCHANGE) == 0:
            return
        number = ctypes.get_errno()
        if number not in {errno.EINVAL, errno.ENOSYS}:
            raise OSError(number, os.strerror(number))
    os.stat(path)
    os.replace(new, path)


def check_marker(folder: Path, keys: Keys | None) -> None:
    """A folder in which blobs are encrypted says so: without its key nothing is to be written there in clear by mistake.

    Raises Broken when its key is none of `keys`; puts down the current one.
    """
    marker = folder / MARKER
    try:
        noted = marker.read_text("ascii").split()
    except FileNotFoundError:
        noted = []
    except OSError as error:
        raise failure(error, "reading what the archive says of its keys") from error
    if noted and (keys is None or bytes.fromhex(noted[-1]) not in keys):
        raise Broken(f"this archive is encrypted under the key {noted[-1]}, which is not here", where=str(folder),
                     kept="Nothing was changed.",
                     hint="Name that key with encryption_key, or with encryption_old_keys to leave it.")
    if keys is not None and keys.current is not None and (not noted or noted[-1] != keys.current.hex()):
        try:
            made = folder / f"{MARKER}-{os.getpid()}"
            made.write_text("\n".join([*noted, keys.current.hex()]) + "\n", "ascii")
            os.replace(made, marker)
        except OSError as error:
            raise failure(error, "noting the key of the archive") from error
