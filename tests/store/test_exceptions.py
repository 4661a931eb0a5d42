"""The list of what a person should look at."""

from datetime import UTC, datetime, timedelta
from functools import partial

from isocenter.domain.access import Everything
from isocenter.store import changes, exceptions
from isocenter.store.database import Database
from isocenter.store.exceptions import Case

page = partial(exceptions.page, scope=Everything())

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record(database: Database, fingerprint: str, minutes: int = 0, kind: exceptions.Kind = "refused") -> bool:
    case = Case(kind=kind, reason="why", fingerprint=fingerprint, study_instance_uid="1.2" if kind == "version" else "")
    return database.write(lambda c: exceptions.record(c, case, NOW + timedelta(minutes=minutes)))


def test_the_same_again_only_counts_and_comes_to_the_top(database: Database) -> None:
    assert record(database, "a") and record(database, "b", 1)
    assert not record(database, "a", 2)
    rows = database.read(page)
    assert [(row["fingerprint"], row["occurrences"], row["first_at"], row["last_at"]) for row in rows] == [
        ("a", 2, NOW, NOW + timedelta(minutes=2)), ("b", 1, NOW + timedelta(minutes=1), NOW + timedelta(minutes=1))]


def test_pages_and_kinds(database: Database) -> None:
    for number in range(5):
        record(database, f"r{number}", 0)
    record(database, "v", 1, "version")
    first = database.read(lambda c: page(c, limit=3))
    second = database.read(lambda c: page(c, limit=10, before_id=first[-1]["id"]))
    assert [row["fingerprint"] for row in first + second] == ["v", "r4", "r3", "r2", "r1", "r0"]
    assert [row["fingerprint"] for row in database.read(lambda c: page(c, kinds=("version",)))] == ["v"]


def test_a_dismissed_case_is_gone_until_it_happens_again(database: Database) -> None:
    record(database, "v", 0, "version")
    (row,) = database.read(page)
    assert database.write(lambda c: exceptions.dismiss(c, row["id"], "admin", NOW))
    assert not database.write(lambda c: exceptions.dismiss(c, row["id"], "admin", NOW))
    assert not database.write(lambda c: exceptions.dismiss(c, 999, "admin", NOW))
    assert database.read(page) == []
    (kept,) = database.read(lambda c: page(c, dismissed=True))
    assert (kept["dismissed_by"], kept["dismissed_at"]) == ("admin", NOW)
    (change,) = database.read(lambda c: changes.since(c, 0))
    assert (change.kind, change.subject, change.actor, change.payload) == (
        "exception.dismissed", "1.2", "admin", {"exception": row["id"]})
    record(database, "v", 5, "version")
    assert len(database.read(page)) == 1
