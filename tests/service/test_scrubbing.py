"""The rounds over all files: bits that flip and files that go are found, and put back from the second storage."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

import ceph
from isocenter.app import opened as build_context
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, scrubbing
from isocenter.service.context import Context
from isocenter.service.importing import import_paths
from isocenter.service.integrity import Verification
from isocenter.settings import Settings, SettingsError, check
from isocenter.store import changes, imaging, immutable
from isocenter.store.replica import Replica, replica

DAY = timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def beside(context: Context, place: str, **settings: object) -> tuple[Context, Replica | None, Clock]:
    """The archive with a second storage, at a time of ours."""
    clock = Clock()
    changed = replace(context, settings=replace(context.settings, replica=place, **settings), clock=clock)
    second = replica(changed.settings)
    scrubbing.announce(changed, second.place if second is not None else "")
    return changed, second, clock


def fill(context: Context, *paths: Path) -> list[imaging.Kept]:
    list(import_paths(partial(ingest.begin, context, SYSTEM, source="import"), paths, threads=1))
    return context.database.read(partial(imaging.files, limit=10_000))


def whole_round(context: Context, second: Replica | None, clock: Clock) -> scrubbing.Health:
    """A day later: step by step, until all has been looked at."""
    clock.now += DAY
    begun = clock.now
    while (health := scrubbing.health(context, SYSTEM)).scrub is None or not (health.scrub.last_ended_at or begun - DAY) >= begun:
        assert health.scrub is not None and health.scrub.reason == ""
        clock.now = max(clock.now, health.scrub.due_at)
        assert scrubbing.step(context, second)
    return health


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def events(context: Context) -> list[tuple[str, str]]:
    rows = context.database.read(lambda connection: changes.since(connection, 0, 10_000))
    return [(row.kind, row.subject) for row in rows if row.kind.startswith("file.")]


def test_flipped_bits_and_missing_files_are_found_and_put_back(context: Context, data: Path, tmp_path: Path) -> None:
    files = fill(context, data / "charsets", data / "sc")
    context, second, clock = beside(context, f"file://{tmp_path}")
    assert second is not None
    while scrubbing.replicate(context, second):
        pass
    path, originals = context.blobs.path, {kept.blob_key: context.blobs.path(kept.blob_key).read_bytes() for kept in files}  # type: ignore[attr-defined]
    assert {key: (tmp_path / key).read_bytes() for key in originals} == originals

    chance = random.Random(11)
    hurt = chance.sample(files, 6)
    for kept in hurt[:5]:
        flip(path(kept.blob_key), chance)
    path(hurt[5].blob_key).unlink()
    health = whole_round(context, second, clock)

    assert {key: path(key).read_bytes() for key in originals} == originals
    assert (health.damaged, health.mended, health.behind) == (0, 6, 0)
    assert {(each.blob_key, each.kind, each.mended_by) for each in health.damages} == {
        (kept.blob_key, "missing" if kept is hurt[5] else "damaged", "replica") for kept in hurt}
    aside = list((context.settings.data / "damaged").iterdir())
    assert len(aside) == 5 and all(file.read_bytes() not in originals.values() for file in aside), "what was there is kept"
    uids = sorted(kept.sop_instance_uid for kept in hurt)
    assert sorted(uid for kind, uid in events(context) if kind == "file.damaged") == uids
    assert sorted(uid for kind, uid in events(context) if kind == "file.repaired") == uids
    assert health.scrub is not None and health.scrub.last_files == health.expected >= len(files)
    whole_round(context, second, clock)
    assert len(events(context)) == 12, "nothing is told twice"


def test_a_copy_that_is_damaged_too_changes_nothing(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    files = fill(sqlite_context, data / "charsets")
    context, second, clock = beside(sqlite_context, f"file://{tmp_path}")
    whole_round(context, second, clock)
    original = (tmp_path / files[0].blob_key).read_bytes()
    for place in (context.blobs.path(files[0].blob_key), tmp_path / files[0].blob_key):  # type: ignore[attr-defined]
        flip(place, random.Random(5))
    damaged = context.blobs.path(files[0].blob_key).read_bytes()  # type: ignore[attr-defined]
    health = whole_round(context, second, clock)
    assert (health.damaged, health.mended) == (1, 0)
    assert context.blobs.path(files[0].blob_key).read_bytes() == damaged  # type: ignore[attr-defined]
    assert not (context.settings.data / "damaged").exists() and not list((context.settings.data / "incoming").iterdir())
    whole_round(context, second, clock)
    assert [kind for kind, _ in events(context)] == ["file.damaged"]

    context.blobs.path(files[0].blob_key).write_bytes(original)  # type: ignore[attr-defined]
    health = whole_round(context, second, clock)
    assert [(each.mended_by, health.damaged) for each in health.damages] == [("other", 0)]


def test_without_a_second_storage_it_is_told(context: Context, data: Path) -> None:
    files = fill(context, data / "charsets")
    context, second, clock = beside(context, "")
    context.blobs.delete(files[2].blob_key)
    context.blobs.delete(files[3].blob_key)
    health = whole_round(context, second, clock)
    assert second is None and (health.damaged, health.mended, health.replica) == (2, 0, None)
    assert {each.blob_key for each in health.damages} == {files[2].blob_key, files[3].blob_key}
    assert "send the instance again" in health.damages[0].detail


def test_the_rate_is_kept_by_all_workers_together(sqlite_context: Context, data: Path) -> None:
    files = fill(sqlite_context, data / "charsets")
    context, _, clock = beside(sqlite_context, "", scrub_rate=1000)
    begun = clock.now
    assert scrubbing.step(context, None)
    looked_at = sum(kept.size for kept in files[: scrubbing.FILES])
    at = scrubbing.health(context, SYSTEM).scrub
    assert at is not None and at.bytes == looked_at and at.due_at == begun + timedelta(seconds=looked_at / 1000)
    assert not scrubbing.step(context, None), "another worker finds nothing to do before"
    clock.now = at.due_at
    assert scrubbing.step(context, None)


def test_what_is_deleted_meanwhile_is_no_damage(sqlite_context: Context, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fill(sqlite_context, data / "charsets")
    context, second, clock = beside(sqlite_context, "")
    fault = scrubbing.soundness.fault

    def delete_first(*arguments: object) -> object:
        context.blobs.delete(files[0].blob_key)
        context.database.write(imaging.clear)
        return fault(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scrubbing.soundness, "fault", delete_first)
    assert whole_round(context, second, clock).damages == []


def test_a_bucket_as_second_storage(sqlite_context: Context, data: Path, s3: ceph.S3, bucket: str) -> None:
    files = fill(sqlite_context, data / "charsets")
    keys = {"s3_access_key": ceph.ACCESS, "s3_secret_key": ceph.SECRET}
    context, second, clock = beside(sqlite_context, s3.storage(bucket, "copies"), **keys)
    assert second is not None and ceph.SECRET not in second.place
    whole_round(context, second, clock)
    path: Callable[[str], Path] = context.blobs.path  # type: ignore[attr-defined]
    original = path(files[1].blob_key).read_bytes()
    flip(path(files[1].blob_key), random.Random(3))
    path(files[4].blob_key).unlink()
    health = whole_round(context, second, clock)
    assert (health.damaged, health.mended) == (0, 2) and path(files[1].blob_key).read_bytes() == original
    assert list(Verification(context).run(lambda number: None)) == []


@pytest.mark.parametrize("place", ["ftp://there", "file://relative", "s3://"])
def test_places_that_are_none_are_refused(place: str) -> None:
    with pytest.raises(SettingsError, match="replica"):
        check(Settings(replica=place))


def test_with_write_once_what_is_sound_becomes_immutable_and_deletion_frees_it(data: Path, tmp_path: Path) -> None:
    if why := immutable.why_not(tmp_path):
        pytest.skip(f"files cannot be made immutable here: {why}")
    copies = tmp_path / "copies"
    copies.mkdir()
    settings = Settings(data=tmp_path / "data", min_free_space=0, write_once=True, replica=f"file://{copies}")
    with build_context(settings) as made:
        context, second, clock = beside(made, settings.replica)
        try:
            (kept, *_) = fill(context, data / "charsets")
            path, copy = settings.blob_folder / kept.blob_key, copies / kept.blob_key
            path.write_bytes(path.read_bytes())  # nobody holds it yet
            health = whole_round(context, second, clock)
            assert health.damaged == 0
            for each in (path, copy):
                with pytest.raises(PermissionError):
                    each.write_bytes(b"encrypted by somebody else")
                with pytest.raises(PermissionError):
                    each.unlink()
            context.blobs.delete(kept.blob_key)
            assert not path.exists() and copy.exists()
            assert whole_round(context, second, clock).mended == 1  # put back, and held again
            with pytest.raises(PermissionError):
                path.unlink()
        finally:
            for each in tmp_path.rglob("*.dcm"):
                immutable.lift(str(each))
