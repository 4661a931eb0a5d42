"""Other archives: searched, fetched from and asked on a miss, on both databases. The archive itself is a function here; real ones
are in tests/work/test_retrievals.py and web/e2e."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

import objects
from isocenter.dicom.attributes import Level
from isocenter.domain.access import SYSTEM, Principal, Role, by_role
from isocenter.domain.errors import Away, Broken, Forbidden, Invalid, Missing, Unsupported
from isocenter.domain.retrieval import State, Tally, Verdict
from isocenter.service import ingest, peers, remote
from isocenter.service.context import Context, Row
from isocenter.store import changes
from isocenter.store.peers import Peer

ANNA = {"StudyInstanceUID": "2.25.1", "PatientName": "MÜLLER^ANNA", "PatientID": "P1", "ModalitiesInStudy": "CT\\SR",
        "StudyDate": "20260105", "NumberOfStudyRelatedInstances": "12"}
ELSE = {"StudyInstanceUID": "2.25.2", "PatientName": "MÜLLER^ANTON", "PatientID": "P10", "ModalitiesInStudy": "MR"}


@dataclass
class Archives:
    """What each archive has, and what it was asked."""

    held: dict[str, list[Row]] = field(default_factory=dict)
    asked: list[tuple[str, Level, dict[str, str], int]] = field(default_factory=list)

    def __call__(self, context: Context, peer: Peer, level: Level, keys: Mapping[str, str], limit: int) -> Sequence[Row]:
        self.asked.append((peer.aet, level, {keyword: text for keyword, text in keys.items() if text}, limit))
        if peer.aet not in self.held:
            raise Unsupported("the peer does not offer query")
        return self.held[peer.aet][:limit]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def archives() -> Archives:
    return Archives({"PAST": [ANNA, ELSE], "OTHER": []})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(context: Context, archives: Archives, clock: Clock) -> Context:
    """An archive with four peers: one that is none, one that people search, two that are asked on a miss."""
    made = replace(context, seek=archives, clock=clock)
    for aet, archive in (("CT1", ""), ("OTHER", "search"), ("PAST", "fetch"), ("QUIET", "fetch")):
        peers.add(made, SYSTEM, aet=aet, host="192.0.2.7", port=104, archive=archive)
    return made


def store(context: Context, **attributes: object) -> None:
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        reception.write(objects.part10(**attributes))
        reception.finish()


def kinds(context: Context) -> list[str]:
    return [change.kind for change in context.database.read(lambda connection: changes.since(connection, 0))]


def test_what_a_person_types_becomes_matching_keys(here: Context, archives: Archives) -> None:
    typed = {"PatientName": "Müller, a", "StudyDate": "2026-01-01", "StudyDescription": "thorax", "ModalitiesInStudy": "CT",
             "PatientID": " "}
    remote.search(here, SYSTEM, "PAST", typed)
    remote.search(here, SYSTEM, "PAST", {"PatientName": "*berta", "ModalitiesInStudy": "CT,MR", "StudyDate": "20260101-"})
    (_, level, keys, limit), (_, _, more, _) = archives.asked
    assert (level, limit) == (Level.STUDY, remote.MOST_STUDIES + 1)
    assert keys == {
        "PatientName": "Müller^a*", "StudyDate": "20260101", "StudyDescription": "*thorax*", "ModalitiesInStudy": "CT",
    }  # fmt: skip
    assert more == {"PatientName": "*berta", "StudyDate": "20260101-"}  # several modalities are no key: sorted out here


def test_answers_say_what_of_them_is_here_and_on_its_way(here: Context) -> None:
    store(here, StudyInstanceUID="2.25.1", PatientID="P1")
    asked = remote.ask(here, SYSTEM, "PAST", "2.25.2")
    found = remote.search(here, SYSTEM, "PAST", {"PatientName": "mueller"})
    assert [(one.values["StudyInstanceUID"], one.here, one.retrieval) for one in found.studies] == [
        ("2.25.1", 1, None), ("2.25.2", None, asked),
    ]  # fmt: skip
    assert found.studies[0].values["PatientName"] == "MÜLLER^ANNA" and found.studies[0].values["AccessionNumber"] == ""
    only = remote.search(here, SYSTEM, "PAST", {"PatientName": "mueller", "ModalitiesInStudy": "SR,US"})
    assert [one.values["StudyInstanceUID"] for one in only.studies] == ["2.25.1"]
    assert "remote.searched" in kinds(here)


def test_more_than_anybody_reads_is_cut_and_said(here: Context, archives: Archives) -> None:
    archives.held["PAST"] = [{**ANNA, "StudyInstanceUID": f"2.25.{number}"} for number in range(remote.MOST_STUDIES + 50)]
    found = remote.search(here, SYSTEM, "PAST", {"PatientID": "P1"})
    assert (len(found.studies), found.is_limited) == (remote.MOST_STUDIES, True)


@pytest.mark.parametrize("keys", [{}, {"PatientName": "  "}, {"StudyDate": "yesterday"}, {"StudyInstanceUID": "x y"}])
def test_a_search_for_nothing_or_nonsense_asks_nobody(here: Context, archives: Archives, keys: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        remote.search(here, SYSTEM, "PAST", keys)
    assert not archives.asked


def test_only_archives_are_asked_and_only_by_those_who_may(here: Context) -> None:
    assert [peer.aet for peer in remote.archives(here, SYSTEM)] == ["OTHER", "PAST", "QUIET"]
    for aet in ("CT1", "NOBODY"):
        with pytest.raises(Missing):
            remote.search(here, SYSTEM, aet, {"PatientID": "P1"})
        with pytest.raises(Missing):
            remote.ask(here, SYSTEM, aet, "2.25.1")
    with pytest.raises(Away, match="QUIET could not be searched: the peer does not offer query"):
        remote.search(here, SYSTEM, "QUIET", {"PatientID": "P1"})
    referrer = by_role("dr", Role.REFERRER, "user", "session", referrer_name="Curie^Marie")
    for refused in (
        lambda: remote.archives(here, referrer), lambda: remote.search(here, referrer, "PAST", {"PatientID": "P1"}),
        lambda: remote.ask(here, referrer, "PAST", "2.25.1"), lambda: remote.fetch(here, referrer, "2.25.1"),
        lambda: remote.elsewhere(here, referrer, "2.25.1"), lambda: remote.cancel(here, referrer, 1),
        lambda: remote.retrievals(here, referrer, limit=1),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            refused()


def test_what_is_fetched_is_followed_to_its_end(here: Context) -> None:
    asked = remote.ask(here, SYSTEM, "PAST", "2.25.1")
    assert asked.state is State.WAITING and remote.ask(here, SYSTEM, "PAST", "2.25.1").id == asked.id
    series = remote.ask(here, SYSTEM, "PAST", "2.25.1", "2.25.1.1")
    assert series.id != asked.id
    seen: list[tuple[State, Tally]] = []

    def obtain(
        claimed: remote.Retrieval, peer: Peer, principal: Principal, told: remote.Progress
    ) -> tuple[str, Tally, Verdict]:
        assert (claimed.id, peer.aet, principal.name) == (asked.id, "PAST", "PAST")
        assert not told(Tally(7, 5))
        (row,) = (one for one in remote.retrievals(here, SYSTEM, limit=10) if one.id == asked.id)
        seen.append((row.state, row.tally))
        assert remote.work(here, lambda *_: ("C-GET", Tally(0, 1), Verdict(State.DONE)))  # the series, not this one again
        assert not remote.is_due(here)
        return "C-MOVE", Tally(0, 12), Verdict(State.DONE)

    assert remote.is_due(here) and remote.work(here, obtain)
    assert seen == [(State.RUNNING, Tally(7, 5))]
    (ended,) = (one for one in remote.retrievals(here, SYSTEM, limit=10, study="2.25.1") if one.id == asked.id)
    assert (ended.state, ended.how, ended.tally, ended.attempts) == (State.DONE, "C-MOVE", Tally(0, 12), 1)
    assert ended.ended_at is not None and not remote.work(here, obtain)
    assert kinds(here).count("retrieval.ended") == 2


def broken(*_: object) -> tuple[str, Tally, Verdict]:
    raise Broken("nobody answers: connection refused")


def test_an_archive_that_is_away_is_tried_again_and_then_given_up(here: Context, clock: Clock) -> None:
    asked = remote.ask(here, SYSTEM, "PAST", "2.25.1")
    for tries in range(1, 5):
        assert remote.work(here, broken) and not remote.is_due(here)
        (row,) = remote.retrievals(here, SYSTEM, limit=10)
        assert row.attempts == tries and row.reason == "Nobody answers: connection refused."
        assert row.state is (State.WAITING if tries < 4 else State.FAILED)
        clock.now += timedelta(minutes=5)
    assert not remote.is_due(here)
    assert remote.ask(here, SYSTEM, "PAST", "2.25.1").id != asked.id  # it has ended: asked anew


def test_what_is_refused_is_not_tried_again(here: Context) -> None:
    def refuse(*_: object) -> tuple[str, Tally, Verdict]:
        raise Forbidden("the peer rejected the association: calling AE title not recognized")

    remote.ask(here, SYSTEM, "PAST", "2.25.1")
    remote.work(here, refuse)
    (row,) = remote.retrievals(here, SYSTEM, limit=10)
    assert row.state is State.FAILED and "calling AE title" in row.reason


def test_a_worker_that_died_is_followed_by_another(here: Context, clock: Clock) -> None:
    remote.ask(here, SYSTEM, "PAST", "2.25.1")
    with pytest.raises(KeyboardInterrupt):
        remote.work(here, _killed)
    assert not remote.is_due(here)
    clock.now += remote.LEASE + timedelta(seconds=1)
    assert remote.is_due(here) and remote.work(here, lambda *_: ("C-GET", Tally(0, 3), Verdict(State.DONE)))
    assert remote.retrievals(here, SYSTEM, limit=1)[0].attempts == 2


def _killed(*_: object) -> tuple[str, Tally, Verdict]:
    raise KeyboardInterrupt


def test_cancelling_ends_what_waits_and_tells_what_runs(here: Context) -> None:
    waiting = remote.ask(here, SYSTEM, "PAST", "2.25.1")
    remote.cancel(here, SYSTEM, waiting.id)
    assert remote.retrievals(here, SYSTEM, limit=1)[0].state is State.CANCELLED and not remote.is_due(here)
    with pytest.raises(Missing):
        remote.cancel(here, SYSTEM, waiting.id)
    running = remote.ask(here, SYSTEM, "PAST", "2.25.1")
    told: list[bool] = []

    def obtain(_: object, peer: Peer, principal: Principal, tell: remote.Progress) -> tuple[str, Tally, Verdict]:
        told.append(tell(Tally(10, 1)))
        remote.cancel(here, SYSTEM, running.id)
        told.append(tell(Tally(9, 2)))
        return "C-MOVE", Tally(9, 2), Verdict(State.CANCELLED, "Cancelled.")

    assert remote.work(here, obtain) and told == [False, True]
    assert remote.retrievals(here, SYSTEM, limit=1)[0].state is State.CANCELLED
    assert kinds(here).count("retrieval.cancelled") == 2


def test_a_miss_asks_the_archives_that_are_marked_for_it(here: Context, archives: Archives) -> None:
    found = remote.fetch(here, SYSTEM, "2.25.1")
    assert found is not None and (found.peer_aet, found.state) == ("PAST", State.WAITING)
    assert remote.fetch(here, SYSTEM, "2.25.1") == found
    assert [aet for aet, *_ in archives.asked] == ["PAST"]  # it is on its way: nobody is asked twice
    with pytest.raises(Missing, match="not every archive"):
        remote.fetch(here, SYSTEM, "2.25.99")  # QUIET does not answer
    archives.held["QUIET"] = []
    assert remote.fetch(here, SYSTEM, "2.25.99") is None
    assert {aet for aet, *_ in archives.asked} == {"PAST", "QUIET"}
    for aet in ("PAST", "QUIET"):
        peers.change(here, SYSTEM, aet, archive="search")
    with pytest.raises(Missing, match="No archive is marked"):
        remote.fetch(here, SYSTEM, "2.25.98")


def test_a_patients_other_studies_are_looked_for_where_they_may_be(here: Context, archives: Archives) -> None:
    store(here, StudyInstanceUID="2.25.5", PatientID="P1")
    store(here, StudyInstanceUID="2.25.6", SeriesInstanceUID="2.25.6.1", PatientID="P1")
    older = {**ANNA, "StudyInstanceUID": "2.25.7", "StudyDate": "20191231"}
    foreign = {**ANNA, "StudyInstanceUID": "2.25.8", "PatientID": "P1X"}
    archives.held["PAST"] = [older, ANNA, foreign, {**ANNA, "StudyInstanceUID": "2.25.6"}]
    found = remote.elsewhere(here, SYSTEM, "2.25.5")
    assert [one.values["StudyInstanceUID"] for one in found.studies] == ["2.25.1", "2.25.7"]
    assert [(one.peer_aet, one.reason) for one in found.silent] == [
        ("QUIET", "QUIET could not be searched: the peer does not offer query."),
    ]  # fmt: skip
    with pytest.raises(Missing):
        remote.elsewhere(here, SYSTEM, "2.25.99")


def test_what_ended_long_ago_leaves_the_list(here: Context, clock: Clock) -> None:
    remote.ask(here, SYSTEM, "PAST", "2.25.1")
    remote.work(here, lambda *_: ("C-GET", Tally(0, 3), Verdict(State.DONE)))
    remote.ask(here, SYSTEM, "PAST", "2.25.2")
    assert remote.forget(here) == 0
    clock.now += remote.KEPT + timedelta(days=1)
    assert remote.forget(here) == 1
    assert [one.study_instance_uid for one in remote.retrievals(here, SYSTEM, limit=10)] == ["2.25.2"]
