"""Projects, and studies that leave by them: over the API, from the bytes of the archive to the files in the ZIP."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest

from api_harness import Api
from isocenter.api import deidentification
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.errors import NoSpace
from isocenter.service import deidentifying
from isocenter.store import imaging
from objects import element, part10

pytestmark = pytest.mark.anyio
DATA = Path(__file__).parents[3] / "shared/data"
WHO = {"PatientName": "Doe^Jane", "PatientID": "PAT-4711", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4",
       "SOPInstanceUID": "1.2.3.4.5", "Modality": "CT", "StudyDescription": "Thorax of Jane"}  # fmt: skip


def unpacked(content: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return files, json.loads(files["REPORT.JSO"])


def images(files: dict[str, bytes]) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(io.BytesIO(data)) for name, data in files.items() if name.startswith("DICOM/")]


async def test_a_study_leaves_without_its_patient(api: Api) -> None:
    for number in (5, 6):
        api.store(part10(**{**WHO, "SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": str(number)}))
    async with api.client(api.token(Role.ADMIN)) as client:
        value = {"options": ["modified_dates"], "prefix": "T1-"}
        given = {"name": "TRIAL 1", "description": "a trial", "project": value}
        begun = await client.post("/deidentification/projects", json=given)
        assert begun.status_code == 201, begun.text
        assert "secret" not in begun.text
        again = await client.post("/deidentification/projects", json={"name": "TRIAL 1", "project": {}})
        assert again.status_code == 409
    async with api.client(api.token(Role.RADIOLOGIST)) as client:
        listed = (await client.get("/deidentification/projects")).json()
        assert [each["name"] for each in listed["projects"]] == ["TRIAL 1"] and len(listed["options"]) == 12
        answers = [await client.post("/studies/1.2.3/deidentified", json={"project": "TRIAL 1"}) for _ in range(2)]
        once = await client.post("/studies/1.2.3/deidentified", json={"options": []})
    (files, report), (second, _), (other, _) = (unpacked(answer.content) for answer in (*answers, once))
    found = images(files)
    assert [str(each.PatientName)[:3] for each in found] == ["T1-", "T1-"]
    assert {each.PatientID for each in images(second)} == {each.PatientID for each in found}
    assert {each.PatientID for each in images(other)} != {each.PatientID for each in found}
    for name, data in files.items():
        assert b"Doe" not in data and b"PAT-4711" not in data and b"1.2.3.4" not in data, name
    directory = pydicom.dcmread(io.BytesIO(files["DICOMDIR"]))
    kinds = [record.DirectoryRecordType for record in directory.DirectoryRecordSequence]
    assert kinds == ["PATIENT", "STUDY", "SERIES", "IMAGE", "IMAGE"]
    assert report["objects"] == 2 and report["held_back"] == []
    assert {"PatientName", "StudyDescription"} <= {each["keyword"] for each in report["attributes"]}
    assert b"StudyDescription" in files["REPORT.TXT"]
    async with api.client(api.token(Role.RADIOLOGIST, "later")) as client:
        kept = (await client.get("/deidentification/reports?study=1.2.3&project=TRIAL 1")).json()["reports"]
        assert [(each["form"], each["objects"], each["whole"]) for each in kept] == [("dicom", 2, True)] * 2
        again = (await client.get(f"/deidentification/reports/{kept[-1]['id']}")).json()
        assert again["done"] == report and again["studies"] == ["1.2.3"]
        assert again["text"].encode() == files["REPORT.TXT"]
        first = (await client.get("/deidentification/reports?limit=1")).json()
        assert first["reports"][0]["project"] == "" and first["next"] == first["reports"][0]["id"]
        assert (await client.get(f"/deidentification/reports?cursor={first['next']}")).json()["reports"] == kept
    assert api.kinds().count("study.exported") == 3 and "project.created" in api.kinds()


def study(number: int) -> dict[str, str]:
    return {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"1.2.{number}.1", "SOPInstanceUID": f"1.2.{number}.1.1"}


async def test_several_studies_leave_in_one_zip(api: Api) -> None:
    for number, patient in ((3, "PAT-4711"), (4, "PAT-4711"), (5, "PAT-0815")):
        api.store(part10(**{**WHO, **study(number), "PatientID": patient}))
    async with api.client(api.token(Role.RADIOLOGIST)) as client:
        missing = await client.post("/studies/1.2.3/deidentified", json={"studies": ["1.2.4", "1.2.9"]})
        assert missing.status_code == 404 and "study.exported" not in api.kinds()  # none leaves, and none is said to have left
        some = await client.post("/studies/1.2.3/deidentified", json={"studies": ["1.2.4"], "series": ["1.2.4.1"]})
        assert some.status_code == 400 and some.json()["error"]["where"] == "series"
        many = await client.post("/studies/1.2.3/deidentified", json={"studies": [f"1.3.{number}" for number in range(50)]})
        assert many.status_code == 413
        answer = await client.post("/studies/1.2.3/deidentified", json={"studies": ["1.2.4", "1.2.5", "1.2.3"]})
        again = await client.post("/studies/1.2.3/deidentified", json={"studies": ["1.2.4"]})
    files, report = unpacked(answer.content)
    found = images(files)
    assert len(found) == len({each.StudyInstanceUID for each in found}) == report["studies"] == report["objects"] == 3
    assert len({each.PatientID for each in found}) == 2 and found[0].PatientID == found[1].PatientID
    for name, data in files.items():
        assert b"Doe" not in data and b"PAT-" not in data and b"1.2.4.1" not in data, name
    directory = pydicom.dcmread(io.BytesIO(files["DICOMDIR"]))
    kinds = [record.DirectoryRecordType for record in directory.DirectoryRecordSequence]
    assert (kinds.count("PATIENT"), kinds.count("STUDY"), kinds.count("IMAGE")) == (2, 3, 3)
    other = pydicom.dcmread(io.BytesIO(unpacked(again.content)[0]["DICOMDIR"]))
    assert other.file_meta.MediaStorageSOPInstanceUID != directory.file_meta.MediaStorageSOPInstanceUID
    assert api.kinds().count("study.exported") == 5


async def test_rectangles_are_of_the_series_of_each_study(sqlite_api: Api) -> None:
    pixels = {"Rows": 16, "Columns": 16, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0,
              "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Modality": "US",
              "BurnedInAnnotation": "YES"}  # fmt: skip
    for number in (3, 4, 5):
        sqlite_api.store(part10(0, **{**WHO, **pixels, **study(number)}) + element(0x7FE00010, "OW", bytes([100]) * 256))
    regions = [{"series": "1.2.3.1", "rectangles": [[0, 0, 16, 4]]}, {"series": "1.2.4.1", "rectangles": [[0, 8, 8, 8]]}]
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        asked = {"options": ["pixels"], "studies": ["1.2.4", "1.2.5"], "regions": regions}
        files, report = unpacked((await client.post("/studies/1.2.3/deidentified", json=asked)).content)
    first, second = (each.pixel_array for each in images(files))
    assert not first[:4].any() and (first[4:] == 100).all()
    assert not second[8:, :8].any() and (second[:8] == 100).all() and (second[8:, 8:] == 100).all()
    assert report["objects_with_blackened_pixels"] == report["studies"] == 2  # the third shows text: it is held back
    assert [each["objects"] for each in report["held_back"]] == [1] and "rectangles" in report["held_back"][0]["reason"]


async def test_nobody_gets_what_he_may_not_see(sqlite_api: Api) -> None:
    sqlite_api.store(part10(**WHO))
    async with sqlite_api.client(sqlite_api.token(Role.REFERRER, referrer_name="Wilson^James")) as client:
        assert (await client.post("/studies/1.2.3/deidentified", json={"options": []})).status_code == 404
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        made = await client.post("/deidentification/projects", json={"name": "MINE", "project": {}})
        assert made.status_code == 403
        missing = await client.post("/studies/1.2.3/deidentified", json={"project": "NONE"})
        assert missing.status_code == 404
        wrong = await client.post("/studies/1.2.3/deidentified", json={"options": ["full_dates", "modified_dates"]})
        assert wrong.status_code == 400
    assert "study.exported" not in sqlite_api.kinds()


async def test_a_closed_project_gives_nothing_out(sqlite_api: Api) -> None:
    sqlite_api.store(part10(**WHO))
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        await client.post("/deidentification/projects", json={"name": "OLD", "project": {}})
        closed = await client.patch("/deidentification/projects/OLD", json={"closed": True})
        assert closed.json()["closed"] is True
        assert (await client.post("/studies/1.2.3/deidentified", json={"project": "OLD"})).status_code == 409


SYNTAXES = [
    ("transfer-syntaxes/same-image/US1/US1_UNC", True), ("transfer-syntaxes/same-image/US1/US1_RLE", True),
    ("transfer-syntaxes/same-image/US1/US1_J2KR", True), ("transfer-syntaxes/same-image/US1/US1_J2KI", False),
]  # fmt: skip


@pytest.mark.parametrize("path,same", SYNTAXES, ids=lambda each: Path(each).stem if isinstance(each, str) else "")
async def test_burned_in_text_is_made_black(sqlite_api: Api, path: str, same: bool) -> None:
    source = DATA / path
    if not source.exists():
        pytest.skip("no such file")
    before = pydicom.dcmread(source)
    sqlite_api.store(source.read_bytes())
    study, series = before.StudyInstanceUID, before.SeriesInstanceUID
    region = {"series": series, "rectangles": [[10, 20, 100, 30]]}
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        held = await client.post(f"/studies/{study}/deidentified", json={"options": ["pixels"]})
        assert held.status_code == 422 and "rectangles" in held.text
        answer = await client.post(f"/studies/{study}/deidentified", json={"options": ["pixels"], "regions": [region]})
    files, report = unpacked(answer.content)
    (after,) = images(files)
    assert report["objects_with_blackened_pixels"] == 1 and after.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
    assert (after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID) is same
    pixels, old = (each.pixel_array.reshape(-1, each.Rows, each.Columns, each.SamplesPerPixel) for each in (after, before))
    assert not pixels[:, 20:50, 10:110].any()
    rest = np.ones(pixels.shape[1:3], bool)
    rest[20:50, 10:110] = False
    difference = np.abs(pixels[:, rest].astype(int) - old[:, rest].astype(int)).max()
    assert difference <= (0 if same else 3)  # two decoders of a lossy form may differ in the last bits
    if not same:
        assert after.LossyImageCompression == "01"
    if not same or after.file_meta.TransferSyntaxUID.is_compressed:
        assert np.ptp(pixels) > 0


async def test_rules_know_devices(sqlite_api: Api) -> None:
    source = DATA / "transfer-syntaxes/same-image/US1/US1_UNC"
    before = pydicom.dcmread(source)
    sqlite_api.store(source.read_bytes())
    rule = {"Modality": "US", "Rows": str(before.Rows), "rectangles": [[0, 0, before.Columns, 40]]}
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        value = {"options": ["pixels"], "devices": [rule]}
        await client.post("/deidentification/projects", json={"name": "US", "project": value})
        answer = await client.post(f"/studies/{before.StudyInstanceUID}/deidentified", json={"project": "US"})
        wrong = await client.patch("/deidentification/projects/US", json={"project": {"devices": [{"rectangles": []}]}})
    assert wrong.status_code == 400 and wrong.json()["error"]["where"] == "devices"
    (after,) = images(unpacked(answer.content)[0])
    assert not after.pixel_array[:40].any() and after.pixel_array[40:].any()


async def test_faces_are_held_back(sqlite_api: Api) -> None:
    sqlite_api.store(part10(**{**WHO, "Modality": "MR", "BodyPartExamined": "HEAD", "Rows": 16, "Columns": 16}))
    sqlite_api.store(part10(**{**WHO, "SOPInstanceUID": "1.2.3.4.6", "BodyPartExamined": "CHEST"}))
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        answer = await client.post("/studies/1.2.3/deidentified", json={"options": ["faces"]})
    _, report = unpacked(answer.content)
    assert report["objects"] == 1 and "face" in report["held_back"][0]["reason"]


async def test_a_copy_lies_beside_the_study(sqlite_api: Api) -> None:
    sqlite_api.store(part10(**WHO))
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        answer = await client.post("/studies/1.2.3/deidentified-copy", json={"options": ["descriptors"]})
        assert answer.status_code == 201, answer.text
        uid = answer.json()["StudyInstanceUID"]
        assert uid.startswith("2.25.") and answer.json()["report"]["objects"] == 1
        copy = (await client.get(f"/studies/{uid}")).json()["study"]
        original = (await client.get("/studies/1.2.3")).json()["study"]
        refused = await client.post("/studies/1.2.3/deidentified-copy", json={"options": ["uids"]})
    assert refused.status_code == 409 and "UIDs" in refused.text
    assert copy["PatientID"] == copy["PatientName"] != "PAT-4711" and copy["StudyDescription"] == "Thorax of"
    assert original["PatientName"] == "Doe^Jane"
    async with sqlite_api.client(sqlite_api.token(Role.REFERRER, "who", referrer_name="House^Gregory")) as client:
        assert (await client.post("/studies/1.2.3/deidentified-copy", json={"options": []})).status_code == 403


@pytest.mark.parametrize("harmed", [0, 1, 2])
@pytest.mark.parametrize("harm", ["lost", "zeros", "cut"])
async def test_what_cannot_be_read_is_reported_and_stops_nothing_else(sqlite_api: Api, harmed: int, harm: str) -> None:
    for number in range(3):
        sqlite_api.store(part10(**{**WHO, "SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": str(number)}))
    located = sqlite_api.context.database.read(lambda connection: imaging.locate(connection, "1.2.3"))[harmed]
    path = sqlite_api.context.blobs.path(located.blob_key)  # type: ignore[attr-defined]
    path.chmod(0o600)
    content = path.read_bytes()
    path.unlink()
    if harm != "lost":
        path.write_bytes(bytes(len(content)) if harm == "zeros" else content[:-100])
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        copied = await client.post("/studies/1.2.3/deidentified-copy", json={"options": []})
        zipped = await client.post("/studies/1.2.3/deidentified", json={"options": []})
        assert copied.status_code == 201, copied.text
        copy = (await client.get(f"/studies/{copied.json()['StudyInstanceUID']}")).json()["study"]
    for report in (copied.json()["report"], unpacked(zipped.content)[1]):
        assert report["objects"] == 2 and [each["objects"] for each in report["held_back"]] == [1]
        assert report["held_back"][0]["reason"]
    assert copy["NumberOfStudyRelatedInstances"] == 2


async def test_a_copy_that_finds_the_disk_full_says_so_and_is_completed_later(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        sqlite_api.store(part10(**{**WHO, "SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": str(number)}))
    room = iter([1 << 40, 0])
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        await client.post("/deidentification/projects", json={"name": "MINE", "project": {}})
        with monkeypatch.context() as full:
            full.setattr(deidentification.ingest, "begin", begun_with(room, deidentification.ingest.begin))
            refused = await client.post("/studies/1.2.3/deidentified-copy", json={"project": "MINE"})
        assert refused.status_code == 507 and "completes it" in refused.json()["error"]["kept"]
        again = await client.post("/studies/1.2.3/deidentified-copy", json={"project": "MINE"})
        copy = (await client.get(f"/studies/{again.json()['StudyInstanceUID']}")).json()["study"]
        kept = (await client.get("/deidentification/reports")).json()["reports"]
    assert again.json()["report"]["objects"] == 3 and copy["NumberOfStudyRelatedInstances"] == 3
    assert [(each["form"], each["objects"], each["whole"]) for each in kept] == [("copy", 3, True), ("copy", 1, False)]


async def test_who_breaks_off_has_a_report_of_what_he_got(sqlite_api: Api) -> None:
    for number in range(3):
        sqlite_api.store(part10(**{**WHO, "SOPInstanceUID": f"1.2.3.4.{number}", "InstanceNumber": str(number)}))
    kept = deidentifying.once([], sqlite_api.context.clock())
    found = deidentifying.chosen(sqlite_api.context, SYSTEM, kept, ["1.2.3"])
    call = SimpleNamespace(context=sqlite_api.context, principal=SYSTEM)
    pieces = deidentification._reported(call, kept, found, [], ["1.2.3"])  # type: ignore[arg-type]
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    (report,) = deidentification.reports.page(sqlite_api.context, SYSTEM)
    assert (report.form, report.whole, report.summary.given) == ("dicom", False, 1)


def begun_with(room: Iterator[int], begin: Callable[..., Any]) -> Callable[..., Any]:
    """The door of a disk with so much room each time it is asked."""

    def door(*arguments: Any, **named: Any) -> Any:
        if not next(room):
            raise NoSpace("the disk is full", kept="Nothing of it was kept.")
        return begin(*arguments, **named)

    return door
