"""What rules send to a destination of a project has nobody's identity; what cannot be cleaned does not go."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydicom import dcmread

from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Conflict
from isocenter.service import deidentifying, ingest, sending
from isocenter.service.context import Context
from isocenter.service.deliveries import Round
from isocenter.store import changes
from isocenter.work import forwarding
from objects import part10


@dataclass
class Task:
    """What a channel needs of a Round."""

    destination: Any
    task: Any
    noted: list[tuple[str, str, bool]] = field(default_factory=list)
    stop: Any = None

    def unwanted(self) -> bool:
        return False

    def gone(self, sop_instance_uids: list[str]) -> None:
        assert not sop_instance_uids

    def note(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None:
        self.noted.append((sop_instance_uid, reason, arrived))


def deliver(context: Context, folder: Path) -> list[tuple[str, str, bool]]:
    from isocenter.domain.delivery import Kind

    uids = [each.sop_instance_uid for each in sending.chosen(context, SYSTEM, studies=["1.2.3"])]
    place = SimpleNamespace(name="RESEARCH", kind=Kind.FOLDER, address=str(folder), throttle=0)
    task = Task(place, SimpleNamespace(study_instance_uid="1.2.3", instances=uids))
    assert forwarding._send(context, cast(Round, task)) == ""
    return task.noted


def store(context: Context, **values: str) -> None:
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        reception.write(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", PatientID="PAT-4711", **values))
        reception.finish()


def test_a_destination_of_a_project_gets_cleaned_copies(context: Context, tmp_path: Path) -> None:
    store(context, SOPInstanceUID="1.2.3.4.5")
    store(context, SOPInstanceUID="1.2.3.4.6", BurnedInAnnotation="YES")
    deidentifying.add(context, SYSTEM, "TRIAL", "", {"destinations": ["RESEARCH"], "prefix": "T-"})
    noted = {uid: (reason, arrived) for uid, reason, arrived in deliver(context, tmp_path)}
    assert noted["1.2.3.4.5"] == ("", True)
    assert noted["1.2.3.4.6"][0].startswith("held back:") and noted["1.2.3.4.6"][1] is False
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    sent = dcmread(path)
    assert str(sent.PatientID).startswith("T-") and "1.2.3" not in str(path.relative_to(tmp_path)).split("2.25.")[0]
    assert b"PAT-4711" not in path.read_bytes() and b"Doe" not in path.read_bytes()
    # the same again is recognised, for pseudonyms and UIDs are the same again
    assert {uid: reason for uid, reason, _ in deliver(context, tmp_path)}["1.2.3.4.5"] == "it was there already"
    told = [change.payload for change in context.database.read(lambda connection: changes.since(connection, 0))
            if change.kind == "study.exported"]  # fmt: skip
    assert told[0]["project"] == "TRIAL" and told[0]["to"] == "RESEARCH"


def test_a_closed_project_lets_nothing_through_rather_than_everything(sqlite_context: Context, tmp_path: Path) -> None:
    store(sqlite_context, SOPInstanceUID="1.2.3.4.5")
    deidentifying.add(sqlite_context, SYSTEM, "TRIAL", "", {"destinations": ["RESEARCH"]})
    with pytest.raises(Conflict, match="destination of the project TRIAL"):
        deidentifying.add(sqlite_context, SYSTEM, "OTHER", "", {"destinations": ["RESEARCH"]})
    deidentifying.change(sqlite_context, SYSTEM, "TRIAL", closed=True)
    with pytest.raises(Conflict, match="closed"):
        deliver(sqlite_context, tmp_path)
    assert not list(tmp_path.iterdir())
