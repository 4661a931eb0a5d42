"""One frame into a picture that any program shows (PS3.18 8.3.5): values, region, size, annotation, colour space, file.

Top-level functions that take and give plain values and bytes, so that they can run in another process.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isocenter.codecs import colour, display, lettering, profiles, samples
from isocenter.codecs.presentation import Overlay, Presentation
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Fraction, Region, Rendering, Viewport

_LARGEST_PLANE = 64 << 20  # pixels of an overlay: more than any detector has

JPEG, PNG, GIF, JP2 = "image/jpeg", "image/png", "image/gif", "image/jp2"

Image.MAX_IMAGE_PIXELS = None  # sizes are bounded by `samples.MAX_FRAME` before anything is allocated


def rendered(data: bytes, shown: Presentation, asked: Rendering, media_type: str) -> bytes:
    """The file of one frame. data: as `samples.samples` takes it. Raises Malformed, ValueError when the region is outside."""
    return written(drawn(data, shown, asked), shown, asked, media_type)


def drawn(data: bytes, shown: Presentation, asked: Rendering) -> Image.Image:
    """The picture, grey (mode L) or RGB, at the size that was asked for."""
    values, photometric = samples.samples(data, shown)
    pixels = colour.picture(values, photometric, shown, asked.window)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if asked.annotations or shown.display is not None:
        _lay(image, data, shown)
    return finished(image, shown, asked)


def finished(image: Image.Image, shown: Presentation, asked: Rendering) -> Image.Image:
    """Region, size and annotation of a picture, in this order (PS3.18 8.3.5.1)."""
    if shown.display is not None:
        region = asked.region if isinstance(asked.region, Fraction) else None
        image = display.placed(image, shown.display, shown.aspect, asked.viewport, region)
    else:
        image = _framed(image, asked.region, asked.viewport, shown.aspect)
    if asked.annotations:
        image = lettering.annotated(image, shown, asked.annotations)
    return image


def written(image: Image.Image, shown: Presentation, asked: Rendering, media_type: str) -> bytes:
    """A picture as a file of one of WRITERS."""
    image, profile = profiles.applied(image, shown.icc, asked.profile)
    return WRITERS[media_type](image, asked.quality, profile)


def _framed(image: Image.Image, region: Region | Fraction | None, viewport: Viewport | None, aspect: float) -> Image.Image:
    """PS3.18 8.3.5.1.3: cropped, turned, and as large as fits; undistorted. Without a viewport pixels stay what they are."""
    box = _box(image.size, region)
    width, height = box[2] - box[0], box[3] - box[1]
    if viewport is not None:
        tall = height * aspect
        scale = min(viewport.width / width if viewport.width else np.inf, viewport.height / tall if viewport.height else np.inf)
        size = max(1, round(width * scale)), max(1, round(tall * scale))
    else:
        size = max(1, round(width)), max(1, round(height))
    if size != image.size or box != (0, 0, *image.size):
        finer = size[0] < width or size[1] < height
        image = image.resize(size, Image.Resampling.LANCZOS if finer else Image.Resampling.BICUBIC, box=box)
    if isinstance(region, Region) and region.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if isinstance(region, Region) and region.flipped:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image


def _box(size: tuple[int, int], region: Region | Fraction | None) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) in pixels. Raises ValueError when nothing of the region lies within."""
    width, height = size
    if region is None:
        return 0, 0, width, height
    if isinstance(region, Fraction):
        left, top, right, bottom = region.left * width, region.top * height, region.right * width, region.bottom * height
    else:
        left, top = region.x, region.y
        right = width if region.width is None else min(width, left + region.width)
        bottom = height if region.height is None else min(height, top + region.height)
    if right - left <= 0 or bottom - top <= 0:
        raise ValueError(f"the region lies outside of the image, which has {width} by {height} pixels")
    return left, top, right, bottom


def _lay(image: Image.Image, data: bytes, shown: Presentation) -> None:
    """The overlay planes in white, where they lie (PS3.3 C.9.2)."""
    for overlay in shown.overlays:
        plane = _plane(overlay, shown) if overlay.data else _embedded(overlay, data, shown)
        if plane is not None:
            mask = Image.fromarray(plane * np.uint8(255))
            image.paste(255 if image.mode == "L" else (255, 255, 255), (overlay.column - 1, overlay.row - 1), mask)


def _plane(overlay: Overlay, shown: Presentation) -> NDArray[np.uint8] | None:
    frame = shown.number - overlay.first_frame if overlay.frames > 1 else 0
    count = overlay.rows * overlay.columns
    if not 0 <= frame < overlay.frames or count * (frame + 1) > 8 * len(overlay.data) or count > _LARGEST_PLANE:
        return None
    first = count * frame
    packed = np.frombuffer(overlay.data, np.uint8)[first // 8 : -(-(first + count) // 8)]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][:count]
    return bits.reshape(overlay.rows, overlay.columns)


def _embedded(overlay: Overlay, data: bytes, shown: Presentation) -> NDArray[np.uint8] | None:
    """A plane in a bit that the pixels do not use: retired, but still in archives (PS3.5 2004, 8.1.2)."""
    layout = shown.layout
    size = overlay.rows * overlay.columns
    if not shown.native or layout.bits_allocated != 16 or (overlay.rows, overlay.columns) != (layout.rows, layout.columns):
        return None
    if layout.samples != 1 or overlay.bit > 15 or len(data) < 2 * size:
        return None
    bits = np.frombuffer(data[: 2 * size], "<u2") >> overlay.bit & 1
    return bits.astype(np.uint8).reshape(overlay.rows, overlay.columns)


def _jpeg(image: Image.Image, quality: int, profile: bytes) -> bytes:
    out = io.BytesIO()
    # Beyond 90 colours are not subsampled: red on grey, as in annotations and Doppler, would bleed.
    image.save(out, "JPEG", quality=quality, icc_profile=profile or None, subsampling=0 if quality >= 90 else 2, optimize=False)
    return out.getvalue()


def _png(image: Image.Image, quality: int, profile: bytes) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", icc_profile=profile or None, compress_level=3)
    return out.getvalue()


def _gif(image: Image.Image, quality: int, profile: bytes) -> bytes:
    out = io.BytesIO()
    image.save(out, "GIF")
    return out.getvalue()


def _jp2(image: Image.Image, quality: int, profile: bytes) -> bytes:
    import imagecodecs

    # 100: without loss; else decibels, which is how OpenJPEG counts
    level = 0 if quality == 100 else 25 + quality // 4
    return bytes(imagecodecs.jpeg2k_encode(np.asarray(image), level=level, codecformat="jp2"))


WRITERS: dict[str, Callable[[Image.Image, int, bytes], bytes]] = {JPEG: _jpeg, PNG: _png, GIF: _gif, JP2: _jp2}
PROFILED = frozenset({JPEG, PNG})
"""What carries an ICC profile."""

__all__ = ["GIF", "JP2", "JPEG", "PNG", "PROFILED", "WRITERS", "Malformed", "drawn", "finished", "rendered", "written"]
