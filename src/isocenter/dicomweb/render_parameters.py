"""The query parameters of rendered and thumbnail resources (PS3.18 8.3.5), and what a client accepts of what can be made."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from isocenter.dicom import rendered
from isocenter.dicom.rendered import Rendering, Viewport
from isocenter.dicomweb.accept import MediaRange, NotAcceptable
from isocenter.domain.errors import Invalid

T = TypeVar("T")

THUMBNAIL_SIDE = 256
THUMBNAIL_QUALITY = 80
JPEG, PNG, GIF, JP2 = "image/jpeg", "image/png", "image/gif", "image/jp2"
MP4, MPEG = "video/mp4", "video/mpeg"
PICTURES = (JPEG, PNG, GIF, JP2)
PROFILED = frozenset({JPEG, PNG})
"""What carries an ICC profile."""

_SYNONYMS = {"image/jpg": JPEG}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, and a warning about what of it is not known (PS3.18 8.3.5.1.1)."""

    rendering: Rendering
    warning: str = ""


def parameters(query: Collection[tuple[str, str]]) -> Asked:
    """Those of a rendered resource. Unknown ones are left alone. Raises Invalid."""
    given = _once(query, ("window", "viewport", "annotation", "quality", "iccprofile"))
    window = read("window", rendered.window, given["window"]) if "window" in given else None
    viewport, region = read("viewport", rendered.viewport, given["viewport"]) if "viewport" in given else (None, None)
    known, unknown = read("annotation", rendered.annotations, given["annotation"]) if "annotation" in given else ((), ())
    quality = read("quality", rendered.quality, given["quality"]) if "quality" in given else rendered.DEFAULT_QUALITY
    profile = read("iccprofile", rendered.profile, given["iccprofile"]) if "iccprofile" in given else ""
    warning = f"The following annotation values are not supported: {', '.join(unknown)}" if unknown else ""
    return Asked(Rendering(window, viewport, region, known, quality, profile), warning)


def thumbnail_parameters(query: Collection[tuple[str, str]]) -> Rendering:
    """Those of a thumbnail: its size at most (PS3.18 8.3.5.2). Raises Invalid."""
    given = _once(query, ("viewport",))
    size = Viewport(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    if "viewport" in given:
        size, _ = read("viewport", lambda text: rendered.viewport(text, only_size=True), given["viewport"])
    return Rendering(viewport=size, quality=THUMBNAIL_QUALITY, profile="no")


def _once(query: Collection[tuple[str, str]], names: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in query:
        if name in names:
            if name in given:
                raise Invalid("This parameter is given twice.", where=name)
            given[name] = value
    return given


def read(name: str, reader: Callable[[str], T], text: str) -> T:
    """What a reader of `dicom.rendered` makes of a text. Raises Invalid."""
    try:
        return reader(text)
    except ValueError as error:
        raise Invalid("This parameter cannot be read.", where=name, hint=f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def choose(ranges: Collection[MediaRange], offers: Sequence[str]) -> tuple[str, bool]:
    """(media type, whether as multipart) of the first range that covers an offer, the best offer first. Raises NotAcceptable."""
    for media_range in ranges:
        wanted = _SYNONYMS.get(media_range.part_type, media_range.part_type)
        for offer in offers:
            if wanted == offer or media_range.covers(offer):
                return offer, media_range.multipart
    raise NotAcceptable("There is nothing acceptable.", where="Accept", hint=f"This resource is shown as {', '.join(offers)}.")


def check_profile(asked: Rendering, media_type: str) -> None:
    """PS3.18 8.3.5.1.5: what has no place for an ICC profile is refused with one. Raises Invalid."""
    if asked.profile not in ("", "no") and media_type not in PROFILED:
        raise Invalid(f"{media_type} carries no ICC profile.", where="iccprofile", hint="Ask for image/jpeg or image/png.")
