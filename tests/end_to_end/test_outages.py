"""A disk that fills up, a database that goes away: senders are told, nothing answered is lost, and work goes on after."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from servers import Server, running

MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=B'}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB; only root can mount one."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _slices(data: Path, folder: Path, count: int) -> list[tuple[str, Path]]:
    """(SOP Instance UID, file) of `count` CT slices of 512 KB with names of their own."""
    template = dcmread(sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0])
    template.StudyInstanceUID, template.SeriesInstanceUID, template.PatientID = generate_uid(), generate_uid(), "OUTAGE"
    folder.mkdir()
    made = []
    for number in range(count):
        uid = template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        path = folder / f"{number:03d}.dcm"
        template.save_as(path)
        made.append((str(uid), path))
    return made


def _send(server: Server, path: Path) -> str:
    done = subprocess.run(
        ["storescu", "-v", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), str(path)],
        env={**os.environ, "TCP_NODELAY": "1"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def _stow(server: Server, path: Path) -> int:
    with server.client() as client:
        body = b"--B\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--B--\r\n"
        return client.post("/dicom-web/studies", content=body, headers=MULTIPART).status_code


def _held(server: Server) -> set[str]:
    with server.client() as client:
        answer = client.get("/dicom-web/instances", params={"limit": 1000})
        assert answer.status_code == 200
        return {item["00080018"]["Value"][0] for item in answer.json()}


def _fill(server: Server, files: list[tuple[str, Path]]) -> set[str]:
    """Send until the disk is full and some more; which were answered with Success."""
    stored, refused = set(), []
    for uid, path in files:
        log = _send(server, path)
        (stored.add(uid) if "(Success)" in log else refused.append(log))
    assert len(stored) > 10 and refused
    assert any("0xa700" in log.lower() or "OutOfResources" in log for log in refused), refused[0]
    assert _stow(server, files[-1][1]) == 507
    return stored


def test_a_full_disk_refuses_with_a700_and_507_and_keeps_what_it_has(small_disk: Path, tmp_path: Path, data: Path) -> None:
    files = _slices(data, tmp_path / "files", 60)
    with running(tmp_path / "server", "--data", str(small_disk / "archive"), "--min-free-space", "0") as server:
        stored = _fill(server, files)
        # room again, and the same server goes on
        subprocess.run(["mount", "-o", "remount,size=80m", str(small_disk)], check=True)
        assert _held(server) == stored
        assert not list((small_disk / "archive" / "incoming").iterdir()), "leaked files in incoming/"
        verify = subprocess.run(server.command("verify", "--json"), capture_output=True, text=True, timeout=120)
        assert verify.returncode == 0, verify.stdout + verify.stderr
        assert "(Success)" in _send(server, files[-1][1])


def test_with_space_in_reserve_a_full_disk_is_still_searched(small_disk: Path, tmp_path: Path, data: Path) -> None:
    files = _slices(data, tmp_path / "files", 60)
    with running(tmp_path / "server", "--data", str(small_disk / "archive"), "--min-free-space", "4MB") as server:
        stored = _fill(server, files)
        assert _held(server) == stored


@pytest.mark.postgres
def test_a_database_that_goes_away_costs_no_answered_instance(tmp_path: Path, data: Path, postgresql) -> None:  # type: ignore[no-untyped-def]
    files = _slices(data, tmp_path / "files", 12)
    url = postgresql.create("isocenter_template")
    with running(tmp_path / "server", "--database", url) as server:
        answered = {uid for uid, path in files[:4] if "(Success)" in _send(server, path)}
        assert len(answered) == 4
        postgresql.stop("immediate")
        try:
            for _, path in files[4:6]:
                log = _send(server, path)
                assert "(Success)" not in log and ("Store Response" in log or "Abort" in log or "Reject" in log), log
            assert _stow(server, files[6][1]) == 503
            with server.client() as client:
                assert client.get("/healthz").status_code == 200
                time.sleep(1.1)  # an answer is remembered for a second
                assert client.get("/readyz").status_code == 503
        finally:
            postgresql.start()
        deadline = time.monotonic() + 30
        while "(Success)" not in _send(server, files[4][1]):
            assert time.monotonic() < deadline, "no success after the database came back"
            time.sleep(0.5)
        answered.add(files[4][0])
        for uid, path in files[5:]:
            assert "(Success)" in _send(server, path)
            answered.add(uid)
        assert _held(server) == answered
        command = server.command("verify", "--json", "--database", url)
        verify = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert verify.returncode == 0, verify.stdout + verify.stderr
