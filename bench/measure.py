"""What is measured: each function answers one figure of one peer. The loads are storescu, wrk and plain sockets."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.peers import ENVIRONMENT, Peer

FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
INSTANCES = 'multipart/related; type="application/dicom"; transfer-syntax=*'

WRK = """
local paths, n = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
local headers = {}
for line in io.lines(os.getenv("BENCH_HEADERS")) do
  local key, value = line:match("^([^:]+): (.*)$")
  headers[key] = value
end
request = function()
  n = n % #paths + 1
  return wrk.format("GET", paths[n], headers)
end
done = function(summary)
  io.write(string.format("BENCH %d %d %d %d\\n", summary.requests, summary.duration, summary.bytes,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
"""


def split(source: Path, target: Path, parts: int) -> list[Path]:
    """`parts` folders of links to the files of `source`, dealt in turn."""
    folders = [target / f"part{part}" for part in range(parts)]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for index, file in enumerate(sorted(source.glob("*.dcm"))):
        os.link(file, folders[index % parts] / file.name)
    return folders


def cstore(peer: Peer, folders: list[Path]) -> tuple[float, float]:
    """Send each folder on an association of its own, all at once: (wall seconds, server CPU seconds)."""
    before, start = peer.cpu_seconds(), time.perf_counter()
    command = ["storescu", "-q", "--max-pdu", "131072", "-aet", "BENCH", "-aec", peer.aet, "127.0.0.1", str(peer.dicom_port)]
    sends = [[*command, "--scan-directories", str(folder)] for folder in folders]
    senders = [subprocess.Popen(send, env=ENVIRONMENT, stderr=subprocess.PIPE) for send in sends]
    for sender in senders:
        _, errors = sender.communicate()
        if sender.returncode:
            raise SystemExit(f"storescu to {peer.name}: {errors.decode(errors='replace')[:500]}")
    return time.perf_counter() - start, peer.cpu_seconds() - before


def throughput(peer: Peer, paths: list[str], connections: int, seconds: int, accept: str = FRAMES) -> tuple[float, float]:
    """(answers a second, MB a second) of `connections` clients that go round `paths`."""
    with tempfile.TemporaryDirectory() as folder:
        script, urls, headers = (Path(folder, name) for name in ("w.lua", "paths", "headers"))
        script.write_text(WRK)
        urls.write_text("\n".join(paths))
        headers.write_text("\n".join(f"{key}: {value}" for key, value in {**peer.headers, "Accept": accept}.items()))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(script),
                   f"http://127.0.0.1:{peer.http_port}"]  # fmt: skip
        environment = {**ENVIRONMENT, "BENCH_PATHS": str(urls), "BENCH_HEADERS": str(headers)}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    match = re.search(r"^BENCH (\d+) (\d+) (\d+) (\d+)$", done, re.M)
    assert match, done
    requests, microseconds, size, errors = map(int, match.groups())
    if errors:
        raise SystemExit(f"{peer.name}: {errors} of {requests} answers were errors")
    return requests / microseconds * 1e6, size / microseconds


def get(peer: Peer, path: str, accept: str, **headers: str) -> tuple[float, int, bytes]:
    """One GET on a fresh connection: (seconds, bytes, first 64 KB)."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.http_port, timeout=120)
    start = time.perf_counter()
    connection.request("GET", peer.dicomweb + path, headers={**peer.headers, "Accept": accept, **headers})
    answer = connection.getresponse()
    head = answer.read(65536)
    size = len(head)
    buffer = bytearray(1 << 20)
    while count := answer.readinto(buffer):
        size += count
    seconds = time.perf_counter() - start
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{peer.name} answered {answer.status} to {path}: {head[:300]!r}")
    return seconds, size, head


def median_of(times: int, call: Callable[[], float]) -> float:
    """The median of `times` calls after one that warms up."""
    call()
    return statistics.median(call() for _ in range(times))
