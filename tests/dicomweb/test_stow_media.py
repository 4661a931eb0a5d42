"""Pictures, videos and documents become objects: what comes out holds the very pixels and bytes, and what its class requires."""

import io
import os
import struct
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import generate_frames

from dicom.test_composing import anything
from dicomweb.composed import Media, element, instance, store
from dicomweb.in_process import Client, parts
from isocenter.codecs import pictures
from isocenter.dicom import composing
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import BytesSource
from isocenter.domain import describing, surface, wrapping

SC, PHOTOGRAPH, VIDEO = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.77.1.4.1"
PDF, CDA, STL = (f"1.2.840.10008.5.1.4.1.1.104.{number}" for number in (1, 2, 3))
# H.265, HTJ2K, Encapsulated OBJ and MTL
YOUNG = ("1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.201", "1.2.840.10008.5.1.4.1.1.104.4", "1.2.840.10008.5.1.4.1.1.104.5")
PATIENT = {"00100010": element("PN", {"Alphabetic": "Müller^Jörg"}), "00100020": element("LO", "P7")}
PDF_FILE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
CDA_FILE = (
    '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><typeId root="2.16.840.1.113883.1.3"/>'
    '<id root="2.16.840.1.113883.19.5" extension="A7"/><code code="11488-4" codeSystem="2.16.840.1.113883.6.1" '
    'displayName="Consult Note"/><title>Bericht über Müller</title><component/></ClinicalDocument>'
).encode()
TRIANGLES = np.array([[[0, 0, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, -1], [0, 0, 0], [0, 1.5, 0], [2.25, 0, 0]]], "<f4")


def picture(mode: str = "RGB", size: tuple[int, int] = (61, 40)) -> Image.Image:
    ramp = np.add.outer(np.arange(size[1]), np.arange(size[0])).astype(np.uint8)
    return Image.fromarray(np.stack([ramp, ramp[::-1], 255 - ramp], 2)).convert(mode)


def file(image: Image.Image, form: str, **options: Any) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def video(codec: str, form: str) -> bytes:
    """Twelve frames of 64 by 48 pixels at 25 a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"video.{form}")
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25, options={"x265-params": "log-level=none"} if codec == "libx265" else {})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for shade in range(12):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade * 20, np.uint8), format="rgb24")
                for packet in stream.encode(frame):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
        return path.read_bytes()


def kept(client: Client, answer: httpx.Response) -> pydicom.Dataset:
    ((_, content),) = parts(client.get(instance(answer), accept='multipart/related; type="application/dicom"; transfer-syntax=*'))
    return pydicom.dcmread(io.BytesIO(content))


def faults(made: pydicom.Dataset) -> list[str]:
    """What dicom3tools' validator finds wrong with the object, by its Information Object Definition."""
    with tempfile.NamedTemporaryFile(suffix=".dcm") as written:
        made.save_as(written.name)
        found = subprocess.run(["dciodvfy", written.name], capture_output=True, text=True, errors="replace", check=False)
    if made.file_meta.TransferSyntaxUID in YOUNG or made.SOPClassUID in YOUNG:  # which it does not know
        return []
    # Which part of the body a video shows, a client has to say.
    return [line for line in found.stderr.splitlines() if line.startswith("Error") and "AnatomicRegionSequence" not in line]


def only(client: Client, content: bytes, media_type: str, **more: dict[str, Any]) -> pydicom.Dataset:
    """A new object of one thing, metadata of which say the patient only."""
    answer = store(client, [{**PATIENT, **more}], [Media(content, media_type)])
    assert answer.status_code == 202, answer.text
    assert answer.json()["00081199"]["Value"][0]["00081196"]["Value"] == [0xB000]  # UIDs and more were supplied
    assert "SOPInstanceUID" in " ".join(answer.headers.get_list("warning"))
    made = kept(client, answer)
    assert faults(made) == []
    for keyword in ("PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName", "StudyID", "SeriesNumber"):
        assert keyword in made, keyword  # of type 2: there, empty
    assert made.PatientID == "P7" and str(made.PatientName) == "Müller^Jörg" and made.StudyDate and made.InstanceNumber == 1
    return made


def test_a_jpeg_is_kept_as_it_is(client: Client) -> None:
    content = file(picture(), "JPEG", quality=90)
    made = only(client, content, "image/jpeg")
    assert made.SOPClassUID == SC and made.Modality == "OT" and made.ConversionType == "WSD"
    meta = made.file_meta
    assert meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50" and meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    (frame,) = generate_frames(made.PixelData, number_of_frames=1)
    assert frame[: len(content)] == content and len(frame) - len(content) <= 1
    assert (made.Rows, made.Columns, made.SamplesPerPixel) == (40, 61, 3)
    assert (made.BitsAllocated, made.BitsStored, made.HighBit) == (8, 8, 7)
    assert made.PhotometricInterpretation == "YBR_FULL_422" and made.PlanarConfiguration == 0 and made.PixelRepresentation == 0
    assert made.LossyImageCompression == "01" and made.LossyImageCompressionMethod == "ISO_10918_1"
    assert made.LossyImageCompressionRatio > 1


@pytest.mark.parametrize(
    ("media_type", "syntax", "encode"),
    [
        ("image/jp2", "90", lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="jp2", reversible=True)),
        ("image/jls", "80", imagecodecs.jpegls_encode),
        ("image/jpeg", "70", lambda pixels: imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12)),
        ("image/jphc", "201", lambda pixels: imagecodecs.htj2k_encode(pixels, reversible=True)),
    ],
)
def test_lossless_pictures_of_twelve_bits(client: Client, media_type: str, syntax: str, encode: Any) -> None:
    values = (np.arange(40 * 60).reshape(40, 60) % 4096).astype(np.uint16)
    made = only(client, bytes(encode(values)), media_type)
    assert made.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.4.{syntax}" and "LossyImageCompression" not in made
    assert (made.BitsAllocated, made.SamplesPerPixel, made.PhotometricInterpretation) == (16, 1, "MONOCHROME2")
    path = f"/studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}/instances/{made.SOPInstanceUID}/frames/1"
    frame = client.get(path, accept="application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1")
    assert np.array_equal(np.frombuffer(frame.content, "<u2").reshape(40, 60), values)


def test_a_photograph_says_when_and_with_what(client: Client) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", "Phone 3"
    exif.get_ifd(0x8769)[0x9003] = "2026:11:21 10:20:30"
    made = only(client, file(picture(), "JPEG", exif=exif), "image/jpeg")
    assert made.SOPClassUID == PHOTOGRAPH and made.Modality == "XC" and made.ImageType == ["ORIGINAL", "PRIMARY"]
    assert (made.Manufacturer, made.ManufacturerModelName) == ("Acme", "Phone 3")
    assert (made.ContentDate, made.ContentTime) == ("20261121", "102030") and len(made.AcquisitionContextSequence) == 0


def test_a_picture_that_lies_on_its_side_is_turned(client: Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = file(picture(), "JPEG", exif=exif, quality=95)
    made = only(client, content, "image/jpeg")
    assert (made.Rows, made.Columns) == (61, 40) and made.LossyImageCompression == "01"
    upright = np.asarray(Image.open(io.BytesIO(content)).transpose(Image.Transpose.ROTATE_270))
    assert np.array_equal(made.pixel_array, upright)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
def test_a_png_becomes_pixels(client: Client, mode: str) -> None:
    image = picture(mode)
    made = only(client, file(image, "PNG"), "image/png")
    assert made.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1" and "LossyImageCompression" not in made
    wanted = image.convert("L" if image.mode in ("L", "1") else "RGB")
    assert np.array_equal(made.pixel_array, np.asarray(wanted))


def test_a_png_of_sixteen_bits_keeps_them(client: Client) -> None:
    values = (np.arange(40 * 60).reshape(40, 60) * 27).astype(np.uint16)
    made = only(client, file(Image.fromarray(values), "PNG"), "image/png")
    assert made.BitsStored == 16 and made.PhotometricInterpretation == "MONOCHROME2" and np.array_equal(made.pixel_array, values)


def test_a_progressive_jpeg_and_one_of_a_printer_become_pixels(client: Client) -> None:
    for image, options in ((picture(), {"progressive": True}), (picture("CMYK"), {})):
        content = file(image, "JPEG", quality=95, **options)
        made = only(client, content, "image/jpeg")
        assert made.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1" and made.LossyImageCompression == "01"
        assert np.array_equal(made.pixel_array, np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))


@pytest.mark.parametrize(
    ("codec", "form", "syntax", "method"),
    [
        ("libx264", "mp4", "102", "ISO_14496_10"), ("libx264", "mov", "102", "ISO_14496_10"),
        ("libx265", "mp4", "107", "ISO_23008_2"), ("mpeg2video", "mpg", "100", "ISO_13818_2"),
    ],
)  # fmt: skip
def test_a_video_says_what_it_is(client: Client, codec: str, form: str, syntax: str, method: str) -> None:
    content = video(codec, form)
    made = only(client, content, {"mp4": "video/mp4", "mov": "video/quicktime", "mpg": "video/mpeg"}[form])
    assert made.SOPClassUID == VIDEO and made.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.4.{syntax}"
    assert (made.Rows, made.Columns, made.NumberOfFrames, made.FrameTime) == (48, 64, 12, 40)
    assert made.PhotometricInterpretation == "YBR_PARTIAL_420" and made.FrameIncrementPointer == 0x00181063
    assert made.LossyImageCompression == "01" and made.LossyImageCompressionMethod == method
    (stream,) = generate_frames(made.PixelData, number_of_frames=1)
    if form != "mov":
        assert stream[: len(content)] == content
    else:
        assert stream[4:8] == b"ftyp" and stream[8:12] != b"qt  "
    with av.open(io.BytesIO(stream)) as read:
        shades = [round(float(frame.to_ndarray(format="gray").mean())) for frame in read.decode(video=0)]
    assert len(shades) == 12 and shades == sorted(shades) and shades[-1] - shades[0] > 150


def test_a_pdf_is_a_document_of_its_study(client: Client) -> None:
    made = only(client, PDF_FILE, "application/pdf", **{"00420010": element("ST", "Arztbrief")})
    assert made.SOPClassUID == PDF and made.Modality == "DOC" and made.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == PDF_FILE and made.DocumentTitle == "Arztbrief"
    assert made.BurnedInAnnotation == "YES" and "ConceptNameCodeSequence" in made and "AcquisitionDateTime" in made


def test_a_clinical_document_is_known_by_its_header(client: Client) -> None:
    made = only(client, CDA_FILE, "text/xml")
    assert made.SOPClassUID == CDA and made.MIMETypeOfEncapsulatedDocument == "text/XML"
    assert made.HL7InstanceIdentifier == "2.16.840.1.113883.19.5^A7" and made.DocumentTitle == "Bericht über Müller"
    assert made.ConceptNameCodeSequence[0].CodeValue == "11488-4"
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == CDA_FILE


def binary_stl() -> bytes:
    faces = b"".join(each.astype("<f4").tobytes() + b"\0\0" for each in TRIANGLES.reshape(2, 12))
    return b"made by a test".ljust(80) + struct.pack("<I", 2) + faces


def text_stl() -> bytes:
    lines = ["solid head"]
    for normal, *corners in TRIANGLES.tolist():
        lines += [f"facet normal {' '.join(map(str, normal))}", " outer loop"]
        lines += [f"  vertex {' '.join(map(str, corner))}" for corner in corners]
        lines += [" endloop", "endfacet"]
    return "\n".join([*lines, "endsolid head", ""]).encode()


@pytest.mark.parametrize("content", [binary_stl(), text_stl()], ids=["binary", "text"])
@pytest.mark.parametrize("media_type", ["model/stl", "application/octet-stream"])
def test_a_model_is_binary_whatever_it_was(client: Client, content: bytes, media_type: str) -> None:
    made = only(client, content, media_type)
    assert made.SOPClassUID == STL and made.Modality == "M3D" and made.MIMETypeOfEncapsulatedDocument == "model/stl"
    document = made.EncapsulatedDocument[: made.EncapsulatedDocumentLength]
    assert document[80:] == binary_stl()[80:]
    assert made.MeasurementUnitsCodeSequence[0].CodeValue == "mm" and made.FrameOfReferenceUID and made.ModelMirroring == "NO"
    assert made.ModelUsageCodeSequence[0].CodingSchemeDesignator == "DCM" and made.SoftwareVersions


def test_a_model_of_another_format_and_its_material(client: Client) -> None:
    surface_of, skin = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", b"newmtl skin\nKd 1 1 1\n"
    for content, media_type, number in ((surface_of, "model/obj", 4), (skin, "model/mtl", 5)):
        made = only(client, content, media_type)
        assert made.SOPClassUID == f"1.2.840.10008.5.1.4.1.1.104.{number}" and made.MIMETypeOfEncapsulatedDocument == media_type
        assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == content


def test_a_new_object_of_a_study_is_its_patients(client: Client, data: Path) -> None:
    known = client.store(next(iter(sorted((data / "ct/priors").rglob("*.dcm"))))).json()
    study = known["00081190"]["Value"][0].rsplit("/", 1)[1]
    (held,) = client.json(f"/studies?StudyInstanceUID={study}")
    answer = store(client, [{}], [Media(PDF_FILE, "application/pdf")], study=study)
    made = kept(client, answer)
    assert made.StudyInstanceUID == study and made.PatientID == held["00100020"]["Value"][0]
    assert made.StudyDate == held["00080020"]["Value"][0]
    assert str(made.PatientName) == held["00100010"]["Value"][0]["Alphabetic"]
    (now,) = client.json(f"/studies?StudyInstanceUID={study}&includefield=00080061")
    assert set(now["00080061"]["Value"]) == {*held["00080061"]["Value"], "DOC"}


def test_another_patients_picture_does_not_join_the_study(client: Client, data: Path) -> None:
    known = client.store(next(iter(sorted((data / "ct/priors").rglob("*.dcm"))))).json()
    study = known["00081190"]["Value"][0].rsplit("/", 1)[1]
    answer = store(client, [PATIENT], [Media(file(picture(), "JPEG"), "image/jpeg")], study=study)
    assert answer.status_code == 202 and "quarantined" in " ".join(answer.headers.get_list("warning"))
    assert answer.json()["00081199"]["Value"][0]["00081190"] == {"vr": "UR"}


def test_what_came_together_is_one_series(client: Client) -> None:
    media = [Media(file(picture(), "JPEG"), "image/jpeg", f"photo:{number}") for number in (2, 1)]
    datasets = [{**PATIENT, "7FE00010": {"vr": "OB", "BulkDataURI": f"photo:{number}"}} for number in (1, 2)]
    stored = [item["00081190"]["Value"][0].split("/") for item in store(client, datasets, media).json()["00081199"]["Value"]]
    assert stored[0][:-1] == stored[1][:-1] and stored[0][-1] != stored[1][-1]
    found = client.json("/instances?includefield=00200013")
    assert sorted(each["00200013"]["Value"][0] for each in found) == [1, 2]


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"GIF89a and so on", "image/jpeg", 0xC000),
        (b"\xff\xd8\xff\xe0 cut", "image/jpeg", 0xC000),
        (file(picture(), "PNG")[:60], "image/png", 0xC000),
        (b"no pdf", "application/pdf", 0xC000),
        (PDF_FILE, "image/jpeg", 0xC000),
        (b"<ClinicalDocument/>", "text/xml", 0xC000),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><ClinicalDocument xmlns="urn:hl7-org:v3">&b;</ClinicalDocument>', "text/xml", 0xC000),
        (text_stl()[:-60], "model/stl", 0xC000),
        (b"\x1aE\xdf\xa3 webm", "video/mp4", 0xC000),
        (b"anything", "application/zip", 0xC122),
    ],
)
def test_what_cannot_be_kept_says_why(client: Client, content: bytes, media_type: str, reason: int) -> None:
    dataset = {**PATIENT, ("00420011" if "pdf" in media_type or "zip" in media_type or "xml" in media_type or "stl" in media_type
                           else "7FE00010"): {"vr": "OB", "BulkDataURI": "cid:1"}}  # fmt: skip
    answer = store(client, [dataset], [Media(content, media_type, "cid:1")])
    assert answer.status_code == 409, answer.text
    (item,) = answer.json()["0008119A"]["Value"]
    assert item["00081197"]["Value"] == [reason] and answer.headers["warning"]
    assert client.json("/studies") == [] and not os.listdir(client.context.settings.data / "incoming")


def test_a_video_of_another_codec_is_not_kept(client: Client) -> None:
    answer = store(client, [PATIENT], [Media(video("mpeg4", "mp4"), "video/mp4")])
    assert answer.status_code == 409 and answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xC122]
    assert "mpeg4 is no video of DICOM" in answer.headers["warning"]


def test_a_class_that_cannot_hold_it_is_a_contradiction(client: Client) -> None:
    answer = store(client, [{**PATIENT, "00080016": element("UI", PDF)}], [Media(file(picture(), "JPEG"), "image/jpeg")])
    assert answer.status_code == 409 and answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA900]


def test_the_image_is_right_about_its_size(client: Client) -> None:
    said = {
        **PATIENT, "00080016": element("UI", SC), "00080018": element("UI", "1.2.3.4"), "0020000D": element("UI", "1.2.3"),
        "0020000E": element("UI", "1.2.3.5"), "00280010": element("US", 512), "00280011": element("US", 61),
        "7FE00010": {"vr": "OB", "BulkDataURI": "x"},
    }  # fmt: skip
    answer = store(client, [said], [Media(file(picture(), "JPEG"), "image/jpeg", "x")])
    assert answer.status_code == 202 and "Rows" in answer.headers["warning"] and "Columns" not in answer.headers["warning"]
    made = kept(client, answer)
    assert (made.Rows, made.Columns, made.SOPInstanceUID, made.BitsStored) == (40, 61, "1.2.3.4", 8)


BEGINNINGS = [b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "]
TAGS = ["00080016", "00080018", "00080060", "0020000D", "00280010", "00280100", "00280101", "00100010", "00080008"]
WORDS = [b"facet normal 0 0 1 ", b"outer loop ", b"vertex 1 2 3 ", b"endloop ", b"endfacet ", b"x" * 5000]


@given(st.dictionaries(st.sampled_from(TAGS), anything, max_size=6), st.sampled_from(sorted(wrapping.KINDS)))
def test_whatever_metadata_say_a_new_object_is_one_or_malformed(dataset: dict[str, Any], media_type: str) -> None:
    kind = wrapping.KINDS[media_type]
    wrapped = wrapping.Wrapped(composing.normal(dataset))
    describing.picture(wrapped, pictures.Picture(4, 4, 3, 8, False, "RGB", True, ""), 2)
    if not wrapping.contradicts(wrapped.dataset, kind):
        wrapping.identify(wrapped, kind, study_uid="1.2", held={}, now=datetime(2026, 1, 2), series_of=str.upper, number=1,
                          photographed=True)  # fmt: skip
        wrapping.require(wrapped, kind, lossy=True)
    try:
        composing.compose(wrapped.dataset)
    except Malformed:
        pass


@given(st.binary(max_size=300), st.sampled_from(BEGINNINGS))
def test_whatever_a_picture_says_is_a_picture_or_malformed(rest: bytes, beginning: bytes) -> None:
    content = beginning + rest
    pictures.camera(content)
    pictures.profile(content)
    try:
        pictures.looked_at(content)
        pictures.pixels(content)
    except Malformed:
        pass


@given(st.binary(max_size=80), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]), st.integers(0, 3))
def test_whatever_a_camera_notes_are_texts(rest: bytes, order: bytes, count: int) -> None:
    directory = count.to_bytes(2, "little" if order[:1] == b"I" else "big")
    segment = b"Exif\0\0" + order + directory + b"".join(tag + rest for tag in (b"\x69\x87\x04\0", b"\x01\x0f\0\x02"))
    noted = pictures.camera(b"\xff\xd8\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment)
    assert all(isinstance(text, str) and text for text in noted.values())


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_whatever_a_model_says_is_triangles_or_malformed(words: list[bytes]) -> None:
    out = bytearray()
    try:
        count = surface.as_binary(BytesSource(b"solid " + b"".join(words)), out.extend)
    except Malformed:
        return
    assert len(out) == count * surface.TRIANGLE


@given(st.binary(max_size=1200))
def test_whatever_begins_a_file_has_one_type_or_none(head: bytes) -> None:
    assert wrapping.media_type_of(head, len(head)) in ("", *wrapping.KINDS)
