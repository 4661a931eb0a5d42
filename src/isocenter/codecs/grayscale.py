"""Stored values of a monochrome frame into 8 bits: modality LUT, VOI LUT, presentation (PS3.4 N.2.1, PS3.3 C.11)."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.codecs.presentation import Grayscale, Lut, Presentation
from isocenter.dicom.elements import Malformed
from isocenter.dicom.rendered import Window

Pixels = NDArray[Any]

_AT_ONCE = 1 << 20  # pixels
_TABLE = 16  # bits of stored values up to which each possible value is worked out once, and pixels are looked up


def shades(values: Pixels, shown: Presentation, window: Window | None = None) -> NDArray[np.uint8]:
    """Stored values (any shape) as 8 bits, 0 black. window: asked for, instead of the object's own."""
    gray = shown.grayscale
    limits = None
    if window is None and gray.voi is None and gray.window is None:
        limits = extent(values, shown)
    if np.issubdtype(values.dtype, np.integer) and shown.layout.bits_stored <= _TABLE:
        low, high = _domain(shown)
        domain = np.arange(low, high + 1, dtype=np.int64)
        curve = _curve(domain, gray, window, limits)
        padded = _padded(domain, shown)
        return _mapped(values, curve if padded is None else np.where(padded, np.uint8(0), curve), low)
    shaded, padded = _curve(values, gray, window, limits), _padded(values, shown)
    return shaded if padded is None else np.where(padded, np.uint8(0), shaded)


def _mapped(values: Pixels, curve: NDArray[np.uint8], low: int) -> NDArray[np.uint8]:
    """curve[values - low], a part at a time: places are numbers of 64 bits, and a mammogram has 30 million pixels."""
    flat = np.ascontiguousarray(values).reshape(-1)
    shaded = np.empty(len(flat), np.uint8)
    for start in range(0, len(flat), _AT_ONCE):
        shaded[start : start + _AT_ONCE] = curve[flat[start : start + _AT_ONCE].astype(np.intp) - low]
    return shaded.reshape(values.shape)


def modality(values: Pixels, gray: Grayscale) -> NDArray[np.float64]:
    """Stored values as what they measure: Hounsfield units, for example."""
    if gray.modality is not None:
        return looked_up(values, gray.modality).astype(np.float64)
    return values.astype(np.float64) * gray.slope + gray.intercept


def extent(values: Pixels, shown: Presentation) -> tuple[float, float]:
    """(low, high) of modality values between which a frame without a window is shown.

    All that 8 bits can hold, since screen captures and ultrasound mean what they say; else what there is, without the padding.
    """
    layout, gray = shown.layout, shown.grayscale
    plain = gray.modality is None and gray.slope == 1 and gray.intercept == 0 and not shown.floating
    if plain and not layout.signed and layout.bits_stored == 8 and layout.bits_allocated == 8:
        return 0.0, 255.0
    padded = _padded(values, shown)
    kept = values[~padded] if padded is not None else values.reshape(-1)
    if np.issubdtype(kept.dtype, np.floating):
        kept = kept[np.isfinite(kept)]
    if not kept.size:
        return 0.0, 1.0
    ends = modality(np.array([kept.min(), kept.max()]), gray)
    if gray.modality is not None:
        ends = modality(np.unique(kept), gray)  # a table need not rise
    return float(ends.min()), float(ends.max())


def _padded(values: Pixels, shown: Presentation) -> NDArray[np.bool_] | None:
    if shown.padding is None or shown.floating:
        return None
    low, high = shown.padding
    return (values >= low) & (values <= high)


def _domain(shown: Presentation) -> tuple[int, int]:
    bits = shown.layout.bits_stored
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if shown.layout.signed else (0, (1 << bits) - 1)


def _curve(
    stored: Pixels, gray: Grayscale, window: Window | None, limits: tuple[float, float] | None
) -> NDArray[np.uint8]:
    values = modality(stored, gray)
    if window is not None:
        part = windowed(values, window)
    elif gray.voi is not None:
        part = looked_up(values, gray.voi) / ((1 << gray.voi.bits) - 1)
    elif gray.window is not None:
        part = windowed(values, gray.window)
    else:
        low, high = limits or (0.0, 1.0)
        part = np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros(values.shape)
    part = np.nan_to_num(part, nan=0.0)
    if gray.presentation is not None:  # PS3.3 C.11.6: its input is what comes out of the VOI LUT
        table = gray.presentation
        part = looked_up(np.rint(part * (table.count - 1)) + table.first, table) / ((1 << table.bits) - 1)
    if gray.inverse:
        part = 1 - part
    return np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8)


def windowed(values: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """From 0 to 1: PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT)."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        shaped: NDArray[np.float64] = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
        return shaped
    if window.function == "LINEAR":
        center, width = center - 0.5, width - 1
    if width <= 0:
        return (values > center).astype(np.float64)
    ramp: NDArray[np.float64] = np.clip((values - center) / width + 0.5, 0, 1)
    return ramp


def looked_up(values: Pixels, table: Lut) -> NDArray[np.float64]:
    """The entries for these inputs; those before the first and behind the last get these (PS3.3 C.11.1.1)."""
    content = entries(table)
    places = np.clip(np.rint(np.nan_to_num(values)).astype(np.int64) - table.first, 0, len(content) - 1)
    found: NDArray[np.float64] = content[places].astype(np.float64)
    return found


def entries(table: Lut) -> NDArray[np.uint16]:
    """The entries of a table, which may be fewer than it says. Raises Malformed when there are none."""
    if table.segmented:
        return _expanded(table)
    # PS3.3 C.7.6.3.1.6: 8 bit entries lie two in a word, but some writers give each a word of its own.
    wide = table.bits > 8 or len(table.data) >= 2 * table.count
    found = np.frombuffer(table.data[: len(table.data) // 2 * 2] if wide else table.data, "<u2" if wide else "u1")
    if not len(found):
        raise Malformed("a look-up table has no entries", "LUTData")
    return found[: table.count].astype(np.uint16)


def _expanded(table: Lut) -> NDArray[np.uint16]:
    """Segmented Palette Color LUT Data: discrete, linear and indirect segments (PS3.3 C.7.9.2.1)."""
    wide = table.bits > 8
    words = np.frombuffer(table.data[: len(table.data) // 2 * 2] if wide else table.data, "<u2" if wide else "u1").tolist()
    out: list[int] = []
    _segments(words, 0, sys.maxsize, out, table.count, wide, nested=False)
    if not out:
        raise Malformed("a segmented look-up table has no segments", "SegmentedRedPaletteColorLookupTableData")
    return np.array(out[: table.count], np.uint16)


def _segments(words: list[int], at: int, segments: int, out: list[int], most: int, wide: bool, *, nested: bool) -> None:
    while at + 1 < len(words) and segments > 0 and len(out) < most:
        kind, length = words[at], words[at + 1]
        at += 2
        if kind == 0:
            out += words[at : at + length]
            at += length
        elif kind == 1 and at < len(words):
            begin, end = out[-1] if out else words[at], words[at]
            length = min(length, most)
            out += [round(begin + (end - begin) * step / length) for step in range(1, length + 1)] if length else []
            at += 1
        elif kind == 2 and not nested:
            count = 2 if wide else 4  # words of the offset, the least significant first
            unit = 16 if wide else 8
            offset = sum(word << unit * place for place, word in enumerate(words[at : at + count]))
            _segments(words, offset // (2 if wide else 1), length, out, most, wide, nested=True)
            at += count
        else:
            raise Malformed("a segmented look-up table has an unknown segment", "SegmentedRedPaletteColorLookupTableData")
        segments -= 1
