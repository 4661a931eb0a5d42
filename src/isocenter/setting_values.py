"""What the values of settings are: addresses, sizes, places; how each is read from a text, and written as one."""

import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """HOST:PORT to listen on or to reach; IPv6 hosts are written in brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read "127.0.0.1:8080", "[::1]:8080", ":8080" (every interface). Raises ValueError."""
        host, colon, port = text.strip().rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError("write it as HOST:PORT, for example 127.0.0.1:8080")
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        return cls(host or "0.0.0.0", int(port))

    @property
    def is_loopback(self) -> bool:
        """True when nobody outside this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Origins(tuple[str, ...]):
    """Web sites as browsers name them (RFC 6454): scheme, host and port."""

    @classmethod
    def parse(cls, text: str) -> "Origins":
        """Read "https://viewer.example.org,http://localhost:3000" or "*". Raises ValueError."""
        names = [part.strip() for part in text.split(",") if part.strip()]
        if not all(name == "*" or re.fullmatch(r"https?://[^/\s?#@]+", name) for name in names):
            raise ValueError("write https://HOST, as the browser shows it, without a path; or * for every site")
        return cls(names)


class Size(int):
    """A number of bytes, written as 512MB, 2GB or plain digits (powers of 1024)."""

    UNITS = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}  # noqa: RUF012

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Read "256MB". Raises ValueError."""
        match = re.fullmatch(r"\s*(\d+)\s*([KMGT]?B?)\s*", text, re.ASCII | re.IGNORECASE)
        unit = match[2].upper() if match else "?"
        factor = cls.UNITS.get(unit if unit.endswith("B") or not unit else f"{unit}B")
        if match is None or factor is None:
            raise ValueError("write a number of bytes, for example 256MB or 2GB")
        return cls(int(match[1]) * factor)

    def __str__(self) -> str:
        for unit in ("TB", "GB", "MB", "KB"):
            if self and self % self.UNITS[unit] == 0:
                return f"{self // self.UNITS[unit]}{unit}"
        return int.__repr__(self)


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where an S3 bucket is: s3://BUCKET[/PREFIX]?endpoint=URL&region=NAME&style=path|virtual&checksum=sha256.

    endpoint: "" for Amazon's.
    """

    name: str
    prefix: str
    endpoint: str
    region: str
    virtual: bool  # the bucket's name is part of the host's
    checksum: str = ""  # of what is put, as S3 asks for it where the bucket has Object Lock: "sha256"

    @classmethod
    def parse(cls, text: str) -> "BucketAddress":
        """Read it. Raises ValueError with what is wrong."""
        parts = urlsplit(text)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        endpoint, style = given.pop("endpoint", ""), given.pop("style", "path")
        region, checksum = given.pop("region", "us-east-1"), given.pop("checksum", "")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", parts.netloc, re.IGNORECASE):
            raise ValueError("write s3://BUCKET, with at most a /PREFIX; keys belong into s3_access_key and s3_secret_key")
        if given or style not in ("path", "virtual") or checksum not in ("", "sha256"):
            raise ValueError("after ? there may be endpoint=URL, region=NAME, style=path or style=virtual, and checksum=sha256")
        if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc):
            raise ValueError("endpoint must begin with https:// (or http:// where nobody listens)")
        return cls(parts.netloc, parts.path.strip("/"), endpoint.rstrip("/"), region, style == "virtual", checksum)


class Tenants(dict[str, dict[str, str]]):
    """Name of an institution -> its own settings as texts; not to be changed, as no setting is."""

    NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")

    @classmethod
    def parse(cls, text: str) -> "Tenants":
        """Read {"north": {"aet": "NORTH"}} in JSON. Raises ValueError."""
        tree = json.loads(text) if text.strip() else {}
        if not isinstance(tree, dict) or not all(isinstance(table, dict) for table in tree.values()):
            raise ValueError("write a table [tenants.NAME] for each institution in the TOML file")
        for name, table in tree.items():
            if not cls.NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name: lower-case letters, digits and hyphens, 32 at most")
            if not all(isinstance(value, str) for value in table.values()):
                raise ValueError(f"the settings of {name} must be texts")
        return cls(tree)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(str(self))

    def __str__(self) -> str:
        return json.dumps(self, sort_keys=True) if self else ""


class Roles(dict[str, str]):
    """Group of the provider -> role, in the order they are asked; not to be changed, as no setting is."""

    @classmethod
    def parse(cls, text: str) -> "Roles":
        """Read "Radiology=radiologist; CN=PACS,OU=IT=admin": the role follows the last equals sign. Raises ValueError."""
        found: dict[str, str] = {}
        for line in filter(str.strip, text.split(";")):
            group, equals, role = line.rpartition("=")
            if not equals or not group.strip() or not role.strip() or group.strip() in found:
                raise ValueError("write GROUP=ROLE; GROUP=ROLE, each group once")
            found[group.strip()] = role.strip()
        return cls(found)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(str(self))

    def __str__(self) -> str:
        return "; ".join(f"{group}={role}" for group, role in self.items())


def text_of(value: Any) -> str:
    """A value as one would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _boolean(text: str) -> bool:
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.strip().lower() not in known:
        raise ValueError("write true or false")
    return known[text.strip().lower()]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("write a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("write a number") from None


def _networks(text: str) -> tuple[str, ...]:
    """Addresses and CIDR networks, each checked."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        ipaddress.ip_network(name, strict=False)
    return names


def _path(text: str) -> Path:
    if not text:
        raise ValueError("it must name a path")
    return Path(text).expanduser()


PARSERS: dict[Any, Any] = {  # type -> text -> value; raises ValueError with a sentence on what to write
    str: str.strip, int: _integer, float: _number, bool: _boolean, Path: _path, Path | None: lambda t: _path(t) if t else None,
    Address: Address.parse, Address | None: lambda t: Address.parse(t) if t else None, Size: Size.parse,
    tuple[str, ...]: _networks, Origins: Origins.parse, Tenants: Tenants.parse, Roles: Roles.parse,
}
