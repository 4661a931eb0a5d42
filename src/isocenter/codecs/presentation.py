"""What an object says about how one of its frames is to be shown (PS3.4 N.2): read once, small, and handed to where pixels are.

Knows no numpy: the process that reads it need not be the one that draws.
"""

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from isocenter.codecs.layout import Layout, layout_of
from isocenter.dicom.part10 import Header
from isocenter.dicom.rendered import Window
from isocenter.dicom.source import Source
from isocenter.dicom.view import View, view

if TYPE_CHECKING:
    from isocenter.codecs.state import Display

HIGH_BIT, PADDING, PADDING_LIMIT = 0x00280102, 0x00280120, 0x00280121
MODALITY_LUT_SEQUENCE, VOI_LUT_SEQUENCE = 0x00283000, 0x00283010
_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_FUNCTIONS = {"LINEAR", "LINEAR_EXACT", "SIGMOID"}
_LONGEST = 200  # letters of a line of annotation
_MAX_PROFILE = 8 << 20  # bytes; ICC profiles of slide scanners have some 100 KB to 3 MB


@dataclass(frozen=True, slots=True)
class Lut:
    """A look-up table: data: its entries as they are written, little endian in words of 8 or 16 bits; segmented: PS3.3 C.7.9.2.

    count: entries; first: the input that is mapped to the first of them; bits: of an entry.
    """

    count: int
    first: int
    bits: int
    data: bytes
    segmented: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """A plane of bits over the picture (PS3.3 C.9.2). row, column: of its top left corner, counted from 1.

    data: all its frames one after the other, packed; b"" when it lies in `bit` of the pixels themselves (retired).
    """

    rows: int
    columns: int
    row: int
    column: int
    data: bytes
    group: int = 0x6000
    bit: int = 0
    first_frame: int = 1
    frames: int = 1


@dataclass(frozen=True, slots=True)
class Grayscale:
    """Stored values to P-Values: modality LUT or rescale; VOI LUT or window; inverse: low values are white."""

    slope: float = 1.0
    intercept: float = 0.0
    modality: Lut | None = None
    voi: Lut | None = None
    window: Window | None = None
    inverse: bool = False
    presentation: Lut | None = None


@dataclass(frozen=True, slots=True)
class Presentation:
    """One frame of an object, number counted from 1. floating: bits of float pixel data, else 0.

    padding: the stored values between these two are no image. aspect: height of a pixel by its width. icc: the ICC profile of the
    object, b"" without one. display: as a presentation state wants it.
    """

    layout: Layout
    transfer_syntax: str
    number: int
    high_bit: int
    grayscale: Grayscale
    native: bool
    floating: int = 0
    palette: tuple[Lut, Lut, Lut] | None = None
    supplemental: bool = False
    padding: tuple[int, int] | None = None
    aspect: float = 1.0
    overlays: tuple[Overlay, ...] = ()
    icc: bytes = b""
    patient: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    display: "Display | None" = None


def read(source: Source, header: Header, number: int) -> Presentation:
    """What is known of frame `number`, counted from 1. Raises Malformed."""
    layout = layout_of(source, header)
    found = view(source, header)
    groups = _groups(found, number)
    floating = {0x7FE00008: 32, 0x7FE00009: 64}.get(header.pixels.tag if header.pixels else 0, 0)
    if floating:
        layout = replace(layout, bits_allocated=floating, bits_stored=floating, signed=True)
    palette = _palette(found)
    return Presentation(
        layout=layout,
        transfer_syntax=header.transfer_syntax_uid,
        number=number,
        high_bit=found.integer(HIGH_BIT, layout.bits_stored - 1),
        grayscale=grayscale(found, groups, layout),
        native=header.pixels is not None and header.pixels.length is not None,
        floating=floating,
        palette=palette,
        supplemental=palette is not None and layout.photometric.startswith("MONOCHROME")
        and found.text(0x00089205) in ("COLOR", "MIXED", "COLOR_RANGE"),
        padding=_padding(found, layout.signed),
        aspect=_aspect(found, groups),
        overlays=tuple(overlays(found)),
        icc=_icc(found),
        patient=tuple(_patient(found)),
        technique=tuple(_technique(found, number, layout.frames)),
    )  # fmt: skip


def grayscale(found: View, groups: tuple[View, ...], layout: Layout) -> Grayscale:
    """The grayscale part: of the frame's own functional groups (PS3.3 C.7.6.16), else of the object."""
    transformation = _group(groups, 0x00289145) or found  # Pixel Value Transformation Sequence
    voi = _group(groups, 0x00289132) or found  # Frame VOI LUT Sequence
    table = lut_of(found.item(MODALITY_LUT_SEQUENCE), signed=layout.signed)
    return Grayscale(
        slope=transformation.number(0x00281053, 1.0) or 1.0,
        intercept=transformation.number(0x00281052),
        # PS3.4 N.2.1.2: in angiography this table leads away from what is shown
        modality=None if found.text(0x00281040) in ("LOG", "DISP") else table,
        voi=lut_of(voi.item(VOI_LUT_SEQUENCE), signed=layout.signed),
        window=window_of(voi),
        inverse=layout.photometric == "MONOCHROME1" or found.text(0x20500020) == "INVERSE",
    )


def window_of(found: View) -> Window | None:
    """The first window; none when its width is none (PS3.3 C.11.2.1.2.1)."""
    centers, widths = found.numbers(0x00281050), found.numbers(0x00281051)
    if not centers or not widths:
        return None
    function = found.text(0x00281056)
    function = function if function in _FUNCTIONS else "LINEAR"
    least = 1 if function == "LINEAR" else 0
    return Window(centers[0], widths[0], function) if widths[0] > 0 and widths[0] >= least else None


def lut_of(item: View | None, *, signed: bool) -> Lut | None:
    """A table of a LUT sequence's item: descriptor and data."""
    return None if item is None else _lut(item, 0x00283002, 0x00283006, signed=signed)


def _lut(found: View, descriptor: int, data: int, *, signed: bool, segments: int = 0) -> Lut | None:
    raw = found.data(descriptor)
    if len(raw) < 6:
        return None
    count, first, bits = struct.unpack_from("<3H" if found.little else ">3H", raw)
    signed = found.vr(descriptor) == "SS" or (signed and found.vr(descriptor) != "US")
    values, segmented = found.data(data), False
    if not values and segments:
        values, segmented = found.data(segments), True
    if not values or bits not in range(8, 17):
        return None
    if not found.little and found.vr(segments if segmented else data) in ("OW", "US", "SS"):
        values = b"".join(values[at : at + 2][::-1] for at in range(0, len(values) - 1, 2))
    return Lut(count or 1 << 16, first - (1 << 16) if signed and first >= 1 << 15 else first, bits, values, segmented)


def _palette(found: View) -> tuple[Lut, Lut, Lut] | None:
    tables = []
    for number in (1, 2, 3):
        table = _lut(found, 0x00281100 + number, 0x00281200 + number, signed=False, segments=0x00281220 + number)
        if table is None:
            return None
        tables.append(table)
    return tables[0], tables[1], tables[2]


def _groups(found: View, number: int) -> tuple[View, ...]:
    """The functional groups of a frame, its own before the shared ones."""
    both = found.item(_PER_FRAME, number - 1), found.item(_SHARED)
    return tuple(group for group in both if group is not None)


def _group(groups: tuple[View, ...], sequence: int) -> View | None:
    return next((item for group in groups if (item := group.item(sequence)) is not None), None)


def _padding(found: View, signed: bool) -> tuple[int, int] | None:
    if PADDING not in found:
        return None

    def value(tag: int, otherwise: int) -> int:
        raw = found.data(tag)
        return int.from_bytes(raw[:2], "little" if found.little else "big", signed=signed) if len(raw) >= 2 else otherwise

    first = value(PADDING, 0)
    last = value(PADDING_LIMIT, first)
    return (min(first, last), max(first, last)) if found.data(PADDING) else None


def _aspect(found: View, groups: tuple[View, ...]) -> float:
    """Pixel Aspect Ratio, else what the spacings say (PS3.3 10.7.1.3): rows first in each."""
    measures = _group(groups, 0x00289110)
    places = (found, 0x00280034), (measures, 0x00280030), (found, 0x00280030), (found, 0x00181164), (found, 0x00182010)
    for where, tag in places:
        numbers = where.numbers(tag) if where is not None else []
        if len(numbers) == 2 and min(numbers) > 0 and 0.05 < numbers[0] / numbers[1] < 20:
            return numbers[0] / numbers[1]
    return 1.0


def overlays(found: View) -> list[Overlay]:
    """The overlay planes of an object, by their groups."""
    planes = []
    for group in range(0x6000, 0x6020, 2):
        base = group << 16
        rows, columns = found.integer(base | 0x0010), found.integer(base | 0x0011)
        if not rows or not columns:
            continue
        origin = found.numbers(base | 0x0050)
        row, column = (int(origin[0]), int(origin[1])) if len(origin) == 2 else (1, 1)
        data, allocated = found.data(base | 0x3000), found.integer(base | 0x0100, 1)
        if not data and allocated <= 1:
            continue
        bit = 0 if data else found.integer(base | 0x0102)
        if not found.little and found.vr(base | 0x3000) == "OW":
            data = b"".join(data[at : at + 2][::-1] for at in range(0, len(data) - 1, 2))
        first, frames = found.integer(base | 0x0051, 1), found.integer(base | 0x0015, 1)
        planes.append(Overlay(rows, columns, row, column, data, group, bit, first, max(frames, 1)))
    return planes


def _icc(found: View) -> bytes:
    """ICC Profile (0028,2000), of slides that of the first optical path (PS3.3 C.8.12.5)."""
    for where in (found, found.item(0x00480105)):
        place = where.place(0x00282000) if where is not None else None
        if where is not None and place is not None and 128 < place[1] <= _MAX_PROFILE:
            data = where.data(0x00282000)
            return data[: int.from_bytes(data[:4], "big")] if data[36:40] == b"acsp" else b""
    return b""


def _name(text: str) -> str:
    """The first group of a person name that has letters, as people write it: family, given."""
    for group in text.split("="):
        parts = [part.strip() for part in group.split("^")]
        if any(parts):
            given = " ".join(part for part in parts[1:3] if part)
            return f"{parts[0]}, {given}" if given else parts[0]
    return ""


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdecimal() else text


def _patient(found: View) -> list[str]:
    identity = " ".join(part for part in (found.text(0x00100020), found.text(0x00100040)) if part)
    lines = [_name(found.text(0x00100010)), identity, _date(found.text(0x00100030)), found.text(0x00080080)]
    return [line[:_LONGEST] for line in lines if line]


def _technique(found: View, number: int, frames: int) -> list[str]:
    time = found.text(0x00080030)
    at = f"{time[:2]}:{time[2:4]}" if len(time) >= 4 and time[:4].isdecimal() else ""
    image = f"Image {found.text(0x00200013)}" if found.text(0x00200013) else ""
    lines = [
        " ".join(part for part in (_date(found.text(0x00080020)), at) if part),
        found.text(0x00081030) or found.text(0x0008103E),
        " ".join(part for part in (found.text(0x00080060), f"Series {found.text(0x00200011)}" if found.text(0x00200011) else "",
                                   image, f"Frame {number}/{frames}" if frames > 1 else "") if part),
        _exposure(found),
    ]  # fmt: skip
    return [line[:_LONGEST] for line in lines if line]


def _exposure(found: View) -> str:
    parts = []
    for tag, text in ((0x00180060, "{:g} kV"), (0x00181151, "{:g} mA"), (0x00180080, "TR {:g}"), (0x00180081, "TE {:g}"),
                      (0x00180050, "{:g} mm"), (0x00201041, "at {:g}")):  # fmt: skip
        numbers = found.numbers(tag)
        if numbers:
            parts.append(text.format(numbers[0]))
    return "  ".join(parts)

