"""Objects as pictures, films and pages that any program shows (PS3.18 8.3.5, 10.4.1.1.3): what there is, and the making of it.

A picture is made in a process of the pool and kept in the cache on disk; the caller waits for a future, not in a thread. Whose
objects these are is decided before, by the retrieval that finds them.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Protocol

from isocenter.codecs import presentation, render_tasks, state
from isocenter.codecs.formats import READ
from isocenter.codecs.presentation import Presentation
from isocenter.dicom import native, part10, syntaxes
from isocenter.dicom.frames import Frame
from isocenter.dicom.part10 import Header, Malformed
from isocenter.dicom.rendered import Region, Rendering, Viewport
from isocenter.dicom.view import View, view
from isocenter.domain.access import Principal
from isocenter.domain.errors import Broken, Invalid, IsocenterError, Missing, Unsupported
from isocenter.service.context import Context
from isocenter.service.pool import Handle
from isocenter.store.imaging import Located
from isocenter.store.lru import LruCache
from isocenter.store.open_files import LocalFile, OpenFile

VERSION = 1  # of the rendering: pictures of an older one are not found any more
HEADERS_REMEMBERED = 32
_PIECE = 1 << 20

_AS_STORED = "Retrieve the object as it is stored."
_VERIFY = f"{_AS_STORED} An administrator may run `isocenter verify`."


class Category(StrEnum):
    """What an object is when it is shown (PS3.18 8.7.2)."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"
    REPORT = "report"
    STATE = "presentation state"
    OTHER = "other"


_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_STATES = "1.2.840.10008.5.1.4.1.1.11."


def category(instance: Located) -> Category:
    """Told by SOP class, pixels and transfer syntax."""
    for prefix, found in ((_ENCAPSULATED, Category.DOCUMENT), (_REPORTS, Category.REPORT), (_STATES, Category.STATE)):
        if instance.sop_class_uid.startswith(prefix):
            return found
    if not instance.bits_allocated:
        return Category.OTHER
    syntax = syntaxes.get(instance.transfer_syntax_uid)
    return Category.VIDEO if syntax is not None and syntax.video else Category.IMAGE


def decodable(instance: Located) -> bool:
    """Whether its frames can be drawn, as far as its transfer syntax tells."""
    syntax = syntaxes.get(instance.transfer_syntax_uid)
    return syntax is None or not syntax.encapsulated or syntax.video or syntax.uid in READ


# Tiles of one large picture: one after the other they make no film (PS3.3 A.32.8).
_TILED = frozenset({"1.2.840.10008.5.1.4.1.1.77.1.6"})


def is_film(instance: Located) -> bool:
    """Whether its frames follow one another in time or space."""
    return frame_count(instance) > 1 and instance.sop_class_uid not in _TILED


def frame_count(instance: Located) -> int:
    """Frames as the object says; 1 when it does not."""
    text = instance.number_of_frames.strip()
    return max(int(text), 1) if text.isdecimal() else 1


def representative(instances: Sequence[Located]) -> Located | None:
    """The one that stands for all: the middle picture of the series with most pictures; without any, the first object."""
    by_series: dict[str, list[Located]] = {}
    for instance in instances:
        if category(instance) in (Category.IMAGE, Category.VIDEO) and decodable(instance):
            by_series.setdefault(instance.series_instance_uid, []).append(instance)
    if not by_series:
        return instances[0] if instances else None
    most = max(by_series.values(), key=len)
    return most[len(most) // 2]


class Retrieves(Protocol):
    """What is needed of `service.retrieve.Retrieval`."""

    def instances(
        self, principal: Principal, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[Located]: ...
    def open(self, instance: Located) -> OpenFile: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame that is wanted as a file of a media type; number counted from 1. state: a presentation state to show it with."""

    instance: Located
    number: int
    asked: Rendering
    media_type: str
    state: Located | None = None

    @property
    def key(self) -> str:
        """Says everything that makes a difference."""
        state = self.state.sha256 if self.state is not None else ""
        facts = (VERSION, self.instance.sha256, self.number, self.asked, self.media_type, state)
        return hashlib.sha256(repr(facts).encode()).hexdigest()


class Renderer:
    """One for a process. Safe to share between threads; all methods may wait."""

    def __init__(self, context: Context, retrieval: Retrieves) -> None:
        self.context = context
        self.retrieval = retrieval
        self._headers: LruCache[str, Header] = LruCache(HEADERS_REMEMBERED, lambda _: 1)

    # ---- what is known of an object

    def header(self, instance: Located) -> tuple[OpenFile, Header]:
        """The open file and its header. Raises Broken."""
        file = self.retrieval.open(instance)
        header = self._headers.get(instance.blob_key)
        if header is None:
            try:
                header = part10.scan(file)
            except Malformed as fault:
                raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None
            self._headers.put(instance.blob_key, header)
        return file, header

    def view(self, instance: Located) -> View:
        """The data set of an object. Raises Broken."""
        file, header = self.header(instance)
        try:
            return view(file, header)
        except Malformed as fault:
            raise Broken("a stored file is damaged", where=fault.where, hint=_VERIFY) from None

    def middle(self, instance: Located) -> int:
        """The frame that stands for the others: the Representative Frame Number (0028,6010), else the middle one."""
        count = frame_count(instance)
        if count == 1:
            return 1
        named = self.view(instance).integer(0x00286010)
        return named if 1 <= named <= count else (count + 1) // 2

    def shown_by(self, stated: Located, instance: Located) -> list[int]:
        """The frames of an image that a presentation state names; the one that stands for all where it names none."""
        named = [frames for _, uid, frames in self.references(stated) if uid == instance.sop_instance_uid and frames]
        return list(named[0]) if named else [self.middle(instance)]

    def size(self, instance: Located) -> tuple[int, int]:
        """Width and height in pixels."""
        _, header = self.header(instance)
        return header.columns, header.rows

    # ---- one picture

    def kept(self, picture: Picture) -> bytes | None:
        """The picture, when it has been made before."""
        fd = self.context.cache.open(picture.key)
        if fd is None:
            return None
        with LocalFile(fd) as file:
            return file.read_at(0, file.size)

    def start(self, picture: Picture) -> "Future[bytes]":
        """The picture, to come; it raises what `fault` makes an error of. Raises Missing, Invalid, Unsupported, Broken, Busy."""
        if category(picture.instance) is Category.VIDEO:
            return self._still(picture)
        taken, shown = self.frame(picture.instance, picture.number)
        if picture.state is not None:
            shown = self._with(shown, picture.state, picture.instance.sop_instance_uid)
        else:
            check_region(picture.asked, shown)
        future = self.context.pool.submit(render_tasks.picture, *taken.arguments, shown, picture.asked, picture.media_type)
        future.add_done_callback(taken.release)
        return future

    def _with(self, shown: Presentation, stated: Located, sop_uid: str) -> Presentation:
        if stated.sop_class_uid not in state.KNOWN:
            raise Unsupported("Presentation states of this kind are not applied.", where="SOPClassUID",
                              hint="Grayscale and Color Softcopy Presentation States are.")  # fmt: skip
        try:
            return state.applied(shown, self.view(stated), sop_uid)
        except Malformed as error:
            raise Invalid(f"This cannot be shown so: {error.reason}.", where=error.where) from None

    def references(self, stated: Located) -> list[tuple[str, str, tuple[int, ...]]]:
        """(Series, SOP Instance UID, frames) of the images that a presentation state is for. Raises Broken."""
        try:
            return list(state.references(self.view(stated)))
        except Malformed as error:
            raise fault(error) from None

    def _still(self, picture: Picture) -> "Future[bytes]":
        file, header = self.header(picture.instance)
        if not 1 <= picture.number <= frame_count(picture.instance):
            raise Missing(f"there is no frame {picture.number}", where="frames")
        stream = self.context.scratch(file.size)  # closed when the future is done
        try:
            copied(file, header, stream)
            shown = presentation.read(file, header, 1)
            check_region(picture.asked, shown)
            future = self.context.pool.submit(
                render_tasks.still, Handle(stream.fileno()), picture.number, shown, picture.asked, picture.media_type
            )
        except BaseException:
            stream.close()
            raise
        future.add_done_callback(lambda _: stream.close())
        return future

    def keep(self, picture: Picture, data: bytes) -> None:
        """Keep a picture for who asks next."""
        self.context.cache.put(picture.key, (data,))

    def card(self, instance: Located | None, asked: Rendering, media_type: str) -> "Future[bytes]":
        """What stands for an object without pixels: its modality on a dark card, no name and no date."""
        text = ""
        if instance is not None:
            text = self.view(instance).text(0x00080060) or "DICOM"
        size = asked.viewport or Viewport(256, 256)
        return self.context.pool.submit(render_tasks.card, text[:16], size.width, size.height, asked.quality, media_type)

    def damaged(self, picture: Picture) -> "Future[bytes]":
        """What stands for a picture that cannot be drawn, among others that can."""
        size = picture.asked.viewport or Viewport(256, 256)
        width, height = size.width or size.height, size.height or size.width
        return self.context.pool.submit(
            render_tasks.card, "not readable", width, height, picture.asked.quality, picture.media_type
        )

    def frame(self, instance: Located, number: int) -> tuple["Taken", Presentation]:
        """Frame `number`, counted from 1, as it is stored, and how it is shown. Raises Missing, Unsupported, Broken."""
        if not decodable(instance):
            raise Unsupported("Images of this transfer syntax are not shown.", where="TransferSyntaxUID", hint=_AS_STORED)
        file, header = self.header(instance)
        try:
            return _stored(file, header, number), presentation.read(file, header, number)
        except Malformed as error:
            raise fault(error) from None


class Taken:
    """A frame on its way into the pool: its bytes, or its places in a local file, which stays open until `release`."""

    __slots__ = ("_file", "_pixels", "_places")

    def __init__(self, pixels: bytes | OpenFile, places: Frame = ()) -> None:
        self._pixels = pixels
        self._places = places
        self._file: object = pixels

    @property
    def arguments(self) -> tuple[bytes | Handle, Frame]:
        """What the functions of `render_tasks` take first."""
        if isinstance(self._pixels, bytes):
            return self._pixels, ()
        assert self._pixels.fd is not None
        return Handle(self._pixels.fd), self._places

    def release(self, done: object = None) -> None:
        """The file is not needed any more."""
        self._file = None


def _stored(file: OpenFile, header: Header, number: int) -> Taken:
    """A frame: native in little endian, or as it is compressed. Raises Malformed, Missing, Unsupported."""
    pixels, frames = header.pixels, header.frames
    if pixels is None:
        raise Missing("the instance has no pixel data", where="PixelData")
    count = native.count(header) if pixels.length is not None else len(frames or ())
    if not 1 <= number <= count:
        raise Missing(f"there is no frame {number}", where="frames", hint=f"The instance has {count}.")
    worked = pixels.length is not None and (
        frames is None or native.needs_work(header.transfer_syntax_uid, addressable=frames.addressable)
    )
    if worked:
        return Taken(native.frame(file, header, number - 1))
    if frames is None or not frames.addressable:
        raise Unsupported("the frames of this instance cannot be told apart", where="PixelData", hint=_VERIFY)
    if file.fd is not None:
        return Taken(file, frames[number - 1])
    return Taken(b"".join(file.read_at(offset, length) for offset, length in frames[number - 1]))


def copied(file: OpenFile, header: Header, into: IO[bytes]) -> None:
    """The bytes of encapsulated pixel data that is one stream, without the items around them. Raises Missing."""
    if not header.frames:
        raise Missing("the instance has no pixel data", where="PixelData")
    for frame in header.frames:
        for offset, length in frame:
            for start in range(0, length, _PIECE):
                into.write(file.read_at(offset + start, min(_PIECE, length - start)))
    into.flush()


def fault(error: Malformed) -> IsocenterError:
    """What a picture that cannot be made is for who asked for it."""
    if error.where == "TransferSyntaxUID":
        return Unsupported(f"This cannot be shown: {error.reason}", where=error.where, hint=_AS_STORED)
    return Broken(f"This cannot be shown: {error.reason}", where=error.where, hint=_VERIFY)


def check_region(asked: Rendering, shown: Presentation) -> None:
    """Raises Invalid when nothing of the region lies within the image."""
    region, layout = asked.region, shown.layout
    if isinstance(region, Region) and (region.x >= layout.columns or region.y >= layout.rows):
        size = f"{layout.columns} by {layout.rows}"
        raise Invalid(f"The region lies outside of the image, which has {size} pixels.", where="viewport")
