"""The DICOM peers that are known: administered, let in or not, counted, and asked whether they are there."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from isocenter.dicom import charset, uid
from isocenter.domain import access, addresses
from isocenter.domain.access import Permission, Principal, Role, by_role
from isocenter.domain.dimse_services import DimseService
from isocenter.domain.errors import Invalid, Missing, Unauthenticated
from isocenter.domain.events import Event
from isocenter.domain.retrieval import AskedWhen
from isocenter.domain.verification import Verified
from isocenter.service.context import Context
from isocenter.store import changes
from isocenter.store import peers as rows
from isocenter.store.peers import Peer

__all__ = ["AE_TITLE", "Caller", "Peer", "add", "change", "count", "echo", "get", "let_in", "peers", "remove"]

# PS3.5 6.2, VR AE: 16 characters of the default repertoire, no backslash, no control characters; not only spaces.
AE_TITLE = re.compile(r"(?=.*[^ ])[\x20-\x5b\x5d-\x7e]{1,16}")
LONGEST_TEXT = 256
LONGEST_LIST = 64
LONGEST_ISSUER = 64  # PS3.5 6.2, VR LO
MOST_ASSOCIATIONS = 10_000
MOST_PARALLEL = 8
MOST_THROTTLE = 2**31 - 1  # bytes a second; above that there is nothing to slow down


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has called: the principal, and what is known about the peer (None: unknown, but let in)."""

    principal: Principal
    peer: Peer | None


def peers(context: Context, principal: Principal) -> list[Peer]:
    """Every known DICOM peer, by AE title."""
    access.require(principal, Permission.PEER_MANAGE)
    return context.database.read(rows.peers)


def get(context: Context, aet: str) -> Peer:
    """The known peer of an AE title, for what is sent to it. Raises Missing."""
    return _found(context.database.read(lambda connection: rows.peer(connection, aet.strip())))


def add(context: Context, principal: Principal, *, aet: str, host: str, port: int, **facts: Any) -> Peer:
    """Make a DICOM peer known. Raises Invalid, Conflict.

    facts: what `Peer` has beside, such as description, allowed_ips, services, tls.
    """
    access.require(principal, Permission.PEER_MANAGE)
    if not AE_TITLE.fullmatch(aet):
        raise Invalid("an AE title is 1 to 16 printable ASCII characters without a backslash", where="aet")
    aet, now, columns = aet.strip(), context.clock(), _checked({"host": host, "port": port, **facts})

    def write(connection: Connection) -> Peer:
        rows.add_peer(connection, aet, now, **columns)
        changes.append(connection, Event.PEER_CREATED, aet, principal.name, {"host": host, "port": port})
        return _found(rows.peer(connection, aet))

    return context.database.write(write)


def change(context: Context, principal: Principal, aet: str, **facts: Any) -> Peer:
    """Change what is given of a peer: host, port and the facts of `add`. Raises Invalid, Missing."""
    access.require(principal, Permission.PEER_MANAGE)
    aet, columns = aet.strip(), _checked(facts)

    def write(connection: Connection) -> Peer:
        if columns:
            rows.change_peer(connection, aet, **columns)
        changed = _found(rows.peer(connection, aet))
        changes.append(connection, Event.PEER_UPDATED, aet, principal.name, {"changed": sorted(columns)})
        return changed

    return context.database.write(write)


def remove(context: Context, principal: Principal, aet: str) -> None:
    """Forget a DICOM peer. Raises Missing."""
    access.require(principal, Permission.PEER_MANAGE)

    def write(connection: Connection) -> None:
        if not rows.drop_peer(connection, aet.strip()):
            raise _missing()
        changes.append(connection, Event.PEER_REMOVED, aet.strip(), principal.name)

    context.database.write(write)


def echo(context: Context, principal: Principal, aet: str) -> Verified:
    """Ask a known peer whether it is there (C-ECHO); waits for it, seconds at most. Raises Missing."""
    access.require(principal, Permission.PEER_MANAGE)
    peer = get(context, aet)
    return context.verify(peer.host, peer.port, context.settings.aet, peer.aet, peer.tls)


def let_in(context: Context, calling_aet: str, address: str) -> Caller:
    """Who calls from a DICOM device. Raises Unauthenticated when only known peers may come and it is none, or sits elsewhere.

    An AE title is no secret, so a peer must also call from its networks, or else from the address it was added with.
    """
    caller = Caller(
        by_role(calling_aet, Role.SERVICE, "peer", "dicom", address),
        context.database.read(lambda connection: rows.peer(connection, calling_aet.strip())),
    )
    peer, settings = caller.peer, context.settings
    # Who comes from another machine has come to the port for TLS, when the other one is on loopback.
    anybody = settings.unknown_aets_accepted and (addresses.is_loopback(address) or not settings.dicom_tls_known_only)
    if peer is None:
        if anybody:
            return caller
        raise Unauthenticated("the calling AE title is no known peer", where=calling_aet, hint="isocenter peer add AET HOST PORT")
    # Without networks, a name as host says nothing about where it calls from: names are not looked up.
    usual = (peer.host,) if addresses.is_address(peer.host) and not anybody else ()
    networks = peer.allowed_ips or usual
    if networks and not addresses.inside(address, networks):
        hint = "isocenter peer change AET --allow NETWORK"
        raise Unauthenticated("the calling AE title is known at another address", where=calling_aet, hint=hint)
    return caller


def count(context: Context, seen: Mapping[str, tuple[datetime, int, int]]) -> None:
    """Add to the counters of peers. seen: AE title -> (last seen, associations, instances) since the last call."""

    def write(connection: Connection) -> None:
        for aet in sorted(seen):  # one order of locks for all processes
            seen_at, associations, instances = seen[aet]
            rows.count(connection, aet, seen_at=seen_at, associations=associations, instances=instances)

    context.database.write(write)


def _checked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as the index keeps them. Raises Invalid, naming the first that cannot be."""
    columns = dict(facts)
    host, port = columns.get("host", "localhost"), columns.get("port", 104)
    if not host or len(host) > 253 or any(character.isspace() for character in host):
        raise Invalid("the host is a name or an address", where="host")
    if not 1 <= port <= 65535:
        raise Invalid("a port is a number from 1 to 65535", where="port")
    if len(columns.get("description", "")) > LONGEST_TEXT:
        raise Invalid(f"it is longer than {LONGEST_TEXT} characters", where="description")
    if not 0 <= columns.get("max_associations", 0) <= MOST_ASSOCIATIONS:
        raise Invalid(f"it is a number from 0 (as the settings have it) to {MOST_ASSOCIATIONS}", where="max_associations")
    if not 0 <= columns.get("throttle", 0) <= MOST_THROTTLE:
        raise Invalid(f"it is a number of bytes a second from 0 (no limit) to {MOST_THROTTLE}", where="throttle")
    if len(columns.get("issuer", "")) > LONGEST_ISSUER or "\\" in columns.get("issuer", ""):
        raise Invalid(f"an issuer of Patient IDs has at most {LONGEST_ISSUER} characters, and no backslash", where="issuer")
    if not 1 <= columns.get("parallel", 1) <= MOST_PARALLEL:
        raise Invalid(f"it is a number from 1 to {MOST_PARALLEL}", where="parallel")
    if columns.get("archive", "") not in set(AskedWhen):
        raise Invalid("an archive is asked by people (search), or also for what is not here (fetch)", where="archive")
    return columns | _checked_lists(columns)


def _checked_lists(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if "allowed_ips" in facts:
        columns["allowed_ips"] = _networks(facts["allowed_ips"])
    if "preferred_syntaxes" in facts:
        columns["preferred_syntaxes"] = _syntaxes(facts["preferred_syntaxes"])
    if "services" in facts:
        columns["services"] = _services(facts["services"])
    if "character_set" in facts:
        columns["character_set"] = _character_set(facts["character_set"])
    return columns


def _networks(texts: Iterable[str]) -> tuple[str, ...]:
    try:
        return _few(map(addresses.network, texts), "allowed_ips")
    except ValueError:
        raise Invalid("it is no address and no network such as 10.1.0.0/16", where="allowed_ips") from None


def _syntaxes(uids: Iterable[str]) -> tuple[str, ...]:
    checked = _few(uids, "preferred_syntaxes")
    if not all(map(uid.is_valid, checked)):
        raise Invalid("a transfer syntax is a UID such as 1.2.840.10008.1.2.4.90", where="preferred_syntaxes")
    return checked


def _services(names: Iterable[str]) -> tuple[str, ...]:
    checked = sorted(_few(names, "services"))
    if not set(checked) <= set(DimseService):
        raise Invalid(f"a service is one of {', '.join(DimseService)}", where="services")
    return tuple(checked)


def _character_set(terms: str) -> str:
    """PS3.3 C.12.1.1.2: defined terms as (0008,0005) has them."""
    checked = "\\".join(term.strip() for term in terms.upper().split("\\"))
    if len(checked) > LONGEST_TEXT or not charset.repertoire(checked).known:
        raise Invalid("a character set is a value of Specific Character Set such as ISO_IR 100", where="character_set")
    return checked


def _few(words: Iterable[str], where: str) -> tuple[str, ...]:
    few = tuple(dict.fromkeys(words))
    if len(few) > LONGEST_LIST:
        raise Invalid(f"there are more than {LONGEST_LIST}", where=where)
    return few


def _missing() -> Missing:
    return Missing("there is no such peer", where="aet", hint="isocenter peer list shows those that are known")


def _found(peer: Peer | None) -> Peer:
    if peer is None:
        raise _missing()
    return peer
