"""Items of the modality worklist as the bytes of C-FIND answers (PS3.4 K.4.1.1.3.2): rows of the index, without a detour."""

import struct
from collections.abc import Mapping, Sequence

from . import charset, identifier, reencoding, syntaxes
from .attributes import tag_of
from .identifier import CHARACTER_SET, ITEM
from .match import Match
from .worklist import STEP, Key

_UTF_8 = "ISO_IR 192"

Row = Mapping[str, str]
"""column of `worklist.KEYS` -> text, several values joined by backslashes"""


def texts_of(key: Key, row: Row) -> list[str]:
    """The values of a column; those of a sequence are one for each item."""
    text = row[key.column]
    return text.split("\\") if text else []


def is_met(matches: Sequence[tuple[Key, Match]], row: Row) -> bool:
    """Whether for each sequence one of its items meets all keys that lie in it (PS3.4 C.2.2.2.6)."""
    together: dict[str, list[tuple[Key, Match]]] = {}
    for key, match in matches:
        if key.sequence:
            together.setdefault(key.sequence, []).append((key, match))
    return all(_one_meets(nested, row) for nested in together.values())


def _one_meets(nested: Sequence[tuple[Key, Match]], row: Row) -> bool:
    columns = [(key, match, texts_of(key, row)) for key, match in nested]
    places = range(max(1, *(len(texts) for _, _, texts in columns)))
    return any(
        all(match.matches(texts[place] if place < len(texts) else "", key.vr) for key, match, texts in columns)
        for place in places
    )


class Answers:
    """Encodes the answers to one request, in its transfer syntax: implicit or explicit VR little endian."""

    def __init__(self, keys: Sequence[Key], empty: Sequence[str], charsets: str, transfer_syntax: str) -> None:
        """keys: what is asked for; empty: sequences that are answered without items; charsets: of the request."""
        self._explicit = transfer_syntax == syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
        self._charsets = charsets if charset.repertoire(charsets).known else ""
        self._keys = keys
        self._empty = {tag: self._element(tag, "SQ", b"") for tag in map(_tag, empty)}

    def encode(self, row: Row) -> bytes:
        """One answer. In the character set of the request when that can say it all, else in Unicode; in none at all when it
        names none and everything is ASCII, since many devices know no Unicode."""
        try:
            charsets, parts = self._charsets, self._parts(self._keys, row, self._charsets)
        except UnicodeError:
            charsets, parts = _UTF_8, self._parts(self._keys, row, _UTF_8)
        parts |= self._empty
        if charsets:
            parts[CHARACTER_SET] = self._element(CHARACTER_SET, "CS", charsets.encode("ascii"))
        return b"".join(parts[tag] for tag in sorted(parts))

    def _parts(self, keys: Sequence[Key], row: Row, charsets: str, depth: int = 0) -> dict[int, bytes]:
        """The elements by tag; `depth` sequences around them are left out. UnicodeError when the set cannot say one of them."""
        parts: dict[int, bytes] = {}
        inner: dict[str, list[Key]] = {}
        for key in keys:
            if len(key.path) > depth:
                inner.setdefault(key.path[depth], []).append(key)
            else:
                parts[key.tag] = self._element(key.tag, key.vr, identifier.value(row[key.column], key.vr, charsets))
        for sequence, nested in inner.items():
            if sequence == STEP:
                step = self._parts(nested, row, charsets, depth + 1)
                content = _item(b"".join(step[tag] for tag in sorted(step)))
            else:
                content = self._items(sorted(nested, key=lambda key: key.tag), row, charsets)
            parts[_tag(sequence)] = self._element(_tag(sequence), "SQ", content)
        return parts

    def _items(self, nested: Sequence[Key], row: Row, charsets: str) -> bytes:
        """The items of a sequence whose values lie side by side; what has no value in an item is left out of it."""
        columns = [(key, texts_of(key, row)) for key in nested]
        return b"".join(
            _item(
                b"".join(
                    self._element(key.tag, key.vr, identifier.value(texts[place], key.vr, charsets))
                    for key, texts in columns
                    if place < len(texts) and texts[place]
                )
            )
            for place in range(max(len(texts) for _, texts in columns))
        )

    def _element(self, tag: int, vr: str, data: bytes) -> bytes:
        padding = (b"\0" if vr == "UI" else b" ") * (len(data) % 2)  # PS3.5 6.2
        return reencoding.element(tag, vr, data + padding, explicit=self._explicit)


def _item(content: bytes) -> bytes:
    return struct.pack("<HHI", ITEM >> 16, ITEM & 0xFFFF, len(content)) + content


def _tag(keyword: str) -> int:
    tag = tag_of(keyword)
    assert tag is not None, keyword
    return tag
