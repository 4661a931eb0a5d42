"""`make bench`: Isocenter against Debian's Orthanc, dcmtk's storescp and nginx, alternating in one run; writes docs."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import corpus, finding, growth, measure, peers, report, retrieving, viewing, volumes, web

Figures = dict[str, dict[str, list[float]]]


def _cstore(work: Path, source: Path, rounds: int, figures: Figures) -> None:
    """Each round every archive starts empty, so that no one gains by what it holds already.

    Nothing is deleted before the end: for minutes after, ext4 passes over each inode that was freed when it looks for a new one
    (`recently_deleted`), and whoever makes files next pays for what the one before has left.
    """
    starters: dict[str, Callable[[Path], peers.Peer]] = {
        "isocenter": peers.isocenter,
        "orthanc": peers.orthanc,
        "storescp": peers.storescp,
    }
    for number in range(rounds):
        for associations in (1, 4):
            folders = measure.split(source, work / "parts", associations)
            for name, start in starters.items():
                folder = work / f"{name}-{number}-{associations}"
                peer = start(folder)
                try:
                    seconds, cpu = measure.cstore(peer, folders)
                    figures[f"cstore{associations}"][name].append(seconds)
                    figures[f"cstore{associations}-cpu"][name].append(cpu)
                    figures["memory"][name].append(max(peer.memory_mb().values()))
                finally:
                    peer.stop()
                print(f"C-STORE {associations} association(s) {name}: {seconds:.2f} s, server CPU {cpu:.2f} s", flush=True)


PARTS = ("cstore", "web", "retrieve", "find", "viewing", "volume", "growth")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="fewer slices and one round; prints only")
    parser.add_argument("--only", choices=PARTS, action="append", help="this part, and others of which it is said, too")
    parser.add_argument("--write", action="store_true", help="writes what was measured also when it is not everything")
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "isocenter-bench",
                        help="where the filled databases of `growth` are kept, 12 GB")  # fmt: skip
    parser.add_argument("--again", action="store_true", help="measures every size of `growth` anew")
    return parser.parse_args()


def main() -> None:
    """Run everything; `--quick` is a fifth of it, for trying a change, and writes nothing."""
    options = _options()
    parts = options.only or PARTS
    slices, rounds = (200, 1) if options.quick else (options.slices, options.rounds)
    figures: Figures = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="isocenter-bench-") as folder:
        work = Path(folder)
        source, small = work / "corpus", work / "corpus-250"
        study, series = corpus.make(small, min(slices, 250), seed="isocenter-bench-web")
        if "cstore" in parts:
            corpus.make(source, slices)
            _cstore(work, source, rounds, figures)
        if "web" in parts:
            web.beside(work, small, study, series, rounds, figures)
        if "retrieve" in parts:
            retrieving.beside(work, small, study, rounds, figures)
        if "find" in parts:
            finding.beside(work, rounds, figures)
        tables = {}
        if "viewing" in parts:
            others = 4 if options.quick else viewing.OTHERS
            runs = viewing.beside(work, min(slices, 250), others, rounds)
            tables["viewing"] = report.measured_on() + viewing.table(runs, min(slices, 250), others)
        if "volume" in parts:
            tables["volume"] = report.measured_on() + volumes.table(volumes.opened(work, slices))
    if figures:
        medians = {name: {peer: statistics.median(values) for peer, values in row.items()} for name, row in figures.items()}
        tables["figures"] = report.table(medians, slices, rounds)
    if "growth" in parts:
        sizes = growth.SIZES[:2] if options.quick else growth.SIZES
        tables["growth"] = report.measured_on() + growth.table(growth.measured(options.work, sizes, options.again))
    for name, text in tables.items():
        print(text)
        if not options.quick and (options.write or len(parts) == len(PARTS)):
            report.write(name, text)


if __name__ == "__main__":
    main()
