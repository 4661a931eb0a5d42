"""multipart/related (RFC 2046, RFC 2387), read and written as a stream (PS3.18 8.6.1.2).

The reader is fed whatever the network gave, in pieces of any size, and answers with events; it holds back no more than one
delimiter's length of body and one header block, so a part may be of any size. Every fault is an `Invalid` that names the part.
"""

import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from isocenter.domain.errors import Invalid

MAX_BOUNDARY = 200  # RFC 2046 5.1.1 says 70; Orthanc sends 73
MAX_HEADERS = 16 * 1024  # a part of PS3.18 has two or three short headers; more is an attack or not multipart at all
MAX_PADDING = 256  # white space that a transport may add after a boundary (RFC 2046 5.1.1)
MAX_PREAMBLE = 64 * 1024  # "This is a multi-part message", never more


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part starts: its number, counted from 1, and its headers, names in lower case."""

    number: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """The next bytes of the body of the current part; valid as long as the piece that was fed is."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The body of part `number` is complete."""

    number: int


Event = PartBegin | PartData | PartEnd


_SECRET = os.urandom(32)  # asking the kernel for each boundary costs 50 us, a third of what a frame costs
_numbers = itertools.count()


class _At(Enum):
    PREAMBLE = auto()
    BOUNDARY = auto()
    HEADERS = auto()
    BODY = auto()
    EPILOGUE = auto()


class Reader:
    """An incremental reader of one multipart body."""

    def __init__(self, boundary: bytes) -> None:
        if not 1 <= len(boundary) <= MAX_BOUNDARY or b"\r" in boundary or b"\n" in boundary:
            raise Invalid(f"The multipart boundary is missing or longer than {MAX_BOUNDARY} characters.", where="Content-Type")
        self._delimiter = b"\r\n--" + boundary
        self._held = b"\r\n"  # the first delimiter needs no line end before it
        self._at = _At.PREAMBLE
        self._preamble = 0
        self._buffer = b""
        self._position = 0
        self.parts = 0

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that `piece` completes. Drain the iterator before the next call."""
        self._buffer, self._position = (self._held + piece if self._held else piece), 0
        self._held = b""
        while True:
            if self._at is _At.PREAMBLE:
                going = self._read_preamble()
            elif self._at is _At.BOUNDARY:
                going = self._read_boundary()
            elif self._at is _At.HEADERS:
                headers = self._read_headers()
                if going := headers is not None:
                    self._at = _At.BODY
                    yield PartBegin(self.parts, headers or {})
            elif self._at is _At.BODY:
                start, end, going = self._read_body()
                if end > start:
                    yield PartData(memoryview(self._buffer)[start:end])
                if going:
                    self._at = _At.BOUNDARY
                    yield PartEnd(self.parts)
            else:
                self._position = len(self._buffer)  # the epilogue is ignored (RFC 2046 5.1.1)
                going = False
            if not going:
                self._held = self._buffer[self._position :]
                self._buffer = b""
                return

    def close(self) -> None:
        """The body has ended; raises Invalid unless the closing delimiter was there."""
        if self._at is not _At.EPILOGUE:
            raise Invalid("The request ended before the closing boundary.", where=self._where())

    def _where(self) -> str:
        return f"part {max(self.parts, 1)}"

    def _read_preamble(self) -> bool:
        found = self._buffer.find(self._delimiter, self._position)
        keep = found if found >= 0 else max(self._position, len(self._buffer) - len(self._delimiter) + 1)
        self._preamble += keep - self._position
        if self._preamble > MAX_PREAMBLE:
            raise Invalid("The boundary named in Content-Type does not occur in the body.", where="part 1")
        self._position = keep if found < 0 else found + len(self._delimiter)
        self._at = _At.PREAMBLE if found < 0 else _At.BOUNDARY
        return found >= 0

    def _read_boundary(self) -> bool:
        """After a delimiter: `--` closes, else white space up to the line end, which is left for the headers."""
        rest = self._buffer[self._position : self._position + MAX_PADDING + 2]
        if rest.startswith(b"--"):
            self._at = _At.EPILOGUE
            return True
        end = rest.find(b"\r\n")
        if end < 0:
            if len(rest) > MAX_PADDING or rest.strip(b" \t\r") not in (b"", b"-"):
                raise Invalid("The line of a boundary holds something else.", where=self._where())
            return False
        if rest[:end].strip(b" \t"):
            raise Invalid("The line of a boundary holds something else.", where=self._where())
        self._position += end
        self.parts += 1
        self._at = _At.HEADERS
        return True

    def _read_headers(self) -> dict[str, str] | None:
        """The header block; it begins with the line end of the boundary, so that an empty block is found the same way."""
        end = self._buffer.find(b"\r\n\r\n", self._position, self._position + MAX_HEADERS)
        if end < 0:
            if len(self._buffer) - self._position >= MAX_HEADERS:
                raise Invalid("The headers of a part are too long.", where=self._where(), hint="The limit is 16 KiB.")
            return None
        block = self._buffer[self._position + 2 : end] if end > self._position else b""
        self._position = end + 4
        return self._parse_headers(block)

    def _parse_headers(self, block: bytes) -> dict[str, str]:
        headers: dict[str, str] = {}
        unfolded = block.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
        for line in unfolded.split(b"\r\n") if unfolded else ():
            name, colon, value = line.partition(b":")
            if not colon or not name.strip():
                raise Invalid("A header of a part has no name or no colon.", where=self._where())
            headers[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        return headers

    def _read_body(self) -> tuple[int, int, bool]:
        """(start, end, complete) of the body bytes that are certain; a possible start of a delimiter is held back."""
        start = self._position
        found = self._buffer.find(self._delimiter, start)
        if found >= 0:
            self._position = found + len(self._delimiter)
            return start, found, True
        end = len(self._buffer)
        # a delimiter holds its only CR in front, so the first CR that could begin one decides
        candidate = self._buffer.find(b"\r", max(start, end - len(self._delimiter) + 1))
        while candidate >= 0 and not self._delimiter.startswith(self._buffer[candidate:]):
            candidate = self._buffer.find(b"\r", candidate + 1)
        self._position = end if candidate < 0 else candidate
        return start, self._position, False


def new_boundary() -> str:
    """A boundary that no stored object can contain on purpose: 128 bits nobody can foresee, new for each answer."""
    return hashlib.blake2b(next(_numbers).to_bytes(8, "little"), key=_SECRET, digest_size=16).hexdigest()


def part_head(boundary: str, headers: Mapping[str, str], *, first: bool = False) -> bytes:
    """Delimiter line and headers of the next part; the body follows directly."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{'' if first else chr(13) + chr(10)}--{boundary}\r\n{lines}\r\n".encode("latin-1")


def closing(boundary: str) -> bytes:
    """What ends the body after the last part."""
    return f"\r\n--{boundary}--\r\n".encode("latin-1")
