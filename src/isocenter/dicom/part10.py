"""DICOM files (PS3.10): one bounded pass over the header, and the file meta information we write ourselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from .elements import Malformed
from .frames import FrameTable
from .source import Source

__all__ = ["Header", "Malformed", "PixelData", "file_meta", "scan"]


@dataclass(frozen=True, slots=True)
class PixelData:
    """Where the pixel data lies: Pixel Data, Float Pixel Data or Double Float Pixel Data.

    offset: of the first value byte in the file (in the inflated data set when it is deflated). length: None when encapsulated.
    """

    tag: int
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """What the archive needs to know of one object; see `scan`."""

    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    dataset_offset: int
    values: Mapping[str, str]
    study_instance_uid: str
    series_instance_uid: str
    pixels: PixelData | None
    frames: FrameTable | None
    number_of_frames: int
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    photometric_interpretation: str
    specific_character_set: str
    warnings: tuple[str, ...]


def scan(source: Source) -> Header:
    raise NotImplementedError


def file_meta(
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    *,
    source_ae: str = "",
    sending_ae: str = "",
    receiving_ae: str = "",
) -> bytes:
    raise NotImplementedError
