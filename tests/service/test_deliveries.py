"""What happens to deliveries when things go wrong between the rows and the engine, on both databases."""

import threading
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from isocenter.domain.access import SYSTEM
from isocenter.domain.delivery import GIVE_UP, LONGEST_WAIT, REFUSALS, judge
from isocenter.operations import gauges
from isocenter.service import deliveries, destinations, ingest, integrity, routing
from isocenter.service.context import Context
from isocenter.service.deliveries import Due, Round, State
from objects import part10

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def routed(context: Context, clock: Clock, tmp_path: Path) -> Context:
    """An archive whose one rule sends everything to a folder."""
    made = replace(context, clock=clock)
    destinations.add_destination(made, SYSTEM, name="share", kind="folder", address=str(tmp_path))
    routing.add_route(made, SYSTEM, {"name": "all", "destinations": ["share"], "quiet_seconds": 0})
    return made


def store(context: Context, sop: str, study: str = "1.2.3", sender: str = "CT1") -> None:
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet=sender) as reception:
        reception.write(part10(64, StudyInstanceUID=study, SeriesInstanceUID=f"{study}.1", SOPInstanceUID=sop))
        reception.finish()


def given(context: Context) -> list[Due]:
    """What the engine is given."""
    found: list[Due] = []
    deliveries.feed(context, found.append)
    return found


def begun(context: Context, due: Due) -> Round:
    task = deliveries.begin(context, due.id, due.round)
    assert task is not None
    return task


def state(context: Context) -> State:
    (one,) = deliveries.page(context, SYSTEM).deliveries
    return one.state


def test_what_the_engine_has_lost_is_given_again(routed: Context, clock: Clock) -> None:
    store(routed, "1.1")
    routing.relay(routed)
    (first,) = given(routed)
    assert given(routed) == [] and state(routed) is State.QUEUED
    assert deliveries.lost(routed, lambda due: False) == 0  # it was heard of just now
    clock.now += deliveries.LEASE + timedelta(seconds=1)
    assert deliveries.lost(routed, lambda due: due == first) == 0  # the engine still has it
    clock.now += deliveries.LEASE + timedelta(seconds=1)
    assert deliveries.lost(routed, lambda due: False) == 1
    (second,) = given(routed)
    assert (second.id, second.round) == (first.id, first.round + 1) and deliveries.key(first) != deliveries.key(second)
    assert deliveries.begin(routed, first.id, first.round) is None  # should it come after all
    task = begun(routed, second)
    task.note("1.1", 0, "", arrived=True)
    assert task.end() is State.SENT


def test_an_engine_that_is_quicker_than_the_note_that_it_was_given(routed: Context) -> None:
    for number in range(2):
        store(routed, f"1.{number}", study=f"1.2.{number}")
    routing.relay(routed)
    came: list[State | None] = []

    def at_once(due: Due) -> None:
        task = begun(routed, due)
        if not came:
            task.note(task.task.instances[0], 0, "", arrived=True)
        came.append(task.end("" if not came else "nobody answers"))

    assert deliveries.feed(routed, at_once) == 2
    assert came == [State.SENT, State.WAITING]
    assert {one.state for one in deliveries.page(routed, SYSTEM).deliveries} == {State.SENT, State.WAITING}
    assert given(routed) == []


def test_a_round_that_is_begun_again_has_only_what_was_not_noted(routed: Context) -> None:
    for number in range(3):
        store(routed, f"1.{number}")
    routing.relay(routed)
    (due,) = given(routed)
    task = begun(routed, due)
    task.note("1.1", 0, "", arrived=True)
    task._record(task._kept)  # as after NOTED_EVERY seconds; then the process is killed
    again = begun(routed, due)
    assert set(again.task.instances) == {"1.0", "1.2"}


def test_what_comes_while_a_round_is_sent_is_not_forgotten(routed: Context) -> None:
    store(routed, "1.1")
    routing.relay(routed)
    task = begun(routed, given(routed)[0])
    store(routed, "1.2")
    routing.relay(routed)
    assert state(routed) is State.SENDING
    task.note("1.1", 0, "", arrived=True)
    assert task.end() is State.WAITING
    after = begun(routed, given(routed)[0])
    assert after.task.instances == ("1.2",)
    after.note("1.2", 0, "", arrived=True)
    assert after.end() is State.SENT
    assert given(routed) == []


def test_workers_that_relay_at_once_plan_everything_once(routed: Context) -> None:
    for number in range(30):
        store(routed, f"1.{number}", study=f"1.2.{number % 3}")
    workers = [threading.Thread(target=_relay_all, args=(routed,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = deliveries.page(routed, SYSTEM).deliveries
    assert Counter(one.study_instance_uid for one in found) == {"1.2.0": 1, "1.2.1": 1, "1.2.2": 1}
    assert sum(one.instances for one in found) == 30


def _relay_all(context: Context) -> None:
    while routing.relay(context):
        pass


def test_an_index_made_anew_sends_nothing_again(routed: Context) -> None:
    store(routed, "1.1")
    routing.relay(routed)
    task = begun(routed, given(routed)[0])
    task.note("1.1", 0, "", arrived=True)
    task.end()
    assert len(list(integrity.reindex(routed, lambda found: None))) == 1
    while routing.relay(routed):
        pass
    assert state(routed) is State.SENT and given(routed) == []


def test_what_a_killed_receiver_left_is_routed_when_it_is_taken_in(routed: Context) -> None:
    """Its sender comes again and is told that it is held already: nobody else would ever send it on."""
    content = part10(64, StudyInstanceUID="1.2.9", SeriesInstanceUID="1.2.9.1", SOPInstanceUID="9.1", source_aet="CT9")
    key = "archive/2026/11/22/1.2.9/1.2.9.1/00000000-0000-4000-8000-000000000000.dcm"
    incoming = routed.blobs.open_incoming()
    incoming.write(content)
    routed.blobs.put(incoming, key)
    incoming.discard()
    routing.change_route(routed, SYSTEM, routing.routes(routed, SYSTEM)[0].id, {"senders": ["CT9"]})
    integrity.settle(routed, key)
    routing.relay(routed)
    (one,) = deliveries.page(routed, SYSTEM).deliveries
    assert (one.study_instance_uid, one.instances) == ("1.2.9", 1)


def test_what_one_delivery_learns_of_its_destination_the_others_know(routed: Context, clock: Clock) -> None:
    for number in range(3):
        store(routed, f"1.{number}", study=f"1.2.{number}")
    routing.relay(routed)
    first, *others = given(routed)
    begun(routed, first).end("nobody answers")
    assert [deliveries.begin(routed, due.id, due.round) for due in others] == [None, None]  # they need not find out themselves
    found = {one.id: one for one in deliveries.page(routed, SYSTEM).deliveries}
    assert [(one.attempts, one.reason) for one in found.values()].count((0, "nobody answers")) == 2
    clock.now += timedelta(seconds=31)
    probing, *rest = given(routed)
    assert len(rest) == 2
    task = begun(routed, probing)
    task.note(task.task.instances[0], 0, "", arrived=True)
    task.end()
    begun(routed, rest[0]).end("nobody answers")
    assert given(routed) == []
    clock.now += timedelta(seconds=31)
    some = given(routed)
    task = begun(routed, some[0])
    task.note(task.task.instances[0], 0, "", arrived=True)
    task.end()  # it answers: what waits for a later try goes at once
    assert len(some) + len(given(routed)) == 2
    assert {one.state for one in deliveries.page(routed, SYSTEM).deliveries} == {State.SENT, State.QUEUED}


def test_a_study_that_always_fails_holds_up_no_other(routed: Context, clock: Clock) -> None:
    for number in range(4):
        store(routed, f"1.{number}", study=f"1.2.{number}")
    routing.relay(routed)
    for _ in range(200):
        clock.now += timedelta(seconds=5)
        for due in given(routed):
            task = deliveries.begin(routed, due.id, due.round)
            if task is not None and task.task.study_instance_uid == "1.2.0":
                task.end("the association was lost")
            elif task is not None:
                task.note(task.task.instances[0], 0, "", arrived=True)
                task.end()
    assert deliveries.figures(routed) == (1, 0)
    assert gauges(routed)["isocenter_deliveries_waiting"][1] == 1.0
    clock.now += GIVE_UP + timedelta(hours=5)
    begun(routed, given(routed)[0]).end("the association was lost")
    assert deliveries.figures(routed) == (0, 1)
    states = {one.study_instance_uid: one.state for one in deliveries.page(routed, SYSTEM).deliveries}
    assert states == {"1.2.0": State.FAILED, "1.2.1": State.SENT, "1.2.2": State.SENT, "1.2.3": State.SENT}


def test_old_deliveries_are_forgotten_and_open_ones_are_not(routed: Context, clock: Clock) -> None:
    for number in range(2):
        store(routed, f"1.{number}", study=f"1.2.{number}")
    routing.relay(routed)
    for due in given(routed):
        task = begun(routed, due)
        arrived = task.task.study_instance_uid == "1.2.0"
        if arrived:
            task.note("1.0", 0, "", arrived=True)
        task.end("" if arrived else "nobody answers")
    clock.now += timedelta(days=31)
    assert deliveries.purge(routed) == 1
    (left,) = deliveries.page(routed, SYSTEM).deliveries
    assert left.study_instance_uid == "1.2.1" and left.state is State.WAITING


def test_waits_double_up_to_a_limit_and_end() -> None:
    def waited(attempts: int, **facts: object) -> float | None:
        given = {"failing_since": NOW, "progress": False, "refused": False, **facts}
        again = judge(NOW, first_wait=30, attempts=attempts, **given).again_at  # type: ignore[arg-type]
        return None if again is None else (again - NOW).total_seconds()

    assert [waited(attempts) for attempts in range(4)] == [30, 60, 120, 240]
    assert waited(40) == LONGEST_WAIT.total_seconds()
    assert waited(40, progress=True) == 30  # something arrived: counting begins anew
    assert waited(40, failing_since=NOW - GIVE_UP) is None
    assert waited(REFUSALS - 2, refused=True) is not None and waited(REFUSALS - 1, refused=True) is None
