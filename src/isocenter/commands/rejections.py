"""`isocenter rejection`: rejected objects (IHE RAD IOCM), their deletion, and legal holds."""

import argparse
from functools import partial
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_json, print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.domain.rejections import CODES, KINDS
from isocenter.service import ingest, rejections
from isocenter.service.context import Context
from isocenter.settings import Loaded

_COLUMNS = {"id": "ID", "at": "AT", "actor": "BY", "kind": "KIND", "objects": "OBJECTS", "hidden": "HIDDEN", "freed": "DELETED",
            "delete_at": "DELETE AT", "held": "HELD", "study": "STUDY", "reason": "REASON"}  # fmt: skip
_HOLDS = {"study": "STUDY", "at": "AT", "actor": "BY", "reason": "REASON"}


def arguments_rejection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "make", "restore", "delete", "keep", "holds", "hold", "release"])
    parser.add_argument("what", nargs="?", metavar="ID|UID", help="for show, restore, delete and keep the number of a rejection; "
                        "for make, hold and release a Study Instance UID")  # fmt: skip
    parser.add_argument("--kind", choices=list(CODES), help="for make: what is wrong")
    parser.add_argument("--reason", metavar="TEXT", help="for make, delete, hold and release")
    parser.add_argument("--series", action="append", default=[], metavar="UID", help="for make: only this (may be given again)")
    parser.add_argument("--instance", action="append", default=[], metavar="UID", help="for make: only this (may be given again)")
    parser.add_argument("--to", action="append", default=[], metavar="NAME", help="for make: a destination that gets the note")
    parser.add_argument("--all", action="store_true", help="for list: those that were taken back, too")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_rejection(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List, make, take back rejections; delete what they hide; hold studies."""
    with archive(arguments, loaded) as context:
        match arguments.verb:
            case "list":
                found = rejections.page(context, SYSTEM, state="all" if arguments.all else "standing", limit=500)
                print_rows([_row(each) for each in found], _COLUMNS, as_json=arguments.json)
            case "holds":
                rows = [{"study": each["study_instance_uid"], "at": time(each["at"]), "actor": each["actor"],
                         "reason": each["reason"]} for each in rejections.holds(context, SYSTEM)]  # fmt: skip
                print_rows(rows, _HOLDS, as_json=arguments.json)
            case "make":
                _make(context, arguments)
            case "hold" | "release" as verb:
                study = needed(arguments.what, "the study's UID")
                act = rejections.hold if verb == "hold" else rejections.release
                act(context, SYSTEM, study, arguments.reason or "")
                said = "nothing of it can be deleted" if verb == "hold" else "the hold on it has ended"
                tell(arguments, {"study": study}, f"{study}: {said}")
            case verb:
                _one(context, arguments, verb)
    return 0


def _make(context: Context, arguments: argparse.Namespace) -> None:
    study = needed(arguments.what, "the study's UID")
    made = rejections.reject(
        context, SYSTEM, study, partial(ingest.begin, context, SYSTEM, source="import"),
        kind=needed(arguments.kind, "--kind"), reason=arguments.reason or "", series=arguments.series,
        instances=arguments.instance, to=arguments.to,
    )  # fmt: skip
    tell(arguments, _row(made), f"rejection {made.id}: {made.hidden:,} objects are hidden; nothing is deleted")


def _one(context: Context, arguments: argparse.Namespace, verb: str) -> None:
    text = needed(arguments.what, "the rejection's number; `isocenter rejection list` shows it")
    if not text.isdecimal():
        raise Invalid("a rejection is named by its number", where=text, hint="`isocenter rejection list` shows it.")
    number = int(text)
    if verb == "show":
        found, _, objects = rejections.get(context, SYSTEM, number)
        print_json({**_row(found), "instances": [{"uid": each["sop_instance_uid"], "state": each["state"]} for each in objects]})
        return
    if verb == "delete":
        found = rejections.delete(context, SYSTEM, number, arguments.reason or "")
        said = f"{found.hidden:,} objects are deleted at {time(found.delete_at)}; until then `isocenter rejection keep {number}`"
    elif verb == "restore":
        found, said = rejections.restore(context, SYSTEM, number), "its objects are served again"
    else:
        found, said = rejections.keep(context, SYSTEM, number), "it is not deleted; it stays hidden"
    tell(arguments, _row(found), f"rejection {number}: {said}")


def _row(each: rejections.Rejection) -> dict[str, Any]:
    return {"id": each.id, "at": time(each.at), "actor": each.actor, "kind": KINDS[each.code], "objects": each.objects,
            "hidden": each.hidden, "freed": each.freed, "delete_at": time(each.delete_at), "held": "yes" if each.held else "",
            "study": each.study_instance_uid, "reason": each.reason, "note": each.note_uid}  # fmt: skip
