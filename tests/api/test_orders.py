"""Orders over HTTP."""

from typing import Any

import pytest

from api_harness import Api
from isocenter.domain.access import Role

pytestmark = pytest.mark.anyio

STEP = {
    "Modality": "CT", "ScheduledStationAETitle": ["CT1"], "ScheduledProcedureStepStartDate": "20261123",
    "ScheduledProcedureStepStartTime": "0930",
}  # fmt: skip
ORDER: dict[str, Any] = {"PatientName": "Müller^Jürgen", "PatientID": "P1", "steps": [STEP]}
CODE = {"CodeValue": "CTABD", "CodingSchemeDesignator": "99LOCAL", "CodeMeaning": "CT abdomen"}


async def test_an_order_is_taken_shown_changed_and_removed(api: Api) -> None:
    async with api.client(api.token(Role.SERVICE)) as ris:
        answer = await ris.post("/orders", json={
            **ORDER, "PatientBirthDate": "1970-01-31", "PatientWeight": "71.5", "MedicalAlerts": ["Latex", "Pacemaker"],
            "RequestedProcedureCodeSequence": [CODE],
        })
        assert answer.status_code == 201
        order = answer.json()
        assert order["PatientName"] == "Müller^Jürgen" and order["PatientBirthDate"] == "19700131"
        assert order["MedicalAlerts"] == ["Latex", "Pacemaker"] and order["state"] == "scheduled"
        assert order["RequestedProcedureCodeSequence"] == [{**CODE, "CodingSchemeVersion": ""}]
        made = (order["StudyInstanceUID"], order["AccessionNumber"], order["RequestedProcedureID"])
        assert all(made) and order["StudyInstanceUID"].startswith("2.25.")
        (step,) = order["steps"]
        assert step["ScheduledProcedureStepStartTime"] == "093000" and step["state"] == "scheduled"
        assert step["ScheduledProcedureStepID"] and step["performed"] == []

        place = f"/orders/{order['id']}"
        assert (await ris.get(place)).json() == order
        second = {**STEP, "ScheduledProcedureStepID": "S2", "ScheduledProcedureStepStartTime": "1000"}
        first = {"ScheduledProcedureStepID": step["ScheduledProcedureStepID"], "state": "arrived",
                 "ScheduledProtocolCodeSequence": [CODE, {**CODE, "CodeValue": "CONTRAST"}]}
        changed = (await ris.patch(place, json={"PatientID": "P2", "MedicalAlerts": [], "steps": [first, second]})).json()
        assert (changed["PatientID"], changed["MedicalAlerts"], changed["PatientName"]) == ("P2", [], "Müller^Jürgen")
        assert [s["state"] for s in changed["steps"]] == ["arrived", "scheduled"]
        assert [c["CodeValue"] for c in changed["steps"][0]["ScheduledProtocolCodeSequence"]] == ["CTABD", "CONTRAST"]
        assert (changed["StudyInstanceUID"], changed["AccessionNumber"], changed["RequestedProcedureID"]) == made

        done = await ris.patch(place, json={"steps": [{"ScheduledProcedureStepID": "S2", "state": "completed"}]})
        assert done.json()["state"] == "in_progress", "one of two is done"
        cancelled = (await ris.patch(place, json={"state": "cancelled"})).json()
        assert [s["state"] for s in cancelled["steps"]] == ["cancelled", "completed"] and cancelled["state"] == "completed"
        assert (await ris.delete(place)).status_code == 204
        assert (await ris.get(place)).status_code == 404
        assert (await ris.delete(place)).status_code == 404
    kinds = [kind for kind in api.kinds() if kind.startswith("order")]
    assert kinds == ["order.created", "order.read", *["order.updated"] * 3, "order.removed"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"PatientName": ""}, "PatientName"), ({"PatientID": " "}, "PatientID"), ({"steps": []}, "steps"),
        ({"PatientID": "A\\B"}, "PatientID"), ({"PatientBirthDate": "19701301"}, "PatientBirthDate"),
        ({"PatientName": "A^B^C^D^E^F"}, "PatientName"), ({"PatientSex": "f-"}, "PatientSex"),
        ({"StudyInstanceUID": "1.02"}, "StudyInstanceUID"),
        ({"PregnancyStatus": "70000"}, "PregnancyStatus"), ({"PatientWeight": "heavy"}, "PatientWeight"),
        ({"AccessionNumber": "X" * 17}, "AccessionNumber"),
        ({"steps": [{**STEP, "Modality": ""}]}, "steps[0].Modality"),
        ({"steps": [STEP, {**STEP, "ScheduledProcedureStepStartTime": "2530"}]}, "steps[1].ScheduledProcedureStepStartTime"),
        ({"steps": [{**STEP, "ScheduledStationAETitle": []}]}, "steps[0].ScheduledStationAETitle"),
        ({"steps": [{**STEP, "state": "completed"}]}, "steps[0].state"),
        ({"steps": [{**STEP, "ScheduledProcedureStepID": "1"}] * 2}, "ScheduledProcedureStepID"),
        ({"RequestedProcedureCodeSequence": [{**CODE, "CodeValue": ""}]}, "RequestedProcedureCodeSequence.CodeValue"),
    ],
)  # fmt: skip
async def test_what_is_no_order_is_refused_by_the_name_of_the_field(sqlite_api: Api, wrong: dict[str, Any], where: str) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.TECHNOLOGIST)) as client:
        answer = await client.post("/orders", json={**ORDER, **wrong})
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["where"].removeprefix("body.") == where
        assert (await client.get("/orders")).json()["orders"] == []


async def test_two_orders_cannot_have_one_study(api: Api) -> None:
    async with api.client(api.token(Role.RADIOLOGIST)) as client:
        first = (await client.post("/orders", json={**ORDER, "StudyInstanceUID": "1.2.3"})).json()
        assert (await client.post("/orders", json={**ORDER, "StudyInstanceUID": "1.2.3"})).status_code == 409
        second = (await client.post("/orders", json=ORDER)).json()
        assert (await client.patch(f"/orders/{second['id']}", json={"StudyInstanceUID": "1.2.3"})).status_code == 409
        assert (await client.patch(f"/orders/{first['id']}", json={"StudyInstanceUID": "1.2.3"})).status_code == 200


async def test_a_step_moves_only_as_it_may(sqlite_api: Api) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as client:
        order = (await client.post("/orders", json={**ORDER, "steps": [{**STEP, "ScheduledProcedureStepID": "1"}]})).json()

        async def move(state: str) -> tuple[int, str]:
            body = {"steps": [{"ScheduledProcedureStepID": "1", "state": state}]}
            answer = await client.patch(f"/orders/{order['id']}", json=body)
            now = (await client.get(f"/orders/{order['id']}")).json()
            return answer.status_code, f"{now['steps'][0]['state']} {now['state']}"

        assert await move("ready") == (200, "ready scheduled")
        assert await move("in_progress") == (200, "in_progress in_progress")
        assert await move("scheduled") == (409, "in_progress in_progress")
        assert await move("discontinued") == (200, "discontinued discontinued")
        assert await move("scheduled") == (200, "scheduled scheduled")
        assert await move("completed") == (200, "completed completed")
        assert await move("cancelled") == (409, "completed completed")
        assert (await client.patch(f"/orders/{order['id']}", json={"state": "cancelled"})).status_code == 409
        # A new step needs all that a step needs
        answer = await client.patch(f"/orders/{order['id']}", json={"steps": [{"ScheduledProcedureStepID": "2"}]})
        assert answer.status_code == 400


async def test_orders_are_found_and_paged(api: Api) -> None:
    async with api.client(api.token(Role.TECHNOLOGIST)) as client:
        for number in range(5):
            step = {**STEP, "ScheduledProcedureStepStartDate": f"2026112{number}", "Modality": "MR" if number % 2 else "CT",
                    "ScheduledStationAETitle": ["CT1", f"X{number}"]}
            facts = {"PatientID": f"P{number}", "AccessionNumber": f"A{number}", "steps": [step]}
            await client.post("/orders", json={**ORDER, **facts})

        async def ids(query: str) -> str:
            return "".join(o["PatientID"][1:] for o in (await client.get(f"/orders?{query}")).json()["orders"])

        assert await ids("") == "01234" and await ids("sort=-start") == "43210"
        assert await ids("q=mueller") == "01234" and await ids("q=a3") == "3" and await ids("q=P2") == "2"
        assert await ids("Modality=mr") == "13" and await ids("ScheduledStationAETitle=X4") == "4"
        assert await ids("date=20261121-20261122") == "12" and await ids("date=20261123-") == "34"
        assert await ids("date=20261120") == "0"
        assert await ids("state=completed") == "" and await ids("state=scheduled,completed") == "01234"
        page = (await client.get("/orders?sort=-start&limit=3")).json()
        assert [o["PatientID"] for o in page["orders"]] == ["P4", "P3", "P2"]
        rest = (await client.get(f"/orders?sort=-start&limit=3&cursor={page['next']}")).json()
        assert [o["PatientID"] for o in rest["orders"]] == ["P1", "P0"] and rest["next"] is None
        for wrong in ("state=gone", "date=soon", "cursor=x"):
            assert (await client.get(f"/orders?{wrong}")).status_code == 400
