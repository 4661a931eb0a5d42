"""An object whose pixels are to be had otherwise, and what is possible with it; no codec is loaded to tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from isocenter.codecs.formats import DEPTHS, NATIVE, READ, TARGETS, can_encode, can_reduce
from isocenter.codecs.layout import SUBSAMPLED, Layout, layout_of
from isocenter.dicom import part10, syntaxes
from isocenter.dicom.part10 import Header
from isocenter.dicom.source import Source

_PIXEL_DATA = 0x7FE00010
LARGEST = 0xFFFFFFFE  # a value's length, and an entry of the Basic Offset Table, are numbers of 32 bits


@dataclass(frozen=True, slots=True)
class Object:
    """An object to be transcoded, and what is known of it."""

    source: Source
    header: Header
    layout: Layout

    @property
    def encapsulated(self) -> bool:
        """Whether its pixel data really is."""
        return self.header.pixels is not None and self.header.pixels.length is None

    @property
    def size(self) -> int:
        """Bytes that it may have when it is native, about."""
        return self.source.size + (native_size(self) if self.encapsulated else 0)


def read(source: Source) -> Object:
    """The object in `source`. Raises Malformed."""
    found = part10.scan(source)
    return Object(source, found, layout_of(source, found))


def choose(given: Object, accepted: Sequence[str]) -> str | None:
    """The first of the transfer syntaxes that is possible; a native one, when there is one, for what has been compressed lossily.

    Another codec would make it larger, not better, and some readers take its name for a promise.
    """
    candidates = [syntax for syntax in accepted if possible(given, syntax)]
    stored = syntaxes.get(given.header.transfer_syntax_uid)
    if given.encapsulated and stored is not None and stored.lossy:
        candidates.sort(key=lambda syntax: syntax not in NATIVE)
    return candidates[0] if candidates else None


def possible(given: Object, target: str) -> bool:
    """Whether the object can be had in a transfer syntax without loss, as far as its header tells."""
    stored = syntaxes.get(given.header.transfer_syntax_uid)
    if stored is None or stored.support is syntaxes.Support.NONE or target not in TARGETS:
        return False
    if given.encapsulated and not (decodable(given) and not stored.video):
        return False
    if target in NATIVE:
        return not given.encapsulated or native_size(given) <= LARGEST
    if given.header.pixels is None or given.header.pixels.tag != _PIXEL_DATA:
        return False
    if not given.encapsulated and not _regular(given):
        return False
    return can_encode(target, given.layout)


def frames_possible(given: Object, target: str) -> bool:
    """Whether single frames can be had in a transfer syntax; lossily in those of `formats.LOSSY`."""
    if not decodable(given) if given.encapsulated else not _regular(given):
        return False
    if target in (syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN):
        return given.encapsulated
    return can_encode(target, given.layout) or can_reduce(target, given.layout)


def decodable(given: Object) -> bool:
    """Whether it has frames that can be told apart, of a form that is read."""
    frames = given.header.frames
    known = given.header.transfer_syntax_uid in READ and given.layout.bits_allocated in DEPTHS
    return known and frames is not None and frames.addressable and len(frames) > 0


def _regular(given: Object) -> bool:
    """Whether native frames lie one after the other, each of the size that the data set says, and every pixel has its colour."""
    pixels, size = given.header.pixels, given.layout.frame_bytes
    if given.layout.photometric in SUBSAMPLED:
        return False
    return pixels is not None and 0 < size * given.layout.frames <= (pixels.length or 0)


def count(given: Object) -> int:
    """Its frames: those that are there, of encapsulated pixels."""
    return len(given.header.frames) if given.header.frames is not None else given.header.number_of_frames


def native_size(given: Object) -> int:
    """Bytes of its pixels when they are native."""
    return -(-given.layout.frame_bits * count(given) // 8)
