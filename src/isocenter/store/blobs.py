"""Where bytes are kept: five verbs, and keys that we made (never a name that a peer chose).

    open_incoming   a place for bytes that are still arriving      open   read what is under a key
    put             make them durable under a key, never           list   every key below a prefix
                    overwriting (`place`: not durable)         delete remove a key

`store.blobs_local` keeps files in a folder tree, `store.blobs_s3` objects in a bucket; the keys are the same:

    archive/2026/11/22/<study>/<series>/<uuid>.dcm   quarantine/...   derived/...   journal/... (`store.journal`)

The second version of an instance is <uuid>.v2.dcm: so the files alone, whatever their times, tell which one is served.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from isocenter.store.open_files import OpenFile

# Keys are ours, so this refuses nothing legitimate; it makes a traversal impossible even if a row were forged.
KEY = re.compile(r"(archive|quarantine|derived|journal)(/[0-9A-Za-z_-][0-9A-Za-z_.-]*)+")


class Incoming(Protocol):
    """Bytes that are arriving. They belong to nobody until `Blobs.put`."""

    fd: int
    path: Path
    size: int
    name: str  # a random UUID in hex, which its key ends in

    def write(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Append all buffers. Raises NoSpace or Broken."""

    def discard(self) -> None:
        """Forget the arriving name and close; what `put` stored stays. Safe to call twice."""


class Blobs(Protocol):
    """The seam between the archive and what it keeps bytes on.

    node: "" where `put` brings bytes to where they stay; else the name under which this process's node is to `upload` them, whose
    row (`store.uploads`) is to be written with theirs. closed: after `close`.
    """

    @property
    def node(self) -> str: ...

    @property
    def closed(self) -> bool: ...

    def open_incoming(self, note: str = "") -> Incoming:
        """A new empty place for bytes. note: what `clean_incoming` is to know of them. Raises NoSpace or Broken."""

    def is_told(self, incoming: Incoming) -> bool:
        """Whether what was `put` from it is settled after a power cut unless it was discarded before."""

    def put(self, incoming: Incoming, key: str) -> None:
        """Keep what arrived under `key`. On return it survives a power cut.

        May be called again with another key. Raises Conflict when the key is taken, NoSpace, Broken.
        """

    def place(self, incoming: Incoming, key: str) -> None:
        """As `put`, for derived data, which may be lost in a power cut."""

    def upload(self, key: str, size: int, sha256: str) -> None:
        """Bring what `put` kept on this node to where it stays. Raises Missing, Broken, Away."""

    def open(self, key: str, size: int | None = None) -> OpenFile:
        """The bytes under a key, for reading; the caller closes it. Raises Missing, Broken, Busy (not here yet).

        size: of the bytes, as the index has it; then a store may wait with asking for them until they are read.
        """

    def open_durable(self, key: str) -> OpenFile:
        """As `open`, but read from where they are kept for good, and from no memory of it."""

    def is_ahead(self, key: str) -> bool:
        """Whether the bytes are on this node, and not yet where they are to stay."""

    def list_ahead(self) -> Iterator[str]:
        """Every key of which that is so."""

    def times(self, key: str) -> tuple[float, float]:
        """When the bytes were written, and when they got their name, in Unix time. Raises Missing, Broken."""

    def restore(self, key: str, file: OpenFile, sha256: str) -> None:
        """Put what `file` has under `key`, where bytes are missing or damaged; durable on return. Raises Broken when its SHA-256
        is another: then nothing has changed; NoSpace, Away."""

    def key_name(self, key: str) -> str:
        """The name of the key of `store.keys` that the bytes are under; "" for those in clear. Raises as `open`."""

    def reseal(self, key: str) -> bool:
        """Bring the bytes under the current key of `store.keys` (out of all, when there is none); whether they were not.

        Raises Missing, Broken, Away, NoSpace; the bytes are as they were then.
        """

    def protect(self, key: str) -> None:
        """Where that is asked for: nobody can change or remove it before `delete` and `restore` free it. Raises Broken."""

    def delete(self, key: str) -> None:
        """Remove the key; nothing happens when it is not there."""

    def list(self, prefix: str) -> Iterator[str]:
        """Every key below `prefix` ("archive", "quarantine/2026"), in order of folders."""

    def free_space(self) -> int:
        """Bytes that may still be written."""

    def clean_incoming(self, settle: Callable[[str, str], None]) -> int:
        """Remove what dead processes left that was still arriving; `settle` gets its key and note first when it had a key.

        Returns how many.
        """

    def flush(self) -> None:
        """Note which uploads are done."""

    def close(self) -> None:
        """No more is asked of it."""


def instance_key(
    area: str, received_at: datetime, study_instance_uid: str, series_instance_uid: str, name: str, version: int = 1
) -> str:
    """The key of what arrives as `Incoming.name`; folders group what belongs together and are made from hashes, not from UIDs."""
    study = hashlib.sha256(study_instance_uid.encode("utf-8", "replace")).hexdigest()[:16]
    series = hashlib.sha256(series_instance_uid.encode("utf-8", "replace")).hexdigest()[:8]
    mark = f".v{version}" if version > 1 else ""
    return f"{area}/{received_at:%Y/%m/%d}/{study}/{series}/{name}{mark}.dcm"
