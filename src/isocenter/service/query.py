"""Searching: who may search, and only among what they may see. C-FIND and QIDO-RS both end here."""

from dataclasses import replace

from isocenter.dicom.query import Query
from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.service.context import Context
from isocenter.store import finding

Row = dict[str, str]


def find(context: Context, principal: Principal, query: Query) -> list[Row]:
    """The rows that match and that the principal may see: keyword -> text, multiple values joined by backslashes.

    Raises Forbidden, Busy, Broken.
    """
    scoped = _scoped(principal, query)
    return context.database.read(lambda connection: list(finding.find(connection, scoped)))


def count(context: Context, principal: Principal, query: Query) -> int:
    """How many rows match in all, whatever the query's limit and offset. Raises Forbidden, Busy, Broken."""
    scoped = replace(_scoped(principal, query), limit=None, offset=0)
    return context.database.read(lambda connection: finding.count(connection, scoped))


def _scoped(principal: Principal, query: Query) -> Query:
    """The access scope as more keys of the query: the index never returns a row that the caller may not see."""
    access.require(principal, Permission.STUDY_QUERY)
    return replace(query, matches=(*query.matches, *access.scope(principal).as_matches()))
