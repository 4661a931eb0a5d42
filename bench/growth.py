"""What grows with the archive and what does not: study list, QIDO-RS, C-FIND and ingest over ten thousand to a million studies.

    make bench ARGS="--only growth --work DIR"

The filled databases stay in DIR/growth and are used again; so are the figures of every size that was measured (growth.json), so
that a stopped run goes on where it was. `--again` measures all sizes anew.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import statistics
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import filling, finding, peers, postgresql
from isocenter.dimse.client import Association, contexts_of
from isocenter.store.database import Database

SIZES = (10_000, 100_000, 1_000_000)
ENGINES = ("SQLite", "PostgreSQL")
QUESTIONS = 200
STORED = 200

# name -> sentence. As a user of the server sees it, on one connection that stays open.
KINDS = {
    "list": "study list, first page",
    "search": "study list, what one types: a name's beginning, or with a modality or dates",
    "qido": "QIDO-RS studies: name's beginning, month and modality, limit 100",
    "series": "QIDO-RS series of a study",
    "instances": "QIDO-RS instances of a series, 25",
    "find": "C-FIND: name's beginning, month and modality",
    "rare": "QIDO-RS studies of a modality that is rare, series of an accession number",
    "cstore": "C-STORE of a small object, one association",
}
Times = tuple[float, float]  # median and p95, seconds
Curves = dict[str, dict[str, Any]]


def measured(work: Path, sizes: tuple[int, ...], again: bool) -> Curves:
    """Times by "ENGINE SIZE" and kind, and "memory": MB of the largest process."""
    folder = work / "growth"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "growth.json"
    curves: Curves = json.loads(kept.read_text()) if kept.exists() and not again else {}
    for engine in ENGINES:
        todo = [size for size in sizes if f"{engine} {size}" not in curves]
        if not todo:
            continue
        server = postgresql.running(folder / "postgresql") if engine == "PostgreSQL" else contextlib.nullcontext(folder)
        with server as place:
            for size in todo:
                data = folder / f"{engine.lower()}-{size}"
                url = f"sqlite:///{data}/index.sqlite" if engine == "SQLite" else postgresql.database(place, f"studies_{size}")
                print(f"{engine}, {size:,} studies: filling", flush=True)
                database = Database(url)
                filling.fill(database, size)
                database.close()
                curves[f"{engine} {size}"] = _one(data, url, size)
                kept.write_text(json.dumps(curves, indent=1))
    return {name: row for name, row in curves.items() if int(name.split()[1]) in sizes}


def _one(data: Path, url: str, size: int) -> dict[str, Any]:
    data.mkdir(exist_ok=True)
    objects = _objects(data / "sent")
    peer = peers.isocenter(data, "--database", url)
    try:
        figures: dict[str, Any] = {kind: _asked(peer, questions, size) for kind, questions in _PATHS.items()}
        finding.ask(peer)
        figures["find"] = _times(finding.ask(peer)[0])
        figures["cstore"] = _stored(peer, objects)
        figures["memory"] = max(peer.memory_mb().values())
    finally:
        peer.stop()
    told = ", ".join(f"{kind} {_cell(value)}" for kind, value in figures.items() if kind != "memory")
    print(f"median and p95 in ms: {told}; {figures['memory']:.0f} MB", flush=True)
    return figures


def _times(taken: list[float]) -> Times:
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def _cell(times: Times) -> str:
    return f"{times[0] * 1000:.1f} / {times[1] * 1000:.1f}"


def _asked(peer: peers.Peer, questions: Callable[[random.Random, int], str], size: int) -> Times:
    """Of a GET, after a round that warms the caches."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.http_port, timeout=120)
    taken: list[float] = []
    for seed in (1, 2):
        made, taken = random.Random(seed), []
        for _ in range(QUESTIONS if seed == 2 else 20):
            path = questions(made, size)
            began = time.perf_counter()
            connection.request("GET", path, headers={**peer.headers, "Accept": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            taken.append(time.perf_counter() - began)
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
    connection.close()
    return _times(taken)


def _first_page(made: random.Random, size: int) -> str:
    sort = made.choice(("-StudyDate", "PatientName", "-received_at", "PatientID", "StudyDescription", "-PatientBirthDate"))
    return f"/api/v1/studies?sort={sort}&limit=100"


def _typed(made: random.Random, size: int) -> str:
    start = made.choice(filling.FAMILIES)[: made.randint(2, 6)]
    date = f"{made.randint(2010, 2026)}{made.randint(1, 12):02}"
    more = made.choice(("", f"&ModalitiesInStudy={made.choice(filling.MODALITIES)}", f"&StudyDate={date}01-{date}28"))
    return f"/api/v1/studies?{made.choice(('q', 'PatientName'))}={urllib.parse.quote(start)}{more}&sort=-StudyDate&limit=100"


def _month(made: random.Random, size: int) -> str:
    date = f"{made.randint(2010, 2026)}{made.randint(1, 12):02}"
    keys = {"PatientName": f"{made.choice(filling.FAMILIES)[:3]}*", "StudyDate": f"{date}01-{date}28",
            "ModalitiesInStudy": made.choice(filling.MODALITIES), "limit": "100"}  # fmt: skip
    return f"/dicom-web/studies?{urllib.parse.urlencode(keys)}"


def _series(made: random.Random, size: int) -> str:
    return f"/dicom-web/studies/{_held(made, size).study['StudyInstanceUID']}/series"


def _instances(made: random.Random, size: int) -> str:
    held = _held(made, size)
    return f"/dicom-web/studies/{held.study['StudyInstanceUID']}/series/{held.series[0]['SeriesInstanceUID']}/instances"


def _rare(made: random.Random, size: int) -> str:
    if made.random() < 0.5:
        return f"/dicom-web/series?AccessionNumber={_held(made, size).study['AccessionNumber']}"
    return "/dicom-web/studies?ModalitiesInStudy=ECG&limit=100"


def _held(made: random.Random, size: int) -> filling.Made:
    """A study that has its instances in the index."""
    return filling.made(made.randint(1, size // filling.WITH_INSTANCES) * filling.WITH_INSTANCES)


_PATHS: dict[str, Callable[[random.Random, int], str]] = {
    "list": _first_page, "search": _typed, "qido": _month, "series": _series, "instances": _instances, "rare": _rare,
}  # fmt: skip


def _objects(folder: Path) -> list[Path]:
    """Small objects that no archive has yet: ten of each of some studies."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(STORED):
        study = f"2.25.{uuid.uuid4().int}" if number % 10 == 0 else study  # noqa: F821 - the first is a tenth
        ds = finding.small_object(filling.made(number // 10 + 1), f"{study}.1.{number}")
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.InstanceNumber = study, f"{study}.1", str(number % 10 + 1)
        paths.append(folder / f"{number}.dcm")
        ds.save_as(paths[-1], enforce_file_format=True)
    return paths


def _stored(peer: peers.Peer, paths: list[Path]) -> Times:
    """Of a C-STORE until its answer."""
    taken = []
    with Association("127.0.0.1", peer.dicom_port, calling="BENCH", called=peer.aet, contexts=contexts_of(paths)) as association:
        for path in paths:
            began = time.perf_counter()
            if not association.store(path).stored:
                raise SystemExit(f"{path} was not stored")
            taken.append(time.perf_counter() - began)
    return _times(taken)


def table(curves: Curves) -> str:
    """The curves as Markdown."""
    sizes = sorted({int(name.split()[1]) for name in curves})
    engines = [engine for engine in ENGINES if any(name.startswith(engine) for name in curves)]
    lines = [f"| median / p95 in ms | {' | '.join(f'{engine} {size:,}' for engine in engines for size in sizes)} |",
             "|---" * (1 + len(engines) * len(sizes)) + "|"]  # fmt: skip
    for kind, sentence in KINDS.items():
        lines.append(f"| {sentence} | {' | '.join(_cells(curves, engines, sizes, kind))} |")
    memory = max(row["memory"] for row in curves.values())
    return "\n".join([*lines, "", f"Largest process under these: {memory:.0f} MB (bar: 250 MB).\n"])


def _cells(curves: Curves, engines: list[str], sizes: list[int], kind: str) -> Iterator[str]:
    for engine in engines:
        for size in sizes:
            value = curves.get(f"{engine} {size}", {}).get(kind)
            yield "–" if value is None else _cell(value)
