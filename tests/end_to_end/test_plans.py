"""No search of the product reads a table from one end to the other: the plans of all it asks, over an index filled for it.

Three databases: SQLite as Isocenter leaves it, without statistics; SQLite with those of a million studies; PostgreSQL, whose
planner looks at the real size, with enough studies for it to prefer an index.
"""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
from bench import filling
from sqlalchemy import text

import plans
from api.test_routes import address
from api_harness import Api
from conftest import ENGINES, archive, fresh_database
from dicomweb.in_process import READER, Client
from isocenter.api.routes import ENDPOINTS
from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, Attribute, Level, Matching
from isocenter.dicom.match import Range, Single, Wildcard
from isocenter.dicom.query import Query, parse_match
from isocenter.domain.access import SYSTEM, Role
from isocenter.service import filling as index_filling
from isocenter.service import ingest
from isocenter.service import query as search
from isocenter.service import worklist as study_list
from isocenter.service.context import Context
from isocenter.service.worklist import SORT_KEYS
from isocenter.store import finding, named, worklist
from isocenter.store.database import Database
from isocenter.work import sweeps
from objects import part10

STUDIES = 8_000
PATHS = {Level.STUDY: "/studies", Level.SERIES: "/series", Level.INSTANCE: "/instances"}
LEVELS = list(Level)
# What is few or many of a million is so of the index here.
LIMITS = {finding: ("_FEW", "_SAMPLE", "_COUNTED"), worklist: ("FEW", "SOME", "COUNTED"), named: ("FEW",)}
# What does read a table, and why it may.
ALLOWED = {
    "/studies?sort=NumberOfStudyRelated": "these counts have no index, which every instance would pay for (docs/decisions.md)",
    "/studies?sort=-NumberOfStudyRelated": "likewise",
    "/system": "the totals of the System page; nobody waits for them",
}


@dataclass(frozen=True)
class Filled:
    """An archive over a filled index, a record of what it asks its database, and on which databases that is explained."""

    context: Context
    record: plans.Record
    explained: tuple[Database, ...]

    def faults(self) -> str:
        """What is wrong with the plans of what was asked."""
        assert len(self.record.asked) > 20
        asked = self.record.asked
        if self.context.database.is_sqlite:  # whose planner does not look at the values
            labels = {text: label for label, text in reversed(asked)}
            asked = {(labels[text], text): each for (_, text), each in asked.items()}
        found = [
            f"{label}: {fault}\n    {' '.join(text.split())[:700]}"
            for (label, text), each in asked.items() if not label.startswith(tuple(ALLOWED))
            for database in self.explained for fault in plans.faults(database, each)
        ]  # fmt: skip
        self.record.asked.clear()
        return "\n".join(found)


@pytest.fixture(scope="module", params=ENGINES)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("filled")
    with fresh_database(request.param, folder, request) as url:
        database = Database(url)
        filling.fill(database, STUDIES)
        database.close()
        others = []
        if request.param == "sqlite":
            shutil.copy(folder / "index.sqlite", folder / "counted.sqlite")
            _as_of_a_million(folder / "counted.sqlite")
            others.append(Database(f"sqlite:///{folder}/counted.sqlite"))
        with plans.recorded() as record, archive(url, folder) as context, pytest.MonkeyPatch.context() as patch:
            for module, limits in LIMITS.items():
                for limit in limits:
                    patch.setattr(module, limit, getattr(module, limit) * STUDIES // 1_000_000)
            yield Filled(context, record, (context.database, *others))
        for other in others:
            other.close()


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
    told = {**study.study, **study.series[0], "ModalitiesInStudy": "NM",
            "SOPInstanceUID": f"{study.series[0]['SeriesInstanceUID']}.1"}  # fmt: skip
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


@pytest.mark.parametrize("level", [Level.STUDY, Level.SERIES, Level.INSTANCE])
def test_qido_of_every_attribute(filled: Filled, level: Level) -> None:
    with asyncio.Runner() as runner:
        client = Client(filled.context, runner)
        for attribute in ATTRIBUTES:
            if LEVELS.index(attribute.level) <= LEVELS.index(level):
                for value in _values(attribute):
                    key = f"{attribute.sequence}.{attribute.keyword}".lstrip(".")
                    filled.record.label = f"{PATHS[level]}?{key}={value}"
                    client.json(f"{PATHS[level]}?{key}={quote(value)}&limit=20")
        fuzzy = "?fuzzymatching=true&limit=20&PatientName="
        month = "?limit=100&StudyDate=20200101-20200131&ModalitiesInStudy=CT&PatientName=Mar*"
        for path in ("", "?limit=10&offset=50", f"{fuzzy}zimmermann", f"{fuzzy}Anna*", month):
            filled.record.label = PATHS[level] + path
            client.json(PATHS[level] + path)
    assert not (faults := filled.faults()), faults


def test_names_as_they_sound_and_declared_attributes(filled: Filled) -> None:
    declared = "ContrastBolusAgent@SERIES,ConsultingPhysicianName@STUDY,EchoTime"
    context = replace(filled.context, settings=replace(filled.context.settings, index_attributes=declared))
    index_filling.announce(context)
    for name, table in (("ContrastBolusAgent", "series"), ("ConsultingPhysicianName", "study"), ("EchoTime", "instance")):
        put = (
            "INSERT INTO extra_value (fill_fk, owner, number, value, key) SELECT f.id, t.id, 0, CAST(mod(t.id, 5000) AS TEXT),"
            f" CAST(mod(t.id, 5000) AS TEXT) FROM {table} t CROSS JOIN index_fill f WHERE f.name = '{name}'"
        )
        context.database.write(lambda connection, put=put: connection.execute(text(put)))  # type: ignore[misc]
    if not context.database.is_sqlite:
        context.database.write(lambda c: c.exec_driver_sql("ANALYZE extra_value"))
    filled.record.asked.clear()
    with asyncio.Runner() as runner:
        client = Client(context, runner)
        for path in PATHS.values():
            for question in ("PatientName=Martinez&fuzzymatching=true", "PatientName=Mar*+A&fuzzymatching=true",
                             "ReferringPhysicianName=Baker&fuzzymatching=true", "OperatorsName=Maier&fuzzymatching=true",
                             "ContrastBolusAgent=77", "ContrastBolusAgent=4*", "ContrastBolusAgent=*7", "EchoTime=12",
                             "ConsultingPhysicianName=12", "ConsultingPhysicianName=1*", 'ContrastBolusAgent=""',
                             "includefield=all"):  # fmt: skip
                filled.record.label = f"{path}?{question}"
                client.json(f"{path}?{question}&limit=20")
        for search_for in ("ContrastBolusAgent=7", "EchoTime=12", "ConsultingPhysicianName=44"):
            filled.record.label = f"list {search_for}"
            study_list.find(context, READER, {"declared": search_for}, sort="-StudyDate", limit=20, offset=0, cursor="")
    assert not (faults := filled.faults()), faults


@pytest.mark.parametrize("level", [Level.PATIENT, Level.STUDY, Level.SERIES])
def test_c_find_by_what_is_below(filled: Filled, level: Level) -> None:
    """Relational queries (PS3.4 C.4.1.2.2.1) ask for attributes of lower levels; and what QIDO-RS does not ask: patients."""
    for attribute in ATTRIBUTES:
        if level is Level.PATIENT or LEVELS.index(attribute.level) > LEVELS.index(level):
            for value in _values(attribute):
                filled.record.label = f"{level} {attribute.keyword}={value}"
                query = Query(level, ((attribute, parse_match(attribute, value)),), limit=20)
                search.find(filled.context, READER, query)
    assert not (faults := filled.faults()), faults


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_every_page_of_the_web_client(filled: Filled) -> None:
    api = Api(filled.context)
    token = api.token(Role.ADMIN, "plans")
    held = filling.made(filling.WITH_INSTANCES)
    filled.record.asked.clear()
    pages = [f"/studies?sort={sign}{key}&limit=50" for key in SORT_KEYS for sign in ("", "-")]
    searches = ("q=Mart", "q=A0000", "PatientName=Zim", "PatientID=P00", "StudyDescription=CT", "InstitutionName=Clinic 3",
                "ReferringPhysicianName=Bak", "StudyDate=20200101-20200201", "ModalitiesInStudy=NM,XA",
                "q=M&ModalitiesInStudy=CT", "PatientName=Müll&StudyDate=20150101-")  # fmt: skip
    pages += [f"/studies?{search}&sort={key}" for search in searches for key in ("-StudyDate", "PatientName", "received_at")]
    pages += [f"/studies/{held.study['StudyInstanceUID']}"]
    pages += [address(row) for row in ENDPOINTS if row.method == "GET" and row.answer_type == "application/json"]
    api.account(Role.ADMIN, "person")
    async with api.client(token) as client, api.client() as person:
        assert (await api.log_in(person, "person")).status_code == 200
        for page in pages:
            filled.record.label = page
            answer = await client.get(page)
            if answer.status_code == 403:  # no program's: sessions
                answer = await person.get(page)
            assert answer.status_code in (200, 400, 404, 409), f"{page}: {answer.status_code} {answer.text}"
            if "next" in answer.text and page.startswith("/studies?sort"):
                await client.get(f"{page}&cursor={answer.json()['next']}")
    assert not (faults := filled.faults()), faults


@pytest.mark.parametrize("asked", [
    {"PatientName": "Mar", "ModalitiesInStudy": "CT"}, {"PatientName": "Müll", "StudyDate": "20150101-20201231"},
    {"q": "Zim", "ModalitiesInStudy": "MR"}, {"q": "Kle", "StudyDate": "20120101-20161231"},
    {"PatientName": "K?e", "ModalitiesInStudy": "US"},
    {"ModalitiesInStudy": "PT,NM", "StudyDate": "20150101-20251231", "PatientName": "B"}, {"PatientName": "Nov"},
    {"q": "Mü", "ModalitiesInStudy": "CT,SR", "StudyDate": "20120101-"}, {"q": "A"}, {"q": "Quaste"},
])
def test_every_plan_of_the_study_list_finds_the_same(
    filled: Filled, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """By ids that are fetched, by ids in a subquery, in the order of an index; names by their own entries, and by date.

    All at once, and in pages one after the other, forwards and backwards.
    """
    ask = partial(study_list.find, filled.context, READER, asked, offset=0)
    found: dict[str, list[list[str]]] = {"-StudyDate": [], "StudyDate": []}
    for by_name, few, some in ((None, STUDIES, STUDIES), (None, 0, STUDIES), (None, 0, 0), (STUDIES, 0, 0), (0, 0, 0)):
        monkeypatch.setattr(worklist, "FEW", few)
        monkeypatch.setattr(worklist, "SOME", some)
        with monkeypatch.context() as patch:
            if by_name is None:
                patch.setattr(worklist, "_named", lambda *_: None)
            else:
                patch.setattr(named, "FEW", by_name)
            for sort, answers in found.items():
                answers.append([row["StudyInstanceUID"] for row in ask(sort=sort, limit=STUDIES, cursor="").studies])
                if by_name is not None:
                    answers.append(_in_pages(partial(ask, sort=sort), len(answers[-1]) // 3 + 1))
                    later = study_list.find(filled.context, READER, asked, sort=sort, limit=5, offset=7, cursor="").studies
                    assert [row["StudyInstanceUID"] for row in later] == answers[0][7:12]
    first = found["-StudyDate"][0]
    assert first, "nothing was found"
    assert all(each == first for each in found["-StudyDate"])
    assert all(each == first[::-1] for each in found["StudyDate"])


def _in_pages(ask: Callable[..., study_list.List], size: int) -> list[str]:
    """The studies of all pages."""
    page = ask(limit=size, cursor="")
    uids = [row["StudyInstanceUID"] for row in page.studies]
    while page.next:
        page = ask(limit=size, cursor=page.next)
        uids += [row["StudyInstanceUID"] for row in page.studies]
    return uids


def test_what_comes_in_and_what_follows(filled: Filled) -> None:
    """New instances, another version, and what the worker does after them."""
    held = filling.made(filling.WITH_INSTANCES)
    uids = {"StudyInstanceUID": held.study["StudyInstanceUID"], "SeriesInstanceUID": f"{held.study['StudyInstanceUID']}.9"}
    who = {keyword: held.study[keyword] for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")}
    filled.record.asked.clear()
    for number, comment in ((1, ""), (2, ""), (2, "another version")):
        filled.record.label = f"ingest of {number} {comment}"
        content = part10(**uids, **who, SOPInstanceUID=f"1.2.3.{number}", InstanceNumber=str(number), ImageComments=comment)
        with ingest.begin(filled.context, SYSTEM, source="import") as reception:
            reception.write(content)
            assert reception.finish().status == ("version" if comment else "stored")
    filled.record.label = "the worker"
    late = replace(filled.context, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    assert sweeps.build_due(late, threading.Event()) > 0
    sweeps.keep_house(late)
    assert not (faults := filled.faults()), faults


SEARCHES = {
    "the newest": Query(Level.STUDY, limit=20),
    "a common name": Query(Level.STUDY, ((BY_KEYWORD["PatientName"], Wildcard("Mar*")),), limit=5),
    "a modality": Query(Level.STUDY, ((BY_KEYWORD["ModalitiesInStudy"], Single("CT")),), limit=20),
    "a name, a year and a modality": Query(Level.STUDY, (
        (BY_KEYWORD["PatientName"], Wildcard("K*")), (BY_KEYWORD["StudyDate"], Range("20100101", "20261231")),
        (BY_KEYWORD["ModalitiesInStudy"], Single("MR"))), limit=3),
    "a patient": Query(Level.STUDY, ((BY_KEYWORD["PatientID"], Single("P0000020")),)),
    "series of a study": Query(Level.SERIES, ((BY_KEYWORD["StudyInstanceUID"], Single("1.2.840.99040.40")),)),
    "instances of a series": Query(Level.INSTANCE, ((BY_KEYWORD["SeriesInstanceUID"], Single("1.2.840.99040.40.1")),)),
    "series of a modality anywhere": Query(Level.SERIES, ((BY_KEYWORD["Modality"], Single("CT")),), limit=20),
    "patients by name": Query(Level.PATIENT, ((BY_KEYWORD["PatientName"], Wildcard("K*")),), limit=3),
}  # fmt: skip


def test_an_index_eight_times_as_large_is_not_read_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers from an index of 1,000 studies and one of 8,000 take SQLite about as many steps."""
    monkeypatch.setattr(finding, "_FEW", 50)
    steps: dict[str, list[int]] = {name: [] for name in SEARCHES}
    for studies in (STUDIES // 8, STUDIES):
        with plans.recorded() as record:
            database = Database(f"sqlite:///{tmp_path}/{studies}.sqlite")
            filling.fill(database, studies)
            for name, query in SEARCHES.items():
                record.steps = 0
                assert database.read(partial(finding.find, query=query)), name
                steps[name].append(record.steps)
            database.close()
    grown = {name: (few, many) for name, (few, many) in steps.items() if many > 2 * few + 20}
    assert not grown, f"hundreds of steps at {STUDIES // 8} and {STUDIES} studies: {grown}"
