"""Deleting rejected objects, in two steps for people and three for the machine, and what forbids it: legal holds.

    mark, unmark     they are to be deleted, from a moment on             hold, release
    claim_rows       1. their rows go, the names of their files stay       files, forget   2. and 3. the files, then their names
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Exists, RowMapping, Select, delete, exists, func, insert, select, update

from isocenter.domain.access import Scope
from isocenter.store import corrections, recounting, visible
from isocenter.store.schema import exception, instance, series, study, viewing_copy
from isocenter.store.schema_rejections import deletion, legal_hold, rejected, rejection

_AT_ONCE = 500  # keys in one statement


def mark(connection: Connection, id_: int, due: datetime, actor: str, reason: str) -> bool:
    """Its hidden objects are to be deleted at `due`. False: there is no such standing rejection, or all of it is deleted."""
    standing = (rejection.c.id == id_, rejection.c.undone_at.is_(None), rejection.c.freed_at.is_(None))
    values = {"delete_at": due, "deleted_by": actor, "delete_reason": reason}
    return connection.execute(update(rejection).where(*standing).values(values)).rowcount == 1


def unmark(connection: Connection, id_: int) -> bool:
    """Do not delete them. False: they were not to be, or it has begun."""
    marked = (rejection.c.id == id_, rejection.c.delete_at.is_not(None), rejection.c.freed_at.is_(None))
    begun = select(rejected.c.rejection_fk).where(rejected.c.rejection_fk == id_, rejected.c.state == "freed")
    if connection.execute(begun).first() is not None:
        return False
    return connection.execute(update(rejection).where(*marked).values(delete_at=None)).rowcount == 1


def _not_held() -> Select[str]:
    return select(legal_hold.c.study_instance_uid)


def _young(received_after: datetime) -> Exists:
    """Of which a version came in after that: the time for which everything is kept has not passed."""
    return exists().where(instance.c.sop_instance_uid == rejected.c.sop_instance_uid, instance.c.received_at > received_after)


def newest(connection: Connection, id_: int) -> datetime | None:
    """When the last of what a rejection hides came in; None when none of it is here."""
    query = select(func.max(instance.c.received_at)).join(rejected, rejected.c.sop_instance_uid == instance.c.sop_instance_uid)
    return connection.execute(query.where(rejected.c.rejection_fk == id_, rejected.c.state == "hidden")).scalar()


def due(connection: Connection, now: datetime, received_after: datetime) -> int | None:
    """A rejection of which something is to be deleted now, and may be (nothing of what came later); None without one."""
    query = (
        select(rejection.c.id)
        .join(rejected, rejected.c.rejection_fk == rejection.c.id)
        .where(rejection.c.delete_at <= now, rejection.c.freed_at.is_(None), rejection.c.undone_at.is_(None),
               rejected.c.state == "hidden", rejected.c.study_instance_uid.not_in(_not_held()), ~_young(received_after))
        .order_by(rejection.c.delete_at).limit(1)
    )  # fmt: skip
    return connection.execute(query).scalar()


@dataclass(frozen=True, slots=True)
class Gone:
    """What lost its rows: for the log."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sha256: tuple[str, ...]


def claim_rows(
    connection: Connection, id_: int, now: datetime, received_after: datetime, limit: int
) -> tuple[list[Gone], list[str]]:
    """Step 1 of deletion: the rows of some objects go; the names of their files are kept until those are gone, too.

    In this transaction it is looked at once more whether they may be deleted. Returns what went, and the studies that went: of
    which at most rejection notes are left.
    """
    corrections.lock(connection)
    query = (
        select(rejected.c.study_instance_uid, rejected.c.series_instance_uid, rejected.c.sop_instance_uid)
        .join(rejection, rejection.c.id == rejected.c.rejection_fk)
        .where(rejection.c.id == id_, rejection.c.delete_at <= now, rejection.c.undone_at.is_(None), rejected.c.state == "hidden",
               rejected.c.study_instance_uid.not_in(_not_held()), ~_young(received_after))
        .order_by(rejected.c.sop_instance_uid).limit(limit)
    )  # fmt: skip
    rows = connection.execute(query).all()
    gone = [Gone(*row, tuple(_forget_instance(connection, row.sop_instance_uid, id_, now))) for row in rows]
    uids = [each.sop_uid for each in gone]
    if uids:
        connection.execute(update(rejected).where(rejected.c.sop_instance_uid.in_(uids), rejected.c.state == "hidden")
                           .values(state="freed"))  # fmt: skip
    studies = sorted({each.study_uid for each in gone})
    emptied = [uid for uid in studies if recounting.prune(connection, uid, now) or not _has_more_than_notes(connection, uid)]
    left = select(rejected.c.rejection_fk).where(rejected.c.rejection_fk == id_, rejected.c.state == "hidden").limit(1)
    if connection.execute(left).first() is None:
        connection.execute(update(rejection).where(rejection.c.id == id_).values(freed_at=now))
    return gone, emptied


def _has_more_than_notes(connection: Connection, study_uid: str) -> bool:
    held = (
        select(instance.c.id).join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
        .where(study.c.study_instance_uid == study_uid, instance.c.sop_instance_uid.not_in(select(rejection.c.note_uid)))
    )  # fmt: skip
    return connection.execute(held.limit(1)).first() is not None


def _forget_instance(connection: Connection, sop_uid: str, rejection_id: int, now: datetime) -> list[str]:
    """Every version of an object: their rows go, the names of their files and of their copies are kept. Their SHA-256."""
    held = connection.execute(select(instance.c.id, instance.c.blob_key, instance.c.sha256)
                              .where(instance.c.sop_instance_uid == sop_uid)).all()  # fmt: skip
    ids = [row.id for row in held]
    copies = connection.execute(select(viewing_copy.c.blob_key).where(viewing_copy.c.instance_id.in_(ids))).scalars().all()
    for key in {*(row.blob_key for row in held), *copies}:
        connection.execute(insert(deletion).values(blob_key=key, at=now, rejection_fk=rejection_id))
    connection.execute(delete(viewing_copy).where(viewing_copy.c.instance_id.in_(ids)))
    keys = [row.blob_key for row in held]
    connection.execute(update(exception).where(exception.c.blob_key.in_(keys), exception.c.kind == "version").values(blob_key=""))
    connection.execute(delete(instance).where(instance.c.id.in_(ids)))
    return [row.sha256 for row in held]


def files(connection: Connection, limit: int) -> list[str]:
    """Keys whose files are to be deleted: step 2."""
    return list(connection.execute(select(deletion.c.blob_key).order_by(deletion.c.blob_key).limit(limit)).scalars())


def forget(connection: Connection, keys: Sequence[str]) -> None:
    """Step 3: these files are gone."""
    connection.execute(delete(deletion).where(deletion.c.blob_key.in_(keys)))


def leaving(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys whose files are being deleted."""
    found: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        found.update(connection.execute(select(deletion.c.blob_key).where(deletion.c.blob_key.in_(some))).scalars())
    return found


# ---- legal holds


def hold(connection: Connection, study_uid: str, actor: str, reason: str, at: datetime) -> bool:
    """Nothing of a study may be deleted. False: so it is already."""
    corrections.lock(connection)
    if held(connection, study_uid) is not None:
        return False
    connection.execute(insert(legal_hold).values(study_instance_uid=study_uid, at=at, actor=actor, reason=reason))
    return True


def release(connection: Connection, study_uid: str) -> bool:
    """It may be again. False: it was not held."""
    corrections.lock(connection)
    return connection.execute(delete(legal_hold).where(legal_hold.c.study_instance_uid == study_uid)).rowcount == 1


def held(connection: Connection, study_uid: str) -> RowMapping | None:
    """The hold on a study, or None."""
    return connection.execute(select(legal_hold).where(legal_hold.c.study_instance_uid == study_uid)).mappings().first()


def holds(connection: Connection, limit: int, scope: Scope) -> list[RowMapping]:
    """The holds on the scope's studies, newest first."""
    told = visible.told(connection, legal_hold.c.study_instance_uid, scope)
    return list(connection.execute(select(legal_hold).where(told).order_by(legal_hold.c.at.desc()).limit(limit)).mappings())
