"""What leaves is asked for and noted; who may not see a study takes nothing of it away."""

import io
import struct
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

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


async def test_a_film_is_as_the_viewer_shows_it(sqlite_api: Api) -> None:
    """Window, turn, inversion, order and drawings, seen in the frames that come back."""
    ramp = np.tile(np.arange(64, dtype=np.uint16) * 16, (64, 1))  # 0 on the left to 1008 on the right
    for number, values in ((1, ramp), (2, ramp // 2)):
        sqlite_api.store(image(values, f"{STUDY}.1.{number}"))
    take = {
        "series": f"{STUDY}.1", "images": [{"instance": f"{STUDY}.1.{number}", "frames": [1]} for number in (2, 1)],
        "width": 64, "height": 64, "rate": 5, "window": {"center": 512, "width": 1024, "function": "linear"},
    }  # fmt: skip
    bar = {"instance": f"{STUDY}.1.1", "frame": 1, "kind": "POLYLINE", "points": [4, 32, 30, 32]}
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST, "ray")) as client:
        answer = await client.post(f"/studies/{STUDY}/films", json={**take, "drawn": [bar]})
        assert answer.headers["content-type"] == "video/mp4", answer.text
        second, first = frames(answer.content)
        # PS3.3 C.11.2.1.2.1 in the middle of a row; H.264 may be off by a little.
        assert abs(int(first[10, 32]) - 512 / 1024 * 255) < 6 and abs(int(second[10, 32]) - 256 / 1024 * 255) < 6
        assert first[32, 8:28].min() > 200 and second[32, 8:28].max() < 80, "the drawing is on its own image only"
        turned = {**take, "flipped": True, "inverted": True, "area": [32, 0, 64, 32]}
        one = frames((await client.post(f"/studies/{STUDY}/films", json=turned)).content)[1]
        # The right half, mirrored and inverted: 1008 is on the left, and dark; its part of 32 pixels fills the 64.
        assert one.shape == (64, 64) and one[30, 2] < 20 and abs(int(one[30, 61]) - (255 - 512 / 1024 * 255)) < 10
        assert (await client.post(f"/studies/{STUDY}/films", json={**take, "series": "1.2.3"})).status_code == 404
        foreign = {**take, "images": [{"instance": "1.2.3", "frames": [1]}]}
        assert (await client.post(f"/studies/{STUDY}/films", json=foreign)).status_code == 404
    assert sqlite_api.kinds().count("study.exported") == 2


async def test_a_film_of_pictures_that_the_viewer_has_drawn(sqlite_api: Api) -> None:
    hold_study(sqlite_api)
    at, asked = f"/studies/{STUDY}/films/pictures", {"count": 2, "rate": 5, "series": f"{STUDY}.1", "drawings": 1}
    red, blue = reel((200, 30, 30)), reel((30, 30, 200))
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST, "ray")) as client:
        answer = await client.post(at, params=asked, content=red + blue)
        assert answer.headers["content-type"] == "video/mp4", answer.text
        with av.open(io.BytesIO(answer.content)) as video:
            colours = [frame.to_ndarray(format="rgb24")[20, 20] for frame in video.decode(video=0)]
        assert [int(colour.argmax()) for colour in colours] == [0, 2]
        for wrong in (b"", b"\0\0", red[:-5], reel((0, 0, 0), 32) + red, b"\0\0\0\4GIF8", b"\xff\xff\xff\xff" + red):
            refused = await client.post(at, params=asked, content=wrong)
            assert (refused.status_code, refused.json()["error"]["where"]) == (400, "body"), wrong[:8]
        assert (await client.post("/studies/1.2.3.4/films/pictures", params=asked, content=red)).status_code == 404
    async with sqlite_api.client(sqlite_api.token(Role.ADMIN, "boss")) as client:
        row = (await client.get("/changes?kind=study.exported")).json()["changes"][0]
    assert row["payload"] == {"form": "film", "count": 2, "series": [f"{STUDY}.1"], "drawings": True, "patient": False,
                              "deidentified": False}  # fmt: skip


def reel(colour: tuple[int, int, int], side: int = 64) -> bytes:
    """One picture behind its length."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "JPEG")
    return struct.pack(">I", len(file.getvalue())) + file.getvalue()


def frames(mp4: bytes) -> list[Any]:
    with av.open(io.BytesIO(mp4)) as video:
        assert abs(float(video.streams.video[0].average_rate or 0) - 5) < 0.01
        return [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]


def image(values: Any, uid: str) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.PatientID, dataset.Modality = STUDY, f"{STUDY}.1", "1", "MR"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *values.shape, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelData = values.tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
