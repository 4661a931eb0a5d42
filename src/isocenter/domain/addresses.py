"""IP addresses as senders have them: pure functions over text."""

import ipaddress
from collections.abc import Iterable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_address(text: str) -> bool:
    """Whether it is an IP address, and no host name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def plain(text: str) -> IPAddress:
    """The address; an IPv4 address that a dual-stack socket shows as IPv6 is the IPv4 address. Raises ValueError."""
    number = ipaddress.ip_address(text)
    mapped = number.ipv4_mapped if isinstance(number, ipaddress.IPv6Address) else None
    return mapped or number


def household(address: str) -> str:
    """What failures are counted under: a household or a rented server owns a whole IPv6 /64, so that counts as one address.

    "" for what is no address.
    """
    if not is_address(address):
        return ""
    number = plain(address)
    return str(ipaddress.ip_network((number, 64), strict=False) if isinstance(number, ipaddress.IPv6Address) else number)


def network(text: str) -> str:
    """A network or an address as it is written best: 10.1.0.0/16, 10.1.2.3. Raises ValueError."""
    made = ipaddress.ip_network(text, strict=False)
    return str(made.network_address) if made.num_addresses == 1 else str(made)


def is_loopback(address: str) -> bool:
    """Whether it is this machine's own address."""
    return is_address(address) and plain(address).is_loopback


def inside(address: str, networks: Iterable[str]) -> bool:
    """Whether an address belongs to one of the networks; what is no address belongs to none."""
    return is_address(address) and any(plain(address) in ipaddress.ip_network(each) for each in networks)
