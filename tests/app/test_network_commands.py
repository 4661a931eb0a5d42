"""`isocenter send`, `query`, `retrieve` and `commitment` beside a running server, with dcmtk's archive on the other side."""

import json
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

import remotes
from dimse.conftest import eventually
from servers import run, running

pytestmark = pytest.mark.timeout(240)


def test_a_study_goes_out_is_found_there_and_comes_back(tmp_path: Path, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:4]
    study, series = dcmread(paths[0]).StudyInstanceUID, dcmread(paths[0]).SeriesInstanceUID
    with running(tmp_path / "a") as server, remotes.dcmqrscp(tmp_path / "qr", server.dicom_port) as remote:
        here, client = ("--data", str(server.data)), server.client()
        storing = ["storescu", "127.0.0.1", str(server.dicom_port), *map(str, paths)]
        subprocess.run(storing, check=True, env=remotes.ENVIRONMENT, timeout=60)
        # The server itself is a peer, which is asked whether it keeps what it was sent: both sides of storage commitment.
        for peer in ({"aet": "QR", "port": remote.port},
                     {"aet": "ISOCENTER", "port": server.dicom_port, "asks_commitment": True}):
            assert client.post("/api/v1/peers", json={"host": "127.0.0.1", **peer}).status_code == 201
        delivery = client.post("/api/v1/deliveries", json={"studies": [study], "destination": "ISOCENTER"})
        assert delivery.is_success, delivery.text

        sent = run("send", "QR", "--study", study, *here)
        assert (sent.returncode, sent.stdout) == (0, "4 sent to QR\n"), sent.stderr
        assert len(remote.files()) == 4
        rows = json.loads(run("query", "QR", "-k", f"StudyInstanceUID={study}", "--json", *here).stdout)
        assert [row["StudyInstanceUID"] for row in rows] == [study]
        table = run("query", "QR", "--level", "series", "-k", f"StudyInstanceUID={study}", *here)
        assert "CT" in table.stdout and series in table.stdout, table.stderr

        # An archive that nobody knows cannot be a destination of C-MOVE.
        other = ("--data", str(tmp_path / "other"), "--aet", "NOBODY", "--min-free-space", "0")
        assert run("peer", "add", "QR", "127.0.0.1", str(remote.port), *other).returncode == 0
        got = run("retrieve", "QR", "--study", study, *other)
        assert (got.returncode, got.stdout) == (0, "4 fetched from QR by C-GET\n"), got.stderr
        assert len(list((tmp_path / "other" / "archive").rglob("*.dcm"))) == 4

        settled = {"state": "committed"}
        eventually(lambda: client.get("/api/v1/commitments", params=settled).json()["commitments"], seconds=60)
        assert "ISOCENTER  committed  4" in run("commitment", "list", *here).stdout
        changes = client.get("/api/v1/changes", params={"limit": 500}).json()["changes"]
        assert {"study.sent", "remote.searched"} <= {each["kind"] for each in changes}
    off = run("send", "QR", "--study", study, "--json", *here)
    assert off.returncode == 1 and json.loads(off.stdout)["failed"] == 4
    assert "Connection refused" in json.loads(off.stdout)["instances"][0]["reason"]
    wrong = run("send", "QR", "--study", "1.2.3.4.5", *here)
    assert wrong.returncode == 1 and "nothing of that here" in wrong.stderr
