"""Which compressed forms are read and written, without a codec being loaded: one table for each way.

What lossy forms there are to write is apart: nobody gets one who has not asked for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from isocenter.codecs.layout import Layout
from isocenter.dicom import syntaxes

DEPTHS = frozenset({1, 8, 16, 32})  # Bits Allocated of what is decoded
NATIVE = (
    syntaxes.EXPLICIT_VR_LITTLE_ENDIAN,
    syntaxes.IMPLICIT_VR_LITTLE_ENDIAN,
    syntaxes.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
)
"""The uncompressed transfer syntaxes that are written; the best first."""

_UID = "1.2.840.10008.1.2."
_RLE_SEGMENTS = 15  # PS3.5 G.5


class Format(Enum):
    """A way to code a frame; several transfer syntaxes may share it."""

    PLAIN = auto()
    RLE = auto()
    DEFLATED = auto()
    JPEG = auto()
    JPEG_LOSSLESS = auto()
    JPEG_LS = auto()
    JPEG_2000 = auto()
    HTJ2K = auto()
    HTJ2K_RPCL = auto()
    JPEG_XL = auto()


@dataclass(frozen=True, slots=True)
class Written:
    """One form that is written. photometric: what RGB is called in it. least_bits, most_bits: Bits Allocated."""

    format: Format
    photometric: str = "RGB"
    least_bits: int = 8
    most_bits: int = 16


READ: Mapping[str, Format] = {
    _UID + "1.98": Format.PLAIN,
    syntaxes.RLE_LOSSLESS: Format.RLE,
    _UID + "8.1": Format.DEFLATED,
    **dict.fromkeys((_UID + "4.50", _UID + "4.51"), Format.JPEG),
    **dict.fromkeys((_UID + "4.57", _UID + "4.70"), Format.JPEG_LOSSLESS),
    **dict.fromkeys((_UID + "4.80", _UID + "4.81"), Format.JPEG_LS),
    **dict.fromkeys((_UID + "4.90", _UID + "4.91"), Format.JPEG_2000),
    **dict.fromkeys((_UID + "4.201", _UID + "4.202", _UID + "4.203"), Format.HTJ2K),
    **dict.fromkeys((_UID + "4.110", _UID + "4.111", _UID + "4.112"), Format.JPEG_XL),
}
"""Encapsulated transfer syntaxes whose frames are decoded."""

LOSSLESS: Mapping[str, Written] = {
    syntaxes.RLE_LOSSLESS: Written(Format.RLE, most_bits=32),
    **dict.fromkeys((_UID + "4.57", _UID + "4.70"), Written(Format.JPEG_LOSSLESS)),
    **dict.fromkeys((_UID + "4.80", _UID + "4.81"), Written(Format.JPEG_LS)),
    **dict.fromkeys((_UID + "4.90", _UID + "4.91"), Written(Format.JPEG_2000, "YBR_RCT")),
    **dict.fromkeys((_UID + "4.201", _UID + "4.203"), Written(Format.HTJ2K, "YBR_RCT")),
    syntaxes.HTJ2K_LOSSLESS_RPCL: Written(Format.HTJ2K_RPCL, "YBR_RCT"),
}
"""What is written without loss; the codestreams of the lossy syntaxes .81, .91 and .203 may be lossless ones."""

LOSSY: Mapping[str, Written] = {
    _UID + "4.50": Written(Format.JPEG, "YBR_FULL_422", most_bits=8),
    _UID + "4.51": Written(Format.JPEG, "YBR_FULL_422"),
}
"""JPEG Baseline, of 8 bits, and Extended, of up to 12."""

TARGETS = frozenset({*NATIVE, *LOSSLESS})
_EXTENDED_BITS = 12  # T.81 B.2.2: the precision of Process 4


def can_encode(transfer_syntax: str, layout: Layout) -> bool:
    """Whether frames of such pixels have a lossless form in it."""
    written = LOSSLESS.get(transfer_syntax)
    return written is not None and _fits(written, layout)


def can_reduce(transfer_syntax: str, layout: Layout) -> bool:
    """Whether frames of such pixels have a lossy form in it."""
    written = LOSSY.get(transfer_syntax)
    if written is None or not _fits(written, layout) or layout.signed or layout.photometric == "PALETTE COLOR":
        return False
    return layout.bits_stored <= _EXTENDED_BITS


def _fits(written: Written, layout: Layout) -> bool:
    if not layout.rows or not layout.columns or layout.bits_allocated not in (8, 16, 32):
        return False
    if not written.least_bits <= layout.bits_allocated <= written.most_bits:
        return False
    if written.format is Format.RLE:
        return layout.samples * layout.bits_allocated // 8 <= _RLE_SEGMENTS
    return layout.samples == 1 or (layout.samples == 3 and not layout.signed and layout.bits_allocated == 8)
