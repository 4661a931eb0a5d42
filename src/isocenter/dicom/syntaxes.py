"""The transfer syntaxes of PS3.6 Table A-1 (edition 2026b), and what each means for the bytes (PS3.5 Section 10, Annex A)."""

from dataclasses import dataclass
from enum import StrEnum


class Support(StrEnum):
    """What Isocenter does with objects in a transfer syntax."""

    FULL = "full"  # received, stored as sent, and shown by our viewer
    STORED = "stored"  # received, stored and given back as sent; the viewer says that it cannot show it
    NONE = "none"  # no data set to archive: live streams, references to pixels elsewhere, other formats


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One row.

    lossy: pixels may have been changed by compression. video: frames cannot be fetched alone. media_type: PS3.18 8.7.3.5.
    """

    uid: str
    name: str
    explicit_vr: bool = True
    little_endian: bool = True
    encapsulated: bool = False
    deflated: bool = False
    lossy: bool = False
    video: bool = False
    retired: bool = False
    support: Support = Support.FULL
    media_type: str = "application/octet-stream"


IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"
# Of messages that are no objects, queries for example. PS3.5 10.1: implicit is everybody's default; explicit keeps the VR of
# private elements, so it is preferred.
OF_MESSAGES = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
RLE_LOSSLESS = "1.2.840.10008.1.2.5"
HTJ2K_LOSSLESS_RPCL = "1.2.840.10008.1.2.4.202"
GE_PRIVATE_IMPLICIT_BIG_ENDIAN_PIXELS = "1.2.840.113619.5.2"


def _jpeg(
    number: str,
    name: str,
    *,
    lossy: bool = True,
    retired: bool = False,
    support: Support = Support.FULL,
    media: str = "image/jpeg",
) -> TransferSyntax:
    uid = f"1.2.840.10008.1.2.4.{number}"
    return TransferSyntax(uid, name, encapsulated=True, lossy=lossy, retired=retired, support=support, media_type=media)


def _old_jpeg(number: str, name: str, *, lossy: bool = True) -> TransferSyntax:
    return _jpeg(number, name, lossy=lossy, retired=True, support=Support.STORED)


def _video(number: str, name: str, media_type: str) -> TransferSyntax:
    uid = f"1.2.840.10008.1.2.4.{number}"
    stored = Support.STORED
    return TransferSyntax(uid, name, encapsulated=True, lossy=True, video=True, support=stored, media_type=media_type)


_JLS, _JP2, _JPX, _JPH, _JXL = "image/jls", "image/jp2", "image/jpx", "image/jphc", "image/jxl"
_MPEG2, _MP4 = "video/mpeg", "video/mp4"
_NONE, _STORED = Support.NONE, Support.STORED

ALL: tuple[TransferSyntax, ...] = (
    TransferSyntax(IMPLICIT_VR_LITTLE_ENDIAN, "Implicit VR Little Endian", explicit_vr=False),
    TransferSyntax(EXPLICIT_VR_LITTLE_ENDIAN, "Explicit VR Little Endian"),
    TransferSyntax("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", encapsulated=True),
    TransferSyntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "Deflated Explicit VR Little Endian", deflated=True),
    TransferSyntax(EXPLICIT_VR_BIG_ENDIAN, "Explicit VR Big Endian", little_endian=False, retired=True),
    _jpeg("50", "JPEG Baseline (Process 1)"),
    _jpeg("51", "JPEG Extended (Process 2 and 4)"),
    _old_jpeg("52", "JPEG Extended (Process 3 and 5)"),
    _old_jpeg("53", "JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)"),
    _old_jpeg("54", "JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)"),
    _old_jpeg("55", "JPEG Full Progression, Non-Hierarchical (Process 10 and 12)"),
    _old_jpeg("56", "JPEG Full Progression, Non-Hierarchical (Process 11 and 13)"),
    _jpeg("57", "JPEG Lossless, Non-Hierarchical (Process 14)", lossy=False),
    _old_jpeg("58", "JPEG Lossless, Non-Hierarchical (Process 15)", lossy=False),
    _old_jpeg("59", "JPEG Extended, Hierarchical (Process 16 and 18)"),
    _old_jpeg("60", "JPEG Extended, Hierarchical (Process 17 and 19)"),
    _old_jpeg("61", "JPEG Spectral Selection, Hierarchical (Process 20 and 22)"),
    _old_jpeg("62", "JPEG Spectral Selection, Hierarchical (Process 21 and 23)"),
    _old_jpeg("63", "JPEG Full Progression, Hierarchical (Process 24 and 26)"),
    _old_jpeg("64", "JPEG Full Progression, Hierarchical (Process 25 and 27)"),
    _old_jpeg("65", "JPEG Lossless, Hierarchical (Process 28)", lossy=False),
    _old_jpeg("66", "JPEG Lossless, Hierarchical (Process 29)", lossy=False),
    _jpeg("70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])", lossy=False),
    _jpeg("80", "JPEG-LS Lossless Image Compression", lossy=False, media=_JLS),
    _jpeg("81", "JPEG-LS Lossy (Near-Lossless) Image Compression", media=_JLS),
    _jpeg("90", "JPEG 2000 Image Compression (Lossless Only)", lossy=False, media=_JP2),
    _jpeg("91", "JPEG 2000 Image Compression", media=_JP2),
    _jpeg("92", "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)", lossy=False, support=_STORED, media=_JPX),
    _jpeg("93", "JPEG 2000 Part 2 Multi-component Image Compression", support=_STORED, media=_JPX),
    TransferSyntax("1.2.840.10008.1.2.4.94", "JPIP Referenced", support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", deflated=True, support=_NONE),
    _video("100", "MPEG2 Main Profile / Main Level", _MPEG2),
    _video("100.1", "Fragmentable MPEG2 Main Profile / Main Level", _MPEG2),
    _video("101", "MPEG2 Main Profile / High Level", _MPEG2),
    _video("101.1", "Fragmentable MPEG2 Main Profile / High Level", _MPEG2),
    _video("102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", _MP4),
    _video("102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1", _MP4),
    _video("103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", _MP4),
    _video("103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1", _MP4),
    _video("104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", _MP4),
    _video("104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video", _MP4),
    _video("105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", _MP4),
    _video("105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video", _MP4),
    _video("106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", _MP4),
    _video("106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2", _MP4),
    _video("107", "HEVC/H.265 Main Profile / Level 5.1", _MP4),
    _video("108", "HEVC/H.265 Main 10 Profile / Level 5.1", _MP4),
    _jpeg("110", "JPEG XL Lossless", lossy=False, support=_STORED, media=_JXL),
    _jpeg("111", "JPEG XL JPEG Recompression", support=_STORED, media=_JXL),
    _jpeg("112", "JPEG XL", support=_STORED, media=_JXL),
    _jpeg("201", "High-Throughput JPEG 2000 Image Compression (Lossless Only)", lossy=False, media=_JPH),
    _jpeg("202", "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)", lossy=False, media=_JPH),
    _jpeg("203", "High-Throughput JPEG 2000 Image Compression", media=_JPH),
    TransferSyntax("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced", support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate", deflated=True, support=_NONE),
    TransferSyntax(RLE_LOSSLESS, "RLE Lossless", encapsulated=True, media_type="image/dicom-rle"),
    TransferSyntax("1.2.840.10008.1.2.6.1", "RFC 2557 MIME encapsulation", retired=True, support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.6.2", "XML Encoding", retired=True, support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.7.1", "SMPTE ST 2110-20 Uncompressed Progressive Active Video", support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.7.2", "SMPTE ST 2110-20 Uncompressed Interlaced Active Video", support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.7.3", "SMPTE ST 2110-30 PCM Digital Audio", support=_NONE),
    TransferSyntax("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", encapsulated=True, support=_STORED),
    TransferSyntax("1.2.840.10008.1.20", "Papyrus 3 Implicit VR Little Endian", explicit_vr=False, retired=True, support=_STORED),
    # Not of the standard, but still found in archives: implicit VR little endian with the pixels in big endian.
    TransferSyntax(
        GE_PRIVATE_IMPLICIT_BIG_ENDIAN_PIXELS,
        "GE Private Implicit VR Little Endian with Big Endian Pixels",
        explicit_vr=False,
        retired=True,
        support=_STORED,
    ),
)

_BY_UID = {syntax.uid: syntax for syntax in ALL}


# What we ask others to send objects in, the dearest first: as plain as everybody can write it, then whatever we show.
OF_OBJECTS: tuple[str, ...] = (
    *OF_MESSAGES,
    *(each.uid for each in ALL if each.support is Support.FULL and each.uid not in OF_MESSAGES),
)
OF_VIDEO: tuple[str, ...] = tuple(each.uid for each in ALL if each.video)


def get(uid: str) -> TransferSyntax | None:
    """Return the transfer syntax of a UID, or None for one we do not know (a private one, or one of a later edition)."""
    return _BY_UID.get(uid)
