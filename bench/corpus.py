"""The corpus: one CT series of many slices, made from a generated phantom so that nothing but this repository is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS = COLUMNS = 512


def _slice(rng: np.random.Generator, index: int) -> bytes:
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    body = (((x - 256) / 210) ** 2 + ((y - 256) / 160) ** 2) < 1
    lungs = (((np.abs(x - 256) - 95) / 70) ** 2 + ((y - 240 + index % 40) / 105) ** 2) < 1
    hounsfield = np.where(lungs & body, -820.0, np.where(body, 40.0, -1000.0))
    hounsfield += rng.normal(0, 18, hounsfield.shape)
    return (np.clip(hounsfield, -1024, 3071) + 1024).astype("<u2").tobytes()


def _dataset(study: str, series: str, frame_of_reference: str, index: int, pixels: bytes) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid(entropy_srcs=[series, str(index)])
    ds.SpecificCharacterSet, ds.ImageType = "ISO_IR 100", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20260102"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101500"
    ds.AccessionNumber, ds.Modality, ds.Manufacturer = "BENCH-1", "CT", "Isocenter bench"
    ds.ReferringPhysicianName, ds.StudyDescription, ds.SeriesDescription = "Referrer^Some", "CT Chest", "Axial 1 mm"
    ds.PatientID, ds.PatientBirthDate, ds.PatientSex = study[-16:], "19600101", "O"
    ds.BodyPartExamined, ds.SliceThickness, ds.KVP, ds.ProtocolName = "CHEST", "1.0", "120", "Chest"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame_of_reference
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "1", "2", "1", str(index + 1)
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-200, -200, index], [1, 0, 0, 0, 1, 0]
    ds.PositionReferenceIndicator, ds.SliceLocation = "", str(index)
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", ROWS, COLUMNS
    ds.PixelSpacing, ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = [0.78, 0.78], 16, 12, 11, 0
    ds.WindowCenter, ds.WindowWidth, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "40", "400", "-1024", "1", "HU"
    _as_scanners_write(ds, series)
    ds.add_new("PixelData", "OW", pixels)
    return ds


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _as_scanners_write(ds: Dataset, series: str) -> None:
    """The rest of what a CT scanner writes: about 115 elements, sequences and private blocks (LIBRARIES 7 counted 118)."""
    text = {"InstitutionName": "Bench Hospital", "InstitutionAddress": "Street 1, Town", "StationName": "CT01",
            "InstitutionalDepartmentName": "Radiology", "ManufacturerModelName": "Phantom 64", "OperatorsName": "Op^Erator",
            "PerformingPhysicianName": "Perform^Ing", "PatientAge": "065Y", "PatientPosition": "HFS",
            "ScanOptions": "HELIX", "DeviceSerialNumber": "12345", "SoftwareVersions": ["v1", "v2"], "ConvolutionKernel": "B30f",
            "FilterType": "WEDGE", "RotationDirection": "CW", "ExposureModulationType": "XYZ",
            "RequestedProcedureDescription": "CT", "ContrastBolusAgent": "None",
            "PerformedProcedureStepDescription": "CT Chest", "PerformedProcedureStepID": "P1", "RequestingPhysician": "Ask^Ing",
            "PerformedProcedureStepStartDate": "20260102", "PerformedProcedureStepStartTime": "101500",
            "PatientComments": "none", "LossyImageCompression": "00", "ImageComments": "phantom"}  # fmt: skip
    numbers = {"DataCollectionDiameter": 500, "ReconstructionDiameter": 400, "DistanceSourceToDetector": 1085,
               "DistanceSourceToPatient": 595, "TableHeight": 150, "ExposureTime": 500, "XRayTubeCurrent": 200, "Exposure": 100,
               "GeneratorPower": 24, "SpacingBetweenSlices": 1, "PatientWeight": 70, "PatientSize": 1.7}  # fmt: skip
    doubles = {"SingleCollimationWidth": 0.6, "TotalCollimationWidth": 38.4, "TableSpeed": 46.0, "TableFeedPerRotation": 23.0,
               "SpiralPitchFactor": 0.6, "CTDIvol": 6.7, "EstimatedDoseSaving": 12.5}  # fmt: skip
    for keyword, value in {**text, **numbers, **doubles}.items():
        setattr(ds, keyword, value)
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = generate_uid(entropy_srcs=[series, "reference"])
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepID = "R1", "S1"
    request.ScheduledProtocolCodeSequence = [_code("24627-2", "LN", "CT Chest")]
    ds.ReferencedImageSequence, ds.RequestAttributesSequence = [reference], [request]
    ds.ProcedureCodeSequence = [_code("24627-2", "LN", "CT Chest")]
    ds.AnatomicRegionSequence = [_code("51185008", "SCT", "Chest")]
    for group in (0x0019, 0x0021, 0x0029):
        block = ds.private_block(group, "ISOCENTER BENCH", create=True)
        for offset in range(8):
            block.add_new(offset, "LO", f"private value {offset}")


def make(folder: Path, slices: int, *, seed: str = "isocenter-bench", family: str = "Bench") -> tuple[str, str]:
    """Write `slices` CT slices of 512 KB of a patient into `folder` once; answer (study UID, series UID)."""
    study, series, frame = (generate_uid(entropy_srcs=[seed, what]) for what in ("study", "series", "frame"))
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.dcm"))) == slices:
        return study, series
    rng = np.random.default_rng(1)
    pictures = [_slice(rng, index) for index in range(16)]
    for index in range(slices):
        made = _dataset(study, series, frame, index, pictures[index % 16])
        made.PatientName = f"{family}^Series"
        made.save_as(folder / f"{index:05d}.dcm", enforce_file_format=True)
    return study, series
