"""`isocenter route`, `isocenter destination`, `isocenter delivery`: what is sent where. Each works beside a running server."""

import argparse
import getpass
import re
import sys
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_json, print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Invalid, Missing
from isocenter.service import deliveries, destinations, routing
from isocenter.service.context import Context
from isocenter.settings import Loaded

# Conditions that have an option of their own; all others are --where.
_SHORT = {"modality": "Modality", "description": "StudyDescription", "institution": "InstitutionName"}
_WHERE = re.compile(r"(\w+)(!?=)(.*)", re.DOTALL)


# ---- destinations


def arguments_destination(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "add", "change", "remove", "pause", "resume"])
    parser.add_argument("name", nargs="?", help="the destination; a known peer needs no adding, its AE title is its name")
    parser.add_argument("--peer", metavar="AET", help="for add and change: a known peer under another name")
    parser.add_argument("--url", metavar="URL", help="for add and change: a DICOMweb service, https://host/dicom-web")
    parser.add_argument("--folder", metavar="DIR", help="for add and change: a folder for Part 10 files, as the worker sees it")
    parser.add_argument("--username", metavar="NAME", help="for a DICOMweb service")
    parser.add_argument("--secret-stdin", action="store_true",
                        help="read its password from standard input; without --username a bearer token")
    parser.add_argument("--throttle", type=int, metavar="BYTES", help="bytes a second; 0: no limit")
    parser.add_argument("--when", metavar="HH:MM-HH:MM", help="the hours in which it may be sent to; '': always")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_destination(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage where images may be sent."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list_destinations(context, arguments.json)
            return 0
        name = needed(arguments.name, "the destination's name")
        facts = {"username": arguments.username, "secret": _secret(arguments), "throttle": arguments.throttle,
                 "hours": arguments.when}  # fmt: skip
        facts = {key: value for key, value in facts.items() if value is not None}
        kind, address = _place(arguments)
        if arguments.verb == "add":
            needed(address, "--peer, --url or --folder")
            destinations.add_destination(context, SYSTEM, name=name, kind=kind, address=address, **facts)
        elif arguments.verb == "remove":
            destinations.remove_destination(context, SYSTEM, name)
        elif arguments.verb in ("pause", "resume"):
            destinations.change_destination(context, SYSTEM, name, paused=arguments.verb == "pause")
        else:
            facts |= {"address": address} if address else {}
            destinations.change_destination(context, SYSTEM, name, **facts)
    done = {"add": "added", "change": "changed", "remove": "removed",
            "pause": "paused: nothing is sent there until it is resumed",
            "resume": "resumed"}  # fmt: skip
    tell(arguments, {"name": name}, f"destination {name} {done[arguments.verb]}")
    return 0


def _secret(arguments: argparse.Namespace) -> str | None:
    """Not an option: other users of the machine see the words of a command."""
    if not arguments.secret_stdin:
        return None
    return getpass.getpass("Secret: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _place(arguments: argparse.Namespace) -> tuple[str, str]:
    said = (("dicom", arguments.peer), ("dicomweb", arguments.url), ("folder", arguments.folder))
    given = [(kind, value) for kind, value in said if value]
    if len(given) > 1:
        raise Invalid("a destination is one of --peer, --url and --folder")
    return given[0] if given else ("", "")


def _list_destinations(context: Context, as_json: bool) -> None:
    rows = [
        {**{name: getattr(each.destination, name) for name in ("name", "address", "paused", "throttle", "hours")},
         "kind": each.destination.kind.value, "waiting": each.waiting, "failed": each.failed, "sent": each.sent}
        for each in destinations.destinations(context, SYSTEM)
    ]  # fmt: skip
    columns = {"name": "NAME", "kind": "KIND", "address": "ADDRESS", "paused": "PAUSED", "hours": "HOURS", "waiting": "WAITING",
               "failed": "FAILED", "sent": "SENT"}  # fmt: skip
    print_rows(rows, columns, as_json=as_json)


# ---- rules


def arguments_route(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "add", "change", "remove", "try"])
    parser.add_argument("name", nargs="?", help="the rule; for try: one that there is, or none to try the options given")
    parser.add_argument("--to", action="append", metavar="NAME", help="a destination or a known peer (may be given again)")
    parser.add_argument("--from", action="append", metavar="AET", dest="senders",
                        help="who sent it, CT* (may be given again; '' for anybody)")
    parser.add_argument("--called", action="append", metavar="AET", help="the AE title under which it was sent here")
    for name, keyword in _SHORT.items():
        parser.add_argument(f"--{name}", action="append", metavar="VALUE", help=f"{keyword}; short for --where {keyword}=VALUE")
    parser.add_argument("--where", action="append", metavar="KEYWORD=VALUE",
                        help="any indexed attribute: StudyDescription=*chest*, StudyDate=20260101-, Modality!=SR; one keyword "
                             "given again means any of its values")  # fmt: skip
    parser.add_argument("--during", metavar="HH:MM-HH:MM", help="the time of day at which it came; '': any")
    parser.add_argument("--quiet", type=int, metavar="SECONDS", help="a study is sent so long after its newest image (default 5)")
    parser.add_argument("--on", action="store_true", help="for change: switch it on")
    parser.add_argument("--off", action="store_true", help="for add and change: switch it off")
    parser.add_argument("--last", type=int, default=50, metavar="N", help="for try: the studies it is tried on (default 50)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_route(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage the rules that send images on."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list_routes(context, arguments.json)
            return 0
        if arguments.verb == "try":
            return _try(context, arguments)
        name = needed(arguments.name, "the rule's name")
        facts = _facts(arguments)
        if arguments.verb == "add":
            needed(arguments.to, "--to NAME")
            routing.add_route(context, SYSTEM, {"name": name, **facts})
        else:
            number = routing.route_named(context, SYSTEM, name).id
            if arguments.verb == "remove":
                routing.remove_route(context, SYSTEM, number)
            else:
                routing.change_route(context, SYSTEM, number, facts)
    done = {"add": "added; it holds for what comes in from now on", "change": "changed", "remove": "removed"}[arguments.verb]
    tell(arguments, {"name": name}, f"rule {name} {done}")
    return 0


def _facts(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was said of a rule; what was not is left out."""
    facts: dict[str, Any] = {"hours": arguments.during, "quiet_seconds": arguments.quiet, "destinations": arguments.to}
    for field in ("senders", "called"):
        given = getattr(arguments, field)
        facts[field] = None if given is None else [word for word in given if word]
    facts["conditions"] = _conditions(arguments)
    if arguments.on and arguments.off:
        raise Invalid("a rule is either --on or --off")
    facts["enabled"] = True if arguments.on else False if arguments.off else None
    return {key: value for key, value in facts.items() if value is not None}


def _conditions(arguments: argparse.Namespace) -> list[dict[str, Any]] | None:
    given = [(keyword, False, value) for name, keyword in _SHORT.items() for value in getattr(arguments, name) or ()]
    for text in arguments.where or ():
        found = _WHERE.fullmatch(text)
        if found is None:
            raise Invalid("write KEYWORD=VALUE or KEYWORD!=VALUE", where="--where")
        given.append((found[1], found[2] == "!=", found[3]))
    if not given:
        return [] if arguments.where is not None else None
    together: dict[tuple[str, bool], list[str]] = {}
    for keyword, excludes, value in given:
        together.setdefault((keyword, excludes), []).append(value)
    return [{"attribute": key[0], "values": values, "excludes": key[1]} for key, values in together.items()]


def _list_routes(context: Context, as_json: bool) -> None:
    found = routing.routes(context, SYSTEM)
    if as_json:
        print_json([{"id": each.id, **routing.facts_of(each.rule)} for each in found])
        return
    rows = [
        {"name": each.rule.name, "on": "on" if each.rule.enabled else "off", "when": _sentence(routing.facts_of(each.rule)),
         "to": ", ".join(each.rule.destinations)}
        for each in found
    ]  # fmt: skip
    print_rows(rows, {"name": "NAME", "on": "", "when": "WHEN", "to": "TO"}, as_json=False)


def _sentence(facts: dict[str, Any]) -> str:
    """What a rule asks for, as one would type it."""
    parts = [f"from {'|'.join(facts['senders'])}"] if facts["senders"] else []
    parts += [f"called {'|'.join(facts['called'])}"] if facts["called"] else []
    parts += [f"{one['attribute']}{'!' if one['excludes'] else ''}={'|'.join(one['values'])}" for one in facts["conditions"]]
    parts += [f"during {facts['hours']}"] if facts["hours"] else []
    return ", ".join(parts) or "always"


def _try(context: Context, arguments: argparse.Namespace) -> int:
    """What a rule would have done with the studies that came last."""
    facts: dict[str, Any] = {"name": arguments.name or "try"}
    if arguments.name:
        try:
            facts = routing.facts_of(routing.route_named(context, SYSTEM, arguments.name).rule)
        except Missing:
            needed(arguments.to, "--to NAME: there is no such rule, and to try a new one it must say where to")
    facts |= _facts(arguments)
    needed(facts.get("destinations"), "--to NAME")
    tried = routing.attempt(context, SYSTEM, facts, arguments.last)
    rows: list[dict[str, Any]] = [
        {"study": each.study["study_instance_uid"], "date": each.study["study_date"], "name": each.study["patient_name"],
         "description": each.study["study_description"], "modalities": each.study["modalities_in_study"].replace("\\", ","),
         "matched": each.matched, "instances": each.instances, "to": list(each.destinations)}
        for each in tried.studies if each.matched or arguments.json
    ]  # fmt: skip
    if arguments.json:
        print_json({"studies": rows, "studies_matched": tried.studies_matched, "instances_matched": tried.instances_matched})
        return 0
    shown = [row | {"to": ", ".join(row["to"]), "of": f"{row['matched']} of {row['instances']}"} for row in rows]
    columns = {"date": "DATE", "name": "PATIENT", "description": "DESCRIPTION", "modalities": "MODALITIES", "of": "INSTANCES",
               "to": "WOULD GO TO"}  # fmt: skip
    print_rows(shown, columns, as_json=False)
    last, instances = len(tried.studies), tried.instances_matched
    print(f"{tried.studies_matched} of the last {last} studies, {instances} instances; nothing was sent")
    return 0


# ---- deliveries


def arguments_delivery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "show", "resend", "cancel"])
    parser.add_argument("id", nargs="?", type=int, help="for show, resend and cancel: the delivery's number")
    parser.add_argument("--state", choices=[state.value for state in deliveries.State], help="for list: only these")
    parser.add_argument("--destination", metavar="NAME", help="for list and resend --failed: only to this one")
    parser.add_argument("--study", metavar="UID", help="for list: only this study")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="for list: at most so many (default 100)")
    parser.add_argument("--failed", action="store_true", help="for resend: everything that was given up")
    parser.add_argument("--all", action="store_true", help="for resend: also the instances that have arrived")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_delivery(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """The queue of what is sent."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list_deliveries(context, arguments)
        elif arguments.verb == "resend" and arguments.failed:
            count = deliveries.resend_failed(context, SYSTEM, arguments.destination)
            tell(arguments, {"deliveries": count}, f"{count} deliveries are sent again")
        else:
            _one(context, arguments, needed(arguments.id, "the delivery's number; `isocenter delivery list` shows it"))
    return 0


def _one(context: Context, arguments: argparse.Namespace, number: int) -> None:
    if arguments.verb == "show":
        _show(context, number, arguments.json)
    elif arguments.verb == "resend":
        deliveries.resend(context, SYSTEM, number, everything=arguments.all)
        tell(arguments, {"id": number}, f"delivery {number} is sent again")
    else:
        deliveries.cancel(context, SYSTEM, number)
        tell(arguments, {"id": number}, f"delivery {number} cancelled; what has arrived stays there")


_COLUMNS = {"id": "ID", "destination": "TO", "name": "PATIENT", "date": "DATE", "description": "DESCRIPTION", "state": "STATE",
            "arrived": "ARRIVED", "attempts": "FAILED TRIES", "reason": "REASON"}  # fmt: skip


def _list_deliveries(context: Context, arguments: argparse.Namespace) -> None:
    state = deliveries.State(arguments.state) if arguments.state else None
    page = deliveries.page(context, SYSTEM, state=state, destination=arguments.destination, study=arguments.study,
                           limit=max(1, arguments.limit))  # fmt: skip
    rows = [_row(each, page.held.get(each.destination, "")) for each in page.deliveries]
    print_rows(rows, _COLUMNS, as_json=arguments.json)


def _row(seen: deliveries.Seen, held: str) -> dict[str, Any]:
    state = f"{seen.state.value} ({held})" if held and seen.state is deliveries.State.WAITING else seen.state.value
    return {
        "id": seen.id, "destination": seen.destination, "study": seen.study_instance_uid, "name": seen.study["PatientName"],
        "date": seen.study["StudyDate"], "description": seen.study["StudyDescription"], "state": state, "held": held,
        "arrived": f"{seen.sent} of {seen.instances}", "attempts": seen.attempts, "reason": seen.reason, "route": seen.route,
        "due_at": time(seen.due_at), "updated_at": time(seen.updated_at),
    }  # fmt: skip


def _show(context: Context, number: int, as_json: bool) -> None:
    seen, held, instances = deliveries.get(context, SYSTEM, number)
    rows = [{"instance": one.sop_instance_uid, "state": one.state.value, "status": one.status, "attempts": one.attempts,
             "reason": one.reason} for one in instances]  # fmt: skip
    if as_json:
        print_json({"delivery": _row(seen, held), "instances": rows})
        return
    print_rows([_row(seen, held)], _COLUMNS, as_json=False)
    print()
    print_rows(rows, {"instance": "INSTANCE", "state": "STATE", "attempts": "TRIES", "reason": "REASON"}, as_json=False)
