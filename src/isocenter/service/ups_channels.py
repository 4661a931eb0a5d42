"""Subscribers of Unified Procedure Steps that come to us to be told: notification connections (PS3.18 8.10, 11.13).

An event waits as a row until a connection of its subscriber was told it, whichever process holds that connection. The standard
asks for no more than telling the connections that there are; we keep events for who comes back, as long as over DIMSE.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid
from isocenter.domain.events import Event
from isocenter.service.context import Context
from isocenter.settings import AE_TITLE
from isocenter.store import ups_reports as rows
from isocenter.store.ups_reports import Waiting

__all__ = ["Waiting", "begin", "events", "forget", "newest", "told"]

KEPT = timedelta(days=7)  # for whom nobody came
KEPT_TOLD = timedelta(minutes=10)  # for the other connections of a subscriber, which may be those of another process
TOGETHER = 100
REMOVED_AT_ONCE = 1000


def begin(context: Context, principal: Principal, aet: str) -> int:
    """A connection is opened for an AE title; the number after which it is told events. Raises Invalid, Forbidden."""
    access.require(principal, Permission.UPS_READ)
    if not AE_TITLE.fullmatch(aet):
        raise Invalid("an AE title is 1 to 16 printable ASCII characters without a backslash", where="aetitle")
    context.accesses.note(context.database, principal, Event.UPS_WATCHED, aet, {})
    return context.database.read(partial(rows.beginning, aet=aet))


def newest(context: Context, aets: Sequence[str]) -> dict[str, int]:
    """The number of the newest event of each AE title that has one: cheap enough to be asked twice a second."""
    return context.database.read(partial(rows.newest, aets=aets))


def events(context: Context, aet: str, after: int) -> list[Waiting]:
    """An AE title's events after a number, the oldest first, TOGETHER at most."""
    return context.database.read(partial(rows.after, aet=aet, number=after, limit=TOGETHER))


def told(context: Context, numbers: Sequence[int]) -> None:
    """Events were sent: who connects later is not told them again."""
    context.database.write(partial(rows.told, numbers=numbers, at=context.clock()))


def forget(context: Context) -> int:
    """Remove events that were told, or are old news; how many."""
    told_before, created_before = context.clock() - KEPT_TOLD, context.clock() - KEPT
    if not context.database.read(lambda connection: rows.has_old(connection, told_before, created_before)):
        return 0
    return context.database.write(lambda connection: rows.drop(connection, told_before, created_before, REMOVED_AT_ONCE))
