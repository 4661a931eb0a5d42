"""Print management with foreign clients: what they print is in the archive, pixel by pixel, and as films in a PDF."""

import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context

import objects
from dimse.conftest import Archive, Start, bound
from isocenter.dicom import sop_classes as sop
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, printing
from isocenter.service.context import Context

IMAGES, FILMS = printing.SECONDARY_CAPTURE, printing.ENCAPSULATED_PDF


@dataclass
class Device:
    """A device that can only print, on one association."""

    association: pynetdicom.association.Association
    meta: str = sop.BASIC_GRAYSCALE_PRINT_META
    session: str = ""

    @property
    def image_box(self) -> str:
        return sop.BASIC_COLOR_IMAGE_BOX if self.meta == sop.BASIC_COLOR_PRINT_META else sop.BASIC_GRAYSCALE_IMAGE_BOX

    def create(self, sop_class: str, asked: Dataset, *, on: str = "", uid: str = "") -> tuple[int, str, Dataset | None]:
        """N-CREATE: status, SOP Instance UID, what came back."""
        uid = uid or generate_uid()
        data = asked if len(asked) else None  # pynetdicom announces an empty data set, and never sends it
        answer, created = self.association.send_n_create(data, sop_class, uid, meta_uid=on or self.meta)
        return answer.Status, str(answer.get("AffectedSOPInstanceUID", uid)), created

    def open_session(self, **values: Any) -> int:
        code, self.session, _ = self.create(sop.BASIC_FILM_SESSION, dataset(NumberOfCopies="1", **values))
        return code

    def film(self, display_format: str = "STANDARD\\1,1", **values: Any) -> tuple[int, str, Dataset | None]:
        """A new film box: status, UID, what came back."""
        asked = dataset(FilmSizeID="8INX10IN", FilmOrientation="PORTRAIT", **values)
        asked.add_new(0x20100010, "ST", display_format)
        asked.ReferencedFilmSessionSequence = [reference(sop.BASIC_FILM_SESSION, self.session)]
        return self.create(sop.BASIC_FILM_BOX, asked)

    def set_image(self, box: str, item: Dataset | None, position: int = 1, **values: Any) -> int:
        asked = dataset(ImageBoxPosition=position, **values)
        if item is not None:
            color = self.meta == sop.BASIC_COLOR_PRINT_META
            setattr(asked, "BasicColorImageSequence" if color else "BasicGrayscaleImageSequence", [item])
        return self.set(self.image_box, box, asked)

    def set(self, sop_class: str, uid: str, asked: Dataset, *, on: str = "") -> int:
        answer, _ = self.association.send_n_set(asked, sop_class, uid, meta_uid=on or self.meta)
        return int(answer.Status)

    def print(self, film: str = "") -> int:
        """N-ACTION on a film box, or on the film session."""
        named = (sop.BASIC_FILM_BOX, film) if film else (sop.BASIC_FILM_SESSION, self.session)
        answer, _ = self.association.send_n_action(None, 1, *named, meta_uid=self.meta)
        return int(answer.Status)

    def delete(self, sop_class: str, uid: str) -> int:
        return int(self.association.send_n_delete(sop_class, uid, meta_uid=self.meta).Status)

    def print_one(self, item: Dataset, **values: Any) -> int:
        """A session with one film with one image, printed."""
        assert self.open_session() == 0
        _, film, made = self.film()
        assert self.set_image(boxes(made)[0], item, **values) == 0
        return self.print(film)


def dataset(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def reference(sop_class: str, uid: str) -> Dataset:
    return dataset(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)


def boxes(created: Dataset | None) -> list[str]:
    assert created is not None
    return [item.ReferencedSOPInstanceUID for item in created.ReferencedImageBoxSequence]


def grey(pixels: np.ndarray[Any, Any], stored: int = 0, photometric: str = "MONOCHROME2", **values: Any) -> Dataset:
    """The item of a Basic Grayscale Image Sequence."""
    bits = pixels.dtype.itemsize * 8
    stored = stored or bits
    return dataset(
        SamplesPerPixel=1, PhotometricInterpretation=photometric, Rows=pixels.shape[0], Columns=pixels.shape[1],
        BitsAllocated=bits, BitsStored=stored, HighBit=stored - 1, PixelRepresentation=0, PixelData=pixels.tobytes(), **values,
    )


def ramp(rows: int, columns: int, most: int, kind: str = "<u2") -> np.ndarray[Any, Any]:
    return np.linspace(0, most, rows * columns).round().astype(kind).reshape(rows, columns)


@contextmanager
def device(archive: Archive, *extra: str, color: bool = False, calling: str = "OLD_US") -> Iterator[Device]:
    meta = sop.BASIC_COLOR_PRINT_META if color else sop.BASIC_GRAYSCALE_PRINT_META
    contexts = [build_context(uid) for uid in (meta, *extra)]
    association = AE(ae_title=calling).associate("127.0.0.1", archive.port, contexts=contexts, ae_title="ISOCENTER")
    assert association.is_established
    assert not association.rejected_contexts
    yield Device(association, meta)
    association.release()


def held(archive: Archive, sop_class: str) -> list[Dataset]:
    """Every object of a SOP class in the archive, by number."""
    found = [pydicom.dcmread(path) for path in archive.files()]
    return sorted((each for each in found if each.SOPClassUID == sop_class), key=lambda each: int(each.InstanceNumber))


@dataclass
class Pdf:
    """As much of a PDF as tests need."""

    data: bytes

    @property
    def streams(self) -> list[tuple[bytes, bytes]]:
        """Every stream: (dictionary, content)."""
        pattern = re.compile(rb"obj\n<<(.*?)>>\nstream\n(.*?)\nendstream", re.DOTALL)
        return [(about, zlib.decompress(content)) for about, content in pattern.findall(self.data)]

    @property
    def pictures(self) -> list[np.ndarray[Any, Any]]:
        found = []
        for about, content in self.streams:
            if b"/Image" in about:
                width, height = (int(re.search(rb"/%s (\d+)" % name, about)[1]) for name in (b"Width", b"Height"))  # type: ignore[index]
                found.append(np.frombuffer(content, np.uint8).reshape(height, width, -1))
        return found

    @property
    def drawing(self) -> list[str]:
        """The content of each page."""
        return [content.decode("cp1252") for about, content in self.streams if b"/Image" not in about]

    def check(self) -> None:
        """The table of objects is right: each offset is where its object begins (ISO 32000-1 7.5.4)."""
        assert self.data.startswith(b"%PDF-1.4\n") and self.data.endswith(b"%%EOF\n")
        start = int(self.data.split(b"startxref\n")[1].split()[0])
        rows = self.data[start:].split(b"\n")
        assert rows[0] == b"xref"
        for number in range(1, int(rows[1].split()[1])):
            offset = int(rows[2 + number].split()[0])
            assert self.data[offset:].startswith(b"%d 0 obj\n" % number)


def pdf_of(found: Dataset) -> Pdf:
    document = Pdf(found.EncapsulatedDocument[: found.EncapsulatedDocumentLength])
    document.check()
    return document


def test_a_print_becomes_a_secondary_capture_and_a_pdf(archive: Archive) -> None:
    pixels = ramp(300, 200, 4095)
    with device(archive) as printer:
        assert printer.print_one(grey(pixels, 12)) == 0
        (image,) = held(archive, IMAGES)  # before the association ends: the answer says that it is safe
    (film,) = held(archive, FILMS)
    assert np.array_equal(image.pixel_array, pixels)
    assert (image.BitsStored, image.PhotometricInterpretation, image.Modality) == (12, "MONOCHROME2", "OT")
    assert (image.WindowCenter, image.WindowWidth) == (2048, 4096), "just as bright as on film"
    assert image.StudyInstanceUID == film.StudyInstanceUID and image.SeriesInstanceUID != film.SeriesInstanceUID
    assert image.StudyDescription == "Printed by OLD_US" and image.PatientID == ""
    assert film.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert [item.ReferencedSOPInstanceUID for item in film.SourceInstanceSequence] == [image.SOPInstanceUID]
    document = pdf_of(film)
    (picture,) = document.pictures
    assert np.abs(picture[..., 0].astype(float) - pixels / 4095 * 255).max() <= 0.51
    assert b"/MediaBox [0 0 576.00 720.00]" in document.data, "8 by 10 inches"


@pytest.fixture
def both(context: Context) -> Iterator[Archive]:
    """An archive that prints, once on each engine."""
    server = Server(context, bound())
    server.start()
    yield Archive(server, context)
    server.stop(0)


def test_it_is_filed_on_the_study_that_the_job_names(both: Archive) -> None:
    archive, study = both, generate_uid()
    with ingest.begin(archive.context, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10(StudyInstanceUID=study, PatientID="P7", PatientName="Müller^Ada", AccessionNumber="ACC7"))
        reception.finish()
    (ct,) = held(archive, objects.CT)
    named: list[dict[str, Any]] = [
        {"StudyInstanceUID": study},
        {"AccessionNumber": "ACC7"},
        {"OriginalImageSequence": [dataset(ReferencedSOPInstanceUID=ct.SOPInstanceUID)]},
        {"ReferencedStudySequence": [reference("1.2.840.10008.3.1.2.3.1", study)]},
    ]
    for values in named:
        with device(archive) as printer:
            assert printer.print_one(grey(ramp(8, 8, 255, "u1")), **values) == 0
    assert not archive.files("quarantine")
    made = held(archive, IMAGES) + held(archive, FILMS)
    assert len(made) == 2 * len(named)
    assert {(each.StudyInstanceUID, each.PatientID, str(each.PatientName)) for each in made} == {(study, "P7", "Müller^Ada")}


def test_a_patient_without_a_study_gets_one(both: Archive) -> None:
    archive = both
    with device(archive) as printer:
        assert printer.open_session(FilmSessionLabel="Knee left", PatientID="P9", PatientName="Doe^Jo") == 0
        _, film, made = printer.film("STANDARD\\2,1")
        assert printer.set_image(boxes(made)[0], grey(ramp(8, 8, 255, "u1"))) == 0
        assert printer.set_image(boxes(made)[1], grey(ramp(8, 8, 255, "u1")), PatientID="P10") == 0
        assert printer.print(film) == 0
    first, second = held(archive, IMAGES)
    assert (first.PatientID, str(first.PatientName), first.StudyDescription) == ("P9", "Doe^Jo", "Knee left")
    assert second.PatientID == "P10" and first.StudyInstanceUID != second.StudyInstanceUID
    (film_object,) = held(archive, FILMS)
    assert film_object.PatientID not in ("P9", "P10"), "a film of two patients is nobody's"


def test_the_wrong_patient_for_a_study_is_for_a_person_to_settle(archive: Archive) -> None:
    study = generate_uid()
    with ingest.begin(archive.context, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10(StudyInstanceUID=study, PatientID="P7", PatientName="Doe^Jane"))
        reception.finish()
    with device(archive) as printer:
        assert printer.print_one(grey(ramp(8, 8, 255, "u1")), StudyInstanceUID=study, PatientID="P8", PatientName="Roe^Max") == 0
    assert not held(archive, IMAGES) and len(archive.files("quarantine")) == 2


def test_a_session_of_films_with_formats_orientation_and_annotations(archive: Archive) -> None:
    images = [ramp(40, 40 + 10 * number, 255, "u1") for number in range(3)]
    with device(archive, sop.BASIC_ANNOTATION_BOX) as printer:
        assert printer.open_session() == 0
        code, _, made = printer.film("ROW\\1,2", AnnotationDisplayFormatID="LABEL", BorderDensity="WHITE")
        assert code == 0 and made is not None and len(boxes(made)) == 3
        for position, (box, pixels) in enumerate(zip(boxes(made), images, strict=True), 1):
            assert printer.set_image(box, grey(pixels), position) == 0
        (label,) = made.ReferencedBasicAnnotationBoxSequence
        text = dataset(SpecificCharacterSet="ISO_IR 100", AnnotationPosition=1, TextString="Müller (left)")
        assert printer.set(sop.BASIC_ANNOTATION_BOX, label.ReferencedSOPInstanceUID, text, on=sop.BASIC_ANNOTATION_BOX) == 0
        code, _, made = printer.film("COL\\2,1", FilmSessionLabel="")
        assert len(boxes(made)) == 3
        assert printer.set_image(boxes(made)[2], grey(images[0])) == 0
        assert printer.print() == 0
    document = pdf_of(*held(archive, FILMS))
    first, second = document.drawing
    assert first.startswith("1.0000 g 0 0 576.00 720.00 re f") and "(Müller \\(left\\)) Tj" in first
    assert [shape.shape[1] for shape in document.pictures] == [40, 50, 60, 40]
    places = [[float(number) for number in line.split()[1:7]] for line in first.split("\n") if line.startswith("q ")]
    (w1, _, _, h1, x1, y1), (w2, _, _, h2, x2, y2), (w3, _, _, h3, x3, y3) = places
    assert w1 == pytest.approx(h1, 1e-3) and w2 / h2 == pytest.approx(50 / 40, 1e-3) and w3 / h3 == pytest.approx(60 / 40, 1e-3)
    assert y1 > y2 + h2 and x2 + w2 < x3 and y2 + h2 / 2 == pytest.approx(y3 + h3 / 2, 1e-3)
    assert x1 + w1 / 2 == pytest.approx(288, 1e-3)
    (right,) = [line.split() for line in second.split("\n") if line.startswith("q ")]
    assert float(right[5]) > 288, "the second column"
    assert all(image.ImageComments == "Müller (left)" for image in held(archive, IMAGES)[:3])


def test_polarity_and_monochrome1_are_kept_as_facts_and_seen_on_the_film(archive: Archive) -> None:
    pixels = ramp(16, 16, 255, "u1")
    with device(archive) as printer:
        assert printer.open_session() == 0
        _, film, made = printer.film("STANDARD\\2,2")
        for position, (photometric, polarity) in enumerate(
            [("MONOCHROME2", "NORMAL"), ("MONOCHROME1", "NORMAL"), ("MONOCHROME2", "REVERSE"), ("MONOCHROME1", "REVERSE")], 1
        ):
            item = grey(pixels, photometric=photometric)
            assert printer.set_image(boxes(made)[position - 1], item, position, Polarity=polarity) == 0
        assert printer.print(film) == 0
    images = held(archive, IMAGES)
    assert [image.PhotometricInterpretation for image in images] == ["MONOCHROME2", "MONOCHROME1", "MONOCHROME1", "MONOCHROME2"]
    assert all(np.array_equal(image.pixel_array, pixels) for image in images)
    shown = [picture[..., 0] for picture in pdf_of(*held(archive, FILMS)).pictures]
    assert [int(picture[0, 0]) for picture in shown] == [0, 255, 255, 0]


@pytest.mark.parametrize("planar", [0, 1])
def test_colour(archive: Archive, planar: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (30, 41, 3), np.uint8)
    item = grey(pixels[..., 0])
    item.SamplesPerPixel, item.PhotometricInterpretation, item.PlanarConfiguration = 3, "RGB", planar
    item.PixelData = (pixels.transpose(2, 0, 1) if planar else pixels).tobytes()
    with device(archive, color=True) as printer:
        assert printer.print_one(item) == 0
    (image,) = held(archive, IMAGES)
    assert np.array_equal(image.pixel_array, pixels)
    assert np.array_equal(pdf_of(*held(archive, FILMS)).pictures[0], pixels)


def test_a_presentation_lut_is_what_the_viewer_is_told(archive: Archive) -> None:
    values = [min(4095, (index * index) >> 12) for index in range(4096)]
    item = dataset(LUTExplanation="test")
    item.add_new(0x00283002, "US", [4096, 0, 12])
    item.add_new(0x00283006, "OW", np.array(values, "<u2").tobytes())
    pixels = ramp(64, 64, 4095)
    with device(archive, sop.PRESENTATION_LUT) as printer:
        code, lut, _ = printer.create(sop.PRESENTATION_LUT, dataset(PresentationLUTSequence=[item]), on=sop.PRESENTATION_LUT)
        assert code == 0
        code, linear, _ = printer.create(sop.PRESENTATION_LUT, dataset(PresentationLUTShape="LIN OD"), on=sop.PRESENTATION_LUT)
        assert code == 0
        assert printer.open_session() == 0
        _, film, made = printer.film("STANDARD\\1,3")
        for place, (photometric, used) in enumerate([("MONOCHROME2", lut), ("MONOCHROME1", lut), ("MONOCHROME2", linear)]):
            referenced = [reference(sop.PRESENTATION_LUT, used)]
            box = boxes(made)[place]
            image = grey(pixels, 12, photometric)
            assert printer.set_image(box, image, place + 1, ReferencedPresentationLUTSequence=referenced) == 0
        assert printer.print(film) == 0
    shown = [picture[..., 0].astype(int) for picture in pdf_of(*held(archive, FILMS)).pictures]
    expected = np.array(values)[pixels] * 255 / 4095
    assert np.abs(shown[0] - expected).max() <= 0.51
    assert np.abs(shown[1] - (np.array(values)[4095 - pixels] * 255 / 4095)).max() <= 0.51
    assert shown[2][0, 0] == 0 and shown[2][-1, -1] == 255 and (np.diff(shown[2].ravel()) >= 0).all()
    assert abs(int(shown[2][32, 0]) - 128) > 10, "densities are not brightness"
    for image, picture in zip(held(archive, IMAGES), shown, strict=True):
        assert np.array_equal(image.pixel_array, pixels)
        seen = pydicom.pixels.apply_voi_lut(image.pixel_array, image).astype(int)
        seen = 4095 - seen if image.PhotometricInterpretation == "MONOCHROME1" else seen
        assert np.abs(seen * 255 / 4095 - picture).max() <= 0.51, "a viewer shows what the film shows"


def test_larger_than_its_box(archive: Archive) -> None:
    pixels = ramp(100, 200, 255, "u1")
    with device(archive) as printer:
        assert printer.open_session() == 0
        _, film, made = printer.film()
        (box,) = boxes(made)
        asked = {"RequestedImageSize": "400"}
        assert printer.set_image(box, grey(pixels), RequestedDecimateCropBehavior="FAIL", **asked) == 0xC603
        assert printer.print(film) == 0xB603, "there is nothing on it"
        assert printer.set_image(box, grey(pixels), RequestedDecimateCropBehavior="DECIMATE", **asked) == 0xB604
        assert printer.set_image(box, grey(pixels), RequestedDecimateCropBehavior="CROP", **asked) == 0xB609
        assert printer.print(film) == 0xB609
        assert printer.set_image(box, grey(pixels), RequestedImageSize="50") == 0
    assert [picture.shape[:2] for picture in pdf_of(*held(archive, FILMS)).pictures] == [(100, 98)]
    assert held(archive, IMAGES)[0].Columns == 200, "what is cropped on film is whole in the archive"


def test_printed_twice_is_filed_once(archive: Archive) -> None:
    with device(archive) as printer:
        assert printer.print_one(grey(ramp(8, 8, 255, "u1"))) == 0
        assert printer.print() == 0
    assert len(held(archive, IMAGES)) == 1 and len(held(archive, FILMS)) == 2


def test_what_is_wrong_is_refused_and_the_association_lives_on(archive: Archive) -> None:
    with device(archive) as printer:
        assert printer.create(sop.BASIC_FILM_BOX, dataset())[0] == 0x0106, "no film session yet"
        assert printer.print() == 0x0112
        assert printer.open_session() == 0
        assert printer.print() == 0xC600
        assert printer.create(sop.BASIC_FILM_SESSION, dataset())[0] == 0x0213
        assert printer.create(sop.BASIC_FILM_SESSION, dataset(), uid=printer.session)[0] == 0x0111
        for display_format, code in {"STANDARD\\0,1": 0x0106, "STANDARD\\99,99": 0x0106, "CUSTOM\\1": 0x0106, "": 0x0120}.items():
            assert printer.film(display_format)[0] == code
        code, odd_size, made = printer.create(
            sop.BASIC_FILM_BOX, dataset(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="5MX5M")
        )
        assert code == 0x0116 and made is not None and made.FilmSizeID == "14INX17IN"
        (box,) = boxes(made)
        good = ramp(8, 8, 255, "u1")
        assert printer.set_image("1.2.3", grey(good)) == 0x0112
        assert printer.set_image(box, None) == 0x0120
        short = grey(good)
        short.Rows = 9
        assert printer.set_image(box, short) == 0x0106
        assert printer.set_image(box, grey(good, photometric="PALETTE COLOR")) == 0x0106
        signed = grey(good)
        signed.PixelRepresentation = 1
        assert printer.set_image(box, signed) == 0x0106
        unknown = [reference(sop.PRESENTATION_LUT, "1.2.3")]
        assert printer.set_image(box, grey(good), ReferencedPresentationLUTSequence=unknown) == 0x0106
        assert printer.set(sop.BASIC_COLOR_IMAGE_BOX, box, dataset(ImageBoxPosition=1)) == 0x0118
        answer, _ = printer.association.send_n_action(None, 2, sop.BASIC_FILM_BOX, odd_size, meta_uid=printer.meta)
        assert answer.Status == 0x0123
        assert printer.set_image(box, grey(good)) == 0
        assert printer.set_image(box, Dataset()) == 0, "an empty item erases"
        assert printer.print(odd_size) == 0xB603
        assert printer.delete(sop.BASIC_FILM_BOX, odd_size) == 0
        assert printer.print(odd_size) == 0x0112
        assert printer.delete(sop.BASIC_FILM_SESSION, printer.session) == 0
        assert printer.print() == 0x0112
    assert not archive.files()


def test_a_session_ends_with_its_association(archive: Archive) -> None:
    with device(archive) as printer:
        assert printer.open_session() == 0
    with device(archive) as other:
        other.session = printer.session
        assert other.print() == 0x0112


def test_the_printer_says_how_it_is(start: Start) -> None:
    well_known = sop.PRINTER, "1.2.840.10008.5.1.1.17"
    for space, expected in ((0, "NORMAL"), (1 << 60, "FAILURE")):
        archive = start(min_free_space=space)
        with device(archive) as printer:
            answer, found = printer.association.send_n_get([], *well_known, meta_uid=printer.meta)
            assert answer.Status == 0 and (found.PrinterStatus, found.PrinterName) == (expected, "ISOCENTER")
            asked = [0x21100010, 0x00100010]
            answer, found = printer.association.send_n_get(asked, *well_known, meta_uid=printer.meta)
            assert answer.Status == 0x0001 and list(found.keys()) == [0x21100010]
            if expected == "FAILURE":
                assert printer.print_one(grey(ramp(8, 8, 255, "u1"))) == 0xC602, "tells the device to try again"
                assert not archive.files()


def test_nothing_waits_on_the_disk_under_a_name(archive: Archive) -> None:
    with device(archive) as printer:
        assert printer.open_session() == 0
        _, _, made = printer.film()
        assert printer.set_image(boxes(made)[0], grey(ramp(512, 512, 4095), 12)) == 0
        files = [path for path in archive.context.settings.blob_folder.rglob("*") if path.is_file()]
        files = [path for path in files if not path.name.startswith("index.sqlite")]  # whose migrations alone fill its log
        assert max(path.stat().st_size for path in files) < 512 * 512 * 2


DCMTK_CONFIGURATION = """
[[GENERAL]]
[DATABASE]
Directory = {folder}
[PRINT]
Directory = {folder}
[NETWORK]
Aetitle = DCMPSTAT
[[COMMUNICATION]]
[ARCHIVE]
Aetitle = ISOCENTER
Description = archive
Hostname = 127.0.0.1
Port = {port}
Type = PRINTER
DisplayFormat = 1,1\\2,2
FilmSizeID = 8INX10IN\\14INX17IN
FilmDestination = MAGAZINE\\PROCESSOR
MediumType = PAPER\\CLEAR FILM
MagnificationType = REPLICATE\\BILINEAR\\CUBIC\\NONE
MaxDensity = 320
MaxPDU = 32768
MinDensity = 20
Supports12Bit = true
SupportsPresentationLUT = {lut}
"""


@pytest.mark.parametrize("lut", ["true", "false"])
def test_dcmtk_prints_two_slices(archive: Archive, data: Path, tmp_path: Path, lut: str) -> None:
    """dcmpsprt makes the job, dcmprscu sends it: film session, film box, Presentation LUT, two 12 bit images."""
    environment = {**os.environ, "TCP_NODELAY": "1"}
    configuration = tmp_path / "dcmpstat.cfg"
    configuration.write_text(DCMTK_CONFIGURATION.format(folder=tmp_path, port=archive.port, lut=lut))
    slices = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:2]
    common = ["--config", str(configuration), "--printer", "ARCHIVE"]
    made = subprocess.run(["dcmpsprt", *common, "--layout", "2", "1", "--filmsize", "14INX17IN", *map(str, slices)], cwd=tmp_path,
                          env=environment, capture_output=True, text=True, timeout=60)  # fmt: skip
    (job,) = tmp_path.glob("SP_*.dcm")
    sent = subprocess.run(["dcmprscu", *common, "--label", "Thorax", "--session-print", str(job)], cwd=tmp_path, env=environment,
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert (made.returncode, sent.returncode) == (0, 0), made.stderr + sent.stderr
    images = held(archive, IMAGES)
    hardcopies = [pydicom.dcmread(path) for path in sorted(tmp_path.glob("HG_*.dcm"))]
    assert len(images) == len(hardcopies) == 2
    document = pdf_of(*held(archive, FILMS))
    assert len(document.pictures) == 2 and images[0].StudyDescription == "Thorax"
    assert {image.pixel_array.tobytes() for image in images} == {image.pixel_array.tobytes() for image in hardcopies}


def test_odd_jobs_are_printed_or_refused_and_never_break(archive: Archive, caplog: pytest.LogCaptureFixture) -> None:
    """Values no printer should be sent: the answer is a status of print management, and nothing of the job is in the log."""
    good = grey(ramp(8, 8, 255, "u1"))
    odd: list[dict[str, Any]] = [
        {"PatientID": "P" * 100, "PatientName": "A^" * 40, "PatientBirthDate": "yesterday", "Modality": "much too long for CS"},
        {"StudyInstanceUID": "not a UID"},
        {"RequestedImageSize": "-5"},
        {"RequestedImageSize": "1e300"},
        {"MagnificationType": "NONE", "Polarity": "SIDEWAYS", "RequestedDecimateCropBehavior": "MAYBE"},
        {"Illumination": 65535, "ReflectedAmbientLight": 65535, "MinDensity": 65535, "MaxDensity": 0},
    ]
    with device(archive, sop.PRESENTATION_LUT) as printer, pydicom_writes_anything():
        _, linear, _ = printer.create(sop.PRESENTATION_LUT, dataset(PresentationLUTShape="LIN OD"), on=sop.PRESENTATION_LUT)
        assert printer.create(sop.PRESENTATION_LUT, dataset(PresentationLUTShape="WAVY"), on=sop.PRESENTATION_LUT)[0] == 0x0106
        assert printer.open_session(FilmSessionLabel="L" * 200) == 0
        for number, values in enumerate(odd):
            _, film, made = printer.film(BorderDensity="9" * 16, EmptyImageDensity="WHITE")
            referenced = [reference(sop.PRESENTATION_LUT, linear)] if number == 5 else []
            if printer.set_image(boxes(made)[0], good, ReferencedPresentationLUTSequence=referenced, **values) == 0:
                assert printer.print(film) == 0, values
            else:
                assert "RequestedImageSize" in values
    assert len(archive.files()) + len(archive.files("quarantine")) == 2 * (len(odd) - 2)
    assert not [record for record in caplog.records if record.exc_info] and "PPPP" not in caplog.text


@contextmanager
def pydicom_writes_anything() -> Iterator[None]:
    """For a device that does not look at what it sends."""
    settings = pydicom.config.settings
    before = settings.reading_validation_mode, settings.writing_validation_mode
    settings.reading_validation_mode = settings.writing_validation_mode = pydicom.config.IGNORE
    try:
        yield
    finally:
        settings.reading_validation_mode, settings.writing_validation_mode = before
