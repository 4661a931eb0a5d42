"""What the child processes of tests do. A fork server has imported everything, so that a child starts in milliseconds."""

import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path

from sqlalchemy import Connection as SqlConnection

from isocenter.domain.access import SYSTEM
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import changes
from isocenter.store.blobs_local import LocalBlobs
from isocenter.store.database import Database
from objects import part10


def fork_server() -> ForkServerContext:
    """The context to start child processes with."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sending", "isocenter.store.migrations.versions", "psycopg"])
    return context


def open_archive(url: str, folder: Path) -> Context:
    """The archive as this process sees it."""
    return Context(Database(url), LocalBlobs(folder), Settings(data=folder, min_free_space=0))


def send(context: Context, data: bytes) -> str:
    """Store one object in pieces; its status."""
    with ingest.begin(context, SYSTEM, source="dimse", calling_aet="CHILD") as reception:
        for start in range(0, len(data), 8192):
            reception.write(data[start : start + 8192])
        return reception.finish().status


def send_for_ever(url: str, folder: Path, name: str, writer: Connection) -> None:
    """Three threads store instances of three studies and report each UID, one line, after its answer."""
    report = writer.fileno()
    context = open_archive(url, folder)

    def work(thread: int) -> None:
        for number in range(1 << 30):
            sop = f"1.2.{name}.{thread}.{number}"
            study = number % 3
            series = f"1.{study}.{thread}"
            send(context, part10(20000, SOPInstanceUID=sop, StudyInstanceUID=f"1.{study}", SeriesInstanceUID=series))
            os.write(report, f"{sop}\n".encode())  # shorter than PIPE_BUF: whole or not at all

    os.write(report, b"ready\n")
    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:  # when the main thread ends, executors take nothing more
        thread.join()


def send_all(url: str, folder: Path, studies: int, instances: int, first: int) -> None:
    """Store every instance of some studies, beginning somewhere else in each process."""
    context = open_archive(url, folder)
    every = [(s, i) for i in range(instances) for s in range(studies)]
    every = every[first:] + every[:first]

    def work(part: list[tuple[int, int]]) -> None:
        for s, i in part:
            data = part10(64, SOPInstanceUID=f"7.{s}.{i}", StudyInstanceUID=f"7.{s}", SeriesInstanceUID=f"7.{s}.{i % 4}",
                          Modality=("CT", "MR", "PT", "US")[i % 4], PatientID=f"P{s % 2}")
            assert send(context, data) in ("stored", "duplicate")

    threads = [threading.Thread(target=work, args=(every[k::3],)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    context.database.close()


def append_changes(url: str, name: str) -> None:
    """Write forty changes, each in a transaction that takes a while."""
    database = Database(url)
    for number in range(40):

        def work(connection: SqlConnection, number: int = number) -> None:
            changes.append(connection, "test", f"{name}.{number}", "x")
            time.sleep(0.001)

        database.write(work)
    database.close()


def open_and_close(url: str) -> None:
    """Open a database, which makes its schema, and close it."""
    Database(url).close()


def start(function: object, *arguments: object) -> BaseProcess:
    """Start a child process."""
    process = fork_server().Process(target=function, args=arguments)  # type: ignore[arg-type]
    process.start()
    return process


def hold_incoming(folder: Path, ready: Event, go: Event) -> None:
    """Open a place for bytes, and live."""
    incoming = LocalBlobs(folder).open_incoming()
    incoming.write(b"half")
    ready.set()
    go.wait(60)


def arriving(folder: Path) -> list[str]:
    """What is in an archive's incoming/, a moment later: a name goes when its row is durable."""
    until = time.monotonic() + 10
    while os.listdir(folder / "incoming") and time.monotonic() < until:
        time.sleep(0.01)
    return os.listdir(folder / "incoming")
