"""The exceptions list with a proposal for each kind and one call that settles it; and studies that are split and joined again."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from pydicom import dcmread
from sqlalchemy import select

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.service import exceptions, integrity, rejections
from isocenter.store import imaging
from isocenter.store.schema import instance, study
from objects import part10, uid

pytestmark = pytest.mark.anyio


async def case(client: httpx.AsyncClient, kind: str) -> dict[str, Any]:
    (found,) = (await client.get(f"/exceptions?kind={kind}")).json()["exceptions"]
    return dict(found)


async def settle(client: httpx.AsyncClient, found: dict[str, Any]) -> None:
    wrong = "serve" if found["proposal"]["action"] != "serve" else "again"
    assert (await client.post(f"/exceptions/{found['id']}/resolve", json={"action": wrong})).status_code == 409
    done = await client.post(f"/exceptions/{found['id']}/resolve", json={"action": found["proposal"]["action"]})
    assert done.status_code == 204, done.text
    assert (await client.get(f"/exceptions?kind={found['kind']}")).json()["exceptions"] == []
    assert (await client.post(f"/exceptions/{found['id']}/resolve", json={"action": "again"})).status_code == 404


def served(api: Api, sop: str) -> bytes:
    query = select(instance.c.blob_key, instance.c.size).where(instance.c.sop_instance_uid == sop, instance.c.current)
    row = api.context.database.read(lambda connection: connection.execute(query).one())
    with api.context.blobs.open(row.blob_key) as file:
        return file.read_at(0, row.size)


async def test_an_object_of_another_patient_is_filed_in_its_study(api: Api) -> None:
    held, sop = uid(), uid()
    api.store(part10(StudyInstanceUID=held, SeriesInstanceUID=uid(), PatientID="A", PatientName="Right^Rita"))
    api.store(part10(StudyInstanceUID=held, SeriesInstanceUID=uid(), SOPInstanceUID=sop, PatientID="B", PatientName="Wrong^W"))
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        found = await case(client, "quarantined")
        assert (found["proposal"]["action"], found["proposal"]["patient"]) == ("file", True)
        assert "Right" not in str(found)  # the list names nobody
        reads = api.kinds().count("exception.read")
        assert (await client.get(f"/exceptions/{found['id']}/patient")).json()["PatientID"] == "A"
        assert api.kinds().count("exception.read") == reads + 1
        await settle(client, found)
        assert len((await client.get(f"/studies/{held}")).json()["series"]) == 2
    filed = dcmread(BytesIO(served(api, sop)))
    assert (filed.PatientID, str(filed.PatientName)) == ("A", "Right^Rita")
    (original,) = filed.OriginalAttributesSequence
    assert original.ModifiedAttributesSequence[0].PatientID == "B"
    assert len(list(api.context.blobs.list("quarantine"))) == 1  # as it came
    assert all(each.status != "refused" for each in integrity.reindex(api.context, lambda count: None))
    assert dcmread(BytesIO(served(api, sop))).PatientID == "A"


async def test_the_version_that_came_later_is_served(api: Api) -> None:
    where = {"StudyInstanceUID": uid(), "SeriesInstanceUID": uid(), "SOPInstanceUID": uid()}
    for words in ("first", "second"):
        api.store(part10(**where, SeriesDescription=words))
    assert b"first" in served(api, where["SOPInstanceUID"])
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        await settle(client, await case(client, "version"))
    assert b"second" in served(api, where["SOPInstanceUID"])
    list(integrity.reindex(api.context, lambda count: None))
    assert exceptions.recover(api.context) == 1 and b"second" in served(api, where["SOPInstanceUID"])


async def test_other_demographics_are_corrected_and_a_study_without_an_id_finds_its_patient(api: Api) -> None:
    right, other, nobodys = uid(), uid(), uid()
    api.store(part10(StudyInstanceUID=right, SeriesInstanceUID=uid(), PatientID="A", PatientName="Doe^Jane"))
    api.store(part10(StudyInstanceUID=other, SeriesInstanceUID=uid(), PatientID="A", PatientName="Do^Jane"))
    api.store(part10(StudyInstanceUID=nobodys, SeriesInstanceUID=uid(), PatientID="", PatientName="Doe^Jane"))
    while exceptions.follow(api.context):
        pass
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        for kind, uid_ in (("patient_conflict", other), ("unmatched", nobodys)):
            found = await case(client, kind)
            assert (found["StudyInstanceUID"], found["proposal"]["action"]) == (uid_, "correct")
            await settle(client, found)
            row = (await client.get(f"/studies/{uid_}")).json()["study"]
            assert (row["PatientID"], row["PatientName"]) == ("A", "Doe^Jane")
        assert len((await client.get(f"/corrections?study={other}")).json()["corrections"]) == 1


async def test_series_leave_a_study_and_come_back(api: Api) -> None:
    held, stays, goes = uid(), uid(), uid()
    for series in (stays, goes, goes):
        api.store(part10(StudyInstanceUID=held, SeriesInstanceUID=series, PatientID="A", SeriesDescription=f"of {series}"))
    before = api.context.database.read(lambda connection: imaging.locate(connection, held))
    body = {"series": [goes], "reason": "two examinations", "patient": {"PatientID": "B", "PatientName": "Roe^Richard"}}
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        for wrong in ({**body, "series": [goes, stays]}, {**body, "into": held}):
            assert (await client.post(f"/studies/{held}/splits", json=wrong)).status_code == 400
        made = await client.post(f"/studies/{held}/splits", json=body)
        assert made.status_code == 201, made.text
        target = made.json()["into_uid"]
        (left,) = (await client.get(f"/studies/{held}")).json()["series"]
        assert left["SeriesInstanceUID"] == stays
        new = (await client.get(f"/studies/{target}")).json()
        assert (new["study"]["PatientID"], new["study"]["NumberOfStudyRelatedInstances"]) == ("B", 2)
        (moved,) = new["series"]
        assert moved["SeriesInstanceUID"] != goes and moved["SeriesDescription"] == f"of {goes}"
        copy = dcmread(BytesIO(served(api, moved["first"]["SOPInstanceUID"])))
        assert (copy.StudyInstanceUID, copy.PatientID, copy.file_meta.MediaStorageSOPInstanceUID) == (
            target, "B", copy.SOPInstanceUID)  # fmt: skip
        said = copy.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert (said.StudyInstanceUID, said.PatientID) == (held, "A")
        assert len(copy.PixelData) == 512
        (kept,) = (await client.get(f"/studies/{target}/splits")).json()["splits"]
        assert (await client.post(f"/splits/{kept['id']}/undo")).status_code == 204
        assert (await client.post(f"/splits/{kept['id']}/undo")).status_code == 409
        assert (await client.get(f"/studies/{target}")).status_code == 404
    after = api.context.database.read(lambda connection: imaging.locate(connection, held))
    assert [each.blob_key for each in after] == [each.blob_key for each in before]
    list(integrity.reindex(api.context, lambda count: None))
    rejections.recover(api.context)
    listed = select(study.c.study_instance_uid).where(study.c.number_of_study_related_instances > 0)
    assert set(api.context.database.read(lambda connection: connection.execute(listed).scalars().all())) >= {held}
