"""Peers are asked whether they keep what was sent to them: Orthanc and pynetdicom.

The rows of it are tested on both databases in tests/api/test_commitments.py.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import CTImageStorage, StorageCommitmentPushModel  # type: ignore[attr-defined]

import objects
import remotes
from dimse.conftest import Archive, Start, bound, eventually
from isocenter.dimse import commitment_scu, sending
from isocenter.dimse.commitment import WELL_KNOWN_INSTANCE
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.service import commitment_requests, exceptions, ingest, peers
from isocenter.service import sending as leaving
from isocenter.service.commitment_requests import CommitmentRequest
from isocenter.service.context import Context
from isocenter.work import commitments

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
STUDY = "1.2.3.1"  # of objects


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def archive(sqlite_context: Context, clock: Clock) -> Iterator[Archive]:
    made = replace(sqlite_context, clock=clock)
    server = Server(made, bound())
    server.start()
    yield Archive(server, made)
    server.stop(0)


@dataclass
class Keeper:
    """pynetdicom as an archive that is asked; `report` makes the report of a request."""

    archive_port: int
    port: int = 0
    answer: int = 0x0000
    requests: list[Dataset] = field(default_factory=list)
    told: list[int] = field(default_factory=list)  # statuses of our answers
    at_once: Callable[[Dataset], tuple[int, Dataset]] | None = None  # report on the association that asked

    def act(self, event: evt.Event) -> tuple[int, None]:
        self.requests.append(event.action_information)
        return self.answer, None

    def acted(self, event: evt.Event) -> None:
        """The answer of N-ACTION has left."""
        message = type(event.message).__name__
        if message == "N_ACTION_RSP" and self.at_once and self.answer == 0:
            event_type, report = self.at_once(self.requests[-1])

            def tell() -> None:
                answer, _ = event.assoc.send_n_event_report(
                    report, event_type, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE
                )
                self.told.append(int(answer.Status))

            threading.Thread(target=tell, daemon=True).start()

    def report(self, event_type: int, report: Dataset, *, calling: str = "KEEPER", roles: bool = True) -> int:
        """N-EVENT-REPORT on an association of its own; our status."""
        entity = AE(ae_title=calling)
        entity.add_requested_context(StorageCommitmentPushModel)
        negotiated = [build_role(StorageCommitmentPushModel, scp_role=True)] if roles else []
        association = entity.associate("127.0.0.1", self.archive_port, ae_title="ISOCENTER", ext_neg=negotiated)  # type: ignore[arg-type]
        assert association.is_established
        answer, _ = association.send_n_event_report(report, event_type, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
        association.release()
        return int(answer.Status)


@contextmanager
def listening(archive: Archive) -> Iterator[Keeper]:
    made = Keeper(archive.port)
    entity = AE(ae_title="KEEPER")
    entity.add_supported_context(CTImageStorage, objects.EXPLICIT_LITTLE)
    entity.add_supported_context(StorageCommitmentPushModel)
    handlers = [(evt.EVT_C_STORE, lambda event: 0), (evt.EVT_N_ACTION, made.act), (evt.EVT_DIMSE_SENT, made.acted)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    made.port = int(server.server_address[1])
    try:
        yield made
    finally:
        server.shutdown()


def store(archive: Archive, count: int) -> None:
    for _ in range(count):
        with ingest.begin(archive.context, SYSTEM, source="dimse") as reception:
            reception.write(objects.part10())
            reception.finish()


def send(archive: Archive, aet: str) -> list[str]:
    """Send what is here to a peer; SOP Instance UIDs that it took."""
    told: list[sending.Sent] = []
    chosen = leaving.chosen(archive.context, SYSTEM, studies=[STUDY], to=aet)
    sending.send(archive.context, peers.get(archive.context, aet), chosen, on_sent=told.append)
    return [each.stored.sop_instance_uid for each in told if each.ok]


def requests(archive: Archive) -> list[CommitmentRequest]:
    return commitment_requests.page(archive.context, SYSTEM, limit=10).requests


def cases(archive: Archive) -> list[str]:
    found = exceptions.page(archive.context, SYSTEM, kind="commitment", dismissed=False, limit=10, after=None)
    return [str(each["reason"]) for each in found.cases]


def report_of(request: Dataset, *, failed: int = 0) -> tuple[int, Dataset]:
    """The report of a request of which the last `failed` instances are not committed."""
    report = Dataset()
    report.TransactionUID = request.TransactionUID
    every = list(request.ReferencedSOPSequence)
    good, bad = every[: len(every) - failed], every[len(every) - failed :]
    report.ReferencedSOPSequence = good
    for item in bad:
        item.FailureReason = 0x0112
    if bad:
        report.FailedSOPSequence = bad
    return (2 if bad else 1), report


@pytest.fixture
def keeper(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    """A known peer that is asked for commitment, and has been sent three instances."""
    monkeypatch.setattr(commitment_scu, "KEPT_OPEN", 0.0)
    store(archive, 3)
    with listening(archive) as made:
        peers.add(archive.context, SYSTEM, aet="KEEPER", host="127.0.0.1", port=made.port, asks_commitment=True)
        yield made


def test_what_a_peer_reports_on_an_association_of_its_own(archive: Archive, keeper: Keeper) -> None:
    sent = send(archive, "KEEPER")
    (request,) = requests(archive)
    assert (request.state, request.peer_aet) == ("due", "KEEPER")
    assert commitments.ask_due(archive.context) and not commitments.ask_due(archive.context)
    (asked,) = keeper.requests
    assert [item.ReferencedSOPInstanceUID for item in asked.ReferencedSOPSequence] == sent
    assert {item.ReferencedSOPClassUID for item in asked.ReferencedSOPSequence} == {objects.CT}
    assert requests(archive)[0].state == "asked"
    event_type, report = report_of(asked)
    assert keeper.report(event_type, report) == 0
    (done,) = requests(archive)
    assert (done.state, done.failed, done.transaction_uid) == ("committed", 0, asked.TransactionUID)
    assert keeper.report(event_type, report, roles=False) == 0, "again, and by one that negotiates no roles"
    assert requests(archive) == [done] and cases(archive) == []


def test_what_a_peer_reports_on_the_association_that_asked(
    archive: Archive, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment_scu, "KEPT_OPEN", 30.0)  # it ends with the report
    keeper.at_once = lambda request: report_of(request, failed=1)
    sent = send(archive, "KEEPER")
    assert commitments.ask_due(archive.context)
    (done,) = requests(archive)
    assert (done.state, done.failed) == ("failed", 1)
    assert [each.failure for each in done.references] == [0, 0, 0x0112]
    eventually(lambda: keeper.told == [0])
    assert cases(archive) == ["KEEPER does not commit to 1 of 3 instances sent to it: no such object"]
    found = exceptions.page(archive.context, SYSTEM, kind="commitment", dismissed=False, limit=10, after=None)
    assert [(case["study_instance_uid"], case["sop_instance_uid"]) for case in found.cases] == [(STUDY, sent[-1])]
    assert len(sent) == 3
    # A person has it sent again, and asks again.
    commitment_requests.again(archive.context, SYSTEM, done.id)
    keeper.at_once = report_of
    assert commitments.ask_due(archive.context)
    assert requests(archive)[0].state == "committed" and len({each.TransactionUID for each in keeper.requests}) == 2


def test_what_a_report_does_not_mention_is_not_committed(archive: Archive, keeper: Keeper) -> None:
    send(archive, "KEEPER")
    commitments.ask_due(archive.context)
    _, report = report_of(keeper.requests[0])
    del report.ReferencedSOPSequence[0]
    assert keeper.report(1, report) == 0
    (done,) = requests(archive)
    assert (done.state, [each.failure for each in done.references]) == ("failed", [0x0110, 0, 0])


def test_a_peer_that_is_off_is_asked_later_and_a_person_is_told_in_the_end(
    archive: Archive, keeper: Keeper, clock: Clock
) -> None:
    send(archive, "KEEPER")
    keeper.answer = 0x0110
    assert commitments.ask_due(archive.context)
    (waiting,) = requests(archive)
    assert (waiting.state, waiting.attempts) == ("due", 1) and "0110H" in waiting.reason
    assert not commitments.ask_due(archive.context), "not at once again"
    clock.now += timedelta(minutes=1)
    keeper.answer = 0
    assert commitments.ask_due(archive.context) and requests(archive)[0].state == "asked"
    clock.now += timedelta(hours=25)  # and no report
    assert commitments.ask_due(archive.context) and requests(archive)[0].state == "asked"
    assert len({each.TransactionUID for each in keeper.requests}) == 2, "the first try was the same transaction"
    clock.now += timedelta(days=8)
    assert commitments.ask_due(archive.context)
    (given_up,) = requests(archive)
    assert given_up.state == "given_up"
    assert cases(archive) == [
        "KEEPER was never heard to commit to 3 of 3 instances sent to it: it was asked and never reported"
    ]


def test_what_was_taken_before_the_sender_was_killed_is_asked_for(
    archive: Archive, keeper: Keeper, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment_requests, "WRITTEN_EVERY", 0.0)
    note = commitment_requests.Note(archive.context, "KEEPER")
    for number in range(3):
        note.take(commitment_requests.Reference(objects.CT, f"1.2.{number}"))
    assert not commitments.ask_due(archive.context), "it goes on, as far as anybody knows"
    clock.now += timedelta(minutes=11)
    assert commitments.ask_due(archive.context)
    (asked,) = keeper.requests
    assert [item.ReferencedSOPInstanceUID for item in asked.ReferencedSOPSequence] == ["1.2.0", "1.2.1", "1.2.2"]


def test_who_did_not_ask_is_not_told(archive: Archive, keeper: Keeper) -> None:
    send(archive, "KEEPER")
    commitments.ask_due(archive.context)
    event_type, report = report_of(keeper.requests[0])
    assert keeper.report(event_type, report, calling="STRANGER") == 0x0124
    assert keeper.report(7, report) == 0x0113
    report.TransactionUID = "1.2.3"
    assert keeper.report(event_type, report) == 0x0106
    assert requests(archive)[0].state == "asked"


def test_no_commitment_is_asked_for_where_it_is_not_wanted(archive: Archive, keeper: Keeper) -> None:
    peers.change(archive.context, SYSTEM, "KEEPER", asks_commitment=False)
    assert len(send(archive, "KEEPER")) == 3 and requests(archive) == []
    peers.change(archive.context, SYSTEM, "KEEPER", asks_commitment=True)
    chosen = leaving.chosen(archive.context, SYSTEM, studies=[STUDY])
    peer = peers.get(archive.context, "KEEPER")
    sending.send(archive.context, peer, chosen, on_sent=lambda sent: None, originator=("MOVER", 1))
    assert requests(archive) == []


def test_orthanc_commits_and_is_committed_to(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = start()
    monkeypatch.setattr(commitment_scu, "KEPT_OPEN", 0.0)
    store(archive, 2)
    with remotes.orthanc(tmp_path, archive.port) as remote:
        peers.add(archive.context, SYSTEM, aet="ORTHANC", host="127.0.0.1", port=remote.port, asks_commitment=True)
        sent = send(archive, "ORTHANC")
        lost = remote.http.get("/instances").json()[0]
        remote.http.delete(f"/instances/{lost}").raise_for_status()
        assert commitments.ask_due(archive.context)
        eventually(lambda: requests(archive)[0].state == "failed", seconds=30)
        # and the other way round
        asked = {"DicomInstances": [[objects.CT, sent[0]], [objects.CT, "1.2.3.4"]]}
        path = remote.http.post("/modalities/isocenter/storage-commitment", json=asked).json()["Path"]

        def answered() -> bool:
            commitments.report_due(archive.context)
            return bool(remote.http.get(path).json()["Status"] != "Pending")

        eventually(answered, seconds=30)
        said = remote.http.get(path).json()
    assert len(sent) == 2 and sorted(each.failure for each in requests(archive)[0].references) == [0, 0x0112]
    assert [each["SOPInstanceUID"] for each in said["Success"]] == [sent[0]]
    assert [each["SOPInstanceUID"] for each in said["Failures"]] == ["1.2.3.4"]
