"""Blobs in an S3 bucket, behind a write-ahead on the local disk.

    <data>/ahead/archive/...    what came in and is not in the bucket yet: files as `LocalBlobs` keeps them
    <data>/ahead/node           the name of this node, which its uploads bear (`store.uploads`)
    <data>/cache/...            what is in the bucket and was written or read here lately (`store.cache`)

`put` makes bytes durable on the disk; their row and the row of their upload are one transaction of the caller. `upload` copies
them, looks whether the bucket holds them, and only then makes the file an entry of the cache, which may be given up.
Reading looks there in the same order: ahead, cache, bucket.
"""

import hashlib
import heapq
import logging
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from isocenter.domain.errors import Broken, Busy, IsocenterError, Missing
from isocenter.store.blobs import Incoming
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.bucket import Bucket
from isocenter.store.cache import DiskCache
from isocenter.store.open_files import LocalFile, OpenFile
from isocenter.store.resealing import is_current, name_in
from isocenter.store.sealing import HEAD, SealedFile, is_sealed, sealed_copy, sealed_size, unsealed

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN = 5  # seconds after which bytes that are still on another node are asked for again
_AHEAD = ("archive", "quarantine")
_PIECE = 1 << 20
_VERIFY = "An administrator should run `isocenter verify`."


class Ledger(Protocol):
    """What is needed of store.uploads.Ledger."""

    def is_waiting(self, key: str) -> bool: ...

    def done(self, key: str) -> None: ...

    def flush(self) -> None: ...


class S3Blobs:
    """`store.blobs.Blobs` over a bucket. Safe to share between threads; several processes of a node share the folders."""

    def __init__(self, ahead: LocalBlobs, bucket: Bucket, cache: DiskCache, ledger: Ledger) -> None:
        self.ahead = ahead
        self.bucket = bucket
        self.node = _node(ahead.folder)
        self.closed = False
        self._cache = cache
        self._ledger = ledger
        # The key of an entry of the cache says which bucket it is of: a node may be given another one.
        self._place = bucket.place

    # ---- in

    def open_incoming(self, note: str = "") -> Incoming:
        """A new file in incoming/. Raises NoSpace or Broken."""
        return self.ahead.open_incoming(note)

    def is_told(self, incoming: Incoming) -> bool:
        """Never: once the bytes are in the bucket, their name here is gone."""
        return False

    def put(self, incoming: Incoming, key: str) -> None:
        """Keep what arrived on this node's disk. On return it survives a power cut, and is to be uploaded.

        Derived data, which can be made again, and the journal, which waits, go straight into the bucket. Raises Away then.
        """
        if key.startswith(("derived/", "journal/")):
            self._derived(incoming, key)
        else:
            self.ahead.put(incoming, key)

    def place(self, incoming: Incoming, key: str) -> None:
        """Derived data: straight into the bucket and the cache. When the bucket is away it is in the cache of this node only."""
        try:
            self._derived(incoming, key)
        except IsocenterError as error:
            log.warning("derived data is kept on this node only", extra={"facts": {"key": key, "kind": error.kind.value}})

    def _derived(self, incoming: Incoming, key: str) -> None:
        self.ahead.path(key)  # raises for what is no key
        with LocalFile(os.dup(self.ahead.raw(incoming).fd)) as file:
            self._cache.put(self._entry(key), (file.read_at(start, _PIECE) for start in range(0, file.size, _PIECE)))
            self.bucket.put(key, file)

    def upload(self, key: str, size: int, sha256: str) -> None:
        """Copy what `put` kept into the bucket. On return it is there, and the file on the disk belongs to the cache.

        Raises Missing when it is neither here nor there, Broken when it was damaged on the disk or is refused, Away.
        """
        try:
            with self.ahead.open(key) as file:
                if file.size != size or file.sha256() != sha256:
                    raise Broken("a file was damaged before it could be copied into the object store", where=key, hint=_VERIFY)
            with self.ahead.open_raw(key) as raw:
                self.bucket.put(key, raw)
        except Missing:
            if self.bucket.facts(key).size not in {size, sealed_size(size)}:  # else another process was faster
                raise Broken("the object store holds something else under this key", where=key, hint=_VERIFY) from None
        else:
            self._cache.adopt(self._entry(key), self.ahead.path(key))
        self._ledger.done(key)

    # ---- out

    def open(self, key: str, size: int | None = None) -> OpenFile:
        """The bytes under a key, for reading. Raises Missing; Busy when they are on another node's disk only; Away, Broken.

        With their size nothing is asked of the bucket before they are read.
        """
        local = self._local(key)
        if local is not None and (size is None or local.size == size):
            return local
        if size is not None and self.ahead.keys is None:
            return RemoteFile(self, key, size, 0.0)
        return self._remote(key)

    def open_durable(self, key: str) -> OpenFile:
        """As `open`, from the bucket and from nowhere else. Raises Busy for what is on a node's disk only."""
        if self.is_ahead(key):
            raise _not_here_yet()
        return self._remote(key, cached=False)

    def _remote(self, key: str, *, cached: bool = True) -> OpenFile:
        size, modified = self._facts(key)
        keys = self.ahead.keys
        if keys is None:
            return RemoteFile(self, key, size, modified, cached=cached)
        head = self.read(key, 0, min(HEAD, size), size)
        # A blob that was encrypted anew has other bytes: ranges of it are others' entries of the cache.
        raw = RemoteFile(self, key, size, modified, cached=cached, mark=hashlib.sha256(head).hexdigest())
        return SealedFile(raw, head, keys) if is_sealed(head) else raw

    def is_ahead(self, key: str) -> bool:
        """Whether the bytes are on this node's disk and were not copied yet."""
        return self.ahead.path(key).exists()

    def times(self, key: str) -> tuple[float, float]:
        """When the bytes were written here or into the bucket, twice. Raises Missing, Busy, Away, Broken."""
        try:
            return self.ahead.times(key)
        except Missing:
            modified = self._facts(key)[1]
            return modified, modified

    def list(self, prefix: str) -> Iterator[str]:
        """Every key below `prefix` in the bucket and on this node's disk, each once, in order of folders."""
        last = ""
        for key in heapq.merge(self.ahead.list(prefix), self.bucket.list(prefix)):
            if key != last:
                yield key
            last = key

    def list_ahead(self) -> Iterator[str]:
        """Every key that is on this node's disk and was not copied yet."""
        for area in _AHEAD:
            yield from self.ahead.list(area)

    def read(self, key: str, offset: int, length: int, size: int) -> bytes:
        """A range of an object in the bucket. Raises Broken when it is not there or has another size, Busy, Away."""
        try:
            data, found = self._sought(key, lambda: self.bucket.get(key, offset, length))
        except Missing:
            raise Broken("a stored file is not there", hint=_VERIFY) from None
        if found != size or len(data) != length:
            raise Broken("a stored file does not have its size", hint=_VERIFY)
        return data

    def cached(self, key: str, offset: int, length: int, make: Callable[[], bytes], mark: str = "") -> bytes:
        """A range of an object from the cache; else it is made and kept."""
        entry = self._entry(key, f"{offset} {length} {mark}".rstrip())
        fd = self._cache.open(entry)
        if fd is not None:
            with LocalFile(fd) as file:
                if file.size == length:
                    return file.read_at(0, length)
        data = make()
        self._cache.put(entry, (data,))
        return data

    def restore(self, key: str, file: OpenFile, sha256: str) -> None:
        """Put what `file` has where the bytes are to be. A bucket with versions keeps what was there."""
        if self.is_ahead(key):
            self.ahead.restore(key, file, sha256)
            return
        if file.sha256() != sha256:
            raise Broken("this copy is damaged, too", where=key)
        self._replace(key, file)

    def key_name(self, key: str) -> str:
        """The name of the key that the object is under; "" for one in clear."""
        if self.is_ahead(key):
            return self.ahead.key_name(key)
        size, modified = self._facts(key)
        return name_in(RemoteFile(self, key, size, modified, cached=False))

    def reseal(self, key: str) -> bool:
        """As `LocalBlobs.reseal`. What is in the bucket is replaced at once, as S3 does it; with versions the old one is kept."""
        if self.is_ahead(key):
            return self.ahead.reseal(key)
        size, modified = self._facts(key)
        if is_current(RemoteFile(self, key, size, modified, cached=False), self.ahead.keys):
            return False
        with self._remote(key, cached=False) as file:
            self._replace(key, file)
        return True

    def _replace(self, key: str, file: OpenFile) -> None:
        copy = sealed_copy(file, self.ahead.keys, self.ahead.folder)
        try:
            self._cache.drop(self._entry(key))
            self.bucket.put(key, copy)
            self._cache.drop(self._entry(key))
        finally:
            if copy is not file:
                copy.close()

    # ---- the rest

    def protect(self, key: str) -> None:
        """Nothing: Object Lock is the bucket's."""

    def delete(self, key: str) -> None:
        """Remove the key; nothing happens when it is not there. Raises Away, Broken.

        What is still on the disk only was never acknowledged by a row that is kept, and is in no bucket.
        """
        self._cache.drop(self._entry(key))
        if self.is_ahead(key):
            self.ahead.delete(key)
        else:
            self.bucket.delete(key)

    def free_space(self) -> int:
        """Bytes that may still be written ahead; what is in the cache gives way to it."""
        return self.ahead.free_space()

    def clean_incoming(self, settle: Callable[[str, str], None]) -> int:
        """What dead processes of this node left that was still arriving."""
        return self.ahead.clean_incoming(settle)

    def flush(self) -> None:
        """Note which uploads are done."""
        self._ledger.flush()

    def close(self) -> None:
        """No more is asked of it: `work.uploads` ends."""
        self.closed = True
        self._ledger.flush()

    def _local(self, key: str) -> OpenFile | None:
        try:
            return self.ahead.open(key)
        except Missing:
            fd = self._cache.open(self._entry(key))
            return None if fd is None else unsealed(LocalFile(fd), self.ahead.keys)

    def _facts(self, key: str) -> tuple[int, float]:
        facts = self._sought(key, lambda: self.bucket.facts(key))
        return facts.size, facts.modified.timestamp()

    def _sought(self, key: str, ask: Callable[[], T]) -> T:
        """What the bucket says of a key. Raises Busy when it does not have it because another node has not copied it yet."""
        try:
            return ask()
        except Missing:
            if self._ledger.is_waiting(key):
                raise _not_here_yet() from None
        return ask()  # it may have been copied, and its row removed, between the two questions

    def _entry(self, key: str, part: str = "") -> str:
        return hashlib.sha256(f"{self._place}\n{key}\n{part}".encode()).hexdigest()


class RemoteFile(OpenFile):
    """An object of the bucket; each read is one request for just that range, unless the cache has it."""

    __slots__ = ("_blobs", "_cached", "_key", "_mark")

    def __init__(self, blobs: S3Blobs, key: str, size: int, modified: float, *, cached: bool = True, mark: str = "") -> None:
        super().__init__(None, size, modified)
        self._blobs = blobs
        self._key = key
        self._cached = cached
        self._mark = mark

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises Broken, Busy, Away."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if not self._cached:
            return self._blobs.read(self._key, offset, length, self.size)
        return self._blobs.cached(
            self._key, offset, length, lambda: self._blobs.read(self._key, offset, length, self.size), self._mark
        )


def _not_here_yet() -> Busy:
    return Busy(
        "the object was received by another node, which has not copied it into the object store yet", retry_after=AGAIN,
        kept="It is safe on that node's disk.", hint="Ask again in a few seconds; if that lasts, is the node running?",
    )  # fmt: skip


def _node(folder: Path) -> str:
    """The name of the node that writes ahead in this folder; made once, and of use to nobody else."""
    file = folder / "node"
    try:
        if not file.exists():
            with tempfile.NamedTemporaryFile("w", dir=folder, prefix="node-", delete=False) as made:
                made.write(uuid.uuid4().hex)
                made.flush()
                os.fsync(made.fileno())
            try:
                os.link(made.name, file)
            except FileExistsError:
                pass  # another process of this node was faster
            os.unlink(made.name)
        return file.read_text("ascii").strip()
    except OSError as error:
        raise Broken(f"the folder {folder} cannot be used: {error.strerror}", hint="Check its owner and permissions.") from error
