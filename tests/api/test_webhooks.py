"""Webhooks over HTTP: administered, tested, and what was put aside."""

from typing import Any

import pytest

from api_harness import Api
from isocenter.domain.access import Role
from isocenter.service import webhook_messages, webhooks
from isocenter.service.webhook_messages import Answer
from objects import part10

pytestmark = pytest.mark.anyio

RIS = {"name": "ris", "url": "https://ris.example.org/hook", "kinds": ["study.*", "instance.stored"]}


def tell(api: Api, status: int) -> list[Any]:
    """What the worker does, to a receiver that answers so; the messages."""
    sent: list[Any] = []

    def send(url: str, headers: Any, body: bytes) -> Answer:
        sent.append((url, headers, body))
        return Answer(status, "" if status < 300 else f"status {status}")

    while (turn := webhook_messages.turn(api.context, webhooks.key(api.context))) is not None:
        turn.run(send)
    return sent


async def test_a_webhook_is_made_told_and_removed(api: Api) -> None:
    async with api.client(api.token(Role.ADMIN)) as admin:
        made = await admin.post("/webhooks", json=RIS)
        assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
        assert (await admin.post("/webhooks", json=RIS)).status_code == 409
        for where, wrong in {"url": "file:///etc/passwd", "kinds": ["nonsense"], "name": "a/b"}.items():
            refused = await admin.post("/webhooks", json={**RIS, where: wrong})
            assert (refused.status_code, refused.json()["error"]["where"]) == (400, where)
        api.store(part10())
        assert len(tell(api, 200)) == 2
        row = (await admin.get("/webhooks/ris")).json()
        assert (row["told"], row["waiting"], row["last_status"], row["failures"]) == (2, 0, 200, 0)
        changed = (await admin.patch("/webhooks/ris", json={"together": 10, "enabled": False})).json()
        assert (changed["together"], changed["enabled"], changed["kinds"]) == (10, False, RIS["kinds"])
        assert (await admin.post("/webhooks/ris/test")).status_code == 204
        ((_, headers, body),) = tell(api, 503)
        assert b'"isocenter.test"' in body and headers["webhook-signature"].startswith("v1,")
        (row,) = (await admin.get("/webhooks")).json()["webhooks"]
        assert (row["last_status"], row["last_reason"]) == (503, "status 503") and "secret" not in str(row)
        assert (await admin.post("/webhooks/ris/secret")).json()["secret"] != made.json()["secret"]
        assert (await admin.delete("/webhooks/ris")).status_code == 204
        assert (await admin.get("/webhooks/ris")).status_code == (await admin.delete("/webhooks/ris")).status_code == 404


async def test_what_was_put_aside_is_shown_sent_again_and_forgotten(sqlite_api: Api) -> None:
    api = sqlite_api
    async with api.client(api.token(Role.ADMIN)) as admin:
        await admin.post("/webhooks", json={**RIS, "kinds": ["study.created"]})
        for number in (1, 2):
            api.store(part10(StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.3.{number}"))
        for _ in range(12):
            tell(api, 400)
            api.clock.forward(hours=1)
        second, first = (await admin.get("/webhooks/ris/failures")).json()["failures"]
        assert (first["changes"], first["status"], first["reason"]) == (1, 400, "status 400") and first["last"] < second["first"]
        assert (await admin.post(f"/webhooks/ris/failures/{first['id']}/resend")).json() == {"messages": 1}
        assert len(tell(api, 204)) == 1
        assert [each["id"] for each in (await admin.get("/webhooks/ris/failures")).json()["failures"]] == [second["id"]]
        assert (await admin.delete(f"/webhooks/ris/failures/{first['id']}")).status_code == 404
        assert (await admin.post("/webhooks/ris/failures/resend")).json() == {"messages": 1}
        assert (await admin.delete("/webhooks/ris/failures")).json() == {"messages": 1}
        assert tell(api, 204) == []
