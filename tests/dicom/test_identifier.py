"""Identifiers of C-FIND: bytes to a query, rows to bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from isocenter.dicom import charset, datasets, identifier, syntaxes
from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Level, Matching
from isocenter.dicom.identifier import Answers, InvalidIdentifier
from isocenter.dicom.match import Single

SYNTAXES = (syntaxes.IMPLICIT_VR_LITTLE_ENDIAN, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
ALL = tuple(Level)


def written(transfer_syntax: str, level: str = "STUDY", **keys: str) -> bytes:
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(made, keyword, value or None)
    return datasets.encode(made, transfer_syntax)


def answered(row: dict[str, str], transfer_syntax: str = SYNTAXES[1], **keys: str) -> Dataset:
    """The answer to a request with some keys."""
    asked = identifier.parse(written(transfer_syntax, **keys), transfer_syntax, ALL)
    return datasets.decode(Answers(asked, "HERE", transfer_syntax).encode(row), transfer_syntax)


@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_a_request(transfer_syntax: str) -> None:
    data = written(transfer_syntax, SpecificCharacterSet="ISO_IR 100", PatientName="Müller", StudyInstanceUID="")
    asked = identifier.parse(data, transfer_syntax, ALL, 10)
    assert asked.query.level is Level.STUDY
    assert asked.query.matches[0][1].matches("Müller", "PN")
    assert [key.keyword for key in asked.keys] == ["PatientName", "StudyInstanceUID"]
    assert (asked.charsets, asked.unsupported, asked.query.limit) == ("ISO_IR 100", False, 10)


def test_a_sequence_of_undefined_length_with_an_item_of_undefined_length() -> None:
    item = Dataset()
    item.RequestedProcedureID = "RP"
    made = Dataset()
    made.QueryRetrieveLevel = "SERIES"
    made.RequestAttributesSequence = Sequence([item])
    item.is_undefined_length_sequence_item = True
    made["RequestAttributesSequence"].is_undefined_length = True
    for transfer_syntax in SYNTAXES:
        asked = identifier.parse(datasets.encode(made, transfer_syntax), transfer_syntax, ALL)
        assert asked.query.matches == ((BY_KEYWORD["RequestedProcedureID"], Single("RP")),)


@pytest.mark.parametrize(
    "charsets, name, expected",
    [
        ("ISO_IR 100", "Müller^Jürgen", "ISO_IR 100"),
        ("ISO_IR 100", "Smith^John", "ISO_IR 100"),
        ("", "Smith^John", None),
        ("", "Müller^Jürgen", "ISO_IR 192"),
        ("ISO_IR 100", "Люкceмбypг", "ISO_IR 192"),
        ("ISO_IR 144", "Люкceмбypг", "ISO_IR 144"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東", "ISO_IR 192"),
        ("GB18030", "Wang^XiaoDong=王^小东", "GB18030"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"]),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동", ["", "ISO 2022 IR 149"]),
        ("\\ISO 2022 IR 87", "Hong^Gildong=洪^吉洞=홍^길동", "ISO_IR 192"),
        ("ISO_IR 13", "山田^太郎", "ISO_IR 192"),
    ],
)
def test_the_character_set_of_the_answer_loses_nothing(charsets: str, name: str, expected: object) -> None:
    read = answered({"PatientName": name}, SpecificCharacterSet=charsets, PatientName="")
    assert read.get("SpecificCharacterSet") == expected
    assert str(read.PatientName) == name


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\\"), max_size=30),
       st.sampled_from(["", "ISO_IR 100", "ISO_IR 13", "ISO_IR 166", "ISO_IR 192", "GB18030", "GBK", "\\ISO 2022 IR 87",
                        "\\ISO 2022 IR 149", "\\ISO 2022 IR 58", "ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 159"]))
def test_no_text_is_lost(text: str, charsets: str) -> None:
    text = charset.strip(text, "LO")
    data = charset.encode(text, "LO", charsets)
    if data is not None:
        assert charset.decode(data, "LO", charsets) == text
    else:
        assert charsets not in ("ISO_IR 192", "GB18030")


def test_numbers_and_long_values() -> None:
    row = {"Rows": "512", "NumberOfFrames": "7", "ImageComments": "x" * 9000}
    read = answered(row, level="IMAGE", Rows="", NumberOfFrames="", ImageComments="")
    assert (read.Rows, read.NumberOfFrames, len(read.ImageComments)) == (512, 7, 9000)
    many = "\\".join(["ä" * 60] * 1000)
    asked = identifier.parse(written(SYNTAXES[1], "SERIES", SoftwareVersions=""), SYNTAXES[1], ALL)
    encoded = Answers(asked, "HERE", SYNTAXES[1]).encode({"SoftwareVersions": many})
    assert b"\x18\0\x20\x10UN\0\0" + struct.pack("<I", len(many.encode()) + 1) + many.encode() in encoded  # PS3.5 6.2.2
    assert answered({"Rows": "none"}, level="IMAGE", Rows="").Rows is None


@pytest.mark.parametrize("attribute", [a for a in ATTRIBUTES if not a.sequence and a.keyword != "InstanceAvailability"],
                         ids=lambda a: a.keyword)
@pytest.mark.parametrize("transfer_syntax", SYNTAXES)
def test_every_attribute_of_the_index_is_a_key_and_an_answer(attribute: object, transfer_syntax: str) -> None:
    keyword = attribute.keyword  # type: ignore[attr-defined]
    asked = identifier.parse(written(transfer_syntax, "IMAGE", **{keyword: ""}), transfer_syntax, ALL)
    assert asked.keys == (attribute,)
    assert not asked.unsupported
    read = datasets.decode(Answers(asked, "HERE", transfer_syntax).encode({}), transfer_syntax)
    assert keyword in read
    assert attribute.matching in Matching  # type: ignore[attr-defined]


@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(SYNTAXES))
def test_garbage_is_refused_or_a_request(garbage: bytes, cut: int, transfer_syntax: str) -> None:
    whole = written(transfer_syntax, PatientName="A", StudyDate="20260101-20260131", StudyInstanceUID="1.2")
    for data in (garbage, whole[:cut] + garbage):
        try:
            asked = identifier.parse(data, transfer_syntax, ALL)
        except InvalidIdentifier:
            continue
        Answers(asked, "HERE", transfer_syntax).encode({"PatientName": "Ä"})
