"""`isocenter emergency`: who has opened what in an emergency, and its review."""

import argparse

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.service import emergency
from isocenter.settings import Loaded

_COLUMNS = {"id": "ID", "at": "AT", "account": "WHO", "patient": "PATIENT ID", "purpose": "PURPOSE", "ended": "ENDED",
            "reviewed": "REVIEWED BY", "reason": "REASON"}  # fmt: skip
_LOOKED = {"at": "AT", "kind": "WHAT", "study": "STUDY"}


def arguments_emergency(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "end", "review"])
    parser.add_argument("number", nargs="?", metavar="ID", help="for show, end and review; `list` shows it")
    parser.add_argument("--note", metavar="TEXT", default="", help="for review: what came of it")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_emergency(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List and review emergency accesses, see what was looked at, close one."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            rows = [{"id": each.id, "at": time(each.at), "account": each.account, "patient": each.patient_id,
                     "purpose": each.purpose, "ended": time(each.ended_at), "reviewed": each.reviewed_by, "reason": each.reason}
                    for each in emergency.page(context, SYSTEM, limit=500)]  # fmt: skip
            print_rows(rows, _COLUMNS, as_json=arguments.json)
            return 0
        text = needed(arguments.number, "the number of the access; `isocenter emergency list` shows it")
        if not text.isdecimal():
            raise Invalid("an access is named by its number", where=text, hint="`isocenter emergency list` shows it.")
        number = int(text)
        if arguments.verb == "show":
            _, looked = emergency.get(context, SYSTEM, number)
            rows = [{"at": time(each.at), "kind": each.kind, "study": each.study_instance_uid} for each in looked]
            print_rows(rows, _LOOKED, as_json=arguments.json)
        elif arguments.verb == "end":
            emergency.end(context, SYSTEM, number)
            tell(arguments, {"id": number}, f"emergency access {number} is closed")
        else:
            emergency.review(context, SYSTEM, number, arguments.note)
            tell(arguments, {"id": number}, f"emergency access {number} is reviewed")
    return 0
