"""Rules send what comes in: from the door to the destination, through the engine, on both databases."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isocenter.domain.access import SYSTEM
from isocenter.service import deliveries, destinations, ingest, routing
from isocenter.service.context import Context
from isocenter.service.deliveries import Seen, State
from isocenter.work import relay
from objects import part10


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


@pytest.fixture
def quick(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, delivery_retry_seconds=0.2, grace_seconds=20))


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
