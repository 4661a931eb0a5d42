"""`isocenter message`: HL7 messages that came in. Works beside a running server."""

import argparse
import sys
from typing import Any

from isocenter.commands.access import archive, needed, tell
from isocenter.commands.terminal import print_json, print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.domain.hl7.answers import State
from isocenter.preflight import need_archive
from isocenter.service import hl7
from isocenter.service.hl7 import Kept
from isocenter.settings import Loaded

_COLUMNS = {
    "id": "ID", "received_at": "RECEIVED", "state": "STATE", "type": "TYPE", "sender": "SENDER", "patient_id": "PATIENT ID",
    "number": "ORDER", "reason": "REASON",
}  # fmt: skip
_MOST = 200


def arguments_message(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "replay"])
    parser.add_argument("what", nargs="?", metavar="ID", help="the message's number")
    parser.add_argument("--search", default="", metavar="TEXT",
                        help="for list: what patient ID, order number, control ID or sender begin with")
    parser.add_argument("--state", default="", choices=["", *State], help="for list")
    parser.add_argument("--type", default="", metavar="TYPE", help="for list: ORM, ORM^O01")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_message(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Look at messages, and have one done again."""
    need_archive(loaded.settings)
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            found = hl7.page(context, SYSTEM, text=arguments.search, state=arguments.state, kind=arguments.type, limit=_MOST)
            print_rows([_row(each) for each in found.messages], _COLUMNS, as_json=arguments.json)
            if found.next:
                print(f"only the latest {_MOST}: narrow them with --search, --state or --type", file=sys.stderr)
            return 0
        number = _number(needed(arguments.what, "the message's number"))
        if arguments.verb == "show":
            kept, content = hl7.get(context, SYSTEM, number)
            text = content.decode("utf-8", "replace")
            if arguments.json:
                print_json({**_row(kept), "content": text})
            else:
                print("\n".join(line for line in text.replace("\n", "\r").split("\r") if line))
        else:
            hl7.replay(context, SYSTEM, number)
            tell(arguments, {"id": number}, f"message {number} is done again by the worker of the running server")
    return 0


def _row(each: Kept) -> dict[str, Any]:
    return {
        "id": each.id, "received_at": each.received_at.astimezone().isoformat(" ", "seconds"), "state": each.state.value,
        "type": each.kind, "sender": each.sender, "control_id": each.control_id, "patient_id": each.patient_id,
        "number": each.number, "acknowledgement": each.acknowledgement,
        "reason": f"{each.place}: {each.reason}" if each.place else each.reason,
    }  # fmt: skip


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid("a message's number is meant", where=text, hint="isocenter message list shows them")
    return int(text)
