"""Copies of instances for viewing (`codecs.viewing`): derived blobs and what is known of them.

    plan   a series is due          wanted   its instances without a copy        keep    a copy was made
    of_series   its copies          oldest   what goes first when there are too many     total, forget, kept

A copy belongs to the bytes it was made of: it counts only while the index holds that SHA-256 for the instance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from isocenter.dicom.frames import FrameTable
from isocenter.dicom.resolutions import Resolutions
from isocenter.store import dirty, imaging
from isocenter.store.imaging import Located
from isocenter.store.schema import instance, series, series_copy_due, study, viewing_copy

AREA = "derived/htj2k"


@dataclass(frozen=True, slots=True)
class Copy:
    """A kept copy. original: SHA-256 of the object it was made of; sha256, size: of the copy itself."""

    instance_id: int
    original: str
    blob_key: str
    sha256: str
    size: int
    made_at: datetime
    frames: bytes
    resolutions: bytes

    def table(self) -> FrameTable:
        """Where its frames are."""
        return FrameTable.decode(self.frames)

    def ends(self) -> Resolutions:
        """Where the resolutions of its frames end."""
        return Resolutions.decode(self.resolutions)


def key(original: str) -> str:
    """The storage key of the copy of an object with this SHA-256."""
    return f"{AREA}/{original[:2]}/{original[:40]}.j2c"


_COPY = [viewing_copy.c[name] for name in Copy.__slots__]


def plan(connection: Connection, series_id: int, modalities: Sequence[str] | None, due_at: datetime) -> None:
    """Say that the copies of a series are to be made, when it is of one of these modalities; None: of any."""
    of = select(series.c.modality).where(series.c.id == series_id)
    modality = connection.execute(of).scalar()
    if modality is not None and (modalities is None or modality.strip().upper() in modalities):
        dirty.mark(connection, series_id, due_at, queue=series_copy_due)


def plan_all(
    connection: Connection, after_id: int, modalities: Sequence[str] | None, due_at: datetime, limit: int
) -> tuple[int, int]:
    """Plan those of `limit` series after an id: (how many were planned, the last id looked at; 0 when there are no more)."""
    rows = connection.execute(
        select(series.c.id, series.c.modality).where(series.c.id > after_id).order_by(series.c.id).limit(limit)
    ).all()
    chosen = [row.id for row in rows if modalities is None or row.modality.strip().upper() in modalities]
    for series_id in chosen:
        dirty.mark(connection, series_id, due_at, queue=series_copy_due)
    return len(chosen), rows[-1].id if rows else 0


def wanted(connection: Connection, series_id: int) -> list[Located]:
    """The served instances of a series that have pixel data and no copy of their present bytes."""
    found = connection.execute(
        select(study.c.study_instance_uid, series.c.series_instance_uid)
        .join(study, study.c.id == series.c.study_fk).where(series.c.id == series_id)
    ).first()
    if found is None:
        return []
    made = {copy.instance_id: copy.original for copy in of_series(connection, series_id)}
    with_pixels = select(instance.c.id).where(instance.c.series_fk == series_id, instance.c.frames.is_not(None))
    pictures = set(connection.execute(with_pixels).scalars())
    return [located for located in imaging.locate(connection, *found)
            if located.id in pictures and made.get(located.id) != located.sha256]


def keep(connection: Connection, copy: Copy) -> bool:
    """Remember a copy, unless its instance is gone or another one meanwhile; whether it was remembered."""
    current = select(instance.c.id).where(instance.c.id == copy.instance_id, instance.c.sha256 == copy.original)
    if connection.execute(current.with_for_update()).first() is None:
        return False
    connection.execute(delete(viewing_copy).where(viewing_copy.c.instance_id == copy.instance_id))
    connection.execute(viewing_copy.insert().values({name: getattr(copy, name) for name in Copy.__slots__}))
    return True


def of_series(connection: Connection, series_id: int) -> list[Copy]:
    """The copies of the served instances of a series, as they are now."""
    query = (
        select(*_COPY).join(instance, instance.c.id == viewing_copy.c.instance_id)
        .where(instance.c.series_fk == series_id, instance.c.current, instance.c.sha256 == viewing_copy.c.original)
    )
    return [Copy(*row) for row in connection.execute(query)]


def oldest(connection: Connection, limit: int) -> list[Copy]:
    """The copies that were made first."""
    query = select(*_COPY).order_by(viewing_copy.c.made_at, viewing_copy.c.instance_id).limit(limit)
    return [Copy(*row) for row in connection.execute(query)]


def after(connection: Connection, instance_id: int, limit: int) -> list[Copy]:
    """All copies in the order of their instances, page by page."""
    query = select(*_COPY).where(viewing_copy.c.instance_id > instance_id).order_by(viewing_copy.c.instance_id).limit(limit)
    return [Copy(*row) for row in connection.execute(query)]


def forget(connection: Connection, copies: Iterable[Copy]) -> None:
    """Their rows go; their files are the caller's business, afterwards."""
    ids = [copy.instance_id for copy in copies]
    connection.execute(delete(viewing_copy).where(viewing_copy.c.instance_id.in_(ids)))


def replan(connection: Connection, copy: Copy, modalities: Sequence[str] | None, due_at: datetime) -> None:
    """A copy was lost: its row goes, and it is made again when its series is still of one of the modalities (None: any)."""
    forget(connection, [copy])
    series_id = connection.execute(select(instance.c.series_fk).where(instance.c.id == copy.instance_id)).scalar()
    if series_id is not None:
        plan(connection, series_id, modalities, due_at)


def total(connection: Connection) -> tuple[int, int]:
    """How many copies there are, and their bytes."""
    row = connection.execute(select(func.count(), func.coalesce(func.sum(viewing_copy.c.size), 0))).one()
    return int(row[0]), int(row[1])


def known(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a copy has."""
    return set(connection.execute(select(viewing_copy.c.blob_key).where(viewing_copy.c.blob_key.in_(keys))).scalars())


def due(connection: Connection) -> int:
    """How many series wait for their copies."""
    return int(connection.execute(select(func.count()).select_from(series_copy_due)).scalar_one())
