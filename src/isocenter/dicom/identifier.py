"""C-FIND Identifiers (PS3.4 C.4.1.1.3): bytes of a request -> `Query`, rows of the index -> bytes of the answers."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from . import charset, syntaxes
from .attributes import BY_TAG, Attribute, Level, tag_of, vr_of
from .elements import EXPLICIT_LITTLE, IMPLICIT_LITTLE, LONG_VRS, UNDEFINED, Encoding, Malformed, Window, elements, items, name
from .extra import NONE, Extras
from .match import Match, Range, Universal
from .moments import in_zone, offset, paired
from .query import InvalidKey, Query, parse_match
from .source import BytesSource
from .values import FORMS, text_of
from .walk import NESTED

CHARACTER_SET = 0x00080005
LEVEL = 0x00080052
RETRIEVE_AE_TITLE = 0x00080054
INSTANCE_AVAILABILITY = 0x00080056
TIMEZONE = 0x00080201
ITEM = 0xFFFEE000

# What an Identifier says besides its keys (PS3.4 C.4.1.1.3.1); none of it is matched.
_NO_KEYS = frozenset({CHARACTER_SET, LEVEL, RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY})
_ORDER = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE)
_UTF_8 = "ISO_IR 192"
_SHORT = 0xFFFE  # bytes: the longest value of an even length of 16 bits

Raw = tuple[int, bytes, bytes]  # tag, VR as written, value


class InvalidIdentifier(ValueError):
    """An Identifier that cannot be answered. tags: the offending elements. mismatch: it is sound, but not one of this SOP class.

    The message holds no values.
    """

    def __init__(self, reason: str, *tags: int, mismatch: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tags = tags
        self.mismatch = mismatch


@dataclass(frozen=True, slots=True)
class Identifier:
    """A request. keys: attributes to be answered. sequences: tags of sequences to be answered, also when they stay empty.

    charsets: its Specific Character Set, "" when it has none. unsupported: it has keys that are not answered (status FF01).
    zone: minutes east of Greenwich, of its Timezone Offset From UTC; None when it has none. creators: Private Creators of its
    keys, by tag.
    """

    query: Query
    keys: tuple[Attribute, ...]
    sequences: tuple[int, ...]
    charsets: str
    unsupported: bool
    zone: int | None = None
    creators: tuple[tuple[int, str], ...] = ()


def parse(
    data: bytes, transfer_syntax: str, levels: tuple[Level, ...], limit: int | None = None, *,
    assumed: str = "", combined: bool = False, fuzzy: bool = False, extras: Extras = NONE,
) -> Identifier:  # fmt: skip
    """The request that an encoded Identifier means. levels: of the information model; limit: rows at most.

    assumed: the Specific Character Set of a request that names none. combined: a range of dates and one of times are one span
    (PS3.4 C.2.2.2.5, when it was negotiated). fuzzy: names as they sound, likewise (C.2.2.2.1.1).
    extras: attributes that are indexed besides the table's.

    Keys of the levels above need not be there (relational queries, PS3.4 C.4.1.2.2), those of levels below ask for a child that
    matches. Raises InvalidIdentifier.
    """
    encoding = EXPLICIT_LITTLE if transfer_syntax == syntaxes.EXPLICIT_VR_LITTLE_ENDIAN else IMPLICIT_LITTLE
    try:
        window = Window(BytesSource(data))
        raw = {tag: (tag, vr, value) for tag, vr, value in _read(window, 0, len(data), encoding, extras)}
        charsets = _plain(raw.pop(CHARACTER_SET, None)) or assumed
        level = _level(_plain(raw.get(LEVEL)), levels)
        reading = _Reading(charsets, encoding, level, fuzzy, extras)
        for each in raw.values():
            reading.take(each)
    except Malformed as error:
        raise InvalidIdentifier(f"the identifier cannot be read: {error.reason}") from None
    keys = tuple(reading.keys)
    matches, spans = paired(reading.matches, frozenset(reading.ranges), combined=combined, zone=reading.zone)
    query = Query(level, tuple(matches), keys, limit, spans=spans)
    creators = tuple((tag, creator) for tag, creator in reading.creators.items() if tag in reading.answered_creators)
    return Identifier(query, keys, tuple(reading.sequences), charsets, reading.unsupported, reading.zone, creators)


def _nested(tag: int, extras: Extras) -> dict[int, Attribute]:
    """The attributes that are indexed in the items of a sequence."""
    return {**NESTED.get(tag, {}), **{each.tag: each for each in extras.attributes if each.path == (tag,)}}


def _read(window: Window, start: int, end: int, encoding: Encoding, extras: Extras) -> Iterator[Raw]:
    """Every element with its value; of a sequence that has keys the value is the content of its first item."""
    seen = set()
    for tag, vr, position, length in elements(window, start, end, encoding):
        if length != UNDEFINED and length > end - position:
            raise Malformed("an element claims more bytes than there are", name(tag))
        if tag & 0xFFFF == 0:
            continue  # group lengths are retired and say nothing (PS3.5 7.2)
        if vr == b"SQ" or length == UNDEFINED or (not vr and vr_of(tag) == "SQ"):
            first = None
            if _nested(tag, extras) and tag not in seen and vr != b"UN":  # once: what is repeated would be copied again and again
                stop = end if length == UNDEFINED else position + length
                first = next(items(window, position, stop, encoding), None)
            seen.add(tag)
            yield tag, b"SQ", b"" if first is None else window.take(first[0], first[1] - first[0])
        else:
            yield tag, vr, window.take(position, length)


def _plain(raw: Raw | None) -> str:
    return "" if raw is None else charset.strip(raw[2].decode("ascii", "replace"), "CS").strip(" ")


def _level(text: str, levels: tuple[Level, ...]) -> Level:
    """PS3.4 C.4.1.1.3.1: Query/Retrieve Level has to be there, with a level of the model."""
    if text not in levels:
        said = "is none of" if text else "is missing:"  # an Error Comment has 64 characters
        raise InvalidIdentifier(f"Query/Retrieve Level {said} {', '.join(levels)}", LEVEL, mismatch=True)
    return Level(text)


class _Reading:
    """The elements of one Identifier, taken one after the other."""

    def __init__(self, charsets: str, encoding: Encoding, level: Level, fuzzy: bool, extras: Extras) -> None:
        self._extras = extras
        self.creators: dict[int, str] = {}
        self.answered_creators: set[int] = set()
        self._fuzzy = fuzzy
        self._charsets = charsets
        self._encoding = encoding
        self._depth = _ORDER.index(level)
        self.matches: list[tuple[Attribute, Match]] = []
        self.keys: list[Attribute] = []
        self.sequences: list[int] = []
        self.ranges: set[str] = set()  # keywords of keys with a hyphen
        self.unsupported = False
        self.zone: int | None = None

    def take(self, raw: Raw) -> None:
        tag, vr, content = raw
        if vr == b"SQ" and (wanted := _nested(tag, self._extras)):
            self._sequence(tag, content, wanted)
        elif tag & 0x10000:
            self._private(raw)
        elif tag not in _NO_KEYS:
            attribute = BY_TAG.get(tag)
            if attribute is None or attribute.sequence:
                attribute = self._extras.find((tag,))
            self._key(attribute, raw)

    def _private(self, raw: Raw) -> None:
        """PS3.5 7.8.1: a creator, or an element of the block that it has reserved in this Identifier."""
        tag, vr, content = raw
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            self.creators[tag] = text_of((vr, content), "LO", self._charsets, self._encoding)[0].strip()
            return
        reserved = tag & 0xFFFF0000 | (tag >> 8) & 0xFF
        attribute = self._extras.find((tag,), self.creators[reserved]) if self.creators.get(reserved) else None
        if attribute is not None:
            self.answered_creators.add(reserved)
        self._key(None if attribute is None else replace(attribute, tag=tag), raw)

    def _sequence(self, tag: int, content: bytes, wanted: Mapping[int, Attribute]) -> None:
        """PS3.4 C.2.2.2.6: the keys of the one item; no item, or an empty one, is universal and asks for all we know."""
        inside = list(_read(Window(BytesSource(content)), 0, len(content), self._encoding, NONE))
        if any(map(self._answers, wanted.values())):
            self.sequences.append(tag)
        for raw in inside or [(nested, b"", b"") for nested in wanted]:
            self._key(wanted.get(raw[0]), raw)

    def _answers(self, attribute: Attribute) -> bool:
        """Whether rows of the level can have it; a study has no one Series Number."""
        return _ORDER.index(attribute.level) <= self._depth

    def _key(self, attribute: Attribute | None, raw: Raw) -> None:
        if attribute is None:
            self.unsupported = True
            return
        text = text_of((raw[1], raw[2]), attribute.vr, self._charsets, self._encoding)[0]
        try:
            # The offset tells in which zone the request's dates are (PS3.4 C.4.1.1.3.1); it is not matched.
            match = self._in_zone(text) if raw[0] == TIMEZONE else parse_match(attribute, text, fuzzy=self._fuzzy)
        except InvalidKey as error:
            raise InvalidIdentifier(str(error), raw[0]) from None
        if isinstance(match, Range) and "-" in text:
            self.ranges.add(attribute.keyword)
        if match != Universal():
            self.matches.append((attribute, match))
        if self._answers(attribute):
            self.keys.append(attribute)
        else:
            self.unsupported = True


    def _in_zone(self, text: str) -> Match:
        if text:
            try:
                self.zone = offset(text)
            except ValueError as error:
                raise InvalidKey("TimezoneOffsetFromUTC", str(error)) from None
        return Universal()


class Answers:
    """Encodes the answers to one request, in the request's transfer syntax: implicit or explicit VR little endian."""

    def __init__(self, asked: Identifier, retrieve_ae_title: str, transfer_syntax: str) -> None:
        """retrieve_ae_title: where what is found can be retrieved from (0008,0054)."""
        self._explicit = transfer_syntax == syntaxes.EXPLICIT_VR_LITTLE_ENDIAN
        self._charsets = asked.charsets if charset.repertoire(asked.charsets).known else ""
        self._zone = asked.zone
        self._keys = [key for key in asked.keys if not key.sequence]
        self._sequences = {tag: [key for key in asked.keys if tag_of(key.sequence) == tag] for tag in asked.sequences}
        self._always = {
            LEVEL: self._element(LEVEL, "CS", asked.query.level.value.encode("ascii")),
            RETRIEVE_AE_TITLE: self._element(RETRIEVE_AE_TITLE, "AE", retrieve_ae_title.encode("ascii")),
            INSTANCE_AVAILABILITY: self._element(INSTANCE_AVAILABILITY, "CS", b"ONLINE"),
            **{tag: self._element(tag, "LO", creator.encode("ascii", "replace")) for tag, creator in asked.creators},
        }

    def encode(self, row: Mapping[str, str]) -> bytes:
        """The Identifier of one answer. row: keyword -> text, multiple values joined by backslashes.

        Its text is in the character set of the request when that can say it all, else in Unicode (PS3.3 C.12.1.1.2); its
        dates and times are in the time zone of the request, if it names one and the study does.
        """
        if self._zone is not None:
            row = {**row, **in_zone(row, self._zone)}
        try:
            charsets, parts = self._charsets, self._parts(row, self._charsets)
        except UnicodeError:
            charsets, parts = _UTF_8, self._parts(row, _UTF_8)
        if charsets:
            parts[CHARACTER_SET] = self._element(CHARACTER_SET, "CS", charsets.encode("ascii"))
        return b"".join([parts[tag] for tag in sorted(parts)])

    def _parts(self, row: Mapping[str, str], charsets: str) -> dict[int, bytes]:
        """The elements by tag; UnicodeError when the character set cannot say one of them."""
        parts = dict(self._always)
        for key in self._keys:
            parts[key.tag] = self._element(key.tag, key.vr, value(row.get(key.keyword, ""), key.vr, charsets))
        for tag, keys in self._sequences.items():
            columns = [(key, row[key.keyword].split("\\") if row.get(key.keyword) else []) for key in keys]
            content = b"".join(
                self._item([(key, texts[place] if place < len(texts) else "") for key, texts in columns], charsets)
                for place in range(max((len(texts) for _, texts in columns), default=0))
            )
            parts[tag] = self._element(tag, "SQ", content)
        return parts

    def _item(self, texts: list[tuple[Attribute, str]], charsets: str) -> bytes:
        texts = sorted(texts, key=lambda one: one[0].tag)
        content = b"".join(self._element(key.tag, key.vr, value(text, key.vr, charsets)) for key, text in texts)
        return struct.pack("<HHI", ITEM >> 16, ITEM & 0xFFFF, len(content)) + content

    def _element(self, tag: int, vr: str, data: bytes) -> bytes:
        if len(data) % 2:
            data += b"\0" if vr == "UI" else b" "  # PS3.5 6.2
        if not self._explicit:
            return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(data)) + data
        written = vr.encode("ascii") if len(data) <= _SHORT else b"UN"  # PS3.5 6.2.2: what is too long for its VR
        if vr == "SQ" or written in LONG_VRS:
            return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ" if vr == "SQ" else written, 0, len(data)) + data
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, written, len(data)) + data


def value(text: str, vr: str, charsets: str) -> bytes:
    """The bytes of an indexed text, without padding. UnicodeEncodeError when the character set cannot say it."""
    if vr in FORMS:
        return _numbers(text, FORMS[vr])
    if text.isascii():
        return text.encode("ascii")
    if vr not in charset.TEXT_VRS:
        return text.encode("ascii", "replace")  # the default repertoire only (PS3.5 6.1.2.3): such a value is a fault
    data = charset.encode(text, vr, charsets)
    if data is None:
        if charsets == _UTF_8:
            return text.encode("utf_8", "replace")
        raise UnicodeError("not in the character set")
    return data


def _numbers(text: str, form: str) -> bytes:
    """Binary numbers; none when the indexed text is no number of the VR."""
    try:
        real = form in "fd"
        numbers = [float(one) if real else int(one) for one in text.split("\\") if one]
        return struct.pack(f"<{len(numbers)}{form}", *numbers)
    except (ValueError, OverflowError, struct.error):
        return b""
