"""A corpus of images with every way from stored values to the screen, and what each must look like.

The reference is PS3.4 N.2 (with PS3.3 C.7.6.3, C.7.6.11, C.7.9, C.9.2 and C.11) written down in numpy, with nothing of
Isocenter's own code in it (of the ICC profiles only the files are ours, not what is expected of them).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from isocenter.codecs import profiles

SIDE = 16
COUNT = SIDE * SIDE
Values = NDArray[Any]


# --- PS3.3 C.11: tables and windows; values between 0 and 1


def table(values: Values, entries: Values, first: int, bits: int) -> Values:
    places = np.clip(np.rint(values).astype(np.int64) - first, 0, len(entries) - 1)
    return entries[places] / (2.0**bits - 1)


def linear(values: Values, center: float, width: float) -> Values:
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    inside = ((values - (center - 0.5)) / (width - 1) + 0.5) if width > 1 else np.zeros(values.shape)
    return np.where(values <= low, 0.0, np.where(values > high, 1.0, inside))


def linear_exact(values: Values, center: float, width: float) -> Values:
    inside = (values - center) / width + 0.5
    return np.where(values <= center - width / 2, 0.0, np.where(values > center + width / 2, 1.0, inside))


def sigmoid(values: Values, center: float, width: float) -> Values:
    return 1 / (1 + np.exp(-4 * (values - center) / width))


def grey(part: Values) -> Values:
    """0 to 1 as equal red, green and blue of 8 bits."""
    return np.repeat(np.rint(part.reshape(SIDE, SIDE, 1) * 255), 3, axis=2)


# --- making objects


def base(number: int, study: str, series: str) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7.2"
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.StudyInstanceUID, made.SeriesInstanceUID = study, series
    made.PatientName, made.PatientID, made.Modality = "Corpus^Of Grey", "GREY-1", "OT"
    made.StudyDate, made.StudyTime, made.AccessionNumber, made.StudyID = "20260105", "101500", "", ""
    made.PatientBirthDate, made.PatientSex, made.ReferringPhysicianName = "", "", ""
    made.SeriesNumber, made.InstanceNumber = 1, number
    made.Rows = made.Columns = SIDE
    return made


def stored(
    made: Dataset, values: Values, bits: int, *, signed: bool = False, high: int | None = None, photometric: str = "MONOCHROME2"
) -> None:
    """Integer pixels, little endian; `high` above bits - 1: to the left of their words."""
    allocated = 8 if bits <= 8 else 16 if bits <= 16 else 32
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, photometric
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = allocated, bits, high or bits - 1, int(signed)
    words = (values.astype(np.int64) & (2**bits - 1)) << ((high or bits - 1) - bits + 1)
    made.PixelData = words.astype(f"<u{allocated // 8}").tobytes()
    made["PixelData"].VR = "OB" if allocated == 8 else "OW"


def windows(made: Dataset, centers: list[float], widths: list[float], function: str = "", names: list[str] | None = None) -> None:
    made.WindowCenter, made.WindowWidth = centers, widths
    if function:
        made.VOILUTFunction = function
    if names:
        made.WindowCenterWidthExplanation = names


def lut(entries: Values, first: int, bits: int, *, signed: bool = False, name: str = "", kind: str = "") -> Dataset:
    made = Dataset()
    made.add_new(0x00283002, "SS" if signed else "US", [len(entries) % 65536, first, bits])
    if name:
        made.LUTExplanation = name
    if kind:
        made.ModalityLUTType = kind
    made.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return made


def overlay(made: Dataset, bits: Values, *, group: int = 0x6000, origin: tuple[int, int] = (1, 1)) -> None:
    made.add_new((group, 0x0010), "US", bits.shape[0])
    made.add_new((group, 0x0011), "US", bits.shape[1])
    made.add_new((group, 0x0040), "CS", "G")
    made.add_new((group, 0x0050), "SS", list(origin))
    made.add_new((group, 0x0100), "US", 1)
    made.add_new((group, 0x0102), "US", 0)
    packed = np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()
    made.add_new((group, 0x3000), "OW", packed + b"\0" * (len(packed) % 2))


# --- the cases: each a function that fills an object and says what is on the screen

RAMP = np.arange(COUNT)
RANDOM = np.random.default_rng(20261123)
Shown = dict[str, Values] | list[dict[str, Values]]
CASES: list[tuple[str, Callable[[Dataset], Shown]]] = []


def case(function: Callable[[Dataset], Shown]) -> Callable[[Dataset], Shown]:
    CASES.append((function.__name__, function))
    return function


def _window_case(
    name: str, bits: int, signed: bool, slope: float | None, intercept: float, function: str, center: float, width: float
) -> None:
    def fill(made: Dataset) -> Shown:
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        values = np.rint(np.linspace(low, high, COUNT)).astype(np.int64)
        stored(made, values, bits, signed=signed)
        windows(made, [center], [width], function)
        if slope is not None:
            made.RescaleSlope, made.RescaleIntercept, made.RescaleType = slope, intercept, "US"
        shape = {"": linear, "LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}[function]
        return {"": grey(shape(values * (slope if slope is not None else 1.0) + intercept, center, width))}

    CASES.append((name, fill))


for _bits, _signed in ((8, False), (8, True), (12, False), (12, True), (16, False), (16, True)):
    for _function in ("", "LINEAR_EXACT", "SIGMOID"):
        _name, _half = f"{_bits} bits{' signed' if _signed else ''} {_function}", 2 ** (_bits - 1)
        _window_case(_name, _bits, _signed, None, 0, _function, (0 if _signed else _half) + 7, _half - 3)
_window_case("slope and intercept", 12, False, 1, -1024, "LINEAR", 40, 400)
_window_case("a broken slope", 12, False, 0.37, 12.5, "LINEAR", 700, 900)
_window_case("a falling slope", 12, False, -2, 4000, "LINEAR", 100, 6000)
_window_case("width of one", 12, False, None, 0, "LINEAR", 2000, 1)
_window_case("exact width below one", 8, False, 1 / 255, 0, "LINEAR_EXACT", 0.5, 0.8)
_window_case("steep sigmoid", 12, True, 1, 0, "SIGMOID", -100, 40)


@case
def several_windows_by_name(made: Dataset) -> Shown:
    values = RAMP * 16
    stored(made, values, 12)
    windows(made, [1000, 2500], [1000, 800], "LINEAR", ["WIDE", "NARROW ONE"])
    wide = grey(linear(values, 1000, 1000))
    return {"": wide, "NARROW ONE": grey(linear(values, 2500, 800)), "WIDE": wide}


@case
def several_tables_by_name(made: Dataset) -> Shown:
    values = RAMP * 16
    stored(made, values, 12)
    root = np.rint(np.sqrt(np.arange(4096) / 4095) * 4095)
    narrow = RANDOM.integers(0, 256, 100)
    made.VOILUTSequence = Sequence([lut(root, 0, 12, name="ROOT"), lut(narrow, 1000, 8, name="NOISE")])
    return {"": grey(table(values, root, 0, 12)), "NOISE": grey(table(values, narrow, 1000, 8))}


@case
def a_table_beside_a_window(made: Dataset) -> Shown:
    values = RAMP * 16
    stored(made, values, 12)
    windows(made, [2000], [3000], "", ["PLAIN"])
    falling = np.arange(65535, -1, -1)
    made.VOILUTSequence = Sequence([lut(falling, 0, 16, name="FALLING")])
    return {"": grey(linear(values, 2000, 3000)), "FALLING": grey(table(values, falling, 0, 16))}


@case
def a_table_of_signed_values(made: Dataset) -> Shown:
    values = RAMP * 8 - 1000
    stored(made, values, 16, signed=True)
    entries = np.rint((np.sin(np.arange(600) / 60) + 1) / 2 * 1023)
    made.VOILUTSequence = Sequence([lut(entries, -300, 10, signed=True, name="WAVES")])
    return {"": grey(table(values, entries, -300, 10))}


@case
def a_modality_table(made: Dataset) -> Shown:
    values = RAMP * 16
    stored(made, values, 12)
    entries = np.rint(4095 * (1 - np.exp(-np.arange(4096) / 900)))
    made.ModalityLUTSequence = Sequence([lut(entries, 0, 16, kind="US")])
    windows(made, [2600], [2000])
    return {"": grey(linear(table(values, entries, 0, 16) * 65535, 2600, 2000))}


@case
def a_modality_table_that_begins_late(made: Dataset) -> Shown:
    values = RAMP
    stored(made, values, 8)
    entries = RANDOM.integers(0, 65536, 128)
    made.ModalityLUTSequence = Sequence([lut(entries, 64, 16, kind="US")])
    windows(made, [32768], [65536])
    return {"": grey(linear(table(values, entries, 64, 16) * 65535, 32768, 65536))}


@case
def monochrome1(made: Dataset) -> Shown:
    stored(made, RAMP * 16, 12, photometric="MONOCHROME1")
    windows(made, [2000], [3000])
    return {"": grey(1 - linear(RAMP * 16, 2000, 3000))}


@case
def shape_inverse(made: Dataset) -> Shown:
    stored(made, RAMP * 16, 12)
    made.PresentationLUTShape = "INVERSE"
    windows(made, [2000], [3000])
    return {"": grey(1 - linear(RAMP * 16, 2000, 3000))}


@case
def a_presentation_table(made: Dataset) -> Shown:
    stored(made, RAMP * 16, 12)
    windows(made, [2000], [3000])
    entries = np.rint((np.arange(4096) / 4095) ** 2.2 * 65535)
    made.add_new(0x20500010, "SQ", Sequence([lut(entries, 0, 16)]))
    part = np.rint(linear(RAMP * 16, 2000, 3000) * 4095)
    return {"": grey(table(part, entries, 0, 16))}


@case
def left_in_its_word(made: Dataset) -> Shown:
    stored(made, RAMP * 16, 12, high=15)
    windows(made, [2048], [4096])
    return {"": grey(linear(RAMP * 16, 2048, 4096))}


@case
def signed_left_in_its_word(made: Dataset) -> Shown:
    values = RAMP * 16 - 2048
    stored(made, values, 12, signed=True, high=14)
    windows(made, [0], [4096])
    return {"": grey(linear(values, 0, 4096))}


@case
def words_of_32_bits(made: Dataset) -> Shown:
    values = RAMP * 4000 - 400000
    stored(made, values, 32, signed=True)
    windows(made, [0], [700000])
    return {"": grey(linear(values, 0, 700000))}


def _floats(name: str, keyword: str, kind: str, allocated: int) -> None:
    def fill(made: Dataset) -> Shown:
        values = np.linspace(-1, 2, COUNT).astype(kind)
        made.SamplesPerPixel, made.PhotometricInterpretation, made.BitsAllocated = 1, "MONOCHROME2", allocated
        setattr(made, keyword, values.tobytes())
        windows(made, [0.5], [1.2], "LINEAR_EXACT")
        return {"": grey(linear_exact(values.astype(np.float64), 0.5, 1.2))}

    CASES.append((name, fill))


_floats("floats", "FloatPixelData", "<f4", 32)
_floats("doubles", "DoubleFloatPixelData", "<f8", 64)


def _padded(name: str, value: int, limit: int | None, slope: float, photometric: str) -> None:
    def fill(made: Dataset) -> Shown:
        values = RAMP * 16 - 2000
        stored(made, values, 16, signed=True, photometric=photometric)
        made.add_new(0x00280120, "SS", value)
        if limit is not None:
            made.add_new(0x00280121, "SS", limit)
        made.RescaleSlope, made.RescaleIntercept, made.RescaleType = slope, 0, "US"
        windows(made, [0], [3000])
        part = linear(values * slope, 0, 3000)
        low, high = min(value, limit or value), max(value, limit or value)
        padding = (values >= low) & (values <= high)
        return {"": grey(np.where(padding, 0, 1 - part if photometric == "MONOCHROME1" else part))}

    CASES.append((name, fill))


_padded("padding, black anyway", -2000, None, 1, "MONOCHROME2")
_padded("padding, white without it", 1600, None, 1, "MONOCHROME2")
_padded("a range of padding", 800, 1200, 1, "MONOCHROME2")
_padded("a range of padding, falling values", 1200, 800, -1, "MONOCHROME2")
_padded("padding of MONOCHROME1", -2000, -1500, 1, "MONOCHROME1")


# --- shutters and overlay planes

ROW, COLUMN = np.mgrid[1 : SIDE + 1, 1 : SIDE + 1]


def _covered(name: str, covered: Values, fill_in: Callable[[Dataset], None], color: tuple[int, int, int] = (0, 0, 0)) -> None:
    def fill(made: Dataset) -> Shown:
        stored(made, RAMP * 16, 12)
        windows(made, [2048], [4096])
        fill_in(made)
        return {"": np.where(covered[..., None], np.array(color), grey(linear(RAMP * 16, 2048, 4096)))}

    CASES.append((name, fill))


def _rectangle(made: Dataset) -> None:
    made.ShutterShape = "RECTANGULAR"
    made.ShutterLeftVerticalEdge, made.ShutterRightVerticalEdge = 4, 12
    made.ShutterUpperHorizontalEdge, made.ShutterLowerHorizontalEdge = 3, 10


def _circle(made: Dataset) -> None:
    made.ShutterShape, made.CenterOfCircularShutter, made.RadiusOfCircularShutter = "CIRCULAR", [8, 9], 5
    made.ShutterPresentationValue = 32896


def _both(made: Dataset) -> None:
    _rectangle(made)
    _circle(made)
    made.ShutterShape = ["RECTANGULAR", "CIRCULAR"]
    # sRGB's red in the D50 of ICC's connection space: L* 54.29, a* 80.80, b* 69.89, as PS3.3 C.10.7.1.1 encodes it
    made.add_new(0x00181624, "US", [35579, 53662, 50858])


def _bitmap(made: Dataset) -> None:
    made.ShutterShape = "BITMAP"
    made.add_new(0x00181623, "US", 0x6002)
    made.ShutterPresentationValue = 65535 * 51 // 255
    overlay(made, COLUMN > ROW, group=0x6002)


_outside = (COLUMN < 4) | (COLUMN > 12) | (ROW < 3) | (ROW > 10)
_beyond = (ROW - 8) ** 2 + (COLUMN - 9) ** 2 > 25
_covered("a rectangular shutter", _outside, _rectangle)
_covered("a circular shutter in grey", _beyond, _circle, (128, 128, 128))
_covered("a shutter in colour", _outside | _beyond, _both, (255, 0, 0))
_covered("a bitmap shutter", COLUMN > ROW, _bitmap, (51, 51, 51))


@case
def an_overlay_plane(made: Dataset) -> Shown:
    stored(made, RAMP * 16, 12)
    windows(made, [2048], [4096])
    bits = (np.indices((5, 7)).sum(axis=0) % 2).astype(bool)
    overlay(made, bits, origin=(3, 6))
    shown = grey(linear(RAMP * 16, 2048, 4096))
    shown[2:7, 5:12][bits] = 255
    return {"": shown}


@case
def an_overlay_plane_in_the_pixels(made: Dataset) -> Shown:
    values, bits = RAMP * 16, ((COLUMN * ROW) % 3 == 0).reshape(-1)
    stored(made, values, 12)
    made.PixelData = (values | (bits.astype(np.int64) << 14)).astype("<u2").tobytes()
    made["PixelData"].VR = "OW"
    made.add_new(0x60000040, "CS", "G")
    made.add_new(0x60000100, "US", 16)
    made.add_new(0x60000102, "US", 14)
    windows(made, [2048], [4096])
    return {"": np.where(bits.reshape(SIDE, SIDE, 1), 255, grey(linear(values, 2048, 4096)))}


# --- colour


def _palette(made: Dataset, bits: int, first: int, entries: list[Values]) -> None:
    for channel, values in enumerate(entries):
        made.add_new(0x00281101 + channel, "US", [len(values) % 65536, first, bits])
        data = values.astype("<u2" if bits == 16 else "u1").tobytes()
        made.add_new(0x00281201 + channel, "OW", data)


def _paletted(name: str, bits: int, first: int) -> None:
    def fill(made: Dataset) -> Shown:
        stored(made, RAMP, 8, photometric="PALETTE COLOR")
        entries = [RANDOM.integers(0, 2**bits, 128) for _ in range(3)]
        for values in entries:
            values[0] = 2**bits - 1
        _palette(made, bits, first, entries)
        shown = [values[np.clip(RAMP - first, 0, 127)] >> (bits - 8) for values in entries]
        return {"": np.stack(shown, axis=1).reshape(SIDE, SIDE, 3)}

    CASES.append((name, fill))


_paletted("a palette of 8 bits", 8, 0)
_paletted("a palette of 16 bits", 16, 0)
_paletted("a palette that begins late", 16, 50)


@case
def a_segmented_palette(made: Dataset) -> Shown:
    """PS3.3 C.7.9.2: a discrete segment, a linear one, and both again by an indirect one."""
    stored(made, RAMP, 8, photometric="PALETTE COLOR")
    words = [0, 2, 100, 60000, 1, 126, 0, 2, 2, 0, 0]
    line = [60000 - 60000 * step / 126 for step in range(1, 127)]
    entries = np.rint(np.array([100, 60000, *line, 100, 60000, *line])).astype(np.int64)
    for channel in range(3):
        made.add_new(0x00281101 + channel, "US", [256, 0, 16])
        made.add_new(0x00281221 + channel, "OW", np.array(words, "<u2").tobytes())
    return {"": np.repeat((entries >> 8).reshape(SIDE, SIDE, 1), 3, axis=2)}


def _colour(name: str, photometric: str, bits: int, planar: int) -> None:
    def fill(made: Dataset) -> Shown:
        samples = RANDOM.integers(0, 2**bits, (COUNT, 3))
        made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, photometric, planar
        made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = (8 if bits == 8 else 16), bits, bits - 1, 0
        laid = samples.T if planar else samples
        made.PixelData = np.ascontiguousarray(laid).astype("u1" if bits == 8 else "<u2").tobytes()
        made["PixelData"].VR = "OB" if bits == 8 else "OW"
        return {"": to_rgb(samples >> (bits - 8), photometric).reshape(SIDE, SIDE, 3)}

    CASES.append((name, fill))


def adobe_to_screen(samples: Values) -> Values:
    """Adobe RGB (1998) as sRGB (IEC 61966-2-1): both have the white of D65, so that one matrix leads from one to the other."""
    adobe = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    srgb = np.array([[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]])
    light = (samples / 255) ** (563 / 256) @ adobe.T @ np.linalg.inv(srgb).T
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.rint(np.clip(curve, 0, 1) * 255)


def _profiled(name: str, profile: bytes, seen: Callable[[Values], Values]) -> None:
    """Colours with an ICC profile (PS3.3 C.11.15), none that the screen cannot show: each program clips those its own way."""

    def fill(made: Dataset) -> Shown:
        samples = RANDOM.integers(70, 190, (COUNT, 1)) + RANDOM.integers(-12, 13, (COUNT, 3))
        samples[:60] = np.arange(60)[:, None] * 4 + 10  # greys, dark and bright
        made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
        made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
        made.PixelData = samples.astype("u1").tobytes()
        made["PixelData"].VR = "OB"
        made.ICCProfile = profile
        return {"": seen(samples).reshape(SIDE, SIDE, 3)}

    CASES.append((name, fill))


_profiled("a profile of Adobe RGB", profiles.profile("adobergb"), adobe_to_screen)
_profiled("a profile of the screen", profiles.profile("srgb"), lambda samples: samples)
_profiled("a profile that is none", b"acsp" * 40, lambda samples: samples)


def to_rgb(samples: Values, photometric: str) -> Values:
    """PS3.3 C.7.6.3.1.2."""
    if photometric == "RGB":
        return samples
    y, b, r = (samples[:, channel].astype(np.float64) for channel in range(3))
    if photometric.startswith("YBR_PARTIAL"):  # ITU-R BT.601: 16 to 235, and 16 to 240
        y, b, r = (y - 16) * 255 / 219, (b - 128) * 255 / 224, (r - 128) * 255 / 224
    else:
        b, r = b - 128, r - 128
    return np.rint(np.clip(np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=1), 0, 255))


_colour("RGB by pixel", "RGB", 8, 0)
_colour("RGB by plane", "RGB", 8, 1)
_colour("RGB of 16 bits", "RGB", 16, 0)
_colour("RGB of 12 bits by plane", "RGB", 12, 1)
_colour("YBR_FULL by pixel", "YBR_FULL", 8, 0)
_colour("YBR_FULL by plane", "YBR_FULL", 8, 1)


def _halved(photometric: str) -> None:
    def fill(made: Dataset) -> Shown:
        pairs = RANDOM.integers(16, 236, (COUNT // 2, 4))  # Y Y Cb Cr
        made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, photometric, 0
        made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
        made.PixelData = pairs.astype("u1").tobytes()
        made["PixelData"].VR = "OB"
        samples = np.stack([pairs[:, :2].reshape(-1), np.repeat(pairs[:, 2], 2), np.repeat(pairs[:, 3], 2)], axis=1)
        return {"": to_rgb(samples, photometric).reshape(SIDE, SIDE, 3)}

    CASES.append((photometric, fill))


_halved("YBR_FULL_422")
_halved("YBR_PARTIAL_422")


# --- several frames


@case
def functional_groups_of_each_frame(made: Dataset) -> Shown:
    """Enhanced: each frame has its own rescale, window and shutter (PS3.3 C.7.6.16)."""
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    made.Modality = "CT"
    made.NumberOfFrames = 3
    frames = [RAMP * 16, RAMP[::-1] * 16, RAMP * 8 + 1000]
    stored(made, np.concatenate(frames), 12)
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing = [0.5, 0.5]
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    groups, shown = [], []
    for index, values in enumerate(frames):
        group, transform, voi = Dataset(), Dataset(), Dataset()
        slope, intercept, center, width = index + 1, -100 * index, 1500 + 500 * index, 2000 - 300 * index
        transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = slope, intercept, "HU"
        windows(voi, [center], [width], "LINEAR" if index < 2 else "SIGMOID")
        group.PixelValueTransformationSequence, group.FrameVOILUTSequence = Sequence([transform]), Sequence([voi])
        seen = grey((linear if index < 2 else sigmoid)(values * slope + intercept, center, width))
        if index == 1:
            shutter = Dataset()
            _rectangle(shutter)
            group.FrameDisplayShutterSequence = Sequence([shutter])
            seen = np.where(_outside[..., None], 0, seen)
        groups.append(group)
        shown.append({"": seen})
    made.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return shown


def write(folder: Path) -> None:
    """One series of all cases as files, and expected.json: [{name, shown: {window: 16 x 16 x 3 numbers}}] for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series = generate_uid(), generate_uid()
    pictures: list[dict[str, Any]] = []
    for number, (name, fill) in enumerate(CASES, 1):
        made = base(number, study, series)
        shown = fill(made)
        made.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)
        for frame in shown if isinstance(shown, list) else [shown]:
            flat = {window: np.asarray(seen).astype(int).reshape(-1).tolist() for window, seen in frame.items()}
            pictures.append({"name": name.replace("_", " "), "shown": flat})
    (folder / "expected.json").write_text(json.dumps({"study": study, "pictures": pictures}))
