"""Our viewer beside OHIF: the same archive, browser, studies and clicks; both behind the same nginx."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import corpus, measure, peers

ROOT = Path(__file__).parent.parent
OHIF = ROOT / ".build" / "ohif"
OTHERS = 20  # studies that are opened one after the other, as a morning's reading
OTHER_SLICES = 25

Runs = dict[str, list[dict[str, Any]]]


def beside(work: Path, slices: int, others: int, rounds: int) -> Runs:
    """What each viewer took in each round; milliseconds and MB. slices: images of the study that is timed."""
    subprocess.run([ROOT / "scripts" / "ohif.sh"], check=True)
    sys.path.insert(0, str(ROOT / "tests"))
    import ohif

    archive = peers.isocenter(work / "viewing")
    nginx, addresses = peers.viewers(work / "viewers", archive, OHIF, ohif.configuration())
    runs: Runs = {name: [] for name in addresses}
    try:
        corpus.make(work / "large", slices, seed="large", family="Large")
        measure.cstore(archive, [work / "large"])
        for number in range(others):
            family = f"Other{number:02d}"
            corpus.make(work / family, OTHER_SLICES, seed=family, family=family)
            measure.cstore(archive, [work / family])
        for _ in range(rounds):
            for name, address in addresses.items():
                said = [name, address, peers.PASSWORD, "Large", str(slices), str(others)]
                command = ["node", str(ROOT / "bench" / "viewing.mjs"), *said]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=1800)
                runs[name].append(json.loads(done.stdout))
                print(f"viewing, {name}: {done.stdout.strip()}", flush=True)
    finally:
        nginx.stop()
        archive.stop()
    return runs


# name -> (sentence, unit)
_ROWS = {
    "first": ("from the click on a study to its first image", "ms"),
    "whole": ("from the click to the last image of the series", "ms"),
    "memory": ("memory of the page after {others} studies more, one after the other", "MB"),
}


def table(runs: Runs, slices: int, others: int) -> str:
    """A Markdown table of the medians, and how many times less ours is."""
    studies = f"A CT of {slices} slices of 512 KB and {others} studies of {OTHER_SLICES}; 1280 × 800 pixels, no GPU; "
    rounds = f"median of {len(runs['isocenter'])} alternating rounds."
    lines = [studies + rounds, "", "| | Isocenter | OHIF | ratio |", "|---|---|---|---|"]
    for name, (sentence, unit) in _ROWS.items():
        ours, theirs = (_median(runs[viewer], name) for viewer in ("isocenter", "ohif"))
        ratio = f"**{theirs / ours:.1f}×**" if ours and theirs else "–"
        lines.append(f"| {sentence.format(others=others)} | {_told(ours, unit)} | {_told(theirs, unit)} | {ratio} |")
    return "\n".join(lines) + "\n"


def _median(runs: list[dict[str, Any]], name: str) -> float | None:
    values = [run[name] for run in runs if run[name] is not None]
    return statistics.median(values) if len(values) == len(runs) else None


def _told(value: float | None, unit: str) -> str:
    return "not within two minutes" if value is None else f"{value:.0f} {unit}"
