"""What rules send to a destination of a project has nobody's identity; what cannot be cleaned does not go. What was removed
can be read with the delivery, and the change log says once, when it has ended, what has left."""

import os
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from isocenter.domain.access import SYSTEM, Permission, Role, by_role
from isocenter.domain.delivery import GIVE_UP, State
from isocenter.domain.errors import Conflict, Missing
from isocenter.service import deidentification_reports as reports
from isocenter.service import deidentifying, deliveries, destinations, ingest, sensitive
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.work import folders, forwarding
from objects import part10


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def research(context: Context, folder: Path) -> tuple[Context, Clock]:
    """An archive with a destination of a project."""
    clock = Clock()
    made = replace(context, clock=clock)
    destinations.add_destination(made, SYSTEM, name="RESEARCH", kind="folder", address=str(folder))
    deidentifying.add(made, SYSTEM, "TRIAL", "", {"destinations": ["RESEARCH"], "prefix": "T-"})
    return made, clock


def send(context: Context) -> int:
    (number,) = deliveries.ask(context, SYSTEM, ["1.2.3"], "RESEARCH")
    return number


def rounds(context: Context) -> None:
    """What the engine does with all that is due now."""
    found: list[deliveries.Due] = []
    deliveries.feed(context, found.append)
    for due in found:
        forwarding.deliver(context, threading.Event(), due.id, due.round)


def instances(context: Context, number: int) -> dict[str, tuple[str, str]]:
    _, _, found = deliveries.get(context, SYSTEM, number)
    return {each.sop_instance_uid: (each.state.value, each.reason) for each in found}


def exported(context: Context) -> list[dict[str, Any]]:
    return [change.payload for change in context.database.read(lambda connection: changes.since(connection, 0))
            if change.kind == "study.exported"]  # fmt: skip


def store(context: Context, **values: str) -> None:
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        reception.write(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", PatientID="PAT-4711", **values))
        reception.finish()


def test_a_destination_of_a_project_gets_cleaned_copies_and_the_report_is_kept(context: Context, tmp_path: Path) -> None:
    archive, clock = research(context, tmp_path)
    store(archive, SOPInstanceUID="1.2.3.4.5")
    store(archive, SOPInstanceUID="1.2.3.4.6", BurnedInAnnotation="YES")
    number = send(archive)
    rounds(archive)
    noted = instances(archive, number)
    assert noted["1.2.3.4.5"][0] == "sent" and noted["1.2.3.4.6"][1].startswith("held back:")
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    sent = dcmread(path)
    assert str(sent.PatientID).startswith("T-") and "1.2.3" not in str(path.relative_to(tmp_path)).split("2.25.")[0]
    assert b"PAT-4711" not in path.read_bytes() and b"Doe" not in path.read_bytes()
    (growing,) = reports.page(archive, SYSTEM, delivery=number)
    assert growing.ended_at is None and growing.summary.given == 1 and exported(archive) == []  # it has not ended
    for _ in range(20):  # what is held back is tried again, and again
        clock.now += GIVE_UP
        rounds(archive)
    assert deliveries.get(archive, SYSTEM, number)[0].state is State.FAILED
    (report,) = reports.page(archive, SYSTEM, delivery=number)
    facts = report.summary.facts()
    assert report.ended_at and (report.project, report.destination) == ("TRIAL", "RESEARCH")
    assert (facts["objects"], facts["studies"], facts["held_back"][0]["objects"]) == (1, 1, 1)
    assert "Burned In Annotation" in facts["held_back"][0]["reason"]
    assert {"PatientName": 1, "PatientID": 1}.items() <= {each["keyword"]: each["times"] for each in facts["attributes"]}.items()
    assert "PAT-4711" not in report.summary.text() and "PatientName" in report.summary.text()
    (told,) = exported(archive)
    assert told == {"form": "delivery", "count": 1, "deidentified": True, "project": "TRIAL", "to": "RESEARCH", "options": [],
                    "delivery": number, "report": report.id}  # fmt: skip


def test_everything_once_more_is_recognised_and_is_another_report(sqlite_context: Context, tmp_path: Path) -> None:
    archive, _ = research(sqlite_context, tmp_path)
    store(archive, SOPInstanceUID="1.2.3.4.5")
    number = send(archive)
    rounds(archive)
    deliveries.resend(archive, SYSTEM, number, everything=True)
    rounds(archive)
    # pseudonyms and UIDs are the same again
    assert instances(archive, number) == {"1.2.3.4.5": ("sent", "it was there already")}
    assert [(each.summary.given, each.whole) for each in reports.page(archive, SYSTEM, project="TRIAL")] == [(1, True), (1, True)]
    assert [told["count"] for told in exported(archive)] == [1, 1]


def test_a_destination_that_breaks_off_is_told_of_once_with_all_that_arrived(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, clock = research(context, tmp_path)
    for number in range(5):
        store(archive, SOPInstanceUID=f"1.2.3.4.{number}")
    kept, left = folders.store, iter([2, 2, 9])

    def full(context: Context, task: Any, held: Any, pieces: Any) -> None:
        some = next(left)
        kept(context, task, held[:some], pieces)
        if some < len(held):
            raise OSError("the folder is away")

    monkeypatch.setattr(folders, "store", full)
    number = send(archive)
    for _ in range(3):
        rounds(archive)
        clock.now += timedelta(days=1)
    (report,) = reports.page(archive, SYSTEM, study="1.2.3")
    assert report.summary.given == 5 and not report.summary.held_back and report.delivery == number
    assert [told["count"] for told in exported(archive)] == [5]


def test_what_is_cancelled_says_what_had_left(sqlite_context: Context, tmp_path: Path) -> None:
    archive, _ = research(sqlite_context, tmp_path)
    store(archive, SOPInstanceUID="1.2.3.4.5")
    store(archive, SOPInstanceUID="1.2.3.4.6", BurnedInAnnotation="YES")
    number = send(archive)
    rounds(archive)
    deliveries.cancel(archive, SYSTEM, number)
    (report,) = reports.page(archive, SYSTEM, delivery=number)
    assert report.ended_at and report.summary.held_back.total() == 1 and [told["count"] for told in exported(archive)] == [1]


def test_reports_of_studies_that_somebody_may_not_see_are_not_told(context: Context, tmp_path: Path) -> None:
    archive, _ = research(context, tmp_path)
    store(archive, SOPInstanceUID="1.2.3.4.5")
    send(archive)
    rounds(archive)
    (report,) = reports.page(archive, SYSTEM)
    reader = by_role("reader", Role.RADIOLOGIST, "account", "session")
    reader = replace(reader, rights={each: reader.rights[each] for each in reader.rights if each != Permission.STUDY_SENSITIVE})
    assert reports.get(archive, reader, report.id)[1] == ["1.2.3"]
    sensitive.mark(archive, SYSTEM, "1.2.3", "a colleague")
    assert reports.page(archive, reader) == []
    with pytest.raises(Missing):
        reports.get(archive, reader, report.id)


def test_a_closed_project_lets_nothing_through_rather_than_everything(sqlite_context: Context, tmp_path: Path) -> None:
    archive, _ = research(sqlite_context, tmp_path)
    store(archive, SOPInstanceUID="1.2.3.4.5")
    with pytest.raises(Conflict, match="destination of the project TRIAL"):
        deidentifying.add(archive, SYSTEM, "OTHER", "", {"destinations": ["RESEARCH"]})
    deidentifying.change(archive, SYSTEM, "TRIAL", closed=True)
    number = send(archive)
    rounds(archive)
    assert "closed" in deliveries.get(archive, SYSTEM, number)[0].reason
    assert not os.listdir(tmp_path) and reports.page(archive, SYSTEM) == [] and exported(archive) == []
