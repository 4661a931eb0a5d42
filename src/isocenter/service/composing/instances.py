"""The instances of a request: metadata, and the bulk data they refer to (PS3.18 10.5), become objects.

All parts are put aside on the disk first, since metadata may refer to any of them; then each instance is written through the
door, which the edge hands in. What is no DICOM (pictures, videos, documents) becomes an object of the class for it.
"""

import mmap
import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from isocenter.codecs import pictures, videos
from isocenter.dicom import composing, encapsulating, part10, syntaxes
from isocenter.dicom.composing import Bulk, Json, text_of
from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import Section
from isocenter.dicom.uid import new_uid
from isocenter.domain import access, describing, surface, wrapping
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Conflict, Invalid, IsocenterError, TooLarge, Unsupported
from isocenter.domain.imaging import Outcome
from isocenter.domain.patient import contradicts
from isocenter.domain.wrapping import DOCUMENT, KINDS, PIXEL_DATA, Kind, Wrapped
from isocenter.service.context import Context
from isocenter.service.pool import Handle
from isocenter.store import imaging

from .parts import NOTHING_KEPT, Part, Parts

LARGEST_METADATA = 256 << 20  # bytes of one document, which may describe thousands of instances

_CDA_HEAD = 256 << 10  # bytes in which the header of a clinical document ends
_OFFSETS = ("7FE00001", "7FE00002")  # extended ones: they are made anew
_NATIVE = "application/octet-stream"
# Where a part says no transfer syntax and the frame itself cannot tell (PS3.18 Table 8.7.3-5, the newest that there is).
_OF_MEDIA = {"image/dicom-rle": syntaxes.RLE_LOSSLESS, "image/x-dicom-rle": syntaxes.RLE_LOSSLESS,
             "image/jxl": "1.2.840.10008.1.2.4.112"}  # fmt: skip
_FRAGMENTABLE = frozenset({"100", "101", "102", "103", "104", "105", "106"})


class Reception(Protocol):
    """What is needed of service.ingest.Reception."""

    def __enter__(self) -> "Reception": ...
    def __exit__(self, *unused: object) -> None: ...
    def write(self, *buffers: bytes) -> None: ...
    def finish(self, *, study_instance_uid: str | None = None) -> Outcome: ...


Door = Callable[[], Reception]
"""Opens the door for one object: ingest.begin with everything given. Raises Forbidden, NoSpace, Busy, Broken."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of one instance. supplied: keywords of what was added to it, or put right."""

    outcome: Outcome | None
    error: IsocenterError | None
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    supplied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Pixel data to be written. native: as one value, else frame by frame."""

    frames: list[Section]
    transfer_syntax: str
    native: bool = False


@dataclass(slots=True)
class Composition:
    """One request. `begin`, `write` for each part, then `results`, then `discard` in any case; one thread at a time."""

    context: Context
    principal: Principal
    door: Door
    _made: Parts | None = None
    _uids: dict[str, str] = field(default_factory=dict)
    _held: dict[str, Mapping[str, str]] = field(default_factory=dict)
    _number: int = 0

    @property
    def _parts(self) -> Parts:
        if self._made is None:
            self._made = Parts(self.context)
        return self._made

    def begin(self, media_type: str, transfer_syntax: str, location: str, *, metadata: bool) -> None:
        """A part begins. Raises Forbidden, TooLarge, NoSpace."""
        access.require(self.principal, Permission.STUDY_STORE)
        self._parts.begin(media_type, transfer_syntax, location, metadata=metadata)

    def write(self, data: bytes | memoryview) -> None:
        """More bytes of the part. Raises NoSpace, Broken."""
        self._parts.write(data)

    def drop_last(self) -> None:
        """The part that is coming in will not be whole."""
        self._parts.drop_last()

    def discard(self) -> None:
        """Forget what was put aside; what the door has kept stays."""
        if self._made is not None:
            self._made.discard()

    def results(self, study_uid: str, read_xml: Callable[[bytes], list[Json]], *, whole: bool) -> Iterator[Composed]:
        """What becomes of each instance, one after the other. whole: the request did not break off.

        study_uid: of the resource that is stored to, or "". read_xml: reads a document of the Native DICOM Model.
        """
        for number, found in enumerate(self._instances(read_xml), 1):
            self._number = number
            yield found if isinstance(found, Composed) else self._composed(found, study_uid, guess=whole)
        for part in self._parts.bulk:
            if not part.used:
                yield Composed(None, Invalid("No metadata refer to this part.", where=part.location[:200] or "Content-Location",
                                             kept=NOTHING_KEPT))  # fmt: skip

    # ---- metadata

    def _instances(self, read_xml: Callable[[bytes], list[Json]]) -> Iterator[Json | Composed]:
        for part in self._parts.metadata:
            try:
                yield from self._data_sets(part, read_xml)
            except Malformed as fault:
                yield Composed(None, _refusal(fault, "metadata"))

    def _data_sets(self, part: Part, read_xml: Callable[[bytes], list[Json]]) -> Iterator[Json | Composed]:
        if part.size > (LARGEST_METADATA if part.media_type.endswith("json") else composing.MAX_INSTANCE):
            raise composing.TooMany("the metadata are too long")
        if not part.size:
            raise Malformed("the metadata are empty")
        content = self._parts.section(part)
        if not part.media_type.endswith("json"):
            yield from read_xml(content.read_at(0, part.size))
            return
        page = part.offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        with mmap.mmap(content.fd, part.offset - page + part.size, access=mmap.ACCESS_READ, offset=page) as view:
            for text in composing.instances(view, part.offset - page):
                try:
                    found: Json | Composed = composing.read(text)
                except Malformed as fault:
                    found = Composed(None, _refusal(fault, "metadata"))
                yield found

    # ---- one instance

    def _composed(self, dataset: Json, study_uid: str, *, guess: bool) -> Composed:
        uids = text_of(dataset, "00080016"), text_of(dataset, "00080018")
        wrapped = Wrapped(dataset)
        try:
            try:
                if guess:
                    self._attach(dataset)
                pixels = self._described(wrapped, study_uid)
                uids = text_of(dataset, "00080016"), text_of(dataset, "00080018")
                if not all(uids):
                    where = "SOPInstanceUID" if uids[0] else "SOPClassUID"
                    raise Malformed("the metadata do not name the instance, and hold nothing to make one of", where)
                outcome = self._written(dataset, pixels, study_uid)
            except Malformed as fault:
                raise _refusal(fault) from None
        except IsocenterError as error:
            return Composed(None, error, *uids)
        finally:
            self._parts.tidy()
        return Composed(outcome, None, *uids, supplied=tuple(dict.fromkeys(wrapped.supplied)))

    def _attach(self, dataset: Json) -> None:
        """Metadata of a new object that refer to nothing, and the next part that nothing can refer to, belong together."""
        if not _is_new(dataset) or PIXEL_DATA in dataset or DOCUMENT in dataset:
            return
        while part := self._parts.nameless():
            if kind := self._kind(part):
                dataset[kind.tag] = {"vr": "OB", "BulkDataURI": part.location}
                return

    def _kind(self, part: Part) -> Kind | None:
        """What a part is kept as, by its first bytes if they tell, else by its media type. Raises Malformed: they disagree."""
        shown = KINDS.get(wrapping.media_type_of(self._parts.section(part).read_at(0, 1024), part.size))
        said = KINDS.get(part.media_type)
        if shown is not None and said is not None and shown.sort != said.sort:
            raise Malformed(f"a part is no {part.media_type}, as it says", "Content-Type")
        return said if said is not None and said.sort == "document" else shown or said

    def _described(self, wrapped: Wrapped, study_uid: str) -> _Pixels | None:
        """Put right what the metadata say of pixels and document, supply what is missing of a new object. Returns the pixels."""
        dataset = wrapped.dataset
        if study_uid:
            wrapped.need("StudyInstanceUID", study_uid)
        made = _is_new(dataset)
        document, image = _reference(dataset, DOCUMENT), _reference(dataset, PIXEL_DATA)
        if image:
            for tag in _OFFSETS:
                dataset.pop(tag, None)
            return self._image(wrapped, self._parts.of(image), study_uid, made)
        if document and made:
            self._document(wrapped, self._parts.of(document)[0], study_uid)
        return None

    def _document(self, wrapped: Wrapped, part: Part, study_uid: str) -> None:
        kind = self._kind(part)
        if kind is None or kind.sort != "document":
            raise Malformed(f"documents of the type {part.media_type[:60]} are not kept", "TransferSyntaxUID")
        content = self._parts.section(part)
        if kind.mime_type == "text/XML":
            describing.clinical_document(wrapped, content.read_at(0, _CDA_HEAD))
        elif kind.mime_type == "application/pdf" and b"%PDF-" not in content.read_at(0, 1024):
            raise Malformed("this is no PDF document", "EncapsulatedDocument")
        elif kind.mime_type == "model/stl" and not surface.is_binary(content):
            self._make_binary(part, content)
        self._identify(wrapped, kind, study_uid)
        wrapping.require(wrapped, kind, lossy=False)
        wrapped.state("EncapsulatedDocumentLength", part.size)

    def _make_binary(self, part: Part, text: Section) -> None:
        """A model in text becomes one in binary, which takes its place."""
        incoming = self._parts.aside()
        incoming.write(b"Isocenter".ljust(surface.HEADER, b"\0"))
        count = surface.as_binary(text, incoming.write)
        os.pwrite(incoming.fd, count.to_bytes(4, "little"), surface.HEADER - 4)
        self._parts.replace(part, encapsulating.pieces(Section(incoming.fd, 0, incoming.size)))

    # ---- pixels

    def _image(self, wrapped: Wrapped, parts: Sequence[Part], study_uid: str, made: bool) -> _Pixels:
        first = parts[0]
        said = syntaxes.get(first.transfer_syntax)
        if said is None and first.media_type == _NATIVE and not made and not _fits(wrapped, parts):
            # Nothing says it but what the metadata were of: a client that had them decompressed has other bytes.
            said = syntaxes.get(text_of(wrapped.dataset, "00020010") or text_of(wrapped.dataset, "00083002"))
        kind = None if first.media_type == _NATIVE and not made else self._kind(first)
        unknown = first.media_type == _NATIVE and said is None and kind is None
        if unknown or (said is not None and not said.encapsulated):
            return self._native(wrapped, parts, study_uid, made)
        if (said is not None and said.video) or (kind is not None and kind.sort == "video"):
            return self._video(wrapped, first, said, study_uid, made)
        return self._pictures(wrapped, parts, said.uid if said is not None else "", study_uid, made)

    def _native(self, wrapped: Wrapped, parts: Sequence[Part], study_uid: str, made: bool) -> _Pixels:
        """Samples as they are: only the metadata know what they mean."""
        if made:
            if not all(map(wrapped.known, ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation"))):
                raise Malformed("the metadata do not say what the pixels are", "Rows")
            self._identify(wrapped, KINDS["image/png"], study_uid)
            wrapping.require(wrapped, KINDS["image/png"], lossy=False)
        return _Pixels([self._parts.section(part) for part in parts], syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, native=True)

    def _pictures(self, wrapped: Wrapped, parts: Sequence[Part], said: str, study_uid: str, made: bool) -> _Pixels:
        first, kind = parts[0], KINDS["image/jpeg"]
        head = self._parts.section(first).read_at(0, pictures.HEAD)
        sections = [self._parts.section(part) for part in parts]
        try:
            found = pictures.looked_at(head)
        except Malformed:
            syntax = said or _OF_MEDIA.get(first.media_type, "")
            if not syntax or not wrapped.known("Rows"):
                raise
            return _Pixels(sections, syntax)  # RLE and others, of which only the metadata know what they are
        syntax = said or found.transfer_syntax
        made = made or not syntax
        if found.skip and not wrapped.known("Rows"):
            sections = [Section(each.fd, each.offset + found.skip, each.size - found.skip) for each in sections]
        pixels, shown = _Pixels(sections, syntax), found
        if not syntax or (made and found.turned):
            pixels, shown = self._decoded(wrapped, parts)
        derived = made or not wrapped.known("Rows")  # else it is an object that the client has as it is
        describing.picture(wrapped, shown, len(parts))
        if derived and found.lossy:
            native = shown.rows * shown.columns * shown.samples * shown.allocated // 8 * len(parts)
            describing.loss(wrapped, native, sum(part.size for part in parts), found.method)
        if made:
            wrapped.note(pictures.camera(head))
            if colours := pictures.profile(head) if shown.samples == 3 else b"":
                wrapped.dataset.setdefault("00282000", {"vr": "OB", "InlineBinary": b64encode(colours).decode()})
            self._identify(wrapped, kind, study_uid, photographed=wrapped.known("ManufacturerModelName"))
            wrapping.require(wrapped, kind, lossy=found.lossy)
        return pixels

    def _decoded(self, wrapped: Wrapped, parts: Sequence[Part]) -> tuple[_Pixels, pictures.Picture]:
        """A picture of a format that DICOM has not, as native pixels in a file of its own."""
        if len(parts) > 1:
            raise Malformed("pictures of this format are kept one by one", "TransferSyntaxUID")
        incoming, given = self._parts.aside(), self._parts.section(parts[0])
        head = self.context.pool.run_sync(pictures.decoded, Handle(given.fd), given.offset, given.size, Handle(incoming.fd))
        shown = pictures.native(head)
        wrapped.dataset[PIXEL_DATA]["vr"] = "OB" if shown.precision == 8 else "OW"
        content = Section(incoming.fd, 0, os.fstat(incoming.fd).st_size)
        return _Pixels([content], shown.transfer_syntax, native=True), shown

    def _video(
        self, wrapped: Wrapped, part: Part, said: syntaxes.TransferSyntax | None, study_uid: str, made: bool
    ) -> _Pixels:
        content, pool = self._parts.section(part), self.context.pool
        if said is not None and wrapped.known("Rows") and not made:
            return _Pixels([content], _fragmentable(said.uid, content.size))
        found = videos.looked_at(pool.run_sync(videos.look, Handle(content.fd), content.offset, content.size))
        if found.quick_time:
            incoming = self._parts.aside()
            pool.run_sync(videos.as_mp4, Handle(content.fd), content.offset, content.size, Handle(incoming.fd))
            content = Section(incoming.fd, 0, os.fstat(incoming.fd).st_size)
        describing.video(wrapped, found, content.size)
        if made:
            kind = KINDS["video/mp4"]
            self._identify(wrapped, kind, study_uid)
            wrapping.require(wrapped, kind, lossy=True)
        return _Pixels([content], _fragmentable(said.uid if said is not None else found.transfer_syntax, content.size))

    # ---- identity

    def _identify(self, wrapped: Wrapped, kind: Kind, study_uid: str, *, photographed: bool = False) -> None:
        if wrapping.contradicts(wrapped.dataset, kind):
            raise Conflict("the SOP class of the metadata cannot hold such a part", where="SOPClassUID", kept=NOTHING_KEPT)
        uid = text_of(wrapped.dataset, "0020000D") or study_uid
        wrapping.identify(
            wrapped, kind, study_uid=study_uid, held=self._of_study(uid, wrapped.dataset) if uid else {},
            now=self.context.clock().astimezone(), series_of=lambda key: self._uids.setdefault(key, new_uid()),
            number=self._number, photographed=photographed,
        )  # fmt: skip

    def _of_study(self, study_uid: str, dataset: Json) -> Mapping[str, str]:
        """What the archive knows of a study that the caller may see; of another patient than the metadata name, nothing."""
        if study_uid not in self._held:
            scope = access.scope(self.principal, Permission.STUDY_READ)
            values = self.context.database.read(lambda connection: imaging.study_values(connection, study_uid, scope))
            self._held[study_uid] = values or {}
        said = {keyword: text for keyword in wrapping.IDENTITY if (text := text_of(dataset, wrapping.element(keyword)[0]))}
        held = self._held[study_uid]
        return {} if held and contradicts(held, said) else held

    # ---- writing

    def _written(self, dataset: Json, pixels: _Pixels | None, study_uid: str) -> Outcome:
        syntax = pixels.transfer_syntax if pixels is not None else syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
        content = composing.compose(dataset)
        with self.door() as reception:
            reception.write(part10.file_meta(text_of(dataset, "00080016"), text_of(dataset, "00080018"), syntax))
            for piece in content:
                if isinstance(piece, bytes):
                    reception.write(piece)
                    continue
                for data in self._bulk(piece, pixels if piece.path == PIXEL_DATA else None):
                    reception.write(data)
            return reception.finish(study_instance_uid=study_uid or None)

    def _bulk(self, piece: Bulk, pixels: _Pixels | None) -> Iterator[bytes]:
        if pixels is None:
            return encapsulating.value(piece.tag, piece.vr, [self._parts.section(part) for part in self._parts.of(piece.uri)])
        if pixels.native:
            return encapsulating.value(piece.tag, piece.vr, pixels.frames)
        syntax = syntaxes.get(pixels.transfer_syntax)
        return encapsulating.encapsulated(pixels.frames, stream=syntax is not None and syntax.video)


def _refusal(fault: Malformed, where: str = "") -> IsocenterError:
    """What the client is told of a fault. where: when the fault does not say."""
    if isinstance(fault, composing.TooMany):
        return TooLarge(fault.reason, where=fault.where or where, kept=NOTHING_KEPT, hint="Send the instance as a Part 10 file.")
    kind = Unsupported if fault.where == "TransferSyntaxUID" else Invalid
    return kind(fault.reason, where=fault.where or where, kept=NOTHING_KEPT)


def _is_new(dataset: Json) -> bool:
    """Whether the archive is to make an object of it, rather than to keep one that has a name."""
    return not text_of(dataset, "00080016") or not text_of(dataset, "00080018")


def _fits(wrapped: Wrapped, parts: Sequence[Part]) -> bool:
    """Whether the parts are as long as the pixels are that the metadata describe, uncompressed."""
    bits = 1
    for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "NumberOfFrames"):
        text = wrapped.text(keyword)
        bits *= int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else int(keyword == "NumberOfFrames")
    return bits > 0 and sum(part.size for part in parts) - -(-bits // 8) in (0, 1)


def _reference(dataset: Json, tag: str) -> str:
    """The BulkDataURI of an attribute, "" when it has none."""
    found = dataset.get(tag)
    uri = found.get("BulkDataURI", "") if isinstance(found, dict) else ""
    return uri if isinstance(uri, str) else ""


def _fragmentable(syntax: str, size: int) -> str:
    """The transfer syntax of a video of that many bytes: in several fragments those of PS3.5 A.4.5 and on ("Fragmentable")."""
    number = syntax.removeprefix("1.2.840.10008.1.2.4.")
    return f"{syntax}.1" if size > encapsulating.LONGEST - 1 and number in _FRAGMENTABLE else syntax
