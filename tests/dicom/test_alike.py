"""Objects that resemble the one before: whatever is taken over from that one, the header is that of a look at this one alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import part10
from isocenter.dicom.alike import Alike
from isocenter.dicom.extra import declared
from isocenter.dicom.source import BytesSource
from objects import element
from objects import part10 as file_of

SHARED = Path(__file__).parents[2] / "../shared/data"
FOLDERS = ("ct/priors", "charsets", "transfer-syntaxes", "sr", "pathological", "us/study-pediatric-echo", "seg", "rt")
PATHS = sorted(path for folder in FOLDERS for path in (SHARED / folder).rglob("*") if path.is_file())
FILES = [path for path in PATHS if path.stat().st_size < 400_000]
EXTRAS = declared("KVP@INSTANCE, ConvolutionKernel@SERIES")
HEAD = 32 << 10


@pytest.fixture
def read_whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each object that was read as if nothing had come before it."""
    calls: list[int] = []
    begin = part10.begin
    monkeypatch.setattr(part10, "begin", lambda *arguments: (calls.append(1), begin(*arguments))[1])
    return calls


def read(alike: Alike, data: bytes, cut: int = HEAD) -> part10.Header | None:
    """The header, read as it would be alone and as it was with what came before; they must be the same."""
    beginning = alike.begin(BytesSource(data[:cut]), EXTRAS)
    try:
        alone = part10.scan(BytesSource(data), extras=EXTRAS)
    except part10.Malformed as fault:
        with pytest.raises(part10.Malformed) as caught:
            part10.scan(BytesSource(data), beginning, EXTRAS)
        assert (caught.value.reason, caught.value.where) == (fault.reason, fault.where)
        return None
    header = part10.scan(BytesSource(data), beginning, EXTRAS)
    frames = [None if one.frames is None else one.frames.encode() for one in (alone, header)]
    assert frames[0] == frames[1]
    assert replace(header, frames=None) == replace(alone, frames=None)
    return header


def series(numbers: Sequence[int], **values: str) -> list[bytes]:
    return [
        file_of(
            40_000, SOPInstanceUID=f"1.2.3.1.1.{number}", InstanceNumber=str(number), SliceLocation=str(number * 1.5),
            ImagePositionPatient=f"-200\\-200\\{number}", **values,
        )
        for number in numbers
    ]  # fmt: skip


def test_two_images_of_a_series_tell_how_to_read_all_others(read_whole: list[int]) -> None:
    alike = Alike()
    for number, data in zip(range(8, 200), series(range(8, 200), PatientName="Müller^Jörg"), strict=True):
        header = read(alike, data)
        assert header is not None
        assert (header.values["InstanceNumber"], header.sop_instance_uid) == (str(number), f"1.2.3.1.1.{number}")
    assert len(read_whole) == 2


def test_so_do_those_of_the_next_series_on_the_same_association(read_whole: list[int]) -> None:
    alike = Alike()
    for number in range(20):
        name = f"Series {number * number}"
        for data in series(range(1, 12), SeriesInstanceUID=f"1.2.3.1.{number}", SeriesDescription=name, SeriesNumber=str(number)):
            header = read(alike, data)
            assert header is not None and header.values["SeriesDescription"] == name
    assert len(read_whole) < 20 * 2 + 2


def test_an_object_that_lacks_something_or_has_more_is_read_for_itself() -> None:
    alike = Alike()
    first, second, third = series([1, 2, 3])
    more = file_of(40_000, SOPInstanceUID="1.2.3.1.1.4", InstanceNumber="4", StudyDescription="Chest")
    fewer = file_of(40_000, SOPInstanceUID="1.2.3.1.1.5")
    told = []
    for data in (first, second, third, more, first, fewer, second, more):
        header = read(alike, data)
        assert header is not None
        told.append((header.values.get("InstanceNumber", ""), header.values.get("StudyDescription", "")))
    plain = [("1", "Thorax"), ("2", "Thorax"), ("3", "Thorax")]
    assert told == [*plain, ("4", "Chest"), plain[0], ("1", "Thorax"), plain[1], ("4", "Chest")]


def test_where_no_two_objects_are_alike_less_is_tried(read_whole: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[int] = []
    learn = Alike._learn
    monkeypatch.setattr(Alike, "_learn", lambda *arguments: (learned.append(1), learn(*arguments))[1])
    alike = Alike()
    for number in range(100):
        odd = element(0x00091000 + number % 90, "LO", b"ab" * (number % 7))
        data = series([number])[0]
        read(alike, data.replace(element(0x00080060, "CS", b"CT"), element(0x00080060, "CS", b"CT") + odd))
    assert len(read_whole) == 100
    assert len(learned) == 8 + 3 * 2


SERIES = ("ct/volume-lidc-idri-0314", "mr/study-brain-multiseries-with-ko", "pt-ct", "us/study-stress-echo")


@pytest.mark.parametrize("folder", SERIES)
def test_real_series(folder: str, read_whole: list[int]) -> None:
    alike = Alike()
    paths = sorted((SHARED / folder).rglob("*.dcm"))
    for path in paths:
        read(alike, path.read_bytes())
    assert len(read_whole) < len(paths) / 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_after_itself_cut_anywhere(path: Path) -> None:
    data = path.read_bytes()
    alike = Alike()
    for cut in (HEAD, HEAD, HEAD, 200, HEAD, 700, 1500, 3000, HEAD, len(data) - 1, HEAD):
        read(alike, data, min(cut, len(data)))


@given(st.data())
def test_any_file_after_a_changed_one(draw: st.DataObject) -> None:
    whole = draw.draw(st.sampled_from(FILES)).read_bytes()[:6000]
    alike = Alike()
    for _ in range(5):
        data = bytearray(whole)
        for _ in range(draw.draw(st.integers(0, 3))):
            data[draw.draw(st.integers(132, len(data) - 1))] = draw.draw(st.integers(0, 255))
        at = draw.draw(st.integers(132, len(data)))
        data[at:at] = draw.draw(st.binary(max_size=4))
        read(alike, bytes(data), draw.draw(st.sampled_from((len(data), len(data) - 1, 3000, 1000))))
