"""Specific Character Sets, against the examples of PS3.5 Annexes H to K and the files of the test data."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import charset, part10
from isocenter.dicom.source import FileSource

ESC = b"\x1b"


@pytest.mark.parametrize(
    "raw, charsets, expected",
    [
        # PS3.5 H.3.1, H.3.2, H.3.3
        (
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "\\ISO 2022 IR 87",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        # PS3.5 I.2
        (
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "\\ISO 2022 IR 149",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        # the same from a writer that leaves the escape sequences out
        (
            b"Hong^Gildong=\xfb\xf3^\xd1\xce\xd4\xd7=\xc8\xab^\xb1\xe6\xb5\xbf",
            "\\ISO 2022 IR 149",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        # PS3.5 J.1, J.2, K.2
        ("Wang^XiaoDong=王^小東".encode(), "ISO_IR 192", "Wang^XiaoDong=王^小東"),
        ("Wang^XiaoDong=王^小东".encode("gb18030"), "GB18030", "Wang^XiaoDong=王^小东"),
        ("Wang^XiaoDong=王^小东".encode("gbk"), "GBK", "Wang^XiaoDong=王^小东"),
        (b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东"),
        # JIS X 0212 by ISO 2022 IR 159
        (b'\x1b$(D0!0"\x1b(B^A', "\\ISO 2022 IR 159", "丂丄^A"),
        # Single bytes, with and without code extensions
        ("Buc^Jérôme".encode("latin_1"), "ISO_IR 100", "Buc^Jérôme"),
        ("Äneas^Rüdiger".encode("latin_1"), "ISO 2022 IR 100", "Äneas^Rüdiger"),  # wrongly with 2022 alone
        ("Wałęsa".encode("iso8859_2"), "ISO_IR 101", "Wałęsa"),
        ("Diονυσιος".encode("iso8859_7"), "ISO_IR 126", "Diονυσιος"),
        ("Люкceмбypг".encode("iso8859_5"), "ISO_IR 144", "Люкceмбypг"),
        ("قباني^لنزار".encode("iso8859_6"), "ISO_IR 127", "قباني^لنزار"),
        ("שרון^דבורה".encode("iso8859_8"), "ISO_IR 138", "שרון^דבורה"),
        ("Çavuşoğlu".encode("iso8859_9"), "ISO_IR 148", "Çavuşoğlu"),
        ("สมชาย".encode("iso8859_11"), "ISO_IR 166", "สมชาย"),
        ("Œuvre €".encode("iso8859_15"), "ISO_IR 203", "Œuvre €"),
        (b"Dionysios=\x1b-F" + "Διονυσιος".encode("iso8859_7"), "ISO 2022 IR 6\\ISO 2022 IR 126", "Dionysios=Διονυσιος"),
        (b"Buc^J\xe9r\xf4me=\x1b-L" + "Люк".encode("iso8859_5"), "ISO 2022 IR 100\\ISO 2022 IR 144", "Buc^Jérôme=Люк"),
    ],
)
def test_names_in_every_set(raw: bytes, charsets: str, expected: str) -> None:
    assert charset.decode_noting(raw, "PN", charsets) == (expected, False)


def test_delimiters_put_the_first_set_back_in_force() -> None:
    # PS3.5 6.1.2.5.3: after ^ and = the escape sequence must come again; in a text after the line end
    greek = "αβ".encode("iso8859_7")
    sets = "ISO 2022 IR 100\\ISO 2022 IR 126"
    assert charset.decode(b"\x1b-F" + greek + b"^" + b"\xe4", "PN", sets) == "αβ^ä"
    assert charset.decode(b"\x1b-F" + greek + b"\\" + b"\xe4", "LO", sets) == "αβ\\ä"
    assert charset.decode(b"\x1b-F" + greek + b"\r\n" + b"\xe4", "LT", sets) == "αβ\r\nä"
    assert charset.decode(b"\x1b-F" + greek + b"^" + greek, "LO", sets) == "αβ^αβ"  # no delimiter in other VRs


def test_backslash_bytes_inside_two_byte_characters_are_no_delimiters() -> None:
    # 表 is 0x49 0x3D ("I="), 構 is 0x39 0x3D, 十 is 0x3D 0x3D
    raw = b"\x1b$B" + "表構十".encode("iso2022_jp")[3:-3] + b"\x1b(B^A"
    assert charset.decode(raw, "PN", "\\ISO 2022 IR 87") == "表構十^A"


@pytest.mark.parametrize(
    "term", ["ISO_2022_IR_100", "ISO-IR 100", "ISO IR 100", "iso_ir 100", "100", "ISO_IR100", "LATIN1", "ISO_IR 100 "]
)
def test_wrongly_written_terms_are_understood(term: str) -> None:
    assert charset.decode_noting(b"M\xfcller", "LO", term) == ("Müller", False)


def test_what_does_not_fit_is_said() -> None:
    assert charset.decode_noting("Müller".encode(), "LO", "") == ("Müller", True)
    assert charset.decode_noting(b"M\xfcller", "LO", "") == ("Müller", True)
    assert charset.decode_noting(b"M\xfcller", "LO", "ISO_IR 999") == ("Müller", True)
    text, unsound = charset.decode_noting(b"\xc3\x28", "LO", "ISO_IR 192")
    assert unsound and "\ufffd" in text
    assert charset.decode_noting(b"37.5 \xb0C", "LO", "\\ISO 2022 IR 87") == ("37.5 °C", True)
    assert charset.decode_noting(b"A\x1b%GB", "LO", "ISO 2022 IR 100")[1]
    assert charset.decode_noting(b"2\xb2", "CS", "ISO_IR 100") == ("2²", True)  # the default repertoire only


def test_padding_goes_of_each_value() -> None:
    assert charset.decode(b"A \\B  \\C\0", "LO", "") == "A\\B\\C"
    assert charset.decode(b" A\\B  ", "LT", "") == " A\\B"


def test_every_file_of_the_character_sets_is_sound(data: Path) -> None:
    checked = 0
    with open(data / "MANIFEST.csv", newline="") as manifest:
        paths = [row["path"] for row in csv.DictReader(manifest) if row["path"].startswith("charsets/")]
    for path in paths:
        with open(data / path, "rb") as file:
            header = part10.scan(FileSource(file.fileno()))
        assert header.warnings == (), path
        assert not any("\ufffd" in text or "\x1b" in text for text in header.values.values()), path
        checked += 1
    assert checked > 15


_CHARSETS = st.sampled_from(
    [
        "",
        "ISO_IR 100",
        "ISO_IR 13",
        "ISO_IR 192",
        "GB18030",
        "\\ISO 2022 IR 87",
        "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
        "\\ISO 2022 IR 149",
        "\\ISO 2022 IR 58",
        "nonsense",
        "ISO 2022 IR 126\\ISO 2022 IR 144",
    ]
)


@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"\x1b$B", b"\x1b(B", b"\x1b$)C", b"\x1b-F", b"ab", b"\xb0\xa1", b"^", b"\\", b"!!", b"\n", b"\x1b"])
    ).map(b"".join),
    _CHARSETS | st.text(max_size=20),
    st.sampled_from(["PN", "LO", "LT", "UT", "CS", "UI"]),
)
def test_never_raises(raw: bytes, charsets: str, vr: str) -> None:
    text, unsound = charset.decode_noting(raw, vr, charsets)
    assert isinstance(text, str)
    if "\ufffd" in text and b"\xef\xbf\xbd" not in raw and b"\x84\x31\xa4\x37" not in raw:
        assert unsound


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\\"), max_size=30))
def test_utf_8_comes_back(text: str) -> None:
    assert charset.decode_noting(text.encode(), "LO", "ISO_IR 192") == (text.rstrip(" "), False)
