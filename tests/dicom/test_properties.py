"""Properties of the parsers: hostile bytes only ever give Malformed, and what pydicom writes we read as pydicom does.

`HYPOTHESIS_PROFILE=deep pytest tests/dicom/test_properties.py` runs them for minutes instead of seconds.
"""

import io
import struct
import warnings
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from isocenter.dicom import part10
from isocenter.dicom.frames import FrameTable
from isocenter.dicom.json import bulk_range, dataset_json
from isocenter.dicom.part10 import Malformed, bare_syntax, scan
from isocenter.dicom.source import BytesSource

SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "jpeg": "1.2.840.10008.1.2.4.50",
    "rle": "1.2.840.10008.1.2.5",
    "private": "1.2.3.4",
}
META = {name: part10.file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", uid) for name, uid in SYNTAXES.items()}


def exercise(file: bytes) -> None:
    """Do with the bytes all that the archive does with an object: it works, or it is Malformed."""
    source = BytesSource(file)
    try:
        header = scan(source)
    except Malformed as error:
        assert error.reason and error.where
        bare_syntax(source)
        return
    assert header.number_of_frames >= 0 and all(isinstance(text, str) for text in header.values.values())
    if header.frames is not None:
        assert FrameTable.decode(header.frames.encode()) == header.frames
        for frame in header.frames[:50]:
            assert all(offset >= 0 and offset + length <= len(file) for offset, length in frame)
    uris: list[str] = []
    try:
        dataset_json(source, header, lambda path: uris.append(path) or path, inline_limit=16)
    except Malformed as error:
        raise AssertionError("what scan accepts has a JSON") from error
    content = part10.data_set(source, header)[0]
    for uri in uris[:20]:
        try:
            ranges = bulk_range(source, header, uri)
        except (Malformed, LookupError):
            continue  # of two elements with one tag, the path names the first, which may be another
        assert all(offset + length <= content.size for offset, length in ranges)


# ---- hostile bytes ----


def headers() -> st.SearchStrategy[bytes]:
    """Element headers that look right, with lengths that need not be."""
    tags = st.sampled_from(
        [
            0x00080005,
            0x00080018,
            0x00100010,
            0x00081032,
            0x00400275,
            0x0040A043,
            0x00280008,
            0x00280010,
            0x7FE00001,
            0x7FE00010,
            0xFFFEE000,
            0xFFFEE00D,
            0xFFFEE0DD,
            0x00091010,
            0,
            0xFFFCFFFC,
        ]
    )
    vrs = st.sampled_from([b"CS", b"UI", b"PN", b"SQ", b"UN", b"OB", b"OW", b"US", b"IS", b"ZZ", b"  ", b"\0\0"])
    lengths = st.sampled_from([0, 1, 2, 4, 8, 20, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF])

    def build(tag: int, vr: bytes, length: int, form: int, value: bytes) -> bytes:
        head = struct.pack(">HH" if form == 3 else "<HH", tag >> 16, tag & 0xFFFF)
        if form == 0:
            return head + struct.pack("<I", length) + value
        order = ">" if form == 3 else "<"
        if vr in (b"SQ", b"UN", b"OB", b"OW", b"ZZ"):
            return head + vr + b"\0\0" + struct.pack(order + "I", length) + value
        return head + vr + struct.pack(order + "H", length & 0xFFFF) + value

    return st.builds(build, tags, vrs, lengths, st.sampled_from([0, 1, 1, 1, 3]), st.binary(max_size=24))


@given(st.sampled_from(sorted(META)), st.lists(headers() | st.binary(max_size=10), max_size=12).map(b"".join))
def test_bytes_that_look_like_elements(syntax: str, content: bytes) -> None:
    if syntax == "deflated":
        deflate = zlib.compressobj(wbits=-15)
        content = deflate.compress(content) + deflate.flush()
    exercise(META[syntax] + content)
    exercise(content)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    exercise(data)
    exercise(bytes(128) + b"DICM" + data)
    exercise(META["deflated"] + data)


MUTATED = [
    "transfer-syntaxes/MR_small_bigendian.dcm",
    "transfer-syntaxes/MR_small_implicit.dcm",
    "transfer-syntaxes/image_dfl.dcm",
    "transfer-syntaxes/SC_rgb_rle_2frame.dcm",
    "transfer-syntaxes/JPEG2000.dcm",
    "pathological/UN_sequence.dcm",
    "pathological/nested_priv_SQ.dcm",
    "pathological/no_meta_group_length.dcm",
    "charsets/chrH31.dcm",
    "transfer-syntaxes/JPEGLSNearLossless_08.dcm",
    "pathological/priv_SQ.dcm",
    "pathological/GH179A.dcm",
]


@lru_cache
def seed(path: Path) -> bytes:
    return path.read_bytes()


@given(draw=st.data())
def test_real_files_with_faults(data: Path, draw: st.DataObject) -> None:
    file = bytearray(seed(data / draw.draw(st.sampled_from(MUTATED))))
    limit = draw.draw(st.sampled_from([400, 1500, len(file)]))  # most structure is in the header
    for _ in range(draw.draw(st.integers(1, 6))):
        at = draw.draw(st.integers(132, min(len(file), limit) - 1))
        match draw.draw(st.sampled_from(["set", "length", "cut", "insert", "delete", "end"])):
            case "set":
                file[at] = draw.draw(st.integers(0, 255))
            case "length":
                file[at : at + 4] = draw.draw(
                    st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xfe\xff\xff\xff", b"\x08\0\0\0"])
                )
            case "cut":
                del file[max(at, 400) :]
            case "insert":
                file[at:at] = draw.draw(st.binary(max_size=12))
            case "delete":
                del file[at : at + draw.draw(st.integers(1, 12))]
            case _:
                file[at:at] = b"\xfe\xff\xdd\xe0\0\0\0\0"
    exercise(bytes(file))


# ---- what pydicom writes ----

TEXT = st.text(alphabet="abcXYZ äß^-山", min_size=0, max_size=12).map(lambda text: text.strip(" ^"))
NUMBER = st.integers(-(2**31), 2**31 - 1)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "PatientName": st.builds(lambda a, b: f"{a}={b}" if b else a, TEXT, TEXT),
    "PatientID": TEXT,
    "StudyDescription": st.lists(TEXT, max_size=3),
    "PatientComments": TEXT,
    "ImageType": st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "AXIAL"]), max_size=4),
    "StudyDate": st.dates().map(lambda day: f"{day:%Y%m%d}".rjust(8, "0")),
    "StudyTime": st.times().map(lambda time: f"{time:%H%M%S.%f}"),
    "SeriesNumber": NUMBER,
    "SliceThickness": st.floats(-1e6, 1e6).map(lambda value: f"{value:.6g}"),
    "ImagePositionPatient": st.lists(st.integers(-999, 999), min_size=3, max_size=3),
    "Rows": st.integers(0, 65535),
    "Columns": st.integers(0, 65535),
    "ReferencedFrameNumber": st.lists(st.integers(0, 2**31 - 1), max_size=3),
    "SimpleFrameList": st.lists(st.integers(0, 2**32 - 1), max_size=3),
    "TagAngleSecondAxis": st.integers(-(2**15), 2**15 - 1),
    "EffectiveDuration": st.floats(allow_nan=False, allow_infinity=False),
    "FrameIncrementPointer": st.sampled_from([0x00181063, 0x00540010]),
    "EncapsulatedDocument": st.binary(max_size=30).map(lambda value: value + b"\0" * (len(value) % 2)),
    "RetrieveURL": st.just("http://localhost/a?b=c"),
    "TextValue": TEXT,
}


def data_sets(depth: int = 2) -> st.SearchStrategy[Dataset]:
    def build(values: dict[str, Any], items: list[Dataset] | None, undefined: bool) -> Dataset:
        ds = Dataset()
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        if items is not None:
            ds.ReferencedSeriesSequence = Sequence(items)
            ds["ReferencedSeriesSequence"].is_undefined_length = undefined
            for one in items:
                one.is_undefined_length_sequence_item = undefined
        return ds

    values = st.fixed_dictionaries({}, optional=ELEMENTS)
    items = st.none() if depth == 0 else st.none() | st.lists(data_sets(depth - 1), max_size=2)
    return st.builds(build, values, items, st.booleans())


def written(ds: Dataset, syntax: str) -> bytes:
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def normal(out: Any) -> Any:
    """Without what is only spelling: "" for null, empty values, binary values in the byte order of the file."""
    if isinstance(out, dict):
        if "vr" not in out:
            return {key: normal(value) for key, value in out.items()}
        values = [normal(value) for value in out.get("Value", [])]
        if out["vr"] == "PN":
            values = [{group: text for group, text in name.items() if text} if name else None for name in values]
        if out["vr"] != "SQ":
            values = [None if value in ("", {}) else value for value in values]
        element = {"vr": str(out["vr"]), "Value": values if any(value is not None for value in values) else []}
        return element | {key: out[key] for key in ("InlineBinary",) if out.get(key)}
    if isinstance(out, str):
        return out.rstrip(" ")
    return out


@pytest.mark.filterwarnings("ignore")
@given(data_sets(), st.sampled_from(["implicit", "explicit", "big", "deflated"]))
def test_json_and_index_agree_with_pydicom(ds: Dataset, syntax: str) -> None:
    file = written(ds, syntax)
    source = BytesSource(file)
    header = scan(source)
    reference = pydicom.dcmread(io.BytesIO(file))
    ours = dataset_json(source, header, lambda path: path)
    assert normal(ours) == normal(reference.to_json_dict(bulk_data_threshold=1 << 40))
    assert header.warnings == ()
    assert header.transfer_syntax_uid == SYNTAXES[syntax]
    for keyword in ("PatientID", "PatientName", "PatientComments", "StudyDate", "StudyTime", "SeriesNumber", "Rows"):
        expected = str(reference[keyword].value if reference[keyword].value is not None else "") if keyword in reference else None
        assert header.values.get(keyword) == (expected.strip() if expected else expected)


@given(data_sets(), st.sampled_from(["implicit", "explicit", "big"]))
def test_bare_data_sets_are_recognised(ds: Dataset, syntax: str) -> None:
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    file = written(ds, syntax)
    content = file[scan(BytesSource(file)).dataset_offset :]
    assert bare_syntax(BytesSource(content)) == SYNTAXES[syntax]


@given(data_sets(), st.sampled_from(["implicit", "explicit", "big", "deflated"]), st.data())
def test_no_prefix_of_an_object_is_taken_for_it(ds: Dataset, syntax: str, data_: st.DataObject) -> None:
    ds.add_new(0x00420012, "LO", "the last element of them")
    file = written(ds, syntax)
    whole = scan(BytesSource(file))
    end = data_.draw(st.integers(0, len(file) - 1))
    try:
        cut = scan(BytesSource(file[:end]))
    except Malformed:
        return
    # Between two elements nothing tells that more should follow; the deflated stream and its padding byte end at their end.
    assert syntax == "deflated" or len(cut.values) <= len(whole.values)
    assert syntax != "deflated" or end >= len(file) - 1
