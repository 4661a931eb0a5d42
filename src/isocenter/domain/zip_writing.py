"""Writing a ZIP as a stream (PKWARE APPNOTE 6.3.10): entries are stored, not compressed again, each with its CRC-32 in front.

ZIP64 where a size, a place or a number needs it. The other way is `zip_entries`.
"""

import struct
from collections.abc import Iterator
from datetime import datetime

from isocenter.domain.zip_entries import CENTRAL, END, END64, LOCAL, LOCATOR, UNKNOWN16, UNKNOWN32

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_VERSION, _VERSION64 = 20, 45
_UNIX = 3 << 8
_FILE = 0o100644 << 16


class ZipWriter:
    """What goes around the contents. `entry` before each content, `end` after the last."""

    def __init__(self, at: datetime) -> None:
        """at: the time of all entries."""
        self._date = (max(at.year, 1980) - 1980) << 9 | at.month << 5 | at.day
        self._time = at.hour << 11 | at.minute << 5 | at.second // 2
        self._place = 0
        self._entries: list[tuple[bytes, int, int, int]] = []

    def entry(self, name: str, size: int, crc: int) -> bytes:
        """The header of an entry, whose `size` bytes of content follow. name: with slashes, ASCII."""
        encoded = name.encode("ascii")
        self._entries.append((encoded, size, crc, self._place))
        wide = struct.pack("<2H2Q", 1, 16, size, size) if size >= UNKNOWN32 else b""
        short = UNKNOWN32 if wide else size
        version = _VERSION64 if wide else _VERSION
        head = _LOCAL.pack(LOCAL, version, 0, 0, self._time, self._date, crc, short, short, len(encoded), len(wide))
        self._place += len(head) + len(encoded) + len(wide) + size
        return head + encoded + wide

    def end(self) -> Iterator[bytes]:
        """The central directory, in pieces."""
        size = 0
        for name, length, crc, place in self._entries:
            piece = self._central(name, length, crc, place)
            size += len(piece)
            yield piece
        count, start = len(self._entries), self._place
        if count >= UNKNOWN16 or start >= UNKNOWN32 or size >= UNKNOWN32:
            yield _END64.pack(END64, _END64.size - 12, _UNIX | _VERSION64, _VERSION64, 0, 0, count, count, size, start)
            yield _LOCATOR.pack(LOCATOR, 0, start + size, 1)
        short = min(count, UNKNOWN16)
        yield _END.pack(END, 0, 0, short, short, min(size, UNKNOWN32), min(start, UNKNOWN32), 0)

    def _central(self, name: bytes, size: int, crc: int, place: int) -> bytes:
        wide = b"".join(struct.pack("<Q", number) for number in (size, size, place) if number >= UNKNOWN32)
        extra = struct.pack("<2H", 1, len(wide)) + wide if wide else b""
        version = _VERSION64 if wide else _VERSION
        short = min(size, UNKNOWN32)
        return _CENTRAL.pack(CENTRAL, _UNIX | version, version, 0, 0, self._time, self._date, crc, short, short, len(name),
                             len(extra), 0, 0, 0, _FILE, min(place, UNKNOWN32)) + name + extra  # fmt: skip
