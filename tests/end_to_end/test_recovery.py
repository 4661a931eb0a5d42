"""docs/recovery.md, step by step, as an administrator types it: backups beside a running server, killed and gone on with.

Then the machine is lost, and the archive comes back on an empty one and serves every image.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import httpx
import orjson
import pytest

import ceph
from objects import part10
from servers import PASSWORD, Server, command, environment, run, running, wait_for

ROUNDS = 4  # of backups, and of restores, that are killed
IMAGES = 40


def isocenter(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(server.command(*arguments), env=environment({}), capture_output=True, text=True, timeout=120)


def killed(arguments: list[str], chance: random.Random) -> bool:
    """Run a command and kill it at some moment; whether it had not ended by then."""
    process = subprocess.Popen(arguments, env=environment({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.uniform(0.2, 1.6))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def send(server: Server, folder: Path, first: int) -> dict[str, bytes]:
    """One series by storescu; SOP Instance UID -> the file."""
    folder.mkdir()
    sent = {}
    for number in range(first, first + IMAGES):
        uid = f"2.25.8.{number}"
        sent[uid] = part10(300_000 + 2 * number, StudyInstanceUID="2.25.8", SeriesInstanceUID=f"2.25.8.1.{first}",
                           SOPInstanceUID=uid)
        (folder / f"{number}.dcm").write_bytes(sent[uid])
    scan = ["storescu", "-aec", server.aet, "127.0.0.1", str(server.dicom_port), "--scan-directories", str(folder)]
    subprocess.run(scan, check=True, env={**os.environ, "TCP_NODELAY": "1"}, timeout=120)
    return sent


def served(client: httpx.Client) -> dict[str, bytes]:
    """The data set of every image, as WADO-RS gives it."""
    found = {}
    for row in client.get("/dicom-web/instances", params={"limit": 1000}).json():
        study, series, uid = (row[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        answer = client.get(f"/dicom-web/studies/{study}/series/{series}/instances/{uid}",
                            headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert answer.status_code == 200
        found[uid] = answer.content
    return found


def _data_set(content: bytes) -> bytes:
    """What follows the file meta information, which the receiver writes anew."""
    return content[content.index(b"\x08\x00\x16\x00UI") :]


@pytest.mark.long
@pytest.mark.timeout(500)
def test_the_runbook(tmp_path: Path) -> None:
    chance, target, report = random.Random(20261123), tmp_path / "backup", tmp_path / "report.json"
    with running(tmp_path / "first") as server:
        sent = send(server, tmp_path / "one", 100)
        interrupted = sum(killed(server.command("backup", str(target)), chance) for _ in range(ROUNDS))
        assert interrupted, "no backup was interrupted"
        done = isocenter(server, "backup", str(target))
        assert done.returncode == 0 and "40 files in the snapshot" in done.stdout and "everything is there" in done.stdout, done
        sent |= send(server, tmp_path / "two", 500)
        done = isocenter(server, "backup", str(target))
        assert "80 files in the snapshot, 40 copied" in done.stdout, done
        listed = isocenter(server, "backup", str(target), "--list")
        files = [line.split()[2] for line in listed.stdout.splitlines()[1:]]
        # some that were to be killed came to their end
        assert files[:2] == ["80", "40"] and set(files[2:]) <= {"40"}, listed.stdout
        drilled = isocenter(server, "drill", str(target), "--report", str(report))
        assert drilled.returncode == 0 and orjson.loads(drilled.stdout)["compared"] == 80, drilled
        assert isocenter(server, "drill", str(target), "--check", str(report)).returncode == 0
        report.write_text(report.read_text().replace('"compared": 80', '"compared": 81'))
        assert "was changed" in isocenter(server, "drill", str(target), "--check", str(report)).stdout
        refused = isocenter(server, "restore", str(target))
        assert refused.returncode == 1 and "already serves" in refused.stderr, refused
        before = served(server.client())
        assert {uid: len(_data_set(content)) for uid, content in before.items()} == {
            uid: len(_data_set(content)) for uid, content in sent.items()}  # fmt: skip
    shutil.rmtree(tmp_path / "first")  # the machine is gone
    place = ("--data", str(tmp_path / "second" / "data"))
    for _ in range(ROUNDS):
        killed(command("restore", str(target), *place), chance)
    done = run("restore", str(target), *place)
    finished = done.returncode == 1 and "in use" in done.stderr  # one that was to be killed came to its end
    assert finished or (done.returncode == 0 and "80 files restored" in done.stdout), done
    with running(tmp_path / "second") as server:
        assert served(server.client()) == before
        checked = isocenter(server, "verify")
        assert checked.returncode == 0 and "80 files checked" in checked.stdout, checked
        with httpx.Client(base_url=server.url) as somebody:
            assert somebody.get("/api/v1/studies", auth=("admin", PASSWORD)).status_code == 200, "accounts are back"


@pytest.mark.timeout(240)
def test_only_the_index_is_lost(tmp_path: Path) -> None:
    """`isocenter reindex`, as docs/recovery.md has it: images, what people decided, accounts, and the log with its chain."""
    right = {"PatientID": "R-77", "PatientName": "Right^Rita", "IssuerOfPatientID": "", "PatientBirthDate": "", "PatientSex": "F"}
    with running(tmp_path / "first") as server:
        send(server, tmp_path / "one", 100)
        client = server.client()
        made = client.post("/api/v1/corrections", json={"studies": ["2.25.8"], "patient": right, "reason": "wrong choice"})
        assert made.status_code == 201, made.text
        before, corrections = served(client), client.get("/api/v1/corrections").json()
        journal = tmp_path / "first" / "data" / "journal"
        wait_for(lambda: any(b"correction.made" in path.read_bytes() for path in journal.rglob("*.jsonl")))
    for path in (tmp_path / "first" / "data").glob("index.sqlite*"):
        path.unlink()
    done = isocenter(server, "reindex")
    assert done.returncode == 0 and "from the journal: " in done.stdout, done
    checked = isocenter(server, "verify", "--audit")
    assert checked.returncode == 0 and "everything is as it was written" in checked.stdout, checked
    with running(tmp_path / "first") as server:
        client = server.client()
        assert client.get("/api/v1/corrections").json() == corrections
        assert served(client) == before
        (row,) = client.get("/dicom-web/studies", params={"StudyInstanceUID": "2.25.8"}).json()
        assert row["00100020"]["Value"] == ["R-77"] and row["00100010"]["Value"] == [{"Alphabetic": "Right^Rita"}]
        told = isocenter(server, "audit", "--kind", "correction.made", "--format", "json")
        assert len(orjson.loads(told.stdout)) == 1, told


@pytest.mark.timeout(240)
def test_an_encrypted_archive_comes_back_from_a_bucket_with_its_key(s3: ceph.S3, bucket: str, tmp_path: Path) -> None:
    place, key = s3.storage(bucket, "site-a"), tmp_path / "key"
    key.write_text("11" * 32)
    key.chmod(0o600)
    secrets = {"ISOCENTER_S3_ACCESS_KEY": ceph.ACCESS, "ISOCENTER_S3_SECRET_KEY": ceph.SECRET}
    keyed = {**secrets, "ISOCENTER_ENCRYPTION_KEY": f"file:{key}"}
    with running(tmp_path / "first", environment=keyed) as server:
        send(server, tmp_path / "one", 100)
        before = served(server.client())
        old = ("--data", str(server.data))
        done = run("backup", place, *old, extra=keyed)
        assert done.returncode == 0 and "40 files in the snapshot, 40 copied" in done.stdout, done
        done = run("drill", place, *old, "--sample", "40", extra=keyed)
        assert done.returncode == 0 and orjson.loads(done.stdout)["compared"] == 40, done
    shutil.rmtree(tmp_path / "first")  # the machine is gone; the key was kept elsewhere
    assert "40" in run("backup", place, "--list", extra=secrets).stdout
    new = ("--data", str(tmp_path / "second" / "data"))
    without = run("restore", place, *new, extra=secrets)
    assert without.returncode == 1 and "key" in without.stdout + without.stderr, without
    shutil.rmtree(tmp_path / "second")
    done = run("restore", place, *new, extra=keyed)
    assert done.returncode == 0 and "40 files restored" in done.stdout, done
    with running(tmp_path / "second", environment=keyed) as server:
        assert served(server.client()) == before
        assert run("verify", *new, extra=keyed).returncode == 0
