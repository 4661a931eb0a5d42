"""The transport connection: time limits in both directions, and a close seen from another thread."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from isocenter.dimse.upper_layer import transport
from isocenter.dimse.upper_layer.transport import TimedOut, Transport, TransportClosed


@pytest.fixture
def pair() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport connection and the socket at its other end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = Transport.connect(listener.getsockname(), 5)
        theirs, _ = listener.accept()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_bytes_in_and_out(pair: tuple[Transport, socket.socket]) -> None:
    ours, theirs = pair
    buffer = memoryview(bytearray(10))
    theirs.sendall(b"abc")
    assert ours.recv_into(buffer, 5) == 3
    assert buffer[:3] == b"abc"
    ours.send((b"12", memoryview(b"345"), b""))
    assert theirs.recv(5, socket.MSG_WAITALL) == b"12345"
    theirs.close()
    assert ours.recv_into(buffer, 5) == 0


def test_no_delay_on_either_side(pair: tuple[Transport, socket.socket]) -> None:
    ours, theirs = pair
    assert ours._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert Transport(theirs)._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_nothing_comes(pair: tuple[Transport, socket.socket]) -> None:
    buffer = memoryview(bytearray(10))
    for timeout in (0.1, 0.0, -1.0):
        with pytest.raises(TimedOut):
            pair[0].recv_into(buffer, timeout)


def test_a_peer_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "SEND_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = Transport.connect(listener.getsockname(), 5)
        theirs, _ = listener.accept()
        with theirs, pytest.raises(TransportClosed):
            for _ in range(100):
                ours.send((bytes(1 << 20),))
        ours.close()


@pytest.mark.parametrize("end", ["wake", "sever"])
def test_another_thread_ends_the_wait(pair: tuple[Transport, socket.socket], end: str) -> None:
    ours, _ = pair
    threading.Timer(0.1, getattr(ours, end)).start()
    assert ours.recv_into(memoryview(bytearray(1)), 10) == 0


def test_wake_and_sever_after_close_do_nothing(pair: tuple[Transport, socket.socket]) -> None:
    ours, _ = pair
    ours.close()
    ours.wake()
    ours.sever()


def test_a_large_message_to_a_slow_reader_arrives_whole(pair: tuple[Transport, socket.socket]) -> None:
    ours, theirs = pair
    sent = bytes(range(256)) * 40000
    received = bytearray()

    def read() -> None:
        while len(received) < len(sent):
            received.extend(theirs.recv(200000))
            time.sleep(0.001)

    thread = threading.Thread(target=read)
    thread.start()
    ours.send((sent[:100], memoryview(sent)[100:]))
    thread.join(20)
    assert received == sent


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(TransportClosed):
        Transport.connect(address, 2)
