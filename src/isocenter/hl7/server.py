"""The MLLP listener: a thread a connection. Messages of a connection are done one after the other, each answered first.

Sockets are bound by the supervisor, so that a connection that comes while the process is started again waits for it. No state is
kept here: any number of processes, on any number of machines, may listen.
"""

import contextlib
import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable

from isocenter.domain import addresses
from isocenter.hl7.handling import Desk
from isocenter.hl7.mllp import Reader, TooLong, framed
from isocenter.service.context import Context

log = logging.getLogger(__name__)

ACCEPT_SECONDS = 0.25  # how long accept() sleeps before it looks whether it is to stop
READ_SECONDS = 0.5  # likewise, a connection
WITHIN_SECONDS = 60.0  # a message that has begun must go on within this
MOST_CONNECTIONS = 200
BACKLOG = 64
PIECE = 1 << 16

Secure = Callable[[], ssl.SSLContext]


class Server:
    """Listens on bound sockets until `stop`. secure: the one for TLS, certificates: what its connections begin with."""

    def __init__(
        self, context: Context, listener: socket.socket | None, secure: socket.socket | None = None,
        certificates: Secure | None = None,
    ) -> None:
        self._desk = Desk.of(context)
        self._allowed = tuple(ipaddress.ip_network(network, strict=False) for network in context.settings.hl7_senders)
        self._listeners = [(each, how) for each, how in ((listener, None), (secure, certificates)) if each is not None]
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._open: set[threading.Thread] = set()

    @property
    def port(self) -> int:
        """The port of the first socket."""
        return int(self._listeners[0][0].getsockname()[1])

    def start(self) -> None:
        """Listen, and accept in threads."""
        for listener, certificates in self._listeners:
            listener.settimeout(ACCEPT_SECONDS)
            listener.listen(BACKLOG)
            thread = threading.Thread(target=self._accept, args=(listener, certificates), name="hl7-listener", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, grace_seconds: float) -> None:
        """Accept nothing more; a message that is being done is answered first, for as long as the grace time allows."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        deadline = time.monotonic() + grace_seconds
        for thread in list(self._open):
            thread.join(max(0.0, deadline - time.monotonic()))
        for listener, _ in self._listeners:
            listener.close()

    def _accept(self, listener: socket.socket, certificates: Secure | None) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                if self._stopping.wait(0.1):
                    return
                continue
            with self._lock:
                is_full = len(self._open) >= MOST_CONNECTIONS
            if is_full or not self.is_allowed(str(address[0])):
                reason = "too many connections" if is_full else "the address is not in hl7_senders"
                log.warning("an HL7 connection is refused", extra={"facts": {"address": address[0], "reason": reason}})
                connection.close()
                continue
            arguments = (connection, str(address[0]), certificates)
            thread = threading.Thread(target=self._serve, args=arguments, name="hl7-connection", daemon=True)
            with self._lock:
                self._open.add(thread)
            thread.start()

    def is_allowed(self, address: str) -> bool:
        """This machine, and who is in hl7_senders."""
        if addresses.is_loopback(address):
            return True
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._allowed)

    def _serve(self, connection: socket.socket, address: str, certificates: Secure | None) -> None:
        try:
            connection.settimeout(WITHIN_SECONDS)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if certificates is not None:
                connection = certificates().wrap_socket(connection, server_side=True)
            self._converse(connection, address)
        except (OSError, TooLong) as error:
            log.info("an HL7 connection ended", extra={"facts": {"address": address, "reason": type(error).__name__}})
        except Exception:  # one connection's misfortune
            log.exception("an HL7 connection broke")
        finally:
            with contextlib.suppress(OSError):
                connection.close()
            with self._lock:
                self._open.discard(threading.current_thread())

    def _converse(self, connection: socket.socket, address: str) -> None:
        reader, heard = Reader(), time.monotonic()
        while not self._stopping.is_set():
            connection.settimeout(READ_SECONDS)
            try:
                data = connection.recv(PIECE)
            except TimeoutError:
                if reader.is_within and time.monotonic() - heard > WITHIN_SECONDS:
                    raise
                continue
            if not data:
                return
            heard = time.monotonic()
            for message in reader.feed(data):
                answer = framed(self._desk.receive(message, address))
                connection.settimeout(WITHIN_SECONDS)
                connection.sendall(answer)


def serve(
    context: Context, stop: threading.Event, listener: socket.socket | None, secure: socket.socket | None,
    certificates: Secure | None,
) -> None:
    """Until stop is set and what has begun is answered."""
    server = Server(context, listener, secure, certificates)
    server.start()
    stop.wait()
    server.stop(context.settings.grace_seconds)
