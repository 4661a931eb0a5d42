"""Bodies of answers: one content by itself, with byte ranges, or several as the parts of multipart/related (PS3.18 8.6.1).

A content knows its size and writes any part of itself; files are not read before their turn comes.
"""

import asyncio
import contextlib
import hashlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from isocenter.dicomweb import multipart
from isocenter.dicomweb.exchange import PIECE, PRIVATE, Body, Exchange, File, Headers
from isocenter.dicomweb.ranges import Span, spans

T = TypeVar("T")

VARY = (b"vary", b"Accept")
VARY_JSON = (b"vary", b"Accept, Accept-Encoding")
_RANGES = (b"accept-ranges", b"bytes")


class Content(Protocol):
    """Bytes of a known size."""

    @property
    def size(self) -> int: ...

    async def copy(self, body: Body, first: int, length: int) -> None:
        """Append bytes [first, first + length) to a body."""
        ...


class Packer(Protocol):
    """A compressor, fed piece by piece."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class Bytes:
    """A content in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    async def copy(self, body: Body, first: int, length: int) -> None:
        """Append a part."""
        await body.write(self._data[first : first + length] if length < self.size else self._data)


class Stored:
    """Ranges (offset, length) of a file, one after the other."""

    def __init__(self, file: File, places: Sequence[tuple[int, int]]) -> None:
        self._file = file
        self._places = places
        self.size = sum(length for _, length in places)

    async def copy(self, body: Body, first: int, length: int) -> None:
        """Append a part."""
        for offset, size in self._places:
            here = min(max(size - first, 0), length)
            if here:
                await body.copy(self._file, offset + first, here)
            first = max(first - size, 0)
            length -= here


class Worked:
    """What comes in pieces that are made one after the other, from the beginning on; `pieces` makes them in a thread."""

    def __init__(self, exchange: Exchange, size: int, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._exchange = exchange
        self._pieces = pieces
        self.size = size

    async def copy(self, body: Body, first: int, length: int) -> None:
        """Append a part."""
        pieces = self._pieces()
        while length and (piece := await self._exchange.run(next, pieces, b"")):
            taken = piece[first : first + length]
            first = max(first - len(piece), 0)
            length -= len(taken)
            await body.write(taken)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer: its Content-Type, what is in it, and where that can be had alone (Content-Location)."""

    label: str
    content: Content
    location: str = ""

    def head(self, boundary: str) -> bytes:
        """The delimiter and the part's headers."""
        headers = {"Content-Type": self.label}
        if self.location:
            headers["Content-Location"] = self.location
        return multipart.part_head(boundary, headers)


@dataclass(frozen=True, slots=True)
class Version:
    """What tells versions of an answer apart, and the headers that go with it. exact: the same bytes each time."""

    etag: str
    exact: bool = False
    vary: tuple[bytes, bytes] = VARY
    more: Headers = field(default=())

    @property
    def tag(self) -> str:
        return f'"{self.etag}"' if self.exact else f'W/"{self.etag}"'

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"etag", self.tag.encode()), PRIVATE, self.vary, *self.more)


def version(*facts: object, exact: bool = False, vary: tuple[bytes, bytes] = VARY, more: Headers = ()) -> Version:
    """The version of what is made of these facts.

    A multipart body is another one each time, for its boundary, so it is never `exact`.
    """
    return Version(hashlib.sha256(repr(facts).encode()).hexdigest()[:32], exact, vary, more)


def packed(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """The pieces in a content coding, `zstd` or `gzip` (RFC 8878, RFC 1952)."""
    packer: Packer
    if coding == "zstd":
        import zstandard

        packer = zstandard.ZstdCompressor(level=3).compressobj()
    else:
        packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    for piece in pieces:
        if done := packer.compress(piece):
            yield done
    yield packer.flush()


async def single(exchange: Exchange, content: Content, label: str, known: Version) -> None:
    """Answer with one content, or with the ranges of it that are asked for."""
    wanted = _wanted(exchange, content.size, known)
    if len(wanted) > 1:
        return await _byte_ranges(exchange, content, label, known, wanted)
    first, last = wanted[0] if wanted else (0, content.size - 1)
    length = last - first + 1
    ranged = ((b"content-range", f"bytes {first}-{last}/{content.size}".encode()),) if wanted else ()
    headers = ((b"content-type", label.encode()), (b"content-length", str(length).encode()), _RANGES, *ranged, *known.headers)
    await exchange.start(206 if wanted else 200, headers)
    body = Body(exchange, length)
    if length:
        await content.copy(body, first, length)
    await body.finish()


def _wanted(exchange: Exchange, size: int, known: Version) -> Sequence[Span]:
    header = exchange.header(b"range")
    if not header or exchange.method != "GET":
        return ()
    condition = exchange.header(b"if-range").strip()
    if condition and not (known.exact and condition == known.tag):  # RFC 9110 13.1.5: strong comparison; we date nothing
        return ()
    return spans(header, size)


async def _byte_ranges(exchange: Exchange, content: Content, label: str, known: Version, wanted: Sequence[Span]) -> None:
    """RFC 9110 14.6: the parts of a multipart/byteranges."""
    boundary = multipart.new_boundary()
    heads = [
        multipart.part_head(boundary, {"Content-Type": label, "Content-Range": f"bytes {first}-{last}/{content.size}"})
        for first, last in wanted
    ]
    closing = multipart.closing(boundary)
    total = sum(map(len, heads)) + sum(last - first + 1 for first, last in wanted) + len(closing)
    content_type = f"multipart/byteranges; boundary={boundary}".encode()
    headers = ((b"content-type", content_type), (b"content-length", str(total).encode()), _RANGES, *known.headers)
    await exchange.start(206, headers)
    body = Body(exchange, total)
    for head, (first, last) in zip(heads, wanted, strict=True):
        await body.write(head)
        await content.copy(body, first, last - first + 1)
    await body.write(closing)


def content_type(boundary: str, media_type: str, transfer_syntax: str = "") -> tuple[bytes, bytes]:
    """The Content-Type of a multipart answer whose parts are all alike."""
    syntax = f"; transfer-syntax={transfer_syntax}" if transfer_syntax else ""
    return b"content-type", f'multipart/related; type="{media_type}"{syntax}; boundary={boundary}'.encode()


async def parts(
    exchange: Exchange, found: Sequence[Part], known: Version, *, media_type: str, transfer_syntax: str = "", status: int = 200
) -> None:
    """Answer with parts that are all at hand, so that the length is known."""
    boundary = multipart.new_boundary()
    heads = [each.head(boundary) for each in found]
    closing = multipart.closing(boundary)
    total = sum(map(len, heads)) + sum(each.content.size for each in found) + len(closing)
    length = (b"content-length", str(total).encode())
    await exchange.start(status, (content_type(boundary, media_type, transfer_syntax), length, *known.headers))
    if exchange.method == "HEAD":
        return await exchange.send(b"", more=False)
    body = Body(exchange, total)
    async with exchange.watching() if total > PIECE else contextlib.nullcontext():
        for head, each in zip(heads, found, strict=True):
            await body.write(head)
            await each.content.copy(body, 0, each.content.size)
        await body.write(closing)


async def stream(
    exchange: Exchange,
    coming: AsyncIterator[Part],
    known: Version,
    *,
    media_type: str,
    transfer_syntax: str = "",
    status: int = 200,
) -> None:
    """Answer with parts that come one after the other. What goes wrong before the first one is told with a status."""
    boundary = multipart.new_boundary()
    await exchange.start(status, (content_type(boundary, media_type, transfer_syntax), *known.headers))
    body = Body(exchange, None)
    async with exchange.watching():
        async for each in coming:
            await body.write(each.head(boundary))
            await each.content.copy(body, 0, each.content.size)
    await body.write(multipart.closing(boundary))
    await body.finish()


async def ahead(count: int, makers: Iterator[Callable[[], Awaitable[T]]]) -> AsyncGenerator[T]:
    """What the makers make, in their order, `count` of them at work at once."""
    waiting: list[asyncio.Task[T]] = []
    try:
        while True:
            while len(waiting) < count and (maker := next(makers, None)) is not None:
                waiting.append(asyncio.create_task(_made(maker)))
            if not waiting:
                return
            yield await waiting.pop(0)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _made(maker: Callable[[], Awaitable[T]]) -> T:
    return await maker()
