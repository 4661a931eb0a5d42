"""C-MOVE over real sockets: dcmtk's movescu and storescp, pynetdicom, and Orthanc that moves from us and gets from us."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context, evt

import objects
import remotes
from dimse.conftest import Archive, eventually
from dimse.test_finding import asked, fill, store
from dimse.test_foreign import ENVIRONMENT, associated
from dimse.test_retrieving import STUDY_2, counts
from isocenter.dicom import sop_classes
from isocenter.dimse import retrieving
from isocenter.domain.access import SYSTEM
from isocenter.domain.events import Event
from isocenter.service import peers
from isocenter.store import changes

PATIENT_ROOT, STUDY_ROOT = sop_classes.PATIENT_ROOT_MOVE, sop_classes.STUDY_ROOT_MOVE

movescu = pytest.mark.skipif(shutil.which("movescu") is None, reason="dcmtk is not installed")
orthanc = pytest.mark.skipif(not remotes.ORTHANC.exists(), reason="Orthanc is not installed")


@pytest.fixture
def filled(archive: Archive) -> Archive:
    fill(archive.context)
    return archive


class Workstation:
    """pynetdicom as a destination that does what a test says."""

    def __init__(self) -> None:
        self.port = 0
        self.uids: list[str] = []
        self.originators: set[tuple[str, int]] = set()
        self.answer: Callable[[str], int] = lambda uid: 0

    def take(self, event: evt.Event) -> int:
        request = event.request
        code = self.answer(request.AffectedSOPInstanceUID)
        self.uids.append(str(request.AffectedSOPInstanceUID))
        self.originators.add((request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID))
        return code


@contextmanager
def workstation(archive: Archive, **facts: object) -> Iterator[Workstation]:
    """A destination that the archive knows as WORKSTATION."""
    made = Workstation()
    entity = AE(ae_title="WORKSTATION")
    entity.add_supported_context(objects.CT, ExplicitVRLittleEndian)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, made.take)])
    made.port = int(server.server_address[1])
    peers.add(archive.context, SYSTEM, aet="WORKSTATION", host="127.0.0.1", port=made.port, **facts)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        server.shutdown()


def move(archive: Archive, level: str, *, model: str = STUDY_ROOT, to: str = "WORKSTATION", **keys: str) -> list[
    tuple[Dataset, Dataset | None]
]:
    """Every answer that pynetdicom gets."""
    association = associated(archive, build_context(model))
    assert association.is_established
    answers = list(association.send_c_move(asked(level, **keys), to, model, msg_id=41))
    association.release()
    return answers


@pytest.mark.parametrize(
    ("model", "level", "keys", "expected"),
    [
        (PATIENT_ROOT, "PATIENT", {"PatientID": "P1"}, {"1.2.1.1.1", *STUDY_2}),
        (sop_classes.PATIENT_STUDY_ONLY_MOVE, "STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.2.2"}, set(STUDY_2)),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "1.2.2\\1.3.1"}, {*STUDY_2, "1.3.1.1.1"}),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1"}, set(STUDY_2[:2])),
        (STUDY_ROOT, "IMAGE", {"SOPInstanceUID": "1.2.2.1.2\\1.2.2.2.1"}, {"1.2.2.1.2", "1.2.2.2.1"}),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "9.9"}, set()),
    ],
)
def test_every_level_and_lists_of_uids(
    filled: Archive, model: str, level: str, keys: dict[str, str], expected: set[str]
) -> None:
    with workstation(filled) as there:
        *pending, (final, failed) = move(filled, level, model=model, **keys)
        assert set(there.uids) == expected and len(there.uids) == len(expected)
        assert there.originators == ({("PYNETDICOM", 41)} if expected else set())
    assert (final.Status, counts(final), failed) == (0, (None, len(expected), 0, 0), None)
    done = [counts(answer) for answer, _ in pending]
    assert done == [(len(expected) - number, number, 0, 0) for number in range(1, len(expected))]


def test_several_associations_at_once_count_each_instance_once(filled: Archive) -> None:
    with workstation(filled, parallel=4) as there:
        final = move(filled, "STUDY", StudyInstanceUID="1.2.2")[-1][0]
        assert sorted(there.uids) == STUDY_2 and counts(final) == (None, 3, 0, 0)


def test_a_destination_that_nobody_knows(filled: Archive) -> None:
    ((final, _),) = move(filled, "STUDY", to="NOBODY", StudyInstanceUID="1.2.2")
    assert final.Status == 0xA801


def test_a_destination_that_is_not_there(filled: Archive) -> None:
    peers.add(filled.context, SYSTEM, aet="GONE", host="127.0.0.1", port=remotes.free_port())
    *_, (final, failed) = move(filled, "STUDY", to="GONE", StudyInstanceUID="1.2.2")
    assert (final.Status, counts(final)) == (0xA702, (None, 0, 3, 0))
    assert failed is not None and sorted(failed.FailedSOPInstanceUIDList) == STUDY_2
    assert "3 failed" in final.ErrorComment


def test_failures_are_listed_and_warnings_counted(filled: Archive) -> None:
    with workstation(filled) as there:
        there.answer = lambda uid: {"1.2.2.1.1": 0xA700, "1.2.2.1.2": 0xB007}.get(uid, 0)
        *_, (final, failed) = move(filled, "STUDY", StudyInstanceUID="1.2.2")
    assert (final.Status, counts(final)) == (0xB000, (None, 1, 1, 1))
    assert failed is not None and failed.FailedSOPInstanceUIDList == "1.2.2.1.1"


def test_a_cancel_ends_it_at_once(filled: Archive) -> None:
    """While the destination has not answered yet: nothing more is begun, and the rest is said to remain."""
    began, go_on = threading.Event(), threading.Event()

    def answer(uid: str) -> int:
        began.set()
        assert go_on.wait(30)
        return 0

    with workstation(filled) as there:
        there.answer = answer
        association = associated(filled, build_context(STUDY_ROOT))
        answers = association.send_c_move(asked("STUDY", StudyInstanceUID="1.2.2"), "WORKSTATION", STUDY_ROOT, msg_id=7)
        canceller = threading.Thread(target=lambda: (began.wait(30), association.send_c_cancel(7, query_model=STUDY_ROOT)))
        canceller.start()
        final = list(answers)[-1][0]
        go_on.set()
        canceller.join()
        association.release()
        assert final.Status == 0xFE00
        assert final.NumberOfRemainingSuboperations >= 2 and len(there.uids) <= 1


def test_who_waits_hears_that_it_goes_on(filled: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieving, "HEARTBEAT", 0.05)
    slow = threading.Event()
    with workstation(filled) as there:
        there.answer = lambda uid: 0 * slow.wait(0.5)
        answers = move(filled, "SERIES", StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1")
    assert [counts(answer) for answer, _ in answers].count((2, 0, 0, 0)) >= 2


def test_who_sent_what_where_is_in_the_change_log(filled: Archive) -> None:
    with workstation(filled):
        move(filled, "STUDY", StudyInstanceUID="1.2.2")
    rows = filled.context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_SENT,)))
    assert [(row.actor, row.subject, row.payload["to"]) for row in rows] == [("PYNETDICOM", "1.2.2", "WORKSTATION")]


# Foreign archives and workstations


@movescu
@pytest.mark.parametrize("option", ["+xa", "+xi", "+xs", "+xr"], ids=["all", "implicit", "jpeg lossless", "rle"])
def test_movescu_to_storescp(archive: Archive, data: Path, tmp_path: Path, option: str) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:4]
    for path in paths:
        store(archive.context, path.read_bytes())
    study = pydicom.dcmread(paths[0], stop_before_pixels=True).StudyInstanceUID
    with remotes.storescp(tmp_path, option, "+B") as remote:
        peers.add(archive.context, SYSTEM, aet="STORESCP", host="127.0.0.1", port=remote.port)
        done = subprocess.run(
            ["movescu", "-v", "-S", "-aec", "ISOCENTER", "-aem", "STORESCP", "-k", "QueryRetrieveLevel=STUDY",
             "-k", f"StudyInstanceUID={study}", "127.0.0.1", str(archive.port)],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )
        assert done.returncode == 0, done.stdout
        assert "Received Final Move Response (Success)" in done.stdout, done.stdout
        arrived = {read.SOPInstanceUID: read for read in map(pydicom.dcmread, remote.files())}
    for original in map(pydicom.dcmread, paths):
        one = arrived[original.SOPInstanceUID]
        assert one.PatientName == original.PatientName and one.Rows == original.Rows
        if not one.file_meta.TransferSyntaxUID.is_compressed:
            assert one.PixelData == original.PixelData


def test_the_applications_of_pynetdicom(archive: Archive, data: Path, tmp_path: Path) -> None:
    """getscu, and movescu whose own storage SCP is the destination; both ask for relational retrieval."""
    path = data / "transfer-syntaxes/MR_small_jp2klossless.dcm"
    store(archive.context, path.read_bytes())
    original = pydicom.dcmread(data / "transfer-syntaxes/MR_small.dcm")
    port = remotes.free_port()
    peers.add(archive.context, SYSTEM, aet="STORESCP", host="127.0.0.1", port=port)
    for name, options in (("getscu", []), ("movescu", ["--store", "--store-port", str(port), "-aem", "STORESCP"])):
        folder = tmp_path / name
        done = subprocess.run(
            [sys.executable, "-m", "pynetdicom", name, "-v", "-S", "-aec", "ISOCENTER", "--relational-retrieval", *options,
             "-k", "QueryRetrieveLevel=IMAGE", "-k", f"SOPInstanceUID={original.SOPInstanceUID}", "-od", folder,
             "127.0.0.1", str(archive.port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
        )
        (arrived,) = folder.iterdir() if folder.exists() else ()
        assert (pydicom.dcmread(arrived).pixel_array == original.pixel_array).all(), done.stdout


@orthanc
def test_orthanc_moves_and_gets_from_us(archive: Archive, data: Path, tmp_path: Path) -> None:
    paths = [*sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:6], data / "transfer-syntaxes/SC_rgb_rle_2frame.dcm"]
    for path in paths:
        store(archive.context, path.read_bytes())
    studies = {pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID for path in paths}
    with remotes.orthanc(tmp_path, archive.port) as remote:
        peers.add(archive.context, SYSTEM, aet="ORTHANC", host="127.0.0.1", port=remote.port)
        for how in ("C-MOVE", "C-GET"):
            for study in studies:
                if how == "C-MOVE":
                    body = {"Level": "Study", "Query": {"StudyInstanceUID": study}}
                    query = remote.http.post("/modalities/isocenter/query", json=body).json()["ID"]
                    done = remote.http.post(f"/queries/{query}/retrieve", json={"TargetAet": "ORTHANC", "Synchronous": True})
                else:
                    body = {"Level": "Study", "Resources": [{"StudyInstanceUID": study}], "Synchronous": True}
                    done = remote.http.post("/modalities/isocenter/get", json=body)
                    if done.status_code == 404:  # this Orthanc is older than 1.12.6 and is no user of C-GET
                        return
                assert done.status_code == 200, done.text
            eventually(lambda: remote.http.get("/statistics").json()["CountInstances"] == len(paths), 30)
            pixels = {
                pydicom.dcmread(BytesIO(remote.http.get(f"/instances/{each}/file").content)).PixelData
                for each in remote.http.get("/instances").json()
            }
            assert pixels == {pydicom.dcmread(path).PixelData for path in paths}
            for each in remote.http.get("/patients").json():
                remote.http.delete(f"/patients/{each}")
