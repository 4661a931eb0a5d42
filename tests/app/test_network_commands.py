"""`isocenter send`, `query`, `retrieve` and `commitment` beside a running server, with dcmtk's archive on the other side."""

import json
from pathlib import Path

import pytest
from pydicom import dcmread

import remotes
from dimse.conftest import eventually
from servers import run, running

pytestmark = pytest.mark.timeout(240)


def test_a_study_goes_out_is_found_there_and_comes_back(tmp_path: Path, data: Path) -> None:
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:4]
    study = dcmread(paths[0]).StudyInstanceUID
    with running(tmp_path / "a") as server, remotes.dcmqrscp(tmp_path / "qr", server.dicom_port) as remote:
        here = ("--data", str(server.data), "--min-free-space", "0")
        client = server.client()
        # The server itself is a peer, which is asked whether it keeps what it was sent: both sides of storage commitment.
        for peer in ({"aet": "QR", "port": remote.port},
                     {"aet": "ISOCENTER", "port": server.dicom_port, "asks_commitment": True}):
            assert client.post("/api/v1/peers", json={"host": "127.0.0.1", **peer}).status_code == 201
        assert run("import", *map(str, paths), *here).returncode == 0

        sent = run("send", "QR", "--study", study, *here)
        assert (sent.returncode, sent.stdout) == (0, "4 sent to QR\n"), sent.stderr
        assert len(remote.files()) == 4
        assert run("send", "ISOCENTER", "--study", study, *here).returncode == 0

        rows = json.loads(run("query", "QR", "-k", f"StudyInstanceUID={study}", "--json", *here).stdout)
        assert [row["StudyInstanceUID"] for row in rows] == [study]
        table = run("query", "QR", "--level", "series", "-k", f"StudyInstanceUID={study}", *here)
        assert "CT" in table.stdout and dcmread(paths[0]).SeriesInstanceUID in table.stdout, table.stderr

        # By C-MOVE to the running server, which has them already; and by C-GET into an archive nobody knows.
        moved = run("retrieve", "QR", "--study", study, "--json", *here)
        facts = json.loads(moved.stdout)
        assert (facts["how"], facts["completed"], facts["ok"]) == ("C-MOVE", 4, True), moved.stderr
        other = ("--data", str(tmp_path / "other"), "--aet", "NOBODY", "--min-free-space", "0")
        assert run("peer", "add", "QR", "127.0.0.1", str(remote.port), *other).returncode == 0
        got = run("retrieve", "QR", "--study", study, *other)
        assert (got.returncode, got.stdout) == (0, "4 fetched from QR by C-GET\n"), got.stderr
        assert run("verify", *other).stdout.startswith("4 files checked")

        changes = client.get("/api/v1/changes", params={"limit": 500}).json()
        assert [each["kind"] for each in changes["changes"]].count("study.sent") == 2
        settled = {"params": {"state": "committed"}}
        eventually(lambda: client.get("/api/v1/commitments", **settled).json()["commitments"], seconds=60)
        assert "ISOCENTER  committed  4" in run("commitment", "list", *here).stdout
    off = run("send", "QR", "--study", study, "--json", *here)
    assert off.returncode == 1 and json.loads(off.stdout)["failed"] == 4
    assert "Connection refused" in json.loads(off.stdout)["instances"][0]["reason"]


def test_what_is_not_here_and_what_is_not_said(tmp_path: Path) -> None:
    here = ("--data", str(tmp_path / "data"), "--min-free-space", "0")
    assert run("peer", "add", "QR", "127.0.0.1", "1", *here).returncode == 0
    wrong = run("send", "QR", "--study", "1.2.3.4.5", *here)
    assert wrong.returncode == 1 and "nothing of that here" in wrong.stderr
    unsaid = run("retrieve", "QR", "--series", "1.2", *here)
    assert unsaid.returncode == 1 and "--study UID --series UID" in unsaid.stderr
