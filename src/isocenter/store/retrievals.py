"""What is to come from other archives: rows with leases, until each has ended. Plain functions over a Connection."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, literal, or_, select, update

from isocenter.domain.access import Scope
from isocenter.domain.retrieval import OPEN, State, Tally, Verdict
from isocenter.store import leases, visible
from isocenter.store.schema import retrieval, study


@dataclass(frozen=True, slots=True)
class Retrieval:
    """One study (or one series of it) that is fetched from a peer. how: C-GET or C-MOVE, "" until it has ended.

    patient_name, study_description: as far as the study is here already, else "".
    """

    id: int
    peer_aet: str
    study_instance_uid: str
    series_instance_uid: str
    state: State
    how: str
    tally: Tally
    reason: str
    asked_by: str
    asked_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    attempts: int
    cancelled: bool
    patient_name: str = ""
    study_description: str = ""


_HERE = (study.c.patient_name, study.c.study_description)
_SHOWN = select(retrieval, *_HERE).outerjoin(study, study.c.study_instance_uid == retrieval.c.study_instance_uid)


def add(
    connection: Connection, *, peer_aet: str, study_instance_uid: str, series_instance_uid: str, asked_by: str, at: datetime
) -> Retrieval:
    """Ask for a study or a series, due now; what is asked for already is not asked for twice."""
    wanted = {"peer_aet": peer_aet, "study_instance_uid": study_instance_uid, "series_instance_uid": series_instance_uid}
    same = (retrieval.c[name] == value for name, value in wanted.items())
    asked = connection.execute(_SHOWN.where(*same, retrieval.c.state.in_(OPEN), ~retrieval.c.cancelled)).first()
    if asked is not None:
        return _retrieval(asked)
    values = {**wanted, "state": State.WAITING, "asked_by": asked_by, "asked_at": at, "due_at": at, "cancelled": False}
    key = connection.execute(insert(retrieval).values(values)).inserted_primary_key
    found = get(connection, key[0] if key else 0)
    assert found is not None  # it was inserted by this transaction
    return found


def get(connection: Connection, retrieval_id: int) -> Retrieval | None:
    """One retrieval."""
    row = connection.execute(_SHOWN.where(retrieval.c.id == retrieval_id)).one_or_none()
    return _retrieval(row) if row else None


def newest(connection: Connection, *, limit: int, scope: Scope, studies: Iterable[str] = ()) -> list[Retrieval]:
    """The retrievals that were asked for last, but of studies held that the scope does not cover; with `studies`, of these."""
    told = visible.told(connection, retrieval.c.study_instance_uid, scope)
    query = _SHOWN.where(told).order_by(retrieval.c.id.desc()).limit(limit)
    if uids := list(studies):
        query = query.where(retrieval.c.study_instance_uid.in_(uids))
    return [_retrieval(row) for row in connection.execute(query)]


def held(connection: Connection, uids: Iterable[str]) -> dict[str, int]:
    """Those of the studies that are here, with their numbers of instances."""
    columns = study.c.study_instance_uid, study.c.number_of_study_related_instances
    return dict(connection.execute(select(*columns).where(columns[0].in_(list(uids)))).all())


def patient_of(connection: Connection, scope: Scope, study_uid: str) -> tuple[str, str] | None:
    """Patient ID and its issuer of a study; None when it is not there, or not for this scope."""
    if not visible.permitted(connection, scope, [study_uid]):
        return None
    columns = select(study.c.patient_id, study.c.issuer_of_patient_id).where(study.c.study_instance_uid == study_uid)
    row = connection.execute(columns).one()
    return row.patient_id, row.issuer_of_patient_id


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, retrieval, _due(now))


def claim(connection: Connection, now: datetime, lease: timedelta) -> Retrieval | None:
    """Take the retrieval that has waited longest, or whose worker has died."""
    begun = func.coalesce(retrieval.c.begun_at, literal(now, retrieval.c.begun_at.type))
    columns = (retrieval.c.id,)
    for row in leases.take(connection, retrieval, _due(now), now + lease, columns=columns, state=State.RUNNING, begun_at=begun):
        return get(connection, row.id)
    return None


def progress(connection: Connection, retrieval_id: int, tally: Tally, until: datetime) -> bool:
    """Keep how far it is and prolong the lease. True when a person wants it to end."""
    connection.execute(_of(retrieval_id).values(**asdict(tally), lease_until=until))
    return bool(connection.execute(select(retrieval.c.cancelled).where(retrieval.c.id == retrieval_id)).scalar())


def settle(connection: Connection, retrieval_id: int, how: str, tally: Tally, verdict: Verdict, now: datetime) -> None:
    """What came of a try: it has ended, or is due again."""
    values: dict[str, Any] = {**asdict(tally), "state": verdict.state, "how": how, "reason": verdict.reason, "lease_until": None}
    again = {"ended_at": now} if verdict.again_after is None else {"due_at": now + verdict.again_after}
    connection.execute(_of(retrieval_id).values(values | again))


def cancel(connection: Connection, retrieval_id: int, now: datetime, reason: str) -> bool:
    """Nobody wants it any more: what waits has ended at once, what runs is told. False when it has ended already."""
    open_ = and_(retrieval.c.id == retrieval_id, retrieval.c.state.in_(OPEN))
    told = connection.execute(update(retrieval).where(open_).values(cancelled=True)).rowcount
    waits = and_(retrieval.c.id == retrieval_id, retrieval.c.state == State.WAITING)
    ended = {"state": State.CANCELLED, "reason": reason, "ended_at": now}
    connection.execute(update(retrieval).where(waits).values(ended))
    return bool(told)


def forget(connection: Connection, before: datetime) -> int:
    """Drop what has ended before then; how many."""
    return connection.execute(delete(retrieval).where(retrieval.c.ended_at < before)).rowcount


def _due(now: datetime) -> ColumnElement[bool]:
    waits = and_(retrieval.c.state == State.WAITING, retrieval.c.due_at <= now)
    return or_(waits, and_(retrieval.c.state == State.RUNNING, retrieval.c.lease_until < now))


def _of(retrieval_id: int) -> Any:
    return update(retrieval).where(retrieval.c.id == retrieval_id)


def _retrieval(row: Row[Any]) -> Retrieval:
    return Retrieval(
        row.id, row.peer_aet, row.study_instance_uid, row.series_instance_uid, State(row.state), row.how,
        Tally(row.remaining, row.completed, row.failed, row.warning), row.reason, row.asked_by, row.asked_at, row.begun_at,
        row.ended_at, row.attempts, row.cancelled, row.patient_name or "", row.study_description or "",
    )  # fmt: skip
