"""Write once, on a real S3 server: buckets with Object Lock in compliance mode, where nobody removes anything before its time.

The credentials are those of the bucket's owner: whoever takes over the server has no more.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ceph
import s3_archive
from conftest import archive
from isocenter.domain.access import SYSTEM
from isocenter.service import backup, ingest
from isocenter.service.context import Context
from isocenter.store import imaging, vaults
from isocenter.store.replica import replica
from objects import part10


@pytest.fixture
def locked(s3: ceph.S3, bucket: str) -> str:
    """The setting of a bucket from which nothing can be removed for a day."""
    name = f"{bucket}-locked"
    s3.make_locked_bucket(name, 1)
    return s3.storage(name) + "&checksum=sha256"


def name_of(place: str) -> str:
    return place.split("//")[1].split("?")[0]


def store(context: Context, number: int, size: int = 3000) -> None:
    with ingest.begin(context, SYSTEM, source="dimse") as reception:
        reception.write(part10(size, SOPInstanceUID=f"1.2.{number}", Rows=1024, Columns=size // 2048))
        assert reception.finish().status == "stored"


def ruin(s3: ceph.S3, bucket: str) -> list[tuple[str, str]]:
    """All that the owner's credentials can do: each object overwritten and deleted, each version removed. What is still there."""
    before = s3.versions(bucket)
    assert before
    for key in s3.keys(bucket):
        assert s3.request("PUT", f"/{bucket}/{key}", content=b"pay us").status_code == 200
        assert s3.request("DELETE", f"/{bucket}/{key}").status_code == 204
    for key, version in before:
        refused = s3.request("DELETE", f"/{bucket}/{key}", f"versionId={version}")
        assert refused.status_code == 403 and "AccessDenied" in refused.text, (key, refused.text)
    assert s3.keys(bucket) == [] and set(before) <= set(s3.versions(bucket))
    return before


def bring_back(s3: ceph.S3, bucket: str, versions: list[tuple[str, str]]) -> None:
    """As docs/recovery.md says: what came later goes as far as it may, by copies of the first versions."""
    for key, version in versions:
        source = {"x-amz-copy-source": f"/{bucket}/{key}?versionId={version}"}
        assert s3.request("PUT", f"/{bucket}/{key}", headers=source).status_code == 200, key


def test_a_backup_outlives_whoever_has_the_credentials(
    sqlite_context: Context, s3: ceph.S3, locked: str, tmp_path: Path
) -> None:
    credentials = {"s3_access_key": ceph.ACCESS, "s3_secret_key": ceph.SECRET}
    context = replace(sqlite_context, settings=replace(sqlite_context.settings, **credentials))  # type: ignore[arg-type]
    store(context, 1)
    store(context, 2, 17 << 20)  # uploaded in parts
    target = vaults.vault(locked, context.settings)
    assert not backup.back_up(context, target).faults
    bring_back(s3, name_of(locked), ruin(s3, name_of(locked)))
    with archive(f"sqlite:///{tmp_path / 'anew' / 'index.sqlite'}", tmp_path / "anew") as anew:
        anew = replace(anew, settings=replace(anew.settings, **credentials))  # type: ignore[arg-type]
        report = backup.restore(anew, target, backup.choose(target, None))
        assert (report.files, report.copied, report.faults) == (2, 2, [])


def test_copies_in_the_second_storage_cannot_be_removed(sqlite_context: Context, s3: ceph.S3, locked: str) -> None:
    settings = replace(sqlite_context.settings, replica=locked, s3_access_key=ceph.ACCESS, s3_secret_key=ceph.SECRET)
    store(sqlite_context, 1)
    (kept,) = sqlite_context.database.read(imaging.files)
    second = replica(settings)
    assert second is not None
    with sqlite_context.blobs.open(kept.blob_key) as file:
        second.keep(kept, file)
    versions = ruin(s3, name_of(locked))
    assert not second.has(kept)
    bring_back(s3, name_of(locked), versions)
    with second.open(kept) as copy:
        assert copy.sha256() == kept.sha256


def test_an_archive_works_in_such_a_bucket(s3: ceph.S3, locked: str, folder: Path) -> None:
    """What it deletes, such as a copy it replaces, is hidden by a marker; every byte stays."""
    with s3_archive.node(s3, name_of(locked), folder / "one", storage=locked) as context:
        for number, size in enumerate((3000, 17 << 20)):
            store(context, number, size)
        kept = context.database.read(partial(imaging.files, limit=10))
        contents: dict[str, Any] = {}
        for each in kept:
            with context.blobs.open_durable(each.blob_key) as file:
                contents[each.blob_key] = file.sha256()
        assert contents == {each.blob_key: each.sha256 for each in kept}
        context.blobs.delete(kept[0].blob_key)
        assert kept[0].blob_key not in s3.keys(name_of(locked))
        assert kept[0].blob_key in {key for key, _ in s3.versions(name_of(locked))}
