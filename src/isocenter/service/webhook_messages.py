"""Webhooks are told: one message after the other, each until it is taken, put aside, or its address was unavailable for days.

A webhook is told by whoever holds its lease; a killed worker's ends by itself. The number up to which it has been told moves when
the answer has come: who is killed in between tells it once more.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection

from isocenter.domain import feed, webhooks
from isocenter.domain.events import Event
from isocenter.domain.webhooks import Outcome
from isocenter.service.context import Context
from isocenter.store import changes, exceptions
from isocenter.store import webhooks as rows
from isocenter.store.changes import Change
from isocenter.store.webhooks import Webhook

__all__ = ["Answer", "Send", "Turn", "turn"]

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
TURN = timedelta(seconds=45)  # then others have their turn; with one message's patience it is within the lease
LOOK = 1000  # changes of one look for those that are asked for


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. status 0: there was no answer, and reason says why. retry_after: seconds, as the receiver asks."""

    status: int
    reason: str = ""
    retry_after: int = 0


Send = Callable[[str, Mapping[str, str], bytes], Answer]
"""POST to (url, headers, body); does not raise: `work.webhooks.send`, a floor above."""


def turn(context: Context, key: bytes) -> "Turn | None":
    """Take the webhook that has waited for longest; None when nothing is due, which is a read only."""
    ours, now = webhooks.key_id(key), context.clock()
    if not context.database.read(partial(rows.is_due, key_id=ours, now=now)):
        return None
    claimed = context.database.write(partial(rows.claim, key_id=ours, now=now, lease=LEASE))
    return None if claimed is None else Turn(context, claimed, key)


class Turn:
    """What one webhook is told now, as long as its lease holds."""

    def __init__(self, context: Context, claimed: Webhook, key: bytes) -> None:
        self._context = context
        self._webhook = claimed
        self._key = key
        self._send: Send = lambda url, headers, body: Answer(0)
        self._kinds = frozenset(event.value for event in feed.kinds(claimed.kinds.split(",")))

    def run(self, send: Send, unwanted: Callable[[], bool] = lambda: False) -> None:
        """Until there is nothing more, something fails, or the turn is over; then the lease is given back."""
        self._send = send
        ends = self._context.clock() + TURN
        if self._webhook.test_asked:
            answer = self._message("test", [], f"isocenter-{self._webhook.id}-test-{int(ends.timestamp())}")
            self._settle(test_asked=False, **_result(answer, self._context.clock()))
        while not unwanted() and self._context.clock() < ends and self._again():
            pass
        while not unwanted() and self._context.clock() < ends and self._is_on() and self._next():
            pass
        self._settle(lease_until=None)

    def _is_on(self) -> bool:
        """Whether a person has not stopped or changed it meanwhile; then its next turn does what is wanted now."""
        known = self._webhook
        seen = self._context.database.read(lambda connection: rows.named(connection, known.name))
        same = seen is not None and (seen.url, seen.kinds, seen.nonce) == (known.url, known.kinds, known.nonce)
        return same and seen is not None and seen.enabled and seen.due_at <= self._context.clock()

    def _again(self) -> bool:
        """Send a message that was put aside, if somebody asks for it. False: nobody does."""
        failure = self._context.database.read(partial(rows.asked_again, webhook_id=self._webhook.id))
        if failure is None:
            return False
        first = failure.first_seq - 1
        read = partial(changes.since, seq=first, limit=LOOK, until=failure.last_seq)
        found = [change for change in self._context.database.read(read) if self._is_wanted(change)]
        numbers = [failure.first_seq, failure.last_seq]
        answer = self._message("changes", found, webhooks.message_id(self._webhook.id, numbers)) if found else Answer(200)
        at = self._context.clock()

        def write(connection: Connection) -> None:
            if webhooks.judged(answer.status) is Outcome.TAKEN:
                rows.drop(connection, self._webhook.id, failure.id)
            else:
                rows.failed_again(connection, failure, answer.status, answer.reason, at)
            rows.change_(connection, self._webhook.id, **_result(answer, at))

        self._context.database.write(write)
        return True

    def _next(self) -> bool:
        """The next message. False: there is none now, or it has to wait."""
        known = self._webhook
        read = partial(changes.since, seq=known.cursor, limit=LOOK, until=known.until)
        looked = self._context.database.read(read)
        found = [change for change in looked if self._is_wanted(change)][: known.together]
        if not found:
            return self._settle(cursor=looked[-1].seq, until=None) if looked else False
        numbers = [change.seq for change in found]
        answer = self._message("changes", found, webhooks.message_id(known.id, numbers))
        return self._judge(answer, numbers)

    def _judge(self, answer: Answer, numbers: list[int]) -> bool:
        known, at = self._webhook, self._context.clock()
        outcome, result = webhooks.judged(answer.status), _result(answer, at)
        attempts, since = known.attempts + 1, known.failing_since or at
        after = {"cursor": numbers[-1], "until": None, "attempts": 0, "failing_since": None, **result}
        if outcome is Outcome.TAKEN:
            return self._settle(**after, told=known.told + len(numbers), told_at=at)
        self._log(answer, attempts)
        if outcome is Outcome.REFUSED and len(numbers) > 1:  # one by one, so that only what is not wanted is put aside
            return self._settle(until=numbers[0], **result)
        if outcome is Outcome.REFUSED and attempts >= webhooks.REFUSALS:
            return self._put_aside(answer, numbers, attempts, at, after)
        if outcome is Outcome.GONE or at - since >= webhooks.GIVE_UP:
            self._stop(answer, at, result)
            return False
        due_at = at + webhooks.wait(attempts, answer.retry_after)
        self._settle(until=numbers[-1], attempts=attempts, failing_since=since, due_at=due_at, **result)
        return False

    def _put_aside(
        self, answer: Answer, numbers: list[int], attempts: int, at: datetime, after: dict[str, Any]
    ) -> bool:  # fmt: skip
        known = self._webhook

        def write(connection: Connection) -> bool:
            if not rows.settle(connection, known, **after):
                return False
            rows.put_aside(connection, known.id, first_seq=numbers[0], last_seq=numbers[-1], changes=len(numbers),
                           status=answer.status, reason=answer.reason, attempts=attempts, failed_at=at)  # fmt: skip
            told = {"first": numbers[0], "last": numbers[-1], "status": answer.status}
            changes.append(connection, Event.WEBHOOK_FAILED, known.name, "system", told)
            exceptions.record(connection, _case(known, f"did not take a message: {answer.reason}"), at)
            return True

        if not self._context.database.write(write):
            return False
        self._webhook = replace(known, **after)
        return True

    def _stop(self, answer: Answer, at: datetime, result: dict[str, Any]) -> None:
        """Nobody is there any more: the rest stays in the log until a person turns it on again."""
        known = self._webhook

        def write(connection: Connection) -> None:
            since = known.failing_since or at
            if rows.settle(connection, known, enabled=False, lease_until=None, failing_since=since, **result):
                changes.append(connection, Event.WEBHOOK_STOPPED, known.name, "system", {"status": answer.status})
                exceptions.record(connection, _case(known, f"was stopped: {answer.reason}"), at)

        self._context.database.write(write)
        self._webhook = replace(known, enabled=False)

    def _message(self, type_: str, found: list[Change], message_id: str) -> Answer:
        at = self._context.clock()
        told = {"webhook": self._webhook.name, "archive": self._context.settings.aet, "changes": list(map(_facts, found))}
        body = orjson.dumps({"type": f"isocenter.{type_}", "timestamp": at.isoformat(), "data": told})
        secret = webhooks.secret(self._key, self._webhook.nonce)
        return self._send(self._webhook.url, webhooks.headers(secret, message_id, int(at.timestamp()), body), body)

    def _is_wanted(self, change: Change) -> bool:
        """Of what is asked for; but a webhook is not told of itself: it would never come to an end."""
        return change.kind in self._kinds and not (change.kind.startswith("webhook.") and change.subject == self._webhook.name)

    def _settle(self, **columns: Any) -> bool:
        """Write what has changed, unless the lease was lost. Returns whether it is still ours."""
        known = self._webhook
        if not self._context.database.write(lambda connection: rows.settle(connection, known, **columns)):
            return False
        self._webhook = replace(known, **columns)
        return True

    def _log(self, answer: Answer, attempts: int) -> None:
        facts = {"webhook": self._webhook.name, "status": answer.status, "reason": answer.reason, "attempts": attempts}
        log.warning("a webhook's message was not taken", extra={"facts": facts})


def _facts(change: Change) -> dict[str, Any]:
    return {
        "seq": change.seq, "at": change.at.isoformat(), "kind": change.kind, "subject": change.subject, "actor": change.actor,
        "payload": change.payload,
    }  # fmt: skip


def _result(answer: Answer, at: datetime) -> dict[str, Any]:
    return {"last_status": answer.status, "last_reason": answer.reason, "last_at": at}


def _case(known: Webhook, what: str) -> exceptions.Case:
    """What a person should see: somebody waits for news that do not come."""
    return exceptions.Case(
        kind="notification", fingerprint=f"webhook {known.name}", source="webhook", source_aet=known.name,
        reason=f"the webhook {known.name} {what}",
    )  # fmt: skip
