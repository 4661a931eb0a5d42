"""Lists of patients, and accounts that are limited to them."""

import httpx
import pytest

from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import accounts
from objects import part10

pytestmark = pytest.mark.anyio

TRIAL = "/patient-lists/Trial 7"


def patient(patient_id: str, issuer: str = "") -> dict[str, str]:
    return {"PatientID": patient_id, "IssuerOfPatientID": issuer}


def fill(api: Api) -> None:
    for number, who in enumerate([patient("A"), patient("A", "NORTH"), patient("B"), patient("C", "NORTH")], start=1):
        study = f"1.{number}"
        api.store(part10(**who, StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", SOPInstanceUID=f"{study}.1.1"))


async def seen(client: httpx.AsyncClient) -> set[str]:
    listed = (await client.get("/studies")).json()
    assert listed["total"] == len(listed["studies"])
    for study in ("1.1", "1.2", "1.3", "1.4"):
        there = (await client.get(f"/studies/{study}")).status_code
        assert there == (200 if study in {each["StudyInstanceUID"] for each in listed["studies"]} else 404)
    return {each["StudyInstanceUID"] for each in listed["studies"]}


async def test_who_is_limited_to_a_list_sees_who_is_on_it_now(api: Api) -> None:
    fill(api)
    async with api.client(api.token(Role.ADMIN)) as admin:
        made = await admin.put(TRIAL, json={"patients": [patient("A", "NORTH"), patient("Z")], "about": "a trial"})
        assert made.status_code == 204
        answer = await admin.post("/users", json={"name": "nora", "role": "radiologist", "studies": "list=Trial 7"})
        assert answer.status_code == 201
        token = accounts.create_token(api.context, SYSTEM, user="nora").secret
        async with api.client(token) as nora:
            assert await seen(nora) == {"1.2"}
            await admin.put(TRIAL, json={"patients": [patient("A"), patient(" C ", "NORTH"), patient("A")]})
            assert await seen(nora) == {"1.1", "1.4"}
            api.store(part10(**patient("A"), StudyInstanceUID="1.5", SeriesInstanceUID="1.5.1", SOPInstanceUID="1.5.1.1"))
            assert await seen(nora) == {"1.1", "1.4", "1.5"}  # what comes later, too
            assert (await nora.get("/patient-lists")).status_code == 403
        held = (await admin.get("/patient-lists")).json()["lists"]
        assert [(each["name"], each["about"], each["patients"]) for each in held] == [
            ("Trial 7", "", [patient("A"), patient("C", "NORTH")])]
    assert api.kinds().count("patient-list.changed") == 2


async def test_a_list_that_limits_somebody_stays(api: Api) -> None:
    async with api.client(api.token(Role.ADMIN)) as admin:
        await admin.put(TRIAL, json={"patients": []})
        await admin.post("/users", json={"name": "nora", "role": "radiologist", "studies": "institution=X; list=Trial 7"})
        refused = await admin.delete(TRIAL)
        assert refused.status_code == 409 and "nora" in refused.json()["error"]["message"]
        await admin.patch("/users/nora", json={"studies": ""})
        assert (await admin.delete(TRIAL)).status_code == 204
        assert (await admin.delete(TRIAL)).status_code == 404
        assert (await admin.get("/patient-lists")).json() == {"lists": []}
        slip = await admin.patch("/users/nora", json={"studies": "list=Trial 8"})
        assert slip.status_code == 400 and "Trial 8" in slip.json()["error"]["message"]


@pytest.mark.parametrize(("name", "patients"), [("a;b", []), ("a=b", []), ("  ", []), ("a", [{"PatientID": " "}]), ("a", [{}])])
async def test_what_cannot_be_a_list_changes_none(name: str, patients: list[dict[str, str]], sqlite_api: Api) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN)) as admin:
        await admin.put("/patient-lists/a", json={"patients": [patient("A")]})
        assert (await admin.put(f"/patient-lists/{name}", json={"patients": patients})).status_code == 400
        assert [each["patients"] for each in (await admin.get("/patient-lists")).json()["lists"]] == [[patient("A")]]
