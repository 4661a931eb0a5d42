"""Peers that behave badly, on purpose or because they died half way, cost themselves and nobody else."""

import logging
import random
import socket
import threading
from collections.abc import Callable

import pytest

import objects
from dimse.conftest import CONTEXTS, IMPLICIT, Archive, RawPeer, Start, eventually, peer_of, store_request
from dimse.test_finding import asked, store
from isocenter.dicom import datasets
from isocenter.dimse import finding, messages
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.upper_layer import pdu, transport
from isocenter.dimse.upper_layer.items import AsynchronousOperationsWindow, MaximumLength, PresentationContextRQ

ALL = {**CONTEXTS, 7: (finding.STUDY_ROOT, (IMPLICIT,))}
REQUEST = pdu.AssociateRQ(
    (MaximumLength(16384),), "ISOCENTER", "ABUSER", tuple(PresentationContextRQ(number, *each) for number, each in ALL.items())
).encode()
BUSY, IMAGES = 8, 6


def busy(archive: Archive) -> None:
    """Eight peers store at once and are all answered; who comes then is served as well."""
    answered: list[int | None] = []

    def send(number: int) -> None:
        with peer_of(archive) as peer:
            assert isinstance(peer.associate(calling=f"BUSY-{number}"), pdu.AssociateAC)
            for _ in range(IMAGES):
                uid = objects.uid()
                answered.append(peer.store(objects.data_set(pixels=8192, SOPInstanceUID=uid), uid).status)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(BUSY)]
    for thread in threads:
        thread.start()
    with peer_of(archive) as later:
        assert isinstance(later.associate(calling="LATER"), pdu.AssociateAC) and later.echo() == 0
    for thread in threads:
        thread.join(60)
    assert answered == [0] * BUSY * IMAGES


def silent(peer: RawPeer) -> None:
    """A connection, and no word."""


def half_a_request(peer: RawPeer) -> None:
    peer.send(REQUEST[:40])


def half_a_header(peer: RawPeer) -> None:
    peer.send(REQUEST)
    assert isinstance(peer.receive(), pdu.AssociateAC)
    peer.send(b"\x04\x00\x00")


def half_a_command(peer: RawPeer) -> None:
    peer.send(REQUEST)
    assert isinstance(peer.receive(), pdu.AssociateAC)
    peer.fragments(3, pdu.COMMAND, store_request("1.2.3").encode()[:20], last=False)


def half_a_data_set(peer: RawPeer) -> None:
    peer.send(REQUEST)
    assert isinstance(peer.receive(), pdu.AssociateAC)
    peer.fragments(3, pdu.COMMAND, store_request("1.2.3").encode())
    peer.fragments(3, 0, bytes(5000), last=False)


def closed_on_one_side(peer: RawPeer) -> None:
    """It will never say anything more, but does not close either."""
    peer.send(REQUEST)
    assert isinstance(peer.receive(), pdu.AssociateAC)
    peer.socket.shutdown(socket.SHUT_WR)


LONG = ("StudyDescription", "PatientName", "PatientID", "ReferringPhysicianName")  # so that few answers are many bytes


def deaf(peer: RawPeer) -> None:
    """It asks for more answers than the network holds, and reads none."""
    assert isinstance(peer.associate(contexts=ALL, more=(AsynchronousOperationsWindow(0, 1),)), pdu.AssociateAC)
    question = datasets.encode(asked("STUDY", **dict.fromkeys(LONG, "")), IMPLICIT)
    for message_id in range(1, 600):  # far more than both sockets' buffers take
        command = Command(command_field=CommandField.C_FIND_RQ, message_id=message_id, priority=0,
                          affected_sop_class_uid=finding.STUDY_ROOT, command_data_set_type=messages.DATA_SET)  # fmt: skip
        try:
            peer.message(7, command, question)
        except OSError:  # the archive has given up on us
            return


KINDS: tuple[Callable[[RawPeer], None], ...] = (
    silent, half_a_request, half_a_header, half_a_command, half_a_data_set, closed_on_one_side,
)  # fmt: skip


def test_slow_and_half_open_peers_of_every_kind_cost_nobody_their_service(start: Start) -> None:
    """Sixty of them at once; each is gone when its own time is up, and leaves nothing behind."""
    archive = start(artim_timeout=2.0, dicom_idle_timeout=2.0)
    peers = [RawPeer(archive.port) for _ in range(60)]
    try:
        for number, peer in enumerate(peers):
            KINDS[number % len(KINDS)](peer)
        busy(archive)
        eventually(lambda: archive.server.connections == 0, seconds=60)
    finally:
        for peer in peers:
            peer.close()
    assert len(archive.files()) == BUSY * IMAGES and not archive.files("incoming")


def test_a_peer_that_takes_no_answers_is_cut_off(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(transport, "SEND_TIMEOUT", 1.0)
    archive = start(artim_timeout=2.0, dicom_idle_timeout=20.0)
    for number in range(200):
        facts = {"StudyInstanceUID": f"1.8.{number}", "SeriesInstanceUID": f"1.8.{number}.1"}
        store(archive.context, objects.part10(0, **facts, **dict.fromkeys(LONG, "x" * 60)))
    peers = [RawPeer(archive.port) for _ in range(2)]
    try:
        for peer in peers:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            threading.Thread(target=deaf, args=(peer,), daemon=True).start()
        with peer_of(archive) as other:
            assert isinstance(other.associate(), pdu.AssociateAC) and other.echo() == 0
        eventually(lambda: archive.server.connections == 0, seconds=60)
        ends = [record.facts["how"] for record in caplog.records if "association ended" in record.message]  # type: ignore[attr-defined]
        assert ends == ["lost"] * 3
    finally:
        for peer in peers:
            peer.close()


def spoilt(source: random.Random, message: bytes) -> bytes:
    """A message with some bytes changed, cut out, or put in."""
    data = bytearray(message)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(data))
        kind = source.randrange(4)
        if kind == 0:
            data[place] = source.randrange(256)
        elif kind == 1:
            del data[place : place + source.randint(1, 8)]
        elif kind == 2:
            data[place:place] = source.randbytes(source.randint(1, 8))
        else:
            data[place : place + 4] = b"\xff\xff\xff\xff"
        data = data or bytearray(b"\0")
    return bytes(data)


def conversation(uid: str) -> list[bytes]:
    """The PDUs of an association that stores, asks and is released."""
    sent: list[bytes] = []
    recorder = RawPeer.__new__(RawPeer)
    recorder.send = lambda *values: sent.extend(value.encode() for value in values)  # type: ignore[assignment, method-assign, union-attr]
    recorder.message(3, store_request(uid), objects.data_set(SOPInstanceUID=uid))
    find = Command(command_field=CommandField.C_FIND_RQ, message_id=7, priority=0, affected_sop_class_uid=finding.STUDY_ROOT,
                   command_data_set_type=messages.DATA_SET)  # fmt: skip
    recorder.message(7, find, datasets.encode(asked("STUDY", PatientName="*"), IMPLICIT))
    return [REQUEST, *sent, pdu.ReleaseRQ().encode()]


def test_fuzzed_conversations_end_and_the_archive_goes_on(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Whole conversations in which one PDU is spoilt, from a fixed seed: each ends, and no thread fails of it."""
    archive = start(artim_timeout=2.0, dicom_idle_timeout=2.0)
    source = random.Random(20261122)
    for _ in range(150):
        parts = conversation(objects.uid())
        place = source.randrange(len(parts))
        parts[place] = spoilt(source, parts[place])
        peer = RawPeer(archive.port)
        try:
            peer.socket.sendall(b"".join(parts))
            peer.socket.shutdown(socket.SHUT_WR)
            while peer.socket.recv(65536):
                pass  # answers, an abort, the end
        except ConnectionError:
            pass  # it had ended before all was sent
        finally:
            peer.close()
    eventually(lambda: archive.server.connections == 0, seconds=30)
    assert "association failed" not in caplog.text and "a DIMSE request failed" not in caplog.text
    with peer_of(archive) as peer:
        assert isinstance(peer.associate(), pdu.AssociateAC) and peer.echo() == 0
