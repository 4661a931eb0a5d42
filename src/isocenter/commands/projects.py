"""`isocenter project`: de-identification projects, and studies written into a folder by one (PS3.15 Annex E)."""

import argparse
import json
from pathlib import Path
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_json, print_rows
from isocenter.dicom.deidentify import Deidentified
from isocenter.domain.access import SYSTEM
from isocenter.domain.deidentification_report import Summary
from isocenter.domain.errors import Invalid, IsocenterError, Missing
from isocenter.service import deidentification_reports as reports
from isocenter.service import deidentifying
from isocenter.service.context import Context
from isocenter.settings import Loaded

_COLUMNS = {"name": "NAME", "options": "OPTIONS", "destinations": "DESTINATIONS", "closed": "CLOSED", "changed_at": "CHANGED"}
_OF_REPORTS = {"id": "NUMBER", "at": "WHEN", "project": "PROJECT", "form": "FORM", "destination": "DESTINATION", "actor": "WHO",
               "objects": "LEFT", "held_back": "HELD BACK", "state": "STATE"}  # fmt: skip
_PIECE = 1 << 20


def arguments_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "add", "change", "close", "open", "export", "reports", "report"])
    parser.add_argument("name", nargs="?", metavar="NAME", help="the project; for report: a report's number")
    parser.add_argument("--file", type=Path, metavar="JSON", help="for add and change: what it asks for")
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--study", action="append", metavar="UID",
                        help="for export: a study (may be given again); for reports: only of it")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="for export: an empty folder")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_project(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage projects, or write studies by one."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            rows = [_row(each) for each in deidentifying.projects(context, SYSTEM)]
            print_rows(rows, _COLUMNS, as_json=arguments.json)
            return 0
        if arguments.verb == "reports":
            return _reports(context, arguments)
        name = needed(arguments.name, "the project's name")
        match arguments.verb:
            case "show":
                print_json(_shown(context, name))
                return 0
            case "report":
                return _report(context, arguments, name)
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
    summary, studies, whole = deidentifying.summary(kept), list(dict.fromkeys(studies)), False
    found = deidentifying.chosen(context, SYSTEM, kept, studies)
    try:
        for located in found:
            _leave(context, kept, located, folder, summary)
        whole = True
    finally:
        reports.keep(context, SYSTEM, summary, studies, "folder", whole=whole)
    (folder / "REPORT.TXT").write_text(summary.text())
    facts = summary.facts()
    if arguments.json:
        print_json(facts)
    else:
        print(f"{summary.given} objects written, {summary.held_back.total()} held back; see {folder / 'REPORT.TXT'}")
    return 1 if summary.held_back else 0


def _leave(context: Context, kept: deidentifying.Kept, located: Any, folder: Path, summary: Summary) -> None:
    try:
        with deidentifying.cleaned(context, kept, located) as cleaned:
            _write(folder, cleaned.made)
            summary.take(cleaned.done)
    except deidentifying.HeldBack as error:
        summary.held_back[str(error)] += 1
    except IsocenterError as error:
        if not deidentifying.of_the_object(error):
            raise
        summary.held_back[error.message] += 1


def _reports(context: Context, arguments: argparse.Namespace) -> int:
    """What left by a project, or by any, the newest first."""
    study = arguments.study[0] if arguments.study else None
    rows = [
        {"id": each.id, "at": time(each.at), "project": each.project, "form": each.form, "destination": each.destination,
         "actor": each.actor, "objects": each.summary.given, "held_back": each.summary.held_back.total(),
         "state": "under way" if each.ended_at is None else "whole" if each.whole else "broken off"}
        for each in reports.page(context, SYSTEM, project=arguments.name, study=study, limit=1000)
    ]  # fmt: skip
    print_rows(rows, _OF_REPORTS, as_json=arguments.json)
    return 0


def _report(context: Context, arguments: argparse.Namespace, number: str) -> int:
    """What was removed from what left."""
    if not number.isdecimal():
        raise Invalid("a report has a number", where="NAME", hint="`isocenter project reports` lists them.")
    report, studies = reports.get(context, SYSTEM, int(number))
    if arguments.json:
        print_json({**report.summary.facts(), "of_studies": studies})
    else:
        print(report.summary.text().replace("\r\n", "\n"), end="")
    return 0
