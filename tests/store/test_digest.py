"""SHA-256 beside the writing, alone and with others."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isocenter.domain.errors import Broken
from isocenter.store import digest as digests
from isocenter.store.digest import Digest


@pytest.fixture(autouse=True)
def nobody_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has just been started."""
    monkeypatch.setattr(digests, "_company", 0)


@pytest.fixture(params=["alone", "with another"])
def company(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    """Another object that is being received, or none."""
    if request.param == "alone":
        yield
        return
    with (tmp_path / "other").open("wb+") as file:
        other = Digest(file.fileno())
        other.update(b"x")
        yield
        other.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 3 << 19), max_size=8))
def test_the_digest_of_any_sequence_of_writes(sizes: list[int], company: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    with (tmp_path_factory.mktemp("digest") / "file").open("wb+", buffering=0) as file:
        digest = Digest(file.fileno())
        whole = hashlib.sha256()
        for size in sizes:
            data = os.urandom(size)
            file.write(data)
            whole.update(data)
            digest.update(data[: size // 3], data[size // 3 :])
        digest.finish()
        assert digest.hexdigest() == whole.hexdigest()
        digest.close()


@pytest.mark.parametrize("mode", ["wb", "wb+"], ids=["unreadable", "shorter than written"])
def test_a_file_that_cannot_be_read_is_an_error_and_not_another_digest(mode: str, tmp_path: Path) -> None:
    with (tmp_path / "file").open(mode, buffering=0) as file:
        file.write(b"byte")
        digest = Digest(file.fileno())
        digest.update(b"bytes")
        digest.finish()
        for _ in range(2):
            with pytest.raises(Broken, match="reading what was received"):
                digest.hexdigest()
        digest.close()


def test_who_comes_after_all_have_gone_is_alone_again(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb+", buffering=0) as file:
        file.write(b"bytes")
        for _ in range(2):
            first, second = Digest(file.fileno()), Digest(file.fileno())
            for digest in (first, second):
                digest.update(b"bytes")
                digest.finish()
            assert first.hexdigest() == second.hexdigest() == hashlib.sha256(b"bytes").hexdigest()
            first.close()
            first.close()
            second.close()


def test_the_file_is_read_again_in_another_thread_only_for_a_sender_that_is_alone_for_some_time(tmp_path: Path) -> None:
    def reads(fd: int) -> bool:
        digest = Digest(fd)
        try:
            digest.update(b"bytes")
            return digest.hexdigest() == ""
        except Broken:  # nobody may read it
            return True
        finally:
            digest.close()

    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(b"bytes")
        assert reads(file.fileno())
        other = Digest(file.fileno())
        other.update(b"bytes")
        assert not reads(file.fileno())
        other.close()
        assert [reads(file.fileno()) for _ in range(digests._AFTER + 3)] == [False] * (digests._AFTER - 1) + [True] * 4
