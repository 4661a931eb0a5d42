"""The pool of processes: what it returns, what it refuses, and what becomes of workers that die, hang or idle."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from isocenter.dicom.elements import Malformed
from isocenter.domain.errors import Broken, Busy, NoSpace, Unsupported
from isocenter.service import pool as pool_module
from isocenter.service.pool import WORKER_MEMORY, Handle, Pool


def echo(data: bytes, times: int = 1) -> bytes:
    return data * times


def pid() -> bytes:
    return str(os.getpid()).encode()


def die() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def wait_for(path: str) -> bytes:
    while not os.path.exists(path):
        time.sleep(0.01)
    return b"seen"


def environment() -> bytes:
    return repr(dict(os.environ)).encode()


def fail(kind: str) -> bytes:
    raise {"malformed": Malformed("bits are missing", "PixelData"), "unsupported": Unsupported("no such form", where="x"),
           "full": OSError(28, "full"), "other": KeyError("Mustermann^Max")}[kind]


def gather(size: int) -> bytes:
    return bytes(bytearray(size))[:1]


def copy(source: int, target: int) -> bytes:
    os.write(target, os.pread(source, 100, 0).upper())
    return b""


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(2, 2)
    yield made
    made.close()


def test_results_come_back_whole(pool: Pool) -> None:
    assert not pool.workers  # nobody has needed one yet
    assert pool.run_sync(echo, b"abc") == b"abc" and pool.run_sync(echo, b"x" * 1000, 5000) == b"x" * 5_000_000
    assert pool.run_sync(echo, b"") == b"" and int(pool.run_sync(pid)) != os.getpid()
    assert asyncio.run(pool.run(echo, b"abc", 2)) == b"abcabc"
    assert 1 <= len(pool.workers) <= 2


def test_files_go_along(pool: Pool, folder: Path) -> None:
    (folder / "in").write_bytes(b"text")
    with open(folder / "in", "rb") as source, open(folder / "out", "wb") as target:
        for _ in range(3):
            assert pool.run_sync(copy, Handle(source.fileno()), Handle(target.fileno())) == b""
    assert (folder / "out").read_bytes() == b"TEXT" * 3


@pytest.mark.parametrize(("kind", "error"), [("malformed", Malformed), ("unsupported", Unsupported), ("full", NoSpace),
                                             ("other", Broken)])
def test_errors_are_what_they_were_without_what_they_held(pool: Pool, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        pool.run_sync(fail, kind)
    assert "Mustermann" not in str(caught.value)
    if isinstance(caught.value, Malformed):
        assert (caught.value.reason, caught.value.where) == ("bits are missing", "PixelData")


def test_a_worker_that_dies_costs_its_request_only(pool: Pool) -> None:
    with pytest.raises(Broken, match="ended unexpectedly"):
        pool.run_sync(die)
    assert pool.run_sync(echo, b"abc") == b"abc"


def test_a_worker_that_never_ends_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "TASK_SECONDS", 2.0)
    pool = Pool(1, 1)
    with pytest.raises(Broken, match="ended unexpectedly"):
        pool.run_sync(wait_for, str(folder / "never"))
    assert not pool.workers
    monkeypatch.undo()
    assert pool.run_sync(echo, b"abc") == b"abc"
    pool.close()


def test_a_worker_that_wants_more_memory_than_any_image_needs_gets_none(pool: Pool) -> None:
    with pytest.raises(NoSpace):
        pool.run_sync(gather, WORKER_MEMORY)
    assert pool.run_sync(gather, 1 << 20) == b"\0"


def test_a_worker_killed_from_outside_is_replaced(folder: Path) -> None:
    pool = Pool(1, 1)
    first = int(pool.run_sync(pid))
    os.kill(first, signal.SIGKILL)
    while os.path.exists(f"/proc/{first}") and Path(f"/proc/{first}/stat").read_text().split()[2] != "Z":
        time.sleep(0.01)
    assert int(pool.run_sync(pid)) != first
    pool.close()


def test_more_than_may_wait_is_busy(pool: Pool, folder: Path) -> None:
    futures = [pool.submit(wait_for, str(folder / "go")) for _ in range(4)]
    with pytest.raises(Busy) as caught:
        pool.run_sync(echo, b"")
    assert caught.value.retry_after
    (folder / "go").touch()
    assert [future.result() for future in futures] == [b"seen"] * 4
    assert pool.run_sync(echo, b"now") == b"now"


def test_idle_workers_end_and_come_again() -> None:
    pool = Pool(1, 1, idle_seconds=0.05)
    first = int(pool.run_sync(pid))
    while pool.workers:
        time.sleep(0.01)
    assert int(pool.run_sync(pid)) != first
    for number in range(30):  # also when the call meets the worker's farewell
        assert pool.run_sync(echo, b"x", number) == b"x" * number
        time.sleep(0.045)
    pool.close()


def test_closing_ends_what_is_at_work(folder: Path) -> None:
    pool = Pool(1, 1)
    future = pool.submit(wait_for, str(folder / "never"))
    while not pool.workers:
        time.sleep(0.01)
    pool.close()
    assert isinstance(future.exception(), (Busy, Broken)) and not pool.workers
    with pytest.raises(Busy):
        pool.run_sync(echo, b"")


def test_a_worker_knows_no_passwords(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOCENTER_DATABASE", "postgresql+psycopg://user:Secret@db/isocenter")
    assert b"Secret" not in pool.run_sync(environment) and b"PATH" in pool.run_sync(environment)
