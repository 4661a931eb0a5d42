"""Attributes that the settings declare (`index_attributes`), beside the table of `attributes`: read, found in objects, and named.

    ContrastBolusAgent@SERIES, 00081032.00080104@STUDY, 0019xx0C[GEMS_ACQU_01]:DS

A keyword or a tag, or a path of them through sequences; of a private one the Private Creator (its block is any) and its VR; and
the level whose rows have it (PATIENT, STUDY, SERIES, IMAGE; an image when it is not said).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from . import charset
from .attributes import BY_TAG, Attribute, Level, Matching, keyword_of, matching_of, tag_of, vr_of
from .elements import IMPLICIT_LITTLE, Encoding, Malformed, Window, elements, inside_unknown, items
from .source import BytesSource
from .values import text_of
from .walk import WANTED

MOST = 64  # declared attributes: each is a row for every owner
_ONE_VALUE = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a character of the value (PS3.5 6.2)
_MOST_ITEMS = 100  # of one sequence

_FORM = re.compile(
    r"(?P<path>[0-9A-Za-z.]+)(?:\[(?P<creator>[^\]\\]{1,64})\])?(?::(?P<vr>[A-Z]{2}))?(?:@(?P<level>[A-Za-z]+))?"
)
_PRIVATE = re.compile(r"([0-9A-Fa-f]{3}[13579bdfBDF])[xX]{2}([0-9A-Fa-f]{2})")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_TEXT_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "SV", "TM",
                       "UC", "UI", "UL", "UR", "US", "UT", "UV"})
_LEVELS = {**{level.value: level for level in Level}, "INSTANCE": Level.INSTANCE}
_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF


class NotDeclarable(ValueError):
    """A declaration that cannot be meant. where: the declaration."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where[:80]}: {reason}")
        self.where = where[:80]
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Extras:
    """Declared attributes. wanted: the tags whose values a walk has to keep for them, and for the table."""

    attributes: tuple[Attribute, ...]
    wanted: frozenset[int]

    def find(self, tags: tuple[int, ...], creator: str = "") -> Attribute | None:
        """The attribute at the end of a path of tags; of a private one any block will do. creator: "" for any."""
        for attribute in self.attributes:
            if attribute.path == tags[:-1] and _is(attribute, tags[-1]) and creator in ("", attribute.creator):
                return attribute
        return None


NONE = Extras((), WANTED)


def _is(attribute: Attribute, tag: int) -> bool:
    return tag == attribute.tag or (attribute.creator != "" and tag & 0xFFFF00FF == attribute.tag & 0xFFFF00FF)


@lru_cache(maxsize=16)
def declared(text: str) -> Extras:
    """What a setting declares; what the table of attributes has already is left out. Raises NotDeclarable."""
    found: dict[str, Attribute] = {}
    for one in re.split(r",(?![^\[]*\])", text):  # a creator may hold a comma
        if one.strip():
            attribute = _declared(one.strip())
            known = BY_TAG.get(attribute.tag)
            if attribute.creator or known is None or known.sequence != attribute.sequence:
                found[attribute.keyword] = attribute
    if len(found) > MOST:
        raise NotDeclarable(text, f"there are more than {MOST} attributes")
    return Extras(tuple(found.values()), WANTED.union(*map(_kept, found.values()))) if found else NONE


def _declared(one: str) -> Attribute:
    form = _FORM.fullmatch(one)
    if form is None:
        raise NotDeclarable(one, "write a keyword or tag, @ and a level: ContrastBolusAgent@SERIES")
    *above, last = form["path"].split(".")
    path = tuple(_tag(part, one) for part in above)
    private, creator = _PRIVATE.fullmatch(last), form["creator"] or ""
    if (private is None) == bool(creator):
        raise NotDeclarable(one, "a private attribute is a tag with xx for its block and its creator: 0019xx0C[CREATOR]:DS")
    if private is not None and path:
        raise NotDeclarable(one, "private attributes inside sequences cannot be indexed")
    tag = int(private[1] + "10" + private[2], 16) if private else _tag(last, one)
    vr = form["vr"] or vr_of(tag).split(" ")[0]
    if vr not in _TEXT_VRS:
        raise NotDeclarable(one, f"values of VR {vr} cannot be searched" + ("; say which it is: :LO" if vr == "UN" else ""))
    level = _LEVELS.get((form["level"] or "IMAGE").upper())
    if level is None:
        raise NotDeclarable(one, f"the level is one of {', '.join(_LEVELS)}")
    sequence = ".".join(map(keyword_of, path))
    name = f"{tag >> 16:04X}xx{tag & 0xFF:02X}[{creator}]" if creator else ".".join(
        keyword_of(each) or f"{each:08X}" for each in (*path, tag))
    matching = Matching.TEXT if vr == "DT" else matching_of(vr)  # ranges of DT would need a normal form in the index
    return Attribute(name, tag, vr, level, "O", matching, "", False, sequence=sequence, path=path, creator=creator)


def _tag(part: str, one: str) -> int:
    tag = int(part, 16) if _TAG.fullmatch(part) else tag_of(part)
    if tag is None or not keyword_of(tag):
        raise NotDeclarable(one, f"there is no attribute {part[:64]}")
    return tag


def _kept(attribute: Attribute) -> set[int]:
    """The tags of the top level that have to be kept for it: of a private one every block, and who reserved it."""
    if not attribute.creator:
        return {attribute.path[0] if attribute.path else attribute.tag}
    group, element = attribute.tag & 0xFFFF0000, attribute.tag & 0xFF
    blocks = range(_FIRST_BLOCK, _LAST_BLOCK + 1)
    return {group | block for block in blocks} | {group | block << 8 | element for block in blocks}


def values_of(
    extras: Extras, raw: Mapping[int, tuple[bytes, bytes]], charsets: str, encoding: Encoding
) -> tuple[tuple[Attribute, str], ...]:
    """The declared attributes that have a value. raw: tag -> (VR as written, bytes) of the top level."""
    found = []
    for attribute in extras.attributes:
        values = [text for text in _texts(attribute, raw, charsets, encoding) if text]
        if values:
            found.append((attribute, values[0] if attribute.vr in _ONE_VALUE else "\\".join(values)))
    return tuple(found)


def _texts(
    attribute: Attribute, raw: Mapping[int, tuple[bytes, bytes]], charsets: str, encoding: Encoding
) -> Iterator[str]:
    if attribute.path:
        if attribute.path[0] in raw:
            yield from _inside(raw[attribute.path[0]], (*attribute.path[1:], attribute.tag), attribute.vr, charsets, encoding)
        return
    tag = _private(attribute, raw, charsets) if attribute.creator else attribute.tag
    if tag in raw:
        yield text_of(raw[tag], attribute.vr, charsets, encoding)[0]


def _private(attribute: Attribute, raw: Mapping[int, tuple[bytes, bytes]], charsets: str) -> int:
    """The tag in this object, whose block the creator has reserved (PS3.5 7.8.1); -1 when it has none."""
    group = attribute.tag & 0xFFFF0000
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
        reserved = raw.get(group | block)
        if reserved is not None and charset.decode_noting(reserved[1], "LO", charsets)[0].strip() == attribute.creator:
            return group | block << 8 | attribute.tag & 0xFF
    return -1


def _inside(
    value: tuple[bytes, bytes], path: tuple[int, ...], vr: str, charsets: str, encoding: Encoding
) -> Iterator[str]:
    """The texts at the end of a path in the items of a sequence; what cannot be read in it is left out of the index."""
    written, data = value
    window = Window(BytesSource(data))
    if written == b"UN":
        encoding = inside_unknown(window, 0) if data else IMPLICIT_LITTLE
    try:
        for number, (start, end) in enumerate(items(window, 0, len(data), encoding)):
            if number == _MOST_ITEMS:
                return
            for tag, found, position, length in elements(window, start, end, encoding):
                if tag != path[0]:
                    continue
                content = window.take(position, min(length, len(data) - position))
                if len(path) > 1:
                    yield from _inside((found, content), path[1:], vr, charsets, encoding)
                else:
                    yield text_of((found, content), vr, charsets, encoding)[0]
    except Malformed:
        return
