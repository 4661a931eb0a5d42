"""Part 10 files: every file of the test data against pydicom, and what bad input gets."""

import csv
import os
import struct
import zlib
from pathlib import Path

import pydicom
import pytest

from isocenter.dicom import inflate, part10
from isocenter.dicom.attributes import ATTRIBUTES, tag_of
from isocenter.dicom.elements import MAX_DEPTH
from isocenter.dicom.part10 import Malformed, scan
from isocenter.dicom.source import BytesSource, FileSource
from objects import data_set, element
from objects import part10 as whole

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED, JPEG, RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5"

# Every file of the test data that is refused, with the true reason, and whether it is one of a cut-short object.
REFUSED = {
    "cr-dx/CR-MONO1-10-chest.dcm": ("not a DICOM Part 10 file", False),  # a bare data set of ACR-NEMA times
    "pathological/3gb-bulk-data-truncated.dcm": ("cut short", True),  # 100 KB of 3 GB of pixels
    "pathological/ExplVR_BigEndNoMeta.dcm": ("not a DICOM Part 10 file", False),
    "pathological/ExplVR_LitEndNoMeta.dcm": ("not a DICOM Part 10 file", False),
    "pathological/GH340.dcm": ("not a DICOM Part 10 file", False),  # ACR-NEMA
    "pathological/GH626.dcm": ("not as long as it says", False),  # a private sequence whose length is four bytes short
    "pathological/MR_truncated.dcm": ("cut short", True),
    "pathological/OT-PAL-8-face.dcm": ("not a DICOM Part 10 file", False),
    "pathological/meta_missing_tsyntax.dcm": ("no Transfer Syntax UID", False),
    "pathological/no_meta.dcm": ("not a DICOM Part 10 file", False),  # a bare data set, but for one byte before it
    "pathological/no_preamble_dicm_in_data.dcm": ("no file meta information", False),
    "pathological/rtplan_truncated.dcm": ("cut short", True),
    "pathological/zipMR.gz": ("not a DICOM Part 10 file", False),
    "rt/rtstruct.dcm": ("not a DICOM Part 10 file", False),  # a bare data set
}
# The refused ones among them that are whole data sets without a file header, and what they are written in.
BARE = {
    "cr-dx/CR-MONO1-10-chest.dcm": IMPLICIT,
    "pathological/ExplVR_BigEndNoMeta.dcm": BIG,
    "pathological/ExplVR_LitEndNoMeta.dcm": EXPLICIT,
    "pathological/GH340.dcm": IMPLICIT,
    "pathological/OT-PAL-8-face.dcm": IMPLICIT,
    "pathological/no_preamble_dicm_in_data.dcm": EXPLICIT,
    "rt/rtstruct.dcm": IMPLICIT,
}
# Files that pydicom does not read, or not to their end, and so is no reference for.
BEYOND_PYDICOM = {
    "pathological/GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm",  # UN of undefined length in explicit VR
    "pathological/GH1339.dcm",  # no delimiter after the pixel data
    "pathological/emri_small_jpeg_2k_lossless_too_short.dcm",  # the same
    "us/GH364.dcm",  # an item without its sequence
}
# What pydicom reads otherwise, and why it is no reference there.
ELSEWHERE = {
    ("charsets/chrGB2312.dcm", "PatientName"),  # pydicom leaves the escape sequences of ISO 2022 IR 58 in the text
    ("pathological/badVR.dcm", "number of frames"),  # "1A": pydicom raises when it is used as a number
}


def manifest(data: Path) -> list[str]:
    with open(data / "MANIFEST.csv", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    volume = [path for path in paths if "volume-lidc" in path]
    return [path for path in paths if path not in volume[1::20]] and [p for p in paths if p not in volume] + volume[::20]


def scan_file(path: Path) -> part10.Header:
    with open(path, "rb") as file:
        return scan(FileSource(file.fileno()))


def reference_text(ds: pydicom.Dataset, tag: int, vr: str) -> str:
    """What pydicom reads, in the form of our index."""
    value = ds[tag].value
    values = [] if value is None else list(value) if isinstance(value, pydicom.multival.MultiValue) else [value]
    texts = [str(one) if vr in ("LT", "ST", "UT") else str(one).strip() for one in values]
    text = "\\".join(texts)
    return text.replace(".", "") if vr == "DA" else text.replace(":", "") if vr == "TM" else text


class Counting(BytesSource):
    """A source that knows the longest read asked of it."""

    longest = 0

    def read_at(self, offset: int, length: int) -> bytes:
        self.longest = max(self.longest, length)
        return super().read_at(offset, length)


# ---- real files ----


@pytest.mark.filterwarnings("ignore")
def test_every_file_is_read_as_pydicom_reads_it_or_refused_for_the_true_reason(data: Path) -> None:
    faults = []
    for path in manifest(data):
        try:
            header = scan_file(data / path)
        except Malformed as error:
            reason, cut_short = REFUSED.get(path, ("none expected", False))
            if reason not in error.reason or error.truncated != cut_short or not error.where:
                faults.append(f"{path}: refused: {error}")
            continue
        if path in REFUSED:
            faults.append(f"{path}: accepted")
        elif path not in BEYOND_PYDICOM:
            found = differences(header, data / path)
            faults += [f"{path}: {fault}" for fault in found if (path, fault.partition(":")[0]) not in ELSEWHERE]
    assert not faults


def differences(header: part10.Header, path: Path) -> list[str]:
    ds = pydicom.dcmread(path, force=True)
    raw_pixels = ds.get_item("PixelData") if "PixelData" in ds else None
    faults = []
    if header.transfer_syntax_uid != ds.file_meta.TransferSyntaxUID:
        faults.append("transfer syntax")
    for attribute in ATTRIBUTES:
        if attribute.computed or attribute.sequence:
            continue
        ours, there = header.values.get(attribute.keyword), attribute.tag in ds
        theirs = reference_text(ds, attribute.tag, attribute.vr) if there else None
        if ours != theirs:
            faults.append(f"{attribute.keyword}: {ours!r} is not {theirs!r}")
    if header.sop_class_uid != ds.get("SOPClassUID", header.media_storage_sop_class_uid):
        faults.append("SOP class")
    if "NumberOfFrames" in ds and ds.NumberOfFrames and header.number_of_frames != ds.NumberOfFrames:
        faults.append("number of frames")
    if (header.pixels is None) != (raw_pixels is None and "FloatPixelData" not in ds and "DoubleFloatPixelData" not in ds):
        faults.append("pixel data")
    place = getattr(raw_pixels, "value_tell", None) or getattr(raw_pixels, "file_tell", None)
    if raw_pixels is not None and header.pixels is not None and header.pixels.offset != place:
        faults.append(f"pixels at {header.pixels.offset}, not {place}")
    return faults


@pytest.mark.filterwarnings("ignore")
def test_the_files_pydicom_cannot_read_give_their_identity(data: Path) -> None:
    for path in BEYOND_PYDICOM:
        header = scan_file(data / path)
        assert header.study_instance_uid and header.sop_instance_uid and header.frames is not None, path
        assert len(header.frames) == header.number_of_frames, path


def test_bare_data_sets_are_recognised_and_nothing_else_is(data: Path) -> None:
    for path in manifest(data):
        if path in REFUSED:
            with open(data / path, "rb") as file:
                assert part10.bare_syntax(FileSource(file.fileno())) == BARE.get(path), path
    assert part10.bare_syntax(BytesSource(b"")) is None
    assert part10.bare_syntax(BytesSource(b"Dear colleague, thank you for the study")) is None
    assert part10.bare_syntax(BytesSource(bytes(4096))) is None
    assert part10.bare_syntax(BytesSource(data_set()[:-1])) is None


def test_file_meta_information_alone(data: Path) -> None:
    with open(data / "transfer-syntaxes/MR_small_RLE.dcm", "rb") as file:
        meta = part10.file_meta_of(FileSource(file.fileno()))
        header = scan(FileSource(file.fileno()))
    assert meta.transfer_syntax_uid == RLE
    assert meta.dataset_offset == header.dataset_offset
    assert meta.sop_instance_uid == header.sop_instance_uid == header.media_storage_sop_instance_uid


# ---- what is written ----


def test_file_meta_is_read_back_by_pydicom(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    meta = part10.file_meta(
        "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", EXPLICIT, source_ae="CT1", sending_ae="CT12", receiving_ae="ISOCENTER"
    )
    path.write_bytes(meta + data_set(SOPInstanceUID="1.2.3.4"))
    ds = pydicom.dcmread(path)
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID == "1.2.3.4"
    assert ds.file_meta.SourceApplicationEntityTitle == "CT1"
    assert ds.file_meta.SendingApplicationEntityTitle == "CT12"
    assert ds.file_meta.ReceivingApplicationEntityTitle == "ISOCENTER"
    header = scan_file(path)
    assert header.dataset_offset == len(meta)
    assert header.warnings == ()


def test_file_meta_of_what_a_broken_peer_says_can_be_written_and_read() -> None:
    file = part10.file_meta("1.2.840.10008.5.1.4.1.1.2", "ü" * 3, EXPLICIT, source_ae="x" * 100_000) + data_set()
    meta = part10.file_meta_of(BytesSource(file))
    assert meta.sop_instance_uid == "???" and meta.transfer_syntax_uid == EXPLICIT and meta.warnings == ()
    assert scan(BytesSource(file)).values["PatientID"] == "P1"


# ---- encodings ----


def nested(*items: bytes) -> bytes:
    """A sequence value of undefined length with items of undefined length, little endian."""
    return (
        b"".join(b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + item + b"\xfe\xff\x0d\xe0\0\0\0\0" for item in items)
        + b"\xfe\xff\xdd\xe0\0\0\0\0"
    )


def undefined(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr + b"\0\0\xff\xff\xff\xff" + value


def encapsulated(*fragments: bytes, basic: bytes = b"", end: bytes = b"\xfe\xff\xdd\xe0\0\0\0\0") -> bytes:
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(f)) + f for f in (basic, *fragments))
    return undefined(0x7FE00010, b"OB", items + end)


def meta_for(syntax: str) -> bytes:
    return part10.file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4.5", syntax)


def test_the_request_attributes_and_the_concept_name_come_from_their_sequences() -> None:
    request = nested(
        element(0x00400009, "SH", b"STEP1 ") + element(0x00401001, "SH", b"REQ1"),
        undefined(0x00400008, b"SQ", nested(element(0x00400009, "SH", b"DEEP"))) + element(0x00400009, "SH", b"STEP2"),
    )
    concept = b"\xfe\xff\x00\xe0" + struct.pack("<I", 14) + element(0x00080100, "SH", b"113704")
    content = data_set(pixels=0) + undefined(0x00400275, b"SQ", request) + element(0x0040A043, "SQ", concept)
    values = scan(BytesSource(meta_for(EXPLICIT) + content)).values
    assert values["ScheduledProcedureStepID"] == "STEP1\\DEEP\\STEP2" or values["ScheduledProcedureStepID"] == "STEP1\\STEP2"
    assert values["RequestedProcedureID"] == "REQ1"
    assert values["CodeValue"] == "113704"


def test_sequences_of_undefined_length_hide_their_attributes() -> None:
    inner = element(0x00100020, "LO", b"OTHER ID") + undefined(0x00081140, b"SQ", nested(element(0x00080018, "UI", b"9.9.9")))
    content = undefined(0x00081110, b"SQ", nested(inner, b"", inner)) + element(0x00100020, "LO", b"P1")
    header = scan(BytesSource(meta_for(EXPLICIT) + content))
    assert header.values == {"PatientID": "P1"}
    assert header.sop_instance_uid == "1.2.3.4.5"  # of the file meta information, since the data set has none


def test_unknown_of_undefined_length_is_implicit_inside() -> None:
    implicit = struct.pack("<HHI", 0x0010, 0x0020, 4) + b"HIDE"
    content = undefined(0x00091010, b"UN", nested(implicit)) + element(0x00100020, "LO", b"P1")
    assert scan(BytesSource(meta_for(EXPLICIT) + content)).values == {"PatientID": "P1"}


def test_unknown_vrs_have_the_long_form() -> None:
    content = struct.pack("<HH2sHI", 0x0009, 0x1010, b"ZZ", 0, 3) + b"abc" + element(0x00100020, "LO", b"P1")
    assert scan(BytesSource(meta_for(EXPLICIT) + content)).values == {"PatientID": "P1"}


def test_a_vr_of_blanks_has_the_short_form_when_an_element_follows() -> None:
    odd = struct.pack("<HH2sH", 0x0009, 0x1010, b"  ", 2) + b"ab"
    content = element(0x00080060, "CS", b"CT") + odd + element(0x00100020, "LO", b"P1")
    assert scan(BytesSource(meta_for(EXPLICIT) + content)).values == {"Modality": "CT", "PatientID": "P1"}


@pytest.mark.parametrize("syntax", ["1.2.840.113619.5.2", IMPLICIT])
def test_implicit_and_ge_private(syntax: str) -> None:
    content = struct.pack("<HHI", 0x0010, 0x0010, 4) + b"A^B " + struct.pack("<HHIH", 0x0028, 0x0010, 2, 512)
    header = scan(BytesSource(meta_for(syntax) + content))
    assert header.values == {"PatientName": "A^B", "Rows": "512"}
    assert header.rows == 512 and header.pixels is None and header.number_of_frames == 0


def test_explicit_big_endian() -> None:
    content = struct.pack(">HH2sH4s", 0x0010, 0x0010, b"PN", 4, b"A^B ") + struct.pack(">HH2sHH", 0x0028, 0x0010, b"US", 2, 512)
    assert scan(BytesSource(meta_for(BIG) + content)).values == {"PatientName": "A^B", "Rows": "512"}


def test_private_transfer_syntaxes_go_by_the_bytes() -> None:
    native = scan(BytesSource(meta_for("1.2.3.999") + data_set()))
    assert native.pixels is not None and native.pixels.length == 512 and native.frames is not None and len(native.frames) == 1
    content = data_set(pixels=0) + encapsulated(b"\xff\xd8\xff\xd9")
    compressed = scan(BytesSource(meta_for("1.2.3.999") + content))
    assert compressed.pixels is not None and compressed.pixels.length is None and compressed.frames is not None
    assert compressed.frames[0][0][1] == 4 and compressed.warnings == ()


@pytest.mark.parametrize("wbits", [-15, 15])
def test_deflated(wbits: int) -> None:
    deflate = zlib.compressobj(wbits=wbits)
    data = deflate.compress(data_set()) + deflate.flush()
    header = scan(BytesSource(meta_for(DEFLATED) + data + b"\0"))
    assert header.values["PatientName"] == "Doe^Jane"
    assert header.pixels is not None and header.pixels.length == 512 and header.frames is None
    source, start, _ = part10.data_set(BytesSource(meta_for(DEFLATED) + data), header)
    assert start == 0 and source.read_at(header.pixels.offset, 512) == bytes(512)


@pytest.mark.parametrize("vr, group", [(b"UL", True), (b"OB", False)])
def test_without_preamble_only_if_group_2_is_there(vr: bytes, group: bool) -> None:
    file = whole()
    start = 132 if group else 132 + 12
    header = scan(BytesSource(file[start:]))
    assert header.values["PatientID"] == "P1" and "the file has no preamble" in header.warnings
    with pytest.raises(Malformed, match="not a DICOM Part 10 file"):
        scan(BytesSource(data_set()))


def test_wrong_and_missing_group_lengths_are_tolerated() -> None:
    file = whole()
    missing = file[:132] + file[144:]
    wrong = file[:140] + struct.pack("<I", 7) + file[144:]
    for faulty, word in ((missing, "missing"), (wrong, "wrong")):
        header = scan(BytesSource(faulty))
        assert header.values["PatientID"] == "P1"
        assert header.warnings == (f"File Meta Information Group Length is {word}",)


def test_a_data_set_in_another_encoding_than_it_says_is_read_with_a_warning() -> None:
    implicit = struct.pack("<HHI", 0x0008, 0x0018, 4) + b"1.2\0" + struct.pack("<HHI", 0x0010, 0x0020, 2) + b"P1"
    for syntax, content in ((EXPLICIT, implicit), (IMPLICIT, data_set()), (BIG, data_set())):
        header = scan(BytesSource(meta_for(syntax) + content))
        assert header.values["PatientID"] == "P1"
        assert header.warnings == ("the data set is not encoded as its transfer syntax says",)


# ---- bad input ----


def test_every_cut_is_noticed_or_falls_between_elements() -> None:
    file = whole(pixels=64)
    pixels = file.index(b"\xe0\x7f\x10\x00")
    boundaries = 0
    for end in range(len(file)):
        try:
            header = scan(BytesSource(file[:end]))
        except Malformed as error:
            assert error.truncated or end < 250, f"{end}: {error}"
            assert error.where
        else:
            assert header.pixels is None and end <= pixels
            boundaries += 1
    assert 10 < boundaries < 40


def test_hostile_lengths_are_never_read() -> None:
    for tail in (
        struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 0xFFFFFFFE),
        struct.pack("<HH2sHI", 0x0009, 0x1010, b"OB", 0, 0x7FFFFFFF),
        undefined(0x7FE00010, b"OB", b"\xfe\xff\x00\xe0\xf0\xff\xff\xff"),
        undefined(0x00091010, b"SQ", b"\xfe\xff\x00\xe0\xf0\xff\xff\xff"),
        struct.pack("<HH2sHI", 0x7FE0, 0x0001, b"OV", 0, 0xFFFFFFF0),
    ):
        source = Counting(meta_for(EXPLICIT) + data_set(pixels=0) + tail + bytes(100))
        with pytest.raises(Malformed) as caught:
            scan(source)
        assert caught.value.truncated
        assert source.longest <= 64 * 1024


def test_a_deflate_bomb_is_refused_before_it_goes_off() -> None:
    deflate = zlib.compressobj(wbits=-15)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(80)) + deflate.flush()
    assert len(bomb) < 100_000
    with pytest.raises(Malformed, match="without measure"):
        scan(BytesSource(meta_for(DEFLATED) + bomb))


@pytest.mark.parametrize("data, reason", [(b"", "cut short"), (b"\xff" * 50, "damaged"), (b"\x4b\x4c", "cut short")])
def test_damaged_deflate(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        scan(BytesSource(meta_for(DEFLATED) + data))


def test_a_large_deflated_data_set_is_read_as_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "_KEEP", 1000)
    content = data_set(pixels=0) + element(0x7FE00010, "OW", os.urandom(400_000))
    deflate = zlib.compressobj(wbits=-15)
    file = meta_for(DEFLATED) + deflate.compress(content) + deflate.flush()
    header = scan(BytesSource(file))
    assert header.pixels is not None and header.values["PatientName"] == "Doe^Jane"
    source, _, _ = part10.data_set(BytesSource(file), header)
    assert source.read_at(header.pixels.offset, 400_000) == content[-400_000:]
    assert source.read_at(0, 50) == content[:50]  # back to the beginning
    assert source.read_at(len(content) - 3, 50) == content[-3:]


def test_deep_nesting_is_refused_without_recursion() -> None:
    head = struct.pack("<HH2sHI", 0x0009, 0x1010, b"SQ", 0, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(Malformed, match=f"more than {MAX_DEPTH} deep"):
        scan(BytesSource(meta_for(EXPLICIT) + head * 100_000))


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not a DICOM Part 10 file"),
        (b"%PDF-1.7 " * 100, "not a DICOM Part 10 file"),
        (bytes(128) + b"DICM", "no file meta information"),
        (bytes(128) + b"DICM" + b"\x08\x00\x05\x00CS\x00\x00", "no file meta information"),
        (bytes(128) + b"DICM" + element(0x00020002, "UI", b"1.2"), "no Transfer Syntax UID"),
        (meta_for(EXPLICIT) + element(0x00000010, "LO", b"command"), "not as long as it says"),
        (meta_for(EXPLICIT) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff", "an item lies outside a sequence"),
        (meta_for(EXPLICIT) + undefined(0x00091010, b"SQ", element(0x00100020, "LO", b"12345678")), "not an item"),
        (meta_for(JPEG) + data_set(pixels=0) + undefined(0x7FE00010, b"OB", element(0x00100020, "LO", b"P1")), "not a fragment"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        scan(BytesSource(data))


def test_padding_and_stray_delimiters_are_tolerated() -> None:
    file = whole()
    assert scan(BytesSource(file + bytes(1000))).warnings == ("padding follows the data set",)
    assert scan(BytesSource(file + bytes(3))).warnings == ("padding follows the data set",)
    assert scan(BytesSource(file + element(0xFFFCFFFC, "OB", bytes(20)))).warnings == ()
    assert scan(BytesSource(file + b"\xfe\xff\xdd\xe0\0\0\0\0")).warnings == ("an item lies outside a sequence",)
    with pytest.raises(Malformed) as caught:
        scan(BytesSource(file + b"\x01\x02\x03"))
    assert caught.value.truncated


def test_elements_out_of_order_are_read_with_a_warning() -> None:
    header = scan(BytesSource(meta_for(EXPLICIT) + element(0x00100020, "LO", b"P1") + element(0x00080018, "UI", b"1.2.3")))
    assert header.values == {"PatientID": "P1", "SOPInstanceUID": "1.2.3"}
    assert header.warnings == ("data elements are out of order",)


def test_text_that_does_not_fit_its_character_set_is_kept_with_a_warning() -> None:
    file = whole(SpecificCharacterSet="", PatientName="Müller^Jörg")
    header = scan(BytesSource(file))
    assert header.values["PatientName"] == "Müller^Jörg"
    assert header.warnings == ("text does not fit its Specific Character Set",)
    header = scan(BytesSource(whole(SpecificCharacterSet="ISO_IR 999")))
    assert header.warnings == ("Specific Character Set is not one of the standard",)


def test_values_far_too_long_are_indexed_in_part() -> None:
    content = struct.pack("<HHI", 0x0010, 0x0020, 100_000) + b"x" * 100_000
    header = scan(BytesSource(meta_for(IMPLICIT) + content))
    assert len(header.values["PatientID"]) == 64 * 1024
    assert header.warnings == ("(0010,0020) is too long and was indexed in part",)


def test_numbers_are_text_and_broken_ones_harmless() -> None:
    content = (
        element(0x00280008, "IS", b"1.5") + element(0x00280010, "US", struct.pack("<HH", 5, 6)) + element(0x00280011, "US", b"")
    )
    header = scan(BytesSource(meta_for(EXPLICIT) + content))
    assert header.values["NumberOfFrames"] == "1.5" and header.number_of_frames == 0
    assert header.values["Rows"] == "5\\6" and header.rows == 5
    assert header.values["Columns"] == "" and header.columns == 0


def test_where_names_the_attribute() -> None:
    with pytest.raises(Malformed) as caught:
        scan(BytesSource(whole()[:-1]))
    assert caught.value.where == "(7FE0,0010)"
    assert tag_of("PixelData") == 0x7FE00010
