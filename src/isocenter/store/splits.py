"""Studies that were split: which objects were copied into which study."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from isocenter.store.schema_rejections import study_split


@dataclass(frozen=True, slots=True)
class Split:
    """A split as it was made. made: SOP Instance UID as it was -> as it is."""

    id: int
    at: datetime
    actor: str
    reason: str
    study_instance_uid: str
    into_uid: str
    made: Mapping[str, str]
    undone_at: datetime | None
    undone_by: str


def add(connection: Connection, study_uid: str, into_uid: str, made: Mapping[str, str], reason: str, actor: str,
        at: datetime) -> int:
    """Keep that a study was split."""
    values = {"at": at, "actor": actor, "reason": reason, "study_instance_uid": study_uid, "into_uid": into_uid,
              "made": json.dumps(made)}  # fmt: skip
    return int(connection.execute(insert(study_split).values(values).returning(study_split.c.id)).scalar_one())


def undo(connection: Connection, id_: int, actor: str, at: datetime) -> bool:
    """Note that it was taken back. False: it was already."""
    standing = update(study_split).where(study_split.c.id == id_, study_split.c.undone_at.is_(None))
    return connection.execute(standing.values(undone_at=at, undone_by=actor)).rowcount == 1


def get(connection: Connection, id_: int) -> Split | None:
    """The split of this id, or None."""
    found = _read(connection, study_split.c.id == id_)
    return found[0] if found else None


def of_study(connection: Connection, study_uid: str) -> list[Split]:
    """Splits that took something out of a study or put something into it, newest first."""
    return _read(connection, or_(study_split.c.study_instance_uid == study_uid, study_split.c.into_uid == study_uid))


def _read(connection: Connection, condition: object) -> list[Split]:
    query = select(study_split).where(condition).order_by(study_split.c.id.desc())  # type: ignore[arg-type]
    return [Split(**{**row, "made": json.loads(row["made"])}) for row in connection.execute(query).mappings()]
