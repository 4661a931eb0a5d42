"""What is done for a message: it is kept, done, settled, and only then answered.

    ORM^O01, OMG^O19, OMI^O23   orders                  (IHE RAD-2, RAD-3, RAD-4, RAD-13)
    SIU^S12 .. S17, S26         appointments            (IHE RAD-48)
    ADT                         patients, merged ones   (IHE RAD-1, RAD-12; PIR)
    ORU^R01                     reports                 (IHE RAD-28, RAD-128)
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from isocenter.domain.access import Principal, Role, acting_as, by_role
from isocenter.domain.errors import IsocenterError, Missing
from isocenter.domain.hl7 import orders, patients, reports
from isocenter.domain.hl7.answers import (
    BY_KIND,
    ERROR,
    INTERNAL,
    REJECTED,
    SEQUENCE_ERROR,
    UNKNOWN_KEY,
    UNSUPPORTED_EVENT,
    UNSUPPORTED_MESSAGE,
    State,
    Verdict,
    acknowledge,
)
from isocenter.domain.hl7.mapping import FieldTable, with_site
from isocenter.domain.hl7.message import Malformed, Message, parse
from isocenter.domain.hl7.orders import Control, Instruction, Refused
from isocenter.hl7 import objects
from isocenter.service import corrections, hl7, ingest, ordering
from isocenter.service.context import Context
from isocenter.settings import Settings

log = logging.getLogger(__name__)

_NUMBERS = ("ORC-2", "OBR-2", "ORC-3", "SCH-26", "OBR-18")  # under which a person looks for a message
_OTHERS = ("PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest")
_CORRECTED = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
STEP_ID = "ScheduledProcedureStepID"
_MOMENT = ("ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages are done. table: the fields of this site."""

    context: Context
    table: FieldTable

    @classmethod
    def of(cls, context: Context) -> "Desk":
        """With the settings' table, which were checked at the start."""
        return cls(context, table(context.settings))

    def receive(self, data: bytes, address: str) -> bytes:
        """The answer to a message, after all it asks for is durable. Does not raise."""
        try:
            message = parse(data)
        except Malformed as fault:
            log.warning("an HL7 message cannot be read", extra={"facts": {"address": address, "where": fault.where}})
            return self._answer(None, Verdict(REJECTED, SEQUENCE_ERROR, fault.where, f"{fault.reason}; nothing was kept"))
        return self._answer(message, self._received(message, data, _principal(message, address)))

    def _received(self, message: Message, data: bytes, principal: Principal) -> Verdict:
        try:
            number = next((text for place in _NUMBERS if (text := message.text(place))), "")
            kept, before = hl7.keep(self.context, principal, data, control_id=message.control_id, kind=message.kind,
                                    patient_id=message.text("PID-3"), number=number)  # fmt: skip
            if before is not None and before.state is State.DONE:
                return Verdict()  # MSH-10 tells that it was done; the sender did not get, or not believe, our answer
            return self.done(kept, message, principal)
        except IsocenterError as error:
            log.warning("an HL7 message was not done", extra={"facts": {"kind": error.kind.value, "reason": error.message}})
            return Verdict(REJECTED, BY_KIND[error.kind][1], "", _told(error))
        except Exception:
            log.exception("an HL7 message could not be done")
            return Verdict(REJECTED, INTERNAL, "", "an error of this archive; the message is kept, and is tried again")

    def done(self, kept: int, message: Message, principal: Principal) -> Verdict:
        """Do what a kept message asks for, and settle it. Raises Away, Busy, Broken: it is not settled then."""
        verdict = self._verdict(message, principal)
        hl7.settle(self.context, principal, kept, verdict)
        facts = {"message": kept, "type": message.kind, "answer": verdict.acknowledgement, "place": verdict.where}
        log.info("an HL7 message was done" if not verdict.where else "an HL7 message was refused", extra={"facts": facts})
        return verdict

    def _verdict(self, message: Message, principal: Principal) -> Verdict:
        try:
            handler = _HANDLERS.get(message.code)
            if handler is None:
                return Verdict(REJECTED, UNSUPPORTED_MESSAGE, "MSH-9.1", f"{message.code[:10]} is no message this archive does")
            if message.code in _TRIGGERS and not _TRIGGERS[message.code](message.trigger):
                return Verdict(REJECTED, UNSUPPORTED_EVENT, "MSH-9.2", f"{message.kind[:10]} is no event this archive does")
            handler(self, message, principal)
        except Refused as refused:
            return refused.verdict
        except IsocenterError as error:
            acknowledgement, code = BY_KIND[error.kind]
            return Verdict(acknowledgement, code, self.table.place(error.where), _told(error))
        return Verdict()

    def _answer(self, message: Message | None, verdict: Verdict) -> bytes:
        return acknowledge(message, verdict, self.context.clock().astimezone())

    # ---- orders and appointments

    def take_orders(self, message: Message, principal: Principal) -> None:
        """ORM, OMG, OMI. Raises Refused, IsocenterErrors."""
        now = self.context.clock().astimezone()
        for one in orders.instructions(message, self.table, (now.strftime("%Y%m%d"), now.strftime("%H%M%S"))):
            self._carry_out(one, principal)

    def take_appointment(self, message: Message, principal: Principal) -> None:
        """SIU. Raises Refused, IsocenterErrors."""
        self._carry_out(orders.appointment(message, self.table), principal)

    def _carry_out(self, one: Instruction, principal: Principal) -> None:
        known = hl7.known_orders(self.context, principal, one.facts)
        if not known and (one.control is not Control.PLACE or one.must_exist):
            place = one.where if one.must_exist else self.table.place("PlacerOrderNumberImagingServiceRequest")
            raise Refused(Verdict(ERROR, UNKNOWN_KEY, place, "there is no such order"))
        if one.control is Control.PLACE:
            if known:
                ordering.change(self.context, principal, known[0].id, _changed(one, known[0]))
            else:
                ordering.create(self.context, principal, {**one.facts, "steps": [_planned(step) for step in one.steps]})
            return
        for order in known:
            facts = {"state": "cancelled"} if one.control is Control.CANCEL else {"steps": _moved(one, order)}
            ordering.change(self.context, principal, order.id, facts)

    # ---- patients

    def take_patients(self, message: Message, principal: Principal) -> None:
        """ADT. Raises Refused, IsocenterErrors."""
        for told in patients.told(message, self.table):
            hl7.follow(self.context, principal, told.facts, told.identity, told.prior)
            if told.prior is not None:
                self._join(told, message.kind, principal)

    def _join(self, told: patients.Told, kind: str, principal: Principal) -> None:
        """Studies of the ID that was in use before are the patient's now: corrections, which a person can take back.

        Most images name no issuer, though the message does; those of another issuer are not touched.
        """
        said = {name: told.facts[name] for name in _CORRECTED if told.facts.get(name)}
        number, issuer = told.prior or ("", "")
        for each in dict.fromkeys((issuer, "")):
            if (number, each) != told.identity:
                # What the message leaves out is not taken away: it is the patient's, or else that of the studies.
                known = [hl7.patient_values(self.context, principal, *whose) for whose in ((number, each), told.identity)]
                into = {**known[0], **{name: text for name, text in known[1].items() if text}, **said}
                with contextlib.suppress(Missing):  # no images of it, or none any more
                    corrections.merge(self.context, acting_as(principal, Role.TECHNOLOGIST), number, each, into, f"HL7 {kind}")

    # ---- reports

    def take_reports(self, message: Message, principal: Principal) -> None:
        """ORU. Each document goes in by the one door. Raises Refused, IsocenterErrors."""
        for report in reports.reports(message, self.table):
            study = self._study_of(report, message, principal)
            data = objects.part10(report, study, self.context.clock().astimezone())
            with ingest.begin(self.context, principal, source="hl7", calling_aet="") as reception:
                reception.write(data)
                reception.finish(study_instance_uid=study["StudyInstanceUID"])

    def _study_of(self, report: reports.Report, message: Message, principal: Principal) -> dict[str, str]:
        """Attributes of the study it is about: held ones, those of its order, or a new one's. Raises Refused."""
        facts = {name: value for name, value in report.facts.items() if isinstance(value, str)}
        said = facts.get("PatientID", "")
        if not said:
            raise Refused(Verdict(ERROR, "101", "PID-3.1", "the patient's identifier is missing"))
        known = hl7.known_orders(self.context, principal, {**facts, "StudyInstanceUID": report.study})
        order = known[0].values if known else None
        uid = report.study or (order["study_instance_uid"] if order else "")
        accession = facts.get("AccessionNumber", "") or (order["accession_number"] if order else "")
        held = hl7.held(self.context, principal, study_uid=uid) if uid else None
        held = held or hl7.held(self.context, principal, accession=accession, patient_id=said)
        if held is not None:
            if held["PatientID"] != said:
                raise Refused(Verdict(ERROR, UNKNOWN_KEY, "PID-3.1", "the study is another patient's"))
            return dict(held)
        keys = [facts.get(name, "") for name in _OTHERS]
        numbers = [accession] if accession else keys if any(keys) else [message.control_id]
        uid = uid or reports.made_uid("study", message.header.text(3), message.header.text(4), said, *numbers)
        day, time = report.moment
        return {**facts, "StudyInstanceUID": uid, "AccessionNumber": accession, "StudyDate": day, "StudyTime": time,
                "StudyDescription": facts.get("RequestedProcedureDescription", "")}


def table(settings: Settings) -> FieldTable:
    """The fields of this site. Raises ValueError with a sentence on what to write."""
    return with_site(settings.hl7_fields, settings.hl7_stations)


def sender(name: str, address: str) -> Principal:
    """Who sends: MSH-3|MSH-4. It may what information systems may."""
    return by_role(name, Role.SERVICE, "peer", "hl7", address)


def _principal(message: Message, address: str) -> Principal:
    return sender(f"{message.header.text(3)}|{message.header.text(4)}"[:200], address)


def _told(error: IsocenterError) -> str:
    return " ".join(part for part in (f"{error.message}." if error.message else "", error.kept, error.hint) if part)


def _planned(step: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != orders.UNPLANNED}


def _changed(one: Instruction, order: hl7.Order) -> dict[str, Any]:
    """The facts of an order that is there: its own steps are meant where the message names none of them."""
    steps = []
    for index, step in enumerate(one.steps):
        facts = {name: value for name, value in _planned(step).items() if not (orders.UNPLANNED in step and name in _MOMENT)}
        own = next((each for each in order.steps if each.values["scheduled_procedure_step_id"] == facts.get(STEP_ID)), None)
        if own is None and len(one.steps) == len(order.steps):
            own = order.steps[index]
            facts[STEP_ID] = own.values["scheduled_procedure_step_id"]
        if own is None:
            facts = _planned(step)  # one more, which needs a moment
        elif one.anew and own.state.value == "cancelled":
            facts["state"] = "scheduled"
        steps.append(facts)
    facts = dict(one.facts)
    if not facts.get("PatientName"):
        facts.pop("PatientName", None)
    return {**facts, "steps": steps}


def _moved(one: Instruction, order: hl7.Order) -> list[dict[str, Any]]:
    """Its steps in another state; DC ends what is being done, and calls off what waits."""
    made = []
    for step in order.steps:
        now = step.state.value
        if one.control is Control.DISCONTINUE:
            state = "discontinued" if now == "in_progress" else "cancelled" if now in ("scheduled", "arrived", "ready") else now
        else:
            state = one.state
        made.append({STEP_ID: step.values["scheduled_procedure_step_id"], "state": state})
    return made


Handler = Callable[[Desk, Message, Principal], None]
_HANDLERS: dict[str, Handler] = {
    "ORM": Desk.take_orders, "OMG": Desk.take_orders, "OMI": Desk.take_orders, "SIU": Desk.take_appointment,
    "ADT": Desk.take_patients, "ORU": Desk.take_reports,
}  # fmt: skip
_TRIGGERS: dict[str, Callable[[str], bool]] = {
    "ORM": lambda trigger: trigger in ("O01", ""),
    "OMG": lambda trigger: trigger == "O19",
    "OMI": lambda trigger: trigger == "O23",
    "SIU": orders.is_appointment,
    "ADT": lambda trigger: trigger in patients.EVENTS,
    "ORU": lambda trigger: trigger in ("R01", "R32", ""),
}


def again(desk: Desk) -> bool:
    """Do one message that was replayed, or left by a process that was killed; False when there is none. Raises as `done`."""
    claimed = hl7.claim(desk.context)
    if claimed is None:
        return False
    kept, content = claimed
    desk.done(kept.id, parse(content), sender(kept.sender, kept.address))
    return True


