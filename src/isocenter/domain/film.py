"""A sheet of film and where the images of a print job lie on it (PS3.3 C.13.3, C.13.5), in millimetres from the top left corner.

    sheet_size(film size, orientation) -> (width, height)        cells(image display format, width, height) -> one Rect an image
    placed(cell, image ...) -> the Rect that the image fills, and what had to be done to it
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from isocenter.domain.errors import Invalid

DEFAULT_SIZE = "14INX17IN"
MOST_IMAGES = 256  # on one sheet; the densest that printers offer are 10 by 14
_INCH = 25.4
_MARGIN = 4.0
_GAP = 1.0
_STRIP = 7.0  # of annotations, above and below the images
PRINTER_PIXEL = _INCH / 300  # of an image that is not magnified

_PAPER = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
# PS3.3 Table C.13-3, Film Size ID: two lengths with a unit each; an underscore is a decimal point.
_SIZE = re.compile(r"(\d{1,3}(?:_\d{1,2})?)(IN|CM)X(\d{1,3}(?:_\d{1,2})?)(IN|CM)", re.ASCII)
_SLIDE_COLUMNS, _SLIDE_ROWS = 4, 5  # of 35 mm (SLIDE) and 40 mm (SUPERSLIDE) slides on a sheet


class Fit(StrEnum):
    """Requested Decimate/Crop Behavior (2020,0040): what is done to an image that is larger than its box."""

    DECIMATE = "DECIMATE"
    CROP = "CROP"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Rect:
    """x, y: of the top left corner; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Placed:
    """Where an image lies. shown: what part of it (x, y, width, height as fractions); too_large: it was asked for larger."""

    rect: Rect
    shown: Rect
    too_large: bool


WHOLE = Rect(0.0, 0.0, 1.0, 1.0)


def sheet_size(film_size: str, orientation: str) -> tuple[float, float]:
    """Width and height of a sheet. film_size: Film Size ID (2010,0050), "" for the usual one. Raises Invalid."""
    text = (film_size or DEFAULT_SIZE).strip().upper()
    if text in _PAPER:
        width, height = _PAPER[text]
    elif match := _SIZE.fullmatch(text):
        width, height = _length(match[1], match[2]), _length(match[3], match[4])
    else:
        raise Invalid("the film size is not known", where="FilmSizeID")
    if not (50 <= width <= 1500 and 50 <= height <= 1500):
        raise Invalid("there is no film of this size", where="FilmSizeID")
    return (height, width) if orientation == "LANDSCAPE" else (width, height)


def _length(number: str, unit: str) -> float:
    return float(number.replace("_", ".")) * (_INCH if unit == "IN" else 10)


def cells(display_format: str, width: float, height: float, *, annotated: bool = False) -> tuple[Rect, ...]:
    """The boxes of an Image Display Format (2010,0010), in the order of Image Box Position. Raises Invalid.

    annotated: leave a strip for annotations above and below.
    """
    kind, _, rest = display_format.strip().partition("\\")
    strip = _STRIP if annotated else 0.0
    area = Rect(_MARGIN, _MARGIN + strip, width - 2 * _MARGIN, height - 2 * (_MARGIN + strip))
    match kind:
        case "STANDARD":
            columns, rows = _counts(rest, 2)
            return _rows([columns] * rows, area)
        case "ROW":
            return _rows(_counts(rest), area)
        case "COL":
            turned = Rect(area.y, area.x, area.height, area.width)
            return tuple(Rect(cell.y, cell.x, cell.height, cell.width) for cell in _rows(_counts(rest), turned))
        case "SLIDE" | "SUPERSLIDE":
            return _rows([_SLIDE_COLUMNS] * _SLIDE_ROWS, area)
    raise Invalid("the image display format is not known", where="ImageDisplayFormat")


def _counts(text: str, exactly: int = 0) -> list[int]:
    words = text.split(",")
    good = all(re.fullmatch(r"\s*\d{1,3}\s*", word, re.ASCII) for word in words) and (not exactly or len(words) == exactly)
    counts = [int(word) for word in words] if good else [0]
    images = counts[0] * counts[1] if exactly and good else sum(counts)
    if min(counts) < 1 or images > MOST_IMAGES:
        raise Invalid(f"a display format has a few numbers after the backslash, for {MOST_IMAGES} images at most",
                      where="ImageDisplayFormat")
    return counts


def _rows(counts: list[int], area: Rect) -> tuple[Rect, ...]:
    height = (area.height - _GAP * (len(counts) - 1)) / len(counts)
    made = []
    for row, count in enumerate(counts):
        width = (area.width - _GAP * (count - 1)) / count
        made += [Rect(area.x + column * (width + _GAP), area.y + row * (height + _GAP), width, height) for column in range(count)]
    return tuple(made)


def placed(
    cell: Rect, rows: int, columns: int, *, aspect: float = 1.0, requested_width: float = 0.0, magnified: bool = True,
    fit: Fit = Fit.DECIMATE,
) -> Placed:
    """Where an image lies in its box, in the middle of it. Raises Invalid when it is larger and `fit` is FAIL.

    aspect: height of a pixel over its width; requested_width: Requested Image Size (2020,0030), 0 for what fills the box;
    magnified: False for Magnification Type NONE, one pixel of the image a pixel of the printer.
    """
    shape = rows * aspect / columns
    largest = min(cell.width, cell.height / shape)
    width = requested_width or (largest if magnified else columns * PRINTER_PIXEL)
    too_large = width > largest * 1.001
    if too_large and fit is Fit.FAIL:
        raise Invalid("the image is larger than its image box", where="RequestedImageSize")
    if not too_large or fit is not Fit.CROP:
        width = min(width, largest)
        return Placed(_middle(cell, width, width * shape), WHOLE, too_large)
    height = width * shape
    across, down = min(1.0, cell.width / width), min(1.0, cell.height / height)
    shown = Rect((1 - across) / 2, (1 - down) / 2, across, down)
    return Placed(_middle(cell, width * across, height * down), shown, too_large)


def _middle(cell: Rect, width: float, height: float) -> Rect:
    return Rect(cell.x + (cell.width - width) / 2, cell.y + (cell.height - height) / 2, width, height)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an annotation is written: its left end, middle or right end (align 0, 0.5, 1) at x; y is the baseline."""

    x: float
    y: float
    align: float


# Annotation Display Format ID (2010,0030) -> the annotations' places as (column, top or bottom). The standard leaves formats to
# the printer; whatever is not named here has the six places.
_SIX = ((0.0, 0), (0.5, 0), (1.0, 0), (0.0, 1), (0.5, 1), (1.0, 1))
_ANNOTATIONS = {"LABEL": ((0.5, 1),), "BOTTOM": ((0.5, 1),), "TOP": ((0.5, 0),), "TITLE": ((0.5, 0),)}


def annotations(annotation_format: str, width: float, height: float) -> tuple[Spot, ...]:
    """The places of an annotation format, in the order of Annotation Position; none for ""."""
    if not annotation_format:
        return ()
    places = _ANNOTATIONS.get(annotation_format.upper(), _SIX)
    top, bottom = _MARGIN + _STRIP - 2, height - _MARGIN - 2
    return tuple(Spot(_MARGIN + align * (width - 2 * _MARGIN), bottom if row else top, align) for align, row in places)
