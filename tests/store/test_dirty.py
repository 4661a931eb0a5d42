"""Series that wait for their derived data: claimed once, given up by the dead, kept when something arrives meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from isocenter.domain.access import SYSTEM
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.store import dirty
from isocenter.store.dirty import Claimed
from objects import part10

LEASE = timedelta(seconds=60)


def at(seconds: float) -> datetime:
    return datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=seconds)


def store(context: Context, seconds: float, series: str = "1.2.3.1.1") -> None:
    timed = Context(context.database, context.blobs, context.settings, lambda: at(seconds))
    with ingest.begin(timed, SYSTEM, source="dimse") as reception:
        reception.write(part10(64, SeriesInstanceUID=series))
        reception.finish()


def claim(context: Context, seconds: float, limit: int = 10) -> list[Claimed]:
    return context.database.write(lambda c: dirty.claim(c, at(seconds), limit, LEASE))


def test_a_series_is_due_once_it_is_quiet_and_claimed_once(context: Context) -> None:
    quiet = context.settings.series_quiet_seconds
    store(context, 0)
    store(context, 0.75 * quiet)
    assert claim(context, quiet) == []
    (claimed,) = claim(context, 1.75 * quiet)
    assert (claimed.series_instance_uid, claimed.study_instance_uid, claimed.attempts) == ("1.2.3.1.1", "1.2.3.1", 1)
    assert claim(context, 2 + quiet) == []
    assert context.database.write(lambda c: dirty.done(c, claimed))
    assert claim(context, 1000) == []


def test_an_instance_that_comes_during_the_work_makes_it_due_again(context: Context) -> None:
    store(context, 0)
    (claimed,) = claim(context, 10)
    store(context, 11)
    assert not context.database.write(lambda c: dirty.done(c, claimed))
    (again,) = claim(context, 20)
    assert again.attempts == 1 and context.database.write(lambda c: dirty.done(c, again))


def test_the_lease_of_a_dead_sweeper_ends(context: Context) -> None:
    store(context, 0)
    assert len(claim(context, 10)) == 1
    assert claim(context, 69) == []
    (again,) = claim(context, 71)
    assert again.attempts == 2


def test_failed_work_is_tried_later(context: Context) -> None:
    store(context, 0)
    (claimed,) = claim(context, 10)
    context.database.write(lambda c: dirty.failed(c, claimed, at(100)))
    assert claim(context, 99) == []
    assert claim(context, 100)[0].attempts == 2


@pytest.mark.parametrize("limit", [1, 3])
def test_the_oldest_come_first(context: Context, limit: int) -> None:
    for number in range(3):
        store(context, number, f"1.2.3.1.{number}")
    assert [c.series_instance_uid for c in claim(context, 50, limit)] == [f"1.2.3.1.{n}" for n in range(limit)]


def test_a_series_can_be_marked(context: Context) -> None:
    store(context, 0)
    (claimed,) = claim(context, 10)
    context.database.write(lambda c: dirty.done(c, claimed))
    context.database.write(lambda c: dirty.mark(c, claimed.series_id, at(5)))
    context.database.write(lambda c: dirty.mark(c, claimed.series_id, at(6)))
    assert len(claim(context, 10)) == 1
