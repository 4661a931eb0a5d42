"""QIDO-RS (PS3.18 10.6): studies, series and instances that match, as DICOM JSON."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson

from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, Attribute, Level, Matching, at, keyword_of, tag_of
from isocenter.dicom.match import Match, Range, Single, UidList
from isocenter.dicom.moments import in_zone, paired
from isocenter.dicom.moments import offset as utc_offset
from isocenter.dicom.query import InvalidKey, Query, parse_match
from isocenter.dicomweb.accept import json_form
from isocenter.dicomweb.answers import packed
from isocenter.dicomweb.exchange import PRIVATE, Exchange
from isocenter.dicomweb.stow_response import warning
from isocenter.domain.errors import Invalid
from isocenter.service import query as search
from isocenter.service.context import Context

MAX_RESULTS = 5000  # rows of one answer: some 10 MB of JSON; the rest is asked for with offset

_LEVELS = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE)
_UNIQUE = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}
_RESERVED = frozenset({"limit", "offset", "fuzzymatching", "emptyvaluematching", "multiplevaluematching", "accept", "charset"})
_ZONE = frozenset({"TimezoneOffsetFromUTC", "00080201"})  # says in which zone dates and times are meant; not matched
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_ONE_VALUE = frozenset({"LT", "ST", "UT", "UR"})  # PS3.5 6.2: a backslash is a character here
_WHOLE = frozenset({"IS", "US", "SS", "UL", "SL", "SV", "UV"})
_REAL = frozenset({"DS", "FL", "FD"})
_PN_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


@dataclass(frozen=True, slots=True)
class Search:
    """What the parameters of a search mean: the query, the attributes to answer, and what must be said in Warning headers.

    zone: minutes east of Greenwich, in which dates and times are asked for and answered; None: as they are stored.
    """

    query: Query
    answered: tuple[Attribute, ...]
    warnings: tuple[str, ...]
    capped: bool
    zone: int | None = None


async def studies(context: Context, exchange: Exchange) -> None:
    """GET studies."""
    await _search(context, exchange, Level.STUDY)


async def series(context: Context, exchange: Exchange) -> None:
    """GET series, studies/{study}/series."""
    await _search(context, exchange, Level.SERIES)


async def instances(context: Context, exchange: Exchange) -> None:
    """GET instances, studies/{study}/instances, studies/{study}/series/{series}/instances."""
    await _search(context, exchange, Level.INSTANCE)


async def _search(context: Context, exchange: Exchange, level: Level) -> None:
    content_type = json_form(exchange.accepted())
    asked = parse(level, exchange.query(), exchange.parameters)
    coding = exchange.coding()
    body, warnings = await exchange.run(_answer, context, exchange, asked, exchange.base, coding)
    encoding = ((b"content-encoding", coding.encode()),) if coding else ()
    headers = [(b"content-type", content_type.encode()), *encoding, PRIVATE, (b"vary", b"Accept, Accept-Encoding")]
    await exchange.reply(200, [*headers, *((b"warning", warning(text)) for text in warnings)], body)


def _answer(context: Context, exchange: Exchange, asked: Search, base: str, coding: str) -> tuple[bytes, list[str]]:
    """The body, and the warnings of the answer. In a thread: it waits for the index."""

    def form(row: search.Row) -> bytes:
        moved = {} if asked.zone is None else in_zone(row, asked.zone)
        return orjson.dumps(row_json({**row, **moved} if moved else row, asked, base))

    rows = search.gather(context, exchange.principal, asked.query, form)
    warnings = list(asked.warnings)
    if asked.capped and len(rows) > MAX_RESULTS:
        remaining = search.count(context, exchange.principal, asked.query) - asked.query.offset - MAX_RESULTS
        warnings.append(f"There are {max(remaining, 1)} additional results that can be requested")
        del rows[MAX_RESULTS:]
    body = b"[" + b",".join(rows) + b"]"
    return (b"".join(packed(iter((body,)), coding)) if coding else body), warnings


# ---- the question


def parse(level: Level, parameters: Iterable[tuple[str, str]], path: Mapping[str, str]) -> Search:
    """The search that query parameters and the path mean. Raises Invalid that names the parameter."""
    keys: dict[Attribute, list[str]] = {}
    includes: list[str] = []
    zones: list[str] = []
    reserved: dict[str, str] = {}
    for name, text in parameters:
        if name == "includefield":
            includes += [field for field in text.split(",") if field]
        elif name in _RESERVED:
            reserved[name] = text
        elif name in _ZONE:
            zones.append(text)
        else:
            keys.setdefault(_key(name, level), []).append(text)
    zone = _zone(zones)
    fuzzy = _boolean("fuzzymatching", reserved.get("fuzzymatching", "false"))
    # Done for those who do not ask, too, as in C-FIND: it only finds more. Who says no gets the value literally.
    literal = {name for name in ("emptyvaluematching", "multiplevaluematching") if not _boolean(name, reserved.get(name, "true"))}
    given = [_match(attribute, texts, fuzzy=fuzzy, literal=literal) for attribute, texts in keys.items()]
    ranges = frozenset(a.keyword for a, match in given if isinstance(match, Range) and "-" in keys[a][0])
    # PS3.18 8.3.4: a range of dates and one of times are one span, in the zone that the request names.
    matches, spans = paired(given, ranges, combined=True, zone=zone)
    for part, above in (("study", Level.STUDY), ("series", Level.SERIES)):
        if part in path:
            matches.append((BY_KEYWORD[_UNIQUE[above]], UidList((path[part],))))
    answered, warnings = _answered(level, path, includes)
    limit = _whole("limit", reserved["limit"]) if "limit" in reserved else None
    capped = limit is None or limit > MAX_RESULTS
    rows = MAX_RESULTS + 1 if limit is None or capped else limit
    offset = _whole("offset", reserved.get("offset", "0"))
    query = Query(level, tuple(matches), answered, rows, offset, spans=spans)
    return Search(query, answered, tuple(warnings), capped, zone)


def _zone(texts: Sequence[str]) -> int | None:
    """The Timezone Offset From UTC of a request. A plus sign that was not escaped has become a space."""
    text = texts[-1].strip() if texts else ""
    try:
        return (utc_offset(text if text[:1] in "+-" else f"+{text}")) if text else None
    except ValueError as error:
        raise Invalid(f"TimezoneOffsetFromUTC is {error}.", where="TimezoneOffsetFromUTC") from None


def _key(name: str, level: Level) -> Attribute:
    """The attribute of a matching key, which the index can match at this level."""
    attribute = _attribute(name)
    if attribute is None or attribute.matching is Matching.NONE:
        raise Invalid(f"The attribute {name[:80]} cannot be searched for.", where=name[:80])
    if _LEVELS.index(attribute.level) > _LEVELS.index(level):
        raise Invalid(
            f"The attribute {attribute.keyword} belongs to a lower level than the search.",
            where=attribute.keyword,
            hint=f"Search for {'series' if attribute.level is Level.SERIES else 'instances'}.",
        )
    return attribute


def _attribute(name: str) -> Attribute | None:
    """The attribute of a keyword, a tag, or a path of them through a sequence (PS3.18 8.3.4.1.1); None when it is not indexed.

    Raises Invalid when there is no such attribute in the standard.
    """
    *sequence, last = (_tag(part, name) for part in name.split("."))
    attribute = BY_TAG.get(last)
    if attribute is None or [attribute.sequence] != ([keyword_of(tag) for tag in sequence] or [""]):
        return None
    return attribute


def _tag(part: str, name: str) -> int:
    tag = int(part, 16) if _TAG.fullmatch(part) else tag_of(part)
    if tag is None or not (keyword_of(tag) or _TAG.fullmatch(part)):
        raise Invalid(f"There is no attribute {name[:80]}.", where=name[:80], hint="Write a keyword or eight hexadecimal digits.")
    return tag


def _match(attribute: Attribute, texts: Sequence[str], *, fuzzy: bool, literal: Set[str]) -> tuple[Attribute, Match]:
    if len(texts) > 1 and attribute.matching is not Matching.UID:
        raise Invalid(f"{attribute.keyword} is given more than once.", where=attribute.keyword)
    text = "\\".join(texts)
    if text.strip() == '""' and "emptyvaluematching" in literal:
        return attribute, Single(text)
    if "\\" in text and "multiplevaluematching" in literal and attribute.matching is not Matching.UID:
        return attribute, Single(text)
    try:
        return attribute, parse_match(attribute, text, fuzzy=fuzzy)
    except InvalidKey as error:
        raise Invalid(f"{error.keyword} has a value that cannot be searched for: {error.reason}.", where=error.keyword) from None


def _answered(level: Level, path: Mapping[str, str], includes: Sequence[str]) -> tuple[tuple[Attribute, ...], list[str]]:
    """The attributes of the answer: the defaults of the level and of levels that the path leaves open, and those asked for."""
    open_levels = {level}
    if level is not Level.STUDY and "study" not in path:
        open_levels.add(Level.STUDY)
    if level is Level.INSTANCE and "series" not in path:
        open_levels.add(Level.SERIES)
    if Level.STUDY in open_levels:
        open_levels.add(Level.PATIENT)
    wanted = {a for a in ATTRIBUTES if a.qido_default and a.level in open_levels}
    wanted |= {BY_KEYWORD[keyword] for above, keyword in _UNIQUE.items() if _LEVELS.index(above) <= _LEVELS.index(level)}
    warnings: list[str] = []
    for field in includes:
        if field == "all":
            wanted.update(a for above in _LEVELS[: _LEVELS.index(level) + 1] for a in at(above))
        elif (attribute := _attribute(field)) is not None and _LEVELS.index(attribute.level) <= _LEVELS.index(level):
            wanted.add(attribute)
        elif not (tag_of(field) == 0x00400275 or field == "00400275"):  # RequestAttributesSequence: its items are answered
            warnings.append(f"The attribute {field[:80]} cannot be included in the answer")
    return tuple(a for a in ATTRIBUTES if a in wanted), warnings


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Invalid(f"{name} is no whole number.", where=name)
    return int(text)


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Invalid(f"{name} is true or false.", where=name)
    return text.lower() == "true"


# ---- the answer


def row_json(row: Mapping[str, str], asked: Search, base: str) -> dict[str, Any]:
    """One row as a DICOM JSON object (PS3.18 F.2), in the order of tags."""
    answer: dict[str, Any] = {"00080005": {"vr": "CS", "Value": ["ISO_IR 192"]}}  # JSON is UTF-8 (PS3.18 F.2)
    sequences: dict[str, list[dict[str, Any]]] = {}
    for attribute in asked.answered:
        text = row.get(attribute.keyword, "")
        if attribute.sequence:
            _put_item(sequences.setdefault(attribute.sequence, []), attribute, text)
        else:
            answer[f"{attribute.tag:08X}"] = element(attribute.vr, text)
    for keyword, items in sequences.items():
        answer[f"{tag_of(keyword):08X}"] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    answer["00081190"] = {"vr": "UR", "Value": [_url(row, asked.query.level, base)]}
    return dict(sorted(answer.items()))


def _put_item(items: list[dict[str, Any]], attribute: Attribute, text: str) -> None:
    """The values of all items of a sequence lie joined in one column."""
    for place, value in enumerate(text.split("\\") if text else ()):
        if place == len(items):
            items.append({})
        items[place][f"{attribute.tag:08X}"] = element(attribute.vr, value)


def element(vr: str, text: str) -> dict[str, Any]:
    """One element: its VR, and its values if it has any."""
    values = [text] if vr in _ONE_VALUE else text.split("\\")
    if not any(values):
        return {"vr": vr}
    return {"vr": vr, "Value": [_value(vr, value) for value in values]}


def _value(vr: str, text: str) -> Any:
    if vr == "PN":
        return {name: group for name, group in zip(_PN_GROUPS, text.split("="), strict=False) if group} or None
    if not text:
        return None
    try:
        if vr in _WHOLE:
            return int(text)
        if vr in _REAL:
            number = float(text)
            return int(number) if number.is_integer() and abs(number) < 1e15 else number
    except (ValueError, OverflowError):
        pass  # a number that is none is answered as the text it is (PS3.18 F.2.3.1 allows strings)
    return text


def _url(row: Mapping[str, str], level: Level, base: str) -> str:
    """Retrieve URL (0008,1190)."""
    url = f"{base}/studies/{row.get('StudyInstanceUID', '')}"
    if level is not Level.STUDY:
        url += f"/series/{row.get('SeriesInstanceUID', '')}"
    return url + f"/instances/{row.get('SOPInstanceUID', '')}" if level is Level.INSTANCE else url
