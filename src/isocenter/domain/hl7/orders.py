"""What a message says of orders: ORM^O01, OMG^O19, OMI^O23 (IHE RAD-2, RAD-3, RAD-4, RAD-13) and SIU (RAD-48) as instructions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from isocenter.domain.hl7.answers import ERROR, MISSING_FIELD, NOT_IN_TABLE, Verdict
from isocenter.domain.hl7.mapping import FieldTable, moment
from isocenter.domain.hl7.message import Message, Segment


class Control(StrEnum):
    """What is to become of an order."""

    PLACE = "place"  # it is there afterwards, as the message has it
    CANCEL = "cancel"
    DISCONTINUE = "discontinue"
    STATUS = "status"


# HL7 table 0119 (order control codes). CH, PA: child and parent orders hold the procedure like any other.
CONTROLS: Mapping[str, Control] = {
    **dict.fromkeys(("NW", "XO", "XX", "XR", "SN", "RO", "RP", "CH", "PA", "OK", "RE"), Control.PLACE),
    **dict.fromkeys(("CA", "OC", "CR"), Control.CANCEL),
    **dict.fromkeys(("DC", "OD", "DR"), Control.DISCONTINUE),
    "SC": Control.STATUS,
    "SR": Control.STATUS,
}  # fmt: skip
# HL7 table 0038 (order status) -> state of a step
STATES = {"SC": "scheduled", "IP": "in_progress", "CM": "completed", "CA": "cancelled", "DC": "discontinued", "A": "in_progress"}
# Events of SIU (HL7 10.2): new, rescheduled, modified; cancelled, discontinued, deleted, not come
_PLACED, _CALLED_OFF = frozenset({"S12", "S13", "S14"}), frozenset({"S15", "S16", "S17", "S26"})


class Refused(Exception):
    """The message cannot be done; the verdict is its answer."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict


@dataclass(slots=True)
class Instruction:
    """What is to be done with one order. facts: as `service.ordering` takes them, without states. must_exist: none is made.
    anew: one that was cancelled is to be done after all.

    state: of its steps, for Control.STATUS. where: the place of ORC-1, or SCH.
    """

    control: Control
    facts: dict[str, Any] = field(default_factory=dict)
    state: str = ""
    where: str = "ORC-1"
    must_exist: bool = False
    anew: bool = False

    def text(self, keyword: str) -> str:
        """One fact, "" when there is none."""
        return str(self.facts.get(keyword, ""))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The scheduled procedure steps."""
        found: list[dict[str, Any]] = self.facts.setdefault("steps", [])
        return found


def instructions(message: Message, table: FieldTable, today: tuple[str, str]) -> list[Instruction]:
    """What ORM, OMG and OMI ask for. today: date and time for an order that names none. Raises Refused."""
    made: list[Instruction] = []
    for common, group in _groups(message):
        made.extend(_instruction(message, [*common, *group], group, table, today))
    if not made:
        raise Refused(Verdict(ERROR, "100", "ORC", "there is no ORC or OBR segment, so no order"))
    return _merged(made)


def _groups(message: Message) -> Iterator[tuple[list[Segment], list[Segment]]]:
    """What is said for all orders, and what of one: ORC and what follows it; an OBR without an ORC of its own begins one, too."""
    common = [segment for segment in message.segments if segment.name in ("ZDS",)]
    groups: list[list[Segment]] = []
    has_request = False
    for segment in message.segments:
        if segment.name == "ORC" or (segment.name == "OBR" and (has_request or not groups)):
            groups.append([segment])
            has_request = segment.name == "OBR"
        elif groups:
            groups[-1].append(segment)
            has_request = has_request or segment.name == "OBR"
        elif segment.name != "ZDS":
            common.append(segment)
    for group in groups:
        yield common, group


def _instruction(
    message: Message, segments: list[Segment], group: list[Segment], table: FieldTable, today: tuple[str, str]
) -> Iterator[Instruction]:
    said = message.text("ORC-1", group).upper() or "NW"
    control = CONTROLS.get(said)
    if control is None:
        raise Refused(Verdict(ERROR, NOT_IN_TABLE, "ORC-1", f"the order control code {said[:10]} is not one this archive does"))
    facts = table.facts(segments, of_step=False)
    made = Instruction(control, facts)
    if control is Control.STATUS:
        made.state = STATES.get(message.text("ORC-5", group).upper(), "")
        if not made.state:
            raise Refused(Verdict(ERROR, NOT_IN_TABLE, "ORC-5", f"the order status must be one of {', '.join(STATES)}"))
    if control is Control.PLACE:
        details = [segment for segment in group if segment.name == "IPC"]
        rest = [segment for segment in segments if segment.name != "IPC"]
        for detail in [[each] for each in details] or [[]]:
            of_step = [*detail, *rest]
            one = Instruction(control, {**facts, **table.facts(of_step, of_step=False)})
            one.anew = said in ("NW", "SN")
            one.steps.append(_step(of_step, table, today))
            yield one
        return
    yield made


def _step(segments: list[Segment], table: FieldTable, today: tuple[str, str]) -> dict[str, Any]:
    step = table.facts(segments, of_step=True)
    modality = step.get("Modality", "")
    if not modality:
        raise Refused(Verdict(ERROR, MISSING_FIELD, table.place("Modality"), "the modality is missing"))
    # Type 1 in a worklist (PS3.4 K.6-1). An order that is not planned yet is to be done from now on.
    if not step.get("ScheduledStationAETitle"):
        step["ScheduledStationAETitle"] = list(table.stations.get(modality, (modality,)))
    if not step.get("ScheduledProcedureStepStartDate"):
        step["ScheduledProcedureStepStartDate"], step["ScheduledProcedureStepStartTime"] = today
        step[UNPLANNED] = True
    step.setdefault("ScheduledProcedureStepStartTime", "000000")
    return step


# Marks a step whose moment is ours: a change of the order must not move it.
UNPLANNED = "unplanned"


def _merged(made: list[Instruction]) -> list[Instruction]:
    """Steps of one requested procedure come in groups of their own (IHE RAD TF-2 4.4.4.1.2.2): they are one order."""
    orders: dict[tuple[str, ...], Instruction] = {}
    for number, one in enumerate(made):
        study = one.text("StudyInstanceUID")
        key = (one.control, study) if study else (one.control, str(number))
        if key in orders and one.control is Control.PLACE:
            orders[key].steps.extend(one.steps)
        else:
            orders.setdefault(key, one)
    return list(orders.values())


def appointment(message: Message, table: FieldTable) -> Instruction:
    """What a SIU asks for: the order it belongs to, and when it is. Raises Refused."""
    schedule = message.first("SCH")
    if schedule is None:
        raise Refused(Verdict(ERROR, "100", "SCH", "there is no SCH segment"))
    control = Control.CANCEL if message.trigger in _CALLED_OFF else Control.PLACE
    facts = table.facts(message.segments, of_step=False)
    # The order's own numbers; where nobody ordered, the appointment's.
    placer, filler = (26, 27) if schedule.text(26) or schedule.text(27) else (1, 2)
    facts.setdefault("PlacerOrderNumberImagingServiceRequest", schedule.text(placer))
    facts.setdefault("FillerOrderNumberImagingServiceRequest", schedule.text(filler))
    made = Instruction(control, {name: value for name, value in facts.items() if value}, where="SCH-26")
    if control is Control.CANCEL:
        return made
    resource = next((segment for segment in message.all("AIS") if segment.text(4)), None)
    day, time = moment(resource.text(4) if resource else schedule.text(11, 4))
    if not day:
        raise Refused(Verdict(ERROR, MISSING_FIELD, "AIS-4", "the appointment's start is missing"))
    step = table.facts(message.segments, of_step=True)
    step |= {"ScheduledProcedureStepStartDate": day, "ScheduledProcedureStepStartTime": time or "000000"}
    if resource is not None and resource.text(3, 2):
        step.setdefault("ScheduledProcedureStepDescription", resource.text(3, 2)[:64])
        made.facts.setdefault("RequestedProcedureDescription", resource.text(3, 2)[:64])
    modality = step.get("Modality", "")
    if modality and not step.get("ScheduledStationAETitle"):
        step["ScheduledStationAETitle"] = list(table.stations.get(modality, (modality,)))
    made.must_exist = not modality  # an appointment alone does not say what is to be done
    made.anew = message.trigger == "S12"
    made.steps.append(step)
    return made


def is_appointment(trigger: str) -> bool:
    """Whether this archive does this event of SIU."""
    return trigger in _PLACED | _CALLED_OFF
