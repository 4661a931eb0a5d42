"""The view on the screen as a softcopy presentation state (PS3.3 A.33.1, A.33.2): window, turn, area, and what is drawn.

Graphics are in pixels whose origin is the corner of the first one (PS3.3 C.10.5), displayed areas count pixels from 1 (C.10.4).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isocenter.domain.errors import Invalid
from isocenter.domain.exported import Image, Json, Made, attributes, by_series, header, reference, short
from isocenter.domain.measurement_report import Drawn, Graphic, annotated

GRAYSCALE, COLOR = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2"
LAYER = "ANNOTATIONS"

_SHAPES = frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"})


@dataclass(frozen=True, slots=True)
class Rescale:
    """The modality LUT of the images, which the state must repeat (PS3.3 C.11.1)."""

    slope: float
    intercept: float
    type: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The view. area: column and row of the pixel at the top left of the screen, then of that at the bottom right, from 1.

    rotation: clockwise, before the flip. window: centre, width, function. spacing: of rows and columns, mm.
    """

    image: Image
    area: tuple[int, int, int, int]
    rotation: int = 0
    flip: bool = False
    inverted: bool = False
    window: tuple[float, float, str] | None = None
    spacing: tuple[float, float] | None = None


def shown(view: Mapping[str, Any], image: Image) -> Shown:
    """The view that a web client tells. Raises Invalid."""
    try:
        left, top, right, bottom = (int(number) for number in view["area"])
        rotation = int(view.get("rotation", 0))
        given = view.get("window")
        window = (float(given["center"]), float(given["width"]), str(given["shape"])) if given else None
        limit = 1 << 20
        if rotation not in (0, 90, 180, 270) or not all(-limit < number < limit for number in (left, top, right, bottom)):
            raise ValueError("view")
        if window is not None and (window[2] not in _SHAPES or not 0 < window[1] < 1e12 or not abs(window[0]) < 1e12):
            raise ValueError("window")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("this is no view of an image", where="view") from None
    return Shown(image, (left, top, right, bottom), rotation, bool(view.get("flip")), bool(view.get("inverted")), window)


def presentation_state(
    made: Made, view: Shown, found: Sequence[Drawn], name: str, rescale: Rescale | None, profile: bytes
) -> Json:
    """The object. rescale: None for colour, whose profile is then given. found: what is drawn on images of the view's series."""
    images = [view.image, *(each.image for each in found)]
    color = rescale is None
    series = [
        attributes(SeriesInstanceUID=uid, ReferencedImageSequence=[reference(image) for image in each])
        for uid, each in by_series(images).items()
    ]
    date, time = made.now.strftime("%Y%m%d"), made.now.strftime("%H%M%S")
    return {
        **header(made, COLOR if color else GRAYSCALE, "PR", name or "Presentation", 9200),
        **attributes(
            Laterality=None, PresentationCreationDate=date, PresentationCreationTime=time, ContentLabel="ISOCENTER",
            ContentDescription=short(name) or None, ContentCreatorName=short(made.person) or None,
            ReferencedSeriesSequence=series,
            DisplayedAreaSelectionSequence=_area(view),
            ImageRotation=view.rotation, ImageHorizontalFlip="Y" if view.flip else "N",
        ),
        **(_color(profile) if rescale is None else _grayscale(view, rescale)),
        **_graphics(found),
    }  # fmt: skip


def _area(view: Shown) -> Json:
    left, top, right, bottom = view.area
    known = {"PresentationPixelSpacing": [*view.spacing]} if view.spacing else {"PresentationPixelAspectRatio": ["1", "1"]}
    return attributes(
        DisplayedAreaTopLeftHandCorner=[left, top], DisplayedAreaBottomRightHandCorner=[right, bottom],
        PresentationSizeMode="SCALE TO FIT", **known,
    )  # fmt: skip


def _grayscale(view: Shown, rescale: Rescale) -> Json:
    found = attributes(
        RescaleIntercept=rescale.intercept, RescaleSlope=rescale.slope, RescaleType=rescale.type or "US",
        PresentationLUTShape="INVERSE" if view.inverted else "IDENTITY",
    )  # fmt: skip
    if view.window is None:
        return found
    center, width, shape = view.window
    item = attributes(WindowCenter=center, WindowWidth=width, VOILUTFunction=shape)
    return {**found, **attributes(SoftcopyVOILUTSequence=item)}


def _color(profile: bytes) -> Json:
    return {"00282000": {"vr": "OB", "InlineBinary": b64encode(profile).decode()}}


def _graphics(found: Sequence[Drawn]) -> Json:
    if not found:
        return {}
    by_image: dict[Image, list[Drawn]] = {}
    for each in found:
        by_image.setdefault(each.image, []).append(each)
    layers = attributes(GraphicLayer=LAYER, GraphicLayerOrder=1)
    return attributes(GraphicAnnotationSequence=[_annotation(*each) for each in by_image.items()], GraphicLayerSequence=layers)


def _annotation(image: Image, found: Sequence[Drawn]) -> Json:
    texts = [item for each in found for item in _text(each)]
    figures = [_figure(figure) for each in found for figure in annotated(each)]
    return attributes(
        ReferencedImageSequence=[reference(image)], GraphicLayer=LAYER,
        GraphicObjectSequence=figures, **({"TextObjectSequence": texts} if texts else {}),
    )  # fmt: skip


def _figure(figure: Graphic) -> Json:
    kind, points = figure
    return attributes(
        GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=len(points),
        GraphicData=[number for point in points for number in point], GraphicType=kind,
        **({"GraphicFilled": "N"} if kind in ("CIRCLE", "ELLIPSE") or points[0] == points[-1] else {}),
    )  # fmt: skip


def _text(found: Drawn) -> list[Json]:
    words = "\r\n".join(text for text in (found.label, found.text, *found.lines) if text)
    if not words:
        return []
    anchor = max(point for _, points in annotated(found) for point in points)
    if found.words_at is not None:
        (x, y), (right, down) = found.points[0], found.words_at
        anchor = (x + right + 0.5, y + down + 0.5)  # the viewer counts from the middle of the first pixel
    return [
        attributes(
            AnchorPointAnnotationUnits="PIXEL",
            UnformattedTextValue=words[:1024],
            AnchorPoint=[*anchor],
            AnchorPointVisibility="N",
        )
    ]
