"""Indexed values as text: from the bytes of the wanted elements to what the index, C-FIND and QIDO-RS speak."""

import struct
from collections.abc import Mapping
from functools import lru_cache

from . import charset
from .elements import IMPLICIT_LITTLE, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, Encoding, Malformed, Window, inside_unknown, skip
from .source import BytesSource
from .walk import NESTED, TOP_LEVEL

# VRs of numbers -> the struct format of one
FORMS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}


def texts(
    raw: Mapping[int, tuple[bytes, bytes]], charsets: str, encoding: Encoding, warnings: list[str]
) -> dict[str, str]:
    values: dict[str, str] = {}
    unsound = False
    for tag, value in raw.items():
        attribute = TOP_LEVEL.get(tag)
        if attribute is not None:
            text, fault = text_of(value, attribute.vr, charsets, encoding)
            values[attribute.keyword] = text
            unsound = unsound or fault
        elif tag in NESTED:
            wanted = NESTED[tag]
            for at, text in _items(value, {each: attribute.vr for each, attribute in wanted.items()}, encoding, charsets):
                nested = wanted[at]
                values[nested.keyword] = f"{values[nested.keyword]}\\{text}" if nested.keyword in values else text
    if charsets and not charset.repertoire(charsets).known:
        warnings.append("Specific Character Set is not one of the standard")
    elif unsound:
        warnings.append("text does not fit its Specific Character Set")
    return values


def text_of(value: tuple[bytes, bytes], vr: str, charsets: str, encoding: Encoding) -> tuple[str, bool]:
    """Return a value as text, and whether it was unsound; read by the VR of the dictionary, a number by the one written."""
    written, data = value
    return (_remembered if len(data) <= _SHORT else _text_of)(written, data, vr, charsets, encoding.little)


_SHORT = 128  # bytes: names, UIDs and codes, most of which the whole series repeats


def _text_of(written: bytes, data: bytes, vr: str, charsets: str, little: bool) -> tuple[str, bool]:
    if vr in FORMS:
        form = FORMS.get(written.decode("ascii", "replace") if written not in (b"", b"UN") else vr)
        if form is not None:
            count = len(data) // struct.calcsize("<" + form)
            numbers = struct.unpack_from(f"{'<' if little else '>'}{count}{form}", data)
            return "\\".join(map(str, numbers)), False
    text, unsound = charset.decode_noting(data, vr, charsets)
    if (text[:1] == " " or "\\ " in text) and vr not in ("LT", "ST", "UT"):  # leading spaces count in these only (PS3.5 6.2)
        text = "\\".join([part.strip(" ") for part in text.split("\\")])
    if vr == "DA" and "." in text:
        text = text.replace(".", "")  # PS3.5 6.2 DA: the form of ACR-NEMA, yyyy.mm.dd
    elif vr == "TM" and ":" in text:
        text = text.replace(":", "")
    elif vr == "PN" and text.endswith("="):
        text = text.rstrip("=")  # PS3.5 6.2.1.2: empty component groups at the end
    return text, unsound


_remembered = lru_cache(1024)(_text_of)  # decoding these again would be a fifth of the scan


def text_in(sequence: tuple[bytes, bytes] | None, tag: int, vr: str, encoding: Encoding) -> str:
    """Return the first text of an attribute in the items of a sequence, "" where none has it; of the default repertoire."""
    return next((text for _, text in _items(sequence, {tag: vr}, encoding, "") if text), "") if sequence else ""


def _items(value: tuple[bytes, bytes], wanted: Mapping[int, str], encoding: Encoding, charsets: str) -> list[tuple[int, str]]:
    """Return the wanted attributes (tag -> VR) of the items of a sequence; what cannot be read in it is left out."""
    vr, data = value
    window = Window(BytesSource(data))
    if vr == b"UN":
        encoding = IMPLICIT_LITTLE if not data else inside_unknown(window, 0)
    out: list[tuple[int, str]] = []
    position = 0
    try:
        while position < len(data):
            tag, vr, length, header = window.element(position, encoding)
            position += header
            if tag in (ITEM, ITEM_END, SEQUENCE_END):
                continue
            if length == UNDEFINED:
                position = skip(window, position, inside_unknown(window, position) if vr == b"UN" else encoding, tag)
                continue
            if tag in wanted:
                out.append((tag, text_of((vr, window.take(position, length)), wanted[tag], charsets, encoding)[0]))
            position += length
    except Malformed:
        return out
    return out


def plain(value: tuple[bytes, bytes] | None) -> str:
    return charset.strip(value[1].decode("ascii", "replace"), "CS").strip(" ") if value else ""


def integer(text: str) -> int:
    """Return the first value as a number, 0 when it is none or negative."""
    first = text.split("\\", 1)[0].strip()
    return int(first) if first.isdecimal() and len(first) < 12 else 0
