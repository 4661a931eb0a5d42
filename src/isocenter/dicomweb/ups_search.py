"""Parameters of a search for work items, and of a filtered subscription, as the keys of an Identifier (PS3.18 8.3.4, 11.9)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pydicom.dataset import Dataset

from isocenter.dicom import datasets, json_reading, keys
from isocenter.dicom.attributes import keyword_of, tag_of, vr_of
from isocenter.dicom.query import InvalidKey
from isocenter.domain import ups
from isocenter.domain.errors import Invalid

MAX_RESULTS = 1000  # of one answer; the rest is asked for with offset
_RESERVED = frozenset({"limit", "offset", "fuzzymatching", "includefield", "accept", "charset"})
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_UIDS = re.compile(r"[0-9.,\\*? ]*")
_ZONE = 0x00080201  # Timezone Offset From UTC
_DEEPEST = 8  # sequences of one key


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: `asked` are the keys with their values, `limit` and `offset` the page, `returned` what is answered.

    returned: None: every attribute.
    """

    asked: Dataset
    limit: int
    offset: int
    returned: frozenset[int] | None
    capped: bool
    fuzzy: bool


def parse(parameters: Iterable[tuple[str, str]]) -> Search:
    """The search that query parameters mean. Raises Invalid that names the parameter."""
    given, includes, reserved = [], [], {}
    for name, text in parameters:
        if name == "includefield":
            includes += [field for field in text.split(",") if field]
        elif name in _RESERVED:
            reserved[name] = text
        else:
            given.append((name, text))
    asked = identifier(given)
    fuzzy = reserved.get("fuzzymatching", "false").lower()
    if fuzzy not in ("true", "false"):
        raise Invalid("fuzzymatching is true or false.", where="fuzzymatching")
    limit = _whole("limit", reserved.get("limit", str(MAX_RESULTS)))
    returned = None if "all" in includes else _returned(asked, includes)
    capped = "limit" not in reserved or limit > MAX_RESULTS
    offset = _whole("offset", reserved.get("offset", "0"))
    return Search(asked, min(limit, MAX_RESULTS), offset, returned, capped, fuzzy == "true")


def identifier(parameters: Iterable[tuple[str, str]]) -> Dataset:
    """The keys that attributes and values mean. Raises Invalid."""
    asked = Dataset()
    for name, text in parameters:
        *sequences, last = _tags(name)
        place = asked
        for tag in sequences:
            if tag not in place:
                place.add(datasets.element(tag, "SQ", [Dataset()]))
            place = place[tag].value[0]
        if last in place:
            raise Invalid(f"{name[:80]} is given more than once.", where=name[:80])
        try:
            place.add(datasets.element(last, _vr(last, name), _value(last, text)))
        except datasets.FAULTS:
            raise Invalid(f"{name[:80]} has a value that cannot be searched for.", where=name[:80]) from None
    try:
        keys.check(asked)
        return json_reading.settled(asked)
    except InvalidKey as error:
        raise Invalid(f"{error.keyword} has a value that cannot be searched for: {error.reason}.", where=error.keyword) from None
    except datasets.InvalidDataSet as error:
        raise Invalid(f"The keys cannot be searched for: {error}.", where="query") from None


def filter_of(parameters: Iterable[tuple[str, str]]) -> Dataset:
    """The keys of a filtered subscription: filter=A=x,B=y (11.10.1.2), or each a parameter of its own as it was until 2019."""
    pairs: list[tuple[str, str]] = []
    for name, text in parameters:
        if name == "filter":
            for part in text.split(","):
                keyword, equals, value = part.partition("=")
                if not equals:
                    raise Invalid("A filter is a list of attribute=value.", where="filter")
                pairs.append((keyword.strip(), value))
        elif name not in ("deletionlock", "accept", "charset"):
            pairs.append((name, text))
    return identifier(pairs)


def answered(search: Search, step: Dataset) -> Dataset:
    """What of a step a search asks for."""
    if search.returned is None:
        return step
    made = Dataset()
    for element in step:
        if element.tag in search.returned:
            made.add(element)
    return made


def _returned(asked: Dataset, includes: Iterable[str]) -> frozenset[int]:
    tags = {tag for keyword in ups.RETURNED if (tag := tag_of(keyword)) is not None}
    return frozenset(tags | {int(element.tag) for element in asked} | {_tags(name)[0] for name in includes})


def _tags(name: str) -> list[int]:
    """The tags of a keyword, a tag, or a path of them (PS3.18 8.3.4.1)."""
    found = [int(part, 16) if _TAG.fullmatch(part) else tag_of(part) for part in name.split(".")]
    tags = [tag for tag in found if tag is not None and keyword_of(tag)]
    if len(tags) < len(found) or len(tags) > _DEEPEST:
        raise Invalid(f"There is no attribute {name[:80]}.", where=name[:80], hint="Write a keyword or eight hexadecimal digits.")
    if any(vr_of(tag) != "SQ" for tag in tags[:-1]):
        raise Invalid(f"{name[:80]} is no path through sequences.", where=name[:80])
    return tags


def _vr(tag: int, name: str) -> str:
    vr = vr_of(tag).partition(" ")[0]
    if vr not in json_reading.SEARCHABLE:
        raise Invalid(f"{name[:80]} cannot be searched for.", where=name[:80])
    return vr


def _value(tag: int, text: str) -> object:
    """Lists of UIDs are parted by commas in a URL (8.3.4.1)."""
    vr = vr_of(tag)
    if vr == "SQ":
        return [Dataset()] if not text else _no_text(tag)
    if tag == _ZONE and text.strip()[:1] not in ("", "+", "-"):
        return f"+{text.strip()}"  # a plus sign that was not escaped has become a space
    if vr == "UI" and not _UIDS.fullmatch(text):
        raise ValueError("no list of UIDs")
    return text.replace(",", "\\") if vr == "UI" else text


def _no_text(tag: int) -> list[Dataset]:
    raise Invalid("A sequence is searched by what is in it.", where=keyword_of(tag), hint="Write Sequence.Attribute=value.")


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Invalid(f"{name} is no whole number.", where=name)
    return int(text)
