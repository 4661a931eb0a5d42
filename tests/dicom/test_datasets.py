"""Small data sets through pydicom: whole or refused, and silent."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from isocenter.dicom import datasets, syntaxes
from isocenter.dicom.datasets import InvalidDataSet

SYNTAXES = (syntaxes.IMPLICIT_VR_LITTLE_ENDIAN, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, syntaxes.EXPLICIT_VR_BIG_ENDIAN)


def order() -> Dataset:
    """A data set with text beyond ASCII, numbers and a sequence."""
    step = Dataset()
    step.Modality = "CT"
    step.ScheduledProcedureStepDescription = "Schädel"
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.PatientName = "Müller^Jürgen"
    made.Rows = 512
    made.ScheduledProcedureStepSequence = Sequence([step])
    return made


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_what_is_written_is_read_again(transfer_syntax: str) -> None:
    data = datasets.encode(order(), transfer_syntax)
    assert "Müller".encode("latin_1") in data
    read = datasets.decode(data, transfer_syntax)
    assert read == order()
    assert str(read.PatientName) == "Müller^Jürgen"


@pytest.mark.filterwarnings("ignore")  # of pydicom, when the value is set
def test_what_cannot_be_written_is_refused() -> None:
    made = Dataset()
    made.Rows = 70000
    with pytest.raises(InvalidDataSet):
        datasets.encode(made, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)


@pytest.mark.parametrize("data", [b"\x08", b"\x10\0\x10\0\xff\xff\0\0abc", b"\x08\0\x05\0CS\xff\xff"])
def test_a_length_beyond_the_end_is_refused(data: bytes) -> None:
    for transfer_syntax in SYNTAXES:
        with pytest.raises(InvalidDataSet):
            datasets.decode(data, transfer_syntax)


def test_endless_nesting_is_refused() -> None:
    opening = struct.pack("<HHIHHI", 0x0040, 0x0100, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    with pytest.raises(InvalidDataSet):
        datasets.decode(opening * 5000, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)


def test_other_syntaxes_and_sizes_are_refused() -> None:
    with pytest.raises(InvalidDataSet):
        datasets.decode(b"", "1.2.840.10008.1.2.4.50")
    with pytest.raises(InvalidDataSet):
        datasets.encode(Dataset(), "1.2.840.10008.1.2.4.50")
    with pytest.raises(InvalidDataSet):
        datasets.decode(bytes(datasets.MAX_DATA_SET + 1), syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from(SYNTAXES))
def test_garbage_is_a_data_set_or_refused(garbage: bytes, cut: int, transfer_syntax: str) -> None:
    whole = datasets.encode(order(), transfer_syntax)
    for data in (garbage, whole[:cut] + garbage):
        try:
            read = datasets.decode(data, transfer_syntax)
        except InvalidDataSet:
            continue
        assert isinstance(read, Dataset)


def test_numbers_of_an_odd_length_and_without_an_end_are_refused() -> None:
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + b"\x72\x00\x50\x00CS\x02\x00CS" + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
    damaged = b"\x72\x00\x00\x04SV\x00\x00\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
    with pytest.raises(InvalidDataSet):
        datasets.decode(damaged, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
