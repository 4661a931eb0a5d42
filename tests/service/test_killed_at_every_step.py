"""kill -9 before every single step that makes something durable (sync, name, COMMIT) of ingest, delete, merge, backup, restore
and journal: afterwards nothing that was answered is lost, nothing is half, and doing it again ends it.
(Ingest of several processes at once, at random moments: `test_ingest_crash.py`; power cuts: `test_power_cut.py`.)
"""

import base64
import hashlib
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from conftest import archive
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Broken
from isocenter.service import auditing, backup, corrections, ingest, integrity, journal, rejections
from isocenter.service.context import Context
from isocenter.service.importing import import_paths
from isocenter.store import digest, imaging, vaults
from isocenter.store.schema import change, patient
from isocenter.work.rejections import delete_due
from objects import part10
from sending import arriving

STEPS = ("fsync", "fdatasync", "link", "rename", "replace", "unlink")  # of os; and every COMMIT
MOST = 400
Do = Callable[[Context, Path], object]


@contextmanager
def opened(folder: Path) -> Iterator[Context]:
    """The archive of this folder, as the next start finds it."""
    key = f"file:{folder / 'key'}" if (folder / "key").exists() else ""
    with archive(f"sqlite:///{folder / 'data' / 'index.sqlite'}", folder / "data", encryption_key=key) as context:
        integrity.leftovers(context)
        yield context


def killed(do: Do, folder: Path, step: int) -> bool:
    """Do it in a process that is killed before its n-th step; False: it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            digest._threads = ThreadPoolExecutor(2)  # those of the parent did not come along
            with opened(folder) as context:
                _count(step)
                do(context, folder)
                os._exit(0)
        except Exception:  # noqa: BLE001 - a child has nobody else to tell
            traceback.print_exc()
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "it failed by itself"
    return os.WIFSIGNALED(status)


def _count(last: int) -> None:
    left, lock = [last], threading.Lock()

    def step(*unused: object) -> None:
        with lock:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def before(real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        step()
        return real(*arguments, **named)

    for name in STEPS:
        setattr(os, name, partial(before, getattr(os, name)))
    event.listen(Engine, "commit", step)


def store(context: Context, number: int, patient_id: str = "A") -> None:
    content = part10(3000, SOPInstanceUID=f"1.2.{number}", StudyInstanceUID=f"1.{number}", SeriesInstanceUID=f"1.{number}.1",
                     PatientID=patient_id)
    with ingest.begin(context, SYSTEM, source="upload") as reception:
        reception.write(content)
        assert reception.finish().status in ("stored", "duplicate")


def held(context: Context) -> dict[str, str]:
    """SOP Instance UID -> SHA-256 of the bytes that are there."""
    found = {}
    for kept in context.database.read(imaging.files):
        with context.blobs.open(kept.blob_key) as file:
            found[kept.sop_instance_uid] = file.sha256()
            assert found[kept.sop_instance_uid] == kept.sha256
    return found


def target(context: Context, folder: Path) -> vaults.Vault:
    return vaults.vault(str(folder / "vault"), context.settings)


def two(context: Context, folder: Path) -> None:
    store(context, 1)
    store(context, 2, "B")


# ---- what is done, and what must hold after it was killed


def arriving_objects() -> list[tuple[str, bytes]]:
    """What a scanner sends, with the answer to each: small and large, once more, changed, and with what is set aside."""
    def one(number: int, pixels: int = 3000, **values: Any) -> bytes:
        return part10(pixels, **{"SOPInstanceUID": f"1.2.{number}", "StudyInstanceUID": "1.3", "SeriesInstanceUID": "1.3.1",
                                 "PatientID": "A", **values})
    return [("stored", one(1)), ("stored", one(2, 60_000)), ("duplicate", one(1)), ("version", one(1, Rows=7)),
            ("quarantined", one(3, StudyInstanceUID="1.4"))]  # its series is of another study


def nothing(context: Context, folder: Path) -> None:
    assert context.database.read(imaging.counts)["instances"] == 0


def encrypted(context: Context, folder: Path) -> None:
    (folder / "key").write_text(base64.b64encode(os.urandom(32)).decode())


def answer(folder: Path, content: bytes) -> None:
    """What the sender was told to be safe, outlives the process."""
    with (folder / "answered").open("ab", buffering=0) as file:
        file.write(hashlib.sha256(content).hexdigest().encode() + b"\n")


def receive(context: Context, folder: Path) -> None:
    for status, content in arriving_objects():
        with ingest.begin(context, SYSTEM, source="dimse", calling_aet="CT1") as reception:
            for start in range(0, len(content), 20_000):
                reception.write(content[start : start + 20_000])
            assert reception.finish().status == status
            answer(folder, content)
    assert arriving(folder / "data") == []


def take_in(context: Context, folder: Path) -> None:
    """The door of importing, with two threads that share the commits; each file by itself is answered as it comes."""
    (folder / "cd").mkdir()
    contents = [content for status, content in arriving_objects() if status == "stored"]
    for number, content in enumerate(contents):
        (folder / "cd" / f"{number}.dcm").write_bytes(content)
    door = partial(ingest.begin, context, SYSTEM, source="import")
    for result in import_paths(door, [folder / "cd"], threads=2):
        assert result.status == "stored", result
        answer(folder, Path(result.name).read_bytes())
    assert arriving(folder / "data") == []


def kept(context: Context) -> list[str]:
    """The SHA-256 of each file that is in the archive or set aside, read from its bytes."""
    found = []
    for area in ("archive", "quarantine"):
        for key in context.blobs.list(area):
            with context.blobs.open(key) as file:
                found.append(file.sha256())
    return sorted(found)


def received(context: Context, folder: Path) -> None:
    log = folder / "answered"
    told = set(log.read_text().split()) if log.exists() else set()
    before = kept(context)
    assert told <= set(before), "Success was answered, and it is gone"
    assert sorted(held_files(context)) == before, "a file without a row, or a row without its file"
    assert not os.listdir(folder / "data" / "incoming"), "something half is left"
    for _, content in arriving_objects():  # the sender that heard nothing sends all of it again
        with ingest.begin(context, SYSTEM, source="dimse", calling_aet="CT1") as reception:
            reception.write(content)
            reception.finish()
    sent = {hashlib.sha256(content).hexdigest() for _, content in arriving_objects()}
    assert kept(context) == sorted(sent) == sorted(held_files(context)), "each of it once"
    if (folder / "key").exists():
        files = [path for area in ("archive", "quarantine") for path in (folder / "data" / area).rglob("*") if path.is_file()]
        assert len(files) == 4 and all(path.read_bytes().startswith(b"ISOSEAL1") for path in files)


def held_files(context: Context) -> list[str]:
    """The SHA-256 of what the index holds, versions and what is set aside included."""
    return [file.sha256 for listed in (imaging.files, imaging.quarantined_files) for file in context.database.read(listed)]


def marked(context: Context, folder: Path) -> None:
    two(context, folder)
    door = partial(ingest.begin, context, SYSTEM, source="upload")
    made = rejections.reject(context, SYSTEM, "1.1", door, kind="quality", reason="blurred")
    past = replace(context, clock=lambda: context.clock() - timedelta(days=30))
    rejections.delete(past, SYSTEM, made.id, "may go")


def delete(context: Context, folder: Path) -> None:
    delete_due(context, threading.Event())


def deleted(context: Context, folder: Path) -> None:
    delete(context, folder)
    (found,) = rejections.page(context, SYSTEM)
    assert found.freed == 1 and found.freed_at is not None
    assert len(list(context.blobs.list("archive"))) == 2 == len(held(context)), "what stays, and the note"


def merge(context: Context, folder: Path) -> None:
    corrections.merge(context, SYSTEM, "A", "", {"PatientID": "B", "PatientName": "Doe^Jane"}, "registered twice")


def merged(context: Context, folder: Path) -> None:
    people = context.database.read(lambda connection: sorted(connection.execute(select(patient.c.patient_id)).scalars()))
    assert (people, len(corrections.page(context, SYSTEM))) in ((["A", "B"], 0), (["B"], 1)), "all of it, or nothing"
    if len(people) == 2:
        merge(context, folder)
    assert corrections.page(context, SYSTEM)[0].studies == ("1.1",)


def back_up(context: Context, folder: Path) -> None:
    backup.back_up(context, target(context, folder))


def backed_up(context: Context, folder: Path) -> None:
    assert not backup.back_up(context, target(context, folder)).faults
    for number, snapshot in enumerate(backup.snapshots(target(context, folder))):
        with opened(folder / f"again-{number}") as again:
            assert not backup.restore(again, target(context, folder), snapshot).faults and held(again) == held(context)


def vault_only(context: Context, folder: Path) -> None:
    """A backup of an archive that is lost."""
    with opened(folder / "lost") as lost:
        two(lost, folder)
        back_up(lost, folder)


def restore(context: Context, folder: Path) -> None:
    backup.restore(context, target(context, folder), backup.choose(target(context, folder), None))


def restored(context: Context, folder: Path) -> None:
    try:
        restore(context, folder)
    except Broken as error:
        assert "in use" in error.message  # it was killed after its end
    with opened(folder / "lost") as lost:
        assert held(context) == held(lost)


def write(context: Context, folder: Path) -> None:
    soon = context.clock() + timedelta(hours=1)
    journal.write(replace(context, clock=lambda: soon), None)


def written(context: Context, folder: Path) -> None:
    later = context.clock() + timedelta(hours=3)  # the lease of who was killed has ended
    journal.write(replace(context, clock=lambda: later), None)
    rows = context.database.read(lambda connection: [tuple(row) for row in connection.execute(select(change))])
    with opened(folder / "anew") as anew:
        anew = replace(anew, blobs=context.blobs)
        back = journal.restore(anew)
        assert back is not None and back.changes == len(rows) and auditing.look(anew).is_sound
        assert anew.database.read(lambda connection: [tuple(row) for row in connection.execute(select(change))]) == rows


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("prepare", "do", "holds"), [
    (nothing, receive, received), (encrypted, receive, received), (nothing, take_in, received),
    (marked, delete, deleted), (two, merge, merged), (two, back_up, backed_up),
    (vault_only, restore, restored), (two, write, written),
], ids=["ingest", "ingest encrypted", "import", "delete", "merge", "backup", "restore", "journal"])  # fmt: skip
def test_killed_before_every_step(folder: Path, monkeypatch: pytest.MonkeyPatch, prepare: Do, do: Do, holds: Do) -> None:
    monkeypatch.setattr(integrity, "YOUNG", -1.0)
    with opened(folder / "before") as context:
        prepare(context, folder / "before")
    for step in range(1, MOST):
        place = folder / f"step-{step}"
        shutil.copytree(folder / "before", place)
        was_killed = killed(do, place, step)
        with opened(place) as context:
            holds(context, place)
            assert not list(integrity.Verification(context).run(lambda count: None)), f"after step {step}"
            assert auditing.look(context).is_sound
        shutil.rmtree(place)
        if not was_killed:
            assert step > 2, "nothing was killed"
            return
    pytest.fail("it has no end")
