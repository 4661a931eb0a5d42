"""Verify and reindex, on both databases, with real files."""

import os
import re
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

import objects
from isocenter.domain.access import SYSTEM, Everything
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.service.importing import import_paths
from isocenter.service.integrity import Finding, Verification, reindex
from isocenter.store import exceptions, imaging, schema
from isocenter.store.database import Database


def fill(context: Context, *paths: Path) -> None:
    # One thread: which of two versions came first must be certain.
    list(import_paths(partial(ingest.begin, context, SYSTEM, source="import"), paths, threads=1))


def verify(context: Context, quick: bool = False) -> list[Finding]:
    done = 0

    def advance(number: int) -> None:
        nonlocal done
        done += number

    check = Verification(context, quick=quick)
    found = list(check.run(advance))
    assert done == check.checked == check.expected()
    return found



@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isocenter.service.integrity.YOUNG", -1.0)


def kept(context: Context) -> list[imaging.Kept]:
    return context.database.read(partial(imaging.files, limit=10_000))


def test_an_archive_as_it_should_be(context: Context, data: Path, old: None) -> None:
    fill(context, data / "charsets", data / "sc")
    assert verify(context) == [] and verify(context, quick=True) == []


def test_missing_damaged_and_orphaned_files_are_each_found(context: Context, data: Path, old: None) -> None:
    fill(context, data / "charsets")
    rows = kept(context)
    path = context.blobs.path
    path(rows[0].blob_key).unlink()
    content = bytearray(path(rows[1].blob_key).read_bytes())
    content[-5] ^= 0xFF
    path(rows[1].blob_key).write_bytes(content)
    path(rows[2].blob_key).write_bytes(b"short")
    orphan = path(rows[3].blob_key).with_name("f" * 32 + ".dcm")
    orphan.write_bytes(b"nobody knows me")
    found = {(finding.kind, finding.subject) for finding in verify(context)}
    orphan_key = rows[3].blob_key.rsplit("/", 1)[0] + "/" + orphan.name
    assert found == {("missing", rows[0].blob_key), ("damaged", rows[1].blob_key), ("damaged", rows[2].blob_key),
                     ("orphan", orphan_key)}
    quick = {(finding.kind, finding.subject) for finding in verify(context, quick=True)}
    assert quick == found - {("damaged", rows[1].blob_key)}


def test_what_is_just_coming_in_is_no_orphan(sqlite_context: Context, data: Path) -> None:
    fill(sqlite_context, data / "charsets" / "chrGreek.dcm")
    (row,) = kept(sqlite_context)
    sqlite_context.blobs.path(row.blob_key).with_name("e" * 32 + ".dcm").write_bytes(b"being stored")
    assert verify(sqlite_context) == []


def test_wrong_counters_are_found(context: Context, data: Path) -> None:
    fill(context, data / "charsets" / "chrGreek.dcm")
    context.database.write(lambda connection: connection.execute(
        schema.series.update().values(number_of_series_related_instances=7)))
    assert {finding.kind for finding in verify(context)} == {"counter"}


def snapshot(context: Context) -> dict[str, list[object]]:
    """What a user of the archive can see, without ids and times."""

    def read(connection: object) -> dict[str, list[object]]:
        tables = {"patient": schema.patient, "study": schema.study, "series": schema.series, "instance": schema.instance,
                  "study_modality": schema.study_modality}
        hidden = {"id", "patient_fk", "study_fk", "series_fk", "received_at", "updated_at", "source", "source_aet"}
        hidden_of = {"series": hidden | {"version"}}  # it only grows, by as much as there were transactions
        seen: dict[str, list[object]] = {}
        for name, table in tables.items():
            columns = [column for column in table.c if column.name not in hidden_of.get(name, hidden)]
            seen[name] = sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)  # type: ignore[attr-defined]
        cases = [schema.exception.c[name] for name in ("kind", "reason", "where", "sop_instance_uid", "sha256", "blob_key")]
        wanted = schema.exception.c.kind.in_(("quarantined", "version", "patient_conflict"))
        rows = connection.execute(select(*cases).where(wanted))  # type: ignore[attr-defined]
        seen["exception"] = sorted((tuple(row) for row in rows), key=repr)
        return seen

    return context.database.read(read)


def test_the_index_is_made_again_from_the_files_alone(context: Context, data: Path, tmp_path: Path, old: None) -> None:
    fill(context, data / "charsets", data / "sc", data / "transfer-syntaxes", data / "pathological", data / "mr")
    before = snapshot(context)
    assert len(before["exception"]) > 5 and any(row for row in before["instance"])
    fresh = Context(Database(f"sqlite:///{tmp_path / 'fresh.sqlite'}"), context.blobs, context.settings)
    found: list[int] = []
    results = list(reindex(fresh, found.append))
    assert snapshot(fresh) == before
    assert not [result for result in results if result.status == "refused"]
    assert found[-1] == len(results) and verify(fresh) == []
    fresh.database.close()


def test_which_version_is_served_survives_in_the_names_alone(context: Context, tmp_path: Path) -> None:
    """Two senders at the same moment: what came first is what was committed first, whatever times and days the files have."""
    for number in (1, 2, 3):
        made = objects.part10(SOPInstanceUID="1.2.3.9", SeriesDescription=f"sender {number}")
        (tmp_path / f"{number}.dcm").write_bytes(made)
    fill(context, *(tmp_path / f"{number}.dcm" for number in (1, 2, 3)))
    before = snapshot(context)
    files = sorted(kept(context), key=lambda row: row.id)
    assert [re.sub(".*/[0-9a-f]{32}", "", row.blob_key) for row in files] == [".dcm", ".v2.dcm", ".v3.dcm"]
    for age, row in enumerate(files):  # a backup without times, or a clock that was set back
        os.utime(context.blobs.path(row.blob_key), (1e9 - age, 1e9 - age))
    list(reindex(context, lambda number: None))
    assert snapshot(context) == before
    assert not list((context.settings.data / "incoming").iterdir()) and verify(context) == []


def test_reindexing_in_place_keeps_what_people_have_done(context: Context, data: Path) -> None:
    fill(context, data / "charsets", data / "transfer-syntaxes" / "JLSL_RGB_ILV0.dcm")
    (case,) = context.database.read(partial(exceptions.page, kinds=("quarantined",), scope=Everything()))[:1]
    context.database.write(lambda connection: exceptions.dismiss(connection, case["id"], "admin", context.clock()))
    before = snapshot(context)
    list(reindex(context, lambda number: None))
    assert snapshot(context) == before
    assert case["id"] not in {row["id"] for row in context.database.read(partial(exceptions.page, scope=Everything()))}


def test_a_file_that_was_damaged_is_named_and_the_rest_is_indexed(sqlite_context: Context, data: Path) -> None:
    fill(sqlite_context, data / "charsets")
    rows = kept(sqlite_context)
    sqlite_context.blobs.path(rows[0].blob_key).write_bytes(b"not DICOM any more")
    results = {result.name: result for result in reindex(sqlite_context, lambda number: None)}
    assert results[rows[0].blob_key].status == "refused" and "cannot be read any more" in results[rows[0].blob_key].reason
    assert len(kept(sqlite_context)) == len(rows) - 1
