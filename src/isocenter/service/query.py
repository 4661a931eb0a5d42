"""Searching: who may search, and only among what they may see. C-FIND and QIDO-RS both end here."""

from collections.abc import Callable
from typing import Any, TypeVar

from isocenter.dicom.attributes import Level
from isocenter.dicom.match import Universal
from isocenter.dicom.query import Query
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Broken
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import finding, imaging, series_documents

Row = dict[str, str]
T = TypeVar("T")


def find(context: Context, principal: Principal, query: Query) -> list[Row]:
    """The rows that match and that the principal may see: keyword -> text, multiple values joined by backslashes.

    Raises Forbidden, Busy, Broken.
    """
    scope = _opened(context, principal, query)
    return context.database.read(lambda connection: finding.find(connection, query, scope))


def gather(context: Context, principal: Principal, query: Query, form: Callable[[Row], T]) -> list[T]:
    """As `find`, for answers of many rows: each becomes what `form` makes of it before the next one is read."""
    scope = _opened(context, principal, query)
    return context.database.read(lambda connection: [form(row) for row in finding.rows(connection, query, scope)])


def described(context: Context, row: Row, level: Level, base: str) -> dict[str, Any]:
    """What the stored object of a row that was found says of itself, as DICOM JSON (PS3.18 F.2): of a study or series the object
    that came first. Empty when it cannot be read: the index still knows what it knows."""
    study, series = row["StudyInstanceUID"], row.get("SeriesInstanceUID") if level is not Level.STUDY else None
    sop = row.get("SOPInstanceUID") if level is Level.INSTANCE else None
    located = context.database.read(lambda connection: imaging.representative(connection, study, series, sop))
    try:
        return {} if located is None else series_documents.instance_json(context.blobs, located, base)
    except Broken:
        return {}


def estimate(context: Context, principal: Principal, query: Query) -> tuple[int, bool]:
    """How many rows match in all, and whether that is an estimate; quick for any number.

    Raises Forbidden, Busy, Broken.
    """
    scope = _scope(principal)
    return context.database.read(lambda connection: finding.estimate(connection, query, scope))


def _opened(context: Context, principal: Principal, query: Query) -> access.Scope:
    """The scope, after a row says who searched by which keys (not for what: the log holds no patient data)."""
    scope = _scope(principal)
    keys = [attribute.keyword for attribute, match in query.matches if match != Universal()]
    subject = f"{query.level.value}?{'&'.join(keys)}"
    context.accesses.note(context.database, principal, Event.STUDY_SEARCHED, subject, {"keys": keys})
    return scope


def _scope(principal: Principal) -> access.Scope:
    """What the caller may find: the index never returns a row of anything else."""
    access.require(principal, Permission.STUDY_QUERY)
    return access.scope(principal, Permission.STUDY_QUERY)
