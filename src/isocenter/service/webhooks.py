"""Webhooks: other programs are told of changes by signed HTTP requests, durably and in order. Administration of them.

How far a webhook has been told is a number in its row; what it is still to be told is the change log after it. So a change that
was committed is told whatever is killed, once at least. The telling itself is in `webhook_messages`.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from isocenter.domain import access, feed, webhooks
from isocenter.domain.access import Permission, Principal
from isocenter.domain.errors import Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.routing import NAME
from isocenter.service.context import Context
from isocenter.store import archive_key, changes
from isocenter.store import webhooks as rows
from isocenter.store.webhooks import Failure, Webhook

__all__ = [
    "Failure", "Webhook", "add", "change", "drop", "failures", "figures", "get", "key", "new_secret", "remove", "resend", "test",
    "waiting",
]  # fmt: skip

MOST = 100  # webhooks: each is a query twice a second at most
SHOWN = 500  # failures


def key(context: Context) -> bytes:
    """The archive's key, of which the secrets of webhooks are made. Raises Broken."""
    return archive_key.of(context.settings)


def all_(context: Context, principal: Principal) -> list[Webhook]:
    """Every webhook, by name."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    return context.database.read(rows.webhooks)


def get(context: Context, principal: Principal, name: str) -> Webhook:
    """One of them. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    return context.database.read(lambda connection: _found(connection, name))


def add(
    context: Context, principal: Principal, *, name: str, url: str, kinds: Sequence[str], together: int = 1,
    since: int | None = None,
) -> tuple[Webhook, str]:
    """Tell an address of changes from now on; the webhook and its secret, which is not shown again. Raises Invalid, Conflict.

    kinds: names or patterns (study.*). together: changes of one message at most. since: tell it of those after this number, too.
    """
    access.require(principal, Permission.WEBHOOK_MANAGE)
    if not NAME.fullmatch(name):
        raise Invalid("a name has 1 to 64 characters, no slash, and no space at its ends", where="name")
    columns, ours, nonce = _checked({"url": url, "kinds": kinds, "together": together}), key(context), secrets.token_hex(16)

    def write(connection: Connection) -> Webhook:
        if len(rows.webhooks(connection)) >= MOST:
            raise Invalid(f"there are {MOST} webhooks already", hint="Remove one.")
        newest, now = changes.latest(connection), context.clock()
        cursor = newest if since is None else min(max(since, 0), newest)
        rows.add(connection, name=name, **columns, enabled=True, nonce=nonce, key_id=webhooks.key_id(ours), cursor=cursor,
                 due_at=now, created_at=now)  # fmt: skip
        changes.append(connection, Event.WEBHOOK_CREATED, name, principal.name, {"url": url, "kinds": columns["kinds"]})
        return _found(connection, name)

    return context.database.write(write), webhooks.shown(webhooks.secret(ours, nonce))


def change(context: Context, principal: Principal, name: str, **facts: Any) -> Webhook:
    """Change what is given: url, kinds, together, enabled (it goes on from where it stood). Raises Invalid, Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    columns = _checked(facts)

    def write(connection: Connection) -> Webhook:
        known = _found(connection, name)
        # Whatever was wrong may be right now: it is tried at once, as if for the first time.
        again = {"due_at": context.clock(), "attempts": 0, "failing_since": None, "until": None}
        rows.change_(connection, known.id, **columns, **again)
        changes.append(connection, Event.WEBHOOK_UPDATED, name, principal.name, {"changed": sorted(facts)})
        return _found(connection, name)

    return context.database.write(write)


def waiting(context: Context, known: Webhook) -> int:
    """How many changes of all kinds are in the log after what it has been told."""
    return max(0, context.database.read(changes.latest) - known.cursor)


def figures(context: Context) -> tuple[int, int]:
    """How many webhooks are not reached or were stopped for that, and how many messages were put aside; for Prometheus."""
    known = context.database.read(rows.webhooks)
    return sum(each.failing_since is not None for each in known), sum(each.failures for each in known)


def new_secret(context: Context, principal: Principal, name: str) -> str:
    """Make another secret; what is sent from now on is signed with it. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    ours, nonce = key(context), secrets.token_hex(16)

    def write(connection: Connection) -> None:
        rows.change_(connection, _found(connection, name).id, nonce=nonce, key_id=webhooks.key_id(ours))
        changes.append(connection, Event.WEBHOOK_UPDATED, name, principal.name, {"changed": ["secret"]})

    context.database.write(write)
    return webhooks.shown(webhooks.secret(ours, nonce))


def remove(context: Context, principal: Principal, name: str) -> None:
    """Tell an address nothing more. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)

    def write(connection: Connection) -> None:
        rows.remove(connection, _found(connection, name).id)
        changes.append(connection, Event.WEBHOOK_REMOVED, name, principal.name)

    context.database.write(write)


def test(context: Context, principal: Principal, name: str) -> None:
    """Have a message sent that tells of nothing; what comes of it is the webhook's last result. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    context.database.write(lambda connection: rows.change_(connection, _found(connection, name).id, test_asked=True))


def failures(context: Context, principal: Principal, name: str) -> list[Failure]:
    """Messages that were put aside, the latest first, at most SHOWN. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)
    return context.database.read(lambda connection: rows.failures(connection, _found(connection, name).id, SHOWN))


def resend(context: Context, principal: Principal, name: str, failure_id: int | None = None) -> int:
    """Send a message that was put aside once more, or (None) all of them; how many. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)

    def write(connection: Connection) -> int:
        count = rows.ask_again(connection, _found(connection, name).id, failure_id)
        _need(count, failure_id)
        changes.append(connection, Event.WEBHOOK_RESENT, name, principal.name, {"messages": count})
        return count

    return context.database.write(write)


def drop(context: Context, principal: Principal, name: str, failure_id: int | None = None) -> int:
    """Forget a message that was put aside, or (None) all of them; how many. Raises Missing."""
    access.require(principal, Permission.WEBHOOK_MANAGE)

    def write(connection: Connection) -> int:
        count = rows.drop(connection, _found(connection, name).id, failure_id)
        _need(count, failure_id)
        changes.append(connection, Event.WEBHOOK_UPDATED, name, principal.name, {"dropped": count})
        return count

    return context.database.write(write)


def _need(count: int, failure_id: int | None) -> None:
    if failure_id is not None and not count:
        raise Missing("there is no such message", where="id")


def _checked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts as the index keeps them. Raises Invalid."""
    columns = dict(facts)
    if "url" in columns and (fault := webhooks.fault_of_url(columns["url"])):
        raise Invalid(f"the address cannot be used: {fault}", where="url")
    if "kinds" in columns:
        wanted = [kind.strip() for kind in columns["kinds"] if kind.strip()]
        if not wanted:
            raise Invalid("name the kinds of changes that it is to be told of", where="kinds", hint="study.*, instance.*, *")
        try:
            feed.kinds(wanted)
        except feed.InvalidKinds as error:
            raise Invalid(str(error), where="kinds") from None
        columns["kinds"] = ",".join(wanted)
    if not 1 <= columns.get("together", 1) <= webhooks.MOST_TOGETHER:
        raise Invalid(f"it is 1 to {webhooks.MOST_TOGETHER}", where="together")
    return columns


def _found(connection: Connection, name: str) -> Webhook:
    found = rows.named(connection, name)
    if found is None:
        raise Missing("there is no such webhook", where="name", hint="isocenter webhook list shows those that there are")
    return found
