"""Print management, SCP (PS3.4 Annex H): Basic Grayscale and Basic Color Print, Presentation LUT and Basic Annotation Box.

The printer is the archive: N-ACTION answers Success when images and films are durable in it. A film session with its boxes lives
on the association that made it (PS3.4 H.4.1.1) and is gone with it; what was printed stays.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from pydicom.dataset import Dataset

from isocenter import __version__
from isocenter.dicom import datasets
from isocenter.dicom.attributes import keyword_of
from isocenter.dicom.sop_classes import (
    BASIC_ANNOTATION_BOX,
    BASIC_COLOR_IMAGE_BOX,
    BASIC_COLOR_PRINT_META,
    BASIC_FILM_BOX,
    BASIC_FILM_SESSION,
    BASIC_GRAYSCALE_IMAGE_BOX,
    BASIC_GRAYSCALE_PRINT_META,
    PRESENTATION_LUT,
    PRINTER,
)
from isocenter.dicom.uid import is_usable, new_uid
from isocenter.dimse import hardcopy, status
from isocenter.dimse.exchange import Exchange, Handler, Session
from isocenter.dimse.film_session import FilmBox, FilmSession, Printer, Refused, box_of, film_of, session_of
from isocenter.dimse.messages import CommandField
from isocenter.domain import film
from isocenter.domain.errors import Away, Busy, Invalid, NoSpace, TooLarge
from isocenter.domain.printing import Film, Image, Job, Lut
from isocenter.service import ingest, printing

log = logging.getLogger(__name__)

SOP_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        BASIC_GRAYSCALE_PRINT_META: "Basic Grayscale Print Management Meta SOP Class",
        BASIC_COLOR_PRINT_META: "Basic Color Print Management Meta SOP Class",
        PRESENTATION_LUT: "Presentation LUT SOP Class",
        BASIC_ANNOTATION_BOX: "Basic Annotation Box SOP Class",
        PRINTER: "Printer SOP Class",
    }
)
META: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {  # PS3.4 H.3.2.2: what the meta SOP classes stand for
        BASIC_GRAYSCALE_PRINT_META: (BASIC_FILM_SESSION, BASIC_FILM_BOX, BASIC_GRAYSCALE_IMAGE_BOX, PRINTER),
        BASIC_COLOR_PRINT_META: (BASIC_FILM_SESSION, BASIC_FILM_BOX, BASIC_COLOR_IMAGE_BOX, PRINTER),
    }
)
PRINTER_INSTANCE = "1.2.840.10008.5.1.1.17"  # PS3.4 H.4.6.3
PRINT = 1  # PS3.4 H.4.1.2.4, Action Type ID

# An image for the largest film in colour, 14 by 17 inches at 320 dpi, has 73 MB; it is held three times while it is decoded (the
# largest in grey, of 42 MB, takes a process from 92 to 216 MB for a moment).
MAX_DATA_SET = 96 << 20
MOST_FILMS = 64  # in one session

MEMORY = "print"


def perform(exchange: Exchange) -> None:
    """The handler of every DIMSE-N request on a presentation context of print management."""
    command = exchange.command
    named = command.affected_sop_class_uid or command.requested_sop_class_uid or ""
    offered = exchange.context.abstract_syntax
    operation = _OPERATIONS.get((named, CommandField(command.command_field)))
    try:
        if named not in META.get(offered, (offered,)):
            raise Refused(status.NO_SUCH_SOP_CLASS, "this SOP class is not of this presentation context")
        if operation is None:
            raise Refused(status.UNRECOGNIZED_OPERATION, "this SOP class has no such operation")
        operation(_printer(exchange.session), exchange)
    except Refused as refused:
        exchange.answer(refused.code, error_comment=refused.comment, offending_element=refused.tags)


def _printer(session: Session) -> Printer:
    printer: Printer = session.memory.setdefault(MEMORY, Printer())
    return printer


# Film Session, PS3.4 H.4.1


def _create_session(printer: Printer, exchange: Exchange) -> None:
    dataset, uid = _dataset(exchange), _new_instance(exchange)
    if printer.session is not None:
        # PS3.4 H.4.1.2.1: one at a time
        code = status.DUPLICATE_SOP_INSTANCE if uid == printer.session.uid else status.RESOURCE_LIMITATION
        raise Refused(code, "the association has a film session already")
    now = exchange.session.context.clock().astimezone()
    printer.session = FilmSession(uid, dataset, now)
    _created(exchange, uid, _kept(dataset, _OF_SESSION))


def _set_session(printer: Printer, exchange: Exchange) -> None:
    session = session_of(printer, exchange)
    session.dataset.update(_dataset(exchange))
    exchange.answer(status.SUCCESS, _encoded(exchange, _kept(session.dataset, _OF_SESSION)))


def _delete_session(printer: Printer, exchange: Exchange) -> None:
    session_of(printer, exchange)
    printer.session = None
    exchange.answer(status.SUCCESS)


def _print_session(printer: Printer, exchange: Exchange) -> None:
    session = session_of(printer, exchange)
    _check_action(exchange)
    if not session.films:
        raise Refused(status.PRINT_NO_FILM_BOXES, "the film session has no film boxes")
    films = tuple(box.sheet() for box in session.films.values() if box.images)
    if not films:
        exchange.answer(status.PRINT_SESSION_EMPTY, action_type_id=PRINT)
        return
    _print(exchange, session, films, status.PRINT_SESSION_QUEUE_FULL)


# Film Box, PS3.4 H.4.2


def _create_film(printer: Printer, exchange: Exchange) -> None:
    dataset, uid, session = _dataset(exchange), _new_instance(exchange), printer.session
    named = [hardcopy.text(item, "ReferencedSOPInstanceUID") for item in hardcopy.items(dataset, "ReferencedFilmSessionSequence")]
    if session is None or (named and named[0] != session.uid):
        raise Refused(status.INVALID_ATTRIBUTE_VALUE, "there is no such film session", "ReferencedFilmSessionSequence")
    if uid in session.films:
        raise Refused(status.DUPLICATE_SOP_INSTANCE, "there is such a film box already")
    if len(session.films) >= MOST_FILMS:
        raise Refused(status.RESOURCE_LIMITATION, f"a film session has {MOST_FILMS} films at most")
    if not hardcopy.text(dataset, "ImageDisplayFormat"):
        raise Refused(status.MISSING_ATTRIBUTE, "a film box needs an Image Display Format", "ImageDisplayFormat")
    code, size = _sheet(dataset)
    count = len(film.cells(hardcopy.text(dataset, "ImageDisplayFormat"), *size))
    lines = len(film.annotations(hardcopy.text(dataset, "AnnotationDisplayFormatID"), *size)) if _annotates(exchange) else 0
    box = FilmBox(dataset, {new_uid(): place + 1 for place in range(count)}, {new_uid(): place + 1 for place in range(lines)})
    session.films[uid] = box
    answer = _kept(dataset, _OF_FILM)
    image_box = BASIC_COLOR_IMAGE_BOX if exchange.context.abstract_syntax == BASIC_COLOR_PRINT_META else BASIC_GRAYSCALE_IMAGE_BOX
    answer.ReferencedImageBoxSequence = [_reference(image_box, each) for each in box.image_boxes]
    if lines:
        answer.ReferencedBasicAnnotationBoxSequence = [_reference(BASIC_ANNOTATION_BOX, each) for each in box.annotation_boxes]
    _created(exchange, uid, answer, code)


def _sheet(dataset: Dataset) -> tuple[int, tuple[float, float]]:
    """The size of the sheet; with a warning for one that we do not have, which is then the usual one: the images matter more."""
    orientation = hardcopy.text(dataset, "FilmOrientation").upper()
    try:
        return status.SUCCESS, film.sheet_size(hardcopy.text(dataset, "FilmSizeID"), orientation)
    except Invalid:
        dataset.FilmSizeID = film.DEFAULT_SIZE
        return status.ATTRIBUTE_VALUE_OUT_OF_RANGE, film.sheet_size("", orientation)


def _annotates(exchange: Exchange) -> bool:
    contexts = exchange.session.association.contexts.values()
    return any(context.abstract_syntax == BASIC_ANNOTATION_BOX for context in contexts)


def _set_film(printer: Printer, exchange: Exchange) -> None:
    box = film_of(printer, exchange)
    changed = _dataset(exchange)
    for keyword in ("ImageDisplayFormat", "FilmOrientation", "FilmSizeID", "AnnotationDisplayFormatID"):
        if keyword in changed:  # PS3.4 Table H.4-6: not to be changed, since the boxes are made from them
            del changed[keyword]
    box.dataset.update(changed)
    exchange.answer(status.SUCCESS, _encoded(exchange, _kept(box.dataset, _OF_FILM)))


def _delete_film(printer: Printer, exchange: Exchange) -> None:
    film_of(printer, exchange)
    assert printer.session is not None
    del printer.session.films[exchange.command.requested_sop_instance_uid or ""]
    exchange.answer(status.SUCCESS)


def _print_film(printer: Printer, exchange: Exchange) -> None:
    box = film_of(printer, exchange)
    _check_action(exchange)
    assert printer.session is not None
    if not box.images:
        exchange.answer(status.PRINT_FILM_EMPTY, action_type_id=PRINT)
        return
    _print(exchange, printer.session, (box.sheet(),), status.PRINT_FILM_QUEUE_FULL)


def _print(exchange: Exchange, session: FilmSession, films: tuple[Film, ...], queue_full: int) -> None:
    """File it, then answer. What fails in a way that a later try may mend is a full print queue."""
    caller = exchange.session
    calling, called = caller.calling_ae_title, caller.called_ae_title
    door = partial(ingest.begin, caller.context, caller.principal, source="print", calling_aet=calling, called_aet=called)
    label = hardcopy.text(session.dataset, "FilmSessionLabel")
    job = Job(key=session.key, label=label, created_at=session.created_at, films=films, filed=session.filed,
              identity=hardcopy.identity(session.dataset))  # fmt: skip
    try:
        filed = printing.file(caller.context, caller.principal, job, door, calling_aet=calling)
    except (NoSpace, Busy, Away) as error:
        raise Refused(queue_full, error.message) from None
    facts = {"calling": caller.calling_ae_title, "films": len(films), "objects": len(filed.outcomes)}
    log.info("printed", extra={"facts": facts})
    code = status.PRINT_DEMAGNIFIED if filed.demagnified else status.PRINT_CROPPED if filed.cropped else status.SUCCESS
    exchange.answer(code, action_type_id=PRINT)


# Image Box, PS3.4 H.4.3; Basic Annotation Box, PS3.4 H.4.4


def _set_image(printer: Printer, exchange: Exchange) -> None:
    session, box, position = box_of(printer, exchange, lambda each: each.image_boxes)
    dataset = _dataset(exchange)
    exchange.data_set = b""  # its pixels are in `dataset`: two of them is enough
    item = hardcopy.pixel_item(dataset)
    if item is None:
        raise Refused(status.MISSING_ATTRIBUTE, "an image box is set with an image", "BasicGrayscaleImageSequence")
    box.images.pop(position, None)
    if not len(item):  # PS3.3 C.13.5: an empty item erases
        exchange.answer(status.SUCCESS)
        return
    image = _image(printer, exchange, session, dataset, item, box)
    try:
        placed = printing.layout(hardcopy.film(box.dataset, {position: image}, {}))[position]
    except Invalid as error:
        raise Refused(status.PRINT_IMAGE_TOO_LARGE, error.message, error.where) from None
    box.images[position] = image
    changed = status.PRINT_DEMAGNIFIED if placed.shown == film.WHOLE else status.PRINT_CROPPED
    exchange.answer(changed if placed.too_large else status.SUCCESS)


def _image(
    printer: Printer, exchange: Exchange, session: FilmSession, dataset: Dataset, item: Dataset, box: FilmBox
) -> Image:
    data = item.get("PixelData")
    if not isinstance(data, bytes):
        raise Refused(status.MISSING_ATTRIBUTE, "the image has no pixels", "PixelData")
    lut = hardcopy.applied(_presentation(printer, dataset, box.dataset, session.dataset), item, (dataset, box.dataset))
    try:
        pixels = printing.spooled(exchange.session.context, exchange.session.principal, data, session.waiting)
    except TooLarge as error:
        raise Refused(status.PRINT_NO_MEMORY, error.message) from None
    session.images += 1
    return hardcopy.image(dataset, item, session.images, lut, pixels, box.dataset)


def _presentation(printer: Printer, *parts: Dataset) -> Lut | str | None:
    """The Presentation LUT that the image box refers to, or else its film box, or its film session."""
    for part in parts:
        for item in hardcopy.items(part, "ReferencedPresentationLUTSequence"):
            uid = hardcopy.text(item, "ReferencedSOPInstanceUID")
            if uid not in printer.luts:
                where = "ReferencedPresentationLUTSequence"
                raise Refused(status.INVALID_ATTRIBUTE_VALUE, "there is no such Presentation LUT", where)
            return printer.luts[uid]
    return None


def _set_annotation(printer: Printer, exchange: Exchange) -> None:
    _, box, position = box_of(printer, exchange, lambda each: each.annotation_boxes)
    box.annotations.pop(position, None)
    if line := hardcopy.text(_dataset(exchange), "TextString")[:64]:
        box.annotations[position] = line
    exchange.answer(status.SUCCESS)


# Presentation LUT, PS3.4 H.4.9


def _create_lut(printer: Printer, exchange: Exchange) -> None:
    dataset, uid = _dataset(exchange), _new_instance(exchange)
    if uid in printer.luts:
        raise Refused(status.DUPLICATE_SOP_INSTANCE, "there is such a Presentation LUT already")
    if len(printer.luts) >= MOST_FILMS:
        raise Refused(status.RESOURCE_LIMITATION, f"an association has {MOST_FILMS} Presentation LUTs at most")
    printer.luts[uid] = hardcopy.presentation_lut(dataset)
    _created(exchange, uid, dataset)


def _delete_lut(printer: Printer, exchange: Exchange) -> None:
    if printer.luts.pop(exchange.command.requested_sop_instance_uid or "", None) is None:
        raise Refused(status.NO_SUCH_INSTANCE, "there is no such Presentation LUT")
    exchange.answer(status.SUCCESS)


# Printer, PS3.4 H.4.6


def _get_printer(printer: Printer, exchange: Exchange) -> None:
    command, context = exchange.command, exchange.session.context
    if command.requested_sop_instance_uid != PRINTER_INSTANCE:
        raise Refused(status.NO_SUCH_INSTANCE, "the printer has one well-known instance")
    ready = printing.ready(context, exchange.session.principal)
    facts = {
        "Manufacturer": "Isocenter", "ManufacturerModelName": "Isocenter", "SoftwareVersions": __version__,
        "DeviceSerialNumber": "", "DateOfLastCalibration": "", "TimeOfLastCalibration": "",
        "PrinterStatus": "NORMAL" if ready else "FAILURE",
        "PrinterStatusInfo": "NORMAL" if ready else "SUPPLY EMPTY",  # PS3.3 Table C.13-10: no room to keep a film
        "PrinterName": context.settings.aet,
    }  # fmt: skip
    asked = [keyword_of(tag) for tag in command.attribute_identifier_list or ()]
    answer = Dataset()
    for keyword in facts if not asked else [each for each in asked if each in facts]:
        setattr(answer, keyword, facts[keyword])
    known = not asked or len(answer) == len(set(asked))
    exchange.answer(status.SUCCESS if known else status.ATTRIBUTES_NOT_SUPPORTED, _encoded(exchange, answer))


# Shared

# What is told back of a film session and a film box: the attributes of PS3.4 Tables H.4-1 and H.4-4 that were given.
_OF_SESSION = (
    "NumberOfCopies", "PrintPriority", "MediumType", "FilmDestination", "FilmSessionLabel", "MemoryAllocation", "OwnerID",
)  # fmt: skip
_OF_FILM = (
    "ImageDisplayFormat", "AnnotationDisplayFormatID", "FilmOrientation", "FilmSizeID", "MagnificationType", "SmoothingType",
    "BorderDensity", "EmptyImageDensity", "MinDensity", "MaxDensity", "Trim", "ConfigurationInformation", "Illumination",
    "ReflectedAmbientLight", "RequestedResolutionID", "ReferencedFilmSessionSequence", "ReferencedPresentationLUTSequence",
)  # fmt: skip


def _dataset(exchange: Exchange) -> Dataset:
    """The data set of the request; an empty one when there is none, which N-CREATE of a film session may do without."""
    try:
        return datasets.decode(
            exchange.data_set, exchange.context.transfer_syntax, MAX_DATA_SET, assumed=exchange.session.character_set
        )
    except datasets.InvalidDataSet as error:
        raise Refused(status.INVALID_ARGUMENT, str(error)) from None


def _encoded(exchange: Exchange, dataset: Dataset) -> bytes:
    return datasets.encode(dataset, exchange.context.transfer_syntax)


def _new_instance(exchange: Exchange) -> str:
    """The UID that the SCU gives what it creates, or one of ours."""
    uid = exchange.command.affected_sop_instance_uid or new_uid()
    if not is_usable(uid):
        raise Refused(status.INVALID_ARGUMENT, "the SOP Instance UID is none")
    return uid


def _created(exchange: Exchange, uid: str, dataset: Dataset, code: int = status.SUCCESS) -> None:
    exchange.answer(code, _encoded(exchange, dataset), affected_sop_instance_uid=uid)


def _kept(dataset: Dataset, keywords: tuple[str, ...]) -> Dataset:
    answer = Dataset()
    for keyword in ("SpecificCharacterSet", *keywords):
        if keyword in dataset:
            answer.add(dataset[keyword])
    return answer


def _reference(sop_class: str, uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    return item


def _check_action(exchange: Exchange) -> None:
    if exchange.command.action_type_id != PRINT:
        raise Refused(status.NO_SUCH_ACTION, "the one action is to print")


_F = CommandField
_OPERATIONS: Mapping[tuple[str, CommandField], Callable[[Printer, Exchange], None]] = MappingProxyType(
    {
        (BASIC_FILM_SESSION, _F.N_CREATE_RQ): _create_session,
        (BASIC_FILM_SESSION, _F.N_SET_RQ): _set_session,
        (BASIC_FILM_SESSION, _F.N_ACTION_RQ): _print_session,
        (BASIC_FILM_SESSION, _F.N_DELETE_RQ): _delete_session,
        (BASIC_FILM_BOX, _F.N_CREATE_RQ): _create_film,
        (BASIC_FILM_BOX, _F.N_SET_RQ): _set_film,
        (BASIC_FILM_BOX, _F.N_ACTION_RQ): _print_film,
        (BASIC_FILM_BOX, _F.N_DELETE_RQ): _delete_film,
        (BASIC_GRAYSCALE_IMAGE_BOX, _F.N_SET_RQ): _set_image,
        (BASIC_COLOR_IMAGE_BOX, _F.N_SET_RQ): _set_image,
        (BASIC_ANNOTATION_BOX, _F.N_SET_RQ): _set_annotation,
        (PRESENTATION_LUT, _F.N_CREATE_RQ): _create_lut,
        (PRESENTATION_LUT, _F.N_DELETE_RQ): _delete_lut,
        (PRINTER, _F.N_GET_RQ): _get_printer,
    }
)


def performed() -> dict[str, tuple[CommandField, ...]]:
    """The DIMSE requests that are performed on each SOP class."""
    return {uid: tuple(field for each, field in _OPERATIONS if each == uid) for uid, _ in _OPERATIONS}


OPERATIONS: Mapping[str, Mapping[CommandField, Handler]] = MappingProxyType(
    {
        offered: {command: perform for uid, command in _OPERATIONS if uid in META.get(offered, (offered,))}
        for offered in SOP_CLASSES
    }
)
"""For the table of services: the requests on a presentation context of each SOP class; of a meta SOP class those of its parts."""
