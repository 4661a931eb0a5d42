"""Under which address the client knows this archive: URLs in answers must begin with it."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from isocenter.settings import Settings

ROOT = "/dicom-web"

# RFC 3986 3.2.2, as far as hosts are written in practice; anything else in a Host header does not get into an answer.
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class Addresses:
    """Finds the base URL of requests: `public_url`, else Host; X-Forwarded-Host and -Proto only from declared proxies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._networks = tuple(ipaddress.ip_network(text, strict=False) for text in settings.proxies)

    def base(self, scope: Mapping[str, Any]) -> str:
        """`https://pacs.example.org/dicom-web`, without a slash at the end."""
        if self._settings.public_url:
            return self._settings.public_url.rstrip("/") + ROOT
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host, scheme = headers.get(b"host", b""), str(scope.get("scheme", "http"))
        if self._networks and self._is_proxy(scope):
            host = headers.get(b"x-forwarded-host", host).split(b",")[0].strip()
            forwarded = headers.get(b"x-forwarded-proto", b"").split(b",")[0].strip().lower()
            scheme = forwarded.decode("ascii", "replace") if forwarded in (b"http", b"https") else scheme
        text = host.decode("latin-1")
        if not _HOST.fullmatch(text):
            return self._settings.url + ROOT
        return f"{scheme}://{text}{_missing_port(text, scope)}{ROOT}"

    def _is_proxy(self, scope: Mapping[str, Any]) -> bool:
        client = scope.get("client")
        try:
            address = ipaddress.ip_address(client[0]) if client else None
        except ValueError:
            return False
        return address is not None and any(address.version == net.version and address in net for net in self._networks)


def _missing_port(host: str, scope: Mapping[str, Any]) -> str:
    """The port that some clients (dicomweb-client) leave out of Host, where it is certain: they name our own socket's address."""
    server = scope.get("server")
    return f":{server[1]}" if server and server[0] == host and server[1] not in (None, 80, 443) else ""
