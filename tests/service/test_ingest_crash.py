"""kill -9 at random moments: what was reported as done is there and intact, nothing is half there, and the archive goes on."""

import hashlib
import logging
import os
import random
import signal
import time
from pathlib import Path

import pytest

from conftest import archive
from isocenter.domain.access import Everything
from isocenter.service import integrity
from isocenter.service.context import Context
from isocenter.store import imaging
from sending import fork_server, send_all, send_for_ever, start

ROUNDS = 12  # of two processes each


def run_and_kill(url: str, folder: Path, number: int, after: float) -> list[str]:
    """Two processes ingest into one archive; both are killed. Returns the UIDs that they reported as done."""
    children = []
    for name in (f"{number}.1", f"{number}.2"):
        reader, writer = fork_server().Pipe(duplex=False)
        child = start(send_for_ever, url, folder, name, writer)
        writer.close()
        children.append((child, reader))
    streams = [os.fdopen(os.dup(reader.fileno()), "rb") for _, reader in children]
    for stream in streams:
        assert stream.readline() == b"ready\n"
    time.sleep(after)
    for child, _ in children:
        child.kill()
    reported = [line.decode().strip() for stream in streams for line in stream]
    for (child, reader), stream in zip(children, streams, strict=True):
        child.join()
        reader.close()
        stream.close()
        assert child.exitcode == -signal.SIGKILL
    return reported


def check(context: Context, reported: list[str]) -> None:
    """Every reported instance has a row and its bytes; every row has its bytes; the counters are those of the rows."""
    files = context.database.read(lambda c: imaging.files(c, limit=1_000_000))
    rows = {file.sop_instance_uid: file for file in files}
    assert set(reported) <= rows.keys()
    assert len(rows) == len(files)
    for file in files:
        content = context.blobs.path(file.blob_key).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    located = [row for n in range(3) for row in context.database.read(lambda c, n=n: imaging.locate(c, f"1.{n}"))]
    assert len(located) == len(rows) == context.database.read(imaging.counts)["instances"]


@pytest.mark.long
@pytest.mark.timeout(300)
def test_kill_at_random_moments(database_url: str, folder: Path) -> None:
    seed = int(os.environ.get("ISOCENTER_TEST_SEED", random.randrange(1 << 30)))
    logging.getLogger(__name__).warning("ISOCENTER_TEST_SEED=%s", seed)
    chance = random.Random(seed)
    reported: list[str] = []
    for number in range(ROUNDS):
        reported += run_and_kill(database_url, folder, number, chance.uniform(0.0, 0.25))
    assert len(reported) > ROUNDS
    with archive(database_url, folder) as context:
        check(context, reported)
        integrity.leftovers(context)
        assert not list((folder / "incoming").iterdir())
        # Bytes whose transaction did not come were promised to nobody; they are taken in, or go when they are held already.
        known = {file.blob_key for file in context.database.read(lambda c: imaging.files(c, 0, 1_000_000))}
        assert set(context.blobs.list("archive")) == known
        check(context, reported)


@pytest.mark.timeout(120)
def test_processes_that_send_the_same_new_studies_make_each_row_once(database_url: str, folder: Path) -> None:
    children = [start(send_all, database_url, folder, 3, 20, first) for first in (0, 7, 31)]
    for child in children:
        child.join()
        assert child.exitcode == 0
    with archive(database_url, folder) as context:
        assert context.database.read(imaging.counts) == {"patients": 2, "studies": 3, "series": 12, "instances": 60}
        values = context.database.read(lambda c: imaging.study_values(c, "7.1", Everything()))
        assert values is not None and values["ModalitiesInStudy"] == "CT\\MR\\PT\\US"
        assert values["NumberOfStudyRelatedSeries"] == "4" and values["NumberOfStudyRelatedInstances"] == "20"
        assert len(list(context.blobs.list("archive"))) == 60
