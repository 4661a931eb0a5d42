"""Hanging protocols over HTTP: kept, published, given away as DICOM objects and taken in again."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from api_harness import Api
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.imaging import Source
from isocenter.service import ingest

pytestmark = pytest.mark.anyio

PROTOCOL: dict[str, Any] = {
    "name": "Röntgen Thorax mit Voraufnahme", "description": "frontal, earlier",
    "applies": [{"fact": "modality", "is": "any", "values": ["CR"], "weight": 10, "required": True}],
    "sets": [
        {"label": "now", "prior": 0, "shared": False, "rules": [
            {"fact": "view", "is": "any", "values": ["PA", "AP"], "weight": 1, "required": True},
            {"fact": "description", "is": "contains", "values": ["thorax"], "weight": 2.5, "required": False}]},
        {"label": "before", "prior": 1, "shared": True, "rules": []},
    ],
    "stages": [
        {"name": "both", "layout": "1x3", "cells": [
            {"set": 0, "window": {"center": 40, "width": 400}, "orientation": ["L", "F"], "justify": "right", "equalScale": True,
             "as": "", "over": None},
            {"set": 1, "window": "Lung", "orientation": [], "justify": "", "equalScale": False, "as": "fusion", "over": 0},
            None], "screens": [{"layout": "1x1", "cells": [
            {"set": 1, "window": "", "orientation": [], "justify": "", "equalScale": False, "as": "mpr", "over": None}]}]},
    ],
}  # fmt: skip


async def test_one_s_own_is_nobody_else_s_until_it_is_published(api: Api) -> None:
    ray, tech = api.token(Role.RADIOLOGIST), api.token(Role.TECHNOLOGIST)
    async with api.client(ray) as radiologist, api.client(tech) as technologist:
        made = (await radiologist.post("/hanging-protocols", json={"protocol": PROTOCOL})).json()
        assert made["protocol"] == PROTOCOL and made["mine"] and not made["shared"]
        where = f"/hanging-protocols/{made['id']}"
        assert (await technologist.get("/hanging-protocols")).json() == {"protocols": []}
        tries: list[Any] = [("GET", f"{where}/dicom", None), ("PATCH", where, {"shared": True}), ("DELETE", where, None)]
        for method, address, body in tries:
            assert (await technologist.request(method, address, json=body)).status_code == 404
        assert api.kinds().count("hanging.published") == 0
        assert (await radiologist.patch(where, json={"shared": True})).json()["shared"]
        (seen,) = (await technologist.get("/hanging-protocols")).json()["protocols"]
        assert (seen["protocol"], seen["mine"]) == (PROTOCOL, False)
        for method, body in (("PATCH", {"shared": False}), ("PATCH", {"protocol": PROTOCOL}), ("DELETE", None)):
            assert (await technologist.request(method, where, json=body)).status_code == 403
        refused = await technologist.post("/hanging-protocols", json={"protocol": PROTOCOL, "shared": True})
        assert refused.status_code == 403
        assert (await radiologist.delete(where)).status_code == 204
        assert (await technologist.get("/hanging-protocols")).json() == {"protocols": []}
    assert [kind for kind in api.kinds() if kind.startswith("hanging")] == ["hanging.published", "hanging.withdrawn"]


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("name", {"name": " "}),
        ("stages", {"stages": []}),
        ("stages[0].layout", {"stages": [{"layout": "6x1", "cells": []}]}),
        ("stages[0].cells[0].set", {"stages": [{"layout": "1x1", "cells": [{"set": 2}]}]}),
        ("stages[0].cells[0].over", {"stages": [{"layout": "1x1", "cells": [{"set": 0, "as": "fusion", "over": 2}]}]}),
        ("stages[0].cells[0].as", {"stages": [{"layout": "1x1", "cells": [{"set": 0, "as": "cinema"}]}]}),
        ("sets[0].rules[0]", {"sets": [{"rules": [{"fact": "password", "is": "any", "values": ["x"]}]}, {}]}),
        ("sets[0].rules[0].values", {"sets": [{"rules": [{"fact": "thickness", "is": "below", "values": ["nan"]}]}, {}]}),
    ],
)
async def test_what_is_no_protocol_is_refused_by_name(sqlite_api: Api, where: str, change: dict[str, Any]) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        refused = await client.post("/hanging-protocols", json={"protocol": {**PROTOCOL, **change}})
        assert (refused.status_code, refused.json()["error"]["where"]) == (400, where)
        assert (await client.get("/hanging-protocols")).json() == {"protocols": []}


async def test_as_a_dicom_object_it_is_valid_and_comes_back_the_same(sqlite_api: Api, tmp_path: Path) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        made = (await client.post("/hanging-protocols", json={"protocol": PROTOCOL})).json()
        given = await client.get(f"/hanging-protocols/{made['id']}/dicom")
        assert given.headers["content-type"] == "application/dicom"
        file = tmp_path / "hanging.dcm"
        file.write_bytes(given.content)
        said = subprocess.run(["dciodvfy", file], capture_output=True, text=True, errors="replace", check=False).stderr
        assert "HangingProtocol" in said and "Error" not in said
        headers = {"Content-Type": "application/dicom"}
        taken = await client.post("/hanging-protocols/dicom", content=given.content, headers=headers)
        assert taken.status_code == 201 and taken.json()["protocol"] == PROTOCOL and taken.json()["id"] != made["id"]


async def test_an_object_of_others_is_taken_in(sqlite_api: Api, data: Path) -> None:
    content = (data / "hanging-protocol/NeurosurgeryPlan.dcm").read_bytes()
    headers = {"Content-Type": "application/dicom"}
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        protocol = (await client.post("/hanging-protocols/dicom", content=content, headers=headers)).json()["protocol"]
        for wrong in (b"", content[:300], b"x" * 2000, content.replace(b"1.2.840.10008.5.1.4.38.1", b"1.2.840.10008.5.1.4.38.2")):
            assert (await client.post("/hanging-protocols/dicom", content=wrong, headers=headers)).status_code == 400
    assert protocol["name"] == "NeurosurgeryPlan"
    # Its second, larger screen is the right one of two; pairs lie one below the other there.
    further = [[screen["layout"] for screen in stage["screens"]] for stage in protocol["stages"]]
    assert further == [["1x1"], ["1x1"], ["2x1"], ["2x1"]]
    assert [(stage["name"], stage["layout"]) for stage in protocol["stages"]] == [
        ("Current CT only", "2x2"), ("MR only", "2x2"), ("MR & CT combined", "2x2"), ("CT old & CT new combined", "2x2"),
    ]  # fmt: skip
    assert {each["prior"] for each in protocol["sets"]} == {0, 1}
    first = protocol["stages"][0]["cells"][0]
    assert protocol["sets"][first["set"]]["rules"][:2] == [
        {"fact": "bodyPart", "is": "any", "values": ["HEAD"], "weight": 3, "required": True},
        {"fact": "modality", "is": "any", "values": ["CT"], "weight": 3, "required": True},
    ]


@pytest.mark.parametrize("source", ["stow", "import", "upload", "dimse"])
async def test_an_object_that_came_by_any_door_is_kept_as_it_came_and_hangs_nothing_until_somebody_takes_it_over(
    sqlite_api: Api, data: Path, source: Source
) -> None:
    content = (data / "hanging-protocol/NeurosurgeryPlan.dcm").read_bytes()
    with ingest.begin(sqlite_api.context, SYSTEM, source=source, calling_aet="PLANNER") as reception:
        reception.write(content)
        assert reception.finish().status == "stored"
    assert sqlite_api.kinds()[-1] == "hanging.received"
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        (found,) = (await client.get("/hanging-protocols/received")).json()["objects"]
        assert (found["name"], found["source"], found["source_aet"]) == ("NeurosurgeryPlan", source, "PLANNER")
        assert (await client.get(f"/hanging-protocols/received/{found['id']}/dicom")).content == content
        assert (await client.get("/hanging-protocols")).json() == {"protocols": []}
        taken = await client.post(f"/hanging-protocols/received/{found['id']}")
        assert taken.status_code == 201 and taken.json()["mine"] and not taken.json()["shared"]
        assert [each["name"] for each in (await client.get("/hanging-protocols")).json()["protocols"]] == ["NeurosurgeryPlan"]
        assert (await client.post("/hanging-protocols/received/4711")).status_code == 404
