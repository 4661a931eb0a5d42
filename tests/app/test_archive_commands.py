"""`isocenter import`, `verify` and `reindex` beside a running server, as a person types them."""

import json
from pathlib import Path

import pytest

from servers import run, running

pytestmark = pytest.mark.timeout(180)


def test_import_verify_and_reindex_tell_one_story(tmp_path: Path, data: Path) -> None:
    with running(tmp_path) as server:
        folder = ("--data", str(server.data), "--min-free-space", "0")
        first = run("import", str(data / "dicomdir" / "tiny-alpha"), *folder)
        assert first.returncode == 0, first.stderr
        assert first.stdout.splitlines()[-1].startswith("50 stored, 1 ignored, no images")
        again = json.loads(run("import", str(data / "dicomdir" / "tiny-alpha"), "--json", *folder).stdout)
        assert again["summary"]["counts"]["duplicate"] == 50 and len(again["results"]) == 51
        refused = run("import", str(data / "pathological" / "MR_truncated.dcm"), *folder)
        assert refused.returncode == 1
        assert "refused: the object is cut short" in refused.stdout and "MR_truncated.dcm" in refused.stdout
        client = server.client()
        held = client.get("/api/v1/studies").json()["studies"]
        assert sum(study["NumberOfStudyRelatedInstances"] for study in held) == 50  # the running server shows it at once

        running_still = run("reindex", *folder)
        assert running_still.returncode == 1 and "already serves" in running_still.stderr
        assert run("verify", *folder).stdout.strip().endswith("everything is there and intact")
        audit = run("verify", "--audit", *folder)
        assert audit.returncode == 0 and "everything is as it was written" in audit.stdout, audit.stdout
        head = audit.stdout.split()[-1]
        assert run("verify", "--audit", "--anchor", head, *folder).returncode == 0
        lost = run("verify", "--audit", "--anchor", f"999999:{head.partition(':')[2]}", *folder)
        assert lost.returncode == 1 and "not the one that was noted" in lost.stdout

    for path in server.data.glob("index.sqlite*"):
        path.unlink()
    rebuilt = run("reindex", "--data", str(server.data))
    assert rebuilt.returncode == 0 and rebuilt.stdout.startswith("50 stored"), rebuilt.stderr
    with running(tmp_path) as server:
        assert server.client().get("/api/v1/studies").json()["studies"] != []
        after = server.client().get("/api/v1/studies").json()["studies"]
        keys = ("StudyInstanceUID", "PatientName", "NumberOfStudyRelatedInstances", "ModalitiesInStudy")
        assert [[study[key] for key in keys] for study in after] == [[study[key] for key in keys] for study in held]

    victim = next((server.data / "archive").rglob("*.dcm"))
    victim.unlink()
    found = run("verify", "--json", "--data", str(server.data))
    assert found.returncode == 1
    (finding,) = json.loads(found.stdout)["findings"]
    assert finding["kind"] == "missing" and finding["subject"].endswith(victim.name)


@pytest.mark.parametrize("words", [("verify",), ("reindex",), ("user", "list"), ("user", "disable", "ann"), ("token", "list"),
                                   ("peer", "list")])
def test_what_works_on_an_archive_makes_none_where_the_path_is_mistyped(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, "--data", str(tmp_path / "typo"))
    assert done.returncode == 1 and f"there is no archive in {tmp_path / 'typo'}" in done.stderr, done.stderr
    assert "--data" in done.stderr and "Traceback" not in done.stderr and done.stdout == ""
    assert not (tmp_path / "typo").exists()


def test_a_lost_index_is_not_taken_for_an_empty_one(tmp_path: Path, data: Path) -> None:
    folder = ("--data", str(tmp_path / "data"), "--min-free-space", "0")
    assert run("import", str(data / "cr-dx" / "dx-chest-966_fixed.dcm"), *folder).returncode == 0
    for path in (tmp_path / "data").glob("index.sqlite*"):
        path.unlink()
    done = run("verify", *folder)
    assert done.returncode == 1 and "isocenter reindex" in done.stderr and not list((tmp_path / "data").glob("index.sqlite"))
    assert run("reindex", *folder).stdout.startswith("1 stored")
