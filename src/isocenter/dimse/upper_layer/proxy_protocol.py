"""Who is behind a load balancer: the PROXY protocol of HAProxy, versions 1 (a line) and 2 (binary).

The balancer writes it before the first byte of its client, also before TLS. Believed only from addresses that the settings name.
"""

import ipaddress
import select
import socket
import struct
import time

from isocenter.dimse.upper_layer.transport import TimedOut, TransportClosed

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"  # of version 2
_LONGEST_LINE = 107  # of version 1, with its CR LF
_LONGEST = 2048  # addresses and options of version 2; balancers send some 50 bytes
_LOCAL, _PROXY = 0x20, 0x21  # version 2: the balancer itself (a health check), a client of it
_FAMILIES = {1: (socket.AF_INET, 4, 12), 2: (socket.AF_INET6, 16, 36)}  # of an address: its bytes, those of both and the ports


class NotAnnounced(TransportClosed):
    """A load balancer that was to say who its client is did not."""


def source(connection: socket.socket, seconds: float) -> str:
    """The client's address, "" when the balancer speaks for itself. Reads what is announced and not a byte more.

    Raises NotAnnounced, TransportClosed, and TimedOut after `seconds`.
    """
    deadline = time.monotonic() + seconds
    begin = _exactly(connection, len(_SIGNATURE), deadline)
    if begin == _SIGNATURE:
        return _version_2(connection, deadline)
    if begin.startswith(b"PROXY "):
        return _version_1(connection, begin, deadline)
    raise NotAnnounced("the load balancer does not send the PROXY protocol")


def _version_1(connection: socket.socket, line: bytes, deadline: float) -> str:
    while not line.endswith(b"\r\n"):
        if len(line) >= _LONGEST_LINE:
            raise NotAnnounced("the PROXY line is too long")
        line += _exactly(connection, 1, deadline)
    words = line.decode("latin-1").split()
    if len(words) >= 2 and words[1] == "UNKNOWN":
        return ""
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise NotAnnounced("the PROXY line is malformed")
    try:
        return str(ipaddress.ip_address(words[2]))
    except ValueError:
        raise NotAnnounced("the PROXY line names no address") from None


def _version_2(connection: socket.socket, deadline: float) -> str:
    command, family, length = struct.unpack("!BBH", _exactly(connection, 4, deadline))
    if length > _LONGEST:
        raise NotAnnounced("the PROXY header is too long")
    rest = _exactly(connection, length, deadline)
    if command == _LOCAL:
        return ""
    kind, size, least = _FAMILIES.get(family >> 4, (0, 0, 0))
    if command != _PROXY or len(rest) < least:
        raise NotAnnounced("the PROXY header is malformed")
    return socket.inet_ntop(kind, rest[:size]) if size else ""


def _exactly(connection: socket.socket, length: int, deadline: float) -> bytes:
    """So many bytes, past TLS if the socket speaks it and whether or not it blocks."""
    got = b""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    while len(got) < length:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimedOut("the load balancer announces nobody")
        try:
            piece = socket.socket.recv(connection, length - len(got), socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        except OSError as error:
            raise TransportClosed(error.strerror or str(error)) from None
        if not piece:
            raise TransportClosed("closed by the load balancer")
        got += piece
    return got
