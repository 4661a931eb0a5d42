"""An index with the schema and nothing in it, made once a test session: every test would wait for all migrations otherwise."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from isocenter.store.database import Database

# Thousands of commits are synced to the disk; tests that do not ask whether it is a disk keep their archives in memory.
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path("/tmp")


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="isocenter-schema-", dir=MEMORY))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Database(f"sqlite:///{folder}/index.sqlite").close()
    return folder / "index.sqlite"


def put_index(url: str) -> None:
    """A fresh index where this URL of SQLite points to, in folders that are made for it, unless there is one."""
    path = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), path)
