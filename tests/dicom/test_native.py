"""Native frames that need work before they can leave."""

import numpy
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from isocenter.dicom import native, part10
from isocenter.dicom.source import BytesSource


def written(syntax: str, bits: int, rows: int, columns: int, frames: int, pixels: bytes, vr: str = "OW") -> BytesSource:
    """A Part 10 file with these pixels, which are given as they are to be written."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3.5"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.NumberOfFrames = 1, "MONOCHROME2", frames
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = rows, columns, bits
    dataset.add_new("PixelData", vr, pixels + b"\0" * (len(pixels) % 2))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = DicomBytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return BytesSource(buffer.getvalue())


@given(st.integers(1, 7), st.integers(1, 9), st.integers(1, 5), st.data())
def test_frames_of_single_bits_begin_at_a_byte(rows: int, columns: int, frames: int, data: st.DataObject) -> None:
    bits = numpy.array(data.draw(st.lists(st.integers(0, 1), min_size=rows * columns * frames, max_size=rows * columns * frames)))
    source = written(ExplicitVRLittleEndian, 1, rows, columns, frames, numpy.packbits(bits, bitorder="little").tobytes(), "OB")
    header = part10.scan(source)
    assert native.count(header) == frames
    for index, frame in enumerate(bits.reshape(frames, -1)):
        assert native.frame(source, header, index) == numpy.packbits(frame, bitorder="little").tobytes()


@pytest.mark.parametrize(("bits", "vr", "word"), [(16, "OW", 2), (8, "OW", 2), (8, "OB", 1), (32, "OW", 4)])
def test_big_endian_words(bits: int, vr: str, word: int) -> None:
    little = bytes(range(3 * 5 * 3 * bits // 8))  # three frames of fifteen pixels: 8-bit frames begin in the middle of a word
    padded = little + bytes(-len(little) % word)
    source = written(ExplicitVRBigEndian, bits, 3, 5, 3, native.swapped(padded, word), vr)
    header = part10.scan(source)
    size = 15 * bits // 8
    assert [native.frame(source, header, n) for n in range(3)] == [little[n * size : (n + 1) * size] for n in range(3)]


def test_deflated() -> None:
    little = bytes(n % 251 for n in range(2 * 10 * 10 * 4))
    source = written(DeflatedExplicitVRLittleEndian, 16, 10, 10, 4, little)
    header = part10.scan(source)
    assert header.frames is None and native.count(header) == 4
    assert [native.frame(source, header, n) for n in range(4)] == [little[200 * n : 200 * (n + 1)] for n in range(4)]


def test_a_frame_that_is_not_there() -> None:
    source = written(ExplicitVRBigEndian, 16, 2, 2, 1, bytes(8))
    header = part10.scan(source)
    for index in (-1, 1, 10**9):
        with pytest.raises(part10.Malformed):
            native.frame(source, header, index)


@given(st.binary(max_size=40), st.sampled_from([1, 2, 4, 8]))
def test_swapping_twice_changes_nothing(data: bytes, word: int) -> None:
    assert native.swapped(native.swapped(data, word), word) == data
