"""An object as its patient was corrected: the header with other attributes, every other byte as it was stored.

`seen` is the only place that says what a corrected object looks like from outside: C-MOVE, C-GET, STOW-RS to others, WADO-RS,
its metadata and its pictures read what it returns. What the object said itself is kept in Original Attributes Sequence (PS3.3
C.12.1.1.9). The encoding stays, so that compressed pixels and their offsets among themselves do.
"""

import struct
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

from . import charset, part10, syntaxes
from .attributes import tag_of, vr_of
from .elements import SEQUENCE_END, SHORT_VRS, UNDEFINED, Encoding
from .reencoding import Element, top_level
from .source import Source

KEYWORDS = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")  # what can be corrected

_CHARSET = 0x00080005
_QUALIFIERS = 0x00100024  # Issuer of Patient ID Qualifiers Sequence: of the issuer that the object named
_INSTANCE = 0x00080018
_ORIGINAL = 0x04000561
_ITEM = 0xFFFEE000
_LENGTHS = (0x00080000, 0x00100000, 0x04000000)  # group lengths, retired (PS3.5 7.2): they would be wrong
_UTF_8 = "ISO_IR 192"

Piece = bytes | tuple[int, int]  # bytes, or (offset, length) in the source


class Spliced:
    """Pieces of a source and bytes of ours as one object: a `Source` that holds our bytes only."""

    def __init__(self, source: Source, pieces: Sequence[Piece]) -> None:
        self._source = source
        self._pieces = [piece for piece in pieces if (len(piece) if isinstance(piece, bytes) else piece[1])]
        lengths = (len(piece) if isinstance(piece, bytes) else piece[1] for piece in self._pieces)
        self._starts = [0, *accumulate(lengths)]
        self.size = self._starts.pop()

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; empty beyond the end."""
        found, left = [], min(length, self.size - offset)
        at = bisect_right(self._starts, offset) - 1
        while offset >= 0 and left > 0:
            inside, piece = offset - self._starts[at], self._pieces[at]
            if isinstance(piece, bytes):
                data = piece[inside : inside + left]
            else:
                data = self._source.read_at(piece[0] + inside, min(left, piece[1] - inside))
            if not data:
                break
            found.append(data)
            offset, left = offset + len(data), left - len(data)
            at += at + 1 < len(self._starts) and offset >= self._starts[at + 1]
        return b"".join(found)


def seen(source: Source, values: Mapping[str, str], at: str, system: str, uids: Mapping[int, str] | None = None) -> Spliced:
    """The Part 10 file `source` with other values of KEYWORDS ("" empties one). at: when they were corrected, as DT.

    uids: by tag, other UIDs of the data set. Raises Malformed.
    """
    header = part10.scan(source)
    content, start, encoding = part10.data_set(source, header)
    pieces = _data_set(content, start, encoding, header, values, (at, system), uids or {})
    head: Piece = (0, header.dataset_offset)
    syntax = syntaxes.get(header.transfer_syntax_uid)
    if syntax is None or not syntax.deflated:
        return Spliced(source, [head, *pieces])
    inflated = Spliced(content, pieces)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = [packer.compress(inflated.read_at(offset, 1 << 20)) for offset in range(0, inflated.size, 1 << 20)]
    data = b"".join((*packed, packer.flush()))
    return Spliced(source, [head, data + b"\0" * (len(data) % 2)])  # PS3.5 A.5


def refiled(source: Source, values: Mapping[str, str], uids: Mapping[int, str], at: str, system: str) -> Spliced:
    """Another object of `source`, made to be stored: of another patient, study, series and instance.

    uids: of StudyInstanceUID, SeriesInstanceUID and SOPInstanceUID, by tag. What the object said is in its Original Attributes
    Sequence. Raises Malformed.
    """
    header = part10.scan(source)
    changed = seen(source, values, at, system, uids)
    meta = part10.file_meta(header.sop_class_uid, uids.get(_INSTANCE, header.sop_instance_uid), header.transfer_syntax_uid)
    return Spliced(changed, [meta, (header.dataset_offset, changed.size - header.dataset_offset)])


def _data_set(content: Source, start: int, encoding: Encoding, header: part10.Header, values: Mapping[str, str],
              told: tuple[str, str], uids: Mapping[int, str]) -> list[Piece]:
    charsets, replaced = _replacing(header, values, encoding)
    for tag, uid in uids.items():
        replaced[tag] = _element(tag, uid.encode() + b"\0" * (len(uid) % 2), encoding)
    before: list[bytes] = []
    held: Element | None = None
    places: list[tuple[int, int, int]] = []  # (tag, start, end) of what is replaced
    end = content.size
    for each in top_level(content, start, encoding):
        if each.tag > _ORIGINAL:
            end = each.start
            break
        if each.tag in replaced:
            if each.tag != _CHARSET:
                before.append(content.read_at(each.start, each.end - each.start))
            places.append((each.tag, each.start, each.end))
        elif each.tag in _LENGTHS:
            places.append((each.tag, each.start, each.end))
        elif each.tag == _ORIGINAL:
            held = each
            places.append((each.tag, each.start, each.end))
        end = each.end
    earlier = b""
    if held is not None:
        whole = held.end - held.value - (8 if held.length == UNDEFINED else 0)
        earlier = content.read_at(held.value, whole)
    replaced[_ORIGINAL] = _sequence(_ORIGINAL, earlier + _item(_original(b"".join(before), charsets, *told, encoding), encoding),
                                    encoding)
    return _spliced(content, start, encoding, replaced, {tag: (begin, stop) for tag, begin, stop in places}, end)


def _spliced(content: Source, start: int, encoding: Encoding, replaced: Mapping[int, bytes | None],
             places: Mapping[int, tuple[int, int]], end: int) -> list[Piece]:
    """Every byte that stays, and what is replaced at its place in the order of tags."""
    left = sorted(replaced)
    pieces: list[Piece] = []
    copied = start
    for each in top_level(content, start, encoding):
        if each.start >= end:
            break
        while left and left[0] <= each.tag:
            tag = left.pop(0)
            pieces += (copied, each.start - copied), replaced[tag] or b""
            copied = each.start
        if each.tag in places:
            copied = each.end
    pieces.append((copied, end - copied))
    pieces += (replaced[tag] or b"" for tag in left)
    pieces.append((end, content.size - end))
    return pieces


def _replacing(header: part10.Header, values: Mapping[str, str], encoding: Encoding) -> tuple[str, dict[int, bytes | None]]:
    """The character set, and tag -> element. A set that cannot write a name gives way to UTF-8 where all text is ASCII so far."""
    charsets = header.specific_character_set
    replaced: dict[int, bytes | None] = {}
    text = "".join(values.values())
    if not text.isascii() and charset.encode(text.replace("=", ""), "LO", charsets) is None and charsets in ("", "ISO_IR 6"):
        charsets = _UTF_8
        replaced[_CHARSET] = _element(_CHARSET, charsets.encode(), encoding)
    for keyword in KEYWORDS:
        if keyword in values:
            tag = tag_of(keyword) or 0
            data = charset.encode(values[keyword], vr_of(tag), charsets)
            if data is None:  # its set has no such letters: plain ones, as a device without them would send
                data = _plain(values[keyword])
            replaced[tag] = _element(tag, data, encoding)
    if header.values.get("IssuerOfPatientID", "") != values.get("IssuerOfPatientID", ""):
        replaced[_QUALIFIERS] = None
    return charsets, replaced


def _plain(text: str) -> bytes:
    import unicodedata

    letters = unicodedata.normalize("NFKD", text.partition("=")[0])
    return "".join(each for each in letters if not unicodedata.combining(each)).encode("ascii", "replace")


def _original(before: bytes, charsets: str, at: str, system: str, encoding: Encoding) -> bytes:
    """An item of Original Attributes Sequence (PS3.3 Table C.12-1)."""
    return b"".join((
        _element(0x04000562, at.encode(), encoding),  # Attribute Modification DateTime
        _element(0x04000563, charset.encode(system, "LO", charsets) or b"", encoding),  # Modifying System
        _element(0x04000564, b"", encoding),  # Source of Previous Values: type 2
        _element(0x04000565, b"CORRECT", encoding),  # Reason for the Attribute Modification
        _sequence(0x04000550, _item(before, encoding), encoding),  # Modified Attributes Sequence
    ))  # fmt: skip


def _element(tag: int, value: bytes, encoding: Encoding) -> bytes:
    vr = vr_of(tag)
    if len(value) % 2:
        value += b" "
    return _head(tag, vr, len(value), encoding) + value


def _head(tag: int, vr: str, length: int, encoding: Encoding) -> bytes:
    order = "<" if encoding.little else ">"
    number = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if not encoding.explicit:
        return number + struct.pack(f"{order}L", length)
    code = vr.encode("ascii")
    short = code in SHORT_VRS
    return number + code + (struct.pack(f"{order}H", length) if short else b"\0\0" + struct.pack(f"{order}L", length))


def _sequence(tag: int, items: bytes, encoding: Encoding) -> bytes:
    return _head(tag, "SQ", UNDEFINED, encoding) + items + _delimiter(SEQUENCE_END, 0, encoding)


def _item(content: bytes, encoding: Encoding) -> bytes:
    return _delimiter(_ITEM, len(content), encoding) + content


def _delimiter(tag: int, length: int, encoding: Encoding) -> bytes:
    return struct.pack("<HHL" if encoding.little else ">HHL", tag >> 16, tag & 0xFFFF, length)
