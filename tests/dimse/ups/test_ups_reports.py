"""Who subscribes to Unified Procedure Steps is told, in order (PS3.4 CC.2.3, CC.2.4); by pynetdicom, on both databases."""

from datetime import timedelta

from pydicom.uid import generate_uid

from dimse.conftest import Archive
from dimse.ups.users import FILTERED, GLOBAL, RESTARTED, STATE, Clock, User, Watcher, code, deliver, step
from isocenter.domain.access import SYSTEM
from isocenter.service import changes, exceptions, peers, ups_reports


def test_subscriptions(archive: Archive, user: User, watcher: Watcher) -> None:
    early = generate_uid()
    user.create(step(), early)
    assert user.subscribe(GLOBAL) == 0
    deliver(archive)
    assert watcher.events == [], "CC.2.4.3: only a global subscription with a lock reports all states"
    assert user.subscribe(GLOBAL, lock="TRUE") == 0
    deliver(archive)
    assert watcher.told(early) == [(STATE, "SCHEDULED")]
    assert user.act(4, early, ReceivingAE="WATCHER") == 0
    assert user.act(5, GLOBAL, ReceivingAE="WATCHER") == 0
    user.begin(early, generate_uid())
    late = generate_uid()
    user.create(step(), late)
    deliver(archive)
    assert len(watcher.events) == 1, "not of the one it left, nor of new ones"
    assert user.subscribe(late) == 0
    assert user.act(4, GLOBAL, ReceivingAE="WATCHER") == 0
    user.begin(late, generate_uid())
    deliver(archive)
    assert watcher.told(late) == [(STATE, "SCHEDULED")] and len(watcher.events) == 2, "of nothing after it has left globally"
    assert user.subscribe(GLOBAL, aet="STRANGER") == user.act(4, GLOBAL, ReceivingAE="STRANGER") == 0xC308
    assert user.act(5, early, ReceivingAE="WATCHER") == 0xC314
    assert user.act(3, GLOBAL, ReceivingAE="WATCHER") == 0x0121


def test_a_filtered_subscription_is_to_what_matches(archive: Archive, user: User, watcher: Watcher) -> None:
    here, other = generate_uid(), generate_uid()
    assert user.subscribe(FILTERED, WorklistLabel="AI", ScheduledWorkitemCodeSequence=[code("SEG")]) == 0
    user.create(step(), here)
    user.create(step(WorklistLabel="PEOPLE"), other)
    deliver(archive)
    assert {uid for _, uid, _ in watcher.events} == {here}
    assert user.act(5, FILTERED, ReceivingAE="WATCHER") == 0
    user.create(step(), generate_uid())
    user.begin(here, generate_uid())
    deliver(archive)
    assert watcher.told(here) == [(STATE, "SCHEDULED"), (STATE, "IN PROGRESS")] and len(watcher.events) == 2


def test_a_deletion_lock_keeps_what_has_ended(archive: Archive, user: User, watcher: Watcher, clock: Clock) -> None:
    locked, free, running = generate_uid(), generate_uid(), generate_uid()
    for uid in (locked, free, running):
        user.create(step(), uid)
        assert user.subscribe(uid, lock="TRUE" if uid == locked else "FALSE") == 0
        if uid != running:
            assert user.act(2, uid) == 0
    clock.now += timedelta(days=archive.context.settings.ups_retention_days - 1)
    assert ups_reports.remove_ended(archive.context) == 0
    clock.now += timedelta(days=2)
    assert ups_reports.remove_ended(archive.context) == 1
    assert user.get(free)[0] == 0xC307 and user.get(locked)[0] == user.get(running)[0] == 0
    assert user.act(4, locked, ReceivingAE="WATCHER") == 0
    assert ups_reports.remove_ended(archive.context) == 1
    assert user.get(locked)[0] == 0xC307 and user.get(running)[0] == 0


def test_a_subscriber_that_is_off_is_told_later_and_in_order(
    archive: Archive, user: User, watcher: Watcher, clock: Clock
) -> None:
    uid = generate_uid()
    peers.change(archive.context, SYSTEM, "WATCHER", paused=True)
    user.subscribe(GLOBAL)
    user.create(step(), uid)
    user.begin(uid, generate_uid())
    deliver(archive)
    assert watcher.events == [] and not ups_reports.is_due(archive.context)
    clock.now += timedelta(seconds=10)
    peers.change(archive.context, SYSTEM, "WATCHER", paused=False)
    watcher.status = 0x0110
    deliver(archive)
    assert watcher.told(uid) == [(STATE, "SCHEDULED"), (STATE, "IN PROGRESS")], "a refusal is an answer"
    peers.remove(archive.context, SYSTEM, "WATCHER")
    user.act(2, uid)
    deliver(archive)
    assert user.act(4, uid, ReceivingAE="WATCHER") == 0, "who was removed can still be unsubscribed"
    assert user.act(4, uid, ReceivingAE="STRANGER") == 0xC308
    clock.now += timedelta(days=8)
    deliver(archive)
    clock.now += timedelta(days=8)
    assert not ups_reports.is_due(archive.context), "nobody is told for ever"
    dropped = [each for each in changes.page(archive.context, SYSTEM, 0, 1000).changes if each.kind == "ups.report_dropped"]
    assert [each.subject for each in dropped] == [uid]
    shown = exceptions.page(archive.context, SYSTEM, kind="notification", dismissed=False, limit=10, after=None).cases
    assert [(each["source_aet"], each["sop_instance_uid"]) for each in shown] == [("WATCHER", uid)]


def test_subscribers_learn_of_a_restart(archive: Archive, user: User, watcher: Watcher) -> None:
    ups_reports.restarted(archive.context)
    assert not ups_reports.is_due(archive.context)
    user.subscribe(GLOBAL)
    for _ in range(3):
        ups_reports.restarted(archive.context)
    deliver(archive)
    ((kind, uid, information),) = watcher.events
    assert (kind, uid, information.SCPStatus) == (RESTARTED, GLOBAL, "RESTARTED")
    assert information.SubscriptionListStatus == information.UnifiedProcedureStepListStatus == "WARM START"
