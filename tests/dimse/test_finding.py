"""C-FIND over real sockets: dcmtk and pynetdicom as clients, and a peer that does as a test says."""

import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pydicom
import pynetdicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

import objects
from dimse.conftest import Archive, RawPeer, Start, peer_of
from dimse.test_foreign import ENVIRONMENT, associated
from isocenter.dicom import datasets
from isocenter.dimse import finding, messages
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.domain.access import SYSTEM
from isocenter.domain.errors import Away, Broken, Busy, Forbidden, IsocenterError
from isocenter.domain.events import Event
from isocenter.service import ingest
from isocenter.service.context import Context
from isocenter.store import changes

PATIENT_ROOT, STUDY_ROOT = finding.PATIENT_ROOT, finding.STUDY_ROOT
FINDING = {
    1: (STUDY_ROOT, (objects.EXPLICIT_LITTLE,)),
    3: (PATIENT_ROOT, (str(ImplicitVRLittleEndian),)),
    5: (finding.PATIENT_STUDY_ONLY, (str(ImplicitVRLittleEndian),)),
}

findscu = pytest.mark.skipif(shutil.which("findscu") is None, reason="dcmtk is not installed")


def store(context: Context, data: bytes) -> None:
    with ingest.begin(context, SYSTEM, source="test", calling_aet="TEST") as reception:
        reception.write(data)
        assert reception.finish().status == "stored"


def fill(context: Context) -> None:
    """Two patients; the first has two studies, of which the second has two series of CT and MR with three instances."""
    for study, series, number, modality in (("1", "1", 1, "CT"), ("2", "1", 1, "CT"), ("2", "1", 2, "CT"), ("2", "2", 1, "MR")):
        store(context, objects.part10(
            PatientID="P1", PatientName="Müller^Jürgen", StudyInstanceUID=f"1.2.{study}",
            SeriesInstanceUID=f"1.2.{study}.{series}", SOPInstanceUID=f"1.2.{study}.{series}.{number}", Modality=modality,
            StudyDate=f"2026010{study}", StudyTime="101500", SeriesNumber=series, InstanceNumber=str(number),
            StudyDescription="Schädel", TimezoneOffsetFromUTC="+0100",
        ))
    store(context, objects.part10(
        PatientID="P2", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう", StudyInstanceUID="1.3.1", SeriesInstanceUID="1.3.1.1",
        SOPInstanceUID="1.3.1.1.1", StudyDate="20250601", AccessionNumber="B7",
    ))


@pytest.fixture
def filled(archive: Archive) -> Archive:
    fill(archive.context)
    return archive


def asked(level: str, **keys: str) -> Dataset:
    """An Identifier."""
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(made, keyword, value)
    return made


def find(archive: Archive, identifier: Dataset, model: str = STUDY_ROOT) -> tuple[list[Dataset], list[int]]:
    """What pynetdicom is answered: the Identifiers and every status."""
    association = associated(archive, pynetdicom.build_context(model))
    assert association.is_established
    answers, statuses = [], []
    for status, answer in association.send_c_find(identifier, model):
        statuses.append(status.Status)
        if answer is not None:
            answers.append(answer)
    association.release()
    return answers, statuses


def values(answers: list[Dataset], keyword: str) -> list[object]:
    return [answer.get(keyword) for answer in answers]


def test_studies_with_what_was_asked_and_what_every_answer_says(filled: Archive) -> None:
    answers, statuses = find(filled, asked(
        "STUDY", PatientName="", StudyInstanceUID="", StudyDate="20260101-", ModalitiesInStudy="", NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="", NumberOfPatientRelatedStudies="", TimezoneOffsetFromUTC="",
    ))
    assert statuses == [0xFF00, 0xFF00, 0]
    newest = answers[0]
    assert newest.StudyInstanceUID == "1.2.2"
    assert list(newest.ModalitiesInStudy) == ["CT", "MR"]
    assert (newest.NumberOfStudyRelatedSeries, newest.NumberOfStudyRelatedInstances) == (2, 3)
    assert newest.NumberOfPatientRelatedStudies == 2
    assert newest.TimezoneOffsetFromUTC == "+0100"
    assert newest.QueryRetrieveLevel == "STUDY"
    assert newest.RetrieveAETitle == "ISOCENTER"
    assert newest.InstanceAvailability == "ONLINE"
    assert newest.SpecificCharacterSet == "ISO_IR 192"
    assert str(newest.PatientName) == "Müller^Jürgen"
    assert "StudyDescription" not in newest, "what was not asked for"


@pytest.mark.parametrize(
    "model, level, keys, keyword, expected",
    [
        (PATIENT_ROOT, "PATIENT", {}, "PatientID", ["P1", "P2"]),
        (PATIENT_ROOT, "PATIENT", {"PatientID": "P2"}, "PatientID", ["P2"]),
        (PATIENT_ROOT, "PATIENT", {"PatientID": "P?"}, "PatientID", ["P1", "P2"]),
        (PATIENT_ROOT, "STUDY", {"PatientID": "P1"}, "StudyInstanceUID", ["1.2.2", "1.2.1"]),
        (finding.PATIENT_STUDY_ONLY, "STUDY", {"PatientID": "P2"}, "StudyInstanceUID", ["1.3.1"]),
        (PATIENT_ROOT, "SERIES", {"PatientID": "P1", "StudyInstanceUID": "1.2.2"}, "SeriesInstanceUID", ["1.2.2.1", "1.2.2.2"]),
        (STUDY_ROOT, "SERIES", {"StudyInstanceUID": "1.2.2", "Modality": "MR"}, "SeriesInstanceUID", ["1.2.2.2"]),
        (STUDY_ROOT, "SERIES", {"Modality": "MR"}, "SeriesInstanceUID", ["1.2.2.2"]),  # relational
        (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2.2", "SeriesInstanceUID": "1.2.2.1"}, "SOPInstanceUID",
         ["1.2.2.1.1", "1.2.2.1.2"]),
        (STUDY_ROOT, "IMAGE", {"PatientID": "P2"}, "SOPInstanceUID", ["1.3.1.1.1"]),  # relational
        (STUDY_ROOT, "STUDY", {"StudyInstanceUID": "1.2.1\\1.3.1"}, "StudyInstanceUID", ["1.2.1", "1.3.1"]),
        (STUDY_ROOT, "STUDY", {"StudyDate": "20260102"}, "StudyInstanceUID", ["1.2.2"]),
        (STUDY_ROOT, "STUDY", {"StudyDate": "-20251231"}, "StudyInstanceUID", ["1.3.1"]),
        (STUDY_ROOT, "STUDY", {"StudyTime": "1000-1030", "StudyDate": "20260101"}, "StudyInstanceUID", ["1.2.1"]),
        (STUDY_ROOT, "STUDY", {"ModalitiesInStudy": "MR\\US"}, "StudyInstanceUID", ["1.2.2"]),
        (STUDY_ROOT, "STUDY", {"AccessionNumber": "*7"}, "StudyInstanceUID", ["1.3.1"]),
        (STUDY_ROOT, "STUDY", {"AccessionNumber": "_7"}, "StudyInstanceUID", []),  # no wildcard of DICOM's
        (STUDY_ROOT, "STUDY", {"AccessionNumber": "%"}, "StudyInstanceUID", []),
        (STUDY_ROOT, "STUDY", {"StudyDescription": '""'}, "StudyInstanceUID", []),
        (STUDY_ROOT, "STUDY", {"TimezoneOffsetFromUTC": "+0500", "PatientID": "P2"}, "StudyInstanceUID", ["1.3.1"]),
    ],
)
def test_every_model_level_and_kind_of_matching(
    filled: Archive, model: str, level: str, keys: dict[str, str], keyword: str, expected: list[str]
) -> None:
    answers, statuses = find(filled, asked(level, **{keyword: "", **keys}), model)
    assert values(answers, keyword) == expected
    assert statuses == [0xFF00] * len(expected) + [0]


def test_keys_that_are_not_supported_are_left_out_and_said(filled: Archive) -> None:
    answers, statuses = find(filled, asked("STUDY", StudyInstanceUID="1.3.1", PatientReligiousPreference=""))
    assert statuses == [0xFF01, 0]
    assert "PatientReligiousPreference" not in answers[0]


def test_keys_inside_a_sequence(archive: Archive) -> None:
    for number in ("1", "2"):
        request = Dataset()
        request.RequestedProcedureID = f"RP{number}"
        request.ScheduledProcedureStepID = f"SPS{number}"
        made = pydicom.dcmread(pydicom.filebase.DicomBytesIO(objects.part10(SeriesInstanceUID=f"1.5.{number}")))
        made.RequestAttributesSequence = Sequence([request])
        buffer = pydicom.filebase.DicomBytesIO()
        made.save_as(buffer)
        store(archive.context, buffer.getvalue())
    item = Dataset()
    item.RequestedProcedureID = "RP2"
    item.ScheduledProcedureStepID = ""
    key = asked("SERIES", SeriesInstanceUID="")
    key.RequestAttributesSequence = Sequence([item])
    answers, statuses = find(archive, key)
    assert statuses == [0xFF00, 0]
    assert answers[0].SeriesInstanceUID == "1.5.2"
    assert answers[0].RequestAttributesSequence[0].RequestedProcedureID == "RP2"
    assert answers[0].RequestAttributesSequence[0].ScheduledProcedureStepID == "SPS2"
    key.RequestAttributesSequence = Sequence([])
    answers, _ = find(archive, key)
    assert {answer.RequestAttributesSequence[0].ScheduledProcedureStepID for answer in answers} == {"SPS1", "SPS2"}


# dcmtk


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([program, *arguments], env=ENVIRONMENT, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, said
    return said


@findscu
def test_findscu(filled: Archive) -> None:
    said = run("findscu", "-v", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "SpecificCharacterSet=ISO_IR 192", "-k",
               "PatientName=muller*", "-k", "StudyInstanceUID", "-k", "StudyDescription", "127.0.0.1", str(filled.port))
    assert said.count("Müller^Jürgen") == 2
    assert said.count("[Schädel") == 2
    assert "1.2.1" in said and "1.2.2" in said
    assert "Received Final Find Response (Success)" in said


@findscu
def test_findscu_cancels(filled: Archive) -> None:
    said = run("findscu", "-v", "-S", "--cancel", "1", "-k", "QueryRetrieveLevel=IMAGE", "-k", "SOPInstanceUID", "127.0.0.1",
               str(filled.port))
    assert "Find Response" in said


# a peer that does as a test says


def request(model: str = STUDY_ROOT, message_id: int = 7) -> Command:
    return Command(command_field=CommandField.C_FIND_RQ, message_id=message_id, priority=0,
                   command_data_set_type=messages.DATA_SET, affected_sop_class_uid=model)


def encoded(identifier: Dataset) -> bytes:
    return datasets.encode(identifier, objects.EXPLICIT_LITTLE)


@pytest.fixture
def finder(filled: Archive) -> Iterator[RawPeer]:
    """A peer with an association for queries."""
    with peer_of(filled) as connected:
        assert isinstance(connected.associate(contexts=FINDING), pdu.AssociateAC)
        yield connected


def final(peer: RawPeer) -> Command:
    """The final answer. Data sets are skipped: a RawPeer reads every fragment as a command set, unless none comes."""
    answer = peer.receive()
    assert isinstance(answer, Command), answer
    return answer


@pytest.mark.parametrize(
    "keys, status, element",
    [
        ({"QueryRetrieveLevel": "STUDY", "StudyDate": "yesterday"}, 0xC000, 0x00080020),
        ({"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": "1" * 65}, 0xC000, 0x0020000D),
        ({"QueryRetrieveLevel": "PATIENT"}, 0xA900, 0x00080052),  # of the other model
        ({"QueryRetrieveLevel": "WORLD"}, 0xA900, 0x00080052),
        ({}, 0xA900, 0x00080052),
    ],
)
@pytest.mark.filterwarnings("ignore")  # pydicom says that these values are wrong
def test_what_cannot_be_answered_is_said_with_its_element(
    finder: RawPeer, keys: dict[str, str], status: int, element: int
) -> None:
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    identifier.PatientID = "SECRET"
    finder.message(1, request(), encoded(identifier))
    answer = final(finder)
    assert (answer.status, answer.offending_element) == (status, (element,))
    assert answer.error_comment
    assert "SECRET" not in answer.error_comment
    finder.message(1, request(), encoded(asked("STUDY", StudyInstanceUID="9.9")))
    assert final(finder).status == 0, "the association lives on"


def test_an_identifier_that_is_none(finder: RawPeer) -> None:
    for data in (b"\x08\0\x52\0CS\xff\xff", b"\x01", struct.pack("<HHIHHI", 0x0040, 0x0275, 0xFFFFFFFF, 0xFFFE, 0xE000, 99)):
        finder.message(1, request(), data)
        assert final(finder).status in (0xC000, 0xA900)
    finder.message(1, Command(command_field=CommandField.C_FIND_RQ, message_id=8, affected_sop_class_uid=STUDY_ROOT))
    assert final(finder).status == 0xA900


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from([1, 3]))
def test_no_identifier_ends_the_association(shared_finder: RawPeer, garbage: bytes, cut: int, context_id: int) -> None:
    whole = encoded(asked("STUDY", PatientName="Nobody^At^All", StudyDate="20260101-20260131", StudyInstanceUID=""))
    shared_finder.message(context_id, request(FINDING[context_id][0]), whole[:cut] + garbage)
    assert final(shared_finder).status is not None


@pytest.fixture
def shared_finder(archive: Archive) -> Iterator[RawPeer]:
    """A peer of an empty archive: every answer is a final one."""
    with peer_of(archive) as connected:
        assert isinstance(connected.associate(contexts=FINDING), pdu.AssociateAC)
        yield connected


def commands(peer: RawPeer) -> Iterator[Command]:
    """The command sets of answers with data sets, which a RawPeer does not tell apart."""
    command = b""
    while True:
        received = peer._reader.read()
        assert isinstance(received, list), received
        for _, control, view in received:
            if control & pdu.COMMAND:
                command += bytes(view)
                if control & pdu.LAST:
                    yield messages.decode(command)
                    command = b""


def test_cancel_is_honoured_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more answers than any socket buffers: the peer has read one when it cancels, and gets what was under way only."""
    archive = start(max_find_answers=1_000_000)
    answer = encoded(asked("STUDY", StudyInstanceUID="1.2", ImageComments="x" * 4000))
    monkeypatch.setattr(finding.search, "gather", lambda *_: [answer] * 500_000)
    with peer_of(archive) as peer:
        assert isinstance(peer.associate(contexts=FINDING), pdu.AssociateAC)
        peer.message(1, request(), encoded(asked("STUDY", StudyInstanceUID="")))
        answers = commands(peer)
        assert next(answers).status == 0xFF00
        peer.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7))
        count, last = 0, next(answers)
        while last.status == 0xFF00:
            count, last = count + 1, next(answers)
        assert last.status == 0xFE00
        assert count < 50_000


def test_a_cancel_while_the_index_is_read(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are left are not read any more."""
    archive = start()
    read = []
    began, cancelled = threading.Event(), threading.Event()

    def gather(context: Context, principal: object, query: object, form: Callable[[dict[str, str]], bytes]) -> list[bytes]:
        made = []
        for number in range(1000):
            began.set()
            assert cancelled.wait(10)
            time.sleep(0.01)
            made.append(form({"StudyInstanceUID": f"1.{number}"}))
            read.append(number)
        return made

    monkeypatch.setattr(finding.search, "gather", gather)
    with peer_of(archive) as peer:
        assert isinstance(peer.associate(contexts=FINDING), pdu.AssociateAC)
        peer.message(1, request(), encoded(asked("STUDY", StudyInstanceUID="")))
        assert began.wait(10)
        peer.message(1, Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7))
        cancelled.set()
        assert final(peer).status == 0xFE00
        assert len(read) < 100


def test_a_cancel_that_is_there_before_the_first_answer(finder: RawPeer) -> None:
    """In one segment with the request: it is read before anything is sent, and nothing else comes."""
    command, cancel = request(), Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=7)
    data = encoded(asked("STUDY", StudyInstanceUID=""))
    finder.send(
        pdu.PDataTF((pdu.PresentationDataValue(1, pdu.COMMAND | pdu.LAST, command.encode()),)).encode()
        + pdu.PDataTF((pdu.PresentationDataValue(1, pdu.LAST, data),)).encode()
        + pdu.PDataTF((pdu.PresentationDataValue(1, pdu.COMMAND | pdu.LAST, cancel.encode()),)).encode()
    )
    answer = final(finder)
    assert (answer.status, answer.message_id_being_responded_to) == (0xFE00, 7)


def test_the_limit_is_said(start: Start) -> None:
    archive = start(max_find_answers=2)
    fill(archive.context)
    answers, statuses = find(archive, asked("STUDY", StudyInstanceUID=""))
    assert values(answers, "StudyInstanceUID") == ["1.2.2", "1.2.1"]
    assert statuses == [0xFF00, 0xFF00, 0xB001]
    assert find(archive, asked("STUDY", StudyInstanceUID="", PatientID="P1"))[1] == [0xFF00, 0xFF00, 0]


@pytest.mark.parametrize(
    "error, status", [(Busy("too many wait"), 0xA700), (Away("the database is away"), 0xA700), (Forbidden("not you"), 0x0124),
                      (Broken("the index is damaged"), 0x0110)]
)
def test_what_the_archive_cannot_do_is_said(
    finder: RawPeer, monkeypatch: pytest.MonkeyPatch, error: IsocenterError, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(finding.search, "gather", fail)
    finder.message(1, request(), encoded(asked("STUDY", StudyInstanceUID="")))
    answer = final(finder)
    assert (answer.status, answer.error_comment) == (status, error.message)


def test_who_asked_by_which_keys_is_in_the_change_log_and_not_for_whom(filled: Archive) -> None:
    find(filled, asked("STUDY", StudyInstanceUID="", PatientName="Secret^Person"))
    rows = filled.context.database.read(lambda connection: changes.since(connection, 0, kinds=(Event.STUDY_SEARCHED,)))
    assert [row.subject for row in rows] == ["STUDY?PatientName"]
    assert rows[0].actor == "PYNETDICOM"
    assert "Secret" not in repr(rows)
