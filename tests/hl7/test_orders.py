"""What a RIS sends, through a real listener and on both databases: orders, appointments, patients, reports."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydicom import dcmread
from sqlalchemy import text

from hl7.messages import PID, Sender, message, orm
from isocenter.domain.access import SYSTEM
from isocenter.hl7 import handling
from isocenter.hl7.server import Server
from isocenter.service import hl7, ordering
from isocenter.service.context import Context


@dataclass
class Ris:
    """A RIS in front of an archive."""

    context: Context
    server: Server
    sender: Sender

    def orders(self) -> list[dict[str, Any]]:
        found = ordering.page(self.context, SYSTEM, {}, descending=False, limit=50, after=None)
        return [ordering.told(order) for order in found.orders]

    def order(self) -> dict[str, Any]:
        (found,) = self.orders()
        return found

    def kept(self) -> list[hl7.Kept]:
        return hl7.page(self.context, SYSTEM, limit=100).messages

    def answer(self, content: bytes) -> tuple[str, str, str]:
        """MSA-1, ERR-2 and ERR-3.1 of the answer."""
        segments = self.sender.send(content)
        error = next((each for each in segments if each[0] == "ERR"), None)
        assert segments[1][0] == "MSA"
        return segments[1][1], error[2] if error else "", error[3].split("^")[0] if error else ""


@pytest.fixture
def ris(context: Context) -> Iterator[Ris]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(context, listener)
    server.start()
    sender = Sender.to(server.port)
    yield Ris(context, server, sender)
    sender.close()
    server.stop(20)


def test_an_order_is_on_the_worklist_as_the_message_has_it(ris: Ris) -> None:
    segments = ris.sender.send(orm())
    assert segments[1][:3] == ["MSA", "AA", "1"] and segments[0][8] == "ACK^O01^ACK" and segments[0][11] == "2.3.1"
    assert segments[0][2:6] == ["ISOCENTER", "HERE", "RIS", "HOSPITAL"]
    order = ris.order()
    assert order["PatientName"] == "Müller^Jürgen^Maria^Dr^Jr=山田^太郎", "HL7 has the suffix before the prefix"
    assert (order["PatientID"], order["IssuerOfPatientID"]) == ("P1", "HOSP")
    assert (order["PatientBirthDate"], order["PatientSex"]) == ("19700131", "M")
    assert (order["AccessionNumber"], order["StudyInstanceUID"], order["RequestedProcedureID"]) == ("A1", "1.2.826.1", "RP1")
    assert order["ReferringPhysicianName"] == "Referrer^Rita" and order["RequestingPhysician"] == "House^Gregory"
    assert order["RequestedProcedurePriority"] == "STAT" and order["MedicalAlerts"] == ["Latex"]
    assert order["PlacerOrderNumberImagingServiceRequest"] == "PL1"
    assert order["RequestedProcedureCodeSequence"][0]["CodeValue"] == "CTABD"
    (step,) = order["steps"]
    assert (step["ScheduledProcedureStepID"], step["Modality"], step["ScheduledStationAETitle"]) == ("SPS1", "CT", ["CT1"])
    assert (step["ScheduledProcedureStepStartDate"], step["ScheduledProcedureStepStartTime"]) == ("20261123", "093000")
    assert step["ScheduledProtocolCodeSequence"][0]["CodeMeaning"] == "CT abdomen protocol"
    assert step["state"] == "scheduled"


def test_an_order_is_changed_cancelled_ordered_anew_and_discontinued(ris: Ris) -> None:
    assert ris.sender.code(orm()) == "AA"
    assert ris.sender.code(orm("XO", control="2", start="20261124110000")) == "AA"
    order = ris.order()
    assert order["steps"][0]["ScheduledProcedureStepStartDate"] == "20261124" and order["state"] == "scheduled"
    assert ris.sender.code(orm("CA", control="3")) == "AA"
    assert ris.order()["state"] == "cancelled"
    assert ris.sender.code(orm("CA", control="4")) == "AA", "it is cancelled; that is what was asked for"
    assert ris.sender.code(orm("NW", control="5")) == "AA"
    assert ris.order()["state"] == "scheduled"
    assert ris.sender.code(orm("SC", control="6", status="IP")) == "AA"
    assert ris.order()["state"] == "in_progress"
    assert ris.sender.code(orm("DC", control="7")) == "AA"
    assert ris.order()["state"] == "discontinued"
    assert [each.state.value for each in ris.kept()] == ["done"] * 7


def test_what_is_wrong_is_named_and_kept(ris: Ris) -> None:
    def wrong(control: str, content: bytes) -> tuple[str, str, str]:
        return ris.answer(content.replace(b"|P|2.3.1|", b"|P|2.5.1|").replace(b"O01|1|", f"O01|{control}|".encode()))

    assert wrong("1", orm(modality="")) == ("AE", "IPC^1^5", "101")
    assert wrong("2", orm("ZZ")) == ("AE", "ORC^1^1", "103")
    assert wrong("3", orm("CA", placer="unheard of", uid="1.9", accession="none")) == ("AE", "ORC^1^2", "204")
    assert wrong("4", orm(pid="PID|1||||Doe^John")) == ("AE", "PID^1^3", "102")
    assert wrong("5", orm(accession="longer than 16 characters")) == ("AE", "IPC^1^1", "102")
    assert ris.answer(message("MFN^M02", "MFI|X", control="6")) == ("AR", "MSH^1^9^1^1", "200")
    assert ris.answer(message("ADT^A99", PID, control="7")) == ("AR", "MSH^1^9^1^2", "201")
    assert ris.orders() == []
    kept = ris.kept()
    assert [each.state.value for each in kept] == ["failed"] * 7
    assert kept[0].acknowledgement == "AR" and kept[-1].place == "IPC-5" and "modality" in kept[-1].reason
    assert ris.sender.send(b"no message at all")[1][1] == "AR"
    old = ris.sender.send(orm("ZZ", control="8"))
    assert old[2][:2] == ["ERR", "ORC^1^1^103&Table value not found"], "HL7 2.3.1 has the place in ERR-1"


def test_the_same_message_again_changes_nothing_and_is_answered_alike(ris: Ris) -> None:
    assert ris.sender.code(orm()) == "AA"
    assert ris.sender.code(orm("XO", control="2", start="20261124110000")) == "AA"
    first = hl7.get(ris.context, SYSTEM, ris.kept()[-1].id)[1]
    assert ris.sender.code(first) == "AA", "the answer was lost, say"
    assert ris.order()["steps"][0]["ScheduledProcedureStepStartDate"] == "20261124"
    assert len(ris.kept()) == 2
    other = orm("XO", control="1", start="20261125080000")
    assert ris.sender.code(other) == "AA", "a sender whose numbers begin anew"
    assert ris.order()["steps"][0]["ScheduledProcedureStepStartDate"] == "20261125" and len(ris.kept()) == 3


def test_a_message_is_replayed_and_one_left_by_a_killed_process_is_done(ris: Ris) -> None:
    """Settled only when done: what was kept and not settled is done when its lease has ended."""
    assert ris.sender.code(orm()) == "AA"
    assert ris.sender.code(orm("XO", control="2", start="20261124110000")) == "AA"
    first = ris.kept()[-1]
    hl7.replay(ris.context, SYSTEM, first.id)
    desk = handling.Desk.of(ris.context)
    assert handling.again(desk) and not handling.again(desk)
    assert ris.order()["steps"][0]["ScheduledProcedureStepStartDate"] == "20261123"
    assert next(each for each in ris.kept() if each.id == first.id).attempts == 2
    left, _ = hl7.keep(ris.context, handling.sender("RIS|HOSPITAL", "127.0.0.1"), orm(placer="PL2", uid="1.2.3", control="9"),
                       control_id="9", kind="ORM^O01", patient_id="P1", number="PL2")
    assert not handling.again(desk), "somebody is at work on it"
    ris.context.database.write(lambda connection: connection.execute(
        text("update hl7_message set lease_until = '2026-01-01T00:00:00.000000Z' where id = :id"), {"id": left}))
    assert handling.again(desk)
    assert len(ris.orders()) == 2


def test_omi_has_steps_of_its_own_and_appointments_move_them(ris: Ris) -> None:
    omi = message(
        "OMI^O23", PID, "ORC|NW|PL7|FI7", "TQ1|1||||||20261201080000||A", "OBR|1|PL7|FI7|MRHEAD^MR head^L",
        "IPC|ACC7|RP7|1.2.826.7|SPS7|MR|P1^Brain^L|ROOM 1||MR1", "IPC|ACC7|RP7|1.2.826.7|SPS8|MR|P2^Neck^L|ROOM 1||MR1",
    )
    assert ris.sender.code(omi) == "AA"
    order = ris.order()
    assert (order["AccessionNumber"], order["StudyInstanceUID"], order["RequestedProcedurePriority"]) == (
        "ACC7", "1.2.826.7", "HIGH")
    assert [(s["ScheduledProcedureStepID"], s["ScheduledProcedureStepDescription"]) for s in order["steps"]] == [
        ("SPS7", "Brain"), ("SPS8", "Neck")]
    single = message("OMG^O19", PID, "ORC|NW|PL8", "OBR|1|PL8||CRCHEST^Chest^L" + "|" * 20 + "CR", control="2")
    assert ris.sender.code(single) == "AA"
    planned = next(each for each in ris.orders() if each["PlacerOrderNumberImagingServiceRequest"] == "PL8")
    assert planned["steps"][0]["ScheduledStationAETitle"] == ["CR"] and planned["AccessionNumber"].startswith("IA")

    def schedule(event: str, start: str, control: str, order: str = "PL8") -> bytes:
        fields = [""] * 28
        fields[:3], fields[26] = ["SCH", "AP1", "AF1"], order
        resource = f"AIS|1|A|CRCHEST^Chest^L|{start}"
        return message(f"SIU^{event}", "|".join(fields).rstrip("|"), PID, "RGS|1", resource, control=control)

    assert ris.sender.code(schedule("S12", "20261202103000", "3")) == "AA"
    assert ris.sender.code(schedule("S13", "20261203113000", "4")) == "AA"
    moved = next(each for each in ris.orders() if each["id"] == planned["id"])["steps"]
    (step,) = moved
    assert (step["ScheduledProcedureStepStartDate"], step["ScheduledProcedureStepStartTime"]) == ("20261203", "113000")
    assert ris.sender.code(schedule("S15", "", "5")) == "AA"
    assert next(each for each in ris.orders() if each["id"] == planned["id"])["state"] == "cancelled"
    assert ris.answer(schedule("S12", "20261202103000", "6", "nobody's")) == ("AE", "SCH^1^26", "204")


def test_patients_are_updated_and_joined(ris: Ris) -> None:
    assert ris.sender.code(orm()) == "AA"
    assert ris.sender.code(orm(placer="PL2", uid="1.2.826.2", accession="A2", control="2",
                               pid="PID|1||P2^^^HOSP^MR||Doe^Jane||19800101|F")) == "AA"
    assert ris.sender.code(message("ADT^A08", "PID|1||P1^^^HOSP^MR||Mueller^Jurgen||19700201|F", control="3")) == "AA"
    first, second = sorted(ris.orders(), key=lambda order: order["AccessionNumber"])
    assert (first["PatientName"], first["PatientBirthDate"], first["PatientSex"]) == ("Mueller^Jurgen", "19700201", "F")
    assert second["PatientName"] == "Doe^Jane"
    joined = message("ADT^A40", "PID|1||P1^^^HOSP^MR||Mueller^Jurgen||19700201|F", "MRG|P2^^^HOSP^MR", control="4")
    assert ris.sender.code(joined) == "AA"
    assert {(order["PatientID"], order["PatientName"]) for order in ris.orders()} == {("P1", "Mueller^Jurgen")}
    assert ris.answer(message("ADT^A40", PID, control="5")) == ("AE", "MRG^1^1^1^1", "101")
    other = message("ADT^A08", "PID|1||P1^^^ELSEWHERE^MR||Other^One", control="6")
    assert ris.sender.code(other) == "AA", "the same number of another issuer is another patient"
    assert "Other^One" not in {order["PatientName"] for order in ris.orders()}


def _stored(context: Context) -> list[Any]:
    return [dcmread(path) for path in sorted((context.settings.data / "archive").rglob("*.dcm"))]


def test_reports_go_into_the_archive(ris: Ris) -> None:
    assert ris.sender.code(orm()) == "AA"
    pdf = base64.b64encode(b"%PDF-1.4 a report").decode()
    obr = "OBR|1|PL1|FI1|CTABD^CT abdomen^L|||20261123100000" + "|" * 18 + "F"
    oru = message("ORU^R01", PID, "ORC|RE|PL1|FI1", obr, "OBX|1|TX|F^Findings||No stone.~Kidneys\\T\\bladder normal.",
                  "OBX|2|FT|I^Impression||Nothing\\.br\\new",
                  f"OBX|3|ED|PDF^Report||RIS^Application^PDF^Base64^{pdf}", control="9")
    assert ris.sender.code(oru) == "AA"
    assert ris.sender.code(oru) == "AA", "and again: nothing is made twice"
    found = {str(each.Modality): each for each in _stored(ris.context)}
    assert set(found) == {"SR", "DOC"} and len(_stored(ris.context)) == 2
    for each in found.values():
        assert each.StudyInstanceUID == "1.2.826.1" and str(each.PatientName).startswith("Müller^Jürgen")
        assert (each.PatientID, each.IssuerOfPatientID, each.AccessionNumber) == ("P1", "HOSP", "A1")
    document = found["DOC"]
    assert document.EncapsulatedDocument[: document.EncapsulatedDocumentLength] == b"%PDF-1.4 a report"
    sections = found["SR"].ContentSequence
    assert [item.ConceptNameCodeSequence[0].CodeMeaning for item in sections] == ["Findings", "Impression"]
    assert sections[0].ContentSequence[0].TextValue.splitlines() == ["No stone.", "Kidneys&bladder normal."]
    assert sections[1].ContentSequence[0].TextValue.splitlines() == ["Nothing", "new"]
    assert found["SR"].CompletionFlag == "COMPLETE"
    wrong = message("ORU^R01", PID, obr, "OBX|1|ED|PDF||R^A^PDF^Base64^!!", control="10")
    assert ris.answer(wrong) == ("AE", "OBX^1^5^1^5", "102")
    stranger = message("ORU^R01", "PID|1||P9||Else^Somebody", "ORC|RE|PL1", obr, "OBX|1|TX|F||x", "ZDS|1.2.826.1", control="11")
    assert ris.answer(stranger) == ("AE", "PID^1^3^1^1", "204"), "a report does not go into another patient's study"


def test_logs_and_changes_hold_no_patient(ris: Ris, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    ris.sender.send(orm())
    ris.sender.send(orm(modality="", control="2"))
    told = " ".join(f"{record.getMessage()} {json.dumps(getattr(record, 'facts', {}))}" for record in caplog.records)
    assert "an HL7 message" in told and "ller" not in told and "P1" not in told


def test_studies_are_joined_by_a_correction(ris: Ris) -> None:
    assert ris.sender.code(message("ORU^R01", "PID|1||P2||Doe^Jane||19800101|F", "OBR|1|||R^Report", "OBX|1|TX|F||x",
                                   "ZDS|1.2.826.5")) == "AA"  # fmt: skip
    joined = message("ADT^A40", "PID|1||P1^^^HOSP^MR||Mueller^Eva", "MRG|P2^^^HOSP^MR", control="2")
    assert ris.sender.code(joined) == "AA"
    found = hl7.held(ris.context, SYSTEM, study_uid="1.2.826.5")
    assert (found["PatientID"], found["IssuerOfPatientID"], found["PatientName"]) == ("P1", "HOSP", "Mueller^Eva")
    assert (found["PatientBirthDate"], found["PatientSex"]) == ("19800101", "F"), "what the message leaves out stays"
    assert _stored(ris.context)[0].PatientID == "P2", "the original is as it came"
    assert ris.sender.code(joined.replace(b"|2|P|", b"|3|P|")) == "AA", "and again: there is nothing left to join"
