"""Who did what to whom: searched by patient, account, time and kind; as FHIR and DICOM; who asks is noted."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from sqlalchemy import update

from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.events import Event
from isocenter.store import changes
from isocenter.store.schema import change
from objects import part10, uid

pytestmark = pytest.mark.anyio


async def test_who_saw_a_patients_images(api: Api) -> None:
    for patient, study in (("P1", "1.2.1"), ("P1", "1.2.2"), ("P2", "1.2.3")):
        api.store(part10(SeriesInstanceUID=uid(), PatientID=patient, PatientName="Sample^Patient", StudyInstanceUID=study))
    radiologist = api.token(Role.RADIOLOGIST, "rita")
    async with api.client(radiologist, address="10.0.0.9") as client:
        for study in ("1.2.1", "1.2.3"):
            assert (await client.get(f"/studies/{study}")).status_code == 200
    async with api.client(api.token(Role.ADMIN, "ada")) as client:
        found = (await client.get("/audit", params={"patient": "P1", "kind": "study.read"})).json()
        assert [(row["actor"], row["study"], row["address"], row["event"]) for row in found["entries"]] == [
            ("rita", "1.2.1", "10.0.0.9", "DICOM Instances Accessed")]
        assert found["entries"][0]["patient"]["PatientName"] == "Sample^Patient" and found["next"] is None
        everything = (await client.get("/audit", params={"patient": "P1"})).json()["entries"]
        assert {row["study"] for row in everything} == {"1.2.1", "1.2.2"}
        assert {row["kind"] for row in everything} >= {"study.created", "instance.stored", "study.read"}
        assert (await client.get("/audit", params={"patient": "P3"})).json()["entries"] == []
        hers = (await client.get("/audit", params={"user": "rita", "study": "1.2.3"})).json()["entries"]
        assert [row["kind"] for row in hers] == ["study.read"]
        fhir = await client.get("/audit/fhir", params={"user": "rita", "kind": "study.read"})
        assert fhir.headers["content-type"] == "application/fhir+json"
        events = [entry["resource"] for entry in fhir.json()["entry"]]
        assert [event["entity"][1]["what"]["identifier"]["value"] for event in events] == ["P2", "P1"]
        messages = await client.get("/audit/messages", params={"user": "rita", "kind": "study.read"})
        assert [each.tag for each in ElementTree.fromstring(messages.content)] == ["AuditMessage"] * 2
        asked = (await client.get("/audit", params={"kind": "audit.read"})).json()["entries"]
    assert {row["actor"] for row in asked} == {"ada"} and "P1" not in str(asked)  # who asked, not about whom


async def test_pages_and_times(api: Api) -> None:
    for number in range(5):
        api.context.database.write(
            lambda connection, number=number: changes.append(connection, Event.STUDY_READ, f"1.2.{number}", "rita"))
    async with api.client(api.token(Role.ADMIN)) as client:
        first = (await client.get("/audit", params={"user": "rita", "limit": 2})).json()
        assert [row["subject"] for row in first["entries"]] == ["1.2.4", "1.2.3"]
        rest = (await client.get("/audit", params={"user": "rita", "before": first["next"]})).json()
        assert [row["subject"] for row in rest["entries"]] == ["1.2.2", "1.2.1", "1.2.0"]
        at = rest["entries"][0]["at"]
        later = (await client.get("/audit", params={"user": "rita", "from": at})).json()["entries"]
        assert [row["subject"] for row in later] == ["1.2.4", "1.2.3", "1.2.2"]
        earlier = (await client.get("/audit", params={"user": "rita", "to": at})).json()["entries"]
        assert [row["subject"] for row in earlier] == ["1.2.1", "1.2.0"]
        today = at[:10]
        assert len((await client.get("/audit", params={"user": "rita", "from": today, "to": today})).json()["entries"]) == 5
        assert (await client.get("/audit", params={"user": "rita", "to": "2001-01-01"})).json()["entries"] == []
        wrong = await client.get("/audit", params={"from": "yesterday"})
        assert wrong.status_code == 400 and wrong.json()["error"]["where"] == "from"


async def test_only_who_may_read_the_log(sqlite_api: Api) -> None:
    for role in Role:
        async with sqlite_api.client(sqlite_api.token(role)) as client:
            expected = 200 if role is Role.ADMIN else 403
            for path in ("/audit", "/audit/fhir", "/audit/messages"):
                assert (await client.get(path)).status_code == expected


async def test_rows_of_an_older_program_are_filed(api: Api) -> None:
    database = api.context.database

    def older(connection):  # type: ignore[no-untyped-def]
        changes.append(connection, Event.STUDY_READ, "1.2.9", SYSTEM.name, {"study": "1.2.9"})

    database.write(older)
    database.write(lambda connection: connection.execute(update(change).values(study=None)))
    assert database.read(changes.has_unfiled)
    assert database.write(changes.fill_studies) == 1 and not database.read(changes.has_unfiled)
    found = database.read(lambda connection: changes.search(connection, changes.Wanted(studies=("1.2.9",)), None, 10))
    assert [row.subject for row in found] == ["1.2.9"]


def test_a_row_filed_elsewhere_is_found_by_the_chain(api: Api) -> None:
    database = api.context.database
    database.write(lambda connection: changes.append(connection, Event.STUDY_READ, "1.2.9", "rita", {"study": "1.2.9"}))
    assert all(link.sound for link in database.read(lambda connection: list(changes.links(connection))))
    database.write(lambda connection: connection.execute(update(change).values(study="1.2.8")))
    assert [link.sound for link in database.read(lambda connection: list(changes.links(connection)))] == [False]


def test_times_are_found_by_numbers(api: Api) -> None:
    """`_from` never leaves out a row of the time, however the clocks stood."""
    database = api.context.database
    for number in range(60):
        database.write(lambda connection, number=number: changes.append(connection, Event.STUDY_READ, str(number), "rita"))
    rows = database.read(lambda connection: changes.since(connection, 0))
    for row in rows:
        span = changes.Wanted(since=row.at, until=row.at + timedelta(microseconds=1))
        found = database.read(lambda connection, span=span: changes.search(connection, span, None, 100))
        assert row.seq in [each.seq for each in found]
