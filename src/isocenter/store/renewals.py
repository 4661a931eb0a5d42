"""Rows of files being brought under another key. Plain functions over a Connection."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from isocenter.store.schema_renewal import renewal


@dataclass(slots=True)
class Renewal:
    """How far it is. place: a folder, "" the archive; key: under which the files are to be; reached: the blob key."""

    place: str
    key: str
    began_at: datetime
    heard_at: datetime
    ended_at: datetime | None
    expected: int
    files: int = 0
    changed: int = 0
    faults: int = 0
    reached: str = ""


def one(connection: Connection, place: str) -> Renewal | None:
    """The last one of a place."""
    row = connection.execute(select(renewal).where(renewal.c.place == place)).one_or_none()
    return None if row is None else Renewal(*row)


def every(connection: Connection) -> list[Renewal]:
    """Of all places, the archive first."""
    return [Renewal(*row) for row in connection.execute(select(renewal).order_by(renewal.c.place))]


def keep(connection: Connection, found: Renewal) -> None:
    """Note how far it is."""
    connection.execute(delete(renewal).where(renewal.c.place == found.place))
    connection.execute(insert(renewal).values(asdict(found)))
