"""ICC profiles (ISO 15076-1) of the colour spaces that PS3.18 8.3.5.1.5 names, and pictures moved from one into another."""

import io
import struct
from functools import lru_cache

from PIL import Image, ImageCms

from isocenter.dicom.elements import Malformed

# Name -> the primaries as seen under D50 (X, Y, Z of red, green, blue), and a gamma, 0 for the curve of sRGB.
_SPACES = {
    "srgb": ("sRGB IEC61966-2.1",
             ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141)), 0.0),
    "adobergb": ("Adobe RGB (1998) compatible",
                 ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)), 563 / 256),
    "rommrgb": ("ROMM RGB ISO 22028-2",
                ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03135, 0.00009, 0.82491)), 1.8),
    "displayp3": ("Display P3",
                  ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)), 0.0),
}  # fmt: skip
_D50 = (0.9642, 1.0, 0.8249)
_FREE = b"text\0\0\0\0No copyright, use freely\0"
_CURVE = 1024  # points of the curve of sRGB


def applied(image: Image.Image, own: bytes, asked: str) -> tuple[Image.Image, bytes]:
    """The picture in the colour space that is asked for, and the profile to embed, b"" for none. own: the object's profile.

    Raises Malformed when that cannot be used.
    """
    space = {"L": b"GRAY", "RGB": b"RGB "}[image.mode]
    own = own if own[16:20] == space else b""
    if asked in ("", "no"):
        return image, own if not asked else b""
    if asked == "yes":
        return image, own or (profile("srgb") if image.mode == "RGB" else grey())
    target = profile(asked)
    if image.mode == "L":
        image, own = image.convert("RGB"), b""
    source = own or profile("srgb")
    if source != target:
        image = _moved(image, source, target)
    return image, target


def _moved(image: Image.Image, source: bytes, target: bytes) -> Image.Image:
    try:
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        moved = ImageCms.profileToProfile(image, io.BytesIO(source), io.BytesIO(target), renderingIntent=intent)
    except ImageCms.PyCMSError:
        raise Malformed("the ICC profile of the object cannot be used", "ICCProfile") from None
    assert moved is not None
    return moved


@lru_cache
def profile(name: str) -> bytes:
    """The profile of a named colour space."""
    title, primaries, gamma = _SPACES[name]
    curve = _curve(gamma)
    tags = {b"desc": _description(title), b"cprt": _FREE, b"wtpt": _xyz(*_D50)}
    for letter, primary in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags[letter + b"XYZ"] = _xyz(*primary)
        tags[letter + b"TRC"] = curve
    return _profile(b"RGB ", tags)


@lru_cache
def grey() -> bytes:
    """A profile of grey values that have the curve of sRGB, as displays without a profile take them."""
    tags = {b"desc": _description("Grey with the curve of sRGB"), b"cprt": _FREE, b"wtpt": _xyz(*_D50), b"kTRC": _curve(0.0)}
    return _profile(b"GRAY", tags)


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    at = 128 + 4 + 12 * len(tags)
    table, body, places = b"", b"", {}
    for name, content in tags.items():
        if content not in places:
            content_at = at + len(body)
            places[content] = content_at
            body += content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    head = struct.pack(">I4sI4s4s4s12s4s", at + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ",
                       struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp")  # fmt: skip
    head += bytes(28) + b"".join(map(_fixed, _D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(number: float) -> bytes:
    return struct.pack(">i", round(number * 65536))


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(x) + _fixed(y) + _fixed(z)


def _description(title: str) -> bytes:
    text = title.encode("ascii") + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(8 + 3 + 67)


def _curve(gamma: float) -> bytes:
    if gamma:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    points = (step / (_CURVE - 1) for step in range(_CURVE))
    linear = (point / 12.92 if point <= 0.04045 else ((point + 0.055) / 1.055) ** 2.4 for point in points)
    return b"curv\0\0\0\0" + struct.pack(f">I{_CURVE}H", _CURVE, *(round(value * 65535) for value in linear))
