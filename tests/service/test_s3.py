"""An archive on PostgreSQL or SQLite and a real S3 server: when senders are answered, what other nodes see, what survives."""

import hashlib
import json
import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import ceph
import s3_archive
import servers
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away, Busy, Conflict, IsocenterError, Missing
from isocenter.service import accounts, commitment, exceptions, ingest, integrity, journal, retrieve, sending, system, uploading
from isocenter.service.commitment import Reference
from isocenter.service.context import Context
from isocenter.service.integrity import Verification
from isocenter.service.retrieve import Retrieval
from isocenter.store import blobs_s3, imaging, uploads
from isocenter.store.bucket import Bucket
from isocenter.work import sweeps
from isocenter.work import uploads as work
from objects import CT, part10
from sending import fork_server, start

Node = Callable[..., Context]


@pytest.fixture
def node(s3: ceph.S3, bucket: str, folder: Path, database_url: str) -> Iterator[Node]:
    """Opens nodes by name: data folders of their own, one database, one bucket."""
    opened = []

    def make(name: str = "one", **given: Any) -> Context:
        context = s3_archive.node(s3, bucket, folder / name, **{"database": database_url, **given})
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def test_the_journal_is_in_the_bucket_and_waits_while_it_is_away(
    node: Node, s3: ceph.S3, folder: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = node()
    store(context, part10(PatientID="A"))
    accounts.add_user(context, SYSTEM, name="rita", role="radiologist")

    def away(*unused: object) -> None:
        raise Away("the object store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put", away)
        with pytest.raises(Away):
            journal.write(context, None)
    assert journal.state(context).reason == "the object store does not answer"
    end, _ = journal.write(context, None)
    assert end is not None and end.seq > 0 and list(context.blobs.list("journal")) == [f"journal/{end.line}/000000000000.jsonl"]
    fresh = s3_archive.node(s3, context.settings.bucket.name, folder / "fresh")  # type: ignore[union-attr]
    with fresh as anew:  # another machine, with nothing but the bucket
        back = journal.restore(anew)
        assert back is not None and back.changes == end.seq


def store(context: Context, data: bytes) -> str:
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet="SCANNER") as reception:
        reception.write(data)
        return reception.finish().status


def upload_all(context: Context) -> int:
    """What the uploader of a node does, until nothing is due."""
    done = 0
    with ThreadPoolExecutor(2) as pool:
        while some := work.upload_due(context, pool):
            done += some
    return done


def waiting(context: Context) -> int:
    context.blobs.flush()
    return system.uploads(context)[0]


def rows(context: Context) -> list[imaging.Kept]:
    return context.database.read(partial(imaging.files, limit=10_000))


def test_answered_when_it_is_safe_in_two_places(node: Node, s3: ceph.S3, bucket: str) -> None:
    one, other = node(), node("other")
    data = part10(40_000, SOPInstanceUID="1.2.3")
    assert store(one, data) == "stored"
    (row,) = rows(other)
    assert s3.keys(bucket) == [row.blob_key] and waiting(one) == 0
    assert s3.request("GET", f"/{bucket}/{row.blob_key}").content == data
    with other.blobs.open(row.blob_key) as file:
        assert file.fd is None and file.read_at(0, file.size) == data
    assert store(other, data) == store(one, data) == "duplicate" and len(rows(one)) == 1


def test_answered_when_it_is_on_this_disk_and_copied_afterwards(node: Node, s3: ceph.S3, bucket: str) -> None:
    one, other = node(storage_safe_in=1), node("other", storage_safe_in=1)
    data = part10(40_000, SOPInstanceUID="1.2.3")
    assert store(one, data) == "stored" and s3.keys(bucket) == []
    (row,) = rows(one)
    assert one.blobs.is_ahead(row.blob_key) and waiting(one) == 1 and system.uploads(one)[1] >= 0
    with one.blobs.open(row.blob_key) as file:
        assert file.read_at(0, file.size) == data
    with pytest.raises(Busy):
        other.blobs.open(row.blob_key)
    assert upload_all(other) == 0, "another node's"
    assert store(other, data) == "duplicate", "it is safe by the policy"
    assert upload_all(one) == 1 and waiting(one) == 0
    with other.blobs.open(row.blob_key) as file:
        assert file.read_at(0, file.size) == data
    assert verified(other) == (1, [])


def test_a_sender_that_was_not_answered_comes_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is away in the middle: the instance is kept here, and the repetition waits for the second place too."""
    one, other = node(), node("other")
    data = part10(1000)
    real = Bucket.put

    def away(*_: object) -> None:
        raise Away("the object store is away")

    monkeypatch.setattr(Bucket, "put", away)
    for _ in range(2):
        with pytest.raises(Away):
            store(one, data)
    assert len(rows(one)) == 1 and waiting(one) == 1
    with pytest.raises(Busy, match="another node holds this"):
        store(other, data)
    monkeypatch.setattr(Bucket, "put", real)
    assert store(one, data) == "duplicate" and waiting(one) == 0
    assert store(other, data) == "duplicate"
    assert verified(other) == (1, [])


def test_what_could_not_be_copied_is_tried_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    one = node(storage_safe_in=1)
    assert store(one, part10(1000)) == "stored"
    monkeypatch.setattr(Bucket, "put", lambda *_: (_ for _ in ()).throw(Away("away")))
    assert upload_all(one) == 1 and waiting(one) == 1
    assert upload_all(one) == 0, "not at once"
    monkeypatch.undo()
    later = Context(one.database, one.blobs, one.settings, clock=lambda: one.clock() + timedelta(minutes=2))
    assert upload_all(later) == 1 and waiting(one) == 0


def test_an_uploader_that_died_holds_nobody_up(node: Node) -> None:
    """Its lease ends; and its node, started again, does not wait for that."""
    one = node(storage_safe_in=1)
    for _ in range(2):
        assert store(one, part10(1000)) == "stored"
    claim = partial(uploads.claim, node=one.blobs.node, limit=1)
    assert len(one.database.write(partial(claim, now=one.clock()))) == 1  # and then it was killed
    assert upload_all(one) == 1 and waiting(one) == 1
    late = one.clock() + 2 * uploads.LEASE
    assert len(one.database.write(partial(claim, now=late))) == 1
    assert upload_all(one) == 0
    work.restarted(one)
    assert upload_all(one) == 1 and waiting(one) == 0


@pytest.mark.parametrize("policy", [1, 2])
def test_versions_quarantine_and_what_was_lost(node: Node, s3: ceph.S3, bucket: str, policy: int) -> None:
    """Every way by which bytes are kept brings them into the bucket."""
    one, other = node(storage_safe_in=policy), node("other")
    first = part10(1000, SOPInstanceUID="1.2.3")
    assert store(one, first) == "stored"
    assert store(one, part10(1000, SOPInstanceUID="1.2.3", StudyDescription="Other")) == "version"
    odd = part10(1000, StudyInstanceUID="")
    assert [store(one, odd) for _ in range(2)] == ["quarantined"] * 2
    upload_all(one)
    keys = s3.keys(bucket)
    assert waiting(one) == 0 and sorted(key.split("/")[0] for key in keys) == ["archive", "archive", "quarantine"]
    (case,) = exceptions.page(other, SYSTEM, kind="quarantined", dismissed=False, limit=5, after=None).cases
    with exceptions.open_kept(other, SYSTEM, case["id"]) as file:
        assert file.read_at(0, file.size) == odd
    (held,) = [row for row in rows(one) if row.current]
    assert s3.request("DELETE", f"/{bucket}/{held.blob_key}").status_code == 204
    one.cache.clear()
    assert [finding.kind for finding in verified(other)[1]] == ["missing"]
    assert store(one, first) == "duplicate", "which puts it back"
    upload_all(one)
    assert verified(other) == (3, []) and sorted(s3.keys(bucket)) == sorted(keys)


def verified(context: Context, *, quick: bool = False) -> tuple[int, list[integrity.Finding]]:
    check = Verification(context, quick=quick)
    found = list(check.run(lambda _: None))
    return check.checked - check.elsewhere, found


def test_verify_reads_the_bucket(node: Node, s3: ceph.S3, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "YOUNG", -5.0)
    one, other = node(), node("other", storage_safe_in=1)
    for number in range(3):
        assert store(one, part10(1000, SOPInstanceUID=f"1.2.{number}")) == "stored"
    assert store(other, part10(1000, SOPInstanceUID="1.2.9")) == "stored"
    assert verified(one) == (3, []) and verified(other) == (4, []), "what only the other has is not looked at, and not wrong"
    keys = [row.blob_key for row in rows(one)]
    with one.blobs.open(keys[1]) as sound, one.blobs.open(keys[2]) as file:
        one.blobs.bucket.put(keys[0], sound)  # type: ignore[attr-defined]
        one.blobs.bucket.put("archive/2026/11/22/a/b/c.dcm", file)  # type: ignore[attr-defined]
    assert {(each.kind, each.subject) for each in verified(one)[1]} == {
        ("damaged", keys[0]), ("orphan", "archive/2026/11/22/a/b/c.dcm")}
    assert [each.kind for each in verified(one, quick=True)[1]] == ["orphan"]
    monkeypatch.setattr(Bucket, "facts", lambda *_: (_ for _ in ()).throw(Away("away")))
    with pytest.raises(Away):
        verified(one)


def test_reindex_from_the_bucket_and_this_disk(node: Node, s3: ceph.S3, bucket: str) -> None:
    one = node(storage_safe_in=1)
    for number in range(4):
        assert store(one, part10(1000, SOPInstanceUID=f"1.2.{number}")) == "stored"
        if number == 1:
            upload_all(one)
    assert store(one, part10(1000, SOPInstanceUID="1.2.0", StudyDescription="Other")) == "version"
    before = [(row.sop_instance_uid, row.blob_key, row.sha256, row.current) for row in rows(one)]
    one.database.write(lambda connection: connection.exec_driver_sql("delete from upload"))  # a new database
    assert [each.status for each in integrity.reindex(one, lambda _: None)].count("stored") == 4
    assert sorted((row.sop_instance_uid, row.blob_key, row.sha256, row.current) for row in rows(one)) == sorted(before)
    assert waiting(one) == 3 and upload_all(one) == 3 and len(s3.keys(bucket)) == 5


def test_a_node_whose_disk_is_lost(node: Node, bucket: str, s3: ceph.S3, database_url: str, folder: Path) -> None:
    """It is named; nothing that needs its files goes on without them, until a person says that they are lost."""
    lost, other = node(storage_safe_in=1), node("other")
    data = part10(1000, SOPInstanceUID="1.2.1")
    assert store(lost, data) == "stored" and store(other, part10(1000, SOPInstanceUID="1.2.2")) == "stored"
    other.blobs.flush()
    (waits,) = uploading.nodes(other, SYSTEM)
    assert (waits.name, waits.objects, waits.size) == (lost.blobs.node, 1, len(data))
    with pytest.raises(Busy, match="1 objects are on the disks of other nodes"):
        list(integrity.reindex(other, lambda _: None))
    assert len(rows(other)) == 2
    with pytest.raises(Conflict):
        uploading.forget(lost, SYSTEM, lost.blobs.node)
    here = ("--data", str(folder / "other"), "--database", database_url, "--storage", s3.storage(bucket), "--json")
    keys = {"ISOCENTER_S3_ACCESS_KEY": ceph.ACCESS, "ISOCENTER_S3_SECRET_KEY": ceph.SECRET}
    listed = json.loads(servers.run("uploads", *here, extra=keys).stdout)
    assert [(each["node"], each["objects"], each["here"]) for each in listed] == [(waits.name, 1, "")]
    assert uploading.forget(other, SYSTEM, waits.name) == 1 and uploading.nodes(other, SYSTEM) == []
    with pytest.raises(Missing):
        uploading.forget(other, SYSTEM, waits.name)
    assert [finding.kind for finding in verified(other)[1]] == ["missing"]
    assert store(other, data) == "duplicate" and verified(other) == (2, []), "sending it again puts it back"
    assert [each.status for each in integrity.reindex(other, lambda _: None)] == ["stored"] * 2


def test_files_that_lost_their_row_are_settled(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that was restored from before they came, or from before their upload was noted."""
    monkeypatch.setattr(integrity, "YOUNG", -5.0)
    one = node(storage_safe_in=1)
    for number in range(2):
        assert store(one, part10(1000, SOPInstanceUID=f"1.2.{number}")) == "stored"
    one.database.write(lambda connection: connection.exec_driver_sql("delete from upload"))
    one.database.write(lambda connection: connection.exec_driver_sql("delete from instance where sop_instance_uid = '1.2.1'"))
    work.restarted(one)
    assert len(rows(one)) == 2 and upload_all(one) == 2 and waiting(one) == 0


def test_commitment_reads_the_bucket(node: Node, s3: ceph.S3, bucket: str) -> None:
    """What is on a disk only is not committed yet, and asked about again; what is not what it was never is."""
    one = node(storage_safe_in=1)
    told: list[commitment.Commitment] = []

    def ask(*uids: str) -> list[int]:
        told.clear()
        references = [Reference(CT, uid) for uid in uids]
        number = commitment.ask(one, SYSTEM, "PEER", f"1.{random.randrange(1 << 60)}", references)
        commitment.answer(one, number, told.append, lambda: False)
        return [each.failure for commitment_ in told for each in commitment_.references]

    assert store(one, part10(1000, SOPInstanceUID="1.2.1")) == "stored"
    assert ask("1.2.1") == []
    upload_all(one)
    assert commitment.deliver(one, told.append) and [each.failure for each in told[0].references] == [0]
    assert ask("1.2.1", "1.2.2") == [0, commitment.NO_SUCH_OBJECT_INSTANCE]
    (row,) = rows(one)
    incoming = one.blobs.open_incoming()
    incoming.write(bytes(row.size))
    with blobs_s3.LocalFile(os.dup(incoming.fd)) as wrong:
        one.blobs.bucket.put(row.blob_key, wrong)  # type: ignore[attr-defined]
    incoming.discard()
    assert ask("1.2.1") == [commitment.PROCESSING_FAILURE], "although this node's cache has it as it was"


def test_frames_metadata_and_sending_read_ranges(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another node: a frame is one request for its bytes, a series' metadata one small document, then neither any."""
    one, other = node(), node("other")
    for number in range(20):
        assert store(one, part10(8192, SOPInstanceUID=f"1.2.{number}", Rows=16, Columns=256)) == "stored"
    assert sweeps.build_due(one, threading.Event()) == 1
    asked: list[tuple[str, int]] = []
    real = Bucket.get
    monkeypatch.setattr(Bucket, "get",
                        lambda self, key, at, length: (asked.append((key.split("/")[0], length)), real(self, key, at, length))[1])
    for process in range(2):
        retrieval = Retrieval(other)
        frames = retrieval.frames(SYSTEM, "1.2.3.1", "1.2.3.1.1", "1.2.7")
        ((offset, length),) = frames.place(1)
        assert frames.file.read_at(offset, length) == bytes(8192)
        document = retrieval.series_document(SYSTEM, "1.2.3.1", "1.2.3.1.1", "http://x")
        assert b"".join(document.text()).count(b"00080018") == 20
        assert asked == [("archive", 8192), ("derived", asked[1][1])], f"process {process}"
    (stored,) = [each for each in sending.chosen(other, SYSTEM, studies=["1.2.3.1"]) if each.sop_instance_uid == "1.2.3"]
    with sending.outgoing(other, stored, [stored.transfer_syntax_uid]) as outgoing:
        assert b"".join(outgoing.parts())[-8192:] == bytes(8192)
    assert len(asked) == 3


def test_what_cannot_be_sent_yet_is_known_before_its_first_byte(node: Node) -> None:
    """In the middle of a data set only A-ABORT could say so, which costs the association."""
    one, other = node(storage_safe_in=1), node("other")
    data = part10(3 << 20, SOPInstanceUID="1.2.1", Rows=1024, Columns=1536)
    assert store(one, data) == "stored"
    (stored,) = sending.chosen(other, SYSTEM, studies=["1.2.3.1"])
    with pytest.raises(Busy), sending.outgoing(other, stored, [stored.transfer_syntax_uid]):
        raise AssertionError("it was opened")
    upload_all(one)
    with sending.outgoing(other, stored, [stored.transfer_syntax_uid]) as outgoing:
        assert b"".join(outgoing.parts()) == data[stored.dataset_offset :]


def test_a_series_whose_instances_are_elsewhere_waits(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """Its document is made when they are there: not without them, and not after minutes."""
    one, other = node(storage_safe_in=1), node("other")
    assert store(one, part10(1000, SOPInstanceUID="1.2.1")) == "stored"
    with caplog.at_level(logging.INFO):
        assert sweeps.build_due(other, threading.Event()) == 1
    assert "waits" in caplog.text and "could not be built" not in caplog.text
    with pytest.raises(Busy):
        Retrieval(other).series_document(SYSTEM, "1.2.3.1", "1.2.3.1.1", "")
    upload_all(one)
    later = Context(other.database, other.blobs, other.settings, clock=lambda: other.clock() + timedelta(seconds=6))
    assert sweeps.build_due(later, threading.Event()) == 1
    retrieve.build_series_document(other, "1.2.3.1", "1.2.3.1.1")


def send_and_report(settings: dict[str, Any], writer: Any) -> None:
    """Two threads store instances, and report each after its answer."""
    from isocenter import app
    from isocenter.settings import Settings

    context = app.build_context(Settings(**settings))
    report = writer.fileno()
    stop = threading.Event()
    threading.Thread(target=work.run, args=(context, stop), daemon=True).start()

    def send(thread: int) -> None:
        for number in range(1 << 30):
            sop = f"1.2.{os.getpid()}.{thread}.{number}"
            try:
                study = f"1.{thread}"
                store(context, part10(20_000, SOPInstanceUID=sop, StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1"))
            except IsocenterError:
                continue
            os.write(report, f"{sop}\n".encode())

    os.write(report, b"ready\n")
    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("policy", [1, 2])
def test_kill_9_at_random_moments(s3: ceph.S3, bucket: str, folder: Path, node: Node, policy: int) -> None:
    """Between file, row, upload, cache and the row's end: all that was answered is there, and comes into the bucket."""
    context = node("one", storage_safe_in=policy)
    facts = {name: getattr(context.settings, name) for name in context.settings.__dataclass_fields__}
    chance = random.Random(20261122)
    reported: list[str] = []
    for _ in range(5):
        reader, writer = fork_server().Pipe(duplex=False)
        child = start(send_and_report, facts, writer)
        writer.close()
        with os.fdopen(os.dup(reader.fileno()), "rb") as stream:
            assert stream.readline() == b"ready\n"
            wanted = chance.randrange(3, 20)
            lines = [stream.readline() for _ in range(wanted)]
            time.sleep(chance.random() * 0.02)
            child.kill()
            reported += [line.decode().strip() for line in (*lines, *stream)]
        child.join()
        assert child.exitcode == -signal.SIGKILL
    kept = {row.sop_instance_uid: row for row in rows(context)}
    assert set(reported) <= kept.keys() and len(reported) >= 15
    if policy == 2:  # in the bucket before the answer
        there = set(context.blobs.bucket.list("archive"))  # type: ignore[attr-defined]
        assert {kept[uid].blob_key for uid in reported} <= there
    integrity.leftovers(context)
    work.restarted(context)
    upload_all(context)
    assert waiting(context) == 0 and list(context.blobs.list_ahead()) == []
    context.cache.clear()
    for row in rows(context):
        with context.blobs.open_durable(row.blob_key) as file:
            assert hashlib.sha256(file.read_at(0, file.size)).hexdigest() == row.sha256
    assert set(context.blobs.list("archive")) == {row.blob_key for row in rows(context)}
