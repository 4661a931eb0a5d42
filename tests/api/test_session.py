"""Logging in, staying in, being thrown out: by HTTP, with real accounts in a real database."""

import base64
import threading
from functools import partial

import anyio
import httpx
import pytest
from argon2 import PasswordHasher

from api_harness import PASSWORD, Api
from isocenter.api import auth
from isocenter.domain.access import SYSTEM, Role
from isocenter.domain.credentials import fingerprint
from isocenter.service import accounts

pytestmark = pytest.mark.anyio


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def test_a_login_gives_a_cookie_that_opens_the_rest(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        assert (await client.get("/session")).status_code == 401
        response = await api.log_in(client, "Ray ")
        assert response.status_code == 200
        assert response.json()["user"]["role"] == "radiologist"
        assert "study:read" in response.json()["user"]["permissions"]
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
        again = await client.get("/session")
        assert again.json() == response.json()
        assert (await client.get("/studies")).status_code == 200
    assert "session.begun" in api.kinds()


async def test_the_cookie_is_for_https_only_when_it_was_https(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client(https=True) as client:
        assert "secure" in (await sqlite_api.log_in(client, "ray")).headers["set-cookie"].lower()


async def test_the_database_holds_no_secret(sqlite_api: Api) -> None:
    sqlite_api.account(Role.ADMIN, "root")
    token = accounts.create_token(sqlite_api.context, SYSTEM, user="root").secret
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "root")
        secret = client.cookies[auth.COOKIE]
        csrf = str(client.headers["X-CSRF-Token"])
    dump = sqlite_api.context.database.read(
        lambda connection: "".join(
            str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("account", "session", "token", "login_attempt", "change")
        )
    )
    assert "$argon2id$" in dump
    assert not any(kept in dump for kept in (secret, csrf, token, PASSWORD))


async def test_every_wrong_login_says_the_same_and_is_written_down(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    api.account(Role.RADIOLOGIST, "gone")
    accounts.disable_user(api.context, SYSTEM, "gone")
    async with api.client() as client:
        wrong = (("ray", "wrong password"), ("nobody", PASSWORD), ("gone", PASSWORD))
        answers = [await api.log_in(client, *each) for each in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert api.kinds().count("login.failed") == 3
    from isocenter.store import changes

    rows = api.context.database.read(lambda connection: changes.since(connection, 0, kinds=("login.failed",)))
    # People type their password into the other field: what is no account's name is not kept.
    assert [row.subject for row in rows] == ["ray", "", "gone"]
    assert PASSWORD not in str(rows)


async def test_an_unknown_name_costs_the_same_hash_as_a_known_one(sqlite_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of the answer would tell who has an account."""
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    verify = PasswordHasher.verify
    costs: list[str] = []

    def noted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        costs.append(password_hash.rsplit("$", 2)[0])
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    async with sqlite_api.client(address="") as client:
        for name in ("nobody", "ray"):
            assert (await sqlite_api.log_in(client, name, "wrong password")).status_code == 401
    assert len(costs) == 2 and costs[0] == costs[1] and costs[0].startswith("$argon2id$v=19$m=")


async def test_guessing_is_slowed_down_and_ends_by_itself(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        for _ in range(5):
            assert (await api.log_in(client, "ray", "wrong password")).status_code == 401
        refused = await api.log_in(client, "ray")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        api.open()  # a restart forgets nothing
        assert (await api.log_in(client, "ray")).status_code == 429
        api.clock.forward(seconds=int(refused.headers["retry-after"]))
        assert (await api.log_in(client, "ray")).status_code == 200
        # A right password clears the account's count.
        assert (await api.log_in(client, "ray", "wrong password")).status_code == 401


async def test_tries_that_were_refused_do_not_lengthen_the_wait(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        for _ in range(5):
            await sqlite_api.log_in(client, "ray", "wrong password")
        for _ in range(50):
            assert (await sqlite_api.log_in(client, "ray", "wrong password")).status_code == 429
        sqlite_api.clock.forward(seconds=60)
        assert (await sqlite_api.log_in(client, "ray")).status_code == 200


async def test_one_address_that_tries_many_names_is_slowed_down_others_are_not(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client(address="203.0.113.9") as attacker, sqlite_api.client(address="203.0.113.10") as owner:
        codes = [(await sqlite_api.log_in(attacker, f"guess-{index}", "wrong password")).status_code for index in range(25)]
        assert codes[:20] == [401] * 20
        assert set(codes[20:]) == {429}
        assert (await sqlite_api.log_in(owner, "ray")).status_code == 200


async def test_an_ipv6_network_is_one_address(sqlite_api: Api) -> None:
    codes = []
    for index in range(22):
        async with sqlite_api.client(address=f"2001:db8::{index:x}") as client:
            codes.append((await sqlite_api.log_in(client, f"guess-{index}", "wrong password")).status_code)
    assert codes == [401] * 20 + [429] * 2


async def test_a_session_ends_when_nobody_is_there(api: Api) -> None:
    api.open(session_idle_minutes=30)
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client:
        await api.log_in(client, "ray")
        for _ in range(4):
            api.clock.forward(minutes=20)
            api.authenticator.forget()
            assert (await client.get("/session")).status_code == 200
        # Refreshes that no person asked for do not count.
        api.clock.forward(minutes=20)
        api.authenticator.forget()
        assert (await client.get("/studies", headers={"X-Isocenter-Background": "1"})).status_code == 200
        api.clock.forward(minutes=11)
        api.authenticator.forget()
        assert (await client.get("/session")).status_code == 401


async def test_a_session_ends_after_a_working_day_whatever_happens(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "ray")
        for _ in range(47):
            sqlite_api.clock.forward(minutes=15)
            sqlite_api.authenticator.forget()
            assert (await client.get("/session")).status_code == 200
        sqlite_api.clock.forward(minutes=16)
        sqlite_api.authenticator.forget()
        assert (await client.get("/session")).status_code == 401


async def test_logging_out_ends_the_session_here_and_for_a_copied_cookie(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as client, api.client() as thief:
        await api.log_in(client, "ray")
        thief.cookies[auth.COOKIE] = client.cookies[auth.COOKIE]
        assert (await thief.get("/session")).status_code == 200
        assert (await client.delete("/session")).status_code == 204
        assert (await client.get("/session")).status_code == 401
        assert (await thief.get("/session")).status_code == 401
    assert api.kinds()[-1] == "session.ended"


async def test_a_disabled_account_is_out_at_once(api: Api) -> None:
    admin = api.token(Role.ADMIN)
    api.account(Role.RADIOLOGIST, "ray")
    token = accounts.create_token(api.context, SYSTEM, user="ray").secret
    async with api.client() as client, api.client(admin) as root, api.client(token) as program:
        await api.log_in(client, "ray")
        assert (await program.get("/session")).status_code == 200
        assert (await root.patch("/users/ray", json={"disabled": True})).status_code == 200
        assert (await client.get("/session")).status_code == 401
        assert (await program.get("/session")).status_code == 401
        assert (await root.patch("/users/ray", json={"disabled": False})).status_code == 200
        assert (await client.get("/session")).status_code == 401, "the session is gone for good"
        assert (await program.get("/session")).status_code == 200


async def test_disabled_by_another_process_is_out_within_two_seconds(sqlite_api: Api) -> None:
    sqlite_api.account(Role.ADMIN)
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "ray")
        assert (await client.get("/session")).status_code == 200
        accounts.disable_user(sqlite_api.context, SYSTEM, "ray")  # as `isocenter user disable` does: nobody tells this process
        await anyio.sleep(auth.REMEMBERED_SECONDS + 0.2)
        assert (await client.get("/session")).status_code == 401


async def test_changing_ones_password_ends_the_other_sessions(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    async with api.client() as here, api.client() as elsewhere:
        await api.log_in(here, "ray")
        await api.log_in(elsewhere, "ray")
        wrong = await here.post("/session/password", json={"current": "not this one", "password": "another long sentence"})
        assert wrong.status_code == 403
        weak = await here.post("/session/password", json={"current": PASSWORD, "password": "passwordpassword"})
        assert weak.status_code == 400
        assert (await elsewhere.get("/session")).status_code == 200
        right = await here.post("/session/password", json={"current": PASSWORD, "password": "another long sentence"})
        assert right.status_code == 204
        assert (await here.get("/session")).status_code == 200
        assert (await elsewhere.get("/session")).status_code == 401
    async with api.client() as client:
        assert (await api.log_in(client, "ray")).status_code == 401
        assert (await api.log_in(client, "ray", "another long sentence")).status_code == 200


async def test_a_login_over_a_login_leaves_no_session_lying(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client, sqlite_api.client() as old:
        await sqlite_api.log_in(client, "ray")
        old.cookies[auth.COOKIE] = client.cookies[auth.COOKIE]
        await sqlite_api.log_in(client, "ray")
        assert (await client.get("/session")).status_code == 200
        assert (await old.get("/session")).status_code == 401


async def test_hashes_follow_the_settings(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    sqlite_api.open(argon2_memory_kib=128)
    async with sqlite_api.client() as client:
        assert (await sqlite_api.log_in(client, "ray")).status_code == 200
        assert (await sqlite_api.log_in(client, "ray")).status_code == 200
    (account,) = accounts.users(sqlite_api.context, SYSTEM)
    assert "m=128," in account.password_hash


async def test_programs_use_tokens_or_basic_and_need_no_csrf(api: Api) -> None:
    api.account(Role.ADMIN, "root")
    made = accounts.create_token(api.context, SYSTEM, user="root", name="laptop", role="technologist", days=30)
    async with api.client() as client:
        for headers in ({"Authorization": f"Bearer {made.secret}"}, {"Authorization": f"bearer  {made.secret}"}):
            answer = (await client.get("/session", headers=headers)).json()
            assert answer["user"]["role"] == "technologist", "a token may be narrower than its account"
            assert answer["csrf_token"] == ""
        answer = await client.get("/session", headers=basic("root", PASSWORD))
        assert answer.json()["user"]["role"] == "admin"
        assert (await client.post("/tokens", json={"user": "root"}, headers=basic("root", PASSWORD))).status_code == 201
    api.clock.forward(days=30)
    api.authenticator.forget()
    async with api.client(made.secret) as client:
        assert (await client.get("/session")).status_code == 401


async def test_a_token_never_does_more_than_its_account_today(sqlite_api: Api) -> None:
    sqlite_api.account(Role.ADMIN, "root")
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    made = accounts.create_token(sqlite_api.context, SYSTEM, user="ray", role="radiologist")
    accounts.change_user(sqlite_api.context, SYSTEM, "ray", role="referrer")
    async with sqlite_api.client(made.secret) as client:
        assert (await client.get("/session")).json()["user"]["role"] == "referrer"


UNREADABLE = ["Bearer", "Bearer ", "Basic !!!", "Basic bm9jb2xvbg==", "Basic cgBhOng=", "Digest x", "Bearer " + "x" * 5000]


@pytest.mark.parametrize("header", UNREADABLE)
async def test_a_header_that_cannot_be_read_is_401(header: str, sqlite_api: Api) -> None:
    async with sqlite_api.client() as client:
        assert (await client.get("/session", headers={"Authorization": header})).status_code == 401


async def test_wrong_basic_is_throttled_as_a_login(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    async with sqlite_api.client() as client:
        codes = [(await client.get("/session", headers=basic("ray", "wrong password"))).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2


async def test_many_requests_at_once_cost_one_look_up(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    counted: list[int] = []

    async def ask(client: httpx.AsyncClient) -> None:
        counted.append((await client.get("/session", headers=basic("ray", PASSWORD))).status_code)

    async with sqlite_api.client() as client, anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask, client)
    assert counted == [200] * 50
    assert sqlite_api.kinds().count("session.begun") == 1


async def test_a_flood_of_logins_is_refused_rather_than_queued_for_ever(sqlite_api: Api) -> None:
    sqlite_api.account(Role.RADIOLOGIST, "ray")
    token = accounts.create_token(sqlite_api.context, SYSTEM, user="ray").secret
    free = threading.Event()
    async with sqlite_api.client() as client, sqlite_api.client(token) as program, anyio.create_task_group() as group:
        for _ in range(auth.HASHING_AT_ONCE + auth.LOGIN_QUEUE):
            group.start_soon(sqlite_api.authenticator.hashing, partial(free.wait, 30))
        await anyio.sleep(0.1)
        refused = await sqlite_api.log_in(client, "ray")
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
        assert (await program.get("/studies")).status_code == 200, "who is in is not disturbed"
        free.set()
    async with sqlite_api.client() as client:
        assert (await sqlite_api.log_in(client, "ray")).status_code == 200


async def test_how_one_likes_to_work_is_the_same_at_every_workstation(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    api.account(Role.RADIOLOGIST, "rita")
    controls = {"map": "weasis", "keys": {"tool-zoom": ["Shift+z", "ü"]}}
    async with api.client() as client, api.client() as elsewhere, api.client() as another:
        for each, name in ((client, "ray"), (elsewhere, "ray"), (another, "rita")):
            await api.log_in(each, name)
        assert (await client.get("/session/preferences")).json() == {}
        assert (await client.put("/session/preferences/controls", json={"map": "ohif"})).status_code == 204
        assert (await client.put("/session/preferences/controls", json=controls)).status_code == 204
        assert (await client.put("/session/preferences/list", json={"columns": 3})).status_code == 204
        assert (await elsewhere.get("/session/preferences")).json() == {"controls": controls, "list": {"columns": 3}}
        assert (await another.get("/session/preferences")).json() == {}
        assert (await elsewhere.put("/session/preferences/list", json={})).status_code == 204
        assert (await client.get("/session/preferences")).json() == {"controls": controls}


async def test_preferences_are_bounded(sqlite_api: Api) -> None:
    sqlite_api.account(Role.REFERRER, "dora")
    async with sqlite_api.client() as client:
        await sqlite_api.log_in(client, "dora")
        assert (await client.put("/session/preferences/a", json={"long": "x" * 20_000})).status_code == 413
        assert (await client.put("/session/preferences/No!", json={"a": 1})).status_code == 400
        assert (await client.put("/session/preferences/a", json=[1])).status_code == 400
        answers = [(await client.put(f"/session/preferences/p{n}", json={"n": n})).status_code for n in range(34)]
        assert answers == [204] * 32 + [413] * 2
        assert len((await client.get("/session/preferences")).json()) == 32


async def test_who_is_signed_in_is_listed_and_ended_from_elsewhere(api: Api) -> None:
    api.account(Role.RADIOLOGIST, "ray")
    api.account(Role.RADIOLOGIST, "eve")
    api.account(Role.ADMIN, "root")
    async with api.client() as desk, api.client() as home, api.client() as other, api.client() as admin:
        await api.log_in(desk, "ray")
        api.clock.forward(seconds=5)
        for client, name in ((home, "ray"), (other, "eve"), (admin, "root")):
            await api.log_in(client, name)
        listed = await home.get("/session/all")
        rows = listed.json()["sessions"]
        assert [(row["user"], row["this"]) for row in rows] == [("ray", True), ("ray", False)]
        assert all(client.cookies[auth.COOKIE] not in listed.text for client in (home, desk))
        assert fingerprint(home.cookies[auth.COOKIE]) not in listed.text
        here, away = rows[0]["id"], rows[1]["id"]
        assert (await other.get("/sessions")).status_code == 403
        assert (await other.delete(f"/sessions/{away}")).status_code == 404, "another's session looks as if there were none"
        assert (await desk.get("/studies")).status_code == 200
        assert (await home.delete(f"/sessions/{away}")).status_code == 204
        assert (await desk.get("/studies")).status_code == 401 and (await home.get("/studies")).status_code == 200
        assert (await home.delete(f"/sessions/{away}")).status_code == 404
        everyone = (await admin.get("/sessions")).json()["sessions"]
        assert sorted(row["user"] for row in everyone) == ["eve", "ray", "root"]
        assert (await admin.delete(f"/sessions/{here}")).status_code == 204
        assert (await home.get("/studies")).status_code == 401
        async with api.client(accounts.create_token(api.context, SYSTEM, user="ray").secret) as program:
            assert (await program.get("/session/all")).status_code == 403
            assert (await program.delete(f"/sessions/{here}")).status_code == 403
        api.clock.forward(minutes=api.context.settings.session_idle_minutes + 1)
        await api.log_in(admin, "root")
        assert [row["user"] for row in (await admin.get("/sessions")).json()["sessions"]] == ["root"], "ended ones are not listed"
    assert api.kinds().count("session.ended") == 2
