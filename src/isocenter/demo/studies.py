"""The studies of `isocenter demo` as Part 10 files: who, when, which series, and what their IODs ask for (PS3.3 A.2, A.3, A.4).

UIDs are made from names, dates are fixed and noise is seeded: a second run makes the same objects, and the archive has them
already.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ComputedRadiographyImageStorage, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from isocenter import __version__
from isocenter.demo.head import Head
from isocenter.demo.projection import PIXEL, radiograph
from isocenter.demo.shapes import Grid, Image, Point
from isocenter.demo.torso import Nodule, Torso
from isocenter.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

# Files inside the pydicom package, chosen for what they show: colour, cine, palettes, overlays, compression, character sets.
SAMPLES = (
    "test_files/examples_ybr_color.dcm", "test_files/examples_rgb_color.dcm", "test_files/examples_palette.dcm",
    "test_files/examples_overlay.dcm", "test_files/J2K_pixelrep_mismatch.dcm", "test_files/JPEG2000.dcm",
    "test_files/CT_small.dcm", "test_files/MR_small.dcm", "test_files/waveform_ecg.dcm", "test_files/test-SR.dcm",
    "charset_files/chrH31.dcm",
    "charset_files/chrGreek.dcm", "charset_files/chrRuss.dcm", "charset_files/chrKoreanMulti.dcm",
)

SIZE = 512
SPACING = 0.75


@dataclass(frozen=True, slots=True)
class Series:
    """One series to come: its title for people, how many objects, and how to make them."""

    title: str
    count: int
    sop_class_uid: str
    objects: "Iterator[Dataset]"


def uid(name: str) -> str:
    """A UID that is always the same for a name (2.25, PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, 'isocenter-demo/' + name).int}"


def samples() -> list[Path]:
    """Paths of the chosen files of pydicom's; one that a later pydicom leaves out is left out here too."""
    folder = Path(pydicom.__file__).parent / "data"
    return [folder / name for name in SAMPLES if (folder / name).is_file()]


def series() -> list[Series]:
    """All generated series, the quick ones first. Each is made while it is iterated."""
    return [
        Series("MR brain, T2 axial", 26, MRImageStorage, _axial_head("T2", 2)),
        Series("MR brain, T1 axial", 26, MRImageStorage, _axial_head("T1", 1)),
        Series("MR brain, T1 sagittal", 16, MRImageStorage, _sagittal_head()),
        Series("CT chest and abdomen", 64, CTImageStorage, _torso(CURRENT, 64, 4.2, Nodule((-72, 36, 100), 8.0))),
        Series("CR chest", 1, ComputedRadiographyImageStorage, _chest()),
        Series("CT chest and abdomen, a year before", 40, CTImageStorage, _torso(PRIOR, 40, 6.8, Nodule((-72, 36, 100), 4.0))),
    ]


@dataclass(frozen=True, slots=True)
class Study:
    """What the objects of one study have in common."""

    name: str
    patient: dict[str, str]
    date: str
    time: str
    description: str
    accession: str
    age: str
    referring: str


CLARA = {"PatientName": "Lindqvist^Clara", "PatientID": "DEMO-1001", "PatientBirthDate": "19610412", "PatientSex": "F"}
SAMUEL = {"PatientName": "Okafor^Samuel", "PatientID": "DEMO-1002", "PatientBirthDate": "19780903", "PatientSex": "M"}

MOREAU, HADDAD = "Moreau^Henri^^Dr", "Haddad^Leila^^Dr"
CURRENT = Study("ct-current", CLARA, "20261117", "093512", "CT chest and abdomen with contrast", "DEMO-CT-2", "065Y", MOREAU)
PRIOR = Study("ct-prior", CLARA, "20251104", "141020", "CT chest and abdomen with contrast", "DEMO-CT-1", "064Y", MOREAU)
CHEST = Study("cr-chest", CLARA, "20261102", "080245", "Chest PA", "DEMO-CR-1", "065Y", MOREAU)
BRAIN = Study("mr-brain", SAMUEL, "20261119", "164401", "MR brain", "DEMO-MR-1", "048Y", HADDAD)


def _head(study: Study, series_name: str, number: int, modality: str, description: str) -> Dataset:
    """Patient, study, series, frame of reference and equipment: PS3.3 C.7.1 to C.7.5."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in study.patient.items():
        setattr(ds, keyword, value)
    ds.IssuerOfPatientID = "ISOCENTER-DEMO"
    ds.PatientAge, ds.PatientPosition = study.age, "HFS"
    ds.StudyInstanceUID, ds.StudyID = uid(study.name), study.accession
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = study.date, study.time, study.accession
    ds.StudyDescription, ds.ReferringPhysicianName = study.description, study.referring
    ds.InstitutionName = "Isocenter demonstration"
    ds.Modality, ds.SeriesNumber, ds.SeriesDescription = modality, number, description
    ds.SeriesInstanceUID = uid(f"{study.name}/{series_name}")
    ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = study.date
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = study.time
    ds.Manufacturer, ds.ManufacturerModelName = "Isocenter", "Phantom"
    ds.SoftwareVersions, ds.DeviceSerialNumber = __version__, "0"
    ds.OperatorsName = ""
    ds.PositionReferenceIndicator = ""
    return ds


def _copy(template: Dataset, number: int, name: str) -> Dataset:
    ds = Dataset()
    ds.update(template)
    ds.InstanceNumber, ds.AcquisitionNumber = number, 1
    ds.SOPInstanceUID = uid(f"{name}/{number}")
    return ds


def _pixels(ds: Dataset, image: Image, *, bits: int, low: int = 0) -> None:
    """Image Pixel module, PS3.3 C.7.6.3; low: subtracted before storing."""
    stored = np.clip(np.rint(image) - low, 0, 2**bits - 1).astype("<u2")
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, bits, bits - 1, 0
    ds.PixelData = stored.tobytes()


def _plane(
    ds: Dataset, origin: Point, along_columns: Point, along_rows: Point, spacing: float, thickness: float, place: float
) -> None:
    """Image Plane module, PS3.3 C.7.6.2."""
    ds.ImagePositionPatient = [f"{value:g}" for value in origin]
    ds.ImageOrientationPatient = [f"{value:g}" for value in (*along_columns, *along_rows)]
    ds.PixelSpacing = [f"{spacing:g}", f"{spacing:g}"]
    ds.SliceThickness = f"{thickness:g}"
    ds.SliceLocation = f"{place:g}"


def _torso(study: Study, count: int, step: float, nodule: Nodule) -> Iterator[Dataset]:
    """CT Image IOD, PS3.3 A.3, from the head downwards."""
    torso = Torso(seed=7, nodule=nodule)
    template = _head(study, "axial", 2, "CT", f"Axial {step:g} mm, portal venous")
    template.SOPClassUID = CTImageStorage
    template.FrameOfReferenceUID = uid(f"{study.name}/frame")
    template.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    template.BodyPartExamined, template.ProtocolName = "CHEST", "Chest and abdomen"
    template.KVP, template.XRayTubeCurrent, template.ExposureTime, template.Exposure = "120", 210, 500, 105
    template.ScanOptions, template.ConvolutionKernel, template.FilterType = "HELICAL MODE", "STANDARD", "BODY"
    template.GantryDetectorTilt, template.TableHeight, template.RotationDirection = "0", "128", "CW"
    template.DataCollectionDiameter = template.ReconstructionDiameter = f"{SIZE * SPACING:g}"
    template.ContrastBolusAgent, template.ContrastBolusRoute = "Iodinated contrast agent", "IV"
    template.RescaleIntercept, template.RescaleSlope, template.RescaleType = "-1024", "1", "HU"
    template.WindowCenter, template.WindowWidth = ["50", "-500"], ["400", "1500"]
    template.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]
    for number in range(1, count + 1):
        z = 172 - (number - 1) * step
        origin = (-SIZE * SPACING / 2, -SIZE * SPACING / 2 + 8, z)
        ds = _copy(template, number, study.name)
        _plane(ds, origin, (1, 0, 0), (0, 1, 0), SPACING, step, z)
        _pixels(ds, torso.slice_at(Grid.plane(origin, (1, 0, 0), (0, 1, 0), SIZE, SIZE, SPACING)), bits=12, low=-1024)
        yield ds


def _mr(series_name: str, number: int, weighting: str, description: str) -> Dataset:
    """MR Image IOD, PS3.3 A.4."""
    ds = _head(BRAIN, series_name, number, "MR", description)
    ds.SOPClassUID = MRImageStorage
    ds.FrameOfReferenceUID = uid(f"{BRAIN.name}/frame")
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    ds.BodyPartExamined, ds.ProtocolName = "HEAD", f"{weighting} {'SE' if weighting == 'T1' else 'TSE'}"
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "SK", "", "2D"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength = ("550", "12", 1) if weighting == "T1" else ("4500", "98", 15)
    ds.MagneticFieldStrength, ds.ImagingFrequency, ds.ImagedNucleus = "1.5", "63.87", "1H"
    ds.EchoNumbers, ds.NumberOfAverages, ds.FlipAngle, ds.PixelBandwidth = 1, "2", "90", "150"
    ds.SpacingBetweenSlices = "5.5"
    ds.WindowCenter, ds.WindowWidth = ("520", "1040") if weighting == "T1" else ("560", "1120")
    return ds


def _axial_head(weighting: str, number: int) -> Iterator[Dataset]:
    name, head, spacing = f"{weighting}-axial", Head(seed=5), 0.9
    template = _mr(name, number, weighting, f"{weighting} axial")
    for index in range(1, 27):
        z = -64 + (index - 1) * 5.5
        origin = (-115.0, -118.0, z)
        ds = _copy(template, index, f"{BRAIN.name}/{name}")
        _plane(ds, origin, (1, 0, 0), (0, 1, 0), spacing, 5, z)
        _pixels(ds, head.slice_at(Grid.plane(origin, (1, 0, 0), (0, 1, 0), 256, 256, spacing), weighting, index), bits=12)
        yield ds


def _sagittal_head() -> Iterator[Dataset]:
    """From the patient's right to the left; the two middle slices lie beside the fissure."""
    name, head, spacing = "T1-sagittal", Head(seed=5), 0.95
    template = _mr(name, 3, "T1", "T1 sagittal")
    for index in range(1, 17):
        x = -48.0 + (index - 1) * 6.4
        origin = (x, -122.0, 106.0)
        ds = _copy(template, index, f"{BRAIN.name}/{name}")
        _plane(ds, origin, (0, 1, 0), (0, 0, -1), spacing, 5, x)
        ds.SpacingBetweenSlices = "6.4"
        _pixels(ds, head.slice_at(Grid.plane(origin, (0, 1, 0), (0, 0, -1), 256, 256, spacing), "T1", 100 + index), bits=12)
        yield ds


def _chest() -> Iterator[Dataset]:
    """CR Image IOD, PS3.3 A.2."""
    ds = _head(CHEST, "pa", 1, "CR", "Chest PA")
    ds = _copy(ds, 1, CHEST.name)
    ds.SOPClassUID = ComputedRadiographyImageStorage
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BodyPartExamined, ds.ViewPosition, ds.PatientOrientation = "CHEST", "PA", ["L", "F"]
    ds.KVP, ds.Exposure, ds.DistanceSourceToDetector, ds.PlateType = "125", 3, "1800", ""
    del ds.PatientPosition, ds.PositionReferenceIndicator  # there is no frame of reference in a projection
    ds.ImagerPixelSpacing = [f"{PIXEL:g}", f"{PIXEL:g}"]
    ds.WindowCenter, ds.WindowWidth = "2000", "3700"
    ds.LossyImageCompression, ds.PresentationLUTShape = "00", "IDENTITY"
    _pixels(ds, radiograph(Torso(seed=7, nodule=Nodule((-72, 36, 100), 7.5)), seed=3), bits=12)
    yield ds


def save(ds: Dataset, path: Path) -> None:
    """Write a Part 10 file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    ds.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    options: dict[str, Any] = {"enforce_file_format": True}
    ds.save_as(path, **options)
