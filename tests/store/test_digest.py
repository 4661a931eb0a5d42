"""SHA-256 beside the writing."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.errors import Broken
from isocenter.store.digest import Digest


@given(sizes=st.lists(st.integers(0, 3 << 19), max_size=8))
def test_the_digest_of_any_sequence_of_writes(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    data = os.urandom(sum(sizes))
    fd = os.open(tmp_path_factory.mktemp("digest") / "file", os.O_RDWR | os.O_CREAT)
    digest = Digest(fd)
    written = 0
    for size in sizes:
        os.write(fd, data[written : written + size])
        written += size
        digest.written(written)
    digest.catch_up(written)
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
    digest.close()
    os.close(fd)


def test_a_file_that_cannot_be_read_is_an_error_and_not_another_digest(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"bytes")
    digest = Digest(fd)
    digest.catch_up(5)
    for _ in range(2):
        with pytest.raises(Broken, match="reading what was received"):
            digest.hexdigest()
    digest.close()
    os.close(fd)
    fd = os.open(tmp_path / "file", os.O_RDWR)
    digest = Digest(fd)
    digest.catch_up(6)  # the file is shorter than what was written
    with pytest.raises(Broken, match="shorter"):
        digest.hexdigest()
    digest.close()
    os.close(fd)
