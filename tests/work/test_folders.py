"""Part 10 files in a folder: whole or not at all, recognised when they are there, never over somebody else's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away
from isocenter.service import ingest, sending
from isocenter.service.context import Context
from isocenter.service.deliveries import Round
from isocenter.work import folders
from objects import part10


@dataclass
class Place:
    address: str


@dataclass
class Task:
    """What `folders` needs of a Round."""

    destination: Place
    noted: list[tuple[str, str, bool]] = field(default_factory=list)

    def unwanted(self) -> bool:
        return False

    def note(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None:
        self.noted.append((sop_instance_uid, reason, arrived))


def deliver(context: Context, folder: Path, pieces: Any = lambda data: [data]) -> list[tuple[str, str, bool]]:
    task = Task(Place(str(folder)))
    folders.store(context, cast(Round, task), sending.chosen(context, SYSTEM, studies=["1.2.3"]), pieces)
    return task.noted


@pytest.fixture
def content(sqlite_context: Context) -> bytes:
    made = part10(600_000, StudyInstanceUID="1.2.3", SeriesInstanceUID="...", SOPInstanceUID="1.2.3.1")
    with ingest.begin(sqlite_context, SYSTEM, source="upload") as reception:
        reception.write(made)
        reception.finish()
    return made


def files(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_written_and_known_again(sqlite_context: Context, content: bytes, tmp_path: Path) -> None:
    assert deliver(sqlite_context, tmp_path) == [("1.2.3.1", "", True)]
    # "..." as Series Instance UID is held, and is no way out of the folder.
    assert files(tmp_path) == ["1.2.3/_.../1.2.3.1.dcm"]
    assert (tmp_path / "1.2.3/_.../1.2.3.1.dcm").read_bytes() == content
    assert deliver(sqlite_context, tmp_path) == [("1.2.3.1", "it was there already", True)]


def test_what_somebody_else_put_there_stays(sqlite_context: Context, content: bytes, tmp_path: Path) -> None:
    deliver(sqlite_context, tmp_path)
    (tmp_path / "1.2.3/_.../1.2.3.1.dcm").write_bytes(content[:-1] + b"\1")
    assert deliver(sqlite_context, tmp_path) == [("1.2.3.1", "another file has its name in the folder", False)]
    assert (tmp_path / "1.2.3/_.../1.2.3.1.dcm").read_bytes().endswith(b"\1")


def test_half_a_file_has_no_name(sqlite_context: Context, content: bytes, tmp_path: Path) -> None:
    def full(data: bytes) -> list[bytes]:
        raise OSError(28, "No space left on device")

    with pytest.raises(Away, match="cannot be written to: No space left on device"):
        deliver(sqlite_context, tmp_path, full)
    assert files(tmp_path) == []
    left = tmp_path / "1.2.3/_.../.1.2.3.1.dcm.abcd.part"  # as a worker that was killed leaves it
    left.write_bytes(content[:1000])
    assert deliver(sqlite_context, tmp_path) == [("1.2.3.1", "", True)]
    assert files(tmp_path) == ["1.2.3/_.../1.2.3.1.dcm"]


def test_a_folder_that_is_not_mounted_is_not_made(sqlite_context: Context, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Away, match="is it mounted"):
        deliver(sqlite_context, tmp_path / "share")
    assert not (tmp_path / "share").exists()
