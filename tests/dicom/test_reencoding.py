"""Data sets written anew: what pydicom reads from both is the same, and hostile ones end in Malformed."""

import io
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import objects
from isocenter.dicom import datasets, syntaxes
from isocenter.dicom.elements import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding, Malformed
from isocenter.dicom.reencoding import Element, Writer, element, top_level
from isocenter.dicom.source import BytesSource

ENCODINGS = {
    syntaxes.EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_LITTLE,
    syntaxes.EXPLICIT_VR_BIG_ENDIAN: EXPLICIT_BIG,
    syntaxes.IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_LITTLE,
}


def written(data: bytes, encoding: Encoding, *, explicit: bool, replaced: dict[int, bytes | None] | None = None,
            icons: bool = True) -> bytes:
    parts = Writer(BytesSource(data), 0, encoding, explicit=explicit, icons=icons).parts(replaced or {})
    return b"".join(part for part in parts if not isinstance(part, Element))


def sample() -> Dataset:
    """Every kind of number, text, bytes, and sequences in sequences."""
    made = Dataset()
    made.SpecificCharacterSet, made.PatientName, made.PatientID = "ISO_IR 192", "Müller^Jürgen", "P1"
    made.PixelRepresentation, made.SmallestImagePixelValue, made.LargestImagePixelValue = 1, -5, 700
    made.Rows, made.SimpleFrameList, made.ExposureTimeInms = 512, [1, 70000], 1.5
    made.RecommendedDisplayFrameRateInFloat = 2.25
    made.FrameIncrementPointer = [0x00181063, 0x00181065]
    made.add_new(0x00281201, "OW", struct.pack("<3H", 1, 2, 515))
    made.add_new(0x00660016, "OF", struct.pack("<2f", 1.5, -2.5))
    inner, outer = Dataset(), Dataset()
    inner.CodeValue, inner.CodeMeaning = "C1", "Größe"
    outer.ConceptNameCodeSequence, outer.ReferencedFrameNumber = Sequence([inner, Dataset()]), [1, 2]
    made.ContentSequence = Sequence([outer, Dataset()])
    made.ReferencedImageSequence = Sequence([])
    return made


@pytest.mark.parametrize("stored", list(ENCODINGS))
@pytest.mark.parametrize("explicit", [True, False])
def test_every_encoding_says_the_same(stored: str, explicit: bool) -> None:
    original = sample()
    if stored == syntaxes.EXPLICIT_VR_BIG_ENDIAN:  # pydicom writes bytes as they are
        original[0x00281201].value = struct.pack(">3H", 1, 2, 515)
        original[0x00660016].value = struct.pack(">2f", 1.5, -2.5)
    again = written(datasets.encode(original, stored), ENCODINGS[stored], explicit=explicit)
    read = datasets.decode(again, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN if explicit else syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)
    assert read == as_read()


def as_read() -> Dataset:
    """The sample as pydicom reads it from its own bytes."""
    return datasets.decode(datasets.encode(sample(), syntaxes.EXPLICIT_VR_LITTLE_ENDIAN), syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)


def test_the_files_of_others(data: Path) -> None:
    """Explicit to implicit VR and back: every public element is what it was."""
    count = 0
    for folder in ("sr", "rt", "seg", "pr", "charsets", "enhanced"):
        for path in sorted((data / folder).rglob("*"))[:10]:
            # The data of a LUT may be US or OW (PS3.6), and comes back as the other.
            if not path.is_file() or path.stat().st_size > 400_000 or "LUT" in path.name:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                original = pydicom.dcmread(path, force=True)
                syntax = original.file_meta.get("TransferSyntaxUID")
                if syntax not in (syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN):
                    continue
                content = path.read_bytes()
                start = original.file_meta.FileMetaInformationGroupLength + 144
                there = written(content[start:], ENCODINGS[syntax], explicit=syntax == syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)
                back = ENCODINGS[syntax]
                other = EXPLICIT_LITTLE if back is IMPLICIT_LITTLE else IMPLICIT_LITTLE
                again = written(there, other, explicit=back is EXPLICIT_LITTLE)
                read = pydicom.dcmread(io.BytesIO(content[:start] + again), force=True)
                read.is_implicit_VR, tags = original.is_implicit_VR, [e.tag for e in original if not e.tag.is_private]
                assert [read[tag] for tag in tags if tag.element and tag.group < 0x7FE0] == [
                    original[tag] for tag in tags if tag.element and tag.group < 0x7FE0
                ], path
            count += 1
    assert count > 20


def test_elements_are_replaced_put_in_and_left_out() -> None:
    original = datasets.encode(sample(), syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    again = written(original, EXPLICIT_LITTLE, explicit=True, replaced={
        0x00100020: element(0x00100020, "LO", b"P2", explicit=True),
        0x00100021: element(0x00100021, "LO", b"NORTH", explicit=True),
        0x00280010: None,
        0x7FFF0000 | 0x0010: element(0x7FFF0010, "LO", b"LAST", explicit=True),
    })
    read = datasets.decode(again, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    assert (read.PatientID, read.IssuerOfPatientID, "Rows" in read) == ("P2", "NORTH", False)
    assert [each.tag for each in read] == sorted(each.tag for each in read)
    rest = as_read()
    del rest.Rows, rest.PatientID
    for tag in (0x00100020, 0x00100021, 0x7FFF0010):
        del read[tag]
    assert read == rest


def test_what_is_too_long_for_its_vr_becomes_unknown() -> None:
    value = b"1.2.3\\" * 20_000
    implicit = struct.pack("<HHL", 0x0008, 0x0058, len(value)) + value
    again = written(implicit, IMPLICIT_LITTLE, explicit=True)
    assert again[:12] == struct.pack("<HH2sHL", 0x0008, 0x0058, b"UN", 0, len(value)) and again[12:] == value


def test_items_inside_unknown_elements() -> None:
    """PS3.5 6.2.2 Note 4: implicit inside. Some write explicit VR there, which has to be mended for implicit VR only."""
    inside = {
        True: objects.element(0x00080100, "SH", b"AB"),
        False: struct.pack("<HHL", 0x0008, 0x0100, 2) + b"AB",
    }
    for explicit, content in inside.items():
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
        stored = struct.pack("<HH2sHL", 0x0040, 0x0260, b"UN", 0, 0xFFFFFFFF) + item
        read = datasets.decode(written(stored, EXPLICIT_LITTLE, explicit=False), syntaxes.IMPLICIT_VR_LITTLE_ENDIAN)
        assert read.PerformedProtocolCodeSequence[0].CodeValue == "AB", explicit


@pytest.mark.parametrize("compressed", [True, False])
def test_only_compressed_icons_are_left_out(compressed: bool) -> None:
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    fragments = struct.pack("<HHL", 0xFFFE, 0xE000, 0) + struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"\xff\xd8\xff\xd9" + end
    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF) + fragments if compressed else objects.element(
        0x7FE00010, "OW", b"abcd")
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(pixels)) + pixels
    stored = struct.pack("<HH2sHL", 0x0088, 0x0200, b"SQ", 0, len(item)) + item
    for explicit in (True, False):
        assert bool(written(stored, EXPLICIT_LITTLE, explicit=explicit, icons=False)) is not compressed
        assert written(stored, EXPLICIT_LITTLE, explicit=explicit)


def test_group_lengths_are_left_out() -> None:
    stored = objects.element(0x00080000, "UL", b"\x0c\0\0\0") + objects.element(0x00080060, "CS", b"CT")
    for explicit in (True, False):
        again = written(stored, EXPLICIT_LITTLE, explicit=explicit)
        encoding = EXPLICIT_LITTLE if explicit else IMPLICIT_LITTLE
        assert [each.tag for each in top_level(BytesSource(again), 0, encoding)] == [0x00080060]


@given(st.data())
def test_a_hostile_data_set_ends_in_malformed_or_in_bounds(data: st.DataObject) -> None:
    stored = data.draw(st.sampled_from(list(ENCODINGS)))
    whole = bytearray(datasets.encode(sample(), stored))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=8))
        if not whole:
            return
    for explicit in (True, False):
        try:
            again = written(bytes(whole), ENCODINGS[stored], explicit=explicit)
        except Malformed:
            continue
        assert len(again) < 4 * len(whole) + 64
