"""The transport connection: one blocking TCP socket with time limits (PS3.8 9.1).

Time-outs are the socket's own (SO_RCVTIMEO), which saves the poll() that Python's settimeout() makes before every recv.
"""

import contextlib
import select
import socket
import struct
from collections.abc import Iterable

# A peer that takes nothing off us for this long has gone (seconds).
SEND_TIMEOUT = 60.0

_TIMEVAL = struct.Struct("@ll")


class TransportClosed(Exception):
    """The peer is gone (Evt17)."""


class TimedOut(Exception):
    """Nothing came in time; the caller knows which timer that was."""


class Transport:
    """A connected socket, used by one thread; `wake` and `sever` may be called from another."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._timeout = 0.0  # what SO_RCVTIMEO is set to
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval(SEND_TIMEOUT))
        # A peer whose host has vanished without a word is noticed even when the idle time-out is long.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    @classmethod
    def connect(cls, address: tuple[str, int], timeout: float) -> "Transport":
        """A connection to (host, port); raises TransportClosed."""
        return cls(connection_to(address, timeout))

    @property
    def connection(self) -> socket.socket:
        """The socket, for what comes before the first byte of the peer."""
        return self._socket

    @property
    def secured(self) -> str:
        """Version and cipher suite of TLS; "" without TLS."""
        return ""

    def recv_into(self, view: memoryview, timeout: float) -> int:
        """What has arrived, at least one byte, or 0 at the end; raises TimedOut after `timeout` seconds, TransportClosed."""
        if timeout <= 0:
            raise TimedOut("no time left")
        try:
            if timeout != self._timeout:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval(timeout))
                self._timeout = timeout
            return self._socket.recv_into(view)
        except BlockingIOError:
            raise TimedOut(f"nothing received for {timeout:.1f} s") from None
        except OSError as error:
            raise TransportClosed(error.strerror or str(error)) from None

    def readable(self, seconds: float = 0.0) -> bool:
        """Whether something has arrived, or the end; waits for it so long."""
        poll = select.poll()  # not select(): it knows no descriptor above 1023
        try:
            poll.register(self._socket, select.POLLIN)
        except (OSError, ValueError):  # closed already
            return True
        return bool(poll.poll(seconds * 1000))

    def send(self, buffers: Iterable[bytes | memoryview]) -> None:
        """Send all of it. Raises TransportClosed, and the connection is of no more use then."""
        pending = [memoryview(buffer) for buffer in buffers]
        try:
            while pending:
                sent = self._socket.sendmsg(pending)
                while pending and sent >= len(pending[0]):
                    sent -= len(pending.pop(0))
                if pending:
                    pending[0] = pending[0][sent:]
            self._quick_ack()
        except OSError as error:
            self.sever()
            raise TransportClosed(error.strerror or str(error)) from None

    def _quick_ack(self) -> None:
        # What follows an answer is a small command set; a sender with Nagle's algorithm on waits for its ACK before it
        # sends the data set, and a delayed one costs it 40 ms an instance.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def wake(self) -> None:
        """Let a `recv_into` in progress see the end of the stream."""
        with contextlib.suppress(OSError):  # closed already
            socket.socket.shutdown(self._socket, socket.SHUT_RD)  # not SSLSocket's, which would go on in clear text

    def sever(self) -> None:
        """Cut the connection; the descriptor stays until `close`."""
        with contextlib.suppress(OSError):  # closed already
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()


def connection_to(address: tuple[str, int], timeout: float) -> socket.socket:
    """A connected socket; raises TransportClosed."""
    try:
        return socket.create_connection(address, timeout=timeout)
    except OSError as error:
        raise TransportClosed(error.strerror or str(error)) from None


def timeval(seconds: float) -> bytes:
    """The value of SO_RCVTIMEO or SO_SNDTIMEO."""
    # A zero timeval would mean "for ever".
    microseconds = max(1000, int(seconds * 1_000_000))
    return _TIMEVAL.pack(*divmod(microseconds, 1_000_000))
