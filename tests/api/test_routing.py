"""Destinations, rules and deliveries over HTTP."""

import pytest

from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import peers, routing
from objects import part10

pytestmark = pytest.mark.anyio

RULE = {
    "name": "CT to the research archive",
    "conditions": [{"attribute": "Modality", "values": ["CT"]}],
    "destinations": ["RESEARCH"],
}


@pytest.fixture
def known(api: Api) -> Api:
    peers.add(api.context, SYSTEM, aet="RESEARCH", host="192.0.2.9", port=104)
    return api


async def test_destinations(known: Api) -> None:
    async with known.client(known.token(Role.ADMIN)) as root:
        body = {"name": "cloud", "kind": "dicomweb", "address": "https://pacs.example.org/dicom-web/", "username": "iso",
                "secret": "s3cret"}
        made = await root.post("/destinations", json=body)
        assert made.status_code == 201
        assert made.json()["address"] == "https://pacs.example.org/dicom-web" and made.json()["has_secret"] is True
        assert "s3cret" not in made.text
        assert (await root.post("/destinations", json=body)).status_code == 409
        for kind, wrong in (("dicomweb", {"address": "ftp://x"}), ("dicomweb", {"address": "https://u:p@x/"}),
                            ("folder", {"address": "relative"}), ("folder", {"hours": "8-17"}), ("dicom", {"address": "NOBODY"}),
                            ("folder", {"address": str(known.context.settings.blob_folder / "archive")}),
                            ("folder", {"secret": "x"}), ("folder", {"name": "a/b"})):
            response = await root.post("/destinations", json={"name": "x", "kind": kind, "address": "/mnt/x", **wrong})
            assert response.status_code == 400 and response.json()["error"]["where"] in wrong, (wrong, response.text)
        changed = await root.patch("/destinations/cloud", json={"paused": True, "hours": "22:00-06:00", "throttle": 1000000})
        assert changed.json() == made.json() | {"paused": True, "hours": "22:00-06:00", "throttle": 1000000}
        listed = (await root.get("/destinations")).json()["destinations"]
        assert [(one["name"], one["kind"]) for one in listed] == [("RESEARCH", "dicom"), ("cloud", "dicomweb")]
        # A known peer is one thing, whoever asks: pausing the destination pauses the peer.
        assert (await root.patch("/destinations/RESEARCH", json={"paused": True})).json()["paused"] is True
        (peer,) = (await root.get("/peers")).json()["peers"]
        assert peer["paused"] is True
        assert (await root.delete("/destinations/cloud")).status_code == 204
        assert (await root.delete("/destinations/cloud")).status_code == 404
    kinds = [kind for kind in known.kinds() if kind.startswith("destination")]
    assert kinds == ["destination.created", "destination.updated", "destination.updated", "destination.removed"]


async def test_rules(known: Api) -> None:
    async with known.client(known.token(Role.ADMIN)) as root:
        made = await root.post("/routes", json=RULE)
        assert made.status_code == 201
        rule = made.json()
        assert rule | {"enabled": True, "senders": [], "called": [], "hours": "", "quiet_seconds": 5} == rule
        assert rule["conditions"] == [{"attribute": "Modality", "values": ["CT"], "excludes": False}]
        assert (await root.post("/routes", json=RULE)).status_code == 409
        for wrong in ({"destinations": ["NOBODY"]}, {"destinations": []}, {"hours": "day"}, {"name": "a/b"},
                      {"conditions": [{"attribute": "Shoe Size", "values": ["1"]}]},
                      {"conditions": [{"attribute": "StudyDate", "values": ["today"]}]},
                      {"conditions": [{"attribute": "Modality", "values": []}]}):
            response = await root.post("/routes", json={**RULE, "name": "other", **wrong})
            assert response.status_code == 400 and response.json()["error"]["where"] in wrong, response.text
        off = await root.patch(f"/routes/{rule['id']}", json={"enabled": False, "senders": ["CT*"]})
        assert off.json() == rule | {"enabled": False, "senders": ["CT*"], "updated_at": off.json()["updated_at"]}
        assert (await root.delete("/destinations/RESEARCH")).status_code == 409  # a rule sends there
        assert "Modality" in (await root.get("/routes/attributes")).json()["attributes"]
        assert (await root.delete(f"/routes/{rule['id']}")).status_code == 204
        assert (await root.get("/routes")).json() == {"routes": []}


async def test_a_rule_is_tried_on_what_came_last_and_then_does_just_that(known: Api) -> None:
    for number, modality in enumerate(("CT", "MR", "CT")):
        study = f"1.2.{number}"
        for instance in range(2 + number):
            known.store(part10(StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", Modality=modality, PatientID=f"P{number}",
                               SOPInstanceUID=f"{study}.1.{instance}"))
    async with known.client(known.token(Role.ADMIN)) as root:
        tried = (await root.post("/routes/try", json={"rule": RULE, "last": 2})).json()
        assert [(one["StudyInstanceUID"], one["instances"], one["matched"], one["destinations"]) for one in tried["studies"]] == [
            ("1.2.2", 4, 4, ["RESEARCH"]), ("1.2.1", 3, 0, [])]
        assert (tried["studies_matched"], tried["instances_matched"]) == (1, 4)
        assert tried["studies"][0]["ModalitiesInStudy"] == ["CT"] and tried["studies"][0]["PatientID"] == "P2"
        assert (await root.get("/deliveries")).json() == {"deliveries": [], "next": None}  # nothing was sent
        await root.post("/routes", json=RULE | {"quiet_seconds": 0})
        assert routing.relay(known.context) == 0  # what came before the rule stays
        known.store(part10(StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1", SOPInstanceUID="1.2.9.1.1"))
        assert routing.relay(known.context) == 1
        (delivery,) = (await root.get("/deliveries")).json()["deliveries"]
        assert delivery["StudyInstanceUID"] == "1.2.9" and delivery["route"] == RULE["name"]
        assert (delivery["destination"], delivery["state"], delivery["instances"]) == ("RESEARCH", "waiting", 1)


async def test_a_person_sends_cancels_and_sends_again(known: Api) -> None:
    known.store(part10(StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.1"))
    async with known.client(known.token(Role.TECHNOLOGIST)) as client:
        asked = await client.post("/deliveries", json={"studies": ["1.2.3"], "destination": "RESEARCH"})
        assert asked.status_code == 202
        (number,) = asked.json()["deliveries"]
        assert (await client.post("/deliveries", json={"studies": ["9.9"], "destination": "RESEARCH"})).status_code == 404
        assert (await client.post("/deliveries", json={"studies": ["1.2.3"], "destination": "NOBODY"})).status_code == 404
        detail = (await client.get(f"/deliveries/{number}")).json()
        assert detail["delivery"]["PatientName"] == "Doe^Jane" and detail["delivery"]["route"] == ""
        assert detail["instances"] == [
            {"SOPInstanceUID": "1.2.3.1", "state": "waiting", "status": 0, "reason": "", "attempts": 0}]
        assert (await client.post(f"/deliveries/{number}/cancel")).status_code == 204
        assert (await client.post(f"/deliveries/{number}/cancel")).status_code == 409
        (row,) = (await client.get("/deliveries", params={"state": "cancelled"})).json()["deliveries"]
        assert row["reason"] == "cancelled by technologist" and row["failed"] == 1
        assert (await client.post(f"/deliveries/{number}/resend", json={})).status_code == 204
        (row,) = (await client.get("/deliveries", params={"study": "1.2.3", "destination": "RESEARCH"})).json()["deliveries"]
        assert (row["state"], row["reason"], row["failed"]) == ("waiting", "", 0)
        assert (await client.post("/deliveries/resend", json={})).json() == {"deliveries": 0}
        assert (await client.get("/deliveries/999")).status_code == 404
        assert (await client.post("/deliveries/999/resend", json={})).status_code == 404
    assert [kind for kind in known.kinds() if kind.startswith("delivery")] == [
        "delivery.requested", "delivery.cancelled", "delivery.resent", "delivery.resent"]


async def test_the_queue_is_read_page_by_page(known: Api) -> None:
    studies = [f"1.2.{number}" for number in range(5)]
    for study in studies:
        known.store(part10(StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1"))
    async with known.client(known.token(Role.ADMIN)) as root:
        for study in studies:
            known.clock.forward(seconds=1)
            await root.post("/deliveries", json={"studies": [study], "destination": "RESEARCH"})
        found: list[str] = []
        cursor: dict[str, int] = {}
        while True:
            page = (await root.get("/deliveries", params={"limit": 2, **cursor})).json()
            found += [one["StudyInstanceUID"] for one in page["deliveries"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == studies[::-1]
