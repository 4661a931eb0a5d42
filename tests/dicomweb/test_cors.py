"""Pages of other sites: who may ask, what they may see, and what the browser is told before."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from dicomweb.in_process import As, Client
from isocenter.domain.errors import Unauthenticated
from isocenter.service.context import Context
from isocenter.settings import Origins

VIEWER, OTHER = "https://viewer.example.org", "https://evil.example"


def allowing(context: Context, runner: asyncio.Runner, origins: str) -> Client:
    settings = replace(context.settings, cors_origins=Origins.parse(origins))
    return Client(replace(context, settings=settings), runner)


def preflight(client: Client, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    return client.request("OPTIONS", "/studies", headers=headers)


def test_nobody_is_allowed_by_default(client: Client) -> None:
    answer = client.get("/studies", headers={"origin": VIEWER})
    assert answer.status_code == 200 and not any(name.startswith("access-control") for name in answer.headers)
    assert "access-control-allow-origin" not in preflight(client, VIEWER).headers


@pytest.mark.parametrize(("origins", "named"), [(f"{VIEWER}, http://localhost:3000", VIEWER), ("*", "*")])
def test_those_who_are_named_may_ask_and_see(sqlite_context: Context, runner: asyncio.Runner, origins: str, named: str) -> None:
    cors = allowing(sqlite_context, runner, origins)
    before = preflight(cors, VIEWER)
    assert before.status_code == 204 and before.headers["access-control-allow-origin"] == named
    assert "authorization" in before.headers["access-control-allow-headers"].lower()
    assert "GET" in before.headers["access-control-allow-methods"]
    answer = cors.get("/studies", headers={"origin": VIEWER})
    assert answer.headers["access-control-allow-origin"] == named and "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers  # a page of another site never acts as who looks at it
    assert cors.get("/studies/1.2.3", headers={"origin": VIEWER}).headers["access-control-allow-origin"] == named  # errors, too


def test_others_are_not_and_caches_know(sqlite_context: Context, runner: asyncio.Runner) -> None:
    cors = allowing(sqlite_context, runner, VIEWER)
    for answer in (preflight(cors, OTHER), cors.get("/studies", headers={"origin": OTHER}), cors.get("/studies")):
        assert "access-control-allow-origin" not in answer.headers and "Origin" in answer.headers["vary"]


def test_the_question_before_needs_no_account_and_the_request_does(sqlite_context: Context, runner: asyncio.Runner) -> None:
    cors = allowing(sqlite_context, runner, VIEWER)
    cors.authenticator.who = Unauthenticated("log in")
    assert preflight(cors, VIEWER).status_code == 204
    refused = cors.get("/studies", headers={"origin": VIEWER})
    assert refused.status_code == 401 and refused.headers["access-control-allow-origin"] == VIEWER
    assert isinstance(cors.authenticator, As)
