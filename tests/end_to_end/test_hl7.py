"""`isocenter serve --hl7` as a RIS and a modality meet it: TLS, a killed process, the page's API, replay by the worker."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from certificates import Authority
from hl7.messages import Sender, orm
from servers import free_port, running

pytestmark = pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 90
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _role(supervisor: int, role: str) -> int:
    """The process of a role."""
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if f"isocenter.commands.roles\0{role}\0".encode() in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    return 0


def _worklist(port: int) -> str:
    keys = ["-k", "PatientName=", "-k", "(0040,0100)[0].ScheduledProcedureStepStartDate="]
    return subprocess.run(["findscu", "-W", "-aec", "ISOCENTER", "127.0.0.1", str(port), *keys], capture_output=True, text=True,
                          check=True, timeout=120).stderr


def test_orders_survive_a_killed_process_and_are_replayed(tmp_path: Path) -> None:
    plain, secure = free_port(), free_port()
    authority = Authority(tmp_path)
    cert, key = authority.signed("ours")
    options = ("--hl7", f"127.0.0.1:{plain}", "--hl7-tls", f"127.0.0.1:{secure}", "--dicom-tls-cert", str(cert),
               "--dicom-tls-key", str(key))
    with running(tmp_path, *options) as server:
        sender = Sender.to(plain)
        assert sender.code(orm()) == "AA"
        assert "20261123" in _worklist(server.dicom_port)
        before = _role(server.process.pid, "hl7")
        os.kill(before, signal.SIGKILL)
        again = Sender.to(plain)  # the listening socket is the supervisor's: the connection waits for the next process
        assert again.code(orm("XO", control="2", start="20261124110000")) == "AA"
        assert _role(server.process.pid, "hl7") != before
        assert "20261124" in _worklist(server.dicom_port)
        trust = ssl.create_default_context(cafile=str(authority.certificate))
        connection = socket.create_connection(("127.0.0.1", secure), timeout=60)
        over_tls = Sender(trust.wrap_socket(connection, server_hostname="localhost"))
        assert over_tls.code(orm("ZZ", control="3")) == "AE"
        client = server.client()
        listed = client.get("/api/v1/hl7-messages", params={"q": "P1"}).json()["messages"]
        assert [(each["control_id"], each["state"], each["where"]) for each in listed] == [
            ("3", "failed", "ORC-1"), ("2", "done", ""), ("1", "done", "")]
        place = f"/api/v1/hl7-messages/{listed[-1]['id']}"
        assert client.get(place).json()["content"].splitlines()[1:] == orm().decode().splitlines()[1:], "but for MSH-7, as sent"
        assert client.post(f"{place}/replay").status_code == 204
        _wait(lambda: "20261123" in _worklist(server.dicom_port), "the worker has not done the replayed message")
        for each in (sender, again, over_tls):
            each.close()
