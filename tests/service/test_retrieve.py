"""Retrieval by the service's door: who may, what is remembered, what is noted, and the documents the worker prepares."""

import gzip
import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import update

from isocenter.dicom import json as dicom_json
from isocenter.domain.access import SYSTEM, Role, by_role
from isocenter.domain.errors import Broken, Missing
from isocenter.domain.events import Event
from isocenter.domain.imaging import Outcome
from isocenter.service import ingest, retrieve
from isocenter.service.context import Context
from isocenter.service.retrieve import Retrieval
from isocenter.store import accesses, changes, series_documents
from isocenter.store.dialect import name_key
from isocenter.store.schema import study
from objects import EXPLICIT_LITTLE, element, part10

READER = by_role("rita", Role.RADIOLOGIST, "user", "session", "10.0.0.7")
STRANGER = by_role("ref", Role.REFERRER, "user", "session", referrer_name="Nobody^At^All")


def store(context: Context, path: Path) -> Outcome:
    with ingest.begin(context, SYSTEM, source="import") as reception:
        reception.write(path.read_bytes())
        return reception.finish()


@pytest.fixture
def slices(data: Path) -> list[Path]:
    return sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:5]


@pytest.fixture
def one(context: Context, slices: list[Path]) -> tuple[str, str, str]:
    """The UIDs of an instance of a series of four."""
    for path in slices[1:4]:
        store(context, path)
    outcome = store(context, slices[0])
    return outcome.study_instance_uid, outcome.series_instance_uid, outcome.sop_instance_uid


def reads(context: Context) -> list[tuple[str, str]]:
    rows = context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_READ,)))
    return [(row.actor, row.subject) for row in rows]


def test_frames_are_known_after_the_first_look(context: Context, one: tuple[str, str, str]) -> None:
    retrieval = Retrieval(context)
    assert retrieval.known_frames(READER, *one) is None and reads(context) == []
    frames = retrieval.frames(READER, *one)
    assert frames.native and frames.count == 1 and reads(context) == [("rita", one[0])]
    assert retrieval.known_frames(READER, *one) == frames
    assert frames.place(1)[0][1] == 512 * 512 * 2
    for number in (0, 2):
        with pytest.raises(Missing):
            frames.place(number)
    assert reads(context) == [("rita", one[0])]


def test_what_is_remembered_for_one_is_judged_for_each(context: Context, one: tuple[str, str, str]) -> None:
    retrieval = Retrieval(context)
    retrieval.frames(READER, *one)
    assert retrieval.known_frames(STRANGER, *one) is None
    for get in (retrieval.frames, retrieval.instances):
        with pytest.raises(Missing):
            get(STRANGER, *one)
    with pytest.raises(Missing):
        retrieval.series_document(STRANGER, *one[:2], "http://x")
    assert reads(context) == [("rita", one[0])]


def test_a_reader_of_before_sees_no_frame_of_what_is_another_s_by_now(context: Context, slices: list[Path]) -> None:
    """The row of this look was written while the study was still one of the referrer's."""
    for path in slices[:2]:
        outcome = store(context, path)
    one = outcome.study_instance_uid, outcome.series_instance_uid, outcome.sop_instance_uid
    referrer = by_role("ref", Role.REFERRER, "user", "session", referrer_name="House^Gregory")

    def refer_to(name: str) -> Retrieval:
        named = {"referring_physician_name": name, "referring_physician_name_key": name_key(name)}
        context.database.write(lambda connection: connection.execute(update(study).values(named)))
        retrieval = Retrieval(context)
        retrieval.frames(READER, *one)
        return retrieval

    before = refer_to("House^Gregory")
    assert before.known_frames(referrer, *one) is None  # the index has not been asked about them yet
    assert before.frames(referrer, *one).count == 1 and before.known_frames(referrer, *one) is not None
    later = refer_to("Wilson^James")
    assert later.known_frames(referrer, *one) is None and later.known_frames(READER, *one) is not None


def test_facts_are_believed_for_seconds_only(
    context: Context, one: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval = Retrieval(context)
    retrieval.frames(READER, *one)
    monkeypatch.setattr(retrieve, "FRESH_SECONDS", -1)
    assert retrieval.known_frames(READER, *one) is None
    assert retrieval.frames(READER, *one).count == 1


def test_a_later_look_is_noted_again(context: Context, one: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    retrieval = Retrieval(context)
    retrieval.instances(READER, one[0])
    monkeypatch.setattr(accesses, "SECONDS", -1)
    retrieval.instances(READER, one[0])
    assert reads(context) == [("rita", one[0])] * 2


def test_an_instance_that_arrives_is_found_at_once(context: Context, one: tuple[str, str, str], slices: list[Path]) -> None:
    retrieval = Retrieval(context)
    retrieval.frames(READER, *one)
    new = store(context, slices[4])
    assert retrieval.frames(READER, *one[:2], new.sop_instance_uid).instance.sop_instance_uid == new.sop_instance_uid
    assert len(retrieval.instances(READER, one[0], one[1])) == 5


def test_the_worker_prepares_the_document_that_readers_get(context: Context, one: tuple[str, str, str]) -> None:
    retrieve.build_series_document(context, *one[:2])
    (kept,) = context.blobs.list("derived")
    retrieve.build_series_document(context, *one[:2])  # again does no harm
    document = Retrieval(context).series_document(READER, *one[:2], "http://a.example/dicom-web")
    found = json.loads(gzip.decompress(document.compressed))
    assert len(found) == 4 and list(context.blobs.list("derived")) == [kept]
    assert found[0]["7FE00010"]["BulkDataURI"].startswith("http://a.example/dicom-web/studies/")
    assert b"isocenter-base" not in gzip.decompress(document.compressed)
    with pytest.raises(Missing):
        retrieve.build_series_document(context, "1.2", "1.3")


def test_many_ask_for_a_document_that_is_not_there_yet(context: Context, one: tuple[str, str, str]) -> None:
    retrieval = Retrieval(context)
    found: list[bytes] = []

    def ask() -> None:
        found.append(retrieval.series_document(READER, *one[:2], "http://x").compressed)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1


def test_a_damaged_file_is_told(context: Context, one: tuple[str, str, str]) -> None:
    retrieval = Retrieval(context)
    (located,) = retrieval.instances(READER, *one)
    path = context.blobs.path(located.blob_key)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(Broken):
        Retrieval(context).frames(READER, *one)
    with pytest.raises(Broken):
        Retrieval(context).instance_document(READER, *one, "http://x")


def test_a_lost_file_does_not_hide_its_series_and_may_come_back(context: Context, one: tuple[str, str, str]) -> None:
    retrieval = Retrieval(context)
    (located,) = retrieval.instances(READER, *one)
    path = context.blobs.path(located.blob_key)
    path.rename(path.with_suffix(".away"))
    without = retrieval.series_document(READER, *one[:2], "http://x")
    found = {document["00080018"]["Value"][0]: document for document in json.loads(gzip.decompress(without.compressed))}
    assert len(found) == 4 and sum("00280010" in document for document in found.values()) == 3
    assert found[one[2]]["00083002"]["Value"] == [located.transfer_syntax_uid] and "00280010" not in found[one[2]]
    version, documents = retrieval.study_documents(READER, one[0], "http://x")
    assert len(json.loads(b"".join(retrieve.joined(documents, compressed=False)))) == 4
    with pytest.raises(Broken):  # so that the worker comes again
        retrieve.build_series_document(context, *one[:2])
    path.with_suffix(".away").rename(path)
    whole = retrieval.series_document(READER, *one[:2], "http://x")
    assert sum("00280010" in document for document in json.loads(gzip.decompress(whole.compressed))) == 4
    assert whole.version != without.version and retrieval.study_documents(READER, one[0], "http://x")[0] != version


def test_one_hostile_object_does_not_hide_its_series(
    context: Context, one: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval = Retrieval(context)
    hostile = part10(StudyInstanceUID=one[0], SeriesInstanceUID=one[1], InstanceNumber="7", PatientID="LIDC-IDRI-0314")
    hostile += b"".join(element(0x7FE10010 + i, "SH", b"ab") for i in range(1000))
    with ingest.begin(context, SYSTEM, source="import") as reception:
        reception.write(hostile)
        outcome = reception.finish()
    assert outcome.status == "stored"
    monkeypatch.setattr(dicom_json, "MAX_VALUES", 500)
    found = json.loads(gzip.decompress(retrieval.series_document(READER, *one[:2], "http://x").compressed))
    assert len(found) == 5 and sum("7FE00010" in document for document in found) == 4
    (named,) = (document for document in found if "7FE00010" not in document)
    assert named == {
        "00080016": {"vr": "UI", "Value": [outcome.sop_class_uid]}, "00080018": {"vr": "UI", "Value": [outcome.sop_instance_uid]},
        "00083002": {"vr": "UI", "Value": [EXPLICIT_LITTLE]}, "0020000D": {"vr": "UI", "Value": [one[0]]},
        "0020000E": {"vr": "UI", "Value": [one[1]]}, "00200013": {"vr": "IS", "Value": [7]},
    }
    alone = retrieval.instance_document(READER, *one[:2], outcome.sop_instance_uid, "http://x")
    assert json.loads(gzip.decompress(alone.compressed)) == [named]


@pytest.mark.parametrize("size", [1, 5, 17, 1000])
def test_the_base_is_replaced_across_pieces(size: int) -> None:
    text = f'[{{"a":"{series_documents.BASE}/x"}},{{"b":"{series_documents.BASE}/y isocenter-"}}]'.encode()
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    expected = text.replace(series_documents.BASE.encode(), b"https://h")
    assert b"".join(series_documents.with_base(pieces, "https://h")) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_arrays_are_joined(size: int) -> None:
    arrays = [b'[{"a":1}]', b'[{"b":2},{"c":[3]}]', b"[4]"]
    pieces = ((array[start : start + size] for start in range(0, len(array), size)) for array in arrays)
    assert json.loads(b"".join(series_documents.joined(pieces))) == [{"a": 1}, {"b": 2}, {"c": [3]}, 4]
    assert b"".join(series_documents.joined(iter(()))) == b"[]"
