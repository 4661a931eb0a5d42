"""Files on a disk: durable on return, never overwritten, never outside the folder; leftovers are told from what lives."""

import hashlib
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from isocenter.domain.errors import Broken, Conflict, Missing, NoSpace
from isocenter.store import blobs_local as module
from isocenter.store.blobs import instance_key
from isocenter.store.blobs_local import LocalBlobs
from sending import fork_server, hold_incoming

KEY = "archive/2026/11/22/aa/bb/cc.dcm"


@pytest.fixture
def blobs(folder: Path) -> LocalBlobs:
    return LocalBlobs(folder)


def keep(blobs: LocalBlobs, key: str, content: bytes = b"content") -> None:
    incoming = blobs.open_incoming()
    incoming.write(content)
    blobs.put(incoming, key)
    incoming.discard()


def test_what_was_put_is_read_listed_and_deleted(blobs: LocalBlobs) -> None:
    keep(blobs, KEY, b"abc")
    keep(blobs, "quarantine/x.dcm")
    with blobs.open(KEY) as file:
        assert file.size == 3
        assert [file.read_at(*place) for place in ((0, 10), (1, 1), (3, 1), (-1, 2))] == [b"abc", b"b", b"", b""]
        assert os.pread(file.fd, 3, 0) == b"abc" and file.sha256() == hashlib.sha256(b"abc").hexdigest()
    file.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.read_at(0, 1)
    written, named = blobs.times(KEY)
    assert written <= named <= time.time() and written == pytest.approx(file.modified)
    with pytest.raises(Missing):
        blobs.times(KEY.replace("cc", "dd"))
    assert blobs.path(KEY).read_bytes() == b"abc"
    assert list(blobs.list("archive")) == [KEY] and list(blobs.list("quarantine")) == ["quarantine/x.dcm"]
    assert list(blobs.list("archive/2027")) == []
    blobs.delete(KEY)
    blobs.delete(KEY)
    with pytest.raises(Missing):
        blobs.open(KEY)
    assert os.listdir(blobs.folder / "incoming") == []


def test_many_buffers_of_any_kind_and_size_are_written_in_order(blobs: LocalBlobs) -> None:
    incoming = blobs.open_incoming()
    buffers = [bytes([i % 251]) * (i % 7) for i in range(1500)]
    incoming.write(*[bytearray(b) if i % 2 else memoryview(b) for i, b in enumerate(buffers)])
    incoming.write()
    assert incoming.size == sum(map(len, buffers)) and incoming.path.read_bytes() == b"".join(buffers)
    incoming.discard()
    incoming.discard()


def test_a_short_write_goes_on_where_it_stopped(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming = blobs.open_incoming()
    monkeypatch.setattr(os, "writev", lambda fd, buffers: os.write(fd, b"".join(buffers)[:5]))
    incoming.write(b"abc", b"", b"defgh", b"ij")
    assert incoming.path.read_bytes() == b"abcdefghij" and incoming.size == 10
    incoming.discard()


def test_a_key_is_never_overwritten(blobs: LocalBlobs) -> None:
    keep(blobs, KEY, b"first")
    with pytest.raises(Conflict):
        keep(blobs, KEY, b"second")
    assert blobs.path(KEY).read_bytes() == b"first"


@pytest.mark.parametrize("key", [
    "../x", "archive/../../x", "/etc/passwd", "archive", "archive/", "incoming/x", "archive//x", "archive/.hidden",
    "archive/a b", "",
])
def test_only_keys_of_ours_are_keys(blobs: LocalBlobs, key: str) -> None:
    with pytest.raises(Broken):
        blobs.path(key)


def test_keys_are_made_by_us_and_hold_no_uid() -> None:
    from datetime import UTC, datetime

    at = datetime(2026, 11, 22, tzinfo=UTC)
    made = {instance_key("archive", at, "1.2.3/../..", "1.2.3.4", uuid4().hex) for _ in range(100)}
    assert len(made) == 100 and all(key.startswith("archive/2026/11/22/") and "1.2" not in key for key in made)
    assert len({key.rpartition("/")[0] for key in made}) == 1


def test_bytes_and_names_are_durable_on_return(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut tests: each new folder's name, and then the file with its name and the folder that holds it."""
    calls: list[str] = []
    names: dict[int, str] = {}
    real_open, real_link, real_sync = os.open, os.link, os.fsync

    def opened(path, *arguments, **options):  # type: ignore[no-untyped-def]
        fd = real_open(path, *arguments, **options)
        names[fd] = str(path)
        return fd

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "link", lambda a, b: (calls.append("name"), real_link(a, b))[1])
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(os.path.relpath(names[fd], blobs.folder)), real_sync(fd))[1])
    keep(blobs, KEY)
    day = "archive/2026/11/22"
    assert calls[:-2] == [".", "archive", "archive/2026", "archive/2026/11", day, f"{day}/aa", "name"]
    assert sorted(calls[-2:])[0] == f"{day}/aa/bb" and sorted(calls[-2:])[1].startswith("incoming/")
    calls.clear()
    keep(blobs, KEY.replace("cc", "dd"))
    assert calls[0] == "name" and f"{day}/aa/bb" in calls and len(calls) == 3


def test_a_folder_that_was_removed_is_made_again(blobs: LocalBlobs) -> None:
    keep(blobs, KEY)
    blobs.delete(KEY)
    for parent in blobs.path(KEY).parents[:3]:
        parent.rmdir()
    keep(blobs, KEY)
    assert blobs.path(KEY).read_bytes() == b"content"


def test_a_file_system_without_hard_links(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    incoming = blobs.open_incoming()
    incoming.write(b"abc")
    blobs.put(incoming, KEY)
    blobs.put(incoming, "quarantine/x.dcm")  # moved on
    incoming.discard()
    assert blobs.path("quarantine/x.dcm").read_bytes() == b"abc" and os.listdir(blobs.folder / "incoming") == []
    with pytest.raises(Conflict):
        keep(blobs, "quarantine/x.dcm")


@pytest.mark.parametrize("step", ["writev", "fsync", "link"])
def test_a_full_disk_is_no_space(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    incoming = blobs.open_incoming()
    with pytest.raises(NoSpace):
        incoming.write(b"abc")
        blobs.put(incoming, KEY)
    incoming.discard()
    assert list(blobs.list("archive")) == [] and os.listdir(blobs.folder / "incoming") == []


def test_a_folder_that_cannot_be_used(folder: Path) -> None:
    (folder / "file").write_bytes(b"")
    with pytest.raises(Broken, match="cannot be used"):
        LocalBlobs(folder / "file")


def test_leftovers_of_dead_processes_are_removed_and_living_ones_left(blobs: LocalBlobs) -> None:
    server = fork_server()
    ready, go = server.Event(), server.Event()
    child = server.Process(target=hold_incoming, args=(blobs.folder, ready, go))
    child.start()
    ready.wait(30)
    settled: list[tuple[str, str]] = []
    assert blobs.clean_incoming(lambda *what: settled.append(what)) == 0 and len(os.listdir(blobs.folder / "incoming")) == 1
    child.kill()
    child.join()
    mine = blobs.open_incoming()
    assert blobs.clean_incoming(lambda *what: settled.append(what)) == 1
    assert settled == []
    assert os.listdir(blobs.folder / "incoming") == [mine.path.name]
    mine.discard()


def test_cleaning_beside_many_that_open(blobs: LocalBlobs) -> None:
    """A file that is cleaned between its creation and its lock is made again: nobody loses what arrives."""
    stop = threading.Event()

    def clean() -> None:
        while not stop.is_set():
            blobs.clean_incoming(pytest.fail)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    for number in range(300):
        keep(blobs, f"archive/{number}.dcm")
    stop.set()
    cleaner.join()
    assert len(list(blobs.list("archive"))) == 300


def test_the_number_of_remembered_folders_is_bounded(blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KNOWN_FOLDERS", 5)
    for number in range(20):
        keep(blobs, f"archive/{number}/x.dcm")
    assert len(blobs._known) <= 5


@pytest.mark.parametrize("note", ["", "dimse\nröntgen-1\n10.0.0.7", "x" * 400])
def test_what_was_put_and_not_discarded_is_settled_with_its_note(blobs: LocalBlobs, note: str) -> None:
    incoming = blobs.open_incoming(note)
    incoming.write(b"abc")
    key = f"archive/{datetime.now(UTC):%Y/%m/%d}/a/b/{incoming.name}.dcm"
    blobs.put(incoming, key)
    os.close(incoming.fd)  # as a process that died
    settled: list[tuple[str, str]] = []
    assert blobs.clean_incoming(lambda *what: settled.append(what)) == 1
    assert settled == [(key, note if len(note) < 100 else "")]
    assert blobs.path(key).read_bytes() == b"abc" and os.listdir(blobs.folder / "incoming") == []


def test_a_name_in_incoming_tells_only_where_one_sync_is_enough_and_names_can_be_linked(
    blobs: LocalBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = blobs.open_incoming()
    monkeypatch.setattr(blobs, "_names_need_sync", True)
    assert not blobs.is_told(incoming)
    monkeypatch.setattr(blobs, "_names_need_sync", False)
    assert blobs.is_told(incoming)

    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    blobs.put(incoming, KEY)
    assert not blobs.is_told(incoming)
    incoming.discard()
