"""kill -9 of the receiving process while storescu sends: what was answered Success is there and whole, nothing is half there."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from servers import Server, running

KILLS = 20
SLICES = 40


def _make(source: Path, folder: Path) -> dict[str, str]:
    """A series of its own for one round: file name -> SOP Instance UID."""
    folder.mkdir()
    series, made = generate_uid(), {}
    template = dcmread(source)
    template.StudyInstanceUID, template.SeriesInstanceUID, template.PatientID = generate_uid(), series, series[-20:]
    for number in range(SLICES):
        template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        template.InstanceNumber = number
        path = folder / f"{number:03d}.dcm"
        template.save_as(path)
        made[path.name] = str(template.SOPInstanceUID)
    return made


def _answered(log: str) -> list[str]:
    """The files that storescu -v says were answered with Success."""
    done, current = [], ""
    for line in log.splitlines():
        if match := re.search(r"Sending file: .*?([0-9]{3}\.dcm)", line):
            current = match[1]
        elif "Received Store Response (Success)" in line:
            done.append(current)
    return done


def _wait_until_it_answers(server: Server) -> None:
    """The supervisor starts a killed role again: until then, C-ECHO."""
    for _ in range(200):
        echo = ["echoscu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port)]
        if subprocess.run(echo, capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"the DICOM role did not come back:\n{server.output()[-2000:]}")


def _round(server: Server, folder: Path, rng: random.Random) -> list[str]:
    sender = subprocess.Popen(
        ["storescu", "-v", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), "--scan-directories", str(folder)],
        env={**os.environ, "TCP_NODELAY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert sender.stdout is not None
    log, successes, enough = [], 0, rng.randrange(2, SLICES - 8)
    for line in sender.stdout:
        log.append(line)
        successes += "(Success)" in line
        if successes == enough:
            successes += 1
            time.sleep(rng.random() * 0.006)  # some instances take 3 ms: anywhere within one or two of them
            for pid in server.pids("dicom"):
                os.kill(pid, signal.SIGKILL)
    sender.wait(60)
    return _answered("".join(log))


@pytest.mark.long
@pytest.mark.timeout(500)
def test_kill_9_while_storescu_sends_loses_nothing_that_was_answered(tmp_path: Path, data: Path) -> None:
    source = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0]
    rng = random.Random(20261122)
    answered: dict[str, Path] = {}
    kills = interrupted = 0
    with running(tmp_path / "archive", "--dicom-processes", "1") as server:
        while kills < KILLS:
            folder = tmp_path / f"round{kills}"
            made = _make(source, folder)
            _wait_until_it_answers(server)
            done = _round(server, folder, rng)
            kills += 1
            interrupted += 0 < len(done) < SLICES
            answered |= {made[name]: folder / name for name in done}
        _wait_until_it_answers(server)
        assert interrupted >= KILLS // 2, f"only {interrupted} of {kills} kills fell into a transfer"
        assert len(answered) > KILLS
        with server.client() as client:
            for sop, path in answered.items():
                found = client.get("/dicom-web/instances", params={"SOPInstanceUID": sop}).json()
                assert len(found) == 1, f"an instance that was answered Success is gone: {path}"
                study, series = (found[0][tag]["Value"][0] for tag in ("0020000D", "0020000E"))
                answer = client.get(
                    f"/dicom-web/studies/{study}/series/{series}/instances/{sop}",
                    headers={"Accept": 'multipart/related; type="application/dicom"'},
                )
                assert answer.status_code == 200
                assert dcmread(path).PixelData in answer.content
            held = client.get("/dicom-web/instances", params={"limit": 5000}).json()
    verify = subprocess.run(server.command("verify", "--json"), capture_output=True, text=True, timeout=120)
    assert verify.returncode == 0, verify.stdout + verify.stderr
    files = list((server.data / "archive").rglob("*.dcm"))
    assert len(files) == len(held) >= len(answered)
    for file in files:
        assert len(dcmread(file).PixelData) == 512 * 512 * 2
    shutil.rmtree(server.data)
