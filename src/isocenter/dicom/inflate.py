"""Deflated data sets (PS3.5 A.5) as sources: inflated as a stream, never past a limit, never held whole."""

import zlib

from .elements import Malformed
from .source import Source

MAX_INFLATED = 2 * 1024**3  # the largest deflated objects seen are segmentations and surfaces of some hundred megabytes
# deflate reaches 1030 : 1 on zeros, and an empty segmentation comes near it; beyond 64 MB a data set that dense is a bomb.
MAX_RATIO = 250
RATIO_FREE = 64 * 1024**2

_CHUNK = 256 * 1024  # of inflated bytes at a time
_KEEP = 8 * 1024**2  # a data set up to this size is held in memory: no second pass over it


class InflatedSource:
    """The inflated bytes of a deflated data set. Forward reads stream; a read that goes back begins again.

    source, offset: the object, and where its deflated data set begins. Malformed when it is cut short, damaged, or a bomb.
    """

    __slots__ = ("_base", "_inflate", "_offset", "_position", "_source", "_wbits", "_window", "size")

    def __init__(self, source: Source, offset: int) -> None:
        self._source = source
        self._offset = offset
        # A raw deflate stream is meant; some writers put zlib's two-byte header before it (RFC 1950 2.2).
        head = source.read_at(offset, 2)
        zlib_header = len(head) == 2 and head[0] == 0x78 and int.from_bytes(head, "big") % 31 == 0
        self._wbits = zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS
        self._restart()
        self.size = self._measure()

    def _restart(self) -> None:
        self._inflate = zlib.decompressobj(self._wbits)
        self._position = self._offset  # next deflated byte to read
        self._window = b""
        self._base = 0  # inflated offset of the window

    def _measure(self) -> int:
        """Inflate once through to learn the size, and keep the bytes when they are few."""
        deflated = self._source.size - self._offset
        limit = min(MAX_INFLATED, max(RATIO_FREE, MAX_RATIO * deflated))
        kept: list[bytes] | None = []
        total = 0
        while chunk := self._more():
            total += len(chunk)
            if total > limit:
                raise Malformed("the deflated data set inflates without measure", f"byte {self._offset}")
            if kept is not None:
                kept.append(chunk)
                if total > _KEEP:
                    kept = None
        if not self._inflate.eof:
            raise Malformed("the deflated data set is cut short", f"byte {self._offset}", truncated=True)
        if kept is None:
            self._restart()
        else:
            self._window = b"".join(kept)
        return total

    def _more(self) -> bytes:
        """Return the next inflated bytes, empty at the end."""
        inflate = self._inflate
        while not inflate.eof:
            data = inflate.unconsumed_tail
            if not data:
                data = self._source.read_at(self._position, _CHUNK // 4)
                self._position += len(data)
            try:
                chunk = inflate.decompress(data, _CHUNK)
            except zlib.error:
                raise Malformed("the deflated data set is damaged", f"byte {self._offset}") from None
            if chunk or not data:
                return chunk
        return b""

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` inflated bytes from `offset`."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        if offset < self._base:
            self._restart()
        while self._base + len(self._window) <= offset:
            self._base += len(self._window)
            self._window = self._more()
            if not self._window:
                return b""
        parts = [self._window[offset - self._base : offset - self._base + length]]
        have = len(parts[0])
        while have < length:
            self._base += len(self._window)
            self._window = self._more()
            if not self._window:
                break
            parts.append(self._window[: length - have])
            have += len(parts[-1])
        return b"".join(parts) if len(parts) > 1 else parts[0]
