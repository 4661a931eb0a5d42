"""Heads of the change log that were noted outside: a small file each, in a folder or a bucket, never written over.

    audit-anchors/000000004711-9f2c....json        {"head": "4711:9f2c...", "at": "2026-11-23T18:00:00+00:00"}

So whoever writes there need not be able to change what is there: a share that only takes, a bucket with Object Lock.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from isocenter.domain.errors import Away, Broken, Invalid
from isocenter.settings import Settings, check
from isocenter.store.blobs_local import sync_folder
from isocenter.store.open_files import LocalFile

if TYPE_CHECKING:
    from isocenter.store.bucket import Bucket

FOLDER = "audit-anchors"
_LARGEST = 4096  # bytes of a note


@dataclass(frozen=True, slots=True)
class Anchor:
    """A row as it was. at: when it was noted; place: where."""

    seq: int
    hash: str
    at: str
    place: str = ""

    def told(self) -> str:
        """For people."""
        return f"{self.seq}:{self.hash}, noted {self.at} in {self.place}"


def called(place: str) -> str:
    """A place, without what may be secret."""
    return place.partition("?")[0]


def keep(place: str, settings: Settings, anchor: Anchor) -> None:
    """Note one; durable on return. What is there stays. Raises Away, Broken, Invalid."""
    name = f"{anchor.seq:012d}-{anchor.hash[:16]}.json"
    content = json.dumps({"head": f"{anchor.seq}:{anchor.hash}", "at": anchor.at}).encode()
    if place.startswith("s3:"):
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.flush()
            with LocalFile(os.dup(file.fileno())) as opened:
                _bucket(place, settings).put(f"{FOLDER}/{name}", opened)
        return
    folder = _folder(place, settings) / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        with suppress(FileExistsError), (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(str(folder))
    except OSError as error:
        raise _unusable(folder, error) from error


def read(place: str, settings: Settings) -> list[Anchor | str]:
    """All that was noted at a place, oldest first; in words, what is none. Raises Away, Broken, Invalid."""
    made = called(place)
    contents = _of_bucket(place, settings) if place.startswith("s3:") else _of_folder(_folder(place, settings) / FOLDER)
    return [_parsed(name, content, made) for name, content in contents]


def _parsed(name: str, content: bytes, place: str) -> Anchor | str:
    try:
        facts = json.loads(content)
        number, _, digest = str(facts["head"]).partition(":")
        if len(digest) == 64:
            return Anchor(int(number), digest, str(facts["at"])[:40], place)
    except (ValueError, LookupError, TypeError):
        pass
    return f"{place}: {name} is no head of a change log"


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    try:
        for path in sorted(folder.glob("*.json")):
            with path.open("rb") as file:
                yield path.name, file.read(_LARGEST)
    except OSError as error:
        raise _unusable(folder, error) from error


def _of_bucket(place: str, settings: Settings) -> Iterator[tuple[str, bytes]]:
    bucket = _bucket(place, settings)
    for key in bucket.list(FOLDER):
        yield key, bucket.get(key, 0, min(_LARGEST, bucket.facts(key).size))[0]


def _folder(place: str, settings: Settings) -> Path:
    folder = Path(place.removeprefix("file://"))
    if not folder.is_dir():  # made by us it would be below a mount
        raise Away(f"the folder {folder} is not there", hint="Mount its disk, or make it.")
    if folder.resolve().is_relative_to(settings.data.resolve()):
        raise Invalid("a note in the data folder is changed with it", where=str(folder), hint="Name a place on another machine.")
    return folder


def _bucket(place: str, settings: Settings) -> "Bucket":
    from isocenter.store.bucket import Bucket  # what speaks to object stores is loaded only where there is one

    return Bucket(check(replace(settings, storage=place, replica="", audit_anchor="")))


def _unusable(folder: Path, error: OSError) -> Broken:
    return Broken(f"the folder {folder} cannot be used: {error.strerror or error}", hint="Is it there, writable, and not full?")
