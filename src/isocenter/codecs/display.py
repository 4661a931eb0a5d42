"""A picture as a presentation state shows it: shutters, displayed area, rotation, size, figures and texts (PS3.4 N.2.5)."""

import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw

from isocenter.codecs import lettering
from isocenter.codecs.state import Display, Graphic, Shutter
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import MAX_SIDE, Fraction, Viewport

Place = Callable[[float, float], tuple[float, float]]


def placed(
    image: Image.Image, display: Display, aspect: float, viewport: Viewport | None, region: Fraction | None
) -> Image.Image:
    """The picture on the screen. image: whole, as it is stored; aspect: height of its pixels by their width. Raises Malformed."""
    image = _shut(image, display.shutters)
    box = _area(image, display)
    turned, aspect = _turned(image.crop(box), display), display.aspect or aspect
    if display.rotation in (90, 270):
        aspect = 1 / aspect
    width, height = float(turned.width), turned.height * (aspect if viewport or display.magnification else 1.0)
    part = region or Fraction(0, 0, 1, 1)
    source = (part.left * turned.width, part.top * turned.height, part.right * turned.width, part.bottom * turned.height)
    scale = _scale(width * (part.right - part.left), height * (part.bottom - part.top), display, viewport)
    size = (max(1, round(width * (part.right - part.left) * scale)), max(1, round(height * (part.bottom - part.top) * scale)))
    if max(size) > MAX_SIDE:
        raise Malformed("the displayed area is too large", "DisplayedAreaSelectionSequence")
    if size != turned.size or region is not None:
        finer = size[0] < turned.width
        turned = turned.resize(size, Image.Resampling.LANCZOS if finer else Image.Resampling.BICUBIC, box=source)
    across, down = size[0] / (source[2] - source[0]), size[1] / (source[3] - source[1])
    to_turned = _turn(display, box[2] - box[0], box[3] - box[1])

    def on_image(x: float, y: float) -> tuple[float, float]:
        x, y = to_turned(x - box[0], y - box[1])
        return (x - source[0]) * across, (y - source[1]) * down

    def on_display(x: float, y: float) -> tuple[float, float]:
        return (x - part.left) / (part.right - part.left) * size[0], (y - part.top) / (part.bottom - part.top) * size[1]

    draw = ImageDraw.Draw(turned)
    for graphic in display.graphics:
        _draw(draw, graphic, on_display if graphic.display else on_image, min(size))
    return turned


def _area(image: Image.Image, display: Display) -> tuple[int, int, int, int]:
    if display.area is None:
        return 0, 0, image.width, image.height
    left, top, right, bottom = (round(min(max(number, -2.0 * MAX_SIDE), 3.0 * MAX_SIDE)) for number in display.area)
    if right <= left or bottom <= top or (right - left) * (bottom - top) > MAX_SIDE * MAX_SIDE:
        raise Malformed("the displayed area has no size that can be shown", "DisplayedAreaSelectionSequence")
    return left, top, right, bottom


def _scale(width: float, height: float, display: Display, viewport: Viewport | None) -> float:
    """PS3.18 9.5.2.3: scaled to the viewport, or magnified and cut; without either one pixel is one pixel."""
    if display.magnification and viewport is None:
        return display.magnification
    if viewport is None:
        return 1.0
    return min(viewport.width / width if viewport.width else math.inf, viewport.height / height if viewport.height else math.inf)


def _turned(image: Image.Image, display: Display) -> Image.Image:
    turn = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}  # Pillow turns left
    if display.rotation:
        image = image.transpose(turn[display.rotation])
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if display.flipped else image


def _turn(display: Display, width: float, height: float) -> Place:
    """Where a point of the area is after rotation and flip."""

    def place(x: float, y: float) -> tuple[float, float]:
        turns = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
        x, y = turns[display.rotation]
        return ((height if display.rotation in (90, 270) else width) - x if display.flipped else x), y

    return place


def _shut(image: Image.Image, shutters: Sequence[Shutter]) -> Image.Image:
    """Black outside of every shutter (PS3.3 C.7.6.11); their edges are not covered."""
    open_to: Image.Image | None = None
    for shutter in shutters:
        mask = Image.new("L", image.size)
        draw, numbers = ImageDraw.Draw(mask), shutter.numbers
        if shutter.shape == "RECTANGULAR":
            left, right, upper, lower = numbers
            if right >= left and lower >= upper:
                draw.rectangle((left - 1, upper - 1, right - 1, lower - 1), fill=255)
        elif shutter.shape == "CIRCULAR":
            row, column, radius = numbers
            draw.ellipse((column - 1 - radius, row - 1 - radius, column - 1 + radius, row - 1 + radius), fill=255)
        else:
            draw.polygon([(column - 1, row - 1) for row, column in zip(numbers[::2], numbers[1::2], strict=True)], fill=255)
        open_to = mask if open_to is None else ImageChops.multiply(open_to, mask)
    if open_to is None:
        return image
    return Image.composite(image, Image.new(image.mode, image.size), open_to)


def _draw(draw: ImageDraw.ImageDraw, graphic: Graphic, place: Place, side: int) -> None:
    points = [place(x, y) for x, y in zip(graphic.points[::2], graphic.points[1::2], strict=True)]
    thick = max(1, side // 400)
    if graphic.kind == "TEXT":
        lettering.written(draw, graphic.text, *points[0], side)
    elif graphic.kind == "POINT":
        (x, y), reach = points[0], 3 * thick
        draw.line((x - reach, y, x + reach, y), fill="white", width=thick)
        draw.line((x, y - reach, x, y + reach), fill="white", width=thick)
    elif graphic.kind in ("POLYLINE", "INTERPOLATED") and len(points) > 1:
        if graphic.filled and len(points) > 2:
            draw.polygon(points, fill="white")
        draw.line(points, fill="white", width=thick, joint="curve")
    elif graphic.kind == "CIRCLE" and len(points) == 2:
        _round(draw, points[0], points[1], math.dist(points[0], points[1]), graphic.filled, thick)
    elif graphic.kind == "ELLIPSE" and len(points) == 4:
        center = (points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2
        _round(draw, center, points[0], math.dist(points[2], points[3]) / 2, graphic.filled, thick)


def _round(
    draw: ImageDraw.ImageDraw, center: tuple[float, float], end: tuple[float, float], other: float, filled: bool, thick: int
) -> None:
    """An ellipse by its center, an end of one axis, and half of the other axis."""
    x, y = end[0] - center[0], end[1] - center[1]
    length = math.hypot(x, y) or 1.0
    outline = []
    for step in range(121):
        along, aside = math.cos(step * math.tau / 120), math.sin(step * math.tau / 120) * other / length
        outline.append((center[0] + x * along - y * aside, center[1] + y * along + x * aside))
    if filled:
        draw.polygon(outline, fill="white")
    draw.line(outline, fill="white", width=thick)
