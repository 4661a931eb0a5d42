"""`isocenter uploads`: what is on the disks of nodes and not in the object store yet."""

import argparse

from isocenter import app
from isocenter.commands.access import needed, tell
from isocenter.commands.terminal import print_rows
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Unsupported
from isocenter.service import uploading
from isocenter.settings import Loaded

_COLUMNS = {"node": "NODE", "objects": "OBJECTS", "bytes": "BYTES", "oldest": "OLDEST", "here": "THIS NODE"}


def arguments_uploads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", nargs="?", choices=["list", "forget"], default="list")
    parser.add_argument("node", nargs="?", help="for forget: a node whose disk is lost; what only it had is missing from then on")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_uploads(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """List nodes with something to upload, or forget what a lost one had."""
    if loaded.settings.bucket is None:
        raise Unsupported("this archive has no object store, so that nothing is uploaded", where="storage")
    with app.opened(loaded.settings) as context:
        if arguments.verb == "forget":
            node = needed(arguments.node, "the name of a node; `isocenter uploads` shows it")
            count = uploading.forget(context, SYSTEM, node)
            tell(arguments, {"node": node, "objects": count},
                 f"{count:,} objects are not waited for any more: `isocenter verify` names those that are missing")  # fmt: skip
            return 0
        rows = [
            {"node": each.name, "objects": each.objects, "bytes": each.size, "oldest": each.oldest.isoformat(timespec="seconds"),
             "here": "yes" if each.name == context.blobs.node else ""}
            for each in uploading.nodes(context, SYSTEM)
        ]  # fmt: skip
    print_rows(rows, _COLUMNS, as_json=arguments.json)
    return 0
