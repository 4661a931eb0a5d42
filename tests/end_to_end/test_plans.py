"""No search of the product reads a table from one end to the other: the plans of all it asks, over an index filled for it.

Three databases: SQLite as Isocenter leaves it, without statistics; SQLite with those of a million studies; PostgreSQL, whose planner
looks at the real size, with enough studies for it to prefer an index.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from bench import filling

import plans
from conftest import ENGINES, archive, fresh_database
from dicomweb.in_process import READER, Client
from isocenter.dicom.attributes import ATTRIBUTES, Attribute, Level, Matching
from isocenter.dicom.query import Query, parse_match
from isocenter.service import query as search
from isocenter.service.context import Context
from isocenter.store.database import Database

STUDIES = 8_000
PATHS = {Level.STUDY: "/studies", Level.SERIES: "/series", Level.INSTANCE: "/instances"}
LEVELS = list(Level)


@pytest.fixture(scope="module", params=["sqlite", "sqlite with statistics", ENGINES[1]])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, plans.Record]]:
    """An archive over a filled index, and a record of what it asks its database."""
    engine = "postgresql" if request.param == "postgresql" else "sqlite"
    folder = tmp_path_factory.mktemp("filled")
    with fresh_database(engine, folder, request) as url:
        database = Database(url)
        filling.fill(database, STUDIES)
        database.close()
        if request.param == "sqlite with statistics":
            _as_of_a_million(folder / "index.sqlite")
        with plans.recorded() as record, archive(url, folder) as context:
            yield context, record


def _as_of_a_million(path: Path) -> None:
    """What ANALYZE would say of an index that is so much larger."""
    with sqlite3.connect(path) as connection:
        connection.execute("ANALYZE")
        for table, index, told in connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall():
            number, *others = told.split()
            larger = " ".join([str(int(number) * 1_000_000 // STUDIES), *others])
            connection.execute("UPDATE sqlite_stat1 SET stat = ? WHERE tbl = ? AND idx IS ?", (larger, table, index))
    connection.close()


def _values(attribute: Attribute) -> list[str]:
    """Keys of each kind of matching that the attribute has; the first is met in the index."""
    study = filling.made(filling.WITH_INSTANCES)
    told = {**study.study, **study.series[0], "ModalitiesInStudy": "NM", "SOPInstanceUID": f"{study.series[0]['SeriesInstanceUID']}.1"}
    some = told.get(attribute.keyword, {"DA": "20260102", "TM": "1030", "AS": "030Y"}.get(attribute.vr, "1"))
    match attribute.matching:
        case Matching.NONE:
            return []
        case Matching.TEXT | Matching.NAME:
            return [some, f"{some[:3]}*", f"*{some[-3:]}"]
        case Matching.DATE:
            return [some, f"{some}-", f"{some}-{some}"]
        case Matching.UID:
            return [some, f"{some}\\1.2.3"]
    return [some]


def _faults(context: Context, record: plans.Record) -> list[str]:
    found = [(label, text, plans.faults(context.database, asked)) for (label, text), asked in record.asked.items()]
    return [f"{label}: {'; '.join(wrong)}\n    {' '.join(text.split())[:700]}" for label, text, wrong in found if wrong]


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_qido_of_every_attribute(filled: tuple[Context, plans.Record], level: Level) -> None:
    context, record = filled
    record.asked.clear()
    with asyncio.Runner() as runner:
        client = Client(context, runner)
        for attribute in ATTRIBUTES:
            if LEVELS.index(attribute.level) <= LEVELS.index(level):
                for value in _values(attribute):
                    record.label = f"{PATHS[level]}?{attribute.keyword}={value}"
                    client.json(f"{PATHS[level]}?{attribute.keyword}={quote(value)}&limit=20")
        for path in ("", "?limit=10&offset=50", "?limit=100&StudyDate=20200101-20200131&ModalitiesInStudy=CT&PatientName=Mar*"):
            record.label = PATHS[level] + path
            client.json(PATHS[level] + path)
    assert len(record.asked) > 20
    wrong = _faults(context, record)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("level", list(Level))
def test_c_find_of_every_attribute(filled: tuple[Context, plans.Record], level: Level) -> None:
    """Relational queries ask for attributes of lower levels, too."""
    context, record = filled
    record.asked.clear()
    for attribute in ATTRIBUTES:
        for value in _values(attribute):
            record.label = f"{level} {attribute.keyword}={value}"
            search.find(context, READER, Query(level, ((attribute, parse_match(attribute, value)),), limit=20))
    assert len(record.asked) > 20
    wrong = _faults(context, record)
    assert not wrong, "\n".join(wrong)
