"""Films of many frames, and stored video in a form that browsers play.

Frames are drawn side by side in the pool and collected in a file without a name; what is in memory is a few frames. Films are
made in threads of their own, so that nobody who wants a single frame waits for one.
"""

import hashlib
import os
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import IO, Any

from isocenter.codecs import render_tasks
from isocenter.codecs.presentation import Presentation
from isocenter.codecs.state import Display
from isocenter.dicom.part10 import Malformed
from isocenter.dicom.rendered import Rendering, Window
from isocenter.dicom.view import View
from isocenter.domain.errors import Busy, Invalid, NoSpace, TooLarge
from isocenter.service.pool import Handle
from isocenter.store.imaging import Located
from isocenter.store.open_files import LocalFile, OpenFile

from .pictures import VERSION, Picture, Renderer, copied, fault

GIF, MP4 = "image/gif", "video/mp4"
MOST_FRAMES = {GIF: 400, MP4: 10_000}  # a GIF is held whole by whoever plays it
MOST_PIXELS = {GIF: 128 << 20, MP4: 8 << 30}  # of all frames together, before they are packed; Pillow holds those of a GIF
FILMS_AT_ONCE, FILMS_WAITING = 2, 8
USUAL_MILLISECONDS = 100.0  # a frame, when nobody says

_SHARP = 90  # quality of a film of pictures that are compressed already
_SAMPLED = 8  # frames whose values say between which a film without a window is shown
_RAW = struct.Struct("<cHH")  # as codecs.films.RAW


@dataclass(frozen=True, slots=True)
class Film:
    """Pictures one after the other as GIF or MP4, as fast as the first of their objects says.

    displays: how each is turned, which part of it is shown, what is drawn on it; all pictures as they are without it. inverted:
    black for white; milliseconds: of a frame, 0 as the object says.
    """

    pictures: tuple[Picture, ...]
    asked: Rendering
    media_type: str
    displays: tuple[Display, ...] = ()
    inverted: bool = False
    milliseconds: float = 0.0

    def presented(self, number: int, shown: Presentation) -> Presentation:
        """How a picture of it is shown; number: which, from 0."""
        if self.inverted:
            shown = replace(shown, grayscale=replace(shown.grayscale, inverse=not shown.grayscale.inverse))
        return replace(shown, icc=b"", display=self.displays[number] if self.displays else shown.display)

    @property
    def key(self) -> str:
        """Says everything that makes a difference."""
        facts: list[object] = [VERSION, "film", self.asked, self.media_type]
        if self.displays or self.inverted or self.milliseconds:
            facts += [self.displays, self.inverted, self.milliseconds]
        digest = hashlib.sha256(repr(facts).encode())
        for picture in self.pictures:
            digest.update(f"{picture.instance.sha256} {picture.number};".encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Video:
    """A stored video as MP4."""

    instance: Located
    asked: Rendering

    @property
    def key(self) -> str:
        return hashlib.sha256(repr((VERSION, "video", self.instance.sha256, self.asked.quality)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reel:
    """Pictures that a viewer has drawn, as MP4. pictures: a file of JPEGs, each behind its length (`codecs.films.reel`)."""

    pictures: IO[bytes]
    milliseconds: float


class Films:
    """Makes films. One for a process; safe to share between threads."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._context = renderer.context
        self._threads = ThreadPoolExecutor(FILMS_AT_ONCE, thread_name_prefix="film")
        self._waiting = 0
        self._lock = threading.Lock()

    def kept(self, wanted: Film | Video) -> OpenFile | None:
        """The film when it has been made before."""
        fd = self._context.cache.open(wanted.key)
        return None if fd is None else LocalFile(fd)

    def start(self, wanted: "Film | Video | Reel") -> "Future[OpenFile]":
        """The film, to come. Raises Busy, TooLarge."""
        if isinstance(wanted, Film) and len(wanted.pictures) > (most := MOST_FRAMES[wanted.media_type]):
            raise TooLarge(
                f"A film as {wanted.media_type} has {most} frames at most, this one {len(wanted.pictures)}.",
                hint=f"Accept {MP4}." if wanted.media_type == GIF else "Ask for fewer frames.",
            )  # fmt: skip
        with self._lock:
            if self._waiting >= FILMS_AT_ONCE + FILMS_WAITING:
                raise Busy("too many films are being made just now", retry_after=10, hint="Ask again in a moment.")
            self._waiting += 1
        future = self._threads.submit(self._made, wanted)
        future.add_done_callback(self._done)
        return future

    def _done(self, future: "Future[OpenFile]") -> None:
        with self._lock:
            self._waiting -= 1

    def _made(self, wanted: "Film | Video | Reel") -> OpenFile:
        try:
            with self._file() as target:
                if isinstance(wanted, Film):
                    self._film(wanted, target)
                elif isinstance(wanted, Reel):
                    files = Handle(wanted.pictures.fileno()), Handle(target.fileno())
                    self._context.pool.run_sync(render_tasks.reel, *files, wanted.milliseconds, _SHARP)
                else:
                    self._video(wanted, target)
                made = LocalFile(os.dup(target.fileno()))
        except Malformed as error:
            if isinstance(wanted, Reel):
                raise Invalid(error.reason, where="body") from None
            raise fault(error) from None
        except OSError:
            raise NoSpace("there is no room to make a film", hint="An administrator should free some space.") from None
        if not isinstance(wanted, Reel):  # which nobody can ask for twice
            self._context.cache.put(wanted.key, _pieces(made))
        return made

    def _file(self) -> IO[bytes]:
        return self._context.scratch(1 << 30)

    def _film(self, wanted: Film, target: IO[bytes]) -> None:
        renderer, pool = self._renderer, self._context.pool
        first = wanted.pictures[0]
        taken, shown = renderer.frame(first.instance, first.number)
        asked = replace(wanted.asked, window=wanted.asked.window or self._window(wanted.pictures, shown))
        colour = not shown.layout.photometric.startswith("MONOCHROME") or shown.supplemental
        head = pool.run_sync(render_tasks.raw, *taken.arguments, wanted.presented(0, shown), asked, colour, 0, 0)
        mode, width, height = _RAW.unpack_from(head)
        if width * height * len(wanted.pictures) > MOST_PIXELS[wanted.media_type]:
            raise TooLarge("This film would be too large.", hint=f"Ask for a smaller viewport or fewer frames, or accept {MP4}.")
        milliseconds = wanted.milliseconds or frame_time(renderer.view(first.instance))
        with self._file() as frames:
            frames.write(memoryview(head)[_RAW.size :])
            for drawn in self._drawn(wanted, asked, mode == b"C", width, height):
                frames.write(memoryview(drawn)[_RAW.size :])
            frames.flush()
            pool.run_sync(render_tasks.film, Handle(frames.fileno()), Handle(target.fileno()), wanted.media_type,
                          "L" if mode == b"L" else "RGB", width, height, milliseconds, asked.quality)  # fmt: skip

    def _drawn(self, wanted: Film, asked: Rendering, colour: bool, width: int, height: int) -> Iterator[bytes]:
        """The frames after the first in their order, a few of them drawn at the same time."""
        under_way: deque[Future[bytes]] = deque()
        for number, picture in enumerate(wanted.pictures[1:], start=1):
            taken, shown = self._renderer.frame(picture.instance, picture.number)
            arguments = (*taken.arguments, wanted.presented(number, shown), asked, colour, width, height)
            under_way.append(future := self._context.pool.submit(render_tasks.raw, *arguments))
            future.add_done_callback(taken.release)
            if len(under_way) > self._context.pool.processes:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _window(self, pictures: Sequence[Picture], shown: Presentation) -> Window | None:
        """One for the whole film where its frames have none: each by itself would flicker."""
        gray = shown.grayscale
        if gray.window is not None or gray.voi is not None or not shown.layout.photometric.startswith("MONOCHROME"):
            return None
        step = max(1, len(pictures) // _SAMPLED)
        lows, highs = [], []
        for picture in pictures[::step]:
            taken, sampled = self._renderer.frame(picture.instance, picture.number)
            found = self._context.pool.run_sync(render_tasks.ends, *taken.arguments, _slim(sampled))
            if found:
                low, high = struct.unpack("<2d", found)
                lows.append(low)
                highs.append(high)
        if not lows or max(highs) <= min(lows):
            return None
        return Window((min(lows) + max(highs)) / 2, max(highs) - min(lows), "LINEAR_EXACT")

    def _video(self, wanted: Video, target: IO[bytes]) -> None:
        with self._file() as stream:
            copied(*self._renderer.header(wanted.instance), stream)
            milliseconds = frame_time(self._renderer.view(wanted.instance))
            arguments: tuple[Any, ...] = (Handle(stream.fileno()), Handle(target.fileno()), 1000 / milliseconds)
            self._context.pool.run_sync(render_tasks.packed, *arguments, wanted.asked.quality)


def frame_time(found: View) -> float:
    """Milliseconds of a frame: as its display is recommended, else as it was taken (PS3.3 C.7.6.5.1)."""
    for tag, by_rate in ((0x00082144, True), (0x00180040, True), (0x00181063, False), (0x00181065, False)):
        numbers = [number for number in found.numbers(tag) if number > 0]
        if numbers:
            number = sum(numbers) / len(numbers)
            return min(max(1000 / number if by_rate else number, 1.0), 10_000.0)
    return USUAL_MILLISECONDS


def _slim(shown: Presentation) -> Presentation:
    """Without what a film has no use for, since it travels with every frame."""
    return replace(shown, icc=b"")


def _pieces(file: OpenFile) -> Iterator[bytes]:
    at = 0
    while piece := file.read_at(at, 1 << 20):
        yield piece
        at += len(piece)
