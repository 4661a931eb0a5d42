"""Text on pictures: annotations that are asked for, and a card for what is no picture. The font is the one that Pillow brings."""

import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from isocenter.codecs.presentation import Presentation

_LEAST = 9  # pixels: what can still be read
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def annotated(image: Image.Image, shown: Presentation, asked: tuple[str, ...]) -> Image.Image:
    """The picture with the patient in its upper left corner, the examination in the lower left one (PS3.18 8.3.5.1.1)."""
    size = max(_LEAST, min(image.size) // 36)
    draw, font = ImageDraw.Draw(image), _font(size)
    step, edge = round(size * 1.25), size // 2
    if "patient" in asked:
        _lines(draw, font, shown.patient, edge, edge, step, image.width)
    if "technique" in asked:
        _lines(draw, font, shown.technique, edge, image.height - edge - step * len(shown.technique), step, image.width)
    return image


def card(text: str, width: int, height: int) -> Image.Image:
    """A dark card with a short text in its middle, for thumbnails of what has no pixels."""
    image = Image.new("L", (width, height), 32)
    draw, font = ImageDraw.Draw(image), _font(max(_LEAST, min(width, height) // max(4, len(text))))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    draw.text(((width - right - left) / 2, (height - bottom - top) / 2), text, font=font, fill=200)
    return image


def written(draw: ImageDraw.ImageDraw, text: str, x: float, y: float, side: int) -> None:
    """A text of several lines at a place of a picture whose shorter side is that long."""
    size = max(_LEAST, side // 40)
    font = _font(size)
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        draw.text((x, y + number * size * 1.25), writable(line), font=font, fill="white", stroke_width=max(1, size // 16),
                  stroke_fill="black")  # fmt: skip


def _lines(
    draw: ImageDraw.ImageDraw, font: "ImageFont.FreeTypeFont", lines: tuple[str, ...], x: int, y: int, step: int, width: int
) -> None:
    """White with a black edge: readable on bone and on air."""
    for number, line in enumerate(lines):
        text = writable(line)
        while text and draw.textlength(text, font=font) > width - 2 * x:
            text = text[:-1]
        draw.text((x, y + number * step), text, font=font, fill="white", stroke_width=max(1, step // 16), stroke_fill="black")


def writable(text: str) -> str:
    """The text in letters that the font has: without accents it does not know, other letters as question marks."""
    return "".join(_letter(letter) for letter in text if letter.isprintable())


@lru_cache(maxsize=4096)
def _letter(letter: str) -> str:
    if letter.isspace() or _has(letter):
        return " " if letter.isspace() else letter
    plain = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return plain if plain and all(map(_has, plain)) else "?"


def _has(letter: str) -> bool:
    """Whether the font draws it otherwise than what it does not know."""
    font = _font(16)
    return letter.isascii() or bytes(font.getmask(letter)) != bytes(font.getmask(_UNKNOWN))


@lru_cache(maxsize=32)
def _font(size: int) -> "ImageFont.FreeTypeFont":
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
