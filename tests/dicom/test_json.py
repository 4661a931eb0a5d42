"""DICOM JSON (PS3.18 Annex F): every file against pydicom, and the form of every VR."""

import base64
import csv
import logging
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest

from isocenter.dicom import json, part10
from isocenter.dicom.elements import MAX_DEPTH
from isocenter.dicom.json import bulk_range, dataset_json
from isocenter.dicom.part10 import Malformed, scan
from isocenter.dicom.source import BytesSource

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
CT = "1.2.840.10008.5.1.4.1.1.2"
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}

# Files of which pydicom makes no JSON, or not of all of their elements.
NO_REFERENCE = {
    "pathological/GH1339.dcm",  # stops at the missing delimiter
    "pathological/emri_small_jpeg_2k_lossless_too_short.dcm",  # the same
    "pathological/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",  # raises OSError
    "pathological/GH179A.dcm",  # takes a VR of blanks for implicit VR, and the rest of the data set for its value
    "pathological/badVR.dcm",  # raises ValueError at the IS value "1A"
    "sc/GH195.dcm",  # raises ValueError at the DS value "1.9.10.0"
    "us/GH364.dcm",  # raises NotImplementedError at an item without its sequence
}
# (file, attribute) that we read otherwise, with reason.
ELSEWHERE = {
    ("charsets/chrGB2312.dcm", "00100010"),  # pydicom leaves the escape sequences of ISO 2022 IR 58 in the text
    ("cr-dx/headers/DX-Im-DRGEM.dcm", "00181150"),  # an IS value "161.3": pydicom cuts it off at the point
    ("cr-dx/headers/DX-Im-DRGEM.dcm", "00181152"),  # the same
    ("dicomdir/media/DICOMDIR-nooffset", "00041220"),  # its last item is longer than the file: pydicom takes what is there
}


def file_of(content: bytes, syntax: str = EXPLICIT) -> bytes:
    return part10.file_meta(CT, "1.2.3", syntax) + content


def json_of(file: bytes, **options: Any) -> dict[str, Any]:
    source = BytesSource(file)
    return dataset_json(source, scan(source), lambda path: f"bulk/{path}", **options)


def explicit(tag: int, vr: str, value: bytes, *, order: str = "<") -> bytes:
    if vr in LONG:
        return struct.pack(f"{order}HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(value)) + value
    return struct.pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def item(content: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content)) + content


# ---- against pydicom ----


def manifest(data: Path) -> list[str]:
    with open(data / "MANIFEST.csv", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    volume = [path for path in paths if "volume-lidc" in path]
    return [path for path in paths if path not in volume] + volume[::33]


def compare(ours: dict[str, Any], theirs: dict[str, Any], where: str, faults: list[str]) -> None:
    for key in sorted({*ours, *theirs}):
        if key.endswith("0000") and key not in ours:
            continue  # PS3.18 F.2.2: group lengths shall not be included; pydicom includes them
        if key not in ours or key not in theirs:
            faults.append(f"{where}{key} is only with {'us' if key in ours else 'pydicom'}")
            continue
        one, other = ours[key], theirs[key]
        if int(key[:4], 16) % 2 and one["vr"] == "UN":
            continue  # pydicom has a dictionary of private elements
        if one["vr"] != other["vr"]:
            faults.append(f"{where}{key}: VR {one['vr']} is not {other['vr']}")
        elif one["vr"] == "SQ":
            values, others = one.get("Value", []), other.get("Value", [])
            if len(values) != len(others):
                faults.append(f"{where}{key}: {len(values)} items, not {len(others)}")
            for index, (value, reference) in enumerate(zip(values, others, strict=False)):
                compare(value, reference, f"{where}{key}/{index}/", faults)
        elif "BulkDataURI" not in one and plain(one) != plain(other):
            faults.append(f"{where}{key}: {one} is not {other}")


def plain(element: dict[str, Any]) -> dict[str, Any]:
    """An element without what is only a matter of spelling: "" for null, and padding of single values."""
    values = [(v.rstrip(" ") or None) if isinstance(v, str) else v for v in element.get("Value", [])]
    values = [{k: g for k, g in v.items() if g} or None if isinstance(v, dict) else v for v in values]
    return {**element, "vr": str(element["vr"]), "Value": values if any(v is not None for v in values) else []}


@pytest.mark.filterwarnings("ignore")
def test_every_file_is_what_pydicom_makes_of_it(data: Path) -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    faults: list[str] = []
    for path in manifest(data):
        source = BytesSource((data / path).read_bytes())
        try:
            header = scan(source)
        except Malformed:
            continue
        ours = dataset_json(source, header, lambda where: where)
        assert list(ours) == sorted(ours), path
        assert orjson.loads(orjson.dumps(ours)) == ours, path
        if path in NO_REFERENCE:
            continue
        found: list[str] = []
        ds = pydicom.dcmread(data / path, force=True)
        reference = ds.to_json_dict(bulk_data_threshold=2000, bulk_data_element_handler=lambda element: "elsewhere")
        compare(ours, reference, "", found)
        faults += [f"{path}: {fault}" for fault in found if (path, fault[:8]) not in ELSEWHERE]
    assert not faults


def bulk_paths(element: Any) -> list[str]:
    if isinstance(element, dict):
        if "BulkDataURI" in element:
            return [element["BulkDataURI"]]
        return [path for value in element.values() for path in bulk_paths(value)]
    return [path for value in element for path in bulk_paths(value)] if isinstance(element, list) else []


@pytest.mark.filterwarnings("ignore")
def test_bulk_data_of_every_file_is_where_it_is_said_to_be(data: Path) -> None:
    checked = 0
    for path in manifest(data)[::3]:
        source = BytesSource((data / path).read_bytes())
        try:
            header = scan(source)
        except Malformed:
            continue
        paths = bulk_paths(dataset_json(source, header, lambda where: where, inline_limit=64))[:40]
        if not paths or path in NO_REFERENCE:
            continue
        content, _, encoding = part10.data_set(source, header)
        ds = pydicom.dcmread(data / path, force=True)
        for where in paths:
            value = b"".join(content.read_at(offset, length) for offset, length in bulk_range(source, header, where))
            reference = reference_bytes(ds, where)
            if reference is not None and encoding.little:
                assert value == reference, (path, where)
                checked += 1
    assert checked > 100


def reference_bytes(ds: pydicom.Dataset, where: str) -> bytes | None:
    *levels, last = where.split("/")
    for tag, index in zip(levels[::2], levels[1::2], strict=True):
        ds = ds[int(tag, 16)].value[int(index)]
    element = ds[int(last, 16)]
    if element.is_undefined_length:
        frames = pydicom.encaps.generate_fragments(element.value)
        next(frames)
        return b"".join(frames)
    return element.value if isinstance(element.value, bytes) else None


# ---- the form of every VR ----

VALUES = [
    (0x00080060, "CS", b"CT", ["CT"]),
    (0x00080008, "CS", b"ORIGINAL\\\\AXIAL ", ["ORIGINAL", None, "AXIAL"]),
    (0x00080050, "SH", b"", None),
    (0x00080050, "SH", b"  ", None),
    (0x00080020, "DA", b"20260101", ["20260101"]),
    (0x00080030, "TM", b"101500.5", ["101500.5"]),
    (0x0008002A, "DT", b"20260101101500+0100 ", ["20260101101500+0100"]),
    (0x00080054, "AE", b"ISOCENTER ", ["ISOCENTER"]),
    (0x00101010, "AS", b"045Y", ["045Y"]),
    (0x00080018, "UI", b"1.2.3\0", ["1.2.3"]),
    (0x00081030, "LO", b"one\\two ", ["one", "two"]),
    (0x00104000, "LT", b" line one\\\r\n two ", [" line one\\\r\n two"]),
    (0x00080081, "ST", b"Street 1\\2", ["Street 1\\2"]),
    (0x0040A160, "UT", b"a\\b ", ["a\\b"]),
    (0x00080119, "UC", b"a\\b ", ["a", "b"]),
    (0x00081190, "UR", b"http://x/y?a=b\\c ", ["http://x/y?a=b\\c"]),
    (0x00100010, "PN", b"Doe^Jane=\xe5\xb1\xb1=^", [{"Alphabetic": "Doe^Jane", "Ideographic": "山", "Phonetic": "^"}]),
    (0x00101001, "PN", b"A^B\\\\=X ", [{"Alphabetic": "A^B"}, None, {"Ideographic": "X"}]),
    (0x00200013, "IS", b" 12 ", [12]),
    (0x00200013, "IS", b"-7\\+8\\009", [-7, 8, 9]),
    (0x00200013, "IS", b"1.5", [1.5]),
    (0x00200013, "IS", b"12345678901234567890", ["12345678901234567890"]),
    (0x00180050, "DS", b"1.5\\-.25\\1e3\\2.0\\7.\\", [1.5, -0.25, 1000, 2, 7, None]),
    (0x00180050, "DS", b"n/a\\1_0\\nan\\inf\\1e999\\0x1", ["n/a", "1_0", "nan", "inf", "1e999", "0x1"]),
    (0x00280010, "US", struct.pack("<HH", 512, 65535), [512, 65535]),
    (0x00189219, "SS", struct.pack("<h", -5), [-5]),
    (0x00081160, "UL", struct.pack("<I", 2**32 - 1), [2**32 - 1]),
    (0x00186020, "SL", struct.pack("<i", -(2**31)), [-(2**31)]),
    (0x00720082, "SV", struct.pack("<qq", -(2**63), 7), [str(-(2**63)), 7]),
    (0x00720083, "UV", struct.pack("<QQ", 2**64 - 1, 2**53 - 1), [str(2**64 - 1), 2**53 - 1]),
    (0x00189074, "FD", struct.pack("<ddd", 0.1, float("nan"), float("-inf")), [0.1, "NaN", "-inf"]),
    (0x00189074, "FL", struct.pack("<ff", 0.5, float("inf")), [0.5, "inf"]),
    (0x00280009, "AT", struct.pack("<HHHH", 0x0018, 0x1063, 0x7FE0, 0x0010), ["00181063", "7FE00010"]),
    (0x00280010, "US", b"\x01", None),  # half a number
]


@pytest.mark.parametrize("tag, vr, value, expected", VALUES)
def test_values(tag: int, vr: str, value: bytes, expected: list[Any] | None) -> None:
    content = explicit(0x00080005, "CS", b"ISO_IR 192") + explicit(tag, vr, value)
    element = {"vr": vr} if expected is None else {"vr": vr, "Value": expected}
    assert json_of(file_of(content))[f"{tag:08X}"] == element


@pytest.mark.parametrize("vr", ["OB", "OW", "OF", "OD", "OL", "OV", "UN"])
def test_binary_values_are_inline_when_short(vr: str) -> None:
    content = explicit(0x00091010, vr, bytes(range(16))) + explicit(0x00091011, vr, bytes(2000)) + explicit(0x00091012, vr, b"")
    out = json_of(file_of(content))
    assert out["00091010"] == {"vr": vr, "InlineBinary": base64.b64encode(bytes(range(16))).decode()}
    assert out["00091011"] == {"vr": vr, "BulkDataURI": "bulk/00091011"}
    assert out["00091012"] == {"vr": vr}
    assert json_of(file_of(content), inline_limit=2000)["00091011"]["InlineBinary"]


def test_pixel_data_is_never_inline() -> None:
    assert json_of(file_of(explicit(0x7FE00010, "OW", b"ab")))["7FE00010"] == {"vr": "OW", "BulkDataURI": "bulk/7FE00010"}


def test_long_texts_and_arrays_go_by_uri() -> None:
    content = explicit(0x0040A160, "UT", b"x" * 70_000) + explicit(0x00720083, "UV", bytes(80_000))
    out = json_of(file_of(content))
    assert out["0040A160"] == {"vr": "UT", "BulkDataURI": "bulk/0040A160"}
    assert out["00720083"] == {"vr": "UV", "BulkDataURI": "bulk/00720083"}
    out = json_of(file_of(implicit(0x00081030, b"x" * 70_000), IMPLICIT))
    assert out["00081030"] == {"vr": "UN", "BulkDataURI": "bulk/00081030"}  # LO has no BulkDataURI: PS3.18 F.2.2


def test_big_endian_is_turned_round() -> None:
    content = (
        explicit(0x00189074, "FD", struct.pack(">d", 0.25), order=">")
        + explicit(0x00280009, "AT", struct.pack(">HH", 0x0018, 0x1063), order=">")
        + explicit(0x00280010, "US", struct.pack(">H", 512), order=">")
        + explicit(0x00291010, "OW", struct.pack(">HHB", 1, 2, 7), order=">")
        + explicit(0x00291011, "OB", b"\x01\x02", order=">")
        + explicit(0x00291012, "OF", struct.pack(">f", 1.5), order=">")
    )
    out = json_of(file_of(content, BIG))
    assert out["00189074"]["Value"] == [0.25] and out["00280009"]["Value"] == ["00181063"] and out["00280010"]["Value"] == [512]
    assert base64.b64decode(out["00291010"]["InlineBinary"]) == struct.pack("<HHB", 1, 2, 7)
    assert base64.b64decode(out["00291011"]["InlineBinary"]) == b"\x01\x02"
    assert base64.b64decode(out["00291012"]["InlineBinary"]) == struct.pack("<f", 1.5)


def test_group_lengths_are_left_out() -> None:
    content = explicit(0x00080000, "UL", bytes(4)) + explicit(0x00080060, "CS", b"CT") + explicit(0x00090000, "UL", bytes(4))
    assert json_of(file_of(content)) == {"00080060": {"vr": "CS", "Value": ["CT"]}}


def test_elements_out_of_order_come_out_in_order() -> None:
    out = json_of(file_of(explicit(0x00100020, "LO", b"P1") + explicit(0x00080060, "CS", b"CT")))
    assert list(out) == ["00080060", "00100020"]


def test_tags_above_those_of_items_do_not_stop_the_walk() -> None:
    out = json_of(
        file_of(explicit(0x00080060, "CS", b"CT") + explicit(0xFFFF1010, "LO", b"ab") + explicit(0xFFFF1011, "LO", b"cd"))
    )
    assert list(out) == ["00080060", "FFFF1010", "FFFF1011"]


# ---- sequences ----


def test_sequences_of_every_form() -> None:
    inner = explicit(0x00080100, "SH", b"T1")
    defined = explicit(0x00081032, "SQ", item(inner) + item(b""))
    open_ = explicit(0x00081111, "SQ", b"")[:8] + b"\xff\xff\xff\xff"
    open_ += b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + inner + b"\xfe\xff\x0d\xe0\0\0\0\0" + item(inner) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    empty = explicit(0x00081140, "SQ", b"") + explicit(0x00081199, "SQ", b"")[:8] + b"\xff\xff\xff\xff\xfe\xff\xdd\xe0\0\0\0\0"
    out = json_of(file_of(defined + open_ + empty + explicit(0x00100020, "LO", b"P1")))
    code = {"00080100": {"vr": "SH", "Value": ["T1"]}}
    assert out == {
        "00081032": {"vr": "SQ", "Value": [code, {}]},
        "00081111": {"vr": "SQ", "Value": [code, code]},
        "00081140": {"vr": "SQ"},
        "00081199": {"vr": "SQ"},
        "00100020": {"vr": "LO", "Value": ["P1"]},
    }


def test_items_may_have_a_character_set_of_their_own() -> None:
    greek, latin = "αβ".encode("iso8859_7"), "Jörg".encode("latin_1")
    own = item(explicit(0x00080005, "CS", b"ISO_IR 126") + explicit(0x00080104, "LO", greek))
    inherited = item(explicit(0x00080104, "LO", latin))
    content = (
        explicit(0x00080005, "CS", b"ISO_IR 100")
        + explicit(0x00081032, "SQ", own + inherited)
        + explicit(0x00100010, "PN", latin)
    )
    out = json_of(file_of(content))
    assert [one["00080104"]["Value"] for one in out["00081032"]["Value"]] == [["αβ"], ["Jörg"]]
    assert out["00100010"]["Value"] == [{"Alphabetic": "Jörg"}]
    assert out["00080005"]["Value"] == ["ISO_IR 100"]  # PS3.18 F.2.2 Note 3: that of the source


def test_paths_of_nested_bulk_data() -> None:
    inner = explicit(0x00420010, "ST", b"a ") + explicit(0x00420011, "OB", bytes(range(200)) * 10)
    file = file_of(explicit(0x00081032, "SQ", item(b"") + item(explicit(0x00081111, "SQ", item(inner)))))
    source = BytesSource(file)
    header = scan(source)
    path = "00081032/1/00081111/0/00420011"
    assert bulk_paths(dataset_json(source, header, lambda where: where)) == [path]
    ((offset, length),) = bulk_range(source, header, path)
    assert file[offset : offset + length] == bytes(range(200)) * 10
    for wrong in (
        "00081032/0/00081111/0/00420011",
        "00081032/2/00420011",
        "00081033/0/00420011",
        "00081032",
        "00081032/1",
        "x/1/y",
        "",
        "00081032/1/00081111/0/00420011/0",
        "00081032/1/00081111/0/00420011/0/00080060",
        "00081032/-1/00080060",
    ):
        if wrong == "00081032":
            assert bulk_range(source, header, wrong)
            continue
        with pytest.raises((LookupError, Malformed)):
            bulk_range(source, header, wrong)


def test_an_icon_with_fragments() -> None:
    fragments = item(b"") + item(b"abcd") + item(b"ef") + b"\xfe\xff\xdd\xe0\0\0\0\0"
    icon = explicit(0x7FE00010, "OB", b"")[:8] + b"\xff\xff\xff\xff" + fragments
    file = file_of(explicit(0x00880200, "SQ", item(icon)) + explicit(0x00880904, "LO", b"ab"))
    source = BytesSource(file)
    header = scan(source)
    out = dataset_json(source, header, lambda where: where)
    assert out["00880200"]["Value"] == [{"7FE00010": {"vr": "OB", "BulkDataURI": "00880200/0/7FE00010"}}]
    assert out["00880904"]["Value"] == ["ab"]
    ranges = bulk_range(source, header, "00880200/0/7FE00010")
    assert [file[offset : offset + length] for offset, length in ranges] == [b"abcd", b"ef"]
    assert header.pixels is None  # an icon is not the image


def test_unknown_values_are_read_where_the_dictionary_knows_them() -> None:
    known = explicit(0x00100020, "UN", b"P1") + explicit(0x00081032, "UN", item(implicit(0x00080100, b"T1")))
    unknown = explicit(0x00091010, "UN", b"ab") + explicit(0x00091011, "UN", b"")[:8] + b"\xff\xff\xff\xff"
    unknown += item(implicit(0x00080100, b"T1")) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    out = json_of(file_of(known + unknown))
    code = {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["T1"]}}]}
    assert out["00100020"] == {"vr": "LO", "Value": ["P1"]} and out["00081032"] == code
    assert out["00091010"] == {"vr": "UN", "InlineBinary": "YWI="} and out["00091011"] == code


def test_a_vr_of_a_later_edition_is_unknown() -> None:
    content = struct.pack("<HH2sHI", 0x0009, 0x1010, b"ZZ", 0, 3) + b"abc"
    assert json_of(file_of(content))["00091010"] == {"vr": "UN", "InlineBinary": "YWJj"}


def test_implicit_vrs_that_depend_on_other_elements() -> None:
    def vrs(signed: int, entries: int, waveform_bits: int) -> list[str]:
        waveform = implicit(0x54001004, struct.pack("<H", waveform_bits)) + implicit(0x54001010, b"ab")
        content = implicit(0x00280103, struct.pack("<H", signed)) + implicit(0x00280106, b"\xff\xff")
        content += implicit(0x00283002, struct.pack("<HHH", entries, 0, 16)) + implicit(0x00283006, b"ab")
        content += implicit(0x54000100, item(waveform)) + implicit(0x60003000, b"ab") + implicit(0x7FE00010, b"ab")
        out = json_of(file_of(content, IMPLICIT))
        inner = out["54000100"]["Value"][0]
        return [
            out["00280106"]["vr"],
            out["00283006"]["vr"],
            inner["54001010"]["vr"],
            out["60003000"]["vr"],
            out["7FE00010"]["vr"],
        ]

    assert vrs(0, 256, 16) == ["US", "OW", "OW", "OW", "OW"]
    assert vrs(1, 1, 8) == ["SS", "US", "OB", "OW", "OW"]


def test_a_sequence_that_cannot_be_read_is_given_as_bytes() -> None:
    broken = [b"nonsense", item(b"\x08\x00\x60\x00CS\xff\x00CT"), b"\xfe\xff\x00\xe0\xff\x00\x00\x00", item(b"")[:-1]]
    for value in broken:
        out = json_of(file_of(explicit(0x00081032, "SQ", value) + explicit(0x00100020, "LO", b"P1")))
        assert out["00081032"] == {"vr": "UN", "BulkDataURI": "bulk/00081032"} and out["00100020"]["Value"] == ["P1"]


def test_so_is_one_of_undefined_length_with_a_broken_item() -> None:
    value = item(b"\x08\x00\x60\x00CS\xff\x00CT") + b"\xfe\xff\xdd\xe0\0\0\0\0"
    content = explicit(0x00081032, "SQ", b"")[:8] + b"\xff\xff\xff\xff" + value + explicit(0x00100020, "LO", b"P1")
    source = BytesSource(file_of(content))
    header = scan(source)
    out = dataset_json(source, header, lambda where: where)
    assert out == {"00081032": {"vr": "UN", "BulkDataURI": "00081032"}, "00100020": {"vr": "LO", "Value": ["P1"]}}
    ((offset, length),) = bulk_range(source, header, "00081032")
    assert source.read_at(offset, length) == value


def test_nesting_has_a_limit() -> None:
    content = b""
    for _ in range(MAX_DEPTH + 5):
        content = implicit(0x00081032, item(content))
    out = json_of(file_of(content, IMPLICIT))
    depth = 0
    while out["00081032"]["vr"] == "SQ":
        out, depth = out["00081032"]["Value"][0], depth + 1
    assert depth == MAX_DEPTH and out["00081032"]["vr"] == "UN"


def test_the_number_of_values_in_one_place_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "MAX_VALUES", 100)
    content = b"".join(explicit(0x00091000 + i, "SH", b"") for i in range(101))
    with pytest.raises(Malformed, match="more than 100 values"):
        json_of(file_of(content))
    nested = json_of(file_of(explicit(0x00081032, "SQ", item(content)) + explicit(0x00100020, "LO", b"P1")))
    assert nested["00081032"] == {"vr": "UN", "BulkDataURI": "bulk/00081032"} and nested["00100020"]["Value"] == ["P1"]


@pytest.mark.parametrize("few", [0, 3, 10])
def test_the_items_of_a_large_sequence_are_the_same_as_text(few: int, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    for folder in ("enhanced", "sr", "rt", "seg"):
        for path in (data / folder).rglob("*.dcm"):
            file = path.read_bytes()
            if file[128:132] != b"DICM":
                continue
            expected = orjson.dumps(json_of(file, inline_limit=1 << 16))
            with monkeypatch.context() as patch:
                patch.setattr(json, "_FEW_VALUES", few)
                assert orjson.dumps(json_of(file, inline_limit=1 << 16)) == expected, path


def many(number: int) -> bytes:
    """Elements of as many tags."""
    return b"".join(explicit(0x00091000 + (i // 0xE000 << 17) + i % 0xE000, "SH", b"ab") for i in range(number))


# Objects of some megabytes that would be a gigabyte of Python objects. Too large a sequence goes by BulkDataURI.
HOSTILE = {
    "values": lambda: many(300_000),
    "values in an item": lambda: explicit(0x00081032, "SQ", item(many(300_000))),
    "items": lambda: explicit(0x00081032, "SQ", item(explicit(0x00080060, "CS", b"CT")) * 600_000),
    "empty items": lambda: explicit(0x00081032, "SQ", item(b"") * 3_000_000),
    "names": lambda: explicit(0x00081032, "SQ", item(explicit(0x00100010, "PN", b"a\\" * 30_000)) * 100),
    "numbers": lambda: explicit(0x00081032, "SQ", item(explicit(0x00283010, "DS", b"1.5\\" * 16_000)) * 300),
    "texts": lambda: b"".join(explicit(0x00091000 + i, "LO", b"aa\\" * 20_000) for i in range(200)),
    "control characters": lambda: explicit(0x00081032, "SQ", item(explicit(0x00091010, "LO", b"\1" * 60_000)) * 300),
}
MEASURE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
import orjson
from isocenter.dicom import part10
from isocenter.dicom.json import dataset_json
from isocenter.dicom.source import FileSource

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

with open(sys.argv[1], "rb") as file:
    source = FileSource(file.fileno())
    header = part10.scan(source)
    before = peak()
    try:
        orjson.dumps(dataset_json(source, header, lambda path: path))
    except part10.Malformed:
        pass
    print((peak() - before) // 1024)
"""


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_object_does_not_fill_the_memory(kind: str, tmp_path: Path) -> None:
    (tmp_path / "hostile.dcm").write_bytes(file_of(explicit(0x00080016, "UI", b"1.2\0") + HOSTILE[kind]()))
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "hostile.dcm")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 130, f"{done.stdout} MB"  # of the 250 MB a process may have, 60 to 90 are there before
