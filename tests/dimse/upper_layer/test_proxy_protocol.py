"""The PROXY protocol: what balancers announce is read to the byte, and nothing else is believed."""

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dimse.upper_layer.proxy_protocol import NotAnnounced, source
from isocenter.dimse.upper_layer.transport import TimedOut, TransportClosed

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
FOLLOWS = b"\x01\x00the A-ASSOCIATE-RQ"


def version_2(address: str, command: int = 0x21, options: bytes = b"") -> bytes:
    packed = ipaddress.ip_address(address).packed
    body = packed + bytes(len(packed)) + struct.pack("!HH", 40000, 104) + options
    return SIGNATURE + struct.pack("!BBH", command, 0x11 if len(packed) == 4 else 0x21, len(body)) + body


def announced(sent: bytes, *, more: bool = False, seconds: float = 20.0) -> tuple[str, bytes]:
    """What is read of these bytes, and what is left for the association. more: the balancer stays connected."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(sent)
        if not more:
            there.shutdown(socket.SHUT_WR)
        found = source(here, seconds)
        here.setblocking(False)
        try:
            return found, here.recv(4096)
        except BlockingIOError:
            return found, b""


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (version_2("10.1.2.3"), "10.1.2.3"),
        (version_2("2001:db8::7"), "2001:db8::7"),
        (version_2("10.1.2.3", options=b"\x03\x00\x04abcd"), "10.1.2.3"),
        (version_2("10.1.2.3", command=0x20), ""),  # a health check
        (SIGNATURE + b"\x21\x00\x00\x00", ""),  # a client of an unknown kind
        (SIGNATURE + b"\x20\x00\x00\x00", ""),
        (b"PROXY TCP4 10.1.2.3 10.9.9.9 40000 104\r\n", "10.1.2.3"),
        (b"PROXY TCP6 2001:db8::7 ::1 40000 104\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", ""),
    ],
)
def test_who_is_announced(header: bytes, address: str) -> None:
    assert announced(header + FOLLOWS) == (address, FOLLOWS)


@pytest.mark.parametrize(
    "header",
    [
        FOLLOWS,
        b"PROXY TCP4 nobody 10.9.9.9 40000 104\r\n",
        b"PROXY TCP4 10.1.2.3\r\n",
        b"PROXY TCP4 " + b"1" * 200,
        SIGNATURE + b"\x21\x11\x00\x04abcd",
        SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_announcement(header: bytes) -> None:
    with pytest.raises(NotAnnounced):
        announced(header + bytes(64), more=True)


def test_a_balancer_that_leaves_and_one_that_waits() -> None:
    with pytest.raises(TransportClosed):
        announced(version_2("10.1.2.3")[:20])
    with pytest.raises(TimedOut):
        announced(SIGNATURE, more=True, seconds=0.05)


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_end(begin: bytes, rest: bytes) -> None:
    for sent in (begin, SIGNATURE + begin, b"PROXY " + begin + b"\r\n" + rest):
        try:
            address, _ = announced(sent)
        except TransportClosed:
            continue
        assert address == "" or ipaddress.ip_address(address)


@given(st.ip_addresses(), st.binary(max_size=30), st.binary(max_size=50))
def test_whatever_follows_is_left(address: ipaddress.IPv4Address | ipaddress.IPv6Address, options: bytes, rest: bytes) -> None:
    found, left = announced(version_2(str(address), options=options) + rest)
    assert ipaddress.ip_address(found) == address and left == rest
