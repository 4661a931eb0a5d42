"""`isocenter order`: what is to be done. Works beside a running server."""

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from isocenter.commands.access import archive, needed, tell
from isocenter.commands.terminal import print_json, print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid
from isocenter.domain.orders import OrderState
from isocenter.preflight import need_archive
from isocenter.service import ordering
from isocenter.service.context import Context
from isocenter.service.ordering import Order
from isocenter.settings import Loaded

_COLUMNS = {
    "id": "ID", "state": "STATE", "start": "START", "modality": "MODALITY", "patient_id": "PATIENT ID", "patient": "PATIENT",
    "accession": "ACCESSION", "description": "DESCRIPTION",
}  # fmt: skip
_MOST = 200


def arguments_order(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["add", "list", "show", "cancel", "remove"])
    parser.add_argument("what", nargs="?", metavar="ID|FILE",
                        help="the order's number; for add a file with what POST /api/v1/orders takes, - for standard input")
    parser.add_argument("--search", default="", metavar="TEXT",
                        help="for list: what name, patient ID or accession number begin with")
    parser.add_argument("--state", default="", metavar="STATE", help=f"for list: {', '.join(OrderState)}")
    parser.add_argument("--date", default="", metavar="DATES", help="for list: of a step, YYYYMMDD or YYYYMMDD-YYYYMMDD")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_order(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage orders, of an archive that is there: at a mistyped path none is begun."""
    need_archive(loaded.settings)
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list(context, arguments)
            return 0
        what = needed(arguments.what, "the order's number" if arguments.verb != "add" else "the FILE with the order, or -")
        if arguments.verb == "add":
            order = ordering.create(context, SYSTEM, _read(what))
            tell(arguments, ordering.told(order), f"order {order.id} added, study {order.values['study_instance_uid']}")
            return 0
        number = _number(what)
        if arguments.verb == "show":
            print_json(ordering.told(ordering.get(context, SYSTEM, number)))
        elif arguments.verb == "cancel":
            order = ordering.change(context, SYSTEM, number, {"state": OrderState.CANCELLED})
            tell(arguments, {"id": number, "state": order.state.value}, f"order {number}: what was waiting is cancelled")
        else:
            ordering.remove(context, SYSTEM, number)
            tell(arguments, {"id": number}, f"order {number} removed")
    return 0


def _list(context: Context, arguments: argparse.Namespace) -> None:
    search = {"q": arguments.search, "state": arguments.state, "date": arguments.date}
    found = ordering.page(context, SYSTEM, search, descending=True, limit=_MOST, after=None)
    rows = [ordering.told(order) if arguments.json else _row(order) for order in found.orders]
    print_rows(rows, _COLUMNS, as_json=arguments.json)
    if found.next:
        print(f"only the first {_MOST}: narrow it with --search, --state or --date", file=sys.stderr)


def _row(order: Order) -> dict[str, Any]:
    values, start = order.values, order.starts_at
    return {
        "id": order.id, "state": order.state.value, "start": f"{start[:8]} {start[8:12]}".strip(),
        "modality": " ".join(dict.fromkeys(step.values["modality"] for step in order.steps)),
        "patient_id": values["patient_id"], "patient": values["patient_name"], "accession": values["accession_number"],
        "description": values["requested_procedure_description"],
    }  # fmt: skip


def _read(name: str) -> dict[str, Any]:
    try:
        given = orjson.loads(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
    except OSError as error:
        raise Invalid(f"the order cannot be read: {error.strerror}", where=name) from None
    except orjson.JSONDecodeError:
        raise Invalid("the order is no JSON", where=name) from None
    if not isinstance(given, dict):
        raise Invalid("the order is no JSON object", where=name)
    return given


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid("an order's number is meant", where=text, hint="isocenter order list shows them")
    return int(text)
