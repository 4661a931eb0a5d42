"""Searching: the caller's role and scope are in every question, on both databases."""

from dataclasses import replace
from pathlib import Path

import pytest

from isocenter.dicom.attributes import BY_KEYWORD, Level
from isocenter.dicom.match import Wildcard
from isocenter.dicom.query import Query
from isocenter.domain.access import SYSTEM, Everything, Permission, Role, by_role
from isocenter.domain.errors import Forbidden
from isocenter.domain.events import Event
from isocenter.service import ingest, query
from isocenter.service.context import Context
from isocenter.store import changes

READER = by_role("rita", Role.RADIOLOGIST, "user", "session")


@pytest.fixture
def filled(context: Context, data: Path) -> Context:
    for folder in ("ct/priors", "cr-dx/priors-IIG-DEPT1011"):
        for path in sorted((data / folder).rglob("*.dcm")):
            with ingest.begin(context, SYSTEM, source="import") as reception:
                reception.write(path.read_bytes())
                reception.finish()
    return context


def test_rows_and_their_count(filled: Context) -> None:
    rows = query.find(filled, READER, Query(Level.STUDY))
    assert len(rows) == query.estimate(filled, READER, Query(Level.STUDY, limit=1, offset=1))[0] > 3
    assert len(query.find(filled, READER, Query(Level.STUDY, limit=2, offset=1))) == 2
    wanted = (BY_KEYWORD["PatientID"], Wildcard(rows[0]["PatientID"][:4] + "*"))
    assert rows[0] in query.find(filled, READER, Query(Level.STUDY, (wanted,)))


def test_a_referrer_finds_the_studies_of_their_own(filled: Context) -> None:
    names = {row["ReferringPhysicianName"] for row in query.find(filled, READER, Query(Level.STUDY))}
    for name in names - {""}:
        referrer = by_role("ref", Role.REFERRER, "user", "session", referrer_name=name)
        rows = query.find(filled, referrer, Query(Level.STUDY))
        assert rows and {row["ReferringPhysicianName"] for row in rows} == {name}
        assert query.estimate(filled, referrer, Query(Level.STUDY))[0] == len(rows)
    stranger = by_role("ref", Role.REFERRER, "user", "session", referrer_name="Nobody^At^All")
    for level in (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE):
        assert query.find(filled, stranger, Query(level)) == [] and query.estimate(filled, stranger, Query(level))[0] == 0
        assert query.find(filled, by_role("ref", Role.REFERRER, "user", "session"), Query(level)) == []


def test_who_may_not_search(filled: Context) -> None:
    for ask in (query.find, query.estimate):
        with pytest.raises(Forbidden):
            ask(filled, replace(READER, rights={Permission.STUDY_READ: Everything()}), Query(Level.STUDY))


def test_who_searched_by_which_keys_is_written_once_in_ten_minutes_and_never_what_for(filled: Context) -> None:
    by_name = Query(Level.STUDY, ((BY_KEYWORD["PatientName"], Wildcard("SECRET*")),))
    for _ in range(3):
        query.find(filled, READER, by_name)
    query.find(filled, replace(READER, name="max"), by_name)
    query.find(filled, READER, Query(Level.SERIES))
    rows = filled.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_SEARCHED,)))
    assert [(row.actor, row.subject) for row in rows] == [
        ("rita", "STUDY?PatientName"), ("max", "STUDY?PatientName"), ("rita", "SERIES?"),
    ]  # fmt: skip
    assert "SECRET" not in repr(rows)
