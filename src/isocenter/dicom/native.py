"""Native frames that do not lie in the file as they must leave it: big endian words, frames that share bytes, deflated data sets.

Uncompressed frames leave as Explicit VR Little Endian (PS3.18 8.7.3.5.2), each beginning at a byte.
"""

from isocenter.dicom import fragments, syntaxes
from isocenter.dicom.frames import FrameTable
from isocenter.dicom.part10 import Header, Malformed, data_set
from isocenter.dicom.source import Source

# A digital mammogram has 54 MB, a frame of a whole slide image less; such a frame is converted in memory.
MAX_FRAME = 256 << 20

_BIG_ENDIAN_PIXELS = frozenset({syntaxes.EXPLICIT_VR_BIG_ENDIAN, syntaxes.GE_PRIVATE_IMPLICIT_BIG_ENDIAN_PIXELS})
WORDS = {
    "OW": 2,
    "US": 2,
    "SS": 2,
    "OF": 4,
    "OL": 4,
    "FL": 4,
    "SL": 4,
    "UL": 4,
    "AT": 2,
    "OD": 8,
    "OV": 8,
    "FD": 8,
    "SV": 8,
    "UV": 8,
}


def needs_work(transfer_syntax_uid: str, *, addressable: bool) -> bool:
    """Whether native frames of this syntax cannot be served by byte range; addressable: as `FrameTable.addressable`."""
    syntax = syntaxes.get(transfer_syntax_uid)
    return transfer_syntax_uid in _BIG_ENDIAN_PIXELS or not addressable or (syntax is not None and syntax.deflated)


def table(header: Header) -> FrameTable:
    """The frames of native pixel data; offsets count in the inflated data set when it is deflated. Empty without pixel data."""
    pixels = header.pixels
    if header.frames is not None or pixels is None or pixels.length is None:
        return header.frames or FrameTable.native(0, 0, 0)
    frames, _ = fragments.native_table(
        pixels.offset,
        pixels.length,
        rows=header.rows,
        columns=header.columns,
        samples=header.samples_per_pixel,
        bits=header.bits_allocated,
        photometric=header.photometric_interpretation,
        number_of_frames=header.number_of_frames,
    )
    return frames


def count(header: Header) -> int:
    """How many frames `frame` can give."""
    frames = table(header)
    return len(frames) if frames.addressable else header.number_of_frames


def frame(source: Source, header: Header, index: int) -> bytes:
    """Frame `index`, counted from 0, of native pixel data, in little endian and beginning at a byte.

    Raises Malformed when the pixel data does not hold that frame, or the frame is larger than MAX_FRAME.
    """
    pixels = header.pixels
    if pixels is None or pixels.length is None or not 0 <= index < count(header):
        raise Malformed("the pixel data does not hold this frame", "PixelData")
    frames = table(header)
    if frames.addressable:
        ((offset, length),) = frames[index]
        start, bits = 8 * (offset - pixels.offset), 8 * length
    else:
        bits = header.rows * header.columns * header.samples_per_pixel * header.bits_allocated
        start = index * bits
    if not 0 < bits <= 8 * MAX_FRAME or start + bits > 8 * pixels.length:
        raise Malformed("the pixel data does not hold this frame", "PixelData")
    word = word_size(header)
    first, last = start // 8 // word * word, -(-(start + bits) // (8 * word)) * word
    content, _, _ = data_set(source, header)
    data = swapped(content.read_at(pixels.offset + first, min(last, pixels.length) - first), word)
    data = data[start // 8 - first : -(-(start + bits) // 8) - first]
    return data if frames.addressable else _aligned(data, start % 8, bits)


def word_size(header: Header) -> int:
    """How many bytes change places together when the pixels are made little endian; 1 when they are so already."""
    if header.transfer_syntax_uid not in _BIG_ENDIAN_PIXELS or header.pixels is None:
        return 1
    if header.pixels.vr in ("OF", "OD"):
        return WORDS[header.pixels.vr]
    # PS3.5 8.1.2: 8-bit pixels in OW are pairs within 16-bit words
    return max(header.bits_allocated // 8, 2 if header.pixels.vr == "OW" else 1)


def word_before(content: Source, offset: int) -> int:
    """The word of the value at `offset` of an explicit VR big endian data set, from the VR written before it (PS3.5 7.1.2)."""
    before = content.read_at(offset - 12, 12)
    vr = before[4:6].decode("ascii", "replace")
    if vr not in WORDS or before[6:8] != b"\0\0":
        vr = before[8:10].decode("ascii", "replace")
    return WORDS.get(vr, 1)


def swapped(data: bytes, word: int) -> bytes:
    """The bytes of each word in reverse order; what is left over at the end stays as it is."""
    if word == 1:
        return data
    whole = len(data) // word * word
    turned = bytearray(data)
    for place in range(word):
        turned[place:whole:word] = data[word - 1 - place : whole : word]
    return bytes(turned)


def _aligned(data: bytes, shift: int, bits: int) -> bytes:
    """`bits` bits from bit `shift` on; the first pixel is the least significant bit (PS3.5 8.1.1)."""
    number = int.from_bytes(data, "little") >> shift
    return (number & ((1 << bits) - 1)).to_bytes(-(-bits // 8), "little")
