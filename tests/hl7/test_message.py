"""Reading messages: every separator, escape and character set; and whatever else the network brings."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hl7.messages import message, orm
from isocenter.domain.hl7.answers import ERROR, Verdict, acknowledge
from isocenter.domain.hl7.mapping import RULES, with_site
from isocenter.domain.hl7.message import Malformed, Separators, escape, parse, unescape
from isocenter.domain.hl7.orders import Refused, appointment, instructions
from isocenter.domain.hl7.patients import told
from isocenter.domain.hl7.reports import reports
from isocenter.hl7.mllp import Reader, TooLong, framed


def test_separators_are_those_of_the_message() -> None:
    found = parse(b"MSH#*!?%#A*B#C#D#E#2026##ADT*A08#7#P#2.4\nPID#1##12*3**H%I\n\nZXY#a!b?T?#c\n")
    assert (found.kind, found.control_id, found.version) == ("ADT^A08", "7", "2.4")
    assert found.text("PID-3") == "12" and found.text("PID-3.2") == "3" and found.text("PID-3.4.2") == "I"
    assert found.text("MSH-1") == "#" and found.text("MSH-3.2") == "B"
    assert [found.segments[2].component(each) for each in found.segments[2].repetitions(1)] == ["a", "b%"]


@pytest.mark.parametrize(("charset", "codec"), [
    ("8859/1", "latin-1"), ("8859/15", "iso8859-15"), ("UNICODE UTF-8", "utf-8"), ("", "utf-8"), ("", "cp1252"),
    ("ASCII", "latin-1"), ("nonsense", "utf-8")])
def test_character_sets(charset: str, codec: str) -> None:
    content = f"MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||{charset}\rPID|||1||Müßig^Ænne".encode(codec)
    assert parse(content).text("PID-5") == "Müßig" and parse(content).text("PID-5.2") == "Ænne"


@pytest.mark.parametrize(("charset", "codec", "name"), [
    ("ISO IR6~ISO IR87", "iso2022_jp", "山田"), ("GB 18030-2000", "gb18030", "王小东"), ("8859/7", "iso8859-7", "Διονυσιος"),
    ("8859/5", "iso8859-5", "Люкceмбypг"), ("KS X 1001", "euc_kr", "洪吉洞")])
def test_character_sets_of_the_world(charset: str, codec: str, name: str) -> None:
    assert parse(f"MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||{charset}\rPID|||1||{name}".encode(codec)).text("PID-5") == name


@pytest.mark.parametrize(("written", "read"), [
    ("a\\F\\b", "a|b"), ("\\S\\\\T\\\\R\\\\E\\", "^&~\\"), ("one\\.br\\two\\.sp\\three", "one\ntwo\nthree"), ("\\X41C4\\", "AÄ"),
    ("\\H\\bold\\N\\", "bold"), ("C:\\dir\\x", "C:\\dir\\x"), ("open\\F", "open\\F"), ("", ""), ("\\Zlocal\\", "\\Zlocal\\")])
def test_escapes(written: str, read: str) -> None:
    assert unescape(written) == read


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=60))
def test_what_is_escaped_is_read_back(text: str) -> None:
    assert unescape(escape(text), Separators()) == text
    content = f"MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||UNICODE UTF-8\rPID|||1|{escape(text)}~x"
    assert parse(content.encode()).text("PID-4") == text.strip()


PIECES = [
    b"MSH", b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"PID|", b"OBR|1|", b"ORC|NW|", b"IPC|", b"SCH|",
    b"AIS|", b"OBX|1|ED|", b"MRG|", b"ORM^O01", b"20261122", b"\xff\xfe", b"\x00", b"\\X4", "é".encode(),
    b"8859/1", b"\x0b", b"\x1c",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=60), st.booleans())
@example([b"|^~\\&" + b"|" * 20 + b"\rORC|NW\rIPC"], True)
def test_nothing_that_comes_breaks_the_reader(pieces: list[bytes], begins: bool) -> None:
    """Malformed or a message; of a message, what is asked for or why not; and always an answer that can be read."""
    try:
        found = parse(b"MSH|^~\\&|" * begins + b"".join(pieces))
    except Malformed as fault:
        assert fault.where.startswith("MSH")
        return
    table = with_site("", "")
    for read in (lambda: instructions(found, table, ("20261122", "100000")), lambda: appointment(found, table),
                 lambda: told(found, table), lambda: reports(found, table)):
        try:
            read()
        except Refused as refused:
            assert refused.verdict.acknowledgement == ERROR and refused.verdict.where
    answer = parse(acknowledge(found, Verdict(ERROR, "101", "PID-3.1", "a|b"), datetime.now()))
    assert answer.text("MSA-1") == "AE" and answer.text("MSA-3") == "a|b"
    assert answer.text("MSA-2") == found.control_id.strip() or "\n" in found.control_id or "\0" in found.control_id


@given(st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\x1c", b"")), max_size=5), st.data())
def test_mllp_in_pieces_of_any_size(contents: list[bytes], data: st.DataObject) -> None:
    stream, reader, found = b"".join(b"\r\n" + framed(content) for content in contents), Reader(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += reader.feed(stream[:size])
        stream = stream[size:]
    assert found == contents


def test_mllp_has_an_end() -> None:
    reader = Reader(longest=100)
    assert reader.feed(b"noise" * 100) == []
    with pytest.raises(TooLong):
        reader.feed(b"\x0b" + b"x" * 200)


def test_a_site_has_its_own_places() -> None:
    table = with_site("AccessionNumber=OBR-3, Modality=ZIM-2.2/OBR-24", "MR=MR1/MR2")
    content = orm(modality="").replace(b"|CT1|", b"||") + b"ZIM|x|a^MR\r"
    (made,) = instructions(parse(content), table, ("20261122", "100000"))
    assert made.facts["AccessionNumber"] == "FI1"
    assert made.steps[0]["Modality"] == "MR" and made.steps[0]["ScheduledStationAETitle"] == ["MR1", "MR2"]
    assert table.place("steps[0].Modality") == "ZIM-2.2"
    for wrong in ("Accession=OBR-3", "AccessionNumber", "AccessionNumber=3", "AccessionNumber=OBR-0"):
        with pytest.raises(ValueError, match=r"none of|cannot be read|no place"):
            with_site(wrong, "")
    with pytest.raises(ValueError, match="no AE title"):
        with_site("", "CT=AN AE TITLE THAT IS TOO LONG")


def test_an_unplanned_order_is_to_be_done_from_now_on() -> None:
    (made,) = instructions(parse(orm(start="")), with_site("", ""), ("20261122", "100000"))
    assert made.steps[0]["ScheduledProcedureStepStartDate"] == "20261122"
    assert parse(message("ORM^O01")).segments[0].name == "MSH"


def test_the_documented_fields_are_the_table() -> None:
    written = (Path(__file__).parents[2] / "docs" / "hl7.md").read_text("utf-8")
    for rule in RULES:
        assert f"| {rule.keyword} | {', '.join(map(str, rule.places))} |" in written
