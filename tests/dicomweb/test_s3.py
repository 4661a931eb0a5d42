"""A node that received nothing answers every DICOMweb request from the object store as an archive with local files does."""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import ceph
import s3_archive
from conftest import MEMORY, archive
from dicomweb.in_process import Client, parts
from isocenter.domain.errors import Away
from isocenter.store.bucket import Bucket
from isocenter.store.imaging import Located
from objects import CT

SLICES = ("0061_000113.dcm", "0062_000193.dcm", "0063_000179.dcm")
FILES = (*(f"ct/volume-lidc-idri-0314/{name}" for name in SLICES), "sc", "charsets")
DICOM = "application/dicom; transfer-syntax=*"
OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@pytest.fixture(scope="module")
def clients(s3: ceph.S3, data: Path) -> Iterator[tuple[Client, Client]]:
    """(an archive with local files, a node beside the one that received the same objects)"""
    s3.make_bucket("dicomweb")
    with tempfile.TemporaryDirectory(prefix="isocenter-test-", dir=MEMORY) as made, asyncio.Runner() as runner:
        folder = Path(made)
        (folder / "local").mkdir()
        url = f"sqlite:///{folder / 'shared.sqlite'}"
        with (
            archive(f"sqlite:///{folder / 'local/index.sqlite'}", folder / "local") as local,
            s3_archive.node(s3, "dicomweb", folder / "one", database=url) as one,
            s3_archive.node(s3, "dicomweb", folder / "other", database=url) as other,
        ):
            near, far = Client(local, runner), Client(other, runner)
            given = [path for name in FILES for path in ([data / name] if "." in name else sorted((data / name).glob("*.dcm")))]
            for client in (near, Client(one, runner)):
                for path in given:  # one by one: which of two versions came first must be certain
                    assert client.store(path).status_code in (200, 202)
            yield near, far


def located(client: Client) -> list[Located]:
    from isocenter.store import imaging

    studies = [row["0020000D"]["Value"][0] for row in client.json("/studies")]
    return [each for uid in studies for each in client.context.database.read(lambda c, uid=uid: imaging.locate(c, uid))]


def body(answer: httpx.Response) -> object:
    """What an answer says, without the boundary that is another one each time."""
    if answer.headers.get("content-type", "").startswith("multipart/related"):
        return answer.status_code, parts(answer)
    return answer.status_code, answer.headers.get("content-type"), answer.content


def asked(each: Located) -> Iterator[tuple[str, str]]:
    """Paths and what is accepted."""
    study, series = f"/studies/{each.study_instance_uid}", f"/series/{each.series_instance_uid}"
    instance = f"{study}{series}/instances/{each.sop_instance_uid}"
    for level in (study, f"{study}{series}", instance):
        yield f"{level}/metadata", "application/dicom+json"
        yield level, 'multipart/related; type="application/dicom"; transfer-syntax=*'
    yield instance, DICOM
    yield f"{instance}/frames/1", OCTETS
    yield f"{instance}/bulkdata/7FE00010", OCTETS
    yield f"{instance}/rendered", "image/png"
    yield f"{instance}/thumbnail", "image/jpeg"


def test_every_answer_is_that_of_local_files(clients: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time from the cache of the node: no byte is asked of the object store twice."""
    near, far = clients
    questions = {question: None for each in located(near) for question in asked(each)}
    assert len(questions) > 60 and {each.sop_instance_uid for each in located(far)} == {e.sop_instance_uid for e in located(near)}
    requests: list[tuple[str, int, int]] = []
    real = Bucket.get
    monkeypatch.setattr(Bucket, "get", lambda *given: (requests.append(given[1:]), real(*given))[1])
    for path, accept in questions:
        expected = body(near.get(path, accept))
        assert body(far.get(path, accept)) == expected, path
    assert requests and len(requests) == len(set(requests))
    seen = len(requests)
    for path, accept in questions:
        assert far.get(path, accept).status_code in (200, 404, 406), path
    assert len(requests) == seen


def test_what_fails_before_the_first_byte_is_told_with_a_status(clients: tuple[Client, Client],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Not with a connection that is cut in the middle of an answer."""
    _, far = clients
    each = next(each for each in located(far) if each.sop_class_uid == CT)
    instance = f"/studies/{each.study_instance_uid}/series/{each.series_instance_uid}/instances/{each.sop_instance_uid}"
    far.context.cache.clear()

    def away(*_: object) -> None:
        raise Away("the object store with the bucket dicomweb does not answer", hint="Try again later.")

    monkeypatch.setattr(Bucket, "get", away)
    for path, accept in ((instance, DICOM), (f"{instance}/frames/1", OCTETS), (f"{instance}/metadata", "application/dicom+json")):
        answer = far.get(path, accept)
        assert answer.status_code == 503 and "does not answer" in answer.text, path
    monkeypatch.undo()
    assert far.get(instance, DICOM).status_code == 200


def test_small_files_of_a_study_are_fetched_side_by_side(clients: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a request, and a far store takes its time; they come in their order all the same."""
    near, far = clients
    study = max((each.study_instance_uid for each in located(far)), key=[e.study_instance_uid for e in located(far)].count)
    far.context.cache.clear()
    together, asked = threading.Event(), []
    real = Bucket.get

    def slow(*given: Any) -> tuple[bytes, int]:
        asked.append(given[1])
        if len(asked) > 1:
            together.set()
        assert together.wait(30), "the second is not asked for before the first has come"
        return real(*given)

    monkeypatch.setattr(Bucket, "get", slow)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    answer = far.get(f"/studies/{study}", accept)
    assert parts(answer) == parts(near.get(f"/studies/{study}", accept)) and len(parts(answer)) > 2
