"""Rows of links: who made them, what they open, the browsers that are let in, and what waits that came over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, select, update

from isocenter.domain.sharing import MOST_TRIES, SENT_IN, Code, Facts, Opens
from isocenter.store.schema import exception, patient, study
from isocenter.store.schema_sharing import share, share_session


@dataclass(frozen=True, slots=True)
class Share:
    """A link. study_uid, identity: what it opens (domain.patient.identity). maker: an account, "" for the command line."""

    id: int
    opens: str
    label: str
    study_uid: str
    identity: str
    download: bool
    code: str
    code_hash: str
    tries: int
    code_used_at: datetime | None
    maker: str
    created_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str
    openings: int
    opened_at: datetime | None
    most_bytes: int
    bytes: int

    @property
    def facts(self) -> Facts:
        """What decides about its state."""
        return Facts(self.expires_at, self.withdrawn_at, Code(self.code), self.tries, self.code_used_at)


_COLUMNS = [share.c[name] for name in Share.__slots__]


def add(connection: Connection, *, token_hash: str, **columns: Any) -> Share:
    """A new link."""
    row = connection.execute(insert(share).values(token_hash=token_hash, **columns).returning(*_COLUMNS)).one()
    return Share(*row)


def get(connection: Connection, number: int) -> Share | None:
    """The link with this number."""
    row = connection.execute(select(*_COLUMNS).where(share.c.id == number)).one_or_none()
    return Share(*row) if row else None


def by_token(connection: Connection, token_hash: str) -> Share | None:
    """The link that ends with what has this fingerprint."""
    row = connection.execute(select(*_COLUMNS).where(share.c.token_hash == token_hash)).one_or_none()
    return Share(*row) if row else None


def page(connection: Connection, maker: str | None, before: int | None, limit: int) -> list[Share]:
    """Links, the newest first; maker: only theirs. before: only those with smaller numbers."""
    query = select(*_COLUMNS).order_by(share.c.id.desc()).limit(limit)
    if maker is not None:
        query = query.where(share.c.maker == maker)
    if before is not None:
        query = query.where(share.c.id < before)
    return [Share(*row) for row in connection.execute(query)]


def change(connection: Connection, number: int, **columns: Any) -> None:
    """Set columns of a link."""
    connection.execute(update(share).where(share.c.id == number).values(columns))


def withdraw(connection: Connection, number: int, by: str, at: datetime) -> bool:
    """End a link and everybody's session of it; False when it was withdrawn before."""
    connection.execute(delete(share_session).where(share_session.c.share_id == number))
    ended = update(share).where(share.c.id == number, share.c.withdrawn_at.is_(None)).values(withdrawn_at=at, withdrawn_by=by)
    return connection.execute(ended).rowcount > 0


def take_try(connection: Connection, number: int) -> bool:
    """Count a try of the code before it is looked at, so that tries at once are tries, too. False: there are none left."""
    left = update(share).where(share.c.id == number, share.c.tries < MOST_TRIES).values(tries=share.c.tries + 1)
    return connection.execute(left).rowcount > 0


def right_code(connection: Connection, number: int, once: bool, at: datetime) -> bool:
    """The code was right: tries begin anew. False: it works once, and another browser was quicker."""
    condition = and_(share.c.id == number, share.c.code_used_at.is_(None)) if once else share.c.id == number
    return connection.execute(update(share).where(condition).values(tries=0, code_used_at=at)).rowcount > 0


def take_room(connection: Connection, number: int, size: int) -> bool:
    """Count bytes that come over an upload link; False when they are more than it has room for."""
    fits = update(share).where(share.c.id == number, share.c.bytes + size <= share.c.most_bytes)
    return connection.execute(fits.values(bytes=share.c.bytes + size)).rowcount > 0


# ---- browsers that are let in


def let_in(connection: Connection, number: int, token_hash: str, address: str, at: datetime) -> None:
    """Remember a browser by the fingerprint of its cookie, and that the link was opened."""
    values = {"token_hash": token_hash, "share_id": number, "address": address, "created_at": at}
    connection.execute(insert(share_session).values(values))
    connection.execute(update(share).where(share.c.id == number).values(openings=share.c.openings + 1, opened_at=at))


def of_session(connection: Connection, token_hash: str) -> Share | None:
    """Whose link a browser was let in by."""
    query = select(*_COLUMNS).join_from(share, share_session).where(share_session.c.token_hash == token_hash)
    row = connection.execute(query).one_or_none()
    return Share(*row) if row else None


def leave(connection: Connection, token_hash: str) -> bool:
    """Forget a browser; False when it was forgotten before."""
    return connection.execute(delete(share_session).where(share_session.c.token_hash == token_hash)).rowcount > 0


def drop_old_sessions(connection: Connection, now: datetime) -> None:
    """Forget the browsers of links that have expired."""
    over = select(share.c.id).where(share.c.expires_at <= now)
    connection.execute(delete(share_session).where(share_session.c.share_id.in_(over)))


# ---- what they open


def studies_of(connection: Connection, link: Share, limit: int) -> list[str]:
    """The studies that a link names, as they are now."""
    if link.opens == Opens.STUDY:
        return [link.study_uid]
    if link.opens == Opens.UPLOAD:
        return []
    query = select(study.c.study_instance_uid).join(patient, patient.c.id == study.c.patient_fk)
    newest = query.where(patient.c.identity == link.identity).order_by(study.c.study_date.desc(), study.c.id.desc()).limit(limit)
    return list(connection.execute(newest).scalars())


def identity_of(connection: Connection, study_uid: str) -> str:
    """Who the patient of a study is (domain.patient.identity), as corrected; "" when it is not held."""
    query = select(patient.c.identity).join(study, study.c.patient_fk == patient.c.id)
    return connection.execute(query.where(study.c.study_instance_uid == study_uid)).scalar() or ""


# ---- what came over upload links and waits


_WAITING = and_(exception.c.kind == "quarantined", exception.c.where == SENT_IN, exception.c.dismissed_at.is_(None))


def groups(connection: Connection, limit: int) -> Sequence[RowMapping]:
    """What waits, by link (actor) and study: objects, bytes, first_at, last_at."""
    c = exception.c
    query = (
        select(c.actor, c.study_instance_uid, func.count().label("objects"), func.sum(c.size).label("bytes"),
               func.min(c.first_at).label("first_at"), func.max(c.last_at).label("last_at"))
        .where(_WAITING).group_by(c.actor, c.study_instance_uid).order_by(func.max(c.last_at).desc()).limit(limit)
    )
    return connection.execute(query).mappings().all()


def waiting(connection: Connection, actor: str, study_uid: str, after: int, limit: int) -> Sequence[RowMapping]:
    """Objects of a group in the order in which they came, after the one with this id."""
    c = exception.c
    mine = and_(_WAITING, c.actor == actor, c.study_instance_uid == study_uid, c.id > after)
    return connection.execute(select(exception).where(mine).order_by(c.id).limit(limit)).mappings().all()


def settle(connection: Connection, ids: Sequence[int], by: str, at: datetime) -> int:
    """Take objects off the list; what was kept of them stays. Returns how many were on it."""
    mine = update(exception).where(exception.c.id.in_(ids), exception.c.dismissed_at.is_(None))
    return connection.execute(mine.values(dismissed_at=at, dismissed_by=by)).rowcount


def held(connection: Connection, identity: str) -> RowMapping | None:
    """The patient of an identity."""
    return connection.execute(select(patient).where(patient.c.identity == identity)).mappings().first()
