"""The command line as a person meets it: exit codes, words, no tracebacks."""

import json
import socket
from pathlib import Path

import pytest

from isocenter import __version__, app
from isocenter.cli import main
from isocenter.commands import COMMANDS
from isocenter.service import sessions
from isocenter.settings import SETTINGS, Settings
from servers import run


def test_the_conformance_statement() -> None:
    assert run("conformance").stdout.startswith(f"# DICOM Conformance Statement: Isocenter {__version__}\n")
    assert json.loads(run("conformance", "--json", "--aet", "PACS1").stdout)["ae_title"] == "PACS1"


def test_version_and_help() -> None:
    assert run("version").stdout.strip() == f"isocenter {__version__}"
    shown = run("--help").stdout
    for command in COMMANDS:
        assert command.name in shown


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_has_help_with_every_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for row in SETTINGS:
        assert row.option in shown


@pytest.mark.parametrize(("argv", "sentence"), [
    (["serv"], "did you mean serve?"), (["serve", "--htpp", "x"], "did you mean --http?"), ([], "COMMAND"),
    (["serve", "--http", "nonsense"], "HOST:PORT"), (["user", "fly"], "invalid choice"), (["import"], "PATH"),
])
def test_wrong_usage_is_two(argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code: object = main(argv)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert sentence in capsys.readouterr().err


def test_settings_shows_values_and_origins(tmp_path: Path) -> None:
    done = run("settings", "--aet", "X", "--json", extra={"ISOCENTER_DATABASE": "postgresql+psycopg://u:hunter2@h/d"})
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["aet"] == {"name": "aet", "value": "X", "origin": "option --aet"}
    assert rows["database"]["origin"] == "environment ISOCENTER_DATABASE"
    assert "hunter2" not in done.stdout
    assert "hunter2" not in run("settings", extra={"ISOCENTER_DATABASE": "postgresql+psycopg://u:hunter2@h/d"}).stdout


def test_accounts_tokens_and_peers_are_managed_from_the_shell(tmp_path: Path) -> None:
    quick = ("--data", str(tmp_path / "data"), "--argon2-memory-kib", "64", "--argon2-passes", "1")
    made = json.loads(run("user", "add", "ann", "--role", "radiologist", "--json", *quick).stdout)
    assert made["name"] == "ann" and len(made["password"]) >= 12
    given = run("user", "add", "bob", "--role", "admin", "--password-stdin", "--json", *quick, stdin="a-long-password-9\n")
    assert json.loads(given.stdout)["password"] is None, given.stderr
    again = run("user", "add", "ann", "--role", "radiologist", *quick)
    assert again.returncode == 1 and "of this name already" in again.stderr and "Traceback" not in again.stderr
    assert run("user", "disable", "ann", *quick).returncode == 0
    listed = {row["name"]: row for row in json.loads(run("user", "list", "--json", *quick).stdout)}
    assert listed["ann"]["disabled"] is True and listed["bob"]["role"] == "admin"

    with app.opened(Settings(data=tmp_path / "data", argon2_memory_kib=64, argon2_passes=1)) as context:
        sessions.begin(context, "bob", "a-long-password-9", "192.0.2.1")
    (held,) = json.loads(run("user", "sessions", "--json", *quick).stdout)
    assert (held["user"], held["address"]) == ("bob", "192.0.2.1")
    assert json.loads(run("user", "sign-out", "bob", "--json", *quick).stdout)["ended"] == 1
    assert run("user", "sessions", "bob", *quick).stdout == "none\n"

    token = json.loads(run("token", "create", "--user", "bob", "--name", "robot", "--days", "3", "--json", *quick).stdout)
    assert len(token["token"]) > 20
    (row,) = json.loads(run("token", "list", "--json", *quick).stdout)
    assert row["name"] == "robot" and token["token"] not in json.dumps(row)
    assert run("token", "revoke", str(token["id"]), *quick).returncode == 0
    assert run("token", "list", *quick).stdout == "none\n"

    link = json.loads(run("share", "create", "--upload", "--for", "St. Elsewhere", "--code", "once", "--json", *quick).stdout)
    assert "/shared#" in link["link"] and len(link["code"]) == 9
    assert run("share", "withdraw", str(link["id"]), *quick).returncode == 0
    (row,) = json.loads(run("share", "list", "--json", *quick).stdout)
    assert (row["label"], row["state"]) == ("St. Elsewhere", "withdrawn")
    assert link["link"].partition("#")[2] not in json.dumps(row)

    assert run("user", "add", "nora", "--role", "radiologist", "--studies", "institution=North", *quick).returncode == 0
    heart = "department=Heart"
    assert json.loads(run("user", "limit", "nora", "--studies", heart, "--json", *quick).stdout)["studies"] == heart
    assert {row["name"]: row["studies"] for row in json.loads(run("user", "list", "--json", *quick).stdout)}["nora"] == heart
    assert run("user", "limit", "nora", *quick).stdout == "nora may see all that the role may\n"
    assert run("patient-list", "make", "Trial", "4711", "12@NORTH", *quick).stdout == "Trial: 2 patients\n"
    assert run("patient-list", "take-off", "Trial", "4711", *quick).stdout == "Trial: 1 patients\n"
    assert json.loads(run("patient-list", "show", "Trial", "--json", *quick).stdout) == [{"id": "12", "issuer": "NORTH"}]
    wrong = run("user", "limit", "nora", "--studies", "Heart", *quick)
    assert wrong.returncode == 1 and "institution=NAME" in wrong.stderr
    alone = run("user", "one-step", "bob", *quick)
    assert alone.returncode == 1 and "signs in with its password alone" in alone.stderr
    assert run("peer", "add", "CT1", "10.0.0.5", "104", "--description", "the CT", *quick).returncode == 0
    assert json.loads(run("peer", "list", "--json", *quick).stdout)[0]["aet"] == "CT1"
    assert "CT1" in run("peer", "list", *quick).stdout
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    facts = ("--allow", "10.0.0.0/8", "--allow", "127.0.0.1", "--at-once", "3")
    changed = run("peer", "change", "CT1", "127.0.0.1", port, *facts, *quick)
    assert changed.returncode == 0, changed.stderr
    (row,) = json.loads(run("peer", "list", "--json", *quick).stdout)
    assert (row["host"], row["port"], row["description"]) == ("127.0.0.1", int(port), "the CT")
    assert (row["allowed_ips"], row["max_associations"]) == (["10.0.0.0/8", "127.0.0.1"], 3)
    more = ("--service", "storage", "--service", "query", "--tls", "--throttle", "2MB", "--parallel", "4", "--paused",
            "--character-set", "ISO_IR 100", "--issuer", "NORTH")
    assert run("peer", "change", "CT1", *more, *quick).returncode == 0
    (row,) = json.loads(run("peer", "list", "--json", *quick).stdout)
    assert (row["services"], row["tls"], row["throttle"], row["parallel"], row["paused"], row["character_set"]) == (
        ["query", "storage"], True, 2 << 20, 4, True, "ISO_IR 100")
    assert row["issuer"] == "NORTH"
    assert run("peer", "change", "CT1", "--service", "", "--no-tls", "--no-paused", *quick).returncode == 0
    (row,) = json.loads(run("peer", "list", "--json", *quick).stdout)
    assert (row["services"], row["tls"], row["paused"]) == ([], False, False)
    echo = run("peer", "echo", "CT1", "--json", *quick)
    assert echo.returncode == 1 and json.loads(echo.stdout)["outcome"] == "unreachable", echo.stderr
    assert run("peer", "remove", "CT1", *quick).returncode == 0
    missing = run("peer", "remove", "CT1", *quick)
    assert missing.returncode == 1 and "no such peer" in missing.stderr


def test_a_missing_argument_is_named(tmp_path: Path) -> None:
    done = run("user", "add", "--data", str(tmp_path / "data"))
    assert done.returncode == 1 and "account's name is missing" in done.stderr
