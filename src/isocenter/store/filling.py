"""What is still to be filled in for studies and instances stored before it was indexed: rows of `index_fill`, with leases.

    announce   a node that starts says what it fills in for what it receives         pages   how far each is
    claim      work that nobody else does: those that have come equally far           advance, release   it goes on, it stops
    forget     what no node declares any more goes, in pieces

Ids only grow. Whatever a node received before it announced an attribute has an id below `through`; what it receives after, it
fills in itself. So everything up to `through` has to be looked at once, whichever nodes were restarted when.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from isocenter.dicom.attributes import Level
from isocenter.store import leases
from isocenter.store.schema import instance, patient, series, study
from isocenter.store.schema_index import extra_value, index_fill, index_node

NAMES = "names"  # the dictionary of `store.names`; no attribute is called so


@dataclass(frozen=True, slots=True)
class Fill:
    """One row. reached and through are ids: of studies for NAMES, of instances for attributes."""

    id: int
    name: str
    reached: int
    through: int
    looked_at: int
    errors: int
    last_error: str
    declared_at: datetime
    finished_at: datetime | None


_COLUMNS = (index_fill.c.id, index_fill.c.name, index_fill.c.reached, index_fill.c.through, index_fill.c.looked_at,
            index_fill.c.errors, index_fill.c.last_error, index_fill.c.declared_at, index_fill.c.finished_at)


def announce(connection: Connection, wanted: Collection[str], node: str, now: datetime) -> None:
    """A node is about to receive, and fills in what is wanted. What it announces for the first time is due up to here."""
    known = {row.name: row.id for row in connection.execute(select(index_fill.c.name, index_fill.c.id))}
    for name in sorted(set(wanted) - known.keys()):
        made = insert(index_fill).values(name=name, declared_at=now)
        known[name] = connection.execute(made).inserted_primary_key[0]  # type: ignore[index]
    mine = set(connection.execute(select(index_node.c.fill_fk).where(index_node.c.node == node)).scalars())
    for name, fill in sorted(known.items()):
        if name in wanted and fill not in mine:
            connection.execute(insert(index_node).values(fill_fk=fill, node=node))
            last = connection.execute(select(func.max((study if name == NAMES else instance).c.id))).scalar() or 0
            done = index_fill.c.reached >= last
            connection.execute(update(index_fill).where(index_fill.c.id == fill, done).values(through=last, finished_at=now))
            connection.execute(update(index_fill).where(index_fill.c.id == fill, ~done).values(through=last, finished_at=None))
        elif name not in wanted and fill in mine:
            connection.execute(delete(index_node).where(index_node.c.fill_fk == fill, index_node.c.node == node))


def pages(connection: Connection) -> list[tuple[Fill, int]]:
    """Every row, and how many nodes fill it in."""
    nodes = select(func.count()).where(index_node.c.fill_fk == index_fill.c.id).scalar_subquery()
    return [(Fill(*row[:-1]), row[-1]) for row in connection.execute(select(*_COLUMNS, nodes).order_by(index_fill.c.name))]


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` or `forget` would find something: a read, so that an idle worker writes nothing."""
    orphaned = ~exists().where(index_node.c.fill_fk == index_fill.c.id)
    return connection.execute(select(index_fill.c.id).where(or_(_claimable(now), orphaned)).limit(1)).first() is not None


def _claimable(now: datetime) -> Any:
    free = leases.free(index_fill, now)
    return (index_fill.c.reached < index_fill.c.through) & free & exists().where(index_node.c.fill_fk == index_fill.c.id)


def claim(connection: Connection, now: datetime, lease: timedelta) -> list[Fill]:
    """The names, or the attributes that have come equally far: each object is read once for all of them."""
    order = (index_fill.c.reached, index_fill.c.id)
    rows = leases.find(connection, index_fill, _claimable(now), columns=_COLUMNS, order=order, limit=None)
    found = [Fill(**row._asdict()) for row in rows]
    found.sort(key=lambda fill: fill.name != NAMES)  # it is quick
    if not found:
        return []
    alike = [fill for fill in found if (fill.name == NAMES, fill.reached) == (found[0].name == NAMES, found[0].reached)]
    leases.hold(connection, index_fill, [fill.id for fill in alike], now + lease)
    return alike


def advance(
    connection: Connection, fills: Sequence[Fill], reached: int, now: datetime, lease: timedelta, *, looked_at: int,
    failed: Sequence[str] = (),
) -> None:  # fmt: skip
    """The next piece is done. failed: what is to be said of objects that could not be read."""
    changed: dict[str, Any] = {"reached": reached, "looked_at": index_fill.c.looked_at + looked_at,
                               "errors": index_fill.c.errors + len(failed), "lease_until": now + lease}
    if failed:
        changed["last_error"] = failed[-1]
    ids = [fill.id for fill in fills]
    connection.execute(update(index_fill).where(index_fill.c.id.in_(ids)).values(**changed))
    ended = update(index_fill).where(index_fill.c.id.in_(ids), index_fill.c.reached >= index_fill.c.through)
    connection.execute(ended.values(finished_at=now, lease_until=None))


def release(connection: Connection, fills: Iterable[Fill]) -> None:
    """Somebody else may go on at once."""
    leases.give_back(connection, index_fill, index_fill.c.id.in_([fill.id for fill in fills]))


def again(connection: Connection, name: str) -> bool:
    """Look at everything once more, from the beginning; False when there is no such row."""
    last = select(func.max((study if name == NAMES else instance).c.id)).scalar_subquery()
    changed = update(index_fill).where(index_fill.c.name == name).values(
        reached=0, through=func.coalesce(last, 0), looked_at=0, errors=0, last_error="", finished_at=None, lease_until=None
    )  # fmt: skip
    return connection.execute(changed).rowcount > 0


def forget(connection: Connection, at_most: int) -> int:
    """Drop up to so many values of attributes that no node declares; the row itself goes last. Returns how many rows went."""
    orphaned = select(index_fill.c.id).where(~exists().where(index_node.c.fill_fk == index_fill.c.id)).limit(1)
    fill = connection.execute(orphaned).scalar()
    if fill is None:
        return 0
    keys = (extra_value.c.fill_fk, extra_value.c.owner, extra_value.c.number)
    some = connection.execute(select(*keys[1:]).where(extra_value.c.fill_fk == fill).limit(at_most)).all()
    for owner, number in some:
        connection.execute(delete(extra_value).where(keys[0] == fill, keys[1] == owner, keys[2] == number))
    if len(some) < at_most:
        connection.execute(delete(index_fill).where(index_fill.c.id == fill))
    return len(some) + 1


@dataclass(frozen=True, slots=True)
class Object:
    """A stored instance and its owners by level."""

    id: int
    blob_key: str
    size: int
    sop_instance_uid: str
    owners: dict[Level, int]


def objects(connection: Connection, after: int, through: int, limit: int) -> list[Object]:
    """The served instances with ids above `after` and up to `through`, in the order of their ids."""
    query = (
        select(instance.c.id, instance.c.blob_key, instance.c.size, instance.c.sop_instance_uid, study.c.patient_fk,
               series.c.study_fk, instance.c.series_fk)
        .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
        .where(instance.c.id > after, instance.c.id <= through, instance.c.current).order_by(instance.c.id).limit(limit)
    )  # fmt: skip
    return [
        Object(*row[:4], {Level.PATIENT: row[4], Level.STUDY: row[5], Level.SERIES: row[6], Level.INSTANCE: row[0]})
        for row in connection.execute(query)
    ]


def has_value(connection: Connection, fill: Fill, owners: Collection[int]) -> set[int]:
    """Those of the owners that have a value of an attribute."""
    query = select(extra_value.c.owner).where(extra_value.c.fill_fk == fill.id, extra_value.c.owner.in_(list(owners)))
    return set(connection.execute(query.where(extra_value.c.number == 0)).scalars())


def name_keys(connection: Connection, after: int, through: int, limit: int) -> tuple[int, int, set[str]]:
    """The folded names in a piece of the studies: the last id of the piece, how many studies, the names."""
    ids = list(connection.execute(
        select(study.c.id).where(study.c.id > after, study.c.id <= through).order_by(study.c.id).limit(limit)
    ).scalars())  # fmt: skip
    if not ids:
        return through, 0, set()
    found: set[str] = set()
    for table, link in ((study, study.c.id), (series, series.c.study_fk)):
        columns = [column for column in table.c if column.name.endswith("_key")]
        for row in connection.execute(select(*columns).where(link.in_(ids)).distinct()):
            found.update(row)
    above = select(study.c.patient_fk).where(study.c.id.in_(ids))
    columns = [column for column in patient.c if column.name.endswith("_key")]
    for row in connection.execute(select(*columns).where(patient.c.id.in_(above))):
        found.update(row)
    return ids[-1], len(ids), found - {""}
