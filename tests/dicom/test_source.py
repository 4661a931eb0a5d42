"""Sources: the bytes of one object, in memory and in a file."""

import os
from pathlib import Path

import pytest

from isocenter.dicom.elements import Window
from isocenter.dicom.part10 import Malformed
from isocenter.dicom.source import Arriving, BytesSource, FileSource, Source

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(params=["bytes", "file", "part of a file", "arriving", "arriving, nothing in memory"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    if request.param == "bytes":
        return BytesSource(CONTENT)
    path = tmp_path / "object"
    path.write_bytes(CONTENT + (b"" if request.param == "file" else b"of another object"))
    descriptor = os.open(path, os.O_RDONLY)
    request.addfinalizer(lambda: os.close(descriptor))
    if request.param.startswith("arriving"):
        return Arriving(descriptor, len(CONTENT), CONTENT[: 65_536 if request.param == "arriving" else 0])
    return FileSource(descriptor, None if request.param == "file" else len(CONTENT))


@pytest.mark.parametrize(
    "offset, length",
    [(0, 10), (100, 70_000), (len(CONTENT) - 3, 3), (len(CONTENT) - 3, 10), (len(CONTENT), 1), (10**9, 1), (5, 0)],
)
def test_reads_give_what_is_there_and_never_more(source: Source, offset: int, length: int) -> None:
    assert source.size == len(CONTENT)
    assert source.read_at(offset, length) == CONTENT[offset : offset + length]


def test_a_window_moves_along_and_back(source: Source) -> None:
    window = Window(source)
    for position in (0, 50, 65_530, 65_536, 200_000, 3, len(CONTENT) - 2):
        at = window.seek(position)
        assert window.buffer[at : at + 2] == CONTENT[position : position + 2]
    assert window.take(10, 100_000) == CONTENT[10:100_010]
    assert window.take(200_000, 4) == CONTENT[200_000:200_004]
    with pytest.raises(Malformed) as caught:
        window.take(len(CONTENT) - 2, 3)
    assert caught.value.truncated
