"""Reports of what was removed: kept with whatever leaves by de-identification, and read again."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.deidentification_report import Done, Summary
from isocenter.domain.errors import Missing
from isocenter.service.context import Context
from isocenter.store import deid_reports as rows
from isocenter.store.deid_reports import Report

__all__ = ["Report", "delivered", "get", "keep", "page"]


def keep(context: Context, principal: Principal, summary: Summary, studies: Sequence[str], form: str, *, whole: bool) -> int:
    """Keep the report of what has left; its number. studies: as they are here. whole: nobody broke it off."""
    def write(connection: Connection) -> int:
        told = dict.fromkeys(studies)
        return rows.keep(connection, summary, told, form=form, actor=principal.name, at=context.clock(), whole=whole)

    return context.database.write(write)


def delivered(context: Context, summary: Summary, study: str, delivery: int,
              destination: str) -> Callable[[Connection, Sequence[Done]], None]:
    """Begin the report of a delivery, or go on with it; returns what counts arrived objects into it."""
    def write(connection: Connection) -> int:
        return rows.begin(connection, summary, study, delivery, destination, context.clock())

    number = context.database.write(write)
    return lambda connection, done: rows.add(connection, number, done)


def page(context: Context, principal: Principal, *, project: str | None = None, study: str | None = None,
         delivery: int | None = None, before: int | None = None, limit: int = 100) -> list[Report]:
    """Reports, the newest first; of studies that the principal may not see, none. Raises Forbidden."""
    access.require(principal, Permission.STUDY_EXPORT)
    scope = access.scope(principal, Permission.STUDY_EXPORT)
    return context.database.read(lambda connection: rows.page(connection, scope, project=project, study=study, delivery=delivery,
                                                              before=before, limit=limit))  # fmt: skip


def get(context: Context, principal: Principal, number: int) -> tuple[Report, Sequence[str]]:
    """A report, and the studies that it is of. Raises Missing, Forbidden."""
    access.require(principal, Permission.STUDY_EXPORT)
    scope = access.scope(principal, Permission.STUDY_EXPORT)
    found = context.database.read(lambda connection: rows.get(connection, scope, number))
    if found is None:
        raise Missing("there is no such report", where="id", hint="`isocenter project reports` lists them.")
    return found
