"""Text in every Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 Section 6.1), decoded without ever failing.

Single-byte sets, ISO 2022 code extensions with their escape sequences, and the multi-byte sets without extensions. Terms
written wrongly are understood where the meaning is clear. What cannot be decoded becomes U+FFFD, and `decode_noting` says so.
`encode` is the way back, for answers: exactly, or not at all.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# PS3.3 Tables C.12-2 and C.12-3, without the prefix: the number of the set -> Python codec of its upper half (G1)
_SINGLE_BYTE = {
    "6": "ascii",
    "13": "shift_jis",  # JIS X 0201: katakana in G1
    "100": "iso8859_1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "126": "iso8859_7",
    "127": "iso8859_6",
    "138": "iso8859_8",
    "144": "iso8859_5",
    "148": "iso8859_9",
    "166": "iso8859_11",
    "203": "iso8859_15",
}
_MULTI_BYTE_ALONE = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gbk"}  # PS3.3 Table C.12-5: no code extensions
_MULTI_BYTE_EXTENSION = {"58": "gb2312", "87": "euc_jp", "149": "euc_kr", "159": "euc_jp"}  # PS3.3 Table C.12-4

_KNOWN = {"", *_SINGLE_BYTE, *_MULTI_BYTE_ALONE, *_MULTI_BYTE_EXTENSION}

# PS3.3 Tables C.12-3 and C.12-4: escape sequence after ESC -> (which half it sets: 0 lower, 1 upper; codec)
_ESCAPES: dict[bytes, tuple[int, str]] = {
    b"(B": (0, "ascii"),
    b"(J": (0, "ascii"),  # JIS X 0201 romaji: ASCII but for the yen sign and the overline, which stay \ and ~ (PS3.5 6.1.2.3)
    b")I": (1, "shift_jis"),
    b"-A": (1, "iso8859_1"),
    b"-B": (1, "iso8859_2"),
    b"-C": (1, "iso8859_3"),
    b"-D": (1, "iso8859_4"),
    b"-F": (1, "iso8859_7"),
    b"-G": (1, "iso8859_6"),
    b"-H": (1, "iso8859_8"),
    b"-L": (1, "iso8859_5"),
    b"-M": (1, "iso8859_9"),
    b"-T": (1, "iso8859_11"),
    b"-b": (1, "iso8859_15"),
    b"$B": (0, "jis_x_0208"),
    b"$@": (0, "jis_x_0208"),  # JIS C 6226-1978, its predecessor, still sent
    b"$(D": (0, "jis_x_0212"),
    b"$)C": (1, "euc_kr"),
    b"$)A": (1, "gb2312"),
}
# The way back, for the terms of PS3.3 Tables C.12-3 and C.12-4 behind the first: number -> (escape sequence, codec).
# Python's codec of JIS X 0208 writes its own escape sequences, and leaves ASCII in force.
_DESIGNATIONS: dict[str, tuple[bytes, str]] = {
    number: (b"\x1b" + escape, codec)
    for number, codec in {**_SINGLE_BYTE, **_MULTI_BYTE_EXTENSION}.items()
    for escape, (half, designated) in _ESCAPES.items()
    if half == 1 and designated == codec
} | {"87": (b"", "iso2022_jp")}
_PARTS = re.compile(r"([\\^=]|[^\\^=]+)")
_ESCAPE = re.compile(rb"\x1b(\$[()][0-~]|\$[@-Z]|[(),\-./][0-~])")
_LOW = re.compile(rb"[\x00-\x1a\x1c-\x7f]+")
_LOW_ONE = re.compile(rb"[\x00-\x20\x7f]")
_LOW_PAIRS = re.compile(rb"[\x21-\x7e]+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_LINE_ENDS = b"\r\n\f\t"
_NO_SET = (-1, "")
_TO_HIGH = bytes(byte | 0x80 for byte in range(256))
_TERM = re.compile(r"ISO[ _\-]*(2022)?[ _\-]*IR[ _\-]*([0-9]+)")

# VRs whose values go by the Specific Character Set (PS3.5 6.1.2.3), those of them with one value only, and all other text
TEXT_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_ONE_VALUE = frozenset({"LT", "ST", "UT"})

REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class Repertoire:
    """What a Specific Character Set means. codec: of a text without escape sequences. extended: escape sequences may occur."""

    codec: str
    extended: bool
    known: bool


DEFAULT = Repertoire("ascii", False, True)


@lru_cache(maxsize=512)  # as many combinations as the peers of an archive write, and no attacker's endless list
def repertoire(charsets: str) -> Repertoire:
    """Return the meaning of the value of Specific Character Set, its terms joined by backslashes."""
    terms = [_number(term) for term in charsets.split("\\")]
    if not charsets.strip() or terms == [""]:
        return DEFAULT
    known = all(term in _KNOWN for term in terms)
    first = terms[0]
    if first in _MULTI_BYTE_ALONE:
        return Repertoire(_MULTI_BYTE_ALONE[first], False, known)
    # "ISO 2022 IR 100" alone is a common slip for ISO_IR 100; so is a multi-byte set in the first place
    codec = _SINGLE_BYTE.get(first) or _MULTI_BYTE_EXTENSION.get(first, "ascii")
    if codec == "ascii" and len(terms) > 1:
        # Writers that declare \ISO 2022 IR 149 and leave the escape sequence out are many: take it as the upper half
        others = (_SINGLE_BYTE.get(term) or _MULTI_BYTE_EXTENSION.get(term, "ascii") for term in terms[1:])
        codec = next((other for other in others if other != "ascii"), "ascii")
    extended = len(terms) > 1 or "2022" in charsets or first in _MULTI_BYTE_EXTENSION
    return Repertoire(codec, extended, known)


def terms() -> tuple[tuple[str, str], ...]:
    """Every defined term that is understood (PS3.3 Tables C.12-2 to C.12-5), with the codec of its upper half."""
    single = [(f"ISO_IR {number}", codec) for number, codec in _SINGLE_BYTE.items()]
    extensions = [(f"ISO 2022 IR {number}", codec) for number, codec in {**_SINGLE_BYTE, **_MULTI_BYTE_EXTENSION}.items()]
    alone = [("ISO_IR 192" if number == "192" else number, codec) for number, codec in _MULTI_BYTE_ALONE.items()]
    return (*single, *extensions, *alone)


def _number(term: str) -> str:
    """Return the number or name of a defined term, however it is punctuated: ISO_IR 100, ISO 2022 IR 100, ISO-IR_100, 100."""
    term = term.strip(" \0").upper()
    match = _TERM.fullmatch(term)
    if match:
        return match[2].lstrip("0")
    if term in ("UTF-8", "UTF8", "ISO_IR_UTF8"):
        return "192"
    if term in ("LATIN1", "ISO8859-1", "ISO-8859-1"):
        return "100"
    return term


def decode(data: bytes, vr: str, charsets: str) -> str:
    """Return the text of a value; multiple values stay joined by backslashes, padding is taken off. Never raises.

    charsets: the value of Specific Character Set (0008,0005) that applies, "" when absent.
    """
    return decode_noting(data, vr, charsets)[0]


def decode_noting(data: bytes, vr: str, charsets: str) -> tuple[str, bool]:
    """Return the text as `decode` does, and whether it was not sound in its character set."""
    if data.isascii() and b"\x1b" not in data:
        text = data.decode("ascii").rstrip(" \0")
        return (strip(text, vr) if "\\" in text else text), False
    if vr not in TEXT_VRS:
        return strip(data.decode("latin_1"), vr), True  # the default repertoire only (PS3.5 6.1.2.3)
    means = repertoire(charsets)
    if means.extended or b"\x1b" in data:
        text, sound = _decode_extended(data, means.codec, vr)
        return strip(text, vr), not (sound and means.known)
    return _decode_plain(data, means, vr)


def _decode_plain(data: bytes, means: Repertoire, vr: str) -> tuple[str, bool]:
    """Text without escape sequences; what does not fit is tried as UTF-8, then Latin-1: that is what careless writers send."""
    for codec in (means.codec, "utf_8", "latin_1") if means.codec == "ascii" else (means.codec, "utf_8"):
        try:
            return strip(data.decode(codec), vr), codec != means.codec or not means.known
        except UnicodeDecodeError:
            continue
    return strip(data.decode(means.codec, "replace"), vr), True


def _decode_extended(data: bytes, codec: str, vr: str) -> tuple[str, bool]:
    """Return ISO 2022 text (PS3.5 6.1.2.5), and whether it was sound."""
    # PS3.5 6.1.2.5.3: after these the first character set is in force again
    resets = _LINE_ENDS if vr in _ONE_VALUE else _LINE_ENDS + b"\\^=" if vr == "PN" else _LINE_ENDS + b"\\"
    lower, upper = "ascii", codec
    out: list[str] = []
    sound = True
    at, end = 0, len(data)
    while at < end:
        if data[at] == 0x1B:
            match = _ESCAPE.match(data, at)
            half, designated = _ESCAPES.get(match[1], _NO_SET) if match else _NO_SET
            lower = designated if half == 0 else lower
            upper = designated if half == 1 else upper
            sound = sound and half >= 0  # an escape sequence of no set of DICOM is left out
            at = match.end() if match else at + 1
            continue
        run = _run(data, at, lower)
        at += len(run)
        if run[0] >= 0x80:
            text, fits = _decode_upper(run, upper)
            sound = sound and fits
        elif lower != "ascii" and 0x21 <= run[0] <= 0x7E:
            text = _decode_pairs(run, lower)
        else:
            text = run.decode("ascii")
            if any(byte in resets for byte in run):
                lower, upper = "ascii", codec
        out.append(text)
    joined = "".join(out)
    return joined, sound and REPLACEMENT not in joined


def _run(data: bytes, at: int, lower: str) -> bytes:
    """Return the bytes from `at` that are decoded alike: upper half, lower half, or lower half two bytes a character."""
    if data[at] >= 0x80:
        pattern = _HIGH
    elif lower == "ascii":
        pattern = _LOW
    else:
        pattern = _LOW_PAIRS if 0x21 <= data[at] <= 0x7E else _LOW_ONE
    match = pattern.match(data, at)
    return match[0] if match else data[at : at + 1]


def _decode_upper(run: bytes, codec: str) -> tuple[str, bool]:
    """Return text of the upper half, and whether it fits; what does not is tried as UTF-8 before it is replaced."""
    for tried in (codec, "utf_8"):
        try:
            return run.decode(tried), tried == codec
        except UnicodeDecodeError:
            continue
    # A byte above 7F where no set of the upper half is in force is most often a degree sign or an umlaut in Latin-1
    return (run.decode("latin_1") if codec in ("ascii", "euc_jp") else run.decode(codec, "replace")), False


def _decode_pairs(run: bytes, codec: str) -> str:
    """Return text of a two-byte set of the lower half: JIS X 0208, or JIS X 0212 by its EUC form with a prefix byte."""
    high = run.translate(_TO_HIGH)
    even = len(high) & ~1
    if codec == "jis_x_0212":
        text = b"".join(b"\x8f" + high[i : i + 2] for i in range(0, even, 2)).decode("euc_jp", "replace")
    else:
        text = high[:even].decode("euc_jp", "replace")
    return text + run[even:].decode("ascii")  # an odd last byte: a delimiter for which the writer forgot to switch back


def strip(text: str, vr: str) -> str:
    """Return text without trailing padding, of each value where there can be several (PS3.5 6.2)."""
    text = text.rstrip(" \0")
    if "\\" in text and vr not in _ONE_VALUE:
        return "\\".join([value.rstrip(" \0") for value in text.split("\\")])
    return text


def encode(text: str, vr: str, charsets: str) -> bytes | None:
    """Return the bytes of a text in a Specific Character Set, without padding; None when they would not say the same again.

    text: multiple values joined by backslashes.
    """
    if text.isascii():
        return text.encode("ascii")
    means = repertoire(charsets)
    if vr not in TEXT_VRS or not means.known:
        return None
    data = _encode_extended(text, charsets) if means.extended else _encoded(text, means.codec)
    return data if data is not None and decode_noting(data, vr, charsets) == (strip(text, vr), False) else None


def _encoded(text: str, codec: str) -> bytes | None:
    try:
        data = text.encode(codec)
    except UnicodeEncodeError:
        return None
    return None if codec == "shift_jis" and len(data) != len(text) else data  # of Shift JIS DICOM has the single bytes only


def _encode_extended(text: str, charsets: str) -> bytes | None:
    """ISO 2022 (PS3.5 6.1.2.5): each component in the first set that can say it, all but the first behind an escape sequence."""
    first, *others = [_number(term) for term in charsets.split("\\")]
    sets = [(b"", _SINGLE_BYTE.get(first, "ascii")), *(_DESIGNATIONS[term] for term in others if term in _DESIGNATIONS)]
    out = []
    for part in _PARTS.findall(text):
        tries = ((escape, _encoded(part, codec)) for escape, codec in sets)
        data = next((escape + data for escape, data in tries if data is not None), None)
        if data is None:
            return None
        out.append(data)
    return b"".join(out)
