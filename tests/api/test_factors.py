"""Signing in in two steps: begun, confirmed, asked for, used once, and taken away."""

import base64

import httpx
import pytest

from api_harness import PASSWORD, Api
from isocenter.domain import totp
from isocenter.domain.access import Role

pytestmark = pytest.mark.anyio


class Telephone:
    """An app that knows an account's secret."""

    def __init__(self, api: Api, secret: str) -> None:
        self._api, self._secret = api, base64.b32decode(secret)

    def code(self, later: int = 0) -> str:
        return totp.code(self._secret, totp.step(self._api.clock()) + later)


async def enrolled(api: Api, client: httpx.AsyncClient) -> tuple[Telephone, list[str]]:
    """Whoever is logged in from now on has a second step."""
    begun = (await client.post("/session/factor")).json()
    assert begun["secret"] in begun["address"]
    telephone = Telephone(api, begun["secret"])
    confirmed = await client.post("/session/factor/confirm", json={"code": telephone.code()})
    assert confirmed.status_code == 200
    api.clock.forward(seconds=60)
    return telephone, confirmed.json()["recovery_codes"]


async def attempt(client: httpx.AsyncClient, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    given = {} if code is None else {"code": code}
    return await client.post("/session", json={"username": "ray", "password": password, **given})


async def test_nothing_is_asked_for_before_the_first_code_was_right(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        begun = (await client.post("/session/factor")).json()
        wrong = await client.post("/session/factor/confirm", json={"code": "000000"})
        assert (wrong.status_code, wrong.json()["error"]["where"]) == (403, "code")
        assert (await client.get("/session/factor")).json() == {"enabled": False, "recovery_left": 0}
        assert (await attempt(client)).status_code == 200
        # Begun anew: the first secret is worth nothing any more.
        again = (await client.post("/session/factor", headers={"X-CSRF-Token": await token_of(client)})).json()
        assert again["secret"] != begun["secret"]


async def token_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/session")).json()["csrf_token"])


async def test_the_code_is_asked_for_and_works_once(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        telephone, recovery = await enrolled(api, client)
        assert (await client.get("/session/factor")).json() == {"enabled": True, "recovery_left": 10}
        assert (await client.post("/session/factor")).status_code == 409
        assert len(set(recovery)) == 10
    async with api.client() as client:
        asked = await attempt(client)
        assert (asked.status_code, asked.json()["error"]["where"]) == (401, "code")
        assert (await attempt(client, telephone.code(), "not the password at all")).json()["error"]["where"] != "code"
        code = telephone.code()
        assert (await attempt(client, f"{code[:3]} {code[3:]}")).status_code == 200
        used = await attempt(client, code)
        assert (used.status_code, used.json()["error"]["where"]) == (401, "code")
        api.clock.forward(seconds=60)
        assert (await attempt(client, telephone.code())).status_code == 200


async def test_guessing_codes_is_slowed_down_though_the_password_is_right(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        telephone, _ = await enrolled(api, client)
    async with api.client() as client:
        answers = [(await attempt(client, "12345x")).status_code for _ in range(7)]
        assert answers[:5] == [401] * 5 and 429 in answers
        api.clock.forward(hours=2)
        assert (await attempt(client, telephone.code())).status_code == 200


async def test_a_code_from_paper_works_once_each(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        _, recovery = await enrolled(api, client)
        assert (await attempt(client, recovery[3].upper())).status_code == 200
        assert (await attempt(client, recovery[3])).status_code == 401
        assert (await attempt(client, recovery[4].replace("-", " "))).status_code == 200
        assert (await client.get("/session/factor")).json() == {"enabled": True, "recovery_left": 8}


async def test_programs_are_told_to_use_a_token(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        await enrolled(api, client)
    async with api.client() as client:
        refused = await client.get("/studies", auth=("ray", PASSWORD))
        assert refused.status_code == 401 and "token" in refused.json()["error"]["hint"]


async def test_it_is_taken_away_with_password_and_code_or_by_an_administrator(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    root = api.token(Role.ADMIN, "root")
    async with api.client() as client:
        await api.log_in(client, "ray")
        telephone, _ = await enrolled(api, client)
        for body in ({"current": PASSWORD, "code": "000000"}, {"current": "another password", "code": telephone.code()},
                     {"current": PASSWORD, "code": ""}):  # fmt: skip
            assert (await client.post("/session/factor/remove", json=body)).status_code == 403
        done = await client.post("/session/factor/remove", json={"current": PASSWORD, "code": telephone.code()})
        assert done.status_code == 204
        assert (await attempt(client)).status_code == 200
    async with api.client() as client:
        await api.log_in(client, "ray")
        await enrolled(api, client)
    async with api.client(root) as admin:
        assert (await admin.get("/session/factor")).status_code == 403  # a token is no person
        assert (await admin.delete("/users/ray/factor")).status_code == 204
        assert (await admin.delete("/users/ray/factor")).status_code == 404
    async with api.client() as client:
        assert (await attempt(client)).status_code == 200


async def test_the_database_holds_neither_secret_nor_codes(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "ray")
        begun = (await client.post("/session/factor")).json()
        telephone = Telephone(sqlite_api, begun["secret"])
        recovery = (await client.post("/session/factor/confirm", json={"code": telephone.code()})).json()["recovery_codes"]
    dump = sqlite_api.context.database.read(
        lambda connection: "".join(
            str(connection.exec_driver_sql(f"SELECT * FROM {table}").all()) for table in ("factor", "recovery_code", "change")
        )
    )
    assert begun["secret"] not in dump and base64.b32decode(begun["secret"]).hex() not in dump
    assert not any(code in dump or totp.plain(code) in dump for code in recovery)
