"""What a softcopy presentation state says about how an image is shown (PS3.3 A.33, PS3.4 N); `display` draws it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from isocenter.codecs.layout import Layout
from isocenter.codecs.presentation import Grayscale, Lut, Presentation, lut_of, overlays, window_of
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Window
from isocenter.dicom.view import View

GRAYSCALE, COLOR = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2"
KNOWN = frozenset({GRAYSCALE, COLOR})

_REFERENCED_IMAGES, _UID, _FRAMES = 0x00081140, 0x00081155, 0x00081160
_MODALITY_LUT, _VOI, _PRESENTATION_LUT = 0x00283000, 0x00283110, 0x20500010
MOST_GRAPHICS = 2000
MOST_POINTS = 100_000  # numbers, of all figures together


@dataclass(frozen=True, slots=True)
class Graphic:
    """A figure or a text. points: x, y one after the other; in pixels of the image from its top left corner, or, with `display`,
    in parts of the displayed area. kind: a Graphic Type, or TEXT whose points are its box or its anchor."""

    kind: str
    points: tuple[float, ...]
    display: bool = False
    filled: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Shutter:
    """What is shown is inside of shape: RECTANGULAR (left, right, upper, lower), CIRCULAR (row, column, radius), POLYGONAL (row,
    column and so on); numbers count from 1."""

    shape: str
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Display:
    """area: left, top, right, bottom in pixels; None: all of the image. rotation: clockwise, before the flip (PS3.3 C.10.6).

    magnification: pixels of the screen for one of the image, 0: as it fits.
    """

    area: tuple[float, float, float, float] | None = None
    rotation: int = 0
    flipped: bool = False
    magnification: float = 0.0
    aspect: float = 0.0
    graphics: tuple[Graphic, ...] = ()
    shutters: tuple[Shutter, ...] = ()


def references(state: View) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """(Series Instance UID, SOP Instance UID, frames) of each image the state is for; no frames: all of them."""
    for series in state.items(0x00081115):
        for image in series.items(_REFERENCED_IMAGES):
            frames = tuple(int(number) for number in image.numbers(_FRAMES) if number >= 1)
            yield series.text(0x0020000E), image.text(_UID), frames


def applied(shown: Presentation, state: View, sop_uid: str) -> Presentation:
    """The presentation of an image's frame with a state on top. Raises Malformed when it is not for this frame."""
    if not any(_is_meant(series, sop_uid, shown.number) for series in state.items(0x00081115)):
        raise Malformed("the presentation state is not for this image", "ReferencedImageSequence")
    gray = shown.grayscale
    if state.text(0x00080016) == GRAYSCALE:
        gray = _grayscale(state, sop_uid, shown.number, shown.layout)
    active = {tag >> 16 & 0xFF for tag in state.tags if tag >> 24 == 0x60 and tag & 0xFFFF == 0x1001}
    planes = [plane for plane in shown.overlays if plane.group & 0xFF in active] + overlays(state)
    return replace(shown, grayscale=gray, overlays=tuple(planes), display=_display(state, sop_uid, shown.number))


def _is_meant(item: View, sop_uid: str, number: int) -> bool:
    """Whether an item's Referenced Image Sequence names a frame; without one it is about all images."""
    if _REFERENCED_IMAGES not in item:
        return True
    for image in item.items(_REFERENCED_IMAGES):
        frames = image.numbers(_FRAMES)
        if image.text(_UID) == sop_uid and (not frames or number in frames):
            return True
    return False


def _grayscale(state: View, sop_uid: str, number: int, layout: Layout) -> Grayscale:
    """PS3.4 N.2.1: what the state does not say is the identity, whatever the image says of itself."""
    slope, intercept = state.number(0x00281053, 1.0) or 1.0, state.number(0x00281052)
    modality = lut_of(state.item(_MODALITY_LUT), signed=layout.signed)
    voi = next((item for item in state.items(_VOI) if _is_meant(item, sop_uid, number)), None)
    table: Lut | None = None
    window: Window | None = None
    if voi is not None:
        table = lut_of(voi.item(0x00283010), signed=layout.signed)
        window = window_of(voi)
    if table is None and window is None:
        first = -(1 << (layout.bits_stored - 1)) if layout.signed else 0
        low, high = first * slope + intercept, (first + (1 << layout.bits_stored) - 1) * slope + intercept
        if modality is not None:
            low, high = 0.0, float((1 << modality.bits) - 1)
        window = Window((low + high) / 2, max(abs(high - low), 1e-6), "LINEAR_EXACT")
    presentation = lut_of(state.item(_PRESENTATION_LUT), signed=False)
    inverse = presentation is None and state.text(0x20500020) == "INVERSE"
    return Grayscale(slope, intercept, modality, table, window, inverse, presentation)


def _display(state: View, sop_uid: str, number: int) -> Display:
    selected = next((item for item in state.items(0x0070005A) if _is_meant(item, sop_uid, number)), None)
    area, magnification, aspect = None, 0.0, 0.0
    if selected is not None:
        first, last = selected.numbers(0x00700052), selected.numbers(0x00700053)
        if len(first) == 2 and len(last) == 2:
            # Corners after the rotation, pixels counted from 1 and both included (PS3.3 C.10.4)
            area = (min(first[0], last[0]) - 1, min(first[1], last[1]) - 1, max(first[0], last[0]), max(first[1], last[1]))
        if selected.text(0x00700100) == "MAGNIFY":
            magnification = selected.number(0x00700103)
        ratio = selected.numbers(0x00700101) or selected.numbers(0x00700102)
        aspect = ratio[0] / ratio[1] if len(ratio) == 2 and min(ratio) > 0 else 0.0
    graphics: list[Graphic] = []
    left = MOST_POINTS
    for layer in state.items(0x00700001):
        for graphic in _graphics(layer) if _is_meant(layer, sop_uid, number) else ():
            left -= len(graphic.points)
            if left < 0 or len(graphics) >= MOST_GRAPHICS:
                raise Malformed("the presentation state has too many figures to be drawn", "GraphicAnnotationSequence")
            graphics.append(graphic)
    return Display(
        area=area,
        rotation=state.integer(0x00700042) % 360 // 90 * 90,
        flipped=state.text(0x00700041) == "Y",
        magnification=magnification if 0 < magnification < 100 else 0.0,
        aspect=aspect if 0.05 < aspect < 20 else 0.0,
        graphics=tuple(graphics),
        shutters=tuple(_shutters(state)),
    )


def _graphics(layer: View) -> Iterator[Graphic]:
    for figure in layer.items(0x00700009):
        points = tuple(figure.numbers(0x00700022)[:MOST_POINTS])
        if len(points) >= 2 and len(points) % 2 == 0:
            display = figure.text(0x00700005) == "DISPLAY"
            yield Graphic(figure.text(0x00700023), points, display, figure.text(0x00700024) == "Y")
    for text in layer.items(0x00700008):
        box = (*text.numbers(0x00700010), *text.numbers(0x00700011))
        anchor = tuple(text.numbers(0x00700014))
        where, unit = (box, 0x00700003) if len(box) == 4 else (anchor, 0x00700004)
        if len(where) in (2, 4):
            yield Graphic("TEXT", where, text.text(unit) == "DISPLAY", text=text.text(0x00700006)[:1000])


def _shutters(state: View) -> Iterator[Shutter]:
    for shape in state.texts(0x00181600):
        if shape == "RECTANGULAR":
            numbers = [state.number(tag) for tag in (0x00181602, 0x00181604, 0x00181606, 0x00181608) if tag in state]
            if len(numbers) == 4:
                yield Shutter(shape, tuple(numbers))
        elif shape == "CIRCULAR":
            numbers = [*state.numbers(0x00181610), *state.numbers(0x00181612)]
            if len(numbers) == 3:
                yield Shutter(shape, tuple(numbers))
        elif shape == "POLYGONAL":
            numbers = state.numbers(0x00181620)[:MOST_POINTS]
            if len(numbers) >= 6 and len(numbers) % 2 == 0:
                yield Shutter(shape, tuple(numbers))
