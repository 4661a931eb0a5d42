"""Our viewer beside OHIF: the same archive, browser, studies and clicks; both behind the same nginx."""

from __future__ import annotations

import json
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


def beside(work: Path, source: Path, slices: int, others: int, rounds: int) -> Runs:
    """What each viewer took in each round; milliseconds and MB. source: the folder of the study of `slices` images."""
    subprocess.run([ROOT / "scripts" / "ohif.sh"], check=True)
    sys.path.insert(0, str(ROOT / "tests"))
    import ohif

    archive = peers.isocenter(work / "viewing")
    nginx, addresses = peers.viewers(work / "viewers", archive, OHIF, ohif.configuration())
    runs: Runs = {name: [] for name in addresses}
    try:
        measure.cstore(archive, [source])
        for number in range(others):
            family = f"Other{number:02d}"
            corpus.make(work / family, OTHER_SLICES, seed=family, family=family)
            measure.cstore(archive, [work / family])
        for _ in range(rounds):
            for name, address in addresses.items():
                said = [name, address, peers.PASSWORD, "Bench", str(slices), str(others)]
                command = ["node", str(ROOT / "bench" / "viewing.mjs"), *said]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=1800)
                runs[name].append(json.loads(done.stdout))
                print(f"viewing, {name}: {done.stdout.strip()}", flush=True)
    finally:
        nginx.stop()
        archive.stop()
    return runs
