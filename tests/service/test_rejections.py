"""Rejected objects (IHE RAD IOCM): hidden at every door, taken back exactly, deleted in two steps, on both databases."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from api_harness import Api
from isocenter.dicom import query as queries
from isocenter.dicom.attributes import Level
from isocenter.domain.access import SYSTEM, Everything, Principal, Role, by_role
from isocenter.domain.errors import Conflict, Forbidden, Invalid, Missing
from isocenter.domain.key_objects import KEY_OBJECTS
from isocenter.domain.rejections import CODES
from isocenter.service import ingest, integrity, rejections
from isocenter.service.context import Context
from isocenter.service.integrity import Verification
from isocenter.service.retrieve import Retrieval
from isocenter.store import changes, finding, imaging, visible, worklist
from isocenter.store import rejections as rows
from isocenter.store.schema import instance, patient, series, study, study_modality, study_sop_class
from isocenter.store.schema_rejections import deletion
from isocenter.work.rejections import delete_due
from objects import part10, uid

RADIOLOGIST = by_role("ray", Role.RADIOLOGIST, "user", "session")
TECHNOLOGIST = by_role("tech", Role.TECHNOLOGIST, "user", "session")
_IDS = {"id", "patient_fk", "study_fk", "series_fk", "received_at", "updated_at", "version"}


def stored(context: Context, study_uid: str, series_uid: str, **values: str) -> bytes:
    """An image of a patient of its own, taken in."""
    content = part10(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, PatientID=f"P{study_uid}", **values)
    Api(context).store(content)
    return content


def door(context: Context) -> Callable[[], Any]:
    return partial(ingest.begin, context, SYSTEM, source="upload")


def reject(context: Context, study_uid: str, who: Principal = SYSTEM, **what: Any) -> rejections.Rejection:
    return rejections.reject(context, who, study_uid, door(context), **{"kind": "quality", "reason": "blurred", **what})


def state(context: Context) -> dict[str, Any]:
    """Everything that the index says of what is served, but for ids and times."""

    def read(connection: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for table, shown in ((patient, patient.c.number_of_patient_related_instances > 0),
                             (study, study.c.number_of_study_related_instances > 0),
                             (series, series.c.number_of_series_related_instances > 0), (instance, instance.c.current)):
            listed = connection.execute(select(table).where(shown)).mappings()
            found[table.name] = sorted(str({k: v for k, v in row.items() if k not in _IDS}) for row in listed)
        kinds = connection.execute(select(study_modality.c.modality, study_modality.c.study_date)).all()
        classes = connection.execute(select(study_sop_class.c.sop_class_uid)).scalars()
        return {**found, "kinds": sorted(map(tuple, kinds)), "classes": sorted(classes)}

    return context.database.read(read)


def doors(context: Context) -> dict[str, set[str]]:
    """What everybody finds: UIDs by each level of searching, in the study list, and to be retrieved."""

    def read(connection: Any) -> dict[str, set[str]]:
        keys = {Level.PATIENT: "PatientID", Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID",
                Level.INSTANCE: "SOPInstanceUID"}  # fmt: skip
        found = {level.name: {row[key] for row in finding.find(connection, queries.Query(level))} for level, key in keys.items()}
        page = partial(worklist.page, connection, limit=100, offset=0, after=None)
        order, scope = worklist.Order("StudyDate", True), Everything()
        named = [worklist.Begins("PatientName", ("Doe",))]
        found["list"] = {row["StudyInstanceUID"] for row in page([], scope, order).rows}
        found["by name"] = {row["StudyInstanceUID"] for row in page(named, scope, order).rows}
        by_modality = [*named, worklist.Modalities(("CT", "KO"))]
        found["by modality"] = {row["StudyInstanceUID"] for row in page(by_modality, scope, order).rows}
        studies = set(connection.execute(select(study.c.study_instance_uid)).scalars())
        found["details"] = {one for one in studies if worklist.detail(connection, scope, one) is not None}
        found["permitted"] = visible.permitted(connection, scope, studies)
        found["retrieved"] = {each.sop_instance_uid for one in studies for each in imaging.locate(connection, one)}
        return found

    return context.database.read(read)


@pytest.mark.parametrize("kind", list(CODES))
def test_what_is_rejected_is_hidden_at_every_door_and_comes_back_exactly(context: Context, kind: str) -> None:
    whole, part, left, bad = uid(), uid(), uid(), uid()
    stored(context, whole, uid())
    stored(context, part, left, Modality="CT")
    stored(context, part, bad, Modality="MR")
    before, seen = state(context), doors(context)
    first = reject(context, whole, kind=kind)
    second = reject(context, part, kind=kind, series=[bad])
    assert (first.hidden, first.objects, second.hidden, first.code) == (1, 1, 1, CODES[kind][0])
    now = doors(context)
    for name in ("list", "by name", "by modality", "details", "permitted", "STUDY"):
        assert now[name] == seen[name] - {whole} == {part}, name
    assert now["PATIENT"] == {f"P{part}"} and now["SERIES"] == {left}
    assert len(now["INSTANCE"]) == 1 == len(now["retrieved"])
    counts = context.database.read(imaging.counts)
    assert counts == {"patients": 1, "studies": 1, "series": 1, "instances": 1}
    row = context.database.read(lambda connection: worklist.detail(connection, Everything(), part))
    assert row is not None and row.study["ModalitiesInStudy"] == "CT" and row.study["NumberOfStudyRelatedInstances"] == 1
    assert not list(Verification(context).run(lambda count: None))
    for made in (second, first):
        assert rejections.restore(context, SYSTEM, made.id).undone_by == "system"
    assert state(context) == before and doors(context) == seen
    with pytest.raises(Conflict):
        rejections.restore(context, SYSTEM, first.id)


def test_who_may_see_rejected_objects_opens_them_by_their_names_and_nobody_else(sqlite_context: Context) -> None:
    context, held, where = sqlite_context, uid(), uid()
    stored(context, held, where)
    (sop,) = doors(context)["INSTANCE"]
    made = reject(context, held)
    retrieval = Retrieval(context)
    of_note = select(series.c.series_instance_uid).where(series.c.modality == "KO")
    noted = context.database.read(lambda connection: connection.execute(of_note).scalar_one())
    for uids in ((held, where, sop), (held, noted, made.note_uid)):
        assert [each.sop_instance_uid for each in retrieval.instances(TECHNOLOGIST, *uids)] == [uids[2]]
        with pytest.raises(Missing):
            retrieval.instances(RADIOLOGIST, *uids)
    assert retrieval.frames(TECHNOLOGIST, held, where, sop).count == 1
    for ask in (partial(retrieval.frames, RADIOLOGIST, held, where, sop), partial(retrieval.instances, TECHNOLOGIST, held),
                partial(retrieval.series_document, TECHNOLOGIST, held, where, "http://x")):
        with pytest.raises(Missing):
            ask()
    with pytest.raises(Forbidden):
        rejections.page(context, RADIOLOGIST)
    with pytest.raises(Forbidden):
        rejections.delete(context, TECHNOLOGIST, made.id, "no")
    with pytest.raises(Forbidden):
        rejections.reject(context, by_role("ref", Role.REFERRER, "user", "session", referrer_name="X"), held, door(context),
                          kind="quality", reason="x")
    assert [each.note_uid for each in rejections.page(context, TECHNOLOGIST)] == [made.note_uid]


def test_what_comes_again_stays_hidden_and_what_expired_is_taken_in_as_new(context: Context) -> None:
    bad, old = uid(), uid()
    again, expired = stored(context, bad, uid()), stored(context, old, uid())
    made = [reject(context, bad, kind="safety"), reject(context, old, kind="retention")]
    grace(context, made)
    assert delete_due(context, threading.Event()) == 2
    rejections.follow(context)
    for content in (again, expired):
        Api(context).store(content)
    rejections.follow(context)
    assert doors(context)["list"] == {old}
    Api(context).store(again)  # held again by now: no second copy, and still hidden
    late = stored(context, bad, uid(), Modality="US")  # another image of that study
    rejections.follow(context)
    assert doors(context)["list"] == {old, bad}
    shown = context.database.read(lambda connection: worklist.detail(connection, Everything(), bad))
    assert shown is not None and shown.study["NumberOfStudyRelatedInstances"] == 1 == shown.study["NumberOfStudyRelatedSeries"]
    assert shown.study["ModalitiesInStudy"] == "US" and len(late) > 0


def test_a_note_that_came_hides_also_what_comes_after_it(context: Context) -> None:
    there = uid()
    contents = [stored(context, there, uid()) for _ in range(2)]
    note = written_note(context, there)
    replace_archive(context)
    Api(context).store(note)
    rejections.follow(context)
    assert doors(context)["list"] == set()
    for content in contents:
        Api(context).store(content)
    rejections.follow(context)
    assert doors(context)["list"] == set()
    (found,) = rejections.page(context, SYSTEM)
    assert found.source == "received" and found.hidden == 2 and found.reason == "blurred"


def written_note(context: Context, study_uid: str) -> bytes:
    """A rejection note of a whole study, as another archive sends it."""
    made = reject(context, study_uid)
    with context.blobs.open(context.database.read(lambda connection: connection.execute(
            select(instance.c.blob_key).where(instance.c.sop_instance_uid == made.note_uid)).scalar_one())) as file:
        return file.read_at(0, file.size)


def replace_archive(context: Context) -> None:
    """Forget everything but the log, as if nothing had ever come."""
    def write(connection: Any) -> None:
        from isocenter.store.schema_rejections import rejected, rejection

        imaging.clear(connection)
        connection.execute(rejected.delete())
        connection.execute(rejection.delete())

    context.database.write(write)
    for key in list(context.blobs.list("archive")):
        context.blobs.delete(key)


def grace(context: Context, made: list[rejections.Rejection]) -> None:
    """Mark for deletion, and let the time of grace be over."""
    past = replace(context, clock=lambda: context.clock() - timedelta(days=30))
    for each in made:
        rejections.delete(past, SYSTEM, each.id, "may go")


def test_deleting_frees_the_files_and_leaves_a_tombstone(context: Context) -> None:
    gone, stays = uid(), uid()
    stored(context, gone, uid())
    stored(context, stays, uid())
    made = reject(context, gone, kind="retention")
    with pytest.raises(Invalid):
        rejections.delete(context, SYSTEM, made.id, " ")
    marked = rejections.delete(context, SYSTEM, made.id, "ten years are over")
    assert marked.delete_at is not None and marked.delete_at - context.clock() > timedelta(hours=71)
    assert delete_due(context, threading.Event()) == 0  # the time of grace
    assert rejections.keep(context, SYSTEM, made.id).delete_at is None
    grace(context, [made])
    files = len(list(context.blobs.list("archive")))
    assert delete_due(context, threading.Event()) == 1
    assert len(list(context.blobs.list("archive"))) == files - 1
    assert not list(Verification(context).run(lambda count: None))
    log = context.database.read(partial(changes.since, seq=0))
    (tomb,) = (change for change in log if change.kind == "instance.deleted")
    assert [change.subject for change in log if change.kind == "study.deleted"] == [gone]  # but for its note
    assert tomb.payload["study"] == gone and len(tomb.payload["instances"]) == 1 and len(tomb.payload["sha256"][0][0]) == 64
    found, _, objects = rejections.get(context, SYSTEM, made.id)
    assert found.freed == 1 and found.freed_at is not None and [each["state"] for each in objects] == ["freed"]
    with pytest.raises(Conflict):
        rejections.restore(context, SYSTEM, made.id)
    assert doors(context)["list"] == {stays}


def test_a_legal_hold_stops_deletion_at_every_step(context: Context) -> None:
    held = uid()
    stored(context, held, uid())
    made = reject(context, held)
    grace(context, [made])
    rejections.hold(context, SYSTEM, held, "case 4711")
    assert delete_due(context, threading.Event()) == 0
    with pytest.raises(Conflict):
        rejections.hold(context, SYSTEM, held, "twice")
    with pytest.raises(Conflict):
        rejections.delete(context, SYSTEM, made.id, "now")
    assert [each["study_instance_uid"] for each in rejections.holds(context, SYSTEM)] == [held]
    rejections.release(context, SYSTEM, held, "case closed")
    assert delete_due(context, threading.Event()) == 1


def test_nothing_is_deleted_before_its_time_whoever_asks(context: Context) -> None:
    """The setting keep_days: refused with the day, and also what was marked before the setting was made."""
    gone, late = uid(), uid()
    stored(context, gone, uid())
    made = reject(context, gone)
    keeping = replace(context, settings=replace(context.settings, keep_days=10.0))
    with pytest.raises(Conflict, match=r"everything is kept for 10 days: this until \d{4}-\d\d-\d\d") as told:
        rejections.delete(keeping, SYSTEM, made.id, "we are told to")
    assert told.value.kept and told.value.hint
    grace(context, [made])  # marked by the program as it was
    stored(context, late, uid())
    assert delete_due(keeping, threading.Event()) == 0 and len(list(context.blobs.list("archive"))) == 3
    when = context.clock() + timedelta(days=10, minutes=5)
    then = replace(keeping, clock=lambda: when)
    assert delete_due(then, threading.Event()) == 1 and doors(context)["list"] == {late}


@pytest.mark.parametrize("step", ["rows", "files", "forgotten"])
def test_killed_at_any_step_of_deletion(context: Context, step: str) -> None:
    """Whatever was committed when the worker died: nothing is found, nothing is wrong, and the next worker ends it."""
    gone, stays = uid(), uid()
    for _ in range(2):
        stored(context, gone, uid())
    stored(context, stays, uid())
    made = reject(context, gone)
    grace(context, [made])
    rejections.free(context)
    if step == "files":
        key = context.database.read(lambda connection: connection.execute(select(func.min(deletion.c.blob_key))).scalar_one())
        context.blobs.delete(key)
    elif step == "forgotten":
        rejections.settle(context)
    assert doors(context)["list"] == {stays} and not list(Verification(context).run(lambda count: None))
    results = list(integrity.reindex(context, lambda count: None))
    assert all(result.status == "stored" for result in results) and rejections.recover(context) == 1
    assert doors(context)["list"] == {stays}
    delete_due(context, threading.Event())
    assert len(list(context.blobs.list("archive"))) == 2  # what stays, and the note
    assert context.database.read(lambda connection: connection.execute(select(deletion)).first()) is None


def test_an_index_made_anew_hides_what_was_rejected_also_without_its_database(context: Context) -> None:
    bad, good = uid(), uid()
    stored(context, bad, uid())
    stored(context, good, uid())
    reject(context, bad, kind="worklist")
    for lost in (False, True):
        if lost:  # of the database nothing is left but the files
            def forget(connection: Any) -> None:
                from isocenter.store.schema_rejections import rejected, rejection

                connection.execute(rejected.delete())
                connection.execute(rejection.delete())

            context.database.write(forget)
        list(integrity.reindex(context, lambda count: None))
        rejections.recover(context)
        assert doors(context)["list"] == {good}, lost
        (found,) = rejections.page(context, SYSTEM)
        assert found.hidden == 1 and found.code == "113038"


def test_two_notes_of_one_object_both_hide_it(sqlite_context: Context) -> None:
    context, held = sqlite_context, uid()
    stored(context, held, uid())
    note = written_note(context, held)
    first = rejections.page(context, SYSTEM)[0]
    (sop,) = [each["sop_instance_uid"] for each in rejections.get(context, SYSTEM, first.id)[2]]
    other = rows.add  # a second note, of another archive
    second = rules_note(note, sop)
    context.database.write(lambda connection: other(connection, second, "MODALITY", "received", context.clock()))
    rejections.restore(context, SYSTEM, first.id)
    assert doors(context)["list"] == set()
    rejections.restore(context, SYSTEM, rejections.page(context, SYSTEM)[0].id)
    assert doors(context)["list"] == {held}


def rules_note(note: bytes, sop: str) -> Any:
    from isocenter.domain.rejections import Named, Note

    assert KEY_OBJECTS.encode() in note
    return Note(uid(), "1.2.3", "1.2.3.4", "113037", "", (Named("1.2.3", "1.2.3.4", sop, "1.2"),))
