"""The index of declared attributes, and of how names sound: declared at the start, filled in for what is held, watched.

Filling in is work with leases that survives `kill -9`: what a piece found and how far it came are one transaction.
"""

import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from isocenter.dicom import extra, part10
from isocenter.dicom.attributes import Attribute, Level
from isocenter.dicom.extra import Extras, NotDeclarable
from isocenter.domain.access import Permission, Principal, require
from isocenter.domain.errors import Away, Busy, Invalid, IsocenterError, Missing
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.store import changes, extras, filling, names, rows
from isocenter.store.filling import NAMES, Fill, Object

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)  # a piece takes seconds
_OBJECTS = 64  # read for one transaction
_STUDIES = 500  # whose names are learned in one
_FORGOTTEN = 2000  # values dropped in one


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one is. name: "names" or an attribute; fraction: of what was held when it was declared, 0 to 1."""

    name: str
    vr: str
    level: str
    state: str  # filling | complete | removing
    fraction: float
    looked_at: int
    errors: int
    last_error: str
    declared_at: datetime
    finished_at: datetime | None


def declared(context: Context) -> Extras:
    """The attributes that the settings declare. Raises Invalid that names the one that cannot be meant."""
    try:
        return extra.declared(context.settings.index_attributes)
    except NotDeclarable as error:
        raise Invalid(f"index_attributes: {error}", where="index_attributes", kept="Nothing was changed.") from None


def announce(context: Context) -> None:
    """This node is about to start; to be called before it receives anything. Raises Invalid as `declared`."""
    wanted = {NAMES, *(attribute.keyword for attribute in declared(context).attributes)}
    node = f"{socket.gethostname()}:{context.settings.data.absolute()}"
    context.database.write(lambda connection: filling.announce(connection, wanted, node, context.clock()))


def progress(context: Context, principal: Principal) -> list[Progress]:
    """How far each is, the names first."""
    require(principal, Permission.SYSTEM_READ)
    known = {attribute.keyword: attribute for attribute in declared(context).attributes}
    found = [_told(fill, nodes, known.get(fill.name)) for fill, nodes in context.database.read(filling.pages)]
    return sorted(found, key=lambda each: (each.name != NAMES, each.name))


def _told(fill: Fill, nodes: int, attribute: Attribute | None) -> Progress:
    complete = fill.reached >= fill.through
    state = "removing" if not nodes else "complete" if complete else "filling"
    fraction = 1.0 if complete else fill.reached / fill.through
    vr, level = (attribute.vr, attribute.level.value) if attribute else ("PN" if fill.name == NAMES else "", "")
    return Progress(fill.name, vr, level, state, fraction, fill.looked_at, fill.errors, fill.last_error, fill.declared_at,
                    fill.finished_at)


def again(context: Context, principal: Principal, name: str) -> None:
    """Look at everything that is held once more. Raises Missing."""
    require(principal, Permission.SYSTEM_MANAGE)

    def begin(connection: Connection) -> bool:
        found = filling.again(connection, name)
        if found:
            changes.append(connection, Event.INDEX_FILLED_AGAIN, name, principal.name, {"attribute": name})
        return found

    if not context.database.write(begin):
        raise Missing("no such attribute is declared", where=name, hint="isocenter index lists them.")


def fill(context: Context, stopped: Callable[[], bool]) -> bool:
    """Do the next pieces, for as long as there are some and nobody says stop. False when there was nothing to do."""
    now = context.clock()
    if not context.database.read(partial(filling.is_due, now=now)):
        return False
    if context.database.write(partial(filling.forget, at_most=_FORGOTTEN)):
        return True
    claimed = context.database.write(partial(filling.claim, now=now, lease=LEASE))
    if not claimed:
        return False
    try:
        work = _fill_names if claimed[0].name == NAMES else _fill_attributes
        reached = claimed[0].reached
        while reached < min(each.through for each in claimed) and not stopped():
            reached = work(context, claimed, reached)
    finally:
        context.database.write(partial(filling.release, fills=claimed))
    return True


def _fill_names(context: Context, claimed: Sequence[Fill], reached: int) -> int:
    through = claimed[0].through
    last, studies, keys = context.database.read(lambda c: filling.name_keys(c, reached, through, _STUDIES))

    def learn(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        try:
            names.learn(cursor, rows.mark(connection), keys)
        finally:
            cursor.close()
        filling.advance(connection, claimed, last, context.clock(), LEASE, looked_at=studies)

    context.database.write(learn)
    return last


def _fill_attributes(context: Context, claimed: Sequence[Fill], reached: int) -> int:
    through = min(each.through for each in claimed)
    wanted = {each.name: each for each in claimed}
    attributes = [attribute for attribute in declared(context).attributes if attribute.keyword in wanted]
    found = context.database.read(lambda c: filling.objects(c, reached, through, _OBJECTS))
    last = found[-1].id if found else through
    needed = context.database.read(lambda c: _needed(c, found, attributes, wanted))
    values: list[tuple[Attribute, int, str]] = []
    failed: list[str] = []
    for each in needed:
        try:
            values += [(attribute, each.owners[attribute.level], text) for attribute, text in _read(context, each)
                       if attribute.keyword in wanted]
        except (Away, Busy):
            raise
        except (IsocenterError, part10.Malformed, OSError) as error:
            reason = error.message if isinstance(error, IsocenterError) else type(error).__name__
            failed.append(f"{each.sop_instance_uid}: {reason}")

    def put(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        try:
            for attribute, owner, text in sorted(values, key=lambda value: (value[0].keyword, value[1])):
                extras.put(cursor, rows.mark(connection), attribute, owner, text)
        finally:
            cursor.close()
        filling.advance(connection, claimed, last, context.clock(), LEASE, looked_at=len(found), failed=failed)

    context.database.write(put)
    if failed:
        log.warning("objects could not be read to be indexed", extra={"facts": {"number": len(failed), "last": failed[-1]}})
    return last


def _needed(
    connection: Connection, found: Sequence[Object], attributes: Sequence[Attribute], wanted: dict[str, Fill]
) -> list[Object]:
    """The objects that have to be read: not those of series, studies and patients that have all their values already."""
    missing: set[int] = set()
    for attribute in attributes:
        owners = {each.id: each.owners[attribute.level] for each in found}
        known = set() if attribute.level is Level.INSTANCE else filling.has_value(
            connection, wanted[attribute.keyword], set(owners.values()))
        missing |= {id_ for id_, owner in owners.items() if owner not in known}
    return [each for each in found if each.id in missing]


def _read(context: Context, each: Object) -> extras.Values:
    with context.blobs.open(each.blob_key, each.size) as file:
        return part10.scan(file, extras=declared(context)).extras

