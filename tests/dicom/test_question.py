"""Identifiers that we send, read back by pydicom, and answers as archives write them."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from isocenter.dicom import datasets, question, syntaxes
from isocenter.dicom.attributes import Level

EXPLICIT, IMPLICIT = syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, syntaxes.IMPLICIT_VR_LITTLE_ENDIAN
BOTH = pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])


def read(data: bytes, syntax: str) -> Dataset:
    return read_dataset(BytesIO(data), syntax == IMPLICIT, True, bytelength=len(data))


@BOTH
def test_a_question_as_pydicom_reads_it(syntax: str) -> None:
    keys = {"PatientName": "MULLER*", "StudyDate": "20260101-", "ModalitiesInStudy": "CT\\MR", "StudyInstanceUID": "",
            "NumberOfStudyRelatedInstances": ""}
    asked = read(question.encode(Level.STUDY, keys, syntax), syntax)
    assert asked.QueryRetrieveLevel == "STUDY" and str(asked.PatientName) == "MULLER*" and asked.StudyDate == "20260101-"
    assert list(asked.ModalitiesInStudy) == ["CT", "MR"] and asked.StudyInstanceUID == ""
    assert "SpecificCharacterSet" not in asked, "plain ASCII needs none"
    assert [element.tag for element in asked] == sorted(element.tag for element in asked)  # PS3.5 7.1


@pytest.mark.parametrize(
    ("name", "charsets", "said"),
    [("Müller^Jürgen", "ISO_IR 100", "ISO_IR 100"), ("Müller^Jürgen", "", "ISO_IR 192"),
     ("山田^太郎", "ISO_IR 100", "ISO_IR 192"), ("Люкceмбypг", "ISO_IR 144", "ISO_IR 144")],
    ids=["its own", "none said", "cannot say it", "cyrillic"],
)  # fmt: skip
def test_text_is_written_in_the_peers_character_set_or_in_unicode(name: str, charsets: str, said: str) -> None:
    asked = read(question.encode(Level.PATIENT, {"PatientName": name}, EXPLICIT, charsets), EXPLICIT)
    assert (asked.SpecificCharacterSet, str(asked.PatientName)) == (said, name)


@pytest.mark.parametrize("keyword", ["Nonsense", "RequestAttributesSequence", "PixelData", "SmallestImagePixelValue"])
def test_what_cannot_be_asked(keyword: str) -> None:
    with pytest.raises(question.InvalidQuestion, match=keyword):
        question.encode(Level.STUDY, {keyword: ""}, EXPLICIT)


@BOTH
def test_an_answer_is_read_in_its_character_set_or_else_in_the_peers(syntax: str) -> None:
    row = Dataset()
    row.SpecificCharacterSet, row.PatientName, row.ModalitiesInStudy = "ISO_IR 100", "Müller^Jürgen", ["CT", "MR"]
    row.NumberOfStudyRelatedInstances, row.RequestAttributesSequence = 12, [Dataset()]
    row.add_new(0x00091001, "LO", "private")
    told = question.decode(datasets.encode(row, syntax), syntax, "ISO_IR 144")
    assert told == {"PatientName": "Müller^Jürgen", "ModalitiesInStudy": "CT\\MR", "NumberOfStudyRelatedInstances": "12"}
    encoded = b"\x10\x00\x10\x00PN\x06\x00" + "Müller".encode("latin-1")
    assert question.decode(encoded, EXPLICIT, "ISO_IR 100") == {"PatientName": "Müller"}


@BOTH
def test_an_answer_that_breaks_off_is_read_as_far_as_it_goes(syntax: str) -> None:
    row = Dataset()
    row.PatientID, row.StudyInstanceUID = "P1", "1.2.3"
    data = datasets.encode(row, syntax)
    assert question.decode(data[:-2], syntax) == {"PatientID": "P1"}


@given(data=st.binary(max_size=300), syntax=st.sampled_from([EXPLICIT, IMPLICIT]))
def test_whatever_an_archive_answers_is_read_without_fault(data: bytes, syntax: str) -> None:
    assert all(isinstance(text, str) for text in question.decode(data, syntax).values())


_LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\=^")


@given(name=st.text(_LETTERS, min_size=1, max_size=30))
def test_every_name_survives(name: str) -> None:
    data = question.encode(Level.STUDY, {"PatientName": name}, IMPLICIT)
    assert question.decode(data, IMPLICIT)["PatientName"] == name
