"""What the data sets of a print job say, as values of `domain.printing` (PS3.3 C.13)."""

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from isocenter.dicom.uid import new_uid
from isocenter.domain import printing
from isocenter.domain.errors import Invalid
from isocenter.domain.film import Fit
from isocenter.domain.printing import Film, Image, Lut, Pixels
from isocenter.service.printing import IDENTITY

_LONGEST = 1024  # characters of what says whose it is

# Where parts of a job refer to what they show: (sequence, attribute of its items, what that is here).
_REFERENCES = (
    ("ReferencedStudySequence", "ReferencedSOPInstanceUID", "StudyInstanceUID"),
    ("ReferencedPatientSequence", "PatientID", "PatientID"),
    *(
        (sequence, keyword, keyword)
        for sequence in ("OriginalImageSequence", "ReferencedImageSequence", "SourceImageSequence")
        for keyword in ("StudyInstanceUID", "PatientID", "ReferencedSOPInstanceUID")
    ),
)

_VIEWING = (
    ("MinDensity", printing.MIN_DENSITY), ("MaxDensity", printing.MAX_DENSITY),
    ("Illumination", printing.ILLUMINATION), ("ReflectedAmbientLight", printing.AMBIENT_LIGHT),
)  # fmt: skip


def text(dataset: Dataset, keyword: str) -> str:
    """The text of an element, "" without one; several values joined by backslashes."""
    value = dataset.get(keyword)
    if value is None:
        return ""
    return ("\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)).strip(" \0")


def number(dataset: Dataset, keyword: str, default: int) -> int:
    """The first number of an element. Raises Invalid when it is none."""
    words = text(dataset, keyword).split("\\")
    if not words[0]:
        return default
    try:
        return int(float(words[0]))
    except (ValueError, OverflowError):
        raise Invalid("it is not a number", where=keyword) from None


def identity(*parts: Dataset) -> dict[str, str]:
    """Who and what parts of a job show: the first that says something counts. Keywords of `service.printing.IDENTITY`."""
    found: dict[str, str] = {}
    for keyword, value in ((keyword, value) for part in parts for keyword, value in _said(part)):
        if value and keyword not in found:
            found[keyword] = value[:_LONGEST]
    return found


def _said(part: Dataset) -> Iterator[tuple[str, str]]:
    for keyword in IDENTITY:
        yield keyword, text(part, keyword)
    for sequence, keyword, meaning in _REFERENCES:
        for item in items(part, sequence):
            yield meaning, text(item, keyword)


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none when it is not there, or is none."""
    value = dataset.get(keyword)
    return list(value) if isinstance(value, Sequence) else []


def pixel_item(dataset: Dataset) -> Dataset | None:
    """The item with the pixels of an Image Box N-SET; an empty one for an image that is to be erased, None when there is none."""
    for keyword in ("BasicGrayscaleImageSequence", "BasicColorImageSequence"):
        if keyword in dataset:
            return next(iter(items(dataset, keyword)), Dataset())
    return None


def image(dataset: Dataset, item: Dataset, place: int, lut: Lut | None, pixels: Pixels, film_box: Dataset) -> Image:
    """The image of an image box (PS3.3 C.13.5). Raises Invalid, naming the attribute.

    dataset: of the N-SET, item: with the pixel module; place: its number in the film session; lut: its Presentation LUT.
    """
    samples = number(item, "SamplesPerPixel", 1)
    photometric = text(item, "PhotometricInterpretation").upper()
    if photometric not in (("RGB",) if samples == 3 else ("MONOCHROME1", "MONOCHROME2")):
        raise Invalid("printers take MONOCHROME1, MONOCHROME2 and RGB", where="PhotometricInterpretation")
    if number(item, "PixelRepresentation", 0):
        raise Invalid("printers take unsigned values only", where="PixelRepresentation")
    allocated = number(item, "BitsAllocated", 8)
    stored = number(item, "BitsStored", allocated)
    if number(item, "HighBit", stored - 1) != stored - 1:
        raise Invalid("the highest bit is not the last of those stored", where="HighBit")
    aspect = [int(word) for word in text(item, "PixelAspectRatio").split("\\") if word.isascii() and word.isdigit()]
    return Image(
        sop_instance_uid=new_uid(), number=place, rows=number(item, "Rows", 0), columns=number(item, "Columns", 0),
        samples=samples, allocated=allocated, stored=stored, planar=samples == 3 and number(item, "PlanarConfiguration", 0) == 1,
        inverse=(photometric == "MONOCHROME1") != (text(dataset, "Polarity").upper() == "REVERSE"),
        pixels=pixels, aspect=(aspect[0], aspect[1]) if len(aspect) == 2 else (1, 1), lut=lut if samples == 1 else None,
        magnification=(text(dataset, "MagnificationType") or text(film_box, "MagnificationType")).upper(),
        requested_width=_width(dataset), fit=_fit(dataset), identity=identity(item, dataset),
    )  # fmt: skip


def _width(dataset: Dataset) -> float:
    words = text(dataset, "RequestedImageSize").split("\\")
    try:
        width = float(words[0]) if words[0] else 0.0
    except ValueError:
        width = -1.0
    if width and not 1 <= width < 10_000:
        raise Invalid("it is no width in millimetres", where="RequestedImageSize")
    return width


def _fit(dataset: Dataset) -> Fit:
    asked = text(dataset, "RequestedDecimateCropBehavior").upper()
    return Fit(asked) if asked in list(Fit) else Fit.DECIMATE


def film(film_box: Dataset, images: dict[int, Image], annotations: dict[int, str]) -> Film:
    """The sheet that a film box describes (PS3.3 C.13.3)."""
    return Film(
        size=text(film_box, "FilmSizeID"), orientation=text(film_box, "FilmOrientation").upper(),
        display_format=text(film_box, "ImageDisplayFormat"), border=text(film_box, "BorderDensity"),
        empty=text(film_box, "EmptyImageDensity"), annotation_format=text(film_box, "AnnotationDisplayFormatID"),
        images=dict(images), annotations=dict(annotations), identity=identity(film_box),
    )  # fmt: skip


def presentation_lut(dataset: Dataset) -> Lut | str:
    """A Presentation LUT (PS3.3 C.11.4), or the name of a shape: IDENTITY, LIN OD. Raises Invalid."""
    for item in items(dataset, "PresentationLUTSequence"):
        descriptor, data = _numbers(item, "LUTDescriptor"), _numbers(item, "LUTData")
        if len(descriptor) != 3 or not 8 <= descriptor[2] <= 16 or not data:
            raise Invalid("it has no three numbers, or its bits are not 8 to 16", where="LUTDescriptor")
        count = descriptor[0] or 1 << 16
        if len(data) < count or max(data[:count]) >> descriptor[2]:
            raise Invalid("it is shorter than its descriptor says, or has values of more bits", where="LUTData")
        return Lut(descriptor[1], descriptor[2], tuple(data[:count]))
    shape = text(dataset, "PresentationLUTShape").upper()
    if shape not in ("IDENTITY", "LIN OD"):
        raise Invalid("a Presentation LUT is a sequence with an item, IDENTITY or LIN OD", where="PresentationLUTShape")
    return shape


def applied(presentation: Lut | str | None, item: Dataset, parts: Iterable[Dataset]) -> Lut | None:
    """The Presentation LUT for the pixels of `item`; None for what are P-Values already. parts: of the job, the nearest first."""
    if not isinstance(presentation, str):
        return presentation
    if presentation == "IDENTITY":
        return None
    stored = number(item, "BitsStored", number(item, "BitsAllocated", 8))
    known = list(parts)
    limits = [next((value for part in known if (value := number(part, keyword, -1)) >= 0), usual) for keyword, usual in _VIEWING]
    return printing.linear_density(min(max(stored, 2), 16), *limits)


def _numbers(item: Dataset, keyword: str) -> list[int]:
    """Numbers of 16 bits, whether they came as such or as bytes (US or OW; in implicit VR nobody can tell)."""
    value: Any = item.get(keyword)
    if isinstance(value, bytes):
        return list(struct.unpack(f"<{len(value) // 2}H", value[: len(value) // 2 * 2]))
    if value is None or isinstance(value, int):
        return [] if value is None else [value]
    return [int(one) & 0xFFFF for one in value]
