"""Objects that are no stacks of pictures, for those who show them: documents, waveforms, video, models, slides, plans.

What each must look like follows from its numbers here. `python tests/showing.py FOLDER` writes them as files.
"""

import io
import math
import struct
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

STORAGE = "1.2.840.10008.5.1.4.1.1."
STUDY = "1.2.826.0.1.3680043.10.1234.77"
MPEG4 = "1.2.840.10008.1.2.4.102"
HEVC = "1.2.840.10008.1.2.4.107"

# The clinical document: what must be read, and what must never be carried out.
CDA = """<?xml version="1.0" encoding="UTF-8"?>
<?xml-stylesheet type="text/xsl" href="https://example.org/evil.xsl"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <title>Discharge summary</title>
  <effectiveTime value="202601051430+0100"/>
  <recordTarget><patientRole><id extension="OBJ-1" root="1.2.3"/>
    <patient><name><given>Zo\u00eb</given><family>Objekt</family></name><administrativeGenderCode code="F"/>
    <birthTime value="19600203"/></patient></patientRole></recordTarget>
  <author><time value="20260105"/><assignedAuthor><assignedPerson><name><prefix>Dr.</prefix><given>Marie</given>
    <family>Curie</family></name></assignedPerson></assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization><name>Radium Institute</name>
    </representedCustodianOrganization></assignedCustodian></custodian>
  <component><structuredBody>
    <component><section><title>Findings</title><text>
      <paragraph>No <content styleCode="Bold">pneumothorax</content>.<br/>Second line.</paragraph>
      <list listType="ordered"><item>first</item><item>second</item></list>
      <table><thead><tr><th>Drug</th><th>Dose</th></tr></thead>
        <tbody><tr><td>Aspirin</td><td>100 mg</td></tr><tr><td colspan="2">none else</td></tr></tbody></table>
      <script>window.hurt = true</script>
      <linkHtml href="javascript:window.hurt = true">a link that was one</linkHtml>
      <paragraph onclick="window.hurt = true"><img src="x" onerror="window.hurt = true"/>plain words</paragraph>
      <renderMultiMedia referencedObject="M1"/>
    </text><entry><observationMedia ID="M1" classCode="OBS" moodCode="EVN">
      <value mediaType="image/png" representation="B64">iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk
        +M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==</value>
    </observationMedia></entry>
    <component><section><title>Within</title><text>Nested words</text></section></component></section></component>
  </structuredBody></component>
</ClinicalDocument>
"""


def _base(sop_class: str, number: int, modality: str, description: str, instance: int = 1) -> Dataset:
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.SOPClassUID = sop_class
    found.SOPInstanceUID = f"{STUDY}.{number}.{instance}"
    found.StudyInstanceUID, found.SeriesInstanceUID = STUDY, f"{STUDY}.{number}"
    found.StudyDate = found.SeriesDate = found.ContentDate = "20260105"
    found.StudyTime = found.SeriesTime = found.ContentTime = "143000"
    found.AccessionNumber, found.StudyID, found.ReferringPhysicianName = "OBJ", "1", "House^Gregory"
    found.StudyDescription = "Objects of many kinds"
    found.PatientName, found.PatientID = "Objekt^Zo\u00eb", "OBJ-1"
    found.PatientBirthDate, found.PatientSex = "19600203", "F"
    found.Modality, found.SeriesNumber, found.SeriesDescription, found.InstanceNumber = modality, number, description, instance
    found.Manufacturer = "Isocenter"
    return found


def _written(found: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = transfer_syntax
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    into = io.BytesIO()
    found.save_as(into, enforce_file_format=True)
    return into.getvalue()


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    found = Dataset()
    found.CodeValue, found.CodingSchemeDesignator, found.CodeMeaning = value, scheme, meaning
    return found


# ---- documents


def _document(sop_class: str, number: int, modality: str, title: str, media_type: str, content: bytes) -> bytes:
    found = _base(sop_class, number, modality, "")
    found.DocumentTitle, found.MIMETypeOfEncapsulatedDocument, found.BurnedInAnnotation = title, media_type, "NO"
    found.EncapsulatedDocumentLength = len(content)
    found.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return _written(found)


def simple_pdf(*pages: str) -> bytes:
    """A PDF whose pages are red rectangles below a line of text."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for text in pages:
        content = f"BT /F1 24 Tf 60 780 Td ({text}) Tj ET 1 0 0 rg 60 500 475 200 re f".encode()
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
        objects.append(page % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    body, places = b"%PDF-1.4\n", []
    for at, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (at, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(body))  # fmt: skip


def pdf() -> bytes:
    content = simple_pdf("Page one", "Page two")
    return _document(STORAGE + "104.1", 1, "DOC", "Letter to the family doctor", "application/pdf", content)


def cda() -> bytes:
    return _document(STORAGE + "104.2", 2, "DOC", "Discharge summary", "text/xml", CDA.encode())


# ---- models


def cube(size: float = 20.0) -> list[tuple[tuple[float, float, float], ...]]:
    """Twelve triangles of a cube around the origin, counterclockwise from outside."""
    half = size / 2
    corners = [(x * half, y * half, z * half) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return [tuple(corners[at] for at in (a, *pair)) for a, b, c, d in faces for pair in ((b, c), (c, d))]


def stl() -> bytes:
    """A cube of 20 mm as binary STL (normals left to the reader, as many writers do)."""
    triangles = cube()
    content = b"a cube".ljust(80) + struct.pack("<I", len(triangles))
    content += b"".join(struct.pack("<12fH", 0, 0, 0, *(value for corner in each for value in corner), 0) for each in triangles)
    return _document(STORAGE + "104.3", 3, "M3D", "Cube of 20 mm", "model/stl", content)


# ---- waveforms

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def _waveform(found: Dataset, samples: np.ndarray, rate: float, channels: list[Dataset], interpretation: str = "SS") -> Dataset:
    """samples: (time, channel) as stored."""
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformSamples, item.NumberOfWaveformChannels = samples.shape
    item.SamplingFrequency = rate
    item.ChannelDefinitionSequence = channels
    item.WaveformBitsAllocated = samples.dtype.itemsize * 8
    item.WaveformSampleInterpretation = interpretation
    item.add_new(0x54001010, "OW" if samples.dtype.itemsize > 1 else "OB", samples.tobytes())
    found.WaveformSequence = [item]
    found.AcquisitionDateTime = "20260105143000"
    return found


def _channel(meaning: str, sensitivity: float, unit: str, baseline: float = 0, correction: float = 1) -> Dataset:
    found = Dataset()
    found.ChannelSourceSequence = [_code("x", "99TEST", meaning)]
    found.ChannelSensitivity, found.ChannelSensitivityUnitsSequence = sensitivity, [_code(unit, "UCUM", unit)]
    found.ChannelSensitivityCorrectionFactor, found.ChannelBaseline, found.ChannelSampleSkew = correction, baseline, 0
    found.WaveformBitsStored = 16
    return found


def ecg() -> bytes:
    """Ten seconds at 500 Hz: in every lead a square of 1 mV and 200 ms each second, lead n lying n x 10 uV higher."""
    time = np.arange(5000) / 500
    square = np.where(time % 1 < 0.2, 400, 0).astype(np.int16)  # x 2.5 uV x correction 1 = 1 mV
    found = _base(STORAGE + "9.1.1", 4, "ECG", "")
    channels = [_channel(f"Lead {lead}", 2.5, "uV", baseline=10 * at) for at, lead in enumerate(LEADS)]
    found = _waveform(found, np.repeat(square[:, None], 12, axis=1), 500, channels)
    said = Dataset()
    said.ReferencedWaveformChannels, said.AnnotationGroupNumber, said.UnformattedTextValue = [1, 0], 0, "Sinus rhythm"
    measured = Dataset()
    measured.MeasurementUnitsCodeSequence = [_code("ms", "UCUM", "milliseconds")]
    measured.ConceptNameCodeSequence = [_code("5.10.2.1-3", "SCPECG", "RR Interval")]
    measured.ReferencedWaveformChannels, measured.AnnotationGroupNumber, measured.NumericValue = [1, 0], 1, "1000"
    found.WaveformAnnotationSequence = [said, measured]
    return _written(found)


def haemodynamic() -> bytes:
    """Arterial pressure, 80 to 120 mmHg, and its mean, eight seconds at 240 Hz."""
    time = np.arange(1920) / 240
    pressure = np.round((100 + 20 * np.sin(2 * math.pi * time)) / 0.1).astype(np.int16)
    mean = np.full_like(pressure, 1000)
    found = _base(STORAGE + "9.2.1", 5, "HD", "Pressures")
    channels = [_channel("Aortic pressure", 0.1, "mm[Hg]"), _channel("Mean aortic pressure", 0.1, "mm[Hg]")]
    return _written(_waveform(found, np.stack([pressure, mean], axis=1), 240, channels))


def audio() -> bytes:
    """A second of 440 Hz in mu-law."""
    time = np.arange(8000) / 8000
    linear = np.sin(2 * math.pi * 440 * time) * 0.5
    law = np.sign(linear) * np.log1p(255 * np.abs(linear)) / math.log(256)
    coded = np.where(linear < 0, 0x7F - np.round(-law * 127), 0xFF - np.round(law * 127)).astype(np.uint8)
    found = _base(STORAGE + "9.4.1", 6, "AU", "Dictation")
    channel = Dataset()
    channel.ChannelSourceSequence, channel.WaveformBitsStored = [_code("x", "99TEST", "Voice")], 8
    return _written(_waveform(found, coded[:, None], 8000, [channel], "MB"))


# ---- video


def movie(codec: str, seconds: int = 2, rate: int = 25) -> bytes:
    """An MP4 whose left half is red in its first second and blue in the second; the right half is white."""
    into = io.BytesIO()
    with av.open(into, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"crf": "18", "g": str(rate)} if codec == "libx264" else {"x265-params": "log-level=none"}
        for at in range(seconds * rate):
            picture = np.full((240, 320, 3), 255, np.uint8)
            picture[:, :160] = (255, 0, 0) if at < rate else (0, 0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return into.getvalue()


def _video(codec: str, transfer_syntax: str, number: int, description: str) -> bytes:
    found = _base(STORAGE + "77.1.1.1", number, "ES", description)
    found.SamplesPerPixel, found.PhotometricInterpretation, found.PlanarConfiguration = 3, "YBR_PARTIAL_420", 0
    found.NumberOfFrames, found.Rows, found.Columns = "50", 240, 320
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 8, 8, 7, 0
    found.CineRate, found.FrameTime, found.FrameIncrementPointer = "25", "40", 0x00181063
    found.LossyImageCompression, found.LossyImageCompressionRatio, found.LossyImageCompressionMethod = "01", "20", "ISO_14496_10"
    found.ImageType = ["ORIGINAL", "PRIMARY"]
    found.PixelData = encapsulate([movie(codec)], has_bot=False)
    found["PixelData"].is_undefined_length = True
    return _written(found, transfer_syntax)


def video() -> bytes:
    return _video("libx264", MPEG4, 7, "Gastroscopy")


def video_hevc() -> bytes:
    return _video("libx265", HEVC, 8, "Colonoscopy")


# ---- slides

SLIDE = (2000, 1500)  # columns, rows of the finest level
_TILE = 256


def slide_picture(columns: int, rows: int) -> np.ndarray:
    """The slide at a size: quarters red, green, blue, yellow (left upper, right upper, left lower, right lower); a black square
    of a tenth of the height in the middle."""
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[: rows // 2, : columns // 2] = (220, 40, 40)
    picture[: rows // 2, columns // 2 :] = (40, 180, 60)
    picture[rows // 2 :, : columns // 2] = (40, 60, 200)
    picture[rows // 2 :, columns // 2 :] = (220, 200, 40)
    half = rows // 20
    picture[rows // 2 - half : rows // 2 + half, columns // 2 - half : columns // 2 + half] = 0
    return picture


def _level(at: int, columns: int, rows: int, *, sparse: bool, flavour: str = "VOLUME") -> bytes:
    whole = slide_picture(columns, rows)
    if flavour == "LABEL":
        whole[:] = (250, 250, 250)
    tiles = [(y, x) for y in range(0, rows, _TILE) for x in range(0, columns, _TILE)]
    found = _base(STORAGE + "77.1.6", 9, "SM", "HE stain", at + 1)
    found.ImageType = ["ORIGINAL" if at == 0 else "DERIVED", "PRIMARY", flavour, "NONE" if at == 0 else "RESAMPLED"]
    found.FrameOfReferenceUID, found.ContainerIdentifier = f"{STUDY}.9.99", "SLIDE-1"
    found.SamplesPerPixel, found.PhotometricInterpretation, found.PlanarConfiguration = 3, "YBR_FULL_422", 0
    found.NumberOfFrames, found.Rows, found.Columns = str(len(tiles)), _TILE, _TILE
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 8, 8, 7, 0
    found.TotalPixelMatrixColumns, found.TotalPixelMatrixRows = columns, rows
    found.ImagedVolumeWidth, found.ImagedVolumeHeight, found.ImagedVolumeDepth = 1.0, 0.75, 0.001
    found.NumberOfOpticalPaths, found.TotalPixelMatrixFocalPlanes = 1, 1
    path = Dataset()
    path.OpticalPathIdentifier, path.OpticalPathDescription, path.ObjectiveLensPower = "1", "Brightfield", "20"
    found.OpticalPathSequence = [path]
    found.LossyImageCompression, found.LossyImageCompressionRatio, found.LossyImageCompressionMethod = "01", "10", "ISO_10918_1"
    measures, shared = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.75 / rows, 1.0 / columns], "0.001"
    shared.PixelMeasuresSequence = [measures]
    found.SharedFunctionalGroupsSequence = [shared]
    if sparse:
        tiles = tiles[::-1]  # the order says nothing when each frame says where it lies
        found.DimensionOrganizationType = "TILED_SPARSE"
        found.PerFrameFunctionalGroupsSequence = [_place(y, x) for y, x in tiles]
    else:
        found.DimensionOrganizationType = "TILED_FULL"
    frames = []
    for y, x in tiles:
        tile = np.full((_TILE, _TILE, 3), 255, np.uint8)
        part = whole[y : y + _TILE, x : x + _TILE]
        tile[: part.shape[0], : part.shape[1]] = part
        frames.append(imagecodecs.jpeg8_encode(tile, level=92, outcolorspace="YCBCR"))
    found.PixelData = encapsulate(frames)
    found["PixelData"].is_undefined_length = True
    return _written(found, JPEGBaseline8Bit)


def _place(y: int, x: int) -> Dataset:
    place, path, found = Dataset(), Dataset(), Dataset()
    place.ColumnPositionInTotalImagePixelMatrix, place.RowPositionInTotalImagePixelMatrix = x + 1, y + 1
    place.XOffsetInSlideCoordinateSystem = place.YOffsetInSlideCoordinateSystem = place.ZOffsetInSlideCoordinateSystem = "0"
    path.OpticalPathIdentifier = "1"
    found.PlanePositionSlideSequence, found.OpticalPathIdentificationSequence = [place], [path]
    return found


def slide() -> list[bytes]:
    """Three levels, the middle one sparse and out of order, and the label."""
    return [_level(0, *SLIDE, sparse=False), _level(1, 1000, 750, sparse=True), _level(2, 250, 188, sparse=False),
            _level(3, 200, 200, sparse=False, flavour="LABEL")]  # fmt: skip


# ---- words


def plan() -> bytes:
    found = _base(STORAGE + "481.5", 10, "RTPLAN", "")
    found.RTPlanLabel, found.RTPlanName, found.RTPlanDate, found.PlanIntent = "Prostate", "Prostate VMAT", "20260105", "CURATIVE"
    group = Dataset()
    group.FractionGroupNumber, group.NumberOfFractionsPlanned, group.NumberOfBeams = "1", "30", "1"
    reference = Dataset()
    reference.ReferencedBeamNumber, reference.BeamMeterset, reference.BeamDose = "1", "212.5", "2.0"
    group.ReferencedBeamSequence, group.NumberOfBrachyApplicationSetups = [reference], "0"
    found.FractionGroupSequence = [group]
    dose = Dataset()
    dose.DoseReferenceNumber, dose.DoseReferenceStructureType, dose.DoseReferenceDescription = "1", "VOLUME", "PTV"
    dose.DoseReferenceType, dose.TargetPrescriptionDose = "TARGET", "60"
    found.DoseReferenceSequence = [dose]
    beam, point = Dataset(), Dataset()
    point.ControlPointIndex, point.NominalBeamEnergy, point.GantryAngle, point.CumulativeMetersetWeight = "0", "6", "181", "0"
    beam.BeamNumber, beam.BeamName, beam.BeamType, beam.RadiationType = "1", "Arc CW", "DYNAMIC", "PHOTON"
    beam.TreatmentMachineName, beam.NumberOfControlPoints, beam.ControlPointSequence = "LINAC1", "1", [point]
    found.BeamSequence = [beam]
    return _written(found)


def raw() -> bytes:
    found = _base(STORAGE + "66", 11, "MR", "k-space")
    found.CreatorVersionUID = "1.2.3"
    found.private_block(0x0021, "ISOCENTER TEST", create=True).add_new(1, "OB", b"\x01\x02" * 8)
    return _written(found)


OBJECTS: dict[str, Callable[[], bytes | list[bytes]]] = {
    each.__name__: each for each in (pdf, cda, stl, ecg, haemodynamic, audio, video, video_hevc, slide, plan, raw)
}


def write(folder: Path) -> None:
    """Every object as a file of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in OBJECTS.items():
        made = make()
        for at, data in enumerate(made if isinstance(made, list) else [made]):
            (folder / f"{name}{at or ''}.dcm").write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
