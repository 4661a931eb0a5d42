"""What the pixels of an object are (PS3.3 C.7.6.3): the facts that a codec needs and that change with it."""

from dataclasses import dataclass

from isocenter.dicom import part10
from isocenter.dicom.part10 import Header
from isocenter.dicom.reencoding import top_level
from isocenter.dicom.source import Source

PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION = 0x00280004, 0x00280006
BITS_STORED, PIXEL_REPRESENTATION = 0x00280101, 0x00280103
LOSSY_IMAGE_COMPRESSION, LOSSY_IMAGE_COMPRESSION_METHOD = 0x00282110, 0x00282114
_NUMBERS = frozenset({PLANAR_CONFIGURATION, BITS_STORED, PIXEL_REPRESENTATION})

# Chrominance is shared by neighbours (PS3.3 C.7.6.3.1.2): such native frames are copied, never compressed again.
SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"})


@dataclass(frozen=True, slots=True)
class Layout:
    """The pixels of a frame, and how many frames there are. planar: native samples lie plane by plane. lossy: as it is said."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: bool
    photometric: str
    frames: int
    lossy: bool

    @property
    def frame_bits(self) -> int:
        """Of a native frame that is not subsampled."""
        return self.rows * self.columns * self.samples * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        """The same in whole bytes, as a frame by itself has them; native bitmaps go on in the same byte (PS3.5 8.1.1)."""
        return -(-self.frame_bits // 8)


def layout_of(source: Source, header: Header) -> Layout:
    """The facts as the data set states them. Raises Malformed."""
    content, start, encoding = part10.data_set(source, header)
    numbers: dict[int, int] = {}
    lossy = False
    for each in top_level(content, start, encoding):
        if each.tag > LOSSY_IMAGE_COMPRESSION:
            break
        if each.tag in _NUMBERS and each.length >= 2:
            numbers[each.tag] = int.from_bytes(content.read_at(each.value, 2), "little" if encoding.little else "big")
        elif each.tag == LOSSY_IMAGE_COMPRESSION:
            lossy = content.read_at(each.value, min(each.length, 2)) == b"01"
    return Layout(
        rows=header.rows,
        columns=header.columns,
        samples=header.samples_per_pixel,
        bits_allocated=header.bits_allocated,
        bits_stored=numbers.get(BITS_STORED, header.bits_allocated),
        signed=numbers.get(PIXEL_REPRESENTATION, 0) == 1,
        planar=numbers.get(PLANAR_CONFIGURATION, 0) == 1 and header.samples_per_pixel > 1,
        photometric=header.photometric_interpretation,
        frames=header.number_of_frames,
        lossy=lossy,
    )
