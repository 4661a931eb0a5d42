"""The worker writes the journal beside the files, and copies it into the second storage."""

from pathlib import Path

from servers import running, wait_for


def test_a_server_keeps_its_journal_in_both_places(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    with running(tmp_path, "--replica", f"file://{second}") as server:
        here = server.data / "journal"
        wait_for(lambda: list(here.rglob("*.jsonl")) and len(list(second.rglob("*.jsonl"))) == len(list(here.rglob("*.jsonl"))))
        for path in here.rglob("*.jsonl"):
            assert (second / path.relative_to(server.data)).read_bytes() == path.read_bytes()
