"""`isocenter commitment`: what other archives were asked to keep, and what they said."""

import argparse

from isocenter import app
from isocenter.commands.access import needed, tell
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.preflight import need_archive
from isocenter.service import commitment_requests
from isocenter.settings import Loaded

_COLUMNS = {"id": "ID", "aet": "PEER", "state": "STATE", "instances": "INSTANCES", "failed": "FAILED", "asked_at": "ASKED",
            "answered_at": "ANSWERED", "reason": "REASON"}  # fmt: skip


def arguments_commitment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "ask"])
    parser.add_argument("id", nargs="?", type=int, help="for ask: its number; the peer is asked once more by the running server")
    parser.add_argument("--state", choices=commitment_requests.STATES, help="for list: only these")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="for list: the newest N (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_commitment(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List requests for storage commitment, or ask once more."""
    need_archive(loaded.settings)
    with app.opened(loaded.settings) as context:
        if arguments.verb == "ask":
            number = needed(arguments.id, "the number of a request; `isocenter commitment list` shows it")
            commitment_requests.again(context, SYSTEM, number)
            tell(arguments, {"id": number}, f"request {number} will be put again")
            return 0
        page = commitment_requests.page(context, SYSTEM, state=arguments.state, limit=max(1, arguments.limit))
    rows = [
        {"id": each.id, "aet": each.peer_aet, "state": each.state, "reason": each.reason, "instances": len(each.references),
         "failed": each.failed, "attempts": each.attempts, "TransactionUID": each.transaction_uid,
         **{name: moment.isoformat(timespec="seconds") if (moment := getattr(each, name)) else None
            for name in ("created_at", "asked_at", "answered_at")}}
        for each in page.requests
    ]  # fmt: skip
    print_rows(rows, _COLUMNS, as_json=arguments.json)
    return 0
