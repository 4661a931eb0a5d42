"""`isocenter encryption`: under which keys the stored files are, and bringing them under the current one."""

import argparse
from dataclasses import asdict
from pathlib import Path

from isocenter import app
from isocenter.commands.terminal import Progress, print_json
from isocenter.domain.errors import Missing
from isocenter.preflight import need_archive
from isocenter.service import encrypting
from isocenter.settings import Loaded

_SHOWN = 20


def arguments_encryption(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("status", "renew"), help="count; bring every file under the current key")
    parser.add_argument("--folder", type=Path, metavar="FOLDER", help="of a backup or a second storage, instead of the archive")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_encryption(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Tell, or renew; exit code 1 when a file could not be brought under the key."""
    need_archive(loaded.settings)
    if arguments.folder is not None and not arguments.folder.is_dir():
        raise Missing(f"there is no folder {arguments.folder}")
    with app.opened(loaded.settings) as context, Progress("encryption", "files") as progress:
        now = encrypting.current(context)
        if arguments.action == "status":
            return _counts(encrypting.status(context, arguments.folder, progress.advance), now, as_json=arguments.json)
        report = encrypting.renew(context, arguments.folder, progress.advance, progress.expect)
    if arguments.json:
        print_json({"key": now, **asdict(report)})
    else:
        whither = f"under the key {now}" if now else "out of encryption"
        print(f"{report.files:,} files, {report.changed:,} of them brought {whither}")
        for key, reason in report.faults[:_SHOWN]:
            print(f"  {key}: {reason}")
        if report.faults:
            print(f"{len(report.faults):,} are as they were: `isocenter verify` tells more.")
    return 1 if report.faults else 0


def _counts(counts: dict[str, int], now: str, *, as_json: bool) -> int:
    if as_json:
        print_json({"key": now, "files": counts})
        return 0
    print(f"new files are stored {f'under the key {now}' if now else 'in clear'}")
    for name, count in sorted(counts.items()):
        print(f"  {count:,} files {f'under {name}' if name else 'in clear'}")
    return 0
