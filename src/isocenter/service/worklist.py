"""The study list: what a person types becomes filters, the role's scope is added, one page comes back."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from isocenter.dicom import extra
from isocenter.dicom.attributes import BY_KEYWORD
from isocenter.dicom.match import Range, Single, spellings
from isocenter.dicom.query import InvalidKey, parse_match
from isocenter.domain.access import Permission, Principal, require, scope
from isocenter.domain.errors import Invalid, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import worklist
from isocenter.store.worklist import SORTS, AnyOf, Begins, Dates, Declared, Detail, Filter, Modalities, Order

__all__ = ["PREFIXES", "SORT_KEYS", "Detail", "List", "detail", "find"]

SORT_KEYS = tuple(SORTS)
# Columns that are searched by what their values begin with.
PREFIXES = ("PatientName", "PatientID", "AccessionNumber", "StudyDescription", "ReferringPhysicianName", "InstitutionName")
MOST_MODALITIES = 32
# A name typed as words may be split into family and given name after any of them; more words are no name.
MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class List:
    """A page: rows keyword -> value, a cursor for the next one, how many there are in all."""

    studies: list[Mapping[str, Any]]
    next: str | None
    total: int
    total_is_estimate: bool
    latest_change: int


def find(
    context: Context, principal: Principal, search: Mapping[str, str], *, sort: str, limit: int, offset: int, cursor: str
) -> List:
    """One page of the studies that the principal may see.

    search: `q` (name, ID or accession number begins with it), any of PREFIXES, StudyDate (DA or a range), ModalitiesInStudy
    (comma list, any of them), declared (NAME=VALUE of a declared attribute: begins with it).
    sort: one of SORT_KEYS, "-" before it for descending. Raises Invalid.
    """
    require(principal, Permission.STUDY_QUERY)
    order = Order(sort.removeprefix("-"), sort.startswith("-"))
    if order.keyword not in SORTS:
        raise Invalid(f"it must be one of {', '.join(SORTS)}", where="sort")
    filters = _filters(search)
    if search.get("declared"):
        filters.append(_declared(context, search["declared"]))
    after = _continue(cursor, order) if cursor else None
    keys = sorted(keyword for keyword, text in search.items() if text)
    context.accesses.note(context.database, principal, Event.STUDY_SEARCHED, f"STUDY?{'&'.join(keys)}", {"keys": keys})
    seen = scope(principal, Permission.STUDY_QUERY)
    page = context.database.read(
        lambda connection: worklist.page(
            connection, filters, seen, order, limit=limit, offset=0 if after else offset, after=after
        )
    )
    following = _cursor(order, page.last) if page.last is not None else None
    # How much happens in the archive is no business of who comes by a link, and its feed is not open to them.
    latest = 0 if principal.kind == "link" else page.latest_change
    return List(page.rows, following, page.total, page.is_estimate, latest)


def detail(context: Context, principal: Principal, study_uid: str) -> Detail:
    """A study, its series and the patient's other studies. Raises Missing, also for a study outside of the principal's scope."""
    require(principal, Permission.STUDY_QUERY)
    seen = scope(principal, Permission.STUDY_QUERY)
    found = context.database.read(lambda connection: worklist.detail(connection, seen, study_uid))
    if found is None:
        raise Missing("there is no such study", where="StudyInstanceUID")
    context.accesses.note(context.database, principal, Event.STUDY_READ, study_uid, {"study": study_uid})
    return found


def _filters(search: Mapping[str, str]) -> list[Filter]:
    filters: list[Filter] = []
    for keyword in PREFIXES:
        begins = _begins(keyword, search.get(keyword, ""))
        if begins:
            filters.append(begins)
    if search.get("q", "").strip(" *"):
        each = (_begins(keyword, search["q"]) for keyword in ("PatientName", "PatientID", "AccessionNumber"))
        filters.append(AnyOf(tuple(begins for begins in each if begins)))
    if search.get("StudyDate"):
        filters += _dates(search["StudyDate"])
    names = [name.strip().upper() for name in search.get("ModalitiesInStudy", "").replace("\\", ",").split(",")]
    if any(names):
        if len(names) > MOST_MODALITIES:
            raise Invalid(f"at most {MOST_MODALITIES} modalities", where="ModalitiesInStudy")
        filters.append(Modalities(tuple(sorted({name for name in names if name}))))
    return filters


def _declared(context: Context, text: str) -> Declared:
    """NAME=VALUE of an attribute that the settings declare."""
    name, _, value = text.partition("=")
    known = {attribute.keyword.lower(): attribute for attribute in extra.declared(context.settings.index_attributes).attributes}
    attribute = known.get(name.strip().lower())
    value = value.strip().rstrip("*").strip()
    if attribute is None or not value:
        hint = f"Declared are: {', '.join(each.keyword for each in known.values()) or 'none (index_attributes)'}."
        raise Invalid("write NAME=VALUE, with the name of a declared attribute", where="declared", hint=hint)
    return Declared(attribute, tuple(spellings(f"{value}*")) if attribute.vr == "PN" else _typed(value))


def _begins(keyword: str, text: str) -> Begins | None:
    text = text.strip().rstrip("*").strip()
    if not text:
        return None
    if BY_KEYWORD[keyword].vr == "PN":
        ways = (way for name in _names(text) for way in spellings(f"{name}*"))
        return Begins(keyword, tuple(dict.fromkeys(ways)))
    return Begins(keyword, _typed(text))


def _typed(text: str) -> tuple[str, ...]:
    """What people may mean: texts are compared byte by byte, and nobody types capitals."""
    return tuple(dict.fromkeys((text, text.upper(), text.lower(), text.capitalize(), text.title())))


def _names(text: str) -> tuple[str, ...]:
    """Beginnings of a PN: "de boer, jan" and "de boer jan" both find De Boer^Jan."""
    if "^" in text:
        return (text,)
    family, comma, given = text.partition(",")
    if comma:
        return (f"{family.strip()}^{given.strip()}".rstrip("^"),)
    words = text.split()[:MOST_WORDS]
    splits = (" ".join(words[:at]) + "^" + " ".join(words[at:]) for at in range(1, len(words)))
    return (" ".join(words), *splits)


def _dates(text: str) -> list[Filter]:
    try:
        match = parse_match(BY_KEYWORD["StudyDate"], text)
    except InvalidKey:
        raise Invalid("it must be a date YYYYMMDD or a range YYYYMMDD-YYYYMMDD, open at either end", where="StudyDate") from None
    if isinstance(match, Single):
        return [Dates(match.value, match.value)]
    return [Dates(match.low, match.high)] if isinstance(match, Range) else []


def _cursor(order: Order, last: tuple[Any, ...]) -> str:
    """Where a page ends; it is made of the row's values, so that rows that come and go do not shift what follows."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in last]
    return base64.urlsafe_b64encode(orjson.dumps([order.keyword, order.descending, *values])).decode().rstrip("=")


def _continue(cursor: str, order: Order) -> tuple[Any, ...]:
    try:
        keyword, descending, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        typed = tuple(
            datetime.fromisoformat(value) if kind is datetime else _exactly(value, kind)
            for value, kind in zip(values, worklist.kinds(order.keyword), strict=True)
        )
        if (keyword, descending) != (order.keyword, order.descending):
            raise ValueError("made for another order")
    except (ValueError, TypeError, KeyError, binascii.Error, orjson.JSONDecodeError):
        raise Invalid("it does not continue this list", where="cursor", hint="ask for the first page again") from None
    return typed


def _exactly(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(kind.__name__)
    return value
