"""The worker beside a second storage: what comes in is copied, what decays is put back, a disk that is away is waited for."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, scrubbing
from isocenter.service.context import Context
from isocenter.service.importing import import_paths
from isocenter.store import imaging
from isocenter.work import scrubbing as work


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_running_worker_copies_and_repairs(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    second = tmp_path / "not mounted yet"
    context = replace(sqlite_context, settings=replace(sqlite_context.settings, replica=f"file://{second}", scrub_rate=1 << 40))
    list(import_paths(partial(ingest.begin, context, SYSTEM, source="import"), [data / "charsets"], threads=1))
    (kept, *_) = context.database.read(partial(imaging.files, limit=10))
    path = context.blobs.path(kept.blob_key)  # type: ignore[attr-defined]
    original = path.read_bytes()
    stop = threading.Event()
    worker = threading.Thread(target=work.run, args=(context, stop))
    worker.start()
    try:
        wait_for(lambda: (at := scrubbing.health(context, SYSTEM).scrub) is not None and at.last_ended_at is not None)
        assert not second.exists(), "below a mount that is away nothing is written"
        second.mkdir()
        wait_for(lambda: (second / kept.blob_key).exists())
        assert (second / kept.blob_key).read_bytes() == original
        path.write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
        scrubbing.again(context, SYSTEM)
        wait_for(lambda: scrubbing.health(context, SYSTEM).mended == 1)
        assert path.read_bytes() == original
    finally:
        stop.set()
        worker.join()
