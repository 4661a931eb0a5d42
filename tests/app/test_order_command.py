"""isocenter order: as a person types it, beside no server."""

import json
from pathlib import Path
from typing import Any

import pytest

from isocenter.cli import main
from sending import open_archive

STEP = {"Modality": "CT", "ScheduledStationAETitle": "CT1", "ScheduledProcedureStepStartDate": "20261123",
        "ScheduledProcedureStepStartTime": "0930"}  # fmt: skip
ORDER: dict[str, Any] = {"PatientName": "Müller^Jürgen", "PatientID": "P1", "PatientWeight": 71.5, "steps": [STEP]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    open_archive(f"sqlite:///{folder / 'index.sqlite'}", folder).database.close()
    return folder


def run(data: Path, *words: str) -> int:
    return main(["order", *words, "--data", str(data), "--min-free-space", "0"])


def write(data: Path, order: object) -> str:
    file = data.parent / "order.json"
    file.write_text(json.dumps(order))
    return str(file)


def test_an_order_is_added_listed_shown_cancelled_and_removed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "add", write(data, ORDER), "--json") == 0
    order = json.loads(capsys.readouterr().out)
    assert order["state"] == "scheduled" and order["PatientWeight"] == "71.5"
    assert run(data, "list", "--search", "mueller", "--state", "scheduled", "--date", "20261123") == 0
    said = capsys.readouterr().out
    assert "Müller^Jürgen" in said and "20261123 0930" in said and order["AccessionNumber"] in said
    assert run(data, "list", "--date", "20261124-") == 0 and capsys.readouterr().out.strip() == "none"
    assert run(data, "show", str(order["id"])) == 0
    assert json.loads(capsys.readouterr().out) == order
    assert run(data, "cancel", str(order["id"])) == 0
    capsys.readouterr()
    assert run(data, "list", "--json") == 0
    assert [each["state"] for each in json.loads(capsys.readouterr().out)] == ["cancelled"]
    assert run(data, "remove", str(order["id"])) == 0 and run(data, "show", str(order["id"])) == 1


def test_what_is_no_order_is_refused_with_its_place(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrongs: list[tuple[object, str]] = [
        ({**ORDER, "PatientNam": "x"}, "PatientNam"), ({**ORDER, "steps": "CT"}, "steps"),
        ({**ORDER, "PatientID": None}, "PatientID"),
        ({**ORDER, "steps": [{**STEP, "state": "soon"}]}, "steps[0].state"), ([ORDER], "no JSON object"),
        ({**ORDER, "steps": [{**STEP, "Modalty": "CT"}]}, "steps[0].Modalty"),
        ({**ORDER, "RequestedProcedureCodeSequence": ["CTABD"]}, "RequestedProcedureCodeSequence"),
    ]  # fmt: skip
    for wrong, where in wrongs:
        assert run(data, "add", write(data, wrong)) == 1
        assert where in capsys.readouterr().err
    assert run(data, "add", str(data / "nothing.json")) == 1 and "No such file" in capsys.readouterr().err
    elsewhere = data.parent / "mistyped"
    assert run(elsewhere, "add", write(data, ORDER)) != 0 and not elsewhere.exists()
    assert run(data, "show", "first") == 1 and run(data, "cancel", "7") == 1
