"""Every route of the table: nobody comes in without a key, nobody with the wrong one, and what it answers is described."""

import re

import pytest
from starlette.routing import Mount, Route

from api_harness import Api
from isocenter.api.endpoint import Door, Endpoint
from isocenter.api.openapi import PREFIX
from isocenter.api.routes import ENDPOINTS, routes
from isocenter.api.security_headers import SecurityHeaders
from isocenter.dicomweb.routes import RESOURCES
from isocenter.domain.access import PERMISSIONS, SYSTEM, Permission, Role
from isocenter.domain.sharing import Opens
from isocenter.service import sharing
from isocenter.site import Site
from objects import part10

pytestmark = pytest.mark.anyio

EXAMPLES = {"name": "nobody-of-this-name", "uid": "1.2.3", "id": "999999", "aet": "NOWHERE", "part": "a"}
BODIES = {
    "/studies/{uid}/annotations/export": {"form": "SR"},
    "/studies/{uid}/films": {"series": "1.2", "images": [], "width": 64, "height": 64, "rate": 10},
    "/studies/{uid}/exports": {"form": "picture", "count": 1},
    "/studies/{uid}/seen": {"series": []},
    "/studies/{uid}/annotations": {"set": [{"id": "a"}], "remove": []},
    "/index-attributes": {"name": "nobody"},
    "/corrections": {"studies": ["1.2.3"], "patient": {"PatientID": "1"}, "reason": "wrong patient chosen"},
    "/corrections/merge": {"PatientID": "nobody", "into": {"PatientID": "1"}, "reason": "registered twice"},
    "/studies/{uid}/splits": {"series": ["1.2.3.4"], "reason": "two examinations in one study"},
    "/exceptions/{id}/resolve": {"action": "again"},
    "/studies/{uid}/rejections": {"kind": "quality", "reason": "blurred"},
    "/studies/{uid}/hold": {"reason": "a lawsuit"},
    "/emergency": {"PatientID": "HIDDEN-ID", "purpose": "ETREAT", "reason": "collapsed in the waiting room"},
    "/emergency/{id}/review": {"note": "asked the ward"},
    "/studies/{uid}/sensitive": {"reason": "a colleague"},
    "/studies/{uid}/sensitive/release": {"reason": "works elsewhere now"},
    "/studies/{uid}/hold/release": {"reason": "it has ended"},
    "/rejections/{id}/delete": {"reason": "ten years are over"},
    "/hanging-protocols": {"protocol": {"name": "a", "sets": [{}], "stages": [{"layout": "1x1", "cells": [{"set": 0}]}]}},
    "/hanging-protocols/{id}": {"shared": False},
    "/deidentification/projects": {"name": "TRIAL", "project": {}},
    "/deidentification/projects/{name}": {"closed": True},
    "/studies/{uid}/deidentified": {"options": []},
    "/studies/{uid}/deidentified-copy": {"options": []},
    "/patient-lists/{name}": {"patients": []},
    "/session/passkey": {"credential": {}},
    "/session/passkeys": {"credential": {}, "name": "a"},
    "/session/passkeys/begin": {"current": "a"},
    "/session/passkeys/remove": {"id": "a"},
    "/users": {"name": "new", "role": "referrer"},
    "/users/{name}": {"disabled": True},
    "/tokens": {"user": "nobody-of-this-name"},
    "/orders": {
        "PatientName": "A", "PatientID": "1",
        "steps": [{"Modality": "CT", "ScheduledStationAETitle": ["CT1"], "ScheduledProcedureStepStartDate": "20261122",
                   "ScheduledProcedureStepStartTime": "10"}],
    },
    "/orders/{id}": {"PatientID": "2"},
    "/deliveries": {"studies": ["1.2.3"], "destination": "NOWHERE"},
    "/deliveries/resend": {},
    "/deliveries/{id}/resend": {},
    "/destinations": {"name": "backup", "kind": "folder", "address": "/mnt/backup"},
    "/destinations/{name}": {"paused": True},
    "/routes": {"name": "all", "destinations": ["NOWHERE"]},
    "/routes/try": {"rule": {"name": "all", "destinations": ["NOWHERE"]}},
    "/routes/{id}": {"enabled": False},
    "/peers": {"aet": "CT1", "host": "192.0.2.1", "port": 104},
    "/peers/{aet}": {"port": 105},
    "/webhooks": {"name": "ris", "url": "https://ris.example.org/hook", "kinds": ["study.*"]},
    "/webhooks/{name}": {"enabled": False},
    "/retrievals": {"aet": "NOWHERE", "StudyInstanceUID": "1.2.3"},
    "/session": {"username": "x", "password": "y"},
    "/session/link": {"token": "0123456789abcdef"},
    "/shares": {"opens": "upload", "label": "Another hospital"},
    "/received/{id}/studies/{uid}/accept": {"as": "said"},
    "/received/{id}/studies/{uid}/refuse": {"reason": "not ours"},
    "/session/password": {"current": "x", "password": "a sentence of words"},
}
# What may be asked by who comes by a link, if the link permits it; a new row is not among them unless it is meant.
OPEN_TO_LINKS = {
    ("GET", "/session"), ("DELETE", "/session"), ("GET", "/session/preferences"), ("GET", "/studies"), ("GET", "/studies/{uid}"),
    ("POST", "/studies/{uid}/exports"), ("POST", "/studies/{uid}/films"), ("POST", "/studies/{uid}/films/pictures"),
    ("POST", "/upload"),
}  # fmt: skip
GUARDED = [row for row in ENDPOINTS if isinstance(row.needs, Permission)]
FOR_PEOPLE = {("POST", "/emergency")}  # whatever a token permits (tests/api/test_emergency.py)
STREAMS = ("/events", "/changes/stream")  # which do not end
OPEN_TO_ANYBODY = {("POST", "/session"), ("POST", "/session/link"), ("GET", "/openapi.json"), ("GET", "/docs"),
                  ("GET", "/session/ways"), ("GET", "/session/provider"), ("GET", "/session/provider/back"),
                  ("GET", "/session/provider/leave"), ("POST", "/session/passkey/begin"), ("POST", "/session/passkey")}


def address(row: Endpoint) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: EXAMPLES[name[1]], row.path)


def name(row: Endpoint) -> str:
    return f"{row.method} {row.path}"


def test_mounted_and_described_are_the_same(sqlite_api: Api) -> None:
    (mount, rest) = routes(sqlite_api.context, sqlite_api.authenticator)
    assert isinstance(mount, Mount) and isinstance(rest, Mount) and mount.path == PREFIX
    paths = [route.path for route in mount.routes if isinstance(route, Route)]
    assert paths == [*dict.fromkeys(row.path for row in ENDPOINTS), "/{rest:path}"]


def test_only_the_login_and_the_description_are_open() -> None:
    assert {(row.method, row.path) for row in ENDPOINTS if row.needs is Door.PUBLIC} == OPEN_TO_ANYBODY


@pytest.mark.parametrize("row", [row for row in ENDPOINTS if row.needs is not Door.PUBLIC], ids=name)
async def test_without_a_key_it_is_401(row: Endpoint, sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        response = await client.request(row.method, address(row), json=BODIES.get(row.path))
    assert response.status_code == 401
    assert response.json()["error"]["kind"] == "unauthenticated"
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("row", GUARDED, ids=name)
async def test_every_role_without_the_permission_is_403(row: Endpoint, sqlite_api: Api) -> None:
    for role in Role:
        if row.needs not in PERMISSIONS[role]:
            async with sqlite_api.client(sqlite_api.token(role)) as client:
                response = await client.request(row.method, address(row), json=BODIES.get(row.path))
            assert response.status_code == 403, f"{role} got {response.status_code}"
            assert response.json()["error"]["where"] == row.needs.value


@pytest.mark.parametrize("row", [row for row in GUARDED if row.path not in STREAMS and (row.method, row.path) not in FOR_PEOPLE],
                         ids=name)
async def test_every_role_with_the_permission_comes_in(row: Endpoint, sqlite_api: Api) -> None:
    for role in Role:
        if row.needs in PERMISSIONS[role] and (row.also is None or row.also in PERMISSIONS[role]):
            async with sqlite_api.client(sqlite_api.token(role, f"a-{role}")) as client:
                response = await client.request(row.method, address(row), json=BODIES.get(row.path))
            assert response.status_code not in (401, 403), response.text


async def test_a_session_needs_its_csrf_token_for_every_change(sqlite_api: Api) -> None:
    sqlite_api.account(Role.ADMIN)
    for row in ENDPOINTS:
        if row.needs is Door.PUBLIC or row.method == "GET":
            continue
        async with sqlite_api.client() as client:
            await sqlite_api.log_in(client, "admin")
            for headers in ({"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}):
                response = await client.request(row.method, address(row), json=BODIES.get(row.path), headers=headers)
                assert response.status_code == 403, name(row)
                assert response.json()["error"]["where"] == "X-CSRF-Token"


async def test_only_rows_that_say_so_are_open_to_links(sqlite_api: Api) -> None:
    assert {(row.method, row.path) for row in ENDPOINTS if row.linked} == OPEN_TO_LINKS
    sqlite_api.store(part10(StudyInstanceUID="1.2.3"))
    made = sharing.create(sqlite_api.context, SYSTEM, sharing.Wanted(Opens.STUDY, "1.2.3", download=True))
    sqlite_api.app = SecurityHeaders(Site(sqlite_api.context, sqlite_api.authenticator))
    async with sqlite_api.client() as client:
        token = (await client.post("/session/link", json={"token": made.secret})).json()["csrf_token"]
        for row in ENDPOINTS:
            if row.needs is Door.PUBLIC or (row.linked and row.method == "GET"):
                continue
            response = await client.request(row.method, address(row), json=BODIES.get(row.path))
            assert response.status_code == 403, name(row)  # its own page says the token
            if row.linked:
                continue
            response = await client.request(row.method, address(row), json=BODIES.get(row.path), headers={"X-CSRF-Token": token})
            assert response.status_code == 403 and response.json()["error"]["where"] == "link", name(row)
        for method, pattern, *_ in RESOURCES:
            path = re.sub(r"\(\?P<\w+>[^)]*\)", "1.2.3", pattern.pattern).replace("(?:/1.2.3)?", "")
            if method != "GET" or "workitems" in path:
                headers = {"X-CSRF-Token": token}
                response = await client.request(method, f"http://isocenter.test/dicom-web{path}", content=b"x", headers=headers)
                assert response.status_code == 403, (method, path)
        assert (await client.get("http://isocenter.test/metrics")).status_code == 403


async def test_strangers_do_not_learn_what_there_is(sqlite_api: Api) -> None:
    token = sqlite_api.token(Role.REFERRER)
    async with sqlite_api.client() as stranger, sqlite_api.client(token) as known:
        for path in ("/nothing", "/studies/1.2/series/3", "http://isocenter.test/api/v2/users"):
            assert (await stranger.get(path)).status_code == 401
            response = await known.get(path)
            assert response.status_code == 404
            assert response.json()["error"]["kind"] == "missing"
        assert (await stranger.put("/studies")).status_code == 401
        response = await known.put("/studies")
        assert response.status_code == 405
        assert response.headers["allow"] == "GET, HEAD"


async def test_head_is_get_without_its_body(sqlite_api: Api) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        assert (await client.head("/studies")).status_code == 200


async def test_our_own_mistake_is_a_number_not_a_traceback(sqlite_api: Api, caplog: pytest.LogCaptureFixture) -> None:
    token = sqlite_api.token(Role.RADIOLOGIST)
    async with sqlite_api.client(token) as client:
        await client.get("/session")
        # A table that goes away under the running server: an error nobody planned for.
        sqlite_api.context.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE study RENAME TO gone"))
        response = await client.get("/studies")
    assert response.status_code == 500
    error = response.json()["error"]
    assert error["kind"] == "broken"
    assert "gone" not in response.text and "sqlite" not in response.text.lower()


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"), ("limit=99999", "limit"), ("limit=ten", "limit"), ("limit=1&limit=2", "limit"),
        ("sort=Colour", "sort"), ("offset=-1", "offset"), ("cursor=AAAA", "cursor"), ("StudyDate=yesterday", "StudyDate"),
        ("PatientNam=X", "PatientNam"),
        ("q=" + "x" * 2000, "q"), ("q=a%00b", "q"), ("limit=" + "9" * 30, "limit"),
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(query: str, where: str, sqlite_api: Api) -> None:
    async with sqlite_api.client(sqlite_api.token(Role.RADIOLOGIST)) as client:
        response = await client.get(f"/studies?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["where"] == where


@pytest.mark.parametrize(
    ("content", "kind", "status", "where"),
    [
        (b"{", "application/json", 400, ""), (b"[]", "application/json", 400, ""), (b"{}", "application/json", 400, "username"),
        (b'{"username":1,"password":"x"}', "application/json", 400, "username"),
        (b'{"username":"a","password":"x","role":"admin"}', "application/json", 400, "role"),
        (b'{"username":"a\\u0000","password":"x"}', "application/json", 400, "username"),
        (b"username=a&password=b", "application/x-www-form-urlencoded", 422, "Content-Type"),
        (b'{"username":"' + b"a" * 70_000 + b'"}', "application/json", 413, ""),
    ],
)  # fmt: skip
async def test_a_wrong_body_is_named(content: bytes, kind: str, status: int, where: str, sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        response = await client.post("/session", content=content, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.json()["error"]["where"] == where
