"""Backups in a bucket of a real S3 server: incremental, to any moment, encrypted as in a folder; drilled and restored."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ceph
from conftest import archive
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away, Broken, Invalid, Missing
from isocenter.service import accounts, backup, ingest, integrity
from isocenter.service.context import Context
from isocenter.store import imaging, keys, vaults
from isocenter.store.blobs_local import LocalBlobs
from objects import part10

NOW = datetime(2026, 11, 23, 2, 30, 0, 0, UTC)


def store(context: Context, number: int, size: int = 3000) -> bytes:
    data = part10(size, SOPInstanceUID=f"1.2.{number}", Rows=1024, Columns=size // 2048)
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet="CT1") as reception:
        reception.write(data)
        assert reception.finish().status == "stored"
    return data


def reached(context: Context, s3: ceph.S3, key: str = "") -> Context:
    """The archive with the credentials of the bucket, and a key."""
    settings = replace(context.settings, s3_access_key=ceph.ACCESS, s3_secret_key=ceph.SECRET, encryption_key=key)
    return replace(context, settings=settings, blobs=LocalBlobs(context.settings.data, keys.of(settings)))


def held(context: Context) -> dict[str, bytes]:
    found = {}
    for kept in context.database.read(imaging.files):
        with context.blobs.open(kept.blob_key) as file:
            found[kept.sop_instance_uid] = file.read_at(0, file.size)
    return found


@contextmanager
def another(s3: ceph.S3, folder: Path, key: str) -> Iterator[Context]:
    with archive(f"sqlite:///{folder / 'index.sqlite'}", folder) as context:
        yield reached(context, s3, key)


@pytest.mark.parametrize("encrypted", [False, True])
def test_incremental_and_back_to_any_moment(
    sqlite_context: Context, s3: ceph.S3, bucket: str, tmp_path: Path, encrypted: bool
) -> None:
    key = ""
    if encrypted:
        (tmp_path / "key").write_text(base64.b64encode(os.urandom(32)).decode())
        (tmp_path / "key").chmod(0o600)
        key = f"file:{tmp_path / 'key'}"
    context = reached(sqlite_context, s3, key)
    target = vaults.vault(s3.storage(bucket, "site-a"), context.settings)
    with pytest.raises(Broken, match="no backups"):
        backup.snapshots(target)
    accounts.add_user(context, SYSTEM, name="rita", role="radiologist", password="a sentence of words")
    contents = {}
    for number in range(3):  # the last one is uploaded in parts
        contents[f"1.2.{number}"] = store(context, number, 3000 if number < 2 else 17 << 20)
        when = NOW + timedelta(hours=number)
        done = backup.back_up(replace(context, clock=lambda when=when: when), target)  # type: ignore[misc]
        assert (done.files, done.copied, done.faults) == (number + 1, 1, []), "only what is new is sent"
    assert [each.files for each in backup.snapshots(target)] == [3, 2, 1]
    if encrypted:
        for name in s3.keys(bucket):
            if "/archive/" in name:
                assert b"DICM" not in s3.request("GET", f"/{bucket}/{name}", headers={"range": "bytes=0-999"}).content
    with another(s3, tmp_path / "drill", key) as sandbox:
        report = backup.drill(context, sandbox, target, backup.choose(target, None), 3)
        assert report["passed"] and report["compared"] == 3 and backup.is_signed(context, report)
    with another(s3, tmp_path / "then", key) as then:
        assert not backup.restore(then, target, backup.choose(target, NOW + timedelta(hours=1, minutes=5))).faults
        assert set(held(then)) == {"1.2.0", "1.2.1"}
    with another(s3, tmp_path / "now", key) as now:
        assert backup.restore(now, target, backup.choose(target, None)).copied == 3
        assert held(now) == held(context)
        assert not list(integrity.Verification(now).run(lambda count: None))
        assert [user.name for user in accounts.users(now, SYSTEM)] == ["rita"]
    with pytest.raises(Missing):
        backup.choose(target, NOW - timedelta(hours=1))
    backup.back_up(context, target, keep=2)
    assert [each.files for each in backup.snapshots(target)] == [3, 3]
    assert len([name for name in s3.keys(bucket) if "/archive/" in name]) == 3, "files are never removed"


def test_damage_is_told_and_an_interrupted_backup_is_no_snapshot(
    sqlite_context: Context, s3: ceph.S3, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = reached(sqlite_context, s3)
    target = vaults.vault(s3.storage(bucket), context.settings)
    for number in range(3):
        store(context, number)
    from isocenter.store.bucket import Bucket

    real, puts = Bucket.put, 0

    def put(self: Bucket, key: str, file: object) -> None:
        nonlocal puts
        puts += 1
        if key.endswith("snapshot.json"):
            raise Away("the object store does not answer")
        real(self, key, file)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put", put)
        with pytest.raises(Away):
            backup.back_up(context, target)
    with pytest.raises(Broken, match="no backups"):
        backup.snapshots(target)
    one = context.database.read(imaging.files)[0]
    path = context.blobs.path(one.blob_key)  # type: ignore[attr-defined]
    assert backup.back_up(context, target).copied == 0, "what was copied before it was interrupted is there"
    name = backup.choose(target, None).name
    s3.request("DELETE", f"/{bucket}/{one.blob_key}")
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    done = backup.back_up(context, target)
    assert [(fault.key, fault.reason) for fault in done.faults] == [(one.blob_key, "damaged")]
    assert one.blob_key not in s3.keys(bucket), "damaged bytes are not written as if they were good"
    s3.request("DELETE", f"/{bucket}/snapshots/{name}/index.sqlite")
    with another(s3, tmp_path / "anew", "") as anew:
        with pytest.raises(Broken, match="is damaged"):
            backup.restore(anew, target, next(each for each in backup.snapshots(target) if each.name == name))
        (fault,) = backup.restore(anew, target, backup.choose(target, None)).faults
        assert fault.reason == "missing"
    with pytest.raises(Broken, match="no bucket"):
        backup.back_up(context, vaults.vault(s3.storage("nowhere"), context.settings))
    itself = replace(context.settings, storage=s3.storage(bucket))
    with pytest.raises(Invalid, match="lost with it"):
        vaults.vault(s3.storage(bucket), itself)
