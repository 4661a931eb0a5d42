"""Copies for viewing and series metadata on S3: made by one node, served by another in ranges, never from a whole file."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest

import ceph
import s3_archive
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.service.retrieve import Retrieval
from isocenter.store.bucket import Bucket
from isocenter.work import copies, sweeps

NEVER = threading.Event()


@pytest.fixture
def nodes(s3: ceph.S3, bucket: str, folder: Path) -> Iterator[tuple[Context, Context]]:
    shared = {"database": f"sqlite:///{folder / 'index.sqlite'}", "htj2k": "CT"}
    with (
        s3_archive.node(s3, bucket, folder / "one", **shared) as one,
        s3_archive.node(s3, bucket, folder / "other", **shared) as other,
    ):
        yield one, other


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What is read from the bucket: (key, bytes)."""
    seen: list[tuple[str, int]] = []
    get = Bucket.get

    def watched(self: Bucket, key: str, offset: int, length: int) -> tuple[bytes, int]:
        found = get(self, key, offset, length)
        seen.append((key, len(found[0])))
        return found

    monkeypatch.setattr(Bucket, "get", watched)
    return seen


def test_one_node_makes_what_the_other_serves(
    nodes: tuple[Context, Context], data: Path, monkeypatch: pytest.MonkeyPatch, fetched: list[tuple[str, int]]
) -> None:
    one, other = nodes
    monkeypatch.setattr("isocenter.service.viewing_copies._MARGIN", 0)
    paths = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:3]
    for path in paths:
        with ingest.begin(one, SYSTEM, source="import") as reception:
            reception.write(path.read_bytes())
            uids = reception.finish()
    while sweeps.build_due(one, NEVER):
        pass
    worker = replace(other)  # the worker of the node that has received nothing: originals come from the bucket
    while copies.make_due(worker, NEVER):
        pass
    where = uids.study_instance_uid, uids.series_instance_uid

    reader = Retrieval(one)  # the node that made neither has neither in its cache
    fetched.clear()
    one.cache.clear()
    document = reader.series_document(SYSTEM, *where, "http://pacs/dicom-web")
    assert len(json.loads(b"".join(document.text()))) == 3
    assert [key.split("/")[1] for key, _ in fetched] == ["metadata"]  # one object for all of the series

    for path in paths:
        original = pydicom.dcmread(path)
        found = reader.copy_of(reader.frames(SYSTEM, *where, original.SOPInstanceUID))
        assert found is not None and found.file.fd is None
        fetched.clear()
        ((offset, length),) = replace(found, reduction=2).place(1)
        small = imagecodecs.htj2k_decode(found.file.read_at(offset, length), skipres=2)
        assert small.shape == (128, 128) and sum(size for _, size in fetched) < found.file.size
        ((offset, length),) = found.place(1)
        whole = imagecodecs.htj2k_decode(found.file.read_at(offset, length))
        assert np.array_equal(whole.astype(np.int16), original.pixel_array)
