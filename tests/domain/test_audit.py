"""Audit events: PS3.15 A.5 messages in the order of its schema, FHIR R4 AuditEvents, and what both say of the same rows."""

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain import audit
from isocenter.domain.audit import Archive, Entry, audit_xml, described, fhir_audit
from isocenter.domain.events import Event

AT = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
HERE = Archive("ISOCENTER", "North Hospital")
PATIENT = {"PatientID": "P1", "IssuerOfPatientID": "HOSP", "PatientName": "Müller^Jörg", "AccessionNumber": "A7"}

# PS3.15 A.5.1: what each element must and may have, and what may be in it, in this order.
SCHEMA: dict[str, tuple[set[str], set[str], list[str]]] = {
    "AuditMessage": (set(), set(), ["EventIdentification", "ActiveParticipant", "AuditSourceIdentification",
                                    "ParticipantObjectIdentification"]),
    "EventIdentification": ({"EventDateTime", "EventOutcomeIndicator"}, {"EventActionCode"},
                            ["EventID", "EventTypeCode", "EventOutcomeDescription"]),
    "ActiveParticipant": ({"UserID", "UserIsRequestor"}, {"AlternativeUserID", "UserName", "NetworkAccessPointID",
                                                          "NetworkAccessPointTypeCode"}, ["RoleIDCode", "MediaIdentifier"]),
    "AuditSourceIdentification": ({"AuditSourceID"}, {"AuditEnterpriseSiteID"}, ["AuditSourceTypeCode"]),
    "ParticipantObjectIdentification": (
        {"ParticipantObjectID"}, {"ParticipantObjectTypeCode", "ParticipantObjectTypeCodeRole", "ParticipantObjectDataLifeCycle",
                                  "ParticipantObjectSensitivity"},
        ["ParticipantObjectIDTypeCode", "ParticipantObjectName", "ParticipantObjectQuery", "ParticipantObjectDetail",
         "ParticipantObjectDescription"],
    ),
    "ParticipantObjectDetail": ({"type", "value"}, set(), []),
    "ParticipantObjectDescription": (set(), set(), ["MPPS", "Accession", "SOPClass"]),
    "Accession": ({"Number"}, set(), []),
    "ParticipantObjectName": (set(), set(), []),
    "ParticipantObjectQuery": (set(), set(), []),
    "EventOutcomeDescription": (set(), set(), []),
}  # fmt: skip
CODED = ({"csd-code", "codeSystemName", "originalText"}, {"displayName"}, list[str]())


def hold_to_schema(element: ElementTree.Element) -> None:
    """Assert that an element and all in it are as PS3.15 A.5.1 has them."""
    is_coded = element.tag.endswith(("Code", "EventID"))
    required, optional, order = CODED if is_coded else SCHEMA[element.tag]
    assert required <= set(element.attrib) <= required | optional, element.tag
    places = [order.index(child.tag) for child in element]
    assert places == sorted(places), element.tag
    for child in element:
        hold_to_schema(child)


def message(kind: Event, subject: str = "", actor: str = "rita", study: str = "", **payload: object) -> ElementTree.Element:
    row = Entry(7, AT, kind, subject, actor, payload, study, PATIENT if study else {})
    made = ElementTree.fromstring(audit_xml(described(row, HERE), HERE))
    hold_to_schema(made)
    return made


def test_every_kind_of_change_is_an_event_of_the_standard() -> None:
    assert set(audit.FAMILIES) == set(Event)
    used = {family.event.value for family in audit.FAMILIES.values()}
    assert used == {f"1101{n:02d}" for n in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14)}


@pytest.mark.parametrize("kind", list(Event))
def test_each_is_written_as_the_schema_has_it(kind: Event) -> None:
    made = message(kind, "1.2.3", study="1.2.3", address="10.0.0.9", reason="no more room")
    family = audit.FAMILIES[kind]
    event = made.find("EventIdentification/EventID")
    assert event is not None and event.get("csd-code") == family.event.value and event.get("codeSystemName") == "DCM"
    head = made.find("EventIdentification")
    assert head is not None and head.get("EventActionCode") == family.action
    assert head.get("EventDateTime") == "2026-11-23T08:30:00+00:00"
    assert [who.get("UserIsRequestor") for who in made.findall("ActiveParticipant")][:2] == ["true", "false"]


def test_who_looked_at_whose_study() -> None:
    made = message(Event.STUDY_READ, "1.2.3", study="1.2.3", via="session", address="10.0.0.9")
    who = made.findall("ActiveParticipant")[0]
    assert who.attrib == {"UserID": "rita", "UserIsRequestor": "true", "NetworkAccessPointID": "10.0.0.9",
                          "NetworkAccessPointTypeCode": "2"}
    study, patient = made.findall("ParticipantObjectIdentification")
    assert (study.get("ParticipantObjectID"), study.get("ParticipantObjectTypeCode")) == ("1.2.3", "2")
    assert study.find("ParticipantObjectIDTypeCode").get("csd-code") == "110180"  # type: ignore[union-attr]
    assert study.find("ParticipantObjectDescription/Accession").get("Number") == "A7"  # type: ignore[union-attr]
    assert (patient.get("ParticipantObjectID"), patient.get("ParticipantObjectTypeCodeRole")) == ("P1^^^HOSP", "1")
    assert patient.findtext("ParticipantObjectName") == "Müller^Jörg"
    source = made.find("AuditSourceIdentification")
    assert source is not None and source.attrib == {"AuditEnterpriseSiteID": "North Hospital", "AuditSourceID": "ISOCENTER"}


def test_a_query_a_login_that_failed_and_a_delivery() -> None:
    asked = message(Event.STUDY_SEARCHED, "STUDY?PatientName", keys=["PatientName"])
    found = asked.findtext("ParticipantObjectIdentification/ParticipantObjectQuery")
    assert base64.b64decode(found or "") == b"STUDY?PatientName"
    failed = message(Event.LOGIN_FAILED, "rita", address="10.0.0.9")
    head = failed.find("EventIdentification")
    assert head is not None and head.get("EventOutcomeIndicator") == "4"
    assert head.find("EventTypeCode").get("csd-code") == "110122"  # type: ignore[union-attr]
    sent = message(Event.STUDY_SENT, "1.2.3", study="1.2.3", to="REMOTE")
    roles = [(who.get("UserID"), role.get("csd-code")) for who in sent.findall("ActiveParticipant") for role in who]
    assert roles == [("ISOCENTER", "110153"), ("REMOTE", "110152")]


def test_fhir_says_the_same() -> None:
    row = Entry(7, AT, Event.STUDY_READ, "1.2.3", "rita", {"address": "10.0.0.9"}, "1.2.3", PATIENT)
    made = fhir_audit(described(row, HERE), HERE)
    assert made["resourceType"] == "AuditEvent" and made["id"] == "7" and made["recorded"] == "2026-11-23T08:30:00+00:00"
    assert made["type"] == {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110103",
                            "display": "DICOM Instances Accessed"}
    assert made["action"] == "R" and made["outcome"] == "0"
    assert made["agent"][0] == {"who": {"identifier": {"value": "rita"}}, "requestor": True,
                                "network": {"address": "10.0.0.9", "type": "2"}}
    assert made["source"] == {"site": "North Hospital", "observer": {"display": "ISOCENTER"}}
    study, patient = made["entity"]
    assert study["what"]["identifier"] == {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}
    assert patient["what"]["identifier"] == {"value": "P1^^^HOSP"} and patient["role"]["code"] == "1"
    assert all(not ("name" in entity and "query" in entity) for entity in made["entity"])  # sev-1


@given(st.sampled_from(list(Event)), st.text(max_size=40), st.text(max_size=40), st.dictionaries(
    st.sampled_from(["reason", "to", "address", "keys"]), st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3)))
def test_whatever_is_in_a_row_the_message_is_xml(kind: Event, subject: str, actor: str, payload: dict[str, object]) -> None:
    made = message(kind, subject, actor, "1.2.3", **payload)
    assert made.findall("ActiveParticipant")[0].get("UserID") is not None


def test_a_kind_of_a_newer_program_is_told_all_the_same() -> None:
    row = Entry(7, AT, "something.new", "x", "rita", {})
    assert described(row, HERE).family.event is audit.ACTIVITY
