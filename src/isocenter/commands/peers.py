"""`isocenter peer`: the DICOM devices that are known. Works beside a running server."""

import argparse
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.dimse_services import DimseService
from isocenter.domain.retrieval import AskedWhen
from isocenter.service import peers
from isocenter.service.context import Context
from isocenter.settings import Loaded, Size

_COLUMNS = {
    "aet": "AET", "host": "HOST", "port": "PORT", "description": "DESCRIPTION", "last_seen_at": "LAST SEEN",
    "associations": "ASSOCIATIONS", "instances": "INSTANCES",
}  # fmt: skip
NO_ARCHIVE = "no"
# Shown by --json only
_DETAILS = (
    "allowed_ips", "max_associations", "preferred_syntaxes", "tls", "services", "character_set", "issuer", "throttle", "parallel",
    "paused", "asks_commitment", "notify_availability", "archive",
)  # fmt: skip


def arguments_peer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["add", "change", "list", "remove", "echo"])
    parser.add_argument("peer_aet", nargs="?", metavar="AET", help="the peer's AE title")
    parser.add_argument("host", nargs="?", metavar="HOST", help="for add and change: its address")
    parser.add_argument("port", nargs="?", type=int, metavar="PORT", help="for add and change: its DICOM port")
    parser.add_argument("--description", metavar="TEXT", help="what it is and where it stands")
    parser.add_argument("--allow", action="append", metavar="NETWORK", dest="allowed_ips",
                        help="where it may call from, 10.1.0.0/16 (may be given again; '' takes all back; default: its address)")
    parser.add_argument("--at-once", type=int, metavar="N", dest="most_at_once",
                        help="associations it may have at once; 0: as --max-associations-per-peer has it")
    parser.add_argument("--prefer", action="append", metavar="UID", dest="preferred_syntaxes",
                        help="the transfer syntax it had better send in (may be given again, the dearest first; '' as above)")
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction, help="call it over TLS")
    parser.add_argument("--service", action="append", metavar="NAME", dest="services",
                        help=f"what it may use (may be given again; '' takes all back: everything): {', '.join(DimseService)}")
    parser.add_argument("--character-set", metavar="TERMS", dest="character_set",
                        help="Specific Character Set of what it writes without saying so, 'ISO_IR 100'")
    parser.add_argument("--issuer", help="Issuer of Patient ID of what it sends without one, such as the name of its hospital")
    parser.add_argument("--throttle", type=Size.parse, metavar="BYTES", help="so much is sent to it a second, 2MB; 0: no limit")
    parser.add_argument("--parallel", type=int, metavar="N", help="associations opened at once to send to it, 1 to 8")
    parser.add_argument("--paused", action=argparse.BooleanOptionalAction, help="nothing is sent to it by itself")
    parser.add_argument("--archive", choices=[NO_ARCHIVE, *filter(None, AskedWhen)],
                        help="an archive that people may search and fetch from; fetch: it is also asked for what is not here")
    parser.add_argument("--notify-availability", action=argparse.BooleanOptionalAction,
                        help="tell it when instances have become available (instance availability notification)")
    parser.add_argument("--ask-commitment", action=argparse.BooleanOptionalAction, dest="asks_commitment",
                        help="after something was sent to it, ask whether it keeps that (storage commitment)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_peer(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage the DICOM peers that are known; for echo the exit code says whether it is there."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            _list(context, arguments.json)
            return 0
        aet = needed(arguments.peer_aet, "the peer's AE title")
        if arguments.verb == "echo":
            return _echo(context, arguments, aet)
        if arguments.verb == "remove":
            peers.remove(context, SYSTEM, aet)
            tell(arguments, {"aet": aet}, f"peer {aet} removed")
            return 0
        if arguments.verb == "add":
            place = {"host": needed(arguments.host, "the peer's HOST"), "port": needed(arguments.port, "the peer's PORT")}
            peer = peers.add(context, SYSTEM, aet=aet, **place, **_facts(arguments))
        else:
            place = {name: value for name in ("host", "port") if (value := getattr(arguments, name)) is not None}
            peer = peers.change(context, SYSTEM, aet, **place, **_facts(arguments))
    done = "added" if arguments.verb == "add" else "changed; what is open already goes on as it was"
    tell(arguments, {"aet": peer.aet, "host": peer.host, "port": peer.port}, f"peer {peer.aet} {done}")
    return 0


def _list(context: Context, as_json: bool) -> None:
    known = peers.peers(context, SYSTEM)
    details = _DETAILS if as_json else ()
    rows = [{name: getattr(peer, name) for name in (*_COLUMNS, *details)}
            | {"last_seen_at": time(peer.last_seen_at)} | ({"services": sorted(peer.services)} if as_json else {})
            for peer in known]
    print_rows(rows, _COLUMNS, as_json=as_json)


def _echo(context: Context, arguments: argparse.Namespace, aet: str) -> int:
    verified = peers.echo(context, SYSTEM, aet)
    facts = {"aet": aet, "ok": verified.ok, "outcome": verified.outcome.value, "message": verified.message,
             "milliseconds": verified.milliseconds}
    tell(arguments, facts, f"{verified.message} ({verified.milliseconds} ms)")
    return 0 if verified.ok else 1


def _facts(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was given about the peer beside its address."""
    facts: dict[str, Any] = {"max_associations": arguments.most_at_once, "tls": arguments.tls}
    same = ("description", "character_set", "issuer", "throttle", "parallel", "paused", "asks_commitment", "notify_availability")
    facts |= {name: getattr(arguments, name) for name in same}
    facts["archive"] = "" if arguments.archive == NO_ARCHIVE else arguments.archive
    for name in ("allowed_ips", "preferred_syntaxes", "services"):
        given = getattr(arguments, name)
        facts[name] = None if given is None else [word for word in given if word]
    return {name: value for name, value in facts.items() if value is not None}
