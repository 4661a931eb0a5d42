"""`isocenter import`, `isocenter verify`, `isocenter reindex`: work on the archive that takes its time, with progress."""

import argparse
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import asdict
from functools import partial
from pathlib import Path

import orjson

from isocenter import app
from isocenter.commands.terminal import Progress, print_json
from isocenter.domain.access import SYSTEM
from isocenter.preflight import ROLES, lock_roles, need_archive, prepare_folder
from isocenter.service import auditing, corrections, exceptions, importing, ingest, integrity, journal, rejections
from isocenter.settings import Loaded

# File names shown for each reason; --json has all of them.
NAMES_SHOWN = 10

WORDS = {"stored": "stored", "duplicate": "already there", "version": "kept as another version", "quarantined": "quarantined",
         "refused": "refused", "ignored": "ignored, no images"}
OTHER_CONTENT = "its SOP Instance UID is held with other content"  # what makes a version, when there is no more to say of it
# Nobody has to do anything about these.
FINE = frozenset({"stored", "duplicate", "ignored"})


def arguments_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, folders, ZIP archives, DICOMDIRs")
    parser.add_argument("--json", action="store_true", help="one JSON document with the result of every file")
    parser.add_argument("--threads", type=int, default=importing.THREADS, metavar="N",
                        help="files taken in at once (default %(default)s)")


def run_import(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Store files; exit code 1 when one was refused."""
    prepare_folder(loaded.settings)
    summary = Summary(as_json=arguments.json)
    stop = threading.Event()
    with app.opened(loaded.settings) as context, Progress("import", "files") as progress:
        counter = threading.Thread(target=lambda: progress.expect(importing.count(arguments.paths, stop)), daemon=True)
        counter.start()
        try:
            door = partial(ingest.begin, context, SYSTEM, source="import")
            for result in importing.import_paths(door, arguments.paths, threads=max(1, arguments.threads)):
                summary.add(result)
                progress.advance()
        finally:
            stop.set()
            counter.join()
            progress.close()
            summary.end()
    return 1 if summary.counts["refused"] else 0


class Summary:
    """Counts results, and names those that somebody has to look at, grouped by reason. With as_json every result is streamed."""

    def __init__(self, *, as_json: bool) -> None:
        self.counts: Counter[str] = Counter()
        self.bytes = 0
        self._as_json = as_json
        self._names: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._began = time.monotonic()
        if as_json:
            sys.stdout.write('{"results": [')

    def add(self, result: importing.Result | integrity.Reindexed) -> None:
        """Take note of one file."""
        if self._as_json:
            sys.stdout.write((",\n" if self.counts.total() else "\n") + orjson.dumps(result).decode())
        self.counts[result.status] += 1
        self.bytes += result.size
        if result.status not in FINE:
            key = (result.status, result.reason)
            self._numbers[key] += 1
            if len(self._names[key]) < NAMES_SHOWN:
                self._names[key].append(result.name)

    def end(self) -> None:
        """Print what became of all."""
        seconds = time.monotonic() - self._began
        if self._as_json:
            counts = {status: self.counts[status] for status in WORDS}
            facts = {"counts": counts, "bytes": self.bytes, "seconds": round(seconds, 3)}
            sys.stdout.write('\n], "summary": ' + orjson.dumps(facts).decode() + "}\n")
            return
        for (status, reason), names in sorted(self._names.items()):
            number = self._numbers[status, reason]
            print(f"{WORDS[status]}: {reason or OTHER_CONTENT}  ({number} file{'s' if number > 1 else ''})")
            for name in names:
                print(f"    {name}")
            if number > len(names):
                print(f"    and {number - len(names)} more (--json lists all)")
        shown = [f"{self.counts[status]:,} {WORDS[status]}" for status in WORDS if self.counts[status]]
        total = self.counts.total()
        pace = f", {total / seconds:,.0f} files/s, {self.bytes / seconds / 1e6:,.0f} MB/s" if seconds > 1 else ""
        print((", ".join(shown) or "no files") + f"   ({seconds:.1f} s{pace})")


def arguments_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="compare existence and sizes only, without reading the files")
    parser.add_argument("--audit", action="store_true", help="look at the chain of the change log instead of the files")
    parser.add_argument("--anchor", default="", metavar="NUMBER:HASH", help="with --audit: a head noted before must be there")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _run_audit(arguments: argparse.Namespace, loaded: Loaded) -> int:
    with app.opened(loaded.settings) as context, Progress("verify", "rows") as progress:
        audit = auditing.look(context, arguments.anchor, progress.advance, noted=auditing.anchors(context))
    if arguments.json:
        print_json({**asdict(audit), "sound": audit.is_sound})
        return 0 if audit.is_sound else 1
    for number in audit.broken[: auditing.SHOWN]:
        print(f"broken: row {number} or the one before it was changed, removed, put in or moved")
    for number in audit.unchained[: auditing.SHOWN]:
        print(f"unchained: row {number} has no hash: a program of an older version wrote it, or somebody put it in")
    if audit.anchored is False:
        print(f"the row {arguments.anchor.partition(':')[0]} is not the one that was noted")
    for line in audit.lost[: auditing.SHOWN]:
        print(f"not there any more: {line}")
    for line in audit.unread[: auditing.SHOWN]:
        print(f"not compared: {line}")
    older = f", {audit.older:,} of them from before the chain" if audit.older else ""
    wrong = len(audit.broken) + len(audit.unchained)
    print(f"{audit.rows:,} rows of the change log checked{older}: "
          + ("everything is as it was written" if audit.is_sound else f"{wrong} wrong" if wrong
             else "its end is missing, or all of it was made anew" if audit.lost or audit.anchored is False
             else "not all of the heads that were noted could be read"))
    if audit.anchors:
        print(f"{audit.anchors:,} heads that were noted outside compared, {len(audit.lost):,} of them not there any more")
    print(f"head, to be noted elsewhere: {audit.head or 'none yet'}")
    return 0 if audit.is_sound else 1


def run_verify(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Compare index and files; exit code 1 when anything is wrong."""
    need_archive(loaded.settings)
    if arguments.audit:
        return _run_audit(arguments, loaded)
    found: list[integrity.Finding] = []
    with app.opened(loaded.settings) as context, Progress("verify", "files") as progress:
        check = integrity.Verification(context, quick=arguments.quick)
        progress.expect(check.expected())
        for finding in check.run(progress.advance):
            found.append(finding)
    if arguments.json:
        print_json({"checked": check.checked, "bytes": check.bytes, "quick": arguments.quick, "elsewhere": check.elsewhere,
                    "findings": found})
        return 1 if found else 0
    for finding in found:
        print(f"{finding.kind}: {finding.detail}\n    {finding.subject}")
    how = "existence and size" if arguments.quick else "SHA-256"
    print(f"{check.checked:,} files checked ({how}, {check.bytes / 1e9:,.2f} GB): "
          + (f"{len(found)} wrong" if found else "everything is there and intact"))
    if check.elsewhere:
        print(f"{check.elsewhere:,} of them are on the disk of another node, which is still to copy them into the object store: "
              "they were not looked at")
    return 1 if found else 0


def arguments_reindex(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--without-journal", action="store_true", help="do not read the journal: nothing of what people decided")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run_reindex(arguments: argparse.Namespace, loaded: Loaded) -> int:
    """Rebuild the index; the server must not run meanwhile."""
    need_archive(loaded.settings, index=False)
    prepare_folder(loaded.settings)
    lock = lock_roles(loaded.settings.data, ROLES) if loaded.settings.embedded else None
    try:
        with app.opened(loaded.settings) as context, Progress("reindex", "files") as progress:
            summary = Summary(as_json=arguments.json)
            back = None if arguments.without_journal else journal.restore(context)
            for result in integrity.reindex(context, progress.expect):
                summary.add(result)
                progress.advance()
            corrections.replay(context)
            exceptions.recover(context)
            rejections.recover(context)
            progress.close()
            summary.end()
            if back is not None and not arguments.json:
                print(f"from the journal: {back.changes:,} rows of the change log, the last of {back.until}, "
                      f"and {back.rows:,} rows of what people decided")
    finally:
        if lock is not None:
            lock.close()
    return 1 if summary.counts["refused"] else 0
