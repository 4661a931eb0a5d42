"""Where a request comes from: the peer's address, or what a declared proxy says about it.

X-Forwarded-For is written by anybody; it is believed only as far as the addresses in it are proxies the settings name.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import Scope

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Origin:
    """`address` of the client ("" when it has none, as on a Unix socket) and whether it speaks https to us or to our proxy."""

    address: str
    https: bool


class Forwarding:
    """Reads the origin of requests; `proxies` are addresses or CIDR networks."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ipaddress.ip_network(text, strict=False) for text in proxies)
        self._trusts = lru_cache(maxsize=1024)(self._is_proxy)

    def _is_proxy(self, address: str) -> bool:
        try:
            number = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped:
            number = number.ipv4_mapped
        return any(number.version == network.version and number in network for network in self._networks)

    def origin(self, scope: Scope) -> Origin:
        """The nearest address that is no proxy of ours, and the scheme the client used."""
        client = scope.get("client")
        address = client[0] if client else ""
        https = scope.get("scheme") in ("https", "wss")
        if not self._networks or not self._trusts(address):
            return Origin(address, https)
        chain, scheme = _headers(scope)
        # Each proxy appends the address it saw: the list is read from its end, up to the first that is no proxy of ours.
        for hop in reversed(chain):
            if _valid(hop):
                address = hop
            if not self._trusts(hop):
                break
        return Origin(address, scheme == "https" if scheme else https)


def _headers(scope: Scope) -> tuple[list[str], str]:
    chain: list[str] = []
    scheme = ""
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            chain += [hop.strip() for hop in value.decode("latin-1").split(",")]
        elif name == b"x-forwarded-proto":
            scheme = value.decode("latin-1").rsplit(",", 1)[-1].strip().lower()
    return chain, scheme


def _valid(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True
