"""Steps of modalities without MPPS: images begin them, silence ends them; on both databases."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom import Dataset

import objects
from isocenter.domain.access import SYSTEM
from isocenter.service import ingest, ordering, procedures
from isocenter.service.context import Context
from isocenter.service.progress import follow_images
from isocenter.store import changes


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(context: Context, clock: Clock) -> Context:
    """With an order of the study 1.2.1: a CT and an MR today, a CT in a week."""
    made = replace(context, clock=clock)
    steps = [
        {"ScheduledProcedureStepID": name, "Modality": modality, "ScheduledStationAETitle": "X",
         "ScheduledProcedureStepStartDate": date, "ScheduledProcedureStepStartTime": "10"}
        for name, modality, date in (("A", "CT", "20261122"), ("B", "MR", "20261122"), ("C", "CT", "20261129"))
    ]  # fmt: skip
    ordering.create(made, SYSTEM, {"PatientName": "Doe^Jane", "PatientID": "P1", "StudyInstanceUID": "1.2.1", "steps": steps})
    return made


def store(archive: Context, **values: Any) -> None:
    given = {"SOPInstanceUID": objects.uid(), "StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", **values}
    with ingest.begin(archive, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10(**given))
        reception.finish()


def states(archive: Context) -> str:
    order = ordering.get(archive, SYSTEM, 1)
    return " ".join([*(step.state for step in order.steps), f"[{order.state}]"])


def test_images_begin_the_step_of_their_modality_and_silence_ends_it(archive: Context, clock: Clock) -> None:
    store(archive, StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1")
    assert follow_images(archive) == 0 and states(archive) == "scheduled scheduled scheduled [scheduled]"
    store(archive)
    assert follow_images(archive) == 1 and states(archive) == "in_progress scheduled scheduled [in_progress]"
    clock.forward(minutes=50)
    store(archive)
    clock.forward(minutes=50)
    assert follow_images(archive) == 0
    clock.forward(minutes=10)
    assert follow_images(archive) == 1 and states(archive) == "completed scheduled scheduled [in_progress]"
    assert follow_images(archive) == 0
    rows = archive.database.read(lambda connection: changes.since(connection, 0))
    told = [(row.kind, row.subject, row.payload["by"]) for row in rows if row.kind.startswith("procedure.")]
    assert told == [("procedure.started", "1.2.1", "images"), ("procedure.completed", "1.2.1", "images")]


def test_what_a_modality_reports_or_a_person_has_ended_is_left_alone(archive: Context, clock: Clock) -> None:
    dataset = Dataset()
    item = Dataset()
    item.StudyInstanceUID, item.ScheduledProcedureStepID = "1.2.1", "A"
    dataset.ScheduledStepAttributesSequence = [item]
    dataset.PerformedProcedureStepID, dataset.PerformedStationAETitle, dataset.Modality = "1", "CT1", "CT"
    dataset.PerformedProcedureStepStartDate, dataset.PerformedProcedureStepStartTime = "20261122", "10"
    dataset.PerformedProcedureStepStatus = "IN PROGRESS"
    procedures.create(archive, SYSTEM, "1.2.9", dataset)
    ordering.change(archive, SYSTEM, 1, {"steps": [{"ScheduledProcedureStepID": "B", "state": "cancelled"}]})
    store(archive)
    store(archive, SeriesInstanceUID="1.2.1.2", Modality="MR")
    clock.forward(days=1)
    assert follow_images(archive) == 0 and states(archive) == "in_progress cancelled scheduled [in_progress]"


def test_it_can_be_switched_off(archive: Context) -> None:
    store(archive)
    off = replace(archive, settings=replace(archive.settings, images_complete_minutes=0.0))
    assert follow_images(off) == 0 and states(archive) == "scheduled scheduled scheduled [scheduled]"
