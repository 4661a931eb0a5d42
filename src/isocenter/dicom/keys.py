"""Matching of whole data sets: the keys of an Identifier against a data set (PS3.4 C.2.2.2), and the answer to them.

For what is kept as data sets of its own (work items, subscriptions), not as columns of the index. The meaning of each key is that
of `query.parse_match`, so that a name, a date or a wildcard means the same wherever it is asked for.
"""

import copy

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from . import charset, datasets
from .attributes import Attribute, Level, keyword_of, matching_of
from .match import Match, Range, Universal, instant
from .query import InvalidKey, datetime_range, parse_match

# What says how the keys are written, and no key itself (PS3.4 C.4.1.1.3.1)
NO_KEYS = frozenset({"SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveLevel"})
UTF_8 = "ISO_IR 192"


def text_of(element: DataElement) -> str:
    """The value of an element as text, multiple values joined by backslashes; "" for none and for bytes."""
    value = element.value
    if value is None or isinstance(value, bytes):
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue | list | tuple) else str(value)


def attribute_of(element: DataElement) -> Attribute:
    """A key as an attribute, though the index does not know it: what is matched by its VR."""
    return Attribute(keyword_of(element.tag), element.tag, element.VR, Level.STUDY, "O", matching_of(element.VR), "", False)


def zone_of(dataset: Dataset) -> str:
    """The Timezone Offset From UTC of a data set, in which its dates and times are; "" when it has none."""
    return text_of(dataset["TimezoneOffsetFromUTC"]).strip() if "TimezoneOffsetFromUTC" in dataset else ""


def match_of(element: DataElement, zone: str = "", *, fuzzy: bool = False) -> Match:
    """What one key that is no sequence asks for. zone: of the request; fuzzy: names as they sound. Raises InvalidKey."""
    text = text_of(element)
    if element.VR == "DT":
        if not text.strip("*"):
            return Universal()
        try:
            return datetime_range(text, zone)
        except ValueError as error:
            raise InvalidKey(keyword_of(element.tag), str(error)) from None
    return parse_match(attribute_of(element), text, fuzzy=fuzzy)


def check(keys: Dataset) -> None:
    """Raise InvalidKey when a key, also inside a sequence, has a value that its VR does not allow."""
    for element in _keys(keys):
        if element.VR == "SQ":
            for item in element.value[:1]:
                check(item)
        else:
            match_of(element)


def matches(keys: Dataset, candidate: Dataset, *, fuzzy: bool = False) -> bool:
    """Whether a data set matches all keys. fuzzy: names as they sound (PS3.4 C.2.2.2.1.1). Raises InvalidKey.

    PS3.4 C.2.2.2.6: a sequence matches when one of its items matches all keys of the key's item. Date times without an offset are
    in the time zones that request and data set name.
    """
    return _matches(keys, candidate, zone_of(keys), zone_of(candidate), fuzzy)


def _matches(keys: Dataset, candidate: Dataset, asked_in: str, held_in: str, fuzzy: bool) -> bool:
    return all(_holds(element, candidate, asked_in, held_in, fuzzy) for element in _keys(keys))


def _keys(keys: Dataset) -> list[DataElement]:
    return [element for element in keys if element.keyword not in NO_KEYS]


def _holds(key: DataElement, candidate: Dataset, asked_in: str, held_in: str, fuzzy: bool) -> bool:
    held = _held(candidate, key)
    if key.VR == "SQ":
        if not key.value:
            return True
        items = held.value if held is not None and held.value else [Dataset()]
        return any(_matches(key.value[0], item, asked_in, held_in, fuzzy) for item in items)
    match = match_of(key, asked_in, fuzzy=fuzzy)
    if isinstance(match, Universal):
        return True
    text = "" if held is None else text_of(held).strip()
    if isinstance(match, Range) and key.VR == "DT":
        return any(match.matches(instant(one, zone=held_in), "DT") for one in text.split("\\"))
    return match.matches(text, key.VR)


def _held(candidate: Dataset, key: DataElement) -> DataElement | None:
    """The element a key asks about; one that is a sequence on one side only is none."""
    held: DataElement | None = candidate.get(key.tag, None)
    return held if held is not None and (held.VR == "SQ") == (key.VR == "SQ") else None


def answer(keys: Dataset, candidate: Dataset) -> Dataset:
    """What of a data set the keys ask for: every key, without a value where there is none (PS3.4 C.4.1.1.3.2).

    A sequence without an item, or with an empty one, asks for its items as they are.
    """
    out = Dataset()
    for key in _keys(keys):
        held = _held(candidate, key)
        if key.VR != "SQ":
            out.add(held if held is not None else DataElement(key.tag, key.VR, None))
            continue
        items = [] if held is None else list(held.value)
        if key.value and len(key.value[0]):
            items = [answer(key.value[0], item) for item in items]
        out.add(DataElement(key.tag, "SQ", items))
    return out


def encode(dataset: Dataset, transfer_syntax: str, charsets: str = "") -> bytes:
    """The bytes of an answer, in the character set that was asked with when that can say all of it, else in Unicode.

    charsets: the Specific Character Set of the request, its terms joined by backslashes. Raises datasets.InvalidDataSet.
    """
    dataset.pop("SpecificCharacterSet", None)
    known = charset.repertoire(charsets).known
    if _is_ascii(dataset) and (known or not charsets):  # any set can say it; without a question's, none is named for old devices
        if charsets:
            dataset.SpecificCharacterSet = charsets.split("\\")
        return datasets.encode(dataset, transfer_syntax)
    if charsets and charsets != UTF_8 and known:
        try:
            wanted = _with(dataset, charsets)
            encoded = datasets.encode(wanted, transfer_syntax)
            if datasets.decode(encoded, transfer_syntax) == wanted:
                return encoded
        except datasets.InvalidDataSet:
            pass
    return datasets.encode(_with(dataset, UTF_8), transfer_syntax)


def _is_ascii(dataset: Dataset) -> bool:
    return all(text_of(element).isascii() for element in dataset.iterall() if element.VR != "SQ")


def _with(dataset: Dataset, charsets: str) -> Dataset:
    with datasets.quiet():
        made = copy.deepcopy(dataset)  # pydicom's names remember how they were encoded first
    made.SpecificCharacterSet = charsets.split("\\") if "\\" in charsets else charsets
    return made


def charsets_of(dataset: Dataset) -> str:
    """The Specific Character Set of a data set, its terms joined by backslashes."""
    return text_of(dataset["SpecificCharacterSet"]) if "SpecificCharacterSet" in dataset else ""

