"""Segmentations and structure sets that the viewer wrote, read as libraries of others read them.

The rules are those by which highdicom and pydicom-seg place frames: dimension indices that can be followed, and planes that
lie on their source images and say so.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset

CT = "ct/volume-lidc-idri-0314"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"

Masks = dict[tuple[str, str], NDArray[np.uint8]]  # (name of the segment, SOP Instance UID of the image) -> 0 or 1 for each pixel


def check(folder: Path, images: Sequence[Path], count: int) -> None:
    """There are so many objects, each hangs together; the structure set holds what the binary segmentation holds."""
    sources = {str(each.SOPInstanceUID): each for each in (pydicom.dcmread(path, stop_before_pixels=True) for path in images)}
    found = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    assert len(found) == count, [each.SOPClassUID.name for each in found]
    by_kind: dict[str, Masks] = {}
    for each in found:
        if each.Modality == "RTSTRUCT":
            by_kind["STRUCTURES"] = structures(each, sources)
        else:
            by_kind[str(each.SegmentationType)] = segmentation(each, sources)
    drawn, outlined = by_kind["BINARY"], by_kind["STRUCTURES"]
    assert outlined.keys() == drawn.keys()
    assert all(np.array_equal(outlined[key], mask) for key, mask in drawn.items())


def segmentation(found: Dataset, sources: dict[str, Dataset]) -> Masks:
    """The masks of a segmentation (PS3.3 A.51)."""
    segments = {int(each.SegmentNumber): str(each.SegmentLabel) for each in found.SegmentSequence}
    is_map = found.SOPClassUID == LABEL_MAP
    if is_map:
        assert found.SegmentationType == "LABELMAP" and found.SegmentsOverlap == "NO" and found.PixelPaddingValue == 0
        del segments[0]
    assert list(segments) == list(range(1, len(segments) + 1))
    frames = found.pixel_array.reshape(-1, found.Rows, found.Columns)
    groups = found.PerFrameFunctionalGroupsSequence
    assert len(frames) == len(groups) == found.NumberOfFrames
    (shared,) = found.SharedFunctionalGroupsSequence
    pointers = [(each.FunctionalGroupPointer, each.DimensionIndexPointer) for each in found.DimensionIndexSequence]
    values: list[dict[int, object]] = [{} for _ in pointers]
    seen: set[tuple[int, ...]] = set()
    # De-identified images of one volume may have one of these each.
    assert found.FrameOfReferenceUID in {each.FrameOfReferenceUID for each in sources.values()}
    masks: Masks = {}
    for frame, group in zip(frames, groups, strict=True):
        place = np.atleast_1d(group.FrameContentSequence[0].DimensionIndexValues).tolist()
        assert len(place) == len(pointers) and tuple(place) not in seen
        seen.add(tuple(place))
        for known, index, (within, tag) in zip(values, place, pointers, strict=True):
            value = group[within].value[0][tag].value
            value = tuple(value) if isinstance(value, Sequence) or hasattr(value, "__len__") else value
            assert known.setdefault(index, value) == value  # one index, one value
        (derived,) = group.DerivationImageSequence
        assert derived.SourceImageSequence[0].SpatialLocationsPreserved == "YES"  # highdicom places by source images only then
        uid = str(derived.SourceImageSequence[0].ReferencedSOPInstanceUID)
        _on(found, shared, group, sources[uid])
        if is_map:
            assert set(np.unique(frame).tolist()) <= {0, *segments}
            masks |= {
                (label, uid): (frame == number).astype(np.uint8) for number, label in segments.items() if (frame == number).any()
            }
        else:
            number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            assert frame.any()
            masks[segments[number], uid] = frame
    assert all(sorted(known) == list(range(1, len(known) + 1)) for known in values)
    assert {label for label, _ in masks} == set(segments.values())
    return masks


def _on(found: Dataset, shared: Dataset, group: Dataset, source: Dataset) -> None:
    """A frame lies on its image, pixel on pixel."""
    assert (found.Rows, found.Columns) == (source.Rows, source.Columns)
    assert (found.PatientID, found.StudyInstanceUID) == (source.PatientID, source.StudyInstanceUID)
    assert np.allclose(shared.PixelMeasuresSequence[0].PixelSpacing, source.PixelSpacing)
    assert np.allclose(shared.PlaneOrientationSequence[0].ImageOrientationPatient, source.ImageOrientationPatient)
    assert np.allclose(group.PlanePositionSequence[0].ImagePositionPatient, source.ImagePositionPatient)


def structures(found: Dataset, sources: dict[str, Dataset]) -> Masks:
    """The masks of a structure set (PS3.3 A.19): the pixels whose centres its contours go around."""
    names = {int(each.ROINumber): str(each.ROIName) for each in found.StructureSetROISequence}
    assert [int(each.ReferencedROINumber) for each in found.RTROIObservationsSequence] == list(names)
    masks: Masks = {}
    for entry in found.ROIContourSequence:
        for contour in entry.ContourSequence:
            uid = str(contour.ContourImageSequence[0].ReferencedSOPInstanceUID)
            source = sources[uid]
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints and contour.ContourGeometricType == "CLOSED_PLANAR"
            row, column = np.array(source.ImageOrientationPatient, float).reshape(2, 3)
            offset = points - np.array(source.ImagePositionPatient, float)
            assert np.abs(offset @ np.cross(row, column)).max() < 1e-3
            x, y = offset @ row / source.PixelSpacing[1], offset @ column / source.PixelSpacing[0]
            mask = masks.setdefault(
                (names[int(entry.ReferencedROINumber)], uid), np.zeros((source.Rows, source.Columns), np.uint8)
            )
            mask ^= _inside(x, y, mask.shape)
    return masks


def _inside(x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """1 where the centre of a pixel lies within the polygon, by the even-odd rule."""
    columns = np.arange(shape[1])
    found = np.zeros(shape, np.uint8)
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    for line in range(max(0, int(y.min())), min(shape[0], int(y.max()) + 2)):
        crossing = (y <= line) != (next_y <= line)
        at = x[crossing] + (line - y[crossing]) / (next_y[crossing] - y[crossing]) * (next_x[crossing] - x[crossing])
        found[line] = (at[:, None] > columns[None, :]).sum(axis=0) % 2
    return found
