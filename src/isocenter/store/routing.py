"""Rows of routing: destinations, rules, and what rules ask about instances. Plain functions over a Connection."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from isocenter.dicom.attributes import Level
from isocenter.domain.delivery import Kind
from isocenter.domain.errors import Conflict
from isocenter.domain.routing import ASKED, NOT_ARRIVED, Arrival, Rule, facts_of, rule_of
from isocenter.store import schema
from isocenter.store.schema import instance, series, study
from isocenter.store.schema_routing import destination, relay, route

_ROUTING = "routing"  # the name of our cursor
_TOGETHER = 500  # UIDs in one statement
_TABLES = {Level.PATIENT: study, Level.STUDY: study, Level.SERIES: series, Level.INSTANCE: instance}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where images may be sent. address: AE title of a known peer, URL of a DICOMweb service, path of a folder.

    username, secret: for DICOMweb; a secret without a name is a bearer token. throttle: bytes a second, 0 none. hours: when it
    may be sent to, "" always.
    """

    id: int
    name: str
    kind: Kind
    address: str
    username: str
    secret: str
    paused: bool
    throttle: int
    hours: str


@dataclass(frozen=True, slots=True)
class Route:
    """A rule as it is kept."""

    id: int
    rule: Rule
    created_at: datetime
    updated_at: datetime


# ---- destinations

# Of a DICOM destination its peer says it: there it is one thing for routing, C-MOVE and whoever else sends to it.
_OF_THE_PEER = ("paused", "throttle")
_COLUMNS = [
    func.coalesce(schema.peer.c[name], destination.c[name]).label(name) if name in _OF_THE_PEER else destination.c[name]
    for name in Destination.__slots__
]
_ITS_PEER = (schema.peer.c.aet == destination.c.address) & (destination.c.kind == Kind.DICOM)
_DESTINATIONS = select(*_COLUMNS).outerjoin(schema.peer, _ITS_PEER).order_by(destination.c.name)


def destinations(connection: Connection) -> list[Destination]:
    """All of them, by name."""
    return [_destination(row) for row in connection.execute(_DESTINATIONS)]


def destination_named(connection: Connection, name: str) -> Destination | None:
    """The destination of a name."""
    row = connection.execute(_DESTINATIONS.where(destination.c.name == name)).one_or_none()
    return _destination(row) if row else None


def add_destination(connection: Connection, at: datetime, **columns: Any) -> None:
    """Add one. Raises Conflict when the name is taken."""
    if destination_named(connection, columns["name"]):
        raise Conflict("there is a destination of this name already", where="name", hint="change or remove that one")
    given = {"paused": False, "throttle": 0, **columns}
    first = {key: value for key, value in given.items() if key not in _OF_THE_PEER} | dict.fromkeys(_OF_THE_PEER, 0)
    connection.execute(insert(destination).values(created_at=at, **first | {"paused": False}))
    change_destination(connection, given["name"], **{key: columns[key] for key in _OF_THE_PEER if key in columns})


def ensure_destination(connection: Connection, name: str, at: datetime) -> bool:
    """A known peer becomes a destination by being named; False when there is neither."""
    if destination_named(connection, name) is None:
        if not is_peer(connection, name):
            return False
        add_destination(connection, at, name=name, kind=Kind.DICOM, address=name)
    return True


def change_destination(connection: Connection, name: str, **columns: Any) -> None:
    """Set columns of one, or of its peer."""
    known = destination_named(connection, name)
    peers = {key: columns.pop(key) for key in _OF_THE_PEER if key in columns and known and known.kind is Kind.DICOM}
    if peers and known:
        connection.execute(update(schema.peer).where(schema.peer.c.aet == known.address).values(**peers))
    if columns:
        connection.execute(update(destination).where(destination.c.name == name).values(**columns))


def drop_destination(connection: Connection, name: str) -> bool:
    """Remove one, and with it its deliveries; False when there is none."""
    return connection.execute(delete(destination).where(destination.c.name == name)).rowcount > 0


def _destination(row: Row[Any]) -> Destination:
    values = row._asdict()
    return Destination(**values | {"kind": Kind(values["kind"]), "paused": bool(values["paused"])})


# ---- rules


def routes(connection: Connection) -> list[Route]:
    """All rules, in the order in which they were made."""
    return [_route(row) for row in connection.execute(select(route).order_by(route.c.id))]


def route_of(connection: Connection, route_id: int) -> Route | None:
    """One rule."""
    row = connection.execute(select(route).where(route.c.id == route_id)).one_or_none()
    return _route(row) if row else None


def route_named(connection: Connection, name: str) -> Route | None:
    """The rule of a name."""
    row = connection.execute(select(route).where(route.c.name == name)).one_or_none()
    return _route(row) if row else None


def add_route(connection: Connection, rule: Rule, at: datetime) -> int:
    """Add a rule; its number. Raises Conflict when the name is taken."""
    _free(connection, rule.name, None)
    values = _as_columns(rule) | {"created_at": at, "updated_at": at}
    return int(connection.execute(insert(route).values(values).returning(route.c.id)).scalar_one())


def change_route(connection: Connection, route_id: int, rule: Rule, at: datetime) -> None:
    """Replace a rule. Raises Conflict when another has the name."""
    _free(connection, rule.name, route_id)
    connection.execute(update(route).where(route.c.id == route_id).values(_as_columns(rule) | {"updated_at": at}))


def drop_route(connection: Connection, route_id: int) -> bool:
    """Remove a rule; what it has begun goes on. False when there is none."""
    return connection.execute(delete(route).where(route.c.id == route_id)).rowcount > 0


def _free(connection: Connection, name: str, route_id: int | None) -> None:
    known = route_named(connection, name)
    if known is not None and known.id != route_id:
        raise Conflict("there is a rule of this name already", where="name")


def _as_columns(rule: Rule) -> dict[str, Any]:
    facts = facts_of(rule)
    return {"name": facts.pop("name"), "enabled": facts.pop("enabled"), "definition": json.dumps(facts)}


def _route(row: Row[Any]) -> Route:
    facts = {"name": row.name, "enabled": row.enabled, **json.loads(row.definition)}
    return Route(row.id, rule_of(facts), row.created_at, row.updated_at)


# ---- what rules ask about instances


def arrivals(connection: Connection, sop_instance_uids: Sequence[str], keywords: Iterable[str]) -> list[Arrival]:
    """What is known of these instances: the served version of each. keywords: what the rules ask for."""
    found: list[Arrival] = []
    wanted = sorted(keywords)
    for start in range(0, len(sop_instance_uids), _TOGETHER):
        some = list(sop_instance_uids[start : start + _TOGETHER])
        statement = _arrivals(wanted).where(instance.c.sop_instance_uid.in_(some), instance.c.source != NOT_ARRIVED)
        found += (_arrival(row, wanted) for row in connection.execute(statement))
    return found


def latest_studies(connection: Connection, last: int) -> list[dict[str, str]]:
    """The studies that came last, newest first, with their id and patient's attributes: column -> text."""
    shown = study.c.number_of_study_related_instances > 0  # not those of which everything was rejected
    newest = select(study).where(shown).order_by(study.c.received_at.desc(), study.c.id.desc()).limit(last)
    return [{name: str(value) for name, value in row.items()} for row in connection.execute(newest).mappings()]


def arrivals_of_study(connection: Connection, study_id: int, keywords: Iterable[str]) -> Iterator[Arrival]:
    """Every served instance of a study, as it came in."""
    wanted = sorted(keywords)
    for row in connection.execute(_arrivals(wanted).where(study.c.id == study_id)):
        yield _arrival(row, wanted)


def _arrivals(keywords: Sequence[str]) -> Select[Any]:
    columns = [_column(keyword).label(f"asked_{number}") for number, keyword in enumerate(keywords)]
    return (
        select(study.c.study_instance_uid, instance.c.sop_instance_uid, instance.c.source_aet, instance.c.called_aet,
               instance.c.received_at, *columns)
        .select_from(instance)
        .join(series, series.c.id == instance.c.series_fk)
        .join(study, study.c.id == series.c.study_fk)
        .where(instance.c.current)
    )  # fmt: skip


def _column(keyword: str) -> ColumnElement[Any]:
    attribute = ASKED[keyword]
    if keyword == "AvailableTransferSyntaxUID":
        return instance.c.transfer_syntax_uid
    return _TABLES[attribute.level].c[attribute.column]


def _arrival(row: Row[Any], keywords: Sequence[str]) -> Arrival:
    values = {keyword: str(row[5 + number]) for number, keyword in enumerate(keywords)}
    return Arrival(row.study_instance_uid, row.sop_instance_uid, row.source_aet.strip(), row.called_aet.strip(),
                   row.received_at.astimezone(), values)  # fmt: skip


# ---- the cursor


def cursor(connection: Connection) -> int:
    """The number of the last change that rules have been asked about."""
    return int(connection.execute(select(relay.c.seq).where(relay.c.name == _ROUTING)).scalar_one())


def advance(connection: Connection, seen: int, to: int) -> bool:
    """Move the cursor from `seen` on; False when another worker was quicker."""
    moved = update(relay).where(relay.c.name == _ROUTING, relay.c.seq == seen).values(seq=to)
    return connection.execute(moved).rowcount == 1


def titles(connection: Connection) -> dict[str, str]:
    """Destination -> the AE title it has, "" when it is none of DICOM."""
    return {each.name: each.address if each.kind is Kind.DICOM else "" for each in destinations(connection)}


def is_peer(connection: Connection, aet: str) -> bool:
    """Whether an AE title is that of a known peer."""
    return connection.execute(select(schema.peer.c.id).where(schema.peer.c.aet == aet)).first() is not None


def peers(connection: Connection) -> list[str]:
    """The AE titles of the known peers."""
    return list(connection.execute(select(schema.peer.c.aet).order_by(schema.peer.c.aet)).scalars())
