"""Nodes on one PostgreSQL and one S3 server: two full ones, of which one is killed with -9 in the middle; roles by themselves.

Nothing that was answered is lost, the other goes on, and the first comes back and finishes its uploads.
"""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

import ceph
from conftest import PostgreSQL
from hl7 import messages
from servers import Server, descendants, free_port, start

SLICES = 50
PATIENCE = 90.0


class Sender:
    """storescu -v of a series of its own to a node, and what was answered with Success so far."""

    def __init__(self, server: Server, source: Path, folder: Path, slices: int = SLICES) -> None:
        self.files = _series(source, folder, slices)
        self.answered: list[Path] = []
        self.done = threading.Event()
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            ["storescu", "-v", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), "--scan-directories", str(folder)],
            env={**os.environ, "TCP_NODELAY": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        current = Path()
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                if match := re.search(r"Sending file: (.*\.dcm)", line):
                    current = Path(match[1])
                elif "Received Store Response (Success)" in line:
                    with self._changed:
                        self.answered.append(current)
                        self._changed.notify_all()
        self.process.wait()
        with self._changed:
            self.done.set()
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        """Until so many were answered, or it has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.answered) >= count or self.done.is_set(), PATIENCE)


def _series(source: Path, folder: Path, slices: int) -> list[Path]:
    folder.mkdir()
    made = []
    image = dcmread(source)
    image.StudyInstanceUID, image.SeriesInstanceUID, image.PatientID = generate_uid(), generate_uid(), folder.name
    for number in range(slices):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.InstanceNumber = number
        image.PixelData = bytes([number]) * 512 + image.PixelData[512:]
        made.append(folder / f"{number:03d}.dcm")
        image.save_as(made[-1])
    return made


def kill(server: Server) -> None:
    """-9 for the supervisor and everything below it."""
    pids = [server.process.pid, *descendants(server.process.pid)]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it goes with its parent
    server.process.wait()


@contextmanager
def hanging(server: ceph.S3) -> Iterator[None]:
    """The object store takes connections and does not answer."""
    pid = int(next((server.folder / "run").glob("client.rgw.pid")).read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def gauge(client: httpx.Client, name: str) -> float:
    text = client.get("/metrics").text
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])


def instance(client: httpx.Client, path: Path) -> httpx.Response:
    """The object of a file that was sent, as the node gives it."""
    image = dcmread(path, stop_before_pixels=True)
    uids = f"studies/{image.StudyInstanceUID}/series/{image.SeriesInstanceUID}/instances/{image.SOPInstanceUID}"
    return client.get(f"/dicom-web/{uids}", headers={"Accept": "application/dicom; transfer-syntax=*"})


def same_image(path: Path, content: bytes, folder: Path) -> bool:
    """Whether a Part 10 file holds the data set of another, bit by bit as dcmtk sees it: without meta information."""
    found = folder / "found.dcm"
    found.write_bytes(content)
    sent, came = dcmread(path), dcmread(found)
    return sent.PixelData == came.PixelData and sent == came


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(500)
def test_one_of_two_nodes_is_killed_while_both_receive(s3: ceph.S3, bucket: str, postgresql: PostgreSQL, tmp_path: Path,
                                                       data: Path) -> None:  # fmt: skip
    source = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0]
    url = postgresql.create("isocenter_template")
    keys = {"ISOCENTER_S3_ACCESS_KEY": ceph.ACCESS, "ISOCENTER_S3_SECRET_KEY": ceph.SECRET}
    common = ("--database", url, "--storage", s3.storage(bucket, "site/a"), "--dicom-processes", "1")
    servers: list[Server] = []

    def node(name: str, safe_in: int) -> Server:
        server = start(tmp_path / name, *common, "--storage-safe-in", str(safe_in), extra=keys)
        servers.append(server)
        return server

    try:
        first = node("first", 1)
        first.wait_until_ready(PATIENCE)
        second = node("second", 2)
        second.wait_until_ready(PATIENCE)
        _prove(first, second, lambda: node("first", 1), s3, source, tmp_path)
        verify = subprocess.run(second.command("verify", "--json", *common), env={**os.environ, **keys}, capture_output=True,
                                text=True, timeout=120)  # fmt: skip
        assert verify.returncode == 0 and '"elsewhere": 0' in verify.stdout.replace('":0', '": 0'), verify.stdout + verify.stderr
        assert all(ceph.SECRET not in server.output() for server in servers)
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.stop()
        postgresql.drop(url)


def _prove(first: Server, second: Server, again: Callable[[], Server], s3: ceph.S3, source: Path, folder: Path) -> None:
    two = Sender(second, source, folder / "two")
    two.wait(3)
    one = Sender(first, source, folder / "one")
    one.wait(3)
    assert not two.done.is_set(), "both receive at the same time"
    with hanging(s3):  # by its policy the first goes on answering; nothing of that reaches the bucket
        before = len(one.answered)
        one.wait(before + 10)
        kill(first)
    sent_to_dead = one.done.wait(PATIENCE)
    assert sent_to_dead and before + 10 <= len(one.answered) < SLICES, "the node was killed in the middle of a series"
    two.wait(SLICES)
    assert two.done.wait(PATIENCE) and len(two.answered) == SLICES, "the other goes on, and answers all"
    client = second.client()
    assert all(instance(client, path).status_code == 200 for path in two.answered)
    assert gauge(client, "isocenter_uploads_waiting") >= 8 and gauge(client, "isocenter_uploads_oldest_seconds") > 0
    answers = [instance(client, path) for path in one.answered]
    assert {answer.status_code for answer in answers} <= {200, 503}, "none of those that were answered is missing"
    waiting = [answer for answer in answers if answer.status_code == 503]
    assert len(waiting) >= 8 and all(int(answer.headers["retry-after"]) > 0 for answer in waiting)
    assert all("another node" in answer.text and "safe on that node's disk" in answer.text for answer in waiting)

    first = again()
    first.wait_until_ready(PATIENCE)
    eventually(lambda: gauge(client, "isocenter_uploads_waiting") == 0, f"uploads are not finished:\n{first.output()[-3000:]}")
    assert not [path for path in (first.data / "ahead/archive").rglob("*") if path.is_file()]
    three = Sender(first, source, folder / "three", 5)
    assert three.done.wait(PATIENCE) and len(three.answered) == 5, "and receives as before"
    mine = first.client()
    for path in (*one.answered, *two.answered, *three.answered):
        eventually(lambda path=path: instance(client, path).status_code == 200, f"{path} is not there")  # type: ignore[misc]
        here, there = instance(mine, path), instance(client, path)
        assert here.status_code == there.status_code == 200 and here.content == there.content
        assert same_image(path, there.content, folder)
    studies = {dcmread(path, stop_before_pixels=True).StudyInstanceUID for path in (one.files[0], two.files[0], three.files[0])}
    for each in (mine, client):
        assert {row["0020000D"]["Value"][0] for row in each.get("/dicom-web/studies").json()} == studies


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_roles_on_machines_of_their_own(s3: ceph.S3, bucket: str, postgresql: PostgreSQL, tmp_path: Path, data: Path) -> None:
    """A web role here, a DICOM role and two of HL7 there, no worker: each copies what it was given, and gives what others got."""
    source = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[0]
    url = postgresql.create("isocenter_template")
    keys = {"ISOCENTER_S3_ACCESS_KEY": ceph.ACCESS, "ISOCENTER_S3_SECRET_KEY": ceph.SECRET}
    common = ("--database", url, "--storage", s3.storage(bucket), "--dicom-processes", "1", "--storage-safe-in", "1")
    web = start(tmp_path / "web", *common, extra=keys, role="web")
    dicom = start(tmp_path / "dicom", *common, extra=keys, role="dicom")
    listening = [free_port(), free_port()]
    hl7 = [start(tmp_path / f"hl7-{port}", *common, "--hl7", f"127.0.0.1:{port}", extra=keys, role="hl7") for port in listening]
    try:
        web.wait_until_ready(PATIENCE)
        dicom.wait_until_said("Isocenter is ready", PATIENCE)
        sent = Sender(dicom, source, tmp_path / "sent", 3)
        assert sent.done.wait(PATIENCE) and len(sent.answered) == 3
        stored = _series(source, tmp_path / "stored", 2)
        client = web.client()
        for path in stored:
            answer = client.post("/dicom-web/studies", content=multipart(path), headers={"content-type": MULTIPART})
            assert answer.status_code == 200, answer.text
        eventually(lambda: gauge(client, "isocenter_uploads_waiting") == 0, "what came in is not copied")
        assert all(same_image(path, instance(client, path).content, tmp_path) for path in sent.answered)
        into = tmp_path / "got"
        into.mkdir()
        study = dcmread(stored[0], stop_before_pixels=True).StudyInstanceUID
        subprocess.run(["getscu", "-S", "-aec", dicom.aet, "127.0.0.1", str(dicom.dicom_port), "-od", into,
                        "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"], check=True, timeout=120)
        got = {dcmread(path).SOPInstanceUID: path for path in into.iterdir()}
        assert len(got) == 2
        for path in stored:
            assert same_image(path, got[dcmread(path, stop_before_pixels=True).SOPInstanceUID].read_bytes(), tmp_path)
        _prove_orders(hl7, listening, web, dicom)
    finally:
        for server in (web, dicom, *hl7):
            if server.process.poll() is None:
                server.stop()
        postgresql.drop(url)


def _prove_orders(nodes: list[Server], ports: list[int], web: Server, dicom: Server) -> None:
    """An order that one HL7 node took and the other changed is one row, in the worklists of all."""
    for number, port in enumerate(ports):
        nodes[number].wait_until_said("Isocenter is ready", PATIENCE)
        ris = messages.Sender.to(port)
        start_at = f"2026112{4 + number}110000"
        assert ris.code(messages.orm(("NW", "XO")[number], control=str(number), start=start_at)) == "AA"
        ris.close()
    keys = ["-k", "AccessionNumber", "-k", "(0040,0100)[0].ScheduledProcedureStepStartDate="]
    found = subprocess.run(["findscu", "-W", "-aec", dicom.aet, "127.0.0.1", str(dicom.dicom_port), *keys], check=True,
                           timeout=120, capture_output=True, text=True)
    told = found.stdout + found.stderr
    assert told.count("[A1]") + told.count("[A1 ]") == 1 and "20261125" in told and "20261124" not in told
    (order,) = web.client().get("/api/v1/orders").json()["orders"]
    assert order["AccessionNumber"] == "A1"


MULTIPART = 'multipart/related; type="application/dicom"; boundary=xyz'


def multipart(path: Path) -> bytes:
    """The body of a STOW-RS request with one file."""
    return b"--xyz\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--xyz--\r\n"
