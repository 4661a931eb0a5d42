"""Links for people without an account: what they open and what not, at every door; codes; what comes in over them."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from api_harness import Api
from isocenter.api.security_headers import SecurityHeaders
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.errors import Away
from isocenter.service import accounts, corrections, ingest, received
from isocenter.site import Site
from isocenter.store.schema_sharing import share, share_session
from objects import part10

pytestmark = pytest.mark.anyio

SITE = "http://isocenter.test"
WEB = f"{SITE}/dicom-web"


def whole_site(api: Api) -> Api:
    """The API together with DICOMweb, as the web process has them."""
    api.app = SecurityHeaders(Site(api.context, api.authenticator))
    return api


def fill(api: Api) -> None:
    """Two studies of one patient, one of another with the same number elsewhere, one of somebody else."""
    for number, patient, issuer, referrer in (
        ("1", "P1", "", "House^Gregory"), ("2", "P1", "", "Wilson^James"), ("3", "P1", "ELSEWHERE", "House^Gregory"),
        ("4", "P4", "", "House^Gregory"),
    ):  # fmt: skip
        api.store(
            part10(
                PatientID=patient, IssuerOfPatientID=issuer, ReferringPhysicianName=referrer, StudyInstanceUID=f"1.2.{number}",
                SeriesInstanceUID=f"1.2.{number}.1", SOPInstanceUID=f"1.2.{number}.1.1", PatientName=f"Name{number}^N",
            )
        )  # fmt: skip


async def made(api: Api, token: str, **wanted: Any) -> dict[str, Any]:
    async with api.client(token) as client:
        response = await client.post("/shares", json=wanted)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["path"] == f"/shared#{answer['secret']}"
    return answer


async def opened(api: Api, client: httpx.AsyncClient, link: dict[str, Any], code: str = "") -> httpx.Response:
    """Open a link; the client then has the cookie, and sends the CSRF token."""
    response = await client.post("/session/link", json={"token": link["secret"], **({"code": code} if code else {})})
    if response.status_code == 200:
        client.headers["X-CSRF-Token"] = response.json()["csrf_token"]
    return response


@asynccontextmanager
async def through(api: Api, link: dict[str, Any], code: str = "") -> AsyncIterator[httpx.AsyncClient]:
    async with api.client(address="203.0.113.7") as client:
        response = await opened(api, client, link, code)
        assert response.status_code == 200, response.text
        yield client


async def studies(client: httpx.AsyncClient) -> list[str]:
    """Those of the list; its count and DICOMweb's agree."""
    page = (await client.get("/studies?sort=StudyDate")).json()
    found = sorted(study["StudyInstanceUID"] for study in page["studies"])
    assert (page["total"], page["total_is_estimate"], page["latest_change"]) == (len(found), False, 0)
    rows = (await client.get(f"{WEB}/studies")).json()
    assert sorted(row["0020000D"]["Value"][0] for row in rows) == found
    return found


def doors(number: int) -> list[str]:
    """Ways to a study, its series and its image."""
    study = f"{WEB}/studies/1.2.{number}"
    image = f"{study}/series/1.2.{number}.1/instances/1.2.{number}.1.1"
    uri = f"{SITE}/wado?requestType=WADO&studyUID=1.2.{number}&seriesUID=1.2.{number}.1&objectUID=1.2.{number}.1.1"
    return [
        f"/studies/1.2.{number}", f"{study}/metadata", f"{study}/series/1.2.{number}.1/metadata", f"{image}/metadata",
        f"{image}/frames/1", f"{image}/rendered", f"{study}/thumbnail", f"{image}/pixeldata", f"{uri}&contentType=image/jpeg",
    ]  # fmt: skip


def files(number: int) -> list[str]:
    """Ways to take whole objects away."""
    study = f"{WEB}/studies/1.2.{number}"
    uri = f"{SITE}/wado?requestType=WADO&studyUID=1.2.{number}&seriesUID=1.2.{number}.1&objectUID=1.2.{number}.1.1"
    return [study, f"{study}?accept=application/zip", f"{study}/series/1.2.{number}.1",
            f"{study}/series/1.2.{number}.1/instances/1.2.{number}.1.1", f"{uri}&contentType=application/dicom"]  # fmt: skip


async def test_a_link_to_a_study_opens_that_study_and_nothing_else(api: Api) -> None:
    whole_site(api)
    fill(api)
    link = await made(api, api.token(Role.RADIOLOGIST, "rita"), opens="study", StudyInstanceUID="1.2.1", label="Dr. House")
    async with through(api, link) as client:
        who = (await client.get("/session")).json()
        assert who["user"]["permissions"] == ["study:query", "study:read"]
        assert {**who["link"], "expires_at": ""} == {"opens": "study", "label": "", "maker": "rita", "expires_at": "",
                                                    "download": False, "studies": ["1.2.1"]}  # fmt: skip
        assert await studies(client) == ["1.2.1"]
        for door in doors(1):
            assert (await client.get(door)).status_code == 200, door
        for number in (2, 3, 4):
            for door in doors(number):
                assert (await client.get(door)).status_code == 404, door
        detail = (await client.get("/studies/1.2.1")).json()
        assert detail["priors"] == [] and len(detail["series"]) == 1
        for search in ("StudyInstanceUID=1.2.2", "PatientID=P4", "StudyInstanceUID=1.2.1,1.2.2&PatientID=P4"):
            assert (await client.get(f"{WEB}/studies?{search}")).json() == []
        for level in ("series", "instances"):
            rows = (await client.get(f"{WEB}/{level}")).json()
            assert [row["0020000D"]["Value"][0] for row in rows] == ["1.2.1"]
        for door in files(1):
            refused = await client.get(door)
            assert refused.status_code == 403 and b"study:export" in refused.content, door
        for door in files(2):
            assert (await client.get(door)).status_code in (403, 404), door
    link = await made(api, api.token(Role.RADIOLOGIST, "ray"), opens="study", StudyInstanceUID="1.2.1", download=True)
    async with through(api, link) as client:
        for door in files(1):
            assert (await client.get(door)).status_code == 200, door
        for door in files(2):
            assert (await client.get(door)).status_code == 404, door
        taken = {"form": "dicom", "count": 1}
        assert (await client.post("/studies/1.2.1/exports", json=taken)).status_code == 204
        assert (await client.post("/studies/1.2.2/exports", json=taken)).status_code == 404


async def test_a_link_to_a_patient_opens_their_studies_as_far_as_its_maker_sees_them(api: Api) -> None:
    whole_site(api)
    fill(api)
    rita = api.token(Role.RADIOLOGIST, "rita")
    link = await made(api, rita, opens="patient", StudyInstanceUID="1.2.1")
    async with through(api, link) as client:
        assert await studies(client) == ["1.2.1", "1.2.2"]  # the same number of another issuer is another patient
        api.store(part10(PatientID="P1", StudyInstanceUID="1.2.5"))
        api.authenticator.forget()
        assert await studies(client) == ["1.2.1", "1.2.2", "1.2.5"]
        who = {"PatientID": "P4", "PatientName": "Name4^N"}
        corrections.correct(api.context, SYSTEM, ["1.2.2"], who, "filed under the wrong patient")
        api.authenticator.forget()
        assert await studies(client) == ["1.2.1", "1.2.5"]
    # Who sees less shares less, also later.
    accounts.change_user(api.context, SYSTEM, "rita", role=Role.TECHNOLOGIST)
    async with through(api, link) as client:
        assert len(await studies(client)) == 2
        accounts.change_user(api.context, SYSTEM, "rita", role=Role.REFERRER, referrer_name="House^Gregory")
        api.authenticator.forget()
        assert (await client.get("/session")).status_code == 401  # referrers may not share
        assert (await opened(api, client, link)).status_code == 401


async def test_a_code_opens_once_and_may_be_guessed_five_times(api: Api) -> None:
    fill(api)
    token = api.token(Role.TECHNOLOGIST)
    link = await made(api, token, opens="study", StudyInstanceUID="1.2.1", code="once")
    assert re.fullmatch(r"\d{4}-\d{4}", link["code"])
    wrong = "0000-0000" if link["code"] != "0000-0000" else "1111-1111"

    async def state() -> str:
        async with api.client(token) as client:
            return str((await client.get(f"/shares/{link['share']['id']}")).json()["state"])

    async with api.client() as phone, api.client() as other:
        asked = await opened(api, phone, link)
        assert (asked.status_code, asked.json()["error"]["where"]) == (401, "code")
        assert "study" not in asked.text.lower().replace("isocenter", "")
        for left in (4, 3, 2):
            refused = await opened(api, phone, link, wrong)
            assert refused.status_code == 401 and str(left) in refused.json()["error"]["hint"]
        let_in = await opened(api, phone, link, link["code"].replace("-", " "))
        assert let_in.status_code == 200 and "max-age=1209600" in let_in.headers["set-cookie"].lower()  # it is not asked again
        used = await opened(api, other, link, link["code"])
        assert used.status_code == 401 and "another browser" in used.json()["error"]["message"]
        assert await state() == "used"
        assert (await phone.get("/session")).status_code == 200
        async with api.client(token) as client:
            fresh = (await client.post(f"/shares/{link['share']['id']}/code")).json()["code"]
        assert await state() == "open"
        for _ in range(5):
            assert (await opened(api, other, link, wrong)).status_code == 401
        assert await state() == "locked"
        locked = await opened(api, other, link, fresh)
        assert locked.status_code == 401 and "locked" in locked.json()["error"]["message"]
        assert (await phone.get("/session")).status_code == 200  # whoever is in stays in
    always = await made(api, token, opens="study", StudyInstanceUID="1.2.1", code="always")
    for _ in range(2):
        async with through(api, always, always["code"]):
            pass
    kept = api.context.database.read(lambda connection: connection.execute(share.select()).all())
    sessions = api.context.database.read(lambda connection: connection.execute(share_session.select()).all())
    for secret in (link["secret"], link["code"], fresh, always["secret"], always["code"]):
        assert secret not in str(kept) + str(sessions)
    assert kept[0].code_hash.startswith("$argon2id$")


async def test_a_link_ends(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    token = api.token(Role.RADIOLOGIST, "rita")
    link = await made(api, token, opens="study", StudyInstanceUID="1.2.1", days=3)
    async with through(api, link) as client:
        api.clock.forward(days=2, hours=23)
        api.authenticator.forget()
        assert (await client.get("/studies/1.2.1")).status_code == 200
        api.clock.forward(hours=2)
        api.authenticator.forget()
        assert (await client.get("/studies/1.2.1")).status_code == 401
        ended = await opened(api, client, link)
        assert ended.status_code == 404 and "expired" in ended.json()["error"]["message"]
    link = await made(api, token, opens="study", StudyInstanceUID="1.2.1")
    async with through(api, link) as client, api.client(token) as rita:
        assert (await rita.delete(f"/shares/{link['share']['id']}")).status_code == 204
        assert (await client.get("/studies/1.2.1")).status_code == 401
        assert "withdrawn" in (await opened(api, client, link)).text
        assert (await rita.delete(f"/shares/{link['share']['id']}")).status_code == 204
        assert (await rita.post(f"/shares/{link['share']['id']}/code")).status_code == 400
    link = await made(api, token, opens="study", StudyInstanceUID="1.2.1")
    async with through(api, link) as client:
        accounts.disable_user(api.context, SYSTEM, "rita")
        api.authenticator.forget()
        assert (await client.get("/studies/1.2.1")).status_code == 401
        assert (await opened(api, client, link)).status_code == 401
        assert (await opened(api, client, {"secret": "x" * 43})).status_code == 404


async def test_closing_forgets_the_browser_and_opening_ends_a_login(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    link = await made(api, api.token(Role.ADMIN), opens="study", StudyInstanceUID="1.2.1")
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        mine = client.cookies["isocenter_session"]
        assert (await opened(api, client, link)).status_code == 200
        theirs = client.cookies["isocenter_session"]
        assert (await client.get("/session")).json()["link"]["opens"] == "study"
        assert (await client.delete("/session")).status_code == 204
        for secret in (mine, theirs):
            client.cookies.set("isocenter_session", secret, domain="isocenter.test")
            assert (await client.get("/session")).status_code == 401
    assert api.kinds().count("session.ended") == 1 and api.kinds().count("share.closed") == 1


async def test_trying_links_is_slowed_down_as_trying_passwords_is(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    api.account(Role.RADIOLOGIST, "ray")
    link = await made(api, api.token(Role.ADMIN), opens="study", StudyInstanceUID="1.2.1")
    async with api.client(address="2001:db8:1:2::7") as client, api.client(address="2001:db8:1:2::8") as neighbour:
        for number in range(20):
            assert (await opened(api, client, {"secret": f"{number:043}"})).status_code == 404
        for someone in (client, neighbour):
            slowed = await opened(api, someone, link)
            assert slowed.status_code == 429 and int(slowed.headers["retry-after"]) >= 1
        assert (await api.log_in(neighbour, "ray")).status_code == 429
        api.clock.forward(seconds=2)
        assert (await opened(api, client, link)).status_code == 200
    async with through(api, link):  # from elsewhere it opens
        pass


async def test_lists_show_ones_own_and_administrators_all(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    rita, ray, admin = api.token(Role.RADIOLOGIST, "rita"), api.token(Role.TECHNOLOGIST, "ray"), api.token(Role.ADMIN)
    first = await made(api, rita, opens="study", StudyInstanceUID="1.2.1", label="one", download=True)
    await made(api, ray, opens="upload", label="two")
    lists = {}
    for token in (rita, ray, admin):
        async with api.client(token) as client:
            lists[token] = (await client.get("/shares")).json()["shares"]
    assert [[row["label"] for row in lists[token]] for token in (rita, ray, admin)] == [["one"], ["two"], ["two", "one"]]
    assert lists[rita][0]["study"]["PatientName"] == "Name1^N" and lists[rita][0]["maker"] == "rita"
    async with api.client(ray) as client:
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/code"), ("GET", "/history")):
            assert (await client.request(method, f"/shares/{first['share']['id']}{path}")).status_code == 404
    async with api.client(admin) as client:
        page = (await client.get("/shares?limit=1")).json()
        assert (await client.get(f"/shares?limit=1&before={page['next']}")).json()["shares"][0]["label"] == "one"
        for body in ({"opens": "study", "StudyInstanceUID": "1.2.99"}, {"opens": "patient"}):
            assert (await client.post("/shares", json=body)).status_code == 404
        for body in ({"opens": "upload"}, {"opens": "upload", "label": "x", "download": True}, {"opens": "study", "days": 0}):
            assert (await client.post("/shares", json=body)).status_code == 400


async def test_the_settings_ask_for_codes_and_short_lives(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    api.open(share_max_days=7, share_needs_code=True)
    token = api.token(Role.ADMIN)
    async with api.client(token) as client:
        said = (await client.get("/shares")).json()
        assert (said["most_days"], said["needs_code"]) == (7, True)
        for body, where in (({"days": 8, "code": "once"}, "days"), ({"days": 7}, "code")):
            refused = await client.post("/shares", json={"opens": "study", "StudyInstanceUID": "1.2.1", **body})
            assert (refused.status_code, refused.json()["error"]["where"]) == (400, where)
    assert (await made(api, token, opens="study", StudyInstanceUID="1.2.1", days=7, code="once"))["code"]


async def test_nobody_shares_more_than_they_may(sqlite_api: Api) -> None:
    api = sqlite_api
    fill(api)
    referrer = api.token(Role.REFERRER, "dr", "House^Gregory")
    async with api.client(referrer) as client:
        assert (await client.post("/shares", json={"opens": "study", "StudyInstanceUID": "1.2.1"})).status_code == 403


async def test_the_history_says_who_did_what_from_where(sqlite_api: Api) -> None:
    api = whole_site(sqlite_api)
    fill(api)
    token = api.token(Role.RADIOLOGIST)
    link = await made(api, token, opens="study", StudyInstanceUID="1.2.1", code="always", download=True)
    async with api.client(address="198.51.100.1") as client:
        await opened(api, client, link, "1234")
    async with through(api, link, link["code"]) as client:
        await client.get("/studies/1.2.1")
        await client.post("/studies/1.2.1/exports", json={"form": "dicom", "count": 1})
        await client.delete("/session")
    async with api.client(token) as client:
        entries = (await client.get(f"/shares/{link['share']['id']}/history")).json()["entries"]
        listed = (await client.get(f"/shares/{link['share']['id']}")).json()
    assert [(entry["kind"], entry["address"], entry["reason"]) for entry in reversed(entries)] == [
        ("share.refused", "198.51.100.1", "code"), ("share.opened", "203.0.113.7", ""), ("study.read", "203.0.113.7", ""),
        ("study.exported", "", "dicom"), ("share.closed", "203.0.113.7", ""),
    ]  # fmt: skip
    assert (listed["openings"], listed["opened_at"] is not None) == (1, True)
    async with api.client(api.token(Role.ADMIN)) as client:  # who saw the patient's images: the guest did
        rows = (await client.get("/audit?patient=P1&kind=study.read,share.opened")).json()["entries"]
    guest = f"link:{link['share']['id']}"
    assert {(row["actor"], row["kind"], row["address"]) for row in rows if row["actor"] == guest} == {
        (guest, "study.read", "203.0.113.7"), (guest, "share.opened", "203.0.113.7")}
    assert secretless(api, link)


def secretless(api: Api, link: dict[str, Any]) -> bool:
    """No row of the log has the link or its code."""
    from isocenter.store import changes

    said = str(api.context.database.read(lambda connection: changes.since(connection, 0)))
    return link["secret"] not in said and link["code"] not in said


# ---- what comes in


async def send(client: httpx.AsyncClient, content: bytes, name: str = "x.dcm") -> list[dict[str, str]]:
    response = await client.post(f"/upload?name={name}", content=content)
    assert response.status_code == 200, response.text
    results: list[dict[str, str]] = response.json()["results"]
    return results


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


async def waits(client: httpx.AsyncClient) -> dict[str, int]:
    return {row["StudyInstanceUID"]: row["objects"] for row in (await client.get("/received")).json()["received"]}


async def test_what_is_sent_in_waits_until_it_is_accepted(api: Api) -> None:
    whole_site(api)
    fill(api)
    link = await made(api, api.token(Role.TECHNOLOGIST), opens="upload", label="Another hospital")
    theirs = [part10(StudyInstanceUID="1.9", SeriesInstanceUID="1.9.1", PatientID="P1", PatientName="Foreign^F",
                     IssuerOfPatientID="") for _ in range(3)]  # fmt: skip
    async with through(api, link) as client:
        assert (await client.get("/session")).json()["link"]["opens"] == "upload"
        assert (await client.get("/studies")).status_code == 403
        assert (await client.get(f"{WEB}/studies")).status_code == 403
        results = [*await send(client, theirs[0]), *await send(client, packed({"a/1": theirs[1], "a/2": theirs[2]}), "disc.zip")]
        assert {result["status"] for result in results} == {"quarantined"}
        (held,) = await send(client, part10(StudyInstanceUID="1.2.1", SOPInstanceUID="1.2.1.1.1"))
        assert held["status"] == "quarantined"  # it is not told what is here already
        (picture,) = await send(client, b"\xff\xd8\xff\xe0 no DICOM file")
        assert picture["status"] == "refused"
    async with api.client(api.token(Role.ADMIN)) as client:
        assert (await client.get("/studies")).json()["total"] == 4
        assert await waits(client) == {"1.9": 3, "1.2.1": 1}
        kinds = {row["kind"] for row in (await client.get("/exceptions")).json()["exceptions"]}
        assert "quarantined" not in kinds
        place = f"/received/{link['share']['id']}/studies"
        look = (await client.get(f"{place}/1.9")).json()
        assert look["values"]["PatientName"] == "Foreign^F" and look["joins"]["PatientName"] == "Name1^N"
        assert look["contradicts"] == ["PatientName"]
        done = (await client.post(f"{place}/1.9/accept", json={"as": "apart"})).json()
        assert done == {"accepted": 3, "failed": [], "next": None}
        assert await waits(client) == {"1.2.1": 1}
        study = (await client.get("/studies/1.9")).json()
        assert (study["study"]["PatientID"], study["study"]["IssuerOfPatientID"]) == (
            "P1", f"link:{link['share']['id']} Another hospital")  # fmt: skip
        assert study["study"]["NumberOfStudyRelatedInstances"] == 3 and study["priors"] == []
        assert (await client.post(f"{place}/1.2.1/refuse", json={"reason": "not ours"})).json() == {"refused": 1}
        assert await waits(client) == {}
        assert (await client.post(f"{place}/1.2.1/accept", json={"as": "said"})).status_code == 404
    quarantine = sorted(file.read_bytes() for file in (api.context.settings.data / "quarantine").rglob("*.dcm"))
    assert len(quarantine) == 4 and all(content in quarantine for content in theirs)  # as it came, accepted or refused
    async with through(api, link) as client:
        assert [result["status"] for result in await send(client, theirs[0])] == ["quarantined"]
    async with api.client(api.token(Role.ADMIN, "again")) as client:
        assert await waits(client) == {"1.9": 1}
        done = (await client.post(f"{place}/1.9/accept", json={"as": "said"})).json()
        # It says another patient than the study's: it waits on, and says why.
        assert done["accepted"] == 0 and len(done["failed"]) == 1


async def test_an_upload_link_has_room_for_so_much(sqlite_api: Api) -> None:
    api = sqlite_api
    token = api.token(Role.ADMIN)
    content = part10(StudyInstanceUID="1.9")
    link = await made(api, token, opens="upload", label="x", most_bytes=len(content) * 3)
    async with through(api, link) as client:
        assert (await send(client, content))[0]["status"] == "quarantined"
        bomb = packed({"a": part10(pixels=1 << 20, StudyInstanceUID="1.9")})
        assert [row["status"] for row in await send(client, bomb, "a.zip")] == ["refused"]

        async def unknown() -> AsyncIterator[bytes]:
            yield content

        assert (await client.post("/upload?name=x", content=unknown())).status_code == 400
        assert (await client.post("/upload?name=x", content=content * 3)).status_code == 413
    async with api.client(token) as client:
        row = (await client.get(f"/shares/{link['share']['id']}")).json()
        assert len(content) < row["bytes"] <= row["most_bytes"]
        assert await waits(client) == {"1.9": 1}


async def test_accepting_that_breaks_off_goes_on_where_it_was(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api = sqlite_api
    link = await made(api, api.token(Role.TECHNOLOGIST), opens="upload", label="x")
    number = link["share"]["id"]
    async with through(api, link) as client:
        for _ in range(3):
            await send(client, part10(StudyInstanceUID="1.9", SeriesInstanceUID="1.9.1"))
    opened_so_far = iter(range(99))

    def door() -> ingest.Reception:
        if next(opened_so_far) == 1:
            raise Away("the database cannot be reached")
        return ingest.begin(api.context, SYSTEM, source="upload")

    def left() -> int:
        return sum(group.objects for group in received.page(api.context, SYSTEM))

    with pytest.raises(Away):
        received.accept(api.context, SYSTEM, number, "1.9", how="said", after=0, door=door)
    assert left() == 2  # the first is in, and settled
    # Killed when an object was in and its case not settled yet: it is taken in again, as one that is held already.
    monkeypatch.setattr(received.rows, "settle", lambda *unused: killed())
    with pytest.raises(Killed):
        received.accept(api.context, SYSTEM, number, "1.9", how="said", after=0, door=door)
    monkeypatch.undo()
    assert left() == 2
    done = received.accept(api.context, SYSTEM, number, "1.9", how="said", after=0, door=door)
    assert (done.accepted, done.failed, left()) == (2, (), 0)
    async with api.client(api.token(Role.ADMIN)) as client:
        assert (await client.get("/studies/1.9")).json()["study"]["NumberOfStudyRelatedInstances"] == 3
        assert (await client.get("/exceptions")).json()["exceptions"] == []


class Killed(BaseException):
    """What no code expects."""


def killed() -> int:
    raise Killed
