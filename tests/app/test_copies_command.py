"""`isocenter copies`, as a person types it beside a server: what there is, and having made what was there before the policy."""

import json
import time
from pathlib import Path

import pytest

from servers import run, running

pytestmark = pytest.mark.timeout(240)


def test_copies_of_what_was_there_before(tmp_path: Path, data: Path) -> None:
    folder = tmp_path / "data"
    slices = sorted((data / "ct/volume-lidc-idri-0314").rglob("*.dcm"))[:2]
    before = ("--data", str(folder), "--min-free-space", "0")
    assert run("import", *map(str, slices), str(data / "transfer-syntaxes/MR_small.dcm"), *before).returncode == 0
    off = run("copies", "make", *before)
    assert off.returncode == 1 and "htj2k is off" in off.stdout and "--htj2k" in off.stdout
    with running(tmp_path, "--htj2k", "CT") as server:
        mine = ("--data", str(server.data), "--min-free-space", "0", "--htj2k", "CT", "--json")
        planned = json.loads(run("copies", "make", *mine).stdout)
        assert planned["policy"] == "CT" and planned["planned"] == 1  # the CT, not the MR
        deadline = time.monotonic() + 120
        while (status := json.loads(run("copies", "status", *mine).stdout))["due"] and time.monotonic() < deadline:
            pass
        assert (status["copies"], status["due"], status["planned"]) == (2, 0, 0) and status["bytes"] > 100_000
        assert run("verify", "--data", str(server.data)).returncode == 0
        text = run("copies", "status", "--data", str(server.data)).stdout
        assert "2 copies" in text and "policy off" in text  # this call did not name it


def test_a_wrong_policy_is_told(tmp_path: Path) -> None:
    done = run("copies", "status", "--data", str(tmp_path), "--htj2k", "CT;MR")
    assert done.returncode == 2 and "htj2k" in done.stderr and "CT,MR,MG" in done.stderr
