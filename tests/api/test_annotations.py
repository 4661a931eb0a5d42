"""What people draw is kept, version by version, and belongs to who drew it."""

import pytest

from api_harness import Api
from isocenter.domain.access import Role
from objects import part10

pytestmark = pytest.mark.anyio

STUDY = "1.2.7"
AT = f"/studies/{STUDY}/annotations"
LENGTH = {"id": "a-1", "kind": "length", "frameId": "x/frames/1", "points": [[1.25, 2], [30, 40.5]], "label": "Läsion"}
NOTE = {"id": "b-1", "kind": "text", "frameId": "x/frames/2", "points": [[5, 6]], "text": "山"}


def hold_study(api: Api, referrer: str = "House^Gregory") -> None:
    api.store(part10(StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.1", PatientID="1", ReferringPhysicianName=referrer))


async def test_what_was_drawn_is_there_again_as_it_was_at_each_version(api: Api) -> None:
    hold_study(api)
    async with api.client(api.token(Role.RADIOLOGIST, "ray")) as client:
        assert (await client.get(AT)).json() == {"version": 0, "items": []}
        assert (await client.post(AT, json={"set": [LENGTH], "remove": []})).json() == {"version": 1}
        assert (await client.post(AT, json={"set": [NOTE], "remove": []})).json() == {"version": 2}
        moved = {**LENGTH, "points": [[1.25, 2], [31, 40.5]]}
        assert (await client.post(AT, json={"set": [moved], "remove": ["b-1"]})).json() == {"version": 3}
        # A message that came twice is one version.
        assert (await client.post(AT, json={"set": [moved], "remove": ["b-1"]})).json() == {"version": 3}
        assert (await client.get(AT)).json() == {"version": 3, "items": [moved]}
        assert (await client.get(f"{AT}?version=2")).json() == {"version": 2, "items": [LENGTH, NOTE]}
        assert (await client.get(f"{AT}?version=1")).json()["items"] == [LENGTH]
        assert (await client.get(f"{AT}?version=4")).status_code == 404
        told = (await client.get(f"{AT}/versions")).json()["versions"]
        assert [(each["version"], each["set"], each["removed"]) for each in told] == [(3, 1, 1), (2, 1, 0), (1, 1, 0)]
    assert api.kinds().count("annotation.saved") == 3


async def test_nobody_sees_anothers_and_a_referrer_only_draws_on_own_patients(api: Api) -> None:
    hold_study(api)
    async with api.client(api.token(Role.RADIOLOGIST, "ray")) as client:
        await client.post(AT, json={"set": [LENGTH], "remove": []})
    async with api.client(api.token(Role.RADIOLOGIST, "rita")) as client:
        assert (await client.get(AT)).json() == {"version": 0, "items": []}
    async with api.client(api.token(Role.REFERRER, "wilson", "Wilson^James")) as client:
        assert (await client.get(AT)).status_code == 404
        assert (await client.post(AT, json={"set": [LENGTH], "remove": []})).status_code == 404


async def test_annotations_are_bounded(sqlite_api: Api) -> None:
    hold_study(sqlite_api)
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST, "ray")) as client:
        for wrong in ({"id": "no/slash"}, {"id": 7}, {}):
            assert (await client.post(AT, json={"set": [wrong], "remove": []})).status_code == 400
        long = {"id": "a", "text": "x" * 50_000}
        assert (await client.post(AT, json={"set": [long], "remove": []})).status_code == 413
        assert (await client.get(AT)).json() == {"version": 0, "items": []}
