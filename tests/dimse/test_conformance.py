"""The conformance statement beside what a probing peer really gets."""

import json
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from pynetdicom import AE, build_context, evt

import objects
from dimse.conftest import Archive, RawPeer, Start, peer_of
from isocenter import app
from isocenter.dicom import datasets, sop_classes, syntaxes
from isocenter.dicom.attributes import Level
from isocenter.dimse import conformance_text, echoing, querying, services
from isocenter.dimse.messages import DATA_SET, Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import (
    AsynchronousOperationsWindow,
    ContextResult,
    ExtendedNegotiation,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextRQ,
)
from isocenter.domain.access import SYSTEM
from isocenter.domain.conformance import document, html, markdown
from isocenter.service import ingest, ordering, peers

EXPLICIT, IMPLICIT = syntaxes.OF_MESSAGES
EVERY_SYNTAX = [each.uid for each in syntaxes.ALL]
PRIVATE = "1.2.826.0.1.3680043.10.1234.77"
Json = dict[str, Any]


@pytest.fixture
def statement(archive: Archive) -> Json:
    """What programs read."""
    made: Json = json.loads(json.dumps(document(app.conformance(archive.context.settings))))
    return made


def offered(statement: Json) -> dict[str, Json]:
    return {each["sop_class_uid"]: each for each in statement["presentation_contexts"]}


def tables(section: Json) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for table in section.get("tables", ()):
        yield table["caption"], table["rows"]
    for each in section["sections"]:
        yield from tables(each)


def table(statement: Json, beginning: str) -> list[dict[str, str]]:
    (rows,) = [rows for caption, rows in tables(statement) if caption.startswith(beginning)]
    return rows


def probe(archive: Archive, proposed: list[tuple[str, str]]) -> list[bool]:
    """Whether each (abstract syntax, transfer syntax) is accepted."""
    accepted: list[bool] = []
    for start in range(0, len(proposed), 128):
        some = proposed[start : start + 128]
        with peer_of(archive) as peer:
            answer = peer.associate(contexts={2 * place + 1: (each, (syntax,)) for place, (each, syntax) in enumerate(some)})
            assert isinstance(answer, pdu.AssociateAC)
            results = {context.context_id: context.result for context in answer.presentation_contexts}
            accepted += [results[2 * place + 1] == ContextResult.ACCEPTANCE for place in range(len(some))]
            peer.send(pdu.ReleaseRQ())
            peer.receive()
    return accepted


def test_every_sop_class_of_the_standard_is_accepted_or_not_as_it_says(archive: Archive, statement: Json) -> None:
    """Each UID of PS3.6 Table A-1 with each of the two syntaxes of messages, and a compressed one."""
    said = offered(statement)
    lossless = "1.2.840.10008.1.2.4.70"
    proposed = [
        (each, syntax)
        for each in sorted({*sop_classes.STORAGE, *sop_classes.OTHER, *said, PRIVATE})
        for syntax in (EXPLICIT, IMPLICIT, lossless)
    ]
    got = dict(zip(proposed, probe(archive, proposed), strict=True))
    for (each, syntax), accepted in got.items():
        wanted = said[each]["transfer_syntaxes"] if each in said else ["*"] if each == PRIVATE else []
        assert accepted == (wanted == ["*"] or syntax in wanted), (each, syntax)
    assert len(said) > 150 and sum(got.values()) > 500


def test_every_transfer_syntax_is_taken_as_it_says(archive: Archive, statement: Json) -> None:
    rows = {row["UID"] for row in table(statement, "Table 1-3")}
    assert rows == set(EVERY_SYNTAX)
    network = [each for each, row in offered(statement).items() if row["service"] != "Storage"]
    for each in [objects.CT, *network]:
        wanted = offered(statement)[each]["transfer_syntaxes"]
        proposed = [(each, syntax) for syntax in EVERY_SYNTAX]
        assert probe(archive, proposed) == [wanted == ["*"] or syntax in wanted for syntax in EVERY_SYNTAX]


def test_every_operation_is_performed_or_not_as_it_says(archive: Archive, statement: Json) -> None:
    """Each DIMSE request on each kind of presentation context; only those that are not listed are unknown (0211)."""
    requests = [field for field in CommandField if field < 0x8000 and field != CommandField.C_CANCEL_RQ]
    anywhere = {"C-ECHO", "C-STORE"}  # C-ECHO is answered everywhere, C-STORE refused with a status of its own
    for each, row in offered(statement).items():
        if row["service"] == "Storage" and each != objects.CT:
            continue
        for field in requests:
            with peer_of(archive) as peer:
                assert isinstance(peer.associate(contexts={1: (each, (EXPLICIT,))}), pdu.AssociateAC)
                unknown = answer_to(peer, field, each) == 0x0211
            name = field.name.removesuffix("_RQ").replace("_", "-")
            assert unknown == (name not in {*row["operations"], *anywhere}), (row["sop_class"], name)


def answer_to(peer: RawPeer, field: CommandField, sop_class_uid: str) -> int | None:
    peer.message(
        1,
        Command(
            command_field=field, message_id=1, command_data_set_type=DATA_SET, affected_sop_class_uid=sop_class_uid, priority=0,
            requested_sop_class_uid=sop_class_uid, affected_sop_instance_uid="1.2.3", requested_sop_instance_uid="1.2.3",
            event_type_id=1, action_type_id=1, move_destination="NOBODY",
        ),
        b"\x08\x00\x18\x00UI\x06\x001.2.3\0",
    )  # fmt: skip
    answer = peer.receive()
    assert isinstance(answer, Command), (field, answer)
    return answer.status


def test_what_is_performed_on_each_sop_class_of_print_management(archive: Archive, statement: Json) -> None:
    rows = {row["UID"]: row["DIMSE requests"].split(", ") for row in table(statement, "Print management")}
    contexts = {1: (sop_classes.BASIC_GRAYSCALE_PRINT_META, (EXPLICIT,))}
    inside = {uid for uid in rows if services.printing.META[sop_classes.BASIC_GRAYSCALE_PRINT_META].count(uid)}
    assert len(inside) == 4
    for uid in inside:
        for field in (CommandField.N_CREATE_RQ, CommandField.N_SET_RQ, CommandField.N_GET_RQ, CommandField.N_DELETE_RQ):
            with peer_of(archive) as peer:
                peer.associate(contexts=contexts)
                unknown = answer_to(peer, field, uid) == 0x0211
            assert unknown == (field.name.removesuffix("_RQ").replace("_", "-") not in rows[uid]), (uid, field)


def test_what_an_association_is_told_about_us(archive: Archive, statement: Json) -> None:
    with peer_of(archive) as peer:
        proposed = (PresentationContextRQ(1, sop_classes.VERIFICATION, (IMPLICIT,)),)
        peer.send(pdu.AssociateRQ((MaximumLength(16384), AsynchronousOperationsWindow(999, 999)), "ISOCENTER", "PROBE", proposed))
        answer = peer.receive()
    assert isinstance(answer, pdu.AssociateAC)
    said = {row["Parameter"]: row["Value"] for caption, rows in tables(statement) for row in rows if "Parameter" in row}
    identifier, version, window = (
        answer.find(kind) for kind in (ImplementationClassUID, ImplementationVersionName, AsynchronousOperationsWindow)
    )
    assert identifier and version and window
    assert said["Implementation Class UID"] == identifier.uid and said["Implementation Version Name"] == version.name
    assert said["Operations performed, when negotiated"] == str(window.maximum_number_operations_invoked)
    assert said["Largest P-DATA-TF PDU that is asked for (bytes)"] == str(answer.maximum_length)
    assert said["Application context name"] == answer.application_context_name


def test_extended_negotiation_is_answered_as_the_tables_say(archive: Archive, statement: Json) -> None:
    def rows(service: str) -> list[dict[str, str]]:
        sections = [each for each in walk(statement["sections"]) if each["title"] == f"SOP Specific Conformance: {service}"]
        return table({"sections": sections}, "SOP Class Extended Negotiation")

    asked = {sop_classes.STUDY_ROOT_FIND: b"\1" * 7, objects.CT: bytes((2, 0, 0, 0, 2, 0))}
    with peer_of(archive) as peer:
        proposed = tuple(PresentationContextRQ(2 * place + 1, uid, (EXPLICIT,)) for place, uid in enumerate(asked))
        wanted = [ExtendedNegotiation(*each) for each in asked.items()]
        peer.send(pdu.AssociateRQ((MaximumLength(16384), *wanted), "ISOCENTER", "PROBE", proposed))
        answer = peer.receive()
    assert isinstance(answer, pdu.AssociateAC)
    got = {each.sop_class_uid: each.service_class_application_information for each in answer.find_all(ExtendedNegotiation)}
    query = {int(row["Byte"]): row["Supported"] == "Yes" for row in rows("Query")}
    assert query == {byte: bool(value) for byte, value in enumerate(got[sop_classes.STUDY_ROOT_FIND], 1)}
    storing = {int(row["Byte"]): row["Answer"] for row in rows("Storage")}
    assert storing == {byte: str(value) for byte, value in enumerate(got[objects.CT], 1) if byte % 2}


def walk(sections: list[Json]) -> Iterator[Json]:
    for section in sections:
        yield section
        yield from walk(section["sections"])


def test_the_keys_of_the_worklist_are_answered(archive: Archive, statement: Json) -> None:
    step = {"ScheduledProcedureStepID": "S1", "ScheduledProcedureStepStartDate": "20261122", "Modality": "CT",
            "ScheduledProcedureStepStartTime": "0900", "ScheduledStationAETitle": ["CT1"]}  # fmt: skip
    ordering.create(archive.context, SYSTEM, {"PatientName": "Doe^Jane", "PatientID": "P1", "steps": [step]})
    rows = [row["Attribute"].split("/") for row in table(statement, "Keys of the modality worklist")]
    asked = pydicom.Dataset()
    for *path, keyword in rows:
        dataset = asked
        for sequence in path:
            if sequence not in dataset:
                setattr(dataset, sequence, [pydicom.Dataset()])
            (dataset,) = dataset[sequence].value
        setattr(dataset, keyword, None)
    ae = AE(ae_title="PROBE")
    association = ae.associate("127.0.0.1", archive.port, contexts=[build_context(sop_classes.MODALITY_WORKLIST_FIND)])
    answers = list(association.send_c_find(asked, sop_classes.MODALITY_WORKLIST_FIND))
    association.release()
    assert [answer.Status for answer, _ in answers] == [0xFF00, 0x0000], "every key of the table is supported"
    found = answers[0][1]
    assert found is not None and {row[0] for row in rows} <= set(found.dir())
    assert {row[1] for row in rows if len(row) == 2 and row[0] == "ScheduledProcedureStepSequence"} <= set(
        found.ScheduledProcedureStepSequence[0].dir())  # fmt: skip


def test_rejections_are_those_of_the_table(start: Start) -> None:
    archive = start(accept_any_aet=False, check_called_aet=True)
    made = document(app.conformance(archive.context.settings))
    said = {(row["Result"], row["Meaning"]) for row in table(made, "Rejections")}
    for titles, meaning in (({"calling": "NOBODY"}, "calling AE title not recognized"), ({"called": "OTHER"}, "called AE title")):
        with peer_of(archive) as peer:
            answer = peer.associate(**titles)
            assert isinstance(answer, pdu.AssociateRJ)
            text = pdu.REJECT_TEXT[answer.source, answer.reason]
            assert text.startswith(meaning) and ("rejected permanent", text) in said


def test_what_is_proposed_to_peers_is_in_the_table(archive: Archive, statement: Json) -> None:
    said = {row["UID"]: row["Transfer syntaxes"] for row in table(statement, "Proposed presentation contexts")}
    proposed: dict[str, set[str]] = {}

    def note(event: evt.Event) -> None:
        for context in event.assoc.requestor.requested_contexts:
            proposed.setdefault(context.abstract_syntax, set()).update(syntaxes.get(uid).name for uid in context.transfer_syntax)

    entity = AE(ae_title="OTHER")
    for uid in (sop_classes.VERIFICATION, sop_classes.STUDY_ROOT_FIND):
        entity.add_supported_context(uid)
    handlers = [(evt.EVT_REQUESTED, note), (evt.EVT_C_FIND, lambda event: iter(()))]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        port = server.server_address[1]
        peer = peers.add(archive.context, SYSTEM, aet="OTHER", host="127.0.0.1", port=port)
        assert echoing.verify("127.0.0.1", port, "ISOCENTER", "OTHER").outcome == "answered"
        assert list(querying.find(archive.context, peer, Level.STUDY, {})) == []
    finally:
        server.shutdown()
    assert sop_classes.VERIFICATION in proposed and sop_classes.STUDY_ROOT_FIND in proposed
    assert proposed == {uid: set(said[uid].split(", ")) for uid in proposed}


@pytest.mark.parametrize("level", ["PATIENT", "STUDY", "SERIES", "IMAGE"])
def test_the_keys_of_each_level_are_answered(archive: Archive, statement: Json, level: str) -> None:
    with ingest.begin(archive.context, SYSTEM, source="dimse") as reception:
        reception.write(objects.part10())
        reception.finish()
    rows = table(statement, f"Keys of level {level} ")
    asked = pydicom.Dataset()
    asked.QueryRetrieveLevel = level
    plain = [row for row in rows if "; in " not in row["Matching besides universal and empty value"]]
    for row in plain:
        tag = int(row["Tag"][1:5] + row["Tag"][6:10], 16)
        asked.add_new(tag, row["VR"], None if row["VR"] in ("US", "UL") else "")
    unlisted = pydicom.Dataset()
    unlisted.update(asked)
    unlisted.BurnedInAnnotation = ""
    ae = AE(ae_title="PROBE")
    association = ae.associate("127.0.0.1", archive.port, contexts=[build_context(sop_classes.PATIENT_ROOT_FIND)])
    for identifier, code in ((asked, 0xFF00), (unlisted, 0xFF01)):
        answers = list(association.send_c_find(identifier, sop_classes.PATIENT_ROOT_FIND))
        assert [answer.Status for answer, _ in answers] == [code, 0x0000]
        assert answers[0][1] is not None and {row["Attribute"] for row in plain} <= set(answers[0][1].dir())
    association.release()


def test_prose_is_about_services_that_there_are(statement: Json) -> None:
    assert set(conformance_text.SPECIFIC) <= {each["service"] for each in statement["presentation_contexts"]}


def test_markdown_and_page_have_the_outline_of_ps3_2(archive: Archive) -> None:
    made = app.conformance(archive.context.settings)
    text, page = markdown(made), html(made)
    outline = [line.lstrip("# ") for line in text.splitlines() if line.startswith("## ")]
    assert outline == [
        "1 Conformance Statement Overview", "2 Table of Contents", "3 Introduction", "4 Networking", "5 Media Interchange",
        "6 Support of Character Sets", "7 Security", "8 Annexes",
    ]  # fmt: skip
    for needed in ("Implementation Model", "AE Specifications", "Association Initiation Policy", "Association Acceptance Policy",
                   "SOP Specific Conformance: Query", "Network Interfaces", "Configuration"):  # fmt: skip
        assert f" {needed}\n" in text and f" {needed}</h" in page
    rows = [line for line in text.splitlines() if line.startswith("| 1.2") or "| 1.2.840" in line]
    assert len(rows) > 250 and "<script" not in page
    assert text.count("{") == 0, "nothing is left to fill in"


def test_small_data_sets_are_what_they_seem() -> None:
    """The probe's data set is one, so that refusals are about operations."""
    assert datasets.decode(b"\x08\x00\x18\x00UI\x06\x001.2.3\0", EXPLICIT).SOPInstanceUID == "1.2.3"
