"""`isocenter webhook`: who is told of changes by signed requests. Works beside a running server, whose worker tells."""

import argparse
from typing import Any

from isocenter.commands.access import archive, needed, tell
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.service import webhooks
from isocenter.service.context import Context
from isocenter.settings import Loaded

_COLUMNS = {
    "name": "NAME", "url": "URL", "kinds": "KINDS", "enabled": "ENABLED", "told": "TOLD", "waiting": "WAITING",
    "failures": "FAILED", "last_status": "STATUS", "last_reason": "REASON",
}  # fmt: skip
_FAILURE = {"id": "ID", "first_seq": "FIRST", "last_seq": "LAST", "status": "STATUS", "attempts": "ATTEMPTS",
            "failed_at": "FAILED", "reason": "REASON"}  # fmt: skip
_DONE = {"remove": "removed", "pause": "is told nothing", "resume": "goes on", "test": "will be sent a test message"}


def arguments_webhook(parser: argparse.ArgumentParser) -> None:
    verbs = ["add", "change", "list", "remove", "pause", "resume", "secret", "test", "failures", "resend", "forget"]
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the webhook")
    parser.add_argument("place", nargs="?", metavar="URL|ID", help="for add and change: where messages are posted to, "
                                                                   "https://host/path; for resend and forget: one message")
    parser.add_argument("--kind", action="append", metavar="KIND", dest="kinds",
                        help="the changes it is told of: study.created, instance.*, * (may be given again)")
    parser.add_argument("--together", type=int, metavar="N", help="changes of one message at most, 1 to 100 (default 1)")
    parser.add_argument("--since", type=int, metavar="N", help="for add: also changes after this number (default: from now on)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_webhook(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage webhooks."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list(context, arguments.json)
            return 0
        name = needed(arguments.name, "the webhook's name")
        facts: dict[str, Any] = {"name": name}
        match arguments.verb:
            case "failures":
                print_rows([_failure(each) for each in webhooks.failures(context, SYSTEM, name)], _FAILURE,
                           as_json=arguments.json)  # fmt: skip
                return 0
            case "add":
                url, kinds = needed(arguments.place, "its URL"), needed(arguments.kinds, "--kind")
                more = {"since": arguments.since, "together": arguments.together or 1}
                _, facts["secret"] = webhooks.add(context, SYSTEM, name=name, url=url, kinds=kinds, **more)
            case "secret":
                facts["secret"] = webhooks.new_secret(context, SYSTEM, name)
            case "resend" | "forget":
                facts["messages"] = _messages(context, arguments, name)
            case _:
                _change(context, arguments, name)
    if "secret" in facts:
        done = f"{name} {'added' if arguments.verb == 'add' else 'changed'}, secret {facts['secret']}   (shown only this once)"
    elif "messages" in facts:
        done = f"{facts['messages']} messages {'will be sent again' if arguments.verb == 'resend' else 'forgotten'}"
    else:
        done = f"{name} {_DONE.get(arguments.verb, 'changed')}"
    tell(arguments, facts, done)
    return 0


def _change(context: Context, arguments: argparse.Namespace, name: str) -> None:
    match arguments.verb:
        case "remove":
            webhooks.remove(context, SYSTEM, name)
        case "test":
            webhooks.test(context, SYSTEM, name)
        case "pause" | "resume":
            webhooks.change(context, SYSTEM, name, enabled=arguments.verb == "resume")
        case _:
            given = {"url": arguments.place, "kinds": arguments.kinds, "together": arguments.together}
            webhooks.change(context, SYSTEM, name, **{fact: value for fact, value in given.items() if value is not None})


def _messages(context: Context, arguments: argparse.Namespace, name: str) -> int:
    number = None
    if arguments.place is not None:
        number = int(arguments.place) if arguments.place.isdecimal() else 0  # which there is not
    do = webhooks.resend if arguments.verb == "resend" else webhooks.drop
    return do(context, SYSTEM, name, number)


def _list(context: Context, as_json: bool) -> None:
    rows = [
        {name: webhooks.waiting(context, each) if name == "waiting" else getattr(each, name) for name in _COLUMNS}
        for each in webhooks.all_(context, SYSTEM)
    ]
    print_rows(rows, _COLUMNS, as_json=as_json)


def _failure(each: webhooks.Failure) -> dict[str, Any]:
    return {**{name: getattr(each, name) for name in _FAILURE}, "failed_at": each.failed_at.isoformat(timespec="seconds")}
