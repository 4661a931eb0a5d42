"""Declared attributes from the setting to the answer, on both databases: received, filled in for what is held, taken away."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from sqlalchemy import func, select

import objects
from dicomweb.in_process import Client
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.service import filling, ingest, worklist
from isocenter.service.context import Context
from isocenter.service.filling import Progress
from isocenter.store import filling as rows_of
from isocenter.store.schema_index import extra_value, name_word
from isocenter.work import filling as work

DECLARED = ("ContrastBolusAgent@SERIES,EchoTime,ProcedureCodeSequence.CodeValue@STUDY,0019xx0C[ACME 1]:LO,"
            "ConsultingPhysicianName@STUDY,EthnicGroupCodeSequence.CodeValue@PATIENT")  # fmt: skip
AGENT, PATIENT_ID, STUDY, SOP = "00180010", "00100020", "0020000D", "00080018"


def declaring(context: Context, text: str = DECLARED) -> Context:
    """The archive of a process that was started with this setting."""
    changed = replace(context, settings=replace(context.settings, index_attributes=text))
    filling.announce(changed)
    return changed


def made(number: int, *, agent: str = "", echo: str = "", code: str = "", private: str = "", consulted: str = "") -> bytes:
    """An instance of the study 1.9.(number // 10): ten instances in two series each."""
    dataset = pydicom.dcmread(io.BytesIO(objects.part10(
        64, StudyInstanceUID=f"1.9.{number // 10}", SeriesInstanceUID=f"1.9.{number // 10}.{number % 10 // 5}",
        SOPInstanceUID=f"1.9.9.{number}", PatientID=f"P{number // 10}", InstanceNumber=f"{number}",
    )))  # fmt: skip
    dataset.ContrastBolusAgent, dataset.EchoTime = agent, echo or None
    if code:
        inside = Dataset()
        inside.CodeValue = code
        dataset.ProcedureCodeSequence = Sequence([inside])
        dataset.EthnicGroupCodeSequence = Sequence([inside])
    if private:
        dataset.private_block(0x19, "OTHER", create=True).add_new(0x0C, "LO", "not this one")
        dataset.private_block(0x19, "ACME 1", create=True).add_new(0x0C, "LO", private)
    dataset.ConsultingPhysicianName = consulted
    stream = io.BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def store(context: Context, *files: bytes) -> None:
    for data in files:
        with ingest.begin(context, SYSTEM, source="import") as reception:
            reception.write(data)
            assert reception.finish().status == "stored"


FILES = (
    made(0, agent="Gadolinium", echo="4.20", code="MR1", private="left"), made(1, agent="second of its series", echo="8"),
    made(5, agent="Iodine", private="left\\right", consulted="Müller^Jürgen"), made(10, agent="Iodine", echo="8.0", code="MR2"),
    made(20),
)  # fmt: skip


def questions(client: Client) -> None:
    """What is asked of FILES, by keyword, tag, path and private tag, at every level."""

    def found(path: str, tag: str = STUDY, **keys: str) -> list[Any]:
        answer = client.get(path, params=keys)
        assert answer.status_code == 200, answer.text
        return sorted(item[tag]["Value"][0] for item in answer.json())

    assert found("/studies", ContrastBolusAgent="Iodine") == ["1.9.0", "1.9.1"]
    assert found("/series", "0020000E", **{"00180010": "Gad*"}) == ["1.9.0.0"]
    assert found("/series", "0020000E", ContrastBolusAgent="second*") == [], "the first of a series speaks for it"
    assert found("/instances", SOP, EchoTime="8") == ["1.9.9.1", "1.9.9.10"] and found("/studies", EchoTime="4.2") == ["1.9.0"]
    assert found("/studies", **{"ProcedureCodeSequence.CodeValue": "MR2"}) == ["1.9.1"]
    assert found("/studies", **{"00081032.00080100": "MR*"}) == ["1.9.0", "1.9.1"]
    assert found("/studies", **{"EthnicGroupCodeSequence.CodeValue": "MR1"}) == ["1.9.0"]
    private = {"00190010": "ACME 1"}
    assert found("/instances", SOP, **{"0019100C": "left", **private}) == ["1.9.9.0", "1.9.9.5"]
    assert found("/instances", SOP, **{"0019100C": "right"}) == ["1.9.9.5"]
    assert found("/series", "0020000E", ContrastBolusAgent='""') == ["1.9.2.0"]
    assert found("/studies", ConsultingPhysicianName="mueller*") == ["1.9.0"]
    assert found("/studies", ConsultingPhysicianName="Yurgen Miller", fuzzymatching="true") == ["1.9.0"]
    listed = partial(worklist.find, client.context, SYSTEM, sort="PatientID", limit=10, offset=0, cursor="")
    for declared, expected in (
        ("ContrastBolusAgent=iod", ["P0", "P1"]), ("EchoTime=8", ["P0", "P1"]), ("0019xx0C[ACME 1]=ri", ["P0"]),
        ("procedurecodesequence.codevalue=MR2", ["P1"]), ("ConsultingPhysicianName=mueller", ["P0"]),
        ("EthnicGroupCodeSequence.CodeValue=MR*", ["P0", "P1"]), ("EchoTime=9", []),
    ):  # fmt: skip
        page = listed({"declared": declared})
        assert [row["PatientID"] for row in page.studies] == expected and page.total == len(expected), declared
    for nonsense in ("ContrastBolusAgent", "EchoTime=", "NoSuch=1"):
        with pytest.raises(Invalid, match="declared"):
            listed({"declared": nonsense})
    (one,) = client.json("/instances?SOPInstanceUID=1.9.9.5&includefield=all")
    assert one[AGENT] == {"vr": "LO", "Value": ["Iodine"]} and "Value" not in one["00180081"]
    assert one["00190010"]["Value"] == ["ACME 1"] and one["0019100C"] == {"vr": "LO", "Value": ["left", "right"]}
    assert one["00081032"] == {"vr": "SQ", "Value": [{"00080100": {"vr": "SH", "Value": ["MR1"]}}]}
    (study,) = client.json("/studies?StudyInstanceUID=1.9.1&includefield=ProcedureCodeSequence.CodeValue")
    assert study["00081032"]["Value"][0]["00080100"]["Value"] == ["MR2"]
    assert client.get("/studies?0019100C=x&00190010=OTHER").status_code == 400


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def progress(context: Context) -> dict[str, Progress]:
    return {each.name: each for each in filling.progress(context, SYSTEM)}


def never() -> bool:
    return False


def test_what_is_received_is_indexed_at_once(context: Context, runner: asyncio.Runner) -> None:
    declaring_context = declaring(context)
    store(declaring_context, *FILES)
    questions(Client(declaring_context, runner))
    assert {each.state for each in progress(declaring_context).values()} == {"complete"}
    assert not filling.fill(declaring_context, never)


def test_what_is_held_is_filled_in(context: Context, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Piece by piece, whoever stops in between; what arrives meanwhile is there, too, and an object that is lost is counted."""
    monkeypatch.setattr(filling, "_OBJECTS", 2)
    store(context, *FILES[1:3])
    store(context, FILES[0])  # not the first of its series: the one with the lowest id speaks
    context.database.write(lambda c: c.execute(name_word.delete()))  # as it is after an upgrade
    store(context, *FILES[3:], made(30, agent="lost"))
    lost = next(key for key in context.blobs.list("archive") if b"1.9.9.30" in context.blobs.path(key).read_bytes())  # type: ignore[attr-defined]
    context.blobs.delete(lost)
    declaring_context = declaring(context)
    before = progress(declaring_context)["ContrastBolusAgent"]
    assert (before.state, before.fraction, before.level, before.vr) == ("filling", 0.0, "SERIES", "LO")
    turns = iter([False, True])
    assert filling.fill(declaring_context, never)  # the names
    assert filling.fill(declaring_context, lambda: next(turns, True))  # stopped after one piece
    halfway = progress(declaring_context)["EchoTime"]
    assert halfway.state == "filling" and halfway.looked_at == 2 and 0 < halfway.fraction < 1
    store(declaring_context, made(40, agent="came meanwhile"))
    while filling.fill(declaring_context, never):
        pass
    after = progress(declaring_context)
    assert {each.state for each in after.values()} == {"complete"} and after["EchoTime"].looked_at == 6
    assert after["EchoTime"].errors == 1 and after["EchoTime"].last_error.startswith("1.9.9.30: ")
    client = Client(declaring_context, runner)
    assert len(client.json("/studies?ContrastBolusAgent=came*")) == 1
    assert [item["0020000E"]["Value"][0] for item in client.json("/series?ContrastBolusAgent=second*")] == ["1.9.0.0"]
    assert client.json("/series?ContrastBolusAgent=Gad*") == []
    assert len(client.json("/studies?PatientName=Jayne+Do&fuzzymatching=true")) > 3
    filling.again(declaring_context, SYSTEM, "EchoTime")
    assert progress(declaring_context)["EchoTime"].state == "filling"
    while filling.fill(declaring_context, never):
        pass
    assert progress(declaring_context)["EchoTime"].looked_at == 7


def test_filled_in_is_what_would_have_been_received(context: Context, runner: asyncio.Runner) -> None:
    store(context, *FILES)
    declaring_context = declaring(context)
    while filling.fill(declaring_context, never):
        pass
    questions(Client(declaring_context, runner))


def test_what_no_node_declares_goes(context: Context, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_FORGOTTEN", 2)
    first = declaring(context)
    store(first, *FILES)
    elsewhere = declaring(replace(context, settings=replace(context.settings, data=context.settings.data / "other")))
    while filling.fill(elsewhere, never):
        pass
    second = declaring(context, "EchoTime")
    assert not filling.fill(second, never), "the other node still wants them"
    store(second, made(50, agent="not seen"))
    filling.announce(replace(elsewhere, settings=replace(elsewhere.settings, index_attributes="EchoTime")))
    assert progress(second)["ContrastBolusAgent"].state == "removing"
    while filling.fill(second, never):
        pass
    assert set(progress(second)) == {"names", "EchoTime"}
    answer = Client(second, runner).get("/studies?ContrastBolusAgent=Iodine")
    assert answer.status_code == 400 and "index_attributes" in answer.text
    assert second.database.read(lambda c: c.execute(select(func.count()).select_from(extra_value)).scalar_one()) == 3
    again = declaring(context)  # and it can be wanted again: the nodes' own objects are looked at, too
    while filling.fill(again, never):
        pass
    assert len(Client(again, runner).json("/studies?ContrastBolusAgent=not+seen")) == 1


def test_a_node_that_comes_later_brings_what_it_received(context: Context, runner: asyncio.Runner) -> None:
    """Two nodes are restarted with a new setting one after the other, and the second receives in between."""
    first = declaring(context)
    while filling.fill(first, never):
        pass
    store(context, *FILES)  # by the other node, which does not know yet
    other = replace(context, settings=replace(context.settings, data=context.settings.data / "other"))
    declaring(other)
    assert progress(first)["EchoTime"].state == "filling"
    while filling.fill(first, never):
        pass
    questions(Client(first, runner))
    declaring(other)
    assert progress(first)["EchoTime"].state == "complete", "nothing is looked at twice for a mere restart"


def test_a_setting_that_cannot_be_meant_stops_the_start(sqlite_context: Context) -> None:
    with pytest.raises(Invalid) as told:
        declaring(sqlite_context, "EchoTime,Nonsense")
    assert "Nonsense" in told.value.message and told.value.kept


WORKER = """
import sys, threading
from pathlib import Path
from isocenter import app
from isocenter.service import filling
from isocenter.settings import Settings
from isocenter.work import filling as work
filling._OBJECTS = 1
whole = filling._fill_attributes
def slowly(*arguments):
    print("piece", flush=True)
    return whole(*arguments)
filling._fill_attributes = slowly
settings = Settings(data=Path(sys.argv[1]), database=sys.argv[2], index_attributes=sys.argv[3])
with app.opened(settings) as context:
    work.run(context, threading.Event())
"""


def test_a_worker_that_is_killed_loses_nothing(context: Context, runner: asyncio.Runner) -> None:
    store(context, *FILES, *(made(100 + number, agent=f"agent {number}") for number in range(20)))
    declaring_context = declaring(context)
    url = context.database.url.render_as_string(hide_password=False)
    killed = subprocess.Popen([sys.executable, "-c", WORKER, str(context.settings.data), url, DECLARED],
                              stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert killed.stdout is not None
    for _ in range(4):
        assert killed.stdout.readline() == b"piece\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    held = progress(declaring_context)["EchoTime"]
    assert held.state == "filling" and 3 <= held.looked_at < 25
    later = replace(declaring_context, clock=lambda: context.clock() + filling.LEASE + timedelta(seconds=1))
    assert not filling.fill(declaring_context, never), "its lease"
    while filling.fill(later, never):
        pass
    assert progress(declaring_context)["EchoTime"].looked_at == 25
    questions(Client(declaring_context, runner))
    assert len(Client(declaring_context, runner).json("/studies?ContrastBolusAgent=agent*")) == 2


def test_every_round_of_the_worker(sqlite_context: Context, tmp_path: Path) -> None:
    """A database that is away is waited for; a stop is heard."""
    import threading

    context = declaring(sqlite_context)
    store(context, *FILES)
    context.database.write(partial(rows_of.again, name="EchoTime"))
    stop = threading.Event()
    thread = threading.Thread(target=work.run, args=(context, stop))
    thread.start()
    try:
        deadline = threading.Event()
        for _ in range(600):
            if progress(context)["EchoTime"].state == "complete":
                break
            deadline.wait(0.1)
        assert progress(context)["EchoTime"].state == "complete"
    finally:
        stop.set()
        thread.join()
