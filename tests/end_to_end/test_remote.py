"""A running Isocenter searches Orthanc and fetches from it, as its web client asks it to: over HTTP, with real associations."""

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

import objects
import remotes
from isocenter.dimse.client import Association, contexts_of
from servers import Server, running

STUDY, OTHER, LATER, LAST = "2.25.7001", "2.25.7002", "2.25.7003", "2.25.7004"


def eventually(read: Callable[[], Any], *, seconds: float = 60) -> Any:
    """The first value that is true."""
    deadline = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return value


def fill(remote: remotes.Remote, folder: Path) -> None:
    """Studies of one patient: one of five images, one of each of the others."""
    paths = []
    for study, count in ((STUDY, 5), (OTHER, 1), (LATER, 1), (LAST, 1)):
        for number in range(count):
            path = folder / f"{study}-{number}.dcm"
            path.write_bytes(objects.part10(PatientName="Müller^Anna", PatientID="ANNA-1", StudyInstanceUID=study,
                                            SeriesInstanceUID=f"{study}.1", SOPInstanceUID=f"{study}.1.{number}"))
            paths.append(path)
    with Association("127.0.0.1", remote.port, calling="FILLER", called=remote.aet, contexts=contexts_of(paths)) as to:
        assert all(to.store(path).stored for path in paths)


def api(server: Server) -> httpx.Client:
    client = server.client()
    client.base_url = httpx.URL(f"{server.url}/api/v1/")
    return client


def add_peer(client: httpx.Client, remote: remotes.Remote, aet: str, archive: str) -> None:
    peer = {"aet": aet, "host": "127.0.0.1", "port": remote.port, "archive": archive}
    answer = client.post("peers", json=peer)
    assert answer.status_code == 201, answer.text


def ended(client: httpx.Client, retrieval: int) -> dict[str, Any]:
    def read() -> Any:
        rows = client.get("retrievals").json()["retrievals"]
        return next((row for row in rows if row["id"] == retrieval and row["state"] not in ("waiting", "running")), None)

    return eventually(read)


@pytest.mark.long
def test_a_study_is_found_elsewhere_and_fetched_with_progress(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running(tmp_path / "archive"))
        remote = stack.enter_context(remotes.orthanc(tmp_path / "orthanc", server.dicom_port))
        fill(remote, tmp_path)
        client = api(server)
        add_peer(client, remote, "ORTHANC", "fetch")
        # C-FIND: umlauts there and back, and what of it is here
        found = client.get("remote/ORTHANC/studies", params={"PatientName": "Müller, anna"}).json()
        shown = {row["StudyInstanceUID"]: (row["PatientName"], row["NumberOfStudyRelatedInstances"], row["here"])
                 for row in found["studies"]}
        assert shown == {uid: ("Müller^Anna", 5 if uid == STUDY else 1, None) for uid in (STUDY, OTHER, LATER, LAST)}
        assert not found["limited"]
        # C-MOVE to ourselves: Orthanc knows us
        asked = client.post("retrievals", json={"aet": "ORTHANC", "StudyInstanceUID": STUDY})
        assert asked.status_code == 202 and asked.json()["state"] == "waiting"
        row = ended(client, asked.json()["id"])
        assert (row["state"], row["how"], row["completed"], row["failed"]) == ("done", "C-MOVE", 5, 0), row
        assert row["PatientName"] == "Müller^Anna" and row["asked_by"] == "admin"
        study = client.get(f"studies/{STUDY}").json()["study"]
        assert study["NumberOfStudyRelatedInstances"] == 5
        # What the patient has elsewhere, and not here
        elsewhere = client.get(f"studies/{STUDY}/elsewhere").json()
        assert {one["StudyInstanceUID"] for one in elsewhere["studies"]} == {OTHER, LATER, LAST} and elsewhere["silent"] == []
        # A miss
        assert client.get(f"studies/{OTHER}").status_code == 404
        missed = client.post(f"studies/{OTHER}/fetch").json()["retrieval"]
        assert ended(client, missed["id"])["state"] == "done"
        assert client.get(f"studies/{OTHER}").status_code == 200
        assert client.post("studies/2.25.999/fetch").json() == {}
        # Workstations ask for what is not here, too
        got = retrieve("getscu", server.dicom_port, LATER, "+B", "-od", str(tmp_path))
        assert "Completed Suboperations : 1" in got and client.get(f"studies/{LATER}").status_code == 200, got
        receiver = stack.enter_context(remotes.storescp(tmp_path / "storescp"))
        add_peer(client, receiver, "STORESCP", "")
        moved = retrieve("movescu", server.dicom_port, LAST, "-aem", "STORESCP")
        assert len(receiver.files()) == 1 and client.get(f"studies/{LAST}").status_code == 200, moved
        retrieve("movescu", server.dicom_port, "2.25.999", "-aem", "STORESCP")
        assert len(receiver.files()) == 1


def retrieve(program: str, port: int, study: str, *options: str) -> str:
    """What dcmtk's C-GET or C-MOVE client says when it asks this archive for a study."""
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}")
    argv = [program, "-v", "-S", "-aec", "ISOCENTER", *options, *keys, "127.0.0.1", str(port)]
    done = subprocess.run(argv, env=remotes.ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.long
def test_an_archive_that_does_not_know_us_gives_by_c_get_and_one_that_is_gone_says_so(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running(tmp_path / "archive"))
        client = api(server)
        with remotes.orthanc(tmp_path / "orthanc", server.dicom_port, DicomModalities={}) as remote:
            fill(remote, tmp_path)
            add_peer(client, remote, "ORTHANC", "search")
            asked = client.post("retrievals", json={"aet": "ORTHANC", "StudyInstanceUID": STUDY}).json()
            row = ended(client, asked["id"])
            assert (row["state"], row["how"], row["completed"]) == ("done", "C-GET", 5), row
            assert client.get(f"studies/{STUDY}").json()["study"]["NumberOfStudyRelatedInstances"] == 5
        gone = client.get("remote/ORTHANC/studies", params={"PatientID": "ANNA-1"})
        assert gone.status_code == 503 and "ORTHANC could not be searched" in gone.json()["error"]["message"]
        asked = client.post("retrievals", json={"aet": "ORTHANC", "StudyInstanceUID": OTHER}).json()
        waiting = eventually(lambda: next((row for row in client.get("retrievals").json()["retrievals"]
                                           if row["id"] == asked["id"] and row["reason"]), None))  # fmt: skip
        assert waiting["state"] == "waiting" and "obody answers" in waiting["reason"]
        assert client.post(f"retrievals/{asked['id']}/cancel").status_code == 204
        assert ended(client, asked["id"])["state"] == "cancelled"
