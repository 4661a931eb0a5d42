"""Encrypted blobs, read by a reader of their own, which knows docs/encryption.md only."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.errors import Away, Broken, Conflict
from isocenter.settings import Settings
from isocenter.store import keys as module
from isocenter.store import sealing
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.keys import Keys

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
KEY = "archive/2026/11/22/aa/bb/one.dcm"
SIZES = (0, 1, 65535, 65536, 65537, 3 * 65536, 20 * 65536 + 7)


def read(data: bytes, key: bytes) -> bytes:
    """The independent reader."""
    assert data[:8] == b"ISOSEAL1"
    assert data[8:16] == hashlib.sha256(b"isocenter key-encryption key\0" + key).digest()[:8]
    cipher = AESGCM(aes_key_unwrap(key, data[16:56]))
    size = 1 << data[56]
    pieces = [data[at : at + size + 16] for at in range(64, len(data), size + 16)]
    bound = data[:8] + data[56:64]
    return b"".join(
        cipher.decrypt(number.to_bytes(11, "big") + bytes([number == len(pieces) - 1]), piece, bound)
        for number, piece in enumerate(pieces)
    )


def keep(blobs: LocalBlobs, content: bytes, key: str = KEY, step: int = 50_000) -> None:
    incoming = blobs.open_incoming()
    for start in range(0, len(content), step):
        incoming.write(content[start : start + step])
    blobs.put(incoming, key)
    incoming.discard()


def content_of(blobs: LocalBlobs, key: str = KEY) -> bytes:
    with blobs.open(key) as file:
        return file.read_at(0, file.size)


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs", Keys(NEW))


@pytest.mark.parametrize("size", SIZES)
def test_the_format_is_what_the_page_says(blobs: LocalBlobs, size: int) -> None:
    content = os.urandom(size)
    keep(blobs, content)
    stored = blobs.path(KEY).read_bytes()
    assert len(stored) == sealing.sealed_size(size)
    assert read(stored, NEW) == content == content_of(blobs)
    with blobs.open(KEY) as file:
        assert (file.size, file.sha256()) == (size, hashlib.sha256(content).hexdigest())
    assert not list((blobs.folder / "incoming").iterdir())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalBlobs, bytes]]:
    blobs, content = LocalBlobs(tmp_path_factory.mktemp("sealed"), Keys(NEW)), os.urandom(5 * 65536 + 99)
    keep(blobs, content)
    yield blobs, content


@given(offset=st.integers(-5, 6 * 65536), length=st.integers(0, 3 * 65536))
def test_any_range(large: tuple[LocalBlobs, bytes], offset: int, length: int) -> None:
    blobs, content = large
    with blobs.open(KEY) as file:
        expected = content[offset : offset + length] if offset >= 0 else b""
        assert file.read_at(offset, length) == file.read_at(offset, length) == expected


@given(at=st.integers(0, sealing.sealed_size(5 * 65536 + 99) - 1), flip=st.integers(1, 255))
def test_no_changed_byte_goes_unseen(large: tuple[LocalBlobs, bytes], tmp_path_factory: pytest.TempPathFactory, at: int,
                                     flip: int) -> None:  # fmt: skip
    blobs, content = large
    data = bytearray(blobs.path(KEY).read_bytes())
    data[at] ^= flip
    other = LocalBlobs(tmp_path_factory.mktemp("changed"), Keys(NEW))
    keep(other, b"")
    other.path(KEY).write_bytes(data)
    try:
        assert content_of(other) != content  # the header's mark itself: then it is taken for a plain file, whose hash is another
    except (Broken, Away):
        pass


def test_pieces_are_not_exchanged_repeated_or_cut_off(blobs: LocalBlobs) -> None:
    keep(blobs, os.urandom(4 * 65536))
    stored = blobs.path(KEY).read_bytes()
    whole = 65536 + 16
    head, pieces = stored[:64], [stored[at : at + whole] for at in range(64, len(stored), whole)]
    for wrong in ([1, 0, 2, 3], [0, 0, 2, 3], [0, 1, 2], [0, 1, 2, 3, 3], []):
        blobs.path(KEY).write_bytes(head + b"".join(pieces[number] for number in wrong))
        with pytest.raises(Broken, match="damaged"):
            content_of(blobs)
    blobs.path(KEY).write_bytes(stored)
    keep(blobs, os.urandom(4 * 65536), f"{KEY}.2.dcm")
    other = blobs.path(f"{KEY}.2.dcm").read_bytes()
    with pytest.raises(InvalidTag):
        read(stored[:64] + other[64:], NEW)


def test_what_lies_there_in_clear_is_read_beside_it(tmp_path: Path) -> None:
    plain = b"\0" * 128 + b"DICM" + os.urandom(1000)
    hostile = sealing.MAGIC + b"k" * 48 + sealing._SHAPE + b"\0" * 64 + b"DICM" + b"x" * 500
    before = LocalBlobs(tmp_path)
    keep(before, plain)
    keep(before, hostile, "archive/2026/hostile.dcm")
    keep(before, b"tiny", "derived/2026/tiny")
    after = LocalBlobs(tmp_path, Keys(NEW))
    assert content_of(after) == plain
    assert content_of(after, "archive/2026/hostile.dcm") == hostile
    assert content_of(after, "derived/2026/tiny") == b"tiny"


def test_without_the_key_nothing_is_read_written_or_lost(tmp_path: Path) -> None:
    keep(LocalBlobs(tmp_path, Keys(OLD)), b"secret" * 100)
    stored = (tmp_path / KEY).read_bytes()
    for keys in (None, Keys(NEW)):
        with pytest.raises(Broken, match=module.name(OLD).hex()) as caught:
            LocalBlobs(tmp_path, keys)
        assert "Nothing was changed" in caught.value.kept
    both = LocalBlobs(tmp_path, Keys(NEW, (OLD,)))
    assert content_of(both) == b"secret" * 100
    with pytest.raises(Broken):
        LocalBlobs(tmp_path, Keys(OLD))  # the new one may be in use already
    both.keys = Keys(NEW)
    with pytest.raises(Away, match=module.name(OLD).hex()):
        content_of(both)
    assert (tmp_path / KEY).read_bytes() == stored


@pytest.mark.parametrize(("first", "then"), [(None, Keys(NEW)), (Keys(OLD), Keys(NEW, (OLD,))), (Keys(OLD), Keys(None, (OLD,)))])
def test_another_key(tmp_path: Path, first: Keys | None, then: Keys) -> None:
    content = os.urandom(200_000)
    keep(LocalBlobs(tmp_path, first), content)
    blobs = LocalBlobs(tmp_path, then)
    before = (tmp_path / KEY).read_bytes()
    with blobs.open(KEY) as reading:
        assert blobs.reseal(KEY) and not blobs.reseal(KEY)
        assert reading.read_at(100_000, 100_000) == content[100_000:], "who reads the old one goes on"
    stored = (tmp_path / KEY).read_bytes()
    assert stored != before and content_of(blobs) == content
    assert stored == content if then.current is None else read(stored, NEW) == content
    assert not list((tmp_path / "incoming").iterdir())


def test_a_damaged_file_is_not_encrypted_anew(tmp_path: Path) -> None:
    keep(LocalBlobs(tmp_path, Keys(OLD)), os.urandom(200_000))
    data = bytearray((tmp_path / KEY).read_bytes())
    data[150_000] ^= 1
    (tmp_path / KEY).write_bytes(data)
    with pytest.raises(Broken):
        LocalBlobs(tmp_path, Keys(NEW, (OLD,))).reseal(KEY)
    assert (tmp_path / KEY).read_bytes() == data
    assert not list((tmp_path / "incoming").iterdir())


def test_what_is_large_leaves_memory_and_is_in_no_file_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "IN_MEMORY", 100_000)
    blobs = LocalBlobs(tmp_path, Keys(NEW))
    content = os.urandom(300_000)
    incoming = blobs.open_incoming("who")
    for start in range(0, len(content), 30_000):
        incoming.write(content[start : start + 30_000], b"")
        assert os.pread(incoming.fd, 30_000, start) == content[start : start + 30_000]
    assert [path.stat().st_size for path in (tmp_path / "incoming").iterdir()] == [0]
    blobs.put(incoming, KEY)
    with pytest.raises(Conflict):
        blobs.put(incoming, KEY)
    incoming.discard()
    incoming.discard()
    assert content_of(blobs) == content


def test_where_keys_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{NEW.hex()}\n")
    monkeypatch.setenv("THE_KEY", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=")
    for place in (f"file:{tmp_path}/key", "env:THE_KEY", f"command:cat '{tmp_path}/key'"):
        found = module.of(Settings(encryption_key=place))
        assert found is not None and found.current == module.name(NEW)
    assert module.of(Settings()) is None
    for place in ("file:/nowhere", "env:NOT_SET", "command:false", "command:/nowhere/kms", f"file:{__file__}"):
        with pytest.raises(Broken, match="encryption_key") as caught:
            module.of(Settings(encryption_key=place))
        assert "openssl rand" in caught.value.hint and "ICEi" not in str(caught.value)
