"""Text on pictures: annotations that are asked for, and a card for what is no picture.

The font is the one that Pillow brings; a line in another alphabet takes the first font of this machine that has all its letters.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from isocenter.codecs.presentation import Presentation

_LEAST = 9  # pixels: what can still be read
_UNKNOWN = "\u0378"  # assigned to no letter
_SYSTEM_FONTS = tuple(
    Path("/usr/share/fonts") / name
    for name in (
        "truetype/dejavu/DejaVuSans.ttf", "truetype/liberation/LiberationSans-Regular.ttf", "truetype/noto/NotoSans-Regular.ttf",
        "opentype/noto/NotoSansCJK-Regular.ttc", "truetype/wqy/wqy-microhei.ttc", "truetype/arphic/uming.ttc",
        "truetype/noto/NotoSansArabic-Regular.ttf", "truetype/noto/NotoSansHebrew-Regular.ttf",
        "truetype/noto/NotoSansThai-Regular.ttf",
    )
)  # fmt: skip


def annotated(image: Image.Image, shown: Presentation, asked: tuple[str, ...]) -> Image.Image:
    """The picture with the patient in its upper left corner, the examination in the lower left one (PS3.18 8.3.5.1.1)."""
    size = max(_LEAST, min(image.size) // 36)
    draw = ImageDraw.Draw(image)
    step, edge = round(size * 1.25), size // 2
    for lines, wanted, top in ((shown.patient, "patient", edge),
                               (shown.technique, "technique", image.height - edge - step * len(shown.technique))):  # fmt: skip
        for number, line in enumerate(lines if wanted in asked else ()):
            _line(draw, line, edge, top + number * step, size, image.width - 2 * edge)
    return image


def card(text: str, width: int, height: int) -> Image.Image:
    """A dark card with a short text in its middle, for thumbnails of what has no pixels."""
    image = Image.new("L", (width, height), 32)
    text, font = fitting(text, max(_LEAST, min(width, height) // max(4, len(text))))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    draw.text(((width - right - left) / 2, (height - bottom - top) / 2), text, font=font, fill=200)
    return image


def written(draw: ImageDraw.ImageDraw, text: str, x: float, y: float, side: int) -> None:
    """A text of several lines at a place of a picture whose shorter side is that long."""
    size = max(_LEAST, side // 40)
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        _line(draw, line, x, y + number * size * 1.25, size, 1 << 20)


def _line(draw: ImageDraw.ImageDraw, line: str, x: float, y: float, size: int, width: float) -> None:
    """White with a black edge: readable on bone and on air."""
    text, font = fitting(line, size)
    while text and draw.textlength(text, font=font) > width:
        text = text[:-1]
    draw.text((x, y), text, font=font, fill="white", stroke_width=max(1, size // 12), stroke_fill="black")


def fitting(line: str, size: int) -> "tuple[str, ImageFont.FreeTypeFont]":
    """The line and a font for it; letters that none has lose their accents, or are question marks."""
    text = "".join(" " if letter.isspace() else letter for letter in line if letter.isprintable() or letter.isspace())
    for place in _places():
        if all(_has(letter, place) for letter in text):
            return text, _font(place, size)
    return "".join(map(_plain, text)), _font(None, size)


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    if _has(letter, None):
        return letter
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return plain if plain and all(_has(part, None) for part in plain) else "?"


@lru_cache(maxsize=16384)
def _has(letter: str, place: Path | None) -> bool:
    """Whether a font draws a letter otherwise than what it does not know."""
    if letter.isascii():
        return True
    font = _font(place, 16)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_UNKNOWN))


@lru_cache(maxsize=1)
def _places() -> tuple[Path | None, ...]:
    return (None, *(place for place in _SYSTEM_FONTS if place.is_file()))


@lru_cache(maxsize=64)
def _font(place: Path | None, size: int) -> "ImageFont.FreeTypeFont":
    font = ImageFont.load_default(size) if place is None else ImageFont.truetype(str(place), size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
