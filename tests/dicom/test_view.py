"""Values by tag, wherever they are in a data set, in every encoding; compared with pydicom."""

import io
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isocenter.dicom import part10, report
from isocenter.dicom.source import BytesSource
from isocenter.dicom.view import View, view


def opened(content: bytes) -> View:
    source = BytesSource(content)
    return view(source, part10.scan(source))


@pytest.mark.parametrize("name", [
    "transfer-syntaxes/MR_small_implicit.dcm", "transfer-syntaxes/MR_small_bigendian.dcm", "transfer-syntaxes/MR_small.dcm",
    "transfer-syntaxes/image_dfl.dcm", "enhanced/emri_small.dcm", "enhanced/eCT_Supplemental.dcm", "sr/test-SR.dcm",
])  # fmt: skip
def test_values_are_those_of_pydicom(data: Path, name: str) -> None:
    found = opened((data / name).read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(data / name)
        assert _compared(found, dataset) > 10


def _compared(found: View, dataset: pydicom.Dataset) -> int:
    count = 0
    for element in dataset:
        if element.tag >= 0x7FE00000:
            break
        assert int(element.tag) in found
        if element.VR == "SQ":
            for index, item in enumerate(element.value[:3]):
                view = found.item(int(element.tag), index)
                assert view is not None
                count += _compared(view, item)
            assert sum(1 for _ in found.items(int(element.tag))) == len(element.value)
        elif element.VR in ("DS", "IS", "US", "SS", "UL", "SL", "FD", "FL") and element.value is not None and element.VM:
            values = element.value if element.VM > 1 else [element.value]
            assert found.numbers(int(element.tag)) == pytest.approx([float(value) for value in values])
            count += 1
        elif element.VR in ("CS", "UI", "SH", "LO", "DA") and element.VM:
            values = element.value if element.VM > 1 else [element.value]
            assert found.texts(int(element.tag)) == [str(value).strip() for value in values], element.tag
            count += 1
    return count


def test_what_is_not_there(data: Path) -> None:
    found = opened((data / "transfer-syntaxes/MR_small.dcm").read_bytes())
    assert found.text(0x00091001) == "" and found.number(0x00091001, 7) == 7 and found.item(0x00091001) is None
    assert found.data(0x00091001) == b"" and not found.numbers(0x00100010) and list(found.items(0x00091001)) == []


def test_a_document_in_pieces(data: Path) -> None:
    content = (data / "pdf/craig-test.dcm").read_bytes()
    document = pydicom.dcmread(io.BytesIO(content)).EncapsulatedDocument
    found = opened(content)
    assert b"".join(found.pieces(0x00420011, len(document))) == document == found.data(0x00420011)
    assert b"".join(found.pieces(0x00420011, 100)) == document[:100] and found.last(0x00420011) == document[-1:]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_reports_are_malformed_or_read(data: Path, chosen: st.DataObject) -> None:
    content = bytearray((data / chosen.draw(st.sampled_from(["sr/test-SR.dcm", "sr/report_dfl.dcm"]))).read_bytes())
    for _ in range(chosen.draw(st.integers(1, 5))):
        content[chosen.draw(st.integers(132, len(content) - 1))] = chosen.draw(st.integers(0, 255))
    try:
        for line in report.lines(opened(bytes(content))):
            assert line.name or line.value
    except part10.Malformed:
        pass
