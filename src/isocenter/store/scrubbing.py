"""Rows of the rounds over all files, and of what they found. Plain functions over a Connection; see `schema_scrub`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.store import imaging, leases
from isocenter.store.imaging import Kept
from isocenter.store.schema import exception, instance
from isocenter.store.schema_scrub import damage, scrub

ARCHIVE, QUARANTINE = "archive", "quarantine"


@dataclass(frozen=True, slots=True)
class Round:
    """How far a round is, and how the last one ended. files, bytes: looked at so far."""

    name: str
    place: str
    area: str
    after_id: int
    began_at: datetime
    files: int
    bytes: int
    last_began_at: datetime | None
    last_ended_at: datetime | None
    last_files: int
    last_bytes: int
    reason: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that was not what the index says. mended_by: replica or other; "" while it is not mended."""

    id: int
    blob_key: str
    sop_instance_uid: str
    kind: Literal["missing", "damaged"]
    detail: str
    found_at: datetime
    mended_at: datetime | None
    mended_by: str


_ROUND = [scrub.c[name] for name in Round.__slots__]
_DAMAGE = [damage.c[name] for name in Damage.__slots__]


def announce(connection: Connection, name: str, place: str, now: datetime) -> None:
    """There is to be such a round; it begins anew when it is about another place than before."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(scrub).values(name=name, place=place, began_at=now, due_at=now)
    connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))
    elsewhere = update(scrub).where(scrub.c.name == name, scrub.c.place != place)
    never = {"last_began_at": None, "last_ended_at": None, "last_files": 0, "last_bytes": 0}
    connection.execute(elsewhere.values(place=place, due_at=now, reason="", **_beginning(now), **never))


def get(connection: Connection, name: str) -> Round | None:
    """A round; None when no worker has announced it."""
    row = connection.execute(select(*_ROUND).where(scrub.c.name == name)).one_or_none()
    return None if row is None else _round(row)


def is_due(connection: Connection, name: str, now: datetime) -> bool:
    """Whether `claim` would find it: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, scrub, (scrub.c.name == name) & leases.due(scrub, now))


def claim(connection: Connection, name: str, now: datetime, lease: timedelta) -> Round | None:
    """Take a round for its next step; None while another worker has it, or it is not due."""
    for row in leases.take(connection, scrub, (scrub.c.name == name) & leases.due(scrub, now), now + lease, columns=_ROUND):
        return _round(row)
    return None


def page(connection: Connection, at: Round, limit: int) -> list[Kept]:
    """The next files of a round."""
    some = imaging.files if at.area == ARCHIVE else imaging.quarantined_files
    return some(connection, after_id=at.after_id, limit=limit)


def advance(connection: Connection, at: Round, batch: Sequence[Kept], due_at: datetime) -> None:
    """A step is done: the round goes on after these files, not before `due_at`."""
    size = sum(kept.size for kept in batch)
    done = {"after_id": batch[-1].id, "files": at.files + len(batch), "bytes": at.bytes + size}
    leases.give_back(connection, scrub, _mine(at), due_at=due_at, reason="", **done)


def turn(connection: Connection, at: Round, due_at: datetime) -> None:
    """The archive was gone through, the quarantine follows."""
    leases.give_back(connection, scrub, _mine(at), due_at=due_at, reason="", area=QUARANTINE, after_id=0)


def end(connection: Connection, at: Round, now: datetime, due_at: datetime) -> None:
    """Everything was looked at; the next round begins at `due_at`."""
    last = {"last_began_at": at.began_at, "last_ended_at": now, "last_files": at.files, "last_bytes": at.bytes}
    leases.give_back(connection, scrub, _mine(at), due_at=due_at, reason="", **last, **_beginning(due_at))


def wait(connection: Connection, at: Round, due_at: datetime, reason: str) -> None:
    """It stands where it stood, and goes on at `due_at`. reason: what was in the way; "" when there is only nothing to do."""
    leases.give_back(connection, scrub, _mine(at), due_at=due_at, reason=reason)


def again(connection: Connection, name: str, now: datetime) -> bool:
    """The next round begins now; one that is under way goes on. False when there is none."""
    return connection.execute(update(scrub).where(scrub.c.name == name).values(due_at=now)).rowcount > 0


def is_spoken_of(connection: Connection, kept: Kept, area: str) -> bool:
    """Whether the index still speaks of a file: it may have been deleted as it should be, while it was looked at."""
    table = instance if area == ARCHIVE else exception
    query = select(table.c.id).where(table.c.id == kept.id, table.c.blob_key == kept.blob_key)
    return connection.execute(query).first() is not None


def find(connection: Connection, blob_key: str) -> Damage | None:
    """What was found out about a file; None: nothing bad, ever."""
    row = connection.execute(select(*_DAMAGE).where(damage.c.blob_key == blob_key)).one_or_none()
    return None if row is None else Damage(*row)


def found(connection: Connection, kept: Kept, kind: str, detail: str, now: datetime) -> bool:
    """A file is not what it was. False when that was known."""
    known = find(connection, kept.blob_key)
    values: dict[str, Any] = {"kind": kind, "detail": detail}
    if known is None:
        connection.execute(insert(damage).values(blob_key=kept.blob_key, sop_instance_uid=kept.sop_instance_uid, found_at=now,
                                                 **values))  # fmt: skip
        return True
    if known.mended_at is not None:
        values |= {"found_at": now, "mended_at": None, "mended_by": ""}
    connection.execute(update(damage).where(damage.c.id == known.id).values(values))
    return known.mended_at is not None


def mended(connection: Connection, blob_key: str, by: str, now: datetime) -> bool:
    """A file is what it was again. False when it was not known to be damaged."""
    open_ = update(damage).where(damage.c.blob_key == blob_key, damage.c.mended_at.is_(None))
    return connection.execute(open_.values(mended_at=now, mended_by=by)).rowcount > 0


def open_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of some files that are known to be damaged."""
    query = select(damage.c.blob_key).where(damage.c.blob_key.in_(keys), damage.c.mended_at.is_(None))
    return set(connection.execute(query).scalars())


def damages(connection: Connection, limit: int) -> list[Damage]:
    """What was found: what is not mended first, then the newest."""
    query = select(*_DAMAGE).order_by(damage.c.mended_at.is_not(None), damage.c.id.desc()).limit(limit)
    return [Damage(*row) for row in connection.execute(query)]


def figures(connection: Connection) -> tuple[int, int]:
    """How many files are damaged or missing now, and how many were and are mended."""
    total, mended_ = connection.execute(select(func.count(), func.count(damage.c.mended_at))).one()
    return int(total) - int(mended_), int(mended_)


def waiting(connection: Connection, after_id: int) -> int:
    """How many files of the archive come after an id."""
    return int(connection.execute(select(func.count()).select_from(instance).where(instance.c.id > after_id)).scalar_one())


def _mine(at: Round) -> Any:
    return scrub.c.name == at.name


def _beginning(at: datetime) -> dict[str, Any]:
    return {"area": ARCHIVE, "after_id": 0, "began_at": at, "files": 0, "bytes": 0}


def _round(row: Row[Any]) -> Round:
    return Round(**row._asdict())
