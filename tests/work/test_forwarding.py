"""Rules send what comes in: from the door to the destination, through the engine, on both databases."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom import AE, StoragePresentationContexts, evt

from isocenter.domain.access import SYSTEM
from isocenter.domain.delivery import REFUSALS
from isocenter.service import deidentifying, deliveries, destinations, ingest, peers, routing
from isocenter.service.context import Context
from isocenter.service.deliveries import Seen, State
from isocenter.store import changes
from isocenter.work import engine, relay
from objects import part10
from remotes import storescp
from servers import free_port


@dataclass
class Clock:
    """A clock that may be put forward."""

    offset: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset


def store(context: Context, content: bytes, sender: str = "CT1", called: str = "ISOCENTER") -> None:
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet=sender, called_aet=called) as reception:
        reception.write(content)
        reception.finish()


def store_study(context: Context, study: str, instances: int, **values: str) -> list[str]:
    uids = [f"{study}.1.{number}" for number in range(instances)]
    for uid in uids:
        store(context, part10(StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", SOPInstanceUID=uid, **values))
    return uids


@contextmanager
def worker(context: Context) -> Iterator[None]:
    """The worker's relay in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(context, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return value


def queue(context: Context) -> list[Seen]:
    return deliveries.page(context, SYSTEM).deliveries


def all_are(context: Context, state: State, count: int = 1) -> bool:
    found = queue(context)
    return len(found) == count and all(each.state is state for each in found)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every few hundredths of a second: what is waited for here is the outcome, not the pace."""
    monkeypatch.setattr(engine, "LOOK", 0.05)
    monkeypatch.setattr(relay, "ROUND", 0.05)
    monkeypatch.setattr(relay, "SLOWEST_ROUND", 0.05)


def in_a_hurry(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, delivery_retry_seconds=0.05, grace_seconds=20))


@pytest.fixture
def quick(context: Context) -> Context:
    """An archive on each database."""
    return in_a_hurry(context)


@pytest.fixture
def quick_sqlite(sqlite_context: Context) -> Context:
    """For what is not about the database."""
    return in_a_hurry(sqlite_context)


def rule(context: Context, *names: str, **facts: Any) -> None:
    routing.add_route(context, SYSTEM, {"name": "r", "destinations": list(names), "quiet_seconds": 0, **facts})


def test_what_a_rule_means_arrives_and_nothing_else(quick: Context, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    destinations.add_destination(quick, SYSTEM, name="share", kind="folder", address=str(folder))
    rule(quick, "share", senders=["CT*"], called=["RESEARCH"], conditions=[{"attribute": "Modality", "values": ["CT"]}])
    wanted = part10(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", SOPInstanceUID="1.2.1.1.1")
    with worker(quick):
        store(quick, wanted, "CT7", "RESEARCH")
        store(quick, part10(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.2", Modality="SR"), "CT7", "RESEARCH")
        store(quick, part10(StudyInstanceUID="1.2.2", SeriesInstanceUID="1.2.2.1", PatientID="P2"), "MR1", "RESEARCH")
        store(quick, part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", PatientID="P3"), "CT7", "ISOCENTER")
        until(lambda: all_are(quick, State.SENT))
        (sent,) = queue(quick)
        assert (sent.study_instance_uid, sent.route, sent.instances, sent.sent) == ("1.2.1", "r", 1, 1)
        # The study grows: only what is new is sent.
        more = part10(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", SOPInstanceUID="1.2.1.1.2")
        store(quick, more, "CT7", "RESEARCH")
        until(lambda: queue(quick)[0].sent == 2)
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {"1.2.1/1.2.1.1/1.2.1.1.1.dcm": wanted, "1.2.1/1.2.1.1/1.2.1.1.2.dcm": more}
    _, _, instances = deliveries.get(quick, SYSTEM, sent.id)
    assert [(each.sop_instance_uid, each.attempts) for each in instances] == [("1.2.1.1.1", 1), ("1.2.1.1.2", 1)]


def test_a_peer_that_does_not_answer_is_tried_again_and_the_queue_says_why(quick_sqlite: Context, tmp_path: Path) -> None:
    port = free_port()
    peers.add(quick_sqlite, SYSTEM, aet="STORESCP", host="127.0.0.1", port=port)
    rule(quick_sqlite, "STORESCP")
    with worker(quick_sqlite):
        uids = store_study(quick_sqlite, "1.2.1", 3)
        failing = until(lambda: [each for each in queue(quick_sqlite) if each.attempts >= 2])[0]
        assert failing.state in (State.WAITING, State.QUEUED, State.SENDING) and "Connection refused" in failing.reason
        assert failing.sent == 0 and failing.instances == 3
        with storescp(tmp_path / "scp", port=port) as remote:
            until(lambda: all_are(quick_sqlite, State.SENT))
            assert sorted(str(dcmread(path).SOPInstanceUID) for path in remote.files()) == uids
    assert (queue(quick_sqlite)[0].reason, queue(quick_sqlite)[0].attempts) == ("", 0)
    log = quick_sqlite.database.read(lambda connection: changes.since(connection, 0))
    events = [change.kind for change in log if change.kind.startswith("delivery") or change.kind == "study.sent"]
    assert events == ["delivery.begun", "delivery.sent"]  # once each, however often it was tried


def test_what_is_given_up_is_seen_and_sent_again_by_a_person(quick_sqlite: Context, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    destinations.add_destination(quick_sqlite, SYSTEM, name="share", kind="folder", address=str(folder))
    rule(quick_sqlite, "share")
    clock = Clock()
    late = replace(quick_sqlite, clock=clock)
    with worker(late):
        store_study(late, "1.2.1", 2)
        until(lambda: queue(quick_sqlite) and queue(quick_sqlite)[0].attempts)
        clock.offset = timedelta(days=8)
        until(lambda: all_are(quick_sqlite, State.FAILED))
        (failed,) = queue(quick_sqlite)
        assert failed.reason == "the folder is not there; is it mounted?" and failed.failed == 2
        _, _, instances = deliveries.get(quick_sqlite, SYSTEM, failed.id)
        assert {each.reason for each in instances} == {failed.reason}
        folder.mkdir()
        assert deliveries.resend_failed(late, SYSTEM, "elsewhere") == 0
        assert deliveries.resend_failed(late, SYSTEM, "share") == 1
        until(lambda: all_are(quick_sqlite, State.SENT))
    assert len(list(folder.rglob("*.dcm"))) == 2


def test_pausing_hours_and_cancelling(quick_sqlite: Context, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    now = datetime.now().astimezone()
    later = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    destinations.add_destination(quick_sqlite, SYSTEM, name="share", kind="folder", address=str(folder), paused=True)
    rule(quick_sqlite, "share")
    with worker(quick_sqlite):
        store_study(quick_sqlite, "1.2.1", 12)
        until(lambda: all_are(quick_sqlite, State.WAITING))
        assert deliveries.page(quick_sqlite, SYSTEM).held == {"share": "paused"}
        destinations.change_destination(quick_sqlite, SYSTEM, "share", paused=False, hours=later)
        assert deliveries.page(quick_sqlite, SYSTEM).held == {"share": "hours"}
        time.sleep(0.5)  # several rounds of the relay: nothing leaves
        assert all_are(quick_sqlite, State.WAITING) and not list(folder.rglob("*.dcm"))
        # A slow destination, so that there is time to pause and to cancel in the middle.
        destinations.change_destination(quick_sqlite, SYSTEM, "share", hours="", throttle=1500)
        until(lambda: list(folder.rglob("*.dcm")))
        destinations.change_destination(quick_sqlite, SYSTEM, "share", paused=True)
        until(lambda: all_are(quick_sqlite, State.WAITING))
        assert queue(quick_sqlite)[0].attempts == 0 and queue(quick_sqlite)[0].reason == ""
        assert 1 <= queue(quick_sqlite)[0].sent < 12
        deliveries.cancel(quick_sqlite, SYSTEM, queue(quick_sqlite)[0].id)
        destinations.change_destination(quick_sqlite, SYSTEM, "share", paused=False, throttle=0)
        time.sleep(0.5)
        assert all_are(quick_sqlite, State.CANCELLED)
        deliveries.resend(quick_sqlite, SYSTEM, queue(quick_sqlite)[0].id)
        until(lambda: all_are(quick_sqlite, State.SENT))
    assert len(list(folder.rglob("*.dcm"))) == 12


def test_a_stop_ends_between_two_instances_and_an_idle_engine_is_closed(
    quick_sqlite: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    destinations.add_destination(quick_sqlite, SYSTEM, name="share", kind="folder", address=str(folder), throttle=2000)
    rule(quick_sqlite, "share")
    with worker(quick_sqlite):
        store_study(quick_sqlite, "1.2.1", 20)
        until(lambda: list(folder.rglob("*.dcm")))
    (stopped,) = queue(quick_sqlite)
    assert stopped.state is State.WAITING and stopped.attempts == 0 and 1 <= stopped.sent < 20
    destinations.change_destination(quick_sqlite, SYSTEM, "share", throttle=0)
    monkeypatch.setattr(relay, "IDLE", 0.0)
    turns = relay.Relay(quick_sqlite, threading.Event())
    try:
        for study, instances in (("1.2.1", 20), ("1.2.2", 1)):  # it is closed, and opened again in the same process
            if study == "1.2.2":
                store_study(quick_sqlite, study, instances, PatientID="P2")
            until(lambda: (turns.turn(), queue(quick_sqlite)[0].state is State.SENT and turns._engine is None)[1])
    finally:
        turns.close()
    assert len(list(folder.rglob("*.dcm"))) == 21


def test_instances_that_a_peer_refuses_are_named_with_its_reason(quick_sqlite: Context) -> None:
    refused = "1.2.1.1.1"

    def take(event: evt.Event) -> int:
        return 0xA900 if event.request.AffectedSOPInstanceUID == refused else 0x0000

    entity = AE(ae_title="PICKY")
    entity.supported_contexts = StoragePresentationContexts
    listener = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    try:
        peers.add(quick_sqlite, SYSTEM, aet="PICKY", host="127.0.0.1", port=listener.server_address[1])
        with worker(quick_sqlite):
            store_study(quick_sqlite, "1.2.1", 3)
            (number,) = deliveries.ask(quick_sqlite, SYSTEM, ["1.2.1"], "PICKY")
            until(lambda: all_are(quick_sqlite, State.FAILED))
    finally:
        listener.shutdown()
    seen, _, instances = deliveries.get(quick_sqlite, SYSTEM, number)
    assert (seen.sent, seen.failed, seen.attempts) == (2, 1, REFUSALS)
    assert seen.reason.startswith("1 refused, the last: ")
    assert [(each.sop_instance_uid, each.state, each.status, each.attempts) for each in instances] == [
        (refused, "failed", 0xA900, REFUSALS), ("1.2.1.1.0", "sent", 0, 1), ("1.2.1.1.2", "sent", 0, 1)]


def test_a_peer_of_a_project_gets_objects_without_identities(quick_sqlite: Context, tmp_path: Path) -> None:
    with storescp(tmp_path / "scp") as remote:
        peers.add(quick_sqlite, SYSTEM, aet="STORESCP", host="127.0.0.1", port=remote.port)
        deidentifying.add(quick_sqlite, SYSTEM, "TRIAL", "", {"destinations": ["STORESCP"], "prefix": "T-"})
        rule(quick_sqlite, "STORESCP")
        with worker(quick_sqlite):
            store_study(quick_sqlite, "1.2.1", 2, PatientID="PAT-4711")
            until(lambda: all_are(quick_sqlite, State.SENT))
        files = remote.files()
        assert len(files) == 2 and len({str(dcmread(path).PatientID) for path in files}) == 1
        assert all(str(dcmread(path).PatientID).startswith("T-") and b"PAT-4711" not in path.read_bytes() for path in files)
    assert queue(quick_sqlite)[0].sent == 2
