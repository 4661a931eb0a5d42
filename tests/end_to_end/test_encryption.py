"""Encryption at rest, as an administrator meets it: begun on an archive in clear, keys changed while it serves, keys lost."""

import os
import re
import subprocess
import threading
from pathlib import Path

import orjson
import pytest

from isocenter.store import keys
from objects import part10
from servers import Server, environment, run, running

NAME = b"Verschluesselt"
FIRST, SECOND = "11" * 32, "22" * 32


def _objects(folder: Path, first: int, count: int = 4) -> dict[str, bytes]:
    folder.mkdir()
    made = {}
    for number in range(first, first + count):
        content = part10(
            200_000,
            StudyInstanceUID="2.25.9",
            SeriesInstanceUID="2.25.9.1",
            PatientID="E1",
            SOPInstanceUID=f"2.25.9.{number}",
            PatientName=f"{NAME.decode()}^{number}",
        )
        (folder / f"{number}.dcm").write_bytes(content)
        made[f"2.25.9.{number}"] = _data_set(content)
    return made


def _data_set(part10_file: bytes) -> bytes:
    """What comes after the file meta information, whose length is its first element."""
    return part10_file[144 + int.from_bytes(part10_file[140:144], "little") :]


def _send(server: Server, folder: Path) -> None:
    scan = ["storescu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), "--scan-directories", str(folder)]
    subprocess.run(scan, check=True, env={**os.environ, "TCP_NODELAY": "1"}, timeout=120)


def _served(server: Server, uid: str) -> bytes:
    place = f"/dicom-web/studies/2.25.9/series/2.25.9.1/instances/{uid}"
    answer = server.client().get(place, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert answer.status_code == 200, answer.text
    return _data_set(answer.content)


def _in_clear(data: Path) -> set[str]:
    """Files, but for those of the index, that say the patient's name."""
    found = set()
    for path in data.rglob("*"):
        if path.is_file() and not path.name.startswith("index.sqlite") and NAME in path.read_bytes():
            found.add(str(path.relative_to(data)))
    return found


def _isocenter(server: Server, settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(server.command(*arguments), env=environment(settings), capture_output=True, text=True, timeout=120)


@pytest.mark.timeout(400)
def test_from_clear_to_one_key_to_another(tmp_path: Path) -> None:
    (tmp_path / "first").write_text(FIRST)
    old = {"ISOCENTER_ENCRYPTION_KEY": f"file:{tmp_path}/first"}
    only = {"ISOCENTER_ENCRYPTION_KEY": "env:SECOND_KEY", "SECOND_KEY": SECOND}
    new = {**only, "ISOCENTER_ENCRYPTION_OLD_KEYS": f"file:{tmp_path}/first"}
    archive = tmp_path / "archive"
    with running(archive) as server:
        sent = _objects(tmp_path / "clear", 1)
        _send(server, tmp_path / "clear")
        data = server.data
    assert len(_in_clear(data)) == 4

    with running(archive, environment=old) as server:
        sent |= _objects(tmp_path / "sealed", 11)
        _send(server, tmp_path / "sealed")
        client = server.client()
        assert client.post("/dicom-web/studies", headers={"content-type": "application/dicom"}, content=b"x").status_code >= 400
        assert {uid: _served(server, uid) for uid in sent} == sent
        assert client.get("/dicom-web/studies/2.25.9/metadata").status_code == 200
        assert len(_in_clear(data)) == 4, "what came before, until it is renewed"
        done = _isocenter(server, old, "encryption", "renew")
        brought = re.search(r"(\d+) of them brought under the key", done.stdout)  # the four, and what the journal had by then
        assert done.returncode == 0 and brought and int(brought[1]) >= 4, done.stdout + done.stderr
        assert _in_clear(data) == set()
        assert {uid: _served(server, uid) for uid in sent} == sent

    with running(archive, environment=new) as server:
        _objects(tmp_path / "more", 21)
        stop, wrong = threading.Event(), []

        def read() -> None:
            while not stop.is_set():
                wrong.extend(uid for uid in sent if _served(server, uid) != sent[uid])

        reader = threading.Thread(target=read)
        reader.start()
        try:
            _send(server, tmp_path / "more")
            done = _isocenter(server, new, "encryption", "renew")
        finally:
            stop.set()
            reader.join()
        assert done.returncode == 0 and wrong == [], done.stdout + done.stderr
        ((name, count),) = orjson.loads(_isocenter(server, new, "encryption", "status", "--json").stdout)["files"].items()
        assert name == keys.name(bytes.fromhex(SECOND)).hex()
        journal = sum(each.is_file() for each in (data / "journal").rglob("*"))
        assert 13 <= count <= 13 + journal, "twelve images, what was made of them, and the journal"
        assert _isocenter(server, new, "verify").returncode == 0
        backup = tmp_path / "backup"
        assert _isocenter(server, new, "backup", str(backup)).returncode == 0
        assert not any(NAME in path.read_bytes() for path in (backup / "archive").rglob("*.dcm"))

    refused = run("serve", "--data", str(data), "--http", "127.0.0.1:0", "--dicom", "127.0.0.1:0", extra={})
    assert refused.returncode != 0 and "is encrypted under the key" in refused.stderr + refused.stdout
    refused = run("import", "--data", str(data), str(tmp_path / "clear"), extra=old)
    assert refused.returncode != 0 and "is encrypted under the key" in refused.stderr + refused.stdout
    with running(archive, environment=only) as server:
        assert {uid: _served(server, uid) for uid in sent} == sent

    for path in data.glob("index.sqlite*"):
        path.unlink()
    again = run("reindex", "--data", str(data), extra=only)
    assert again.returncode == 0, again.stdout + again.stderr
    assert run("restore", "--data", str(tmp_path / "back"), str(backup), extra=only).returncode == 0
    for folder in (data, tmp_path / "back"):
        told = orjson.loads(run("verify", "--data", str(folder), "--json", extra=only).stdout)
        assert (told["checked"], told["findings"]) == (12, []), told
