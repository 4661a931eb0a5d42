"""The cache on disk: what is kept is whole, what is over the limit goes, and several processes share it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from isocenter.store.cache import NOTHING_KEPT, DiskCache

A, B, C, D = (letter * 32 for letter in "abcd")
SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def cache(folder: Path) -> DiskCache:
    return DiskCache(folder / "cache", 1000)


def content(cache: DiskCache, key: str) -> bytes | None:
    fd = cache.open(key)
    if fd is None:
        return None
    with open(fd, "rb") as file:
        return file.read()


def used(cache: DiskCache, key: str, seconds_ago: float) -> None:
    """As if the entry had been used last that long ago."""
    then = time.time() - seconds_ago
    os.utime(cache.folder / key[:2] / key, (then, then))


def test_what_is_put_is_found_again_by_every_process(cache: DiskCache) -> None:
    assert content(cache, A) is None
    cache.put(A, [b"one", b"", b"two"])
    assert content(cache, A) == b"onetwo" == content(DiskCache(cache.folder, 1000), A)
    cache.put(A, [b"onetwo"])
    assert content(cache, A) == b"onetwo" and cache.size() == 6


def test_the_least_recently_used_goes_first(cache: DiskCache) -> None:
    for key, seconds in ((A, 300), (B, 200), (C, 100)):
        cache.put(key, [bytes(300)])
        used(cache, key, seconds)
    assert content(cache, A) == bytes(300)  # which makes it the last one used
    cache.put(D, [bytes(300)])
    assert cache.size() <= 900 and content(cache, B) is None
    assert content(cache, A) is not None and content(cache, D) is not None


def test_an_entry_larger_than_the_cache_does_not_stay(cache: DiskCache) -> None:
    cache.put(A, [bytes(2000)])
    assert cache.size() == 0


def test_an_entry_being_read_may_go(cache: DiskCache) -> None:
    cache.put(A, [b"a" * 600])
    fd = cache.open(A)
    assert fd is not None
    used(cache, A, 100)
    cache.put(B, [b"b" * 600])
    assert content(cache, A) is None and os.pread(fd, 9, 0) == b"a" * 9
    os.close(fd)


def test_a_part_that_fails_leaves_nothing(cache: DiskCache) -> None:
    def parts() -> object:
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.put(A, parts())  # type: ignore[arg-type]
    assert content(cache, A) is None and not list((cache.folder / "new").iterdir())


def test_no_room_is_no_error(folder: Path) -> None:
    for small in (DiskCache(folder, 1000, reserve=1 << 60), DiskCache(folder, 0), NOTHING_KEPT, DiskCache(Path("/proc/x"), 9)):
        small.put(A, [b"x"])
        assert content(small, A) is None


def test_it_gives_way_to_originals(cache: DiskCache) -> None:
    for key in (A, B):
        cache.put(key, [bytes(400)])
    cache.give_way(0)
    assert cache.size() == 800
    cache.give_way(1 << 60)
    assert cache.size() == 0


def test_keys_are_ours(cache: DiskCache) -> None:
    for key in ("", "../../etc/passwd", "A" * 32, "a" * 15, "a/" * 16):
        with pytest.raises(ValueError, match="key"):
            cache.open(key)


def test_a_killed_writer_leaves_nothing_that_counts(cache: DiskCache) -> None:
    program = (f"import os,signal; from pathlib import Path; from isocenter.store.cache import DiskCache\n"
               f"with DiskCache(Path({str(cache.folder)!r}), 1000).writing({A!r}) as entry:\n"
               f"    entry.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)")
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(SOURCE)}, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = (cache.folder / "new").iterdir()
    assert left.read_bytes() == b"half" and content(cache, A) is None and cache.size() == 0
    os.utime(left, (1, 1))
    cache.put(B, [b"x"])
    assert not left.exists() and content(cache, B) == b"x"


def test_after_a_crash_of_the_machine_the_last_minutes_are_given_up(cache: DiskCache) -> None:
    for key in (A, B):
        cache.put(key, [key.encode()])
    used(cache, A, 3600)
    assert content(DiskCache(cache.folder, 1000), B) == B.encode()
    (cache.folder / "boot").write_text("another one")
    again = DiskCache(cache.folder, 1000)
    again.put(C, [b"c"])
    assert content(again, A) == A.encode() and content(again, B) is None and content(again, C) == b"c"


def test_many_at_once_stay_near_the_limit(folder: Path) -> None:
    caches = [DiskCache(folder / "cache", 100_000) for _ in range(2)]
    wrong: list[bytes] = []

    def work(number: int) -> None:
        for index in range(100):
            name = f"{index % 40:02d}" * 16
            caches[number % 2].put(name, [name.encode() * 100])
            found = content(caches[number % 2], name)
            if found is not None and found != name.encode() * 100:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and caches[0].size() <= 100_000 + 2 * (100_000 // 16 + 3200)


def test_somebody_may_empty_the_folder_at_any_time(cache: DiskCache) -> None:
    cache.put(A, [b"a"])
    shutil.rmtree(cache.folder)
    assert content(cache, A) is None and cache.size() == 0
    cache.give_way(1 << 60)
    for _ in range(2):  # the first finds out
        cache.put(B, [b"b"])
    assert content(cache, B) == b"b"
