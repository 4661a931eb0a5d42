"""The head of the change log, noted outside by itself: what is cut off or made anew is found by any of the notes."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Text, delete, select, type_coerce, update

import ceph
from conftest import archive
from isocenter.cli import main
from isocenter.doctor import examine
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.domain.events import Event
from isocenter.operations import gauges
from isocenter.service import auditing
from isocenter.service.context import Context
from isocenter.settings import SettingsError, check
from isocenter.store import changes
from isocenter.store.schema import change
from isocenter.work import anchoring
from servers import wait_for


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "share", tmp_path / "other machine"]
    for each in made:
        each.mkdir()
    return made


@pytest.fixture
def noting(context: Context, clock: Clock, places: list[Path]) -> Iterator[Context]:
    named = ", ".join(f"file://{each}" for each in places)
    yield replace(context, clock=clock, settings=check(replace(context.settings, audit_anchor=named)))


def write(context: Context, count: int = 5) -> None:
    for number in range(count):
        context.database.write(lambda c, number=number: changes.append(c, Event.STUDY_READ, f"1.2.{number}", "ray", {}))


def look(context: Context) -> auditing.Audit:
    return auditing.look(context, noted=auditing.anchors(context))


def test_heads_are_noted_when_it_is_time_and_compared(noting: Context, clock: Clock, places: list[Path]) -> None:
    assert not look(noting).anchors
    write(noting)
    head = auditing.look(noting).head
    assert anchoring.once(noting) and not anchoring.once(noting)
    for place in places:
        (note,) = (place / "audit-anchors").iterdir()
        assert json.loads(note.read_text()) == {"head": head, "at": "2026-11-23T09:00:00+00:00"}
    last = noting.database.read(lambda connection: changes.newest(connection, Event.AUDIT_ANCHORED))
    assert last is not None and last.payload["head"] == head and last.payload["places"] == [f"file://{each}" for each in places]
    write(noting)
    clock.now += timedelta(hours=25)
    assert anchoring.once(noting)
    found = look(noting)
    assert found.is_sound and found.anchors == 4
    assert gauges(noting)["isocenter_audit_anchored"][1] == auditing.state(noting, SYSTEM).at.timestamp()  # type: ignore[union-attr]


def test_an_end_that_was_cut_off_is_found(noting: Context) -> None:
    write(noting)
    anchoring.once(noting)
    noting.database.write(lambda c: c.execute(delete(change).where(change.c.seq >= 5)))
    assert auditing.look(noting).is_sound  # the chain alone cannot tell
    found = look(noting)
    assert not found.is_sound and len(found.lost) == 2 and found.lost[0].startswith("5:")


def forge(connection: Connection) -> None:
    """Whoever has the database in hand gives all rows to somebody else, and makes the chain anew."""
    texts = [type_coerce(change.c[name], Text) for name in changes._NAMES]
    before = ""
    for seq, at, kind, subject, _, payload in connection.execute(select(change.c.seq, *texts).order_by(change.c.seq)).all():
        before = changes._hash(before, (at, kind, subject, "somebody", payload))
        connection.execute(update(change).where(change.c.seq == seq).values(actor="somebody", hash=before))


def test_a_log_that_was_made_anew_is_found_by_one_place_that_was_not_reached(noting: Context, places: list[Path]) -> None:
    write(noting)
    anchoring.once(noting)
    noting.database.write(forge)
    assert auditing.look(noting).is_sound  # the chain alone cannot tell
    for note in (places[0] / "audit-anchors").iterdir():
        note.unlink()
    found = look(noting)
    assert not found.is_sound and len(found.lost) == 1 and str(places[1]) in found.lost[0]


def test_a_place_that_is_away_is_told_of_and_tried_again(noting: Context, clock: Clock, places: list[Path]) -> None:
    write(noting)
    places[1].rmdir()
    assert not anchoring.once(noting)
    state = auditing.state(noting, SYSTEM)
    assert state.failing_since == clock.now and "is not there" in state.reason and state.at is None
    assert any("not noted since" in found.what for found in examine(noting))
    assert gauges(noting)["isocenter_audit_anchor_failing"][1] == 1
    found = look(noting)
    assert not found.is_sound and len(found.unread) == 1 and not found.lost and found.anchors == 1
    places[1].mkdir()
    assert not anchoring.once(noting)  # not yet
    clock.now += timedelta(minutes=11)
    assert anchoring.once(noting)
    assert look(noting).is_sound and auditing.state(noting, SYSTEM).failing_since is None


def test_what_is_no_note_is_named(noting: Context, places: list[Path]) -> None:
    write(noting)
    anchoring.once(noting)
    (places[0] / "audit-anchors/0.json").write_text('{"head": 5}')
    found = look(noting)
    assert not found.is_sound and "is no head" in found.unread[0] and found.anchors == 2


def test_places_in_the_data_folder_or_nowhere_are_refused(sqlite_context: Context, clock: Clock) -> None:
    inside = sqlite_context.settings.data / "notes"
    inside.mkdir(parents=True)
    write(sqlite_context)
    context = replace(sqlite_context, clock=clock, settings=replace(sqlite_context.settings, audit_anchor=f"file://{inside}"))
    with pytest.raises(Invalid, match="data folder"):
        auditing.note(context)
    with pytest.raises(SettingsError, match="audit_anchor"):
        check(replace(sqlite_context.settings, audit_anchor="ftp://elsewhere"))


def test_a_bucket_has_the_notes_too(sqlite_context: Context, s3: ceph.S3, bucket: str) -> None:
    settings = replace(sqlite_context.settings, s3_access_key=ceph.ACCESS, s3_secret_key=ceph.SECRET,
                       audit_anchor=s3.storage(bucket, "notes"))  # fmt: skip
    context = replace(sqlite_context, settings=settings)
    write(context)
    assert anchoring.once(context)
    found = look(context)
    assert found.is_sound and found.anchors == 1
    context.database.write(lambda c: c.execute(delete(change).where(change.c.seq >= 5)))
    (lost,) = look(context).lost
    assert lost.startswith("5:") and bucket in lost and "endpoint" not in lost


def test_the_worker_notes_and_the_command_compares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").mkdir()
    named = ("--data", str(tmp_path / "data"), "--audit-anchor", f"file://{tmp_path / 'notes'}")
    assert main(["project", "add", "TRIAL", *named]) == 0
    stop = threading.Event()
    with archive(f"sqlite:///{tmp_path / 'data/index.sqlite'}", tmp_path / "data") as context:
        told = replace(context, settings=replace(context.settings, audit_anchor=named[-1]))
        thread = threading.Thread(target=anchoring.run, args=(told, stop))
        thread.start()
        wait_for(lambda: list((tmp_path / "notes").rglob("*.json")))
        wait_for(lambda: context.database.read(lambda connection: changes.newest(connection, Event.AUDIT_ANCHORED)))
        stop.set()
        thread.join(60)
    capsys.readouterr()
    assert main(["verify", "--audit", *named]) == 0
    assert "1 heads that were noted outside compared, 0 of them not there any more" in capsys.readouterr().out
    with archive(f"sqlite:///{tmp_path / 'data/index.sqlite'}", tmp_path / "data") as context:
        context.database.write(lambda c: c.execute(delete(change)))
    assert main(["verify", "--audit", *named]) == 1
    assert "not there any more: " in (told_now := capsys.readouterr().out) and "made anew" in told_now
