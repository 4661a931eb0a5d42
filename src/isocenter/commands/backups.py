"""`isocenter backup`, `isocenter restore`, `isocenter drill`: so that an archive that is lost comes back."""

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from isocenter import app
from isocenter.commands.terminal import Progress, print_json, print_rows
from isocenter.domain.errors import Invalid
from isocenter.preflight import ROLES, lock_roles, need_archive, prepare_folder
from isocenter.service import backup
from isocenter.service.context import Context
from isocenter.settings import Loaded
from isocenter.store.vaults import vault

NAMES_SHOWN = 20


def _moment(text: str) -> datetime:
    """A moment as people write it; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _argument_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("place", metavar="FOLDER|s3://BUCKET[/PREFIX]",
                        help="where backups are kept: a folder on another disk, or a bucket, with the credentials s3_*")


def arguments_backup(parser: argparse.ArgumentParser) -> None:
    _argument_place(parser)
    parser.add_argument("--list", action="store_true", help="the snapshots there are, newest first; changes nothing")
    parser.add_argument("--keep", type=int, default=0, metavar="N", help="remove older snapshots, never files")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_backup(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Take a snapshot; exit code 1 when a file could not be had."""
    if arguments.list:
        rows = [{"name": each.name, "made_at": each.made_at.isoformat(), "files": each.files, "faults": each.faults}
                for each in backup.snapshots(vault(arguments.place, loaded.settings))]
        print_rows(rows, {"name": "snapshot", "made_at": "made at", "files": "files", "faults": "faults"}, as_json=arguments.json)
        return 0
    need_archive(loaded.settings)
    with app.opened(loaded.settings) as context, Progress("backup", "files") as progress:
        report = backup.back_up(context, vault(arguments.place, loaded.settings), progress.advance, keep=max(0, arguments.keep))
    return _tell(report, "in the snapshot", as_json=arguments.json)


def arguments_restore(parser: argparse.ArgumentParser) -> None:
    _argument_place(parser)
    parser.add_argument("--at", type=_moment, metavar="TIME", help="as it was then, 2026-11-23T08:00 (UTC); default: the newest")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_restore(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Restore into the archive of the settings, which must be empty; exit code 1 when a file did not come back."""
    source = vault(arguments.place, loaded.settings)
    snapshot = backup.choose(source, arguments.at)
    prepare_folder(loaded.settings)
    lock = lock_roles(loaded.settings.data, ROLES)
    with lock, app.opened(loaded.settings) as context, Progress("restore", "files") as progress:
        progress.expect(snapshot.files)
        report = backup.restore(context, source, snapshot, progress.advance)
    return _tell(report, "restored", as_json=arguments.json)


def arguments_drill(parser: argparse.ArgumentParser) -> None:
    _argument_place(parser)
    parser.add_argument("--sample", type=int, default=200, metavar="N", help="files that are restored and compared (default 200)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there, too")
    parser.add_argument("--check", type=Path, metavar="FILE", help="only tell whether a report is whole and ours")


def run_drill(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Prove that a backup can be restored; exit code 1 when something is not as it should be."""
    need_archive(loaded.settings)
    with app.opened(loaded.settings) as context:
        if arguments.check is not None:
            return _check(context, arguments.check)
        source = vault(arguments.place, loaded.settings)
        snapshot = backup.choose(source, None)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="isocenter-drill-")))
            sandbox = stack.enter_context(app.opened(replace(loaded.settings, data=folder, database="", storage="")))
            report = backup.drill(context, sandbox, source, snapshot, max(1, arguments.sample))
    if arguments.report is not None:
        arguments.report.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    print_json(report)
    return 0 if report["passed"] else 1


def _check(context: Context, path: Path) -> int:
    try:
        report = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        raise Invalid(f"{path} is no report of a drill", hint="Name the file that `isocenter drill --report` wrote.") from None
    signed = isinstance(report, dict) and backup.is_signed(context, report)
    print("the report was written by this archive, and nothing in it was changed" if signed
          else "the report was changed, or another archive wrote it")
    return 0 if signed else 1


def _tell(report: backup.Report, what: str, *, as_json: bool) -> int:
    if as_json:
        print_json(report)
    else:
        for fault in report.faults[:NAMES_SHOWN]:
            print(f"{fault.reason}: {fault.key}")
        if len(report.faults) > NAMES_SHOWN:
            print(f"and {len(report.faults) - NAMES_SHOWN} more (--json lists all)")
        print(f"{report.name}: {report.files:,} files {what}, {report.copied:,} copied ({report.bytes / 1e9:,.2f} GB), "
              + (f"{len(report.faults)} could not be had" if report.faults else "everything is there"))
    return 1 if report.faults else 0
