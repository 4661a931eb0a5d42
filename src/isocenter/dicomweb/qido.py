"""QIDO-RS (PS3.18 10.6): studies, series and instances that match, as DICOM JSON or as Native DICOM Models."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson

from isocenter.dicom import extra, xml
from isocenter.dicom.attributes import ATTRIBUTES, BY_KEYWORD, BY_TAG, Attribute, Level, Matching, keyword_of, tag_of
from isocenter.dicom.extra import NONE, Extras
from isocenter.dicom.match import Match, Range, Single, UidList
from isocenter.dicom.moments import in_zone, paired
from isocenter.dicom.moments import offset as utc_offset
from isocenter.dicom.query import InvalidKey, Query, parse_match
from isocenter.dicomweb.accept import DICOM_XML, metadata_form
from isocenter.dicomweb.answers import VARY_JSON, Bytes, Part, packed, parts, version
from isocenter.dicomweb.exchange import Exchange
from isocenter.dicomweb.stow_response import warning
from isocenter.domain.errors import Invalid
from isocenter.service import query as search
from isocenter.service.context import Context

MAX_RESULTS = 5000  # rows of one answer: some 10 MB of JSON; the rest is asked for with offset
MOST_LOOKED_UP = 500  # rows for which an object is read, a millisecond each

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

    most: rows of an answer at most; capped: there may be more that were asked for. zone: minutes east of Greenwich, in which
    dates and times are asked for and answered; None: as they are stored. looked_up: paths of tags that the index does not hold,
    answered from the objects.
    """

    query: Query
    answered: tuple[Attribute, ...]
    warnings: tuple[str, ...]
    most: int
    capped: bool
    zone: int | None = None
    looked_up: tuple[tuple[int, ...], ...] = ()


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
    form = metadata_form(exchange.accepted(), single=False)
    asked = parse(level, exchange.query(), exchange.parameters, extra.declared(context.settings.index_attributes))
    found, warnings, total = await exchange.run(_answer, context, exchange, asked, exchange.base)
    said = (*total, *((b"warning", warning(text)) for text in warnings))
    if form.media_type == DICOM_XML:
        return await _xml(exchange, found, said)
    coding = exchange.coding()
    body = await exchange.run(_joined, found, coding)
    encoding = ((b"content-encoding", coding.encode()),) if coding else ()
    known = version("search", body, form.media_type, said, vary=VARY_JSON, more=said)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    await exchange.reply(200, [(b"content-type", form.media_type.encode()), *encoding, *known.headers], body)


async def _xml(exchange: Exchange, found: list[bytes], said: tuple[tuple[bytes, bytes], ...]) -> None:
    """Each answer as a Native DICOM Model (PS3.18 8.7.4); without one there are no parts, and so no content."""
    known = version("search", *found, DICOM_XML, said, vary=VARY_JSON, more=said)
    if exchange.knows(known.tag):
        return await exchange.not_modified(known.tag)
    if not found:
        return await exchange.reply(204, [*known.headers], b"")
    models = await exchange.run(lambda: [Bytes(xml.native_model(orjson.loads(text))) for text in found])
    await parts(exchange, [Part(DICOM_XML, each) for each in models], known, media_type=DICOM_XML)


def _joined(found: list[bytes], coding: str) -> bytes:
    body = b"[" + b",".join(found) + b"]"
    return b"".join(packed(iter((body,)), coding)) if coding else body


_Headers = list[tuple[bytes, bytes]]


def _answer(context: Context, exchange: Exchange, asked: Search, base: str) -> tuple[list[bytes], list[str], _Headers]:
    """What was found, each as JSON, and the warnings and total of the answer. In a thread: it waits for the index."""

    def form(row: search.Row) -> dict[str, Any] | bytes:
        moved = {} if asked.zone is None else in_zone(row, asked.zone)
        answer = row_json({**row, **moved} if moved else row, asked, base)
        return {"row": row, "answer": answer} if asked.looked_up else orjson.dumps(answer)

    rows = search.gather(context, exchange.principal, asked.query, form)
    warnings = list(asked.warnings)
    more = asked.capped and len(rows) > asked.most
    total = _total(context, exchange, asked, len(rows))
    if more:
        about = "about " if total[1] else ""
        remaining = max(total[0] - asked.query.offset - asked.most, 1)
        warnings.append(f"There are {about}{remaining} additional results that can be requested")
        del rows[asked.most :]
    texts = [orjson.dumps(_looked_up(context, asked, base, **row)) if isinstance(row, dict) else row for row in rows]
    headers: _Headers = [
        (b"x-total-count", str(total[0]).encode()),
        (b"x-total-count-is-estimate", str(total[1]).lower().encode()),
    ]
    return texts, warnings, headers


def _total(context: Context, exchange: Exchange, asked: Search, found: int) -> tuple[int, bool]:
    """How many rows match in all, and whether that is an estimate; exact when the answer reaches their end."""
    if found < (asked.query.limit or 0) and (found or not asked.query.offset):
        return asked.query.offset + found, False
    told = search.estimate(context, exchange.principal, asked.query)
    return max(told[0], asked.query.offset + found if found else 0), told[1]


def _looked_up(context: Context, asked: Search, base: str, row: search.Row, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of one row with attributes that only its object holds."""
    stored = search.described(context, row, asked.query.level, base)
    for path in asked.looked_up:
        tag = f"{path[0]:08X}"
        if tag in stored:
            answer[tag] = stored[tag]
    return dict(sorted(answer.items()))


# ---- the question


def parse(
    level: Level, parameters: Iterable[tuple[str, str]], path: Mapping[str, str], extras: Extras = NONE
) -> Search:
    """The search that query parameters and the path mean. extras: what the settings declare. Raises Invalid that names the
    parameter."""
    parameters = list(parameters)
    names = _Names(extras, {tag: text for name, text in parameters if (tag := _creator_tag(name)) is not None})
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
        elif _creator_tag(name) is None:  # PS3.18 8.3.4.3: whose a private attribute is
            keys.setdefault(names.key(name), []).append(text)
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
    answered, warnings, looked_up = _answered(level, path, includes, names)
    answered += tuple(a for a in keys if a not in answered and _depth(a) <= _LEVELS.index(level))
    limit = _whole("limit", reserved["limit"]) if "limit" in reserved else None
    most = MOST_LOOKED_UP if looked_up else MAX_RESULTS
    capped = limit is None or limit > most
    rows = most + 1 if limit is None or capped else limit
    offset = _whole("offset", reserved.get("offset", "0"))
    query = Query(level, tuple(matches), answered, rows, offset, spans=spans)
    return Search(query, answered, tuple(warnings), most, capped, zone, looked_up)


def _zone(texts: Sequence[str]) -> int | None:
    """The Timezone Offset From UTC of a request. A plus sign that was not escaped has become a space."""
    text = texts[-1].strip() if texts else ""
    try:
        return (utc_offset(text if text[:1] in "+-" else f"+{text}")) if text else None
    except ValueError as error:
        raise Invalid(f"TimezoneOffsetFromUTC is {error}.", where="TimezoneOffsetFromUTC") from None


def _depth(attribute: Attribute) -> int:
    return _LEVELS.index(attribute.level)


def _creator_tag(name: str) -> int | None:
    """The tag of a Private Creator element (PS3.5 7.8.1); None when the name is none."""
    tag = int(name, 16) if _TAG.fullmatch(name) else 0
    return tag if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF else None


@dataclass(frozen=True, slots=True)
class _Names:
    """What names of attributes mean in one request. creators: its Private Creators by tag."""

    extras: Extras
    creators: Mapping[int, str]

    def key(self, name: str) -> Attribute:
        """The attribute of a matching key. One of a lower level asks for a child that matches, as in C-FIND (PS3.4 C.4.1.2.2)."""
        attribute = self.attribute(name)
        if attribute is None or attribute.matching is Matching.NONE:
            hint = "" if attribute else "An administrator can have it indexed with the setting index_attributes."
            raise Invalid(f"The attribute {name[:80]} cannot be searched for.", where=name[:80], hint=hint)
        return attribute

    def attribute(self, name: str) -> Attribute | None:
        """The attribute of a keyword, a tag, or a path of them through sequences (PS3.18 8.3.4.1); None when it is not indexed.

        Raises Invalid when there is no such attribute in the standard.
        """
        path = self.path(name)
        attribute = BY_TAG.get(path[-1])
        if attribute is not None and [attribute.sequence] == ([keyword_of(tag) for tag in path[:-1]] or [""]):
            return attribute
        creator = self.creators.get(path[-1] & 0xFFFF0000 | path[-1] >> 8 & 0xFF, "")
        return self.extras.find(path, creator)

    def path(self, name: str) -> tuple[int, ...]:
        """The tags of a path. Raises Invalid."""
        return tuple(_tag(part, name) for part in name.split("."))


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


def _answered(
    level: Level, path: Mapping[str, str], includes: Sequence[str], names: _Names
) -> tuple[tuple[Attribute, ...], list[str], tuple[tuple[int, ...], ...]]:
    """The attributes of the answer: the defaults of the level and of levels that the path leaves open, and those asked for.

    Then warnings, and the paths of those that only the objects hold.
    """
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
    looked_up: list[tuple[int, ...]] = []
    known = [a for a in (*ATTRIBUTES, *names.extras.attributes) if _depth(a) <= _LEVELS.index(level)]
    for field in includes:
        if field == "all":
            wanted.update(known)
        elif (attribute := names.attribute(field)) is not None:
            if attribute in known:
                wanted.add(attribute)
            else:  # PS3.18 10.6.3.3: those of lower levels shall not be returned
                warnings.append(f"The attribute {field[:80]} cannot be included in the answer")
        elif inside := [a for a in known if a.sequence and (tag_of(a.sequence),) == names.path(field)]:
            wanted.update(inside)
        else:
            looked_up.append(names.path(field))
    answered = tuple(a for a in (*ATTRIBUTES, *names.extras.attributes) if a in wanted)
    return answered, warnings, tuple(dict.fromkeys(looked_up))


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
        if attribute.is_extra:
            continue
        if attribute.sequence:
            _put_item(sequences.setdefault(attribute.sequence, []), attribute, text)
        else:
            answer[f"{attribute.tag:08X}"] = element(attribute.vr, text)
    for keyword, items in sequences.items():
        answer[f"{tag_of(keyword):08X}"] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    for attribute in asked.answered:
        if attribute.is_extra:
            _put_extra(answer, attribute, row.get(attribute.keyword, ""))
    answer["00081190"] = {"vr": "UR", "Value": [_url(row, asked.query.level, base)]}
    return dict(sorted(answer.items()))


def _put_item(items: list[dict[str, Any]], attribute: Attribute, text: str) -> None:
    """The values of all items of a sequence lie joined in one column."""
    for place, value in enumerate(text.split("\\") if text else ()):
        if place == len(items):
            items.append({})
        items[place][f"{attribute.tag:08X}"] = element(attribute.vr, value)


def _put_extra(answer: dict[str, Any], attribute: Attribute, text: str) -> None:
    """A declared attribute at the end of its path, or in a block with its Private Creator (PS3.5 7.8.1)."""
    tag = attribute.tag
    if attribute.creator:
        group, block = tag & 0xFFFF0000, 0x10
        while answer.get(f"{group | block:08X}", {}).get("Value", [attribute.creator]) != [attribute.creator]:
            block += 1
        answer[f"{group | block:08X}"] = {"vr": "LO", "Value": [attribute.creator]}
        tag = group | block << 8 | tag & 0xFF
    items: list[dict[str, Any]] = [answer]
    for above in attribute.path:
        held = items[0].setdefault(f"{above:08X}", {"vr": "SQ"})
        if not text:
            return
        items = held.setdefault("Value", [])
        if not items:
            items.append({})
    if not attribute.path:
        answer[f"{tag:08X}"] = element(attribute.vr, text)
        return
    for place, value in enumerate([text] if attribute.vr in _ONE_VALUE else text.split("\\")):
        if place == len(items):
            items.append({})
        items[place][f"{tag:08X}"] = element(attribute.vr, value)


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
