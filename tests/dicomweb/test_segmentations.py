"""What a viewer reads of segmentations: all frames in one request, uncompressed, each beginning at a byte."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from dicomweb.in_process import Client, parts

FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'

# Each with the file that holds the same pixels in a form that pydicom reads.
SAME = {
    "liver_rle": "study-liver-ct/seg/liver",
    "liver_j2k": "study-liver-ct/seg/liver",
    "liver_deflate": "study-liver-ct/seg/liver",
    "liver_expb": "study-liver-ct/seg/liver",
    "liver_nonbyte_aligned": "liver_nonbyte_aligned",
    "liver_nonbyte_aligned_rle": "liver_nonbyte_aligned",
    "seg_image_ct_binary_overlap": "seg_image_ct_binary_overlap",
    "seg_image_ct_true_fractional": "seg_image_ct_true_fractional",
    "sparse-labelmap-ppv5": "sparse-labelmap-ppv5",
}


@pytest.mark.parametrize("name", SAME)
def test_frames_of_segmentations_are_those_of_the_file(name: str, client: Client, data: Path) -> None:
    path = data / "seg" / f"{name}.dcm"
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    expected = pydicom.dcmread(data / "seg" / f"{SAME[name]}.dcm").pixel_array
    assert client.store(path).status_code == 200
    address = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    count = int(dataset.NumberOfFrames)
    found = parts(client.get(f"{address}/frames/{','.join(map(str, range(1, count + 1)))}", FRAMES))
    assert len(found) == count > 1
    for (_, body), frame in zip(found, expected, strict=True):
        values = np.frombuffer(body, np.uint8)
        if dataset.BitsAllocated == 1:
            values = np.unpackbits(values, bitorder="little")
        assert np.array_equal(values[: frame.size], frame.reshape(-1))
