"""What a client may ask of a rendered picture (PS3.18 8.3.5): values, and the texts of query parameters read into them.

Each reader raises ValueError with a sentence on what to write; the edges make their own errors of it.
"""

import re
from dataclasses import dataclass

MAX_SIDE = 8192  # pixels of a viewport: an 8K wall has fewer, and the picture is held in memory
MAX_DIGITS = 32

ANNOTATIONS = ("patient", "technique")
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
PROFILES = ("no", "yes", "srgb", "adobergb", "rommrgb", "displayp3")
DEFAULT_QUALITY = 90  # of 100: losses that nobody sees, at a fifth of the bytes

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Window:
    """function: a value of VOI LUT Function (0028,1056)."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the source in pixels from its top left corner; None: up to the edge."""

    x: float = 0.0
    y: float = 0.0
    width: float | None = None
    height: float | None = None
    mirrored: bool = False
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Fraction:
    """A part of the source as WADO-URI says it (PS3.18 9.5.1.2.5): 0 is its left or top edge, 1 its right or bottom edge."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Viewport:
    """The largest picture that fits into width by height is made; 0: that side follows from the other."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """Everything together; what is not asked for is as the object itself says."""

    window: Window | None = None
    viewport: Viewport | None = None
    region: Region | Fraction | None = None
    annotations: tuple[str, ...] = ()
    quality: int = DEFAULT_QUALITY
    profile: str = ""


def window(text: str) -> Window:
    """`center,width,function` (PS3.18 8.3.5.1.4); all three."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or parts[2] not in FUNCTIONS:
        raise ValueError("write center,width,function with linear, linear-exact or sigmoid, as in window=40,400,linear")
    return window_of(parts[0], parts[1], FUNCTIONS[parts[2]])


def window_of(center: str, width: str, function: str = "LINEAR") -> Window:
    """The same from its parts."""
    found = Window(decimal(center), decimal(width), function)
    # PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2
    if found.width < 1 if found.function == "LINEAR" else found.width <= 0:
        raise ValueError("the width of a window is at least 1, and more than 0 for linear-exact and sigmoid")
    return found


def viewport(text: str, *, only_size: bool = False) -> tuple[Viewport, Region | None]:
    """`vw,vh` or `vw,vh,sx,sy,sw,sh`, of which sx to sh may be empty (PS3.18 8.3.5.1.3). only_size: of a thumbnail."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 2 or len(parts) > (2 if only_size else 6):
        form = "vw,vh" if only_size else "vw,vh or vw,vh,sx,sy,sw,sh"
        raise ValueError(f"write {form}, as in viewport=512,512")
    size = Viewport(side(parts[0]), side(parts[1]))
    if not any(parts[2:]):
        return size, None
    x, y, width, height = (decimal(part) if part else None for part in (*parts[2:], *[""] * (6 - len(parts))))
    if width == 0 or height == 0:
        raise ValueError("the region of a viewport has a width and a height")
    region = Region(
        abs(x or 0.0), abs(y or 0.0), None if width is None else abs(width), None if height is None else abs(height),
        mirrored=width is not None and width < 0, flipped=height is not None and height < 0,
    )  # fmt: skip
    return size, region


def fraction(text: str) -> Fraction:
    """`xmin,ymin,xmax,ymax` from 0 to 1."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 4:
        left, top, right, bottom = map(decimal, parts)
        if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
            return Fraction(left, top, right, bottom)
    raise ValueError("write xmin,ymin,xmax,ymax from 0 to 1, as in region=0.25,0.25,0.75,0.75")


def side(text: str) -> int:
    """Pixels of a picture's width or height."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,4}", text) or int(text) > MAX_SIDE:
        raise ValueError(f"a width or height is a whole number of pixels, from 1 to {MAX_SIDE}")
    return int(text)


def frame(text: str) -> int:
    """The number of a frame, counted from 1."""
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", text[:32]):
        raise ValueError("frames are counted from 1")
    return int(text)


def quality(text: str) -> int:
    """1 to 100, the best (PS3.18 8.3.5.1.2)."""
    if not re.fullmatch(r"0*(?:100|[1-9][0-9]?)", text[:8]):
        raise ValueError("quality is a whole number from 1 to 100")
    return int(text)


def annotations(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the known keywords, those that are not) of a list (PS3.18 8.3.5.1.1)."""
    words = [word.strip() for word in text.split(",")]
    if not all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", word) for word in words):
        raise ValueError("write patient, technique or both, with a comma between them")
    return tuple(word for word in ANNOTATIONS if word in words), tuple(word for word in words if word not in ANNOTATIONS)


def profile(text: str) -> str:
    """One of PROFILES (PS3.18 8.3.5.1.5)."""
    if text not in PROFILES:
        raise ValueError(f"write one of {', '.join(PROFILES)}")
    return text


def decimal(text: str) -> float:
    """A decimal number."""
    text = text.strip()
    if len(text) > MAX_DIGITS or not _DECIMAL.fullmatch(text):
        raise ValueError("write decimal numbers, as in 40 or -12.5")
    return float(text)
