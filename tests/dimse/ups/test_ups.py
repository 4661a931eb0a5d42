"""Unified Procedure Steps with pynetdicom as the user of every class (PS3.4 Annex CC), over real sockets, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from dimse.conftest import IMPLICIT, Archive, RawPeer, peer_of
from dimse.test_finding import commands
from dimse.ups.users import (
    ASSIGNED,
    CANCEL_REQUESTED,
    GLOBAL,
    PROGRESS,
    PULL,
    PUSH,
    QUERY,
    STATE,
    WATCH,
    User,
    Watcher,
    code,
    data_set,
    deliver,
    performed,
    step,
)
from isocenter.dicom import datasets
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.service import changes, peers


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
    page = changes.page(archive.context, SYSTEM, 0, 1000).changes
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


def test_names_as_they_sound_when_that_was_agreed(archive: Archive, user: User) -> None:
    """PS3.4 CC.3.1, K.5.1: byte 3 of the extended negotiation."""
    assert user.create(step(PatientName="Meier^Hans"), generate_uid())[0] == 0
    assert user.find(PatientName="Hans Maier") == []
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = PULL, bytes((0, 0, 1, 0))
    entity = AE(ae_title="PERFORMER")
    entity.add_requested_context(PULL)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER", ext_neg=[item])
    assert association.is_established
    assert [str(found.PatientName) for found in User(association).find(PatientName="Hans Maier")] == ["Meier^Hans"]
    association.release()


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
