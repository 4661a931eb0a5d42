"""Where images may be sent: known peers, DICOMweb services, folders; and which of them are held back just now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from isocenter.domain import access
from isocenter.domain.access import Permission, Principal
from isocenter.domain.delivery import Kind, State
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.routing import NAME, Hours, InvalidRule
from isocenter.service.context import Context
from isocenter.store import changes, delivery_pages
from isocenter.store import routing as rows
from isocenter.store.routing import Destination

__all__ = ["Destination", "Kind", "Listed"]

LONGEST_TEXT = 256
FASTEST = 1 << 30  # bytes a second


@dataclass(frozen=True, slots=True)
class Listed:
    """A destination and its deliveries: how many wait, were given up, have arrived.

    id 0: a known peer that nothing was sent to yet.
    """

    destination: Destination
    waiting: int
    failed: int
    sent: int


def destinations(context: Context, principal: Principal) -> list[Listed]:
    """Where images may be sent: the destinations, and every known peer."""
    access.require(principal, Permission.DELIVERY_MANAGE)

    def read(connection: Connection) -> list[Listed]:
        counts = delivery_pages.counts(connection, access.scope(principal, Permission.DELIVERY_MANAGE))
        known = {each.name: each for each in rows.destinations(connection)}
        taken = {each.address for each in known.values() if each.kind is Kind.DICOM}
        for aet in rows.peers(connection):
            if aet not in taken:
                known.setdefault(aet, Destination(0, aet, Kind.DICOM, aet, "", "", False, 0, ""))
        return [_listed(each, counts.get(each.name, {})) for _, each in sorted(known.items())]

    return context.database.read(read)


def named(context: Context, principal: Principal, name: str) -> Listed:
    """One of `destinations`. Raises Missing."""
    found = next((each for each in destinations(context, principal) if each.destination.name == name), None)
    if found is None:
        raise _missing()
    return found


def _listed(destination: Destination, counts: Mapping[State, int]) -> Listed:
    waiting = sum(counts.get(state, 0) for state in (State.WAITING, State.QUEUED, State.SENDING))
    return Listed(destination, waiting, counts.get(State.FAILED, 0), counts.get(State.SENT, 0))


def add_destination(context: Context, principal: Principal, *, name: str, kind: str, address: str, **facts: Any) -> Destination:
    """Make a destination known. facts: username, secret, paused, throttle, hours. Raises Invalid, Conflict."""
    access.require(principal, Permission.ROUTE_MANAGE)
    if not NAME.fullmatch(name):
        raise Invalid("a name has 1 to 64 characters, no slash, and no space at its ends", where="name")

    def write(connection: Connection) -> Destination:
        columns = _checked(context, connection, Kind(kind), {"address": address, **facts})
        rows.add_destination(connection, context.clock(), name=name, kind=kind, **columns)
        changes.append(connection, Event.DESTINATION_CREATED, name, principal.name, {"kind": kind})
        return _destination(connection, name)

    return context.database.write(write)


def change_destination(context: Context, principal: Principal, name: str, **facts: Any) -> Destination:
    """Change what is given: address and the facts of `add_destination`. Raises Invalid, Missing."""
    access.require(principal, Permission.ROUTE_MANAGE)

    def write(connection: Connection) -> Destination:
        rows.ensure_destination(connection, name, context.clock())
        known = _destination(connection, name)
        rows.change_destination(connection, name, **_checked(context, connection, known.kind, facts))
        changes.append(connection, Event.DESTINATION_UPDATED, name, principal.name, {"changed": sorted(facts)})
        return _destination(connection, name)

    return context.database.write(write)


def remove_destination(context: Context, principal: Principal, name: str) -> None:
    """Forget a destination and the deliveries to it. Raises Missing, Conflict when a rule still names it."""
    access.require(principal, Permission.ROUTE_MANAGE)

    def write(connection: Connection) -> None:
        using = [each.rule.name for each in rows.routes(connection) if name in each.rule.destinations]
        if using:
            raise Conflict(f"a rule sends to it: {using[0]}", where="name", hint="Change or remove the rule first.")
        if not rows.drop_destination(connection, name):
            raise _missing()
        changes.append(connection, Event.DESTINATION_REMOVED, name, principal.name)

    context.database.write(write)


def _checked(context: Context, connection: Connection, kind: Kind, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as the index keeps them. Raises Invalid, naming the first that cannot be."""
    columns = dict(facts)
    if "address" in columns:
        columns["address"] = _address(context, connection, kind, columns["address"])
    if not 0 <= columns.get("throttle", 0) <= FASTEST:
        raise Invalid("it is a number of bytes a second, 0 for none", where="throttle")
    for field in ("username", "secret"):
        if len(columns.get(field, "")) > LONGEST_TEXT or not columns.get(field, "").isprintable():
            raise Invalid(f"it has {LONGEST_TEXT} printable characters at most", where=field)
        if columns.get(field) and kind is not Kind.DICOMWEB:
            raise Invalid("only a DICOMweb service asks for it", where=field)
    try:
        columns["hours"] = Hours(columns.get("hours", "")).text
    except InvalidRule as error:
        raise Invalid(str(error), where=error.where) from None
    return {name: value for name, value in columns.items() if name in facts}


def _address(context: Context, connection: Connection, kind: Kind, address: str) -> str:
    if kind is Kind.DICOM:
        if not rows.is_peer(connection, address.strip()):
            raise Invalid("there is no such peer", where="address", hint="isocenter peer add AET HOST PORT")
        return address.strip()
    if kind is Kind.DICOMWEB:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise Invalid("write the address of a DICOMweb service, such as https://host/dicom-web, without a password in it",
                          where="address")  # fmt: skip
        return address.rstrip("/")
    inside = str(context.settings.blob_folder), str(context.settings.data.absolute())
    if not address.startswith("/") or "\0" in address or len(address) > 1024:
        raise Invalid("a folder is a path that begins with a slash", where="address")
    if any(address.rstrip("/") == each or address.startswith(each + "/") for each in inside):
        raise Invalid("the folder is inside the archive's own", where="address", hint="Choose a folder outside of it.")
    return address.rstrip("/") or "/"


def _destination(connection: Connection, name: str) -> Destination:
    found = rows.destination_named(connection, name)
    if found is None:
        raise _missing()
    return found


def _missing() -> Missing:
    return Missing("there is no such destination", where="name", hint="isocenter destination list shows those that are known")
