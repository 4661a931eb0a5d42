"""C-STORE into a real archive: what is answered, what is kept, and what is left behind when a sender goes wrong."""

import os
import resource
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import objects
from dimse.conftest import Archive, RawPeer, Start, eventually, peer_of, store_request
from isocenter.dimse import server
from isocenter.dimse.messages import Command
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import Role, by_role
from isocenter.service.context import Context
from isocenter.service.peers import Caller
from isocenter.store.blobs_local import LocalBlobs


def store(peer: RawPeer, **values: str | int) -> Command:
    """Store a small CT of which some values are special."""
    uid = objects.uid()
    return peer.store(objects.data_set(**{"SOPInstanceUID": uid, **values}), uid)


def test_success(peer: RawPeer, archive: Archive) -> None:
    uid = objects.uid()
    data = objects.data_set(100000, SOPInstanceUID=uid, Columns=3125)
    assert peer.store(data, uid) == Command(
        command_field=0x8001,
        message_id_being_responded_to=5,
        status=0,
        affected_sop_class_uid=objects.CT,
        affected_sop_instance_uid=uid,
    )
    assert archive.data_sets() == [data]
    eventually(lambda: not archive.files("incoming"))


def test_the_same_again_is_a_success_and_stored_once(peer: RawPeer, archive: Archive) -> None:
    uid = objects.uid()
    data = objects.data_set(SOPInstanceUID=uid)
    assert [peer.store(data, uid).status for _ in range(3)] == [0, 0, 0]
    assert archive.data_sets() == [data]


def test_another_content_under_the_same_uid_is_kept_too(peer: RawPeer, archive: Archive) -> None:
    uid = objects.uid()
    both = [objects.data_set(SOPInstanceUID=uid, InstanceNumber=str(number)) for number in (1, 2)]
    assert [peer.store(data, uid).status for data in both] == [0, 0]
    assert sorted(archive.data_sets()) == sorted(both)


def test_private_sop_class(peer: RawPeer, archive: Archive) -> None:
    uid = objects.uid()
    data = objects.data_set(SOPInstanceUID=uid, SOPClassUID="1.2.3.4.5")
    assert peer.store(data, uid, sop_class_uid="1.2.3.4.5", context_id=5).status == 0
    assert archive.data_sets() == [data]


def test_quarantine_is_a_warning_that_says_so(peer: RawPeer, archive: Archive) -> None:
    assert store(peer, PatientID="P1", StudyInstanceUID="1.2.3.77").status == 0
    answer = store(peer, PatientID="P2", StudyInstanceUID="1.2.3.77")
    assert answer.status == 0xB000
    assert answer.error_comment is not None
    assert answer.error_comment.startswith("quarantined: ")
    assert len(archive.files("quarantine")) == 1


def test_no_study_is_quarantined(peer: RawPeer, archive: Archive) -> None:
    assert store(peer, StudyInstanceUID="-").status == 0xB000
    assert len(archive.files("quarantine")) == 1


def test_over_long_uid_is_quarantined(peer: RawPeer, archive: Archive) -> None:
    uid = "1.2." + "9" * 70
    assert peer.store(objects.data_set(SOPInstanceUID=uid), uid).status == 0xB000
    assert len(archive.files("quarantine")) == 1


def test_uid_of_the_data_set_is_not_the_commands(peer: RawPeer, archive: Archive) -> None:
    answer = peer.store(objects.data_set(SOPInstanceUID="1.2.3.4"), "1.2.3.5")
    assert (answer.status, answer.offending_element) == (0xA900, (0x00080018,))
    assert answer.error_comment
    assert store(peer).status == 0, "the association lives on"
    assert len(archive.files()) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"this is no data set at all, is it", 0xC000),
        (objects.data_set(SOPInstanceUID="1.2.3.4")[:-100], 0xC000),
    ],
    ids=["garbage", "truncated"],
)
def test_refused(peer: RawPeer, archive: Archive, data: bytes, status: int) -> None:
    answer = peer.store(data, "1.2.3.4")
    assert answer.status == status
    assert answer.error_comment
    assert store(peer).status == 0, "the association lives on"
    assert len(archive.files()) == 1
    eventually(lambda: not archive.files("incoming"))


def test_no_storage_sop_class(peer: RawPeer, archive: Archive) -> None:
    """On the context of Verification, and with the UID of a service as SOP class."""
    uid = objects.uid()
    for context_id, sop_class in ((1, objects.CT), (3, "1.2.840.10008.5.1.4.1.2.2.1")):
        answer = peer.store(objects.data_set(SOPInstanceUID=uid), uid, context_id=context_id, sop_class_uid=sop_class)
        assert (answer.status, answer.offending_element) == (0x0122, (0x00000002,))
    assert not archive.files()


@pytest.mark.parametrize(
    ("field", "value", "tag"),
    [
        ("affected_sop_instance_uid", None, 0x00001000),
        ("affected_sop_class_uid", None, 0x00000002),
        ("affected_sop_instance_uid", "1." * 500 + "1", 0x00001000),
    ],
)
def test_a_command_set_without_what_it_needs(peer: RawPeer, field: str, value: str | None, tag: int) -> None:
    peer.message(3, replace(store_request("1.2.3"), **{field: value}), objects.data_set())
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert (answer.status, answer.offending_element) == (0xC000, (tag,))
    assert store(peer).status == 0


def test_a_command_set_that_says_there_is_no_data_set(peer: RawPeer) -> None:
    peer.message(3, replace(store_request("1.2.3"), command_data_set_type=0x0101))
    answer = peer.receive()
    assert isinstance(answer, Command)
    assert answer.status == 0xC000
    assert store(peer).status == 0


def test_a_role_that_may_not_store(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    referrer = by_role("R", Role.REFERRER, "peer", "dicom", "127.0.0.1")
    monkeypatch.setattr(server, "admit", lambda *unused: Caller(referrer, None))
    with peer_of(archive) as peer:
        peer.associate()
        assert store(peer).status == 0x0124
        assert not archive.files()


def test_too_little_free_space(start: Start) -> None:
    archive = start(min_free_space=1 << 60)
    with peer_of(archive) as peer:
        peer.associate()
        answer = store(peer)
        assert answer.status == 0xA700
        assert "full" in (answer.error_comment or "")
        assert peer.echo() == 0, "the association lives on"
        eventually(lambda: not archive.files("incoming"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small tmpfs needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up(start: Start, small_disk: Path, sqlite_context: Context) -> None:
    archive = start()
    small = replace(archive.context, blobs=LocalBlobs(small_disk))
    archive.server._archives = small  # the same server on another disk
    with peer_of(archive) as peer:
        peer.associate()
        uid = objects.uid()
        answer = peer.store(objects.data_set(3 << 20, SOPInstanceUID=uid, Rows=1024, Columns=1536), uid)
        assert answer.status == 0xA700
        assert store(peer).status == 0, "a small one still fits, and nothing of the large one is left"
    eventually(lambda: not list((small_disk / "incoming").rglob("*.part")))


def test_a_file_too_large_for_the_process(archive: Archive, peer: RawPeer) -> None:
    """EFBIG in the middle of a data set, for machines where nothing can be mounted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    uid = objects.uid()
    data = objects.data_set(3 << 20, SOPInstanceUID=uid, Rows=1024, Columns=1536)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        answer = peer.store(data, uid)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status in (0xA700, 0x0110)
    assert peer.store(data, uid).status == 0
    assert archive.data_sets() == [data]


def test_the_database_goes_away(archive: Archive, peer: RawPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.context.database.close()
    answer = store(peer)
    assert answer.status in (0x0110, 0xA700)
    assert peer.echo() == 0
    eventually(lambda: not archive.files("incoming"))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("cut", [0, 1, 5, 30, 600, 60000])
def test_a_sender_that_vanishes_leaves_nothing(archive: Archive, cut: int) -> None:
    with peer_of(archive) as peer:
        peer.associate()
        store(peer)
    eventually(lambda: not archive.server.connections)
    before = (descriptors(), threading.active_count())
    uid = objects.uid()
    message = pdu.PDataTF((pdu.PresentationDataValue(3, 3, store_request(uid).encode()),)).encode()
    message += pdu.PDataTF((pdu.PresentationDataValue(3, 2, objects.data_set(100000, SOPInstanceUID=uid)),)).encode()
    for _ in range(5):
        with peer_of(archive) as peer:
            peer.associate()
            peer.send(message[:cut])
    eventually(lambda: not archive.server.connections)
    eventually(lambda: (descriptors(), threading.active_count()) <= before)
    eventually(lambda: not archive.files("incoming"))
    assert len(archive.files()) == 1
