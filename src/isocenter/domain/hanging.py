"""Hanging protocols as the archive keeps them: the JSON of the web client (`model/hanging/protocol.ts`), checked and bounded."""

import re
from collections.abc import Mapping
from typing import Any

MOST = 500  # protocols that the archive keeps
LONGEST_NAME = 64
MOST_SETS = 64
MOST_STAGES = 32
MOST_SCREENS = 6  # with the first; as many windows as the viewer opens
MOST_RULES = 64
MOST_VALUES = 64

FACTS = (
    "modality", "bodyPart", "region", "study", "description", "type", "orientation", "laterality", "view", "thickness", "images",
)  # fmt: skip
OPERATORS = ("any", "contains", "lacks", "below", "above")
WAYS = ("", "mpr", "volume", "fusion")  # a cell as images, planes, a body, planes with another set over them
_LAYOUT = re.compile(r"[1-5]x[1-5]")


class InvalidProtocol(ValueError):
    """What is given is no hanging protocol; `where` names the place."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


def checked(value: object) -> dict[str, Any]:
    """The protocol with every field there and nothing else. Raises InvalidProtocol."""
    raw = _object(value, "protocol")
    name = _text(raw.get("name"), "name", LONGEST_NAME).strip()
    if not name:
        raise InvalidProtocol("a hanging protocol needs a name", "name")
    sets = [_set(each, f"sets[{at}]") for at, each in enumerate(_list(raw.get("sets"), "sets", MOST_SETS))]
    stages = [_stage(each, f"stages[{at}]", len(sets)) for at, each in enumerate(_list(raw.get("stages"), "stages", MOST_STAGES))]
    if not sets or not stages:
        raise InvalidProtocol("a hanging protocol looks for images and has a stage that shows them", "stages")
    return {
        "name": name, "description": _text(raw.get("description", ""), "description", 1024),
        "applies": _rules(raw, "applies", ""), "sets": sets, "stages": stages,
    }  # fmt: skip


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidProtocol("an object is expected here", where)
    return value


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise InvalidProtocol(f"a list of {most} at most is expected here", where)
    return value


def _text(value: object, where: str, most: int) -> str:
    if not isinstance(value, str) or len(value) > most or any(ord(letter) < 32 for letter in value):
        raise InvalidProtocol(f"a line of {most} characters at most is expected here", where)
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise InvalidProtocol("a number is expected here", where)
    return value


def _rules(raw: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    found = _list(raw.get(key, []), where + key, MOST_RULES)
    return [_rule(_object(each, f"{where}{key}[{at}]"), f"{where}{key}[{at}]") for at, each in enumerate(found)]


def _rule(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    fact, is_ = raw.get("fact"), raw.get("is")
    if fact not in FACTS or is_ not in OPERATORS:
        raise InvalidProtocol("a rule asks a known fact in a known way", where)
    values = [_text(each, f"{where}.values", 64) for each in _list(raw.get("values"), f"{where}.values", MOST_VALUES)]
    if not values or not all(each.strip() for each in values):
        raise InvalidProtocol("a rule has values", f"{where}.values")
    if is_ in ("below", "above") and not _is_number(values[0]):
        raise InvalidProtocol("a limit is a number", f"{where}.values")
    weight = _number(raw.get("weight", 1), f"{where}.weight")
    return {"fact": fact, "is": is_, "values": values, "weight": weight, "required": raw.get("required") is True}


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) is not None


def _set(value: object, where: str) -> dict[str, Any]:
    raw = _object(value, where)
    prior = _number(raw.get("prior", 0), f"{where}.prior")
    if prior != int(prior) or not -1 <= prior <= 100:
        raise InvalidProtocol("earlier studies are counted from 1; -1 is the oldest", f"{where}.prior")
    return {
        "label": _text(raw.get("label", ""), f"{where}.label", 128), "prior": int(prior), "shared": raw.get("shared") is True,
        "rules": _rules(raw, "rules", f"{where}."),
    }  # fmt: skip


def _stage(value: object, where: str, sets: int) -> dict[str, Any]:
    raw = _object(value, where)
    further = enumerate(_list(raw.get("screens", []), f"{where}.screens", MOST_SCREENS - 1))
    screens = [_screen(_object(each, here), here, sets) for at, each in further for here in [f"{where}.screens[{at}]"]]
    return {"name": _text(raw.get("name", ""), f"{where}.name", 128), **_screen(raw, where, sets), "screens": screens}


def _screen(raw: Mapping[str, Any], where: str, sets: int) -> dict[str, Any]:
    layout = _text(raw.get("layout"), f"{where}.layout", 3)
    if not _LAYOUT.fullmatch(layout):
        raise InvalidProtocol("a layout is rows x columns, 1x1 to 5x5", f"{where}.layout")
    boxes = int(layout[0]) * int(layout[2])
    given = _list(raw.get("cells"), f"{where}.cells", boxes)
    cells = [_cell(each, f"{where}.cells[{at}]", sets) for at, each in enumerate(given)]
    cells += [None] * (boxes - len(cells))
    if not any(cells):
        raise InvalidProtocol("a stage shows something on each of its screens", f"{where}.cells")
    return {"layout": layout, "cells": cells}


def _cell(value: object, where: str, sets: int) -> dict[str, Any] | None:
    if value is None:
        return None
    raw = _object(value, where)
    at = raw.get("set")
    if not _is_place(at, sets):
        raise InvalidProtocol("a viewport shows one of the sets", f"{where}.set")
    given = _list(raw.get("orientation", []), f"{where}.orientation", 2)
    orientation = [_text(each, f"{where}.orientation", 4) for each in given]
    if len(orientation) == 1 or not all(re.fullmatch("X|[LRAPHF]{1,3}", each) for each in orientation):
        raise InvalidProtocol("an orientation is two directions of the patient, or X", f"{where}.orientation")
    as_, over = raw.get("as", ""), raw.get("over")
    if as_ not in WAYS:
        raise InvalidProtocol("a viewport shows images, or a volume in a known way", f"{where}.as")
    if (as_ == "fusion") != (over is not None) or not (over is None or _is_place(over, sets)):
        raise InvalidProtocol("a fusion, and nothing else, lays one of the sets over another", f"{where}.over")
    justify = raw.get("justify", "")
    if justify not in ("", "left", "right"):
        raise InvalidProtocol("a picture lies left or right", f"{where}.justify")
    return {
        "set": at, "window": _window(raw.get("window", ""), f"{where}.window"), "orientation": orientation, "justify": justify,
        "equalScale": raw.get("equalScale") is True, "as": as_, "over": over,
    }  # fmt: skip


def _is_place(value: object, count: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count


def _window(value: object, where: str) -> str | dict[str, float]:
    if isinstance(value, str):
        return _text(value, where, 64)
    raw = _object(value, where)
    center, width = _number(raw.get("center"), f"{where}.center"), _number(raw.get("width"), f"{where}.width")
    if width <= 0:
        raise InvalidProtocol("a window has a width", f"{where}.width")
    return {"center": center, "width": width}
