"""Copies for viewing on both databases: what the policy names is copied when it is quiet, exactly, and never in the way."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from sqlalchemy import update

from isocenter.codecs import encoding, viewing
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import NoSpace
from isocenter.service import ingest, integrity, viewing_copies
from isocenter.service.context import Context
from isocenter.service.integrity import Verification
from isocenter.service.pool import Pool
from isocenter.service.retrieve import Frames, Retrieval
from isocenter.store import dirty, imaging, schema
from isocenter.store import viewing_copies as rows
from isocenter.work import copies, sweeps

NEVER = threading.Event()
CT = "ct/volume-lidc-idri-0314"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """One worker for all tests: it takes half a second to start."""
    made = Pool(1)
    yield made
    made.close()


@pytest.fixture
def archive(context: Context, pool: Pool) -> Context:
    settings = replace(context.settings, htj2k="all", min_free_space=0)
    return replace(context, settings=settings, clock=Clock(), pool=pool)


def with_policy(context: Context, **settings: object) -> Context:
    return replace(context, settings=replace(context.settings, **settings))  # type: ignore[arg-type]


def store(context: Context, *paths: Path) -> list[tuple[str, str, str]]:
    found = []
    for path in paths:
        with ingest.begin(context, SYSTEM, source="import") as reception:
            reception.write(path.read_bytes())
            outcome = reception.finish()
            found.append((outcome.study_instance_uid, outcome.series_instance_uid, outcome.sop_instance_uid))
    return found


def pass_time(context: Context, by: timedelta) -> None:
    assert isinstance(context.clock, Clock)
    context.clock.now += by


def go_quiet(context: Context) -> None:
    pass_time(context, timedelta(seconds=context.settings.series_quiet_seconds + 1))
    while sweeps.build_due(context, NEVER):
        pass


def work(context: Context) -> int:
    """All rounds that there are; how many."""
    rounds = 0
    while copies.make_due(context, NEVER):
        rounds += 1
    return rounds


def all_copies(context: Context) -> list[rows.Copy]:
    return context.database.read(partial(rows.after, instance_id=0, limit=1000))


def files(context: Context) -> list[str]:
    return list(context.blobs.list(rows.AREA))


def copy_of(context: Context, uids: tuple[str, str, str]) -> Frames | None:
    retrieval = Retrieval(context)
    frames = retrieval.frames(SYSTEM, *uids)
    assert retrieval.known_copy(frames) == "unknown"
    found = retrieval.copy_of(frames)
    assert retrieval.known_copy(frames) == found  # what was found is known without waiting
    return found


def slices(data: Path, count: int) -> list[Path]:
    return sorted((data / CT).rglob("*.dcm"))[:count]


def test_a_quiet_series_is_copied_exactly_and_only_once(archive: Context, data: Path) -> None:
    paths = slices(data, 3)
    first, second = store(archive, *paths[:2])
    assert work(archive) == 0  # not quiet yet
    go_quiet(archive)
    assert work(archive) == 1 and len(all_copies(archive)) == 2
    assert viewing_copies.summary(archive) == {"copies": 2, "bytes": sum(c.size for c in all_copies(archive)), "due": 0}
    for uids, path in ((first, paths[0]), (second, paths[1])):
        frames = copy_of(archive, uids)
        assert frames is not None and frames.count == 1 and frames.resolutions is not None
        ((offset, length),) = frames.place(1)
        pixels = imagecodecs.htj2k_decode(frames.file.read_at(offset, length))
        assert np.array_equal(pixels.astype(np.int16), pydicom.dcmread(path).pixel_array)
        ((_, beginning),) = replace(frames, reduction=2).place(1)
        assert beginning < length / 8
        assert imagecodecs.htj2k_decode(frames.file.read_at(offset, beginning), skipres=2).shape == (128, 128)
    before = {copy.instance_id: copy.made_at for copy in all_copies(archive)}
    store(archive, paths[2])
    go_quiet(archive)
    assert work(archive) == 1
    after = {copy.instance_id: copy.made_at for copy in all_copies(archive)}
    assert len(after) == 3 and before.items() <= after.items()  # only the new one was made
    assert sorted(files(archive)) == sorted(copy.blob_key for copy in all_copies(archive))


@pytest.mark.parametrize(("policy", "planned"), [("off", 0), ("MR, mg", 0), ("MR,ct", 1), ("ALL", 1)])
def test_the_policy_names_modalities(archive: Context, data: Path, policy: str, planned: int) -> None:
    context = with_policy(archive, htj2k=policy)
    store(context, *slices(data, 1))
    go_quiet(context)
    assert viewing_copies.summary(context)["due"] == planned
    context.database.write(lambda connection: connection.execute(schema.series_copy_due.delete()))
    assert viewing_copies.plan_all(context) == planned and viewing_copies.summary(context)["due"] == planned


def test_what_gains_nothing_has_no_copy(archive: Context, data: Path) -> None:
    folder = data / "transfer-syntaxes"
    lossy, raw = store(archive, folder / "SC_rgb_jpeg_lossy_gdcm.dcm", folder / "SC_rgb_rle_2frame.dcm")
    go_quiet(archive)
    assert work(archive) == 1 and len(all_copies(archive)) == 1 == len(files(archive))
    assert copy_of(archive, lossy) is None
    frames = copy_of(archive, raw)
    assert frames is not None and frames.count == 2


def test_a_codec_that_errs_costs_the_copy_and_nothing_else(
    archive: Context, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = encoding.encode
    monkeypatch.setattr(encoding, "encode", lambda syntax, frame, layout: right(syntax, frame[::-1], layout))

    class Here:
        def run_sync(self, function: object, source: object, into: object, first: int) -> bytes:
            return viewing.part(source.fd, into.fd, first)  # type: ignore[attr-defined]

    context = replace(archive, pool=Here())  # type: ignore[arg-type]
    (uids,) = store(context, *slices(data, 1))
    go_quiet(context)
    assert work(context) == 1 and all_copies(context) == [] == files(context) and copy_of(context, uids) is None
    assert "a codec erred" in caplog.text


def test_a_worker_that_died_is_followed_by_another(archive: Context, data: Path) -> None:
    """It was killed between file and row: the lease ends, and what lies there is written anew."""
    (uids,) = store(archive, *slices(data, 1))
    go_quiet(archive)
    claim = partial(dirty.claim, now=archive.clock(), limit=1, lease=copies.LEASE, queue=schema.series_copy_due)
    assert len(archive.database.write(claim)) == 1
    (located,) = archive.database.read(partial(imaging.locate, study_uid=uids[0]))
    half = archive.blobs.path(rows.key(located.sha256))
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a copy")
    assert work(archive) == 0
    pass_time(archive, copies.LEASE + timedelta(seconds=1))
    assert work(archive) == 1 and copy_of(archive, uids) is not None
    (copy,) = all_copies(archive)
    assert half.stat().st_size == copy.size


def test_a_lease_is_renewed_while_it_is_ours(archive: Context, data: Path) -> None:
    store(archive, *slices(data, 1))
    go_quiet(archive)
    take = partial(dirty.claim, limit=1, lease=copies.LEASE, queue=schema.series_copy_due)
    (mine,) = archive.database.write(partial(take, now=archive.clock()))
    lease = copies._Lease(archive, mine, NEVER)
    pass_time(archive, copies.LEASE - timedelta(seconds=1))
    assert lease.holds()
    pass_time(archive, timedelta(minutes=2))
    assert archive.database.write(partial(take, now=archive.clock())) == []  # it was renewed
    pass_time(archive, copies.LEASE)
    assert len(archive.database.write(partial(take, now=archive.clock()))) == 1  # it had slept too long
    assert not lease.holds()


def test_a_stop_gives_the_series_back(archive: Context, data: Path) -> None:
    store(archive, *slices(data, 1))
    go_quiet(archive)
    stop = threading.Event()
    stop.set()
    assert copies.make_due(archive, stop) and all_copies(archive) == [] == files(archive)
    assert work(archive) == 1 and len(all_copies(archive)) == 1


def test_without_room_it_is_tried_again_later(archive: Context, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(archive, *slices(data, 1))
    go_quiet(archive)
    with monkeypatch.context() as full:
        full.setattr(type(archive.blobs), "free_space", lambda self: 1 << 20)
        assert work(archive) == 1 and all_copies(archive) == []
        with pytest.raises(NoSpace):
            viewing_copies._room(archive, 0)
    assert work(archive) == 0  # not at once
    pass_time(archive, timedelta(minutes=1, seconds=1))
    assert work(archive) == 1 and len(all_copies(archive)) == 1


def test_a_lost_copy_is_noticed_and_made_again(archive: Context, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "YOUNG", -1.0)
    lost, damaged = store(archive, *slices(data, 2))
    go_quiet(archive)
    work(archive)
    paths = {copy.instance_id: archive.blobs.path(copy.blob_key) for copy in all_copies(archive)}
    one, other = (paths[each.id] for each in archive.database.read(partial(imaging.locate, study_uid=lost[0])))
    one.unlink()
    content = bytearray(other.read_bytes())
    content[-9] ^= 1
    other.write_bytes(content)
    stray = other.with_name("f" * 40 + ".j2c")
    stray.write_bytes(b"of an instance that is gone")
    assert copy_of(archive, lost) is None  # then the original is served
    quick = [finding.kind for finding in Verification(archive, quick=True).run(lambda count: None)]
    assert quick == ["copy"] and not stray.exists()
    whole = [finding.kind for finding in Verification(archive).run(lambda count: None)]
    assert whole == ["copy"] and files(archive) == []
    assert work(archive) == 1 and len(files(archive)) == 2
    assert copy_of(archive, lost) is not None and copy_of(archive, damaged) is not None
    assert list(Verification(archive).run(lambda count: None)) == []


def test_a_copy_belongs_to_the_bytes_it_was_made_of(archive: Context, data: Path) -> None:
    """Another version is served from now on: its old copy is not used, and replaced."""
    (uids,) = store(archive, *slices(data, 1))
    go_quiet(archive)
    work(archive)
    changed = update(schema.instance).values(sha256="0" * 64)
    archive.database.write(lambda connection: connection.execute(changed))
    assert copy_of(archive, uids) is None
    (series_id,) = archive.database.read(lambda connection: connection.execute(schema.series.select()).scalars().all())
    assert len(archive.database.read(partial(rows.wanted, series_id=series_id))) == 1
    viewing_copies.plan_all(archive)
    assert work(archive) == 1 and [copy.original for copy in all_copies(archive)] == ["0" * 64]
    assert copy_of(archive, uids) is not None


def test_the_oldest_go_when_there_are_too_many(archive: Context, data: Path) -> None:
    made = []
    for path in slices(data, 3):
        made += store(archive, path)
        go_quiet(archive)
        work(archive)
    sizes = [copy.size for copy in sorted(all_copies(archive), key=lambda copy: copy.made_at)]
    bounded = with_policy(archive, htj2k_limit=sizes[1] + sizes[2])
    assert viewing_copies.trim(bounded, NEVER.is_set) == 1 and viewing_copies.trim(bounded, NEVER.is_set) == 0
    assert viewing_copies.trim(with_policy(archive, htj2k_limit=0), NEVER.is_set) == 0
    assert [copy_of(archive, uids) is None for uids in made] == [True, False, False] and len(files(archive)) == 2


def test_reindexing_forgets_copies_and_they_are_made_again(archive: Context, data: Path) -> None:
    (uids,) = store(archive, *slices(data, 1))
    go_quiet(archive)
    work(archive)
    list(integrity.reindex(archive, lambda count: None))
    assert all_copies(archive) == []
    go_quiet(archive)
    assert work(archive) == 1 and copy_of(archive, uids) is not None and len(files(archive)) == 1


def test_rounds_end_when_they_are_told_to(archive: Context) -> None:
    stop = threading.Event()
    worker = threading.Thread(target=partial(copies.run, archive, stop))
    worker.start()
    priority = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    stop.set()
    worker.join(20)
    assert not worker.is_alive()
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == priority  # only its own thread is nice
