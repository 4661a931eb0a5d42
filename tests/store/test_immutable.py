"""Files that nobody changes: the attribute of the file system, and what may still be done as it should be."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from isocenter.domain.errors import Broken
from isocenter.store import immutable
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.keys import Keys

KEY = "archive/2026/11/22/aa/bb/cc.dcm"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder of a file system that has the attribute, and a process that may set it."""
    if why := immutable.why_not(tmp_path):
        pytest.skip(f"files cannot be made immutable here: {why}")
    yield tmp_path
    for path in tmp_path.rglob("*"):
        immutable.lift(str(path))


@pytest.fixture
def blobs(disk: Path) -> LocalBlobs:
    return LocalBlobs(disk, write_once=True)


def keep(blobs: LocalBlobs, key: str = KEY, content: bytes = b"content") -> Path:
    incoming = blobs.open_incoming()
    incoming.write(content)
    blobs.put(incoming, key)
    blobs.protect(key)
    assert not held(blobs.path(key))  # it has a name in incoming/ still, which is to go
    incoming.discard()
    blobs.protect(key)
    return blobs.path(key)


def keep_plain(blobs: LocalBlobs, content: bytes) -> None:
    incoming = blobs.open_incoming()
    incoming.write(content)
    blobs.put(incoming, KEY)
    incoming.discard()


def held(path: Path) -> bool:
    fd = os.open(path, os.O_RDONLY)
    try:
        return immutable.is_set(fd)
    finally:
        os.close(fd)


def test_nobody_changes_renames_or_removes_it_and_all_read_it(blobs: LocalBlobs) -> None:
    path = keep(blobs)
    assert held(path)
    for harm in (lambda: path.write_bytes(b"encrypted by somebody else"), lambda: path.open("ab"), path.unlink,
                 lambda: path.rename(path.with_suffix(".locked")), lambda: os.truncate(path, 0), lambda: path.chmod(0o777)):
        with pytest.raises(PermissionError):
            harm()
    with blobs.open(KEY) as file:
        assert file.read_at(0, 100) == b"content"


def test_what_is_deleted_as_it_should_be_goes(blobs: LocalBlobs) -> None:
    path = keep(blobs)
    blobs.delete(KEY)
    blobs.delete(KEY)
    assert not path.exists()


def test_only_the_archive_and_only_when_wanted(disk: Path) -> None:
    blobs = LocalBlobs(disk)
    assert not held(keep(blobs))
    assert not held(keep(LocalBlobs(disk, write_once=True), "quarantine/x.dcm"))


def test_a_damaged_one_is_put_back_and_set_aside(blobs: LocalBlobs) -> None:
    path = keep(blobs, content=b"damaged")
    copies = LocalBlobs(blobs.folder / "copies")
    keep_plain(copies, b"content")
    with copies.open(KEY) as copy:
        blobs.restore(KEY, copy, hashlib.sha256(b"content").hexdigest())
    assert path.read_bytes() == b"content"
    assert [each.read_bytes() for each in (blobs.folder / "damaged").iterdir()] == [b"damaged"]


def test_one_is_encrypted_anew(disk: Path) -> None:
    clear = keep(LocalBlobs(disk, write_once=True))
    sealed = LocalBlobs(disk, Keys(os.urandom(32)), write_once=True)
    assert sealed.reseal(KEY) and clear.read_bytes() != b"content"


def test_a_process_that_may_not_says_so_and_leaves_the_file(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keep(blobs)

    def refuse(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(immutable, "turn", refuse)
        with pytest.raises(Broken, match="immutable"):
            blobs.delete(KEY)
    assert path.read_bytes() == b"content" and held(path)
