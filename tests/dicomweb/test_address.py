"""The base URL of answers, and what nobody may put into it."""

from typing import Any

import pytest

from isocenter.dicomweb.address import Addresses
from isocenter.settings import Settings


def base(
    settings: Settings | None = None,
    client: str = "10.0.0.9",
    scheme: str = "http",
    server: tuple[str, int] = ("10.0.0.1", 8080),
    **headers: str,
) -> str:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"headers": raw, "scheme": scheme, "client": (client, 5), "server": server}
    return Addresses(settings or Settings()).base(scope)


def test_public_url_wins() -> None:
    assert base(Settings(public_url="https://pacs.example.org/"), host="x") == "https://pacs.example.org/dicom-web"


@pytest.mark.parametrize("host", ["pacs:8080", "10.0.0.1", "[::1]:8080", "a-b.example.org"])
def test_host(host: str) -> None:
    server = ("0.0.0.0", 8080)
    assert base(host=host, server=server) == f"http://{host}/dicom-web"
    assert base(host=host, scheme="https", server=server) == f"https://{host}/dicom-web"


@pytest.mark.parametrize("host", ["", "a b", "a/b", 'a"b', "user@host", "a:b", "x" * 300, "<script>"])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    assert base(host=host) == "http://127.0.0.1:8080/dicom-web"


def test_a_port_left_out_is_ours_when_the_address_is() -> None:
    assert base(host="10.0.0.1") == "http://10.0.0.1:8080/dicom-web"
    assert base(host="10.0.0.2") == "http://10.0.0.2/dicom-web"


def test_forwarded_headers_only_from_declared_proxies() -> None:
    behind = Settings(proxies=("10.0.0.0/24",))
    forwarded = {"host": "inner", "x_forwarded_host": "pacs.example.org", "x_forwarded_proto": "https"}
    assert base(behind, **forwarded) == "https://pacs.example.org/dicom-web"
    assert base(behind, client="192.168.1.1", **forwarded) == "http://inner/dicom-web"
    assert base(**forwarded) == "http://inner/dicom-web"
    assert base(behind, client="no address", **forwarded) == "http://inner/dicom-web"
