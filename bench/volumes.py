"""`make bench ARGS="--only volume"`: a CT of a thousand slices as a volume in a page of 2 GB; what scrolling and turning cost."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from bench import corpus, measure, peers

ROOT = Path(__file__).parent.parent
LIMIT_MB = 2048


def opened(work: Path, slices: int) -> dict[str, Any]:
    """What it took: milliseconds, MB, and milliseconds of the page's own thread a step."""
    archive = peers.isocenter(work / "volume")
    try:
        corpus.make(work / "body", slices, seed="volume", family="Volume")
        measure.cstore(archive, [work / "body"])
        address = f"http://127.0.0.1:{archive.http_port}"
        said = [address, peers.PASSWORD, "Volume", str(slices), str(LIMIT_MB)]
        command = ["node", str(ROOT / "bench" / "volume.mjs"), *said]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=1800)
    finally:
        archive.stop()
    print(f"volume: {done.stdout.strip()}", flush=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(found: dict[str, Any]) -> str:
    """A Markdown table of one run."""
    confined = "its process confined to that by a cgroup" if found["limited"] else "not confined: no cgroup could be made"
    rows = [
        ("largest memory of the page", f"{found['memory']:.0f} MB of {found['limit']} ({confined})"),
        ("three planes, coarse / all slices in full", f"{found['early'] / 1000:.1f} s / {found['volume'] / 1000:.1f} s"),
        ("one step of the wheel through images: the page's thread", f"{found['scrollStep']:.1f} ms"),
        ("images drawn a second while the wheel turns 300 of them", f"{found['scrollRate']:.0f}"),
        ("one step of the wheel on three planes: the page's thread", f"{found['planesStep']:.1f} ms"),
        ("a body turned by the mouse: the page's thread a step", f"{found['turnStep']:.1f} ms"),
        ("and a picture of it from the workers, moving / at rest", f"{found['turnPicture']} ms / {found['fine']:.0f} ms"),
    ]
    head = f"A CT of {found['slices']} slices of 512 × 512, 1280 × 800 pixels, no GPU (SwiftShader).\n"
    return "\n".join([head, "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]) + "\n"
