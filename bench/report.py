"""Figures into the table of docs/benchmarks.md: medians, and the ratio that DESIGN 5 asks for."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
# name -> (sentence, other peer, unit, is more better, at least, aim)
ROWS = {
    "cstore1": ("C-STORE, 1 association", "orthanc", "s", False, 2.0, 3.0),
    "cstore4": ("C-STORE, 4 associations", "orthanc", "s", False, 1.6, 2.0),
    "cstore1-cpu": ("server CPU of that, 1 association", "orthanc", "s", False, None, None),
    "cget": ("C-GET, 250 slices of 512 KB", "orthanc", "ms", False, 1.0, 1.5),
    "cget-cpu": ("server CPU of that", "orthanc", "s", False, None, None),
    "cmove": ("C-MOVE, 250 slices of 512 KB, 1 association", "orthanc", "ms", False, 1.0, 1.5),
    "cmove-cpu": ("server CPU of that", "orthanc", "s", False, None, None),
    "frames1": ("frames a second, 1 connection", "orthanc", "/s", True, None, None),
    "frames8": ("frames a second, 8 connections", "orthanc", "/s", True, 3.0, 6.0),
    "frames32": ("frames a second, 32 connections", "orthanc", "/s", True, None, None),
    "rendered": ("rendered as JPEG for the first time, one connection", "orthanc", "ms", False, None, None),
    "rendered8": ("rendered as JPEG again, 8 connections", "orthanc", "/s", True, None, None),
    "metadata": ("series metadata, 250 slices, warm, gzip", "orthanc", "ms", False, 20.0, None),
    "series": ("WADO-RS whole series, 250 slices of 512 KB", "orthanc", "ms", False, 1.0, 1.5),
    "stow": ("STOW-RS, 100 slices of 512 KB in one request", "orthanc", "s", False, None, None),
    "find": ("C-FIND of name, month and modality, 2,000 studies, p95", "orthanc", "ms", False, None, None),
    "qido": ("QIDO, first studies", "orthanc", "ms", False, None, None),
}
Medians = dict[str, dict[str, float]]


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.1f} ms" if unit == "ms" else f"{value:.0f}/s" if unit == "/s" else f"{value:.2f} s"


def measured_on() -> str:
    """When and on what, as the beginning of a page's part."""
    day = datetime.datetime.now(datetime.UTC).date()
    return f"Measured on {day}, {os.cpu_count()} cores, {platform.system()}.\n\n"


def table(medians: Medians, slices: int, rounds: int) -> str:
    """A Markdown table of every figure at hand, ratios against Orthanc, other peers beside it."""
    lines = [
        f"Measured on {datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores, {platform.system()}, "
        f"{slices} slices of 512 KB, median of {rounds} alternating rounds.",
        "",
        "| | Isocenter | Orthanc | ratio | at least | aim | others |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (sentence, other, unit, more, least, aim) in ROWS.items():
        if name not in medians or "isocenter" not in medians[name]:
            continue
        row = medians[name]
        ours, theirs = row["isocenter"], row.get(other)
        ratio = None if theirs is None else (ours / theirs if more else theirs / ours)
        beside = ", ".join(f"{peer} {_number(value, unit)}" for peer, value in row.items() if peer not in ("isocenter", other))
        bars = [f"{bar:g}×" if bar else "–" for bar in (least, aim)]
        lines.append(
            f"| {sentence} | {_number(ours, unit)} | {_number(theirs, unit)} | "
            f"{'–' if ratio is None else f'**{ratio:.1f}×**'} | {bars[0]} | {bars[1]} | {beside} |"
        )
    memory = [medians[name]["isocenter"] for name in ("memory", "memory-web") if name in medians]
    if memory:
        lines += ["", f"Largest process of Isocenter under these loads: {max(memory):.0f} MB (bar: 250 MB)."]
    return "\n".join(lines) + "\n"


def write(name: str, text: str) -> None:
    """Put a part between its marks in docs/benchmarks.md."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = DOCUMENT.read_text(encoding="utf-8")
    head, rest = page.split(begin, 1)
    _, tail = rest.split(end, 1)
    DOCUMENT.write_text(f"{head}{begin}\n{text}{end}{tail}", encoding="utf-8")
