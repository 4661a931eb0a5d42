"""Conversions of a real server: in processes of their own, which leave with it, and whose work stays."""

import os
import signal
import time
from pathlib import Path

import pydicom

from dicomweb.in_process import parts
from isocenter.dicomweb import multipart
from servers import alive, descendants, running

ENOUGH = 60.0  # seconds that a loaded machine may take
NATIVE = 'multipart/related; type="application/octet-stream"'


def codec_processes(pid: int) -> list[int]:
    return [each for each in descendants(pid) if b"isocenter.service.pool" in Path(f"/proc/{each}/cmdline").read_bytes()]


def until(condition: object) -> None:
    end = time.monotonic() + ENOUGH
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_conversions_of_a_server_that_is_killed_and_comes_back(folder: Path, data: Path) -> None:
    same = data / "transfer-syntaxes/same-image/CT2"
    expected = pydicom.dcmread(same / "CT2_UNC").PixelData
    body = b"".join((multipart.part_head("x", {"Content-Type": "application/dicom"}, first=True),
                     (same / "CT2_RLE").read_bytes(), multipart.closing("x")))  # fmt: skip
    headers = {"content-type": 'multipart/related; type="application/dicom"; boundary=x'}
    with running(folder, "--transcoding-processes", "1") as server:
        with server.client() as client:
            stored = client.post("/dicom-web/studies", content=body, headers=headers)
            url = stored.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
            assert not codec_processes(server.process.pid)
            ((label, pixels),) = parts(client.get(f"{url}/frames/1", headers={"accept": NATIVE}))
            assert pixels == expected and label.endswith("1.2.840.10008.1.2.1")
            (codecs,) = codec_processes(server.process.pid)
            web = int(Path(f"/proc/{codecs}/stat").read_text().split()[3])
            assert "imagecodecs" in Path(f"/proc/{codecs}/maps").read_text()
            assert "imagecodecs" not in Path(f"/proc/{web}/maps").read_text()
            os.kill(web, signal.SIGKILL)
            until(lambda: not alive(codecs))
        server.wait_until_ready()
        assert any((folder / "data" / "cache").rglob("?" * 64))
        with server.client() as client:
            ((_, pixels),) = parts(client.get(f"{url}/frames/1", headers={"accept": NATIVE}))
            assert pixels == expected and not codec_processes(server.process.pid)  # it was kept
            answer = client.get(f"{url}/frames/1", headers={"accept": "image/jls"})
            assert answer.headers["content-type"] == "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
            assert len(codec_processes(server.process.pid)) == 1
