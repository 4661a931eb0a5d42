"""Long values: what is written is read by pydicom, in one fragment or in many."""

from io import BytesIO

import pydicom
import pytest
from pydicom.encaps import generate_frames

from isocenter.dicom import encapsulating
from isocenter.dicom.elements import Malformed
from isocenter.dicom.meta import file_meta
from isocenter.dicom.source import BytesSource

FRAMES = [bytes([number]) * (5 + number) for number in range(1, 6)]


def read(element: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(file_meta("1.2", "1.2.3", "1.2.840.10008.1.2.4.50") + element))


def test_each_frame_is_a_fragment_with_its_place() -> None:
    made = read(b"".join(encapsulating.encapsulated([BytesSource(frame) for frame in FRAMES], stream=False)))
    assert [frame[: 5 + n] for n, frame in enumerate(generate_frames(made.PixelData, number_of_frames=5), 1)] == FRAMES
    assert made.PixelData[:12] == b"\xfe\xff\x00\xe0\x14\0\0\0\0\0\0\0"  # a table of five places, the first 0


def test_places_that_32_bits_cannot_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encapsulating, "LONGEST", 40)
    made = read(b"".join(encapsulating.encapsulated([BytesSource(frame) for frame in FRAMES], stream=False)))
    assert made.ExtendedOffsetTable and made.ExtendedOffsetTableLengths[:8] == (6).to_bytes(8, "little")
    offsets = made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths
    assert list(generate_frames(made.PixelData, number_of_frames=5, extended_offsets=offsets)) == FRAMES


def test_a_video_goes_on_in_the_next_fragment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encapsulating, "LONGEST", 41)
    made = read(b"".join(encapsulating.encapsulated([BytesSource(bytes(range(101)))], stream=True)))
    (stream,) = generate_frames(made.PixelData, number_of_frames=1)
    assert stream == bytes(range(101)) + b"\0" and made.PixelData.count(b"\xfe\xff\x00\xe0") == 4


def test_what_is_too_long_or_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(BytesSource):
        size = 99

        def __init__(self) -> None:
            pass

        def read_at(self, offset: int, length: int) -> bytes:
            return b""

    with pytest.raises(Malformed, match="end early"):
        list(encapsulating.value(0x00420011, "OB", [Short()]))
    monkeypatch.setattr(encapsulating, "LONGEST", 10)
    for written in (encapsulating.value(0x00420011, "OB", [BytesSource(bytes(11))]),
                    encapsulating.encapsulated([BytesSource(bytes(11))], stream=False)):  # fmt: skip
        with pytest.raises(Malformed, match="4 GB"):
            list(written)
