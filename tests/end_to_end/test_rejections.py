"""IOCM between archives: a note made here goes to who was sent the images; one that comes in hides them at every door; what is to
be deleted is, by the worker, also when it is killed on the way."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pydicom

import remotes
from isocenter.domain.rejections import CODES
from objects import part10, uid
from servers import Server, running


def until(true: Callable[[], bool], what: str, server: Server) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, f"{what}\n{server.output()[-2000:]}"
        time.sleep(0.1)


def sent(server: Server, *files: Path) -> None:
    to = ["storescu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port)]
    subprocess.run([*to, *map(str, files)], check=True, timeout=60)


def found(server: Server, client: httpx.Client, study: str) -> set[str]:
    """The doors at which a study is found."""
    asked = client.get("/dicom-web/studies", params={"StudyInstanceUID": study})
    doors = {"qido": asked.status_code == 200 and bool(asked.json()),
             "list": bool(client.get("/api/v1/studies", params={"q": f"P{study}"}).json()["studies"]),
             "detail": client.get(f"/api/v1/studies/{study}").status_code == 200,
             "wado": client.get(f"/dicom-web/studies/{study}", headers={"Accept": "application/zip"}).status_code == 200,
             "metadata": client.get(f"/dicom-web/studies/{study}/metadata").status_code == 200}  # fmt: skip
    keys = ["-k", f"StudyInstanceUID={study}"]
    asking = ["findscu", "-S", "-aec", server.aet, "-k", "QueryRetrieveLevel=STUDY", *keys, "-k", "PatientID"]
    done = subprocess.run([*asking, "127.0.0.1", str(server.dicom_port)], check=True, capture_output=True, timeout=60)
    doors["find"] = f"P{study}".encode() in done.stdout + done.stderr
    return {name for name, is_open in doors.items() if is_open}


def kept(server: Server) -> int:
    """How many files the archive has."""
    return sum("archive" in each.parts for each in server.data.rglob("*.dcm"))


def rejection_note(study: str, code: str, meaning: str) -> pydicom.Dataset:
    """A note of all of a study, as another archive writes it: Key Object Selection (PS3.3 A.35.4), title of CID 7011."""
    item, series, evidence, title, content = (pydicom.Dataset() for _ in range(5))
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"{study}.1.1"
    series.SeriesInstanceUID, series.ReferencedSOPSequence = f"{study}.1", [item]
    evidence.StudyInstanceUID, evidence.ReferencedSeriesSequence = study, [series]
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = code, "DCM", meaning
    content.RelationshipType, content.ValueType, content.ReferencedSOPSequence = "CONTAINS", "IMAGE", [item]
    note = pydicom.Dataset()
    note.SOPClassUID, note.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.59", uid()
    note.StudyInstanceUID, note.SeriesInstanceUID, note.Modality = study, uid(), "KO"
    note.PatientID, note.PatientName, note.ValueType, note.ContinuityOfContent = f"P{study}", "Doe^Jane", "CONTAINER", "SEPARATE"
    note.ConceptNameCodeSequence, note.ContentSequence = [title], [content]
    note.CurrentRequestedProcedureEvidenceSequence = [evidence]
    note.file_meta = pydicom.dataset.FileMetaDataset()
    note.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    return note


def image(folder: Path, study: str) -> Path:
    path = folder / f"{study}.dcm"
    named = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "SOPInstanceUID": f"{study}.1.1"}
    path.write_bytes(part10(**named, PatientID=f"P{study}"))
    return path


def test_each_of_the_four_notes_comes_over_the_wire_and_hides_from_each_role(tmp_path: Path) -> None:
    """IOCM: what is named is not found and not given out, whatever the reason; only 113039 lets the same come in anew, once it
    was deleted here."""
    studies = {kind: uid() for kind in CODES}
    with running(tmp_path / "data", "--delete-grace-hours", "0") as server:
        admin = server.client()
        clients = {"admin": admin}
        for role in ("technologist", "radiologist"):
            password = "a long one for this test"
            body = {"name": role, "role": role, "password": password}
            assert admin.post("/api/v1/users", json=body).status_code == 201
            clients[role] = server.client(role, password)
        sent(server, *(image(tmp_path, study) for study in studies.values()))
        instance = "/dicom-web/studies/{0}/series/{0}.1/instances/{0}.1.1"
        for kind, study in studies.items():
            assert all(len(found(server, client, study)) == 6 for client in clients.values())
            rejection_note(study, *CODES[kind]).save_as(tmp_path / "note.dcm", enforce_file_format=True)
            sent(server, tmp_path / "note.dcm")
            until(lambda study=study: found(server, admin, study) == set(), f"{kind} hides", server)  # type: ignore[misc]
            opened = {role: client.get(instance.format(study), headers={"Accept": "multipart/related; type=application/dicom"})
                      for role, client in clients.items()}  # fmt: skip
            assert {role: answer.status_code for role, answer in opened.items()} == {
                "admin": 200, "technologist": 200, "radiologist": 404}, kind
            assert all(found(server, client, study) == set() for client in clients.values())
        listed = clients["technologist"].get("/api/v1/rejections").json()["rejections"]
        assert {each["code"] for each in listed} == {code for code, _ in CODES.values()}
        assert {each["source"] for each in listed} == {"received"} and all(each["hidden"] == 1 for each in listed)
        assert clients["radiologist"].get("/api/v1/rejections").status_code == 403

        for each in listed:
            assert admin.post(f"/api/v1/rejections/{each['id']}/delete", json={"reason": "not needed"}).status_code == 200
        until(lambda: kept(server) == len(CODES), "the images are deleted, the notes stay", server)
        sent(server, *(tmp_path / f"{study}.dcm" for study in studies.values()))
        until(lambda: len(found(server, admin, studies["retention"])) == 6, "what had expired is taken in as new", server)
        hidden = {kind for kind, study in studies.items() if not found(server, admin, study)}
        assert hidden == {"quality", "safety", "worklist"}


def test_each_of_the_four_notes_is_sent_to_who_has_the_images(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server, remotes.storescp(tmp_path / "remote") as remote:
        client, expected = server.client(), dict[str, str]()
        assert client.post("/api/v1/peers", json={"aet": remote.aet, "host": "127.0.0.1", "port": remote.port}).status_code == 201
        for kind, (code, _) in CODES.items():
            study = uid()
            sent(server, image(tmp_path, study))
            client.post("/api/v1/deliveries", json={"studies": [study], "destination": remote.aet})
            until(lambda study=study: study in {each.StudyInstanceUID for each in map(pydicom.dcmread, remote.files())},  # type: ignore[misc]
                  "the image is sent", server)  # fmt: skip
            made = client.post(f"/api/v1/studies/{study}/rejections", json={"kind": kind, "reason": "because"})
            assert made.status_code in (200, 201), made.text
            expected[made.json()["note_uid"]] = code

        def notes() -> dict[str, str]:
            read = [each for each in map(pydicom.dcmread, remote.files()) if each.Modality == "KO"]
            return {each.SOPInstanceUID: each.ConceptNameCodeSequence[0].CodeValue for each in read}

        until(lambda: notes() == expected, "each note is sent, with its title", server)


def test_notes_go_out_come_in_and_what_is_rejected_is_deleted(tmp_path: Path) -> None:
    study, other = uid(), uid()
    files = tmp_path / "files"
    files.mkdir()
    for number, each in enumerate((study, study, other)):
        content = part10(StudyInstanceUID=each, SeriesInstanceUID=f"{each}.1", PatientID=f"P{each}")
        (files / f"{number}.dcm").write_bytes(content)
    with running(tmp_path / "data", "--delete-grace-hours", "0") as server, remotes.storescp(tmp_path / "remote") as remote:
        client = server.client()
        sent(server, *sorted(files.iterdir()))
        peer = {"aet": remote.aet, "host": "127.0.0.1", "port": remote.port}
        assert client.post("/api/v1/peers", json=peer).status_code == 201
        asked = client.post("/api/v1/deliveries", json={"studies": [study], "destination": remote.aet})
        (number,) = asked.json()["deliveries"]
        state = f"/api/v1/deliveries/{number}"
        until(lambda: client.get(state).json()["delivery"]["state"] == "sent", "the images are sent", server)
        assert len(found(server, client, study)) == 6

        made = client.post(f"/api/v1/studies/{study}/rejections", json={"kind": "safety", "reason": "wrong side"}).json()
        until(lambda: len(list(remote.files())) == 3, "the note is sent to who has the images", server)
        notes = [data for data in map(pydicom.dcmread, remote.files()) if data.Modality == "KO"]
        assert [note.SOPInstanceUID for note in notes] == [made["note_uid"]]
        assert notes[0].ConceptNameCodeSequence[0].CodeValue == "113037"
        assert found(server, client, study) == set() and len(found(server, client, other)) == 6

        # The same note, of the other study, as another archive would send it.
        theirs = notes[0]
        theirs.StudyInstanceUID, theirs.SeriesInstanceUID, theirs.SOPInstanceUID = other, uid(), uid()
        theirs.file_meta.MediaStorageSOPInstanceUID = theirs.SOPInstanceUID
        theirs.PatientID = f"P{other}"
        (evidence,) = theirs.CurrentRequestedProcedureEvidenceSequence
        evidence.StudyInstanceUID = other
        (series,) = evidence.ReferencedSeriesSequence
        series.SeriesInstanceUID = f"{other}.1"
        series.ReferencedSOPSequence = series.ReferencedSOPSequence[:1]
        named = pydicom.dcmread(files / "2.dcm").SOPInstanceUID
        series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = named
        theirs.save_as(tmp_path / "theirs.dcm")
        sent(server, tmp_path / "theirs.dcm")
        until(lambda: found(server, client, other) == set(), "a note that came in hides", server)
        sent(server, files / "2.dcm")  # again: success, and still hidden
        assert found(server, client, other) == set()

        received = next(each for each in client.get("/api/v1/rejections").json()["rejections"] if each["source"] == "received")
        assert kept(server) == 5  # and the two notes
        for each in (made["id"], received["id"]):
            assert client.post(f"/api/v1/rejections/{each}/delete", json={"reason": "not needed"}).status_code == 200
        (worker,) = server.pids("worker")
        os.kill(worker, signal.SIGKILL)
        until(lambda: kept(server) == 2, "rows and files are deleted", server)
        check = subprocess.run(server.command("verify"), capture_output=True, text=True, timeout=120)
        assert check.returncode == 0, check.stdout + check.stderr
        listed = subprocess.run(server.command("rejection", "list"), capture_output=True, text=True, timeout=60)
        assert "wrong side" in listed.stdout and listed.returncode == 0
    shutil.rmtree(files)
