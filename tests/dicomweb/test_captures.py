"""Secondary captures as film digitisers and frame grabbers write them: their frames leave whole, whatever the header forgets."""

import struct

import pytest

import objects
from dicomweb.in_process import Client

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
GREY = bytes(range(128))
COLOR = bytes(range(192))
DEEP = struct.pack("<64H", *(value << 4 for value in range(64)))


def capture(pixels: bytes, **values: str | int) -> bytes:
    """8 by 8, or 16 columns of 8, pixels; "-" leaves an attribute out."""
    grey: dict[str, str | int] = {"Rows": 8, "Columns": 8, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    made = objects.part10(0, SOPClassUID=SECONDARY_CAPTURE, Modality="OT", **{**grey, **values})
    return made + objects.element(0x7FE00010, "OW", pixels)


CAPTURES = {
    "12 bits to the left of 16, MONOCHROME1, no window": (
        DEEP, capture(DEEP, BitsAllocated=16, BitsStored=12, HighBit=15, PhotometricInterpretation="MONOCHROME1")),
    "RGB by planes": (COLOR, capture(COLOR, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=1)),
    "RGB without Samples per Pixel": (COLOR, capture(COLOR, SamplesPerPixel="-", PhotometricInterpretation="RGB")),
    "YBR_FULL without Samples per Pixel": (COLOR, capture(COLOR, SamplesPerPixel="-", PhotometricInterpretation="YBR_FULL")),
    "no Bits Allocated": (GREY, capture(GREY, Columns=16, BitsAllocated="-", BitsStored="-", HighBit="-")),
    "no Photometric Interpretation": (GREY, capture(GREY, Columns=16, PhotometricInterpretation="-", SamplesPerPixel="-")),
    "more pixels than it says": (GREY[:64], capture(GREY)),
}  # fmt: skip


@pytest.mark.parametrize("name", CAPTURES)
def test_the_frame_is_whole(client: Client, name: str) -> None:
    pixels, stored = CAPTURES[name]
    answer = client.store(stored)
    assert answer.status_code == 200, answer.text
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix("http://pacs.test/dicom-web")
    frame = client.get(f"{url}/frames/1", "application/octet-stream; transfer-syntax=*")
    assert (frame.status_code, frame.content) == (200, pixels)
