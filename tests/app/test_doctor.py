"""`isocenter doctor`: every unsafe or unhealthy thing is named with the way to mend it, and is gone when that was done."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from isocenter import doctor
from isocenter.doctor_settings import examined
from isocenter.domain.access import SYSTEM
from isocenter.domain.hl7.answers import ERROR, Verdict
from isocenter.service import accounts, backup, hl7, ingest, peers, scrubbing, webhooks
from isocenter.service.context import Context
from isocenter.setting_values import Address, Origins, Size
from isocenter.settings import Settings
from isocenter.store import factors
from isocenter.store.schema import change
from isocenter.store.vaults import vault
from objects import part10
from servers import run, running


def healthy(context: Context, folder: Path) -> Context:
    context.settings.data.chmod(0o750)
    accounts.add_user(context, SYSTEM, name="root1", role="admin")
    accounts.add_user(context, SYSTEM, name="ray", role="radiologist")
    for user in accounts.users(context, SYSTEM):
        context.database.write(lambda connection, id=user.id: (  # type: ignore[misc]
            factors.begin(connection, id, "00", context.clock()), factors.confirm(connection, id, context.clock(), ["0"])))
    backup.back_up(context, vault(str(folder), context.settings))
    key = folder.parent / "key"
    key.write_text("11" * 32)
    settings = replace(context.settings, replica=f"file://{folder}", encryption_key=f"file:{key}", audit_anchor=f"file://{folder}")
    return replace(context, settings=settings)


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


def sign_in_simply(context: Context) -> Context:
    accounts.add_user(context, SYSTEM, name="boss", role="admin")
    return context


def turn_back_the_clock(context: Context) -> Context:
    return replace(context, clock=lambda now=context.clock: now() - timedelta(hours=1))


def let_anybody_be_a_peer(context: Context) -> Context:
    peers.add(context, SYSTEM, aet="OPEN", host="10.0.0.5", port=104, allowed_ips=("0.0.0.0/0",))
    return context


def tell_in_clear(context: Context) -> Context:
    webhooks.add(context, SYSTEM, name="ris", url="http://ris.example.org/hook", kinds=["study.created"])
    return context


def let_the_worker_sleep(context: Context) -> Context:
    with ingest.begin(context, SYSTEM, source="dimse") as reception:
        reception.write(part10())
        reception.finish()
    return replace(context, clock=lambda now=context.clock: now() + timedelta(hours=1))


def fail_a_message(context: Context) -> Context:
    number, _ = hl7.keep(context, SYSTEM, b"MSH|", control_id="1", kind="ORM^O01", patient_id="", number="")
    hl7.settle(context, SYSTEM, number, Verdict(ERROR, text="no order"))
    return context


def set_(**settings: object) -> Callable[[Context], Context]:
    """Other settings, and nothing else."""
    return lambda context: replace(context, settings=replace(context.settings, **settings))  # type: ignore[arg-type]


def stop_looking(context: Context) -> Context:
    return replace(context, settings=replace(context.settings, scrub_rate=Size(0)))


@pytest.mark.parametrize(
    ("harm", "level", "words"),
    [
        (expose, "unsafe", "clear text"), (open_folder, "unsafe", "everybody on this machine"),
        (wait, "unsafe", "last backup is of"), (lose, "unsafe", "could not have every file"),
        (tamper, "unsafe", "not as it was written"), (forget_token, "unsafe", "never ends"),
        (decay, "unsafe", "1 file is missing or damaged"), (leave_single, "advice", "no second storage"),
        (stop_looking, "advice", "files decay"), (set_(audit_anchor=""), "advice", "noted nowhere else"),
        (stay_in_clear, "advice", "stored in clear"),
        (sign_in_simply, "advice", "password alone: boss"), (turn_back_the_clock, "unhealthy", "the clock is behind"),
        (let_anybody_be_a_peer, "unsafe", "the peer OPEN may call from 0.0.0.0/0"), (tell_in_clear, "unsafe", "the webhook ris"),
        (let_the_worker_sleep, "unhealthy", "1 series wait for the worker"), (fail_a_message, "advice", "1 HL7 messages"),
        (set_(proxies=("0.0.0.0/0",)), "unsafe", "proxies names 0.0.0.0/0"),
        (set_(hl7_senders=("::/0",)), "unsafe", "hl7_senders names ::/0"),
        (set_(cors_origins=Origins(["*"])), "advice", "every web site"),
        (set_(dicom_tls=Address("127.0.0.1", 2762)), "advice", "shows no certificate"),
        (set_(dicom_tls=Address("127.0.0.1", 2762), dicom_tls_check_host=False), "unsafe", "any other machine"),
        (set_(http=Address("192.0.2.1", 80)), "advice", "between the proxy and 192.0.2.1:80"),
        (set_(public_url="http://pacs.example.org"), "unsafe", "passwords can be read"),
        (set_(argon2_memory_kib=64), "unsafe", "hashed so cheaply"), (set_(session_idle_minutes=480), "advice", "empty chair"),
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


@pytest.mark.parametrize(("settings", "words"), [
    ({"database": "postgresql+psycopg://iso:Long.1-password@db.example.org/iso"}, ["nothing proves that db.example.org"]),
    ({"database": "postgresql+psycopg://iso:iso@db.example.org/iso?sslmode=verify-full"}, ["the first that everybody tries"]),
    ({"database": "postgresql+psycopg://iso@127.0.0.1/iso"}, ["the first that everybody tries"]),
    ({"database": "postgresql+psycopg://iso@/iso?host=/run/postgresql"}, []),
    ({"database": "postgresql+psycopg://iso:Long.1-password@db.example.org/iso?sslmode=verify-full"}, []),
    ({"storage": "s3://images?endpoint=http://s3.example.org"}, ["storage sends images"]),
    ({"replica": "s3://images?endpoint=http://127.0.0.1:9000", "backup": "s3://x?endpoint=https://s3.example.org"}, []),
    ({"proxies": ("10.0.0.0/8", "fd00::/32"), "public_url": "https://pacs.example.org"}, []),
    ({"public_url": "http://localhost:8080"}, []),
])  # fmt: skip
def test_what_settings_alone_make_unsafe(settings: dict[str, str], words: list[str]) -> None:
    told = [what for level, what, mend in examined(Settings(**settings)) if level == "unsafe" and mend]  # type: ignore[arg-type]
    assert len(told) == len(words) and all(word in what for word, what in zip(words, told, strict=True)), told


def test_files_with_secrets_are_their_owner_s(tmp_path: Path) -> None:
    names = ("tls.key", "dicom.key", "old", "config.toml")
    for name in names:
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o644)
    settings = Settings(tls_key=tmp_path / "tls.key", dicom_tls_key=tmp_path / "dicom.key", config=tmp_path / "config.toml",
                        encryption_old_keys=f"env:NONE, file:{tmp_path}/old", audit_syslog_cert=tmp_path / "gone")  # fmt: skip
    told = [what for _, what, _ in examined(settings)]
    assert len(told) == 4 and all(any(name in what for what in told) for name in names)
    for name in names:
        (tmp_path / name).chmod(0o640)
    assert not list(examined(settings))
