"""Rows of webhooks and of the messages that were put aside. Plain functions over a Connection."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from isocenter.domain.errors import Conflict
from isocenter.store import leases
from isocenter.store.schema import change
from isocenter.store.schema_webhooks import webhook, webhook_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A row: see `schema_webhooks`. failures: messages that were put aside."""

    id: int
    name: str
    url: str
    kinds: str
    together: int
    enabled: bool
    nonce: str
    key_id: str
    cursor: int
    until: int | None
    due_at: datetime
    attempts: int
    failing_since: datetime | None
    lease_until: datetime | None
    test_asked: bool
    told: int
    told_at: datetime | None
    last_status: int
    last_reason: str
    last_at: datetime | None
    created_at: datetime
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A message that was put aside: the changes from first_seq to last_seq that the webhook asks for."""

    id: int
    first_seq: int
    last_seq: int
    changes: int
    status: int
    reason: str
    attempts: int
    failed_at: datetime
    resend_asked: bool


_COLUMNS = [webhook.c[each.name] for each in fields(Webhook) if each.name != "failures"]
_FAILURE = [webhook_failure.c[each.name] for each in fields(Failure)]
_COUNT = select(func.count()).where(webhook_failure.c.webhook_fk == webhook.c.id).scalar_subquery().label("failures")


def webhooks(connection: Connection) -> list[Webhook]:
    """All of them, by name."""
    return [Webhook(**row._mapping) for row in connection.execute(select(*_COLUMNS, _COUNT).order_by(webhook.c.name))]


def named(connection: Connection, name: str) -> Webhook | None:
    """One of them."""
    row = connection.execute(select(*_COLUMNS, _COUNT).where(webhook.c.name == name)).one_or_none()
    return None if row is None else Webhook(**row._mapping)


def add(connection: Connection, **columns: Any) -> None:
    """Keep a new one. Raises Conflict when the name is taken."""
    try:
        connection.execute(insert(webhook).values(**columns))
    except IntegrityError:
        raise Conflict("there is a webhook of this name already", where="name") from None


def change_(connection: Connection, webhook_id: int, **columns: Any) -> None:
    """Change columns of one."""
    connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**columns))


def remove(connection: Connection, webhook_id: int) -> None:
    """Forget one, and its failures."""
    connection.execute(delete(webhook).where(webhook.c.id == webhook_id))


# ---- messages that were put aside


def failures(connection: Connection, webhook_id: int, limit: int) -> list[Failure]:
    """Those of one webhook, the latest first."""
    query = select(*_FAILURE).where(webhook_failure.c.webhook_fk == webhook_id).order_by(webhook_failure.c.id.desc()).limit(limit)
    return [Failure(**row._mapping) for row in connection.execute(query)]


def put_aside(connection: Connection, webhook_id: int, **columns: Any) -> None:
    """Keep a message that was not taken."""
    connection.execute(insert(webhook_failure).values(webhook_fk=webhook_id, **columns))


def ask_again(connection: Connection, webhook_id: int, failure_id: int | None) -> int:
    """Have a message sent again, or (None) all of a webhook; how many."""
    return connection.execute(update(webhook_failure).where(_of(webhook_id, failure_id)).values(resend_asked=True)).rowcount


def drop(connection: Connection, webhook_id: int, failure_id: int | None) -> int:
    """Forget a message, or (None) all of a webhook; how many."""
    return connection.execute(delete(webhook_failure).where(_of(webhook_id, failure_id))).rowcount


def asked_again(connection: Connection, webhook_id: int) -> Failure | None:
    """The oldest message that is to be sent again."""
    wanted = and_(webhook_failure.c.webhook_fk == webhook_id, webhook_failure.c.resend_asked)
    row = connection.execute(select(*_FAILURE).where(wanted).order_by(webhook_failure.c.id).limit(1)).one_or_none()
    return None if row is None else Failure(**row._mapping)


def failed_again(connection: Connection, failure: Failure, status: int, reason: str, at: datetime) -> None:
    """A message that was sent again was not taken either."""
    values = {"status": status, "reason": reason, "attempts": failure.attempts + 1, "failed_at": at, "resend_asked": False}
    connection.execute(update(webhook_failure).where(webhook_failure.c.id == failure.id).values(**values))


def _of(webhook_id: int, failure_id: int | None) -> ColumnElement[bool]:
    of_webhook = webhook_failure.c.webhook_fk == webhook_id
    return of_webhook if failure_id is None else and_(of_webhook, webhook_failure.c.id == failure_id)


# ---- the telling


def is_due(connection: Connection, key_id: str, now: datetime) -> bool:
    """Whether `claim` would find something: a read, so that an idle worker writes nothing."""
    return leases.is_due(connection, webhook, _due(key_id, now))


def claim(connection: Connection, key_id: str, now: datetime, lease: timedelta) -> Webhook | None:
    """Take the webhook that has been due for longest; until the lease ends nobody else tells it."""
    # Not `take`: `attempts` are those of a message that failed.
    for row in leases.find(connection, webhook, _due(key_id, now), columns=_COLUMNS):
        leases.hold(connection, webhook, [row.id], now + lease)
        return Webhook(**{**row._mapping, "lease_until": now + lease})
    return None


def settle(connection: Connection, claimed: Webhook, **columns: Any) -> bool:
    """Change columns of a claimed webhook. False: the lease was lost, and somebody else goes on from where it stood."""
    held = and_(webhook.c.id == claimed.id, webhook.c.lease_until == claimed.lease_until, webhook.c.cursor == claimed.cursor)
    return connection.execute(update(webhook).where(held).values(**columns)).rowcount == 1


def _due(key_id: str, now: datetime) -> ColumnElement[bool]:
    newest = select(func.max(change.c.seq)).scalar_subquery()
    again = exists().where(webhook_failure.c.webhook_fk == webhook.c.id, webhook_failure.c.resend_asked)
    more = and_(webhook.c.enabled, webhook.c.due_at <= now, webhook.c.cursor < newest)
    return and_(webhook.c.key_id == key_id, leases.free(webhook, now), or_(webhook.c.test_asked, again, more))
