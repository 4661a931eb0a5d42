"""The parts of a request, put aside in one file until it is whole, and found again by the names that metadata call them."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from isocenter.dicom.elements import Malformed
from isocenter.dicom.source import Section
from isocenter.domain.errors import NoSpace, TooLarge
from isocenter.service.context import Context
from isocenter.store.blobs import Incoming

MOST_PARTS = 100_000  # of one request; some 300 bytes each
NOTHING_KEPT = "Nothing was kept."

_SPACE_EVERY = 16 << 20


@dataclass(slots=True)
class Part:
    """A part of the request, put aside. media_type: lower case. location: Content-Location."""

    media_type: str
    transfer_syntax: str
    location: str
    offset: int
    size: int = 0
    used: bool = False


class Parts:
    """All parts of one request: `begin` and `write` them, look them up, `discard` in any case; one thread at a time."""

    def __init__(self, context: Context) -> None:
        self.metadata: list[Part] = []
        self.bulk: list[Part] = []
        self._context = context
        self._spool = context.blobs.open_incoming()
        self._aside: list[Incoming] = []
        self._looked_at_space = -_SPACE_EVERY
        self._current: Part | None = None
        self._nameless: deque[Part] | None = None
        self._located: dict[str, dict[int, tuple[int, Part]]] | None = None

    def begin(self, media_type: str, transfer_syntax: str, location: str, *, metadata: bool) -> None:
        """A part begins. Raises TooLarge."""
        if len(self.bulk) + len(self.metadata) >= MOST_PARTS:
            raise TooLarge(f"a request has {MOST_PARTS} parts at most", kept=NOTHING_KEPT, hint="Send it in several requests.")
        self._current = Part(media_type, transfer_syntax, location, self._spool.size)
        (self.metadata if metadata else self.bulk).append(self._current)

    def write(self, data: bytes | memoryview) -> None:
        """More bytes of the part. Raises NoSpace, Broken."""
        assert self._current is not None
        if self._spool.size - self._looked_at_space >= _SPACE_EVERY:
            if self._context.blobs.free_space() < self._context.settings.min_free_space:
                raise NoSpace("the disk is nearly full", kept=NOTHING_KEPT,
                              hint="Free some space, or lower min_free_space; then send again.")  # fmt: skip
            self._looked_at_space = self._spool.size
        self._spool.write(data)
        self._current.size += len(data)

    def drop_last(self) -> None:
        """The part that is coming in will not be whole."""
        for parts in (self.bulk, self.metadata):
            if parts and parts[-1] is self._current:
                parts.pop()
        self._current = None

    def section(self, part: Part) -> Section:
        """The bytes of a part."""
        return Section(self._spool.fd, part.offset, part.size)

    def replace(self, part: Part, pieces: Iterator[bytes]) -> None:
        """Other bytes take the place of a part's. Raises NoSpace, Broken."""
        offset = self._spool.size
        for piece in pieces:
            self._spool.write(piece)
        part.offset, part.size = offset, self._spool.size - offset

    def aside(self) -> Incoming:
        """A file for what is made of a part, until `tidy`."""
        incoming = self._context.blobs.open_incoming()
        self._aside.append(incoming)
        return incoming

    def tidy(self) -> None:
        """Forget what was made aside."""
        while self._aside:
            self._aside.pop().discard()

    def discard(self) -> None:
        """Forget everything."""
        self.tidy()
        self._spool.discard()

    def nameless(self) -> Part | None:
        """The next part without a Content-Location, which gets a name of ours now."""
        if self._nameless is None:
            self._nameless = deque(part for part in self.bulk if not part.location)
        if not self._nameless:
            return None
        part = self._nameless.popleft()
        part.location = f"part:{len(self._nameless)}"
        self._index().setdefault(part.location, {})[id(part)] = 0, part
        return part

    def of(self, uri: str) -> list[Part]:
        """The parts of a BulkDataURI: of one location, in their order; or frame by frame, as /frames/N below it.

        Raises Malformed when there are none.
        """
        located = self._index()
        placed = located.get(uri) or located.get(_path(uri)) or {}
        found = [part for _, part in sorted(placed.values(), key=lambda place: place[0])]
        if not found:
            raise Malformed("no part of the request has this Content-Location", uri[:200])
        for part in found:
            part.used = True
        return found

    def _index(self) -> dict[str, dict[int, tuple[int, Part]]]:
        """Location -> its parts, each with its place among them."""
        if self._located is None:
            self._located = {}
            for part in self.bulk:
                path, frames, number = _path(part.location).partition("/frames/")
                place = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0
                for key, order in ((part.location, 0), (path, place if frames else 0)):
                    self._located.setdefault(key, {}).setdefault(id(part), (order, part))
        return self._located


def _path(location: str) -> str:
    """A location without the address of the server, which may be known by several."""
    parts = urlsplit(location)
    return unquote(parts.path) if parts.scheme in ("http", "https") else unquote(location)
