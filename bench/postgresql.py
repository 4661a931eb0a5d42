"""A PostgreSQL server of our own on a Unix socket, with Debian's defaults: it syncs its commits, as an archive's would."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """The server whose data are in `folder`, made when there are none; stopped at the end, and kept."""
    first = not (folder / "data").exists()
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    if first:
        _run("initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
    options = f"-c listen_addresses='' -k {folder} -c max_wal_size=4GB -c max_connections=200"
    if "no server running" in _run("pg_ctl", "-D", f"{folder}/data", "status", check=False):
        _run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-t", "120", "-o", options, "start")
    try:
        yield folder
    finally:
        _run("pg_ctl", "-D", f"{folder}/data", "-w", "-m", "fast", "stop")


def database(folder: Path, name: str) -> str:
    """The URL of a database of the server, made when it is not there."""
    with psycopg.connect(f"host={folder} user=postgres dbname=postgres", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return f"postgresql+psycopg://postgres@/{name}?host={folder}"


def _run(program: str, *arguments: str, check: bool = True) -> str:
    who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*who, str(PROGRAMS / program), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, cwd="/")  # fmt: skip
    if check and done.returncode:
        raise SystemExit(f"{program}: {done.stdout[-500:]}")
    return done.stdout
