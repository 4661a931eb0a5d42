"""Unified Procedure Steps with pynetdicom as the user of every class (PS3.4 Annex CC), over real sockets, on both databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    UnifiedProcedureStepEvent,
    UnifiedProcedureStepPull,
    UnifiedProcedureStepPush,
    UnifiedProcedureStepQuery,
    UnifiedProcedureStepWatch,
    UPSFilteredGlobalSubscriptionInstance,
    UPSGlobalSubscriptionInstance,
)
from sqlalchemy import Connection, delete

from dimse.conftest import IMPLICIT, Archive, RawPeer, bound, peer_of
from dimse.test_finding import commands
from isocenter.dicom import datasets
from isocenter.dicom.attributes import tag_of, vr_of
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.server import Server
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.service import changes, exceptions, peers, ups_reports
from isocenter.service.context import Context
from isocenter.store import schema, schema_ups
from isocenter.work import ups as worker

PUSH, PULL, WATCH, QUERY = (
    UnifiedProcedureStepPush, UnifiedProcedureStepPull, UnifiedProcedureStepWatch, UnifiedProcedureStepQuery,
)  # fmt: skip
GLOBAL, FILTERED = UPSGlobalSubscriptionInstance, UPSFilteredGlobalSubscriptionInstance
STATE, CANCEL_REQUESTED, PROGRESS, RESTARTED, ASSIGNED = 1, 2, 3, 4, 5
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def data_set(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        tag = tag_of(keyword)
        assert tag is not None, keyword
        made.add(DataElement(tag, vr_of(tag), value, validation_mode=IGNORE))
    return made


def code(value: str) -> Dataset:
    return data_set(CodeValue=value, CodingSchemeDesignator="99X", CodeMeaning=value)


def step(**values: Any) -> Dataset:
    """What is given to N-CREATE: every attribute of Type 1 and 2."""
    usual: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192", "ProcedureStepState": "SCHEDULED", "ScheduledProcedureStepPriority": "MEDIUM",
        "ProcedureStepLabel": "Segment the liver", "ScheduledProcedureStepStartDateTime": "20261122093000+0000",
        "InputReadinessState": "READY", "WorklistLabel": "AI", "PatientName": "Müller^Jörg", "PatientID": "P1",
        "PatientBirthDate": "19700101", "PatientSex": "M", "AdmissionID": "", "IssuerOfAdmissionIDSequence": [],
        "AdmittingDiagnosesDescription": "", "AdmittingDiagnosesCodeSequence": [], "ReferencedRequestSequence": [],
        "ScheduledProcessingParametersSequence": [], "ScheduledStationNameCodeSequence": [],
        "ScheduledStationClassCodeSequence": [], "ScheduledStationGeographicLocationCodeSequence": [],
        "ScheduledWorkitemCodeSequence": [code("SEG")], "CommentsOnTheScheduledProcedureStep": "",
        "InputInformationSequence": [], "StudyInstanceUID": "1.2.3.4", "ProcedureStepProgressInformationSequence": [],
        "UnifiedProcedureStepPerformedProcedureSequence": [],
    }  # fmt: skip
    return data_set(**{**usual, **values})


def performed() -> Dataset:
    return data_set(
        PerformedStationNameCodeSequence=[code("STATION")], PerformedProcedureStepStartDateTime="20261122093000",
        PerformedWorkitemCodeSequence=[code("SEG")], PerformedProcedureStepEndDateTime="20261122094000",
        OutputInformationSequence=[],
    )  # fmt: skip


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class User:
    """An SCU of all classes on one association."""

    association: Association

    def create(self, given: Dataset, uid: str | None = None) -> tuple[int, Dataset | None]:
        answer, supplied = self.association.send_n_create(given, PUSH, uid)
        return int(answer.Status), supplied

    def act(self, action: int, uid: str, context: str = WATCH, **information: Any) -> int:
        # None, not an empty one: pynetdicom would announce a data set and send none
        given = data_set(**information) if information else None
        answer, _ = self.association.send_n_action(given, action, PUSH, uid, meta_uid=context)
        return int(answer.Status)

    def begin(self, uid: str, lock: str) -> int:
        return self.act(1, uid, PULL, ProcedureStepState="IN PROGRESS", TransactionUID=lock)

    def change(self, uid: str, **attributes: Any) -> int:
        answer, _ = self.association.send_n_set(data_set(**attributes), PUSH, uid, meta_uid=PULL)
        return int(answer.Status)

    def get(self, uid: str, *tags: int, context: str = PULL) -> tuple[int, Dataset | None]:
        answer, found = self.association.send_n_get(list(tags), PUSH, uid, meta_uid=context)
        return int(answer.Status), found

    def find(self, context: str = PULL, **keys: Any) -> list[Dataset]:
        *pending, (last, _) = list(self.association.send_c_find(data_set(**keys), context))
        assert last.Status == 0, f"{last.Status:04X}"
        return [found for _, found in pending if found is not None]

    def subscribe(self, uid: str, aet: str = "WATCHER", lock: str = "FALSE", **keys: Any) -> int:
        return self.act(3, uid, ReceivingAE=aet, DeletionLock=lock, **keys)


@dataclass
class Watcher:
    """A subscriber that listens; it answers events with `status`."""

    status: int = 0
    port: int = 0
    events: list[tuple[int, str, Dataset]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        entity = AE(ae_title="WATCHER")
        entity.require_called_aet = True
        entity.add_supported_context(UnifiedProcedureStepEvent, scu_role=False, scp_role=True)

        def take(event: evt.Event) -> tuple[int, None]:
            request = event.request
            self.events.append((event.event_type, str(request.AffectedSOPInstanceUID), event.event_information))
            assert request.AffectedSOPClassUID == PUSH
            return self.status, None

        server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, take)])
        self.port = int(server.server_address[1])
        try:
            yield
        finally:
            server.shutdown()

    def told(self, uid: str) -> list[tuple[int, str]]:
        """What it was told of a step so far: (event type, state)."""
        of_step = (each for each in self.events if each[1] == uid)
        return [(kind, str(information.get("ProcedureStepState", ""))) for kind, _, information in of_step]


@pytest.fixture(scope="module")
def served(shared_context: Context) -> Iterator[Archive]:
    """One archive, its clock and its watcher for all tests, which find it empty."""
    made = replace(shared_context, clock=Clock())
    server = Server(made, bound())
    server.start()
    yield Archive(server, made)
    server.stop(0)


@pytest.fixture(scope="module")
def listener() -> Iterator[Watcher]:
    made = Watcher()
    with made.listening():
        yield made


@pytest.fixture
def clock(served: Archive) -> Clock:
    clock = served.context.clock
    assert isinstance(clock, Clock)
    clock.now = NOW
    return clock


@pytest.fixture
def archive(served: Archive, clock: Clock) -> Archive:
    def empty(connection: Connection) -> None:
        tables = schema_ups
        for table in (tables.ups_report, tables.ups_receiver, tables.ups_global_subscription, tables.ups, schema.peer):
            connection.execute(delete(table))

    served.context.database.write(empty)
    return served


@pytest.fixture
def watcher(archive: Archive, listener: Watcher) -> Watcher:
    listener.events.clear()
    listener.status = 0
    peers.add(archive.context, SYSTEM, aet="WATCHER", host="127.0.0.1", port=listener.port)
    return listener


@pytest.fixture
def user(archive: Archive) -> Iterator[User]:
    entity = AE(ae_title="PERFORMER")
    for sop_class in (PUSH, PULL, WATCH, QUERY):
        entity.add_requested_context(sop_class)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
    assert association.is_established and len(association.accepted_contexts) == 4
    yield User(association)
    association.release()


def deliver(archive: Archive) -> None:
    """What the worker does: all that is due."""
    while worker.report_due(archive.context):
        pass


def test_a_step_from_its_order_to_its_end(archive: Archive, user: User, watcher: Watcher) -> None:
    uid, lock = generate_uid(), generate_uid()
    assert user.subscribe(GLOBAL) == 0
    status, supplied = user.create(step(ScheduledStationNameCodeSequence=[code("STATION")]), uid)
    assert status == 0 and supplied is not None
    assert supplied.ScheduledProcedureStepModificationDateTime == "20261122090000.000000+0000"
    (found,) = user.find(ProcedureStepState="SCHEDULED", PatientName="MUELLER*", ScheduledWorkitemCodeSequence=[code("SEG")])
    assert (found.SOPClassUID, found.SOPInstanceUID, found.PatientName) == (PUSH, uid, "Müller^Jörg")

    assert user.begin(uid, lock) == 0
    progress = data_set(ProcedureStepProgress="50", ProcedureStepProgressDescription="half")
    assert user.change(uid, TransactionUID=lock, ProcedureStepProgressInformationSequence=[progress]) == 0
    assert user.act(1, uid, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0xC304
    assert user.change(uid, TransactionUID=lock, UnifiedProcedureStepPerformedProcedureSequence=[performed()]) == 0
    assert user.act(1, uid, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0

    status, got = user.get(uid)
    assert status == 0 and got is not None and got.ProcedureStepState == "COMPLETED" and "TransactionUID" not in got
    assert got.ProcedureStepProgressInformationSequence[0].ProcedureStepProgress == 50
    assert got.UnifiedProcedureStepPerformedProcedureSequence[0].PerformedStationNameCodeSequence[0].CodeValue == "STATION"
    deliver(archive)
    of_station = watcher.events[1][2].ScheduledStationNameCodeSequence[0].CodeValue
    assert of_station == "STATION"
    assert watcher.told(uid) == [
        (STATE, "SCHEDULED"), (ASSIGNED, ""), (STATE, "IN PROGRESS"), (PROGRESS, ""), (STATE, "COMPLETED"),
    ]  # fmt: skip
    page = changes.page(archive.context, SYSTEM, 0, 1000)
    kinds = [each.kind for each in page if each.subject == uid]
    assert kinds == ["ups.created", "ups.changed_state", "ups.updated", "ups.updated", "ups.changed_state", "ups.read"]
    assert not any("ller" in repr(each) for each in page), "no patient data in the log"


def test_who_has_not_the_lock_cannot_touch_it(user: User) -> None:
    uid, lock, other = generate_uid(), generate_uid(), generate_uid()
    assert user.create(step(), uid)[0] == 0
    assert user.change(uid, TransactionUID=lock, ProcedureStepLabel="x") == 0xC310
    assert user.change(uid, ProcedureStepLabel="before") == 0
    assert user.act(1, uid, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0xC310
    assert user.act(1, uid, PULL, ProcedureStepState="IN PROGRESS") == 0xC301
    assert user.begin(uid, lock) == 0
    assert user.begin(uid, other) == 0xC302
    assert user.change(uid, TransactionUID=other, ProcedureStepLabel="x") == 0xC301
    assert user.change(uid, ProcedureStepLabel="x") == 0xC301
    assert user.act(1, uid, PULL, ProcedureStepState="CANCELED", TransactionUID=other) == 0xC301
    assert user.act(1, uid, PULL, ProcedureStepState="SCHEDULED", TransactionUID=lock) == 0xC303
    assert user.change(uid, TransactionUID=lock, ProcedureStepState="SCHEDULED") == 0xC303
    assert user.act(1, uid, PULL, ProcedureStepState="CANCELED", TransactionUID=lock) == 0
    assert user.act(1, uid, PULL, ProcedureStepState="CANCELED", TransactionUID=lock) == 0xB304
    assert user.act(1, uid, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0xC300
    assert user.begin(uid, lock) == 0xC300
    assert user.change(uid, TransactionUID=lock, ProcedureStepLabel="x") == 0xC300
    _, got = user.get(uid)
    assert got is not None and (got.ProcedureStepLabel, got.ProcedureStepState) == ("before", "CANCELED")
    progress = got.ProcedureStepProgressInformationSequence[0]
    assert progress.ProcedureStepCancellationDateTime and progress.ProcedureStepDiscontinuationReasonCodeSequence


def test_what_is_no_step(user: User, watcher: Watcher) -> None:
    uid = generate_uid()
    assert user.create(step(), uid)[0] == 0
    assert user.create(step(), uid)[0] == 0x0111
    assert user.create(step(ProcedureStepState="IN PROGRESS"))[0] == 0xC309
    assert user.create(step(InputReadinessState="MAYBE"))[0] == 0x0106
    missing = step()
    del missing.ProcedureStepLabel
    assert user.create(missing)[0] == 0x0120
    assert user.create(step(ProcedureStepLabel=""))[0] == 0x0121
    absent = generate_uid()
    assert user.begin(absent, uid) == user.change(absent, ProcedureStepLabel="x") == user.get(absent)[0] == 0xC307
    assert user.act(2, absent) == user.subscribe(absent) == user.act(4, absent, ReceivingAE="WATCHER") == 0xC307
    assert user.change(uid, PatientName="Meier") == 0x0106
    assert user.act(1, uid, WATCH, ProcedureStepState="IN PROGRESS", TransactionUID=uid) == 0x0123
    assert user.act(3, uid, PULL, ReceivingAE="WATCHER", DeletionLock="TRUE") == 0x0123


def test_created_with_modifications_and_a_uid_of_ours(user: User) -> None:
    given = step()
    del given.AdmissionID
    del given.WorklistLabel
    status, supplied = user.create(given)
    assert status == 0xB300 and supplied is not None
    assert (supplied.AdmissionID, supplied.WorklistLabel) == ("", "ISOCENTER")
    (found,) = user.find(QUERY, WorklistLabel="ISOCENTER", SOPInstanceUID="")
    assert found.SOPInstanceUID.startswith("2.25.")


def test_n_get_of_some_attributes(user: User) -> None:
    uid = generate_uid()
    user.create(step(), uid)
    status, got = user.get(uid, 0x00741000, 0x00100010, 0x00080005, context=WATCH)
    assert status == 0 and got is not None
    assert [element.keyword for element in got] == ["SpecificCharacterSet", "PatientName", "ProcedureStepState"]
    status, got = user.get(uid, 0x00741000, 0x00081195, context=PUSH)
    assert status == 0x0001 and got is not None and [each.keyword for each in got] == ["ProcedureStepState"]


def test_found_by_whatever_is_asked(user: User) -> None:
    uids = [generate_uid() for _ in range(3)]
    for number, uid in enumerate(uids):
        user.create(step(
            ScheduledProcedureStepStartDateTime=f"2026112{number + 2}093000+0000", PatientID=f"P{number}",
            ScheduledProcedureStepPriority=("HIGH", "LOW", "LOW")[number], PatientName=("A^A", "B^B", "C^C")[number],
            ScheduledStationNameCodeSequence=[code(f"S{number}"), code("ALL")],
        ), uid)  # fmt: skip
    user.begin(uids[2], generate_uid())

    def found(**keys: Any) -> list[int]:
        return [uids.index(each.SOPInstanceUID) for each in user.find(**keys)]

    assert found(SOPInstanceUID="") == [0, 1, 2]
    assert found(SOPInstanceUID=[uids[0], uids[2]]) == [0, 2]
    assert found(ProcedureStepState=["SCHEDULED", "COMPLETED"]) == [0, 1]
    assert found(ScheduledProcedureStepPriority="LOW") == [1, 2]
    assert found(ScheduledProcedureStepStartDateTime="20261123-") == [1, 2]
    assert found(ScheduledProcedureStepStartDateTime="20261123000000-20261123235959") == [1]
    assert found(ScheduledProcedureStepStartDateTime="20261122103000+0100") == [0]
    tokyo = {"ScheduledProcedureStepStartDateTime": "20261122183000", "TimezoneOffsetFromUTC": "+0900"}
    assert found(**tokyo) == [0]
    assert found(PatientName="b*", PatientID="P?") == [1]
    assert found(ScheduledStationNameCodeSequence=[code("S1")]) == [1]
    assert found(ScheduledStationNameCodeSequence=[code("ALL")], WorklistLabel="A*") == [0, 1, 2]
    assert found(WorklistLabel="a*") == found(StudyInstanceUID="1.2") == []
    (last, _), *more = list(user.association.send_c_find(data_set(PatientBirthDate="soon"), PULL))
    assert last.Status == 0xC000 and not more


def test_cancel_is_asked_of_the_archive(archive: Archive, user: User, watcher: Watcher) -> None:
    scheduled, running, lock = generate_uid(), generate_uid(), generate_uid()
    for uid in (scheduled, running):
        user.create(step(), uid)
    assert user.begin(running, lock) == 0
    assert user.act(2, running, PUSH) == 0xC312, "nobody would be told"
    assert user.subscribe(scheduled) == user.subscribe(running) == 0
    assert user.act(2, running, ReasonForCancellation="wrong patient", ContactDisplayName="Dr. A") == 0
    assert user.act(2, scheduled, PUSH, ReasonForCancellation="moved") == 0
    assert user.act(2, scheduled) == 0xB304
    deliver(archive)
    (asked,) = [information for kind, _, information in watcher.events if kind == CANCEL_REQUESTED]
    assert (asked.RequestingAE, asked.ReasonForCancellation, asked.ContactDisplayName) == ("PERFORMER", "wrong patient", "Dr. A")
    (why,) = [information.ReasonForCancellation for _, uid, information in watcher.events
              if uid == scheduled and information.get("ProcedureStepState") == "CANCELED"]  # fmt: skip
    assert why == "moved"
    assert watcher.told(running) == [(STATE, "IN PROGRESS"), (CANCEL_REQUESTED, "")]
    assert watcher.told(scheduled) == [
        (STATE, "SCHEDULED"), (STATE, "IN PROGRESS"), (STATE, "CANCELED"), (PROGRESS, ""),
    ]  # fmt: skip
    user.change(running, TransactionUID=lock, UnifiedProcedureStepPerformedProcedureSequence=[performed()])
    assert user.act(1, running, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0
    assert user.act(1, running, PULL, ProcedureStepState="COMPLETED", TransactionUID=lock) == 0xB306
    assert user.act(2, running) == 0xC311


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
    dropped = [each for each in changes.page(archive.context, SYSTEM, 0, 1000) if each.kind == "ups.report_dropped"]
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


def test_who_names_no_character_set_is_read_and_answered_in_that_of_the_peer(archive: Archive, user: User) -> None:
    peers.add(archive.context, SYSTEM, aet="OLD", host="127.0.0.1", port=104, character_set="ISO_IR 100")
    uid, given = generate_uid(), step(PatientName="Mueller^Joerg")
    del given.SpecificCharacterSet
    bare = datasets.encode(given, IMPLICIT).replace(b"Mueller^Joerg ", "Müller^Jörgen ".encode("latin_1"))
    create = Command(command_field=CommandField.N_CREATE_RQ, message_id=1, command_data_set_type=1, affected_sop_class_uid=PUSH,
                     affected_sop_instance_uid=uid)  # fmt: skip
    get = Command(command_field=CommandField.N_GET_RQ, message_id=3, requested_sop_class_uid=PUSH, requested_sop_instance_uid=uid,
                  attribute_identifier_list=(0x00100010,))  # fmt: skip
    with peer_of(archive) as old:
        assert isinstance(old.associate(calling="OLD", contexts={1: (PUSH, (IMPLICIT,))}), pdu.AssociateAC)
        old.message(1, create, bare)
        assert next(commands(old)).status == 0
        old.message(1, get)
        answered = b""
        while not answered.endswith("Müller^Jörgen ".encode("latin_1")):
            received = old._reader.read()
            assert isinstance(received, list), received
            answered += b"".join(bytes(view) for _, _, view in received)
    assert b"ISO_IR 100" in answered
    assert [str(each.PatientName) for each in user.find(PatientName="muller*", SOPInstanceUID=uid)] == ["Müller^Jörgen"]


FIELDS = {
    CommandField.N_CREATE_RQ: PUSH, CommandField.N_SET_RQ: PULL, CommandField.N_ACTION_RQ: WATCH, CommandField.C_FIND_RQ: QUERY,
}  # fmt: skip
ENCODED = datasets.encode(
    step(ReceivingAE="WATCHER", DeletionLock="TRUE", TransactionUID="1.2", ScheduledStationNameCodeSequence=[code("S")]), IMPLICIT
)


cuts = st.one_of(st.just(len(ENCODED)), st.integers(0, len(ENCODED)))


@given(st.binary(max_size=200), cuts, st.sampled_from(sorted(FIELDS)), st.integers(0, 6))
def test_no_data_set_ends_the_association(raw: RawPeer, garbage: bytes, cut: int, field: int, action: int) -> None:
    """Whatever comes is answered, and with what is wrong with it: nothing of it makes the archive fail."""
    kind = CommandField(field)
    command = Command(
        command_field=kind, message_id=7, command_data_set_type=1, priority=0, affected_sop_class_uid=PUSH,
        requested_sop_class_uid=PUSH, requested_sop_instance_uid=GLOBAL, affected_sop_instance_uid=generate_uid(),
        action_type_id=action,
    )  # fmt: skip
    raw.message(1 + 2 * list(FIELDS).index(kind), command, ENCODED[:cut] + garbage)
    last = next(answer for answer in commands(raw) if answer.status != 0xFF00)
    assert last.status != 0x0110, last.error_comment


@pytest.fixture
def raw(archive: Archive) -> Iterator[RawPeer]:
    with peer_of(archive) as connected:
        contexts = {1 + 2 * number: (uid, (IMPLICIT,)) for number, uid in enumerate(FIELDS.values())}
        assert isinstance(connected.associate(contexts=contexts), pdu.AssociateAC)
        yield connected
