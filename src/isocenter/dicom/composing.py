"""From DICOM JSON (PS3.18 Annex F) to the bytes of a data set in explicit VR little endian; bulk data stay with who has them.

What a request says is a claim: every name, VR, number and nesting is looked at before it is written. Text keeps the character
set that the data set names as long as it can say everything in it, and is UTF-8 otherwise.
"""

import binascii
import re
import struct
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from . import charset
from .attributes import vr_of
from .elements import ITEM, ITEM_END, LONG_VRS, MAX_DEPTH, SEQUENCE_END, SHORT_VRS, UNDEFINED, Malformed, name
from .reencoding import header
from .values import FORMS

Json = dict[str, Any]

MAX_INSTANCE = 32 << 20  # bytes of JSON for one instance
MAX_VALUES = 500_000  # of one instance; some 100 bytes each while they are looked at

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_VRS = frozenset(vr.decode() for vr in SHORT_VRS | LONG_VRS)
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_NUMBERS_AS_TEXT = frozenset({"DS", "IS"})
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_CHARACTER_SET = 0x00080005
_AVAILABLE_SYNTAXES = 0x00083002
_UTF_8 = "ISO_IR 192"
_LONGEST_DS = 16  # PS3.5 6.2
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_PACK = struct.Struct("<HHL").pack
_ITEM_HEAD = _PACK(ITEM >> 16, ITEM & 0xFFFF, UNDEFINED)
_ITEM_TAIL = _PACK(ITEM_END >> 16, ITEM_END & 0xFFFF, 0)
_SEQUENCE_TAIL = _PACK(SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)


@dataclass(frozen=True, slots=True)
class Bulk:
    """An element whose value is elsewhere. path: "7FE00010", or "00400555/0/00420011" in the first item of a sequence."""

    tag: int
    vr: str
    uri: str
    path: str


class TooMany(Malformed):
    """The data set is more than a process should hold."""


class _Unspeakable(Exception):
    """A text that the named character set cannot say."""


def instances(text: Any, start: int = 0) -> Iterator[bytes]:
    """The members of a JSON array of data sets, or the one data set, as their own texts. text: bytes or an mmap, from `start` on.

    Nothing but brackets is looked at. Raises Malformed.
    """
    begin, depth, first, ended = 0, 0, b"", False
    for token in _STRUCTURE.finditer(text, start):
        mark = token[0]
        if mark[0] == 0x22:
            continue
        if not first:
            first = mark
        if ended or first not in (b"[", b"{"):
            raise Malformed("the metadata are no array of data sets")
        level = 1 if first == b"[" else 0
        if mark in (b"{", b"["):
            if mark == b"{" and depth == level:
                begin = token.start()
            depth += 1
            continue
        depth -= 1
        if mark == b"}" and depth == level:
            if token.end() - begin > MAX_INSTANCE:
                raise TooMany(f"the metadata of one instance have more than {MAX_INSTANCE >> 20} MB")
            yield bytes(text[begin : token.end()])
        ended = depth == 0
    if not ended:
        raise Malformed("the metadata are no JSON, or cut short")


def read(text: bytes) -> Json:
    """One data set. Raises Malformed."""
    if text.count(b",") + text.count(b"{") + text.count(b"[") > MAX_VALUES:
        raise TooMany(f"there are more than {MAX_VALUES} values")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed("the metadata are no JSON") from None
    if not isinstance(value, dict):
        raise Malformed("a data set is a JSON object")
    return normal(value)


def normal(value: Json) -> Json:
    """The attributes of the top level by tags in upper case, in order. Raises Malformed."""
    if not all(_TAG.fullmatch(key) for key in value):
        raise Malformed("an attribute is named by eight hexadecimal digits")
    return {key.upper(): value[key] for key in sorted(value, key=str.upper)}


def text_of(dataset: Json, tag: str) -> str:
    """The first value of an attribute as text, "" when there is none."""
    element = dataset.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    value = values[0] if isinstance(values, list) and values else None
    if isinstance(value, dict):
        value = value.get("Alphabetic")
    return str(value).strip(" \0") if isinstance(value, str | int | float) else ""


def compose(dataset: Json) -> list[bytes | Bulk]:
    """The data set in pieces: bytes, and what stands elsewhere. Group 2 is left out. Raises Malformed."""
    try:
        return _Composer(utf_8=False).whole(dataset)
    except _Unspeakable:
        return _Composer(utf_8=True).whole(dataset)


class _Composer:
    def __init__(self, *, utf_8: bool) -> None:
        self._utf_8 = utf_8
        self._out: list[bytes | Bulk] = []
        self._bytes = bytearray()

    def whole(self, dataset: Json) -> list[bytes | Bulk]:
        self._data_set(dataset, "", "", 0)
        self._flush()
        return self._out

    def _flush(self) -> None:
        if self._bytes:
            self._out.append(bytes(self._bytes))
            self._bytes.clear()

    def _data_set(self, dataset: Any, path: str, charsets: str, depth: int) -> None:
        if not isinstance(dataset, dict):
            raise Malformed("a data set is a JSON object", path[:8])
        if depth > MAX_DEPTH:
            raise Malformed(f"sequences are nested more than {MAX_DEPTH} deep", path[:8])
        dataset = normal(dataset)
        if self._utf_8:
            charsets = _UTF_8
            dataset.pop("00080005", None)
            if not depth:
                dataset = normal({**dataset, "00080005": {"vr": "CS", "Value": [_UTF_8]}})
        elif "00080005" in dataset:
            charsets = "\\".join(_strings(_CHARACTER_SET, dataset["00080005"]))
        for key, element in dataset.items():
            tag = int(key, 16)
            if (tag >> 16 == 2 and not depth) or not tag & 0xFFFF or tag == _AVAILABLE_SYNTAXES:
                continue  # PS3.18 F.2: no file meta information, no group lengths; and what only answers to a retrieval say
            if tag >> 16 in (0, 0xFFFE):
                raise Malformed("this is no attribute of a data set", name(tag))
            self._element(tag, element, path + key, charsets, depth)

    def _element(self, tag: int, element: Any, path: str, charsets: str, depth: int) -> None:
        vr = _vr(tag, element)
        if "BulkDataURI" in element:
            uri = element["BulkDataURI"]
            if vr == "SQ" or not isinstance(uri, str):
                raise Malformed("this attribute cannot be bulk data", name(tag))
            self._flush()
            self._out.append(Bulk(tag, vr, uri, path))
        elif vr == "SQ":
            self._bytes += header(tag, vr, UNDEFINED, explicit=True)
            for number, item in enumerate(_values(tag, element)):
                self._bytes += _ITEM_HEAD
                self._data_set({} if item is None else item, f"{path}/{number}/", charsets, depth + 1)
                self._bytes += _ITEM_TAIL
            self._bytes += _SEQUENCE_TAIL
        else:
            given = vr in _BINARY or "InlineBinary" in element
            value = _inline(tag, element) if given else self._value(tag, vr, element, charsets)
            if len(value) % 2:
                value += b"\0" if vr in _BINARY or vr == "UI" else b" "
            self._bytes += header(tag, vr, len(value), explicit=True)
            self._bytes += value

    def _value(self, tag: int, vr: str, element: Json, charsets: str) -> bytes:
        if vr in FORMS:
            return _numbers(tag, vr, _values(tag, element))
        if vr == "AT":
            return b"".join(_attribute_tag(tag, value) for value in _values(tag, element))
        text = "\\".join(_strings(tag, element, vr))
        if text.isascii():
            return text.encode("ascii")
        if vr in charset.TEXT_VRS:
            data = charset.encode(text, vr, charsets)
            if data is None and not self._utf_8:
                raise _Unspeakable
            return text.encode("utf-8", "replace") if data is None else data
        try:
            return text.encode("latin-1")  # outside of the default repertoire: as careless writers have it
        except UnicodeEncodeError:
            raise Malformed(f"a value of VR {vr} has letters that it cannot have", name(tag)) from None


def _vr(tag: int, element: Any) -> str:
    if not isinstance(element, dict):
        raise Malformed("an attribute is a JSON object", name(tag))
    vr = element.get("vr") or vr_of(tag).split(" ")[0]
    if not isinstance(vr, str) or vr not in _VRS:
        raise Malformed("an attribute has a VR that does not exist", name(tag))
    return vr


def _values(tag: int, element: Json) -> list[Any]:
    values = element.get("Value")
    if values is None:
        return []
    if not isinstance(values, list):
        raise Malformed("an attribute has no array of values", name(tag))
    return values


def _strings(tag: int, element: Any, vr: str = "CS") -> list[str]:
    if not isinstance(element, dict):
        raise Malformed("an attribute is a JSON object", name(tag))
    return [_string(tag, vr, value) for value in _values(tag, element)]


def _string(tag: int, vr: str, value: Any) -> str:
    if value is None:
        return ""
    if vr == "PN" and isinstance(value, dict):
        groups = [value.get(group) or "" for group in _GROUPS]
        if all(isinstance(group, str) for group in groups):
            return "=".join(groups).rstrip("=")
    elif isinstance(value, str):
        return value
    elif vr in _NUMBERS_AS_TEXT and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if isinstance(value, int) else _decimal(value)
    raise Malformed(f"an attribute has a value that is no {vr}", name(tag))


def _decimal(value: float) -> str:
    """A Decimal String: the shortest text that is this number, with fewer digits when 16 letters cannot hold them."""
    text = repr(value)
    digits = 17
    while len(text) > _LONGEST_DS:
        digits -= 1
        text = f"{value:.{digits}g}"
    return text


def _numbers(tag: int, vr: str, values: list[Any]) -> bytes:
    real = vr in ("FL", "FD")
    try:
        numbers = [(float if real else int)(0 if value is None else value) for value in values]
        if any(isinstance(value, bool | list) for value in values):
            raise TypeError
        return struct.pack(f"<{len(numbers)}{FORMS[vr]}", *numbers)
    except (TypeError, ValueError, OverflowError, struct.error):
        raise Malformed(f"an attribute has a value that is no {vr}", name(tag)) from None


def _attribute_tag(tag: int, value: Any) -> bytes:
    if not isinstance(value, str) or not _TAG.fullmatch(value):
        raise Malformed("an attribute has a value that is no AT", name(tag))
    return struct.pack("<HH", int(value[:4], 16), int(value[4:], 16))


def _inline(tag: int, element: Json) -> bytes:
    inline = element.get("InlineBinary") or ""
    if not inline and element.get("Value"):
        raise Malformed("bytes are given as InlineBinary or BulkDataURI", name(tag))
    try:
        return b64decode(inline, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Malformed("an attribute has no base64", name(tag)) from None
