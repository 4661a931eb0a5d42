"""The door: what becomes of every kind of object, on both databases, and what is kept of it."""

import errno
import hashlib
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import RowMapping

from conftest import PostgreSQL, archive
from isocenter.dicom import part10 as dicom_part10
from isocenter.dicom.source import BytesSource
from isocenter.domain.access import SYSTEM, Everything, Role, by_role
from isocenter.domain.errors import Broken, Conflict, Forbidden, Invalid, NoSpace
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import changes, exceptions, imaging
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.cache import DiskCache
from isocenter.store.changes import Change
from isocenter.store.database import Database, InDoubt
from isocenter.store.imaging import Located
from objects import CT, data_set, part10, uid
from sending import arriving


def store(context: Context, data: bytes, **facts: str) -> Outcome:
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet="SCANNER") as reception:
        for start in range(0, len(data), 300):
            reception.write(data[start : start + 200], memoryview(data)[start + 200 : start + 300])
        return reception.finish(**facts)


def log(context: Context, kind: str = "") -> list[Change]:
    return [row for row in context.database.read(lambda c: changes.since(c, 0)) if not kind or row.kind == kind]


def cases(context: Context) -> list[RowMapping]:
    return context.database.read(partial(exceptions.page, scope=Everything()))


def held(context: Context, study: str = "1.2.3.1") -> list[Located]:
    return context.database.read(lambda c: imaging.locate(c, study))


def keys(context: Context) -> list[str]:
    return [key for area in ("archive", "quarantine") for key in context.blobs.list(area)]


def nothing_incoming(context: Context) -> bool:
    return not arriving(context.settings.data)


def test_an_instance_is_kept_as_it_was_sent(context: Context) -> None:
    data = part10(4096, SOPInstanceUID="1.2.3.1.1.7")
    outcome = store(context, data, command_sop_class_uid=CT, command_sop_instance_uid="1.2.3.1.1.7")
    assert outcome == Outcome("stored", CT, "1.2.3.1.1.7", "1.2.3.1", "1.2.3.1.1")
    (row,) = held(context)
    assert context.blobs.path(row.blob_key).read_bytes() == data
    assert (row.sha256, row.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert data[row.dataset_offset :] == data_set(4096, SOPInstanceUID="1.2.3.1.1.7")
    assert row.blob_key.startswith("archive/") and row.blob_key.endswith(".dcm") and "1.2.3" not in row.blob_key
    assert context.database.read(lambda c: imaging.frame_tables(c, [row.id])).keys() == {row.id}
    created, stored = log(context)
    assert (created.kind, created.subject, created.actor) == ("study.created", "1.2.3.1", "system")
    assert (stored.kind, stored.subject) == ("instance.stored", "1.2.3.1")
    assert stored.payload["instances"] == ["1.2.3.1.1.7"] and stored.payload["source_aet"] == "SCANNER"
    assert context.database.read(imaging.counts) == {"patients": 1, "studies": 1, "series": 1, "instances": 1}
    assert nothing_incoming(context)


def test_the_same_again_is_success_and_nothing_twice(context: Context) -> None:
    data = part10(SOPInstanceUID="1.2.3.1.1.7")
    store(context, data)
    before = log(context)
    assert store(context, data).status == "duplicate"
    # another file meta group, the same data set
    assert store(context, part10(SOPInstanceUID="1.2.3.1.1.7", source_aet="OTHER_SCANNER")).status == "duplicate"
    assert len(keys(context)) == 1 and log(context) == before and nothing_incoming(context)


def test_another_data_set_under_the_same_uid_is_a_version(context: Context) -> None:
    first, second = part10(SOPInstanceUID="1.2.9"), part10(SOPInstanceUID="1.2.9", SeriesDescription="changed")
    store(context, first)
    assert store(context, second).status == "version"
    assert store(context, second).status == "duplicate"
    assert store(context, first).status == "duplicate"
    assert store(context, part10(SOPInstanceUID="1.2.9", SeriesDescription="third")).status == "version"
    (row,) = held(context)
    assert context.blobs.path(row.blob_key).read_bytes() == first
    files = context.database.read(imaging.files)
    assert [context.blobs.path(file.blob_key).read_bytes() == second for file in files] == [False, True, False]
    assert [case["kind"] for case in cases(context)] == ["version", "version"]
    assert len(log(context, "instance.version")) == 2
    assert context.database.read(imaging.counts)["instances"] == 1


def test_the_same_pixels_in_another_transfer_syntax_are_a_version(context: Context) -> None:
    store(context, part10(SOPInstanceUID="1.2.9"))
    other = part10(SOPInstanceUID="1.2.9", transfer_syntax="1.2.3.4.5")  # a private one
    assert store(context, other).status == "version"


def test_a_lost_file_comes_back_with_the_same_bytes(context: Context) -> None:
    data = part10(SOPInstanceUID="1.2.9")
    store(context, data)
    key = held(context)[0].blob_key
    context.blobs.delete(key)
    assert store(context, data).status == "duplicate"
    assert context.blobs.path(key).read_bytes() == data


def test_a_damaged_file_never_swallows_what_is_sent(context: Context) -> None:
    data = part10(SOPInstanceUID="1.2.9")
    store(context, data)
    os.truncate(context.blobs.path(held(context)[0].blob_key), 100)
    assert store(context, data).status == "version"
    assert data in [context.blobs.path(key).read_bytes() for key in keys(context)]


@pytest.mark.parametrize(("first", "second", "reason", "where"), [
    ({}, {"PatientID": "P2"}, "the study belongs to another patient", "PatientID"),
    ({}, {"IssuerOfPatientID": "OTHER"}, "the study belongs to another patient", "PatientID"),
    ({}, {"StudyInstanceUID": "1.2.3.2"}, "the series belongs to another study", "SeriesInstanceUID"),
    ({"SOPInstanceUID": "1.7"}, {"SOPInstanceUID": "1.7", "SeriesInstanceUID": "1.2.3.1.2"},
     "the instance belongs to another series", "SOPInstanceUID"),
    ({}, {"StudyInstanceUID": "1." * 33}, "StudyInstanceUID is longer than 64 characters", "StudyInstanceUID"),
    ({}, {"SeriesInstanceUID": "1.2.x"}, "SeriesInstanceUID is no UID", "SeriesInstanceUID"),
    ({}, {"StudyInstanceUID": ""}, "the data set has no StudyInstanceUID", "StudyInstanceUID"),
    ({}, {"SeriesInstanceUID": "-"}, "the data set has no SeriesInstanceUID", "SeriesInstanceUID"),
])
def test_what_contradicts_is_quarantined(
    context: Context, first: dict[str, str], second: dict[str, str], reason: str, where: str
) -> None:
    store(context, part10(**first))
    data = part10(**second)
    outcome = store(context, data)
    assert (outcome.status, outcome.reason) == ("quarantined", reason)
    (case,) = cases(context)
    assert (case["kind"], case["reason"], case["where"], case["source_aet"]) == ("quarantined", reason, where, "SCANNER")
    assert context.blobs.path(case["blob_key"]).read_bytes() == data and case["blob_key"].startswith("quarantine/")
    assert len(log(context, "instance.quarantined")) == 1
    assert context.database.read(imaging.counts) == {"patients": 1, "studies": 1, "series": 1, "instances": 1}
    # sent again: nothing twice
    assert store(context, data).status == "quarantined"
    assert len(keys(context)) == 2 and cases(context)[0]["occurrences"] == 2 and nothing_incoming(context)


@pytest.mark.parametrize(("data", "error"), [
    (b"", Invalid), (b"not DICOM at all" * 100, Invalid), (part10()[:-1], Invalid), (part10()[:200], Invalid),
    (part10(SOPInstanceUID="1.3")[:150] + os.urandom(400), Invalid),
])
def test_what_nobody_can_read_is_refused(context: Context, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        store(context, data)
    assert "Nothing was kept" in str(raised.value)
    assert keys(context) == [] and nothing_incoming(context)
    (refused,) = log(context)
    assert (refused.kind, refused.subject) == ("instance.refused", "SCANNER") and refused.payload["reason"]
    assert cases(context)[0]["kind"] == "refused"


@pytest.mark.parametrize("facts", [
    {"command_sop_instance_uid": "1.9"}, {"command_sop_class_uid": "1.9"}, {"study_instance_uid": "1.9"},
])
def test_what_is_not_what_the_command_said_is_refused(context: Context, facts: dict[str, str]) -> None:
    with ingest.begin(context, SYSTEM, source="stow") as reception, pytest.raises(Conflict) as raised:
        reception.write(part10())
        reception.finish(**facts)
    assert raised.value.where.lower() == next(iter(facts)).removeprefix("command_").replace("_", "")
    assert reception.header is not None and reception.header.study_instance_uid == "1.2.3.1"
    assert keys(context) == [] and len(log(context, "instance.refused")) == 1


def test_sloppy_uids_are_accepted_with_a_warning(context: Context) -> None:
    outcome = store(context, part10(StudyInstanceUID="1.02.3"))
    assert outcome.status == "stored" and outcome.warnings == ("StudyInstanceUID is not well formed",)


def test_patients_are_joined_by_id_and_issuer_only(context: Context) -> None:
    def study(**values: str) -> None:
        number = uid()
        store(context, part10(StudyInstanceUID=number, SeriesInstanceUID=f"{number}.1", **values))

    study(PatientID="P1")
    study(PatientID=" P1 ")
    study(PatientID="P1", IssuerOfPatientID="A")
    study(PatientID="P1", IssuerOfPatientID="A")
    study(PatientID="P1", IssuerOfPatientID="B")
    study(PatientID="")
    study(PatientID="-")
    assert context.database.read(imaging.counts) == {"patients": 5, "studies": 7, "series": 7, "instances": 7}


def test_same_patient_id_with_another_name_is_joined_and_shown(context: Context) -> None:
    store(context, part10(PatientName="Doe^Jane"))
    for number in range(3):
        outcome = store(context, part10(PatientName="DÖE^jane ", StudyInstanceUID="2.1", SeriesInstanceUID=f"2.1.{number}"))
        assert outcome.status == "stored"
    assert cases(context) == []  # case and accents make no other name
    for number in range(3):
        store(context, part10(PatientName="Roe^Richard", StudyInstanceUID="2.2", SeriesInstanceUID=f"2.2.{number}"))
    (case,) = cases(context)
    assert (case["kind"], case["study_instance_uid"], case["where"]) == ("patient_conflict", "2.2", "PatientName")
    (change,) = log(context, "patient.conflict")
    assert change.payload == {"study": "2.2", "fields": ["PatientName"]}
    assert context.database.read(imaging.counts)["patients"] == 1


def test_what_a_study_lacked_is_filled_by_a_later_instance(context: Context) -> None:
    store(context, part10(StudyDescription="", PatientName="", StudyDate=""))
    store(context, part10(StudyDescription="Thorax", PatientName="Doe^Jane", StudyDate="20260101", SeriesInstanceUID="1.2.3.1.2"))
    store(context, part10(StudyDescription="Other", SeriesInstanceUID="1.2.3.1.3"))
    values = context.database.read(lambda c: imaging.study_values(c, "1.2.3.1", Everything()))
    assert values is not None
    assert (values["StudyDescription"], values["PatientName"], values["StudyDate"]) == ("Thorax", "Doe^Jane", "20260101")


def test_nothing_of_a_patient_is_logged(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        store(context, part10(PatientName="Secret^Name", PatientID="SECRETID"))
        store(context, part10(PatientName="Secret^Name", PatientID="SECRETID2"))
        with pytest.raises(Invalid):
            store(context, part10(PatientName="Secret^Name")[:-3])
    told = caplog.text + "".join(str(row) for row in log(context))
    assert "Secret" not in told and "SECRET" not in told


def test_storing_needs_the_permission(sqlite_context: Context) -> None:
    with pytest.raises(Forbidden):
        ingest.begin(sqlite_context, by_role("r", Role.REFERRER, "user", "basic"), source="stow")
    assert nothing_incoming(sqlite_context)


def test_little_free_space_is_no_space(sqlite_context: Context) -> None:
    settings = Settings(data=sqlite_context.settings.data, min_free_space=1 << 60)
    full = Context(sqlite_context.database, sqlite_context.blobs, settings)
    with pytest.raises(NoSpace):
        ingest.begin(full, SYSTEM, source="dimse")
    assert nothing_incoming(full)


class _Nearly(LocalBlobs):
    """A disk that is full as long as the cache has anything."""

    cache: DiskCache

    def free_space(self) -> int:
        return 0 if self.cache.size() else 1 << 40


def test_what_can_be_made_again_goes_before_an_original_is_refused(sqlite_context: Context) -> None:
    blobs = _Nearly(sqlite_context.settings.data)
    blobs.cache = sqlite_context.cache
    sqlite_context.cache.put("a" * 32, [bytes(1000)])
    context = replace(sqlite_context, blobs=blobs, settings=replace(sqlite_context.settings, min_free_space=1 << 40))
    with ingest.begin(context, SYSTEM, source="dimse"):
        assert sqlite_context.cache.size() == 0


def test_many_threads_send_the_same_new_study(context: Context) -> None:
    """One patient, one study, one series a UID; every instance once, whoever was first."""
    objects = [
        part10(64, StudyInstanceUID=f"5.{i % 2}", SeriesInstanceUID=f"5.{i % 2}.{i % 3}", SOPInstanceUID=f"5.1.{i}")
        for i in range(40)
    ]
    outcomes: list[str] = []

    def send(first: int) -> None:
        for data in objects[first:] + objects[:first]:
            outcomes.append(store(context, data).status)

    threads = [threading.Thread(target=send, args=(i * 5,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(outcomes)) == ["duplicate", "stored"] and outcomes.count("stored") == 40 and len(outcomes) == 240
    assert context.database.read(imaging.counts) == {"patients": 1, "studies": 2, "series": 6, "instances": 40}
    assert len(keys(context)) == 40 and nothing_incoming(context)


def test_every_real_file_is_kept_bit_by_bit_or_refused_with_a_reason(sqlite_context: Context, data: Path) -> None:
    """A sample of the real files: each folder's first three."""
    for folder in sorted({path.parent for path in data.rglob("*") if path.is_file()}):
        for path in sorted(folder.iterdir())[:3]:
            if not path.is_file():
                continue
            content = path.read_bytes()
            try:
                outcome = store(sqlite_context, content)
            except Invalid as error:
                assert error.message and error.where
                continue
            if outcome.status == "stored" and outcome.study_instance_uid:  # else of no patient: tests/dimse/test_hanging.py
                rows = {row.sop_instance_uid: row for row in held(sqlite_context, outcome.study_instance_uid)}
                row = rows[outcome.sop_instance_uid]
                assert sqlite_context.blobs.path(row.blob_key).read_bytes() == content
                assert dicom_part10.scan(BytesSource(content)).dataset_offset == row.dataset_offset


@pytest.mark.parametrize("source", ["import", "upload", "stow"])
def test_a_bare_data_set_gets_a_part_10_header(sqlite_context: Context, source: ingest.Source) -> None:
    bare = data_set(SOPInstanceUID="1.2.9")
    with ingest.begin(sqlite_context, SYSTEM, source=source) as reception:
        reception.write(bare)
        outcome = reception.finish()
    assert (outcome.status, outcome.sop_instance_uid, outcome.warnings) == ("stored", "1.2.9", ("had no Part 10 header",))
    (row,) = held(sqlite_context)
    content = sqlite_context.blobs.path(row.blob_key).read_bytes()
    assert content[128:132] == b"DICM" and content[row.dataset_offset :] == bare
    assert hashlib.sha256(content).hexdigest() == row.sha256
    assert store(sqlite_context, part10(SOPInstanceUID="1.2.9")).status == "duplicate"
    assert nothing_incoming(sqlite_context)


def test_a_bare_data_set_is_no_c_store(sqlite_context: Context) -> None:
    with pytest.raises(Invalid):
        store(sqlite_context, data_set())


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_a_database_that_goes_away_keeps_nothing_and_comes_back(postgresql: PostgreSQL, folder: Path) -> None:
    url = postgresql.create("isocenter_template")
    with archive(url, folder) as context:
        data = part10(SOPInstanceUID="1.2.9")
        postgresql.stop("fast")
        try:
            with pytest.raises(Broken, match=r"away.*Nothing was kept.*Send it again"):
                store(context, data)
        finally:
            postgresql.start()
        assert keys(context) == [] and nothing_incoming(context)
        assert store(context, data).status == "stored"
        assert len(held(context)) == 1
    postgresql.drop(url)


def test_bytes_stay_when_nobody_knows_whether_the_commit_took_place(
    sqlite_context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row may be there: without its bytes it would be a lost image. Sent again, it is stored."""
    real = Database.write_each

    def doubtful(self, handler, item, then=None):  # type: ignore[no-untyped-def]
        real(self, handler, item)
        raise InDoubt("the database went away during the commit")

    data = part10(SOPInstanceUID="1.2.9")
    monkeypatch.setattr(Database, "write_each", doubtful)
    with pytest.raises(InDoubt):
        store(sqlite_context, data)
    monkeypatch.undo()
    assert len(keys(sqlite_context)) == 1
    assert store(sqlite_context, data).status == "duplicate"
    assert sqlite_context.blobs.path(held(sqlite_context)[0].blob_key).read_bytes() == data


@pytest.mark.parametrize("step", ["writev", "fsync", "link"])
def test_a_disk_that_fills_up_keeps_nothing(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    data = part10(SOPInstanceUID="1.2.9")
    monkeypatch.setattr(os, step, full)
    with pytest.raises(NoSpace):
        store(sqlite_context, data)
    monkeypatch.undo()
    assert keys(sqlite_context) == [] and nothing_incoming(sqlite_context)
    assert sqlite_context.database.read(imaging.counts)["instances"] == 0
    assert store(sqlite_context, data).status == "stored"


@pytest.mark.parametrize("content", ["of another patient", "another version"])
def test_without_hard_links_what_moves_on_keeps_its_bytes(
    sqlite_context: Context, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    first = part10(SOPInstanceUID="1.2.9")
    changed = {"PatientID": "P2", "SOPInstanceUID": "1.2.10"} if content == "of another patient" else {"SOPInstanceUID": "1.2.9"}
    second = part10(pixels=64, **changed)
    monkeypatch.setattr(os, "link", unable)
    store(sqlite_context, first)
    outcome = store(sqlite_context, second)
    assert outcome.status == ("quarantined" if content == "of another patient" else "version")
    names = [key for area in ("archive", "quarantine") for key in sqlite_context.blobs.list(area)]
    kept = [sqlite_context.blobs.path(key).read_bytes() for key in names]
    assert sorted(kept) == sorted([first, second]) and nothing_incoming(sqlite_context)
