"""A study that was filed under the wrong patient: corrected over HTTP, and right at every door; taken back, and as it came."""

import io
import subprocess
import time
import zipfile
from pathlib import Path

import httpx
import pydicom

import remotes
from objects import part10, uid
from servers import Server, running

RIGHT = {"PatientID": "R-77", "PatientName": "Right^Rita", "IssuerOfPatientID": "HOSPITAL", "PatientBirthDate": "19810203",
         "PatientSex": "O"}  # fmt: skip


def fetched(server: Server, study: str, folder: Path) -> pydicom.Dataset:
    """The study by C-GET."""
    folder.mkdir()
    subprocess.run(["getscu", "-S", "-aec", server.aet, "-od", str(folder), "-k", "QueryRetrieveLevel=STUDY", "-k",
                    f"StudyInstanceUID={study}", "127.0.0.1", str(server.dicom_port)], check=True, timeout=120,
                   capture_output=True)  # fmt: skip
    (file,) = folder.iterdir()
    return pydicom.dcmread(file)


def received(remote: remotes.Remote) -> pydicom.Dataset:
    """The only object another archive got since it was looked at last."""
    (file,) = remote.files()
    data = pydicom.dcmread(file)
    file.unlink()
    return data


def moved(server: Server, study: str, remote: remotes.Remote) -> pydicom.Dataset:
    """The study as another archive gets it by C-MOVE."""
    subprocess.run(["movescu", "-S", "-aec", server.aet, "-aem", remote.aet, "-k", "QueryRetrieveLevel=STUDY", "-k",
                    f"StudyInstanceUID={study}", "127.0.0.1", str(server.dicom_port)], check=True, timeout=120,
                   capture_output=True)  # fmt: skip
    return received(remote)


def forwarded(client: httpx.Client, study: str, remote: remotes.Remote) -> pydicom.Dataset:
    """The study as another archive gets it through the queue."""
    (number,) = client.post("/api/v1/deliveries", json={"studies": [study], "destination": remote.aet}).json()["deliveries"]
    until = time.monotonic() + 60
    while (delivery := client.get(f"/api/v1/deliveries/{number}").json()["delivery"])["state"] != "sent":
        assert delivery["state"] not in ("failed", "cancelled") and time.monotonic() < until, delivery
        time.sleep(0.1)
    return received(remote)


def found(server: Server, *keys: str) -> str:
    """What C-FIND answers."""
    words = [word for key in keys for word in ("-k", key)]
    done = subprocess.run(["findscu", "-S", "-aec", server.aet, "-k", "QueryRetrieveLevel=STUDY", *words, "127.0.0.1",
                           str(server.dicom_port)], check=True, timeout=120, capture_output=True)  # fmt: skip
    return (done.stdout + done.stderr).decode()


def test_a_correction_holds_at_every_door_and_can_be_taken_back(tmp_path: Path) -> None:
    study, series, instance = uid(), uid(), uid()
    stored = part10(PatientName="Wrong^Willy", PatientID="W-1", StudyInstanceUID=study, SeriesInstanceUID=series,
                    SOPInstanceUID=instance)
    with running(tmp_path / "data") as server, remotes.storescp(tmp_path / "remote") as remote:
        client = server.client()
        peer = {"aet": remote.aet, "host": "127.0.0.1", "port": remote.port}
        assert client.post("/api/v1/peers", json=peer).status_code == 201
        kind = 'multipart/related; type="application/dicom"; boundary=b'
        sent = client.post("/dicom-web/studies", headers={"Content-Type": kind},
                           content=b"--b\r\nContent-Type: application/dicom\r\n\r\n" + stored + b"\r\n--b--\r\n")
        assert sent.status_code == 200, sent.text
        at = f"/dicom-web/studies/{study}/series/{series}"

        def seen(name: str, patient_id: str) -> pydicom.Dataset:
            (row,) = client.get("/dicom-web/studies", params={"PatientID": patient_id}).json()
            assert row["00100010"]["Value"] == [{"Alphabetic": name}]
            for address in (f"{at}/metadata", f"{at}/instances/{instance}/metadata"):
                (held,) = client.get(address).json()
                assert (held["00100010"]["Value"], held["00100020"]["Value"]) == ([{"Alphabetic": name}], [patient_id])
            whole = client.get(f"{at}/instances/{instance}", headers={"Accept": "application/dicom"})
            data = pydicom.dcmread(io.BytesIO(whole.content))
            assert (str(data.PatientName), data.PatientID) == (name, patient_id)
            parts = client.get(at, headers={"Accept": 'multipart/related; type="application/dicom"'})
            assert name.encode() in parts.content and int(parts.headers.get("content-length", len(parts.content))) == len(
                parts.content)  # fmt: skip
            with zipfile.ZipFile(io.BytesIO(client.get(f"/dicom-web/studies/{study}", headers={
                    "Accept": "application/zip"}).content)) as archive:  # fmt: skip
                files = [archive.read(entry) for entry in archive.namelist() if not entry.endswith("DICOMDIR")]
            assert any(name.encode() in content for content in files)
            frame = client.get(f"{at}/instances/{instance}/frames/1", headers={"Accept": "application/octet-stream"})
            assert frame.content == data.PixelData == bytes(512)
            assert client.get(f"{at}/instances/{instance}/rendered", headers={"Accept": "image/png"}).status_code == 200
            assert name in found(server, f"PatientID={patient_id}", "PatientName")
            by_get = fetched(server, study, tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}")
            asked = {"studyUID": study, "seriesUID": series, "objectUID": instance, "contentType": "application/dicom"}
            old = client.get("/wado", params={"requestType": "WADO", **asked})
            by_uri = pydicom.dcmread(io.BytesIO(old.content))
            for sent in (by_get, by_uri, moved(server, study, remote), forwarded(client, study, remote)):
                assert (str(sent.PatientName), sent.PatientID, sent.PixelData) == (name, patient_id, bytes(512))
                assert ("OriginalAttributesSequence" in sent) == (patient_id == "R-77")
            (listed,) = client.get("/api/v1/studies", params={"q": name.partition("^")[0]}).json()["studies"]
            assert listed["PatientID"] == patient_id
            return by_get

        assert "OriginalAttributesSequence" not in seen("Wrong^Willy", "W-1")
        made = client.post("/api/v1/corrections", json={"studies": [study], "patient": RIGHT, "reason": "chosen wrongly"})
        assert made.status_code == 201, made.text
        (item,) = seen("Right^Rita", "R-77").OriginalAttributesSequence
        assert item.ModifiedAttributesSequence[0].PatientID == "W-1"
        assert client.get("/dicom-web/studies", params={"PatientID": "W-1"}).json() in ([], "")
        undone = client.post(f"/api/v1/corrections/{made.json()['id']}/undo")
        assert undone.status_code == 200 and undone.json()["undone_by"] == "admin"
        assert "OriginalAttributesSequence" not in seen("Wrong^Willy", "W-1")
        files = [path for path in (tmp_path / "data").rglob("*.dcm") if "archive" in path.parts]
        assert [path.read_bytes() for path in files] == [stored]
