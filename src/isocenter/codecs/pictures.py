"""Pictures as cameras, scanners and screens make them, and the frames of an encoder: what they say of themselves, their pixels.

A JPEG, JPEG-LS or JPEG 2000 frame goes into an object as it is; what DICOM has no transfer syntax for (PNG), or no viewer shows
(progressive JPEG, CMYK, a picture that lies on its side), becomes native pixels. Pillow is imported by the first that needs it.
"""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from isocenter.codecs import codestream
from isocenter.dicom import syntaxes
from isocenter.dicom.elements import Malformed

MAX_PIXELS = 256 << 20  # bytes of a decoded picture: 89 megapixels in colour
HEAD = 4 << 20  # bytes of a picture in which its header ends: profiles and previews stand before it

_UID = "1.2.840.10008.1.2.4."
_HEAD = struct.Struct("<4I")
_ORIENTATION, _CAMERA, _ASCII, _SHORT = 0x0112, 0x8769, 2, 3  # Exif: two tags, two types
_SOI, _SOS, _APP1, _APP2 = b"\xff\xd8", 0xDA, 0xE1, 0xE2
_BASELINE, _EXTENDED, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC3, 0xF7
_FIRST_ORDER = 1
_MOST = 0xFFFF  # Rows and Columns are US
_CODESTREAM = b"\xff\x4f\xff\x51"
_JP2 = b"\x00\x00\x00\x0cjP  "
_PNG = b"\x89PNG\r\n\x1a\n"
_HIGH_THROUGHPUT = b"\xff\x50"  # CAP (ITU-T T.814): only these have it
# Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1) by the last component of the transfer syntax
_METHODS = {"50": "ISO_10918_1", "51": "ISO_10918_1", "81": "ISO_14495_1", "91": "ISO_15444_1", "203": "ISO_15444_15"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame. transfer_syntax: "" when it has to be decoded first (`pixels`). photometric: by what the frame says.

    skip: bytes before the codestream, which a file format has put there. turned: the camera was not held upright.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool
    photometric: str
    lossy: bool
    transfer_syntax: str
    skip: int = 0
    turned: bool = False

    @property
    def method(self) -> str:
        """Lossy Image Compression Method (0028,2114), "" when nothing was lost."""
        if not self.lossy:
            return ""
        return _METHODS.get(self.transfer_syntax.removeprefix(_UID), "ISO_10918_1")

    @property
    def allocated(self) -> int:
        """Bits Allocated that hold a sample."""
        return 8 if self.precision <= 8 else 16


def looked_at(head: bytes) -> Picture:
    """What a picture says that begins so. Raises Malformed: it is none of those formats, or damaged."""
    for beginnings, reader in ((_SOI, _jpeg), ((_CODESTREAM, _JP2), _jpeg_2000), (_PNG, _png)):
        if head.startswith(beginnings):
            found = reader(head)
            if not (0 < found.rows <= _MOST and 0 < found.columns <= _MOST and found.precision <= 16):
                raise Malformed("the image has a size that no image of DICOM has", "PixelData")
            return found
    raise Malformed("this is no JPEG, JPEG-LS, JPEG 2000 or PNG image", "PixelData")


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker segments of a JPEG up to the first scan (ITU-T T.81 B.1.1)."""
    at = 2
    while at + 4 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF or length < 2:
            return
        if marker == 0xFF:
            at += 1
            continue
        yield marker, data[at + 4 : at + 2 + length]
        if marker == _SOS:
            return
        at += 2 + length


def _jpeg(head: bytes) -> Picture:
    found = codestream.jpeg(head)
    markers = dict(_segments(head))
    scan = markers.get(_SOS, b"")
    if found.start_of_frame == _JPEG_LS:
        syntax = "81" if found.lossy else "80"
    elif found.start_of_frame == _LOSSLESS:
        syntax = "70" if scan[-3:-2] == bytes([_FIRST_ORDER]) else "57"
    elif found.start_of_frame == _BASELINE or (found.start_of_frame == _EXTENDED and found.components == 1):
        syntax = "50" if found.precision == 8 else "51"
    else:
        syntax = ""  # progressive and arithmetic JPEG: retired, and shown by nobody
    turned = _exif(head).get(_ORIENTATION, 1) in range(2, 9)
    if turned or found.components not in (1, 3):
        syntax = ""
    plain = found.transform is False or found.component_ids == b"RGB" or syntax in ("57", "70", "80", "81")
    colour = "RGB" if plain or not syntax else "YBR_FULL_422"  # PS3.5 8.2.1: how JPEG colour is named
    return Picture(
        found.rows, found.columns, 3 if found.components > 1 else 1, found.precision, False,
        "MONOCHROME2" if found.components == 1 else colour, bool(found.lossy), _UID + syntax if syntax else "", 0, turned,
    )  # fmt: skip


def _jpeg_2000(head: bytes) -> Picture:
    found = codestream.jpeg2000(head)
    skip = head.find(_CODESTREAM)
    high_throughput = _HIGH_THROUGHPUT in head[skip : skip + 200]
    if high_throughput:
        syntax = "203" if found.lossy else "201"
    else:
        syntax = "91" if found.lossy else "90"
    colour = ("YBR_ICT" if found.lossy else "YBR_RCT") if found.transform else "RGB"
    return Picture(
        found.rows, found.columns, found.components, found.precision, found.signed,
        "MONOCHROME2" if found.components == 1 else colour, bool(found.lossy), _UID + syntax, skip,
    )  # fmt: skip


def _png(head: bytes) -> Picture:
    """ISO/IEC 15948 11.2.2."""
    if len(head) < 33:
        raise Malformed("this is no whole PNG image", "PixelData")
    columns, rows, depth, kind = struct.unpack_from(">IIBB", head, 16)
    grey = kind in (0, 4)
    return Picture(rows, columns, 1 if grey else 3, 16 if depth == 16 else 8, False, "MONOCHROME2" if grey else "RGB", False, "")


def _exif(head: bytes) -> dict[int, int | str]:
    """What a camera has noted in a JPEG: numbers of 16 bits and texts, by their tags (Exif 2.32, TIFF 6.0)."""
    exif = next((segment for marker, segment in _segments(head) if marker == _APP1 and segment.startswith(b"Exif\0\0")), b"")[6:]
    order = "<" if exif[:2] == b"II" else ">"
    noted: dict[int, int | str] = {}
    directories = [int.from_bytes(exif[4:8], "little" if order == "<" else "big")] if len(exif) >= 8 else []
    for start in directories:  # the main one, and the camera's own when that names it
        count = struct.unpack_from(order + "H", exif, start)[0] if start + 2 <= len(exif) else 0
        for at in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
            tag, kind, length = struct.unpack_from(order + "HHI", exif, at)
            (value,) = struct.unpack_from(order + "I", exif, at + 8)
            if tag == _CAMERA and len(directories) == 1:
                directories.append(value)
            elif kind == _SHORT and length == 1:
                (noted[tag],) = struct.unpack_from(order + "H", exif, at + 8)
            elif kind == _ASCII and length < 256:
                text = exif[value : value + length] if length > 4 else exif[at + 8 : at + 8 + length]
                noted[tag] = text.partition(b"\0")[0].decode("utf-8", "replace").strip()
    return noted


def camera(head: bytes) -> dict[str, str]:
    """What the camera noted, by DICOM keyword: Manufacturer, ManufacturerModelName, ContentDate, ContentTime."""
    texts = {tag: value for tag, value in _exif(head).items() if isinstance(value, str)}
    noted = {"Manufacturer": texts.get(0x010F, ""), "ManufacturerModelName": texts.get(0x0110, "")}
    taken = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)", texts.get(0x9003, "") or texts.get(0x0132, ""), re.ASCII)
    if taken:
        noted.update(ContentDate="".join(taken.groups()[:3]), ContentTime="".join(taken.groups()[3:]))
    return {keyword: value[:64] for keyword, value in noted.items() if value}


def profile(head: bytes) -> bytes:
    """The ICC profile of a JPEG picture in colour, b"" without one."""
    parts = [part[14:] for marker, part in _segments(head) if marker == _APP2 and part.startswith(b"ICC_PROFILE\0")]
    joined = b"".join(parts)
    return joined if joined[16:20] == b"RGB " else b""


def pixels(data: bytes) -> bytes:
    """A PNG or JPEG picture decoded, upright: rows, columns, samples and bits allocated in 16 bytes, then the samples.

    Little endian, samples of a pixel side by side, what is transparent on white. Raises Malformed.
    """
    import numpy as np
    from PIL import Image, ImageOps

    found = looked_at(data[:HEAD])
    if not 0 < found.rows * found.columns * found.samples * (found.allocated // 8) <= MAX_PIXELS:
        raise Malformed(f"the decoded picture has more than {MAX_PIXELS >> 20} MB", "PixelData")
    try:
        if found.allocated == 16 and data.startswith(_PNG):
            values: Any = _deep(data, found.samples)
        else:
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                values = np.asarray(_flat(ImageOps.exif_transpose(image)))
    except Malformed:
        raise
    except Exception as error:  # noqa: BLE001  an error class for each format and library
        raise Malformed(f"the picture cannot be decoded ({type(error).__name__})", "PixelData") from None
    rows, columns = values.shape[:2]
    samples = values.shape[2] if values.ndim == 3 else 1
    return _HEAD.pack(rows, columns, samples, values.dtype.itemsize * 8) + bytes(values.tobytes())


def decoded(fd: int, offset: int, size: int, into: int) -> bytes:
    """The same for a picture in a file: the samples are written to the descriptor `into`, the 16 bytes are returned."""
    if size > MAX_PIXELS:
        raise Malformed(f"the picture has more than {MAX_PIXELS >> 20} MB", "PixelData")
    made = memoryview(pixels(os.pread(fd, size, offset)))
    left = made[_HEAD.size :]
    while left:
        left = left[os.write(into, left) :]
    return bytes(made[: _HEAD.size])


def native(head: bytes) -> Picture:
    """The picture of which `decoded` has told."""
    rows, columns, samples, bits = _HEAD.unpack(head)
    photometric = "RGB" if samples == 3 else "MONOCHROME2"
    return Picture(rows, columns, samples, bits, False, photometric, False, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)


def _flat(image: Any) -> Any:
    """A Pillow image as 8-bit grey or RGB, without transparency."""
    from PIL import Image

    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _deep(data: bytes, samples: int) -> Any:
    """A PNG of 16 bits a sample; Pillow would cut colour to 8."""
    import imagecodecs
    import numpy as np

    values = imagecodecs.png_decode(data)
    if values.ndim == 3 and values.shape[2] in (2, 4):
        alpha = values[:, :, -1:].astype(np.uint64)
        values = ((values[:, :, :-1] * alpha + 65535 * (65535 - alpha)) // 65535).astype(np.uint16)
    values = values.reshape(*values.shape[:2], samples) if samples == 3 else values.reshape(values.shape[:2])
    return values.astype("<u2", copy=False)
