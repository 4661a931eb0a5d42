"""`isocenter settings`, `isocenter conformance`, `isocenter doctor` and `isocenter version`."""

import argparse
import platform

from isocenter import __version__
from isocenter.commands.terminal import print_json, print_rows
from isocenter.settings import SETTINGS, Loaded


def arguments_settings(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="the reference, as in docs/settings.md")


def run_settings(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The effective value of each setting and where it comes from; passwords are masked."""
    if arguments.markdown:
        print(reference(), end="")
        return 0
    rows = [{"name": row.name, "value": row.show(getattr(loaded.settings, row.name)), "origin": loaded.origins[row.name]}
            for row in SETTINGS]
    print_rows(rows, {"name": "SETTING", "value": "VALUE", "origin": "FROM"}, as_json=arguments.json)
    return 0


def arguments_conformance(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--html", action="store_true", help="as a page")


def run_conformance(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The DICOM conformance statement of an archive with these settings, as Markdown unless asked otherwise."""
    from isocenter.app import conformance
    from isocenter.domain.conformance import document, html, markdown

    statement = conformance(loaded.settings)
    if arguments.json:
        print_json(document(statement))
    else:
        print(html(statement) if arguments.html else markdown(statement))
    return 0


def arguments_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_doctor(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """What is unsafe or unhealthy; exit code 1 when anything is, 0 when there is advice at most."""
    from isocenter import app, doctor
    from isocenter.preflight import need_archive

    need_archive(loaded.settings)
    with app.opened(loaded.settings) as context:
        found = doctor.examine(context)
    if arguments.json:
        print_json(found)
    else:
        for finding in found:
            print(f"{finding.level}: {finding.what}\n    {finding.mend}")
        if not found:
            print("nothing to mend")
    return 1 if any(finding.level != "advice" for finding in found) else 0


def arguments_version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_version(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The version of Isocenter, and of Python."""
    if arguments.json:
        print_json({"isocenter": __version__, "python": platform.python_version()})
    else:
        print(f"isocenter {__version__}")
    return 0


def reference() -> str:
    """docs/settings.md, made from the table."""
    lines = ["# Settings", "",
             "<!-- made by `isocenter settings --markdown`; a test fails when this page is not current -->", "",
             "Each setting is an option of every command, a variable of the environment and a key of the TOML file that "
             "`config` names. Options win over the environment, the environment over the file, the file over the default. An "
             "unknown key is an error. `isocenter settings` shows what is in force and where it comes from.", "",
             "| key | option | environment | default | |", "| --- | --- | --- | --- | --- |"]
    for row in SETTINGS:
        default = f"`{row.show(row.default)}`" if row.show(row.default) else ""
        choices = f" ({', '.join(row.choices)})" if row.choices else ""
        text = f"{row.help}{choices}".replace("|", "\\|")
        lines.append(f"| `{row.name}` | `{row.option}` | `{row.variable}` | {default} | {text} |")
    lines += ["", "`ISOCENTER_ADMIN_PASSWORD` in the environment is the password of the user `admin` that the first start "
              "creates; without it one is generated and printed once.", ""]
    return "\n".join(lines)
