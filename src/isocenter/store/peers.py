"""Rows of the DICOM application entities we know. Plain functions over a Connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from isocenter.domain.errors import Conflict
from isocenter.domain.retrieval import AskedWhen
from isocenter.store import schema


@dataclass(frozen=True, slots=True)
class Peer:
    """A DICOM application entity we know.

    allowed_ips: networks it may call from, e.g. 10.1.0.0/16; none: its own address. max_associations: at once; 0: as the setting
    max_associations_per_peer has it. preferred_syntaxes: UIDs, the dearest first, of what it is asked to send.
    tls: it is called over TLS. services: names of `DimseService` it may use; none: all. character_set: Specific Character Set
    of what it writes without saying so, its terms joined by backslashes. throttle: bytes a second it is sent at most; 0: no
    limit. parallel: associations opened at once to send to it, 1 to 8. paused: nothing is sent to it by itself.
    asks_commitment: after something was sent to it, it is asked whether it keeps that (storage commitment).
    notify_availability: it is told what has become available (instance availability notification).
    issuer: Issuer of Patient ID of what it sends without one; "" for none.
    archive: whether it is one that people search here, or that is asked for what is not here.
    associations, instances: how many there have been since it was added.
    """

    aet: str
    host: str
    port: int
    description: str
    allowed_ips: tuple[str, ...]
    max_associations: int
    preferred_syntaxes: tuple[str, ...]
    tls: bool
    services: frozenset[str]
    character_set: str
    issuer: str
    throttle: int
    parallel: int
    paused: bool
    asks_commitment: bool
    notify_availability: bool
    archive: AskedWhen
    created_at: datetime
    last_seen_at: datetime | None
    associations: int
    instances: int


_COLUMNS = [schema.peer.c[name] for name in Peer.__slots__]
_LISTS = {"allowed_ips": tuple, "preferred_syntaxes": tuple, "services": frozenset}  # a column holds the words, a space between


def peers(connection: Connection) -> list[Peer]:
    """Every known peer, by AE title."""
    return [_peer(row) for row in connection.execute(select(*_COLUMNS).order_by(schema.peer.c.aet))]


def peer(connection: Connection, aet: str) -> Peer | None:
    """The peer of an AE title."""
    row = connection.execute(select(*_COLUMNS).where(schema.peer.c.aet == aet)).one_or_none()
    return _peer(row) if row else None


def issuer_of(connection: Connection, aet: str) -> str:
    """Issuer of the Patient IDs that come from an AE title without one; "" for none."""
    return connection.execute(select(schema.peer.c.issuer).where(schema.peer.c.aet == aet.strip())).scalar() or ""


def add_peer(connection: Connection, aet: str, at: datetime, **columns: Any) -> None:
    """Add a peer; columns: of what is known about it. Raises Conflict when the AE title is known."""
    if peer(connection, aet):
        raise Conflict("there is a peer of this AE title already", where="aet", hint="change or remove that one")
    connection.execute(insert(schema.peer).values(aet=aet, created_at=at, **_as_columns(columns)))


def change_peer(connection: Connection, aet: str, **columns: Any) -> bool:
    """Set columns of a peer; False when there is none."""
    statement = update(schema.peer).where(schema.peer.c.aet == aet)
    return connection.execute(statement.values(_as_columns(columns))).rowcount > 0


def drop_peer(connection: Connection, aet: str) -> bool:
    """Remove a peer; False when there is none."""
    return connection.execute(delete(schema.peer).where(schema.peer.c.aet == aet)).rowcount > 0


def count(connection: Connection, aet: str, *, seen_at: datetime, associations: int, instances: int) -> None:
    """Add to a peer's counters, which several processes do at once; nothing when it has been removed."""
    table = schema.peer
    values = {
        "last_seen_at": seen_at,
        "associations": table.c.associations + associations,
        "instances": table.c.instances + instances,
    }
    connection.execute(update(table).where(table.c.aet == aet).values(values))


def _peer(row: Row[Any]) -> Peer:
    values: dict[str, Any] = row._asdict()
    for name, kind in _LISTS.items():
        values[name] = kind(values[name].split())
    return Peer(**values | {"archive": AskedWhen(values["archive"])})


def _as_columns(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _joined(value) if name in _LISTS else value for name, value in values.items()}


def _joined(words: Iterable[str]) -> str:
    return " ".join(words)
