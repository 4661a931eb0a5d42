"""The server we use (granian) on a real socket, asked by a client we did not write (dicomweb-client from PyPI)."""

import http.client
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image

from dicomweb.in_process import parts
from isocenter.dicomweb import multipart

APPLICATION = """
from pathlib import Path
from dicomweb.in_process import As
from isocenter.dicomweb.routes import routes
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.database import Database
from starlette.applications import Starlette

folder = Path({folder!r})
context = Context(Database(f"sqlite:///{{folder}}/index.sqlite"), LocalBlobs(folder), Settings(data=folder, min_free_space=0))
app = Starlette(routes=routes(context, As()))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DICOMweb in a granian of its own."""
    folder = tmp_path_factory.mktemp("granian")
    (folder / "served.py").write_text(APPLICATION.format(folder=str(folder / "data")))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port), "served:app"]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root / 'tests'}:{folder}"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/dicom-web/studies").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/dicom-web"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_a_foreign_client_does_it_all(url: str, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:3]
    stored = [pydicom.dcmread(path) for path in paths]
    client = DICOMwebClient(url)
    answer = client.store_instances(stored)
    assert len(answer.ReferencedSOPSequence) == 3 and "FailedSOPSequence" not in answer
    study, series = stored[0].StudyInstanceUID, stored[0].SeriesInstanceUID
    sop = stored[0].SOPInstanceUID

    found = client.search_for_studies(search_filters={"PatientID": stored[0].PatientID}, fields=["StudyDescription"])
    assert [item["0020000D"]["Value"] for item in found] == [[study]]
    assert len(client.search_for_series(study)) == 1 and len(client.search_for_instances(study, series, limit=2)) == 2

    assert {item.SOPInstanceUID for item in client.retrieve_study(study)} == {item.SOPInstanceUID for item in stored}
    assert len(client.retrieve_series(study, series)) == 3
    instance = client.retrieve_instance(study, series, sop)
    assert instance.PixelData == stored[0].PixelData and instance.ImageOrientationPatient == stored[0].ImageOrientationPatient
    assert len(client.retrieve_study_metadata(study)) == len(client.retrieve_series_metadata(study, series)) == 3
    metadata = client.retrieve_instance_metadata(study, series, sop)
    assert pydicom.Dataset.from_json(metadata, lambda *_: b"").ImagePositionPatient == stored[0].ImagePositionPatient
    (frame,) = client.retrieve_instance_frames(study, series, sop, [1])
    assert frame == stored[0].PixelData
    (bulk,) = client.retrieve_bulkdata(metadata["7FE00010"]["BulkDataURI"])
    assert bulk == stored[0].PixelData
    picture = client.retrieve_instance_rendered(study, series, sop, media_types=("image/png",), params={"viewport": "64,64"})
    assert Image.open(io.BytesIO(picture)).size == (64, 64)
    frame_picture = client.retrieve_instance_frames_rendered(study, series, sop, [1], media_types=("image/jpeg",))
    assert Image.open(io.BytesIO(frame_picture)).size == (512, 512)


def test_a_long_body_without_length_and_a_client_that_leaves(url: str, data: Path) -> None:
    paths = sorted((data / "us/study-stress-echo").rglob("*.dcm"))[:6]

    def body() -> Iterator[bytes]:
        for number, path in enumerate(paths):
            yield multipart.part_head("xyz", {"Content-Type": "application/dicom"}, first=number == 0)
            yield path.read_bytes()
        yield multipart.closing("xyz")

    headers = {"content-type": 'multipart/related; type="application/dicom"; boundary=xyz'}
    answer = httpx.post(f"{url}/studies", content=body(), headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    study = answer.json()["00081190"]["Value"][0]
    for _ in range(3):  # leave in the middle; the server must neither mind nor go on
        with httpx.stream("GET", study) as stream:
            next(stream.iter_raw())
    whole = httpx.get(study, timeout=60)
    assert sorted(content for _, content in parts(whole)) == sorted(path.read_bytes() for path in paths)


def test_a_sender_that_vanishes_in_the_middle(url: str) -> None:
    host = httpx.URL(url)
    before = len(httpx.get(f"{url}/instances").json())
    for cut in (b"", b"--xyz\r\n", b"--xyz\r\n\r\n" + bytes(128) + b"DICM" + bytes(70_000)):
        connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=10)
        connection.putrequest("POST", "/dicom-web/studies")
        connection.putheader("Content-Type", 'multipart/related; type="application/dicom"; boundary=xyz')
        connection.putheader("Content-Length", "1000000")
        connection.endheaders(cut)
        connection.close()
    assert len(httpx.get(f"{url}/instances").json()) == before
