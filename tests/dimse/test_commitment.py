"""Storage commitment with pynetdicom as the modality, over real sockets, on both databases."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import StorageCommitmentPushModel  # type: ignore[attr-defined]
from sqlalchemy import func, select

import objects
from dimse.conftest import IMPLICIT, VERIFICATION, Archive, bound, eventually, peer_of
from isocenter.dicom import datasets
from isocenter.dimse.commitment import STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import exceptions, ingest, peers
from isocenter.service.context import Context
from isocenter.store import schema
from isocenter.work import commitments

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def request(references: list[tuple[str, str]], transaction: str = "") -> Dataset:
    """The data set of N-ACTION. references: (SOP class, SOP instance)."""
    dataset = Dataset()
    dataset.TransactionUID = transaction or generate_uid()
    dataset.ReferencedSOPSequence = [Dataset() for _ in references]
    for item, (sop_class, sop_instance) in zip(dataset.ReferencedSOPSequence, references, strict=True):
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return dataset


@dataclass
class Modality:
    """A modality that listens for reports; it answers them with `status`."""

    archive_port: int
    port: int = 0
    status: int = 0
    reports: list[tuple[int, Dataset]] = field(default_factory=list)

    def ask(self, references: list[tuple[str, str]], transaction: str = "", *, action: int = 1, calling: str = "CT1",
            instance: str = WELL_KNOWN_INSTANCE) -> int:
        """N-ACTION; its status. references: (SOP class, SOP instance)."""
        entity = AE(ae_title=calling)
        entity.add_requested_context(StorageCommitmentPushModel)
        association = entity.associate("127.0.0.1", self.archive_port, ae_title="ISOCENTER")
        assert association.is_established
        answer, _ = association.send_n_action(request(references, transaction), action, StorageCommitmentPushModel, instance)
        association.release()
        return int(answer.Status)

    @contextmanager
    def asked(self, references: list[tuple[str, str]], handlers: list[Any]) -> Iterator[Association]:
        """N-ACTION on an association that stays open."""
        entity = AE(ae_title="CT1")
        entity.add_requested_context(StorageCommitmentPushModel)
        association = entity.associate("127.0.0.1", self.archive_port, ae_title="ISOCENTER", evt_handlers=handlers)
        answer, _ = association.send_n_action(request(references), 1, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
        assert answer.Status == 0
        yield association
        association.release()

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[None]:
        """Takes reports for the length of a block, at `port` of this modality."""
        entity = AE(ae_title="CT1")
        entity.require_called_aet = True
        entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)

        def take(event: evt.Event) -> tuple[int, None]:
            self.reports.append((event.event_type, event.event_information))
            return self.status, None

        server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
        self.port = int(server.server_address[1])
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(context: Context, clock: Clock) -> Iterator[Archive]:
    made = replace(context, clock=clock)
    server = Server(made, bound())
    server.start()
    yield Archive(server, made)
    server.stop(0)


@pytest.fixture
def modality(archive: Archive) -> Modality:
    """A known peer, which does not listen yet."""
    made = Modality(archive.port)
    with made.listening():
        peers.add(archive.context, SYSTEM, aet="CT1", host="127.0.0.1", port=made.port)
    return made


def store(archive: Archive, **values: str) -> tuple[str, str]:
    """Take an instance in; its SOP class and SOP instance."""
    uid = objects.uid()
    with ingest.begin(archive.context, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10(SOPInstanceUID=uid, **values))
        reception.finish()
    return objects.CT, uid


def waiting(archive: Archive) -> int:
    """How many requests have not been answered."""
    count = select(func.count()).select_from(schema.storage_commitment)
    return archive.context.database.read(lambda connection: connection.execute(count).scalar_one())


def named(sequence: list[Dataset]) -> list[tuple[str, str]]:
    return [(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID) for item in sequence]


def test_what_is_held_is_committed(archive: Archive, modality: Modality) -> None:
    held = [store(archive) for _ in range(3)]
    transaction = generate_uid()
    assert modality.ask(held, transaction) == 0
    with modality.listening(modality.port):
        assert commitments.report_due(archive.context)
        assert not commitments.report_due(archive.context)
    ((event_type, report),) = modality.reports
    assert (event_type, report.TransactionUID, named(report.ReferencedSOPSequence)) == (1, transaction, held)
    assert "FailedSOPSequence" not in report and waiting(archive) == 0


def test_what_is_not_sound_is_not_committed_and_the_reason_is_told(archive: Archive, modality: Modality) -> None:
    good, damaged, gone = store(archive), store(archive), store(archive)
    paths = {path.stem: path for path in archive.files()}
    assert len(paths) == 3
    by_content = {path.read_bytes(): path for path in paths.values()}
    path_of = {uid: next(p for content, p in by_content.items() if uid.encode() in content) for _, uid in (damaged, gone)}
    content = bytearray(path_of[damaged[1]].read_bytes())
    content[-1] ^= 1
    path_of[damaged[1]].chmod(0o600)
    path_of[damaged[1]].write_bytes(content)
    path_of[gone[1]].unlink()
    other_class, never = ("1.2.840.10008.5.1.4.1.1.4", good[1]), (objects.CT, objects.uid())
    quarantined = store(archive, StudyInstanceUID="")
    assert modality.ask([good, damaged, gone, other_class, never, quarantined]) == 0
    with modality.listening(modality.port):
        assert commitments.report_due(archive.context)
    ((event_type, report),) = modality.reports
    assert event_type == 2 and named(report.ReferencedSOPSequence) == [good]
    assert named(report.FailedSOPSequence) == [damaged, gone, other_class, never, quarantined]
    assert [item.FailureReason for item in report.FailedSOPSequence] == [0x0110, 0x0110, 0x0119, 0x0112, 0x0112]


def test_a_modality_that_is_off_is_told_later_by_whichever_worker(archive: Archive, modality: Modality, clock: Clock) -> None:
    assert modality.ask([store(archive)]) == 0
    assert commitments.report_due(archive.context) and waiting(archive) == 1
    assert not commitments.report_due(archive.context), "not at once again"
    clock.now += timedelta(minutes=1)
    with modality.listening(modality.port):
        modality.status = 0x0110
        assert commitments.report_due(archive.context) and waiting(archive) == 1
        assert len(modality.reports) == 1, "it was told, and did not take it"
        clock.now += timedelta(minutes=1)
        assert not commitments.report_due(archive.context), "each time later"
        clock.now += timedelta(minutes=1)
        modality.status = 0
        assert commitments.report_due(archive.context) and waiting(archive) == 0
    assert [event_type for event_type, _ in modality.reports] == [1, 1]


def test_a_request_whose_worker_died_is_taken_over(archive: Archive, modality: Modality, clock: Clock) -> None:
    from isocenter.store import commitment

    assert modality.ask([store(archive)]) == 0
    claimed = archive.context.database.write(lambda c: commitment.claim(c, clock.now, timedelta(minutes=5)))
    assert claimed is not None
    with modality.listening(modality.port):
        assert not commitments.report_due(archive.context)
        clock.now += timedelta(minutes=6)
        assert commitments.report_due(archive.context)
    assert len(modality.reports) == 1


def test_nobody_is_told_for_ever(archive: Archive, modality: Modality, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    assert modality.ask([store(archive)]) == 0
    peers.remove(archive.context, SYSTEM, "CT1")
    assert commitments.report_due(archive.context) and waiting(archive) == 1
    clock.now += timedelta(days=8)
    assert commitments.report_due(archive.context) and not commitments.report_due(archive.context)
    assert "given up" in caplog.text
    found = exceptions.page(archive.context, SYSTEM, kind="commitment", dismissed=False, limit=10, after=None).cases
    assert [case["reason"] for case in found] == [
        "CT1 asked for commitment to 1 instances and could not be told: there is no such peer"
    ]


def test_a_modality_that_keeps_its_association_open_is_told_on_it(archive: Archive, modality: Modality) -> None:
    held, never = store(archive), (objects.CT, objects.uid())
    told = threading.Event()

    def take(event: evt.Event) -> tuple[int, None]:
        modality.reports.append((event.event_type, event.event_information))
        told.set()
        return 0, None

    with modality.asked([held, never], [(evt.EVT_N_EVENT_REPORT, take)]) as association:
        assert told.wait(20)
        eventually(lambda: waiting(archive) == 0)
        assert association.is_established, "and it goes on"
    ((event_type, report),) = modality.reports
    assert (event_type, named(report.ReferencedSOPSequence), named(report.FailedSOPSequence)) == (2, [held], [never])


def test_a_modality_that_goes_on_instead_of_answering_is_told_elsewhere(archive: Archive, modality: Modality) -> None:
    command = Command(
        command_field=CommandField.N_ACTION_RQ, message_id=3, command_data_set_type=1, action_type_id=1,
        requested_sop_class_uid=STORAGE_COMMITMENT, requested_sop_instance_uid=WELL_KNOWN_INSTANCE,
    )  # fmt: skip
    late = Command(command_field=CommandField.N_EVENT_REPORT_RSP, message_id_being_responded_to=1, status=0)
    with peer_of(archive) as peer:
        peer.associate(calling="CT1", contexts={1: (VERIFICATION, (IMPLICIT,)), 3: (STORAGE_COMMITMENT, (IMPLICIT,))})
        peer.message(3, command, datasets.encode(request([store(archive)]), IMPLICIT))
        answer, report = peer.receive(), peer.receive()
        assert isinstance(answer, Command) and answer.status == 0
        assert isinstance(report, Command) and report.command_field == CommandField.N_EVENT_REPORT_RQ
        assert peer.echo() == 0
        peer.message(3, late)
        assert peer.echo() == 0
        assert waiting(archive) == 1
    with modality.listening(modality.port):
        assert commitments.report_due(archive.context) and len(modality.reports) == 1


def test_the_same_transaction_again_is_told_once_more(archive: Archive, modality: Modality) -> None:
    held, transaction = store(archive), generate_uid()
    assert [modality.ask([held], transaction) for _ in range(2)] == [0, 0]
    assert waiting(archive) == 1


def test_what_is_no_request_is_refused_with_its_reason(archive: Archive, modality: Modality) -> None:
    held = store(archive)
    assert modality.ask([held], calling="STRANGER") == 0x0124
    assert modality.ask([held], action=2) == 0x0123
    assert modality.ask([held], instance="1.2.3") == 0x0112
    assert modality.ask([]) == 0x0106
    assert modality.ask([(objects.CT, "")]) == 0x0106
    assert waiting(archive) == 0


def test_a_data_set_that_is_none_is_refused(archive: Archive, modality: Modality) -> None:
    command = Command(
        command_field=CommandField.N_ACTION_RQ, message_id=3, command_data_set_type=1, action_type_id=1,
        requested_sop_class_uid=STORAGE_COMMITMENT, requested_sop_instance_uid=WELL_KNOWN_INSTANCE,
    )  # fmt: skip
    with peer_of(archive) as peer:
        peer.associate(calling="CT1", contexts={1: (STORAGE_COMMITMENT, (IMPLICIT,))})
        peer.message(1, command, b"\x08\x00" * 50)
        answer = peer.receive()
        assert isinstance(answer, Command) and answer.status == 0x0115
    assert waiting(archive) == 0
