"""The Asynchronous Operations Window on receive (PS3.7 D.3.3.3) and extended negotiation (D.3.3.5), byte by byte."""

from collections.abc import Iterator

import pytest

import objects
from dimse.conftest import CONTEXTS, IMPLICIT, VERIFICATION, Archive, RawPeer, peer_of, store_request
from dimse.test_finding import asked, store
from isocenter.dicom import datasets
from isocenter.dimse import finding, messages, status, storage
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu
from isocenter.dimse.upper_layer.items import AsynchronousOperationsWindow, ExtendedNegotiation

STUDIES = 200
ALL = {**CONTEXTS, 7: (finding.STUDY_ROOT, (IMPLICIT,))}


@pytest.fixture
def pipelined(archive: Archive) -> Iterator[RawPeer]:
    """A peer that may send several requests before one is answered; the archive holds some studies."""
    for number in range(STUDIES):
        store(archive.context, objects.part10(0, StudyInstanceUID=f"1.6.{number}", SeriesInstanceUID=f"1.6.{number}.1"))
    with peer_of(archive) as peer:
        accepted = peer.associate(contexts=ALL, more=(AsynchronousOperationsWindow(0, 0),))
        assert isinstance(accepted, pdu.AssociateAC)
        assert accepted.find(AsynchronousOperationsWindow) == AsynchronousOperationsWindow(16, 1)
        yield peer


def request(peer: RawPeer, kind: CommandField, message_id: int, data: bytes = b"") -> None:
    find = kind == CommandField.C_FIND_RQ
    sop_class = finding.STUDY_ROOT if find else VERIFICATION
    data_set_type = messages.DATA_SET if data else messages.NO_DATA_SET
    peer.message(7 if find else 1, Command(command_field=kind, message_id=message_id, affected_sop_class_uid=sop_class,
                                           command_data_set_type=data_set_type, priority=0 if find else None), data)  # fmt: skip


def question(level: str = "STUDY") -> bytes:
    return datasets.encode(asked(level, StudyInstanceUID=""), IMPLICIT)


def answers(peer: RawPeer, number: int) -> list[tuple[int | None, int | None]]:
    """(message ID responded to, status) of so many final answers, in the order in which they came."""
    found: list[tuple[int | None, int | None]] = []
    while len(found) < number:
        answer = peer.receive()
        assert answer is not None, "the association has ended"
        if isinstance(answer, Command) and answer.status != status.PENDING:
            found.append((answer.message_id_being_responded_to, answer.status))
    return found


def test_stores_that_do_not_wait_are_all_stored_and_answered_in_order(archive: Archive, pipelined: RawPeer) -> None:
    uids = [objects.uid() for _ in range(12)]
    sent = {uid: objects.data_set(pixels=20000, SOPInstanceUID=uid) for uid in uids}
    for uid in uids:
        pipelined.message(3, store_request(uid), sent[uid])
    assert answers(pipelined, len(uids)) == [(5, 0)] * len(uids)
    kept = set(archive.data_sets())
    assert all(data_set in kept for data_set in sent.values())


def test_requests_wait_in_line_behind_a_query(archive: Archive, pipelined: RawPeer) -> None:
    uid = objects.uid()
    data_set = objects.data_set(pixels=60000, SOPInstanceUID=uid)
    request(pipelined, CommandField.C_FIND_RQ, 1, question())
    request(pipelined, CommandField.C_ECHO_RQ, 2)
    request(pipelined, CommandField.C_FIND_RQ, 3, question())
    pipelined.message(3, store_request(uid), data_set)
    request(pipelined, CommandField.C_ECHO_RQ, 4)
    assert answers(pipelined, 5) == [(1, 0), (2, 0), (3, 0), (5, 0), (4, 0)]
    assert data_set in archive.data_sets()


def test_a_cancel_behind_requests_that_wait_reaches_its_query(pipelined: RawPeer) -> None:
    request(pipelined, CommandField.C_FIND_RQ, 1, question())
    request(pipelined, CommandField.C_FIND_RQ, 2, question())
    request(pipelined, CommandField.C_ECHO_RQ, 3)
    for number in (2, 1, 9):  # of one that waits, of the one in progress, of none
        cancel = Command(command_field=CommandField.C_CANCEL_RQ, message_id_being_responded_to=number)
        pipelined.message(7, cancel)
    request(pipelined, CommandField.C_ECHO_RQ, 4)
    came = dict(answers(pipelined, 4))
    assert came[3] == came[4] == 0 and came[1] in (0, status.CANCEL) and came[2] in (0, status.CANCEL)


def test_without_the_window_a_request_too_early_ends_the_association(archive: Archive) -> None:
    for number in range(2):
        store(archive.context, objects.part10(0, StudyInstanceUID=f"1.6.{number}", SeriesInstanceUID=f"1.6.{number}.1"))
    with peer_of(archive) as peer:
        accepted = peer.associate(contexts=ALL)
        assert isinstance(accepted, pdu.AssociateAC) and accepted.find(AsynchronousOperationsWindow) is None
        request(peer, CommandField.C_FIND_RQ, 1, question())
        assert answers(peer, 1) == [(1, 0)]
        sent, peer.send = [], lambda *values: sent.extend(values)  # type: ignore[assignment, method-assign]
        request(peer, CommandField.C_FIND_RQ, 2, question())
        request(peer, CommandField.C_FIND_RQ, 3, question())
        peer.socket.sendall(b"".join(value.encode() for value in sent))  # both are there before the first is answered
        answer: object = 0
        while isinstance(answer := peer.receive(), Command):
            pass
        assert isinstance(answer, pdu.Abort)


def test_too_much_behind_a_request_stays_in_the_network(archive: Archive, pipelined: RawPeer) -> None:
    """What waits is bounded: ten objects of 1 MB behind a query are read when it is their turn."""
    request(pipelined, CommandField.C_FIND_RQ, 1, question())
    uids = [objects.uid() for _ in range(5)]
    for uid in uids:
        pipelined.message(3, store_request(uid), objects.data_set(pixels=1 << 20, SOPInstanceUID=uid))
    assert answers(pipelined, 6) == [(1, 0)] + [(5, 0)] * 5


def test_extended_negotiation_is_answered_for_what_was_accepted(archive: Archive) -> None:
    classes = (objects.CT, VERIFICATION, "1.2.840.10008.1.9")
    offered = tuple(ExtendedNegotiation(uid, b"\x02\x00\x03\x00\x00\x00") for uid in classes)
    with peer_of(archive) as peer:
        accepted = peer.associate(more=(*offered, offered[0]))
        assert isinstance(accepted, pdu.AssociateAC)
        assert accepted.find_all(ExtendedNegotiation) == [ExtendedNegotiation(objects.CT, storage.EXTENDED)]
    with peer_of(archive) as peer:
        accepted = peer.associate()
        assert isinstance(accepted, pdu.AssociateAC) and accepted.find(ExtendedNegotiation) is None
