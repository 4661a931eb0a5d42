"""Importing files, folders, ZIPs and DICOMDIRs through the real door, on both databases where it matters."""

import os
import shutil
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom import file_set
from isocenter.dicom.part10 import Malformed
from isocenter.dicom.source import BytesSource
from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.errors import Forbidden, NoSpace
from isocenter.service import exceptions, ingest
from isocenter.service.context import Context
from isocenter.service.importing import MISSING_FILE, Result, import_paths
from isocenter.store import imaging
from objects import part10


def take(context: Context, *paths: Path, threads: int = 2) -> list[Result]:
    return list(import_paths(partial(ingest.begin, context, SYSTEM, source="import"), paths, threads=threads))


def counts(results: list[Result]) -> dict[str, int]:
    return dict(Counter(result.status for result in results))


def test_a_folder_comes_in_and_again_changes_nothing(context: Context, data: Path) -> None:
    folder = data / "mr" / "study-brain-multiseries-with-ko"
    number = sum(path.is_file() for path in folder.rglob("*"))
    first = take(context, folder)
    assert counts(first) == {"stored": number}
    assert counts(take(context, folder, threads=4)) == {"duplicate": number}
    assert context.database.read(imaging.counts)["instances"] == number


def test_a_file_named_by_hand_must_be_dicom_one_met_in_a_folder_need_not(sqlite_context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "cd"
    folder.mkdir()
    (folder / "viewer.exe").write_bytes(b"MZ" + bytes(500))
    (folder / "empty").write_bytes(b"")
    (folder / ".DS_Store").write_bytes(b"x")
    assert counts(take(sqlite_context, folder)) == {"ignored": 2}
    (named,) = take(sqlite_context, folder / "viewer.exe")
    assert (named.status, named.reason) == ("refused", "this is no DICOM file")
    (noted,) = exceptions.page(sqlite_context, SYSTEM, kind=None, dismissed=False, limit=9, after=None).cases
    assert (noted["kind"], noted["reason"], noted["source"]) == ("refused", named.reason, "import")
    (missing,) = take(sqlite_context, tmp_path / "nowhere")
    assert (missing.status, missing.reason) == ("refused", "there is no such file")


def test_a_truncated_file_is_refused_with_its_reason_and_the_others_come_in(sqlite_context: Context, data: Path,
                                                                             tmp_path: Path) -> None:
    whole = data / "ct" / "priors" / "A002304"
    some = sorted(path for path in whole.rglob("*") if path.is_file())[:3]
    (tmp_path / "cut.dcm").write_bytes(some[0].read_bytes()[:-100])
    results = {Path(result.name).name: result for result in take(sqlite_context, tmp_path / "cut.dcm", *some[1:])}
    assert results["cut.dcm"].status == "refused" and "cut short" in results["cut.dcm"].reason
    assert [results[path.name].status for path in some[1:]] == ["stored", "stored"]
    assert not list((sqlite_context.settings.data / "incoming").iterdir())


def test_a_dicomdir_brings_the_files_it_names(context: Context, data: Path) -> None:
    results = take(context, data / "dicomdir" / "tiny-alpha" / "DICOMDIR")
    assert counts(results) == {"stored": 50}
    assert all("IM0000" in result.name for result in results)


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-bigEnd", "DICOMDIR-reordered", "DICOMDIR-nopatient",
                                  "DICOMDIR-nooffset"])
def test_faulty_dicomdirs_still_name_their_files(name: str, sqlite_context: Context, data: Path) -> None:
    results = take(sqlite_context, data / "dicomdir" / "media" / name)
    assert len(results) == 31 and {result.status for result in results} == {"stored"}


def test_a_dicomdir_that_is_cut_short_says_how_its_files_come_in_all_the_same(
    sqlite_context: Context, data: Path, tmp_path: Path
) -> None:
    medium = shutil.copytree(data / "dicomdir" / "tiny-alpha", tmp_path / "medium")
    content = (medium / "DICOMDIR").read_bytes()
    (medium / "DICOMDIR").write_bytes(content[: len(content) // 2])
    (refused,) = take(sqlite_context, medium / "DICOMDIR")
    assert refused.status == "refused" and "cut short" in refused.reason and "import its folder" in refused.reason
    assert counts(take(sqlite_context, medium)) == {"stored": 50, "ignored": 1}


def test_references_to_nowhere_are_reported_each(sqlite_context: Context, data: Path) -> None:
    results = take(sqlite_context, data / "dicomdir" / "dicomdir-without-its-files" / "DICOMDIR")
    assert len(results) == 14
    assert {(result.status, result.reason) for result in results} == {("refused", MISSING_FILE)}


def test_a_folder_with_dicomdirs_takes_each_file_once(sqlite_context: Context, data: Path) -> None:
    results = take(sqlite_context, data / "dicomdir" / "media")
    assert counts(results) == {"stored": 31, "ignored": 7}


def test_small_letters_on_disk_are_found(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    source = data / "dicomdir" / "tiny-alpha"
    for path in source.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(source).as_posix().lower()
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    assert counts(take(sqlite_context, tmp_path / "dicomdir")) == {"stored": 50}


def test_a_dicomdir_cannot_lead_out_of_its_folder(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    content = (data / "dicomdir" / "tiny-alpha" / "DICOMDIR").read_bytes()
    (tmp_path / "outside").write_bytes(b"secret")
    inside = tmp_path / "inside"
    inside.mkdir()
    wrong = content.replace(b"PT000000\\ST000000\\SE000000\\IM000000", b"..\\outside".ljust(35))
    assert wrong != content
    (inside / "DICOMDIR").write_bytes(wrong)
    results = take(sqlite_context, inside / "DICOMDIR")
    assert {(result.status, result.reason) for result in results} == {("refused", MISSING_FILE)}
    assert not any(result.name.endswith("outside") and ".." in result.name for result in results)


def test_a_zip_comes_in_entry_by_entry(context: Context, data: Path, tmp_path: Path) -> None:
    files = sorted(path for path in (data / "pt-ct" / "study-petct-with-ko").rglob("*") if path.is_file())
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, path in enumerate(files):
            archive.write(path, f"a folder/{number}.dcm")
        archive.writestr("readme.txt", "hello")
        archive.writestr("__MACOSX/._0.dcm", "x")
        archive.writestr("inner.zip", b"PK\x03\x04" + bytes(200))
    results = take(context, tmp_path / "study.zip")
    assert counts(results) == {"stored": len(files), "ignored": 1, "refused": 1}
    assert any(result.name == f"{tmp_path}/study.zip/a folder/0.dcm" for result in results)
    assert next(result for result in results if result.status == "refused").reason.startswith("this is a ZIP inside a ZIP")


def test_a_zip_that_was_cut_off_does_not_end_the_import(sqlite_context: Context, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("image", part10())
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:-30])
    (tmp_path / "b.dcm").write_bytes(part10(SOPInstanceUID="1.2.3.77"))
    for paths in ([tmp_path], [tmp_path / "a.zip", tmp_path / "b.dcm"]):
        results = {Path(result.name).name: result for result in take(sqlite_context, *paths, threads=1)}
        assert results["a.zip"].status == "refused" and "cut off" in results["a.zip"].reason
        assert results["b.dcm"].status in ("stored", "duplicate")


def test_links_fifos_and_devices_do_no_harm(sqlite_context: Context, data: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    (tmp_path / "good").symlink_to((data / "charsets" / "chrGreek.dcm").resolve())
    (tmp_path / "zero").symlink_to("/dev/zero")
    results = {Path(result.name).name: result for result in take(sqlite_context, tmp_path)}
    assert results.pop("good").status == "stored"
    assert {name: result.status for name, result in results.items()} == dict.fromkeys(("fifo", "broken", "zero"), "refused")


def test_a_full_disk_ends_the_import_and_says_so(sqlite_context: Context, data: Path) -> None:
    door_calls = 0

    def door() -> ingest.Reception:
        nonlocal door_calls
        door_calls += 1
        if door_calls > 5:
            raise NoSpace("the disk is nearly full", kept="Nothing was kept.")
        return ingest.begin(sqlite_context, SYSTEM, source="import")

    results: list[Result] = []
    with pytest.raises(NoSpace):
        for result in import_paths(door, [data / "charsets"], threads=2):
            results.append(result)
    assert 1 <= len(results) <= 5


def test_who_may_not_store_may_not_import(sqlite_context: Context, data: Path) -> None:
    referrer = by_role("ref", Role.REFERRER, "user", "cli", referrer_name="Doe^Jane")
    with pytest.raises(Forbidden):
        list(import_paths(partial(ingest.begin, sqlite_context, referrer, source="import"), [data / "charsets"]))


def test_a_reader_that_stops_early_leaves_no_thread_and_no_file(sqlite_context: Context, data: Path) -> None:
    import threading

    results = import_paths(partial(ingest.begin, sqlite_context, SYSTEM, source="import"), [data / "charsets"])
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("import-")]
    assert not list((sqlite_context.settings.data / "incoming").iterdir())


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 2000))
def test_property_a_mutilated_dicomdir_is_read_or_refused(noise: bytes, at: int, cut: int) -> None:
    path = Path(__file__).parents[1] / "../../shared/data/dicomdir/dicomdir-without-its-files/DICOMDIR"
    content = path.read_bytes()
    content = content[:at] + noise + content[at + len(noise):]
    try:
        for reference in file_set.references(BytesSource(content[: len(content) - cut])):
            assert reference.components
    except Malformed as fault:
        assert fault.reason
