"""What was on the screen is kept for who looked, frame by frame, and survives what arrives later."""

import pytest
from sqlalchemy import delete, update

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.store.schema import instance
from objects import part10

pytestmark = pytest.mark.anyio

STUDY, SERIES = "1.2.8", "1.2.8.1"
AT = f"/studies/{STUDY}/seen"


def hold(api: Api, *numbers: int, frames: int = 1) -> None:
    for number in numbers:
        api.store(part10(StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SeriesNumber="4", SOPInstanceUID=f"{SERIES}.{number}",
                         InstanceNumber=str(number), NumberOfFrames=str(frames)))  # fmt: skip


def told(images: dict[str, str], series: str = SERIES) -> dict[str, object]:
    return {"series": [{"SeriesInstanceUID": series, "images": images}]}


async def test_what_was_seen_is_there_again_and_a_report_is_told_what_was_not(api: Api) -> None:
    hold(api, 5, 3)
    async with api.client(api.token(Role.RADIOLOGIST, "ray")) as client:
        (empty,) = (await client.get(AT)).json()["series"]
        words = "2 images of series 4 not seen"
        assert empty == {"SeriesInstanceUID": SERIES, "frames": 2, "seen": 0, "words": words, "images": {}}
        assert (await client.post(AT, json=told({f"{SERIES}.3": "1", "9.9": "1"}))).json() == {"new": 1}
        assert (await client.post(AT, json=told({f"{SERIES}.3": "1-7"}))).json() == {"new": 0}, "sent twice"
        # More of the series comes; what was seen stays.
        hold(api, 1, 2)
        (now,) = (await client.get(AT)).json()["series"]
        assert (now["frames"], now["seen"], now["images"]) == (4, 1, {f"{SERIES}.3": "1"})
        assert (await client.post(AT, json=told({f"{SERIES}.{each}": "1" for each in (1, 2, 5)}))).json() == {"new": 3}
        (all_of,) = (await client.get(AT)).json()["series"]
        assert (all_of["seen"], all_of["words"]) == (4, "")
    async with api.client(api.token(Role.RADIOLOGIST, "rita")) as other:
        assert (await other.get(AT)).json()["series"][0]["seen"] == 0
    assert api.kinds().count("images.seen") == 1, "one row a person, study and ten minutes"


async def test_frames_of_a_loop_are_kept_as_ranges(api: Api) -> None:
    hold(api, 1, frames=30)
    async with api.client(api.token(Role.RADIOLOGIST, "ray")) as client:
        assert (await client.post(AT, json=told({f"{SERIES}.1": "2-4,30,28-99"}))).json() == {"new": 6}
        (now,) = (await client.get(AT)).json()["series"]
        assert (now["seen"], now["images"]) == (6, {f"{SERIES}.1": "2-4,28-30"})
        assert now["words"] == "24 images of series 4 not seen"


async def test_what_is_hidden_is_not_counted_and_what_is_gone_leaves_nothing_wrong(sqlite_api: Api) -> None:
    """The bits are of a sequence of instances: one that is hidden keeps its place, without one they would be of other images."""
    hold(sqlite_api, 1, 2, 3)
    first = instance.c.sop_instance_uid == f"{SERIES}.1"
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST, "ray")) as client:
        await client.post(AT, json=told({f"{SERIES}.1": "1", f"{SERIES}.3": "1"}))
        assert (await client.get(AT)).json()["series"][0]["seen"] == 2
        hiding = update(instance).where(first).values(current=False)
        sqlite_api.context.database.write(lambda connection: connection.execute(hiding))
        (now,) = (await client.get(AT)).json()["series"]
        assert (now["frames"], now["seen"], now["images"]) == (2, 1, {f"{SERIES}.3": "1"})
        assert now["words"] == "1 image of series 4 not seen"
        sqlite_api.context.database.write(lambda connection: connection.execute(delete(instance).where(first)))
        (now,) = (await client.get(AT)).json()["series"]
        assert (now["frames"], now["seen"], now["images"]) == (2, 0, {})


async def test_who_may_not_see_a_study_learns_nothing_and_rubbish_is_refused(sqlite_api: Api) -> None:
    hold(sqlite_api, 1)
    async with sqlite_api.client(sqlite_api.token(Role.REFERRER, "wilson", "Wilson^James")) as stranger:
        assert (await stranger.get(AT)).status_code == 404
        assert (await stranger.post(AT, json=told({f"{SERIES}.1": "1"}))).status_code == 404
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST, "ray")) as client:
        for wrong in ("", "0", "3-1", "1,", "a", "1-", 7, "9" * 9):
            assert (await client.post(AT, json=told({f"{SERIES}.1": wrong}))).status_code == 400, wrong
