"""DICOM JSON (PS3.18 Annex F) as a small data set: what comes in with a request, not what is stored.

Tolerant where it does no harm: a number may be text and text a number, a missing VR is that of the dictionary, names may be plain
text. Refused is what would lose something: bulk data by reference, values that are none of their VR.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

import orjson
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from . import datasets, keys, syntaxes
from ._dictionary import ELEMENTS
from .attributes import vr_of
from .datasets import MAX_DEPTH, InvalidDataSet

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_UID = re.compile(r"[0-9.]{0,64}")
_WHOLE = frozenset({"US", "SS", "UL", "SL", "SV", "UV"})
_REAL = frozenset({"FL", "FD"})
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})
_BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
SEARCHABLE = _TEXT | {"PN", "SQ", "IS", "DS"}
"""VRs whose values are text, or sequences of such: what is matched."""
_PIXELS = 0x7FE0
_PN_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def read(text: bytes) -> list[Dataset]:
    """The data sets of a JSON document, which is one of them or an array (PS3.18 F.2). Raises InvalidDataSet."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidDataSet("it is no JSON") from None
    return data_sets(value if isinstance(value, list) else [value])


def data_sets(objects: Iterable[Any]) -> list[Dataset]:
    """The data sets of DICOM JSON objects. Raises InvalidDataSet."""
    return [settled(_data_set(each, 0)) for each in objects]


def settled(dataset: Dataset) -> Dataset:
    """The data set as it is when it comes back from its encoding, so that a value that has none is found here: InvalidDataSet."""
    dataset.pop("SpecificCharacterSet", None)  # JSON is Unicode, whatever it says
    encoded = keys.encode(dataset, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN, keys.UTF_8) if len(dataset) else b""
    made = datasets.decode(encoded, syntaxes.EXPLICIT_VR_LITTLE_ENDIAN)
    made.pop("SpecificCharacterSet", None)
    return made


def _data_set(given: Any, depth: int) -> Dataset:
    if not isinstance(given, dict):
        raise InvalidDataSet("a data set is a JSON object")
    if depth > MAX_DEPTH:
        raise InvalidDataSet("sequences are nested too deep")
    made = Dataset()
    for name, element in given.items():
        if not _TAG.fullmatch(name):
            raise InvalidDataSet("an attribute is named by eight hexadecimal digits")
        tag = int(name, 16)
        if not isinstance(element, dict):
            raise _invalid(tag, "is no object")
        vr = element.get("vr") or vr_of(tag)
        if not isinstance(vr, str):
            raise _invalid(tag, "has no VR")
        if tag >> 16 == _PIXELS:
            raise _invalid(tag, "is nothing that goes with a request")
        if "BulkDataURI" in element:
            raise _invalid(tag, "is given by reference, and there is nothing it could refer to")
        value = _value(tag, vr, element, depth)
        try:
            made.add(datasets.element(tag, vr, value))
        except datasets.FAULTS:
            raise _invalid(tag, f"has a value that is no {vr[:2]}") from None
    return made


def _value(tag: int, vr: str, element: dict[str, Any], depth: int) -> Any:
    if vr in _BYTES:
        return _bytes(tag, element)
    values = element.get("Value", [])
    if not isinstance(values, list):
        raise _invalid(tag, "has no array of values")
    if vr == "SQ":
        return [_data_set({} if item is None else item, depth + 1) for item in values]
    made = [_one(tag, vr, each) for each in values]
    if not made:
        return None
    return made[0] if len(made) == 1 else made


def _bytes(tag: int, element: dict[str, Any]) -> bytes | None:
    inline = element.get("InlineBinary", "")
    try:
        return b64decode(inline, validate=True) or None
    except (binascii.Error, ValueError, TypeError):
        raise _invalid(tag, "has no base64") from None


def _one(tag: int, vr: str, value: Any) -> Any:
    if value is None:
        return ""
    try:
        if vr == "PN":
            return _name(value)
        if vr == "AT":
            return int(value, 16)
        if vr in _WHOLE:
            return int(value)
        if vr in _REAL:
            return float(value)
        if vr == "UI" and not _UID.fullmatch(value):
            raise ValueError("no UID")
        if vr in ("IS", "DS") and isinstance(value, int | float):
            return format_number_as_ds(value) if isinstance(value, float) else str(value)
    except (ValueError, TypeError, OverflowError):
        raise _invalid(tag, f"has a value that is no {vr}") from None
    if vr not in _TEXT and vr not in ("IS", "DS"):
        raise _invalid(tag, "has a VR that does not exist")
    if isinstance(value, dict | list):
        raise _invalid(tag, f"has a value that is no {vr}")
    return str(value)


def _name(value: Any) -> str:
    """PS3.18 F.2.2: the groups of a name, or the name as it is written elsewhere."""
    if isinstance(value, str):
        return value
    groups = [value.get(group) or "" for group in _PN_GROUPS] if isinstance(value, dict) else None
    if groups is None or not all(isinstance(group, str) for group in groups):
        raise ValueError("no name")
    return "=".join(groups).rstrip("=")


def _invalid(tag: int, fault: str) -> InvalidDataSet:
    row = ELEMENTS.get(tag)
    return InvalidDataSet(f"{row[1] if row else f'{tag:08X}'} {fault}")
