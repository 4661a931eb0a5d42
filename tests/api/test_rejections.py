"""Rejecting over the API, as the web client does it; the note is a Key Object Selection that dciodvfy finds no error in."""

import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.store import imaging
from objects import CT, part10, uid


@pytest.mark.anyio
async def test_reject_look_delete_keep_restore(sqlite_api: Api, tmp_path: Path) -> None:
    api, study, bad = sqlite_api, uid(), uid()
    for series in (bad, uid()):
        api.store(part10(StudyInstanceUID=study, SeriesInstanceUID=series, PatientName="Müller^Ü"))
    admin, technologist, radiologist = (api.token(role) for role in (Role.ADMIN, Role.TECHNOLOGIST, Role.RADIOLOGIST))
    async with api.client(radiologist) as client:
        asked = {"kind": "quality", "reason": "The patient moved \\ twice", "series": [bad]}
        made = await client.post(f"/studies/{study}/rejections", json=asked)
        assert made.status_code == 201, made.text
        number = made.json()["id"]
        assert (made.json()["code"], made.json()["hidden"], made.json()["objects"]) == ("113001", 1, 1)
        (row,) = (await client.get("/studies")).json()["studies"]
        assert (row["NumberOfStudyRelatedSeries"], row["NumberOfStudyRelatedInstances"]) == (1, 1)
        assert row["ModalitiesInStudy"] == ["CT"]  # and not KO: the note is hidden, too
        assert [each["SeriesInstanceUID"] for each in (await client.get(f"/studies/{study}")).json()["series"]] != [bad]
        for path in ("/rejections", f"/rejections/{number}", "/holds"):
            assert (await client.get(path)).status_code == 403
        missing = await client.post(f"/studies/{study}/rejections", json=asked)
        assert missing.status_code == 404  # it is hidden from who rejects, too
    async with api.client(technologist) as client:
        found = (await client.get(f"/rejections/{number}")).json()
        assert found["study"]["PatientName"] == "Müller^Ü" and [each["state"] for each in found["objects"]] == ["hidden"]
        assert (await client.post(f"/rejections/{number}/delete", json={"reason": "x"})).status_code == 403
    async with api.client(admin) as client:
        assert (await client.post(f"/studies/{study}/hold", json={"reason": "a lawsuit"})).status_code == 204
        refused = await client.post(f"/rejections/{number}/delete", json={"reason": "too old"})
        assert refused.status_code == 409 and "legal hold" in refused.text
        assert (await client.post(f"/studies/{study}/hold/release", json={"reason": "ended"})).status_code == 204
        marked = (await client.post(f"/rejections/{number}/delete", json={"reason": "too old"})).json()
        assert marked["delete_at"] > marked["at"] and marked["deleted_by"] == "admin"
        assert [each["id"] for each in (await client.get("/rejections?state=marked")).json()["rejections"]] == [number]
        assert (await client.post(f"/rejections/{number}/keep")).json()["delete_at"] is None
        note_uid = marked["note_uid"]
        assert (await client.post(f"/rejections/{number}/restore")).json()["undone_by"] == "admin"
        assert (await client.get("/studies")).json()["studies"][0]["NumberOfStudyRelatedInstances"] == 2
    located = api.context.database.read(lambda connection: imaging.locate_hidden(connection, study, None, note_uid))
    assert located is not None
    with api.context.blobs.open(located.blob_key) as file:
        content = file.read_at(0, file.size)
    (tmp_path / "note.dcm").write_bytes(content)
    said = subprocess.run(["dciodvfy", "-new", str(tmp_path / "note.dcm")], capture_output=True, text=True)
    assert "Error" not in said.stderr + said.stdout, said.stderr + said.stdout
    note = dcmread(BytesIO(content))
    assert note.ConceptNameCodeSequence[0].CodeMeaning == "Rejected for Quality Reasons" and note.Modality == "KO"
    (series_item,) = note.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert (series_item.SeriesInstanceUID, series_item.ReferencedSOPSequence[0].ReferencedSOPClassUID) == (bad, CT)
