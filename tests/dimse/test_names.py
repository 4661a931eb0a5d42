"""Names in every character set: found by every spelling, and answered with nothing lost, through findscu and pynetdicom."""

import shutil
import subprocess
from pathlib import Path

import pytest

import objects
from dimse.conftest import Archive
from dimse.test_finding import asked, find, store
from dimse.test_foreign import ENVIRONMENT

findscu = pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")

@pytest.fixture
def named(archive: Archive) -> Archive:
    """An archive with a study for each name."""
    for number, name in enumerate(objects.spellings()):
        store(archive.context, objects.part10(
            64, PatientName=name, PatientID=f"N{number}", StudyInstanceUID=f"1.4.{number}", SeriesInstanceUID=f"1.4.{number}.1",
        ))
    return archive


def test_every_name_is_found_by_every_spelling(named: Archive) -> None:
    for name, spellings in objects.spellings().items():
        for spelling in spellings:
            answers, _ = find(named, asked("STUDY", SpecificCharacterSet="ISO_IR 192", PatientName=spelling))
            assert name in [str(answer.PatientName) for answer in answers], spelling


def test_muller_is_no_miller(named: Archive) -> None:
    names = [str(answer.PatientName) for answer in find(named, asked("STUDY", PatientName="muller*"))[0]]
    assert sorted(names) == ["Mueller^Eva", "Müller^Jürgen"]


@findscu
def test_findscu_asks_and_is_answered_in_other_sets(named: Archive) -> None:
    for charsets, codec, spelling, expected in (
        ("ISO_IR 100", "latin_1", "MÜLLER^JÜRGEN", "Müller^Jürgen"),
        ("ISO_IR 144", "iso8859_5", "люк*", "Люкceмбypг"),
        ("ISO_IR 126", "iso8859_7", "διον*", "Διονυσιος"),
        ("GB18030", "gb18030", "王^小东", "Wang^XiaoDong=王^小东"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田^太郎", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ):
        key = b"PatientName=" + (b"^".join(part.encode(codec) for part in spelling.split("^")))
        keys = (b"QueryRetrieveLevel=STUDY", f"SpecificCharacterSet={charsets}".encode(), key)
        said = subprocess.run(
            [b"findscu", b"-v", b"-S", *(each for key in keys for each in (b"-k", key)), b"127.0.0.1", str(named.port).encode()],
            env=ENVIRONMENT, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ).stdout
        encoded = b"=".join(
            b"^".join(part.encode(codec) for part in group.split("^")) for group in expected.split("=")
        )
        assert encoded in said, (spelling, said)


def test_the_files_of_the_test_data(archive: Archive, data: Path) -> None:
    expected = {
        "chrArab.dcm": "قباني^لنزار", "chrFren.dcm": "Buc^Jérôme", "chrGB2312.dcm": "Zhang^XiaoDong=张^小东",
        "chrGerm.dcm": "Äneas^Rüdiger", "chrGreek.dcm": "Διονυσιος", "chrH31.dcm": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "chrHbrw.dcm": "שרון^דבורה", "chrJapMulti.dcm": "やまだ^たろう", "chrKoreanMulti.dcm": "김희중",
        "chrRuss.dcm": "Люкceмбypг", "chrX1.dcm": "Wang^XiaoDong=王^小東",
        "chrX2.dcm": "Wang^XiaoDong=王^小东",
    }
    for file, name in expected.items():
        store(archive.context, (data / "charsets" / file).read_bytes())
        for spelling in {name, name.lower(), f"{name[:3]}*", *name.split("=")}:
            answers, _ = find(archive, asked("STUDY", SpecificCharacterSet="ISO_IR 192", PatientName=spelling))
            assert name in [str(answer.PatientName) for answer in answers], (file, spelling)
