"""The exceptions list with a proposal for each kind and one call that settles it; and studies that are split and joined again."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any, get_args

import httpx
import pytest
from pydicom import dcmread
from sqlalchemy import Connection, select

from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.errors import Away, Invalid
from isocenter.service import (
    availability,
    commitment,
    commitment_requests,
    exceptions,
    ingest,
    integrity,
    peers,
    rejections,
    webhooks,
)
from isocenter.store import commitment as commitment_rows
from isocenter.store import exceptions as exception_rows
from isocenter.store import imaging
from isocenter.store import webhooks as webhook_rows
from isocenter.store.commitment import Reference
from isocenter.store.exceptions import Case
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


async def one(client: httpx.AsyncClient, kind: str, action: str) -> dict[str, Any]:
    """The only case of a kind, with what is proposed; settled by one call."""
    found = await case(client, kind)
    assert found["proposal"]["action"] == action and found["proposal"]["sentence"], found
    done = await client.post(f"/exceptions/{found['id']}/resolve", json={"action": action})
    assert done.status_code == 204, done.text
    assert (await client.get(f"/exceptions?kind={kind}")).json()["exceptions"] == []
    return found


def refuse(api: Api) -> None:
    with ingest.begin(api.context, SYSTEM, source="dimse", calling_aet="CT1") as reception:
        reception.write(b"no DICOM at all" * 20)
        with pytest.raises(Invalid):
            reception.finish()


def ask_a_keeper(api: Api) -> commitment_requests.CommitmentRequest:
    note = commitment_requests.Note(api.context, "KEEPER")
    note.take(Reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"))
    note.close()
    asked: list[commitment_requests.CommitmentRequest] = []
    assert commitment_requests.work(api.context, asked.append)
    commitment_requests.answered(api.context, SYSTEM, asked[0].transaction_uid, [], {"1.2.3.4.5": 0x0112})
    return asked[0]


def fail(*unused: Any) -> None:
    raise Away("nobody answers")


def exhaust(api: Api, work: Callable[[], object]) -> None:
    """A week and more of tries, one after the other."""
    for _ in range(12):
        work()
        api.clock.forward(days=1)


async def test_every_kind_of_case_has_a_proposal_that_one_click_settles(api: Api) -> None:
    """Kinds that tests above settle are named; a kind that is neither there nor here fails."""
    settled = {"quarantined", "version", "patient_conflict", "unmatched"}
    api.store(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SOPInstanceUID="1.2.3.1.1"))
    async with api.client(api.token(Role.ADMIN)) as client:
        refuse(api)
        await one(client, "refused", "settle")
        settled.add("refused")

        request = ask_a_keeper(api)
        await one(client, "commitment", "tell")
        assert commitment_requests.get(api.context, SYSTEM, request.id).state == "due"
        settled.add("commitment")

        peers.add(api.context, SYSTEM, aet="RIS", host="127.0.0.1", port=104, notify_availability=True)
        availability.relay(api.context)
        api.store(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SOPInstanceUID="1.2.3.1.2"))
        availability.relay(api.context)
        exhaust(api, lambda: availability.deliver(api.context, fail))
        await one(client, "notification", "tell")
        told: list[tuple[str, str]] = []
        assert availability.deliver(api.context, lambda peer, notice: told.append((peer.aet, notice.study_instance_uid)))
        assert told == [("RIS", "1.2.3")]
        settled.add("notification")
    assert settled == set(get_args(exceptions.Kind))


async def test_a_report_that_was_given_up_is_made_once_more(api: Api) -> None:
    reference = (Reference("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5"),)
    facts = {"transaction_uid": "1.2.9", "peer_aet": "CT1", "references": reference, "lease": timedelta(0)}
    api.context.database.write(lambda c: commitment_rows.add(c, **facts, at=api.context.clock()))  # type: ignore[arg-type]
    exhaust(api, lambda: commitment.deliver(api.context, fail))
    assert not commitment.is_due(api.context)
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        found = await one(client, "commitment", "tell")
        assert "CT1" in found["proposal"]["sentence"]
        assert commitment.deliver(api.context, fail) and not commitment.is_due(api.context)
        again = await case(client, "commitment")  # in vain: it comes back
        assert (again["id"], again["occurrences"]) == (found["id"], 2)
        await one(client, "commitment", "tell")
        told: list[str] = []
        assert commitment.deliver(api.context, lambda asked: told.append(asked.transaction_uid)) and told == ["1.2.9"]


async def test_a_webhook_goes_on_for_who_may_and_others_are_told_that_it_cannot(api: Api) -> None:
    known, _ = webhooks.add(api.context, SYSTEM, name="ris", url="https://ris.example.org/hook", kinds=["study.*"])

    def broken(connection: Connection) -> None:
        at = api.context.clock()
        webhook_rows.put_aside(connection, known.id, first_seq=1, last_seq=1, changes=1, status=400, reason="no", attempts=4,
                               failed_at=at)  # fmt: skip
        webhook_rows.change_(connection, known.id, enabled=False)
        told = Case(kind="notification", reason="it did not take a message", fingerprint="webhook ris", source="webhook")
        exception_rows.record(connection, told, at)

    api.context.database.write(broken)
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        assert (await case(client, "notification"))["proposal"]["action"] == "settle"
    async with api.client(api.token(Role.ADMIN)) as client:
        await one(client, "notification", "tell")
    assert webhooks.get(api.context, SYSTEM, "ris").enabled
    assert [each.resend_asked for each in webhooks.failures(api.context, SYSTEM, "ris")] == [True]
    assert "webhook.resent" in api.kinds()


async def test_without_a_patient_who_fits_a_case_is_settled_all_the_same(api: Api) -> None:
    api.store(part10(StudyInstanceUID=uid(), SeriesInstanceUID=uid(), PatientID="", PatientName="Nobody^Else"))
    while exceptions.follow(api.context):
        pass
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        await one(client, "unmatched", "settle")
