"""`isocenter doctor`: every unsafe or unhealthy thing is named with the way to mend it, and is gone when that was done."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from isocenter import doctor
from isocenter.domain.access import SYSTEM
from isocenter.service import accounts, backup, ingest, scrubbing
from isocenter.service.context import Context
from isocenter.setting_values import Address, Size
from isocenter.store.schema import change
from isocenter.store.vaults import vault
from objects import part10
from servers import run, running


def healthy(context: Context, folder: Path) -> Context:
    context.settings.data.chmod(0o750)
    accounts.add_user(context, SYSTEM, name="root1", role="admin")
    accounts.add_user(context, SYSTEM, name="ray", role="radiologist")
    backup.back_up(context, vault(str(folder), context.settings))
    key = folder.parent / "key"
    key.write_text("11" * 32)
    return replace(context, settings=replace(context.settings, replica=f"file://{folder}", encryption_key=f"file:{key}"))


def found(context: Context) -> dict[str, str]:
    """What, and its level; not that these tests may run as root."""
    return {finding.what: finding.level for finding in doctor.examine(context) if "root" not in finding.what}


def expose(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, dicom=Address("192.0.2.1", 104)))


def open_folder(context: Context) -> Context:
    context.settings.data.chmod(0o755)
    return context


def wait(context: Context) -> Context:
    return replace(context, clock=lambda now=context.clock: now() + timedelta(days=3))


def lose(context: Context) -> Context:
    with ingest.begin(context, SYSTEM, source="dimse") as reception:
        reception.write(part10())
        reception.finish()
    key = next(context.blobs.list("archive"))
    context.blobs.delete(key)
    backup.back_up(context, vault(str(context.settings.data.parent / "elsewhere"), context.settings))
    return context


def tamper(context: Context) -> Context:
    context.database.write(lambda c: c.execute(update(change).where(change.c.seq == 2).values(actor="nobody")))
    return context


def forget_token(context: Context) -> Context:
    accounts.create_token(context, SYSTEM, user="ray", name="old")
    return replace(context, clock=lambda now=context.clock: now() + timedelta(days=200))


def decay(context: Context) -> Context:
    lose(context)
    scrubbing.announce(context, "")
    assert scrubbing.step(context, None)
    return context


def leave_single(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, replica=""))


def stay_in_clear(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, encryption_key=""))


def stop_looking(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, scrub_rate=Size(0)))


@pytest.mark.parametrize(
    ("harm", "level", "words"),
    [
        (expose, "unsafe", "clear text"), (open_folder, "unsafe", "everybody on this machine"),
        (wait, "unsafe", "last backup is of"), (lose, "unsafe", "could not have every file"),
        (tamper, "unsafe", "not as it was written"), (forget_token, "unsafe", "never ends"),
        (decay, "unsafe", "1 file is missing or damaged"), (leave_single, "advice", "no second storage"),
        (stop_looking, "advice", "files decay"), (stay_in_clear, "advice", "stored in clear"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    sqlite_context: Context, tmp_path: Path, harm: Callable[[Context], Context], level: str, words: str
) -> None:
    context = healthy(sqlite_context, tmp_path / "backup")
    assert found(context) == {}
    told = {what: how for what, how in found(harm(context)).items() if words in what}
    assert list(told.values()) == [level], found(harm(context))


def test_as_it_is_typed_beside_a_server(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        said = run("doctor", "--data", str(server.data), "--json")
    told = json.loads(said.stdout)
    assert said.returncode == 1 and "no backup was ever made" in [finding["what"] for finding in told], said
    assert all(finding["mend"] for finding in told)
