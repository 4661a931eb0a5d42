"""kill -9 of the worker in the middle of a delivery: what is missing is sent, none forgotten, what is repeated is recognised."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE, StoragePresentationContexts, evt

from isocenter.domain.access import SYSTEM
from isocenter.service import ingest
from isocenter.service.context import Context
from objects import part10
from sending import open_archive
from servers import Server, running

INSTANCES = 40
KILLED_AT = (15,)  # instances that the receiver has taken


class Receiver:
    """An archive of ours behind pynetdicom: it takes an instance, and then, at some, the sender is killed before it hears so."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.server: Server | None = None
        self.outcomes: Counter[str] = Counter()
        self.stored: list[str] = []

    def take(self, event: evt.Event) -> int:
        with ingest.begin(self.context, SYSTEM, source="dimse", calling_aet="ISOCENTER") as reception:
            reception.write(event.encoded_dataset())
            outcome = reception.finish()
        self.outcomes[outcome.status] += 1
        self.stored += [outcome.sop_instance_uid] if outcome.status == "stored" else []
        if self.server is not None and outcome.status == "stored" and len(self.stored) in KILLED_AT:
            (worker,) = self.server.pids("worker")
            os.kill(worker, signal.SIGKILL)
        time.sleep(0.01)
        return 0x0000


@contextmanager
def listening(receiver: Receiver) -> Iterator[int]:
    entity = AE(ae_title="BACKUP")
    entity.supported_contexts = StoragePresentationContexts
    listener = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, receiver.take)])
    try:
        yield int(listener.server_address[1])
    finally:
        listener.shutdown()


def _until_sent(server: Server) -> dict[str, Any]:
    deadline = time.monotonic() + 90
    client = server.client()
    while True:
        (delivery,) = client.get("/api/v1/deliveries").json()["deliveries"] or [{"state": ""}]
        if delivery["state"] == "sent":
            return dict(delivery)
        assert time.monotonic() < deadline, f"{delivery}\n{server.output()[-3000:]}"
        time.sleep(0.1)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Another archive."""
    context = open_archive(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path / "other")
    yield Receiver(context)
    context.database.close()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_killed_worker_forgets_nothing(database_url: str, receiver: Receiver, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    uids = {f"1.2.3.1.{number}" for number in range(INSTANCES)}
    for uid in uids:
        (files / f"{uid}.dcm").write_bytes(part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.1", SOPInstanceUID=uid))
    with listening(receiver) as port, running(tmp_path / "server", "--database", database_url) as server:
        client = server.client()
        assert client.post("/api/v1/peers", json={"aet": "BACKUP", "host": "127.0.0.1", "port": port}).status_code == 201
        rule = {"name": "all", "destinations": ["BACKUP"], "quiet_seconds": 1}
        assert client.post("/api/v1/routes", json=rule).status_code == 201
        send = ["storescu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), "--scan-directories", str(files)]
        receiver.server = server
        assert subprocess.run(send, env={**os.environ, "TCP_NODELAY": "1"}, timeout=60).returncode == 0
        delivery = _until_sent(server)
        rows = client.get(f"/api/v1/deliveries/{delivery['id']}").json()["instances"]
        said = server.output()
    assert set(receiver.stored) == uids and len(receiver.stored) == INSTANCES
    # Each kill came between an instance's arrival and its being noted: it is sent again, and known at the other side.
    assert len(KILLED_AT) <= receiver.outcomes["duplicate"] < INSTANCES
    assert receiver.outcomes.keys() == {"stored", "duplicate"}
    assert (delivery["instances"], delivery["sent"], delivery["failed"]) == (INSTANCES, INSTANCES, 0)
    assert {row["SOPInstanceUID"] for row in rows} == uids
    assert said.count("the work of a dead process goes on") >= len(KILLED_AT)
