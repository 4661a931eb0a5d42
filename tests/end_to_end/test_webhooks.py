"""A webhook, the command line and the whole server: its worker is killed while messages wait, and none is lost."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dimse.conftest import eventually
from objects import part10
from servers import run, running


@pytest.mark.timeout(400)  # killed within a request, its lease has to end: two minutes
def test_what_happens_is_told_though_the_worker_is_killed(tmp_path: Path) -> None:
    told: list[int] = []
    is_open = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if is_open.is_set():
                told.extend(change["seq"] for change in message["data"]["changes"])
            self.send_response(204 if is_open.is_set() else 503)
            self.send_header("Retry-After", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
    try:
        with running(tmp_path) as server:
            client = server.client()
            for number in range(10):
                stored = client.post("/dicom-web/studies", content=part10(SOPInstanceUID=f"1.2.{number}"),
                                     headers={"content-type": "application/dicom"})  # fmt: skip
                assert stored.status_code == 200, stored.text
            page = client.get("/api/v1/changes", params={"kind": "instance.stored"}).json()
            expected = [change["seq"] for change in page["changes"]]
            url = f"http://127.0.0.1:{receiver.server_port}/"
            added = run("webhook", "add", "ris", url, "--kind", "instance.stored", "--since", "0", "--json",
                        "--data", str(server.data))  # fmt: skip
            assert added.returncode == 0 and json.loads(added.stdout)["secret"].startswith("whsec_"), added.stderr
            eventually(lambda: client.get("/api/v1/webhooks/ris").json()["attempts"] > 0, 120)
            for pid in server.pids("worker"):
                os.kill(pid, signal.SIGKILL)
            is_open.set()
            # As a person does who has mended it: however often it was tried on a busy machine, the next try is now.
            assert client.patch("/api/v1/webhooks/ris", json={"enabled": True}).json()["attempts"] == 0
            eventually(lambda: len(set(told)) == 10, 150)
            assert list(dict.fromkeys(told)) == expected, "in order, each at least once"
            eventually(lambda: client.get("/api/v1/webhooks/ris").json()["told"] == 10, 150)
            row = client.get("/api/v1/webhooks/ris").json()
            assert (row["attempts"], row["last_status"], row["failures"], row["failing_since"]) == (0, 204, 0, None)
    finally:
        receiver.shutdown()
        receiver.server_close()
