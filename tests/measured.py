"""Regions of every kind, on a CT, on slices of a PET and on frames of an enhanced CT with a slope each, and what they measure:
worked out in numpy from the stored values, with nothing of our own.

A pixel is of a region when its centre is (centres are whole numbers, as the viewer counts).
Padding is no value (PS3.3 C.7.5.1.1.2).
"""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

import shown

SIDE = 64
SPACING = (0.7, 0.5)  # between rows, between columns: no square pixels
PADDING = -2000
Point = tuple[float, float]
Values = NDArray[Any]
Y, X = np.mgrid[0:SIDE, 0:SIDE].astype(float)

REGIONS: dict[str, list[Point]] = {
    "rectangle": [(4.2, 6.7), (30.6, 40.1)],
    "ellipse": [(20.5, 10.25), (55.0, 48.5)],
    "circle": [(32.0, 30.0), (44.0, 30.0)],
    "freehand": [(5.1, 5.3), (60.2, 12.5), (50.3, 58.4), (30.1, 22.2), (8.5, 55.3)],  # not convex
    "oblique": [(10.3, 30.1), (30.2, 10.4), (44.1, 24.3), (24.2, 44.2)],
    "circle3": [(20.2, 30.3), (35.4, 14.2), (50.1, 33.3)],
    "spline": [(12.3, 20.2), (40.1, 8.4), (52.2, 45.3), (20.4, 50.1)],
    "livewire": [(5.1, 5.2), (30.3, 6.4), (58.2, 20.3), (40.4, 58.1), (12.2, 40.3), (20.1, 22.4)],
}
# The closed curve of Catmull and Rom, 16 steps from each point to the next: (1, t, t^2, t^3) times this, times four points.
CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
STEPS = 16


def inside(kind: str, points: list[Point]) -> Values:
    (x0, y0), (x1, y1) = points[0], points[1]
    if kind == "rectangle":
        return (x0 <= X) & (x1 >= X) & (y0 <= Y) & (y1 >= Y)
    if kind == "ellipse":
        return ((X - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + ((Y - (y0 + y1) / 2) / ((y1 - y0) / 2)) ** 2 <= 1
    if kind == "circle":  # in millimetres
        across, down = (X - x0) * SPACING[1], (Y - y0) * SPACING[0]
        return across**2 + down**2 <= ((x1 - x0) * SPACING[1]) ** 2 + ((y1 - y0) * SPACING[0]) ** 2
    if kind == "circle3":  # in millimetres: the middle is as far from each point
        at = np.array(points) * (SPACING[1], SPACING[0])
        middle = np.linalg.solve(2 * (at[1:] - at[0]), (at[1:] ** 2).sum(1) - (at[0] ** 2).sum())
        return np.hypot(X * SPACING[1] - middle[0], Y * SPACING[0] - middle[1]) <= np.hypot(*(at[0] - middle))
    if kind == "spline":
        powers = (np.arange(STEPS) / STEPS)[:, None] ** np.arange(4)
        through = np.array(points)
        curve = [powers @ CATMULL_ROM @ np.roll(through, 1 - n, axis=0)[:4] for n in range(len(points))]
        points = [(float(x), float(y)) for x, y in np.concatenate(curve)]
    crossed = np.zeros(X.shape, bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if ay != by:
            crossed ^= ((ay <= Y) != (by <= Y)) & (ax + (Y - ay) / (by - ay) * (bx - ax) > X)
    return crossed


def said(values: Values) -> dict[str, float]:
    away, deviation = values - values.mean(), values.std()
    counts, _ = np.histogram(values, 256)
    parts = counts[counts > 0] / len(values)
    return {
        "mean": values.mean(), "SD": deviation, "min": values.min(), "max": values.max(), "median": float(np.median(values)),
        "pixels": len(values), "skewness": (away**3).mean() / deviation**3, "kurtosis": (away**4).mean() / deviation**4 - 3,
        "entropy": float(-(parts * np.log2(parts)).sum()),
    }  # fmt: skip


def _object(modality: str, words: Values) -> Dataset:
    made = shown.base(1, generate_uid(), generate_uid())
    made.Rows = made.Columns = SIDE
    made.PatientName, made.PatientID, made.Modality = "Numbers^Of Regions", f"ROI-{modality}", modality
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = f"1.2.840.10008.5.1.4.1.1.{'2' if modality == 'CT' else '128'}"
    shown.stored(made, words, 16, signed=True)
    made.PixelSpacing, made.SliceThickness, made.ImageType = [*SPACING], 2, ["ORIGINAL", "PRIMARY", "AXIAL"]
    made.ImagePositionPatient, made.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = generate_uid(), ""
    return made


Made = tuple[Dataset, int, Values, dict[str, float]]  # the object, a frame of it, its values, factors of its uptakes


def _ct(noise: np.random.Generator) -> list[Made]:
    words = noise.integers(0, 3000, (SIDE, SIDE))
    words[(X - 31.5) ** 2 + (Y - 31.5) ** 2 > 28**2] = PADDING  # a round field of view
    made = _object("CT", words)
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, -1024, "HU"
    made.add_new(0x00280120, "SS", PADDING)
    return [(made, 1, np.where(words == PADDING, np.nan, words - 1024.0), {})]


def _pet(noise: np.random.Generator) -> list[Made]:
    """F-18, injected 59 minutes and 15 seconds before the scan, 63.5 kg: SUVbw by its definition."""
    words, slope = noise.integers(0, 30000, (SIDE, SIDE)), 0.8125
    made = _object("PT", words)
    made.RescaleSlope, made.RescaleIntercept, made.Units = slope, 0, "BQML"
    made.CorrectedImage, made.DecayCorrection, made.PatientWeight = ["DECY", "ATTN", "SCAT"], "START", "63.5"
    made.PatientSex, made.PatientSize = "F", "1.68"
    made.SeriesDate = made.AcquisitionDate = "20260105"
    made.SeriesTime = made.AcquisitionTime = "101500"
    drug = Dataset()
    drug.RadiopharmaceuticalStartTime, drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = "091545", "312000000", "6586.2"
    made.RadiopharmaceuticalInformationSequence = Sequence([drug])
    suv = 63.5 * 1000 / (312e6 * 0.5 ** (3555 / 6586.2))
    lean, ideal = 1.07 * 63.5 - 148 * (63.5 / 168) ** 2, 45.5 + 0.91 * (168 - 152)  # kg: James, Sugawara
    surface = 0.007184 * 63.5**0.425 * 168**0.725 * 1e4  # cm²: Du Bois
    others = {"SUVlbm": suv * lean / 63.5, "SUVibw": suv * ideal / 63.5, "SUVbsa": suv * surface / 63500}
    uptakes = {"SUVbw": suv, **others}
    other, own = copy.deepcopy(made), noise.integers(0, 30000, (SIDE, SIDE))
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    shown.stored(other, own, 16, signed=True)
    other.InstanceNumber, other.ImagePositionPatient, other.RescaleSlope = 2, [0, 0, 2], 2.4375
    return [(made, 1, words * slope, uptakes), (other, 1, own * 2.4375, uptakes)]


def _item(**values: Any) -> Sequence:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return Sequence([made])


def _enhanced(noise: np.random.Generator) -> list[Made]:
    """Functional groups per frame say what a stored value is (PS3.3 C.7.6.16.2.9)."""
    words, rescale = noise.integers(0, 4096, (2, SIDE, SIDE)), ((1.0, -1024.0), (0.25, 100.5))
    made = _object("CT", words[0])
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    shown.stored(made, words, 16)
    made.NumberOfFrames, made.PatientID = 2, "ROI-frames"
    for keyword in ("PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient"):
        delattr(made, keyword)
    made.SharedFunctionalGroupsSequence = _item(
        PlaneOrientationSequence=_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelMeasuresSequence=_item(PixelSpacing=[*SPACING], SliceThickness=2),
    )
    made.PerFrameFunctionalGroupsSequence = Sequence(
        _item(
            PlanePositionSequence=_item(ImagePositionPatient=[0, 0, 2 * n]),
            PixelValueTransformationSequence=_item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU"),
        )[0]
        for n, (slope, intercept) in enumerate(rescale)
    )
    return [(made, n + 1, words[n] * slope + intercept, {}) for n, (slope, intercept) in enumerate(rescale)]


def write(folder: Path) -> None:
    """Objects, and measured.json: for each frame its file, its study and its regions with all their numbers."""
    folder.mkdir(parents=True)
    noise, told = np.random.default_rng(20261124), []
    for made, number, values, suv in (each for make in (_ct, _pet, _enhanced) for each in make(noise)):
        name = f"{made.PatientID}-{made.InstanceNumber}.dcm"
        made.save_as(folder / name, enforce_file_format=True)
        regions = []
        for kind, points in REGIONS.items():
            of_region = values[inside(kind, points)]
            numbers = said(of_region[~np.isnan(of_region)])
            numbers |= {f"{name} {which}": numbers[which] * factor for name, factor in suv.items() for which in ("mean", "max")}
            if np.isnan(of_region).any():
                numbers["padding"] = float(np.isnan(of_region).sum())
            regions.append({"kind": kind, "points": points, "numbers": numbers})
        place = f"studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}/instances/{made.SOPInstanceUID}"
        frame = f"frame:/dicom-web/{place}/frames/{number}"
        told.append({"file": name, "study": made.StudyInstanceUID, "frame": frame, "regions": regions})
    (folder / "measured.json").write_text(json.dumps(told))
