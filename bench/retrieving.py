"""C-GET and C-MOVE of a series: dcmtk's getscu, and movescu to dcmtk's storescp, both of which throw away what they get."""

from __future__ import annotations

import statistics
import subprocess
import time
from pathlib import Path

from bench import measure, peers

REPEATED = 5

Figures = dict[str, dict[str, list[float]]]


def beside(work: Path, source: Path, study: str, rounds: int, figures: Figures) -> None:
    """Each round every archive is asked in turn, once unmeasured and then REPEATED times."""
    sink = peers.storescp(work / "sink", "--ignore")
    folder = work / "retrieve-isocenter"
    known = {"sink": ["STORESCP", "127.0.0.1", sink.dicom_port]}
    servers = [peers.isocenter(folder), peers.orthanc(work / "retrieve-orthanc", known)]
    command = ["peer", "add", "STORESCP", "127.0.0.1", str(sink.dicom_port), "--data", str(folder)]
    subprocess.run(peers.isocenter_command(*command), check=True, stdout=subprocess.DEVNULL)
    try:
        for peer in servers:
            measure.cstore(peer, [source])
        for number in range(rounds):
            for peer in servers:
                for name, once in (("cget", _get), ("cmove", _move)):
                    once(peer, study)
                    before = peer.cpu_seconds()
                    seconds = statistics.median(once(peer, study) for _ in range(REPEATED))
                    figures[name][peer.name].append(seconds)
                    figures[f"{name}-cpu"][peer.name].append((peer.cpu_seconds() - before) / REPEATED)
                    print(f"{name} {number}, {peer.name}: {seconds * 1000:.0f} ms", flush=True)
    finally:
        for peer in (*servers, sink):
            peer.stop()


def _get(peer: peers.Peer, study: str) -> float:
    return _run(["getscu", "--ignore", "-pdu", "131072"], peer, study)


def _move(peer: peers.Peer, study: str) -> float:
    return _run(["movescu", "-aem", "STORESCP"], peer, study)


def _run(command: list[str], peer: peers.Peer, study: str) -> float:
    keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "-v", "-S", "-aet", "BENCH", "-aec", peer.aet, *keys, "127.0.0.1", str(peer.dicom_port)],
        env=peers.ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode or "Response (Success)" not in done.stdout:
        raise SystemExit(f"{command[0]} and {peer.name}: {done.stdout[-500:]}")
    return seconds
