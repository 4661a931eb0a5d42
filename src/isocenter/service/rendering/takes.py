"""Films as a viewer shows a series: its window, turn and part of the picture, with what was drawn burned in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isocenter.codecs.state import MOST_GRAPHICS, MOST_POINTS, Display, Graphic
from isocenter.dicom.rendered import MAX_SIDE, Rendering, Viewport, Window
from isocenter.domain.access import Principal
from isocenter.domain.errors import Invalid, Missing, TooLarge

from .films import MP4, Film
from .pictures import Category, Picture, Renderer, category, decodable, frame_count

KINDS = ("POLYLINE", "POINT", "TEXT")
TURNS = (0, 90, 180, 270)


@dataclass(frozen=True, slots=True)
class Take:
    """What is wanted. images: (SOP Instance UID, frames from 1) in the order of the film. area: left, top, right, bottom in
    pixels of the image as it is stored; None: all of it. rotation: clockwise, before the flip (PS3.3 C.10.6). drawn: by SOP
    Instance UID and frame. rate: frames a second. annotations: of `Rendering`."""

    series: str
    images: Sequence[tuple[str, Sequence[int]]]
    width: int
    height: int
    rate: float
    window: Window | None = None
    inverted: bool = False
    rotation: int = 0
    flipped: bool = False
    area: tuple[float, float, float, float] | None = None
    annotations: tuple[str, ...] = ()
    drawn: Mapping[tuple[str, int], Sequence[Graphic]] = field(default_factory=dict)


def graphic(item: Mapping[str, Any]) -> Graphic:
    """A figure of a request. Raises Invalid."""
    points = tuple(float(number) for number in item["points"])
    if item["kind"] not in KINDS or not points or len(points) % 2 or any(abs(number) > 10 * MAX_SIDE for number in points):
        raise Invalid("a figure is a POLYLINE, POINT or TEXT with pairs of numbers", where="drawn")
    return Graphic(item["kind"], points, text=str(item.get("text", ""))[:1000])


def film(renderer: Renderer, principal: Principal, study_uid: str, take: Take) -> Film:
    """The film, to be made. Raises Missing, Invalid, TooLarge."""
    if sum(map(len, take.drawn.values())) > MOST_GRAPHICS or sum(
        len(each.points) for drawn in take.drawn.values() for each in drawn
    ) > MOST_POINTS:
        raise TooLarge("more is drawn than a film takes", where="drawn", hint="Make it without what is drawn.")
    found = {each.sop_instance_uid: each for each in renderer.retrieval.instances(principal, study_uid, take.series)}
    asked = Rendering(window=take.window, viewport=Viewport(take.width, take.height), annotations=take.annotations)
    pictures: list[Picture] = []
    displays: list[Display] = []
    for uid, frames in take.images:
        instance = found.get(uid)
        if instance is None or category(instance) is not Category.IMAGE or not decodable(instance):
            raise Missing("there is no such image in the series", where="images")
        for number in frames:
            if not 1 <= number <= frame_count(instance):
                raise Missing(f"there is no frame {number}", where="images")
            pictures.append(Picture(instance, number, asked, MP4))
            figures = tuple(take.drawn.get((uid, number), ()))
            displays.append(Display(area=take.area, rotation=take.rotation, flipped=take.flipped, graphics=figures))
    if not pictures:
        raise Invalid("a film has images", where="images")
    return Film(tuple(pictures), asked, MP4, tuple(displays), take.inverted, 1000 / take.rate)
