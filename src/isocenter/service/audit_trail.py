"""Who did what to whom: the change log searched by patient, study, account, time and action, as audit events."""

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from sqlalchemy import Connection

from isocenter import __version__
from isocenter.domain import access
from isocenter.domain.access import SYSTEM, Permission, Principal
from isocenter.domain.audit import Archive, Described, Entry, described
from isocenter.domain.errors import Invalid, IsocenterError
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import audit, changes
from isocenter.store.audit import Relay

_log = logging.getLogger(__name__)

MOST_STUDIES = 5000  # of one patient


def began(context: Context, role: str) -> None:
    """A process of this role has begun (PS3.15 A.5.3.1). Raises Busy, Broken, NoSpace."""
    _note_activity(context, Event.APPLICATION_STARTED, role)


def ended(context: Context, role: str) -> None:
    """It ends as it was asked to; one that is killed leaves no such row."""
    try:
        _note_activity(context, Event.APPLICATION_STOPPED, role)
    except IsocenterError as error:
        _log.warning("the end of a role could not be noted", extra={"facts": {"kind": error.kind.value}})


def _note_activity(context: Context, event: Event, role: str) -> None:
    facts = {"role": role, "node": socket.gethostname(), "pid": os.getpid(), "version": __version__}
    context.database.write(lambda connection: changes.append(connection, event, context.settings.aet, SYSTEM.name, facts))


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None: it matters not. kinds: of changes. before: rows with smaller numbers."""

    patient_id: str | None = None
    issuer: str | None = None
    study: str | None = None
    actor: str | None = None
    kinds: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    @property
    def keys(self) -> list[str]:
        """What was asked by, without values: a Patient ID is not to be in the log."""
        return [each.name for each in fields(self) if getattr(self, each.name) and each.name != "before"]


def search(context: Context, principal: Principal, wanted: Search, limit: int) -> list[Described]:
    """The rows that are wanted, newest first, at most `limit`; asking is a row, too. Raises Forbidden."""
    access.require(principal, Permission.CHANGE_READ)
    context.accesses.note(context.database, principal, Event.AUDIT_READ, f"AUDIT?{'&'.join(wanted.keys)}", {"keys": wanted.keys})
    return context.database.read(partial(_found, archive(context), wanted, limit))


def moment(said: str | None, where: str, zone: tzinfo | None, *, end: bool = False) -> datetime | None:
    """A date or a moment as a person writes it. zone: of what names none, None: the local one. end: a date means the day after.

    Raises Invalid.
    """
    if not said:
        return None
    try:
        at = datetime.fromisoformat(said)
        at = at + timedelta(days=1) if end and len(said) <= len("2026-11-23") else at
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("this is no date", where=where, hint="Write 2026-11-23 or 2026-11-23T08:00:00Z.") from None


def archive(context: Context) -> Archive:
    """Who keeps the log."""
    return Archive(context.settings.aet, context.settings.audit_site)


def collector(context: Context) -> Relay | None:
    """How far the collector that the settings name was told; None without one, or before the first time."""
    name = context.settings.audit_syslog
    return None if name is None else context.database.read(partial(audit.relay, collector=str(name)))


def _found(kept_by: Archive, wanted: Search, limit: int, connection: Connection) -> list[Described]:
    studies: tuple[str, ...] | None = (wanted.study,) if wanted.study else None
    if wanted.patient_id:
        of_patient = audit.studies_of(connection, wanted.patient_id, wanted.issuer, MOST_STUDIES)
        studies = tuple(uid for uid in of_patient if not wanted.study or uid == wanted.study)
        if not studies:
            return []
    kinds = None if wanted.kinds is None else tuple(sorted(wanted.kinds))
    rows = changes.Wanted(studies, wanted.actor, kinds, wanted.since, wanted.until)
    return describe(connection, kept_by, changes.search(connection, rows, wanted.before, limit))


def describe(connection: Connection, kept_by: Archive, found: Sequence[changes.Change]) -> list[Described]:
    """Rows of the log as audit events."""
    studies = [changes.study_of(row.kind, row.subject, row.payload) for row in found]
    whose = audit.patients(connection, studies)
    return [
        described(Entry(row.seq, row.at, row.kind, row.subject, row.actor, row.payload, uid, whose.get(uid, {})), kept_by)
        for row, uid in zip(found, studies, strict=True)
    ]
