"""Instance availability notification with pynetdicom as the peer that is told, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import InstanceAvailabilityNotification  # type: ignore[attr-defined]

import objects
from dimse.test_mpps import begun, ended
from isocenter.domain.access import SYSTEM
from isocenter.service import exceptions, ingest, ordering, peers, procedures, progress
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.work import notices


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Receiver:
    """A peer that is told; it answers with `status`."""

    port: int = 0
    status: int = 0
    told: list[tuple[str, Dataset]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        entity = AE(ae_title="RIS")
        entity.require_called_aet = True
        entity.add_supported_context(InstanceAvailabilityNotification)

        def take(event: evt.Event) -> tuple[int, None]:
            self.told.append((str(event.request.AffectedSOPInstanceUID), event.attribute_list))
            return self.status, None

        server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_N_CREATE, take)])
        self.port = int(server.server_address[1])
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(context: Context, clock: Clock) -> Context:
    return replace(context, clock=clock)


@pytest.fixture
def receiver(archive: Context) -> Receiver:
    """A peer that wants to be told; it does not listen yet. What came before is not its news."""
    store(archive, "1.2.0", "1.2.0.1")
    made = Receiver()
    with made.listening():
        peers.add(archive, SYSTEM, aet="RIS", host="127.0.0.1", port=made.port, notify_availability=True)
    run(archive)
    return made


def store(archive: Context, study: str, series: str, **values: Any) -> str:
    """Take an instance in; its UID."""
    uid = values.pop("SOPInstanceUID", None) or objects.uid()
    with ingest.begin(archive, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10(SOPInstanceUID=uid, StudyInstanceUID=study, SeriesInstanceUID=series, **values))
        reception.finish()
    return uid


def run(archive: Context) -> None:
    """What the worker does until there is nothing to do."""
    for _ in range(50):
        if not notices.turn(archive):
            return
    raise AssertionError("it never ends")


def named(attributes: Dataset) -> dict[str, list[str]]:
    """Series -> instances of a notification."""
    return {
        series.SeriesInstanceUID: [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence]
        for series in attributes.ReferencedSeriesSequence
    }


def test_a_study_that_has_gone_quiet_is_told_with_all_its_instances(archive: Context, receiver: Receiver, clock: Clock) -> None:
    step = {"Modality": "CT", "ScheduledStationAETitle": "CT1", "ScheduledProcedureStepStartDate": "20261122",
            "ScheduledProcedureStepStartTime": "10"}  # fmt: skip
    order = {"PatientName": "Doe^Jane", "PatientID": "P1", "StudyInstanceUID": "1.2.1", "steps": [step]}
    ordering.create(archive, SYSTEM, order)
    a, b = store(archive, "1.2.1", "1.2.1.1"), store(archive, "1.2.1", "1.2.1.2")
    run(archive)
    clock.forward(seconds=20)
    c = store(archive, "1.2.1", "1.2.1.1")
    with receiver.listening():
        run(archive)
        clock.forward(seconds=20)
        run(archive)
        assert receiver.told == [], "more is coming"
        clock.forward(seconds=20)
        run(archive)
        ((_, attributes),) = receiver.told
        assert attributes.StudyInstanceUID == "1.2.1" and named(attributes) == {"1.2.1.1": [a, c], "1.2.1.2": [b]}
        item = attributes.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        assert (item.InstanceAvailability, item.RetrieveAETitle) == ("ONLINE", "ISOCENTER")
        assert item.ReferencedSOPClassUID == objects.CT
        assert list(attributes.ReferencedPerformedProcedureStepSequence) == []
        # PS3.4 R.3.2.1.2: nothing else may be told, a patient least of all
        assert [element.keyword for element in attributes] == [
            "ReferencedPerformedProcedureStepSequence", "ReferencedSeriesSequence", "StudyInstanceUID"]  # fmt: skip
        clock.forward(days=1)
        assert progress.follow_images(archive) == 1, "a modality without MPPS has ended by now"
        run(archive)
        clock.forward(days=1)
        run(archive)
        assert len(receiver.told) == 1, "once"
        late = store(archive, "1.2.1", "1.2.1.3")
        run(archive)
        clock.forward(seconds=31)
        run(archive)
    assert len(receiver.told) == 2 and named(receiver.told[1][1])["1.2.1.3"] == [late]
    assert receiver.told[0][0] != receiver.told[1][0]
    rows = archive.database.read(lambda connection: changes.since(connection, 0, kinds=("study.notified",)))
    assert [(row.subject, row.payload["peer"]) for row in rows] == [("1.2.1", "RIS")] * 2
    assert [row.payload["instances"] for row in rows] == [3, 4]


def test_the_end_of_a_step_is_told_at_once_when_everything_is_here(archive: Context, receiver: Receiver) -> None:
    with receiver.listening():
        for study, here in (("1.2.3", 2), ("1.2.4", 1)):
            procedures.create(archive, SYSTEM, f"{study}.99", begun("S1", study=study))
            for number in range(here):
                store(archive, study, f"{study}.1", SOPInstanceUID=f"{study}.1.{number}")
            end = ended(instances=2)
            for number, item in enumerate(end.PerformedSeriesSequence[0].ReferencedImageSequence):
                item.ReferencedSOPInstanceUID = f"{study}.1.{number}"
            procedures.update(archive, SYSTEM, f"{study}.99", end)
        run(archive)
    ((_, attributes),) = receiver.told
    assert attributes.StudyInstanceUID == "1.2.3"
    (performed,) = attributes.ReferencedPerformedProcedureStepSequence
    assert (performed.ReferencedSOPClassUID, performed.ReferencedSOPInstanceUID) == ("1.2.840.10008.3.1.2.3.3", "1.2.3.99")


def test_a_peer_that_is_away_or_refuses_is_told_later_under_the_same_name(
    archive: Context, receiver: Receiver, clock: Clock
) -> None:
    store(archive, "1.2.1", "1.2.1.1")
    run(archive)
    clock.forward(seconds=31)
    run(archive)
    with receiver.listening():
        run(archive)
        assert receiver.told == [], "not at once again"
        receiver.status = 0x0110
        clock.forward(minutes=1)
        run(archive)
        receiver.status = 0x0111
        clock.forward(minutes=2)
        run(archive)
        clock.forward(days=1)
        run(archive)
    first, second = receiver.told
    assert first[0] == second[0], "a peer that has it knows it again, and then it was told"


def test_a_worker_that_died_is_replaced_and_a_paused_or_removed_peer_is_not_told(
    archive: Context, receiver: Receiver, clock: Clock
) -> None:
    from isocenter.store import availability as rows

    store(archive, "1.2.1", "1.2.1.1")
    run(archive)
    clock.forward(seconds=31)
    assert archive.database.write(lambda connection: rows.claim(connection, clock.now, timedelta(minutes=5))) is not None
    with receiver.listening():
        run(archive)
        assert receiver.told == []
        peers.change(archive, SYSTEM, "RIS", paused=True)
        clock.forward(minutes=6)
        run(archive)
        assert receiver.told == []
        peers.change(archive, SYSTEM, "RIS", paused=False)
        clock.forward(minutes=1)
        run(archive)
        assert len(receiver.told) == 1
        store(archive, "1.2.1", "1.2.1.1")
        run(archive)
        peers.change(archive, SYSTEM, "RIS", notify_availability=False)
        clock.forward(minutes=1)
        run(archive)
        assert len(receiver.told) == 1


def test_nobody_is_told_for_ever(archive: Context, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    store(archive, "1.2.1", "1.2.1.1")
    run(archive)
    clock.forward(days=8)
    run(archive)
    assert "given up" in caplog.text
    (case,) = exceptions.page(archive, SYSTEM, kind="notification", dismissed=False, limit=9, after=None).cases
    assert case["study_instance_uid"] == "1.2.1" and case["source_aet"] == "RIS" and "nobody answers" in case["reason"]
    with receiver.listening():
        clock.forward(days=1)
        run(archive)
        assert receiver.told == []
