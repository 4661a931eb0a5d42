"""A print job as a value: films, what lies in their image boxes, and how its values become brightness (PS3.3 C.13, C.11.4)."""

import math
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from isocenter.domain.errors import Invalid
from isocenter.domain.film import Fit

MOST_PIXELS = 1 << 28  # of an image; the largest printers have a tenth
MIN_DENSITY, MAX_DENSITY = 20, 320  # hundredths of optical density, where the job does not say: what film can do
ILLUMINATION, AMBIENT_LIGHT = 2000, 10  # cd/m2: PS3.3 C.13.3, the defaults for transmissive film

Identity = Mapping[str, str]
"""Who and what a part of a job shows: keyword -> text, without what is empty."""


class Pixels(Protocol):
    """Bytes that wait somewhere."""

    size: int

    def read(self, offset: int, length: int) -> bytes: ...

    def pieces(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Lut:
    """A Presentation LUT: values[i] of `bits` bits is the P-Value of first + i, and at the ends of what lies outside."""

    first: int
    bits: int
    values: tuple[int, ...]

    def of(self, value: int) -> int:
        """The P-Value of one value."""
        return self.values[min(max(value - self.first, 0), len(self.values) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What was set into an image box.

    pixels: as they came, little endian; `allocated` bits a sample, of which the lower `stored` are used; planar: RGB as three
    planes. inverse: the lowest value is printed white. aspect: size of a pixel, down and across. number: in the film session.
    """

    sop_instance_uid: str
    number: int
    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    planar: bool
    inverse: bool
    pixels: Pixels
    aspect: tuple[int, int] = (1, 1)
    lut: Lut | None = None
    magnification: str = ""
    requested_width: float = 0.0  # mm; 0: as large as the box allows
    fit: Fit = Fit.DECIMATE
    identity: Identity = field(default_factory=dict)

    def __post_init__(self) -> None:
        sound = (
            0 < self.rows < 1 << 16 and 0 < self.columns < 1 << 16 and self.rows * self.columns <= MOST_PIXELS
            and (self.samples, self.allocated) in ((1, 8), (1, 16), (3, 8))
            and 1 < self.stored <= self.allocated and min(self.aspect) > 0
        )  # fmt: skip
        if not sound:
            raise Invalid("the image has a size or a depth that printers do not take", where="Rows")
        if self.pixels.size < self.rows * self.columns * self.samples * (self.allocated // 8):
            raise Invalid("there are fewer pixels than rows and columns say", where="PixelData")


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One sheet. images: by Image Box Position, from 1; annotations: by Annotation Position, from 1; border, empty: densities."""

    size: str
    orientation: str
    display_format: str
    border: str
    empty: str
    annotation_format: str
    images: Mapping[int, Image]
    annotations: Mapping[int, str]
    identity: Identity = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is printed at once. key, created_at, filed: of its film session, so that what is printed twice is filed once.

    filed: SOP Instance UIDs of the images that are in the archive.
    """

    key: uuid.UUID
    label: str
    created_at: datetime
    films: tuple[Film, ...]
    filed: set[str]
    identity: Identity = field(default_factory=dict)


def p_values(image: Image) -> Lut:
    """What each stored value of a grey image is printed as: polarity first, then the Presentation LUT (PS3.4 H.2.1.2.3)."""
    most = (1 << image.stored) - 1
    ordered = range(most, -1, -1) if image.inverse else range(most + 1)
    if image.lut is None:
        return Lut(0, image.stored, tuple(ordered))
    return Lut(0, image.lut.bits, tuple(image.lut.of(value) for value in ordered))


def linear_density(stored: int, minimum: int, maximum: int, illumination: int, ambient: int) -> Lut:
    """The Presentation LUT of the shape LIN OD: values are optical densities, from `maximum` (black) to `minimum`.

    Brightness of the film on its light box, then the Grayscale Standard Display Function backwards (PS3.14 7.1).
    minimum, maximum: hundredths of optical density; illumination, ambient: cd/m2.
    """
    count, low, high = 1 << stored, min(minimum, maximum) / 100, max(minimum, maximum, minimum + 1) / 100

    def index(value: float) -> float:
        density = high - (high - low) * value / (count - 1)
        return jnd_index(max(ambient, 0) + max(illumination, 1) * 10**-density)

    first = index(0)
    span = index(count - 1) - first or 1.0  # nothing is seen on a film under the sun
    steps = (1 << 12) - 1
    return Lut(0, 12, tuple(round((index(value) - first) / span * steps) for value in range(count)))


# PS3.14 7.1: coefficients A to I of j(L), in powers of log10(L).
_INDEX = (71.498068, 94.593053, 41.912053, 9.8247004, 0.28175407, -1.1878455, -0.18014349, 0.14710899, -0.017046845)


def jnd_index(luminance: float) -> float:
    """The index of just noticeable differences of a luminance (cd/m2); the function holds from 0.05 to 4000."""
    logarithm = math.log10(min(max(luminance, 0.05), 4000.0))
    return sum(coefficient * logarithm**power for power, coefficient in enumerate(_INDEX))


def grey_of(density: str) -> float:
    """How bright a density is shown, 0 to 1: BLACK, WHITE, or hundredths of optical density (Border Density, (2010,0100))."""
    text = density.strip().upper()
    if text == "WHITE":
        return 1.0
    if not (text.isascii() and text.isdigit()):
        return 0.0  # BLACK, and what films are outside their images where a job does not say
    return math.pow(10, -max(int(text[:4]) - MIN_DENSITY, 0) / 220)
