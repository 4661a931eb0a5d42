"""What ADT says of patients (IHE RAD-1, RAD-12, PIR): who is registered, what has changed, who turned out to be the same."""

from dataclasses import dataclass
from typing import Any

from isocenter.domain.hl7.answers import ERROR, MISSING_FIELD, Verdict
from isocenter.domain.hl7.mapping import OF_PATIENT, FieldTable, fitting, identifier
from isocenter.domain.hl7.message import Message, Segment
from isocenter.domain.hl7.orders import Refused

# Events whose PID holds the patient as it is now
TOLD = frozenset({"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A10", "A11", "A12", "A13", "A28", "A31", "A38"})
# Of which only these say that the patient's data have changed; the others are about visits.
JOINED = frozenset({"A18", "A30", "A34", "A35", "A36", "A39", "A40"})
RENAMED = frozenset({"A46", "A47"})  # the patient's identifier has changed
EVENTS = TOLD | JOINED | RENAMED


@dataclass(frozen=True, slots=True)
class Told:
    """facts: of the patient, by keyword. prior: ID and issuer that were in use before, which are this patient's now."""

    facts: dict[str, Any]
    prior: tuple[str, str] | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """Patient ID and issuer."""
        return str(self.facts["PatientID"]), str(self.facts.get("IssuerOfPatientID", ""))


def told(message: Message, table: FieldTable) -> list[Told]:
    """What the message says; a merge may be of several pairs (ADT_A39). Raises Refused."""
    pairs: list[tuple[Segment, Segment | None]] = []
    for segment in message.segments:
        if segment.name == "PID":
            pairs.append((segment, None))
        elif segment.name == "MRG" and pairs:
            pairs[-1] = (pairs[-1][0], segment)
    if not pairs:
        raise Refused(Verdict(ERROR, "100", "PID", "there is no PID segment"))
    return [_told(message.trigger, patient, merged, table) for patient, merged in pairs]


def _told(trigger: str, patient: Segment, merged: Segment | None, table: FieldTable) -> Told:
    facts = table.facts([patient], of_step=False, only=OF_PATIENT)
    if not facts.get("PatientID"):
        raise Refused(Verdict(ERROR, MISSING_FIELD, "PID-3.1", "the patient's identifier is missing"))
    facts |= {keyword: "" for keyword, field in (("PatientBirthDate", 7), ("PatientSex", 8)) if patient.is_null(field)}
    if trigger not in JOINED | RENAMED:
        return Told(facts)
    raw = identifier(merged, 1) if merged is not None else ""
    if merged is None or not merged.component(raw):
        raise Refused(Verdict(ERROR, MISSING_FIELD, "MRG-1.1", "the identifier that was in use before is missing"))
    prior = fitting("PatientID", merged.component(raw)), fitting("IssuerOfPatientID", merged.component(raw, 4))
    if prior[0] == facts["PatientID"] and prior[1] in ("", facts.get("IssuerOfPatientID", "")):
        raise Refused(Verdict(ERROR, "102", "MRG-1.1", "the two identifiers are the same"))
    return Told(facts, prior)
