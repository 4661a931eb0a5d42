"""Declared attributes: what may be written, and what is found of them in objects of any kind."""

import io
import itertools
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import objects
from isocenter.dicom import extra, part10
from isocenter.dicom.attributes import BY_KEYWORD, Level
from isocenter.dicom.extra import NONE, NotDeclarable
from isocenter.dicom.source import BytesSource

SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]
DECLARED = ("ContrastBolusAgent@SERIES, 00180081, ProcedureCodeSequence.CodeValue@STUDY,"
            "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeMeaning@SERIES,"
            "0019xx0C[GE, ACQU_01]:DS, 0019xx0d[OTHER]:LO@INSTANCE, EthnicGroupCodeSequence.CodeValue@PATIENT")  # fmt: skip


def test_what_a_declaration_means() -> None:
    found = {each.keyword: each for each in extra.declared(DECLARED).attributes}
    assert {keyword: (each.vr, each.level) for keyword, each in found.items()} == {
        "ContrastBolusAgent": ("LO", Level.SERIES), "EchoTime": ("DS", Level.INSTANCE),
        "ProcedureCodeSequence.CodeValue": ("SH", Level.STUDY),
        "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeMeaning": ("LO", Level.SERIES),
        "0019xx0C[GE, ACQU_01]": ("DS", Level.INSTANCE), "0019xx0D[OTHER]": ("LO", Level.INSTANCE),
        "EthnicGroupCodeSequence.CodeValue": ("SH", Level.PATIENT),
    }  # fmt: skip
    assert all(each.is_extra for each in found.values()) and not any(each.is_extra for each in BY_KEYWORD.values())
    assert extra.declared("PatientName, StudyDate@STUDY") is NONE, "the table has them"
    assert extra.declared("") is NONE


@pytest.mark.parametrize(
    "text",
    ["NoSuchKeyword", "PixelData", "00189999", "EchoTime@NOWHERE", "ProcedureCodeSequence", "0019100C:DS", "0019xx0C:DS",
     "EchoTime[A]", "0019xx0C[A]", "EchoTime:SQ", "ProcedureCodeSequence.0019xx0C[A]:DS", "Echo Time", "a" * 5000],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(text: str) -> None:
    with pytest.raises(NotDeclarable) as told:
        extra.declared(f"EchoTime,{text}")
    assert told.value.where == text[:80] and len(str(told.value)) < 400


def made(syntax: str, block: int = 0x10) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(objects.part10(64, SOPInstanceUID="1.2.3.9")))
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.ContrastBolusAgent = "Gadolinium"
    dataset.EchoTime = "4.2"
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "A1", "first"
    other = Dataset()
    other.CodeValue = "B2"
    dataset.ProcedureCodeSequence = Sequence([code, other])
    request = Dataset()
    request.ScheduledProtocolCodeSequence = Sequence([code])
    dataset.RequestAttributesSequence = Sequence([request])
    dataset.private_block(0x19, "SOMEBODY", create=True)
    for _ in range(block - 0x10):
        dataset.private_block(0x19, f"FILLER {_}", create=True)
    dataset.private_block(0x19, "GE, ACQU_01", create=True).add_new(0x0C, "DS", ["1.5", "2"])
    stream = io.BytesIO()
    dataset.save_as(stream, implicit_vr=syntax == "1.2.840.10008.1.2", little_endian=True)
    return stream.getvalue()


@pytest.mark.parametrize(("syntax", "block"), list(itertools.product(SYNTAXES, [0x10, 0x15])))
def test_values_of_an_object(syntax: str, block: int) -> None:
    data = made(syntax, block)
    wanted = extra.declared(DECLARED)
    expected = {
        "ContrastBolusAgent": "Gadolinium", "EchoTime": "4.2", "ProcedureCodeSequence.CodeValue": "A1\\B2",
        "RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeMeaning": "first", "0019xx0C[GE, ACQU_01]": "1.5\\2",
    }  # fmt: skip
    header = part10.scan(BytesSource(data), extras=wanted)
    assert {attribute.keyword: text for attribute, text in header.extras} == expected
    assert part10.scan(BytesSource(data)).values == header.values and part10.scan(BytesSource(data)).extras == ()
    for cut in range(200, len(data), 97):  # the beginning that has arrived makes no difference
        begun = part10.begin(BytesSource(data[:cut]), wanted)
        assert part10.scan(BytesSource(data), begun, wanted).extras == header.extras


@given(st.data())
def test_hostile_objects_are_only_malformed(data: Any) -> None:
    whole = bytearray(made(data.draw(st.sampled_from(SYNTAXES))))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(132, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = part10.scan(BytesSource(bytes(whole)), extras=extra.declared(DECLARED))
    except part10.Malformed:
        return
    assert all(text for _, text in found.extras)


@given(st.text(max_size=60))
def test_any_declaration_is_read_or_refused(text: str) -> None:
    try:
        extra.declared(text)
    except NotDeclarable as error:
        assert error.reason
