"""Colour of every Photometric Interpretation (PS3.3 C.7.6.3.1.2) into RGB of 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.codecs.grayscale import entries, shades, windowed
from isocenter.codecs.presentation import Lut, Presentation
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Window

Pixels = NDArray[Any]
Bytes = NDArray[np.uint8]

# ITU-R BT.601: rows give R, G and B from Y, Cb - 128 and Cr - 128; the partial range from Y - 16
_FULL = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])
_PARTIAL = np.array([[1.1644, 0, 1.5960], [1.1644, -0.3917, -0.8130], [1.1644, 2.0173, 0]])


def picture(values: Pixels, photometric: str, shown: Presentation, window: Window | None) -> Bytes:
    """Stored values as (rows, columns) grey or (rows, columns, 3) RGB. Raises Malformed."""
    if values.ndim == 2 and photometric == "PALETTE COLOR":
        return _painted(values, shown)
    if values.ndim == 2:
        grey = shades(values, shown, window)
        return _supplemented(values, grey, shown) if shown.supplemental else grey
    colours = _eight_bits(values, shown)
    if photometric == "ARGB" and colours.shape[2] == 4:  # retired: the first sample says which pixels a palette colours
        return colours[..., 1:]
    if photometric == "CMYK" and colours.shape[2] == 4:
        return np.asarray(255 - np.minimum(255, colours[..., :3].astype(np.uint16) + colours[..., 3:]), np.uint8)
    if colours.shape[2] != 3:
        raise Malformed("pixels of so many samples are not shown", "SamplesPerPixel")
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        colours = _converted(colours, _FULL, 0)
    elif photometric.startswith("YBR_PARTIAL"):
        colours = _converted(colours, _PARTIAL, 16)
    return _windowed(colours, window)


def _eight_bits(values: Pixels, shown: Presentation) -> Bytes:
    bits = shown.layout.bits_stored
    if values.dtype == np.uint8 and bits == 8:
        return values
    most = (1 << min(bits, 63)) - 1
    shifted = values.astype(np.float64) + (1 << (bits - 1) if shown.layout.signed else 0)
    return np.rint(np.clip(shifted / most, 0, 1) * 255).astype(np.uint8)


def _converted(colours: Bytes, matrix: NDArray[np.float64], black: int) -> Bytes:
    centred = colours.astype(np.float32) - np.array([black, 128, 128], np.float32)
    return np.clip(np.rint(centred @ matrix.T.astype(np.float32)), 0, 255).astype(np.uint8)


def _windowed(colours: Bytes, window: Window | None) -> Bytes:
    """A window that is asked for works on colour too, on each sample alike: brightness and contrast."""
    if window is None:
        return colours
    curve = np.rint(windowed(np.arange(256, dtype=np.float64), window) * 255).astype(np.uint8)
    return curve[colours]


def _painted(values: Pixels, shown: Presentation) -> Bytes:
    if shown.palette is None:
        raise Malformed("the palette is missing", "RedPaletteColorLookupTableDescriptor")
    return np.stack([_paint(values, table) for table in shown.palette], axis=-1)


def _paint(values: Pixels, table: Lut) -> Bytes:
    content = entries(table)
    places = np.clip(values.astype(np.int64) - table.first, 0, len(content) - 1)
    # 16 bits say how finely, not how brightly: but some writers put 8 bit values into them.
    fine = table.bits > 8 and int(content.max()) > 255
    return (content >> (table.bits - 8) if fine else content)[places].astype(np.uint8)


def _supplemented(values: Pixels, grey: Bytes, shown: Presentation) -> Bytes:
    """Values from the first that the palette maps on are colours, those below are grey (PS3.3 C.8.15.3.10, C.7.6.19)."""
    coloured = values.astype(np.int64) >= (shown.palette[0].first if shown.palette else 0)
    return np.where(coloured[..., None], _painted(values, shown), grey[..., None])
