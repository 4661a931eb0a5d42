"""Signing in with the institution's provider: a real one, and one that lies."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import openid
from api_harness import Api
from isocenter.api import session_provider
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.errors import Invalid
from isocenter.domain.provider import Refusal
from isocenter.service import accounts, provider
from isocenter.settings import load

pytestmark = pytest.mark.anyio

BEGIN = "/session/provider"


@pytest.fixture
def made() -> Iterator[openid.Made]:
    with openid.made() as provider:
        yield provider


def configure(api: Api, issuer: str, **more: str) -> None:
    given = load({**openid.settings(issuer), **more}, {}).settings
    names = [name for name in given.__slots__ if name.startswith("oidc_")]
    api.open(**{name: getattr(given, name) for name in names})


def local(url: str) -> str:
    """The path of an address of ours, as the test's client asks for it."""
    parts = urlsplit(url)
    return parts.path.removeprefix("/api/v1") + (f"?{parts.query}" if parts.query else "")


async def begun(client: httpx.AsyncClient, to: str = "/") -> str:
    answer = await client.get(BEGIN, params={"to": to})
    assert answer.status_code == 303
    return answer.headers["location"]


async def sign_in(client: httpx.AsyncClient, made: openid.Made, to: str = "/") -> httpx.Response:
    return await client.get(local(made.grant(await begun(client, to))))


async def who(client: httpx.AsyncClient) -> Any:
    answer = await client.get("/session")
    return (answer.json()["user"]["name"], answer.json()["user"]["role"]) if answer.status_code == 200 else None


def refused(answer: httpx.Response) -> str:
    """Why, as the login page is told; no session came with it."""
    assert answer.status_code == 303 and "isocenter_session" not in answer.headers.get("set-cookie", "")
    assert urlsplit(answer.headers["location"]).path == "/login"
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["refused"]


def logged(api: Api, kind: str) -> list[dict[str, Any]]:
    from isocenter.store import changes

    return [dict(each.payload) for each in api.context.database.read(lambda connection: changes.since(connection, 0))
            if each.kind == kind]


async def test_a_real_provider_lets_a_person_in(api: Api) -> None:
    nora = {"sub": "s-77", "preferred_username": "Nora.Ray@hospital.example", "groups": ["Cafeteria", "Radiology"]}
    with openid.real(nora) as issuer:
        configure(api, issuer)
        async with api.client() as client:
            ways = (await client.get("/session/ways")).json()
            assert ways == {"provider": {"label": "Sign in with the hospital account"}, "passkeys": False}
            url = await begun(client, "/viewer?study=1.2.3#4")
            async with httpx.AsyncClient() as browser:
                back = (await browser.post(url, data={"sub": "s-77"})).headers["location"]
            answer = await client.get(local(back))
            assert (answer.status_code, answer.headers["location"]) == (303, "/viewer?study=1.2.3#4")
            cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("isocenter_session="))
            assert "HttpOnly" in cookie and "SameSite=lax" in cookie
            assert await who(client) == ("nora.ray@hospital.example", "radiologist")
            assert refused(await client.get(local(back))) == "expired"  # the code, and what the browser kept, work once
    assert [each["provider"] for each in logged(api, "session.begun")] == [issuer]


async def test_who_cancels_there_is_not_let_in(sqlite_api: Api) -> None:
    with openid.real({"sub": "s-1"}) as issuer:
        configure(sqlite_api, issuer)
        async with sqlite_api.client() as client:
            url = await begun(client)
            async with httpx.AsyncClient() as browser:
                back = (await browser.post(url, data={"action": "deny"})).headers["location"]
            query = dict(parse_qsl(urlsplit(url).query))
            assert "error=access_denied" in back
            # this provider leaves the state out of its refusals; others send it (RFC 6749 4.1.2.1)
            answer = await client.get(f"{BEGIN}/back", params={"error": "access_denied", "state": query["state"]})
            assert refused(answer) == "denied"
            assert await who(client) is None


async def test_without_a_provider_there_is_nothing_of_it(sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        assert (await client.get("/session/ways")).json() == {"provider": None, "passkeys": False}
        for path in (BEGIN, f"{BEGIN}/back", f"{BEGIN}/leave"):
            assert (await client.get(path)).status_code == 404


async def test_the_role_is_that_of_the_groups_today(api: Api, made: openid.Made) -> None:
    configure(api, made.issuer)
    accounts.add_user(api.context, SYSTEM, name="admin", role=Role.ADMIN)
    async with api.client() as client:
        assert (await sign_in(client, made)).status_code == 303
        assert await who(client) == ("nora", "radiologist")
        made.claims = {"groups": ["Wards", "CN=PACS,OU=IT"], "preferred_username": "renamed"}  # the setting's order counts
        await sign_in(client, made)
        assert await who(client) == ("nora", "admin")  # the same person by sub, whatever they are called now
    made.claims = {"groups": ["Cafeteria"]}
    async with api.client() as client:
        assert refused(await sign_in(client, made)) == "nobody"
        assert await who(client) is None
    assert [(each["reason"], each["provider"]) for each in logged(api, "login.failed")] == [("nobody", made.issuer)]


async def test_groups_and_name_are_asked_for_where_the_token_is_silent(sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer, oidc_groups_claim="roles", oidc_name_claim="upn")
    made.claims, made.told = {"groups": None}, {"roles": "Radiology", "upn": "ray@h.example"}
    async with sqlite_api.client() as client:
        await sign_in(client, made)
        assert await who(client) == ("ray@h.example", "radiologist")
        made.told["sub"] = "another"  # OpenID Connect Core 5.3.2
        assert refused(await sign_in(client, made)) == "untrusted"


async def test_a_name_opens_nobody_elses_account(api: Api, made: openid.Made) -> None:
    configure(api, made.issuer)
    accounts.add_user(api.context, SYSTEM, name="nora", role=Role.ADMIN, password="a sentence of several words")
    async with api.client() as client:
        assert refused(await sign_in(client, made)) == "taken"
        provider.allow(api.context, SYSTEM, "nora")
        made.claims = {"groups": ["CN=PACS,OU=IT"]}
        await sign_in(client, made)
        assert await who(client) == ("nora", "admin")
    async with api.client() as client:
        made.claims = {"sub": "s-2"}  # the name was given to another there
        assert refused(await sign_in(client, made)) == "taken"
    async with api.client() as client:  # and the last administrator does not become less by a group
        made.claims = {}
        assert refused(await sign_in(client, made)) == "conflict"
        provider.forbid(api.context, SYSTEM, "nora")
        assert refused(await sign_in(client, made)) == "taken"


async def test_accounts_are_made_by_administrators_alone_where_that_is_wanted(api: Api, made: openid.Made) -> None:
    configure(api, made.issuer, oidc_accounts="false")
    token = api.token(Role.ADMIN)
    async with api.client() as client:
        assert refused(await sign_in(client, made)) == "unknown"
    async with api.client(token) as admin:
        await admin.post("/users", json={"name": "nora", "role": "technologist"})
        assert (await admin.put("/users/nora/provider")).status_code == 204
        assert (await admin.put("/users/nora/provider")).status_code == 409
        assert {each["name"]: each["provider"] for each in (await admin.get("/users")).json()["users"]}["nora"] is True
        async with api.client() as client:
            await sign_in(client, made)
            assert await who(client) == ("nora", "radiologist")
            assert (await admin.delete("/users/nora/provider")).status_code == 204
            assert await who(client) is None  # its sessions ended
        await admin.put("/users/nora/provider")
        await admin.patch("/users/nora", json={"disabled": True})
    async with api.client() as client:
        assert refused(await sign_in(client, made)) == "disabled"


@pytest.mark.parametrize("claims", [{"nonce": "of another"}, {"nonce": None}, {"aud": "another client"}, {"iss": "https://else.example"},
                                    {"exp": 1}, {"sub": None}, {"iat": None}, {"aud": ["isocenter", "b"], "azp": "b"},
                                    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}],
                         ids=lambda claims: "-".join(claims))
async def test_a_token_that_does_not_hold_opens_nothing(claims: dict[str, Any], sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    made.claims = claims
    async with sqlite_api.client() as client:
        assert refused(await sign_in(client, made)) == "untrusted"
        assert await who(client) is None


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
async def test_a_signature_that_anybody_could_make_is_none(algorithm: str, sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    made.algorithm = algorithm
    async with sqlite_api.client() as client:
        assert refused(await sign_in(client, made)) == "untrusted"


async def test_keys_are_changed_and_a_strange_one_is_not_believed(
    sqlite_api: Api, made: openid.Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isocenter.api.provider.LEAST_SECONDS", 0.0)
    configure(sqlite_api, made.issuer)
    async with sqlite_api.client() as client:
        await sign_in(client, made)
        made.kid, made.published = "two", ["two"]
        await sign_in(client, made)
        assert await who(client) == ("nora", "radiologist")
        made.kid = "three"
        assert refused(await sign_in(client, made)) == "untrusted"
    assert made.asked.count("/.well-known/openid-configuration") == 1


async def test_a_provider_that_is_away_is_said_to_be(sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    made.down = True
    async with sqlite_api.client() as client:
        assert refused(await client.get(BEGIN)) == "away"
        made.down = False
        url = await begun(client)
        made.down = True
        assert refused(await client.get(local(made.grant(url)))) == "away"
        made.down, made.metadata = False, {"issuer": "https://else.example"}
    configure(sqlite_api, made.issuer, oidc_label="another")  # asked anew
    async with sqlite_api.client() as client:
        assert refused(await client.get(BEGIN)) == "untrusted"


async def test_a_way_back_that_did_not_begin_here_is_none(sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    async with sqlite_api.client() as attacker, sqlite_api.client() as victim:
        back = local(made.grant(await begun(attacker)))
        assert refused(await victim.get(back)) == "expired"  # signing somebody else in as oneself
        await begun(victim)
        assert refused(await victim.get(back)) == "expired"
        victim.cookies.set(session_provider.COOKIE, "bm90IG91cnM=", path=session_provider.HERE)
        assert refused(await victim.get(back)) == "expired"
        assert await who(victim) is None


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "data:text/html,a", "/a\nb"])
async def test_one_is_led_nowhere_else(to: str, sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    async with sqlite_api.client() as client:
        assert (await sign_in(client, made, to)).headers["location"] == "/"


async def test_names_that_no_account_can_have_are_not_bent(sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    for name in ("", "Nora Ray", "müller", "n" * 65, ["a"]):
        made.claims = {"preferred_username": name}
        async with sqlite_api.client() as client:
            assert refused(await sign_in(client, made)) == "name"


async def test_one_signs_out_there_too(sqlite_api: Api, made: openid.Made) -> None:
    configure(sqlite_api, made.issuer)
    async with sqlite_api.client() as client:
        there = (await client.get(f"{BEGIN}/leave")).headers["location"]
        assert there.startswith(f"{made.issuer}/leave?client_id=isocenter&post_logout_redirect_uri=http")
    made.metadata = {"end_session_endpoint": None}
    configure(sqlite_api, made.issuer, oidc_label="another")
    async with sqlite_api.client() as client:
        assert (await client.get(f"{BEGIN}/leave")).headers["location"] == f"{sqlite_api.context.settings.url}/"


def test_the_login_page_has_a_sentence_for_each_refusal() -> None:
    page = Path(__file__).parents[2] / "web/src/features/login/refusals.ts"
    assert set(re.findall(r"^  (\w+): \{ title:", page.read_text(), re.MULTILINE)) == set(Refusal)


def test_a_role_that_there_is_not_is_said_at_the_start() -> None:
    given = load({**openid.settings("https://login.example.org"), "oidc_roles": "Radiology=radiologst"}, {}).settings
    with pytest.raises(Invalid, match="'radiologst' is no role"):
        provider.check(given)
