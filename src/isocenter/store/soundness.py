"""Whether a file is what it was when it came in: the one comparison of file and row, for `verify` and for the worker's rounds."""

from dataclasses import dataclass
from typing import Literal

from isocenter.domain.errors import Away, Broken, Busy, IsocenterError, Missing
from isocenter.store.blobs import Blobs
from isocenter.store.imaging import Kept
from isocenter.store.open_files import OpenFile

MISSING = "the index has this instance, but its file is not there: restore it from a backup, or send the instance again, which " \
          "puts it back"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file. detail: a sentence on what it means and what to do."""

    kind: Literal["missing", "damaged"]
    detail: str


def fault(blobs: Blobs, kept: Kept, *, quick: bool = False) -> Fault | None:
    """What is wrong with a file; None: nothing. quick: by its size alone.

    Raises Away when the storage does not answer, Busy when its bytes are on the disk of another node still.
    """
    try:
        file = _opened(blobs, kept.blob_key)
    except (Away, Busy):
        raise
    except Missing:
        return Fault("missing", MISSING)
    except IsocenterError as error:
        return Fault("damaged", error.message)
    with file:
        if file.size != kept.size:
            return Fault("damaged", f"the file has {file.size:,} bytes instead of {kept.size:,}: restore it from a backup")
        try:
            if quick or file.sha256() == kept.sha256:
                return None
        except Away:
            raise
        except Broken as error:
            return Fault("damaged", error.message)
        except OSError as error:
            return Fault("damaged", f"the file cannot be read: {error.strerror}")
    return Fault("damaged", "the file's SHA-256 is not what it was when it came in: restore it from a backup")


def _opened(blobs: Blobs, key: str) -> OpenFile:
    return blobs.open(key) if blobs.is_ahead(key) else blobs.open_durable(key)
