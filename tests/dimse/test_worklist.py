"""The modality worklist with dcmtk and pynetdicom as modalities, on both databases."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

from dimse.conftest import IMPLICIT, Archive, bound, peer_of
from isocenter.dicom import datasets
from isocenter.dicom.sop_classes import MODALITY_WORKLIST_FIND
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.server import Server
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.service import ordering, peers
from isocenter.service.context import Context

dcmtk = pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")

CODES = [
    {"CodeValue": "CTABD", "CodingSchemeDesignator": "99A", "CodeMeaning": "CT abdomen"},
    {"CodeValue": "CONTR", "CodingSchemeDesignator": "99B", "CodeMeaning": "Contrast"},
]


@pytest.fixture(scope="module")
def archive(shared_context: Context) -> Iterator[Archive]:
    """Five steps of four orders."""
    server = Server(shared_context, bound())
    server.start()

    def order(name: str, patient_id: str, *steps: dict[str, Any], **facts: Any) -> None:
        ordering.create(shared_context, SYSTEM, {"PatientName": name, "PatientID": patient_id, "steps": list(steps), **facts})

    def step(step_id: str, date: str, time: str, modality: str = "CT", *stations: str, **facts: Any) -> dict[str, Any]:
        return {
            "ScheduledProcedureStepID": step_id, "ScheduledProcedureStepStartDate": date, "Modality": modality,
            "ScheduledProcedureStepStartTime": time, "ScheduledStationAETitle": list(stations or ("CT1",)), **facts,
        }  # fmt: skip

    order("Müller^Jürgen", "P1", step("S1", "20261122", "0900"), step("S2", "20261122", "1500", "MR", "MR1", "MR2"),
          PatientBirthDate="19700131", PatientSex="M", AccessionNumber="A1", StudyInstanceUID="1.2.1", PregnancyStatus="4",
          MedicalAlerts=["Latex", "Pacemaker"], RequestedProcedureDescription="Abdomen", RequestedProcedureCodeSequence=CODES)
    order("Yamada^Tarou=山田^太郎=やまだ^たろう", "P2", step("S3", "20261123", "083000.5"), AccessionNumber="A2",
          PatientWeight="71.5")
    order("Doe^Jane", "P3", step("S4", "20261124", "1700", "US", "US1", ScheduledPerformingPhysicianName="House^Gregory",
                                 ScheduledProtocolCodeSequence=CODES), AccessionNumber="A3")
    order("Doe^John", "P4", step("S5", "20261125", "0700"), AccessionNumber="A4")
    cancelled = ordering.create(shared_context, SYSTEM, {"PatientName": "Gone^Way", "PatientID": "P5", "steps": [
        step("S6", "20261122", "1000")]})
    ordering.change(shared_context, SYSTEM, cancelled.id, {"state": "cancelled"})
    yield Archive(server, shared_context)
    server.stop(0)


def ask(archive: Archive, step: dict[str, Any] | None = None, *, calling: str = "CT1", **keys: Any) -> tuple[int, list[Dataset]]:
    """C-FIND with pynetdicom; the final status and the answers. step: keys of the step, whose ID is always asked for."""
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    item = Dataset()
    item.ScheduledProcedureStepID = ""
    for keyword, value in (step or {}).items():
        setattr(item, keyword, value)
    identifier.ScheduledProcedureStepSequence = [item]
    entity = AE(ae_title=calling)
    entity.add_requested_context(ModalityWorklistInformationFind)
    association = entity.associate("127.0.0.1", archive.port, ae_title="ISOCENTER")
    assert association.is_established
    answers, final = [], 0
    for answer, found in association.send_c_find(identifier, ModalityWorklistInformationFind):
        final = int(answer.Status)
        if found is not None:
            assert final in (0xFF00, 0xFF01)
            found.pending = final
            answers.append(found)
    association.release()
    return final, answers


def ids(archive: Archive, step: dict[str, Any] | None = None, **keys: Any) -> str:
    """The numbers of the steps that are found."""
    status, answers = ask(archive, step, **keys)
    assert status == 0
    return "".join(str(each.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID)[1:] for each in answers)


def test_what_waits_is_shown_in_the_order_of_its_time_and_what_was_cancelled_is_not(archive: Archive) -> None:
    assert ids(archive) == "12345"


@pytest.mark.parametrize(
    ("step", "keys", "expected"),
    [
        # The required matching keys of PS3.4 Table K.6-1
        ({"ScheduledStationAETitle": "CT1"}, {}, "135"), ({"ScheduledStationAETitle": "MR2"}, {}, "2"),
        ({"ScheduledStationAETitle": "NONE"}, {}, ""), ({"Modality": "MR"}, {}, "2"), ({"Modality": "CT"}, {}, "135"),
        ({"ScheduledProcedureStepStartDate": "20261122"}, {}, "12"),
        ({"ScheduledProcedureStepStartDate": "20261123-20261124"}, {}, "34"),
        ({"ScheduledProcedureStepStartDate": "20261124-"}, {}, "45"),
        ({"ScheduledProcedureStepStartDate": "-20261123"}, {}, "123"),
        ({"ScheduledProcedureStepStartTime": "0800-0900"}, {}, "13"), ({"ScheduledProcedureStepStartTime": "1500"}, {}, "2"),
        ({"ScheduledPerformingPhysicianName": "house*"}, {}, "4"), ({}, {"PatientName": "DOE^*"}, "45"),
        ({}, {"PatientName": "mueller*"}, "12"), ({}, {"PatientName": "MULLER^JURGEN"}, "12"), ({}, {"PatientID": "P3"}, "4"),
        ({}, {"PatientName": "Do?^J*n*"}, "45"),
        # A range of dates with one of times is one period
        ({"ScheduledProcedureStepStartDate": "20261122-20261123", "ScheduledProcedureStepStartTime": "1000-0845"}, {}, "23"),
        ({"ScheduledProcedureStepStartDate": "20261122-20261124", "ScheduledProcedureStepStartTime": "1000-1200"}, {}, "23"),
        ({"ScheduledProcedureStepStartDate": "20261123-", "ScheduledProcedureStepStartTime": "0900-"}, {}, "45"),
        # Usual others
        ({}, {"AccessionNumber": "A3"}, "4"), ({}, {"StudyInstanceUID": ["1.2.1", "1.2.9"]}, "12"),
        ({}, {"PatientSex": "M"}, "12"),
        ({"ScheduledProcedureStepID": "S3"}, {}, "3"), ({}, {"RequestedProcedureDescription": "Abd*"}, "12"),
        ({"ScheduledProcedureStepStatus": "SCHEDULED"}, {}, "12345"), ({"ScheduledProcedureStepStatus": "READY"}, {}, ""),
        ({"Modality": "CT", "ScheduledProcedureStepStartDate": "20261125"}, {"PatientName": "Doe*"}, "5"),
        ({}, {"PatientWeight": "71.50"}, "3"), ({}, {"MedicalAlerts": "Pacemaker"}, "12"),
    ],
)  # fmt: skip
def test_matching(archive: Archive, step: dict[str, Any], keys: dict[str, Any], expected: str) -> None:
    assert ids(archive, step, SpecificCharacterSet="ISO_IR 192", **keys) == expected


@pytest.mark.parametrize(("value", "scheme", "expected"), [("CTABD", "99A", "12"), ("CTABD", "99B", ""), ("CTABD", "", "12"),
                                                           ("CONTR", "99B", "12"), ("", "99Z", "")])
def test_code_keys_are_met_by_one_item(archive: Archive, value: str, scheme: str, expected: str) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, scheme
    assert ids(archive, RequestedProcedureCodeSequence=[item]) == expected
    assert ids(archive, {"ScheduledProtocolCodeSequence": [item]}) == expected.replace("12", "4")


def test_what_is_asked_for_is_answered_and_nothing_else(archive: Archive) -> None:
    step = {"Modality": "MR", "ScheduledStationAETitle": "", "ScheduledPerformingPhysicianName": ""}
    _, (found,) = ask(
        archive, step, PatientID="P1", PregnancyStatus=None, MedicalAlerts="", ReferencedStudySequence=[], StudyInstanceUID="",
        RequestedProcedureCodeSequence=[], PatientBirthDate="", Allergies="",
    )  # fmt: skip
    assert found.pending == 0xFF00
    assert (found.StudyInstanceUID, found.PatientBirthDate) == ("1.2.1", "19700131")
    assert (found.PregnancyStatus, found.Allergies) == (4, "")
    assert list(found.MedicalAlerts) == ["Latex", "Pacemaker"] and list(found.ReferencedStudySequence) == []
    assert [(c.CodeValue, c.CodeMeaning) for c in found.RequestedProcedureCodeSequence] == [
        ("CTABD", "CT abdomen"), ("CONTR", "Contrast")]  # fmt: skip
    (item,) = found.ScheduledProcedureStepSequence
    assert (item.ScheduledProcedureStepID, list(item.ScheduledStationAETitle)) == ("S2", ["MR1", "MR2"])
    assert item.ScheduledPerformingPhysicianName == "" and "ScheduledProcedureStepStartDate" not in item
    assert "PatientName" not in found


def test_a_step_sequence_without_keys_asks_for_the_whole_step(archive: Archive) -> None:
    for sequence in ([], [Dataset()]):
        identifier = Dataset()
        identifier.PatientID = "P3"
        identifier.ScheduledProcedureStepSequence = sequence
        entity = AE(ae_title="CT1")
        entity.add_requested_context(ModalityWorklistInformationFind)
        association = entity.associate("127.0.0.1", archive.port)
        found = [each for _, each in association.send_c_find(identifier, ModalityWorklistInformationFind) if each]
        association.release()
        (item,) = found[0].ScheduledProcedureStepSequence
        assert (item.ScheduledProcedureStepStartDate, item.ScheduledProcedureStepStartTime, item.Modality) == (
            "20261124", "170000", "US")  # fmt: skip
        assert item.ScheduledProcedureStepStatus == "SCHEDULED" and len(item.ScheduledProtocolCodeSequence) == 2


def test_names_come_in_the_character_set_of_the_question_when_it_can_say_them(archive: Archive) -> None:
    _, (german,) = ask(archive, {"Modality": "MR"}, SpecificCharacterSet="ISO_IR 100", PatientName="Müller*")
    assert (german.PatientName, german.SpecificCharacterSet) == ("Müller^Jürgen", "ISO_IR 100")
    _, (japanese,) = ask(archive, SpecificCharacterSet="ISO_IR 100", PatientName="", PatientID="P2")
    assert japanese.SpecificCharacterSet == "ISO_IR 192" and japanese.PatientName.ideographic == "山田^太郎"
    _, (found,) = ask(archive, SpecificCharacterSet="ISO_IR 192", PatientName="=山田*")
    assert found.PatientName.phonetic == "やまだ^たろう"


def test_a_question_without_a_character_set_is_answered_in_ascii_where_that_will_do(archive: Archive) -> None:
    _, (plain,) = ask(archive, {"Modality": ""}, PatientName="", PatientID="P3")
    assert "SpecificCharacterSet" not in plain and plain.PatientName == "Doe^Jane"
    _, (needed,) = ask(archive, PatientName="", PatientID="P2")
    assert needed.SpecificCharacterSet == "ISO_IR 192"


def test_a_peer_whose_character_set_is_known_need_not_name_it(archive: Archive) -> None:
    peers.add(archive.context, SYSTEM, aet="OLDCT", host="127.0.0.1", port=104, character_set="ISO_IR 100")
    try:
        _, found = ask(archive, calling="OLDCT", PatientID="P1", PatientName="")
        assert {str(each.PatientName) for each in found} == {"Müller^Jürgen"}
        assert {each.SpecificCharacterSet for each in found} == {"ISO_IR 100"}
    finally:
        peers.remove(archive.context, SYSTEM, "OLDCT")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # says pydicom, on our side as the modality
def test_unknown_keys_are_said_to_be_and_wrong_ones_refused(archive: Archive) -> None:
    _, (found,) = ask(archive, PatientID="P3", ManufacturerModelName="")
    assert found.pending == 0xFF01 and "ManufacturerModelName" not in found
    status, found_none = ask(archive, {"ScheduledProcedureStepStartTime": "1000-0900-0800"})
    assert (status, found_none) == (0xC000, [])


def test_a_limit_is_said(archive: Archive) -> None:
    object.__setattr__(archive.context.settings, "max_find_answers", 2)
    try:
        status, found = ask(archive)
        assert status == 0xB001 and len(found) == 2
    finally:
        object.__setattr__(archive.context.settings, "max_find_answers", 1000)


def test_who_asked_is_in_the_change_log(archive: Archive) -> None:
    from isocenter.store import changes

    ask(archive, PatientName="Doe*")
    rows = archive.context.database.read(lambda connection: changes.since(connection, 0))
    row = next(row for row in rows if row.kind == "order.searched" and row.subject == "WORKLIST?PatientName")
    assert row.actor == "CT1" and "Doe" not in str(row.payload)


def test_c_cancel_ends_it(archive: Archive) -> None:
    command = Command(command_field=CommandField.C_FIND_RQ, message_id=7, command_data_set_type=1, priority=0,
                      affected_sop_class_uid=MODALITY_WORKLIST_FIND)  # fmt: skip
    cancel = Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7)
    identifier = Dataset()
    identifier.PatientName = ""
    with peer_of(archive) as peer:
        peer.associate(contexts={1: (MODALITY_WORKLIST_FIND, (IMPLICIT,))})
        # In one piece: whoever asks and takes it back at once is not told anything any more
        parts = ((pdu.COMMAND | pdu.LAST, command.encode()), (pdu.LAST, datasets.encode(identifier, IMPLICIT)),
                 (pdu.COMMAND | pdu.LAST, cancel.encode()))  # fmt: skip
        peer.send(b"".join(pdu.PDataTF((pdu.PresentationDataValue(1, *part),)).encode() for part in parts))
        answer = peer.receive()
        assert isinstance(answer, Command) and answer.status == 0xFE00


@dcmtk
def test_findscu_asks_as_a_modality_does(archive: Archive, tmp_path: Path) -> None:
    step = ("Modality=CT", "ScheduledStationAETitle=CT1", "ScheduledProcedureStepStartDate=20261122-20261125",
            "ScheduledProcedureStepID", "ScheduledProtocolCodeSequence")  # fmt: skip
    keys = [*(f"(0040,0100)[0].{key}" for key in step), "PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"]
    arguments = [word for key in keys for word in ("-k", key)]
    command = ["findscu", "-v", "-W", "-aet", "CT1", "-X", "-od", tmp_path, *arguments, "127.0.0.1", str(archive.port)]
    done = subprocess.run(command, env={**os.environ, "TCP_NODELAY": "1"}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(["dcmdump", *sorted(tmp_path.glob("rsp*"))], capture_output=True, text=True, check=True, timeout=60)
    assert re.findall(r"\(0040,0009\) SH \[(\w+)\]", shown.stdout) == ["S1", "S3", "S5"]
    assert shown.stdout.count("(0020,000d) UI [") == 3 and "[Doe^John]" in shown.stdout
