"""isocenter project: as a person types it, beside no server."""

import json
from pathlib import Path

import pytest
from pydicom import dcmread

from isocenter.cli import main
from objects import part10


def test_a_project_from_its_making_to_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([*words, "--data", str(tmp_path / "data")])
        answered = capsys.readouterr()
        return code, answered.out + answered.err

    (tmp_path / "given").mkdir()
    (tmp_path / "given/a.dcm").write_bytes(part10(StudyInstanceUID="1.2.3", PatientID="PAT-4711"))
    assert run("import", str(tmp_path / "given"))[0] == 0
    value = tmp_path / "trial.json"
    value.write_text(json.dumps({"options": ["modified_dates"], "prefix": "T-"}))
    assert run("project", "add", "TRIAL", "--file", str(value)) == (0, "TRIAL added\n")
    assert json.loads(run("project", "show", "TRIAL")[1])["project"]["prefix"] == "T-"
    (row,) = json.loads(run("project", "list", "--json")[1])
    assert (row["name"], row["options"], row["closed"]) == ("TRIAL", "modified_dates", False)
    code, answer = run("project", "export", "TRIAL", "--study", "1.2.3", "--to", str(tmp_path / "out"))
    assert code == 0 and "1 objects written, 0 held back" in answer
    (path,) = (tmp_path / "out").rglob("*.dcm")
    assert dcmread(path).PatientID.startswith("T-") and b"PAT-4711" not in path.read_bytes()
    assert "PatientName" in (tmp_path / "out/REPORT.TXT").read_text()
    (row,) = json.loads(run("project", "reports", "TRIAL", "--study", "1.2.3", "--json")[1])
    assert (row["form"], row["objects"], row["held_back"], row["state"]) == ("folder", 1, 0, "whole")
    assert run("project", "reports", "OTHER", "--json") == (0, "[]\n")
    code, report = run("project", "report", str(row["id"]))
    assert report == (tmp_path / "out/REPORT.TXT").read_text()
    facts = json.loads(run("project", "report", str(row["id"]), "--json")[1])
    assert facts["of_studies"] == ["1.2.3"] and facts["objects"] == 1
    assert "no such report" in run("project", "report", "99")[1] and "number" in run("project", "report", "TRIAL")[1]
    assert "not empty" in run("project", "export", "TRIAL", "--study", "1.2.3", "--to", str(tmp_path / "out"))[1]
    value.write_text(json.dumps({"options": ["everything"]}))
    assert "options are" in run("project", "change", "TRIAL", "--file", str(value))[1]
    assert run("project", "close", "TRIAL") == (0, "TRIAL closed\n")
    assert "closed" in run("project", "export", "TRIAL", "--study", "1.2.3", "--to", str(tmp_path / "b"))[1]


def test_a_lost_file_is_reported_and_the_others_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "given").mkdir()
    for number in range(3):
        content = part10(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4", SOPInstanceUID=f"1.2.3.4.{number}")
        (tmp_path / f"given/{number}.dcm").write_bytes(content)
    there = ("--data", str(tmp_path / "data"))
    assert main(["import", str(tmp_path / "given"), *there]) == 0 and main(["project", "add", "TRIAL", *there]) == 0
    next((tmp_path / "data/archive").rglob("*.dcm")).unlink()
    capsys.readouterr()
    assert main(["project", "export", "TRIAL", "--study", "1.2.3", "--to", str(tmp_path / "out"), *there]) == 1
    assert "2 objects written, 1 held back" in capsys.readouterr().out
    assert len([dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]) == 2
