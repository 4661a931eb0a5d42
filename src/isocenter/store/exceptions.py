"""What a person should look at: objects in quarantine, versions of one instance, patients that contradict themselves, refusals.

One row for each case, found again by its fingerprint: a sender that repeats itself only raises `occurrences`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isocenter.domain.access import Scope
from isocenter.domain.events import Event
from isocenter.domain.sharing import SENT_IN
from isocenter.store import changes, visible
from isocenter.store.schema import exception, study
from isocenter.store.schema_routing import relay

_CURSOR = "unmatched"

Kind = Literal["quarantined", "version", "patient_conflict", "unmatched", "refused", "commitment", "notification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to look at. study_fk and patient_fk name what is held; blob_key is "" when nothing was kept."""

    kind: Kind
    reason: str
    fingerprint: str
    where: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    study_fk: int | None = None
    patient_fk: int | None = None
    blob_key: str = ""
    sha256: str = ""
    size: int = 0
    source: str = ""
    source_aet: str = ""
    address: str = ""
    actor: str = ""


def record(connection: Connection, case_: Case, at: datetime) -> bool:
    """Add a case, or count it once more (a dismissed one comes back). Returns True when it is new."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(exception).values(**asdict(case_), first_at=at, last_at=at)
    statement = statement.on_conflict_do_update(
        index_elements=["fingerprint"],
        set_={"occurrences": exception.c.occurrences + 1, "last_at": at, "dismissed_at": None, "dismissed_by": ""},
    ).returning(exception.c.occurrences)
    return bool(connection.execute(statement).scalar() == 1)


def find(connection: Connection, fingerprint: str) -> RowMapping | None:
    """The case with this fingerprint, or None."""
    return connection.execute(select(exception).where(exception.c.fingerprint == fingerprint)).mappings().first()


def get(connection: Connection, id_: int, scope: Scope) -> RowMapping | None:
    """The case of this id, or None; also when it is of a study held that the scope does not cover."""
    told = visible.told(connection, exception.c.study_instance_uid, scope)
    return connection.execute(select(exception).where(exception.c.id == id_, told)).mappings().first()


def page(
    connection: Connection,
    *,
    kinds: tuple[Kind, ...] = (),
    dismissed: bool = False,
    limit: int = 100,
    before_id: int | None = None,
    scope: Scope,
) -> list[RowMapping]:
    """Cases, the ones seen last first, but of studies held that the scope does not cover. before_id: continue after this id."""
    query = select(exception).order_by(exception.c.last_at.desc(), exception.c.id.desc()).limit(limit)
    query = query.where(visible.told(connection, exception.c.study_instance_uid, scope))
    # What came over upload links waits in a list of its own (`store.sharing`).
    query = query.where((exception.c.where != SENT_IN) | (exception.c.kind != "quarantined"))
    if kinds:
        query = query.where(exception.c.kind.in_(kinds))
    if not dismissed:
        query = query.where(exception.c.dismissed_at.is_(None))
    if before_id is not None:
        last = select(exception.c.last_at).where(exception.c.id == before_id).scalar_subquery()
        query = query.where(
            (exception.c.last_at < last) | ((exception.c.last_at == last) & (exception.c.id < before_id))
        )
    return list(connection.execute(query).mappings())


def dismiss(connection: Connection, id_: int, actor: str, at: datetime) -> bool:
    """Take a case off the list; its bytes, if any, stay. Returns False when there is no such open case."""
    statement = (
        update(exception)
        .where(exception.c.id == id_, exception.c.dismissed_at.is_(None))
        .values(dismissed_at=at, dismissed_by=actor)
        .returning(case((exception.c.study_instance_uid != "", exception.c.study_instance_uid), else_=exception.c.kind))
    )
    subject = connection.execute(statement).scalar()
    if subject is None:
        return False
    changes.append(connection, Event.EXCEPTION_DISMISSED, subject, actor, {"exception": id_})
    return True


# ---- studies that nothing joins to a patient


def cursor(connection: Connection) -> int:
    """The number of the last change that was looked at; what was there before this was done is not."""
    seen = connection.execute(select(relay.c.seq).where(relay.c.name == _CURSOR)).scalar()
    return -1 if seen is None else int(seen)


def advance(connection: Connection, seen: int, to: int) -> bool:
    """Move the cursor; False when another worker was quicker."""
    if seen < 0:
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        made = dialect.insert(relay).values(name=_CURSOR, seq=to).on_conflict_do_nothing()
        return connection.execute(made.returning(relay.c.name)).first() is not None
    return connection.execute(update(relay).where(relay.c.name == _CURSOR, relay.c.seq == seen).values(seq=to)).rowcount == 1


def without_patient(connection: Connection, studies: Sequence[str]) -> list[tuple[str, int]]:
    """Those of the studies that say no Patient ID, and their ids."""
    c = study.c
    query = select(c.study_instance_uid, c.id).where(c.study_instance_uid.in_(studies), c.patient_id == "")
    return [(row[0], row[1]) for row in connection.execute(query)]
