"""What somebody may not see changes no DIMSE answer, and what somebody may not do is refused: every request of every service.

As tests/app/test_hidden.py does over HTTP: two archives, of which one never had the study, are asked the same. The requests come
from the table of services: a new one is asked without a word here, and must then tell of the study to who may see it, or be
named below with the reason why it cannot.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from pydicom import Dataset

import objects
from dimse.conftest import Archive, RawPeer, bound, peer_of
from dimse.test_finding import store
from isocenter.dicom import datasets, sop_classes
from isocenter.dimse import finding, hanging, messages, retrieving, status
from isocenter.dimse.messages import RESPONSE, Command, CommandField
from isocenter.dimse.server import Server
from isocenter.dimse.services import SERVICES, Service
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import RoleSelection, UserIdentityRQ
from isocenter.domain.access import PERMISSIONS, SYSTEM, Permission, Role
from isocenter.service import accounts, peers, sensitive
from isocenter.service.context import Context

PASSWORD = "correct-horse-9"
HIDDEN = {
    "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "SOPInstanceUID": "1.2.3.4.5", "PatientID": "HIDDEN-ID",
    "PatientName": "Geheim^Gerda", "AccessionNumber": "HIDDEN-ACC", "ReferringPhysicianName": "Other^Doctor",
    "StudyDate": "19990807", "StudyDescription": "Unsaid",
}  # fmt: skip
SEEN = {"StudyInstanceUID": "1.2.9", "SeriesInstanceUID": "1.2.9.4", "SOPInstanceUID": "1.2.9.4.5"}
ROLES = {f"a-{role}": role for role in Role}
BLIND = ("referrer", "nameless")  # see one study, and none
DISCREET = ("a-technologist", "a-service", "")  # see all that is not sensitive; "": a device where nobody has logged in
COUNTS = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")
# Services whose answers do not depend on the studies held, whoever asks.
SAME_FOR_ALL = {
    "Verification": "knows no study",
    "Storage Commitment": "only to known peers, and for who may store, which no role may that does not see all studies",
    "Print": "takes what it is sent",
    "Basic Worklist Management": "orders, not studies", "Modality Performed Procedure Step": "orders, not studies",
    "Modality Performed Procedure Step Retrieve": "orders, not studies",
    "Hanging Protocol Query": "protocols, not studies", "Hanging Protocol Retrieve by C-MOVE": "protocols, not studies",
    "Hanging Protocol Retrieve by C-GET": "protocols, not studies",
    "Unified Procedure Step: Push": "work items, not studies", "Unified Procedure Step: Watch": "work items, not studies",
    "Unified Procedure Step: Pull": "work items, not studies", "Unified Procedure Step: Query": "work items, not studies",
}  # fmt: skip
# Of the patient root, the study root and the patient/study only model, whose UIDs end with .n.1 to .n.3.
LEVELS = {"1": ("PATIENT", "STUDY", "SERIES", "IMAGE"), "2": ("STUDY", "SERIES", "IMAGE"), "3": ("PATIENT", "STUDY")}
SERVED = [(service, uid) for service in SERVICES for uid in service.sop_classes]
NUMBERS = {uid: 2 * number + 1 for number, (_, uid) in enumerate(SERVED)}
CONTEXTS = {number: (uid, (objects.EXPLICIT_LITTLE,)) for uid, number in NUMBERS.items()}
CONTEXTS[2 * len(SERVED) + 1] = (objects.CT, (objects.EXPLICIT_LITTLE,))
_ROOTS = {*finding.SOP_CLASSES, *retrieving.GET_SOP_CLASSES, *retrieving.MOVE_SOP_CLASSES}
_HANGING = {*hanging.FIND_SOP_CLASSES, *hanging.GET_SOP_CLASSES, *hanging.MOVE_SOP_CLASSES}


@dataclass(frozen=True)
class Ask:
    """One request on the context of its SOP class."""

    service: Service
    sop_class: str
    field: CommandField
    identifier: Dataset

    def __str__(self) -> str:
        keys = {each.keyword: each.value for each in self.identifier}
        return f"{self.service.name} {self.field.name} {sop_classes.get(self.sop_class) or self.sop_class} {keys}"

    def send(self, peer: RawPeer) -> tuple[list[Command], bytes]:
        """All that comes back."""
        data = datasets.encode(self.identifier, objects.EXPLICIT_LITTLE) if len(self.identifier) else b""
        named = {"affected_sop_class_uid": self.sop_class, "affected_sop_instance_uid": HIDDEN["SOPInstanceUID"]}
        if self.field in (CommandField.N_GET_RQ, CommandField.N_SET_RQ, CommandField.N_ACTION_RQ, CommandField.N_DELETE_RQ):
            named = {name.replace("affected", "requested"): value for name, value in named.items()}
        moved = {"move_destination": "CT1"} if self.field == CommandField.C_MOVE_RQ else {}
        acting = {"action_type_id": 1} if self.field == CommandField.N_ACTION_RQ else {}
        command = Command(command_field=self.field, message_id=7, priority=0, **named, **moved, **acting,
                          command_data_set_type=messages.DATA_SET if data else messages.NO_DATA_SET)  # fmt: skip
        peer.data.clear()
        peer.message(NUMBERS[self.sop_class], command, data)
        answers: list[Command] = []
        while not answers or answers[-1].status in (0xFF00, 0xFF01) or not answers[-1].command_field & RESPONSE:
            answer = peer.receive()
            assert isinstance(answer, Command), (str(self), answer)
            answers.append(answer)
            if answer.command_field == CommandField.C_STORE_RQ:  # a sub-operation of C-GET
                peer.message(2 * len(SERVED) + 1, Command(
                    command_field=CommandField.C_STORE_RSP, message_id_being_responded_to=answer.message_id, status=0,
                    affected_sop_class_uid=answer.affected_sop_class_uid,
                    affected_sop_instance_uid=answer.affected_sop_instance_uid))  # fmt: skip
        return answers, bytes(peer.data)


def identifiers(sop_class: str, field: CommandField) -> Iterator[Dataset]:
    """What a request of a service asks for: the study by each way that names it, or at all."""
    keys: list[dict[str, str]] = [{}]
    if sop_class in _ROOTS and field == CommandField.C_FIND_RQ:
        keys = [{"level": level, name: HIDDEN[name]} for level in ("PATIENT", "STUDY", "SERIES", "IMAGE")
                for name in (("PatientID", "PatientName") if level == "PATIENT" else HIDDEN)]
        keys += [{"level": level} for level in ("PATIENT", "STUDY")]
    elif sop_class in _ROOTS:
        keys = [{"level": "PATIENT", "PatientID": HIDDEN["PatientID"]},
                {"level": "STUDY", "PatientID": HIDDEN["PatientID"], "StudyInstanceUID": HIDDEN["StudyInstanceUID"]},
                {"level": "STUDY", "StudyInstanceUID": HIDDEN["StudyInstanceUID"]},
                {"level": "IMAGE", **{name: HIDDEN[name] for name in SEEN}}]
    for each in (each for each in keys if "level" not in each or each["level"] in LEVELS[sop_class[-3]]):
        made = Dataset()
        for name, value in each.items():
            setattr(made, "QueryRetrieveLevel" if name == "level" else name, value)
        if field == CommandField.C_FIND_RQ and "level" in each:
            for name in COUNTS:
                setattr(made, name, "")
        if not each and field in (CommandField.N_CREATE_RQ, CommandField.N_SET_RQ, CommandField.N_ACTION_RQ):
            made.PatientID = HIDDEN["PatientID"]
        if not each and field in (CommandField.C_FIND_RQ, CommandField.C_MOVE_RQ, CommandField.C_GET_RQ):
            made.PatientID = HIDDEN["PatientID"]
            if sop_class in _HANGING:
                made = Dataset()
                made.SOPInstanceUID = HIDDEN["SOPInstanceUID"]
        yield made


ASKS = [Ask(service, uid, field, identifier) for service, uid in SERVED for field in service.operations
        if field != CommandField.N_EVENT_REPORT_RQ  # what we asked of others, who answer it
        for identifier in identifiers(uid, field)]  # fmt: skip


@pytest.fixture
def archives(sqlite_context: Context, second_context: Context) -> Iterator[tuple[Archive, Archive]]:
    """One that holds the study, and one that never had it; each with accounts of every role."""
    made = []
    for context in (sqlite_context, second_context):
        context = replace(context, settings=replace(context.settings, argon2_memory_kib=64, argon2_passes=1))
        for name, role in ROLES.items():
            accounts.add_user(context, SYSTEM, name=name, role=role, password=PASSWORD)
        accounts.add_user(context, SYSTEM, name="referrer", role=Role.REFERRER, password=PASSWORD, referrer_name="House^Gregory")
        accounts.add_user(context, SYSTEM, name="nameless", role=Role.REFERRER, password=PASSWORD)
        with bound() as nobody_listens:
            port = nobody_listens.getsockname()[1]
        peers.add(context, SYSTEM, aet="CT1", host="127.0.0.1", port=port)
        store(context, objects.part10(**SEEN))
        if context.database is sqlite_context.database:
            store(context, objects.part10(**HIDDEN))
        server = Server(context, bound(), None, None)
        server.start()
        made.append(Archive(server, context))
    yield made[0], made[1]
    for archive in made:
        archive.server.stop(0)


def log_in(peer: RawPeer, name: str) -> None:
    shown = (UserIdentityRQ(2, False, name.encode(), PASSWORD.encode()),) if name else ()
    answer = peer.associate(contexts=CONTEXTS, more=(*shown, RoleSelection(objects.CT, False, True)))
    assert isinstance(answer, pdu.AssociateAC), answer


@pytest.mark.parametrize("caller", [*BLIND, *DISCREET])
def test_every_request_is_answered_as_if_the_study_were_not_there(caller: str, archives: tuple[Archive, Archive]) -> None:
    told = []
    if caller in DISCREET:
        sensitive.mark(archives[0].context, SYSTEM, HIDDEN["StudyInstanceUID"], "a colleague", patient=caller == "")
    with peer_of(archives[0]) as here, peer_of(archives[1]) as there:
        log_in(here, caller)
        log_in(there, caller)
        for ask in ASKS:
            got, wanted = ask.send(here), ask.send(there)
            if got != wanted:
                told.append(f"{ask}: {got} instead of {wanted}"[:900])
    assert not told, "\n".join(told)


def test_the_same_requests_tell_of_the_study_to_who_may_see_it(archives: tuple[Archive, Archive]) -> None:
    """Otherwise the test above would prove nothing."""
    same = []
    with peer_of(archives[0]) as here, peer_of(archives[1]) as there:
        log_in(here, "a-admin")
        log_in(there, "a-admin")
        for ask in ASKS:
            if ask.service.name not in SAME_FOR_ALL and ask.send(here) == ask.send(there):
                same.append(str(ask))
    assert not same, "\n".join(same)


@pytest.mark.parametrize("name", ROLES)
def test_what_a_role_may_not_is_refused_and_what_it_may_is_not(name: str, archives: tuple[Archive, Archive]) -> None:
    wrong = []
    with peer_of(archives[0]) as peer:
        log_in(peer, name)
        for ask in ASKS:
            if ask.service.name == "Storage Commitment" and Permission.STUDY_STORE in PERMISSIONS[ROLES[name]]:
                continue  # this device is not known, so nobody could be told (tests/dimse/test_commitment.py)
            needed = ask.service.need(ask.field)
            refused = ask.send(peer)[0][-1].status == status.NOT_AUTHORIZED
            if refused == (needed is None or needed in PERMISSIONS[ROLES[name]]):
                wrong.append(f"{ask} needs {needed}: {'refused' if refused else 'let in'}")
        if Permission.STUDY_STORE not in PERMISSIONS[ROLES[name]]:
            uid = objects.uid()
            answer = peer.store(objects.data_set(SOPInstanceUID=uid), uid, context_id=2 * len(SERVED) + 1)
            assert answer.status == status.NOT_AUTHORIZED
    assert not wrong, "\n".join(wrong)
