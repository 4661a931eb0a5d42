"""Giving objects out: who may have them, where their bytes are, and a row in the change log for every look at a study.

`Retrieval` is made once a process and owns what makes the second look cheap: open files, the places of the frames of recent
series, metadata documents, and who has been noted as a reader of what. Instances are immutable, so what is remembered can only
be incomplete, never wrong; what the caller may see is judged anew for each request.
"""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal
from uuid import uuid4

from sqlalchemy import Connection

from isocenter.codecs.layout import Layout, layout_of
from isocenter.codecs.objects import Object
from isocenter.dicom import json as dicom_json
from isocenter.dicom import native, part10, syntaxes
from isocenter.dicom.frames import Frame, FrameTable
from isocenter.dicom.resolutions import Resolutions
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken, Busy, Missing, Unsupported
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import corrected, imaging, series_documents, viewing_copies
from isocenter.store.imaging import Located as StoredInstance
from isocenter.store.lru import LruCache
from isocenter.store.open_files import OpenFile, OpenFiles
from isocenter.store.viewing_copies import Copy

__all__ = ["Bulk", "Document", "Frames", "OpenFile", "Retrieval", "StoredInstance", "build_series_document", "joined"]

log = logging.getLogger(__name__)

FRESH_SECONDS = 5  # how long the facts of a study (and so who may see it) are believed without asking the index
SERIES_REMEMBERED = 32 << 20  # bytes, about, of what is remembered of series: some 20,000 instances
SEEN_REMEMBERED = 10_000  # that somebody may see a study
DOCUMENTS_REMEMBERED = 32 << 20  # bytes of compressed metadata
HEADERS_REMEMBERED = 32

_OCTETS = "application/octet-stream"
_DOCUMENT, _DOCUMENT_TYPE = "00420011", "00420012"
_MEDIA_TYPE = re.compile(r"[A-Za-z]+/[A-Za-z0-9.+-]+")
_PIECE = 1 << 20  # of a value that is converted; a multiple of every word

_VERIFY = "An administrator should run `isocenter verify`."
_NOT_HERE = "It may have been removed, or your account may not see it."


@dataclass(slots=True)
class _Series:
    """What is remembered of a series; the decoded frame tables come with use."""

    instances: Mapping[str, StoredInstance]
    encoded: Mapping[int, bytes]
    loaded_at: float
    tables: dict[int, FrameTable] = field(default_factory=dict)

    def cost(self) -> int:
        """Bytes of memory, about: a row with its UIDs and names, and each frame table twice."""
        return 8192 + 1536 * len(self.instances) + 2 * sum(map(len, self.encoded.values()))

    def table(self, located: StoredInstance) -> FrameTable | None:
        known = self.tables.get(located.id)
        if known is None and located.id in self.encoded:
            known = self.tables[located.id] = FrameTable.decode(self.encoded[located.id])
        return known


@dataclass(slots=True)
class _Copies:
    """What is remembered of a series' copies for viewing."""

    copies: dict[int, Copy]
    loaded_at: float
    tables: dict[int, tuple[FrameTable, Resolutions]] = field(default_factory=dict)

    def cost(self) -> int:
        """Bytes of memory, about."""
        return 1024 + sum(1024 + 2 * len(copy.frames) + 2 * len(copy.resolutions) for copy in list(self.copies.values()))


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one instance: its open file and the byte ranges of each frame.

    native: not compressed, so that they leave as little endian. table: None when frames must be worked on first; then
    `Retrieval.read_frame` gives their bytes. count: how many can be asked for. resolutions: of a copy for viewing, where each
    ends; reduction: how often the picture is halved, which then leaves out the rest of each frame.
    """

    instance: StoredInstance
    file: OpenFile
    native: bool
    count: int
    table: FrameTable | None
    resolutions: Resolutions | None = None
    reduction: int = 0

    def place(self, number: int) -> Frame:
        """(offset, length) of the parts of frame `number`, counted from 1. Raises Missing."""
        if self.table is None or not 1 <= number <= self.count:
            raise Missing(f"there is no frame {number}", where="frames", hint=f"The instance has {self.count}.")
        place = self.table[number - 1]
        if self.resolutions is None or not self.reduction:
            return place
        return ((place[0][0], self.resolutions.prefix(number - 1, self.reduction)),)


@dataclass(frozen=True, slots=True)
class Document:
    """A metadata document: gzip of a DICOM JSON array, and what tells its versions apart."""

    version: str
    compressed: bytes

    def text(self) -> Iterator[bytes]:
        """The JSON text in pieces."""
        return series_documents.inflate(self.compressed)


@dataclass(frozen=True, slots=True)
class Bulk:
    """One value: (offset, length) of its bytes. word: bytes that change places together to become little endian.

    direct: the ranges count in the file and leave as they are; otherwise `Retrieval.read_bulk` gives the bytes. media_type: what
    it is, where the object tells.
    """

    instance: StoredInstance
    file: OpenFile
    ranges: tuple[tuple[int, int], ...]
    word: int
    direct: bool
    media_type: str = _OCTETS

    @property
    def size(self) -> int:
        """Bytes of the whole value."""
        return sum(length for _, length in self.ranges)


class Retrieval:
    """Every way to get at stored objects. Safe to share between threads; all methods but `known_frames` may wait."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._files = OpenFiles(context.blobs)
        self._series: LruCache[tuple[str, str], _Series] = LruCache(SERIES_REMEMBERED, _Series.cost)
        self._seen: LruCache[tuple[access.Scope, str], float] = LruCache(SEEN_REMEMBERED, lambda _: 1)
        self._documents: LruCache[tuple[str, int, str], bytes] = LruCache(DOCUMENTS_REMEMBERED, len)
        self._copies: LruCache[int, _Copies] = LruCache(SERIES_REMEMBERED, _Copies.cost)
        self._headers: LruCache[str, part10.Header] = LruCache(HEADERS_REMEMBERED, lambda _: 1)
        self._layouts: LruCache[str, Layout] = LruCache(HEADERS_REMEMBERED, lambda _: 1)

    # ---- whole instances

    def instances(
        self, principal: Principal, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[StoredInstance]:
        """The served instances of a study, a series or an instance, by series and instance number. Raises Missing, Forbidden."""
        access.require(principal, Permission.STUDY_READ)
        scope = access.scope(principal, Permission.STUDY_READ)
        values, found = self._context.database.read(
            lambda connection: (
                imaging.study_values(connection, study_uid, scope),
                imaging.locate(connection, study_uid, series_uid, sop_uid),
            )
        )
        if not found and sop_uid is not None:
            found = self._rejected(principal, study_uid, series_uid, sop_uid)
        if values is None or not found:
            raise Missing("there is no such object", hint=_NOT_HERE)
        self._note(principal, study_uid)
        return found

    def objects(
        self, principal: Principal, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[StoredInstance]:
        """As `instances`, for who takes whole objects away: a link may be for looking only."""
        access.require_files(principal)
        return self.instances(principal, study_uid, series_uid, sop_uid)

    def _rejected(self, principal: Principal, study_uid: str, series_uid: str | None, sop_uid: str) -> list[StoredInstance]:
        """An instance that was rejected, for who may see those and names it: searches and whole studies never have it."""
        if not access.allow(principal, Permission.REJECTED_READ):
            return []
        found = self._context.database.read(lambda connection: imaging.locate_hidden(connection, study_uid, series_uid, sop_uid))
        return [] if found is None else [found]

    def open(self, instance: StoredInstance) -> OpenFile:
        """The file of an instance that the caller was given, as it is seen outside. Raises Broken when it is lost."""
        return corrected.seen(self._original(instance), instance)

    def _original(self, instance: StoredInstance) -> OpenFile:
        return self._files.open(instance.blob_key, instance.size)

    def _may_see(self, principal: Principal, study_uid: str) -> bool:
        """Whether a study that is held is one that they may look at; believed for FRESH_SECONDS."""
        if self._known_to_see(principal, study_uid):
            return True
        scope, asked_at = access.scope(principal, Permission.STUDY_READ), time.monotonic()
        found = self._context.database.read(lambda connection: imaging.study_values(connection, study_uid, scope))
        if found is not None:
            self._seen.put((scope, study_uid), asked_at)
        return found is not None

    def _known_to_see(self, principal: Principal, study_uid: str) -> bool:
        """As `_may_see`, when that is in memory; never waits."""
        scope = access.scope(principal, Permission.STUDY_READ)
        if scope == access.Everything():
            return True
        asked_at = self._seen.get((scope, study_uid))
        return asked_at is not None and time.monotonic() - asked_at <= FRESH_SECONDS

    # ---- frames

    def known_frames(self, principal: Principal, study_uid: str, series_uid: str, sop_uid: str) -> Frames | None:
        """The frames if everything about them is in memory, the reader has been noted and the file is open; never waits."""
        series = self._series.get((study_uid, series_uid))
        noted = self._context.accesses.is_noted(principal, Event.STUDY_READ, study_uid)
        if series is None or time.monotonic() - series.loaded_at > FRESH_SECONDS or not noted:
            return None
        access.require(principal, Permission.STUDY_READ)
        located = series.instances.get(sop_uid)
        if located is None or not self._known_to_see(principal, study_uid):
            return None
        file = self._files.known(located.blob_key)
        table = series.table(located)
        if file is None or table is None or file.size != located.size:
            return None
        frames = _frames(located, file, table)
        return frames if frames.table is not None else None

    def frames(self, principal: Principal, study_uid: str, series_uid: str, sop_uid: str) -> Frames:
        """The frames of an instance. Raises Missing (also when it has no pixel data), Forbidden, Unsupported, Broken."""
        access.require(principal, Permission.STUDY_READ)
        named = study_uid, series_uid, sop_uid
        series = self._located(*named) or self._located_rejected(principal, *named)
        if series is None or sop_uid not in series.instances or not self._may_see(principal, study_uid):
            raise Missing("there is no such instance", hint=_NOT_HERE)
        self._note(principal, study_uid)
        located = series.instances[sop_uid]
        file = self._original(located)  # in which the frame table counts; a correction concerns no pixels
        table = series.table(located)
        if table is not None:
            frames = _frames(located, file, table)
            if frames.table is not None:
                return frames
        header = self._header(located, file)
        count = native.count(header)
        if not count:
            raise Missing("the instance has no pixel data", where="PixelData")
        return Frames(located, file, True, count, None)

    def known_copy(self, frames: Frames) -> Frames | Literal["unknown"] | None:
        """As `copy_of`, when that is in memory; never waits."""
        series = self._copies.get(frames.instance.series_id)
        if series is None or time.monotonic() - series.loaded_at > FRESH_SECONDS:
            return "unknown"
        copy = series.copies.get(frames.instance.id)
        if copy is None or copy.original != frames.instance.sha256:
            return None
        file = self._files.known(copy.blob_key)
        return "unknown" if file is None else self._copied(frames, series, copy, file)

    def copy_of(self, frames: Frames) -> Frames | None:
        """The same frames in the instance's copy for viewing (HTJ2K, RPCL), whose bytes were verified; None without one."""
        series = self._copies.get(frames.instance.series_id)
        if series is None or time.monotonic() - series.loaded_at > FRESH_SECONDS:
            found = self._context.database.read(
                lambda connection: viewing_copies.of_series(connection, frames.instance.series_id)
            )
            series = _Copies({copy.instance_id: copy for copy in found}, time.monotonic())
            self._copies.put(frames.instance.series_id, series)
        copy = series.copies.get(frames.instance.id)
        if copy is None or copy.original != frames.instance.sha256:
            return None
        try:
            return self._copied(frames, series, copy, self._files.open(copy.blob_key, copy.size))
        except Broken:  # it is derived data: the original is there; `isocenter verify` has it made again
            log.warning("a copy for viewing is lost", extra={"facts": {"key": copy.blob_key}})
            series.copies.pop(copy.instance_id, None)
            return None
        except Busy:  # its bytes are on another machine still
            return None

    def _copied(self, frames: Frames, series: "_Copies", copy: Copy, file: OpenFile) -> Frames:
        known = series.tables.get(copy.instance_id)
        if known is None:
            known = series.tables[copy.instance_id] = copy.table(), copy.ends()
        table, ends = known
        instance = replace(frames.instance, transfer_syntax_uid=syntaxes.HTJ2K_LOSSLESS_RPCL, sha256=copy.sha256)
        return Frames(instance, file, False, len(table), table, ends)

    def read_frame(self, frames: Frames, number: int) -> bytes:
        """Frame `number`, counted from 1, of frames that must be worked on first. Raises Missing, Broken."""
        if not 1 <= number <= frames.count:
            raise Missing(f"there is no frame {number}", where="frames", hint=f"The instance has {frames.count}.")
        header = self._header(frames.instance, frames.file)
        try:
            return native.frame(frames.file, header, number - 1)
        except part10.Malformed as fault:
            raise Broken(f"the frame cannot be read: {fault.reason}", where=fault.where) from None

    def frame_bytes(self, frames: Frames, number: int) -> bytes:
        """Frame `number`, counted from 1, as it is stored; native ones little endian. Raises Missing, Broken, Busy."""
        if frames.table is None:
            return self.read_frame(frames, number)
        return b"".join([frames.file.read_at(offset, length) for offset, length in frames.place(number)])

    def describe(self, located: StoredInstance, file: OpenFile) -> Object:
        """What a conversion needs to know of an object. Raises Broken."""
        header = self._header(located, file)
        key = located.blob_key + corrected.of(file)
        layout = self._layouts.get(key)
        if layout is None:
            try:
                layout = layout_of(file, header)
            except part10.Malformed as fault:
                raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None
            self._layouts.put(key, layout)
        return Object(file, header, layout)

    def _header(self, located: StoredInstance, file: OpenFile) -> part10.Header:
        key = located.blob_key + corrected.of(file)
        header = self._headers.get(key)
        if header is None:
            try:
                header = part10.scan(file)
            except part10.Malformed as fault:
                raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None
            self._headers.put(key, header)
        return header

    def _located(self, study_uid: str, series_uid: str, sop_uid: str) -> _Series | None:
        """The series as remembered, when it is fresh and holds the instance; otherwise as the index has it now."""
        key = study_uid, series_uid
        series = self._series.get(key)
        if series is not None and sop_uid in series.instances and time.monotonic() - series.loaded_at <= FRESH_SECONDS:
            return series

        def load(connection: Connection) -> tuple[list[StoredInstance], dict[int, bytes]]:
            found = imaging.locate(connection, study_uid, series_uid)
            return found, imaging.frame_tables(connection, [located.id for located in found])

        loaded_at = time.monotonic()
        found, encoded = self._context.database.read(load)
        if not any(located.sop_instance_uid == sop_uid for located in found):
            return None
        series = _Series({located.sop_instance_uid: located for located in found}, encoded, loaded_at)
        self._series.put(key, series)
        return series

    def _located_rejected(self, principal: Principal, study_uid: str, series_uid: str, sop_uid: str) -> _Series | None:
        """As `_located`, remembered nowhere: what one caller may see is not there for the next."""
        found = self._rejected(principal, study_uid, series_uid, sop_uid)
        if not found:
            return None
        encoded = self._context.database.read(lambda connection: imaging.frame_tables(connection, [each.id for each in found]))
        return _Series({sop_uid: found[0]}, encoded, time.monotonic())

    # ---- metadata

    def series_document(self, principal: Principal, study_uid: str, series_uid: str, base: str) -> Document:
        """The metadata of a series; `base`: the address of DICOMweb, for bulk data. Raises Missing, Forbidden, Broken."""
        access.require(principal, Permission.STUDY_READ)
        scope = access.scope(principal, Permission.STUDY_READ)
        values, row = self._context.database.read(
            lambda connection: (
                imaging.study_values(connection, study_uid, scope),
                imaging.series_version(connection, study_uid, series_uid),
            )
        )
        if values is None or row is None:
            raise Missing("there is no such series", hint=_NOT_HERE)
        self._note(principal, study_uid)
        return self._document(study_uid, series_uid, row, base)

    def study_documents(self, principal: Principal, study_uid: str, base: str) -> tuple[str, Iterator[Document]]:
        """What tells versions of a study's metadata apart, and the documents of its series one after the other."""
        found = self.instances(principal, study_uid)
        versions = {located.series_instance_uid: located.series_version for located in found}
        series = groupby(found, lambda located: located.series_instance_uid)
        whole = all(series_documents.is_kept(self._context.blobs, list(instances)) for _, instances in series)
        version = "-".join(f"{uid}.{number}" for uid, number in versions.items()) if whole else _never_again()
        return version, (self._document(study_uid, uid, number, base) for uid, number in versions.items())

    def instance_document(self, principal: Principal, study_uid: str, series_uid: str, sop_uid: str, base: str) -> Document:
        """The metadata of one instance."""
        (located,) = self.instances(principal, study_uid, series_uid, sop_uid)
        return Document(located.sha256[:32], series_documents.of_instance(self._context.blobs, located, base))

    def instance_text(self, located: StoredInstance, base: str, most: int) -> bytes:
        """The DICOM JSON of an instance that the caller was given; of one whose text is longer than `most` its UIDs only."""
        text, _ = series_documents.text_of(self._context.blobs, located, base)
        return text if len(text) <= most else series_documents.names_of(located)

    def _document(self, study_uid: str, series_uid: str, version: int, base: str) -> Document:
        key = series_uid, version, base
        compressed = self._documents.get(key)
        if compressed is None:
            found = self._context.database.read(lambda connection: imaging.locate(connection, study_uid, series_uid))
            if not found:
                raise Missing("there is no such series", hint=_NOT_HERE)
            made, whole = series_documents.load(self._context.blobs, found)
            pieces = series_documents.with_base(series_documents.inflate(made), base)
            compressed = b"".join(series_documents.compress(pieces, series_documents.LEVEL))
            if not whole:
                return Document(_never_again(), compressed)
            if found[0].series_version == version:  # else an instance came in between: the next request makes it whole
                self._documents.put(key, compressed)
        return Document(f"{series_uid}.{version}", compressed)

    # ---- bulk data

    def bulk(self, principal: Principal, study_uid: str, series_uid: str, sop_uid: str, path: str) -> Bulk:
        """The value at `path` ("00420011", "00400555/0/00420011"). Raises Missing, Forbidden, Broken."""
        (located,) = self.instances(principal, study_uid, series_uid, sop_uid)
        return self.bulk_of(located, path)

    def bulk_paths(self, located: StoredInstance, *, pixels: bool) -> list[str]:
        """Where an instance has values that its metadata names by BulkDataURI; `pixels`: its pixel data only. Raises Broken."""
        file = self.open(located)
        header = self._header(located, file)
        if pixels:
            return [] if header.pixels is None else [f"{header.pixels.tag:08X}"]
        paths: list[str] = []

        def named(path: str) -> str:
            paths.append(path)
            return path

        try:
            dicom_json.dataset_json(file, header, named)
        except part10.Malformed as fault:
            raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None
        return paths

    def bulk_of(self, located: StoredInstance, path: str) -> Bulk:
        """The value at `path` of an instance that the caller was given. Raises Missing, Broken."""
        file = self.open(located)
        header = self._header(located, file)
        try:
            ranges = tuple(dicom_json.bulk_range(file, header, path))
            content, _, encoding = part10.data_set(file, header)
        except LookupError:
            raise Missing("the instance has no such value", where=path) from None
        except part10.Malformed as fault:
            raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None
        word = native.word_before(content, ranges[0][0]) if ranges and not encoding.little else 1
        if header.pixels is not None and ranges == ((header.pixels.offset, header.pixels.length),):
            word = native.word_size(header)
        media_type = self._document_type(file, header) if path == _DOCUMENT else _OCTETS
        return Bulk(located, file, ranges, word, direct=word == 1 and content is file, media_type=media_type)

    @staticmethod
    def _document_type(file: OpenFile, header: part10.Header) -> str:
        """MIME Type of Encapsulated Document (0042,0012), when it is one."""
        try:
            ((offset, length),) = dicom_json.bulk_range(file, header, _DOCUMENT_TYPE)
            text = part10.data_set(file, header)[0].read_at(offset, min(length, 64)).decode("ascii", "replace").strip(" \0")
        except (LookupError, ValueError):
            return _OCTETS
        return text.lower() if _MEDIA_TYPE.fullmatch(text) else _OCTETS

    def read_bulk(self, bulk: Bulk) -> Iterator[bytes]:
        """The bytes of a value that is not `direct`, in pieces of at most 1 MiB."""
        content, _, _ = part10.data_set(bulk.file, self._header(bulk.instance, bulk.file))
        for offset, length in bulk.ranges:
            for start in range(0, length, _PIECE):
                yield native.swapped(content.read_at(offset + start, min(_PIECE, length - start)), bulk.word)

    # ---- the change log

    def _note(self, principal: Principal, study_uid: str) -> None:
        """A row that says who looked at the study; it is durable before the caller gets a byte."""
        self._context.accesses.note(self._context.database, principal, Event.STUDY_READ, study_uid, {"study": study_uid})


def joined(documents: Iterator[Document], *, compressed: bool) -> Iterator[bytes]:
    """One JSON array of all documents in pieces, gzip when `compressed`; one document is in memory at a time."""
    text = series_documents.joined(document.text() for document in documents)
    return series_documents.compress(text) if compressed else text


def _never_again() -> str:
    """The version of a document that the next request may find otherwise."""
    return uuid4().hex


def _frames(located: StoredInstance, file: OpenFile, table: FrameTable) -> Frames:
    """How frames are served; `table` None in it means that they must be worked on first."""
    if table.contiguous:
        direct = not native.needs_work(located.transfer_syntax_uid, addressable=table.addressable)
        return Frames(located, file, True, len(table), table if direct else None)
    syntax = syntaxes.get(located.transfer_syntax_uid)
    if not table.addressable and not (syntax is not None and syntax.video):
        raise Unsupported(
            "the fragments of this instance cannot be told apart into frames",
            where="PixelData",
            hint="Retrieve the whole instance.",
        )
    return Frames(located, file, False, len(table), table)


def build_series_document(context: Context, study_uid: str, series_uid: str) -> None:
    """Make the metadata document of a series before anybody asks, unless somebody was quicker. For the worker, who acts for
    nobody. Raises Missing, Broken."""
    found = context.database.read(lambda connection: imaging.locate(connection, study_uid, series_uid))
    if not found:
        raise Missing("there is no such series", where=series_uid)
    if series_documents.is_kept(context.blobs, found):
        return
    _, whole = series_documents.build(context.blobs, found)
    if not whole:
        raise Broken("a stored file is lost or damaged", where=series_uid, hint=_VERIFY)
