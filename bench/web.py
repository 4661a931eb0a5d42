"""DICOMweb beside Orthanc's, and beside nginx that has the same bytes as plain files: what the network and the client allow."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from pathlib import Path

from bench import corpus, measure, peers
from bench.peers import Peer

CONNECTIONS = (1, 8, 32)
SECONDS = 5
STORED = 100  # slices in one STOW-RS request

Figures = dict[str, dict[str, list[float]]]


def beside(work: Path, source: Path, study: str, series: str, rounds: int, figures: Figures) -> None:
    """Every server in turn, `rounds` times."""
    files = work / "static"
    servers = [peers.isocenter(work / "web-isocenter"), peers.orthanc(work / "web-orthanc")]
    try:
        for peer in servers:
            measure.cstore(peer, [source])
        frames = {peer.name: _paths(peer, study, series) for peer in servers}
        _copy(servers[0], frames["isocenter"], study, series, source, files)
        servers.append(peers.nginx(work / "nginx", files))
        frames["nginx"] = [f"/frames/{index}" for index in range(len(frames["orthanc"]))]
        for number in range(rounds):
            for peer in servers:
                for connections in CONNECTIONS:
                    rate, _ = measure.throughput(peer, frames[peer.name], connections, SECONDS)
                    _note(figures, f"frames{connections}", peer, rate, f"{rate:.0f}/s")
            for peer in servers:
                _documents(peer, study, series, figures)
            for peer in servers:
                _rendered(peer, frames[peer.name], 90 - number, figures)
            body = _stow_body(work / f"stow-{number}", number)
            for peer in servers:
                _stow(peer, body, number, figures)
        figures["memory-web"]["isocenter"].append(max(servers[0].memory_mb().values()))
    finally:
        for peer in servers:
            peer.stop()


def _note(figures: Figures, name: str, peer: Peer, value: float, told: str) -> None:
    figures[name][peer.name].append(value)
    print(f"{name}, {peer.name}: {told}", flush=True)


def _paths(peer: Peer, study: str, series: str) -> list[str]:
    """The path of each instance's frame, in the order of the instances' UIDs, so that all servers are asked in the same."""
    body = _body(peer, f"/studies/{study}/series/{series}/instances?limit=5000", "application/dicom+json")
    found = sorted(instance["00080018"]["Value"][0] for instance in json.loads(body))
    return [f"{peer.dicomweb}/studies/{study}/series/{series}/instances/{uid}/frames/1" for uid in found]


def _body(peer: Peer, path: str, accept: str, **headers: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", peer.http_port, timeout=120)
    connection.request("GET", peer.dicomweb + path, headers={**peer.headers, "Accept": accept, **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{peer.name} answered {answer.status} to {path}: {body[:300]!r}")
    return body


def _copy(peer: Peer, frames: list[str], study: str, series: str, source: Path, files: Path) -> None:
    """What Isocenter answers, as files for nginx."""
    for folder in ("frames", "rendered", "stow"):
        (files / folder).mkdir(parents=True)
    files.chmod(0o777)
    (files / "stow").chmod(0o777)
    root = f"/studies/{study}/series/{series}"
    (files / "metadata").write_bytes(_body(peer, f"{root}/metadata", "application/dicom+json", **{"Accept-Encoding": "gzip"}))
    (files / "series").write_bytes(_body(peer, root, measure.INSTANCES))
    (files / "qido").write_bytes(_body(peer, "/studies?limit=4", "application/dicom+json"))
    for index, file in enumerate(sorted(source.glob("*.dcm"))):
        (files / "frames" / str(index)).write_bytes(file.read_bytes()[-corpus.ROWS * corpus.COLUMNS * 2 :])
    for index, path in enumerate(frames):
        picture = _body(peer, f"{path.removeprefix(peer.dicomweb)}/rendered?quality=91", "image/jpeg")
        (files / "rendered" / str(index)).write_bytes(picture)


def _documents(peer: Peer, study: str, series: str, figures: Figures) -> None:
    root = f"/studies/{study}/series/{series}"
    questions = {
        "metadata": (f"{root}/metadata", "application/dicom+json", {"Accept-Encoding": "gzip"}),
        "series": (root, measure.INSTANCES, {}),
        "qido": ("/studies?limit=4", "application/dicom+json", {}),
    }
    for name, (path, accept, headers) in questions.items():
        asked = f"/{name}" if peer.name == "nginx" else path
        seconds = measure.median_of(7, lambda p=asked, a=accept, h=headers: measure.get(peer, p, a, **h)[0])  # type: ignore[misc]
        _note(figures, name, peer, seconds, f"{seconds * 1000:.1f} ms")


def _rendered(peer: Peer, frames: list[str], quality: int, figures: Figures) -> None:
    """Each frame once on one connection, in a quality that nobody has asked for yet; then as often as 8 connections can."""
    if peer.name == "nginx":
        paths = [path.replace("/frames/", "/rendered/") for path in frames]
    else:
        paths = [f"{path}/rendered?quality={quality}" for path in frames]
    connection = http.client.HTTPConnection("127.0.0.1", peer.http_port, timeout=120)
    taken = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path, headers={**peer.headers, "Accept": "image/jpeg"})
        answer = connection.getresponse()
        picture = answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status != 200 or not picture.startswith(b"\xff\xd8"):
            raise SystemExit(f"{peer.name} answered {answer.status} to {path}: {picture[:300]!r}")
    connection.close()
    _note(figures, "rendered", peer, statistics.median(taken), f"{statistics.median(taken) * 1000:.1f} ms")
    rate, _ = measure.throughput(peer, paths, 8, SECONDS, accept="image/jpeg")
    _note(figures, "rendered8", peer, rate, f"{rate:.0f}/s")


def _stow_body(folder: Path, number: int) -> bytes:
    corpus.make(folder, STORED, seed=f"isocenter-bench-stow-{number}")
    parts = (b"--bench\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() for file in sorted(folder.glob("*.dcm")))
    return b"\r\n".join(parts) + b"\r\n--bench--\r\n"


def _stow(peer: Peer, body: bytes, number: int, figures: Figures) -> None:
    """One request with many slices that nobody has yet; nginx only puts the body on the disk."""
    method, path = ("PUT", f"/stow/{number}") if peer.name == "nginx" else ("POST", f"{peer.dicomweb}/studies")
    headers = {**peer.headers, "Accept": "application/dicom+json",
               "Content-Type": 'multipart/related; type="application/dicom"; boundary=bench'}  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", peer.http_port, timeout=300)
    began = time.perf_counter()
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    told = answer.read()
    seconds = time.perf_counter() - began
    connection.close()
    stored = answer.status in (200, 201, 204) and (peer.name == "nginx" or told.count(b"00081155") >= STORED)
    if not stored:
        raise SystemExit(f"STOW-RS to {peer.name}: {answer.status} {told[:300]!r}")
    _note(figures, "stow", peer, seconds, f"{seconds:.2f} s")
