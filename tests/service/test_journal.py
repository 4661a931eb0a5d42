"""The index is lost: what people decided and the change log come back from the journal beside the files, on both databases."""

import base64
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api_harness import Api
from authenticator import Authenticator
from conftest import fresh_database
from isocenter import doctor
from isocenter.dicom import query as queries
from isocenter.dicom.attributes import Level
from isocenter.domain import totp
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away, Broken, Conflict, IsocenterError, Unauthenticated
from isocenter.domain.provider import Person
from isocenter.service import (
    accounts,
    annotations,
    auditing,
    corrections,
    exceptions,
    factors,
    ingest,
    integrity,
    journal,
    passkeys,
    patient_lists,
    peers,
    provider,
    rejections,
    routing,
    scrubbing,
    sessions,
)  # fmt: skip
from isocenter.service.context import Context
from isocenter.setting_values import Roles
from isocenter.store import finding
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.database import Database
from isocenter.store.journal import End
from isocenter.store.replica import replica
from isocenter.store.schema import change, instance, patient, peer, series, study
from isocenter.store.schema_corrections import patient_link
from isocenter.work.rejections import delete_due
from objects import part10, uid

PEOPLE = [{"PatientID": number, "PatientName": name, "PatientSex": "F"} for number, name in (("A", "Doe^Jane"), ("C", "Roe^R"))]


def written(context: Context, end: End | None = None) -> End | None:
    """The journal, up to the last change."""
    when, more = later(context), True
    while more:
        end, more = journal.write(replace(context, clock=lambda: when), end)
    return end


def later(context: Context) -> datetime:
    return context.clock() + timedelta(hours=1)


def log(context: Context) -> list[Any]:
    rows = select(change).order_by(change.c.seq)
    return context.database.read(lambda connection: [tuple(row) for row in connection.execute(rows)])


def archived(context: Context, *who: tuple[str, str]) -> list[str]:
    """Studies of patients (ID, name), one instance each."""
    uids = [uid() for _ in who]
    for study_uid, (patient_id, name) in zip(uids, who, strict=True):
        Api(context).store(part10(PatientID=patient_id, PatientName=name, StudyInstanceUID=study_uid, SeriesInstanceUID=uid()))
    return uids


def state(context: Context) -> dict[str, list[str]]:
    """Everything that the index says of what is served, but for ids and times; and what is found at each level."""
    left = {"id", "patient_fk", "study_fk", "series_fk", "received_at", "updated_at", "version", "source", "source_aet",
            "called_aet"}

    def read(connection: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, shown in ((patient, patient.c.number_of_patient_related_instances > 0),
                             (study, study.c.number_of_study_related_instances > 0),
                             (series, series.c.number_of_series_related_instances > 0), (instance, instance.c.current)):
            rows = connection.execute(select(table).where(shown)).mappings()
            found[table.name] = sorted(str({k: v for k, v in row.items() if k not in left}) for row in rows)
        for level, key in ((Level.PATIENT, "PatientID"), (Level.STUDY, "StudyInstanceUID"), (Level.INSTANCE, "SOPInstanceUID")):
            found[level.name] = sorted(row[key] for row in finding.find(connection, queries.Query(level)))
        return found

    return context.database.read(read)


def decided(context: Context) -> dict[str, Any]:
    """What every door answers of what people decided."""
    held = context.database.read(lambda connection: connection.execute(
        select(patient_link.c.identity, patient_link.c.correction_fk)).all())
    return {
        "corrections": corrections.page(context, SYSTEM), "rejections": rejections.page(context, SYSTEM, state="all"),
        "objects": [sorted((row["sop_instance_uid"], row["state"]) for row in rejections.get(context, SYSTEM, each.id)[2])
                    for each in rejections.page(context, SYSTEM, state="all")],
        "holds": rejections.holds(context, SYSTEM), "links": sorted(map(tuple, held)),
        "accounts": [(user.name, user.role) for user in accounts.users(context, SYSTEM)],
        "state": state(context),
    }  # fmt: skip


@contextmanager
def lost(context: Context, folder: Path, request: pytest.FixtureRequest) -> Iterator[Context]:
    """The same files and an index that knows nothing."""
    folder.mkdir()
    with fresh_database("sqlite" if context.database.is_sqlite else "postgresql", folder, request) as url:
        anew = replace(context, database=Database(url))
        yield anew
        anew.database.close()


def reindexed(context: Context) -> journal.Restored | None:
    """As the command does it."""
    back = journal.restore(context)
    list(integrity.reindex(context, lambda count: None))
    corrections.replay(context)
    exceptions.recover(context)
    rejections.recover(context)
    return back


def step(context: Context, chance: random.Random, studies: list[str]) -> None:
    """Something that a person does; what is not possible now is not done."""
    one, made = chance.choice(studies), corrections.page(context, SYSTEM)
    standing = rejections.page(context, SYSTEM)
    past = replace(context, clock=lambda: context.clock() - timedelta(days=30))
    with suppress(IsocenterError):
        match chance.randrange(10):
            case 0 | 1:
                corrections.correct(context, SYSTEM, chance.sample(studies, 2), chance.choice(PEOPLE), "wrong patient")
            case 2:
                corrections.merge(context, SYSTEM, chance.choice("ABC"), "", chance.choice(PEOPLE), "registered twice")
            case 3 if made:
                corrections.undo(context, SYSTEM, chance.choice(made).id)
            case 4 | 5:
                kind = chance.choice(["quality", "retention", "safety"])
                door = partial(ingest.begin, context, SYSTEM, source="upload")
                rejections.reject(context, SYSTEM, one, door, kind=kind, reason="blurred")
            case 6 if standing:
                rejections.restore(context, SYSTEM, chance.choice(standing).id)
            case 7 if standing:
                rejections.delete(past, SYSTEM, chance.choice(standing).id, "may go")
                delete_due(context, threading.Event())
            case 8:
                rejections.hold(context, SYSTEM, one, "case 4711")
            case 9:
                rejections.release(context, SYSTEM, one, "closed")


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_decided_is_there_again(context: Context, tmp_path: Path, request: Any, seed: int) -> None:
    chance, end = random.Random(seed), None
    accounts.add_user(context, SYSTEM, name="rita", role="radiologist", password="a sentence of words")
    studies = archived(context, *((letter, f"Doe^{letter}") for letter in "AABBC"))
    for _ in range(25):
        step(context, chance, studies)
        if chance.random() < 0.3:  # a worker that stays, and one that begins anew
            end = written(context, chance.choice([end, None]))
    written(context, end)
    rows, before = log(context), decided(context)
    assert before["corrections"] and before["rejections"]
    with lost(context, tmp_path / "anew", request) as anew:
        back = reindexed(anew)
        assert back is not None and back.changes == len(rows)
        assert decided(anew) == before
        assert log(anew)[: len(rows)] == rows and auditing.look(anew).is_sound
        archived(anew, ("Z", "Zoe^Z"))  # life goes on
        written(anew)
        assert auditing.look(anew).is_sound
        assert len({key.split("/")[1] for key in anew.blobs.list("journal")}) == 1, "the same line goes on"


def test_a_passkey_opens_the_archive_again(context: Context, tmp_path: Path, request: Any) -> None:
    context = replace(context, settings=replace(context.settings, public_url="https://archive.example"))
    accounts.add_user(context, SYSTEM, name="rita", role="radiologist", password="a sentence of words")
    person, key = replace(SYSTEM, name="rita", kind="user"), Authenticator("https://archive.example")
    passkeys.enrol(context, person, key.make(passkeys.begin_enrolment(context, person)), "blue key")
    written(context)
    with lost(context, tmp_path / "anew", request) as anew:
        reindexed(anew)
        anew = replace(anew, settings=replace(anew.settings, public_url="https://archive.example"))
        assert [each.name for each in passkeys.state(anew, person)] == ["blue key"]
        assert passkeys.enter(anew, key.sign(passkeys.begin(anew)), "127.0.0.1").name == "rita"


def test_who_is_on_a_list_and_who_comes_from_the_provider_is_known_again(
    context: Context, tmp_path: Path, request: Any
) -> None:
    told = {"oidc_issuer": "https://login.example", "oidc_roles": Roles({"R": "radiologist"})}
    context = replace(context, settings=replace(context.settings, **told))
    patient_lists.put(context, SYSTEM, "Trial", [("1", ""), ("2", "NORTH")])
    patient_lists.put(context, SYSTEM, "Trial", [("2", "NORTH"), ("3", "")], "a trial")
    nora = Person("https://login.example", "s-1", "nora", ("R",))
    assert provider.resolve(context, nora, "127.0.0.1").name == "nora"
    accounts.change_user(context, SYSTEM, "nora", studies="list=Trial")
    written(context)
    with lost(context, tmp_path / "anew", request) as anew:
        reindexed(anew)
        (held,) = patient_lists.lists(anew, SYSTEM)
        assert (held.about, held.patients) == ("a trial", (("2", "NORTH"), ("3", "")))
        anew = replace(anew, settings=replace(anew.settings, **told))
        assert provider.resolve(anew, replace(nora, name="renamed"), "127.0.0.1").name == "nora"
        assert {each.name: each.studies for each in accounts.users(anew, SYSTEM)}["nora"] == "list=Trial"


def test_rules_do_not_send_the_archive_again_and_annotations_are_there(context: Context, tmp_path: Path, request: Any) -> None:
    accounts.add_user(context, SYSTEM, name="rita", role="radiologist", password="a sentence of words")
    peers.add(context, SYSTEM, aet="ELSEWHERE", host="127.0.0.1", port=104)
    (study,) = archived(context, ("A", "Doe^Jane"))
    principal = replace(SYSTEM, name="rita")
    annotations.save(context, principal, study, [{"id": "line", "x": 1}], [])
    annotations.save(context, principal, study, [{"id": "line", "x": 2}], [])
    person = replace(principal, kind="user")
    made = base64.b32decode(factors.begin(context, person).secret)
    paper = factors.confirm(context, person, totp.code(made, totp.step(context.clock())))
    written(context)
    with lost(context, tmp_path / "anew", request) as anew:
        reindexed(anew)
        assert annotations.kept(anew, principal, study) == annotations.Kept(2, [{"id": "line", "x": 2}])
        assert annotations.kept(anew, principal, study, 1).items == [{"id": "line", "x": 1}]
        with pytest.raises(Unauthenticated, match="a code is needed"):
            sessions.begin(anew, "rita", "a sentence of words", "127.0.0.1")
        assert sessions.begin(anew, "rita", "a sentence of words", "127.0.0.1", paper[0]).principal.name == "rita"
        assert anew.database.read(lambda connection: connection.execute(select(peer.c.aet)).scalars().all()) == ["ELSEWHERE"]
        assert routing.relay(anew) == 0


def test_what_is_damaged_or_missing_is_told_and_nothing_is_changed(sqlite_context: Context, tmp_path: Path, request: Any) -> None:
    context, end = sqlite_context, None
    for _ in range(3):
        archived(context, ("A", "Doe^Jane"))
        end = written(context, end)
    first, second, third = (context.blobs.path(key) for key in context.blobs.list("journal"))  # type: ignore[attr-defined]
    whole = second.read_bytes()
    with lost(context, tmp_path / "anew", request) as anew:
        for content in (whole.replace(b"study.created", b"study.deleted"), whole[: len(whole) // 2], b"", b"[]\n{}",
                        b"\xff" * 99):
            second.write_bytes(content)
            with pytest.raises(Broken, match="is damaged"):
                journal.restore(anew)
        second.unlink()
        with pytest.raises(Broken, match="is missing"):
            journal.restore(anew)
        assert log(anew) == []
        second.write_bytes(whole)
        back = journal.restore(anew)
        assert back is not None and log(anew) == log(context)
    assert first.exists() and third.exists()


def test_a_database_that_was_used_meanwhile_is_not_mixed_with_the_journal(
    sqlite_context: Context, tmp_path: Path, request: Any,
) -> None:
    context = sqlite_context
    archived(context, ("A", "Doe^Jane"), ("B", "Roe^R"))
    written(context)
    with lost(context, tmp_path / "used", request) as used:
        accounts.add_user(used, SYSTEM, name="early", role="radiologist")
        with pytest.raises(Conflict, match="of another index"):
            journal.restore(used)
        written(used)
        assert len({key.split("/")[1] for key in used.blobs.list("journal")}) == 2
        assert journal.restore(used) is None  # its own
    with lost(context, tmp_path / "anew", request) as anew, pytest.raises(Conflict, match="the newest journal"):
        journal.restore(anew)


def test_doctor_tells_when_it_cannot_be_written(sqlite_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    context = sqlite_context
    archived(context, ("A", "Doe^Jane"))

    def away(*unused: object) -> None:
        raise Away("the object store does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(type(context.blobs), "put", away)
        with pytest.raises(Away):
            written(context)
    when = later(context)
    tomorrow = replace(context, clock=lambda: when)
    (found,) = [each for each in doctor.examine(tomorrow) if "journal" in each.what]
    assert "changes are not in the journal: the object store does not answer" in found.what
    written(context)
    assert not [each for each in doctor.examine(tomorrow) if "journal" in each.what]


def test_with_nothing_left_but_the_second_storage_what_people_decided_is_there_again(
    context: Context, tmp_path: Path, request: Any
) -> None:  # fmt: skip
    folder = tmp_path / "second"
    folder.mkdir()
    beside = replace(context, settings=replace(context.settings, replica=f"file://{folder}"))
    second = replica(beside.settings)
    assert second is not None
    scrubbing.announce(beside, second.place)
    studies = archived(context, ("A", "Doe^Jane"), ("B", "Roe^R"))
    known, end = -1, None
    for number, study_uid in enumerate(studies):
        corrections.correct(context, SYSTEM, [study_uid], PEOPLE[number], "wrong patient")
        end = written(context, end)
        assert (known := journal.copy(beside, second, known)) > 0
    assert journal.copy(beside, second, known) == known
    rejections.hold(context, SYSTEM, studies[0], "case 4711")
    written(context, end)
    copies = sorted(folder.rglob("*.jsonl"))
    before = [path.stat().st_mtime_ns for path in copies]
    assert journal.copy(beside, second, -1) > known, "a worker that begins anew"
    assert [path.stat().st_mtime_ns for path in copies] == before
    assert len(list(folder.rglob("*.jsonl"))) == len(copies) + 1
    while scrubbing.replicate(beside, second):
        pass
    expected = decided(context)
    assert len(expected["corrections"]) == 2 and len(expected["holds"]) == 1
    with lost(replace(context, blobs=LocalBlobs(folder)), tmp_path / "anew", request) as anew:
        assert reindexed(anew) is not None
        assert decided(anew) == expected and auditing.look(anew).is_sound
