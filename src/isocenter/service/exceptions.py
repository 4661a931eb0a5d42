"""The exceptions list: what came in and needs a person's eye. Seen by those who may, taken off the list by those who resolve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, exceptions
from isocenter.store.open_files import OpenFile

__all__ = ["Kind", "OpenFile", "Page", "dismiss", "open_kept", "page"]

Kind = Literal["quarantined", "version", "patient_conflict", "refused", "commitment", "notification"]


@dataclass(frozen=True, slots=True)
class Page:
    """Some cases, the ones seen last first; `next` continues after them (None: that was all)."""

    cases: list[Mapping[str, Any]]
    next: int | None


def page(
    context: Context, principal: Principal, *, kind: Kind | None, dismissed: bool, limit: int, after: int | None
) -> Page:
    """Open cases (or, with `dismissed`, all of them), newest first."""
    require(principal, Permission.QUARANTINE_READ)
    kinds = (kind,) if kind else ()
    rows = context.database.read(
        lambda connection: exceptions.page(connection, kinds=kinds, dismissed=dismissed, limit=limit + 1, before_id=after)
    )
    cases: list[Mapping[str, Any]] = [dict(row) for row in rows[:limit]]
    return Page(cases, int(cases[-1]["id"]) if len(rows) > limit else None)


def open_kept(context: Context, principal: Principal, case_id: int) -> OpenFile:
    """What was kept of a case, as it came; the caller closes it. The access is a change row.

    Raises Missing when there is none, Busy when it is not here yet.
    """
    require(principal, Permission.QUARANTINE_READ)
    row = context.database.read(lambda connection: exceptions.get(connection, case_id))
    if row is None or not row["blob_key"]:
        raise Missing("nothing was kept of this", where="id")
    subject = row["study_instance_uid"] or row["kind"]
    context.database.write(
        lambda connection: changes.append(connection, Event.EXCEPTION_READ, subject, principal.name, {"exception": case_id})
    )
    return context.blobs.open(row["blob_key"])


def dismiss(context: Context, principal: Principal, case_id: int) -> None:
    """Take a case off the list; what was kept of it stays. Raises Missing when it is not on the list."""
    require(principal, Permission.QUARANTINE_RESOLVE)
    now = context.clock()
    if not context.database.write(lambda connection: exceptions.dismiss(connection, case_id, principal.name, now)):
        raise Missing("this is not on the list", where="id", hint="somebody may have dismissed it already: load the list again")
