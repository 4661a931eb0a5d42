"""Counters for Prometheus, shared by all processes of one machine (multiprocess mode: files in PROMETHEUS_MULTIPROC_DIR).

A leaf that any floor may import. Labels are AE titles, outcomes and route names; never a UID, a path or patient data.
The variable must be set before this module is first imported, which `commands.roles` sees to.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Peers choose their own AE titles where unknown ones are accepted; each new label value costs memory for ever.
PEER_LIMIT = 200

INSTANCES = Counter("isocenter_instances_total", "Instances that came in, by door and outcome", ["source", "outcome", "peer"])
SENT = Counter("isocenter_instances_sent_total", "Instances sent to others by DICOM, by what they answered", ["outcome", "peer"])
BYTES = Counter("isocenter_instance_bytes_total", "Bytes of instances that were kept, by door", ["source"])
INGEST_SECONDS = Histogram("isocenter_ingest_seconds", "From the last byte of an instance to its durable commit", ["source"],
                           buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))
ASSOCIATIONS = Counter("isocenter_associations_total", "DICOM associations, by what became of them", ["outcome", "peer"])
ASSOCIATIONS_OPEN = Gauge("isocenter_associations_open", "DICOM associations open now", multiprocess_mode="livesum")
REQUESTS = Counter("isocenter_http_requests_total", "HTTP requests answered", ["area", "method", "status"])
REQUEST_SECONDS = Histogram("isocenter_http_request_seconds", "Until the first byte of an answer", ["area"],
                            buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))
SERIES_BUILT = Counter("isocenter_series_documents_total", "Series metadata documents built by the worker", ["outcome"])
COPIES = Counter("isocenter_viewing_copies_total", "Instances for which the worker was to make a copy for viewing", ["outcome"])

ALL = (INSTANCES, SENT, BYTES, INGEST_SECONDS, ASSOCIATIONS, ASSOCIATIONS_OPEN, REQUESTS, REQUEST_SECONDS, SERIES_BUILT, COPIES)

_peers: set[str] = set()
_lock = Lock()


def _peer(name: str) -> str:
    with _lock:
        if name not in _peers and len(_peers) >= PEER_LIMIT:
            return "other"
        _peers.add(name)
    return name


def instance(source: str, outcome: str, *, peer: str = "", size: int = 0, seconds: float | None = None) -> None:
    """Count one instance.

    source: dimse|stow|import|upload|print|hl7; outcome: stored|duplicate|version|quarantined|refused;
    size: bytes; seconds: from the last byte to the commit.
    """
    instances, bytes_, ingest_seconds = _of_instances(source, outcome, _peer(peer))
    instances.inc()
    if outcome in {"stored", "version", "quarantined"}:
        bytes_.inc(size)
    if seconds is not None:
        ingest_seconds.observe(seconds)


@lru_cache(256)
def _of_instances(source: str, outcome: str, peer: str) -> tuple[Counter, Counter, Histogram]:
    """Looking them up by their labels takes longer than counting."""
    return INSTANCES.labels(source, outcome, peer), BYTES.labels(source), INGEST_SECONDS.labels(source)


def sent(outcome: str, peer: str) -> None:
    """Count one instance that was to go to a peer: outcome success|warning|failure|lost (it never answered)."""
    SENT.labels(outcome, _peer(peer)).inc()


def association(outcome: str, peer: str = "") -> None:
    """Count one association: outcome accepted|rejected|released|aborted|timeout."""
    ASSOCIATIONS.labels(outcome, _peer(peer)).inc()


@contextmanager
def association_open() -> Iterator[None]:
    """Counts an association as open while the block runs."""
    ASSOCIATIONS_OPEN.inc()
    try:
        yield
    finally:
        ASSOCIATIONS_OPEN.dec()


def request(area: str, method: str, status: int, seconds: float) -> None:
    """Count one HTTP request. area is the first part of the path, so that the number of labels is bounded."""
    REQUESTS.labels(area, method, str(status)).inc()
    REQUEST_SECONDS.labels(area).observe(seconds)


def series_document(outcome: str) -> None:
    """Count one run over a dirty series: outcome built|failed."""
    SERIES_BUILT.labels(outcome).inc()


def viewing_copy(outcome: str) -> None:
    """Count one instance: outcome made|unsuitable|damaged (it cannot be read)|wrong (a codec erred, so there is no copy)."""
    COPIES.labels(outcome).inc()


def forget_process(pid: int) -> None:
    """A child has ended: its live gauges no longer count."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def exposition(gauges: dict[str, tuple[str, float]] | None = None, *, counted: bool = True) -> bytes:
    """Everything in Prometheus' text format; gauges: name -> (help, value), facts read at this moment.

    counted: also what the processes have counted, which is of all institutions that share them.
    """
    registry = CollectorRegistry()
    if not counted:
        pass
    elif os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for metric in ALL:
            registry.register(metric)
    for name, (text, value) in (gauges or {}).items():
        Gauge(name, text, registry=registry).set(value)
    return generate_latest(registry)
