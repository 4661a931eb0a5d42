"""`isocenter project`: de-identification projects, and studies written into a folder by one (PS3.15 Annex E)."""

import argparse
import json
from pathlib import Path
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_json, print_rows
from isocenter.dicom.deidentify import Deidentified
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid, IsocenterError, Missing
from isocenter.service import deidentifying
from isocenter.service.context import Context
from isocenter.settings import Loaded

_COLUMNS = {"name": "NAME", "options": "OPTIONS", "destinations": "DESTINATIONS", "closed": "CLOSED", "changed_at": "CHANGED"}
_PIECE = 1 << 20


def arguments_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "add", "change", "close", "open", "export"])
    parser.add_argument("name", nargs="?", metavar="NAME", help="the project")
    parser.add_argument("--file", type=Path, metavar="JSON", help="for add and change: what it asks for")
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--study", action="append", metavar="UID", help="for export: a study (may be given again)")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="for export: an empty folder")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_project(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage projects, or write studies by one."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            rows = [_row(each) for each in deidentifying.projects(context, SYSTEM)]
            print_rows(rows, _COLUMNS, as_json=arguments.json)
            return 0
        name = needed(arguments.name, "the project's name")
        match arguments.verb:
            case "show":
                print_json(_shown(context, name))
                return 0
            case "export":
                return _export(context, arguments, name)
            case "add":
                deidentifying.add(context, SYSTEM, name, arguments.description or "", _value(arguments) or {})
            case "change":
                deidentifying.change(context, SYSTEM, name, arguments.description, _value(arguments))
            case verb:
                deidentifying.change(context, SYSTEM, name, closed=verb == "close")
    done = {"add": "added", "change": "changed", "close": "closed", "open": "open again"}[arguments.verb]
    tell(arguments, {"name": name}, f"{name} {done}")
    return 0


def _row(each: deidentifying.Kept) -> dict[str, Any]:
    return {"name": each.name, "options": ", ".join(each.value["options"]) or "-",
            "destinations": ", ".join(each.value.get("destinations", [])), "closed": each.closed,
            "changed_at": time(each.changed_at)}  # fmt: skip


def _shown(context: Context, name: str) -> dict[str, Any]:
    for each in deidentifying.projects(context, SYSTEM):
        if each.name == name:
            return {"name": each.name, "description": each.description, "closed": each.closed, "project": each.value}
    raise Missing("there is no such project", where="name")


def _value(arguments: argparse.Namespace) -> Any:
    if arguments.file is None:
        return None
    try:
        return json.loads(arguments.file.read_text())
    except (OSError, ValueError) as error:
        raise Invalid(f"the file cannot be read as JSON ({type(error).__name__})", where="--file") from None


def _write(folder: Path, made: Deidentified) -> None:
    """A whole file, or none."""
    path = folder / made.study_instance_uid / made.series_instance_uid / f"{made.sop_instance_uid}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            offset = 0
            while piece := made.file.read_at(offset, _PIECE):
                offset += file.write(piece)
    except IsocenterError:
        path.unlink()
        raise


def _export(context: Context, arguments: argparse.Namespace, name: str) -> int:
    """Files below FOLDER, named by their new UIDs, and REPORT.TXT; 1 when something was held back."""
    folder, studies = needed(arguments.to, "--to FOLDER"), needed(arguments.study, "--study UID")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Invalid("the folder is not empty", where="--to", hint="Choose an empty one: nothing is written over.")
    kept = deidentifying.project(context, name)
    summary = deidentifying.summary(kept)
    for located in deidentifying.chosen(context, SYSTEM, kept, list(dict.fromkeys(studies))):
        try:
            with deidentifying.cleaned(context, kept, located) as cleaned:
                _write(folder, cleaned.made)
                summary.take(cleaned)
        except deidentifying.HeldBack as error:
            summary.held_back[str(error)] += 1
        except IsocenterError as error:
            if not deidentifying.of_the_object(error):
                raise
            summary.held_back[error.message] += 1
    (folder / "REPORT.TXT").write_text(summary.text())
    facts = summary.facts()
    if arguments.json:
        print_json(facts)
    else:
        print(f"{summary.given} objects written, {summary.held_back.total()} held back; see {folder / 'REPORT.TXT'}")
    return 1 if summary.held_back else 0
