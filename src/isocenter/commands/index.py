"""`isocenter index`: which attributes are indexed besides the usual ones, and how far they are filled in."""

import argparse
from dataclasses import asdict

from isocenter import app
from isocenter.commands.access import needed, tell
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.preflight import need_archive
from isocenter.service import filling
from isocenter.settings import Loaded

_COLUMNS = {"name": "ATTRIBUTE", "vr": "VR", "level": "LEVEL", "state": "STATE", "percent": "%", "looked_at": "LOOKED AT",
            "errors": "ERRORS", "last_error": "LAST ERROR"}  # fmt: skip


def arguments_index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=["list", "again"])
    parser.add_argument("name", nargs="?", help="for again: the one for which all that is held is looked at once more")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_index(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List declared attributes and their progress, or have one filled in once more by the running server."""
    need_archive(loaded.settings)
    with app.opened(loaded.settings) as context:
        if arguments.verb == "again":
            name = needed(arguments.name, "the name of an attribute; `isocenter index list` shows them")
            filling.again(context, SYSTEM, name)
            tell(arguments, {"name": name}, f"{name} will be filled in once more")
            return 0
        found = filling.progress(context, SYSTEM)
    rows = [
        {**asdict(each), "percent": int(each.fraction * 100), "declared_at": each.declared_at.isoformat(timespec="seconds"),
         "finished_at": each.finished_at.isoformat(timespec="seconds") if each.finished_at else None}
        for each in found
    ]  # fmt: skip
    print_rows(rows, _COLUMNS, as_json=arguments.json)
    return 0
