"""Events of work items over WebSockets: from a whole server with all its processes, to a client that is not ours."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid
from pynetdicom import AE
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dimse.ups.users import GLOBAL, PULL, PUSH, STATE, User, step
from servers import PASSWORD, Server, running

BASIC = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}


def channel(server: Server, aet: str, headers: dict[str, str]) -> ClientConnection:
    """A notification connection (PS3.18 8.10)."""
    address = f"ws://127.0.0.1:{server.http_port}/dicom-web/ws/subscribers/{aet}"
    return connect(address, additional_headers=headers, open_timeout=60, proxy=None)


def told(opened: ClientConnection) -> tuple[int, int, str, str]:
    """The next event: its message ID, type, step and state."""
    event: dict[str, Any] = json.loads(opened.recv(timeout=60))
    assert event["00000002"] == {"vr": "UI", "Value": [PUSH]}
    (number,), (kind,), (uid,) = (event[tag]["Value"] for tag in ("00000110", "00001002", "00001000"))
    return number, kind, uid, event.get("00741000", {"Value": [""]})["Value"][0]


@contextmanager
def modality(server: Server) -> Iterator[User]:
    entity = AE(ae_title="PERFORMER")
    for sop_class in (PUSH, PULL):
        entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", server.dicom_port, ae_title=server.aet)
    assert association.is_established
    yield User(association)
    association.release()


def test_subscribers_are_told_over_a_websocket(tmp_path: Path) -> None:
    uid, lock = generate_uid(), generate_uid()
    with running(tmp_path) as server:
        client = server.client()
        answer = client.post(f"/dicom-web/workitems/{GLOBAL}/subscribers/READING")
        assert answer.status_code == 201
        assert answer.headers["content-location"] == f"ws://127.0.0.1:{server.http_port}/dicom-web/ws/subscribers/READING"
        with channel(server, "READING", BASIC) as first, channel(server, "READING", BASIC) as second, modality(server) as user:
            assert user.create(step(), uid)[0] == 0
            assert user.begin(uid, lock) == 0
            for opened in (first, second):  # all connections of a subscriber
                assert [told(opened) for _ in range(2)] == [(1, STATE, uid, "SCHEDULED"), (2, STATE, uid, "IN PROGRESS")]
            for pid in server.pids("web"):
                os.kill(pid, signal.SIGKILL)
            with pytest.raises(ConnectionClosed):
                first.recv(timeout=60)
            # Nobody is there to be told
            assert user.act(1, uid, PULL, ProcedureStepState="CANCELED", TransactionUID=lock) == 0
        server.wait_until_ready()
        with channel(server, "READING", BASIC) as again:
            # What the killed process had told and not noted yet is told again, in order, before what nobody has heard.
            heard = [told(again)]
            while heard[-1][3] != "CANCELED":
                heard.append(told(again))
            before = ["SCHEDULED", "IN PROGRESS"]
            assert [each[1:] for each in heard] == [(STATE, uid, state) for state in [*before[3 - len(heard) :], "CANCELED"]]
            refused_without_ours(server)
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    again.recv(timeout=60)
            # granian may end the connection before our word of it is out
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1001, "going away"
            server.process.wait(60)


def refused_without_ours(server: Server) -> None:
    """Strangers, and pages of other sites that come with a person's cookie."""
    session = server.client().post("/api/v1/session", json={"username": "admin", "password": PASSWORD}, auth=None)
    cookie = f"isocenter_session={session.cookies['isocenter_session']}"
    for headers in ({}, {"Cookie": cookie}, {"Cookie": cookie, "Origin": "http://evil.example"}):
        with pytest.raises(InvalidStatus) as refused:
            channel(server, "READING", headers)
        assert refused.value.response.status_code == 403
    with channel(server, "READING", {"Cookie": cookie, "Origin": server.url}) as ours:
        assert ours.close_code is None
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{server.http_port}/api/v1/events", additional_headers=BASIC, proxy=None)
