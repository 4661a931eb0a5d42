"""Scanning while an object arrives: whatever was there at the first look, the header in the end is that of one look at all."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import part10
from isocenter.dicom.source import BytesSource

SHARED = Path(__file__).parents[2] / "../shared/data"
FOLDERS = ("ct/priors", "charsets", "transfer-syntaxes", "sr", "pathological", "us/study-pediatric-echo", "seg", "rt")
PATHS = sorted(path for folder in FOLDERS for path in (SHARED / folder).rglob("*") if path.is_file())
FILES = [path for path in PATHS if path.stat().st_size < 400_000]


def both(data: bytes, cut: int) -> None:
    beginning = part10.begin(BytesSource(data[:cut]))
    try:
        whole = part10.scan(BytesSource(data))
    except part10.Malformed as fault:
        with pytest.raises(part10.Malformed, match=None) as caught:
            part10.scan(BytesSource(data), beginning)
        assert (caught.value.reason, caught.value.where) == (fault.reason, fault.where)
        return
    pieced = part10.scan(BytesSource(data), beginning)
    frames = [None if header.frames is None else header.frames.encode() for header in (whole, pieced)]
    assert frames[0] == frames[1]
    assert replace(pieced, frames=None) == replace(whole, frames=None)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_cut_anywhere(path: Path) -> None:
    data = path.read_bytes()
    for cut in {0, 131, 200, 400, 700, 1000, 1500, 3000, 32768, len(data) // 2, len(data) - 1, len(data)}:
        both(data, min(cut, len(data)))


@given(st.data())
def test_any_file_cut_and_changed_anywhere(draw: st.DataObject) -> None:
    data = bytearray(draw.draw(st.sampled_from(FILES)).read_bytes()[:6000])
    for _ in range(draw.draw(st.integers(0, 3))):
        data[draw.draw(st.integers(132, len(data) - 1))] = draw.draw(st.integers(0, 255))
    both(bytes(data), draw.draw(st.integers(0, len(data))))
