"""Performed procedure steps with pynetdicom as the modality, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ModalityPerformedProcedureStep,
    ModalityPerformedProcedureStepRetrieve,
    ModalityWorklistInformationFind,
)

import objects
from dimse.conftest import Archive, bound
from isocenter.dimse.server import Server
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Conflict
from isocenter.service import ordering, procedures
from isocenter.service.context import Context
from isocenter.store import changes


@pytest.fixture
def archive(context: Context) -> Iterator[Archive]:
    server = Server(context, bound())
    server.start()
    yield Archive(server, context)
    server.stop(0)


def order(archive: Archive, steps: int = 1, **facts: Any) -> ordering.Order:
    """An order of the study 1.2.1 with steps S1, S2 ..."""
    step = {"Modality": "CT", "ScheduledStationAETitle": ["CT1"], "ScheduledProcedureStepStartDate": "20261122"}
    listed = [{**step, "ScheduledProcedureStepID": f"S{n}", "ScheduledProcedureStepStartTime": f"10{n:02}"}
              for n in range(1, steps + 1)]
    given = {"PatientName": "Doe^Jane", "PatientID": "P1", "AccessionNumber": "A1", "StudyInstanceUID": "1.2.1", "steps": listed}
    return ordering.create(archive.context, SYSTEM, given | facts)


def states(archive: Archive, study: str = "1.2.1") -> str:
    """The states of an order's steps, and of the order."""
    found = ordering.page(archive.context, SYSTEM, {"StudyInstanceUID": study}, descending=False, limit=9, after=None).orders
    return " ".join([*(step.state for one in found for step in one.steps), *(f"[{one.state}]" for one in found)])


def begun(*step_ids: str, study: str = "1.2.1", **values: Any) -> Dataset:
    """The attributes of N-CREATE, as PS3.4 Table F.7.2-1 wants them."""
    dataset = Dataset()
    dataset.ScheduledStepAttributesSequence = [Dataset() for _ in step_ids]
    for item, step_id in zip(dataset.ScheduledStepAttributesSequence, step_ids, strict=True):
        item.StudyInstanceUID, item.AccessionNumber, item.ScheduledProcedureStepID = study, "A1", step_id
        item.ReferencedStudySequence, item.RequestedProcedureID, item.RequestedProcedureDescription = [], "R1", "Thorax"
        item.ScheduledProcedureStepDescription, item.ScheduledProtocolCodeSequence = "", []
    facts = {
        "PatientName": "Doe^Jane", "PatientID": "P1", "PatientBirthDate": "", "PatientSex": "F", "ReferencedPatientSequence": [],
        "PerformedProcedureStepID": "PPS1", "PerformedStationAETitle": "CT1", "PerformedStationName": "", "PerformedLocation": "",
        "PerformedProcedureStepStartDate": "20261122", "PerformedProcedureStepStartTime": "101500",
        "PerformedProcedureStepStatus": "IN PROGRESS", "PerformedProcedureStepDescription": "", "ProcedureCodeSequence": [],
        "PerformedProcedureTypeDescription": "", "PerformedProcedureStepEndDate": "", "PerformedProcedureStepEndTime": "",
        "Modality": "CT", "StudyID": "", "PerformedProtocolCodeSequence": [], "PerformedSeriesSequence": [],
    }  # fmt: skip
    for keyword, value in {**facts, **values}.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def ended(status: str = "COMPLETED", instances: int = 2, **values: Any) -> Dataset:
    """The attributes of the last N-SET."""
    dataset = Dataset()
    dataset.PerformedProcedureStepStatus = status
    dataset.PerformedProcedureStepEndDate, dataset.PerformedProcedureStepEndTime = "20261122", "103000"
    series = Dataset()
    series.SeriesInstanceUID, series.ProtocolName, series.RetrieveAETitle = "1.2.1.1", "Thorax", ""
    series.ReferencedImageSequence = [Dataset() for _ in range(instances)]
    for number, item in enumerate(series.ReferencedImageSequence):
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = objects.CT, f"1.2.1.1.{number}"
    dataset.PerformedSeriesSequence = [series]
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


class Modality:
    """An association of a modality."""

    def __init__(self, entity: AE, port: int) -> None:
        received = (evt.EVT_DIMSE_RECV, self._keep)  # what pynetdicom shows of an answer leaves elements out
        self._association = entity.associate("127.0.0.1", port, ae_title="ISOCENTER", evt_handlers=[received])
        assert self._association.is_established

    def _keep(self, event: evt.Event) -> None:
        self.answer = event.message.command_set

    def release(self) -> None:
        self._association.release()

    def create(self, dataset: Dataset, uid: str | None = "") -> tuple[int, str]:
        """N-CREATE; the status and the UID that it has. uid: "" a new one, None leaves it to the archive."""
        given = generate_uid() if uid == "" else uid
        self._association.send_n_create(dataset, ModalityPerformedProcedureStep, given)
        return int(self.answer.Status), str(self.answer.AffectedSOPInstanceUID or given)

    def set(self, uid: str, dataset: Dataset) -> int:
        self._association.send_n_set(dataset, ModalityPerformedProcedureStep, uid)
        return int(self.answer.Status)

    def get(self, uid: str, *tags: int) -> tuple[int, Dataset]:
        _, found = self._association.send_n_get(list(tags), ModalityPerformedProcedureStepRetrieve, uid)
        return int(self.answer.Status), found

    def worklist(self) -> int:
        """How many steps the modality is shown."""
        identifier = Dataset()
        identifier.PatientID = "P1"
        return len([1 for _, found in self._association.send_c_find(identifier, ModalityWorklistInformationFind) if found])


@contextmanager
def calling(archive: Archive) -> Iterator[Modality]:
    entity = AE(ae_title="CT1")
    for sop_class in (ModalityPerformedProcedureStep, ModalityPerformedProcedureStepRetrieve, ModalityWorklistInformationFind):
        entity.add_requested_context(sop_class)
    modality = Modality(entity, archive.port)
    try:
        yield modality
    finally:
        modality.release()


@pytest.fixture
def modality(archive: Archive) -> Iterator[Modality]:
    with calling(archive) as made:
        yield made


def kinds(archive: Archive) -> list[str]:
    """What the change log says of performed steps."""
    rows = archive.context.database.read(lambda connection: changes.since(connection, 0))
    return [row.kind for row in rows if row.kind.startswith("procedure.") and row.subject == row.payload["study"]]


def test_a_step_goes_through_its_states_with_its_study_and_leaves_the_worklist(archive: Archive, modality: Modality) -> None:
    order(archive)
    assert states(archive) == "scheduled [scheduled]" and modality.worklist() == 1
    status, uid = modality.create(begun("S1"))
    assert status == 0 and states(archive) == "in_progress [in_progress]"
    assert modality.worklist() == 1, "another station may have to add to it"
    assert modality.set(uid, ended()) == 0
    assert states(archive) == "completed [completed]" and modality.worklist() == 0
    assert kinds(archive) == ["procedure.started", "procedure.completed"]
    (performed,) = ordering.get(archive.context, SYSTEM, 1).steps[0].performed
    assert (performed.sop_instance_uid, performed.state, performed.performed_station_ae_title) == (uid, "COMPLETED", "CT1")
    assert (performed.started, performed.ended, performed.instances) == ("20261122101500", "20261122103000", 2)


def test_a_discontinued_step_and_its_second_attempt(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, first = modality.create(begun("S1"))
    assert modality.set(first, ended("DISCONTINUED", PerformedSeriesSequence=[])) == 0, "who ran away left no series"
    assert states(archive) == "discontinued [discontinued]" and modality.worklist() == 0
    _, second = modality.create(begun("S1"))
    assert states(archive) == "in_progress [in_progress]"
    assert modality.set(second, ended()) == 0
    assert states(archive) == "completed [completed]"


def test_one_performed_for_two_scheduled_and_two_for_one(archive: Archive, modality: Modality) -> None:
    order(archive, steps=3)
    _, both = modality.create(begun("S1", "S2"))
    assert states(archive) == "in_progress in_progress scheduled [in_progress]"
    _, again = modality.create(begun("S2"))
    assert modality.set(both, ended()) == 0
    assert states(archive) == "completed in_progress scheduled [in_progress]"
    assert modality.set(again, ended("DISCONTINUED")) == 0
    assert states(archive) == "completed completed scheduled [in_progress]"
    _, last = modality.create(begun("S3"))
    assert modality.set(last, ended()) == 0 and states(archive) == "completed completed completed [completed]"


def test_what_nobody_had_ordered_is_in_progress_too(archive: Archive, modality: Modality) -> None:
    status, uid = modality.create(begun("", study="1.2.9", PatientName="Müller^Anna", SpecificCharacterSet="ISO_IR 100"))
    assert status == 0 and states(archive, "1.2.9") == "in_progress [in_progress]"
    assert modality.worklist() == 0, "it was not scheduled, so nobody has to do it"
    walk_in = ordering.get(archive.context, SYSTEM, 1)
    assert walk_in.origin == "modality" and walk_in.values["patient_name"] == "Müller^Anna"
    assert (walk_in.values["accession_number"], walk_in.values["requested_procedure_description"]) == ("A1", "Thorax")
    assert walk_in.steps[0].values["scheduled_procedure_step_start_time"] == "101500"
    assert modality.set(uid, ended()) == 0 and states(archive, "1.2.9") == "completed [completed]"


def test_a_study_uid_of_the_modalitys_own_is_understood_by_accession_number_step_and_patient(
    archive: Archive, modality: Modality
) -> None:
    order(archive, steps=2)
    modality.create(begun("S2", study="1.2.77"))
    assert states(archive) == "scheduled in_progress [in_progress]" and states(archive, "1.2.77") == ""
    modality.create(begun("S1", study="1.2.78", PatientID="SOMEBODY ELSE"))
    assert states(archive) == "scheduled in_progress [in_progress]" and states(archive, "1.2.78") == "in_progress [in_progress]"


NO_STEPS: list[tuple[dict[str, Any], int, int]] = [
    ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106, 0x00400252),
    ({"PerformedProcedureStepStatus": "BUSY"}, 0x0106, 0x00400252), ({"Modality": None}, 0x0120, 0x00080060),
    ({"PerformedProcedureStepID": ""}, 0x0121, 0x00400253), ({"PerformedStationAETitle": None}, 0x0120, 0x00400241),
    ({"PerformedProcedureStepStartTime": ""}, 0x0121, 0x00400245),
    ({"ScheduledStepAttributesSequence": []}, 0x0121, 0x00400270),
    ({"ScheduledStepAttributesSequence": [Dataset()]}, 0x0120, 0x0020000D),
]  # fmt: skip


def test_a_step_that_is_none_is_not_created(archive: Archive, modality: Modality) -> None:
    order(archive)
    for values, status, tag in NO_STEPS:
        dataset = begun("S1", **{name: value for name, value in values.items() if value is not None})
        for name, value in values.items():
            if value is None:
                delattr(dataset, name)
        answered, uid = modality.create(dataset)
        assert (answered, modality.answer.AttributeIdentifierList) == (status, tag), values
        assert states(archive) == "scheduled [scheduled]" and modality.get(uid)[0] == 0x0112


NO_ENDS: list[tuple[dict[str, Any], int, int]] = [
    ({"PerformedProcedureStepEndTime": None}, 0x0121, 0x00400251), ({"PerformedSeriesSequence": []}, 0x0121, 0x00400340),
    ({"PerformedProcedureStepStatus": "DONE"}, 0x0106, 0x00400252),
    ({"PerformedSeriesSequence": [Dataset()]}, 0x0120, 0x0020000E),
]  # fmt: skip


def test_a_step_does_not_end_without_what_the_end_needs(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1"))
    for values, status, tag in NO_ENDS:
        assert modality.set(uid, ended(**values)) == status, values
        assert modality.answer.AttributeIdentifierList == tag and states(archive) == "in_progress [in_progress]"
    assert modality.set(uid, ended()) == 0 and states(archive) == "completed [completed]"


def test_what_has_ended_is_not_set_any_more(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1"))
    assert modality.set(uid, ended()) == 0
    for late in (ended("DISCONTINUED"), begun("S1")):
        assert modality.set(uid, late) == 0x0110
        assert modality.answer.ErrorID == 0xA710 and "no longer be updated" in modality.answer.ErrorComment
    assert states(archive) == "completed [completed]"


def test_the_same_uid_twice_an_unknown_one_and_none(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1"))
    assert modality.create(begun("S1"), uid)[0] == 0x0111
    assert modality.set("1.2.3.4", ended()) == 0x0112
    status, named = modality.create(begun("S1"), None)
    assert status == 0 and named.startswith("2.25.") and named != uid
    assert modality.set(named, ended()) == 0


def test_an_update_in_between_replaces_what_it_gives_and_what_is_fixed_stays(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1", PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 100"))
    between = Dataset()
    between.SpecificCharacterSet = "ISO_IR 192"
    between.PerformedProcedureStepDescription = "Größe 山田"
    between.PatientID, between.Modality = "P2", "CT"
    assert modality.set(uid, between) == 0x0107 and modality.answer.AttributeIdentifierList == 0x00100020
    status, held = modality.get(uid)
    assert status == 0 and (held.PatientName, held.PatientID) == ("Müller^Jürgen", "P1")
    assert held.PerformedProcedureStepDescription == "Größe 山田" and held.PerformedProcedureStepStatus == "IN PROGRESS"
    status, some = modality.get(uid, 0x00400252, 0x00100020)
    assert status == 0 and [element.keyword for element in some] == ["PatientID", "PerformedProcedureStepStatus"]
    status, some = modality.get(uid, 0x00400252, 0x00100040, 0x00102160)
    assert status == 1 and [element.keyword for element in some] == ["PatientSex", "PerformedProcedureStepStatus"]


def test_modalities_that_begin_at_the_same_moment_share_one_order(archive: Archive) -> None:
    with ThreadPoolExecutor(4) as threads:
        begin = partial(procedures.create, archive.context, SYSTEM)
        list(threads.map(lambda number: begin(f"1.2.9.{number}", begun("", study="1.2.9", AccessionNumber="")), range(8)))
    (found,) = ordering.page(archive.context, SYSTEM, {"StudyInstanceUID": "1.2.9"}, descending=False, limit=9, after=None).orders
    assert sum(len(step.performed) for step in found.steps) == 8 and found.state == "in_progress"
    for number in range(8):
        procedures.update(archive.context, SYSTEM, f"1.2.9.{number}", ended())
    assert states(archive, "1.2.9").endswith("[completed]") and "in_progress" not in states(archive, "1.2.9")


def test_updates_at_the_same_moment_all_hold(archive: Archive) -> None:
    order(archive)
    procedures.create(archive.context, SYSTEM, "1.2.9.1", begun("S1"))
    keywords = ("PerformedProcedureStepDescription", "PerformedProcedureTypeDescription", "CommentsOnThePerformedProcedureStep")

    def update(keyword: str) -> None:
        for number in range(4):
            dataset = Dataset()
            setattr(dataset, keyword, f"{number}")
            procedures.update(archive.context, SYSTEM, "1.2.9.1", dataset)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(update, keywords))
    held = procedures.get(archive.context, SYSTEM, "1.2.9.1")
    assert [held[keyword].value for keyword in keywords] == ["3", "3", "3"]


def test_a_step_with_ten_thousands_of_images_is_not_too_large(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1"))
    large = ended()
    large.add_new(0x00091001, "OB", bytes(6 << 20))  # as much as they would take, and quicker
    assert modality.set(uid, large) == 0 and states(archive) == "completed [completed]"


def test_it_outlives_a_restart(archive: Archive, modality: Modality) -> None:
    order(archive)
    _, uid = modality.create(begun("S1"))
    other = Server(archive.context, bound())
    other.start()
    try:
        with calling(Archive(other, archive.context)) as elsewhere:
            assert elsewhere.set(uid, ended()) == 0
    finally:
        other.stop(0)
    assert states(archive) == "completed [completed]"


def test_an_order_that_was_begun_is_not_removed(archive: Archive, modality: Modality) -> None:
    order(archive)
    modality.create(begun("S1"))
    with pytest.raises(Conflict):
        ordering.remove(archive.context, SYSTEM, 1)
    with pytest.raises(Conflict):
        ordering.change(archive.context, SYSTEM, 1, {"StudyInstanceUID": "1.2.2"})
    assert states(archive) == "in_progress [in_progress]"
