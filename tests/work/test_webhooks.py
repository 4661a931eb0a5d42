"""Webhooks: signed messages to a real receiver, in order, once at least; what is not taken, and who is away."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from isocenter.domain import webhooks as rules
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Conflict, Invalid, Missing
from isocenter.domain.events import Event
from isocenter.domain.webhooks import Outcome
from isocenter.operations import gauges
from isocenter.service import exceptions, webhook_messages, webhooks
from isocenter.service.context import Context
from isocenter.settings import Settings
from isocenter.store import changes
from isocenter.work.webhooks import send


@dataclass
class Receiver:
    """Takes messages; what it answers can be said beforehand. It knows the secret as it was shown, and the standard's recipe."""

    url: str = ""
    secret: str = ""
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, Any]] = field(default_factory=list)

    def take(self, headers: Any, body: bytes) -> int:
        status = self.answers.pop(0) if self.answers else 204
        if 200 <= status <= 299 or status == 422:
            assert self.is_genuine(headers, body)
            self.messages.append((headers["webhook-id"], orjson.loads(body)))
        return status

    def is_genuine(self, headers: Any, body: bytes) -> bool:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return hmac.compare_digest(headers["webhook-signature"], f"v1,{expected}")

    def seen(self) -> list[str]:
        """The subjects of the changes it was told of."""
        return [change["subject"] for _, message in self.messages for change in message["data"]["changes"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = made.take(self.headers, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook?a=b"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


class Archive:
    """An archive whose time is turned by hand."""

    def __init__(self, context: Context) -> None:
        self.now = datetime.now(UTC)
        self.context = replace(context, clock=lambda: self.now)

    def happens(self, *subjects: str, kind: Event = Event.STUDY_CREATED) -> None:
        def write(connection: Connection) -> None:
            for subject in subjects:
                changes.append(connection, kind, subject, "CT1", {"study": subject})

        self.context.database.write(write)

    def add(self, receiver: Receiver, **facts: Any) -> None:
        usual = {"name": "ris", "url": receiver.url, "kinds": ["study.*"]}
        _, receiver.secret = webhooks.add(self.context, SYSTEM, **{**usual, **facts})

    def turn(self) -> bool:
        turn = webhook_messages.turn(self.context, webhooks.key(self.context))
        if turn is not None:
            turn.run(partial(send, self.context.settings))
        return turn is not None

    def tell(self) -> None:
        """What the worker does: all that is due."""
        while self.turn():
            pass

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)
        self.tell()

    @property
    def webhook(self) -> webhooks.Webhook:
        return webhooks.get(self.context, SYSTEM, "ris")


@pytest.fixture
def archive(context: Context) -> Archive:
    return Archive(context)


def test_changes_are_told_in_order_and_once(archive: Archive, receiver: Receiver) -> None:
    archive.happens("1.1")
    archive.add(receiver)
    archive.happens("1.2", "1.3")
    archive.happens("1.2", kind=Event.STUDY_READ)
    archive.happens("9", kind=Event.LOGIN_FAILED)
    archive.tell()
    assert receiver.seen() == ["1.2", "1.3", "1.2"], "from when it was added, of the kinds that it asks for"
    (_, first), *_ = receiver.messages
    assert first["type"] == "isocenter.changes" and first["data"]["webhook"] == "ris" and first["data"]["archive"] == "ISOCENTER"
    (change,) = first["data"]["changes"]
    assert (change["kind"], change["actor"], change["payload"]) == ("study.created", "CT1", {"study": "1.2"})
    assert len({message_id for message_id, _ in receiver.messages}) == 3
    archive.happens("1.4")
    archive.tell()
    assert receiver.seen()[3:] == ["1.4"] and not archive.turn(), "what is told is told"
    assert (archive.webhook.told, archive.webhook.last_status, archive.webhook.attempts) == (4, 204, 0)


def test_several_changes_are_one_message_and_all_of_the_log_when_it_is_wanted(archive: Archive, receiver: Receiver) -> None:
    archive.happens(*(f"1.{number}" for number in range(250)))
    archive.add(receiver, together=100, since=0)
    archive.tell()
    assert receiver.seen() == [f"1.{number}" for number in range(250)]
    assert [len(message["data"]["changes"]) for _, message in receiver.messages] == [100, 100, 50]


def test_an_address_that_is_away_is_waited_for_in_order(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    archive.happens("1.1", "1.2")
    receiver.answers = [503, 500]
    archive.tell()
    assert receiver.seen() == [] and archive.webhook.attempts == 1
    assert archive.webhook.last_reason == "it answered with status 503"
    assert not archive.turn(), "not before its time"
    archive.later(seconds=6)
    assert archive.webhook.attempts == 2
    receiver.answers, receiver.headers = [429], {"Retry-After": "300"}
    archive.later(seconds=31)
    archive.later(seconds=200)
    assert receiver.seen() == [], "as it has asked for"
    archive.later(seconds=101)
    assert receiver.seen() == ["1.1", "1.2"] and archive.webhook.failing_since is None


def test_who_is_away_for_days_is_stopped_and_loses_nothing(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    archive.happens("1.1", "1.2")
    receiver.answers = [404] * 1000
    archive.tell()
    for _ in range(8 * 24):
        archive.later(hours=1)
    stopped = archive.webhook
    assert gauges(archive.context)["isocenter_webhooks_failing"][1] == 1.0
    assert not stopped.enabled and stopped.last_status == 404 and stopped.failures == 0
    shown = exceptions.page(archive.context, SYSTEM, kind="notification", dismissed=False, limit=10, after=None).cases
    assert ["ris was stopped" in str(case["reason"]) for case in shown] == [True]
    receiver.answers = []
    archive.happens("1.3")
    archive.tell()
    assert receiver.seen() == []
    webhooks.change(archive.context, SYSTEM, "ris", enabled=True)
    archive.tell()
    assert receiver.seen() == ["1.1", "1.2", "1.3"]


def test_what_is_not_wanted_is_put_aside_and_sent_again_when_asked(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver, together=10)
    archive.happens("1.1", "1.2", "1.3")
    receiver.answers = [422, 204, 422, 422, 422, 422, 422]  # all three; 1.1; the other two; 1.2 four times; then 1.3
    archive.tell()
    for _ in range(4):
        archive.later(minutes=5)
    assert receiver.seen() == ["1.1", "1.2", "1.3", "1.1", "1.2", "1.3", *["1.2"] * 4, "1.3"]
    (aside,) = webhooks.failures(archive.context, SYSTEM, "ris")
    assert (aside.changes, aside.status, aside.attempts, aside.reason) == (1, 422, 4, "it answered with status 422")
    assert aside.first_seq == aside.last_seq
    shown = gauges(archive.context)
    assert (shown["isocenter_webhook_messages_put_aside"][1], shown["isocenter_webhooks_failing"][1]) == (1.0, 0.0)
    receiver.messages.clear()
    receiver.answers = [500]
    assert webhooks.resend(archive.context, SYSTEM, "ris", aside.id) == 1
    archive.tell()
    (aside,) = webhooks.failures(archive.context, SYSTEM, "ris")
    assert (aside.attempts, aside.reason, aside.resend_asked) == (5, "it answered with status 500", False)
    assert webhooks.resend(archive.context, SYSTEM, "ris") == 1
    archive.tell()
    assert receiver.seen() == ["1.2"] and webhooks.failures(archive.context, SYSTEM, "ris") == []
    with pytest.raises(Missing):
        webhooks.resend(archive.context, SYSTEM, "ris", aside.id)
    kinds = [change.kind for change in archive.context.database.read(lambda connection: changes.since(connection, 0))]
    assert kinds.count("webhook.failed") == 1 and kinds.count("webhook.resent") == 2


def test_gone_is_gone(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver, kinds=["*"])
    archive.happens("1.1")
    receiver.answers = [410]
    archive.tell()
    assert not archive.webhook.enabled and archive.webhook.failing_since is not None
    archive.later(days=1)
    webhooks.change(archive.context, SYSTEM, "ris", enabled=True)
    archive.tell()
    assert receiver.seen() == ["1.1"], "it is not told of itself: that would never end"


def test_a_killed_worker_tells_once_more(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    archive.happens("1.1", "1.2")

    class Killed(BaseException):
        pass

    def die(url: str, headers: Any, body: bytes) -> webhook_messages.Answer:
        send(archive.context.settings, url, headers, body)
        raise Killed

    turn = webhook_messages.turn(archive.context, webhooks.key(archive.context))
    assert turn is not None
    with pytest.raises(Killed):
        turn.run(die)
    assert not archive.turn(), "somebody may still be at it"
    archive.later(minutes=3)
    assert receiver.seen() == ["1.1", "1.1", "1.2"]
    assert receiver.messages[0][0] == receiver.messages[1][0], "by which the receiver knows it"


def test_who_lost_its_lease_changes_nothing(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    archive.happens("1.1", "1.2")

    def slow(url: str, headers: Any, body: bytes) -> webhook_messages.Answer:
        archive.later(minutes=3)  # another worker takes over, and tells everything
        return webhook_messages.Answer(500, "too late")

    turn = webhook_messages.turn(archive.context, webhooks.key(archive.context))
    assert turn is not None
    turn.run(slow)
    assert receiver.seen() == ["1.1", "1.2"] and archive.webhook.attempts == 0 and not archive.turn()


def test_a_test_a_new_secret_and_a_pause(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    webhooks.change(archive.context, SYSTEM, "ris", enabled=False)
    archive.happens("1.1")
    archive.tell()
    webhooks.test(archive.context, SYSTEM, "ris")
    archive.tell()
    assert [message["type"] for _, message in receiver.messages] == ["isocenter.test"] and archive.webhook.last_status == 204
    assert archive.webhook.attempts == 0, "of messages that failed"
    old = receiver.secret
    receiver.secret = webhooks.new_secret(archive.context, SYSTEM, "ris")
    assert receiver.secret != old
    webhooks.change(archive.context, SYSTEM, "ris", enabled=True)
    archive.tell()
    assert receiver.seen() == ["1.1"], "signed with the new one"
    webhooks.remove(archive.context, SYSTEM, "ris")
    archive.happens("1.2")
    assert not archive.turn()


def test_the_secret_is_not_in_the_database_and_needs_the_key(archive: Archive, receiver: Receiver) -> None:
    archive.add(receiver)
    archive.happens("1.1")
    key = webhooks.key(archive.context)
    assert (archive.context.settings.data / "webhook.key").stat().st_mode & 0o777 == 0o600
    assert rules.shown(rules.secret(key, archive.webhook.nonce)) == receiver.secret
    other = replace(archive.context, settings=replace(archive.context.settings, webhook_key="of another machine"))
    assert webhook_messages.turn(other, webhooks.key(other)) is None, "it could not sign"
    assert archive.turn() and receiver.seen() == ["1.1"]


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({"url": "ftp://host/x"}, "url"), ({"url": "https://user:secret@host/x"}, "url"), ({"url": "https://host:x/"}, "url"),
        ({"url": "https://host/a b"}, "url"), ({"kinds": []}, "kinds"), ({"kinds": ["study.eaten"]}, "kinds"),
        ({"name": "a/b"}, "name"), ({"together": 101}, "together"),
    ],
)  # fmt: skip
def test_what_is_no_webhook(facts: dict[str, Any], where: str, sqlite_context: Context) -> None:
    with pytest.raises(Invalid) as error:
        webhooks.add(sqlite_context, SYSTEM, **{"name": "x", "url": "https://host/", "kinds": ["*"], **facts})
    assert error.value.where == where


def test_a_name_is_taken_once(sqlite_context: Context) -> None:
    webhooks.add(sqlite_context, SYSTEM, name="x", url="https://host/", kinds=["*"])
    with pytest.raises(Conflict):
        webhooks.add(sqlite_context, SYSTEM, name="x", url="https://host/", kinds=["*"])


def test_where_no_message_goes(receiver: Receiver) -> None:
    """Not to the machine's keeper of keys, and not where somebody else leads to."""
    for host in ("169.254.169.254", "0.0.0.0", "224.0.0.1", "[::ffff:169.254.169.254]"):
        answer = send(Settings(), f"http://{host}/", {}, b"")
        assert (answer.status, answer.reason) == (0, "it cannot be reached: no message may be sent to this address"), host
    assert not any(map(rules.may_be_called, ("fe80::1", "fe80::1%eth0", "::", "ff02::1", "240.0.0.1", "255.255.255.255")))
    receiver.answers, receiver.headers = [302], {"Location": receiver.url}
    answer = send(Settings(), receiver.url, {"webhook-id": "x"}, b"{}")
    assert answer.status == 302 and "not followed" in answer.reason and receiver.messages == []
    assert rules.judged(302) is Outcome.UNAVAILABLE
    assert rules.may_be_called("10.0.0.7") and rules.may_be_called("127.0.0.1") and rules.may_be_called("2001:4860:4860::8888")
    assert "cannot be reached" in send(Settings(), "http://127.0.0.1:9/", {}, b"").reason


@given(st.text(max_size=60))
def test_every_address_is_judged(text: str) -> None:
    assert isinstance(rules.fault_of_url(text), str) and isinstance(rules.fault_of_url(f"http://{text}"), str)
