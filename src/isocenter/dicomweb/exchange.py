"""One request and its answer over bare ASGI: what was asked, under which address, and bodies that stream from files.

A body is read straight into the buffer that is sent: with RWF_NOWAIT from the page cache on the event loop, and in a thread
only when the disk must be waited for (LIBRARIES 2.2). The server gets bytearrays, never memoryviews, which granian walks byte
by byte.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import Executor
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, quote

from isocenter.dicomweb.accept import MediaRange, parse_accept
from isocenter.dicomweb.address import Addresses
from isocenter.domain.access import Principal
from isocenter.domain.errors import Broken, Invalid

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

_ENDLESS = 1 << 62
PIECE = 1 << 20  # bytes of one message: the loop is held for 0.2 ms, and fewer messages bring nothing more
FETCHED = 16 << 20  # bytes of one read over a network: a frame is nearly always one
MAX_QUERY = 64 * 1024  # a list of 1,000 UIDs

_accept = lru_cache(maxsize=512)(parse_accept)  # viewers send the same few headers all day

# What is sent belongs to the person who asked; it may be kept, but each use asks again, so that a log-out ends it.
PRIVATE = (b"cache-control", b"private, no-cache")


class File(Protocol):
    """An open file of the archive. fd: None when its bytes are not in a local file; reading waits for a network then."""

    fd: int | None

    def read_at(self, offset: int, length: int) -> bytes: ...


class Gone(Exception):
    """The client has left; there is nobody to answer."""


class Exchange:
    """A request with its principal, and the way to answer it."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, *, addresses: Addresses, executor: Executor, principal: Principal
    ) -> None:
        self.scope = scope
        self.received = False  # the whole request body; whoever receives after that waits for the client to leave
        self._receive = receive
        self.principal = principal
        self.started = False
        self._head: Message | None = None
        self.gone = False
        self.parameters: Mapping[str, str] = {}
        self._send = send
        self._executor = executor
        self._addresses = addresses

    # ---- what was asked

    def header(self, name: bytes) -> str:
        """The value of a request header (name in lower case), several joined by commas; "" when absent."""
        values = [value for key, value in self.scope["headers"] if key == name]
        return b", ".join(values).decode("latin-1")

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def base(self) -> str:
        """The address of DICOMweb as this client knows it."""
        return self._addresses.base(self.scope)

    def channel(self, aet: str) -> str:
        """The address of the WebSocket over which an AE title is told of work items (PS3.18 8.10.4, 11.10.3.2)."""
        return f"{self.base.replace('http', 'ws', 1)}/ws/subscribers/{quote(aet)}"

    def query(self) -> list[tuple[str, str]]:
        """The query parameters in their order."""
        text = self.scope.get("query_string", b"")
        if len(text) > MAX_QUERY:
            raise Invalid("The query is too long.", where="query", hint="The limit is 64 KiB.")
        return parse_qsl(text.decode("ascii", "replace"), keep_blank_values=True)

    def accepted(self) -> tuple[MediaRange, ...]:
        """What the client accepts: by query parameter where a header cannot be set (PS3.18 8.3.3.1), else by header."""
        if self.scope.get("query_string"):
            # A plus sign that was not escaped has become a space: application/dicom+json
            asked = ",".join(value.replace("dicom ", "dicom+") for name, value in self.query() if name == "accept")
            if asked:
                return _accept(asked)
        return _accept(self.header(b"accept"))

    def coding(self) -> str:
        """The content coding that the client likes best: gzip, zstd or "" (RFC 9110 12.5.3); of equals gzip, which is kept."""
        best, quality = "", 0.0
        identity = 0.0
        for entry in self.header(b"accept-encoding").split(","):
            name, _, parameter = entry.partition(";")
            name = name.strip().lower().replace("x-gzip", "gzip").replace("*", "gzip")
            q = _quality(parameter)
            if name == "identity":
                identity = q
            elif name in ("gzip", "zstd") and (q > quality or (q == quality and name == "gzip")) and q > 0:
                best, quality = name, q
        return best if quality >= identity else ""

    def knows(self, etag: str) -> bool:
        """Whether the client holds this version already (If-None-Match, RFC 9110 13.1.2: weak comparison)."""
        asked = self.header(b"if-none-match")
        if not asked:
            return False
        wanted = etag.removeprefix("W/")
        return asked.strip() == "*" or any(entry.strip().removeprefix("W/") == wanted for entry in asked.split(","))

    async def receive(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        self.received = self.received or message["type"] != "http.request" or not message.get("more_body")
        return message

    # ---- threads

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run core code, which may wait, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    # ---- the answer

    async def start(self, status: int, headers: Headers) -> None:
        """Status and headers. They leave with the first piece of the body: what fails before it is told with another status."""
        self._head = {"type": "http.response.start", "status": status, "headers": list(headers)}

    async def send(self, body: bytes | bytearray, *, more: bool) -> None:
        """Send a piece of the body."""
        if self._head is not None:
            head, self._head, self.started = self._head, None, True
            await self._send(head)
        if self.method == "HEAD":
            body = b""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def reply(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole small answer."""
        length = () if status == 304 else ((b"content-length", str(len(body)).encode()),)
        await self.start(status, (*headers, *length))
        await self.send(body, more=False)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """For long answers: notices that the client has left, which `send` need not tell, so that `Body` stops."""

        async def watch() -> None:
            while (await self.receive())["type"] != "http.disconnect":
                pass
            self.gone = True

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()

    async def not_modified(self, etag: str) -> None:
        """304: the client's copy is still right."""
        await self.reply(304, ((b"etag", etag.encode()), PRIVATE))


class Body:
    """A body filled piece by piece from bytes and files. length: None when it is not known yet; `finish` ends it then."""

    def __init__(self, exchange: Exchange, length: int | None) -> None:
        self._exchange = exchange
        self._left = _ENDLESS if length is None else length
        self._buffer = bytearray(min(self._left, PIECE))
        self._filled = 0

    async def finish(self) -> None:
        """Send what is left of a body whose length was not known, or the whole of an empty one."""
        if self._left:
            await self._exchange.send(self._buffer[: self._filled], more=False)
        elif not self._buffer and not self._exchange.started:
            await self._exchange.send(b"", more=False)

    async def write(self, data: bytes) -> None:
        """Append bytes."""
        taken = 0
        while taken < len(data):
            count = min(len(self._buffer) - self._filled, len(data) - taken)
            self._buffer[self._filled : self._filled + count] = data[taken : taken + count] if count < len(data) else data
            taken += count
            await self._advance(count)

    async def copy(self, file: File, offset: int, length: int) -> None:
        """Append bytes of a file. Raises Broken when the file ends early; the connection must be cut then."""
        if file.fd is None:
            return await self._fetch(file, offset, length)
        while length:
            count = min(len(self._buffer) - self._filled, length)
            view = memoryview(self._buffer)[self._filled : self._filled + count]
            got = _read_now(file.fd, view, offset)
            if got < count:
                await self._exchange.run(_read_all, file.fd, view[got:], offset + got)
            del view  # a bytearray with a view cannot be handed on by every server
            offset += count
            length -= count
            await self._advance(count)

    async def _fetch(self, file: File, offset: int, length: int) -> None:
        """As `copy`, over a network: few reads, each of what is asked for and no more."""
        while length:
            data = await self._exchange.run(file.read_at, offset, min(length, FETCHED))
            if not data:
                raise Broken("a stored file ended early", hint="An administrator should run `isocenter verify`.")
            await self.write(data)
            offset += len(data)
            length -= len(data)

    async def _advance(self, count: int) -> None:
        self._filled += count
        if self._filled < len(self._buffer):
            return
        if self._exchange.gone:
            raise Gone
        self._left -= self._filled
        full, self._filled = self._buffer, 0
        self._buffer = bytearray(min(self._left, PIECE))
        await self._exchange.send(full, more=self._left > 0)


def _quality(parameter: str) -> float:
    """The weight of an entry; one that is malformed is as good as none."""
    name, _, value = parameter.replace(" ", "").partition("=")
    try:
        return float(value) if name.lower() == "q" else 1.0
    except ValueError:
        return 0.0


def _read_now(fd: int, view: memoryview, offset: int) -> int:
    """Read what is in the page cache; 0 when nothing is, or when the file system cannot say."""
    try:
        return os.preadv(fd, [view], offset, os.RWF_NOWAIT)
    except OSError:  # EAGAIN: not cached; EOPNOTSUPP: tmpfs and others. The thread will find out what is really wrong.
        return 0


def _read_all(fd: int, view: memoryview, offset: int) -> None:
    while view:
        got = os.preadv(fd, [view], offset)
        if not got:
            raise Broken("a stored file ended early", hint="An administrator should run `isocenter verify`.")
        view = view[got:]
        offset += got
