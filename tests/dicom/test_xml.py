"""The Native DICOM Model: what the writer writes, the reader reads again; and XML that other parsers take."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isocenter.dicom import json as dicom_json
from isocenter.dicom import part10, xml, xml_reading
from isocenter.dicom.source import BytesSource

NS = {"n": xml.NAMESPACE}


def document(path: Path) -> dict[str, Any]:
    source = BytesSource(path.read_bytes())
    made = dicom_json.dataset_json(source, part10.scan(source), lambda where: f"https://x/bulk/{where}?a=1&b=2")
    found: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return found


def as_text(value: Any) -> Any:
    """XML knows no numbers, and no difference between an empty value and one that is left out at the end."""
    if isinstance(value, dict):
        out = {key: as_text(each) for key, each in value.items()}
        return {key: each for key, each in out.items() if key != "Value" or each}
    if isinstance(value, list):
        values = [as_text(each) for each in value]
        while values and values[-1] in (None, ""):
            values.pop()
        return values
    return value if value is None else str(value).rstrip("^")  # empty components at the end of a name say nothing


FILES = ["ct/volume-lidc-idri-0314/0061_000113.dcm", "transfer-syntaxes/MR_small.dcm"]


@pytest.mark.parametrize("folder", ["sr", "seg", "charsets", "pr", "pdf", "rt", "enhanced", "ecg", "hanging-protocol"])
def test_every_kind_comes_back(data: Path, folder: str) -> None:
    compared = 0
    for path in sorted((data / folder).rglob("*.dcm"))[:8]:
        try:
            expected = document(path)
        except part10.Malformed:
            continue
        (found,) = xml_reading.read(xml.native_model(expected))
        assert as_text(found) == as_text(without_controls(expected)), path
        compared += 1
    assert compared


def without_controls(value: Any) -> Any:
    """XML 1.0 cannot hold control characters."""
    if isinstance(value, dict):
        return {key: without_controls(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_controls(each) for each in value]
    return xml._NO_CHARACTERS.sub("", value) if isinstance(value, str) else value


def test_what_it_looks_like() -> None:
    """PS3.19 A.1.5, and the example of A.1.6."""
    made = xml.native_model({
        "00091010": {"vr": "LO", "Value": ["x<y"]}, "00090010": {"vr": "LO", "Value": ["ACME & Co"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou^^Dr", "Ideographic": "山田^太郎"}]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]}, "00200013": {"vr": "IS", "Value": [7]},
        "00400275": {"vr": "SQ", "Value": [{"00400007": {"vr": "LO", "Value": ["CT"]}}, {}]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "http://x?a=1&b=2"}, "00420011": {"vr": "OB", "InlineBinary": "AAA="},
        "00080050": {"vr": "SH"},
    })  # fmt: skip
    root = ElementTree.fromstring(made)
    find = {each.get("tag"): each for each in root.findall("n:DicomAttribute", NS)}
    assert find["00091010"].get("privateCreator") == "ACME & Co" and find["00091010"].findtext("n:Value", "", NS) == "x<y"
    assert find["00100010"].get("keyword") == "PatientName" and find["00100010"].get("vr") == "PN"
    name = find["00100010"].find("n:PersonName/n:Alphabetic", NS)
    assert name is not None and [(part.tag.rpartition("}")[2], part.text) for part in name] == [
        ("FamilyName", "Yamada"), ("GivenName", "Tarou"), ("NamePrefix", "Dr")]  # fmt: skip
    assert [(value.get("number"), value.text) for value in find["00080008"].findall("n:Value", NS)] == [
        ("1", "ORIGINAL"), ("3", "AXIAL")]  # fmt: skip
    assert len(find["00400275"].findall("n:Item", NS)) == 2 and len(find["00080050"]) == 0
    bulk = find["7FE00010"].find("n:BulkData", NS)
    assert bulk is not None and bulk.get("uri") == "http://x?a=1&b=2"
    assert find["00420011"].findtext("n:InlineBinary", "", NS) == "AAA="


@example("\r")
@given(st.text(max_size=50))
def test_any_text_makes_xml(text: str) -> None:
    made = xml.native_model({"00090010": {"vr": "LO", "Value": [text]}, "00091001": {"vr": "UT", "Value": [text]},
                             "00100010": {"vr": "PN", "Value": [{"Alphabetic": text}]}})  # fmt: skip
    (found,) = xml_reading.read(made)
    assert found.get("00090010", {}).get("Value", [""])[0] in (None, "", without_controls(text))


@pytest.mark.skipif(shutil.which("dcm2xml") is None, reason="dcmtk is not installed")
@pytest.mark.parametrize("name", FILES)
def test_dcmtk_writes_the_same(data: Path, name: str) -> None:
    """dcm2xml --native-format is another implementation: the same attributes, values and names."""
    done = subprocess.run(["dcm2xml", "--native-format", data / name], capture_output=True, check=True)
    (theirs,) = xml_reading.read(done.stdout)
    (ours,) = xml_reading.read(xml.native_model(document(data / name)))
    compared = 0
    for tag, element in ours.items():
        if tag in theirs and "Value" in element and element["vr"] not in ("SQ", "DS", "FD", "FL"):
            assert json.dumps(as_text(theirs[tag].get("Value"))) == json.dumps(as_text(element["Value"])), tag
            compared += 1
    assert compared > 20
