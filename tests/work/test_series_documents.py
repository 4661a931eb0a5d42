"""Series metadata on both databases: one document, made once for each state of a series, by whoever comes first."""

import json
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

import objects
from isocenter.domain.access import SYSTEM as WORKER
from isocenter.domain.access import Role, by_role
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.service.retrieve import Retrieval
from isocenter.store import dirty, schema, series_documents
from isocenter.store.blobs_local import LocalBlobs
from isocenter.work import sweeps

READER = by_role("rita", Role.RADIOLOGIST, "user", "session", "10.0.0.7")
STUDY, SERIES = "1.2.3.1", "1.2.3.1.1"
NEVER = threading.Event()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def archive(context: Context) -> Context:
    return replace(context, clock=Clock())


def store(context: Context, count: int, first: int = 1, **values: str) -> None:
    for number in range(first, first + count):
        with ingest.begin(context, WORKER, source="import") as reception:
            reception.write(objects.part10(32, InstanceNumber=str(number), **values))
            reception.finish()


def go_quiet(context: Context) -> None:
    assert isinstance(context.clock, Clock)
    context.clock.now += timedelta(seconds=context.settings.series_quiet_seconds + 1)
    while sweeps.build_due(context, NEVER):
        pass


def ask(context: Context, retrieval: Retrieval | None = None) -> list[dict[str, Any]]:
    """The metadata of the series; without a Retrieval as a process gives it that has just been started."""
    document = (retrieval or Retrieval(context)).series_document(READER, STUDY, SERIES, "http://pacs/dicom-web")
    found: list[dict[str, Any]] = json.loads(b"".join(document.text()))
    return found


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often documents are built meanwhile, and files opened, by area."""
    seen: Counter[str] = Counter()
    build, opened = series_documents.build, LocalBlobs.open

    def counting_build(*arguments: Any) -> Any:
        seen["built"] += 1
        return build(*arguments)

    def counting_open(self: LocalBlobs, key: str, size: int | None = None) -> Any:
        seen[key.split("/")[0]] += 1
        return opened(self, key, size)

    with monkeypatch.context() as patched:
        patched.setattr(series_documents, "build", counting_build)
        patched.setattr(LocalBlobs, "open", counting_open)
        yield seen


def test_a_thousand_instances_are_one_file_and_then_none(archive: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    store(archive, 1000)
    go_quiet(archive)
    retrieval = Retrieval(archive)
    with watched(monkeypatch) as seen:
        found = ask(archive, retrieval)
    assert seen == {"derived": 1}  # the document, and nothing of the thousand files
    assert [each["00200013"]["Value"] for each in found] == [[number] for number in range(1, 1001)]
    with watched(monkeypatch) as seen:
        assert ask(archive, retrieval) == found
    assert seen == {}


@pytest.mark.parametrize("first", ["worker", "viewer"])
def test_nothing_is_built_twice(archive: Context, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    store(archive, 3)
    with watched(monkeypatch) as seen:
        if first == "viewer":
            assert len(ask(archive)) == 3
            assert seen["built"] == 1
        go_quiet(archive)
        for _ in range(3):
            assert len(ask(archive)) == 3
        assert seen["built"] == 1
        assert seen["archive"] == 3  # each object was read once
        store(archive, 1, first=4)
        if first == "viewer":
            assert len(ask(archive)) == 4
        go_quiet(archive)
        assert len(ask(archive)) == 4 and seen["built"] == 2
        dirty_again = partial(dirty.mark, series_id=1, due_at=archive.clock())
        archive.database.write(dirty_again)
        go_quiet(archive)
        assert seen["built"] == 2  # nothing has changed
    assert len(list(archive.blobs.list("derived/metadata"))) == 1  # the older one is gone


def test_a_correction_is_in_it_at_once(archive: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of an instance is served from now on: the series' version grows, and the document is another one."""
    store(archive, 2)
    uid = objects.uid()
    store(archive, 1, first=3, SOPInstanceUID=uid, ImageComments="as it came")
    store(archive, 1, first=3, SOPInstanceUID=uid, ImageComments="corrected")
    go_quiet(archive)
    retrieval = Retrieval(archive)

    def comments() -> list[str]:
        return [each["00204000"]["Value"][0] for each in ask(archive, retrieval) if "00204000" in each]

    assert comments() == ["as it came"]

    def correct(connection: Any) -> None:
        instance, series = schema.instance, schema.series
        for version in (1, 2):
            row = update(instance).where(instance.c.sop_instance_uid == uid, instance.c.version == version)
            connection.execute(row.values(current=version == 2))
        connection.execute(update(series).values(version=series.c.version + 1))
        dirty.mark(connection, 1, archive.clock())

    archive.database.write(correct)
    with watched(monkeypatch) as seen:
        assert comments() == ["corrected"]
        go_quiet(archive)
        assert comments() == ["corrected"] and seen["built"] == 1


def test_the_document_is_small(archive: Context) -> None:
    """A thousand instances must be sent at once over any line: some hundred bytes each, compressed."""
    store(archive, 50)
    go_quiet(archive)
    (key,) = archive.blobs.list("derived/metadata")
    with archive.blobs.open(key) as file:
        content = file.read_at(0, file.size)
    assert len(json.loads(zlib.decompress(content, 16 + zlib.MAX_WBITS))) == 50 and len(content) < 50 * 200
