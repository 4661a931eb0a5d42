"""`isocenter copies`: the HTJ2K copies for viewing that there are, and having them made of what is held already."""

import argparse

from isocenter import app
from isocenter.commands.terminal import Progress, print_json
from isocenter.preflight import need_archive
from isocenter.service import viewing_copies
from isocenter.settings import Loaded


def arguments_copies(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("status", "make"), help="what there is; have made what is missing")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_copies(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Tell what there is; exit code 1 when copies were to be made of nothing, because the policy is off."""
    need_archive(loaded.settings)
    off = loaded.settings.htj2k_modalities == ()
    with app.opened(loaded.settings) as context:
        planned = 0
        if arguments.action == "make" and not off:
            with Progress("copies", "series") as progress:
                planned = viewing_copies.plan_all(context, progress.advance)
        facts = viewing_copies.summary(context)
    if arguments.json:
        print_json({"policy": loaded.settings.htj2k, "planned": planned, **facts})
    elif arguments.action == "make" and off:
        print("htj2k is off, so no copies are made: say of what, as --htj2k all or --htj2k CT,MR, and give the server the same.")
    else:
        made = f"; {planned:,} series were planned, the server makes their copies in the background" if planned else ""
        print(f"policy {loaded.settings.htj2k}: {facts['copies']:,} copies, {facts['bytes'] / 1e9:,.2f} GB, "
              f"{facts['due']:,} series wait for theirs{made}")
    return 1 if arguments.action == "make" and off else 0
