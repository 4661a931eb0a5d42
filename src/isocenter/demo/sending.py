"""Sends the demonstration through the real door: C-STORE to a running server, like a modality."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isocenter.demo import studies
from isocenter.dimse.client import Association, contexts_of
from isocenter.domain.errors import Conflict

CALLING = "ISOCENTERDEMO"
EXPLICIT = "1.2.840.10008.1.2.1"


@dataclass(frozen=True, slots=True)
class Sent:
    """One object that the server has taken. title: of its series."""

    title: str


def total() -> int:
    """How many objects `send` will send."""
    return sum(series.count for series in studies.series()) + len(studies.samples())


def send(host: str, port: int, called: str) -> Iterator[Sent]:
    """Make and send everything, one object at a time. Raises Conflict when the server refuses one, Rejected, Lost."""
    samples, generated = studies.samples(), studies.series()
    kinds = {series.sop_class_uid: None for series in generated}
    contexts = [*contexts_of(samples), *((kind, (EXPLICIT,)) for kind in kinds)]
    with (
        tempfile.TemporaryDirectory(prefix="isocenter-demo-") as folder,
        Association(host, port, calling=CALLING, called=called, contexts=list(dict.fromkeys(contexts))) as association,
    ):
        for path in samples:
            _store(association, path)
            yield Sent("samples of pydicom")
        made = Path(folder) / "made.dcm"
        for series in generated:
            for ds in series.objects:
                studies.save(ds, made)
                _store(association, made)
                yield Sent(series.title)


def _store(association: Association, path: Path) -> None:
    result = association.store(path)
    if not result.stored:
        raise Conflict(f"the server answered {result.status:04X} to a C-STORE: {result.comment or 'no comment'}",
                       hint="its log has the reason")
