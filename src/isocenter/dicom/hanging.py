"""Hanging protocols as the Hanging Protocol IOD (PS3.3 A.44) and as the JSON that the viewer keeps.

The standard says modality, planes, views, priors, boxes, windows and orientations. It knows no weights and no words within a
description: those stand in a private block beside it, which we read back and others pass over.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from .datasets import quiet
from .sop_classes import HANGING_PROTOCOL_STORAGE as SOP_CLASS

MOST_BOXES = 5  # rows and columns that the viewer shows
MOST_SCREENS = 6
_NEAR = 0.002  # positions are rounded: a box begins where its screen does
LONGEST = 64 * 1024  # characters of the private JSON that are read

_CREATOR = "ISOCENTER HANGING"
_GROUP = 0x0073
# fact -> Selector Attribute and its VR (PS3.3 C.23.4.1.2)
_SELECTED: Mapping[str, tuple[int, str]] = {
    "modality": (0x00080060, "CS"), "bodyPart": (0x00180015, "CS"), "type": (0x00080008, "CS"), "laterality": (0x00200062, "CS"),
    "view": (0x00185101, "CS"), "description": (0x0008103E, "LO"), "study": (0x00081030, "LO"), "thickness": (0x00180050, "DS"),
    "images": (0x00201209, "IS"),
}  # fmt: skip
_FACTS = {tag: fact for fact, (tag, _) in _SELECTED.items()} | {0x00200060: "laterality"}
_PLANES = {"AXIAL": "TRANSVERSE", "SAGITTAL": "SAGITTAL", "CORONAL": "CORONAL", "OBLIQUE": "OBLIQUE"}
_FROM_PLANES = {term: plane for plane, term in _PLANES.items()} | {"SAGITAL": "SAGITTAL"}  # as it is misspelt in the field
_COMPARED = {"MEMBER_OF": "any", "NOT_MEMBER_OF": "lacks", "LESS_THAN": "below", "GREATER_THAN": "above"}
# Hanging protocols know the windows by these terms (PS3.3 C.23.3.1).
_WINDOWS = ("Soft tissue", "Lung", "Liver", "Bone", "Brain", "Stroke", "Mediastinum", "CT angiography", "Subdural")
_TERMS = {name: name.upper().replace(" ", "_") for name in _WINDOWS}
_NAMES = {term: name for name, term in _TERMS.items()}


class NoProtocol(ValueError):
    """The data set is no hanging protocol, or nothing of it can be shown; the message says why."""


# ---- writing


def to_dataset(protocol: Mapping[str, Any], uid: str, creator: str, shared: bool, at: datetime) -> Dataset:
    """The data set of a protocol as `domain.hanging.checked` leaves it."""
    with quiet():
        return _written(protocol, uid, creator, shared, at)


def _written(protocol: Mapping[str, Any], uid: str, creator: str, shared: bool, at: datetime) -> Dataset:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = SOP_CLASS, uid
    made.HangingProtocolName = _line(protocol["name"], 16)
    made.HangingProtocolDescription = _line(protocol["description"] or protocol["name"], 64)
    made.HangingProtocolLevel = "SITE" if shared else "SINGLE_USER"
    made.HangingProtocolCreator = _line(creator, 64)
    made.HangingProtocolCreationDateTime = at.strftime("%Y%m%d%H%M%S")
    made.HangingProtocolDefinitionSequence = Items([_definition(modality) for modality in _modalities(protocol)])
    made.HangingProtocolUserIdentificationCodeSequence = Items()
    priors = [each["prior"] for each in protocol["sets"]]
    made.NumberOfPriorsReferenced = max([0, *(max(prior, 1) for prior in priors if prior)])
    made.ImageSetsSequence = Items([_image_set(each, at) for at, each in enumerate(protocol["sets"], 1)])
    screens = max(1 + len(stage["screens"]) for stage in protocol["stages"])
    made.NumberOfScreens = screens
    made.NominalScreenDefinitionSequence = Items([_screen(at, screens) for at in range(screens)])
    made.DisplaySetsSequence = Items(_display_sets(protocol, screens))
    made.PartialDataDisplayHandling = "MAINTAIN_LAYOUT"
    block = made.private_block(_GROUP, _CREATOR, create=True)
    block.add_new(0x01, "UT", json.dumps(protocol, ensure_ascii=False))
    return made


def _line(text: str, longest: int) -> str:
    """A value of SH, LO or CS: a backslash would make two of it. Cut by bytes, as those who check lengths count them."""
    return text.replace("\\", "/").encode()[:longest].decode(errors="ignore").strip()


def _modalities(protocol: Mapping[str, Any]) -> list[str]:
    rules = [*protocol["applies"], *(rule for each in protocol["sets"] for rule in each["rules"])]
    named = [value for rule in rules if rule["fact"] == "modality" and rule["is"] == "any" for value in rule["values"]]
    return list(dict.fromkeys(named)) or ["OT"]


def _definition(modality: str) -> Dataset:
    made = Dataset()
    made.Modality = modality
    made.ProcedureCodeSequence = Items()
    made.ReasonForRequestedProcedureCodeSequence = Items()
    return made


def _screen(at: int, screens: int) -> Dataset:
    """Screens stand side by side: together they are the display environment (PS3.3 C.23.2)."""
    made = Dataset()
    made.NumberOfVerticalPixels, made.NumberOfHorizontalPixels = 1080, 1920
    made.DisplayEnvironmentSpatialPosition = [at / screens, 1.0, (at + 1) / screens, 0.0]
    made.ScreenMinimumGrayscaleBitDepth = 8
    made.ApplicationMaximumRepaintTime = 1000
    return made


def _image_set(each: Mapping[str, Any], number: int) -> Dataset:
    made = Dataset()
    chosen = [rule for rule in each["rules"] if rule["required"] and rule["is"] == "any" and rule["fact"] in _SELECTED]
    # Images are chosen by something: by anything that every image has, when nothing is asked for.
    made.ImageSetSelectorSequence = Items([_selector(rule) for rule in chosen] or [_selector(_ANY)])
    time = Dataset()
    time.ImageSetNumber = number
    if each["prior"]:
        time.ImageSetSelectorCategory = "ABSTRACT_PRIOR"
        time.AbstractPriorValue = [each["prior"], each["prior"]]
    else:
        time.ImageSetSelectorCategory = "RELATIVE_TIME"
        time.RelativeTime, time.RelativeTimeUnits = [0, 0], "MINUTES"
    time.ImageSetLabel = _line(each["label"] or f"Images {number}", 64)
    made.TimeBasedImageSetsSequence = Items([time])
    return made


_ANY: Mapping[str, Any] = {"fact": "modality", "values": ["OT"]}


def _selector(rule: Mapping[str, Any]) -> Dataset:
    tag, vr = _SELECTED[rule["fact"]]
    made = Dataset()
    made.ImageSetSelectorUsageFlag = "MATCH" if rule is _ANY else "NO_MATCH"
    made.SelectorAttribute = tag
    made.SelectorAttributeVR = vr
    made.SelectorValueNumber = 0  # any value of the attribute
    _set_values(made, vr, rule["values"])
    return made


def _set_values(made: Dataset, vr: str, values: Sequence[str]) -> None:
    told = [_line(value.upper(), 16) if vr == "CS" else _line(value, 64) for value in values]
    setattr(made, f"Selector{vr}Value", told if len(told) > 1 else told[0])


def _display_sets(protocol: Mapping[str, Any], screens: int) -> Iterable[Dataset]:
    number = 0
    for group, stage in enumerate(protocol["stages"], 1):
        described = False
        for cell, position in _boxes(stage, screens):
            number += 1
            made = _display_set(protocol["sets"][cell["set"]], cell, number, group)
            if not described:  # the first of a group describes it
                made.DisplaySetPresentationGroupDescription = _line(stage["name"] or f"Stage {group}", 64)
                described = True
            box = Dataset()
            box.ImageBoxNumber, box.ImageBoxLayoutType = 1, "STACK"
            box.DisplayEnvironmentSpatialPosition = position
            made.ImageBoxesSequence = Items([box])
            yield made


def _boxes(stage: Mapping[str, Any], screens: int) -> Iterable[tuple[Mapping[str, Any], list[float]]]:
    """Left, top, right, bottom within all screens; the origin is the lower left corner (PS3.3 C.23.2.1.1)."""
    for place, screen in enumerate((stage, *stage["screens"])):
        rows, columns = (int(part) for part in screen["layout"].split("x"))
        for at, cell in enumerate(screen["cells"]):
            if cell is not None:
                row, column = divmod(at, columns)
                left, right = ((place + each / columns) / screens for each in (column, column + 1))
                yield cell, [left, 1 - row / rows, right, 1 - (row + 1) / rows]


def _display_set(each: Mapping[str, Any], cell: Mapping[str, Any], number: int, group: int) -> Dataset:
    made = Dataset()
    made.DisplaySetNumber, made.DisplaySetPresentationGroup, made.ImageSetNumber = number, group, cell["set"] + 1
    made.FilterOperationsSequence = Items(_filters(each["rules"]))
    sort = Dataset()
    sort.SortByCategory, sort.SortingDirection = "ALONG_AXIS", "INCREASING"
    made.SortingOperationsSequence = Items([sort])
    if cell["orientation"]:
        made.DisplaySetPatientOrientation = cell["orientation"]
    if isinstance(cell["window"], str) and cell["window"] in _TERMS:
        made.VOIType = _TERMS[cell["window"]]
    if cell["justify"]:
        made.DisplaySetHorizontalJustification = cell["justify"].upper()
    return made


def _filters(rules: Iterable[Mapping[str, Any]]) -> Iterable[Dataset]:
    for rule in rules:
        if rule["required"] and rule["fact"] == "orientation" and rule["is"] == "any":
            made = Dataset()
            made.FilterByCategory, made.FilterByOperator = "IMAGE_PLANE", "MEMBER_OF"
            made.SelectorAttributeVR = "CS"
            _set_values(made, "CS", [_PLANES.get(value.upper(), value.upper()) for value in rule["values"]])
            yield made


# ---- reading


def from_dataset(found: Dataset) -> dict[str, Any]:
    """A protocol as JSON, not checked yet. Raises NoProtocol."""
    try:
        if found.get("SOPClassUID", "") != SOP_CLASS:
            raise NoProtocol("the object is no hanging protocol")
        return _ours(found) or _read(found)
    except NoProtocol:
        raise
    except Exception as error:  # pydicom converts values when they are asked for, and raises anything on damaged ones
        raise NoProtocol("the object is damaged") from error


def _ours(found: Dataset) -> dict[str, Any] | None:
    """What we wrote ourselves, with all that the standard has no words for."""
    try:
        kept = str(found.private_block(_GROUP, _CREATOR)[0x01].value)
        value = json.loads(kept) if len(kept) <= LONGEST else None
    except (KeyError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read(found: Dataset) -> dict[str, Any]:
    sources = {int(number): (item, time) for item in _items(found, "ImageSetsSequence")
               for time in _items(item, "TimeBasedImageSetsSequence")
               if (number := time.get("ImageSetNumber")) is not None}  # fmt: skip
    sets: list[dict[str, Any]] = []
    groups: dict[int, list[tuple[Dataset, int]]] = {}
    for shown in _items(found, "DisplaySetsSequence"):
        source = sources.get(int(shown.get("ImageSetNumber") or 0))
        if source is None:
            continue
        sets.append(_set(*source, shown))
        groups.setdefault(int(shown.get("DisplaySetPresentationGroup") or 1), []).append((shown, len(sets) - 1))
    if not groups:
        raise NoProtocol("the protocol shows no images")
    name = _text(found, "HangingProtocolName") or "Hanging protocol"
    edges = _edges(found)
    return {
        "name": name, "description": _text(found, "HangingProtocolDescription"),
        "applies": [rule for item in _items(found, "HangingProtocolDefinitionSequence") for rule in _applies(item)],
        "sets": sets, "stages": [_stage(groups[group], edges) for group in sorted(groups)],
    }  # fmt: skip


def _items(found: Dataset, keyword: str) -> list[Dataset]:
    return list(found.get(keyword) or [])


def _text(found: Dataset, keyword: str) -> str:
    return str(found.get(keyword) or "").strip()


def _texts(found: Dataset, keyword: str) -> list[str]:
    value = found.get(keyword)
    values = [] if value is None else value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    return [str(each).strip() for each in values if str(each).strip()]


def _rule(fact: str, is_: str, values: list[str], required: bool = True) -> dict[str, Any]:
    return {"fact": fact, "is": is_, "values": values, "weight": 3, "required": required}


def _applies(item: Dataset) -> Iterable[dict[str, Any]]:
    modality = _text(item, "Modality")
    if modality:
        yield _rule("modality", "any", [modality])
    regions = [_text(code, "CodeMeaning") for code in _items(item, "AnatomicRegionSequence")]
    if any(regions):
        yield _rule("region", "contains", [region for region in regions if region])
    # Codes of procedures are seldom the same at two sites: what they mean raises a protocol, but is not required.
    procedures = [_text(code, "CodeMeaning") for code in _items(item, "ProcedureCodeSequence")]
    if any(procedures):
        yield _rule("study", "contains", [procedure for procedure in procedures if procedure], required=False)


def _set(item: Dataset, time: Dataset, shown: Dataset) -> dict[str, Any]:
    rules = [rule for selector in _items(item, "ImageSetSelectorSequence") for rule in _selected(selector)]
    filters = [rule for each in _items(shown, "FilterOperationsSequence") for rule in _filtered(each)]
    # One set of images may be in several boxes.
    return {"label": _text(time, "ImageSetLabel"), "prior": _prior(time), "shared": True, "rules": rules + filters}


def _prior(time: Dataset) -> int:
    category = _text(time, "ImageSetSelectorCategory")
    values = [int(value) for value in _texts(time, "AbstractPriorValue" if category == "ABSTRACT_PRIOR" else "RelativeTime")]
    if category == "ABSTRACT_PRIOR":
        return values[0] if values else 1
    return 1 if any(values) else 0


def _values(item: Dataset) -> list[str]:
    vr = _text(item, "SelectorAttributeVR")
    return _texts(item, f"Selector{vr}Value") if vr in ("CS", "LO", "SH", "DS", "IS", "LT", "ST", "US", "FD", "FL", "SS") else []


def _fact(item: Dataset) -> str:
    value = item.get("SelectorAttribute")
    return _FACTS.get(int(value), "") if isinstance(value, int) else ""


def _selected(item: Dataset) -> Iterable[dict[str, Any]]:
    fact, values = _fact(item), _values(item)
    if fact and values:
        yield _rule(fact, "any", values, required=_text(item, "ImageSetSelectorUsageFlag") == "NO_MATCH")


def _filtered(item: Dataset) -> Iterable[dict[str, Any]]:
    operator, values = _text(item, "FilterByOperator"), _values(item)
    if not values:
        return
    if _text(item, "FilterByCategory") == "IMAGE_PLANE":
        if operator == "MEMBER_OF":
            yield _rule("orientation", "any", [_FROM_PLANES.get(value, value) for value in values])
        return
    fact = _fact(item)
    how = _COMPARED.get(operator)
    if fact and how:
        yield _rule(fact, how, values)


_Edges = Sequence[tuple[float, float, float, float]]


def _edges(found: Dataset) -> _Edges:
    """Left, top, right, bottom of each screen, those at the left first; none where there is but one."""
    told = [_numbers(item) for item in _items(found, "NominalScreenDefinitionSequence")]
    return sorted((each[0], each[1], each[2], each[3]) for each in told if len(each) == 4) if len(told) > 1 else []


def _stage(shown: list[tuple[Dataset, int]], edges: _Edges) -> dict[str, Any]:
    """A presentation group: the boxes of each screen as a grid; the first that shows anything is the stage's own."""
    name = next(filter(None, (_text(item, "DisplaySetPresentationGroupDescription") for item, _ in shown)), "")
    screens: dict[int, list[tuple[Dataset, int]]] = {}
    for each in shown:
        screens.setdefault(_screen_of(each[0], edges), []).append(each)
    first, *further = [_grid(screens[at]) for at in sorted(screens)]
    return {"name": name, **first, "screens": further[: MOST_SCREENS - 1]}


def _screen_of(item: Dataset, edges: _Edges) -> int:
    left, top = _place(item)
    inside = [at for at, (west, north, east, south) in enumerate(edges)
              if west - _NEAR <= left < east - _NEAR and south + _NEAR < top <= north + _NEAR]  # fmt: skip
    return inside[0] if inside else 0


def _grid(shown: list[tuple[Dataset, int]]) -> dict[str, Any]:
    """Boxes keep their places among each other."""
    placed = sorted(shown, key=lambda each: (-_place(each[0])[1], _place(each[0])[0]))
    places = [_place(item) for item, _ in placed]
    wide, high = len({left for left, _ in places}), len({top for _, top in places})
    cells = [_cell(item, at) for item, at in placed][: MOST_BOXES**2]
    # Boxes of unequal size make no grid: they follow each other in reading order.
    if wide * high != len(cells) or wide > MOST_BOXES or high > MOST_BOXES:
        wide = next(side for side in range(1, MOST_BOXES + 1) if side * side >= len(cells))
        high = -(-len(cells) // wide)
    return {"layout": f"{high}x{wide}", "cells": [*cells, *[None] * (high * wide - len(cells))]}


def _numbers(item: Dataset) -> list[float]:
    return [float(value) for value in _texts(item, "DisplayEnvironmentSpatialPosition")]


def _place(item: Dataset) -> tuple[float, float]:
    boxes = _items(item, "ImageBoxesSequence")
    position = _numbers(boxes[0]) if boxes else []
    return (round(position[0], 3), round(position[1], 3)) if len(position) == 4 else (0.0, 1.0)


def _cell(item: Dataset, at: int) -> dict[str, Any]:
    orientation = _texts(item, "DisplaySetPatientOrientation")
    justify = _text(item, "DisplaySetHorizontalJustification").lower()
    return {
        "set": at, "window": _NAMES.get(_text(item, "VOIType"), ""), "orientation": orientation if len(orientation) == 2 else [],
        "justify": justify if justify in ("left", "right") else "", "equalScale": False,
    }  # fmt: skip
