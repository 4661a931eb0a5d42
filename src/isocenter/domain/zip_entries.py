"""Reading a ZIP that a stranger sent (PKWARE APPNOTE 6.3.10): one entry at a time, nothing held but the piece in hand.

The central directory is walked, never loaded: its count and sizes are claims. Lengths are checked against the file, output
against what the entry claims and against a ratio, CRC-32 at the end. Stored and deflated entries are read; the rest is refused
by name.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from isocenter.dicom.source import Source
from isocenter.domain.errors import Invalid, TooLarge, Unsupported

END = b"PK\x05\x06"
END_SIZE = 22
LONGEST_COMMENT = 65535
LOCATOR = b"PK\x06\x07"
END64 = b"PK\x06\x06"
CENTRAL = b"PK\x01\x02"
CENTRAL_SIZE = 46
LOCAL = b"PK\x03\x04"
LOCAL_SIZE = 30
UNKNOWN32 = 0xFFFFFFFF
UNKNOWN16 = 0xFFFF

STORED, DEFLATED = 0, 8
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}

PIECE = 256 * 1024
# Deflate reaches 1032:1 on zeros only. Blank frames compress well too, so small entries are free of the rule; what is both
# large and that hollow is a bomb.
FREE_OF_RATIO = 256 << 20
LARGEST_RATIO = 300
# A study of 100,000 slices has that many entries; a list longer than this is not one study, and would be one answer too long.
MOST_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the ZIP, as its central directory claims it. Sizes in bytes; `offset` of its local header."""

    name: str
    method: int
    encrypted: bool
    crc: int
    compressed: int
    size: int
    offset: int

    @property
    def is_folder(self) -> bool:
        """Folders are entries whose name ends with a slash."""
        return self.name.endswith("/")


class ZipFile:
    """A ZIP. Raises Invalid when it is none, or damaged."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._size = source.size
        self._count, self._length, self._start = self._find_directory()
        self._unpacked_size = 0

    def entries(self) -> Iterator[Entry]:
        """Walk the central directory. Raises Invalid, TooLarge."""
        position, end = self._start, self._start + self._length
        if end > self._size:
            raise Invalid("the list of its files lies outside of it: the ZIP is damaged or cut off")
        if self._count > MOST_ENTRIES:
            raise TooLarge(f"the ZIP has more than {MOST_ENTRIES:,} files", hint="send it in parts")
        for _ in range(self._count):
            entry, position = self._entry(position, end)
            yield entry

    def read(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of an entry, in pieces of at most PIECE. Raises Invalid, TooLarge, Unsupported."""
        if entry.encrypted:
            raise Unsupported("it is encrypted", hint="unpack the ZIP with its password and send the files")
        if entry.method not in (STORED, DEFLATED):
            method = METHODS.get(entry.method, f"number {entry.method}")
            raise Unsupported(f"it is packed with {method}", hint="pack the ZIP with Deflate, the usual method")
        if entry.size > FREE_OF_RATIO and entry.size > LARGEST_RATIO * entry.compressed:
            raise TooLarge(f"it would unpack to more than {LARGEST_RATIO} times its size")
        crc = total = 0
        for piece in self._unpacked(entry):
            total += len(piece)
            self._unpacked_size += len(piece)
            if total > entry.size:
                raise Invalid("it unpacks to more than the ZIP says: the ZIP is damaged")
            # Entries may share their packed bytes (overlap), so the whole is measured too.
            if self._unpacked_size > FREE_OF_RATIO + LARGEST_RATIO * self._size:
                raise TooLarge(f"the ZIP would unpack to more than {LARGEST_RATIO} times its size")
            crc = zlib.crc32(piece, crc)
            yield piece
        if total != entry.size or crc != entry.crc:
            raise Invalid("its checksum does not fit: the ZIP is damaged")

    def _unpacked(self, entry: Entry) -> Iterator[bytes]:
        raw = self._raw(entry)
        if entry.method == STORED:
            yield from raw
            return
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for piece in raw:
                yield inflater.decompress(piece, PIECE)
                while inflater.unconsumed_tail:
                    yield inflater.decompress(inflater.unconsumed_tail, PIECE)
                if inflater.eof:
                    return
            # What the inflater still holds back; bounded by its window.
            yield inflater.flush()
        except zlib.error:
            raise Invalid("it cannot be unpacked: the ZIP is damaged") from None

    def _raw(self, entry: Entry) -> Iterator[bytes]:
        header = self._read(entry.offset, LOCAL_SIZE)
        if len(header) < LOCAL_SIZE or not header.startswith(LOCAL):
            raise Invalid("its data is not where the ZIP says: the ZIP is damaged")
        name_length, extra_length = struct.unpack_from("<HH", header, 26)
        position = entry.offset + LOCAL_SIZE + name_length + extra_length
        end = position + entry.compressed
        if end > self._size:
            raise Invalid("it is cut off")
        while position < end:
            piece = self._read(position, min(PIECE, end - position))
            if not piece:
                raise Invalid("it is cut off")
            position += len(piece)
            yield piece

    def _read(self, offset: int, length: int) -> bytes:
        return self._source.read_at(offset, length) if 0 <= offset <= self._size else b""

    def _find_directory(self) -> tuple[int, int, int]:
        """Number of entries, length and offset of the central directory (APPNOTE 4.3.16, and 4.3.14 for ZIP64)."""
        tail_start = max(0, self._size - END_SIZE - LONGEST_COMMENT)
        tail = self._read(tail_start, self._size - tail_start)
        at = tail.rfind(END)
        if at < 0 or len(tail) - at < END_SIZE:
            raise Invalid("it begins like a ZIP but has no end: it was cut off")
        count, length, start = struct.unpack_from("<HII", tail, at + 10)
        if count == UNKNOWN16 or UNKNOWN32 in (length, start):
            locator = self._read(tail_start + at - 20, 20)
            if len(locator) == 20 and locator.startswith(LOCATOR):
                (end64_at,) = struct.unpack_from("<Q", locator, 8)
                end64 = self._read(end64_at, 56)
                if len(end64) < 56 or not end64.startswith(END64):
                    raise Invalid("the end of the ZIP is damaged")
                count, length, start = struct.unpack_from("<QQQ", end64, 32)
        return count, length, start

    def _entry(self, position: int, end: int) -> tuple[Entry, int]:
        header = self._read(position, CENTRAL_SIZE)
        if position + CENTRAL_SIZE > end or len(header) < CENTRAL_SIZE or not header.startswith(CENTRAL):
            raise Invalid("the list of its files is damaged")
        flags, method = struct.unpack_from("<HH", header, 8)
        crc, compressed, size, name_length, extra_length, comment_length = struct.unpack_from("<IIIHHH", header, 16)
        (offset,) = struct.unpack_from("<I", header, 42)
        rest = self._read(position + CENTRAL_SIZE, name_length + extra_length)
        # Bit 11: the name is UTF-8; else it is in the code page of the first PC (APPNOTE D.1).
        name = rest[:name_length].decode("utf-8" if flags & 0x800 else "cp437", "replace")
        size, compressed, offset = _wide(rest[name_length:], size, compressed, offset)
        following = position + CENTRAL_SIZE + name_length + extra_length + comment_length
        return Entry(name, method, bool(flags & 0x41), crc, compressed, size, offset), following


def _wide(extra: bytes, *narrow: int) -> tuple[int, int, int]:
    """The 64-bit values of the ZIP64 extra field for those that are FFFFFFFF (APPNOTE 4.5.3): size, compressed, offset."""
    wide: list[int] = []
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == 1:
            body = extra[position + 4 : position + 4 + length]
            wide = [value for (value,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
        position += 4 + length
    values: list[int] = []
    for value in narrow:
        if value == UNKNOWN32 and not wide:
            raise Invalid("the list of its files is damaged")
        values.append(wide.pop(0) if value == UNKNOWN32 else value)
    return values[0], values[1], values[2]
