"""Accounts from the command line's side: on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydicom.dataset import Dataset

from isocenter.domain import access
from isocenter.domain.access import SYSTEM, Permission, Principal, Role
from isocenter.domain.errors import Busy, Conflict, Forbidden, Invalid, Missing, Unauthenticated
from isocenter.domain.events import Event
from isocenter.domain.sharing import Opens
from isocenter.service import (
    accounts,
    changes,
    exceptions,
    exports,
    filling,
    ingest,
    ordering,
    peers,
    procedures,
    received,
    rejections,
    remote,
    sessions,
    sharing,
    splitting,
    system,
    uploading,
    ups,
    ups_channels,
    ups_reports,
    webhooks,
    worklist,
)
from isocenter.service.context import Context
from isocenter.service.sharing import Wanted

WATCHER = ups_reports.Subscriber("A")
PASSWORD = "a sentence of several words"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def archive(context: Context) -> Context:
    """An archive whose passwords cost nothing."""
    return replace(context, settings=replace(context.settings, argon2_memory_kib=64, argon2_passes=1))


def test_the_first_start_makes_one_administrator(archive: Context) -> None:
    password = accounts.ensure_admin(archive)
    assert password is not None
    assert accounts.ensure_admin(archive) is None and accounts.ensure_admin(archive, "another password entirely") is None
    assert [user.name for user in accounts.users(archive, SYSTEM)] == ["admin"]
    assert sessions.begin(archive, "admin", password, "127.0.0.1").principal.role == Role.ADMIN


def test_the_first_password_may_be_given(archive: Context) -> None:
    assert accounts.ensure_admin(archive, PASSWORD) is None
    assert sessions.begin(archive, "ADMIN", PASSWORD, "").principal.name == "admin"


def test_the_first_password_must_be_a_good_one(archive: Context) -> None:
    with pytest.raises(Invalid):
        accounts.ensure_admin(archive, "admin")
    assert accounts.users(archive, SYSTEM) == []


def test_another_password_ends_the_sessions(archive: Context) -> None:
    accounts.add_user(archive, SYSTEM, name="ray", role="radiologist", password=PASSWORD)
    begun = sessions.begin(archive, "ray", PASSWORD, "127.0.0.1")
    generated = accounts.set_password(archive, SYSTEM, "RAY")
    assert generated is not None
    with pytest.raises(Unauthenticated):
        sessions.resume(archive, begun.secret, "127.0.0.1")
    assert accounts.set_password(archive, SYSTEM, "ray", PASSWORD) is None
    assert sessions.begin(archive, "ray", PASSWORD, "").secret != begun.secret


def test_disabled_and_enabled_again(archive: Context) -> None:
    accounts.add_user(archive, SYSTEM, name="ray", role="radiologist", password=PASSWORD)
    assert accounts.disable_user(archive, SYSTEM, "ray").disabled
    with pytest.raises(Unauthenticated):
        sessions.begin(archive, "ray", PASSWORD, "127.0.0.1")
    assert not accounts.enable_user(archive, SYSTEM, "ray").disabled
    assert sessions.begin(archive, "ray", PASSWORD, "127.0.0.1")
    with pytest.raises(Missing):
        accounts.disable_user(archive, SYSTEM, "nobody")
    with pytest.raises(Conflict):
        accounts.add_user(archive, SYSTEM, name="Ray", role="admin")


def test_the_throttle_is_in_the_database_and_forgets(archive: Context) -> None:
    accounts.add_user(archive, SYSTEM, name="ray", role="radiologist", password=PASSWORD)
    at = [NOW]
    archive = replace(archive, clock=lambda: at[0])
    waits: list[int] = []
    for _ in range(12):
        try:
            sessions.begin(archive, "ray", "wrong password", "203.0.113.1")
        except Busy as busy:
            waits.append(busy.retry_after)
            at[0] += timedelta(seconds=busy.retry_after)
            with pytest.raises(Unauthenticated):
                sessions.begin(archive, "ray", "wrong password", "203.0.113.1")
        except Unauthenticated:
            pass
    assert waits == [1, 2, 4, 8, 16, 32, 60]
    at[0] += timedelta(seconds=60)
    assert sessions.begin(archive, "ray", PASSWORD, "203.0.113.2")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            sessions.begin(archive, "ray", "wrong password", "203.0.113.1")
    at[0] += timedelta(hours=1)
    with pytest.raises(Unauthenticated):
        sessions.begin(archive, "ray", "wrong password", "203.0.113.1")


def test_every_kind_of_change_has_its_readers() -> None:
    assert set(changes.SEEN_WITH) == set(Event)


def nobody(role: Role) -> Principal:
    return Principal("somebody", role, "user", "session")


USES: list[tuple[Permission, Callable[[Context, Principal], object]]] = [
    (Permission.USER_MANAGE, accounts.users),
    (Permission.USER_MANAGE, lambda c, p: accounts.add_user(c, p, name="x", role="admin")),
    (Permission.USER_MANAGE, lambda c, p: accounts.change_user(c, p, "x", disabled=True)),
    (Permission.USER_MANAGE, lambda c, p: accounts.set_password(c, p, "x")),
    (Permission.TOKEN_MANAGE, accounts.tokens),
    (Permission.TOKEN_MANAGE, lambda c, p: accounts.create_token(c, p, user="x")),
    (Permission.TOKEN_MANAGE, lambda c, p: accounts.revoke_token(c, p, 1)),
    (Permission.PEER_MANAGE, peers.peers),
    (Permission.PEER_MANAGE, lambda c, p: peers.add(c, p, aet="A", host="h", port=1)),
    (Permission.PEER_MANAGE, lambda c, p: peers.change(c, p, "A", port=2)),
    (Permission.PEER_MANAGE, lambda c, p: peers.remove(c, p, "A")),
    (Permission.PEER_MANAGE, lambda c, p: peers.echo(c, p, "A")),
    (Permission.STUDY_QUERY, lambda c, p: changes.page(c, p, 0, 10)),
    (Permission.QUARANTINE_READ, lambda c, p: exceptions.page(c, p, kind=None, dismissed=False, limit=1, after=None)),
    (Permission.QUARANTINE_READ, lambda c, p: exceptions.open_kept(c, p, 1)),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: exceptions.dismiss(c, p, 1)),
    (Permission.STUDY_REJECT, lambda c, p: rejections.reject(c, p, "1.2", ingest.begin, kind="quality", reason="x")),
    (Permission.STUDY_CORRECT, lambda c, p: splitting.copy(c, p, "1.2", ["1.3"], ingest.begin, reason="x")),
    (Permission.STUDY_CORRECT, lambda c, p: splitting.page(c, p, "1.2")),
    (Permission.STUDY_CORRECT, lambda c, p: splitting.get(c, p, 1)),
    (Permission.STUDY_REJECT, lambda c, p: rejections.restore_all(c, p, ["1.2"])),
    (Permission.QUARANTINE_READ, lambda c, p: exceptions.get(c, p, 1)),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: exceptions.refile(c, p, 1, ingest.begin)),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: exceptions.serve(c, p, 1)),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: exceptions.whom(c, p, 1)),
    (Permission.REJECTED_READ, rejections.page),
    (Permission.REJECTED_READ, rejections.holds),
    (Permission.REJECTED_READ, lambda c, p: rejections.get(c, p, 1)),
    (Permission.REJECTED_READ, lambda c, p: rejections.restore(c, p, 1)),
    (Permission.STUDY_DELETE, lambda c, p: rejections.delete(c, p, 1, "x")),
    (Permission.STUDY_DELETE, lambda c, p: rejections.keep(c, p, 1)),
    (Permission.STUDY_HOLD, lambda c, p: rejections.hold(c, p, "1.2", "x")),
    (Permission.STUDY_HOLD, lambda c, p: rejections.release(c, p, "1.2", "x")),
    (Permission.SYSTEM_READ, system.describe),
    (Permission.SYSTEM_READ, filling.progress),
    (Permission.SYSTEM_MANAGE, lambda c, p: filling.again(c, p, "names")),
    (Permission.SYSTEM_MANAGE, lambda c, p: uploading.forget(c, p, "node")),
    (Permission.SYSTEM_READ, lambda c, p: uploading.nodes(c, p)),
    (Permission.STUDY_QUERY, lambda c, p: worklist.find(c, p, {}, sort="StudyDate", limit=1, offset=0, cursor="")),
    (Permission.STUDY_QUERY, lambda c, p: worklist.detail(c, p, "1.2")),
    (Permission.STUDY_EXPORT, lambda c, p: exports.note(c, p, "1.2", exports.Export("picture", 1))),
    (Permission.STUDY_SHARE, lambda c, p: sharing.create(c, p, Wanted(Opens.STUDY, "1.2"))),
    (Permission.STUDY_SHARE, lambda c, p: sharing.page(c, p, None, 1)),
    (Permission.STUDY_SHARE, lambda c, p: sharing.get(c, p, 1)),
    (Permission.STUDY_SHARE, lambda c, p: sharing.withdraw(c, p, 1)),
    (Permission.STUDY_SHARE, lambda c, p: sharing.new_code(c, p, 1)),
    (Permission.STUDY_SHARE, lambda c, p: sharing.history(c, p, 1)),
    (Permission.QUARANTINE_READ, received.page),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: received.look(c, p, 1, "1.2")),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: received.accept(c, p, 1, "1.2", how="said", after=0, door=ingest.begin)),
    (Permission.QUARANTINE_RESOLVE, lambda c, p: received.refuse(c, p, 1, "1.2", "x")),
    (Permission.ORDER_MANAGE, lambda c, p: ordering.create(c, p, {})),
    (Permission.ORDER_MANAGE, lambda c, p: ordering.change(c, p, 1, {})),
    (Permission.ORDER_MANAGE, lambda c, p: ordering.remove(c, p, 1)),
    (Permission.ORDER_READ, lambda c, p: ordering.get(c, p, 1)),
    (Permission.ORDER_READ, lambda c, p: ordering.page(c, p, {}, descending=False, limit=1, after=None)),
    (Permission.ORDER_READ, lambda c, p: ordering.find(c, p, [], 1)),
    (Permission.ORDER_READ, lambda c, p: procedures.get(c, p, "1.2")),
    (Permission.ORDER_PERFORM, lambda c, p: procedures.create(c, p, "1.2", Dataset())),
    (Permission.ORDER_PERFORM, lambda c, p: procedures.update(c, p, "1.2", Dataset())),
    (Permission.REMOTE_QUERY, remote.archives),
    (Permission.REMOTE_QUERY, lambda c, p: remote.search(c, p, "A", {"PatientID": "1"})),
    (Permission.REMOTE_QUERY, lambda c, p: remote.elsewhere(c, p, "1.2")),
    (Permission.REMOTE_QUERY, lambda c, p: remote.searching(c, p, "A", [])),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.ask(c, p, "A", "1.2")),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.fetch(c, p, "1.2")),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.fetching(c, p, "A", [])),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.get(c, p, 1)),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.cancel(c, p, 1)),
    (Permission.REMOTE_RETRIEVE, lambda c, p: remote.retrievals(c, p, limit=1)),
    (Permission.UPS_MANAGE, lambda c, p: ups.create(c, p, Dataset())),
    (Permission.UPS_MANAGE, lambda c, p: ups.update(c, p, "1.2", Dataset())),
    (Permission.UPS_MANAGE, lambda c, p: ups.change_state(c, p, "1.2", "COMPLETED", "1.3")),
    (Permission.UPS_MANAGE, lambda c, p: ups.request_cancel(c, p, "1.2", Dataset(), "A")),
    (Permission.UPS_READ, lambda c, p: ups.get(c, p, "1.2")),
    (Permission.UPS_READ, lambda c, p: ups.search(c, p, Dataset(), str, 1)),
    (Permission.UPS_READ, lambda c, p: ups_channels.begin(c, p, "A")),
    (Permission.UPS_READ, lambda c, p: ups_reports.subscribe(c, p, "1.2", WATCHER, deletion_lock=True, matching=Dataset())),
    (Permission.UPS_READ, lambda c, p: ups_reports.unsubscribe(c, p, "1.2", "A")),
    (Permission.UPS_READ, lambda c, p: ups_reports.suspend(c, p, "1.2", "A")),
    (Permission.WEBHOOK_MANAGE, webhooks.all_),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.get(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.add(c, p, name="x", url="http://h/", kinds=["*"])),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.change(c, p, "x", enabled=False)),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.new_secret(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.remove(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.test(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.failures(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.resend(c, p, "x")),
    (Permission.WEBHOOK_MANAGE, lambda c, p: webhooks.drop(c, p, "x")),
]


@pytest.mark.parametrize("use", range(len(USES)))
def test_the_use_case_itself_asks_for_the_permission(use: int, sqlite_context: Context) -> None:
    """Whoever calls it: the enforcement is in the service, not in the edge."""
    from isocenter.domain.access import allow

    permission, call = USES[use]
    for role in Role:
        if not allow(nobody(role), permission):
            with pytest.raises(Forbidden) as error:
                call(sqlite_context, nobody(role))
            assert error.value.where == permission.value


def test_an_account_is_limited_to_an_institution_at_once_and_administrators_never_are(context: Context) -> None:
    accounts.add_user(context, SYSTEM, name="nora", role=Role.RADIOLOGIST, password=PASSWORD)
    secret = sessions.begin(context, "nora", PASSWORD, "10.0.0.1").secret
    assert access.scope(sessions.resume(context, secret, ""), Permission.STUDY_READ) == access.Everything()
    changed = accounts.change_user(context, SYSTEM, "nora", studies=" institution=North; department=Heart ")
    assert changed.studies == "institution=North; department=Heart"
    nora = sessions.resume(context, secret, "")
    north = access.any_of((access.Institution("North"), access.Department("Heart")))
    assert set(nora.rights.values()) == {north} and Permission.ORDER_READ not in nora.permissions
    token = accounts.create_token(context, SYSTEM, user="nora", role=Role.REFERRER)
    assert access.scope(sessions.bearer(context, token.secret, "", note=False), Permission.STUDY_READ) == access.Nothing()
    for wrong in ("North", "ward=3"):
        with pytest.raises(Invalid, match="institution=NAME"):
            accounts.change_user(context, SYSTEM, "nora", studies=wrong)
    with pytest.raises(Invalid, match="sees every study"):
        accounts.change_user(context, SYSTEM, "nora", role=Role.ADMIN)
    with pytest.raises(Invalid, match="sees every study"):
        accounts.add_user(context, SYSTEM, name="boss", role=Role.ADMIN, studies="institution=North")
    assert sessions.resume(context, secret, "") == nora
    accounts.change_user(context, SYSTEM, "nora", studies="")
    assert access.scope(sessions.resume(context, secret, ""), Permission.STUDY_READ) == access.Everything()
