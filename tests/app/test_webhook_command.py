"""isocenter webhook: as a person types it, beside no server."""

import json
from pathlib import Path

import pytest

from isocenter.cli import main


def test_a_webhook_from_its_making_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["webhook", *words, "--data", str(tmp_path / "data")])
        answered = capsys.readouterr()
        return code, answered.out + answered.err

    code, answer = run("add", "ris", "https://ris.example.org/hook", "--kind", "study.*", "--kind", "order.created")
    assert code == 0 and "secret whsec_" in answer and "shown only this once" in answer
    assert run("add", "ris", "https://ris.example.org/", "--kind", "*")[0] == 1
    assert "no kind of change" in run("add", "two", "https://ris.example.org/", "--kind", "stdy.*")[1]
    assert run("change", "ris", "https://other.example.org/", "--together", "50") == (0, "ris changed\n")
    assert run("pause", "ris") == (0, "ris is told nothing\n")
    (row,) = json.loads(run("list", "--json")[1])
    assert (row["url"], row["kinds"], row["enabled"]) == ("https://other.example.org/", "study.*,order.created", False)
    assert run("resume", "ris") == (0, "ris goes on\n")
    assert run("test", "ris") == (0, "ris will be sent a test message\n")
    assert json.loads(run("secret", "ris", "--json")[1])["secret"].startswith("whsec_")
    assert json.loads(run("failures", "ris", "--json")[1]) == []
    assert run("resend", "ris") == (0, "0 messages will be sent again\n")
    assert run("forget", "ris") == (0, "0 messages forgotten\n")
    code, answer = run("resend", "ris", "17")
    assert code == 1 and "there is no such message" in answer
    assert run("remove", "ris") == (0, "ris removed\n")
    code, answer = run("test", "ris")
    assert code == 1 and "isocenter webhook list" in answer
