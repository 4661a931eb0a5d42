"""What leaves is asked for and noted; who may not see a study takes nothing of it away."""

import pytest

from api_harness import Api
from isocenter.domain.access import Role
from objects import part10

pytestmark = pytest.mark.anyio

STUDY = "1.2.9"
AT = f"/studies/{STUDY}/exports"
PRINT = {"form": "print", "count": 12, "series": [f"{STUDY}.1"], "drawings": True, "patient": True}


def hold_study(api: Api) -> None:
    api.store(
        part10(StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.1", PatientID="1", ReferringPhysicianName="House^Gregory")
    )


async def test_an_export_is_a_row_that_says_what_left(api: Api) -> None:
    hold_study(api)
    async with api.client(api.token(Role.RADIOLOGIST, "ray")) as client:
        assert (await client.post(AT, json=PRINT)).status_code == 204
    async with api.client(api.token(Role.ADMIN, "boss")) as client:
        rows = (await client.get("/changes?kind=study.exported")).json()["changes"]
    assert [(row["subject"], row["actor"]) for row in rows] == [(STUDY, "ray")]
    assert rows[0]["payload"] == {**PRINT, "deidentified": False}


async def test_nobody_takes_away_what_they_may_not_see(sqlite_api: Api) -> None:
    hold_study(sqlite_api)
    async with sqlite_api.client(sqlite_api.token(Role.REFERRER, "wilson", "Wilson^James")) as client:
        assert (await client.post(AT, json=PRINT)).status_code == 404
    async with sqlite_api.client(sqlite_api.token(Role.REFERRER, "house", "House^Gregory")) as client:
        assert (await client.post(AT, json=PRINT)).status_code == 204
        for wrong in ({**PRINT, "form": "fax"}, {**PRINT, "count": 0}, {"form": "print"}):
            assert (await client.post(AT, json=wrong)).status_code == 400
    async with sqlite_api.client(sqlite_api.token(Role.SERVICE, "robot")) as client:
        assert (await client.post(AT, json=PRINT)).status_code == 403
    assert sqlite_api.kinds().count("study.exported") == 1
