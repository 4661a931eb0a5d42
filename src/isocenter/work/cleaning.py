"""Deliveries to a destination of a project: what is sent are cleaned copies, a few at a time; what cannot be cleaned is not sent.

The channels send what is in the index; so they are given rows whose keys name the copies, and blobs that open those. Answers come
back under the new UIDs, and are noted under the ones that the delivery knows.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from isocenter.dicom import meta
from isocenter.dicom.source import FileSource
from isocenter.domain.deidentification_report import HELD, Done
from isocenter.domain.errors import IsocenterError
from isocenter.service import deidentification_reports as reports
from isocenter.service import deidentifying
from isocenter.service.context import Context
from isocenter.service.deidentifying import HeldBack, Kept
from isocenter.service.deliveries import Round
from isocenter.service.sending import Stored
from isocenter.store.blobs import Blobs
from isocenter.store.open_files import LocalFile, OpenFile

TOGETHER = 32  # copies that are on the disk at once, and instances of one association
_PIECE = 1 << 20
_REFUSED = 0xC000  # as a failure of C-STORE: "cannot understand"; the reason says what it is


@dataclass
class _Copies:
    """The blobs of cleaned copies: nothing else can be opened by it, so nothing else can be sent."""

    files: dict[str, BinaryIO]

    def open(self, key: str, size: int = 0) -> OpenFile:
        """The copy under a key."""
        return LocalFile(os.dup(self.files[key].fileno()))


@dataclass
class _Renamed:
    """A round that is told of copies and knows the originals."""

    task: Round
    originals: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def note(self, sop_instance_uid: str, status: int, reason: str, *, arrived: bool) -> None:
        """What became of a copy, noted for its original."""
        self.task.note(self.originals[sop_instance_uid], status, reason, arrived=arrived)


def send(context: Context, task: Round, kept: Kept, held: Sequence[Stored],
         channel: Callable[[Context, Round, Sequence[Stored]], None]) -> None:
    """Send instances as the project has them, noting each, and with it what was removed. Raises what the channel raises."""
    study, before, done = task.task.study_instance_uid, dict[str, Done](), dict[str, Done]()
    count = reports.delivered(context, deidentifying.summary(kept), study, task.task.id, task.destination.name)
    task.along = lambda connection, arrived: count(connection, [(before | done)[uid] for uid in arrived])
    for start in range(0, len(held), TOGETHER):
        if task.unwanted():
            return
        before, done = done, {}  # answers are kept some later than they come, fewer than go together
        with ExitStack() as stack:
            copies, originals, files = [], dict[str, str](), dict[str, BinaryIO]()
            for original, each, file, made in _made(context, task, kept, held[start : start + TOGETHER], stack):
                files[each.blob_key] = file
                copies.append(each)
                originals[each.sop_instance_uid], done[original] = original, made
            if copies:
                cleaned = replace(context, blobs=cast(Blobs, _Copies(files)))
                channel(cleaned, cast(Round, _Renamed(task, originals)), copies)


def _made(context: Context, task: Round, kept: Kept, held: Sequence[Stored],
          stack: ExitStack) -> Iterator[tuple[str, Stored, BinaryIO, Done]]:
    """The UID of each original, its copy, the file of that and what was done."""
    for stored in held:
        try:
            with deidentifying.cleaned(context, kept, stored) as cleaned:
                made = cleaned.made
                file = stack.enter_context(context.scratch(made.file.size))
                offset = 0
                while piece := made.file.read_at(offset, _PIECE):
                    offset += file.write(piece)
                file.flush()
        except HeldBack as error:
            task.note(stored.sop_instance_uid, _REFUSED, f"{HELD}{error}"[:500], arrived=False)
            continue
        except IsocenterError as error:
            task.note(stored.sop_instance_uid, _REFUSED, error.message, arrived=False)
            continue
        about = meta.file_meta_of(FileSource(file.fileno()))
        copy = replace(
            stored, study_instance_uid=made.study_instance_uid, series_instance_uid=made.series_instance_uid,
            sop_instance_uid=made.sop_instance_uid, transfer_syntax_uid=about.transfer_syntax_uid, size=made.file.size,
            dataset_offset=about.dataset_offset, blob_key=f"cleaned/{stored.sop_instance_uid}", corrected="", sha256="",
        )  # fmt: skip
        yield stored.sop_instance_uid, copy, file, cleaned.done
