"""An HL7 version 2 message (2.3 to 2.8) read tolerantly: separators from its own MSH, escapes, repetitions, Z segments.

Places are spoken of as the standard does: PID-5.2 is `message.text("PID-5.2")`. Numbers begin with 1; MSH-1 is the field
separator itself (HL7 v2.5.1, 2.15.9.1).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

LONGEST = 64 << 20  # bytes of one message: a report with a document in it
MOST_SEGMENTS = 20_000
_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?")
_BREAKS = re.compile(r"\r\n|\r|\n")
# HL7 table 0211 -> Python's codec. UTF-16 and UTF-32 cannot travel in MLLP's single bytes.
CHARSETS = {
    "": "", "ASCII": "ascii", "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "8859/1": "iso8859-1", "8859/2": "iso8859-2",
    "8859/3": "iso8859-3", "8859/4": "iso8859-4", "8859/5": "iso8859-5", "8859/6": "iso8859-6", "8859/7": "iso8859-7",
    "8859/8": "iso8859-8", "8859/9": "iso8859-9", "8859/15": "iso8859-15", "ISO IR6": "ascii", "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp", "ISO IR159": "iso2022_jp_1", "GB 18030-2000": "gb18030", "KS X 1001": "euc_kr", "BIG-5": "big5",
    "CNS 11643-1992": "big5",
}  # fmt: skip
_ESCAPE = re.compile(r"\.(br|sp|ce)\s*\d*|H|N|X([0-9A-Fa-f]*)|[CM][0-9A-Fa-f]*|\.(?:fi|nf|in|ti|sk)\s*[+-]?\d*", re.IGNORECASE)


class Malformed(Exception):
    """What came is no HL7 message. where: the place, as HL7 writes it."""

    def __init__(self, reason: str, where: str = "MSH") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


@dataclass(frozen=True, slots=True)
class Separators:
    """Of fields, components, repetitions and subcomponents, and the letter that escapes them (MSH-1, MSH-2)."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a segment: PID-5.2.1; component and subcomponent 0: the whole. Raises ValueError for what is none."""

    segment: str
    field: int
    component: int = 0
    subcomponent: int = 0

    @classmethod
    def parse(cls, text: str) -> "Place":
        """From PID-5.2."""
        found = _PLACE.fullmatch(text.strip().upper())
        if found is None or found[2] == "0":
            raise ValueError(f"{text[:40]!r} is no place in a message; write PID-3 or PID-3.1")
        return cls(found[1], int(found[2]), int(found[3] or 0), int(found[4] or 0))

    def __str__(self) -> str:
        return f"{self.segment}-{self.field}" + "".join(f".{number}" for number in (self.component, self.subcomponent) if number)


@dataclass(frozen=True, slots=True)
class Segment:
    """One line. fields: as written, [0] is the segment's name."""

    name: str
    fields: tuple[str, ...]
    separators: Separators

    def raw(self, number: int) -> str:
        """Field `number` as it is written, "" when it is not there."""
        return self.fields[number] if 0 < number < len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        """The repetitions of a field as they are written; none of an empty field."""
        raw = self.raw(number)
        return raw.split(self.separators.repetition) if raw else []

    def component(self, raw: str, component: int = 1, subcomponent: int = 1) -> str:
        """A component of a field's repetition, unescaped. component 0: the whole of it; subcomponent 0: all of them."""
        if component:
            raw = _nth(raw, self.separators.component, component)
            if subcomponent:
                raw = _nth(raw, self.separators.subcomponent, subcomponent)
        return "" if raw == '""' else unescape(raw, self.separators).strip()

    def text(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """A component of the first repetition of a field, unescaped; an explicit null ("") is ""."""
        found = self.repetitions(number)
        return self.component(found[0], component, subcomponent) if found else ""

    def is_null(self, number: int) -> bool:
        """Whether the field says that there is no value any more (HL7 2.5.3.2)."""
        return self.raw(number) == '""'


@dataclass(frozen=True)
class Message:
    """A message: its segments in their order."""

    segments: tuple[Segment, ...]
    separators: Separators

    @cached_property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def all(self, *names: str) -> Iterator[Segment]:
        """Every segment of these names, in order."""
        return (segment for segment in self.segments if segment.name in names)

    def text(self, place: str, segments: Sequence[Segment] = ()) -> str:
        """What stands at PID-5.2, in the first such segment (of `segments`, when they are given) that has it."""
        return at(Place.parse(place), segments or self.segments)

    @property
    def code(self) -> str:
        """ORM of ORM^O01."""
        return self.header.text(9).upper()

    @property
    def trigger(self) -> str:
        """O01 of ORM^O01; of older senders EVN-1 may hold it."""
        return (self.header.text(9, 2) or self.text("EVN-1") or "").upper()

    @property
    def kind(self) -> str:
        """ORM^O01."""
        return f"{self.code}^{self.trigger}" if self.trigger else self.code

    @property
    def control_id(self) -> str:
        """MSH-10, by which the sender finds our answer."""
        return self.header.text(10)

    @property
    def version(self) -> str:
        """MSH-12: 2.5.1."""
        return self.header.text(12)


def at(place: Place, segments: Sequence[Segment]) -> str:
    """What stands at a place in the first of the segments that has it."""
    for segment in segments:
        if segment.name == place.segment:
            found = segment.text(place.field, place.component or 1, place.subcomponent or 1)
            if found:
                return found
    return ""


def parse(data: bytes) -> Message:
    """A message of the bytes between MLLP's signs. Raises Malformed."""
    if len(data) > LONGEST:
        raise Malformed(f"the message is longer than {LONGEST >> 20} MiB")
    data = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t\x00")
    if data[:3] != b"MSH" or len(data) < 8:
        raise Malformed("the message does not begin with an MSH segment")
    separators = _separators(data)
    lines = [line for line in _BREAKS.split(_decode(data, separators)) if line.strip("\0 ")]
    if len(lines) > MOST_SEGMENTS:
        raise Malformed(f"the message has more than {MOST_SEGMENTS} segments")
    segments = tuple(_segment(line, separators) for line in lines)
    return Message(segments, separators)


def _separators(data: bytes) -> Separators:
    head = data[3:9].decode("latin-1")
    field = head[0]
    rest = re.split(r"[\r\n]", head[1:].split(field)[0])[0]
    if field.isalnum() or field in "\r\n\0":
        raise Malformed("the message names no field separator", "MSH-1")
    given = (rest + "^~\\&"[len(rest):])[:4] if rest else "^~\\&"
    if len({field, *given}) != 5 or any(sign.isalnum() or sign in "\r\n\0 " for sign in given):
        raise Malformed("the encoding characters are not four different signs", "MSH-2")
    return Separators(field, given[0], given[1], given[2], given[3])


def _decode(data: bytes, separators: Separators) -> str:
    """MSH-18 names the character set. Where it names none, or wrongly: UTF-8 if it is that, else Windows-1252."""
    first = re.split(rb"[\r\n]", data, maxsplit=1)[0].decode("latin-1").split(separators.field)
    named = first[17].split(separators.repetition) if len(first) > 17 else [""]
    codecs = [CHARSETS.get(name.strip().upper(), "") for name in named]
    wide = next((codec for codec in codecs[1:] if codec), "")  # ISO 2022 with several sets: Python's codec knows them together
    for codec in (wide, codecs[0], "utf-8"):
        if codec:
            try:
                return data.decode(codec)
            except UnicodeDecodeError:
                continue
    return data.decode("cp1252", "replace")


def _segment(line: str, separators: Separators) -> Segment:
    fields = line.strip("\0").split(separators.field)
    name = fields[0].strip().upper()
    if name in ("MSH", "FHS", "BHS"):
        fields[1:1] = [separators.field]  # MSH-1 is the separator itself
    return Segment(name, tuple(fields), separators)


def _nth(text: str, separator: str, number: int) -> str:
    parts = text.split(separator, number)
    return parts[number - 1] if len(parts) >= number else ""


def unescape(text: str, separators: Separators = Separators()) -> str:
    """Text with the escape sequences of HL7 2.7 resolved; what is none stays as it is."""
    sign = separators.escape
    if sign not in text:
        return text
    letters = {"F": separators.field, "S": separators.component, "T": separators.subcomponent, "R": separators.repetition,
               "E": sign}
    parts, made = text.split(sign), []
    made.append(parts[0])
    index = 1
    while index < len(parts):
        if index + 1 >= len(parts):  # no sign that closes it
            made.append(sign + parts[index])
            break
        meaning = _meaning(parts[index], letters)
        if meaning is None:
            made.append(sign + parts[index])
            index += 1
            continue
        made.append(meaning + parts[index + 1])
        index += 2
    return "".join(made)


def _meaning(code: str, letters: dict[str, str]) -> str | None:
    if code in letters:
        return letters[code]
    found = _ESCAPE.fullmatch(code)
    if found is None:
        return None
    if found[2] is not None:
        try:
            return bytes.fromhex(found[2]).decode("latin-1").replace("\0", "")
        except ValueError:
            return None
    return "\n" if (found[1] or "").lower() in ("br", "sp", "ce") else ""


def escape(text: str, separators: Separators = Separators()) -> str:
    """Text as a component holds it."""
    table = {separators.escape: "E", separators.field: "F", separators.component: "S", separators.repetition: "R",
             separators.subcomponent: "T"}
    sign = separators.escape
    written = "".join(f"{sign}{table[letter]}{sign}" if letter in table else letter for letter in text)
    return written.replace("\r\n", f"{sign}.br{sign}").replace("\n", f"{sign}.br{sign}").replace("\r", f"{sign}.br{sign}")
