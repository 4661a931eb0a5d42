"""DICOM JSON into the bytes of a data set: what comes out is read by pydicom, and by our own walk back into the same JSON."""

import base64
import string
from io import BytesIO
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from isocenter.dicom import composing, part10
from isocenter.dicom.composing import Bulk, Malformed
from isocenter.dicom.json import dataset_json
from isocenter.dicom.source import BytesSource
from isocenter.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

UID = {"00080018": {"vr": "UI", "Value": ["1.2.3"]}}


def written(dataset: dict[str, Any]) -> bytes:
    (data,) = composing.compose(composing.read(orjson.dumps(dataset)))
    assert isinstance(data, bytes)
    return data


def again(dataset: dict[str, Any]) -> dict[str, Any]:
    """The data set through our own reader of bytes."""
    source = BytesSource(part10.file_meta("1.2", "1.2.3", EXPLICIT_VR_LITTLE_ENDIAN) + written(dataset))
    return dataset_json(source, part10.scan(source), lambda path: path, inline_limit=1 << 20)


def element(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


def test_every_kind_of_value() -> None:
    dataset = {
        "00080005": element("CS", "ISO_IR 100"),
        "00080008": element("CS", "DERIVED", None, "AXIAL"),
        **UID,
        "00080020": element("DA", "20260102"),
        "00081140": element("SQ", {"00081155": element("UI", "1.2.4")}, {}),
        "00100010": element("PN", {"Alphabetic": "Müller^Jörg", "Phonetic": "myler"}),
        "00180050": element("DS", 1.25, -3, 1e-7),
        "00200013": element("IS", 7),
        "00209165": element("AT", "00200037"),
        "00280010": element("US", 512),
        "00281200": {"vr": "OW", "InlineBinary": base64.b64encode(b"ab").decode()},
        "00289003": element("FD", 0.1, "NaN", "-inf"),
        "0040A160": element("UT", "a\\b\nc"),
        "00720082": element("SV", -(2**62)),
        "00990010": element("LO", "ISOCENTER"),
    }
    dataset["00289003"] = element("FD", 0.1)
    with_big = again(dataset)
    assert with_big == {**dataset, "00720082": element("SV", str(-(2**62)))}
    theirs = read_dataset(BytesIO(written(dataset)), False, True)
    assert str(theirs.PatientName) == "Müller^Jörg==myler" and theirs.SpecificCharacterSet == "ISO_IR 100"
    assert theirs.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.4" and theirs.SliceThickness == [1.25, -3, 1e-7]


def test_text_beyond_its_character_set_becomes_utf_8_everywhere() -> None:
    dataset = {
        "00080005": element("CS", "ISO_IR 100"), **UID, "00100010": element("PN", {"Alphabetic": "Петров"}),
        "00400275": element("SQ", {"00080005": element("CS", "ISO_IR 100"), "00400007": element("LO", "Thorax ü")}),
    }  # fmt: skip
    theirs = read_dataset(BytesIO(written(dataset)), False, True)
    assert theirs.SpecificCharacterSet == "ISO_IR 192" and str(theirs.PatientName) == "Петров"
    assert theirs.RequestAttributesSequence[0].ScheduledProcedureStepDescription == "Thorax ü"
    assert "SpecificCharacterSet" not in theirs.RequestAttributesSequence[0]


def test_bulk_data_are_named_where_they_stand() -> None:
    dataset = {
        **UID, "00020010": element("UI", "1.2"), "00080000": element("UL", 4),
        "00400555": element("SQ", {"00420011": {"vr": "OB", "BulkDataURI": "cid:2"}}),
        "7fe00010": {"vr": "OW", "BulkDataURI": "cid:1"},
    }  # fmt: skip
    pieces = composing.compose(composing.read(orjson.dumps(dataset)))
    assert [piece for piece in pieces if isinstance(piece, Bulk)] == [
        Bulk(0x00420011, "OB", "cid:2", "00400555/0/00420011"), Bulk(0x7FE00010, "OW", "cid:1", "7FE00010"),
    ]  # fmt: skip
    assert isinstance(pieces[0], bytes) and pieces[0].startswith(b"\x08\x00\x18\x00UI")


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ({"00100010": 1}, "JSON object"),
        ({"PatientName": {"vr": "PN"}}, "eight hexadecimal digits"),
        ({"00100010": {"vr": "XX"}}, "VR that does not exist"),
        ({"00100010": {"vr": ["PN"]}}, "VR that does not exist"),
        ({"00280010": {"vr": "US", "Value": [70000]}}, "no US"),
        ({"00280010": {"vr": "US", "Value": [True]}}, "no US"),
        ({"00280010": {"vr": "US", "Value": 5}}, "array of values"),
        ({"00289003": {"vr": "FD", "Value": ["x"]}}, "no FD"),
        ({"00200013": {"vr": "IS", "Value": [{}]}}, "no IS"),
        ({"00209165": {"vr": "AT", "Value": ["1"]}}, "no AT"),
        ({"00281200": {"vr": "OW", "InlineBinary": "%"}}, "base64"),
        ({"00281200": {"vr": "OW", "Value": [1]}}, "InlineBinary"),
        ({"00081140": {"vr": "SQ", "BulkDataURI": "x"}}, "bulk data"),
        ({"00081140": {"vr": "SQ", "Value": ["x"]}}, "JSON object"),
        ({"FFFEE00D": {"vr": "UN"}}, "no attribute"),
        ({"00000002": {"vr": "UI"}}, "no attribute"),
        ({"00080060": {"vr": "CS", "Value": ["Ж"]}}, "letters"),
    ],
)
def test_what_is_no_data_set_says_why(element: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        composing.compose(composing.read(orjson.dumps(element)))


def test_nesting_without_end_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(80):
        deep = {"00081140": {"vr": "SQ", "Value": [deep]}}
    with pytest.raises(Malformed, match="nested"):
        composing.compose(composing.read(orjson.dumps(deep)))
    with pytest.raises(Malformed):
        list(map(composing.read, composing.instances(b"[" * 100_000 + b"]" * 100_000))) or composing.read(b"[]")


def test_a_document_falls_into_its_instances() -> None:
    text = b' [ {"00100010":{"vr":"PN","Value":[{"Alphabetic":"a]}\\"{"}]}} ,\n{"a":[1,[2]]}, {} ] '
    assert [orjson.loads(each) for each in composing.instances(text)] == orjson.loads(text)
    assert list(composing.instances(b'{"x":{}}')) == [b'{"x":{}}']
    for bad in (b"", b"[", b"[{}", b"[]]", b"}", b"[{}] {}", b"5", b'"'):
        with pytest.raises(Malformed):
            list(composing.instances(bad))


def test_more_values_than_a_process_should_hold_are_refused() -> None:
    with pytest.raises(composing.TooMany):
        composing.read(b'{"00080018":{"vr":"UI","Value":[' + b"1," * (composing.MAX_VALUES + 1) + b"1]}}")


names = st.text(string.ascii_letters + "äß山田Я ^-", max_size=20).map(str.strip)
tags = st.sampled_from(["00100010", "00081030", "00180050", "00280010", "00200013", "00081140", "00281200", "00289003"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        tags | st.sampled_from(["vr", "Value", "InlineBinary", "BulkDataURI", "Alphabetic"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(tags, anything, max_size=5))
def test_whatever_a_request_holds_is_a_data_set_or_malformed(dataset: dict[str, Any]) -> None:
    try:
        pieces = composing.compose(composing.normal(dataset))
    except Malformed:
        return
    data = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    read_dataset(BytesIO(data), False, True)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_instances_or_malformed(text: bytes) -> None:
    try:
        for each in composing.instances(text):
            composing.compose(composing.read(each))
    except Malformed:
        pass


@given(st.lists(names, min_size=1, max_size=3), st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=3))
def test_values_come_back(texts: list[str], numbers: list[float]) -> None:
    dataset = {**UID, "00081080": element("LO", *texts), "00180050": element("DS", *numbers), "00289003": element("FD", *numbers)}
    back = again(dataset)
    given_texts = [text or None for text in texts]
    assert back["00081080"].get("Value", [None]) == given_texts and back["00289003"]["Value"] == numbers
    assert [float(value) for value in back["00180050"]["Value"]] == pytest.approx(numbers, rel=1e-8)
