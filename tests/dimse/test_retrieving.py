"""C-GET over real sockets: dcmtk's getscu and pynetdicom as clients, and a peer that does as a test says."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pynetdicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import build_context, build_role, evt

import objects
from dimse.conftest import Archive, RawPeer, eventually, peer_of
from dimse.test_finding import asked, commands, fill, store
from dimse.test_foreign import ENVIRONMENT
from isocenter.dicom import datasets, sop_classes
from isocenter.dimse import messages, retrieving, services, storing
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import ExtendedNegotiation, MaximumLength, PresentationContextRQ, RoleSelection
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Unsupported
from isocenter.domain.events import Event
from isocenter.service import peers, sending
from isocenter.service.context import Context
from isocenter.store import changes

PATIENT_ROOT, STUDY_ROOT = sop_classes.PATIENT_ROOT_GET, sop_classes.STUDY_ROOT_GET
STUDY_2 = ["1.2.2.1.1", "1.2.2.1.2", "1.2.2.2.1"]

getscu = pytest.mark.skipif(shutil.which("getscu") is None, reason="dcmtk is not installed")


@pytest.fixture
def filled(archive: Archive) -> Archive:
    fill(archive.context)
    return archive


class Getter:
    """pynetdicom as a workstation: what it was sent, and what it was answered."""

    def __init__(self, archive: Archive, *, model: str = STUDY_ROOT, answer: Callable[[str], int] = lambda uid: 0,
                 roles: bool = True, syntaxes: tuple[str, ...] = (ExplicitVRLittleEndian,)) -> None:
        self.received: list[Dataset] = []
        self.answers: list[tuple[Dataset, Dataset | None]] = []
        self._answer = answer
        self._model = model
        ae = pynetdicom.AE(ae_title="WORKSTATION")
        self._association = ae.associate(
            "127.0.0.1", archive.port, contexts=[build_context(model), *(build_context(objects.CT, each) for each in syntaxes)],
            ext_neg=[build_role(objects.CT, scp_role=True)] if roles else [],
            evt_handlers=[(evt.EVT_C_STORE, self._store)], ae_title="ISOCENTER",
        )
        assert self._association.is_established

    def _store(self, event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.received.append(dataset)
        return self._answer(str(dataset.SOPInstanceUID))

    def get(self, level: str, **keys: str) -> Dataset:
        """The final answer's command set."""
        self.answers = list(self._association.send_c_get(asked(level, **keys), self._model))
        self._association.release()
        return self.answers[-1][0]

    @property
    def uids(self) -> list[str]:
        return [str(each.SOPInstanceUID) for each in self.received]


def counts(answer: Dataset) -> tuple[int | None, int, int, int]:
    """Remaining, completed, failed, warning."""
    return (answer.get("NumberOfRemainingSuboperations"), answer.NumberOfCompletedSuboperations,
            answer.NumberOfFailedSuboperations, answer.NumberOfWarningSuboperations)


@pytest.mark.parametrize(
    ("model", "level", "keys", "expected"),
    [
        (PATIENT_ROOT, "PATIENT", {"PatientID": "P1"}, ["1.2.1.1.1", *STUDY_2]),
        (PATIENT_ROOT, "STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.2.2"}, STUDY_2),
        (PATIENT_ROOT, "STUDY", {"PatientID": "P2", "StudyInstanceUID": "1.2.2"}, []),
        (sop_classes.PATIENT_STUDY_ONLY_GET, "PATIENT", {"PatientID": "P2"}, ["1.3.1.1.1"]),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "1.2.2"}, STUDY_2),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "1.3.1\\1.2.1"}, ["1.2.1.1.1", "1.3.1.1.1"]),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1"}, STUDY_2[:2]),
        (STUDY_ROOT, "SERIES", {"SeriesInstanceUID": "1.2.2.1\\1.2.2.2\\1.2.1.1"}, ["1.2.1.1.1", *STUDY_2]),  # relational
        (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1", "SOPInstanceUID": "1.2.2.1.2"},
         ["1.2.2.1.2"]),
        (STUDY_ROOT, "IMAGE", {"SOPInstanceUID": "1.2.2.1.2\\1.2.2.2.1\\9.9"}, ["1.2.2.1.2", "1.2.2.2.1"]),
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "9.9"}, []),
    ],
)
def test_every_level_and_lists_of_uids(
    filled: Archive, model: str, level: str, keys: dict[str, str], expected: list[str]
) -> None:
    getter = Getter(filled, model=model)
    final = getter.get(level, **keys)
    assert getter.uids == expected
    assert (final.Status, counts(final)) == (0x0000, (None, len(expected), 0, 0))
    pending = [counts(answer) for answer, _ in getter.answers[:-1]]
    assert pending == [(len(expected) - done, done, 0, 0) for done in range(1, len(expected))]


@pytest.mark.parametrize(
    ("level", "keys", "status", "tag"),
    [
        ("PATIENT", {"PatientID": "P1"}, 0xA900, 0x00080052),  # no level of the Study Root
        ("", {"StudyInstanceUID": "1.2.2"}, 0xA900, 0x00080052),
        ("STUDY", {"PatientID": "P1"}, 0xA900, 0x0020000D),
        ("STUDY", {"StudyInstanceUID": ""}, 0xA900, 0x0020000D),  # which is not everything
        ("IMAGE", {"StudyInstanceUID": "1.2.2"}, 0xA900, 0x00080018),
    ],
)
def test_an_identifier_that_says_too_little(filled: Archive, level: str, keys: dict[str, str], status: int, tag: int) -> None:
    getter = Getter(filled)
    final = getter.get(level, **keys)
    assert (final.Status, final.OffendingElement) == (status, tag)
    assert getter.uids == []


def test_failures_are_listed_and_warnings_counted(filled: Archive, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "isocenter")
    getter = Getter(filled, answer=lambda uid: {"1.2.2.1.1": 0xA700, "1.2.2.1.2": 0xB007}.get(uid, 0))
    final = getter.get("STUDY", StudyInstanceUID="1.2.2")
    assert (final.Status, counts(final)) == (0xB000, (None, 1, 1, 1))
    assert getter.answers[-1][1] is not None
    assert getter.answers[-1][1].FailedSOPInstanceUIDList == "1.2.2.1.1"
    assert final.ErrorComment == "1 failed: Refused: out of resources"
    (facts,) = [row.facts for row in caplog.records if row.message == "a retrieval was answered"]  # type: ignore[attr-defined]
    assert (facts["calling"], facts["completed"], facts["failed"], facts["warning"]) == ("WORKSTATION", 1, 1, 1)


def test_without_the_scp_role_nothing_can_be_sent_and_it_is_said_why(filled: Archive) -> None:
    getter = Getter(filled, roles=False)
    final = getter.get("STUDY", StudyInstanceUID="1.2.2")
    assert (final.Status, counts(final)) == (0xA702, (None, 0, 3, 0))
    assert "SCP role" in final.ErrorComment
    assert getter.answers[-1][1] is not None
    assert list(getter.answers[-1][1].FailedSOPInstanceUIDList) == STUDY_2


J2K = "1.2.840.10008.1.2.4.90"


@pytest.mark.parametrize(("ladder", "expected"), [((), ExplicitVRLittleEndian), ((J2K,), J2K)])
def test_a_known_peer_gets_what_it_prefers(archive: Archive, data: Path, ladder: tuple[str, ...], expected: str) -> None:
    content = (data / "transfer-syntaxes/same-image/CT2/CT2_RLE").read_bytes()
    store(archive.context, content)
    uid = str(pydicom.dcmread(BytesIO(content)).SOPInstanceUID)
    peers.add(archive.context, SYSTEM, aet="WORKSTATION", host="127.0.0.1", port=104, preferred_syntaxes=ladder)
    getter = Getter(archive, syntaxes=(ExplicitVRLittleEndian, J2K))
    assert getter.get("IMAGE", SOPInstanceUID=uid).Status == 0
    assert [each.file_meta.TransferSyntaxUID for each in getter.received] == [expected]
    again = Getter(archive, syntaxes=("1.2.840.10008.1.2.5", ExplicitVRLittleEndian))
    again.get("IMAGE", SOPInstanceUID=uid)
    assert [each.file_meta.TransferSyntaxUID for each in again.received] == ["1.2.840.10008.1.2.5"], "as it is stored"


def test_one_context_of_several_syntaxes_gets_one_that_everything_can_be_sent_in(sqlite_context: Context) -> None:
    known = peers.add(sqlite_context, SYSTEM, aet="X", host="127.0.0.1", port=104, preferred_syntaxes=[J2K])
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    offered = (J2K, ExplicitVRLittleEndian)
    both = {objects.CT, report}
    assert services.choose(objects.CT, offered) == J2K, "what is stored here comes as its sender likes"
    assert services.choose(objects.CT, offered, sent=both) == ExplicitVRLittleEndian
    assert services.choose(objects.CT, offered, sent=both, peer=known) == J2K
    assert services.choose(report, offered, sent=both, peer=known) == ExplicitVRLittleEndian, "without pixels"


def test_relational_retrieval_is_agreed_on(filled: Archive) -> None:
    with peer_of(filled) as peer:
        items = (MaximumLength(16384), ExtendedNegotiation(STUDY_ROOT, b"\1\1"))
        peer.send(pdu.AssociateRQ(items, "ISOCENTER", "RAW", CONTEXTS))
        answer = peer.receive()
    assert isinstance(answer, pdu.AssociateAC)
    assert answer.find(ExtendedNegotiation) == ExtendedNegotiation(STUDY_ROOT, b"\1\0"), "no conversion of enhanced images"


def test_who_got_what_is_in_the_change_log(filled: Archive) -> None:
    Getter(filled).get("STUDY", StudyInstanceUID="1.2.2")
    rows = filled.context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_SENT,)))
    assert [(row.actor, row.subject) for row in rows] == [("WORKSTATION", "1.2.2")]


def test_a_file_that_is_damaged_fails_alone(filled: Archive) -> None:
    (path,) = [path for path in filled.files() if b"1.2.2.1.2" in path.read_bytes()]
    path.write_bytes(path.read_bytes()[:-2])
    getter = Getter(filled)
    final = getter.get("STUDY", StudyInstanceUID="1.2.2")
    assert (final.Status, counts(final)) == (0xB000, (None, 2, 1, 0))
    assert getter.uids == ["1.2.2.1.1", "1.2.2.2.1"]


# A peer that does as it is told

CONTEXTS = (
    PresentationContextRQ(1, STUDY_ROOT, (objects.EXPLICIT_LITTLE,)),
    PresentationContextRQ(3, objects.CT, (objects.EXPLICIT_LITTLE,)),
)


@pytest.fixture
def raw(filled: Archive) -> Iterator[RawPeer]:
    with peer_of(filled) as peer:
        items = (MaximumLength(16384), RoleSelection(objects.CT, False, True))
        peer.send(pdu.AssociateRQ(items, "ISOCENTER", "RAW", CONTEXTS))
        assert isinstance(peer.receive(), pdu.AssociateAC)
        yield peer


def ask(peer: RawPeer, **keys: str) -> Iterator[Command]:
    """Send a C-GET-RQ; what comes, data sets left out."""
    command = Command(command_field=CommandField.C_GET_RQ, message_id=7, priority=0, affected_sop_class_uid=STUDY_ROOT,
                      command_data_set_type=messages.DATA_SET)
    peer.message(1, command, datasets.encode(asked("STUDY", **keys), objects.EXPLICIT_LITTLE))
    return commands(peer)


def test_cancel_between_two_suboperations(raw: RawPeer) -> None:
    """PS3.4 C.4.3.2.1: what is under way is finished, nothing more is begun."""
    came = ask(raw, StudyInstanceUID="1.2.2")
    first = next(came)
    assert (first.command_field, first.affected_sop_instance_uid) == (CommandField.C_STORE_RQ, STUDY_2[0])
    raw.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=8))  # of no request
    raw.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7))
    raw.message(3, messages.response(first, 0))
    assert next(came).status == 0xFF00
    final = next(came)
    assert (final.command_field, final.status, final.has_data_set) == (CommandField.C_GET_RSP, 0xFE00, False)
    assert (final.number_of_completed_suboperations, final.number_of_remaining_suboperations) == (1, 2)


def test_who_waits_for_a_long_transcoding_hears_of_it_and_may_cancel(
    filled: Archive, raw: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(*_: object) -> object:
        assert go_on.wait(30)
        raise Unsupported("no")

    monkeypatch.setattr(retrieving, "HEARTBEAT", 0.05)
    monkeypatch.setattr(sending, "outgoing", slow)
    monkeypatch.setattr(storing.Suboperations, "_is_accepted", lambda *_: False)
    came = ask(raw, StudyInstanceUID="1.2.2")
    for _ in range(2):
        answer = next(came)
        assert (answer.status, answer.number_of_remaining_suboperations) == (0xFF00, 3)
    raw.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7))
    final = next(answer for answer in came if answer.status != 0xFF00)
    assert (final.status, final.number_of_remaining_suboperations) == (0xFE00, 3)
    go_on.set()


def test_the_association_lives_on_after_a_retrieval(raw: RawPeer) -> None:
    for _ in range(2):
        came = ask(raw, StudyInstanceUID="1.2.1")
        sent = next(came)
        assert sent.priority == 0 and sent.move_originator_message_id is None
        raw.message(3, messages.response(sent, 0))
        assert next(came).status == 0


def test_a_peer_that_goes_away_in_the_middle(filled: Archive, raw: RawPeer) -> None:
    next(ask(raw, StudyInstanceUID="1.2.2"))
    raw.close()
    eventually(lambda: not filled.server.connections)


def test_a_request_inside_a_retrieval_breaks_the_message_flow(raw: RawPeer) -> None:
    came = ask(raw, StudyInstanceUID="1.2.2")
    next(came)
    raw.message(1, Command(command_field=CommandField.C_ECHO_RQ, message_id=9, affected_sop_class_uid=STUDY_ROOT))
    with pytest.raises(AssertionError, match="Abort"):
        next(came)


def test_a_file_that_ends_while_it_is_sent_ends_the_association(
    filled: Archive, raw: RawPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the data set cannot be had, and nothing else may be said inside it."""
    monkeypatch.setattr(sending, "PIECE", 64)
    monkeypatch.setattr(os, "pread", _once(os.pread))
    came = ask(raw, StudyInstanceUID="1.2.2")
    with pytest.raises(AssertionError, match="Abort"):
        while True:
            next(came)


def _once(real: Callable[[int, int, int], bytes]) -> Callable[[int, int, int], bytes]:
    left = [1]

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        if length == 64:
            left[0] -= 1
            return real(descriptor, length, offset) if left[0] >= 0 else b""
        return real(descriptor, length, offset)

    return pread


# dcmtk


@getscu
def test_getscu_gets_a_series(archive: Archive, data: Path, tmp_path: Path) -> None:
    """dcmtk proposes explicit and implicit VR in one context and is sent explicit: these are stored as implicit."""
    paths = sorted((data / "ct/volume-lidc-idri-0314").glob("*"))[:12]
    for path in paths:
        store(archive.context, path.read_bytes())
    header = pydicom.dcmread(paths[0], stop_before_pixels=True)
    done = subprocess.run(
        ["getscu", "-v", "-S", "+B", "-od", tmp_path, "-aec", "ISOCENTER", "-k", "QueryRetrieveLevel=SERIES",
         "-k", f"StudyInstanceUID={header.StudyInstanceUID}", "-k", f"SeriesInstanceUID={header.SeriesInstanceUID}",
         "127.0.0.1", str(archive.port)],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "Completed Suboperations : 12" in done.stdout, done.stdout
    sent = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, tmp_path.iterdir())}
    for original in map(pydicom.dcmread, paths):
        one = sent[original.SOPInstanceUID]
        assert one.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian != original.file_meta.TransferSyntaxUID
        assert one.pop("PixelData").value == original.pop("PixelData").value
        public = {element.tag for element in original if not element.tag.is_private and element.tag.element}
        assert public and all(one[tag] == original[tag] for tag in public)
