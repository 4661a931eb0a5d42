"""Passkeys: added, used, removed; and what a false one gets."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api_harness import PASSWORD, Api
from authenticator import PRESENT, Authenticator
from isocenter.domain.access import Role
from isocenter.service.passkeys import possible
from isocenter.settings import Settings

pytestmark = pytest.mark.anyio

SITE = "https://pacs.example.org"


@pytest.fixture(autouse=True)
def named(request: pytest.FixtureRequest) -> None:
    """Browsers have passkeys for names alone."""
    for each in {"api", "sqlite_api"} & set(request.fixturenames):
        request.getfixturevalue(each).open(public_url=SITE)


async def enrolled(api: Api, client: httpx.AsyncClient, name: str = "ray") -> Authenticator:
    """A telephone with a passkey of this account, whose owner has signed out."""
    api.account(Role.RADIOLOGIST, name)
    await api.log_in(client, name)
    device = Authenticator(SITE)
    begun = (await client.post("/session/passkeys/begin", json={"current": PASSWORD})).json()["options"]
    added = await client.post("/session/passkeys", json={"credential": device.make(begun), "name": "Telephone"})
    assert added.status_code == 204
    await client.delete("/session")
    return device


async def options(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await client.post("/session/passkey/begin")).json()["options"])


async def enter(client: httpx.AsyncClient, credential: Any) -> int:
    return (await client.post("/session/passkey", json={"credential": credential})).status_code


async def test_a_passkey_opens_the_account_it_was_made_for(api: Api) -> None:
    async with api.client() as client:
        device = await enrolled(api, client)
        answer = await client.post("/session/passkey", json={"credential": device.sign(await options(client))})
        assert answer.json()["user"]["name"] == "ray"
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        (held,) = (await client.get("/session/passkeys")).json()["passkeys"]
        assert held["name"] == "Telephone" and held["used_at"]
        assert (await client.post("/session/passkeys/remove", json={"id": held["id"]})).status_code == 204
        assert (await client.post("/session/passkeys/remove", json={"id": held["id"]})).status_code == 404
        await client.delete("/session")
        assert await enter(client, device.sign(await options(client))) == 401
    assert api.kinds().count("account.updated") == 2 and api.kinds()[-1] == "login.failed"


async def test_the_second_step_is_not_asked_for_besides(sqlite_api: Api) -> None:
    """The device has asked for one. Basic and the password alone open nothing then, as before."""
    from isocenter.domain import totp

    async with sqlite_api.client() as client:
        device = await enrolled(sqlite_api, client)
        await sqlite_api.log_in(client, "ray")
        secret = (await client.post("/session/factor")).json()["secret"]
        import base64

        code = totp.code(base64.b32decode(secret), totp.step(sqlite_api.clock()))
        await client.post("/session/factor/confirm", json={"code": code})
        await client.delete("/session")
        assert (await sqlite_api.log_in(client, "ray")).status_code == 401
        assert await enter(client, device.sign(await options(client))) == 200


def _another_site(device: Authenticator) -> None:
    device.origin = "https://pacs.example.org.evil.example"


def _unproven(device: Authenticator) -> None:
    device.flags = PRESENT


def _copied(device: Authenticator) -> None:
    device.count = -1 + 1  # a copy that was made earlier counts on from there


def _another_key(device: Authenticator) -> None:
    device.key = Authenticator(SITE).key


def _another_handle(device: Authenticator) -> None:
    device.handle = "AAAAAAAAAP8"


@pytest.mark.parametrize("cheat", [_another_site, _unproven, _copied, _another_key, _another_handle])
async def test_what_does_not_hold_opens_nothing(cheat: Callable[[Authenticator], None], sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        device = await enrolled(sqlite_api, client)
        assert await enter(client, device.sign(await options(client))) == 200
        assert await enter(client, device.sign(await options(client))) == 200
        cheat(device)
        assert await enter(client, device.sign(await options(client))) == 401


async def test_a_challenge_opens_once_for_five_minutes_and_is_ours(api: Api) -> None:
    async with api.client() as client:
        device = await enrolled(api, client)
        begun = await options(client)
        signed = device.sign(begun)
        assert await enter(client, signed) == 200
        assert await enter(client, signed) == 401
        late = device.sign(await options(client))
        api.clock.forward(minutes=6)
        assert await enter(client, late) == 401
        assert await enter(client, device.sign({**begun, "challenge": "A" * 86})) == 401
        await api.log_in(client, "ray")
        enrolment = (await client.post("/session/passkeys/begin", json={"current": PASSWORD})).json()["options"]
        assert await enter(client, device.sign({**enrolment, "rpId": "pacs.example.org"})) == 401


async def test_a_disabled_account_stays_shut_and_an_administrator_takes_keys_away(sqlite_api: Api) -> None:
    async with sqlite_api.client() as client, sqlite_api.client(sqlite_api.token(Role.ADMIN)) as admin:
        device = await enrolled(sqlite_api, client)
        await admin.patch("/users/ray", json={"disabled": True})
        assert await enter(client, device.sign(await options(client))) == 401
        await admin.patch("/users/ray", json={"disabled": False})
        assert (await admin.delete("/users/ray/passkeys")).status_code == 204
        assert (await admin.delete("/users/ray/passkeys")).status_code == 404
        assert await enter(client, device.sign(await options(client))) == 401


async def test_nobody_adds_a_key_to_an_account_they_only_found_open(sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        device = await enrolled(sqlite_api, client)
        await sqlite_api.log_in(client, "ray")
        assert (await client.post("/session/passkeys/begin", json={"current": "a guess of a password"})).status_code == 403
        begun = (await client.post("/session/passkeys/begin", json={"current": PASSWORD})).json()["options"]
        again = await client.post("/session/passkeys", json={"credential": device.make(begun), "name": "Again"})
        assert again.status_code == 409  # the same key twice
        sqlite_api.account(Role.RADIOLOGIST, "eve")
        await sqlite_api.log_in(client, "eve")
        made = Authenticator(SITE).make(begun)  # begun by ray
        assert (await client.post("/session/passkeys", json={"credential": made, "name": "Eve's"})).status_code == 400
        wrong: list[Any] = [{}, {"response": {}}, {"response": {"clientDataJSON": "e30"}},
                            {"id": 5, "response": {"clientDataJSON": 7}}]
        for credential in wrong:
            assert (await client.post("/session/passkeys", json={"credential": credential, "name": "a"})).status_code == 400
            assert await enter(client, credential) == 401


@pytest.mark.parametrize(("url", "are"), [
    ("https://pacs.example.org", True), ("http://localhost:8080", True), ("http://pacs.example.org", False),
    ("https://10.0.0.5", False), ("", False),
])
def test_only_a_name_over_https_has_passkeys(url: str, are: bool) -> None:
    assert possible(Settings(public_url=url)) is are


async def test_without_a_name_it_is_said(sqlite_api: Api) -> None:
    sqlite_api.open(public_url="")
    async with sqlite_api.client() as client:
        assert (await client.post("/session/passkey/begin")).status_code == 409
        assert (await client.get("/session/ways")).json()["passkeys"] is False
