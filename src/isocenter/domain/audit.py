"""Rows of the change log as audit events: DICOM audit messages (PS3.15 A.5) and FHIR AuditEvents say the same of each. Pure.

FAMILIES says for every kind of change which event of PS3.15 A.5.3 it is. `described` gathers who took part and what it was about;
`audit_xml` and `fhir_audit` write that down.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

from isocenter.domain.events import Event

DCM, RFC3881 = "DCM", "RFC-3881"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value; system: DCM or RFC-3881."""

    value: str
    meaning: str
    system: str = DCM


# PS3.16 CID 400 to 403, in the order of their numbers
ACTIVITY = Code("110100", "Application Activity")
LOG_USED = Code("110101", "Audit Log Used")
BEGIN_TRANSFER = Code("110102", "Begin Transferring DICOM Instances")
ACCESSED = Code("110103", "DICOM Instances Accessed")
TRANSFERRED = Code("110104", "DICOM Instances Transferred")
STUDY_DELETED = Code("110105", "DICOM Study Deleted")
EXPORT = Code("110106", "Export")
IMPORT = Code("110107", "Import")
ORDER = Code("110109", "Order Record")
PATIENT = Code("110110", "Patient Record")
PROCEDURE = Code("110111", "Procedure Record")
QUERY = Code("110112", "Query")
ALERT = Code("110113", "Security Alert")
AUTHENTICATION = Code("110114", "User Authentication")
START = Code("110120", "Application Start")
STOP = Code("110121", "Application Stop")
LOGIN = Code("110122", "Login")
LOGOUT = Code("110123", "Logout")
NETWORK_CONFIGURATION = Code("110128", "Network Configuration")
SECURITY_CONFIGURATION = Code("110129", "Security Configuration")
SOFTWARE_CONFIGURATION = Code("110131", "Software Configuration")
EMERGENCY_STARTED = Code("110127", "Emergency Override Started")
EMERGENCY_STOPPED = Code("110138", "Emergency Override Stopped")
OBJECT_ATTRIBUTES = Code("110135", "Object Security Attributes Changed")
USER_ATTRIBUTES = Code("110137", "User Security Attributes Changed")
APPLICATION = Code("110150", "Application")
DESTINATION = Code("110152", "Destination Role ID")
SOURCE = Code("110153", "Source Role ID")
STUDY_UID = Code("110180", "Study Instance UID")
SOP_CLASS_UID = Code("110181", "SOP Class UID")
NODE_ID = Code("110182", "Node ID")
PATIENT_NUMBER = Code("2", "Patient Number", RFC3881)
USER_IDENTIFIER = Code("11", "User Identifier", RFC3881)
URI = Code("12", "URI", RFC3881)

SUCCESS, MINOR, SERIOUS = 0, 4, 8
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@dataclass(frozen=True, slots=True)
class Family:
    """Which audit event a kind of change is. action: Create, Read, Update, Delete, Execute. outcome: PS3.15 Table A.5.2-1."""

    event: Code
    action: str
    type: Code | None = None
    outcome: int = SUCCESS


def _of(event: Code, action: str, *kinds: Event, type: Code | None = None, outcome: int = SUCCESS) -> dict[Event, Family]:
    return dict.fromkeys(kinds, Family(event, action, type, outcome))


FAMILIES: Mapping[Event, Family] = MappingProxyType(
    _of(ACTIVITY, "E", Event.APPLICATION_STARTED, type=START)
    | _of(ACTIVITY, "E", Event.APPLICATION_STOPPED, type=STOP)
    | _of(LOG_USED, "R", Event.AUDIT_READ, Event.AUDIT_ANCHORED)
    | _of(BEGIN_TRANSFER, "E", Event.DELIVERY_BEGUN, Event.DELIVERY_REQUESTED, Event.DELIVERY_RESENT, Event.RETRIEVAL_ASKED)
    | _of(BEGIN_TRANSFER, "E", Event.DELIVERY_CANCELLED, Event.RETRIEVAL_CANCELLED, outcome=MINOR)
    | _of(ACCESSED, "C", Event.STUDY_CREATED)
    | _of(ACCESSED, "R", Event.STUDY_READ, Event.STUDY_NOTIFIED, Event.EXCEPTION_READ, Event.COMMITMENT_ANSWERED,
          Event.COMMITMENT_REQUESTED, Event.IMAGES_SEEN, Event.RECEIVED_READ)
    | _of(ACCESSED, "U", Event.ANNOTATION_SAVED, Event.EXCEPTION_DISMISSED, Event.INSTANCE_REJECTED, Event.INSTANCE_RESTORED,
          Event.STUDY_SPLIT, Event.STUDY_UNSPLIT, Event.VERSION_CHOSEN,
          Event.REJECTION_MARKED, Event.REJECTION_UNMARKED, Event.RECEIVED_ACCEPTED, Event.RECEIVED_REFUSED)
    | _of(ACCESSED, "D", Event.INSTANCE_DELETED, Event.UPLOADS_FORGOTTEN)
    | _of(ACCESSED, "U", Event.ENCRYPTION_RENEWED, Event.FILE_REPAIRED)
    | _of(ACCESSED, "R", Event.FILE_DAMAGED, outcome=SERIOUS)
    | _of(STUDY_DELETED, "D", Event.STUDY_DELETED)
    | _of(TRANSFERRED, "C", Event.HANGING_RECEIVED, Event.INSTANCE_STORED, Event.RETRIEVAL_ENDED)
    | _of(TRANSFERRED, "C", Event.INSTANCE_QUARANTINED, Event.INSTANCE_VERSION, outcome=MINOR)
    | _of(TRANSFERRED, "C", Event.INSTANCE_REFUSED, outcome=SERIOUS)
    | _of(TRANSFERRED, "R", Event.STUDY_SENT, Event.DELIVERY_SENT)
    | _of(TRANSFERRED, "R", Event.DELIVERY_FAILED, outcome=SERIOUS)
    | _of(EXPORT, "R", Event.STUDY_EXPORTED, Event.BACKUP_MADE, Event.WEBHOOK_RESENT)
    | _of(EXPORT, "R", Event.WEBHOOK_FAILED, Event.WEBHOOK_STOPPED, outcome=MINOR)
    | _of(IMPORT, "C", Event.BACKUP_RESTORED)
    | _of(ORDER, "C", Event.ORDER_CREATED)
    | _of(ORDER, "R", Event.ORDER_READ)
    | _of(ORDER, "U", Event.ORDER_UPDATED)
    | _of(ORDER, "D", Event.ORDER_REMOVED)
    | _of(PATIENT, "R", Event.HL7_READ)
    | _of(PATIENT, "U", Event.CORRECTION_MADE, Event.CORRECTION_UNDONE, Event.HL7_DONE, Event.HL7_REPLAYED)
    | _of(PATIENT, "U", Event.HL7_FAILED, Event.PATIENT_CONFLICT, outcome=MINOR)
    | _of(PROCEDURE, "C", Event.PROCEDURE_STARTED, Event.UPS_CREATED)
    | _of(PROCEDURE, "R", Event.UPS_READ, Event.UPS_WATCHED, Event.UPS_SUBSCRIBED, Event.UPS_UNSUBSCRIBED)
    | _of(PROCEDURE, "R", Event.UPS_REPORT_DROPPED, outcome=MINOR)
    | _of(PROCEDURE, "U", Event.PROCEDURE_COMPLETED, Event.PROCEDURE_DISCONTINUED, Event.UPS_CANCEL_REQUESTED,
          Event.UPS_CHANGED_STATE, Event.UPS_UPDATED)
    | _of(PROCEDURE, "D", Event.UPS_REMOVED)
    | _of(QUERY, "E", Event.STUDY_SEARCHED, Event.ORDER_SEARCHED, Event.UPS_SEARCHED, Event.REMOTE_SEARCHED)
    | _of(ALERT, "E", Event.ACCOUNT_CREATED, Event.ACCOUNT_UPDATED, Event.TOKEN_CREATED, Event.TOKEN_REVOKED,
          type=USER_ATTRIBUTES)
    | _of(ALERT, "E", Event.DESTINATION_CREATED, Event.DESTINATION_REMOVED, Event.DESTINATION_UPDATED, Event.PEER_CREATED,
          Event.PEER_REMOVED, Event.PEER_UPDATED, Event.WEBHOOK_CREATED, Event.WEBHOOK_REMOVED, Event.WEBHOOK_UPDATED,
          type=NETWORK_CONFIGURATION)
    | _of(ALERT, "E", Event.HOLD_SET, Event.HOLD_RELEASED, Event.PATIENT_LIST_CHANGED, Event.SENSITIVE_RELEASED,
          Event.SENSITIVE_SET, Event.SHARE_CREATED, Event.SHARE_UPDATED, Event.SHARE_WITHDRAWN,
          type=OBJECT_ATTRIBUTES)
    | _of(ALERT, "E", Event.EMERGENCY_STARTED, type=EMERGENCY_STARTED)
    | _of(ALERT, "E", Event.EMERGENCY_REFUSED, type=EMERGENCY_STARTED, outcome=MINOR)
    | _of(ALERT, "E", Event.EMERGENCY_ENDED, type=EMERGENCY_STOPPED)
    | _of(ALERT, "E", Event.EMERGENCY_REVIEWED, type=SECURITY_CONFIGURATION)
    | _of(ALERT, "E", Event.PROJECT_CREATED, Event.PROJECT_UPDATED, type=SECURITY_CONFIGURATION)
    | _of(ALERT, "E", Event.HANGING_PUBLISHED, Event.HANGING_WITHDRAWN, Event.INDEX_FILLED_AGAIN, Event.ROUTE_CREATED,
          Event.ROUTE_REMOVED, Event.ROUTE_UPDATED, type=SOFTWARE_CONFIGURATION)
    | _of(AUTHENTICATION, "E", Event.SESSION_BEGUN, Event.SHARE_OPENED, type=LOGIN)
    | _of(AUTHENTICATION, "E", Event.SESSION_ENDED, Event.SHARE_CLOSED, type=LOGOUT)
    | _of(AUTHENTICATION, "E", Event.LOGIN_FAILED, Event.SHARE_REFUSED, type=LOGIN, outcome=MINOR)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log, and what the index says of the study it is about; patient: keyword -> text, when it is known."""

    seq: int
    at: datetime
    kind: str
    subject: str
    actor: str
    payload: Mapping[str, Any]
    study: str = ""
    patient: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the log is kept. aet: of the archive; site: the enterprise it belongs to, "" unless the settings say so."""

    aet: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    """Who took part. role: of PS3.16 CID 402, or None."""

    user: str
    is_requestor: bool
    address: str = ""
    role: Code | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """What it was about. type: 1 a person, 2 a system object. role: RFC 3881 5.5.3 (1 patient, 3 report, 11, 13 security)."""

    id: str
    id_type: Code
    type: int
    role: int
    name: str = ""
    query: str = ""
    details: tuple[tuple[str, str], ...] = ()
    accession: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """An audit event, before it is written in one way or another."""

    entry: Entry
    family: Family
    participants: tuple[Participant, ...]
    things: tuple[Thing, ...]


def described(entry: Entry, archive: Archive) -> Described:
    """What a row says. A kind that this program does not know (of a newer one) is Application Activity."""
    family = FAMILIES[Event(entry.kind)] if entry.kind in set(Event) else Family(ACTIVITY, "E")
    return Described(entry, family, _participants(entry, family, archive), tuple(_things(entry, family)))


def _participants(entry: Entry, family: Family, archive: Archive) -> tuple[Participant, ...]:
    comes_in = family.event is TRANSFERRED and family.action == "C"
    goes_out = family.event in (BEGIN_TRANSFER, EXPORT) or (family.event is TRANSFERRED and family.action == "R")
    to = str(entry.payload.get("to") or entry.payload.get("destination") or "")
    address = str(entry.payload.get("address") or "")
    role = SOURCE if comes_in else None if to or not goes_out else DESTINATION
    own = APPLICATION if family.event is ACTIVITY else DESTINATION if comes_in else SOURCE if goes_out else None
    who = Participant(entry.actor or archive.aet, True, address, role)
    others = (Participant(to, False, "", DESTINATION),) if to and goes_out else ()
    return who, Participant(archive.aet, False, "", own), *others


def _things(entry: Entry, family: Family) -> list[Thing]:
    things = []
    details = tuple((name, _plain(value)) for name, value in entry.payload.items() if name not in ("study", "address", "to"))
    if family.event is LOG_USED:
        things.append(Thing("/api/v1/audit", URI, 2, 13, name="Security Audit Log", details=details))  # PS3.15 A.5.3.2
    elif family.event is QUERY:
        things.append(Thing(STUDY_ROOT_FIND, SOP_CLASS_UID, 2, 3, query=entry.subject, details=details))  # PS3.15 A.5.3.10
    elif family.event is ALERT:
        user = family.type in (USER_ATTRIBUTES, EMERGENCY_STARTED, EMERGENCY_STOPPED)
        kind = USER_IDENTIFIER if user else NODE_ID if family.type is NETWORK_CONFIGURATION else URI
        things.append(Thing(entry.subject, kind, 1 if user else 2, 11 if user else 13, details=details))
    elif entry.study:
        accession = entry.patient.get("AccessionNumber", "")
        things.append(Thing(entry.study, STUDY_UID, 2, 3, details=details, accession=accession))
    elif family.event not in (ACTIVITY, AUTHENTICATION) and entry.subject:
        things.append(Thing(entry.subject, URI, 2, 3, details=details))
    if entry.patient.get("PatientID"):
        issuer = entry.patient.get("IssuerOfPatientID", "")
        number = entry.patient["PatientID"] + (f"^^^{issuer}" if issuer else "")
        things.append(Thing(number, PATIENT_NUMBER, 1, 1, name=entry.patient.get("PatientName", "")))
    return things


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


# ---- PS3.15 A.5.1


def audit_xml(event: Described, archive: Archive) -> bytes:
    """The DICOM audit message, UTF-8, in the order of the schema in PS3.15 A.5.1."""
    message = ElementTree.Element("AuditMessage")
    entry, family = event.entry, event.family
    identification = ElementTree.SubElement(
        message, "EventIdentification", EventActionCode=family.action, EventDateTime=entry.at.isoformat(),
        EventOutcomeIndicator=str(family.outcome),
    )  # fmt: skip
    _coded(identification, "EventID", family.event)
    if family.type is not None:
        _coded(identification, "EventTypeCode", family.type)
    if family.outcome:
        reason = ElementTree.SubElement(identification, "EventOutcomeDescription")
        reason.text = _xml_text(str(entry.payload.get("reason") or entry.kind))
    for who in event.participants:
        facts = {"UserID": _xml_text(who.user), "UserIsRequestor": str(who.is_requestor).lower()}
        if who.address:
            facts |= {"NetworkAccessPointID": _xml_text(who.address), "NetworkAccessPointTypeCode": "2"}
        participant = ElementTree.SubElement(message, "ActiveParticipant", facts)
        if who.role is not None:
            _coded(participant, "RoleIDCode", who.role)
    source = {"AuditEnterpriseSiteID": archive.site} if archive.site else {}
    ElementTree.SubElement(message, "AuditSourceIdentification", {**source, "AuditSourceID": archive.aet})
    for thing in event.things:
        _thing_xml(message, thing, entry)
    made: bytes = ElementTree.tostring(message, encoding="utf-8", xml_declaration=True)
    return made


def _thing_xml(message: ElementTree.Element, thing: Thing, entry: Entry) -> None:
    made = ElementTree.SubElement(
        message, "ParticipantObjectIdentification", ParticipantObjectID=_xml_text(thing.id),
        ParticipantObjectTypeCode=str(thing.type), ParticipantObjectTypeCodeRole=str(thing.role),
    )  # fmt: skip
    _coded(made, "ParticipantObjectIDTypeCode", thing.id_type)
    if thing.query:
        ElementTree.SubElement(made, "ParticipantObjectQuery").text = _base64(thing.query)
    elif thing.name:
        ElementTree.SubElement(made, "ParticipantObjectName").text = _xml_text(thing.name)
    if thing.type == 2 or thing.details:
        for name, value in (("seq", str(entry.seq)), ("kind", entry.kind), *thing.details):
            ElementTree.SubElement(made, "ParticipantObjectDetail", type=_xml_text(name), value=_base64(value))
    if thing.accession:
        description = ElementTree.SubElement(made, "ParticipantObjectDescription")
        ElementTree.SubElement(description, "Accession", Number=_xml_text(thing.accession))


def _coded(parent: ElementTree.Element, name: str, code: Code) -> None:
    facts = {"csd-code": code.value, "codeSystemName": code.system, "originalText": code.meaning}
    ElementTree.SubElement(parent, name, facts)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml_text(text: str) -> str:
    """Without what XML 1.0 cannot say."""
    return _NOT_XML.sub("\ufffd", text)


# ---- FHIR R4 AuditEvent

_SYSTEMS = {DCM: "http://dicom.nema.org/resources/ontology/DCM"}
_OBJECT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_OUTCOMES = {SUCCESS: "Success", MINOR: "Minor failure", SERIOUS: "Serious failure"}


def fhir_audit(event: Described, archive: Archive) -> dict[str, Any]:
    """The FHIR R4 AuditEvent, as JSON values; its id is the row's number."""
    entry, family = event.entry, event.family
    made: dict[str, Any] = {"resourceType": "AuditEvent", "id": str(entry.seq), "type": _coding(family.event)}
    made["subtype"] = [*([_coding(family.type)] if family.type else []), {"system": "urn:isocenter:change", "code": entry.kind}]
    made |= {"action": family.action, "recorded": entry.at.isoformat(), "outcome": str(family.outcome)}
    if family.outcome:
        made["outcomeDesc"] = str(entry.payload.get("reason") or _OUTCOMES[family.outcome])
    made["agent"] = [_agent(who) for who in event.participants]
    made["source"] = {**({"site": archive.site} if archive.site else {}), "observer": {"display": archive.aet}}
    entities = [_entity(thing) for thing in event.things]
    return {**made, "entity": entities} if entities else made


def _coding(code: Code) -> dict[str, str]:
    system = {"system": _SYSTEMS[code.system]} if code.system in _SYSTEMS else {}
    return {**system, "code": code.value, "display": code.meaning}


def _agent(who: Participant) -> dict[str, Any]:
    made: dict[str, Any] = {"type": {"coding": [_coding(who.role)]}} if who.role else {}
    made |= {"who": {"identifier": {"value": who.user}}, "requestor": who.is_requestor}
    return {**made, "network": {"address": who.address, "type": "2"}} if who.address else made


def _entity(thing: Thing) -> dict[str, Any]:
    uid = thing.id_type in (STUDY_UID, SOP_CLASS_UID)
    identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{thing.id}"} if uid else {"value": thing.id}
    made: dict[str, Any] = {"what": {"identifier": identifier}}
    made["type"] = {"system": _OBJECT_TYPE, "code": str(thing.type)}
    made["role"] = {"system": _OBJECT_ROLE, "code": str(thing.role)}
    if thing.query:  # FHIR sev-1: a name or a query, not both
        made["query"] = _base64(thing.query)
    elif thing.name:
        made["name"] = thing.name
    details = (*thing.details, *((("AccessionNumber", thing.accession),) if thing.accession else ()))
    return {**made, "detail": [{"type": name, "valueString": value} for name, value in details if value]} if details else made
