"""What people draw is kept, version by version, and belongs to who drew it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.sr._concepts_dict import concepts  # PS3.16, as pydicom took it from the standard

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.store import imaging
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


# ---- written as DICOM

CT = "ct/volume-lidc-idri-0314"
# Kept by a viewer: image coordinates count from the centre of the first pixel.
SHAPES: list[tuple[dict[str, Any], str, list[float], list[tuple[str, float, str]]]] = [
    ({"kind": "length", "points": [[10, 20], [40.25, 60]], "results": [{"quantity": "length", "value": 37.5, "unit": "mm"}],
      "label": "Läsion 1"}, "POLYLINE", [10.5, 20.5, 40.75, 60.5], [("410668003", 37.5, "mm")]),
    ({"kind": "ellipse", "points": [[100, 110], [140, 130]],
      "results": [{"quantity": "mean", "value": -812.4375, "unit": "HU"}, {"quantity": "area", "value": 383.1, "unit": "mm²"},
                  {"quantity": "SUVlbm mean", "value": 1.5, "unit": "g/ml"},
                  {"quantity": "SUVbsa max", "value": 900.25, "unit": "cm²/ml"}]},
     "ELLIPSE", [100.5, 120.5, 140.5, 120.5, 120.5, 110.5, 120.5, 130.5],
     [("112031", -812.4375, "[hnsf'U]"), ("42798000", 383.1, "mm2"),
      ("126406", 1.5, "g/ml{SUVlbm(James128)}"), ("126403", 900.25, "cm2/ml{SUVbsa}")]),
    ({"kind": "rectangle", "points": [[1, 2], [3, 4]], "results": [{"quantity": "area", "value": 4, "unit": "px²"}]},
     "POLYLINE", [1.5, 2.5, 3.5, 2.5, 3.5, 4.5, 1.5, 4.5, 1.5, 2.5], [("42798000", 4, "{pixels}2")]),
    ({"kind": "angle", "points": [[0, 0], [10, 0], [10, 10]], "results": [{"quantity": "angle", "value": 90, "unit": "°"}]},
     "POLYLINE", [0.5, 0.5, 10.5, 0.5, 10.5, 10.5], [("1483009", 90, "deg")]),
    ({"kind": "text", "points": [[50, 51]], "text": "Beachten 山"}, "POINT", [50.5, 51.5], []),
]  # fmt: skip

# What is more than a chain of its points: (shape, graphics of the report, graphics of the presentation state).
DIAMOND = [[10, 20], [20, 10], [30, 20], [20, 30]]
LEGS = [{"quantity": "leg 1", "value": 780, "unit": "mm"}, {"quantity": "knee 2", "value": 174.5, "unit": "°"},
        {"quantity": "difference of legs", "value": -20.5, "unit": "mm"}]  # fmt: skip
GRAF = [{"quantity": "alpha", "value": 61, "unit": "°"}, {"quantity": "beta", "value": 52, "unit": "°"}]
CURVES: list[tuple[dict[str, Any], list[tuple[str, list[float]]], list[tuple[str, list[float]]] | None]] = [
    ({"kind": "cobb", "points": [[0, 0], [10, 0], [0, 20], [10, 25]]},
     [("POLYLINE", [0.5, 0.5, 10.5, 0.5]), ("POLYLINE", [0.5, 20.5, 10.5, 25.5])], None),
    ({"kind": "bidirectional", "points": [[0, 10], [20, 10], [10, 5], [10, 15]]},
     [("POLYLINE", [0.5, 10.5, 20.5, 10.5]), ("POLYLINE", [10.5, 5.5, 10.5, 15.5])], None),
    ({"kind": "perpendicular", "points": [[0, 10], [20, 10], [10, 5]]},
     [("POLYLINE", [0.5, 10.5, 20.5, 10.5]), ("POINT", [10.5, 5.5])], None),
    ({"kind": "legLength", "points": [[0, 0], [0, 40], [0, 78], [90, 0], [90, 39], [90, 76]], "results": LEGS},
     [("POLYLINE", [0.5, 0.5, 0.5, 40.5, 0.5, 78.5]), ("POLYLINE", [90.5, 0.5, 90.5, 39.5, 90.5, 76.5])], None),
    ({"kind": "graf", "points": [[0, 0], [9, 0], [0, 0], [5, 5], [1, 0], [6, 5]], "results": GRAF},
     [("POLYLINE", [0.5, 0.5, 9.5, 0.5]), ("POLYLINE", [0.5, 0.5, 5.5, 5.5]), ("POLYLINE", [1.5, 0.5, 6.5, 5.5])], None),
    ({"kind": "circle3", "points": [[40, 20], [50, 30], [60, 20]]}, [("CIRCLE", [50.5, 20.5, 40.5, 20.5])], None),
    ({"kind": "circle3", "points": [[40, 20], [50, 30], [60, 20]], "outline": [[40, 20], [60, 20], [50, 5], [50, 35]]},
     [("ELLIPSE", [50.5, 5.5, 50.5, 35.5, 40.5, 20.5, 60.5, 20.5])], None),
    ({"kind": "circle", "points": [[50, 20], [60, 20]], "outline": [[50, 20], [60, 20]]},
     [("CIRCLE", [50.5, 20.5, 60.5, 20.5])], None),
    ({"kind": "livewire", "points": DIAMOND}, [("POLYLINE", [10.5, 20.5, 20.5, 10.5, 30.5, 20.5, 20.5, 30.5, 10.5, 20.5])], None),
    ({"kind": "spline", "points": DIAMOND}, [],
     [("INTERPOLATED", [10.5, 20.5, 20.5, 10.5, 30.5, 20.5, 20.5, 30.5, 10.5, 20.5])]),
]  # fmt: skip


def hold_ct(api: Api, data: Path) -> tuple[str, str, list[str]]:
    """Study, series, instances of three slices."""
    found = []
    for file in sorted((data / CT).glob("*.dcm"))[:3]:
        api.store(file.read_bytes())
        found.append(dcmread(file, stop_before_pixels=True))
    return found[0].StudyInstanceUID, found[0].SeriesInstanceUID, [each.SOPInstanceUID for each in found]


def item(at: tuple[str, str, str], number: int, **values: Any) -> dict[str, Any]:
    study, series, instance = at
    frame_id = f"frame:/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1"
    return {"id": f"item-{number}", "type": "measurement", "frameId": frame_id, **values}


async def exported(api: Api, token: str, study: str, body: dict[str, Any], tmp_path: Path) -> Dataset:
    """What the archive holds afterwards, which dciodvfy finds no error in."""
    async with api.client(token) as client:
        answer = await client.post(f"/studies/{study}/annotations/export", json=body)
        assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "stored"
    uids = answer.json()["StudyInstanceUID"], answer.json()["SeriesInstanceUID"], answer.json()["SOPInstanceUID"]
    (located,) = api.context.database.read(lambda connection: imaging.locate(connection, *uids))
    with api.context.blobs.open(located.blob_key, located.size) as file:
        content = file.read_at(0, located.size)
    (tmp_path / "made.dcm").write_bytes(content)
    said = subprocess.run(["dciodvfy", "-new", str(tmp_path / "made.dcm")], capture_output=True, text=True)
    assert "Error" not in said.stderr + said.stdout, said.stderr + said.stdout
    return dcmread(tmp_path / "made.dcm")


def children(content: Dataset, concept: str) -> list[Dataset]:
    """Content items below, at any depth, with a concept."""
    found = []
    for each in content.get("ContentSequence", []):
        if "ConceptNameCodeSequence" in each and each.ConceptNameCodeSequence[0].CodeValue == concept:
            found.append(each)
        found += children(each, concept)
    return found


def outlines(content: Dataset) -> list[Dataset]:
    below = [found for each in content.get("ContentSequence", []) for found in outlines(each)]
    return [content, *below] if content.get("ValueType") == "SCOORD" else below


def named(value: str, meaning: str, scheme: str = "SCT") -> dict[str, str]:
    return {"value": value, "scheme": scheme, "meaning": meaning}


# As it came with a measurement that was taken over from another program's report.
ORIGIN = {
    "tracking": "1.2.826.0.1.3680043.10.511.3.11998155355995483197548907108234588",
    "said": [
        {"relation": "CONTAINS", "concept": named("121071", "Finding", "DCM"), "code": named("27925004", "Nodule"),
         "modifiers": []},
        {"relation": "HAS CONCEPT MOD", "concept": named("363698007", "Finding Site"), "code": named("39607008", "Lung"),
         "modifiers": [{"concept": named("272741003", "Laterality"), "code": named("7771000", "Left")}]},
    ],
}  # fmt: skip


async def test_measurements_become_a_report_with_their_numbers_and_outlines(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    items = [item((study, series, instances[n % 3]), n, **shape) for n, (shape, *_) in enumerate(SHAPES)]
    items[1]["origin"] = ORIGIN
    async with sqlite_api.client(token) as client:
        assert (await client.post(f"/studies/{study}/annotations/export", json={"form": "SR"})).status_code == 400
        await client.post(f"/studies/{study}/annotations", json={"set": items, "remove": []})
    made = await exported(sqlite_api, token, study, {"form": "SR", "note": "Verlauf"}, tmp_path)
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.33" and made.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert made.PatientID == dcmread(next((data / CT).glob("*.dcm")), stop_before_pixels=True).PatientID
    groups = children(made, "125007")
    assert len(groups) == len(SHAPES)
    for n, (group, (shape, kind, coordinates, numbers)) in enumerate(zip(groups, SHAPES, strict=True)):
        drawn = outlines(group)[0]
        assert (drawn.GraphicType, [*drawn.GraphicData]) == (kind, coordinates)
        image = drawn.ContentSequence[0].ReferencedSOPSequence[0]
        assert image.ReferencedSOPInstanceUID == instances[n % 3]
        found = [each for each in group.ContentSequence if each.ValueType == "NUM"]
        told = []
        for each in found:
            measured = each.MeasuredValueSequence[0]
            unit = measured.MeasurementUnitsCodeSequence[0]
            name = each.ConceptNameCodeSequence[0].CodeValue
            told.append((name, float(measured.NumericValue), unit.get("CodeValue") or unit.LongCodeValue))
        assert told == numbers
        words = shape.get("label") or shape.get("text") or ""
        assert children(group, "112039")[0].TextValue == f"Isocenter:{shape['kind']}" + (f":{words}" if words else "")
    tracked, (finding,), (site,) = (children(groups[1], concept) for concept in ("112040", "121071", "363698007"))
    assert tracked[0].UID == ORIGIN["tracking"] != children(groups[0], "112040")[0].UID
    assert finding.ConceptCodeSequence[0].CodeMeaning == "Nodule" and site.ConceptCodeSequence[0].CodeValue == "39607008"
    assert site.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning == "Left"
    assert children(made, "121106")[-1].TextValue == "Verlauf"
    assert not children(made, "not-seen"), "nobody asked for it"
    assert {each.ReferencedSOPInstanceUID for each in made.CurrentRequestedProcedureEvidenceSequence[0]
            .ReferencedSeriesSequence[0].ReferencedSOPSequence} == set(instances)  # fmt: skip


# Every quantity that a viewer works out, with a unit that it has there.
QUANTITIES = {
    "length": "mm", "long axis": "mm", "short axis": "mm", "distance": "mm", "height": "mm", "radius": "mm", "perimeter": "mm",
    "area": "mm²", "angle": "°", "time velocity integral": "cm", "value": "HU", "mean": "HU", "SD": "HU", "min": "HU",
    "max": "HU", "median": "HU", "SUVbw": "g/ml", "SUVbw mean": "g/ml", "SUVbw max": "g/ml", "SUVlbm mean": "g/ml",
    "SUVlbm max": "g/ml", "SUVbsa mean": "cm²/ml", "SUVbsa max": "cm²/ml", "SUVibw mean": "g/ml", "SUVibw max": "g/ml",
    "acetabular index 1": "°", "acetabular index 2": "°",
}  # fmt: skip


async def test_every_code_of_a_measurement_is_one_of_the_standard(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    results = [{"quantity": quantity, "value": 1.5, "unit": unit} for quantity, unit in QUANTITIES.items()]
    shape = {"kind": "ellipse", "points": [[100, 110], [140, 130]], "results": results}
    async with sqlite_api.client(token) as client:
        await client.post(
            f"/studies/{study}/annotations", json={"set": [item((study, series, instances[0]), 1, **shape)], "remove": []}
        )
    made = await exported(sqlite_api, token, study, {"form": "SR"}, tmp_path)
    numbers = [each for each in made.iterall() if each.tag == "ConceptNameCodeSequence"]
    used = {(code.CodingSchemeDesignator, code.CodeValue, code.CodeMeaning) for each in numbers for code in each.value}
    assert {("DCM", "126406", "SUVlbm(James128)"), ("DCM", "126403", "SUVbsa"), ("DCM", "126404", "SUVibw")} <= used
    assert {
        ("LN", "20354-7", "Velocity Time Integral"),
        ("DCM", "121206", "Distance"),
        ("DCM", "121224", "Acetabular angle"),
    } <= used
    known = {(scheme, value) for scheme, names in concepts.items() for values in names.values() for value in values}
    assert [each for each in used if each[0] in ("DCM", "LN", "SCT") and each[:2] not in known] == []


async def test_lines_circles_and_curves_are_what_the_standard_has_for_them(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    items = [item((study, series, instances[0]), n, **shape) for n, (shape, *_) in enumerate(CURVES)]
    async with sqlite_api.client(token) as client:
        await client.post(f"/studies/{study}/annotations", json={"set": items, "remove": []})
    report = await exported(sqlite_api, token, study, {"form": "SR"}, tmp_path)
    groups = children(report, "125007")
    for group, (shape, wanted, _) in zip(groups, CURVES, strict=True):
        found = [(each.GraphicType, [*each.GraphicData]) for each in outlines(group)]
        if shape["kind"] != "spline":
            assert found == wanted * max(1, len(shape.get("results", [])))  # each number is of the whole
        numbers = [each.MeasuredValueSequence[0] for each in group.ContentSequence if each.ValueType == "NUM"]
        assert [float(each.NumericValue) for each in numbers] == [each["value"] for each in shape.get("results", [])]
    # The closed curve goes through its points, and bulges between them as far as Catmull-Rom's does.
    ((kind, coordinates),) = [(each.GraphicType, [*each.GraphicData]) for each in outlines(groups[-1])]
    curve = [*zip(coordinates[::2], coordinates[1::2], strict=True)]
    assert kind == "POLYLINE" and len(curve) == 65 and curve[0] == curve[-1]
    assert curve[:64:16] == [(x + 0.5, y + 0.5) for x, y in DIAMOND]
    assert curve[8] == (14.25, 14.25)
    view = {"series": series, "instance": instances[0], "frame": 1, "area": [1, 1, 100, 100], "rotation": 0, "flip": False}
    state = await exported(sqlite_api, token, study, {"form": "PR", "view": view}, tmp_path)
    figures = [(each.GraphicType, [*each.GraphicData]) for each in state.GraphicAnnotationSequence[0].GraphicObjectSequence]
    assert figures == [figure for _, of_report, of_state in CURVES for figure in of_state or of_report]


async def test_a_report_says_what_was_not_seen_when_it_is_asked_to(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    number = dcmread(sorted((data / CT).glob("*.dcm"))[0], stop_before_pixels=True).SeriesNumber
    token, asked = sqlite_api.token(Role.RADIOLOGIST, "ray"), {"form": "SR", "unseen": True}
    async with sqlite_api.client(token) as client:
        drawn = [item((study, series, instances[0]), 1, **SHAPES[0][0])]
        await client.post(f"/studies/{study}/annotations", json={"set": drawn, "remove": []})
        one = {"series": [{"SeriesInstanceUID": series, "images": {instances[0]: "1"}}]}
        await client.post(f"/studies/{study}/seen", json=one)
    (told,) = children(await exported(sqlite_api, token, study, asked, tmp_path), "not-seen")
    assert (told.ValueType, told.TextValue) == ("TEXT", f"2 images of series {number} not seen")
    async with sqlite_api.client(token) as client:
        rest = {"series": [{"SeriesInstanceUID": series, "images": dict.fromkeys(instances, "1")}]}
        await client.post(f"/studies/{study}/seen", json=rest)
    # Once more: the report of before is no picture, which could be unseen.
    (told,) = children(await exported(sqlite_api, token, study, asked, tmp_path), "not-seen")
    assert told.TextValue == "none"


async def test_a_view_becomes_a_presentation_state(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    items = [item((study, series, instances[0]), n, **shape, lines=["37.5 mm"]) for n, (shape, *_) in enumerate(SHAPES)]
    items[1]["wordsAt"] = [-12.5, 30]  # moved away by hand
    async with sqlite_api.client(token) as client:
        await client.post(f"/studies/{study}/annotations", json={"set": items, "remove": []})
        for wrong in ({}, {"instance": "1.2.3", "area": [1, 1, 2, 2]}, {"instance": instances[0], "area": [1]}):
            answer = await client.post(f"/studies/{study}/annotations/export", json={"form": "PR", "view": wrong})
            assert answer.status_code == 400
    view = {"series": series, "instance": instances[0], "frame": 1, "area": [300, 400, 11, 21], "rotation": 270, "flip": True,
            "inverted": True, "window": {"center": -600, "width": 1500, "shape": "LINEAR"}}  # fmt: skip
    made = await exported(sqlite_api, token, study, {"form": "PR", "note": "Lunge", "view": view}, tmp_path)
    original = dcmread(sorted((data / CT).glob("*.dcm"))[0], stop_before_pixels=True)
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.1" and made.ContentDescription == "Lunge"
    assert (made.SoftcopyVOILUTSequence[0].WindowCenter, made.SoftcopyVOILUTSequence[0].WindowWidth) == (-600, 1500)
    assert (made.RescaleSlope, made.RescaleIntercept) == (original.RescaleSlope, original.RescaleIntercept)
    assert (made.ImageRotation, made.ImageHorizontalFlip, made.PresentationLUTShape) == (270, "Y", "INVERSE")
    area = made.DisplayedAreaSelectionSequence[0]
    corners = [*area.DisplayedAreaTopLeftHandCorner, *area.DisplayedAreaBottomRightHandCorner]
    assert corners == [300, 400, 11, 21] and [*area.PresentationPixelSpacing] == [*original.PixelSpacing]
    figures = made.GraphicAnnotationSequence[0].GraphicObjectSequence
    assert [(each.GraphicType, [*each.GraphicData]) for each in figures] == [(kind, points) for _, kind, points, _ in SHAPES]
    texts = made.GraphicAnnotationSequence[0].TextObjectSequence
    assert texts[0].UnformattedTextValue == "Läsion 1\r\n37.5 mm" and [*texts[0].AnchorPoint] == [40.75, 60.5]
    x, y = items[1]["points"][0]
    assert [*texts[1].AnchorPoint] == [x - 12, y + 30.5]


async def test_the_view_of_a_colour_image_becomes_a_colour_state(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    file = data / "us/examples_rgb_color.dcm"
    sqlite_api.store(file.read_bytes())
    original = dcmread(file, stop_before_pixels=True)
    study, series, instance = original.StudyInstanceUID, original.SeriesInstanceUID, original.SOPInstanceUID
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client(token) as client:
        arrow = item((study, series, instance), 1, kind="arrow", points=[[10, 20], [30, 40]], text="Jet")
        await client.post(f"/studies/{study}/annotations", json={"set": [arrow], "remove": []})
    view = {"series": series, "instance": instance, "frame": 1, "area": [1, 80, 100, 1], "rotation": 90, "flip": False}
    made = await exported(sqlite_api, token, study, {"form": "PR", "note": "Jet", "view": view}, tmp_path)
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"
    # No way of grey values (PS3.3 A.34.2), but the profile that says which colours are meant.
    assert "SoftcopyVOILUTSequence" not in made and "PresentationLUTShape" not in made and len(made.ICCProfile) > 100
    assert made.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID == instance
    assert made.ImageRotation == 90 and made.DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner == [100, 1]
    (figure,) = made.GraphicAnnotationSequence[0].GraphicObjectSequence
    assert [*figure.GraphicData] == [10.5, 20.5, 30.5, 40.5]


async def test_marked_images_become_key_objects(sqlite_api: Api, data: Path, tmp_path: Path) -> None:
    study, series, instances = hold_ct(sqlite_api, data)
    token = sqlite_api.token(Role.RADIOLOGIST, "ray")
    marks = [{**item((study, series, uid), n), "type": "key"} for n, uid in enumerate(instances[:2])]
    foreign = {**item(("1.2", "1.2.1", "1.2.1.1"), 9), "type": "key"}
    async with sqlite_api.client(token) as client:
        await client.post(f"/studies/{study}/annotations", json={"set": [*marks, foreign], "remove": []})
        answer = await client.post(f"/studies/{study}/annotations/export", json={"form": "KO", "title": "No such"})
        assert answer.status_code == 400
    made = await exported(sqlite_api, token, study, {"form": "KO", "title": "For Teaching", "note": "schön"}, tmp_path)
    assert made.ConceptNameCodeSequence[0].CodeValue == "113004" and children(made, "113012")[0].TextValue == "schön"
    shown = [each.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for each in made.ContentSequence if each.ValueType == "IMAGE"]
    assert shown == instances[:2]
    # Who may look only does not write.
    referrer = sqlite_api.token(Role.REFERRER, "wilson", "Wilson^James")
    async with sqlite_api.client(referrer) as client:
        assert (await client.post(f"/studies/{study}/annotations/export", json={"form": "KO"})).status_code == 403
