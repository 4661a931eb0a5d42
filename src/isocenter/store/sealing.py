"""Blobs at rest, encrypted: AES-256-GCM over pieces of 64 KiB, each blob under a key of its own (docs/encryption.md).

    0   8  "ISOSEAL1"          56  1  log2 of the bytes of a piece (16)
    8   8  name of the key-encryption key (`store.keys`)    57  7  zero
    16 40  the blob's key, wrapped (RFC 3394)               64     pieces: each with its tag of 16 bytes

The nonce of a piece is its number and whether it is the last, so pieces cannot be exchanged, repeated or cut off unseen; what the
header says of their shape is authenticated with each. Any range is read from the pieces that hold it, and nothing else.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from isocenter.domain.errors import Broken
from isocenter.store.incoming import LocalIncoming, appended, failure
from isocenter.store.keys import ID, Keys
from isocenter.store.open_files import LocalFile, OpenFile

MAGIC = b"ISOSEAL1"
HEADER = 64
PIECE_LOG2 = 16
PIECE = 1 << PIECE_LOG2
TAG = 16
HEAD = 132  # bytes from which `is_sealed` tells

IN_MEMORY = 64 << 20  # bytes of an arriving object that are held in memory
_TOGETHER = 16  # pieces that are read and written at once
_SHAPE = bytes([PIECE_LOG2]) + bytes(7)
_WRAPPED = slice(8 + ID, 56)


def is_sealed(head: bytes) -> bool:
    """Whether these first HEAD bytes are of an encrypted blob. A Part 10 file says DICM there, whatever its preamble says."""
    return head[:8] == MAGIC and head[56:64] == _SHAPE and head[128:132] != b"DICM"


def key_of(head: bytes) -> bytes:
    """The name of the key-encryption key in a header."""
    return head[8 : 8 + ID]


def sealed_size(size: int) -> int:
    """Bytes of a blob of `size` bytes once it is encrypted."""
    return HEADER + size + TAG * max(1, -(-size // PIECE))


def _plain_size(size: int) -> int:
    body = size - HEADER
    pieces = -(-body // (PIECE + TAG))
    plain = body - TAG * pieces
    if pieces < 1 or sealed_size(plain) != size:
        raise _damaged()
    return plain


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _damaged() -> Broken:
    return Broken("the file of this object is damaged: it is not what was encrypted",
                  hint="An administrator should run `isocenter verify`.")


def sealed(source: OpenFile, keys: Keys) -> Iterator[bytes]:
    """What `source` has, encrypted under the current key: the header, then pieces, some at a time."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    data_key = os.urandom(32)
    cipher = AESGCM(data_key)
    yield MAGIC + (keys.current or b"") + keys.wrap(data_key) + _SHAPE
    pieces = max(1, -(-source.size // PIECE))
    authenticated = MAGIC + _SHAPE
    for first in range(0, pieces, _TOGETHER):
        read = memoryview(source.read_at(first * PIECE, _TOGETHER * PIECE))
        if len(read) != min(_TOGETHER * PIECE, source.size - first * PIECE):
            raise Broken("what was received cannot be read any more", kept="Nothing was kept of it.", hint="Send it again.")
        numbers = range(first, min(first + _TOGETHER, pieces))
        yield b"".join(cipher.encrypt(_nonce(number, number == pieces - 1), read[at : at + PIECE], authenticated)
                       for at, number in zip(range(0, _TOGETHER * PIECE, PIECE), numbers, strict=False))  # fmt: skip


class SealedFile(OpenFile):
    """An encrypted blob, decrypted where it is read. Owns the file of its bytes. Safe to share between threads."""

    __slots__ = ("_authenticated", "_cipher", "_last", "_pieces", "_raw")

    def __init__(self, raw: OpenFile, head: bytes, keys: Keys) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        super().__init__(None, _plain_size(raw.size), raw.modified)
        self._raw = raw
        self._cipher = AESGCM(keys.unwrap(key_of(head), head[_WRAPPED]))
        self._authenticated = head[:8] + head[56:64]
        self._pieces = max(1, -(-self.size // PIECE))
        self._last = (-1, b"")  # the piece read last: headers are read in small steps

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end. Raises as the file below, Broken for what was changed."""
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        first, last = offset // PIECE, (end - 1) // PIECE
        known, piece = self._last
        if not first == last == known:
            pieces = self._read(first, last)
            self._last = (last, pieces[-1])
            piece = b"".join(pieces)
        start = offset - first * PIECE
        return piece[start : start + end - offset]

    def _read(self, first: int, last: int) -> list[bytes]:
        from cryptography.exceptions import InvalidTag

        whole = PIECE + TAG
        data = memoryview(self._raw.read_at(HEADER + first * whole, (last - first + 1) * whole))
        try:
            return [self._cipher.decrypt(_nonce(number, number == self._pieces - 1), data[at : at + whole], self._authenticated)
                    for at, number in zip(range(0, len(data), whole), range(first, last + 1), strict=True)]  # fmt: skip
        except (InvalidTag, ValueError):
            raise _damaged() from None

    def close(self) -> None:
        """Close the file below. Safe to call twice."""
        self._raw.close()


def unsealed(raw: OpenFile, keys: Keys | None) -> OpenFile:
    """The file as it was before it was encrypted, where it was. Raises Away, Broken; `raw` is closed then."""
    if keys is None:
        return raw
    try:
        head = raw.read_at(0, HEAD)
        return SealedFile(raw, head, keys) if is_sealed(head) else raw
    except BaseException:
        raw.close()
        raise


def sealed_copy(file: OpenFile, keys: Keys | None, folder: Path) -> LocalFile | OpenFile:
    """What is to be written where others keep it: a file without a name, encrypted; the file itself when nothing is."""
    if keys is None or keys.current is None:
        return file
    fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        for part in sealed(file, keys):
            appended(fd, (part,))
        return LocalFile(fd)
    except BaseException:
        os.close(fd)
        raise


class SealedIncoming:
    """A `store.blobs.Incoming` of which only encrypted bytes get a name on the disk.

    What arrives is in memory (`fd`, as any file); what is larger than IN_MEMORY, until it is encrypted, in a file without a name.
    """

    def __init__(self, outer: LocalIncoming, keys: Keys, folder: Path) -> None:
        self.outer = outer
        self.name = outer.name
        self.path = outer.path
        self.size = 0
        self.fd = os.memfd_create("arriving", os.MFD_CLOEXEC)
        self._keys = keys
        self._folder = folder
        self._is_small = True
        self._is_written = False

    def write(self, *buffers: bytes | bytearray | memoryview) -> None:
        """Append all buffers. Raises NoSpace or Broken."""
        try:
            self.size += appended(self.fd, buffers)
            if self._is_small and self.size > IN_MEMORY:
                self._leave_memory()
        except OSError as error:
            raise failure(error, "writing to incoming") from error

    def _leave_memory(self) -> None:
        into = os.open(self._folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            with LocalFile(os.dup(self.fd)) as file:
                for start in range(0, file.size, 1 << 20):
                    appended(into, (file.read_at(start, 1 << 20),))
            os.dup2(into, self.fd, inheritable=False)  # who reads it by its descriptor goes on
            self._is_small = False
        finally:
            os.close(into)

    def sealed(self) -> LocalIncoming:
        """The encrypted file, written by the first call. Raises NoSpace or Broken."""
        if not self._is_written:
            with LocalFile(os.dup(self.fd)) as source:
                for part in sealed(source, self._keys):
                    self.outer.write(part)
            self._is_written = True
        return self.outer

    def discard(self) -> None:
        """Forget the arriving name and close; what `put` stored stays. Safe to call twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self.outer.discard()
