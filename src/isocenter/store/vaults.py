"""Where backups are kept: a folder on another disk, or a bucket of an object store. The layout is the same in both.

    archive/... quarantine/...        every original (`store.replica`)       snapshots/<name>/...      index, keys, snapshot.json

A snapshot is there when its snapshot.json is: in a folder by one rename, in a bucket since it is written last.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from isocenter.domain.errors import Away, Broken, Conflict, Invalid, Missing
from isocenter.settings import Settings, check
from isocenter.store import keys
from isocenter.store.blobs_local import LocalBlobs, sync_folder
from isocenter.store.open_files import PIECE, LocalFile
from isocenter.store.replica import BucketCopies, FolderCopies, Replica

if TYPE_CHECKING:
    from isocenter.store.bucket import Bucket

FACTS = "snapshot.json"
_PARTIAL = ".partial"


class Vault(Protocol):
    """The seam. place: how it is called, without credentials."""

    @property
    def place(self) -> str: ...

    def copies(self) -> Replica:
        """The originals in it."""

    def writing(self) -> AbstractContextManager[None]:
        """For one who writes a backup: what an interrupted one left is tidied away. Raises Invalid, Conflict, Broken."""

    def names(self) -> list[str]:
        """The snapshots there are. Raises Broken when there is no place of backups, Away."""

    def fetch(self, name: str, file: str, into: Path) -> bool:
        """Copy a file of a snapshot; False when it has none of that name. Raises Broken, Away."""

    def begin(self, name: str) -> Path:
        """An empty folder in which a snapshot is made."""

    def finish(self, name: str, folder: Path) -> None:
        """What is in the folder, snapshot.json among it, is the snapshot; durable on return. The folder is gone."""

    def remove(self, name: str) -> None:
        """Take a snapshot away, never a file of the archive."""


def vault(place: str, settings: Settings) -> Vault:
    """FOLDER, file:///FOLDER (which must exist) or s3://BUCKET[/PREFIX]?endpoint=..., with the credentials s3_* of the settings.

    Raises Invalid; Away when the folder is not there.
    """
    if place.startswith("file://") and not Path(place.removeprefix("file://")).is_dir():  # made by us it would be below a mount
        raise Away(f"the folder {place.removeprefix('file://')} of the backups is not there", hint="Mount its disk, or make it.")
    if not place.startswith("s3:"):
        return FolderVault(Path(place.removeprefix("file://")), settings)
    from isocenter.store.bucket import Bucket  # what speaks to object stores is loaded only where there is one

    if place.partition("?")[0] == settings.storage.partition("?")[0]:
        raise Invalid("a backup in the storage itself is lost with it", hint="Name another bucket, best of another provider.")
    return BucketVault(place.partition("?")[0], Bucket(check(replace(settings, storage=place, replica=""))), settings)


class FolderVault:
    """Backups in a folder."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.place = str(folder)
        self._settings = settings
        self._snapshots = folder / "snapshots"

    def copies(self) -> Replica:
        return FolderCopies(self.folder, keys.of(self._settings))

    @contextmanager
    def writing(self) -> Iterator[None]:
        if self.folder.resolve().is_relative_to(self._settings.data.resolve()):
            raise Invalid("a backup in the data folder is lost with it", where=self.place, hint="Name one on another disk.")
        blobs = LocalBlobs(self.folder, keys.of(self._settings))
        try:
            self._snapshots.mkdir(exist_ok=True)
            with (self.folder / "backup.lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Conflict("another backup is being written there", where=self.place, hint="Wait for it.") from None
                for left in self._snapshots.glob(f"*{_PARTIAL}"):
                    shutil.rmtree(left)
                blobs.clean_incoming(lambda key, note: None)
                yield
        except OSError as error:
            raise self._unusable(error) from error

    def names(self) -> list[str]:
        try:
            return [each.name for each in self._snapshots.iterdir() if each.suffix != _PARTIAL and each.is_dir()]
        except FileNotFoundError:
            raise _none(self.place) from None
        except OSError as error:
            raise self._unusable(error) from error

    def fetch(self, name: str, file: str, into: Path) -> bool:
        try:
            shutil.copyfile(self._snapshots / name / file, into)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        return True

    def begin(self, name: str) -> Path:
        folder = self._snapshots / f"{name}{_PARTIAL}"
        folder.mkdir()
        return folder

    def finish(self, name: str, folder: Path) -> None:
        sync_folder(str(folder))
        os.rename(folder, self._snapshots / name)
        sync_folder(str(self._snapshots))

    def remove(self, name: str) -> None:
        shutil.rmtree(self._snapshots / name)

    def _unusable(self, error: OSError) -> Broken:
        return Broken(f"the backup folder {self.folder} cannot be used: {error.strerror or error}",
                      hint="Is the disk there, writable, and not full?")


class BucketVault:
    """Backups in a bucket. Two at once do no harm: files are the same, and a snapshot of a name is written whole by each."""

    def __init__(self, place: str, bucket: "Bucket", settings: Settings) -> None:
        self.place = place
        self._bucket = bucket
        self._settings = settings

    def copies(self) -> Replica:
        return BucketCopies(self.place, self._bucket, self._settings)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._bucket.check()
        yield

    def names(self) -> list[str]:
        found = [key.split("/")[1] for key in self._bucket.list("snapshots") if key.endswith(f"/{FACTS}")]
        if not found:
            raise _none(self.place)
        return found

    def fetch(self, name: str, file: str, into: Path) -> bool:
        key = f"snapshots/{name}/{file}"
        try:
            size = self._bucket.facts(key).size
            with into.open("wb") as target:
                for start in range(0, size, PIECE):
                    target.write(self._bucket.get(key, start, min(PIECE, size - start))[0])
        except Missing:
            return False
        return True

    def begin(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix="isocenter-backup-"))

    def finish(self, name: str, folder: Path) -> None:
        for path in sorted(folder.iterdir(), key=lambda path: path.name == FACTS):
            with LocalFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as file:
                self._bucket.put(f"snapshots/{name}/{path.name}", file)
        shutil.rmtree(folder)

    def remove(self, name: str) -> None:
        for key in sorted(self._bucket.list(f"snapshots/{name}"), key=lambda key: not key.endswith(FACTS)):
            self._bucket.delete(key)


def _none(place: str) -> Broken:
    return Broken(f"there are no backups in {place}", hint="Name the folder or bucket that `isocenter backup` wrote to.")
