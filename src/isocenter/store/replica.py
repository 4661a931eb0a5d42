"""The second storage: every original once more, under the same key, in a folder or a bucket of its own.

It is only ever added to: nothing here removes or replaces what is there. So its credentials need not allow deleting, and a
bucket with Object Lock serves as well as one without. A backup folder has the same layout: it may be the one or the other.
"""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from isocenter.domain.errors import Away, Broken, Conflict, Missing
from isocenter.settings import Settings
from isocenter.store import keys
from isocenter.store.blobs import Incoming
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.imaging import Kept
from isocenter.store.open_files import PIECE, OpenFile
from isocenter.store.sealing import sealed_copy, sealed_size, unsealed

if TYPE_CHECKING:
    from isocenter.store.bucket import Bucket


class Replica(Protocol):
    """The seam. place: how it is called, without credentials."""

    @property
    def place(self) -> str: ...

    def has(self, kept: Kept) -> bool:
        """Whether it has the file, by its size. Raises Away, Broken."""

    def open(self, kept: Kept) -> OpenFile:
        """Its copy, for reading. Raises Missing, Away, Broken."""

    def keep(self, kept: Kept, file: OpenFile) -> None:
        """Add a copy, unless it has the SHA-256 of the row no more: raises Damaged then. Raises Broken, NoSpace, Away."""


def replica(settings: Settings) -> Replica | None:
    """The second storage of the settings; None when there is none. Raises Away when its folder is not there, Broken."""
    if not settings.replica:
        return None
    if settings.replica.startswith("s3:"):
        from isocenter.store.bucket import Bucket  # what speaks to object stores is loaded only where there is one

        return BucketCopies(settings.replica.partition("?")[0], Bucket(replace(settings, storage=settings.replica)), settings)
    return FolderCopies(Path(urlsplit(settings.replica).path), keys.of(settings), write_once=settings.write_once)


def copied(file: OpenFile, incoming: Incoming) -> str:
    """Write all of a file to what is arriving; the SHA-256 of it, in hex."""
    digest = hashlib.sha256()
    for start in range(0, file.size, PIECE):
        piece = file.read_at(start, min(PIECE, file.size - start))
        digest.update(piece)
        incoming.write(piece)
    return digest.hexdigest()


class FolderCopies:
    """Copies in a folder, which must be there."""

    def __init__(self, folder: Path, used: keys.Keys | None, *, write_once: bool = False) -> None:
        self.place = f"file://{folder}"
        if not folder.is_dir():  # made by us it would be on the disk below a mount that is away
            raise Away(f"the folder {folder} of the second storage is not there", hint="Mount its disk, or make the folder.")
        self._blobs = LocalBlobs(folder, used, write_once=write_once)

    def has(self, kept: Kept) -> bool:
        try:
            with self._blobs.open(kept.blob_key) as file:
                return file.size == kept.size
        except Missing:
            return False

    def open(self, kept: Kept) -> OpenFile:
        return self._blobs.open_durable(kept.blob_key)

    def keep(self, kept: Kept, file: OpenFile) -> None:
        incoming = self._blobs.open_incoming()
        try:
            if copied(file, incoming) != kept.sha256:
                raise damaged(kept)
            try:
                self._blobs.put(incoming, kept.blob_key)
            except Conflict:
                pass  # another worker was faster; or it has other bytes, which are left alone
        finally:
            incoming.discard()
        self._blobs.protect(kept.blob_key)


class BucketCopies:
    """Copies in a bucket."""

    def __init__(self, place: str, bucket: "Bucket", settings: Settings) -> None:
        self.place = place
        self._bucket = bucket
        self._keys = keys.of(settings)
        self._folder = settings.blob_folder

    def has(self, kept: Kept) -> bool:
        try:
            return self._bucket.facts(kept.blob_key).size in {kept.size, sealed_size(kept.size)}
        except Missing:
            return False

    def open(self, kept: Kept) -> OpenFile:
        return unsealed(_Object(self._bucket, kept.blob_key, self._bucket.facts(kept.blob_key).size), self._keys)

    def keep(self, kept: Kept, file: OpenFile) -> None:
        if file.sha256() != kept.sha256:
            raise damaged(kept)
        copy = sealed_copy(file, self._keys, self._folder)
        try:
            self._bucket.put(kept.blob_key, copy)
        finally:
            if copy is not file:
                copy.close()


class _Object(OpenFile):
    __slots__ = ("_bucket", "_key")

    def __init__(self, bucket: "Bucket", key: str, size: int) -> None:
        super().__init__(None, size, 0.0)
        self._bucket = bucket
        self._key = key

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        return self._bucket.get(self._key, offset, length)[0] if offset >= 0 and length > 0 else b""


class Damaged(Broken):
    """What was to be copied is not what came in."""


def damaged(kept: Kept) -> Damaged:
    """The error of a file that is not what its row says."""
    return Damaged("the file is not what it was when it came in, and is not copied", where=kept.blob_key)
