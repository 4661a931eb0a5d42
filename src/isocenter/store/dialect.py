"""`dicom.match` values as SQL: the only place that writes LIKE, GLOB or a regular expression.

Each condition says the same as the value's predicate; a property test proves it on both databases. Columns compare byte by byte
(SQLite's BINARY, PostgreSQL's "C"), which for UTF-8 is the order of code points, so prefixes and ranges can use an index.

Attributes of value multiplicity one have one value in their column (`SINGLE_VALUED`, see `rows.clean`). In the others values are
joined by backslashes: what no plain comparison can say of them is asked of the predicate itself on SQLite (the function
`dicom_matches`), and of a regular expression on PostgreSQL, whose matcher does not backtrack.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    false,
    func,
    intersect,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION

from isocenter.dicom.attributes import BY_KEYWORD, Matched
from isocenter.dicom.match import AnyOf, Empty, Fuzzy, Match, Range, Single, UidList, Universal, Wildcard, fold
from isocenter.dicom.moments import ZONES, Span, Window
from isocenter.store.schema_index import name_word

Column = ColumnElement[Any]

# Value multiplicity 1 in PS3.6, of all that is matched by index or in bulk. Dates and times all are.
SINGLE_VALUED = frozenset(
    {
        "PatientName", "PatientID", "IssuerOfPatientID", "PatientSex", "StudyInstanceUID", "AccessionNumber", "StudyID",
        "StudyDescription", "ReferringPhysicianName", "InstitutionName", "SeriesInstanceUID", "Modality", "SeriesNumber",
        "SeriesDescription", "BodyPartExamined", "ProtocolName", "SOPInstanceUID", "SOPClassUID", "InstanceNumber",
    }
    | {keyword for keyword, attribute in BY_KEYWORD.items() if attribute.vr in ("DA", "TM")}
)
_ONE_VALUE_VRS = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a character of the value (PS3.5 6.2)
NUMBER_VRS = frozenset({"IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"})
_BACKSLASH = "\\"
# In a folded name a backslash parts two values; one that folding made out of a wide letter is kept apart by its wide form.
_WIDE_BACKSLASH = "\uff3c"
# Components are parted by a character below all letters, so that SMITH^JOHN sorts before SMITHERS^ANN.
_CARET = "\x1f"
# What float() of the predicate reads, short enough for PostgreSQL's double precision.
_NUMBER = r"^\s*[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,2})?\s*$"


def name_key(text: str) -> str:
    """A person's name as in the `*_key` columns: every value folded; component groups stay joined by "=".

    Also for texts that are compared with such a column. It only changes the order of what `fold` gives, never what is equal.
    """
    return _BACKSLASH.join(_folded(value) for value in text.split(_BACKSLASH)) if text else ""


def _folded(value: str) -> str:
    return fold(value).replace(_BACKSLASH, _WIDE_BACKSLASH).replace("^", _CARET)


def is_multiple(attribute: Matched) -> bool:
    """Whether the attribute's column may hold several values."""
    return attribute.keyword not in SINGLE_VALUED and attribute.vr not in _ONE_VALUE_VRS


def condition(attribute: Matched, match: Match, text: Column, key: Column | None, postgresql: bool) -> ColumnElement[bool]:
    """The SQL of `match.matches(text, attribute.vr)`. key: the folded column beside `text` of a person's name."""
    several = is_multiple(attribute)
    match match:
        case Universal():
            return true()
        case Empty():
            return text == ""
        case Range():
            return and_(text != "", *_ends(text, match))
        case UidList():
            uids = [uid for uid in match.uids if uid and not (several and _BACKSLASH in uid)]
            if not uids:
                return false()
            return or_(text.in_(uids), *(_among(text, uid, postgresql) for uid in uids if several))
        case AnyOf(ways):
            return or_(false(), *(condition(attribute, way, text, key, postgresql) for way in ways))
        case Fuzzy():
            return heard(match, key) if key is not None else false()
        case Single() | Wildcard() if key is not None:
            return _name(attribute, match, text, key, several, postgresql)
        case Single() if attribute.vr in NUMBER_VRS:
            return _number(match.value, attribute.vr, text, postgresql)
        case Single():
            if several and _BACKSLASH in match.value:
                return false()
            equal: ColumnElement[bool] = text == match.value
            return or_(equal, _among(text, match.value, postgresql)) if several else equal
        case Wildcard():
            like = and_(text != "", wildcard(text, match.pattern, postgresql))
            if not several:
                return like
            many = _contains(text, _BACKSLASH, postgresql)
            return or_(and_(~many, like), and_(many, _complex(attribute, match, text, None, postgresql)))


def heard(match: Fuzzy, key: Column) -> ColumnElement[bool]:
    """Every word of a resolved fuzzy match (`names.resolved`) is in the name, of which `key` is the folded column."""
    if match.names is not None:
        return key.in_(match.names)
    return key.in_(bearing(match))


def bearing(match: Fuzzy) -> Select[Any] | CompoundSelect[Any]:
    """The folded names, each once, that hold every word of a fuzzy match."""
    column = name_word.c.word
    words = [
        select(name_word.c.name_key).where(begins(column, word[:-1]) if word.endswith("*") else column.in_(held))
        for word, held in zip(match.words, match.held, strict=True)
    ]
    return intersect(*words) if len(words) > 1 else words[0].distinct()


def some_ids(column: Column, ids: Iterable[int], postgresql: bool) -> ColumnElement[bool]:
    """`column` is one of the ids: one parameter, so that the statement is the same for any number of them."""
    if postgresql:
        return column == any_(literal(list(ids), ARRAY(BigInteger)))
    return column.in_(select(func.json_each(f"[{','.join(map(str, ids))}]").table_valued("value").c.value))


def span(asked: Span, date: Column, time: Column, zone: Column) -> ColumnElement[bool]:
    """The SQL of `asked.matches(date, time, zone)`: of every zone the same question, in its own words."""
    unknown = _window(asked.window(None), date, time)
    if asked.zone is None:
        return unknown
    zones = {minutes: text for text, minutes in ZONES.items()}
    return case(
        *((zone == text, _window(asked.window(minutes), date, time)) for minutes, text in zones.items()), else_=unknown
    )  # fmt: skip


def _window(window: Window, date: Column, time: Column) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if window.first:
        day, at = window.first
        conditions.append(or_(date > day, and_(date == day, or_(time == "", time >= at))))
    if window.last:
        day, at = window.last
        conditions += [date != "", or_(date < day, and_(date == day, or_(time == "", time <= at)))]
    if window.opens:
        inside = and_ if window.opens <= window.closes else or_
        conditions += [time != "", inside(time >= window.opens, time <= window.closes)]
    return and_(true(), *conditions)


def _ends(text: Column, match: Range) -> list[ColumnElement[bool]]:
    ends = []
    if match.low:
        ends.append(text >= match.low)
    if match.high:
        ends.append(text <= match.high)
    return ends


def wildcard(text: Column, pattern: str, postgresql: bool) -> ColumnElement[bool]:
    """PS3.4 C.2.2.2.4 on one value: * any run of characters, ? any one, all else itself; case counts."""
    if postgresql:
        escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return text.like(escaped.replace("*", "%").replace("?", "_"), escape="\\")
    return text.op("GLOB", is_comparison=True)(pattern.replace("[", "[[]"))


def prefix(pattern: str) -> str:
    """The literal text that every match of a wildcard pattern begins with."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def begins(text: Column, start: str) -> ColumnElement[bool]:
    """`text` begins with `start`, as a range that an index can answer."""
    following = after(start)
    return and_(text >= start, text < following) if following else text >= start


def after(start: str) -> str:
    """The smallest text above everything that begins with `start`; "" when there is none."""
    while start:
        code = ord(start[-1]) + 1
        if code <= 0x10FFFF:
            return start[:-1] + chr(0xE000 if 0xD800 <= code <= 0xDFFF else code)
        start = start[:-1]
    return ""


def _contains(text: Column, part: str, postgresql: bool) -> ColumnElement[bool]:
    found = func.strpos(text, part) if postgresql else func.instr(text, part)
    return found > 0


def _among(text: Column, value: str, postgresql: bool) -> ColumnElement[bool]:
    """One of several values, joined by backslashes, is `value`."""
    fenced = literal(_BACKSLASH, Text).concat(text).concat(_BACKSLASH)
    return and_(_contains(text, _BACKSLASH, postgresql), _contains(fenced, f"{_BACKSLASH}{value}{_BACKSLASH}", postgresql))


def _name(
    attribute: Matched, match: Single | Wildcard, text: Column, key: Column, several: bool, postgresql: bool
) -> ColumnElement[bool]:
    """PS3.4 C.2.2.2.1.1: folded; a key without "=" matches any component group, one with groups matches group by group."""
    wanted = _folded(match.value if isinstance(match, Single) else match.pattern)
    if "=" in wanted:
        return _complex(attribute, match, text, key, postgresql)
    groups = func.replace(key, _BACKSLASH, "=") if several else key
    if isinstance(match, Single):
        fenced = literal("=", Text).concat(groups).concat("=")
        return or_(key == wanted, _contains(fenced, f"={wanted}=", postgresql))
    start = prefix(wanted)
    if start and wanted == f"{start}*":
        return or_(begins(key, start), _contains(groups, f"={start}", postgresql))
    one = ~_contains(groups, "=", postgresql)
    return or_(
        and_(one, text != "", wildcard(key, wanted, postgresql)), and_(~one, _complex(attribute, match, text, key, postgresql))
    )


def _complex(
    attribute: Matched, match: Single | Wildcard, text: Column, key: Column | None, postgresql: bool
) -> ColumnElement[bool]:
    """Several values or several component groups: what no plain comparison can say."""
    if not postgresql:
        kind, wanted = ("single", match.value) if isinstance(match, Single) else ("wildcard", match.pattern)
        return func.dicom_matches(kind, wanted, attribute.vr, text) == 1
    # A pattern never matches what has no value, not even a lone asterisk.
    nonempty = true() if isinstance(match, Single) else func.replace(text, _BACKSLASH, "") != ""
    if key is None:
        return and_(nonempty, text.regexp_match(_fence(_expression(match, "[^\\\\]"))))
    return and_(nonempty, key.regexp_match(_fence(_name_expression(match))))


def _fence(expression: str) -> str:
    """The expression as one of the values that backslashes part."""
    return rf"(?:^|\\)(?:{expression})(?:$|\\)"


def _expression(match: Single | Wildcard, character: str) -> str:
    """The regular expression of one value; character: what * and ? stand for."""
    if isinstance(match, Single):
        return _literal(match.value)
    return "".join(f"{character}*" if c == "*" else character if c == "?" else _literal(c) for c in match.pattern)


def _literal(text: str) -> str:
    return "".join(c if c.isalnum() or c.isspace() or ord(c) > 127 else f"\\{c}" for c in text)


def _name_expression(match: Single | Wildcard) -> str:
    """The regular expression of a folded name: any group, or group by group with the missing ones empty."""
    wanted = _folded(match.value if isinstance(match, Single) else match.pattern)
    make = Single if isinstance(match, Single) else Wildcard
    character = "[^=\\\\]"
    groups = wanted.split("=")
    if len(groups) == 1:
        return rf"(?:{character}*=)*(?:{_expression(make(wanted), character)})(?:=[^\\]*)?"
    expression = r"(?:=[^\\]*)?"
    empty = True  # whether all that was asked from here on is content with groups that are not there
    for group in reversed(groups):
        asked = _expression(make(group), character) if group else f"{character}*"
        empty = empty and (not group or (isinstance(match, Wildcard) and group.strip("*") == ""))
        expression = f"(?:={asked}{expression}){'?' if empty else ''}"
    return expression.replace("(?:=", "(?:", 1)


def _number(wanted: str, vr: str, text: Column, postgresql: bool) -> ColumnElement[bool]:
    """Numbers are equal by value: 1, 01 and 1.0 are one (PS3.4 C.2.2.2.1)."""
    if not postgresql:
        return func.dicom_matches("single", wanted, vr, text) == 1
    same = or_(text == wanted, _among(text, wanted, True)) if _BACKSLASH not in wanted else false()
    if re.fullmatch(_NUMBER, wanted, re.ASCII) is None:
        return same
    value = func.unnest(func.string_to_array(text, _BACKSLASH)).column_valued("value")
    number = case((value.regexp_match(_NUMBER), cast(value, DOUBLE_PRECISION)), else_=None)
    return or_(same, literal(float(wanted), DOUBLE_PRECISION).in_(select(number).scalar_subquery()))


@lru_cache(maxsize=256)
def _match(kind: str, wanted: str) -> Single | Wildcard:
    return Single(wanted) if kind == "single" else Wildcard(wanted)


def _matches(kind: str, wanted: str, vr: str, text: str) -> int:
    return int(_match(kind, wanted).matches(text, vr))


def prepare(connection: sqlite3.Connection) -> None:
    """Give a SQLite connection the function `dicom_matches(kind, wanted, vr, text)`: the predicate itself."""
    function: Callable[..., Any] = _matches
    connection.create_function("dicom_matches", 4, function, deterministic=True)
