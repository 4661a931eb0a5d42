"""What the pool of processes is asked to draw: thin, so that who asks need not load what draws."""

import os

from isocenter.codecs.presentation import Presentation
from isocenter.dicom.frames import Frame
from isocenter.dicom.rendered import Rendering
from isocenter.dicom.source import FileSource

Pixels = bytes | int
"""The bytes of a frame, or a descriptor of the file in which they are at some places: large ones need not travel."""


def picture(pixels: Pixels, places: Frame, shown: Presentation, asked: Rendering, media_type: str) -> bytes:
    """The file of one frame: `rendering.rendered`."""
    from isocenter.codecs import rendering

    return rendering.rendered(_read(pixels, places), shown, asked, media_type)


def _read(pixels: Pixels, places: Frame) -> bytes:
    if isinstance(pixels, bytes):
        return pixels
    source = FileSource(pixels, os.fstat(pixels).st_size)
    return b"".join(source.read_at(offset, length) for offset, length in places)


def card(text: str, width: int, height: int, quality: int, media_type: str) -> bytes:
    """The file of a card: `lettering.card`."""
    from isocenter.codecs import lettering, rendering

    return rendering.WRITERS[media_type](lettering.card(text, width, height), quality, b"")


def raw(
    pixels: Pixels, places: Frame, shown: Presentation, asked: Rendering, colour: bool, width: int, height: int
) -> bytes:
    """A frame of a film: `films.raw`."""
    from isocenter.codecs import films

    return films.raw(_read(pixels, places), shown, asked, colour, width, height)


def ends(pixels: Pixels, places: Frame, shown: Presentation) -> bytes:
    """Between which values a frame is shown: `films.ends`."""
    from isocenter.codecs import films

    return films.ends(_read(pixels, places), shown)


def film(
    source: int, target: int, media_type: str, mode: str, width: int, height: int, milliseconds: float, quality: int
) -> bytes:
    """The frames in a file as a film in another: `films.gif`, `films.mp4`."""
    from isocenter.codecs import films

    write = films.gif if media_type == "image/gif" else films.mp4
    return write(source, target, mode, width, height, milliseconds, quality)


def reel(source: int, target: int, milliseconds: float, quality: int) -> bytes:
    """Pictures in a file as a film in another: `films.reel`."""
    from isocenter.codecs import films

    return films.reel(source, target, milliseconds, quality)


def still(source: int, number: int, shown: Presentation, asked: Rendering, media_type: str) -> bytes:
    """A frame of a video stream: `films.still`."""
    from isocenter.codecs import films

    return films.still(source, number, shown, asked, media_type)


def packed(source: int, target: int, rate: float, quality: int) -> bytes:
    """A video stream as MP4: `films.packed`."""
    from isocenter.codecs import films

    return films.packed(source, target, rate, quality)
