"""`isocenter share`: links for people without an account. Works beside a running server."""

import argparse
from typing import Any

from isocenter.commands.access import archive, needed, tell, time
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.sharing import DAYS, Code, Opens
from isocenter.service import sharing
from isocenter.service.sharing import Listed, Wanted
from isocenter.settings import Loaded

_LIST = {"id": "ID", "opens": "OPENS", "label": "FOR", "state": "STATE", "maker": "BY", "expires_at": "EXPIRES",
         "openings": "OPENED", "opened_at": "LAST OPENED"}  # fmt: skip


def arguments_share(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["create", "list", "code", "withdraw", "history"])
    parser.add_argument("id", nargs="?", type=int, help="for code, withdraw and history: the link's number")
    parser.add_argument("--study", metavar="UID", help="for create: the study it opens")
    parser.add_argument("--patient-of", metavar="UID", help="for create: it opens all studies of this one's patient")
    parser.add_argument("--upload", action="store_true", help="for create: it opens nothing; whoever has it may send in")
    parser.add_argument("--for", dest="label", default="", metavar="TEXT", help="for create: whom or what it is for")
    parser.add_argument("--days", type=int, metavar="N", help="for create: it expires after so many days (14)")
    parser.add_argument("--download", action="store_true", help="for create: files may be taken away")
    parser.add_argument("--code", choices=list(Code), default=Code.NONE, help="for create: ask for a code beside the link")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_share(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Manage links."""
    with archive(arguments, loaded) as context:
        if arguments.verb == "list":
            rows = [_row(each) for each in sharing.page(context, SYSTEM, None, 1000)]
            print_rows(rows, _LIST, as_json=arguments.json)
        elif arguments.verb == "create":
            made = sharing.create(context, SYSTEM, _wanted(arguments, loaded.settings.share_max_days))
            link = f"{loaded.settings.url}{sharing.path_of(made.secret)}"
            code = f"\nits code, to be told by another way: {made.code}" if made.code else ""
            tell(arguments, {"id": made.share.id, "link": link, "code": made.code},
                 f"link {made.share.id}, shown only this once:\n{link}{code}")
        else:
            _change(arguments, context, needed(arguments.id, "the link's number; `isocenter share list` shows it"))
    return 0


def _change(arguments: argparse.Namespace, context: Any, number: int) -> None:
    if arguments.verb == "code":
        code = sharing.new_code(context, SYSTEM, number)
        tell(arguments, {"id": number, "code": code}, f"new code of link {number}: {code}   (shown only this once)")
    elif arguments.verb == "withdraw":
        sharing.withdraw(context, SYSTEM, number)
        tell(arguments, {"id": number}, f"link {number} withdrawn")
    else:
        rows = [{"at": time(each.at), "kind": each.kind, "study": each.payload.get("study", ""),
                 "address": each.payload.get("address", "")} for each in sharing.history(context, SYSTEM, number)]
        print_rows(rows, {"at": "WHEN", "kind": "WHAT", "study": "STUDY", "address": "FROM"}, as_json=arguments.json)


def _wanted(arguments: argparse.Namespace, most: int) -> Wanted:
    opens = Opens.UPLOAD if arguments.upload else Opens.PATIENT if arguments.patient_of else Opens.STUDY
    study = "" if arguments.upload else needed(arguments.patient_of or arguments.study, "--study, --patient-of or --upload")
    days = min(DAYS, most) if arguments.days is None else arguments.days
    return Wanted(opens, study, arguments.label, days, arguments.download, Code(arguments.code))


def _row(listed: Listed) -> dict[str, Any]:
    row = listed.share
    return {
        "id": row.id, "opens": row.opens, "label": row.label, "state": listed.state.value, "maker": row.maker,
        "study": row.study_uid, "download": row.download, "code": row.code, "created_at": time(row.created_at),
        "expires_at": time(row.expires_at), "openings": row.openings, "opened_at": time(row.opened_at),
    }  # fmt: skip
