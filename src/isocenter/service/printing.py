"""Print jobs become part of the archive: each image a secondary capture with the very pixels that were to be printed, and the
films as they were laid out a PDF beside them. So a device that can only print has archived.

They are filed on the study that the job names; a job that names a patient only makes a study of that patient, and one that names
nobody a study of its own, where a person finds it. What comes in passes the door of service/ingest, handed in by the edge.
"""

import os
import struct
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from isocenter import __version__
from isocenter.dicom import datasets, part10
from isocenter.dicom.attributes import BY_KEYWORD, Level, tag_of, vr_of
from isocenter.dicom.match import Match, Single
from isocenter.dicom.query import Query
from isocenter.dicom.syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from isocenter.dicom.uid import new_uid
from isocenter.domain import access, film, pdf
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import TooLarge
from isocenter.domain.imaging import Outcome
from isocenter.domain.patient import contradicts
from isocenter.domain.printing import Film, Identity, Image, Job, grey_of, p_values
from isocenter.service.context import Context
from isocenter.store import finding

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"

_IMAGES, _FILMS = 9001, 9002  # Series Number: behind those of the modality
LARGEST_JOB = 1 << 30  # bytes of pixels that one association may have waiting for the printer
_AT_ONCE = 1 << 20

_PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_STUDY = ("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
          "ReferringPhysicianName", "InstitutionName")  # fmt: skip
_SERIES = ("Modality", "BodyPartExamined", "Laterality", "Manufacturer", "ManufacturerModelName", "StationName")
_REFERENCE = "ReferencedSOPInstanceUID"  # of an instance of the study that is printed
IDENTITY = (*_PATIENT, *_STUDY, *_SERIES, _REFERENCE)
"""What of a job says whose it is."""


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...

    def __exit__(self, *unused: object) -> None: ...

    def write(self, *buffers: bytes) -> None: ...

    def finish(self) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given. Raises Forbidden, NoSpace, Busy, Broken."""


class Spool:
    """Bytes that wait on the disk in a file without a name, which is gone with this object, or with the process."""

    def __init__(self, context: Context) -> None:
        with context.scratch(1 << 30) as file:
            self._fd = os.dup(file.fileno())
        self.size = 0
        weakref.finalize(self, os.close, self._fd)

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            done = os.write(self._fd, view)
            self.size += done
            view = view[done:]

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        return os.pread(self._fd, length, offset)

    def pieces(self) -> Iterator[bytes]:
        """All bytes, in order."""
        for position in range(0, self.size, _AT_ONCE):
            yield self.read(position, _AT_ONCE)


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a job: the outcomes of its new objects, the PDF last. demagnified, cropped: images larger than asked for."""

    outcomes: tuple[Outcome, ...]
    demagnified: bool
    cropped: bool


def ready(context: Context, principal: Principal) -> bool:
    """Whether a job could be filed now: the printer's status. Raises Forbidden."""
    access.require(principal, Permission.STUDY_STORE)
    return context.blobs.free_space() >= context.settings.min_free_space


def spooled(context: Context, principal: Principal, data: bytes, waiting: int) -> Spool:
    """Keep the pixels of an image until its film is printed. waiting: bytes the job has already. Raises TooLarge, Forbidden."""
    access.require(principal, Permission.STUDY_STORE)
    if waiting + len(data) > LARGEST_JOB:
        raise TooLarge(f"more than {LARGEST_JOB >> 20} MB wait to be printed", kept="What was sent before can be printed.",
                       hint="Print in smaller jobs.")
    spool = Spool(context)
    spool.write(data)
    return spool


def layout(sheet: Film) -> dict[int, film.Placed]:
    """Where the images of a film lie, by position. Raises Invalid when one may not be made to fit."""
    size = film.sheet_size(sheet.size, sheet.orientation)
    boxes = film.cells(sheet.display_format, *size, annotated=bool(sheet.annotations))
    return {
        position: film.placed(
            boxes[position - 1], image.rows, image.columns, aspect=image.aspect[0] / image.aspect[1],
            requested_width=image.requested_width, magnified=image.magnification != "NONE", fit=image.fit,
        )
        for position, image in sheet.images.items()
    }  # fmt: skip


def file(context: Context, principal: Principal, job: Job, door: Door, *, calling_aet: str = "") -> Filed:
    """Take a print job in. On return everything is durable. Raises what the door raises; what was filed before stays.

    Each image is filed once, however often its film is printed; each print has its PDF.
    """
    access.require(principal, Permission.STUDY_STORE)
    layouts = [layout(sheet) for sheet in job.films]
    studies = _Studies(context, principal, job, calling_aet)
    outcomes, shown = [], []
    for sheet in job.films:
        for _, image in sorted(sheet.images.items()):
            study = studies.of({**job.identity, **sheet.identity, **image.identity})
            shown.append(study)
            if image.sop_instance_uid not in job.filed:
                outcomes.append(_file_image(door, image, study, job, " / ".join(sheet.annotations.values())))
                job.filed.add(image.sop_instance_uid)
    # Films that show two studies are nobody's.
    together = len({study["StudyInstanceUID"] for study in shown}) == 1
    outcomes.append(_file_pdf(context, door, shown[0] if together else studies.of({}), job, layouts))
    shown_as = {each.shown for sheet in layouts for each in sheet.values() if each.too_large}
    return Filed(tuple(outcomes), film.WHOLE in shown_as, bool(shown_as - {film.WHOLE}))


# Whose it is


class _Studies:
    """The study that each identity of a job belongs to, as attributes for its objects."""

    def __init__(self, context: Context, principal: Principal, job: Job, calling_aet: str) -> None:
        self._context = context
        self._scope = access.scope(principal, Permission.STUDY_QUERY)
        self._job = job
        self._calling_aet = calling_aet
        self._known: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def of(self, identity: Identity) -> dict[str, str]:
        """The attributes of IDENTITY, with what the archive knows of the study or the patient where the job says nothing."""
        asked = {keyword: text for keyword, text in identity.items() if text}
        key = tuple(sorted(asked.items()))
        if key not in self._known:
            self._known[key] = self._found(asked)
        return self._known[key]

    def _found(self, identity: dict[str, str]) -> dict[str, str]:
        held = self._study(identity)
        if held:
            merged = {**_only(held, *_STUDY), **identity}
            # A patient is taken over as a whole or not at all: what contradicts is for a person to settle.
            return merged if contradicts(held, identity) else {**_patient(held), **merged}
        patient = self._patient(identity)
        at = self._job.created_at
        own = {
            "StudyInstanceUID": self._own_study({**patient, **identity}),
            "StudyDate": at.strftime("%Y%m%d"),
            "StudyTime": at.strftime("%H%M%S"),
            "StudyDescription": self._job.label or f"Printed by {self._calling_aet or 'an unknown device'}",
        }
        return {**own, **patient, **identity}

    def _study(self, identity: dict[str, str]) -> Identity | None:
        """The study held that the job means: by its UID, an instance of it, or an accession number that is one study's."""
        if uid := identity.get("StudyInstanceUID"):
            return self._one(Level.STUDY, {"StudyInstanceUID": uid})
        if (uid := identity.get(_REFERENCE)) and (found := self._one(Level.INSTANCE, {"SOPInstanceUID": uid})):
            return found
        if "AccessionNumber" in identity:
            keys = _only(identity, "AccessionNumber", "PatientID")
            found = self._one(Level.STUDY, keys)
            return None if found and contradicts(found, identity) else found
        return None

    def _patient(self, identity: dict[str, str]) -> dict[str, str]:
        """What the archive knows of the patient; nothing when the ID is that of several, or the job says otherwise."""
        keys = _only(identity, "PatientID", "IssuerOfPatientID")
        found = self._one(Level.PATIENT, keys) if "PatientID" in keys else None
        return _patient(found) if found and not contradicts(found, identity) else {}

    def _one(self, level: Level, values: Mapping[str, str]) -> Identity | None:
        matches: tuple[tuple[Any, Match], ...] = tuple((BY_KEYWORD[keyword], Single(text)) for keyword, text in values.items())
        query = Query(level, matches, limit=2)
        found = self._context.database.read(lambda connection: finding.find(connection, query, self._scope))
        return found[0] if len(found) == 1 else None

    def _own_study(self, identity: Identity) -> str:
        """A study for each patient of a film session, the same for all that is printed in it."""
        key = "\\".join(identity.get(keyword, "") for keyword in ("IssuerOfPatientID", "PatientID", "AccessionNumber"))
        return _derived(self._job, key)


def _patient(row: Identity) -> dict[str, str]:
    return _only(row, *_PATIENT)


def _only(identity: Identity, *keywords: str) -> dict[str, str]:
    return {keyword: identity[keyword] for keyword in keywords if identity.get(keyword)}


def _derived(job: Job, name: str) -> str:
    """A UID of a film session, the same each time (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(job.key, name).int}"


# What is filed


def _described(job: Job, study: Identity, sop_class: str, sop_instance: str) -> Dataset:
    """What both objects have: patient, study, equipment, and when (PS3.3 A.8.1, A.45.1)."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_instance
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber",
                    "ReferringPhysicianName", "StudyDate", "StudyTime", "Manufacturer"):  # fmt: skip
        setattr(dataset, keyword, "")  # type 2
    for keyword in (*_PATIENT, *_STUDY, *_SERIES):
        if study.get(keyword):
            _put(dataset, keyword, study[keyword])
    dataset.ConversionType = "DI"  # PS3.3 C.8.6.1: over a digital interface
    dataset.SecondaryCaptureDeviceManufacturer = "Isocenter"
    dataset.SecondaryCaptureDeviceSoftwareVersions = __version__
    dataset.ContentDate = dataset.SeriesDate = dataset.DateOfSecondaryCapture = job.created_at.strftime("%Y%m%d")
    dataset.ContentTime = dataset.SeriesTime = dataset.TimeOfSecondaryCapture = job.created_at.strftime("%H%M%S")
    dataset.TimezoneOffsetFromUTC = job.created_at.strftime("%z")
    dataset.BurnedInAnnotation = "YES"  # it may well be: printers get no patient's name any other way
    _put(dataset, "SeriesDescription", job.label or "Print job")
    return dataset


def _put(dataset: Dataset, keyword: str, text: str) -> None:
    """A text of the job, as it came: what a device writes wrongly is no reason to lose its images."""
    tag = tag_of(keyword) or 0
    dataset.add(DataElement(tag, vr_of(tag), text, validation_mode=IGNORE))


def _file_image(door: Door, image: Image, study: Identity, job: Job, notes: str) -> Outcome:
    dataset = _described(job, study, SECONDARY_CAPTURE, image.sop_instance_uid)
    _put(dataset, "Modality", study.get("Modality") or "OT")
    dataset.SeriesInstanceUID = _derived(job, f"images\\{study['StudyInstanceUID']}")
    dataset.SeriesNumber, dataset.InstanceNumber = _IMAGES, image.number
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.PatientOrientation = ""
    if notes:
        _put(dataset, "ImageComments", notes)
    dataset.SamplesPerPixel, dataset.Rows, dataset.Columns = image.samples, image.rows, image.columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = image.allocated, image.stored, image.stored - 1
    dataset.PixelRepresentation = 0
    if image.aspect[0] != image.aspect[1]:
        dataset.PixelAspectRatio = list(image.aspect)
    if image.samples == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    else:
        _describe_grey(dataset, image)
    length = image.rows * image.columns * image.samples * (image.allocated // 8)
    whole = film.WHOLE
    pieces = (block.tobytes() for block in _blocks(image, whole)) if image.samples == 3 else _first(image.pixels.pieces(), length)
    return _file(door, dataset, 0x7FE00010, b"OW" if image.allocated == 16 else b"OB", length, pieces)


def _describe_grey(dataset: Dataset, image: Image) -> None:
    """Photometric interpretation and what the viewer is to show it with: just as bright as it was to be printed."""
    dataset.PhotometricInterpretation = "MONOCHROME1" if image.inverse else "MONOCHROME2"
    dataset.PresentationLUTShape = "INVERSE" if image.inverse else "IDENTITY"
    if image.lut is None:
        # Values are P-Values (PS3.4 H.4.3.1): the window that leaves them alone, so that no viewer stretches them.
        dataset.WindowCenter, dataset.WindowWidth = 1 << image.stored - 1, 1 << image.stored
        return
    printed = p_values(image)
    most = (1 << printed.bits) - 1
    values = [most - value if image.inverse else value for value in printed.values]  # what INVERSE turns round again
    item = Dataset()
    item.add_new(0x00283002, "US", [len(values) & 0xFFFF, 0, printed.bits])
    item.LUTExplanation = "Presentation LUT of the print job"
    item.add_new(0x00283006, "OW", struct.pack(f"<{len(values)}H", *values))
    dataset.VOILUTSequence = [item]


def _file_pdf(context: Context, door: Door, study: Identity, job: Job, layouts: list[dict[int, film.Placed]]) -> Outcome:
    title = job.label or "Print job"
    spool = Spool(context)
    writer = pdf.Writer(spool.write, title=title, created=job.created_at)
    for sheet, layout in zip(job.films, layouts, strict=True):
        _page(writer, sheet, layout)
    length = writer.close()
    dataset = _described(job, study, ENCAPSULATED_PDF, new_uid())
    dataset.Modality = "DOC"
    dataset.SeriesInstanceUID = _derived(job, f"films\\{study['StudyInstanceUID']}")
    dataset.SeriesNumber, dataset.InstanceNumber = _FILMS, max(image.number for image in _images(job))
    dataset.AcquisitionDateTime = ""
    _put(dataset, "DocumentTitle", title)
    dataset.ConceptNameCodeSequence = []
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocumentLength = length
    dataset.SourceInstanceSequence = [_reference(image) for image in _images(job)]
    return _file(door, dataset, 0x00420011, b"OB", length, spool.pieces())


def _images(job: Job) -> list[Image]:
    return [image for sheet in job.films for _, image in sorted(sheet.images.items())]


def _reference(image: Image) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = SECONDARY_CAPTURE, image.sop_instance_uid
    return item


def _file(door: Door, dataset: Dataset, tag: int, vr: bytes, length: int, pieces: Iterator[bytes]) -> Outcome:
    """Write an object with one long element in it, streamed. Elements behind `tag` come behind it (PS3.5 7.1)."""
    syntax = EXPLICIT_VR_LITTLE_ENDIAN
    before = datasets.encode(dataset[:tag], syntax)
    after = datasets.encode(dataset[tag:], syntax)
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length + length % 2)
    with door() as reception:
        reception.write(part10.file_meta(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), syntax), before, head)
        for piece in pieces:
            reception.write(piece)
        reception.write(bytes(length % 2), after)
        return reception.finish()


# How it looks


def _page(writer: pdf.Writer, sheet: Film, layout: Mapping[int, film.Placed]) -> None:
    width, height = film.sheet_size(sheet.size, sheet.orientation)
    ground = grey_of(sheet.border)
    boxes = film.cells(sheet.display_format, width, height, annotated=bool(sheet.annotations))
    empty = grey_of(sheet.empty or sheet.border)
    pictures = [
        pdf.Picture(box, 1, 1, 1, lambda: iter((bytes([round(empty * 255)]),)))
        for position, box in enumerate(boxes, 1)
        if position not in layout and empty != ground
    ]
    pictures += [_picture(sheet.images[position], placed) for position, placed in sorted(layout.items())]
    spots = film.annotations(sheet.annotation_format, width, height)
    ink = 1.0 if ground < 0.5 else 0.0
    texts = [
        pdf.Text(spots[position - 1].x, spots[position - 1].y, text, align=spots[position - 1].align, grey=ink)
        for position, text in sorted(sheet.annotations.items())
    ]
    writer.page(width, height, grey=ground, pictures=pictures, texts=texts)


def _picture(image: Image, placed: film.Placed) -> pdf.Picture:
    _, columns = _part(image.columns, placed.shown.x, placed.shown.width)
    _, rows = _part(image.rows, placed.shown.y, placed.shown.height)
    smooth = image.magnification not in ("REPLICATE", "NONE")
    return pdf.Picture(placed.rect, columns, rows, image.samples, lambda: _printed(image, placed.shown), smooth)


def _printed(image: Image, shown: film.Rect) -> Iterator[bytes]:
    """The shown part of an image as 8 bits a sample, with polarity and Presentation LUT done."""
    if image.samples == 3:
        yield from (block.tobytes() for block in _blocks(image, shown))
        return
    printed = p_values(image)
    table = np.array([round(value * 255 / ((1 << printed.bits) - 1)) for value in printed.values], np.uint8)
    for block in _blocks(image, shown):
        yield table[block & (len(table) - 1)].tobytes()


def _blocks(image: Image, shown: film.Rect) -> Iterator[NDArray[Any]]:
    """Rows of the shown part, about a megabyte at once: (rows, columns, samples), as stored, RGB with its polarity done."""
    first_row, rows = _part(image.rows, shown.y, shown.height)
    first_column, columns = _part(image.columns, shown.x, shown.width)
    kind = np.dtype("<u2" if image.allocated == 16 else "u1")
    line = image.columns * kind.itemsize
    planes = image.samples if image.planar else 1
    depth = image.samples // planes
    at_once = max(1, _AT_ONCE // (line * image.samples))
    for top in range(first_row, first_row + rows, at_once):
        count = min(at_once, first_row + rows - top)
        read = [
            np.frombuffer(image.pixels.read((plane * image.rows + top) * line * depth, count * line * depth), kind)
            for plane in range(planes)
        ]
        shape = (count, image.columns, depth)
        block = np.concatenate([each.reshape(shape) for each in read], axis=2)[:, first_column : first_column + columns]
        yield 255 - block if image.samples == 3 and image.inverse else block


def _part(whole: int, start: float, share: float) -> tuple[int, int]:
    """First and number of the pixels of a part of an edge."""
    first = min(round(whole * start), whole - 1)
    return first, max(1, min(round(whole * share), whole - first))


def _first(pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    """The first `length` bytes; padding and what a sender puts behind its pixels are left out."""
    for piece in pieces:
        yield piece[:length]
        length -= len(piece[:length])
        if not length:
            return
