"""The transport connection over TLS (PS3.8 9.1, PS3.15 B.12): the same as `Transport`, with a handshake before the first byte.

The handshake of the acceptor is made by the first `recv_into`, within its time limit: so it is the association's thread that
waits for a slow peer, and ARTIM that ends it. The socket does not block, since one byte may take several records, and `wake` must
leave both directions whole: what TLS reads as a cut stream it answers with an alert, and A-ABORT could not be sent any more.
"""

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

from isocenter.dimse.upper_layer import transport
from isocenter.dimse.upper_layer.transport import TimedOut, Transport, TransportClosed, connection_to

T = TypeVar("T")


class SecureTransport(Transport):
    """A connected socket that speaks TLS. host: the name of the peer we call; None for one who has called us."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext, host: str | None = None) -> None:
        super().__init__(connection)
        connection.setblocking(False)
        self._tls = tls.wrap_socket(
            connection, server_side=host is None, server_hostname=host, do_handshake_on_connect=False
        )  # fmt: skip
        self._socket = self._tls
        self._ready = False
        self._ahead = b""  # what `readable` had to read to know
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)  # rung by `wake`
        self._woken = False
        self._closing = threading.Lock()

    @property
    def secured(self) -> str:
        cipher = self._tls.cipher() if self._ready else None
        return f"{cipher[1]} {cipher[0]}" if cipher else ""

    def handshake(self, timeout: float) -> None:
        """Agree on keys. Raises TimedOut, TransportClosed."""
        self._done(self._tls.do_handshake, timeout, "no TLS handshake")
        self._ready = True

    def recv_into(self, view: memoryview, timeout: float) -> int:
        if timeout <= 0:
            raise TimedOut("no time left")
        if not self._ready:
            began = time.monotonic()
            self.handshake(timeout)
            timeout -= time.monotonic() - began
        if self._ahead:
            view[:1], self._ahead = self._ahead, b""
            return 1
        if self._woken:
            return 0
        try:
            return self._done(lambda: self._tls.recv_into(view), timeout, "nothing received")
        except _Woken:
            return 0

    def readable(self, seconds: float = 0.0) -> bool:
        if self._ahead or self._woken:
            return True
        if not self._ready:
            return False
        try:
            # What has arrived may be no data but a message of TLS itself, a session ticket for one.
            self._ahead = self._done(lambda: self._tls.recv(1), seconds, "nothing received")
        except TimedOut:
            return False
        except TransportClosed:  # `recv_into` will say why
            return True
        return True

    def send(self, buffers: Iterable[bytes | memoryview]) -> None:
        left = memoryview(b"".join(buffers))
        try:
            while left:
                sent = self._done(partial(self._tls.send, left), transport.SEND_TIMEOUT, "nothing taken", wakes=False)
                left = left[sent:]
            self._quick_ack()
        except (TimedOut, OSError) as error:
            self.sever()
            raise TransportClosed(str(error)) from None
        except TransportClosed:
            self.sever()
            raise

    def wake(self) -> None:
        self._woken = True
        with self._closing:
            if self._bell >= 0:
                os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        if self._bell < 0:
            return
        if self._ready:
            # close_notify (RFC 8446 6.1); the peer's own is not waited for
            with contextlib.suppress(OSError, ValueError):
                self._tls.unwrap()
        with self._closing:  # a closed descriptor may be somebody's file the moment after
            os.close(self._bell)
            self._bell = -1
        super().close()

    def _done(self, step: Callable[[], T], timeout: float, failing: str, *, wakes: bool = True) -> T:
        """What a step returns that may have to wait. Raises TimedOut, TransportClosed and, with wakes, _Woken."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                events = select.POLLIN
            except ssl.SSLWantWriteError:
                events = select.POLLOUT
            except (OSError, ValueError) as error:
                raise TransportClosed(_reason(error)) from None
            left = deadline - time.monotonic()
            poll = select.poll()
            poll.register(self._tls, events)
            if wakes:
                poll.register(self._bell, select.POLLIN)
            if left <= 0 or not (found := poll.poll(left * 1000)):
                raise TimedOut(f"{failing} for {timeout:.1f} s")
            if any(descriptor == self._bell for descriptor, _ in found):
                raise _Woken("woken")


class _Woken(TransportClosed):
    """Another thread has called `wake`."""


def connected(address: tuple[str, int], timeout: float, tls: ssl.SSLContext | None) -> Transport:
    """A transport connection to (host, port), ready for the first PDU. Raises TransportClosed."""
    if tls is None:
        return Transport.connect(address, timeout)
    made = SecureTransport(connection_to(address, timeout), tls, address[0])
    try:
        made.handshake(timeout)
    except (TransportClosed, TimedOut) as error:
        made.close()
        raise TransportClosed(str(error) if str(error).startswith("TLS") else f"TLS: {error}") from None
    return made


def _reason(error: Exception) -> str:
    """What went wrong, in words for the log and for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the certificate cannot be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    return getattr(error, "strerror", None) or str(error)
