"""Associations over real sockets: timers, release, abort and everything a peer can get wrong, on both sides."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from dimse.conftest import IMPLICIT, VERIFICATION, Archive, RawPeer, Start, eventually, peer_of
from isocenter.dimse.messages import Command, CommandField
from isocenter.dimse.services import choose
from isocenter.dimse.upper_layer import negotiation, pdu
from isocenter.dimse.upper_layer.association import Association, Ended, Limits
from isocenter.dimse.upper_layer.items import AbortReason, PresentationContextRQ


def test_release(peer: RawPeer) -> None:
    peer.send(pdu.ReleaseRQ())
    assert peer.receive() == pdu.ReleaseRP()


def test_after_a_release_the_connection_is_closed_when_artim_expires(start: Start) -> None:
    archive = start(artim_timeout=0.3)
    with peer_of(archive) as peer:
        peer.associate()
        peer.send(pdu.ReleaseRQ())
        assert peer.receive() == pdu.ReleaseRP()
        began = time.monotonic()
        assert peer.receive() is None
        assert time.monotonic() - began > 0.1


def test_a_connection_without_a_request_is_closed_when_artim_expires(start: Start) -> None:
    with peer_of(start(artim_timeout=0.3)) as peer:
        began = time.monotonic()
        assert peer.receive() is None, "AA-2 sends nothing"
        assert time.monotonic() - began > 0.1


def test_a_request_that_trickles_is_closed_when_artim_expires(start: Start) -> None:
    with peer_of(start(artim_timeout=0.5)) as peer:
        request = pdu.AssociateRQ((), "ISOCENTER", "SLOW", (PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)),)).encode()
        began = time.monotonic()
        with pytest.raises(OSError):
            for each in request:
                peer.send(bytes((each,)))
                time.sleep(0.02)
        assert time.monotonic() - began < 60, "the whole request would take as long as it likes"


def test_an_idle_association_is_aborted(start: Start) -> None:
    with peer_of(start(dicom_idle_timeout=0.3)) as peer:
        peer.associate()
        assert peer.echo() == 0
        assert peer.receive() == pdu.Abort(0)


def test_a_sender_that_stops_in_the_middle_of_a_pdu_is_aborted(start: Start) -> None:
    with peer_of(start(dicom_idle_timeout=0.3)) as peer:
        peer.associate()
        peer.send(bytes.fromhex("04 00 00001000 00000ffc 01 03 00"))
        assert peer.receive() == pdu.Abort(0)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (bytes.fromhex("08 00 00000004 00000000"), AbortReason.UNRECOGNIZED_PDU),
        (bytes.fromhex("04 00 00000000"), AbortReason.INVALID_PDU_PARAMETER_VALUE),
        (bytes.fromhex("04 00 ffffffff 00"), AbortReason.INVALID_PDU_PARAMETER_VALUE),
        (bytes.fromhex("04 00 00000006 00000001 01 03"), AbortReason.INVALID_PDU_PARAMETER_VALUE),
        (bytes.fromhex("04 00 00000008 00000099 01 03 0000"), AbortReason.INVALID_PDU_PARAMETER_VALUE),
        (bytes.fromhex("05 00 00000000"), AbortReason.INVALID_PDU_PARAMETER_VALUE),
        (pdu.ReleaseRP().encode(), AbortReason.UNEXPECTED_PDU),
        (pdu.AssociateRJ(1, 1, 1).encode(), AbortReason.UNEXPECTED_PDU),
        (pdu.AssociateRQ((), "A", "B", ()).encode(), AbortReason.UNEXPECTED_PDU),
    ],
    ids=[
        "unknown type",
        "empty P-DATA",
        "absurd length",
        "PDV too short",
        "PDV too long",
        "short release",
        "release response",
        "rejection",
        "second request",
    ],
)
def test_what_an_association_does_not_survive(peer: RawPeer, sent: bytes, reason: AbortReason) -> None:
    peer.send(sent)
    assert peer.receive() == pdu.Abort(2, reason)


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", pdu.ReleaseRQ().encode(), bytes(200)],
    ids=["HTTP", "TLS", "release first", "zeros"],
)
def test_something_else_than_a_request_is_aborted(archive: Archive, sent: bytes) -> None:
    with peer_of(archive) as peer:
        peer.send(sent)
        assert peer.receive() == pdu.Abort(0)
    eventually(lambda: not archive.server.connections)


def test_garbage_without_end_is_cut_off(archive: Archive) -> None:
    with peer_of(archive) as peer, pytest.raises(OSError):
        while True:
            peer.send(bytes(65536))


def test_an_abort_of_the_peer_ends_the_association(archive: Archive) -> None:
    with peer_of(archive) as peer:
        peer.associate()
        eventually(lambda: archive.server.associations == 1)
        peer.send(pdu.Abort(0))
        eventually(lambda: not archive.server.connections)
        assert peer.receive() is None


def test_several_pdus_at_once_and_byte_by_byte(peer: RawPeer) -> None:
    for cut in (1, 100000):
        echoes = [
            pdu.PDataTF((pdu.PresentationDataValue(1, 3, bytes.fromhex("0000 0001 02000000 3000 0000 1001 02000000 0900")),))
        ] * 3
        data = b"".join(each.encode() for each in echoes)
        for position in range(0, len(data), cut):
            peer.send(data[position : position + cut])
        assert [peer.receive().message_id_being_responded_to for _ in echoes] == [9, 9, 9]  # type: ignore[union-attr]


@pytest.mark.parametrize("maximum_length", [64, 65, 1000, 0])
def test_our_pdus_respect_the_peers_maximum_length(archive: Archive, maximum_length: int) -> None:
    with peer_of(archive) as peer:
        peer.associate(maximum_length=maximum_length)
        assert peer.echo() == 0
        sizes = []
        peer.message(1, Command(command_field=CommandField.C_ECHO_RQ, message_id=1, affected_sop_class_uid=VERIFICATION))
        data = b""
        while True:
            header = peer.socket.recv(6, socket.MSG_WAITALL)
            body = peer.socket.recv(int.from_bytes(header[2:], "big"), socket.MSG_WAITALL)
            sizes.append(len(body))
            data += body[6:]
            if body[5] & pdu.LAST:
                break
        assert len(data) > 64
        assert all(size <= maximum_length for size in sizes) or not maximum_length
        assert (len(sizes) > 1) == (maximum_length in (64, 65))


# Both sides are ours: a requestor against an acceptor in another thread.

REQUEST = pdu.AssociateRQ((), "ACCEPTOR", "REQUESTOR", (PresentationContextRQ(1, VERIFICATION, (IMPLICIT,)),))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening


def connect(listener: socket.socket, limits: Limits) -> tuple[Association, Association]:
    """An established association: (requestor, acceptor)."""
    requestor = Association(limits, requestor=True)
    thread = threading.Thread(target=requestor.associate, args=(*listener.getsockname(), REQUEST))
    thread.start()
    connection, _ = listener.accept()
    connection.settimeout(None)
    acceptor = Association.accepted(connection, limits)
    acceptor.accept(acceptor.request(), choose)
    thread.join()
    return requestor, acceptor


def how_it_ends(association: Association) -> str:
    with pytest.raises(Ended) as caught:
        while True:
            association.receive()
    return caught.value.how


def test_release_asked_for_by_either_side(listener: socket.socket) -> None:
    for swap in (False, True):
        sides = connect(listener, Limits())
        asking, answering = reversed(sides) if swap else sides
        thread = threading.Thread(target=asking.release)
        thread.start()
        assert how_it_ends(answering) == "released"
        thread.join(5)
        assert not thread.is_alive()
        assert not asking.established


def read_pdu(connection: socket.socket) -> pdu.PDU | None:
    header = connection.recv(6, socket.MSG_WAITALL)
    return pdu.decode(header + connection.recv(int.from_bytes(header[2:], "big"), socket.MSG_WAITALL)) if header else None


def test_release_collision_as_requestor(listener: socket.socket) -> None:
    """AR-1, AR-8 (Sta9), AR-9 (Sta11), AR-3."""
    requestor = Association(Limits(artim_timeout=5), requestor=True)
    thread = threading.Thread(target=lambda: (requestor.associate(*listener.getsockname(), REQUEST), requestor.release()))
    thread.start()
    connection, _ = listener.accept()
    with connection:
        request = read_pdu(connection)
        assert isinstance(request, pdu.AssociateRQ)
        connection.sendall(negotiation.accept(request, choose, maximum_length=0).encode())
        assert read_pdu(connection) == pdu.ReleaseRQ()
        connection.sendall(pdu.ReleaseRQ().encode())
        assert read_pdu(connection) == pdu.ReleaseRP()
        connection.sendall(pdu.ReleaseRP().encode())
        assert read_pdu(connection) is None
    thread.join(5)
    assert not thread.is_alive()


def test_release_collision_as_acceptor(listener: socket.socket) -> None:
    """AR-1, AR-8 (Sta10), AR-10 (Sta12), AR-4."""
    with socket.create_connection(listener.getsockname(), timeout=5) as connection:
        connection.sendall(REQUEST.encode())
        acceptor = Association.accepted(listener.accept()[0], Limits(artim_timeout=5))
        acceptor.accept(acceptor.request(), choose)
        assert isinstance(read_pdu(connection), pdu.AssociateAC)
        thread = threading.Thread(target=acceptor.release)
        thread.start()
        assert read_pdu(connection) == pdu.ReleaseRQ()
        connection.sendall(pdu.ReleaseRQ().encode() + pdu.ReleaseRP().encode())
        assert read_pdu(connection) == pdu.ReleaseRP()
    thread.join(5)
    assert not thread.is_alive()


def test_abort_by_the_user_and_by_the_provider(listener: socket.socket) -> None:
    for reason in (None, AbortReason.UNEXPECTED_PDU_PARAMETER):
        requestor, acceptor = connect(listener, Limits())
        thread = threading.Thread(target=acceptor.abort, args=(reason,))
        thread.start()
        assert how_it_ends(requestor) == "aborted"
        requestor.close()
        thread.join(5)
        assert not thread.is_alive()


def test_stop_from_another_thread(listener: socket.socket) -> None:
    requestor, acceptor = connect(listener, Limits())
    threading.Timer(0.1, acceptor.stop).start()
    assert how_it_ends(acceptor) == "stopped"
    assert how_it_ends(requestor) in ("aborted", "lost")


def test_nobody_listens(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    listener.close()
    with pytest.raises(Ended) as caught:
        Association(Limits(), requestor=True).associate(host, port, REQUEST)
    assert caught.value.how == "unreachable"


def test_nobody_answers(listener: socket.socket) -> None:
    with pytest.raises(Ended) as caught:
        Association(Limits(artim_timeout=0.3), requestor=True).associate(*listener.getsockname(), REQUEST)
    assert caught.value.how == "timeout"


def test_an_answer_that_is_no_answer(listener: socket.socket) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(b"220 mail.example.org ESMTP\r\n")
        connection.recv(1000)
        connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(Ended) as caught:
        Association(Limits(artim_timeout=2), requestor=True).associate(*listener.getsockname(), REQUEST)
    assert caught.value.how == "provider_aborted"
    thread.join()
