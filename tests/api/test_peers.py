"""DICOM peers over HTTP."""

from dataclasses import replace

import pytest

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.domain.verification import Outcome, Verified

pytestmark = pytest.mark.anyio

PEER = {"aet": "CT 1", "host": "192.0.2.7", "port": 104, "description": "Room 3"}


async def test_peers_are_known_changed_and_forgotten(api: Api) -> None:
    async with api.client(api.token(Role.ADMIN)) as root:
        assert (await root.post("/peers", json=PEER)).status_code == 201
        assert (await root.post("/peers", json=PEER)).status_code == 409
        (row,) = (await root.get("/peers")).json()["peers"]
        assert row | PEER == row and row["last_seen_at"] is None and row["instances"] == 0
        for wrong in ({"aet": "A\\B"}, {"aet": "    "}, {"host": "two words"}, {"port": 0}, {"port": 70000}, {"aet": "X" * 17},
                      {"allowed_ips": ["here"]}, {"preferred_syntaxes": ["jpeg"]}, {"max_associations": -1},
                      {"services": ["telnet"]}, {"character_set": "KLINGON"}, {"parallel": 9}, {"throttle": -1},
                      {"issuer": "A\\B"}):
            response = await root.post("/peers", json={**PEER, "aet": "OTHER", **wrong})
            assert response.status_code == 400 and response.json()["error"]["where"].partition("[")[0] in wrong
        changed = await root.patch("/peers/CT%201", json={"allowed_ips": ["10.0.0.0/8"], "max_associations": 3})
        assert changed.json() == row | {"allowed_ips": ["10.0.0.0/8"], "max_associations": 3}
        more = {"tls": True, "throttle": 5, "services": ["query", "storage"], "character_set": "ISO_IR 100",
                "parallel": 2, "paused": True, "issuer": "NORTH"}  # fmt: skip
        changed = await root.patch("/peers/CT%201", json=more)
        assert changed.json() == row | {"allowed_ips": ["10.0.0.0/8"], "max_associations": 3} | more
        assert (await root.patch("/peers/CT%202", json={"port": 1})).status_code == 404
        assert (await root.delete("/peers/CT%201")).status_code == 204
        assert (await root.delete("/peers/CT%201")).status_code == 404
    assert [kind for kind in api.kinds() if kind.startswith("peer")] == [
        "peer.created", "peer.updated", "peer.updated", "peer.removed"]  # fmt: skip


async def test_echo_tells_what_came_of_it(api: Api) -> None:
    told = Verified(Outcome.REJECTED, "The peer rejected the association: calling AE title not recognized.", 12)
    api.context = replace(api.context, verify=lambda *where: told)
    api.open()
    async with api.client(api.token(Role.ADMIN)) as root:
        await root.post("/peers", json=PEER)
        answer = await root.post("/peers/CT%201/echo")
        assert answer.status_code == 200
        assert answer.json() == {"ok": False, "outcome": "rejected", "message": told.message, "milliseconds": 12}
        assert (await root.post("/peers/CT%202/echo")).status_code == 404
