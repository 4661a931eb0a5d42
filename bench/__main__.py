"""`make bench`: Isocenter against Debian's Orthanc, dcmtk's storescp and nginx, alternating in one run; writes docs."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import corpus, finding, measure, peers, report, retrieving

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


def _paths(peer: peers.Peer, study: str, series: str) -> list[str]:
    _, _, body = _whole(peer, f"/studies/{study}/series/{series}/instances?limit=5000")
    found = [instance["00080018"]["Value"][0] for instance in json.loads(body)]
    return [f"{peer.dicomweb}/studies/{study}/series/{series}/instances/{uid}/frames/1" for uid in found]


def _whole(peer: peers.Peer, path: str) -> tuple[float, int, bytes]:
    import urllib.request

    request = urllib.request.Request(peer.url(path), headers={**peer.headers, "Accept": "application/dicom+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body = answer.read()
    return 0.0, len(body), body


def _web(work: Path, source: Path, study: str, series: str, rounds: int, figures: Figures) -> None:
    servers = [peers.isocenter(work / "web-isocenter"), peers.orthanc(work / "web-orthanc")]
    raw = work / "raw"
    try:
        for peer in servers:
            measure.cstore(peer, [source])
        raw.mkdir()
        for index, file in enumerate(sorted(source.glob("*.dcm"))):
            (raw / str(index)).write_bytes(file.read_bytes()[-512 * 512 * 2 :])
        static = peers.nginx(work / "nginx", raw)
        servers.append(static)
        frames = {peer.name: _paths(peer, study, series) for peer in servers[:2]}
        frames["nginx"] = [f"/{index}" for index in range(len(frames["orthanc"]))]
        for _ in range(rounds):
            for peer in servers:
                for connections in (1, 8):
                    rate, _ = measure.throughput(peer, frames[peer.name], connections, 5)
                    figures[f"frames{connections}"][peer.name].append(rate)
                    print(f"frames, {connections} connection(s), {peer.name}: {rate:.0f}/s", flush=True)
            for peer in servers[:2]:
                _series(peer, study, series, figures)
        for peer in servers[:1]:
            figures["memory-web"][peer.name].append(max(peer.memory_mb().values()))
    finally:
        for peer in servers:
            peer.stop()


def _series(peer: peers.Peer, study: str, series: str, figures: Figures) -> None:
    root = f"/studies/{study}/series/{series}"
    questions = {
        "metadata": (f"{root}/metadata", "application/dicom+json", {"Accept-Encoding": "gzip"}),
        "series": (root, measure.INSTANCES, {}),
        "qido": ("/studies?limit=4", "application/dicom+json", {}),
    }
    for name, (path, accept, headers) in questions.items():
        seconds = measure.median_of(7, lambda p=path, a=accept, h=headers: measure.get(peer, p, a, **h)[0])  # type: ignore[misc]
        figures[name][peer.name].append(seconds)
        print(f"{name}, {peer.name}: {seconds * 1000:.1f} ms", flush=True)


def main() -> None:
    """Run everything; `--quick` is a fifth of it, for trying a change, and writes nothing."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--quick", action="store_true", help="fewer slices and one round; prints only")
    parser.add_argument("--only", choices=["cstore", "find", "retrieve", "web"], help="one part")
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    slices, rounds = (200, 1) if options.quick else (options.slices, options.rounds)
    figures: Figures = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="isocenter-bench-") as folder:
        work = Path(folder)
        source, small = work / "corpus", work / "corpus-250"
        corpus.make(source, slices)
        study, series = corpus.make(small, min(slices, 250), seed="isocenter-bench-web")
        if options.only in (None, "cstore"):
            _cstore(work, source, rounds, figures)
        if options.only in (None, "web"):
            _web(work, small, study, series, rounds, figures)
        if options.only in (None, "retrieve"):
            retrieving.beside(work, small, study, rounds, figures)
        grown: dict[int, float] = {}
        if options.only in (None, "find"):
            finding.beside(work, rounds, figures)
            grown = finding.grown(work, (10_000, 100_000) if options.quick else (10_000, 100_000, 1_000_000))
    medians = {name: {peer: statistics.median(values) for peer, values in row.items()} for name, row in figures.items()}
    text = report.table(medians, slices, rounds, grown)
    print(text)
    if not options.quick and not options.only:
        report.write(text)


if __name__ == "__main__":
    main()
