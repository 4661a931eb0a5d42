"""isocenter destination, route, delivery: as a person types them, beside no server."""

import json
from pathlib import Path

import pytest

from isocenter.cli import main
from isocenter.domain.access import SYSTEM
from isocenter.service import deliveries, ingest
from objects import part10
from sending import open_archive


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An archive with three studies and a peer."""
    folder = tmp_path / "data"
    folder.mkdir()
    context = open_archive(f"sqlite:///{folder / 'index.sqlite'}", folder)
    for number, modality in enumerate(("CT", "MR", "CT")):
        with ingest.begin(context, SYSTEM, source="dimse", calling_aet=f"{modality}1", called_aet="ISOCENTER") as reception:
            reception.write(part10(StudyInstanceUID=f"1.2.{number}", SeriesInstanceUID=f"1.2.{number}.1", Modality=modality,
                                   PatientID=f"P{number}"))  # fmt: skip
            reception.finish()
    context.database.close()
    return folder


def run(data: Path, *words: str) -> int:
    return main([*words, "--data", str(data), "--min-free-space", "0"])


def test_a_rule_is_tried_made_changed_and_removed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "peer", "add", "PACS2", "127.0.0.1", "104") == 0
    capsys.readouterr()
    words = ("--from", "CT*", "--modality", "CT", "--modality", "MR", "--where", "StudyDescription=*thorax*", "--to", "PACS2")
    assert run(data, "route", "try", *words, "--json") == 0
    tried = json.loads(capsys.readouterr().out)
    assert (tried["studies_matched"], tried["instances_matched"]) == (2, 2)
    assert [(row["study"], row["matched"], row["to"]) for row in tried["studies"]] == [
        ("1.2.2", 1, ["PACS2"]), ("1.2.1", 0, []), ("1.2.0", 1, ["PACS2"])]
    assert run(data, "route", "add", "to two", *words, "--during", "00:00-24:00") == 0
    assert run(data, "route", "change", "to two", "--off", "--where", "Modality!=SR") == 0
    capsys.readouterr()
    assert run(data, "route", "list", "--json") == 0
    ((rule,),) = [json.loads(capsys.readouterr().out)]
    assert rule["enabled"] is False and rule["senders"] == ["CT*"] and rule["hours"] == "00:00-24:00"
    assert rule["conditions"] == [{"attribute": "Modality", "values": ["SR"], "excludes": True}]
    assert run(data, "route", "try", "to two", "--last", "1") == 0
    assert "1 of the last 1 studies, 1 instances; nothing was sent" in capsys.readouterr().out
    assert run(data, "route", "list") == 0
    assert "from CT*, Modality!=SR, during 00:00-24:00" in capsys.readouterr().out
    assert run(data, "route", "remove", "to two") == 0
    assert run(data, "route", "remove", "to two") == 1
    assert "there is no such rule" in capsys.readouterr().err
    assert run(data, "route", "add", "x", "--to", "PACS2", "--where", "ShoeSize=43") == 1
    assert "no attribute that the index knows" in capsys.readouterr().err


def test_destinations_and_deliveries(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(data, "destination", "add", "share", "--folder", str(tmp_path / "share"), "--throttle", "1000000") == 0
    assert run(data, "destination", "pause", "share") == 0
    assert run(data, "destination", "add", "two", "--folder", "/a", "--url", "http://b") == 1
    capsys.readouterr()
    assert run(data, "destination", "list", "--json") == 0
    (share,) = json.loads(capsys.readouterr().out)
    assert (share["name"], share["kind"], share["paused"], share["throttle"]) == ("share", "folder", True, 1000000)
    context = open_archive(f"sqlite:///{data / 'index.sqlite'}", data)
    (number,) = deliveries.ask(context, SYSTEM, ["1.2.1"], "share")
    context.database.close()
    assert run(data, "delivery", "list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["state"], row["arrived"]) == (number, "waiting (paused)", "0 of 1")
    assert run(data, "delivery", "cancel", str(number)) == 0
    assert run(data, "delivery", "show", str(number)) == 0
    assert "cancelled by system" in capsys.readouterr().out
    assert run(data, "delivery", "resend", str(number)) == 0
    assert run(data, "delivery", "resend", "--failed", "--json") == 0
    assert '"deliveries": 0' in capsys.readouterr().out
    assert run(data, "delivery", "list", "--state", "waiting") == 0
    assert "waiting (paused)" in capsys.readouterr().out
