"""What somebody may not see changes no answer: every route of every tree, asked for a study that the caller may not see.

Two archives are asked the same: one holds the study, the other never had it. Whoever may not see it must get the same status,
headers and body from both, so that no name, identifier, count, total, suggestion or way of failing tells that it is there. The
rows come from the tables that routes are mounted from: a new one is asked without a word here, or fails.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from api.test_routes import BODIES, EXAMPLES, address
from api_harness import Api
from isocenter.api.endpoint import Endpoint
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS
from isocenter.api.security_headers import SecurityHeaders
from isocenter.dicomweb.routes import RESOURCES
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.sharing import Opens
from isocenter.operations import PATHS
from isocenter.service import accounts, corrections, deliveries, ingest, peers, rejections, remote, sensitive, sharing
from isocenter.service.context import Context
from isocenter.site import AREAS, Site
from objects import part10

pytestmark = pytest.mark.anyio

SITE = "http://isocenter.test"
# The study nobody below may see, under the UID that the bodies of test_routes name, and one that each of them may.
HIDDEN = {
    "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.4.5", "PatientID": "HIDDEN-ID",
    "PatientName": "Geheim^Gerda", "AccessionNumber": "HIDDEN-ACC", "StudyDescription": "Unsaid", "SeriesDescription": "Unheard",
    "ReferringPhysicianName": "Other^Doctor", "StudyID": "HIDDEN-SID", "StudyDate": "19990807", "PatientBirthDate": "19310203",
    "Modality": "CT",
    "InstitutionName": "Elsewhere", "InstitutionalDepartmentName": "Other",
}  # fmt: skip
SEEN = {
    "StudyInstanceUID": "1.2.9", "SeriesInstanceUID": "1.2.9.4", "SOPInstanceUID": "1.2.9.4.5",
    "ReferringPhysicianName": "House^Gregory", "InstitutionName": "North", "InstitutionalDepartmentName": "Heart",
}  # fmt: skip
MARKS = ("Geheim", "HIDDEN-", "Unsaid", "Unheard", "Other^Doctor", "19990807", "1999-08-07", "19310203", "1931-02-03")
CALLERS = ("nobody", "referrer", "nameless", "narrowed", "link", "institution")
GROUPS = {
    "study": HIDDEN["StudyInstanceUID"], "series": HIDDEN["SeriesInstanceUID"], "instance": HIDDEN["SOPInstanceUID"],
    "frames": "1", "bulkdata": "7FE00010", "workitem": "1.2.3", "aetitle": "CT1", "resource": "",
}  # fmt: skip
OWN_BODIES = {"/studies/{uid}/films": {**BODIES["/studies/{uid}/films"], "series": HIDDEN["SeriesInstanceUID"]}}
KEYS = tuple(keyword for keyword in HIDDEN if keyword not in ("SeriesDescription", "Modality"))
# What differs between two archives that hold the same: the token of a session, when something was stored, and the number of a row
# of the log, which every access of anybody moves and which clients need to read on from.
VARIES = re.compile(rb'("(?:csrf_token|latest_change|cursor|seq|at)":)("[^"]*"|\d+)')
# And what is given anew to everything that is made: numbers, UIDs, secrets.
GIVEN = re.compile(rb'("(?:id|secret|path|StudyInstanceUID|ScheduledProcedureStepID|RequestedProcedureID|AccessionNumber)":)'
                   rb'("(?:2\.25\.|[A-Z]{0,3}|/shared#)?[0-9A-Za-z_-]{2,}"|\d+)')
# Rows of a study whose answer is the same whether it is there or not, even to who may do everything.
SAME_FOR_ALL = {
    f"{SITE}{PREFIX}/studies/1.2.3/splits": "lists what was split off, and nothing was",
}


@dataclass(frozen=True)
class Ask:
    """One request, by its whole address."""

    method: str
    url: str
    json: object = None
    content: bytes | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url.removeprefix(SITE)}"


def of_endpoint(row: Endpoint) -> Iterator[Ask]:
    """A row of the API with the study's own identifiers, then with each parameter that can name the study."""
    url = f"{SITE}{PREFIX}{address(row)}"
    yield Ask(row.method, url, {**BODIES, **OWN_BODIES}.get(row.path))
    # The first of its kind that was made, if any, was made of the study; cases the callers make themselves, too.
    if "{id}" in row.path and not row.path.startswith("/exceptions"):
        numbered = address(row).replace(EXAMPLES["id"], "1", 1)
        yield Ask(row.method, f"{SITE}{PREFIX}{numbered}", {**BODIES, **OWN_BODIES}.get(row.path))
    for parameter in row.parameters:
        if parameter.place == "query" and parameter.name in HIDDEN:
            yield Ask(row.method, f"{url}?{parameter.name}={HIDDEN[parameter.name]}", BODIES.get(row.path))
        if parameter.name == "q":
            for value in ("Geheim", "HIDDEN-ID", "HIDDEN-ACC"):
                yield Ask(row.method, f"{url}?q={value}")


def paths_of(pattern: str) -> Iterator[str]:
    """The shortest and the longest path that a resource's pattern takes; fails for a group that GROUPS does not know."""
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda group: GROUPS[group[1]], pattern)
    short, long = named, named
    while "(?:" in long:
        short = re.sub(r"\(\?:[^()]*\)\?", "", short)
        long = re.sub(r"\(\?:([^()]*)\)\?", r"\1", long)
    yield from dict.fromkeys((re.sub(r"\(\?:.*\)\?", "", named), short, long))


def of_resource(method: str, pattern: str) -> Iterator[Ask]:
    """A DICOMweb resource; a search also by each key of the study."""
    for path in paths_of(pattern):
        url = f"{SITE}/dicom-web{path}"
        yield Ask(method, url, content=None if method == "GET" else b"x")
        if method == "GET" and path.rpartition("/")[2] in ("studies", "series", "instances"):
            for key in KEYS:
                yield Ask(method, f"{url}?{key}={HIDDEN[key]}&includefield=all")
            yield Ask(method, f"{url}?PatientName=gehaim&fuzzymatching=true")


_OBJECT = "studyUID=1.2.3&seriesUID=1.2.3.4&objectUID=1.2.3.4.5"
WADO = Ask("GET", f"{SITE}/wado?requestType=WADO&{_OBJECT}&contentType=application/dicom")
PAGES = [Ask("GET", f"{SITE}{path}") for path in (*sorted(PATHS), "/", "/studies/1.2.3", "/viewer/1.2.3", "/nothing")]
# Not asked: what does not end (tests/api/test_live.py shows whom it tells what), and what would end the caller's own session.
NOT_ASKED = {("GET", "/events"), ("GET", "/changes/stream"), ("DELETE", "/session")}
# How much the archive holds in all, in bytes and objects: for `system:read`, who must know when the disk is full.
OF_OPERATORS = {"/metrics", f"{PREFIX}/system", f"{PREFIX}/system/integrity"}
API_ASKS = [ask for row in ENDPOINTS if (row.method, row.path) not in NOT_ASKED for ask in of_endpoint(row)]
DICOMWEB_ASKS = [*(ask for method, pattern, *_ in RESOURCES for ask in of_resource(method, pattern.pattern)), WADO]


@dataclass
class Archive:
    """An archive with its callers: name -> secret of a token, or of a link."""

    api: Api
    secrets: dict[str, str]

    @asynccontextmanager
    async def client(self, caller: str) -> AsyncIterator[httpx.AsyncClient]:
        async with self.api.client("" if caller == "link" else self.secrets.get(caller, "")) as client:
            if caller == "link":
                said = await client.post("/session/link", json={"token": self.secrets[caller]})
                client.headers["X-CSRF-Token"] = said.json()["csrf_token"]
            yield client

    async def answer(self, client: httpx.AsyncClient, ask: Ask) -> tuple[int, dict[str, str], bytes]:
        """What came back, without what differs from one request to the next (`VARIES`)."""
        response = await client.request(ask.method, ask.url, json=ask.json, content=ask.content)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}  # the body is compared
        return response.status_code, headers, GIVEN.sub(rb"\1", VARIES.sub(rb"\1", response.content))


def _leave_traces(api: Api) -> None:
    """What people and machines do with a study, all of which is in lists of its own."""
    context, uid = api.context, HIDDEN["StudyInstanceUID"]
    api.store(part10(**HIDDEN | {"SOPInstanceUID": "1.2.3.4.6"}))
    api.store(part10(**HIDDEN | {"SeriesDescription": "Unheard of"}))  # another version of what is held: a case
    corrections.correct(context, SYSTEM, [uid], {"PatientName": "Geheim^Greta", "PatientID": "HIDDEN-ID"}, "misspelt")
    deliveries.ask(context, SYSTEM, [uid], "STORE")
    door = partial(ingest.begin, context, SYSTEM, source="upload")
    rejections.reject(context, SYSTEM, uid, door, kind="quality", reason="blurred", instances=["1.2.3.4.6"])
    rejections.hold(context, SYSTEM, uid, "a lawsuit")
    sharing.create(context, SYSTEM, sharing.Wanted(Opens.STUDY, uid, download=True))
    remote.ask(context, SYSTEM, "OTHER", uid)


def make(context: Context, *, hidden: bool, marked: bool = False) -> Archive:
    api = Api(context)
    api.store(part10(**SEEN))
    if hidden:
        api.store(part10(**HIDDEN))
    peers.add(api.context, SYSTEM, aet="STORE", host="192.0.2.1", port=104)
    peers.add(api.context, SYSTEM, aet="OTHER", host="192.0.2.1", port=104, archive="search")
    if marked:
        _leave_traces(api)
        sensitive.mark(api.context, SYSTEM, HIDDEN["StudyInstanceUID"], "a colleague")
    secrets = {"all": api.token(Role.ADMIN), "referrer": api.token(Role.REFERRER, "house", "House^Gregory"),
               "nameless": api.token(Role.REFERRER, "nameless"), "technologist": api.token(Role.TECHNOLOGIST, "tess"),
               "device": api.token(Role.SERVICE, "ris")}  # fmt: skip
    secrets["narrowed"] = accounts.create_token(api.context, SYSTEM, user="admin", name="less", role=Role.REFERRER).secret
    accounts.add_user(api.context, SYSTEM, name="north", role=Role.RADIOLOGIST, studies="institution=North; department=Heart")
    secrets["institution"] = accounts.create_token(api.context, SYSTEM, user="north", name="it").secret
    wanted = sharing.Wanted(Opens.STUDY, SEEN["StudyInstanceUID"], download=True)
    secrets["link"] = sharing.create(api.context, SYSTEM, wanted).secret
    api.app = SecurityHeaders(Site(api.context, api.authenticator))
    return Archive(api, secrets)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def holding(context: Context) -> Archive:
    """The archive that has the study."""
    return make(context, hidden=True)


@pytest.fixture
def marked(context: Context) -> Archive:
    """The archive that has the study, which is sensitive."""
    return make(context, hidden=True, marked=True)


@pytest.fixture
def without(second_context: Context) -> Archive:
    """The archive that never had it."""
    return make(second_context, hidden=False)


@pytest.mark.parametrize("caller", CALLERS)
async def test_every_route_answers_as_if_the_study_were_not_there(caller: str, holding: Archive, without: Archive) -> None:
    told = await _told(caller, holding, without)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("caller", ["technologist", "device"])
async def test_every_route_answers_as_if_a_sensitive_study_were_not_there(caller: str, marked: Archive, without: Archive) -> None:
    told = await _told(caller, marked, without, OF_OPERATORS)
    assert not told, "\n".join(told)


async def test_a_case_of_a_sensitive_study_is_on_the_list_of_who_may_see_it_only(marked: Archive) -> None:
    async with marked.client("technologist") as tess, marked.client("all") as ada:
        assert (await tess.get("/exceptions")).json()["exceptions"] == []
        for method, path in (("GET", "file"), ("GET", "patient"), ("POST", "dismiss")):
            assert (await tess.request(method, f"/exceptions/1/{path}", json={})).status_code == 404, path
        (case,) = (await ada.get("/exceptions")).json()["exceptions"]
        assert (case["kind"], case["StudyInstanceUID"]) == ("version", HIDDEN["StudyInstanceUID"])
        assert (await ada.post("/exceptions/1/dismiss")).status_code == 204


async def _told(caller: str, holding: Archive, without: Archive, but: Collection[str] = ()) -> list[str]:
    """Every request whose answer differs between the two archives, or tells of the study."""
    told = []
    async with holding.client("all") as who_may:  # so that all caches hold the study: what is quick asks, too
        for ask in (ask for ask in DICOMWEB_ASKS if ask.method == "GET"):
            await holding.answer(who_may, ask)
    async with holding.client(caller) as here, without.client(caller) as there:
        for ask in (each for each in (*API_ASKS, *DICOMWEB_ASKS, *PAGES) if each.url.removeprefix(SITE) not in but):
            got, wanted = await holding.answer(here, ask), await without.answer(there, ask)
            text = f"{got[1]} {got[2].decode('latin-1')}"
            if got != wanted or any(mark in text and mark not in ask.url for mark in MARKS):
                told.append(f"{ask}: {got[0]} {got[2][:600]!r} instead of {wanted[0]} {wanted[2][:300]!r}")
    return told


async def test_the_same_requests_tell_of_the_study_to_who_may_see_it(holding: Archive, without: Archive) -> None:
    """Otherwise the test above would prove nothing."""
    same = []
    of_study = [ask for ask in API_ASKS if f"{PREFIX}/studies/1.2.3" in ask.url or (f"{PREFIX}/studies?" in ask.url)]
    of_study.sort(key=lambda ask: ask.url.endswith("/rejections"))  # the last to find it
    async with holding.client("all") as here, without.client("all") as there:
        for ask in (ask for ask in DICOMWEB_ASKS if ask.method == "GET" and re.search(r"studies/1|=", ask.url)):
            got, wanted = await holding.answer(here, ask), await without.answer(there, ask)
            if got == wanted or got[0] not in (200, 206):
                same.append(f"{ask}: {got[0]} {got[2][:300]!r}")
        for ask in (ask for ask in of_study if not (ask.method == "GET" and ask.url in SAME_FOR_ALL)):
            got, wanted = await holding.answer(here, ask), await without.answer(there, ask)
            if got == wanted:
                same.append(f"{ask}: {got[0]} {got[2][:300]!r}")
    assert not same, "\n".join(same)


async def test_nobody_gets_no_further_than_the_login(holding: Archive) -> None:
    async with holding.client("nobody") as client:
        for ask in (*DICOMWEB_ASKS, Ask("GET", f"{SITE}/metrics")):
            assert (await holding.answer(client, ask))[0] == 401, ask


def test_every_tree_of_the_site_is_asked() -> None:
    """A tree that is added to the site fails here until its rows are among the requests above."""
    asked = {ask.url.removeprefix(SITE).split("/")[1].partition("?")[0] for ask in (*API_ASKS, *DICOMWEB_ASKS, *PAGES)}
    assert asked - {"", "studies", "viewer", "nothing"} == AREAS - {"assets"}  # files of the client, the same for everybody
