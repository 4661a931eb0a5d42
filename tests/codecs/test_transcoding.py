"""Every stored syntax into every other, pixel-exact: the reference is the uncompressed original, or a foreign decoder."""

import io
import shutil
import subprocess
import warnings
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

import objects
from isocenter.codecs import decoding, encoding, formats, transcoding
from isocenter.codecs.formats import NATIVE, TARGETS
from isocenter.codecs.layout import Layout
from isocenter.codecs.objects import Object, possible
from isocenter.codecs.transcoding import transcode
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed
from isocenter.dicom.meta import file_meta
from isocenter.dicom.source import BytesSource

EXPLICIT, IMPLICIT, DEFLATED = NATIVE
_UID = "1.2.840.10008.1.2.4."
HTJ2K = {_UID + "201", _UID + "202", _UID + "203"}
gdcmconv = pytest.mark.skipif(shutil.which("gdcmconv") is None, reason="gdcm is not installed")

CT2, NM1, US1 = ("transfer-syntaxes/same-image/" + each for each in ("CT2/CT2_", "NM1/NM1_", "US1/US1_"))
# The others are made by the same encoders as these.
DISTINCT = sorted(set(NATIVE) | {syntaxes.RLE_LOSSLESS, _UID + "70", _UID + "80", _UID + "90", _UID + "202"})
# One image in many syntaxes, with its uncompressed original
SAME = [
    *((CT2 + each, CT2 + "UNC") for each in ("UNC", "J2KR", "JLSL", "JPH", "JPLL", "RLE")),
    *((NM1 + each, NM1 + "UNC") for each in ("UNC", "J2KR", "JPLL")),
    *((US1 + each, US1 + "UNC") for each in ("UNC", "J2KR", "JPH", "RLE")),
    *(("transfer-syntaxes/MR_small" + each, "transfer-syntaxes/MR_small.dcm") for each in (
        ".dcm", "_RLE.dcm", "_bigendian.dcm", "_implicit.dcm", "_jp2klossless.dcm", "_jpeg_ls_lossless.dcm", "_expb.dcm")),
    ("transfer-syntaxes/SC_rgb_small_odd_big_endian.dcm", "transfer-syntaxes/SC_rgb_small_odd.dcm"),
]
# What has no original: our own decoder, which is compared with gdcm's below
OTHERS = [
    "transfer-syntaxes/" + each
    for each in ("JPEGLossless_1s_1f_u_16_12.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "SC_rgb_rle_16bit_2frame.dcm",
                 "SC_rgb_rle_32bit_2frame.dcm", "SC_rgb_jpeg_gdcm.dcm", "image_dfl.dcm", "JLSL_16_15_1_1F.dcm", "MR3_JPH",
                 "SC_rgb_rle_2frame.dcm", "HTJ2KLossless_08_RGB.dcm", "SC_ybr_full_422_uncompressed.dcm")
]


def read(path: Path) -> Object:
    return transcoding.read(BytesSource(path.read_bytes()))


def in_syntax(given: Object, target: str) -> bytes:
    """The object as a file in another transfer syntax."""
    into = io.BytesIO()
    transcode(given, target, into)
    assert into.getvalue()[:4] != b"" and len(into.getvalue()) % 2 == 0
    return file_meta(given.header.sop_class_uid, given.header.sop_instance_uid or "1.2.3", target) + into.getvalue()


def native_of(given: Object | bytes) -> bytes:
    """The native pixels of an object, as pydicom finds them."""
    if isinstance(given, Object):
        given = in_syntax(given, EXPLICIT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks on odd files
        return bytes(pydicom.dcmread(io.BytesIO(given), force=True).PixelData)


@pytest.mark.parametrize(("name", "original"), SAME, ids=[each[0].rpartition("/")[2] for each in SAME])
def test_pixels_stay_what_they_are(data: Path, name: str, original: str) -> None:
    stored, expected = read(data / name), pydicom.dcmread(data / original)
    assert all(possible(stored, target) for target in TARGETS)
    for target in DISTINCT:
        made = in_syntax(stored, target)
        again = transcoding.read(BytesSource(made))
        assert again.header.transfer_syntax_uid == target and not again.header.warnings, again.header.warnings
        assert dict(again.header.values) == dict(stored.header.values)
        assert native_of(again) == expected.PixelData, target
        shown = pydicom.dcmread(io.BytesIO(made))
        assert shown.get("LossyImageCompression", "00") == "00"
        if target in NATIVE:
            assert shown.PhotometricInterpretation == expected.PhotometricInterpretation


@pytest.mark.parametrize("name", OTHERS)
def test_pixels_of_others_stay_what_they_are(data: Path, name: str) -> None:
    stored = read(data / name)
    expected = native_of(stored)
    done = 0
    for target in DISTINCT:
        if possible(stored, target):
            assert native_of(transcoding.read(BytesSource(in_syntax(stored, target)))) == expected, target
            done += 1
    assert done >= len(NATIVE)


def _gdcm(made: bytes, folder: Path) -> pydicom.Dataset:
    (folder / "in.dcm").write_bytes(made)
    done = subprocess.run(["gdcmconv", "--raw", folder / "in.dcm", folder / "out.dcm"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pydicom.dcmread(folder / "out.dcm")


@gdcmconv
@pytest.mark.parametrize("original", [CT2 + "UNC", NM1 + "UNC", US1 + "UNC", "transfer-syntaxes/MR_small.dcm"])
def test_gdcm_reads_what_is_written(data: Path, tmp_path: Path, original: str) -> None:
    stored, expected = read(data / original), pydicom.dcmread(data / original)
    for target in set(DISTINCT) - HTJ2K - set(NATIVE):  # which this gdcm does not know
        assert _gdcm(in_syntax(stored, target), tmp_path).pixel_array.tobytes() == expected.pixel_array.tobytes(), target


@pytest.mark.parametrize("original", [CT2 + "UNC", NM1 + "UNC", US1 + "UNC", "transfer-syntaxes/MR_small.dcm"])
def test_another_library_reads_the_high_throughput_codestreams(data: Path, original: str) -> None:
    """OpenJPEG, where OpenJPH has written; with the precision that the data set says, when its values fit into that."""
    stored, expected = read(data / original), pydicom.dcmread(data / original)
    again = transcoding.read(BytesSource(in_syntax(stored, _UID + "202")))
    (frame,) = transcoding.compressed_frames(again)
    assert np.array_equal(imagecodecs.jpeg2k_decode(frame).reshape(expected.pixel_array.shape), expected.pixel_array)


@gdcmconv
@pytest.mark.parametrize(
    "name",
    ["JPEGLossless_1s_1f_u_16_12.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "SC_rgb_jpeg_gdcm.dcm", "JPGExtended.dcm",
     "JPEGLSNearLossless_16.dcm"],
)
def test_decoded_as_gdcm_does(data: Path, tmp_path: Path, name: str) -> None:
    path = data / "transfer-syntaxes" / name
    expected = _gdcm(path.read_bytes(), tmp_path).pixel_array
    mine = pydicom.dcmread(io.BytesIO(in_syntax(read(path), EXPLICIT)))
    assert np.abs(mine.pixel_array.astype(int) - expected.astype(int)).max() <= (1 if "Extended" in name else 0)


@pytest.mark.parametrize("name", ["SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "JPEGExtended_3s_1f_u_08_08.dcm",
                                  "SC_rgb_small_odd_jpeg.dcm", "SC_rgb_jls_lossy_line.dcm", "same-image/US1/US1_J2KI"])
def test_what_was_lossy_becomes_native_and_says_so(data: Path, name: str) -> None:
    path = data / "transfer-syntaxes" / name
    stored = read(path)
    accepted = [_UID + "90", IMPLICIT, EXPLICIT]
    assert transcoding.choose(stored, accepted) == IMPLICIT
    assert transcoding.choose(stored, accepted[:1]) == _UID + "90", "better than nothing"
    for target in (IMPLICIT, _UID + "90"):
        made = pydicom.dcmread(io.BytesIO(in_syntax(stored, target)))
        assert made.LossyImageCompression == "01"
        assert made.PhotometricInterpretation == {IMPLICIT: "RGB", _UID + "90": "YBR_RCT"}[target]
        assert made.PlanarConfiguration == 0
        shown = pydicom.pixels.pixel_array(path) if "jls" not in name else made.pixel_array
        assert np.abs(made.pixel_array.astype(int) - shown.astype(int)).max() <= 1


def test_the_offset_table_names_each_frame(data: Path) -> None:
    made = transcoding.read(BytesSource(in_syntax(read(data / "transfer-syntaxes/SC_rgb_rle_2frame.dcm"), _UID + "80")))
    dataset = pydicom.dcmread(io.BytesIO(in_syntax(made, _UID + "80")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        offsets = pydicom.encaps.parse_basic_offsets(dataset.PixelData)
        frames = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=2))
    assert offsets == [0, len(frames[0]) + 8]
    assert dataset["PixelData"].VR == "OB" and dataset["PixelData"].is_undefined_length


@pytest.mark.parametrize(
    ("name", "original"),
    [("liver_rle.dcm", "liver_expb.dcm"), ("liver_j2k.dcm", "liver_expb.dcm"), ("liver_deflate.dcm", "liver_expb.dcm"),
     ("liver_nonbyte_aligned_rle.dcm", "liver_nonbyte_aligned.dcm")],
)
def test_bitmaps_are_joined_bit_by_bit(data: Path, name: str, original: str) -> None:
    made = pydicom.dcmread(io.BytesIO(in_syntax(read(data / "seg" / name), EXPLICIT)))
    expected = pydicom.dcmread(data / "seg" / original)
    assert made.pixel_array.shape == expected.pixel_array.shape and made.pixel_array.any()
    assert (made.pixel_array == expected.pixel_array).all()


def test_what_cannot_be_had_is_known_before(data: Path) -> None:
    assert not possible(read(data / "seg/liver_1frame.dcm"), syntaxes.RLE_LOSSLESS), "a bit a pixel"
    assert possible(read(data / "seg/liver_1frame.dcm"), IMPLICIT)
    report = next(path for path in sorted((data / "sr").rglob("*")) if path.is_file())
    assert not possible(read(report), _UID + "90"), "without pixels"
    assert possible(read(report), DEFLATED)
    private = transcoding.read(BytesSource(objects.part10(transfer_syntax="1.3.6.1.4.1.99999.7")))
    assert not any(possible(private, target) for target in TARGETS)


# A frame is believed only when it is what the data set says

LAYOUT = Layout(16, 16, 1, 16, 12, False, False, "MONOCHROME2", 1, False)


def coded(target: str, **facts: int) -> bytes:
    pixels = np.arange(256, dtype="<u2")
    return encoding.encode(target, pixels.tobytes(), LAYOUT)


@pytest.mark.parametrize("target", sorted(formats.LOSSLESS))
def test_a_frame_of_another_size_is_refused_before_it_is_decoded(target: str) -> None:
    frame = coded(target)
    for claim in (replace(LAYOUT, rows=17), replace(LAYOUT, samples=3), replace(LAYOUT, columns=40_000, rows=40_000)):
        with pytest.raises(Malformed):
            decoding.decode(target, frame, claim)


@pytest.mark.parametrize("target", sorted(set(formats.READ)))
@given(data=st.data())
def test_garbage_is_refused(target: str, data: st.DataObject) -> None:
    whole = coded(target) if target in formats.LOSSLESS else bytes(512)
    at = data.draw(st.integers(0, len(whole) - 1))
    frame = whole[:at] + data.draw(st.binary(max_size=40)) + whole[at + data.draw(st.integers(0, 40)) :]
    try:
        decoded = decoding.decode(target, frame, LAYOUT)
    except Malformed:
        return
    assert len(decoded.data) == LAYOUT.frame_bytes


@given(data=st.data())
def test_every_frame_comes_back(data: st.DataObject) -> None:
    """Any pixels of any depth, signed or not, values above Bits Stored included, through every encoder."""
    allocated = data.draw(st.sampled_from([8, 16]))
    samples = data.draw(st.sampled_from([1, 3])) if allocated == 8 else 1
    layout = Layout(
        data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20)), samples, allocated,
        data.draw(st.integers(2, allocated)), samples == 1 and data.draw(st.booleans()), False,
        data.draw(st.sampled_from(["RGB", "YBR_FULL"])) if samples == 3 else "MONOCHROME2", 1, False,
    )
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    high = data.draw(st.sampled_from([1 << layout.bits_stored, 1 << allocated]))
    values = random.integers(0, high, layout.rows * layout.columns * samples)
    frame = values.astype(f"<u{allocated // 8}").tobytes()
    for target in formats.LOSSLESS:
        made = encoding.encode(target, frame, layout)
        again = decoding.decode(target, made, replace(layout, photometric=encoding.photometric(target, layout)))
        assert (again.data, again.photometric, again.lossy) == (frame, layout.photometric, False), target
