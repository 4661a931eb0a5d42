"""Rejected objects: hidden at once (`deletions`: and deleted in a second step).

    add, undo        a rejection note hides objects, or not any more      arrived     what comes after its note
    page, get        for people                                           replay      after the index was made anew

An object is hidden as a version that is not served is: no door finds what is not `current`. What its parents say is counted anew
from what is served; a study of which nothing is served is in `study_hidden`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, update

from isocenter.domain.access import Scope
from isocenter.domain.key_objects import KEY_OBJECTS
from isocenter.domain.rejections import RETENTION, Named, Note
from isocenter.store import corrections, recounting, visible
from isocenter.store.schema import instance, series, study, study_sop_class
from isocenter.store.schema_rejections import legal_hold, rejected, rejection
from isocenter.store.schema_routing import delivery, delivery_instance, destination, relay

CURSOR = "rejections"
_AT_ONCE = 500  # UIDs in one statement


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejection as it is kept. objects: how many it names; hidden, freed: how many of them are; held: by a legal hold."""

    id: int
    at: datetime
    actor: str
    code: str
    reason: str
    study_instance_uid: str
    note_uid: str
    source: str
    undone_at: datetime | None
    undone_by: str
    delete_at: datetime | None
    deleted_by: str
    delete_reason: str
    freed_at: datetime | None
    objects: int
    hidden: int
    freed: int
    held: bool


def add(connection: Connection, note: Note, actor: str, source: str, at: datetime) -> tuple[int, int] | None:
    """Hide what a note names, and the note. Returns its id and how many objects are hidden by it; None when it is known."""
    corrections.lock(connection)
    if connection.execute(select(rejection.c.id).where(rejection.c.note_uid == note.sop_uid)).first() is not None:
        return None
    made = insert(rejection).values(at=at, actor=actor, code=note.code, reason=note.reason, study_instance_uid=note.study_uid,
                                    note_uid=note.sop_uid, source=source)  # fmt: skip
    id_ = int(connection.execute(made.returning(rejection.c.id)).scalar_one())
    if note.named:
        connection.execute(insert(rejected), [_row(id_, each) for each in note.named])
    hide(connection, [note.sop_uid], at)
    hidden = hide(connection, [each.sop_uid for each in note.named], at)
    return id_, hidden


def _row(rejection_id: int, each: Named) -> dict[str, object]:
    return {"rejection_fk": rejection_id, "study_instance_uid": each.study_uid, "series_instance_uid": each.series_uid,
            "sop_instance_uid": each.sop_uid, "sop_class_uid": each.sop_class_uid, "state": "absent", "served": 0}  # fmt: skip


def hide(connection: Connection, sop_uids: Sequence[str], at: datetime) -> int:
    """Serve these objects no more, and note in which rejections they are. Returns how many were served until now."""
    studies: set[str] = set()
    count = 0
    for some in _parts(sop_uids):
        served = (
            select(instance.c.id, instance.c.sop_instance_uid, study.c.study_instance_uid)
            .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
            .where(instance.c.sop_instance_uid.in_(some), instance.c.current)
        )
        found = connection.execute(served).all()
        if not found:
            continue
        connection.execute(update(instance).where(instance.c.id.in_([row.id for row in found])).values(current=False))
        for row in found:
            mine = rejected.c.sop_instance_uid == row.sop_instance_uid
            connection.execute(update(rejected).where(mine, rejected.c.rejection_fk.in_(_standing())).values(
                state="hidden", served=row.id))
        studies |= {row.study_instance_uid for row in found}
        count += len(found)
    # What an earlier note hides is hidden by this one, too.
    for some in _parts(sop_uids):
        kept = select(instance.c.sop_instance_uid).where(instance.c.sop_instance_uid.in_(some))
        connection.execute(update(rejected).where(
            rejected.c.sop_instance_uid.in_(kept), rejected.c.state == "absent", rejected.c.rejection_fk.in_(_standing()),
        ).values(state="hidden"))  # fmt: skip
    for uid in sorted(studies):
        recounting.recount(connection, uid, at)
    return count


def _standing() -> Select[int]:
    return select(rejection.c.id).where(rejection.c.undone_at.is_(None))


def undo(connection: Connection, id_: int, actor: str, at: datetime) -> int | None:
    """Take a rejection back: what no other one hides is served again. Returns how many; None when it cannot be taken back."""
    corrections.lock(connection)
    mine = (rejection.c.id == id_, rejection.c.undone_at.is_(None))
    changed = update(rejection).where(*mine).values(undone_at=at, undone_by=actor, delete_at=None)
    if not connection.execute(changed).rowcount:
        return None
    rows = connection.execute(select(rejected).where(rejected.c.rejection_fk == id_, rejected.c.state == "hidden")).mappings()
    shown = _serve(connection, [row["sop_instance_uid"] for row in rows], at)
    connection.execute(update(rejected).where(rejected.c.rejection_fk == id_, rejected.c.state.in_(("hidden", "absent")))
                       .values(state="back"))  # fmt: skip
    return shown


def _serve(connection: Connection, sop_uids: Sequence[str], at: datetime) -> int:
    """Serve again what no standing rejection hides: the version that was served, or the first."""
    studies: set[str] = set()
    count = 0
    for uid in sop_uids:
        others = select(rejected.c.rejection_fk).where(
            rejected.c.sop_instance_uid == uid, rejected.c.state == "hidden", rejected.c.rejection_fk.in_(_standing()))
        if connection.execute(others).first() is not None:
            continue
        was = connection.execute(select(func.max(rejected.c.served)).where(rejected.c.sop_instance_uid == uid)).scalar() or 0
        held = (
            select(instance.c.id, study.c.study_instance_uid)
            .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
            .where(instance.c.sop_instance_uid == uid).order_by((instance.c.id == was).desc(), instance.c.version)
        )
        row = connection.execute(held).first()
        if row is not None:
            connection.execute(update(instance).where(instance.c.id == row.id).values(current=True))
            studies.add(row.study_instance_uid)
            count += 1
    for study_uid in sorted(studies):
        recounting.recount(connection, study_uid, at)
    return count


# ---- what comes after its note


def notes_among(connection: Connection, studies: Iterable[str], sop_uids: Iterable[str]) -> list[tuple[str, str, str]]:
    """(study, series, SOP Instance UID) of the served Key Object Selections among some that came."""
    having = select(study_sop_class.c.study_fk).where(study_sop_class.c.sop_class_uid == KEY_OBJECTS)
    known = select(rejected.c.study_instance_uid)
    found: list[tuple[str, str, str]] = []
    near = [uid for some in _parts(sorted(set(studies))) for uid in connection.execute(
        select(study.c.study_instance_uid).where(
            study.c.study_instance_uid.in_(some), or_(study.c.id.in_(having), study.c.study_instance_uid.in_(known)))
    ).scalars()]  # fmt: skip
    if not near:
        return []
    for some in _parts(list(sop_uids)):
        query = (
            select(study.c.study_instance_uid, series.c.series_instance_uid, instance.c.sop_instance_uid)
            .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
            .where(instance.c.sop_instance_uid.in_(some), instance.c.sop_class_uid == KEY_OBJECTS, instance.c.current,
                   study.c.study_instance_uid.in_(near))
        )
        found += [(row[0], row[1], row[2]) for row in connection.execute(query)]
    return found


def all_notes(connection: Connection) -> list[tuple[str, str, str]]:
    """As `notes_among`, of all that are served."""
    query = (
        select(study.c.study_instance_uid, series.c.series_instance_uid, instance.c.sop_instance_uid)
        .join(series, series.c.id == instance.c.series_fk).join(study, study.c.id == series.c.study_fk)
        .where(instance.c.sop_class_uid == KEY_OBJECTS, instance.c.current)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def arrived(connection: Connection, studies: Iterable[str], sop_uids: Sequence[str], at: datetime) -> int:
    """What came although a note had named it is hidden; what had expired and was deleted is taken in as new (IOCM).

    Returns how many were hidden. What else came into a study with rejections makes it be counted anew.
    """
    concerned: set[str] = set()
    for some in _parts(sorted(set(studies))):
        query = select(rejected.c.study_instance_uid).where(rejected.c.study_instance_uid.in_(some)).distinct()
        concerned.update(connection.execute(query).scalars())
    if not concerned:
        return 0
    corrections.lock(connection)
    to_hide: list[str] = []
    for some in _parts(sop_uids):
        query = (
            select(rejected.c.sop_instance_uid, rejection.c.code)
            .join(rejection, rejection.c.id == rejected.c.rejection_fk)
            .where(rejected.c.sop_instance_uid.in_(some), rejected.c.state.in_(("absent", "freed")),
                   rejection.c.undone_at.is_(None))
        )  # fmt: skip
        wanted = connection.execute(query).all()
        to_hide += sorted({row.sop_instance_uid for row in wanted if row.code != RETENTION})
        back = [row.sop_instance_uid for row in wanted if row.code == RETENTION]
        connection.execute(update(rejected).where(
            rejected.c.sop_instance_uid.in_(back), rejected.c.state.in_(("absent", "freed"))).values(state="back"))
    hidden = hide(connection, to_hide, at)
    for uid in sorted(concerned):
        recounting.recount(connection, uid, at)
    return hidden


def cursor(connection: Connection) -> int:
    """The number of the last change that was looked at."""
    return int(connection.execute(select(relay.c.seq).where(relay.c.name == CURSOR)).scalar() or 0)


def advance(connection: Connection, seen: int, to: int) -> bool:
    """Move the cursor; False when another worker was quicker."""
    moved = update(relay).where(relay.c.name == CURSOR, relay.c.seq == seen).values(seq=to)
    return connection.execute(moved).rowcount == 1


def replay(connection: Connection, at: datetime) -> int:
    """Hide again what is rejected, in an index that was made anew from the files. Returns how many objects."""
    standing = select(rejected.c.sop_instance_uid).where(rejected.c.state.in_(("hidden", "freed", "absent")),
                                                         rejected.c.rejection_fk.in_(_standing()))  # fmt: skip
    connection.execute(update(rejected).values(served=0))
    notes = select(rejection.c.note_uid)  # also of those that were taken back: undoing does not show a note
    uids = sorted({*connection.execute(standing).scalars(), *connection.execute(notes).scalars()})
    return hide(connection, uids, at)


# ---- for people


def page(
    connection: Connection, study_uid: str, state: str, limit: int, before: int | None, scope: Scope
) -> list[Rejection]:
    """Rejections of the scope's studies, newest first. state: "" that stand, "marked" to be deleted, "all" every one."""
    query = select(rejection).order_by(rejection.c.id.desc()).limit(limit)
    query = query.where(visible.told(connection, rejection.c.study_instance_uid, scope))
    if study_uid:
        query = query.where(rejection.c.study_instance_uid == study_uid)
    if before is not None:
        query = query.where(rejection.c.id < before)
    if state != "all":
        query = query.where(rejection.c.undone_at.is_(None))
    if state == "marked":
        query = query.where(rejection.c.delete_at.is_not(None), rejection.c.freed_at.is_(None))
    return _read(connection, query)


def get(connection: Connection, id_: int, scope: Scope) -> Rejection | None:
    """The rejection of this id, or None; also when it is of a study that the scope does not cover."""
    told = visible.told(connection, rejection.c.study_instance_uid, scope)
    found = _read(connection, select(rejection).where(rejection.c.id == id_, told))
    return found[0] if found else None


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[Rejection]:
    rows = list(connection.execute(query).mappings())
    ids = [row["id"] for row in rows]
    counts: dict[int, dict[str, int]] = {}
    counted = (
        select(rejected.c.rejection_fk, rejected.c.state, func.count().label("number"))
        .where(rejected.c.rejection_fk.in_(ids)).group_by(rejected.c.rejection_fk, rejected.c.state)
    )
    for each in connection.execute(counted):
        counts.setdefault(each.rejection_fk, {})[each.state] = each.number
    studies = {row["study_instance_uid"] for row in rows}
    kept = set(connection.execute(select(legal_hold.c.study_instance_uid)
                                  .where(legal_hold.c.study_instance_uid.in_(studies))).scalars())  # fmt: skip
    return [
        Rejection(**row, objects=sum(counts.get(row["id"], {}).values()), hidden=counts.get(row["id"], {}).get("hidden", 0),
                  freed=counts.get(row["id"], {}).get("freed", 0), held=row["study_instance_uid"] in kept)
        for row in rows
    ]  # fmt: skip


def by_note(connection: Connection, note_uid: str) -> int | None:
    """The rejection that this note made, or None."""
    return connection.execute(select(rejection.c.id).where(rejection.c.note_uid == note_uid)).scalar()


def only_of(connection: Connection, sop_uids: Sequence[str]) -> list[int]:
    """The standing rejections that name some of these objects and no other, and of which nothing is deleted."""
    wanted = set(sop_uids)
    numbers: set[int] = set()
    for some in _parts(sorted(wanted)):
        query = select(rejected.c.rejection_fk).where(rejected.c.sop_instance_uid.in_(some))
        numbers.update(connection.execute(query.where(rejected.c.rejection_fk.in_(_standing()))).scalars())
    found = []
    for number in sorted(numbers):
        query = select(rejected.c.sop_instance_uid, rejected.c.state).where(rejected.c.rejection_fk == number)
        rows = connection.execute(query).all()
        if all(row.sop_instance_uid in wanted and row.state != "freed" for row in rows):
            found.append(number)
    return found


def named(connection: Connection, id_: int, limit: int) -> list[RowMapping]:
    """The objects of a rejection, by series."""
    query = select(rejected).where(rejected.c.rejection_fk == id_)
    query = query.order_by(rejected.c.series_instance_uid, rejected.c.sop_instance_uid).limit(limit)
    return list(connection.execute(query).mappings())


def receivers(connection: Connection, sop_uids: Sequence[str]) -> list[str]:
    """The destinations that were sent some of these objects: they are to be told."""
    found: set[str] = set()
    for some in _parts(sop_uids):
        query = (
            select(destination.c.name).distinct()
            .join(delivery, delivery.c.destination_fk == destination.c.id)
            .join(delivery_instance, delivery_instance.c.delivery_fk == delivery.c.id)
            .where(delivery_instance.c.sop_instance_uid.in_(some), delivery_instance.c.state == "sent")
        )
        found.update(connection.execute(query).scalars())
    return sorted(found)


def _parts(uids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (uids[start : start + _AT_ONCE] for start in range(0, len(uids), _AT_ONCE))
