"""What an association of print management has made so far: Presentation LUTs, a film session, its film boxes (PS3.4 H.2.2)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pydicom.dataset import Dataset

from isocenter.dicom.attributes import tag_of
from isocenter.dimse import hardcopy, status
from isocenter.dimse.exchange import Exchange
from isocenter.domain.printing import Film, Image, Lut


@dataclass(slots=True)
class FilmBox:
    """A Film Box with what it is made of. image_boxes, annotation_boxes: SOP Instance UID -> position from 1."""

    dataset: Dataset
    image_boxes: dict[str, int]
    annotation_boxes: dict[str, int]
    images: dict[int, Image] = field(default_factory=dict)
    annotations: dict[int, str] = field(default_factory=dict)

    def sheet(self) -> Film:
        return hardcopy.film(self.dataset, self.images, self.annotations)


@dataclass(slots=True)
class FilmSession:
    """The one Film Session of an association."""

    uid: str
    dataset: Dataset
    created_at: datetime
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    films: dict[str, FilmBox] = field(default_factory=dict)
    filed: set[str] = field(default_factory=set)
    images: int = 0  # that were set so far

    @property
    def waiting(self) -> int:
        """Bytes of pixels that are kept."""
        return sum(image.pixels.size for box in self.films.values() for image in box.images.values())


@dataclass(slots=True)
class Printer:
    """What an association has made: its Presentation LUTs by UID, and a Film Session."""

    luts: dict[str, Lut | str] = field(default_factory=dict)
    session: FilmSession | None = None


class Refused(Exception):
    """The answer is this status."""

    def __init__(self, code: int, comment: str, *keywords: str) -> None:
        super().__init__(comment)
        self.code = code
        self.comment = comment
        self.tags = tuple(tag for keyword in keywords if (tag := tag_of(keyword)))


def session_of(printer: Printer, exchange: Exchange) -> FilmSession:
    session = printer.session
    if session is None or exchange.command.requested_sop_instance_uid != session.uid:
        raise Refused(status.NO_SUCH_INSTANCE, "there is no such film session on this association")
    return session


def film_of(printer: Printer, exchange: Exchange) -> FilmBox:
    films = printer.session.films if printer.session else {}
    box = films.get(exchange.command.requested_sop_instance_uid or "")
    if box is None:
        raise Refused(status.NO_SUCH_INSTANCE, "there is no such film box on this association")
    return box


def box_of(printer: Printer, exchange: Exchange, boxes: Callable[[FilmBox], dict[str, int]]) -> tuple[FilmSession, FilmBox, int]:
    """The film box that an image box or an annotation box belongs to, and its position on it."""
    uid, session = exchange.command.requested_sop_instance_uid or "", printer.session
    for each in session.films.values() if session else ():
        if session is not None and (position := boxes(each).get(uid)):
            return session, each, position
    raise Refused(status.NO_SUCH_INSTANCE, "there is no such box on this association")
