"""DICOM JSON that comes in: what we write is read as the same, and whatever else comes is a data set or InvalidDataSet."""

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from isocenter.dicom import json_reading, keys, syntaxes
from isocenter.dicom.datasets import InvalidDataSet
from isocenter.dicom.json import encoded_json

letters = st.text(st.sampled_from("abcXYZ019 äßΩ日本-/"), min_size=1, max_size=12).map(str.strip).filter(bool)
name = st.builds(lambda one, two: f"{one}^{two}", letters, letters) | st.builds(lambda a, b: f"{a}=={b}", letters, letters)
singles = {
    "00741204": ("LO", letters), "00100010": ("PN", name), "00404005": ("DT", st.just("20261122093000.5+0100")),
    "00741004": ("DS", st.floats(-1e6, 1e6).map(lambda x: round(x, 3))), "00200013": ("IS", st.integers(-(2**31), 2**31 - 1)),
    "00280010": ("US", st.integers(0, 65535)), "00720078": ("UL", st.integers(0, 2**32 - 1)),
    "00209165": ("AT", st.just("00741000")),
    "00189087": ("FD", st.floats(allow_nan=False, allow_infinity=False)), "0020000D": ("UI", st.just("1.2.840.1")),
    "00080120": ("UR", st.just("https://host/a,b")), "00404037": ("PN", name),
}  # fmt: skip


def element(vr: str, value: Any) -> dict[str, Any]:
    if vr == "PN":
        groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False)
        return {"vr": vr, "Value": [{group: text for group, text in groups if text}]}
    return {"vr": vr, "Value": [value]}


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    tags = draw(st.lists(st.sampled_from(sorted(singles)), max_size=6, unique=True))
    made = {tag: element(singles[tag][0], draw(singles[tag][1])) for tag in tags}
    if depth and draw(st.booleans()):
        items = draw(st.lists(data_sets(depth=depth - 1), max_size=2))
        made["00404018"] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if draw(st.booleans()):
        made["00400400"] = {"vr": "LT"}
    return dict(sorted(made.items()))


def written(made: Dataset) -> dict[str, Any]:
    data = keys.encode(made, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, keys.UTF_8) if len(made) else b""
    shown: dict[str, Any] = orjson.loads(orjson.dumps(encoded_json(data)))
    shown.pop("00080005", None)
    return shown


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


@given(data_sets())
def test_what_is_read_is_written_as_it_was(given_: dict[str, Any]) -> None:
    (made,) = json_reading.read(orjson.dumps([given_]))
    assert alike(written(made), given_)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["vr", "Value", "InlineBinary", "BulkDataURI", "Alphabetic", "00100010"]), inner),
    max_leaves=25,
)
vrs = st.sampled_from(["SQ", "PN", "AT", "US", "FD", "DS", "IS", "OB", "UN", "DT", "UI", "XX", "", None, 7])
broken = st.dictionaries(
    st.sampled_from(["00100010", "00404018", "00741000", "00080005", "00080201", "7FE00010", "00091001", "0000", "PatientName"]),
    anything | st.fixed_dictionaries({"vr": vrs}, optional={"Value": anything, "InlineBinary": anything}), max_size=5,
)  # fmt: skip


@given(st.binary(max_size=100) | (anything | broken).map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_data_set_or_none(text: bytes) -> None:
    try:
        found = json_reading.read(text)
    except InvalidDataSet as error:
        assert "\n" not in str(error)
        return
    for made in found:
        written(made)


@pytest.mark.parametrize(
    ("given_", "sentence"),
    [
        ({"00400400": {"vr": "LT", "BulkDataURI": "x"}}, "CommentsOnTheScheduledProcedureStep is given by reference"),
        ({"PatientID": {"vr": "LO"}}, "eight hexadecimal digits"),
        ({"00280010": {"vr": "US", "Value": ["many"]}}, "Rows has a value"),
        ({"00280010": {"vr": "US", "Value": [70000]}}, "cannot be written"), ({"00100010": {"Value": [["x"]]}}, "PatientName"),
        ({"00104000": {"vr": "ZZ", "Value": [1]}}, "VR that does not exist"), ([[]], "JSON object"),
        ({"0020000D": {"Value": ["1.2.x"]}}, "StudyInstanceUID has a value that is no UI"),
        ({"00404018": {"vr": "SQ", "Value": [{"7FE00010": {"vr": "OB"}}]}}, "PixelData is nothing that goes with a request"),
        ({"00741004": {"vr": "DS", "Value": [False]}}, "ProcedureStepProgress has a value that is no DS"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(given_: Any, sentence: str) -> None:
    with pytest.raises(InvalidDataSet) as error:
        json_reading.read(orjson.dumps(given_))
    assert sentence in str(error.value)


def test_what_is_tolerated() -> None:
    text = b'{"00100010":{"Value":["A^B"]},"00280010":{"vr":"US","Value":["12"]},"00741004":{"Value":[null]}}'
    (made,) = json_reading.read(text)
    assert (made.PatientName, made.Rows, made.get("ProcedureStepProgress")) == ("A^B", 12, None)


def test_nesting_has_an_end() -> None:
    deep = b'{"00404018":{"vr":"SQ","Value":[' * 200 + b"{}" + b"]}}" * 200
    with pytest.raises(InvalidDataSet):
        json_reading.read(deep)
